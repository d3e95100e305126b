"""Reading a list that changes while it is read, without losing a row.

Page numbers over a changing list skip rows: one that leaves the window moves all
behind it up one place. `ReanchoredPaginator` asks by value instead: after each page
again from the last row's time stamp. No network here: queries out, pages in.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from tap_qonto import timestamps
from tap_qonto.errors import DataError
from tap_qonto.reading.pages import row_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.pages import Page, Row

Key = tuple[str, datetime]

_SECOND = timedelta(seconds=1)
_QUIET_PASSES = 10
_MOST_EMPTY_PAGES = 10


@dataclass(frozen=True)
class Query:
    """What to ask for next: bounds of the anchor field, and a page number."""

    lower: datetime | None
    upper: datetime | None
    page: int = 1


@dataclass
class _Instant:
    """A stretch of a few seconds that fills more than a page.

    It is read by page numbers, last page first: rows that leave move the later
    ones up, onto pages that are still to be read, so that a row can come twice
    but not be skipped. The order of equal stamps is not documented either, so a
    pass that brought fewer rows than it counts is repeated until nothing is new.
    """

    lower: datetime | None
    upper: datetime
    due: deque[int] = field(default_factory=lambda: deque([1]))
    first_total: int | None = None
    largest_total: int = 0
    moved: bool = False
    in_pass: set[Key] = field(default_factory=set)
    any_new: bool = False
    quiet_passes: int = 0

    def advance(self, page: Page, *, any_new: bool) -> bool:
        """Take the answer to the page that was due; tell whether all was read."""
        asked = self.due.popleft()
        self.any_new |= any_new
        self.largest_total = max(self.largest_total, page.total)
        if self.first_total is None:
            self.first_total = page.total
            self.due.extend(range(page.pages, 1, -1))
        else:
            self.moved |= page.total != self.first_total
            if asked == 2 and self.moved:  # noqa: PLR2004
                # Since page 1 was read, rows may have moved onto it.
                self.due.append(1)
        if self.due:
            return False
        self.quiet_passes = 0 if self.any_new else self.quiet_passes + 1
        enough = 2 if len(self.in_pass) >= page.total else _QUIET_PASSES
        if len(self.in_pass) >= self.largest_total or self.quiet_passes >= enough:
            return True
        self.due.append(1)
        self.first_total, self.largest_total = None, 0
        self.moved = self.any_new = False
        self.in_pass.clear()
        return False


class ReanchoredPaginator:
    """Walks a list in ascending order of a time stamp.

    Args:
        anchor: The field that the list is sorted and filtered by.
        lower: Read from here on (aware); None for all history.
        upper: Read up to here (aware); None leaves the window open.

    Attributes:
        complete_to: All rows up to this value of the anchor were handed out, as
            far as they existed when they were asked for. None before the first.
        total: Rows in the window when it was first asked for.
    """

    def __init__(self, anchor: str, lower: datetime | None, upper: datetime | None) -> None:
        """Start before the first page."""
        self.anchor = anchor
        self.complete_to: datetime | None = None
        self.total: int | None = None
        self._upper = upper
        self._lower = lower
        self._page = 1
        self._instant: _Instant | None = None
        self._latest: datetime | None = None
        self._seen: dict[Key, datetime] = {}
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
        return Query(self._lower, self._upper, self._page)

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
        stamps = [self._stamp(row, self.anchor) for row in page.rows]
        self._check(stamps)
        # An edited row comes again under its new `updated_at`.
        versions = stamps
        if self.anchor != "updated_at":
            versions = [self._stamp(row, "updated_at") for row in page.rows]
        keys = [(row_id(row), version) for row, version in zip(page.rows, versions, strict=True)]
        news: list[Row] = []
        for row, key, stamp in zip(page.rows, keys, stamps, strict=True):
            if key not in self._seen:
                self._seen[key] = stamp
                news.append(row)
        if stamps:
            self._latest = max(stamps[-1], self._latest or stamps[-1])
        if self.total is None:
            self.total = page.total
        if self._instant is None:
            self._after_page(page, stamps)
        else:
            self._instant.in_pass.update(keys)
            if self._instant.advance(page, any_new=bool(news)):
                self._after_instant(self._instant)
        return news

    def _after_page(self, page: Page, stamps: Sequence[datetime]) -> None:
        if not page.more:
            self._finish_window()
        elif not stamps:
            self._after_empty(page)
        else:
            self._page = 1
            second = stamps[-1].replace(microsecond=0)
            # One second back: the bound may be exclusive, cut to seconds, or both.
            anchor = second - _SECOND
            if self._lower is None or anchor > self._lower:
                self.complete_to = self._latest
                self._move_to(anchor)
            else:
                # Standing still: this page does not reach past its own second.
                upper = second + 2 * _SECOND
                self._instant = _Instant(self._lower, min(upper, self._upper or upper))

    def _after_empty(self, page: Page) -> None:
        self._page = page.number + 1
        self._empty_pages += 1
        if self._empty_pages > _MOST_EMPTY_PAGES:
            msg = (
                "Qonto sends empty pages without end. The run ends, since rows may be "
                "missing; run the tap again later."
            )
            raise DataError(msg)

    def _after_instant(self, instant: _Instant) -> None:
        self._instant = None
        self.complete_to = self._latest
        if instant.upper == self._upper:
            self._finish_window()
        else:
            # Overlaps the instant's last second: its upper bound may be exclusive.
            self._move_to(instant.upper - _SECOND)

    def _move_to(self, lower: datetime) -> None:
        self._lower = lower
        floor = lower - _SECOND
        self._seen = {key: at for key, at in self._seen.items() if at >= floor}

    def _finish_window(self) -> None:
        self.complete_to = self._latest
        self._finished = True

    def _check(self, stamps: Sequence[datetime]) -> None:
        for earlier, later in pairwise(stamps):
            if later < earlier:
                msg = (
                    f"Qonto sent rows out of order: {self.anchor} "
                    f"{timestamps.show(later)} after {timestamps.show(earlier)}. The "
                    "run ends, since going on could lose rows; report it to the "
                    "maintainers of tap-qonto."
                )
                raise DataError(msg)
        lower = self.query.lower if self.query else None
        if stamps and lower and stamps[0] < lower - _SECOND:
            msg = (
                f"Qonto sent a row with {self.anchor} {timestamps.show(stamps[0])}, "
                f"although asked for those from {timestamps.show(lower)} on. The run "
                "ends, since going on could lose rows; check that api_url is Qonto's."
            )
            raise DataError(msg)

    @staticmethod
    def _stamp(row: Row, name: str) -> datetime:
        try:
            return timestamps.parse(row[name])
        except (KeyError, TypeError, ValueError) as error:
            msg = (
                f"The row with id {row.get('id')} has no readable {name}. The run ends, "
                "since going on could lose rows; report it to the maintainers of "
                "tap-qonto."
            )
            raise DataError(msg) from error
