"""Whatever is given to the tap that is not good: one sentence, an exit code, nothing moved."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tap_qonto.tap import TapQonto
from tests.fake_qonto import TODAY
from tests.support import BOTH, FILES, INVOICES, IS_ROOT, bookmark, chosen

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Output, Runner

STATE = {"bookmarks": {INVOICES: {"replication_key_value": "2025-01-01T00:00:00.000000Z"}}}


def check_refused(output: Output, fake: FakeQonto, sentence: str) -> None:
    """Hold a run to what it does with bad input, before it asks for anything."""
    assert output.code == 1
    assert "Traceback" not in output.stderr
    assert output.errors == [output.sentence]
    assert re.fullmatch(sentence, output.sentence), output.sentence
    assert output.stdout == b""
    assert fake.control.count() == 0


@pytest.fixture
def config(tap: Runner) -> Path:
    path = tap.folder / "config.json"
    path.write_text(json.dumps(tap.config))
    return path


# The config file.

BROKEN = [
    pytest.param(b"", r"is not JSON: Expecting value.*\.", id="empty"),
    pytest.param(b"{", r"is not JSON: Expecting property name.*\.", id="half"),
    pytest.param(b"login: me", r"is not JSON: Expecting value.*\.", id="yaml"),
    pytest.param(b'{"page_size": NaN}', r"is not JSON: .*\.", id="NaN"),
    pytest.param(b'{"page_size": Infinity}', r"is not JSON: .*\.", id="Infinity"),
    pytest.param(b"\xff\xfe{}", r"is not UTF-8 text\.", id="other encoding"),
    pytest.param(b"null", r"holds no JSON object\.", id="null"),
    pytest.param(b'["my-secret-key"]', r"holds no JSON object\.", id="list"),
    pytest.param(b'"my-secret-key"', r"holds no JSON object\.", id="text"),
    pytest.param(b"17", r"holds no JSON object\.", id="number"),
]


@pytest.mark.parametrize(("content", "sentence"), BROKEN)
def test_a_config_file_that_is_no_json_object_is_told(
    fake: FakeQonto, tap: Runner, content: bytes, sentence: str
) -> None:
    (tap.folder / "bad.json").write_bytes(content)
    output = tap.command(["--config", "bad.json"])
    check_refused(output, fake, rf"The file bad\.json given with --config {sentence}")
    assert "my-secret-key" not in output.stderr


def test_a_config_file_that_is_missing_is_told(fake: FakeQonto, tap: Runner) -> None:
    output = tap.command(["--config", "none.json"])
    check_refused(
        output, fake, r"The config file none\.json cannot be read: No such file or directory\."
    )


def test_a_config_file_that_is_a_folder_is_told(fake: FakeQonto, tap: Runner) -> None:
    output = tap.command(["--config", "."])
    check_refused(output, fake, r"The config file \. cannot be read: Is a directory\.")


@pytest.mark.skipif(IS_ROOT, reason="root may read everything")
def test_a_config_file_that_is_not_readable_is_told(
    fake: FakeQonto, tap: Runner, config: Path
) -> None:
    config.chmod(0)
    output = tap.command(["--config", str(config)])
    check_refused(output, fake, r"The config file .* cannot be read: Permission denied\.")


def test_no_config_at_all_is_told(fake: FakeQonto, tap: Runner) -> None:
    check_refused(tap.command([]), fake, r"No way of authentication is complete\. .*")


def test_several_config_files_are_merged_at_any_depth(company: FakeQonto, tap: Runner) -> None:
    tap.config["attachments"] |= {"mode": "metadata", "concurrency": 3}
    parts: list[Json] = [
        tap.config,
        {"attachments": {"mode": "files"}, "page_size": 7},
        {"attachments": {"max_bytes": 1}, "supplier_invoices_filter": {"status": ["paid"]}},
        {"supplier_invoices_filter": {"status": ["to_review"]}},
    ]
    arguments = []
    for number, part in enumerate(parts):
        (tap.folder / f"{number}.json").write_text(json.dumps(part))
        arguments += ["--config", f"{number}.json"]
    output = tap.command(arguments)
    assert output.code == 0, output.stderr
    assert {record["status"] for record in output.records()} == {"to_review"}
    assert {record["status"] for record in output.records(FILES)} == {"too_large"}
    assert company.control.count("files") == 0


# Environment variables.


@pytest.mark.parametrize("content", ["", " "])
@pytest.mark.parametrize("is_in_file", [False, True])
def test_an_empty_environment_variable_counts_as_unset(
    company: FakeQonto, tap: Runner, config: Path, *, content: str, is_in_file: bool
) -> None:
    properties = TapQonto.config_jsonschema["properties"]
    environment = {f"TAP_QONTO_{name.upper()}": content for name in properties}
    if is_in_file:
        lines = [f'{name}="{value}"\n' for name, value in environment.items()]
        (tap.folder / ".env").write_text("".join(lines))
        environment = {}
    output = tap.command(["--config", str(config), "--config", "ENV"], environment)
    assert output.code == 0, output.stderr
    assert set(output.ids()) == set(company.control.invoice_ids())


@pytest.mark.parametrize(
    ("name", "value"),
    [("PAGE_SIZE", "many"), ("ATTACHMENTS", "{"), ("RATE_LIMITS", "[")],
)
def test_an_environment_variable_that_cannot_be_read_is_told(
    fake: FakeQonto, tap: Runner, config: Path, name: str, value: str
) -> None:
    arguments = ["--config", str(config), "--config", "ENV"]
    output = tap.command(arguments, {f"TAP_QONTO_{name}": value})
    check_refused(output, fake, r"An environment variable of the tap cannot be read: .*\.")


# The state file.


@pytest.mark.parametrize(("content", "sentence"), BROKEN[1:])
def test_a_state_file_that_is_no_json_object_is_told(
    fake: FakeQonto, tap: Runner, config: Path, content: bytes, sentence: str
) -> None:
    state = tap.folder / "bad.json"
    state.write_bytes(content)
    output = tap.command(["--config", str(config), "--state", "bad.json"])
    check_refused(output, fake, rf"The file bad\.json given with --state {sentence}")
    assert state.read_bytes() == content


def test_an_empty_state_file_is_told(fake: FakeQonto, tap: Runner, config: Path) -> None:
    (tap.folder / "empty.json").touch()
    output = tap.command(["--config", str(config), "--state", "empty.json"])
    sentence = r"The file empty\.json given with --state is empty\. Write \{\} into it .*\."
    check_refused(output, fake, sentence)


@pytest.mark.parametrize(
    "state",
    [
        {"bookmarks": {"orders": {"replication_key_value": "2025-01-01"}}},
        {"bookmarks": []},
        {"bookmarks": None},
        {"bookmarks": "none"},
        {"bookmarks": {INVOICES: None}},
        {"bookmarks": {INVOICES: "2025-01-01T00:00:00Z"}},
        {"bookmarks": {INVOICES: []}},
        {"currently_syncing": "orders"},
        {INVOICES: "2025-01-01T00:00:00Z"},
    ],
    ids=json.dumps,
)
def test_a_state_of_another_tap_is_told(fake: FakeQonto, tap: Runner, state: Any) -> None:
    check_refused(
        tap.run(state=state),
        fake,
        r"The state is not of tap-qonto: it has no bookmark of any of its streams\."
        r" Pass the state that tap-qonto wrote, or no state to start over\.",
    )


@pytest.mark.parametrize(
    "state",
    [
        {"singer_state": STATE},
        {"singer_state": {}},
        {"completed": {"singer_state": STATE}, "partial": {}},
        {"completed": {"singer_state": STATE}},
        {"partial": {}},
    ],
    ids=json.dumps,
)
def test_a_state_in_the_wrapper_of_meltano_is_told(
    fake: FakeQonto, tap: Runner, state: Any
) -> None:
    check_refused(
        tap.run(state=state),
        fake,
        r"The state is in the wrapper that Meltano keeps it in\. Pass the object under "
        r"singer_state alone, which begins with bookmarks\.",
    )


def test_a_whole_state_message_is_told(fake: FakeQonto, tap: Runner) -> None:
    check_refused(
        tap.run(state={"type": "STATE", "value": STATE}),
        fake,
        r"The state is a whole STATE message\. Pass the object under value alone, which begins "
        r"with bookmarks\.",
    )


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\n\n"])
def test_a_state_of_several_lines_is_told(
    fake: FakeQonto, tap: Runner, config: Path, line_break: str, end: str
) -> None:
    states: list[Json] = [{"bookmarks": {}}, STATE, STATE]
    lines = line_break.join(map(json.dumps, states))
    (tap.folder / "states.jsonl").write_bytes((lines + end).encode())
    output = tap.command(["--config", str(config), "--state", "states.jsonl"])
    sentence = (
        r"The file states\.jsonl given with --state holds several states, one on each line\. "
        r"Pass the last line alone\."
    )
    check_refused(output, fake, sentence)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("option", ["--config", "--state", "--catalog"])
def test_a_byte_order_mark_is_read_past(
    company: FakeQonto, tap: Runner, option: str, indent: int | None
) -> None:
    given = {"--config": tap.config, "--state": STATE, "--catalog": chosen(INVOICES)}
    arguments = []
    for name, content in given.items():
        path = tap.folder / f"file{name}.json"
        mark = b"\xef\xbb\xbf" if name == option else b""
        path.write_bytes(mark + json.dumps(content, indent=indent).encode())
        arguments += [name, str(path)]
    output = tap.command(arguments)
    assert output.code == 0, output.stderr
    assert output.records()
    assert company.control.count("api", "attachments") == 0


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"partitions": None}, "partitions"),
        ({"partitions": {}}, "partitions"),
        ({"partitions": [None]}, "partitions"),
        ({"partitions": [{}]}, "partitions"),
        ({"partitions": [{"context": None}]}, "partitions"),
        ({"partitions": [{"context": {}, "covers": 1}]}, r"partitions\.covers"),
        ({"covers": []}, "covers"),
        ({"covers": None}, "covers"),
        ({"new_fields": "x"}, "new_fields"),
        ({"new_fields": [1]}, "new_fields"),
        ({"new_fields": {"a": 1}}, "new_fields"),
        ({"awaited": "x"}, "awaited"),
        ({"awaited": [1]}, "awaited"),
        ({"awaited": {"a": 1}}, "awaited"),
        ({"read": "x"}, "read"),
        ({"unsure": []}, "unsure"),
    ],
    ids=str,
)
def test_a_state_that_was_damaged_is_told(
    fake: FakeQonto, tap: Runner, entry: Json, place: str
) -> None:
    output = tap.run(state={"bookmarks": {INVOICES: entry}})
    check_refused(
        output,
        fake,
        rf"The state says in {INVOICES}\.{place} something that tap-qonto did not write\. Pass the "
        r"state that tap-qonto wrote, or none to start anew\.",
    )


@pytest.mark.parametrize("read", [[1], [["x", "y"]], [[]], [["2025-01-01T00:00:00Z"]], ["xy"]])
@pytest.mark.parametrize("name", ["read", "unsure"])
def test_what_a_state_says_was_read_is_a_list_of_stretches(
    fake: FakeQonto, tap: Runner, read: Any, name: str
) -> None:
    place = {"replication_key_value": "2025-01-01T00:00:00.000000Z"}
    covers: Json = {"filter": {}, "start_date": None}
    told = {"from": None, "to": "2025-01-02T00:00:00Z", "rows": 1, "read": read}
    entry = {**place, "covers": covers, name: told if name == "unsure" else read}
    output = tap.run(catalog=chosen(INVOICES), state={"bookmarks": {INVOICES: entry}})
    assert output.code == 1
    assert "Traceback" not in output.stderr
    assert output.sentence == (
        f"The state says in {name} something that tap-qonto did not write. Pass the state that "
        "tap-qonto wrote, or no state to start over."
    )
    assert output.state["bookmarks"][INVOICES] == entry
    assert fake.control.count(path="supplier_invoices") == 0


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ({"start_date": "0001-01-01"}, True),
        ({"start_date": "0001-01-01T00:00:00Z"}, True),
        ({"end_date": "9999-12-31"}, True),
        ({"end_date": "9999-12-31T23:59:59Z"}, True),
        ({"lookback_seconds": 10**15}, True),
        ({"end_date": "0001-01-01"}, False),
        ({"start_date": "9999-12-31T23:59:59Z"}, False),
    ],
    ids=str,
)
def test_times_at_the_ends_of_the_calendar_can_be_given(
    company: FakeQonto, tap: Runner, given: dict[str, Any], *, rows: bool
) -> None:
    names = (INVOICES, "client_invoices", "transactions", "beneficiaries")
    company.control.reset(invoices=10, today=TODAY)
    first = tap.sync(*names, **given)
    for name in names:
        assert set(first.ids(name)) == (set(company.control.ids(name)) if rows else set())
    for stamp in ("0001-01-01T00:00:00.000000Z", "2025-06-01T00:00:00.000000Z"):
        state = {"bookmarks": {INVOICES: {"replication_key_value": stamp}}}
        assert bool(tap.sync(INVOICES, state=state, **given).ids()) is rows


@pytest.mark.parametrize("value", ["yesterday", 17, {}])
def test_a_bookmark_that_is_no_time_stamp_is_told(fake: FakeQonto, tap: Runner, value: Any) -> None:
    state = {"bookmarks": {INVOICES: {"replication_key_value": value}}}
    output = tap.run(state=state)
    assert output.code == 1
    assert "Traceback" not in output.stderr
    assert output.sentence == (
        "The state holds a bookmark that is no time stamp, so it is not of tap-qonto. Pass the "
        "state that tap-qonto wrote, or no state to start over."
    )
    assert all(bookmark(each) == value for each in output.states)
    assert fake.control.count() == 0


@pytest.mark.parametrize("option", ["--state", "--catalog"])
@pytest.mark.parametrize(
    ("path", "reason"), [("none.json", "No such file or directory"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_opened_is_told(
    fake: FakeQonto, tap: Runner, config: Path, option: str, path: str, reason: str
) -> None:
    output = tap.command(["--config", str(config), option, path])
    assert output.code != 0
    assert "Traceback" not in output.stderr
    last = output.stderr.strip().splitlines()[-1]
    assert last == f"Error: Invalid value for '{option}': '{path}': {reason}"
    assert output.stdout == b""
    assert fake.control.count() == 0


# The catalog file.


@pytest.mark.parametrize(("content", "sentence"), BROKEN)
def test_a_catalog_file_that_is_no_json_object_is_told(
    fake: FakeQonto, tap: Runner, config: Path, content: bytes, sentence: str
) -> None:
    (tap.folder / "bad.json").write_bytes(content)
    output = tap.command(["--config", str(config), "--catalog", "bad.json"])
    check_refused(output, fake, rf"The file bad\.json given with --catalog {sentence}")


@pytest.mark.parametrize(
    "catalog",
    [
        {},
        {"streams": None},
        {"streams": {}},
        {"streams": ["supplier_invoices"]},
        {"streams": [{}]},
        {"streams": [{"tap_stream_id": INVOICES, "schema": None}]},
        {"streams": [{"tap_stream_id": INVOICES, "schema": {}, "metadata": "none"}]},
    ],
    ids=json.dumps,
)
def test_json_that_is_no_catalog_is_told(fake: FakeQonto, tap: Runner, catalog: Any) -> None:
    check_refused(
        tap.run(catalog=catalog),
        fake,
        r"The file .*catalog\.json given with --catalog is no Singer catalog; make one with "
        r"--discover\.",
    )


def test_a_method_of_replication_that_there_is_not_is_told(fake: FakeQonto, tap: Runner) -> None:
    catalog = chosen(INVOICES)
    for entry in catalog["streams"]:
        if entry["stream"] == INVOICES:
            entry["replication_method"] = "LOG_BASED"
    check_refused(
        tap.run(catalog=catalog),
        fake,
        r"The catalog asks for replication method LOG_BASED of supplier_invoices; there are "
        r"INCREMENTAL and FULL_TABLE\.",
    )


# Settings, as a user of the command sees them; all others are in test_settings.


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"page_size": 0}, r"Setting page_size must be at least 1 \(it is 0\)\."),
        ({"page_size": 101}, r"Setting page_size must be at most 100 \(it is 101\)\."),
        ({"page_size": "a"}, r"Setting page_size must be of type integer \(it is 'a'\)\."),
        ({"start_date": "soon"}, r"Setting start_date is wrong: 'soon' is not .*\."),
        (
            {"start_date": "2025-02-01", "end_date": "2025-01-01"},
            r"Setting start_date \(2025-02-01.*\) is after end_date \(2025-01-01.*\); .*\.",
        ),
        ({"api_url": "http://example.org"}, r"Setting api_url begins with http://, .*\."),
        ({"login": None}, r"No way of authentication is complete\. .*\(missing: login\).*"),
        ({"secret_key": "my-secret\n"}, r"Setting secret_key holds a line break .*\."),
    ],
    ids=str,
)
@pytest.mark.parametrize("state", [None, STATE])
def test_a_wrong_setting_is_told_before_anything_is_asked(
    fake: FakeQonto, tap: Runner, settings: dict[str, Any], sentence: str, state: Any
) -> None:
    output = tap.run(state=state, **settings)
    check_refused(output, fake, sentence)
    assert "my-secret" not in output.stderr


@pytest.mark.parametrize(
    "maps",
    [
        {INVOICES: 17},
        {INVOICES: []},
        {INVOICES: {"__filter__": "1 +"}},
        {INVOICES: {"__filter__": 5}},
        {INVOICES: {"__alias__": 5}},
        {INVOICES: {"__key_properties__": ["nope"]}},
        {INVOICES: {"__key_properties__": 5}},
        {INVOICES: {"id": None}},
        {INVOICES: {"a": 1}},
        {INVOICES: {"a": "(("}},
        {"copy": {"__source__": 5}},
        {"__nope__": {}},
    ],
    ids=json.dumps,
)
def test_stream_maps_that_make_no_sense_are_told(fake: FakeQonto, tap: Runner, maps: Any) -> None:
    check_refused(tap.run(stream_maps=maps), fake, r"Setting stream_maps(\.\w+)? .*\.")


def test_stream_maps_that_are_no_object_are_told(fake: FakeQonto, tap: Runner) -> None:
    check_refused(tap.run(stream_maps="x"), fake, r"Setting stream_maps must be .*\.")


def test_an_option_that_there_is_not_is_told(tap: Runner) -> None:
    output = tap.command(["--confg", "x"])
    assert output.code == 2
    assert "No such option" in output.stderr
    assert "Traceback" not in output.stderr


def test_a_filter_value_that_qonto_does_not_know_is_told(company: FakeQonto, tap: Runner) -> None:
    output = tap.run(supplier_invoices_filter={"due_date": ["someday"]}, state=STATE)
    assert output.code == 1
    assert "code not_in_list, parameter filter[due_date]" in output.sentence
    assert {bookmark(state) for state in output.states} == {bookmark(STATE)}
    assert company.control.count() == 1


# The same, once, in a process that Python itself starts.


def test_the_module_runs_as_a_program(company: FakeQonto, tap: Runner, config: Path) -> None:
    catalog = tap.folder / "two.json"
    catalog.write_text(json.dumps(chosen(*BOTH)))
    command = [sys.executable, "-m", "tap_qonto", "--config", str(config)]
    command += ["--catalog", str(catalog)]
    done = subprocess.run(command, cwd=tap.folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    here = tap.run()
    count = len(company.control.invoice_ids())
    assert len(done.stdout.splitlines()) == len(here.messages) > count
