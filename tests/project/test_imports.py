"""The arrows between rooms: `make lint` holds them, and it sees one that is turned round."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.stack import BIN, ROOT

if TYPE_CHECKING:
    from pathlib import Path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / "lint-imports"), "--no-logo", "--no-cache"]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package and its contracts."""
    shutil.copytree(ROOT / "tap_qonto", tmp_path / "tap_qonto")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_run_downwards(copied: Path) -> None:
    done = lint_imports(copied)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("reading/list_stream.py", "tap_qonto.files.stream"),
        ("files/stream.py", "tap_qonto.reading.followers"),
        ("base_stream.py", "tap_qonto.tap"),
        ("settings/validation.py", "tap_qonto.http.session"),
        ("timestamps.py", "tap_qonto.errors"),
    ],
)
def test_an_arrow_that_is_turned_round_is_seen(copied: Path, module: str, imported: str) -> None:
    path = copied / "tap_qonto" / module
    path.write_text(f"{path.read_text('utf-8')}\nimport {imported}\n", "utf-8")
    assert lint_imports(copied).returncode != 0
