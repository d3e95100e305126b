"""The peer: a tap for the same two streams as the SDK's template would make it.

Written for the comparison and meant to be fair: the SDK's defaults throughout, the
paging that Qonto's own guide shows, a child stream that is synced for each parent row.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import requests
from singer_sdk import SchemaDirectory, StreamSchema, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import APIKeyAuthenticator
from singer_sdk.pagination import PageNumberPaginator
from singer_sdk.streams import RESTStream
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk import Stream
    from singer_sdk.helpers.types import Context, Record


SCHEMAS = SchemaDirectory(Path("schemas"))
"""In the working folder; the same schemas as ours, without our code."""


class _Pages(PageNumberPaginator):
    @override
    def has_more(self, response: requests.Response) -> bool:
        return bool(response.json()["meta"]["next_page"])


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


class PlainInvoices(_PlainStream):
    """Supplier invoices by page numbers."""

    name = "supplier_invoices"
    path = "/supplier_invoices"
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"
    schema: ClassVar[StreamSchema[str]] = StreamSchema(SCHEMAS)
    records_jsonpath = "$.supplier_invoices[*]"

    @override
    def get_new_paginator(self) -> _Pages:
        return _Pages(1)

    @override
    def get_url_params(
        self, context: Context | None, next_page_token: int | None
    ) -> dict[str, Any]:
        params: dict[str, Any] = {
            "page": next_page_token,
            "per_page": 100,
            "sort_by": "updated_at:asc",
        }
        if start := self.get_starting_timestamp(context):
            params["filter[updated_at_from]"] = start.isoformat()
        return params

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
        return [PlainInvoices(self), PlainAttachments(self)]


if __name__ == "__main__":
    PlainTap.cli()
