"""SEPA transfers, who they go to, and those that repeat.

Source: docs.qonto.com, "List transfers", "List beneficiaries", "List recurring
transfers", "List bulk transfers".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.newest import NewestFirst
from tap_qonto.reading.paged import Paged
from tap_qonto.streams.shapes import (
    DAY,
    FLAG,
    FREE_ARRAY,
    INTEGER,
    MOMENT,
    TEXT,
    amount,
    column,
    key,
    objects,
    schema_of,
)

if TYPE_CHECKING:
    from tap_qonto.reading.pages import Row

_READ = "organization.read"


class Transfers(QontoStream):
    """SEPA transfers to beneficiaries."""

    name = "transfers"
    path = "/v2/sepa/transfers"
    collection = "transfers"
    scope = _READ
    ways = (UpdatedAnchored(), NewestFirst("updated_at:desc"), Paged())
    top_level_filters = frozenset({"updated_at_from", "updated_at_to"})
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"
    personal = frozenset({"reference", "note"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the transfer."),
        column("updated_at", MOMENT, "When it was last changed, UTC."),
        column("initiator_id", TEXT, "Member who initiated it."),
        column("bank_account_id", TEXT, "Bank account to debit."),
        column("beneficiary_id", TEXT, "Beneficiary to pay."),
        *amount("amount", "Amount", "`amount_currency`"),
        column("amount_currency", TEXT, "ISO 4217 code; EUR."),
        column("status", TEXT, "pending, processing, settled, declined, or canceled."),
        column("declined_reason", TEXT, "Why it was declined; else null."),
        column("reference", TEXT, "Reference that the beneficiary sees; null if there is none."),
        column("note", TEXT, "Internal note; null if there is none."),
        column("scheduled_date", DAY, "Scheduled date of the transfer."),
        column("created_at", MOMENT, "When it was created, UTC."),
        column("processed_at", MOMENT, "When it was processed, UTC; null until then."),
        column("completed_at", MOMENT, "When it was completed, UTC; null until then."),
        column("transaction_id", TEXT, "Id of its transaction; null until it is processed."),
        column("recurring_transfer_id", TEXT, "Recurring transfer that created it; else null."),
    )


class Beneficiaries(QontoStream):
    """Beneficiaries of SEPA transfers."""

    name = "beneficiaries"
    path = "/v2/sepa/beneficiaries"
    collection = "beneficiaries"
    scope = _READ
    # The filter is documented on the older endpoint alone, so it may have no effect.
    ways = (UpdatedAnchored(needs_probe=True), NewestFirst("updated_at:desc"), Paged())
    top_level_filters = frozenset({"updated_at_from", "updated_at_to"})
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"
    personal = frozenset({"name", "iban", "email", "account_number"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the beneficiary."),
        column("updated_at", MOMENT, "When it was last changed, UTC."),
        column("created_at", MOMENT, "When it was created, UTC."),
        column("name", TEXT, "Name."),
        column("iban", TEXT, "IBAN."),
        column("bic", TEXT, "BIC; null if Qonto cannot derive it."),
        column("currency", TEXT, "ISO 4217 code."),
        column("email", TEXT, "Email address; null if none is set."),
        column("activity_tag", TEXT, "Purpose, such as salary."),
        column("status", TEXT, "pending, validated, or declined."),
        column("trusted", FLAG, "Whether transfers to it need no confirmation."),
        column("account_number", TEXT, "Account number; older form."),
        column("routing_number", TEXT, "Routing number; older form."),
        column("intermediary_bank_bic", TEXT, "BIC of a bank between; older form."),
        column("swift_sort_code", TEXT, "SWIFT sort code; older form."),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Take the account out of ``bank_account``, as the sandbox nests it (observed)."""
        account = row.get("bank_account")
        if not isinstance(account, dict):
            return row
        given = {name: value for name, value in row.items() if name != "bank_account"}
        known = {name: value for name, value in given.items() if value is not None}
        return {**given, **account, **known}


class RecurringTransfers(QontoStream):
    """Recurring SEPA transfers."""

    name = "recurring_transfers"
    path = "/v2/sepa/recurring_transfers"
    collection = "recurring_transfers"
    scope = _READ
    ways = (NewestFirst(), Paged())
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"
    personal = frozenset({"reference", "note"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the recurring transfer."),
        column("updated_at", MOMENT, "When it was last changed, UTC."),
        column("initiator_id", TEXT, "Member who initiated it."),
        column("bank_account_id", TEXT, "Bank account to debit."),
        column("beneficiary_id", TEXT, "Beneficiary to pay."),
        *amount("amount", "Amount of each transfer", "`amount_currency`"),
        column("amount_currency", TEXT, "ISO 4217 code; EUR."),
        column("reference", TEXT, "Reference that the beneficiary sees; null if there is none."),
        column("note", TEXT, "Internal note; null if there is none."),
        column("status", TEXT, "Status; can be missing."),
        column("first_execution_date", DAY, "Date of the first transfer."),
        column("last_execution_date", DAY, "Date of the last transfer; null if open-ended."),
        column("next_execution_date", DAY, "Date of the next transfer; null if there is none."),
        column("frequency", TEXT, "weekly, monthly, quarterly, half_yearly, or yearly."),
        column("created_at", MOMENT, "When it was created, UTC."),
    )


class BulkTransfers(QontoStream):
    """Batches of SEPA transfers."""

    name = "bulk_transfers"
    path = "/v2/sepa/bulk_transfers"
    collection = "bulk_transfers"
    scope = _READ
    ways = (NewestFirst(), Paged())
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the bulk transfer."),
        column("updated_at", MOMENT, "When it was last changed, UTC."),
        column("initiator_id", TEXT, "Member who initiated it."),
        column("created_at", MOMENT, "When it was created, UTC."),
        column("total_count", INTEGER, "Number of transfers in the batch."),
        column("completed_count", INTEGER, "Number of transfers created."),
        column("pending_count", INTEGER, "Number of transfers still to be created."),
        column("failed_count", INTEGER, "Number of transfers that could not be created."),
        column(
            "results",
            objects(
                column("client_transfer_id", TEXT, "Id given by the API client."),
                column(
                    "transfer_id", TEXT, "Id of the transfer; null unless `status` is completed."
                ),
                column("status", TEXT, "Status of its creation: pending, completed, or failed."),
                column("errors", FREE_ARRAY, "Errors as Qonto sends them; their shape varies."),
            ),
            "Result for each transfer.",
        ),
    )
