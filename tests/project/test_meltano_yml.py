"""Meltano's definition of the tap is the tap's own, and needs no look-up."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from scripts import generate
from tap_qonto.settings.authentication import WAYS
from tap_qonto.settings.validation import problems
from tap_qonto.tap import TapQonto
from tests.stack import ROOT, MeltanoProject

if TYPE_CHECKING:
    from pathlib import Path

TEXT = (ROOT / "meltano.yml").read_text("utf-8")
PROJECT: dict[str, Any] = yaml.safe_load(TEXT)
TAP: dict[str, Any] = PROJECT["plugins"]["extractors"][0]
LOADERS = {loader["name"]: loader for loader in PROJECT["plugins"]["loaders"]}
PLUGINS = [TAP, *LOADERS.values(), *PROJECT["plugins"]["utilities"]]


def schema_of_the_tap() -> dict[str, Any]:
    schema = {**TapQonto.config_jsonschema}
    schema["properties"] = dict(schema["properties"])
    TapQonto.append_builtin_config(schema)
    return schema


def test_it_is_made_from_the_code() -> None:
    assert generate.rewrite("meltano.yml", TEXT) == TEXT, "run: make generate"


def test_it_is_valid_for_meltano() -> None:
    schema = json.loads(files("meltano.schemas").joinpath("meltano.schema.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(PROJECT)] == []


def test_every_setting_of_the_tap_is_there() -> None:
    settings = {setting["name"].split(".")[0] for setting in TAP["settings"]}
    assert settings == set(schema_of_the_tap()["properties"])


def test_settings_are_what_the_tap_says_of_them() -> None:
    for setting in TAP["settings"]:
        shape: dict[str, Any] = schema_of_the_tap()
        for part in setting["name"].split("."):
            shape = shape["properties"][part]
        assert setting.get("sensitive", False) == shape.get("secret", False), setting
        assert setting.get("value") == shape.get("default"), setting
        assert setting["description"] == shape["description"]
        assert setting["label"].endswith(shape.get("title", ""))


def test_each_way_of_authentication_is_a_group_of_settings() -> None:
    names = {setting["name"] for setting in TAP["settings"]}
    groups = TAP["settings_group_validation"]
    assert groups == [list(group) for group in WAYS.values()]
    assert {name for group in groups for name in group} <= names


def test_capabilities_are_those_of_the_tap() -> None:
    assert TAP["capabilities"] == sorted(kind.value for kind in TapQonto.capabilities)


@pytest.mark.parametrize(
    "plugin",
    [TAP, *LOADERS.values(), *PROJECT["plugins"]["utilities"]],
    ids=lambda plugin: plugin["name"],
)
def test_definitions_are_complete(plugin: dict[str, Any]) -> None:
    assert {"namespace", "pip_url", "executable", "settings", "label"} <= set(plugin)


def test_duckdb_is_older_than_the_one_that_loses_rows() -> None:
    assert "duckdb<1.3" in LOADERS["target-duckdb"]["pip_url"].split()


def test_every_kind_of_setting_comes_through_meltano(tmp_path: Path) -> None:
    given = {
        "LOGIN": "acme-corp-1234",
        "SECRET_KEY": "secret",
        "START_DATE": "2026-01-01",
        "REQUEST_TIMEOUT": "5",
        "RATE_LIMITS": '[{"requests": 5, "seconds": 1}]',
        "SUPPLIER_INVOICES_FILTER_STATUS": '["to_pay"]',
        "SUPPLIER_INVOICES_FILTER_MISSING_DATA": "true",
        "ATTACHMENTS_MODE": "metadata",
        "ATTACHMENTS_STORAGE_OPTIONS": '{"key": "secret"}',
    }
    environ = {f"TAP_QONTO_{name}": value for name, value in given.items()}
    project = MeltanoProject(tmp_path / "project", environ)
    settings = json.loads(
        project.meltano("--log-level=error", "invoke", "--dump=config", "tap-qonto")
    )
    assert problems(settings, schema_of_the_tap()) == []
    assert settings["start_date"] == "2026-01-01"
    assert settings["request_timeout"] == 5
    assert settings["rate_limits"] == [{"requests": 5, "seconds": 1}]
    assert settings["supplier_invoices_filter"] == {"status": ["to_pay"], "missing_data": True}
    assert settings["attachments"] == {
        "location": f"{project.folder}/attachments",
        "mode": "metadata",
        "storage_options": {"key": "secret"},
        "concurrency": 16,
        "sealed": False,
    }


def test_reports_are_built_in_the_database_of_the_loader(tmp_path: Path) -> None:
    given = {"HOST": "db.example", "PORT": "5433", "USER": "loader", "DATABASE": "finance"}
    environ = {f"TARGET_POSTGRES_{name}": value for name, value in given.items()}
    project = MeltanoProject(tmp_path / "project", environ)
    shown = project.meltano("--log-level=error", "config", "print", "dbt-postgres", "--format=env")
    settings = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    found = {name: settings[f"DBT_POSTGRES_{name}"].strip("'") for name in ("HOST", "PORT", "USER")}
    assert found | {"DATABASE": settings["DBT_POSTGRES_DBNAME"].strip("'")} == given
    assert settings["DBT_PROJECT_DIR"].strip("'") == f"{project.folder}/dbt"


def test_the_example_for_many_organizations_is_valid_and_knows_its_settings() -> None:
    path = ROOT / "examples/many-organizations/meltano.yml"
    project = yaml.safe_load(path.read_text("utf-8"))
    schema = json.loads(files("meltano.schemas").joinpath("meltano.schema.json").read_text())
    assert [error.message for error in Draft202012Validator(schema).iter_errors(project)] == []
    base, *organizations = project["plugins"]["extractors"]
    assert len(organizations) == 3
    assert {each["inherit_from"] for each in organizations} == {base["name"]}
    known = {name for name, _ in generate.settings(schema_of_the_tap())}
    assert {setting["name"] for setting in base["settings"]} <= known
