"""Fetching attachments: facts from the API, bytes from the file host."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import quote

from tap_qonto.errors import NotFoundError, TapQontoError, UnreachableError
from tap_qonto.files.names import file_path
from tap_qonto.http import retries
from tap_qonto.http.retries import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from tap_qonto.files.storage import Storage
    from tap_qonto.http.session import Session
    from tap_qonto.output.records import Record

_OK = 200
_EXPIRED = {403, 410}
_PASSING = {408, 429}
_SERVER_ERRORS = 500
_CHUNK = 1 << 20


class Options(NamedTuple):
    """What the setting `attachments` asks for.

    Attributes:
        mode: ``files``, ``inline`` or ``metadata``.
        max_bytes: Larger files are not fetched; None for no limit.
    """

    mode: str
    max_bytes: int | None


class Conform(Protocol):
    """Makes an API object conform to the stream's schema."""

    def __call__(self, row: Any, /) -> Record:
        """Return the record."""


class Downloader:
    """Fetches one attachment at a time, from any thread.

    Args:
        session: The way to Qonto.
        storage: Where files go; unused unless the mode is ``files``.
        options: What is to be fetched.
        path: API path of an attachment, with ``{id}`` in it.
        scope: OAuth scope of that path, for messages.
        conform: Makes the API's object conform to the stream's schema.
        observe: Called with each API response, for metrics.
    """

    def __init__(  # noqa: PLR0913 - each is one fact of the stream
        self,
        *,
        session: Session,
        storage: Storage,
        options: Options,
        path: str,
        scope: str,
        conform: Conform,
        observe: Callable[[requests.Response], object],
    ) -> None:
        """Fetch nothing yet."""
        self._session = session
        self._storage = storage
        self._options = options
        self._path = path
        self._scope = scope
        self._conform = conform
        self._observe = observe

    def fetch(self, attachment_id: str, *, what: str) -> Record:
        """Fetch an attachment's facts and, as the mode asks, its bytes.

        Args:
            attachment_id: As the invoice names it.
            what: Which attachment of what, in words, for messages.

        Returns:
            The record, but for the fields that the parent gives.

        Raises:
            TapQontoError: It could not be fetched or stored; the file's final name
                holds the whole file or what was there before.
        """

        def attempt() -> Record:
            try:
                facts = self._facts(attachment_id, what)
            except NotFoundError as error:
                # Without a code it is the gateway's answer for a path that it does not
                # know; there is such a path, unless the id is none.
                if error.fault.code is None and attachment_id == quoted(attachment_id):
                    raise
                return self._without_file({}, "missing", str(error.fault))
            return self._with_file(attachment_id, facts, what)

        return self._session.attempt(attempt)

    def _facts(self, attachment_id: str, what: str) -> dict[str, Any]:
        path = self._path.format(id=quoted(attachment_id))
        answer = self._session.get(path, what=what, scope=self._scope, observe=self._observe)
        facts = answer.body.get("attachment")
        if not isinstance(facts, dict):
            msg = f"Qonto's answer for {what} holds no attachment. Check api_url."
            raise UnreachableError(msg)
        return facts

    def _without_file(self, facts: dict[str, Any], status: str, error: str | None = None) -> Record:
        record = self._conform(facts)
        return record | {"status": status, "error": error}

    def _with_file(self, attachment_id: str, facts: dict[str, Any], what: str) -> Record:
        record = self._without_file(facts, "downloaded")
        size, limit = record["file_size"], self._options.max_bytes
        if self._options.mode == "metadata":
            return record | {"status": "metadata_only"}
        if limit is not None and size is not None and size > limit:
            return record | _too_large(size, limit)
        url = facts.get("url")
        if not isinstance(url, str) or not url:
            msg = f"Qonto gave no address for {what}. Run the tap again later."
            raise TransientError(UnreachableError(msg))
        try:
            if self._options.mode == "inline":
                data = b"".join(self._bytes(url, size, what))
                record["content_base64"] = base64.b64encode(data).decode()
                record["sha256"] = hashlib.sha256(data).hexdigest()
                return record
            return record | self._stored(attachment_id, record, url, what)
        except _TooLargeError as error:
            return record | _too_large(error.size, limit or 0)

    def _stored(self, attachment_id: str, record: Record, url: str, what: str) -> dict[str, str]:
        path = file_path(
            attachment_id,
            record["file_name"],
            record["file_content_type"],
            record["created_at"],
        )
        digest = hashlib.sha256()
        size = record["file_size"]
        if size is not None and self._storage.size(path) == size:
            with self._storage.open(path) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        else:
            with self._storage.create(path) as file:
                for chunk in self._bytes(url, size, what):
                    digest.update(chunk)
                    file.write(chunk)
        return {
            "location": self._storage.location(path),
            "sha256": digest.hexdigest(),
        }

    def _bytes(self, url: str, size: int | None, what: str) -> Iterator[bytes]:
        """Yield the bytes of a file, and check that they are all there.

        Raises:
            TransientError: They are not; another attempt asks for a new address.
        """
        limit = self._options.max_bytes
        done = 0
        with self._session.open_file(url, what=what) as response:
            _check_status(response, what)
            for chunk in self._session.chunks(response, what=what):
                done += len(chunk)
                if size is not None and done > size:
                    break
                if limit is not None and done > limit:
                    raise _TooLargeError(done)
                yield chunk
        if size is not None and done != size:
            more = "more than" if done > size else f"{done} instead of"
            msg = f"The file of {what} came with {more} {size} bytes."
            raise TransientError(UnreachableError(msg))


def quoted(attachment_id: str) -> str:
    """Return the id as it can stand in a path."""
    return quote(attachment_id, safe="")


class _TooLargeError(Exception):
    """A file of unknown size turned out to be larger than `max_bytes`."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


def _too_large(size: int, limit: int) -> dict[str, str]:
    return {
        "status": "too_large",
        "error": f"{size} bytes, more than attachments.max_bytes = {limit}",
    }


def _check_status(response: requests.Response, what: str) -> None:
    status = response.status_code
    if status == _OK:
        if response.headers.get("Content-Type", "").startswith("text/html"):
            # What the sandbox answers without the right staging token.
            msg = (
                f"The file of {what} is an HTML page instead. In the sandbox this "
                "means that staging_token is missing or wrong."
            )
            raise UnreachableError(msg)
        return
    if status in _EXPIRED:
        # The address lives for 30 minutes; another attempt gets a new one.
        msg = f"The file host refuses the file of {what} (HTTP {status})."
        raise TransientError(UnreachableError(msg))
    msg = f"The file host could not give the file of {what} (HTTP {status})."
    if status in _PASSING or status >= _SERVER_ERRORS:
        wait = retries.retry_after(response.headers.get("Retry-After"))
        raise TransientError(UnreachableError(msg), wait)
    raise TapQontoError(msg)
