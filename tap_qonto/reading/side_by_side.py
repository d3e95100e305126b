"""Which requests of lists go out side by side, and what holds after each answer.

An idle worker takes the upper half of the part that has most rows left, of whichever
list. Its first request is the first page of that half, so it is data. No network here:
requests can be answered in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_qonto.reading.parts import Part
from tap_qonto.reading.reached import reached_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.done import Reached, Stretch
    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.parts import Divisible
    from tap_qonto.reading.ways import Ask, Walk

WORTH = 4
"""Pages that a part must have left to be split. Each part ends with a page that is not
full."""
_SHARE = 0.5
"""What share of the part with most rows left it must have: a larger one comes next."""


class SideBySide:
    """One reading of a list, by several workers.

    Args:
        walk: Reads the whole list.
        size: Rows for each page.
        above: What an earlier run has read of it.
    """

    def __init__(self, walk: Walk, size: int, above: Sequence[Stretch] = ()) -> None:
        """Start before the first page."""
        self._parts = [Part(self, walk)]
        self._size = size
        self._above = above
        self._is_cut = not above
        self._is_reopened = False
        self.total: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether every row was handed out, once nothing is left to ask."""
        return all(part.walk.is_whole for part in self._parts)

    @property
    def reached(self) -> Reached:
        """How far the list was read."""
        return reached_by(self._parts, self._above)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to ask."""
        return not (self.is_asked or self.ready())

    def ready(self) -> list[Part]:
        """Return the parts that can be asked for now, the lowest first."""
        ready = [part for part in self._parts if not (part.is_asked or part.is_whole)]
        first = [part for part in ready if not (part.divisible and part.divisible.comes_last)]
        if first or self.is_asked:
            return first
        return self._parts[-1:] if not ready and self._reopen() else ready

    @property
    def most_left(self) -> int:
        """Rows that the part with most of them still has."""
        return max(part.left for part in self._parts)

    @property
    def is_asked(self) -> bool:
        """Whether an answer is to come."""
        return any(part.is_asked for part in self._parts)

    def take(self, part: Part, page: Page | None) -> Sequence[Row]:
        """Take the answer to a request; None where no whole page came.

        Returns:
            Its rows that were not handed out before, in its order.

        Raises:
            OutOfOrderError: The rows are out of order; the request may be sent again.
            DataError: Going on would lose rows.
        """
        if part.asked != part.walk.ask():
            # Another part's answer has changed what this one is to read.
            part.asked = None
            return ()
        if page is None:
            part.walk.halve()
            part.asked = None
            return ()
        is_gone = page.is_counted and not page.total and part.left > 0
        if is_gone and not part.is_doubted:
            # It can be a slip: rows had been counted there.
            part.is_doubted, part.asked = True, None
            return ()
        part.is_doubted = False
        rows = part.walk.take(page)
        part.asked = None
        if self.total is None:
            self.total = part.walk.total
        if not self._is_cut and part.divisible and part.divisible.is_divisible:
            self._is_cut = True
            self._leave_out(part.divisible)
        return rows

    def _leave_out(self, walk: Divisible) -> None:
        for first, end in self._above:
            if upper := walk.skip(first, end):
                self._parts.append(Part(self, upper))
                walk = upper

    def split(self, part: Part) -> Part | None:
        """Make two parts of one, and return the upper one; None if it has too little."""
        if part.divisible is None or part.left <= WORTH * self._size:
            return None
        walk = part.divisible.split()
        if walk is None:
            return None
        upper = Part(self, walk)
        self._parts.insert(self._parts.index(part) + 1, upper)
        return upper

    def _reopen(self) -> bool:
        """Look behind the end once all parts are whole, if rows may have moved there."""
        last = self._parts[-1].divisible
        if len(self._parts) == 1 or self._is_reopened or last is None:
            return False
        if not all(part.is_whole for part in self._parts):
            return False
        self._is_reopened = True
        return last.reopen()


def asks(readings: Sequence[SideBySide], idle: int) -> list[tuple[Part, Ask]]:
    """Return what idle workers are to ask for; nothing where answers must come first.

    Args:
        readings: Of several lists, in order.
        idle: How many workers there are to do it.
    """
    # Each list has a worker before any has two.
    in_turn = sorted(readings, key=lambda reading: reading.is_asked)
    ready = [part for reading in in_turn for part in reading.ready()]
    if ready and len(ready) < idle:
        least = _SHARE * max(reading.most_left for reading in readings)
        parts = list(ready)
        while len(ready) < idle:
            largest = max(parts, key=lambda part: part.left, default=None)
            if largest is None or largest.left <= least:
                break
            if upper := largest.reading.split(largest):
                ready.append(upper)
            else:
                parts = [part for part in parts if part.reading is not largest.reading]
    found = []
    for part in ready[:idle]:
        if ask := part.walk.ask():
            part.asked = ask
            if part.divisible:
                part.divisible.note_asked()
            found.append((part, ask))
    return found
