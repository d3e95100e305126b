"""Lists that are read along `created_at`: W2 and W3."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, ClassVar

from tap_qonto.reading.pages import instant
from tap_qonto.reading.slice_walk import UNSURE, SliceWalk
from tap_qonto.reading.slices import Slice
from tap_qonto.reading.ways import CREATED, UPDATED, Ask, Bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.ways import Params
    from tap_qonto.reading.window import Window

_EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


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
    stamps: ClassVar[Sequence[str]] = (CREATED,)
    shows_all: ClassVar[Params] = ()

    @property
    def filters(self) -> Sequence[str]:
        """The fields that it filters the list by."""
        return (CREATED, UPDATED) if self.has_updated else (CREATED,)

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


class CreatedWalk(SliceWalk):
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
        if self._begun is None and page.date and self._updated == (None, None):
            # Under a filter of `updated_at`, an edit adds a row anywhere.
            self._slice.settle(page.date - UNSURE)
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

    is_divisible, first, whole_to, read_to = False, None, None, None

    def skip(self, first: datetime, end: datetime) -> None:
        """Leave nothing out: the bookmark is one of another field."""

    def split(self) -> CreatedWalk | None:
        """Give the upper half of what is left to another walk; new rows stay in the last."""
        upper = self._slice.split((self._begun or self._window.begun) - UNSURE)
        return self.above(upper) if upper else None

    def reopen(self) -> bool:
        """Do not: rows stay where they were made."""
        return False
