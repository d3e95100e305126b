"""Runs that are killed: what the state says was read, the next run leaves out, and no more."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import count, islice, product
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.done import Reached
from tap_qonto.reading.side_by_side import SideBySide, asks
from tap_qonto.reading.statuses import EveryStatus
from tap_qonto.reading.window import Window
from tests.reading.any_order import in_any_order
from tests.reading.kept import is_kept, kept
from tests.reading.moving_list import STATUSES, Habits, MovingList
from tests.reading.still_list import SIZE, StillList

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_qonto.reading.pages import Page
    from tap_qonto.reading.ways import Ask

pytestmark = pytest.mark.real_clock("they are long, and read no clock")


@pytest.mark.parametrize("workers", [2, 8, 64])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.95])
def test_a_killed_backfill_goes_on_where_it_was(share: float, workers: int) -> None:
    rows = 10_000
    qonto = StillList.of("recent-heavy", rows)
    fewest = rows / SIZE
    found: set[str] = set()
    reached, calls = Reached(None), 0
    reading = qonto.reading()
    while calls < share * fewest:
        for part, ask in asks([reading], workers):
            found |= {row["id"] for row in reading.take(part, qonto.answer(ask))}
            reached, calls = reading.reached, calls + 1
    reached, asked = kept(reached), 0
    if reached.unsure:
        reached, asked = reached.confirmed(), 1
    again = qonto.reading(reached.bookmark, reached.above)
    while due := asks([again], workers):
        for part, ask in due:
            asked += 1
            found |= {row["id"] for row in again.take(part, qonto.answer(ask))}
    assert len(found) == rows
    assert asked <= 1.05 * (fewest - calls) + 2.5 * min(workers, 40) + 2
    assert asked <= 0.5 * fewest or share != 0.6 or workers > 8
    assert not again.reached.above


def killed(
    reading: SideBySide, workers: int, answer: Callable[[Ask], Page], slow: int, after: int
) -> tuple[set[str], Reached]:
    """Read a list until the run is killed; return the ids of rows, and what the state says.

    Args:
        reading: Says what to ask for.
        workers: How many requests are under way at most.
        answer: Answers as the server would.
        slow: From which answer on the lowest part gets none.
        after: After how many answers it is killed.
    """
    found, reached = set(), Reached(None)
    under_way = asks([reading], workers)
    lowest, _ = under_way[0]
    for number in range(after):
        due = [each for each in under_way if number < slow or each[0] is not lowest]
        if not due:
            break
        part, ask = due[0]
        under_way.remove((part, ask))
        found |= {row["id"] for row in reading.take(part, answer(ask))}
        reached = reading.reached
        under_way += asks([reading], workers - len(under_way))
    return found, kept(reached)


@pytest.mark.parametrize("workers", [2, 4, 8, 32])
def test_a_second_that_slices_share_is_read_once_all_of_them_are(workers: int) -> None:
    """Where many of them begin and end in a bulk change."""
    hours = [3_600 * number for number in range(900)]
    qonto = StillList([*hours[:300], *[3_600 * 300] * 1_500, *hours[301:]])
    for slow, after in product(range(3, 16, 4), range(7, 44, 6)):
        found, reached = killed(qonto.reading(), workers, qonto.answer, slow, after)
        again = qonto.reading(reached.bookmark, reached.above)
        for rows in in_any_order(again, workers, qonto.answer, slow):
            found |= {row["id"] for row in rows}
        assert len(found) == len(qonto.rows), (slow, after)


@pytest.mark.parametrize(
    ("seed", "when", "more"), [(2, 22, 2), (2, 22, 8), (3, 18, 8), (3, 20, 11), (3, 22, 5)]
)
def test_pages_that_went_back_were_not_read(seed: int, when: int, more: int) -> None:
    """Of a list that hides most of its rows, one of which is edited before the run is killed."""
    way = EveryStatus(UpdatedAnchored(), "status[]", STATUSES)
    qonto = MovingList(Habits(), timedelta(minutes=5), hidden=("declined",))
    qonto.add_hourly([1] * 2_800)
    for number, row in enumerate(qonto.rows.values()):
        row["status"] = "completed" if number < 600 and number % 2 else "declined"
    qonto.now += timedelta(days=1)
    found: dict[str, int] = {}
    reached = Reached(None)
    for most in (when + more, None):
        window = Window.of(
            {"lookback_seconds": 1}, reached.bookmark, begun=qonto.now, is_open=False
        )
        reading = SideBySide(way.walk(window, (None, None), SIZE), SIZE, kept(reached).above)
        answer = partial(qonto.answer, UpdatedAnchored.order)
        for number, rows in enumerate(islice(in_any_order(reading, 8, answer, seed), most), 1):
            found |= {row["id"]: row["version"] for row in rows}
            reached = reading.reached
            if most and number == when:
                qonto.now += qonto.tick
                qonto.rows["r01300"] |= {"version": 1, "updated_at": qonto.now}
        qonto.now += timedelta(minutes=10)
    assert found == {key: row["version"] for key, row in qonto.rows.items()}


class Torn(NamedTuple):
    """A run that is killed behind an answer in which a row moves after it was counted.

    Attributes:
        groups: Rows that share an instant, each an hour after the one before.
        workers: How many requests are under way at most.
        hidden: Statuses of every other row, which the list does not show by itself.
    """

    groups: Sequence[int]
    workers: int
    hidden: Sequence[str] = ()


SMALL = 20
"""Rows for each page, so that many runs are quick."""
TORN = {
    "hourly, 8 workers": Torn([1] * 600, 8),
    "hourly, 2 workers": Torn([1] * 600, 2),
    "bulk changes, 1 worker": Torn([30] * 20, 1),
    "bulk changes, 8 workers": Torn([30] * 20, 8),
    "one bulk change": Torn([*[1] * 100, 200, *[1] * 100], 8),
    "half is hidden": Torn([1] * 600, 8, ("declined",)),
}
Versions = dict[str, int]
WAY = EveryStatus(UpdatedAnchored(), "status[]", STATUSES)


def read(
    torn: Torn, qonto: MovingList, reached: Reached, seed: int, *, when: int = 0, after: int | None
) -> tuple[Versions, Reached]:
    """Read what is left; return the version of each row that came, and what the state says.

    Args:
        torn: The run.
        qonto: The list.
        reached: What the state of the run before says.
        seed: Another one has another order of answers.
        when: With which answer a row moves on that lies before its page; 0 for never.
        after: After which answer it is killed; None for never.
    """
    found: Versions = {}
    calls = count(1)

    def answer(ask: Ask) -> Page:
        between = partial(move, qonto, ask, seed) if next(calls) == when else None
        return qonto.answer(UpdatedAnchored.order, ask, between)

    if reached.unsure and is_kept(qonto, reached.unsure.window):
        reached = reached.confirmed()
    window = Window.of({"lookback_seconds": 1}, reached.bookmark, begun=qonto.now, is_open=False)
    reading = SideBySide(WAY.walk(window, (None, None), SMALL), SMALL, reached.above)
    for rows in islice(in_any_order(reading, torn.workers, answer, seed), after):
        found |= {row["id"]: row["version"] for row in rows}
        if reading.reached.bookmark:
            reached = reading.reached
    qonto.now += timedelta(minutes=10)
    return found, kept(reached)


def move(qonto: MovingList, ask: Ask, which: int) -> None:
    """Edit a row that lies on a page before this one, so that it goes to the end."""
    before = qonto.found(UpdatedAnchored.order, ask)[: ((ask.page or 1) - 1) * ask.size]
    qonto.now += qonto.tick
    if before:
        row = before[which % len(before)]
        row |= {"version": 1, "updated_at": qonto.now}
        qonto.rows[row["id"]] = qonto.rows.pop(row["id"])


@pytest.mark.parametrize("name", TORN)
def test_a_page_that_is_not_sure_yet_is_read_again(name: str) -> None:
    """Qonto may count before it looks rows up, and no later answer has shown that none moved."""
    torn = TORN[name]
    for when, later, seed in product(range(2, 33), (0, 2), range(2)):
        qonto = MovingList(Habits(), timedelta(minutes=5), hidden=torn.hidden)
        qonto.add_hourly(torn.groups)
        for number, row in enumerate(qonto.rows.values()):
            row["status"] = "declined" if torn.hidden and number % 2 else "completed"
        qonto.now += timedelta(days=1)
        order = 57 * seed + when
        found, reached = read(torn, qonto, Reached(None), order, when=when, after=when + later)
        further, _ = read(torn, qonto, reached, order, after=None)
        expected = {key: row["version"] for key, row in qonto.rows.items()}
        assert found | further == expected, (when, later, seed)
