"""A long list that stands still, as the API would page it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta, timezone
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_qonto import timestamps
from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.pages import Page
from tap_qonto.reading.side_by_side import SideBySide
from tap_qonto.reading.statuses import EveryStatus
from tap_qonto.reading.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tap_qonto.reading.done import Stretch
    from tap_qonto.reading.ways import Ask

SIZE = 100
NOW = datetime(2026, 11, 25, tzinfo=timezone.utc)
YEARS = 63_000_000.0
"""Two years, in seconds; the last row is two minutes old."""

SHAPES: dict[str, Callable[[Random], float]] = {
    "even": lambda random: YEARS * random.random(),
    "skewed to the beginning": lambda random: YEARS * random.random() ** 3,
    "recent-heavy": lambda random: YEARS * random.random() ** 0.1,
    "two clusters": lambda random: random.choice([0.0, YEARS - 86_400]) + 86_400 * random.random(),
    "one day in the middle": lambda random: YEARS * 0.6 + 86_400 * random.random(),
    "all on the first day": lambda random: 86_400 * random.random(),
}
"""How the stamps of the rows are spread over the two years."""


class StillList:
    """Rows by `updated_at`.

    Args:
        seconds: Of each row, since two years ago.

    Attributes:
        stamps: When each row was updated, in order.
    """

    def __init__(self, seconds: Iterable[float]) -> None:
        """Make the rows."""
        begin = NOW - timedelta(seconds=YEARS + 120)
        self.stamps = sorted(begin + timedelta(seconds=each) for each in seconds)

    @cached_property
    def rows(self) -> list[dict[str, str]]:
        """All rows, in order."""
        return [
            {"id": str(number), "updated_at": timestamps.show(stamp)}
            for number, stamp in enumerate(self.stamps)
        ]

    @classmethod
    def of(cls, shape: str, count: int) -> StillList:
        """Return a list with many rows, the same in each run."""
        random = Random(shape)  # noqa: S311 - repeatable
        return cls(SHAPES[shape](random) for _ in range(count))

    def reading(
        self, bookmark: datetime | None = None, above: Sequence[Stretch] = ()
    ) -> SideBySide:
        """Begin to read what is above a bookmark, without what was read above it."""
        window = Window.of({"lookback_seconds": 1}, bookmark, begun=NOW, is_open=False)
        return SideBySide(UpdatedAnchored().walk(window, (None, None), SIZE), SIZE, above)

    def answer(self, ask: Ask) -> Page:
        """Answer as the server would."""
        lower, upper = ask.bounds["updated_at"]
        start = bisect_left(self.stamps, lower) if lower else 0
        stop = bisect_right(self.stamps, upper) if upper else len(self.stamps)
        number = ask.page or 1
        first = start + (number - 1) * ask.size
        total = max(stop - start, 0)
        pages = -(-total // ask.size)
        meta = {"current_page": number, "total_pages": pages, "total_count": total}
        return Page.read(self.rows[first : min(stop, first + ask.size)], meta, number, NOW)


class StillBank(StillList):
    """A list that hides declined rows unless they are asked for.

    Args:
        seconds: Of each row, since two years ago.
        each: Each of how many rows is declined; 0 for none.
    """

    def __init__(self, seconds: Iterable[float], each: int) -> None:
        """Make the rows."""
        super().__init__(seconds)
        for number, row in enumerate(self.rows):
            row["status"] = "declined" if each and number % each == 0 else "completed"
        self._views: dict[frozenset[str], StillList] = {}

    @override
    def reading(
        self, bookmark: datetime | None = None, above: Sequence[Stretch] = ()
    ) -> SideBySide:
        window = Window.of({"lookback_seconds": 1}, bookmark, begun=NOW, is_open=False)
        way = EveryStatus(UpdatedAnchored(), "status[]", ("completed", "declined"))
        return SideBySide(way.walk(window, (None, None), SIZE), SIZE, above)

    @override
    def answer(self, ask: Ask) -> Page:
        named = frozenset(value for name, value in ask.params if name == "status[]")
        shown = named or frozenset({"completed"})
        if shown not in self._views:
            view = self._views[shown] = StillList(())
            view.rows = [row for row in self.rows if row["status"] in shown]
            view.stamps = [timestamps.parse(row["updated_at"]) for row in view.rows]
        return self._views[shown].answer(ask)
