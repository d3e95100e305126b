"""What the state means: today's files work in later versions, late rows are found."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tap_qonto import timestamps
from tests.support import FILES, INVOICES, Runner, bookmark

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto

STATES = json.loads((Path(__file__).parents[1] / "data" / "state-0.1.json").read_text())
BOOKMARK = "2025-06-01T00:00:00.000000Z"


@pytest.mark.parametrize("name", ["both streams", "killed in the middle"])
def test_a_state_of_version_0_1_goes_on_from_its_bookmark(
    company: FakeQonto, tap: Runner, name: str
) -> None:
    output = tap.sync(state=STATES[name], lookback_seconds=0)
    newer = {
        row["id"]
        for row in company.control.invoices()
        if timestamps.to_utc(row["updated_at"]) >= BOOKMARK
    }
    assert set(output.ids()) == newer
    assert 0 < len(newer) < 30
    assert output.state["bookmarks"].keys() == {INVOICES, FILES}


def test_a_state_of_version_0_1_without_attachments_fetches_them_all(
    company: FakeQonto, tap: Runner
) -> None:
    output = tap.sync(state=STATES["attachments not selected"])
    wanted = {
        (row["id"], row[role])
        for row in company.control.invoices()
        for role in ("attachment_id", "display_attachment_id")
        if row.get(role)
    }
    assert {(row["supplier_invoice_id"], row["id"]) for row in output.records(FILES)} == wanted
    assert output.state["bookmarks"][FILES] == {"mode": "files"}


@pytest.mark.parametrize(("late", "found"), [(299, True), (302, False)])
def test_a_row_that_becomes_visible_late_is_found_within_the_lookback(
    fake: FakeQonto, tap: Runner, late: int, *, found: bool
) -> None:
    fake.control.add_invoice(updated_at="2025-06-10T12:00:00Z")
    first = tap.sync(INVOICES)
    newest = bookmark(first.state)
    assert newest
    committed_late = fake.control.add_invoice(
        updated_at=(timestamps.parse(newest) - timedelta(seconds=late)).isoformat()
    )
    second = tap.sync(INVOICES, state=first.state)
    assert (committed_late in second.ids()) is found
    assert bookmark(second.state) == newest
