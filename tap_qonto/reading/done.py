"""Stretches of a list that were read although the bookmark lies below them.

Slices come to their ends in any order. A run that is killed leaves in the state which
stretches above the bookmark are whole, and the next run leaves them out: a row in one
of them that is edited later goes to the end of the list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_qonto import timestamps
from tap_qonto.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

KEY = "read"
_MOST = 40
"""Stretches that a state holds at the most: some 2 KB."""


class Stretch(NamedTuple):
    """From one instant up to, and without, another; both aware, in whole seconds."""

    first: datetime
    end: datetime


class Reached(NamedTuple):
    """How far a list was read.

    Attributes:
        bookmark: All up to here was handed out (aware); None where there is no new one.
        above: What was handed out above it.
    """

    bookmark: datetime | None
    above: Sequence[Stretch] = ()


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


def remembered(entry: Mapping[str, Any]) -> list[Stretch]:
    """Return what the entry of a state says was read above its bookmark.

    Raises:
        ConfigError: The state cannot be read.
    """
    try:
        return merged(Stretch(*map(timestamps.parse, each)) for each in entry.get(KEY) or ())
    except (TypeError, ValueError) as error:
        msg = (
            f"The state says in {KEY} something that tap-qonto did not write. Pass the "
            "state that tap-qonto wrote, or no state to start over."
        )
        raise ConfigError(msg) from error


def remember(entry: dict[str, Any], stretches: Iterable[Stretch]) -> None:
    """Write them into the entry of a state."""
    told = [[timestamps.seconds(instant) for instant in each] for each in stretches]
    if told:
        entry[KEY] = told[:_MOST]
    else:
        entry.pop(KEY, None)
