"""Lists that may hide rows of some statuses unless they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from tap_qonto.reading.pages import instant
from tap_qonto.reading.several import OfSeveral, SeveralWalk
from tap_qonto.reading.ways import UPDATED, Ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.by_updated import UpdatedAnchored, UpdatedWalk
    from tap_qonto.reading.pages import Page
    from tap_qonto.reading.several import Steps
    from tap_qonto.reading.ways import Bounds, Params
    from tap_qonto.reading.window import Window


_SECOND = timedelta(seconds=1)
_COMPARISONS = 3
"""How often what is shown and what is named are counted again, where they differ."""


@dataclass(frozen=True)
class EveryStatus:
    """A way whose list may hide some statuses, and may have statuses of no known name.

    What the list shows by itself is compared with what it shows when all known
    statuses are named. Those of which it shows no row by itself are read as well.

    Attributes:
        way: How the list is read.
        name: The filter, such as ``status[]``.
        values: All statuses that are known.
    """

    way: UpdatedAnchored
    name: str
    values: tuple[str, ...]

    @property
    def order(self) -> str | None:
        """The order that it asks for."""
        return self.way.order

    @property
    def filters(self) -> Sequence[str]:
        """The fields that it filters the list by."""
        return self.way.filters

    @property
    def stamps(self) -> Sequence[str]:
        """The fields that each row must have for it."""
        return self.way.stamps

    @property
    def effect(self) -> str:
        """What it means for the user, in a sentence."""
        return self.way.effect

    @property
    def in_words(self) -> str:
        """How the list is read, for the table of streams."""
        return self.way.in_words

    @property
    def is_bounded(self) -> bool:
        """Whether `start_date` and `end_date` hold for it."""
        return self.way.is_bounded

    @property
    def shows_all(self) -> Params:
        """Parameters that name all statuses."""
        return [(self.name, value) for value in self.values]

    def walk(self, window: Window, created: Bounds, size: int) -> StatusWalk:  # noqa: ARG002
        """Begin to read; bounds of `created_at` stay with the other filters."""
        return StatusWalk(self, window, size)


def is_early(window: Window) -> bool:
    """Tell whether both lists are asked for before their turn, and so in any order.

    The first run is long anyway, and saves a request.
    """
    return window.lower is not None


class StatusWalk(SeveralWalk):
    """One reading of such a list.

    Args:
        way: The list's filter and its statuses.
        window: The stretch of `updated_at` that is wanted.
        size: Rows for each page.
    """

    def __init__(self, way: EveryStatus, window: Window, size: int) -> None:
        """Start before the first page."""
        self._way = way
        self._window = window
        self._size = size
        super().__init__((), window.begun)
        # There is neither a bookmark nor a part while it is not clear what to read.
        self.is_divisible = False
        self._begin(self._run())

    def halve(self) -> None:
        """Ask for half as many rows from now on."""
        asked = self.ask()
        super().halve()
        if asked:
            # Not by half each time: each list halves its own pages.
            self._size = min(self._size, asked.size // 2)

    def _run(self) -> Steps[None]:
        self._shown = shown = OfSeveral(self._walk(), ())
        lists = [shown]
        page = yield from self._step(shown)
        self._begun = page.date or self._begun
        named = self._list(self._way.values)
        rows, self._rows = self._rows, []
        named_page = yield from self._step(named)
        # The two go out side by side, and can be answered in any order.
        self._begun = min(self._begun, named_page.date or self._begun)
        if page.more or named_page.more:
            lists += yield from self._hiding(page, named, named_page)
        elif page.keys != named_page.keys:
            lists.append(named)
        # Not the rows themselves: signed addresses in them differ in each answer.
        known = {(row[page.key], row[UPDATED]) for row in rows}
        self._rows = rows + [
            row for row in self._rows if (row[page.key], row[UPDATED]) not in known
        ]
        self._lists, self.is_divisible = lists, not self._window.is_open
        yield from self._read()
        if self._window.is_open:
            # A row that went over from one list to another has changed meanwhile.
            self._window = replace(self._window, lower=self._begun - _SECOND)
            self._lists = [OfSeveral(self._walk(), params) for params in ((), self._way.shows_all)]
            yield from self._read()

    def _hiding(
        self, shown: Page, named: OfSeveral, named_page: Page
    ) -> Steps[Sequence[OfSeveral]]:
        """Return what is read beside what the list shows: as little as is certain."""
        named_rows, self._rows = self._rows, []
        hidden = yield from self._hidden(shown)
        found, count = self._list(hidden), 0
        if hidden:
            count = (yield from self._step(found)).total
        is_more = shown.total + count < named_page.total
        if not is_more and (hidden or is_early(self._window)):
            # What was named can have been counted before what is shown.
            is_more = shown.total + count < (yield from self._count(self._way.values))
        for _ in range(_COMPARISONS if is_more else 0):
            # A row that was added between two counts is no hidden one.
            total = yield from self._count(())
            if hidden:
                total += yield from self._count(hidden)
            is_more = total < (yield from self._count(self._way.values))
            if not is_more:
                break
        if is_more:
            # More is hidden than whole statuses.
            found, self._rows = named, named_rows
        return [found] if found.params else []

    def _count(self, statuses: Sequence[str]) -> Steps[int]:
        """Count the rows of some statuses; of none, those that the list shows."""
        found = self._list(statuses)
        first = cast("Ask", found.walk.ask())
        return (yield first._replace(size=1, params=found.params)).total

    def _hidden(self, shown: Page) -> Steps[list[str]]:
        """Return the statuses of which the list shows no row."""
        field = self._way.name.removesuffix("[]")
        seen = {row.get(field) for row in shown.rows}
        hidden: list[str] = []
        for status in self._way.values:
            if status not in seen and not (shown.more and (yield from self._is_shown(status))):
                hidden.append(status)  # noqa: PERF401 - it asks meanwhile
        return hidden

    def _is_shown(self, status: str) -> Steps[bool]:
        """Look for a row of a status among those that the list shows."""
        found = self._list([status])
        ask = cast("Ask", found.walk.ask())
        page = yield ask._replace(size=1, params=found.params)
        if not page.rows:
            return False
        second = instant(page.rows[0], UPDATED).replace(microsecond=0)
        around = yield Ask({UPDATED: (second - _SECOND, second + 2 * _SECOND)}, 1, self._size)
        return page.keys[0] in around.keys

    def _list(self, statuses: Sequence[str]) -> OfSeveral:
        """Return the rows of some statuses, up to the same moment as those that it shows."""
        params = [(self._way.name, status) for status in statuses]
        return OfSeveral(self._shown.walk.beside(self._size), params)

    def _walk(self) -> UpdatedWalk:
        return self._way.way.walk(self._window, (None, None), self._size)
