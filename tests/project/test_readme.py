"""README says what the code does."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from scripts import generate
from tests.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = (ROOT / "README.md").read_text("utf-8")
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_its_tables_are_made_from_the_code() -> None:
    assert generate.rewrite("README.md", TEXT) == TEXT, "run: make generate"


@pytest.mark.parametrize("name", sorted(set(re.findall(r"^make ([a-z]+)", TEXT, re.MULTILINE))))
def test_make_knows_what_it_names(name: str) -> None:
    assert name in TARGETS


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#:]+)\)", TEXT))))
def test_its_links_lead_somewhere(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", TEXT))))
def test_every_guarantee_names_a_test(name: str) -> None:
    tests = (path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert any(f"def {name}(" in text for text in tests)


def written() -> Iterator[str]:
    """Yield each path that README's commands, or its reader, write in a clone."""
    yield from re.findall(r"`([\w.-]+\.(?:json|sh))`", TEXT)
    yield from re.findall(r"[Cc]opy `[^`]+` to `([^`]+)`", TEXT)
    for code in re.findall(r"^```bash\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        yield from re.findall(r"-m venv (\S+)", code)
        yield from re.findall(r"> ([\w./-]+)", code)
    yield "attachments/2026/01/an-invoice.pdf"
    yield ".meltano/meltano.db"


def test_git_ignores_what_it_lets_people_write(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text((ROOT / ".gitignore").read_text("utf-8"), "utf-8")
    command = ["git", "init", "--quiet"]
    subprocess.run(command, check=True, cwd=tmp_path)
    paths = sorted(set(written()))
    assert {".env", ".venv", "tap", "target", "tap.json", "state.json", "sync.sh"} <= set(paths)
    for path in paths:
        # A folder or a file: git needs to know which of both a name is.
        place = tmp_path / path
        if "." in place.name.lstrip("."):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        else:
            place.mkdir()
            (place / "content").touch()
    command = ["git", "status", "--porcelain", "--untracked-files=all"]
    done = subprocess.run(command, check=True, cwd=tmp_path, capture_output=True, text=True)
    seen = [line[3:] for line in done.stdout.splitlines()]
    assert seen == [".gitignore"]
