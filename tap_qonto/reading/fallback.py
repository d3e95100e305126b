"""The next safer way to read a list, where Qonto refuses an order or a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tap_qonto.errors import ApiError
from tap_qonto.reading.ways import CREATED, UPDATED, UnsuitableError

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Sequence

    from tap_qonto.reading.ways import Way

T = TypeVar("T")

_REFUSALS = {400, 422}
_SORT = "sort_by"
_REFUSES = "Qonto refuses to sort %s by %s; reading it %s instead. %s"
_UNSUITABLE = {
    "filter": "Qonto does not filter %s by %s; reading it %s instead. %s",
    "sort": "Qonto does not sort %s by %s; reading it %s instead. %s",
}


def safest(
    ways: Sequence[Way],
    read: Callable[[Way], Iterator[T]],
    stream: str,
    logger: logging.Logger,
) -> Iterator[T]:
    """Read a list in the first way that suits it, with one warning for each that does not.

    Args:
        ways: The safest last.
        read: Reads the list, from its beginning.
        stream: Name of the stream, for the warning.
        logger: Where the warning goes.

    Raises:
        TapQontoError: The list cannot be read, or not without losing rows.
    """
    way, *others = ways
    while True:
        try:
            yield from read(way)
        except ApiError as error:
            found = refused(error)
            if not (others and found):
                raise
            if found == _SORT:
                words, field = _REFUSES, (way.order or "").partition(":")[0]
            else:
                words, field = _UNSUITABLE["filter"], found
        except UnsuitableError as error:
            if not others:
                raise
            words, field = _UNSUITABLE[error.lacks], error.field
        else:
            return
        way = others.pop(0)
        logger.warning(words, stream, field, _manner(way), way.effect)


def refused(error: ApiError) -> str | None:
    """Return what Qonto refuses: the order, or the field of a filter that ways send."""
    if error.status not in _REFUSALS:
        return None
    source = error.fault.source or ""
    return next((each for each in (_SORT, UPDATED, CREATED) if each in source), None)


def _manner(way: Way) -> str:
    field, _, direction = (way.order or "").partition(":")
    return "newest first" if direction == "desc" else f"by {field or 'its own order'}"
