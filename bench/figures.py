"""What a figure is: the tap beside its peer, and what was to be reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.support import Json

PLAIN_TAP = "plain SDK tap"


class Goal(NamedTuple):
    """What was to be reached.

    Attributes:
        words: As it is shown.
        value: What is judged.
        bound: Its bound.
        at_most: Whether the bound is an upper one.
    """

    words: str
    value: float
    bound: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Tell whether it was reached."""
        return self.value <= self.bound if self.at_most else self.value >= self.bound


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        key: A name for programs.
        words: What was measured.
        unit: Of both numbers.
        ours: The tap's number.
        peer: The peer's; None where there is none.
        peer_name: Who or what that is.
        goal: None where nothing was promised.
        note: How it was measured, or what else to know.
    """

    key: str
    words: str
    unit: str
    ours: float
    peer: float | None = None
    peer_name: str = PLAIN_TAP
    goal: Goal | None = None
    note: str = ""

    def as_dict(self) -> Json:
        """Return it as JSON has it."""
        goal = self.goal
        return {
            "key": self.key,
            "figure": self.words,
            "unit": self.unit,
            "ours": rounded(self.ours),
            "peer": None if self.peer is None else rounded(self.peer),
            "peer_name": None if self.peer is None else self.peer_name,
            "to_reach": goal and goal.words,
            "reached": goal and goal.reached,
            "note": self.note,
        }


def rounded(value: float) -> float:
    """Round to what the measurement is good for: three digits, and whole numbers whole."""
    return float(f"{value:.3g}") if abs(value) < 1000 else round(value)  # noqa: PLR2004


def shown(value: float) -> str:
    """Write a rounded number, thousands apart."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,}"
