"""Rows that are to be completed: which of them are remembered, and asked for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tap_qonto.reading.awaited import KEY, MOST, Awaited

if TYPE_CHECKING:
    import pytest

LOGGER = logging.getLogger("tap-qonto.tests")


def test_the_oldest_row_is_dropped_when_there_are_too_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry: dict[str, Any] = {KEY: [f"row {number}" for number in range(MOST)]}
    awaited = Awaited("invoices", entry, LOGGER)
    awaited.note("row 5", is_awaited=True)
    assert not caplog.messages
    awaited.note("further", is_awaited=True)
    assert entry[KEY] == [*(f"row {number}" for number in range(1, MOST)), "further"]
    assert "more than 1000 rows of invoices. The oldest, row 0, is not" in caplog.text


def test_each_row_of_earlier_runs_is_asked_for_once_unless_the_list_brought_it() -> None:
    awaited = Awaited("invoices", {KEY: [*"abcdef"]}, LOGGER)
    awaited.note("b", is_awaited=False)
    awaited.note("new", is_awaited=True)
    found = dict(awaited.read(lambda key: {"id": key}, workers=2))
    assert {key: result() for key, result in found.items()} == {key: {"id": key} for key in "acdef"}
