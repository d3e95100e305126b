"""What every stream does differently from the SDK."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from singer_sdk import Stream, metrics
from singer_sdk.batch import Batcher
from singer_sdk.helpers._batch import SDKBatchMessage
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform
from typing_extensions import override

from tap_qonto.errors import DataError, keyless
from tap_qonto.output.records import Conformer, with_null_objects
from tap_qonto.output.selection import Selection
from tap_qonto.settings.authentication import way_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import requests
    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context

    from tap_qonto.output.messages import MessageWriter
    from tap_qonto.output.outcomes import Outcome
    from tap_qonto.output.records import Record
    from tap_qonto.run import Run, Running

NEW_FIELDS = "new_fields"
MOST_NEW_FIELDS = 50
"""Fields that a state remembers for each stream, and a run tells."""


class BaseStream(Stream):
    """A stream whose records conform to its schema before the SDK sees them.

    Attributes:
        path: Path below the host that its facts come from.
        scope: OAuth scope that it needs; "" for none.
        access: Whether an API key can read it: "any", "oauth" for OAuth alone, or
            "unsure" where sources disagree.
        never_emitted: Fields that go nowhere, such as addresses that whoever has them
            can open; dotted names, lists are passed through.
        personal: Columns with data about people, for the documents.
    """

    path: ClassVar[str]
    scope: ClassVar[str] = ""
    access: ClassVar[Literal["any", "oauth", "unsure"]] = "any"
    never_emitted: ClassVar[frozenset[str]] = frozenset()
    personal: ClassVar[frozenset[str]] = frozenset()

    # The conformer does this once, for a shape that it knows.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    @property
    def run(self) -> Run:
        """What the streams of this run share."""
        return cast("Running", self._tap).run

    @cached_property
    def conform(self) -> Conformer:
        """Makes rows conform to the schema."""
        return Conformer(self.schema, self.never_emitted)

    @cached_property
    def outcome(self) -> Outcome:
        """What this run does for the stream."""
        outcome = self.run.outcomes[self.name]
        outcome.is_emitted = self.is_emitted
        return outcome

    def tell(self, words: str) -> None:
        """Warn of what is missing although the rest is there, in the log and in `sync_log`."""
        self.logger.warning("%s", words)
        self.outcome.note(words)

    def warn_once(self, words: str, *facts: object) -> None:
        """Log a warning, which may concern each of many parts, once in a run."""
        told = words % facts
        if told not in self._told:
            self._told.add(told)
            self.logger.warning("%s", told)

    @cached_property
    def _told(self) -> set[str]:
        return set()

    @property
    def state_entry(self) -> dict[str, Any]:
        """What the state says of this stream; changed in place."""
        bookmarks = cast("dict[str, Any]", self.tap_state).setdefault("bookmarks", {})
        entry: dict[str, Any] = bookmarks.setdefault(self.name, {})
        return entry

    def _tell_new_fields(self) -> None:
        """Take down what goes to `extra_fields`, and tell each field once, over all runs."""
        news = self.conform.news
        while news:
            self._tell_new_field(news.pop(0))

    def _tell_new_field(self, path: str) -> None:
        if path in self.outcome.new_fields or len(self.outcome.new_fields) == MOST_NEW_FIELDS:
            return
        self.outcome.new_fields.add(path)
        told = self.state_entry.setdefault(NEW_FIELDS, [])
        if path in told:
            return
        told.append(path)
        del told[:-MOST_NEW_FIELDS]
        self.logger.warning(
            "%s has the field %s, which this version of tap-qonto does not know, or not with such "
            "values. It is in the column extra_fields; a newer version may have a column for it.",
            self.name,
            path if path.isprintable() else repr(path),
        )

    def count_request(self, response: requests.Response, waited: float) -> None:
        """Count an API call that was answered, and write its metric to the log, at DEBUG.

        Args:
            response: The answer.
            waited: Seconds that the request waited for the rate limit.
        """
        self.outcome.call(waited)
        tags: dict[str, Any] = {
            metrics.Tag.STREAM: self.name,
            metrics.Tag.ENDPOINT: self.path,
            metrics.Tag.HTTP_STATUS_CODE: response.status_code,
        }
        point = metrics.Point(
            "timer",
            metric=metrics.Metric.HTTP_REQUEST_DURATION,
            value=response.elapsed.total_seconds(),
            tags=tags,
        )
        # As `metrics.log` does, but for its level: a line for each page is enough.
        self.metrics_logger.debug("METRIC: %s", point)

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Keep the SDK from sending ACTIVATE_VERSION before the rows.

        A target that obeys would show an empty table until all rows are there, and
        for good if the run is killed. `activate_version` sends it after the last row.
        """
        return False

    @property
    def _has_key(self) -> bool:
        return way_of(self.config) == "API key"

    @property
    def _may_refuse_keys(self) -> bool:
        """Whether a 401 can be about the list, and not about the credential."""
        return self.access == "unsure" and self._has_key

    @property
    def is_emitted(self) -> bool:
        """Whether it is selected, and a stream map leaves something of it."""
        return self.selected and self.is_mapped

    @property
    def is_mapped(self) -> bool:
        """Whether a stream map leaves something of it."""
        return not all(isinstance(each, RemoveRecordTransform) for each in self.stream_maps)

    def use_version(self, version: int) -> None:
        """Give the records that follow a version, of a table that is read whole."""
        self._stream_version = version

    def activate_version(self) -> None:
        """Say that the whole table is there, so that targets drop what it lacks."""
        if self.selected and self._stream_version is not None:
            self._write_activate_version_message(self._stream_version)

    def map_error(self, record: Record, error: Exception) -> DataError:
        """Return an error that says where a stream map failed, without a value of the row."""
        keys = ", ".join(str(record.get(key)) for key in self.primary_keys)
        cause = type(error.__cause__ or error).__name__
        msg = (
            f"An expression of stream_maps for {self.name} failed with {cause} for the row "
            f"{keys}. Change it so that it can take this row: a field can be null, and one "
            "that is deselected is not there."
        )
        return DataError(msg)

    @cached_property
    def _flattening_depth(self) -> int:
        enabled = self.config.get("flattening_enabled")
        return int(self.config.get("flattening_max_depth") or 0) if enabled else 0

    @cached_property
    def _selection(self) -> Selection:
        return Selection(self.schema, self._selected_schema)

    @property
    def _selected_schema(self) -> dict[str, Any]:
        return self.stream_maps[0].raw_schema

    @override
    def _write_record_message(self, record: Record) -> None:
        for key in self._joint_keys:
            if record.get(key) is None:
                which = f" of {self.name}"
                raise keyless(which, key)
        now = datetime.now(timezone.utc)
        for alias, mapped in self._mapped(record):
            self._writer.write_record(alias, mapped, self._stream_version, now)
        self.state_manager.is_flushed = False

    @cached_property
    def _joint_keys(self) -> Sequence[str]:
        """Its keys, where no single one tells rows apart."""
        return self.primary_keys if len(self.primary_keys) > 1 else ()

    @cached_property
    def _writer(self) -> MessageWriter:
        return cast("MessageWriter", self._tap.message_writer)

    def _mapped(self, record: Record) -> Generator[tuple[str, Record], None, None]:
        """Map a record; unlike the SDK, leave the record itself as it is.

        Yields:
            Names of streams, and what is written to them.

        Raises:
            DataError: A stream map failed.
        """
        selected = self._selection(record)
        if self._flattening_depth:
            selected = with_null_objects(selected, self._selected_schema, self._flattening_depth)
        if self.conform.news:
            self._tell_new_fields()
        is_counted = False
        for stream_map in self.stream_maps:
            try:
                mapped = stream_map.transform(selected)
            except Exception as error:
                raise self.map_error(record, error) from error
            if mapped is not None:
                if not is_counted:
                    self.outcome.rows += 1
                    is_counted = True
                yield stream_map.stream_alias, mapped

    @override
    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Write to batch files what messages would hold, and a BATCH message for each.

        The SDK writes records as they are before deselection, stream maps and flattening.
        """
        records = self._sync_records(context, write_messages=False)
        written = copy.deepcopy(self.tap_state)
        try:
            while chunk := list(islice(records, batch_config.batch_size)):
                self._write_batches(chunk, batch_config)
                self._write_state_message()
                written = copy.deepcopy(self.tap_state)
        except BaseException:
            # The bookmark is ahead of what was written, and other streams write the state.
            state = cast("dict[str, Any]", self.tap_state)
            state.clear()
            state.update(written)
            raise
        self.state_manager.is_flushed = False
        self._write_state_message()

    def _write_batches(self, records: list[Record], batch_config: BatchConfig) -> None:
        mapped: dict[str, list[Record]] = {}
        for record in records:
            for alias, row in self._mapped(record):
                mapped.setdefault(alias, []).append(row)
        for alias, rows in mapped.items():
            for manifest in Batcher(self.tap_name, alias, batch_config).get_batches(iter(rows)):
                encoding = batch_config.encoding
                self._tap.write_message(
                    SDKBatchMessage(stream=alias, encoding=encoding, manifest=manifest)
                )
        self.state_manager.is_flushed = False
