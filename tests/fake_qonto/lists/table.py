"""The rows of one list: seeded ones, what tests changed in them, and sorted indexes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sortedcontainers import SortedList  # type: ignore[import-untyped]

from tests.fake_qonto.clock import as_instant
from tests.fake_qonto.lists.window import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from random import Random

    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.lists.facts import Endpoint, Source

# Some 8 KB each.
MOST_MADE = 5_000


class NotHereError(KeyError):
    """No such object, or it was deleted."""


class Table:
    """Rows, found by key and in the order of an instant; seeded ones are made when asked for."""

    def __init__(self, facts: Endpoint, source: Source, random: Random) -> None:
        """Take in what is seeded."""
        self.facts = facts
        self.source = source
        self._random = random
        self._rows: dict[str, Row] = {}
        # Seeded rows that were asked for: filters look at all rows of a small world.
        self._made: dict[str, Row] = {}
        # Rows as they were last served: settings and edits make these invalid.
        self.served: dict[str, bytes] = {}
        self.stamps: dict[str, tuple[Any, ...]] = dict(source.heads())
        self._places = {key: place for place, key in enumerate(self.stamps)}
        self._indexes: dict[tuple[str, str | None], Any] = {}

    def __contains__(self, key: str) -> bool:
        """Tell whether a row exists."""
        return key in self.stamps

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.stamps)

    def keys(self, partition: str | None = None) -> list[str]:
        """Return the keys of all rows, or of those of a partition, as they were added."""
        if partition is None:
            return list(self.stamps)
        return [key for key in self.stamps if self._partition(key) == partition]

    def sorted_keys(self) -> list[str]:
        """Return the keys by (updated_at, key), or as they were added."""
        if "updated_at" in self.facts.places:
            return [key for _, key in self.index("updated_at", None)]
        return list(self.stamps)

    def index(self, name: str, partition: str | None) -> Any:
        """Return the sorted (instant, key) of an indexed field; it is made when asked for."""
        index = self._indexes.get((name, partition))
        if index is None:
            place = self.facts.places[name]
            keys = self.keys(partition)
            index = SortedList((self.stamps[key][place], key) for key in keys)
            self._indexes[name, partition] = index
        return index

    def _partition(self, key: str) -> str | None:
        name = self.facts.partition
        if name is None:
            return None
        if name in self.facts.places:
            return str(self.stamps[key][self.facts.places[name]])
        return str(self.row(key).get(name))

    def row(self, key: str) -> Row:
        """Return a row; the caller does not change it."""
        known = self._rows.get(key) or self._made.get(key)
        if known is not None:
            return known
        if key not in self.stamps:
            raise NotHereError(key)
        row = self.source.row(key)
        if len(self._made) < MOST_MADE:
            self._made[key] = row
        return row

    def sort_value(self, key: str, name: str) -> Any:
        """Return what a row is sorted by; nulls come last when ascending."""
        if name == "_place":
            return self._places[key]
        if name in self.facts.places:
            return self.stamps[key][self.facts.places[name]]
        if name in self.facts.derived:
            return self.facts.derived[name](self.row(key))
        value = self.row(key).get(name)
        if isinstance(value, dict):
            value = Decimal(str(value["value"]))
        if value is None:
            return (1, 0)
        return (0, value.casefold() if isinstance(value, str) else value)

    def add(self, rows: Iterable[Mapping[str, Any]], now: datetime) -> list[str]:
        """Add rows.

        Args:
            rows: What is to differ from plausible rows.
            now: The default for their instants.

        Returns:
            Their keys.
        """
        added: list[str] = []
        for fields in rows:
            row = self.source.new(fields, now, self._random)
            key = key_of(row)
            if key in self.stamps:
                message = f"there is a row {key} in {self.facts.name} already"
                raise ValueError(message)
            self._keep(key, row)
            added.append(key)
        for (name, partition), index in self._indexes.items():
            place = self.facts.places[name]
            index.update(
                (self.stamps[key][place], key)
                for key in added
                if partition in {None, self._partition(key)}
            )
        return added

    def edit(self, key: str, fields: Mapping[str, Any], now: datetime) -> None:
        """Set fields of a row; ``updated_at``, if it has one, becomes now unless it is given."""
        row = dict(self.row(key)) | dict(fields)
        if row.get("updated_at") is not None and "updated_at" not in fields:
            row["updated_at"] = now
        self._unindex(key)
        self._keep(key, row)
        for (name, partition), index in self._indexes.items():
            if partition in {None, self._partition(key)}:
                index.add((self.stamps[key][self.facts.places[name]], key))

    def delete(self, key: str) -> None:
        """Remove a row without a trace."""
        if key not in self.stamps:
            raise NotHereError(key)
        self._unindex(key)
        del self.stamps[key]
        self._rows.pop(key, None)

    def forget_served(self, key: str) -> None:
        """Write a row anew when it is next served."""
        self.served.pop(key, None)

    def _keep(self, key: str, row: Row) -> None:
        for name in self.facts.indexed:
            if name.endswith("_at") and row.get(name):
                row[name] = as_instant(row[name])
        self._rows[key] = row
        self._places.setdefault(key, len(self._places))
        self.stamps[key] = head_of(row, self.facts.indexed)

    def _unindex(self, key: str) -> None:
        self._made.pop(key, None)
        self.served.pop(key, None)
        for (name, _), index in self._indexes.items():
            index.discard((self.stamps[key][self.facts.places[name]], key))

    def random_key(self, random: Random) -> str:
        """Draw one of the existing rows."""
        if "created_at" in self.facts.places:
            index = self.index("created_at", None)
            return str(index[random.randrange(len(index))][1])
        return random.choice(list(self.stamps))


def key_of(row: Row) -> str:
    """Return the key of a row: its id, or what stands in for one."""
    return str(row.get("_key") or row["id"])


def head_of(row: Row, indexed: Iterable[str]) -> tuple[Any, ...]:
    """Return the values of a row that indexes know."""
    return tuple(NEVER if (value := row.get(name)) in (None, "") else value for name in indexed)
