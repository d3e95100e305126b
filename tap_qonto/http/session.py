"""Calls to Qonto's API: the rate budget, the credential, and what answers mean.

One session serves the whole tap, from any thread.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tap_qonto.errors import ApiError, UnreachableError
from tap_qonto.http import failures, refusals, retries
from tap_qonto.http.file_host import FileHost
from tap_qonto.http.transport import (
    STAGING_HEADER,
    connection_errors,
    connection_pool,
    is_page,
    read_answer,
    read_pdf,
)
from tap_qonto.output import redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import requests

    from tap_qonto.http.credential import Authenticator
    from tap_qonto.http.rate_budget import RateBudget
    from tap_qonto.http.stop import Stop
    from tap_qonto.http.transport import Answer

    Observe = Callable[[requests.Response, float], object]

_BAD_REQUEST, _UNAUTHORIZED = 400, 401


class _Call(NamedTuple):
    method: str
    path: str
    params: Sequence[tuple[str, str]]
    accept: str


class Session:
    """The tap's way to Qonto.

    Args:
        api_url: Host of the API, without ``/v2``.
        authenticator: The credential.
        budget: The rate budget of API calls.
        stop: Ends every wait when the run is to end.
        staging_token: Sent to Qonto's own hosts alone.
        timeout: Seconds for a whole answer of the API, and for the beginning of a file.
        connections: How many calls may run side by side.

    Attributes:
        files: The hosts of signed file addresses.
    """

    def __init__(  # noqa: PLR0913 - each is one fact of the connection
        self,
        *,
        api_url: str,
        authenticator: Authenticator,
        budget: RateBudget,
        stop: Stop,
        staging_token: str | None = None,
        timeout: float = 60,
        connections: int = 16,
    ) -> None:
        """Open no connection yet."""
        self._api_url = api_url
        self._authenticator = authenticator
        self._budget = budget
        self._stop = stop
        self._staging_token = staging_token
        self._timeout = timeout
        self._hidden_header = ""
        self._is_accepted = False
        self._first = threading.Lock()
        self._api = connection_pool(connections + 1)
        self.files = FileHost(
            api_url=api_url,
            stop=stop,
            staging_token=staging_token,
            timeout=timeout,
            connections=connections,
        )

    def get(  # noqa: PLR0913 - each is one fact of the call
        self,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        what: str,
        scope: str,
        may_refuse_keys: bool = False,
        cuts: int = retries.ATTEMPTS,
        observe: Observe | None = None,
    ) -> Answer:
        """Get a JSON object from the API.

        Args:
            path: The path below the host, such as ``/v2/supplier_invoices``.
            params: Query parameters, in order.
            what: What is asked for, in words, for messages.
            scope: The OAuth scope that the call needs, for messages.
            may_refuse_keys: Whether the endpoint may take OAuth alone, so that a 401 says
                nothing about the credential.
            cuts: Attempts at the most where no whole answer comes.
            observe: Called with each response, and the seconds that its request waited for
                the rate limit.

        Raises:
            ApiError: Qonto refused, for good.
            CutError: No whole answer after so many attempts, though Qonto was there.
            UnreachableError: No whole answer after all attempts.
            StoppedError: The run was told to end.
        """
        return self._call(
            _Call("GET", path, params, "application/json"),
            read_answer,
            what=what,
            scope=scope,
            may_refuse_keys=may_refuse_keys,
            cuts=cuts,
            observe=observe,
        )

    def pdf(  # noqa: PLR0913 - each is one fact of the call
        self,
        method: str,
        path: str,
        params: Sequence[tuple[str, str]] = (),
        *,
        what: str,
        scope: str,
        observe: Observe | None = None,
    ) -> bytes:
        """Get a PDF that Qonto makes for this call; arguments and errors as those of `get`.

        Args:
            method: ``GET`` or ``POST``; it is sent again if no whole answer comes.
            path: The path below the host.
            params: Query parameters, in order.
            what: What is asked for, in words, for messages.
            scope: The OAuth scope that the call needs, for messages.
            observe: As for `get`.
        """
        # Errors come as JSON.
        call = _Call(method, path, params, "application/pdf, application/json;q=0.9")
        return self._call(call, read_pdf, what=what, scope=scope, observe=observe)

    def _call(  # noqa: PLR0913 - each is one fact of the call
        self,
        call: _Call,
        read: Callable[[requests.Response, str], retries.T],
        *,
        what: str,
        scope: str,
        may_refuse_keys: bool = False,
        cuts: int = retries.ATTEMPTS,
        observe: Observe | None,
    ) -> retries.T:
        what = f"{what} ({call.method} {call.path})"

        def attempt() -> retries.T:
            with self._one_by_one_at_first():
                response, waited = self._ask(call, what)
                if observe:
                    observe(response, waited)
                if response.status_code < _BAD_REQUEST:
                    self._is_accepted = True
                    return read(response, what)
                failure = refusals.read(
                    response,
                    what=what,
                    scope=scope,
                    credential=self._authenticator.credential,
                    proxy=failures.proxy_of(self._api_url),
                    may_refuse_keys=may_refuse_keys,
                )
                if isinstance(failure, ApiError) and failure.is_final:
                    # Qonto throttles an address after 200 answers 401 in an hour.
                    self._stop.fail(failure)
                raise failure

        try:
            return retries.run(attempt, self.pause, self._budget.pause, cuts=cuts)
        except UnreachableError as error:
            error.path = call.path
            raise

    def attempt(self, attempt: Callable[[], retries.T]) -> retries.T:
        """Run an attempt until it ends in another way than `TransientError`."""
        return retries.run(attempt, self.pause, self._budget.pause)

    @contextmanager
    def _one_by_one_at_first(self) -> Generator[None, None, None]:
        """Let no two calls be refused for the same wrong credential.

        Qonto throttles an address after 200 answers 401 in an hour.
        """
        with ExitStack() as stack:
            if not self._is_accepted:
                stack.enter_context(self._first)
            if self._is_accepted:
                stack.close()
            yield

    def check_stop(self) -> None:
        """Raise if the run is to end."""
        self._stop.check()

    def pause(self, seconds: float) -> None:
        """Wait, unless the run is to end meanwhile."""
        self._stop.pause(seconds)

    def _ask(self, call: _Call, what: str) -> tuple[requests.Response, float]:
        """Ask once; and once more where the credential can be renewed."""
        while True:
            header = self._header()
            waited = self._budget.acquire()
            self.check_stop()
            headers = {"Accept": call.accept, "Authorization": header}
            if self._staging_token:
                headers[STAGING_HEADER] = self._staging_token
            url = f"{self._api_url}{call.path}"
            with connection_errors(what, url, self._timeout):
                response = self._api.request(
                    call.method,
                    url,
                    params=list(call.params),
                    headers=headers,
                    timeout=self._timeout,
                    allow_redirects=False,
                )
            is_refused = response.status_code == _UNAUTHORIZED and not is_page(response)
            if not (is_refused and self._authenticator.renew(header)):
                return response, waited

    def _header(self) -> str:
        header = self._authenticator.header()
        if header != self._hidden_header:
            self._hidden_header = header
            redaction.hide(header, header.removeprefix("Bearer "))
        return header
