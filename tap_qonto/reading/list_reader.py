"""Reading a list endpoint: queries, filters, and the way that Qonto accepts."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_qonto import timestamps
from tap_qonto.errors import ApiError, CutError, UnreachableError
from tap_qonto.http.retries import ATTEMPTS
from tap_qonto.reading.fallback import refused, safest, ways_without
from tap_qonto.reading.list_count import ListCount, is_bounded
from tap_qonto.reading.paged import SMALLEST
from tap_qonto.reading.pages import Page
from tap_qonto.reading.side_by_side import WORTH, SideBySide, asks
from tap_qonto.reading.source import CREATED_BOUNDS, Source
from tap_qonto.reading.statuses import is_early
from tap_qonto.reading.together import Together
from tap_qonto.reading.ways import CREATED, UPDATED, Ask
from tap_qonto.settings.declaration import day_or_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_qonto.http.early import EarlyAnswers
    from tap_qonto.http.session import Session
    from tap_qonto.http.transport import Answer
    from tap_qonto.output.progress import Progress
    from tap_qonto.reading.done import Counted, Reached, Stretch
    from tap_qonto.reading.pages import Row
    from tap_qonto.reading.parts import Part
    from tap_qonto.reading.source import Endpoint, Observe
    from tap_qonto.reading.together import Read
    from tap_qonto.reading.ways import Walk, Way
    from tap_qonto.reading.window import Window

_COUNT_FRESH = 5.0
"""Seconds that the count of a list may be older than its end."""
_NO_PAGE = {400, 422}
"""How Qonto may refuse a page as far back."""
_DOUBTS = 3
"""How often a page that lacks rows is asked for in vain: rows can be hidden from a role."""
_CUTS = 2
"""Attempts for a page that does not come whole, before smaller ones are asked for."""


class ListReader:
    """Reads the rows of a list.

    Args:
        endpoint: The list.
        session: The way to Qonto.
        early: Answers that were asked for before their turn.
        page_size: Rows per request.
        filters: Filters by the API's names, from the settings.
        warn: Logs a warning; called with its words and what they name.
        observe: Called with each response, for metrics.
        note_date: Called with Qonto's clock (UTC) at each answer, None where it is not said.

    Attributes:
        is_whole: Whether all that the list holds was handed out, as far as can be told.
    """

    def __init__(  # noqa: PLR0913 - each is one fact of the list
        self,
        *,
        endpoint: Endpoint,
        session: Session,
        early: EarlyAnswers,
        page_size: int,
        filters: Mapping[str, Any],
        warn: Callable[..., object],
        observe: Observe,
        note_date: Callable[[datetime | None], object],
    ) -> None:
        """Ask nothing yet."""
        self.is_whole = False
        self._doubts = _DOUBTS
        self._count = ListCount(endpoint.ways[0], endpoint.smallest_page)
        self._endpoint = endpoint
        self._page_size = page_size
        self._filters = filters
        self._warn = warn
        self._source = Source(endpoint, session, early, observe, note_date)

    def rows(self, window: Window, workers: int) -> list[Row]:
        """Return all rows.

        Args:
            window: As for `pages`.
            workers: How many requests are under way side by side, at the most.

        Raises:
            TapQontoError: The list cannot be read, or not without losing rows.
        """
        with Together(workers, self._endpoint.stream) as together:
            pages = together.run([self.pages(together, window)])
            return [row for rows, _ in pages for row in rows]

    def pages(
        self,
        together: Together,
        window: Window,
        progress: Progress | None = None,
        above: Sequence[Stretch] = (),
    ) -> Iterator[tuple[Sequence[Row], Reached] | None]:
        """Yield new rows page by page, each with how far the list was read with it.

        Args:
            together: Has the workers; None is yielded where it is the turn of others.
            window: The stretch of `updated_at` that is wanted, where the list has one.
            progress: Takes how many rows there are.
            above: What an earlier run has read of it above its bookmark.

        Raises:
            TapQontoError: The list cannot be read, or not without losing rows.
        """
        endpoint = self._endpoint
        yield from safest(
            endpoint.ways,
            lambda way: self._walk(together, way, window, progress, above),
            endpoint.stream,
            self._warn,
            is_part=endpoint.is_part,
        )

    @property
    def known_count(self) -> int | None:
        """Rows that Qonto counted in the whole list, at the end; None if not known."""
        return self._count.known

    def count(self) -> int | None:
        """Return how many rows the whole list has, without filters; at most one request.

        Returns:
            The count; None for an endpoint that has none.

        Raises:
            TapQontoError: The list cannot be counted.
        """
        if self._count.is_paged and self._count.known is None:
            ask = self._count.ask
            answer = self._source.ask(None, ask, {}, within=_COUNT_FRESH)
            page = self._source.read(ask, answer)
            return page.total if page.is_counted else None
        return self._count.known

    def has_kept(self, window: Counted) -> bool:
        """Tell whether a window has as many rows as an earlier run has seen; one request.

        Raises:
            TapQontoError: It cannot be counted.
        """
        way = self._endpoint.ways[0]
        page = self._page(way, Ask({UPDATED: (window.lower, window.upper)}, 1, 1))
        return page.is_counted and page.total == window.rows

    def probe(self, window: Window, *, to_end: bool = False) -> Sequence[Page]:
        """Ask for the first page, by the first query of `pages`, and for no more.

        Args:
            window: As for `pages`.
            to_end: Whether the last page is wanted, too, which may be the first.

        Raises:
            TapQontoError: The list cannot be read.
        """
        way, *others = self._endpoint.ways
        while True:
            try:
                return self._ends(way, window, to_end=to_end)
            except ApiError as error:
                lacks = refused(error, way, is_part=self._endpoint.is_part)
                others = ways_without(others, *lacks) if lacks else []
                if not others:
                    raise
                way, *others = others

    def _ends(self, way: Way, window: Window, *, to_end: bool) -> Sequence[Page]:
        ask = self._begin(way, window).ask()
        if ask is None:
            return ()
        first = self._page(way, ask)
        if not to_end:
            return (first,)
        last = self._page(way, ask._replace(page=first.pages)) if first.more else first
        return first, last

    def _begin(self, way: Way, window: Window) -> Walk:
        lower, upper = (
            timestamps.parse(day_or_instant(text)) if text else None
            for text in map(self._filters.get, CREATED_BOUNDS)
        )
        is_filtered = not self._filters.keys() <= set(CREATED_BOUNDS)
        window = replace(window, is_filtered=is_filtered)
        return way.walk(window, (lower, upper), self._page_size)

    def _walk(
        self,
        together: Together,
        way: Way,
        window: Window,
        progress: Progress | None,
        above: Sequence[Stretch],
    ) -> Iterator[tuple[Sequence[Row], Reached] | None]:
        walk = self._begin(way, window)
        reading = SideBySide(walk, self._page_size, above)
        for page in together.pages(reading, partial(self._answer, way)):
            if page and progress:
                progress.expect(walk, reading.total)
            if page and way.is_bounded:
                yield [row for row in page[0] if window.holds(row)], page[1]
            else:
                yield page
        self.is_whole = reading.is_whole

    def _answer(self, way: Way, ask: Ask) -> Read:
        """Ask for a page, in any thread.

        Returns:
            What reads it: None where it does not come whole, so that smaller ones are to be
            asked for.

        Raises:
            ApiError: Qonto refused; also where it hands out no page as far back as this,
                although its first page says that there is one, and the list has no bounds.
        """
        try:
            answer = self._ask(way, ask, _cuts(ask))
        except CutError as error:
            if not _may_halve(ask):
                raise
            self._warn("%s Pages of %d rows are asked for instead.", error, ask.size // 2)
            return lambda: None
        except ApiError as error:
            if error.status not in _NO_PAGE or not ask.page or ask.page == 1:
                raise
            # Docs, "Pagination": 422 past the end, since the list has become shorter.
            if self._page(way, ask._replace(page=1)).pages < ask.page:
                return partial(Page.past_the_end, ask.page)
            try:
                # It may have become longer again meanwhile.
                answer = self._ask(way, ask, _cuts(ask))
            except ApiError as further:
                if further.status not in _NO_PAGE or not ask.bounds:
                    raise
                # Rows within bounds can be asked for by value instead.
                return partial(Page.past_the_end, ask.page)
        return partial(self._read, way, ask, answer)

    def _page(self, way: Way, ask: Ask) -> Page:
        return self._read(way, ask, self._ask(way, ask, ATTEMPTS))

    def _ask(self, way: Way, ask: Ask, cuts: int) -> Answer:
        return self._source.ask(way.order, ask, self._filters_beside(ask), cuts)

    def _read(self, way: Way, ask: Ask, answer: Answer) -> Page:
        page = self._source.read(ask, answer)
        if page.is_short and self._doubts:
            page = self._seen_again(way, ask, page)
        self._count.note(way, ask, page, is_filtered=bool(self._filters_beside(ask)))
        return page

    def _seen_again(self, way: Way, ask: Ask, page: Page) -> Page:
        """Ask once more for a page that lacks rows; it keeps lacking those that are hidden."""
        with suppress(ApiError, UnreachableError):
            again = self._source.read(ask, self._ask(way, ask, _cuts(ask)))
            if len(again.rows) > len(page.rows):
                return again
        self._doubts -= 1
        return page

    def begin(self, window: Window, *, is_counted: bool) -> None:
        """Ask for what `pages` asks for first, before its turn; for all of a short list.

        Args:
            window: As for `pages`.
            is_counted: Whether `count` is called behind it.
        """
        way = self._endpoint.ways[0]
        walk = self._begin(way, window)
        ask = walk.ask()
        if ask is None:
            return
        if way.shows_all:
            named = [ask._replace(params=way.shows_all)] if is_early(window) else []
            for each in (ask, *named):
                self._source.begin(way.order, each, self._filters_beside(each), _cuts(each))
        else:
            self._begin_next(way, SideBySide(walk, self._page_size))
        if is_counted and ask.page and (is_bounded(ask) or self._filters):
            self._source.begin(None, self._count.ask_by(way), {})

    def _begin_next(self, way: Way, reading: SideBySide) -> None:
        """Ask for the next page before its turn; it is what `pages` will ask for."""
        for part, ask in asks([reading], 1):

            def go_on(page: Page, part: Part = part) -> None:
                reading.take(part, page)
                if page.total <= (WORTH + 1) * self._page_size:
                    self._begin_next(way, reading)

            self._source.begin(way.order, ask, self._filters_beside(ask), _cuts(ask), go_on=go_on)

    def _filters_beside(self, ask: Ask) -> Mapping[str, Any]:
        """Return the filters from the settings, but for what the walk bounds itself."""
        taken = set(CREATED_BOUNDS) if CREATED in ask.bounds else set()
        return {name: value for name, value in self._filters.items() if name not in taken}


def total_of(counts: Sequence[int | None]) -> int | None:
    """Return the sum of counts; None where there are none, or one is not known."""
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _may_halve(ask: Ask) -> bool:
    return bool(ask.page) and ask.size >= 2 * SMALLEST


def _cuts(ask: Ask) -> int:
    """Return how many attempts a page gets that does not come whole."""
    return _CUTS if _may_halve(ask) else ATTEMPTS
