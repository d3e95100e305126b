"""Lists below each row of another list, where some of them fail: the other list goes on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tap_qonto.errors import DataError, StoppedError, StreamsError, TapQontoError
from tests.fake_qonto import TODAY
from tests.streams.served import LISTS, key_of, served
from tests.support import Json, Output, Runner, answer, chosen, output_before, written_by

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto

LOG = "sync_log"
LINKS = ("payment_links", "payment_link_payments", "/v2/payment_links/[^/]+/payments$")
INSTALMENTS = ("transactions", "transaction_links", "/child_transaction_links$")
FAMILIES = [LINKS, INSTALMENTS]


@pytest.fixture
def bank(fake: FakeQonto) -> FakeQonto:
    """A fake whose lists all have rows."""
    fake.control.reset(invoices=2, today=TODAY)
    return fake


@pytest.fixture
def tap(bank: FakeQonto, tmp_path: Path) -> Runner:
    """The tap with OAuth, which every stream takes."""
    return Runner.with_oauth(bank, tmp_path)


def ended(output: Output) -> dict[str, str]:
    """Return how each stream ended, by the log of the run."""
    return {row["stream"]: row["status"] for row in output.records(LOG)}


def failing(tap: Runner, *streams: str, state: Json | None = None) -> Output:
    """Run the tap, which fails; return what it wrote."""
    with pytest.raises(TapQontoError) as failure:
        tap.sync(catalog=chosen(*streams, LOG), state=state)
    return output_before(failure.value)


@pytest.mark.parametrize(("parent", "child", "path"), FAMILIES)
@pytest.mark.parametrize("status", [422, 500])
def test_one_row_whose_list_fails_does_not_hold_up_the_rows_themselves(
    bank: FakeQonto, tap: Runner, parent: str, child: str, path: str, status: int
) -> None:
    fault = bank.control.add_fault("status", path=path, status=status, after=1)
    first = failing(tap, parent, child)
    assert fault
    assert ended(first) == {parent: "complete", child: "failed"}
    assert set(first.ids(parent)) == set(bank.control.ids(parent))
    assert first.of("ACTIVATE_VERSION", child) == []
    bank.control.clear_faults()
    second = tap.sync(catalog=chosen(parent, child), state=first.state)
    found = {key_of(child, row) for row in first.records(child) + second.records(child)}
    assert found == {key_of(child, row) for row in served(bank, child)}


@pytest.mark.parametrize(("parent", "child", "path"), FAMILIES)
def test_a_list_that_an_earlier_run_could_read_fails_the_run(
    bank: FakeQonto, tap: Runner, parent: str, child: str, path: str
) -> None:
    state = tap.sync(catalog=chosen(parent, child)).state
    bank.control.add_fault("status", path=path, status=403)
    for row in bank.control.rows(parent):
        if parent == "transactions":
            bank.control.edit(parent, row["id"], note="to be read again")
    output = failing(tap, parent, child, state=state)
    assert ended(output) == {parent: "complete", child: "forbidden"}


@pytest.mark.parametrize(("parent", "child", "path"), FAMILIES)
def test_a_list_that_takes_no_api_key_is_asked_for_once(
    bank: FakeQonto, tmp_path: Path, parent: str, child: str, path: str
) -> None:
    bank.control.add_fault("status", path=path, status=401)
    output = Runner.against(bank, tmp_path).sync(catalog=chosen(parent, child, "labels", LOG))
    assert ended(output) == {parent: "complete", child: "forbidden", "labels": "complete"}
    assert bank.control.count("api", path) == 1


@pytest.mark.parametrize(("parent", "child", "path"), FAMILIES)
@pytest.mark.parametrize("status", [403, 500])
def test_the_log_has_a_list_whose_parent_is_deselected(
    bank: FakeQonto, tap: Runner, parent: str, child: str, path: str, status: int
) -> None:
    bank.control.add_fault("status", path=path, status=status)
    output = failing(tap, child)
    assert ended(output) == {child: "forbidden" if status == 403 else "failed"}
    assert output.records(parent) == []


@pytest.mark.parametrize(("parent", "child", "path"), FAMILIES)
def test_a_run_that_is_told_to_end_is_no_failure_of_such_a_list(
    bank: FakeQonto, tap: Runner, parent: str, child: str, path: str
) -> None:
    run = tap.tap(catalog=chosen(parent, child, "cards", LOG))

    def end(call: Json) -> None:
        if re.search(path, call["path"]):
            run.stop.set()

    bank.control.on_request(end)
    with pytest.raises(StoppedError) as failure:
        written_by(run)
    assert ended(output_before(failure.value)) == {}


def test_where_no_row_has_such_a_list_any_more_nothing_was_deleted(
    bank: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """Rather than of each payment link, a path that is gone is a sign of a new API."""
    parent, child, path = LINKS
    bank.control.add_fault("status", path=path, status=404)
    output = tap.sync(catalog=chosen(parent, child))
    assert output.of("ACTIVATE_VERSION", child) == []
    assert len(output.of("ACTIVATE_VERSION", parent)) == 1
    assert f"Qonto has no {child} of payment_link_id " in caplog.text


def test_a_row_without_one_of_its_keys_is_told(bank: FakeQonto, tap: Runner) -> None:
    name = "international_currencies"
    bank.control.edit(name, bank.control.ids(name)[0], country_code=None)
    with pytest.raises(DataError, match=f"A row of {name} has no country_code"):
        tap.sync(catalog=chosen(name))


@pytest.mark.parametrize("body", [{}, {"message": "soon"}, {"errors": []}, {"data": {"a": 1}}])
@pytest.mark.parametrize("name", ["einvoicing_settings", "international_eligibility"])
def test_an_object_without_its_fields_is_told(
    bank: FakeQonto, tap: Runner, name: str, body: Json
) -> None:
    """A target would keep nulls in place of what it had."""
    answer(bank, f"{LISTS[name].path}$", body)
    with pytest.raises(DataError, match=f"answer for stream {name} holds none of its fields"):
        tap.sync(catalog=chosen(name))


def test_an_object_may_come_below_a_name(bank: FakeQonto, tap: Runner) -> None:
    name = "international_eligibility"
    answer(bank, f"{LISTS[name].path}$", {"eligibility": {"eligible": True}})
    (row,) = tap.sync(catalog=chosen(name)).records(name)
    assert row["eligible"] is True


@pytest.mark.parametrize("body", [{}, {"organization": None}, None])
def test_an_organization_that_cannot_be_read_holds_up_no_other_list(
    bank: FakeQonto, tap: Runner, body: Json | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = "^/v2/organization$"
    if body is None:
        bank.control.add_fault("status", path=path, status=500)
    else:
        answer(bank, path, body)
    output = tap.sync(catalog=chosen("labels", "teams", "clients"))
    for name in ("labels", "teams", "clients"):
        assert set(output.ids(name)) == set(bank.control.ids(name))
    told = [each for each in caplog.messages if "Whose rows these are is not known" in each]
    assert len(told) == 1


def test_two_streams_that_ask_for_the_same_do_not_end_the_run(bank: FakeQonto, tap: Runner) -> None:
    """A page of HTML in place of the organization says nothing of the other lists."""
    bank.control.add_fault("html", path="^/v2/organization$")
    names = ("organization", "bank_accounts", "labels", "teams")
    with pytest.raises(StreamsError, match=r"organization, bank_accounts\.") as failure:
        tap.sync(catalog=chosen(*names))
    output = output_before(failure.value)
    for name in ("labels", "teams"):
        assert set(output.ids(name)) == set(bank.control.ids(name))


def test_what_chooses_a_part_stands_for_null(bank: FakeQonto, tmp_path: Path) -> None:
    bank.control.reset(invoices=0, today=TODAY, bank_accounts=1)
    (account,) = bank.control.ids("bank_accounts")
    row = bank.control.rows("transactions")[0] | {"bank_account_id": None}
    meta = {"current_page": 1, "next_page": None, "total_pages": 1, "total_count": 1}
    answer(bank, "^/v2/transactions$", {"transactions": [row], "meta": meta})
    output = Runner.against(bank, tmp_path).sync("transactions")
    (record,) = output.records("transactions")
    assert record["bank_account_id"] == account
