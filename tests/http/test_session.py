"""The session: what goes out to which host, and what comes back."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime
from importlib.metadata import version
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests import Response
from requests.adapters import BaseAdapter
from typing_extensions import override

from tap_qonto.credentials.header import StaticCredential
from tap_qonto.errors import RefusedError, StoppedError, TapQontoError, UnreachableError
from tap_qonto.http.rate_budget import RateBudget
from tap_qonto.http.retries import TransientError
from tap_qonto.http.session import Session
from tap_qonto.http.stop import Stop
from tap_qonto.http.transport import read_answer
from tests.support import FILES, INVOICES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Runner

LIST = "/v2/supplier_invoices"
STAGING = "X-Qonto-Staging-Token"


class Clock(Event):
    """A `stop` whose waits move a clock instead of taking time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.waits: list[float] = []

    @override
    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        self.now += timeout or 0.0
        return self.is_set()


@dataclass
class Line:
    """A session to a fake, and its clock."""

    fake: FakeQonto
    clock: Clock = field(default_factory=Clock)

    def session(self, **facts: Any) -> Session:
        limits = [{"requests": 1_000, "seconds": 10}]
        clock = self.clock
        return Session(
            **{
                "api_url": self.fake.url,
                "authenticator": StaticCredential(
                    "the API key", f"{self.fake.login}:{self.fake.secret_key}"
                ),
                "budget": RateBudget(limits, sleep=clock.wait, clock=lambda: clock.now),
                "stop": Stop(clock),
                **facts,
            }
        )


@pytest.fixture
def line(company: FakeQonto) -> Line:
    return Line(company)


def get(session: Session, params: Sequence[tuple[str, str]] = (), path: str = LIST) -> Json:
    return session.get(path, params, what="stream x", scope="x.read").body


def signed_url(session: Session, attachment_id: str) -> str:
    url: str = get(session, path=f"/v2/attachments/{attachment_id}")["attachment"]["url"]
    return url


def file_of(session: Session, url: str) -> bytes:
    with session.files.open(url, what="it") as response:
        return b"".join(session.files.chunks(response, what="it"))


# What goes out.


def test_api_calls_carry_the_raw_key_and_say_who_asks(line: Line) -> None:
    get(line.session())
    [request] = line.fake.control.requests("api")
    headers = request["headers"]
    assert headers["Authorization"] == f"{line.fake.login}:{line.fake.secret_key}"
    assert headers["User-Agent"] == f"tap-qonto/{version('tap-qonto')}"
    assert headers["Accept"] == "application/json"
    assert STAGING not in headers


def test_an_access_token_goes_out_as_bearer(company: FakeQonto, tap: Runner) -> None:
    token = company.control.new_access_token()
    tap.sync(INVOICES, login=None, secret_key=None, access_token=token)
    sent = {request["headers"]["Authorization"] for request in company.control.requests("api")}
    assert sent == {f"Bearer {token}"}


def test_parameters_go_out_in_order_and_with_their_brackets(line: Line) -> None:
    params = [("filter[status][]", "paid"), ("filter[status][]", "to_pay"), ("query", "é&=+")]
    get(line.session(), [*params, ("query_fields", "supplier_name")])
    [request] = line.fake.control.requests("api")
    assert request["query"][:3] == [list(pair) for pair in params]


def test_files_are_fetched_without_any_credential(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    session = line.session()
    key = line.fake.control.attachment_ids()[0]
    assert file_of(session, signed_url(session, key)) == line.fake.control.file_bytes(key)
    [request] = line.fake.control.requests("files")
    assert {name.lower() for name in request["headers"]}.isdisjoint({"authorization", "cookie"})
    assert line.fake.control.requests("api")[0]["headers"]["Authorization"].startswith("acme")


def test_the_sandbox_gets_the_staging_token_spelt_as_documented(
    company: FakeQonto, tap: Runner
) -> None:
    company.control.set(staging_token="my-staging-token")
    output = tap.sync(staging_token="my-staging-token")
    assert len(output.ids(INVOICES)) == 30
    for request in company.control.requests():
        assert request["headers"][STAGING] == "my-staging-token"


@dataclass
class Recorder(BaseAdapter):
    """Stands for an internet that does not answer: keeps what is sent."""

    sent: list[requests.PreparedRequest] = field(default_factory=list)

    @override
    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.sent.append(request)
        raise requests.ConnectionError

    @override
    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("host", "is_qontos"),
    [
        ("files.qonto.com", True),
        ("uploads.staging.qonto.co", True),
        ("files.qonto.eu", True),
        ("qonto.s3.eu-central-1.amazonaws.com", False),
        ("qonto.com.example.org", False),
        ("evilqonto.com", False),
        ("qonto.com@example.org", False),
        ("example.org/.qonto.com", False),
        ("example.org?.qonto.com", False),
        ("127.0.0.1", False),
    ],
)
def test_the_staging_token_goes_to_qontos_own_hosts_alone(
    line: Line, host: str, *, is_qontos: bool
) -> None:
    session = line.session(
        api_url="https://thirdparty-sandbox.staging.qonto.co", staging_token="my-staging-token"
    )
    recorder = Recorder()
    session.files._pool.mount("https://", recorder)
    with pytest.raises(TransientError), session.files.open(f"https://{host}/file", what="it"):
        pass
    [request] = recorder.sent
    assert (request.headers.get(STAGING) == "my-staging-token") is is_qontos
    assert "authorization" not in {name.lower() for name in request.headers}


@pytest.mark.parametrize(
    "url",
    [
        "http://qonto.s3.eu-central-1.amazonaws.com/file",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost.example.org/file",
        "file:///etc/passwd",
        "ftp://files.qonto.com/file",
        "//files.qonto.com/file",
        "/etc/passwd",
        "",
    ],
)
def test_an_address_that_is_not_https_is_not_followed(line: Line, url: str) -> None:
    session = line.session()
    recorder = Recorder()
    session.files._pool.mount("http://", recorder)
    session.files._pool.mount("https://", recorder)
    with (
        pytest.raises(TapQontoError, match="an address that is not https"),
        session.files.open(url, what="attachment a of i"),
    ):
        pass
    assert recorder.sent == []


def test_loopback_addresses_are_for_a_loopback_api_alone(line: Line) -> None:
    url = signed_url(line.session(), line.fake.control.attachment_ids()[0])
    session = line.session(api_url="https://thirdparty.qonto.com")
    with (
        pytest.raises(TapQontoError, match="an address that is not https"),
        session.files.open(url, what="it"),
    ):
        pass
    assert line.fake.control.count("files") == 0


@pytest.mark.parametrize("there", ["/elsewhere", "http://127.0.0.1:9/", "file:///etc/passwd"])
def test_redirects_of_the_api_are_not_followed(line: Line, there: str) -> None:
    line.fake.control.add_fault("redirect", location=there)
    with pytest.raises(UnreachableError, match=r"is a redirect \(HTTP 302\), not JSON"):
        get(line.session())
    assert line.fake.control.count() == 1


def test_redirects_of_files_are_followed_without_the_credential(line: Line) -> None:
    session = line.session()
    url = signed_url(session, line.fake.control.attachment_ids()[0])
    line.fake.control.add_fault("redirect", host="files", location=f"{line.fake.url}{LIST}")
    with session.files.open(url, what="it") as response:
        assert response.status_code == 401
    assert line.fake.control.count() == 3


def test_connections_are_used_again(line: Line) -> None:
    session = line.session()
    urls = [signed_url(session, key) for key in line.fake.control.attachment_ids()[:5]]
    for url in urls:
        file_of(session, url)
    for pool, url in ((session._api, line.fake.url), (session.files._pool, line.fake.files_url)):
        adapter = pool.get_adapter(url)
        assert isinstance(adapter, requests.adapters.HTTPAdapter)
        pools = adapter.poolmanager.pools
        connections = [pools[key].num_connections for key in pools.keys()]  # noqa: SIM118
        assert connections == [1], url


def test_a_pdf_that_qonto_makes_counts_against_the_rate_limit(line: Line) -> None:
    clock = line.clock
    limits = [{"requests": 2, "seconds": 10}]
    budget = RateBudget(limits, sleep=clock.wait, clock=lambda: clock.now)
    session = line.session(budget=budget, staging_token="gate")
    line.fake.control.set(staging_token="gate")
    transfer = line.fake.control.add("transfers", status="settled")
    path = f"/v2/sepa/transfers/{transfer}/download_proof"
    for _ in range(3):
        content = session.pdf("POST", path, what="the proof", scope="payment.write")
        assert content == line.fake.control.made_file(transfer)
    assert clock.now >= 10
    [*_, request] = line.fake.control.requests("api")
    assert request["method"] == "POST"
    assert request["headers"]["Authorization"] == f"{line.fake.login}:{line.fake.secret_key}"
    assert request["headers"][STAGING] == "gate"


# What comes back.


def test_fractions_come_back_exact(line: Line) -> None:
    body = '{"a": 0.10, "b": 12345678901234567890.12345678901234567890, "c": 1}'
    line.fake.control.add_fault("raw", status=200, body=body, content_type="application/json")
    assert get(line.session()) == {
        "a": Decimal("0.10"),
        "b": Decimal("12345678901234567890.12345678901234567890"),
        "c": 1,
    }


def test_json_by_another_name_is_json(line: Line) -> None:
    line.fake.control.add_fault(
        "raw", status=200, body="{}", content_type="application/vnd.api+json; charset=utf-8"
    )
    assert get(line.session()) == {}


def test_the_servers_clock_comes_along(line: Line) -> None:
    answer = line.session().get(LIST, what="x", scope="x")
    assert answer.date is not None
    assert answer.date.tzinfo is not None


def test_responses_can_be_observed(line: Line) -> None:
    seen: list[int] = []
    line.fake.control.add_fault("status", status=503, times=1)
    line.session().get(
        LIST, what="x", scope="x", observe=lambda response, _: seen.append(response.status_code)
    )
    assert seen == [503, 200]


# Attempts and waits.


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed(line: Line, status: int) -> None:
    line.fake.control.add_fault("status", status=status, retry_after="42", times=1)
    get(line.session())
    assert line.clock.now == pytest.approx(42)
    assert line.fake.control.count("api") == 2


def test_a_clock_without_a_zone_is_in_utc() -> None:
    response = Response()
    response.status_code = 200
    response.headers["Content-Type"] = "application/json"
    response.headers["Date"] = "Sun, 22 Nov 2026 10:00:00 -0000"
    response._content = b"{}"
    expected = datetime(2026, 11, 22, 10, tzinfo=timezone.utc)
    assert read_answer(response, "it").date == expected


@pytest.mark.every_clock
def test_retry_after_is_obeyed_as_a_date_too(line: Line) -> None:
    moment = datetime.now(timezone.utc) + timedelta(minutes=6)
    date = format_datetime(moment, usegmt=True)
    line.fake.control.add_fault("status", status=503, retry_after=date, times=1)
    get(line.session())
    assert line.clock.now == pytest.approx(360, abs=60)


def test_a_tls_connection_that_breaks_off_is_tried_again(line: Line) -> None:
    met = 0

    def hang_up() -> None:
        nonlocal met
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                met += 1
                with connection:
                    connection.recv(65_536)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(UnreachableError, match=r"failed or was cut off .* after 7 attempts"):
            get(line.session(api_url=url))
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    assert met == 7


def test_the_rate_limit_holds_back_all_other_calls_too(line: Line) -> None:
    others = Clock()
    limits = [{"requests": 1_000, "seconds": 10}]
    budget = RateBudget(limits, sleep=others.wait, clock=lambda: others.now)
    line.fake.control.add_fault("status", status=429, retry_after="42", times=1)
    get(line.session(budget=budget))
    assert others.now == pytest.approx(42)


def test_qontos_own_rate_limit_is_waited_out(line: Line) -> None:
    line.fake.control.set(rate_limits=[[2, 30]], retry_after="seconds")
    session = line.session()
    line.clock.wait = line.fake.control.advance  # type: ignore[assignment]
    for _ in range(7):
        get(session)
    statuses = [request["status"] for request in line.fake.control.requests("api")]
    assert statuses.count(200) == 7
    assert statuses.count(429) == 3


def test_a_refused_credential_is_not_sent_again(line: Line) -> None:
    session = line.session(authenticator=StaticCredential("the API key", "wrong:key"))
    for _ in range(3):
        with pytest.raises(RefusedError, match="refused the API key"):
            get(session)
    assert line.fake.control.count("api") == 1


def test_calls_side_by_side_are_refused_once_for_one_wrong_key(line: Line) -> None:
    line.fake.control.set(latency=0.05)
    session = line.session(authenticator=StaticCredential("the API key", "wrong:key"))

    def refused(_: int) -> None:
        with pytest.raises(RefusedError, match="refused the API key"):
            get(session)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(refused, range(40)))
    assert line.fake.control.count("api") == 1


def test_calls_go_side_by_side_once_the_credential_is_accepted(line: Line) -> None:
    line.fake.control.set(latency=0.2)
    session = line.session()
    get(session)
    line.fake.control.clear_requests()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: get(session), range(8)))
    requests = line.fake.control.requests("api")
    assert max(each["started"] for each in requests) < min(each["ended"] for each in requests)


def test_a_credential_that_is_refused_ends_the_waits_of_all_calls(line: Line) -> None:
    """Those for the rate limit too, and of files."""
    waiting, ended = threading.Event(), threading.Event()

    class Told(threading.Event):
        @override
        def wait(self, timeout: float | None = None) -> bool:
            waiting.set()
            return super().wait(timeout)

    session = line.session(stop=Stop(Told()))
    get(session)
    line.fake.control.add_fault("status", status=503, retry_after="300", path="labels")
    line.fake.control.add_fault("status", status=401, path=INVOICES)

    def wait() -> None:
        with pytest.raises(RefusedError):
            get(session, path="/v2/labels")
        ended.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert waiting.wait(10)
    with pytest.raises(RefusedError):
        get(session)
    assert ended.wait(10)
    with pytest.raises(RefusedError):
        file_of(session, f"{line.fake.files_url}/x")


def test_a_call_that_is_given_up_holds_back_no_other(line: Line) -> None:
    others = Clock()
    limits = [{"requests": 1_000, "seconds": 10}]
    budget = RateBudget(limits, sleep=others.wait, clock=lambda: others.now)
    session = line.session(budget=budget)
    line.fake.control.add_fault("status", status=503, retry_after="86400", path="labels")
    with pytest.raises(UnreachableError, match="asks to wait 86,400 s"):
        get(session, path="/v2/labels")
    get(session)
    assert (line.clock.waits, others.waits) == ([], [])


@pytest.mark.parametrize(("asked", "seconds"), [("0.5", 1), ("-3", 1), ("7, 9", 9), ("86400", 600)])
def test_the_rate_limit_is_waited_for_as_long_as_it_helps(
    line: Line, asked: str, seconds: float
) -> None:
    line.fake.control.add_fault("status", status=429, retry_after=asked, times=1)
    get(line.session())
    assert line.clock.now == pytest.approx(seconds)


def test_nothing_is_asked_once_the_run_is_told_to_end(line: Line) -> None:
    session = line.session()
    url = signed_url(session, line.fake.control.attachment_ids()[0])
    line.fake.control.clear_requests()
    line.clock.set()
    with pytest.raises(StoppedError):
        get(session)
    with pytest.raises(StoppedError):
        file_of(session, url)
    assert line.fake.control.count() == 0


def test_a_wait_ends_when_the_run_is_told_to_end(line: Line) -> None:
    class Told(Clock):
        @override
        def wait(self, timeout: float | None = None) -> bool:
            self.set()
            return super().wait(timeout)

    line.clock = Told()
    line.fake.control.add_fault("status", status=503)
    with pytest.raises(StoppedError):
        get(line.session())
    assert line.fake.control.count("api") == 1


def test_a_download_ends_when_the_run_is_told_to_end(line: Line) -> None:
    key = line.fake.control.add_attachment(size=1_000_000)
    session = line.session()
    with session.files.open(signed_url(session, key), what="it") as response:
        chunks = session.files.chunks(response, what="it")
        next(chunks)
        line.clock.set()
        with pytest.raises(StoppedError):
            next(chunks)


@pytest.mark.parametrize("kind", ["reset", "close", "cut_body"])
def test_a_download_that_breaks_off_may_be_tried_again(line: Line, kind: str) -> None:
    session = line.session()
    url = signed_url(session, line.fake.control.attachment_ids()[0])
    line.fake.control.add_fault(kind, host="files")
    with pytest.raises(TransientError, match="was cut off on the request for the file of"):
        file_of(session, url)


def test_a_download_that_stands_still_may_be_tried_again(line: Line) -> None:
    session = line.session(timeout=0.2)
    url = signed_url(line.session(), line.fake.control.attachment_ids()[0])
    line.fake.control.add_fault("trickle", host="files", delay=30)
    with pytest.raises(TransientError, match=r"No answer in time|broke off"):
        file_of(session, url)


@pytest.mark.real_clock("it runs a process")
def test_no_signed_address_is_in_a_message(fake: FakeQonto, tap: Runner) -> None:
    fake.control.add_invoice()
    fake.control.add_fault("reset", host="files")
    output = tap.run(environment={"TAP_QONTO_LOGLEVEL": "DEBUG", "LOGLEVEL": "DEBUG"})
    [record] = output.records(FILES)
    assert f"stream {FILES}, attachment " in record["error"]
    assert "X-Amz" not in output.stderr + record["error"]
