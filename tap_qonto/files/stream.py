"""A child stream whose rows are files, fetched side by side, written in order."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_qonto.errors import RefusedError
from tap_qonto.files.coverage import Coverage
from tap_qonto.files.file_facts import FileFacts
from tap_qonto.files.one_sync import OneSync
from tap_qonto.files.pending import Pending

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping

    from singer_sdk.helpers.types import Context

    from tap_qonto.files.storage import Storage
    from tap_qonto.files.wanted import Found, Wanted
    from tap_qonto.output.records import Record


class FilesStream(FileFacts):
    """The files that records of a parent stream refer to by id.

    The parent calls `running` around its sync, `begin` and later `write_records` with each
    record.
    """

    state_partitioning_keys = ()
    fails_alone = False
    _was_read_before = False
    _written = 0
    _row_of_parent: Mapping[str, Any] | None = None

    @cached_property
    def _settings(self) -> Mapping[str, Any]:
        return self.run.attachment_settings

    @contextmanager
    def running(self) -> Generator[None, None, None]:
        """Prepare for the rows of one sync; SCHEMA goes out here, once."""
        from tap_qonto.files.downloads import Downloader  # noqa: PLC0415 - takes its time

        self.logger.info("Beginning sync of '%s'", self.name)
        self._write_schema_message()
        self._read_anew_if_wider()
        storage = self._storage()
        self._source = self.source()
        self._downloader = Downloader(
            self.name,
            session=self.run.session,
            storage=storage,
            options=Coverage.of(self._settings),
            source=self._source,
            conform=self.conform,
            make=self.maker(),
            dated_by=self.dated_by,
            asks_again=self._asks_again,
            note_fetched=self.outcome.file,
        )
        self._sync = OneSync(
            self.name,
            self._fetch,
            Pending(self.name, self.state_entry, self.logger),
            concurrency=self._settings["concurrency"],
            reads_all=self._reads_all,
        )
        self._written = 0
        try:
            if storage:
                storage.prepare()
            with (
                self._sync.open(),
                self.get_record_counter() as self._counter,
                self.get_sync_timer(),
            ):
                yield
        finally:
            if storage:
                storage.close()
        self.logger.info("Finished sync of '%s': %d rows", self.name, self._written)
        if gone := self._sync.gone:
            self.tell(gone)

    def _storage(self) -> Storage | None:
        """Return where files go; other modes need neither a place nor its driver."""
        from tap_qonto.files.places import storage_for  # noqa: PLC0415 - takes its time

        if self._settings["mode"] != "files":
            return None
        return storage_for(self._settings["location"], self._settings.get("storage_options"))

    def _read_anew_if_wider(self) -> None:
        """Let the parent's list be walked again where the settings want more than before."""
        wanted, before = Coverage.of(self._settings), Coverage.remembered(self.state_entry)
        wider = wanted.wider_than(before)
        self._was_read_before = before is not None
        self._asks_again = before is None or wider is not None
        if wider:
            self.logger.warning(
                "%s, so the list is read again for the files of %s that are missing.",
                wider,
                self.name,
            )
            parent = getattr(self.parent_stream_type, "name", "")
            wanted.begin_anew(self.tap_state["bookmarks"].get(parent, {}), self.state_entry)
        wanted.remember(self.state_entry)

    def catch_up(self) -> None:
        """Try the files that earlier runs could not get, once each."""
        with self._noting_refusal():
            for wanted, record in self._sync.catch_up():
                self._write(self._row(wanted, record))

    @property
    def was_read(self) -> bool:
        """Whether files could be had before, in this run or an earlier one."""
        return self._was_read_before or self._written > 0

    @contextmanager
    def _noting_refusal(self) -> Generator[None, None, None]:
        """Forget that this run asked if Qonto refuses."""
        try:
            with self._sync.noting_refusal():
                yield
        except RefusedError:
            Coverage.forget(self.state_entry)
            raise

    def note(self, row: Mapping[str, Any]) -> None:
        """Take a row of the parent as Qonto sends it, before `begin` gets its record."""
        self._row_of_parent = row

    def begin(self, parent: Record) -> None:
        """Begin to fetch the files of one of the parent's records."""
        if self.brings and self._row_of_parent:
            self._source.bring(parent["id"], self.files_in(self._row_of_parent))
        self._sync.begin(parent["id"], self.wanted(parent))

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Yield the rows of one of the parent's records, waiting for its files.

        Args:
            context: The parent's record. If `begin` left it out, its files are fetched now.

        Raises:
            UnreachableError: Many files failed one after the other.
        """
        parent = dict(context or {})
        for wanted, record in self._sync.take(parent["id"], self.wanted(parent)):
            yield self._row(wanted, record)
        self._source.forget(parent["id"])

    def write_records(self, parent: Record) -> None:
        """Write the rows of a parent's record, waiting for its files."""
        with self._noting_refusal():
            for record in self.get_records(parent):
                if self._written == self.ABORT_AT_RECORD_COUNT:
                    return
                self._write(record)

    def _write(self, record: Record) -> None:
        self._write_record_message(record)
        self._written += 1
        self._counter.increment()

    def _row(self, wanted: Wanted, record: Record) -> Record:
        row = record | {self.parent_key: wanted.parent_id}
        if record["roles"]:
            # A sealed copy, which has a key of its own.
            return row
        return row | {"id": wanted.attachment_id, "roles": list(wanted.roles)}

    def _fetch(self, wanted: Wanted, once: bool) -> Found:  # noqa: FBT001 - for a pool
        file, row = wanted.attachment_id, wanted.parent_id
        what = f"stream {self.name}, {row}"
        if file != row:
            what = f"stream {self.name}, attachment {file} of {row}"
        found = self._downloader.fetch(wanted, what=what, once=once)
        self.logger.debug("%s: %s", what, found.records[0]["status"])
        return found
