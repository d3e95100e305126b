"""Which requests of lists go out side by side, and what holds after each answer.

An idle worker takes the upper half of the part that has most rows left, of whichever
list. Its first request is the first page of that half, so it is data. No network here:
requests can be answered in any order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from tap_qonto.reading.done import Reached, Stretch, Unsure, merged, without
from tap_qonto.reading.ways import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_qonto.reading.done import Counted
    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.ways import Ask

WORTH = 4
"""Pages that a part must have left to be split. Each part ends with a page that is not
full."""
_EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)
_SHARE = 0.5
"""What share of the part with most rows left it must have: a larger one comes next."""


@runtime_checkable
class Divisible(Walk, Protocol):
    """A walk that can give half of itself away."""

    @property
    def moves(self) -> bool:
        """Whether its bookmark holds before it has come to its end."""

    @property
    def left(self) -> int:
        """Rows that it still has, by Qonto's last count; 0 while that is not known."""

    @property
    def comes_last(self) -> bool:
        """Whether the next answer is worth more once the others have come."""

    @property
    def is_divisible(self) -> bool:
        """Whether stretches can be left out by now."""

    @property
    def first(self) -> datetime | None:
        """Where it begins (aware); None for the lowest part."""

    @property
    def whole_to(self) -> datetime | None:
        """All before this instant was handed out, and no row comes to lie there any more."""

    @property
    def read_to(self) -> datetime | None:
        """As `whole_to`, with the last page, although a row may have moved before it."""

    @property
    def is_sure(self) -> bool:
        """Whether no row can have moved before its last page was looked up."""

    @property
    def window(self) -> Counted | None:
        """The window whose count shows that its last page is sure; None where none can."""

    def skip(self, first: datetime, end: datetime) -> Divisible | None:
        """Leave a stretch out, and what is above it to another walk; None if it is behind."""

    def split(self) -> Divisible | None:
        """Give the upper half of what is left to another walk; None if it is too little.

        It may be called when there is no answer to come.
        """

    def note_asked(self) -> None:
        """Take down that what it asks for is asked for now."""

    def reopen(self) -> bool:
        """Go on behind the end, where rows may have gone meanwhile; tell whether they may."""


@dataclass(eq=False)
class Part:
    """A part of a list.

    Attributes:
        reading: The reading of the list.
        walk: Reads it.
        divisible: The walk, if it can give half of itself away.
        asked: What was asked for; None where no answer is to come.
    """

    reading: SideBySide
    walk: Walk
    asked: Ask | None = None
    divisible: Divisible | None = field(init=False)

    def __post_init__(self) -> None:
        """Look at the walk once: to ask what a protocol holds is slow."""
        self.divisible = self.walk if isinstance(self.walk, Divisible) else None

    @property
    def is_asked(self) -> bool:
        """Whether an answer is to come."""
        return self.asked is not None

    @property
    def is_whole(self) -> bool:
        """Whether all of it was read."""
        return not self.is_asked and self.walk.ask() is None

    @property
    def is_sure(self) -> bool:
        """Whether no row can have moved before its last page was looked up."""
        return self.divisible is None or self.divisible.is_sure

    @property
    def window(self) -> Counted | None:
        """The window whose count shows that its last page is sure; None where none can."""
        return self.divisible.window if self.divisible else None

    @property
    def left(self) -> int:
        """Rows that it still has, as far as is known and it can be split."""
        return self.divisible.left if self.divisible else 0

    @property
    def moves(self) -> bool:
        """Whether the bookmark holds before the part has come to its end."""
        return self.divisible is not None and self.divisible.moves


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
        first, *others = self._parts
        places, is_whole = [], True
        for part in self._parts:
            places.append(part.walk.complete_to)
            is_whole = part.is_whole and part.is_sure
            if not is_whole:
                break
        if others and not is_whole and not first.moves:
            return Reached(None)
        bookmark = max((place for place in places if place), default=None)
        if is_whole:
            return Reached(bookmark)
        above = merged([*self._above, *self._whole(None)], bookmark)
        return Reached(bookmark, above, self._unsure(bookmark, above))

    def _unsure(self, bookmark: datetime | None, above: Sequence[Stretch]) -> Unsure | None:
        """Return what was read if no row has left the window of most pages that are not sure."""
        if bookmark is None:
            return None
        windows = Counter(part.window for part in self._parts if not part.is_sure)
        for window, _ in windows.most_common():
            if window:
                sure = [Stretch(_EVER, bookmark.replace(microsecond=0)), *above]
                return Unsure(window, without(merged(self._whole(_EVER, window)), merged(sure)))
        return None

    def _whole(self, begin: datetime | None, window: Counted | None = None) -> Iterator[Stretch]:
        """Yield what was read.

        Args:
            begin: Where the lowest part begins; None to leave it out.
            window: In which no row has moved.
        """
        # Up to where the parts below were read without a gap.
        below = None
        for part in self._parts:
            walk = part.divisible
            is_still = window is not None and part.window == window
            end = (walk.read_to if is_still else walk.whole_to) if walk else None
            if walk and end:
                first = min(filter(None, (walk.first, below)), default=begin)
                # It can lie within a second that it shares with parts on either side.
                is_joined = first is None or first <= end
                if first and first < end:
                    yield Stretch(first, end)
                below = max(end, below or end) if is_joined else None
            if not (part.is_whole and (is_still or part.is_sure)):
                below = None

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
