"""Answers that are asked for before their turn."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from tap_qonto.errors import UnreachableError
from tap_qonto.http.early import FRESH, THREADS, EarlyAnswers, request
from tap_qonto.http.transport import Answer

ASKED = request("/v2/labels", [("page", "1")])
ANSWER = Answer(b'{"labels": []}', None, "stream labels")


def test_an_answer_is_asked_for_once_and_taken_once() -> None:
    calls = []

    def call() -> Answer:
        calls.append(threading.current_thread())
        return ANSWER

    early = EarlyAnswers(4)
    for _ in range(2):
        early.begin(ASKED, call)
    taken = early.take(ASKED)
    assert taken is not None
    assert taken() is ANSWER
    assert early.take(ASKED) is None
    assert len(calls) == 1
    assert calls[0] is not threading.main_thread()


def test_what_is_waited_for_is_the_next_to_be_asked() -> None:
    """The stream whose turn it is does not stand behind those that come later."""
    early, order = EarlyAnswers(2), list[str]()
    gates = [threading.Event(), threading.Event()]

    def hold(gate: threading.Event) -> Answer:
        gate.wait()
        return ANSWER

    for number, gate in enumerate(gates):
        early.begin(request("/v2/teams", [("page", str(number))]), partial(hold, gate))
    asked = {name: request(f"/v2/{name}", []) for name in ("labels", "cards", "transactions")}

    def ask(name: str) -> Answer:
        order.append(name)
        return ANSWER

    for name, each in asked.items():
        early.begin(each, partial(ask, name))
    taken = early.take(asked["transactions"])
    gates[0].set()
    assert taken is not None
    assert taken() is ANSWER
    assert order[0] == "transactions"
    gates[1].set()


def test_what_fails_early_fails_where_it_is_taken() -> None:
    def call() -> Answer:
        msg = "Qonto cannot be reached."
        raise UnreachableError(msg)

    early = EarlyAnswers(2)
    early.begin(ASKED, call)
    taken = early.take(ASKED)
    assert taken is not None
    with pytest.raises(UnreachableError):
        taken()


def test_an_old_answer_is_not_taken() -> None:
    now = [0.0]
    early = EarlyAnswers(2, lambda: now[0])
    early.put(ASKED, ANSWER)
    now[0] = FRESH + 1
    assert early.take(ASKED) is None


def test_with_one_worker_nothing_is_asked_before_its_turn() -> None:
    early = EarlyAnswers(1)
    early.begin(ASKED, lambda: pytest.fail("it was asked"))
    assert early.take(ASKED) is None


def test_few_answers_wait_at_a_time() -> None:
    early = EarlyAnswers(2)
    asked = [request("/v2/labels", [("page", str(number))]) for number in range(65)]
    for each in asked[:64]:
        early.put(each, ANSWER)
    early.begin(asked[64], lambda: pytest.fail("it was asked"))
    assert early.take(asked[64]) is None
    assert early.take(asked[0])
    early.begin(asked[64], lambda: ANSWER)
    assert early.take(asked[64])


def test_threads_end_when_there_is_nothing_to_ask() -> None:
    early = EarlyAnswers(8)
    asked = [request("/v2/labels", [("page", str(number))]) for number in range(60)]
    for each in asked:
        early.begin(each, lambda: ANSWER)
    assert [early.take(each) for each in asked].count(None) == 0
    for thread in threading.enumerate():
        if thread.name == THREADS:
            thread.join(30)
    assert not [thread for thread in threading.enumerate() if thread.name == THREADS]
