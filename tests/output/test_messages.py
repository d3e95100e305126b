"""What a small sync writes, message by message, and what it logs.

After a change on purpose: ``pytest tests/output/test_messages.py --snapshot-update``.
"""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from singer_sdk.singerlib import RecordMessage, StateMessage

from tap_qonto.output.messages import MessageWriter
from tap_qonto.output.outcomes import Outcome
from tap_qonto.output.progress import Progress
from tests.fake_qonto import TODAY, FakeQontoProcess
from tests.support import FILES, INVOICES, Runner, discovered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from tests.fake_qonto import FakeQonto
    from tests.support import Output

NOW = datetime(2025, 6, 30, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def frozen_fake() -> Iterator[FakeQontoProcess]:
    """A fake with five invoices, in a process of its own, whose time does not stop."""
    with FakeQontoProcess(seed=4, invoices=5, today=TODAY) as fake:
        fake.control.set_clock(NOW.isoformat())
        fake.control.set(timestamp_style="mixed")
        fake.control.delete_attachment(fake.control.invoices()[3]["attachment_id"])
        yield fake


def small_sync(fake: FakeQontoProcess, folder: Path) -> Output:
    with time_machine.travel(NOW, tick=False):
        return Runner.against(fake, folder).sync(page_size=3)


def plain(text: str, tmp_path: Path) -> str:
    """Replace what differs from run to run."""
    for pattern, word in (
        (re.escape(str(tmp_path)), "…"),
        (r"trace id [0-9a-f]{32}", "trace id …"),
        (r'"value":[\d.e-]+', '"value":…'),
        (r'"pid":\d+', '"pid":…'),
        (r"in \d+ s, [\d.,]+ rows/s", "in … s, … rows/s"),
        (r"in [\d.]+ s(?=$|, \d+ files)", "in … s"),
    ):
        text = re.sub(pattern, word, text)
    return text


def test_the_messages_of_a_small_sync_are_as_they_were(
    frozen_fake: FakeQontoProcess, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    lines = plain(small_sync(frozen_fake, tmp_path).stdout.decode(), tmp_path).splitlines()
    # The schemas are in test_catalog.
    assert [re.sub(r'"schema":{.*},"key', '"schema":…,"key', line) for line in lines] == snapshot


def test_the_log_of_a_small_sync_is_as_it_was(
    frozen_fake: FakeQontoProcess,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    snapshot: SnapshotAssertion,
) -> None:
    discovered()  # made once for all tests, and logs as it is made
    with caplog.at_level(logging.INFO):
        small_sync(frozen_fake, tmp_path)
    lines = [
        plain(f"{record.levelname} {record.name}: {record.getMessage()}", tmp_path)
        for record in caplog.records
        if record.name.startswith(("tap-qonto", "singer_sdk"))
        # The clock of this process is stopped, and that of the server is not.
        and "The clock of this machine" not in record.getMessage()
    ]
    assert lines == snapshot


@pytest.mark.real_clock("it runs a process")
def test_every_message_is_one_line_of_json(company: FakeQonto, tap: Runner) -> None:
    output = tap.run()
    lines = output.stdout.split(b"\n")
    assert lines[-1] == b""
    assert {json.loads(line)["type"] for line in lines[:-1]} == {"SCHEMA", "RECORD", "STATE"}
    assert len(output.records()) == len(company.control.invoice_ids())


@pytest.mark.real_clock("it runs a process")
def test_the_log_grows_with_pages_and_not_with_rows(company: FakeQonto, tap: Runner) -> None:
    lines = {}
    for invoices, page_size in ((20, 10), (80, 40), (80, 10)):
        company.control.reset(invoices=invoices, today=TODAY)
        output = tap.run(page_size=page_size)
        assert output.code == 0
        lines[invoices, page_size] = len(output.stderr.splitlines())
    assert lines[20, 10] == lines[80, 40]
    pages = 9 - 3
    assert lines[80, 10] - lines[80, 40] <= 2 * pages


@pytest.mark.real_clock("it runs a process")
def test_nothing_of_an_invoice_is_in_the_log(company: FakeQonto, tap: Runner) -> None:
    output = tap.run(environment={"TAP_QONTO_LOGLEVEL": "DEBUG"})
    assert output.code == 0
    for row in company.control.invoices():
        for name in ("supplier_name", "iban", "invoice_number", "file_name", "vat_number"):
            assert not row.get(name) or str(row[name]) not in output.stderr, name
    assert company.secret_key not in output.stderr


# The writer alone.


def written(capfdbinary: pytest.CaptureFixture[bytes], *messages: Any) -> list[bytes]:
    writer = MessageWriter()
    for message in messages:
        writer.write_message(message)
    writer.flush()
    return capfdbinary.readouterr().out.splitlines(keepends=True)


def test_decimals_are_written_as_numbers_with_all_their_digits(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    digits = "12345678901234567890.123456789012345678901234567890"
    message = RecordMessage(stream="s", record={"a": Decimal(digits), "b": Decimal("0.10")})
    assert written(capfdbinary, message) == [
        b'{"type":"RECORD","stream":"s","record":{"a":%s,"b":0.10}}\n' % digits.encode()
    ]


def test_line_breaks_in_texts_stay_inside_their_line(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    text = "a\nb\r\u2028\u0085é\0"
    [line] = written(capfdbinary, RecordMessage(stream="s", record={"a": text}))
    assert json.loads(line)["record"]["a"] == text
    assert line.count(b"\n") == 1


def test_a_version_and_a_time_come_along(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    message = RecordMessage(stream="s", record={}, version=7, time_extracted=NOW)
    [line] = written(capfdbinary, message)
    assert json.loads(line) == {
        "type": "RECORD",
        "stream": "s",
        "record": {},
        "version": 7,
        "time_extracted": "2025-06-30T12:00:00+00:00",
    }


def test_an_action_waits_until_the_line_is_complete(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer = MessageWriter()
    writer.after_line(lambda: writer.write_message(StateMessage(value={"n": 1})))
    writer.write_message(StateMessage(value={"n": 2}))
    lines = capfdbinary.readouterr().out.splitlines()
    assert [json.loads(line)["value"]["n"] for line in lines] == [1, 2]


def test_records_wait_for_each_other_and_go_out_before_the_next_state(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer = MessageWriter()
    for n in range(3):
        writer.write_message(RecordMessage(stream="s", record={"n": n}))
    assert capfdbinary.readouterr().out == b""
    writer.write_message(StateMessage(value={}))
    lines = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [line.get("record", {}).get("n") for line in lines] == [0, 1, 2, None]
    for _ in range(70):
        writer.write_message(RecordMessage(stream="s", record={"a": "a" * 1000}))
    assert 64_000 < len(capfdbinary.readouterr().out) < 70_000


class ShortOutput(io.RawIOBase):
    """Output that Python does not buffer; a signal comes with each write, and cuts it short."""

    def __init__(self, on_signal: Callable[[], object]) -> None:
        self.taken = b""
        self.buffer = self
        self._on_signal = on_signal

    def write(self, data: Any) -> int:
        self._on_signal()
        self.taken += bytes(data[:10])
        return len(data[:10])


def test_a_write_that_a_signal_cuts_short_goes_on_before_the_signal_is_obeyed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = MessageWriter()
    signals: list[object] = []

    def on_signal() -> None:
        if not signals:
            signals.append(None)
            writer.after_line(lambda: writer.write_message(StateMessage(value={"n": 2})))

    output = ShortOutput(on_signal)
    monkeypatch.setattr(sys, "stdout", output)
    writer.write_message(StateMessage(value={"n": 1}))
    lines = output.taken.splitlines()
    assert [json.loads(line)["value"]["n"] for line in lines] == [1, 2]


# Progress alone.


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def progressing(caplog: pytest.LogCaptureFixture, *followers: Outcome) -> tuple[Clock, Progress]:
    caplog.set_level(logging.INFO, "tap-qonto.test")
    clock = Clock()
    logger = logging.getLogger("tap-qonto.test")
    return clock, Progress(logger, Outcome("invoices"), followers, clock)


def test_progress_is_told_every_ten_seconds_at_most(caplog: pytest.LogCaptureFixture) -> None:
    files = Outcome("files")
    clock, progress = progressing(caplog, files)
    progress.expect("one part", 400)
    progress.expect("another", 500)
    progress.expect("another", 600)
    for _ in range(250):
        clock.now += 0.125
        files.file(10_000)
        progress.row()
    assert caplog.messages == [
        "80 of 1,000 rows, 80 files (0.8 MB) in 10 s, 8.0 rows/s, about 115 s left",
        "160 of 1,000 rows, 160 files (1.6 MB) in 20 s, 8.0 rows/s, about 105 s left",
        "240 of 1,000 rows, 240 files (2.4 MB) in 30 s, 8.0 rows/s, about 95 s left",
    ]


def test_more_rows_than_were_counted_are_told_without_the_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, progress = progressing(caplog)
    progress.expect("walk", 3)
    for _ in range(4):
        clock.now += 3
        progress.row()
    assert caplog.messages == ["4 rows in 12 s, 0.3 rows/s"]


def test_the_end_is_told_with_what_was_written(caplog: pytest.LogCaptureFixture) -> None:
    """Not with what was read: rows of a stream that is not selected go nowhere."""
    clock, progress = progressing(caplog)
    clock.now = 2.0
    progress.row()
    progress.report()
    assert caplog.messages == ["Finished: 0 rows in 2 s, 0.0 rows/s"]


@pytest.mark.real_clock("it runs a process")
def test_streams_are_named_in_the_log_once(company: FakeQonto, tap: Runner) -> None:
    output = tap.run()
    for stream in (INVOICES, FILES):
        assert output.stderr.count(f"Beginning sync of '{stream}'") == 1
    assert len(output.records()) == len(company.control.invoice_ids())
