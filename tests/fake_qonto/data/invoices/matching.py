"""What the list's filters look at in an invoice."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fake_qonto.data.records import Row


def relative_span(choice: str, today: date) -> tuple[str, str]:
    """Return first and last day of a relative date filter; weeks begin on Monday."""
    day = timedelta(days=1)
    week = today - today.weekday() * day
    month = today.replace(day=1)
    low, high = {
        "today": (today, today),
        "yesterday": (today - day, today - day),
        "this_week": (week, week + 6 * day),
        "past_week": (week - 7 * day, week - day),
        "this_month": (month, (month + 31 * day).replace(day=1) - day),
        "past_month": ((month - day).replace(day=1), month - day),
    }[choice]
    return low.isoformat(), high.isoformat()


def lacks_data(row: Row) -> bool:
    """Tell whether an invoice misses what one needs to book and pay it."""
    needed = ("supplier_name", "invoice_number", "total_amount", "issue_date", "due_date")
    return any(row.get(name) is None for name in needed)


def is_type(row: Row, choice: str) -> bool:
    """Tell whether an invoice is of a document type that can be filtered."""
    name = "has_duplicates" if choice == "duplicates" else "is_attachment_non_financial"
    return bool(row.get(name))


def approvers(row: Row) -> list[str]:
    """Return who may approve an invoice."""
    workflow = row.get("approval_workflow") or {}
    return workflow.get("approver_ids") or []


def is_found(row: Row, name: str, wanted: str) -> bool:
    """Tell whether a search text is met in a field; amounts are compared as numbers."""
    if name != "amount":
        return wanted in str(row.get(name) or "").casefold()
    amount = row.get("total_amount") or {}
    try:
        return Decimal(str(amount.get("value"))) == Decimal(wanted)
    except InvalidOperation:
        return False
