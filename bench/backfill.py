"""How near to the rate limit files are fetched, at the latency of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bench.figures import Figure, Goal
from bench.lab import OURS, PLAIN, BenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.lab import Lab
    from tests.support import Json

Window = tuple[int, float]

LATENCY = 0.2
"""Seconds until an answer begins, of the API and of the file host."""
SUSTAINED: tuple[Window, ...] = ((100, 1), (200, 12))
"""Qonto's windows and rates (100 and 16.7 calls a second), ten times and fifty times shorter."""
BURST: tuple[Window, ...] = ((300, 10),)
"""Three tenths of Qonto's rate, in its own window: as much as two cores can serve, too."""
TOO_MANY = 429


class Backfill(NamedTuple):
    """What was seen of one sync with files.

    Attributes:
        share: API calls within the whole windows, of those that the windows allow.
        rate: API calls per second within them.
        files: Files per second, from the start of the process to its end.
        refusals: Answers 429.
    """

    share: float
    rate: float
    files: float
    refusals: int


def sustained(lab: Lab, invoices: int = 700, plain_invoices: int = 50) -> list[Figure]:
    """Measure with the long window full; the peer with fewer invoices, since it is slow."""
    ours = _measure(lab, OURS, invoices, SUSTAINED)
    plain = _measure(lab, PLAIN, plain_invoices, SUSTAINED)
    requests, seconds = SUSTAINED[-1]
    where = f"{LATENCY * 1000:.0f} ms latency, {requests / seconds:.1f} calls/s allowed"
    return [
        Figure(
            "files_share",
            f"backfill with files, sustained limit: share of the ceiling ({where})",
            "of the ceiling",
            ours.share,
            plain.rate * seconds / requests,
            goal=Goal("≥ 0.95", ours.share, 0.95),
            note="API calls that arrive within the first whole windows, of those that the "
            "windows allow. The tap holds each window 0.3 s longer than Qonto does. Rates are "
            "Qonto's; its windows of 10 and 600 seconds are shortened to 1 and 12.",
        ),
        Figure(
            "files_per_second",
            "the same: files per second, start-up included",
            "files/s",
            ours.files,
            plain.files,
            note="The plain tap is not held by the limit: it waits for one answer after the other.",
        ),
        _refusals("files_refusals", ours, plain),
    ]


def burst(lab: Lab, invoices: int = 700, concurrency: int = 32) -> list[Figure]:
    """Measure with the short window full."""
    ours = _measure(lab, OURS, invoices, BURST, concurrency=concurrency)
    (requests, seconds), *_ = BURST
    return [
        Figure(
            "burst_share",
            f"the same, burst limit: share of the ceiling ({requests / seconds:.0f} calls/s "
            f"allowed, {concurrency} workers)",
            "of the ceiling",
            ours.share,
            1.0,
            "ceiling",
            goal=Goal("≥ 0.9", ours.share, 0.9),
        ),
        _refusals("burst_refusals", ours, None),
    ]


def _refusals(key: str, ours: Backfill, plain: Backfill | None) -> Figure:
    return Figure(
        key,
        "the same: answers 429",
        "answers",
        ours.refusals,
        plain and plain.refusals,
        goal=Goal("0", ours.refusals, 0, at_most=True),
    )


def share_of(window: Window, calls: Sequence[Json]) -> float:
    """Return how many calls came within the first whole windows, of those that are allowed."""
    requests, seconds = window
    starts = sorted(call["started"] for call in calls)
    whole = int((starts[-1] - starts[0]) // seconds)
    if not whole:
        msg = f"{len(starts)} calls do not fill a window; take more rows"
        raise BenchError(msg)
    within: int = sum(start < starts[0] + whole * seconds for start in starts)
    return within / (whole * requests)


def _measure(
    lab: Lab, tap: str, invoices: int, windows: Sequence[Window], **attachments: Any
) -> Backfill:
    lab.seed(invoices, latency=LATENCY, file_latency=LATENCY, rate_limits=windows)
    limits = [{"requests": requests, "seconds": seconds} for requests, seconds in windows]
    run = lab.sync(tap, rate_limits=limits, attachments=attachments)
    calls = lab.fake.control.requests("api")
    share = share_of(windows[-1], calls)
    requests, seconds = windows[-1]
    return Backfill(
        share=share,
        rate=share * requests / seconds,
        files=lab.fake.control.count("files") / run.wall,
        refusals=sum(call["status"] == TOO_MANY for call in calls),
    )
