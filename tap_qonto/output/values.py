"""Single values of JSON, in the type of their column."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_qonto import json_text, timestamps

if TYPE_CHECKING:
    from collections.abc import Callable

SMALLEST, LARGEST = -(1 << 63), (1 << 63) - 1
"""What the integer columns of databases hold."""
_INTEGER = re.compile(r"-?[0-9]{1,19}")
# Some examples in Qonto's documentation have a decimal comma. Three digits after it could
# be thousands.
_DECIMAL = re.compile(r"-?[0-9]{1,100}(?:\.[0-9]{1,100}|,[0-9]{1,2})?")


class Misfit(ValueError):  # noqa: N818 - no error: the value goes to extra_fields
    """A value that the schema's type cannot hold."""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return json_text.plain(value)
    raise Misfit


def _number(value: Any) -> int | Decimal:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value.replace(",", "."))
    raise Misfit


def _integer(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if (
        isinstance(value, int | Decimal)
        and not isinstance(value, bool)
        and SMALLEST <= value <= LARGEST
        and value == int(value)
    ):
        return int(value)
    raise Misfit


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in {"true", "false"}:
        return value == "true"
    raise Misfit


def _date(value: Any) -> str:
    if isinstance(value, str) and timestamps.is_date(value):
        return value
    raise Misfit


READERS: dict[str, Callable[[Any], Any]] = {
    "string": _text,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "date-time": timestamps.to_utc,
    "date": _date,
}
"""A reader for each type or format; TypeError or ValueError says that a value does not fit."""
