"""Trying again: how often, how long, and what is said in the end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pytest
import time_machine

from tap_qonto.errors import ConfigError, StoppedError, UnreachableError
from tap_qonto.http import retries
from tap_qonto.http.retries import TransientError

FAULT = UnreachableError("It broke.")


@dataclass
class Call:
    """An attempt that fails as told and then succeeds; it remembers the waits between."""

    failures: list[Exception]
    made: int = 0
    waits: list[float] = field(default_factory=list)

    def attempt(self) -> str:
        self.made += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    def run(self) -> str:
        return retries.run(self.attempt, self.waits.append)


def broken(wait: float | None = None, *, limited: bool = False) -> TransientError:
    return TransientError(FAULT, wait, limited=limited)


def test_what_succeeds_is_done_once_and_without_waiting() -> None:
    call = Call([])
    assert call.run() == "done"
    assert (call.made, call.waits) == (1, [])


def test_what_may_pass_is_tried_again_until_it_succeeds() -> None:
    call = Call([broken() for _ in range(retries.ATTEMPTS - 1)])
    assert call.run() == "done"
    assert call.made == retries.ATTEMPTS


def test_what_stays_broken_is_given_up_with_its_reason_and_the_number_of_attempts() -> None:
    call = Call([broken() for _ in range(100)])
    with pytest.raises(UnreachableError, match=r"^It broke\. Given up after 7 attempts\.$"):
        call.run()
    assert call.made == retries.ATTEMPTS == 7


def test_what_cannot_pass_is_not_tried_again() -> None:
    error = ConfigError("Wrong setting.")
    call = Call([error])
    with pytest.raises(ConfigError) as caught:
        call.run()
    assert caught.value is error
    assert (call.made, call.waits) == (1, [])


def test_waits_double_and_are_half_random() -> None:
    seen = []
    for _ in range(50):
        call = Call([broken() for _ in range(6)])
        call.run()
        seen.append(call.waits)
    for number, waits in enumerate(zip(*seen, strict=True)):
        longest = 0.5 * 2**number
        assert all(longest / 2 <= wait <= longest for wait in waits)
        assert len(set(waits)) > 1, "workers would come back as one"


def test_waits_do_not_grow_for_ever() -> None:
    call = Call([broken(limited=True) for _ in range(14)])
    call.run()
    assert max(call.waits) <= 60


def test_what_the_server_asks_for_is_waited() -> None:
    call = Call([broken(30), broken(7.5)])
    call.run()
    assert call.waits[0] == 30
    assert call.waits[1] == 7.5


def test_the_rate_limit_is_waited_out_through_its_longest_window() -> None:
    call = Call([broken(60, limited=True) for _ in range(10)])
    assert call.run() == "done"
    assert sum(call.waits) == 600


def test_the_rate_limit_without_a_hint_waits_a_second_at_least() -> None:
    call = Call([broken(limited=True)])
    call.run()
    assert call.waits[0] >= 1


@pytest.mark.parametrize("limited", [True, False])
@pytest.mark.parametrize("wait", [None, 1.0, 100.0, 899.0, 901.0, 86_400.0])
def test_all_waits_together_are_bounded(*, limited: bool, wait: float | None) -> None:
    call = Call([broken(wait, limited=limited) for _ in range(10_000)])
    with pytest.raises(UnreachableError, match="Given up after"):
        call.run()
    assert sum(call.waits) <= retries.PATIENCE == 900


def test_a_wait_that_is_ended_ends_the_attempts() -> None:
    call = Call([broken() for _ in range(3)])

    def stop(_: float) -> None:
        msg = "The run was told to end."
        raise StoppedError(msg)

    with pytest.raises(StoppedError):
        retries.run(call.attempt, stop)
    assert call.made == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30.0),
        ("Fri, 02 Jan 2026 04:05:05 +0100", 60.0),
        ("Friday, 02-Jan-26 03:04:35 GMT", 30.0),
        ("Fri, 02 Jan 2026 03:04:00 GMT", 0.0),
        ("Mon, 01 Jan 2024 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    with time_machine.travel(now, tick=False):
        assert retries.retry_after(text) == seconds


@pytest.mark.parametrize(
    "text",
    [None, "", "soon", "nan", "inf", "1e999", "-5", "9" * 400, "Fri, 99 Jan 2026", "12:30"],
    ids=lambda text: str(text)[:20],
)
def test_a_retry_after_that_cannot_be_obeyed_is_left_aside(text: str | None) -> None:
    seconds = retries.retry_after(text)
    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)
