"""Connections, what goes wrong on them, and answers as JSON."""

from __future__ import annotations

import json
import re
import ssl
from contextlib import contextmanager
from decimal import Decimal
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import requests
from requests.adapters import HTTPAdapter

from tap_qonto import errors, timestamps
from tap_qonto.errors import UnreachableError
from tap_qonto.http.retries import TransientError

if TYPE_CHECKING:
    from collections.abc import Generator
    from datetime import datetime

USER_AGENT = f"tap-qonto/{version('tap-qonto')}"
STAGING_HEADER = "X-Qonto-Staging-Token"
"""Qonto takes the sandbox's header in these capitals alone."""

_REDIRECT = 300

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_SURROGATES = re.compile(r"[\ud800-\udfff]")


class Answer(NamedTuple):
    """A whole JSON answer of the API.

    Attributes:
        body: The parsed JSON object; numbers with a fraction as `Decimal`.
        date: The server's clock when it answered (UTC), if it said so.
    """

    body: dict[str, Any]
    date: datetime | None


def connection_pool(size: int) -> requests.Session:
    """Return a pool of connections that sends no credential of its own.

    Args:
        size: How many may be open to a host.
    """
    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=size, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = USER_AGENT
    # Otherwise requests would send what ~/.netrc holds for the host.
    session.auth = lambda request: request
    return session


@contextmanager
def connection_errors(what: str, host: str) -> Generator[None, None, None]:
    """Name failures of the connection, and tell those that may pass.

    Args:
        what: What is asked for, in words.
        host: Of whom.

    Raises:
        TransientError: Another attempt may help.
        UnreachableError: None will.
    """
    try:
        yield
    except requests.exceptions.SSLError as error:
        if broke_off(error):
            raise _broken(what, host) from error
        msg = (
            f"The certificate of {host} could not be verified on the request for {what}. "
            "Check the address and this machine's certificates."
        )
        raise UnreachableError(msg) from error
    except requests.Timeout as error:
        msg = f"No answer in time on the request for {what}; request_timeout is in seconds."
        raise TransientError(UnreachableError(msg)) from error
    except (
        requests.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        requests.exceptions.ContentDecodingError,
    ) as error:
        raise _broken(what, host) from error
    except (requests.RequestException, ValueError) as error:
        msg = f"The request for {what} could not be sent to {host}. Check the address."
        raise UnreachableError(msg) from error


def _broken(what: str, host: str) -> TransientError:
    msg = (
        f"The connection to {host} failed or broke off on the request for {what}. "
        "Check the address and the network."
    )
    return TransientError(UnreachableError(msg))


def broke_off(error: BaseException) -> bool:
    """Tell a TLS connection that broke off from one that is not to be trusted."""
    causes: list[Any] = [error]
    for cause in causes:
        if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
            return True
        inner = (*cause.args, getattr(cause, "reason", None))
        causes += [each for each in inner if isinstance(each, BaseException)]
    return False


def read_answer(response: requests.Response, what: str) -> Answer:
    """Read an answer that says it is a success.

    Raises:
        TransientError: It is broken off.
        UnreachableError: It is none of the API.
    """
    content_type = response.headers.get("Content-Type", "")
    if response.status_code >= _REDIRECT or "json" not in content_type:
        kind = "a redirect" if response.status_code >= _REDIRECT else "a page"
        msg = errors.NOT_JSON.format(what=what, kind=kind)
        raise UnreachableError(msg)
    try:
        body = _parse(response.content)
    except ValueError as error:
        msg = f"The JSON of the answer to the request for {what} is broken off or damaged."
        raise TransientError(UnreachableError(msg)) from error
    if not isinstance(body, dict):
        msg = f"The answer to the request for {what} is no JSON object. Check api_url."
        raise UnreachableError(msg)
    return Answer(body, timestamps.of_header(response.headers.get("Date")))


def _parse(content: bytes) -> Any:
    """Parse JSON; halves of surrogate pairs, which no text can hold, become U+FFFD."""
    try:
        return _decode(content)
    except msgspec.DecodeError:
        return _clean(json.loads(content, parse_float=Decimal))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value
