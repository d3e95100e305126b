"""One stream without the other, stream maps, and what the state then holds."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tap_qonto.streams import STREAMS, SupplierInvoices, SyncLog
from tests.fake_qonto import TODAY
from tests.support import BOTH, FILES, INVOICES, all_file_keys, chosen, file_keys, token_of_all

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Output, Runner


def streams_of(output: Output, kind: str) -> list[str]:
    return [message["stream"] for message in output.of(kind)]


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


@pytest.mark.parametrize(("level", "is_told"), [("INFO", False), ("DEBUG", True)])
def test_the_log_names_streams_that_are_not_selected_at_debug_alone(
    company: FakeQonto, tap: Runner, level: str, *, is_told: bool
) -> None:
    output = tap.run(environment={"TAP_QONTO_LOGLEVEL": level})
    assert len(output.ids()) == len(company.control.invoice_ids())
    assert ("payment_links" in output.stderr) == is_told


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
    assert "replication_key_value" not in final.state["bookmarks"][FILES]
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


@pytest.mark.parametrize(
    "stream", sorted({*STREAMS} - {SyncLog}, key=str), ids=lambda stream: str(stream.name)
)
def test_any_property_can_be_deselected(
    fake: FakeQonto, tap: Runner, stream: type[SupplierInvoices]
) -> None:
    fake.control.reset(invoices=2, today=TODAY)
    tap.config |= {"access_token": token_of_all(fake), "login": None}
    tap.config["secret_key"] = None

    def in_order(rows: list[Json]) -> list[Json]:
        return sorted(rows, key=lambda row: [str(row[key]) for key in stream.primary_keys])

    whole = in_order(tap.sync(stream.name).records(stream.name))
    assert whole
    always = {*stream.primary_keys, stream.replication_key}
    names = list(stream.schema["properties"])
    for some in filter(None, (names[place::4] for place in range(4))):
        output = tap.sync(catalog=deselected(stream.name, *(("properties", name) for name in some)))
        left_out = set(some) - always
        assert in_order(output.records(stream.name)) == [
            {key: value for key, value in record.items() if key not in left_out} for record in whole
        ]
        [schema] = output.of("SCHEMA")
        assert schema["schema"]["properties"].keys() == set(names) - left_out


def deselected(stream: str, *breadcrumbs: tuple[str, ...]) -> Json:
    """Return a catalog that selects a stream, but for some properties."""
    catalog = chosen(stream)
    [entry] = [each for each in catalog["streams"] if each["tap_stream_id"] == stream]
    for item in entry["metadata"]:
        if tuple(item["breadcrumb"]) in breadcrumbs:
            item["metadata"]["selected"] = False
    return catalog


def test_nested_properties_that_are_deselected_do_not_come(company: FakeQonto, tap: Runner) -> None:
    breadcrumb = ("properties", "supplier_snapshot", "properties", "iban")
    output = tap.sync(catalog=deselected(INVOICES, breadcrumb))
    snapshots = [row["supplier_snapshot"] for row in output.records() if row["supplier_snapshot"]]
    assert snapshots
    assert all("iban" not in snapshot and "name" in snapshot for snapshot in snapshots)
    [schema] = output.of("SCHEMA")
    assert "iban" not in schema["schema"]["properties"]["supplier_snapshot"]["properties"]
    assert len(output.ids()) == len(company.control.invoice_ids())


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


def test_a_column_can_be_renamed(company: FakeQonto, tap: Runner) -> None:
    names = {row["id"]: row.get("supplier_name") for row in company.control.invoices()}
    maps = {INVOICES: {"supplier": "supplier_name", "supplier_name": None}}
    output = tap.sync(INVOICES, stream_maps=maps)
    assert {row["id"]: row["supplier"] for row in output.records()} == names
    assert all("supplier_name" not in row for row in output.records())


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
    files = all_file_keys(company)
    # A file that two invoices name at a time is asked for once.
    distinct = {key for _, key in files}
    assert len(distinct) <= company.control.count("api", "attachments") <= len(files)


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


@pytest.mark.parametrize("selected", BOTH)
@pytest.mark.parametrize(
    "of_it",
    [
        {"id": "id"},
        {"__alias__": "other"},
        {"__filter__": "id != ''"},
        {"__key_properties__": ["id"]},
        {"__else__": None, "id": "id", "supplier_invoice_id": "id"},
        {"file_name": None},
        None,
    ],
    ids=json.dumps,
)
def test_a_map_of_a_stream_that_is_not_selected_does_no_harm(
    company: FakeQonto, tap: Runner, selected: str, of_it: Json | None
) -> None:
    [other] = set(BOTH) - {selected}
    output = tap.sync(selected, stream_maps={other: of_it})
    assert set(streams_of(output, "RECORD")) <= {selected}
    if selected == INVOICES:
        assert set(output.ids()) == set(company.control.invoice_ids())


@pytest.mark.parametrize(
    ("name", "of_it"),
    [
        (INVOICES, {"short": "iban[:4]"}),
        (INVOICES, {"hash": "md5(iban)"}),
        (INVOICES, {"sum": "float(total_amount['value'])"}),
        (INVOICES, {"x": "no_such_field"}),
        (INVOICES, {"__filter__": "supplier_snapshot['status'] == 'x'"}),
        (INVOICES, {"__filter__": "int(iban) > 1"}),
        (FILES, {"x": "int(file_name)"}),
    ],
    ids=str,
)
def test_a_row_that_a_map_cannot_take_is_named_without_its_values(
    company: FakeQonto, tap: Runner, name: str, of_it: Json
) -> None:
    row = company.control.invoices()[-1]
    company.control.edit_invoice(row["id"], iban=None, supplier_snapshot=None, total_amount=None)
    output = tap.run(stream_maps={name: of_it})
    assert output.code == 1
    assert "Traceback" not in output.stderr
    match = re.fullmatch(
        rf"An expression of stream_maps for {name} failed with \w+ for the row (\S+(?:, \S+)?)\. "
        r"Change it so that it can take this row: a field can be null, and one that is deselected "
        r"is not there\.",
        output.sentence,
    )
    assert match, output.sentence
    assert match[1].split(",")[0] in company.control.invoice_ids()
    ids = {match[1], *match[1].split(", ")}
    values = {str(value) for each in company.control.invoices() for value in each.values()}
    assert not any(value in output.sentence for value in values - ids if len(value) > 8), (
        output.sentence
    )
