"""The log of all runs, as a table: how fresh and how complete the other tables are."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th
from typing_extensions import override

from tap_qonto import timestamps
from tap_qonto.base_stream import BaseStream
from tap_qonto.streams.shapes import INTEGER, MOMENT, NUMBER, TEXT, TEXTS, column, key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from singer_sdk.helpers.types import Context

    from tap_qonto.output.outcomes import Outcome
    from tap_qonto.output.records import Record


class SyncLog(BaseStream):
    """How each selected stream ended in each run; a run that was killed lacks rows."""

    name = "sync_log"
    primary_keys: ClassVar[tuple[str, ...]] = ("run_id", "stream")

    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        key("run_id", "Id of the run."),
        key("stream", "Name of the stream."),
        column("started_at", MOMENT, "When the stream began, UTC, by the tap's clock."),
        column("ended_at", MOMENT, "When the stream ended, UTC, by the tap's clock."),
        column(
            "status",
            TEXT,
            "complete, forbidden (Qonto does not let the credential read it), or failed.",
        ),
        column("reason", TEXT, "Why not complete, or what was left out; null if nothing was."),
        column("rows", INTEGER, "Rows that were written."),
        column("files", INTEGER, "Files that were downloaded; those already stored do not count."),
        column("bytes", INTEGER, "Bytes of the downloaded files."),
        column("calls", INTEGER, "API requests that Qonto answered."),
        column(
            "seconds_waited",
            NUMBER,
            "Seconds that requests waited for the rate limit, summed over all of them.",
        ),
        column(
            "source_count",
            INTEGER,
            "Rows in the whole list at the end, without filters, as Qonto counts them; null if "
            "Qonto gives no count.",
        ),
        column(
            "bookmark",
            MOMENT,
            "Changes up to this time were read, UTC; of several accounts with rows the earliest. "
            "Null if the list is read whole, or has no rows.",
        ),
        column(
            "new_fields",
            TEXTS,
            "Fields that went to `extra_fields` in this run, by dotted path.",
        ),
        column("tap_version", TEXT, "Version of tap-qonto."),
    ).to_dict()

    @cached_property
    def _version(self) -> str:
        return version("tap-qonto")

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Return none: rows are written when the other streams end."""
        return ()

    @override  # type: ignore[misc] # the SDK has no hook for rows that come from other streams
    def sync(  # ty: ignore[override-of-final-method]
        self, context: Context | None = None
    ) -> None:
        """Write the SCHEMA message; from here on, each stream that ends is a row."""
        if self.is_mapped:
            self._write_schema_message()
            self.run.outcomes.on_end = self._write

    def _write(self, outcome: Outcome) -> None:
        row: Record = {
            "run_id": self.run.id,
            "stream": outcome.stream,
            "started_at": _shown(outcome.started_at),
            "ended_at": _shown(outcome.ended_at),
            "status": outcome.status,
            "reason": outcome.reason,
            "rows": outcome.rows,
            "files": outcome.files,
            "bytes": outcome.bytes,
            "calls": outcome.calls,
            "seconds_waited": round(outcome.seconds_waited, 3),
            "source_count": outcome.source_count,
            "bookmark": outcome.bookmark,
            "new_fields": sorted(outcome.new_fields),
            "tap_version": self._version,
        }
        if batch_config := self.get_batch_config(self.config):
            self._write_batches([row], batch_config)
        else:
            self._write_record_message(row)


def _shown(moment: datetime | None) -> str | None:
    return timestamps.show(moment) if moment else None
