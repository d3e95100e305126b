"""The money of the fake's world adds up, and goes on doing so."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fake_qonto import TODAY

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Json


def change(row: Json) -> int:
    cents: int = row["amount_cents"]
    return cents if row["side"] == "credit" else -cents


def of_account(bank: FakeQonto, account: str) -> list[Json]:
    rows = bank.control.rows("transactions")
    return [row for row in rows if row["bank_account_id"] == account]


def check(bank: FakeQonto) -> None:
    """Follow each account's balances from the first to the last."""
    for account in bank.control.rows("bank_accounts"):
        rows = of_account(bank, account["id"])
        settled = [row for row in rows if row["status"] in {"completed", "reversed"}]
        assert {row["id"] for row in rows if row["settled_balance_cents"] is not None} == {
            row["id"] for row in settled
        }
        assert {row["id"] for row in rows if row["settled_at"]} == {row["id"] for row in settled}
        after = sorted(row["settled_balance_cents"] for row in settled)
        before = sorted(row["settled_balance_cents"] - change(row) for row in settled)
        # Each balance is that before the next row, but for the first and the last.
        opening = account["balance_cents"] - sum(map(change, settled))
        assert sorted([*before, account["balance_cents"]]) == sorted([opening, *after])
        pending = sum(change(row) for row in rows if row["status"] == "pending")
        assert account["authorized_balance_cents"] - account["balance_cents"] == pending
        assert account["balance"] * 100 == account["balance_cents"]


@pytest.fixture
def bank(fake: FakeQonto) -> FakeQonto:
    fake.control.reset(invoices=120, today=TODAY)
    return fake


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_balances_chain_from_the_start(bank: FakeQonto, seed: int) -> None:
    bank.control.reset(seed=seed, transactions=90, bank_accounts=3)
    check(bank)
    balances = [row["settled_balance_cents"] for row in bank.control.rows("transactions")]
    assert min(balance for balance in balances if balance is not None) >= 1_000_000


def test_balances_chain_after_every_change(bank: FakeQonto) -> None:
    control = bank.control
    account = control.ids("bank_accounts")[0]
    rows = of_account(bank, account)
    completed = [row["id"] for row in rows if row["status"] == "completed"]
    pending = next(row["id"] for row in rows if row["status"] == "pending")
    control.add("transactions", bank_account_id=account, status="completed", amount_cents=777)
    check(bank)
    control.add("transactions", bank_account_id=account, status="pending", amount_cents=111)
    check(bank)
    control.edit("transactions", completed[1], amount_cents=4_242, amount=42.42)
    check(bank)
    control.edit("transactions", completed[2], side="credit", note="another side")
    check(bank)
    control.edit("transactions", completed[3], status="declined")
    check(bank)
    control.delete("transactions", completed[0])
    check(bank)
    control.edit("transactions", pending, status="completed")
    check(bank)
    control.delete("transactions", pending)
    check(bank)


def test_what_moves_has_a_new_stamp(bank: FakeQonto) -> None:
    """A run that reads only changes has to see balances that moved."""
    control = bank.control
    rows = {row["id"]: row for row in control.rows("transactions")}
    first = next(row for row in rows.values() if row["status"] == "completed")
    control.delete("transactions", first["id"])
    moved = 0
    for row in control.rows("transactions"):
        if row["settled_balance_cents"] != rows[row["id"]]["settled_balance_cents"]:
            assert row["updated_at"] > rows[row["id"]]["updated_at"]
            moved += 1
    assert moved


def test_paid_invoices_are_matched_with_what_pays_them(bank: FakeQonto) -> None:
    bank.control.set(matched_transactions_style="objects")
    transactions = {row["id"]: row for row in bank.control.rows("transactions")}
    matched = [row for row in bank.control.invoices() if row.get("matched_transactions")]
    assert {len(row["matched_transactions"]) for row in matched} >= {1, 2}
    for invoice in matched:
        ids = [each["transaction_id"] for each in invoice["matched_transactions"]]
        assert ids == invoice["matched_transactions_ids"]
        payments = [transactions[key] for key in ids]
        total = sum(row["local_amount_cents"] for row in payments)
        if all(row["settled_at"] for row in payments):
            assert total <= Decimal(invoice["total_amount"]["value"]) * 100
        for row in payments:
            assert row["status"] in {"completed", "reversed"}
            assert row["side"] == "debit"
            assert row["local_currency"] == invoice["total_amount"]["currency"]
            assert row["label"] == invoice["supplier_name"]


def test_an_invoice_is_paid(bank: FakeQonto) -> None:
    control = bank.control
    to_pay = next(row for row in control.invoices() if row["status"] == "to_pay")
    key = control.pay_invoice(to_pay["id"])
    for other in [row for row in control.invoices() if row["status"] == "to_pay"]:
        control.pay_invoice(other["id"])
    invoice, payment = control.invoice(to_pay["id"]), control.row("transactions", key)
    assert invoice["status"] == "paid"
    assert Decimal(invoice["payable_amount"]["value"]) == 0
    assert invoice["matched_transactions_ids"] == [key]
    assert payment["local_amount"] == Decimal(invoice["total_amount"]["value"])
    check(bank)


def test_each_account_has_statements_without_a_gap(bank: FakeQonto) -> None:
    months: dict[str, list[int]] = {}
    for row in bank.control.rows("statements"):
        month, year = map(int, row["period"].split("-"))
        months.setdefault(row["bank_account_id"], []).append(year * 12 + month)
    assert months.keys() == set(bank.control.ids("bank_accounts"))
    year, month, _ = map(int, TODAY.split("-"))
    for found in months.values():
        assert sorted(found) == list(range(year * 12 + month - len(found), year * 12 + month))
