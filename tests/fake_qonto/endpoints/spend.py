"""Requests, cards and subscriptions to webhooks.

Source: docs.qonto.com, "Spend management", "Cards".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fake_qonto.data.made import Draw, made
from tests.fake_qonto.lists.facts import Endpoint
from tests.fake_qonto.lists.filters import Choice, Instants

if TYPE_CHECKING:
    from tests.fake_qonto.data.records import Row

_FLAGS = (
    "pin_set", "ship_to_business", "atm_option", "nfc_option", "online_option", "foreign_option",
    "atm_daily_limit_option", "payment_daily_limit_option", "payment_transaction_limit_option",
    "renewed", "renewal", "had_operation", "had_pin_operation", "upsold", "upsell", "reordered",
    "has_only_user_liftable_locks", "eligible_for_renewal", "eligible_for_upsell", "is_qcp",
)  # fmt: skip
_AMOUNTS = (
    "atm_monthly_limit", "atm_daily_limit", "payment_monthly_limit", "payment_daily_limit",
    "payment_transaction_limit", "payment_lifespan_limit", "atm_monthly_spent", "atm_daily_spent",
    "payment_monthly_spent", "payment_daily_spent", "payment_lifespan_spent",
)  # fmt: skip


def request(draw: Draw) -> Row:
    """Make a request; only fields of its type are there."""
    kind = draw.one("flash_card", "virtual_card", "transfer", "multi_transfer")
    is_pending = draw.index % 3 == 0
    row: Row = {
        "id": draw.id,
        "request_type": kind,
        "status": "pending" if is_pending else draw.one("approved", "declined", "canceled"),
        "initiator_id": draw.other("memberships"),
        "approver_id": None if is_pending else draw.other("memberships"),
        "note": draw.maybe(draw.words(3)),
        "declined_note": None,
        "created_at": draw.created_at,
        "processed_at": None if is_pending else draw.after(),
        "currency": "EUR",
    }
    if kind == "flash_card":
        row |= {"payment_lifespan_limit": "250.00", "pre_expires_at": draw.after(90)}
    elif kind == "virtual_card":
        row |= {"payment_monthly_limit": "20.00", "card_level": "virtual", "card_design": "x"}
    elif kind == "transfer":
        row |= {
            "creditor_name": draw.words(),
            "amount": "1204.30",
            "scheduled_date": draw.day(),
            "recurrence": "once",
            "last_recurrence_date": None,
            "attachment_ids": [draw.plan.id("request-file", draw.index)],
        }
    else:
        row |= {
            "total_transfers_amount": "400.00",
            "total_transfers_amount_currency": "EUR",
            "total_transfers_count": 4,
            "scheduled_date": draw.day(),
        }
    return row


def card(draw: Draw) -> Row:
    """Make a card."""
    return {
        "id": draw.id,
        "nickname": draw.words(),
        "embossed_name": "ANA GESTION",
        "status": draw.one("live", "paused", "discarded", "pending"),
        "card_type": "debit",
        "card_level": draw.one("standard", "plus", "flash"),
        "card_design": "plastic",
        "type_of_print": draw.maybe("print"),
        "holder_id": draw.other("memberships"),
        "initiator_id": draw.other("memberships"),
        "bank_account_id": draw.other("bank_accounts"),
        "organization_id": draw.plan.organization_id,
        "mask_pan": draw.maybe("5300********1234"),
        "last_digits": draw.maybe("1234"),
        "exp_month": draw.maybe("07"),
        "exp_year": draw.maybe("2028"),
        **{name: draw.maybe(draw.flip()) for name in _FLAGS},
        **{name: draw.one(0, 1500, 12.5, None) for name in _AMOUNTS},
        "active_days": [1, 2, 3, 4, 5],
        "categories": draw.one([], ["transport"]),
        "parent_card_summary": draw.maybe({"id": draw.other("cards"), "last_digits": "9876"}),
        "appearance": {
            "assets": {"front_large": "https://cards.example/l.png"},
            "theme": "dark",
            "gradient_hex_color": "#ffffff",
        },
        "created_at": draw.created_at,
        "updated_at": draw.updated_at,
        "last_activity_at": draw.maybe(draw.after()),
        "shipped_at": None,
        "shipped_lost_at": None,
        "pre_expires_at": None,
        "discard_on": draw.maybe(draw.day(), 0.1),
    }


def webhook(draw: Draw) -> Row:
    """Make a subscription; its secret signs what is sent."""
    return {
        "id": draw.id,
        "organization_id": draw.plan.organization_id,
        "membership_id": draw.other("memberships"),
        "callback_url": "https://hooks.example/secret-path",
        "types": ["v1/transactions"],
        "description": draw.maybe(draw.words()),
        "secret": "whsec-never-shown",
        "created_at": draw.created_at,
        "updated_at": draw.updated_at,
    }


SPEND = (
    Endpoint(
        "requests", "/v2/requests", "organization.read", "requests",
        made("requests", request, ("created_at",)), rows=20, per_page=25,
        filters=(Instants("created_at", top=True, ends=("_from",)),
        Choice("status", top=True), Choice("request_type", top=True)),
        sorts=("created_at", "processed_at", "status"), order="created_at:desc",
        indexed=("created_at",), text="note", has_files=True,
    ),
    Endpoint(
        "cards", "/v2/cards", "card.read", "cards", made("cards", card, ("created_at",)), rows=12,
        single="card", sorts=("status", "nickname", "last_activity_at", "created_at"),
        order="status:asc", indexed=("created_at",), next_style="absent", digits=6,
        blank=("shipped_at",), text="nickname",
    ),
    Endpoint(
        "webhook_subscriptions", "/v2/webhook_subscriptions", "webhook", "subscriptions",
        made("webhook_subscriptions", webhook), rows=2, single="", auth="oauth",
        text="description",
    ),
)  # fmt: skip
