"""Which stretch of time a run reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tap_qonto import timestamps
from tap_qonto.settings.declaration import day_or_instant

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Window:
    """The bounds of a run, in terms of `updated_at`; all aware.

    Attributes:
        lower: What the query asks from; a second before what is wanted, since the
            bound may be exclusive. None for all history.
        upper: What the query asks up to; None for no bound.
        first: The setting `start_date`.
        last: The setting `end_date`.
        begun: When the run began.
    """

    lower: datetime | None
    upper: datetime | None
    first: datetime | None
    last: datetime | None
    begun: datetime

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
            is_open: Leave out the upper bound that closes the window at its begin.
        """
        first, last = _moment(config, "start_date"), _moment(config, "end_date")
        lower = first - _SECOND if first else None
        if bookmark is not None:
            back = timedelta(seconds=max(1, config["lookback_seconds"]))
            looked_back = bookmark.replace(microsecond=0) - back
            lower = max(looked_back, lower or looked_back)
        upper = _next_second(last) if last else None
        if not is_open:
            # Up to the end of the second, so that all changes before the run are in.
            now = _next_second(begun)
            upper = min(now, upper or now)
        return cls(lower, upper, first, last, begun)

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a row is within `start_date` and `end_date`, both inclusive."""
        if self.first is None and self.last is None:
            return True
        stamp = timestamps.parse(row["updated_at"])
        return not (
            (self.first is not None and stamp < self.first)
            or (self.last is not None and stamp > self.last)
        )


def _next_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0) + _SECOND


def _moment(config: Mapping[str, Any], name: str) -> datetime | None:
    text = config.get(name)
    return timestamps.parse(day_or_instant(text)) if text else None
