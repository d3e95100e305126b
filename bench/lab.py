"""Where figures are measured: a fake Qonto, and taps run as processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_qonto.reading.by_created import CreatedAnchored
from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.streams import STREAMS
from tests.support import FILES, INVOICES, Output, meltano_catalog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.fake_qonto import FakeQonto, FakeQontoProcess
    from tests.support import Json

ROOT = Path(__file__).parents[1]
OURS, PLAIN = "tap_qonto", "bench.plain_tap"
"""The modules of the tap and of its peer."""
_STREAMS: tuple[Any, ...] = STREAMS
LISTS = tuple(
    stream
    for stream in _STREAMS
    if issubclass(stream, QontoStream) and stream.selected_by_default and stream.access != "oauth"
)
"""What is read by default with an API key, files aside."""
MIB = 1 << 20
UNLIMITED = (1_000_000, 1)
"""A rate limit that limits nothing."""
_LOOK_EVERY = 0.05


class BenchError(Exception):
    """Something did not run as it must for its figure to mean anything."""


@dataclass(frozen=True)
class Run:
    """What a process did and took, from its start to its end.

    Attributes:
        stdout: The file with its output.
        stderr: The file with its log.
        wall: Seconds.
        cpu: Seconds of user and system time.
        peak: Most bytes of memory that it held.
    """

    stdout: Path
    stderr: Path
    wall: float
    cpu: float
    peak: int

    @property
    def output(self) -> Output:
        """What was written, to look into."""
        return Output(self.stdout.read_bytes(), self.stderr.read_text())

    @property
    def rows(self) -> int:
        """How many records were written, without looking into them."""
        return sum(1 for _ in self.lines("RECORD"))

    @property
    def state(self) -> Json:
        """The last state."""
        *_, last = self.lines("STATE")
        state: Json = json.loads(last)["value"]
        return state

    def lines(self, kind: str) -> Iterator[bytes]:
        """Yield the messages of a type as they were written."""
        mark = kind.encode()
        with self.stdout.open("rb") as lines:
            # The type stands at the front of each message, whoever writes it.
            yield from (line for line in lines if mark in line[:20])


class Lab:
    """A fake Qonto and a folder.

    Args:
        fake: It gets new data for each figure.
        folder: Everything is written below it.
    """

    def __init__(self, fake: FakeQonto | FakeQontoProcess, folder: Path) -> None:
        """Lay out for the peer what it is not written to know: schemas, paths and names."""
        self.fake = fake
        self.folder = folder
        self._numbers = count(1)
        # Once, in the main thread, which alone may keep signals; runs may have threads.
        meltano_catalog()
        (folder / "schemas").mkdir()
        for stream in STREAMS:
            path = folder / "schemas" / f"{stream.name}.json"
            path.write_text(json.dumps(stream.schema))
        facts = {stream.name: _facts(stream) for stream in LISTS}
        (folder / "lists.json").write_text(json.dumps(facts))

    @property
    def _environment(self) -> dict[str, str]:
        """That of this process, but for what changes how Python runs.

        Some shells keep it from storing what it has compiled: a second of each start, which
        nobody has who installed a tap.
        """
        mine = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
        return mine | {"PYTHONPATH": str(ROOT)}

    def seed(self, invoices: int, rows: Mapping[str, int] | None = None, **knobs: Any) -> None:
        """Fill the fake, and make its pages ready so that it does not bound the figure.

        Args:
            invoices: How many supplier invoices there are.
            rows: How many rows there are in other lists.
            **knobs: Of the fake.
        """
        control = self.fake.control
        counts: dict[str, Any] = {"invoices": invoices, **(rows or {})}
        control.reset(**counts)
        control.set(**{"rate_limits": [UNLIMITED], **knobs})
        for name in (INVOICES, *(rows or {})):
            control.warm(name)

    def sync(self, tap: str, *streams: str, state: Json | None = None, **settings: Any) -> Run:
        """Run a tap's sync in a folder of its own.

        Args:
            tap: `OURS` or `PLAIN`.
            *streams: The selected ones; none for both.
            state: Of an earlier run.
            **settings: Of our tap, beside those that a run needs.
        """
        folder = self._folder()
        requests, seconds = UNLIMITED
        if tap == OURS:
            settings = {"rate_limits": [{"requests": requests, "seconds": seconds}]} | settings
        given = {
            "catalog": meltano_catalog(*(streams or (INVOICES, FILES))),
            "state": state,
            "config": self._settings(tap, folder / "files", settings),
        }
        arguments = []
        for option, content in given.items():
            if content is not None:
                path = folder / f"{option}.json"
                path.write_text(json.dumps(content))
                arguments += [f"--{option}", str(path)]
        return self._run([sys.executable, "-m", tap, *arguments], folder)

    def command(self, tap: str, *arguments: str) -> Run:
        """Run a tap's command line."""
        folder = self._folder()
        config = folder / "config.json"
        config.write_text(json.dumps(self._settings(tap, folder / "files", {})))
        options = [*arguments, "--config", str(config)]
        return self._run([sys.executable, "-m", tap, *options], folder)

    def _folder(self) -> Path:
        folder = self.folder / f"run-{next(self._numbers)}"
        folder.mkdir()
        return folder

    def _settings(self, tap: str, files: Path, others: Json) -> Json:
        fake = self.fake
        access = {"login": fake.login, "secret_key": fake.secret_key, "api_url": fake.url}
        if tap == PLAIN:
            return access | {"location": str(files)}
        attachments = {"location": str(files)} | others.pop("attachments", {})
        return access | {"attachments": attachments} | others

    def _run(self, command: list[str], folder: Path) -> Run:
        stdout, stderr = folder / "stdout", folder / "stderr"
        with stdout.open("wb") as out, stderr.open("wb") as err:
            started = time.perf_counter()
            process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=self._environment,
            )
            memory = _Memory(process.pid)
            # Unlike getrusage, this counts one child alone.
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            process.returncode = os.waitstatus_to_exitcode(status)
            peak = memory.stop()
        if process.returncode != 0:
            msg = f"{' '.join(command[1:3])} failed:\n{stderr.read_text()[-2000:]}"
            raise BenchError(msg)
        return Run(stdout, stderr, wall, usage.ru_utime + usage.ru_stime, peak)


def _facts(stream: Any) -> Json:
    """Return what a plain tap would state of a list."""
    way, since = stream.ways[0], "updated_at_from"
    can_filter = stream.replication_key and isinstance(way, (UpdatedAnchored, CreatedAnchored))
    is_nested = since not in stream.top_level_filters
    order = {"sort_by": way.order} if way.order else {}
    return {
        "path": stream.path.removeprefix("/v2"),
        "collection": stream.collection,
        "primary_keys": stream.primary_keys,
        "params": dict(stream.params) | order,
        "since": (f"filter[{since}]" if is_nested else since) if can_filter else None,
    }


class _Memory:
    """Looks at a process again and again, since ru_maxrss counts its parent's memory too."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Return the peak as it was seen last, in bytes."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_EVERY):
            with suppress(OSError):
                for line in self._status.read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        self._peak = int(line.split()[1]) << 10
