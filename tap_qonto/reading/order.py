"""Whether answers are as they were asked for."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from tap_qonto import timestamps
from tap_qonto.errors import DataError
from tap_qonto.reading.ways import FILTER, OutOfOrderError, UnsuitableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_qonto.reading.pages import Page

_SECOND = timedelta(seconds=1)
_MOST_EMPTY = 10


def check(field: str, stamps: Sequence[datetime], lower: datetime | None) -> None:
    """See that time stamps ascend from a lower bound.

    Args:
        field: What they are the values of.
        stamps: In the order of the rows (aware).
        lower: What was asked for (aware); None for no bound.

    Raises:
        OutOfOrderError: They do not ascend.
        UnsuitableError: The list ignores the bound.
    """
    for earlier, later in pairwise(stamps):
        if later < earlier:
            msg = (
                f"Qonto sent rows out of order: {field} {timestamps.show(later)} after "
                f"{timestamps.show(earlier)}. The stream ends here, since going on could lose "
                "rows; report it to the maintainers of tap-qonto."
            )
            raise OutOfOrderError(msg)
    if stamps and lower and stamps[0] < lower - _SECOND:
        msg = (
            f"Qonto sent a row with {field} {timestamps.show(stamps[0])}, although asked for "
            f"those from {timestamps.show(lower)} on. The stream ends here, since going on could "
            "lose rows; check that api_url is Qonto's."
        )
        raise UnsuitableError(msg, lacks=FILTER, field=field)


def check_empty(pages: int) -> None:
    """See that a list has not too many pages without rows, each with another to follow.

    Raises:
        DataError: There is no end of them.
    """
    if pages > _MOST_EMPTY:
        msg = (
            "Qonto sends empty pages without end. The stream ends here, since rows may be "
            "missing; run the tap again later."
        )
        raise DataError(msg)


def check_none(last: Page, stamps: Sequence[datetime], *, is_all: bool) -> None:
    """See that not all pages of a list are without rows, behind its last one.

    Args:
        last: The last page, where those before had no rows.
        stamps: The time stamps of its rows.
        is_all: Whether the whole list was asked for; a few rows of it can be hidden.

    Raises:
        DataError: Qonto counts pages of rows, and hands out none.
    """
    if (is_all or last.number > 1) and last.total and not stamps:
        msg = (
            f"Qonto counts {last.total:,} rows, and hands out none of them. The stream ends "
            "here, since rows would be missing; run the tap again later."
        )
        raise DataError(msg)
