"""Rows that were handed out and can come again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_qonto import timestamps
from tap_qonto.reading.ways import UPDATED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_qonto.reading.pages import Page, Row


class Seen:
    """The version of each row, and its place in the list.

    Args:
        anchor: The field that the list is sorted by.
    """

    def __init__(self, anchor: str) -> None:
        """Know no row yet."""
        self._is_version = anchor == UPDATED
        self._rows: dict[str, tuple[Any, datetime]] = {}

    def __contains__(self, key: str) -> bool:
        """Tell whether a row is known."""
        return key in self._rows

    def news(self, page: Page, stamps: Sequence[datetime]) -> list[Row]:
        """Return the rows of a page that are new or have changed, in its order.

        Args:
            page: The page.
            stamps: The values of the anchor in its rows.
        """
        found: list[Row] = []
        for row, key, stamp in zip(page.rows, page.keys, stamps, strict=True):
            # It costs to read a time stamp twice.
            version = stamp if self._is_version else _version(row)
            known = self._rows.get(key)
            if known is None or known[0] != version:
                found.append(row)
            self._rows[key] = version, stamp
        return found

    def __copy__(self) -> Seen:
        """Return what knows the same rows, and learns others."""
        other = Seen("")
        other._is_version, other._rows = self._is_version, dict(self._rows)
        return other

    def forget(self, before: datetime) -> None:
        """Forget the rows that lie before a moment (aware), and so do not come again."""
        self._rows = {key: seen for key, seen in self._rows.items() if seen[1] >= before}


def _version(row: Row) -> Any:
    try:
        return timestamps.parse(row[UPDATED])
    except (KeyError, TypeError, ValueError):
        return row
