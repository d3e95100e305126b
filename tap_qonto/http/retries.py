"""Retries: how often, how long, and what the user reads meanwhile and at the end."""

from __future__ import annotations

import logging
import math
import re
from datetime import datetime, timezone
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING, TypeVar

from tap_qonto import timestamps
from tap_qonto.errors import ApiError, CutError, TapQontoError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenacity import RetryCallState

T = TypeVar("T")

ATTEMPTS = 7
"""Attempts for each call; with the waits between them, half a minute."""
PATIENCE = 900.0
"""Seconds after which a call is given up. Enough to wait out a 429: Qonto's longest
window is ten minutes."""
LONGEST_WAIT = 600.0
"""Seconds to wait for the rate limit at most, whatever the server asks for: by then,
all of Qonto's windows are free again."""
_FIRST_WAIT = 0.5
_LIMITED_WAIT = 1.0
_LONGEST_BACKOFF = 60.0
_FOR_EVER = 1e9
_QUIET_WAIT = 10.0
"""Seconds of waiting that need no word in the log."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+) *s?", re.ASCII)

_jitter = SystemRandom()
logger = logging.getLogger("tap-qonto.session")


class TransientError(Exception):
    """An attempt failed in a way that another one may not.

    Attributes:
        final: What the user reads when no attempt is left.
        wait: Seconds that the server asked to wait, if it did.
        limited: Whether it was the rate limit.
        is_cut: Whether the request was heard, and no whole answer came in time.
    """

    def __init__(
        self,
        final: TapQontoError,
        wait: float | None = None,
        *,
        limited: bool = False,
        is_cut: bool = False,
    ) -> None:
        """Keep what is needed to decide on the next attempt."""
        super().__init__(str(final))
        self.final = final
        self.wait = min(wait, LONGEST_WAIT) if wait is not None and limited else wait
        self.limited = limited
        self.is_cut = is_cut


def run(
    attempt: Callable[[], T],
    pause: Callable[[float], None],
    hold: Callable[[float], None] | None = None,
    *,
    cuts: int = ATTEMPTS,
) -> T:
    """Run an attempt until it succeeds, fails for good, or none is left.

    Args:
        attempt: Raises `TransientError` where another attempt may help.
        pause: Waits a number of seconds; may raise to end the wait.
        hold: Holds back all other calls for the seconds that the rate limit asks for.
            It is called only if this call waits as long itself.
        cuts: Attempts at the most where no whole answer comes.

    Raises:
        CutError: No attempt is left, and the last one brought no whole answer.
        UnreachableError: No attempt is left; says what the last one failed of.
    """
    from tenacity import Retrying  # noqa: PLC0415 - slow to import

    def before_wait(state: RetryCallState) -> None:
        error = _failure(state)
        if hold and error.limited and error.wait is not None:
            hold(error.wait)
        # A single failure is not worth a warning.
        is_news = state.attempt_number > 1 or state.upcoming_sleep > _QUIET_WAIT
        logger.log(
            logging.WARNING if is_news else logging.DEBUG,
            "%s Attempt %d follows in %.1f s.",
            error.final,
            state.attempt_number + 1,
            state.upcoming_sleep,
        )

    retrying = Retrying(
        sleep=pause,
        stop=partial(_gives_up, cuts=cuts),
        wait=_wait,
        # Tenacity's own holds itself, and so stays in memory until Python looks for cycles.
        retry=_is_transient,
        before_sleep=before_wait,
        reraise=True,
    )
    try:
        return retrying(attempt)
    except TransientError as error:
        tries = retrying.statistics["attempt_number"]
        counted = "1 attempt" if tries == 1 else f"{tries} attempts"
        asked = f" It asks to wait {error.wait:,.0f} s." if (error.wait or 0) > PATIENCE else ""
        msg = f"{error.final}{asked} Given up after {counted}."
        final = (CutError if error.is_cut else UnreachableError)(msg)
        final.is_answered = isinstance(error.final, ApiError)
        raise final from error


def retry_after(text: str | None, now: datetime | None = None) -> float | None:
    """Read the header `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).

    Servers and the proxies before them also send fractions, ISO 8601 dates, and several
    values in one line, of which the longest holds.

    Args:
        text: Its value.
        now: The clock (aware) of its sender; by default that of this machine.

    Returns:
        Seconds from now, never negative; None where there is nothing that can be read.
    """
    text = (text or "").strip(" \t\"'")
    whole = _seconds(text, now)
    parts = [whole] if whole is not None else [_seconds(part, now) for part in text.split(",")]
    return max((part for part in parts if part is not None), default=None)


def _seconds(text: str, now: datetime | None) -> float | None:
    text = text.strip(" \t\"'")
    if _NUMBER.fullmatch(text):
        seconds = float(text.rstrip(" s"))
        return max(0.0, seconds) if math.isfinite(seconds) else _FOR_EVER
    moment = timestamps.of_header(text)
    if moment is None:
        try:
            moment = timestamps.parse(text)
        except ValueError:
            return None
    return max(0.0, (moment - (now or datetime.now(timezone.utc))).total_seconds())


def _is_transient(state: RetryCallState) -> bool:
    outcome = state.outcome
    return outcome is not None and isinstance(outcome.exception(), TransientError)


def _failure(state: RetryCallState) -> TransientError:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, TransientError):
        raise TypeError(error)
    return error


def _gives_up(state: RetryCallState, cuts: int) -> bool:
    spent = max(state.seconds_since_start or 0.0, state.idle_for)
    if spent + state.upcoming_sleep > PATIENCE:
        return True
    error = _failure(state)
    return not error.limited and state.attempt_number >= (cuts if error.is_cut else ATTEMPTS)


def _wait(state: RetryCallState) -> float:
    error = _failure(state)
    doublings = min(state.attempt_number - 1, 10)
    longest = min(_LONGEST_BACKOFF, _FIRST_WAIT * 2.0**doublings)
    # Half of it at random, so that parallel workers do not come back as one.
    wait = longest * (1 - _jitter.random() / 2)
    return max(wait, error.wait or 0.0, _LIMITED_WAIT if error.limited else 0.0)
