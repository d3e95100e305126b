"""Asking a list endpoint for a page: parameters out, rows in."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_qonto import timestamps
from tap_qonto.errors import DataError
from tap_qonto.http.early import FRESH, request
from tap_qonto.http.retries import ATTEMPTS
from tap_qonto.reading.pages import Page
from tap_qonto.settings.declaration import day_or_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import TypeAlias

    import requests

    from tap_qonto.http.early import EarlyAnswers, Request
    from tap_qonto.http.session import Session
    from tap_qonto.http.transport import Answer
    from tap_qonto.reading.pages import Row
    from tap_qonto.reading.ways import Ask, Bounds, Way

    Observe: TypeAlias = Callable[[requests.Response, float], object]
    """Called with a response, and the seconds that its request waited for the rate limit."""

CREATED_BOUNDS = ("created_at_from", "created_at_to")


class Endpoint(NamedTuple):
    """The facts of a list endpoint.

    Attributes:
        stream: Name of the stream, for messages.
        path: Path below the host.
        collections: Keys under which answers have the rows; "" for an answer that is
            itself the row.
        scope: OAuth scope that it needs, for messages.
        ways: How it is read; a later one where Qonto refuses the one before.
        top_level_filters: Filters that it takes outside of ``filter[…]``.
        params: Parameters of each request.
        row_key: The field that tells rows apart.
        may_refuse_keys: Whether it may take OAuth alone, so that a 401 is about the
            list and not about the credential.
        smallest_page: Rows of the smallest page that may be asked for.
        prepare: Changes a row before it is looked at.
        null_is_empty: Whether null in place of the rows says that there are none.
        is_part: Whether it is one part of a list, such as that of an account.
        fields: Fields of a row, where an answer is itself the row: one that has none of them
            is something else.
    """

    stream: str
    path: str
    collections: Sequence[str]
    scope: str
    ways: Sequence[Way]
    top_level_filters: frozenset[str]
    params: Sequence[tuple[str, str]]
    row_key: str
    may_refuse_keys: bool
    smallest_page: int
    prepare: Callable[[Row], Row]
    null_is_empty: bool = False
    is_part: bool = False
    fields: frozenset[str] = frozenset()


class Source:
    """Asks a list endpoint, and reads what it answers.

    Args:
        endpoint: The list.
        session: The way to Qonto.
        early: Answers that were asked for before their turn.
        observe: Called with each response, for metrics.
        note_date: Called with Qonto's clock (UTC) at each answer, None where it is not said.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        session: Session,
        early: EarlyAnswers,
        observe: Observe,
        note_date: Callable[[datetime | None], object],
    ) -> None:
        """Ask nothing yet."""
        self._endpoint = endpoint
        self._session = session
        self._early = early
        self._observe = observe
        self._note_date = note_date

    def begin(
        self,
        order: str | None,
        ask: Ask,
        filters: Mapping[str, Any],
        cuts: int = ATTEMPTS,
        *,
        go_on: Callable[[Page], object] | None = None,
    ) -> None:
        """Ask for a page before its turn, as `ask` does.

        Args:
            order: As for `ask`.
            ask: What to ask for.
            filters: As for `ask`.
            cuts: As for `ask`.
            go_on: Takes the page, in another thread, before `ask` returns its answer.
        """
        asked, call = self._call(order, ask, filters, cuts)
        if go_on is None:
            self._early.begin(asked, call)
            return

        def answer_early() -> Answer:
            answer = call()
            # What is wrong with it is told in its turn.
            with suppress(DataError):
                # As they come: what a stream adds may take a request, and tells no rows apart.
                go_on(self._page_of(ask, answer, self._rows(answer)))
            return answer

        self._early.begin(asked, answer_early)

    def ask(
        self,
        order: str | None,
        ask: Ask,
        filters: Mapping[str, Any],
        cuts: int = ATTEMPTS,
        within: float = FRESH,
    ) -> Answer:
        """Ask for a page, in any thread.

        Args:
            order: As ``sort_by`` has it; None for the list's own.
            ask: What to ask for.
            filters: Filters beside its bounds, by the API's names.
            cuts: Attempts at the most where no whole answer comes.
            within: How many seconds before an early answer may have been asked for.

        Raises:
            TapQontoError: It cannot be had.
        """
        asked, call = self._call(order, ask, filters, cuts)
        return (self._early.take(asked, within) or call)()

    def read(self, ask: Ask, answer: Answer) -> Page:
        """Read the answer, in the thread that works on its rows.

        Raises:
            TapQontoError: It is not what was asked for.
        """
        self._note_date(answer.date)
        rows = [self._endpoint.prepare(row) for row in self._rows(answer)]
        return self._page_of(ask, answer, rows)

    def _page_of(self, ask: Ask, answer: Answer, rows: Sequence[Row]) -> Page:
        endpoint = self._endpoint
        if ask.page is None:
            return Page.only(rows, answer.date, endpoint.row_key)
        if "meta" not in answer.body and not ask.bounds and len(rows) < ask.size:
            # Docs show lists of accounts and others without it; a page that is not full is all.
            return Page.only(rows, answer.date, endpoint.row_key)
        meta = answer.body.get("meta")
        if not isinstance(meta, dict):
            raise self._unreadable()
        try:
            return Page.read(rows, meta, ask.page, answer.date, endpoint.row_key, asked=ask.size)
        except ValueError:
            raise self._unreadable() from None

    def _call(
        self, order: str | None, ask: Ask, filters: Mapping[str, Any], cuts: int = ATTEMPTS
    ) -> tuple[Request, Callable[[], Answer]]:
        endpoint, top_level = self._endpoint, self._endpoint.top_level_filters
        paging = [("per_page", str(ask.size)), ("page", str(ask.page))] if ask.page else []
        params = [
            *([("sort_by", order)] if order else []),
            *paging,
            *endpoint.params,
            *ask.params,
            *_encoded(filters, top_level),
            *_bounds(ask.bounds, top_level),
        ]
        get = partial(
            self._session.get,
            endpoint.path,
            params,
            what=f"stream {endpoint.stream}",
            scope=endpoint.scope,
            may_refuse_keys=endpoint.may_refuse_keys,
            cuts=cuts,
            observe=self._observe,
        )
        return request(endpoint.path, params), partial(self._early.call, get)

    def _rows(self, answer: Answer) -> list[Row]:
        names = self._endpoint.collections
        found = next((answer.body[name] for name in names if name in answer.body), None)
        if found is None and "" in names:
            # Bare as it is documented, or below a name as others are.
            objects = [answer.body, *answer.body.values()]
            found = next((each for each in objects if self._is_row(each)), None)
        is_null = found is None and any(name in answer.body for name in names)
        if is_null and self._endpoint.null_is_empty:
            return []
        rows = [found] if isinstance(found, dict) else found
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._unreadable()
        return rows

    def _is_row(self, found: object) -> bool:
        return isinstance(found, dict) and not self._endpoint.fields.isdisjoint(found)

    def _unreadable(self) -> DataError:
        stream, names = self._endpoint.stream, " or ".join(filter(None, self._endpoint.collections))
        msg = f"Qonto's answer for stream {stream} holds none of its fields. Check api_url."
        if names:
            msg = (
                f"Qonto's answer for stream {stream} holds no list {names} with its meta. "
                "Check api_url."
            )
        return DataError(msg)


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
        elif name in CREATED_BOUNDS:
            yield key, timestamps.seconds(timestamps.parse(day_or_instant(value)))
        else:
            yield key, str(value)
