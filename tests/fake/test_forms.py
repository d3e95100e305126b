"""The log, the clock, and the forms in which the fake runs."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.fake.client import LIST, NOON, Client
from tests.fake_qonto import FakeQonto, FakeQontoProcess
from tests.fake_qonto.clock import UTC, parse_instant


def test_request_log(client: Client, fake: FakeQonto) -> None:
    client.get(LIST, [("filter[status][]", "paid"), ("page", "1")], **client.key, X_Odd="1")
    client.refresh("x")
    first, second = fake.control.requests()
    assert (first["n"], first["host"], first["method"], first["path"]) == (1, "api", "GET", LIST)
    assert first["query"] == [["filter[status][]", "paid"], ["page", "1"]]
    assert first["headers"]["Authorization"] == client.key["Authorization"]
    assert first["headers"]["X_Odd"] == "1"
    assert first["started"] <= first["ended"]
    assert (second["host"], second["status"]) == ("oauth", 400)
    assert "grant_type=refresh_token" in second["body"]
    assert (fake.control.count(), fake.control.count("api", "supplier")) == (2, 1)
    fake.control.clear_requests()
    assert fake.control.requests() == []


# The forms in which it runs.


def test_clock(fake: FakeQonto) -> None:
    real = datetime.now(UTC)
    assert abs(parse_instant(fake.control.now()) - real) < timedelta(seconds=5)
    fake.control.set_clock(NOON)
    assert fake.control.now() == "2026-03-10T12:00:00.000000Z"
    fake.control.advance(1.5)
    assert fake.control.now() == "2026-03-10T12:00:01.500000Z"
    fake.control.set_clock(None)
    assert abs(parse_instant(fake.control.now()) - real) < timedelta(seconds=5)


def test_changes_from_many_threads(client: Client, fake: FakeQonto) -> None:
    keys = fake.control.invoice_ids()
    stop = threading.Event()

    def edit() -> None:
        while not stop.is_set():
            for key in keys[:20]:
                fake.control.edit_invoice(key, description="busy")

    with ThreadPoolExecutor(2) as pool:
        edits = [pool.submit(edit) for _ in range(2)]
        for _ in range(20):
            assert client.page(per_page=100, sort_by="updated_at:asc")["meta"]["total_count"] == 200
        stop.set()
        for done in edits:
            done.result()
    assert sorted(fake.control.invoice_ids()) == sorted(keys)


def test_stop_ends_what_is_under_way() -> None:
    with FakeQonto(invoices=1) as fake, ThreadPoolExecutor(1) as pool:
        fake.control.add_fault("delay", delay=60)
        asked = pool.submit(Client(fake).get, LIST)
        while not fake.control.count():
            time.sleep(0.01)
        started = time.perf_counter()
        fake.stop()
        assert time.perf_counter() - started < 30
        with pytest.raises(requests.ConnectionError):
            asked.result()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", urlsplit(fake.url).port or 0), 1)


def test_process_form() -> None:
    with FakeQontoProcess(seed=3, invoices=20, today="2026-01-01") as remote:
        with FakeQonto(seed=3, invoices=20, today="2026-01-01") as local:
            assert remote.control.invoices() == local.control.invoices()
        key = remote.control.add_attachment(b"\x00\xff", file_name="ü")
        assert remote.control.file_bytes(key) == b"\x00\xff"
        assert remote.control.add_invoices([{"attachment_id": key}])
        remote.control.after_request(1, [{"op": "delete_attachment", "id": key}])
        headers = {"Authorization": f"{remote.login}:{remote.secret_key}"}
        url = f"{remote.url}/v2/attachments/{key}"
        statuses = [requests.get(url, headers=headers, timeout=60).status_code for _ in range(2)]
        assert statuses == [200, 404]
        assert remote.control.count() == 2
        with pytest.raises(ValueError, match="NotHereError"):
            remote.control.invoice("x")
        with pytest.raises(ValueError, match="no control method 'on_request'"):
            remote.control.on_request(None)
        process = remote._process
        remote.stop()
        assert process is not None
        assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tests.fake_qonto", "--port", "0", "--invoices", "3"]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        headers = {"Authorization": f"{facts['login']}:{facts['secret_key']}"}
        answer = requests.get(f"{facts['url']}{LIST}", headers=headers, timeout=60)
        assert answer.json()["meta"]["total_count"] == 3
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert out == ""
    assert facts["url"] in err
    assert "Traceback" not in err


def test_process_ends_with_its_parent() -> None:
    remote = FakeQontoProcess(invoices=1)
    remote.start()
    process = remote._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(10) == 0
    remote.stop()
