"""Rewrites the generated pages of the site: ``python -m scripts.reference``.

The settings are those of README. Each stream has a section: how it is read, and a table of
its fields with type, description and an example. The example is the first value that a sync
against the stand-in for Qonto brings, which is the same each time.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts import generate
from tap_qonto.streams import STREAMS, SyncLog
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
_OTHER_EACH_TIME = {
    "run_id": "0b0f7c3e-6f7a-4a3e-9b55-1d3c4f2f8a10",
    "started_at": "2025-06-30T06:00:01.204518Z",
    "ended_at": "2025-06-30T06:00:03.871940Z",
    "files": 210,
    "bytes": 139950,
    "calls": 210,
    "seconds_waited": 0.0,
    "reason": "3 files failed and 1 are missing at Qonto.",
    "new_fields": ["payment_terms"],
    "tap_version": "0.2.0",
}
"""Examples of what differs from run to run."""


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


def sections() -> str:
    """Write a section for each stream."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        with FakeQonto(invoices=_INVOICES, today=TODAY) as fake:
            runner = Runner.against(fake, folder)
            # Some streams take OAuth only.
            del runner.config["login"], runner.config["secret_key"]
            runner.config["access_token"] = fake.control.new_access_token(
                scope=" ".join({each.scope for each in STREAMS})
            )
            # In the same order each time.
            output = runner.sync(*(each.name for each in STREAMS), list_concurrency=1)
        said = output.stdout.decode().replace(str(folder / "files"), _LOCATION)
    records: dict[str, list[dict[str, Any]]] = {each.name: [] for each in STREAMS}
    for message in map(json.loads, said.splitlines()):
        if message["type"] == "RECORD":
            records[message["stream"]].append(message["record"])
    records[SyncLog.name] = [row | _OTHER_EACH_TIME for row in records[SyncLog.name]]
    return "\n\n".join(_section(stream, records[stream.name]) for stream in STREAMS)


def _section(stream: Any, records: list[dict[str, Any]]) -> str:
    facts = dict(zip(generate.HEAD, generate.facts_of(stream), strict=True))
    lines = [f"## {stream.name}", "", facts["rows"], ""]
    lines += [f"- {name}: {facts[name]}" for name in generate.HEAD[2:]]
    if stream.personal:
        personal = [f"`{name}`" for name in stream.schema["properties"] if name in stream.personal]
        lines.append(f"- personal data: {', '.join(personal)}")
    lines += ["", "| field | type | meaning | example |", "| --- | --- | --- | --- |"]
    for name, shape in fields(stream.schema):
        lines.append(f"| {' | '.join(_row(name, shape, records))} |")
    return "\n".join(lines)


def without_personal_data() -> str:
    """Write the part of meltano.yml that leaves out all personal data."""
    left_out = [f"'!{each.name}.{name}'" for each in STREAMS for name in sorted(each.personal)]
    lines = ["plugins:", "  extractors:", "  - name: tap-qonto", "    select:", "    - '*.*'"]
    return "\n".join(["```yaml", *lines, *(f"    - {each}" for each in left_out), "```"])


PAGES: dict[str, dict[str, Callable[[], str]]] = {
    "docs/settings.md": {"settings": generate.table_of_settings},
    "docs/streams.md": {
        "streams": generate.table_of_streams,
        "personal": without_personal_data,
        "fields": sections,
    },
}
generate.PIECES.update(PAGES)

if __name__ == "__main__":
    generate.main()
