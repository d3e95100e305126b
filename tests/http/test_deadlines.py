"""A server that trickles holds up nobody: calls have a deadline, files a least throughput."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tap_qonto.credentials.endpoint import LostAnswerError, TokenEndpoint
from tap_qonto.credentials.header import StaticCredential
from tap_qonto.errors import UnreachableError
from tap_qonto.http import file_host
from tap_qonto.http.deadlines import DeadlinePassedError, within
from tap_qonto.http.rate_budget import RateBudget
from tap_qonto.http.retries import TransientError
from tap_qonto.http.session import Session
from tap_qonto.http.stop import Stop
from tests.raw_server import RawServer, raw_server
from tests.support import Patience

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HEADS = {
    "before the head": "",
    "in the status": "HTTP/1.1 20",
    "in the head": f"{OK}X-Long: ",
    "in a body of known length": f"{OK}Content-Length: 1000\r\n\r\n",
    "in a body without end": f"{OK}Connection: close\r\n\r\n",
    "in a chunk": f"{OK}Transfer-Encoding: chunked\r\n\r\n400\r\n",
}


@pytest.fixture
def server() -> Iterator[RawServer]:
    with raw_server() as server:
        yield server


def session(server: RawServer, **facts: Any) -> Session:
    return Session(
        api_url=f"http://{server.host}",
        authenticator=StaticCredential("the API key", "login:secret"),
        budget=RateBudget([{"requests": 1_000, "seconds": 10}]),
        stop=Stop(Patience()),
        **facts,
    )


@pytest.mark.parametrize("where", HEADS)
def test_a_call_that_trickles_ends_at_its_deadline(server: RawServer, where: str) -> None:
    server.trickle(HEADS[where])
    begun = time.monotonic()
    with pytest.raises(UnreachableError) as caught:
        session(server, timeout=0.1).get("/v2/x", what="stream x", scope="x")
    # Each byte comes in time, and all would take seven times 20 seconds.
    assert time.monotonic() - begun < 70
    assert str(caught.value) == (
        f"The answer from {server.host} came too slowly on the request for stream x "
        "(GET /v2/x). Raise request_timeout (now 0.1 s). Given up after 7 attempts."
    )


def test_a_connection_that_is_used_again_has_a_deadline_too(server: RawServer) -> None:
    def answer(sock: Any) -> None:
        if len(server.requests) == 1:
            sock.sendall(f"{OK}Content-Length: 2\r\n\r\n{{}}".encode())
            assert sock.recv(65_536).startswith(b"GET"), "it is not used again"
        sock.sendall(HEADS["in a body of known length"].encode())
        while not server.ended.wait(0.02):
            sock.sendall(b"x")

    server.answer = answer
    line = session(server, timeout=0.1)
    line.get("/v2/x", what="stream x", scope="x")
    with pytest.raises(UnreachableError, match="came too slowly"):
        line.get("/v2/x", what="stream x", scope="x")
    assert len(server.requests) == 7


@pytest.mark.parametrize("where", list(HEADS)[:3])
def test_a_file_host_that_trickles_before_the_file(server: RawServer, where: str) -> None:
    server.trickle(HEADS[where])
    with (
        pytest.raises(
            TransientError, match=r"(came too slowly|in time .*) on the request for the file of it"
        ),
        session(server, timeout=0.1).files.open(f"http://{server.host}/file", what="it"),
    ):
        pass


@pytest.mark.parametrize("where", list(HEADS)[3:])
def test_a_file_has_a_least_throughput(
    server: RawServer, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A chunk of 64 KiB may take a tenth of a second instead of a minute.
    monkeypatch.setattr(file_host, "_LEAST_THROUGHPUT", 655_360)
    server.trickle(HEADS[where])
    line = session(server, timeout=0.1)
    with (
        line.files.open(f"http://{server.host}/file", what="it") as response,
        pytest.raises(TransientError) as caught,
    ):
        list(line.files.chunks(response, what="it"))
    assert str(caught.value).startswith(
        f"The answer from {server.host} came too slowly on the request for the file of it."
    )


def test_whoever_takes_their_time_with_a_chunk_is_not_the_host(
    server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_host, "_LEAST_THROUGHPUT", 1 << 20)
    size = 300_000
    server.answer = lambda sock: sock.sendall(
        f"{OK}Content-Length: {size}\r\n\r\n".encode() + b"x" * size
    )
    line = session(server, timeout=0.3)
    came = 0
    with line.files.open(f"http://{server.host}/file", what="it") as response:
        for chunk in line.files.chunks(response, what="it"):
            came += len(chunk)
            threading.Event().wait(0.2)
    assert came == size


def test_tokens_have_a_deadline_and_may_have_been_given(server: RawServer) -> None:
    server.trickle(HEADS["in a body of known length"])
    endpoint = TokenEndpoint(
        f"http://{server.host}/oauth2/token",
        client_id="id",
        client_secret="secret",
        user_agent="test",
    )
    with pytest.raises(LostAnswerError, match="came too slowly") as caught:
        endpoint.ask({}, timeout=0.1, invalid_grant="")
    assert caught.value.sent


def test_what_is_in_time_is_left_alone() -> None:
    with within(30):
        pass
    with pytest.raises(ValueError, match="invalid literal"), within(30):
        int("its own")


def test_deadlines_can_stand_in_each_other() -> None:
    with pytest.raises(DeadlinePassedError), within(0), within(30):
        threading.Event().wait(0.6)
