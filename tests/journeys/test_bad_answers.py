"""Answers that are not what they should be: read as the specification allows, or told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_qonto.errors import DataError
from tests import support
from tests.fake_qonto import TODAY
from tests.streams.served import LISTS, key_of, served
from tests.support import Json, Runner, chosen, output_before

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto

PAGED = ("supplier_invoices", "transactions", "client_invoices", "labels", "beneficiaries")
ALSO_NAMED = {name: each.also_named for name, each in LISTS.items() if vars(each).get("also_named")}


@pytest.fixture
def bank(fake: FakeQonto) -> FakeQonto:
    """A fake whose lists all have rows."""
    fake.control.reset(invoices=25, today=TODAY)
    return fake


@pytest.fixture
def tap(bank: FakeQonto, tmp_path: Path) -> Runner:
    """The tap with OAuth, which every stream takes."""
    return Runner.with_oauth(bank, tmp_path)


def answer(bank: FakeQonto, name: str, body: Any) -> None:
    """Let a list answer with this."""
    support.answer(bank, f"^{LISTS[name].path.replace('{id}', '[^/]+')}$", body)


def check_told(bank: FakeQonto, tap: Runner, name: str) -> None:
    """Hold a run to tell of an answer that holds no list, and to move no bookmark."""
    state = {"bookmarks": {name: {"replication_key_value": "2025-01-01T00:00:00.000000Z"}}}
    has_bookmark = vars(LISTS[name]).get("replication_key") and name != "transactions"
    given = state if has_bookmark else None
    with pytest.raises(
        DataError, match=f"Qonto's answer for stream {name} holds no list"
    ) as failure:
        tap.sync(catalog=chosen(name), state=given)
    output = output_before(failure.value)
    assert output.records(name) == output.of("ACTIVATE_VERSION", name) == []
    if given:
        entry = output.state["bookmarks"][name]
        assert entry["replication_key_value"] == "2025-01-01T00:00:00.000000Z"
    assert bank.control.count("api")


# The others are themselves the row, have the id of a parent in their path, or are read for
# the organization's id before.
@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name, each in LISTS.items()
        if each.collection and "{id}" not in each.path and name != "organization"
    ),
)
def test_an_answer_without_the_list_is_told(bank: FakeQonto, tap: Runner, name: str) -> None:
    bank.control.vary(name, collection="rows_of_another_name")
    check_told(bank, tap, name)


# The organization is read for its id before.
@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name, each in LISTS.items()
        if each.collection and name not in {"organization", "subscription"}
    ),
)
def test_null_in_place_of_a_list_is_told(bank: FakeQonto, tap: Runner, name: str) -> None:
    """Even where Qonto counts no rows: taken for an empty list, targets would drop all rows."""
    meta = {"current_page": 1, "next_page": None, "total_pages": 1, "total_count": 0}
    answer(bank, name, {LISTS[name].collection: None, "meta": meta})
    check_told(bank, tap, name)


def test_an_organization_without_a_plan_has_no_row(bank: FakeQonto, tap: Runner) -> None:
    answer(bank, "subscription", {"plan": None})
    output = tap.sync(catalog=chosen("subscription"))
    assert output.records("subscription") == []
    assert len(output.of("ACTIVATE_VERSION", "subscription")) == 1


@pytest.mark.parametrize("rows", [None, "rows", 5, [None], ["row"], [[]]], ids=str)
@pytest.mark.parametrize("name", PAGED)
def test_a_list_that_is_none_is_told(bank: FakeQonto, tap: Runner, name: str, rows: Any) -> None:
    meta = {"current_page": 1, "next_page": None, "total_pages": 1, "total_count": 5}
    answer(bank, name, {LISTS[name].collection: rows, "meta": meta})
    check_told(bank, tap, name)


@pytest.mark.parametrize("meta", [None, [], "meta", {}, {"per_page": 100}], ids=str)
@pytest.mark.parametrize("name", PAGED)
def test_an_answer_that_does_not_say_if_more_follows_is_told(
    bank: FakeQonto, tap: Runner, name: str, meta: Any
) -> None:
    answer(bank, name, {LISTS[name].collection: [], "meta": meta})
    check_told(bank, tap, name)


@pytest.mark.parametrize("name", ["supplier_invoices", "transactions"])
def test_without_meta_a_list_within_bounds_is_told(bank: FakeQonto, tap: Runner, name: str) -> None:
    """It is documented with it; a page can be smaller than what was asked for."""
    answer(bank, name, {LISTS[name].collection: []})
    check_told(bank, tap, name)


def test_without_meta_a_full_page_is_told(bank: FakeQonto, tap: Runner) -> None:
    """More rows may follow it."""
    answer(bank, "labels", {"labels": [{"id": f"label-{each}"} for each in range(100)]})
    check_told(bank, tap, "labels")


@pytest.mark.parametrize("missing", ["next_page", "total_pages", "total_count"])
@pytest.mark.parametrize("name", ["supplier_invoices", "labels"])
def test_a_part_of_meta_can_be_missing(
    bank: FakeQonto, tap: Runner, name: str, missing: str
) -> None:
    stamps = {"row-1": "2025-01-01T00:00:00Z", "row-2": "2025-01-02T00:00:00Z"}
    rows = [{"id": key, "updated_at": stamp} for key, stamp in stamps.items()]
    meta: Json = {"current_page": 1, "next_page": None, "total_pages": 1, "total_count": 2}
    del meta[missing]
    answer(bank, name, {LISTS[name].collection: rows, "meta": meta})
    assert tap.sync(name).ids(name) == ["row-1", "row-2"]
    assert bank.control.count("api")


@pytest.mark.parametrize(
    ("name", "other"), [(name, other) for name in ALSO_NAMED for other in ALSO_NAMED[name]]
)
def test_a_list_of_another_name_is_read(
    bank: FakeQonto, tap: Runner, name: str, other: str
) -> None:
    bank.control.vary(name, collection=other)
    output = tap.sync(catalog=chosen(name))
    assert {key_of(name, row) for row in output.records(name)} == {
        key_of(name, row) for row in served(bank, name)
    }


@pytest.mark.parametrize("key", [..., None, "", [], {}, 1.5], ids=str)
@pytest.mark.parametrize("name", PAGED)
def test_a_row_without_its_key_ends_its_stream_alone(
    bank: FakeQonto, tap: Runner, name: str, key: Any
) -> None:
    def fields(of: Json) -> Json:
        return {field: value for field, value in (of | {"id": key}).items() if value is not ...}

    stamp = "2025-06-01T00:00:00.000Z"
    rows = [fields({"updated_at": stamp, "created_at": stamp, "bank_account_id": "any"})]
    meta = {"current_page": 1, "next_page": None, "total_pages": 1, "total_count": 1}
    answer(bank, name, {LISTS[name].collection: rows, "meta": meta})
    with pytest.raises(DataError, match="has no id") as failure:
        tap.sync(name, "teams", "sync_log")
    output = output_before(failure.value)
    assert output.records(name) == []
    assert output.ids("teams") == bank.control.ids("teams")
    statuses = {row["stream"]: row["status"] for row in output.records("sync_log")}
    assert statuses == {name: "failed", "teams": "complete"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"updated_at": "2025-06-01T00:00:00Z"}, "A row updated at 2025-06-01T00:00:00Z has no id"),
        ({"id": "row-1"}, "A row with id row-1 has no readable updated_at"),
        ({}, "A row has no readable updated_at"),
    ],
)
def test_what_a_row_lacks_is_told_with_what_it_has(
    bank: FakeQonto, tap: Runner, row: Json, words: str
) -> None:
    meta = {"current_page": 1, "next_page": None, "total_pages": 1, "total_count": 1}
    answer(bank, "supplier_invoices", {"supplier_invoices": [row], "meta": meta})
    with pytest.raises(DataError) as failure:
        tap.sync(catalog=chosen("supplier_invoices"))
    assert str(failure.value).startswith(f"{words}. The stream ends here, since going on ")
    assert bank.control.count("api")


def test_a_row_with_nothing_in_it_is_told(bank: FakeQonto, tap: Runner) -> None:
    meta = {"current_page": 1, "next_page": None, "total_pages": 1, "total_count": 1}
    answer(bank, "labels", {"labels": [{}], "meta": meta})
    with pytest.raises(
        DataError, match=r"^A row has no id\. The stream ends here, since going on "
    ):
        tap.sync(catalog=chosen("labels"))
    assert bank.control.count("api")


def test_a_row_of_which_qonto_has_nothing_is_told_and_proves_no_deletion(
    bank: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """It was deleted meanwhile, or is out of reach; the next run does not list a deleted one."""
    name = "payment_link_payments"
    links = [row["payment_link_id"] for row in served(bank, name)]
    link = links[0]
    bank.control.add_fault("status", path=f"/{link}/payments$", status=404)
    output = tap.sync(catalog=chosen(name))
    (told,) = (each for each in caplog.records if link in each.getMessage())
    assert told.levelname == "WARNING"
    words = (
        f"Qonto has no {name} of payment_link_id {link}, although it lists what they belong to, "
        "so nothing was deleted."
    )
    assert told.getMessage() == words
    kept = sorted(row["payment_link_id"] for row in output.records(name))
    assert kept == sorted(each for each in links if each != link)
    assert output.of("ACTIVATE_VERSION", name) == []
    bank.control.clear_faults()
    bank.control.delete("payment_links", link)
    output = tap.sync(catalog=chosen(name))
    assert link not in {row["payment_link_id"] for row in output.records(name)}
    assert len(output.of("ACTIVATE_VERSION", name)) == 1


def test_a_list_that_becomes_shorter_and_longer_again_is_read(bank: FakeQonto, tap: Runner) -> None:
    """A page is past the end, and right after that it is not."""
    bank.control.add_many("labels", [{} for _ in range(30)])
    gone = bank.control.ids("labels")[15:]
    steps: list[str] = []

    def change(call: Json) -> None:
        page = dict(call["query"]).get("page", "")
        if page == "2" and not steps:
            for key in gone:
                bank.control.delete("labels", key)
            steps.append("shorter")
        elif page == "1" and steps == ["shorter"]:
            bank.control.add_many("labels", [{} for _ in gone])
            steps.append("longer")

    bank.control.on_request(change)
    output = tap.sync(catalog=chosen("labels"), page_size=20)
    bank.control.on_request(None)
    assert steps == ["shorter", "longer"]
    assert set(bank.control.ids("labels")) <= set(output.ids("labels"))
