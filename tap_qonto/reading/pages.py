"""One answer of a list endpoint, whatever form its `meta` has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_qonto import timestamps
from tap_qonto.errors import keyless
from tap_qonto.reading.ways import STAMP, UnsuitableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

Row = dict[str, Any]
_LARGEST = 100
"""Rows on a page, at the most."""
_SAYS_MORE = {"next_page", "total_pages", "total_count", "total"}


@dataclass(frozen=True)
class Page:
    """One answer of a list endpoint, its `meta` made plain.

    Qonto's ``next_page`` can be an integer, null, absent or 0, and quotes document
    ``total`` for ``total_count`` (page "Pagination", and observed).

    Attributes:
        rows: Its rows, in the server's order.
        number: Number of the page, from 1.
        pages: How many pages the list has at this page size.
        total: How many rows the list has; 0 where the answer does not tell.
        more: Whether another page follows.
        date: The server's clock when it answered (UTC), if it said so.
        key: The field that tells rows apart.
        size: Rows for each page, as far as the answer tells; None if it does not.
        is_counted: Whether the answer tells how many rows the list has.
    """

    rows: Sequence[Row]
    number: int
    pages: int
    total: int
    more: bool
    date: datetime | None = None
    key: str = "id"
    size: int | None = None
    is_counted: bool = True

    @classmethod
    def read(  # noqa: PLR0913 - each is one fact of the answer
        cls,
        rows: Sequence[Row],
        meta: Mapping[str, Any],
        number: int,
        date: datetime | None = None,
        key: str = "id",
        *,
        asked: int = _LARGEST,
    ) -> Page:
        """Read the envelope of an answer.

        What `meta` says of further pages counts, whichever of its fields says it.

        Args:
            rows: The rows of the answer.
            meta: Its ``meta``.
            number: The page that was asked for.
            date: The server's clock when it answered (UTC), if it said so.
            key: The field that tells rows apart.
            asked: How many rows were asked for.

        Raises:
            ValueError: `meta` says nothing of rows or pages.
        """
        if _SAYS_MORE.isdisjoint(meta):
            msg = "the meta of an answer says nothing of rows or pages"
            raise ValueError(msg)
        current = _count(meta.get("current_page")) or number
        counts = [meta[name] for name in ("total_count", "total") if meta.get(name) is not None]
        total = _count(counts[0]) if counts else 0
        size = _count(meta.get("per_page"))
        if not size:
            # A first page that is not full, although there are more rows, tells it as well.
            is_cut = number == 1 and 0 < len(rows) < min(asked, total)
            size = len(rows) if is_cut else asked
        pages = _count(meta.get("total_pages")) or -(-total // size)
        more = max(_count(meta.get("next_page")), pages) > current
        return cls(rows, current, max(pages, current), total, more, date, key, size, bool(counts))

    @property
    def is_short(self) -> bool:
        """Whether it has fewer rows than Qonto counts on it."""
        size = self.size or 0
        return self.is_counted and len(self.rows) < min(size, self.total - (self.number - 1) * size)

    @classmethod
    def only(cls, rows: Sequence[Row], date: datetime | None = None, key: str = "id") -> Page:
        """Return the answer of an endpoint that has no pages."""
        return cls(rows, 1, 1, len(rows), more=False, date=date, key=key)

    @classmethod
    def past_the_end(cls, number: int) -> Page:
        """Return a page that existed when it was planned, and no longer does."""
        return cls((), number, number, 0, more=False)

    @cached_property
    def keys(self) -> Sequence[str]:
        """The keys of its rows, in order.

        Raises:
            DataError: A row has none; going on would lose it.
        """
        return [_key(row, self.key) for row in self.rows]


def instant(row: Row, field: str) -> datetime:
    """Return a time stamp of a row (aware).

    Raises:
        UnsuitableError: It has none that can be read.
    """
    try:
        return timestamps.parse(row[field])
    except (KeyError, TypeError, ValueError) as error:
        key = row.get("id")
        msg = (
            f"A row{f' with id {key}' if key else ''} has no readable {field}. The stream ends "
            "here, since going on could lose rows; report it to the maintainers of tap-qonto."
        )
        raise UnsuitableError(msg, lacks=STAMP, field=field) from error


def _key(row: Row, name: str) -> str:
    found = row.get(name)
    if not isinstance(found, str | int) or found == "":
        stamp = row.get("updated_at")
        raise keyless(f" updated at {stamp}" if stamp else "", name)
    return str(found)


def _count(value: object) -> int:
    try:
        return int(value) if isinstance(value, int | float | str) else 0
    except ValueError:
        return 0
