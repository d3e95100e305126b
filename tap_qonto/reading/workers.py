"""Threads that ask for pages, for the one thread that writes them."""

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from tap_qonto.reading.pages import Page
from tap_qonto.reading.side_by_side import Part, SideBySide
from tap_qonto.reading.ways import Ask, OutOfOrderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from typing_extensions import Self

    from tap_qonto.reading.done import Reached
    from tap_qonto.reading.pages import Row

Key = TypeVar("Key")
Value = TypeVar("Value")


class Workers(Generic[Key, Value]):
    """Runs calls in threads, and hands their results to the thread that began them.

    A thread is begun when it is needed. The threads end with the last call that was
    under way, and do not hold up the end of the process.

    Args:
        name: Name of the threads.

    Attributes:
        busy: How many calls there are whose results were not taken.
    """

    def __init__(self, name: str) -> None:
        """Begin no thread yet."""
        self.busy = 0
        self._name = name
        self._threads = 0
        self._calls: SimpleQueue[tuple[Key, Callable[[], Value]] | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[Key, Callable[[], Value]]] = SimpleQueue()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the threads end; nobody waits for what is under way."""
        for _thread in range(self._threads):
            self._calls.put(None)

    @property
    def has_result(self) -> bool:
        """Whether `result` would return at once."""
        return not self._results.empty()

    def begin(self, key: Key, call: Callable[[], Value]) -> None:
        """Begin a call.

        Args:
            key: What `result` returns with its result.
            call: It runs in a thread.
        """
        self.busy += 1
        if self.busy > self._threads:
            self._threads += 1
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        self._calls.put((key, call))

    def result(self) -> tuple[Key, Value]:
        """Wait for the next result, in the order in which calls end.

        Raises:
            BaseException: What the call raised.
        """
        key, result = self._results.get()
        self.busy -= 1
        return key, result()

    def _work(self) -> None:
        while begun := self._calls.get():
            key, call = begun
            self._results.put((key, _result(call)))


def _result(call: Callable[[], Value]) -> Callable[[], Value]:
    try:
        value = call()
    except BaseException as error:  # noqa: BLE001 - raised where it is taken
        failure = error

        def fail() -> Value:
            raise failure

        return fail
    return lambda: value


def read(
    reading: SideBySide, answer: Callable[[Ask], Page | None], *, workers: int, name: str
) -> Iterator[tuple[Sequence[Row], Reached]]:
    """Yield new rows page by page, each with how far the list was read with it.

    A list of a few pages is read in this thread. There are never more pages in memory
    than workers.

    Args:
        reading: Says what to ask for.
        answer: Asks for a page, in any thread; None where it does not come whole.
        workers: How many requests are under way side by side, at the most.
        name: Name of the threads.

    Raises:
        TapQontoError: The list cannot be read; what came before was yielded.
    """
    backlog: deque[tuple[Sequence[Row], Reached]] = deque()

    def take(part: Part, ask: Ask, page: Page | None) -> None:
        try:
            rows = reading.take(part, page)
        except OutOfOrderError:
            # Answers get mixed up.
            rows = reading.take(part, answer(ask))
        backlog.append((rows, reading.reached))

    with Workers[tuple[Part, Ask], Page | None](name) as pool:
        try:
            while True:
                asks = reading.asks(workers - pool.busy - len(backlog))
                if len(asks) == 1 and not pool.busy:
                    yield from _emptied(backlog)
                    part, ask = asks[0]
                    take(part, ask, answer(ask))
                    continue
                for part, ask in asks:
                    pool.begin((part, ask), partial(answer, ask))
                if pool.busy and (pool.has_result or not backlog):
                    # Before anything is written, so that the thread can go on.
                    (part, ask), page = pool.result()
                    take(part, ask, page)
                elif backlog:
                    yield backlog.popleft()
                else:
                    return
        except Exception:
            yield from _emptied(backlog)
            raise


def _emptied(backlog: deque[Value]) -> Iterator[Value]:
    while backlog:
        yield backlog.popleft()
