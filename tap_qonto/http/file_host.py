"""The hosts that keep files, whose addresses are signed: no credential goes there."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from tap_qonto.errors import UnreachableError
from tap_qonto.http.transport import STAGING_HEADER, connection_errors, connection_pool
from tap_qonto.settings.hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import requests

    from tap_qonto.http.stop import Stop

_QONTO_DOMAINS = (".qonto.com", ".qonto.co", ".qonto.eu")
_REDIRECTS = {301, 302, 303, 307, 308}
_MOST_REDIRECTS = 3
_CHUNK = 1 << 16
_LEAST_THROUGHPUT = 1024
"""Bytes a second that a host has to send."""


class FileHost:
    """The hosts of signed file addresses. Safe for threads.

    Args:
        api_url: Host of the API, without ``/v2``.
        stop: Ends every wait when the run is to end.
        staging_token: Sent to Qonto's own hosts alone.
        timeout: Seconds for the beginning of a file, and between its bytes.
        connections: How many files may come side by side.
    """

    def __init__(
        self,
        *,
        api_url: str,
        stop: Stop,
        staging_token: str | None,
        timeout: float,
        connections: int,
    ) -> None:
        """Open no connection yet."""
        self._api_url = api_url
        self._stop = stop
        self._staging_token = staging_token
        self._timeout = timeout
        self._pool = connection_pool(connections)

    @contextmanager
    def open(self, url: str, *, what: str) -> Generator[requests.Response, None, None]:
        """Open a signed file URL for streaming: one attempt, any status but a redirect.

        The credential is not sent: S3 refuses a second one beside the signature, and
        it would leak. Redirects are followed to https alone, three at most.

        Args:
            url: The address.
            what: Which file of what, in words, for messages.

        Raises:
            TransientError: The connection failed, here or while it is read.
            UnreachableError: The URL, or one that it redirects to, is not one to follow.
        """
        for _ in range(_MOST_REDIRECTS + 1):
            with self._open(url, what) as response:
                if response.status_code not in _REDIRECTS:
                    yield response
                    return
                target = response.headers.get("Location", "")
            url = urljoin(url, target)
        msg = f"The file host redirects {what} more than {_MOST_REDIRECTS} times."
        raise UnreachableError(msg)

    @contextmanager
    def _open(self, url: str, what: str) -> Generator[requests.Response, None, None]:
        self._stop.check()
        host = urlsplit(url).hostname or ""
        if not (url.startswith("https://") or self._is_local(url)):
            msg = f"Qonto gave {what} an address that is not https; it was not fetched."
            raise UnreachableError(msg)
        headers = {"Accept-Encoding": "identity"}
        if self._staging_token and (host.endswith(_QONTO_DOMAINS) or self._is_local(url)):
            headers[STAGING_HEADER] = self._staging_token
        with ExitStack() as stack:
            with connection_errors(f"the file of {what}", url, self._timeout):
                response = self._pool.get(
                    url,
                    headers=headers,
                    timeout=self._timeout,
                    stream=True,
                    allow_redirects=False,
                )
            stack.enter_context(response)
            yield response

    def chunks(self, response: requests.Response, *, what: str) -> Iterator[bytes]:
        """Yield the bytes of a file that `open` opened, piece by piece.

        Args:
            response: What `open` gave.
            what: As for `open`.

        Raises:
            TransientError: The connection broke off, or brought next to nothing.
            StoppedError: The run was told to end.
        """
        chunks = response.iter_content(_CHUNK)
        seconds = max(self._timeout, _CHUNK / _LEAST_THROUGHPUT)
        while True:
            connection = response.raw.connection
            with connection_errors(f"the file of {what}", response.url, seconds, connection):
                chunk = next(chunks, b"")
            self._stop.check()
            if not chunk:
                return
            yield chunk

    def _is_local(self, url: str) -> bool:
        """Both the API and the file host are this machine, as in tests."""
        return is_loopback(self._api_url) and is_loopback(url)
