"""Keeping secrets out of logs, whichever library writes them, at every level."""

from __future__ import annotations

import json
import logging
import re
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, quote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "***"
_SHORTEST = 4
"""A secret that is shorter would blot out ordinary words."""
_ADDRESS = re.compile(
    r"(?P<host>https?://[^\s/?\"'<>]*)?(?P<method> \"[A-Z]+ )?"
    r"(?P<path>/[^\s?\"'<>]*)(?P<query>\?[^\s\"'<>]+)?"
)
"""An address: whole, without its host, or as urllib3 logs a call: ``host "GET path``."""
_SIGNATURE = re.compile(r"(X-Amz-[A-Za-z-]+)(=|%3D)[^\s&\"'<>]+", re.IGNORECASE)
_TOKEN = re.compile(r"\bory_[a-z]{2}_[\w.~+/-]+")
_HEADER = re.compile(
    r"(\b(?:(?:[\w]+-)*(?:Authorization|Cookie)|(?:[\w]+-)+(?:Token|Secret|Signature|Credential|Key))"
    r"(?:['\"]\s*[:=,]|\s*[:=])\s*)(?:b?['\"][^'\"]*['\"]|[^\s'\"].*)",
    re.IGNORECASE,
)
"""A header that holds a secret, as libraries print it: as text, in an object, in a pair."""
_PORTS = {"http": 80, "https": 443}
_SHOWN_AT_DEBUG = ("tap-qonto", "singer_sdk", "urllib3")
"""Loggers that follow the level of the tap."""

_secrets: set[str] = set()
_api: SplitResult = urlsplit("")


def hide(*values: Any) -> None:
    """Keep values out of all logs from now on, as they are and in usual encodings.

    Args:
        *values: Text; lists and objects are searched for text.
    """
    for text in _texts(values):
        if len(text) >= _SHORTEST:
            escaped = (json.dumps(text)[1:-1], repr(text)[1:-1])
            _secrets.update((text, quote(text), quote(text, safe=""), quote_plus(text)))
            _secrets.update(escaped)


def redact(text: str) -> str:
    """Return the text without secrets, signatures and addresses of files."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _TOKEN.sub(HIDDEN, text)
    text = _ADDRESS.sub(_shown, text)
    text = _SIGNATURE.sub(rf"\1\2{HIDDEN}", text)
    return _HEADER.sub(rf"\1{HIDDEN}", text)


def install(api_url: str) -> None:
    """Redact every log record of this process from now on.

    Args:
        api_url: Host of the API. Queries stay in its addresses alone: they hold filters and
            page numbers, which help to find a fault.
    """
    global _api  # noqa: PLW0603 - as the factory, it is one for the process
    _api = urlsplit(api_url)
    logging.setLogRecordFactory(_RedactedRecord)


def keep_drivers_quiet() -> None:
    """Keep the loggers of all other libraries at INFO.

    At DEBUG, drivers of file systems log the names of files, and headers in forms that
    nobody foresees.
    """
    root = logging.getLogger()
    if root.level < logging.INFO:
        for name in _SHOWN_AT_DEBUG:
            logging.getLogger(name).setLevel(root.level)
        root.setLevel(logging.INFO)


class _RedactedRecord(logging.LogRecord):
    """A log record in whose message and traceback nothing secret is left."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        try:
            message = said = self.getMessage()
        except Exception:  # noqa: BLE001 - of a library that passes what its words do not take
            message, said = f"{self.msg} {self.args}", None
        if self.exc_info:
            message += "\n" + "".join(traceback.format_exception(*self.exc_info))
        clean = redact(message)
        if clean != said:
            self.msg, self.args, self.exc_info = clean, None, None


def _shown(found: re.Match[str]) -> str:
    """Return what may be shown of an address."""
    host, method, path, query = (found[name] or "" for name in ("host", "method", "path", "query"))
    if not (query or method) or (host and path.startswith("/v2/") and _is_api(host)):
        return found[0]
    return f"{host}{method}/{HIDDEN}"


def _is_api(host: str) -> bool:
    try:
        given, port = urlsplit(host), urlsplit(host).port
        return (
            given.scheme == _api.scheme
            and given.hostname == _api.hostname
            and (port or _PORTS[given.scheme]) == (_api.port or _PORTS[_api.scheme])
        )
    except (KeyError, ValueError):
        return False


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
