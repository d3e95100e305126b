"""Transfers abroad; they have no list, so there is what surrounds them.

Source: docs.qonto.com, "List international beneficiaries", "List currencies",
"Check eligibility".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.paged import Paged
from tap_qonto.reading.whole import Whole
from tap_qonto.streams.shapes import FLAG, INTEGER, MOMENT, TEXT, column, key, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_qonto.reading.pages import Row

_READ = "organization.read"
_SOURCE = "EUR"


class InternationalCurrencies(QontoStream):
    """Currencies and countries that euros can be sent to."""

    name = "international_currencies"
    path = "/v2/international/currencies"
    collection = "currencies"
    scope = _READ
    access = "oauth"
    selected_by_default = False
    ways = (Whole(),)
    params = (("source", _SOURCE),)
    row_key = "currency_code"
    primary_keys: ClassVar[tuple[str, ...]] = ("source", "currency_code", "country_code")

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("source", "Currency that is paid from; EUR."),
        key("currency_code", "Currency that is paid to, ISO 4217 code."),
        key("country_code", "Country that is paid to, ISO 3166 code."),
        column("suggestion_priority", INTEGER, "Place among the suggestions."),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Add what was asked for, which the answer does not repeat."""
        return {**row, "source": row.get("source") or _SOURCE}


class InternationalBeneficiaries(QontoStream):
    """Beneficiaries of international transfers, for each currency."""

    name = "international_beneficiaries"
    path = "/v2/international/beneficiaries"
    collection = "beneficiaries"
    also_named = ("international_beneficiaries",)
    scope = _READ
    access = "oauth"
    selected_by_default = False
    ways = (Paged(),)
    partition_key = "currency"
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    personal = frozenset({"name", "account_identifier"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the beneficiary."),
        column("name", TEXT, "Name."),
        column("country", TEXT, "Country, ISO 3166 code."),
        column("currency", TEXT, "Currency, ISO 4217 code."),
        column("payment_type", TEXT, "How it is paid."),
        column("account_identifier", TEXT, "Account, such as an IBAN."),
        column("bank_identifier", TEXT, "Bank."),
        column("branch_identifier", TEXT, "Branch of the bank."),
        column("created_at", MOMENT, "When it was created, UTC; null if Qonto does not send it."),
        column(
            "updated_at", MOMENT, "When it was last changed, UTC; null if Qonto does not send it."
        ),
    )

    @override
    def partition_values(self) -> Iterable[str]:
        """Return the currencies that can be paid to, since Qonto wants one named."""
        return InternationalCurrencies(tap=self._tap).ids(self.count_request)


class InternationalEligibility(QontoStream):
    """Whether the organization can make international transfers; one row."""

    name = "international_eligibility"
    path = "/v2/international/eligibility"
    collection = ""
    scope = _READ
    access = "oauth"
    selected_by_default = False
    ways = (Whole(),)
    row_key = "organization_id"
    primary_keys: ClassVar[tuple[str, ...]] = ("organization_id",)

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("organization_id", "Organization that the answer is about."),
        column("eligible", FLAG, "Whether it can; as documented."),
        column("status", TEXT, "The same as a word; as observed."),
        column("reason", TEXT, "Why not; else null."),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Add the organization, which the answer does not name."""
        return {**row, "organization_id": self.run.organization_key}
