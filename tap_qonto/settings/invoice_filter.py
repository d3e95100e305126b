"""The setting `supplier_invoices_filter`: what it can hold, and what is wrong with it.

Source: docs.qonto.com, "List supplier invoices".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from singer_sdk import typing as th

from tap_qonto import timestamps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TEXTS = th.ArrayType(th.StringType)
_PERIODS = ("today", "yesterday", "this_week", "past_week", "this_month", "past_month")
WORDS: dict[str, tuple[str, ...]] = {
    "status": (
        "to_review",
        "to_approve",
        "to_pay",
        "awaiting_payment",
        "pending",
        "scheduled",
        "paid",
        "archived",
        "rejected",
        "discarded",
    ),
    "due_date": ("past_and_today", "future", "missing_date"),
    "payment_date": _PERIODS,
    "issue_date": _PERIODS,
    "document_type": ("duplicates", "non_financial_documents"),
    "query_fields": ("supplier_name", "amount", "file_name", "invoice_number"),
}
"""The words that Qonto documents for a filter; it can add others."""
_AMOUNT = re.compile(r"(lte|gte):\d+(\.\d+)?:[A-Z]{3}", re.ASCII)
_IDS = ("approver_id", "attachment_id")

INVOICE_FILTER = th.ObjectType(
    th.Property(
        "status",
        _TEXTS,
        description="Only these statuses, such as to_review, to_pay, paid.",
    ),
    th.Property("due_date", _TEXTS, description="past_and_today, future, or missing_date."),
    th.Property("created_at_from", th.DateTimeType, description="Created from here on."),
    th.Property("created_at_to", th.DateTimeType, description="Created up to here."),
    th.Property(
        "payment_date",
        th.StringType,
        description=f"{', '.join(_PERIODS)}.",
    ),
    th.Property("issue_date", th.StringType, description="The same words as payment_date."),
    th.Property("issue_date_from", th.DateType, description="Issued from this day on."),
    th.Property("missing_data", th.BooleanType, description="With or without missing data."),
    th.Property(
        "matched_transactions",
        th.BooleanType,
        description="With or without matched transactions.",
    ),
    th.Property("document_type", _TEXTS, description="duplicates, or non_financial_documents."),
    th.Property("approver_id", _TEXTS, description="Waiting for these members."),
    th.Property("attachment_id", _TEXTS, description="With these attachments."),
    th.Property("exclude_credit_notes", th.BooleanType, description="Leave credit notes out."),
    th.Property(
        "payable_amount",
        th.StringType,
        description="lte: or gte:, amount and currency, such as gte:100.00:EUR.",
    ),
    th.Property("query", th.StringType, description="Text to search for in query_fields."),
    th.Property(
        "query_fields",
        _TEXTS,
        description=f"{', '.join(WORDS['query_fields'])}.",
    ),
    additional_properties=False,
)


def wrong_values(filters: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the form of values, a sentence each."""
    amount, day = filters.get("payable_amount"), filters.get("issue_date_from")
    if amount and not _AMOUNT.fullmatch(amount):
        yield (
            f"Setting supplier_invoices_filter.payable_amount must be lte: or gte:, an amount "
            f"and a currency, such as gte:100.00:EUR (it is {amount!r:.80})."
        )
    if day and not timestamps.is_date(day):
        yield (
            f"Setting supplier_invoices_filter.issue_date_from must be a day such as 2026-01-31 "
            f"(it is {day!r:.80})."
        )
    for name in _IDS:
        for value in filters.get(name) or ():
            if not _is_id(value):
                yield (
                    f"Setting supplier_invoices_filter.{name} must hold ids as Qonto has them, "
                    f"which are UUIDs ({value!r:.80} is none)."
                )


def unknown_words(filters: Mapping[str, Any]) -> Iterator[str]:
    """Yield which words Qonto does not document, a sentence each."""
    for name, known in WORDS.items():
        given = filters.get(name)
        words = given if isinstance(given, list) else [given]
        unknown = [word for word in words if isinstance(word, str) and word not in known]
        if unknown:
            yield (
                f"Setting supplier_invoices_filter.{name} has {', '.join(unknown)}, which Qonto "
                f"does not document, so it may hide all rows. Known are {', '.join(known)}."
            )


def _is_id(value: str) -> bool:
    try:
        return str(UUID(value)) == value.lower()
    except ValueError:
        return False
