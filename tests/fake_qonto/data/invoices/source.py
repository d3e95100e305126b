"""Supplier invoices as the source of a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fake_qonto.clock import as_instant
from tests.fake_qonto.data.invoices.catalog import SUPPLIERS
from tests.fake_qonto.data.invoices.drafts import Draft
from tests.fake_qonto.data.invoices.invoicing import complete_row
from tests.fake_qonto.data.invoices.plan import Head
from tests.fake_qonto.data.ledger import payments
from tests.fake_qonto.data.payments import matched_with
from tests.fake_qonto.data.records import Attachment, SeededMatches, new_uuid
from tests.fake_qonto.files import contents
from tests.fake_qonto.lists.rendering import coin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from random import Random

    from tests.fake_qonto.data.plan import Plan
    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.lists.reader import Params
    from tests.fake_qonto.world import World


class InvoiceSource:
    """Seeded invoices follow from seed and place alone, so none need be kept."""

    def __init__(self, plan: Plan) -> None:
        """Read the plan."""
        self.plan = plan.invoices
        self._world = plan
        self._seeded: dict[str, int] = {}
        self.file_keys: dict[str, tuple[int, bool]] = {}

    def heads(self) -> Iterable[tuple[str, tuple[Any, ...]]]:
        """Yield id and instants of each invoice, and note whose its files are."""
        for index in range(self.plan.count):
            head = self.plan.head(index)
            self._seeded[head.id] = index
            if head.attachment_id:
                self.file_keys.setdefault(head.attachment_id, (index, False))
            if head.display_attachment_id:
                self.file_keys.setdefault(head.display_attachment_id, (index, True))
            yield head.id, (head.created_at, head.updated_at)

    def row(self, key: str) -> Row:
        """Make a seeded invoice, with the transactions that pay it."""
        paid_with = payments(self._world).get(key)
        row = self.plan.invoice(self._seeded[key])
        return row | matched_with(paid_with) if paid_with else row

    def new(self, fields: Mapping[str, Any], now: datetime, random: Random) -> Row:
        """Make a plausible invoice with these fields over it."""
        given = dict(fields)
        updated = given.pop("updated_at", None)
        created = as_instant(given.pop("created_at", None) or min(now, as_instant(updated or now)))
        updated = as_instant(updated or max(now, created))
        number = random.getrandbits(40)
        invoice_id = given.get("id") or new_uuid(random)
        attachment_id = given.get("attachment_id", ...)
        if attachment_id is ...:
            attachment_id = new_uuid(random)
        draft = Draft(
            index=number % 1_000_000 * 10 + 2,
            head=Head(invoice_id, created, updated, attachment_id, attachment_id),
            status=given.get("status", "to_pay"),
            supplier=SUPPLIERS[number % len(SUPPLIERS)],
            number=f"N-{number % 1_000_000:06d}",
            cents=500 + number % 1_000_000,
            file_name=given.get("file_name", f"facture-{number % 10_000}.pdf"),
            is_credit_note=False,
            is_einvoice=False,
            random=random,
        )
        row = complete_row(self.plan, draft, []) | given
        return row | {"created_at": created, "updated_at": updated}

    def file(self, key: str) -> Attachment | None:
        """Make a seeded attachment."""
        if key not in self.file_keys:
            return None
        index, display = self.file_keys[key]
        return self.plan.attachment(index, display=display)

    def new_files(self, row: Row) -> Iterable[Attachment]:
        """Make the files of an invoice that was added."""
        name = row["file_name"] if isinstance(row["file_name"], str) else "facture.pdf"
        body = contents.pdf(str(row.get("supplier_name")), [str(row.get("invoice_number"))])
        for key in (row["attachment_id"], row["display_attachment_id"]):
            if key:
                yield Attachment(
                    key, row["created_at"], name, "application/pdf", contents.Held(body)
                )


def serve_invoice(world: World, row: Row, _: Params) -> Row:
    """Write seeded matches in one of the two documented shapes."""
    matches = row.get("matched_transactions")
    if not isinstance(matches, SeededMatches):
        return row
    style = world.settings.matched_transactions_style
    if style == "ids" or (style == "mixed" and coin(str(row["id"]))):
        return row | {"matched_transactions": [match["transaction_id"] for match in matches]}
    return row
