"""A child stream whose rows are files, fetched side by side, written in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_qonto.base_stream import BaseStream

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from concurrent.futures import Future

    from singer_sdk.helpers.types import Context

    from tap_qonto.output.progress import Progress
    from tap_qonto.output.records import Record


class FilesStream(BaseStream):
    """The files that records of a parent stream refer to by id.

    A subclass states the facts: name, path, keys, schema. The parent calls `running`
    around its sync, `begin` and later `write_records` with each record.

    Attributes:
        path: API path of an attachment, with ``{id}`` in it.
        scope: OAuth scope that it needs, for messages.
        parent_key: Field for the id of the parent's record.
        roles: Fields of the parent's record that hold ids, each with its role's name.
    """

    path: ClassVar[str]
    scope: ClassVar[str]
    parent_key: ClassVar[str]
    roles: ClassVar[dict[str, str]]

    state_partitioning_keys = ()

    @cached_property
    def _settings(self) -> Mapping[str, Any]:
        return self.run.attachment_settings

    @contextmanager
    def running(self, progress: Progress) -> Generator[None, None, None]:
        """Prepare for the rows of one sync; SCHEMA goes out here, once."""
        from tap_qonto.files.downloads import Downloader, Options  # noqa: PLC0415 - takes its time
        from tap_qonto.files.places import storage_for  # noqa: PLC0415

        self.logger.info("Beginning sync of '%s'", self.name)
        self._write_schema_message()
        mode = self._settings["mode"]
        storage = storage_for(self._settings["location"], self._settings.get("storage_options"))
        self._downloader = Downloader(
            session=self.run.session,
            storage=storage,
            options=Options(mode, self._settings.get("max_bytes")),
            path=self.path,
            scope=self.scope,
            conform=self.conform,
            observe=self.count_request,
        )
        self._fetches: deque[tuple[str, list[Future[Record]]]] = deque()
        self._pool = ThreadPoolExecutor(self._settings["concurrency"], thread_name_prefix=self.name)
        self._written = 0
        self._progress = progress
        if mode == "files":
            storage.prepare()
        try:
            with self.get_record_counter() as self._counter, self.get_sync_timer():
                yield
            self._pool.shutdown()
        except BaseException:
            self.run.stop.set()
            self._pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            storage.close()
        self.logger.info("Finished sync of '%s': %d rows", self.name, self._written)

    def begin(self, parent: Record) -> None:
        """Begin to fetch the files of one of the parent's records."""
        self._fetches.append((parent["id"], self._start(parent)))

    def _start(self, parent: Record) -> list[Future[Record]]:
        return [
            self._pool.submit(self._fetch, parent["id"], attachment_id, roles)
            for attachment_id, roles in self._attachments(parent).items()
        ]

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Yield the rows of one of the parent's records, waiting for its files.

        Args:
            context: The parent's record. Where `begin` left it out, its
                files are fetched now.
        """
        parent = dict(context or {})
        is_begun = self._fetches and self._fetches[0][0] == parent["id"]
        fetches = self._fetches.popleft()[1] if is_begun else self._start(parent)
        for fetch in fetches:
            yield fetch.result()

    def write_records(self, parent: Record) -> None:
        """Write the rows of a parent's record, waiting for its files."""
        for record in self.get_records(parent):
            if self._written == self.ABORT_AT_RECORD_COUNT:
                return
            self._write_record_message(record)
            self._written += 1
            self._counter.increment()
            if record["status"] == "downloaded":
                self._progress.file(record["file_size"] or 0)

    def _attachments(self, parent: Record) -> dict[str, list[str]]:
        """Return the distinct ids of a parent's record, each with its roles."""
        found: dict[str, list[str]] = {}
        for field, role in self.roles.items():
            if parent.get(field):
                found.setdefault(parent[field], []).append(role)
        return found

    def _fetch(self, parent_id: str, attachment_id: str, roles: list[str]) -> Record:
        what = f"stream {self.name}, attachment {attachment_id} of {parent_id}"
        record = self._downloader.fetch(attachment_id, what=what)
        self.logger.debug("%s: %s", what, record["status"])
        return record | {self.parent_key: parent_id, "id": attachment_id, "roles": roles}
