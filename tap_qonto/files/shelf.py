"""Files in their place: found under their path if they are as they should be, else stored."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from tap_qonto.files.hashes import Hashes, Stored
from tap_qonto.files.names import LENGTHS, file_path
from tap_qonto.files.storage import NameRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_qonto.files.storage import Storage
    from tap_qonto.files.transfer import Transfer

_CHUNK = 1 << 20


class Label(NamedTuple):
    """What the path of a file follows from, and the size that it should have.

    Attributes:
        attachment_id: As Qonto gives it.
        file_name: As Qonto gives it.
        content_type: Its MIME type.
        dated: When it was stored at Qonto, as text, if known.
        size: Bytes, as Qonto announces them.
    """

    attachment_id: str
    file_name: str | None
    content_type: str | None
    dated: str | None
    size: int | None


class Shelf:
    """The files in a place, each with its hash.

    Args:
        storage: The place.
    """

    def __init__(self, storage: Storage) -> None:
        """Look at nothing yet."""
        self._storage = storage
        self._hashes = Hashes(storage)

    def find(self, label: Label) -> tuple[Stored, str] | None:
        """Return what is stored of a file and where, or None if it has to be fetched.

        Raises:
            StorageError: The place failed.
        """
        for path in _paths(label):
            try:
                there = self._at_rest(path, label.size)
            except NameRefusedError:
                continue
            if there:
                return there, self._storage.location(path)
        return None

    def store(
        self, label: Label, chunks: Iterator[bytes], transfer: Transfer
    ) -> tuple[Stored, str]:
        """Store a file unless it is there; return what was stored and where.

        Args:
            label: Which file.
            chunks: Its bytes, which are fetched as they are taken.
            transfer: Knows the size once all are taken.

        Raises:
            StorageError: The place failed.
        """
        *others, shortest = _paths(label)
        for path in others:
            try:
                return self._store(path, label.size, chunks, transfer)
            except NameRefusedError:
                continue
        return self._store(shortest, label.size, chunks, transfer)

    def _store(
        self, path: str, announced: int | None, chunks: Iterator[bytes], transfer: Transfer
    ) -> tuple[Stored, str]:
        there = self._at_rest(path, announced)
        if there is None:
            digest = hashlib.sha256()
            with self._storage.create(path) as file:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
            there = Stored(digest.hexdigest(), transfer.size, announced, transfer.on_wire)
            self._hashes.put(path, there)
        return there, self._storage.location(path)

    def _at_rest(self, path: str, announced: int | None) -> Stored | None:
        """Return what is stored under a path, if it is what it should be."""
        size = self._storage.size(path)
        known = self._hashes.get(path) if size is not None else None
        expected = known.size if known and known.announced == announced else announced
        if size is None or size != expected:
            return None
        digest = hashlib.sha256()
        with self._storage.open(path) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        found = digest.hexdigest()
        if known is None:
            # Stored by version 0.1, which kept no hashes.
            known = Stored(found, size, announced, None)
            self._hashes.put(path, known)
        return known if known.sha256 == found else None


def _paths(label: Label) -> Iterator[str]:
    """Yield the paths that a file can have, the longest first."""
    facts = (label.attachment_id, label.file_name, label.content_type, label.dated)
    return (file_path(*facts, longest=longest) for longest in LENGTHS)
