"""Rewrites the staging models of ``dbt/``: ``python -m scripts.dbt_models``.

One model for each stream that is selected by default: the table's columns in their types,
with the descriptions of the tap's schema.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tap_qonto.settings.invoice_filter import WORDS
from tap_qonto.streams import STREAMS, SyncLog
from tap_qonto.streams.transactions import STATUSES as STATUSES_OF_TRANSACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DBT = Path(__file__).parents[1] / "dbt"
FOLDER = DBT / "models" / "staging"
HEAD = 'Made by "make generate" from the schema of the tap.'
_KINDS = {"boolean": "flag", "integer": "integer", "number": "number"}
_FORMATS = {"date": "day", "date-time": "instant"}
STATUSES = {
    "transactions": list(STATUSES_OF_TRANSACTIONS),
    "client_invoices": ["draft", "unpaid", "paid", "canceled"],
    "transfers": ["pending", "processing", "settled", "declined", "canceled"],
    "bank_accounts": ["active", "closed"],
    "supplier_invoices": list(WORDS["status"]),
}
PARENTS = {
    ("transactions", "bank_account_id"): "bank_accounts",
    ("statements", "bank_account_id"): "bank_accounts",
    ("client_invoices", "client_id"): "clients",
    ("credit_notes", "invoice_id"): "client_invoices",
    ("attachments", "supplier_invoice_id"): "supplier_invoices",
    ("transaction_attachments", "transaction_id"): "transactions",
    ("statement_files", "statement_id"): "statements",
}


def kind_of(name: str, shape: Mapping[str, Any]) -> str:
    """Return what a column is to the macro `staging`."""
    if name == "location":
        return "location"
    types = shape.get("type", "string")
    type_ = next(kind for kind in types if kind != "null") if isinstance(types, list) else types
    if type_ == "object" and shape.get("properties", {}).keys() == {"value", "currency"}:
        return "money"
    if type_ in {"object", "array"}:
        return "json"
    return _FORMATS.get(shape.get("format", ""), _KINDS.get(type_, "text"))


def tables() -> dict[str, tuple[tuple[str, ...], dict[str, tuple[str, str]]]]:
    """Return keys and columns (kind, description) of each table by name."""
    return {
        stream.name: (
            tuple(stream.primary_keys),
            {
                name: (kind_of(name, shape), shape.get("description", ""))
                for name, shape in stream.schema["properties"].items()
            },
        )
        for stream in STREAMS
        if stream.selected_by_default
    }


def model(name: str, columns: Mapping[str, tuple[str, str]]) -> str:
    """Write a staging model."""
    lines = [f"    {json.dumps(column)}: '{kind}'," for column, (kind, _) in columns.items()]
    body = "\n".join(lines).replace('"', "'")
    return f"-- {HEAD}\n{{{{ qonto.staging('{name}', {{\n{body}\n}}) }}}}\n"


def described(columns: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield name and description of each column of a model."""
    for name, (kind, text) in columns.items():
        yield name, text
        if kind == "money":
            yield f"{name}_currency", f"Currency of {name}, ISO 4217."
        elif kind == "location":
            yield (
                f"{name}_base_name",
                "Last part of location, to find the file where it is now.",
            )


def properties() -> dict[str, Any]:
    """Return descriptions and tests of all staging models."""
    return {"models": [_properties_of(name, *facts) for name, facts in tables().items()]}


def _properties_of(
    table: str, keys: tuple[str, ...], columns: Mapping[str, tuple[str, str]]
) -> dict[str, Any]:
    shown = []
    for name, text in described(columns):
        column: dict[str, Any] = {"name": name, "description": text}
        if tests := list(_tests_of(table, name)):
            column["data_tests"] = tests
        shown.append(column)
    return {
        "name": f"stg_qonto__{table}",
        "description": f"The table {table}, in the types of its columns.",
        "data_tests": [{"is_key": {"arguments": {"columns": list(keys)}}}],
        "columns": shown,
    }


def _tests_of(table: str, column: str) -> Iterator[dict[str, Any]]:
    if column == "status" and table in STATUSES:
        # Qonto can add statuses.
        config = {"arguments": {"values": STATUSES[table]}, "config": {"severity": "warn"}}
        yield {"accepted_values": config}
    if parent := PARENTS.get((table, column)):
        target = {"to": f"ref('stg_qonto__{parent}')", "field": "id"}
        yield {"relationships": {"arguments": target, "config": {"severity": "warn"}}}


def sources() -> dict[str, Any]:
    """Return the tables as sources of dbt, fresh if `sync_log` is."""
    listed: list[dict[str, Any]] = [{"name": name} for name in [*tables(), "purchase_orders"]]
    schema = "{{ var('qonto_schema') }}"
    return {"sources": [{"name": "qonto", "schema": schema, "tables": listed}]}


def macro() -> str:
    """Write the macro that lists the tables whose rows can be counted."""
    names = "\n".join(f"    '{name}'," for name in tables() if name != SyncLog.name)
    body = f"{{{{ return([\n{names}\n]) }}}}"
    return f"{{#- {HEAD} -#}}\n{{% macro streams() %}}\n{body}\n{{% endmacro %}}\n"


def pieces() -> dict[Path, str]:
    """Return the text of each file."""
    texts = {
        FOLDER / f"stg_qonto__{name}.sql": model(name, columns)
        for name, (_, columns) in tables().items()
    }
    texts[DBT / "macros" / "streams.sql"] = macro()
    for name, content in (("_sources.yml", sources()), ("_staging.yml", properties())):
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
        texts[FOLDER / name] = f"# {HEAD}\n{text}"
    return texts


def main() -> None:
    """Rewrite the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = pieces()
    for path in FOLDER.iterdir():
        if path not in texts:
            path.unlink()
    for path, text in texts.items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
