"""Who waits for the rate budget is served in turn: of pages and files, neither starves."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from itertools import groupby
from threading import Event
from typing import TYPE_CHECKING

import pytest

from tap_qonto.credentials.header import StaticCredential
from tap_qonto.errors import StoppedError
from tap_qonto.http import rate_budget
from tap_qonto.http.rate_budget import RateBudget
from tap_qonto.http.session import Session
from tap_qonto.http.stop import Stop
from tests.support import BOTH, INVOICES, chosen, written_by

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.fake_qonto import FakeQonto
    from tests.support import Runner

PATIENCE = 30
LIST, FILE = "/v2/supplier_invoices", "/v2/attachments"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Gate:
    """A budget of one call at a time, whose clock the test moves."""

    def __init__(self) -> None:
        self.budget = RateBudget(
            [{"requests": 1, "seconds": 10}], sleep=self._sleep, clock=lambda: self._now
        )
        self.has_slept = False
        self._now = 0.0
        self._opened = threading.Condition()
        self._is_closed_for_good = False

    def _sleep(self, _: float) -> None:
        with self._opened:
            self.has_slept = True
            assert self._opened.wait(PATIENCE)
        if self._is_closed_for_good:
            msg = "The run was told to end."
            raise StoppedError(msg)

    @property
    def waiting(self) -> int:
        return len(self.budget._queue._gates)

    def free_one(self) -> None:
        """Let a call be made, before anyone who sleeps has seen it."""
        self._now += 20

    def wake(self, *, until: Callable[[], bool]) -> None:
        """Wake those who sleep, also those who fall asleep meanwhile."""

        def is_so() -> bool:
            with self._opened:
                self._opened.notify_all()
            return until()

        wait_until(is_so)

    @contextmanager
    def ended(self) -> Generator[None, None, None]:
        """End all waits at the end."""
        try:
            yield
        finally:
            self._is_closed_for_good = True
            self.wake(until=lambda: not self.waiting)


def test_who_waits_longest_goes_first_also_before_one_who_comes_in_time() -> None:
    gate, went = Gate(), list[int]()

    def call(number: int) -> None:
        gate.budget.acquire()
        went.append(number)

    gate.budget.acquire()
    with gate.ended():
        for number in range(8):
            threading.Thread(target=call, args=[number], daemon=True).start()
            wait_until(lambda: gate.waiting == number + 1)  # noqa: B023 - called at once
        wait_until(lambda: gate.has_slept)
        gate.free_one()
        threading.Thread(target=call, args=[8], daemon=True).start()
        wait_until(lambda: gate.waiting + len(went) == 9)
        assert went == []
        for number in range(9):
            gate.wake(until=lambda: len(went) > number)  # noqa: B023 - called at once
            gate.free_one()
    assert went == list(range(9))


def test_a_wait_that_is_given_up_lets_the_next_one_go() -> None:
    gate, went = Gate(), list[str]()
    sleeps, is_over = Event(), Event()

    def until_it_is_over(_: float) -> None:
        sleeps.set()
        assert is_over.wait(PATIENCE)
        msg = "The run was told to end."
        raise StoppedError(msg)

    def call(name: str) -> None:
        try:
            gate.budget.acquire()
        except StoppedError:
            went.append(f"{name} has given up")
        else:
            went.append(name)

    gate.budget.acquire()
    with gate.ended():
        sleep, gate.budget._sleep = gate.budget._sleep, until_it_is_over
        threading.Thread(target=call, args=["first"], daemon=True).start()
        assert sleeps.wait(PATIENCE)
        gate.budget._sleep = sleep
        threading.Thread(target=call, args=["second"], daemon=True).start()
        wait_until(lambda: gate.waiting == 2)
        is_over.set()
        wait_until(lambda: len(went) == 1)
        gate.free_one()
        gate.wake(until=lambda: len(went) == 2)
    assert went == ["first has given up", "second"]


@pytest.mark.parametrize("first", ["page", "file"])
def test_calls_of_two_kinds_go_out_in_turn(company: FakeQonto, first: str) -> None:
    gate, each_has = Gate(), 5
    session = Session(
        api_url=company.url,
        authenticator=StaticCredential("the API key", f"{company.login}:{company.secret_key}"),
        budget=gate.budget,
        stop=Stop(Event()),
    )
    file = f"{FILE}/{company.control.attachment_ids()[0]}"
    paths = {"page": LIST, "file": file}

    def call(path: str) -> None:
        for _ in range(each_has):
            session.get(path, what="it", scope="x.read")

    session.get(LIST, what="it", scope="x.read")
    company.control.clear_requests()
    second = "file" if first == "page" else "page"
    kinds = [first] * 8 + [second] * 8
    threads = [threading.Thread(target=call, args=[paths[kind]], daemon=True) for kind in kinds]
    with gate.ended():
        for number, thread in enumerate(threads, 1):
            thread.start()
            wait_until(lambda: gate.waiting == number)  # noqa: B023 - called at once
        for number in range(1, 16 * each_has + 1):
            gate.free_one()
            gate.wake(until=lambda: company.control.count("api") == number)  # noqa: B023 - same
            # Whoever had an answer asks for the next one before any other is let go.
            wait_until(lambda: gate.waiting == sum(thread.is_alive() for thread in threads))
    asked = [request["path"] for request in company.control.requests("api")]
    assert ["page" if path == LIST else "file" for path in asked] == kinds * each_has


def in_a_row(kinds: list[str]) -> int:
    return max(len(list(group)) for _, group in groupby(kinds))


def test_a_run_asks_for_pages_and_files_side_by_side(
    fake: FakeQonto, tap: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, rows = 40, 320
    fake.control.reset(invoices=0)
    fake.control.add_invoices(
        {"attachment_id": fake.control.add_attachment(b"%PDF-1.4"), "display_attachment_id": None}
        for _ in range(rows)
    )
    monkeypatch.setattr(rate_budget, "_JITTER", 0)
    bounded = tap.tap(
        catalog=chosen(*BOTH),
        rate_limits=[{"requests": 1, "seconds": 0.01}],
        page_size=size,
        list_concurrency=8,
        attachments={"concurrency": 8},
    )
    vars(bounded)["stop"] = Event()
    output = written_by(bounded)
    assert len(output.records(INVOICES)) == rows
    asked = [request["path"] for request in fake.control.requests("api")]
    kinds = ["page" if path == LIST else "file" for path in asked if path.startswith((LIST, FILE))]
    assert kinds.count("file") == rows
    _, second, *_, last = [place for place, kind in enumerate(kinds) if kind == "page"]
    # Files of the first page wait for the budget when the second one is asked for.
    assert second < size / 2
    # Then a page goes out about as often as the files of one.
    assert in_a_row(kinds[: last + 1]) <= 2 * size
