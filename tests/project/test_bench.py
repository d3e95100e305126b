"""The figures of `make bench`, on small sizes: that they mean what they say, not how good."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bench import report
from bench.__main__ import PARTS
from bench.backfill import share_of
from bench.edits import WORKERS, compared
from bench.endless import Endless, served
from bench.figures import Figure, Goal
from bench.lab import LISTS, OURS, PLAIN, BenchError, Lab
from bench.lists import _read
from bench.loading import CHOSEN, schema_first, schema_repeated
from tests.fake_qonto import FakeQontoProcess
from tests.stack import postgres
from tests.support import FILES, INVOICES, Output
from tests.targets.catalog import TARGETS, Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TINY: dict[str, dict[str, Any]] = {
    "files": {"invoices": 60, "plain_invoices": 90},
    "burst": {"invoices": 30},
    "receipts": {"transactions": 40, "plain_invoices": 3},
    "lists": {"counts": {"transactions": (900, 200)}, "burst": 900},
    "account": {
        "small": {INVOICES: 10},
        "large": {INVOICES: 20, "labels": 120},
    },
    "growth": {"counts": (50, 200, 400)},
    "rows": {"invoices": 30, "times": 1},
    "wide": {"count": 60, "times": 1},
    "memory": {"few": 10, "files": 2, "file_size": 1000},
    "targets": {"invoices": 15, "chosen": ["meltanolabs-target-postgres"]},
    "messages": {"invoices": 30},
    "edits": {"invoices": 150},
    "startup": {"times": 1},
}
"""Sizes at which each part is tried."""


@pytest.fixture(scope="module")
def fake_process() -> Iterator[FakeQontoProcess]:
    with FakeQontoProcess(invoices=0) as fake:
        yield fake


@pytest.fixture
def lab(fake_process: FakeQontoProcess, tmp_path: Path) -> Lab:
    return Lab(fake_process, tmp_path)


@pytest.mark.parametrize("per_page", [0, 20])
def test_the_guides_pattern_loses_rows_under_edits_and_ours_does_not(
    lab: Lab, per_page: int
) -> None:
    ours, guide = compared(lab, 1500, per_page)
    assert (ours.unseen, ours.stale) == (0, 0)
    assert bool(guide.unseen) == bool(per_page)
    if not per_page:
        # Each of eight workers may end with a page that is not full, and one for a half.
        assert ours.requests <= guide.requests + 1.5 * WORKERS


def test_the_plain_tap_reads_the_same_invoices_and_files(lab: Lab) -> None:
    lab.seed(45)
    ours, plain = (lab.sync(tap).output for tap in (OURS, PLAIN))
    assert set(ours.ids()) == set(plain.ids())
    ids = {row["id"]: row["sha256"] for row in ours.records(FILES)}
    assert {row["id"]: row["sha256"] for row in plain.records(FILES)}.items() <= ids.items()
    assert len(plain.of("SCHEMA", FILES)) > len(plain.of("SCHEMA", INVOICES)) == 1


def test_forms_of_a_recording_hold_the_same_rows(lab: Lab) -> None:
    lab.seed(25)
    ours = lab.sync(OURS).output
    for form in (schema_first, schema_repeated):
        changed = Output(form(ours))
        for stream in (INVOICES, FILES):
            assert changed.records(stream) == ours.records(stream)
        assert changed.state == ours.state
    assert len(Output(schema_first(ours)).of("SCHEMA")) == 2
    repeated = Output(schema_repeated(ours))
    assert len(repeated.of("SCHEMA", FILES)) == 1 + len(ours.records(FILES))


@pytest.mark.parametrize("part", PARTS)
def test_each_part_gives_its_figures(lab: Lab, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("account", "backfill", "lists", "receipts"):
        monkeypatch.setattr(f"bench.{module}.LATENCY", 0.01)
    monkeypatch.setattr("bench.backfill.SUSTAINED", ((10, 0.25), (15, 1)))
    monkeypatch.setattr("bench.backfill.BURST", ((10, 0.25),))
    monkeypatch.setattr("bench.lists.BURST", ((3, 0.25),))
    figures = PARTS[part](lab, **TINY[part])
    assert len({figure.key for figure in figures}) == len(figures) > 0
    for figure in figures:
        if figure.unit == "of the ceiling":
            assert 0 < figure.ours <= 1
        elif figure.goal is None or figure.goal.words != "0":
            assert figure.ours > 0
        else:
            # Rows lost, and requests refused.
            assert figure.ours == 0
    report.as_page(report.as_json(figures))


def test_every_part_is_tried() -> None:
    assert TINY.keys() == PARTS.keys()


def test_the_plain_tap_reads_the_same_lists(lab: Lab) -> None:
    lab.seed(130, {"transactions": 250, "statements": 120})
    names = [stream.name for stream in LISTS]
    ours, plain = (lab.sync(tap, *names).output for tap in (OURS, PLAIN))
    for stream in LISTS:
        keys, of_plain = (
            {
                tuple(record[key] for key in stream.primary_keys)
                for record in out.records(stream.name)
            }
            for out in (ours, plain)
        )
        # Of the accounts it reads the list alone, which lacks that of another bank.
        lacks = 1 if stream.name == "bank_accounts" else 0
        assert of_plain <= keys
        assert len(of_plain) == len(keys) - lacks, stream.name


def test_a_run_that_reads_too_little_gives_no_figure(lab: Lab) -> None:
    lab.seed(3)
    lab.fake.control.delete_invoice(lab.fake.control.invoice_ids()[0])
    with pytest.raises(BenchError, match="has read 2 of 3"):
        _read(lab, OURS, INVOICES, 3)


def test_a_list_of_any_length_is_read_whole(lab: Lab) -> None:
    lab.seed(1)
    row = lab.fake.control.invoices()[0]
    with served(Endless(row, 730), {"id": row["organization_id"]}) as url:
        output = lab.sync(OURS, INVOICES, api_url=url).output
    assert len(set(output.ids())) == len(output.ids()) == 730


def test_every_target_that_is_timed_can_be_set_up(tmp_path: Path) -> None:
    chosen = [target for target in TARGETS if target.name in CHOSEN]
    assert len(chosen) == len(CHOSEN)
    with postgres() as database:
        for target in chosen:
            target.destination(Place(tmp_path, "place", database))


def test_a_share_of_the_ceiling_is_counted_over_whole_windows() -> None:
    calls = [{"started": started} for started in (5, 5, 6, 15, 17, 25, 26, 27)]
    assert share_of((3, 10), calls) == 5 / 6
    with pytest.raises(BenchError, match="do not fill a window"):
        share_of((3, 10), calls[:3])


def test_a_run_that_fails_gives_no_figure(lab: Lab) -> None:
    lab.seed(1)
    with pytest.raises(BenchError, match="end_date"):
        lab.sync(OURS, INVOICES, end_date="never")


def test_what_is_missed_stands_as_missed() -> None:
    figures = [
        Figure("one", "a figure", "s", 1.5, 3000.0, goal=Goal("≥ 1", 1.5, 1), note="how"),
        Figure("two", "another", "s", 1.5, goal=Goal("≤ 1", 1.5, 1, at_most=True)),
    ]
    run = json.loads(json.dumps(report.as_json(figures)))
    page = report.as_page(run)
    assert "| a figure (1) | 1.5 s | 3,000 (plain SDK tap) | ≥ 1 | yes |" in page
    assert "| another | 1.5 s |  | ≤ 1 | **missed** |" in page
    assert "1. how" in page
    assert report.as_table(run).row_count == 2
