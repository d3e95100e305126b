"""Transactions, and the links between them.

Source: docs.qonto.com, "List transactions", "List child transaction links".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from typing_extensions import override

from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.paged import Paged
from tap_qonto.reading.per_parent import PerParent
from tap_qonto.reading.statuses import EveryStatus
from tap_qonto.streams.organization import BankAccounts
from tap_qonto.streams.shapes import (
    FLAG,
    INTEGER,
    MOMENT,
    NUMBER,
    TEXT,
    TEXTS,
    amount,
    column,
    key,
    object_of,
    objects,
    schema_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_qonto.output.records import Record

_READ = "organization.read"
_NAMED = object_of(column("id", TEXT, "Id."), column("name", TEXT, "Name."))
_COUNTERPARTY = object_of(
    column("counterparty_account_number", TEXT, "Account of the other side, such as an IBAN."),
    column("counterparty_account_number_format", TEXT, "Format of that number, such as IBAN."),
    column("counterparty_bank_identifier", TEXT, "Bank of the other side, such as a BIC."),
    column("counterparty_bank_identifier_format", TEXT, "Format of that identifier, such as BIC."),
)
_VAT = object_of(
    column(
        "items",
        objects(
            *amount("amount", "VAT", "the transaction's `currency`"),
            *amount("amount_excluding_vat", "Amount without VAT", "the transaction's `currency`"),
            column("rate", NUMBER, "Rate in percent."),
        ),
        "One item per VAT rate.",
    )
)

STATUSES = ("pending", "declined", "completed", "reversed")


class Transactions(QontoStream):
    """Transactions of each account, including pending and declined ones."""

    name = "transactions"
    path = "/v2/transactions"
    collection = "transactions"
    scope = _READ
    ways = (
        EveryStatus(UpdatedAnchored(), "status[]", STATUSES),
        # The last status is not documented.
        EveryStatus(UpdatedAnchored(), "status[]", STATUSES[:-1]),
        UpdatedAnchored(),
        Paged(),
    )
    top_level_filters = frozenset({"updated_at_from", "updated_at_to"})
    params = (("includes[]", "vat_details"),)
    partition_key = "bank_account_id"
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    replication_key = "updated_at"
    never_emitted = frozenset({"attachments.url", "attachments.probative_attachment.url"})
    personal = frozenset(
        {
            "label",
            "clean_counterparty_name",
            "note",
            "reference",
            "card_last_digits",
            "transfer",
            "income",
            "swift_income",
            "direct_debit",
            "direct_debit_collection",
        }
    )

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the transaction."),
        column("updated_at", MOMENT, "When it was last changed, UTC."),
        column(
            "transaction_id",
            TEXT,
            "Readable id, such as super-transaction-7468.",
        ),
        column("bank_account_id", TEXT, "Bank account of the transaction."),
        *amount("amount", "Amount, never negative (see `side`)"),
        column("currency", TEXT, "Currency of the account, ISO 4217 code."),
        *amount("local_amount", "Amount as it was paid", "`local_currency`"),
        column("local_currency", TEXT, "Currency as it was paid, ISO 4217 code."),
        *amount(
            "settled_balance", "Balance of the account after it", when_null="null until settled"
        ),
        column("side", TEXT, "credit or debit."),
        column("operation_type", TEXT, "card, transfer, income, direct_debit and others."),
        column("subject_type", TEXT, "Which of the detail objects below is set."),
        column("status", TEXT, "pending, declined, completed, or reversed."),
        column("label", TEXT, "Counterparty, as the bank names it."),
        column(
            "clean_counterparty_name", TEXT, "Counterparty, as Qonto names it; null if not known."
        ),
        column("emitted_at", MOMENT, "When it was made, UTC."),
        column("settled_at", MOMENT, "When it was settled, UTC; null while pending or declined."),
        column("created_at", MOMENT, "When Qonto recorded it, UTC."),
        column("note", TEXT, "Note of a member; null if there is none."),
        column("reference", TEXT, "Reference of the payment; null if there is none."),
        *amount("vat_amount", "VAT", when_null="null where none was entered"),
        column("vat_rate", NUMBER, "VAT rate in percent; -1 for several rates."),
        column("vat_details", _VAT, "VAT by rate."),
        column("initiator_id", TEXT, "Member who initiated it; null if none did."),
        column("label_ids", TEXTS, "Ids of its labels, in order."),
        column("attachment_ids", TEXTS, "Ids of the attached files, in order."),
        column("attachment_lost", FLAG, "Whether the receipt was reported lost."),
        column("attachment_required", FLAG, "Whether a receipt is required."),
        column("card_last_digits", TEXT, "Last digits of the card; null without a card."),
        column("category", TEXT, "Category; deprecated by Qonto."),
        column("cashflow_category", _NAMED, "Cash flow category; null if none is assigned."),
        column("cashflow_subcategory", _NAMED, "Cash flow subcategory; null if none is assigned."),
        column(
            "is_external_transaction", FLAG, "Whether it belongs to an account at another bank."
        ),
        column(
            "logo",
            object_of(column("small", TEXT, "Small picture."), column("medium", TEXT, "Larger.")),
            "URLs of public images; null if there are none.",
        ),
        column("transfer", _COUNTERPARTY, "Counterparty of a transfer; else null."),
        column("income", _COUNTERPARTY, "Counterparty of an income; else null."),
        column("swift_income", _COUNTERPARTY, "Counterparty of a SWIFT income; else null."),
        column("direct_debit", _COUNTERPARTY, "Counterparty of a direct debit; else null."),
        column(
            "direct_debit_collection", _COUNTERPARTY, "Counterparty of a collection; else null."
        ),
        column(
            "check",
            object_of(
                column("check_number", TEXT, "Number."), column("check_key", TEXT, "Its key.")
            ),
            "The check; else null.",
        ),
        column(
            "financing_installment",
            object_of(
                column("total_installments_number", INTEGER, "How many there are."),
                column("current_installment_number", INTEGER, "Which of them it is."),
            ),
            "Position among the installments; null for other transactions.",
        ),
        column(
            "pagopa_payment",
            object_of(
                column("notice_number", TEXT, "Notice number."),
                column("creditor_fiscal_code", TEXT, "Fiscal code of the creditor."),
                column("iuv", TEXT, "IUV."),
            ),
            "The pagoPA payment; else null.",
        ),
        column(
            "direct_debit_hold",
            object_of(column("guarding_rate", TEXT, "Guarding rate.")),
            "The hold of a direct debit; else null.",
        ),
        column(
            "attachments",
            objects(
                column("id", TEXT, "Id of the attachment."),
                column("created_at", MOMENT, "When it was stored, UTC."),
                column("file_name", TEXT, "Name of the file."),
                column("file_content_type", TEXT, "MIME type."),
                column("file_size", INTEGER, "Bytes."),
                column(
                    "probative_attachment",
                    object_of(column("status", TEXT, "Status of the sealed copy.")),
                    "The sealed copy.",
                ),
            ),
            "Attached files; null unless `transaction_attachments` is selected.",
        ),
    )

    @override
    def partition_values(self) -> Iterable[str]:
        """Return the ids of all accounts, closed and external ones too."""
        accounts = cast("BankAccounts", self._tap.streams[BankAccounts.name])
        return accounts.ids(self.count_request)


class TransactionLinks(PerParent):
    """Links from card payments to the installments that repay them."""

    name = "transaction_links"
    path = "/v2/transactions/{id}/child_transaction_links"
    collection = "links"
    scope = _READ
    access = "unsure"
    selected_by_default = False
    parent_stream_type = Transactions
    parent_key = "transaction_id"
    ways = (Paged(),)
    row_key = "related_transaction_id"
    primary_keys: ClassVar[tuple[str, ...]] = ("transaction_id", "related_transaction_id")
    # The transaction itself is a row of its own stream.
    never_emitted = frozenset({"transaction"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("transaction_id", "Card payment that is repaid."),
        key("related_transaction_id", "Transaction that repays it."),
        column("link_type", TEXT, "Kind of link, such as ddc_repayment."),
    )

    @override
    def wants(self, parent: Record) -> bool:
        """Tell whether a transaction is a card payment, which alone has links."""
        return parent.get("side") == "debit" and parent.get("operation_type") == "card"
