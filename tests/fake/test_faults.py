"""Faults on demand."""

import time

import pytest
import requests

from tests.fake.client import LIST, Client
from tests.fake_qonto import FakeQonto


def test_status_fault(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("status", status=503, retry_after="7", times=1)
    answer = client.get(LIST)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert answer.json()["errors"][0]["code"] == "service_unavailable"
    assert client.get(LIST).status_code == 200


def test_status_fault_of_other_hosts(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.add_fault("status", host="files", status=503)
    fake.control.add_fault("status", host="oauth", status=500)
    assert "<Code>SlowDown</Code>" in client.file(url).text
    assert client.refresh("x").json()["error"] == "server_error"
    assert client.get(LIST).status_code == 200


def test_which_requests_meet_a_fault(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("status", path="/attachments/", after=1, times=2)
    key = fake.control.attachment_ids()[0]

    def status(path: str) -> int:
        return client.get(path).status_code

    assert [status(f"/v2/attachments/{key}") for _ in range(4)] == [200, 503, 503, 200]
    assert status(LIST) == 200
    fake.control.add_fault("status")
    fake.control.clear_faults()
    assert status(LIST) == 200


def test_faults_by_chance_are_repeatable(client: Client, fake: FakeQonto) -> None:
    def run() -> list[int]:
        fake.control.reset(invoices=1)
        fake.control.add_fault("status", probability=0.3)
        return [client.get("/v2/organization").status_code for _ in range(60)]

    first = run()
    assert 5 < first.count(503) < 35
    assert run() == first


def test_delay(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("delay", delay=0.3)
    with pytest.raises(requests.ReadTimeout):
        client.session.get(f"{fake.url}{LIST}", headers=client.key, timeout=0.1)
    started = time.perf_counter()
    assert client.get(LIST).status_code == 200
    assert time.perf_counter() - started >= 0.3


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_no_answer(client: Client, fake: FakeQonto, kind: str) -> None:
    fake.control.add_fault(kind, times=1)
    with pytest.raises(
        requests.ConnectionError, match="reset" if kind == "reset" else "Remote end"
    ):
        client.get(LIST)
    assert client.get(LIST).status_code == 200
    assert [entry["status"] for entry in fake.control.requests()] == [None, 200]


@pytest.mark.parametrize("host", ["api", "files"])
def test_cut_body(client: Client, fake: FakeQonto, host: str) -> None:
    key = fake.control.add_attachment(size=300_000)
    url = client.attachment(key)["url"]
    fake.control.add_fault("cut_body", host=host)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        client.get(LIST) if host == "api" else client.file(url)


def test_short_json(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("short_json")
    answer = client.get(LIST)
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize("difference", [-5, 5])
def test_wrong_length(client: Client, fake: FakeQonto, difference: int) -> None:
    key = fake.control.attachment_ids()[0]
    url = client.attachment(key)["url"]
    fake.control.add_fault("wrong_length", host="files", bytes=difference)
    size = len(fake.control.file_bytes(key))
    assert len(client.file(url).content) == size + difference


def test_expired_fault(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.add_fault("expired", host="files", times=1)
    answer = client.file(url)
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)
    assert client.file(url).status_code == 200


def test_html_redirect_and_raw_faults(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("html", times=1)
    fake.control.add_fault("redirect", location="http://evil.example/", times=1)
    fake.control.add_fault("raw", status=418, body="{", content_type="application/x-tea", times=1)
    answer = client.get(LIST)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    answer = client.get(LIST)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://evil.example/")
    answer = client.get(LIST)
    assert (answer.status_code, answer.text) == (418, "{")
    assert answer.headers["Content-Type"] == "application/x-tea"


def test_trickle(client: Client, fake: FakeQonto) -> None:
    fake.control.add_fault("trickle", delay=0.02, times=2)
    started = time.perf_counter()
    assert len(client.get(LIST).json()["supplier_invoices"]) == 25
    assert time.perf_counter() - started > 0.3


def test_unknown_faults(fake: FakeQonto) -> None:
    with pytest.raises(ValueError, match="no fault 'explode'"):
        fake.control.add_fault("explode")
    with pytest.raises(ValueError, match="on host 'moon'"):
        fake.control.add_fault("close", host="moon")
