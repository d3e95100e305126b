"""How rows are written in answers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from tests.fake_qonto.clock import UTC

if TYPE_CHECKING:
    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.lists.facts import Endpoint
    from tests.fake_qonto.settings import Settings

PARIS = ZoneInfo("Europe/Paris")
_TIMESPECS = {0: "seconds", 3: "milliseconds", 6: "microseconds"}


def as_z(instant: datetime, timespec: str = "milliseconds") -> str:
    """Write an instant in UTC with ``Z``."""
    return instant.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def write_instant(instant: datetime, settings: Settings, key: str) -> str:
    """Write an instant in the style that is set."""
    timespec = _TIMESPECS[settings.shown_digits]
    style = settings.timestamp_style
    if style == "utc" or (style == "mixed" and coin(key)):
        return as_z(instant, timespec)
    return instant.astimezone(PARIS).isoformat(timespec=timespec)


def coin(key: str) -> bool:
    """Toss a coin that falls the same way for a key each time."""
    return ord(key[-1]) % 2 == 1 if key else False


def serve_row(row: Row, key: str, facts: Endpoint, settings: Settings) -> dict[str, Any]:
    """Return a row as the API serves it; names with an underscore before them are ours."""
    served = {}
    for name, value in row.items():
        if name.startswith("_"):
            continue
        if isinstance(value, datetime) and facts.digits is None:
            served[name] = write_instant(value, settings, key)
        elif isinstance(value, datetime):
            served[name] = as_z(value, _TIMESPECS[facts.digits or 0])
        elif value is None and name in facts.blank and settings.blank_for_null:
            served[name] = ""
        else:
            served[name] = value
    served.update(settings.extra_list_fields)
    return served
