"""Rate limits: sliding windows over API requests, and the throttle on 401s."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HOUR = 3600.0


class RateLimiter:
    """Counts what was let through within each window."""

    def __init__(self) -> None:
        """Start with empty windows."""
        self._times: dict[float, deque[float]] = {}
        self._unauthorized: deque[float] = deque()

    def wait(
        self,
        limits: Sequence[Sequence[float]],
        max_unauthorized: int,
        now: float,
    ) -> float | None:
        """Let a request through, or say how long it has to wait.

        Args:
            limits: Pairs of requests and seconds.
            max_unauthorized: How many answers 401 within an hour are borne.
            now: Seconds of a clock that runs on.

        Returns:
            None when the request is let through and counted, else seconds.
        """
        _forget(self._unauthorized, now - HOUR)
        if len(self._unauthorized) > max_unauthorized:
            return self._unauthorized[0] + HOUR - now
        waits = []
        for most, seconds in limits:
            times = self._times.setdefault(seconds, deque())
            _forget(times, now - seconds)
            if len(times) >= most:
                waits.append(times[0] + seconds - now)
        if waits:
            return max(waits)
        for seconds in {seconds for _, seconds in limits}:
            self._times[seconds].append(now)
        return None

    def count_unauthorized(self, now: float) -> None:
        """Note that a request was answered with 401."""
        self._unauthorized.append(now)


def _forget(times: deque[float], before: float) -> None:
    while times and times[0] <= before:
        times.popleft()
