"""The organization, its bank accounts and its plan.

Source: docs.qonto.com, "Retrieve the authenticated organization", "List business
accounts", "Retrieve the current subscription".
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.reading.paged import Paged
from tap_qonto.reading.whole import Whole
from tap_qonto.run import WITH_EXTERNAL
from tap_qonto.streams.shapes import (
    DAY,
    FLAG,
    FREE_OBJECT,
    MOMENT,
    NUMBER,
    TEXT,
    amount,
    column,
    key,
    object_of,
    schema_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_qonto.reading.pages import Row
    from tap_qonto.reading.source import Observe

_READ = "organization.read"
# Qonto leaves out what the role of the member hides ("List business accounts").
_OF_ADMINS = "null where the member's role hides it, empty for some external accounts"
_OF_SOME = "null where the member's role hides balances"


class Organization(QontoStream):
    """The organization that the credential belongs to; one row."""

    name = "organization"
    path = "/v2/organization"
    collection = "organization"
    scope = _READ
    ways = (Whole(),)
    # The run asks the same for its accounts, so it is asked for once.
    params = WITH_EXTERNAL
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    never_emitted = frozenset({"bank_accounts"})
    # All that describes a sole trader's company describes a person.
    personal = frozenset(
        {
            "name",
            "legal_name",
            "locale",
            "legal_country",
            "legal_form",
            "legal_address",
            "legal_sector",
            "legal_number",
            "address",
        }
    )

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the organization; its slug where Qonto sends no id."),
        column("slug", TEXT, "Readable id; also the login of the API key."),
        column("name", TEXT, "Name in the app."),
        column("legal_name", TEXT, "Registered name."),
        column("locale", TEXT, "Language, such as fr."),
        column("legal_country", TEXT, "Country of registration, ISO 3166 code."),
        column("legal_form", TEXT, "Legal form, such as SAS."),
        column("legal_address", TEXT, "Registered address."),
        column("legal_sector", TEXT, "Sector of business."),
        column("legal_number", TEXT, "Registration number, such as the SIREN."),
        column("legal_registration_date", DAY, "Day of registration."),
        column("legal_share_capital", NUMBER, "Share capital, in major units; no currency given."),
        column("contract_signed_at", MOMENT, "When the contract with Qonto was signed, UTC."),
        column("address", FREE_OBJECT, "Address in parts; not documented by Qonto."),
    )

    @override
    def prepare(self, row: Row) -> Row:
        """Use the slug as key where there is no id, as in old payloads (observed)."""
        return {**row, "id": row.get("id") or row.get("slug")}


class BankAccounts(QontoStream):
    """Bank accounts, including closed and external ones.

    Qonto has them in two places: the list, and the organization with what the list
    lacks, such as external accounts. They are merged by id.
    """

    name = "bank_accounts"
    path = "/v2/bank_accounts"
    collection = "bank_accounts"
    scope = _READ
    ways = (Paged(),)
    primary_keys: ClassVar[tuple[str, ...]] = ("id",)
    personal = frozenset({"iban", "bic", "account_number", "name"})

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("id", "Id of the account."),
        column("organization_id", TEXT, "Organization that owns it."),
        column("slug", TEXT, "Readable id; null for external accounts."),
        column("name", TEXT, "Name in the app."),
        column("status", TEXT, "active or closed; Qonto can add others."),
        column("main", FLAG, "Whether it is the main account."),
        column("iban", TEXT, f"IBAN; {_OF_ADMINS}."),
        column("bic", TEXT, f"BIC; {_OF_ADMINS}."),
        column(
            "account_number",
            TEXT,
            f"Account number, most often of external accounts; {_OF_ADMINS}.",
        ),
        column("currency", TEXT, f"ISO 4217 code; {_OF_SOME}."),
        *amount("balance", "Settled balance when it was read", when_null=_OF_SOME),
        *amount(
            "authorized_balance",
            "Balance with pending transactions when it was read",
            when_null=_OF_SOME,
        ),
        column("updated_at", MOMENT, "When the account was last changed, UTC."),
        column("is_external_account", FLAG, "Whether another bank holds it."),
    )

    @cached_property
    def _of_organization(self) -> dict[str, Row]:
        accounts = self.run.organization.get("bank_accounts")
        found = [row for row in accounts if isinstance(row, dict)] if accounts else []
        return {str(row["id"]): row for row in found if row.get("id")}

    @cached_property
    def _listed(self) -> dict[str, None]:
        return {}

    @override
    def ids(self, observe: Observe) -> list[str]:
        """Return the ids of all accounts, without a request where this run has read them."""
        if not self.is_read:
            return super().ids(observe)
        return list(self._listed | dict.fromkeys(self._of_organization))

    @override
    def prepare(self, row: Row) -> Row:
        """Add what the organization says of the account; the list has precedence."""
        self._listed[str(row.get("id"))] = None
        known = {name: value for name, value in row.items() if value is not None}
        return self._owned({**row, **self._of_organization.get(str(row.get("id")), {}), **known})

    @override
    def further_rows(self) -> Iterable[Row]:
        """Return the accounts that the organization alone has."""
        found = self._of_organization.items()
        return [self._owned(row) for name, row in found if name not in self._listed]

    def _owned(self, row: Row) -> Row:
        """Add the organization, which accounts inside of it do not name."""
        return {**row, "organization_id": row.get("organization_id") or self.run.organization_id}


class Subscription(QontoStream):
    """The price plan; one row, none where Qonto names no plan."""

    name = "subscription"
    path = "/v2/subscription"
    collection = "plan"
    null_is_empty = True
    scope = "subscription.read"
    access = "unsure"
    ways = (Whole(),)
    row_key = "code"
    primary_keys: ClassVar[tuple[str, ...]] = ("code",)

    schema: ClassVar[dict[str, Any]] = schema_of(
        key("code", "Code of the plan."),
        column("name", TEXT, "Name of the plan."),
        column("lineup", TEXT, "Generation of plans that it belongs to."),
        column("status", TEXT, "Status of the subscription."),
        column("recurrence", TEXT, "How often it is paid, such as monthly."),
        column(
            "monthly_price",
            object_of(
                column("amount", TEXT, "Exact decimal text, in major units of `currency`."),
                column("currency", TEXT, "ISO 4217 code."),
            ),
            "Price of a month.",
        ),
        column("trial_ends_at", MOMENT, "End of the trial, UTC; null without one."),
    )
