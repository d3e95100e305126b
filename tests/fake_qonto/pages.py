"""The list's pages: which invoices a query finds, in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from random import Random
from typing import TYPE_CHECKING, Any

from .clock import EPOCH
from .query import INDEXED, Query, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .records import Row
    from .store import Store


@dataclass
class Page:
    """One page of ids and what ``meta`` says about it."""

    ids: list[str]
    total: int


def find_page(store: Store, query: Query, *, shuffled: bool) -> Page:
    """Find the ids of one page, by bisecting an index where that is enough."""
    other_windows = query.windows.keys() - {query.sort}
    if query.sort in INDEXED and not other_windows and not query.tests:
        index = store.indexes[query.sort]
        low, high = query.windows.get(query.sort, Window()).cut(index)
        place = _place_in(index, low, high, query)
        first, last = (query.page - 1) * query.per_page, query.page * query.per_page
        if not shuffled:
            entries = [place(at) for at in range(first, min(last, high - low))]
        else:
            entries = _with_ties_shuffled(place, high - low, first, last)
        return Page([key for _, key in entries], high - low)
    entries = sorted(_scan(store, query), reverse=query.descending)
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


def _scan(store: Store, query: Query) -> Iterable[tuple[Any, str]]:
    narrow = min(query.windows, default="updated_at")
    index = store.indexes[narrow]
    low, high = query.windows.get(narrow, Window()).cut(index)
    for _, key in index[low:high]:
        stamps = store.stamps[key]
        if any(stamps[INDEXED[name]] not in window for name, window in query.windows.items()):
            continue
        if not query.tests and query.sort in INDEXED:
            yield stamps[INDEXED[query.sort]], key
            continue
        row = store.row(key)
        if all(test(row) for test in query.tests):
            yield _sort_value(row, query.sort), key


def _sort_value(row: Row, name: str | None) -> Any:
    """Return what a row is sorted by; nulls come last when ascending."""
    if name is None:
        return _default_order(row)
    value = row.get(name)
    if value is None:
        return (1, 0)
    if name == "total_amount":
        return (0, Decimal(str(value["value"])))
    return (0, str(value).casefold() if name not in INDEXED else value)


def _default_order(row: Row) -> tuple[Any, ...]:
    """Order without ``sort_by``: by status, each group in a direction of its own."""
    created = (row["created_at"] - EPOCH).total_seconds()
    paid = date.fromisoformat(row.get("payment_date") or "9999-12-31").toordinal()
    if row["status"] == "to_review":
        return (0, -created)
    if row["status"] in {"to_approve", "to_pay", "pending", "awaiting_payment", "scheduled"}:
        return (1, paid)
    return (2, -paid)
