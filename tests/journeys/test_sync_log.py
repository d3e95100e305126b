"""The stream `sync_log`: a row for each stream of each run, which can be checked with SQL."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tap_qonto import timestamps
from tap_qonto.base_stream import MOST_NEW_FIELDS
from tap_qonto.errors import StreamsError, TapQontoError
from tap_qonto.streams import STREAMS, SyncLog
from tests.fake_qonto import TODAY
from tests.fake_qonto.endpoints.banking import serve_organization
from tests.support import BOTH, FILES, INVOICES, answer, chosen, output_before

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.lists.reader import Params
    from tests.fake_qonto.world import World
    from tests.support import Json, Output, Runner

LOG = SyncLog.name
ALL = tuple(stream.name for stream in STREAMS if stream.selected_by_default)
COLUMNS = [
    "run_id",
    "stream",
    "started_at",
    "ended_at",
    "status",
    "reason",
    "rows",
    "files",
    "bytes",
    "calls",
    "seconds_waited",
    "source_count",
    "bookmark",
    "new_fields",
    "tap_version",
]
# One list has as many counts as there are accounts.
ACCOUNTS = 4


@pytest.fixture
def bank(fake: FakeQonto, tap: Runner) -> FakeQonto:
    """A fake whose lists all have rows, read with OAuth, which every stream takes."""
    fake.control.reset(invoices=30, today=TODAY)
    tap.use_oauth(fake)
    return fake


def rows_of(output: Output) -> dict[str, Json]:
    """Return the rows of the log by stream."""
    rows = {row["stream"]: row for row in output.records(LOG)}
    assert len(rows) == len(output.records(LOG))
    return rows


def test_each_stream_is_a_row(bank: FakeQonto, tap: Runner) -> None:
    output = tap.sync(*ALL)
    (schema,) = output.of("SCHEMA", LOG)
    assert output.messages[0] == schema
    assert schema["key_properties"] == ["run_id", "stream"]
    assert list(schema["schema"]["properties"]) == COLUMNS
    rows = rows_of(output)
    assert rows.keys() == set(ALL) - {LOG}
    assert len({row["run_id"] for row in rows.values()}) == 1
    validator = jsonschema.Draft202012Validator(schema["schema"])
    for name, row in rows.items():
        validator.validate(row)
        assert list(row) == COLUMNS
        assert timestamps.parse(row["started_at"]) <= timestamps.parse(row["ended_at"])
        assert (row["status"], row["reason"], row["new_fields"]) == ("complete", None, [])
        assert row["rows"] == len(output.records(name)) > 0
        keys = output.of("SCHEMA", name)[0]["key_properties"]
        distinct = {tuple(each[key] for key in keys) for each in output.records(name)}
        assert row["source_count"] in {None, len(distinct)}
        assert row["tap_version"]
    assert sum(row["calls"] for row in rows.values()) == bank.control.count("api")
    assert sum(row["files"] for row in rows.values()) == bank.control.count("files") > 0
    assert output.of("ACTIVATE_VERSION", LOG) == []


def test_a_row_comes_when_its_stream_ends(bank: FakeQonto, tap: Runner) -> None:
    """Behind all that the stream wrote, and before the next list."""
    output = tap.sync(*ALL)
    names = [
        message["record"]["stream"] if message["stream"] == LOG else message["stream"]
        for message in output.of("RECORD")
        if message["stream"] == LOG or message["stream"] in {"clients", "labels", INVOICES}
    ]
    last = {name: len(names) - 1 - names[::-1].index(name) for name in set(names)}
    places = [
        place
        for place, message in enumerate(output.messages)
        if message["type"] == "RECORD" and message["stream"] == LOG
    ]
    assert len(places) == len(ALL) - 1
    assert last[INVOICES] < last["labels"] < last["clients"]
    for message in output.messages[: places[0]]:
        assert message.get("stream") in {None, LOG, *BOTH}
    assert bank.control.count("api")


def test_what_qonto_counts_costs_a_request_for_each_list_at_most(
    bank: FakeQonto, tap: Runner
) -> None:
    first = tap.sync(*ALL)
    quiet: dict[bool, list[Json]] = {}
    for is_logged in (False, True):
        bank.control.clear_requests()
        output = tap.sync(*(ALL if is_logged else set(ALL) - {LOG}), state=first.state)
        quiet[is_logged] = bank.control.requests("api")
        assert bool(output.of("SCHEMA", LOG)) is is_logged
    rows = rows_of(output)
    for name in set(ALL) - {LOG}:
        assert rows[name]["source_count"] == rows_of(first)[name]["source_count"]
    assert rows[INVOICES]["rows"] < rows[INVOICES]["source_count"] == 30
    counts = [each for each in quiet[True] if ["per_page", "1"] in map(list, each["query"])]
    assert len(quiet[True]) - len(quiet[False]) == len(counts)
    # supplier_invoices, clients, transfers, beneficiaries, and each account's transactions.
    assert len(counts) <= 4 + ACCOUNTS


def test_the_count_is_of_the_whole_list_at_the_end(bank: FakeQonto, tap: Runner) -> None:
    """Whatever a filter or a date leaves out, and with what was added meanwhile."""
    bank.control.reset(invoices=60, clients=60, labels=60, today=TODAY)
    tap.use_oauth(bank)
    names = (INVOICES, "clients", "labels")
    settings: Json = {
        "start_date": "2025-06-01",
        "supplier_invoices_filter": {"status": ["paid"]},
        "page_size": 20,
    }

    def add(_: Json) -> None:
        if bank.control.count("api") == 2:
            bank.control.add(INVOICES)

    bank.control.on_request(add)
    output = tap.sync(LOG, *names, **settings)
    bank.control.on_request(None)
    for name in names:
        row = rows_of(output)[name]
        assert row["rows"] == len(set(output.ids(name)))
        assert row["source_count"] == len(bank.control.ids(name))
    assert len(bank.control.ids(INVOICES)) == 61
    assert rows_of(output)[INVOICES]["rows"] < 61


@pytest.mark.parametrize("hidden", [["pending"], ["declined", "reversed"], []])
def test_the_count_of_transactions_hides_no_status(
    bank: FakeQonto, tap: Runner, hidden: list[str]
) -> None:
    bank.control.set(hidden_statuses=hidden)
    state = None
    for _ in range(2):
        output = tap.sync(LOG, "transactions", state=state)
        state = output.state
        row = rows_of(output)["transactions"]
        assert row["source_count"] == len(bank.control.ids("transactions"))
    accounts = {
        entry["context"]["bank_account_id"]: entry["replication_key_value"]
        for entry in output.state["bookmarks"]["transactions"]["partitions"]
    }
    assert len(accounts) == ACCOUNTS
    assert row["bookmark"] == min(accounts.values())


def test_an_account_without_rows_hides_no_bookmark(bank: FakeQonto, tap: Runner) -> None:
    """And a list without any has none."""
    bank.control.reset(invoices=0, bank_accounts=4, transactions=2, today=TODAY)
    tap.use_oauth(bank)
    output = tap.sync(LOG, "transactions", "transaction_attachments")
    accounts = {
        entry["context"]["bank_account_id"]: entry.get("replication_key_value")
        for entry in output.state["bookmarks"]["transactions"]["partitions"]
    }
    places = [place for place in accounts.values() if place]
    assert 0 < len(places) < len(accounts) == ACCOUNTS
    rows = rows_of(output)
    assert {row["bookmark"] for row in rows.values()} == {min(places)}
    assert rows.keys() == {"transactions", "transaction_attachments"}
    bank.control.reset(invoices=0, transactions=0, today=TODAY)
    tap.use_oauth(bank)
    assert rows_of(tap.sync(LOG, "transactions"))["transactions"]["bookmark"] is None


def test_an_account_that_was_not_read_hides_the_bookmark(bank: FakeQonto, tap: Runner) -> None:
    """Since nothing of it was read, up to whatever time."""
    bank.control.add_fault("status", path="^/v2/transactions$", status=404, times=1)
    row = rows_of(tap.sync(LOG, "transactions"))["transactions"]
    assert row["rows"] > 0
    assert row["bookmark"] is None


def test_an_account_whose_rows_were_not_written_hides_the_bookmark(
    bank: FakeQonto, tap: Runner
) -> None:
    """It is read to its end before its first row is written, which fails."""
    streams = (LOG, "transactions", "transaction_attachments")
    state = tap.sync(*streams).state
    new = bank.control.ids("bank_accounts")[0]
    for entry in state["bookmarks"].values():
        if parts := entry.get("partitions"):
            parts[:] = [each for each in parts if each["context"]["bank_account_id"] != new]
    with pytest.raises(TapQontoError) as failure:
        tap.sync(*streams, state=state, stream_maps={"transactions": {"note": "1 / 0"}})
    row = rows_of(output_before(failure.value))["transactions"]
    assert (row["status"], row["rows"], row["bookmark"]) == ("failed", 0, None)
    assert bank.control.count("api")


def test_client_invoices_are_counted_with_pages_that_they_take(
    bank: FakeQonto, tap: Runner
) -> None:
    bank.control.reset(client_invoices=130, invoices=0, today=TODAY)
    tap.use_oauth(bank)
    output = tap.sync(LOG, "client_invoices", page_size=20)
    assert rows_of(output)["client_invoices"]["source_count"] == 130
    last = [list(pair) for pair in bank.control.requests("api")[-1]["query"]]
    assert ["per_page", "100"] in last
    assert ["exclude_imported", "false"] in last


def test_a_list_that_cannot_be_counted_is_read(
    bank: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    state = tap.sync(INVOICES).state
    bank.control.add_fault("status", path="supplier_invoices$", status=500, after=1)
    output = tap.sync(LOG, INVOICES, state=state)
    row = rows_of(output)[INVOICES]
    assert (row["status"], row["source_count"]) == ("complete", None)
    assert any("could not be counted" in each for each in caplog.messages)
    assert bank.control.count("api") > 2


def test_files_that_are_in_place_do_not_count(bank: FakeQonto, tap: Runner) -> None:
    first = rows_of(tap.sync(LOG, *BOTH))[FILES]
    again = rows_of(tap.sync(LOG, *BOTH))[FILES]
    assert first["files"] == bank.control.count("files") > 0
    assert first["bytes"] == sum(len(bank.control.file_bytes(each)) for each in stored(bank))
    assert (again["files"], again["bytes"]) == (0, 0)
    assert again["rows"] == first["rows"] > 0
    facts = rows_of(tap.sync(LOG, *BOTH, attachments={"mode": "metadata"}))[FILES]
    assert (facts["files"], facts["rows"]) == (0, first["rows"])


def stored(bank: FakeQonto) -> set[str]:
    rows = bank.control.invoices()
    keys = {row[name] for row in rows for name in ("attachment_id", "display_attachment_id")}
    return keys - {None}


def test_a_list_that_is_read_for_its_files_alone_is_no_row(bank: FakeQonto, tap: Runner) -> None:
    output = tap.sync(LOG, FILES)
    assert rows_of(output).keys() == {FILES}
    assert rows_of(output)[FILES]["bookmark"] == max(
        row["updated_at"] for row in tap.sync(INVOICES).records()
    )
    assert bank.control.count("files")


def test_streams_that_fail_or_are_refused_are_rows_too(bank: FakeQonto, tap: Runner) -> None:
    bank.control.set(forbidden=["cards", "quotes"])
    bank.control.add_fault("status", path="/v2/labels$", status=400)
    bank.control.delete_attachment(bank.control.invoices()[0]["attachment_id"])
    with pytest.raises(TapQontoError) as failure:
        tap.sync(*ALL)
    output = output_before(failure.value)
    rows = rows_of(output)
    assert rows.keys() == set(ALL) - {LOG}
    refused = {name for name, row in rows.items() if row["status"] == "forbidden"}
    assert refused == {"cards", "quotes", "quote_attachments"}
    assert "card.read" in rows["cards"]["reason"]
    assert rows["labels"]["status"] == "failed"
    assert rows["labels"]["reason"] == str(failure.value)
    assert rows[FILES]["status"] == "complete"
    assert "1 are missing at Qonto" in rows[FILES]["reason"]
    assert rows["requests"]["rows"] == len(output.records("requests")) > 0


def test_an_account_that_is_left_out_is_told(bank: FakeQonto, tap: Runner) -> None:
    bank.control.add_fault("status", path="^/v2/transactions$", status=404, times=1)
    row = rows_of(tap.sync(LOG, "transactions"))["transactions"]
    assert row["status"] == "complete"
    assert "transactions of bank_account_id" in row["reason"]
    assert row["source_count"] == row["rows"] < len(bank.control.ids("transactions"))


def test_a_refused_credential_is_a_row(bank: FakeQonto, tap: Runner) -> None:
    with pytest.raises(TapQontoError) as failure:
        tap.sync(LOG, "labels", "clients", access_token="revoked")
    (row,) = output_before(failure.value).records(LOG)
    assert (row["stream"], row["status"]) == ("labels", "failed")
    assert "revoked" not in row["reason"].replace("not revoked", "")
    assert bank.control.count("api") == 1


def test_a_stream_without_its_row_was_killed(bank: FakeQonto, tap: Runner) -> None:
    is_there, is_over = threading.Event(), threading.Event()

    def hold(request: Json) -> None:
        if request["path"] == "/v2/clients":
            is_there.set()
            is_over.wait(30)

    bank.control.on_request(hold)
    catalog = chosen(LOG, "labels", "clients")
    killed = tap.run(catalog=catalog, list_concurrency=1, killed_when=is_there.is_set)
    is_over.set()
    bank.control.on_request(None)
    assert killed.code < 0
    assert rows_of(killed).keys() == {"labels"}


# New fields.


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    caplog.clear()
    return [each for each in found if "has the field" in each]


def test_a_field_that_qonto_has_added_is_told_once(
    bank: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    taxes = [{"tax_rate": "0.2", "region": "FR"}, {"tax_rate": "0.1", "region": "DE"}]
    for each in bank.control.invoice_ids()[:4]:
        bank.control.edit(INVOICES, each, taxes=taxes)
    bank.control.set(extra_list_fields={"payment_terms": "net 30"})
    first = tap.sync(LOG, INVOICES, "labels")
    told = warnings(caplog)
    assert [each.split(",")[0] for each in told] == [
        f"{INVOICES} has the field payment_terms",
        f"{INVOICES} has the field taxes.region",
        "labels has the field payment_terms",
    ]
    second = tap.sync(LOG, INVOICES, "labels", state=first.state)
    assert warnings(caplog) == []
    for output in (first, second):
        rows = rows_of(output)
        assert rows[INVOICES]["new_fields"] == ["payment_terms", "taxes.region"]
        assert rows["labels"]["new_fields"] == ["payment_terms"]
    bank.control.set(extra_list_fields={"payment_terms": "net 30", "project": 1})
    third = tap.sync(INVOICES, "labels", state=second.state)
    assert [each.split(",")[0] for each in warnings(caplog)] == [
        f"{INVOICES} has the field project",
        "labels has the field project",
    ]
    assert third.state["bookmarks"]["labels"]["new_fields"] == ["payment_terms", "project"]


def test_fields_without_end_do_not_fill_the_state(
    bank: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    bank.control.set(extra_list_fields={f"field_{number}": number for number in range(300)})
    output = tap.sync(LOG, "labels")
    assert len(warnings(caplog)) == MOST_NEW_FIELDS
    assert len(output.state["bookmarks"]["labels"]["new_fields"]) == MOST_NEW_FIELDS
    assert len(rows_of(output)["labels"]["new_fields"]) == MOST_NEW_FIELDS
    assert len(output.records("labels")[0]["extra_fields"]) == 300
    tap.sync("labels", state=output.state)
    assert warnings(caplog) == []


def test_of_fields_that_come_and_go_the_state_keeps_the_latest(
    bank: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    bank.control.set(extra_list_fields={f"field_{each}": each for each in range(MOST_NEW_FIELDS)})
    state = tap.sync("labels").state
    warnings(caplog)
    bank.control.set(extra_list_fields={"later": 1, "latest": 2})
    for count in (2, 0):
        state = tap.sync("labels", state=state).state
        assert len(warnings(caplog)) == count
        remembered = state["bookmarks"]["labels"]["new_fields"]
        assert len(remembered) == MOST_NEW_FIELDS
        assert set(remembered[-2:]) == {"later", "latest"}


# What a target or a catalog makes of it.


def test_stream_maps_hold_for_it(bank: FakeQonto, tap: Runner) -> None:
    maps = {
        LOG: {"__alias__": "runs", "__filter__": "rows > 0", "reason": None, "rows": "rows"},
        INVOICES: {"__filter__": "status == 'paid'"},
    }
    output = tap.sync(LOG, INVOICES, "labels", stream_maps=maps)
    rows = {row["stream"]: row for row in output.records("runs")}
    paid = [row for row in bank.control.invoices() if row["status"] == "paid"]
    assert rows[INVOICES]["rows"] == len(output.records()) == len(paid)
    assert rows[INVOICES]["source_count"] == 30
    assert all("reason" not in row for row in rows.values())
    gone = tap.sync(LOG, "labels", stream_maps={LOG: "__NULL__"})
    assert {message["stream"] for message in gone.of("SCHEMA")} == {"labels"}


@pytest.mark.parametrize(
    "settings",
    [{"flattening_enabled": True, "flattening_max_depth": 3}, {}],
    ids=["flattened", "plain"],
)
def test_any_of_its_properties_can_be_left_out(
    bank: FakeQonto, tap: Runner, settings: dict[str, Any]
) -> None:
    for some in (COLUMNS[2::3], COLUMNS[3::3], COLUMNS[4::3]):
        output = tap.sync(catalog=chosen(LOG, "labels", without={LOG: some}), **settings)
        (schema,) = output.of("SCHEMA", LOG)
        (row,) = output.records(LOG)
        jsonschema.validate(row, schema["schema"])
        assert list(row) == [name for name in COLUMNS if name not in some]
    assert bank.control.count("api")


def test_a_catalog_from_elsewhere_takes_it(bank: FakeQonto, tap: Runner) -> None:
    entries = [
        {"tap_stream_id": each.name, "selected": True, "schema": each.schema}
        for each in STREAMS
        if each.name in {LOG, "labels"}
    ]
    assert rows_of(tap.sync(catalog={"streams": entries})).keys() == {"labels"}
    assert tap.sync(LOG).of("RECORD") == []
    assert bank.control.count("api")


def test_batches_hold_its_rows(bank: FakeQonto, tap: Runner, tmp_path: Path) -> None:
    root = tmp_path / "batches"
    output = tap.sync(
        LOG,
        INVOICES,
        "labels",
        batch_config={
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": root.as_uri()},
        },
    )
    assert output.of("RECORD") == []
    rows = [
        json.loads(line)
        for message in output.of("BATCH", LOG)
        for place in message["manifest"]
        for line in gzip.decompress(Path(place.removeprefix("file://")).read_bytes()).splitlines()
    ]
    assert {row["stream"]: row["rows"] for row in rows} == {
        INVOICES: 30,
        "labels": len(bank.control.ids("labels")),
    }
    (schema,) = output.of("SCHEMA", LOG)
    for row in rows:
        jsonschema.validate(row, schema["schema"])


def test_several_failures_keep_all_rows(bank: FakeQonto, tap: Runner) -> None:
    bank.control.add_fault("status", path="/v2/(labels|teams)$", status=400)
    with pytest.raises(StreamsError) as failure:
        tap.sync(LOG, "labels", "teams", "clients")
    rows = rows_of(output_before(failure.value))
    assert {name: row["status"] for name, row in rows.items()} == {
        "labels": "failed",
        "teams": "failed",
        "clients": "complete",
    }


def test_lists_that_fail_one_after_the_other_hold_up_no_other(bank: FakeQonto, tap: Runner) -> None:
    """Qonto answers, so what else is asked for can be had."""
    bank.control.add_fault("status", path="^/v2/(labels|teams)$", status=500)
    with pytest.raises(StreamsError, match=r"teams, labels\.") as caught:
        tap.sync(*ALL)
    rows = rows_of(output_before(caught.value))
    assert rows.keys() == set(ALL) - {LOG}
    failed = {name for name, row in rows.items() if row["status"] != "complete"}
    assert failed == {"labels", "teams"}


def test_an_organization_without_an_id_is_told_by_its_slug(bank: FakeQonto, tap: Runner) -> None:
    def serve(world: World, row: Row, params: Params) -> Row:
        return serve_organization(world, {**row, "id": None}, params)

    bank.control.vary("organization", serve=serve)
    output = tap.sync(*ALL)
    (organization,) = output.records("organization")
    (settings,) = output.records("einvoicing_settings")
    assert organization["id"] == settings["organization_id"] == organization["slug"]
    assert {row["status"] for row in rows_of(output).values()} == {"complete"}
    again = tap.sync(*ALL, state=output.state)
    assert {row["status"] for row in rows_of(again).values()} == {"complete"}


def test_a_list_that_does_not_stand_still_says_so(bank: FakeQonto, tap: Runner) -> None:
    bank.control.reset(invoices=0, today=TODAY, labels=60)
    tap.use_oauth(bank)

    def change(request: Json) -> None:
        if request["path"] == "/v2/labels" and len(bank.control.ids("labels")) > 1:
            bank.control.delete("labels", bank.control.ids("labels")[0])

    bank.control.on_request(change)
    output = tap.sync("labels", LOG, page_size=20)
    bank.control.on_request(None)
    assert output.of("ACTIVATE_VERSION", "labels") == []
    row = rows_of(output)["labels"]
    assert row["reason"] == "The list of labels kept changing while it was read."


@pytest.mark.parametrize("count", [{}, {"total_count": None}])
def test_a_list_that_is_not_counted_has_no_count(
    bank: FakeQonto, tap: Runner, count: dict[str, None]
) -> None:
    meta = {"current_page": 1, "next_page": None, "total_pages": 1, **count}
    answer(bank, "^/v2/labels$", {"labels": [{"id": "a"}], "meta": meta})
    row = rows_of(tap.sync(LOG, "labels"))["labels"]
    assert (row["status"], row["rows"], row["source_count"]) == ("complete", 1, None)


def test_streams_whose_answers_are_no_objects_do_not_end_the_run(
    bank: FakeQonto, tap: Runner
) -> None:
    """Qonto can be reached, so the others may be read."""
    answer(bank, "^/v2/(teams|labels)$", [])
    with pytest.raises(TapQontoError) as failure:
        tap.sync(LOG, "teams", "labels", "clients", "products")
    ended = {name: row["status"] for name, row in rows_of(output_before(failure.value)).items()}
    assert ended == {
        "teams": "failed",
        "labels": "failed",
        "clients": "complete",
        "products": "complete",
    }
