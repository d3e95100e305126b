"""OAuth: a chain of tokens that never breaks, whatever is killed, cut off or lost."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest
import requests

from tap_qonto.credentials.oauth import OAuthAuthenticator
from tap_qonto.credentials.store import FileTokenStore
from tap_qonto.credentials.tokens import Grant, Seed, digest
from tap_qonto.errors import (
    ApiError,
    ConfigError,
    RefusedError,
    StoppedError,
    StorageError,
    TapQontoError,
    UnreachableError,
)
from tests.credentials.memory_store import MemoryTokenStore

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto

DAY = 86_400
HOUR = 3_600
AGENT = "tap-qonto/test"

_SCRIPT = """
import json, os, pathlib, signal, sys
import filelock, requests
from tap_qonto.credentials.oauth import OAuthAuthenticator
from tap_qonto.credentials.store import FileTokenStore
from tap_qonto.credentials.tokens import Seed

facts = json.loads(sys.stdin.readline())

def kill(owner, name, nth, *, after=False, only=""):
    real, met = getattr(owner, name), []
    def killed(*args, **kwargs):
        if only not in str(args[0]):
            return real(*args, **kwargs)
        met.append(name)
        if len(met) == nth and not after:
            if name == "fsync":
                os.truncate(args[0], os.fstat(args[0]).st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if len(met) == nth and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, killed)

for owner, name, *how in facts.pop("kill", []):
    kill({"lock": filelock.FileLock, "session": requests.Session, "os": os,
          "path": pathlib.Path}[owner], name, *how[:1], **(how[1] if how[1:] else {}))
if facts.pop("disk_full", False):
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
seed = Seed(facts["client_id"], facts["refresh_token"])
store = FileTokenStore(pathlib.Path(facts.pop("path")), seed)
authenticator = OAuthAuthenticator(**facts, store=store, timeout=60)
print("ready", flush=True)
sys.stdin.readline()
try:
    print(authenticator.header(), flush=True)
except Exception as error:
    print(f"{type(error).__name__}: {error}", flush=True)
"""

# Where a run is killed: what is called, at which time; and whether the chain goes on
# even when the next run comes after the grace.
# The first sync is that of the new folder.
KILLS: dict[str, tuple[list[Any], bool]] = {
    "before the lock": (["lock", "acquire", 1], True),
    "with the lock": (["lock", "acquire", 1, {"after": True}], True),
    "in the proof that it can write": (["os", "fsync", 2], True),
    "before the rename of the proof": (["path", "replace", 1], True),
    "before the POST": (["session", "post", 1], True),
    "after the POST": (["session", "post", 1, {"after": True}], False),
    "before the write": (["os", "open", 2, {"only": ".new"}], False),
    "in the write": (["os", "fsync", 4], False),
    "before the rename": (["path", "replace", 2], True),
    "after the rename": (["path", "replace", 2, {"after": True}], True),
}


class World:
    """A fake Qonto, and taps on one store that share its time."""

    def __init__(self, fake: FakeQonto, path: Path) -> None:
        """Authorise once."""
        self.fake = fake
        self.path = path
        self.seed = fake.control.new_refresh_token()
        self.now = time.time()
        self.slept: list[float] = []

    def tap(self, **changes: Any) -> OAuthAuthenticator:
        """Start a tap: a new run."""
        facts: dict[str, Any] = {
            "timeout": 5.0,
            "clock": lambda: self.now,
            "sleep": self.slept.append,
            **self.facts(),
            **changes,
        }
        seed = Seed(facts["client_id"], facts["refresh_token"])
        return OAuthAuthenticator(**{"store": FileTokenStore(self.path, seed), **facts})

    def facts(self) -> dict[str, Any]:
        """Return what a tap in another process needs to know."""
        return {
            "client_id": self.fake.client_id,
            "client_secret": self.fake.client_secret,
            "refresh_token": self.seed,
            "token_url": f"{self.fake.oauth_url}/oauth2/token",
            "user_agent": AGENT,
        }

    def process(self, **changes: Any) -> subprocess.Popen[str]:
        """Start a tap in another process; it goes on at the next line of input."""
        process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        facts = self.facts() | {"path": str(self.path)} | changes
        process.stdin.write(f"{json.dumps(facts)}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        return process

    def advance(self, seconds: float) -> None:
        """Let time pass, for the taps and for Qonto."""
        self.now += seconds
        self.fake.control.advance(seconds)

    def refreshes(self) -> int:
        """Count the renewals."""
        count: int = self.fake.control.tokens()[self.fake.client_id]["refreshes"]
        return count

    def status(self, header: str) -> int:
        """Return how the API answers a call with this header."""
        url = f"{self.fake.url}/v2/organization"
        return requests.get(url, headers={"Authorization": header}, timeout=60).status_code

    def stored(self) -> dict[str, Any]:
        """Return what is in the store for the seed."""
        seed = Seed(self.fake.client_id, self.seed)
        chains = json.loads(self.path.read_text())["chains"]
        [chain] = [chains[key] for key in chains if seed.made(key)]
        found: dict[str, Any] = chain
        return found

    def change_end(self, expires_at: float) -> None:
        """Let the access tokens in the store end at another time."""
        content = json.loads(self.path.read_text())
        for chain in content["chains"].values():
            chain["expires_at"] = expires_at
        self.path.write_text(json.dumps(content))

    def token_requests(self) -> list[dict[str, Any]]:
        """Return what was asked of the token endpoint."""
        return self.fake.control.requests("oauth")


@pytest.fixture
def world(fake: FakeQonto, tmp_path: Path) -> World:
    """A world at its beginning."""
    return World(fake, tmp_path / "state" / "tokens.json")


def test_the_first_run_begins_with_the_setting(world: World) -> None:
    """It gets a token that the API takes, and keeps what the next run needs."""
    header = world.tap().header()
    assert world.status(header) == 200
    stored = world.stored()
    assert f"Bearer {stored['access_token']}" == header
    assert (
        stored["refresh_token"]
        in world.fake.control.tokens()[world.fake.client_id]["refresh_tokens"]
    )
    assert stored["expires_at"] == pytest.approx(world.now + HOUR)
    assert stored["refreshed_at"] == pytest.approx(world.now)
    content = world.path.read_text()
    assert world.seed not in content
    assert world.fake.client_secret not in content


def test_the_request_is_as_qonto_documents_it(world: World) -> None:
    """A form with the credentials in it; nothing else that authenticates."""
    world.tap().header()
    (request,) = world.token_requests()
    headers = {name.lower(): value for name, value in request["headers"].items()}
    assert dict(parse_qsl(request["body"])) == {
        "grant_type": "refresh_token",
        "client_id": world.fake.client_id,
        "client_secret": world.fake.client_secret,
        "refresh_token": world.seed,
    }
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert headers["user-agent"] == AGENT
    assert not headers.keys() & {"authorization", "x-qonto-staging-token"}


def test_netrc_is_left_alone(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in there for the host is not Qonto's to see."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    world.tap().header()
    (request,) = world.token_requests()
    assert "authorization" not in {name.lower() for name in request["headers"]}


def test_a_token_that_is_still_good_is_taken_from_the_store(world: World) -> None:
    """The next run needs no renewal, until shortly before the end."""
    header = world.tap().header()
    world.advance(HOUR - 130)
    assert world.tap().header() == header
    assert world.refreshes() == 1
    world.advance(20)
    assert world.status(header) == 200
    assert world.tap().header() != header
    assert world.refreshes() == 2


def test_a_long_run_renews_ahead(world: World) -> None:
    """No call is ever refused for its age."""
    tap = world.tap()
    for _ in range(200):
        assert world.status(tap.header()) == 200
        world.advance(117)
    assert world.refreshes() == 7


@pytest.mark.real_clock("it is long, and reads no clock")
def test_two_hundred_runs_in_a_chain(world: World) -> None:
    """Every night a new process finds the token that the last one left."""
    for night in range(200):
        assert world.status(world.tap().header()) == 200
        assert world.refreshes() == night + 1
        world.advance(DAY)


def test_years_pass(world: World) -> None:
    """One run in 80 days is enough for as long as one likes."""
    for _ in range(25):
        assert world.status(world.tap().header()) == 200
        world.advance(80 * DAY)


def test_short_lives_are_used_too(world: World) -> None:
    """A token that lives for less than the margin is not renewed at every call."""
    world.fake.control.set(access_token_lifetime=100)
    tap = world.tap()
    first = tap.header()
    world.advance(70)
    assert tap.header() == first
    world.advance(6)
    assert tap.header() != first


def test_the_same_seed_takes_the_store(world: World) -> None:
    """The setting is long used up, the store is newer."""
    world.tap().header()
    world.advance(2 * DAY)
    world.tap().header()
    assert dict(parse_qsl(world.token_requests()[-1]["body"]))["refresh_token"] != world.seed


def test_two_organizations_share_a_store(world: World) -> None:
    """Each goes on with its own chain, night after night."""
    seeds = [world.seed, world.fake.control.new_refresh_token()]
    for night in range(1, 4):
        headers = [world.tap(refresh_token=seed).header() for seed in seeds]
        assert [world.status(header) for header in headers] == [200, 200]
        assert len(set(headers)) == 2
        assert [world.tap(refresh_token=seed).header() for seed in seeds] == headers
        assert world.refreshes() == 2 * night
        world.advance(DAY)


def test_a_store_of_version_0_1_goes_on(world: World) -> None:
    """The chain is taken up, though its first token is long used up."""
    world.tap().header()
    old = {"seed": f"salt:{digest('salt', world.seed)[:32]}", "version": 1, **world.stored()}
    world.path.write_text(json.dumps(old))
    assert world.tap().header() == f"Bearer {old['access_token']}"
    world.advance(DAY)
    assert world.status(world.tap().header()) == 200


def test_a_new_seed_takes_the_setting(world: World) -> None:
    """The user authorised again; the old chain is not used, even where its token is good."""
    old = world.tap().header()
    world.seed = world.fake.control.new_refresh_token()
    new = world.tap().header()
    assert new != old
    assert dict(parse_qsl(world.token_requests()[-1]["body"]))["refresh_token"] == world.seed
    assert world.tap().header() == new
    assert world.refreshes() == 2


def test_a_wrong_new_seed_does_not_cost_the_old_chain(world: World) -> None:
    """A mistake in the settings can be taken back."""
    header, good = world.tap().header(), world.seed
    before = world.path.read_bytes()
    world.seed = "ory_rt_mistyped"
    with pytest.raises(RefusedError, match="tap-qonto-login"):
        world.tap().header()
    assert world.path.read_bytes() == before
    world.seed = good
    assert world.tap().header() == header


@pytest.mark.parametrize(("days", "warned"), [(59, False), (61, True)])
def test_an_old_chain_is_warned_of(
    world: World, caplog: pytest.LogCaptureFixture, days: int, *, warned: bool
) -> None:
    """After 60 days, and it goes on all the same."""
    world.tap().header()
    world.advance(days * DAY)
    assert world.status(world.tap().header()) == 200
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [f"{days} days ago" in warning for warning in warnings] == [True] * warned


def test_after_90_days_the_user_must_authorise_again(world: World) -> None:
    """The sentence says why and how."""
    world.tap().header()
    world.advance(91 * DAY)
    with pytest.raises(RefusedError, match=r"90 days.*tap-qonto-login") as failure:
        world.tap().header()
    assert failure.value.fault.code == "invalid_grant"


def test_no_new_refresh_token_keeps_the_old_one(world: World) -> None:
    """A server that does not rotate is served as well."""
    world.fake.control.set(rotate=False)
    for _ in range(3):
        assert world.status(world.tap().header()) == 200
        assert world.stored()["refresh_token"] == world.seed
        world.advance(DAY)


# What the token endpoint may do instead of answering.

LOST: list[dict[str, Any]] = [
    {"kind": "reset"},
    {"kind": "close"},
    {"kind": "cut_body"},
    {"kind": "short_json"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429},
    {"kind": "raw", "status": 200, "body": "{}", "content_type": "application/json"},
    {"kind": "raw", "status": 502, "body": "<html>", "content_type": "text/html"},
]


def names(fault: dict[str, Any]) -> str:
    """Name a fault for the test's id."""
    return "-".join(str(fault[key]) for key in ("kind", "status") if key in fault)


@pytest.mark.parametrize("fault", LOST, ids=names)
def test_a_lost_answer_is_asked_for_again(world: World, fault: dict[str, Any]) -> None:
    """Within the grace, with the same token; the chain goes on."""
    world.fake.control.add_fault(**fault, host="oauth", times=2)
    assert world.status(world.tap().header()) == 200
    assert world.slept == [1.0, 4.0]
    bodies = {request["body"] for request in world.token_requests()}
    assert len(bodies) == 1
    world.fake.control.clear_faults()
    world.advance(DAY)
    assert world.status(world.tap().header()) == 200


@pytest.mark.parametrize("fault", LOST, ids=names)
def test_an_answer_that_stays_lost_ends_the_run(world: World, fault: dict[str, Any]) -> None:
    """After three attempts in all, for all threads; the next run may go on."""
    world.fake.control.add_fault(**fault, host="oauth")
    tap = world.tap()
    for _ in range(3):
        with pytest.raises(UnreachableError, match="run the tap again") as failure:
            tap.header()
        spent = fault.get("status") != 429
        assert ("may be used up" in str(failure.value)) is spent
    assert not tap.renew("Bearer any")
    assert len(world.token_requests()) == 3
    world.fake.control.clear_faults()
    assert world.status(world.tap().header()) == 200


def test_an_answer_that_took_the_token_with_it(world: World) -> None:
    """Within the grace the next run goes on; later it says what to do."""
    world.fake.control.add_fault("cut_body", host="oauth", times=3)
    with pytest.raises(UnreachableError, match="within a minute"):
        world.tap().header()
    before = world.path.read_bytes()
    world.advance(30)
    assert world.status(world.tap().header()) == 200
    world.path.write_bytes(before)
    world.advance(60)
    with pytest.raises(RefusedError, match="tap-qonto-login"):
        world.tap().header()


def test_a_slow_endpoint_is_waited_for(world: World) -> None:
    """The first attempt times out after it was served; the second gets its answer."""
    world.fake.control.add_fault("delay", host="oauth", delay=30, times=1)
    assert world.status(world.tap(timeout=1).header()) == 200
    assert world.slept == [1.0]


def test_an_endpoint_that_is_too_slow_is_named(world: World) -> None:
    """No attempt is answered in time."""
    world.fake.control.add_fault("delay", host="oauth", delay=0.6)
    with pytest.raises(UnreachableError, match=r"No answer in time from 127.*request_timeout"):
        world.tap(timeout=0.1).header()


def test_an_endpoint_that_is_down_costs_no_token(world: World) -> None:
    """The sentence says so; the next run goes on, however late."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/oauth2/token"
        with pytest.raises(UnreachableError, match=r"was refused .* was not used"):
            world.tap(token_url=url).header()
    world.advance(DAY)
    assert world.status(world.tap().header()) == 200


def test_a_certificate_that_does_not_hold_is_named(world: World) -> None:
    """As is one of a server that speaks no TLS at all."""
    url = world.facts()["token_url"].replace("http:", "https:")
    with pytest.raises(UnreachableError, match=r"No TLS connection .* was not used"):
        world.tap(token_url=url).header()


def test_a_proxy_that_lets_nothing_through_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxies of the environment are used."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{taken.getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(UnreachableError, match=r"proxy .* was not used"):
            world.tap().header()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html"},
        {"kind": "redirect", "location": "/elsewhere"},
        {"kind": "raw", "status": 404, "body": "404 page not found"},
        {"kind": "raw", "status": 403, "body": "<html>", "content_type": "text/html"},
        {"kind": "raw", "status": 204, "body": ""},
    ],
    ids=names,
)
def test_what_is_no_token_endpoint_is_named(world: World, fault: dict[str, Any]) -> None:
    """A page instead of JSON: once is enough, and redirects are not followed."""
    world.fake.control.add_fault(**fault, host="oauth")
    with pytest.raises(ConfigError, match=r"staging_token .* oauth_url"):
        world.tap().header()
    assert len(world.token_requests()) == 1
    assert world.fake.control.count("api", "/elsewhere") == 0


@pytest.mark.parametrize("status", [200, 302])
def test_the_sandbox_wants_its_token(world: World, status: int) -> None:
    """It is sent in the very capitals that Qonto wants; a wrong one is named."""
    world.fake.control.set(staging_token="sesame", staging_gate_status=status)
    with pytest.raises(ConfigError, match="staging_token is missing or wrong"):
        world.tap(staging_token="wrong").header()
    world.tap(staging_token="sesame").header()
    assert world.token_requests()[-1]["headers"]["X-Qonto-Staging-Token"] == "sesame"


@pytest.mark.parametrize("what", ["client_id", "client_secret"])
def test_a_wrong_client_is_named(world: World, what: str) -> None:
    """Once is enough."""
    with pytest.raises(RefusedError, match="client_id and client_secret") as failure:
        world.tap(**{what: "wrong"}).header()
    assert failure.value.fault.code == "invalid_client"
    assert len(world.token_requests()) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": "invalid_request"}', "HTTP 400, invalid_request"),
        ('{"error": "secret-rt_1!"}', "HTTP 400, no reason given"),
        ('{"error": ["nested"]}', "HTTP 400, no reason given"),
        ('["list"]', "HTTP 400, no reason given"),
        ("{", "HTTP 400, no reason given"),
    ],
)
def test_other_refusals_are_told(world: World, body: str, said: str) -> None:
    """By their code, if it is one."""
    facts = {"status": 400, "body": body, "content_type": "application/json"}
    world.fake.control.add_fault("raw", host="oauth", **facts)
    with pytest.raises(ApiError, match=said):
        world.tap().header()


def test_a_life_written_as_text_is_read(world: World) -> None:
    """And one that is missing is an hour."""
    for life, expected in (('"120"', 120), ("60.5", 60.5), (None, HOUR)):
        body = f'"expires_in": {life}, ' if life else ""
        facts = {"body": f'{{{body}"access_token": "at"}}', "content_type": "text/plain"}
        world.fake.control.clear_faults()
        world.fake.control.add_fault("raw", host="oauth", status=200, **facts)
        world.path.unlink(missing_ok=True)
        assert world.tap().header() == "Bearer at"
        assert world.stored()["expires_at"] == pytest.approx(world.now + expected)


@pytest.mark.parametrize(
    "odd",
    [
        {"expires_in": []},
        {"expires_in": "soon"},
        {"expires_in": -1},
        {"expires_in": 0},
        {"expires_in": 1e300},
        {"expires_in": None},
        {"refresh_token": 7},
        {"refresh_token": ""},
        {"refresh_token": "with a space"},
        {"scope": ["a", "b"]},
        {"token_type": {}, "unknown": [None]},
    ],
    ids=str,
)
def test_an_odd_part_does_not_spoil_an_answer_that_comes_only_once(
    world: World, odd: dict[str, Any]
) -> None:
    """It counts as missing; what is good is kept."""
    good = {"access_token": "at", "refresh_token": "rt", "expires_in": 60, "scope": "a"}
    body = json.dumps(good | odd)
    facts = {"status": 200, "body": body, "content_type": "application/json"}
    world.fake.control.add_fault("raw", host="oauth", **facts)
    assert world.tap().header() == "Bearer at"
    life = HOUR if "expires_in" in odd else 60
    stored = world.stored()
    assert stored["expires_at"] == pytest.approx(world.now + life)
    assert stored["refresh_token"] == (world.seed if "refresh_token" in odd else "rt")


# A token that the API refuses.


def test_a_refused_token_is_renewed_once(world: World) -> None:
    """And the run goes on."""
    tap = world.tap()
    refused = tap.header()
    assert tap.renew(refused)
    assert tap.header() != refused
    assert world.status(tap.header()) == 200
    assert world.refreshes() == 2


def test_a_replacement_that_is_refused_too_ends_the_run(world: World) -> None:
    """No third attempt, no further call."""
    tap = world.tap()
    assert tap.renew(tap.header())
    assert not tap.renew(tap.header())
    assert not tap.renew("Bearer older")
    with pytest.raises(RefusedError, match="just renewed"):
        tap.header()
    assert world.refreshes() == 2


def test_never_more_than_three_refusals_in_a_run(world: World) -> None:
    """However long it lasts, and though each replacement works for a while."""
    tap = world.tap()
    for _ in range(2):
        assert tap.renew(tap.header())
        world.advance(HOUR)
        assert world.status(tap.header()) == 200
    assert not tap.renew(tap.header())
    with pytest.raises(RefusedError):
        tap.header()


def test_a_refused_token_may_have_been_renewed_by_another_tap(world: World) -> None:
    """Then the store has a newer one, and none is spent."""
    one, two = world.tap(), world.tap()
    refused = one.header()
    assert two.header() == refused
    assert one.renew(refused)
    assert two.renew(refused)
    assert one.header() == two.header()
    assert world.refreshes() == 2


def test_a_refused_token_that_cannot_be_renewed_ends_the_run(world: World) -> None:
    """The sentence is that of the renewal."""
    tap = world.tap()
    header = tap.header()
    world.fake.control.revoke(world.stored()["refresh_token"])
    with pytest.raises(RefusedError, match="tap-qonto-login"):
        tap.renew(header)
    with pytest.raises(RefusedError, match="tap-qonto-login"):
        tap.header()
    assert not tap.renew(header)


# Many at once.


def test_threads_share_one_renewal(world: World) -> None:
    """At the start and after a refusal."""
    world.fake.control.add_fault("delay", host="oauth", delay=0.1)
    tap = world.tap()
    with ThreadPoolExecutor(16) as pool:
        (header,) = set(pool.map(lambda _: tap.header(), range(64)))
        assert all(pool.map(lambda _: tap.renew(header), range(64)))
        (newer,) = set(pool.map(lambda _: tap.header(), range(64)))
    assert newer != header
    assert world.refreshes() == 2


def test_threads_share_one_failure(world: World) -> None:
    """What failed for one is not asked for again by all others."""
    world.fake.control.add_fault("status", host="oauth", status=500)
    tap = world.tap()

    def ask(_: int) -> str:
        with pytest.raises(UnreachableError) as failure:
            tap.header()
        return str(failure.value)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(16)))) == 1
    assert len(world.token_requests()) == 3


@pytest.mark.real_clock("it runs a process")
@pytest.mark.parametrize("count", [2, 5])
def test_processes_share_one_renewal(world: World, count: int) -> None:
    """All start at once on one store: one renews, all go on; in the next hour again."""
    world.fake.control.add_fault("delay", host="oauth", delay=0.1)
    for hour in (1, 2):
        processes = [world.process() for _ in range(count)]
        headers = {finish(process) for process in processes}
        assert len(headers) == 1
        assert world.status(headers.pop()) == 200
        assert world.refreshes() == hour
        # The processes have the real time: for them, the token ends now.
        world.change_end(time.time())


def finish(process: subprocess.Popen[str]) -> str:
    """Let a process go on; return what it says in the end."""
    said, _ = process.communicate("\n", timeout=300)
    return said.strip()


# Killed, stopped, and nowhere to write.

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


@pytest.mark.real_clock("it runs a process")
@posix
@pytest.mark.parametrize("later", [False, True], ids=["at once", "after the grace"])
@pytest.mark.parametrize("point", KILLS)
def test_a_killed_run_is_followed_by_one_that_goes_on(
    world: World, point: str, *, later: bool
) -> None:
    """Wherever it is killed. Only the answer that nobody saw yet can't be had later."""
    kill, survives = KILLS[point]
    process = world.process(kill=[kill])
    assert finish(process) == ""
    assert process.returncode == -signal.SIGKILL
    if later:
        world.advance(120)
    if later and not survives:
        with pytest.raises(RefusedError, match="tap-qonto-login"):
            world.tap().header()
        return
    assert world.status(world.tap().header()) == 200
    world.advance(DAY)
    assert world.status(world.tap().header()) == 200
    assert [file.name for file in sorted(world.path.parent.iterdir())] == [
        "tokens.json",
        "tokens.json.lock",
    ]


@pytest.mark.real_clock("it runs a process")
@posix
def test_an_interrupt_does_not_lose_the_answer(world: World) -> None:
    """Ctrl-C while Qonto renews: the answer is still written."""
    process = world.process()
    world.fake.control.add_fault("delay", host="oauth", delay=0.5)
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    while not world.token_requests():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=300)
    assert "Bearer" not in said
    assert process.returncode != 0
    assert world.refreshes() == 1
    world.advance(120)
    assert world.status(world.tap().header()) == 200
    assert world.refreshes() == 1


@posix
def test_a_full_disk_costs_no_token(world: World) -> None:
    """The run ends before it asks; the store is as it was."""
    world.tap().header()
    world.change_end(0)
    before = world.path.read_bytes()
    assert finish(world.process(disk_full=True)).startswith("StorageError: Cannot write")
    assert world.path.read_bytes() == before
    assert world.refreshes() == 1
    assert world.status(world.tap().header()) == 200


@pytest.mark.parametrize("kind", ["below a file", "a folder", "closed"])
def test_a_store_that_cannot_be_written_costs_no_token(world: World, kind: str) -> None:
    """The run ends before it asks."""
    world.path.parent.mkdir()
    if kind == "below a file":
        world.path.write_bytes(b"")
        world.path = world.path / "tokens.json"
    elif kind == "a folder":
        world.path.mkdir()
    else:
        world.path.parent.chmod(0o500)
        if os.access(world.path.parent, os.W_OK):
            pytest.skip("this user may write everywhere")
    with pytest.raises(StorageError, match="token store"):
        world.tap().header()
    assert world.token_requests() == []


def test_a_store_that_cannot_be_written_any_more(world: World) -> None:
    """The token is spent: the sentence says how little time there is."""
    obstacle = world.path.with_name("tokens.json.new")
    world.fake.control.add_fault("delay", host="oauth", delay=0.5)
    tap = world.tap()
    with ThreadPoolExecutor(1) as pool:
        header = pool.submit(tap.header)
        while not world.token_requests():
            time.sleep(0.01)
        obstacle.mkdir()
        with pytest.raises(StorageError, match=r"within a minute.*tap-qonto-login"):
            header.result()
    obstacle.rmdir()
    assert world.status(world.tap().header()) == 200


def test_a_damaged_store_stops_before_a_token_is_spent(world: World) -> None:
    """The next run begins with the setting, which Qonto may have forgotten by then."""
    world.tap().header()
    world.path.write_text("{")
    with pytest.raises(StorageError, match="damaged"):
        world.tap().header()
    assert world.refreshes() == 1
    world.advance(120)
    with pytest.raises(RefusedError, match="tap-qonto-login"):
        world.tap().header()
    world.seed = world.fake.control.new_refresh_token()
    assert world.status(world.tap().header()) == 200


def test_the_order_to_stop_ends_the_wait(world: World) -> None:
    """Between two attempts."""

    def stop(_: float) -> None:
        msg = "The run was told to end."
        raise StoppedError(msg)

    world.fake.control.add_fault("reset", host="oauth")
    with pytest.raises(StoppedError):
        world.tap(sleep=stop).header()
    assert len(world.token_requests()) == 1


def test_the_store_in_memory_serves_as_well(world: World) -> None:
    """For as long as the process lives."""
    store = MemoryTokenStore()
    header = world.tap(store=store).header()
    assert world.tap(store=store).header() == header
    world.advance(DAY)
    assert world.status(world.tap(store=store).header()) == 200


def test_nothing_secret_is_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Neither in logs of any library nor in errors, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    told = []
    for fault in LOST:
        world.fake.control.clear_faults()
        world.fake.control.add_fault(**fault, host="oauth")
        with pytest.raises(TapQontoError) as failure:
            world.tap(staging_token="sesame").header()
        told.append(repr(failure.value))
    world.fake.control.clear_faults()
    tap = world.tap()
    tap.renew(tap.header())
    told += [repr(tap), repr(Grant("ory_at_x", refresh_token="ory_rt_x")), caplog.text]
    world.fake.control.revoke(world.stored()["refresh_token"])
    world.advance(DAY)
    with pytest.raises(RefusedError) as refusal:
        tap.header()
    told.append(repr(refusal.value))
    secrets = {world.seed, world.fake.client_secret, "sesame", "ory_at_", "ory_rt_"}
    assert not [secret for secret in secrets if secret in "".join(told)]
