"""The files of a stream in one sync: begun, taken in order, and remembered if not there."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_qonto.errors import RefusedError
from tap_qonto.files.fetches import Fetches
from tap_qonto.files.wanted import GONE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from tap_qonto.files.pending import Pending
    from tap_qonto.files.wanted import Found, Wanted
    from tap_qonto.output.records import Record

    Rows = Iterator[tuple[Wanted, Record]]


class OneSync:
    """The files of a stream in one sync.

    Args:
        name: Name of the stream, for messages.
        fetch: Fetches a file; called in worker threads.
        pending: The files that earlier runs could not get.
        concurrency: How many are fetched at a time.
        reads_all: Whether all rows of the parent are read, so that all files are tried.

    Attributes:
        is_refused: Whether Qonto refused the credential these files.
    """

    def __init__(
        self,
        name: str,
        fetch: Callable[[Wanted, bool], Found],
        pending: Pending,
        *,
        concurrency: int,
        reads_all: bool,
    ) -> None:
        """Fetch nothing yet."""
        self.is_refused = False
        self._name = name
        self._fetches = Fetches(name, fetch, concurrency)
        self._pending = pending
        self._reads_all = reads_all
        self._failed_now: set[Wanted] = set()
        self._gone: Counter[str] = Counter()

    @contextmanager
    def open(self) -> Generator[None, None, None]:
        """Return a context for the sync; what is on its way ends with it."""
        try:
            yield
            self._fetches.close(wait=True)
            if self._reads_all and not self.is_refused:
                # No row of the parent names them any more.
                for wanted in set(self._pending) - self._failed_now:
                    self._pending.discard(wanted)
        except BaseException:
            # Other streams go on.
            self._fetches.close(wait=False)
            raise

    @contextmanager
    def noting_refusal(self) -> Generator[None, None, None]:
        """Return a context that ends what is on its way if Qonto refuses."""
        try:
            yield
        except RefusedError:
            self.is_refused = True
            self._fetches.close(wait=False)
            raise

    def begin(self, parent_id: str, wanted: Iterable[Wanted]) -> None:
        """Begin to fetch the files of a row of the parent stream."""
        self._fetches.begin(parent_id, wanted)

    def catch_up(self) -> Rows:
        """Try the files that earlier runs could not get, once each; yield those that are there."""
        if self._reads_all:
            return
        for wanted, found in self._fetches.try_once(self._pending):
            self._count(found)
            if found.is_settled:
                self._pending.discard(wanted)
            for record in found.records:
                if record["status"] not in GONE:
                    yield wanted, record

    def take(self, parent_id: str, wanted: Iterable[Wanted]) -> Rows:
        """Yield the files of a row of the parent stream, waiting for them.

        Args:
            parent_id: Key of the row.
            wanted: Its files, which are fetched now if `begin` left the row out.

        Raises:
            UnreachableError: Many files failed one after the other.
        """
        for each, found in self._fetches.take(parent_id, wanted):
            self._count(found)
            if found.is_settled:
                self._pending.discard(each)
            else:
                self._pending.add(each)
                self._failed_now.add(each)
            for record in found.records:
                yield each, record

    @property
    def gone(self) -> str:
        """Say in words what is not there; "" if everything is."""
        if not self._gone:
            return ""
        return (
            f"{self._name}: {self._gone['failed']} files failed and {self._gone['missing']} are "
            "missing at Qonto. The column error says why; later runs try them again."
        )

    def _count(self, found: Found) -> None:
        self._gone.update(each["status"] for each in found.records if each["status"] in GONE)
