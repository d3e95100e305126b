"""Parts of a list that are read side by side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from tap_qonto.reading.ways import Walk

if TYPE_CHECKING:
    from datetime import datetime

    from tap_qonto.reading.done import Counted
    from tap_qonto.reading.side_by_side import SideBySide
    from tap_qonto.reading.ways import Ask


@runtime_checkable
class Divisible(Walk, Protocol):
    """A walk that can give half of itself away."""

    @property
    def moves(self) -> bool:
        """Whether its bookmark holds before it has come to its end."""

    @property
    def left(self) -> int:
        """Rows that it still has, by Qonto's last count; 0 while that is not known."""

    @property
    def comes_last(self) -> bool:
        """Whether the next answer is worth more once the others have come."""

    @property
    def is_divisible(self) -> bool:
        """Whether stretches can be left out by now."""

    @property
    def first(self) -> datetime | None:
        """Where it begins (aware); None for the lowest part."""

    @property
    def whole_to(self) -> datetime | None:
        """All before this instant was handed out, and no row comes to lie there any more."""

    @property
    def read_to(self) -> datetime | None:
        """As `whole_to`, with the last page, although a row may have moved before it."""

    @property
    def is_sure(self) -> bool:
        """Whether no row can have moved before its last page was looked up."""

    @property
    def window(self) -> Counted | None:
        """The window whose count shows that its last page is sure; None where none can."""

    def skip(self, first: datetime, end: datetime) -> Divisible | None:
        """Leave a stretch out, and what is above it to another walk; None if it is behind."""

    def split(self) -> Divisible | None:
        """Give the upper half of what is left to another walk; None if it is too little.

        It may be called when there is no answer to come.
        """

    def note_asked(self) -> None:
        """Take down that what it asks for is asked for now."""

    def reopen(self) -> bool:
        """Go on behind the end, where rows may have gone meanwhile; tell whether they may."""


@dataclass(eq=False)
class Part:
    """A part of a list.

    Attributes:
        reading: The reading of the list.
        walk: Reads it.
        divisible: The walk, if it can give half of itself away.
        asked: What was asked for; None where no answer is to come.
        is_doubted: Whether the last answer is asked for once more.
    """

    reading: SideBySide
    walk: Walk
    asked: Ask | None = None
    is_doubted: bool = False
    divisible: Divisible | None = field(init=False)

    def __post_init__(self) -> None:
        """Look at the walk once: to ask what a protocol holds is slow."""
        self.divisible = self.walk if isinstance(self.walk, Divisible) else None

    @property
    def is_asked(self) -> bool:
        """Whether an answer is to come."""
        return self.asked is not None

    @property
    def is_whole(self) -> bool:
        """Whether all of it was read."""
        return not self.is_asked and self.walk.ask() is None

    @property
    def is_sure(self) -> bool:
        """Whether no row can have moved before its last page was looked up."""
        return self.divisible is None or self.divisible.is_sure

    @property
    def window(self) -> Counted | None:
        """The window whose count shows that its last page is sure; None where none can."""
        return self.divisible.window if self.divisible else None

    @property
    def left(self) -> int:
        """Rows that it still has, as far as is known and it can be split."""
        return self.divisible.left if self.divisible else 0

    @property
    def moves(self) -> bool:
        """Whether the bookmark holds before the part has come to its end."""
        return self.divisible is not None and self.divisible.moves
