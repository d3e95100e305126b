"""Sealed copies of files, which prove when they were stored (`probative_attachment`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_qonto.files.sources import NotThereError
from tap_qonto.files.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_qonto.files.sources import Facts, Source
    from tap_qonto.output.records import Record

AVAILABLE, PENDING = "available", "pending"
_COPY = "probative_attachment"


def status_of(facts: Mapping[str, Any]) -> str | None:
    """Return the status of a file's sealed copy, from the file's facts or its record."""
    copy = facts.get(_COPY)
    return copy.get("status") if isinstance(copy, dict) else None


def copy_of(wanted: Wanted, record: Record) -> Wanted:
    """Return the sealed copy of a file as a file of its own, with an id that no attachment has."""
    key = f"{wanted.attachment_id}.sealed"
    return Wanted(wanted.parent_id, key, ("sealed",), record["sha256"] or "")


class SealedCopy:
    """Gives the facts of the sealed copy of one file.

    Args:
        source: Gives the facts of the file.
        wanted: The file.
        facts: What was given of it; the address of the copy in it is used once.
    """

    def __init__(self, source: Source, wanted: Wanted, facts: Facts) -> None:
        """Ask for nothing yet."""
        self._source = source
        self._wanted = wanted
        self._brought: Facts | None = facts

    def facts(self, wanted: Wanted, what: str) -> Facts:  # noqa: ARG002 - it is the one copy
        """Return the facts of the copy, each address once; see `Source`."""
        facts, self._brought = self._brought, None
        if not (facts and (facts.get(_COPY) or {}).get("url")):
            # Transactions bring the status alone.
            facts = self._source.facts(self._wanted, what)
        if status_of(facts) != AVAILABLE:
            raise NotThereError(what)
        return {**facts[_COPY], "created_at": facts.get("created_at")}

    def bring(self, parent_id: str, files: Mapping[str, Facts] | None) -> None:
        """Take nothing: the source of the file does."""

    def forget(self, parent_id: str) -> None:
        """Forget nothing."""
