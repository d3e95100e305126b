"""What the streams of Qonto's API share; no fact of a single stream is here."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_qonto import timestamps
from tap_qonto.bookmarks import Bookmarks
from tap_qonto.errors import ApiError, DataError
from tap_qonto.files_stream import FilesStream
from tap_qonto.pagination import Page, ReanchoredPaginator
from tap_qonto.records import Conformer
from tap_qonto.settings import day_or_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk.helpers.types import Context

    from tap_qonto.pagination import Query, Row
    from tap_qonto.records import Record
    from tap_qonto.tap import TapQonto

_SECOND = timedelta(seconds=1)
_UNPROCESSABLE = 422
_EARLIEST = datetime.min.replace(tzinfo=timezone.utc)
_LATEST = datetime.max.replace(tzinfo=timezone.utc)


class QontoStream(Stream):
    """A list of the API that can be filtered and sorted by its replication key.

    A subclass states the facts: name, path, keys, schema.

    Attributes:
        path: Path of the list below the host.
        collection: Key of the rows in the answer.
        scope: OAuth scope that the list needs, for messages.
        filter_setting: Name of the setting that holds filters of the list.
        top_level_filters: Filters that the API takes outside of ``filter[…]``.
    """

    path: ClassVar[str]
    collection: ClassVar[str]
    scope: ClassVar[str]
    filter_setting: ClassVar[str]
    top_level_filters: ClassVar[frozenset[str]] = frozenset()

    # The conformer and the bookmarks do what the SDK would do at every row.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    is_sorted = True
    _tap: TapQonto

    @cached_property
    def _conform(self) -> Conformer:
        return Conformer(self.schema)

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Keep the SDK from sending ACTIVATE_VERSION before the rows.

        A target that obeys would show an empty table until all rows are there, and
        for good if the run is killed. `get_records` sends it after the last row.
        """
        return False

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Use none: the window is closed in the query."""

    @override
    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Leave the bookmark to `get_records`.

        The SDK would move it back at a row of the lookback, and past rows of the
        same second that are still to come.
        """

    def prepare(self, row: Row) -> Row:
        """Change a row before it is made to conform; for quirks of an endpoint."""
        return row

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Yield records in the order of the replication key.

        When a page's records and their files have been written, the bookmark moves
        and a STATE message goes out.
        """
        children = [child for child in self.child_streams if child.selected]
        files = [child for child in children if isinstance(child, FilesStream)]
        full = self.replication_method == REPLICATION_FULL_TABLE
        if full and not self._is_batched:
            for stream in (self, *files):
                stream._stream_version = self._initialized_at  # noqa: SLF001
        bookmarks = Bookmarks(
            self.tap_state,
            parent=self.name,
            replication_key=str(self.replication_key or ""),
            children=[child.name for child in self.child_streams],
            selected=[child.name for child in children] + [self.name] * self.selected,
        )
        with ExitStack() as stack:
            for child in files:
                stack.enter_context(child.running())
            for rows, complete_to in self._pages(None if full else bookmarks.start):
                records = [self._conform(self.prepare(row)) for row in rows]
                wanted = [
                    record
                    for record in records[: self.ABORT_AT_RECORD_COUNT]
                    if self.stream_maps[0].get_filter_result(record)
                ]
                for child in files:
                    child.start_fetching(wanted)
                yield from records
                if complete_to is not None and not full:
                    bookmarks.advance(complete_to)
                    if not self._is_batched:
                        self._tap.state_writer.write_state(self.tap_state)
            if full and not self._is_batched:
                for stream in (self, *files):
                    if stream.selected:
                        stream._write_activate_version_message(self._initialized_at)  # noqa: SLF001

    @override
    def generate_child_contexts(
        self, record: Record, context: Context | None
    ) -> Iterable[Context | None]:
        """Write the rows of the children, and give the SDK no context to do it.

        It would run a whole sync of each child for each row: a SCHEMA message, a
        STATE message and five log lines every time.
        """
        if self.stream_maps[0].get_filter_result(record):
            for child in self.child_streams:
                if child.selected and isinstance(child, FilesStream):
                    child.write_records(record)
        return ()

    @property
    def _is_batched(self) -> bool:
        return self.get_batch_config(self.config) is not None

    @property
    def _bounds(self) -> tuple[datetime | None, datetime | None]:
        start, end = self.config.get("start_date"), self.config.get("end_date")
        return (
            timestamps.parse(day_or_instant(start)) if start else None,
            timestamps.parse(day_or_instant(end)) if end else None,
        )

    def _pages(
        self, bookmark: datetime | None
    ) -> Iterator[tuple[Sequence[Row], datetime | None]]:
        """Yield new rows page by page, each with the bookmark that holds after it."""
        start, end = self._bounds
        lower = start - _SECOND if start else None
        if bookmark is not None:
            # One second at the least: the bound may be exclusive.
            back = timedelta(seconds=max(1, self.config["lookback_seconds"]))
            looked_back = bookmark.replace(microsecond=0) - back
            lower = max(looked_back, lower or looked_back)
        begun = datetime.fromtimestamp(self._initialized_at // 1000, tz=timezone.utc)
        upper = min(begun, end + _SECOND) if end else begun
        if self.replication_method == REPLICATION_FULL_TABLE:
            # A row that is edited meanwhile must come too: what does not is dropped.
            upper = end + _SECOND if end else None
        paginator = ReanchoredPaginator(str(self.replication_key), lower, upper)
        while query := paginator.query:
            answer = self._ask(query, "updated_at")
            rows = paginator.advance(answer)
            if start or end:
                rows = [
                    row
                    for row in rows
                    if (start or _EARLIEST)
                    <= timestamps.parse(row["updated_at"])
                    <= (end or _LATEST)
                ]
            yield rows, paginator.complete_to

    def _ask(self, query: Query, anchor: str) -> Page:
        params = [
            ("sort_by", f"{anchor}:asc"),
            ("per_page", str(self.config["page_size"])),
            ("page", str(query.page)),
            *self._filters(),
        ]
        if query.lower is not None:
            params.append((f"filter[{anchor}_from]", timestamps.seconds(query.lower)))
        if query.upper is not None:
            params.append((f"filter[{anchor}_to]", timestamps.seconds(query.upper)))
        try:
            answer = self._tap.session.get(
                self.path, params, what=f"stream {self.name}", scope=self.scope
            )
        except ApiError as error:
            if error.status == _UNPROCESSABLE and query.page > 1:
                # The list has become shorter than its meta said: docs, "Pagination".
                return Page.past_the_end(query.page)
            raise
        rows, meta = answer.body.get(self.collection), answer.body.get("meta")
        if not isinstance(rows, list) or not isinstance(meta, dict):
            msg = (
                f"Qonto's answer for stream {self.name} holds no list "
                f"{self.collection} with its meta. Check api_url."
            )
            raise DataError(msg)
        return Page.read(rows, meta, query.page)

    def _filters(self) -> Iterator[tuple[str, str]]:
        """Yield the filters of the settings as the API wants them."""
        filters: Mapping[str, Any] = self.config.get(self.filter_setting) or {}
        for name, value in filters.items():
            key = name if name in self.top_level_filters else f"filter[{name}]"
            if isinstance(value, bool):
                yield key, "true" if value else "false"
            elif isinstance(value, list):
                yield from ((f"{key}[]", str(item)) for item in value)
            elif name.endswith(("created_at_from", "created_at_to")):
                yield key, timestamps.seconds(timestamps.parse(day_or_instant(value)))
            elif value is not None:
                yield key, str(value)
