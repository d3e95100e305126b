"""How many rows a whole list has, as its pages tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_qonto.reading.ways import Ask

if TYPE_CHECKING:
    from tap_qonto.reading.pages import Page
    from tap_qonto.reading.ways import Way

_FRESH = 2
"""After how many more answers a count of the whole list still holds."""


class ListCount:
    """What the answers of a list say of its rows, without filters.

    Args:
        way: How it is read at first.
        smallest_page: Rows of the smallest page that may be asked for.

    Attributes:
        is_paged: Whether the endpoint has pages, and so a count.
    """

    def __init__(self, way: Way, smallest_page: int) -> None:
        """Know nothing yet."""
        self.is_paged = True
        self._way = way
        self._smallest_page = smallest_page
        self._count: int | None = None
        self._age = 0

    def note(self, way: Way, ask: Ask, page: Page, *, is_filtered: bool) -> None:
        """Take an answer.

        Args:
            way: How the list is read.
            ask: What was asked for.
            page: The answer.
            is_filtered: Whether there were filters beside its bounds.
        """
        self._way, self.is_paged = way, ask.page is not None
        if self.is_paged and not (is_filtered or is_bounded(ask)) and ask.params == way.shows_all:
            self._count, self._age = page.total if page.is_counted else None, 0
        else:
            self._age += 1

    @property
    def known(self) -> int | None:
        """Rows that Qonto counted in the whole list, at the end; None if not known."""
        return self._count if self._age <= _FRESH else None

    @property
    def ask(self) -> Ask:
        """What shows the count."""
        return self.ask_by(self._way)

    def ask_by(self, way: Way) -> Ask:
        """Return what shows the count of a list that is read in a way."""
        return Ask({}, 1, self._smallest_page, way.shows_all)


def is_bounded(ask: Ask) -> bool:
    """Tell whether a request is for a stretch of the list."""
    return any(bound for bounds in ask.bounds.values() for bound in bounds)
