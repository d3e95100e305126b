"""`tap-qonto-login`: from the first click to a store and settings that work."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from click.testing import CliRunner

from tap_qonto import login
from tap_qonto.credentials.oauth import OAuthAuthenticator
from tap_qonto.credentials.store import store_for
from tap_qonto.settings import hosts
from tap_qonto.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    from tests.fake_qonto import FakeQonto


class Person(NamedTuple):
    """Somebody at a terminal, with an OAuth app."""

    fake: FakeQonto
    monkeypatch: pytest.MonkeyPatch
    redirect_uri: str

    def login(
        self, browser: Callable[[str], None], *options: str, typed: str = "", **env: str
    ) -> Result:
        """Run the command."""
        self.monkeypatch.setattr(webbrowser, "open", browser)
        environment = {
            "TAP_QONTO_CLIENT_ID": self.fake.client_id,
            "TAP_QONTO_CLIENT_SECRET": self.fake.client_secret,
            "TAP_QONTO_OAUTH_URL": self.fake.oauth_url,
            "TAP_QONTO_REDIRECT_URI": self.redirect_uri,
        }
        return CliRunner().invoke(
            login.main, ["--timeout=120", *options], input=typed, env=environment | env
        )

    def refused(self, browser: Callable[[str], None], *options: str, **env: str) -> str:
        """Run the command, which fails; return its sentence."""
        result = self.login(browser, *options, **env)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert isinstance(result.exception, SystemExit)
        return result.stderr.rpartition("Error: ")[2].strip()

    def answer(self, page: str, **answer: str) -> None:
        """Bring an answer to the page that asks, as a browser does."""
        state = parse_qs(urlsplit(page).query)["state"][0]
        requests.get(self.redirect_uri, params={"state": state} | answer, timeout=60)


@pytest.fixture
def person(fake: FakeQonto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    """The app's redirect URI is on a free port, the state folder is new."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in os.environ:
        if name.startswith("TAP_QONTO_"):
            monkeypatch.delenv(name)
    uri = f"http://localhost:{free_port()}/callback"
    fake.control.set(redirect_uris=[uri])
    return Person(fake, monkeypatch, uri)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def agree(page: str) -> None:
    """Agree on Qonto's page."""
    decide(page, "approve")


def decide(page: str, decision: str) -> None:
    """Press a button on Qonto's page, and follow where it leads."""
    with requests.Session() as browser:
        assert "asks for access" in browser.get(page, timeout=60).text
        end = browser.post(page, {"decision": decision}, timeout=60)
        assert end.status_code == 200
        assert "go back to the terminal" in end.text


def look_only(page: str) -> None:
    """Open the page, and do nothing."""
    requests.get(page, timeout=60)


def never(page: str) -> None:
    """Fail: no page should be opened."""
    pytest.fail(f"opened {page}")


def lines(result: Result) -> dict[str, str]:
    """Return the settings that were printed for .env."""
    assert result.exit_code == 0, result.output
    printed = [line for line in result.stdout.splitlines() if not line.startswith("#")]
    return dict(line.split("=", 1) for line in printed)


def test_login_brings_settings_and_a_store_that_work(person: Person) -> None:
    """The tap goes on from what was printed, without a renewal at first."""
    printed = lines(person.login(agree))
    fake = person.fake
    assert set(printed) == {
        "TAP_QONTO_CLIENT_ID",
        "TAP_QONTO_CLIENT_SECRET",
        "TAP_QONTO_OAUTH_URL",
        "TAP_QONTO_REFRESH_TOKEN",
    }
    client_id, seed = printed["TAP_QONTO_CLIENT_ID"], printed["TAP_QONTO_REFRESH_TOKEN"]
    authenticator = OAuthAuthenticator(
        client_id=client_id,
        client_secret=printed["TAP_QONTO_CLIENT_SECRET"],
        refresh_token=seed,
        token_url=f"{printed['TAP_QONTO_OAUTH_URL']}/oauth2/token",
        store=store_for(client_id, seed),
        timeout=60,
        user_agent="test",
    )
    for refreshes in (0, 1):
        headers = {"Authorization": authenticator.header()}
        url = f"{fake.url}/v2/supplier_invoices"
        assert requests.get(url, headers=headers, timeout=60).status_code == 200
        assert fake.control.tokens()[client_id]["refreshes"] == refreshes
        if not refreshes:
            assert authenticator.renew(headers["Authorization"])


def test_login_asks_as_qonto_documents_it(person: Person) -> None:
    """Exactly the scopes that are needed, a state, and PKCE beside the secret."""
    person.login(agree)
    page, _, token = person.fake.control.requests("oauth")
    asked = dict(page["query"])
    assert asked.pop("state")
    assert asked.pop("code_challenge")
    assert asked == {
        "client_id": person.fake.client_id,
        "redirect_uri": person.redirect_uri,
        "response_type": "code",
        "scope": " ".join(login.scopes_for([])),
        "code_challenge_method": "S256",
    }
    form = dict(parse_qsl(token["body"]))
    assert len(form.pop("code_verifier")) >= 43
    assert form.pop("code")
    assert form == {
        "grant_type": "authorization_code",
        "client_id": person.fake.client_id,
        "client_secret": person.fake.client_secret,
        "redirect_uri": person.redirect_uri,
    }


@pytest.mark.parametrize(
    ("options", "scopes"),
    [
        (["--streams=supplier_invoices"], "supplier_invoice.read"),
        (["--streams", "attachments"], "supplier_invoice.read attachment.read"),
        (
            ["--streams", "clients, teams,", "--streams=transaction_links"],
            "client.read team.read organization.read",
        ),
        (["--streams", "payment_link_connection"], "payment_link.read organization.read"),
    ],
)
def test_the_scopes_are_those_of_the_streams_that_are_named(
    person: Person, options: list[str], scopes: str
) -> None:
    """And of what these are read below."""
    assert person.login(agree, *options).exit_code == 0
    asked = dict(person.fake.control.requests("oauth")[0]["query"])
    assert asked["scope"] == f"offline_access {scopes}"


def test_by_default_the_scopes_are_those_of_what_is_selected_by_default() -> None:
    """A stream that is not selected, such as one that needs a scope to write, adds none."""
    scopes = {each.scope for each in STREAMS if each.selected_by_default and each.scope}
    assert set(login.scopes_for([])) == scopes | {"offline_access"}
    assert "webhook" not in scopes


def test_a_stream_that_there_is_not_is_told(person: Person) -> None:
    """Before any page is opened."""
    sentence = person.refused(never, "--streams", "clients,invoices")
    assert sentence.startswith("--streams names invoices, which tap-qonto does not have. Its")
    assert "supplier_invoices, attachments, " in sentence


def test_each_login_has_a_state_of_its_own(person: Person) -> None:
    """Neither it nor the challenge can be guessed from the last one."""
    person.login(agree)
    person.login(agree)
    pages = [dict(entry["query"]) for entry in person.fake.control.requests("oauth")[::3]]
    assert len({page["state"] for page in pages}) == 2
    assert len({page["code_challenge"] for page in pages}) == 2


def test_secrets_go_to_stdout_alone(person: Person) -> None:
    """What a log may keep has none, and stdout can be appended to .env."""
    result = person.login(agree)
    printed = lines(result)
    assert printed["TAP_QONTO_REFRESH_TOKEN"] not in result.stderr
    assert person.fake.client_secret not in result.stderr
    assert "#       refresh_token: ${TAP_QONTO_REFRESH_TOKEN}" not in result.stdout
    assert "#     refresh_token: ${TAP_QONTO_REFRESH_TOKEN}" in result.stdout.splitlines()


def test_what_is_missing_is_asked_for(person: Person) -> None:
    """On stderr; the secret does not show."""
    result = person.login(
        agree,
        typed=f"{person.fake.client_id}\n{person.fake.client_secret}\n",
        TAP_QONTO_CLIENT_ID="",
        TAP_QONTO_CLIENT_SECRET="",
    )
    assert lines(result)["TAP_QONTO_CLIENT_ID"] == person.fake.client_id
    assert "Client secret" in result.stderr
    assert person.fake.client_secret not in result.stderr


def test_a_store_can_be_named(person: Person, tmp_path: Path) -> None:
    """It is written there and printed, as an absolute path."""
    person.monkeypatch.chdir(tmp_path)
    printed = lines(person.login(agree, "--token-store", "below/tokens.json"))
    path = Path(printed["TAP_QONTO_TOKEN_STORE"])
    assert path == tmp_path / "below" / "tokens.json"
    assert tokens_in(path) == [printed["TAP_QONTO_REFRESH_TOKEN"]]
    assert person.fake.client_secret not in path.read_text()


def test_a_new_login_leaves_the_old_one_as_it_is(person: Person, tmp_path: Path) -> None:
    """In the same store: it may be one for another organization."""
    path = tmp_path / "tokens.json"
    seeds = []
    for _ in range(2):
        printed = lines(person.login(agree, "--token-store", str(path)))
        seeds.append(printed["TAP_QONTO_REFRESH_TOKEN"])
    assert tokens_in(path) == seeds
    assert len(set(seeds)) == 2


def tokens_in(path: Path) -> list[str]:
    """Return the refresh tokens in a store."""
    return [chain["refresh_token"] for chain in json.loads(path.read_text())["chains"].values()]


def test_a_damaged_store_does_not_cost_the_authorisation(person: Person, tmp_path: Path) -> None:
    """It is kept aside; the settings are printed, and work without it."""
    path = tmp_path / "tokens.json"
    path.write_text("precious")
    result = person.login(agree, "--token-store", str(path))
    assert result.exit_code == 1
    assert "damaged" in result.stderr
    assert "TAP_QONTO_REFRESH_TOKEN=ory_rt_" in result.stdout
    assert (tmp_path / "tokens.json.broken-1").read_text() == "precious"


def test_the_sandbox(person: Person) -> None:
    """Its token goes along, and is printed."""
    person.fake.control.set(staging_token="open sesame's")
    printed = lines(person.login(agree, "--staging-token", "open sesame's"))
    assert printed["TAP_QONTO_STAGING_TOKEN"] == r"'open sesame\'s'"


@pytest.mark.parametrize(
    ("options", "url", "expected"),
    [
        ([], "", hosts.OAUTH_URL),
        (["--staging-token=s"], "", hosts.SANDBOX_OAUTH_URL),
        (["--staging-token=s"], f"{hosts.OAUTH_URL}/", hosts.SANDBOX_OAUTH_URL),
        (["--staging-token=s"], "https://oauth.example.com", "https://oauth.example.com"),
    ],
)
def test_the_default_host_is_production_or_the_sandbox(
    person: Person, options: list[str], url: str, expected: str
) -> None:
    """As for the tap."""
    opened: list[str] = []
    person.refused(opened.append, "--timeout=0.01", *options, TAP_QONTO_OAUTH_URL=url)
    assert opened[0].startswith(f"{expected}/oauth2/auth?")


def test_without_a_browser_the_address_is_printed(person: Person) -> None:
    """For a machine without one."""
    result = person.login(never, "--no-browser", "--timeout=0.01")
    assert f"{person.fake.oauth_url}/oauth2/auth?client_id=" in result.stderr


def test_what_else_a_browser_asks_for_does_not_disturb(person: Person) -> None:
    """Icons, connections that stay idle, and a callback without an answer."""
    port = urlsplit(person.redirect_uri).port
    idle = socket.socket()

    def busy(page: str) -> None:
        idle.connect(("127.0.0.1", port))
        for path in ("favicon.ico", "callback", "callback?state=x", "other?code=x"):
            answer = requests.get(f"http://127.0.0.1:{port}/{path}", timeout=60)
            assert answer.status_code == 404
        agree(page)

    with idle:
        assert person.login(busy).exit_code == 0


def test_a_browser_that_is_gone_at_once_disturbs_nothing(person: Person) -> None:
    """Neither one that says half a request, nor one that does not wait for the page."""
    redirect = urlsplit(person.redirect_uri)

    def rude(page: str) -> None:
        approved = requests.post(page, {"decision": "approve"}, timeout=60, allow_redirects=False)
        answer = urlsplit(approved.headers["Location"])
        request = f"GET {answer.path}?{answer.query} HTTP/1.1\r\n"
        for said in (request, f"{request}\r\n"):
            with socket.create_connection((redirect.hostname, redirect.port)) as sock:
                sock.sendall(said.encode())
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    result = person.login(rude)
    assert result.exit_code == 0, result.stderr
    assert "Traceback" not in result.stderr


def test_the_loopback_of_ipv6_serves_as_well(person: Person) -> None:
    """As the OAuth app may name it."""
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
            uri = f"http://[::1]:{sock.getsockname()[1]}/"
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    person.fake.control.set(redirect_uris=[uri])
    assert person.login(agree, "--redirect-uri", uri).exit_code == 0


# What can go wrong.


def test_denied(person: Person) -> None:
    """By the person on Qonto's page."""
    assert "access was denied" in person.refused(lambda page: decide(page, "deny"))


def test_a_scope_that_the_app_may_not_ask_for(person: Person) -> None:
    """Qonto names it."""
    person.fake.control.set(scopes="offline_access supplier_invoice.read")
    sentence = person.refused(look_only)
    assert "not allowed to request scope 'attachment.read'" in sentence
    assert "name the streams that you need with --streams" in sentence


def test_a_scope_that_was_not_granted(person: Person) -> None:
    """It is said, and the rest is kept."""
    body = '{"access_token": "at", "refresh_token": "rt", "scope": "attachment.read"}'
    answer_tokens(person.fake, 200, body)
    result = person.login(agree, "--streams=attachments")
    assert result.exit_code == 0
    assert "offline_access, supplier_invoice.read" in result.stderr


def test_no_refresh_token(person: Person) -> None:
    """Without one there is nothing to keep."""
    answer_tokens(person.fake, 200, '{"access_token": "at"}')
    assert "offline_access" in person.refused(agree)


def test_other_refusals_on_the_page(person: Person) -> None:
    """They are told as Qonto words them, on one line."""
    facts = {"error": "server_error", "error_description": "Out of\norder."}
    sentence = person.refused(lambda page: person.answer(page, **facts))
    assert "server_error: Out of order)" in sentence


def test_a_redirect_uri_that_the_app_does_not_know(person: Person) -> None:
    """Qonto shows an error and sends nobody back; the time-out says what that means."""
    person.fake.control.set(redirect_uris=["http://localhost:1/other"])
    sentence = person.refused(look_only, "--timeout=0.2")
    assert f"No answer came to {person.redirect_uri}" in sentence
    assert "enter this redirect URI in the OAuth app" in sentence


@pytest.mark.parametrize(
    "uri",
    [
        "https://localhost:8765/callback",
        "http://example.com:8765/callback",
        "http://localhost/callback",
        "http://localhost:8765/callback?x=1",
        "http://localhost:8765/callback#x",
        "http://localhost:port/callback",
        "http://[::1/callback",
        "localhost",
    ],
)
def test_a_redirect_uri_that_leads_elsewhere(person: Person, uri: str) -> None:
    """It could not be listened on, or would give the code away."""
    assert "does not lead to this machine" in person.refused(never, "--redirect-uri", uri)


def test_a_port_that_is_taken(person: Person) -> None:
    """Before any page is opened."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", urlsplit(person.redirect_uri).port))
        taken.listen()
        assert "another program may have the port" in person.refused(never)


def test_an_answer_to_somebody_else(person: Person) -> None:
    """It is not used, since its code could be an attacker's; the login goes on waiting."""

    def bring(page: str) -> None:
        for state in ("other", "", "é"):
            person.answer(page, code="ory_ac_x", state=state)
            person.answer(page, error="access_denied", state=state)
        agree(page)

    assert lines(person.login(bring))["TAP_QONTO_REFRESH_TOKEN"]
    codes = [dict(parse_qsl(each["body"])) for each in person.fake.control.requests("oauth")[2:]]
    assert [each["code"] != "ory_ac_x" for each in codes] == [True]


def test_a_code_that_qonto_does_not_know(person: Person) -> None:
    """It may have ended."""
    sentence = person.refused(lambda page: person.answer(page, code="ory_ac_x"))
    assert "(HTTP 400, invalid_grant): the code of this login has ended" in sentence


def test_a_wrong_secret(person: Person) -> None:
    """The sentence names what to copy again."""
    sentence = person.refused(agree, "--client-secret=wrong")
    assert "does not accept client_id and client_secret (HTTP 401, invalid_client)" in sentence


def test_a_page_instead_of_tokens(person: Person) -> None:
    """The sandbox without its token."""
    person.fake.control.set(staging_token="sesame")
    assert "staging_token is missing or wrong" in person.refused(agree)


def test_no_answer_for_the_code(person: Person) -> None:
    """A code is good for one attempt, so there is one."""
    person.fake.control.add_fault("reset", host="oauth", path="token")
    assert "failed or was cut off" in person.refused(agree)
    assert person.fake.control.count("oauth", "token") == 1


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("TAP_QONTO_OAUTH_URL", "http://oauth.example.com", "https"),
        ("TAP_QONTO_OAUTH_URL", "oauth.example.com", "oauth_url"),
        ("TAP_QONTO_STAGING_TOKEN", "two\nlines", "staging_token"),
        ("TAP_QONTO_STAGING_TOKEN", "sésame", "staging_token"),
    ],
)
def test_settings_that_the_tap_would_refuse(
    person: Person, name: str, value: str, word: str
) -> None:
    """With the tap's own sentences, before any page is opened."""
    sentence = person.refused(never, **{name: value})
    assert word in sentence
    assert "sésame" not in sentence


@pytest.mark.skipif(os.name == "nt", reason="BROWSER does not take paths of Windows")
def test_what_the_browser_prints_does_not_get_into_env(person: Person, tmp_path: Path) -> None:
    """Some tell on stdout that they open a window."""
    person.fake.control.set(auto_approve=True)
    script = tmp_path / "browser.py"
    script.write_text(
        "import sys, urllib.request\n"
        "print('Opening in existing browser session.', flush=True)\n"
        "urllib.request.urlopen(sys.argv[1]).read()\n"
    )
    environment = {
        "BROWSER": f"{sys.executable} {script} %s",
        "TAP_QONTO_CLIENT_ID": person.fake.client_id,
        "TAP_QONTO_CLIENT_SECRET": person.fake.client_secret,
        "TAP_QONTO_OAUTH_URL": person.fake.oauth_url,
        "TAP_QONTO_REDIRECT_URI": person.redirect_uri,
    }
    result = subprocess.run(
        [sys.executable, "-m", "tap_qonto.login", "--timeout=300"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | environment,
    )
    assert "TAP_QONTO_REFRESH_TOKEN=ory_rt_" in result.stdout
    assert "existing browser session" not in result.stdout
    assert "existing browser session" in result.stderr


def answer_tokens(fake: FakeQonto, status: int, body: str) -> None:
    """Let the token endpoint answer this."""
    facts = {"status": status, "body": body, "content_type": "application/json"}
    fake.control.add_fault("raw", host="oauth", path="token", **facts)
