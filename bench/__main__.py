"""``python -m bench``: measures, shows the table, and writes the page."""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.console import Console

from bench import report
from bench.account import account
from bench.backfill import burst, sustained
from bench.chart import draw
from bench.edits import edits
from bench.growth import growth
from bench.lab import ROOT, BenchError, Lab
from bench.lists import lists
from bench.loading import loading
from bench.messages import messages
from bench.receipts import receipts
from bench.rows import memory, rows, wide
from bench.startup import startup
from tests.fake_qonto import FakeQontoProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.figures import Figure

PARTS: dict[str, Callable[[Lab], list[Figure]]] = {
    "files": sustained,
    "burst": burst,
    "receipts": receipts,
    "lists": lists,
    "account": account,
    "growth": growth,
    "rows": rows,
    "wide": wide,
    "memory": memory,
    "targets": loading,
    "messages": messages,
    "edits": edits,
    "startup": startup,
}
DOCS = ROOT / "docs"
console = Console(highlight=False)


def measure(parts: Iterable[str]) -> list[Figure]:
    """Measure, each part with a fake and a folder of its own."""
    figures = []
    for part in parts:
        started = time.monotonic()
        with (
            console.status(f"{part} ..."),
            TemporaryDirectory(prefix="bench-") as folder,
            FakeQontoProcess(invoices=0) as fake,
        ):
            figures += PARTS[part](Lab(fake, Path(folder)))
        console.print(f"{part} [dim]({time.monotonic() - started:.0f} s)[/]")
    return figures


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        help=f"some of {','.join(PARTS)}; the page is left as it is",
    )
    only: list[str] | None = parser.parse_args().only
    if unknown := set(only or ()) - PARTS.keys():
        parser.error(f"there is no {' and no '.join(sorted(unknown))}")
    if not Path("/proc/self/status").exists():
        sys.exit("Memory is read from /proc, so this needs Linux.")
    if find_spec("numpy"):
        sys.exit("There is numpy, which the SDK loads with itself; it would count as the taps'.")
    try:
        run = report.as_json(measure(only or PARTS))
    except BenchError as error:
        sys.exit(str(error))
    console.print(report.as_table(run))
    if only is None:
        (DOCS / "benchmarks.json").write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
        (DOCS / "benchmarks.md").write_text(report.as_page(run), encoding="utf-8")
        draw(run, DOCS / "benchmarks.svg")


if __name__ == "__main__":
    main()
