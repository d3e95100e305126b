"""Pages that Qonto does not hand out, since they are too far back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_qonto.errors import ApiError
from tests.destination import Destination, unlimited
from tests.fake_qonto import TODAY
from tests.support import INVOICES, Runner

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto


@pytest.mark.parametrize("deepest", [1, 4, 9])
@pytest.mark.parametrize("workers", [1, 8])
def test_a_list_that_is_read_along_a_time_stamp_needs_none(
    fake: FakeQonto, tap: Runner, deepest: int, workers: int
) -> None:
    fake.control.reset(invoices=600)
    fake.control.set(max_page=deepest)
    given = {**unlimited(fake), "attachments": {"mode": "metadata"}, "page_size": 20}
    destination = Destination()
    destination.take(tap.sync(INVOICES, **given, list_concurrency=workers).messages)
    destination.assert_has_all_invoices(fake)


@pytest.mark.parametrize("is_filtered", [False, True])
def test_a_filter_lets_slices_share_no_pages(
    fake: FakeQonto, tap: Runner, *, is_filtered: bool
) -> None:
    """A row can come to pass it without a new time stamp, so that the count shows nothing."""
    fake.control.reset(invoices=600)
    given = {**unlimited(fake), "attachments": {"mode": "metadata"}, "page_size": 20}
    if is_filtered:
        given["supplier_invoices_filter"] = {
            "due_date": ["past_and_today", "future", "missing_date"]
        }
    fake.control.clear_requests()
    tap.sync(INVOICES, **given)
    asked = [dict(each["query"]) for each in fake.control.requests("api")]
    assert any(each.get("page", "1") != "1" for each in asked) is not is_filtered


def test_a_list_by_page_number_alone_says_what_is_missing(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=0, today=TODAY)
    assert len(fake.control.ids("labels")) > 20
    fake.control.set(max_page=1)
    with pytest.raises(ApiError, match=r"stream labels .*page 2 is out of range"):
        tap.sync("labels", **unlimited(fake), page_size=10)
