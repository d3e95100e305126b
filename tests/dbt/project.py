"""The dbt project, run on a database as its users run it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.stack import ROOT
from tests.targets import venvs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Json


def postgres_environment(url: str) -> dict[str, str]:
    """Return what the profile needs for a PostgreSQL of the tests, which has a socket."""
    (host,) = parse_qs(urlsplit(url).query)["host"]
    return {"DBT_TARGET": "postgres", "DBT_POSTGRES_HOST": host}


def duckdb_environment(path: Path) -> dict[str, str]:
    """Return what the profile needs for a DuckDB file."""
    return {"DBT_TARGET": "duckdb", "DBT_DUCKDB_PATH": str(path)}


@dataclass(frozen=True)
class DbtProject:
    """The project of `dbt/` on a database.

    Attributes:
        folder: Where it writes logs and artifacts.
        environ: Which database, as environment variables.
        models: Where the project is.
    """

    folder: Path
    environ: dict[str, str]
    models: Path = ROOT / "dbt"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command."""
        written = {"DBT_TARGET_PATH": self.folder / "target", "DBT_LOG_PATH": self.folder / "logs"}
        return subprocess.Popen(
            [venvs.executable("dbt", "dbt"), *arguments, "--profiles-dir", "."],
            cwd=self.models,
            env=os.environ
            | {name: str(path) for name, path in written.items()}
            | {"NO_COLOR": "1", "DO_NOT_TRACK": "1"}
            | self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )

    def results(self) -> dict[str, Json]:
        """Return the results of the last build by the name of model, test or snapshot."""
        text = (self.folder / "target" / "run_results.json").read_text("utf-8")
        return {each["unique_id"].split(".")[2]: each for each in json.loads(text)["results"]}
