"""The state: where it stands after each page, and what the next run reads from it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tap_qonto import timestamps
from tap_qonto.errors import ConfigError
from tap_qonto.reading.bookmarks import Bookmarks
from tap_qonto.reading.done import Reached
from tests.support import FILES, INVOICES, bookmark

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Runner

UTC = timezone.utc
SECOND = timedelta(seconds=1)
OF_VERSION_0_1: Json = {
    "bookmarks": {
        "attachments": {},
        "supplier_invoices": {
            "replication_key": "updated_at",
            "replication_key_value": "2025-01-01T12:00:00.000000Z",
        },
    }
}
"""A state as the first version wrote it; all later ones must take it."""


def add(fake: FakeQonto, *stamps: str) -> list[str]:
    """Add invoices without files, updated at these moments."""
    return fake.control.add_invoices(
        [
            {
                "created_at": stamp,
                "updated_at": stamp,
                "attachment_id": None,
                "display_attachment_id": None,
            }
            for stamp in stamps
        ]
    )


def hourly(fake: FakeQonto, count: int, step: timedelta = timedelta(hours=1)) -> list[str]:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    return add(fake, *(timestamps.show(start + n * step) for n in range(count)))


def asked_from(fake: FakeQonto) -> str | None:
    """Return the lower bound of the first query since the log was cleared."""
    bound: str | None = dict(fake.control.requests("api")[0]["query"]).get(
        "filter[updated_at_from]"
    )
    return bound


# One run.


def test_a_state_follows_each_page_and_holds_its_last_row(fake: FakeQonto, tap: Runner) -> None:
    hourly(fake, 28)
    messages = tap.sync(INVOICES, page_size=10).messages
    last = None
    per_state: list[int] = [0]
    for message in messages:
        if message["type"] == "RECORD":
            last = message["record"]["updated_at"]
            per_state[-1] += 1
        elif message["type"] == "STATE":
            assert bookmark(message["value"]) == last
            per_state.append(0)
    assert [count for count in per_state if count] == [10, 9, 9]
    assert messages[-1]["type"] == "STATE"


def test_a_state_follows_the_files_of_its_page(company: FakeQonto, tap: Runner) -> None:
    messages = tap.sync(page_size=10).messages
    invoices = {row["id"]: row for row in company.control.invoices()}
    files: set[tuple[str, str]] = set()
    for message in messages:
        if message["type"] == "RECORD" and message["stream"] == FILES:
            record = message["record"]
            files.add((record["supplier_invoice_id"], record["id"]))
        elif message["type"] == "STATE" and (reached := bookmark(message["value"])):
            passed = {
                (row["id"], key)
                for row in invoices.values()
                if timestamps.to_utc(row["updated_at"]) <= reached
                for key in (row["attachment_id"], row["display_attachment_id"])
                if key
            }
            assert passed <= files


@pytest.mark.parametrize("workers", [1, 64])
def test_the_state_does_not_grow(fake: FakeQonto, tap: Runner, workers: int) -> None:
    fake.control.reset(invoices=120)
    output = tap.sync(page_size=1, list_concurrency=workers, attachments={"mode": "metadata"})
    sizes = {len(json.dumps(state)) for state in output.states}
    if workers == 1:
        assert max(sizes) - min(sizes) <= len('"starting_replication_value": null, ')
    assert max(sizes) < 2_500
    assert len(json.dumps(output.state)) < 350
    assert output.state["bookmarks"].keys() == {INVOICES, FILES}


def test_an_empty_account_ends_with_a_state_that_works(fake: FakeQonto, tap: Runner) -> None:
    state = tap.sync().state
    assert bookmark(state) is None
    ids = hourly(fake, 3)
    assert sorted(tap.sync(state=state).ids()) == sorted(ids)


# The next run.


def test_a_quiet_run_keeps_the_bookmark(fake: FakeQonto, tap: Runner) -> None:
    hourly(fake, 28)
    first = tap.sync(INVOICES, page_size=10)
    second = tap.sync(INVOICES, page_size=10, state=first.state)
    assert second.ids() == first.ids()[-1:]
    assert {bookmark(state) for state in second.states} == {bookmark(first.state)}
    assert second.state == first.state


def test_every_state_of_a_run_leads_to_the_rest(company: FakeQonto, tap: Runner) -> None:
    first = tap.sync(INVOICES, page_size=7)
    for place, message in enumerate(first.messages):
        if message["type"] != "STATE":
            continue
        before = {row["record"]["id"] for row in first.messages[:place] if row["type"] == "RECORD"}
        after = tap.sync(INVOICES, state=message["value"], page_size=7)
        assert before | set(after.ids()) == set(company.control.invoice_ids())
        assert after.state == first.state


@pytest.mark.parametrize(
    ("lookback", "bound"),
    [
        (0, "2025-01-01T11:59:59Z"),
        (1, "2025-01-01T11:59:59Z"),
        (300, "2025-01-01T11:55:00Z"),
        (86_400, "2024-12-31T12:00:00Z"),
    ],
)
def test_lookback_shifts_the_query_by_a_second_at_least(
    fake: FakeQonto, tap: Runner, lookback: int, bound: str
) -> None:
    tap.sync(INVOICES, state=OF_VERSION_0_1, lookback_seconds=lookback)
    assert asked_from(fake) == bound


def test_lookback_is_five_minutes_by_default(fake: FakeQonto, tap: Runner) -> None:
    tap.sync(INVOICES, state=OF_VERSION_0_1)
    assert asked_from(fake) == "2025-01-01T11:55:00Z"


def test_lookback_never_moves_the_bookmark_back(fake: FakeQonto, tap: Runner) -> None:
    ids = add(fake, "2025-01-01T11:30:00Z", "2025-01-01T11:40:00Z", "2025-01-01T11:50:00Z")
    output = tap.sync(INVOICES, state=OF_VERSION_0_1, lookback_seconds=3_600, page_size=2)
    assert output.ids() == ids
    assert {bookmark(state) for state in output.states} == {bookmark(OF_VERSION_0_1)}


def test_the_bookmark_moves_forward_alone(fake: FakeQonto, tap: Runner) -> None:
    add(fake, "2025-01-01T11:30:00Z", "2025-01-01T11:50:00Z")
    hourly(fake, 30)
    output = tap.sync(INVOICES, state=OF_VERSION_0_1, lookback_seconds=3_600, page_size=2)
    reached = [bookmark(state) or "" for state in output.states]
    assert reached == sorted(reached)
    assert reached[0] == bookmark(OF_VERSION_0_1)
    assert reached[-1] == "2025-01-02T05:00:00.000000Z"


def test_an_edit_is_read_by_the_next_run(fake: FakeQonto, tap: Runner) -> None:
    ids = hourly(fake, 28)
    first = tap.sync(INVOICES)
    fake.control.edit_invoice(ids[3], description="edited")
    second = tap.sync(INVOICES, state=first.state)
    [edited] = [record for record in second.records() if record["id"] == ids[3]]
    assert edited["description"] == "edited"
    assert (bookmark(second.state) or "") > (bookmark(first.state) or "")


@pytest.mark.parametrize(
    "entry",
    [
        {"replication_key": "updated_at", "replication_key_value": "2025-01-01T12:00:00Z"},
        {"replication_key_value": "2025-01-01T14:00:00+02:00"},
        {
            "replication_key": "updated_at",
            "replication_key_value": "2025-01-01T12:00:00.000000Z",
            "starting_replication_value": "2024-01-01T00:00:00Z",
            "progress_markers": {"replication_key_value": "2026-01-01T00:00:00Z"},
        },
    ],
)
def test_bookmarks_of_other_forms_are_taken(fake: FakeQonto, tap: Runner, entry: Json) -> None:
    add(fake, "2025-01-01T13:00:00Z")
    output = tap.sync(INVOICES, state={"bookmarks": {INVOICES: entry}})
    assert asked_from(fake) == "2025-01-01T11:55:00Z"
    assert bookmark(output.state) == "2025-01-01T13:00:00.000000Z"


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"bookmarks": {}},
        {"bookmarks": {INVOICES: {}}},
        {"bookmarks": {INVOICES: {"replication_key_value": None}}},
        {"bookmarks": {FILES: {}}},
    ],
)
def test_a_state_without_a_bookmark_begins_at_the_beginning(
    fake: FakeQonto, tap: Runner, state: Json
) -> None:
    ids = hourly(fake, 3)
    assert tap.sync(INVOICES, state=state).ids() == ids
    assert asked_from(fake) is None


@pytest.mark.parametrize("value", ["yesterday", "", 17, {}, ["2025-01-01T00:00:00Z"]])
def test_a_bookmark_that_is_no_time_stamp_is_told(fake: FakeQonto, tap: Runner, value: Any) -> None:
    state = {"bookmarks": {INVOICES: {"replication_key_value": value}}}
    with pytest.raises(ConfigError, match="a bookmark that is no time stamp"):
        tap.sync(state=state)
    assert fake.control.count() == 0


# Bounds.

AROUND_NOON = [
    "2025-01-01T11:59:59.999999Z",
    "2025-01-01T12:00:00.000000Z",
    "2025-01-01T12:00:00.000001Z",
    "2025-01-01T12:00:00.999999Z",
    "2025-01-01T12:00:01.000000Z",
]


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("resolution", ["exact", "second"])
@pytest.mark.parametrize(
    "noon", ["2025-01-01T12:00:00Z", "2025-01-01T13:00:00+01:00", "2025-01-01 12:00:00.0"]
)
def test_start_date_is_exact_and_inclusive(
    fake: FakeQonto, tap: Runner, *, noon: str, inclusive: bool, resolution: str
) -> None:
    fake.control.set(lower_inclusive=inclusive, filter_resolution=resolution, shown_digits=6)
    add(fake, *AROUND_NOON)
    records = tap.sync(INVOICES, start_date=noon).records()
    assert [record["updated_at"] for record in records] == AROUND_NOON[1:]


@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("resolution", ["exact", "second"])
def test_end_date_is_exact_and_inclusive(
    fake: FakeQonto, tap: Runner, *, inclusive: bool, resolution: str
) -> None:
    fake.control.set(upper_inclusive=inclusive, filter_resolution=resolution, shown_digits=6)
    add(fake, *AROUND_NOON)
    records = tap.sync(INVOICES, end_date="2025-01-01T12:00:00.000001Z").records()
    assert [record["updated_at"] for record in records] == AROUND_NOON[:3]


def test_a_day_is_its_midnight_in_utc(fake: FakeQonto, tap: Runner) -> None:
    add(fake, "2024-12-31T23:59:59Z", "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z")
    add(fake, "2025-01-02T00:00:01Z")
    records = tap.sync(INVOICES, start_date="2025-01-01", end_date="2025-01-02").records()
    assert [record["updated_at"] for record in records] == [
        "2025-01-01T00:00:00.000000Z",
        "2025-01-02T00:00:00.000000Z",
    ]


@pytest.mark.parametrize(
    ("start", "bound"),
    [("2024-01-01", "2025-01-01T11:55:00Z"), ("2025-06-01", "2025-05-31T23:59:59Z")],
)
def test_the_later_of_start_date_and_bookmark_counts(
    fake: FakeQonto, tap: Runner, start: str, bound: str
) -> None:
    tap.sync(INVOICES, state=OF_VERSION_0_1, start_date=start)
    assert asked_from(fake) == bound


@pytest.mark.parametrize("sorts", [True, False])
@pytest.mark.parametrize("digits", [0, 3, 6])
def test_a_run_with_an_end_leaves_nothing_out_of_the_next(
    fake: FakeQonto, tap: Runner, digits: int, *, sorts: bool
) -> None:
    fake.control.set(shown_digits=digits, lower_inclusive=False, sort_by_updated_at=sorts)
    ids = add(fake, *AROUND_NOON, "2025-01-02T00:00:00Z", "2025-01-03T00:00:00Z")
    first = tap.sync(INVOICES, end_date="2025-01-01T12:00:00Z", lookback_seconds=0)
    second = tap.sync(INVOICES, state=first.state, lookback_seconds=0)
    assert {*first.ids(), *second.ids()} == set(ids)


@pytest.mark.every_clock
def test_the_window_is_closed_by_the_clock_of_qonto(fake: FakeQonto, tap: Runner) -> None:
    hourly(fake, 5)
    future = datetime.now(UTC) + timedelta(hours=1)
    add(fake, timestamps.show(future))
    first = tap.sync(INVOICES, page_size=3)
    assert len(first.ids()) == 5
    bounds = [dict(each["query"]) for each in fake.control.requests("api")]
    assert "filter[updated_at_to]" not in bounds[0]
    assert timestamps.parse(bounds[1]["filter[updated_at_to]"]) < future


@pytest.mark.every_clock
def test_a_row_of_the_future_does_not_take_the_bookmark_there(fake: FakeQonto, tap: Runner) -> None:
    future = datetime.now(UTC) + timedelta(hours=1)
    add(fake, timestamps.show(future))
    first = tap.sync(INVOICES)
    assert len(first.ids()) == 1
    assert timestamps.parse(bookmark(first.state) or "") < future
    assert len(tap.sync(INVOICES, state=first.state).ids()) == 1


# The bookmarks alone: a stream and the child that it feeds.


def marks(state: Json, *selected: str) -> Bookmarks:
    return Bookmarks(
        state, parent="p", replication_key="updated_at", children=["c"], selected=selected
    )


def day(number: int) -> datetime:
    return datetime(2025, 1, number, tzinfo=UTC)


def standing(state: Json) -> dict[str, str | None]:
    return {name: (bookmark(state, name) or "")[:10] or None for name in ("p", "c")}


def test_a_stream_and_its_child_share_a_bookmark() -> None:
    state: Json = {}
    marks(state, "p", "c").advance(Reached(day(5)))
    assert standing(state) == {"p": "2025-01-05", "c": None}
    assert marks(state, "p", "c").start == marks(state, "c").start == day(5)


def test_a_child_that_was_left_out_is_read_from_where_it_stopped() -> None:
    state: Json = {}
    marks(state, "p", "c").advance(Reached(day(5)))
    marks(state, "p").advance(Reached(day(9)))
    assert standing(state) == {"p": "2025-01-09", "c": "2025-01-05"}
    assert marks(state, "p", "c").start == marks(state, "c").start == day(5)
    assert marks(state, "p").start == day(9)


def test_a_child_that_never_ran_is_read_from_the_beginning() -> None:
    state: Json = {}
    marks(state, "p").advance(Reached(day(9)))
    assert marks(state, "p", "c").start is None
    assert marks(state, "c").start is None


def test_a_parent_that_was_left_out_is_read_from_where_it_stopped() -> None:
    state: Json = {}
    marks(state, "p", "c").advance(Reached(day(5)))
    marks(state, "c").advance(Reached(day(9)))
    assert standing(state) == {"p": "2025-01-05", "c": "2025-01-09"}
    assert marks(state, "p", "c").start == day(5)
    assert marks(state, "c").start == day(9)


def test_while_they_catch_up_neither_moves_back() -> None:
    state: Json = {}
    marks(state, "p").advance(Reached(day(9)))
    both = marks(state, "p", "c")
    both.advance(Reached(day(3)))
    assert standing(state) == {"p": "2025-01-09", "c": "2025-01-03"}
    both.advance(Reached(day(12)))
    assert standing(state) == {"p": "2025-01-12", "c": None}
    assert state["bookmarks"]["c"] == {}
    assert marks(state, "c").start == day(12)


def test_taking_turns_loses_nothing() -> None:
    state: Json = {}
    marks(state, "p", "c").advance(Reached(day(2)))
    marks(state, "c").advance(Reached(day(4)))
    marks(state, "p").advance(Reached(day(6)))
    marks(state, "c").advance(Reached(day(5)))
    assert standing(state) == {"p": "2025-01-06", "c": "2025-01-05"}
    assert marks(state, "p", "c").start == day(5)


def test_nothing_moves_before_it_is_told_to() -> None:
    state = {"bookmarks": {"p": {"replication_key_value": "2025-01-05T00:00:00Z"}}}
    before = json.dumps(state["bookmarks"]["p"])
    assert marks(state, "p", "c").start == day(5)
    assert json.dumps(state["bookmarks"]["p"]) == before
