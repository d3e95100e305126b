"""Pages and order of lists."""

from decimal import Decimal

import pytest

from tests.fake.client import Client, Row, stamps
from tests.fake_qonto import TODAY, FakeQonto


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


def test_smaller_pages_than_were_asked_for(client: Client, fake: FakeQonto) -> None:
    fake.control.set(largest_page=3)
    page = client.page(page=2, per_page=100)
    assert page["meta"]["per_page"] == len(page["supplier_invoices"]) == 3
    assert page["meta"]["total_pages"] == -(-page["meta"]["total_count"] // 3)


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
