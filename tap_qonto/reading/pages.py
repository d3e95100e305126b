"""One answer of a list endpoint, whatever form its `meta` has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_qonto.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

Row = dict[str, Any]


class Page(NamedTuple):
    """One answer of a list endpoint, its `meta` made plain.

    Qonto's ``next_page`` can be an integer, null, absent or 0, and quotes document
    ``total`` for ``total_count`` (page "Pagination", and observed).

    Attributes:
        rows: Its rows, in the server's order.
        number: Number of the page, from 1.
        pages: How many pages the list has at this page size.
        total: How many rows the list has.
        more: Whether another page follows.
        date: The server's clock when it answered (UTC), if it said so.
    """

    rows: Sequence[Row]
    number: int
    pages: int
    total: int
    more: bool
    date: datetime | None = None

    @classmethod
    def read(
        cls,
        rows: Sequence[Row],
        meta: Mapping[str, Any],
        number: int,
        date: datetime | None = None,
    ) -> Page:
        """Read the envelope of an answer.

        Args:
            rows: The rows of the answer.
            meta: Its ``meta``.
            number: The page that was asked for.
            date: The server's clock when it answered (UTC), if it said so.
        """
        current = _count(meta.get("current_page")) or number
        pages = _count(meta.get("total_pages"))
        following = _count(meta["next_page"]) if "next_page" in meta else pages
        more = following > current
        total = _count(meta.get("total_count", meta.get("total")))
        return cls(rows, current, max(pages, current), total, more, date)

    @classmethod
    def past_the_end(cls, number: int) -> Page:
        """Stand for a page that existed when it was planned, and no longer does."""
        return cls((), number, number, 0, more=False)


def row_id(row: Row) -> str:
    """Return the id of a row.

    Raises:
        DataError: It has none; going on would lose it.
    """
    found = row.get("id")
    if not isinstance(found, str | int) or found == "":
        msg = (
            f"A row that was updated at {row.get('updated_at')} has no id. The run ends, "
            "since going on would lose it; report it to the maintainers of tap-qonto."
        )
        raise DataError(msg)
    return str(found)


def _count(value: object) -> int:
    try:
        return int(value) if isinstance(value, int | float | str) else 0
    except ValueError:
        return 0
