"""An invoice in outline, from which its fields are worked out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

    from tests.fake_qonto.data.invoices.catalog import Supplier
    from tests.fake_qonto.data.invoices.plan import Head

Money = dict[str, str]


def money(cents: int, currency: str) -> Money:
    """Write an amount as the API does: an exact decimal text and a currency."""
    sign = "-" if cents < 0 else ""
    whole, rest = divmod(abs(cents), 100)
    return {"value": f"{sign}{whole}.{rest:02d}", "currency": currency}


@dataclass
class Draft:
    """An invoice before its ties to others are known."""

    index: int
    head: Head
    status: str
    supplier: Supplier
    number: str
    cents: int
    file_name: str
    is_credit_note: bool
    is_einvoice: bool
    random: Random

    def money(self, share: float = 1.0) -> Money:
        """Return the total, or a share of it."""
        return money(round(self.cents * share), self.supplier.currency)

    def as_related(self) -> dict[str, Any]:
        """Return the entry for ``related_invoices`` of another invoice."""
        return {
            "id": self.head.id,
            "invoice_number": self.number,
            "total_amount": self.money(),
            "attachment_id": self.head.attachment_id,
            "file_name": self.file_name,
        }
