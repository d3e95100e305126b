"""Lists that are read along `updated_at`: W1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from tap_qonto.reading.pages import instant
from tap_qonto.reading.slice_walk import UNSURE, SliceWalk
from tap_qonto.reading.slices import Slice
from tap_qonto.reading.ways import FILTER, UPDATED, Ask, Bounds, UnsuitableError
from tap_qonto.reading.window import next_second

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.ways import Params
    from tap_qonto.reading.window import Window

_AHEAD = timedelta(seconds=5)
"""How far past the clock of the first answer the window reaches; what is stamped later
comes in the next run. A `Date` may be a few seconds old when it is sent."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class UpdatedAnchored:
    """W1: in the order of `updated_at`, within a filter of it.

    After each page the list is asked again from the last row's `updated_at` on, so a
    row that is edited meanwhile cannot push another one out of sight. The bookmark
    moves with each page.

    Attributes:
        needs_probe: Whether the filter may have no effect. A list of more than a page is
            then asked for a stretch before its first row.
    """

    needs_probe: bool = False
    order: ClassVar[str] = "updated_at:asc"
    filters: ClassVar[Sequence[str]] = (UPDATED,)
    stamps: ClassVar[Sequence[str]] = (UPDATED,)
    effect: ClassVar[str] = "The bookmark moves with each page."
    in_words: ClassVar[str] = "incremental, by `updated_at`"
    is_bounded: ClassVar[bool] = True
    shows_all: ClassVar[Params] = ()

    def walk(self, window: Window, created: Bounds, size: int) -> UpdatedWalk:  # noqa: ARG002
        """Begin to read; bounds of `created_at` stay with the other filters."""
        return UpdatedWalk(self, window, size)


class UpdatedWalk(SliceWalk):
    """One reading along `updated_at`.

    Args:
        way: What the list can do.
        window: The stretch that is wanted.
        size: Rows for each page.
    """

    moves = True

    def __init__(self, way: UpdatedAnchored, window: Window, size: int) -> None:
        """Start before the first page."""
        super().__init__(_stretch(window), window, size)
        self._begun = self._now = self._settled = window.begun
        self._is_begun = self._has_clock = self._is_closed = False
        self._is_probed = not way.needs_probe
        self._probe: tuple[datetime, datetime] | None = None
        # When rows were edited that have changed since the run began; all parts share it.
        self._changed: dict[str, datetime] = {}

    @property
    def complete_to(self) -> datetime | None:
        """All rows up to here were handed out; it is never in the future."""
        place = self._slice.complete_to
        return place and min(place, self._now)

    @property
    def is_left(self) -> bool:
        """Whether the next run is to read its end."""
        return self._slice.is_left

    def ask(self) -> Ask | None:
        """Return what to ask for next; None when everything was read."""
        if self._probe:
            return Ask({UPDATED: self._probe}, 1, self._size)
        query = self._slice.query
        if query is None:
            return None
        return Ask({UPDATED: (query.lower, query.upper)}, query.page, query.size or self._size)

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return what is new in it.

        The first one closes the window, by Qonto's clock: a list that is edited all
        the time would have no end.

        Raises:
            UnsuitableError: The list ignores a bound.
            DataError: Going on would lose rows.
        """
        if self._probe:
            self._see_bound(page, self._probe[1])
            return ()
        if not self._is_begun:
            self._is_begun = True
            self._has_clock = page.date is not None
            self._begun = page.date or self._begun
            self._now = next_second(self._begun + _AHEAD)
            settled = self._begun - max(UNSURE, self._window.lookback)
            self._settled = settled.replace(microsecond=0)
        if not self._is_closed:
            self._close()
        rows = self._without_stale(self._slice.advance(page), page.key)
        if not self._is_probed and rows:
            self._is_probed = True
            first = instant(rows[0], UPDATED).replace(microsecond=0)
            if page.more:
                self._probe = (first - 3 * _SECOND, first - 2 * _SECOND)
        return rows

    def _see_bound(self, page: Page, upper: datetime) -> None:
        """See that no row comes that is later than what was asked for.

        By an upper bound that is ignored, counts would seem to show that no row moved.
        """
        self._probe = None
        if page.more or any(instant(row, UPDATED) >= upper + _SECOND for row in page.rows):
            msg = (
                "Qonto sent rows that were changed after updated_at_to. The stream ends here, "
                "since going on could lose rows; check that api_url is Qonto's."
            )
            raise UnsuitableError(msg, lacks=FILTER, field=UPDATED)

    def _close(self) -> None:
        self._is_closed = True
        if not self._window.is_open:
            self._slice.close(self._now)
            if self._has_clock:
                self._slice.leave(self._begun)
        if self._has_clock:
            self._slice.settle(self._settled)

    def beside(self, size: int) -> UpdatedWalk:
        """Begin to read another list of such rows, up to the same moment.

        Args:
            size: Rows for each page.
        """
        other = self.above(_stretch(self._window))
        other._size = size  # noqa: SLF001 - one of its own kind
        # Its first request, which may be under way already, is open as well.
        other._is_closed = False  # noqa: SLF001 - same
        return other

    def _without_stale(self, rows: Sequence[Row], key: str) -> Sequence[Row]:
        """Drop rows of which another part has brought a newer version.

        Their page was on its way when they were edited; a target would keep what comes
        last. All that is edited meanwhile is at the end of the list.
        """
        changed = self._changed
        if changed:
            rows = [
                row
                for row in rows
                if row[key] not in changed or changed[row[key]] <= instant(row, UPDATED)
            ]
        for row in reversed(rows):
            stamp = instant(row, UPDATED)
            if stamp < self._settled:
                break
            changed[row[key]] = stamp
        return rows

    @property
    def is_divisible(self) -> bool:
        """Whether its window is known, so that it can be split."""
        return self._is_begun and not self._probe

    @property
    def first(self) -> datetime | None:
        """Where it begins (aware); None for the lowest part."""
        return self._slice.first

    @property
    def whole_to(self) -> datetime | None:
        """All before this instant was handed out, and no row comes to lie there any more."""
        return self._settled_to(self._slice.whole_to)

    @property
    def read_to(self) -> datetime | None:
        """As `whole_to`, with the last page, although a row may have moved before it."""
        return self._settled_to(self._slice.read_to)

    def _settled_to(self, place: datetime | None) -> datetime | None:
        last = self._window.last
        places = [place, self._settled, last and last.replace(microsecond=0)]
        return min(filter(None, places)) if place else None

    def split(self, *, by_number: bool = True) -> UpdatedWalk | None:
        """Give the upper half of what is left to another walk.

        What changes meanwhile goes to the end of the list. So no part but the last may
        reach so far that a row can still come to lie in it.
        """
        upper = None if self._probe else self._slice.split(self._settled, by_number=by_number)
        return self.above(upper) if upper else None

    def skip(self, first: datetime, end: datetime) -> UpdatedWalk | None:
        """Leave a stretch out that was read, and what is above it to another walk."""
        upper = self._slice.skip(first, end)
        return self.above(upper) if upper else None

    def reopen(self) -> bool:
        """Go on behind the end, where all that was edited before it was read has gone."""
        if self._window.is_open:
            self._slice.reopen()
        return self._window.is_open


def _stretch(window: Window) -> Slice:
    return Slice(UPDATED, window.lower, window.upper, may_count=not window.is_filtered)
