"""Who may ask, and how often."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fake.client import LIST, TIMEOUT, Client
from tests.fake_qonto import FakeQonto
from tests.fake_qonto.server.answers import LOGIN_URL
from tests.fake_qonto.server.limits import RateLimiter


def test_api_key(client: Client, fake: FakeQonto) -> None:
    right = f"{fake.login}:{fake.secret_key}"
    assert client.get("/v2/organization").json()["organization"]["slug"] == fake.login
    for wrong in (f"Bearer {right}", f"Basic {right}", f"{right}x", fake.secret_key):
        answer = client.get(LIST, Authorization=wrong)
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["code"] == "unauthorized"


def test_missing_authorization(client: Client, fake: FakeQonto) -> None:
    answer = client.get(LIST, Accept="application/json")
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == "authorization_header_missing"
    fake.control.set(missing_auth_status=400)
    answer = client.get(LIST, Accept="application/json")
    assert (answer.status_code, answer.json()["errors"][0]["detail"]) == (
        400,
        "Authorization field missing",
    )
    fake.control.set(require_auth=False)
    assert client.get(LIST, Accept="application/json").status_code == 200


def test_unknown_route(client: Client) -> None:
    for path in ("/v2/organizations", "/v2/supplier_invoices/", "/"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/plain")
        assert answer.headers["X-Tyk-Trace-Id"]


@pytest.mark.parametrize("style", ["list", "object", "flat", "message", "text", "empty"])
def test_error_bodies(client: Client, fake: FakeQonto, style: str) -> None:
    fake.control.set(error_style=style)
    answer = client.get(f"{LIST}/x")
    assert answer.status_code == 404
    trace_id = answer.headers["X-Tyk-Trace-Id"]
    if style == "empty":
        assert answer.content == b""
        return
    if style == "text":
        assert answer.headers["Content-Type"].startswith("text/plain")
        return
    body = answer.json()
    error = {"code": "not_found", "detail": "Resource not found"}
    expected = {
        "list": {"errors": [error | {"status": "404"}], "trace_id": trace_id},
        "object": {"errors": error, "trace_id": trace_id},
        "flat": error,
        "message": {"message": "Not Found", "trace_id": trace_id},
    }
    assert body == expected[style]


@pytest.mark.parametrize("status", [200, 302])
def test_staging_gate(client: Client, fake: FakeQonto, status: int) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.set(staging_token="stage", staging_gate_status=status)
    wrong_case = client.key | {"x-qonto-staging-token": "stage"}
    wrong = client.key | {"X-Qonto-Staging-Token": "other"}
    answers = [
        client.get(LIST),
        client.get(LIST, **wrong_case),
        client.get(LIST, **wrong),
        client.file(url),
        client.session.post(
            f"{fake.oauth_url}/oauth2/token", timeout=TIMEOUT, allow_redirects=False
        ),
    ]
    for answer in answers:
        assert answer.status_code == status
        assert answer.headers["Content-Type"].startswith("text/html")
        assert (answer.headers.get("Location") == LOGIN_URL) is (status == 302)
    token = {"X-Qonto-Staging-Token": "stage"}
    assert client.get(LIST, **client.key, **token).status_code == 200
    assert client.file(url, **token).status_code == 200


# Limits.


def test_rate_windows(client: Client, fake: FakeQonto) -> None:
    fake.control.set(rate_limits=[[5, 10], [8, 600]])

    def statuses(count: int) -> list[int]:
        return [client.get("/v2/organization").status_code for _ in range(count)]

    assert statuses(6) == [200] * 5 + [429]
    fake.control.advance(11)
    assert statuses(4) == [200] * 3 + [429]
    fake.control.advance(11)
    assert statuses(1) == [429]
    fake.control.advance(600)
    assert statuses(1) == [200]
    assert [entry["status"] for entry in fake.control.requests("api")].count(429) == 3


def test_default_windows(fake: FakeQonto) -> None:
    limits = fake.control.settings()["rate_limits"]
    assert limits == [[1000, 10], [10_000, 600]]
    limiter = RateLimiter()
    waits = [limiter.wait(limits, 200, 0.0) for _ in range(1001)]
    assert waits == [None] * 1000 + [10.0]
    for turn in range(1, 10):
        assert [limiter.wait(limits, 200, turn * 10.0) for _ in range(1000)] == [None] * 1000
    assert limiter.wait(limits, 200, 100.0) == 500.0
    assert limiter.wait(limits, 200, 600.0) is None


def test_429_bodies(client: Client, fake: FakeQonto) -> None:
    fake.control.set(rate_limits=[[1, 10]])
    client.get(LIST)
    answer = client.get(LIST)
    assert answer.status_code == 429
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "Retry-After" not in answer.headers
    fake.control.set(retry_after="seconds", rate_limit_body="json")
    answer = client.get(LIST)
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert answer.json()["errors"][0]["code"] == "too_many_requests"
    fake.control.set(retry_after="date")
    assert client.get(LIST).headers["Retry-After"].endswith("GMT")


def test_too_many_401s(client: Client, fake: FakeQonto) -> None:
    for _ in range(201):
        assert client.get(LIST, Authorization="wrong").status_code == 401
    assert client.get(LIST).status_code == 429
    fake.control.advance(3601)
    assert client.get(LIST).status_code == 200


def test_files_are_not_counted(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.set(rate_limits=[[1, 10]])
    assert [client.file(url).status_code for _ in range(5)] == [200] * 5


def test_latency_lets_requests_overlap(fake: FakeQonto) -> None:
    fake.control.set(latency=0.3)
    started = time.perf_counter()
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: Client(fake).get("/v2/organization"), range(5)))
    assert time.perf_counter() - started >= 0.3
    assert fake.control.max_in_flight("api") == 5
    assert fake.control.max_in_flight("files") == 0


def test_file_latency(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.set(file_latency=0.2)
    started = time.perf_counter()
    assert client.file(url).status_code == 200
    assert time.perf_counter() - started >= 0.2
