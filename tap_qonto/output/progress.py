"""How far a sync has come, for the log: a line every ten seconds at the most."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

_INTERVAL = 10.0
_MEGABYTE = 1_000_000


class Progress:
    """Counts rows and files of one walk, and reports them.

    Args:
        logger: Where lines go, at level INFO.
        clock: Reads a clock that never goes back, in seconds.

    Attributes:
        total: Rows that Qonto said there are; None until it is known.
    """

    def __init__(self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        """Start now."""
        self.total: int | None = None
        self._logger = logger
        self._clock = clock
        self._start = self._next = clock()
        self._next += _INTERVAL
        self._rows = self._files = self._bytes = 0

    def row(self) -> None:
        """Count a row, and report when it is time."""
        self._rows += 1
        now = self._clock()
        if now >= self._next:
            self._next = now + _INTERVAL
            self._logger.info("%s%s", self._counts(now), self._time_left(now))

    def file(self, size: int) -> None:
        """Count a file.

        Args:
            size: Its bytes.
        """
        self._files += 1
        self._bytes += size

    def report(self) -> None:
        """Report all that was done."""
        self._logger.info("Finished: %s", self._counts(self._clock()))

    def _counts(self, now: float) -> str:
        seconds = max(now - self._start, 0.001)
        of = f" of {self.total:,}" if self.total else ""
        return (
            f"{self._rows:,}{of} rows, {self._files:,} files "
            f"({self._bytes / _MEGABYTE:,.1f} MB) in {seconds:,.0f} s, "
            f"{self._rows / seconds:,.1f} rows/s"
        )

    def _time_left(self, now: float) -> str:
        if not self.total or not self._rows:
            return ""
        left = (now - self._start) * max(self.total - self._rows, 0) / self._rows
        return f", about {left:,.0f} s left"
