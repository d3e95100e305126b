"""Where OAuth tokens are kept between runs.

Qonto's refresh tokens work once: each use returns a new one, and the old one dies 60
seconds later (docs.qonto.com, page "OAuth"). The settings come from outside and can't
be written back, so the newest token lives in a store. What it holds grew from the
`refresh_token` of the settings, its seed; the client secret is not in it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec
from filelock import FileLock, Timeout
from platformdirs import user_state_path

from tap_qonto.credentials.tokens import VERSION, Tokens, digest
from tap_qonto.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextlib import AbstractContextManager

_PATIENCE = 180.0


class TokenStore(Protocol):
    """Keeps the newest tokens. `read` and `write` only inside `locked`."""

    @property
    def where(self) -> str:
        """The store in words, for messages."""

    def locked(self) -> AbstractContextManager[object]:
        """Keep all others out, in this process and in others, until the block ends.

        Raises:
            StorageError: The lock can't be had.
        """

    def read(self) -> Tokens | None:
        """Return what was written last, or None.

        Raises:
            StorageError: There is something that can't be read.
        """

    def write(self, tokens: Tokens) -> None:
        """Replace what is there. It lasts once this returns.

        Raises:
            StorageError: It could not be written.
        """


class FileTokenStore:
    """A JSON file that only its owner can read.

    Beside it lie ``.lock``, an empty file that the system's lock is held on (it ends
    with its process), and for moments ``.new``, the content before it takes its place.

    Args:
        path: The file; its folder is made where there is none.
        patience: Seconds to wait for the lock.

    Raises:
        ConfigError: The path can't be one.
    """

    def __init__(self, path: Path, *, patience: float = _PATIENCE) -> None:
        """Touch nothing yet."""
        try:
            # Resolved: a link would be replaced by a file, not followed.
            self.path = path.expanduser().resolve()
        except (OSError, RuntimeError, ValueError) as error:
            msg = f"The setting token_store is no path of a file ({error}); correct it."
            raise ConfigError(msg) from error
        self.where = f"the token store {self.path}"
        self._new = self._beside("new")
        self._lock = FileLock(self._beside("lock"), mode=0o600, timeout=patience)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep all others out, in this process and in others, until the block ends."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout as error:
            msg = (
                f"Another process held {self.where} for {self._lock.timeout:.0f} seconds. "
                "End the run that hangs, or give each run a token_store of its own."
            )
            raise StorageError(msg) from error
        except (OSError, NotImplementedError) as error:
            raise self._unwritable(error) from error
        try:
            yield
        finally:
            self._lock.release()

    def read(self) -> Tokens | None:
        """Return what was written last, or None.

        Raises:
            StorageError: The file is not one of this tap (it is renamed then, so that
                nothing overwrites it), of a newer one, or closed to this user.
        """
        self._finish_write()
        try:
            return self._parse(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            msg = (
                f"It is not possible to read {self.where} ({_reason(error)}). Let the tap read it."
            )
            raise StorageError(msg) from error
        except ValueError:
            kept = self._set_aside()
            msg = (
                f"The content of {self.where} is damaged; it was kept as {kept.name}. "
                "Mend it and rename it back, or set a new refresh_token from "
                "tap-qonto-login: the next run begins with the setting."
            )
            raise StorageError(msg) from None

    def write(self, tokens: Tokens) -> None:
        """Replace the file at one stroke; it is on the disk once this returns."""
        content = msgspec.json.format(msgspec.json.encode(tokens), indent=2)
        try:
            self._new.unlink(missing_ok=True)
            with open(self._new, "xb", opener=_open_private) as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._new.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from error
        _sync_folder(self.path.parent)

    def _finish_write(self) -> None:
        """Put a whole ``.new`` in place, whose writer was killed just before."""
        try:
            self._parse(self._new.read_bytes())
        except (OSError, ValueError):
            return
        try:
            self._new.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from error

    def _parse(self, content: bytes) -> Tokens:
        raw = msgspec.json.decode(content)
        version = raw.get("version") if isinstance(raw, dict) else None
        if isinstance(version, int) and version > VERSION:
            msg = f"A newer tap-qonto wrote {self.where}. Update this one."
            raise StorageError(msg)
        return msgspec.convert(raw, Tokens)

    def _set_aside(self) -> Path:
        names = (self._beside(f"broken-{number}") for number in count(1))
        kept = next(name for name in names if not name.exists())
        try:
            return self.path.rename(kept)
        except OSError as error:
            raise self._unwritable(error) from error

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.name}.{ending}")

    def _unwritable(self, error: Exception) -> StorageError:
        return StorageError(
            f"It is not possible to write {self.where} ({_reason(error)}). Set token_store "
            "to a file in a folder that the tap may write, on a disk with room."
        )


def store_for(client_id: str, refresh_token: str, path: str | None = None) -> FileTokenStore:
    """Return the store of an authorisation.

    Args:
        client_id: Setting of the same name.
        refresh_token: Setting of the same name, the seed.
        path: The setting `token_store`; without it, a file in the user's state folder
            that client and seed name.

    Raises:
        ConfigError: The path can't be one.
    """
    name = f"tokens-{digest(client_id, refresh_token)[:16]}.json"
    return FileTokenStore(Path(path) if path else user_state_path("tap-qonto") / name)


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """Make a rename outlast a power cut, on systems that open folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
