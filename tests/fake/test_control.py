"""Changes by control."""

import pytest

from tests.fake.client import LIST, NOON, Client, Row, stamps
from tests.fake_qonto import FakeQonto


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
