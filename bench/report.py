"""The table: in the terminal, as JSON, and as a page written from that."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from bench.figures import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.figures import Figure
    from tests.support import Json

PACKAGES = ("tap-qonto", "singer-sdk", "requests", "msgspec")
HEAD = ("figure", "tap-qonto", "compared with", "goal", "reached")
_PAGE = """\
# Benchmarks

<!-- Written by "make bench". -->

Measured on {date} with {machine}.

| {head} |
| {rule} |
{rows}

{notes}
- **plain SDK tap**: `bench/plain_tap.py`, written for this comparison as the Meltano SDK's
  template would make it: the SDK's defaults, page numbers, and a child stream that is synced for
  each invoice. It makes no other promises.
  It reads the same lists, with the filters and orders that the tap asks for.
- **small company** and **larger account**: `bench/account.py` has their numbers of rows. Each list
  of the small company that is read whole fits into a page.
- **guide's pattern**: `bench/edits.py`, which reads the list as Qonto's guide on syncing supplier
  invoices does, then once more from where it ended.
- Qonto is a fake server (`tests/fake_qonto`) on the same machine, in its own process.

![tap-qonto compared with the plain SDK tap](benchmarks.svg)

All figures come from one run of `make bench`. `make bench ARGS="--only rows,edits"` measures some
of them again.
"""


def facts() -> Json:
    """Return what the figures depend on."""
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "processor": _after("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_gib": round(int(_after("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: version(name).partition("+")[0] for name in PACKAGES},
    }


def _after(path: str, name: str) -> str:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def as_json(figures: Iterable[Figure]) -> Json:
    """Return a whole run as JSON."""
    return {"measured": facts(), "figures": [figure.as_dict() for figure in figures]}


def as_table(run: Json) -> Table:
    """Lay a run out for the terminal."""
    table = Table(title="Benchmarks", title_style="bold")
    for name in HEAD:
        table.add_column(name, justify="right" if name == HEAD[1] else "left")
    for figure in run["figures"]:
        style = "red" if figure["reached"] is False else None
        table.add_row(*_cells(figure), style=style)
    return table


def as_page(run: Json) -> str:
    """Lay a run out as the page."""
    measured = run["measured"]
    packages = ", ".join(f"{name} {number}" for name, number in measured["packages"].items())
    machine = (
        f"{measured['cores']} cores ({measured['processor']}), {measured['memory_gib']} GiB of "
        f"memory, {measured['system']}, Python {measured['python']}, {packages}"
    )
    rows: list[str] = []
    notes: list[str] = []
    for figure in run["figures"]:
        words, *cells = _cells(figure)
        if note := figure["note"]:
            if note not in notes:
                notes.append(note)
            words += f" ({notes.index(note) + 1})"
        rows.append(f"| {' | '.join([words, *cells])} |")
    return _PAGE.format(
        date=measured["date"],
        machine=machine,
        head=" | ".join(HEAD),
        rule=" | ".join("---" for _ in HEAD),
        rows="\n".join(rows),
        notes="".join(f"{number}. {note}\n" for number, note in enumerate(notes, start=1)),
    )


def _cells(figure: Json) -> list[str]:
    unit = figure["unit"]
    peer = figure["peer"]
    reached = figure["reached"]
    return [
        figure["figure"],
        f"{shown(figure['ours'])} {unit}",
        "" if peer is None else f"{shown(peer)} ({figure['peer_name']})",
        figure["to_reach"] or "",
        "" if reached is None else "yes" if reached else "**missed**",
    ]
