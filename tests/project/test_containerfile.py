"""The steps of the Containerfile, in a clean folder and as a user without privileges.

No container engine is needed, so the base image and the isolation are not tested: a virtual
environment takes the place of the image's Python, and paths of the image lie below the folder.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest

from tests.stack import ROOT, environment, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fake_qonto import FakeQonto

FOLDERS = ("/project", "/data")
OF_ROOT = {"useradd", "mkdir", "chown"}
# What pip needs to reach its index here.
PASSED = re.compile(r"(PIP|UV|SSL|REQUESTS)_\w+|\w+_proxy", re.IGNORECASE)

# Meltano and two plugins are installed without a cache.
pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("containerfile")]


class Image(NamedTuple):
    """What the steps have made."""

    folder: Path
    environ: dict[str, str]
    command: list[str]

    def run(self, command: str) -> str:
        """Run a command as the user of the image; return what it says."""
        done = subprocess.run(
            ["/bin/sh", "-ec", self.inside(command)],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder / "project",
            env=self.environ,
            **unprivileged(),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)

    def inside(self, text: str) -> str:
        """Return a text with the folders of the image below this one."""
        for name in FOLDERS:
            text = re.sub(
                rf"(?<![\w/.]){name}\b|(?<=file://){name}\b", f"{self.folder}{name}", text
            )
        return text


def unprivileged() -> dict[str, Any]:
    """Return the arguments that run a process without root's privileges."""
    if os.geteuid() != 0:
        return {}
    user, group = nobody()
    return {"user": user, "group": group, "extra_groups": []}


def nobody() -> tuple[int, int]:
    """Return the ids of a user without privileges, and of its group."""
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def python() -> str:
    """Return a Python that an unprivileged user can run."""
    system = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    return system if os.geteuid() == 0 and system else sys.executable


def steps() -> list[tuple[str, str]]:
    """Return the instructions of the Containerfile, each with its arguments."""
    text = (ROOT / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = (line.partition(" ") for line in lines)
    return [(word, arguments) for word, _, arguments in pairs]


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """Carry the steps out."""
    with TemporaryDirectory(prefix="image-") as base:
        folder = Path(base)
        folder.chmod(0o755)
        for each in ("home", "venv", *FOLDERS):
            place = folder / each.strip("/")
            place.mkdir()
            if os.geteuid() == 0:
                shutil.chown(place, *nobody())
        environ = {key: value for key, value in os.environ.items() if PASSED.fullmatch(key)}
        environ |= {"HOME": f"{folder}/home", "PATH": f"{folder}/venv/bin:/usr/bin:/bin"}
        built = Image(folder, environ, [])
        built.run(f"{python()} -m venv {folder}/venv")
        for word, rest in steps():
            if word == "RUN":
                # Users and folders are there already.
                parts = re.split(r"\s+&&\s+", rest)
                own = [
                    part for part in parts if part.split()[0] not in {"useradd", "mkdir", "chown"}
                ]
                built.run(" && ".join(own))
            elif word == "COPY":
                copy(rest, folder / "project")
            elif word == "ENV":
                for pair in shlex.split(built.inside(rest)):
                    name, _, environ[name] = pair.partition("=")
            elif word in {"ENTRYPOINT", "CMD"}:
                built.command.extend(re.findall(r'"([^"]+)"', rest))
        yield built


def copy(arguments: str, project: Path) -> None:
    """Copy what a COPY names."""
    *names, destination = [each for each in arguments.split() if not each.startswith("--")]
    for name in names:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, project / destination, ignore=ignore)
        else:
            shutil.copy(ROOT / name, project / destination)
    if os.geteuid() == 0:
        for path in project.rglob("*"):
            shutil.chown(path, *nobody())


def test_its_version_is_that_of_the_next_release(image: Image) -> None:
    [version] = re.findall(r'fallback-version = "(.+)"', (ROOT / "pyproject.toml").read_text())
    assert f"tap-qonto v{version}," in image.run("meltano invoke tap-qonto --version")


def test_it_syncs_and_keeps_everything_below_data(image: Image, company: FakeQonto) -> None:
    with postgres(timezone="Europe/Paris") as database:
        image.environ.update(environment(company, database))
        image.run(shlex.join(image.command))
        with psycopg.connect(database) as connection:
            ids = {key for (key,) in connection.execute("SELECT id FROM qonto.supplier_invoices")}
    assert ids == set(company.control.invoice_ids())
    assert {path.name for path in (image.folder / "data").iterdir()} == {"attachments", "state"}
