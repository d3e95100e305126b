"""Running the tap as its users do, and reading what it says."""

from __future__ import annotations

import copy
import io
import json
import multiprocessing
import os
import re
import runpy
import signal
import sys
import threading
import time
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from tap_qonto.tap import TapQonto

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from tests.fake_qonto import FakeQonto, FakeQontoProcess

Json = dict[str, Any]
INVOICES, FILES = "supplier_invoices", "attachments"
BOTH = (INVOICES, FILES)
"""What runs read unless a test says otherwise."""
RUN_SECONDS = 300
_ERROR_LINES = re.compile(r"^[^|]+ \| ERROR +\| [^|]+ \| (.*)$", re.MULTILINE)
_WITHOUT_CATALOG = {"--about", "--discover", "--help", "--version"}
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
"""Whether this user may read and write everything."""


class Patience(threading.Event):
    """A tap's `stop` whose waits are over at once; it remembers how long each was."""

    def __init__(self) -> None:
        """Wait for nothing yet."""
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Do not wait."""
        self.waits.append(timeout or 0.0)
        return self.is_set()


class ImpatientTap(TapQonto):
    """The tap, but for the waits between attempts."""

    @cached_property
    def stop(self) -> threading.Event:
        """Set when the run is to end."""
        return Patience()


@dataclass(frozen=True)
class Output:
    """What a run of the tap wrote.

    Attributes:
        stdout: Its bytes, which should be Singer messages.
        stderr: Its log; empty for runs in this process.
        code: Its exit code; 0 for runs in this process.
    """

    stdout: bytes
    stderr: str = ""
    code: int = 0

    @cached_property
    def messages(self) -> list[Json]:
        """Every message, numbers exact; a line that a kill has torn is none."""
        lines = self.stdout.splitlines(keepends=True)
        whole = [line for line in lines if self.code >= 0 or line.endswith(b"\n")]
        return [json.loads(line, parse_float=Decimal) for line in whole]

    def of(self, kind: str, stream: str | None = None) -> list[Json]:
        """Return the messages of a type, of one stream or all."""
        return [
            message
            for message in self.messages
            if message["type"] == kind and stream in {None, message.get("stream")}
        ]

    def records(self, stream: str = INVOICES) -> list[Json]:
        """Return a stream's records, in order."""
        return [message["record"] for message in self.of("RECORD", stream)]

    def ids(self, stream: str = INVOICES) -> list[str]:
        """Return the ids of a stream's records, in order."""
        return [record["id"] for record in self.records(stream)]

    @property
    def states(self) -> list[Json]:
        """The values of all STATE messages, in order."""
        return [message["value"] for message in self.of("STATE")]

    @property
    def state(self) -> Json:
        """The last state: what the next run gets."""
        return self.states[-1]

    @property
    def errors(self) -> list[str]:
        """What was logged at level ERROR, without time, level and logger."""
        return _ERROR_LINES.findall(self.stderr)

    @property
    def sentence(self) -> str:
        """The last error, which is what the user reads first."""
        return self.errors[-1] if self.errors else ""


def bookmark(state: Json, stream: str = INVOICES) -> str | None:
    """Return a stream's bookmark in a state."""
    value: str | None = state["bookmarks"].get(stream, {}).get("replication_key_value")
    return value


@cache
def discovered() -> Json:
    """Return the catalog that discovery gives."""
    config = {"access_token": "not used", "api_url": "http://127.0.0.1:1"}
    with _signals_kept():
        catalog: Json = json.loads(TapQonto(config=config).catalog_json_text)
    return catalog


def meltano_catalog(
    *streams: str,
    full_table: Sequence[str] = (),
    without: Mapping[str, Sequence[str]] | None = None,
) -> Json:
    """Return a catalog as Meltano would make it from discovery.

    Args:
        *streams: The selected ones.
        full_table: Those for which the method FULL_TABLE is forced.
        without: Properties that are deselected, by stream.
    """
    return _selecting(discovered(), streams, full_table, without or {})


def chosen(
    *streams: str,
    full_table: Sequence[str] = (),
    without: Mapping[str, Sequence[str]] | None = None,
) -> Json:
    """Return the same without the streams that are not selected: a run starts in half the time.

    The tap adds what a catalog lacks; test_catalogs.py shows that it comes to the same. But a
    method that is forced on a list whose files alone are read needs `meltano_catalog`.
    """
    entries = [each for each in discovered()["streams"] if each["tap_stream_id"] in streams]
    return _selecting({"streams": entries}, streams, full_table, without or {})


def _selecting(
    catalog: Json,
    streams: Sequence[str],
    full_table: Sequence[str],
    without: Mapping[str, Sequence[str]],
) -> Json:
    catalog = _copied(catalog)
    for entry in catalog["streams"]:
        name = entry["tap_stream_id"]
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = name in streams
                if name in full_table:
                    item["metadata"]["forced-replication-method"] = "FULL_TABLE"
            elif item["breadcrumb"][-1] in without.get(name, ()):
                item["metadata"]["selected"] = False
    return catalog


def _copied(catalog: Json) -> Json:
    """Copy JSON, several times faster than `copy.deepcopy` does."""
    copied: Json = json.loads(json.dumps(catalog))
    return copied


@dataclass
class Runner:
    """Runs the tap against a fake.

    Attributes:
        folder: Where a run may write; the working folder of processes.
        config: Settings of all runs; each run can add its own.
    """

    folder: Path
    config: Json = field(default_factory=dict)

    @classmethod
    def against(cls, fake: FakeQonto | FakeQontoProcess, folder: Path) -> Runner:
        """Return a runner with what is needed to reach a fake."""
        return cls(
            folder,
            {
                "login": fake.login,
                "secret_key": fake.secret_key,
                "api_url": fake.url,
                "attachments": {"location": str(folder / "files")},
            },
        )

    @classmethod
    def with_oauth(cls, fake: FakeQonto, folder: Path) -> Runner:
        """Return a runner that reads with an access token, which every stream takes."""
        runner = cls.against(fake, folder)
        runner.use_oauth(fake)
        return runner

    def use_oauth(self, fake: FakeQonto) -> None:
        """Read with a new access token from now on, since every stream takes OAuth."""
        self.config.pop("login", None)
        self.config.pop("secret_key", None)
        self.config["access_token"] = fake.control.new_access_token()

    @property
    def files(self) -> Path:
        """The folder for attachments."""
        return self.folder / "files"

    def settings(self, given: Mapping[str, Any]) -> Json:
        """Return the settings with those of one run; a None takes one away."""
        attachments = self.config.get("attachments", {}) | (given.get("attachments") or {})
        together = self.config | dict(given) | {"attachments": attachments}
        return {name: value for name, value in together.items() if value is not None}

    def tap(
        self, *, state: Json | None = None, catalog: Json | None = None, **settings: Any
    ) -> ImpatientTap:
        """Return a tap that does not wait between attempts."""
        with _signals_kept():
            return ImpatientTap(
                config=self.settings(settings),
                state=copy.deepcopy(state),
                catalog=catalog and _copied(catalog),
            )

    def sync(
        self,
        *select: str,
        state: Json | None = None,
        catalog: Json | None = None,
        **settings: Any,
    ) -> Output:
        """Run the tap in this process; what it raises goes through.

        Args:
            *select: Streams to read; none for supplier invoices and their files.
            state: Of an earlier run.
            catalog: Instead of `select`.
            **settings: Beside those of the runner.
        """
        if catalog is None:
            catalog = chosen(*(select or BOTH))
        return written_by(self.tap(state=state, catalog=catalog, **settings))

    def run(
        self,
        *arguments: str,
        state: Any = None,
        catalog: Any = ...,
        environment: Mapping[str, str] | None = None,
        largest_file: int | None = None,
        killed_when: Callable[[], bool] | None = None,
        **settings: Any,
    ) -> Output:
        """Run the tap as a process of its own.

        Args:
            *arguments: Of the command line, beside those for the files below.
            state: JSON for ``--state``.
            catalog: JSON for ``--catalog``; None for no such option.
            environment: More environment variables.
            largest_file: Bytes beyond which the process can write to no file.
            killed_when: Tells when the process is to be killed.
            **settings: For ``--config``, beside those of the runner.
        """
        if catalog is ...:
            catalog = meltano_catalog(*BOTH) if _WITHOUT_CATALOG.isdisjoint(arguments) else None
        given = {"config": self.settings(settings), "state": state, "catalog": catalog}
        options: list[str] = []
        for name, content in given.items():
            if content is not None and f"--{name}" not in arguments:
                path = self.folder / f"{name}.json"
                path.write_text(json.dumps(content))
                options += [f"--{name}", str(path)]
        return self.command([*options, *arguments], environment, largest_file, killed_when)

    def command(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str] | None = None,
        largest_file: int | None = None,
        killed_when: Callable[[], bool] | None = None,
    ) -> Output:
        """Run ``python -m tap_qonto`` with nothing but these arguments."""
        if time_machine.escape_hatch.is_travelling():
            pytest.skip("a process of its own has the real clock: mark the test real_clock")
        stdout, stderr = self.folder / "stdout", self.folder / "stderr"
        process = _PROCESSES.Process(
            target=_as_process,
            args=(
                list(arguments),
                str(self.folder),
                (str(stdout), str(stderr)),
                dict(os.environ) | dict(environment or {}),
                largest_file,
            ),
        )
        process.start()
        deadline = time.monotonic() + RUN_SECONDS
        while time.monotonic() < deadline and not (killed_when and killed_when()):
            process.join(0.005 if killed_when else RUN_SECONDS)
            if process.exitcode is not None:
                break
        if process.exitcode is None:
            process.kill()
            process.join()
        code = process.exitcode
        process.close()
        return Output(stdout.read_bytes(), stderr.read_text(), code if code is not None else -1)


def answer(fake: FakeQonto, path: str, body: Any, **facts: Any) -> None:
    """Let a fake answer with this JSON, whatever it has.

    Args:
        fake: The fake.
        path: Of which requests, a pattern.
        body: The JSON.
        **facts: Of the fault beside these.
    """
    fake.control.add_fault(
        "raw",
        path=path,
        status=200,
        body=json.dumps(body, default=float),
        content_type="application/json",
        **facts,
    )


def written_by(tap: TapQonto) -> Output:
    """Sync a tap in this process and return what it wrote; what it raises goes through."""
    stdout = io.TextIOWrapper(io.BytesIO(), write_through=True)
    with redirect_stdout(stdout):
        try:
            tap.sync_all()
        except Exception as error:
            error.output = Output(_bytes_of(stdout))  # type: ignore[attr-defined]
            raise
    return Output(_bytes_of(stdout))


def _bytes_of(stdout: io.TextIOWrapper) -> bytes:
    assert isinstance(stdout.buffer, io.BytesIO)
    return stdout.buffer.getvalue()


def output_before(error: BaseException) -> Output:
    """Return what a sync wrote before it raised this."""
    output: Output = error.output  # type: ignore[attr-defined]
    return output


# Importing the SDK takes most of a second, so processes are forked from one that has.
if sys.platform == "win32":
    _PROCESSES = multiprocessing.get_context("spawn")
else:
    _PROCESSES = multiprocessing.get_context("forkserver")
    _PROCESSES.set_forkserver_preload(["tests.support"])


def _as_process(
    arguments: list[str],
    folder: str,
    outputs: tuple[str, str],
    environment: dict[str, str],
    largest_file: int | None,
) -> None:
    for descriptor, path in enumerate(outputs, start=1):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, descriptor)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if largest_file is not None:
        import resource  # noqa: PLC0415 - is not on Windows

        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    sys.argv = ["tap-qonto", *arguments]
    # The waits between attempts are the one thing that is not as users have it.
    TapQonto.stop = ImpatientTap.stop  # type: ignore[assignment, method-assign]
    runpy.run_module("tap_qonto", run_name="__main__")


@contextmanager
def _signals_kept() -> Generator[None, None, None]:
    """Give signals back to pytest, which the SDK takes when a tap is made."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)


def file_keys(output: Output) -> list[tuple[str, str]]:
    """Return the keys of the files that a run wrote."""
    return [(row["supplier_invoice_id"], row["id"]) for row in output.records(FILES)]


def token_of_all(fake: FakeQonto) -> str:
    """Return an access token that reads every stream, also those that need a scope that writes."""
    scopes: str = fake.control.settings()["scopes"]
    return fake.control.new_access_token(scope=f"{scopes} payment.write")


def all_file_keys(fake: FakeQonto) -> set[tuple[str, str]]:
    """Return the keys of all files that there are."""
    return {
        (row["id"], key)
        for row in fake.control.invoices()
        for key in (row["attachment_id"], row["display_attachment_id"])
        if key
    }
