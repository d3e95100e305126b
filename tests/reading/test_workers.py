"""Threads that ask: what fails, and who stops, at any point."""

from __future__ import annotations

import threading
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tap_qonto import timestamps
from tap_qonto.errors import UnreachableError
from tap_qonto.reading.done import Reached
from tap_qonto.reading.workers import read
from tests.reading.still_list import SIZE, StillList

if TYPE_CHECKING:
    from tap_qonto.reading.pages import Page
    from tap_qonto.reading.ways import Ask

NAME = "workers of the test"
ROWS, WORKERS = 3_000, 4
PATIENCE = 30
QONTO = StillList.of("even", ROWS)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == NAME]


def all_end() -> bool:
    """Tell whether the threads end; it waits for them."""
    for thread in threads():
        thread.join(PATIENCE)
    return not threads()


@pytest.mark.parametrize("workers", [1, 2, 8, 64])
def test_each_row_comes_once(workers: int) -> None:
    pages = list(read(QONTO.reading(), QONTO.answer, workers=workers, name=NAME))
    ids = [row["id"] for rows, _ in pages for row in rows]
    assert sorted(ids, key=int) == [row["id"] for row in QONTO.rows]
    assert pages[-1][1].bookmark == timestamps.parse(QONTO.rows[-1]["updated_at"])
    assert all_end()


@pytest.mark.parametrize("nth", range(45))
def test_a_failure_ends_the_reading_wherever_it_happens(nth: int) -> None:
    calls = count()

    def answer(ask: Ask) -> Page:
        if next(calls) == nth:
            msg = "Qonto cannot be reached."
            raise UnreachableError(msg)
        return QONTO.answer(ask)

    ids: set[str] = set()
    bookmark, above = Reached(None)
    reading = read(QONTO.reading(), answer, workers=WORKERS, name=NAME)
    try:
        for rows, reached in reading:
            ids |= {row["id"] for row in rows}
            bookmark, above = reached  # noqa: RUF059 - read below
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
    reading = read(QONTO.reading(), QONTO.answer, workers=WORKERS, name=NAME)
    for _ in range(nth):
        next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert all_end()


def test_a_call_that_hangs_holds_up_neither_a_failure_nor_the_end() -> None:
    calls, hangs = count(), threading.Event()

    def answer(ask: Ask) -> Page:
        number = next(calls)
        if number == 3:
            hangs.wait(PATIENCE)
        if number == 4:
            msg = "Qonto cannot be reached."
            raise UnreachableError(msg)
        return QONTO.answer(ask)

    with pytest.raises(UnreachableError):
        list(read(QONTO.reading(), answer, workers=WORKERS, name=NAME))
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
    for page, _ in read(QONTO.reading(), answer, workers=WORKERS, name=NAME):
        rows += len(page)
        if rows > ROWS / 2:
            goes_on.set()
    assert rows == ROWS


def test_there_are_no_more_pages_in_memory_than_workers() -> None:
    lock, begun, written, most = threading.Lock(), 0, 0, 0

    def answer(ask: Ask) -> Page:
        nonlocal begun, most
        with lock:
            begun += 1
            most = max(most, begun - written)
        return QONTO.answer(ask)

    for _ in read(QONTO.reading(), answer, workers=WORKERS, name=NAME):
        with lock:
            written += 1
    assert 1 < most <= WORKERS + 1  # the page that is being written


@pytest.mark.parametrize(("rows", "workers"), [(4 * SIZE, 64), (ROWS, 1)])
def test_a_short_list_and_a_single_worker_take_no_thread(rows: int, workers: int) -> None:
    qonto = StillList(60.0 * number for number in range(rows))
    asked = []

    def answer(ask: Ask) -> Page:
        assert threading.current_thread() is threading.main_thread()
        asked.append(ask)
        return qonto.answer(ask)

    for number, _ in enumerate(read(qonto.reading(), answer, workers=workers, name=NAME), 1):
        assert len(asked) == number  # the next page is asked for when this one is written
