"""Reading a list endpoint: queries and filters, and the order that Qonto accepts."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_qonto import timestamps
from tap_qonto.errors import ApiError, DataError
from tap_qonto.reading.anchored import Page, ReanchoredPaginator
from tap_qonto.settings.declaration import day_or_instant

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    import requests

    from tap_qonto.http.session import Session
    from tap_qonto.output.progress import Progress
    from tap_qonto.reading.anchored import Query, Row
    from tap_qonto.reading.window import Window

UPDATED, CREATED = "updated_at", "created_at"
_CREATED_FROM, _CREATED_TO = "created_at_from", "created_at_to"
_UNPROCESSABLE = 422
_SORT_REFUSALS = {400, 422}


class Endpoint(NamedTuple):
    """The facts of a list endpoint.

    Attributes:
        stream: Name of the stream, for messages.
        path: Path below the host.
        collection: Key of the rows in the answer.
        scope: OAuth scope that it needs, for messages.
        top_level_filters: Filters that it takes outside of ``filter[…]``.
    """

    stream: str
    path: str
    collection: str
    scope: str
    top_level_filters: frozenset[str]


class ListReader:
    """Reads the rows of a list that lie in a window of `updated_at`.

    Args:
        endpoint: The list.
        session: The way to Qonto.
        page_size: Rows per request.
        filters: Filters by the API's names, from the settings.
        logger: Where a warning goes.
        observe: Called with each response, for metrics.
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

        Raises:
            TapQontoError: The list cannot be read, or not without losing rows.
        """
        pages = self._in_order(window, progress)
        try:
            first = next(pages)
        except ApiError as error:
            if not _refuses_order(error):
                raise
            self._logger.warning(
                "Qonto refuses to sort %s by %s; reading by %s instead. "
                "The bookmark moves at the end of the run alone.",
                self._endpoint.stream,
                UPDATED,
                CREATED,
            )
            pages = self._by_creation(window, progress)
            first = next(pages)
        for rows, complete_to in chain([first], pages):
            yield [row for row in rows if window.holds(row)], complete_to

    def _in_order(
        self, window: Window, progress: Progress
    ) -> Iterator[tuple[Sequence[Row], datetime | None]]:
        filters = list(_encoded(self._filters, self._endpoint.top_level_filters))
        paginator = ReanchoredPaginator(UPDATED, window.lower, window.upper)
        while query := paginator.query:
            page, _ = self._ask(query, UPDATED, filters)
            rows = paginator.advance(page)
            progress.total = paginator.total
            yield rows, paginator.complete_to

    def _by_creation(
        self, window: Window, progress: Progress
    ) -> Iterator[tuple[Sequence[Row], datetime | None]]:
        """Read in an order that edits do not change, with the window open above.

        A row can be edited after it was read, so the bookmark stays before the
        server's clock at the first answer.
        """
        others = {
            name: value
            for name, value in self._filters.items()
            if name not in {_CREATED_FROM, _CREATED_TO}
        }
        filters = list(_encoded(others, self._endpoint.top_level_filters))
        if window.lower is not None:
            filters.append((f"filter[{UPDATED}_from]", timestamps.seconds(window.lower)))
        created = [self._filters.get(name) for name in (_CREATED_FROM, _CREATED_TO)]
        lower, upper = (
            timestamps.parse(day_or_instant(text)) if text else None for text in created
        )
        paginator = ReanchoredPaginator(CREATED, lower, upper)
        begun = latest = None
        while query := paginator.query:
            page, date = self._ask(query, CREATED, filters)
            begun = begun or date or window.begun
            rows = paginator.advance(page)
            progress.total = paginator.total
            stamps = [timestamps.parse(row[UPDATED]) for row in rows]
            latest = max([*stamps, latest] if latest else stamps, default=None)
            yield rows, None
        if latest is not None and begun is not None:
            # What lies after `end_date` was read, and not handed out.
            yield [], min(latest, begun, window.last or latest)

    def _ask(
        self, query: Query, anchor: str, filters: Iterable[tuple[str, str]]
    ) -> tuple[Page, datetime | None]:
        """Ask for a page; return it with the server's clock."""
        params = [
            ("sort_by", f"{anchor}:asc"),
            ("per_page", str(self._page_size)),
            ("page", str(query.page)),
            *filters,
        ]
        if query.lower is not None:
            params.append((f"filter[{anchor}_from]", timestamps.seconds(query.lower)))
        if query.upper is not None:
            params.append((f"filter[{anchor}_to]", timestamps.seconds(query.upper)))
        stream, path, collection, scope, _ = self._endpoint
        try:
            answer = self._session.get(
                path, params, what=f"stream {stream}", scope=scope, observe=self._observe
            )
        except ApiError as error:
            if error.status == _UNPROCESSABLE and query.page > 1:
                # The list has become shorter than its meta said: docs, "Pagination".
                return Page.past_the_end(query.page), None
            raise
        rows, meta = answer.body.get(collection), answer.body.get("meta")
        if not isinstance(rows, list) or not isinstance(meta, dict):
            msg = (
                f"Qonto's answer for stream {stream} holds no list {collection} with its "
                "meta. Check api_url."
            )
            raise DataError(msg)
        return Page.read(rows, meta, query.page), answer.date


def _refuses_order(error: ApiError) -> bool:
    """Tell whether Qonto said that it does not sort as it was asked to."""
    return error.status in _SORT_REFUSALS and "sort_by" in (error.fault.source or "")


def _encoded(filters: Mapping[str, Any], top_level: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield filters as the API wants them: lists in bracket form, UTC in seconds."""
    for name, value in filters.items():
        key = name if name in top_level else f"filter[{name}]"
        if isinstance(value, bool):
            yield key, "true" if value else "false"
        elif isinstance(value, list):
            yield from ((f"{key}[]", str(item)) for item in value)
        elif name in {_CREATED_FROM, _CREATED_TO}:
            yield key, timestamps.seconds(timestamps.parse(day_or_instant(value)))
        else:
            yield key, str(value)
