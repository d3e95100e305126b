"""The sides of an invoice: groups of fields that follow from its outline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.data.invoices.catalog import DESCRIPTIONS
from tests.fake_qonto.data.invoices.drafts import money
from tests.fake_qonto.data.records import new_uuid

if TYPE_CHECKING:
    from tests.fake_qonto.data.invoices.drafts import Draft
    from tests.fake_qonto.data.invoices.plan import InvoicePlan
    from tests.fake_qonto.data.records import Row

SETTLED = frozenset({"paid", "archived"})
BOOKED = frozenset({"paid", "scheduled", "awaiting_payment"})


def parties(plan: InvoicePlan, draft: Draft) -> Row:
    """Who sent it and who took it in."""
    supplier, index = draft.supplier, draft.index
    supplier_id = plan.supplier_ids[supplier.number]
    fields: Row = {
        "supplier_id": supplier_id,
        "supplier_name": supplier.name,
        "issuer_name": supplier.name.upper() if index % 5 else None,
        "supplier_snapshot": {
            "id": supplier_id,
            "name": supplier.name,
            "iban": supplier.iban,
            "tin": supplier.tin,
            "vat_number": supplier.vat_number,
            "email": supplier.email,
            "currency": supplier.currency,
            "status": "active",
        },
        "invoice_number": draft.number,
        "vat_number": supplier.vat_number,
        # The name of this field changed in 2026; both are met.
        ("tin" if index % 3 == 0 else "tin_number"): supplier.tin,
        "iban": supplier.iban if index % 6 else None,
        "description": DESCRIPTIONS[index % len(DESCRIPTIONS)] if index % 4 else None,
        "initiator_id": plan.members[index % len(plan.members)],
    }
    if index % 7 == 3:
        del fields["supplier_snapshot"]
    return fields


def amounts(draft: Draft, related: list[dict[str, Any]]) -> Row:
    """What it costs, taxes and credit notes."""
    currency = draft.supplier.currency
    taxes, total_tax = [], 0
    rates = (("0.20", 0.7), ("0.055", 0.3)) if draft.index % 4 == 2 else (("0.20", 1.0),)
    for rate, share in rates:
        tax = round(draft.cents * share * float(rate) / (1 + float(rate)))
        total_tax += tax
        # The scale is not settled: fractions and percentages are both met.
        shown = rate if draft.index % 2 else f"{float(rate) * 100:g}"
        taxes.append({"tax_rate": shown, "tax_amount": money(tax, currency)})
    credit = 0 if draft.is_credit_note or not related else draft.cents // 4
    payable = 0 if draft.status in SETTLED else draft.cents - credit
    return {
        "total_amount": draft.money(),
        "total_amount_excluding_taxes": money(draft.cents - total_tax, currency),
        "total_tax_amount": money(total_tax, currency),
        "taxes": taxes if draft.index % 8 else [],
        "payable_amount": money(payable, currency),
        "total_amount_credit_notes": money(credit, currency) if related else None,
    }


def dates(plan: InvoicePlan, draft: Draft) -> Row:
    """Its dates, those of what is owed around today."""
    created, index = draft.head.created_at, draft.index
    issued = created - timedelta(days=index % 9)
    due = issued + timedelta(days=30 + 15 * (index % 3))
    if draft.status in {"to_pay", "pending", "to_approve", "scheduled", "to_review"}:
        # What is still owed falls due around today, however old the world is.
        due = plan.today + timedelta(days=(index * 11) % 61 - 30)
    planned = due + timedelta(days=index % 3 - 1)
    fields: Row = {
        "issue_date": _day(issued),
        "due_date": _day(due) if index % 10 != 6 else None,
        "payment_date": _day(min(planned, plan.today)) if draft.status in SETTLED else None,
        "scheduled_date": _day(planned) if draft.status in BOOKED else None,
        "analyzed_at": created + timedelta(seconds=20 + index % 70),
    }
    if index % 12 == 7:
        del fields["scheduled_date"]
    return fields


def nature(draft: Draft) -> Row:
    """What kind of document it is."""
    index = draft.index
    category = "INVOICE"
    if draft.is_credit_note:
        category = "CREDIT_NOTE"
    elif index % 15 == 8 and not draft.is_einvoice:
        category = ("EXPENSE_RECEIPT", "CARD_RECEIPT", "CREDIT_CARD_RECEIPT")[index // 15 % 3]
    elif index % 30 == 1:
        category = "OTHER_FINANCIAL_DOCUMENT"
    return {
        "declined_note": "Montant erroné, à corriger" if draft.status == "rejected" else "",
        "is_attachment_invoice": category in {"INVOICE", "CREDIT_NOTE"},
        "is_attachment_non_financial": False,
        "attachment_category": category,
        "has_duplicates": index % 19 == 0,
        "is_credit_note": draft.is_credit_note,
        "has_suggested_credit_notes": index % 17 == 0,
        "self_invoice_id": _uuid(draft) if index % 25 == 2 else None,
        "e_invoice_type": ("zugferd", "xrechnung")[index % 2] if draft.is_einvoice else None,
    }


def payments(plan: InvoicePlan, draft: Draft) -> Row:
    """Transactions, transfers and requests."""
    suggestions = None
    if draft.status in {"to_pay", "to_review"}:
        score = 0.5 + draft.random.random() / 2
        suggestions = [{"id": _uuid(draft), "score": f"{score:.2f}"}]
    fields: Row = {
        # The ledger fills these.
        "matched_transactions": [],
        "matched_transactions_ids": [],
        "transfer_ids": [_uuid(draft)] if draft.status in BOOKED else [],
        "suggested_transactions": suggestions,
        "request_transfer": None,
    }
    if draft.status in {"pending", "awaiting_payment"}:
        member = plan.members[draft.index % len(plan.members)]
        fields["request_transfer"] = {"id": _uuid(draft), "initiator_id": member}
    return fields


def workflow(plan: InvoicePlan, draft: Draft) -> Row | None:
    """Who approves it."""
    if draft.index % 5 == 4:
        return None
    members = plan.members
    first = draft.index % len(members)
    waiting = draft.status in {"to_review", "to_approve"}
    return {
        "approver_ids": [members[first], members[(first + 1) % len(members)]],
        "supplier_invoice_request_id": _uuid(draft) if draft.index % 2 else None,
        "verified_by": None if waiting else members[(first + 2) % len(members)],
        "last_approved_by": None if waiting else members[first],
    }


def actions(draft: Draft, *, complete: bool) -> Row:
    """What the app would let one do with it."""
    payable = complete and draft.status in {"to_pay", "pending"} and not draft.is_credit_note
    if payable:
        pay: list[str] = []
    elif draft.is_credit_note:
        pay = ["is_credit_note"]
    else:
        pay = ["invalid_status"] if complete else ["missing_data", "missing_iban"]
    archived = draft.status == "archived"
    deletable = draft.status in {"to_review", "discarded"}
    return {
        "delete": deletable,
        "archive": not archived,
        "unarchive": archived,
        "pay": payable,
        "reasons": {
            "pay": pay,
            "delete": [] if deletable else ["invalid_status"],
            "archive": ["invalid_status"] if archived else [],
            "unarchive": [] if archived else ["invalid_status"],
        },
    }


def events(draft: Draft) -> list[dict[str, Any]] | None:
    """The lifecycle of an e-invoice, with four fractional digits as documented."""
    if not draft.is_einvoice:
        return None
    start = draft.head.created_at + timedelta(minutes=3)
    events: list[dict[str, Any]] = []
    for step, code in enumerate((200, 202, 204, 205)[: 2 + draft.index % 3]):
        moment = (start + timedelta(hours=step)).strftime("%Y-%m-%dT%H:%M:%S")
        stamp = f"{moment}.{draft.random.randrange(10_000):04d}Z"
        event = {"status_code": code, "reason": None, "reason_message": None, "timestamp": stamp}
        events.append(event)
    if draft.status in {"rejected", "to_review"}:
        events[-1] |= {
            "status_code": 210,
            "reason": "MONTANTTOTAL_ERR",
            "reason_message": "Le montant total est erroné",
        }
    return events


def accounting(draft: Draft) -> Row | None:
    """What the accounting integration says."""
    if draft.index % 6:
        return None
    recorded = draft.head.created_at + timedelta(days=1)
    stamp = recorded.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "integration_type": ("amazon", "grover", "regate")[draft.index // 6 % 3],
        "connector": "regate" if draft.index % 12 else None,
        "accounting_recorded_at": stamp if draft.status in SETTLED else None,
        "accounting_recorded_source": "regate" if draft.status in SETTLED else None,
    }


def _uuid(draft: Draft) -> str:
    return new_uuid(draft.random)


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
