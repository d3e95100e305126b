"""The bytes of one file, as the file host sends them, and whether they are all there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tap_qonto.errors import UnreachableError
from tap_qonto.http import retries
from tap_qonto.http.retries import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from tap_qonto.http.session import Session

_OK = 200
_EXPIRED = {403, 410}
_PASSING = {408, 425, 429}
_SERVER_ERRORS = 500
_INSISTENCE = 2
"""How often a file is asked for again where only its announced size disagrees."""
_MOST_BEYOND = 32 << 20
"""Bytes beyond the announced size after which a body is not the file. Qonto takes 15 MB."""


class TooLargeError(Exception):
    """A file is larger than `max_bytes`.

    Attributes:
        size: Bytes, as far as is known.
    """

    def __init__(self, size: int) -> None:
        """Keep the size."""
        super().__init__(size)
        self.size = size


class Transfer:
    """Fetches the bytes of one file, in one attempt or several.

    The size on the wire decides whether a body is whole. The size that Qonto announces
    comes second: where it alone disagrees, each time in the same way, the body is taken.

    Args:
        session: The way to the file host.
        what: Which file of what, in words, for messages.
        max_bytes: Larger files are not fetched; None for no limit.
        once: Whether there is only one attempt.

    Attributes:
        size: Bytes of the last whole body.
        on_wire: Bytes that it had on the wire, if the host said so.
        is_done: Whether a whole body came.
    """

    def __init__(
        self, session: Session, what: str, max_bytes: int | None, *, once: bool = False
    ) -> None:
        """Fetch nothing yet."""
        self.size = 0
        self.on_wire: int | None = None
        self.is_done = False
        self._session = session
        self._what = what
        self._max_bytes = max_bytes
        self._odd_sizes: Counter[int] = Counter()
        self._insistence = 0 if once else _INSISTENCE

    def chunks(self, url: str, announced: int | None, content_type: str | None) -> Iterator[bytes]:
        """Yield the bytes of the file.

        Args:
            url: Its signed address.
            announced: Its size in bytes, as Qonto gives it.
            content_type: Its MIME type, as Qonto gives it.

        Raises:
            TransientError: They are not all there; another attempt may help.
            UnreachableError: Another attempt does not help.
            TooLargeError: There are more than `max_bytes`.
        """
        size = 0
        with self._session.files.open(url, what=self._what) as response:
            self._check(response, content_type)
            on_wire = _content_length(response)
            self._check_size(on_wire or 0, announced)
            for chunk in self._session.files.chunks(response, what=self._what):
                size += len(chunk)
                self._check_size(size, announced)
                yield chunk
            came = response.raw.tell()
            is_framed = on_wire is not None or _is_chunked(response)
        if on_wire is not None and came != on_wire:
            msg = f"The file of {self._what} broke off after {came} of {on_wire} bytes."
            raise TransientError(UnreachableError(msg))
        self._compare(size, on_wire, announced, is_framed=is_framed)
        self.size, self.on_wire, self.is_done = size, on_wire, True

    def whole(self, make: Callable[[], bytes]) -> Iterator[bytes]:
        """Yield the bytes of a file that comes in one piece.

        Args:
            make: Returns them; called when the first byte is taken.

        Raises:
            TooLargeError: There are more than `max_bytes`.
        """
        content = make()
        self._check_size(len(content), None)
        self.size = self.on_wire = len(content)
        self.is_done = True
        yield content

    def _compare(
        self, size: int, on_wire: int | None, announced: int | None, *, is_framed: bool
    ) -> None:
        if announced is None and not is_framed:
            msg = (
                f"The file of {self._what} came without a size and without a mark at its end, "
                "so it may be cut short."
            )
            raise TransientError(UnreachableError(msg))
        is_settled = is_framed and self._odd_sizes[size] >= self._insistence
        if announced in {None, size, on_wire} or is_settled:
            return
        self._odd_sizes[size] += 1
        msg = f"The file of {self._what} came with {size} instead of {announced} bytes."
        raise TransientError(UnreachableError(msg))

    def _check_size(self, size: int, announced: int | None) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise TooLargeError(size)
        if announced is not None and size > announced + _MOST_BEYOND:
            msg = f"The file of {self._what} came with far more than {announced} bytes."
            raise UnreachableError(msg)

    def _check(self, response: requests.Response, content_type: str | None) -> None:
        status = response.status_code
        if status == _OK:
            if _is_page(response.headers.get("Content-Type")) and not _is_page(content_type):
                # What the sandbox answers without the right staging token.
                msg = (
                    f"The file of {self._what} is an HTML page instead. In the sandbox this "
                    "means that staging_token is missing or wrong."
                )
                raise UnreachableError(msg)
            return
        if status in _EXPIRED:
            # The address lives for 30 minutes; another attempt gets a new one.
            msg = f"The file host refuses the file of {self._what} (HTTP {status})."
            raise TransientError(UnreachableError(msg))
        msg = f"The file host could not give the file of {self._what} (HTTP {status})."
        if status in _PASSING or status >= _SERVER_ERRORS:
            wait = retries.retry_after(response.headers.get("Retry-After"))
            raise TransientError(UnreachableError(msg), wait)
        raise UnreachableError(msg)


def _is_page(content_type: str | None) -> bool:
    return (content_type or "").strip().lower().startswith(("text/html", "application/xhtml"))


def _is_chunked(response: requests.Response) -> bool:
    return "chunked" in response.headers.get("Transfer-Encoding", "").lower()


def _content_length(response: requests.Response) -> int | None:
    """Return the bytes on the wire; chunks have sizes of their own (RFC 9112, 6.3)."""
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and not _is_chunked(response) else None
