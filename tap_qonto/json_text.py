"""JSON from outside, as text that any destination can hold."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import msgspec

_MOST_DIGITS = 1000
# PostgreSQL holds no U+0000, UTF-8 no half of a surrogate pair.
_UNFIT = re.compile(r"[\x00\ud800-\udfff]")


def plain(number: Decimal) -> str:
    """Return a number without an exponent, unless it has a thousand digits then."""
    return format(number, "f") if abs(number.adjusted()) < _MOST_DIGITS else str(number)


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    # Many readers do not take 1E+2 for a whole number.
    return Decimal(plain(number)) if "E" in text or "e" in text else number


_decode = msgspec.json.Decoder(float_hook=_decimal).decode
_scan = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def is_object(content: bytes) -> bool:
    """Tell whether JSON is a whole object, without reading the texts in it."""
    try:
        _scan(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def parse(content: bytes) -> Any:
    """Parse JSON; numbers with a fraction or an exponent become `Decimal`.

    In texts and names, U+0000 and halves of surrogate pairs become U+FFFD.

    Raises:
        ValueError: It is not JSON.
    """
    # A control character can come escaped alone. Many answers have no backslash at all, and
    # to look for one character takes next to no time.
    if b"\\" not in content or b"\\u0000" not in content:
        try:
            return _decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    text = content.decode("utf-8", "surrogatepass")
    try:
        return clean(json.loads(text, parse_float=_decimal, parse_constant=refuse_constant))
    except RecursionError as error:
        msg = "nested too deeply"
        raise ValueError(msg) from error


def clean(value: Any) -> Any:
    """Return JSON or text with U+FFFD in place of characters that databases refuse."""
    if isinstance(value, str):
        return _UNFIT.sub("\ufffd", value)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(name): clean(item) for name, item in value.items()}
    return value


def refuse_constant(word: str) -> None:
    """Refuse what Python reads as JSON, and JSON does not know."""
    msg = f"{word} is no JSON value"
    raise ValueError(msg)
