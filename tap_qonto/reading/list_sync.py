"""One sync of a list: its records, and what is to be done once they are written."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tap_qonto.errors import ApiError, DataError, UnreachableError, concerns_all
from tap_qonto.reading.awaited import Awaited
from tap_qonto.reading.bookmarks import VALUE, entry_of
from tap_qonto.reading.list_access import PART_IS_GONE
from tap_qonto.reading.list_reader import total_of
from tap_qonto.reading.together import Together

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import TypeAlias

    from tap_qonto.errors import TapQontoError
    from tap_qonto.output.progress import Progress
    from tap_qonto.output.records import Record
    from tap_qonto.reading.ahead import Commit
    from tap_qonto.reading.bookmarks import Bookmarks
    from tap_qonto.reading.done import Reached
    from tap_qonto.reading.list_access import ListAccess, Part
    from tap_qonto.reading.list_reader import ListReader
    from tap_qonto.reading.memory import Memory
    from tap_qonto.reading.pages import Row

    Steps: TypeAlias = Iterator[Record | Commit | None]
    """What comes of a part; None where it is the turn of others."""

_ORGANIZATION = "organization_id"


@dataclass
class _Begun:
    """A part that is read, and what came of it so far."""

    part: Part
    rows: int = 0
    is_over: bool = False

    @property
    def is_empty(self) -> bool:
        return self.is_over and not self.rows


class ListSync:
    """One sync of a list.

    Args:
        stream: The list.
        progress: Takes how many rows there are.

    Attributes:
        is_all_read: Whether all that the list holds was handed out, as far as can be
            told.
        organization: Id of the organization whose rows they are, if it is known.
    """

    def __init__(self, stream: ListAccess, progress: Progress) -> None:
        """Ask nothing yet."""
        self.is_all_read = True
        self.organization: str | None = None
        self._stream = stream
        self._progress = progress
        self._awaited: Awaited | None = None
        if stream.single and not stream.is_full:
            self._awaited = Awaited(stream.name, stream.state_entry, stream.logger)
        self._counts: list[int | None] = []
        self._begun: list[_Begun] = []

    def steps(self) -> Iterator[Record | Commit]:
        """Yield the records of each page, then what is to be done once they are written.

        Raises:
            TapQontoError: The list cannot be read, or not without losing rows.
        """
        stream = self._stream
        refusals: list[ApiError] = []
        failures: list[TapQontoError] = []
        parts: list[Mapping[str, str]] = []
        with Together(stream.config["list_concurrency"], stream.name) as together:
            tasks: Iterable[Steps] = [self._steps_of(None, together)]
            if stream.partition_key:
                parts = [{stream.partition_key: value} for value in stream.partition_values()]
                self._tell_of_gone(parts)
                stream.begin_early(parts)
                tasks = (self._steps_of_one(each, together, refusals, failures) for each in parts)
            steps: Iterator[Record | Commit] = together.run(tasks)
            yield from steps
        if self._awaited:
            yield from self._completed(self._awaited)
        if failures:
            raise failures[0]
        if parts and len(refusals) == len(parts):
            raise refusals[-1]

    def _completed(self, awaited: Awaited) -> Iterator[Record | Commit]:
        """Yield rows that earlier runs found incomplete, once they are whole."""
        stream = self._stream
        refusals: list[ApiError] = []
        for key, result in awaited.read(stream.row, stream.config["list_concurrency"]):
            try:
                row = result()
            except ApiError as error:
                if error.is_final:
                    raise
                refusals.append(error)
                continue
            if row is None:
                awaited.note(key, is_awaited=False)
            elif not stream.awaits(row):
                yield self._conformed(row)
                yield partial(awaited.note, key, is_awaited=False)
        if refusals:
            rows = f"{len(refusals)} row" + "s" * (len(refusals) != 1)
            self._stream.tell(
                f"{rows} of {stream.name} that Qonto had not completed could not be read again; "
                f"the next run tries again. {refusals[0]}"
            )

    @property
    def count(self) -> int | None:
        """Rows that Qonto counts in the whole list, at the end; None if it is not known."""
        return total_of(self._counts)

    def _steps_of_one(
        self,
        part: Mapping[str, str],
        together: Together,
        refusals: list[ApiError],
        failures: list[TapQontoError],
    ) -> Steps:
        """Leave a partition out that Qonto refuses, or that fails, and let the others go on."""
        try:
            yield from self._steps_of(part, together)
        except (ApiError, DataError, UnreachableError) as error:
            if concerns_all(error):
                raise
            self.is_all_read = False
            if isinstance(error, ApiError) and error.status in PART_IS_GONE:
                refusals.append(error)
                self._stream.tell(f"{self._stream.name} of {_named(part)} is left out. {error}")
            else:
                failures.append(error)
                self._stream.tell(f"{self._stream.name} of {_named(part)} failed. {error}")

    def _tell_of_gone(self, parts: Collection[Mapping[str, str]]) -> None:
        """Tell of partitions that were read before and are not there any more."""
        stream, key = self._stream, self._stream.partition_key
        known = [each["context"] for each in stream.parts_before]
        for part in [each for each in known if key in each and each not in parts]:
            self._stream.tell(
                f"{stream.name} of {_named(part)} is left out: Qonto does not list it any more. "
                "What was read stays, with its bookmark."
            )

    def _steps_of(self, part: Part, together: Together) -> Steps:
        stream = self._stream
        memory = stream.memory(part)
        begun = _Begun(part)
        self._begun.append(begun)
        bookmarks = None if stream.is_full else stream.bookmarks(part)
        start: datetime | None = None

        def note_date(date: datetime | None) -> None:
            stream.run.note_date(date)
            memory.check_bookmark(start, date)

        reader = stream.reader(part, note_date)
        start = yield from self._start(bookmarks, memory, reader, together)
        if _ORGANIZATION not in stream.schema["properties"] or stream.row_key == _ORGANIZATION:
            self.organization = stream.run.organization_id
            memory.check_organization(self.organization)
        for each in stream.passes(memory, bookmarks, stream.logger):
            above = bookmarks.above if bookmarks and each.moves else ()
            for page in reader.pages(together, each.window, self._progress, above):
                if page is None:
                    yield None
                    continue
                rows, reached = page
                begun.rows += len(rows)
                self._check_organization(rows, memory)
                yield from map(self._record, rows)
                if bookmarks and each.moves and reached.bookmark:
                    yield partial(self._advance, bookmarks, memory, reached)
            if bookmarks and not each.moves:
                yield partial(self._widen, bookmarks, memory)
            elif bookmarks and not memory.is_known:
                yield partial(memory.remember, self.organization)
        further = list(stream.further_rows())
        yield from map(self._record, further)
        yield from self._count(reader, len(further), together)
        self._check_count(reader, begun.rows)
        if memory.organization and not self.organization:
            memory.check_organization(stream.run.organization_id)
        self._note_end(reader)
        begun.is_over = True

    def _start(
        self, bookmarks: Bookmarks | None, memory: Memory, reader: ListReader, together: Together
    ) -> Generator[None, None, datetime | None]:
        """Return up to where earlier runs have come.

        What a run that was killed has read without being sure of it is counted once.
        """
        if bookmarks is None:
            return None
        unsure = bookmarks.unsure if self._stream.has_read(memory) else None
        # What is wrong shows when the list is read.
        with suppress(ApiError, DataError, UnreachableError):
            if unsure and (yield from together.call(partial(reader.has_kept, unsure.window))):
                bookmarks.confirm()
        return bookmarks.start

    def _check_count(self, reader: ListReader, rows: int) -> None:
        """Take a whole list for incomplete that has fewer rows than Qonto counts."""
        count = reader.known_count
        if self._stream.is_full and reader.is_whole and count is not None and rows < count:
            self.is_all_read = False
            self._stream.outcome.note(
                f"Qonto counts {count:,} rows of {self._stream.name}, and handed out {rows:,}."
            )

    def _note_end(self, reader: ListReader) -> None:
        if not reader.is_whole:
            self.is_all_read = False
            words = f"The list of {self._stream.name} kept changing while it was read."
            self._stream.outcome.note(words)

    def _check_organization(self, rows: Sequence[Row], memory: Memory) -> None:
        if self._stream.row_key == _ORGANIZATION:
            # The tap has filled it, with the slug of an organization that has no id.
            return
        ids = (row.get(_ORGANIZATION) for row in rows)
        for found in dict.fromkeys(each for each in ids if isinstance(each, str)):
            self.organization = found or self.organization
            memory.check_organization(self.organization)

    def _count(
        self, reader: ListReader, further: int, together: Together
    ) -> Generator[None, None, None]:
        """Count the whole list at Qonto, for the log of the run."""
        if not self._stream.is_counted:
            return
        try:
            count = yield from together.call(reader.count)
        except (ApiError, DataError, UnreachableError) as error:
            if isinstance(error, ApiError) and error.is_final:
                raise
            self._stream.logger.warning(
                "The rows of %s could not be counted. %s", self._stream.name, error
            )
            count = None
        self._counts.append(None if count is None else count + further)

    def _record(self, row: Row) -> Record:
        if self._awaited:
            key = str(row[self._stream.row_key])
            self._awaited.note(key, is_awaited=self._stream.awaits(row))
        return self._conformed(row)

    def _conformed(self, row: Row) -> Record:
        for follower in self._stream.followers:
            follower.note(row)
        return self._stream.conform(row)

    def _widen(self, bookmarks: Bookmarks, memory: Memory) -> None:
        bookmarks.keep(self._stream.names_of_written())
        bookmarks.forget_others()
        memory.remember(self.organization)

    def _advance(self, bookmarks: Bookmarks, memory: Memory, to: Reached) -> None:
        bookmarks.keep(self._stream.names_of_written())
        bookmarks.advance(to)
        memory.remember(self.organization)

    def note_bookmarks(self) -> None:
        """Take down how far the stream and its followers have come; the least of all parts.

        A part that was read to its end and has no rows is as far as the others.
        """
        if self._stream.is_full or not self._begun:
            return
        for stream in self._stream.written:
            places = [
                place
                for begun in self._begun
                if (place := self._place_of(stream.name, begun.part)) or not begun.is_empty
            ]
            known = [place for place in places if place]
            is_known = len(known) == len(places)
            stream.outcome.bookmark = min(known, default=None) if is_known else None

    def _place_of(self, name: str, part: Part) -> str | None:
        """Return how far a stream has come in a part; a follower without a place, as its list."""
        entries = self._stream.tap_state["bookmarks"]
        places = (entry_of(entries, each, part).get(VALUE) for each in (name, self._stream.name))
        return next(filter(None, places), None)


def _named(part: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in part.items())
