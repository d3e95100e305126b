"""The next safer way to read a list, where Qonto refuses an order or a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tap_qonto.errors import ApiError
from tap_qonto.reading.ways import CREATED, FILTER, ORDER, STAMP, UPDATED, UnsuitableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_qonto.reading.ways import Way

T = TypeVar("T")

_REFUSALS = {400, 422}
SOMETHING = "something"
_SORT, _STATUS = "sort_by", "status"
_REFUSES = "Qonto refuses to sort %s by %s; reading it %s instead. %s"
_LACKS = {
    FILTER: "Qonto does not filter %s by %s; reading it %s instead. %s",
    ORDER: "Qonto does not sort %s by %s; reading it %s instead. %s",
    STAMP: "Qonto sends rows of %s without %s; reading it %s instead. %s",
}
_REFUSES_SOMETHING = "Qonto refuses to list %s by %s; reading it %s instead. %s"


def safest(
    ways: Sequence[Way],
    read: Callable[[Way], Iterator[T]],
    stream: str,
    warn: Callable[..., object],
    *,
    is_part: bool,
) -> Iterator[T]:
    """Read a list in the first way that suits it, with one warning if it is not the first.

    Args:
        ways: The safest last.
        read: Reads the list, from its beginning.
        stream: Name of the stream, for the warning.
        warn: Logs a warning; called with its words and what they name.
        is_part: As for `refused`.

    Raises:
        TapQontoError: The list cannot be read, or not without losing rows.
    """
    others, has_begun = list(ways), False
    lacking: list[tuple[str, str, Exception]] = []
    while others:
        way = others.pop(0)
        try:
            for step in read(way):
                if step is not None and lacking:
                    (words, field, _), *_ = lacking
                    warn(words, stream, field, _manner(way), way.effect)
                    lacking.clear()
                has_begun |= step is not None
                yield step
        except ApiError as error:
            found = refused(error, is_part=is_part or has_begun)
            if found is None:
                raise
            failure: Exception = error
            words, lacks, field = _LACKS[FILTER], FILTER, found
            if found in {_SORT, SOMETHING}:
                words = _REFUSES if found == _SORT else _REFUSES_SOMETHING
                lacks, field = ORDER, _field(way)
        except UnsuitableError as error:
            failure, words, lacks, field = error, _LACKS[error.lacks], error.lacks, error.field
        else:
            return
        lacking.append((words, field, failure))
        others = [each for each in others if not _needs(each, lacks, field)]
    raise lacking[0][2]


def refused(error: ApiError, *, is_part: bool) -> str | None:
    """Return what Qonto refuses of what ways send: the order, a filter, or something.

    Its errors do not always name the parameter.

    Args:
        error: The refusal.
        is_part: Whether it can be about the part of the list that was asked for, such as an
            account, unless it names a parameter.
    """
    if error.status not in _REFUSALS:
        return None
    said = error.fault.source or error.fault.detail or ""
    found = (each for each in (_SORT, UPDATED, CREATED, _STATUS) if each in said)
    return next(found, None if is_part or error.fault.source else SOMETHING)


def _needs(way: Way, lacks: str, field: str) -> bool:
    """Tell whether a way needs what was seen to be missing."""
    if lacks == ORDER:
        return bool(field) and _field(way) == field
    # Where one field is missing, no other can be relied on.
    return field in way.filters if lacks == FILTER else bool(way.stamps)


def _field(way: Way) -> str:
    return (way.order or "").partition(":")[0]


def _manner(way: Way) -> str:
    if not way.stamps:
        return "page by page"
    return "newest first" if (way.order or "").endswith(":desc") else f"by {_field(way)}"
