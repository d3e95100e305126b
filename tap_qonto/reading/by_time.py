"""Lists that are read along a time stamp."""

from __future__ import annotations

from collections import deque
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, ClassVar

from tap_qonto.reading.pages import instant
from tap_qonto.reading.slices import Slice
from tap_qonto.reading.ways import CREATED, UPDATED, Ask, Bounds
from tap_qonto.reading.window import next_second

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.ways import Params
    from tap_qonto.reading.window import Window

_UNSURE = timedelta(minutes=1)
"""How far the clocks of Qonto's servers may lie apart."""
_AHEAD = timedelta(seconds=5)
"""How far past the clock of the first answer the window reaches; what is stamped later
comes in the next run. A `Date` may be a few seconds old when it is sent."""
_EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


class _SliceWalk:
    """One reading along a time stamp, which can give half of itself away.

    Args:
        read: The stretch of the list.
        window: The stretch of `updated_at` that is wanted.
        size: Rows for each page.
    """

    is_whole = True

    def __init__(self, read: Slice, window: Window, size: int) -> None:
        """Start before the first page."""
        self._slice = read
        self._window = window
        self._size = size

    @property
    def total(self) -> int | None:
        """Rows in the stretch when it was first asked for."""
        return self._slice.total

    @property
    def left(self) -> int:
        """Rows that it still has, by Qonto's last count; 0 while that is not known."""
        return self._slice.left

    def halve(self) -> None:
        """Ask for half as many rows from now on."""
        self._size //= 2
        self._slice.halve()

    def _above(self, upper: Slice | None) -> Self | None:
        """Return the walk of a slice that was given away."""
        if upper is None:
            return None
        walk = copy(self)
        walk._slice = upper  # noqa: SLF001 - one of its own kind
        return walk


@dataclass(frozen=True)
class UpdatedAnchored:
    """W1: in the order of `updated_at`, within a filter of it.

    After each page the list is asked again from the last row's `updated_at` on, so a
    row that is edited meanwhile cannot push another one out of sight. The bookmark
    moves with each page.
    """

    order: ClassVar[str] = "updated_at:asc"
    effect: ClassVar[str] = "The bookmark moves with each page."
    in_words: ClassVar[str] = "incremental, by `updated_at`"
    is_bounded: ClassVar[bool] = True
    shows_all: ClassVar[Params] = ()

    def walk(self, window: Window, created: Bounds, size: int) -> UpdatedWalk:  # noqa: ARG002
        """Begin to read; bounds of `created_at` stay with the other filters."""
        return UpdatedWalk(window, size)


class UpdatedWalk(_SliceWalk):
    """One reading along `updated_at`.

    Args:
        window: The stretch that is wanted.
        size: Rows for each page.
    """

    moves = True

    def __init__(self, window: Window, size: int) -> None:
        """Start before the first page."""
        super().__init__(Slice(UPDATED, window.lower, window.upper), window, size)
        self._now = self._settled = window.begun
        self._is_begun = False
        # When rows were edited that have changed since the run began; all parts share it.
        self._changed: dict[str, datetime] = {}

    @property
    def complete_to(self) -> datetime | None:
        """All rows up to here were handed out; it is never in the future."""
        place = self._slice.complete_to
        return place and min(place, self._now)

    def ask(self) -> Ask | None:
        """Return what to ask for next; None when everything was read."""
        query = self._slice.query
        if query is None:
            return None
        return Ask({UPDATED: (query.lower, query.upper)}, query.page, query.size or self._size)

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return what is new in it.

        The first one closes the window, by Qonto's clock: a list that is edited all
        the time would have no end.
        """
        if not self._is_begun:
            self._is_begun = True
            self._now = next_second((page.date or self._window.begun) + _AHEAD)
            settled = (page.date or self._window.begun) - max(_UNSURE, self._window.lookback)
            self._settled = settled.replace(microsecond=0)
            if not self._window.is_open:
                self._slice.close(self._now)
            if page.date:
                self._slice.settle(self._settled)
        return self._without_stale(self._slice.advance(page), page.key)

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
        return self._is_begun

    @property
    def first(self) -> datetime | None:
        """Where it begins (aware); None for the lowest part."""
        return self._slice.first

    @property
    def whole_to(self) -> datetime | None:
        """All before this instant was handed out, and no row comes to lie there any more."""
        last = self._window.last
        places = [self._slice.whole_to, self._settled, last and last.replace(microsecond=0)]
        return min(filter(None, places)) if places[0] else None

    def split(self) -> UpdatedWalk | None:
        """Give the upper half of what is left to another walk.

        What changes meanwhile goes to the end of the list. So no part but the last may
        reach so far that a row can still come to lie in it.
        """
        return self._above(self._slice.split(self._settled))

    def skip(self, first: datetime, end: datetime) -> UpdatedWalk | None:
        """Leave a stretch out that was read, and what is above it to another walk."""
        return self._above(self._slice.skip(first, end))

    def reopen(self) -> bool:
        """Go on behind the end, where all that was edited before it was read has gone."""
        if self._window.is_open:
            self._slice.reopen()
        return self._window.is_open


@dataclass(frozen=True)
class CreatedAnchored:
    """In the order of `created_at`, which edits do not change.

    W2: within a filter of `updated_at`. A row can be edited after it was read, so the
    bookmark moves only at the end, and stays before Qonto's clock at the first answer.
    W3: the whole list in each run, where there is no such filter.

    Attributes:
        has_updated: Whether the list can be filtered by `updated_at`.
        may_be_null: Whether `updated_at` can be null: such rows are hidden by the
            filter, so they are counted first, and read where there are any.
        has_upper: Whether there is a filter ``created_at_to``.
    """

    has_updated: bool = True
    may_be_null: bool = False
    has_upper: bool = True
    order: ClassVar[str] = "created_at:asc"
    shows_all: ClassVar[Params] = ()

    @property
    def effect(self) -> str:
        """What it means for the user, in a sentence."""
        if self.has_updated:
            return "The bookmark moves only at the end of the run."
        return "The whole list is read in each run."

    @property
    def in_words(self) -> str:
        """How the list is read, for the table of streams."""
        return "incremental, by `updated_at`" if self.has_updated else "whole, in each run"

    @property
    def is_bounded(self) -> bool:
        """Whether `start_date` and `end_date` hold for it."""
        return self.has_updated

    def walk(self, window: Window, created: Bounds, size: int) -> CreatedWalk:
        """Begin to read."""
        return CreatedWalk(self, window, created, size)


class CreatedWalk(_SliceWalk):
    """One reading along `created_at`.

    Args:
        way: What the list can do.
        window: The stretch of `updated_at` that is wanted.
        created: Bounds of `created_at` that the settings ask for.
        size: Rows for each page.
    """

    moves = False

    def __init__(self, way: CreatedAnchored, window: Window, created: Bounds, size: int) -> None:
        """Start before the first page."""
        super().__init__(Slice(CREATED, *created, has_upper=way.has_upper), window, size)
        self._way = way
        self._updated: Bounds = (window.lower if way.has_updated else None, None)
        self._begun: datetime | None = None
        self._latest: datetime | None = None
        self._counts: list[int] = []
        is_hiding = way.may_be_null and window.lower is not None
        # Once as it is, and once behind a filter that hides nothing but nulls.
        to_count: list[dict[str, Bounds]] = [{}, {UPDATED: (_EVER, None)}] if is_hiding else []
        self._to_count = deque(Ask(bounds, 1, size) for bounds in to_count)

    @property
    def complete_to(self) -> datetime | None:
        """At the end: what had changed up to here was handed out."""
        is_done = self._slice.query is None and self._way.has_updated
        if not is_done or self._begun is None or self._latest is None:
            return None
        # What lies after `end_date` was read, and not handed out.
        return min(self._latest, self._begun, self._window.last or self._latest)

    def ask(self) -> Ask | None:
        """Return what to ask for next; None when everything was read."""
        if self._to_count:
            return self._to_count[0]._replace(size=self._size)
        query = self._slice.query
        if query is None:
            return None
        bounds: dict[str, Bounds] = {
            # Open above: what is edited meanwhile must not leave the list.
            UPDATED: self._updated,
            CREATED: (query.lower, query.upper),
        }
        return Ask(bounds, query.page, query.size or self._size)

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return what is new in it."""
        if self._begun is None and page.date and not self._way.has_updated:
            # Under a filter of `updated_at`, an edit adds a row anywhere.
            self._slice.settle(page.date - _UNSURE)
        self._begun = self._begun or page.date or self._window.begun
        if self._to_count and not self._counts and not page.more:
            # All of the list is here.
            self._to_count.clear()
        if self._to_count:
            self._to_count.popleft()
            self._counts.append(page.total)
            if not self._to_count and len(set(self._counts)) > 1:
                self._updated = (None, None)
            return ()
        lower, _ = self._updated
        rows = [
            row
            for row in self._slice.advance(page)
            if lower is None or not row.get(UPDATED) or instant(row, UPDATED) >= lower
        ]
        may_lack = self._way.may_be_null or not self._way.has_updated
        stamps = [instant(row, UPDATED) for row in rows if row.get(UPDATED) or not may_lack]
        self._latest = max([*stamps, self._latest] if self._latest else stamps, default=None)
        return rows

    is_divisible, first, whole_to = False, None, None

    def skip(self, first: datetime, end: datetime) -> None:
        """Leave nothing out: the bookmark is one of another field."""

    def split(self) -> CreatedWalk | None:
        """Give the upper half of what is left to another walk; new rows stay in the last."""
        return self._above(self._slice.split((self._begun or self._window.begun) - _UNSURE))

    def reopen(self) -> bool:
        """Do not: rows stay where they were made."""
        return False
