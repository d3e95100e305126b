"""What the list streams of Qonto's API share; no fact of a single stream is here."""

from __future__ import annotations

import copy
import logging
from contextlib import ExitStack, suppress
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

from typing_extensions import override

from tap_qonto.errors import (
    ApiError,
    DataError,
    RefusedError,
    TapQontoError,
    UnreachableError,
)
from tap_qonto.output.progress import Progress
from tap_qonto.reading.ahead import Ahead, Commit
from tap_qonto.reading.bookmarks import VALUE, Bookmarks, entry_of
from tap_qonto.reading.followers import Follower
from tap_qonto.reading.list_facts import ListFacts
from tap_qonto.reading.list_reader import ListReader, total_of
from tap_qonto.reading.memory import Memory, Stretch, organization_in
from tap_qonto.reading.source import Endpoint
from tap_qonto.reading.together import Together
from tap_qonto.reading.window import Window

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Generator,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )
    from datetime import datetime
    from typing import TypeAlias

    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context

    from tap_qonto.output.records import Record
    from tap_qonto.reading.done import Reached
    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.source import Observe

    Part: TypeAlias = Mapping[str, str] | None
    """A partition of the list: the parameters that choose it; None where it has none."""
    Steps: TypeAlias = Iterator[Record | Commit | None]
    """What comes of it; None where it is the turn of others."""

_PART_IS_GONE = {403, 404, 422}
_ORGANIZATION = "organization_id"


class QontoStream(ListFacts):
    """A list of the API; a subclass states its facts.

    Attributes:
        is_read: Whether this run has read all of it.
    """

    is_read = False
    _has_begun = False

    @override  # type: ignore[misc] # the SDK has no hook for a stream that fails
    def sync(  # ty: ignore[override-of-final-method]
        self, context: Context | None = None
    ) -> None:
        """Read the list; a failure that concerns it alone waits until the others are read."""
        self._has_begun = True
        if self.out_of_reach:
            self.run.outcomes.forbid(self.outcome, self.out_of_reach)
            return
        with self.run.outcomes.of(self.outcome, was_read=self._was_read):
            self._check_method()
            super().sync(context)

    def ask_ahead(self) -> None:
        """Ask for the first page before the stream's turn, unless that came already."""
        if not (self._has_begun or self.partition_key or self.out_of_reach):
            self._begin_early([None])

    def _begin_early(self, parts: Iterable[Part]) -> None:
        # What is wrong is told when it is this stream's turn.
        logger = logging.getLogger("tap-qonto.unheard")
        logger.disabled = True
        state = copy.deepcopy(cast("dict[str, Any]", self.tap_state))
        with suppress(TapQontoError):
            self._check_method()
            for part in parts:
                memory = self._memory(part, state)
                bookmarks = None if self._is_full else self._bookmarks(part, state)
                first, *_ = self._stretches(memory, bookmarks, logger)
                reader = self._reader(part, self.run.note_date)
                reader.begin(first.window, is_counted=self._is_counted)

    @property
    def _is_counted(self) -> bool:
        """Whether the log of the run has the count of the list."""
        return self.run.outcomes.on_end is not None and self.is_emitted

    def _note_bookmarks(self) -> None:
        """Take down how far this stream and its followers have come; the least of all parts."""
        if self._is_full or not self._parts:
            return
        entries = self.tap_state["bookmarks"]
        for stream in self._written:
            places = [
                entry_of(entries, stream.name, part).get(VALUE)
                or entry_of(entries, self.name, part).get(VALUE)
                for part in self._parts
            ]
            known = [place for place in places if place]
            is_known = len(known) == len(places)
            stream.outcome.bookmark = min(known, default=None) if is_known else None

    def probe(self, *, to_end: bool = False) -> Sequence[Page]:
        """Ask for the first page as a sync without a state does, and for no more.

        Args:
            to_end: Whether the last page is wanted, too, which may be the first.

        Returns:
            The pages; none where the list has parts, and there is none.

        Raises:
            TapQontoError: The list cannot be read.
        """
        self._check_method()
        part: Part = None
        if self.partition_key:
            value = next(iter(self.partition_values()), None)
            if value is None:
                return ()
            part = {self.partition_key: value}
        window = Window.of(self.config, None, begun=self.run.begun, is_open=self._is_full)
        return self._reader(part, self.run.note_date).probe(window, to_end=to_end)

    def ids(self, observe: Observe) -> list[str]:
        """Read the keys of all rows, for a stream that is read for each of them.

        Args:
            observe: Called with each response, and the seconds that its request waited.

        Raises:
            TapQontoError: The list cannot be read.
        """
        reader = self._reader(None, self.run.note_date, observe)
        window = Window(None, None, None, None, self.run.begun, is_open=True)
        rows = reader.rows(window, self.config["list_concurrency"])
        rows += self.further_rows()
        return list(dict.fromkeys(str(row[self.row_key]) for row in rows))

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Yield records, in the order of the replication key where the list allows it.

        When a page's records and their files have been written, the bookmark moves
        and a STATE message goes out.
        """
        if self._is_full:
            for stream in self._written:
                stream.use_version(self._initialized_at)
        self._is_all_read = True
        self._rows_read = 0
        self._counts: list[int | None] = []
        self._parts: list[Part] = []
        progress = Progress(self.logger, self.outcome, [child.outcome for child in self._followers])
        page = self.config["page_size"]
        most = min(page, self.ABORT_AT_RECORD_COUNT or page)
        with ExitStack() as stack:
            for child in self._followers:
                stack.enter_context(self.run.outcomes.beside(child.outcome))
                stack.enter_context(child.running())
            stack.callback(self._note_bookmarks)
            self._ahead = Ahead(self._followers, self._is_wanted, self._leave_out, most)
            for step in self._ahead.steps(self._steps(progress)):
                if callable(step):
                    step()
                    if not self._is_batched:
                        self._tap.state_writer.write_state(self.tap_state)
                else:
                    yield step
                    progress.row()
                    self._rows_read += 1
        self.outcome.source_count = total_of(self._counts)
        self.is_read = self._is_all_read
        if self._is_full and not self._is_batched:
            self._activate()
        progress.report()

    @override
    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Write batches; what ends a table that is read whole comes after the last."""
        super()._sync_batches(batch_config, context)
        if self._is_full:
            self._activate()
            self._tap.state_writer.write_state(self.tap_state)

    def _activate(self) -> None:
        """Let targets drop what was deleted, once all that there is was written."""
        if not self._is_all_read:
            self.logger.warning(
                "The list of %s kept changing while it was read. Its rows were written; "
                "rows that were deleted in Qonto stay in the target until the next run.",
                self.name,
            )
            return
        memory = self._memory(None)
        memory.check_rows(self._rows_read)
        for stream in self._written:
            stream.activate_version()
        memory.remember_rows(self._rows_read, self._organization)

    def _steps(self, progress: Progress) -> Iterator[Record | Commit]:
        """Yield the records of each page, then what is to be done once they are written."""
        self._organization: str | None = None
        refusals: list[ApiError] = []
        parts: list[Mapping[str, str]] = []
        with Together(self.config["list_concurrency"], self.name) as together:
            tasks: Iterable[Steps] = [self._steps_of(None, together, progress)]
            if self.partition_key:
                parts = [{self.partition_key: value} for value in self.partition_values()]
                self._tell_of_gone(parts)
                self._begin_early(parts)
                tasks = (self._steps_of_one(each, together, progress, refusals) for each in parts)
            steps: Iterator[Record | Commit] = together.run(tasks)
            yield from steps
        if parts and len(refusals) == len(parts):
            raise refusals[-1]

    def _steps_of_one(
        self,
        part: Mapping[str, str],
        together: Together,
        progress: Progress,
        refusals: list[ApiError],
    ) -> Steps:
        """Leave a partition out that Qonto refuses, and let the others go on."""
        try:
            yield from self._steps_of(part, together, progress)
        except ApiError as error:
            if error.is_final or error.status not in _PART_IS_GONE:
                raise
            refusals.append(error)
            self._is_all_read = False
            words = f"{self.name} of {_named(part)} is left out. {error}"
            self.logger.warning("%s", words)
            self.outcome.note(words)

    def _tell_of_gone(self, parts: Collection[Mapping[str, str]]) -> None:
        """Tell of partitions that were read before and are not there any more."""
        known = [each["context"] for each in self._parts_before]
        for part in [each for each in known if self.partition_key in each and each not in parts]:
            words = (
                f"{self.name} of {_named(part)} is left out: Qonto does not list it any more. "
                "What was read stays, with its bookmark."
            )
            self.logger.warning("%s", words)
            self.outcome.note(words)

    def _steps_of(self, part: Part, together: Together, progress: Progress) -> Steps:
        memory = self._memory(part)
        self._parts.append(part)
        bookmarks = None if self._is_full else self._bookmarks(part)
        start = bookmarks.start if bookmarks else None

        def note_date(date: datetime | None) -> None:
            self.run.note_date(date)
            memory.check_bookmark(start, date)

        reader = self._reader(part, note_date)
        if _ORGANIZATION not in self.schema["properties"]:
            self._organization = self.run.organization_id
            memory.check_organization(self._organization)
        for stretch in self._stretches(memory, bookmarks, self.logger):
            above = bookmarks.above if bookmarks and stretch.moves else ()
            for page in reader.pages(together, stretch.window, progress, above):
                if page is None:
                    yield None
                    continue
                rows, reached = page
                self._check_organization(rows, memory)
                yield from map(self._record, rows)
                if bookmarks and stretch.moves and reached.bookmark:
                    yield partial(self._advance, bookmarks, memory, reached)
            if bookmarks and not stretch.moves:
                yield partial(self._widen, bookmarks, memory)
            elif bookmarks and not memory.is_known:
                yield partial(memory.remember, self._organization)
        further = list(self.further_rows())
        yield from map(self._record, further)
        yield from self._count(reader, len(further), together)
        if memory.organization and not self._organization:
            memory.check_organization(self.run.organization_id)
        self._is_all_read &= reader.is_whole

    def _check_organization(self, rows: Sequence[Row], memory: Memory) -> None:
        for row in rows:
            self._organization = row.get(_ORGANIZATION) or self._organization
            memory.check_organization(self._organization)

    def _count(
        self, reader: ListReader, further: int, together: Together
    ) -> Generator[None, None, None]:
        """Count the whole list at Qonto, for the log of the run."""
        if not self._is_counted:
            return
        try:
            count = yield from together.call(reader.count)
        except (ApiError, DataError, UnreachableError) as error:
            if isinstance(error, ApiError) and error.is_final:
                raise
            self.logger.warning("The rows of %s could not be counted. %s", self.name, error)
            count = None
        self._counts.append(None if count is None else count + further)

    def _record(self, row: Row) -> Record:
        for follower in self._followers:
            follower.note(row)
        return self.conform(row)

    def _widen(self, bookmarks: Bookmarks, memory: Memory) -> None:
        bookmarks.keep(self._names_of_written())
        bookmarks.forget_others()
        memory.remember(self._organization)

    def _advance(self, bookmarks: Bookmarks, memory: Memory, to: Reached) -> None:
        bookmarks.keep(self._names_of_written())
        bookmarks.advance(to)
        memory.remember(self._organization)

    def _stretches(
        self, memory: Memory, bookmarks: Bookmarks | None, logger: logging.Logger
    ) -> list[Stretch]:
        begun = self.run.begun
        if bookmarks is None:
            # A row that is edited meanwhile must come too: what does not is dropped.
            return [Stretch(Window.of(self.config, None, begun=begun, is_open=True), moves=False)]
        return memory.stretches(bookmarks, self.config, self._filters, begun, logger)

    def _memory(self, part: Part, state: dict[str, Any] | None = None) -> Memory:
        state = cast("dict[str, Any]", self.tap_state) if state is None else state
        entries = state.setdefault("bookmarks", {})
        return Memory(self.name, entry_of(entries, self.name, part), organization_in(state))

    @property
    def _was_read(self) -> bool:
        """Whether an earlier run could read the list."""
        entries = [self._entry_before, *self._parts_before]
        return any(Memory(self.name, each).was_read for each in entries)

    @property
    def _entry_before(self) -> dict[str, Any]:
        """What the state says of this stream, which is left as it is."""
        entry: dict[str, Any] = self.tap_state.get("bookmarks", {}).get(self.name, {})
        return entry

    @property
    def _parts_before(self) -> list[dict[str, Any]]:
        """What the state says of each part that was read before."""
        parts: list[dict[str, Any]] = self._entry_before.get("partitions", [])
        return parts

    @override
    def generate_child_contexts(
        self, record: Record, context: Context | None
    ) -> Iterable[Context | None]:
        """Write the rows of the children, and give the SDK no context to do it.

        It would run a whole sync of each child for each row: a SCHEMA message, a
        STATE message and five log lines every time.
        """
        self._ahead.write(record)
        return ()

    def _is_wanted(self, record: Record) -> bool:
        """Tell whether one of the stream maps lets the record through."""
        try:
            return any(each.get_filter_result(record) for each in self.stream_maps)
        except Exception as error:
            raise self.map_error(record, error) from error

    def _leave_out(self, follower: Follower, refusal: RefusedError) -> None:
        """Go on without a follower that Qonto refuses; its bookmark stays where it is.

        Raises:
            RefusedError: There is nothing to go on for.
        """
        self._followers.remove(follower)
        if refusal.is_final or not any(stream.is_emitted for stream in self._written):
            raise refusal
        failure = refusal if follower.was_read else None
        self.run.outcomes.forbid(follower.outcome, str(refusal), failure)

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

    @cached_property
    def _is_batched(self) -> bool:
        """Whether records go to BATCH files, behind which the messages here run."""
        return self.get_batch_config(self.config) is not None

    def _bookmarks(self, part: Part, state: dict[str, Any] | None = None) -> Bookmarks:
        return Bookmarks(
            cast("dict[str, Any]", self.tap_state) if state is None else state,
            parent=self.name,
            replication_key=self.replication_key or "",
            children=[child.name for child in self.child_streams],
            selected=self._names_of_written(),
            context=part,
        )

    def _names_of_written(self) -> set[str]:
        return {stream.name for stream in self._written if stream.is_emitted}

    def _reader(
        self,
        part: Part,
        note_date: Callable[[datetime | None], object],
        observe: Observe | None = None,
    ) -> ListReader:
        def prepare(row: Row) -> Row:
            for name, value in (part or {}).items():
                row.setdefault(name, value)
            return self.prepare(row)

        included = [pair for follower in self._followers for pair in follower.list_params]
        page_size = self.config["page_size"]
        return ListReader(
            endpoint=Endpoint(
                self.name,
                self.path,
                (self.collection, *self.also_named),
                self.scope,
                self.ways,
                self.top_level_filters,
                (*self.params, *included, *(part or {}).items()),
                self.row_key,
                self.access == "unsure" and self._has_key,
                self.smallest_page,
                prepare,
            ),
            session=self.run.session,
            early=self.run.early,
            # Docs and observation: pages with attachments take Qonto long.
            page_size=(page_size + 1) // 2 if included else page_size,
            filters=self._filters,
            logger=self.logger,
            observe=observe or self.count_request,
            note_date=note_date,
        )


def _named(part: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in part.items())
