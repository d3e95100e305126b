"""What is special about transactions: accounts as partitions, and statuses that hide."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_qonto import timestamps
from tap_qonto.errors import ApiError, DataError, StreamsError
from tests.fake_qonto import TODAY
from tests.streams.served import served
from tests.support import Json, answer, bookmark, output_before

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Runner

NAME = "transactions"
TRANSACTION_FILES = "transaction_attachments"
VALUE = "replication_key_value"
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
        assert entry[VALUE] == max(stamps)


def test_accounts_are_read_side_by_side(bank: FakeQonto, tap: Runner) -> None:
    bank.control.reset(invoices=0, today=TODAY, bank_accounts=4, transactions=400)
    one_by_one = tap.sync(NAME, page_size=20, list_concurrency=1)
    calls = bank.control.count("api")
    bank.control.clear_requests()
    bank.control.set(latency=0.05)
    at_once = tap.sync(NAME, page_size=20)
    told = [sorted(map(repr, each.records(NAME))) for each in (one_by_one, at_once)]
    assert told[0] == told[1]
    assert at_once.state["bookmarks"][NAME] == one_by_one.state["bookmarks"][NAME]
    # Each account that is split brings the last row of a part again.
    assert bank.control.count("api") <= calls + 8
    asked = [(dict(each["query"]), each) for each in bank.control.requests("api")]
    later = [(query, each) for query, each in asked if "updated_at_from" in query]
    assert any(
        one["started"] < other["started"] < one["ended"]
        for query, one in later
        for beside, other in later
        if query["bank_account_id"] != beside["bank_account_id"]
    )


@pytest.mark.parametrize("hidden", [[], ["declined"]])
def test_nothing_is_lost_where_accounts_change_while_they_are_read(
    bank: FakeQonto, tap: Runner, hidden: list[str]
) -> None:
    bank.control.reset(invoices=0, today=TODAY, bank_accounts=4, transactions=300)
    bank.control.set(hidden_statuses=hidden)
    given: Json = {"page_size": 20, "lookback_seconds": 0}
    bank.control.edit_every_request(2, NAME)
    first = tap.sync(NAME, TRANSACTION_FILES, **given)
    bank.control.edit_every_request(0, NAME)
    second = tap.sync(NAME, TRANSACTION_FILES, state=first.state, **given)
    rows = {row["id"]: row for row in first.records(NAME) + second.records(NAME)}
    stamps = {key: timestamps.parse(row["updated_at"]) for key, row in rows.items()}
    assert stamps == {
        row["id"]: timestamps.parse(row["updated_at"]) for row in bank.control.rows(NAME)
    }


@pytest.mark.parametrize("after", [0, 9])
@pytest.mark.parametrize("status", [403, 404, 422])
def test_an_account_that_qonto_refuses_is_left_out(
    bank: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture, status: int, after: int
) -> None:
    bank.control.reset(invoices=0, today=TODAY, bank_accounts=3, transactions=300)
    bank.control.add_fault("status", path=PATH, status=status, times=1, after=after)
    first = tap.sync(NAME, page_size=20)
    (warning,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    account = bank.control.ids("bank_accounts")
    (left_out,) = [each for each in account if each in warning]
    assert "is left out" in warning
    read = {key for key, each in partitions(first.state).items() if each.get(VALUE)}
    assert after or read == set(account) - {left_out}
    whole = [row["id"] for row in bank.control.rows(NAME) if row["bank_account_id"] != left_out]
    assert set(whole) <= set(first.ids(NAME)) < set(bank.control.ids(NAME))
    second = tap.sync(NAME, state=first.state)
    assert set(first.ids(NAME)) | set(second.ids(NAME)) == set(bank.control.ids(NAME))


def test_an_account_that_fails_does_not_hold_up_the_others(
    bank: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """It fails the stream, and a later run has it."""
    bank.control.reset(invoices=0, today=TODAY, bank_accounts=3, transactions=300)
    answer(bank, PATH, {}, times=1)
    with pytest.raises(DataError) as failure:
        tap.sync(NAME, "sync_log", page_size=20)
    first = output_before(failure.value)
    (log,) = [each for each in first.records("sync_log") if each["stream"] == NAME]
    assert log["status"] == "failed"
    read = {key for key, each in partitions(first.state).items() if each.get(VALUE)}
    (failed,) = set(bank.control.ids("bank_accounts")) - read
    whole = [row["id"] for row in bank.control.rows(NAME) if row["bank_account_id"] != failed]
    assert set(whole) <= set(first.ids(NAME)) < set(bank.control.ids(NAME))
    assert f"bank_account_id {failed} failed" in caplog.text
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
    assert after[VALUE] == before[VALUE]
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
