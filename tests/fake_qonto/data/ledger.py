"""Transactions whose balances chain: the last settled one ends in the account's balance.

Debits pay the supplier invoices that are paid, as far as there are enough of both.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.clock import as_instant
from tests.fake_qonto.data.made import Draw, Made, major
from tests.fake_qonto.data.payments import pay_invoices

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from random import Random

    from tests.fake_qonto.data.plan import Plan
    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.world import World

ACCOUNTS, TRANSACTIONS = "bank_accounts", "transactions"
_LEAST = 1_000_000
"""The lowest balance in cents that an account has had."""
_UNSETTLED = {"settled_balance_cents": None, "settled_balance": None, "settled_at": None}
_KINDS = ("card", "transfer", "income", "direct_debit", "qonto_fee", "swift_income", "check")


def settles(row: Row) -> bool:
    """Tell whether a transaction has moved the balance."""
    return row["status"] in {"completed", "reversed"}


def change_of(row: Row) -> int:
    """Return by how many cents a transaction moves the balance."""
    cents: int = row["amount_cents"]
    return cents if row["side"] == "credit" else -cents


@lru_cache(maxsize=64)
def balances(plan: Plan) -> dict[str, tuple[int, int]]:
    """Return the settled and the authorized balance of each account, in cents."""
    found: dict[str, tuple[int, int]] = dict.fromkeys(plan.ids(ACCOUNTS), (_LEAST, _LEAST))
    rows = transactions(plan)
    for row in rows:
        if settles(row):
            found[row["bank_account_id"]] = (row["settled_balance_cents"],) * 2
    for row in rows:
        if row["status"] == "pending":
            settled, authorized = found[row["bank_account_id"]]
            found[row["bank_account_id"]] = settled, authorized + change_of(row)
    return found


@lru_cache(maxsize=64)
def transactions(plan: Plan) -> list[Row]:
    """Return all transactions, their balances chained in the order of settlement."""
    accounts = plan.ids(ACCOUNTS) or [plan.id("a", 0)]
    rows = [
        transaction(Draw(plan, TRANSACTIONS, index), accounts[index % len(accounts)])
        for index in range(plan.counts[TRANSACTIONS])
    ]
    pay_invoices(plan, [row for row in rows if row["side"] == "debit" and settles(row)])
    for account in accounts:
        settled = [row for row in rows if row["bank_account_id"] == account and settles(row)]
        changes = [0, *accumulate(map(change_of, settled))]
        opening = _LEAST - min(changes)
        for place, (row, change) in enumerate(zip(settled, changes[1:], strict=True)):
            row.update(_chained(opening + change), _place=place)
    return rows


@lru_cache(maxsize=64)
def payments(plan: Plan) -> dict[str, list[Row]]:
    """Return the transactions that pay each of the supplier invoices that have any."""
    found: dict[str, list[Row]] = {}
    for row in transactions(plan):
        if "_pays" in row:
            found.setdefault(row["_pays"], []).append(row)
    return found


def _chained(balance: int) -> Row:
    return {"settled_balance_cents": balance, "settled_balance": major(balance)}


def transaction(draw: Draw, account: str) -> Row:
    """Make a transaction of an account; its balance is not chained yet."""
    status = draw.one("completed", "completed", "completed", "pending", "declined", "reversed")
    kind = draw.one(*_KINDS)
    side = draw.one("debit", "debit", "credit")
    # Credits are fewer and larger, so that an account holds its own.
    cents = draw.cents() * (2 if side == "credit" else 1)
    vat = draw.maybe(cents // 6)
    settled = draw.created_at + timedelta(hours=2) if status in {"completed", "reversed"} else None
    other = {
        "counterparty_account_number": draw.iban(),
        "counterparty_account_number_format": "IBAN",
        "counterparty_bank_identifier": "BNPAFRPPXXX",
        "counterparty_bank_identifier_format": "BIC",
    }
    receipts = draw.random.choice((0, 0, 1, 1, 2))
    return {
        "id": draw.id,
        "transaction_id": f"acme-corp-1234-1-transaction-{draw.index}",
        "bank_account_id": account,
        "amount": major(cents),
        "amount_cents": cents,
        "settled_balance": None,
        "settled_balance_cents": None,
        "attachment_ids": [draw.plan.id(f"receipt-{each}", draw.index) for each in range(receipts)],
        "logo": draw.maybe({"small": "https://logos.example/s.png", "medium": None}),
        "local_amount": major(cents),
        "local_amount_cents": cents,
        "side": side,
        "operation_type": kind,
        "subject_type": kind.capitalize() if draw.index % 2 else kind,
        "currency": "EUR",
        "local_currency": draw.one("EUR", "EUR", "USD"),
        "label": draw.words(),
        "clean_counterparty_name": draw.maybe(draw.words()),
        "settled_at": settled,
        "emitted_at": draw.created_at,
        "created_at": draw.created_at,
        "updated_at": max(draw.updated_at, settled or draw.updated_at),
        "status": status,
        "note": draw.maybe(draw.words(3)),
        "reference": draw.maybe(draw.words(3)),
        "vat_amount": None if vat is None else major(vat),
        "vat_amount_cents": vat,
        "vat_rate": None if vat is None else draw.one(20.0, 5.5, -1.0),
        "_vat": vat,
        "initiator_id": draw.other("memberships"),
        "label_ids": [draw.other("labels")] if draw.index % 3 else [],
        "attachment_lost": False,
        "attachment_required": draw.flip(),
        "card_last_digits": "4242" if kind == "card" else None,
        "category": "other_expense",
        "cashflow_category": draw.maybe(
            {"id": draw.other("cash_flow_categories"), "name": "Services"}
        ),
        "cashflow_subcategory": None,
        "is_external_transaction": False,
        "transfer": other if kind == "transfer" else None,
        "income": other if kind == "income" else None,
        "swift_income": other if kind == "swift_income" else None,
        "direct_debit": other if kind == "direct_debit" else None,
        "direct_debit_collection": None,
        "check": {"check_number": "0001", "check_key": "77"} if kind == "check" else None,
        "financing_installment": None,
        "pagopa_payment": None,
        "direct_debit_hold": None,
    }


class Ledger(Made):
    """The transactions of all accounts."""

    def rows(self, count: int) -> Iterable[Row]:  # noqa: ARG002 - the plan has it, too
        """Return them; each world has rows of its own."""
        return (dict(row) for row in transactions(self.plan))

    def new(self, fields: Mapping[str, Any], now: datetime, random: Random) -> Row:
        """Make a transaction with these fields over it, as of now."""
        accounts = self.plan.ids(ACCOUNTS)
        draw = Draw(self.plan, TRANSACTIONS, 1_000_000 + random.randrange(10**9))
        account = fields.get("bank_account_id") or random.choice(accounts)
        row = transaction(draw, account) | dict(fields)
        moment = as_instant(fields.get("updated_at") or now)
        for name in ("created_at", "emitted_at", "updated_at"):
            row[name] = as_instant(fields.get(name) or moment)
        given = as_instant(fields.get("settled_at") or moment)
        row["settled_at"] = given if settles(row) else None
        return row


def keep_balances(world: World, before: Row | None, after: Row | None) -> None:
    """Move balances with a transaction that was added, edited or removed.

    What settles goes to the end of the chain. What settled earlier and changes, or goes, moves
    the balances of all that settled after it, as if it had always been so.
    """
    row = after or before
    if row is None or row["bank_account_id"] not in world.table(ACCOUNTS):
        return
    account = world.table(ACCOUNTS).row(row["bank_account_id"])
    if account["balance_cents"] is None:
        return
    moved = _settled_change(after) - _settled_change(before)
    pending = _pending_change(after) - _pending_change(before)
    if before is not None and settles(before):
        _move_from(world, before, after, moved)
    elif after is not None and settles(after):
        place = account.get("_places", world.plan.counts[TRANSACTIONS])
        world.table(ACCOUNTS).row(account["id"])["_places"] = place + 1
        settled_at = after["settled_at"] or after["updated_at"]
        chained = _chained(account["balance_cents"] + moved)
        _set(world, after, chained | {"_place": place, "settled_at": settled_at})
    if moved or pending:
        settled = account["balance_cents"] + moved
        authorized = account["authorized_balance_cents"] + moved + pending
        changes = {
            "balance_cents": settled,
            "balance": major(settled),
            "authorized_balance_cents": authorized,
            "authorized_balance": major(authorized),
        }
        world.table(ACCOUNTS).edit(account["id"], changes, world.now())


def _move_from(world: World, before: Row, after: Row | None, moved: int) -> None:
    """Move the balances from a place in the chain on."""
    if after is not None:
        balance = before["settled_balance_cents"] + moved
        _set(world, after, _chained(balance) if settles(after) else _UNSETTLED)
    if moved:
        table = world.table(TRANSACTIONS)
        for row in map(table.row, table.keys(before["bank_account_id"])):
            if settles(row) and row["_place"] > before["_place"]:
                changes = _chained(row["settled_balance_cents"] + moved)
                table.edit(row["id"], changes, world.now())


def _set(world: World, row: Row, changes: Row) -> None:
    """Change a row as part of the edit that it has just had."""
    if any(row.get(name) != value for name, value in changes.items()):
        table = world.table(TRANSACTIONS)
        table.edit(row["id"], {"updated_at": row["updated_at"]} | changes, world.now())


def _settled_change(row: Row | None) -> int:
    return change_of(row) if row is not None and settles(row) else 0


def _pending_change(row: Row | None) -> int:
    return change_of(row) if row is not None and row["status"] == "pending" else 0
