"""Keeping secrets out of logs, whichever library writes them, at every level."""

from __future__ import annotations

import json
import logging
import re
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "***"
_SHORTEST = 4
"""A secret that is shorter would blot out ordinary words."""
_QUERY = re.compile(r"(?P<path>(?:https?://|/)[^\s?\"'<>]*)\?(?P<query>[^\s\"'<>]+)")
_SIGNATURE = re.compile(r"(X-Amz-[A-Za-z-]+)(=|%3D)[^\s&\"'<>]+", re.IGNORECASE)
_TOKEN = re.compile(r"\bory_[a-z]{2}_[\w.~+/-]+")
_HEADER = re.compile(
    r"((?:Authorization|X-Qonto-Staging-Token)['\"]?\s*[:=]\s*)(?:b?['\"][^'\"]*['\"]|\S.*)",
    re.IGNORECASE,
)

_secrets: set[str] = set()


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
    """Return the text without secrets, signatures and queries of file URLs."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _TOKEN.sub(HIDDEN, text)
    text = _QUERY.sub(_without_query, text)
    text = _SIGNATURE.sub(rf"\1\2{HIDDEN}", text)
    return _HEADER.sub(rf"\1{HIDDEN}", text)


def install() -> None:
    """Redact every log record of this process from now on."""
    logging.setLogRecordFactory(_RedactedRecord)


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


def _without_query(found: re.Match[str]) -> str:
    # Queries of the API hold filters and page numbers, which help to find a fault.
    if "/v2/" in found["path"]:
        return found[0]
    return f"{found['path']}?{HIDDEN}"


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
