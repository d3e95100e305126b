"""The organization, its accounts and their transactions.

Source: docs.qonto.com, "Organization & accounts", "Transactions & statements".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fake_qonto.data.ledger import Ledger, balances, keep_balances
from tests.fake_qonto.data.made import Draw, made, major
from tests.fake_qonto.files.store import serve_with_urls
from tests.fake_qonto.lists.facts import Endpoint
from tests.fake_qonto.lists.filters import Choice, Ids, Instants
from tests.fake_qonto.lists.rendering import as_z

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.lists.reader import Params
    from tests.fake_qonto.world import World

READ = "organization.read"
STATUSES = ("pending", "declined", "completed", "reversed")
_GATED = ("iban", "bic", "balance", "balance_cents", "authorized_balance", "currency")


def organization(draw: Draw) -> Row:
    """Make the organization."""
    return {
        "id": draw.plan.organization_id,
        "slug": "acme-corp-1234",
        "name": "Acme Corp",
        "legal_name": "Acme Corp SAS",
        "locale": "fr",
        "legal_share_capital": 10_000.0,
        "legal_country": "FR",
        "legal_registration_date": "2016-04-01",
        "legal_form": "SAS",
        "legal_address": "18 rue de Navarin, 75009 Paris",
        "legal_sector": None,
        "legal_number": "819489626",
        "contract_signed_at": "2021-03-23T14:21:51.000Z",
    }


def account(draw: Draw) -> Row:
    """Make an account: the third is closed, the last one another bank's."""
    settled, authorized = balances(draw.plan)[draw.id]
    is_external = draw.index == draw.plan.counts["bank_accounts"] - 1 and draw.index > 0
    return {
        "id": draw.id,
        "organization_id": draw.plan.organization_id,
        "_slug": f"acme-corp-1234-bank-account-{draw.index + 1}",
        "name": ("Compte principal", "Taxes", "Ancien compte", "BNP")[draw.index % 4],
        "status": "closed" if draw.index == 2 else "active",
        "main": draw.index == 0,
        "iban": draw.iban(),
        "bic": "QNTOFRP1XXX",
        "account_number": "00012345678" if is_external else None,
        "currency": "EUR",
        "balance": major(settled),
        "balance_cents": settled,
        "authorized_balance": major(authorized),
        "authorized_balance_cents": authorized,
        "updated_at": draw.updated_at,
        "_external": is_external,
    }


def serve_account(world: World, row: Row, _: Params) -> Row:
    """Leave out what a role does not see: such fields are absent, not null."""
    if not world.settings.hides_balances:
        return row
    return {name: value for name, value in row.items() if name not in _GATED}


def serve_organization(world: World, row: Row, params: Params) -> Row:
    """Add the accounts, which do not name it; external ones if they are asked for."""
    with_external = ("include_external_accounts", "true") in params
    table = world.table("bank_accounts")
    accounts = [table.row(key) for key in table.stamps]
    shown = [each for each in accounts if with_external or not each["_external"]]
    return row | {
        "bank_accounts": [
            {
                name: value
                for name, value in serve_account(world, each, ()).items()
                if name[0] != "_" and name != "organization_id"
            }
            | {
                "slug": each["_slug"],
                "is_external_account": each["_external"],
                "updated_at": as_z(each["updated_at"]),
            }
            for each in shown
        ]
    }


def hides_external(_: World, __: Params) -> Callable[[Row], Any]:
    """Leave out external accounts: they stand in the organization."""
    return lambda row: row["_external"]


def hides_statuses(world: World, params: Params) -> Callable[[Row], Any] | None:
    """Leave out transactions of some statuses, unless statuses are named."""
    hidden = world.settings.hidden_statuses
    if not hidden or any(name == "status[]" for name, _ in params):
        return None
    return lambda row: row["status"] in hidden


def serve_transaction(world: World, row: Row, params: Params) -> Row:
    """Add what was asked for by ``includes[]``."""
    included = {value for name, value in params if name == "includes[]"}
    served = dict(row)
    if "vat_details" in included:
        vat = row.get("_vat")
        items: list[dict[str, Any]] = []
        if vat is not None:
            items = [
                {
                    "amount": major(vat),
                    "amount_cents": vat,
                    "amount_excluding_vat": str(major(row["amount_cents"] - vat)),
                    "amount_excluding_vat_cents": row["amount_cents"] - vat,
                    "rate": 20.0,
                }
            ]
        served["vat_details"] = {"items": items}
    if "attachments" in included:
        files = [serve_with_urls(world, key) for key in row["attachment_ids"] if key in world.files]
        for each in files:
            if each.get("probative_attachment"):
                status = each["probative_attachment"]["status"]
                each["probative_attachment"] = {"status": status}
        served["attachments"] = files
    return served


def link(draw: Draw) -> Row:
    """Make a link from a card payment to its repayment."""
    return {
        "_key": draw.id,
        "_transaction_id": draw.other("transactions"),
        "link_type": "ddc_repayment",
        "related_transaction_id": draw.other("transactions"),
        "transaction": {"id": "embedded"},
    }


def statement(draw: Draw) -> Row:
    """Make the statement of a month: each account has one for each month up to the last."""
    accounts: list[str | None] = [*draw.plan.ids("bank_accounts")] or [None]
    today = draw.plan.today
    months = today.year * 12 + today.month - 2 - draw.index // len(accounts) % 480
    year, month = months // 12, months % 12 + 1
    return {
        "id": draw.id,
        "bank_account_id": accounts[draw.index % len(accounts)],
        "period": f"{month:02d}-{year}",
        "file": {
            "file_name": f"statement-{year}-{month:02d}.pdf",
            "file_content_type": "application/pdf",
        },
        "created_at": draw.created_at,
        "attachment_id": draw.id,
    }


def serve_statement(world: World, row: Row, _: Params) -> Row:
    """Add size and signed address of the PDF; the size is text, as the documents have it."""
    served = {name: row[name] for name in ("id", "bank_account_id", "period")}
    facts = serve_with_urls(world, row["attachment_id"])
    more = {"file_size": str(facts["file_size"]), "file_url": facts["url"]}
    return served | {"file": row["file"] | more}


def category(draw: Draw) -> Row:
    """Make a category of cash flow."""
    return {
        "id": draw.id,
        "name": draw.words(),
        "type": draw.one("CATEGORY_TYPE_INFLOW", "CATEGORY_TYPE_OUTFLOW"),
        **({"vat_rate": "20.0"} if draw.index % 2 else {}),
        "subcategories": [
            {"id": draw.plan.id("subcategory", draw.index), "name": draw.words(), "vat_rate": "5.5"}
        ],
    }


def by_month(row: Row) -> tuple[str, str]:
    """Order periods as dates."""
    month, year = row["period"].split("-")
    return year, month


BANKING = (
    Endpoint(
        "organization", "/v2/organization", READ, "organization",
        made("organization", organization), rows=1, one=True, serve=serve_organization,
        volatile=True,
    ),
    Endpoint(
        "bank_accounts", "/v2/bank_accounts", READ, "bank_accounts",
        made("bank_accounts", account), rows=4, single="bank_account", serve=serve_account,
        hides=hides_external, text="name",
    ),
    Endpoint(
        "transactions", "/v2/transactions", READ, "transactions",
        lambda plan: Ledger(plan, "transactions", lambda _: {}, ("updated_at", "created_at",
        "settled_at", "emitted_at")),
        rows=60, single="transaction", partition="bank_account_id",
        filters=(Instants("updated_at", top=True), Instants("created_at", top=True),
        Instants("emitted_at", top=True), Instants("settled_at", top=True),
        Choice("status", top=True, allowed=STATUSES)),
        sorts=("updated_at", "settled_at", "emitted_at"), order="settled_at:desc",
        indexed=("updated_at", "created_at", "settled_at", "emitted_at"), text="note",
        serve=serve_transaction, volatile=True, hides=hides_statuses, changed=keep_balances,
        has_files=True,
    ),
    Endpoint(
        "transaction_links", "/v2/transactions/{parent}/child_transaction_links", READ, "links",
        made("transaction_links", link), rows=8, partition="_transaction_id",
    ),
    Endpoint(
        "statements", "/v2/statements", READ, "statements", made("statements", statement), rows=24,
        single="statement", filters=(Ids("bank_account_ids", top=True, field="bank_account_id"),),
        serve=serve_statement, volatile=True, has_files=True,
        sorts=("period",), derived={"period": by_month}, order="period:desc",
        text="bank_account_id",
    ),
    Endpoint(
        "cash_flow_categories", "/v2/cash_flow_categories", "cash_flow_category.read",
        "cash_flow_categories", made("cash_flow_categories", category), rows=6, paged=False,
        text="name",
    ),
)  # fmt: skip
