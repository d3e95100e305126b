"""Targets installed, each in a virtual environment of its own, and run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support import Json

CACHE = ROOT / ".cache" / "targets"
DBT = ("dbt", ("dbt-core~=1.11.0", "dbt-postgres~=1.11", "dbt-duckdb~=1.11", "duckdb<1.3"), "dbt")
"""Name, packages and program of dbt with its adapters, which is installed as targets are."""
SECONDS = 300
# So that the AWS library neither looks for credentials nor cuts what it sends to pieces.
_AWS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "eu-west-3",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
}


class NotUsableError(Exception):
    """A target cannot be installed, or does not start."""


@dataclass(frozen=True)
class Fed:
    """What came of feeding a target.

    Attributes:
        code: Its exit code.
        state: The last state that it wrote; None for none.
        log: What it logged.
    """

    code: int
    state: Json | None
    log: str

    @property
    def reason(self) -> str:
        """The last line of its log that says something."""
        lines = [line for line in self.log.splitlines() if any(map(str.isalpha, line))]
        return lines[-1] if lines else "no log"


def executable(name: str, command: str) -> Path:
    """Return the program of a target that was installed.

    Raises:
        NotUsableError: It was not.
    """
    path = CACHE / name / "bin" / command
    if not path.exists():
        msg = f"{name} is not installed; run: python -m tests.targets --for-tests"
        raise NotUsableError(msg)
    return path


def install(name: str, packages: Sequence[str], command: str) -> None:
    """Install a target, if it is not there in this form, and see that it starts.

    Raises:
        NotUsableError: It cannot be installed, or does not start.
    """
    folder = CACHE / name
    stamp = folder / "installed.json"
    wanted = json.dumps([*packages, sys.version])
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    uv = [sys.executable, "-m", "uv"]
    _run([*uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    python = str(folder / "bin" / "python")
    options = ["--quiet", "--compile-bytecode", "--python", python]
    _run([*uv, "pip", "install", *options, *packages])
    _run([str(folder / "bin" / command), "--help"])
    stamp.write_text(wanted)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)
    if done.returncode != 0:
        raise NotUsableError(done.stderr.decode())


def feed(program: Path, settings: Json, messages: bytes, folder: Path) -> Fed:
    """Run a target on messages.

    Args:
        program: Its executable.
        settings: For ``--config``.
        messages: For its stdin.
        folder: Its working folder, and its temporary one.
    """
    config = folder / "config.json"
    config.write_text(json.dumps(settings))
    done = subprocess.run(
        [program, "--config", config],
        input=messages,
        capture_output=True,
        check=False,
        cwd=folder,
        env=os.environ | _AWS | {"TMPDIR": str(folder)},
        timeout=SECONDS,
    )
    states = done.stdout.decode().splitlines()
    return Fed(done.returncode, json.loads(states[-1]) if states else None, done.stderr.decode())
