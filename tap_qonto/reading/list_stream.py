"""What the list streams of Qonto's API share; no fact of a single stream is here."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_qonto.errors import RefusedError, concerns_all
from tap_qonto.output.progress import Progress
from tap_qonto.reading.ahead import Ahead
from tap_qonto.reading.list_access import ListAccess
from tap_qonto.reading.list_sync import ListSync

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context

    from tap_qonto.errors import TapQontoError
    from tap_qonto.output.records import Record
    from tap_qonto.reading.followers import Follower


class QontoStream(ListAccess):
    """A list of the API; a subclass states its facts.

    Attributes:
        is_read: Whether this run has read all of it.
    """

    is_read = False

    @override  # type: ignore[misc] # the SDK has no hook for a stream that fails
    def sync(  # ty: ignore[override-of-final-method]
        self, context: Context | None = None
    ) -> None:
        """Read the list; a failure that concerns it alone waits until the others are read."""
        self._has_begun = True
        if self.out_of_reach:
            self.run.outcomes.forbid(self.outcome, self.out_of_reach)
            return
        with self.run.outcomes.of(self.outcome, was_read=self.was_read_before):
            self._check_method()
            super().sync(context)

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Yield records, in the order of the replication key where the list allows it.

        When a page's records and their files have been written, the bookmark moves
        and a STATE message goes out.
        """
        if self.is_full:
            for stream in self.written:
                stream.use_version(self._initialized_at)
        self._rows_read = 0
        progress = Progress(self.logger, self.outcome, [child.outcome for child in self.followers])
        self._sync = ListSync(self, progress)
        page = self.config["page_size"]
        most = min(page, self.ABORT_AT_RECORD_COUNT or page)
        with ExitStack() as stack:
            for child in self.followers:
                stack.enter_context(self.run.outcomes.beside(child.outcome))
                stack.enter_context(child.running())
            stack.callback(self._sync.note_bookmarks)
            self._ahead = Ahead(self.followers, self._is_wanted, self._leave_out, most)
            for step in self._ahead.steps(self._sync.steps()):
                if callable(step):
                    step()
                    if not self._is_batched:
                        self._tap.state_writer.write_state(self.tap_state)
                else:
                    yield step
                    progress.row()
                    self._rows_read += 1
        self.outcome.source_count = self._sync.count
        self.is_read = self._sync.is_all_read
        if self.is_full and not self._is_batched:
            self._activate()
        progress.report()

    @override
    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Write batches; what ends a table that is read whole comes after the last."""
        super()._sync_batches(batch_config, context)
        if self.is_full:
            self._activate()
            self._tap.state_writer.write_state(self.tap_state)

    def _activate(self) -> None:
        """Let targets drop what was deleted, once all that there is was written."""
        if not self._sync.is_all_read:
            self.logger.warning(
                "%s What was read was written; rows that were deleted in Qonto stay in the target "
                "until a run reads all of it.",
                self.outcome.reason,
            )
            return
        memory = self.memory(None)
        memory.check_rows(self._rows_read)
        for stream in self.written:
            stream.activate_version()
        memory.remember_rows(self._rows_read, self._sync.organization)

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

    def _leave_out(self, follower: Follower, failure: TapQontoError) -> None:
        """Go on without a follower that fails; its bookmark stays where it is.

        Raises:
            TapQontoError: There is nothing to go on for, or it is no matter of it alone.
        """
        self.followers.remove(follower)
        is_refused = isinstance(failure, RefusedError)
        is_alone = (is_refused or follower.fails_alone) and not concerns_all(failure)
        if not (is_alone and any(stream.is_emitted for stream in self.written)):
            self.run.outcomes.end(follower.outcome, failure)
            raise failure
        if is_refused:
            lost = failure if follower.was_read else None
            self.run.outcomes.forbid(follower.outcome, str(failure), lost)
        else:
            self.run.outcomes.fail(follower.outcome, failure)

    @cached_property
    def _is_batched(self) -> bool:
        """Whether records go to BATCH files, behind which the messages here run."""
        return self.get_batch_config(self.config) is not None
