"""What a bookmark stands for: it says nothing about rows that were never asked for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_qonto import timestamps
from tap_qonto.errors import ConfigError
from tap_qonto.settings.declaration import day_or_instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

KEY = "covers"
_FROM, _TO = "_from", "_to"


@dataclass(frozen=True)
class Coverage:
    """What was read up to a bookmark.

    Attributes:
        filters: Filters by the API's names.
        first: Rows that were updated from here on (aware); None for all.
    """

    filters: Mapping[str, Any]
    first: datetime | None

    @classmethod
    def remembered(cls, entry: Mapping[str, Any]) -> Coverage | None:
        """Return what the entry of a state covers; None where it does not say.

        Raises:
            ConfigError: The state cannot be read.
        """
        told = entry.get(KEY)
        if not isinstance(told, dict) or "filter" not in told:
            return None
        try:
            first = told.get("start_date")
            return cls(dict(told["filter"]), timestamps.parse(first) if first else None)
        except (TypeError, ValueError) as error:
            msg = (
                f"The state says in {KEY} something that tap-qonto did not write. Pass the "
                "state that tap-qonto wrote, or none to start anew."
            )
            raise ConfigError(msg) from error

    def told(self) -> dict[str, Any]:
        """Return it as a state has it."""
        first = timestamps.show(self.first) if self.first else None
        return {"filter": dict(self.filters), "start_date": first}

    def holds(self, filters: Mapping[str, Any]) -> bool:
        """Tell whether all rows that pass these filters were read."""
        return all(
            name in filters and _is_within(name, filters[name], value)
            for name, value in self.filters.items()
        )

    def is_wider(self, wanted: Coverage) -> bool:
        """Tell whether a run that wants this reads what these runs left out."""
        starts_before = self.first and (wanted.first is None or wanted.first < self.first)
        return bool(starts_before) or not self.holds(wanted.filters)

    def next(self, wanted: Coverage, bookmark: datetime) -> Coverage:
        """Return what is covered once a run that wants this has gone on from a bookmark."""
        first = self.first
        if wanted.first and wanted.first > bookmark:
            # What lies between is not read.
            first = wanted.first
        return Coverage(wanted.filters, first)


def _is_within(name: str, value: Any, known: Any) -> bool:
    """Tell whether a filter lets through nothing that the known one does not."""
    if isinstance(value, list) and isinstance(known, list):
        return all(item in known for item in value)
    if isinstance(value, str) and isinstance(known, str) and name.endswith((_FROM, _TO)):
        with suppress(ValueError):
            mine, theirs = (timestamps.parse(day_or_instant(text)) for text in (value, known))
            return mine >= theirs if name.endswith(_FROM) else mine <= theirs
    return bool(value == known)
