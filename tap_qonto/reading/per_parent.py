"""Lists that hang below each row of another list."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from typing_extensions import override

from tap_qonto.base_stream import BaseStream
from tap_qonto.errors import NotFoundError, TapQontoError
from tap_qonto.reading.list_reader import ListReader, total_of
from tap_qonto.reading.source import Endpoint
from tap_qonto.reading.window import Window

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from concurrent.futures import Future

    from singer_sdk.helpers.types import Context

    from tap_qonto.output.records import Record
    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.ways import Way

_WAS_READ = "was_read"
"""In the state: whether a run could read it."""


class PerParent(BaseStream):
    """A list for each row of a parent, read side by side, written in order.

    A subclass states the facts: name, keys, schema, and these.

    Attributes:
        path: Path of the list, with ``{id}`` for the id of the parent's row.
        collection: Key of the rows in the answer.
        scope: OAuth scope that the list needs.
        ways: How it is read.
        row_key: The field that tells rows of one parent apart.
        parent_key: Field for the id of the parent's row.
    """

    collection: ClassVar[str]
    scope: ClassVar[str]
    ways: ClassVar[tuple[Way, ...]]
    row_key: ClassVar[str] = "id"
    parent_key: ClassVar[str]

    fails_alone = True
    list_params: ClassVar[tuple[tuple[str, str], ...]] = ()
    state_partitioning_keys = ()
    _written = 0

    def wants(self, parent: Record) -> bool:  # noqa: ARG002 - for subclasses
        """Tell whether a row of the parent can have such rows."""
        return True

    def prepare(self, row: Row) -> Row:
        """Change a row before it is looked at; for quirks of an endpoint."""
        return row

    @contextmanager
    def running(self) -> Generator[None, None, None]:
        """Prepare for the rows of one sync of the parent; SCHEMA goes out here, once."""
        self.logger.info("Beginning sync of '%s'", self.name)
        self._write_schema_message()
        self._begun: deque[tuple[str, Future[list[Record]]]] = deque()
        self._first: Future[list[Record]] | None = None
        self._written = 0
        self._is_all_read = True
        self._gone: list[str] = []
        self._counts: list[int | None] = []
        self._pool = ThreadPoolExecutor(
            self.config["list_concurrency"], thread_name_prefix=self.name
        )
        try:
            with self.get_record_counter() as self._counter, self.get_sync_timer():
                yield
            self._pool.shutdown()
            self._tell_of_gone()
            if self.outcome.status == "complete":
                self.state_entry[_WAS_READ] = True
            if self._stream_version is not None:
                # All parents were read, so the sum is that of all rows.
                self.outcome.source_count = total_of(self._counts)
        except BaseException:
            self._pool.shutdown(wait=False, cancel_futures=True)
            raise
        self.logger.info("Finished sync of '%s': %d rows", self.name, self._written)

    def _tell_of_gone(self) -> None:
        """Tell of parents of which Qonto has nothing, although it had listed them."""
        if self._gone:
            first, *others = self._gone
            more = f" and {len(others)} more" if others else ""
            self.tell(
                f"Qonto has no {self.name} of {self.parent_key} {first}{more}, although it lists "
                "what they belong to, so nothing was deleted."
            )

    @property
    def was_read(self) -> bool:
        """Whether it could be read before, in this run or an earlier one."""
        return self._written > 0 or bool(self.state_entry.get(_WAS_READ))

    def catch_up(self) -> None:
        """Do nothing: no run leaves anything undone."""

    def note(self, row: Row) -> None:
        """Do nothing: the record has all that is needed."""

    def begin(self, parent: Record) -> None:
        """Begin to read the rows below one of the parent's."""
        if self.wants(parent):
            read = self._pool.submit(self._read_next, self._first, parent["id"])
            self._first = self._first or read
            self._begun.append((parent["id"], read))

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Yield the rows below one of the parent's, waiting for them.

        Args:
            context: The parent's record.
        """
        parent = dict(context or {})
        if self._begun and self._begun[0][0] == parent["id"]:
            yield from self._begun.popleft()[1].result()
        elif self.wants(parent):
            yield from self._read(parent["id"])

    def write_records(self, parent: Record) -> None:
        """Write the rows below one of the parent's, waiting for them."""
        try:
            for record in self.get_records(parent):
                if self._written == self.ABORT_AT_RECORD_COUNT:
                    return
                self._write_record_message(record)
                self._written += 1
                self._counter.increment()
        except TapQontoError:
            self._pool.shutdown(wait=False, cancel_futures=True)
            raise

    @override
    def activate_version(self) -> None:
        """Say that the whole table is there, where every list was seen to be whole."""
        if self._is_all_read and not self._gone:
            super().activate_version()

    def probe(self, parent: Record) -> Sequence[Page]:
        """Ask for the first page below one of the parent's rows, and for no more.

        Raises:
            TapQontoError: The list cannot be read.
        """
        return self._reader(parent["id"]).probe(self._window)

    @property
    def _window(self) -> Window:
        return Window.whole(self.run.begun)

    def _reader(self, parent_id: str) -> ListReader:
        return ListReader(
            endpoint=Endpoint(
                stream=self.name,
                path=self.path.format(id=quote(parent_id, safe="")),
                collections=(self.collection,),
                scope=self.scope,
                ways=self.ways,
                top_level_filters=frozenset(),
                params=(),
                row_key=self.row_key,
                may_refuse_keys=self._may_refuse_keys,
                smallest_page=1,
                prepare=lambda row: self.prepare({**row, self.parent_key: parent_id}),
            ),
            session=self.run.session,
            early=self.run.early,
            page_size=self.config["page_size"],
            filters={},
            warn=self.warn_once,
            observe=self.count_request,
            note_date=self.run.note_date,
        )

    def _read_next(self, first: Future[list[Record]] | None, parent_id: str) -> list[Record]:
        if first:
            # If Qonto refuses the first one, the others are not asked for.
            first.result()
        return self._read(parent_id)

    def _read(self, parent_id: str) -> list[Record]:
        reader = self._reader(parent_id)
        try:
            rows = reader.rows(self._window, workers=1)
        except NotFoundError:
            # The parent was deleted meanwhile, or what is below it is out of reach.
            self._gone.append(parent_id)
            return []
        self._is_all_read &= reader.is_whole
        self._counts.append(reader.known_count)
        return [self.conform(row) for row in rows]
