"""Payment links and terminals.

Source: docs.qonto.com, "List payment links", "List payments of a payment link",
"Retrieve the connection", "List terminals".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.paged import Paged
from tap_qonto.reading.per_parent import PerParent
from tap_qonto.reading.whole import Whole
from tap_qonto.streams.shapes import (
    FLAG,
    MOMENT,
    MONEY,
    NUMBER,
    TEXT,
    TEXTS,
    column,
    key,
    objects,
    schema_of,
)

if TYPE_CHECKING:
    from tap_qonto.reading.pages import Row

_READ = "payment_link.read"


class PaymentLinks(QontoStream):
    """Links to payment pages."""

    name = "payment_links"
    path = "/v2/payment_links"
    collection = "payment_links"
    scope = _READ
    access = "unsure"
    ways = (Paged("creation_date:asc"), Paged())
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    never_emitted = frozenset({"url"})
    personal = frozenset({"debitor_name"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the payment link."),
        column(
            "status", TEXT, "open, processing, paid, expired, or canceled; Qonto can add others."
        ),
        column("expiration_date", MOMENT, "When the link expires, UTC; null if it does not."),
        column("created_at", MOMENT, "When the link was created, UTC."),
        column("potential_payment_methods", TEXTS, "Payment methods on offer."),
        column("amount", MONEY, "Amount to pay."),
        column(
            "items",
            objects(
                column("title", TEXT, "Title of the item."),
                column("type", TEXT, "good or service; Qonto can add others."),
                column("description", TEXT, "Description; null if there is none."),
                column("quantity", NUMBER, "Quantity in `measure_unit`."),
                column("measure_unit", TEXT, "Unit, such as hour; null if none is set."),
                column("unit_price", MONEY, "Price of one unit."),
                column(
                    "vat_rate", TEXT, "VAT rate as a percentage (20 is 20 %), exact decimal text."
                ),
            ),
            "Items to pay for; empty or null if there are none.",
        ),
        column("reusable", FLAG, "Whether the link can be paid more than once."),
        column("resource_type", TEXT, "Invoice or Basket; Qonto can add others."),
        column("invoice_id", TEXT, "Client invoice to pay; null for a basket."),
        column("invoice_number", TEXT, "Number of that invoice; null for a basket."),
        column("debitor_name", TEXT, "Name of the payer; null if not known."),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Take a link out of an envelope, which pages of "Retrieve a payment link" show or lack."""
        inner = row.get("payment_link")
        return inner if isinstance(inner, dict) else row


class PaymentLinkPayments(PerParent):
    """Payments of each payment link."""

    name = "payment_link_payments"
    path = "/v2/payment_links/{id}/payments"
    collection = "payments"
    scope = _READ
    access = "unsure"
    selected_by_default = False
    parent_stream_type = PaymentLinks
    parent_key = "payment_link_id"
    ways = (Paged("creation_date:asc"), Paged())
    primary_keys: ClassVar[tuple[str, ...]] = ("payment_link_id", "id")
    personal = frozenset({"debitor_email"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("payment_link_id", "Payment link that the payment belongs to."),
        key("id", "Id of the payment."),
        column("status", TEXT, "Status of the payment; Qonto can add others."),
        column("payment_method", TEXT, "Payment method used."),
        column("amount", MONEY, "Amount paid."),
        column("created_at", MOMENT, "When the payment was created, UTC."),
        column("paid_at", MOMENT, "When it was paid, UTC; null until then."),
        column("debitor_email", TEXT, "Email address of the payer; null if not known."),
    )


class PaymentLinkConnection(QontoStream):
    """Whether the organization can use payment links; one row."""

    name = "payment_link_connection"
    path = "/v2/payment_links/connections"
    collection = ""
    scope = _READ
    access = "unsure"
    selected_by_default = False
    ways = (Whole(),)
    row_key = "organization_id"
    primary_keys: ClassVar[tuple[str, ...]] = ("organization_id",)
    never_emitted = frozenset({"connection_location"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("organization_id", "Organization that the connection belongs to."),
        column("status", TEXT, "Status of the connection."),
        column(
            "bank_account_id", TEXT, "Bank account that receives the payments; null if not set."
        ),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Add the organization, which the answer lacks ("Retrieve the connection")."""
        return {**row, "organization_id": self.run.organization_key}


class Terminals(QontoStream):
    """Card terminals; their payments are transactions."""

    name = "terminals"
    path = "/v2/terminals"
    collection = "terminals"
    scope = "terminal.read"
    access = "oauth"
    ways = (Paged(),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the terminal."),
        column("poi_id", TEXT, "Id shown by the terminal (point of interaction)."),
        column("created_at", MOMENT, "When the terminal was created, UTC."),
        column("updated_at", MOMENT, "When the terminal was last changed, UTC."),
    )
