"""Where OAuth tokens are kept between runs.

Qonto's refresh tokens work once: each use returns a new one, and the old one expires 60
seconds later (docs.qonto.com, page "OAuth"). The settings come from outside and can't
be written back, so the newest token lives in a store. The chain of tokens that it keeps
begins with the `refresh_token` of the settings, its seed; the client secret is not in it.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from filelock import Timeout
from platformdirs import user_state_path

from tap_qonto import disk
from tap_qonto.credentials.tokens import Seed, Tokens
from tap_qonto.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from collections.abc import Generator
    from contextlib import AbstractContextManager

VERSION = 2
_PATIENCE = 180.0


class TokenStore(Protocol):
    """Keeps the newest tokens of a chain. Inside `locked` alone: first `read`, then the others."""

    @property
    def where(self) -> str:
        """The store in words, for messages."""

    def locked(self) -> AbstractContextManager[object]:
        """Keep all others out, in this process and in others, until the block ends.

        Raises:
            StorageError: Another process holds the lock.
        """

    def read(self) -> Tokens | None:
        """Return what was written last, or None.

        Raises:
            StorageError: There is something that can't be read.
        """

    def prove(self) -> None:
        """See that `write` would succeed; nothing changes.

        Raises:
            StorageError: It would not.
        """

    def write(self, tokens: Tokens) -> None:
        """Replace what is there. It lasts once this returns.

        Raises:
            StorageError: It could not be written.
        """


class FileTokenStore:
    """A JSON file that only its owner can read, with the chains of one or more seeds.

    Beside it lie ``.lock``, an empty file that the system's lock is held on (it ends
    with its process), and for moments ``.new``, the content before it takes its place.

    Args:
        path: The file; its folder is made where there is none.
        seed: Whose chain this is; the chains of others stay as they are.
        patience: Seconds to wait for the lock.

    Raises:
        ConfigError: It is not a path of a file.
    """

    def __init__(self, path: Path, seed: Seed, *, patience: float = _PATIENCE) -> None:
        """Touch nothing yet."""
        self._seed = seed
        self._key = ""
        self._chains: dict[str, Tokens] = {}
        try:
            # Resolved: a link would be replaced by a file, not followed.
            self.path = path.expanduser().resolve()
        except (OSError, RuntimeError, ValueError) as error:
            msg = f"The setting token_store is not the path of a file ({error}); correct it."
            raise ConfigError(msg) from error
        self.where = f"the token store {self.path}"
        self._new = self._beside("new")
        self._lock = disk.lock(self._beside("lock"), patience)

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep all others out, in this process and in others, until the block ends."""
        try:
            disk.make_folder(self.path.parent)
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
        """Return what was written last for this seed, or None.

        Raises:
            StorageError: The file is not one of this tap (it is renamed then, so that
                nothing overwrites it), of a newer one, or closed to this user.
        """
        self._chains = self._read()
        known = (key for key in self._chains if self._seed.made(key))
        self._key = next(known, None) or self._seed.fingerprint()
        return self._chains.get(self._key)

    def prove(self) -> None:
        """Write what is there already, by the very steps that `write` takes."""
        self._write(self._chains)

    def write(self, tokens: Tokens) -> None:
        """Replace the tokens of this seed atomically; they are on the disk on return."""
        self._write({**self._chains, self._key: tokens})

    def _write(self, chains: dict[str, Tokens]) -> None:
        content = msgspec.json.encode({"version": VERSION, "chains": chains})
        try:
            self._new.unlink(missing_ok=True)
            with open(self._new, "xb", opener=disk.open_private) as file:
                file.write(msgspec.json.format(content, indent=2))
                file.flush()
                os.fsync(file.fileno())
            self._new.replace(self.path)
        except OSError as error:
            raise self._unwritable(error) from error
        disk.sync_folder(self.path.parent)

    def _read(self) -> dict[str, Tokens]:
        self._finish_write()
        try:
            return self._parse(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            why = disk.reason(error)
            msg = f"Cannot read {self.where} ({why}). Let the tap read it."
            raise StorageError(msg) from error
        except ValueError:
            kept = self._set_aside()
            msg = (
                f"The content of {self.where} is damaged; it was kept as {kept.name}. "
                "Repair it and rename it back, or set a new refresh_token from "
                "tap-qonto-login: the next run begins with the setting."
            )
            raise StorageError(msg) from None

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

    def _parse(self, content: bytes) -> dict[str, Tokens]:
        raw = msgspec.json.decode(content, type=dict[str, Any])
        if msgspec.convert(raw.get("version", VERSION), int) > VERSION:
            msg = f"A newer tap-qonto wrote {self.where}. Update this one."
            raise StorageError(msg)
        # The first version kept a single chain.
        chains = raw["chains"] if "chains" in raw else {raw.get("seed"): raw}
        return msgspec.convert(chains, dict[str, Tokens])

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
            f"Cannot write {self.where} ({disk.reason(error)}). Set token_store "
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
        ConfigError: It is not a path of a file.
    """
    seed = Seed(client_id, refresh_token)
    name = f"tokens-{seed.name}.json"
    return FileTokenStore(Path(path) if path else user_state_path("tap-qonto") / name, seed)
