"""What is special about transactions: accounts as partitions, and statuses that hide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_qonto.errors import ApiError, StreamsError
from tests.fake_qonto import TODAY
from tests.streams.served import served
from tests.support import Json, bookmark

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Runner

NAME = "transactions"
PATH = "^/v2/transactions$"


@pytest.fixture
def bank(fake: FakeQonto) -> FakeQonto:
    """A fake with accounts and transactions."""
    fake.control.reset(invoices=0, today=TODAY)
    return fake


def partitions(state: Json) -> dict[str, Json]:
    """Return what the state holds for each account."""
    entries = state["bookmarks"][NAME]["partitions"]
    return {entry["context"]["bank_account_id"]: entry for entry in entries}


@pytest.mark.parametrize("hidden", [["pending"], ["declined", "reversed"], []])
def test_no_status_is_hidden(bank: FakeQonto, tap: Runner, hidden: list[str]) -> None:
    bank.control.set(hidden_statuses=hidden)
    output = tap.sync(NAME)
    assert set(output.ids(NAME)) == set(bank.control.ids(NAME))
    statuses = {record["status"] for record in output.records(NAME)}
    assert statuses == {"pending", "declined", "completed", "reversed"}


def test_each_account_has_a_bookmark(bank: FakeQonto, tap: Runner) -> None:
    first = tap.sync(NAME)
    assert partitions(first.state).keys() == set(bank.control.ids("bank_accounts"))
    for account, entry in partitions(first.state).items():
        stamps = [
            record["updated_at"]
            for record in first.records(NAME)
            if record["bank_account_id"] == account
        ]
        assert entry["replication_key_value"] == max(stamps)


@pytest.mark.parametrize("status", [403, 404, 422])
def test_an_account_that_qonto_refuses_is_left_out(
    bank: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    bank.control.add_fault("status", path=PATH, status=status, times=1)
    first = tap.sync(NAME)
    (warning,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    account = bank.control.ids("bank_accounts")
    (left_out,) = [each for each in account if each in warning]
    assert "is left out" in warning
    assert left_out not in {record["bank_account_id"] for record in first.records(NAME)}
    assert len({record["bank_account_id"] for record in first.records(NAME)}) == len(account) - 1
    second = tap.sync(NAME, state=first.state)
    assert set(first.ids(NAME)) | set(second.ids(NAME)) == set(bank.control.ids(NAME))


def test_accounts_that_cannot_be_listed_are_told(bank: FakeQonto, tap: Runner) -> None:
    bank.control.add_fault("status", path="^/v2/bank_accounts$", status=403)
    with pytest.raises(StreamsError, match="does not let the API key"):
        tap.sync(NAME)
    assert bank.control.count("api")


def test_all_accounts_refused_is_an_error(bank: FakeQonto, tap: Runner) -> None:
    bank.control.add_fault("status", path=PATH, status=422)
    with pytest.raises(ApiError):
        tap.sync(NAME)


def test_an_account_that_is_gone_is_told_and_keeps_its_bookmark(
    bank: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    first = tap.sync(NAME)
    gone = bank.control.ids("bank_accounts")[0]
    bank.control.delete("bank_accounts", gone)
    assert "any more" not in caplog.text
    second = tap.sync(NAME, "sync_log", state=first.state)
    words = f"{NAME} of bank_account_id {gone} is left out: Qonto does not list it any more."
    assert words in caplog.text
    assert words in second.records("sync_log")[0]["reason"]
    before, after = partitions(first.state)[gone], partitions(second.state)[gone]
    assert after["replication_key_value"] == before["replication_key_value"]
    assert gone not in {record["bank_account_id"] for record in second.records(NAME)}
    assert bookmark(first.state, NAME) is None


def test_settled_balances_chain_to_that_of_the_account(bank: FakeQonto, tap: Runner) -> None:
    """The tables alone prove that no transaction is missing."""
    records = tap.sync(NAME, "bank_accounts").records(NAME)
    accounts = {row["id"]: row for row in served(bank, "bank_accounts")}
    assert accounts
    for key, account in accounts.items():
        settled = [
            record
            for record in records
            if record["bank_account_id"] == key and record["settled_balance_cents"] is not None
        ]
        change = {
            record["id"]: record["amount_cents"] * (1 if record["side"] == "credit" else -1)
            for record in settled
        }
        before = {r["settled_balance_cents"] - change[r["id"]] for r in settled}
        after = {r["settled_balance_cents"] for r in settled}
        assert after - before == {account["balance_cents"]}
        assert account["balance"] * 100 == account["balance_cents"]
