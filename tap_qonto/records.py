"""From what Qonto sends to what the stream's schema promises, losing nothing.

A `Conformer` is made once from a schema. Known fields come out in the schema's types:
time stamps in UTC, exact decimals as text. What the schema does not know, or what no
type of it can hold, goes to the object ``extra_fields``, keyed by its dotted path.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_qonto import timestamps

if TYPE_CHECKING:
    from collections.abc import Mapping

Record = dict[str, Any]
EXTRA = "extra_fields"
_DIGITS = re.compile(r"-?[0-9]{1,18}")


class Misfit(Exception):  # noqa: N818 - it is no error: the value goes to extra_fields
    """A value that the schema's type cannot hold."""


class Conformer:
    """Makes rows conform to a schema.

    Args:
        schema: JSON schema of the stream: an object with ``properties``.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Prepare a reader for each property."""
        self._keeps_extra = EXTRA in schema["properties"]
        self._properties = {
            name: _reader(shape)
            for name, shape in schema["properties"].items()
            if name != EXTRA
        }

    def __call__(self, row: Mapping[str, Any]) -> Record:
        """Return the row as a record with every property of the schema.

        A property that the row lacks is null. ``extra_fields`` is null when there is
        nothing to put into it; a schema without it drops what it does not know.
        """
        extra: Record = {}
        record = dict.fromkeys(self._properties)
        _read_object(self._properties, record, row, extra, "")
        if self._keeps_extra:
            record[EXTRA] = extra or None
        return record


def _read_object(
    properties: Mapping[str, Any],
    into: Record,
    row: Mapping[str, Any],
    extra: Record,
    path: str,
) -> None:
    for name, value in row.items():
        reader = properties.get(name)
        if reader is None:
            extra[path + name] = value
        elif value is not None:
            try:
                into[name] = reader(value, extra, path + name)
            except Misfit:
                into[name] = None
                extra[path + name] = value
        else:
            into[name] = None


def _reader(shape: Mapping[str, Any]) -> Any:
    kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
    kind = next(kind for kind in kinds if kind != "null")
    if kind == "object":
        names = shape.get("properties")
        if not names:
            return _any_object
        return partial(_object, {name: _reader(inner) for name, inner in names.items()})
    if kind == "array":
        return partial(_array, _reader(shape["items"]))
    if kind == "string":
        return {"date-time": _date_time, "date": _date}.get(shape.get("format", ""), _text)
    return {"integer": _integer, "boolean": _boolean}[kind]


def _any_object(value: Any, extra: Record, path: str) -> Any:
    del extra, path
    if isinstance(value, dict):
        return value
    raise Misfit


def _object(properties: Mapping[str, Any], value: Any, extra: Record, path: str) -> Any:
    if not isinstance(value, dict):
        raise Misfit
    result: Record = {}
    _read_object(properties, result, value, extra, f"{path}.")
    return result


def _array(reader: Any, value: Any, extra: Record, path: str) -> Any:
    if not isinstance(value, list):
        raise Misfit
    result: list[Any] = []
    for index, item in enumerate(value):
        if item is None:
            result.append(None)
            continue
        try:
            result.append(reader(item, extra, f"{path}.{index}"))
        except Misfit:
            result.append(None)
            extra[f"{path}.{index}"] = item
    return result


def _text(value: Any, extra: Record, path: str) -> str:
    del extra, path
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    raise Misfit


def _integer(value: Any, extra: Record, path: str) -> int:
    del extra, path
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    raise Misfit


def _boolean(value: Any, extra: Record, path: str) -> bool:
    del extra, path
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in {"true", "false"}:
        return value == "true"
    raise Misfit


def _date_time(value: Any, extra: Record, path: str) -> str:
    del extra, path
    try:
        return timestamps.to_utc(value)
    except (TypeError, ValueError) as error:
        raise Misfit from error


def _date(value: Any, extra: Record, path: str) -> str:
    del extra, path
    if isinstance(value, str) and timestamps.is_date(value):
        return value
    raise Misfit
