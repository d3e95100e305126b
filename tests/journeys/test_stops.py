"""Wherever a run is stopped, the next one loses nothing and leaves nothing behind."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

import pytest

from tap_qonto.tap import _GRACE, _TELLING
from tests.destination import Destination, leftovers, unlimited
from tests.support import INVOICES, Json, Output, Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.fake_qonto import FakeQonto

KILLS = int(os.environ.get("TAP_QONTO_KILLS", "50"))


@contextmanager
def running(
    tap: Runner,
    stdout: int | IO[bytes] = subprocess.PIPE,
    stderr: int | IO[bytes] = subprocess.PIPE,
    **settings: object,
) -> Generator[subprocess.Popen[bytes], None, None]:
    """Run the tap as its users do; it is killed if it outlives the test."""
    config = tap.folder / "config.json"
    config.write_text(json.dumps(tap.settings(settings)))
    command = [sys.executable, "-m", "tap_qonto", "--config", str(config)]
    with subprocess.Popen(command, stdout=stdout, stderr=stderr) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def held(fake: FakeQonto, tap: Runner, kind: str, number: int) -> Callable[[], bool]:
    """Arrange that a run stands still at a place, and tell when it has come there.

    Args:
        fake: What the run asks.
        tap: What runs.
        kind: ``api``: a request to the API; ``files``: half of a file; ``line``: a line
            of output, behind which the run goes on.
        number: Which one of its kind, from 0.
    """
    if kind == "line":
        stdout = tap.folder / "stdout"
        stdout.unlink(missing_ok=True)
        return lambda: stdout.exists() and stdout.read_bytes().count(b"\n") > number
    fault = "delay" if kind == "api" else "trickle"
    fake.control.add_fault(fault, host=kind, after=number, times=1, delay=60)
    fake.control.clear_requests()
    return lambda: fake.control.count(kind) > number


def test_a_run_that_is_killed_anywhere_loses_nothing(fake: FakeQonto, tap: Runner) -> None:
    dice = random.Random(1)  # noqa: S311
    fake.control.reset(invoices=60)
    settings = {**unlimited(fake), "page_size": 7}
    places = 0
    killed: set[str] = set()
    destination = Destination()
    for run in range(KILLS):
        kind = ("api", "files", "line")[run % 3]
        output = tap.run(
            state=destination.state,
            killed_when=held(fake, tap, kind, dice.randrange(40)),
            attachments={"location": str(tap.folder / f"files{places}"), "concurrency": 4},
            **settings,
        )
        fake.control.clear_faults()
        destination.take(output.messages)
        for invoice in dice.sample(fake.control.invoice_ids(), 2):
            fake.control.edit_invoice(invoice, description=str(dice.random()))
        if output.code == 0:
            # The rest is quick to read: begin anew, so that kills hit something.
            places += 1
            destination = Destination()
        else:
            killed.add(kind)
    attachments = {"location": str(tap.folder / f"files{places}")}
    output = tap.sync(state=destination.state, attachments=attachments, **settings)
    destination.take(output.messages)
    destination.assert_has_all_invoices(fake)
    destination.assert_has_all_files(fake)
    assert leftovers(tap.folder / f"files{places}") == []
    assert killed >= {"api", "files"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("busy_with", ["download", "list", "limit"])
def test_a_signal_ends_the_run_in_time_with_a_state_and_a_sentence(
    fake: FakeQonto, tap: Runner, busy_with: str, number: signal.Signals
) -> None:
    fake.control.reset(invoices=60)
    settings: Json = {"page_size": 10}
    if busy_with == "download":
        fake.control.add_fault("trickle", host="files", after=25, delay=5)
    elif busy_with == "list":
        fake.control.add_fault("delay", path="supplier_invoices$", after=2, delay=60)
    else:
        settings["rate_limits"] = [{"requests": 30, "seconds": 3600}]
    with (
        (tap.folder / "stdout").open("wb") as stdout,
        running(tap, stdout, **settings) as process,
    ):
        assert process.stderr
        what, count = {
            "download": (("files",), 26),
            "list": (("api", "supplier_invoices$"), 3),
            "limit": (("api",), 30),
        }[busy_with]
        wait_for(lambda: fake.control.count(*what) >= count)
        process.send_signal(number)
        # Qonto's answer would come after 60 seconds, the next request after an hour.
        assert process.wait(30) == 128 + number
        assert _GRACE < 5
        log = process.stderr.read().decode()
    assert f"Stopped by {number.name}." in log
    assert "Traceback" not in log
    output = Output((tap.folder / "stdout").read_bytes())
    assert output.messages[-1]["type"] == "STATE"
    fake.control.clear_faults()
    destination = Destination()
    destination.take(output.messages)
    destination.take(tap.sync(state=destination.state).messages)
    destination.assert_has_all_invoices(fake)
    destination.assert_has_all_files(fake)
    assert leftovers(tap.files) == []


EARLY = """
import os, signal
from tap_qonto.tap import TapQonto

def setup_mapper(tap):
    os.kill(os.getpid(), signal.SIGTERM)

TapQonto.setup_mapper = setup_mapper
TapQonto.cli()
"""


def test_a_signal_before_the_state_is_read_leaves_it_alone(fake: FakeQonto, tap: Runner) -> None:
    config = tap.folder / "config.json"
    config.write_text(json.dumps(tap.settings({})))
    command = [sys.executable, "-c", EARLY, "--config", str(config)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stdout == ""
    assert "Stopped by SIGTERM." in done.stderr
    assert fake.control.count() == 0


def test_a_signal_ends_a_run_whose_target_does_not_read(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=200)
    unread, pipe = os.pipe()
    with os.fdopen(unread), os.fdopen(pipe, "wb") as stdout, running(tap, stdout) as process:
        wait_for(lambda: not select.select([], [stdout], [], 0)[1])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM
        assert process.stderr
        assert "Stopped by SIGTERM." in process.stderr.read().decode()
    assert _GRACE + _TELLING < 5


def test_a_log_that_nobody_reads_does_not_hold_up_the_end(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=60)
    fake.control.add_fault("delay", path="supplier_invoices$", after=2, delay=60)
    unread, pipe = os.pipe()
    with (
        os.fdopen(unread),
        os.fdopen(pipe, "wb") as log,
        running(tap, stderr=log, page_size=10) as process,
    ):
        wait_for(lambda: fake.control.count("api", "supplier_invoices$") >= 3)
        os.set_blocking(log.fileno(), False)
        with suppress(BlockingIOError):
            while True:
                os.write(log.fileno(), bytes(1_000))
        os.set_blocking(log.fileno(), True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM


def test_a_signal_that_comes_twice_at_once_is_one(fake: FakeQonto, tap: Runner) -> None:
    """A terminal sends Ctrl-C to the tap as well as to who runs it, who may pass it on."""
    fake.control.reset(invoices=60)
    fake.control.add_fault("delay", path="supplier_invoices$", after=2, delay=60)
    with (
        (tap.folder / "stdout").open("wb") as stdout,
        running(tap, stdout, page_size=10) as process,
    ):
        wait_for(lambda: fake.control.count("api", "supplier_invoices$") >= 3)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGINT
        assert process.stderr
        assert "Stopped by SIGINT." in process.stderr.read().decode()
    output = Output((tap.folder / "stdout").read_bytes())
    assert output.messages[-1]["type"] == "STATE"


def test_a_target_that_dies_leaves_a_sentence_and_whole_files(fake: FakeQonto, tap: Runner) -> None:
    fake.control.reset(invoices=200)
    with running(tap) as process:
        assert process.stdout
        assert process.stderr
        for _ in range(20):
            process.stdout.readline()
        process.stdout.close()
        log = process.stderr.read().decode()
        assert process.wait(20) == 1
    assert "The target ended before the tap" in log
    assert "Traceback" not in log
    assert "Exception ignored" not in log
    output: Output = tap.sync()
    destination = Destination()
    destination.take(output.messages)
    destination.assert_has_all_files(fake)
    assert leftovers(tap.files) == []
    assert len(output.records(INVOICES)) == 200
