"""Faults of the network and of Qonto: those that pass cost time, not rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_qonto.errors import UnreachableError
from tests.destination import Destination, leftovers, unlimited
from tests.support import FILES, INVOICES, Runner, bookmark, output_before

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto

API_FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 500}),
    ("status", {"status": 502}),
    ("status", {"status": 503}),
    ("status", {"status": 504}),
    ("status", {"status": 429}),
    ("status", {"status": 429, "retry_after": "0"}),
    ("reset", {}),
    ("close", {}),
    ("cut_body", {}),
    ("short_json", {}),
    ("delay", {"delay": 1.5}),
]
FILE_FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 503}),
    ("cut_body", {}),
    ("reset", {}),
    ("wrong_length", {"bytes": -7}),
    ("wrong_length", {"bytes": 7}),
    ("expired", {}),
    ("delay", {"delay": 1.5}),
]


def test_faults_that_pass_change_nothing(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=300)
    settings = {**unlimited(fake), "page_size": 10, "request_timeout": 1}
    for host, faults in (("api", API_FAULTS), ("files", FILE_FAULTS)):
        for kind, facts in faults:
            fake.control.add_fault(kind, host=host, probability=0.05 / len(faults), **facts)
    destination = Destination()
    destination.take(tap.sync(**settings).messages)
    asked = fake.control.requests("api") + fake.control.requests("files")
    failed = [request for request in asked if request["status"] != 200]
    assert len(failed) > 10, "there were hardly any faults"
    destination.assert_has_all_invoices(fake)
    destination.assert_has_all_files(fake)
    assert leftovers(tap.files) == []


@pytest.mark.parametrize(("kind", "facts"), API_FAULTS)
def test_a_list_that_fails_for_good_ends_the_run_where_it_is(
    fake: FakeQonto, tap: Runner, kind: str, facts: dict[str, Any]
) -> None:
    fake.control.reset(invoices=60)
    fake.control.add_fault(kind, path="supplier_invoices$", after=3, **facts)
    with pytest.raises(UnreachableError) as caught:
        tap.sync(INVOICES, page_size=10, request_timeout=1)
    sentence = str(caught.value)
    assert f"stream {INVOICES} (GET /v2/supplier_invoices)" in sentence
    assert "Given up after " in sentence
    done = output_before(caught.value)
    assert bookmark(done.state) in {record["updated_at"] for record in done.records()}
    fake.control.clear_faults()
    rest = tap.sync(INVOICES, state=done.state)
    assert {*done.ids(), *rest.ids()} == set(fake.control.invoice_ids())


# A body of another length than announced, but whole, is stored: test_downloads.py.
@pytest.mark.parametrize(
    ("kind", "facts"), [fault for fault in FILE_FAULTS if fault[0] != "wrong_length"]
)
def test_a_file_that_fails_for_good_is_had_by_a_later_run(
    fake: FakeQonto, tap: Runner, kind: str, facts: dict[str, Any]
) -> None:
    fake.control.reset(invoices=60)
    victim = tap.sync(INVOICES).records()[35]
    while not victim["attachment_id"]:
        victim = tap.sync(INVOICES).records()[36]
    fake.control.add_fault(kind, host="files", path=victim["attachment_id"], **facts)
    destination = Destination()
    output = tap.sync(page_size=10, request_timeout=1)
    destination.take(output.messages)
    destination.assert_has_all_invoices(fake)
    failed = [row for row in output.records(FILES) if row["status"] == "failed"]
    assert {row["id"] for row in failed} == {victim["attachment_id"]}
    assert all("Given up after 7 attempts." in row["error"] for row in failed)
    fake.control.clear_faults()
    destination.take(tap.sync(state=destination.state).messages)
    destination.assert_has_all_invoices(fake)
    destination.assert_has_all_files(fake)
    assert leftovers(tap.files) == []
