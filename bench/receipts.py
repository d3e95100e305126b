"""How fast receipts come, whose addresses the pages of transactions bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.backfill import LATENCY
from bench.figures import Figure, Goal
from bench.lab import OURS, PLAIN

if TYPE_CHECKING:
    from bench.lab import Lab

_CONCURRENCY = 16
_BOOKINGS, _RECEIPTS = "transactions", "transaction_attachments"


def receipts(lab: Lab, transactions: int = 2_000, plain_invoices: int = 30) -> list[Figure]:
    """Measure transactions with their receipts; the peer makes an API call for each file."""
    lab.seed(0, {_BOOKINGS: transactions}, latency=LATENCY, file_latency=LATENCY)
    lab.fake.control.clear_requests()
    run = lab.sync(OURS, _BOOKINGS, _RECEIPTS, attachments={"concurrency": _CONCURRENCY})
    ours = lab.fake.control.count("files") / run.wall
    calls = lab.fake.control.count("api")
    lab.seed(plain_invoices, latency=LATENCY, file_latency=LATENCY)
    lab.fake.control.clear_requests()
    wall = lab.sync(PLAIN).wall
    plain = lab.fake.control.count("files") / wall
    ceiling = _CONCURRENCY / LATENCY
    where = f"{LATENCY * 1000:.0f} ms latency, {_CONCURRENCY} downloads side by side"
    return [
        Figure(
            "receipts_per_second",
            f"{transactions:,} transactions with their receipts ({where})",
            "files/s",
            ours,
            plain,
            goal=Goal("≥ 10 times", ours / plain, 10),
            note="The plain tap makes an API call and a download for each file of supplier "
            "invoices, one after the other. Start-up is included.",
        ),
        Figure(
            "receipts_share",
            "the same: share of what so many downloads side by side can reach",
            "of the ceiling",
            ours / ceiling,
            1.0,
            "ceiling",
        ),
        Figure("receipts_calls", "the same: API calls", "calls", calls),
    ]
