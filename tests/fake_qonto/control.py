"""What tests may do to the fake while it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .clock import as_instant
from .control_files import AttachmentControl
from .rendering import as_z
from .world import TODAY, Trigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .world import Operation


class Control(AttachmentControl):
    """Every method takes the lock, so that any thread may call it."""

    # The whole.

    def reset(self, seed: int = 1, invoices: int = 200, today: str = TODAY) -> None:
        """Start again: new data; faults, log, settings, clock and tokens as at the start."""
        with self._world.lock:
            self._world.reset(seed, invoices, today)

    def set(self, **settings: Any) -> None:
        """Turn knobs; see ``settings.Settings``."""
        with self._world.lock:
            self._world.change_settings(settings)

    def settings(self) -> dict[str, Any]:
        """Return all knobs."""
        return self._world.settings.as_dict()

    # Invoices.

    def invoices(self) -> list[dict[str, Any]]:
        """Return every invoice as the API would serve it, by (updated_at, id)."""
        with self._world.lock:
            return [self.invoice(key) for key in self._world.store.ids()]

    def invoice(self, id: str) -> dict[str, Any]:  # noqa: A002 - the API's name
        """Return one invoice as the API would serve it."""
        with self._world.lock:
            return json.loads(self._world.invoice_json(id))  # type: ignore[no-any-return]

    def invoice_ids(self) -> list[str]:
        """Return the ids of all invoices, by (updated_at, id)."""
        with self._world.lock:
            return self._world.store.ids()

    def warm(self) -> None:
        """Write every invoice once, so that pages cost next to nothing from now on.

        For benchmarks: seeded invoices are made when they are first asked for, which
        takes some 0.2 ms each. Setting knobs undoes it.
        """
        with self._world.lock:
            for key in self._world.store.ids():
                self._world.invoice_json(key)

    def add_invoice(self, **fields: Any) -> str:
        """Add a plausible invoice with these fields over it; return its id."""
        with self._world.lock:
            return self._world.store.add(fields, self._world.now())

    def add_invoices(self, rows: Iterable[Mapping[str, Any]]) -> list[str]:
        """Add many invoices; return their ids."""
        with self._world.lock:
            return self._world.store.add_all(rows, self._world.now())

    def edit_invoice(self, id: str, **fields: Any) -> None:  # noqa: A002
        """Set fields; ``updated_at`` becomes the fake's now unless it is given."""
        with self._world.lock:
            self._world.store.edit(id, fields, self._world.now())

    def delete_invoice(self, id: str) -> None:  # noqa: A002
        """Remove an invoice without a trace."""
        with self._world.lock:
            self._world.store.delete(id)

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

    def edit_every_request(self, count: int) -> None:
        """Before each list request but the first, edit this many invoices at random."""
        with self._world.lock:
            self._world.edits_per_request = count
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
