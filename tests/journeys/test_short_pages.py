"""Pages with fewer rows than Qonto counts on them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap_qonto.errors import DataError
from tests.fake_qonto import TODAY
from tests.streams.served import LISTS
from tests.support import Json, Runner, answer, output_before

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto

FULL = ("credit_notes", "quotes", "labels")
NAMES = ("supplier_invoices", "clients", "client_invoices", *FULL)
ROWS = 25


@pytest.fixture
def bank(fake: FakeQonto) -> FakeQonto:
    """A fake whose lists all have rows on one page."""
    fake.control.reset(invoices=ROWS, today=TODAY)
    return fake


def asked_directly(fake: FakeQonto, name: str) -> tuple[str, Json, list[Any]]:
    """Return a list's path, its first page as a sync asks for it, and the rows of that."""
    stream = LISTS[name]
    order = stream.ways[0].order
    response = requests.get(
        f"{fake.url}{stream.path}",
        params={"per_page": "100", **({"sort_by": order} if order else {})},
        headers={"Authorization": f"{fake.login}:{fake.secret_key}"},
        timeout=30,
    )
    body: Json = json.loads(response.content)
    fake.control.clear_requests()
    return f"{stream.path}$", body, body[stream.collection]


@pytest.mark.parametrize("kept", ["all but one", "none"])
@pytest.mark.parametrize("name", NAMES)
def test_a_page_that_lacks_rows_is_asked_for_once_more(
    bank: FakeQonto, tap: Runner, name: str, kept: str
) -> None:
    path, body, rows = asked_directly(bank, name)
    if kept == "none":
        rows.clear()
    else:
        rows.pop(3)
    answer(bank, path, body, times=1)
    output = tap.sync(name)
    assert set(output.ids(name)) == set(bank.control.ids(name))
    assert bool(output.of("ACTIVATE_VERSION", name)) == (name in FULL)


@pytest.mark.parametrize("name", FULL)
def test_a_row_that_stays_away_is_not_dropped(
    bank: FakeQonto, tap: Runner, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, body, rows = asked_directly(bank, name)
    count = len(rows)
    rows.pop(3)
    answer(bank, path, body)
    output = tap.sync(name, "sync_log")
    assert len(output.ids(name)) == count - 1
    assert output.of("ACTIVATE_VERSION", name) == []
    (log,) = (row for row in output.records("sync_log") if row["stream"] == name)
    assert log["source_count"] == count
    assert log["reason"] in caplog.text
    if name != "labels":
        words = f"Qonto counts {count} rows of {name}, and handed out {count - 1}."
        assert log["reason"] == words


@pytest.mark.parametrize("name", ["supplier_invoices", "client_invoices", "credit_notes"])
def test_a_list_of_which_no_row_comes_is_not_empty(bank: FakeQonto, tap: Runner, name: str) -> None:
    path, body, rows = asked_directly(bank, name)
    count = len(rows)
    rows.clear()
    answer(bank, path, body)
    words = f"Qonto counts {count} rows, and hands out none of them"
    with pytest.raises(DataError, match=words) as failure:
        tap.sync(name)
    assert output_before(failure.value).of("ACTIVATE_VERSION", name) == []


def test_hidden_rows_cost_few_requests(fake: FakeQonto, tap: Runner) -> None:
    """Each page of a list lacks a row for good."""
    fake.control.reset(invoices=0, today=TODAY, labels=ROWS)
    path, body, rows = asked_directly(fake, "labels")
    rows.pop(3)
    answer(fake, path, body)
    tap.sync("labels")
    assert fake.control.count("api", "labels$") <= 3 + 3
