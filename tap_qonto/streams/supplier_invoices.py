"""Supplier invoices: what is owed, to whom, and when.

Source: docs.qonto.com, "List supplier invoices", and the guide "Sync supplier invoices".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th
from typing_extensions import override

from tap_qonto.reading.by_time import CreatedAnchored, UpdatedAnchored
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.streams.shapes import (
    DAY,
    FLAG,
    MOMENT,
    MONEY,
    TEXT,
    TEXTS,
    extra_fields,
    objects,
)

if TYPE_CHECKING:
    from tap_qonto.reading.pages import Row
    from tap_qonto.reading.ways import Way

_P = th.Property

_SUPPLIER = th.ObjectType(
    *(
        _P(name, TEXT)
        for name in (
            "id",
            "name",
            "iban",
            "tin",
            "vat_number",
            "email",
            "currency",
            "status",
        )
    )
)
_TAX = objects(
    _P("tax_rate", TEXT, description="As Qonto gives it: fraction or percentage."),
    _P("tax_amount", MONEY),
)
_TRANSACTION = objects(_P("transaction_id", TEXT), _P("subject_id", TEXT), _P("subject_type", TEXT))
_RELATED = objects(
    _P("id", TEXT),
    _P("invoice_number", TEXT),
    _P("total_amount", MONEY),
    _P("attachment_id", TEXT),
    _P("file_name", TEXT),
)
_APPROVAL = th.ObjectType(
    _P("approver_ids", TEXTS),
    _P("supplier_invoice_request_id", TEXT),
    _P("verified_by", TEXT),
    _P("last_approved_by", TEXT),
)
_ACTIONS = ("delete", "archive", "unarchive", "pay")
_AVAILABLE = th.ObjectType(
    *(_P(action, FLAG) for action in _ACTIONS),
    _P("reasons", th.ObjectType(*(_P(action, TEXTS) for action in _ACTIONS))),
)
_EVENT = objects(
    _P("status_code", th.IntegerType),
    _P("reason", TEXT),
    _P("reason_message", TEXT),
    _P("timestamp", MOMENT),
)
_ACCOUNTING = th.ObjectType(
    _P("integration_type", TEXT),
    _P("connector", TEXT),
    _P("accounting_recorded_at", MOMENT),
    _P("accounting_recorded_source", TEXT),
)


class SupplierInvoices(QontoStream):
    """Stream of supplier invoices and documents that await review as such."""

    name = "supplier_invoices"
    path = "/v2/supplier_invoices"
    scope = "supplier_invoice.read"
    collection = "supplier_invoices"
    ways: ClassVar[tuple[Way, ...]] = (UpdatedAnchored(), CreatedAnchored())
    filter_setting = "supplier_invoices_filter"
    top_level_filters = frozenset({"query", "query_fields"})
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"

    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        _P("id", TEXT, required=True, description="Id of the invoice."),
        _P(
            "updated_at",
            MOMENT,
            required=True,
            description="Last change, UTC; the replication key.",
        ),
        _P("organization_id", TEXT, description="Organization that owes."),
        _P(
            "status",
            TEXT,
            description=(
                "to_review, to_approve, to_pay, awaiting_payment, pending, scheduled, "
                "paid, archived, rejected, discarded; open to new ones."
            ),
        ),
        _P("source_type", TEXT, description="email, e_invoicing, direct_upload."),
        _P("source", TEXT, description="How it came in, in more detail."),
        _P("file_name", TEXT, description="Name of the document."),
        _P("attachment_id", TEXT, description="Stored document; see attachments."),
        _P(
            "display_attachment_id",
            TEXT,
            description="Document for display; can differ for e-invoices.",
        ),
        _P("is_einvoice", FLAG, description="Whether it is an electronic invoice."),
        _P("e_invoice_type", TEXT, description="zugferd or xrechnung."),
        _P("has_discrepancies", FLAG, description="Whether Qonto sees discrepancies."),
        _P("created_at", MOMENT, description="When it came in, UTC."),
        _P("supplier_id", TEXT, description="Id of the supplier."),
        _P("supplier_name", TEXT, description="Name of the supplier."),
        _P("issuer_name", TEXT, description="Name read from the document."),
        _P("supplier_snapshot", _SUPPLIER, description="The supplier as it was then."),
        _P("invoice_number", TEXT, description="Number read from the document."),
        _P("vat_number", TEXT, description="VAT number of the issuer."),
        _P("tin", TEXT, description="Tax number of the issuer, older name."),
        _P("tin_number", TEXT, description="Tax number of the issuer, newer name."),
        _P("iban", TEXT, description="IBAN to pay to."),
        _P("description", TEXT, description="Description."),
        _P("declined_note", TEXT, description="Why it was rejected or archived."),
        _P("total_amount", MONEY, description="Amount with taxes."),
        _P("total_amount_excluding_taxes", MONEY, description="Amount without taxes."),
        _P("total_tax_amount", MONEY, description="Amount of taxes."),
        _P("taxes", _TAX, description="Taxes by rate."),
        _P("payable_amount", MONEY, description="What remains after credit notes."),
        _P("total_amount_credit_notes", MONEY, description="Sum of its credit notes."),
        _P("issue_date", DAY, description="Day of issue."),
        _P("due_date", DAY, description="Day on which it is due."),
        _P("payment_date", DAY, description="Day of payment."),
        _P("scheduled_date", DAY, description="Day for which payment is planned."),
        _P(
            "analyzed_at",
            MOMENT,
            description="End of text recognition, UTC; before it, most fields are null.",
        ),
        _P("initiator_id", TEXT, description="Member who brought it in."),
        _P("is_attachment_invoice", FLAG, description="The document is an invoice."),
        _P(
            "is_attachment_non_financial",
            FLAG,
            description="The document has nothing to do with money.",
        ),
        _P(
            "attachment_category",
            TEXT,
            description="INVOICE, CREDIT_NOTE, EXPENSE_RECEIPT, UNKNOWN and more.",
        ),
        _P("has_duplicates", FLAG, description="Whether Qonto sees duplicates."),
        _P("is_credit_note", FLAG, description="Whether it is a credit note."),
        _P(
            "has_suggested_credit_notes",
            FLAG,
            description="Whether credit notes may belong to it.",
        ),
        _P("self_invoice_id", TEXT, description="Client invoice that it mirrors."),
        _P(
            "matched_transactions",
            _TRANSACTION,
            description="Transactions that paid it; always objects.",
        ),
        _P(
            "matched_transactions_ids",
            TEXTS,
            description="Ids of these transactions; deprecated by Qonto.",
        ),
        _P("transfer_ids", TEXTS, description="Transfers that pay it."),
        _P(
            "suggested_transactions",
            objects(_P("id", TEXT), _P("score", TEXT)),
            description="Transactions that may belong to it; computed by Qonto.",
        ),
        _P(
            "request_transfer",
            th.ObjectType(_P("id", TEXT), _P("initiator_id", TEXT)),
            description="Request for its payment.",
        ),
        _P(
            "related_invoices",
            _RELATED,
            description="Invoices and credit notes that belong together.",
        ),
        _P("approval_workflow", _APPROVAL, description="Who approves, who has."),
        _P(
            "available_actions",
            _AVAILABLE,
            description="What can be done with it; computed by Qonto.",
        ),
        _P(
            "einvoicing_lifecycle_events",
            _EVENT,
            description="Events of French electronic invoicing, codes 200 to 214.",
        ),
        _P("meta", _ACCOUNTING, description="Facts of the accounting integration."),
        extra_fields(),
    ).to_dict()

    @override
    def prepare(self, row: Row) -> Row:
        """Give matched transactions one shape: Qonto sent ids, and now objects."""
        matched = row.get("matched_transactions")
        if isinstance(matched, list):
            row["matched_transactions"] = [
                {"transaction_id": item} if isinstance(item, str) else item for item in matched
            ]
        return row
