"""The catalog: what users and targets build on, changed on purpose alone.

After a change on purpose: ``pytest tests/streams/test_catalog.py --snapshot-update``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tap_qonto.streams import STREAMS
from tests.support import FILES, INVOICES, discovered

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Runner


def entry(stream: str) -> Json:
    [found] = [each for each in discovered()["streams"] if each["tap_stream_id"] == stream]
    return dict(found)


def test_there_are_these_streams() -> None:
    names = [each["tap_stream_id"] for each in discovered()["streams"]]
    assert sorted(names) == sorted(stream.name for stream in STREAMS)


def columns(schema: Json, path: str = "") -> list[str]:
    """Return a line for each column of a schema, nested ones too."""
    lines: list[str] = []
    for name, shape in schema["properties"].items():
        inner = shape.get("items", shape)
        kind = "/".join([*shape["type"], shape.get("format", "")]).rstrip("/")
        lines.append(f"{path}{name}: {kind}")
        if "properties" in inner:
            lines += columns(inner, f"{path}{name}.")
    return lines


def test_the_columns_of_all_streams_are_as_they_were(snapshot: SnapshotAssertion) -> None:
    found = {
        each["stream"]: {
            "key": each["key_properties"],
            "replication_key": each.get("replication_key"),
            "columns": columns(each["schema"]),
        }
        for each in discovered()["streams"]
    }
    assert found == snapshot


@pytest.mark.parametrize("stream", [INVOICES, FILES])
def test_the_entry_of_a_stream_is_as_it_was(stream: str, snapshot: SnapshotAssertion) -> None:
    assert entry(stream) == snapshot


def test_keys_and_method_are_what_the_design_says() -> None:
    invoices, files = entry(INVOICES), entry(FILES)
    assert invoices["key_properties"] == ["id"]
    assert invoices["replication_key"] == "updated_at"
    assert invoices["replication_method"] == "INCREMENTAL"
    assert files["key_properties"] == ["supplier_invoice_id", "id"]
    assert files.get("replication_key") is None


@pytest.mark.parametrize("stream", [INVOICES, FILES])
def test_every_column_but_the_keys_can_be_null_and_says_what_it_is(stream: str) -> None:
    described = entry(stream)
    keys = {*described["key_properties"], described.get("replication_key")}
    for name, shape in described["schema"]["properties"].items():
        assert shape["description"], name
        assert ("null" in shape["type"]) is (name not in keys), name
        assert "enum" not in shape, name


@pytest.mark.real_clock("it runs a process")
def test_discovery_needs_no_network_and_no_credential(fake: FakeQonto, tap: Runner) -> None:
    output = tap.command(["--discover"], {"TAP_QONTO_API_URL": fake.url})
    assert output.code == 0
    assert json.loads(output.stdout) == discovered()
    assert fake.control.count() == 0


HEAVY = {"filelock", "pathvalidate", "pyrate_limiter", "tenacity"}
DISCOVER = """
import gc, sys
from tap_qonto.__main__ import main

sys.argv = ["tap-qonto", "--discover", "--config", sys.argv[1]]
try:
    main()
finally:
    print(gc.isenabled(), *sorted(sys.modules), file=sys.stderr)
"""


def test_starting_up_loads_nothing_that_only_a_sync_needs(tap: Runner) -> None:
    config = tap.folder / "config.json"
    config.write_text(json.dumps(tap.settings({})))
    command = [sys.executable, "-c", DISCOVER, str(config)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = {entry["stream"] for entry in json.loads(done.stdout)["streams"]}
    assert found == {stream.name for stream in STREAMS}
    collects, *modules = done.stderr.splitlines()[-1].split()
    assert collects == "True"
    assert "tap_qonto.tap" in modules
    assert not HEAVY.intersection(modules)
