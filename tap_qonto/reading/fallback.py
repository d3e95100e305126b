"""The next safer way to read a list, where Qonto refuses an order or a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from tap_qonto.errors import ApiError
from tap_qonto.reading.ways import CREATED, FILTER, ORDER, STAMP, UPDATED, UnsuitableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_qonto.reading.ways import Way

T = TypeVar("T")

_REFUSALS = {400, 422}
SOMETHING = "something"
_LACKS = {
    FILTER: "Qonto does not filter %s by %s; reading it %s instead. %s",
    ORDER: "Qonto does not sort %s by %s; reading it %s instead. %s",
    STAMP: "Qonto sends rows of %s without %s; reading it %s instead. %s",
}
_REFUSES = {
    FILTER: _LACKS[FILTER],
    ORDER: "Qonto refuses to sort %s by %s; reading it %s instead. %s",
    SOMETHING: "Qonto refuses to list %s by %s; reading it %s instead. %s",
}


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
            found = refused(error, way, is_part=is_part or has_begun)
            if found is None:
                raise
            (lacks, field), failure = found, cast("Exception", error)
            words = _REFUSES[lacks]
        except UnsuitableError as error:
            lacks, field, failure = error.lacks, error.field, error
            words = _LACKS[lacks]
        else:
            return
        lacking.append((words, field, failure))
        others = ways_without(others, lacks, field)
    raise lacking[0][2]


def refused(error: ApiError, way: Way, *, is_part: bool) -> tuple[str, str] | None:
    """Return what Qonto refuses of what a way sends, and the field that it is about.

    Its errors do not always name the parameter.

    Args:
        error: The refusal.
        way: How the list was asked for.
        is_part: Whether it can be about the part of the list that was asked for, such as an
            account, unless it names a parameter.

    Returns:
        `FILTER` or `ORDER`, or `SOMETHING` of the two; None if it refuses neither.
    """
    if error.status not in _REFUSALS:
        return None
    said = error.fault.source or error.fault.detail or ""
    fields = [UPDATED, CREATED, *(["status"] if way.shows_all else [])]
    if "sort_by" in said:
        return ORDER, _field(way)
    if named := next((each for each in fields if each in said), None):
        return FILTER, named
    return None if is_part or error.fault.source else (SOMETHING, _field(way))


def ways_without(ways: Sequence[Way], lacks: str, field: str) -> list[Way]:
    """Return the ways that do not need what was seen to be missing."""
    return [each for each in ways if not _needs(each, lacks, field)]


def _needs(way: Way, lacks: str, field: str) -> bool:
    is_sorted = bool(field) and _field(way) == field
    if lacks == FILTER:
        return field in way.filters
    if lacks == STAMP:
        # Where one field is missing, no other can be relied on.
        return bool(way.stamps)
    return is_sorted or (lacks == SOMETHING and bool(way.filters))


def _field(way: Way) -> str:
    return (way.order or "").partition(":")[0]


def _manner(way: Way) -> str:
    if not way.stamps:
        return "page by page"
    return "newest first" if (way.order or "").endswith(":desc") else f"by {_field(way)}"
