"""Transactions that pay supplier invoices."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.data.invoices.catalog import STATUS_CYCLE
from tests.fake_qonto.data.invoices.drafts import money
from tests.fake_qonto.data.invoices.facets import SETTLED
from tests.fake_qonto.data.invoices.plan import CREDIT_NOTES, CYCLE, DOCUMENTS, SPAN
from tests.fake_qonto.data.made import SPAN as LEDGER_SPAN
from tests.fake_qonto.data.made import major
from tests.fake_qonto.data.records import SeededMatches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.fake_qonto.data.invoices.drafts import Draft
    from tests.fake_qonto.data.plan import Plan
    from tests.fake_qonto.data.records import Row

_EUROS = {"EUR": 1.0, "CHF": 1.05, "USD": 0.92}
"""What a unit of a currency costs."""


def pay_invoices(plan: Plan, debits: Sequence[Row]) -> None:
    """Let settled debits pay the invoices that are paid, each after the invoice came in.

    An invoice at an odd place is paid in two parts. What has no debit left was paid from
    elsewhere.
    """
    left = iter(debits)
    for draft in _paid(plan):
        cents = draft.cents
        for parts in range(1 + draft.index % 2, 0, -1):
            row = next((row for row in left if row["created_at"] >= draft.head.created_at), None)
            if row is None:
                return
            row |= payment(
                draft.supplier.name, draft.number, draft.supplier.currency, cents // parts
            )
            row["_pays"] = draft.head.id
            cents -= cents // parts


def _paid(plan: Plan) -> Iterator[Draft]:
    invoices = plan.invoices
    for index in range(int(invoices.count * (1 - LEDGER_SPAN / SPAN)), invoices.count):
        place = index % CYCLE
        if STATUS_CYCLE[place] in SETTLED and place not in CREDIT_NOTES | DOCUMENTS:
            yield invoices.draft(index)


def payment(supplier: str, number: str | None, currency: str, cents: int) -> Row:
    """Return what a transaction has that pays so much to a supplier."""
    in_euros = round(cents * _EUROS[currency])
    return {
        "amount": major(in_euros),
        "amount_cents": in_euros,
        "local_amount": major(cents),
        "local_amount_cents": cents,
        "local_currency": currency,
        "label": supplier,
        "clean_counterparty_name": supplier,
        "reference": number,
        "vat_amount": None,
        "vat_amount_cents": None,
        "vat_rate": None,
        "_vat": None,
    }


def payment_of(invoice: Row) -> Row:
    """Return what the transaction has that pays an invoice in full."""
    total: dict[str, Any] = invoice["total_amount"]
    cents = int(Decimal(total["value"]) * 100)
    paid = payment(invoice["supplier_name"], invoice["invoice_number"], total["currency"], cents)
    return paid | {"status": "completed", "side": "debit"}


def matched_with(payments: Sequence[Row]) -> Row:
    """Return what a paid invoice says of the transactions that pay it."""
    ids = [row["id"] for row in payments]
    return {
        "matched_transactions": SeededMatches(
            {"transaction_id": key, "subject_id": key[::-1], "subject_type": "transfer"}
            for key in ids
        ),
        "matched_transactions_ids": ids,
        "payment_date": payments[-1]["settled_at"].date().isoformat(),
    }


def paid_by(payment: Row, currency: str) -> Row:
    """Return what changes in an invoice that a transaction pays in full."""
    nothing = {"status": "paid", "payable_amount": money(0, currency)}
    return nothing | matched_with([payment])
