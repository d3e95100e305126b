"""Targets that install in seconds load what the tap writes, without a difference.

The long form, with more targets and all ways of use, is ``make targets``.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.support import INVOICES
from tests.targets.catalog import CHECKS, QUICK, TARGETS, Place
from tests.targets.page import PAGE, page
from tests.targets.recordings import populate, record
from tests.targets.trials import try_out
from tests.targets.values import differences, source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fake_qonto import FakeQonto
    from tests.targets.recordings import Recording
    from tests.targets.values import Row

    Recorder = Callable[[str], Recording]

BY_NAME = {target.name: target for target in TARGETS}


@pytest.fixture(scope="module")
def recorded(running_fake: FakeQonto, tmp_path_factory: pytest.TempPathFactory) -> Recorder:
    """Two runs of the tap in a way of use, recorded when first asked for."""
    folder = tmp_path_factory.mktemp("recordings")
    return cache(lambda way: record(running_fake, folder / way, way))


@pytest.mark.xdist_group("targets")
@pytest.mark.parametrize(("name", "way"), [(name, way) for name in QUICK for way in QUICK[name]])
def test_a_target_holds_what_qonto_has(
    recorded: Recorder, tmp_path: Path, name: str, way: str
) -> None:
    target = BY_NAME[name]
    verdict = try_out(target, recorded(way), Place(tmp_path / "place", "place"))
    assert verdict.unexpected(target, way) == []


def lose_a_row(rows: list[Row]) -> None:
    rows.pop()


def repeat_a_row(rows: list[Row]) -> None:
    rows.append(rows[0])


def lose_a_digit(rows: list[Row]) -> None:
    paid = next(row for row in rows if row["total_amount"])
    paid["total_amount"] = paid["total_amount"] | {"value": paid["total_amount"]["value"][:-1]}


def shift_by_an_hour(rows: list[Row]) -> None:
    rows[0]["updated_at"] += timedelta(hours=1)


def empty_a_null(rows: list[Row]) -> None:
    next(row for row in rows if row["description"] is None)["description"] = ""


def cut_a_list(rows: list[Row]) -> None:
    row = next(row for row in rows if row["matched_transactions"])
    row["matched_transactions"] = row["matched_transactions"][1:]


def add_a_column(rows: list[Row]) -> None:
    rows[0]["another"] = None


@pytest.mark.parametrize(
    ("harm", "check"),
    [
        (lose_a_row, "rows"),
        (repeat_a_row, "rows"),
        (add_a_column, "rows"),
        (lose_a_digit, "decimals"),
        (shift_by_an_hour, "instants"),
        (empty_a_null, "nulls"),
        (cut_a_list, "nested"),
    ],
)
def test_what_a_target_does_to_rows_is_seen(
    fake: FakeQonto, harm: Callable[[list[Row]], None], check: str
) -> None:
    populate(fake)
    table = source(fake)[INVOICES]
    rows = [dict(row) for row in table.rows.values()]
    assert differences(INVOICES, table, rows, appended=False) == []
    harm(rows)
    found = differences(INVOICES, table, rows, appended=False)
    assert {difference.check for difference in found} == {check}


def test_limits_are_of_checks_that_there_are() -> None:
    assert {check for target in TARGETS for check in target.limits} <= CHECKS.keys()


def test_the_page_is_of_this_catalog() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
