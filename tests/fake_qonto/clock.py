"""The fake's own time: real time that tests can move or stop."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone

UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Python 3.10's fromisoformat knows neither "Z" nor any number of fractional digits.
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)\Z",
)


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 date-time as an aware UTC datetime.

    Args:
        text: Date and time with ``Z`` or an offset, 0 to 9 fractional digits.

    Returns:
        The same instant in UTC, cut to microseconds.

    Raises:
        ValueError: The text is no RFC 3339 date-time.
    """
    match = _INSTANT.match(text)
    if match is None:
        message = f"not an RFC 3339 date-time: {text!r}"
        raise ValueError(message)
    date, clock, fraction, offset = match.groups()
    digits = (fraction or "").ljust(6, "0")[:6]
    zone = "+00:00" if offset in "Zz" else offset
    try:
        return datetime.fromisoformat(f"{date}T{clock}.{digits}{zone}").astimezone(UTC)
    except OverflowError as error:
        raise ValueError(*error.args) from None


def as_instant(value: datetime | str) -> datetime:
    """Take a datetime or its text; what has no offset is meant in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        return parse_instant(value)
    except ValueError:
        return parse_instant(f"{value if 'T' in value else value + 'T00:00:00'}Z")


class Clock:
    """Real UTC time plus an offset, or one fixed instant."""

    def __init__(self) -> None:
        """Start at real time."""
        self._offset = timedelta()
        self._advanced = 0.0
        self._fixed: datetime | None = None

    def now(self) -> datetime:
        """Return the current instant."""
        if self._fixed is not None:
            return self._fixed
        return EPOCH + timedelta(microseconds=time.time_ns() // 1000) + self._offset

    def elapsed(self) -> float:
        """Return seconds that run on even while the clock is fixed; for rate windows."""
        return time.monotonic() + self._advanced

    def advance(self, seconds: float) -> None:
        """Move ahead, a fixed clock too."""
        self._advanced += seconds
        if self._fixed is None:
            self._offset += timedelta(seconds=seconds)
        else:
            self._fixed += timedelta(seconds=seconds)

    def fix(self, instant: datetime | None) -> None:
        """Stop at an instant, or run again in real time plus offset."""
        self._fixed = instant
