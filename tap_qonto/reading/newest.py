"""Lists whose latest changes come first: W4."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from typing_extensions import override

from tap_qonto import timestamps
from tap_qonto.reading.paged import PagedWalk
from tap_qonto.reading.pages import instant
from tap_qonto.reading.ways import ORDER, UPDATED, Ask, Bounds, UnsuitableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.ways import Params
    from tap_qonto.reading.window import Window


@dataclass(frozen=True)
class NewestFirst:
    """W4: pages of a list whose latest changes come first, until one that is known.

    A row that is edited meanwhile jumps to the front. So the first page is asked for once
    more behind several of them, and the bookmark moves only at the end, and stays before
    Qonto's clock at the first answer.

    Attributes:
        order: As ``sort_by`` has it; None where the list has no other order.
    """

    order: str | None = None
    filters: ClassVar[Sequence[str]] = ()
    stamps: ClassVar[Sequence[str]] = (UPDATED,)
    effect: ClassVar[str] = "The bookmark moves only at the end of the run."
    in_words: ClassVar[str] = "incremental, by `updated_at`"
    is_bounded: ClassVar[bool] = True
    shows_all: ClassVar[Params] = ()

    def walk(self, window: Window, created: Bounds, size: int) -> NewestWalk:  # noqa: ARG002
        """Begin to read."""
        return NewestWalk(window, size)


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
        self._is_at_front = False

    @property
    @override
    def is_whole(self) -> bool:
        """As of any list by number, once its front was seen not to have changed."""
        return super().is_whole and not self._is_at_front

    @property
    def left(self) -> int:
        """None: how far it goes is seen only as it is read, so it cannot be split."""
        return 0

    @override
    def ask(self) -> Ask | None:
        """Return what to ask for next; None when everything was read."""
        return Ask({}, 1, self._size) if self._is_at_front else super().ask()

    @override
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
                    "stream ends here, since going on could lose rows; report it to the "
                    "maintainers of tap-qonto."
                )
                raise UnsuitableError(msg, lacks=ORDER, field=UPDATED)
        news = self._taken(page)
        self._latest = max([*stamps, self._latest] if self._latest else stamps, default=None)
        if self.is_whole and self._latest:
            last = self._window.last or self._latest
            self.complete_to = min(self._latest, self._begun, last)
        lower = self._window.lower
        return [row for row in news if not lower or instant(row, UPDATED) >= lower]

    def _taken(self, page: Page) -> Sequence[Row]:
        asked = self.ask()
        if not self._is_at_front:
            news = super().take(page)
            self._is_at_front = super().is_whole and asked is not None and asked.page != 1
            return news
        self._is_at_front = False
        news = self._census.news(page, is_late=False)
        self._census.place(0, page)
        if self._census.has_moved:
            self._census.doubt()
        return news

    @override
    def _is_enough(self, page: Page) -> bool:
        lower = self._window.lower
        return bool(lower and page.rows and instant(page.rows[-1], UPDATED) < lower)
