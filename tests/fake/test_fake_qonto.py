"""The fake Qonto is held to what is known of the real one."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest
import requests

from tests.fake_qonto import TODAY, FakeQonto, FakeQontoProcess
from tests.fake_qonto.answers import LOGIN_URL
from tests.fake_qonto.catalog import ALL_STATUSES
from tests.fake_qonto.clock import UTC, parse_instant
from tests.fake_qonto.limits import RateLimiter
from tests.fake_qonto.matching import relative_span
from tests.fake_qonto.oauth import challenge
from tests.fake_qonto.seeding import clock_changes

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]
LIST = "/v2/supplier_invoices"
NOON = "2026-03-10T12:00:00Z"
TIMEOUT = 10


class Client:
    """Asks the fake as a program would, with an API key unless told otherwise."""

    def __init__(self, fake: FakeQonto) -> None:
        self.fake = fake
        self.session = requests.Session()
        self.session.trust_env = False
        self.key = {"Authorization": f"{fake.login}:{fake.secret_key}"}

    def get(self, path: str, query: Any = None, **headers: str) -> requests.Response:
        return self.session.get(
            f"{self.fake.url}{path}",
            params=query,
            headers=headers or self.key,
            timeout=TIMEOUT,
            allow_redirects=False,
        )

    def file(self, url: str, **headers: str) -> requests.Response:
        return self.session.get(url, headers=headers, timeout=TIMEOUT, allow_redirects=False)

    def attachment(self, key: str) -> Row:
        answer = self.get(f"/v2/attachments/{key}")
        assert answer.status_code == 200, answer.text
        return answer.json()["attachment"]  # type: ignore[no-any-return]

    def page(self, **query: Any) -> Row:
        """List with query names written as ``filter__status`` for ``filter[status]``."""
        named = {_bracket(name): value for name, value in query.items()}
        answer = self.get(LIST, named)
        assert answer.status_code == 200, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def rows(self, **query: Any) -> list[Row]:
        """Return the rows of all pages."""
        query = {"per_page": 100, "sort_by": "updated_at:asc"} | query
        found: list[Row] = []
        page: int | None = 1
        while page:
            answer = self.page(page=page, **query)
            found += answer["supplier_invoices"]
            page = answer["meta"].get("next_page")
        return found

    def ids(self, **query: Any) -> set[str]:
        return {row["id"] for row in self.rows(**query)}

    def refused(self, **query: Any) -> tuple[int, str, str]:
        """Return status, code and parameter of a refusal."""
        answer = self.get(LIST, {_bracket(name): value for name, value in query.items()})
        body = answer.json()
        assert body["trace_id"] == answer.headers["X-Tyk-Trace-Id"]
        error = body["errors"][0]
        return answer.status_code, error["code"], error["source"]["parameter"]

    def token(self, **form: str) -> requests.Response:
        who = {"client_id": self.fake.client_id, "client_secret": self.fake.client_secret}
        url = f"{self.fake.oauth_url}/oauth2/token"
        return self.session.post(url, data=who | form, timeout=TIMEOUT)

    def refresh(self, token: str) -> requests.Response:
        return self.token(grant_type="refresh_token", refresh_token=token)


def _bracket(name: str) -> str:
    head, _, rest = name.partition("__")
    return f"{head}[{rest}]" if rest else name


@pytest.fixture(scope="module")
def server() -> Iterator[FakeQonto]:
    with FakeQonto() as fake:
        yield fake


@pytest.fixture
def fake(server: FakeQonto) -> FakeQonto:
    server.control.reset()
    return server


@pytest.fixture
def client(fake: FakeQonto) -> Iterator[Client]:
    client = Client(fake)
    with client.session:
        yield client


def stamps(rows: list[Row], name: str = "updated_at") -> list[datetime]:
    return [parse_instant(row[name]) for row in rows]


# Paging.


def test_page_defaults(client: Client) -> None:
    answer = client.page(sort_by="updated_at:asc")
    assert len(answer["supplier_invoices"]) == 25
    assert answer["meta"] == {
        "current_page": 1,
        "next_page": 2,
        "prev_page": None,
        "total_pages": 8,
        "total_count": 200,
        "per_page": 25,
    }


def test_last_page(client: Client) -> None:
    meta = client.page(page=3, per_page=90, sort_by="updated_at:asc")["meta"]
    assert (meta["current_page"], meta["next_page"], meta["prev_page"]) == (3, None, 2)


@pytest.mark.parametrize("per_page", ["101", "0", "-1", "ten", ""])
def test_per_page_is_1_to_100(client: Client, per_page: str) -> None:
    assert client.refused(per_page=per_page) == (400, "invalid_format", "per_page")


@pytest.mark.parametrize("page", ["0", "-1", "x", "1.5", "9" * 5000])
def test_page_is_a_number(client: Client, page: str) -> None:
    assert client.refused(page=page) == (400, "invalid_format", "page")


def test_past_the_last_page(client: Client, fake: FakeQonto) -> None:
    assert client.refused(page=9)[0] == 422
    fake.control.set(past_last_page="empty")
    assert client.page(page=9)["supplier_invoices"] == []


def test_empty_account(client: Client, fake: FakeQonto) -> None:
    fake.control.reset(invoices=0)
    answer = client.page()
    assert answer["supplier_invoices"] == []
    assert (answer["meta"]["total_count"], answer["meta"]["next_page"]) == (0, None)


def test_next_page_styles(client: Client, fake: FakeQonto) -> None:
    fake.control.set(next_page_style="zero")
    assert client.page(page=8)["meta"]["next_page"] == 0
    fake.control.set(next_page_style="absent")
    assert "next_page" not in client.page(page=8)["meta"]
    assert client.page(page=7)["meta"]["next_page"] == 8


def test_deepest_page(client: Client, fake: FakeQonto) -> None:
    fake.control.set(max_page=3)
    assert client.page(page=3)["supplier_invoices"]
    assert client.refused(page=4)[0] == 422


# Order.


@pytest.mark.parametrize("name", ["created_at", "updated_at"])
@pytest.mark.parametrize("filtered", [False, True])
def test_sort_by_instant(client: Client, name: str, *, filtered: bool) -> None:
    more: Row = {"filter__exclude_credit_notes": "true"} if filtered else {}
    rising = client.rows(sort_by=f"{name}:asc", **more)
    falling = client.rows(sort_by=f"{name}:desc", **more)
    assert stamps(rising, name) == sorted(stamps(rising, name))
    assert [row["id"] for row in falling] == [row["id"] for row in reversed(rising)]


@pytest.mark.parametrize(
    "name", ["file_name", "supplier_name", "payment_date", "due_date", "scheduled_date"]
)
def test_sort_by_text_or_date(client: Client, name: str) -> None:
    rising = [row.get(name) for row in client.rows(sort_by=f"{name}:asc")]
    falling = [row.get(name) for row in client.rows(sort_by=f"{name}:desc")]
    assert falling == rising[::-1]
    values = [value.casefold() for value in rising if value is not None]
    assert values == sorted(values)
    assert rising[len(values) :] == [None] * (200 - len(values))


def test_sort_by_amount(client: Client) -> None:
    rows = client.rows(sort_by="total_amount:asc")
    amounts = [Decimal(row["total_amount"]["value"]) for row in rows if row.get("total_amount")]
    assert amounts == sorted(amounts)
    assert len(amounts) > 100


@pytest.mark.parametrize("text", ["id:asc", "updated_at", "updated_at:up", ""])
def test_unknown_order(client: Client, text: str) -> None:
    assert client.refused(sort_by=text) == (400, "not_in_list", "sort_by")


@pytest.mark.parametrize("status", [400, 422])
def test_order_by_updated_at_may_be_refused(client: Client, fake: FakeQonto, status: int) -> None:
    fake.control.set(sort_by_updated_at=False, sort_refusal_status=status)
    assert client.refused(sort_by="updated_at:asc") == (status, "not_in_list", "sort_by")
    assert client.rows(sort_by="created_at:asc")


def test_default_order_depends_on_status(client: Client) -> None:
    rows = client.rows(sort_by=None)
    groups = [0 if row["status"] == "to_review" else 1 for row in rows]
    assert groups == sorted(groups)
    reviewed = stamps([row for row in rows if row["status"] == "to_review"], "created_at")
    assert reviewed == sorted(reviewed, reverse=True)
    paid = [row["payment_date"] for row in rows if row["status"] == "paid"]
    assert paid == sorted(paid, reverse=True)


@pytest.mark.parametrize("filtered", [False, True])
def test_order_of_ties(client: Client, fake: FakeQonto, *, filtered: bool) -> None:
    more: Row = {"filter__status": "paid"} if filtered else {}
    fake.control.reset(invoices=10, today=TODAY)
    before = fake.control.add_invoice(updated_at="2026-01-01T00:00:00Z", status="paid")
    tied = fake.control.add_invoices(
        [{"updated_at": "2026-01-02T00:00:00Z", "status": "paid"} for _ in range(60)]
    )
    query = {"filter__updated_at_from": "2026-01-01T00:00:00Z", "per_page": 20} | more
    query["filter__updated_at_to"] = "2026-01-02T00:00:00Z"
    order = [row["id"] for row in client.rows(**query)]
    assert order == [before, *sorted(tied)]
    fake.control.set(tie_order="shuffled")
    pages = [client.page(sort_by="updated_at:asc", **query) for _ in range(2)]
    first, second = ([row["id"] for row in page["supplier_invoices"]] for page in pages)
    assert first != second
    assert first[0] == second[0] == before
    assert len(set(first)) == 20


# Filters.


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


# Invoices.


def test_retrieve_equals_list(client: Client) -> None:
    row = client.page()["supplier_invoices"][0]
    assert client.get(f"{LIST}/{row['id']}").json() == {"supplier_invoice": row}


def test_unknown_invoice(client: Client) -> None:
    answer = client.get(f"{LIST}/00000000-0000-4000-8000-000000000000")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "not_found")


# fmt: off
FIELDS = {
    "id", "organization_id", "status", "source_type", "file_name", "attachment_id",
    "display_attachment_id", "is_einvoice", "has_discrepancies", "created_at", "updated_at",
    "source", "e_invoice_type", "supplier_id", "supplier_name", "issuer_name",
    "supplier_snapshot", "invoice_number", "vat_number", "tin", "tin_number", "iban",
    "description", "declined_note", "total_amount", "total_amount_excluding_taxes",
    "total_tax_amount", "taxes", "payable_amount", "total_amount_credit_notes", "issue_date",
    "due_date", "payment_date", "scheduled_date", "analyzed_at", "initiator_id",
    "is_attachment_invoice", "is_attachment_non_financial", "attachment_category",
    "has_duplicates", "is_credit_note", "has_suggested_credit_notes", "self_invoice_id",
    "matched_transactions", "matched_transactions_ids", "transfer_ids",
    "suggested_transactions", "request_transfer", "related_invoices", "approval_workflow",
    "available_actions", "einvoicing_lifecycle_events", "meta",
}
REQUIRED = {
    "id", "organization_id", "status", "source_type", "file_name", "is_einvoice",
    "has_discrepancies", "created_at", "updated_at",
}
# fmt: on


def test_every_documented_field_is_met(client: Client) -> None:
    rows = client.rows()
    filled = {name for row in rows for name, value in row.items() if value not in (None, [], "")}
    assert filled == FIELDS
    nulls = {name for row in rows for name, value in row.items() if value is None}
    absent = set().union(*(FIELDS - row.keys() for row in rows))
    assert len(nulls) > 25
    assert len(absent) > 25
    assert not (nulls | absent) & REQUIRED


def test_actions_agree_with_status(client: Client) -> None:
    for row in client.rows():
        actions = row["available_actions"]
        for name, reasons in actions["reasons"].items():
            assert actions[name] is not bool(reasons)


def test_credit_notes_are_linked_both_ways(client: Client) -> None:
    rows = {row["id"]: row for row in client.rows()}
    notes = [row for row in rows.values() if row.get("is_credit_note")]
    assert len(notes) == 10
    for note in notes:
        (link,) = note["related_invoices"]
        invoice = rows[link["id"]]
        for name in ("invoice_number", "total_amount", "attachment_id", "file_name"):
            assert link[name] == invoice[name]
        assert [back["id"] for back in invoice["related_invoices"]] == [note["id"]]


def test_einvoices_have_a_display_document(client: Client) -> None:
    einvoices = [row for row in client.rows() if row["is_einvoice"]]
    assert einvoices
    for row in einvoices:
        stored = client.attachment(row["attachment_id"])
        shown = client.attachment(row["display_attachment_id"])
        assert stored["file_content_type"] == "application/xml"
        assert shown["file_content_type"] == "application/pdf"
        assert row["file_name"] == stored["file_name"]
    events = [event for row in einvoices for event in row["einvoicing_lifecycle_events"] or []]
    assert all(len(event["timestamp"].partition(".")[2]) == len("1234Z") for event in events)


def test_amounts_are_exact_texts(client: Client) -> None:
    amounts = [row["total_amount"] for row in client.rows() if row.get("total_amount")]
    for amount in amounts:
        assert amount["value"] == f"{Decimal(amount['value']):.2f}"
    for row in client.rows():
        if row.get("total_amount"):
            net, tax = (
                Decimal(row[name]["value"])
                for name in ("total_amount_excluding_taxes", "total_tax_amount")
            )
            assert net + tax == Decimal(row["total_amount"]["value"])
    assert max(Decimal(amount["value"]) for amount in amounts) > 1_000_000


def test_dates_lie_around_today(client: Client, fake: FakeQonto) -> None:
    fake.control.reset(today="2024-02-29")
    owed = [row["due_date"] for row in client.rows(filter__status="to_pay") if row.get("due_date")]
    assert min(owed) < "2024-02-29" < max(owed)
    updated = stamps(client.rows())
    assert max(updated) < datetime(2024, 2, 29, tzinfo=UTC)
    assert max(updated) - min(updated) > timedelta(days=700)


def test_clock_changes_are_met(client: Client, fake: FakeQonto) -> None:
    assert clock_changes(datetime(2026, 7, 1, tzinfo=UTC))[-1].isoformat() == (
        "2026-03-29T01:00:00+00:00"
    )
    fake.control.set(shown_digits=3)
    updated = client.rows()
    assert {row["updated_at"][-6:] for row in updated} == {"+01:00", "+02:00"}
    exact = {stamp for stamp in stamps(updated) if stamp.minute % 30 in {0, 29}}
    changes = clock_changes(datetime.fromisoformat(f"{TODAY}T00:00:00+00:00"))
    assert len(changes) >= 4
    assert len([c for c in changes if any(abs(s - c) <= timedelta(hours=1) for s in exact)]) >= 4


def test_same_seed_same_world(fake: FakeQonto) -> None:
    fake.control.reset(seed=7, invoices=90, today="2026-01-01")
    first = fake.control.invoices()
    files = [fake.control.file_bytes(key) for key in fake.control.attachment_ids()]
    fake.control.reset(seed=7, invoices=90, today="2026-01-01")
    assert fake.control.invoices() == first
    assert [fake.control.file_bytes(key) for key in fake.control.attachment_ids()] == files
    fake.control.reset(seed=8, invoices=90, today="2026-01-01")
    assert not {row["id"] for row in first} & set(fake.control.invoice_ids())


def test_time_stamp_styles(client: Client, fake: FakeQonto) -> None:
    fake.control.reset(invoices=0)
    rows = [{"updated_at": f"2026-07-10T12:00:{n:02d}.123456Z"} for n in range(20)]
    fake.control.add_invoices(rows)
    first = client.rows()[0]
    assert first["updated_at"] == "2026-07-10T14:00:00+02:00"
    fake.control.set(shown_digits=3, timestamp_style="utc")
    assert client.rows()[0]["updated_at"] == "2026-07-10T12:00:00.123Z"
    fake.control.set(shown_digits=6, timestamp_style="mixed")
    endings = Counter(row["updated_at"][26:] for row in client.rows())
    assert endings.keys() == {"Z", "+02:00"}
    assert stamps(client.rows()) == [parse_instant(row["updated_at"]) for row in rows]


def test_matched_transactions_styles(client: Client, fake: FakeQonto) -> None:
    def shapes() -> set[type]:
        return {type(one) for row in client.rows() for one in row.get("matched_transactions") or []}

    assert shapes() == {str, dict}
    fake.control.set(matched_transactions_style="ids")
    assert shapes() == {str}
    fake.control.set(matched_transactions_style="objects")
    assert shapes() == {dict}


def test_warm_pages_follow_edits_and_knobs(client: Client, fake: FakeQonto) -> None:
    fake.control.warm()
    key = client.page(sort_by="updated_at:asc")["supplier_invoices"][0]["id"]
    fake.control.edit_invoice(key, description="new")
    assert client.get(f"{LIST}/{key}").json()["supplier_invoice"]["description"] == "new"
    fake.control.set(timestamp_style="utc")
    assert all(row["updated_at"].endswith("Z") for row in client.rows())


def test_unknown_fields(client: Client, fake: FakeQonto) -> None:
    fake.control.set(extra_list_fields={"colour": "blue"})
    assert all(row["colour"] == "blue" for row in client.rows())


# Changes by control.


def test_add_edit_delete(client: Client, fake: FakeQonto) -> None:
    fake.control.set_clock(NOON)
    key = fake.control.add_invoice(status="paid", supplier_name="Ünïque", new_field={"a": 1})
    row = client.get(f"{LIST}/{key}").json()["supplier_invoice"]
    assert row == fake.control.invoice(key)
    assert (row["status"], row["new_field"]) == ("paid", {"a": 1})
    assert row["created_at"] == row["updated_at"] == "2026-03-10T13:00:00+01:00"
    assert client.file(client.attachment(row["attachment_id"])["url"]).content[:5] == b"%PDF-"

    fake.control.advance(60)
    fake.control.edit_invoice(key, status="archived", new_field=None)
    row = client.get(f"{LIST}/{key}").json()["supplier_invoice"]
    assert (row["status"], row["new_field"]) == ("archived", None)
    assert row["updated_at"] == "2026-03-10T13:01:00+01:00"
    assert row["created_at"] == "2026-03-10T13:00:00+01:00"
    assert [r["id"] for r in client.rows(filter__updated_at_from="2026-03-10T12:01:00Z")][:1] == [
        key
    ]

    fake.control.delete_invoice(key)
    assert client.get(f"{LIST}/{key}").status_code == 404
    assert key not in client.ids()
    with pytest.raises(KeyError):
        fake.control.edit_invoice(key, status="paid")


def test_invoice_without_file(client: Client, fake: FakeQonto) -> None:
    assert any(row["attachment_id"] is None for row in client.rows())
    key = fake.control.add_invoice(attachment_id=None)
    assert fake.control.invoice(key)["display_attachment_id"] is None


def test_control_equals_list(client: Client, fake: FakeQonto) -> None:
    assert fake.control.invoices() == client.rows()
    assert fake.control.invoice_ids() == [row["id"] for row in client.rows()]


def test_same_id_twice(fake: FakeQonto) -> None:
    with pytest.raises(ValueError, match="already"):
        fake.control.add_invoice(id=fake.control.invoice_ids()[0])


def test_after_request(client: Client, fake: FakeQonto) -> None:
    key = fake.control.invoice_ids()[0]
    fake.control.after_request(2, [{"op": "edit_invoice", "id": key, "description": "later"}])
    called: list[int] = []
    fake.control.after_request(1, lambda: called.append(fake.control.count("api")))
    seen = []
    for _ in range(3):
        row = client.get(f"{LIST}/{key}").json()["supplier_invoice"]
        seen.append(row.get("description") == "later")
    assert seen == [False, False, True]
    assert called == [1]


def test_on_request(client: Client, fake: FakeQonto) -> None:
    key = fake.control.invoice_ids()[0]
    paths: list[str] = []

    def hook(entry: Row) -> None:
        paths.append(entry["path"])
        fake.control.edit_invoice(key, description=f"after {len(paths)}")

    fake.control.on_request(hook)
    for number in (1, 2):
        row = client.get(f"{LIST}/{key}").json()["supplier_invoice"]
        assert row["description"] == f"after {number}"
    fake.control.on_request(None)
    client.page()
    assert paths == [f"{LIST}/{key}"] * 2


def test_edit_every_request(client: Client, fake: FakeQonto) -> None:
    before = max(stamps(fake.control.invoices()))
    fake.control.edit_every_request(3)
    client.page()
    assert max(stamps(fake.control.invoices())) == before
    client.page()
    assert 1 <= len([stamp for stamp in stamps(fake.control.invoices()) if stamp > before]) <= 3


def test_settings(fake: FakeQonto) -> None:
    fake.control.set(latency=0.5, tie_order="shuffled")
    assert fake.control.settings()["latency"] == 0.5
    with pytest.raises(ValueError, match="unknown setting 'latentcy'"):
        fake.control.set(latentcy=1)
    with pytest.raises(ValueError, match="tie_order is one of"):
        fake.control.set(tie_order="random")
    fake.control.reset()
    assert fake.control.settings()["tie_order"] == "id"


def test_reset_is_cheap(fake: FakeQonto) -> None:
    started = time.perf_counter()
    for seed in range(50):
        fake.control.reset(seed, invoices=50)
    assert (time.perf_counter() - started) / 50 < 0.05


# Attachments and files.


def test_attachment(client: Client, fake: FakeQonto) -> None:
    key = fake.control.attachment_ids()[0]
    answer = client.attachment(key)
    url = answer.pop("url")
    (answer.get("probative_attachment") or {}).pop("url", None)
    assert answer == fake.control.attachment(key)
    assert isinstance(answer["file_size"], str)
    assert answer["created_at"].endswith("Z")
    content = client.file(url).content
    assert content == fake.control.file_bytes(key)
    assert len(content) == int(answer["file_size"])
    fake.control.set(file_size_style="number")
    assert client.attachment(key)["file_size"] == len(content)


def test_ampersands_are_escaped(client: Client, fake: FakeQonto) -> None:
    text = client.get(f"/v2/attachments/{fake.control.attachment_ids()[0]}").text
    assert "&" not in text
    assert "\\u0026X-Amz-Signature=" in text


def check_pdf(data: bytes) -> None:
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    table = int(data.rpartition(b"startxref\n")[2].split()[0])
    assert data[table:].startswith(b"xref\n")
    for number in range(1, 6):
        offset = int(data[table:].splitlines()[2 + number].split()[0])
        assert data[offset:].startswith(b"%d 0 obj" % number)


def check_png(data: bytes) -> None:
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, kinds = 8, []
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + size]
        kinds.append(body[:4])
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(body)
        at += 12 + size
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")


def check_xml(data: bytes) -> None:
    assert ET.fromstring(data).tag.endswith("Invoice")


def test_files_are_valid(fake: FakeQonto) -> None:
    checks = {"application/pdf": check_pdf, "image/png": check_png, "application/xml": check_xml}
    met, names = Counter[str](), Counter[str]()
    for key in fake.control.attachment_ids():
        facts = fake.control.attachment(key)
        checks[facts["file_content_type"]](fake.control.file_bytes(key))
        met[facts["file_content_type"]] += 1
        names[facts["file_name"]] += 1
    assert met.keys() == checks.keys()
    assert max(names.values()) > 1
    assert any("." not in name for name in names)
    assert any(not name.isascii() for name in names)


def test_sealed_copies(client: Client, fake: FakeQonto) -> None:
    met = Counter[Any]()
    for key in fake.control.attachment_ids():
        sealed = fake.control.attachment(key).get("probative_attachment")
        met["absent" if sealed is None else sealed.get("status", "{}")] += 1
        if met["available"] == 1 and sealed and sealed["status"] == "available":
            whole = client.attachment(key)["probative_attachment"]
            content = client.file(whole["url"]).content
            assert len(content) == int(whole["file_size"])
            assert content.startswith(fake.control.file_bytes(key))
    assert met.keys() == {"available", "unavailable", "pending", "corrupted", "{}", "absent"}


def test_control_of_attachments(client: Client, fake: FakeQonto) -> None:
    key = fake.control.add_attachment(b"abc", file_name="../é", file_content_type=None)
    answer = client.attachment(key)
    assert (answer["file_name"], answer["file_content_type"]) == ("../é", None)
    assert answer["file_size"] == "3"
    fake.control.edit_attachment(key, content=b"defgh", file_size="99", remove=["file_name"])
    answer = client.attachment(key)
    assert "file_name" not in answer
    assert answer["file_size"] == "99"
    assert client.file(answer["url"]).content == fake.control.file_bytes(key) == b"defgh"
    fake.control.edit_attachment(key, file_name="back", created_at=..., url="file:///etc/passwd")
    answer = client.attachment(key)
    assert answer["file_name"] == "back"
    assert "created_at" not in answer
    assert answer["url"] == "file:///etc/passwd"


def test_deleted_attachment(client: Client, fake: FakeQonto) -> None:
    key = fake.control.attachment_ids()[0]
    url = client.attachment(key)["url"]
    fake.control.delete_attachment(key)
    assert client.get(f"/v2/attachments/{key}").status_code == 404
    assert client.file(url).status_code == 404
    assert key not in fake.control.attachment_ids()


def test_generated_content(client: Client, fake: FakeQonto) -> None:
    key = fake.control.add_attachment(size=3_000_001)
    content = client.file(client.attachment(key)["url"]).content
    assert len(content) == 3_000_001
    assert content == fake.control.file_bytes(key)
    assert content[: 1 << 16] != content[1 << 16 : 2 << 16]


def test_hostile_file_names(client: Client, fake: FakeQonto) -> None:
    for name in ("\0", "\ud800", "a/b\\c\n", "", "é" * 300):
        key = fake.control.add_attachment(b"x", file_name=name)
        assert client.attachment(key)["file_name"] == name


def test_signed_urls(client: Client, fake: FakeQonto) -> None:
    key = fake.control.attachment_ids()[0]
    url, other = client.attachment(key)["url"], client.attachment(key)["url"]
    assert url != other
    assert url.startswith(fake.files_url)
    assert urlsplit(url).port != urlsplit(fake.url).port
    query = parse_qs(urlsplit(url).query)
    assert query["X-Amz-Expires"] == ["1800"]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    for name in ("Credential", "Date", "SignedHeaders", "Signature"):
        assert f"X-Amz-{name}" in query
    for wrong in (url.replace("1800", "9999"), url[:-1] + "x", url.partition("?")[0]):
        answer = client.file(wrong)
        assert answer.status_code == 403
        assert answer.headers["Content-Type"] == "application/xml"
    assert "SignatureDoesNotMatch" in client.file(url.replace("1800", "9999")).text
    assert client.session.put(url, data=b"x", timeout=TIMEOUT).status_code == 403


def test_signed_urls_expire(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.advance(1790)
    assert client.file(url).status_code == 200
    fake.control.advance(20)
    answer = client.file(url)
    assert answer.status_code == 403
    error = ET.fromstring(answer.content)
    assert error.findtext("Code") == "AccessDenied"
    assert error.findtext("Message") == "Request has expired"
    fake.control.set(url_lifetime=5)
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.advance(7)
    assert client.file(url).status_code == 403


def test_file_host_refuses_a_second_mechanism(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    answer = client.file(url, **client.key)
    assert answer.status_code == 400
    assert "Only one auth mechanism allowed" in answer.text


# Who may ask.


def test_api_key(client: Client, fake: FakeQonto) -> None:
    right = f"{fake.login}:{fake.secret_key}"
    assert client.get("/v2/organization").json()["organization"]["slug"] == fake.login
    for wrong in (f"Bearer {right}", f"Basic {right}", f"{right}x", fake.secret_key):
        answer = client.get(LIST, Authorization=wrong)
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["code"] == "unauthorized"


def test_missing_authorization(client: Client, fake: FakeQonto) -> None:
    answer = client.get(LIST, Accept="application/json")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "authorization_header_missing"
    fake.control.set(missing_auth_status=400)
    answer = client.get(LIST, Accept="application/json")
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (
        400,
        "Authorization field missing",
    )
    fake.control.set(require_auth=False)
    assert client.get(LIST, Accept="application/json").status_code == 200


def test_unknown_route(client: Client) -> None:
    for path in ("/v2/organizations", "/v2/supplier_invoices/", "/"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.headers["X-Tyk-Trace-Id"]


@pytest.mark.parametrize("style", ["list", "object", "flat", "message", "text", "empty"])
def test_error_bodies(client: Client, fake: FakeQonto, style: str) -> None:
    fake.control.set(error_style=style)
    answer = client.get(f"{LIST}/x")
    assert answer.status_code == 404
    trace_id = answer.headers["X-Tyk-Trace-Id"]
    if style == "empty":
        assert answer.content == b""
        return
    if style == "text":
        assert answer.headers["Content-Type"].startswith("text/plain")
        return
    body = answer.json()
    error = {"code": "not_found", "detail": "Resource not found"}
    expected = {
        "list": {"errors": [error | {"status": "404"}], "trace_id": trace_id},
        "object": {"errors": error, "trace_id": trace_id},
        "flat": error,
        "message": {"message": "Not Found", "trace_id": trace_id},
    }
    assert body == expected[style]


@pytest.mark.parametrize("status", [200, 302])
def test_staging_gate(client: Client, fake: FakeQonto, status: int) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.set(staging_token="stage", staging_gate_status=status)
    wrong_case = client.key | {"x-qonto-staging-token": "stage"}
    wrong = client.key | {"X-Qonto-Staging-Token": "other"}
    answers = [
        client.get(LIST),
        client.get(LIST, **wrong_case),
        client.get(LIST, **wrong),
        client.file(url),
        client.session.post(
            f"{fake.oauth_url}/oauth2/token", timeout=TIMEOUT, allow_redirects=False
        ),
    ]
    for answer in answers:
        assert answer.status_code == status
        assert answer.headers["Content-Type"].startswith("text/html")
        assert (answer.headers.get("Location") == LOGIN_URL) is (status == 302)
    token = {"X-Qonto-Staging-Token": "stage"}
    assert client.get(LIST, **client.key, **token).status_code == 200
    assert client.file(url, **token).status_code == 200


# Limits.


def test_rate_windows(client: Client, fake: FakeQonto) -> None:
    fake.control.set(rate_limits=[[5, 10], [8, 600]])

    def statuses(count: int) -> list[int]:
        return [client.get("/v2/organization").status_code for _ in range(count)]

    assert statuses(6) == [200] * 5 + [429]
    fake.control.advance(11)
    assert statuses(4) == [200] * 3 + [429]
    fake.control.advance(11)
    assert statuses(1) == [429]
    fake.control.advance(600)
    assert statuses(1) == [200]
    assert [entry["status"] for entry in fake.control.requests("api")].count(429) == 3


def test_default_windows(fake: FakeQonto) -> None:
    limits = fake.control.settings()["rate_limits"]
    assert limits == [[1000, 10], [10_000, 600]]
    limiter = RateLimiter()
    waits = [limiter.wait(limits, 200, 0.0) for _ in range(1001)]
    assert waits == [None] * 1000 + [10.0]
    for turn in range(1, 10):
        assert [limiter.wait(limits, 200, turn * 10.0) for _ in range(1000)] == [None] * 1000
    assert limiter.wait(limits, 200, 100.0) == 500.0
    assert limiter.wait(limits, 200, 600.0) is None


def test_429_bodies(client: Client, fake: FakeQonto) -> None:
    fake.control.set(rate_limits=[[1, 10]])
    client.get(LIST)
    answer = client.get(LIST)
    assert answer.status_code == 429
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "Retry-After" not in answer.headers
    fake.control.set(retry_after="seconds", rate_limit_body="json")
    answer = client.get(LIST)
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert answer.json()["errors"][0]["code"] == "too_many_requests"
    fake.control.set(retry_after="date")
    assert client.get(LIST).headers["Retry-After"].endswith("GMT")


def test_too_many_401s(client: Client, fake: FakeQonto) -> None:
    for _ in range(201):
        assert client.get(LIST, Authorization="wrong").status_code == 401
    assert client.get(LIST).status_code == 429
    fake.control.advance(3601)
    assert client.get(LIST).status_code == 200


def test_files_are_not_counted(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.set(rate_limits=[[1, 10]])
    assert [client.file(url).status_code for _ in range(5)] == [200] * 5


def test_latency_lets_requests_overlap(fake: FakeQonto) -> None:
    fake.control.set(latency=0.3)
    started = time.perf_counter()
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: Client(fake).get("/v2/organization"), range(5)))
    assert time.perf_counter() - started >= 0.3
    assert fake.control.max_in_flight("api") == 5
    assert fake.control.max_in_flight("files") == 0


def test_file_latency(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.set(file_latency=0.2)
    started = time.perf_counter()
    assert client.file(url).status_code == 200
    assert time.perf_counter() - started >= 0.2


# OAuth.


def test_refresh_rotates(client: Client, fake: FakeQonto) -> None:
    first = fake.control.new_refresh_token()
    assert first.startswith("ory_rt_")
    answer = client.refresh(first)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["expires_in"], body["token_type"]) == (3600, "bearer")
    assert "supplier_invoice.read" in body["scope"]
    assert body["access_token"].startswith("ory_at_")
    second = body["refresh_token"]
    assert second != first
    assert client.get(LIST, Authorization=f"Bearer {body['access_token']}").status_code == 200
    overview = fake.control.tokens()[fake.client_id]
    assert overview["refreshes"] == 1
    assert overview["refresh_tokens"].keys() == {first, second}
    assert overview["access_tokens"].keys() == {body["access_token"]}


def test_used_refresh_tokens_have_a_grace(client: Client, fake: FakeQonto) -> None:
    first = fake.control.new_refresh_token()
    second = client.refresh(first).json()["refresh_token"]
    fake.control.advance(59)
    assert client.refresh(first).status_code == 200
    fake.control.advance(2)
    answer = client.refresh(first)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert client.refresh(second).status_code == 200


def test_without_rotation(client: Client, fake: FakeQonto) -> None:
    fake.control.set(rotate=False)
    token = fake.control.new_refresh_token()
    assert "refresh_token" not in client.refresh(token).json()
    fake.control.advance(3000)
    assert client.refresh(token).status_code == 200


def test_refused_grants(client: Client, fake: FakeQonto) -> None:
    token = fake.control.new_refresh_token()
    assert client.refresh("nonsense").json()["error"] == "invalid_grant"
    assert client.token(grant_type="password").json()["error"] == "unsupported_grant_type"
    for wrong in ({"client_id": "x"}, {"client_secret": "x"}, {"client_id": ""}):
        answer = client.token(grant_type="refresh_token", refresh_token=token, **wrong)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    fake.control.revoke(token)
    assert client.refresh(token).json()["error"] == "invalid_grant"


def test_tokens_age(client: Client, fake: FakeQonto) -> None:
    refresh = fake.control.new_refresh_token()
    access = client.refresh(refresh).json()["access_token"]
    old = fake.control.new_refresh_token()
    fake.control.advance(3599)
    assert client.get(LIST, Authorization=f"Bearer {access}").status_code == 200
    fake.control.advance(2)
    assert client.get(LIST, Authorization=f"Bearer {access}").status_code == 401
    fake.control.advance(90 * 86_400)
    assert client.refresh(old).json()["error"] == "invalid_grant"


def test_scopes(client: Client, fake: FakeQonto) -> None:
    token = fake.control.new_access_token(scope="supplier_invoice.read")
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get(LIST, **bearer).status_code == 200
    for path in ("/v2/attachments/x", "/v2/organization"):
        answer = client.get(path, **bearer)
        assert answer.status_code == 403
        assert "missing required oauth scope" in answer.json()["errors"][0]["detail"]
    offline = fake.control.new_refresh_token(scope="attachment.read")
    assert "refresh_token" not in client.refresh(offline).json()


REDIRECT = "http://127.0.0.1:9/callback?x=1"


def authorize(client: Client, method: str = "GET", **changes: str) -> requests.Response:
    client.fake.control.set(redirect_uris=[REDIRECT])
    asked = {
        "client_id": client.fake.client_id,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "offline_access supplier_invoice.read",
        "state": "s t&te",
    }
    data = {"decision": changes.pop("decision")} if "decision" in changes else None
    query = {name: value for name, value in (asked | changes).items() if value}
    url = f"{client.fake.oauth_url}/oauth2/auth?{urlencode(query)}"
    return client.session.request(method, url, data=data, timeout=TIMEOUT, allow_redirects=False)


def redirected(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{REDIRECT}&")
    return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def test_consent_page(client: Client) -> None:
    page = authorize(client)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert "supplier_invoice.read" in page.text
    back = redirected(authorize(client, "POST", decision="approve"))
    assert back["state"] == "s t&te"
    denied = redirected(authorize(client, "POST", decision="deny"))
    assert (denied["error"], denied["state"]) == ("access_denied", "s t&te")


def test_authorization_code(client: Client, fake: FakeQonto) -> None:
    fake.control.set(auto_approve=True)
    code = redirected(authorize(client))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
    answer = client.token(**form)
    assert answer.status_code == 200
    assert answer.json()["scope"] == "offline_access supplier_invoice.read"
    assert client.refresh(answer.json()["refresh_token"]).status_code == 200
    assert client.token(**form).json()["error"] == "invalid_grant"
    late = form | {"code": redirected(authorize(client))["code"]}
    fake.control.advance(601)
    assert client.token(**late).json()["error"] == "invalid_grant"
    astray = form | {"code": redirected(authorize(client))["code"], "redirect_uri": "http://x"}
    assert client.token(**astray).json()["error"] == "invalid_grant"


def test_pkce(client: Client, fake: FakeQonto) -> None:
    fake.control.set(auto_approve=True)
    # The example of RFC 7636, appendix B.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    pkce = {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT}
    for given, status in (
        ({"code_verifier": verifier}, 200),
        ({}, 400),
        ({"code_verifier": "x"}, 400),
    ):
        code = redirected(authorize(client, **pkce))["code"]
        assert client.token(code=code, **form, **given).status_code == status
    plain = redirected(authorize(client, code_challenge="x", code_challenge_method="plain"))
    assert plain["error"] == "invalid_request"


def test_refused_authorization(client: Client) -> None:
    refused = redirected(authorize(client, scope="client_invoice.read"))
    assert refused["error"] == "invalid_scope"
    assert refused["error_description"] == (
        "The OAuth 2.0 Client is not allowed to request scope 'client_invoice.read'."
    )
    assert redirected(authorize(client, state=""))["error"] == "invalid_state"
    assert redirected(authorize(client, response_type="token"))["error"] == (
        "unsupported_response_type"
    )
    assert authorize(client, client_id="other").status_code == 401
    assert authorize(client, redirect_uri="http://evil.example").status_code == 400


# Faults.


def test_status_fault(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("status", status=503, retry_after="7", times=1)
    answer = client.get(LIST)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert answer.json()["errors"][0]["code"] == "service_unavailable"
    assert client.get(LIST).status_code == 200


def test_status_fault_of_other_hosts(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.add_fault("status", host="files", status=503)
    fake.control.add_fault("status", host="oauth", status=500)
    assert "<Code>SlowDown</Code>" in client.file(url).text
    assert client.refresh("x").json()["error"] == "server_error"
    assert client.get(LIST).status_code == 200


def test_which_requests_meet_a_fault(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("status", path="/attachments/", after=1, times=2)
    key = fake.control.attachment_ids()[0]

    def status(path: str) -> int:
        return client.get(path).status_code

    assert [status(f"/v2/attachments/{key}") for _ in range(4)] == [200, 503, 503, 200]
    assert status(LIST) == 200
    fake.control.add_fault("status")
    fake.control.clear_faults()
    assert status(LIST) == 200


def test_faults_by_chance_are_repeatable(client: Client, fake: FakeQonto) -> None:
    def run() -> list[int]:
        fake.control.reset(invoices=1)
        fake.control.add_fault("status", probability=0.3)
        return [client.get("/v2/organization").status_code for _ in range(60)]

    first = run()
    assert 5 < first.count(503) < 35
    assert run() == first


def test_delay(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("delay", delay=0.3)
    with pytest.raises(requests.ReadTimeout):
        client.session.get(f"{fake.url}{LIST}", headers=client.key, timeout=0.1)
    started = time.perf_counter()
    assert client.get(LIST).status_code == 200
    assert time.perf_counter() - started >= 0.3


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_no_answer(client: Client, fake: FakeQonto, kind: str) -> None:
    fake.control.add_fault(kind, times=1)
    with pytest.raises(
        requests.ConnectionError, match="reset" if kind == "reset" else "Remote end"
    ):
        client.get(LIST)
    assert client.get(LIST).status_code == 200
    assert [entry["status"] for entry in fake.control.requests()] == [None, 200]


@pytest.mark.parametrize("host", ["api", "files"])
def test_cut_body(client: Client, fake: FakeQonto, host: str) -> None:
    key = fake.control.add_attachment(size=300_000)
    url = client.attachment(key)["url"]
    fake.control.add_fault("cut_body", host=host)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        client.get(LIST) if host == "api" else client.file(url)


def test_short_json(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("short_json")
    answer = client.get(LIST)
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize("difference", [-5, 5])
def test_wrong_length(client: Client, fake: FakeQonto, difference: int) -> None:
    key = fake.control.attachment_ids()[0]
    url = client.attachment(key)["url"]
    fake.control.add_fault("wrong_length", host="files", bytes=difference)
    size = len(fake.control.file_bytes(key))
    assert len(client.file(url).content) == size + difference


def test_expired_fault(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.add_fault("expired", host="files", times=1)
    answer = client.file(url)
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)
    assert client.file(url).status_code == 200


def test_html_redirect_and_raw_faults(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("html", times=1)
    fake.control.add_fault("redirect", location="http://evil.example/", times=1)
    fake.control.add_fault("raw", status=418, body="{", content_type="application/x-tea", times=1)
    answer = client.get(LIST)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    answer = client.get(LIST)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://evil.example/")
    answer = client.get(LIST)
    assert (answer.status_code, answer.text) == (418, "{")
    assert answer.headers["Content-Type"] == "application/x-tea"


def test_trickle(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("trickle", delay=0.02, times=2)
    started = time.perf_counter()
    assert len(client.get(LIST).json()["supplier_invoices"]) == 25
    assert time.perf_counter() - started > 0.3


def test_unknown_faults(fake: FakeQonto) -> None:
    with pytest.raises(ValueError, match="no fault 'explode'"):
        fake.control.add_fault("explode")
    with pytest.raises(ValueError, match="on host 'moon'"):
        fake.control.add_fault("close", host="moon")


# The log.


def test_request_log(client: Client, fake: FakeQonto) -> None:
    client.get(LIST, [("filter[status][]", "paid"), ("page", "1")], **client.key, X_Odd="1")
    client.refresh("x")
    first, second = fake.control.requests()
    assert (first["n"], first["host"], first["method"], first["path"]) == (1, "api", "GET", LIST)
    assert first["query"] == [["filter[status][]", "paid"], ["page", "1"]]
    assert first["headers"]["Authorization"] == client.key["Authorization"]
    assert first["headers"]["X_Odd"] == "1"
    assert first["started"] <= first["ended"]
    assert (second["host"], second["status"]) == ("oauth", 400)
    assert "grant_type=refresh_token" in second["body"]
    assert (fake.control.count(), fake.control.count("api", "supplier")) == (2, 1)
    fake.control.clear_requests()
    assert fake.control.requests() == []


# The forms in which it runs.


def test_clock(fake: FakeQonto) -> None:
    real = datetime.now(UTC)
    assert abs(parse_instant(fake.control.now()) - real) < timedelta(seconds=5)
    fake.control.set_clock(NOON)
    assert fake.control.now() == "2026-03-10T12:00:00.000000Z"
    fake.control.advance(1.5)
    assert fake.control.now() == "2026-03-10T12:00:01.500000Z"
    fake.control.set_clock(None)
    assert abs(parse_instant(fake.control.now()) - real) < timedelta(seconds=5)


def test_changes_from_many_threads(client: Client, fake: FakeQonto) -> None:
    keys = fake.control.invoice_ids()
    stop = threading.Event()

    def edit() -> None:
        while not stop.is_set():
            for key in keys[:20]:
                fake.control.edit_invoice(key, description="busy")

    with ThreadPoolExecutor(2) as pool:
        edits = [pool.submit(edit) for _ in range(2)]
        for _ in range(20):
            assert client.page(per_page=100, sort_by="updated_at:asc")["meta"]["total_count"] == 200
        stop.set()
        for done in edits:
            done.result()
    assert sorted(fake.control.invoice_ids()) == sorted(keys)


def test_stop_ends_what_is_under_way() -> None:
    with FakeQonto(invoices=1) as fake, ThreadPoolExecutor(1) as pool:
        fake.control.add_fault("delay", delay=60)
        asked = pool.submit(Client(fake).get, LIST)
        while not fake.control.count():
            time.sleep(0.01)
        started = time.perf_counter()
        fake.stop()
        assert time.perf_counter() - started < 2
        with pytest.raises(requests.ConnectionError):
            asked.result()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(fake.url).port or 0), 1)


def test_process_form() -> None:
    with FakeQontoProcess(seed=3, invoices=20, today="2026-01-01") as remote:
        with FakeQonto(seed=3, invoices=20, today="2026-01-01") as local:
            assert remote.control.invoices() == local.control.invoices()
        key = remote.control.add_attachment(b"\x00\xff", file_name="ü")
        assert remote.control.file_bytes(key) == b"\x00\xff"
        assert remote.control.add_invoices([{"attachment_id": key}])
        remote.control.after_request(1, [{"op": "delete_attachment", "id": key}])
        headers = {"Authorization": f"{remote.login}:{remote.secret_key}"}
        url = f"{remote.url}/v2/attachments/{key}"
        statuses = [requests.get(url, headers=headers, timeout=5).status_code for _ in range(2)]
        assert statuses == [200, 404]
        assert remote.control.count() == 2
        with pytest.raises(ValueError, match="NotHereError"):
            remote.control.invoice("x")
        with pytest.raises(ValueError, match="no control method 'on_request'"):
            remote.control.on_request(None)
        process = remote._process
        remote.stop()
        assert process is not None
        assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.fake_qonto", "--port", "0", "--invoices", "3"]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        headers = {"Authorization": f"{facts['login']}:{facts['secret_key']}"}
        answer = requests.get(f"{facts['url']}{LIST}", headers=headers, timeout=5)
        assert answer.json()["meta"]["total_count"] == 3
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert out == ""
    assert facts["url"] in err
    assert "Traceback" not in err


def test_process_ends_with_its_parent() -> None:
    remote = FakeQontoProcess(invoices=1)
    remote.start()
    process = remote._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(10) == 0
    remote.stop()
