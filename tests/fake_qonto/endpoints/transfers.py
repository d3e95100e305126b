"""SEPA and international transfers, and who they go to.

Source: docs.qonto.com, "Transfers".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fake_qonto.data.made import Draw, made, major
from tests.fake_qonto.lists.facts import Endpoint
from tests.fake_qonto.lists.filters import Choice, Days, Flag, Ids, Instants

if TYPE_CHECKING:
    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.lists.reader import Params
    from tests.fake_qonto.world import World

READ = "organization.read"


def transfer(draw: Draw) -> Row:
    """Make a transfer."""
    status = draw.one("pending", "processing", "settled", "declined", "canceled")
    cents = draw.cents()
    is_done = status == "settled"
    return {
        "id": draw.id,
        "initiator_id": draw.other("memberships"),
        "bank_account_id": draw.other("bank_accounts"),
        "amount": major(cents),
        "amount_cents": cents,
        "amount_currency": "EUR",
        "status": status,
        "beneficiary_id": draw.other("beneficiaries"),
        "reference": draw.words(3),
        "note": draw.maybe(draw.words(3)),
        "declined_reason": "beneficiary_bic_invalid" if status == "declined" else None,
        "scheduled_date": draw.day(5),
        "created_at": draw.created_at,
        "updated_at": draw.updated_at,
        "processed_at": draw.updated_at if is_done else None,
        "completed_at": draw.updated_at if is_done else None,
        "transaction_id": draw.other("transactions") if is_done else None,
        "recurring_transfer_id": draw.maybe(draw.other("recurring_transfers"), 0.2),
    }


def beneficiary(draw: Draw) -> Row:
    """Make a beneficiary."""
    return {
        "id": draw.id,
        "name": draw.words(),
        "iban": draw.iban(),
        "bic": draw.maybe("BNPAFRPPXXX"),
        "currency": "EUR",
        "email": draw.maybe("pay@example.com"),
        "activity_tag": draw.maybe("salary"),
        "status": draw.one("pending", "validated", "declined"),
        "trusted": draw.flip(),
        "created_at": draw.created_at,
        "updated_at": draw.updated_at,
    }


def serve_beneficiary(world: World, row: Row, _: Params) -> Row:
    """Nest the account as the sandbox does, if the knob says so."""
    if not world.settings.nests_bank_account:
        return row
    inner = ("iban", "bic", "currency")
    outer = {name: value for name, value in row.items() if name not in inner}
    return outer | {"bank_account": {name: row[name] for name in inner}}


def recurring(draw: Draw) -> Row:
    """Make a recurring transfer."""
    cents = draw.cents()
    return {
        "id": draw.id,
        "initiator_id": draw.other("memberships"),
        "bank_account_id": draw.other("bank_accounts"),
        "amount": major(cents),
        "amount_cents": cents,
        "amount_currency": "EUR",
        "beneficiary_id": draw.other("beneficiaries"),
        "reference": draw.words(2),
        "note": draw.maybe(draw.words(2)),
        "first_execution_date": draw.day(),
        "last_execution_date": draw.maybe(draw.day()),
        "next_execution_date": draw.maybe(draw.day()),
        "frequency": draw.one("weekly", "monthly", "half_yearly"),
        "status": draw.one("processing", "canceled"),
        "created_at": draw.created_at,
        "updated_at": draw.updated_at,
    }


def bulk(draw: Draw) -> Row:
    """Make a bulk transfer; its errors come in both observed forms."""
    errors = draw.one(
        [],
        [{"code": "invalid", "detail": "bad IBAN"}],
        [{"errors": [{"code": "invalid", "detail": "bad", "source": {"pointer": "/iban"}}]}],
    )
    return {
        "id": draw.id,
        "initiator_id": draw.other("memberships"),
        "created_at": draw.created_at,
        "updated_at": draw.updated_at,
        "total_count": 1,
        "completed_count": 0 if errors else 1,
        "pending_count": 0,
        "failed_count": 1 if errors else 0,
        "results": [
            {
                "client_transfer_id": f"mine-{draw.index}",
                "transfer_id": None if errors else draw.other("transfers"),
                "status": "failed" if errors else "completed",
                "errors": errors,
            }
        ],
    }


def currency(draw: Draw) -> Row:
    """Make a currency of a country."""
    code, country = (("USD", "US"), ("GBP", "GB"), ("CHF", "CH"), ("USD", "PR"))[draw.index % 4]
    return {
        "_key": f"{code}/{country}",
        "currency_code": code,
        "country_code": country,
        "suggestion_priority": draw.index,
    }


def abroad(draw: Draw) -> Row:
    """Make a beneficiary abroad."""
    return {
        "id": draw.id,
        "name": draw.words(),
        "country": "US",
        "currency": draw.one("USD", "GBP", "CHF"),
        "payment_type": "local",
        "account_identifier": str(draw.random.randrange(10**10)),
        "bank_identifier": draw.maybe("021000021"),
        "branch_identifier": None,
    }


def eligibility(draw: Draw) -> Row:
    """Make whether the organization can pay abroad."""
    return {"_key": "eligibility", "eligible": False, "reason": "kyb_pending"}


_UPDATED = Instants("updated_at", top=True)
_NEWEST = "updated_at:desc"
TRANSFERS = (
    Endpoint(
        "transfers", "/v2/sepa/transfers", READ, "transfers",
        made("transfers", transfer, ("updated_at",)), single="transfer",
        filters=(_UPDATED, Choice("status", top=True), Days("scheduled_date", top=True),
        Ids("ids", top=True, field="id", most=100)),
        sorts=("updated_at", "scheduled_date"), text="note", order=_NEWEST, indexed=("updated_at",),
    ),
    Endpoint(
        "beneficiaries", "/v2/sepa/beneficiaries", READ, "beneficiaries",
        made("beneficiaries", beneficiary, ("updated_at",)), single="beneficiary",
        filters=(_UPDATED, Choice("iban", top=True), Choice("status", top=True),
        Flag("trusted", top=True)),
        sorts=("updated_at",), per_page=25, serve=serve_beneficiary, text="name", order=_NEWEST,
        indexed=("updated_at",),
    ),
    Endpoint(
        "recurring_transfers", "/v2/sepa/recurring_transfers", READ, "recurring_transfers",
        made("recurring_transfers", recurring, ("updated_at",)), rows=12,
        single="recurring_transfer", text="note", order=_NEWEST, indexed=("updated_at",),
    ),
    Endpoint(
        "bulk_transfers", "/v2/sepa/bulk_transfers", READ, "bulk_transfers",
        made("bulk_transfers", bulk, ("updated_at",)), rows=8, single="bulk_transfer",
        text="initiator_id", order=_NEWEST, indexed=("updated_at",),
    ),
    Endpoint(
        "international_currencies", "/v2/international/currencies", READ, "currencies",
        made("international_currencies", currency), rows=4, paged=False, auth="oauth",
    ),
    Endpoint(
        "international_beneficiaries", "/v2/international/beneficiaries", READ, "beneficiaries",
        made("international_beneficiaries", abroad), rows=9, partition="currency",
        partition_status=422, auth="oauth", text="name",
    ),
    Endpoint(
        "international_eligibility", "/v2/international/eligibility", READ, "",
        made("international_eligibility", eligibility), rows=1, one=True, auth="oauth",
    ),
)  # fmt: skip
