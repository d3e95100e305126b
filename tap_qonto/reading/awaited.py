"""Rows that Qonto completes some time after, such as an invoice whose PDF is to be made.

Nothing says that their time stamps change with it. So the state remembers them, and each
run asks for them one by one until they are whole.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from tap_qonto.reading.workers import Workers

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator

    from tap_qonto.reading.pages import Row

KEY = "awaited"
MOST = 1_000
"""Rows of a stream that are remembered; some 40 bytes of state each."""


class Awaited:
    """The rows of one stream that are to be completed.

    Args:
        name: Name of the stream, for messages.
        entry: What the state says of the stream; changed in place.
        logger: Where it is said that one is dropped.
    """

    def __init__(self, name: str, entry: dict[str, Any], logger: logging.Logger) -> None:
        """Read what the state has."""
        self._name = name
        self._entry = entry
        self._logger = logger
        self._keys: dict[str, None] = dict.fromkeys(entry.get(KEY, ()))
        self._before = tuple(self._keys)

    def note(self, key: str, *, is_awaited: bool) -> None:
        """Remember a row that is to be completed, or forget one that is.

        Where there are too many, the oldest is dropped.
        """
        if is_awaited == (key in self._keys):
            return
        if is_awaited:
            self._keys[key] = None
        else:
            del self._keys[key]
        if len(self._keys) > MOST:
            oldest = next(iter(self._keys))
            del self._keys[oldest]
            self._logger.warning(
                "Qonto has not completed more than %d rows of %s. The oldest, %s, is not asked "
                "for again by itself; a run without a state reads it.",
                MOST,
                self._name,
                oldest,
            )
        self._entry[KEY] = list(self._keys)
        if not self._keys:
            del self._entry[KEY]

    def read(
        self, read: Callable[[str], Row | None], workers: int
    ) -> Iterator[tuple[str, Callable[[], Row | None]]]:
        """Read the rows that earlier runs left, and this one has not read yet.

        Args:
            read: Asks for a row by its key; called in threads. None if it is gone.
            workers: How many are asked for side by side.

        Yields:
            The key of each row, and what returns what was read or raises what was raised.
        """
        due = (key for key in self._before if key in self._keys)
        with Workers[str, "Row | None"](self._name) as asked:
            for key in islice(due, workers):
                asked.begin(key, partial(read, key))
            while asked.busy:
                key, result = asked.result()
                yield key, result
                for further in islice(due, 1):
                    asked.begin(further, partial(read, further))
