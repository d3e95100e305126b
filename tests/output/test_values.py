"""Numbers with all their digits, and shapes that are known in part alone."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tap_qonto import json_text
from tap_qonto.output.records import Conformer
from tap_qonto.streams import SupplierInvoices
from tap_qonto.streams.shapes import FREE_ARRAY, FREE_OBJECT, NUMBER
from tests.support import INVOICES, discovered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Runner

encode = msgspec.json.Encoder(decimal_format="number").encode
"""As the writer of messages has it."""
MANY_DIGITS = "123456789012345678901234567890.123456789012345678901234567890"


def conformed(kind: Json, text: str) -> tuple[Any, Any]:
    """Return what becomes of a value, in its column and beside it."""
    schema = {"properties": {"column": kind, "extra_fields": {"type": "object"}}}
    record = Conformer(schema)(json_text.parse(f'{{"column":{text}}}'.encode()))
    return record["column"], (record["extra_fields"] or {}).get("column")


def typed(kind: str, **more: Any) -> Json:
    return {"type": [kind, "null"], **more}


# Numbers.


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("1234567890123.45", "1234567890123.45"),
        ("10.00", "10.00"),
        ("0.1", "0.1"),
        ("-0.10", "-0.10"),
        ("22", "22"),
        ("1E+2", "100"),
        ("1e2", "100"),
        ("1.50E1", "15.0"),
        ("25E-8", "2.5E-7"),
        ("9007199254740993", "9007199254740993"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        (MANY_DIGITS, MANY_DIGITS),
        ('"10.00"', "10.00"),
        ('"10,00"', "10.00"),
        ('"-1,5"', "-1.5"),
        ('"22"', "22"),
        (f'"{MANY_DIGITS}"', MANY_DIGITS),
        ("null", "null"),
        ('""', "null"),
    ],
)
def test_a_number_column_keeps_all_digits(sent: str, written: str) -> None:
    column, beside = conformed(typed("number"), sent)
    assert beside is None
    assert encode([column]).decode() == f"[{written}]"
    assert not isinstance(column, float)


@pytest.mark.parametrize(
    "sent",
    ['"ten"', '"1,234"', '"1.234,56"', '"1e2"', '" 1"', '"NaN"', "true", "{}", "[1]", '"٣"'],
)
def test_what_is_no_number_is_kept_beside_its_column(sent: str) -> None:
    assert conformed(typed("number"), sent) == (None, json.loads(sent))


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ("7", 7),
        ("7.0", 7),
        ("1E+2", 100),
        ('"7"', 7),
        ('"-7"', -7),
        ("9223372036854775807", 9223372036854775807),
        ('"-9223372036854775808"', -9223372036854775808),
        ('""', None),
    ],
)
def test_an_integer_column_takes_whole_numbers(sent: str, number: int | None) -> None:
    column, beside = conformed(typed("integer"), sent)
    assert (column, beside) == (number, None)
    assert not isinstance(column, Decimal)


@pytest.mark.parametrize(
    "sent",
    ["1.5", '"1.5"', "9223372036854775808", '"9223372036854775808"', "1e999999999", "true"],
)
def test_what_no_integer_column_holds_is_kept_beside_it(sent: str) -> None:
    column, beside = conformed(typed("integer"), sent)
    assert column is None
    assert beside == json_text.parse(sent.encode())


@pytest.mark.parametrize("sent", ["1e999999999", "1e-999999999"])
def test_a_number_beyond_all_measure_is_not_written_out(sent: str) -> None:
    text, _ = conformed(typed("string"), sent)
    number, _ = conformed(typed("number"), sent)
    assert text == str(Decimal(sent))
    assert len(encode(number)) < 20


@pytest.mark.parametrize("name", ["date", "date-time"])
def test_empty_text_for_a_day_or_an_instant_is_null(name: str) -> None:
    assert conformed(typed("string", format=name), '""') == (None, None)


def test_empty_text_in_a_text_column_stays() -> None:
    assert conformed(typed("string"), '""') == ("", None)


def test_empty_text_for_a_nested_number_is_null() -> None:
    taxes = typed("array", items=typed("object", properties={"rate": typed("number")}))
    assert conformed(taxes, '[{"rate":""},{"rate":0.20}]') == (
        [{"rate": None}, {"rate": Decimal("0.20")}],
        None,
    )


# Shapes that are known in part alone.


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (FREE_OBJECT.to_dict(), '{"a":1.10,"b":[{"c":12345678901234567890.5}],"d":null}'),
        (FREE_OBJECT.to_dict(), "{}"),
        (FREE_ARRAY.to_dict(), '[{"a":1.10},{},null]'),
        (typed("array"), '[1.10,"a",{"b":[2.50]},null]'),
        (typed("array", items={}), '[1.10,"a",[2.50]]'),
    ],
)
def test_free_forms_pass_as_they_are(kind: Json, sent: str) -> None:
    column, beside = conformed(kind, sent)
    assert beside is None
    assert encode(column).decode() == sent


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (FREE_OBJECT.to_dict(), '"text"'),
        (FREE_OBJECT.to_dict(), "[1]"),
        (typed("array"), "{}"),
        (FREE_ARRAY.to_dict(), "{}"),
    ],
)
def test_what_has_not_even_the_form_is_kept_beside_it(kind: Json, sent: str) -> None:
    assert conformed(kind, sent) == (None, json_text.parse(sent.encode()))


def test_a_numeric_id_is_text() -> None:
    assert conformed({"type": ["string"]}, "17") == ("17", None)


def test_a_row_that_fits_after_one_that_did_not_is_read_alike() -> None:
    money = typed("object", properties={"value": typed("string"), "paid_at": typed("string")})
    schema = {"properties": {"amount": money, "extra_fields": {"type": "object"}}}
    conform = Conformer(schema)
    rows: list[Json] = [
        {"amount": {"value": "1"}},
        {"amount": {"value": 2, "new": True}, "other": 1},
        {"amount": {"value": "3"}},
        {"amount": None},
        {"amount": "4"},
    ]
    assert [conform(row) for row in rows] == [
        {"amount": {"value": "1"}, "extra_fields": None},
        {"amount": {"value": "2"}, "extra_fields": {"other": 1, "amount.new": True}},
        {"amount": {"value": "3"}, "extra_fields": None},
        {"amount": None, "extra_fields": None},
        {"amount": None, "extra_fields": {"amount": "4"}},
    ]
    assert rows[1] == {"amount": {"value": 2, "new": True}, "other": 1}


# A number on its way through the whole tap.


@pytest.fixture
def _numbered(company: FakeQonto, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Qonto whose invoices have numbers, and a tap that knows them."""
    monkeypatch.setitem(SupplierInvoices.schema["properties"], "amount", NUMBER().to_dict())
    monkeypatch.setitem(SupplierInvoices.schema["properties"], "custom", FREE_OBJECT.to_dict())
    row = (
        '{"id":17,"updated_at":"2025-01-01T00:00:00Z",'
        '"amount":1234567890123.45,"custom":{"rate":0.200}}'
    )
    meta = '{"current_page":1,"next_page":null,"total_pages":1,"total_count":1}'
    company.control.add_fault(
        "raw",
        path="/v2/supplier_invoices$",
        status=200,
        body=f'{{"supplier_invoices":[{row}],"meta":{meta}}}',
        content_type="application/json",
        times=1,
    )
    # The catalog is made once for all tests.
    discovered.cache_clear()
    yield
    discovered.cache_clear()


@pytest.mark.usefixtures("_numbered")
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ['"amount":1234567890123.45', '"custom":{"rate":0.200}', '"id":"17"']),
        ({"stream_maps": {INVOICES: {"same": "amount"}}}, ['"same":1234567890123.45']),
        (
            {"flattening_enabled": True, "flattening_max_depth": 1},
            ['"amount":1234567890123.45', r'"custom":"{\"rate\":0.200}"'],
        ),
    ],
    ids=["plain", "stream map", "flattened"],
)
def test_a_number_goes_through_the_tap_with_all_its_digits(
    tap: Runner, settings: Json, expected: list[str]
) -> None:
    output = tap.sync(INVOICES, **settings)
    [line] = [line for line in output.stdout.decode().splitlines() if '"RECORD"' in line]
    assert all(text in line for text in expected), line
