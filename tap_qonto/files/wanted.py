"""A file that a row of the parent stream names, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tap_qonto.output.records import Record

GONE = frozenset({"failed", "missing"})
"""What the column `status` says of a file that could not be had."""


@dataclass(frozen=True)
class Wanted:
    """A file of a row of the parent stream.

    Attributes:
        parent_id: Key of the row.
        attachment_id: Id of the file.
        roles: What the file is to the row.
        digest: Hash of the row, by which a later run sees that it did not change; empty if
            only changed rows are read.
    """

    parent_id: str
    attachment_id: str
    roles: tuple[str, ...]
    digest: str = field(default="", compare=False)


class Found(NamedTuple):
    """What came of a file that was asked for.

    Attributes:
        records: Its rows, without the fields that the parent's row gives.
        is_settled: Whether later runs need not look for it again.
    """

    records: tuple[Record, ...]
    is_settled: bool
