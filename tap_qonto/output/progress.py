"""How far a sync has come, for the log: a line every ten seconds at the most."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tap_qonto.output.outcomes import in_words

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable

    from tap_qonto.output.outcomes import Outcome

_INTERVAL = 10.0


class Progress:
    """Counts rows of one walk, and reports them with the files that came with them.

    Args:
        logger: Where lines go, at level INFO.
        outcome: Of the list's stream.
        followers: Of the streams that are read beside it.
        clock: Reads a clock that never goes back, in seconds.
    """

    def __init__(
        self,
        logger: logging.Logger,
        outcome: Outcome,
        followers: Iterable[Outcome] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start now."""
        self._logger = logger
        self._outcome = outcome
        self._followers = list(followers)
        self._clock = clock
        self._start = self._next = clock()
        self._next += _INTERVAL
        self._read = 0
        self._expected: dict[object, int] = {}

    def expect(self, walk: object, total: int | None) -> None:
        """Take how many rows a walk will bring; None until it is known."""
        self._expected[walk] = total or 0

    def row(self) -> None:
        """Count a row that was read, and report when it is time."""
        self._read += 1
        now = self._clock()
        if now >= self._next:
            self._next = now + _INTERVAL
            total = sum(self._expected.values())
            of = f" of {total:,}" if total >= self._read else ""
            self._logger.info("%s", self._counts(self._read, of, now) + self._time_left(total, now))

    def report(self) -> None:
        """Report all that was written."""
        self._logger.info("Finished: %s", self._counts(self._outcome.rows, "", self._clock()))

    def _counts(self, rows: int, of: str, now: float) -> str:
        seconds = max(now - self._start, 0.001)
        files = sum(each.files for each in self._followers)
        size = sum(each.bytes for each in self._followers)
        fetched = f", {in_words(files, size)}" if self._followers else ""
        return f"{rows:,}{of} rows{fetched} in {seconds:,.0f} s, {rows / seconds:,.1f} rows/s"

    def _time_left(self, total: int, now: float) -> str:
        if total < self._read:
            return ""
        left = (now - self._start) * (total - self._read) / self._read
        return f", about {left:,.0f} s left"
