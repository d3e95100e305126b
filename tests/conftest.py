"""Fixtures that tests share."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import time_machine
from hypothesis import HealthCheck, settings

from tests.fake_qonto import TODAY, FakeQonto
from tests.support import Runner

if TYPE_CHECKING:
    from collections.abc import Iterator

if not (Path(__file__).parents[1] / "README.md").exists():
    # Beside an installed wheel there is no project to look at.
    collect_ignore = ["dbt", "project", "journeys/test_end_to_end.py", "journeys/test_soak.py"]
    collect_ignore += ["journeys/test_all_streams.py", "journeys/test_utc.py"]

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("default")


CLOCKS = (
    "2026-12-31T23:59:50+00:00",  # the end of a year
    "2028-02-29T12:00:00+00:00",  # a leap day
    "2027-03-28T00:59:30+00:00",  # clocks in Europe go forward
    "2026-10-25T00:59:30+00:00",  # and back
    "2028-11-25T12:00:00+00:00",  # three years ahead
)
"""Instants that the tests run at once more, with `--clocks`."""
REAL_CLOCK = {
    "dbt": "they run dbt in processes of its own",
    "fake": "they are of the fake, which has a clock of its own",
    "journeys": "they run the tap in processes of its own",
    "project": "they read the project's files and run its programs",
}
"""Folders whose tests are at home in no other time, and why."""
_CLOCK = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for other clocks."""
    parser.addoption(
        "--clocks", action="store_true", help="run what runs in this process at other times"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers."""
    config.addinivalue_line("markers", "real_clock(reason): cannot run at other times")
    config.addinivalue_line("markers", "every_clock: runs at each of the other times")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked at all times, where `--clocks` asks for them."""
    marked = metafunc.definition.get_closest_marker("every_clock")
    if marked and metafunc.config.getoption("--clocks"):
        metafunc.parametrize("_clock", CLOCKS, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deal the tests out over the times; five cases of a test come to all of them.

    What has a timeout of its own is long and comes first, so that no worker ends alone.
    """
    items.sort(key=lambda item: item.get_closest_marker("timeout") is None)
    if not config.getoption("--clocks"):
        return
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        is_real = folder in REAL_CLOCK or item.get_closest_marker("real_clock")
        (left if is_real else kept).append(item)
    for number, item in enumerate(kept):
        item.stash[_CLOCK] = CLOCKS[number % len(CLOCKS)]
    config.hook.pytest_deselected(items=left)
    items[:] = kept


@pytest.fixture(autouse=True)
def _clock(request: pytest.FixtureRequest) -> Iterator[None]:
    """Move the clock of this process, where `--clocks` asks for it; it goes on from there."""
    instant = getattr(request, "param", None) or request.node.stash.get(_CLOCK, None)
    if instant is None:
        yield
        return
    with time_machine.travel(datetime.fromisoformat(instant)):
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to get the programs without which some tests were skipped."""
    lacking = [name for name in ("chromium", "redis-server") if shutil.which(name) is None]
    if lacking and terminalreporter.stats.get("skipped"):
        programs = " ".join(lacking)
        terminalreporter.write_line(
            f"Tests were skipped for want of {programs}: apt-get install {programs}"
        )


@pytest.fixture(scope="session")
def running_fake() -> Iterator[FakeQonto]:
    """One fake for the whole session; tests ask for `fake` instead."""
    with FakeQonto(invoices=0, today=TODAY) as fake:
        yield fake


@pytest.fixture
def fake(running_fake: FakeQonto) -> FakeQonto:
    """A fake Qonto without invoices."""
    running_fake.control.reset(invoices=0, today=TODAY)
    return running_fake


@pytest.fixture
def company(fake: FakeQonto) -> FakeQonto:
    """A fake Qonto with 30 invoices of all kinds."""
    fake.control.reset(invoices=30, today=TODAY)
    return fake


@pytest.fixture
def tap(fake: FakeQonto, tmp_path: Path) -> Runner:
    """The tap, set up for the fake, with a folder of its own."""
    return Runner.against(fake, tmp_path)
