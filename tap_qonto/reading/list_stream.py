"""What the streams of Qonto's API share; no fact of a single stream is here."""

from __future__ import annotations

import logging
from collections import deque
from contextlib import ExitStack
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
)
from typing_extensions import override

from tap_qonto.base_stream import BaseStream
from tap_qonto.errors import ConfigError
from tap_qonto.output.progress import Progress
from tap_qonto.reading.bookmarks import Bookmarks
from tap_qonto.reading.followers import Follower
from tap_qonto.reading.list_reader import Endpoint, ListReader
from tap_qonto.reading.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeAlias

    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_qonto.output.records import Record
    from tap_qonto.reading.pages import Row
    from tap_qonto.reading.ways import Way

    Step: TypeAlias = Record | datetime
    """A record, or the bookmark that holds after those before it."""


class QontoStream(BaseStream):
    """A list of the API.

    A subclass states the facts: name, keys, schema, and these. A stream without a
    replication key is read whole in each run.

    Attributes:
        path: Path of the list below the host.
        collection: Key of the rows in the answer.
        scope: OAuth scope that the list needs.
        ways: How it is read; a later one where Qonto refuses the one before.
        filter_setting: Name of the setting that holds filters of the list, if any.
        top_level_filters: Filters that the API takes outside of ``filter[…]``.
    """

    path: ClassVar[str]
    collection: ClassVar[str]
    scope: ClassVar[str]
    ways: ClassVar[tuple[Way, ...]]
    filter_setting: ClassVar[str | None] = None
    top_level_filters: ClassVar[frozenset[str]] = frozenset()

    @property
    @override
    def is_sorted(self) -> bool:
        """Whether records come in the order of the replication key."""
        return self.replication_key is not None

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take the replication method from a catalog, too.

        Raises:
            ConfigError: The catalog asks for a method that there is not.
        """
        super().apply_catalog(catalog)
        entry = catalog.get_stream(self.name)
        if entry is None:
            return
        forced = entry.metadata.root.forced_replication_method
        method = forced or entry.replication_method or self.replication_method
        if method not in {REPLICATION_INCREMENTAL, REPLICATION_FULL_TABLE}:
            msg = (
                f"The catalog asks for replication method {method} of {self.name}; "
                "there are INCREMENTAL and FULL_TABLE."
            )
            raise ConfigError(msg)
        # `*.replication-method: INCREMENTAL` means the streams that have a key for it.
        self.forced_replication_method = method if self.replication_key else None

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log; but the SDK's word of an error goes to DEBUG, since its sentence follows."""
        if level >= logging.ERROR:
            level = logging.DEBUG
        super().log(message, *args, level=level, **kwargs)

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
        if self._is_full and not self._is_batched:
            for stream in self._written:
                stream.use_version(self._initialized_at)
            self._warn_of_what_is_hidden()
        bookmarks = None if self._is_full else self._bookmarks()
        progress = Progress(self.logger)
        reader = self._reader()
        self._begun: deque[bool] = deque()
        with ExitStack() as stack:
            for child in self._followers:
                stack.enter_context(child.running(progress))
            window = self._window(bookmarks.start if bookmarks else None)
            for step in self._with_followers_ahead(self._steps(reader, window, progress)):
                if not isinstance(step, datetime):
                    yield step
                    progress.row()
                elif bookmarks:
                    bookmarks.advance(step)
                    if not self._is_batched:
                        self._tap.state_writer.write_state(self.tap_state)
        self._activate(reader)
        progress.report()

    def _activate(self, reader: ListReader) -> None:
        """Let targets drop what was deleted, once all that there is was written."""
        if reader.is_whole:
            for stream in self._written:
                stream.activate_version()
        elif self._is_full:
            self.logger.warning(
                "The list of %s kept changing while it was read. Its rows were written; "
                "rows that were deleted in Qonto stay in the target until the next run.",
                self.name,
            )

    def _warn_of_what_is_hidden(self) -> None:
        names = [self.filter_setting] if self.filter_setting else []
        if self.ways[0].is_bounded:
            names += ["start_date", "end_date"]
        if hiding := [name for name in names if self.config.get(name)]:
            self.logger.warning(
                "%s is read whole, but for what %s hides; targets take that as deleted.",
                self.name,
                " and ".join(hiding),
            )

    def _steps(self, reader: ListReader, window: Window, progress: Progress) -> Iterator[Step]:
        """Yield the records of each page, then the bookmark that holds after them."""
        for rows, complete_to in reader.pages(window, progress):
            yield from (self.conform(self.prepare(row)) for row in rows)
            if complete_to is not None:
                yield complete_to

    def _with_followers_ahead(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Hand steps on while the files of those that follow are being fetched.

        So the next page is asked for while files come in. No more than a page's are
        on their way, which bounds memory.
        """
        page = self.config["page_size"]
        most = min(page, self.ABORT_AT_RECORD_COUNT or page) if self._followers else 1
        ahead: deque[Step] = deque()
        try:
            for step in steps:
                if self._followers and not isinstance(step, datetime):
                    self._begin_to_fetch(step)
                ahead.append(step)
                if len(ahead) == most:
                    yield ahead.popleft()
        except Exception:
            # What came before the failure is whole.
            yield from ahead
            raise
        yield from ahead

    def _begin_to_fetch(self, record: Record) -> None:
        is_wanted = self._is_wanted(record)
        self._begun.append(is_wanted)
        if is_wanted:
            for child in self._followers:
                child.begin(record)

    @override
    def generate_child_contexts(
        self, record: Record, context: Context | None
    ) -> Iterable[Context | None]:
        """Write the rows of the children, and give the SDK no context to do it.

        It would run a whole sync of each child for each row: a SCHEMA message, a
        STATE message and five log lines every time.
        """
        # A filter that looks at the clock may say otherwise than it did before.
        if self._followers and (self._begun.popleft() or self._is_wanted(record)):
            for child in self._followers:
                child.write_records(record)
        return ()

    def _is_wanted(self, record: Record) -> bool:
        """Tell whether one of the stream maps lets the record through."""
        return any(each.get_filter_result(record) for each in self.stream_maps)

    @cached_property
    def _followers(self) -> list[Follower]:
        """The children that are selected, unless stream maps take all parents away."""
        return [
            child
            for child in self.child_streams
            if isinstance(child, Follower) and child.is_emitted and self.is_mapped
        ]

    @property
    def _written(self) -> list[QontoStream | Follower]:
        """The streams that are written in one sync of this one."""
        return [self, *self._followers]

    @property
    def _is_full(self) -> bool:
        return self.replication_method == REPLICATION_FULL_TABLE

    @cached_property
    def _is_batched(self) -> bool:
        """Whether records go to BATCH files, behind which the messages here run."""
        return self.get_batch_config(self.config) is not None

    def _bookmarks(self) -> Bookmarks:
        return Bookmarks(
            cast("dict[str, Any]", self.tap_state),
            parent=self.name,
            replication_key=self.replication_key or "",
            children=[child.name for child in self.child_streams],
            selected=[stream.name for stream in self._written if stream.is_emitted],
        )

    def _window(self, bookmark: datetime | None) -> Window:
        return Window.of(
            self.config,
            bookmark,
            begun=datetime.fromtimestamp(self._initialized_at / 1000, tz=timezone.utc),
            # A row that is edited meanwhile must come too: what does not is dropped.
            is_open=self._is_full,
        )

    def _reader(self) -> ListReader:
        return ListReader(
            endpoint=Endpoint(
                self.name,
                self.path,
                self.collection,
                self.scope,
                self.ways,
                self.top_level_filters,
            ),
            session=self.run.session,
            page_size=self.config["page_size"],
            filters=self.config.get(self.filter_setting or "") or {},
            logger=self.logger,
            observe=self.count_request,
        )
