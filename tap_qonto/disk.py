"""Files and folders that are for this user alone and survive a power cut."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from pathlib import Path

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP}


def open_private(path: str, flags: int) -> int:
    """Open a file as only its owner can; an ``opener`` for `open`."""
    return os.open(path, flags, 0o600)


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, each for its owner alone.

    Raises:
        OSError: It cannot be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder survive a power cut, on systems that open folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def lock(path: Path, patience: float = -1) -> FileLock:
    """Return a lock of the operating system, which ends with the process that holds it.

    Args:
        path: An empty file.
        patience: Seconds to wait for another process; -1 waits without end.
    """
    # The library's substitute where there is no flock would outlive a crash.
    return FileLock(path, mode=0o600, timeout=patience, fallback_to_soft=False)


def reason(error: Exception) -> str:
    """Return in words why the disk refused something."""
    if isinstance(error, NotImplementedError) or getattr(error, "errno", None) in _NO_LOCKS:
        return "its file system has no file locks (flock)"
    return getattr(error, "strerror", None) or type(error).__name__
