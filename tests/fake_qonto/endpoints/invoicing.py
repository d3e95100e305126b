"""Clients, client invoices, credit notes, quotes, products and reminders.

Source: docs.qonto.com, "Invoicing".
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.data.made import Draw, made, money
from tests.fake_qonto.lists.facts import Endpoint
from tests.fake_qonto.lists.filters import Choice, Days, Ids, Instants

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.lists.reader import Params
    from tests.fake_qonto.world import World

READ = "client_invoices.read"
_ADDRESS = {
    "street_address": "1 rue de la Paix",
    "city": "Paris",
    "zip_code": "75002",
    "province_code": None,
    "country_code": "FR",
}


def client(draw: Draw) -> Row:
    """Make a client; individuals have no ``name``."""
    is_person = draw.index % 4 == 3
    row: Row = {
        "id": draw.id,
        "kind": "individual" if is_person else "company",
        "type": "individual" if is_person else "company",
        "first_name": "Zoé" if is_person else None,
        "last_name": draw.words(1) if is_person else None,
        "email": f"client{draw.index}@example.com",
        "extra_emails": draw.one([], ["extra@example.com"]),
        "phone": draw.maybe({"country_code": "+33", "number": "612345678"}),
        "currency": "EUR",
        "locale": "FR",
        "vat_number": draw.maybe("FR32123456789"),
        "tax_identification_number": None,
        "recipient_code": None,
        "e_invoicing_address": None,
        "e_invoicing_reachable": draw.flip(),
        "billing_address": draw.maybe(_ADDRESS),
        "delivery_address": None,
        "address": "1 rue de la Paix",
        "city": "Paris",
        "zip_code": "75002",
        "province_code": None,
        "country_code": "FR",
        "created_at": draw.created_at,
        "updated_at": draw.updated_at,
    }
    if not is_person:
        row["name"] = draw.words()
    return row


def item(draw: Draw, vat_rate: str) -> dict[str, Any]:
    """Make a line of a document."""
    cents = draw.cents(90_000)
    return {
        "title": draw.words(),
        "description": draw.maybe(draw.words(4)),
        "quantity": draw.one("1", "2.5"),
        "unit": draw.maybe("hour"),
        "unit_price": money(cents),
        "unit_price_cents": cents,
        "vat_rate": vat_rate,
        "vat_exemption_reason": None,
        "discount": None,
        "total_vat": money(cents // 5),
        "total_vat_cents": cents // 5,
        "total_amount": money(cents + cents // 5),
        "total_amount_cents": cents + cents // 5,
        "subtotal": money(cents),
        "subtotal_cents": cents,
    }


def document(draw: Draw, vat_rate: str) -> Row:
    """Make what invoices, credit notes and quotes have in common."""
    cents = draw.cents()
    return {
        "id": draw.id,
        "number": f"F-{draw.index:05d}",
        "currency": "EUR",
        "contact_email": "billing@acme.example",
        "terms_and_conditions": draw.maybe("30 jours"),
        "header": None,
        "footer": draw.maybe("Merci"),
        "total_amount": money(cents),
        "total_amount_cents": cents,
        "vat_amount": money(cents // 6),
        "vat_amount_cents": cents // 6,
        "stamp_duty_amount": draw.maybe("2.00", 0.2),
        "issue_date": draw.day(1),
        "created_at": draw.created_at,
        "attachment_id": draw.plan.id("document", f"{draw.name}/{draw.index}"),
        "items": [item(draw, vat_rate) for _ in range(draw.one(1, 2, 3))],
        "client": {
            "id": draw.other("clients"),
            "type": "company",
            "name": draw.words(),
            "email": "client@example.com",
            "vat_number": None,
            "billing_address": _ADDRESS,
            "recipient_code": None,
        },
    }


def organization(draw: Draw) -> dict[str, Any]:
    """Make the issuer as it was then."""
    return {
        "id": draw.plan.organization_id,
        "legal_name": "Acme Corp SAS",
        "legal_number": "819489626",
        "legal_country": "FR",
        "address_line_1": "18 rue de Navarin",
        "address_city": "Paris",
        "vat_number": "FR00819489626",
        "legal_capital_share": money(1_000_000),
        "transaction_type": None,
    }


def invoice(draw: Draw) -> Row:
    """Make a client invoice; drafts have no number, lines or PDF."""
    status = draw.one("draft", "unpaid", "paid", "canceled")
    due = draw.day()
    if status == "unpaid":
        # What is still due falls due around today, however old the world is.
        due = (draw.plan.today + timedelta(days=draw.index * 11 % 61 - 20)).date().isoformat()
    row = document(draw, "0.2") | {
        "organization_id": draw.plan.organization_id,
        "client_id": draw.other("clients"),
        "invoice_number": f"F-{draw.index:05d}",
        "status": status,
        "invoice_type": "standard",
        "purchase_order": draw.maybe("PO-1"),
        "discount_conditions": None,
        "late_payment_penalties": draw.maybe("3 x"),
        "legal_fixed_compensation": "40",
        "invoice_url": f"https://pay.example/{draw.id}",
        "amount_paid": money(0),
        "deposit_amount": None,
        "due_date": due,
        "performance_date": None,
        "performance_start_date": draw.maybe("2025-01-01"),
        "performance_end_date": None,
        "updated_at": draw.updated_at,
        "finalized_at": None if status == "draft" else draw.updated_at,
        "paid_at": draw.updated_at if status == "paid" else None,
        "payment_methods": [
            {"type": "transfer", "iban": draw.iban(), "bic": None, "beneficiary_name": "Acme"}
        ],
        "credit_notes_ids": [],
        "discount": draw.maybe({"type": "percentage", "value": "10", "amount": money(100)}),
        "organization": organization(draw),
        "einvoicing_status": draw.maybe("pending"),
        "einvoicing_lifecycle_events": draw.one(
            [],
            [
                {
                    "status_code": 200,
                    "reason": None,
                    "reason_message": None,
                    "timestamp": "2025-01-02T03:04:05.678Z",
                }
            ],
        ),
        "welfare_fund": None,
        "withholding_tax": draw.maybe(
            {"reason": "RF01", "rate": "20", "payment_reason": "A", "amount": "12.50"}
        ),
        "payment_reporting": None,
        "_imported": draw.index % 6 == 5,
    }
    if status == "draft":
        row |= {"number": None, "invoice_number": None, "items": None, "attachment_id": None}
    return row


def hides_imported(_: World, params: Params) -> Callable[[Row], Any] | None:
    """Leave out imported invoices, unless told otherwise."""
    if ("exclude_imported", "false") in params:
        return None
    return lambda row: row["_imported"]


def credit_note(draw: Draw) -> Row:
    """Make a credit note; some spell a field as the sandbox does."""
    spelt = "Invoice_issue_date" if draw.index % 2 else "invoice_issue_date"
    return document(draw, "0.2") | {
        "invoice_id": draw.other("client_invoices"),
        "invoice_url": f"https://pay.example/{draw.id}",
        spelt: draw.day(),
        "reason": draw.maybe("Retour"),
        "finalized_at": draw.updated_at,
        "einvoicing_status": None,
        "einvoicing_lifecycle_events": [],
        "welfare_fund": {"type": "TC01", "rate": "4"},
        "withholding_tax": None,
    }


def quote(draw: Draw) -> Row:
    """Make a quote."""
    return document(draw, "20") | {
        "organization_id": draw.plan.organization_id,
        "client_id": draw.other("clients"),
        "status": draw.one("pending_approval", "approved", "canceled"),
        "expiry_date": draw.day(),
        "approved_at": draw.maybe(draw.after()),
        "canceled_at": None,
        "quote_url": f"https://quotes.example/{draw.id}",
        "invoice_ids": [],
        "discount": draw.maybe({"type": "amount", "value": "5", "amount_cents": 500}),
        "organization": organization(draw),
        "welfare_fund": {"type": "TC01", "rate": "4", "amount": money(400)},
    }


def product(draw: Draw) -> Row:
    """Make a product."""
    return {
        "id": draw.id,
        "title": draw.words(),
        "type": draw.one("good", "service"),
        "unit": draw.maybe("hour"),
        "description": draw.maybe(draw.words(5)),
        "internal_note": None,
        "vat_exemption_code": None,
        "organization_id": draw.plan.organization_id,
        "unit_price": money(draw.cents()),
        "vat_rate": "0.2",
        "links": [{"title": "Page", "url": "https://acme.example/page"}],
        "created_at": draw.created_at,
        "updated_at": draw.updated_at,
    }


def reminder(draw: Draw) -> Row:
    """Make the reminders of a client."""
    return {
        "id": draw.id,
        "client_id": draw.plan.id("clients", draw.index),
        "send_to": ["client@example.com"],
        "copy_to_self": draw.flip(),
        "rules": [{"email_title": "Rappel", "email_body": "Bonjour", "offset_days": -3}],
    }


def einvoicing(draw: Draw) -> Row:
    """Make the settings of e-invoicing."""
    return {"_key": "settings", "sending_status": "enabled", "receiving_status": "pending_creation"}


_BY_CREATION = ("created_at",)
_CREATED = (Instants("created_at"),)
INVOICING = (
    Endpoint(
        "clients", "/v2/clients", "client.read", "clients",
        made("clients", client, ("updated_at", "created_at")), single="client",
        filters=(Instants("updated_at"), Choice("name"), Choice("email")),
        sorts=("created_at", "updated_at", "name"), order="name:asc", per_page=25,
        indexed=("updated_at", "created_at"), previous="previous_page", text="email",
    ),
    Endpoint(
        "client_invoices", "/v2/client_invoices", READ, "client_invoices",
        made("client_invoices", invoice, ("created_at", "updated_at")), single="client_invoice",
        filters=(Instants("created_at"), Instants("updated_at"), Days("due_date"),
        Choice("status", comma=True)),
        sorts=_BY_CREATION, order="created_at:desc", indexed=("created_at", "updated_at"),
        blank=("finalized_at", "paid_at"), hides=hides_imported, text="footer", has_files=True,
        previous="previous_page",
    ),
    Endpoint(
        "credit_notes", "/v2/credit_notes", READ, "credit_notes",
        made("credit_notes", credit_note, _BY_CREATION), rows=12, single="credit_note",
        filters=_CREATED, sorts=_BY_CREATION, order="created_at:desc", indexed=_BY_CREATION,
        text="footer", has_files=True,
    ),
    Endpoint(
        "quotes", "/v2/quotes", READ, "quotes", made("quotes", quote, _BY_CREATION), rows=15,
        single="quote", filters=(*_CREATED, Choice("status", comma=True)), sorts=_BY_CREATION,
        order="created_at:desc", indexed=_BY_CREATION, total="total", most=500,
        blank=("canceled_at",), text="footer", has_files=True,
    ),
    Endpoint(
        "products", "/v2/products", "product.read", "products",
        made("products", product, _BY_CREATION), rows=12, single="product",
        filters=(Choice("type", allowed=("good", "service")),), sorts=("created_at", "title"),
        order="title:asc", indexed=_BY_CREATION, text="title",
    ),
    Endpoint(
        "reminders", "/v2/reminders", READ, "reminders", made("reminders", reminder), rows=5,
        single="reminder", filters=(Ids("client_ids", field="client_id", comma=True),), most=500,
        text="client_id",
    ),
    Endpoint(
        "einvoicing_settings", "/v2/einvoicing/settings", "einvoicing.read", "",
        made("einvoicing_settings", einvoicing), rows=1, one=True, auth="oauth",
    ),
)  # fmt: skip
