"""How fast lists are read at the latency of a network, and what is lost under edits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.backfill import LATENCY, TOO_MANY, share_of
from bench.edits import PAGE, WORKERS, Nightly, under_edits
from bench.figures import Figure, Goal
from bench.lab import MIB, OURS, PLAIN, UNLIMITED, BenchError
from tests.support import INVOICES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.lab import Lab

QONTO = ((1000, 10), (10_000, 600))
BURST = ((250, 10),)
"""A quarter of Qonto's rate, in its own window: as much as two cores can serve, too."""
ENOUGH, MANY = 16, 32
"""Workers: enough for `BURST`, and enough for the processor."""
_EDITED = {INVOICES: "description", "transactions": "note"}
"""The field that edits change."""
_SLOW = (
    "Both read the same list at the same time, and wait for most of it. Where the list below "
    "takes too long page after page, they have a shorter one."
)


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


def lists(
    lab: Lab,
    counts: Mapping[str, tuple[int, int]] = {
        INVOICES: (20_000, 20_000),
        "transactions": (100_000, 10_000),
    },
    burst: int = 60_000,
) -> list[Figure]:
    """Measure supplier invoices without files, and transactions in four accounts.

    Args:
        lab: Where they are read.
        counts: Rows of each list; and of the one that is read page after page, by the peer as
            well, and under edits.
        burst: Supplier invoices that are read under a limit which holds them up.
    """
    return [
        *(figure for name, sizes in counts.items() for figure in _list(lab, name, *sizes)),
        *_burst(lab, burst),
        *(figure for name, (_, few) in counts.items() for figure in _edited(lab, name, few)),
    ]


def _list(lab: Lab, name: str, count: int, few: int) -> list[Figure]:
    where = f"{LATENCY * 1000:.0f} ms latency"
    words = f"{count:,} {name} without files, {where}"
    _seed(lab, name, few)
    with ThreadPoolExecutor() as pool:
        one = pool.submit(_read, lab, OURS, name, few, list_concurrency=1)
        other = pool.submit(_read, lab, PLAIN, name, few)
        single, plain = one.result(), other.result()
    if few != count:
        _seed(lab, name, count)
    read = {
        workers: _read(lab, OURS, name, count, QONTO, list_concurrency=workers)
        for workers in (WORKERS, MANY)
    }
    fewest = -(-count // PAGE)
    peak = max(run.peak for run in read.values())
    by_page_rate = max(single.rate, plain.rate)
    default, many = (read[workers].rate / by_page_rate for workers in (WORKERS, MANY))
    return [
        Figure(
            f"{name}_single",
            f"{few:,} {name} without files, {where}, `list_concurrency` 1",
            "rows/s",
            single.rate,
            plain.rate,
            note=_SLOW,
        ),
        Figure(
            f"{name}_rate",
            f"{words}, `list_concurrency` {WORKERS}",
            "rows/s",
            read[WORKERS].rate,
            plain.rate,
            note=f"{default:.1f} times page after page; {WORKERS} workers can bring {WORKERS} "
            "times at most. The limits are Qonto's.",
        ),
        Figure(
            f"{name}_many",
            f"{words}, `list_concurrency` {MANY}",
            "rows/s",
            read[MANY].rate,
            plain.rate,
            goal=Goal("≥ 8 times", many, 8),
            note=f"{many:.1f} times page after page. The limits are Qonto's, which let a thousand "
            "pages through at once.",
        ),
        Figure(
            f"{name}_calls",
            f"the same, `list_concurrency` {WORKERS}: requests of the list",
            "requests",
            read[WORKERS].calls,
            fewest,
            "full pages",
            goal=Goal(
                "≤ 1.5 more for each worker",
                read[WORKERS].calls - fewest,
                1.5 * WORKERS,
                at_most=True,
            ),
        ),
        Figure(
            f"{name}_peak",
            f"the same: peak memory, {WORKERS} or {MANY} workers",
            "MiB",
            peak,
            plain.peak,
            goal=Goal("≤ 100 MiB", peak, 100, at_most=True),
        ),
    ]


def _burst(lab: Lab, count: int) -> list[Figure]:
    # Rows are made as they are asked for, which is fast enough here.
    lab.fake.control.reset(invoices=count)
    lab.fake.control.set(latency=LATENCY, rate_limits=BURST)
    _read(lab, OURS, INVOICES, count, BURST, list_concurrency=ENOUGH)
    calls = lab.fake.control.requests("api")
    share = share_of(BURST[0], calls)
    requests, seconds = BURST[0]
    refusals = sum(call["status"] == TOO_MANY for call in calls)
    return [
        Figure(
            "lists_burst",
            f"{count:,} {INVOICES}, burst limit: share of the ceiling ({requests / seconds:.0f} "
            f"calls/s allowed, `list_concurrency` {ENOUGH})",
            "of the ceiling",
            share,
            1.0,
            "ceiling",
            goal=Goal("≥ 0.9", share, 0.9),
        ),
        Figure(
            "lists_refusals",
            "the same: answers 429",
            "answers",
            refusals,
            goal=Goal("0", refusals, 0, at_most=True),
        ),
    ]


def _seed(lab: Lab, name: str, count: int, **knobs: Any) -> None:
    knobs = {"latency": LATENCY} | knobs
    if name == INVOICES:
        lab.seed(count, **knobs)
    else:
        lab.seed(0, {name: count}, **knobs)


def _read(
    lab: Lab,
    tap: str,
    name: str,
    count: int,
    limits: tuple[tuple[int, float], ...] = (UNLIMITED,),
    **settings: Any,
) -> Read:
    if tap == OURS:
        settings["rate_limits"] = [
            {"requests": requests, "seconds": seconds} for requests, seconds in limits
        ]
    lab.fake.control.clear_requests()
    run = lab.sync(tap, name, **settings)
    rows = run.rows
    if rows != count:
        msg = f"{tap} has read {rows} of {count} {name}"
        raise BenchError(msg)
    calls = lab.fake.control.count("api", f"/{name}$")
    return Read(count / run.wall, calls, run.peak / MIB)


def _edited(lab: Lab, name: str, count: int, per_page: int = 20) -> list[Figure]:
    field = _EDITED[name]
    _seed(lab, name, count)
    ours = under_edits(lab, Nightly(lab, OURS, name), per_page, name, field)
    _seed(lab, name, count, latency=0)
    plain = under_edits(lab, Nightly(lab, PLAIN, name), per_page, name, field)
    lost, lost_plain = (found.unseen + found.stale for found in (ours, plain))
    return [
        Figure(
            f"{name}_edited",
            f"rows lost or left stale, {count:,} {name}, {per_page} edited per page",
            "rows",
            lost,
            lost_plain,
            goal=Goal("0", lost, 0, at_most=True),
            note=f"Ours at {LATENCY * 1000:.0f} ms latency; the plain tap without, since what it "
            "loses depends on the edits between its pages alone.",
        ),
        Figure(
            f"{name}_edited_calls",
            "the same: requests of both runs",
            "requests",
            ours.requests,
            plain.requests,
        ),
    ]
