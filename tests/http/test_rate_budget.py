"""The rate budget: never exceeded in any window, never idle while there is some left."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tap_qonto.errors import StoppedError
from tap_qonto.http.rate_budget import RateBudget
from tap_qonto.settings.declaration import SETTINGS
from tests.support import Patience, written_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fake_qonto import FakeQonto
    from tests.support import Runner

Limits = "Sequence[dict[str, float]]"
QONTO = SETTINGS["properties"]["rate_limits"]["default"]
LONGER = 1.04
"""Windows are held a little longer than Qonto's, since calls arrive unevenly."""
TICK = 0.003


@dataclass
class Clock:
    """A clock that moves when somebody sleeps."""

    now: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds


def budget(limits: Sequence[dict[str, float]], clock: Clock) -> RateBudget:
    return RateBudget(limits, sleep=clock.sleep, clock=clock.read)


def calls(limits: Sequence[dict[str, float]], idle: Sequence[float]) -> list[float]:
    """Make a call after each idle time; return when each was let go."""
    clock = Clock()
    bounded = budget(limits, clock)
    times = []
    for gap in idle:
        clock.now += gap
        asked = clock.now
        bounded.acquire()
        times.append(clock.now)
        if clock.now > asked:
            check_that_it_had_to_wait(limits, times)
    return times


def check_that_it_had_to_wait(limits: Sequence[dict[str, float]], times: list[float]) -> None:
    """Some window must have been full until just before the last call was let go."""
    before = times[-1] - TICK
    assert any(
        sum(before - limit["seconds"] * LONGER - TICK <= time for time in times[:-1])
        >= limit["requests"]
        for limit in limits
    )


def most_in_a_window(times: list[float], seconds: float) -> int:
    return max(sum(start <= time < start + seconds for time in times) for start in times)


def test_nothing_is_slept_while_budget_is_there() -> None:
    clock = Clock()
    bounded = budget(QONTO, clock)
    for _ in range(1_000):
        bounded.acquire()
    assert clock.slept == []
    bounded.acquire()
    assert sum(clock.slept) == pytest.approx(10 * LONGER, abs=TICK)


def test_qontos_own_windows_hold_over_a_whole_backfill() -> None:
    times = calls(QONTO, [0.0] * 12_000)
    assert most_in_a_window(times[::10], 10) <= 100 + 1
    for first, eleven_hundred in ((1_000, 10), (10_000, 600)):
        gaps = zip(times, times[first:], strict=False)
        assert min(later - earlier for earlier, later in gaps) >= eleven_hundred
    # 12,000 calls take the ten minutes that 10,000 may take, and no longer than needed.
    assert times[-1] - times[0] < 600 * LONGER + 2 * 10 * LONGER + 1


@given(
    limits=st.lists(
        st.fixed_dictionaries(
            {"requests": st.integers(1, 30), "seconds": st.sampled_from([0.5, 1, 2, 10, 15, 60])}
        ),
        min_size=1,
        max_size=3,
    ),
    idle=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.4, 3.0]), max_size=120),
)
def test_no_window_is_ever_exceeded_and_no_wait_is_too_long(
    limits: list[dict[str, float]], idle: list[float]
) -> None:
    try:
        times = calls(limits, idle)
    except ValueError:
        assume(False)  # noqa: FBT003 - windows that contradict each other are refused
    for limit in limits:
        assert most_in_a_window(times, limit["seconds"]) <= limit["requests"] if times else True


def test_windows_of_one_rate_all_hold() -> None:
    limits = [{"requests": 10.0, "seconds": 10.0}, {"requests": 15.0, "seconds": 15.0}]
    times = calls(limits, [0.0] * 60)
    assert most_in_a_window(times, 10) <= 10
    assert most_in_a_window(times, 15) <= 15


def test_a_pause_holds_all_calls_back_and_the_longest_one_counts() -> None:
    clock = Clock()
    bounded = budget(QONTO, clock)
    bounded.pause(30)
    bounded.pause(5)
    bounded.acquire()
    assert clock.now == pytest.approx(1_030)
    bounded.acquire()
    assert clock.now == pytest.approx(1_030)


def test_a_wait_can_be_ended() -> None:
    def stop(_: float) -> None:
        msg = "The run was told to end."
        raise StoppedError(msg)

    bounded = RateBudget([{"requests": 1, "seconds": 1_000}], sleep=stop)
    bounded.acquire()
    with pytest.raises(StoppedError):
        bounded.acquire()


def test_threads_share_one_budget() -> None:
    class Full(Exception):  # noqa: N818 - it is what the test waits for
        pass

    def stop(_: float) -> None:
        raise Full

    bounded = RateBudget([{"requests": 20, "seconds": 1_000}], sleep=stop)

    def worker(_: int) -> bool:
        try:
            bounded.acquire()
        except Full:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(worker, range(40))) == 20


class StopAtOnce(Patience):
    """Ends the run where it would wait."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return super().wait(timeout)


def test_every_call_to_the_api_counts_and_none_to_the_file_host(
    company: FakeQonto, tap: Runner
) -> None:
    hurried = tap.tap(
        rate_limits=[{"requests": 20, "seconds": 20}],
        attachments={"concurrency": 3},
        page_size=5,
    )
    vars(hurried)["stop"] = StopAtOnce()
    with pytest.raises(StoppedError):
        written_by(hurried)
    assert company.control.count("api") == 20
    assert company.control.count("files") > 0
    for thread in threading.enumerate():
        if thread.name.startswith("attachments"):
            thread.join(5)
            assert not thread.is_alive(), "it spins until its window frees"
