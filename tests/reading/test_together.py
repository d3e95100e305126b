"""Threads that ask: what fails, and who stops, at any point; and lists that share them."""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, TypeVar

import pytest
from typing_extensions import override

from tap_qonto import timestamps
from tap_qonto.errors import UnreachableError
from tap_qonto.reading.done import Reached
from tap_qonto.reading.together import Together
from tap_qonto.reading.workers import Workers, _result
from tests.reading.still_list import SIZE, StillList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.side_by_side import SideBySide
    from tap_qonto.reading.together import Read
    from tap_qonto.reading.ways import Ask

Key = TypeVar("Key")
Value = TypeVar("Value")

NAME = "workers of the test"
ROWS, WORKERS = 3_000, 4
PATIENCE = 30
QONTO = StillList.of("even", ROWS)


def read_later(answer: Callable[[Ask], Page | None]) -> Callable[[Ask], Read]:
    """Ask in the thread that is called, and read in another."""

    def ask(asked: Ask) -> Read:
        page = answer(asked)
        return lambda: page

    return ask


def read(
    reading: SideBySide, answer: Callable[[Ask], Page | None], workers: int
) -> Iterator[tuple[Sequence[Row], Reached]]:
    """Read one list."""
    with Together(workers, NAME) as together:
        tasks: list[Iterator[tuple[Sequence[Row], Reached] | None]] = [
            together.pages(reading, read_later(answer))
        ]
        yield from together.run(tasks)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def all_end() -> bool:
    """Tell whether the threads end; it waits for them."""
    for thread in threads():
        thread.join(PATIENCE)
    return not threads()


@pytest.mark.parametrize("workers", [1, 2, 8, 64])
def test_each_row_comes_once(workers: int) -> None:
    pages = list(read(QONTO.reading(), QONTO.answer, workers))
    ids = [row["id"] for rows, _ in pages for row in rows]
    assert sorted(ids, key=int) == [row["id"] for row in QONTO.rows]
    assert pages[-1][1].bookmark == timestamps.parse(QONTO.rows[-1]["updated_at"])
    assert all_end()


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_a_long_list_has_all_workers(workers: int) -> None:
    begun, qonto = 30, StillList.of("even", 10_000)
    calls, together = count(), threading.Barrier(workers, timeout=PATIENCE)

    def answer(ask: Ask) -> Page:
        if begun <= next(calls) < begun + workers:
            together.wait()
        return qonto.answer(ask)

    assert sum(len(rows) for rows, _ in read(qonto.reading(), answer, workers)) == len(qonto.rows)


@pytest.mark.parametrize("nth", range(45))
def test_a_failure_ends_the_reading_wherever_it_happens(nth: int) -> None:
    calls = count()

    def answer(ask: Ask) -> Page:
        if next(calls) == nth:
            msg = "Qonto cannot be reached."
            raise UnreachableError(msg)
        return QONTO.answer(ask)

    ids: set[str] = set()
    bookmark, above, _ = Reached(None)
    reading = read(QONTO.reading(), answer, WORKERS)
    try:
        for rows, reached in reading:
            ids |= {row["id"] for row in rows}
            bookmark, above, _ = reached  # noqa: RUF059 - read below
    except UnreachableError:
        assert len(ids) < ROWS
    else:
        assert nth >= next(calls) - 1
        assert len(ids) == ROWS
    due = [
        row for row in QONTO.rows if bookmark and timestamps.parse(row["updated_at"]) <= bookmark
    ]
    assert ids >= {row["id"] for row in due}
    assert all_end()


@pytest.mark.parametrize("nth", range(0, 32, 3))
def test_whoever_stops_taking_pages_leaves_no_thread_behind(nth: int) -> None:
    reading = read(QONTO.reading(), QONTO.answer, WORKERS)
    for _ in range(nth):
        next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert all_end()


def test_a_call_that_hangs_holds_up_neither_a_failure_nor_the_end() -> None:
    calls, hangs, is_held = count(), threading.Event(), threading.Event()

    def answer(ask: Ask) -> Page:
        number = next(calls)
        # By the sixth, there are slices that can go on without it.
        if number == 6:
            is_held.set()
            hangs.wait(PATIENCE)
            is_held.clear()
        if number == 9:
            msg = "Qonto cannot be reached."
            raise UnreachableError(msg)
        return QONTO.answer(ask)

    with pytest.raises(UnreachableError):
        list(read(QONTO.reading(), answer, WORKERS))
    assert is_held.is_set()
    assert all(thread.daemon for thread in threads())
    hangs.set()
    assert all_end()


def test_a_slow_page_does_not_hold_up_the_others() -> None:
    calls, goes_on = count(), threading.Event()

    def answer(ask: Ask) -> Page:
        # It comes when half of the list was read without it.
        if next(calls) == 4:
            assert goes_on.wait(PATIENCE)
        return QONTO.answer(ask)

    rows = 0
    for page, _ in read(QONTO.reading(), answer, WORKERS):
        rows += len(page)
        if rows > ROWS / 2:
            goes_on.set()
    assert rows == ROWS


class Lists:
    """Lists that are read together, a few long ones among many short ones.

    Args:
        sizes: Rows of each list.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        """Ask nothing yet."""
        self.all = [StillList(60.0 * number for number in range(size)) for size in sizes]
        self.rows = [0 for _ in sizes]
        self.asked: list[int] = []
        self.most = 0
        self._held = 0
        self._lock = threading.Lock()

    def read(self, workers: int, fails: Callable[[int, int], bool] | None = None) -> list[int]:
        """Read them; return which could not be read.

        Args:
            workers: How many there are.
            fails: Tells whether a request fails, by its list and its number.
        """
        failed: list[int] = []

        def answer(which: int, ask: Ask) -> Page:
            with self._lock:
                self.asked.append(which)
                self._held += 1
                self.most = max(self.most, self._held)
                is_wrong = fails and fails(which, self.asked.count(which))
            time.sleep(random.choice([0, 0, 0.001]))  # noqa: S311 - answers in any order
            if is_wrong:
                with self._lock:
                    self._held -= 1
                msg = "Qonto cannot be reached."
                raise UnreachableError(msg)
            return self.all[which].answer(ask)

        def task(which: int) -> Iterator[int | None]:
            reading = self.all[which].reading()
            try:
                for page in together.pages(reading, read_later(partial(answer, which))):
                    if page is None:
                        yield None
                        continue
                    yield len(page[0])
                    self.rows[which] += len(page[0])
                    with self._lock:
                        self._held -= 1
            except UnreachableError:
                failed.append(which)

        with Together(workers, NAME) as together:
            tasks: list[Iterator[int | None]] = [task(which) for which in range(len(self.all))]
            assert sum(together.run(tasks)) == sum(self.rows)
        return failed


SIZES = [*[150] * 12, 3_000, 0, 90, 2_000]


@pytest.mark.parametrize("workers", [2, 4, 30])
def test_lists_that_share_workers_are_read_whole_with_few_pages_in_memory(workers: int) -> None:
    lists = Lists(SIZES)
    assert not lists.read(workers)
    assert lists.rows == SIZES
    assert all_end()
    assert 1 < lists.most <= workers + 1  # the page that is being written
    order = list(dict.fromkeys(lists.asked))
    # Small ones do not wait for one another, and the large ones have all workers in the end.
    assert set(order[:workers]) == set(range(min(workers, len(SIZES))))
    fewest = sum(1 + max(size - SIZE, 0) / (SIZE - 1) for size in SIZES)
    assert len(lists.asked) <= fewest + len(SIZES) + 1.5 * workers


def test_a_single_worker_reads_one_list_after_the_other() -> None:
    lists = Lists(SIZES)
    assert not lists.read(1)
    assert lists.asked == sorted(lists.asked)
    assert lists.most == 1


@pytest.mark.parametrize("nth", [1, 2, 9])
@pytest.mark.parametrize("workers", [1, 3, 8])
def test_a_list_that_fails_does_not_end_the_others(nth: int, workers: int) -> None:
    lists = Lists([150, 3_000, 150, 1_000])
    assert lists.read(workers, lambda which, number: which == 1 and number >= nth) == [1]
    assert [lists.rows[which] for which in (0, 2, 3)] == [150, 150, 1_000]
    assert lists.rows[1] < 3_000
    assert all_end()


class Prompt(Workers[Key, Value]):
    """Has every answer as soon as it is asked."""

    @override
    def begin(self, key: Key, call: Callable[[], Value]) -> None:
        self.busy += 1
        self._results.put((key, _result(call)))


class Late(Prompt[Key, Value]):
    """Has no answer before somebody waits for it; the oldest comes first."""

    @property
    @override
    def has_result(self) -> bool:
        return False


def sizes(
    together: Together, reading: SideBySide, answer: Callable[[Ask], Page], pages: int = ROWS
) -> Iterator[int | None]:
    """Yield how many rows each page has, and end after so many pages."""
    taken = 0
    with closing(together.pages(reading, read_later(answer))) as steps:  # type: ignore[type-var]
        for step in steps:
            yield step and len(step[0])
            taken += step is not None
            if taken == pages:
                return


@pytest.mark.parametrize("failing", [{6}, {6, 7}, {6, 7, 8, 9}])
def test_an_answer_that_comes_after_its_list_has_failed_is_dropped(
    monkeypatch: pytest.MonkeyPatch, failing: set[int]
) -> None:
    monkeypatch.setattr("tap_qonto.reading.together.Workers", Prompt)
    calls, failures = count(), list[str]()
    pages = 0

    def answer(ask: Ask) -> Page:
        number = next(calls)
        if number in failing:
            msg = f"Request {number} cannot be answered."
            raise UnreachableError(msg)
        return QONTO.answer(ask)

    def fails() -> Iterator[None]:
        nonlocal pages
        try:
            for step in sizes(together, QONTO.reading(), answer):
                pages += step is not None
                yield None
        except UnreachableError as error:
            failures.append(str(error))

    with Together(8, NAME) as together:
        tasks = [fails(), sizes(together, QONTO.reading(), QONTO.answer)]
        assert sum(together.run(tasks)) == ROWS
    assert failures == [f"Request {min(failing)} cannot be answered."]
    assert pages == min(failing)
    assert next(calls) > pages + 1, "none came after the failure"


@pytest.mark.parametrize("pages", [2, 3, 7])
@pytest.mark.parametrize("is_answered", [True, False])
def test_an_answer_that_comes_after_its_task_has_ended_is_dropped(
    monkeypatch: pytest.MonkeyPatch, pages: int, *, is_answered: bool
) -> None:
    monkeypatch.setattr("tap_qonto.reading.together.Workers", Late)
    calls = count()

    def answer(ask: Ask) -> Page:
        if next(calls) >= pages and not is_answered:
            msg = "Qonto cannot be reached."
            raise UnreachableError(msg)
        return QONTO.answer(ask)

    def ends() -> Iterator[None]:
        yield from (None for _ in sizes(together, QONTO.reading(), answer, pages))

    with Together(WORKERS, NAME) as together:
        tasks = [ends(), sizes(together, QONTO.reading(), QONTO.answer)]
        assert sum(together.run(tasks)) == ROWS
    assert next(calls) > pages, "none came after the end"


def test_a_page_that_was_still_to_be_asked_for_goes_with_its_task() -> None:
    asked = list[object]()
    short = StillList(60.0 * number for number in range(2 * SIZE))

    def answer(ask: Ask) -> Page:
        asked.append(ask)
        return short.answer(ask)

    def begins_later() -> Iterator[int | None]:
        while not asked:
            yield None
        yield from sizes(together, QONTO.reading(), QONTO.answer)

    with Together(WORKERS, NAME) as together:
        tasks = [sizes(together, short.reading(), answer, pages=1), begins_later()]
        assert sum(together.run(tasks)) == SIZE + ROWS
    assert len(asked) == 1
    assert all_end()


def test_what_is_called_beside_lists_returns_or_raises() -> None:
    def raises() -> int:
        msg = "Qonto cannot be reached."
        raise UnreachableError(msg)

    def task(call: Callable[[], int]) -> Iterator[int | None]:
        yield from together_pages()
        try:
            yield (yield from together.call(call))
        except UnreachableError:
            yield -1

    def together_pages() -> Iterator[None]:
        for _ in together.pages(QONTO.reading(), read_later(QONTO.answer)):
            yield None

    for workers in (1, 4):
        with Together(workers, NAME) as together:
            tasks: list[Iterator[int | None]] = [task(lambda: 1), task(raises), task(lambda: 2)]
            assert sorted(together.run(tasks)) == [-1, 1, 2]
    assert all_end()


@pytest.mark.parametrize(("rows", "workers"), [(4 * SIZE, 64), (ROWS, 1)])
def test_a_short_list_and_a_single_worker_take_no_thread(rows: int, workers: int) -> None:
    qonto = StillList(60.0 * number for number in range(rows))
    asked = []

    def answer(ask: Ask) -> Page:
        assert threading.current_thread() is threading.main_thread()
        asked.append(ask)
        return qonto.answer(ask)

    for number, _ in enumerate(read(qonto.reading(), answer, workers), 1):
        assert len(asked) == number  # the next page is asked for when this one is written
