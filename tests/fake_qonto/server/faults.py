"""Faults on demand: which request meets which fault."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random
from typing import Any

HOSTS = ("api", "files", "oauth")
KINDS = (
    "status", "delay", "reset", "close", "cut_body", "short_json", "wrong_length",
    "expired", "html", "redirect", "raw", "trickle",
)  # fmt: skip


@dataclass
class Fault:
    """What goes wrong, where and how often."""

    id: int
    kind: str
    host: str = "api"
    path: str | None = None
    # It strikes pages alone that are asked for with more rows than this.
    rows: int | None = None
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    status: int = 503
    retry_after: str | None = None
    delay: float = 0.0
    body: str | None = None
    content_type: str | None = None
    bytes: int | None = None
    location: str | None = None
    met: int = field(default=0, init=False)
    done: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Check what is chosen from a list.

        Raises:
            ValueError: No such kind or host.
        """
        if self.kind not in KINDS or self.host not in HOSTS:
            message = f"no fault {self.kind!r} on host {self.host!r}: {KINDS}, {HOSTS}"
            raise ValueError(message)

    def strikes(self, host: str, path: str, rows: int, random: Random) -> bool:
        """Tell whether a request meets this fault, and count it."""
        if self.rows is not None and rows <= self.rows:
            return False
        if host != self.host or (self.path is not None and not re.search(self.path, path)):
            return False
        self.met += 1
        if self.met <= self.after or (self.times is not None and self.done >= self.times):
            return False
        if self.probability < 1 and random.random() >= self.probability:
            return False
        self.done += 1
        return True


class FaultBook:
    """The faults that are set."""

    def __init__(self, seed: int) -> None:
        """Start without faults; the seed decides about those with a probability."""
        self._faults: list[Fault] = []
        self._random = Random(seed)  # noqa: S311 - repeatable faults, no secrets
        self._last_id = 0

    def add(self, kind: str, **facts: Any) -> int:
        """Set a fault and return its id."""
        self._last_id += 1
        self._faults.append(Fault(self._last_id, kind, **facts))
        return self._last_id

    def clear(self) -> None:
        """Take all faults away."""
        self._faults.clear()

    def pick(self, host: str, path: str, rows: int = 0) -> Fault | None:
        """Return the first fault that a request for so many rows meets; earlier ones go first."""
        for fault in self._faults:
            if fault.strikes(host, path, rows, self._random):
                return fault
        return None
