"""Connections, what goes wrong on them, and answers as JSON."""

from __future__ import annotations

import html
import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from typing_extensions import override

from tap_qonto import json_text, timestamps
from tap_qonto.errors import UnreachableError
from tap_qonto.http import failures
from tap_qonto.http.deadlines import DeadlinePassedError, WatchedPool, WatchedSecurePool, within
from tap_qonto.http.retries import TransientError

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

USER_AGENT = f"tap-qonto/{version('tap-qonto')}"
STAGING_HEADER = "X-Qonto-Staging-Token"
"""Qonto takes the sandbox's header in these capitals alone."""

_WHOLE = 1 << 20
"""Bytes that are read at once; hardly an answer has more."""
_REDIRECT = 300
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_NOT_JSON = (
    "The answer to the request for {what} is {kind}, not JSON. In the sandbox this "
    "means that staging_token is missing or wrong; otherwise a firewall or proxy answers "
    "in Qonto's place, or api_url is not Qonto's."
)
_POOLS = {"http": WatchedPool, "https": WatchedSecurePool}


class DamagedError(UnreachableError):
    """An answer that is cut off, or no JSON at all."""


@dataclass(frozen=True)
class Answer:
    """A whole JSON answer of the API.

    Attributes:
        content: As it came.
        date: The server's clock when it answered (UTC), if it said so.
        what: What was asked for, in words.
    """

    content: bytes
    date: datetime | None
    what: str

    @cached_property
    def body(self) -> dict[str, Any]:
        """The JSON object; numbers with a fraction as `Decimal`.

        It is made at the first use, in the thread that works on its rows: what another
        thread has made is not in its processor's cache.

        Raises:
            DamagedError: It is no JSON.
            UnreachableError: It is no JSON object.
        """
        try:
            body = json_text.parse(self.content)
        except ValueError as error:
            msg = f"The JSON of the answer to the request for {self.what} is cut off or damaged."
            raise DamagedError(msg) from error
        if not isinstance(body, dict):
            msg = f"The answer to the request for {self.what} is not a JSON object. Check api_url."
            failure = UnreachableError(msg)
            failure.is_answered = True
            raise failure
        return body


class _Adapter(HTTPAdapter):
    """Opens connections that deadlines can end, and reads bodies in one piece."""

    @override
    def send(self, request: Any, stream: bool = False, *args: Any, **kwargs: Any) -> Any:
        response = super().send(request, stream, *args, **kwargs)
        if not stream:
            # requests reads 10 KB at a time, and at each a thread waits for all others.
            response._content = b"".join(response.iter_content(_WHOLE))  # noqa: SLF001 - no other way
        return response

    @override
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    @override
    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager


class _Pool(requests.Session):
    """Looks once for each host what the environment says of proxies and certificates.

    requests goes through all variables at each request, and no thread works meanwhile.
    """

    def __init__(self) -> None:
        """Look at nothing yet."""
        super().__init__()
        self._environments: dict[tuple[str, str], Any] = {}

    @override
    def merge_environment_settings(
        self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any
    ) -> Any:
        place = urlsplit(url)[:2]
        if place not in self._environments:
            self._environments[place] = super().merge_environment_settings(
                url, proxies, stream, verify, cert
            )
        return self._environments[place] | {"stream": stream}


def connection_pool(size: int) -> requests.Session:
    """Return a pool of connections that sends no credential of its own.

    Args:
        size: How many may be open to a host.
    """
    session = _Pool()
    adapter = _Adapter(pool_connections=4, pool_maxsize=size, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = USER_AGENT
    # Otherwise requests would send what ~/.netrc holds for the host.
    session.auth = lambda request: request
    return session


@contextmanager
def connection_errors(
    what: str, url: str, seconds: float, connection: Any = None
) -> Generator[None, None, None]:
    """End a call that takes too long, name failures of the connection, tell those that may pass.

    Args:
        what: What is asked for, in words.
        url: Where; only its host is named.
        seconds: How long an answer may take.
        connection: The one that it reads from, where that is open already.

    Raises:
        TransientError: Another attempt may help.
        UnreachableError: None will.
    """
    try:
        with within(seconds, connection):
            yield
    except (DeadlinePassedError, OSError, ValueError) as error:
        failure = failures.read(error, url, seconds)
        if failure is None:
            raise
        final = UnreachableError(f"{failure.event} on the request for {what}. {failure.advice}")
        if not failure.may_pass:
            raise final from error
        raise TransientError(final, is_cut=failure.may_have_arrived) from error


def read_answer(response: requests.Response, what: str) -> Answer:
    """Read an answer that says it is a success.

    Raises:
        TransientError: It is broken off.
        UnreachableError: It does not come from the API.
    """
    if response.status_code >= _REDIRECT or "json" not in _content_type(response):
        raise not_json(response, what)
    date = timestamps.of_header(response.headers.get("Date"))
    answer = Answer(response.content, date, what)
    if not json_text.is_object(answer.content):
        try:
            _ = answer.body
        except DamagedError as error:
            # Another attempt may help.
            raise TransientError(error, is_cut=True) from error
    return answer


def read_pdf(response: requests.Response, what: str) -> bytes:
    """Read an answer that should be a PDF.

    Raises:
        UnreachableError: It is no PDF.
    """
    if response.status_code >= _REDIRECT or is_page(response):
        raise not_json(response, what)
    if not response.content.startswith(b"%PDF"):
        msg = f"The answer to the request for {what} is not a PDF. Run the tap again later."
        raise UnreachableError(msg)
    return response.content


def is_page(response: requests.Response) -> bool:
    """Tell whether an answer is a page of HTML."""
    return _content_type(response).startswith(("text/html", "application/xhtml"))


def not_json(response: requests.Response, what: str) -> UnreachableError:
    """Return an error that says what came instead of JSON."""
    kind = "a page" if response.status_code < _REDIRECT else "a redirect"
    if is_page(response):
        found = _TITLE.search(response.content[:10_000].decode("utf-8", "replace"))
        title = " ".join(html.unescape(found[1]).split())[:80] if found else ""
        kind = f'the page "{title}"' if title else "a page"
    kind += f" (HTTP {response.status_code})"
    return UnreachableError(_NOT_JSON.format(what=what, kind=kind))


def _content_type(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").strip().lower()
