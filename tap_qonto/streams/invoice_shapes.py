"""Shapes that client invoices, credit notes, quotes and clients share.

Source: docs.qonto.com, "List client invoices", "List credit notes", "List quotes".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_qonto.streams.shapes import (
    DAY,
    INTEGER,
    MOMENT,
    MONEY,
    TEXT,
    cents,
    column,
    object_of,
    objects,
)

if TYPE_CHECKING:
    from singer_sdk import typing as th

PERSONAL = frozenset({"contact_email", "client"})

ADDRESS = object_of(
    column("street_address", TEXT, "Street and number."),
    column("city", TEXT, "City."),
    column("zip_code", TEXT, "Postal code."),
    column("province_code", TEXT, "Province; null if there is none."),
    column("country_code", TEXT, "Country, ISO 3166 code."),
)
OLD_ADDRESS = (
    column("address", TEXT, "Street and number; deprecated by Qonto."),
    column("city", TEXT, "City; deprecated by Qonto."),
    column("zip_code", TEXT, "Postal code; deprecated by Qonto."),
    column("province_code", TEXT, "Province; deprecated by Qonto."),
    column("country_code", TEXT, "Country, ISO 3166 code; deprecated by Qonto."),
)
PHONE = object_of(
    column("country_code", TEXT, "Country calling code, such as +33."),
    column("number", TEXT, "Number, as Qonto gives it."),
)
CLIENT = object_of(
    column("id", TEXT, "Id of the client."),
    column("type", TEXT, "company, individual, or freelancer; Qonto can add others."),
    column("name", TEXT, "Company name; null for individuals."),
    column("first_name", TEXT, "First name; null if not set."),
    column("last_name", TEXT, "Last name; null if not set."),
    column("email", TEXT, "Email address; null if none is set."),
    column("currency", TEXT, "Currency, ISO 4217 code."),
    column("locale", TEXT, "Language, such as fr."),
    column("vat_number", TEXT, "VAT number; null if none is set."),
    column("tax_identification_number", TEXT, "Tax number; null if none is set."),
    column("recipient_code", TEXT, "Recipient code for Italian e-invoices; null elsewhere."),
    column("billing_address", ADDRESS, "Billing address; null if none is set."),
    column("delivery_address", ADDRESS, "Delivery address; null if none is set."),
    *OLD_ADDRESS,
)
DISCOUNT = object_of(
    column("type", TEXT, "percentage, absolute, or amount."),
    column(
        "value",
        TEXT,
        "Percentage, or amount in the document's currency; see `type`. Exact decimal text.",
    ),
    column("amount", MONEY, "Amount of the discount."),
    cents("amount"),
)
ORGANIZATION = object_of(
    *(
        column(name, TEXT, description)
        for name, description in (
            ("id", "Id of the organization."),
            ("legal_name", "Registered name."),
            ("legal_number", "Registration number."),
            ("legal_country", "Country of registration."),
            ("address_line_1", "Address, first line."),
            ("address_line_2", "Address, second line; null if there is none."),
            ("address_zipcode", "Postal code."),
            ("address_city", "City."),
            ("address_country", "Country of the address."),
            ("company_leadership", "Managing directors, on German documents; else null."),
            ("district_court", "District court, on German documents; else null."),
            (
                "commercial_register_number",
                "Commercial register number, on German documents; else null.",
            ),
            ("vat_number", "VAT number; null if there is none."),
            ("tax_number", "Tax number; null if there is none."),
            ("transaction_type", "Type of transactions, for VAT; null if not stated."),
            ("vat_payment_condition", "When VAT becomes due; null if not stated."),
        )
    ),
    column("legal_capital_share", MONEY, "Share capital; null if not stated."),
)
EVENTS = objects(
    column("status_code", INTEGER, "Code of the event."),
    column("reason", TEXT, "Reason code; null if there is none."),
    column("reason_message", TEXT, "Reason in words; null if there is none."),
    column("timestamp", MOMENT, "When it happened, UTC."),
)


def items(vat_scale: str) -> th.ArrayType[Any]:
    """Return the type of a document's lines.

    Args:
        vat_scale: Scale of ``vat_rate`` in words, as it differs by kind of document.
    """
    return objects(
        column("title", TEXT, "Title of the line."),
        column("description", TEXT, "Description; null if there is none."),
        column("quantity", TEXT, "Quantity in `unit`, exact decimal text."),
        column("unit", TEXT, "Unit, such as hour; null if none is set."),
        column("unit_price", MONEY, "Price of one unit, VAT excluded."),
        cents("unit_price"),
        column("vat_rate", TEXT, f"VAT rate as {vat_scale}, exact decimal text."),
        column("vat_exemption_reason", TEXT, "Reason for VAT exemption; null if VAT applies."),
        column("discount", DISCOUNT, "Discount on the line; null if there is none."),
        column("total_vat", MONEY, "VAT of the line."),
        cents("total_vat"),
        column("total_amount", MONEY, "Amount of the line, VAT included."),
        cents("total_amount"),
        column("subtotal", MONEY, "Amount of the line, VAT excluded."),
        cents("subtotal"),
    )


def document(vat_scale: str) -> tuple[th.Property[Any], ...]:
    """Return the columns of client invoices, credit notes and quotes alike.

    Args:
        vat_scale: Scale of the lines' ``vat_rate`` in words.
    """
    return (
        column("number", TEXT, "Number; null on drafts."),
        column("currency", TEXT, "Currency of the document, ISO 4217 code."),
        column("contact_email", TEXT, "Email address of the issuer; null if none is set."),
        column("terms_and_conditions", TEXT, "Terms and conditions; null if there are none."),
        column("header", TEXT, "Text above the lines; null if there is none."),
        column("footer", TEXT, "Text below the lines; null if there is none."),
        column("total_amount", MONEY, "Total amount, VAT included."),
        cents("total_amount"),
        column("vat_amount", MONEY, "Total VAT."),
        cents("vat_amount"),
        column(
            "stamp_duty_amount",
            TEXT,
            "Italian stamp duty in EUR, exact decimal text; null if there is none.",
        ),
        column("issue_date", DAY, "Issue date."),
        column("created_at", MOMENT, "When the document was created, UTC."),
        column("attachment_id", TEXT, "Id of the PDF; null until Qonto has made it."),
        column("items", items(vat_scale), "Lines; null on some drafts."),
        column("client", CLIENT, "Snapshot of the client; null if Qonto sends none."),
    )


WITHHOLDING = object_of(
    column("reason", TEXT, "Reason code."),
    column("rate", TEXT, "Rate, exact decimal text; Qonto does not document its scale."),
    column("payment_reason", TEXT, "Payment reason code."),
    column("amount", TEXT, "Amount in the document's currency, exact decimal text."),
)
WELFARE = object_of(
    column("type", TEXT, "Type of fund."),
    column("rate", TEXT, "Rate, exact decimal text; Qonto does not document its scale."),
    column("amount", MONEY, "Amount; null except on quotes."),
)
