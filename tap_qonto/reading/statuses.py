"""Lists that may hide rows of some statuses unless they are asked for."""

from __future__ import annotations

from collections.abc import Generator
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from tap_qonto.reading.pages import instant
from tap_qonto.reading.ways import UPDATED, Ask, OutOfOrderError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.by_updated import UpdatedAnchored, UpdatedWalk
    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.ways import Bounds, Params
    from tap_qonto.reading.window import Window


_SECOND = timedelta(seconds=1)
_EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


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


class _Part(NamedTuple):
    """A walk over rows of some statuses; over what the list shows by itself, if empty."""

    walk: UpdatedWalk
    statuses: Sequence[str]


Found = TypeVar("Found")
Steps = Generator[Ask | _Part | OutOfOrderError, "Page", Found]
"""Yields what to ask for, or the part whose turn it is, and takes the answers."""


class StatusWalk:
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
        self._parts: list[_Part] = []
        self._begun = window.begun
        self._rows: list[Row] = []
        self._is_decided = False
        self._steps = self._run()
        self._next: Ask | _Part | None = cast("_Part", next(self._steps))

    @property
    def total(self) -> int | None:
        """Rows that Qonto counted when it was first asked."""
        totals = [part.walk.total for part in self._parts if part.walk.total is not None]
        return sum(totals) if totals else None

    @property
    def is_whole(self) -> bool:
        """Whether every row was handed out."""
        return self._next is None

    @property
    def complete_to(self) -> datetime | None:
        """The bookmark that holds now.

        It stays before Qonto's clock at the first answer: a row whose status changes
        later may have left one part of the list after it was read, for another. There
        is none while it is not clear what to read, since no row was handed out.
        """
        if not self._is_decided:
            return None
        unread = [part.walk.complete_to for part in self._parts if part.walk.ask()]
        read = [place for part in self._parts if (place := part.walk.complete_to)]
        if None in unread or not read:
            return None
        return min(self._begun, *(place for place in unread or [max(read)] if place))

    moves = True

    @property
    def left(self) -> int:
        """Rows that it still has, by Qonto's last count; 0 while that is not known."""
        return self._parts[0].walk.left if self.is_divisible else 0

    @property
    def is_divisible(self) -> bool:
        """Whether it can be split: not where a second list is read beside it or after it."""
        return self._is_decided and len(self._parts) == 1 and not self._window.is_open

    @property
    def first(self) -> datetime | None:
        """Where it begins (aware); None for the lowest part."""
        return self._parts[0].walk.first if self.is_divisible else None

    @property
    def whole_to(self) -> datetime | None:
        """All before this instant was handed out, and no row comes to lie there any more."""
        return self._parts[0].walk.whole_to if self.is_divisible else None

    def split(self) -> StatusWalk | None:
        """Give the upper half of what is left to another walk; None if it is too little."""
        return self._above(self._parts[0].walk.split() if self.is_divisible else None)

    def skip(self, first: datetime, end: datetime) -> StatusWalk | None:
        """Leave a stretch out that was read, and what is above it to another walk."""
        return self._above(self._parts[0].walk.skip(first, end) if self.is_divisible else None)

    def _above(self, upper: UpdatedWalk | None) -> StatusWalk | None:
        if upper is None:
            return None
        other = copy(self)
        other._resume(upper)  # noqa: SLF001 - one of its own kind
        return other

    def _resume(self, walk: UpdatedWalk) -> None:
        self._parts, self._rows = [_Part(walk, ())], []
        self._steps = self._read()
        self._next = cast("_Part", next(self._steps))

    def reopen(self) -> bool:
        """Do not: where that is needed, it is not split."""
        return False

    def ask(self) -> Ask | None:
        """Return what to ask for next; None when everything was read."""
        return self._asked(self._next) if isinstance(self._next, _Part) else self._next

    def halve(self) -> None:
        """Ask for half as many rows from now on."""
        self._size //= 2
        if isinstance(self._next, _Part):
            self._next.walk.halve()
        elif self._next:
            self._next = self._next._replace(size=self._next.size // 2)

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return what is new in it.

        Raises:
            OutOfOrderError: Its rows are out of order; another answer can be taken.
        """
        self._rows = []
        try:
            step = self._steps.send(page)
        except StopIteration:
            self._next = None
            return self._rows
        if isinstance(step, OutOfOrderError):
            raise step
        self._next = step
        return self._rows

    def _run(self) -> Steps[None]:
        shown, named = self._part(), self._part(self._way.values)
        page = yield from self._step(shown)
        self._begun = page.date or self._begun
        self._parts, rows = [shown], self._rows
        self._rows = []
        named_page = yield from self._step(named)
        if page.more or named_page.more:
            yield from self._add_hidden(page, named, named_page)
        elif page.keys != named_page.keys:
            self._parts.append(named)
        # Not the rows themselves: signed addresses in them differ in each answer.
        known = {(row[page.key], row[UPDATED]) for row in rows}
        self._rows = rows + [
            row for row in self._rows if (row[page.key], row[UPDATED]) not in known
        ]
        self._is_decided = True
        yield from self._read()
        if self._window.is_open:
            # A row that went over from one part to another has changed meanwhile.
            self._window = replace(self._window, lower=self._begun - _SECOND)
            self._parts = [self._part(), self._part(self._way.values)]
            yield from self._read()

    def _add_hidden(self, shown: Page, named: _Part, named_page: Page) -> Steps[None]:
        """Choose what is read beside what the list shows: as little as is certain."""
        named_rows, self._rows = self._rows, []
        hidden = yield from self._hidden(shown)
        part, count = self._part(hidden), 0
        if hidden:
            count = (yield from self._step(part)).total
        if shown.total + count < named_page.total:
            # More is hidden than whole statuses.
            part, self._rows = named, named_rows
        if part.statuses:
            self._parts.append(part)

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
        part = self._part([status])
        ask = cast("Ask", part.walk.ask())
        page = yield ask._replace(size=1, params=self._params(part))
        if not page.rows:
            return False
        second = instant(page.rows[0], UPDATED).replace(microsecond=0)
        around = yield Ask({UPDATED: (second - _SECOND, second + 2 * _SECOND)}, 1, self._size)
        return page.keys[0] in around.keys

    def _read(self) -> Steps[None]:
        """Read the parts to their ends, always the one that is furthest back."""
        while unread := [part for part in self._parts if part.walk.ask()]:
            first = min(unread, key=lambda part: part.walk.complete_to or _EVER)
            yield from self._step(first)

    def _step(self, part: _Part) -> Steps[Page]:
        """Ask for a part's next page; another answer where the first is out of order."""
        step: _Part | OutOfOrderError = part
        while True:
            page = yield step
            try:
                self._rows += part.walk.take(page)
            except OutOfOrderError as error:
                step = error
            else:
                return page

    def _part(self, statuses: Sequence[str] = ()) -> _Part:
        return _Part(self._way.way.walk(self._window, (None, None), self._size), statuses)

    def _asked(self, part: _Part) -> Ask:
        return cast("Ask", part.walk.ask())._replace(params=self._params(part))

    def _params(self, part: _Part) -> Params:
        return [(self._way.name, status) for status in part.statuses]
