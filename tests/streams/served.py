"""What a stream has to bring, taken from the fake over HTTP where a row depends on the request."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import requests

from tap_qonto import timestamps
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.per_parent import PerParent
from tap_qonto.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fake_qonto import FakeQonto
    from tests.support import Json

LISTS: dict[str, Any] = {
    each.name: each for each in STREAMS if issubclass(each, QontoStream | PerParent)
}
"""Every stream that reads a list, or a single object."""
_PARENTS = {
    "transaction_links": ("transactions", "child_transaction_links", "links"),
    "payment_link_payments": ("payment_links", "payments", "payments"),
}


def key_of(name: str, row: Json) -> tuple[Any, ...]:
    """Return the key of a row."""
    return tuple(row[column] for column in LISTS[name].primary_keys)


def served(fake: FakeQonto, name: str) -> list[Json]:
    """Return the rows that the stream has to bring, quirks of the endpoint made plain."""
    if name in _PARENTS:
        return list(_below_parents(fake, name))
    rows = fake.control.rows(name)
    organization = fake.control.rows("organization")[0]["id"]
    if name == "transactions":
        rows = [row for each in fake.control.ids("bank_accounts") for row in _of(fake, each)]
    for row in rows:
        if "organization_id" in LISTS[name].primary_keys:
            row["organization_id"] = organization
        if name == "bank_accounts":
            row.update(_as_the_organization_has_it(fake)[row["id"]])
        if name == "statements":
            month, year = row["period"].split("-")
            row["period_start"] = f"{year}-{month}-01"
        if "Invoice_issue_date" in row:
            row["invoice_issue_date"] = row.pop("Invoice_issue_date")
        if name == "international_currencies":
            row["source"] = "EUR"
        if name == "supplier_invoices" and row.get("matched_transactions"):
            row["matched_transactions"] = [
                {"transaction_id": each} if isinstance(each, str) else each
                for each in row["matched_transactions"]
            ]
    return rows


def _of(fake: FakeQonto, account: str) -> list[Json]:
    query = f"bank_account_id={account}&includes[]=vat_details"
    return _get(fake, "/v2/transactions", query)["transactions"]  # type: ignore[no-any-return]


def _as_the_organization_has_it(fake: FakeQonto) -> dict[str, Json]:
    answer = _get(fake, "/v2/organization", "include_external_accounts=true")
    return {
        each["id"]: {name: each[name] for name in ("slug", "is_external_account")}
        for each in answer["organization"]["bank_accounts"]
    }


def _below_parents(fake: FakeQonto, name: str) -> Iterator[Json]:
    parents, path, collection = _PARENTS[name]
    for parent in fake.control.rows(parents):
        # Other transactions have no links, so they are not asked for.
        if name != "transaction_links" or (parent["side"], parent["operation_type"]) == (
            "debit",
            "card",
        ):
            for row in _get(fake, f"/v2/{parents}/{parent['id']}/{path}")[collection]:
                yield row | {LISTS[name].primary_keys[0]: parent["id"]}


def _get(fake: FakeQonto, path: str, query: str = "") -> Any:
    answer = requests.get(
        f"{fake.url}{path}?per_page=100&{query}",
        headers={"Authorization": f"{fake.login}:{fake.secret_key}"},
        timeout=30,
    )
    answer.raise_for_status()
    return json.loads(answer.content, parse_float=Decimal)


def expected(value: Any, shape: Json) -> Any:
    """Return what a served value becomes in a record."""
    kinds, form = shape["type"], shape.get("format")
    if value is None or (value == "" and (form or "string" not in kinds)):
        return None
    if form == "date-time":
        return timestamps.to_utc(value)
    if "object" in kinds and "properties" in shape:
        return {
            name: expected(part, shape["properties"][name])
            for name, part in value.items()
            if name in shape["properties"]
        }
    if "array" in kinds:
        return [expected(item, shape["items"]) for item in value]
    if "number" in kinds:
        return Decimal(str(value))
    if "integer" in kinds:
        return int(value)
    return value
