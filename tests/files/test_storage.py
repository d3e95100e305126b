"""Places for files: whole or not at all, inside the location, in sentences when they fail."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
import uuid
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import fsspec  # type: ignore[import-untyped]
import pytest
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from tap_qonto.errors import StorageError
from tap_qonto.files.hashes import HASHES
from tap_qonto.files.local import LocalStorage
from tap_qonto.files.places import storage_for
from tap_qonto.files.remote import RemoteStorage
from tap_qonto.files.storage import INCOMPLETE, Storage
from tests.support import BOTH, FILES, INVOICES, IS_ROOT, bookmark, chosen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Runner

PATH = "2025/03/an-id-facture.pdf"
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such thing")


@pytest.fixture(params=["folder", "memory"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Each kind of place, empty."""
    if request.param == "folder":
        yield str(tmp_path / "files")
        return
    yield f"memory://{uuid.uuid4()}/files"


@pytest.fixture
def storage(location: str) -> Iterator[Storage]:
    """A place that is ready to take files."""
    place = storage_for(location, None)
    place.prepare()
    yield place
    place.close()


def everything(location: str) -> set[str]:
    """Return the paths of all files below a location, whoever wrote them."""
    fs, root = fsspec.core.url_to_fs(location)
    return {path.removeprefix(f"{root}/") for path in fs.find(root)}


def unfinished(location: str) -> set[str]:
    return {
        path
        for path in everything(location)
        if path.startswith(INCOMPLETE) and not path.endswith(".lock")
    }


def put(storage: Storage, content: bytes, path: str = PATH) -> None:
    with storage.create(path) as file:
        file.write(content)


def get(storage: Storage, path: str = PATH) -> bytes:
    with storage.open(path) as file:
        return file.read()


# What every place does.


def test_what_was_written_is_there(storage: Storage) -> None:
    assert storage.size(PATH) is None
    with storage.create(PATH) as file:
        file.write(b"one ")
        file.write(b"")
        file.write(b"two")
    assert storage.size(PATH) == 7
    assert get(storage) == b"one two"


def test_an_empty_file_is_a_file(storage: Storage) -> None:
    put(storage, b"")
    assert storage.size(PATH) == 0
    assert get(storage) == b""


def test_a_file_has_no_name_before_it_is_whole(storage: Storage) -> None:
    with storage.create(PATH) as file:
        file.write(b"half")
        assert storage.size(PATH) is None
    assert storage.size(PATH) == 4


def fail_half_way(storage: Storage, error: type[BaseException]) -> None:
    with storage.create(PATH) as file:
        file.write(b"half")
        raise error


def test_a_file_that_fails_leaves_nothing(storage: Storage, location: str) -> None:
    with pytest.raises(ZeroDivisionError):
        fail_half_way(storage, ZeroDivisionError)
    assert storage.size(PATH) is None
    assert unfinished(location) == set()
    storage.close()
    assert everything(location) == set()


def test_a_file_that_fails_leaves_what_was_there(storage: Storage) -> None:
    put(storage, b"before")
    with pytest.raises(KeyboardInterrupt):
        fail_half_way(storage, KeyboardInterrupt)
    assert get(storage) == b"before"


def test_a_file_can_be_replaced(storage: Storage, location: str) -> None:
    put(storage, b"before, and longer")
    put(storage, b"after")
    assert get(storage) == b"after"
    storage.close()
    assert everything(location) == {PATH}


def test_two_writers_of_one_file_leave_a_whole_one(storage: Storage, location: str) -> None:
    with ExitStack() as stack:
        one, other = (stack.enter_context(storage.create(PATH)) for _ in range(2))
        for _ in range(3):
            one.write(b"1")
            other.write(b"2")
    assert get(storage) in {b"111", b"222"}
    storage.close()
    assert everything(location) == {PATH}


def test_nothing_but_files_is_left_behind(storage: Storage, location: str) -> None:
    put(storage, b"a", "2025/03/a")
    put(storage, b"b", "undated/b")
    storage.close()
    assert everything(location) == {"2025/03/a", "undated/b"}
    storage.close()


def test_a_later_run_finds_what_an_earlier_one_stored(storage: Storage, location: str) -> None:
    put(storage, b"kept")
    storage.close()
    later = storage_for(location, None)
    later.prepare()
    assert later.size(PATH) == 4
    assert later.location(PATH) == storage.location(PATH)
    later.close()


def test_a_folder_is_no_file(storage: Storage) -> None:
    put(storage, b"a", "2025/03/a")
    assert storage.size("2025/03") is None


# A local folder.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def local(folder: Path) -> Iterator[LocalStorage]:
    place = LocalStorage(folder)
    place.prepare()
    yield place
    place.close()


def test_the_location_of_a_file_is_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = storage_for("some/where", None)
    place.prepare()
    put(place, b"a")
    place.close()
    assert place.location(PATH) == str(tmp_path.resolve() / "some" / "where" / PATH)
    assert Path(place.location(PATH)).read_bytes() == b"a"


def test_a_file_url_is_a_folder(folder: Path) -> None:
    place = storage_for(folder.as_uri(), None)
    place.prepare()
    put(place, b"a")
    place.close()
    assert (folder / PATH).read_bytes() == b"a"


def _die_half_way(folder: str) -> None:
    place = LocalStorage(Path(folder))
    place.prepare()
    with place.create(PATH) as file:
        file.write(b"half" * 10_000)
        os._exit(9)


def _run_that_dies(folder: Path) -> None:
    process = get_context("spawn").Process(target=_die_half_way, args=(str(folder),))
    process.start()
    process.join(30)
    assert process.exitcode == 9


def test_what_a_killed_run_left_is_cleared_by_the_next(folder: Path) -> None:
    _run_that_dies(folder)
    assert unfinished(str(folder))
    assert not (folder / PATH).exists()
    later = LocalStorage(folder)
    later.prepare()
    assert unfinished(str(folder)) == set()
    later.close()
    assert everything(str(folder)) == set()
    assert not (folder / INCOMPLETE).exists()


def test_what_a_run_under_way_is_writing_is_left_alone(local: LocalStorage, folder: Path) -> None:
    with local.create(PATH) as file:
        file.write(b"under way, ")
        other = LocalStorage(folder)
        other.prepare()
        put(other, b"b", "undated/b")
        other.close()
        file.write(b"and done")
    assert get(local) == b"under way, and done"


def test_a_link_under_the_final_name_is_replaced_not_followed(
    local: LocalStorage, folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.pdf"
    outside.write_bytes(b"precious")
    (folder / PATH).parent.mkdir(parents=True)
    (folder / PATH).symlink_to(outside)
    assert local.size(PATH) is None
    put(local, b"replaced")
    assert outside.read_bytes() == b"precious"
    assert not (folder / PATH).is_symlink()
    assert get(local) == b"replaced"


def test_a_folder_link_that_leads_out_is_refused(
    local: LocalStorage, folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    (outside / "03").mkdir(parents=True)
    (outside / "03" / Path(PATH).name).write_bytes(b"foreign")
    (folder / "2025").symlink_to(outside)
    for deed in (local.size, local.open, lambda path: put(local, b"a", path)):
        with pytest.raises(StorageError, match=r"a link that leads out of attachments\.location"):
            deed(PATH)
    with pytest.raises(StorageError, match=r"a link that leads out of attachments\.location"):
        put(local, b"a", "2025/04/new")
    assert sorted(path.name for path in outside.rglob("*")) == ["03", Path(PATH).name]
    assert (outside / "03" / Path(PATH).name).read_bytes() == b"foreign"


def test_a_folder_link_that_stays_inside_is_followed(local: LocalStorage, folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "2025").symlink_to(folder / "elsewhere")
    put(local, b"a")
    assert (folder / "elsewhere" / "03" / Path(PATH).name).read_bytes() == b"a"


def test_the_location_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "files").symlink_to(tmp_path / "disk")
    place = LocalStorage(tmp_path / "files")
    place.prepare()
    put(place, b"a")
    place.close()
    assert (tmp_path / "disk" / PATH).read_bytes() == b"a"


def test_a_link_for_the_folder_of_unfinished_files_is_refused(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.lock").touch()
    (outside / "precious").mkdir()
    folder.mkdir()
    (folder / INCOMPLETE).symlink_to(outside)
    with pytest.raises(StorageError, match="is a link; tap-qonto needs a folder there"):
        LocalStorage(folder).prepare()
    assert sorted(path.name for path in outside.iterdir()) == ["precious", "precious.lock"]


def test_a_folder_under_the_final_name_is_told(local: LocalStorage, folder: Path) -> None:
    (folder / PATH).mkdir(parents=True)
    assert local.size(PATH) is None
    with pytest.raises(StorageError, match="Could not write"):
        put(local, b"a")
    assert unfinished(str(folder)) == set()


# A remote place.


def test_the_location_of_a_remote_file_is_its_url() -> None:
    root = f"memory://{uuid.uuid4()}"
    place = storage_for(f"{root}/files/", None)
    place.prepare()
    put(place, b"a")
    with fsspec.open(place.location(PATH)) as file:
        assert file.read() == b"a"
    assert place.location(PATH).startswith("memory://")
    assert place.location(PATH).endswith(f"/files/{PATH}")


@pytest.mark.every_clock
def test_only_what_is_long_abandoned_is_cleared_remotely() -> None:
    root = f"memory://{uuid.uuid4()}"
    fs = fsspec.filesystem("memory")
    old, young = (f"{root}/{INCOMPLETE}/{name}" for name in ("old", "young"))
    for path in (old, young):
        fs.pipe(path, b"half")
    fs.store[fs._strip_protocol(old)].modified = datetime.now(timezone.utc) - timedelta(days=2)
    storage_for(root, None).prepare()
    assert everything(root) == {f"{INCOMPLETE}/young"}


def test_a_driver_that_is_not_installed_is_told() -> None:
    with pytest.raises(StorageError, match="needs a driver that is not installed") as caught:
        storage_for("dropbox://bucket/files", {"token": "my-secret-token"})
    assert "tap-qonto[s3]" in str(caught.value)
    assert "my-secret-token" not in str(caught.value)


def test_a_protocol_that_nobody_knows_is_told() -> None:
    with pytest.raises(StorageError, match=r"attachments\.location nosuch:// could not be opened"):
        storage_for("nosuch://bucket/files", {"token": "my-secret-token"})


class RefusingFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """A store that refuses what its options say, with its secrets in the error."""

    protocol = "refusing"
    cachable = False

    def __init__(self, *, refuses: str, password: str, **options: Any) -> None:
        """Keep what to refuse."""
        super().__init__(**options)
        self.refuses, self.password = refuses, password

    def _refuse(self, deed: str) -> None:
        if deed == self.refuses:
            msg = f"{self.password} may not {deed}"
            raise PermissionError(msg)

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        self._refuse(mode)
        return super()._open(path, mode, **options)

    def info(self, path: str, **options: Any) -> Any:
        self._refuse("info")
        return super().info(path, **options)

    def mv(self, *paths: str, **options: Any) -> None:
        self._refuse("mv")
        super().mv(*paths, **options)

    def exists(self, path: str, **options: Any) -> bool:
        self._refuse("exists")
        return bool(super().exists(path, **options))


fsspec.register_implementation("refusing", RefusingFileSystem, clobber=True)


@pytest.mark.parametrize(
    ("refuses", "deed", "verb"),
    [
        ("exists", lambda place: place.prepare(), "clear"),
        ("info", lambda place: place.size(PATH), "read"),
        ("rb", lambda place: place.open(PATH), "read"),
        ("wb", lambda place: put(place, b"a"), "write"),
        ("mv", lambda place: put(place, b"a"), "write"),
    ],
)
def test_a_store_that_refuses_is_told_without_its_secrets(
    refuses: str, deed: Any, verb: str
) -> None:
    root = uuid.uuid4()
    options = {"refuses": refuses, "password": "my-secret-password"}
    place = storage_for(f"refusing://{root}", options)
    assert isinstance(place, RemoteStorage)
    with pytest.raises(StorageError) as caught:
        deed(place)
    sentence = str(caught.value)
    assert sentence.startswith(f"Could not {verb} ")
    assert sentence.endswith("Check attachments.location, its permissions and its free space.")
    assert "my-secret-password" not in sentence
    assert everything(f"memory://{root}") == set()


# The tap, where a place fails.


@pytest.fixture
def shop(fake: FakeQonto) -> FakeQonto:
    """A fake with ten invoices of a file each, an hour apart."""
    for hour in range(10):
        stamp = f"2025-01-01T{hour:02d}:00:00Z"
        fake.control.add_invoice(updated_at=stamp, created_at=stamp)
    return fake


def check_failure(output: Any, *, sentence: str) -> None:
    assert output.code == 1
    assert "Traceback" not in output.stderr
    assert sentence in output.sentence
    assert "Unexpected" not in output.sentence
    # No file is claimed, and no bookmark passes an invoice, whose file is not there.
    stored = {record["supplier_invoice_id"] for record in output.records(FILES)}
    assert {record["id"] for record in output.records()} <= stored
    for record in output.records(FILES):
        assert len(Path(record["location"]).read_bytes()) == record["file_size"]
    kept = {record["updated_at"] for record in output.records()}
    assert all(bookmark(state) in {None, *kept} for state in output.states)


@pytest.mark.real_clock("it runs a process")
def test_a_location_that_is_a_file_is_told(shop: FakeQonto, tap: Runner) -> None:
    tap.files.write_text("precious")
    output = tap.run()
    check_failure(output, sentence=f"Could not prepare {tap.files}: ")
    assert tap.files.read_text() == "precious"
    assert shop.control.count("files") == 0


@pytest.mark.real_clock("it runs a process")
@posix
@pytest.mark.parametrize("below", ["/dev/null/files", "/proc/files"])
def test_a_location_that_cannot_be_made_is_told(shop: FakeQonto, tap: Runner, below: str) -> None:
    output = tap.run(attachments={"location": below})
    check_failure(output, sentence=f"Could not prepare {below}: ")
    assert shop.control.count("files") == 0


@pytest.mark.real_clock("it runs a process")
@pytest.mark.skipif(IS_ROOT, reason="root may write everywhere")
@posix
def test_a_location_without_permission_is_told(tap: Runner) -> None:
    tap.files.mkdir(mode=0o555)
    check_failure(tap.run(), sentence=f"Could not prepare {tap.files}: Permission denied")


@pytest.mark.parametrize("mode", ["metadata", "inline"])
def test_modes_that_store_nothing_need_no_driver(shop: FakeQonto, tap: Runner, mode: str) -> None:
    output = tap.run(attachments={"location": "dropbox://x", "mode": mode})
    assert output.code == 0, output.stderr
    assert set(output.ids()) == set(shop.control.invoice_ids())
    assert output.records(FILES) != []


@pytest.mark.real_clock("it runs a process")
def test_a_location_without_a_driver_is_told(shop: FakeQonto, tap: Runner) -> None:
    output = tap.run(
        attachments={"location": "dropbox://x", "storage_options": {"token": "my-secret-token"}}
    )
    check_failure(output, sentence="needs a driver that is not installed")
    assert "my-secret-token" not in output.stderr
    assert shop.control.count("files") == 0


@posix
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_files_and_folders_are_for_their_owner_alone(
    shop: FakeQonto, tap: Runner, mask: int
) -> None:
    before = os.umask(mask)
    try:
        rows = tap.sync().records(FILES)
    finally:
        os.umask(before)
    assert len(rows) == len(shop.control.attachment_ids())
    modes = {path: path.stat().st_mode & 0o777 for path in (tap.files, *tap.files.rglob("*"))}
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_files_and_new_folders_survive_a_power_cut(
    shop: FakeQonto, tap: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    fsync = os.fsync

    def recorded(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    rows = tap.sync().records(FILES)
    assert len(rows) == len(shop.control.attachment_ids())
    for row in rows:
        folder = Path(row["location"]).parent
        chain = [folder, *folder.parents]
        assert set(chain[: chain.index(tap.files.parent) + 1]) <= set(synced)
    unfinished = {path for path in synced if INCOMPLETE in path.parts and path.name != INCOMPLETE}
    assert len(unfinished) >= len(rows)


@posix
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_place_without_locks_is_told(
    shop: FakeQonto, tap: Runner, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A lock of another kind would stay behind when the machine goes down."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    sentence = f"Could not prepare {tap.files}: its file system has no file locks (flock). Check"
    with pytest.raises(StorageError, match=re.escape(sentence)):
        tap.sync()
    assert shop.control.count("files") == 0
    left = {path.name for path in tap.files.rglob("*") if path.is_file()}
    assert all(name.endswith(".lock") for name in left)
    monkeypatch.undo()
    assert len(tap.sync().records(FILES)) == len(shop.control.attachment_ids())
    assert not (tap.files / INCOMPLETE).exists()


@posix
def test_a_locale_without_all_letters_does_not_end_the_run(shop: FakeQonto, tap: Runner) -> None:
    names = ["Reçu n°7.pdf", "発票.pdf", "plain.pdf"]
    for key, name in zip(shop.control.attachment_ids(), names, strict=False):
        shop.control.edit_attachment(key, file_name=name)
    config, catalog = tap.folder / "config.json", tap.folder / "catalog.json"
    config.write_text(json.dumps(tap.settings({})))
    catalog.write_text(json.dumps(chosen(*BOTH)))
    # A process that begins anew, since a locale holds from the start.
    run = subprocess.run(
        [sys.executable, "-m", "tap_qonto", "--config", config, "--catalog", catalog],
        env=os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    rows = [each["record"] for each in messages if each.get("stream") == FILES and "record" in each]
    assert set(names) <= {row["file_name"] for row in rows}
    for row in rows:
        assert Path(row["location"]).read_bytes() == shop.control.file_bytes(row["id"])


@pytest.mark.real_clock("it runs a process")
@posix
@pytest.mark.parametrize("size", [100_001, 104_000, 131_072, 500_000])
def test_a_full_disk_is_told_and_nothing_is_torn(shop: FakeQonto, tap: Runner, size: int) -> None:
    sixth = cast("str", shop.control.invoices()[5]["attachment_id"])
    shop.control.edit_attachment(sixth, content=b"x" * size, file_name="large.pdf")
    output = tap.run(page_size=2, largest_file=100_000, attachments={"concurrency": 1})
    check_failure(output, sentence=f"Could not write {tap.files}")
    # A file's name may tell of an invoice; its id is enough to find it.
    assert sixth in output.sentence
    assert "large.pdf" not in output.stderr
    assert len(output.records()) == 5
    found = {path for path in tap.files.rglob("*") if path.is_file()}
    files = {path for path in found if HASHES not in path.parts}
    assert files == {Path(record["location"]) for record in output.records(FILES)}


@pytest.mark.real_clock("it runs a process")
def test_a_place_that_is_lost_in_the_middle_is_told(shop: FakeQonto, tap: Runner) -> None:
    def lose(request: Json) -> None:
        if request["path"].startswith("/v2/attachments") and shop.control.count("files") == 5:
            for unfinished_of_run in (tap.files / INCOMPLETE).iterdir():
                if unfinished_of_run.is_dir():
                    unfinished_of_run.rmdir()

    shop.control.on_request(lose)
    output = tap.run(page_size=2, attachments={"concurrency": 1})
    check_failure(output, sentence=f"Could not write {tap.files}")
    assert len(output.ids(INVOICES)) == 5


@pytest.mark.real_clock("it runs a process")
@posix
def test_after_a_failure_the_next_run_gets_what_is_missing(shop: FakeQonto, tap: Runner) -> None:
    fifth = cast("str", shop.control.invoices()[4]["attachment_id"])
    shop.control.edit_attachment(fifth, content=b"x" * 200_000)
    failed = tap.run(page_size=2, largest_file=100_000, attachments={"concurrency": 1})
    assert failed.code == 1
    again = tap.sync(state=failed.state)
    assert {*failed.ids(), *again.ids()} == set(shop.control.invoice_ids())
    stored = {record["id"] for record in failed.records(FILES) + again.records(FILES)}
    assert stored == set(shop.control.attachment_ids())
    # Whatever was stored already is not fetched again.
    fetched = Counter(Path(request["path"]).name for request in shop.control.requests("files"))
    assert fetched == Counter({**dict.fromkeys(shop.control.attachment_ids(), 1), fifth: 2})


def test_a_folder_that_outlived_its_run_is_cleared(tmp_path: Path) -> None:
    orphan = tmp_path / INCOMPLETE / "0123456789abcdef"
    orphan.mkdir(parents=True)
    (orphan / "half").write_bytes(b"half a file")
    storage = LocalStorage(tmp_path)
    storage.prepare()
    assert not orphan.exists()
    storage.close()
    assert not (tmp_path / INCOMPLETE).exists()


@pytest.mark.parametrize(
    "location",
    ["~/my files", "{home}/my files", "file://{home}/my%20files", "file:{home}/my files"],
)
def test_a_folder_can_be_written_in_several_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    place = storage_for(location.format(home=tmp_path.as_posix()), None)
    place.check()
    place.prepare()
    put(cast("LocalStorage", place), b"a")
    place.close()
    assert (tmp_path / "my files" / PATH).read_bytes() == b"a"
