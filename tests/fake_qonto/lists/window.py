"""A span of time as a filter gives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

from tests.fake_qonto.clock import UTC

BEGIN_OF_TIME = datetime(MINYEAR, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(MAXYEAR, 12, 31, tzinfo=UTC)
NEVER = END_OF_TIME.replace(hour=23)
"""Where a null stands in the order of an instant: after all others, outside of any window."""


@dataclass
class Window:
    """Bounds of an instant, either of which may be open or shut."""

    low: datetime = BEGIN_OF_TIME
    high: datetime = END_OF_TIME
    low_in: bool = True
    high_in: bool = True

    def __contains__(self, instant: datetime) -> bool:
        """Tell whether an instant lies between the bounds."""
        above = instant >= self.low if self.low_in else instant > self.low
        below = instant <= self.high if self.high_in else instant < self.high
        return above and below

    def cut(self, index: Any) -> tuple[int, int]:
        """Return the places in a sorted index where the window begins and ends."""
        after = "\U0010ffff"
        low = index.bisect_left((self.low, "" if self.low_in else after))
        high = index.bisect_left((self.high, after if self.high_in else ""))
        return low, max(low, high)
