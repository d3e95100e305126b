"""What was asked of the fake."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Entry:
    """One request, and what became of it."""

    n: int
    host: str
    method: str
    path: str
    query: list[list[str]]
    headers: dict[str, str]
    # Seconds since 1970 on the fake's clock.
    started: float
    body: str = ""
    status: int | None = None
    ended: float | None = None


@dataclass
class RequestLog:
    """All requests since the last clearing, and how many overlapped."""

    entries: list[Entry] = field(default_factory=list)
    _in_flight: dict[str, int] = field(default_factory=dict)
    _most: dict[str, int] = field(default_factory=dict)

    def start(self, **facts: Any) -> Entry:
        """Note a request that has come in."""
        entry = Entry(n=len(self.entries) + 1, **facts)
        self.entries.append(entry)
        now = self._in_flight.get(entry.host, 0) + 1
        self._in_flight[entry.host] = now
        self._most[entry.host] = max(now, self._most.get(entry.host, 0))
        return entry

    def end(self, entry: Entry, ended: float) -> None:
        """Note that a request is over."""
        entry.ended = ended
        self._in_flight[entry.host] -= 1

    def clear(self) -> None:
        """Forget what was asked; requests under way still count as in flight."""
        self.entries.clear()
        self._most = dict(self._in_flight)

    def select(self, host: str | None = None, path: str | None = None) -> list[Entry]:
        """Return the entries of a host, or all, whose path matches a pattern."""
        return [
            entry
            for entry in self.entries
            if host in {None, entry.host} and (path is None or re.search(path, entry.path))
        ]

    def most(self, host: str) -> int:
        """Return how many requests of a host overlapped at most."""
        return self._most.get(host, 0)

    def as_dicts(self, host: str | None = None) -> list[dict[str, Any]]:
        """Return copies of the entries."""
        return [asdict(entry) for entry in self.select(host)]
