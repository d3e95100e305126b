"""The site builds, and says what the code does."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scripts import generate
from scripts.reference import PAGES as GENERATED
from tap_qonto.http import retries
from tap_qonto.streams import STREAMS
from tap_qonto.tap import TapQonto
from tests.fake_qonto import api
from tests.fake_qonto.answers import json_bytes
from tests.project.test_packaging import assert_workflow_is_good
from tests.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fake_qonto.query import Params
    from tests.fake_qonto.world import World
    from tests.support import Runner

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TROUBLES = (DOCS / "troubleshooting.md").read_text("utf-8")
# What other programs say is not held to our sentences.
OTHERS = re.compile(r"^## The target, and Meltano\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
ENTRIES = re.findall(r"^\| `(.+?)` \|", OTHERS.sub("", TROUBLES), re.MULTILINE)
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)

NO_FAILURES = {
    # Reports of progress, what --test finds to be well, and what tap-qonto-login prints.
    "attachments: can be read.",
    "attachments: not tried, there is none yet.",
    "location: can be used.",
    "supplier_invoices: can be read.",
    "Beginning sync of '…'",
    "Finished sync of '…': … rows",
    "…… rows, … files (… MB) in … s, … rows/s",
    ", about … s left",
    "The access token was renewed; it lasts … s.",
    "… Asking again in … s.",
    "# Into .env, which Meltano reads; keep it out of version control.",
    "# Or into meltano.yml, below the extractor tap-qonto:\n#   config:",
    "Agree in the browser, on this page:\n\n…\n",
    "Client ID of the OAuth app",
    "The tokens are in ….",
    # Parts of sentences.
    "stream …, attachment … of …",
    "the file of …",
    "The bookmark moves with each page.",
    "The bookmark moves only at the end of the run.",
    "The whole list is read in each run.",
    "incremental, by `updated_at`, in the order of `created_at`",
    "whole, in each run",
    "the token store …",
    "the API key (login and secret_key)",
    "the OAuth access (client_id, client_secret, refresh_token)",
    "Authorise again with tap-qonto-login and set the refresh_token that it prints.",
    "The connection broke off",
    "The certificate could not be verified",
    "The proxy let nothing through",
    "No connection was possible",
    "No answer came in time",
    "The refresh token was not used; run the tap again later.",
    "The refresh token may be used up: run the tap again within a minute. If it is refused then: …",
    "the code of this login has ended. Run tap-qonto-login again.",
    (
        "the refresh token was not used for 90 days, was withdrawn, or was used without …, "
        "which must last from run to run. …"
    ),
}
"""Texts that are no failures of their own."""
_PARTS = {"self.where": "the token store …"}
_FEWEST_WORDS = 4


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = node.value
    elif isinstance(node, ast.JoinedStr):
        text = "".join(
            str(part.value)
            if isinstance(part, ast.Constant)
            else _PARTS.get(ast.unparse(part).strip("f'{}"), "…")
            for part in node.values
        )
    else:
        return None
    return re.sub(r"%(\.\d+)?[sdf]|\{\w+\}", "…", text)


def _texts(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of a module that are neither documentation nor parts of others."""
    for child in ast.iter_child_nodes(tree):
        is_about = isinstance(child, ast.keyword) and child.arg in {"description", "help", "title"}
        if is_about or (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)):
            continue
        text = _text(child)
        if text is None:
            yield from _texts(child)
        elif len(text.split()) >= _FEWEST_WORDS:
            yield text


@cache
def sentences() -> list[str]:
    """Return every sentence of the package that a user can see."""
    modules = sorted((ROOT / "tap_qonto").rglob("*.py"))
    found = {text for module in modules for text in _texts(ast.parse(module.read_text("utf-8")))}
    return sorted(found - NO_FAILURES)


def is_about(entry: str, sentence: str) -> bool:
    """Tell whether a sentence begins as an entry does."""
    pattern = ".*?".join(re.escape(part) for part in entry.split("…"))
    return re.match(pattern, sentence, re.DOTALL) is not None


@pytest.mark.parametrize("sentence", sentences())
def test_each_sentence_has_an_entry(sentence: str) -> None:
    assert any(is_about(entry, sentence) for entry in ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_entry_is_about_a_sentence(entry: str) -> None:
    assert any(is_about(entry, sentence) for sentence in sentences())


def test_what_it_says_of_attempts_is_so() -> None:
    assert "seven times" in TROUBLES
    assert retries.ATTEMPTS == 7
    assert "a quarter of an hour" in TROUBLES
    assert retries.PATIENCE == 15 * 60


@pytest.mark.parametrize("name", GENERATED)
def test_generated_pages_are_made_from_the_code(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert generate.rewrite(name, text) == text, "run: python -m scripts.reference"


def test_generated_pages_name_every_field() -> None:
    text = (DOCS / "streams.md").read_text("utf-8")
    for stream in STREAMS:
        for name in stream.schema["properties"]:
            assert f"\n| `{name}` |" in text


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as it is released: any dead link or anchor fails the build."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / ".work" / "site"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_site_has_each_page(site: Path, page: Path) -> None:
    made = (site / ("" if page.stem == "index" else page.stem) / "index.html").read_text("utf-8")
    fetched = re.findall(r"<(?:script|link|img)\b[^>]+(?:src|href)=[\"']?https?:[^>]+", made)
    assert fetched == []
    assert f": {page.name}\n" in (ROOT / "mkdocs.yml").read_text("utf-8"), "not in nav"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_on_pages_can_be_read(page: Path) -> None:
    for _, language, code in BLOCK.findall(page.read_text("utf-8")):
        if language in {"yaml", "json"}:
            yaml.safe_load(code)
        elif language == "python":
            ast.parse(code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tests_that_are_named_exist(page: Path) -> None:
    for path, _, name in re.findall(r"`(tests/\w+\.py)(::(\w+))?`", page.read_text("utf-8")):
        assert f"def {name}" in (ROOT / path).read_text("utf-8")


def test_settings_that_are_named_exist() -> None:
    known = {name for name, _ in generate.settings(TapQonto.config_jsonschema)}
    for page in PAGES:
        named = re.findall(
            r"`(attachments\.\w+|supplier_invoices_filter\.\w+)`", page.read_text("utf-8")
        )
        assert set(named) <= known, page


def test_the_container_file_is_as_shown() -> None:
    text = (ROOT / "Containerfile").read_text("utf-8")
    assert f"```dockerfile\n{text}```" in (DOCS / "deployment.md").read_text("utf-8")
    for line in re.findall(r"^COPY --chown=tap (.*) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in line.split())


def blocks(page: str) -> list[str]:
    """Return the Python of a page."""
    text = (DOCS / page).read_text("utf-8")
    return [code for _, language, code in BLOCK.findall(text) if language == "python"]


def stamped(name: str, second: int) -> dict[str, str]:
    return {"id": name, "name": name, "updated_at": f"2025-01-03T06:27:{second:02}Z", "new": "x"}


def test_the_guide_for_streams_can_be_followed(
    tap: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, labels, endpoint = blocks("add-a-stream.md")
    facts: dict[str, Any] = {"__name__": "tap_qonto.streams.clients"}
    for code in (stream, labels):
        exec(compile(code, "stream.py", "exec", dont_inherit=True), facts)  # noqa: S102 - our own
    clients = [stamped(f"client {number}", number) for number in range(5)]
    answers: dict[str, Any] = {"CLIENTS": clients, "json_bytes": json_bytes}
    code = f"from __future__ import annotations\n{endpoint}"
    exec(compile(code, "api.py", "exec", dont_inherit=True), answers)  # noqa: S102 - our own
    tree = [{"id": f"label {number}", "name": "a", "parent_id": None} for number in range(7)]

    def list_labels(world: World, params: Params, key: str) -> bytes:
        clients_of = answers["CLIENTS"]
        answers["CLIENTS"] = [row | {"updated_at": "2025"} for row in tree]
        try:
            body = answers["list_clients"](world, params, key)
        finally:
            answers["CLIENTS"] = clients_of
        return bytes(body.replace(b'"clients"', b'"labels"'))

    routes = (
        (re.compile("/v2/clients()"), "client.read", answers["list_clients"]),
        (re.compile("/v2/labels()"), "organization.read", list_labels),
    )
    monkeypatch.setattr("tests.fake_qonto.api.ROUTES", (*api.ROUTES, *routes))
    added = (*STREAMS, facts["Clients"], facts["Labels"])
    monkeypatch.setattr("tap_qonto.tap.STREAMS", added)

    first = tap.sync(page_size=2)
    assert {row["id"] for row in first.records("clients")} == {row["id"] for row in clients}
    assert first.records("clients")[0]["updated_at"] == "2025-01-03T06:27:00.000000Z"
    assert first.records("clients")[0]["extra_fields"] == {"new": "x"}
    assert first.ids("labels") == [row["id"] for row in tree]
    assert [message["stream"] for message in first.of("ACTIVATE_VERSION")] == ["labels"]
    clients.append(stamped("client 5", 59))
    del tree[2]
    second = tap.sync(state=first.state, lookback_seconds=0)
    assert second.ids("labels") == [row["id"] for row in tree]
    assert second.records("clients")[-1]["id"] == "client 5"
    assert len(second.records("clients")) < len(clients)


def test_the_nightly_workflow_is_valid(tmp_path: Path) -> None:
    (code,) = (
        code
        for _, language, code in BLOCK.findall((DOCS / "deployment.md").read_text("utf-8"))
        if language == "yaml" and "\njobs:" in code
    )
    path = tmp_path / "nightly.yml"
    path.write_text(code, "utf-8")
    assert_workflow_is_good(path)
