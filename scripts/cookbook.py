"""Rewrites the recipes of ``docs/cookbook/``: ``python -m scripts.cookbook``.

A recipe is a model of ``dbt/`` for those who do not use dbt: the same SQL, on the loaded
tables. What the models refer to stands before it, with the columns that are needed.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from typing import TYPE_CHECKING

from scripts.dbt_models import DBT, tables
from scripts.generate import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "docs" / "cookbook"
RECIPES = (
    "payables",
    "payables_by_due_date",
    "payables_by_week",
    "receivables_by_due_date",
    "purchase_orders_against_invoices",
    "duplicate_invoices",
    "supplier_iban_changes",
    "invoices_without_file",
    "transaction_documents",
    "receipts_missing",
    "bank_account_agreement",
    "bank_balance_gaps",
    "statement_gaps",
)
_REFERENCE = re.compile(r"\{\{ ref\('(?:stg_qonto__)?(\w+)'\) \}\}")
# Yours has its types already.
_ORDERS = "stg_purchase_orders"


def recipe(model: str) -> str:
    """Write a model as a query on the loaded tables."""
    comment, body = _read(model)
    before = _before(body)
    if before and body.startswith("WITH "):
        body = f"WITH {before},\n\n{body.removeprefix('WITH ')}"
    elif before:
        body = f"WITH {before}\n\n{body}"
    return f"{comment}{_named(body)};\n"


def _read(model: str) -> tuple[str, str]:
    """Return the comment that a model begins with, and its SQL."""
    (path,) = (DBT / "models").glob(f"*/{model}.sql")
    text = path.read_text("utf-8")
    lines = text.splitlines(keepends=True)
    comment = "".join(itertools.takewhile(lambda line: line.startswith("--"), lines))
    return comment, text[len(comment) :].rstrip()


def _before(body: str) -> str:
    """Write what a query refers to, each as a common table expression."""
    texts: dict[str, str] = {}
    _collect(body, texts)
    columns = "\n".join([body, *texts.values()])
    shown = [
        f"{name} AS (\n{textwrap.indent(text or _typed(name, columns), '    ')}\n)"
        for name, text in texts.items()
    ]
    return ",\n\n".join(shown)


def _collect(body: str, texts: dict[str, str]) -> None:
    for name in _REFERENCE.findall(body):
        if name in tables():
            texts.setdefault(name, "")
        elif name not in texts and name != _ORDERS:
            _, inner = _read(name)
            _collect(inner, texts)
            texts[name] = inner


def _typed(table: str, text: str) -> str:
    """Write those columns of a table that a text names, in their types."""
    words = set(re.findall(r"\w+", text))
    lines = []
    for name, (kind, _) in tables()[table][1].items():
        shapes = {
            "money": {
                name: f"({name} ->> 'value')::numeric(38, 4)",
                f"{name}_currency": f"{name} ->> 'currency'",
            },
            "number": {name: f"{name}::numeric(38, 4)"},
            "day": {name: f"{name}::date"},
            "instant": {name: f"{name} AT TIME ZONE 'UTC'"},
            "location": {
                name: name,
                f"{name}_base_name": f"regexp_replace({name}, '^.*[/\\\\]', '')",
            },
        }
        for column, typed in shapes.get(kind, {name: name}).items():
            if column in words:
                lines.append(f"    {typed}" + (f" AS {column}" if typed != column else ""))
    return "SELECT\n" + ",\n".join(lines) + f"\nFROM qonto.{table}"


def _named(body: str) -> str:
    return _REFERENCE.sub(
        lambda found: "qonto.purchase_orders" if found[1] == _ORDERS else found[1], body
    )


def pieces() -> dict[Path, str]:
    """Return the text of each file that is made from a model."""
    return {FOLDER / f"{model}.sql": recipe(model) for model in RECIPES}


def main() -> None:
    """Rewrite the files."""
    for path, text in pieces().items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
