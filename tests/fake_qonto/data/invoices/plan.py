"""The seeded world: each invoice follows from seed and place alone, so none need be kept.

``InvoicePlan.head`` gives what the indexes need (ids and instants) and is cheap;
``invoice`` and ``attachment`` make the whole object when somebody asks for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.fake_qonto.clock import UTC
from tests.fake_qonto.data.invoices.catalog import FILE_STEMS, STATUS_CYCLE, SUPPLIERS
from tests.fake_qonto.data.invoices.drafts import Draft
from tests.fake_qonto.data.invoices.invoicing import complete_row, document_row, printed
from tests.fake_qonto.data.records import Attachment, new_uuid
from tests.fake_qonto.files import contents

if TYPE_CHECKING:
    from tests.fake_qonto.data.records import Row

SPAN = timedelta(days=913)
CYCLE = len(STATUS_CYCLE)

# Places in each cycle of forty invoices that are out of the ordinary.
CREDIT_NOTES = frozenset({9, 29})
E_INVOICES = frozenset({3, 13, 23, 36})
WITHOUT_FILE = 17
SHARES_FILE = 12
AT_CLOCK_CHANGE = frozenset({5, 21})
# To review or discarded, and not yet (or not at all) known as invoices.
DOCUMENTS = frozenset({2, 11, 19, 31, 34})
# Status of the sealed copy; "" is served as {}, None leaves the key out.
SEALED = ("available", "available", "available", "unavailable", "pending", "corrupted", "", None)
AROUND_CHANGE = (-3600, -1, 0, 1, 1800, 3599, 3600)


class Head(NamedTuple):
    """What the indexes need to know about a seeded invoice."""

    id: str
    created_at: datetime
    updated_at: datetime
    attachment_id: str | None
    display_attachment_id: str | None


def clock_changes(end: datetime) -> list[datetime]:
    """Return the instants within the span before ``end`` when Paris changes its clocks."""
    changes = []
    for year in range(end.year - 3, end.year + 1):
        for month in (3, 10):
            last = datetime(year, month, 31, 1, tzinfo=UTC)
            change = last - timedelta(days=(last.weekday() + 1) % 7)
            if end - SPAN + timedelta(days=40) < change < end - timedelta(days=1):
                changes.append(change)
    return changes


class InvoicePlan:
    """All invoices and attachments of one seed."""

    def __init__(self, seed: int, count: int, today: datetime) -> None:
        """Lay out the world.

        Args:
            seed: The same seed gives the same world.
            count: Number of invoices.
            today: Midnight (UTC) that the world ends at; due dates spread around it.
        """
        self.seed = seed
        self.count = count
        self.today = today
        self.changes = clock_changes(today)
        own = Random(seed)  # noqa: S311 - made-up data, no secrets
        self.organization_id = new_uuid(own)
        self.members = [new_uuid(own) for _ in range(6)]
        self.supplier_ids = [new_uuid(own) for _ in SUPPLIERS]

    def random(self, index: int) -> Random:
        """Return the generator that draws invoice number ``index``."""
        return Random((self.seed << 40) + index)  # noqa: S311 - made-up data, no secrets

    def head(self, index: int) -> Head:
        """Return ids and instants of an invoice."""
        return self._head(self.random(index), index)

    def _head(self, random: Random, index: int) -> Head:
        place = index % CYCLE
        invoice_id, attachment_id, display_id = (new_uuid(random) for _ in range(3))
        age = SPAN * (1 - (index + random.random()) / self.count)
        created = self.today - max(age, timedelta(seconds=2))
        updated = created + (self.today - created) * random.random() ** 3
        if place in AT_CLOCK_CHANGE and self.changes:
            turn = index // CYCLE * 2 + (place == max(AT_CLOCK_CHANGE))
            change = self.changes[turn % len(self.changes)]
            shift = AROUND_CHANGE[turn // len(self.changes) % len(AROUND_CHANGE)]
            updated = change + timedelta(seconds=shift)
            created = updated - timedelta(days=20 * random.random())
        elif random.random() < 0.1:
            created = created.replace(microsecond=0)
            updated = created
        if place == WITHOUT_FILE:
            return Head(invoice_id, created, updated, None, None)
        if place == SHARES_FILE:
            other = self.head(index - 1)
            return Head(
                invoice_id,
                created,
                updated,
                other.attachment_id,
                other.display_attachment_id,
            )
        shown = display_id if place in E_INVOICES else attachment_id
        return Head(invoice_id, created, updated, attachment_id, shown)

    def draft(self, index: int) -> Draft:
        """Return an invoice without its ties to others."""
        random = self.random(index)
        head = self._head(random, index)
        place = index % CYCLE
        # From 5 to 5,000: a small company's.
        cents = int(500 * 1_000 ** random.random())
        number = f"{'AV' if place in CREDIT_NOTES else 'F'}-{head.created_at.year}-{index:05d}"
        return Draft(
            index=index,
            head=head,
            status=STATUS_CYCLE[place],
            supplier=SUPPLIERS[random.randrange(len(SUPPLIERS))],
            number=number,
            cents=cents,
            file_name=self._file_name(index, number),
            is_credit_note=place in CREDIT_NOTES,
            is_einvoice=place in E_INVOICES,
            random=random,
        )

    def _file_name(self, index: int, number: str) -> str:
        place = index % CYCLE
        if place == SHARES_FILE:
            return self.draft(index - 1).file_name
        stem = FILE_STEMS[index % len(FILE_STEMS)].format(number=number)
        if place in E_INVOICES:
            return f"{stem}.xml"
        if place % 11 == 7:
            return stem
        return f"{stem}.{'png' if place % 7 == 4 else 'pdf'}"

    def invoice(self, index: int) -> Row:
        """Return an invoice as the store keeps it: instants as datetimes."""
        draft = self.draft(index)
        if index % CYCLE in DOCUMENTS:
            return document_row(self, draft)
        related: list[dict[str, Any]] = []
        if draft.is_credit_note:
            related.append(self.draft(index - 1).as_related())
        elif (index + 1) % CYCLE in CREDIT_NOTES and index + 1 < self.count:
            related.append(self.draft(index + 1).as_related())
        return complete_row(self, draft, related)

    def attachment(self, index: int, *, display: bool) -> Attachment:
        """Return an invoice's stored document, or the display document of an e-invoice."""
        draft = self.draft(index)
        head, supplier = draft.head, draft.supplier
        total = draft.money()
        name = draft.file_name
        if display and draft.is_einvoice:
            name = f"{name.rpartition('.')[0]}.pdf"
        if name.endswith(".xml"):
            kind = "application/xml"
            data = contents.invoice_xml(draft.number, supplier.name, total)
        elif name.endswith(".png"):
            kind, data = "image/png", contents.png(self.seed + index)
        else:
            kind = "application/pdf"
            data = contents.invoice_pdf(supplier.name, *printed(self.invoice(index), draft))
        attachment_id = head.display_attachment_id if display else head.attachment_id
        return Attachment(
            id=attachment_id or "",
            created_at=head.created_at,
            file_name=name,
            file_content_type=kind,
            content=contents.Held(data),
            probative=SEALED[index % len(SEALED)] if kind == "application/pdf" else "unavailable",
        )
