"""The token store: what is written is there, whole and private, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from tap_qonto.credentials.store import VERSION, FileTokenStore, store_for
from tap_qonto.credentials.tokens import Seed, Tokens, digest
from tap_qonto.errors import ConfigError, StorageError
from tests.credentials.memory_store import MemoryTokenStore

if TYPE_CHECKING:
    from tap_qonto.credentials.store import TokenStore

SEED = Seed("client", "ory_rt_seed-of-the-chain")
NOW = 1_800_000_000.0
TOKENS = Tokens(
    refresh_token="ory_rt_newest",
    access_token="ory_at_newest",
    expires_at=NOW + 3600,
    refreshed_at=NOW,
)
DAMAGED = [
    b"",
    b"{",
    b"\x00" * 300,
    b"\xff\xfe",
    b'"\xff"',
    b"[]",
    b"null",
    b"{}",
    json.dumps({"refresh_token": "rt"}).encode(),
    json.dumps({"chains": []}).encode(),
    json.dumps({"chains": {"a:b": {}}}).encode(),
    json.dumps({"chains": {"a:b": {"refresh_token": "with\nbreak"}}}).encode(),
    json.dumps({"chains": {}, "version": None}).encode(),
    json.dumps({"seed": "a:b"}).encode(),
    json.dumps({"seed": "a:b", "refresh_token": 7}).encode(),
    json.dumps({"seed": "a:b", "refresh_token": "with\nbreak"}).encode(),
    json.dumps({"seed": "a:b", "refresh_token": "accentué"}).encode(),
    json.dumps({"seed": "a:b", "refresh_token": "rt", "version": "one"}).encode(),
    json.dumps({"seed": "a:b", "refresh_token": "rt", "expires_at": "soon"}).encode(),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the store is: in a folder that is not there yet."""
    return tmp_path / "state" / "tokens.json"


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, path: Path) -> TokenStore:
    """Both kinds keep the same promises."""
    return FileTokenStore(path, SEED) if request.param == "file" else MemoryTokenStore()


def write(path: Path, tokens: Tokens = TOKENS) -> None:
    """Write a store as the tap does."""
    store = FileTokenStore(path, SEED)
    with store.locked():
        store.read()
        store.write(tokens)


def read(path: Path) -> Tokens | None:
    """Read a store as the tap does."""
    store = FileTokenStore(path, SEED)
    with store.locked():
        return store.read()


def mode(path: Path) -> int:
    """Return the permissions of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_read(store: TokenStore) -> None:
    """Any kind of store gives back the last tokens; at first there are none."""
    with store.locked():
        assert store.read() is None
        store.write(Tokens(SEED.refresh_token))
        store.write(TOKENS)
    with store.locked():
        assert store.read() == TOKENS


def test_a_store_keeps_other_threads_out(store: TokenStore) -> None:
    """The second thread comes in once the first has left."""
    order: list[str] = []
    entered = threading.Event()

    def second() -> None:
        entered.wait()
        with store.locked():
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with store.locked():
        entered.set()
        thread.join(0.1)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_the_owner_can_read_it(path: Path) -> None:
    """Folder 0700, files 0600, also after one that was open to all."""
    write(path)
    path.chmod(0o644)
    write(path)
    assert mode(path.parent) == 0o700
    assert {file.name: mode(file) for file in path.parent.iterdir()} == {
        "tokens.json": 0o600,
        "tokens.json.lock": 0o600,
    }


def test_a_folder_of_the_user_keeps_its_permissions(path: Path) -> None:
    """Only folders that the store makes are closed."""
    path.parent.mkdir(mode=0o755)
    before = mode(path.parent)
    write(path)
    assert mode(path.parent) == before


def test_a_link_is_followed(path: Path, tmp_path: Path) -> None:
    """A store behind a symbolic link is written where it lies."""
    link = tmp_path / "link.json"
    try:
        link.symlink_to(path)
    except OSError as error:
        pytest.skip(f"no symbolic links here: {error}")
    write(link)
    assert link.is_symlink()
    assert read(path) == TOKENS


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_store_is_kept_aside(path: Path, content: bytes) -> None:
    """It is named in a sentence, and nothing of it is lost; twice no less."""
    path.parent.mkdir()
    for number in (1, 2):
        path.write_bytes(content)
        with pytest.raises(StorageError, match=r"damaged; it was kept as .*tap-qonto-login"):
            read(path)
        assert path.with_name(f"tokens.json.broken-{number}").read_bytes() == content
    assert read(path) is None


def test_a_store_of_a_newer_tap_stays(path: Path) -> None:
    """After a downgrade the file is neither used nor moved."""
    write(path)
    newer = path.read_text().replace(f'"version": {VERSION}', f'"version": {VERSION + 1}')
    path.write_text(newer)
    with pytest.raises(StorageError, match="newer tap-qonto"):
        read(path)
    assert path.read_text() == newer


def test_unknown_fields_do_not_disturb(path: Path) -> None:
    """A later tap may add facts without a new version."""
    write(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"note": "later"}))
    assert read(path) == TOKENS


def test_a_whole_new_file_is_put_in_place(path: Path) -> None:
    """Its writer was killed just before; it holds the only good token."""
    write(path, Tokens(SEED.refresh_token))
    write(path.with_name("other.json"))
    path.with_name("other.json").rename(path.with_name("tokens.json.new"))
    assert read(path) == TOKENS
    assert not path.with_name("tokens.json.new").exists()


@pytest.mark.parametrize("content", DAMAGED)
def test_half_a_new_file_does_not_count(path: Path, content: bytes) -> None:
    """Its writer was killed while it wrote."""
    write(path)
    path.with_name("tokens.json.new").write_bytes(content)
    assert read(path) == TOKENS
    write(path)
    assert not path.with_name("tokens.json.new").exists()


def test_below_a_file_nothing_can_be_written(tmp_path: Path) -> None:
    """The sentence names the place and the setting; root is not let through either."""
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Cannot write .*file.* Set token_store"):
        write(tmp_path / "file" / "below" / "tokens.json")


def test_a_folder_is_no_store(path: Path) -> None:
    """Reading and writing it end in a sentence."""
    path.mkdir(parents=True)
    with pytest.raises(StorageError, match="Cannot read"):
        read(path)
    store = FileTokenStore(path, SEED)
    with store.locked(), pytest.raises(StorageError, match="Cannot write"):
        store.prove()


@pytest.mark.parametrize("name", ["with\0null", "~nobody-has-this-name/tokens.json"])
def test_a_path_that_is_none_is_refused(name: str) -> None:
    """The sentence names the setting."""
    with pytest.raises(ConfigError, match="token_store"):
        store_for("client", SEED.refresh_token, name)


def test_a_lock_that_is_held_for_too_long_is_named(path: Path) -> None:
    """Waiting ends some time."""
    write(path)
    store = FileTokenStore(path, SEED, patience=0.1)
    with (
        FileLock(path.with_name("tokens.json.lock")),
        pytest.raises(StorageError, match="held the token store"),
        store.locked(),
    ):
        pass


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_the_lock_of_a_killed_process_does_not_block(path: Path) -> None:
    """The system takes the lock back."""
    script = (
        "import sys, pathlib, tap_qonto.credentials.store as t\n"
        "with t.FileTokenStore(pathlib.Path(sys.argv[1]), None).locked():\n"
        "    print('locked', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        with closing(process.stdout):
            assert process.stdout.readline() == b"locked\n"
            store = FileTokenStore(path, SEED, patience=0.1)
            with pytest.raises(StorageError), store.locked():
                pass
            process.send_signal(signal.SIGKILL)
            process.wait()
    write(path)


def test_a_seed_is_recognised_by_its_fingerprint_alone() -> None:
    """The fingerprint is salted, and does not hold the token."""
    fingerprint = SEED.fingerprint()
    assert SEED.made(fingerprint)
    assert fingerprint != SEED.fingerprint()
    assert SEED.refresh_token not in fingerprint
    assert not any(SEED.made(each) for each in ("damaged", "", "é:é"))
    for other in (SEED.client_id, "x"), ("x", SEED.refresh_token):
        assert not Seed(*other).made(fingerprint)


def test_each_app_and_first_token_has_a_chain_of_its_own(path: Path) -> None:
    """Who writes leaves the chains of others as they are, whoever writes last."""
    token = SEED.refresh_token
    seeds = [SEED, Seed(SEED.client_id, "other"), Seed("other", token), Seed("other", "other")]
    stores = [FileTokenStore(path, seed) for seed in seeds]
    for night in range(3):
        for number, store in enumerate(stores):
            with store.locked():
                assert store.read() == (Tokens(f"rt-{night - 1}-{number}") if night else None)
                store.prove()
                store.write(Tokens(f"rt-{night}-{number}"))
    assert len(json.loads(path.read_text())["chains"]) == len(seeds)


def test_a_store_of_version_0_1_goes_on_and_takes_up_others(path: Path) -> None:
    """It held one chain, under a fingerprint of the token alone."""
    path.parent.mkdir()
    seed = f"salt:{digest('salt', SEED.refresh_token)[:32]}"
    path.write_text(json.dumps({"seed": seed, "version": 1, **asdict(TOKENS)}))
    other = FileTokenStore(path, Seed("another", "app"))
    with other.locked():
        assert other.read() is None
        other.write(Tokens("theirs"))
    assert read(path) == TOKENS
    write(path, Tokens("mine"))
    assert read(path) == Tokens("mine")
    with other.locked():
        assert other.read() == Tokens("theirs")


def test_tokens_do_not_show_when_printed() -> None:
    """What may end up in a log has no secret."""
    assert "newest" not in repr(TOKENS)
    assert "newest" not in str(TOKENS)


@pytest.mark.parametrize(
    ("life", "age", "good"),
    [
        (3600, 0, True),
        (3600, 3400, True),
        (3600, 3481, False),
        (3600, 4000, False),
        (60, 40, True),
        (60, 46, False),
    ],
)
def test_an_access_token_is_good_until_shortly_before_its_end(
    life: float, age: float, *, good: bool
) -> None:
    """Two minutes before, or a quarter of a short life."""
    tokens = Tokens("rt", "at", expires_at=NOW + life, refreshed_at=NOW)
    assert tokens.good(NOW + age) is good


def test_without_an_access_token_none_is_good() -> None:
    """A chain that only begins must be renewed first."""
    assert not Tokens(SEED.refresh_token).good(0.0)


def test_each_client_and_seed_has_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default they lie in the user's state folder, under names that tell nothing."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    token = SEED.refresh_token
    pairs = [("client", token), ("client", "other"), ("other", token), ("client", token)]
    paths = [store_for(*pair).path for pair in pairs]
    assert len(set(paths)) == 3
    assert paths[0] == paths[3]
    assert all("tap-qonto" in path.parts for path in paths)
    assert not any("client" in path.name or "seed" in path.name for path in paths)


def test_the_setting_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an absolute path, whatever the working folder is later."""
    monkeypatch.chdir(tmp_path)
    assert (
        store_for("client", SEED.refresh_token, "below/tokens.json").path
        == tmp_path / "below/tokens.json"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert store_for("client", SEED.refresh_token, "~/tokens.json").path == Path(
        tmp_path, "tokens.json"
    )
