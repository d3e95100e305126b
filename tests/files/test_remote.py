"""Files in places that are reached over a network: S3 and SFTP, both real servers."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import asyncssh
import fsspec  # type: ignore[import-untyped, unused-ignore]
import pytest
import requests
from moto.server import ThreadedMotoServer

from tap_qonto.errors import StorageError
from tap_qonto.files.places import storage_for
from tap_qonto.files.storage import INCOMPLETE
from tests.support import FILES, Json, Runner

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from tests.fake_qonto import FakeQonto

SECRET = "storage-secret-word"

# The servers and drivers leave connections to the garbage collector; see `place`.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


class Place(NamedTuple):
    """A remote place: its URL, the driver's options, and a driver to look into it."""

    url: str
    options: Json
    look: Any

    def names(self) -> set[str]:
        self.look.invalidate_cache()
        root = self.url.partition("://")[2].rstrip("/")
        return {name.removeprefix(root).lstrip("/") for name in self.look.find(root)}


@contextmanager
def s3() -> Generator[Place, None, None]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        options = {
            "key": "an-access-key",
            "secret": SECRET,
            "client_kwargs": {
                "endpoint_url": f"http://{host}:{port}",
                "region_name": "eu-central-1",
            },
        }
        look = fsspec.filesystem("s3", **options, skip_instance_cache=True)
        requests.post(f"http://{host}:{port}/moto-api/reset", timeout=60)
        look.mkdir("invoices")
        yield Place("s3://invoices/qonto", options, look)
    finally:
        server.stop()


class _AnyPassword(asyncssh.SSHServer):
    connections: ClassVar[list[asyncssh.SSHServerConnection]] = []

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        # From Python 3.12 on a server waits for those that drivers leave open.
        self.connections.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:  # noqa: ARG002
        return password == SECRET


@contextmanager
def sftp(folder: Path) -> Generator[Place, None, None]:
    folder.mkdir()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            _AnyPassword,
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=os.fsencode(folder)),
        )

    async def close(server: asyncssh.SSHAcceptor) -> None:
        server.close()
        for connection in _AnyPassword.connections:
            connection.abort()
        _AnyPassword.connections.clear()
        await server.wait_closed()

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    try:
        port = server.get_port()
        options = {"username": "tap", "password": SECRET, "port": port}
        look = fsspec.filesystem("sftp", host="127.0.0.1", **options, skip_instance_cache=True)
        yield Place("sftp://127.0.0.1/qonto", options, look)
        look.client.close()
    finally:
        asyncio.run_coroutine_threadsafe(close(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture(params=["s3", "sftp"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with s3() if request.param == "s3" else sftp(tmp_path / "remote") as found:
        yield found
    fsspec.filesystem("s3").clear_instance_cache()
    fsspec.get_filesystem_class("sftp").clear_instance_cache()
    gc.collect()


def settings(place: Place) -> Json:
    return {"attachments": {"location": place.url, "storage_options": place.options}}


def test_files_are_stored_whole_and_found_again(fake: FakeQonto, tap: Runner, place: Place) -> None:
    fake.control.reset(invoices=12)
    rows = tap.sync(**settings(place)).records(FILES)
    assert len(rows) > 10
    storage = storage_for(place.url, place.options)
    for row in rows:
        assert row["location"].startswith(place.url.partition(":")[0] + "://")
        path = row["location"].partition("/qonto/")[2]
        with storage.open(path) as file:
            content = file.read()
        assert content == fake.control.file_bytes(row["id"])
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
    fetched = fake.control.count("files")
    again = tap.sync(**settings(place)).records(FILES)
    assert fake.control.count("files") == fetched
    assert again == rows
    assert not [name for name in place.names() if INCOMPLETE in name]


def test_a_download_that_breaks_off_leaves_nothing(
    fake: FakeQonto, tap: Runner, place: Place
) -> None:
    fake.control.reset(invoices=1)
    fake.control.add_fault("cut_body", host="files")
    [row] = tap.sync(**settings(place)).records(FILES)
    assert (row["status"], row["location"]) == ("failed", None)
    assert place.names() == set()


@pytest.mark.real_clock("it runs a process")
def test_a_refusal_is_a_sentence_without_secrets(
    fake: FakeQonto, tap: Runner, place: Place
) -> None:
    fake.control.reset(invoices=3)
    wrong = place.options | {"password": "wrong-secret-word"}
    given = {"location": place.url.replace("invoices", "missing-bucket"), "storage_options": wrong}
    if place.url.startswith("s3"):
        given["storage_options"] = place.options
    output = tap.run(environment={"TAP_QONTO_LOGLEVEL": "DEBUG"}, attachments=given)
    assert output.code == 1
    assert "Check attachments.location" in output.sentence or "Check its form" in output.sentence
    assert SECRET not in output.stderr
    assert "wrong-secret-word" not in output.stderr


def test_drivers_log_no_name_of_a_file_and_no_token_of_the_environment(
    fake: FakeQonto, tap: Runner, place: Place
) -> None:
    fake.control.reset(invoices=1)
    given = settings(place)["attachments"]
    token = "a-session-token-of-the-environment"
    environment = {
        "TAP_QONTO_LOGLEVEL": "DEBUG",
        "AWS_ACCESS_KEY_ID": "an-access-key",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": token,
    }
    if place.url.startswith("s3"):
        given["storage_options"] = {"client_kwargs": place.options["client_kwargs"]}
    output = tap.run(environment=environment, attachments=given)
    [row] = output.records(FILES)
    assert row["status"] == "downloaded"
    assert "urllib3" in output.stderr, "the log is not at DEBUG"
    name = row["location"].rpartition("/")[2]
    for word in (token, SECRET, name, row["file_name"]):
        assert word not in output.stderr


def test_a_check_writes_and_leaves_nothing(place: Place) -> None:
    storage_for(place.url, place.options).check()
    assert place.names() == set()


def test_a_check_of_a_place_that_is_not_there_is_told(place: Place) -> None:
    options = place.options | {"port": 1}
    if place.url.startswith("s3"):
        options = place.options | {"client_kwargs": {"endpoint_url": "http://127.0.0.1:1"}}
    with pytest.raises(StorageError):
        storage_for(place.url, options).check()


def test_a_place_without_a_driver_names_the_extra() -> None:
    with pytest.raises(StorageError, match=r"attachments\.location nowhere://"):
        storage_for("nowhere://bucket/folder", None)
