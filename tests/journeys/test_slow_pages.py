"""Pages that are too large to come whole are asked for in halves, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_qonto.errors import UnreachableError
from tests.destination import Destination, unlimited
from tests.fake_qonto import TODAY
from tests.support import INVOICES, Runner

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto

PATH = "supplier_invoices$"
KINDS: list[tuple[str, dict[str, Any], int]] = [
    ("delay", {"delay": 1.5}, 8),
    ("cut_body", {}, 1),
    ("short_json", {}, 8),
    ("status", {"status": 504}, 8),
]
"""Each with a number of workers."""
ONE_INSTANT = {
    "updated_at": "2025-03-01T12:00:00.000Z",
    "created_at": "2025-03-01T12:00:00.000Z",
    "attachment_id": None,
    "display_attachment_id": None,
}


def sizes(fake: FakeQonto, name: str = INVOICES) -> list[int]:
    """Return the rows that each request for a page of a list asked for, in order."""
    asked = [each for each in fake.control.requests("api") if each["path"].endswith(name)]
    return [int(dict(each["query"])["per_page"]) for each in asked]


def settings(fake: FakeQonto, **others: Any) -> dict[str, Any]:
    return {**unlimited(fake), "attachments": {"mode": "metadata"}, **others}


@pytest.mark.parametrize(("kind", "facts", "workers"), KINDS)
def test_large_pages_that_do_not_come_whole_are_halved(
    fake: FakeQonto, tap: Runner, kind: str, facts: dict[str, Any], workers: int
) -> None:
    fake.control.reset(invoices=400)
    fake.control.add_fault(kind, path=PATH, rows=30, **facts)
    destination = Destination()
    given = settings(fake, request_timeout=1, list_concurrency=workers)
    destination.take(tap.sync(INVOICES, **given).messages)
    destination.assert_has_all_invoices(fake)
    asked = sizes(fake)
    # Twice in each size, and then no more.
    assert asked[:5] == [100, 100, 50, 50, 25]
    assert set(asked[4:]) == {25}


def test_the_log_says_that_pages_are_smaller(
    fake: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    fake.control.reset(invoices=150)
    fake.control.add_fault("cut_body", path=PATH, rows=60)
    tap.sync(INVOICES, **settings(fake))
    words = "Given up after 2 attempts. Pages of 50 rows are asked for instead."
    assert [words in message for message in caplog.messages].count(True) == 1


def test_a_page_that_is_small_already_has_all_attempts(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=60)
    fake.control.add_fault("cut_body", path=PATH)
    with pytest.raises(UnreachableError, match=r"Given up after 7 attempts\.$"):
        tap.sync(INVOICES, **settings(fake, page_size=39))
    assert sizes(fake) == [39] * 7


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize("shuffles", [False, True])
def test_nothing_is_lost_where_many_rows_share_an_instant(
    fake: FakeQonto, tap: Runner, after: int, *, shuffles: bool
) -> None:
    fake.control.reset(invoices=0)
    fake.control.set(tie_order="shuffled" if shuffles else "id")
    fake.control.add_invoices([ONE_INSTANT] * 450)
    fake.control.add_fault("cut_body", path=PATH, rows=60, after=after)
    edited: list[int] = []

    def edit(_: dict[str, Any]) -> None:
        ids = fake.control.invoice_ids()
        if len(edited) < 6:
            edited.append(1)
            fake.control.edit_invoice(ids[len(edited) * 50], description="edited")

    fake.control.on_request(edit)
    destination = Destination()
    given = settings(fake, lookback_seconds=0)
    destination.take(tap.sync(INVOICES, **given).messages)
    fake.control.on_request(None)
    destination.take(tap.sync(INVOICES, state=destination.state, **given).messages)
    destination.assert_has_all_invoices(fake)
    assert 50 in sizes(fake)


@pytest.mark.parametrize("name", ["transactions", "labels", "beneficiaries", "quotes"])
def test_every_way_of_reading_goes_on_in_halves(fake: FakeQonto, tap: Runner, name: str) -> None:
    fake.control.reset(invoices=0, today=TODAY)
    whole = tap.sync(name, **settings(fake, page_size=40)).ids(name)
    fake.control.add_fault("cut_body", path=f"/{name}$", rows=30)
    halved = tap.sync(name, **settings(fake, page_size=40)).ids(name)
    assert set(halved) == set(whole) == set(fake.control.ids(name))
    assert {20, 40} <= set(sizes(fake, name))
