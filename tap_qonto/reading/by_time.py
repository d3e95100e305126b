"""Lists that are read along a time stamp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tap_qonto import timestamps
from tap_qonto.reading.anchored import ReanchoredPaginator
from tap_qonto.reading.ways import CREATED, UPDATED, Ask, Bounds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.window import Window


@dataclass(frozen=True)
class UpdatedAnchored:
    """W1: in the order of `updated_at`, within a filter of it.

    After each page the list is asked again from the last row's `updated_at` on, so a
    row that is edited meanwhile cannot push another one out of sight. The bookmark
    moves with each page.
    """

    order = "updated_at:asc"
    effect: ClassVar[str] = "The bookmark moves with each page."
    in_words: ClassVar[str] = "incremental, by `updated_at`"
    is_bounded: ClassVar[bool] = True

    def walk(self, window: Window, created: Bounds, size: int) -> UpdatedWalk:  # noqa: ARG002
        """Begin to read; bounds of `created_at` stay with the other filters."""
        return UpdatedWalk(window, size)


class UpdatedWalk:
    """One reading along `updated_at`.

    Args:
        window: The stretch that is wanted.
        size: Rows for each page.
    """

    is_whole = True

    def __init__(self, window: Window, size: int) -> None:
        """Start before the first page."""
        self._paginator = ReanchoredPaginator(UPDATED, window.lower, window.upper)
        self._size = size

    @property
    def total(self) -> int | None:
        """Rows in the window when it was first asked for."""
        return self._paginator.total

    @property
    def complete_to(self) -> datetime | None:
        """All rows up to here were handed out."""
        return self._paginator.complete_to

    def ask(self) -> Ask | None:
        """Return what to ask for next; None when everything was read."""
        query = self._paginator.query
        if query is None:
            return None
        return Ask({UPDATED: (query.lower, query.upper)}, query.page, self._size)

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return what is new in it."""
        return self._paginator.advance(page)


@dataclass(frozen=True)
class CreatedAnchored:
    """In the order of `created_at`, within a filter of `updated_at`.

    Edits do not change this order, so it serves where Qonto refuses to sort by
    `updated_at`. A row can be edited after it was read, so the bookmark moves at the
    end alone, and stays before the server's clock at the first answer.
    """

    order = "created_at:asc"
    effect: ClassVar[str] = "The bookmark moves only at the end of the run."
    in_words: ClassVar[str] = "incremental, by `updated_at`, in the order of `created_at`"
    is_bounded: ClassVar[bool] = True

    def walk(self, window: Window, created: Bounds, size: int) -> CreatedWalk:
        """Begin to read."""
        return CreatedWalk(window, created, size)


class CreatedWalk:
    """One reading along `created_at`.

    Args:
        window: The stretch of `updated_at` that is wanted.
        created: Bounds of `created_at` that the settings ask for.
        size: Rows for each page.
    """

    is_whole = True

    def __init__(self, window: Window, created: Bounds, size: int) -> None:
        """Start before the first page."""
        self._window = window
        self._paginator = ReanchoredPaginator(CREATED, *created)
        self._size = size
        self._begun: datetime | None = None
        self._latest: datetime | None = None

    @property
    def total(self) -> int | None:
        """Rows when the list was first asked for."""
        return self._paginator.total

    @property
    def complete_to(self) -> datetime | None:
        """At the end: what had changed up to here was handed out."""
        if self._paginator.query is not None or self._begun is None or self._latest is None:
            return None
        # What lies after `end_date` was read, and not handed out.
        return min(self._latest, self._begun, self._window.last or self._latest)

    def ask(self) -> Ask | None:
        """Return what to ask for next; None when everything was read."""
        query = self._paginator.query
        if query is None:
            return None
        bounds: dict[str, Bounds] = {
            # Open above: what is edited meanwhile must not leave the list.
            UPDATED: (self._window.lower, None),
            CREATED: (query.lower, query.upper),
        }
        return Ask(bounds, query.page, self._size)

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return what is new in it."""
        self._begun = self._begun or page.date or self._window.begun
        rows = self._paginator.advance(page)
        stamps = [timestamps.parse(row[UPDATED]) for row in rows]
        self._latest = max([*stamps, self._latest] if self._latest else stamps, default=None)
        return rows
