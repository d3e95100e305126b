"""How fast lists are read, at the latency of a network, and as they grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench.backfill import LATENCY
from bench.edits import Ours, under_edits
from bench.endless import Endless, served
from bench.figures import Figure, Goal
from bench.lab import MIB, OURS, PLAIN
from tap_qonto.streams import STREAMS
from tests.support import INVOICES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.lab import Lab

PAGE = 100
BURST = ((50, 2),)
"""A quarter of Qonto's rate, a fifth of its window: as much as two cores can serve, too."""
_WORKERS = 8
_MANY_WORKERS = 32
_TENTH = 10
_WHERE = f"{LATENCY * 1000:.0f} ms latency"
_PLAIN_TENTH = "The plain tap reads a tenth of the rows, since it takes long."


class Read(NamedTuple):
    """What reading a list came to.

    Attributes:
        rate: Rows per second, start-up included.
        calls: Requests of the list.
        peak: MiB of memory.
    """

    rate: float
    calls: int
    peak: float


def lists(lab: Lab, invoices: int = 20_000, transactions: int = 100_000) -> list[Figure]:
    """Measure supplier invoices without files, and transactions in four accounts."""
    return [
        *_list(lab, INVOICES, invoices),
        *_list(lab, "transactions", transactions),
        _edited(lab, INVOICES, "description", invoices),
        _edited(lab, "transactions", "note", transactions // 5),
    ]


def _list(lab: Lab, name: str, count: int) -> list[Figure]:
    _seed(lab, name, count // _TENTH)
    plain = _read(lab, PLAIN, name, count // _TENTH)
    _seed(lab, name, count)
    ours = _read(lab, OURS, name, count)
    fewest = -(-count // PAGE)
    requests, seconds = BURST[0]
    lab.fake.control.set(rate_limits=BURST)
    burst = _read(
        lab,
        OURS,
        name,
        count,
        list_concurrency=_MANY_WORKERS,
        rate_limits=[{"requests": requests, "seconds": seconds}],
    )
    share = burst.rate / PAGE / (requests / seconds)
    words = f"{count:,} {name}"
    return [
        Figure(
            f"{name}_rate",
            f"{words}, {_WHERE}, {_WORKERS} workers",
            "rows/s",
            ours.rate,
            plain.rate,
            goal=Goal("≥ 8 times", ours.rate / plain.rate, 8),
            note=_PLAIN_TENTH,
        ),
        Figure(
            f"{name}_calls",
            "the same: requests of the list",
            "requests",
            ours.calls,
            fewest,
            "full pages",
            goal=Goal(
                "1.5 more for each worker",
                ours.calls - fewest,
                1.5 * _WORKERS,
                at_most=True,
            ),
        ),
        Figure(
            f"{name}_peak",
            "the same: peak memory",
            "MiB",
            ours.peak,
            plain.peak,
            goal=Goal("≤ 100 MiB", ours.peak, 100, at_most=True),
        ),
        Figure(
            f"{name}_burst",
            f"{words}: share of the burst ceiling ({requests / seconds:.0f} calls/s allowed, "
            f"{_MANY_WORKERS} workers)",
            "of the ceiling",
            share,
            1.0,
            "ceiling",
            goal=Goal("≥ 0.9", share, 0.9),
            note="Rows per second, start-up included, of those that full pages at this rate "
            "would bring.",
        ),
    ]


def _seed(lab: Lab, name: str, count: int) -> None:
    if name == INVOICES:
        lab.seed(count, latency=LATENCY)
    else:
        lab.seed(0, {name: count}, latency=LATENCY)


def _read(lab: Lab, tap: str, name: str, count: int, **settings: Any) -> Read:
    lab.fake.control.clear_requests()
    run = lab.sync(tap, name, **settings)
    calls = lab.fake.control.count("api", f"/{name}$")
    return Read(count / run.wall, calls, run.peak / MIB)


def _edited(lab: Lab, name: str, field: str, count: int, per_page: int = 20) -> Figure:
    _seed(lab, name, count)
    found = under_edits(lab, Ours(lab, name), per_page, name, field)
    lost = found.unseen + found.stale
    return Figure(
        f"{name}_edited",
        f"rows lost or left stale, {count:,} {name}, {_WHERE}, {per_page} edited per page",
        "rows",
        lost,
        found.requests,
        "requests",
        goal=Goal("0", lost, 0, at_most=True),
    )


def night(lab: Lab, invoices: int = 2000) -> list[Figure]:
    """Measure a run in which nothing has changed, over all streams selected by default."""
    lab.seed(invoices, latency=LATENCY, file_latency=LATENCY)
    names = [stream.name for stream in STREAMS if stream.selected_by_default]
    first = lab.sync(OURS, *names)
    whole_calls = lab.fake.control.count("api")
    files = lab.fake.control.count("files")
    lab.fake.control.clear_requests()
    quiet = lab.sync(OURS, *names, state=first.output.state)
    calls = lab.fake.control.count("api")
    seconds = quiet.wall - lab.command(OURS, "--version").wall
    where = f"all streams that are selected by default, {_WHERE}"
    return [
        Figure("account", f"a whole account from nothing with {files:,} files: {where}", "s",
               first.wall),
        Figure("account_calls", "the same: API calls", "requests", whole_calls),
        Figure("night", f"a run without changes after start-up: {where}", "s", seconds,
               goal=Goal("≤ 3 s", seconds, 3, at_most=True)),
        Figure("night_calls", "the same: API calls", "requests", calls,
               goal=Goal("≤ 45", calls, 45, at_most=True)),
    ]  # fmt: skip


def growth(lab: Lab, counts: Sequence[int] = (10_000, 100_000, 1_000_000)) -> list[Figure]:
    """Measure time and memory over lists of very different lengths."""
    lab.seed(1)
    row = lab.fake.control.invoices()[0]
    organization = {"id": row["organization_id"], "slug": "acme", "bank_accounts": []}
    figures = []
    runs = []
    for count in counts:
        with served(Endless(row, count), organization) as url:
            run = lab.sync(OURS, INVOICES, api_url=url)
        runs.append((count / run.wall, run.peak / MIB))
        figures.append(
            Figure(
                f"growth_{count}", f"{count:,} supplier invoices, no latency", "rows/s", runs[-1][0]
            )
        )
    slowest, fastest = runs[-1][0], runs[len(runs) // 2][0]
    growth = runs[-1][1] / runs[0][1] - 1
    return [
        *figures,
        Figure(
            "growth_time",
            f"the same: time for a row at {counts[-1]:,}, beside that at {counts[1]:,}",
            "times",
            fastest / slowest,
            goal=Goal("≤ 1.1", fastest / slowest, 1.1, at_most=True),
        ),
        Figure(
            "growth_memory",
            f"the same: growth of peak memory from {counts[0]:,} to {counts[-1]:,}",
            "%",
            growth * 100,
            goal=Goal("≤ 10 %", growth, 0.1, at_most=True),
        ),
    ]
