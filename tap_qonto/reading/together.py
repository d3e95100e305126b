"""Lists that are read side by side, and share their workers.

Each is read by a task: a generator that yields None where it cannot go on before an
answer comes. All tasks run in the one thread that writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from tap_qonto.reading.side_by_side import asks
from tap_qonto.reading.ways import OutOfOrderError
from tap_qonto.reading.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from typing_extensions import Self

    from tap_qonto.reading.done import Reached
    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.parts import Part
    from tap_qonto.reading.side_by_side import SideBySide
    from tap_qonto.reading.ways import Ask

    Read: TypeAlias = Callable[[], Page | None]
    """Reads what was answered, in the thread that writes; None where no whole page came."""
    Answer: TypeAlias = Callable[[Ask], Read]
    """Asks for a page, in any thread."""
    Result: TypeAlias = Callable[[], Any]
    """Returns what a call returned, or raises what it raised."""

T = TypeVar("T")


@dataclass(eq=False)
class _Reading:
    """A reading, and the page of it that is not written yet."""

    answer: Answer
    page: tuple[Sequence[Row], Reached] | None = None
    failure: Exception | None = None


class Together:
    """Lists that are read together.

    No more lists than workers are read at a time, and there is no more than one page more
    in memory, which is being written. One request at a time goes out in this thread.

    Args:
        workers: How many requests are under way side by side, at the most.
        name: Name of the threads.
    """

    def __init__(self, workers: int, name: str) -> None:
        """Ask nothing yet."""
        self._workers = workers
        self._pool = Workers[Callable[["Result"], object], Any](name)
        self._readings: dict[SideBySide, _Reading] = {}
        self._alone: tuple[Part, Ask] | None = None
        self._has_news = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the threads end; nobody waits for what is under way."""
        self._pool.__exit__()

    def run(self, tasks: Iterable[Iterator[T | None]]) -> Iterator[T]:
        """Yield what tasks yield, each in its turn until it has to wait.

        Args:
            tasks: Those that come first begin first.
        """
        due = iter(tasks)
        running: list[Iterator[T | None]] = []
        while True:
            running += islice(due, self._workers - len(running))
            if not running:
                return
            self._has_news = False
            for task in tuple(running):
                for step in task:
                    if step is None:
                        break
                    yield step
                else:
                    self._has_news = True
                    running.remove(task)
            if not self._has_news:
                self._wait()

    def pages(
        self, reading: SideBySide, answer: Answer
    ) -> Iterator[tuple[Sequence[Row], Reached] | None]:
        """Yield new rows page by page, each with how far the list was read with it.

        Between two pages it is the turn of other tasks.

        Args:
            reading: Says what to ask for.
            answer: Asks for a page.

        Raises:
            Exception: The list cannot be read; what came before was yielded.
        """
        mine = self._readings[reading] = _Reading(answer)
        try:
            while True:
                self._serve()
                if mine.page:
                    self._has_news = True
                    page, mine.page = mine.page, None
                    yield page
                elif mine.failure:
                    raise mine.failure
                elif reading.is_done:
                    return
                yield None
        finally:
            # What is still to come has nobody to take it.
            del self._readings[reading]
            if self._alone and self._alone[0].reading is reading:
                self._alone = None

    def call(self, call: Callable[[], T]) -> Generator[None, None, T]:
        """Call in a thread if other lists are read meanwhile, and return the result."""
        if not self._pool.busy:
            return call()
        results: list[Callable[[], T]] = []
        self._pool.begin(results.append, call)
        while not results:
            self._serve()
            yield None
        return results[0]()

    @property
    def _has_page(self) -> bool:
        """Whether a page is to be written."""
        return any(each.page for each in self._readings.values())

    def _serve(self) -> None:
        """Take an answer once all rows of the last one are written, and ask for more.

        Rows that wait leave the processor's cache, and cost more to write.
        """
        self._ask()
        if self._pool.has_result and not self._has_page:
            self._take_next()
            self._ask()

    def _wait(self) -> None:
        """Wait for an answer, if any is to come."""
        self._ask()
        if self._alone:
            (part, ask), self._alone = self._alone, None
            self._take(part, ask, partial(self._readings[part.reading].answer, ask))
        elif self._pool.busy:
            self._take_next()

    def _take_next(self) -> None:
        self._has_news = True
        take, result = self._pool.result()
        take(result)

    def _ask(self) -> None:
        due = [self._alone] if self._alone else []
        idle = self._workers - self._pool.busy - len(due)
        if idle > 0:
            readings = [reading for reading, each in self._readings.items() if not each.failure]
            due += asks(readings, idle)
        if len(due) == 1 and not self._pool.busy:
            # It can wait until all that has come is written.
            (self._alone,) = due
            return
        self._alone = None
        for part, ask in due:
            answer = self._readings[part.reading].answer
            self._pool.begin(partial(self._take, part, ask), partial(answer, ask))

    def _take(self, part: Part, ask: Ask, result: Result) -> None:
        mine = self._readings.get(part.reading)
        if mine is None or mine.failure:
            return
        try:
            page = result()()
            try:
                rows = part.reading.take(part, page)
            except OutOfOrderError:
                # Answers get mixed up.
                rows = part.reading.take(part, mine.answer(ask)())
        except Exception as error:  # noqa: BLE001 - raised in its turn, by `pages`
            mine.failure = error
        else:
            mine.page = rows, part.reading.reached
