"""Supplier invoices.

Source: docs.qonto.com, "List supplier invoices", and the guide "Sync supplier invoices".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.clock import EPOCH
from tests.fake_qonto.data.invoices.catalog import ALL_STATUSES
from tests.fake_qonto.data.invoices.matching import (
    approvers,
    is_found,
    is_type,
    lacks_data,
    relative_span,
)
from tests.fake_qonto.data.invoices.source import InvoiceSource, serve_invoice
from tests.fake_qonto.lists.facts import Endpoint
from tests.fake_qonto.lists.filters import Choice, Days, Flag, Ids, Instants, Named
from tests.fake_qonto.server.answers import Refusal

if TYPE_CHECKING:
    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.lists.reader import Reader

RELATIVE = ("today", "yesterday", "this_week", "past_week", "this_month", "past_month")
QUERY_FIELDS = ("supplier_name", "amount", "file_name", "invoice_number")
_PAYABLE = re.compile(r"(lte|gte):(\d+(?:\.\d+)?):([A-Z]{3})\Z")


@dataclass(frozen=True)
class DueDate(Named):
    """Past, future or missing due dates."""

    def read(self, reader: Reader) -> None:
        """Compare with today."""
        today = reader.today.isoformat()

        def holds(row: Row, choice: str) -> bool:
            due = row.get("due_date")
            if due is None:
                return choice == "missing_date"
            return choice == ("past_and_today" if due <= today else "future")

        Choice(self.name, allowed=("past_and_today", "future", "missing_date"), matches=holds).read(
            reader
        )


@dataclass(frozen=True)
class Relative(Named):
    """A date within a span that moves with today."""

    def read(self, reader: Reader) -> None:
        """Compare with the spans."""

        def holds(row: Row, choice: str) -> bool:
            low, high = relative_span(choice, reader.today)
            return low <= (row.get(self.name) or "") <= high

        Choice(self.name, allowed=RELATIVE, matches=holds).read(reader)


@dataclass(frozen=True)
class PayableAmount(Named):
    """``lte:100.00:EUR`` or ``gte:100.00:EUR``."""

    def read(self, reader: Reader) -> None:
        """Compare amounts of the currency."""
        text = reader.value(self.parameter())
        if text is None:
            return
        match = _PAYABLE.match(text)
        if match is None:
            detail = f"{text!r} is not like lte:100.00:EUR"
            reader.refuse("invalid_format", self.parameter(), detail)
        way, limit, currency = match[1], Decimal(match[2]), match[3]

        def holds(row: Row) -> bool:
            amount = row.get(self.name)
            if not amount or amount["currency"] != currency:
                return False
            value = Decimal(str(amount["value"]))
            return value <= limit if way == "lte" else value >= limit

        reader.query.tests.append(holds)


@dataclass(frozen=True)
class Search(Named):
    """``query`` and ``query_fields``, which go together."""

    def read(self, reader: Reader) -> None:
        """Look for a text in some fields."""
        texts = reader.values("query")
        names = [name for value in reader.values("query_fields") for name in value.split(",")]
        if bool(texts) != bool(names):
            missing = "query_fields" if texts else "query"
            detail = "query and query_fields go together"
            raise Refusal(400, "bad_request", detail, parameter=missing)
        for name in names:
            if name not in QUERY_FIELDS:
                reader.refuse("not_in_list", "query_fields", f"{name!r} cannot be searched")
        if texts:
            wanted = texts[-1].casefold()
            reader.query.tests.append(
                lambda row: any(is_found(row, name, wanted) for name in names),
            )


@dataclass(frozen=True)
class ExcludeCreditNotes(Named):
    """Leaves credit notes out where it is true."""

    def read(self, reader: Reader) -> None:
        """Exclude them, if asked to."""
        if reader.value(self.parameter()) != "false":
            Flag(self.name, holds=lambda row: not row.get("is_credit_note")).read(reader)


def default_order(row: Row) -> tuple[Any, ...]:
    """Order without ``sort_by``: by status, each group in a direction of its own."""
    created = (row["created_at"] - EPOCH).total_seconds()
    paid = date.fromisoformat(row.get("payment_date") or "9999-12-31").toordinal()
    if row["status"] == "to_review":
        return (0, -created)
    if row["status"] in {"to_approve", "to_pay", "pending", "awaiting_payment", "scheduled"}:
        return (1, paid)
    return (2, -paid)


SUPPLIER_INVOICES = Endpoint(
    name="supplier_invoices",
    path="/v2/supplier_invoices",
    scope="supplier_invoice.read",
    collection="supplier_invoices",
    single="supplier_invoice",
    source=InvoiceSource,
    rows=200,
    filters=(
        Instants("created_at"),
        Instants("updated_at"),
        Choice("status", allowed=ALL_STATUSES),
        DueDate("due_date"),
        Relative("payment_date"),
        Relative("issue_date"),
        Days("issue_date", ends=("_from",)),
        Flag("missing_data", holds=lacks_data),
        Flag("matched_transactions"),
        Choice(
            "document_type", allowed=("duplicates", "non_financial_documents"), matches=is_type
        ),
        Ids("approver_id", of=approvers),
        Ids("attachment_id"),
        ExcludeCreditNotes("exclude_credit_notes"),
        PayableAmount("payable_amount"),
        Search("query", top=True),
    ),
    sorts=(
        "created_at", "file_name", "supplier_name", "payment_date",
        "due_date", "scheduled_date", "total_amount", "updated_at",
    ),
    order="by_status:asc",
    derived={"by_status": default_order},
    indexed=("created_at", "updated_at"),
    per_page=25,
    digits=None,
    serve=serve_invoice,
    text="description",
    has_files=True,
)  # fmt: skip
