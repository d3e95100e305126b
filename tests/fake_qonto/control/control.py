"""What tests may do to the fake while it runs."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.clock import as_instant
from tests.fake_qonto.control.files import AttachmentControl
from tests.fake_qonto.data.payments import paid_by, payment_of
from tests.fake_qonto.lists.rendering import as_z
from tests.fake_qonto.world import INVOICES, TODAY, Trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.world import Operation

    # Within `Control`, `list` is a parameter's name.
    Rows = list[dict[str, Any]]
    Keys = list[str]


class Control(AttachmentControl):
    """Every method takes the lock, so that any thread may call it."""

    # The whole.

    def reset(self, seed: int = 1, invoices: int = 200, today: str = TODAY, **rows: int) -> None:
        """Start again: new data; faults, log, settings, clock and tokens as at the start.

        Args:
            seed: The same seed gives the same data.
            invoices: How many supplier invoices there are.
            today: Date (ISO) that the data ends at.
            **rows: How many rows there are in other lists.
        """
        with self._world.lock:
            self._world.reset(seed, {INVOICES: invoices} | rows, today)

    def set(self, **settings: Any) -> None:
        """Turn knobs; see ``settings.Settings``."""
        with self._world.lock:
            self._world.change_settings(settings)

    def settings(self) -> dict[str, Any]:
        """Return all knobs."""
        return self._world.settings.as_dict()

    # Rows of any list.

    def rows(self, list: str) -> Rows:  # noqa: A002 - the word of those who call
        """Return every row of a list as the API would serve it, by (updated_at, key)."""
        with self._world.lock:
            return [self.row(list, key) for key in self.ids(list)]

    def row(self, list: str, id: str) -> dict[str, Any]:  # noqa: A002
        """Return a row of a list as the API would serve it; numbers with all their digits."""
        with self._world.lock:
            served = self._world.row_json(list, id)
        return json.loads(served, parse_float=Decimal)  # type: ignore[no-any-return]

    def ids(self, list: str) -> Keys:  # noqa: A002
        """Return the keys of all rows of a list, by (updated_at, key)."""
        with self._world.lock:
            return self._world.table(list).sorted_keys()

    def values(self, list: str, field: str) -> dict[str, Any]:  # noqa: A002
        """Return one field of every row of a list by key, without writing the rows."""
        with self._world.lock:
            table = self._world.table(list)
            return {key: table.row(key).get(field) for key in table.stamps}

    def add(self, list: str, **fields: Any) -> str:  # noqa: A002
        """Add a plausible row with these fields over it; return its key."""
        return self.add_many(list, [fields])[0]

    def add_many(self, list: str, rows: Iterable[Mapping[str, Any]]) -> Keys:  # noqa: A002
        """Add many rows; return their keys."""
        world = self._world
        with world.lock:
            table = world.table(list)
            keys = table.add(rows, world.now())
            for key in keys:
                world.add_files(list, table.row(key))
                self._after_change(list, None, table.row(key))
            return keys

    def edit(self, list: str, id: str, **fields: Any) -> None:  # noqa: A002
        """Set fields; ``updated_at`` becomes the fake's now unless it is given."""
        with self._world.lock:
            table = self._world.table(list)
            before = table.row(id)
            table.edit(id, fields, self._world.now())
            self._after_change(list, before, table.row(id))

    def delete(self, list: str, id: str) -> None:  # noqa: A002
        """Remove a row without a trace."""
        with self._world.lock:
            table = self._world.table(list)
            before = table.row(id)
            table.delete(id)
            self._after_change(list, before, None)

    def vary(self, list: str, **facts: Any) -> None:  # noqa: A002
        """Change facts of an endpoint, see ``lists.facts.Endpoint``: where sources disagree."""
        with self._world.lock:
            self._world.facts[list] = replace(self._world.facts[list], **facts)
            self._world.table(list).facts = self._world.facts[list]

    def text_field(self, list: str) -> str:  # noqa: A002
        """Return the field that edits at random change."""
        return self._world.facts[list].text or "note"

    def is_single(self, list: str) -> bool:  # noqa: A002
        """Tell whether it is no list, but one object."""
        return self._world.facts[list].one

    def _after_change(self, name: str, before: Row | None, after: Row | None) -> None:
        changed = self._world.facts[name].changed
        if changed is not None:
            changed(self._world, before, after)

    # Invoices.

    def invoices(self) -> Rows:
        """Return every invoice as the API would serve it, by (updated_at, id)."""
        return self.rows(INVOICES)

    def invoice(self, id: str) -> dict[str, Any]:  # noqa: A002 - the API's name
        """Return one invoice as the API would serve it."""
        return self.row(INVOICES, id)

    def invoice_ids(self) -> Keys:
        """Return the ids of all invoices, by (updated_at, id)."""
        return self.ids(INVOICES)

    def warm(self, list: str = INVOICES) -> None:  # noqa: A002
        """Write every row once, so that pages cost next to nothing from now on.

        For benchmarks: seeded invoices are made when they are first asked for, which
        takes some 0.2 ms each. Setting knobs undoes it.
        """
        with self._world.lock:
            for key in self.ids(list):
                self._world.row_json(list, key)

    def add_invoice(self, **fields: Any) -> str:
        """Add a plausible invoice with these fields over it; return its id."""
        return self.add(INVOICES, **fields)

    def add_invoices(self, rows: Iterable[Mapping[str, Any]]) -> Keys:
        """Add many invoices; return their ids."""
        return self.add_many(INVOICES, rows)

    def edit_invoice(self, id: str, **fields: Any) -> None:  # noqa: A002
        """Set fields; ``updated_at`` becomes the fake's now unless it is given."""
        self.edit(INVOICES, id, **fields)

    def pay_invoice(self, id: str) -> str:  # noqa: A002
        """Pay an invoice in full from the main account; return the transaction's id."""
        with self._world.lock:
            invoice = self._world.table(INVOICES).row(id)
            account = self.ids("bank_accounts")[0]
            key = self.add("transactions", bank_account_id=account, **payment_of(invoice))
            payment = self._world.table("transactions").row(key)
            self.edit(INVOICES, id, **paid_by(payment, invoice["total_amount"]["currency"]))
            return key

    def delete_invoice(self, id: str) -> None:  # noqa: A002
        """Remove an invoice without a trace."""
        self.delete(INVOICES, id)

    # Faults, and what happens between requests.

    def add_fault(self, kind: str, **facts: Any) -> int:
        """Set a fault, see ``faults.Fault``; return its id."""
        with self._world.lock:
            return self._world.faults.add(kind, **facts)

    def clear_faults(self) -> None:
        """Take all faults away."""
        with self._world.lock:
            self._world.faults.clear()

    def after_request(self, n: int, operations: list[Operation] | Operation) -> None:
        """Once ``n`` more API requests are answered, do this before the next is evaluated.

        Args:
            n: Number of requests from now.
            operations: ``{"op": method, ...arguments}``; in-process also callables.
        """
        listed = operations if isinstance(operations, list) else [operations]
        with self._world.lock:
            self._world.triggers.append(Trigger(n, listed))

    def on_request(self, hook: Callable[[dict[str, Any]], object] | None) -> None:
        """In-process only: call this with each API request before it is evaluated."""
        with self._world.lock:
            self._world.on_request = hook

    def edit_every_request(self, count: int, list: str = INVOICES) -> None:  # noqa: A002
        """Before each request of a list but the first, edit this many of its rows at random."""
        with self._world.lock:
            self._world.edits_per_request = count
            self._world.edited = list
            self._world.lists_seen = 0

    def apply(self, operation: Operation) -> None:
        """Do one operation of ``after_request``."""
        if callable(operation):
            operation()
        else:
            arguments = dict(operation)
            getattr(self, arguments.pop("op"))(**arguments)

    # The log.

    def requests(self, host: str | None = None) -> list[dict[str, Any]]:
        """Return what was asked, of one host or all."""
        with self._world.lock:
            return self._world.log.as_dicts(host)

    def count(self, host: str | None = None, path: str | None = None) -> int:
        """Count requests of a host whose path matches a pattern."""
        with self._world.lock:
            return len(self._world.log.select(host, path))

    def max_in_flight(self, host: str) -> int:
        """Return how many requests of a host overlapped at most."""
        return self._world.log.most(host)

    def clear_requests(self) -> None:
        """Forget what was asked."""
        with self._world.lock:
            self._world.log.clear()

    # Time.

    def now(self) -> str:
        """Return the fake's time."""
        return as_z(self._world.now(), "microseconds")

    def advance(self, seconds: float) -> None:
        """Move the fake's clock ahead."""
        with self._world.lock:
            self._world.clock.advance(seconds)

    def set_clock(self, instant: str | None) -> None:
        """Stop the fake's clock at an instant, or let it run again."""
        with self._world.lock:
            self._world.clock.fix(as_instant(instant) if instant else None)

    # OAuth.

    def tokens(self) -> dict[str, Any]:
        """Return the valid tokens of each client and how often it refreshed."""
        with self._world.lock:
            return self._world.tokens.overview(self._world.now(), self._world.settings)

    def new_refresh_token(self, client_id: str | None = None, scope: str | None = None) -> str:
        """Issue a refresh token as if a user had authorised."""
        world = self._world
        with world.lock:
            client = client_id or world.credentials.client_id
            granted = scope or world.settings.scopes
            return world.tokens.new_refresh_token(client, granted, world.now(), world.settings)

    def new_access_token(self, client_id: str | None = None, scope: str | None = None) -> str:
        """Issue an access token as if a user had authorised."""
        world = self._world
        with world.lock:
            client = client_id or world.credentials.client_id
            granted = scope or world.settings.scopes
            return world.tokens.new_access_token(client, granted, world.now(), world.settings)

    def revoke(self, refresh_token: str) -> None:
        """Make a token worthless."""
        with self._world.lock:
            self._world.tokens.revoke(refresh_token)
