"""Which stretch of time a run reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from tap_qonto import timestamps
from tap_qonto.settings.declaration import day_or_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECOND = timedelta(seconds=1)
_EARLIEST = datetime(1970, 1, 2, tzinfo=timezone.utc)
_LATEST = datetime(9000, 1, 1, tzinfo=timezone.utc)
"""No row is older or newer, so bounds stay away from the ends of the calendar."""
_MOST_BACK = 1_000_000_000
"""Seconds of the longest lookback, some 30 years."""


@dataclass(frozen=True)
class Window:
    """The bounds of a run, in terms of `updated_at`; all aware.

    Attributes:
        lower: What the query asks from; a second before what is wanted, since the
            bound may be exclusive. None for all history.
        upper: What the query asks up to; None for no bound.
        first: The setting `start_date`.
        last: The setting `end_date`.
        begun: When the run began, by the clock of this machine.
        is_open: Whether what is edited during the run is wanted, too.
        lookback: How late a row may come to light, after its `updated_at`.
        is_filtered: Whether rows are chosen by what may change without `updated_at`, such as
            a day that has passed. Then a row can come to lie in a stretch of the past.
    """

    lower: datetime | None
    upper: datetime | None
    first: datetime | None
    last: datetime | None
    begun: datetime
    is_open: bool = False
    lookback: timedelta = _SECOND
    is_filtered: bool = False

    @classmethod
    def of(
        cls,
        config: Mapping[str, Any],
        bookmark: datetime | None,
        *,
        begun: datetime,
        is_open: bool,
    ) -> Window:
        """Return the window of a run.

        Args:
            config: The settings.
            bookmark: Up to where earlier runs have come; None for the beginning.
            begun: When the run began.
            is_open: Whether what is edited during the run is wanted, too.
        """
        first, last = moment(config, "start_date"), moment(config, "end_date")
        lower = first - _SECOND if first else None
        back = timedelta(seconds=min(max(1, config["lookback_seconds"]), _MOST_BACK))
        if bookmark is not None:
            looked_back = max(bookmark.replace(microsecond=0), _EARLIEST + back) - back
            lower = max(looked_back, lower or looked_back)
        upper = next_second(last) if last else None
        return cls(lower, upper, first, last, begun, is_open, back)

    @classmethod
    def whole(cls, begun: datetime) -> Window:
        """Return the window of a run, begun at a moment (aware), that reads all there is."""
        return cls(None, None, None, None, begun, is_open=True)

    def before(self, earlier: datetime | None, later: datetime) -> Window:
        """Return the stretch from one moment (None for the beginning) to a later one."""
        lower = earlier - _SECOND if earlier else None
        last = min(later, self.last or later)
        return replace(self, lower=lower, upper=next_second(last), first=earlier, last=last)

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row is within `first` and `last`, both inclusive.

        A row without `updated_at` is held in any stretch.
        """
        if (self.first is None and self.last is None) or not row.get("updated_at"):
            return True
        stamp = timestamps.parse(row["updated_at"])
        return not (
            (self.first is not None and stamp < self.first)
            or (self.last is not None and stamp > self.last)
        )


def next_second(moment: datetime) -> datetime:
    """Return the end of the second that a moment lies in."""
    return moment.replace(microsecond=0) + _SECOND


def moment(config: Mapping[str, Any], name: str) -> datetime | None:
    """Return a setting that is a day or a moment (aware); None where it is not set."""
    text = config.get(name)
    return min(max(timestamps.parse(day_or_instant(text)), _EARLIEST), _LATEST) if text else None
