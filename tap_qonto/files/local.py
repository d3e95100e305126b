"""Files in a folder of this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import Timeout

from tap_qonto import disk
from tap_qonto.errors import StorageError
from tap_qonto.files.storage import INCOMPLETE, Reader, Writer, short, storage_errors

if TYPE_CHECKING:
    from collections.abc import Generator

    from filelock import FileLock


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
        """Make ready to take files, and clear what a killed run left."""
        with storage_errors(str(self._folder), "prepare"):
            disk.make_folder(self._folder)
            self._root = self._folder.resolve(strict=True)
            incomplete = self._root / INCOMPLETE
            if incomplete.is_symlink():
                msg = f"{incomplete} is a link; tap-qonto needs a folder there. Remove it."
                raise StorageError(msg)
            disk.make_folder(incomplete)
            own = incomplete / secrets.token_hex(8)
            # The lock tells other runs on this folder that this one is alive.
            self._lock = disk.lock(own.with_suffix(".lock"))
            self._lock.acquire()
            # With or without its lock: a download that outlived its run leaves a folder.
            for name in {entry.stem for entry in incomplete.iterdir()} - {own.name}:
                _clear_if_abandoned(incomplete / f"{name}.lock")
            own.mkdir(mode=0o700)
            self._own = own

    def check(self) -> None:
        """Check that files can be written."""
        self.prepare()
        self.close()

    def _place(self, path: str) -> Path:
        """Return where a file is; its folder must not lead out of the root."""
        place = self._root / path
        if not place.parent.resolve().is_relative_to(self._root):
            msg = (
                f"The folder of {short(str(place))} is a link that leads out of "
                "attachments.location; it was not followed. Remove it."
            )
            raise StorageError(msg)
        return place

    def size(self, path: str) -> int | None:
        """Return the bytes of a stored file, or None when there is none."""
        with storage_errors(short(self.location(path)), "read"):
            try:
                found = os.lstat(self._place(path))
            except (FileNotFoundError, NotADirectoryError):
                return None
            return found.st_size if stat.S_ISREG(found.st_mode) else None

    def open(self, path: str) -> Reader:
        """Open a stored file for reading."""
        with storage_errors(short(self.location(path)), "read"):
            file = self._place(path).open("rb")
        return Reader(file, short(self.location(path)))

    @contextmanager
    def create(self, path: str) -> Generator[Writer, None, None]:
        """Give a file that appears under its name when the context is left."""
        if self._own is None:
            msg = "prepare() comes first"
            raise RuntimeError(msg)
        final, where = self._root / path, short(self.location(path))
        unfinished = self._own / secrets.token_hex(8)
        try:
            with storage_errors(where, "write"):
                disk.make_folder(self._place(path).parent)
                file = open(unfinished, "xb", opener=disk.open_private)  # noqa: SIM115 - closed below
            try:
                yield Writer(file, where)
                with storage_errors(where, "write"):
                    file.flush()
                    os.fsync(file.fileno())
                    file.close()
                    unfinished.replace(final)
                    disk.sync_folder(final.parent)
            finally:
                # On a full disk, closing fails once more.
                with suppress(OSError):
                    file.close()
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
    lock = disk.lock(lock_file, 0)
    with suppress(Timeout), lock:
        shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
        # On Windows a file that is open stays; the lock removes it at its end.
        with suppress(OSError):
            lock_file.unlink(missing_ok=True)
