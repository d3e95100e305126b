"""Trying again: how often, how long, and what is said in the end."""

from __future__ import annotations

from datetime import datetime, timezone
from random import SystemRandom
from typing import TYPE_CHECKING, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from tap_qonto import timestamps
from tap_qonto.errors import TapQontoError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

ATTEMPTS = 7
"""How often a call is tried; with the waits between, half a minute."""
PATIENCE = 900.0
"""Seconds for which a call is tried at the most. This lets 429 be waited out: Qonto's
longest window is ten minutes."""
_FIRST_WAIT = 0.5
_LIMITED_WAIT = 1.0
_LONGEST_WAIT = 60.0
_jitter = SystemRandom()


class TransientError(Exception):
    """An attempt failed in a way that another one may not.

    Attributes:
        final: What the user is told when no attempt is left.
        wait: Seconds that the server asked to wait, if it did.
        limited: Whether it was the rate limit.
    """

    def __init__(
        self, final: TapQontoError, wait: float | None = None, *, limited: bool = False
    ) -> None:
        """Keep what is needed to decide on the next attempt."""
        super().__init__(str(final))
        self.final = final
        self.wait = wait
        self.limited = limited


def run(attempt: Callable[[], T], pause: Callable[[float], None]) -> T:
    """Run an attempt until it succeeds, fails for good, or none is left.

    Args:
        attempt: Raises `TransientError` where another attempt may help.
        pause: Waits a number of seconds; may raise to end the wait.

    Raises:
        UnreachableError: No attempt is left; says what the last one failed of.
    """
    retrying = Retrying(
        sleep=pause,
        stop=_gives_up,
        wait=_wait,
        retry=retry_if_exception_type(TransientError),
        reraise=True,
    )
    try:
        return retrying(attempt)
    except TransientError as error:
        tries = retrying.statistics["attempt_number"]
        counted = "1 attempt" if tries == 1 else f"{tries} attempts"
        msg = f"{error.final} Given up after {counted}."
        raise UnreachableError(msg) from error


def retry_after(text: str | None) -> float | None:
    """Read the header `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).

    Returns:
        Seconds from now, or None where there is none that can be read.
    """
    if not text:
        return None
    if text.strip().isdecimal():
        return min(float(text), PATIENCE + 1)
    moment = timestamps.of_header(text)
    if moment is None:
        return None
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def _failure(state: RetryCallState) -> TransientError:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, TransientError):
        raise TypeError(error)
    return error


def _gives_up(state: RetryCallState) -> bool:
    spent = max(state.seconds_since_start or 0.0, state.idle_for)
    if spent + state.upcoming_sleep > PATIENCE:
        return True
    return not _failure(state).limited and state.attempt_number >= ATTEMPTS


def _wait(state: RetryCallState) -> float:
    error = _failure(state)
    doublings = min(state.attempt_number - 1, 10)
    longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**doublings)
    # Half of it at random, so that parallel workers do not come back as one.
    wait = longest * (1 - _jitter.random() / 2)
    return max(wait, error.wait or 0.0, _LIMITED_WAIT if error.limited else 0.0)
