"""Reading a list that changes while it is read, without losing a row.

Page numbers over a changing list skip rows: one that leaves the window moves all
behind it up one place. `ReanchoredPaginator` asks by value instead: after each page
again from the last row's time stamp. Where many rows share an instant, it goes on by
page number as long as that loses nothing (`by_number`), and otherwise reads the instant
in a window of its own (`instants`). No network here: queries out, pages in.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tap_qonto.reading.by_number import OVERLAP, ByNumber
from tap_qonto.reading.instants import Instant
from tap_qonto.reading.order import check, check_empty
from tap_qonto.reading.pages import instant
from tap_qonto.reading.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.pages import Page, Row

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Query:
    """What to ask for next.

    Attributes:
        lower: Lower bound of the anchor field (aware); None for none.
        upper: Upper bound; None for none.
        page: Number of the page, from 1.
        size: Rows for each page; None for as many as there may be.
    """

    lower: datetime | None
    upper: datetime | None
    page: int = 1
    size: int | None = None


class ReanchoredPaginator:
    """Walks a list in ascending order of a time stamp.

    Args:
        anchor: The field that the list is sorted and filtered by.
        lower: Read from here on (aware); None for all history.
        upper: Read up to here (aware); None leaves the window open.
        has_upper: Whether the list can be filtered by an upper bound.

    Attributes:
        complete_to: All rows up to this value of the anchor were handed out, as
            far as they existed when they were asked for. None before the first.
        total: Rows in the window when it was first asked for.
        is_left: Whether the next run is to read the end of the window.
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
        self.anchor = anchor
        self.complete_to: datetime | None = None
        self.total: int | None = None
        self.is_left = False
        self._upper = upper
        self._lower = lower
        self._has_upper = has_upper
        self._page = 1
        self._instant: Instant | None = None
        self._by_number = ByNumber()
        self._first_left: datetime | None = None
        self._settled: datetime | None = None
        self._is_settled = False
        self._latest: datetime | None = None
        self._seen = Seen(anchor)
        self._empty_pages = 0
        self._finished = False

    @property
    def query(self) -> Query | None:
        """What to ask for next; None when everything was read."""
        if self._finished:
            return None
        if self._instant is not None:
            instant = self._instant
            return Query(instant.lower, instant.upper, instant.due[0])
        if place := self._by_number.place:
            return Query(self._lower, self._bound, place.page, place.size)
        return Query(self._lower, self._bound, self._page)

    @property
    def is_crowded(self) -> bool:
        """Whether it reads an instant that fills more than a page in its own window."""
        return self._instant is not None

    @property
    def place(self) -> datetime | None:
        """From where on (aware) rows are unread; None where all history may be."""
        if self._instant is not None:
            return self._instant.upper
        return self._latest if self._by_number.place else self._lower

    @property
    def _bound(self) -> datetime | None:
        if not (self._is_settled and self._settled):
            return self._upper
        return min(self._settled, self._upper or self._settled)

    def advance(self, page: Page) -> list[Row]:
        """Take the answer to `query`.

        Args:
            page: The answer.

        Returns:
            Its rows that were not handed out before, in its order.

        Raises:
            DataError: The rows are out of order or outside what was asked for;
                going on would lose rows.
        """
        stamps = [instant(row, self.anchor) for row in page.rows]
        check(self.anchor, stamps, self.query.lower if self.query else None)
        news = self._seen.news(page, stamps)
        if self.total is None:
            self.total = page.total
        if self._instant is not None:
            self._note(stamps)
            if self._instant.advance(page, any_new=bool(news)):
                self._after_instant(self._instant)
        elif not self._by_number.place:
            self._note(stamps)
            self._by_number.begin(page, stamps)
            self._after_page(page, stamps)
        elif self._is_obeyed(stamps) and self._by_number.take(page, stamps):
            self._note(stamps)
            self._after_page(page, stamps)
        elif self._by_number.overlap():
            self._go_on_or_anchor()
        else:
            self._anchor()
        return news

    def _is_obeyed(self, stamps: Sequence[datetime]) -> bool:
        """Tell whether rows keep to the upper bound; if not, their count shows nothing."""
        return not (stamps and self._bound) or stamps[-1] < self._bound + _SECOND

    def close(self, upper: datetime) -> None:
        """Read no further than this (aware), unless a nearer bound was given."""
        self._upper = min(upper, self._upper or upper)
        if self._by_number.place:
            # The count will differ, so shared rows have to show that pages join.
            self._by_number.overlap()
            self._go_on_or_anchor()

    def know(self, other: ReanchoredPaginator) -> None:
        """Leave out what another one has handed out of the rows at its place."""
        self._seen = copy(other._seen)

    def reopen(self) -> None:
        """Ask again from the last row on, for what has come to the end since."""
        if self._latest and self._lower:
            # The second of the last row may not have been over when it was read.
            self._lower = min(self._lower, self._latest.replace(microsecond=0) - _SECOND)
        self._page, self._finished = 1, False

    def halve(self) -> None:
        """Plan the next page anew, for half as many rows."""
        if self._instant is not None:
            self._instant = self._instant_between(self._instant.lower, self._instant.upper)
        elif self._by_number.place:
            self._by_number.halve()
            self._go_on_or_anchor()

    def settle(self, settled: datetime) -> None:
        """Rely on it that no row can come to lie before this moment (aware) any more."""
        if self._has_upper:
            self._settled = settled.replace(microsecond=0)

    def leave(self, first: datetime) -> None:
        """Let the next run read a moment after this one (aware) that does not stop growing."""
        self._first_left = first

    def _note(self, stamps: Sequence[datetime]) -> None:
        if stamps:
            self._latest = max(stamps[-1], self._latest or stamps[-1])

    def _after_page(self, page: Page, stamps: Sequence[datetime]) -> None:
        if not page.more:
            self._finish_window()
        elif not stamps:
            self._page = page.number + 1
            self._empty_pages += 1
            check_empty(self._empty_pages)
        else:
            self._page = 1
            anchor = stamps[-1].replace(microsecond=0) - _SECOND
            repeats = self._by_number.repeats(anchor)
            if repeats <= OVERLAP and self._can_move_to(anchor):
                self._anchor()
            else:
                self._go_on_or_anchor()

    def _can_move_to(self, anchor: datetime) -> bool:
        return self._lower is None or anchor > self._lower

    def _go_on_or_anchor(self) -> None:
        """Go on by page number if the last row lies where no row can be added any more."""
        latest, settled = self._latest, self._settled
        self._is_settled = False
        if latest and settled and latest < settled - _SECOND:
            anchor = latest.replace(microsecond=0) - _SECOND
            self._is_settled = self._by_number.go_on(anchor if self._can_move_to(anchor) else None)
        if self._is_settled:
            self.complete_to = latest
        else:
            self._anchor()

    def _anchor(self) -> None:
        """Ask again from the last row before which all rows were read."""
        self._by_number.place = None
        if self._latest is None:
            return
        second = self._latest.replace(microsecond=0)
        # One second back: the bound may be exclusive, cut to seconds, or both.
        anchor = second - _SECOND
        if self._can_move_to(anchor):
            self.complete_to = self._latest
            self._move_to(anchor)
        else:
            # Standing still: this page does not reach past its own second. Where
            # the filter is not obeyed, that second can lie before the bound.
            end = max(second, self._lower or second) + 2 * _SECOND
            upper = min(end, self._bound or end) if self._has_upper else None
            self._instant = self._instant_between(self._lower, upper)

    def _instant_between(self, lower: datetime | None, upper: datetime | None) -> Instant:
        is_past = bool(upper and self._settled and upper < self._settled)
        may_be_left = bool(self._first_left and (upper is None or upper > self._first_left))
        return Instant(lower, upper, may_grow=not is_past, may_be_left=may_be_left)

    def _after_instant(self, instant: Instant) -> None:
        self._instant = None
        if instant.is_left:
            # The bookmark stays before it.
            self.is_left = self._finished = True
            return
        self.complete_to = self._latest
        if instant.upper is None or instant.upper == self._bound:
            self._finish_window()
        else:
            # Overlaps the instant's last second: its upper bound may be exclusive.
            self._move_to(instant.upper - _SECOND)

    def _move_to(self, lower: datetime) -> None:
        self._lower = lower
        # The last rows can be asked for again, where the list is reopened.
        kept = min(lower, (self._latest or lower).replace(microsecond=0) - _SECOND)
        self._seen.forget(kept - 2 * _SECOND)

    def _finish_window(self) -> None:
        self._by_number.place = None
        self.complete_to = self._latest
        bound, self._is_settled = self._bound, False
        self._finished = bound == self._upper
        if bound and not self._finished:
            # What changes in these minutes comes last.
            self._move_to(max(bound - _SECOND, self._lower or bound - _SECOND))
