"""What a state keeps of a reading, and the next run reads in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tap_qonto.reading.done import Reached, doubted, remember, remembered
from tap_qonto.reading.ways import UPDATED, Ask

if TYPE_CHECKING:
    from tap_qonto.reading.done import Counted
    from tests.reading.moving_list import MovingList

LARGEST = 2_500
"""Bytes of what a state holds of a list above its bookmark."""


def kept(reached: Reached) -> Reached:
    """Return what the next run reads in the state."""
    entry: dict[str, Any] = {}
    remember(entry, reached.above, reached.unsure)
    entry = json.loads(json.dumps(entry))
    assert reached.unsure is None or reached.unsure.read
    assert len(json.dumps(entry)) < LARGEST
    return Reached(reached.bookmark, remembered(entry), doubted(entry))


def is_kept(qonto: MovingList, window: Counted) -> bool:
    """Tell whether a window still has as many rows as the state says."""
    lower, upper, rows = window
    page = qonto.answer("updated_at:asc", Ask({UPDATED: (lower, upper)}, 1, 1))
    return page.total == rows
