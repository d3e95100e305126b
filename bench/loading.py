"""How long targets take to load what the tap writes."""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import count
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING

from bench.figures import Figure, Goal
from bench.lab import OURS, BenchError
from tests.stack import postgres
from tests.support import FILES, INVOICES
from tests.targets import venvs
from tests.targets.catalog import TARGETS, Place, Target

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from bench.lab import Lab
    from tests.support import Output

_BEST = "The best of five for both, in turns; with SCHEMA repeated, one. Start-up is included."
_ENDED = f"With SCHEMA repeated it was ended after {venvs.SECONDS} s; it takes longer."
_TIMES = 5
CHOSEN = ("target-duckdb", "pipelinewise-target-postgres", "meltanolabs-target-postgres")


def loading(lab: Lab, invoices: int = 250, chosen: Collection[str] = CHOSEN) -> list[Figure]:
    """Load a recorded run in three forms, and time each; the best of several runs counts."""
    targets = [target for target in TARGETS if target.name in chosen]
    for target in targets:
        venvs.install(target.name, target.packages, target.command)
    lab.seed(invoices)
    output = lab.sync(OURS).output
    forms = {
        "ours": output.stdout,
        "once": schema_first(output),
        "repeated": schema_repeated(output),
    }
    rows = {stream: len(output.records(stream)) for stream in (INVOICES, FILES)}
    figures = []
    with ExitStack() as stack:
        database = stack.enter_context(postgres())
        for target in targets:
            loader = _Loader(target, lab.folder / target.name, database, rows)
            best = {form: loader.seconds(forms[form]) for form in forms}
            for _ in range(_TIMES - 1):
                for form in ("ours", "once"):
                    best[form] = min(best[form], loader.seconds(forms[form]))
            figures += _figures(target.name, invoices, best)
    return figures


def schema_first(output: Output) -> bytes:
    """Return the messages with each stream's rows right after its SCHEMA, one STATE at the end."""
    lines = list(_by_stream(output))
    streams = (INVOICES, FILES)
    ordered = [
        line
        for stream in streams
        for kind in ("SCHEMA", "RECORD")
        for line in _of(lines, kind, stream)
    ]
    return b"".join([*ordered, _of(lines, "STATE", None)[-1]])


def schema_repeated(output: Output) -> bytes:
    """Return the messages with the child's SCHEMA before each of its rows.

    That is what the SDK's own way with child streams comes to.
    """
    lines = list(_by_stream(output))
    (schema,) = _of(lines, "SCHEMA", FILES)
    return b"".join(
        schema + line if (kind, stream) == ("RECORD", FILES) else line
        for kind, stream, line in lines
    )


Line = tuple[str, "str | None", bytes]


def _by_stream(output: Output) -> Iterator[Line]:
    for message, line in zip(output.messages, output.stdout.splitlines(keepends=True), strict=True):
        yield message["type"], message.get("stream"), line


def _of(lines: list[Line], kind: str, stream: str | None) -> list[bytes]:
    return [line for found, of, line in lines if (found, of) == (kind, stream)]


class _Loader:
    """Loads messages with one target, each time to another place."""

    def __init__(
        self, target: Target, folder: Path, database: str, rows: Mapping[str, int]
    ) -> None:
        self._target = target
        self._folder = folder
        self._database = database
        self._rows = rows
        self._numbers = count(1)

    def seconds(self, messages: bytes) -> float:
        """Return how long it takes, start-up included; it is ended after `venvs.SECONDS`.

        Raises:
            BenchError: Not all rows have arrived.
        """
        target = self._target
        folder = self._folder / str(next(self._numbers))
        folder.mkdir(parents=True)
        place = Place(folder, f"{target.name}_{folder.name}".replace("-", "_"), self._database)
        destination = target.destination(place)
        program = venvs.executable(target.name, target.command)
        started = time.perf_counter()
        try:
            fed = venvs.feed(program, destination.settings, messages, folder)
        except TimeoutExpired as ended:
            return ended.timeout
        seconds = time.perf_counter() - started
        if fed.code != 0:
            msg = f"{target.name} failed: {fed.reason}"
            raise BenchError(msg)
        arrived = {stream: len(destination.rows(stream)) for stream in self._rows}
        if arrived != self._rows:
            msg = f"{target.name} has loaded {arrived} instead of {self._rows}"
            raise BenchError(msg)
        return seconds


def _figures(target: str, invoices: int, best: Mapping[str, float]) -> list[Figure]:
    ratio = best["ours"] / best["once"]
    key = target.replace("-", "_")
    return [
        Figure(
            f"load_{key}",
            f"{invoices:,} invoices and their files into {target}",
            "s",
            best["ours"],
            best["repeated"],
            "SCHEMA repeated",
            note="" if best["repeated"] < venvs.SECONDS else _ENDED,
        ),
        Figure(
            f"load_once_{key}",
            "the same",
            "s",
            best["ours"],
            best["once"],
            "one SCHEMA each",
            Goal("within 1.1", ratio, 1.1, at_most=True),
            _BEST,
        ),
    ]
