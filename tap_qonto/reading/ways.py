"""The ways of reading a list: what a stream names, and what a walk asks for.

What changes while a list is read decides which way is safe. A way is a fact of a
stream; its walk hands out queries and takes pages, without I/O, so that a test can
drive it through any interleaving of edits, additions and deletions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from tap_qonto.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import TypeAlias

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.window import Window

    Params: TypeAlias = Sequence[tuple[str, str]]
    """Query parameters, in order."""

UPDATED, CREATED = "updated_at", "created_at"
FILTER, ORDER, STAMP = "filter", "sort", "stamp"
"""What a list may lack that a way needs."""
Bounds = tuple["datetime | None", "datetime | None"]


class OutOfOrderError(DataError):
    """An answer whose rows are not in the order that was asked for."""


class UnsuitableError(DataError):
    """The list is not what this way of reading needs; another way may do.

    Args:
        message: What to tell the user where there is no other way.
        lacks: `FILTER` or `ORDER`, if Qonto does not do that to the list; `STAMP`, if a row
            has no such field.
        field: Which field it is about.
    """

    def __init__(self, message: str, *, lacks: str, field: str) -> None:
        """Say what is missing."""
        super().__init__(message)
        self.lacks = lacks
        self.field = field


class Ask(NamedTuple):
    """What to ask a list for next.

    Attributes:
        bounds: Lower and upper bound (aware; None for none) of each field that is
            filtered.
        page: Number of the page, from 1; None for an endpoint without pages.
        size: Rows on it.
        params: Further parameters, in order.
    """

    bounds: Mapping[str, Bounds]
    page: int | None
    size: int
    params: Params = ()


class Walk(Protocol):
    """One reading of a list, from its first page to its last."""

    @property
    def total(self) -> int | None:
        """Rows that Qonto counted when it was first asked; None before."""

    @property
    def complete_to(self) -> datetime | None:
        """The bookmark that holds now; None where there is no new one."""

    @property
    def is_whole(self) -> bool:
        """Whether a finished walk handed out every row that the list holds."""

    def ask(self) -> Ask | None:
        """Return what to ask for next; None when everything was read."""

    def halve(self) -> None:
        """Ask for half as many rows from now on, since the page does not come whole."""

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer to `ask`.

        Returns:
            Its rows that were not handed out before, in its order.

        Raises:
            DataError: Going on would lose rows.
        """


class Way(Protocol):
    """A way of reading, as a stream states it."""

    @property
    def order(self) -> str | None:
        """The order that it asks for, as ``sort_by`` has it; None for the list's own."""

    @property
    def filters(self) -> Sequence[str]:
        """The fields that it filters the list by."""

    @property
    def stamps(self) -> Sequence[str]:
        """The fields that each row must have for it."""

    @property
    def effect(self) -> str:
        """What it means for the user when the list is read so, in a sentence."""

    @property
    def in_words(self) -> str:
        """How a list is read this way, for the table of streams."""

    @property
    def is_bounded(self) -> bool:
        """Whether `start_date` and `end_date` hold for it."""

    @property
    def shows_all(self) -> Params:
        """Parameters with which the list hides no row, for a count of all."""

    def walk(self, window: Window, created: Bounds, size: int) -> Walk:
        """Begin to read.

        Args:
            window: The stretch of `updated_at` that is wanted.
            created: Bounds of `created_at` that the settings ask for.
            size: Rows for each page.
        """
