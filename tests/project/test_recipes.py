"""The recipes of the documents do through Meltano what they say."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from datetime import timezone
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import yaml

from tap_qonto import timestamps
from tests.project.test_personal_data import read_with
from tests.stack import ROOT, MeltanoProject, postgres
from tests.support import FILES, INVOICES, Output
from tests.targets.recordings import STREAM_MAP

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto

_BLOCK = re.compile(r"^( *)```(?:yaml|bash)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
TESTED = {
    # Name of the page, and what a recipe of it holds: the test that runs it.
    ("README.md", "FULL_TABLE"): "test_end_to_end.py::test_what_is_gone_from_qonto_vanishes",
    ("guarantees.md", "FULL_TABLE"): "test_the_recipe_for_deletions_is_the_one_of_readme",
    ("streams.md", "select"): "test_personal_data.py",
    ("streams.md", "stream_maps"): "test_personal_data.py",
    ("reports.md", "supplier_invoices_versions"): "test_history.py",
    ("targets.md", "stream_maps"): "test_the_stream_map_keeps_out_what_it_names",
    ("targets.md", "PGTZ"): "test_utc.py",
    ("guarantees.md", "pkill"): "test_a_tap_that_is_stopped_alone_leaves_a_state_of_what_is_loaded",
    ("faq.md", "inherit_from"): "test_a_second_organization_has_its_own_settings",
    ("faq.md", "TAP_QONTO__SELECT"): "test_files_alone",
}
NAME_OF_STATE = "demo:tap-qonto-to-target-postgres"
# Meltano starts for each run.
pytestmark = pytest.mark.timeout(300)


def recipes(page: Path) -> list[str]:
    """Return what a page would have its readers put into meltano.yml or the environment."""
    blocks = [code for _, code in _BLOCK.findall(page.read_text("utf-8"))]
    return [code for code in blocks if re.search(r"plugins:|stream_maps:|TAP_QONTO_|pkill", code)]


def recipe(name: str, holding: str) -> str:
    """Return the one recipe of a page that holds a text."""
    page = ROOT / name if name == "README.md" else ROOT / "docs" / name
    (code,) = [code for code in recipes(page) if holding in code]
    return code


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda page: page.name
)
def test_each_recipe_has_a_test(page: Path) -> None:
    known = [holding for name, holding in TESTED if name == page.name]
    for code in recipes(page):
        if "runs-on:" not in code:
            assert any(holding in code for holding in known), code


def test_the_recipe_for_deletions_is_the_one_of_readme() -> None:
    assert recipe("guarantees.md", "FULL_TABLE") == recipe("README.md", "FULL_TABLE")


def test_the_stream_map_keeps_out_what_it_names(fake: FakeQonto, tmp_path: Path) -> None:
    config = yaml.safe_load(recipe("targets.md", "stream_maps"))
    assert config["stream_maps"] == STREAM_MAP
    output = read_with({"config": config}, fake, tmp_path)
    rows = {row["id"]: row for row in fake.control.invoices() if row["status"] != "discarded"}
    records = {record["id"]: record for record in output.records(INVOICES)}
    assert records.keys() == rows.keys() < set(fake.control.invoice_ids())
    for key, record in records.items():
        assert record.keys().isdisjoint({"supplier_name", "supplier_snapshot"})
        assert record["supplier"] == rows[key].get("supplier_name")
        iban = rows[key].get("iban")
        assert record["iban"] == (hashlib.sha256(iban.encode()).hexdigest() if iban else None)
    written = "".join(map(str, output.of("RECORD", INVOICES)))
    ibans = [row["iban"] for row in rows.values() if row.get("iban")]
    assert ibans
    assert not [iban for iban in ibans if iban in written]


def test_a_second_organization_has_its_own_settings(fake: FakeQonto, tmp_path: Path) -> None:
    fake.control.reset(invoices=5)
    (plugin,) = yaml.safe_load(recipe("faq.md", "inherit_from"))["plugins"]["extractors"]
    environ = {
        "TAP_QONTO__PARIS_LOGIN": fake.login,
        "TAP_QONTO__PARIS_SECRET_KEY": fake.secret_key,
        "TAP_QONTO__PARIS_API_URL": fake.url,
        "TAP_QONTO__PARIS__SELECT": '["supplier_invoices.*", "attachments.*"]',
    }
    output = invoke(tmp_path, environ, plugin)
    assert set(output.ids()) == set(fake.control.invoice_ids())
    places = [record["location"] for record in output.records(FILES)]
    assert places
    assert all(f"{tmp_path}/project/attachments/paris/" in place for place in places)


def test_files_alone(fake: FakeQonto, tmp_path: Path) -> None:
    fake.control.reset(invoices=5)
    (name, value) = re.findall(r"^(TAP_QONTO__SELECT)='(.*?)'", recipe("faq.md", "__SELECT"))[0]
    environ = {
        "TAP_QONTO_LOGIN": fake.login,
        "TAP_QONTO_SECRET_KEY": fake.secret_key,
        "TAP_QONTO_API_URL": fake.url,
        name: value,
    }
    output = invoke(tmp_path, environ)
    assert {message["stream"] for message in output.of("RECORD")} == {FILES}


def test_a_tap_that_is_stopped_alone_leaves_a_state_of_what_is_loaded(
    fake: FakeQonto, tmp_path: Path
) -> None:
    fake.control.reset(invoices=2000)
    environ = {
        "TAP_QONTO_LOGIN": fake.login,
        "TAP_QONTO_SECRET_KEY": fake.secret_key,
        "TAP_QONTO_API_URL": fake.url,
        "TAP_QONTO__SELECT": '["supplier_invoices.*"]',
        "TAP_QONTO_LIST_CONCURRENCY": "1",
    }
    with postgres() as database:
        url = database.replace("postgresql:", "postgresql+psycopg:")
        environ["TARGET_POSTGRES_SQLALCHEMY_URL"] = url
        project = MeltanoProject(tmp_path / "project", environ)
        # Other tests run taps, too.
        kill = f"{recipe('guarantees.md', 'pkill').strip()}.*{project.folder}".split()
        fake.control.after_request(12, lambda: subprocess.run(kill, check=False))
        with pytest.raises(RuntimeError, match="Stopped by SIGTERM"):
            project.run("tap-qonto", "target-postgres")
        said = project.meltano("--log-level=error", "state", "get", NAME_OF_STATE)
        kept = json.loads(said)["singer_state"]["bookmarks"][INVOICES]["replication_key_value"]
        with psycopg.connect(database) as connection:
            query = "SELECT count(*), max(updated_at) FROM qonto.supplier_invoices"
            ((count, newest),) = connection.execute(query).fetchall()
    assert 0 < count < 2000
    assert newest.replace(tzinfo=timezone.utc) == timestamps.parse(kept)


def invoke(folder: Path, environ: dict[str, str], *plugins: dict[str, Any]) -> Output:
    """Run the tap, or the last one of more plugins, through Meltano; return its messages."""
    project = MeltanoProject(folder / "project", environ)
    content = yaml.safe_load(project.yml.read_text("utf-8"))
    content["plugins"]["extractors"] += plugins
    project.yml.write_text(yaml.safe_dump(content), "utf-8")
    name = content["plugins"]["extractors"][-1]["name"]
    said = project.meltano("invoke", "--no-install", name)
    return Output("".join(line + "\n" for line in said.splitlines() if line[:1] == "{").encode())
