"""Answers that are asked for before their turn."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from tap_qonto.http.transport import Answer

    Request: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]

THREADS = "early answers"
FRESH = 300.0
"""Seconds for which a first page is worth more than another request."""
_MOST = 64
"""Answers in memory: the first pages of all streams, and as many of those that follow."""


def request(path: str, params: Sequence[tuple[str, str]]) -> Request:
    """Return what tells a request from others."""
    return path, tuple(params)


class EarlyAnswers:
    """Answers by their requests, each taken once.

    The threads end when there is nothing to ask, and do not hold up the end of the process.

    Args:
        workers: How many requests are under way side by side; with 1, nothing is asked
            before its turn.
        clock: Reads a clock that never goes back, in seconds.
    """

    def __init__(self, workers: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Ask for nothing yet."""
        self._workers = workers
        self._clock = clock
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(workers)
        self._threads = 0
        self._answers: dict[Request, tuple[float, Future[Answer]]] = {}
        self._calls: OrderedDict[Future[Answer], Callable[[], Answer]] = OrderedDict()

    def call(self, call: Callable[[], Answer]) -> Answer:
        """Call once fewer than so many calls are under way, whoever began them."""
        with self._slots:
            return call()

    @property
    def is_on(self) -> bool:
        """Whether anything is asked before its turn."""
        return self._workers > 1

    def begin(self, asked: Request, call: Callable[[], Answer]) -> None:
        """Ask in a thread, unless the same was asked before or too many answers wait.

        Args:
            asked: Of whom `take` returns the answer.
            call: Asks.
        """
        if not self.is_on or asked in self._answers or len(self._answers) >= _MOST:
            return
        future: Future[Answer] = Future()
        self._answers[asked] = self._clock(), future
        with self._lock:
            self._calls[future] = call
            if self._threads < self._workers:
                self._threads += 1
                threading.Thread(target=self._work, name=THREADS, daemon=True).start()

    def put(self, asked: Request, answer: Answer) -> None:
        """Keep an answer for who asks the same next."""
        future: Future[Answer] = Future()
        future.set_result(answer)
        self._answers[asked] = self._clock(), future

    def take(self, asked: Request, within: float = FRESH) -> Callable[[], Answer] | None:
        """Return what waits for an answer, and raises what its call raised.

        If the call has not begun, it is the next: a stream whose turn it is waits for it.

        Args:
            asked: As for `begin`.
            within: How long ago it may have been asked for, in seconds.

        Returns:
            None where it was not asked for, or too long ago.
        """
        begun, future = self._answers.pop(asked, (0.0, None))
        if future is None or self._clock() - begun > within:
            return None
        with self._lock:
            if future in self._calls:
                self._calls.move_to_end(future, last=False)
        return future.result

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._calls:
                    self._threads -= 1
                    return
                future, call = self._calls.popitem(last=False)
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001 - raised where it is taken
                future.set_exception(error)
