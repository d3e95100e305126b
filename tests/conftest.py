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
    collect_ignore = ["project", "journeys/test_end_to_end.py", "journeys/test_soak.py"]

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the instant at which the tests are to believe they run."""
    parser.addoption("--clock", help="an instant (ISO 8601) at which the clock stands at first")


@pytest.fixture(autouse=True)
def _clock(request: pytest.FixtureRequest) -> Iterator[None]:
    """Move the clock of this process, where `--clock` asks for it; it goes on from there."""
    instant = request.config.getoption("--clock")
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
