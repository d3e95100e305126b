"""With `batch_config`, files hold what messages would hold, and nothing is lost."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tap_qonto.errors import DataError
from tests.support import BOTH, FILES, INVOICES, chosen, output_before

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Output, Runner


def batches(tap: Runner, size: int = 7) -> Json:
    """Return the settings with which a run writes batches."""
    folder = tap.folder / "batches"
    folder.mkdir(exist_ok=True)
    return {
        "batch_config": {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": folder.as_uri(), "prefix": "a-"},
            "batch_size": size,
        }
    }


def batched(output: Output) -> dict[str, list[Json]]:
    """Return the records of all batch files, by stream."""
    found: dict[str, list[Json]] = {}
    for message in output.of("BATCH"):
        for url in message["manifest"]:
            with gzip.open(urlsplit(url).path) as lines:
                records = [json.loads(line, parse_float=Decimal) for line in lines]
            found.setdefault(message["stream"], []).extend(records)
    return found


def sent(output: Output, *, but: str | None = None) -> dict[str, list[Json]]:
    """Return the records of all messages, by stream."""
    found: dict[str, list[Json]] = {}
    for message in output.of("RECORD"):
        if message["stream"] != but:
            found.setdefault(message["stream"], []).append(message["record"])
    return found


def by_id(rows: list[Json]) -> list[Json]:
    """Return rows in an order that does not depend on the run."""
    return sorted(rows, key=lambda row: str(row["id"]))


@pytest.mark.parametrize("size", [1, 7, 30, 1000])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"stream_maps": {INVOICES: {"iban": "__NULL__", "hash": "md5(id)"}}},
        {"stream_maps": {INVOICES: {"__filter__": "status == 'paid'"}}},
        {"stream_maps": {INVOICES: {"__alias__": "bills"}}},
        {
            "stream_maps": {
                INVOICES: {"__filter__": "status != 'paid'", "supplier_snapshot": "__NULL__"},
                "paid": {"__source__": INVOICES, "__filter__": "status == 'paid'"},
            }
        },
        {"stream_maps": {INVOICES: "__NULL__", "all": {"__source__": INVOICES}}},
        {"flattening_enabled": True, "flattening_max_depth": 1},
    ],
    ids=["plain", "fields", "filter", "alias", "split", "renamed", "flattened"],
)
def test_batches_hold_what_messages_would_hold(
    company: FakeQonto, tap: Runner, settings: Json, size: int
) -> None:
    assert company.control.invoice_ids()
    catalog = chosen(INVOICES, without={INVOICES: ["description", "file_name"]})
    messages = tap.sync(catalog=catalog, page_size=10, **settings)
    output = tap.sync(catalog=catalog, page_size=10, **settings, **batches(tap, size))
    assert batched(output) == sent(messages)
    assert output.of("RECORD") == []
    assert output.of("SCHEMA") == messages.of("SCHEMA")
    assert output.state == messages.state


def test_numbers_keep_their_digits_in_batches(company: FakeQonto, tap: Runner) -> None:
    messages = tap.sync("transactions")
    output = tap.sync("transactions", **batches(tap, 1000))
    # Accounts are read side by side, in another order each time.
    assert by_id(batched(output)["transactions"]) == by_id(messages.records("transactions"))
    assert any(isinstance(row["amount"], Decimal) for row in messages.records("transactions"))
    assert company.control.invoice_ids()


def test_a_stream_that_is_mapped_to_nothing_has_no_batch(company: FakeQonto, tap: Runner) -> None:
    assert company.control.invoice_ids()
    output = tap.sync(INVOICES, stream_maps={INVOICES: "__NULL__"}, **batches(tap))
    assert output.of("BATCH") == output.of("SCHEMA") == []


def test_files_come_as_messages_beside_batches(company: FakeQonto, tap: Runner) -> None:
    messages = tap.sync(page_size=10)
    output = tap.sync(page_size=10, **batches(tap))
    assert batched(output)[INVOICES] == messages.records()
    assert output.ids(FILES) == messages.ids(FILES)
    assert output.state == messages.state
    assert set(output.ids(FILES)) <= set(company.control.attachment_ids())


def test_files_alone_have_their_state_too(company: FakeQonto, tap: Runner) -> None:
    output = tap.sync(FILES, **batches(tap))
    assert output.of("BATCH") == []
    assert output.state == tap.sync(FILES).state
    assert company.control.attachment_ids()


def test_a_state_stands_for_no_row_that_is_not_in_a_batch_before(
    company: FakeQonto, tap: Runner
) -> None:
    output = tap.sync(INVOICES, page_size=4, **batches(tap, 6))
    seen: set[str] = set()
    for message in output.messages:
        if message["type"] == "BATCH":
            one = [each for each in output.of("BATCH") if each == message]
            assert len(one) == 1
            with gzip.open(urlsplit(message["manifest"][0]).path) as lines:
                seen |= {json.loads(line)["id"] for line in lines}
        if message["type"] == "STATE":
            rest = tap.sync(INVOICES, state=message["value"])
            assert seen | set(rest.ids()) == set(company.control.invoice_ids())


@pytest.mark.parametrize("streams", [(INVOICES,), BOTH])
def test_a_table_that_is_read_whole_is_activated_after_its_last_batch(
    company: FakeQonto, tap: Runner, streams: tuple[str, ...]
) -> None:
    output = tap.sync(catalog=chosen(*streams, full_table=streams), **batches(tap))
    places: dict[tuple[str, str], int] = {
        (message["type"], message["stream"]): place
        for place, message in enumerate(output.messages)
        if "stream" in message
    }
    for stream in streams:
        activated = places["ACTIVATE_VERSION", stream]
        assert activated > places["BATCH" if stream == INVOICES else "RECORD", stream]
    assert len(output.of("ACTIVATE_VERSION")) == len(streams)
    assert len(batched(output)[INVOICES]) == len(company.control.invoice_ids())
    assert output.messages[-1]["type"] == "STATE"


def test_a_batch_that_cannot_be_written_leaves_its_bookmark(
    company: FakeQonto, tap: Runner
) -> None:
    first = tap.sync(INVOICES)
    for key in company.control.invoice_ids():
        company.control.edit_invoice(key, iban=None)
    maps = {INVOICES: {"start": "iban[:4]"}}
    with pytest.raises(DataError, match="stream_maps") as caught:
        tap.sync(INVOICES, "labels", state=first.state, stream_maps=maps, **batches(tap, 1000))
    output = output_before(caught.value)
    assert batched(output)["labels"]
    assert output.state["bookmarks"][INVOICES] == first.state["bookmarks"][INVOICES]
