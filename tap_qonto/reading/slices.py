"""A stretch of a list that is read along a time stamp, and can give half of itself away.

A slice owns the rows from its first instant up to, and without, its end. It asks for a
second more at either side, since a bound may be inclusive, exclusive, or cut to
seconds, and hands out what it owns alone. So two slices that touch neither miss a row
nor bring one twice. No network here: queries out, pages in.
"""

from __future__ import annotations

from copy import copy
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tap_qonto.reading.anchored import ReanchoredPaginator
from tap_qonto.reading.joint import Joint
from tap_qonto.reading.middle import Middle
from tap_qonto.reading.pages import instant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_qonto.reading.done import Counted
    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.query import Query

_SECOND = timedelta(seconds=1)
_LEAST = 8
"""Seconds below which a slice is not split."""


class Slice:
    """One stretch of a list.

    Args:
        anchor: The field that the list is sorted and filtered by.
        lower: Ask from here on (aware); None for all history.
        upper: Ask up to here (aware); None for no bound.
        has_upper: Whether the list can be filtered by an upper bound. If not, the slice
            cannot be split.
        may_count: Whether the count can show that no row has moved.

    Attributes:
        first: Rows before this instant (aware, a whole second) belong to the slice
            below; None where there is none.
        end: Rows from this instant on belong to the slice above; None where there is
            none.
        left: Rows that it still has, by Qonto's last count; 0 while that is not known.
        below: Where its pages begin, if they have numbers; None if not.
        above: Where they end.
        is_void: Whether its pages went back to the slice below.
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
        self.first: datetime | None = None
        self.end: datetime | None = None
        self.left = 0
        self.below: Joint | None = None
        self.above: Joint | None = None
        self.is_void = False
        self._rest: Slice | None = None
        self._is_waiting = False
        self._anchor = anchor
        self._upper = upper
        self._may_split = has_upper
        self._may_count = may_count
        self._settled: datetime | None = None
        self._first_left: datetime | None = None
        self._paginator = ReanchoredPaginator(
            anchor, lower, upper, has_upper=has_upper, may_count=may_count
        )
        self._middle = Middle()

    @property
    def total(self) -> int | None:
        """Rows when it was first asked for; None before."""
        return self._paginator.total

    @property
    def complete_to(self) -> datetime | None:
        """All rows up to this instant were handed out; None before the first."""
        return self._up_to_end(self.sure_to)

    @property
    def window(self) -> Counted | None:
        """The window whose count shows that its last page is sure; None where none can."""
        return self._paginator.window

    def _up_to_end(self, place: datetime | None) -> datetime | None:
        return min(place, self.end) if place and self.end else place

    @property
    def is_left(self) -> bool:
        """Whether the next run is to read its end."""
        return self._paginator.is_left

    @property
    def query(self) -> Query | None:
        """What to ask for next; None when everything was read."""
        query = None if self.is_void else self._paginator.query
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
        is_over = self.query is None and self.is_sure and not (self._joint and self._joint.is_bare)
        return self._second(self.sure_to, is_over=is_over)

    @property
    def read_to(self) -> datetime | None:
        """As `whole_to`, with the last page, although a row may have moved before it."""
        return self._second(self._paginator.complete_to, is_over=self.query is None)

    def _second(self, place: datetime | None, *, is_over: bool) -> datetime | None:
        if self.is_void:
            return None
        end = self._joint.at if self._joint else self.end
        if end and is_over:
            return end
        place = self._up_to_end(place)
        return place and place.replace(microsecond=0)

    @property
    def _joint(self) -> Joint | None:
        """Where its pages end within a window; None if it ends with its own."""
        return self.above if self.above and not self.above.is_over else None

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

    def close(self, upper: datetime, *, is_all: bool = False) -> None:
        """Read no further than an instant, unless a nearer bound was given.

        Args:
            upper: The instant (aware).
            is_all: Whether all rows are expected to lie before it.
        """
        self._upper = min(upper, self._upper or upper)
        self._paginator.close(upper, is_all=is_all)

    def settle(self, settled: datetime) -> None:
        """Rely on it that no row can come to lie before this moment (aware) any more."""
        self._settled = settled
        self._paginator.settle(settled)

    def leave(self, first: datetime) -> None:
        """Let the next run read a moment after this one (aware) that does not stop growing."""
        self._first_left = first
        self._paginator.leave(first)

    def note_asked(self) -> None:
        """Take down that `query` is asked now."""
        self._paginator.numbered.watch.note_asked()

    def halve(self) -> None:
        """Plan the next page anew, for half as many rows."""
        self._paginator.halve()

    def advance(self, page: Page) -> Sequence[Row]:
        """Take the answer to `query`, and return its rows that are new and belong here.

        Raises:
            DataError: Going on would lose rows.
        """
        query = self._paginator.query
        is_aside, was_counted = self._paginator.is_aside, self.is_counted
        rows = self._owned(self._paginator.advance(page))
        if query and not is_aside:
            self._count(page, (query.page - 1) * (query.size or 0))
        if self._rest:
            self._rest.hear(is_quiet=not rows)
            self._rest = None
        if self.below:
            rows = self.below.of_upper(rows, page.key)
        if self.above:
            rows = self.above.of_lower(rows, page.key)
        self._look_at_others(has_moved=was_counted and not self.is_counted)
        return rows

    def _look_at_others(self, *, has_moved: bool) -> None:
        """See that the last pages are sure of slices that share a window, and have ended.

        Args:
            has_moved: Whether the count has shown that a row did.
        """
        sharing = list(self._sharing())
        unsure = [each for each in sharing if each.query is None and not each.is_sure]
        if has_moved:
            for each in unsure:
                each._step_back()  # noqa: SLF001 - one of its own kind
        elif unsure and all(each.query is None for each in sharing):
            unsure[0]._paginator.count_again()  # noqa: SLF001 - same

    def _sharing(self) -> Iterator[Slice]:
        """Yield the slices that share its window, the lowest first."""
        each: Slice | None = self
        while each and each.below:
            each = each.below.lower
        while each:
            yield each
            each = each.above.upper if each.above else None

    def _step_back(self) -> None:
        """Read the last page again, by value."""
        if self.below and self.sure_to is None:
            self.below.part()
        if self.above:
            self.above.part()

    @property
    def comes_last(self) -> bool:
        """Whether it asks for the last page of a window that it shares with others."""
        return self.below is not None and self._paginator.numbered.is_last

    @property
    def is_sure(self) -> bool:
        """Whether no row can have moved before its last page was looked up."""
        return self._paginator.numbered.watch.is_sure

    @property
    def sure_to(self) -> datetime | None:
        """All rows up to here were handed out; a row may have moved before a page behind it."""
        return self._paginator.sure_to

    def hear(self, *, is_quiet: bool) -> None:
        """Rely on the count if nothing has changed of late."""
        self._is_waiting = False
        if self.is_counted and not is_quiet:
            self._paginator.give_up()

    @property
    def is_counted(self) -> bool:
        """Whether the count has shown so far that no row moved."""
        return self._paginator.numbered.is_still

    @property
    def is_pending(self) -> bool:
        """Whether pages were given to it, and none has come."""
        return bool(self.below and not self.below.is_over and self.below.at is None)

    def has(self, key: str) -> bool:
        """Tell whether it has brought a row that can come again."""
        return self._paginator.has(key)

    def begin_at(self, first: datetime) -> None:
        """Leave rows before an instant (aware) to the slice below, and go on from there."""
        self._paginator.begin_at(first - _SECOND)

    def end_at(self, end: datetime) -> None:
        """Go on by value, up to an instant (aware)."""
        self.end = end
        if self.is_counted:
            self._paginator.give_up()
        self.close(end)

    def take_back(self, upper: Slice) -> None:
        """Read what was given to another slice, which has brought no row."""
        upper.is_void, upper.left = True, 0
        self.end, self.above = upper.end, upper.above
        self._paginator.extend(upper._paginator)
        if self.above:
            self.above.lower = self
        if not self.is_counted:
            if self.above:
                self.above.part()
            elif self.end:
                self.close(self.end)

    def split(self, latest: datetime, *, by_number: bool = True) -> Slice | None:
        """Give the upper half of what is left to another slice.

        It may be called when there is no answer to come.

        Args:
            latest: Where it may be split at the latest (aware).
            by_number: Whether pages of one window may be shared.

        Returns:
            The upper half; None where the slice is too short.
        """
        if self._is_waiting:
            return None
        pages = self._paginator.split() if by_number else None
        if pages:
            return self._share(pages)
        place = self._place
        if place is None or not self._may_split or self._joint:
            return None
        room = (min(self._upper or latest, latest) - place).total_seconds()
        if room < _LEAST:
            return None
        if self._settled and self._may_count and not self._paginator.has_counted:
            return self._split_last(latest)
        step = self._middle.step(room, self.left)
        at = (place + timedelta(seconds=max(step, _LEAST / 2))).replace(microsecond=0)
        return self.cut(at, at)

    def _split_last(self, latest: datetime) -> Slice | None:
        """Give away what changes meanwhile, so that the count of the rest says what moved."""
        # A bound that is cut to seconds shows what lies a second behind it, too.
        latest = latest.replace(microsecond=0) - 2 * _SECOND
        self._paginator.rely_on_count()
        if self._upper and self._upper <= latest:
            return None
        above = self.cut(latest, latest, is_all=True)
        self._is_waiting, above._rest = True, self  # noqa: SLF001 - one of its own kind
        return above

    def _share(self, pages: ReanchoredPaginator) -> Slice:
        upper = copy(self)
        upper._paginator = pages  # noqa: SLF001 - one of its own kind
        upper.first, upper.left = None, 0
        upper._middle = Middle()  # noqa: SLF001 - same
        joint = upper.below = Joint(self, upper, self._anchor)
        if self.above:
            self.above.lower = upper
        self.above, self.left = joint, self._paginator.numbered.left
        return upper

    def cut(self, end: datetime, first: datetime, *, is_all: bool = False) -> Slice:
        """End before an instant, and leave what lies from another on to a slice above.

        Args:
            end: The new end (aware, a whole second).
            first: Where the slice above begins (aware, a whole second, not before `end`).
            is_all: Whether all rows are expected to lie before the end.
        """
        if not self.is_sure:
            self._step_back()
        above = Slice(self._anchor, first - _SECOND, self._upper, may_count=self._may_count)
        above.first, above.end = first, self.end
        # The last page can reach into what is given away.
        above._paginator.know(self._paginator)
        if self._settled:
            above.settle(self._settled)
        if self._first_left:
            above.leave(self._first_left)
        above.above, self.above = self.above, None
        if above.above:
            above.above.lower = above
        self.end, self.left = end, 0
        if self.is_counted and above.end:
            above._paginator.rely_on_count()
        self.close(end, is_all=is_all)
        return above

    def reopen(self) -> None:
        """Ask once more for what has come to the end since, and no more in halves."""
        self._may_split = False
        self._paginator.reopen()

    def _count(self, page: Page, before: int) -> None:
        numbered = self._paginator.numbered
        is_numbered = numbered.is_still and numbered.place
        self.left = numbered.left if is_numbered else max(page.total - before - len(page.rows), 0)
        if len(page.rows) > 1:
            first, last = (instant(page.rows[place], self._anchor) for place in (0, -1))
            self._middle.note(len(page.rows), self.left, last - first)

    def _owned(self, rows: Sequence[Row]) -> Sequence[Row]:
        start, stop = 0, len(rows)
        # Pages that have numbers begin with a row.
        first = None if self.below and self.is_counted else self.first
        while first and start < stop and instant(rows[start], self._anchor) < first:
            start += 1
        while self.end and start < stop and instant(rows[stop - 1], self._anchor) >= self.end:
            stop -= 1
        return rows[start:stop]
