"""How time and memory grow with a list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.endless import Endless, served
from bench.figures import Figure, Goal
from bench.lab import MIB, OURS
from tests.support import INVOICES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.lab import Lab


def growth(lab: Lab, counts: Sequence[int] = (10_000, 100_000, 1_000_000)) -> list[Figure]:
    """Measure time and memory over lists of very different lengths, without latency."""
    lab.seed(1)
    row = lab.fake.control.invoices()[0]
    organization = {"id": row["organization_id"], "slug": "acme", "bank_accounts": []}
    rates, peaks = [], []
    for count in counts:
        with served(Endless(row, count), organization) as url:
            run = lab.sync(OURS, INVOICES, api_url=url)
        rates.append(count / run.wall)
        peaks.append(run.peak / MIB)
    slower = rates[-2] / rates[-1]
    more = peaks[-1] / peaks[0] - 1
    return [
        *(
            Figure(
                f"growth_{count}",
                f"{count:,} supplier invoices without files, no latency, start-up included",
                "rows/s",
                rate,
            )
            for count, rate in zip(counts, rates, strict=True)
        ),
        Figure(
            "growth_time",
            f"the same: time for a row at {counts[-1]:,}, beside that at {counts[-2]:,}",
            "times",
            slower,
            goal=Goal("≤ 1.1", slower, 1.1, at_most=True),
        ),
        Figure(
            "growth_peak",
            f"the same: peak memory at {counts[-1]:,}, beside that at {counts[0]:,}",
            "MiB",
            peaks[-1],
            peaks[0],
            f"at {counts[0]:,}",
            goal=Goal("≤ 10 % more", more, 0.1, at_most=True),
        ),
    ]
