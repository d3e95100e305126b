"""The figures of `make bench`, on small sizes: that they mean what they say, not how good."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench import report
from bench.backfill import sustained
from bench.edits import compared
from bench.endless import Endless, served
from bench.figures import Figure, Goal
from bench.lab import OURS, PLAIN, BenchError, Lab
from bench.lists import growth, lists, night
from bench.loading import CHOSEN, loading, schema_first, schema_repeated
from bench.messages import messages
from bench.receipts import receipts
from bench.rows import memory, rows, wide
from tests.stack import postgres
from tests.support import FILES, INVOICES, Output
from tests.targets.catalog import TARGETS, Place

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto


@pytest.fixture
def lab(fake: FakeQonto, tmp_path: Path) -> Lab:
    return Lab(fake, tmp_path)


@pytest.mark.parametrize("per_page", [0, 20])
def test_the_guides_pattern_loses_rows_under_edits_and_ours_does_not(
    lab: Lab, per_page: int
) -> None:
    ours, guide = compared(lab, 1500, per_page)
    assert (ours.unseen, ours.stale) == (0, 0)
    assert bool(guide.unseen) == bool(per_page)
    if not per_page:
        # Each of eight workers may end with a page that is not full, and one for a half.
        assert ours.requests <= guide.requests + 1.5 * 8


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


def test_figures_are_measured(lab: Lab) -> None:
    figures = [
        *rows(lab, invoices=30),
        *memory(lab, few=10, many=30, files=2, file_size=1000),
        *messages(lab, invoices=30),
    ]
    assert all(figure.ours > 0 for figure in figures if figure.key != "memory_growth")
    assert all(figure.peer for figure in figures if figure.key != "memory_growth")


def test_lists_are_measured(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.lists.LATENCY", 0.01)
    figures = {
        figure.key: figure
        for figure in [
            *lists(lab, invoices=400, transactions=800),
            *night(lab, invoices=20),
            *growth(lab, counts=(50, 200, 400)),
            *wide(lab, count=60, times=1),
        ]
    }
    assert figures["supplier_invoices_calls"].peer == 4
    assert figures["supplier_invoices_calls"].ours >= 4
    assert figures["supplier_invoices_edited"].ours == 0
    assert figures["transactions_edited"].ours == 0
    may_be_nothing = {"growth_memory", "supplier_invoices_edited", "transactions_edited"}
    assert all(figure.ours > 0 for key, figure in figures.items() if key not in may_be_nothing)


def test_a_list_of_any_length_is_read_whole(lab: Lab) -> None:
    lab.seed(1)
    row = lab.fake.control.invoices()[0]
    with served(Endless(row, 730), {"id": row["organization_id"]}) as url:
        output = lab.sync(OURS, INVOICES, api_url=url).output
    assert len(set(output.ids())) == len(output.ids()) == 730


def test_targets_are_timed_with_all_rows_there(lab: Lab) -> None:
    figures = loading(lab, invoices=15, chosen=["meltanolabs-target-postgres"])
    assert [figure.peer_name for figure in figures] == ["SCHEMA repeated", "one SCHEMA each"]
    assert all(figure.ours > 0 and figure.peer for figure in figures)


def test_every_target_that_is_timed_can_be_set_up(tmp_path: Path) -> None:
    chosen = [target for target in TARGETS if target.name in CHOSEN]
    assert len(chosen) == len(CHOSEN)
    with postgres() as database:
        for target in chosen:
            target.destination(Place(tmp_path, "place", database))


def test_a_share_of_the_ceiling_is_counted_over_whole_windows(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.backfill.LATENCY", 0.01)
    monkeypatch.setattr("bench.backfill.SUSTAINED", ((10, 0.25), (15, 1)))
    share, files, _ = sustained(lab, invoices=60, plain_invoices=90)
    assert 0 < share.ours <= 1
    assert files.ours > 0


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


def test_receipts_cost_pages_of_transactions_and_no_call_each(lab: Lab) -> None:
    rate, share, calls = receipts(lab, transactions=60, plain_invoices=3)
    assert rate.ours > 0
    assert 0 < share.ours <= 1
    # The accounts, the organization, and for each account its first page in two ways.
    assert calls.ours < 60
