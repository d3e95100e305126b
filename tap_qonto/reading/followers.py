"""Streams that are fed by the rows of a list, and written behind each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tap_qonto.output.progress import Progress
    from tap_qonto.output.records import Record


@runtime_checkable
class Follower(Protocol):
    """What a list stream knows of a stream that follows it."""

    name: str

    @property
    def is_emitted(self) -> bool:
        """Whether it is selected, and a stream map leaves something of it."""

    def running(self, progress: Progress) -> AbstractContextManager[None]:
        """Return a context around the rows of one sync; SCHEMA goes out in it.

        Args:
            progress: Of the list, for the log.
        """

    def begin(self, parent: Record) -> None:
        """Begin the work for a row of the list, side by side with that for others."""

    def write_records(self, parent: Record) -> None:
        """Write the records of a row of the list, waiting for the work on it."""

    def use_version(self, version: int) -> None:
        """Give the records that follow a version, of a table that is read whole."""

    def activate_version(self) -> None:
        """Say that the whole table is there, so that targets drop what it lacks."""
