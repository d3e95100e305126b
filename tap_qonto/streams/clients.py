"""Clients, and what invoices to them need: products, reminders, e-invoicing settings.

Source: docs.qonto.com, "List clients", "List products", "List reminders", "Retrieve
e-invoicing settings".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.paged import Paged
from tap_qonto.reading.whole import Whole
from tap_qonto.streams.invoice_shapes import ADDRESS, OLD_ADDRESS, PHONE
from tap_qonto.streams.shapes import (
    FLAG,
    INTEGER,
    MOMENT,
    MONEY,
    TEXT,
    TEXTS,
    column,
    key,
    objects,
    schema_of,
)

if TYPE_CHECKING:
    from tap_qonto.reading.pages import Row


class Clients(QontoStream):
    """Clients of the organization: who receives invoices and quotes."""

    name = "clients"
    path = "/v2/clients"
    collection = "clients"
    scope = "client.read"
    # The filter is missing on an older page of the documents, so it may have no effect.
    ways = (UpdatedAnchored(needs_probe=True), Paged("created_at:asc"), Paged())
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"
    personal = frozenset(
        {
            "name",
            "first_name",
            "last_name",
            "email",
            "extra_emails",
            "phone",
            "phone_number",
            "billing_address",
            "delivery_address",
            "address",
            "city",
            "zip_code",
            "province_code",
            "country_code",
        }
    )

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the client."),
        column("updated_at", MOMENT, "When the client was last changed, UTC; the replication key."),
        column("created_at", MOMENT, "When the client was created, UTC."),
        column("kind", TEXT, "company, individual, or freelancer; Qonto can add others."),
        column("type", TEXT, "Same as `kind`; deprecated by Qonto."),
        column("name", TEXT, "Company name; null for individuals."),
        column("first_name", TEXT, "First name; null if not set."),
        column("last_name", TEXT, "Last name; null if not set."),
        column("email", TEXT, "Email address; null if none is set."),
        column("extra_emails", TEXTS, "More email addresses; empty or null if none is set."),
        column("phone", PHONE, "Phone number; null if none is set."),
        column("phone_number", TEXT, "Phone number in Qonto's older form; null on newer answers."),
        column("currency", TEXT, "Currency that the client is invoiced in, ISO 4217 code."),
        column("locale", TEXT, "Language of the documents for the client, such as fr."),
        column("vat_number", TEXT, "VAT number; null if none is set."),
        column("tax_identification_number", TEXT, "Tax number; null if none is set."),
        column("recipient_code", TEXT, "Recipient code for Italian e-invoices; null elsewhere."),
        column("e_invoicing_address", TEXT, "E-invoicing address; null if none is known."),
        column("e_invoicing_reachable", FLAG, "Whether the client can receive e-invoices."),
        column("billing_address", ADDRESS, "Billing address; null if none is set."),
        column("delivery_address", ADDRESS, "Delivery address; null if none is set."),
        *OLD_ADDRESS,
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Take addresses that come as objects out of them (clients of both forms were observed)."""
        emails = row.get("extra_emails")
        if not isinstance(emails, list):
            return row
        texts = [each.get("email") if isinstance(each, dict) else each for each in emails]
        return {**row, "extra_emails": texts}


class Products(QontoStream):
    """Goods and services for sale."""

    name = "products"
    path = "/v2/products"
    collection = "products"
    scope = "product.read"
    ways = (Paged("created_at:asc"), Paged())
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the product."),
        column("organization_id", TEXT, "Organization that sells the product."),
        column("title", TEXT, "Title, as printed on invoices."),
        column("type", TEXT, "good or service; Qonto can add others."),
        column("unit", TEXT, "Unit of sale, such as hour; null if none is set."),
        column("description", TEXT, "Description; null if none is set."),
        column("internal_note", TEXT, "Note that clients do not see; null if none is set."),
        column("vat_exemption_code", TEXT, "Reason for VAT exemption; null if VAT applies."),
        column("unit_price", MONEY, "Price of one unit, VAT excluded."),
        column("vat_rate", TEXT, "VAT rate as a fraction (0.2 is 20 %), exact decimal text."),
        column(
            "links",
            objects(
                column("title", TEXT, "Text of the link."), column("url", TEXT, "Web address.")
            ),
            "Web pages about the product; empty or null if there are none.",
        ),
        column("created_at", MOMENT, "When the product was created, UTC."),
        column("updated_at", MOMENT, "When the product was last changed, UTC."),
    )


class Reminders(QontoStream):
    """Payment reminder rules, at most one set per client."""

    name = "reminders"
    path = "/v2/reminders"
    collection = "reminders"
    scope = "client_invoices.read"
    access = "unsure"
    ways = (Paged(),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    personal = frozenset({"send_to"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the reminder; the client's id if Qonto sends none."),
        column("client_id", TEXT, "Client that is reminded."),
        column("send_to", TEXTS, "Email addresses that receive the reminders."),
        column("copy_to_self", FLAG, "Whether the sender receives a copy."),
        column(
            "rules",
            objects(
                column("email_title", TEXT, "Subject of the email."),
                column("email_body", TEXT, "Text of the email."),
                column("offset_days", INTEGER, "Days after the due date; negative before it."),
            ),
            "Emails to send, and when.",
        ),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Use the client's id if there is none, as each client has one reminder at most.

        Qonto documents no answer ("List reminders"); the body to write one has no id.
        """
        return {**row, "id": row.get("id") or row.get("client_id")}


class EinvoicingSettings(QontoStream):
    """Whether the organization can send and receive e-invoices; one row."""

    name = "einvoicing_settings"
    path = "/v2/einvoicing/settings"
    collection = ""
    scope = "einvoicing.read"
    access = "oauth"
    ways = (Whole(),)
    row_key = "organization_id"
    primary_keys: ClassVar[tuple[str, ...]] = ("organization_id",)

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("organization_id", "Organization that the settings belong to."),
        column("sending_status", TEXT, "enabled or pending_creation; Qonto can add others."),
        column("receiving_status", TEXT, "enabled or pending_creation; Qonto can add others."),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Add the organization, which the answer lacks ("Retrieve e-invoicing settings")."""
        return {**row, "organization_id": self.run.organization_key}
