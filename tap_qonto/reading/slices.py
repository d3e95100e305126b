"""A stretch of a list that is read along a time stamp, and can give half of itself away.

A slice owns the rows from its first instant up to, and without, its end. It asks for a
second more at either side, since a bound may be inclusive, exclusive, or cut to
seconds, and hands out what it owns alone. So two slices that touch neither miss a row
nor bring one twice. No network here: queries out, pages in.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import sqrt
from typing import TYPE_CHECKING

from tap_qonto.reading.anchored import ReanchoredPaginator
from tap_qonto.reading.pages import instant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.anchored import Query
    from tap_qonto.reading.pages import Page, Row

_SECOND = timedelta(seconds=1)
_LEAST = 8
"""Seconds below which a slice is not split."""
_NEARLY_ALL = 0.9


class Slice:
    """One stretch of a list.

    Args:
        anchor: The field that the list is sorted and filtered by.
        lower: Ask from here on (aware); None for all history.
        upper: Ask up to here (aware); None for no bound.
        has_upper: Whether the list can be filtered by an upper bound. If not, the slice
            cannot be split.

    Attributes:
        first: Rows before this instant (aware, a whole second) belong to the slice
            below; None where there is none.
        end: Rows from this instant on belong to the slice above; None where there is
            none.
        left: Rows that it still has, by Qonto's last count; 0 while that is not known.
    """

    def __init__(
        self,
        anchor: str,
        lower: datetime | None,
        upper: datetime | None,
        *,
        has_upper: bool = True,
    ) -> None:
        """Start before the first page."""
        self.first: datetime | None = None
        self.end: datetime | None = None
        self.left = 0
        self._anchor = anchor
        self._upper = upper
        self._may_split = has_upper
        self._settled: datetime | None = None
        self._first_left: datetime | None = None
        self._paginator = ReanchoredPaginator(anchor, lower, upper, has_upper=has_upper)
        self._pace = 0.0
        self._left_before_split = 0
        self._is_dense_below = False

    @property
    def total(self) -> int | None:
        """Rows when it was first asked for; None before."""
        return self._paginator.total

    @property
    def complete_to(self) -> datetime | None:
        """All rows up to this instant were handed out; None before the first."""
        place = self._paginator.complete_to
        return min(place, self.end) if place and self.end else place

    @property
    def is_left(self) -> bool:
        """Whether the next run is to read its end."""
        return self._paginator.is_left

    @property
    def query(self) -> Query | None:
        """What to ask for next; None when everything was read."""
        query = self._paginator.query
        if query and query.lower and self.end and query.lower >= self.end - _SECOND:
            return None
        return query

    @property
    def _place(self) -> datetime | None:
        """From where on rows are unread; None where all history may be, or none is."""
        return self._paginator.place if self.query else None

    @property
    def whole_to(self) -> datetime | None:
        """It was read up to, and without, this instant (a whole second); None before."""
        if self.end and self.query is None:
            return self.end
        place = self.complete_to
        return place and place.replace(microsecond=0)

    def skip(self, first: datetime, end: datetime) -> Slice | None:
        """End where a stretch begins that need not be read, and leave what is above it.

        Args:
            first: Where it begins (aware, a whole second).
            end: Where it ends.

        Returns:
            What is above; None where nothing of the stretch is still to be read.
        """
        place, upper = self._place, self._upper
        if place is None or upper is None or end <= place or first >= upper:
            return None
        return self.cut(first, min(end, upper))

    def close(self, upper: datetime) -> None:
        """Read no further than this (aware), unless a nearer bound was given."""
        self._upper = min(upper, self._upper or upper)
        self._paginator.close(upper)

    def settle(self, settled: datetime) -> None:
        """Rely on it that no row can come to lie before this moment (aware) any more."""
        self._settled = settled
        self._paginator.settle(settled)

    def leave(self, first: datetime) -> None:
        """Let the next run read a moment after this one (aware) that does not stop growing."""
        self._first_left = first
        self._paginator.leave(first)

    def halve(self) -> None:
        """Plan the next page anew, for half as many rows."""
        self._paginator.halve()

    def advance(self, page: Page) -> Sequence[Row]:
        """Take the answer to `query`, and return its rows that are new and belong here.

        Raises:
            DataError: Going on would lose rows.
        """
        query = self._paginator.query
        is_crowded = self._paginator.is_crowded
        rows = self._paginator.advance(page)
        if query and not is_crowded:
            self._count(page, (query.page - 1) * (query.size or 0))
        return self._owned(rows)

    def split(self, latest: datetime) -> Slice | None:
        """Give the upper half of what is left to another slice.

        It may be called when there is no answer to come.

        Args:
            latest: Where it may be split at the latest (aware).

        Returns:
            The upper half; None where the slice is too short.
        """
        place = self._place
        if place is None or not self._may_split:
            return None
        room = (min(self._upper or latest, latest) - place).total_seconds()
        if room < _LEAST:
            return None
        step = room / 2
        if self._is_dense_below:
            # The last half had next to nothing: between halving and what the pace says.
            step = sqrt(step * min(step, self._pace * self.left / 2))
        at = (place + timedelta(seconds=max(step, _LEAST / 2))).replace(microsecond=0)
        self._left_before_split = self.left
        return self.cut(at, at)

    def cut(self, end: datetime, first: datetime) -> Slice:
        """End before an instant, and leave what lies from another on to a slice above.

        Args:
            end: The new end (aware, a whole second).
            first: Where the slice above begins (aware, a whole second, not before `end`).
        """
        above = Slice(self._anchor, first - _SECOND, self._upper)
        above.first, above.end = first, self.end
        # The last page can reach into what is given away.
        above._paginator.know(self._paginator)
        if self._settled:
            above.settle(self._settled)
        if self._first_left:
            above.leave(self._first_left)
        self.end, self.left = end, 0
        self.close(end)
        return above

    def reopen(self) -> None:
        """Ask once more for what has come to the end since, and no more in halves."""
        self._may_split = False
        self._paginator.reopen()

    def _count(self, page: Page, before: int) -> None:
        self.left = max(page.total - before - len(page.rows), 0)
        if self._left_before_split:
            remained = self.left + len(page.rows)
            self._is_dense_below = remained > _NEARLY_ALL * self._left_before_split
            self._left_before_split = 0
        if len(page.rows) > 1:
            first, last = (instant(page.rows[place], self._anchor) for place in (0, -1))
            self._pace = (last - first).total_seconds() / len(page.rows)

    def _owned(self, rows: Sequence[Row]) -> Sequence[Row]:
        start, stop = 0, len(rows)
        while self.first and start < stop and instant(rows[start], self._anchor) < self.first:
            start += 1
        while self.end and start < stop and instant(rows[stop - 1], self._anchor) >= self.end:
            stop -= 1
        return rows[start:stop]
