"""Rows of seeded invoices: every field of the documented object appears in some row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fake_qonto.data.invoices.catalog import SOURCES
from tests.fake_qonto.data.invoices.facets import (
    accounting,
    actions,
    amounts,
    dates,
    events,
    nature,
    parties,
    payments,
    workflow,
)

if TYPE_CHECKING:
    from tests.fake_qonto.data.invoices.drafts import Draft
    from tests.fake_qonto.data.invoices.plan import InvoicePlan
    from tests.fake_qonto.data.records import Row


def _required(plan: InvoicePlan, draft: Draft) -> Row:
    head = draft.head
    source_type = (
        "e_invoicing" if draft.is_einvoice else ("email", "direct_upload")[draft.index % 2]
    )
    sources = SOURCES[source_type]
    return {
        "id": head.id,
        "organization_id": plan.organization_id,
        "status": draft.status,
        "source_type": source_type,
        "source": sources[draft.index % len(sources)],
        "file_name": draft.file_name,
        "attachment_id": head.attachment_id,
        "display_attachment_id": head.display_attachment_id,
        "is_einvoice": draft.is_einvoice,
        "has_discrepancies": draft.index % 13 == 4,
        "created_at": head.created_at,
        "updated_at": head.updated_at,
    }


_BUSINESS_FIELDS = (
    "e_invoice_type",
    "supplier_id",
    "supplier_name",
    "issuer_name",
    "supplier_snapshot",
    "invoice_number",
    "vat_number",
    "tin_number",
    "iban",
    "description",
    "total_amount",
    "total_amount_excluding_taxes",
    "total_tax_amount",
    "taxes",
    "payable_amount",
    "total_amount_credit_notes",
    "issue_date",
    "due_date",
    "payment_date",
    "scheduled_date",
    "analyzed_at",
    "initiator_id",
    "has_duplicates",
    "is_credit_note",
    "has_suggested_credit_notes",
    "self_invoice_id",
    "matched_transactions",
    "matched_transactions_ids",
    "transfer_ids",
    "suggested_transactions",
    "request_transfer",
    "related_invoices",
    "approval_workflow",
    "einvoicing_lifecycle_events",
    "meta",
)


def document_row(plan: InvoicePlan, draft: Draft) -> Row:
    """Return a document that awaits review: nulls, where it says anything at all."""
    row = _required(plan, draft)
    non_financial = draft.index % 5 == 1
    row |= {
        "declined_note": "",
        "is_attachment_invoice": None if draft.index % 3 == 0 else False,
        "is_attachment_non_financial": non_financial,
        "attachment_category": "OTHER_NON_FINANCIAL_DOCUMENT" if non_financial else "UNKNOWN",
        "available_actions": actions(draft, complete=False),
    }
    # One in three leaves the keys out instead of serving nulls.
    if draft.index % 3 != 2:
        row |= dict.fromkeys(_BUSINESS_FIELDS)
    return row


def complete_row(plan: InvoicePlan, draft: Draft, related: list[dict[str, Any]]) -> Row:
    """Return an invoice that has been read by OCR."""
    row = _required(plan, draft)
    row |= parties(plan, draft)
    row |= amounts(draft, related)
    row |= dates(plan, draft)
    row |= nature(draft)
    row |= payments(plan, draft)
    row |= {
        "related_invoices": related,
        "approval_workflow": workflow(plan, draft),
        "available_actions": actions(draft, complete=True),
        "einvoicing_lifecycle_events": events(draft),
        "meta": accounting(draft),
    }
    return row


def printed(row: Row, draft: Draft) -> tuple[dict[str, str], dict[str, str]]:
    """Return what the document of an invoice shows: its facts, and its amounts."""
    facts = {
        "Facture": draft.number,
        "Date": row.get("issue_date") or draft.head.created_at.date().isoformat(),
        "Échéance": row.get("due_date") or "à réception",
        "TVA": draft.supplier.vat_number,
        "IBAN": draft.supplier.iban,
    }
    shown = {
        row.get("description") or "Prestation": row.get("total_amount_excluding_taxes"),
        "TVA due": row.get("total_tax_amount"),
        "Total à payer": draft.money(),
    }
    amounts = {
        name: f"{amount['value']} {amount['currency']}" for name, amount in shown.items() if amount
    }
    return facts, amounts
