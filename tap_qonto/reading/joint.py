"""Where two slices meet that share the pages of one window.

The lower one has the pages up to a row of the window, the upper one those from there on.
No row can enter a window of the past. So while Qonto counts as many rows as before, none
has left, and both together bring each row once, if the rows of one instant keep their
order. They have kept it if no row of the second in which the two meet comes in both. If
not, or once another count shows that a row has moved, the lower slice reads to the end of
that second by value, and the upper one from there on.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tap_qonto.reading.pages import instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_qonto.reading.pages import Row
    from tap_qonto.reading.slices import Slice

_SECOND = timedelta(seconds=1)


class Joint:
    """Where one slice ends, and the next begins.

    Args:
        lower: Has the pages before.
        upper: Has those that follow.
        anchor: The field that the list is sorted and filtered by.

    Attributes:
        at: The second (aware) in which the upper slice begins; None before its first
            answer.
        is_over: Whether the slices meet at the end of that second instead.
    """

    def __init__(self, lower: Slice, upper: Slice, anchor: str) -> None:
        """Join them before the first answer of the upper one."""
        self.lower = lower
        self.upper = upper
        self.at: datetime | None = None
        self.is_over = False
        self._anchor = anchor
        self._head: set[str] = set()

    @property
    def is_bare(self) -> bool:
        """Whether a row may lie before the first one of the upper slice, and after the lower."""
        return self.upper.sure_to is None

    def of_upper(self, rows: Sequence[Row], key: str) -> Sequence[Row]:
        """Take new rows of the upper slice, and return those that it is to hand out.

        Args:
            rows: As they came.
            key: The field that tells rows apart.
        """
        if self.at is None:
            if not (rows and self.upper.is_counted and self.lower.is_counted):
                self._dissolve()
                return ()
            self.at = instant(rows[0], self._anchor).replace(microsecond=0)
            self.upper.first = self.lower.end = self.at + _SECOND
        if self.is_over:
            return rows
        end = self.at + _SECOND
        if not self.upper.is_counted:
            if self._is_within(end):
                self.part()
            return rows
        if not rows or instant(rows[0], self._anchor) >= end:
            return rows
        shared = sum(instant(row, self._anchor) < end for row in rows)
        found = [row for row in rows[:shared] if not self.is_below(row[key])]
        self._head.update(row[key] for row in found)
        if len(found) < shared:
            self.part()
        return [*found, *rows[shared:]]

    def of_lower(self, rows: Sequence[Row], key: str) -> Sequence[Row]:
        """Take new rows of the lower slice, and return those that it is to hand out.

        Args:
            rows: As they came.
            key: The field that tells rows apart.
        """
        if not self.lower.is_counted:
            self.part()
        begun = self
        while begun.at is None and begun.upper.above:
            begun = begun.upper.above
        if begun.at is None or not rows or instant(rows[-1], self._anchor) < begun.at:
            return rows
        found = [row for row in rows if not begun.is_above(row[key])]
        if len(found) < len(rows):
            begun.part()
        return found

    def is_below(self, key: str) -> bool:
        """Tell whether a slice below has brought a row that lies in the shared second."""
        following = self.lower.below
        if following and following.at in {None, self.at} and following.is_below(key):
            return True
        return self.lower.has(key)

    def is_above(self, key: str) -> bool:
        """Tell whether a slice above has brought a row that lies in the shared second."""
        following = self.upper.above
        if following and following.at in {None, self.at} and following.is_above(key):
            return True
        return key in self._head

    def part(self) -> None:
        """Let the lower slice read to the end of the second, and the upper one from there."""
        if self.is_over:
            return
        self.is_over = True
        if self.at is None:
            self._dissolve()
            return
        while self.lower.is_pending and self.lower.below:
            self.lower.below.part()
        end = self.at + _SECOND
        if self._is_within(end):
            self.upper.begin_at(end)
        self.lower.end_at(end)

    def _is_within(self, end: datetime) -> bool:
        """Tell whether the upper slice may have rows left before the end of the second."""
        place = self.upper.sure_to
        return place is None or place < end

    def _dissolve(self) -> None:
        """Give the pages of the upper slice, which have moved, back to the lower one."""
        self.is_over = True
        self.lower.take_back(self.upper)
