"""Lists without a filter by time: pages by number, each shown to join the last.

Page numbers alone skip a row when one before it is deleted. So each page begins with
the last row of the page before: where that row is not found there, rows have moved,
and the list is read again from its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from tap_qonto import timestamps
from tap_qonto.reading.pages import instant
from tap_qonto.reading.ways import UPDATED, Ask, Bounds, UnsuitableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.ways import Params
    from tap_qonto.reading.window import Window

_PASSES = 3
SMALLEST = 20
"""Rows of the smallest page that can be shown to join the one before; see `joining`."""


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
    shows_all: ClassVar[Params] = ()

    def walk(self, window: Window, created: Bounds, size: int) -> PagedWalk:  # noqa: ARG002
        """Begin to read; no bound of time holds for such a list."""
        return PagedWalk(size)


@dataclass(frozen=True)
class NewestFirst:
    """W4: pages of a list whose latest changes come first, until one that is known.

    A row that is edited meanwhile jumps to the front. So the bookmark moves only at
    the end, and stays before Qonto's clock at the first answer.

    Attributes:
        order: As ``sort_by`` has it; None where the list has no other order.
    """

    order: str | None = None
    effect: ClassVar[str] = "The bookmark moves only at the end of the run."
    in_words: ClassVar[str] = "incremental, by `updated_at`"
    is_bounded: ClassVar[bool] = True
    shows_all: ClassVar[Params] = ()

    def walk(self, window: Window, created: Bounds, size: int) -> NewestWalk:  # noqa: ARG002
        """Begin to read."""
        return NewestWalk(window, size)


class PagedWalk:
    """One reading of all pages, repeated while rows move, three times at the most.

    Args:
        size: Rows for each page, at the most. It is 20 at the least, so that one of the
            page sizes up to it always joins.

    Attributes:
        is_whole: Whether the last pass saw the list stand still, so that every row
            that was there from its beginning to its end was handed out.
    """

    complete_to: datetime | None = None

    def __init__(self, size: int) -> None:
        """Start before the first page."""
        self.total: int | None = None
        self.is_whole = False
        self._size = max(size, SMALLEST)
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

    def halve(self) -> None:
        """Ask for half as many rows from now on."""
        self._size //= 2
        done = len(self._in_pass)
        self._next = joining(done, self._size) if done else Ask({}, 1, self._size)

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return the rows that are new or have changed."""
        if self._next is None:
            msg = "ask() comes first"
            raise RuntimeError(msg)
        if self.total is None:
            self.total = page.total
        keys = page.keys
        pairs = zip(keys, page.rows, strict=True)
        news = [row for key, row in pairs if self._known.get(key) != row]
        self._known.update(zip(keys, page.rows, strict=True))
        size, number = self._next.size, self._next.page or 1
        start, done = (number - 1) * size, len(self._in_pass)
        shared = self._in_pass[start:]
        self._in_pass[start:] = keys
        self._moved |= (
            keys[: len(shared)] != shared
            or self._count not in {None, page.total}
            or len(set(self._in_pass)) < len(self._in_pass)
        )
        self._count = page.total
        may_repeat = self._passes < _PASSES
        is_enough = self._is_enough(page)
        is_short = len(self._in_pass) < page.total and not is_enough
        goes_on = page.more and len(self._in_pass) > done and not is_enough
        if goes_on and not (self._moved and may_repeat):
            self._next = joining(len(self._in_pass), self._size)
        elif may_repeat and (self._moved or is_short):
            self._passes += 1
            self._begin_pass()
        else:
            self.is_whole = not self._moved and not is_short
            self._next = None
        return news

    def _is_enough(self, page: Page) -> bool:  # noqa: ARG002 - one kind of walk ends early
        """Tell whether what follows the page is not wanted."""
        return False


class NewestWalk(PagedWalk):
    """One reading from the latest change to those that are known.

    Args:
        window: The stretch that is wanted.
        size: Rows for each page, at the most.
    """

    def __init__(self, window: Window, size: int) -> None:
        """Start before the first page."""
        super().__init__(size)
        self._window = window
        self._begun: datetime | None = None
        self._latest: datetime | None = None

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return the rows that are new or have changed.

        Raises:
            UnsuitableError: The latest change does not come first.
        """
        self._begun = self._begun or page.date or self._window.begun
        stamps = [instant(row, UPDATED) for row in page.rows]
        for newer, older in pairwise(stamps):
            if newer < older:
                msg = (
                    f"Qonto sent rows out of order: {UPDATED} {timestamps.show(older)} after "
                    f"{timestamps.show(newer)}, although the latest change comes first. The "
                    "run ends, since going on could lose rows; report it to the maintainers "
                    "of tap-qonto."
                )
                raise UnsuitableError(msg)
        news = super().take(page)
        self._latest = max([*stamps, self._latest] if self._latest else stamps, default=None)
        if self._next is None and self.is_whole and self._latest:
            last = self._window.last or self._latest
            self.complete_to = min(self._latest, self._begun, last)
        lower = self._window.lower
        return [row for row in news if not lower or instant(row, UPDATED) >= lower]

    def _is_enough(self, page: Page) -> bool:
        lower = self._window.lower
        return bool(lower and page.rows and instant(page.rows[-1], UPDATED) < lower)


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
