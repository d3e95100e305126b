"""A run without changes, over all streams that are selected by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_qonto.errors import TapQontoError
from tests.support import discovered

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Output, Runner

MOST_CALLS = 45


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


@pytest.mark.usefixtures("company")
def test_the_rows_are_those_of_a_run_that_asks_one_by_one(tap: Runner) -> None:
    one_by_one = tap.sync(*by_default(), list_concurrency=1)
    at_once = tap.sync(*by_default())
    assert told(at_once) == told(one_by_one)


def test_a_credential_that_is_refused_is_refused_once(company: FakeQonto, tap: Runner) -> None:
    with pytest.raises(TapQontoError):
        tap.sync(*by_default(), secret_key="wrong")
    assert company.control.count("api") == 1
