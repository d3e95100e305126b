"""The rate budget: never exceeded in any window, never idle while there is some left."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tap_qonto.errors import StoppedError
from tap_qonto.http.rate_budget import RateBudget
from tap_qonto.settings.declaration import SETTINGS
from tests.fake_qonto.server.limits import RateLimiter
from tests.http.test_shared_budget import redis
from tests.support import Patience, chosen, written_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.fake_qonto import FakeQonto
    from tests.support import Runner

Limits = "Sequence[dict[str, float]]"
QONTO = SETTINGS["properties"]["rate_limits"]["default"]
LONGER = 0.3
"""Seconds by which windows are held longer than Qonto's, since calls arrive unevenly."""
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
        sum(before - held(limit, limits) - TICK <= time for time in times[:-1]) >= limit["requests"]
        for limit in limits
    )


def held(limit: dict[str, float], limits: Sequence[dict[str, float]]) -> float:
    """Return for how long a window is held: no denser than those that are shorter."""
    shorter = [each for each in limits if each["seconds"] < limit["seconds"]]
    densest = max((held(each, limits) / each["requests"] for each in shorter), default=0.0)
    return max(limit["seconds"] + LONGER, densest * limit["requests"])


def most_in_a_window(times: list[float], seconds: float) -> int:
    return max(sum(start <= time < start + seconds for time in times) for start in times)


def test_nothing_is_slept_while_budget_is_there() -> None:
    clock = Clock()
    bounded = budget(QONTO, clock)
    for _ in range(1_000):
        bounded.acquire()
    assert clock.slept == []
    bounded.acquire()
    assert sum(clock.slept) == pytest.approx(10 + LONGER, abs=TICK)


def test_qontos_own_windows_hold_over_a_whole_backfill() -> None:
    times = calls(QONTO, [0.0] * 12_000)
    assert most_in_a_window(times[::10], 10) <= 100 + 1
    for first, eleven_hundred in ((1_000, 10), (10_000, 600)):
        gaps = zip(times, times[first:], strict=False)
        assert min(later - earlier for earlier, later in gaps) >= eleven_hundred
    # 12,000 calls take the ten minutes that 10,000 may take, and no longer than needed.
    assert times[-1] - times[0] < 600 + LONGER + 2 * (10 + LONGER) + 1


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
        catalog=chosen("supplier_invoices", "attachments"),
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


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "redis":
        with redis() as url:
            yield url
    else:
        yield "memory" if request.param == "memory" else f"sqlite:///{tmp_path}/calls.sqlite"


def test_the_ceiling_is_used_and_jitter_of_100_ms_brings_no_429(store: str) -> None:
    # A tenth of Qonto's calls in windows of its length; the clock is simulated.
    limits = [{"requests": 100, "seconds": 10}, {"requests": 1_000, "seconds": 600}]
    clock, qonto, jitter = Clock(), RateLimiter(), Random(14)  # noqa: S311 - jitter, no secrets
    bounded = RateBudget(limits, store=store, sleep=clock.sleep, clock=clock.read)
    begun, times = clock.now, []
    while clock.now < begun + 6_000:
        bounded.acquire()
        times.append(clock.now)
        clock.now += 0.001
    arrivals = sorted(time + jitter.uniform(0, 0.1) for time in times)
    windows = [(each["requests"], each["seconds"]) for each in limits]
    assert [qonto.wait(windows, 0, arrival) for arrival in arrivals] == [None] * len(arrivals)
    assert sum(time < begun + 6_000 for time in times) >= 0.99 * 10_000
    # Bursts: 1,000 calls, before the long window is full, take nine windows and a bit.
    assert (times[900] - begun) / 9 <= 10 / 0.95


@pytest.mark.parametrize("ahead", [6, 660, 86_400, 365 * 86_400])
@pytest.mark.parametrize("store", ["sqlite", "redis"], indirect=True)
def test_calls_that_a_clock_gone_wrong_counted_ahead_do_not_count(store: str, ahead: int) -> None:
    limits = [{"requests": 10, "seconds": 10}, {"requests": 100, "seconds": 600}]
    wrong, right = Clock(1e9 + ahead), Clock(1e9)
    for _ in range(100):
        RateBudget(limits, store=store, sleep=wrong.sleep, clock=wrong.read).acquire()
    bounded = RateBudget(limits, store=store, sleep=right.sleep, clock=right.read)
    for _ in range(10):
        bounded.acquire()
    assert right.slept == []
    bounded.acquire()
    assert sum(right.slept) == pytest.approx(10 + LONGER, abs=TICK)


def test_a_clock_that_is_set_back_makes_no_wait_longer() -> None:
    clock = Clock(1e9)
    bounded = budget(QONTO, clock)
    bounded.pause(30)
    clock.now -= 86_400
    bounded.acquire()
    assert sum(clock.slept) == pytest.approx(30)


def test_a_long_wait_is_told_once_for_all(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    clock = Clock()
    bounded = budget([{"requests": 1, "seconds": 9}, {"requests": 2, "seconds": 60}], clock)
    bounded.acquire()
    bounded.acquire()
    assert caplog.messages == []
    clock.now += 10
    with pytest.raises(StopIteration):
        told(bounded)
    with pytest.raises(StopIteration):
        told(bounded)
    assert caplog.messages == ["Waiting 41 s for the rate limit of Qonto's API."]


def told(bounded: RateBudget) -> None:
    """Begin to wait."""

    def stop(_: float) -> None:
        raise StopIteration

    bounded._sleep = stop
    bounded.acquire()
