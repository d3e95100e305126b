"""Filters of supplier invoices."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.fake.client import LIST, NOON, Client, stamps
from tests.fake_qonto import TODAY, FakeQonto
from tests.fake_qonto.data.invoices.catalog import ALL_STATUSES
from tests.fake_qonto.data.invoices.matching import relative_span


def test_every_status_can_be_filtered(client: Client) -> None:
    counts = Counter(row["status"] for row in client.rows())
    assert counts.keys() == set(ALL_STATUSES)
    for status, count in counts.items():
        found = client.rows(filter__status=status)
        assert {row["status"] for row in found} == {status}
        assert len(found) == count


def test_several_statuses_in_both_forms(client: Client) -> None:
    wanted = ["paid", "to_pay"]
    plain = client.get(LIST, [("filter[status]", one) for one in wanted]).json()
    bracket = client.get(LIST, [("filter[status][]", one) for one in wanted]).json()
    assert plain == bracket
    assert plain["meta"]["total_count"] == len(client.rows(filter__status="paid")) + len(
        client.rows(filter__status="to_pay")
    )


def test_unknown_status(client: Client, fake: FakeQonto) -> None:
    assert client.refused(filter__status="open") == (400, "not_in_list", "filter[status]")
    fake.control.set(bad_filter_status=422)
    assert client.refused(filter__status="open")[0] == 422


def test_due_date_filter(client: Client, fake: FakeQonto) -> None:
    fake.control.set_clock(f"{TODAY}T12:00:00Z")
    today = TODAY
    past = client.rows(filter__due_date="past_and_today")
    future = client.rows(filter__due_date="future")
    missing = client.rows(filter__due_date="missing_date")
    assert all(row["due_date"] <= today for row in past)
    assert all(row["due_date"] > today for row in future)
    assert all(row.get("due_date") is None for row in missing)
    assert past
    assert future
    assert missing
    assert len(past) + len(future) + len(missing) == 200
    assert client.refused(filter__due_date="soon")[1] == "not_in_list"


@pytest.mark.parametrize("name", ["created_at", "updated_at"])
def test_window(client: Client, name: str) -> None:
    rows = client.rows(sort_by=f"{name}:asc")
    low, high = stamps(rows, name)[50], stamps(rows, name)[120]
    query = {
        f"filter__{name}_from": low.strftime("%Y-%m-%dT%H:%M:%SZ"),
        f"filter__{name}_to": high.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    found = client.rows(sort_by=f"{name}:asc", **query)
    assert {row["id"] for row in found} <= {row["id"] for row in rows[50:121]}
    assert len(found) >= 69
    # The same window under an order that no index helps with.
    assert client.ids(sort_by="file_name:asc", **query) == {row["id"] for row in found}


def test_both_windows_at_once(client: Client) -> None:
    middle = client.rows(sort_by="created_at:asc")[100]["created_at"]
    created, updated = "filter__created_at_to", "filter__updated_at_from"
    both = client.ids(**{created: middle, updated: middle})
    assert both == client.ids(**{created: middle}) & client.ids(**{updated: middle})
    assert both


@pytest.fixture
def ticks(fake: FakeQonto) -> dict[str, str]:
    """Invoices half a second apart, by the digits of their instant."""
    fake.control.reset(invoices=0)
    texts = ["10.000000", "10.500000", "11.000000", "11.500000", "12.000000"]
    return {
        text: fake.control.add_invoice(updated_at=f"2026-03-10T12:00:{text}Z") for text in texts
    }


def between(client: Client, ticks: dict[str, str], low: str, high: str) -> list[str]:
    query = {
        "filter__updated_at_from": f"2026-03-10T12:00:{low}Z",
        "filter__updated_at_to": f"2026-03-10T12:00:{high}Z",
    }
    names = {key: text for text, key in ticks.items()}
    return [names[row["id"]] for row in client.rows(**query)]


def test_bounds_are_inclusive(client: Client, ticks: dict[str, str]) -> None:
    assert between(client, ticks, "10.500", "11.500") == ["10.500000", "11.000000", "11.500000"]


def test_bounds_may_be_exclusive(client: Client, fake: FakeQonto, ticks: dict[str, str]) -> None:
    fake.control.set(lower_inclusive=False)
    assert between(client, ticks, "10.500", "11.500") == ["11.000000", "11.500000"]
    fake.control.set(lower_inclusive=True, upper_inclusive=False)
    assert between(client, ticks, "10.500", "11.500") == ["10.500000", "11.000000"]


def test_bounds_may_be_cut_to_seconds(
    client: Client, fake: FakeQonto, ticks: dict[str, str]
) -> None:
    fake.control.set(filter_resolution="second")
    assert between(client, ticks, "10.900", "11.900") == ["10.000000", "10.500000", "11.000000"]


def test_bounds_take_offsets_if_they_are_encoded(client: Client, ticks: dict[str, str]) -> None:
    text = "2026-03-10T13:00:11+01:00"
    assert client.ids(filter__updated_at_from=text) == {
        key for digits, key in ticks.items() if digits >= "11"
    }
    answer = client.get(f"{LIST}?filter[updated_at_from]={text}")
    assert answer.json()["errors"][0]["code"] == "invalid_format"


@pytest.mark.parametrize("text", ["yesterday", "2026-01-01", "2026-01-01T00:00:00", ""])
def test_bounds_are_instants(client: Client, text: str) -> None:
    refusal = (400, "invalid_format", "filter[updated_at_to]")
    assert client.refused(filter__updated_at_to=text) == refusal


@pytest.mark.parametrize(
    ("choice", "span"),
    [
        ("today", ("2026-03-10", "2026-03-10")),
        ("yesterday", ("2026-03-09", "2026-03-09")),
        ("this_week", ("2026-03-09", "2026-03-15")),
        ("past_week", ("2026-03-02", "2026-03-08")),
        ("this_month", ("2026-03-01", "2026-03-31")),
        ("past_month", ("2026-02-01", "2026-02-28")),
    ],
)
@pytest.mark.parametrize("name", ["payment_date", "issue_date"])
def test_relative_date_filters(
    client: Client, fake: FakeQonto, name: str, choice: str, span: tuple[str, str]
) -> None:
    assert relative_span(choice, date(2026, 3, 10)) == span
    fake.control.reset(invoices=0)
    fake.control.set_clock(NOON)
    first, last = (date.fromisoformat(day) for day in span)
    days = {first - timedelta(days=1), first, last, last + timedelta(days=1)}
    fake.control.add_invoices([{name: day.isoformat()} for day in days] + [{name: None}])
    found = [row[name] for row in client.rows(**{f"filter__{name}": choice})]
    assert sorted(found) == sorted({first.isoformat(), last.isoformat()})
    assert client.refused(**{f"filter__{name}": "2026-03-10"})[1] == "not_in_list"


def test_issue_date_from(client: Client) -> None:
    first = sorted(row["issue_date"] for row in client.rows() if row.get("issue_date"))[90]
    expected = {row["id"] for row in client.rows() if (row.get("issue_date") or "") >= first}
    assert client.ids(filter__issue_date_from=first) == expected
    assert client.refused(filter__issue_date_from="2026-13-01")[1] == "invalid_format"


@pytest.mark.parametrize("name", ["missing_data", "matched_transactions"])
def test_flags(client: Client, name: str) -> None:
    yes, no = (client.ids(**{f"filter__{name}": text}) for text in ("true", "false"))
    assert yes
    assert no
    assert yes | no == client.ids()
    assert not yes & no
    assert client.refused(**{f"filter__{name}": "1"}) == (400, "invalid_format", f"filter[{name}]")


def test_document_type(client: Client) -> None:
    duplicates = client.rows(filter__document_type="duplicates")
    others = client.rows(filter__document_type="non_financial_documents")
    assert all(row["has_duplicates"] for row in duplicates)
    assert all(row["is_attachment_non_financial"] for row in others)
    assert duplicates
    assert others
    assert client.refused(filter__document_type="invoices")[1] == "not_in_list"


def test_approver(client: Client) -> None:
    workflow = next(w for row in client.rows() if (w := row.get("approval_workflow")))
    approver = workflow["approver_ids"][0]
    found = client.rows(**{"filter[approver_id][]": approver})
    assert found
    assert all(approver in row["approval_workflow"]["approver_ids"] for row in found)
    assert client.refused(filter__approver_id="me")[1] == "invalid_format"


def test_attachment_filter_and_shared_files(client: Client, fake: FakeQonto) -> None:
    counts = Counter(row["attachment_id"] for row in client.rows() if row["attachment_id"])
    shared = next(key for key, count in counts.items() if count == 2)
    first, second = client.rows(filter__attachment_id=shared)
    assert first["file_name"] == second["file_name"] == client.attachment(shared)["file_name"]
    assert len(fake.control.attachment_ids()) > 190


def test_exclude_credit_notes(client: Client) -> None:
    kept = client.rows(filter__exclude_credit_notes="true")
    assert not any(row.get("is_credit_note") for row in kept)
    assert len(client.rows(filter__exclude_credit_notes="false")) == 200
    assert len(kept) == 190


@pytest.mark.parametrize("way", ["lte", "gte"])
def test_payable_amount(client: Client, way: str) -> None:
    limit = Decimal("100.00")
    found = client.rows(filter__payable_amount=f"{way}:100.00:EUR")
    amounts = [row["payable_amount"] for row in found]
    assert {amount["currency"] for amount in amounts} == {"EUR"}
    values = [Decimal(amount["value"]) for amount in amounts]
    assert all(value <= limit if way == "lte" else value >= limit for value in values)
    assert client.refused(filter__payable_amount="100")[1] == "invalid_format"


@pytest.mark.parametrize("name", ["supplier_name", "amount", "file_name", "invoice_number"])
def test_search(client: Client, name: str) -> None:
    row = next(row for row in client.rows() if row.get("total_amount"))
    text = row["total_amount"]["value"] if name == "amount" else row[name].upper()
    assert row["id"] in client.ids(query=text, query_fields=name)
    assert client.ids(query="no such text", query_fields=name) == set()


def test_search_needs_both_parts(client: Client) -> None:
    assert client.refused(query="x") == (400, "bad_request", "query_fields")
    assert client.refused(query_fields="amount") == (400, "bad_request", "query")
    assert client.refused(query="x", query_fields="iban")[1] == "not_in_list"
