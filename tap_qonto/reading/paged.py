"""Lists without a filter by time: pages by number, each shown to join the last.

Page numbers alone skip a row when one before it is deleted. So each page begins with
the last row of the page before: where that row is not found there, rows have moved,
and the list is read again from its beginning. It does not matter in which order pages
are requested: rows that stay keep their order, so those between two shared rows are on
the page that has both.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tap_qonto.reading.ways import Ask, Bounds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.ways import Params
    from tap_qonto.reading.window import Window

_PASSES = 3
SMALLEST = 20
"""Rows of the smallest page that can always be shown to join the one before; see `joining`."""


@dataclass(frozen=True)
class Paged:
    """W5: all pages of a list in a stable order.

    Attributes:
        order: As ``sort_by`` has it; None for the list's own.
    """

    order: str | None = None
    filters: ClassVar[Sequence[str]] = ()
    stamps: ClassVar[Sequence[str]] = ()
    effect: ClassVar[str] = "The whole list is read in each run."
    in_words: ClassVar[str] = "whole, in each run"
    is_bounded: ClassVar[bool] = False
    shows_all: ClassVar[Params] = ()

    def walk(self, window: Window, created: Bounds, size: int) -> PagedWalk:  # noqa: ARG002
        """Begin to read; no bound of time holds for such a list."""
        return PagedWalk(size)


class _Census:
    """What all parts of a reading have seen of the list.

    Attributes:
        number: Of the pass over all pages, from 1.
        count: Rows that Qonto counts.
        has_moved: Whether rows have moved in this pass.
        unread: How many parts have not come to their ends in this pass.
        is_ended: Whether nothing is left to ask.
        is_whole: Whether the last pass saw the list stand still.
    """

    def __init__(self) -> None:
        self.number = 0
        self.is_ended = self.is_whole = False
        self._known: dict[str, Row] = {}
        self.begin()

    def begin(self) -> None:
        """Begin the next pass."""
        self.number += 1
        self.count: int | None = None
        self.has_moved = False
        self.unread = 1
        self._keys: dict[int, str] = {}
        self._places: dict[str, int] = {}

    def news(self, page: Page, *, is_late: bool) -> Sequence[Row]:
        """Return the rows of a page that are new or have changed.

        Args:
            page: The page.
            is_late: Whether it was asked for in an earlier pass, so that the rows that are
                known may have been brought in a newer version since.
        """
        news = {
            key: row
            for key, row in zip(page.keys, page.rows, strict=True)
            if self._known.get(key) != row and not (is_late and key in self._known)
        }
        self._known.update(news)
        return list(news.values())

    def place(self, start: int, page: Page) -> None:
        """Take down which rows are at the places of a page."""
        self.has_moved |= self.count not in {None, page.total}
        self.count = page.total
        for place, key in enumerate(page.keys, start):
            known = self._keys.setdefault(place, key), self._places.setdefault(key, place)
            self.has_moved |= known != (key, place)

    def end_part(self, *, is_enough: bool) -> None:
        """Take down that a part has come to its end, and end the pass with the last one."""
        self.unread -= 1
        if self.unread:
            return
        is_still = not self.has_moved and (is_enough or len(self._keys) >= (self.count or 0))
        if not is_still and self.may_repeat:
            self.begin()
        else:
            self.is_ended, self.is_whole = True, is_still

    def doubt(self) -> None:
        """Take back that the last pass saw the list stand still; read it once more if it may."""
        self.is_whole, self.is_ended = False, not self.may_repeat
        if self.may_repeat:
            self.begin()

    @property
    def may_repeat(self) -> bool:
        """Whether the list may be read once more."""
        return self.number < _PASSES


class PagedWalk:
    """One reading of all pages, repeated while rows move, three times at the most.

    Its upper half can be given to another walk. Both keep one account of the rows.

    Args:
        size: Rows for each page, at the most. It is 20 at the least, so that one of the
            page sizes up to it always joins.
    """

    complete_to: datetime | None = None
    moves = is_divisible = comes_last = False
    is_sure = True
    first = whole_to = read_to = window = None

    def __init__(self, size: int) -> None:
        """Start before the first page."""
        self.total: int | None = None
        self._size = max(size, SMALLEST)
        self._census = _Census()
        self._begins_passes = True
        self._begin_pass()

    def _begin_pass(self) -> None:
        self._pass = self._census.number
        self._done = 0
        self._end: int | None = None
        self._is_read = False

    @property
    def is_whole(self) -> bool:
        """Whether the last pass saw the list stand still.

        If so, every row that was there from its beginning to its end was handed out.
        """
        return self._census.is_whole

    @property
    def left(self) -> int:
        """Rows that it still has, by Qonto's last count; 0 while that is not known."""
        return max((self._end or self._census.count or 0) - self._done, 0) if self._next else 0

    def split(self) -> PagedWalk | None:
        """Give the upper half of what is left to another walk; None if it is too little."""
        if self.left <= self._size:
            return None
        upper = copy(self)
        self._end = upper._done = self._done + self.left // 2  # noqa: SLF001 - its own kind
        upper._begins_passes = False  # noqa: SLF001 - same
        self._census.unread += 1
        return upper

    def skip(self, first: datetime, end: datetime) -> None:
        """Leave nothing out: it has no bookmark."""

    def note_asked(self) -> None:
        """Do not: its passes show what has moved."""

    def reopen(self) -> bool:
        """Do not: where rows have moved, all is read again."""
        return False

    @property
    def _next(self) -> Ask | None:
        if self._census.is_ended or self._is_read or self._pass != self._census.number:
            return None
        return joining(self._done, self._size) if self._done else Ask({}, 1, self._size)

    def ask(self) -> Ask | None:
        """Return what to ask for next; None when everything was read."""
        if self._begins_passes and self._pass != self._census.number:
            self._begin_pass()
        return self._next

    def halve(self) -> None:
        """Ask for half as many rows from now on."""
        self._size //= 2

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return the rows that are new or have changed."""
        if self.total is None:
            self.total = page.total
        asked = self._next
        news = self._census.news(page, is_late=asked is None)
        if asked is None:
            # Another part has seen that rows have moved.
            return news
        # Qonto may hand out fewer rows than were asked for, and count its pages by that.
        size = min(page.size or asked.size, asked.size)
        is_smaller = size < asked.size
        if is_smaller:
            self._size = size
        before, start = self._done, ((asked.page or 1) - 1) * size
        if page.keys or not 0 < before == start:
            # If not, nothing follows the last row.
            self._census.place(start, page)
        self._done = max(before, start + len(page.keys))
        is_enough = self._is_enough(page)
        is_last = self._end is not None and self._done >= self._end
        # Since its rows were counted, one can have been added that moved the last one behind it.
        is_full = len(page.keys) == size
        if self._census.has_moved and self._census.may_repeat:
            self._census.begin()
        elif (
            is_enough
            or is_last
            or not (page.more or is_full)
            or (self._done <= before and not is_smaller)
        ):
            self._is_read = True
            self._census.end_part(is_enough=is_enough)
        return news

    def _is_enough(self, page: Page) -> bool:  # noqa: ARG002 - one kind of walk ends early
        """Tell whether what follows the page is not wanted."""
        return False


def joining(done: int, most: int) -> Ask:
    """Return the page that begins at or before the last row of those that are done.

    Args:
        done: How many rows from the list's beginning are known.
        most: Rows that a page may have.

    Returns:
        Of all page sizes the one whose page reaches furthest. Pages of less than 20 rows do
        not always join; then it is the one with the row that follows.
    """
    sizes = range(max(most // 2, 1), most + 1)
    size = max(sizes, key=lambda size: ((done - 1) // size + 1) * size)
    number = (done - 1) // size + 1
    return Ask({}, number, size) if number * size > done else Ask({}, done // most + 1, most)
