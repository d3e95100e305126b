"""Files in a place that an fsspec URL names."""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import fsspec  # type: ignore[import-untyped, unused-ignore]

from tap_qonto.errors import StorageError
from tap_qonto.files.storage import FREE, INCOMPLETE, Reader, Writer, short, storage_errors

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

_ABANDONED = timedelta(days=1)
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl"}
"""Here a file that is written becomes visible when it is closed."""


class RemoteStorage:
    """What an fsspec URL names.

    Args:
        url: Such as ``s3://bucket/folder``.
        options: For the driver; may hold secrets.
    """

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        """Load the driver."""
        protocol = url.partition("://")[0]
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url, **options)
        except ImportError as error:
            msg = (
                f"attachments.location {protocol}:// needs a driver that is not "
                f"installed: {error}. Install tap-qonto with its extra, such as "
                "tap-qonto[s3], [gcs], [azure] or [sftp]."
            )
            raise StorageError(msg) from error
        except Exception as error:
            msg = (
                f"attachments.location {protocol}:// could not be opened "
                f"({type(error).__name__}). Check its form and storage_options."
            )
            raise StorageError(msg) from error
        self._root = self._root.rstrip("/")
        self._appears_on_close = protocol in _OBJECT_STORES
        # Drivers with one connection, such as SFTP's, hang when threads share it.
        self._turn = FREE if self._appears_on_close else threading.RLock()

    def prepare(self) -> None:
        """Clear what a killed run left."""
        if self._appears_on_close:
            return
        folder = f"{self._root}/{INCOMPLETE}"
        with storage_errors(self.location(INCOMPLETE), "clear"), self._turn:
            if self._fs.exists(folder):
                for entry in self._fs.ls(folder, detail=False):
                    # Another run on this location may be writing younger ones.
                    if self._fs.modified(entry) < datetime.now(timezone.utc) - _ABANDONED:
                        self._fs.rm_file(entry)

    def check(self) -> None:
        """Check that files can be written."""
        self.prepare()
        name = f"{INCOMPLETE}/{secrets.token_hex(8)}"
        with self.create(name) as file:
            file.write(b"Written by tap-qonto --test.")
        # Who may write may still not be allowed to remove.
        with suppress(Exception), self._turn:
            self._fs.rm_file(f"{self._root}/{name}")

    def size(self, path: str) -> int | None:
        """Return the bytes of a stored file, or None when there is none."""
        with storage_errors(short(self.location(path)), "read"), self._turn:
            try:
                found = self._fs.info(f"{self._root}/{path}")
            except FileNotFoundError:
                return None
            return int(found["size"]) if found["type"] == "file" else None

    def open(self, path: str) -> Reader:
        """Open a stored file for reading."""
        where = short(self.location(path))
        with storage_errors(where, "read"), self._turn:
            file = self._fs.open(f"{self._root}/{path}", "rb")
        return Reader(file, where, self._turn)

    @contextmanager
    def create(self, path: str) -> Generator[Writer, None, None]:
        """Give a file that appears under its name when the context is left."""
        final = f"{self._root}/{path}"
        name = final
        if not self._appears_on_close:
            name = f"{self._root}/{INCOMPLETE}/{secrets.token_hex(8)}"
        where = short(self.location(path))
        with storage_errors(where, "write"), self._turn:
            if not self._appears_on_close:
                # An object store has no folders; there, this would make the bucket.
                self._fs.makedirs(final.rpartition("/")[0], exist_ok=True)
                self._fs.makedirs(name.rpartition("/")[0], exist_ok=True)
            file = self._fs.open(name, "wb")
        try:
            yield Writer(file, where, self._turn)
            with storage_errors(where, "write"), self._turn:
                file.close()
                if name != final:
                    self._fs.mv(name, final)
        except BaseException:
            with suppress(Exception), self._turn:
                self._abandon(file, name)
            raise

    def _abandon(self, file: Any, name: str) -> None:
        if self._appears_on_close:
            # Closing would store what there is.
            file.discard()
            file.closed = True
        else:
            file.close()
            self._fs.rm_file(name)

    def location(self, path: str) -> str:
        """Return the URL of a stored file."""
        return str(self._fs.unstrip_protocol(f"{self._root}/{path}"))

    def close(self) -> None:
        """Nothing is left: unfinished files are dropped as they fail."""
