"""Everything that the fake is at one moment, under one lock."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.clock import UTC, Clock
from tests.fake_qonto.data.plan import Plan
from tests.fake_qonto.endpoints import ENDPOINTS
from tests.fake_qonto.files.contents import pdf
from tests.fake_qonto.files.signing import Signer
from tests.fake_qonto.files.store import FileStore
from tests.fake_qonto.lists.rendering import serve_row
from tests.fake_qonto.lists.table import Table
from tests.fake_qonto.oauth.tokens import TokenBook
from tests.fake_qonto.server.answers import json_bytes
from tests.fake_qonto.server.faults import FaultBook
from tests.fake_qonto.server.limits import RateLimiter
from tests.fake_qonto.server.requestlog import Entry, RequestLog
from tests.fake_qonto.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fake_qonto.data.records import Attachment, Row
    from tests.fake_qonto.lists.facts import Endpoint
    from tests.fake_qonto.lists.reader import Params

    Operation = dict[str, Any] | Callable[[], object]

# Some 2.4 KB each.
MOST_SERVED = 200_000
INVOICES = "supplier_invoices"
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
        self.reset(seed, {INVOICES: invoices}, today)

    def reset(self, seed: int, rows: dict[str, int], today: str) -> None:
        """Make everything new, with so many rows in these lists."""
        self.clock = Clock()
        self.settings = Settings()
        day = date.fromisoformat(str(today))
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        self.facts: dict[str, Endpoint] = {facts.name: facts for facts in ENDPOINTS}
        counts = {name: facts.rows for name, facts in self.facts.items()}
        if unknown := rows.keys() - counts.keys():
            message = f"there are no lists {', '.join(sorted(unknown))}"
            raise ValueError(message)
        self.plan = Plan(seed, counts | rows, midnight)
        self._tables: dict[str, Table] = {}
        self.files = FileStore(self._seeded_file)
        self.made_files: dict[str, list[bytes]] = {}
        self.faults = FaultBook(seed)
        self.log = RequestLog()
        self.limiter = RateLimiter()
        self.signer = Signer()
        self.tokens = TokenBook()
        self.tokens.clients[self.credentials.client_id] = self.credentials.client_secret
        self.on_request: Callable[[dict[str, Any]], object] | None = None
        self.triggers: list[Trigger] = []
        self.edits_per_request = 0
        self.edited = INVOICES
        self.lists_seen = 0
        self.random = Random(seed + 2)  # noqa: S311 - repeatable edits, no secrets

    def now(self) -> datetime:
        """Return the fake's time."""
        return self.clock.now()

    def table(self, name: str) -> Table:
        """Return the rows of a list, which are made when they are first asked for."""
        if name not in self._tables:
            facts = self.facts[name]
            source = facts.source(self.plan)
            random = Random(f"{self.plan.seed}/{name}")  # noqa: S311 - repeatable data
            self._tables[name] = Table(facts, source, random)
        return self._tables[name]

    def row_json(self, name: str, key: str, params: Params = ()) -> bytes:
        """Return a row as the API serves it."""
        table, facts = self.table(name), self.facts[name]
        served = table.served
        if key not in served or facts.volatile:
            if len(served) >= MOST_SERVED:
                served.clear()
            row = table.row(key)
            if facts.serve is not None:
                row = facts.serve(self, row, params)
            served[key] = json_bytes(serve_row(row, key, facts, self.settings))
        return served[key]

    def _seeded_file(self, key: str) -> Attachment | None:
        tables = (self.table(facts.name) for facts in self.facts.values() if facts.has_files)
        return next((file for table in tables if (file := table.source.file(key))), None)

    def file_ids(self, name: str) -> set[str]:
        """Return the ids of a list's seeded attachments, and of those that were added to any."""
        seeded = set(self.table(name).source.file_keys)
        return (seeded | self.files.changed.keys()) - self.files.gone

    def made_file(self, key: str, lines: list[str]) -> bytes:
        """Make a PDF for a row, another at each call; it is remembered."""
        made = self.made_files.setdefault(key, [])
        made.append(pdf(f"Document {len(made) + 1} of {key}", lines))
        return made[-1]

    def add_files(self, name: str, row: Row) -> None:
        """Keep the files of a row that was added."""
        for attachment in self.table(name).source.new_files(row):
            if attachment.id not in self.files:
                self.files.put(attachment)

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Turn knobs."""
        self.settings.update(changes)
        for table in self._tables.values():
            table.served.clear()

    def before_api_request(self, entry: Entry) -> None:
        """Do what tests want done before an API request is evaluated."""
        if self.on_request is not None:
            self.on_request(vars(entry).copy())
        facts = self.facts[self.edited]
        if entry.path != facts.path:
            return
        self.lists_seen += 1
        if self.lists_seen > 1 and len(self.table(facts.name)):
            for _ in range(self.edits_per_request):
                self.edit_at_random(facts.name)

    def edit_at_random(self, name: str) -> None:
        """Change one of the rows of a list, any of them."""
        table = self.table(name)
        note = f"edited {self.random.getrandbits(32):08x}"
        field = table.facts.text or "note"
        table.edit(table.random_key(self.random), {field: note}, self.now())

    def due_operations(self) -> list[Operation]:
        """Count an API request as answered; return the operations that waited for it."""
        for trigger in self.triggers:
            trigger.left -= 1
        due = [trigger for trigger in self.triggers if trigger.left <= 0]
        self.triggers = [trigger for trigger in self.triggers if trigger.left > 0]
        return [operation for trigger in due for operation in trigger.operations]
