"""What a walk along a time stamp asks for next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Query:
    """What to ask for next.

    Attributes:
        lower: Lower bound of the anchor field (aware); None for none.
        upper: Upper bound; None for none.
        page: Number of the page, from 1.
        size: Rows for each page; None for as many as there may be.
    """

    lower: datetime | None
    upper: datetime | None
    page: int = 1
    size: int | None = None
