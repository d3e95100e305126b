"""Reading on by page number within a window, where no row can be lost.

Where many rows share an instant, asking again from the last row's time stamp repeats
most of a page. Asking for the next page by number repeats nothing. It loses no row if
one of these holds:

- The count is the same. No row can enter a window of the past, so none has left it,
  and each position has brought a different row.
- The page begins before the instant in which the last page ended. Everything from that
  instant on is on this page or a later one.
- The page begins with rows from the end of the last page, in the same order. What
  followed them still does. The order of equal time stamps is not documented, so it
  takes several such rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tap_qonto.reading.paged import SMALLEST, joining

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_qonto.reading.pages import Page

OVERLAP = 10
"""Rows that pages share while the list changes."""
_PROOF = 6
"""Shared rows in the same order that show the order of an instant to be stable."""
_DEEPEST = 20


class Place(NamedTuple):
    """A page of the window: its number, and the rows for each page."""

    page: int
    size: int


class ByNumber:
    """The pages of one window, one after the other.

    Attributes:
        place: The next page; None where it is to be asked for by value.
    """

    def __init__(self) -> None:
        """Start before the first page."""
        self.place: Place | None = None
        self._is_trusted = True
        self._overlap = 0

    def begin(self, page: Page, stamps: Sequence[datetime]) -> None:
        """Take the first page of a window."""
        self.place = None
        self._size = len(page.rows)
        self._rows = list(zip(page.keys, stamps, strict=True))
        self._known = set(page.keys)
        self._total = page.total
        self._done = self._size

    def repeats(self, anchor: datetime) -> int:
        """Count the known rows that asking from this moment (aware) on would repeat."""
        return sum(stamp >= anchor for _, stamp in self._rows)

    def go_on(self, anchor: datetime | None) -> bool:
        """Plan the page that follows; tell whether there is one.

        Args:
            anchor: The moment (aware) to ask from by value instead; None where that is
                not possible.
        """
        self.place = None
        if self._is_trusted and self._size >= SMALLEST:
            ask = joining(self._done + 1 - self._overlap, self._size)
            number = ask.page or 1
            is_deep = number > _DEEPEST and anchor and self.repeats(anchor) <= self._size
            if number * ask.size > self._done and not is_deep:
                self.place = Place(number, ask.size)
        return self.place is not None

    def take(self, page: Page, stamps: Sequence[datetime]) -> bool:
        """Take the planned page; tell whether all rows before it were read.

        If not, its rows are good all the same, but what comes next is to be asked for
        once more, or by value.
        """
        number, size = self.place or Place(1, self._size)
        rows = list(zip(page.keys, stamps, strict=True))
        is_joined = self._is_joined(page.total, rows, (number - 1) * size)
        if is_joined:
            self._overlap = 0 if page.total == self._total else OVERLAP
            self._total = page.total
            self._done = (number - 1) * size + len(rows)
            self._rows = (self._rows + rows)[-2 * self._size :]
            self._known.update(page.keys)
        return is_joined

    def halve(self) -> None:
        """Plan pages with half as many rows from now on."""
        self._size //= 2

    def overlap(self) -> bool:
        """Let pages overlap from now on; tell whether they did not before."""
        is_new, self._overlap = not self._overlap, OVERLAP
        return is_new

    def _is_joined(self, total: int, rows: Sequence[tuple[str, datetime]], start: int) -> bool:
        """Tell whether all rows before a page, which begins after `start` rows, were read."""
        if not rows:
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
        return is_same or rows[0][1] < self._rows[-1][1]
