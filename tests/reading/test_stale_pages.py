"""A page that was on its way while one of its rows was edited, and read elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.side_by_side import SideBySide, asks
from tap_qonto.reading.window import Window
from tests.reading.moving_list import Habits, MovingList

if TYPE_CHECKING:
    from tap_qonto.reading.pages import Page
    from tap_qonto.reading.parts import Part

    Answers = list[tuple[Part, Page]]


def test_an_older_version_never_comes_after_a_newer_one() -> None:
    """The bookmark is past the newer one, so no later run would bring it again."""
    qonto = MovingList(Habits(), timedelta(seconds=5))
    for _ in range(60):
        qonto.add(1)
        qonto.now += timedelta(hours=1)
    way = UpdatedAnchored()
    window = Window.of({"lookback_seconds": 0}, None, begun=qonto.now, is_open=False)
    reading = SideBySide(way.walk(window, (None, None), 3), 3)
    table = {}

    def ask(workers: int) -> Answers:
        return [(part, qonto.answer(way.order, each)) for part, each in asks([reading], workers)]

    def arrive(answers: Answers) -> None:
        for part, page in answers:
            table.update({row["id"]: row["version"] for row in reading.take(part, page)})

    arrive(ask(1))
    (part, first), (other, last) = asks([reading], 2)
    slow = part, qonto.answer(way.order, first)
    edited = slow[1].rows[-1]["id"]
    qonto.change("edit", list(qonto.rows).index(edited))
    arrive([(other, qonto.answer(way.order, last))])
    while answers := ask(1):
        arrive(answers)
    assert table[edited] == 1
    arrive([slow])
    while answers := ask(2):
        arrive(answers)
    assert table == {key: row["version"] for key, row in qonto.rows.items()}
