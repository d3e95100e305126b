"""The list's pages: which rows a query finds, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from random import Random
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.lists.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.fake_qonto.lists.reader import Query
    from tests.fake_qonto.lists.table import Table


@dataclass
class Page:
    """One page of keys and what ``meta`` says about it."""

    keys: list[str]
    total: int


def find_page(table: Table, query: Query, *, shuffled: bool) -> Page:
    """Find the keys of one page, by bisecting an index where that is enough."""
    other_windows = query.windows.keys() - {query.sort}
    if query.sort in table.facts.places and not other_windows and not query.tests:
        index = table.index(query.sort, query.partition)
        low, high = (0, len(index))
        if query.sort in query.windows:
            low, high = query.windows[query.sort].cut(index)
        place = _place_in(index, low, high, query)
        first, last = (query.page - 1) * query.per_page, query.page * query.per_page
        if not shuffled:
            entries = [place(at) for at in range(first, min(last, high - low))]
        else:
            entries = _with_ties_shuffled(place, high - low, first, last)
        return Page([key for _, key in entries], high - low)
    entries = sorted(_scan(table, query), reverse=query.descending)
    first = (query.page - 1) * query.per_page
    if shuffled:
        entries = _shuffle_ties(entries)
    return Page([key for _, key in entries[first : first + query.per_page]], len(entries))


def _place_in(
    index: Any,
    low: int,
    high: int,
    query: Query,
) -> Callable[[int], tuple[Any, str]]:
    if query.descending:
        return lambda at: index[high - 1 - at]
    return lambda at: index[low + at]


def _with_ties_shuffled(
    place: Callable[[int], tuple[Any, str]],
    total: int,
    first: int,
    last: int,
) -> list[tuple[Any, str]]:
    """Shuffle equal values, those that reach over the page's ends with their whole group."""
    last = min(last, total)
    if first >= last:
        return []
    start, end = first, last
    while start > 0 and place(start - 1)[0] == place(start)[0]:
        start -= 1
    while end < total and place(end)[0] == place(end - 1)[0]:
        end += 1
    entries = _shuffle_ties([place(at) for at in range(start, end)])
    return entries[first - start : last - start]


def _shuffle_ties(entries: list[tuple[Any, str]]) -> list[tuple[Any, str]]:
    random = Random()  # noqa: S311 - another order at every request
    shuffled: list[tuple[Any, str]] = []
    for _, group in groupby(entries, key=lambda entry: entry[0]):
        ties = list(group)
        random.shuffle(ties)
        shuffled += ties
    return shuffled


def _scan(table: Table, query: Query) -> Iterable[tuple[Any, str]]:
    places = table.facts.places
    narrow = min(query.windows, default=None)
    if narrow is None:
        keys: Iterable[str] = table.keys(query.partition)
    else:
        index = table.index(narrow, query.partition)
        low, high = query.windows.get(narrow, Window()).cut(index)
        keys = [key for _, key in index[low:high]]
    for key in keys:
        stamps = table.stamps[key]
        if any(stamps[places[name]] not in window for name, window in query.windows.items()):
            continue
        if query.tests:
            row = table.row(key)
            if not all(test(row) for test in query.tests):
                continue
        yield table.sort_value(key, query.sort), key
