"""Reading on by page number within a window, where no row can be lost.

Where many rows share an instant, asking again from the last row's time stamp repeats
most of a page. Asking for the next page by number repeats nothing. It loses no row if
one of these holds:

- The count is the same, also in an answer that was asked for later: Qonto may count before
  it looks rows up. No row can enter a window of the past, so none has left it, and each
  position has brought a different row.
- The page begins before the instant in which the last page ended. Everything from that
  instant on is on this page or a later one.
- The page begins with rows from the end of the last page, in the same order. What
  followed them still does. The order of equal time stamps is not documented, so it
  takes several such rows.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from tap_qonto.reading.paged import SMALLEST, joining
from tap_qonto.reading.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_qonto.reading.pages import Page

OVERLAP = 9
"""Rows that pages share while the list changes."""
_WIDER = 4
"""By how much they share more, where so many rows have left that too few of them are shared."""
_PROOF = 6
"""Shared rows in the same order that show the order of an instant to be stable."""
_DEEPEST = 20
_LONGEST = 300
"""Pages of the longest window that is divided by them. Each answer counts all of its rows."""
_CAPPED = 10_000
"""Where search engines stop counting by default: so many rows can be any number of them."""
_WORTH = 8
"""Full pages that are worth one that repeats rows: those that join are smaller."""


class Place(NamedTuple):
    """A page of the window: its number, and the rows for each page."""

    page: int
    size: int

    @property
    def start(self) -> int:
        """How many rows of the window lie before it."""
        return (self.page - 1) * self.size


class ByNumber:
    """The pages of one window, one after the other.

    Args:
        may_count: Whether the count can show that no row has moved. If not, pages share one.

    Attributes:
        place: The next page; None where it is to be asked for by value.
        is_still: Whether the count is relied on: no row is known to have moved. Pages
            then share no row, and can be divided.
        moves: Whether rows were seen to move, although the count had been relied on.
        watch: Knows whether a row can have moved before the last page was looked up.
    """

    def __init__(self, *, may_count: bool = True) -> None:
        """Start before the first page."""
        self.place: Place | None = None
        self.is_still = False
        self._least = 0 if may_count else 1
        self._end: int | None = None
        self._total: int | None = None
        self._is_trusted = True
        self._is_closing = self.moves = False
        self._overlap = self._done = self._last = 0
        self._is_full = True
        self.watch = Watch()

    def begin(self, page: Page, stamps: Sequence[datetime]) -> None:
        """Take the first page of a window."""
        self.place, self._end = None, None
        self._size = len(page.rows)
        self._rows = list(zip(page.keys, stamps, strict=True))
        self._known = set(page.keys)
        self._total = page.total
        self._first = 0
        self._done = self._size
        self._begins: datetime | None = None
        self._overlap = OVERLAP if self.moves else max(self._overlap, self._least)
        self.watch = Watch()

    @property
    def end(self) -> int | None:
        """Before which row of the window its pages end; None where the window does."""
        return self._end if self.is_still else None

    @property
    def is_at_end(self) -> bool:
        """Whether all of its pages were read."""
        return self.end is not None and self._done >= self.end

    @property
    def count(self) -> int | None:
        """Rows that the window had; None where the count shows nothing."""
        return self._total if self.is_still and self._total != _CAPPED else None

    @property
    def is_last(self) -> bool:
        """Whether the planned page ends with the window, so that its length shows the count."""
        place = self.place
        if place is None or not self.is_still or self.end is not None:
            return False
        return place.start + place.size >= (self._total or inf)

    def rely_on_count(self) -> None:
        """Take pages that share no row, until the count shows that one has moved."""
        self.is_still = True

    def leave(self) -> None:
        """Ask by value from where all rows before were read."""
        self.place = None
        self.watch.leave()

    def has_kept(self, total: int) -> bool:
        """Tell whether the count that was seen once more is the same."""
        if is_same := total == self._total:
            self.watch.confirm()
        return is_same

    @property
    def left(self) -> int:
        """Rows that it still has, by the last count."""
        ends = self.end if self.end is not None else self._total
        return max((ends or 0) - self._done, 0)

    @property
    def oldest(self) -> datetime:
        """The stamp (aware) of the first row that can come again."""
        return self._rows[0][1]

    def go_on(self, anchor: datetime | None) -> bool:
        """Plan the page that follows; tell whether it is better than to ask by value.

        Args:
            anchor: The moment (aware) to ask from by value instead; None where that is
                not possible.
        """
        if self.is_at_end:
            return True
        self.place = None
        is_counted = self._total is None or self._done < self._total != _CAPPED
        place = self._following if self._is_trusted and is_counted else None
        if place is None:
            self.give_up()
        elif not self._is_cheap(anchor, place.page):
            self.place = place
        elif not self.watch.is_sure:
            # A page that shares a row is sure by itself, so that the next can be left for value.
            self.place = self._joining(1)
        return self.place is not None

    @property
    def _following(self) -> Place | None:
        """The page that follows, by number."""
        place = Place(self._done // self._size + 1, self._size)
        is_aligned = self._done % self._size == 0 or self.left > _WORTH * self._size
        if self.is_still and not self._overlap and is_aligned:
            return place
        return self._joining(self._overlap)

    def _joining(self, shared: int) -> Place | None:
        """The page that follows, with so many rows at the least that were read before."""
        if self._size < SMALLEST:
            return None
        ask = joining(self._done + 1 - shared, self._size)
        place = Place(ask.page or 1, ask.size)
        return place if place.start + place.size > self._done else None

    def _is_cheap(self, anchor: datetime | None, number: int) -> bool:
        """Tell whether asking from a moment (aware) on repeats few rows.

        Pages far back are slow.
        """
        if anchor is None or (
            self.is_still and not (self.watch.is_sure and self._may_leave(anchor))
        ):
            return False
        repeats = sum(stamp >= anchor for _, stamp in self._rows)
        return repeats <= (self._size if number > _DEEPEST else OVERLAP)

    def _may_leave(self, anchor: datetime) -> bool:
        """Tell whether pages that share no row may be given up for a window from here on."""
        if self.end is not None or (self._begins and anchor <= self._begins):
            return False
        return self._is_closing or (self._total or 0) > _LONGEST * self._size

    def split(self) -> ByNumber | None:
        """Give the upper half of its pages to another; None where that is not possible."""
        place = self.place
        if place is None or not self.is_still or self._overlap:
            return None
        last = -(-(self.end or self._total or 0) // place.size)
        first = place.page + (last - place.page + 2) // 2
        if first > last or last > _LONGEST:
            return None
        upper = copy(self)
        upper.watch = self.watch.beside()
        upper.place = Place(first, place.size)
        upper._first = upper._done = self._end = upper.place.start  # noqa: SLF001 - of its kind
        upper._rows, upper._known = [], set()  # noqa: SLF001 - same
        return upper

    def extend(self, upper: ByNumber) -> None:
        """Take the pages back that another one has."""
        self._end = upper._end

    def own(self, page: Page) -> Page:
        """Return the planned page without rows that are another's."""
        if self.place is None:
            return page
        # Rows can be hidden after they were counted, and pages be smaller than they were.
        expected = min(self.place.size, page.total - self.place.start)
        self._is_full = len(page.rows) == expected
        first = max(self._first - self.place.start, 0)
        stop = len(page.rows) if self.end is None else self.end - self.place.start
        if not first and stop >= len(page.rows):
            return page
        return replace(page, rows=page.rows[first:stop])

    def take(self, page: Page, stamps: Sequence[datetime]) -> bool:
        """Take the planned page; tell whether all rows before it were read.

        If not, its rows are good all the same, but what comes next is to be asked for
        once more, or by value.
        """
        place = self.place or Place(1, self._size)
        start = max(place.start, self._first)
        rows = list(zip(page.keys, stamps, strict=True))
        is_apart = start >= self._done
        is_joined = self._is_joined(page.total, rows, start)
        if is_joined:
            if page.total == self._total:
                is_last = place.start + place.size >= page.total
                self.watch.take(is_last=is_last, is_shown=not is_apart)
            is_same = page.total == self._total or (self._total is None and self.is_still)
            self._overlap = self._least if is_same and not self.moves else OVERLAP
            self._total = page.total
            self._done, self._last = start + len(rows), len(rows)
            self._begins = self._begins or stamps[0]
            self._remember(self._rows + rows)
        if self._is_closing and not is_joined:
            # The rows that lie behind the new end were counted, too.
            self._total = None
        elif not (is_joined and self._is_trusted):
            self.moves |= is_apart
            self.give_up()
        self._is_closing = False
        return is_joined

    def give_up(self) -> None:
        """Rely on the count no more: rows have moved, or come in another order."""
        self.moves |= self.is_still
        self.is_still, self._first = False, 0

    def _fits(self, total: int) -> bool:
        """Tell whether a page can be relied on, by its count and by how many rows it has."""
        return self._is_full and (self._total is None or total == self._total)

    def _remember(self, rows: list[tuple[str, datetime]]) -> None:
        """Keep the rows that can come again: those of the last instants."""
        first = max(len(rows) - 2 * self._size, 0)
        while first and rows[first - 1][1] == rows[first][1]:
            first -= 1
        self._rows = rows[first:]
        self._known = {key for key, _ in self._rows}

    def halve(self) -> None:
        """Plan pages with half as many rows from now on."""
        self._size //= 2

    def close(self, *, is_counted: bool) -> None:
        """Plan pages of a window that ends earlier.

        Args:
            is_counted: Whether it can have as many rows as before. Then none has moved;
                otherwise the next page must overlap.
        """
        self._is_closing = True
        if not is_counted:
            self._overlap, self._total = OVERLAP, None

    def overlap(self) -> bool:
        """Let pages overlap, or more so, from the last one on that is sure; tell if they may."""
        if not self.watch.is_sure:
            self._done -= self._last
            self._rows = self._rows[: len(self._rows) - self._last]
            self._known = {key for key, _ in self._rows}
            self.watch.leave()
        before, widest = self._overlap, max(self._size // 2, OVERLAP)
        self._overlap = OVERLAP if before < OVERLAP else min(_WIDER * before, widest)
        return self._overlap > before

    def _is_joined(self, total: int, rows: Sequence[tuple[str, datetime]], start: int) -> bool:
        """Tell whether all rows before a page, which begins after `start` rows, were read."""
        is_bare = self.is_still or start >= self._done or not self.watch.is_sure
        if not rows or (is_bare and not self._fits(total)):
            return False
        known = [row for row in rows if row[0] in self._known]
        is_first = known == rows[: len(known)]
        if total == self._total:
            shared = self._rows[len(self._rows) - (self._done - start) :]
            # If not, the same rows have come in another order.
            self._is_trusted = is_same = is_first and known == shared
        else:
            # Rows that have left since are missing from it.
            remaining = iter(self._rows)
            is_in_order = all(row in remaining for row in known)
            is_same = is_first and is_in_order and len(known) >= _PROOF
        return is_same or bool(self._rows and rows[0][1] < self._rows[-1][1])
