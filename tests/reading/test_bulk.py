"""Bulk changes, which stamp many rows with one instant: how many requests they cost."""

from __future__ import annotations

from datetime import timedelta
from math import inf
from random import Random
from typing import TYPE_CHECKING

import pytest

from tap_qonto.reading.by_created import CreatedAnchored
from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.side_by_side import SideBySide, asks
from tap_qonto.reading.window import Window
from tests.reading.moving_list import Habits, MovingList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.pages import Page
    from tap_qonto.reading.parts import Part
    from tap_qonto.reading.ways import Ask, Way

pytestmark = pytest.mark.real_clock("they are long, and read no clock")

SIZE = 100
EVEN = {f"{count} an instant": [count] * (6_000 // count) for count in (150, 300, 1_000)}
UNEVEN = {
    "all at once": [3_000],
    "in the middle": [*[1] * 1_000, 1_000, *[1] * 1_000],
    "more and more": [*[1] * 500, *[10] * 50, *[100] * 5, 500, 1_000],
    "a row more than a page": [101] * 29,
    "half pages": [50] * 60,
}
GROUPS = EVEN | UNEVEN


def of_yesterday(groups: Sequence[int]) -> MovingList:
    """Make a list of rows of an earlier day."""
    qonto = MovingList(Habits(), timedelta(milliseconds=50))
    qonto.add_hourly(groups)
    qonto.now += timedelta(days=1)
    return qonto


def read(way: Way, groups: Sequence[int], edits: int) -> tuple[int, int]:
    """Read rows of an earlier day; return the requests, and how many rows are missing."""
    qonto = of_yesterday(groups)
    window = Window.of({"lookback_seconds": 0}, None, begun=qonto.now, is_open=True)
    reading = SideBySide(way.walk(window, (None, None), SIZE), SIZE)
    found: set[str] = set()
    calls = 0
    while due := asks([reading], 1):
        ((part, ask),) = due
        found |= {row["id"] for row in reading.take(part, qonto.answer(way.order or "", ask))}
        calls += 1
        for edit in range(edits):
            qonto.change("edit", 7_919 * (2 * calls + edit))
    return calls, len(qonto.rows.keys() - found)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("way", [UpdatedAnchored(), CreatedAnchored(has_updated=False)])
def test_without_edits_bulk_changes_cost_hardly_more_than_the_fewest(way: Way, name: str) -> None:
    calls, missing = read(way, GROUPS[name], 0)
    assert missing == 0
    assert calls <= 1.15 * sum(GROUPS[name]) / SIZE


@pytest.mark.parametrize("name", GROUPS)
def test_with_two_edits_a_page_bulk_changes_cost_half_as_much_again(name: str) -> None:
    calls, missing = read(UpdatedAnchored(), GROUPS[name], 2)
    assert missing == 0
    assert calls <= 1.5 * sum(GROUPS[name]) / SIZE


def read_side_by_side(groups: Sequence[int], workers: int, edits: int) -> tuple[int, int]:
    """Read rows of an earlier day by several workers; as `read`."""
    qonto = of_yesterday(groups)
    window = Window.of({"lookback_seconds": 0}, None, begun=qonto.now, is_open=False)
    reading = SideBySide(UpdatedAnchored().walk(window, (None, None), SIZE), SIZE)
    random = Random(workers)  # noqa: S311 - repeatable
    before = set(qonto.rows)
    found: dict[str, int] = {}
    calls = 0
    under_way: list[tuple[Part, Ask, Page | None]] = []
    while under_way := under_way + [
        (part, ask, None) for part, ask in asks([reading], workers - len(under_way))
    ]:
        part, ask, page = under_way.pop(random.randrange(len(under_way)))
        if page is None:
            under_way.append((part, ask, qonto.answer(UpdatedAnchored.order, ask)))
            calls += 1
            for edit in range(edits):
                qonto.change("edit", 7_919 * (2 * calls + edit))
        else:
            found |= {row["id"]: row["version"] for row in reading.take(part, page)}
    unread = [key for key in before - found.keys() if qonto.rows[key]["version"] == 0]
    return calls, len(unread)


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("workers", [2, 8])
def test_without_edits_several_workers_cost_no_more(name: str, workers: int) -> None:
    calls, missing = read_side_by_side(GROUPS[name], workers, 0)
    assert missing == 0
    assert calls <= 1.15 * sum(GROUPS[name]) / SIZE


@pytest.mark.parametrize("workers", [2, 4, 8])
@pytest.mark.parametrize("name", [*EVEN, "half pages"])
def test_with_two_edits_a_page_several_workers_cost_no_more(name: str, workers: int) -> None:
    calls, missing = read_side_by_side(GROUPS[name], workers, 2)
    assert missing == 0
    assert calls <= 1.5 * sum(GROUPS[name]) / SIZE


@pytest.mark.parametrize(
    ("milliseconds", "edits", "times"),
    [(1, 2, 1.5), (20, 2, 1.5), (1, 20, 1.75), (20, 20, 1.75), (20, 150, inf)],
)
def test_what_is_edited_all_the_time_is_left_to_the_next_run(
    milliseconds: int, edits: int, times: float
) -> None:
    """A moment of the present that fills pages, and fills more of them with each request."""
    # Where an instant fills pages, no order of its rows can be relied on.
    habits = Habits(shuffles=edits > SIZE)
    qonto = MovingList(habits, timedelta(milliseconds=milliseconds))
    qonto.add_hourly([300] * (4 if habits.shuffles else 20))
    bookmark, calls, found = None, [0, 0], dict[str, int]()
    for run in range(2):
        window = Window.of({"lookback_seconds": 1}, bookmark, begun=qonto.now, is_open=False)
        walk = UpdatedAnchored().walk(window, (None, None), SIZE)
        while ask := walk.ask():
            page = qonto.answer(UpdatedAnchored.order, ask)
            found |= {row["id"]: row["version"] for row in walk.take(page)}
            bookmark = walk.complete_to or bookmark
            calls[run] += 1
            for edit in range(0 if run else edits):
                which = 7_919 * (edits * calls[run] + edit)
                qonto.change("touch" if edit else "edit", which)
    assert found == {key: row["version"] for key, row in qonto.rows.items()}
    assert calls[0] <= times * 60
