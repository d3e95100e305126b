"""How many API calls may be made, and when the next one may start.

Qonto counts per address, over 10 seconds and over 10 minutes, and documents no
header that tells what is left (docs.qonto.com, page "Rate limits").
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyrate_limiter import (
    AbstractBucket,
    AbstractClock,
    InMemoryBucket,
    Rate,
    RateItem,
    RedisBucket,
    SQLiteBucket,
)

from tap_qonto.errors import ConfigError, TapQontoError
from tap_qonto.settings.declaration import MEMORY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

_NAME = "tap_qonto_calls"

_MARGIN = 1.04
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
        rates = [
            Rate(int(limit["requests"]), max(1, round(limit["seconds"] * _MARGIN * 1000)))
            for limit in limits
        ]
        with _store_errors(store):
            self._bucket = _bucket(store, rates)
        self._store = store
        self._lock = threading.Lock()
        # Only SQLite's needs a lock over processes; Redis counts in one step.
        self._shared_lock: Any = self._bucket.limiter_lock() or nullcontext()
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
        with self._lock, _store_errors(self._store), self._shared_lock:
            now = self._clock.now()
            if now < self._resume_at:
                return self._resume_at - now
            item = RateItem("api", now)
            self._bucket.leak(now)
            if self._bucket.put(item):
                return 0
            wait = self._bucket.waiting(item)
            return max(1, wait) if isinstance(wait, int) else 1


def _bucket(store: str, rates: list[Rate]) -> AbstractBucket:
    scheme, _, place = store.partition("://")
    if scheme == "sqlite":
        path = Path(place[1:]).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        return SQLiteBucket.init_from_file(rates, _NAME, str(path), use_file_lock=True)
    if scheme in {"redis", "rediss"}:
        from redis import Redis  # noqa: PLC0415 - is an extra

        bucket: AbstractBucket = RedisBucket.init(rates, Redis.from_url(store), _NAME)
        return bucket
    return InMemoryBucket(rates)


@contextmanager
def _store_errors(store: str) -> Generator[None, None, None]:
    """Say in a sentence that a store fails, without its password."""
    try:
        yield
    except (TapQontoError, ValueError):
        raise
    except ImportError as error:
        msg = "rate_limit_store redis:// needs a driver; install tap-qonto[redis]."
        raise ConfigError(msg) from error
    except Exception as error:
        msg = (
            f"rate_limit_store {store.partition(':')[0]}: cannot be used "
            f"({type(error).__name__}). Check its path or address."
        )
        raise ConfigError(msg) from error
