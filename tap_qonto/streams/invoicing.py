"""Client invoices, credit notes and quotes.

Source: docs.qonto.com, "List client invoices", "List credit notes", "List quotes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_qonto.reading.by_created import CreatedAnchored
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.paged import Paged
from tap_qonto.streams.invoice_shapes import (
    DISCOUNT,
    EVENTS,
    ORGANIZATION,
    PERSONAL,
    WELFARE,
    WITHHOLDING,
    document,
)
from tap_qonto.streams.shapes import (
    DAY,
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

_READ = "client_invoices.read"
_IN_FULL = (CreatedAnchored(has_updated=False), Paged("created_at:asc"), Paged())


class ClientInvoices(QontoStream):
    """Invoices to clients, including drafts and imported invoices."""

    name = "client_invoices"
    path = "/v2/client_invoices"
    collection = "client_invoices"
    scope = _READ
    ways = (CreatedAnchored(may_be_null=True), *_IN_FULL)
    # One page of the documentation demands at least 100 rows for each page.
    smallest_page = 100
    single = ("/v2/client_invoices/{id}", "client_invoice")
    # By default, Qonto leaves out imported invoices ("List client invoices").
    params = (("exclude_imported", "false"),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"
    never_emitted = frozenset({"invoice_url"})
    personal = PERSONAL | {"organization", "payment_methods"}

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the invoice."),
        column(
            "updated_at",
            MOMENT,
            "When the invoice was last changed, UTC; the replication key.",
        ),
        column("organization_id", TEXT, "Organization that issued the document."),
        column("client_id", TEXT, "Client that the document is for."),
        column("invoice_number", TEXT, "Older name of `number`; null on drafts."),
        column("status", TEXT, "draft, unpaid, paid, or canceled; Qonto can add others."),
        column("invoice_type", TEXT, "standard, deposit, or balance; Qonto can add others."),
        column(
            "purchase_order", TEXT, "Purchase order number of the client; null if there is none."
        ),
        column("discount_conditions", TEXT, "Early payment discount terms; null if none."),
        column("late_payment_penalties", TEXT, "Late payment penalty terms; null if none."),
        column(
            "legal_fixed_compensation", TEXT, "Fixed compensation for late payment; null if none."
        ),
        *document("a fraction (0.2 is 20 %)"),
        column("amount_paid", MONEY, "Amount paid so far."),
        column("deposit_amount", MONEY, "Deposit; observed only as null."),
        column("due_date", DAY, "Due date."),
        column("performance_date", DAY, "Date of delivery or service; deprecated by Qonto."),
        column("performance_start_date", DAY, "First day of delivery or service; null if not set."),
        column("performance_end_date", DAY, "Last day of delivery or service; null if not set."),
        column("finalized_at", MOMENT, "When the invoice was finalized, UTC; null on drafts."),
        column("paid_at", MOMENT, "When it was paid, UTC; null until then. Can be set by hand."),
        column(
            "payment_methods",
            objects(
                column("type", TEXT, "Type, such as transfer."),
                column("iban", TEXT, "IBAN of the account to pay to."),
                column("bic", TEXT, "BIC of that account; null if not set."),
                column("beneficiary_name", TEXT, "Name of the account holder."),
            ),
            "Ways to pay the invoice.",
        ),
        column("credit_notes_ids", TEXTS, "Ids of its credit notes; grows as they are issued."),
        column("discount", DISCOUNT, "Discount on the total; null if there is none."),
        column("organization", ORGANIZATION, "Snapshot of the organization."),
        column(
            "einvoicing_status",
            TEXT,
            "Status of the e-invoice, such as pending; null if none was sent.",
        ),
        column("einvoicing_lifecycle_events", EVENTS, "What happened to the e-invoice, in order."),
        column("welfare_fund", WELFARE, "Italian welfare fund; null elsewhere."),
        column("withholding_tax", WITHHOLDING, "Italian withholding tax; null elsewhere."),
        column(
            "payment_reporting",
            object_of(
                column("conditions", TEXT, "Payment terms."),
                column("method", TEXT, "Payment method."),
            ),
            "Italian payment details; null elsewhere.",
        ),
    )

    @override
    def awaits(self, row: Row) -> bool:
        """Tell whether the PDF of a final invoice is to come; Qonto makes it some time after."""
        status = row.get("status")
        is_final = isinstance(status, str) and status not in {"", "draft"}
        return is_final and not row.get("attachment_id")


class CreditNotes(QontoStream):
    """Credit notes for client invoices."""

    name = "credit_notes"
    path = "/v2/credit_notes"
    collection = "credit_notes"
    scope = _READ
    ways = _IN_FULL
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    never_emitted = frozenset({"invoice_url"})
    personal = PERSONAL

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the credit note."),
        column("invoice_id", TEXT, "Client invoice that the note corrects."),
        *document("a fraction (0.2 is 20 %)"),
        column("invoice_issue_date", DAY, "Issue date of that invoice."),
        column("reason", TEXT, "Why the note was issued; null if not stated."),
        column("finalized_at", MOMENT, "When the note was finalized, UTC."),
        column(
            "einvoicing_status",
            TEXT,
            "Status of the e-invoice, such as pending; null if none was sent.",
        ),
        column("einvoicing_lifecycle_events", EVENTS, "What happened to the e-invoice, in order."),
        column("welfare_fund", WELFARE, "Italian welfare fund; null elsewhere."),
        column("withholding_tax", WITHHOLDING, "Italian withholding tax; null elsewhere."),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Accept the sandbox's spelling, ``Invoice_issue_date`` ("List credit notes", observed)."""
        row = dict(row)
        spelt = row.pop("Invoice_issue_date", None)
        return {**row, "invoice_issue_date": row.get("invoice_issue_date") or spelt}


class Quotes(QontoStream):
    """Quotes for clients."""

    name = "quotes"
    path = "/v2/quotes"
    collection = "quotes"
    scope = _READ
    access = "unsure"
    ways = _IN_FULL
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    never_emitted = frozenset({"quote_url", "invoice_url"})
    personal = PERSONAL | {"organization"}

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the quote."),
        column("organization_id", TEXT, "Organization that issued the document."),
        column("client_id", TEXT, "Client that the document is for."),
        column("status", TEXT, "pending_approval, approved, or canceled; Qonto can add others."),
        *document("a percentage (20 is 20 %)"),
        column("expiry_date", DAY, "Last day on which the quote is valid."),
        column("approved_at", MOMENT, "When the quote was approved, UTC; null until then."),
        column("canceled_at", MOMENT, "When the quote was canceled, UTC; null unless it was."),
        column(
            "invoice_ids", TEXTS, "Ids of the client invoices made from it; grows as they are made."
        ),
        column("discount", DISCOUNT, "Discount on the total; null if there is none."),
        column("organization", ORGANIZATION, "Snapshot of the organization."),
        column("welfare_fund", WELFARE, "Italian welfare fund; null elsewhere."),
        column("withholding_tax", WITHHOLDING, "Italian withholding tax; null elsewhere."),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Take a quote out of an envelope, which pages of "Retrieve a quote" show or lack."""
        inner = row.get("quote")
        return inner if isinstance(inner, dict) else row
