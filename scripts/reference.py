"""Rewrites the generated pages of the site: ``python -m scripts.reference``.

The settings are those of README. The fields of each stream stand with their type, their
description, and an example: the first value that a sync against the stand-in for Qonto
brings, which is the same each time.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts import generate
from tap_qonto.streams import STREAMS
from tests.fake_qonto import TODAY, FakeQonto
from tests.support import Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Shape = dict[str, Any]

_INVOICES = 200
_LOCATION = "/data/attachments"
_LONGEST = 60
_NEVER_THERE = {
    "content_base64": "JVBERi0xLjcKJeLjz9MK…",
    "error": "31457280 bytes, more than attachments.max_bytes = 20971520",
    "extra_fields": {"payment_terms": "net 30"},
}
"""Examples of what the plain sync does not bring."""


def fields(shape: Shape, prefix: str = "") -> Iterator[tuple[str, Shape]]:
    """Yield each field with its shape, those inside of objects and lists by dotted name."""
    for name, inner in shape.get("properties", {}).items():
        yield f"{prefix}{name}", inner
        yield from fields(inner, f"{prefix}{name}.")
        yield from fields(inner.get("items", {}), f"{prefix}{name}[].")


def type_of(shape: Shape) -> str:
    """Return a field's type in words."""
    types = shape.get("type", "string")
    kind = next(kind for kind in types if kind != "null") if isinstance(types, list) else types
    if kind == "array":
        return f"list of {type_of(shape['items'])}"
    return str(shape.get("format", kind))


def values(record: Mapping[str, Any], name: str) -> Iterator[Any]:
    """Yield what a record holds under a dotted name."""
    first, _, rest = name.partition(".")
    value = record.get(first.removesuffix("[]"))
    for item in value if first.endswith("[]") and value else [value]:
        if rest:
            yield from values(item or {}, rest)
        else:
            yield item


def example(records: Iterable[Mapping[str, Any]], name: str) -> Any:
    """Return the first value under a dotted name, or None where there is none."""
    found = (value for record in records for value in values(record, name))
    return next(
        (value for value in found if value not in (None, "", [], {})), _NEVER_THERE.get(name)
    )


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = text.replace("|", "\\|")
    return f"`{text[:_LONGEST]}…`" if len(text) > _LONGEST else f"`{text}`"


def _row(name: str, shape: Shape, records: list[dict[str, Any]]) -> tuple[str, ...]:
    type_ = type_of(shape)
    value = None if "object" in type_ and shape.get("properties") else example(records, name)
    if type_.startswith("list of object"):
        value = None
    shown = "" if value is None else _shown(value)
    return f"`{name}`", type_, shape.get("description", ""), shown


def tables_of_fields() -> str:
    """Write a table for each stream."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        with FakeQonto(invoices=_INVOICES, today=TODAY) as fake:
            output = Runner.against(fake, folder).sync()
        said = output.stdout.decode().replace(str(folder / "files"), _LOCATION)
    messages = [json.loads(line) for line in said.splitlines()]
    parts = []
    for stream in STREAMS:
        records = [
            m["record"] for m in messages if m.get("stream") == stream.name and "record" in m
        ]
        rows: list[tuple[str, ...]] = [("field", "type", "meaning", "example"), ("---",) * 4]
        rows += [_row(name, shape, records) for name, shape in fields(stream.schema)]
        head = f"## {stream.name}\n\n"
        parts.append(head + "\n".join(f"| {' | '.join(row)} |" for row in rows))
    return "\n\n".join(parts)


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "docs/settings.md": {"settings": generate.table_of_settings},
    "docs/streams.md": {"streams": generate.table_of_streams, "fields": tables_of_fields},
}
generate.PIECES.update(PAGES)

if __name__ == "__main__":
    generate.main()
