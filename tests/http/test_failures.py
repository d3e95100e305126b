"""A failure on the way to Qonto names the right thing: proxy, certificates, or address."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from tap_qonto.credentials.endpoint import LostAnswerError, TokenEndpoint
from tap_qonto.errors import TapQontoError
from tap_qonto.http.transport import connection_errors, connection_pool
from tests.raw_server import raw_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto
    from tests.support import Runner

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
SECURE, PLAIN = "https://qonto.example", "http://qonto.example"
HERE = "HTTP/1.1 200 OK\nContent-Length: 0\n\n"
DENIED = "HTTP/1.1 {status} Denied\nContent-Length: 0\n\n"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.lower, VARIABLES), *BUNDLES):
        monkeypatch.delenv(name, raising=False)


def sentence(url: str, **environment: str) -> str:
    """Ask for something, which fails; return the sentence, of the endpoint's ask too."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(Exception, match=r".") as caught, connection_errors("it", url, 1):
            connection_pool(1).get(url, timeout=1)
        endpoint = TokenEndpoint(url, client_id="i", client_secret="s", user_agent="t")
        with pytest.raises(LostAnswerError) as lost:
            endpoint.ask({}, timeout=1, invalid_grant="")
    said = str(caught.value)
    assert str(lost.value) == said.replace("for it.", "for tokens.")
    assert not lost.value.sent
    return said


def test_a_proxy_that_is_not_there() -> None:
    said = sentence(SECURE, HTTPS_PROXY="http://me:my-password@127.0.0.1:1")
    assert said == (
        "The connection to the proxy http://127.0.0.1:1 was refused on the request for it. "
        "Check HTTPS_PROXY, or name the host in NO_PROXY."
    )


def test_a_proxy_that_no_name_server_knows() -> None:
    said = sentence(SECURE, HTTPS_PROXY="http://proxy.invalid:3128")
    assert said.startswith("No such host: the proxy http://proxy.invalid:3128 on")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (407, "asks for a login (HTTP 407) on the request for it. Write user and password into"),
        (
            403,
            "does not let requests through to qonto.example (HTTP 403) on the request for it. Make",
        ),
        (
            503,
            "does not let requests through to qonto.example (HTTP 503) on the request for it. Make",
        ),
    ],
)
def test_a_proxy_that_refuses(status: int, words: str) -> None:
    with raw_server(DENIED.format(status=status)) as proxy:
        said = sentence(SECURE, HTTPS_PROXY=f"http://me:my-password@{proxy.host}")
        assert said.startswith(f"The proxy http://{proxy.host} {words}")
        assert all(head.startswith("CONNECT qonto.example:443") for head in proxy.requests)


@pytest.mark.parametrize("value", ["foo://127.0.0.1:1", "http://", "http:///path"])
def test_a_proxy_that_is_no_address(value: str) -> None:
    said = sentence(SECURE, HTTPS_PROXY=value)
    assert said.startswith(f"The proxy {value} is not an address such as http://host:port on the")


def test_a_port_of_a_proxy_that_is_none() -> None:
    assert "through the proxy http://host:port" in sentence(SECURE, ALL_PROXY="http://host:port")


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_a_proxy_that_needs_a_driver(scheme: str) -> None:
    said = sentence(SECURE, HTTPS_PROXY=f"{scheme}://127.0.0.1:1080")
    assert said == (
        f"The proxy {scheme}://127.0.0.1:1080 needs a driver that is not installed on the "
        "request for it. Install PySocks beside tap-qonto."
    )


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize("kind", ["missing", "empty", "other", "folder"])
def test_a_bundle_of_certificates_that_is_none(tmp_path: Path, name: str, kind: str) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path = path / "missing"
    elif kind != "missing":
        path.write_text("" if kind == "empty" else "no certificate")
    with raw_server() as server:
        said = sentence(f"https://{server.host}", **{name: str(path)})
    assert said == (
        f"{name} names {path}, which cannot be read as a file of certificates on the request "
        f"for it. Correct {name} or remove it."
    )


def test_a_host_that_speaks_no_tls() -> None:
    with raw_server("HTTP/1.1 400 Bad Request\n\n") as server:
        said = sentence(f"https://{server.host}")
        assert said.startswith(f"No TLS connection to {server.host} (WRONG_VERSION_NUMBER)")


def test_a_host_that_refuses_or_that_nobody_knows() -> None:
    assert sentence("http://127.0.0.1:1").startswith(
        "The connection to 127.0.0.1:1 was refused on the request for it. Check the address"
    )
    assert sentence("http://qonto.invalid").startswith(
        "No such host: qonto.invalid on the request for it. Check the address"
    )


@pytest.mark.parametrize("url", ["http://exa mple", "http://[::1", "http://:port"])
def test_an_address_that_is_none(url: str) -> None:
    expected = f"No request could be sent to {url[7:]} on the request for it. Check the address."
    assert sentence(url) == expected


def test_a_failure_of_something_else_stays_what_it_is() -> None:
    with pytest.raises(PermissionError), connection_errors("it", SECURE, 1):
        raise PermissionError


def test_whole_runs_say_so_too(fake: FakeQonto, tap: Runner, tmp_path: Path) -> None:
    """Without a traceback, or a request to report it."""
    missing = str(tmp_path / "missing.pem")
    output = tap.run(
        environment={"REQUESTS_CA_BUNDLE": missing}, api_url=fake.url.replace("http:", "https:")
    )
    assert output.code == 1
    assert output.sentence.startswith(f"REQUESTS_CA_BUNDLE names {missing}")
    with raw_server(DENIED.format(status=407)) as proxy:
        variables = {"http_proxy": f"http://me:my-password@{proxy.host}", "no_proxy": ""}
        output = tap.run(environment=dict.fromkeys(VARIABLES, "") | variables)
    assert output.code == 1
    assert output.sentence.startswith(f"The proxy http://{proxy.host} asks for a login")
    assert "my-password" not in output.stderr


@pytest.mark.parametrize(
    ("url", "happened"),
    [
        ("http://127.0.0.1:9", "The connection to 127.0.0.1:9 was refused"),
        ("https://qonto.invalid", "No such host: qonto.invalid"),
        (None, "No answer in time from 127.0.0.1:"),
    ],
)
def test_what_fails_is_told_from_the_second_attempt_on(
    company: FakeQonto, tap: Runner, url: str | None, happened: str
) -> None:
    company.control.add_fault("delay", delay=30)
    output = tap.run(api_url=url or company.url, request_timeout=0.2)
    lines = output.stderr.splitlines()
    warnings = [line for line in lines if "| WARNING " in line and " follows in " in line]
    assert len(warnings) == 5
    for number, line in enumerate(warnings, start=3):
        assert happened in line
        assert re.search(rf"Attempt {number} follows in \d+\.\d s\.$", line)


def test_proxies_of_the_environment_serve_both_ways(fake: FakeQonto) -> None:
    """NO_PROXY keeps a host from it."""
    assert os.environ.get("NO_PROXY") is None
    with raw_server(DENIED.format(status=403)) as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTP_PROXY", f"http://{proxy.host}")
        assert connection_pool(1).get(f"{fake.url}/v2/labels", timeout=60).status_code == 403
        patch.setenv("NO_PROXY", "127.0.0.1")
        assert connection_pool(1).get(f"{fake.url}/v2/labels", timeout=60).status_code == 401
    assert len(proxy.requests) == 1


def test_errors_are_sentences() -> None:
    with pytest.raises(TapQontoError), connection_errors("it", SECURE, 1):
        raise ValueError


def test_one_pool_asks_one_host_by_the_proxy_and_another_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with raw_server(DENIED.format(status=403)) as proxy, raw_server(HERE) as direct:
        monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.host}")
        monkeypatch.setenv("NO_PROXY", direct.host.partition(":")[0])
        pool = connection_pool(1)
        for _ in range(2):
            assert pool.get(f"http://{direct.host}/mine", timeout=5).status_code == 200
            assert pool.get(f"{PLAIN}/yours", timeout=5).status_code == 403
    assert [head.partition(" HTTP")[0] for head in direct.requests] == ["GET /mine"] * 2
    assert [head.partition(" HTTP")[0] for head in proxy.requests] == [f"GET {PLAIN}/yours"] * 2
