"""From what Qonto sends to what the stream's schema promises, losing nothing.

A `Conformer` is made once from a schema. Known fields come out in the schema's types:
time stamps in UTC, exact decimals as text or as numbers with all their digits. What the
schema does not know, or what no type of it can hold, goes to the object
``extra_fields``, keyed by its dotted path.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_qonto.output import exact, values
from tap_qonto.output.values import Misfit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import msgspec

    _Leaf = Callable[[Any], Any]
    _Reader = Callable[[Any, "Record", str], Any]

Record = dict[str, Any]
EXTRA = "extra_fields"
_MOST_KNOWN = 1000
_MOST_EXPECTED = 20
_INDEX = re.compile(r"\.[0-9]+(?=\.|$)")


class Conformer:
    """Makes rows conform to a schema.

    Args:
        schema: JSON schema of the stream: an object with ``properties``.
        never_emitted: Fields that the schema lacks on purpose, by dotted path without
            the indexes of lists; they do not go to ``extra_fields`` either.

    Attributes:
        news: Dotted paths, without indexes, of what goes to ``extra_fields`` and was not
            there before; whoever reads them takes them out.
    """

    def __init__(
        self, schema: Mapping[str, Any], never_emitted: frozenset[str] = frozenset()
    ) -> None:
        """Prepare a reader for each property."""
        self.news: list[str] = []
        self._noted: set[str] = set()
        shapes = dict(schema["properties"])
        self._keeps_extra = shapes.pop(EXTRA, None) is not None
        self._never_emitted = never_emitted
        self._never_at_top = [name for name in never_emitted if "." not in name]
        self._never_inside = tuple({name.partition(".")[0] for name in never_emitted})
        self._object = _Object(shapes)
        self._blank: Record = dict.fromkeys(shapes)

    def __call__(self, row: Mapping[str, Any]) -> Record:
        """Return the row as a record with every property of the schema.

        A property that the row lacks is null. ``extra_fields`` is null when there is
        nothing to put into it; a schema without it drops what it does not know.
        """
        extra: Record = {}
        record = {**self._blank, **row}
        for name in self._never_at_top:
            record.pop(name, None)
        if len(record) > len(self._blank):
            self._object.take_out_unknown(record, extra, "")
        self._object.read(record, extra, "")
        if self._keeps_extra:
            if extra and any(name.startswith(self._never_inside) for name in extra):
                extra = self._emitted(extra, "")
            if extra and not extra.keys() <= self._noted:
                self._note(extra)
            record[EXTRA] = extra or None
        return record

    def _note(self, extra: Record) -> None:
        """Take down paths; in any thread."""
        if len(self._noted) > _MOST_KNOWN:
            self._noted = set()
        self._noted.update(extra)
        self.news.extend(sorted({_INDEX.sub("", path) for path in extra}))

    def _emitted(self, value: Any, path: str) -> Any:
        if isinstance(value, dict):
            paths = {name: f"{path}.{_INDEX.sub('', name)}" for name in value}
            return {
                name: self._emitted(inner, paths[name])
                for name, inner in value.items()
                if paths[name][1:] not in self._never_emitted
            }
        if isinstance(value, list):
            return [self._emitted(item, path) for item in value]
        return value


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


class _Plan(NamedTuple):
    """How the properties of an object are read.

    Attributes:
        types: Those that are checked all at once, with what they are when they fit.
        exact: A type that has these alone.
        leaves: Single values that are read one by one, with their readers.
        nested: Objects and lists that are.
    """

    types: dict[str, Any]
    exact: type[msgspec.Struct]
    leaves: list[tuple[str, _Leaf]]
    nested: list[tuple[str, _Reader]]


class _Object:
    """Reads an object whose properties are known.

    `msgspec` checks all of an object at once. A property in which it found something
    that does not fit the schema is read value by value from then on, and so are those
    with dates, which are rewritten.
    """

    def __init__(self, shapes: Mapping[str, Any]) -> None:
        leaves = {name: _leaf(shape) for name, shape in shapes.items()}
        self._known = shapes.keys()
        self._unknown: list[str] = []
        self._leaves = {name: leaf for name, leaf in leaves.items() if leaf}
        self._nested = {name: _reader(shapes[name]) for name, leaf in leaves.items() if not leaf}
        # One attribute, since records are made in several threads.
        self._plan = self._planned(
            {
                name: exact.type_of(shape)
                for name, shape in shapes.items()
                if not exact.has_format(shape)
            }
        )

    def _planned(self, types: dict[str, Any]) -> _Plan:
        leaves = [(name, read) for name, read in self._leaves.items() if name not in types]
        nested = [(name, read) for name, read in self._nested.items() if name not in types]
        return _Plan(types, exact.struct(types), leaves, nested)

    def __call__(self, value: Any, extra: Record, path: str) -> Record:
        if not isinstance(value, dict):
            raise Misfit
        record = value.copy()
        if not record.keys() <= self._known:
            self.take_out_unknown(record, extra, f"{path}.")
        self.read(record, extra, f"{path}.")
        return record

    def take_out_unknown(self, record: Record, extra: Record, path: str) -> None:
        """Move what the schema does not know to the extra fields."""
        # Most rows have the same unknown fields, and to compare all names takes longer.
        for name in self._unknown:
            if name in record:
                extra[path + name] = record.pop(name)
        if not record.keys() <= self._known:
            names = sorted(record.keys() - self._known)
            for name in names:
                extra[path + name] = record.pop(name)
            self._unknown = [*self._unknown, *names][-_MOST_EXPECTED:]

    def read(self, record: Record, extra: Record, path: str) -> None:
        """Bring all values to what the schema says of them, in place."""
        plan = self._plan
        if not exact.fits(record, plan.exact):
            types = {
                name: kind
                for name, kind in plan.types.items()
                if exact.fits(record.get(name), kind)
            }
            plan = self._plan = self._planned(types)
        for name, leaf in plan.leaves:
            value = record.get(name)
            if value is not None:
                try:
                    record[name] = leaf(value)
                except (TypeError, ValueError):
                    record[name] = None
                    _keep(value, extra, path + name)
        for name, read in plan.nested:
            value = record.get(name)
            if value is not None:
                try:
                    record[name] = read(value, extra, path + name)
                except Misfit:
                    record[name] = None
                    _keep(value, extra, path + name)


class _Array:
    """Reads a list whose items have one known shape."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader

    def __call__(self, value: Any, extra: Record, path: str) -> list[Any]:
        if not isinstance(value, list):
            raise Misfit
        return [
            None if item is None else self._item(item, extra, f"{path}.{index}")
            for index, item in enumerate(value)
        ]

    def _item(self, item: Any, extra: Record, path: str) -> Any:
        try:
            return self._reader(item, extra, path)
        except (TypeError, ValueError):
            _keep(item, extra, path)
            return None


def _keep(value: Any, extra: Record, path: str) -> None:
    """Keep what does not fit; but Qonto sends empty text in place of null."""
    if value != "":
        extra[path] = value


def _leaf(shape: Mapping[str, Any]) -> _Leaf | None:
    """Return the reader of single values; None where values have values inside."""
    kind = exact.kind_of(shape)
    if kind in {"object", "array"}:
        is_free = not (shape.get("properties") or shape.get("items"))
        return _as_it_is(dict if kind == "object" else list) if is_free else None
    return values.READERS[shape.get("format") or kind]


def _reader(shape: Mapping[str, Any]) -> _Reader:
    leaf = _leaf(shape)
    if leaf:
        return lambda value, _extra, _path: leaf(value)
    if exact.kind_of(shape) == "object":
        return _Object(shape["properties"])
    return _Array(_reader(shape["items"]))


def _as_it_is(kind: type) -> _Leaf:
    def read(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        raise Misfit

    return read
