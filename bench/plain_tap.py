"""The peer: a tap for as many streams as the SDK's template would make it.

Written for the comparison and meant to be fair: the SDK's defaults throughout, the
paging that Qonto's own guide shows, a child stream that is synced for each parent row.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import requests
from singer_sdk import SchemaDirectory, StreamSchema, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import APIKeyAuthenticator
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.pagination import PageNumberPaginator
from singer_sdk.streams import RESTStream
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk import Stream
    from singer_sdk.helpers.types import Context, Record


SCHEMAS = SchemaDirectory(Path("schemas"))
"""In the working folder; the same schemas as ours, without our code."""


_LISTS: dict[str, dict[str, Any]] = (
    json.loads(Path("lists.json").read_text()) if Path("lists.json").exists() else {}
)
"""Path, key of the rows, parameters and filter of each list; in the working folder as well."""
_OBJECTS = {"organization", "subscription"}
"""Answers that are one object."""
_FREE = {"bulk_transfers"}
"""Lists with objects of any form within lists, which the SDK's full check fails on."""


class _Pages(PageNumberPaginator):
    @override
    def has_more(self, response: requests.Response) -> bool:
        return bool(response.json().get("meta", {}).get("next_page"))


class _PlainStream(RESTStream[int]):
    @property
    @override
    def url_base(self) -> str:
        return f"{self.config['api_url']}/v2"

    @property
    @override
    def authenticator(self) -> APIKeyAuthenticator:
        value = f"{self.config['login']}:{self.config['secret_key']}"
        return APIKeyAuthenticator(key="Authorization", value=value, location="header")


class _PlainList(_PlainStream):
    """A list by page numbers."""

    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"
    params: ClassVar[dict[str, Any]] = {"sort_by": "updated_at:asc"}
    since: ClassVar[str | None] = "filter[updated_at_from]"

    @override
    def get_new_paginator(self) -> _Pages:
        return _Pages(1)

    @override
    def get_url_params(
        self, context: Context | None, next_page_token: int | None
    ) -> dict[str, Any]:
        params = {"page": next_page_token, "per_page": 100} | self.params | dict(context or {})
        if self.since and (start := self.get_starting_timestamp(context)):
            params[self.since] = start.isoformat()
        return params


class PlainInvoices(_PlainList):
    """Supplier invoices."""

    name = "supplier_invoices"
    path = "/supplier_invoices"
    schema: ClassVar[StreamSchema[str]] = StreamSchema(SCHEMAS)
    records_jsonpath = "$.supplier_invoices[*]"

    @override
    def get_child_context(self, record: Record, context: Context | None) -> Context | None:
        if not record["attachment_id"]:
            return None
        return {"supplier_invoice_id": record["id"], "id": record["attachment_id"]}


class PlainAttachments(_PlainStream):
    """The attachment of an invoice, downloaded as its row is made."""

    name = "attachments"
    path = "/attachments/{id}"
    primary_keys: ClassVar[tuple[str, ...]] = ("supplier_invoice_id", "id")
    parent_stream_type = PlainInvoices
    schema: ClassVar[StreamSchema[str]] = StreamSchema(SCHEMAS)
    records_jsonpath = "$.attachment"

    @override
    def get_new_paginator(self) -> None:
        return None

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record:
        content = requests.get(row.pop("url"), timeout=60).content
        path = Path(self.config["location"]) / row["id"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        row["file_size"] = int(row["file_size"])
        row["location"] = str(path)
        row["sha256"] = hashlib.sha256(content).hexdigest()
        return row


class PlainTransactions(_PlainList):
    """Transactions, account after account."""

    name = "transactions"
    path = "/transactions"
    schema: ClassVar[StreamSchema[str]] = StreamSchema(SCHEMAS)
    records_jsonpath = "$.transactions[*]"
    params: ClassVar[dict[str, Any]] = {
        "sort_by": "updated_at:asc",
        "includes[]": "vat_details",
    }
    since: ClassVar[str | None] = "updated_at_from"

    @property
    @override
    def partitions(self) -> list[dict[str, Any]]:
        headers = {"Authorization": f"{self.config['login']}:{self.config['secret_key']}"}
        url = f"{self.url_base}/organization?include_external_accounts=true"
        answer = requests.get(url, headers=headers, timeout=60)
        accounts = answer.json()["organization"]["bank_accounts"]
        return [{"bank_account_id": account["id"]} for account in accounts]


class PlainTap(Tap):
    """The peer."""

    name = "tap-plain"
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("login", th.StringType),
        th.Property("secret_key", th.StringType, secret=True),
        th.Property("api_url", th.StringType),
        th.Property("location", th.StringType),
    ).to_dict()

    @override
    def discover_streams(self) -> Iterable[Stream]:  # type: ignore[override]
        written: list[Stream] = [
            PlainInvoices(self),
            PlainAttachments(self),
            PlainTransactions(self),
        ]
        names = {stream.name for stream in written}
        others = sorted({path.stem for path in Path("schemas").glob("*.json")} - names)
        return [*written, *(_list(name)(self) for name in others)]


def _list(name: str) -> type[_PlainList]:
    """Make a list of the same form, so that the peer has as many streams as the tap.

    Those that the comparison does not read have a name and a schema alone.
    """
    facts = _LISTS.get(name, {"path": f"/{name}", "collection": name, "since": None})
    rows = "" if name in _OBJECTS else "[*]"
    stated = facts | {
        "name": name,
        "schema": StreamSchema(SCHEMAS),
        "records_jsonpath": f"$.{facts['collection']}{rows}",
        "replication_key": "updated_at" if facts["since"] else None,
    }
    if name in _FREE:
        stated["TYPE_CONFORMANCE_LEVEL"] = TypeConformanceLevel.ROOT_ONLY
    return type(name, (_PlainList,), stated)


if __name__ == "__main__":
    PlainTap.cli()
