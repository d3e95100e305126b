"""Pages by number: each joins the last, or the list is read again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_qonto.errors import DataError
from tap_qonto.reading.paged import PagedWalk, joining
from tap_qonto.reading.pages import Page
from tap_qonto.reading.side_by_side import SideBySide, asks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_qonto.reading.pages import Row
    from tap_qonto.reading.ways import Ask


def rows(*names: object) -> list[Row]:
    return [{"id": str(name)} for name in names]


def answer(listed: list[Row], ask: Ask) -> Page:
    assert ask.page
    start = (ask.page - 1) * ask.size
    pages = -(-len(listed) // ask.size)
    page = listed[start : start + ask.size]
    return Page(page, ask.page, pages, len(listed), more=ask.page < pages)


def read(
    listed: list[Row], walk: PagedWalk, between: Callable[[int], object]
) -> tuple[list[str], int]:
    """Walk a list that changes between requests; return the ids and the calls."""
    found: list[str] = []
    calls = 0
    while ask := walk.ask():
        found += [row["id"] for row in walk.take(answer(listed, ask))]
        calls += 1
        between(calls)
    return found, calls


@pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 99, 100, 101, 199, 1000])
@pytest.mark.parametrize("size", [1, 2, 20, 100])
def test_a_list_at_rest_is_read_once(count: int, size: int) -> None:
    walk = PagedWalk(size)
    found, calls = read(rows(*range(count)), walk, lambda _: None)
    assert found == [str(number) for number in range(count)]
    assert walk.is_whole
    assert walk.total == count
    # Where the last page is full, one more shows that no row has been moved behind it.
    assert size < 100 or calls <= 1 + count / 95 + (count % 100 == 0)


@pytest.mark.parametrize("place", [0, 30, 79])
@pytest.mark.parametrize("count", [20, 77, 80])
def test_a_row_that_is_added_behind_the_count_pushes_none_out_of_sight(
    count: int, place: int
) -> None:
    """Qonto may count in one statement, and look the rows up in the next."""
    for when in range(1, 8):
        listed, walk, calls, found = rows(*range(count)), PagedWalk(20), 0, set[str]()
        while ask := walk.ask():
            page = answer(listed, ask)
            calls += 1
            if calls == when:
                listed.insert(place, {"id": "new"})
                page = replace(page, rows=answer(listed, ask).rows)
            found |= {row["id"] for row in walk.take(page)}
        assert set(map(str, range(count))) <= found


@pytest.mark.parametrize("count", [0, 5, 7, 10, 60])
def test_a_list_of_small_pages_is_read_once_if_the_last_one_is_full(count: int) -> None:
    """Nothing follows it, and that is no sign that rows have moved."""
    listed, walk, calls = rows(*range(count)), PagedWalk(20), 0
    found: list[Row] = []
    while ask := walk.ask():
        page = replace(answer(listed, ask._replace(size=min(ask.size, 5))), size=5)
        is_past = page.number > max(page.pages, 1)
        found += walk.take(Page.past_the_end(page.number) if is_past else page)
        calls += 1
    assert found == listed
    assert walk.is_whole
    assert calls <= 2 + count / 2


@pytest.mark.parametrize("workers", [8, 16])
def test_pages_are_read_side_by_side(workers: int) -> None:
    """In rounds: all that is under way is answered, then the next goes out."""
    listed = rows(*range(10_000))
    reading = SideBySide(PagedWalk(100), 100)
    found: list[Row] = []
    calls = rounds = 0
    while due := asks([reading], workers):
        rounds += 1
        calls += len(due)
        for part, ask in reversed(due):
            found += reading.take(part, answer(listed, ask))
    assert reading.is_whole
    assert sorted(row["id"] for row in found) == sorted(row["id"] for row in listed)
    _, alone = read(listed, PagedWalk(100), lambda _: None)
    assert calls <= alone + workers
    assert rounds <= 1.2 * alone / workers + 5


@given(st.integers(60, 900), st.integers(20, 60), st.integers(1, 9))
def test_each_page_begins_with_a_row_of_those_below(count: int, size: int, workers: int) -> None:
    listed = rows(*range(count))
    reading = SideBySide(PagedWalk(size), size)
    read_to = 0
    spans: list[tuple[int, int]] = []
    while due := asks([reading], workers):
        for part, ask in due:
            page = answer(listed, ask)
            reading.take(part, page)
            start = ((ask.page or 1) - 1) * ask.size
            spans.append((start, start + len(page.rows)))
    for start, end in sorted(spans):
        assert start < read_to or start == 0
        read_to = max(read_to, end)
    assert read_to == count


@given(st.integers(1, 100_000), st.integers(20, 100))
def test_a_joining_page_begins_within_what_is_known_and_goes_on(done: int, most: int) -> None:
    ask = joining(done, most)
    assert ask.page
    assert ask.size <= most
    assert (ask.page - 1) * ask.size < done < ask.page * ask.size


CHANGES = st.lists(st.tuples(st.integers(1, 12), st.sampled_from(["delete", "add"])), max_size=6)


@given(st.integers(0, 200), CHANGES, st.data())
def test_no_row_that_stays_is_skipped(
    count: int, changes: list[tuple[int, str]], data: st.DataObject
) -> None:
    listed = rows(*range(count))
    gone: set[str] = set()

    def between(calls: int) -> None:
        for when, change in changes:
            if when == calls and change == "add":
                listed.extend(rows(f"new {len(listed)} {calls}"))
            elif when == calls and listed:
                gone.add(listed.pop(data.draw(st.integers(0, len(listed) - 1)))["id"])

    walk = PagedWalk(20)
    found, _ = read(listed, walk, between)
    if walk.is_whole:
        assert {str(number) for number in range(count)} - gone <= set(found)


def test_a_deletion_that_an_addition_hides_is_seen() -> None:
    listed = rows(*range(60))

    def between(calls: int) -> None:
        if calls == 1:
            listed.pop(3)
            listed.extend(rows("new"))

    walk = PagedWalk(20)
    found, calls = read(listed, walk, between)
    assert walk.is_whole
    assert {row["id"] for row in listed} <= set(found)
    assert calls > 4


def test_a_list_that_grew_meanwhile_is_read_again() -> None:
    listed = rows(*range(60))
    walk = PagedWalk(20)
    _, alone = read(listed, PagedWalk(20), lambda _: None)
    found, calls = read(listed, walk, lambda call: listed.extend(rows("new") if call == 1 else []))
    assert walk.is_whole
    assert calls == 2 + alone
    assert len(found) == 61


def take_next(walk: PagedWalk, listed: list[Row]) -> None:
    ask = walk.ask()
    assert ask
    walk.take(answer(listed, ask))


def halves(listed: list[Row]) -> tuple[PagedWalk, PagedWalk, Page]:
    """Read one page and split the walk; return both, and a page of the upper one on its way."""
    walk = PagedWalk(20)
    take_next(walk, listed)
    upper = walk.split()
    assert upper
    late = upper.ask()
    assert late
    return walk, upper, answer(listed, late)


def test_a_late_page_is_not_of_the_pass_that_began_meanwhile() -> None:
    listed = rows(*range(200))
    walk, upper, page = halves(listed)
    listed.pop(3)
    take_next(walk, listed)
    assert walk.ask() == PagedWalk(20).ask()
    assert [row["id"] for row in upper.take(page)] == [row["id"] for row in page.rows]
    assert upper.ask() is None
    found, _ = read(listed, walk, lambda _: None)
    assert walk.is_whole
    assert len(found) < len(listed) - len(page.rows)


def test_a_late_page_brings_no_row_back_to_an_older_version() -> None:
    listed = rows(*range(200))
    walk, upper, page = halves(listed)
    changed = {**page.rows[3], "name": "changed"}
    listed[listed.index(page.rows[3])] = changed
    listed.pop(3)
    take_next(walk, listed)
    found, _ = read(listed, walk, lambda _: None)
    assert changed["id"] in found
    assert upper.take(page) == []


def test_a_list_that_never_rests_is_told() -> None:
    listed = rows(*range(60))
    walk = PagedWalk(20)
    found, _ = read(listed, walk, lambda calls: listed.insert(0, {"id": f"new {calls}"}))
    assert not walk.is_whole
    assert {str(number) for number in range(60)} <= set(found)


def test_a_row_that_changed_comes_again() -> None:
    listed = rows(*range(30))

    def between(calls: int) -> None:
        if calls == 1:
            listed[0] = {"id": "0", "name": "changed"}
            listed.pop(5)

    walk = PagedWalk(20)
    found, _ = read(listed, walk, between)
    assert found.count("0") == 2


def test_a_row_without_an_id_ends_the_reading() -> None:
    walk = PagedWalk(20)
    with pytest.raises(DataError, match="has no id"):
        walk.take(Page([{"name": "a"}], 1, 1, 1, more=False))


@pytest.mark.parametrize("says", [True, False], ids=["it says so", "it does not say so"])
@pytest.mark.parametrize("most", [1, 2, 7, 19, 20, 25, 50, 60, 99])
@pytest.mark.parametrize("workers", [1, 8])
def test_pages_may_be_smaller_than_what_was_asked_for(
    workers: int, most: int, *, says: bool
) -> None:
    listed = rows(*range(230))
    reading = SideBySide(PagedWalk(100), 100)
    found: list[Row] = []
    while due := asks([reading], workers):
        for part, ask in due:
            size = min(ask.size, most)
            start = ((ask.page or 1) - 1) * size
            meta = {"total_count": len(listed)} | ({"per_page": size} if says else {})
            page = Page.read(listed[start : start + size], meta, ask.page or 1, asked=ask.size)
            found += reading.take(part, page)
    assert reading.is_whole
    assert sorted(row["id"] for row in found) == sorted(row["id"] for row in listed)
