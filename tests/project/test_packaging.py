"""What is shipped: the wheel and the sdist hold what they should, and run on their own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from tests.stack import BIN, ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.fake_qonto import FakeQonto

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
SHIPPED: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FOLDERS_OF_COMMANDS = {"win32": "Scripts"}

# Tools and dependencies are installed.
pytestmark = pytest.mark.timeout(300)


def uv(*arguments: str | Path, cwd: Path = ROOT) -> None:
    """Run uv; a failure shows what it said."""
    command = [sys.executable, "-m", "uv", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stderr


def build(source: Path, folder: Path, *options: str) -> dict[str, Path]:
    """Build the source's packages into a folder; return them by kind."""
    uv("build", "--quiet", "--out-dir", folder, *options, source)
    return {path.suffix: path for path in folder.iterdir() if path.suffix in {".whl", ".gz"}}


def files_of(folder: Path) -> set[str]:
    """Return the files below a folder that git would take, relative to the project."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in ([folder] if folder.is_file() else folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist of this tree, and the wheel that is made from it."""
    return build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def commands(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of a bare environment with nothing but the wheel."""
    folder = tmp_path_factory.mktemp("bare")
    uv("venv", "--quiet", "--python", sys.executable, folder / "venv")
    commands = folder / "venv" / FOLDERS_OF_COMMANDS.get(sys.platform, "bin")
    uv("pip", "install", "--quiet", "--python", commands / "python", built[".whl"])
    return commands


def ran(commands: Path, arguments: Sequence[str | Path], cwd: Path) -> str:
    program, *rest = arguments
    done = subprocess.run(
        [commands / program, *rest], check=False, capture_output=True, text=True, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_and_nothing_else(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built[".whl"]) as wheel:
        names = set(wheel.namelist())
    facts = {name for name in names if ".dist-info/" in name}
    assert names - facts == files_of(ROOT / "tap_qonto")
    assert {name.partition("/")[2] for name in facts} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_the_sdist_holds_what_is_named_and_nothing_else(built: dict[str, Path]) -> None:
    with tarfile.open(built[".gz"]) as sdist:
        names = {member.name.partition("/")[2] for member in sdist.getmembers()}
    named = set[str]().union(*(files_of(ROOT / name.strip("/")) for name in SHIPPED))
    assert names == named | {"PKG-INFO", "pyproject.toml", ".gitignore"}


def test_its_description_can_be_shown(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built[".whl"]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("METADATA"))
        metadata = wheel.read(name).decode()
    head, _, text = metadata.partition("\n\n")
    assert "Description-Content-Type: text/markdown" in head
    assert text.startswith("# tap-qonto")
    assert re.findall("^Provides-Extra: (.*)$", head, re.MULTILINE) == sorted(EXTRAS)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a wheel is built from, without git."""
    folder = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "tap_qonto", folder / "tap_qonto")
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def repository(source: Path, tmp_path: Path) -> Path:
    """The same as a git repository with a tag."""
    folder = shutil.copytree(source, tmp_path / "repository")
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    for arguments in (["init"], ["add", "."], ["commit", "-m", "x"], ["tag", "v12.3.4"]):
        command = ["git", *identity, *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return folder


def test_the_version_comes_from_the_tag(repository: Path, tmp_path: Path) -> None:
    wheel = build(repository, tmp_path / "dist", "--wheel")[".whl"]
    assert wheel.name == "tap_qonto-12.3.4-py3-none-any.whl"


def test_without_git_it_is_the_next_version(source: Path, tmp_path: Path) -> None:
    fallback = PROJECT["tool"]["hatch"]["version"]["fallback-version"]
    wheel = build(source, tmp_path / "dist", "--wheel")[".whl"]
    assert wheel.name == f"tap_qonto-{fallback}-py3-none-any.whl"
    released = re.findall(
        r"^## \[(\d[\d.]*)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert fallback.endswith(".dev0")
    assert all(Version(fallback) > Version(each) for each in ["0.1.0", *released])


def run_with_uvx(what: str | Path) -> str:
    """Run the tap with ``uvx`` from a wheel, a path or a git address; return what it says."""
    command = [sys.executable, "-m", "uv", "tool", "run", "--from", what, "tap-qonto", "--version"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_uvx_runs_the_wheel(built: dict[str, Path]) -> None:
    assert run_with_uvx(built[".whl"]).startswith("tap-qonto v")


def test_the_lines_that_need_no_index_work(repository: Path) -> None:
    page = (ROOT / "docs" / "quick-start.md").read_text("utf-8")
    assert 'pip install "tap-qonto @ git+https://host/owner/tap-qonto@v0.1.0"' in page
    assert "uvx --from /path/to/clone tap-qonto --version" in page
    address = f"tap-qonto @ git+file://{repository}@v12.3.4"
    for what in (str(repository), address):
        assert run_with_uvx(what).startswith("tap-qonto v12.3.4,")


def test_the_wheel_runs_on_its_own(
    commands: Path, built: dict[str, Path], company: FakeQonto, tmp_path: Path
) -> None:
    version = built[".whl"].name.split("-")[1]
    assert f"tap-qonto v{version}," in ran(commands, ["tap-qonto", "--version"], tmp_path)
    assert "--redirect-uri" in ran(commands, ["tap-qonto-login", "--help"], tmp_path)
    config = {"login": company.login, "secret_key": company.secret_key, "api_url": company.url}
    (tmp_path / "config.json").write_text(json.dumps(config))
    lines = ran(commands, ["tap-qonto", "--config", "config.json"], tmp_path).splitlines()
    messages = [json.loads(line) for line in lines]
    rows = [
        message["record"]
        for message in messages
        if message["type"] == "RECORD" and message["stream"] == "supplier_invoices"
    ]
    assert {row["id"] for row in rows} == set(company.control.invoice_ids())
    assert any(path.is_file() for path in (tmp_path / "attachments").rglob("*"))


AS_ON_WINDOWS = """
import multiprocessing, os, pathlib, signal, sys
import filelock, platformdirs, pytest, singer_sdk, starlette.applications, uvicorn
for place, names in ((os, "chown fchmod fork geteuid getuid"), (signal, "SIGHUP SIGKILL")):
    for name in names.split():
        delattr(place, name)
absent = "fcntl grp pwd resource termios"
not_installed_there = "asyncssh duckdb moto psycopg yaml"
for name in (*absent.split(), *not_installed_there.split()):
    sys.modules[name] = None
for path in pathlib.Path("tap_qonto").rglob("*.py"):
    __import__(".".join(path.with_suffix("").parts))
ignore = "ignore::pytest.PytestAssertRewriteWarning"
sys.exit(pytest.main(["--collect-only", "--quiet", "-W", ignore, *sys.argv[1:]]))
"""


def test_nothing_that_only_unix_has_is_needed_to_begin_on_windows() -> None:
    # It cannot be seen here whether it ends well there; the workflow does.
    [tests] = {
        tuple(re.findall(r"\btests/[\w/]+\.py\b", path.read_text("utf-8"))) for path in WORKFLOWS
    }
    assert len(tests) > 5
    command = [sys.executable, "-c", AS_ON_WINDOWS, "--numprocesses=0", *tests]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_extra_is_documented(extra: str) -> None:
    pages = [path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md")]
    assert any(f"tap-qonto[{extra}]" in page for page in pages)


def assert_workflow_is_good(path: Path) -> None:
    """Hold a workflow to its schema, and to what is known of attacks on workflows."""
    schema: list[str | Path] = [
        BIN / "check-jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
    ]
    attacks: list[str | Path] = [BIN / "zizmor", "--offline", "--no-progress"]
    for command in (schema, attacks):
        done = subprocess.run([*command, path], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_are_good(path: Path) -> None:
    assert_workflow_is_good(path)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_nothing_at_first_and_pin_actions(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "\npermissions: {}\n" in text
    for name in re.findall(r"uses: (.*)", text):
        assert re.fullmatch(r"\./\S+|[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", name)
    named = re.findall(r"\btests/[\w/]+\.py\b", text)
    assert all((ROOT / name).is_file() for name in named)
