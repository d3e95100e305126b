"""Reading a list endpoint: queries, filters, and the way that Qonto accepts."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_qonto import timestamps
from tap_qonto.errors import ApiError, DataError
from tap_qonto.reading.pages import Page
from tap_qonto.reading.ways import CREATED
from tap_qonto.settings.declaration import day_or_instant

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    import requests

    from tap_qonto.http.session import Session
    from tap_qonto.output.progress import Progress
    from tap_qonto.reading.pages import Row
    from tap_qonto.reading.ways import Ask, Bounds, Way
    from tap_qonto.reading.window import Window

_CREATED_BOUNDS = ("created_at_from", "created_at_to")
_UNPROCESSABLE = 422
_SORT_REFUSALS = {400, 422}


class Endpoint(NamedTuple):
    """The facts of a list endpoint.

    Attributes:
        stream: Name of the stream, for messages.
        path: Path below the host.
        collection: Key of the rows in the answer.
        scope: OAuth scope that it needs, for messages.
        ways: How it is read; a later one where Qonto refuses the one before.
        top_level_filters: Filters that it takes outside of ``filter[…]``.
    """

    stream: str
    path: str
    collection: str
    scope: str
    ways: Sequence[Way]
    top_level_filters: frozenset[str]


class ListReader:
    """Reads the rows of a list.

    Args:
        endpoint: The list.
        session: The way to Qonto.
        page_size: Rows per request.
        filters: Filters by the API's names, from the settings.
        logger: Where a warning goes.
        observe: Called with each response, for metrics.

    Attributes:
        is_whole: Whether all that the list holds was handed out, as far as can be told.
    """

    def __init__(  # noqa: PLR0913 - each is one fact of the list
        self,
        *,
        endpoint: Endpoint,
        session: Session,
        page_size: int,
        filters: Mapping[str, Any],
        logger: logging.Logger,
        observe: Callable[[requests.Response], object],
    ) -> None:
        """Ask nothing yet."""
        self.is_whole = False
        self._endpoint = endpoint
        self._session = session
        self._page_size = page_size
        self._filters = filters
        self._logger = logger
        self._observe = observe

    def pages(
        self, window: Window, progress: Progress
    ) -> Iterator[tuple[Sequence[Row], datetime | None]]:
        """Yield new rows page by page, each with the bookmark that holds after it.

        Args:
            window: The stretch of `updated_at` that is wanted, where the list has one.
            progress: Is told how many rows there are.

        Raises:
            TapQontoError: The list cannot be read, or not without losing rows.
        """
        ways = list(self._endpoint.ways)
        while True:
            way = ways.pop(0)
            pages = self._walk(way, window, progress)
            try:
                first = next(pages)
            except ApiError as error:
                if not (ways and _refuses_order(error)):
                    raise
                self._logger.warning(
                    "Qonto refuses to sort %s by %s; reading it by %s instead. %s",
                    self._endpoint.stream,
                    _field(way),
                    _field(ways[0]),
                    ways[0].effect,
                )
            else:
                break
        for rows, complete_to in chain([first], pages):
            wanted = [row for row in rows if window.holds(row)] if way.is_bounded else rows
            yield wanted, complete_to

    def _walk(
        self, way: Way, window: Window, progress: Progress
    ) -> Iterator[tuple[Sequence[Row], datetime | None]]:
        lower, upper = (
            timestamps.parse(day_or_instant(text)) if text else None
            for text in map(self._filters.get, _CREATED_BOUNDS)
        )
        walk = way.walk(window, (lower, upper), self._page_size)
        while ask := walk.ask():
            rows = walk.take(self._answer(way, ask))
            progress.total = walk.total
            yield rows, walk.complete_to
        self.is_whole = walk.is_whole

    def _answer(self, way: Way, ask: Ask) -> Page:
        """Ask for a page."""
        stream, path, collection, scope, _, top_level = self._endpoint
        # What the walk bounds is not bounded a second time.
        taken = set(_CREATED_BOUNDS) if CREATED in ask.bounds else set()
        filters = {name: value for name, value in self._filters.items() if name not in taken}
        params = [
            *([("sort_by", way.order)] if way.order else []),
            ("per_page", str(ask.size)),
            ("page", str(ask.page)),
            *_encoded(filters, top_level),
            *_bounds(ask.bounds, top_level),
        ]
        try:
            answer = self._session.get(
                path, params, what=f"stream {stream}", scope=scope, observe=self._observe
            )
        except ApiError as error:
            if error.status == _UNPROCESSABLE and ask.page > 1:
                # The list has become shorter than its meta said: docs, "Pagination".
                return Page.past_the_end(ask.page)
            raise
        rows, meta = answer.body.get(collection), answer.body.get("meta")
        if not isinstance(rows, list) or not isinstance(meta, dict):
            msg = (
                f"Qonto's answer for stream {stream} holds no list {collection} with its "
                "meta. Check api_url."
            )
            raise DataError(msg)
        return Page.read(rows, meta, ask.page, answer.date)


def _refuses_order(error: ApiError) -> bool:
    """Tell whether Qonto said that it does not sort as it was asked to."""
    return error.status in _SORT_REFUSALS and "sort_by" in (error.fault.source or "")


def _field(way: Way) -> str:
    return (way.order or "its own order").partition(":")[0]


def _bounds(bounds: Mapping[str, Bounds], top_level: frozenset[str]) -> Iterator[tuple[str, str]]:
    for field, (lower, upper) in bounds.items():
        for name, instant in ((f"{field}_from", lower), (f"{field}_to", upper)):
            if instant is not None:
                yield _key(name, top_level), timestamps.seconds(instant)


def _key(name: str, top_level: frozenset[str]) -> str:
    return name if name in top_level else f"filter[{name}]"


def _encoded(filters: Mapping[str, Any], top_level: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield filters as the API wants them: lists in bracket form, UTC in seconds."""
    for name, value in filters.items():
        key = _key(name, top_level)
        if isinstance(value, bool):
            yield key, "true" if value else "false"
        elif isinstance(value, list):
            yield from ((f"{key}[]", str(item)) for item in value)
        elif name in _CREATED_BOUNDS:
            yield key, timestamps.seconds(timestamps.parse(day_or_instant(value)))
        else:
            yield key, str(value)
