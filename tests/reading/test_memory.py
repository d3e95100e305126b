"""What a bookmark stands for: settings that change, clocks, and other organizations."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from tap_qonto import timestamps
from tap_qonto.errors import OrganizationError
from tap_qonto.reading.coverage import Coverage
from tests.fake_qonto import TODAY
from tests.support import (
    FILES,
    INVOICES,
    Json,
    Runner,
    all_file_keys,
    bookmark,
    chosen,
    output_before,
)

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto

UTC = timezone.utc
FULL = chosen(INVOICES, full_table=[INVOICES])


def covers(state: Json, stream: str = INVOICES) -> Json:
    found: Json = state["bookmarks"][stream]["covers"]
    return found


def ids(fake: FakeQonto) -> set[str]:
    return set(fake.control.invoice_ids())


# A filter that lets through more than before.


@pytest.mark.real_clock("it runs a process")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"status": ["to_pay"]}, {}),
        ({"status": ["to_pay"]}, {"status": ["to_pay", "paid"]}),
        ({"status": ["to_pay"]}, {"status": ["paid"]}),
        ({"created_at_from": "2025-06-01"}, {"created_at_from": "2025-01-01T00:00:00Z"}),
        ({"created_at_to": "2025-01-01"}, {}),
        ({"created_at_from": "2025-01-01", "status": ["to_pay"]}, {"status": ["to_pay"]}),
    ],
)
def test_a_wider_filter_reads_what_was_left_out(
    company: FakeQonto, tap: Runner, before: Json, after: Json
) -> None:
    first = tap.sync(INVOICES, supplier_invoices_filter=before)
    second = tap.run(catalog=chosen(INVOICES), state=first.state, supplier_invoices_filter=after)
    fresh = tap.sync(INVOICES, supplier_invoices_filter=after)
    assert second.ids() == fresh.ids()
    assert "lets through rows that the earlier runs left out" in second.stderr
    assert covers(second.state)["filter"] == after
    third = tap.sync(INVOICES, state=second.state, supplier_invoices_filter=after)
    assert len(third.ids()) <= 1
    assert company.control.requests("api")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"status": ["to_pay"]}),
        ({"status": ["to_pay", "paid"]}, {"status": ["paid"]}),
        ({"created_at_from": "2025-01-01"}, {"created_at_from": "2025-02-01"}),
        ({"status": ["paid"]}, {"status": ["paid"]}),
    ],
)
def test_a_narrower_filter_goes_on(
    company: FakeQonto, tap: Runner, before: Json, after: Json
) -> None:
    first = tap.sync(INVOICES, supplier_invoices_filter=before)
    second = tap.sync(INVOICES, state=first.state, supplier_invoices_filter=after)
    assert len(second.ids()) <= 1
    company.control.add_invoice(status="paid")
    back = tap.sync(INVOICES, state=second.state, supplier_invoices_filter=before)
    fresh = tap.sync(INVOICES, supplier_invoices_filter=before)
    assert {*first.ids(), *second.ids(), *back.ids()} == set(fresh.ids())


def test_a_kill_while_a_wider_filter_is_read_loses_nothing(company: FakeQonto, tap: Runner) -> None:
    first = tap.sync(INVOICES, supplier_invoices_filter={"status": ["to_pay"]})
    second = tap.sync(INVOICES, state=first.state, page_size=5)
    seen: set[str] = set()
    for message in second.messages:
        if message["type"] == "RECORD":
            seen.add(message["record"]["id"])
        elif message["type"] == "STATE":
            rest = tap.sync(INVOICES, state=message["value"], page_size=5)
            assert seen | set(rest.ids()) == ids(company)


# start_date.


@pytest.mark.real_clock("it runs a process")
def test_an_earlier_start_reads_the_earlier_stretch_alone(company: FakeQonto, tap: Runner) -> None:
    stamps = sorted(timestamps.to_utc(row["updated_at"]) for row in company.control.invoices())
    first = tap.sync(INVOICES, start_date=stamps[20])
    assert covers(first.state)["start_date"] == stamps[20]
    second = tap.run(catalog=chosen(INVOICES), state=first.state, start_date=stamps[10])
    assert [row["updated_at"] for row in second.records()][:11] == stamps[10:21]
    assert set(first.ids()) | set(second.ids()) == {
        row["id"]
        for row in company.control.invoices()
        if timestamps.to_utc(row["updated_at"]) >= stamps[10]
    }
    assert len(second.ids()) <= 13
    assert "start_date has moved to an earlier day" in second.stderr
    everything = tap.sync(INVOICES, state=second.state)
    assert set(second.ids()) | set(first.ids()) | set(everything.ids()) == ids(company)
    assert len(tap.sync(INVOICES, state=everything.state).ids()) <= 1


def test_a_later_start_goes_on_and_can_be_taken_back(company: FakeQonto, tap: Runner) -> None:
    first = tap.sync(INVOICES, end_date="2025-01-01")
    second = tap.sync(INVOICES, state=first.state, start_date="2025-06-01")
    third = tap.sync(INVOICES, state=second.state)
    assert set(first.ids()) | set(second.ids()) | set(third.ids()) == ids(company)


def test_an_earlier_start_with_an_end_before_what_was_read_leaves_no_gap(
    company: FakeQonto, tap: Runner
) -> None:
    stamps = sorted(timestamps.to_utc(row["updated_at"]) for row in company.control.invoices())
    first = tap.sync(INVOICES, start_date=stamps[20])
    second = tap.sync(INVOICES, state=first.state, end_date=stamps[10])
    assert len(second.ids()) == 11
    third = tap.sync(INVOICES, state=second.state)
    assert {*first.ids(), *second.ids(), *third.ids()} == ids(company)
    assert len(tap.sync(INVOICES, state=third.state).ids()) <= 1


@pytest.mark.parametrize(
    ("alone", "other"), [(INVOICES, FILES), (FILES, INVOICES)], ids=["list", "files"]
)
def test_an_earlier_start_of_one_stream_does_not_count_for_the_other(
    company: FakeQonto, tap: Runner, alone: str, other: str
) -> None:
    first = tap.sync(start_date="2025-06-01")
    assert 0 < len(first.ids()) < len(ids(company))
    second = tap.sync(alone, state=first.state)
    third = tap.sync(other, state=second.state)
    together = tap.sync(state=third.state)
    runs = (first, second, third)
    found = {name: {key for run in runs for key in run.ids(name)} for name in (INVOICES, FILES)}
    assert found[INVOICES] == ids(company)
    assert found[FILES] == {key for _, key in all_file_keys(company)}
    assert len(together.ids()) <= 1


def test_a_kill_while_the_earlier_stretch_is_read_loses_nothing(
    company: FakeQonto, tap: Runner
) -> None:
    first = tap.sync(INVOICES, start_date="2025-06-01", page_size=5)
    second = tap.sync(INVOICES, state=first.state, page_size=5)
    seen = set(first.ids())
    for message in second.messages:
        if message["type"] == "RECORD":
            seen.add(message["record"]["id"])
        elif message["type"] == "STATE":
            rest = tap.sync(INVOICES, state=message["value"], page_size=5)
            assert seen | set(rest.ids()) == ids(company)


def test_a_state_that_says_nothing_of_this_goes_on_and_takes_it_up(
    company: FakeQonto, tap: Runner
) -> None:
    state = {
        "bookmarks": {
            INVOICES: {
                "replication_key": "updated_at",
                "replication_key_value": "2025-06-01T00:00:00.000000Z",
            }
        }
    }
    company.control.add_invoice(status="to_pay")
    output = tap.sync(INVOICES, state=state, supplier_invoices_filter={"status": ["to_pay"]})
    assert 0 < len(output.ids()) < len(ids(company))
    assert covers(output.state)["filter"] == {"status": ["to_pay"]}


@pytest.mark.real_clock("it runs a process")
def test_a_memory_that_cannot_be_read_is_told(company: FakeQonto, tap: Runner) -> None:
    state = tap.sync(INVOICES).state
    covers(state)["start_date"] = "gestern"
    output = tap.run(catalog=chosen(INVOICES), state=state)
    assert output.code == 1
    assert "something that tap-qonto did not write" in output.sentence
    assert company.control.invoice_ids()


@pytest.mark.parametrize(
    ("known", "wanted", "holds"),
    [
        ({}, {"query": "x"}, True),
        ({"query": "x"}, {"query": "xy"}, False),
        ({"flag": True}, {"flag": True}, True),
        ({"flag": True}, {"flag": False}, False),
        ({"a_to": "2025-01-02"}, {"a_to": "2025-01-01T23:00:00Z"}, True),
        ({"a_to": "2025-01-01"}, {"a_to": "2025-01-02"}, False),
        ({"a_from": "x"}, {"a_from": "y"}, False),
        ({"status": ["a"]}, {"status": []}, True),
    ],
)
def test_what_a_filter_holds(known: Json, wanted: Json, *, holds: bool) -> None:
    assert Coverage(known, None).holds(wanted) is holds


# Another organization, another time.


@pytest.mark.parametrize("name", ["labels", "clients", "transactions", "statements"])
def test_the_state_of_another_organization_ends_the_run_whichever_stream_comes_first(
    company: FakeQonto, tap: Runner, name: str
) -> None:
    """No row of one organization gets into the tables of another."""
    company.control.reset(today=TODAY)
    state = tap.sync("teams", "products").state
    covers(state, "products")["organization"] = covers(state, "teams")["organization"] = "another"
    with pytest.raises(OrganizationError, match="The state is of organization another,") as failure:
        tap.sync(name, "cards", state=state)
    assert output_before(failure.value).of("RECORD") == []


@pytest.mark.real_clock("it runs a process")
def test_the_state_of_another_organization_is_refused(company: FakeQonto, tap: Runner) -> None:
    state = tap.sync(INVOICES).state
    mine = covers(state)["organization"]
    assert mine == company.control.invoices()[0]["organization_id"]
    covers(state)["organization"] = "another-one"
    output = tap.run(catalog=chosen(INVOICES), state=state)
    assert output.code == 1
    assert "The state is of organization another-one" in output.sentence
    assert output.records() == []


@pytest.mark.real_clock("it runs a process")
def test_so_is_it_where_no_row_is_new(company: FakeQonto, tap: Runner) -> None:
    state = tap.sync(INVOICES).state
    covers(state)["organization"] = "another-one"
    state["bookmarks"][INVOICES]["replication_key_value"] = timestamps.show(
        datetime.now(UTC) - timedelta(hours=1)
    )
    output = tap.run(catalog=chosen(INVOICES), state=state)
    assert output.code == 1
    assert "The state is of organization another-one" in output.sentence
    assert company.control.invoice_ids()


@pytest.mark.real_clock("it runs a process")
@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(days=365 * 73)])
def test_a_bookmark_in_the_future_is_refused(
    company: FakeQonto, tap: Runner, ahead: timedelta
) -> None:
    future = timestamps.show(datetime.now(UTC) + ahead)
    state = {"bookmarks": {INVOICES: {"replication_key_value": future}}}
    output = tap.run(catalog=chosen(INVOICES), state=state)
    assert output.code == 1
    assert f"The bookmark of {INVOICES} in the state is {future}" in output.sentence
    assert company.control.invoice_ids()


# A table that is read whole.


@pytest.mark.real_clock("it runs a process")
@pytest.mark.parametrize("left", [0, 5, 14])
def test_a_whole_table_that_has_lost_most_rows_is_not_dropped(
    company: FakeQonto, tap: Runner, left: int
) -> None:
    first = tap.sync(catalog=FULL)
    assert covers(first.state)["rows"] == 30
    for invoice in company.control.invoice_ids()[left:]:
        company.control.delete_invoice(invoice)
    output = tap.run(catalog=FULL, state=first.state)
    assert output.code == 1
    assert f"{INVOICES} has {left} rows, and had 30" in output.sentence
    assert not output.of("ACTIVATE_VERSION")
    assert tap.sync(catalog=FULL).of("ACTIVATE_VERSION")


def test_a_whole_table_may_lose_half(company: FakeQonto, tap: Runner) -> None:
    first = tap.sync(catalog=FULL)
    for invoice in company.control.invoice_ids()[15:]:
        company.control.delete_invoice(invoice)
    assert tap.sync(catalog=FULL, state=first.state).of("ACTIVATE_VERSION")


@pytest.mark.parametrize(("before", "after"), [(1, 0), (3, 1), (9, 0), (10, 1)])
def test_a_short_table_may_lose_all(
    company: FakeQonto, tap: Runner, before: int, after: int
) -> None:
    company.control.reset(invoices=before)
    first = tap.sync(catalog=FULL)
    for invoice in company.control.invoice_ids()[after:]:
        company.control.delete_invoice(invoice)
    assert tap.sync(catalog=FULL, state=first.state).of("ACTIVATE_VERSION")


def test_a_full_read_leaves_the_bookmark_of_incremental_ones(
    company: FakeQonto, tap: Runner
) -> None:
    first = tap.sync(INVOICES)
    second = tap.sync(catalog=FULL, state=first.state)
    assert bookmark(second.state) == bookmark(first.state)
    assert len(tap.sync(INVOICES, state=second.state).ids()) <= 1
    assert json.dumps(second.state)
    assert company.control.invoice_ids()
