"""SEPA direct debits: mandates, subscriptions and collections.

Source: docs.qonto.com, "List direct debit mandates", "List direct debit subscriptions",
"List direct debit collections".
"""

from __future__ import annotations

from typing import Any, ClassVar

from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.paged import Paged
from tap_qonto.streams.shapes import (
    DAY,
    FLAG,
    INTEGER,
    MOMENT,
    MONEY,
    TEXT,
    column,
    key,
    object_of,
    schema_of,
)

_READ = "sepa_direct_debit.read"


class DirectDebitMandates(QontoStream):
    """Mandates of clients for SEPA direct debits, signed or not yet."""

    name = "direct_debit_mandates"
    path = "/v2/sepa/direct_debit_mandates"
    collection = "direct_debit_mandates"
    scope = _READ
    access = "unsure"
    ways = (Paged(),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    never_emitted = frozenset({"sign_url"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the mandate."),
        column("client_id", TEXT, "Client who signs the mandate."),
        column("unique_mandate_reference", TEXT, "Unique mandate reference (UMR)."),
        column("status", TEXT, "pending_signature, then signed or approved; Qonto can add others."),
        column("created_at", MOMENT, "When the mandate was created, UTC."),
        column("mandate_signature_date", MOMENT, "When it was signed, UTC; null until then."),
        column("schedule_type", TEXT, "one_off or monthly; Qonto can add others."),
        column("notify_client", FLAG, "Whether the client is notified of collections."),
        column("is_cancelable", FLAG, "Whether the mandate can still be canceled."),
        column(
            "payment_info",
            object_of(
                column(
                    "first_payment",
                    object_of(
                        column("collection_date", DAY, "Collection date."),
                        column("amount", MONEY, "Amount to collect."),
                        column("reference", TEXT, "Reference that the client sees."),
                    ),
                    "First collection; null if none is planned.",
                ),
                column("notify_client", FLAG, "Whether the client is notified of collections."),
                column("schedule_type", TEXT, "one_off or monthly; Qonto can add others."),
                column(
                    "schedule_total_collection_count",
                    INTEGER,
                    "Number of collections; null without an end.",
                ),
            ),
            "Collections set up with the mandate; null if there are none.",
        ),
    )


class DirectDebitSubscriptions(QontoStream):
    """SEPA direct debits to collect, once or each month."""

    name = "direct_debit_subscriptions"
    path = "/v2/sepa/direct_debit_subscriptions"
    collection = "direct_debit_subscriptions"
    scope = _READ
    access = "unsure"
    ways = (Paged(),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    never_emitted = frozenset({"sign_url"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the subscription."),
        column("direct_debit_mandate_id", TEXT, "Mandate that allows the collections."),
        column("bank_account_id", TEXT, "Bank account that receives the money."),
        column("initial_collection_date", DAY, "Date of the first collection."),
        column("amount", MONEY, "Amount of each collection."),
        column("reference", TEXT, "Reference that the client sees."),
        column("status", TEXT, "pending_mandate_signature, scheduled, in_progress, and others."),
        column("schedule_type", TEXT, "one_off or monthly; Qonto can add others."),
        column("notify_client", FLAG, "Whether the client is notified of collections."),
        column("created_at", MOMENT, "When the subscription was created, UTC."),
    )


class DirectDebitCollections(QontoStream):
    """SEPA direct debit collections; one can be returned or refunded weeks later."""

    name = "direct_debit_collections"
    path = "/v2/sepa/direct_debit_collections"
    collection = "direct_debit_collections"
    scope = _READ
    access = "unsure"
    ways = (Paged("collection_date:asc"), Paged())
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the collection."),
        column(
            "direct_debit_subscription_id", TEXT, "Subscription that the collection belongs to."
        ),
        column("amount", MONEY, "Amount to collect."),
        column("collection_date", DAY, "Collection date."),
        column(
            "status",
            TEXT,
            "pending, completed, declined, rejected, canceled, returned, or refunded.",
        ),
        column("status_reason", TEXT, "Reason for the status; null if there is none."),
        column("unique_mandate_reference", TEXT, "Unique mandate reference (UMR)."),
    )
