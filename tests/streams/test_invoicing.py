"""What is special about clients, client invoices, quotes, reminders, and payment links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.fake_qonto import TODAY
from tests.fake_qonto.lists.rendering import serve_row
from tests.support import Json, Runner

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto
    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.world import World


@pytest.fixture
def bank(fake: FakeQonto) -> FakeQonto:
    """A fake whose lists all have rows."""
    fake.control.reset(invoices=0, today=TODAY)
    return fake


@pytest.fixture
def tap(bank: FakeQonto, tmp_path: Path) -> Runner:
    """The tap with OAuth, which every stream takes."""
    return Runner.with_oauth(bank, tmp_path)


def only(tap: Runner, stream: str, key: str) -> Json:
    """Return the one record with an id."""
    (found,) = [each for each in tap.sync(stream).records(stream) if each["id"] == key]
    return found


def without_id(_: World, row: Row, __: Any) -> Row:
    """Serve a row that lacks its id."""
    return {name: value for name, value in row.items() if name != "id"}


def test_extra_emails_come_as_texts_or_as_objects(bank: FakeQonto, tap: Runner) -> None:
    key = bank.control.ids("clients")[0]
    emails = [{"email": "a@example.com"}, "b@example.com", None]
    bank.control.edit("clients", key, extra_emails=emails)
    client = only(tap, "clients", key)
    assert client["extra_emails"] == ["a@example.com", "b@example.com", None]
    assert client["extra_fields"] is None


def test_imported_invoices_and_drafts_are_there(bank: FakeQonto, tap: Runner) -> None:
    output = tap.sync("client_invoices")
    assert set(output.ids("client_invoices")) == set(bank.control.ids("client_invoices"))
    asked = [each["query"] for each in bank.control.requests("api") if "invoices" in each["path"]]
    assert asked
    assert all(["exclude_imported", "false"] in query for query in asked)
    drafts = [row for row in output.records("client_invoices") if row["status"] == "draft"]
    assert drafts
    assert all(row["items"] is None and row["number"] is None for row in drafts)


def test_a_reminder_without_id_takes_that_of_its_client(bank: FakeQonto, tap: Runner) -> None:
    clients = [row["client_id"] for row in bank.control.rows("reminders")]
    bank.control.vary("reminders", serve=without_id, volatile=True)
    assert sorted(tap.sync("reminders").ids("reminders")) == sorted(clients)


@pytest.mark.parametrize(
    ("stream", "envelope"), [("quotes", "quote"), ("payment_links", "payment_link")]
)
def test_a_row_may_come_in_an_envelope(
    bank: FakeQonto, tap: Runner, stream: str, envelope: str
) -> None:
    flat = tap.sync(stream).records(stream)

    def wrap(world: World, row: Row, _: Any) -> Row:
        inner = serve_row(row, str(row["id"]), world.facts[stream], world.settings)
        return {envelope: inner}

    bank.control.vary(stream, serve=wrap, volatile=True)
    assert tap.sync(stream).records(stream) == flat


@pytest.mark.parametrize("stream", ["einvoicing_settings", "payment_link_connection"])
def test_the_slug_stands_in_for_an_organization_without_id(
    bank: FakeQonto, tap: Runner, stream: str
) -> None:
    slug = bank.control.rows("organization")[0]["slug"]
    bank.control.vary("organization", serve=without_id, volatile=True)
    (record,) = tap.sync(stream).records(stream)
    assert record["organization_id"] == slug
    (organization,) = tap.sync("organization").records("organization")
    assert organization["id"] == slug


def test_subscriptions_are_asked_for_in_every_status(bank: FakeQonto, tap: Runner) -> None:
    """The filter knows three statuses only, so it would hide all others."""
    key = bank.control.ids("direct_debit_subscriptions")[0]
    bank.control.edit("direct_debit_subscriptions", key, status="completed")
    record = only(tap, "direct_debit_subscriptions", key)
    assert record["status"] == "completed"
    names = [name for each in bank.control.requests("api") for name, _ in each["query"]]
    assert not [name for name in names if "status" in name]


def test_an_empty_list_of_payment_links(bank: FakeQonto, tap: Runner) -> None:
    """Qonto then sends next_page 0 and prev_page 1."""
    bank.control.reset(payment_links=0, today=TODAY)
    tap.use_oauth(bank)
    output = tap.sync("payment_links", "payment_link_payments")
    assert output.records("payment_links") == []
    streams = [message["stream"] for message in output.of("ACTIVATE_VERSION")]
    assert streams == ["payment_links", "payment_link_payments"]
