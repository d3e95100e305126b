"""The stream of supplier invoices: filters, methods of replication, the SDK's own settings."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tap_qonto import timestamps
from tap_qonto.errors import ConfigError, UnreachableError
from tap_qonto.settings.declaration import SETTINGS
from tests.support import (
    FILES,
    INVOICES,
    all_file_keys,
    bookmark,
    chosen,
    file_keys,
    meltano_catalog,
    output_before,
)

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Output, Runner

FULL = chosen(INVOICES, FILES, full_table=[INVOICES])


def asked(fake: FakeQonto, number: int = 0) -> list[tuple[str, str]]:
    """Return the query of a list request."""
    lists = [entry for entry in fake.control.requests("api") if entry["path"].endswith(INVOICES)]
    return [(name, value) for name, value in lists[number]["query"]]


# What is asked for.


def test_the_list_is_asked_for_in_the_order_of_the_guide(fake: FakeQonto, tap: Runner) -> None:
    tap.sync(page_size=7)
    query = dict(asked(fake))
    assert query["sort_by"] == "updated_at:asc"
    assert query["per_page"] == "7"
    assert query["page"] == "1"
    assert query.keys() == {"sort_by", "per_page", "page"}


def test_a_page_holds_a_hundred_rows_by_default(fake: FakeQonto, tap: Runner) -> None:
    tap.sync()
    assert dict(asked(fake))["per_page"] == "100"


FILTERS: list[tuple[Json, list[tuple[str, str]]]] = [
    (
        {"status": ["to_pay", "paid"]},
        [("filter[status][]", "to_pay"), ("filter[status][]", "paid")],
    ),
    (
        {"due_date": ["past_and_today", "missing_date"]},
        [("filter[due_date][]", "past_and_today"), ("filter[due_date][]", "missing_date")],
    ),
    (
        {"created_at_from": "2025-01-01", "created_at_to": "2025-02-01T01:00:00.9+01:00"},
        [
            ("filter[created_at_from]", "2025-01-01T00:00:00Z"),
            ("filter[created_at_to]", "2025-02-01T00:00:00Z"),
        ],
    ),
    ({"payment_date": "this_month"}, [("filter[payment_date]", "this_month")]),
    ({"issue_date": "past_week"}, [("filter[issue_date]", "past_week")]),
    ({"issue_date_from": "2025-01-01"}, [("filter[issue_date_from]", "2025-01-01")]),
    ({"missing_data": True}, [("filter[missing_data]", "true")]),
    ({"matched_transactions": False}, [("filter[matched_transactions]", "false")]),
    ({"document_type": ["duplicates"]}, [("filter[document_type][]", "duplicates")]),
    (
        {"approver_id": ["0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"]},
        [("filter[approver_id][]", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")],
    ),
    (
        {"attachment_id": ["0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"]},
        [("filter[attachment_id][]", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0")],
    ),
    ({"exclude_credit_notes": True}, [("filter[exclude_credit_notes]", "true")]),
    ({"payable_amount": "gte:100.00:EUR"}, [("filter[payable_amount]", "gte:100.00:EUR")]),
    (
        {"query": "Été & Co", "query_fields": ["supplier_name", "file_name"]},
        [
            ("query", "Été & Co"),
            ("query_fields[]", "supplier_name"),
            ("query_fields[]", "file_name"),
        ],
    ),
]


@pytest.mark.parametrize(
    ("filters", "sent"),
    FILTERS,
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_filters_are_sent_as_the_api_names_them(
    company: FakeQonto, tap: Runner, filters: Json, sent: list[tuple[str, str]]
) -> None:
    tap.sync(INVOICES, supplier_invoices_filter=filters)
    always = {"sort_by", "per_page", "page"}
    assert [pair for pair in asked(company) if pair[0] not in always] == sent


def test_every_filter_of_the_setting_is_tested() -> None:
    known = SETTINGS["properties"]["supplier_invoices_filter"]["properties"]
    assert {name for filters, _ in FILTERS for name in filters} == set(known)


def test_filters_are_sent_with_every_page(company: FakeQonto, tap: Runner) -> None:
    output = tap.sync(
        INVOICES, page_size=3, supplier_invoices_filter={"status": ["paid", "to_pay"]}
    )
    wanted = {
        row["id"] for row in company.control.invoices() if row["status"] in {"paid", "to_pay"}
    }
    assert set(output.ids()) == wanted
    assert company.control.count("api") > 2
    for number in range(company.control.count("api")):
        assert ("filter[status][]", "paid") in asked(company, number)


@pytest.mark.parametrize("style", ["null", "absent", "zero"])
@pytest.mark.parametrize("past", [422, "empty"])
def test_all_rows_come_whatever_the_last_page_says(
    company: FakeQonto, tap: Runner, style: str, past: int | str
) -> None:
    company.control.set(next_page_style=style, past_last_page=past)
    output = tap.sync(INVOICES, page_size=7)
    assert sorted(output.ids()) == sorted(company.control.invoice_ids())
    assert {request["status"] for request in company.control.requests("api")} == {200}


@pytest.mark.parametrize("past", [422, "empty"])
def test_a_page_that_is_gone_meanwhile_is_the_end_of_its_list(
    fake: FakeQonto, tap: Runner, past: int | str
) -> None:
    stamp = "2025-01-01T00:00:00Z"
    ids = fake.control.add_invoices(
        [{"updated_at": stamp, "created_at": stamp, "attachment_id": None}] * 25
    )
    fake.control.set(past_last_page=past)
    # The third request is for the first page of this instant, the fourth for its last.
    gone: list[Any] = [{"op": "delete_invoice", "id": key} for key in sorted(ids)[3:15]]
    fake.control.after_request(3, gone)
    output = tap.sync(INVOICES, page_size=5)
    assert set(fake.control.invoice_ids()) <= set(output.ids())
    statuses = [request["status"] for request in fake.control.requests("api")]
    assert (422 in statuses) is (past == 422)


# What comes out.


@pytest.mark.parametrize("style", ["local", "utc", "mixed"])
@pytest.mark.parametrize("digits", [0, 3, 6])
def test_rows_come_in_order_and_in_utc_in_every_style(
    company: FakeQonto, tap: Runner, style: str, digits: int
) -> None:
    company.control.set(timestamp_style=style, shown_digits=digits)
    records = tap.sync(INVOICES, page_size=10).records()
    stamps = [record["updated_at"] for record in records]
    assert stamps == sorted(stamps)
    served = {row["id"]: row for row in company.control.invoices()}
    for record in records:
        for name in ("updated_at", "created_at"):
            assert record[name] == timestamps.to_utc(served[record["id"]][name])


def test_every_value_is_what_qonto_serves(company: FakeQonto, tap: Runner) -> None:
    company.control.set(matched_transactions_style="objects", timestamp_style="utc")
    served = {row["id"]: row for row in company.control.invoices()}
    records = tap.sync(INVOICES).records()
    assert len(records) == len(served)
    for record in records:
        row = served[record["id"]]
        for name, value in record.items():
            assert plain(value) == plain(row.get(name)), name


def plain(value: Any) -> Any:
    """Return a value with every time stamp as its instant."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    try:
        return timestamps.parse(value)
    except (TypeError, ValueError):
        return value


# The whole table again.


def test_full_table_brings_all_rows_again(company: FakeQonto, tap: Runner) -> None:
    first = tap.sync()
    full = tap.sync(state=first.state, catalog=FULL)
    assert sorted(full.ids()) == sorted(company.control.invoice_ids())
    assert len(full.records(FILES)) == len(first.records(FILES))


@pytest.mark.parametrize("form", ["forced-replication-method", "replication_method"])
def test_full_table_can_be_forced_in_both_forms_of_a_catalog(
    company: FakeQonto, tap: Runner, form: str
) -> None:
    catalog = chosen(INVOICES, FILES)
    [entry] = [entry for entry in catalog["streams"] if entry["tap_stream_id"] == INVOICES]
    if form == "replication_method":
        entry[form] = "FULL_TABLE"
    else:
        [root] = [item["metadata"] for item in entry["metadata"] if not item["breadcrumb"]]
        root[form] = "FULL_TABLE"
    state = tap.sync(INVOICES).state
    output = tap.sync(state=state, catalog=catalog)
    assert len(output.ids()) == len(company.control.invoice_ids())
    assert {message["stream"] for message in output.of("ACTIVATE_VERSION")} == {INVOICES, FILES}


def test_a_method_that_there_is_not_is_told(fake: FakeQonto, tap: Runner) -> None:
    catalog = chosen(INVOICES)
    [entry] = [entry for entry in catalog["streams"] if entry["tap_stream_id"] == INVOICES]
    entry["replication_method"] = "LOG_BASED"
    with pytest.raises(ConfigError, match="asks for replication method LOG_BASED of supplier_inv"):
        tap.sync(catalog=catalog)
    assert fake.control.count() == 0


def versions(output: Output, kind: str, stream: str) -> set[int | None]:
    return {message.get("version") for message in output.of(kind, stream)}


def test_the_version_is_activated_behind_the_last_row_of_both_streams(
    company: FakeQonto, tap: Runner
) -> None:
    output = tap.sync(catalog=FULL, page_size=10)
    [version] = versions(output, "RECORD", INVOICES)
    assert isinstance(version, int)
    for stream in (INVOICES, FILES):
        assert versions(output, "RECORD", stream) == {version}
        [activation] = output.of("ACTIVATE_VERSION", stream)
        assert activation["version"] == version
    kinds = [message["type"] for message in output.messages if message["type"] != "STATE"]
    assert kinds[-2:] == ["ACTIVATE_VERSION"] * 2
    assert kinds.count("RECORD") == len(output.records()) + len(output.records(FILES))
    assert len(output.records()) == len(company.control.invoice_ids())


def test_each_full_run_has_a_version_of_its_own(company: FakeQonto, tap: Runner) -> None:
    first, second = (tap.sync(catalog=FULL) for _ in range(2))
    [one], [other] = (versions(run, "RECORD", INVOICES) for run in (first, second))
    assert (one or 0) < (other or 0)
    assert company.control.count("files") > 0


def test_no_version_is_activated_when_the_run_fails(company: FakeQonto, tap: Runner) -> None:
    company.control.add_fault("status", path=INVOICES, after=2, retry_after="0")
    with pytest.raises(UnreachableError) as caught:
        tap.sync(catalog=FULL, page_size=10)
    output = output_before(caught.value)
    assert output.of("ACTIVATE_VERSION") == []
    assert len(output.records()) > 0


def test_an_incremental_run_has_no_version_at_all(company: FakeQonto, tap: Runner) -> None:
    output = tap.sync()
    assert output.of("ACTIVATE_VERSION") == []
    for stream in (INVOICES, FILES):
        assert versions(output, "RECORD", stream) == {None}
    assert set(file_keys(output)) == all_file_keys(company)


def test_an_empty_table_is_activated_too(fake: FakeQonto, tap: Runner) -> None:
    output = tap.sync(catalog=FULL)
    assert {message["stream"] for message in output.of("ACTIVATE_VERSION")} == {INVOICES, FILES}
    assert fake.control.count("api") == 1


@pytest.mark.parametrize("alone", [INVOICES, FILES])
def test_full_table_of_one_stream_activates_that_one(
    company: FakeQonto, tap: Runner, alone: str
) -> None:
    output = tap.sync(catalog=meltano_catalog(alone, full_table=[INVOICES]))
    assert [message["stream"] for message in output.of("ACTIVATE_VERSION")] == [alone]
    assert {message["stream"] for message in output.of("RECORD")} == {alone}
    assert company.control.count("api") > 0


def test_full_table_leaves_the_bookmark_alone(company: FakeQonto, tap: Runner) -> None:
    state = tap.sync().state
    company.control.add_invoice()
    full = tap.sync(state=state, catalog=FULL)
    assert {bookmark(each) for each in full.states} == {bookmark(state)}
    # So an incremental run after it misses nothing.
    again = tap.sync(state=full.state)
    assert company.control.invoices()[-1]["id"] in again.ids()


def test_a_row_that_is_edited_during_a_full_run_is_not_lost(
    company: FakeQonto, tap: Runner
) -> None:
    last = company.control.invoice_ids()[-1]
    edit = {"op": "edit_invoice", "id": last, "description": "edited meanwhile"}
    company.control.after_request(1, [{"op": "advance", "seconds": 60}, edit])
    output = tap.sync(catalog=chosen(INVOICES, full_table=[INVOICES]), page_size=10)
    assert set(output.ids()) == set(company.control.invoice_ids())


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"start_date": "2025-01-01"}, "start_date"),
        ({"end_date": "2025-01-01"}, "end_date"),
        ({"supplier_invoices_filter": {"status": ["paid"]}}, "supplier_invoices_filter"),
    ],
)
def test_a_table_that_is_read_whole_hides_nothing(
    company: FakeQonto, tap: Runner, settings: Json, named: str
) -> None:
    output = tap.run(catalog=FULL, **settings)
    assert output.code == 1
    assert f"is to be read whole (FULL_TABLE), and {named} would hide rows" in output.sentence
    assert not output.of("ACTIVATE_VERSION")
    assert not company.control.requests("api")


# The SDK's own settings.


def test_flattening_works(company: FakeQonto, tap: Runner) -> None:
    output = tap.sync(INVOICES, flattening_enabled=True, flattening_max_depth=1)
    [schema] = [message["schema"] for message in output.of("SCHEMA")]
    served = {row["id"]: row for row in company.control.invoices()}
    for record in output.records():
        assert record.keys() <= schema["properties"].keys()
        amount = served[record["id"]].get("total_amount") or {}
        assert record["total_amount__value"] == amount.get("value")
    assert {"extra_fields", "total_amount"} & schema["properties"].keys() == {"extra_fields"}


def test_batches_hold_the_same_rows(company: FakeQonto, tap: Runner, tmp_path: Path) -> None:
    (tmp_path / "batches").mkdir()
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": (tmp_path / "batches").as_uri()},
        "batch_size": 12,
    }
    plain_run = tap.sync(INVOICES)
    output = tap.sync(INVOICES, batch_config=config, page_size=10)
    rows = [
        json.loads(line, parse_float=Decimal)
        for message in output.of("BATCH", INVOICES)
        for file in message["manifest"]
        for line in gzip.decompress(Path(urlsplit(file).path).read_bytes()).splitlines()
    ]
    assert rows == plain_run.records()
    assert output.of("RECORD", INVOICES) == []
    assert output.state == plain_run.state
    assert company.control.count("api", "attachments") == 0


def test_no_state_passes_a_batch_that_was_not_written(
    company: FakeQonto, tap: Runner, tmp_path: Path
) -> None:
    (tmp_path / "batches").mkdir()
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": (tmp_path / "batches").as_uri()},
        "batch_size": 4,
    }
    output = tap.sync(INVOICES, batch_config=config, page_size=10)
    order = [timestamps.to_utc(row["updated_at"]) for row in company.control.invoices()]
    written = 0
    for message in output.messages:
        if message["type"] == "BATCH":
            written = min(written + 4, len(order))
        elif message["type"] == "STATE":
            assert (bookmark(message["value"]) or "") <= (order[written - 1] if written else "")
    assert written == len(order)
