"""Threads that ask for pages, for the one thread that writes them."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

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

    def result(self) -> tuple[Key, Callable[[], Value]]:
        """Wait for the next call that ends; what its result is called for it returns or raises."""
        self.busy -= 1
        return self._results.get()

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
