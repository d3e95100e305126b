"""A moment that fills more than a page."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_qonto.errors import DataError

if TYPE_CHECKING:
    from datetime import datetime

    from tap_qonto.reading.pages import Page

_QUIET_PASSES = 10


@dataclass
class Instant:
    """A stretch of a few seconds that fills more than a page.

    It is read by page numbers, last page first: rows that leave move the later
    ones up, onto pages that are still to be read, so that a row can come twice
    but not be skipped. The order of equal stamps is not documented either, so a
    pass that brought fewer ids than it counts is repeated until nothing is new.

    Attributes:
        lower: Ask from here on (aware); None for all history.
        upper: Ask up to here (aware); None for no bound.
        may_grow: Whether rows can come to lie here meanwhile. A row that is added can
            make up for one that was read and deleted, and for one that was skipped. So
            a pass must bring no other id: then all its rows were there when it began.
        may_be_left: Whether the next run may read it, if it changes while it is read.
        is_left: Whether the next run is to read it.
        counted: Rows in it when it was first asked for.
    """

    lower: datetime | None
    upper: datetime | None
    may_grow: bool
    may_be_left: bool = False
    is_left: bool = False
    counted: int | None = None
    due: deque[int] = field(default_factory=lambda: deque([1]))
    first_total: int | None = None
    largest_total: int = 0
    in_pass: set[str] = field(default_factory=set)
    ids_before: set[str] = field(default_factory=set)
    any_new: bool = False
    quiet_passes: int = 0

    def advance(self, page: Page, *, any_new: bool) -> bool:
        """Take the answer to the page that was due; tell whether it was the last.

        Raises:
            DataError: Qonto counts more rows than it hands out.
        """
        asked = self.due.popleft()
        if self.counted is None:
            self.counted = page.total
        self.in_pass.update(page.keys)
        self.any_new |= any_new
        self.largest_total = max(self.largest_total, page.total)
        if self.first_total is None:
            self.first_total = page.total
            self.due.extend(range(page.pages, 1, -1))
        elif asked == 2:  # noqa: PLR2004
            # Since page 1 was read, rows may have moved onto it. The count does not
            # tell: a row that was added makes up for one that was deleted.
            self.due.append(1)
        if self.due:
            return False
        self.quiet_passes = 0 if self.any_new else self.quiet_passes + 1
        enough = 2 if len(self.in_pass) >= page.total else _QUIET_PASSES
        # A single page is of one moment.
        is_sure = not self.may_grow or page.pages <= 1 or self.in_pass <= self.ids_before
        if is_sure and len(self.in_pass) >= self.largest_total:
            return True
        if self.quiet_passes >= enough:
            self._check_count(page.total)
            return True
        if self.may_be_left and page.total != self.counted:
            # To chase what is changed all the time has no end.
            self.is_left = True
            return True
        self.due.append(1)
        self.first_total, self.largest_total = None, 0
        self.any_new = False
        self.ids_before |= self.in_pass
        self.in_pass.clear()
        return False

    def _check_count(self, total: int) -> None:
        known = len(self.ids_before | self.in_pass)
        if known < total:
            msg = (
                f"Qonto counts {total:,} rows that share one moment, and hands out only "
                f"{known:,} of them. The stream ends here, since rows would be missing; "
                "run the tap again later, and report it if it happens again."
            )
            raise DataError(msg)
