"""How much a run says: log lines, and bytes of SCHEMA and STATE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.figures import Figure, Goal
from bench.lab import OURS, PLAIN

if TYPE_CHECKING:
    from bench.lab import Lab

PAGE = 100
_FIXED = (
    "Most lines name the tap's streams, however many pages there are; a long run adds one every "
    "ten seconds."
)


def messages(lab: Lab, invoices: int = 1000) -> list[Figure]:
    """Count what a run with files writes beside its records."""
    lab.seed(invoices)
    ours, plain = lab.sync(OURS), lab.sync(PLAIN)
    lines, lines_plain = (len(run.stderr.read_bytes().splitlines()) for run in (ours, plain))
    per_page = lines / (invoices / PAGE)
    return [
        Figure(
            "log_lines",
            f"log lines, {invoices:,} invoices with their files",
            "lines",
            lines,
            lines_plain,
            goal=Goal("≤ 2 a page", per_page, 2, at_most=True),
            note=_FIXED,
        ),
        *(
            Figure(
                f"{kind.lower()}_bytes",
                f"the same: bytes of {kind} messages",
                "bytes",
                sum(map(len, ours.lines(kind))),
                sum(map(len, plain.lines(kind))),
            )
            for kind in ("SCHEMA", "STATE")
        ),
    ]
