"""What Qonto has, as a destination should hold it, and how that is compared.

Worked out from the API's own answers and the streams' schemas, without the tap's code.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.streams.served import LISTS, served
from tests.support import FILES, INVOICES, Json, discovered

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto

Row = dict[str, Any]
Key = tuple[str, ...]
Change = Callable[[Row], Row]

SCHEMAS: dict[str, Json] = {
    entry["tap_stream_id"]: entry["schema"] for entry in discovered()["streams"]
}
KEYS: dict[str, list[str]] = {
    entry["tap_stream_id"]: entry["key_properties"] for entry in discovered()["streams"]
}
NEVER_EMITTED = {name: each.never_emitted for name, each in LISTS.items()}
MONEY = {"value", "currency"}
# Kinds of columns, each with what a difference in one is reported as.
CHECK_OF = {
    "text": "texts",
    "integer": "rows",
    "number": "rows",
    "flag": "rows",
    "file": "rows",
    "instant": "instants",
    "day": "instants",
    "money": "decimals",
    "nested": "nested",
}


@dataclass(frozen=True)
class Table:
    """What a table should hold.

    Attributes:
        kinds: Its columns, each with its kind.
        key: Names of its key columns.
        rows: Its rows by key.
    """

    kinds: Mapping[str, str]
    key: list[str]
    rows: Mapping[Key, Row]


@dataclass(frozen=True)
class Difference:
    """Something that a destination does not hold as Qonto has it."""

    check: str
    where: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.where}: expected {self.expected!r}, found {self.found!r}"


def instant(text: str) -> datetime:
    """Return the instant that a text in one of Qonto's formats means."""
    whole = re.sub(r"\.(\d+)", lambda match: f".{match[1][:6]:0<6}", text.replace("Z", "+00:00"))
    moment = datetime.fromisoformat(whole)
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(
        timezone.utc
    )


def kind_of(shape: Json) -> str:
    """Return the kind of a column from its schema."""
    if "object" in shape["type"]:
        return "money" if shape.get("properties", {}).keys() == MONEY else "nested"
    if "array" in shape["type"]:
        return "nested"
    by_format = {"date-time": "instant", "date": "day"}
    by_type = {"integer": "integer", "number": "number", "boolean": "flag"}
    return by_format.get(shape.get("format", "")) or by_type.get(shape["type"][0], "text")


def _inside(shape: Json, value: Any, unknown: Row, path: str) -> Any:
    """Return a value as JSON holds it: times in UTC as text, without unknown fields."""
    if value is None or (value == "" and "format" in shape):
        return None
    if "array" in shape["type"]:
        return [
            _inside(shape["items"], item, unknown, f"{path}.{n}") for n, item in enumerate(value)
        ]
    if names := shape.get("properties"):
        unknown |= {f"{path}.{name}": value[name] for name in value if name not in names}
        return {
            name: _inside(inner, value[name], unknown, f"{path}.{name}")
            for name, inner in names.items()
            if name in value
        }
    if shape.get("format") == "date-time":
        return f"{instant(value):%Y-%m-%dT%H:%M:%S.%fZ}"
    if "number" in shape["type"]:
        return Decimal(str(value))
    return int(value) if "integer" in shape["type"] else value


def _row(stream: str, sent: Json) -> Row:
    unknown: Row = {}
    row: Row = {}
    shapes = SCHEMAS[stream]["properties"]
    for name, shape in shapes.items():
        value = sent.get(name)
        # Qonto sends empty text in place of null.
        if value == "" and "format" in shape:
            value = None
        if value is not None and kind_of(shape) == "instant":
            row[name] = instant(value)
        elif value is not None and kind_of(shape) == "day":
            row[name] = date.fromisoformat(value)
        else:
            row[name] = _inside(shape, value, unknown, name)
    if "extra_fields" in shapes:
        unknown |= {name: value for name, value in sent.items() if name not in shapes}
        secret = NEVER_EMITTED.get(stream, ())
        row["extra_fields"] = {
            path: value
            for path, value in unknown.items()
            if re.sub(r"\.[0-9]+", "", path) not in secret
        } or None
    return row


def _files_of(fake: FakeQonto, invoice: Json) -> Iterable[Row]:
    roles: dict[str, list[str]] = {}
    for field in ("attachment_id", "display_attachment_id"):
        if invoice[field]:
            roles.setdefault(invoice[field], []).append(field.removesuffix("_id"))
    for key, names in roles.items():
        digest = hashlib.sha256(fake.control.file_bytes(key)).hexdigest()
        yield _row(FILES, fake.control.attachment(key)) | {
            "supplier_invoice_id": invoice["id"],
            "roles": [name.removesuffix("_attachment") for name in names],
            "status": "downloaded",
            "location": digest,
            "sha256": digest,
        }


def source(fake: FakeQonto, *others: str) -> dict[str, Table]:
    """Return what the tables of supplier invoices, of their files and of others should hold."""
    invoices = served(fake, INVOICES)
    rows_of = {
        INVOICES: [_row(INVOICES, row) for row in invoices],
        FILES: [file for row in invoices for file in _files_of(fake, row)],
    } | {name: [_row(name, row) for row in served(fake, name)] for name in others}
    return {
        stream: Table(
            {name: kind_of(shape) for name, shape in SCHEMAS[stream]["properties"].items()}
            | ({"location": "file"} if stream == FILES else {}),
            KEYS[stream],
            {tuple(row[name] for name in KEYS[stream]): row for row in rows},
        )
        for stream, rows in rows_of.items()
    }


def flattened(tables: Mapping[str, Table]) -> dict[str, Table]:
    """Return the tables with objects spread over columns."""
    return {
        stream: Table(
            dict(_flat_kinds(SCHEMAS[stream], ""))
            | {name: kind for name, kind in table.kinds.items() if kind == "file"},
            table.key,
            {key: dict(_flat(SCHEMAS[stream], row, "")) for key, row in table.rows.items()},
        )
        for stream, table in tables.items()
    }


def _flat_kinds(shape: Json, path: str) -> Iterable[tuple[str, str]]:
    is_money = shape["properties"].keys() == MONEY
    for name, inner in shape["properties"].items():
        if inner.get("properties"):
            yield from _flat_kinds(inner, f"{path}{name}__")
        else:
            yield path + name, "money" if is_money else kind_of(inner)


def _flat(shape: Json, value: Row | None, path: str) -> Iterable[tuple[str, Any]]:
    for name, inner in shape["properties"].items():
        found = (value or {}).get(name)
        if inner.get("properties"):
            yield from _flat(inner, found, f"{path}{name}__")
        elif path and kind_of(inner) == "instant":
            yield path + name, found and instant(found)
        else:
            yield path + name, found


def differences(stream: str, table: Table, found: list[Row], *, appended: bool) -> list[Difference]:
    """Return where a destination's table differs from what it should hold.

    Args:
        stream: Its stream.
        table: What it should hold.
        found: Its rows, in the order in which they were written.
        appended: Whether each run's rows are added, so that a key's last row counts.
    """
    by_key = {tuple(str(row[name]) for name in table.key): row for row in found}
    result = []
    if not appended and len(found) != len(by_key):
        result.append(Difference("rows", f"{stream}, rows", len(by_key), len(found)))
    if by_key.keys() != table.rows.keys():
        lacking, more = table.rows.keys() - by_key.keys(), by_key.keys() - table.rows.keys()
        result.append(Difference("rows", f"{stream}, keys", sorted(lacking), sorted(more)))
    for key in by_key.keys() & table.rows.keys():
        row = by_key[key]
        result += [
            Difference("rows", f"{stream}.{name}", "no such column", row[name])
            for name in row.keys() - table.kinds.keys()
            if not name.startswith("_sdc_")
        ]
        for name, kind in table.kinds.items():
            expected = table.rows[key].get(name)
            value = row.get(name)
            if not _same(kind, expected, value):
                check = "nulls" if expected in (None, "") else CHECK_OF[kind]
                result.append(Difference(check, f"{stream}.{name} of {key[-1]}", expected, value))
    return result


def _same(kind: str, expected: Any, found: Any) -> bool:
    if expected is None or found is None:
        return expected is found
    try:
        return bool(expected == _comparable(kind, expected, found))
    except (AttributeError, LookupError, OSError, TypeError, ValueError):
        return False


def _comparable(kind: str, expected: Any, found: Any) -> Any:
    if isinstance(expected, (dict, list)):
        return json.loads(found, parse_float=Decimal) if isinstance(found, str) else found
    if kind == "number":
        # Most have no type for a number with more digits than a double has.
        return expected if float(found) == float(expected) else found
    return _READERS[kind](found) if kind in _READERS else found


_READERS: dict[str, Callable[[Any], Any]] = {
    "instant": lambda found: instant(found if isinstance(found, str) else found.isoformat()),
    "day": lambda found: date.fromisoformat(str(found)),
    "flag": lambda found: {"true": True, "false": False}[str(found).lower()],
    "integer": lambda found: int(str(found)),
    "file": lambda found: hashlib.sha256(Path(found).read_bytes()).hexdigest(),
}
"""How a value of a kind is read, whatever the destination's type for it."""
