"""Streams that are fed by the rows of a list, and written behind each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tap_qonto.output.outcomes import Outcome
    from tap_qonto.output.records import Record
    from tap_qonto.reading.pages import Row


@runtime_checkable
class Follower(Protocol):
    """What a list stream knows of a stream that follows it."""

    name: str

    @property
    def is_emitted(self) -> bool:
        """Whether it is selected, and a stream map leaves something of it."""

    @property
    def fails_alone(self) -> bool:
        """Whether the list goes on where it fails."""

    @property
    def was_read(self) -> bool:
        """Whether it could be read before, in this run or an earlier one."""

    @property
    def outcome(self) -> Outcome:
        """What this run does for the stream."""

    def running(self) -> AbstractContextManager[None]:
        """Return a context around the rows of one sync; SCHEMA goes out in it."""

    def catch_up(self) -> None:
        """Do what earlier runs left undone."""

    @property
    def list_params(self) -> tuple[tuple[str, str], ...]:
        """Parameters with which the list brings what it needs; the list's pages are halved."""

    def note(self, row: Row) -> None:
        """Take a row as Qonto sends it, right before its record comes to `begin`."""

    def begin(self, parent: Record) -> None:
        """Begin the work for a row of the list, side by side with that for others."""

    def write_records(self, parent: Record) -> None:
        """Write the records of a row of the list, waiting for the work on it."""

    def use_version(self, version: int) -> None:
        """Give the records that follow a version, of a table that is read whole."""

    def activate_version(self) -> None:
        """Say that the whole table is there, so that targets drop what it lacks."""
