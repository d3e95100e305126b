"""The definition for Meltano Hub is the tap's own, is valid there, and works from a file."""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from scripts import generate, hub
from tap_qonto.settings.declaration import SETTINGS
from tap_qonto.streams import STREAMS
from tests.project.test_packaging import build
from tests.stack import BIN, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto

SCHEMAS = ROOT / "tests" / "data" / "hub_schemas"
TEXT = hub.PATH.read_text("utf-8")
DEFINITION: dict[str, Any] = yaml.safe_load(TEXT)
OWN = {name for name, _ in generate.settings(SETTINGS)}
"""The settings that are not the SDK's."""
IS_OUR_SDK = version("singer-sdk").startswith("0.54.")
NEWEST = "9999.0"
"""So that this wheel is chosen, whatever an index may have under the tap's name."""


def test_it_is_made_from_the_tap() -> None:
    made = yaml.safe_load(hub.definition())
    # A newer SDK may add capabilities, and settings of its own.
    assert set(DEFINITION["capabilities"]) <= set(made.pop("capabilities"))
    assert [each for each in made.pop("settings") if each["name"] in OWN] == [
        each for each in DEFINITION["settings"] if each["name"] in OWN
    ]
    rest = {name: DEFINITION[name] for name in DEFINITION.keys() - {"capabilities", "settings"}}
    assert made == rest, "run: python -m scripts.hub"


@pytest.mark.skipif(not IS_OUR_SDK, reason="the SDK is not one that pyproject.toml allows")
def test_it_is_written_as_it_would_be_now() -> None:
    assert hub.definition() == TEXT, "run: python -m scripts.hub"


def test_the_loader_is_that_of_meltano_yml() -> None:
    assert hub.loader() == hub.LOADER.read_text("utf-8"), "run: python -m scripts.hub"


def test_it_is_valid_for_the_hub() -> None:
    read = [json.loads(path.read_text("utf-8")) for path in SCHEMAS.rglob("*.json")]
    resources = [(schema["$id"], Resource.from_contents(schema)) for schema in read]
    empty: Any = Registry()
    registry = empty.with_resources(resources)
    (schema,) = (schema for schema in read if schema["$id"] == "extractors.schema.json")
    errors = Draft7Validator(schema, registry=registry).iter_errors(DEFINITION)
    assert [error.message for error in errors] == []


def test_it_selects_what_the_tap_selects_by_default() -> None:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))
    left_out = {f"!{each.name}.*" for each in STREAMS if not each.selected_by_default}
    assert set(DEFINITION["select"]) == {"*.*"} | left_out
    assert DEFINITION["select"] == project["plugins"]["extractors"][0]["select"]


def test_its_keys_are_in_the_order_of_the_hubs_linter() -> None:
    for mapping in (DEFINITION, *DEFINITION["settings"]):
        assert list(mapping) == sorted(mapping)


def test_its_settings_are_those_that_the_tap_tells() -> None:
    told = dict(generate.settings(hub.about()["settings"]))
    stated = [setting for setting in DEFINITION["settings"] if IS_OUR_SDK or setting["name"] in OWN]
    names = [name for name in told if IS_OUR_SDK or name in OWN]
    assert [setting["name"] for setting in stated] == names
    for setting in stated:
        shape = told[setting["name"]]
        assert setting["description"] == shape["description"]
        assert setting.get("sensitive", False) == shape.get("secret", False)
        assert setting.get("value") == shape.get("default")
        assert [option["value"] for option in setting.get("options", [])] == shape.get("enum", [])


class EmptyProject:
    """A Meltano project with nothing in it."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        folder.mkdir()
        # With an id, Meltano leaves the file alone.
        (folder / "meltano.yml").write_text(
            "project_id: empty\nsend_anonymous_usage_stats: false\nvenv: {backend: uv}\n"
            "default_environment: dev\nenvironments: [{name: dev}]\n"
        )
        ours = ("TAP_", "TARGET_", "MELTANO_")
        others = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environ = others | {"NO_COLOR": "1"} | environ

    def meltano(self, *arguments: str | Path) -> str:
        done = subprocess.run(
            [BIN / "meltano", *arguments],
            check=False,
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.mark.timeout(600)
def test_an_empty_project_takes_it_and_runs(
    company: FakeQonto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETUPTOOLS_SCM_PRETEND_VERSION", NEWEST)
    build(ROOT, tmp_path / "dist", "--wheel")
    output = tmp_path / "output"
    output.mkdir()
    project = EmptyProject(
        tmp_path / "project",
        {
            "UV_FIND_LINKS": str(tmp_path / "dist"),
            "TAP_QONTO_LOGIN": company.login,
            "TAP_QONTO_SECRET_KEY": company.secret_key,
            "TAP_QONTO_API_URL": company.url,
            "TARGET_JSONL_DESTINATION_PATH": str(output),
        },
    )
    loaders = yaml.safe_load((ROOT / "meltano.yml").read_text("utf-8"))["plugins"]["loaders"]
    (target,) = (loader for loader in loaders if loader["name"] == "target-jsonl")
    (tmp_path / "target.yml").write_text(yaml.safe_dump(target))

    project.meltano("add", "tap-qonto", "--from-ref", hub.PATH)
    project.meltano("add", "target-jsonl", "--from-ref", tmp_path / "target.yml")
    assert "--redirect-uri" in project.meltano("invoke", "tap-qonto:login", "--help")

    assert "valid" in project.meltano("config", "test", "tap-qonto")

    project.meltano("select", "tap-qonto", "supplier_invoices", "*")
    project.meltano("select", "tap-qonto", "--exclude", "supplier_invoices", "iban")
    project.meltano("run", "tap-qonto", "target-jsonl")
    lines = (output / "supplier_invoices.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert {row["id"] for row in rows} == set(company.control.invoice_ids())
    assert not any("iban" in row for row in rows)
    assert not (output / "attachments.jsonl").exists()
