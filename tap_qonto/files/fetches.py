"""Files that are fetched side by side and taken in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from tap_qonto.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from typing import TypeAlias

    from tap_qonto.files.wanted import Found, Wanted

    _Fetch: TypeAlias = tuple[Wanted, "Future[Found]"]

MOST_IN_A_ROW = 20
"""Files that may fail one after the other. After that it is no matter of single files."""


class Fetches:
    """The files of a stream that are on their way.

    Args:
        name: Name of the stream, for messages.
        fetch: Fetches a file; called in worker threads.
        concurrency: How many at a time.
    """

    def __init__(self, name: str, fetch: Callable[[Wanted, bool], Found], concurrency: int) -> None:
        """Fetch nothing yet."""
        self._name = name
        self._fetch = fetch
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=name)
        self._queue: deque[tuple[str, list[_Fetch]]] = deque()
        self._under_way: WeakValueDictionary[str, Future[Found]] = WeakValueDictionary()
        self._failed_in_a_row = 0

    def begin(self, parent_id: str, wanted: Iterable[Wanted]) -> None:
        """Begin to fetch the files of a row of the parent stream."""
        self._queue.append((parent_id, self._start(wanted)))

    def take(self, parent_id: str, wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Found]]:
        """Return the files of a row, waiting for all of them.

        Args:
            parent_id: Key of the row.
            wanted: Its files, which are fetched now where `begin` left the row out.

        Raises:
            UnreachableError: Many files failed one after the other.
        """
        is_begun = self._queue and self._queue[0][0] == parent_id
        fetches = self._queue.popleft()[1] if is_begun else self._start(wanted)
        for place, (_, fetch) in enumerate(fetches):
            self._check_host(fetch.result(), fetches[place + 1 :])
        return ((each, fetch.result()) for each, fetch in fetches)

    def try_once(self, wanted: Iterable[Wanted]) -> Iterator[tuple[Wanted, Found]]:
        """Yield files with one attempt for each."""
        fetches = [(each, self._pool.submit(self._fetch, each, True)) for each in wanted]  # noqa: FBT003
        return ((each, fetch.result()) for each, fetch in fetches)

    def close(self, *, wait: bool) -> None:
        """End; without waiting, what is on its way ends by itself."""
        self._pool.shutdown(wait=wait, cancel_futures=not wait)

    def _start(self, wanted: Iterable[Wanted]) -> list[_Fetch]:
        return [(each, self._begun(each)) for each in wanted]

    def _begun(self, wanted: Wanted) -> Future[Found]:
        """Begin to fetch a file, unless it is on its way for another row."""
        fetch = self._under_way.get(wanted.attachment_id)
        if fetch is None:
            fetch = self._pool.submit(self._fetch, wanted, False)  # noqa: FBT003
            self._under_way[wanted.attachment_id] = fetch
        return fetch

    def _check_host(self, found: Found, behind: Iterable[_Fetch]) -> None:
        """Tell a bad file from a host that fails, by the files before and behind it."""
        statuses = _statuses(found)
        if "downloaded" in statuses:
            self._failed_in_a_row = 0
            return
        if "failed" not in statuses:
            return
        self._failed_in_a_row += 1
        failed = self._failed_in_a_row
        for _, fetch in chain(behind, *(fetches for _, fetches in self._queue)):
            statuses = _statuses(fetch.result())
            if failed >= MOST_IN_A_ROW or "downloaded" in statuses:
                break
            failed += "failed" in statuses
        if failed >= MOST_IN_A_ROW:
            reason = next(each["error"] for each in found.records if each["status"] == "failed")
            msg = (
                f"{MOST_IN_A_ROW} files of {self._name} in a row could not be had, so the run "
                f"ends before the state passes them. {reason}"
            )
            raise UnreachableError(msg)


def _statuses(found: Found) -> set[str]:
    return {record["status"] for record in found.records}
