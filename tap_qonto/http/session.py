"""Calls to Qonto: the rate budget, the credential, and what answers mean.

One session serves the whole tap, from any thread. API calls carry the credential and
count against the budget; files come from another host, without the credential.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tap_qonto import errors
from tap_qonto.errors import ApiError, StoppedError, TapQontoError
from tap_qonto.http import retries
from tap_qonto.http.retries import TransientError
from tap_qonto.http.transport import (
    STAGING_HEADER,
    connection_errors,
    connection_pool,
    read_answer,
)
from tap_qonto.output import redaction
from tap_qonto.settings.declaration import is_loopback

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Iterator, Sequence

    import requests

    from tap_qonto.http.credential import Authenticator
    from tap_qonto.http.rate_budget import RateBudget
    from tap_qonto.http.transport import Answer

_QONTO_DOMAINS = (".qonto.com", ".qonto.co", ".qonto.eu")
_BAD_REQUEST, _UNAUTHORIZED, _TOO_MANY = 400, 401, 429
_CHUNK = 1 << 16

logger = logging.getLogger("tap-qonto.session")


class Stop:
    """Tells whether the run is to end, and ends waits with it.

    Args:
        event: Set when the run is to end.
    """

    def __init__(self, event: threading.Event) -> None:
        """Take the event."""
        self._event = event

    def check(self) -> None:
        """Raise `StoppedError` if the run was told to end."""
        if self._event.is_set():
            msg = "The run was told to end."
            raise StoppedError(msg)

    def pause(self, seconds: float) -> None:
        """Wait; raise `StoppedError` if the run is told to end meanwhile."""
        self._event.wait(seconds)
        self.check()


class Session:
    """The tap's way to Qonto.

    Args:
        api_url: Host of the API, without ``/v2``.
        authenticator: The credential.
        budget: The rate budget of API calls.
        stop: Set to end every wait with `StoppedError`.
        staging_token: Sent to Qonto's own hosts alone.
        timeout: Seconds to wait for a connection, and for each piece of an answer.
        connections: How many calls may run side by side.
    """

    def __init__(  # noqa: PLR0913 - each is one fact of the connection
        self,
        *,
        api_url: str,
        authenticator: Authenticator,
        budget: RateBudget,
        stop: threading.Event,
        staging_token: str | None = None,
        timeout: float = 60,
        connections: int = 16,
    ) -> None:
        """Open no connection yet."""
        self._api_url = api_url
        self._authenticator = authenticator
        self._budget = budget
        self._stop = Stop(stop)
        self._staging_token = staging_token
        self._timeout = timeout
        self._refusal: ApiError | None = None
        self._hidden_header = ""
        self._api = connection_pool(connections + 1)
        self._files = connection_pool(connections)

    def get(
        self,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        what: str,
        scope: str,
        observe: Callable[[requests.Response], object] | None = None,
    ) -> Answer:
        """Get a JSON object from the API.

        Args:
            path: The path below the host, such as ``/v2/supplier_invoices``.
            params: Query parameters, in order.
            what: What is asked for, in words, for messages.
            scope: The OAuth scope that the call needs, for messages.
            observe: Called with each response, for metrics.

        Raises:
            ApiError: Qonto refused, for good.
            UnreachableError: No whole answer after all attempts.
            StoppedError: The run was told to end.
        """
        what = f"{what} (GET {path})"

        def attempt() -> Answer:
            response = self._ask(path, params, what)
            if observe:
                observe(response)
            if response.status_code < _BAD_REQUEST:
                return read_answer(response, what)
            raise self._failure(response, what, scope)

        return self.attempt(attempt)

    def attempt(self, attempt: Callable[[], retries.T]) -> retries.T:
        """Run an attempt until it ends in another way than `TransientError`."""
        return retries.run(attempt, self.pause)

    @contextmanager
    def open_file(self, url: str, *, what: str) -> Generator[requests.Response, None, None]:
        """Open a signed file URL for streaming: one attempt, any status.

        The credential is not sent: S3 refuses a second one beside the signature, and
        it would leak. Redirects are not followed: the signature names its host.

        Raises:
            TransientError: The connection failed, here or while it is read.
            TapQontoError: The URL is not one to follow.
        """
        self.check_stop()
        host = urlsplit(url).hostname or ""
        if not (url.startswith("https://") or self._is_local(url)):
            msg = f"Qonto gave {what} an address that is not https; it was not fetched."
            raise TapQontoError(msg)
        headers = {"Accept-Encoding": "identity"}
        if self._staging_token and (host.endswith(_QONTO_DOMAINS) or self._is_local(url)):
            headers[STAGING_HEADER] = self._staging_token
        with (
            connection_errors(f"the file of {what}", host),
            self._files.get(
                url,
                headers=headers,
                timeout=self._timeout,
                stream=True,
                allow_redirects=False,
            ) as response,
        ):
            yield response

    def chunks(self, response: requests.Response, *, what: str) -> Iterator[bytes]:
        """Yield the bytes of a file that `open_file` opened, piece by piece.

        Raises:
            TransientError: The connection broke off.
            StoppedError: The run was told to end.
        """
        with connection_errors(f"the file of {what}", "the file host"):
            for chunk in response.iter_content(_CHUNK):
                self.check_stop()
                yield chunk

    def check_stop(self) -> None:
        """Raise if the run was told to end, or its credential was refused."""
        if self._refusal is not None:
            raise self._refusal
        self._stop.check()

    def pause(self, seconds: float) -> None:
        """Wait, unless the run is told to end meanwhile."""
        self._stop.pause(seconds)
        self.check_stop()

    def _is_local(self, url: str) -> bool:
        """Both the API and the file host are this machine, as in tests."""
        return is_loopback(self._api_url) and is_loopback(url)

    def _ask(self, path: str, params: Sequence[tuple[str, str]], what: str) -> requests.Response:
        """Ask once; and once more where the credential can be renewed."""
        while True:
            header = self._header()
            self._budget.acquire()
            self.check_stop()
            headers = {"Accept": "application/json", "Authorization": header}
            if self._staging_token:
                headers[STAGING_HEADER] = self._staging_token
            with connection_errors(what, self._api_url):
                response = self._api.get(
                    f"{self._api_url}{path}",
                    params=list(params),
                    headers=headers,
                    timeout=self._timeout,
                    allow_redirects=False,
                )
            refused = response.status_code == _UNAUTHORIZED
            if not (refused and self._authenticator.renew(header)):
                return response

    def _header(self) -> str:
        header = self._authenticator.header()
        if header != self._hidden_header:
            self._hidden_header = header
            redaction.hide(header, header.removeprefix("Bearer "))
        return header

    def _failure(
        self, response: requests.Response, what: str, scope: str
    ) -> ApiError | TransientError:
        """Turn an error answer into what the policy says."""
        status = response.status_code
        policy = errors.policy_for(status)
        fault = errors.read_fault(status, response.content, response.headers)
        words = policy.words.format(
            what=what, said=fault, scope=scope, credential=self._authenticator.credential
        )
        failure = policy.error(words, status, fault)
        if policy.action is errors.Action.RETRY:
            wait = retries.retry_after(response.headers.get("Retry-After"))
            limited = status == _TOO_MANY
            if limited and wait is not None:
                self._budget.pause(wait)
            logger.debug("%s", failure)
            return TransientError(failure, wait, limited=limited)
        if policy.action is errors.Action.RENEW:
            # Qonto throttles an address after 200 answers 401 in an hour.
            self._refusal = failure
        return failure
