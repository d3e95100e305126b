"""A run without changes, over all streams that are selected by default."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tap_qonto.errors import TapQontoError
from tap_qonto.http.early import THREADS
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.streams import STREAMS
from tests.fake_qonto import TODAY
from tests.support import RUN_SECONDS, discovered

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Output, Runner

MOST_CALLS = 45
SEVERAL_PAGES = ("clients", "credit_notes", "memberships", "products", "recurring_transfers")
"""Lists that are read in different ways."""


def by_default() -> list[str]:
    return [
        entry["tap_stream_id"]
        for entry in discovered()["streams"]
        for item in entry["metadata"]
        if not item["breadcrumb"] and item["metadata"].get("selected-by-default")
    ]


def told(output: Output) -> set[tuple[str, str]]:
    return {
        (message["stream"], repr(sorted(message["record"].items())))
        for message in output.of("RECORD")
        if message["stream"] != "sync_log"
    }


def test_it_takes_few_calls_and_they_go_out_side_by_side(company: FakeQonto, tap: Runner) -> None:
    state = tap.sync(*by_default()).state
    company.control.set(latency=0.05)
    company.control.clear_requests()
    quiet = tap.sync(*by_default(), state=state)
    calls = company.control.requests("api")
    assert len(calls) <= MOST_CALLS
    assert len({str((call["path"], call["query"])) for call in calls}) == len(calls)
    assert company.control.max_in_flight("api") > 2
    assert quiet.state["bookmarks"].keys() == state["bookmarks"].keys()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_no_more_are_under_way_than_list_concurrency_says(
    company: FakeQonto, tap: Runner, workers: int
) -> None:
    """Also where some are asked for before their turn, and other accounts are read meanwhile."""
    company.control.set(latency=0.02)
    lists = set(by_default()) & {
        stream.name for stream in STREAMS if issubclass(stream, QontoStream)
    }
    first = tap.sync(*lists, list_concurrency=workers)
    assert company.control.max_in_flight("api") == workers
    company.control.clear_requests()
    tap.sync("transactions", state=first.state, list_concurrency=workers)
    assert company.control.max_in_flight("api") <= workers


@pytest.mark.usefixtures("company")
def test_the_rows_are_those_of_a_run_that_asks_one_by_one(tap: Runner) -> None:
    one_by_one = tap.sync(*by_default(), list_concurrency=1)
    at_once = tap.sync(*by_default())
    assert told(at_once) == told(one_by_one)


def test_lists_of_a_few_pages_cost_no_call_more(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=230, today=TODAY, **dict.fromkeys(SEVERAL_PAGES, 230))
    names = ["supplier_invoices", *SEVERAL_PAGES]
    paths = []
    for workers in (1, 8):
        fake.control.clear_requests()
        tap.sync(*names, list_concurrency=workers)
        paths.append(sorted(call["path"] for call in fake.control.requests("api")))
    assert len(paths[0]) > 3 * len(names)
    assert paths[1] == paths[0]


@pytest.mark.parametrize(("rows", "pages"), [(230, 3), (730, 1)])
def test_a_short_list_is_asked_for_to_its_end_before_its_turn(
    fake: FakeQonto, tap: Runner, rows: int, pages: int
) -> None:
    """Of a longer one, pages would wait in memory."""
    fake.control.reset(products=rows, today=TODAY)
    [products] = [each for each in tap.tap().streams.values() if each.name == "products"]
    assert isinstance(products, QontoStream)
    products.ask_ahead()
    while under_way := [each for each in threading.enumerate() if each.name == THREADS]:
        under_way[0].join(RUN_SECONDS)
    assert fake.control.count("api") == pages


def test_a_credential_that_is_refused_is_refused_once(company: FakeQonto, tap: Runner) -> None:
    with pytest.raises(TapQontoError):
        tap.sync(*by_default(), secret_key="wrong")
    assert company.control.count("api") == 1
