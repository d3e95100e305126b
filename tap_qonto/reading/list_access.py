"""How a list stream asks for its list, and where the state says that reading stands."""

from __future__ import annotations

import copy
import logging
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from tap_qonto.errors import ApiError, NotFoundError, TapQontoError
from tap_qonto.reading.bookmarks import Bookmarks, entry_of
from tap_qonto.reading.followers import Follower
from tap_qonto.reading.list_facts import ListFacts
from tap_qonto.reading.list_reader import ListReader
from tap_qonto.reading.memory import Memory, Pass, organization_in
from tap_qonto.reading.source import Endpoint
from tap_qonto.reading.whole import Whole
from tap_qonto.reading.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import TypeAlias

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.source import Observe

    Part: TypeAlias = Mapping[str, str] | None
    """A partition of the list: the parameters that choose it; None where it has none."""


PART_IS_GONE = {403, 404, 422}
"""HTTP statuses with which Qonto refuses one part of a list, such as that of an account."""


class ListAccess(ListFacts):
    """A list stream before it is read."""

    _has_begun = False

    def ask_ahead(self) -> None:
        """Ask for the first page before the stream's turn, unless that came already."""
        if not (self._has_begun or self.partition_key or self.out_of_reach):
            self.begin_early([None])

    def begin_early(self, parts: Iterable[Part]) -> None:
        """Ask for the first pages of parts before their turn."""
        # What is wrong is told when it is this stream's turn.
        logger = logging.getLogger("tap-qonto.unheard")
        logger.disabled = True
        state = copy.deepcopy(cast("dict[str, Any]", self.tap_state))
        with suppress(TapQontoError):
            self._check_method()
            for part in parts:
                memory = self.memory(part, state)
                bookmarks = None if self.is_full else self.bookmarks(part, state)
                if bookmarks and bookmarks.unsure:
                    # What is asked for depends on what is counted first.
                    continue
                first, *_ = self.passes(memory, bookmarks, logger)
                reader = self.reader(part, self.run.note_date)
                reader.begin(first.window, is_counted=self.is_counted)

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
        window = Window.of(self.config, None, begun=self.run.begun, is_open=self.is_full)
        parts: Iterable[Part] = [None]
        if self.partition_key:
            parts = ({self.partition_key: value} for value in self.partition_values())
        refusal: ApiError | None = None
        for part in parts:
            try:
                return self.reader(part, self.run.note_date).probe(window, to_end=to_end)
            except ApiError as error:
                if part is None or error.is_final or error.status not in PART_IS_GONE:
                    raise
                # A sync leaves it out, and reads the others.
                refusal = error
        if refusal:
            raise refusal
        return ()

    def ids(self, observe: Observe) -> list[str]:
        """Read the keys of all rows, for a stream that is read for each of them.

        Args:
            observe: Called with each response, and the seconds that its request waited.

        Raises:
            TapQontoError: The list cannot be read.
        """
        reader = self.reader(None, self.run.note_date, observe)
        rows = reader.rows(Window.whole(self.run.begun), self.config["list_concurrency"])
        rows += self.further_rows()
        return list(dict.fromkeys(str(row[self.row_key]) for row in rows))

    @property
    def is_counted(self) -> bool:
        """Whether the log of the run has the count of the list."""
        return self.run.outcomes.on_end is not None and self.is_emitted

    @cached_property
    def followers(self) -> list[Follower]:
        """The children that are selected, unless stream maps take all parents away."""
        return [
            child
            for child in self.child_streams
            if isinstance(child, Follower) and child.is_emitted and self.is_mapped
        ]

    @property
    def written(self) -> list[ListAccess | Follower]:
        """The streams that are written in one sync of this one."""
        return [self, *self.followers]

    @property
    def was_read_before(self) -> bool:
        """Whether an earlier run could read the list."""
        entries = [self._entry_before, *self.parts_before]
        return any(Memory(self.name, each).was_read for each in entries)

    @property
    def _entry_before(self) -> dict[str, Any]:
        """What the state says of this stream, which is left as it is."""
        entry: dict[str, Any] = self.tap_state.get("bookmarks", {}).get(self.name, {})
        return entry

    @property
    def parts_before(self) -> list[dict[str, Any]]:
        """What the state says of each part that was read before."""
        parts: list[dict[str, Any]] = self._entry_before.get("partitions", [])
        return parts

    def passes(
        self, memory: Memory, bookmarks: Bookmarks | None, logger: logging.Logger
    ) -> list[Pass]:
        """Return what is to be read of a part, in order.

        Args:
            memory: What the state remembers of it.
            bookmarks: How far it was read; None for a list that is read whole.
            logger: Where it is said that something is read anew.
        """
        begun = self.run.begun
        if bookmarks is None:
            # A row that is edited meanwhile must come too: what does not is dropped.
            return [Pass(Window.of(self.config, None, begun=begun, is_open=True), moves=False)]
        return memory.passes(bookmarks, self.config, self._filters, begun, logger)

    def has_read(self, memory: Memory) -> bool:
        """Tell whether the last run of a part had the filters of this one."""
        return memory.has_read(self._filters)

    def memory(self, part: Part, state: dict[str, Any] | None = None) -> Memory:
        """Return what a state remembers of a part, by default the state of this run."""
        state = cast("dict[str, Any]", self.tap_state) if state is None else state
        entries = state.setdefault("bookmarks", {})
        return Memory(self.name, entry_of(entries, self.name, part), organization_in(state))

    def bookmarks(self, part: Part, state: dict[str, Any] | None = None) -> Bookmarks:
        """Return how far a state says that a part was read, by default that of this run."""
        return Bookmarks(
            cast("dict[str, Any]", self.tap_state) if state is None else state,
            parent=self.name,
            replication_key=self.replication_key or "",
            children=[child.name for child in self.child_streams],
            selected=self.names_of_written(),
            context=part,
        )

    def names_of_written(self) -> set[str]:
        """Return the names of the streams that are emitted in one sync of this one."""
        return {stream.name for stream in self.written if stream.is_emitted}

    def reader(
        self,
        part: Part,
        note_date: Callable[[datetime | None], object],
        observe: Observe | None = None,
    ) -> ListReader:
        """Return what reads a part.

        Args:
            part: Which.
            note_date: Called with Qonto's clock (UTC) at each answer, None where it is not
                said.
            observe: Called with each response, for metrics; by default the stream's own.
        """
        return self._reader_of(self._endpoint(part), note_date, observe)

    def row(self, key: str) -> Row | None:
        """Read one row, in any thread; return None where it was deleted.

        Args:
            key: What `row_key` holds.

        Raises:
            TapQontoError: It cannot be read.
        """
        path, name = self.single or ("", "")
        endpoint = self._endpoint(None)._replace(
            path=path.format(id=quote(key, safe="")), collections=(name,), ways=(Whole(),)
        )
        reader = self._reader_of(endpoint, self.run.note_date)
        try:
            (found,) = reader.rows(Window.whole(self.run.begun), workers=1)
        except NotFoundError:
            return None
        return found

    @property
    def _list_params(self) -> Sequence[tuple[str, str]]:
        """Parameters with which the list brings what followers need."""
        return [pair for follower in self.followers for pair in follower.list_params]

    def _endpoint(self, part: Part) -> Endpoint:
        def prepare(row: Row) -> Row:
            for name, value in (part or {}).items():
                row[name] = row.get(name) or value
            return self.prepare(row)

        return Endpoint(
            self.name,
            self.path,
            (self.collection, *self.also_named),
            self.scope,
            self.ways,
            self.top_level_filters,
            (*self.params, *self._list_params, *(part or {}).items()),
            self.row_key,
            self._may_refuse_keys,
            self.smallest_page,
            prepare,
            self.null_is_empty,
            part is not None,
            frozenset(self.schema["properties"]),
        )

    def _reader_of(
        self,
        endpoint: Endpoint,
        note_date: Callable[[datetime | None], object],
        observe: Observe | None = None,
    ) -> ListReader:
        page_size = self.config["page_size"]
        return ListReader(
            endpoint=endpoint,
            session=self.run.session,
            early=self.run.early,
            # Docs and observation: pages with attachments take Qonto long.
            page_size=(page_size + 1) // 2 if self._list_params else page_size,
            filters=self._filters,
            warn=self.warn_once,
            observe=observe or self.count_request,
            note_date=note_date,
        )
