"""How many API calls may be made, and when the next one may start.

Qonto counts per address, over 10 seconds and over 10 minutes, and documents no
header that tells what is left (docs.qonto.com, page "Rate limits").
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager, nullcontext
from math import ceil
from typing import TYPE_CHECKING, Any

from pyrate_limiter import AbstractClock, Rate, RateItem, validate_rate_list

from tap_qonto.http.call_stores import forget_after, opened, store_errors
from tap_qonto.settings.declaration import MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

_JITTER = 0.3
"""Seconds by which each window is held longer than Qonto's.

Calls arrive some time after they were sent: the first of a window perhaps late, the
first of the next at once. That difference does not grow with the window. Measured on two
cores, from here to a server on the same machine: 0.06 s with 16 threads, 0.13 s with 64,
0.28 s with 64 on a core that another program kept busy. It costs 3 % of a burst of ten
seconds and 0.05 % of what can be read in ten minutes.
"""
_SKEW_MS = 5_000
"""Calls that lie further in the future were counted by a clock that was wrong."""
_QUIET_MS = 10_000
"""A wait that needs no word in the log."""

logger = logging.getLogger("tap-qonto.session")


class _Clock(AbstractClock):
    def __init__(self, read: Callable[[], float]) -> None:
        self._read = read

    def now(self) -> int:
        return round(self._read() * 1000)


class _Queue:
    """Lets threads in one at a time, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: list[threading.Lock] = []

    @contextmanager
    def turn(self) -> Generator[float, None, None]:
        """Return a context that begins when all who came before have left theirs.

        Yields:
            The seconds until then.
        """
        came, gate = time.monotonic(), threading.Lock()
        try:
            with self._lock:
                is_first = not self._gates
                self._gates.append(gate)
                if not is_first:
                    gate.acquire()
            with gate:
                yield 0.0 if is_first else time.monotonic() - came
        finally:
            with self._lock:
                was_first = self._gates[:1] == [gate]
                if gate in self._gates:
                    self._gates.remove(gate)
                if was_first and self._gates:
                    self._gates[0].release()


class RateBudget:
    """Lets calls go as the windows allow, all windows at once. Safe for threads.

    Within a process, the call that waits longest goes first.

    Args:
        limits: Windows as `{requests, seconds}`.
        store: Where calls are counted: ``memory``, ``sqlite:///path`` for the processes
            of a machine, ``redis://host`` for several machines.
        sleep: Waits a number of seconds; may raise to end the wait.
        clock: Reads a clock, in seconds; by default one that all who share the store
            have.
    """

    def __init__(
        self,
        limits: Iterable[Mapping[str, float]],
        *,
        store: str = MEMORY,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Start with whole windows.

        Raises:
            ValueError: The windows contradict each other: a longer one must allow more
                calls, at a lower rate.
            ConfigError: The store cannot be used.
        """
        self._sleep = sleep
        self._clock = _Clock(clock or (time.monotonic if store == MEMORY else time.time))
        rates = _held(limits)
        self._longest = rates[-1].interval
        with store_errors(store):
            self._bucket = opened(store, rates)
        self._store = store
        self._queue = _Queue()
        self._lock = threading.Lock()
        # Only SQLite's needs a lock over processes; Redis counts in one step.
        self._shared_lock: Any = self._bucket.limiter_lock() or nullcontext()
        self._pause = self._resume_at = self._silent_until = 0

    def acquire(self) -> float:
        """Wait until one more call may be made, and count it.

        Returns:
            The seconds that it waited.
        """
        with self._queue.turn() as in_line:
            waited = in_line
            while wait := self._try():
                self._sleep(wait / 1000)
                waited += wait / 1000
        return waited

    def pause(self, seconds: float) -> None:
        """Hold back all calls, since Qonto said that it has had too many."""
        with self._lock:
            now = self._clock.now()
            self._pause = max(self._resume_at - now, round(seconds * 1000))
            self._resume_at = now + self._pause

    def _try(self) -> int:
        """Count a call and return 0, or return the milliseconds to wait first."""
        with self._lock, store_errors(self._store), self._shared_lock:
            now = self._clock.now()
            # A clock that was set back makes no wait longer.
            self._resume_at = min(self._resume_at, now + self._pause)
            wait = self._resume_at - now if now < self._resume_at else self._put(now)
            if wait > _QUIET_MS and now >= self._silent_until:
                self._silent_until = now + wait
                logger.info("Waiting %.0f s for the rate limit of Qonto's API.", wait / 1000)
            return wait

    def _put(self, now: int) -> int:
        item = RateItem("api", now)
        self._bucket.leak(now)
        if self._bucket.put(item):
            return 0
        forget_after(self._bucket, now + _SKEW_MS)
        if self._bucket.put(item):
            return 0
        wait = self._bucket.waiting(item)
        return min(max(1, wait), self._longest) if isinstance(wait, int) else 1


def _held(limits: Iterable[Mapping[str, float]]) -> list[Rate]:
    """Return the windows as they are held, the shortest first."""
    rates: list[Rate] = []
    density = 0.0
    for limit in sorted(limits, key=lambda limit: limit["seconds"]):
        requests, seconds = int(limit["requests"]), limit["seconds"] + _JITTER
        if rates and requests / limit["seconds"] <= density:
            # A margin of the same length must not make the longer window the denser one.
            seconds = max(seconds, rates[-1].interval / 1000 * requests / rates[-1].limit)
        density = requests / limit["seconds"]
        rates.append(Rate(requests, max(1, ceil(seconds * 1000))))
    if not validate_rate_list(rates):
        msg = "contradicting windows"
        raise ValueError(msg)
    return rates
