"""Requests of members, cards, and subscriptions to webhooks.

Source: docs.qonto.com, "List requests", "List cards", "List webhook subscriptions".
"""

from __future__ import annotations

from typing import Any, ClassVar

from singer_sdk import typing as th

from tap_qonto.reading.by_created import CreatedAnchored
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.paged import Paged
from tap_qonto.streams.shapes import (
    DAY,
    FLAG,
    INTEGER,
    MOMENT,
    NUMBER,
    TEXT,
    TEXTS,
    column,
    key,
    object_of,
    schema_of,
)

_FLAGS = {
    "pin_set": "Whether a PIN is set.",
    "ship_to_business": "Whether it is sent to the business address.",
    "atm_option": "Whether it can withdraw cash.",
    "nfc_option": "Whether it can pay contactless.",
    "online_option": "Whether it can pay online.",
    "foreign_option": "Whether it can pay abroad.",
    "atm_daily_limit_option": "Whether a daily limit for cash is set.",
    "payment_daily_limit_option": "Whether a daily limit for payments is set.",
    "payment_transaction_limit_option": "Whether a limit for each payment is set.",
    "renewed": "Whether it was renewed.",
    "renewal": "Whether it renews another card.",
    "had_operation": "Whether it was ever used.",
    "had_pin_operation": "Whether it was ever used with its PIN.",
    "upsold": "Whether it was upgraded.",
    "upsell": "Whether it is an upgrade of another card.",
    "reordered": "Whether it was ordered again.",
    "has_only_user_liftable_locks": "Whether the member can lift all its locks.",
    "eligible_for_renewal": "Whether it can be renewed.",
    "eligible_for_upsell": "Whether it can be upgraded.",
    "is_qcp": "Whether it is a QCP card; not documented by Qonto.",
}
_LIMITS = {
    "atm_monthly_limit": "Limit for cash in a month",
    "atm_daily_limit": "Limit for cash on a day",
    "payment_monthly_limit": "Limit for payments in a month",
    "payment_daily_limit": "Limit for payments on a day",
    "payment_transaction_limit": "Limit for a payment",
    "payment_lifespan_limit": "Limit for all payments",
    "atm_monthly_spent": "Cash withdrawn this month",
    "atm_daily_spent": "Cash withdrawn today",
    "payment_monthly_spent": "Paid this month",
    "payment_daily_spent": "Paid today",
    "payment_lifespan_spent": "Paid in all",
}


class Requests(QontoStream):
    """Requests for cards and transfers; which ones depends on the member's role."""

    name = "requests"
    path = "/v2/requests"
    collection = "requests"
    scope = "organization.read"
    ways = (
        CreatedAnchored(has_updated=False, has_upper=False),
        Paged("created_at:asc"),
        Paged(),
    )
    top_level_filters = frozenset({"created_at_from"})
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    personal = frozenset({"creditor_name"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the request."),
        column("initiator_id", TEXT, "Member who initiated it."),
        column("approver_id", TEXT, "Member who decided; null while pending."),
        column("request_type", TEXT, "flash_card, virtual_card, transfer, multi_transfer."),
        column("status", TEXT, "pending, approved, declined, or canceled."),
        column("note", TEXT, "Note of who made it."),
        column("declined_note", TEXT, "Why it was declined; else null."),
        column("created_at", MOMENT, "When it was made, UTC."),
        column("processed_at", MOMENT, "When it was decided, UTC; null while pending."),
        column("pre_expires_at", MOMENT, "End of a flash card, UTC; else null."),
        column(
            "payment_lifespan_limit",
            TEXT,
            "Limit of a flash card in `currency`, exact decimal text; else null.",
        ),
        column(
            "payment_monthly_limit",
            TEXT,
            "Limit of a virtual card in `currency`, exact decimal text; else null.",
        ),
        column(
            "amount", TEXT, "Amount of a transfer in `currency`, exact decimal text; else null."
        ),
        column(
            "total_transfers_amount",
            TEXT,
            "Amount of several transfers in `total_transfers_amount_currency`, exact decimal text.",
        ),
        column("total_transfers_count", INTEGER, "How many transfers it has; else null."),
        column("creditor_name", TEXT, "Who is paid; null for cards."),
        column("recurrence", TEXT, "How often a transfer repeats; else null."),
        column("card_level", TEXT, "Level of a card; else null."),
        column("card_design", TEXT, "Design of a card; else null."),
        column("currency", TEXT, "Currency of `amount` and limits, ISO 4217 code."),
        column("total_transfers_amount_currency", TEXT, "ISO 4217 code; else null."),
        column("scheduled_date", DAY, "Day on which a transfer is to be paid; else null."),
        column("last_recurrence_date", DAY, "Last day of a repeating transfer; else null."),
        column("attachment_ids", TEXTS, "Ids of the files attached to a transfer."),
    )


class Cards(QontoStream):
    """Cards that the member can see, including discarded ones."""

    name = "cards"
    path = "/v2/cards"
    collection = "cards"
    scope = "card.read"
    access = "unsure"
    ways = (Paged("created_at:asc"), Paged())
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    personal = frozenset(
        {
            "embossed_name",
            "mask_pan",
            "last_digits",
            "exp_month",
            "exp_year",
            "parent_card_summary",
        }
    )

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the card."),
        column("holder_id", TEXT, "Member who holds the card."),
        column("initiator_id", TEXT, "Member who ordered the card."),
        column("bank_account_id", TEXT, "Bank account to debit."),
        column("organization_id", TEXT, "Organization that owns it."),
        column("nickname", TEXT, "Name in the app."),
        column("embossed_name", TEXT, "Name on the card."),
        column("status", TEXT, "Status; Qonto can add others."),
        column("card_type", TEXT, "Type; Qonto can add others."),
        column("card_level", TEXT, "Level; Qonto can add others."),
        column("card_design", TEXT, "Design; Qonto can add others."),
        column("type_of_print", TEXT, "How it is printed; Qonto can add others."),
        column("mask_pan", TEXT, "Card number, masked; null until issued."),
        column("last_digits", TEXT, "Last digits of the card number; null until issued."),
        column("exp_month", TEXT, "Month of expiry; null until issued."),
        column("exp_year", TEXT, "Year of expiry; null until issued."),
        *(column(name, FLAG, description) for name, description in _FLAGS.items()),
        *(column(name, NUMBER, f"{what}, in EUR.") for name, what in _LIMITS.items()),
        column(
            "active_days",
            th.ArrayType(INTEGER(nullable=True)),
            "Days of the week on which it can be used, from 1.",
        ),
        column("categories", TEXTS, "Categories that it may pay for."),
        column(
            "parent_card_summary",
            object_of(
                column("id", TEXT, "Id of that card."),
                column("last_digits", TEXT, "Last digits of that card."),
            ),
            "The card that it replaces; else null.",
        ),
        column(
            "appearance",
            object_of(
                column(
                    "assets",
                    object_of(
                        column("front_large", TEXT, "Large picture."),
                        column("front_small", TEXT, "Small picture."),
                        column("front_small_wallet", TEXT, "Picture for wallets."),
                    ),
                    "URLs of public images; null if there are none.",
                ),
                column("theme", TEXT, "Theme."),
                column("gradient_hex_color", TEXT, "Color."),
            ),
            "Appearance in the app; null if not sent.",
        ),
        column("created_at", MOMENT, "When it was created, UTC."),
        column("updated_at", MOMENT, "When it was last changed, UTC."),
        column("last_activity_at", MOMENT, "When it was last used, UTC."),
        column("shipped_at", MOMENT, "When it was shipped, UTC."),
        column("shipped_lost_at", MOMENT, "When it was reported lost on its way, UTC."),
        column("pre_expires_at", MOMENT, "When a flash card ends, UTC."),
        column("discard_on", DAY, "Date on which it is discarded; null if none is set."),
    )


class WebhookSubscriptions(QontoStream):
    """Webhook subscriptions of this user and this OAuth app."""

    name = "webhook_subscriptions"
    path = "/v2/webhook_subscriptions"
    collection = "subscriptions"
    also_named = ("webhook_subscriptions",)
    scope = "webhook"
    access = "oauth"
    selected_by_default = False
    ways = (Paged(),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    never_emitted = frozenset({"secret", "callback_url"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the subscription."),
        column("organization_id", TEXT, "Organization of the subscription."),
        column("membership_id", TEXT, "Member who initiated it."),
        column("types", TEXTS, "Types of the events to send."),
        column("description", TEXT, "Description."),
        column("created_at", MOMENT, "When it was created, UTC."),
        column("updated_at", MOMENT, "When it was last changed, UTC."),
    )
