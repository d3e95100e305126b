"""Where the facts of a file come from: its name, its size and its signed address."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from tap_qonto.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_qonto.files.wanted import Wanted

    Facts = dict[str, Any]
    Ask = Callable[[str, str], Mapping[str, Any]]
    """Returns the API's answer for a path; the second argument names what is asked for."""

_LOCKS = 16


class NotThereError(Exception):
    """Qonto names a file that it does not have yet."""

    def __init__(self, what: str) -> None:
        """Say it of a file that is named in words."""
        super().__init__(f"Qonto does not have {what} yet, or any more.")


class Source(Protocol):
    """Gives the facts of files. Safe for threads."""

    def facts(self, wanted: Wanted, what: str) -> Facts:
        """Return the facts of a file, with an address that was not returned before.

        Args:
            wanted: The file.
            what: The file in words, for messages.

        Raises:
            NotThereError: Qonto names the file and does not have it yet.
            ApiError: Qonto refused, for good.
            UnreachableError: No whole answer after all attempts.
        """

    def bring(self, parent_id: str, files: Mapping[str, Facts] | None) -> None:
        """Take the facts that came with a row of the parent stream, by id of the file.

        None if none came, which is not the same as no file.
        """

    def forget(self, parent_id: str) -> None:
        """Forget the row, since its files are written."""


class ById:
    """Asks for each file by its id.

    Args:
        ask: The way to the API.
        path: API path of a file, with ``{id}`` in it.
    """

    def __init__(self, ask: Ask, path: str) -> None:
        """Ask for nothing yet."""
        self._ask = ask
        self._path = path

    def facts(self, wanted: Wanted, what: str) -> Facts:
        """Ask for the file; see `Source`."""
        found = self._ask(self._path.format(id=quoted(wanted.attachment_id)), what)
        facts = found.get("attachment")
        if not isinstance(facts, dict):
            msg = f"Qonto's answer for {what} holds no attachment. Check api_url."
            raise UnreachableError(msg)
        return facts

    def bring(self, parent_id: str, files: Mapping[str, Facts] | None) -> None:
        """Take nothing: rows name their files by id alone."""

    def forget(self, parent_id: str) -> None:
        """Forget nothing."""


class WithRow:
    """Uses what came with the row of the parent stream, and asks for the row when it is stale.

    One call brings new addresses for all files of a row.

    Args:
        ask: The way to the API.
        path: API path of the files of a row, with ``{id}`` in it.
        files_in: Returns the facts in an answer to that path, by id of the file.
        expires: Whether facts are good for one attempt, since they hold a signed address.
    """

    def __init__(
        self,
        ask: Ask,
        path: str,
        files_in: Callable[[Mapping[str, Any]], Mapping[str, Facts]],
        *,
        expires: bool = True,
    ) -> None:
        """Know of no row yet."""
        self._expires = expires
        self._ask = ask
        self._path = path
        self._files_in = files_in
        self._rows: dict[str, dict[str, Facts | None]] = {}
        self._locks = [Lock() for _ in range(_LOCKS)]

    def bring(self, parent_id: str, files: Mapping[str, Facts] | None) -> None:
        """Take the facts of a row's files; see `Source`."""
        if files is not None:
            self._rows[parent_id] = dict(files)

    def forget(self, parent_id: str) -> None:
        """Forget the row; see `Source`."""
        self._rows.pop(parent_id, None)

    def facts(self, wanted: Wanted, what: str) -> Facts:
        """Return the facts, each address once; see `Source`."""
        with self._locks[hash(wanted.parent_id) % _LOCKS]:
            files = self._rows.get(wanted.parent_id)
            if files is None or files.get(wanted.attachment_id, {}) is None:
                path = self._path.format(id=quoted(wanted.parent_id))
                self.bring(wanted.parent_id, self._files_in(self._ask(path, what)))
                files = self._rows[wanted.parent_id]
            found = files.get(wanted.attachment_id)
            if found is None:
                raise NotThereError(what)
            if self._expires:
                files[wanted.attachment_id] = None
            return found


def quoted(key: str) -> str:
    """Return an id as it can stand in a path."""
    return quote(key, safe="")
