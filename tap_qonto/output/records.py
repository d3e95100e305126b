"""From what Qonto sends to what the stream's schema promises, losing nothing.

A `Conformer` is made once from a schema. Known fields come out in the schema's types:
time stamps in UTC, exact decimals as text. What the schema does not know, or what no
type of it can hold, goes to the object ``extra_fields``, keyed by its dotted path.
"""

from __future__ import annotations

import re
from decimal import Decimal
from types import GenericAlias
from typing import TYPE_CHECKING, Any

import msgspec

from tap_qonto import timestamps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    _Leaf = Callable[[Any], Any]

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
        shapes = dict(schema["properties"])
        self._keeps_extra = shapes.pop(EXTRA, None) is not None
        self._object = _Object(shapes)
        self._blank: Record = dict.fromkeys(shapes)
        self._exact_type = _exact_type({"type": "object", "properties": shapes})
        self._formatted = {name for name, shape in shapes.items() if _has_format(shape)}

    def __call__(self, row: Mapping[str, Any]) -> Record:
        """Return the row as a record with every property of the schema.

        A property that the row lacks is null. ``extra_fields`` is null when there is
        nothing to put into it; a schema without it drops what it does not know.
        """
        extra: Record = {}
        to_read = row
        try:
            # Nearly all rows are what the schema says, but for their time stamps.
            msgspec.convert(row, self._exact_type)
        except msgspec.ValidationError:
            record = self._blank.copy()
        else:
            record = {**self._blank, **row}
            to_read = {name: row[name] for name in self._formatted & row.keys()}
        self._object.read(to_read, record, extra, "")
        if self._keeps_extra:
            record[EXTRA] = extra or None
        return record


def with_null_objects(record: Record, schema: Mapping[str, Any], depth: int) -> Record:
    """Return the record with an object of nulls for each null, down to a depth.

    The SDK flattens a null object to a column that its flattened schema does not have.
    """
    filled = dict(record)
    for name, shape in schema["properties"].items():
        if depth and shape.get("properties") and name in filled:
            inner = filled[name] or {}
            blank = dict.fromkeys(shape["properties"])
            filled[name] = with_null_objects({**blank, **inner}, shape, depth - 1)
    return filled


def _exact_type(shape: Mapping[str, Any]) -> Any:
    """Return the type of values that fit a shape as they are, for `msgspec`."""
    match _kind(shape):
        case "object":
            fields = [
                (name, _exact_type(inner), None) for name, inner in shape["properties"].items()
            ]
            exact: Any = msgspec.defstruct("Exact", fields, forbid_unknown_fields=True)
        case "array":
            exact = GenericAlias(list, (_exact_type(shape["items"]),))
        case "string":
            exact = str
        case kind:
            exact = int if kind == "integer" else bool
    return exact | None


def _has_format(shape: Mapping[str, Any]) -> bool:
    """Tell whether the shape holds dates or time stamps, at any depth."""
    inner = [*shape.get("properties", {}).values(), *filter(None, [shape.get("items")])]
    return "format" in shape or any(map(_has_format, inner))


def _kind(shape: Mapping[str, Any]) -> str:
    kinds = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
    kind: str = next(kind for kind in kinds if kind != "null")
    return kind


class _Object:
    """Reads an object whose properties are known."""

    def __init__(self, shapes: Mapping[str, Any]) -> None:
        self._leaves: dict[str, _Leaf] = {}
        self._nested: dict[str, _Object | _Array] = {}
        for name, shape in shapes.items():
            reader = _reader(shape)
            if isinstance(reader, _Object | _Array):
                self._nested[name] = reader
            else:
                self._leaves[name] = reader
        # Most values are text in a text column: nothing is to be done for them.
        self._texts = {name for name, leaf in self._leaves.items() if leaf is _text}

    def read(self, row: Mapping[str, Any], into: Record, extra: Record, path: str) -> None:
        texts, leaves, nested = self._texts, self._leaves, self._nested
        for name, value in row.items():
            if name in texts and (value.__class__ is str or value is None):
                into[name] = value
            elif name not in leaves and name not in nested:
                extra[path + name] = value
            elif value is None:
                into[name] = None
            else:
                try:
                    leaf = leaves.get(name)
                    into[name] = (
                        leaf(value) if leaf else nested[name].within(value, extra, path + name)
                    )
                except Misfit:
                    into[name] = None
                    extra[path + name] = value

    def within(self, value: Any, extra: Record, path: str) -> Record:
        if not isinstance(value, dict):
            raise Misfit
        result: Record = {}
        self.read(value, result, extra, f"{path}.")
        return result


class _Array:
    """Reads a list whose items have one known shape."""

    def __init__(self, reader: _Object | _Array | _Leaf) -> None:
        self._reader = reader

    def within(self, value: Any, extra: Record, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise Misfit
        reader = self._reader
        result: list[Any] = []
        for index, item in enumerate(value):
            try:
                if item is None:
                    result.append(None)
                elif isinstance(reader, _Object | _Array):
                    result.append(reader.within(item, extra, f"{path}.{index}"))
                else:
                    result.append(reader(item))
            except Misfit:
                result.append(None)
                extra[f"{path}.{index}"] = item
        return result


def _reader(shape: Mapping[str, Any]) -> _Object | _Array | _Leaf:
    kind = _kind(shape)
    if kind == "object":
        return _Object(shape["properties"])
    if kind == "array":
        return _Array(_reader(shape["items"]))
    if kind == "string":
        leaf: _Leaf = _FORMATS.get(shape.get("format"), _text)
        return leaf
    return _integer if kind == "integer" else _boolean


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    raise Misfit


def _integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    raise Misfit


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in {"true", "false"}:
        return value == "true"
    raise Misfit


def _date_time(value: Any) -> str:
    try:
        return timestamps.to_utc(value)
    except (TypeError, ValueError) as error:
        raise Misfit from error


def _date(value: Any) -> str:
    if isinstance(value, str) and timestamps.is_date(value):
        return value
    raise Misfit


_FORMATS: dict[str | None, Callable[[Any], Any]] = {"date-time": _date_time, "date": _date}
