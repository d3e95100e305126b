"""A reading whose answers come in any order."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from tap_qonto.reading.side_by_side import asks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.parts import Part
    from tap_qonto.reading.side_by_side import SideBySide
    from tap_qonto.reading.ways import Ask


def in_any_order(
    reading: SideBySide, workers: int, answer: Callable[[Ask], Page | None], seed: int
) -> Iterator[Sequence[Row]]:
    """Read a list, and yield what is new in each answer, the same at each run.

    Args:
        reading: Says what to ask for.
        workers: How many requests are under way at most.
        answer: Answers as the server would; None where no whole page comes.
        seed: Another one has another order.
    """
    random = Random(seed)  # noqa: S311 - repeatable
    under_way: list[tuple[Part, Ask]] = []
    while under_way := under_way + asks([reading], workers - len(under_way)):
        part, ask = under_way.pop(random.randrange(len(under_way)))
        yield reading.take(part, answer(ask))
