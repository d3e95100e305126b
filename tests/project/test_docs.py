"""The pages say what the code does."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scripts import generate
from scripts.reference import PAGES as GENERATED
from tap_qonto.command import TEST as HELP_OF_TEST
from tap_qonto.http import retries
from tap_qonto.streams import STREAMS
from tap_qonto.tap import TapQonto
from tests.fake_qonto.endpoints import ENDPOINTS
from tests.project.test_packaging import assert_workflow_is_good
from tests.stack import ROOT
from tests.streams import test_contract as contract
from tests.streams.served import LISTS
from tests.support import discovered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Runner

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TROUBLES = (DOCS / "troubleshooting.md").read_text("utf-8")
# What other programs say is not held to our sentences.
OTHERS = re.compile(r"^## The target, and Meltano\n.*?(?=^## )", re.MULTILINE | re.DOTALL)
ENTRIES = re.findall(r"^\| `(.+?)` \|", OTHERS.sub("", TROUBLES), re.MULTILINE)
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)

NO_FAILURES = {
    # Reports of progress, what --test finds to be well, and what tap-qonto-login prints.
    "location: can be used.",
    "…: can be read….",
    "…, updated from … (oldest) to … (newest)",
    "not tried, there is none yet",
    HELP_OF_TEST,
    "This belongs to another login",
    "Beginning sync of '…'",
    "Added '…' as child stream to '…'",
    "Skipping deselected stream '…'.",
    "Finished sync of '…': … rows",
    "…… rows… in … s, … rows/s",
    ", about … s left",
    "… … rows in … s……",
    ", … files (… MB)",
    "The access token was renewed; it lasts … s.",
    "… Asking again in … s.",
    "Waiting … s for the rate limit of Qonto's API.",
    "# Into .env, which Meltano reads; keep it out of version control.",
    "# Or into meltano.yml, below the extractor tap-qonto:\n#   config:",
    "Give your consent in the browser, on this page:\n\n…\n",
    "Client ID of the OAuth app",
    "The tokens are in ….",
    # Parts of sentences.
    "the meta of an answer says nothing of rows or pages",
    "stream …, attachment … of …",
    "stream …, attachment …",
    "the file of …",
    "The bookmark moves with each page.",
    "The bookmark moves only at the end of the run.",
    "The whole list is read in each run.",
    "It is read in each run.",
    "whole, in each run",
    "the token store …",
    "the API key (login and secret_key)",
    "the OAuth access (client_id, client_secret, refresh_token)",
    "Authorise again with tap-qonto-login and set the refresh_token that it prints.",
    " with …, which … names",
    "… through the proxy …",
    "… on the request for …. …",
    "Add the certificate of the host's authority to this file.",
    "Check HTTPS_PROXY, or name the host in NO_PROXY.",
    "Check the address and the network.",
    "Check the address, its port, and proxies.",
    (
        "Check the address; if a proxy inspects the traffic, name a file with its authority's "
        "certificate in REQUESTS_CA_BUNDLE."
    ),
    "Correct … or remove it.",
    "… files (… MB)",
    "Make it allow this host, or name the host in NO_PROXY.",
    "Install PySocks beside tap-qonto.",
    "Raise request_timeout (now … s).",
    "Write user and password into HTTPS_PROXY.",
    "DELETE FROM '…' WHERE item_timestamp > ?",
    "Tunnel connection failed: (\\d…)",
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
    # Streams are facts, whose texts describe columns.
    package = ROOT / "tap_qonto"
    modules = sorted(set(package.rglob("*.py")) - set((package / "streams").rglob("*.py")))
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
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    for stream in STREAMS:
        section = sections[stream.name]
        assert f"- scope: {f'`{stream.scope}`' if stream.scope else 'none'}\n" in section
        assert all(f"`{name}`" in section for name in stream.primary_keys)
        for name, shape in stream.schema["properties"].items():
            assert f"\n| `{name}` |" in section
            assert shape["description"] in section
        marked = re.findall(r"`(\w+)`", "".join(re.findall("- personal data: (.*)", section)))
        assert set(marked) == stream.personal


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_on_pages_can_be_read(page: Path) -> None:
    for _, language, code in BLOCK.findall(page.read_text("utf-8")):
        if language in {"yaml", "json"}:
            list(yaml.safe_load_all(code))
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


def test_the_guide_for_streams_can_be_followed(
    fake: FakeQonto, tap: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, endpoint = blocks("add-a-stream.md")
    facts: dict[str, Any] = {"__name__": "tap_qonto.streams.suppliers"}
    exec(compile(stream, "suppliers.py", "exec", dont_inherit=True), facts)  # noqa: S102 - our own
    added: dict[str, Any] = {"__name__": "tests.fake_qonto.endpoints.suppliers"}
    exec(compile(endpoint, "endpoint.py", "exec", dont_inherit=True), added)  # noqa: S102 - same
    monkeypatch.setattr("tests.fake_qonto.world.ENDPOINTS", (*ENDPOINTS, *added["SUPPLIERS"]))
    new = (facts["Suppliers"], facts["Projects"])
    monkeypatch.setattr("tap_qonto.tap.STREAMS", (*STREAMS, *new))
    for each in new:
        monkeypatch.setitem(LISTS, each.name, each)
    fake.control.reset()
    catalog = {"streams": [entry(each) for each in new]}

    first = tap.sync(catalog=catalog)
    for each in new:
        assert first.ids(each.name) == fake.control.ids(each.name)
    assert [message["stream"] for message in first.of("ACTIVATE_VERSION")] == ["projects"]
    assert "login_url" not in first.stdout.decode()
    assert all(record["extra_fields"] is None for record in first.records("suppliers"))
    supplier = fake.control.add("suppliers", name="new", color="red")
    fake.control.delete("projects", fake.control.ids("projects")[2])
    second = tap.sync(catalog=catalog, state=first.state, lookback_seconds=0)
    assert second.ids("projects") == fake.control.ids("projects")
    assert second.ids("suppliers")[-1] == supplier
    assert len(second.ids("suppliers")) <= 2
    assert second.records("suppliers")[-1]["extra_fields"] == {"color": "red"}
    # The contract of all streams, to which `LISTS` adds the new ones.
    discovered.cache_clear()
    del tap.config["login"], tap.config["secret_key"]
    for each in new:
        contract.fill(fake, tap, each.name, 25)
        contract.test_every_row_comes_whole_and_exact(fake, tap, each.name)
        contract.test_every_column_is_described(each.name)
        contract.test_a_run_goes_on_from_each_state(fake, tap, each.name)
        contract.test_nothing_is_lost_while_rows_change(fake, tap, each.name)
    discovered.cache_clear()


def entry(stream: Any) -> Json:
    """Return what a catalog says of a stream that is selected."""
    return {
        "tap_stream_id": stream.name,
        "stream": stream.name,
        "schema": stream.schema,
        "key_properties": list(stream.primary_keys),
        "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
    }


def test_the_code_of_the_guide_passes_the_linters(tmp_path: Path) -> None:
    """Also the type checker, as if it stood where the guide says."""
    stream, endpoint = blocks("add-a-stream.md")
    (tmp_path / "__init__.py").touch()
    for name, code in (("suppliers.py", stream), ("endpoint.py", endpoint)):
        path = tmp_path / name
        path.write_text(code, "utf-8")
        for command in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]):
            config = ["--config-file" if command == ["mypy"] else "--config", "pyproject.toml"]
            done = subprocess.run(
                [sys.executable, "-m", *command, *config, str(path)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout


def test_the_nightly_workflow_is_valid(tmp_path: Path) -> None:
    (code,) = (
        code
        for _, language, code in BLOCK.findall((DOCS / "deployment.md").read_text("utf-8"))
        if language == "yaml" and "\njobs:" in code
    )
    path = tmp_path / "nightly.yml"
    path.write_text(code, "utf-8")
    assert_workflow_is_good(path)


def test_examples_end_in_time_and_pull_from_no_stranger() -> None:
    shown = BLOCK.findall((DOCS / "deployment.md").read_text("utf-8"))
    (nightly,) = (code for _, _, code in shown if "\njobs:" in code)
    job = yaml.safe_load(nightly)["jobs"]["sync"]
    assert job["timeout-minutes"] <= 360
    assert job["steps"][-1]["env"]["AWS_DEFAULT_REGION"]
    (manifests,) = (code for _, _, code in shown if "kind: CronJob" in code)
    claim, cron = yaml.safe_load_all(manifests)
    runs = cron["spec"]["jobTemplate"]["spec"]
    assert runs["activeDeadlineSeconds"]
    pod = runs["template"]["spec"]
    (volume,) = pod["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    # Without a host, the image comes from the public registry, whoever owns the name there.
    names = [pod["containers"][0]["image"]]
    names += re.findall(
        r"docker (?:build|run) .*?(\S+/tap-qonto\S*|tap-qonto)",
        "\n".join(code for _, language, code in shown if language == "bash"),
    )
    assert len(names) == 3
    assert all(re.match(r"localhost/|[\w-]+\.", name) for name in names)
