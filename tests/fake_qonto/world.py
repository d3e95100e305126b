"""Everything that the fake is at one moment, under one lock."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from .answers import json_bytes
from .clock import UTC, Clock
from .faults import FaultBook
from .limits import RateLimiter
from .rendering import serve_invoice
from .requestlog import Entry, RequestLog
from .seeding import Plan
from .settings import Settings
from .signing import Signer
from .store import Store
from .tokens import TokenBook

if TYPE_CHECKING:
    from collections.abc import Callable

    Operation = dict[str, Any] | Callable[[], object]

# Some 2.4 KB each.
MOST_SERVED = 200_000
LIST_PATH = "/v2/supplier_invoices"
TODAY = "2025-06-30"
"""The day around which the data lies unless told otherwise, the same on any date; past, so
that all of it is readable."""


@dataclass(frozen=True)
class Credentials:
    """Who may ask, the same over every reset."""

    login: str = "acme-corp-1234"
    secret_key: str = "7c1f0a52d9e84b6f"
    client_id: str = "fake-client"
    client_secret: str = "fake-client-secret"


@dataclass
class Trigger:
    """Operations that wait for a number of API requests to be answered."""

    left: int
    operations: list[Operation]


class World:
    """Data, settings, faults, log and tokens of one fake."""

    def __init__(self, seed: int = 1, invoices: int = 200, today: str = TODAY) -> None:
        """Seed the world as ``reset`` does."""
        # Re-entrant: hooks that run within a request may call the control methods.
        self.lock = threading.RLock()
        self.credentials = Credentials()
        self.files_url = ""
        self.reset(seed, invoices, today)

    def reset(self, seed: int, invoices: int, today: str) -> None:
        """Make everything new."""
        self.clock = Clock()
        self.settings = Settings()
        day = date.fromisoformat(str(today))
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        self.store = Store(Plan(seed, invoices, midnight))
        self.faults = FaultBook(seed)
        self.log = RequestLog()
        self.limiter = RateLimiter()
        self.signer = Signer()
        self.tokens = TokenBook()
        self.tokens.clients[self.credentials.client_id] = self.credentials.client_secret
        self.on_request: Callable[[dict[str, Any]], object] | None = None
        self.triggers: list[Trigger] = []
        self.edits_per_request = 0
        self.lists_seen = 0
        self.random = Random(seed + 2)  # noqa: S311 - repeatable edits, no secrets

    def now(self) -> datetime:
        """Return the fake's time."""
        return self.clock.now()

    def invoice_json(self, invoice_id: str) -> bytes:
        """Return an invoice as the API serves it."""
        served = self.store.served
        if invoice_id not in served:
            if len(served) >= MOST_SERVED:
                served.clear()
            row = serve_invoice(self.store.row(invoice_id), self.settings)
            served[invoice_id] = json_bytes(row)
        return served[invoice_id]

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Turn knobs."""
        self.settings.update(changes)
        self.store.served.clear()

    def before_api_request(self, entry: Entry) -> None:
        """Do what tests want done before an API request is evaluated."""
        if self.on_request is not None:
            self.on_request(vars(entry).copy())
        if entry.path != LIST_PATH:
            return
        self.lists_seen += 1
        if self.lists_seen > 1 and len(self.store):
            for _ in range(self.edits_per_request):
                self.edit_at_random()

    def edit_at_random(self) -> None:
        """Change one of the invoices, any of them."""
        note = f"edited {self.random.getrandbits(32):08x}"
        self.store.edit(self.store.random_id(self.random), {"description": note}, self.now())

    def due_operations(self) -> list[Operation]:
        """Count an API request as answered; return the operations that waited for it."""
        for trigger in self.triggers:
            trigger.left -= 1
        due = [trigger for trigger in self.triggers if trigger.left <= 0]
        self.triggers = [trigger for trigger in self.triggers if trigger.left > 0]
        return [operation for trigger in due for operation in trigger.operations]
