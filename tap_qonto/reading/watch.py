"""Whether the count of a window shows that no row had moved before a page was looked up.

Qonto may count before it looks the rows up. So a count tells alone that no row had moved
before it was asked for, and a page is sure once an answer that was asked for later has it.
"""

from __future__ import annotations


class Count:
    """What answers have shown of the count of a window, whose pages slices may share.

    Attributes:
        taken: How many answers have come.
        sure: So many of them had come when one was asked for that has the same count.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.taken = self.sure = 0


class Watch:
    """Looks after the last page of one slice.

    Args:
        count: Of the window.
    """

    def __init__(self, count: Count | None = None) -> None:
        """Start before the first page; no row lies before that."""
        self._count = count or Count()
        self._asked = self._came = 0

    def beside(self) -> Watch:
        """Return what looks after a slice of the same window."""
        return Watch(self._count)

    @property
    def is_sure(self) -> bool:
        """Whether no row can have moved before the last page was looked up."""
        return self._came <= self._count.sure

    def note_asked(self) -> None:
        """Take down that a page, or the count, is asked for now."""
        self._asked = self._count.taken

    def confirm(self) -> None:
        """Take down that what was asked for has the same count."""
        self._count.sure = max(self._count.sure, self._asked)

    def take(self, *, is_last: bool, is_shown: bool) -> None:
        """Take a page with the same count.

        Args:
            is_last: Whether it is the last one, which shows that the window is whole.
            is_shown: Whether it shares a row with the one before, so that it is sure by itself.
        """
        self._count.taken += 1
        self.confirm()
        self._came = 0 if is_last or (is_shown and self.is_sure) else self._count.taken

    def leave(self) -> None:
        """Look after no page: it is asked for again."""
        self._came = 0
