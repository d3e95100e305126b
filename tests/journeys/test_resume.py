"""What a killed run has read above its bookmark, and the next run leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.fake_qonto import TODAY
from tests.reading.test_bookmarks import hourly
from tests.support import INVOICES

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Runner

ROWS = 100
PAGE = 10
BOOKMARK = "2025-01-02T00:00:00.000000Z"
"""The stamp of row 24; those below are hourly, too."""
READ = [["2025-01-03T00:00:00Z", "2025-01-04T00:00:00Z"]]
UNSURE: Json = {
    "from": "2024-12-31T23:59:59Z",
    "to": "2025-01-10T00:00:00Z",
    "rows": ROWS,
    "read": [
        ["2025-01-02T00:00:00Z", "2025-01-02T10:00:00Z"],
        ["2025-01-04T00:00:00Z", "2025-01-04T10:00:00Z"],
    ],
}
IDS = {"sure": range(49, 71), "unsure": [*range(25, 32), *range(73, 81)]}
"""Rows well within what the state says was read; those at its ends may come again."""


def state_of(**entry: Any) -> Json:
    """Return the state of a run that was killed."""
    covers: Json = {"filter": {}, "start_date": None}
    place = {"replication_key": "updated_at", "replication_key_value": BOOKMARK}
    return {"bookmarks": {INVOICES: {**place, "covers": covers, **entry}}}


def asked_for(fake: FakeQonto) -> list[tuple[str, str | None, str | None]]:
    """Return rows for each page, and bounds, of all requests for the list."""
    queries = [
        dict(each["query"])
        for each in fake.control.requests("api")
        if each["path"].endswith(INVOICES)
    ]
    lower, upper = "filter[updated_at_from]", "filter[updated_at_to]"
    return [(each["per_page"], each.get(lower), each.get(upper)) for each in queries]


@pytest.mark.parametrize("workers", [1, 8])
def test_what_was_not_sure_is_left_out_if_the_count_is_kept(
    fake: FakeQonto, tap: Runner, workers: int
) -> None:
    ids = hourly(fake, ROWS)
    fake.control.clear_requests()
    state = state_of(read=READ, unsure=UNSURE)
    output = tap.sync(
        "bank_accounts", INVOICES, state=state, page_size=PAGE, list_concurrency=workers
    )
    assert asked_for(fake)[0] == ("1", UNSURE["from"], UNSURE["to"])
    left_out = {ids[number] for name in ("sure", "unsure") for number in IDS[name]}
    assert not left_out & set(output.ids(INVOICES))
    assert set(ids[35:48] + ids[85:]) <= set(output.ids(INVOICES))
    assert output.state["bookmarks"][INVOICES].keys() & {"read", "unsure"} == set()


@pytest.mark.parametrize("why", ["a row has left", "another filter", "it cannot be counted"])
def test_what_was_not_sure_is_read_again_if_in_doubt(
    fake: FakeQonto, tap: Runner, why: str
) -> None:
    ids = hourly(fake, ROWS)
    fake.control.clear_requests()
    unsure = UNSURE | {"rows": ROWS + (why == "a row has left")}
    state = state_of(read=READ, unsure=unsure)
    given: Json = {}
    if why == "another filter":
        given["supplier_invoices_filter"] = {"created_at_from": "2024-01-01"}
    if why == "it cannot be counted":
        fake.control.add_fault("status", path="/supplier_invoices$", status=422, times=1)
    output = tap.sync(INVOICES, state=state, page_size=PAGE, **given)
    assert {ids[number] for number in IDS["unsure"]} <= set(output.ids())
    assert output.state["bookmarks"][INVOICES].keys() & {"read", "unsure"} == set()


def test_nothing_is_asked_of_an_account_before_it_was_counted(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=10, today=TODAY)
    state = tap.sync("transactions").state
    for part in state["bookmarks"]["transactions"]["partitions"]:
        part["unsure"] = UNSURE
    fake.control.clear_requests()
    tap.sync("transactions", state=state)
    asked = [dict(each["query"]) for each in fake.control.requests("api")]
    first: dict[str, str] = {}
    for query in asked:
        if account := query.get("bank_account_id"):
            first.setdefault(account, query["per_page"])
    assert len(first) > 1
    assert set(first.values()) == {"1"}
