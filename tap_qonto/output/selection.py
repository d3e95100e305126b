"""What of a record is written, where properties are deselected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_qonto.output.records import Record

    _Drops = dict[str, Any]
    """Names to leave out: with None all of it, else the names inside it."""


class Selection:
    """Leaves out of records what the SCHEMA message lacks.

    Args:
        full: JSON schema of the records.
        selected: The part of it that is selected.
    """

    def __init__(self, full: Mapping[str, Any], selected: Mapping[str, Any]) -> None:
        """Compare the two."""
        self._drops = _drops(full, selected)

    def __call__(self, record: Record) -> Record:
        """Return what is selected of a record, which stays as it is."""
        selected: Record = _without(record, self._drops) if self._drops else record
        return selected


def _drops(full: Mapping[str, Any], selected: Mapping[str, Any]) -> _Drops:
    drops: _Drops = {}
    while "items" in full:
        full, selected = full["items"], selected.get("items", {})
    for name, shape in full.get("properties", {}).items():
        if name not in selected.get("properties", {name: {}}):
            drops[name] = None
        elif inner := _drops(shape, selected.get("properties", {}).get(name, {})):
            drops[name] = inner
    return drops


def _without(value: Any, drops: _Drops) -> Any:
    if isinstance(value, dict):
        return {
            name: _without(inner, drops[name]) if name in drops else inner
            for name, inner in value.items()
            if drops.get(name, drops) is not None
        }
    return [_without(item, drops) for item in value] if isinstance(value, list) else value
