"""Lists that hide rows of some statuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.pages import Page
from tap_qonto.reading.statuses import EveryStatus
from tap_qonto.reading.ways import OutOfOrderError
from tap_qonto.reading.window import Window
from tests.reading.moving_list import START, STATUSES, Habits, MovingList

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_qonto.reading.ways import Ask

WINDOW = Window(None, None, None, None, datetime(2025, 7, 1, tzinfo=timezone.utc), is_open=True)
WAY = EveryStatus(UpdatedAnchored(), "status[]", ("pending", "completed"))


def page(*seconds: int) -> Page:
    """Return the one page of a list whose rows were updated at these seconds."""
    rows: list[dict[str, Any]] = [
        {"id": str(second), "updated_at": f"2025-06-01T00:00:{second:02d}Z"} for second in seconds
    ]
    return Page(rows, 1, 1, len(rows), more=False)


@pytest.mark.parametrize("answers_before", [0, 1])
def test_an_answer_out_of_order_can_be_taken_again(answers_before: int) -> None:
    """It does not end the walk as if all was read."""
    walk = WAY.walk(WINDOW, (None, None), 100)
    rows = [row for _ in range(answers_before) for row in walk.take(page(1, 2))]
    asked = walk.ask()
    for _ in range(2):
        with pytest.raises(OutOfOrderError):
            walk.take(page(2, 1))
        assert walk.ask() == asked
        assert not walk.is_whole
    while ask := walk.ask():
        lower, _ = ask.bounds["updated_at"]
        rows += walk.take(page() if lower else page(1, 2))
    assert [row["id"] for row in rows] == ["1", "2"]
    assert walk.is_whole


class HidesOld(MovingList):
    """A list that hides pending rows that are old, too."""

    def answer(self, order: str, ask: Ask, between: Callable[[], object] | None = None) -> Page:
        old = [] if ask.params else [f"r{number:05d}" for number in range(4, 40, 4)]
        kept = self.rows
        self.rows = {key: row for key, row in kept.items() if key not in old}
        try:
            return super().answer(order, ask, between)
        finally:
            self.rows = kept


def bank(count: int, kind: type[MovingList] = MovingList, **quirks: Any) -> MovingList:
    listed = kind(Habits(), timedelta(seconds=1), **quirks)
    for _ in range(count):
        listed.add(1)
        listed.now += timedelta(minutes=1)
    return listed


def read(listed: MovingList, size: int) -> tuple[list[str], int]:
    """Return the keys of all rows, in the order in which they came, and the calls."""
    walk = EveryStatus(UpdatedAnchored(), "status[]", STATUSES).walk(
        replace(WINDOW, is_open=False), (None, None), size
    )
    found: list[str] = []
    calls = 0
    while ask := walk.ask():
        calls += 1
        found += [row["id"] for row in walk.take(listed.answer(UpdatedAnchored.order, ask))]
        # A run can be killed here: what the bookmark passes was handed out.
        if place := walk.complete_to:
            passed = [row["id"] for row in listed.rows.values() if row["updated_at"] < place]
            assert set(passed) <= set(found)
    return found, calls


@pytest.mark.parametrize("hidden", [(), ("declined",), ("declined", "reversed")])
def test_a_short_list_takes_two_requests(hidden: tuple[str, ...]) -> None:
    found, calls = read(bank(40, hidden=hidden), 100)
    assert (len(found), len(set(found)), calls) == (40, 40, 2)


@pytest.mark.parametrize("hidden", [(), ("declined",), ("completed", "reversed")])
def test_a_long_list_is_read_once_whatever_it_hides(hidden: tuple[str, ...]) -> None:
    found, calls = read(bank(990, hidden=hidden), 100)
    assert (len(found), len(set(found))) == (990, 990)
    assert calls <= 10 + 6


def test_a_status_that_is_shown_later_is_found_where_bounds_leave_out_what_they_name() -> None:
    """Then it is no hidden one, whose rows would be asked for twice."""
    listed = bank(990)
    listed.habits = Habits(inclusive=False)
    for row in list(listed.rows.values())[:200]:
        row["status"] = "pending"
    found, calls = read(listed, 100)
    assert (len(found), len(set(found))) == (990, 990)
    assert calls <= 10 + 9


def test_a_list_that_hides_more_than_whole_statuses_is_read_both_ways() -> None:
    found, _ = read(bank(200, HidesOld), 20)
    assert len(set(found)) == 200


def test_all_lists_are_read_up_to_the_same_moment() -> None:
    """But for their first requests, which can go out side by side."""
    listed = bank(300, hidden=("declined",))
    begun = listed.now
    walk = EveryStatus(UpdatedAnchored(), "status[]", STATUSES).walk(
        replace(WINDOW, is_open=False), (None, None), 20
    )
    begun_lists: set[str] = set()
    while ask := walk.ask():
        _, upper = ask.bounds["updated_at"]
        if ask.size > 1 and str(ask.params) in begun_lists:
            assert upper is not None
            assert upper < begun + timedelta(minutes=1)
        elif ask.size > 1:
            begun_lists.add(str(ask.params))
        walk.take(listed.answer(UpdatedAnchored.order, ask))
        listed.now += timedelta(hours=1)
    assert len(begun_lists) == 3


@pytest.mark.parametrize("hidden", [(), ("declined",)])
def test_what_is_shown_may_be_answered_after_what_is_named(hidden: tuple[str, ...]) -> None:
    """Both are asked for side by side; rows that come between the two hide no others."""
    listed = bank(400, HidesOld, hidden=hidden)
    window = replace(WINDOW, lower=START, is_open=False)
    walk = EveryStatus(UpdatedAnchored(), "status[]", STATUSES).walk(window, (None, None), 100)
    shown = walk.ask()
    assert shown
    begun = listed.now
    named = listed.answer(
        UpdatedAnchored.order, shown._replace(params=[("status[]", each) for each in STATUSES])
    )
    for _ in range(20):
        listed.add(1)
        listed.now += timedelta(minutes=1)
    before = set(listed.rows)
    found = [row["id"] for row in walk.take(listed.answer(UpdatedAnchored.order, shown))]
    found += [row["id"] for row in walk.take(named)]
    while ask := walk.ask():
        found += [row["id"] for row in walk.take(listed.answer(UpdatedAnchored.order, ask))]
    assert before <= set(found)
    assert walk.complete_to is not None
    assert walk.complete_to <= begun


def test_rows_that_come_to_a_hidden_status_hide_no_others() -> None:
    """They are counted after all that is named, and could make up for what is hidden."""
    listed = bank(400, HidesOld, hidden=("declined",))
    before = set(listed.rows)
    walk = EveryStatus(UpdatedAnchored(), "status[]", STATUSES).walk(
        replace(WINDOW, is_open=False), (None, None), 100
    )
    found: set[str] = set()
    calls = 0
    while ask := walk.ask():
        found |= {row["id"] for row in walk.take(listed.answer(UpdatedAnchored.order, ask))}
        calls += 1
        if calls == 2:
            listed.add(20)
            for row in list(listed.rows.values())[-20:]:
                row["status"] = "declined"
    assert before <= found


@pytest.mark.parametrize("hidden", [(), ("declined",)])
@pytest.mark.parametrize("when", range(1, 12))
def test_a_row_that_is_added_meanwhile_is_taken_for_no_hidden_one(
    when: int, hidden: tuple[str, ...]
) -> None:
    """Each row comes once, and is not asked for once more than is needed to see that."""
    listed = bank(990, hidden=hidden)
    walk = EveryStatus(UpdatedAnchored(), "status[]", STATUSES).walk(
        replace(WINDOW, is_open=False), (None, None), 100
    )
    found: list[str] = []
    calls = 0
    while ask := walk.ask():
        calls += 1
        found += [row["id"] for row in walk.take(listed.answer(UpdatedAnchored.order, ask))]
        if calls == when:
            listed.add(1)
    assert len(found) == len(set(found))
    assert len(found) >= 990
    assert calls <= 10 + 6 + 3
