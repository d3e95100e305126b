"""README says what the code does."""

from __future__ import annotations

import re

import pytest

from scripts import generate
from tests.stack import ROOT

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
