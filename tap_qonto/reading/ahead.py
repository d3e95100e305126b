"""Work for the streams that follow a list, begun while its next rows are read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from operator import methodcaller
from typing import TYPE_CHECKING, Any

from tap_qonto.errors import TapQontoError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tap_qonto.output.records import Record
    from tap_qonto.reading.followers import Follower

Commit = Callable[[], Any]
"""What is to be done once the records before it are written."""


class Ahead:
    """Lets followers begin their work on a record before it is written.

    So the next page is asked for while files come in. No more than a page's are on
    their way, which bounds memory.

    Args:
        followers: Those that are selected.
        is_wanted: Tells whether a stream map lets a record through.
        leave_out: Goes on without a follower that fails, or raises its failure.
        most: How many records may be ahead.
    """

    def __init__(
        self,
        followers: Sequence[Follower],
        is_wanted: Callable[[Record], bool],
        leave_out: Callable[[Follower, TapQontoError], object],
        most: int,
    ) -> None:
        """Begin nothing yet."""
        self._followers = list(followers)
        self._is_wanted = is_wanted
        self._leave_out = leave_out
        self._most = most if followers else 1
        self._begun: deque[bool] = deque()

    def steps(self, steps: Iterable[Record | Commit]) -> Iterator[Record | Commit]:
        """Hand steps on, while the followers work on those that come next."""
        self._let(methodcaller("catch_up"))
        ahead: deque[Record | Commit] = deque()
        try:
            for step in steps:
                if self._followers and not callable(step):
                    self._begin(step)
                ahead.append(step)
                if len(ahead) == self._most:
                    yield ahead.popleft()
        except Exception:
            # What came before the failure is whole.
            yield from ahead
            raise
        yield from ahead

    def _begin(self, record: Record) -> None:
        is_wanted = self._is_wanted(record)
        self._begun.append(is_wanted)
        if is_wanted:
            for follower in self._followers:
                follower.begin(record)

    def write(self, record: Record) -> None:
        """Write what the followers made of a record, waiting for their work."""
        # A filter that looks at the clock may say otherwise than it did before.
        if self._followers and (self._begun.popleft() or self._is_wanted(record)):
            self._let(methodcaller("write_records", record))

    def _let(self, work: Callable[[Follower], object]) -> None:
        for follower in tuple(self._followers):
            try:
                work(follower)
            except TapQontoError as error:
                self._leave_out(follower, error)
                self._followers.remove(follower)
