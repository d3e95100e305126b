"""Pages that slices share by number: what shows that a row has moved, and what cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count, product
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.pages import Page
from tap_qonto.reading.side_by_side import SideBySide, asks
from tap_qonto.reading.statuses import EveryStatus
from tap_qonto.reading.window import Window
from tests.reading.any_order import in_any_order
from tests.reading.moving_list import STATUSES, CappedError, Habits, MovingList
from tests.reading.still_list import NOW, SIZE, YEARS, StillList

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_qonto.reading.parts import Part
    from tap_qonto.reading.ways import Ask

pytestmark = pytest.mark.real_clock("they are long, and read no clock")

SPREAD = [YEARS / 12_000 * number for number in range(12_000)]
FEW = SPREAD[::3]


class Capped(StillList):
    """A list of which no more than 10,000 rows are counted, and a row leaves with each answer."""

    @override
    def answer(self, ask: Ask) -> Page:
        page = super().answer(ask)
        middle = len(self.stamps) // 2
        self.stamps.pop(middle)
        self.gone.add(self.rows.pop(middle)["id"])
        total = min(page.total, 10_000)
        return replace(page, total=total, pages=-(-total // SIZE), more=page.number * SIZE < total)

    gone: set[str]


def found_in(
    reading: SideBySide, workers: int, answer: Callable[[Ask], Page | None]
) -> tuple[list[str], int]:
    """Read a list whose answers come in any order; return the ids of its rows, and the calls."""
    pages = list(in_any_order(reading, workers, answer, workers))
    return [row["id"] for rows in pages for row in rows], len(pages)


def test_a_count_that_says_no_more_than_so_many_shows_nothing() -> None:
    """Search engines stop counting at 10,000."""
    qonto = Capped(SPREAD)
    qonto.gone = set()
    before = {row["id"] for row in qonto.rows}
    found, _ = found_in(qonto.reading(), 8, qonto.answer)
    assert before - set(found) <= qonto.gone
    assert {row["id"] for row in qonto.rows} <= set(found)


@pytest.mark.parametrize("deepest", [1, 7, 30])
def test_pages_that_are_too_far_back_are_asked_for_by_value(deepest: int) -> None:
    qonto = StillList(SPREAD)

    def answer(ask: Ask) -> Page:
        is_refused = ask.page is not None and ask.page > deepest
        return Page.past_the_end(ask.page or 1) if is_refused else qonto.answer(ask)

    found, _ = found_in(qonto.reading(), 8, answer)
    assert sorted(found, key=int) == [row["id"] for row in qonto.rows]


def test_pages_that_do_not_come_whole_are_asked_for_in_halves() -> None:
    qonto, random = StillList(SPREAD), Random(3)  # noqa: S311 - repeatable

    def answer(ask: Ask) -> Page | None:
        return None if ask.size > 2 * SIZE // 5 and random.random() < 0.1 else qonto.answer(ask)

    found, _ = found_in(qonto.reading(), 8, answer)
    assert sorted(found, key=int) == [row["id"] for row in qonto.rows]


def test_where_nothing_changes_no_row_is_asked_for_twice() -> None:
    """But for the last one of the first page."""
    qonto, asked = StillList(FEW), 0

    def answer(ask: Ask) -> Page:
        nonlocal asked
        page = qonto.answer(ask)
        asked += len(page.rows)
        return page

    found, calls = found_in(qonto.reading(), 8, answer)
    assert len(found) == len(FEW)
    assert asked <= len(FEW) + 2
    # What changes in the last minute is asked for by itself.
    assert calls <= len(FEW) / SIZE + 2


@pytest.mark.parametrize(("count", "shuffles"), [(6, True), (36, True), (60, False)])
@pytest.mark.parametrize("workers", [2, 8])
def test_slices_that_meet_in_an_instant_bring_all_of_it(
    workers: int, count: int, *, shuffles: bool
) -> None:
    """Where its rows come in another order each time, both bring some, and lack as many."""
    for before in range(90, 210, 2):
        random = Random(before)  # noqa: S311 - repeatable
        qonto = MovingList(Habits(shuffles=shuffles), timedelta(seconds=1), random=random)
        qonto.add_hourly([*[1] * before, count, *[1] * (280 - before)])
        window = Window.of({"lookback_seconds": 1}, None, begun=qonto.now, is_open=False)
        reading = SideBySide(UpdatedAnchored().walk(window, (None, None), 20), 20)
        found: list[str] = []
        answer = partial(qonto.answer, UpdatedAnchored.order)
        for rows in in_any_order(reading, workers, answer, before):
            found += [row["id"] for row in rows]
            for first, end in reading.reached.above:
                # A later run leaves out what is said to be read.
                read = {
                    row["id"] for row in qonto.rows.values() if first <= row["updated_at"] < end
                }
                assert read <= set(found)
        assert sorted(found) == sorted(qonto.rows)


def test_what_changed_in_the_last_minute_warns_of_more() -> None:
    """Then the count is not relied on, and no page is asked for in vain."""
    qonto = MovingList(Habits(), timedelta(seconds=1))
    qonto.add_hourly([1] * 2_000)
    window = Window.of({"lookback_seconds": 1}, None, begun=qonto.now, is_open=False)
    way = UpdatedAnchored()
    numbers = set()

    def answer(ask: Ask) -> Page:
        numbers.add(ask.page)
        qonto.change("edit", 7_919)
        return qonto.answer(way.order, ask)

    found, _ = found_in(SideBySide(way.walk(window, (None, None), SIZE), SIZE), 8, answer)
    assert set(found) == set(qonto.rows)
    assert numbers <= {1, 2}


def test_a_row_that_leaves_is_missed_by_no_slice() -> None:
    """Whichever row it is, and whenever; the next run brings what was edited."""
    for when in range(2, 26, 5):
        for which in (0, 1_040, 1_999):
            qonto = MovingList(Habits(cap=40), timedelta(seconds=1))
            qonto.add_hourly([1] * 2_000)
            begun = qonto.now
            edited = list(qonto.rows)[which]
            answered = 0

            def answer(
                ask: Ask, qonto: MovingList = qonto, when: int = when, which: int = which
            ) -> Page:
                nonlocal answered
                answered += 1
                if answered == when:
                    qonto.now += timedelta(minutes=5)
                    qonto.change("edit", which)
                try:
                    return qonto.answer(UpdatedAnchored.order, ask)
                except CappedError:
                    return Page.past_the_end(ask.page or 1)

            window = Window.of({"lookback_seconds": 1}, None, begun=begun, is_open=False)
            reading = SideBySide(UpdatedAnchored().walk(window, (None, None), SIZE), SIZE)
            found, _ = found_in(reading, 4, answer)
            assert set(qonto.rows) - set(found) <= {edited}
            assert len(set(found)) == len(found)


def test_a_list_that_ends_in_the_past_is_shared_at_once() -> None:
    """No row can change in it, but to leave."""
    qonto = StillList(SPREAD)
    upper = NOW - timedelta(days=30)
    window = Window(None, upper, None, upper, NOW)
    reading = SideBySide(UpdatedAnchored().walk(window, (None, None), SIZE), SIZE)
    found, calls = found_in(reading, 8, qonto.answer)
    expected = [
        row["id"] for row, stamp in zip(qonto.rows, qonto.stamps, strict=True) if stamp <= upper
    ]
    assert sorted(found, key=int) == expected
    assert calls <= len(expected) / SIZE + 8


def every_hour(pages: int, together: int = 1) -> MovingList:
    """Make a list of pages of 20 rows, of which none has changed of late.

    Args:
        pages: How many.
        together: How many rows share an instant.
    """
    qonto = MovingList(Habits(), timedelta(minutes=2))
    qonto.add_hourly([together] * (20 * pages // together))
    qonto.now += timedelta(days=1)
    return qonto


def reading_of(qonto: MovingList, *, is_filtered: bool = False) -> SideBySide:
    """Begin to read all of a list, in pages of 20 rows."""
    window = Window.of({"lookback_seconds": 1}, None, begun=qonto.now, is_open=False)
    window = replace(window, is_filtered=is_filtered)
    return SideBySide(UpdatedAnchored().walk(window, (None, None), 20), 20)


def answering(
    qonto: MovingList, when: int, act: Callable[[], object], *, is_counted: bool = False
) -> Callable[[Ask], Page]:
    """Answer as a list in which something happens.

    Args:
        qonto: The list.
        when: At which answer.
        act: What happens.
        is_counted: Whether the rows were counted by then, and are not looked up yet.
    """
    calls = count(1)

    def answer(ask: Ask) -> Page:
        counted = qonto.answer(UpdatedAnchored.order, ask)
        if next(calls) != when:
            return counted
        act()
        page = qonto.answer(UpdatedAnchored.order, ask)
        if not is_counted:
            return page
        return replace(page, total=counted.total, pages=counted.pages, more=counted.more)

    return answer


@pytest.mark.parametrize("what", ["edit", "delete"])
@pytest.mark.parametrize(("workers", "together"), [(1, 40), (2, 1), (8, 1), (8, 40)])
def test_a_row_that_moves_between_the_count_and_the_rows_hides_no_other(
    workers: int, together: int, what: str
) -> None:
    """Qonto may count in one statement, and look the rows up in the next."""
    for when, place in product(range(1, 24), (0, 210)):
        qonto = every_hour(20, together)
        before, moves = set(qonto.rows), partial(qonto.change, what, place)
        answer = answering(qonto, when, moves, is_counted=True)
        found, _ = found_in(reading_of(qonto), workers, answer)
        assert before - {f"r{place + 1:05d}"} <= set(found), (when, place)


@pytest.mark.parametrize("workers", [1, 2, 8, 64])
def test_rows_that_are_hidden_after_they_were_counted_hide_no_others(workers: int) -> None:
    """Then a page in the middle is not full."""
    qonto, hidden = StillList(FEW), {"950", "2222"}

    def answer(ask: Ask) -> Page:
        page = qonto.answer(ask)
        return replace(page, rows=[row for row in page.rows if row["id"] not in hidden])

    found, calls = found_in(qonto.reading(), workers, answer)
    assert sorted(found, key=int) == [row["id"] for row in qonto.rows if row["id"] not in hidden]
    assert calls <= 1.5 * len(FEW) / SIZE


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_pages_that_become_smaller_meanwhile_hide_no_row(workers: int) -> None:
    for when in range(2, 20):
        qonto = every_hour(20)
        shrink = partial(setattr, qonto, "habits", Habits(most=10))
        found, calls = found_in(reading_of(qonto), workers, answering(qonto, when, shrink))
        assert set(found) == qonto.rows.keys()
        assert calls <= 80


@pytest.mark.parametrize(("workers", "together"), [(1, 40), (8, 1), (8, 40)])
def test_a_count_that_a_filter_may_keep_is_not_relied_on(workers: int, together: int) -> None:
    """A row comes to lie in the past once a day is over, as another one leaves."""
    for when in range(1, 40):
        qonto = every_hour(20, together)
        entering = {"r00391": qonto.rows.pop("r00391")}
        before = set(qonto.rows)

        def swap(qonto: MovingList = qonto, entering: dict[str, Any] = entering) -> None:
            qonto.change("edit", 70)
            qonto.rows |= entering

        reading = reading_of(qonto, is_filtered=True)
        found, _ = found_in(reading, workers, answering(qonto, when, swap))
        assert before - {"r00071"} <= set(found), when


def of_an_earlier_day(random: Random, hidden: Sequence[str]) -> MovingList:
    """Make a list of some twenty pages of four rows, most of them close to one another."""
    is_crowded, inclusive, cuts, shuffles = (random.random() < 0.5 for _ in range(4))
    habits = Habits(inclusive, cuts, shuffles and not is_crowded)
    qonto = MovingList(habits, timedelta(seconds=1), random=random, hidden=hidden)
    gaps = random.sample([0.3, 1.0, 1.0, 2.0, 3_600.0], 2)
    while len(qonto.rows) < 100:
        qonto.add(random.choice([1, 1, 6, 9, 13] if is_crowded else [1, 1, 1, 1, 2, 6]))
        qonto.now += timedelta(seconds=random.choice(gaps))
    qonto.now += timedelta(days=1)
    return qonto


def read_on_its_way(reading: SideBySide, qonto: MovingList, random: Random) -> list[str]:
    """Read a list of which rows leave while answers are on their way; return the ids."""
    workers, answered = random.choice([2, 3, 8]), 0
    changes = random.sample(range(3, 40), random.choice([0, 1, 2]))
    found: list[str] = []
    under_way: list[tuple[Part, Ask, Page | None]] = []
    while under_way := under_way + [
        (part, ask, None) for part, ask in asks([reading], workers - len(under_way))
    ]:
        part, ask, page = under_way.pop(random.randrange(len(under_way)))
        if page is None:
            answered += 1
            under_way.append((part, ask, qonto.answer(UpdatedAnchored.order, ask)))
            if answered in changes:
                qonto.change(random.choice(["edit", "delete"]), random.randrange(999))
        else:
            found += [f"{row['id']} {row['version']}" for row in reading.take(part, page)]
    return found


HIDDEN = [(), STATUSES[:1], STATUSES[1:]]
BANK = EveryStatus(UpdatedAnchored(), "status[]", STATUSES)


def check(way: UpdatedAnchored | EveryStatus, seed: int) -> None:
    """Read a list of which rows leave meanwhile, and see that no other is lost."""
    random = Random(seed)  # noqa: S311 - repeatable
    qonto = of_an_earlier_day(random, random.choice(HIDDEN) if way is BANK else ())
    before = set(qonto.rows)
    window = Window.of({"lookback_seconds": 1}, None, begun=qonto.now, is_open=False)
    walk = way.walk(window, (None, None), 4)
    found = read_on_its_way(SideBySide(walk, 4), qonto, random)
    # A list that changes while it is counted can be read both ways.
    assert len(set(found)) == len(found) or way is BANK
    unchanged = {row["id"] for row in qonto.rows.values() if row["version"] == 0}
    assert {f"{key} 0" for key in before & unchanged} <= set(found)


# Of many seeds, those that failed where a rule for slices that meet was left out.
@pytest.mark.parametrize("seed", [3, 12, 44, 49, 53, 56, 77, 84])
def test_slices_that_meet_within_seconds_bring_each_row_once(seed: int) -> None:
    """Whatever bounds mean, and whichever rows leave while answers are on their way."""
    check(UpdatedAnchored(), seed)


@pytest.mark.parametrize("seed", [15, 55, 57, 59])
def test_so_do_those_of_a_list_that_hides_rows(seed: int) -> None:
    """Its walk goes on where pages were given away, or came back."""
    check(BANK, seed)
