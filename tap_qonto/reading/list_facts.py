"""The facts of a list stream, and what the SDK is told of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
)
from typing_extensions import override

from tap_qonto.base_stream import BaseStream
from tap_qonto.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog

    from tap_qonto.output.records import Record
    from tap_qonto.reading.pages import Row
    from tap_qonto.reading.ways import Way


class ListFacts(BaseStream):
    """What a list stream states: name, keys, schema, and these.

    A stream without a replication key is read whole in each run.

    Attributes:
        path: Path of the list below the host.
        collection: Key of the rows in the answer, or of the only one; "" where the
            answer is itself the row.
        also_named: Other keys that its answers were seen with.
        null_is_empty: Whether Qonto may send null in place of the rows, where there are
            none. Anywhere else null is a damaged answer: a target that takes it for an
            empty list drops all rows.
        scope: OAuth scope that the list needs.
        ways: How it is read; a later one where Qonto refuses the one before.
        params: Parameters of each request.
        row_key: The field that tells rows apart.
        smallest_page: Rows of the smallest page that the list gives.
        single: Path of a row, with ``{id}`` in it, and its key in the answer, where Qonto
            completes rows some time after; see `awaits`.
        partition_key: The parameter that Qonto demands to choose a part of the list,
            if any; see `partition_values`.
        filter_setting: Name of the setting that holds filters of the list, if any.
        top_level_filters: Filters that the API takes outside of ``filter[…]``.
    """

    path: ClassVar[str]
    collection: ClassVar[str]
    also_named: ClassVar[tuple[str, ...]] = ()
    null_is_empty: ClassVar[bool] = False
    scope: ClassVar[str]
    ways: ClassVar[tuple[Way, ...]]
    params: ClassVar[tuple[tuple[str, str], ...]] = ()
    row_key: ClassVar[str] = "id"
    smallest_page: ClassVar[int] = 1
    single: ClassVar[tuple[str, str] | None] = None
    partition_key: ClassVar[str | None] = None
    filter_setting: ClassVar[str | None] = None
    top_level_filters: ClassVar[frozenset[str]] = frozenset()

    # Partitions are read here, in one go.
    partitions = None

    def prepare(self, row: Row) -> Row:
        """Change a row before it is looked at; for quirks of an endpoint."""
        return row

    def awaits(self, row: Row) -> bool:  # noqa: ARG002 - for subclasses
        """Tell whether Qonto is to complete a row, without a new `updated_at`."""
        return False

    def partition_values(self) -> Iterable[str]:
        """Return the values of `partition_key`, for each of which the list is read."""
        return ()

    def further_rows(self) -> Iterable[Row]:
        """Return rows that the list lacks, and another endpoint has."""
        return ()

    @property
    @override
    def is_sorted(self) -> bool:
        """Whether a killed run can be resumed, as the SDK calls it; rows may be unsorted."""
        return self.replication_key is not None

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take the replication method from a catalog, too.

        Raises:
            ConfigError: The catalog asks for a method that there is not.
        """
        super().apply_catalog(catalog)
        entry = catalog.get_stream(self.name)
        if entry is None:
            return
        forced = entry.metadata.root.forced_replication_method
        method = forced or entry.replication_method or self.replication_method
        if method not in {REPLICATION_INCREMENTAL, REPLICATION_FULL_TABLE}:
            msg = (
                f"The catalog asks for replication method {method} of {self.name}; "
                "there are INCREMENTAL and FULL_TABLE."
            )
            raise ConfigError(msg)
        # `*.replication-method: INCREMENTAL` means the streams that have a key for it.
        self.forced_replication_method = method if self.replication_key else None

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log; but the SDK's word of an error goes to DEBUG, since its sentence follows."""
        if level >= logging.ERROR:
            level = logging.DEBUG
        super().log(message, *args, level=level, **kwargs)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Use none: the window is closed in the query."""

    @override
    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Leave the bookmark to `get_records`.

        The SDK would move it back at a row of the lookback, and past rows of the
        same second that are still to come.
        """

    @property
    def out_of_reach(self) -> str | None:
        """Why it is not asked for, where it is known beforehand that Qonto would refuse."""
        if self.access != "oauth" or not self._has_key:
            return None
        return (
            "Qonto gives it to OAuth apps alone, not to an API key. Set up OAuth as the "
            "documentation says, or deselect the stream."
        )

    def _check_method(self) -> None:
        """See that nothing is hidden from a table that is read whole.

        Raises:
            ConfigError: Targets would drop all that the settings leave out.
        """
        names = [self.filter_setting] if self.filter_setting else []
        if self.replication_key:
            names += ["start_date", "end_date"]
        hiding = [name for name in names if self.config.get(name)]
        if self.is_full and hiding:
            msg = (
                f"{self.name} is to be read whole (FULL_TABLE), and {' and '.join(hiding)} "
                "would hide rows, which targets then drop. Remove the setting, or read the "
                "stream incrementally; to keep only some rows, use a __filter__ in "
                "stream_maps."
            )
            raise ConfigError(msg)

    @property
    def is_full(self) -> bool:
        """Whether it is read whole in each run."""
        return self.replication_method == REPLICATION_FULL_TABLE

    @property
    def _filters(self) -> Mapping[str, Any]:
        return self.config.get(self.filter_setting or "") or {}
