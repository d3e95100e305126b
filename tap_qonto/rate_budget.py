"""How many API calls may be made, and when the next one may start.

Qonto counts per address, over 10 seconds and over 10 minutes, and documents no
header that tells what is left (docs.qonto.com, page "Rate limits").
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pyrate_limiter import AbstractClock, InMemoryBucket, Rate, RateItem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_MILLISECONDS = 1000 * 1.02
"""Windows are held a little longer than they are, since requests do not reach
Qonto in even time after they were let go."""


class _Clock(AbstractClock):
    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read

    def now(self) -> int:
        return round(self._read() * 1000)


class RateBudget:
    """Lets calls go as the windows allow, all windows at once. Safe for threads.

    Args:
        limits: Windows as `{requests, seconds}`.
        sleep: Waits a number of seconds; may raise to end the wait.
        clock: Reads a clock that never goes back, in seconds.
    """

    def __init__(
        self,
        limits: Iterable[Mapping[str, float]],
        *,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with whole windows.

        Raises:
            ValueError: The windows contradict each other: a longer one must allow more
                calls, at a lower rate.
        """
        self._sleep = sleep
        self._clock = _Clock(clock)
        self._bucket = InMemoryBucket(
            [
                Rate(int(limit["requests"]), max(1, round(limit["seconds"] * _MILLISECONDS)))
                for limit in limits
            ]
        )
        self._lock = threading.Lock()
        self._resume_at = 0

    def acquire(self) -> None:
        """Wait until one more call may be made, and count it."""
        while wait := self._try():
            self._sleep(wait / 1000)

    def pause(self, seconds: float) -> None:
        """Hold back all calls, since Qonto said that it has had too many."""
        with self._lock:
            resume_at = self._clock.now() + round(seconds * 1000)
            self._resume_at = max(self._resume_at, resume_at)

    def _try(self) -> int:
        """Count a call and return 0, or return the milliseconds to wait first."""
        with self._lock:
            now = self._clock.now()
            if now < self._resume_at:
                return self._resume_at - now
            item = RateItem("api", now)
            self._bucket.leak(now)
            if self._bucket.put(item):
                return 0
            wait = self._bucket.waiting(item)
            return max(1, wait) if isinstance(wait, int) else 1
