"""The recipes of docs/streams.md keep personal data out, through Meltano."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from tap_qonto.streams import STREAMS
from tests.stack import ROOT, MeltanoProject
from tests.support import Output

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto

PAGE = (ROOT / "docs" / "streams.md").read_text("utf-8")
REMOVE, HASH = (
    yaml.safe_load(block)["plugins"]["extractors"][0]
    for block in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
)
PERSONAL = {each.name: each.personal for each in STREAMS if each.personal}
SALT = "a long secret"

# Meltano starts for each run.


def read_with(recipe: dict[str, Any], fake: FakeQonto, folder: Path) -> Output:
    """Add a recipe to meltano.yml, run the tap, and return its messages."""
    fake.control.reset(invoices=20)
    environ = {
        "TAP_QONTO_API_URL": fake.url,
        "TAP_QONTO_ACCESS_TOKEN": fake.control.new_access_token(),
        "PERSONAL_DATA_SALT": SALT,
    }
    project = MeltanoProject(folder / "project", environ)
    content = yaml.safe_load(project.yml.read_text("utf-8"))
    tap = content["plugins"]["extractors"][0]
    tap["select"] += recipe.get("select", [])
    tap["config"] |= recipe.get("config", {})
    project.yml.write_text(yaml.safe_dump(content), "utf-8")
    said = project.meltano("invoke", "--no-install", "tap-qonto")
    return Output("".join(line + "\n" for line in said.splitlines() if line[:1] == "{").encode())


def test_the_recipe_leaves_out_all_personal_data(fake: FakeQonto, tmp_path: Path) -> None:
    output = read_with(REMOVE, fake, tmp_path)
    read = {message["stream"] for message in output.of("RECORD")}
    assert len(read & PERSONAL.keys()) > 10
    for message in output.of("SCHEMA"):
        known = message["schema"]["properties"].keys()
        assert known.isdisjoint(PERSONAL.get(message["stream"], ())), message["stream"]
    for message in output.of("RECORD"):
        assert message["record"].keys().isdisjoint(PERSONAL.get(message["stream"], ()))
    written = output.stdout.decode()
    for name in ("memberships", "clients", "beneficiaries"):
        values = [row.get("email") or row.get("iban") for row in fake.control.rows(name)]
        assert values
        assert not [value for value in values if json.dumps(value) in written]


def test_the_recipe_hashes(fake: FakeQonto, tmp_path: Path) -> None:
    output = read_with(HASH, fake, tmp_path)
    for name, columns in HASH["config"]["stream_maps"].items():
        rows = {row["id"]: row for row in fake.control.rows(name)}
        records = output.records(name)
        assert records
        for record in records:
            for column in columns:
                assert record[column] == hashed(rows[record["id"]].get(column))


def hashed(value: str | None) -> str | None:
    """Return what the recipe makes of a value."""
    return hashlib.sha256(f"{SALT}{value}".encode()).hexdigest() if value else None
