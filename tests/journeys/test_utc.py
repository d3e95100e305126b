"""Every documented way into PostgreSQL stores UTC, also where the database is in another zone."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import yaml

from scripts import hub
from tests.fake_qonto import FakeQonto
from tests.journeys.test_end_to_end import OFFLINE, plain, table
from tests.stack import BIN, PLUGINS, ROOT, MeltanoProject, environment, postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = (ROOT / "docs" / "targets.md").read_text("utf-8")
LINES = next(
    yaml.safe_load(block)
    for block in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    if "PGTZ" in block
)
(ROLE,) = re.findall(r"^```sql\n(ALTER .*?)^```", PAGE, re.MULTILINE | re.DOTALL)
IS_UTC = (ROOT / "docs" / "cookbook" / "utc.sql").read_text("utf-8")

# Three programs start for each run.
pytestmark = pytest.mark.xdist_group("utc")


@pytest.fixture(scope="module")
def qonto() -> Iterator[FakeQonto]:
    with FakeQonto(invoices=5) as fake:
        yield fake


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres(timezone="Europe/Paris") as url:
        yield url


@pytest.fixture
def database(server: str) -> Iterator[str]:
    """An empty database."""
    yield server
    with psycopg.connect(server) as connection:
        connection.execute("DROP SCHEMA IF EXISTS qonto CASCADE")
        connection.execute("ALTER ROLE CURRENT_USER RESET timezone")


def as_from_the_hub(loader: dict[str, Any]) -> None:
    """Take away what Meltano Hub's definition lacks."""
    del loader["env"]


def with_the_lines(loader: dict[str, Any]) -> None:
    as_from_the_hub(loader)
    loader |= LINES["plugins"]["loaders"][0]


def by_its_definition(loader: dict[str, Any]) -> None:
    loader.clear()
    loader |= yaml.safe_load(hub.LOADER.read_text("utf-8"))


def is_utc(qonto: FakeQonto, database: str) -> bool:
    """Tell whether all time stamps are Qonto's; the query of the cookbook has to agree."""
    served = {row["id"]: plain(row["updated_at"]) for row in qonto.control.invoices()}
    loaded = {row["id"]: plain(row["updated_at"]) for row in table(database, "supplier_invoices")}
    assert loaded.keys() == served.keys()
    with psycopg.connect(database) as connection:
        ((told,),) = connection.execute(IS_UTC.encode()).fetchall()
    assert told == (loaded == served)
    return bool(told)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [(as_from_the_hub, False), (with_the_lines, True), (by_its_definition, True)],
)
def test_through_meltano(
    qonto: FakeQonto,
    database: str,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], None],
    wanted: bool,
) -> None:
    environ = environment(qonto, database) | OFFLINE
    environ |= {"TAP_QONTO__SELECT": '["supplier_invoices.*"]'}
    project = MeltanoProject(tmp_path / "project", environ)
    content = yaml.safe_load(project.yml.read_text("utf-8"))
    change(content["plugins"]["loaders"][0])
    project.yml.write_text(yaml.safe_dump(content), "utf-8")
    project.run("tap-qonto", "target-postgres")
    assert is_utc(qonto, database) == wanted


@pytest.mark.parametrize("way", ["nothing", "PGTZ", "role"])
def test_by_pipe(qonto: FakeQonto, database: str, tmp_path: Path, way: str) -> None:
    if way == "role":
        with psycopg.connect(database) as connection:
            connection.execute(ROLE.encode())
    environ = environment(qonto, database)
    settings = {
        "tap": {
            "api_url": qonto.url,
            "login": qonto.login,
            "secret_key": qonto.secret_key,
            "attachments": {"location": str(tmp_path / "files")},
        },
        "target": {
            "sqlalchemy_url": environ["TARGET_POSTGRES_SQLALCHEMY_URL"],
            "default_target_schema": "qonto",
        },
    }
    for name, content in settings.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    target = PLUGINS / "loaders" / "target-postgres" / "venv" / "bin" / "target-postgres"
    read = subprocess.run(
        [BIN / "tap-qonto", "--config", tmp_path / "tap.json"], check=True, capture_output=True
    )
    subprocess.run(
        [target, "--config", tmp_path / "target.json"],
        check=True,
        capture_output=True,
        input=read.stdout,
        env={"PGTZ": "UTC"} if way == "PGTZ" else {},
    )
    assert is_utc(qonto, database) == (way != "nothing")


def test_the_loaders_of_the_example_are_in_utc(tmp_path: Path) -> None:
    project = MeltanoProject(tmp_path / "project", {"MELTANO_ENVIRONMENT": "prod"})
    content = yaml.safe_load((ROOT / "examples/many-organizations/meltano.yml").read_text("utf-8"))
    project.yml.write_text(yaml.safe_dump(content), "utf-8")
    # Those that inherit share the program of the first.
    (project.folder / ".meltano" / "loaders").unlink()
    path = project.folder / ".meltano/loaders/target-postgres/venv/bin/target-postgres"
    path.parent.mkdir(parents=True)
    path.write_text('#!/bin/sh\necho "its zone is $PGTZ"\n')
    path.chmod(0o755)
    assert "its zone is UTC" in project.meltano("invoke", "--no-install", "target-postgres--acme")
