"""What is kept beside stored files: their hashes, and for some of them their facts.

The hash shows that a file was swapped. The facts save the call to Qonto for a file whose
row did not change; see `Facts`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tap_qonto.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_qonto.files.storage import Storage
    from tap_qonto.files.wanted import Wanted

HASHES = ".tap-qonto-hashes"
"""Folder below the location, with a small file for each stored file."""
_T = TypeVar("_T")


class Stored(msgspec.Struct, frozen=True):
    """What was stored.

    Attributes:
        sha256: Hash of the bytes, lower-case hex.
        size: How many bytes there are.
        announced: How many Qonto had announced; None where it did not.
        on_wire: How many were sent, if that is known; fewer where they were compressed.
    """

    sha256: str
    size: int
    announced: int | None
    on_wire: int | None

    @property
    def disagreement(self) -> str | None:
        """What is to be said of a size that is not the announced one, in words."""
        if self.announced in {None, self.size, self.on_wire}:
            return None
        return f"Qonto announced {self.announced} bytes, and the file host sent {self.size}."


# Made here, since msgspec prepares a type at its first use, and threads must not do so at once.
_stored = msgspec.json.Decoder(Stored).decode


class Hashes:
    """The hashes of the files in a place.

    Args:
        storage: The place.
    """

    def __init__(self, storage: Storage) -> None:
        """Read nothing yet."""
        self._storage = storage

    def get(self, path: str) -> Stored | None:
        """Return what was stored under a path, or None where that is not known."""
        return _read(self._storage, _place(path), _stored)

    def put(self, path: str, stored: Stored) -> None:
        """Keep what was stored under a path.

        Raises:
            StorageError: The place failed.
        """
        _write(self._storage, _place(path), stored)


class _Known(msgspec.Struct, frozen=True):
    digest: str
    facts: dict[str, Any]


_known = msgspec.json.Decoder(_Known).decode


class Facts:
    """The facts of files whose rows come in every run, changed or not.

    Args:
        storage: The place that has the files.
        stream: Name of the stream of files.
    """

    def __init__(self, storage: Storage, stream: str) -> None:
        """Read nothing yet."""
        self._storage = storage
        self._stream = stream

    def get(self, wanted: Wanted) -> dict[str, Any] | None:
        """Return the facts of a file, or None if its row is new or changed."""
        known = _read(self._storage, self._place(wanted), _known)
        return known.facts if known and known.digest == wanted.digest else None

    def put(self, wanted: Wanted, facts: dict[str, Any]) -> None:
        """Keep the facts of a file.

        Raises:
            StorageError: The place failed.
        """
        _write(self._storage, self._place(wanted), _Known(wanted.digest, facts))

    def _place(self, wanted: Wanted) -> str:
        key = msgspec.json.encode((wanted.parent_id, wanted.attachment_id))
        return f"{HASHES}/{self._stream}/{hashlib.sha256(key).hexdigest()[:32]}"


def _place(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{HASHES}/{folder}/{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _read(storage: Storage, place: str, decode: Callable[[bytes], _T]) -> _T | None:
    try:
        if storage.size(place) is None:
            return None
        with storage.open(place) as file:
            return decode(file.read())
    except (StorageError, msgspec.DecodeError):
        # As good as none: the file is looked at, or fetched, again.
        return None


def _write(storage: Storage, place: str, content: msgspec.Struct) -> None:
    with storage.create(place) as file:
        file.write(msgspec.json.encode(content))
