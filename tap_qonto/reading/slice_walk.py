"""What walks along a time stamp share: a slice, of which half can be given away."""

from __future__ import annotations

from copy import copy
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from typing_extensions import Self

    from tap_qonto.reading.done import Counted
    from tap_qonto.reading.slices import Slice
    from tap_qonto.reading.window import Window

UNSURE = timedelta(minutes=1)
"""How far the clocks of Qonto's servers may lie apart."""


class SliceWalk:
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

    @property
    def is_void(self) -> bool:
        """Whether its pages went back to the walk below."""
        return self._slice.is_void

    @property
    def comes_last(self) -> bool:
        """Whether it asks for the end of a window, which shows that no page of it has moved."""
        return self._slice.comes_last

    @property
    def is_sure(self) -> bool:
        """Whether no row can have moved before its last page was looked up."""
        return self._slice.is_sure

    @property
    def window(self) -> Counted | None:
        """The window whose count shows that its last page is sure; None where none can."""
        return self._slice.window

    def note_asked(self) -> None:
        """Take down that what it asks for is asked for now."""
        self._slice.note_asked()

    def halve(self) -> None:
        """Ask for half as many rows from now on."""
        self._size //= 2
        self._slice.halve()

    def cut(self, end: datetime, first: datetime) -> Self:
        """End at an instant, and leave what lies from another on to a walk above.

        Args:
            end: The new end (aware, a whole second).
            first: Where the walk above begins (aware, a whole second, not before `end`).
        """
        return self.above(self._slice.cut(end, first))

    def above(self, upper: Slice) -> Self:
        """Return the walk of a slice that was given away."""
        walk = copy(self)
        walk._slice = upper  # noqa: SLF001 - one of its own kind
        return walk
