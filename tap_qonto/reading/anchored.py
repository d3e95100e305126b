"""Reading a list that changes while it is read, without losing a row.

Page numbers over a changing list skip rows: one that leaves the window moves all
behind it up one place. `ReanchoredPaginator` asks by value instead: after each page
again from the last row's time stamp. Where many rows share an instant, it goes on by
page number as long as that loses nothing (`by_number`), and otherwise reads the instant
in a window of its own (`instants`). No network here: queries out, pages in.
"""

from __future__ import annotations

from copy import copy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tap_qonto.reading.by_number import ByNumber
from tap_qonto.reading.done import Counted
from tap_qonto.reading.instants import Instant
from tap_qonto.reading.order import check, check_empty, check_none
from tap_qonto.reading.pages import instant
from tap_qonto.reading.query import Query
from tap_qonto.reading.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.pages import Page, Row

_SECOND = timedelta(seconds=1)


class ReanchoredPaginator:
    """Walks a list in ascending order of a time stamp.

    Args:
        anchor: The field that the list is sorted and filtered by.
        lower: Read from here on (aware); None for all history.
        upper: Read up to here (aware); None leaves the window open.
        has_upper: Whether the list can be filtered by an upper bound.
        may_count: Whether the count can show that no row has moved.

    Attributes:
        complete_to: All rows up to this value of the anchor were handed out, as
            far as they existed when they were asked for. None before the first.
        total: Rows in the window when it was first asked for.
        is_left: Whether the next run is to read the end of the window.
        has_counted: Whether the count was ever relied on.
        numbered: The pages of the window, where they are asked for by number.
    """

    def __init__(
        self,
        anchor: str,
        lower: datetime | None,
        upper: datetime | None,
        *,
        has_upper: bool = True,
        may_count: bool = True,
    ) -> None:
        """Start before the first page."""
        self.anchor = anchor
        self.complete_to: datetime | None = None
        self._sure_to: datetime | None = None
        self._is_aside = False
        self.total: int | None = None
        self.is_left = self.has_counted = False
        self._upper = upper
        self._lower = lower
        self._has_upper = has_upper
        self._page = 1
        self._instant: Instant | None = None
        self.numbered = ByNumber(may_count=may_count)
        self._first_left: datetime | None = None
        self._settled: datetime | None = None
        self._is_settled = False
        self._latest: datetime | None = None
        self._seen = Seen(anchor)
        self._empty_pages = 0
        self._is_doubted = self._finished = False

    @property
    def query(self) -> Query | None:
        """What to ask for next; None when everything was read."""
        if self._is_aside:
            return Query(self._lower, self._bound, 1, 1)
        if self._finished or self.numbered.is_at_end:
            return None
        if self._instant is not None:
            instant = self._instant
            return Query(instant.lower, instant.upper, instant.due[0])
        if place := self.numbered.place:
            return Query(self._lower, self._bound, place.page, place.size)
        return Query(self._lower, self._bound, self._page)

    @property
    def sure_to(self) -> datetime | None:
        """As `complete_to`, without a page before which a row may have moved."""
        return self.complete_to if self.numbered.watch.is_sure else self._sure_to

    @property
    def window(self) -> Counted | None:
        """The window whose count shows that its last page is sure; None where none can."""
        bound, count = self._bound, self.numbered.count
        if bound is None or count is None or not self._is_settled:
            return None
        return Counted(self._lower, bound, count)

    @property
    def is_aside(self) -> bool:
        """Whether it asks for an instant that fills more than a page, or for the count alone."""
        return self._is_aside or self._instant is not None

    @property
    def place(self) -> datetime | None:
        """From where on (aware) rows are unread; None where all history may be."""
        if self._instant is not None:
            return self._instant.upper
        return self._latest if self.numbered.place else self._lower

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
        if self._is_aside:
            self._is_aside = False
            if not self.numbered.has_kept(page.total):
                self.give_up()
            return []
        page = self.numbered.own(page)
        was_still = self.numbered.is_still
        stamps = [instant(row, self.anchor) for row in page.rows]
        check(self.anchor, stamps, self.query.lower if self.query else None)
        news = self._seen.news(page, stamps)
        if self.total is None:
            self.total = page.total
        if self._instant is not None:
            self._note(stamps)
            if self._instant.advance(page, any_new=bool(news)):
                self._after_instant(self._instant)
        elif not self.numbered.place:
            self._note(stamps)
            self.numbered.begin(page, stamps)
            self._after_page(page, stamps)
        elif self._is_obeyed(stamps) and self.numbered.take(page, stamps):
            self._sure_to = self._latest
            self._note(stamps)
            self._after_page(page, stamps)
        else:
            self._rejoin(was_still=was_still)
        return news

    def _rejoin(self, *, was_still: bool) -> None:
        """Go on after a page that cannot be shown to follow what was read."""
        if was_still and not self.numbered.watch.is_sure:
            self._anchor()
            return
        self._step_back()
        if self.numbered.overlap():
            self._go_on_or_anchor()
        else:
            self._anchor()

    def _is_obeyed(self, stamps: Sequence[datetime]) -> bool:
        """Tell whether rows keep to the upper bound; if not, their count shows nothing."""
        return not (stamps and self._bound) or stamps[-1] < self._bound + _SECOND

    def close(self, upper: datetime, *, is_all: bool = False) -> None:
        """Read no further than an instant, unless a nearer bound was given.

        Args:
            upper: The instant (aware).
            is_all: Whether all rows are expected to lie before it.
        """
        self._upper = min(upper, self._upper or upper)
        if self.numbered.place and not (is_all or self.numbered.watch.is_sure):
            # Another window has another count.
            self._anchor()
        elif self.numbered.place:
            self.numbered.close(is_counted=is_all)
            self._go_on_or_anchor()

    def rely_on_count(self) -> None:
        """Go on by page number, which repeats no row, until the count shows that one moved."""
        self.has_counted = True
        self.numbered.rely_on_count()

    def split(self) -> ReanchoredPaginator | None:
        """Give the upper half of the pages to another; None where they have no numbers."""
        pages = self.numbered.split() if self._is_settled else None
        if pages is None:
            return None
        upper = copy(self)
        upper.numbered = pages
        # Rows that both bring have come in another order, which is to be seen.
        upper._seen = Seen(self.anchor)  # noqa: SLF001 - one of its own kind
        upper.complete_to = upper._latest = upper._sure_to = None  # noqa: SLF001 - same
        return upper

    def count_again(self) -> None:
        """Ask for the count once more, which tells whether the last pages are sure."""
        self._is_aside = True

    def extend(self, upper: ReanchoredPaginator) -> None:
        """Take the pages back that another one has."""
        was_at_end = self.numbered.is_at_end
        self.numbered.extend(upper.numbered)
        if was_at_end:
            self._go_on_or_anchor()

    def has(self, key: str) -> bool:
        """Tell whether a row was handed out that can come again."""
        return key in self._seen

    def give_up(self) -> None:
        """Rely on the count no more, and go on by value from the last row on."""
        self.numbered.give_up()
        if self.numbered.place or not self.numbered.watch.is_sure:
            self._anchor()

    def _step_back(self) -> None:
        """Take the last page for unread if a row may have moved as it was looked up."""
        if not self.numbered.watch.is_sure:
            self.complete_to = self._latest = self._sure_to

    def begin_at(self, lower: datetime) -> None:
        """Rely on the count no more, and go on by value from a moment (aware) on."""
        self.give_up()
        self._latest, self._instant, self._page = None, None, 1
        self._move_to(lower)

    def know(self, other: ReanchoredPaginator) -> None:
        """Leave out what another one has handed out of the rows at its place."""
        self._seen, self.has_counted = copy(other._seen), other.has_counted
        self.numbered.moves = other.numbered.moves

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
        elif self.numbered.place:
            self.numbered.halve()
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
        if not stamps and page.total and not self._is_doubted:
            # It can be a slip; a page whose rows are hidden stays without any.
            self._is_doubted, self._page = True, page.number
            return
        self._is_doubted = False
        if not page.more:
            check_none(page, stamps, is_all=self._lower is None)
            self._finish_window()
        elif not stamps:
            self._page = page.number + 1
            self._empty_pages += 1
            check_empty(self._empty_pages)
        else:
            self._page = 1
            self._go_on_or_anchor()

    def _can_move_to(self, anchor: datetime) -> bool:
        return self._lower is None or anchor > self._lower

    def _go_on_or_anchor(self) -> None:
        """Go on by page number where that repeats less, and no row can be added any more."""
        latest, settled = self._latest, self._settled
        self._is_settled = False
        if latest is None:
            # Pages that were given to it, of which none has come.
            self._is_settled = self.numbered.go_on(None)
        elif settled and latest < settled - _SECOND:
            anchor = latest.replace(microsecond=0) - _SECOND
            self._is_settled = self.numbered.go_on(anchor if self._can_move_to(anchor) else None)
            if self._is_settled:
                self.complete_to = latest
                self._forget(min(anchor, self.numbered.oldest))
        if not self._is_settled:
            self._anchor()

    def _anchor(self) -> None:
        """Ask again from the last row before which all rows were read."""
        self._step_back()
        self.numbered.leave()
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
        self._forget(min(lower, (self._latest or lower).replace(microsecond=0) - _SECOND))

    def _forget(self, kept: datetime) -> None:
        self._seen.forget(kept - 2 * _SECOND)

    def _finish_window(self) -> None:
        self.numbered.place = None
        self.complete_to = self._latest
        bound, self._is_settled = self._bound, False
        self._finished = bound == self._upper
        if bound and not self._finished:
            # What changes in these minutes comes last.
            self._move_to(max(bound - _SECOND, self._lower or bound - _SECOND))
