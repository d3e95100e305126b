"""How long a tap takes before it does anything."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from bench.figures import Figure, Goal
from bench.lab import OURS, PLAIN

if TYPE_CHECKING:
    from bench.lab import Lab


def startup(lab: Lab, times: int = 7) -> list[Figure]:
    """Take the median of several starts, the tap and its peer in turns."""
    figures = []
    for option in ("--version", "--about", "--discover"):
        pairs = [
            [lab.command(tap, option).wall * 1000 for tap in (OURS, PLAIN)] for _ in range(times)
        ]
        ours, plain = (median(seconds) for seconds in zip(*pairs, strict=True))
        goal = Goal("no slower", ours / plain, 1, at_most=True)
        figures.append(
            Figure(
                f"start{option.replace('--', '_')}",
                f"start-up: `tap-qonto {option}`, median of {times}",
                "ms",
                ours,
                plain,
                goal=goal,
            )
        )
    return figures
