"""Lists without a filter or order by time: pages by number, each shown to join the last.

Page numbers alone skip a row when one before it is deleted. So each page begins with
the last row of the page before: where that row is not found there, rows have moved,
and the list is read again from its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tap_qonto.reading.pages import row_id
from tap_qonto.reading.ways import Ask, Bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.window import Window

_PASSES = 3
_SMALLEST = 20


@dataclass(frozen=True)
class Paged:
    """W5: all pages of a list in a stable order.

    Attributes:
        order: As ``sort_by`` has it; None for the list's own.
    """

    order: str | None = None
    effect: ClassVar[str] = "The whole list is read in each run."
    in_words: ClassVar[str] = "whole, in each run"
    is_bounded: ClassVar[bool] = False

    def walk(self, window: Window, created: Bounds, size: int) -> PagedWalk:  # noqa: ARG002
        """Begin to read; no bound of time holds for such a list."""
        return PagedWalk(size)


class PagedWalk:
    """One reading of all pages, repeated while rows move, three times at the most.

    Args:
        size: Rows for each page, at the most. It is 20 at the least, so that one of the
            page sizes up to it always joins.

    Attributes:
        is_whole: Whether the last pass saw the list stand still, so that every row
            that was there from its beginning to its end was handed out.
    """

    complete_to = None

    def __init__(self, size: int) -> None:
        """Start before the first page."""
        self.total: int | None = None
        self.is_whole = False
        self._size = max(size, _SMALLEST)
        self._passes = 1
        self._known: dict[str, Row] = {}
        self._begin_pass()

    def _begin_pass(self) -> None:
        self._in_pass: list[str] = []
        self._count: int | None = None
        self._moved = False
        self._next: Ask | None = Ask({}, 1, self._size)

    def ask(self) -> Ask | None:
        """Return what to ask for next; None when everything was read."""
        return self._next

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return the rows that are new or have changed."""
        if self._next is None:
            msg = "ask() comes first"
            raise RuntimeError(msg)
        if self.total is None:
            self.total = page.total
        keys = [row_id(row) for row in page.rows]
        pairs = zip(keys, page.rows, strict=True)
        news = [row for key, row in pairs if self._known.get(key) != row]
        self._known.update(zip(keys, page.rows, strict=True))
        start, done = (self._next.page - 1) * self._next.size, len(self._in_pass)
        shared = self._in_pass[start:]
        self._in_pass[start:] = keys
        self._moved |= (
            keys[: len(shared)] != shared
            or self._count not in {None, page.total}
            or len(set(self._in_pass)) < len(self._in_pass)
        )
        self._count = page.total
        may_repeat = self._passes < _PASSES
        if page.more and len(self._in_pass) > done and not (self._moved and may_repeat):
            self._next = joining(len(self._in_pass), self._size)
        elif may_repeat and (self._moved or len(self._in_pass) < page.total):
            self._passes += 1
            self._begin_pass()
        else:
            self.is_whole = not self._moved and len(self._in_pass) >= page.total
            self._next = None
        return news


def joining(done: int, most: int) -> Ask:
    """Return the page that begins at or before the last row of those that are done.

    Args:
        done: How many rows from the list's beginning are known.
        most: Rows that a page may have.

    Returns:
        Of all page sizes the one whose page reaches furthest.
    """
    sizes = range(most // 2, most + 1)
    size = max(sizes, key=lambda size: ((done - 1) // size + 1) * size)
    return Ask({}, (done - 1) // size + 1, size)
