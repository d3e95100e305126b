"""How far a list was read of which some parts have not come to their ends."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tap_qonto.reading.done import Reached, Stretch, Unsure, merged, without

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_qonto.reading.done import Counted
    from tap_qonto.reading.parts import Part

_EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


def reached_by(parts: Sequence[Part], before: Sequence[Stretch]) -> Reached:
    """Return how far a list was read.

    Args:
        parts: Its parts, the lowest first.
        before: What an earlier run has read above its bookmark.
    """
    first, *others = parts
    places, is_whole = [], True
    for part in parts:
        places.append(part.walk.complete_to)
        is_whole = part.is_whole and part.is_sure
        if not is_whole:
            break
    if others and not is_whole and not first.moves:
        return Reached(None)
    bookmark = max((place for place in places if place), default=None)
    if is_whole:
        return Reached(bookmark)
    above = merged([*before, *_read(parts)], bookmark)
    return Reached(bookmark, above, _unsure(parts, bookmark, above))


def _unsure(
    parts: Sequence[Part], bookmark: datetime | None, above: Sequence[Stretch]
) -> Unsure | None:
    """Return what was read if no row has left the window of most pages that are not sure."""
    if bookmark is None:
        return None
    windows = Counter(part.window for part in parts if not part.is_sure)
    for window, _ in windows.most_common():
        if window:
            sure = merged([Stretch(_EVER, bookmark.replace(microsecond=0)), *above])
            found = without(merged(_read(parts, _EVER, window)), sure)
            return Unsure(window, found) if found else None
    return None


def _read(
    parts: Sequence[Part], begin: datetime | None = None, window: Counted | None = None
) -> Iterator[Stretch]:
    """Yield what was read.

    Args:
        parts: The lowest first.
        begin: Where it begins; None to leave it out.
        window: In which no row has moved.
    """
    # Up to where the parts below were read without a gap.
    below = None
    for part in parts:
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
