"""Supplier invoices: what is owed, to whom, and when.

Source: docs.qonto.com, "List supplier invoices", and the guide "Sync supplier invoices".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th
from typing_extensions import override

from tap_qonto.reading.by_created import CreatedAnchored
from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.streams.invoice_shapes import EVENTS
from tap_qonto.streams.shapes import (
    DAY,
    FLAG,
    MOMENT,
    MONEY,
    TEXT,
    TEXTS,
    column,
    key,
    object_of,
    objects,
    schema_of,
)

if TYPE_CHECKING:
    from tap_qonto.reading.pages import Row
    from tap_qonto.reading.ways import Way

_SUPPLIER = object_of(
    column("id", TEXT, "Id of the supplier."),
    column("name", TEXT, "Name of the supplier."),
    column("iban", TEXT, "IBAN of the supplier."),
    column("tin", TEXT, "Tax number of the supplier."),
    column("vat_number", TEXT, "VAT number of the supplier."),
    column("email", TEXT, "Email address of the supplier."),
    column("currency", TEXT, "Currency, ISO 4217 code."),
    column("status", TEXT, "Status of the supplier."),
)
_TAXES = objects(
    column("tax_rate", TEXT, "Exact decimal text; sources disagree if 20 % is 0.20 or 20."),
    column("tax_amount", MONEY, "Tax at this rate."),
)
_TRANSACTIONS = objects(
    column("transaction_id", TEXT, "Id of the transaction."),
    column("subject_id", TEXT, "Id of its subject; null in older answers."),
    column("subject_type", TEXT, "Type of its subject, such as transfer; null in older answers."),
)
_RELATED = objects(
    column("id", TEXT, "Id of the other document."),
    column("invoice_number", TEXT, "Its number."),
    column("total_amount", MONEY, "Its total amount, taxes included."),
    column("attachment_id", TEXT, "Id of its file."),
    column("file_name", TEXT, "Name of its file."),
)
_APPROVAL = object_of(
    column("approver_ids", TEXTS, "Members who can approve the invoice."),
    column("supplier_invoice_request_id", TEXT, "Approval request; null if there is none."),
    column("verified_by", TEXT, "Member who verified the invoice; null until then."),
    column("last_approved_by", TEXT, "Member who approved it last; null until then."),
)
_ACTIONS = ("delete", "archive", "unarchive", "pay")
_AVAILABLE = object_of(
    *(column(each, FLAG, f"Whether a member can {each} the invoice.") for each in _ACTIONS),
    column(
        "reasons",
        object_of(*(column(each, TEXTS, f"Why nobody can {each} it.") for each in _ACTIONS)),
        "Codes of the reasons, by action.",
    ),
)
_ACCOUNTING = object_of(
    column("integration_type", TEXT, "Integration that the invoice came from, such as amazon."),
    column("connector", TEXT, "Connector of that integration."),
    column("accounting_recorded_at", MOMENT, "When it was booked, UTC; null until then."),
    column("accounting_recorded_source", TEXT, "Who booked it; null until then."),
)


class SupplierInvoices(QontoStream):
    """Supplier invoices, including documents that await review."""

    name = "supplier_invoices"
    path = "/v2/supplier_invoices"
    scope = "supplier_invoice.read"
    collection = "supplier_invoices"
    ways: ClassVar[tuple[Way, ...]] = (UpdatedAnchored(), CreatedAnchored())
    filter_setting = "supplier_invoices_filter"
    top_level_filters = frozenset({"query", "query_fields"})
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"
    personal = frozenset({"iban", "supplier_snapshot"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the invoice."),
        th.Property(
            "updated_at",
            MOMENT,
            required=True,
            description="When the invoice was last changed, UTC; the replication key.",
        ),
        column("organization_id", TEXT, "Organization that received the invoice."),
        column(
            "status",
            TEXT,
            "to_review, to_approve, to_pay, awaiting_payment, pending, scheduled, paid, "
            "archived, rejected, or discarded; Qonto can add others.",
        ),
        column("source_type", TEXT, "email, e_invoicing, or direct_upload; Qonto can add others."),
        column("source", TEXT, "How the invoice came in, in more detail, such as email_forward."),
        column("file_name", TEXT, "Name of the document."),
        column("attachment_id", TEXT, "Id of the stored document; see `attachments`."),
        column(
            "display_attachment_id",
            TEXT,
            "Id of the document for display; can differ for e-invoices.",
        ),
        column("is_einvoice", FLAG, "Whether the document is an e-invoice."),
        column("e_invoice_type", TEXT, "zugferd or xrechnung; null elsewhere."),
        column("has_discrepancies", FLAG, "Whether Qonto found discrepancies."),
        column("created_at", MOMENT, "When the document came in, UTC."),
        column(
            "supplier_id",
            TEXT,
            "Id of the supplier; null, or a UUID of zeros, if Qonto does not know it.",
        ),
        column("supplier_name", TEXT, "Name of the supplier; null until it is known."),
        column("issuer_name", TEXT, "Name of the issuer, as read from the document."),
        column("supplier_snapshot", _SUPPLIER, "Snapshot of the supplier; null if unknown."),
        column("invoice_number", TEXT, "Number, as read from the document."),
        column("vat_number", TEXT, "VAT number of the issuer; null if none was read."),
        column("tin", TEXT, "Tax number of the issuer; null in newer answers, see `tin_number`."),
        column("tin_number", TEXT, "Tax number of the issuer; null in older answers, see `tin`."),
        column("iban", TEXT, "IBAN to pay to; null if none was read."),
        column("description", TEXT, "Description; null if there is none."),
        column("declined_note", TEXT, "Why it was rejected or archived; empty if it was not."),
        column("total_amount", MONEY, "Total amount, taxes included."),
        column("total_amount_excluding_taxes", MONEY, "Total amount, taxes excluded."),
        column("total_tax_amount", MONEY, "Total of the taxes."),
        column("taxes", _TAXES, "Taxes, by rate."),
        column("payable_amount", MONEY, "Amount that remains to be paid after credit notes."),
        column("total_amount_credit_notes", MONEY, "Total of its credit notes."),
        column("issue_date", DAY, "Issue date; null until it is read."),
        column("due_date", DAY, "Due date; null if there is none."),
        column("payment_date", DAY, "Payment date; null until it is paid."),
        column("scheduled_date", DAY, "Date of the scheduled payment; null if none is scheduled."),
        column(
            "analyzed_at",
            MOMENT,
            "When Qonto finished reading the document, UTC. Most fields are null until then.",
        ),
        column("initiator_id", TEXT, "Member who added the invoice; null if none did."),
        column("is_attachment_invoice", FLAG, "Whether the document is an invoice."),
        column(
            "is_attachment_non_financial", FLAG, "Whether the document is no financial document."
        ),
        column(
            "attachment_category",
            TEXT,
            "INVOICE, CREDIT_NOTE, EXPENSE_RECEIPT, UNKNOWN and others.",
        ),
        column("has_duplicates", FLAG, "Whether Qonto found duplicates."),
        column("is_credit_note", FLAG, "Whether it is a credit note."),
        column("has_suggested_credit_notes", FLAG, "Whether Qonto suggests credit notes for it."),
        column("self_invoice_id", TEXT, "Client invoice that it mirrors; null if there is none."),
        column("matched_transactions", _TRANSACTIONS, "Transactions that paid the invoice."),
        column(
            "matched_transactions_ids", TEXTS, "Ids of these transactions; deprecated by Qonto."
        ),
        column("transfer_ids", TEXTS, "Transfers that pay the invoice, by id."),
        column(
            "suggested_transactions",
            objects(
                column("id", TEXT, "Id of the transaction."),
                column("score", TEXT, "Likelihood, as Qonto computes it; decimal text."),
            ),
            "Transactions that Qonto suggests as its payment.",
        ),
        column(
            "request_transfer",
            object_of(
                column("id", TEXT, "Id of the request."),
                column("initiator_id", TEXT, "Member who made the request."),
            ),
            "Request to pay the invoice; null if there is none.",
        ),
        column("related_invoices", _RELATED, "Invoices and credit notes that belong together."),
        column("approval_workflow", _APPROVAL, "Who approves the invoice, and who did."),
        column("available_actions", _AVAILABLE, "What members can do with it at the moment."),
        column(
            "einvoicing_lifecycle_events",
            EVENTS,
            "Events of French e-invoicing, with codes 200 to 214.",
        ),
        column("meta", _ACCOUNTING, "Accounting integration; null without one."),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Give matched transactions one shape: Qonto sent ids, and now objects."""
        matched = row.get("matched_transactions")
        if isinstance(matched, list):
            row["matched_transactions"] = [
                {"transaction_id": item} if isinstance(item, str) else item for item in matched
            ]
        return row
