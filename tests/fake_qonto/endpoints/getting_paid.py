"""Direct debits, payment links and terminals.

Source: docs.qonto.com, "Getting paid".
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from tests.fake_qonto.data.made import Draw, made, money
from tests.fake_qonto.lists.facts import Endpoint
from tests.fake_qonto.lists.filters import Choice, Ids

if TYPE_CHECKING:
    from tests.fake_qonto.data.records import Row

DEBIT, LINK = "sepa_direct_debit.read", "payment_link.read"


def mandate(draw: Draw) -> Row:
    """Make a mandate; who has the URL can sign it."""
    is_signed = draw.index % 3 != 0
    return {
        "id": draw.id,
        "client_id": draw.other("clients"),
        "unique_mandate_reference": f"UMR-{draw.index}",
        "status": "signed" if is_signed else "pending_signature",
        "created_at": draw.created_at,
        "mandate_signature_date": draw.after() if is_signed else None,
        "schedule_type": "monthly",
        "notify_client": True,
        "is_cancelable": draw.flip(),
        "sign_url": None if is_signed else f"https://sign.example/{draw.id}",
        "payment_info": {
            "first_payment": {
                "collection_date": draw.day(),
                "amount": money(draw.cents()),
                "reference": draw.words(),
            },
            "notify_client": True,
            "schedule_type": "monthly",
            "schedule_total_collection_count": 12,
        },
    }


def subscription(draw: Draw) -> Row:
    """Make a subscription of direct debits."""
    return {
        "id": draw.id,
        "direct_debit_mandate_id": draw.other("direct_debit_mandates"),
        "bank_account_id": draw.other("bank_accounts"),
        "initial_collection_date": draw.day(),
        "amount": money(draw.cents()),
        "reference": draw.words(),
        "status": draw.one("scheduled", "in_progress", "completed"),
        "schedule_type": "one_off",
        "notify_client": draw.flip(),
        "created_at": draw.created_at,
        "sign_url": f"https://sign.example/{draw.id}",
    }


def collection(draw: Draw) -> Row:
    """Make a collection."""
    return {
        "id": draw.id,
        "direct_debit_subscription_id": draw.other("direct_debit_subscriptions"),
        "amount": money(draw.cents()),
        "collection_date": draw.day(),
        "status": draw.one("pending", "completed", "returned"),
        "status_reason": draw.maybe("MD01", 0.2),
        "unique_mandate_reference": f"UMR-{draw.index}",
    }


def payment_link(draw: Draw) -> Row:
    """Make a payment link; who has the URL can open it."""
    return {
        "id": draw.id,
        "status": draw.one("open", "paid", "expired"),
        "expiration_date": draw.after(90),
        "created_at": draw.created_at,
        "potential_payment_methods": ["credit_card", "apple_pay"],
        "amount": money(draw.cents()),
        "items": [
            {
                "title": draw.words(),
                "type": "good",
                "description": None,
                "quantity": draw.one(1, 2.5),
                "measure_unit": "unit",
                "unit_price": money(draw.cents()),
                "vat_rate": "20.0",
            }
        ],
        "reusable": draw.flip(),
        "resource_type": draw.one("Invoice", "Basket"),
        "invoice_id": draw.maybe(draw.other("client_invoices")),
        "invoice_number": draw.maybe("F-1"),
        "debitor_name": draw.maybe(draw.words()),
        "url": f"https://pay.example/{draw.id}",
    }


def payment(draw: Draw) -> Row:
    """Make a payment of a link."""
    return {
        "id": draw.id,
        "_payment_link_id": draw.other("payment_links"),
        "amount": money(draw.cents()),
        "status": draw.one("paid", "processing"),
        "payment_method": "credit_card",
        "created_at": draw.created_at,
        "paid_at": draw.maybe(draw.after()),
        "debitor_email": draw.maybe("who@example.com"),
    }


def connection(draw: Draw) -> Row:
    """Make the connection of payment links."""
    return {
        "_key": "connection",
        "connection_location": "https://connect.example/secret",
        "status": "enabled",
        "bank_account_id": draw.other("bank_accounts"),
    }


def terminal(draw: Draw) -> Row:
    """Make a terminal."""
    return {
        "id": draw.id,
        "poi_id": f"S1F2-{draw.index:08d}",
        "created_at": draw.created_at,
        "updated_at": draw.updated_at,
    }


_CREATION = {"creation_date": itemgetter("created_at")}
GETTING_PAID = (
    Endpoint(
        "direct_debit_mandates", "/v2/sepa/direct_debit_mandates", DEBIT, "direct_debit_mandates",
        made("direct_debit_mandates", mandate), rows=6, single="direct_debit_mandate",
        filters=(Ids("client_id", top=True),), text="schedule_type",
    ),
    Endpoint(
        "direct_debit_subscriptions", "/v2/sepa/direct_debit_subscriptions", DEBIT,
        "direct_debit_subscriptions", made("direct_debit_subscriptions", subscription), rows=6,
        single="direct_debit_subscription", filters=(Choice("status", top=True, allowed=(
        "pending_mandate_signature", "scheduled", "in_progress")),), sorts=("amount",),
        order="created_at:desc", text="reference",
    ),
    Endpoint(
        "direct_debit_collections", "/v2/sepa/direct_debit_collections", DEBIT,
        "direct_debit_collections", made("direct_debit_collections", collection), rows=14,
        single="direct_debit_collection", filters=(Ids("direct_debit_subscription_id", top=True),),
        sorts=("collection_date", "status", "amount"), order="collection_date:desc",
        text="status_reason",
    ),
    Endpoint(
        "payment_links", "/v2/payment_links", LINK, "payment_links",
        made("payment_links", payment_link), rows=9, single="payment_link",
        filters=(Choice("status", top=True),), sorts=("amount", "creation_date"),
        order="creation_date:desc", next_style="zero", text="debitor_name", derived=_CREATION,
    ),
    Endpoint(
        "payment_link_connection", "/v2/payment_links/connections", LINK, "",
        made("payment_link_connection", connection), rows=1, one=True,
    ),
    Endpoint(
        "payment_link_payments", "/v2/payment_links/{parent}/payments", LINK, "payments",
        made("payment_link_payments", payment), rows=20, partition="_payment_link_id",
        sorts=("creation_date",), order="creation_date:desc", text="status", derived=_CREATION,
    ),
    Endpoint(
        "terminals", "/v2/terminals", "terminal.read", "terminals", made("terminals", terminal),
        rows=2, auth="oauth", text="poi_id",
    ),
)  # fmt: skip
