"""Trying again: how often, how long, and what is said in the end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from tap_qonto.errors import ConfigError, StoppedError, UnreachableError
from tap_qonto.http import retries
from tap_qonto.http.retries import TransientError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
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


@pytest.mark.parametrize("asked", [601.0, 86_400.0, 1e12])
def test_no_window_is_longer_than_the_wait_for_the_rate_limit(asked: float) -> None:
    call = Call([broken(asked, limited=True)])
    assert call.run() == "done"
    assert call.waits == [retries.LONGEST_WAIT] == [600]


def test_a_wait_that_no_call_can_afford_is_not_begun() -> None:
    call = Call([broken(86_400)])
    with pytest.raises(
        UnreachableError, match=r"It asks to wait 86,400 s. Given up after 1 attempt"
    ):
        call.run()
    assert call.waits == []


def test_only_a_wait_for_the_rate_limit_that_is_waited_holds_back_the_others() -> None:
    held: list[float] = []
    call = Call([broken(5), broken(limited=True), broken(400, limited=True)])
    retries.run(call.attempt, call.waits.append, held.append)
    assert held == [400]
    held.clear()
    call = Call([broken(500, limited=True), broken(500, limited=True), broken(1)])
    with pytest.raises(UnreachableError, match="Given up after 2 attempts"):
        retries.run(call.attempt, call.waits.append, held.append)
    assert held == call.waits == [500]


def test_long_waits_and_failures_that_last_are_told(caplog: pytest.LogCaptureFixture) -> None:
    Call([broken()]).run()
    assert caplog.messages == []
    Call([broken(11)]).run()
    Call([broken(2), broken(3), broken(4)]).run()
    assert caplog.messages == [
        "It broke. Attempt 2 follows in 11.0 s.",
        "It broke. Attempt 3 follows in 3.0 s.",
        "It broke. Attempt 4 follows in 4.0 s.",
    ]
    assert {record.levelname for record in caplog.records} == {"WARNING"}


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
        ("Fri Jan  2 03:04:35 2026", 30.0),
        ("2026-01-02T03:04:35Z", 30.0),
        ("1.5", 1.5),
        (".25", 0.25),
        ("5.", 5.0),
        ("-5", 0.0),
        ("-0.5", 0.0),
        ("+7", 7.0),
        ('"30"', 30.0),
        ("30s", 30.0),
        ("30 s", 30.0),
        ("120, 60", 120.0),
        ("60,120", 120.0),
        ("soon, 60", 60.0),
        ("30, Fri, 02 Jan 2026 03:05:05 GMT", 60.0),
        ("\t 30\t", 30.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    with time_machine.travel(NOW, tick=False):
        assert retries.retry_after(text) == seconds


def test_a_date_is_counted_from_the_clock_of_who_sent_it() -> None:
    assert retries.retry_after("Fri, 02 Jan 2026 03:04:35 GMT", NOW) == 30


@pytest.mark.parametrize("text", ["9" * 400, "9" * 20, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_huge_retry_after_is_longer_than_all_patience(text: str) -> None:
    assert (retries.retry_after(text) or 0) > retries.PATIENCE


@given(st.text(max_size=40))
def test_any_retry_after_gives_seconds_or_nothing(text: str) -> None:
    seconds = retries.retry_after(text)
    assert seconds is None or (math.isfinite(seconds) and seconds >= 0)


@pytest.mark.parametrize(
    "text",
    [None, "", ",", "soon", "nan", "inf", "1e999", "0x10", "1 2", "Fri, 99 Jan 2026", "12:30"],
)
def test_a_retry_after_that_cannot_be_read_is_left_aside(text: str | None) -> None:
    assert retries.retry_after(text) is None
