"""What the tap does otherwise than the SDK for the rows of every stream."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Stream, metrics
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

from tap_qonto.output.records import Conformer, with_null_objects

if TYPE_CHECKING:
    from collections.abc import Generator

    import requests
    from singer_sdk.singerlib import Catalog

    from tap_qonto.output.records import Record
    from tap_qonto.run import Run, Running


class BaseStream(Stream):
    """A stream whose records conform to its schema before the SDK sees them.

    Attributes:
        path: Path below the host that its facts come from.
    """

    path: ClassVar[str]

    # The conformer does this once, for a shape that it knows.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    @property
    def run(self) -> Run:
        """What the streams of this run share."""
        return cast("Running", self._tap).run

    @cached_property
    def conform(self) -> Conformer:
        """Makes rows conform to the schema."""
        return Conformer(self.schema)

    def count_request(self, response: requests.Response) -> None:
        """Write the metric of an API call to the log, at level DEBUG."""
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
    def is_emitted(self) -> bool:
        """Whether it is selected, and a stream map leaves something of it."""
        return self.selected and self.is_mapped

    @property
    def is_mapped(self) -> bool:
        """Whether a stream map leaves something of it."""
        return not all(isinstance(each, RemoveRecordTransform) for each in self.stream_maps)

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take the selection from a catalog; the keys are facts of the API.

        The SDK would take a catalog that leaves them out as one that removes them.
        """
        super().apply_catalog(catalog)
        # What the SDK has set on the instance hides what the class states.
        vars(self).pop("primary_keys", None)
        vars(self).pop("replication_key", None)

    def use_version(self, version: int) -> None:
        """Give the records that follow a version, of a table that is read whole."""
        self._stream_version = version

    def activate_version(self) -> None:
        """Say that the whole table is there, so that targets drop what it lacks."""
        if self.selected and self._stream_version is not None:
            self._write_activate_version_message(self._stream_version)

    @cached_property
    def _flattening_depth(self) -> int:
        enabled = self.config.get("flattening_enabled")
        return int(self.config.get("flattening_max_depth") or 0) if enabled else 0

    @cached_property
    def _is_whole(self) -> bool:
        return all(self.mask.values())

    @override
    def _generate_record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        """Skip the SDK's walk through each record when no property is deselected."""
        if self._flattening_depth:
            record = with_null_objects(record, self.schema, self._flattening_depth)
        if not self._is_whole:
            yield from super()._generate_record_messages(record)
            return
        now = datetime.now(timezone.utc)
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is not None:
                yield RecordMessage(
                    stream=stream_map.stream_alias,
                    record=mapped,
                    version=self._stream_version,
                    time_extracted=now,
                )
