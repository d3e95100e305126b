"""Stretches of a list that were read although the bookmark lies below them.

Slices come to their ends in any order. A run that is killed leaves in the state which
stretches above the bookmark are whole, and the next run leaves them out: a row in one
of them that is edited later goes to the end of the list.

The last page of each slice is sure only once a later answer has the same count
(`by_number`). What a killed run has read of such pages stands in the state beside the
count. The next run counts once: if no row has left, all of it was read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_qonto import timestamps
from tap_qonto.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

KEY, UNSURE = "read", "unsure"
_MOST = 40
"""Stretches that a state holds at the most: some 2 KB."""


class Stretch(NamedTuple):
    """From one instant up to, and without, another; both aware, in whole seconds."""

    first: datetime
    end: datetime


class Counted(NamedTuple):
    """A window of a list, and how many rows it had.

    Attributes:
        lower: What was asked for begins here (aware); None for all history.
        upper: And ends here.
        rows: How many Qonto counted.
    """

    lower: datetime | None
    upper: datetime
    rows: int


class Unsure(NamedTuple):
    """What was read if no row has left a window.

    Attributes:
        window: Which.
        read: The stretches.
    """

    window: Counted
    read: Sequence[Stretch]


class Reached(NamedTuple):
    """How far a list was read.

    Attributes:
        bookmark: All up to here was handed out (aware); None where there is no new one.
        above: What was handed out above it.
        unsure: What may have been handed out as well.
    """

    bookmark: datetime | None
    above: Sequence[Stretch] = ()
    unsure: Unsure | None = None

    def confirmed(self) -> Reached:
        """Return how far it was read, since no row has left the window."""
        if self.unsure is None or self.bookmark is None:
            return self
        read = merged([*self.above, *self.unsure.read])
        bookmark = max([self.bookmark, *(end for first, end in read if first <= self.bookmark)])
        return Reached(bookmark, merged(read, bookmark))


def merged(stretches: Iterable[Stretch], above: datetime | None = None) -> list[Stretch]:
    """Return stretches in order, those that touch made one.

    Args:
        stretches: In any order.
        above: Leave out those that end before this instant, or at it.
    """
    found: list[Stretch] = []
    for first, end in sorted(stretches):
        if found and first <= found[-1].end:
            found[-1] = Stretch(found[-1].first, max(end, found[-1].end))
        else:
            found.append(Stretch(first, end))
    return [each for each in found if above is None or each.end > above]


def common(some: Iterable[Stretch], others: Sequence[Stretch]) -> list[Stretch]:
    """Return what lies in both."""
    pairs = (
        Stretch(max(one.first, other.first), min(one.end, other.end))
        for one in some
        for other in others
    )
    return merged(each for each in pairs if each.first < each.end)


def without(some: Iterable[Stretch], others: Sequence[Stretch]) -> list[Stretch]:
    """Return what lies in some stretches, and not in others, which are in order."""
    found = []
    for first, end in some:
        place = first
        for other in others:
            if place < min(other.first, end):
                found.append(Stretch(place, min(other.first, end)))
            place = max(place, other.end)
        if place < end:
            found.append(Stretch(place, end))
    return found


def remembered(entry: Mapping[str, Any]) -> list[Stretch]:
    """Return what the entry of a state says was read above its bookmark.

    Raises:
        ConfigError: The state cannot be read.
    """
    try:
        return _parsed(entry.get(KEY))
    except (TypeError, ValueError) as error:
        raise _damaged(KEY) from error


def doubted(entry: Mapping[str, Any]) -> Unsure | None:
    """Return what the entry of a state says may have been read as well.

    Raises:
        ConfigError: The state cannot be read.
    """
    told = entry.get(UNSURE)
    if told is None:
        return None
    try:
        lower = timestamps.parse(told["from"]) if told["from"] else None
        window = Counted(lower, timestamps.parse(told["to"]), int(told["rows"]))
        return Unsure(window, _parsed(told[KEY]))
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(UNSURE) from error


def _parsed(told: Any) -> list[Stretch]:
    return merged(Stretch(*map(timestamps.parse, each)) for each in told or ())


def _damaged(name: str) -> ConfigError:
    return ConfigError(
        f"The state says in {name} something that tap-qonto did not write. Pass the "
        "state that tap-qonto wrote, or no state to start over."
    )


def remember(
    entry: dict[str, Any], stretches: Sequence[Stretch], unsure: Unsure | None = None
) -> None:
    """Write them into the entry of a state, as far as there is room."""
    entry.pop(UNSURE, None)
    if stretches:
        entry[KEY] = [_told(each) for each in stretches[:_MOST]]
    else:
        entry.pop(KEY, None)
    if unsure and (room := _MOST - len(stretches)) > 0:
        lower, upper, rows = unsure.window
        entry[UNSURE] = {
            "from": timestamps.seconds(lower) if lower else None,
            "to": timestamps.seconds(upper),
            "rows": rows,
            KEY: [_told(each) for each in unsure.read[:room]],
        }


def _told(stretch: Stretch) -> list[str]:
    return [timestamps.seconds(instant) for instant in stretch]
