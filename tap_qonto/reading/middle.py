"""Where a stretch of time is halved whose rows may lie anywhere in it."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

_NEARLY_ALL = 0.9


class Middle:
    """What pages have shown of how the rows of a slice are spread."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._pace = 0.0
        self._left_before = 0
        self._is_dense_below = False

    def note(self, count: int, left: int, span: timedelta) -> None:
        """Take a page.

        Args:
            count: Its rows.
            left: Rows that the slice still has behind it.
            span: Time between its first row and its last.
        """
        if self._left_before:
            self._is_dense_below = left + count > _NEARLY_ALL * self._left_before
            self._left_before = 0
        self._pace = span.total_seconds() / count

    def step(self, room: float, left: int) -> float:
        """Return how far behind its place the slice is to be split.

        Args:
            room: How long it still is. This and the answer are in seconds.
            left: Rows that it still has.
        """
        self._left_before = left
        step = room / 2
        if self._is_dense_below:
            # The last half had next to nothing: between halving and what the pace says.
            step = sqrt(step * min(step, self._pace * left / 2))
        return step
