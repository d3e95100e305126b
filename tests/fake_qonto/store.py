"""The world as it is: seeded invoices, what tests changed in them, and sorted indexes."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from sortedcontainers import SortedList  # type: ignore[import-untyped]

from . import contents
from .catalog import SUPPLIERS
from .clock import as_instant
from .drafts import Draft
from .invoicing import complete_row
from .records import Attachment, new_uuid
from .seeding import Head, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from .records import Row

INSTANTS = ("created_at", "updated_at")
# Some 8 KB each.
MOST_MADE = 5_000


class NotHereError(KeyError):
    """No such object, or it was deleted."""


class Store:
    """Invoices and attachments, found by id and in the order of an instant."""

    def __init__(self, plan: Plan) -> None:
        """Take in the seeded world; its rows are made when somebody asks for them."""
        self.plan = plan
        self._random = Random(plan.seed + 1)  # noqa: S311 - made-up data, no secrets
        self._seeded: dict[str, int] = {}
        self._seeded_files: dict[str, tuple[int, bool]] = {}
        self._rows: dict[str, Row] = {}
        # Seeded rows that were asked for: filters look at all rows of a small world.
        self._made: dict[str, Row] = {}
        self._files: dict[str, Attachment] = {}
        self._gone_files: set[str] = set()
        # Invoices as they were last served: settings and edits make these invalid.
        self.served: dict[str, bytes] = {}
        self.stamps: dict[str, tuple[datetime, datetime]] = {}
        for index in range(plan.count):
            head = plan.head(index)
            self._seeded[head.id] = index
            self.stamps[head.id] = (head.created_at, head.updated_at)
            if head.attachment_id:
                self._seeded_files.setdefault(head.attachment_id, (index, False))
            if head.display_attachment_id:
                self._seeded_files.setdefault(head.display_attachment_id, (index, True))
        self.indexes = {
            name: SortedList((stamps[place], key) for key, stamps in self.stamps.items())
            for place, name in enumerate(INSTANTS)
        }

    # Invoices.

    def __contains__(self, invoice_id: str) -> bool:
        """Tell whether an invoice exists."""
        return invoice_id in self.stamps

    def __len__(self) -> int:
        """Count the invoices."""
        return len(self.stamps)

    def ids(self) -> list[str]:
        """Return the ids of all invoices by (updated_at, id)."""
        return [key for _, key in self.indexes["updated_at"]]

    def row(self, invoice_id: str) -> Row:
        """Return an invoice; the caller does not change it."""
        known = self._rows.get(invoice_id) or self._made.get(invoice_id)
        if known is not None:
            return known
        if invoice_id not in self.stamps:
            raise NotHereError(invoice_id)
        row = self.plan.invoice(self._seeded[invoice_id])
        if len(self._made) < MOST_MADE:
            self._made[invoice_id] = row
        return row

    def add(self, fields: Mapping[str, Any], now: datetime) -> str:
        """Add an invoice.

        Args:
            fields: What is to differ from a plausible invoice.
            now: The default for its instants.

        Returns:
            Its id.
        """
        return self.add_all([fields], now)[0]

    def add_all(self, rows: Iterable[Mapping[str, Any]], now: datetime) -> list[str]:
        """Add many invoices at once; indexes are brought up to date once."""
        added: list[str] = []
        for fields in rows:
            row = self._new_row(fields, now)
            if row["id"] in self.stamps:
                message = f"there is an invoice {row['id']} already"
                raise ValueError(message)
            self._rows[row["id"]] = row
            self.stamps[row["id"]] = (row["created_at"], row["updated_at"])
            added.append(row["id"])
        for place, name in enumerate(INSTANTS):
            self.indexes[name].update((self.stamps[key][place], key) for key in added)
        return added

    def _new_row(self, fields: Mapping[str, Any], now: datetime) -> Row:
        given = dict(fields)
        updated = given.pop("updated_at", None)
        created = as_instant(given.pop("created_at", None) or min(now, as_instant(updated or now)))
        updated = as_instant(updated or max(now, created))
        random = self._random
        number = random.getrandbits(40)
        invoice_id = given.get("id") or new_uuid(random)
        attachment_id = given.get("attachment_id", ...)
        if attachment_id is ...:
            attachment_id = new_uuid(random)
        supplier = SUPPLIERS[number % len(SUPPLIERS)]
        file_name = given.get("file_name", f"facture-{number % 10_000}.pdf")
        draft = Draft(
            index=number % 1_000_000 * 10 + 2,
            head=Head(invoice_id, created, updated, attachment_id, attachment_id),
            status=given.get("status", "to_pay"),
            supplier=supplier,
            number=f"N-{number % 1_000_000:06d}",
            cents=500 + number % 1_000_000,
            file_name=file_name,
            is_credit_note=False,
            is_einvoice=False,
            random=random,
        )
        row = complete_row(self.plan, draft, []) | given
        row |= {"created_at": created, "updated_at": updated}
        for key in (row["attachment_id"], row["display_attachment_id"]):
            if key and not self.has_file(key):
                body = contents.pdf(supplier.name, [draft.number])
                name = file_name if isinstance(file_name, str) else "facture.pdf"
                self.put_file(
                    Attachment(key, created, name, "application/pdf", contents.Held(body)),
                )
        return row

    def edit(self, invoice_id: str, fields: Mapping[str, Any], now: datetime) -> None:
        """Set fields of an invoice; ``updated_at`` becomes now unless it is given."""
        row = dict(self.row(invoice_id)) | dict(fields)
        row["updated_at"] = as_instant(fields.get("updated_at") or now)
        row["created_at"] = as_instant(row["created_at"])
        self._unindex(invoice_id)
        self._rows[invoice_id] = row
        self.stamps[invoice_id] = (row["created_at"], row["updated_at"])
        for place, name in enumerate(INSTANTS):
            self.indexes[name].add((self.stamps[invoice_id][place], invoice_id))

    def delete(self, invoice_id: str) -> None:
        """Remove an invoice without a trace; its files stay."""
        if invoice_id not in self.stamps:
            raise NotHereError(invoice_id)
        self._unindex(invoice_id)
        del self.stamps[invoice_id]
        self._rows.pop(invoice_id, None)
        self._seeded.pop(invoice_id, None)

    def _unindex(self, invoice_id: str) -> None:
        self._made.pop(invoice_id, None)
        self.served.pop(invoice_id, None)
        for place, name in enumerate(INSTANTS):
            self.indexes[name].remove((self.stamps[invoice_id][place], invoice_id))

    def random_id(self, random: Random) -> str:
        """Draw one of the existing invoices."""
        index = self.indexes["created_at"]
        return str(index[random.randrange(len(index))][1])

    # Attachments.

    def has_file(self, attachment_id: str) -> bool:
        """Tell whether an attachment exists."""
        if attachment_id in self._gone_files:
            return False
        return attachment_id in self._files or attachment_id in self._seeded_files

    def file_ids(self) -> Iterator[str]:
        """Yield the ids of all attachments."""
        for key in self._seeded_files.keys() | self._files.keys():
            if key not in self._gone_files:
                yield key

    def file(self, attachment_id: str) -> Attachment:
        """Return an attachment; a seeded one is made anew each time."""
        if not self.has_file(attachment_id):
            raise NotHereError(attachment_id)
        if attachment_id in self._files:
            return self._files[attachment_id]
        index, display = self._seeded_files[attachment_id]
        return self.plan.attachment(index, display=display)

    def put_file(self, attachment: Attachment) -> None:
        """Keep an attachment, in the place of one with its id."""
        self._gone_files.discard(attachment.id)
        self._files[attachment.id] = attachment

    def delete_file(self, attachment_id: str) -> None:
        """Remove an attachment; invoices go on naming it."""
        self.file(attachment_id)
        self._gone_files.add(attachment_id)

    def new_file_id(self) -> str:
        """Draw an id for a new attachment."""
        return new_uuid(self._random)
