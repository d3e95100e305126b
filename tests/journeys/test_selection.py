"""One stream without the other, stream maps, and what the state then holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_qonto.streams import SupplierInvoices
from tests.support import FILES, INVOICES, chosen

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Output, Runner

BOTH = (INVOICES, FILES)


def streams_of(output: Output, kind: str) -> list[str]:
    return [message["stream"] for message in output.of(kind)]


def file_keys(output: Output) -> list[tuple[str, str]]:
    return [(row["supplier_invoice_id"], row["id"]) for row in output.records(FILES)]


def all_file_keys(fake: FakeQonto) -> set[tuple[str, str]]:
    return {
        (row["id"], key)
        for row in fake.control.invoices()
        for key in (row["attachment_id"], row["display_attachment_id"])
        if key
    }


def test_without_a_catalog_both_are_read(company: FakeQonto, tap: Runner) -> None:
    output = tap.sync()
    assert set(output.ids()) == set(company.control.invoice_ids())
    assert set(file_keys(output)) == all_file_keys(company)


def test_each_schema_comes_once_and_before_the_rows(company: FakeQonto, tap: Runner) -> None:
    output = tap.sync(page_size=3)
    assert sorted(streams_of(output, "SCHEMA")) == sorted(BOTH)
    assert [message["type"] for message in output.messages[:2]] == ["SCHEMA", "SCHEMA"]
    assert len(output.records()) == len(company.control.invoice_ids())


def test_invoices_alone_make_no_attachment_call(company: FakeQonto, tap: Runner) -> None:
    output = tap.sync(INVOICES)
    assert set(output.ids()) == set(company.control.invoice_ids())
    assert streams_of(output, "SCHEMA") == [INVOICES]
    assert company.control.count("api", "attachments") == company.control.count("files") == 0
    assert not tap.files.exists()


def test_attachments_alone_still_walk_the_invoices(company: FakeQonto, tap: Runner) -> None:
    output = tap.sync(FILES, page_size=10)
    assert set(file_keys(output)) == all_file_keys(company)
    assert set(streams_of(output, "SCHEMA")) == set(streams_of(output, "RECORD")) == {FILES}
    assert len(output.states) >= 3


def test_nothing_selected_asks_for_nothing(company: FakeQonto, tap: Runner) -> None:
    output = tap.sync(catalog=chosen())
    assert output.of("RECORD") == output.of("SCHEMA") == []
    assert company.control.count() == 0


def test_a_stream_that_the_catalog_does_not_name_is_not_read(
    company: FakeQonto, tap: Runner
) -> None:
    catalog = chosen(*BOTH)
    catalog["streams"] = [
        entry for entry in catalog["streams"] if entry["tap_stream_id"] == INVOICES
    ]
    output = tap.sync(catalog=catalog)
    assert set(streams_of(output, "RECORD")) == {INVOICES}
    assert company.control.count("api", "attachments") == 0


def test_a_catalog_without_keys_and_metadata_keeps_the_facts_of_the_api(
    company: FakeQonto, tap: Runner
) -> None:
    catalog = chosen(*BOTH)
    for entry in catalog["streams"]:
        for name in ("key_properties", "replication_key", "replication_method", "is_view"):
            entry.pop(name, None)
        entry["metadata"] = [{"breadcrumb": [], "metadata": {"selected": True}}]
    output = tap.sync(catalog=catalog)
    keys = {message["stream"]: message["key_properties"] for message in output.of("SCHEMA")}
    assert keys == {INVOICES: ["id"], FILES: ["supplier_invoice_id", "id"]}
    assert set(output.ids()) == set(company.control.invoice_ids())
    assert set(file_keys(output)) == all_file_keys(company)


# Changing one's mind.


@pytest.mark.parametrize("later", [(INVOICES,), (FILES,), BOTH])
@pytest.mark.parametrize("first", [(INVOICES,), (FILES,), BOTH])
def test_what_is_selected_later_is_read_from_where_it_stopped(
    company: FakeQonto, tap: Runner, first: tuple[str, ...], later: tuple[str, ...]
) -> None:
    company.control.delete_attachment(company.control.attachment_ids()[0])
    ids, files = set[str](), set[tuple[str, str]]()
    state: Json | None = None
    for selected in (first, later, BOTH):
        output = tap.sync(*selected, state=state, page_size=10)
        state = output.state
        ids |= set(output.ids())
        files |= set(file_keys(output))
        company.control.add_invoice()
        if INVOICES in selected:
            assert len(ids) == len(company.control.invoice_ids()) - 1
        if FILES in selected:
            assert len(files) == len(all_file_keys(company)) - 1
    final = tap.sync(state=state)
    assert ids | set(final.ids()) == set(company.control.invoice_ids())
    assert files | set(file_keys(final)) == all_file_keys(company)
    # Once they stand together, one bookmark serves both, and little is read again.
    assert final.state["bookmarks"][FILES] == {}
    assert len(final.ids()) < 10


def test_a_stop_while_catching_up_loses_nothing(company: FakeQonto, tap: Runner) -> None:
    alone = tap.sync(INVOICES)
    catching_up = tap.sync(page_size=5, state=alone.state)
    for place, message in enumerate(catching_up.messages):
        if message["type"] != "STATE":
            continue
        files = {
            (row["record"]["supplier_invoice_id"], row["record"]["id"])
            for row in catching_up.messages[:place]
            if row["type"] == "RECORD" and row["stream"] == FILES
        }
        rest = tap.sync(state=message["value"])
        assert files | set(file_keys(rest)) == all_file_keys(company)


# Properties.


def test_properties_that_are_deselected_do_not_come(company: FakeQonto, tap: Runner) -> None:
    without = {INVOICES: ["iban", "supplier_snapshot", "id"], FILES: ["sha256"]}
    output = tap.sync(catalog=chosen(*BOTH, without=without))
    for record in output.records():
        assert {"iban", "supplier_snapshot"}.isdisjoint(record)
        assert record["id"]
        assert record["updated_at"]
    assert all("sha256" not in record for record in output.records(FILES))
    for message in output.of("SCHEMA"):
        left_out = set(without[message["stream"]]) - {"id"}
        assert left_out.isdisjoint(message["schema"]["properties"])
    assert set(file_keys(output)) == all_file_keys(company)


def test_files_come_without_the_property_that_names_them(company: FakeQonto, tap: Runner) -> None:
    without = {INVOICES: ["attachment_id", "display_attachment_id"]}
    output = tap.sync(catalog=chosen(*BOTH, without=without))
    assert set(file_keys(output)) == all_file_keys(company)
    assert all("attachment_id" not in record for record in output.records())


# Stream maps.


def test_files_of_filtered_invoices_are_not_fetched(company: FakeQonto, tap: Runner) -> None:
    maps = {INVOICES: {"__filter__": "status == 'paid'"}}
    output = tap.sync(stream_maps=maps)
    paid = {row["id"] for row in company.control.invoices() if row["status"] == "paid"}
    assert set(output.ids()) == paid
    expected = {(invoice, key) for invoice, key in all_file_keys(company) if invoice in paid}
    assert set(file_keys(output)) == expected
    fetched = {request["path"] for request in company.control.requests("api")}
    asked = {path.rsplit("/", 1)[1] for path in fetched if "attachments" in path}
    assert asked == {key for _, key in expected}
    assert 0 < len(paid) < 30


def test_a_filtered_invoice_does_not_hold_the_bookmark(company: FakeQonto, tap: Runner) -> None:
    everything = tap.sync(INVOICES)
    assert len(everything.ids()) == len(company.control.invoice_ids())
    filtered = tap.sync(INVOICES, stream_maps={INVOICES: {"__filter__": "status == 'paid'"}})
    assert filtered.state == everything.state


@pytest.mark.parametrize("name", BOTH)
def test_a_stream_that_is_mapped_to_nothing_is_gone(
    company: FakeQonto, tap: Runner, name: str
) -> None:
    output = tap.sync(stream_maps={name: "__NULL__"})
    assert name not in streams_of(output, "SCHEMA") + streams_of(output, "RECORD")
    # Without their invoices files are no use; without their rows nobody finds them.
    assert company.control.count("api", "attachments") == 0


@pytest.mark.parametrize(
    "maps",
    [
        {
            INVOICES: {"__filter__": "status != 'paid'"},
            "paid": {"__source__": INVOICES, "__filter__": "status == 'paid'"},
        },
        {INVOICES: "__NULL__", "paid": {"__source__": INVOICES}},
    ],
    ids=["split", "renamed"],
)
def test_an_invoice_has_its_files_whichever_map_lets_it_through(
    company: FakeQonto, tap: Runner, maps: Json
) -> None:
    output = tap.sync(stream_maps=maps)
    assert {*output.ids(), *output.ids("paid")} == set(company.control.invoice_ids())
    assert set(file_keys(output)) == all_file_keys(company)


def test_what_a_map_took_away_is_read_from_the_beginning_later(
    company: FakeQonto, tap: Runner
) -> None:
    nothing = tap.sync(stream_maps={INVOICES: "__NULL__"})
    assert nothing.of("RECORD") == []
    for streams in (BOTH, [INVOICES], [FILES]):
        later = tap.sync(*streams, state=nothing.state)
        if INVOICES in streams:
            assert set(later.ids()) == set(company.control.invoice_ids())
        if FILES in streams:
            assert set(file_keys(later)) == all_file_keys(company)


@pytest.mark.parametrize("first", [True, False])
def test_a_filter_that_changes_its_mind_loses_no_file_and_fetches_none_twice(
    company: FakeQonto, tap: Runner, monkeypatch: pytest.MonkeyPatch, *, first: bool
) -> None:
    said: dict[str, bool] = {}

    def fickle(_: SupplierInvoices, record: Json) -> bool:
        said[record["id"]] = not said.get(record["id"], not first)
        return said[record["id"]]

    monkeypatch.setattr(SupplierInvoices, "_is_wanted", fickle)
    output = tap.sync(page_size=10)
    assert set(file_keys(output)) == all_file_keys(company)
    assert company.control.count("api", "attachments") == len(all_file_keys(company))


def test_streams_and_properties_can_be_renamed_and_added(company: FakeQonto, tap: Runner) -> None:
    maps = {
        INVOICES: {"__alias__": "bills", "supplier": "supplier_name", "iban": "__NULL__"},
        FILES: {"__alias__": "bill_files"},
    }
    output = tap.sync(stream_maps=maps)
    bills = output.records("bills")
    names = {row["id"]: row.get("supplier_name") for row in company.control.invoices()}
    assert {record["id"]: record["supplier"] for record in bills} == names
    assert all("iban" not in record for record in bills)
    assert len(output.records("bill_files")) == len(all_file_keys(company))


@pytest.mark.parametrize("maps", [None, {FILES: {}}])
@pytest.mark.parametrize("full", [[], [INVOICES]])
def test_every_record_is_of_a_stream_whose_schema_came_before(
    company: FakeQonto, tap: Runner, maps: Json | None, full: list[str]
) -> None:
    output = tap.sync(catalog=chosen(*BOTH, full_table=full), stream_maps=maps)
    known: set[str] = set()
    for message in output.messages:
        if message["type"] == "SCHEMA":
            known.add(message["stream"])
        elif message["type"] != "STATE":
            assert message["stream"] in known
    assert len(output.records()) == len(company.control.invoice_ids())
