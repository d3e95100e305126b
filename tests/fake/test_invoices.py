"""Supplier invoices: their fields, and what tests do to them."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal

from tests.fake.client import LIST, Client, stamps
from tests.fake_qonto import TODAY, FakeQonto
from tests.fake_qonto.clock import UTC, parse_instant
from tests.fake_qonto.data.invoices.plan import clock_changes


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
    assert max(Decimal(amount["value"]) for amount in amounts) > 4_000


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
