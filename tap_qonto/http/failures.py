"""What goes wrong on the way to a host, in words that name the right thing.

Between this machine and Qonto there can be a proxy (`HTTPS_PROXY`), a bundle of
certificates (`REQUESTS_CA_BUNDLE`), and a firewall that answers in Qonto's place.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import requests
from requests.exceptions import ChunkedEncodingError, ContentDecodingError, InvalidProxyURL
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import (
    ConnectTimeoutError,
    NewConnectionError,
    ProxySchemeUnknown,
    ReadTimeoutError,
)

from tap_qonto.http.deadlines import DeadlinePassedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_OF_HOST = re.compile("VERSION|PROTOCOL|HANDSHAKE|ALERT|CIPHER|HTTP|RECORD|MAC|EOF")
"""What is wrong with the other side's TLS, in OpenSSL's words."""
_SERVER_ERRORS = 500
_PROXY_LOGIN = 407
_NOT_SENT = (ConnectTimeoutError, NewConnectionError)


class Failure(NamedTuple):
    """Why a request brought no answer.

    Attributes:
        event: What happened; a sentence without its end.
        advice: What to check; whole sentences.
        may_pass: Whether another attempt may help.
        may_have_arrived: Whether the host may have seen the request.
    """

    event: str
    advice: str
    may_pass: bool = True
    may_have_arrived: bool = False


def read(error: Exception, url: str, seconds: float) -> Failure | None:
    """Tell what an exception on the way to a host means.

    Args:
        error: Of requests, urllib3, or the operating system.
        url: The address that was asked for.
        seconds: How long an answer may take.

    Returns:
        None where the exception is not about the way to a host.
    """
    host, proxy = _host(url), proxy_of(url)
    way = f"{host} through the proxy {proxy}" if proxy else host
    longer = f"Raise request_timeout (now {seconds:g} s)."
    causes = list(_causes(error))
    if isinstance(error, DeadlinePassedError):
        return Failure(f"The answer from {way} came too slowly", longer, may_have_arrived=True)
    if isinstance(error, requests.exceptions.ProxyError):
        return _of_proxy(causes, host, proxy)
    if isinstance(error, requests.exceptions.SSLError) and not _broke_off(causes):
        return _of_tls(causes, way)
    if any(isinstance(cause, ReadTimeoutError) for cause in causes):
        return Failure(f"No answer in time from {way}", longer, may_have_arrived=True)
    if isinstance(error, requests.ConnectionError | ChunkedEncodingError | ContentDecodingError):
        not_sent = any(isinstance(cause, _NOT_SENT) for cause in causes)
        advice = "Check the address and the network."
        return Failure(_of_connection(causes, way), advice, may_have_arrived=not not_sent)
    return _of_setup(error, causes, way, proxy)


def proxy_of(url: str) -> str | None:
    """Return the proxy that the environment names for an address, without its password."""
    try:
        found = select_proxy(url, get_environ_proxies(url))
    except ValueError:  # not an address
        return None
    if not found:
        return None
    scheme, divider, rest = found.rpartition("://")
    return f"{scheme}{divider}{rest.rpartition('@')[2]}"


def _of_proxy(causes: list[BaseException], host: str, proxy: str | None) -> Failure:
    statuses = (_TUNNEL.search(str(cause)) for cause in causes)
    status = next((int(found[1]) for found in statuses if found), None)
    if status == _PROXY_LOGIN:
        event = f"The proxy {proxy} asks for a login (HTTP {_PROXY_LOGIN})"
        return Failure(event, "Write user and password into HTTPS_PROXY.", may_pass=False)
    if status:
        return Failure(
            f"The proxy {proxy} does not let requests through to {host} (HTTP {status})",
            "Make it allow this host, or name the host in NO_PROXY.",
            may_pass=status >= _SERVER_ERRORS,
        )
    event = _of_connection(causes, f"the proxy {proxy}")
    return Failure(event, "Check HTTPS_PROXY, or name the host in NO_PROXY.")


def _of_tls(causes: list[BaseException], way: str) -> Failure:
    bundle = _bundle()
    reasons = [str(cause.reason) for cause in causes if isinstance(cause, ssl.SSLError)]
    is_certificate = any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)
    if bundle and not is_certificate and not any(_OF_HOST.search(reason) for reason in reasons):
        return _of_bundle(*bundle)
    if not is_certificate:
        event = f"No TLS connection to {way} ({', '.join(dict.fromkeys(reasons))})"
        return Failure(event, "Check the address, its port, and proxies.", may_pass=False)
    event = f"The certificate of {way} could not be verified"
    advice = (
        "Check the address; if a proxy inspects the traffic, name a file with its authority's "
        "certificate in REQUESTS_CA_BUNDLE."
    )
    if bundle:
        name, path = bundle
        event += f" with {path}, which {name} names"
        advice = "Add the certificate of the host's authority to this file."
    return Failure(event, advice, may_pass=False)


def _of_bundle(name: str, path: str) -> Failure:
    event = f"{name} names {path}, which cannot be read as a file of certificates"
    return Failure(event, f"Correct {name} or remove it.", may_pass=False)


def _of_connection(causes: list[BaseException], way: str) -> str:
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return f"No such host: {way}"
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return f"The connection to {way} was refused"
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return f"The connection to {way} timed out"
    return f"The connection to {way} failed or was cut off"


def _of_setup(
    error: Exception, causes: list[BaseException], way: str, proxy: str | None
) -> Failure | None:
    is_of_requests = isinstance(error, requests.RequestException)
    bundle = _bundle()
    if bundle and isinstance(error, OSError) and not is_of_requests:
        return _of_bundle(*bundle)
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in str(error):
        event = f"The proxy {proxy} needs a driver that is not installed"
        return Failure(event, "Install PySocks beside tap-qonto.", may_pass=False)
    is_about_proxy = isinstance(error, InvalidProxyURL) or any(
        isinstance(cause, ProxySchemeUnknown) for cause in causes
    )
    if is_about_proxy:
        event = f"The proxy {proxy} is not an address such as http://host:port"
        return Failure(event, "Correct HTTPS_PROXY.", may_pass=False)
    if is_of_requests or isinstance(error, ValueError):
        more = " and HTTPS_PROXY" if proxy else ""
        return Failure(
            f"No request could be sent to {way}", f"Check the address{more}.", may_pass=False
        )
    return None


def _bundle() -> tuple[str, str] | None:
    """Return the variable that names a bundle of certificates, and the bundle."""
    given = ((name, os.environ.get(name)) for name in _BUNDLES)
    return next(((name, str(Path(path))) for name, path in given if path), None)


def _host(url: str) -> str:
    """Return the host of an address, which need not be a good one."""
    rest = url.rpartition("://")[2]
    return re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]


def _broke_off(causes: list[BaseException]) -> bool:
    """Tell a TLS connection that broke off from one that is not to be trusted."""
    kinds = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError)
    return any(isinstance(cause, kinds) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it wraps, in whichever way a library wraps."""
    found: list[Any] = [error]
    for each in found:
        yield each
        inner = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
        found += [one for one in inner if isinstance(one, BaseException) and one not in found]
