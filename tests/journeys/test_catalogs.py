"""Catalogs that were not made for this tap: all that Singer's specification allows."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING

import pytest

from tap_qonto.catalog import completed
from tap_qonto.streams import STREAMS, SupplierInvoices, SyncLog
from tests.support import BOTH, FILES, INVOICES, chosen, discovered, meltano_catalog, token_of_all

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Output, Runner


def entry(name: str) -> Json:
    """Return what discovery says of a stream."""
    [found] = [each for each in discovered()["streams"] if each["tap_stream_id"] == name]
    return copy.deepcopy(found)


def keys(output: Output) -> dict[str, list[str]]:
    return {message["stream"]: message["key_properties"] for message in output.of("SCHEMA")}


def check_whole(output: Output, company: FakeQonto, *streams: str) -> None:
    """Hold a run to have read all of these streams, and no other."""
    assert {message["stream"] for message in output.of("RECORD")} == set(streams)
    if INVOICES in streams:
        assert set(output.ids()) == set(company.control.invoice_ids())
    if FILES in streams:
        assert set(output.ids(FILES)) == {
            key
            for row in company.control.invoices()
            for key in (row["attachment_id"], row["display_attachment_id"])
            if key
        }
    for schema in output.of("SCHEMA"):
        properties = schema["schema"]["properties"].keys()
        assert set(schema["key_properties"]) <= properties
        assert all(record.keys() <= properties for record in output.records(schema["stream"]))


@pytest.mark.parametrize("where", ["stream", "schema"])
@pytest.mark.parametrize("streams", [(INVOICES,), (FILES,), BOTH])
def test_selected_without_metadata(
    company: FakeQonto, tap: Runner, streams: tuple[str, ...], where: str
) -> None:
    entries = []
    for name in BOTH:
        found = {"tap_stream_id": name, "stream": name, "schema": entry(name)["schema"]}
        (found if where == "stream" else found["schema"])["selected"] = name in streams
        entries.append(found)
    output = tap.sync(catalog={"streams": entries})
    check_whole(output, company, *streams)
    assert all("selected" not in schema["schema"] for schema in output.of("SCHEMA"))


@pytest.mark.parametrize("metadata", [None, [], [{"breadcrumb": [], "metadata": {}}]])
def test_what_is_nowhere_selected_is_not_read(
    company: FakeQonto, tap: Runner, metadata: list[Json] | None
) -> None:
    found = {"tap_stream_id": INVOICES, "schema": entry(INVOICES)["schema"]}
    if metadata is not None:
        found["metadata"] = metadata
    output = tap.sync(catalog={"streams": [found]})
    assert output.of("RECORD") == output.of("SCHEMA") == []
    assert company.control.count() == 0


def test_a_property_that_is_deselected_without_metadata(company: FakeQonto, tap: Runner) -> None:
    found = {"tap_stream_id": INVOICES, "selected": True, "schema": entry(INVOICES)["schema"]}
    found["schema"]["properties"]["iban"]["selected"] = False
    output = tap.sync(catalog={"streams": [found]})
    check_whole(output, company, INVOICES)
    assert all("iban" not in record for record in output.records())


@pytest.mark.parametrize("name", BOTH)
def test_a_catalog_with_one_stream_alone(company: FakeQonto, tap: Runner, name: str) -> None:
    catalog = chosen(*BOTH)
    catalog["streams"] = [each for each in catalog["streams"] if each["tap_stream_id"] == name]
    output = tap.sync(catalog=catalog)
    check_whole(output, company, name)


@pytest.mark.parametrize(
    "stream", sorted({*STREAMS} - {SyncLog}, key=str), ids=lambda stream: str(stream.name)
)
def test_a_catalog_with_any_stream_alone_asks_for_it(
    fake: FakeQonto, tap: Runner, stream: type[SupplierInvoices]
) -> None:
    fake.control.reset(invoices=2)
    tap.config |= {"login": None, "secret_key": None}
    tap.config["access_token"] = token_of_all(fake)
    found = {"tap_stream_id": stream.name, "selected": True, "schema": entry(stream.name)["schema"]}
    output = tap.sync(catalog={"streams": [found]})
    assert {message["stream"] for message in output.of("RECORD")} == {stream.name}
    assert keys(output) == {stream.name: list(stream.primary_keys)}


def test_streams_that_are_not_selected_may_be_there_or_not() -> None:
    for stream in STREAMS:
        there, left_out = (
            {each["stream"]: each for each in completed(catalog, STREAMS)["streams"]}
            for catalog in (meltano_catalog(stream.name), chosen(stream.name))
        )
        assert there.pop(stream.name) == left_out.pop(stream.name), stream.name
        assert there.keys() == left_out.keys()
        for each in (*there.values(), *left_out.values()):
            (root,) = [item for item in each["metadata"] if not item["breadcrumb"]]
            assert root["metadata"]["selected"] is False, (stream.name, each["stream"])


def test_a_catalog_of_all_streams_reads_those_that_are_selected(
    company: FakeQonto, tap: Runner
) -> None:
    output = tap.sync(catalog=meltano_catalog(*BOTH))
    check_whole(output, company, *BOTH)


def test_a_catalog_without_a_schema_means_all_of_it(company: FakeQonto, tap: Runner) -> None:
    found = {"tap_stream_id": INVOICES, "selected": True, "schema": {}}
    output = tap.sync(catalog={"streams": [found]})
    check_whole(output, company, INVOICES)
    [schema] = output.of("SCHEMA")
    assert schema["schema"]["properties"].keys() == SupplierInvoices.schema["properties"].keys()


def test_a_catalog_without_keys_keeps_the_facts_of_the_api(company: FakeQonto, tap: Runner) -> None:
    catalog = chosen(*BOTH)
    for each in catalog["streams"]:
        for name in ("key_properties", "replication_key", "replication_method", "is_view"):
            each.pop(name, None)
        for item in each["metadata"]:
            item["metadata"].pop("table-key-properties", None)
            item["metadata"].pop("inclusion", None)
    output = tap.sync(catalog=catalog)
    check_whole(output, company, *BOTH)
    assert keys(output) == {INVOICES: ["id"], FILES: ["supplier_invoice_id", "id"]}
    assert tap.sync(catalog=catalog, state=output.state).state == output.state


def test_properties_that_the_catalog_lacks_do_not_come(company: FakeQonto, tap: Runner) -> None:
    catalog = chosen(*BOTH)
    for each in catalog["streams"]:
        properties = each["schema"]["properties"]
        if each["tap_stream_id"] == INVOICES:
            for name in ("id", "iban", "updated_at", "attachment_id", "extra_fields"):
                del properties[name]
            del properties["supplier_snapshot"]["properties"]["iban"]
            del properties["taxes"]["items"]["properties"]["tax_rate"]
        if each["tap_stream_id"] == FILES:
            for name in ("supplier_invoice_id", "status", "file_size", "roles"):
                del properties[name]
    company.control.set(extra_list_fields={"project": 1})
    output = tap.sync(catalog=catalog)
    check_whole(output, company, *BOTH)
    for record in output.records():
        assert {"iban", "attachment_id", "extra_fields"}.isdisjoint(record)
        assert "iban" not in (record["supplier_snapshot"] or {})
        assert all("tax_rate" not in (tax or {}) for tax in record["taxes"] or ())
    assert any(record["taxes"] for record in output.records())
    for record in output.records(FILES):
        assert {"status", "file_size", "roles"}.isdisjoint(record)


@pytest.mark.parametrize("missing", ["metadata", "key_properties", "replication_key"])
def test_null_in_a_catalog_is_as_if_it_were_not_there(
    company: FakeQonto, tap: Runner, missing: str
) -> None:
    found = {**entry(INVOICES), "selected": True, missing: None}
    output = tap.run(catalog={"streams": [found]})
    assert output.code == 0
    check_whole(output, company, INVOICES)


def test_a_type_that_the_catalog_changes_goes_to_the_target(
    company: FakeQonto, tap: Runner
) -> None:
    catalog = chosen(INVOICES)
    for each in catalog["streams"]:
        if each["tap_stream_id"] == INVOICES:
            each["schema"]["properties"]["iban"] = {"type": ["string", "null"], "maxLength": 34}
    output = tap.sync(catalog=catalog)
    check_whole(output, company, INVOICES)
    [schema] = output.of("SCHEMA")
    assert schema["schema"]["properties"]["iban"]["maxLength"] == 34


def test_a_stream_that_the_tap_does_not_have_is_told(company: FakeQonto, tap: Runner) -> None:
    catalog = chosen(INVOICES)
    catalog["streams"].append({"tap_stream_id": "orders", "selected": True, "schema": {}})
    output = tap.run(catalog=catalog)
    assert output.code == 0
    assert "The catalog has a stream orders, which tap-qonto does not have." in output.stderr
    check_whole(output, company, INVOICES)


def test_the_catalog_of_discovery_selects_what_a_run_without_one_reads(
    company: FakeQonto, tap: Runner
) -> None:
    found = tap.run("--discover", catalog=None)
    catalog = json.loads(found.stdout)
    assert {each["tap_stream_id"] for each in catalog["streams"]} >= set(BOTH)
    by_catalog = tap.tap(catalog=catalog).streams
    without = tap.tap().streams
    assert {name: stream.selected for name, stream in by_catalog.items()} == {
        name: stream.selected for name, stream in without.items()
    }
    assert company.control.count() == 0
