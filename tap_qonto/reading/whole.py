"""Endpoints that answer everything at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tap_qonto.reading.ways import Ask, Bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.ways import Params
    from tap_qonto.reading.window import Window


@dataclass(frozen=True)
class Whole:
    """W6: one request."""

    order: ClassVar[str | None] = None
    filters: ClassVar[Sequence[str]] = ()
    stamps: ClassVar[Sequence[str]] = ()
    effect: ClassVar[str] = "It is read in each run."
    in_words: ClassVar[str] = "whole, in each run"
    is_bounded: ClassVar[bool] = False
    shows_all: ClassVar[Params] = ()

    def walk(self, window: Window, created: Bounds, size: int) -> WholeWalk:  # noqa: ARG002
        """Begin to read; no bound holds for such an endpoint."""
        return WholeWalk()


class WholeWalk:
    """One request and its answer."""

    complete_to = None

    def __init__(self) -> None:
        """Start before the request."""
        self.total: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the answer came."""
        return self.total is not None

    def ask(self) -> Ask | None:
        """Return the request; None when it was answered."""
        return Ask({}, None, 0) if self.total is None else None

    def halve(self) -> None:
        """Do not: there are no pages."""

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return its rows.

        Raises:
            DataError: A row has no key.
        """
        self.total = len(page.keys)
        return page.rows
