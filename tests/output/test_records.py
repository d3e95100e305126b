"""From Qonto's rows to records: valid against the SCHEMA, and no value is lost."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tap_qonto import json_text
from tap_qonto.errors import DataError
from tap_qonto.output.records import Conformer
from tap_qonto.streams import SupplierInvoices
from tap_qonto.streams.shapes import TEXT, column, objects, schema_of
from tests.support import FILES, INVOICES, Json, chosen, output_before

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.fake_qonto import FakeQonto
    from tests.support import Output, Runner

LIST = "/v2/supplier_invoices$"
PROPERTIES: Mapping[str, Json] = SupplierInvoices.schema["properties"]
KEYS = {"id": "an-id", "updated_at": "2025-01-01T00:00:00Z"}
_encode = msgspec.json.Encoder(decimal_format="number").encode
MANY_NINES = "123456789012345678901234567890.123456789012345678901234567890"


def read(fake: FakeQonto, tap: Runner, rows: Sequence[Mapping[str, Any]] | str) -> Output:
    """Let Qonto answer with exactly these rows, and return what the tap makes of them."""
    if not isinstance(rows, str):
        rows = _encode(rows).decode()
    meta = {"current_page": 1, "next_page": None, "total_pages": 1, "total_count": 1}
    body = f'{{"supplier_invoices":{rows},"meta":{json.dumps(meta)}}}'
    fake.control.clear_faults()
    fake.control.add_fault(
        "raw", path=LIST, status=200, body=body, content_type="application/json", times=1
    )
    output = tap.sync(INVOICES)
    check_against_schema(output)
    return output


def record_of(fake: FakeQonto, tap: Runner, **fields: Any) -> Json:
    """Return the record of a row with these fields."""
    [record] = read(fake, tap, [KEYS | fields]).records()
    return record


def check_against_schema(output: Output) -> None:
    """Hold every record to the SCHEMA message of its stream, formats included."""
    formats = Draft202012Validator.FORMAT_CHECKER.checkers
    assert {"date", "date-time"} <= formats.keys(), "install jsonschema[format]"
    for schema_message in output.of("SCHEMA"):
        validator = Draft202012Validator(
            schema_message["schema"], format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        for record in output.records(schema_message["stream"]):
            # Exact decimals are a kind of number that jsonschema does not know.
            plain = json.loads(json.dumps(record, default=float))
            validator.validate(plain)


# What is documented, value by value.


def test_every_documented_field_has_a_column_and_nothing_else_is_extra(
    fake: FakeQonto, tap: Runner
) -> None:
    fake.control.reset(invoices=120, today="2025-06-30")
    output = tap.sync(INVOICES)
    served = {name for row in fake.control.invoices() for name in row}
    assert served <= set(PROPERTIES)
    assert [record["extra_fields"] for record in output.records()] == [None] * 120
    assert all(record.keys() == PROPERTIES.keys() for record in output.records())
    check_against_schema(output)


def test_threads_may_share_a_conformer_that_is_new() -> None:
    """Msgspec ends the process where two of them prepare a type at once."""
    script = """
import sys, threading
from tap_qonto.output.exact import fits, struct
sys.setswitchinterval(1e-6)
for _ in range(300):
    kind = struct({f"a{number}": struct({"b": str | None}) | None for number in range(100)})
    threads = [threading.Thread(target=fits, args=({"a99": {}}, kind)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_what_is_absent_or_null_is_null(fake: FakeQonto, tap: Runner) -> None:
    absent = record_of(fake, tap)
    null = record_of(fake, tap, **dict.fromkeys(PROPERTIES.keys() - KEYS - {"extra_fields"}))
    empty = dict.fromkeys(PROPERTIES)
    expected = empty | {"id": "an-id", "updated_at": "2025-01-01T00:00:00.000000Z"}
    assert absent == null == expected


def test_matched_transactions_are_objects_in_both_of_their_shapes(
    fake: FakeQonto, tap: Runner
) -> None:
    newer = {"transaction_id": "t2", "subject_id": "s", "subject_type": "transfer"}
    record = record_of(fake, tap, matched_transactions=["t1", newer, None])
    assert record["matched_transactions"] == [{"transaction_id": "t1"}, newer, None]
    assert record["extra_fields"] is None


@pytest.mark.parametrize("style", ["ids", "objects", "mixed"])
def test_matched_transactions_tell_the_same_ids_in_every_style(
    company: FakeQonto, tap: Runner, style: str
) -> None:
    company.control.set(matched_transactions_style=style)
    matches = {
        record["id"]: [match["transaction_id"] for match in record["matched_transactions"] or ()]
        for record in tap.sync(INVOICES).records()
    }
    company.control.set(matched_transactions_style="ids")
    expected = {
        row["id"]: row.get("matched_transactions") or [] for row in company.control.invoices()
    }
    assert matches == expected
    assert any(matches.values())


def test_money_stays_the_exact_text_that_qonto_gives(fake: FakeQonto, tap: Runner) -> None:
    amounts = ["0.10", "22.10", "-3.00", "1234567.89", "1e2", "", MANY_NINES]
    taxes = [
        {"tax_rate": "0.20", "tax_amount": {"value": amount, "currency": "EUR"}}
        for amount in amounts
    ]
    record = record_of(fake, tap, taxes=taxes, total_amount={"value": "22.10", "currency": "EUR"})
    assert record["taxes"] == taxes
    assert record["total_amount"] == {"value": "22.10", "currency": "EUR"}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.10", "0.10"),
        ("22", "22"),
        ("-0.00", "-0.00"),
        ("1e2", "100"),
        ("1.5E-3", "0.0015"),
        ("9007199254740993", "9007199254740993"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        (MANY_NINES, MANY_NINES),
    ],
)
def test_a_number_for_money_keeps_all_its_digits(
    fake: FakeQonto, tap: Runner, number: str, text: str
) -> None:
    row = f'[{{"id":"i","updated_at":"2025-01-01T00:00:00Z","total_amount":{{"value":{number}}}}}]'
    [record] = read(fake, tap, row).records()
    assert record["total_amount"] == {"value": text}


def test_numbers_for_strings_become_text(fake: FakeQonto, tap: Runner) -> None:
    record = record_of(
        fake,
        tap,
        id=17,
        invoice_number=2024001,
        suggested_transactions=[{"id": "t", "score": Decimal("0.75")}],
        taxes=[{"tax_rate": Decimal("20.0")}],
        description=True,
    )
    assert record["id"] == "17"
    assert record["invoice_number"] == "2024001"
    assert record["suggested_transactions"] == [{"id": "t", "score": "0.75"}]
    assert record["taxes"] == [{"tax_rate": "20.0"}]
    assert record["description"] == "true"
    assert record["extra_fields"] is None


def test_strings_for_numbers_and_flags_become_what_the_column_is(
    fake: FakeQonto, tap: Runner
) -> None:
    events = [{"status_code": "200"}, {"status_code": Decimal("201.0")}, {"status_code": "-1"}]
    record = record_of(
        fake, tap, einvoicing_lifecycle_events=events, is_einvoice="true", has_duplicates="false"
    )
    codes = [event["status_code"] for event in record["einvoicing_lifecycle_events"]]
    assert codes == [200, 201, -1]
    assert (record["is_einvoice"], record["has_duplicates"]) == (True, False)
    assert record["extra_fields"] is None


def test_all_time_stamps_are_utc_also_nested_ones(fake: FakeQonto, tap: Runner) -> None:
    record = record_of(
        fake,
        tap,
        updated_at="2025-03-30T03:00:00+02:00",
        created_at="2025-03-30T01:59:59.5+01:00",
        analyzed_at="2024-01-03T06:27:51.638Z",
        einvoicing_lifecycle_events=[{"timestamp": "2024-12-04T11:05:16.4497Z"}],
        meta={"accounting_recorded_at": "2022-03-04T17:58:30+02:00"},
    )
    assert record["updated_at"] == "2025-03-30T01:00:00.000000Z"
    assert record["created_at"] == "2025-03-30T00:59:59.500000Z"
    assert record["analyzed_at"] == "2024-01-03T06:27:51.638000Z"
    [event] = record["einvoicing_lifecycle_events"]
    assert event == {"timestamp": "2024-12-04T11:05:16.449700Z"}
    assert record["meta"] == {"accounting_recorded_at": "2022-03-04T15:58:30.000000Z"}


def test_new_enum_values_pass(fake: FakeQonto, tap: Runner) -> None:
    record = record_of(fake, tap, status="on_hold", source="carrier_pigeon")
    assert (record["status"], record["source"]) == ("on_hold", "carrier_pigeon")


def test_unknown_fields_go_to_extra_fields_nested_ones_by_dotted_path(
    fake: FakeQonto, tap: Runner
) -> None:
    record = record_of(
        fake,
        tap,
        project={"id": 7, "tags": ["a", None]},
        supplier_snapshot={"name": "Boulangerie", "rating": Decimal("4.50")},
        taxes=[{"tax_rate": "20"}, {"country": "FR"}],
        available_actions={"pay": True, "reasons": {"pay": [], "merge": ["locked"]}},
    )
    assert record["extra_fields"] == {
        "project": {"id": 7, "tags": ["a", None]},
        "supplier_snapshot.rating": Decimal("4.50"),
        "taxes.1.country": "FR",
        "available_actions.reasons.merge": ["locked"],
    }
    assert record["supplier_snapshot"] == {"name": "Boulangerie"}
    assert record["taxes"] == [{"tax_rate": "20"}, {}]
    assert record["available_actions"] == {"pay": True, "reasons": {"pay": []}}


def test_values_that_fit_no_column_are_kept_beside_it(fake: FakeQonto, tap: Runner) -> None:
    # The official Postman collection prints `status` so.
    artefact = {"const": "to_review", "description": "Waits for review"}
    misfits = {
        "status": artefact,
        "is_einvoice": artefact,
        "has_duplicates": ["true"],
        "description": ["text"],
        "issue_date": "01/02/2025",
        "due_date": "2025-02-30",
        "analyzed_at": "yesterday",
        "total_amount": "22.10",
        "taxes": {"0": "20"},
        "approval_workflow.approver_ids": "nobody",
        "einvoicing_lifecycle_events.0.status_code": "two hundred",
        "einvoicing_lifecycle_events.0.timestamp": 1733310316,
        "einvoicing_lifecycle_events.1.status_code": True,
        "einvoicing_lifecycle_events.2.status_code": Decimal("1.5"),
        "transfer_ids.1": {"id": "t"},
    }
    record = record_of(
        fake,
        tap,
        **{name: value for name, value in misfits.items() if "." not in name},
        approval_workflow={"approver_ids": "nobody", "verified_by": "m"},
        einvoicing_lifecycle_events=[
            {"status_code": "two hundred", "timestamp": 1733310316, "reason": "r"},
            {"status_code": True},
            {"status_code": Decimal("1.5")},
        ],
        transfer_ids=["t1", {"id": "t"}, None],
    )
    assert record["extra_fields"] == misfits
    assert record["status"] is None
    assert record["approval_workflow"] == {"approver_ids": None, "verified_by": "m"}
    assert record["transfer_ids"] == ["t1", None, None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"A\ud800Z", "A\ufffdZ"),
        (r"caf\udce9 \ud83d", "caf\ufffd \ufffd"),
        (r"\udfff\ud800", "\ufffd\ufffd"),
        (r"A\u0000Z", "A\ufffdZ"),
        (r"\u0000\u0000", "\ufffd\ufffd"),
        (r"\u0000 and \ud800", "\ufffd and \ufffd"),
        (r"\\u0000 \ud83d\ude00 \u0001é", "\\u0000 \U0001f600 \x01é"),
    ],
)
def test_what_no_text_can_hold_does_not_hold_the_sync_up(
    fake: FakeQonto, tap: Runner, text: str, expected: str
) -> None:
    row = (
        '{"id":"i","updated_at":"2025-01-01T00:00:00Z","supplier_name":"%s",'
        '"supplier_snapshot":{"name":"%s"},"taxes":[{"tax_rate":"%s","%s":"é"}],"%s":{"%s":["%s"]},'
        '"total_amount":{"value":0.10}}'
    )
    [record] = read(fake, tap, f"[{row.replace('%s', text)}]").records()
    assert record["supplier_name"] == expected
    assert record["supplier_snapshot"] == {"name": expected}
    assert record["taxes"] == [{"tax_rate": expected}]
    assert record["extra_fields"] == {f"taxes.0.{expected}": "é", expected: {expected: [expected]}}
    assert record["total_amount"] == {"value": "0.10"}


def test_a_half_of_a_pair_as_bytes_is_replaced_too() -> None:
    assert json_text.parse(b'{"a\xed\xa0\x80":"\xed\xb0\x80b"}') == {"a\ufffd": "\ufffdb"}


@pytest.mark.parametrize("content", [b'{"a":"\xff"}', b'{"a":"\\u0000', b'["\\u0000",NaN]', b""])
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        json_text.parse(content)


@pytest.mark.parametrize("name", ["a\0b.pdf", "\0", "a\ud800b.pdf"])
def test_facts_of_files_hold_what_a_text_can_hold(
    company: FakeQonto, tap: Runner, name: str
) -> None:
    keys = company.control.attachment_ids()
    for key in keys:
        company.control.edit_attachment(key, file_name=name)
    output = tap.sync()
    assert set(output.ids(FILES)) == set(keys)
    for record in output.records(FILES):
        assert record["file_name"] == re.sub("[\0\ud800]", "\ufffd", name)
        assert record["status"] == "downloaded"


@pytest.mark.real_clock("it runs a process")
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_errors_hold_what_a_text_can_hold(company: FakeQonto, tap: Runner, kind: str) -> None:
    body = r'{"errors":[{"code":"a\u0000b","detail":"no \ud800 and \u0000"}]}'
    if kind == "text/plain":
        body = "no \0"
    company.control.add_fault("raw", path=LIST, status=400, body=body, content_type=kind)
    output = tap.run(catalog=chosen(INVOICES))
    assert "no \ufffd" in output.sentence
    assert "\0" not in output.stderr


@pytest.mark.parametrize("key", [None, "", {}, [], "absent"])
def test_a_row_without_an_id_ends_the_run(fake: FakeQonto, tap: Runner, key: Any) -> None:
    row = {"updated_at": "2025-01-01T00:00:00Z"} | ({} if key == "absent" else {"id": key})
    with pytest.raises(DataError, match=r"\bid\b") as caught:
        read(fake, tap, [row])
    assert output_before(caught.value).records() == []


@pytest.mark.parametrize("stamp", [None, "", "yesterday", 1733310316, {}, "absent"])
def test_a_row_without_a_readable_updated_at_ends_the_stream(
    fake: FakeQonto, tap: Runner, stamp: Any
) -> None:
    row = {"id": "lost-one"} | ({} if stamp == "absent" else {"updated_at": stamp})
    with pytest.raises(DataError, match="lost-one has no readable updated_at") as caught:
        read(fake, tap, [row])
    assert output_before(caught.value).records() == []


@pytest.mark.parametrize("style", ["text", "number"])
def test_file_size_is_an_integer_in_both_of_its_shapes(
    company: FakeQonto, tap: Runner, style: str
) -> None:
    company.control.set(file_size_style=style)
    output = tap.sync(attachments={"mode": "metadata"})
    check_against_schema(output)
    for record in output.records(FILES):
        assert record["file_size"] == len(company.control.file_bytes(record["id"]))
        sealed = record["probative_attachment"] or {}
        assert isinstance(sealed.get("file_size", 0), int)


@pytest.mark.parametrize("size", ["9" * 5000, "", "many", "1.5", [], {}])
def test_a_size_that_is_no_number_is_null(company: FakeQonto, tap: Runner, size: Any) -> None:
    key = company.control.attachment_ids()[0]
    company.control.edit_attachment(key, file_size=size)
    output = tap.sync(attachments={"mode": "metadata"})
    sizes = {record["file_size"] for record in output.records(FILES) if record["id"] == key}
    assert sizes == {None}


# What may come one day: rows made at random.

_TEXT = st.text(max_size=8)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15)
    | _TEXT
)
_NAMES = st.text(st.characters(codec="utf-8", exclude_characters="."), min_size=1, max_size=8)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)
_OFFSETS = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@st.composite
def _moments(draw: st.DrawFn) -> str:
    low, high = datetime(1990, 1, 1), datetime(2090, 1, 1)  # noqa: DTZ001
    moment = draw(st.datetimes(low, high, timezones=_OFFSETS))
    text = moment.isoformat(timespec=draw(st.sampled_from(["seconds", "milliseconds"])))
    return text.replace("+00:00", "Z")


def _fitting(shape: Json) -> st.SearchStrategy[Any]:
    """What the documentation says of a field."""
    [kind] = {shape["type"]} if isinstance(shape["type"], str) else set(shape["type"]) - {"null"}
    if kind == "object" and shape.get("properties"):
        return _objects(shape["properties"])
    if kind == "array":
        return st.lists(_sent(shape["items"]), max_size=3)
    return {
        "object": st.dictionaries(_NAMES, _ANYTHING, max_size=2),
        "boolean": st.booleans(),
        "integer": st.integers(-(10**6), 10**6) | st.integers(0, 10**12).map(str),
        "string": {"date-time": _moments(), "date": st.dates().map(str)}.get(
            shape.get("format", ""), _TEXT
        ),
    }[kind]


def _sent(shape: Json) -> st.SearchStrategy[Any]:
    """What may come for a field: mostly what is documented, but not always."""
    fitting = _fitting(shape)
    return fitting | fitting | st.none() | _ANYTHING


def _objects(properties: Mapping[str, Json], **always: Any) -> st.SearchStrategy[Json]:
    known = {name: _sent(shape) for name, shape in sorted(properties.items())}

    @st.composite
    def an_object(draw: st.DrawFn) -> Json:
        names = draw(st.lists(st.sampled_from(list(known)), unique=True, max_size=6))
        unknown = draw(st.dictionaries(_NAMES, _ANYTHING, max_size=2))
        return unknown | {name: draw(known[name]) for name in names} | always

    return an_object()


_ROWS = st.lists(_objects(PROPERTIES, **KEYS), max_size=4).map(
    lambda rows: [row | {"id": f"id-{number}"} for number, row in enumerate(rows)]
)


def _lost(sent: Any, kept: Any, extra: Json, path: str = "") -> list[str]:
    """List the paths of values that are neither in their place nor in extra_fields."""
    if path in extra and extra[path] == sent and type(extra[path]) is type(sent):
        return []
    below = f"{path}." if path else ""
    if isinstance(sent, dict) and isinstance(kept, dict):
        return [
            lost
            for name, value in sent.items()
            for lost in _lost(value, kept.get(name, ...), extra, f"{below}{name}")
        ]
    if isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        return [
            lost
            for index, (value, place) in enumerate(zip(sent, kept, strict=True))
            for lost in _lost(value, place, extra, f"{below}{index}")
        ]
    return [] if _says_the_same(sent, kept) else [path]


def _says_the_same(sent: Any, kept: Any) -> bool:
    if kept is None:
        return sent is None or sent == ""  # Qonto sends empty text in place of null.
    if sent is None or kept is ...:
        return False
    if isinstance(sent, bool) or isinstance(kept, bool):
        return str(sent).lower() == str(kept).lower()
    if isinstance(kept, str) and isinstance(sent, str):
        return sent == kept or _instant(sent) == _instant(kept) is not None
    if isinstance(sent, list | dict) or isinstance(kept, list | dict):
        return False
    return Decimal(sent) == Decimal(kept)


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


@pytest.mark.real_clock("it is long, and reads no clock")
@given(rows=_ROWS)
@settings(max_examples=80)
def test_any_row_becomes_a_valid_record_that_holds_all_its_values(
    fake: FakeQonto, tap: Runner, rows: list[Json]
) -> None:
    records = read(fake, tap, rows).records()
    sent = json_text.clean(json.loads(_encode(rows), parse_float=Decimal))
    for row, record in zip(sent, records, strict=True):
        matched = row.get("matched_transactions")
        if isinstance(matched, list):
            row["matched_transactions"] = [
                {"transaction_id": item} if isinstance(item, str) else item for item in matched
            ]
        assert _lost(row, record, record["extra_fields"] or {}) == []


@pytest.mark.parametrize(
    "row",
    [
        {"files": [{"name": "a", "url": "signed"}, None, {"url": "signed"}]},
        {"files": {"url": "signed"}},
        {"files": [[{"url": "signed"}]]},
        {"secret": "signed"},
        {"secret": {"deep": ["signed"]}},
    ],
    ids=str,
)
def test_what_is_never_emitted_goes_nowhere(row: Json) -> None:
    """Not to ``extra_fields`` either, whatever form it comes in."""
    files = objects(column("name", TEXT, "Name."))
    conform = Conformer(
        schema_of(column("id", TEXT, "Id."), column("files", files, "Files.")),
        frozenset({"secret", "files.url"}),
    )
    record = conform({"id": "1", "url": "kept", **row})
    assert "signed" not in json.dumps(record)
    assert record["extra_fields"]["url"] == "kept"
