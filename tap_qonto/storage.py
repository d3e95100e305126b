"""Where files are stored: a local folder, or what an fsspec URL names.

A file appears under its name whole or not at all.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import fsspec  # type: ignore[import-untyped]
from filelock import FileLock, Timeout

from tap_qonto.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

INCOMPLETE = ".tap-qonto-incomplete"
"""Folder below the location for files that are being written."""
_ID_LENGTH = 36
_ABANDONED = timedelta(days=1)
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl"}
"""Here a file that is written becomes visible when it is closed."""


class Storage(Protocol):
    """A place for files. Paths are relative, with ``/``. Safe for threads.

    Every method raises `StorageError` with a sentence when the place fails.
    """

    def prepare(self) -> None:
        """Check that files can be written, and clear what a killed run left."""

    def size(self, path: str) -> int | None:
        """Return the bytes of a stored file, or None when there is none."""

    def open(self, path: str) -> IO[bytes]:
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


def storage_for(location: str, options: Mapping[str, Any] | None) -> Storage:
    """Return the storage that the settings name.

    Args:
        location: A folder, or an fsspec URL.
        options: Options for the URL's driver.

    Raises:
        StorageError: There is no driver for the URL, or it refuses the options.
    """
    if "://" not in location:
        return LocalStorage(Path(location))
    if location.startswith("file://"):
        return LocalStorage(Path(location.removeprefix("file://")))
    return RemoteStorage(location, options or {})


class LocalStorage:
    """A folder of this machine.

    Args:
        folder: Made when it is missing; relative to the working folder.
    """

    def __init__(self, folder: Path) -> None:
        """Touch nothing yet."""
        self._folder = folder
        self._root = Path()
        self._own: Path | None = None
        self._lock: FileLock | None = None

    def prepare(self) -> None:
        """Check that files can be written, and clear what a killed run left."""
        with _storage_errors(str(self._folder), "prepare"):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._root = self._folder.resolve(strict=True)
            incomplete = self._root / INCOMPLETE
            if incomplete.is_symlink():
                msg = f"{incomplete} is a link; tap-qonto needs a folder there. Remove it."
                raise StorageError(msg)
            incomplete.mkdir(exist_ok=True)
            for lock in incomplete.glob("*.lock"):
                _clear_if_abandoned(lock)
            own = incomplete / secrets.token_hex(8)
            # The lock tells other runs on this folder that this one is alive.
            self._lock = FileLock(own.with_suffix(".lock"))
            self._lock.acquire()
            own.mkdir()
            self._own = own

    def _place(self, path: str) -> Path:
        """Return where a file is; its folder must not lead out of the root."""
        place = self._root / path
        if not place.parent.resolve().is_relative_to(self._root):
            msg = (
                f"The folder of {_short(str(place))} is a link that leads out of "
                "attachments.location; it was not followed. Remove it."
            )
            raise StorageError(msg)
        return place

    def size(self, path: str) -> int | None:
        """Return the bytes of a stored file, or None when there is none."""
        with _storage_errors(_short(self.location(path)), "read"):
            try:
                found = os.lstat(self._place(path))
            except (FileNotFoundError, NotADirectoryError):
                return None
            return found.st_size if stat.S_ISREG(found.st_mode) else None

    def open(self, path: str) -> IO[bytes]:
        """Open a stored file for reading."""
        with _storage_errors(_short(self.location(path)), "read"):
            return self._place(path).open("rb")

    @contextmanager
    def create(self, path: str) -> Iterator[Writer]:
        """Give a file that appears under its name when the context is left."""
        if self._own is None:
            msg = "prepare() comes first"
            raise RuntimeError(msg)
        final, where = self._root / path, _short(self.location(path))
        unfinished = self._own / secrets.token_hex(8)
        try:
            with _storage_errors(where, "write"):
                self._place(path).parent.mkdir(parents=True, exist_ok=True)
                file = unfinished.open("xb")
            with file:
                yield Writer(file, where)
                with _storage_errors(where, "write"):
                    file.flush()
                    os.fsync(file.fileno())
            with _storage_errors(where, "write"):
                unfinished.replace(final)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def location(self, path: str) -> str:
        """Return the absolute path of a stored file."""
        return str(self._root / path)

    def close(self) -> None:
        """Clear what this run left unfinished."""
        if self._lock is not None and self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)
            self._lock.release()
            with suppress(OSError):
                Path(self._lock.lock_file).unlink(missing_ok=True)
                self._own.parent.rmdir()
            self._lock = self._own = None


def _clear_if_abandoned(lock_file: Path) -> None:
    lock = FileLock(lock_file, timeout=0)
    with suppress(Timeout), lock:
        shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
        lock_file.unlink(missing_ok=True)


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

    def prepare(self) -> None:
        """Clear what a killed run left."""
        if self._appears_on_close:
            return
        folder = f"{self._root}/{INCOMPLETE}"
        with _storage_errors(self.location(INCOMPLETE), "clear"):
            if self._fs.exists(folder):
                for entry in self._fs.ls(folder, detail=False):
                    # Another run on this location may be writing younger ones.
                    if self._fs.modified(entry) < datetime.now(timezone.utc) - _ABANDONED:
                        self._fs.rm_file(entry)

    def size(self, path: str) -> int | None:
        """Return the bytes of a stored file, or None when there is none."""
        with _storage_errors(_short(self.location(path)), "read"):
            try:
                found = self._fs.info(f"{self._root}/{path}")
            except FileNotFoundError:
                return None
            return int(found["size"]) if found["type"] == "file" else None

    def open(self, path: str) -> IO[bytes]:
        """Open a stored file for reading."""
        with _storage_errors(_short(self.location(path)), "read"):
            return self._fs.open(f"{self._root}/{path}", "rb")  # type: ignore[no-any-return]

    @contextmanager
    def create(self, path: str) -> Iterator[Writer]:
        """Give a file that appears under its name when the context is left."""
        final = f"{self._root}/{path}"
        name = final
        if not self._appears_on_close:
            name = f"{self._root}/{INCOMPLETE}/{secrets.token_hex(8)}"
        where = _short(self.location(path))
        with _storage_errors(where, "write"):
            self._fs.makedirs(final.rpartition("/")[0], exist_ok=True)
            self._fs.makedirs(name.rpartition("/")[0], exist_ok=True)
            file = self._fs.open(name, "wb")
        try:
            yield Writer(file, where)
            with _storage_errors(where, "write"):
                file.close()
                if name != final:
                    self._fs.mv(name, final)
        except BaseException:
            self._abandon(file, name)
            raise

    def _abandon(self, file: Any, name: str) -> None:
        with suppress(Exception):
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


class Writer:
    """A file that is being written.

    Args:
        file: The open file.
        where: Its final place, for messages.
    """

    def __init__(self, file: IO[bytes], where: str) -> None:
        """Take the open file."""
        self._file = file
        self._where = where

    def write(self, data: bytes) -> None:
        """Write the next bytes.

        Raises:
            StorageError: The place failed.
        """
        with _storage_errors(self._where, "write"):
            self._file.write(data)


def _short(place: str) -> str:
    """Name a file for a message by its id; its name may tell of an invoice."""
    folder, slash, name = place.replace(os.sep, "/").rpartition("/")
    return f"{folder}{slash}{name[:_ID_LENGTH]}…"


@contextmanager
def _storage_errors(where: str, deed: str) -> Iterator[None]:
    """Say in a sentence what the place answered, without the driver's options."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        msg = (
            f"Could not {deed} {where}: {reason}. Check attachments.location, its "
            "permissions and its free space."
        )
        raise StorageError(msg) from error
