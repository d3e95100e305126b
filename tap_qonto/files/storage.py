"""Where files are stored: a local folder, or what an fsspec URL names.

A file appears under its name whole or not at all.
"""

from __future__ import annotations

import errno
import os
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import IO, TYPE_CHECKING, Any, Protocol

from typing_extensions import Self

from tap_qonto import disk
from tap_qonto.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Generator

INCOMPLETE = ".tap-qonto-incomplete"
"""Folder below the location for files that are being written."""
_ID_LENGTH = 36
_OF_THE_NAME = {errno.ENAMETOOLONG, errno.EILSEQ}
FREE: AbstractContextManager[Any] = nullcontext()


class NameRefusedError(StorageError):
    """The place does not take this name: it is too long, or has letters that it lacks."""


class Storage(Protocol):
    """A place for files. Paths are relative, with ``/``. Safe for threads.

    Every method raises `StorageError` with a sentence when the place fails, and
    `NameRefusedError` where a shorter name may do.
    """

    def prepare(self) -> None:
        """Make ready to take files, and clear what a killed run left."""

    def check(self) -> None:
        """Check that files can be written, by writing one and removing it."""

    def size(self, path: str) -> int | None:
        """Return the bytes of a stored file, or None when there is none."""

    def open(self, path: str) -> Reader:
        """Open a stored file for reading."""

    def create(self, path: str) -> AbstractContextManager[Writer]:
        """Return a context that gives a file to write to.

        Leaving it stores the file under its name; leaving it with an error leaves
        nothing, or what was there before.
        """

    def location(self, path: str) -> str:
        """Return the absolute path or URL of a stored file."""

    def close(self) -> None:
        """Clear what this run left unfinished."""


class Reader:
    """A file that is being read.

    Args:
        file: The open file.
        where: Its place, for messages.
        turn: Entered around each call.
    """

    def __init__(
        self, file: IO[bytes], where: str, turn: AbstractContextManager[Any] = FREE
    ) -> None:
        """Take the open file."""
        self._file = file
        self._where = where
        self._turn = turn

    def __enter__(self) -> Self:
        """Read."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        with suppress(Exception), self._turn:
            self._file.close()

    def read(self, size: int = -1) -> bytes:
        """Read the next bytes.

        Raises:
            StorageError: The place failed.
        """
        with storage_errors(self._where, "read"), self._turn:
            return self._file.read(size)


class Writer:
    """A file that is being written.

    Args:
        file: The open file.
        where: Its final place, for messages.
        turn: Entered around each call.
    """

    def __init__(
        self, file: IO[bytes], where: str, turn: AbstractContextManager[Any] = FREE
    ) -> None:
        """Take the open file."""
        self._file = file
        self._where = where
        self._turn = turn

    def write(self, data: bytes) -> None:
        """Write the next bytes.

        Raises:
            StorageError: The place failed.
        """
        with storage_errors(self._where, "write"), self._turn:
            self._file.write(data)


def short(place: str) -> str:
    """Name a file for a message by its id; its name may tell of an invoice."""
    folder, slash, name = place.replace(os.sep, "/").rpartition("/")
    return f"{folder}{slash}{name[:_ID_LENGTH]}…"


@contextmanager
def storage_errors(where: str, deed: str) -> Generator[None, None, None]:
    """Say in a sentence what the place answered, without the driver's options."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        msg = (
            f"Could not {deed} {where}: {disk.reason(error)}. Check attachments.location, its "
            "permissions and its free space."
        )
        is_the_name = getattr(error, "errno", None) in _OF_THE_NAME
        is_the_name = is_the_name or isinstance(error, UnicodeEncodeError)
        raise (NameRefusedError if is_the_name else StorageError)(msg) from error
