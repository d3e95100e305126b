"""What every list stream promises, whichever it is: a new one is proven by being listed."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tap_qonto.errors import DataError
from tests.destination import Destination
from tests.fake_qonto import TODAY
from tests.streams.served import LISTS, expected, key_of, served
from tests.support import Json, Runner, chosen, discovered, output_before

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto


def is_incremental(name: str) -> bool:
    return "replication_key" in vars(LISTS[name])


INCREMENTAL = sorted(filter(is_incremental, LISTS))
WHOLE = sorted(LISTS.keys() - set(INCREMENTAL) - {"transaction_links"})
# The links of a transaction are read when it comes, so they are as incremental as it is.
CHANGING = sorted(LISTS.keys() - {"transaction_links"})
# Both ways of supplier invoices need the filter; it is documented, and was seen to work.
WITH_OTHER_WAYS = sorted(
    name for name, each in LISTS.items() if len(each.ways) > 1 and name != "supplier_invoices"
)
_FILTERS = ("updated_at", "created_at")
REFUSALS: dict[str, Json] = {
    "filters": {"refused": _FILTERS},
    "filters, silently": {"ignored": _FILTERS},
    "upper bounds, silently": {"ignored": ("updated_at_to", "created_at_to")},
    "orders": {"sorts": ("another",)},
}
# Columns that reading goes by, and those that the tap fills.
NEEDED = {"id", "client_id", "bank_account_id", "updated_at", "created_at"}
NEEDED |= {"extra_fields", "period_start"}
# Qonto sends no key with these, or not always.
KEYED_BY_THE_TAP = {name for name, each in LISTS.items() if each.row_key == "organization_id"}
KEYED_BY_THE_TAP |= {"organization", "reminders"}
# What the fake serves in fields that go nowhere.
NEVER = {b"https://pay.", b"https://quotes.", b"https://sign.", b"https://hooks."}
NEVER |= {b"https://connect.", b"whsec-", b"signature=secret", b"embedded"}


@pytest.fixture
def bank(fake: FakeQonto) -> FakeQonto:
    """A fake whose lists all have rows."""
    fake.control.reset(invoices=25, today=TODAY)
    return fake


@pytest.fixture
def tap(bank: FakeQonto, tmp_path: Path) -> Runner:
    """The tap with OAuth, which every stream takes."""
    return Runner.with_oauth(bank, tmp_path)


def fill(bank: FakeQonto, tap: Runner, name: str, count: int) -> None:
    """Start again with so many rows in a list that can have many."""
    if not bank.control.is_single(name):
        counts = {"invoices" if name == "supplier_invoices" else name: count}
        if name == "bank_accounts":
            counts["transactions"] = 0
        bank.control.reset(today=TODAY, **counts)
        tap.use_oauth(bank)


def schema_of(name: str) -> Json:
    schemas: dict[str, Json] = {each["stream"]: each["schema"] for each in discovered()["streams"]}
    return schemas[name]


def assert_equal_to_qonto(bank: FakeQonto, name: str, found: dict[Any, Json]) -> None:
    """Compare every column of every row with what Qonto serves."""
    columns = schema_of(name)["properties"]
    rows = {key_of(name, row): row for row in served(bank, name)}
    assert rows
    assert found.keys() == rows.keys()
    for key, row in rows.items():
        for column, shape in columns.items():
            assert found[key][column] == expected(row.get(column), shape), column


@pytest.mark.parametrize("name", sorted(LISTS))
def test_every_row_comes_whole_and_exact(bank: FakeQonto, tap: Runner, name: str) -> None:
    output = tap.sync(catalog=chosen(name))
    schema = schema_of(name)
    validator = jsonschema.Draft202012Validator(schema, format_checker=None)
    records = output.records(name)
    for record in records:
        validator.validate(record)
        assert record.keys() == schema["properties"].keys()
    found = {key_of(name, record): record for record in records}
    assert len(found) == len(records)
    assert_equal_to_qonto(bank, name, found)
    for value in NEVER:
        assert value not in output.stdout


@pytest.mark.real_clock("columns and values are the same at any time")
@pytest.mark.parametrize("name", sorted(LISTS))
def test_pages_that_are_smaller_than_what_was_asked_for_hide_no_row(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    fill(bank, tap, name, 60)
    bank.control.set(largest_page=7)
    records = tap.sync(catalog=chosen(name)).records(name)
    bank.control.set(largest_page=None)
    found = {key_of(name, record): record for record in records}
    assert_equal_to_qonto(bank, name, found)


@pytest.mark.real_clock("columns and values are the same at any time")
@pytest.mark.parametrize("name", sorted(LISTS))
def test_what_qonto_adds_goes_to_extra_fields(bank: FakeQonto, tap: Runner, name: str) -> None:
    bank.control.set(extra_list_fields={"brand_new": {"deep": [1, "é", None]}})
    for record in tap.sync(catalog=chosen(name)).records(name):
        # External accounts stand in the organization, which has the new field.
        is_inside = record.get("is_external_account")
        assert record["extra_fields"] == (
            None if is_inside else {"brand_new": {"deep": [1, "é", None]}}
        )


@pytest.mark.real_clock("columns and values are the same at any time")
@pytest.mark.parametrize("value", [{"odd": 777123}, [777123], "odd 777123", 777123.5], ids=str)
@pytest.mark.parametrize("name", sorted(LISTS))
def test_values_of_another_type_are_kept(
    bank: FakeQonto, tap: Runner, name: str, value: Any
) -> None:
    """In their column where it can hold them, else in ``extra_fields``."""
    columns = schema_of(name)["properties"].keys() - NEEDED - set(LISTS[name].primary_keys)
    bank.control.set(extra_list_fields=dict.fromkeys(columns, value))
    validator = jsonschema.Draft202012Validator(schema_of(name))
    records = tap.sync(catalog=chosen(name)).records(name)
    assert records
    for record in records:
        validator.validate(record)
        kept = json.dumps(record, default=str).count("777123")
        assert kept >= len(columns) or record.get("is_external_account")


@pytest.mark.parametrize("name", sorted(LISTS.keys() - KEYED_BY_THE_TAP))
def test_a_row_without_its_key_is_an_error(bank: FakeQonto, tap: Runner, name: str) -> None:
    bank.control.set(extra_list_fields={LISTS[name].row_key: None})
    with pytest.raises(DataError, match="has no ") as failure:
        tap.sync(catalog=chosen(name))
    output = output_before(failure.value)
    assert output.records(name) == output.of("ACTIVATE_VERSION", name) == []


@pytest.mark.real_clock("columns and values are the same at any time")
@pytest.mark.parametrize("name", sorted(LISTS))
def test_flattened_rows_are_as_their_schema_says(bank: FakeQonto, tap: Runner, name: str) -> None:
    output = tap.sync(catalog=chosen(name), flattening_enabled=True, flattening_max_depth=10)
    (message,) = output.of("SCHEMA", name)
    validator = jsonschema.Draft202012Validator(message["schema"])
    assert bank.control.count("api")
    assert output.records(name)
    for record in output.records(name):
        validator.validate(record)
        assert record.keys() == message["schema"]["properties"].keys()


@pytest.mark.parametrize("name", INCREMENTAL)
def test_the_next_run_reads_what_changed(bank: FakeQonto, tap: Runner, name: str) -> None:
    first = tap.sync(catalog=chosen(name))
    quiet = tap.sync(catalog=chosen(name), state=first.state, lookback_seconds=0)
    assert len(quiet.ids(name)) <= 6
    edited = bank.control.ids(name)[3]
    bank.control.edit(name, edited, **{bank.control.text_field(name): "edited"})
    added = bank.control.add(name)
    second = tap.sync(catalog=chosen(name), state=quiet.state, lookback_seconds=0)
    assert {edited, added} <= set(second.ids(name))
    assert len(second.ids(name)) <= 8


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_list_ends_with_its_version(bank: FakeQonto, tap: Runner, name: str) -> None:
    """Nothing of the stream follows, so a target that obeys has all rows before it drops any."""
    output = tap.sync(catalog=chosen(name))
    messages = [message for message in output.messages if message.get("stream") == name]
    kinds = [message["type"] for message in messages]
    assert kinds == ["SCHEMA", *["RECORD"] * (len(kinds) - 2), "ACTIVATE_VERSION"]
    assert len({message["version"] for message in messages[1:]}) == 1
    assert len(served(bank, name)) == len(kinds) - 2


@pytest.mark.parametrize("name", CHANGING)
def test_nothing_is_lost_while_rows_change(bank: FakeQonto, tap: Runner, name: str) -> None:
    """Between requests a row is edited, one added and, where a run can tell, one deleted."""
    fill(bank, tap, name, 130)
    field = bank.control.text_field(name)
    left = [4]

    def change(_: Json) -> None:
        if left[0] and bank.control.count("api") > 2:
            left[0] -= 1
            keys = bank.control.ids(name)
            bank.control.edit(name, keys[len(keys) // 2], **{field: f"edited {left[0]}"})
            if not bank.control.is_single(name):
                bank.control.add(name)
                if not is_incremental(name):
                    bank.control.delete(name, keys[left[0]])

    destination = Destination()
    bank.control.on_request(change)
    first = tap.sync(catalog=chosen(name), page_size=20)
    destination.take(first.messages, is_ended=True)
    bank.control.on_request(None)
    quiet = tap.sync(catalog=chosen(name), state=destination.state, page_size=20)
    destination.take(quiet.messages, is_ended=True)
    assert_equal_to_qonto(bank, name, destination.tables[name])


@pytest.mark.parametrize("refused", sorted(REFUSALS))
@pytest.mark.parametrize("name", WITH_OTHER_WAYS)
def test_nothing_is_lost_where_qonto_refuses_a_way(
    bank: FakeQonto, tap: Runner, name: str, refused: str
) -> None:
    """The documents are not always right about filters and orders."""
    fill(bank, tap, name, 70)
    bank.control.vary(name, **REFUSALS[refused])
    destination = Destination()
    first = tap.sync(catalog=chosen(name), page_size=20)
    destination.take(first.messages, is_ended=True)
    assert_equal_to_qonto(bank, name, destination.tables[name])
    bank.control.edit(name, bank.control.ids(name)[3], **{bank.control.text_field(name): "edited"})
    bank.control.add(name)
    second = tap.sync(catalog=chosen(name), state=destination.state, page_size=20)
    destination.take(second.messages, is_ended=True)
    assert_equal_to_qonto(bank, name, destination.tables[name])


@pytest.mark.real_clock("columns and values are the same at any time")
@pytest.mark.parametrize("style", ["message", "empty"])
@pytest.mark.parametrize("refused", ["filters", "orders"])
@pytest.mark.parametrize("name", [each for each in WITH_OTHER_WAYS if each != "transactions"])
def test_a_refusal_need_not_name_the_parameter(
    bank: FakeQonto,
    tap: Runner,
    caplog: pytest.LogCaptureFixture,
    name: str,
    refused: str,
    style: str,
) -> None:
    """Of transactions it would be one of the account."""
    fill(bank, tap, name, 30)
    first = tap.sync(catalog=chosen(name))
    bank.control.vary(name, **REFUSALS[refused])
    bank.control.set(error_style=style)
    second = tap.sync(catalog=chosen(name), state=first.state)
    found = {key_of(name, record): record for record in first.records(name) + second.records(name)}
    bank.control.set(error_style="list")
    assert_equal_to_qonto(bank, name, found)
    told = [each.message for each in caplog.records if each.levelname == "WARNING"]
    assert all(f"{name} by " in each and "; reading it " in each for each in told)
    assert len(told) <= 1


@pytest.mark.real_clock("columns and values are the same at any time")
@pytest.mark.parametrize("name", sorted(each for each in LISTS if LISTS[each].ways[0].stamps))
def test_rows_may_lack_the_time_stamp_that_they_are_read_by(
    bank: FakeQonto, tap: Runner, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    (field,) = LISTS[name].ways[0].stamps
    if name == "supplier_invoices":
        pytest.skip("it is documented for them, and was seen in all")
    bank.control.set(extra_list_fields={field: None})
    assert set(tap.sync(catalog=chosen(name)).ids(name)) == set(bank.control.ids(name))
    [told] = {each.message for each in caplog.records if each.levelname == "WARNING"}
    assert told.startswith(
        f"Qonto sends rows of {name} without {field}; reading it page by page instead."
    )


@pytest.mark.real_clock("columns and values are the same at any time")
@pytest.mark.parametrize(
    "name",
    # Transactions, which those are below, are documented with it.
    sorted(each for each in WHOLE if not LISTS[each].ways[0].stamps),
)
def test_an_answer_without_meta_is_all_that_there_is(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    bank.control.set(hides_meta=True)
    records = tap.sync(catalog=chosen(name)).records(name)
    found = {key_of(name, record): record for record in records}
    assert_equal_to_qonto(bank, name, found)


@pytest.mark.parametrize("ignored", ["updated_at", "updated_at_to"])
@pytest.mark.parametrize(
    ("name", "manner"), [("beneficiaries", "newest first"), ("clients", "page by page")]
)
def test_a_filter_without_effect_is_found_out(
    bank: FakeQonto,
    tap: Runner,
    caplog: pytest.LogCaptureFixture,
    name: str,
    manner: str,
    ignored: str,
) -> None:
    """On lists of which not all documents name the filter."""
    fill(bank, tap, name, 70)
    bank.control.vary(name, ignored=(ignored,))
    tap.sync(catalog=chosen(name), page_size=20)
    [warning] = [each.message for each in caplog.records if each.levelname == "WARNING"]
    assert warning.startswith(
        f"Qonto does not filter {name} by updated_at; reading it {manner} instead."
    )


@pytest.mark.real_clock("it runs a process")
@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_run_that_is_killed_goes_on(bank: FakeQonto, tap: Runner, name: str) -> None:
    """The kill comes while Qonto holds back an answer in the middle of the run."""
    fill(bank, tap, name, 60)
    tap.sync(catalog=chosen(name), page_size=10)
    middle = bank.control.count("api") // 2
    bank.control.clear_requests()
    is_there, is_over = threading.Event(), threading.Event()

    def hold(_: Json) -> None:
        if bank.control.count("api") > middle:
            is_there.set()
            is_over.wait(30)

    destination = Destination()
    bank.control.on_request(hold)
    killed = tap.run(catalog=chosen(name), page_size=10, killed_when=is_there.is_set)
    is_over.set()
    bank.control.on_request(None)
    assert killed.code < 0
    assert killed.of("ACTIVATE_VERSION", name) == []
    destination.take(killed.messages)
    rest = tap.sync(catalog=chosen(name), state=destination.state, page_size=10)
    destination.take(rest.messages, is_ended=True)
    assert_equal_to_qonto(bank, name, destination.tables[name])


@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_run_goes_on_from_each_state(bank: FakeQonto, tap: Runner, name: str) -> None:
    whole = tap.sync(catalog=chosen(name), page_size=10)
    all_keys = {key_of(name, record) for record in whole.records(name)}
    seen: set[tuple[Any, ...]] = set()
    states = 0
    for message in whole.messages:
        if message["type"] == "RECORD":
            seen.add(key_of(name, message["record"]))
        elif message["type"] == "STATE" and states < 4:
            states += 1
            rest = tap.sync(catalog=chosen(name), state=message["value"], page_size=10)
            assert seen | {key_of(name, record) for record in rest.records(name)} >= all_keys
    assert states
    assert bank.control.count("api")


@pytest.mark.real_clock("columns and values are the same at any time")
@pytest.mark.parametrize("name", sorted(LISTS))
def test_each_column_can_be_left_out(bank: FakeQonto, tap: Runner, name: str) -> None:
    columns = schema_of(name)["properties"].keys() - set(LISTS[name].primary_keys)
    columns -= {LISTS[name].replication_key}
    output = tap.sync(catalog=chosen(name, without={name: sorted(columns)}))
    assert output.records(name)
    for record in output.records(name):
        assert columns.isdisjoint(record)
    assert bank.control.count("api")


@pytest.mark.real_clock("columns and values are the same at any time")
@pytest.mark.parametrize("name", sorted(LISTS))
def test_every_column_is_described(name: str) -> None:
    def check(schema: Json, path: str) -> None:
        for column, shape in schema["properties"].items():
            assert shape.get("description"), f"{path}{column}"
            inner = shape.get("items", shape)
            if "properties" in inner:
                check(inner, f"{path}{column}.")

    check(schema_of(name), "")
    assert LISTS[name].personal <= schema_of(name)["properties"].keys()
    assert LISTS[name].never_emitted.isdisjoint(schema_of(name)["properties"])
