"""The seeded world in outline: what the lists need to know of each other."""

from __future__ import annotations

import hashlib
from random import Random
from typing import TYPE_CHECKING

from tests.fake_qonto.data.invoices.plan import InvoicePlan

if TYPE_CHECKING:
    from datetime import datetime


class Plan:
    """Ids and counts of all lists; the same seed gives the same."""

    def __init__(self, seed: int, counts: dict[str, int], today: datetime) -> None:
        """Lay out the world.

        Args:
            seed: The same seed gives the same world.
            counts: Number of rows by list.
            today: Midnight (UTC) that the world ends at.
        """
        self.seed = seed
        self.counts = counts
        self.today = today
        self.invoices = InvoicePlan(seed, counts["supplier_invoices"], today)
        self.organization_id = self.invoices.organization_id
        self.members = self.invoices.members

    def random(self, name: str, index: int | str) -> Random:
        """Return the generator that draws a row of a list."""
        return Random(self._digest(name, index))  # noqa: S311 - made-up data, no secrets

    def id(self, name: str, index: int | str) -> str:
        """Return the id of a row; others name it without making it."""
        digest = self._digest(name, f"{index}/id")
        text = f"{digest[:12]}4{digest[13:16]}8{digest[17:32]}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def ids(self, name: str) -> list[str]:
        """Return the ids of all rows of a list."""
        return [self.id(name, index) for index in range(self.counts[name])]

    def _digest(self, name: str, index: int | str) -> str:
        text = f"{self.seed}/{name}/{index}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
