"""Where files go: names from outside never lead out, clash, or break a file system."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathvalidate import validate_filename

from tap_qonto.files.hashes import HASHES
from tap_qonto.files.names import LENGTHS, file_path
from tests.support import FILES

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Runner

ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
OTHER = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f1"
STORED = "2025-03-31T22:30:00.000000Z"
FOLDER = "2025/03"


def path_of(
    name: str | None,
    *,
    key: str = ID,
    content_type: str | None = "application/pdf",
    created_at: str | None = STORED,
) -> str:
    return file_path(key, name, content_type, created_at)


def check(path: str) -> None:
    """Hold a path to what every file system and every tool can take."""
    assert not PurePosixPath(path).is_absolute()
    assert not PureWindowsPath(path).drive
    assert not PureWindowsPath(path).root
    assert "\\" not in path
    for part in path.split("/"):
        assert part not in {"", ".", ".."}
        assert len(part.encode()) <= 143
        assert part == unicodedata.normalize("NFC", part)
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", part)
        assert "Cf" not in {unicodedata.category(character) for character in part}
        validate_filename(part, platform="universal", max_len=255)


@pytest.mark.parametrize(
    ("name", "tail"),
    [
        pytest.param("facture.pdf", "-facture.pdf", id="plain"),
        pytest.param("Reçu d'été n°7.pdf", "-Reçu d'été n°7.pdf", id="accents"),
        pytest.param("scan", "-scan", id="no suffix"),
        pytest.param("archive.tar.gz", "-archive.tar.gz", id="two suffixes"),
        pytest.param("発票.pdf", "-発票.pdf", id="another script"),
        pytest.param("", ".pdf", id="empty"),
        pytest.param(None, ".pdf", id="none"),
        pytest.param("   ", ".pdf", id="blanks"),
        pytest.param("....", ".pdf", id="dots"),
        pytest.param(".. ..", ".pdf", id="dots and blanks"),
        pytest.param("///", ".pdf", id="slashes"),
        pytest.param("\0", ".pdf", id="NUL"),
        pytest.param("/etc/passwd", "-_etc_passwd", id="absolute"),
        pytest.param("..\\..\\boot.ini", "-_.._boot.ini", id="backslashes"),
        pytest.param("C:\\a.pdf", "-C__a.pdf", id="drive"),
        pytest.param("a\0b\x1f\x7f.pdf", "-a_b__.pdf", id="control characters"),
        pytest.param("a\u202efdp.exe", "-afdp.exe", id="direction mark"),
        pytest.param("\ufeff\u200e", ".pdf", id="marks alone"),
        pytest.param("C\u200bON", "-CON_", id="reserved behind a mark"),
        pytest.param("e\u200d\u0301.pdf", "-é.pdf", id="a mark within a character"),
        pytest.param("a\u2028b.pdf", "-a_b.pdf", id="line separator"),
        pytest.param("CON", "-CON_", id="reserved"),
        pytest.param("nul.txt", "-nul_.txt", id="reserved with suffix"),
        pytest.param(".hidden", "-hidden", id="leading dot"),
        pytest.param("...a...", "-a", id="dots around"),
        pytest.param("name. . .", "-name", id="dots and blanks behind"),
        pytest.param('<a>:"b"|?*.pdf', "-_a___b____.pdf", id="what Windows forbids"),
    ],
)
def test_names_keep_what_is_harmless(name: str | None, tail: str) -> None:
    path = path_of(name)
    assert path == f"{FOLDER}/{ID}{tail}"
    check(path)


@pytest.mark.parametrize(
    ("content_type", "suffix"),
    [
        ("application/pdf", ".pdf"),
        ("image/png", ".png"),
        ("image/jpeg", ".jpg"),
        ("application/xml", ".xml"),
        ("text/xml", ".xml"),
        ("../../x", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_file_without_a_name_gets_the_suffix_of_its_type(
    content_type: str | None, suffix: str
) -> None:
    assert path_of("", content_type=content_type) == f"{FOLDER}/{ID}{suffix}"


@pytest.mark.parametrize("letter", ["x", "é", "e\u0301", "発", "🧾"])
def test_long_names_are_cut_at_a_character_and_keep_their_suffix(letter: str) -> None:
    path = path_of(letter * 300 + ".pdf")
    check(path)
    stem = unicodedata.normalize("NFC", letter) * 300
    kept = path.removeprefix(f"{FOLDER}/{ID}-").removesuffix(".pdf")
    assert path.endswith(".pdf")
    assert stem.startswith(kept)
    assert len(kept) > 20


@pytest.mark.parametrize("longest", LENGTHS)
@pytest.mark.parametrize("key", [ID, "an id that is not plain"])
@pytest.mark.parametrize(
    "name", ["é" * 300 + ".pdf", "a.pdf", "CON", "", "x" * 300, "a." + "é" * 9]
)
def test_a_name_can_be_shorter_still(name: str, key: str, longest: int) -> None:
    path = file_path(key, name, "application/pdf", STORED, longest=longest)
    check(path)
    shortest = len(file_path(key, None, None, STORED).encode())
    assert len(path.encode()) <= max(len(FOLDER) + 1 + longest, shortest)


def test_a_suffix_without_end_is_cut_too() -> None:
    check(path_of("a." + "é" * 300))


def test_names_that_look_alike_are_one_name() -> None:
    composed, decomposed = "caf\u00e9.pdf", "cafe\u0301.pdf"
    assert path_of(composed) == path_of(decomposed)
    # The id keeps two files apart even where the file system does not tell them apart.
    assert path_of(composed) != path_of(decomposed, key=OTHER)


@pytest.mark.parametrize("name", ["facture.pdf", "", "..", "CON", "x" * 300])
def test_a_name_that_repeats_is_kept_apart_by_the_id(name: str) -> None:
    assert path_of(name) != path_of(name, key=OTHER)


@pytest.mark.parametrize("name", ["\ud800.pdf", "a\udfffb.pdf", "\ud83d"])
def test_half_a_character_in_a_name_is_dropped(name: str) -> None:
    path = path_of(name)
    check(path)
    assert path.encode()


@pytest.mark.parametrize(
    ("created_at", "folder"),
    [
        ("2025-03-31T22:30:00.000000Z", "2025/03"),
        ("2025-04-01T00:30:00+02:00", "2025/03"),
        ("0999-01-01T00:00:00Z", "0999/01"),
        (None, "undated"),
        ("", "undated"),
    ],
)
def test_the_folder_is_the_month_in_utc(created_at: str | None, folder: str) -> None:
    assert path_of("a.pdf", created_at=created_at) == f"{folder}/{ID}-a.pdf"


@pytest.mark.parametrize(
    "key",
    [
        "../../../etc/passwd",
        "/etc/passwd",
        "..",
        "",
        "a\0b",
        ID.upper(),
        ID + "\n",
        f"{ID}/../{OTHER}",
        "x" * 5_000,
        "\ud800",
        "con",
    ],
)
def test_an_id_that_is_not_plain_is_hashed(key: str) -> None:
    path = path_of("a.pdf", key=key)
    assert re.fullmatch(FOLDER + r"/[0-9a-f]{64}-a\.pdf", path)
    check(path)


_CHARACTERS = (
    st.characters()
    | st.characters(categories=["Cs", "Cc", "Zs"])
    | st.sampled_from('./\\:\0 ~-_*?"<>|%éCONnul')
)
_NAMES = st.none() | st.text(_CHARACTERS, max_size=400)
_IDS = st.uuids().map(str) | st.text(_CHARACTERS, max_size=80)
_STAMPS = st.none() | st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")


@given(_IDS, _NAMES, st.none() | st.text(max_size=20), _STAMPS)
def test_any_attachment_stays_inside_and_fits(
    key: str, name: str | None, content_type: str | None, created_at: str | None
) -> None:
    path = file_path(key, name, content_type, created_at)
    check(path)
    root = Path("/location")
    assert Path(root, path).resolve().is_relative_to(root)
    assert path == file_path(key, name, content_type, created_at)


@given(st.lists(_IDS, unique=True, min_size=2, max_size=8), _NAMES, _NAMES)
def test_distinct_ids_never_share_a_path_not_even_without_case_or_accents(
    keys: list[str], one: str | None, other: str | None
) -> None:
    names = (one, other)
    paths = [path_of(names[place % 2], key=key) for place, key in enumerate(keys)]
    plain = {unicodedata.normalize("NFKD", path).casefold() for path in paths}
    assert len(plain) == len(keys)


HOSTILE = [
    "../../../../escaped.pdf",
    "/tmp/escaped.pdf",  # noqa: S108 - it must not be written
    "..\\..\\escaped.pdf",
    "..",
    "",
    "nul\0byte.pdf",
    "é" * 300,
    "CON",
    "facture.pdf",
    "facture.pdf",
    "cafe\u0301.pdf",
    "caf\u00e9.pdf",
    "-rf",
    "~root",
    "$(touch escaped)",
    "%2e%2e%2fescaped.pdf",
]


def test_hostile_names_are_all_stored_apart_and_inside(fake: FakeQonto, tap: Runner) -> None:
    contents = {}
    for number, name in enumerate(HOSTILE):
        content = f"file {number}".encode()
        key = fake.control.add_attachment(content=content, file_name=name)
        fake.control.add_invoice(attachment_id=key, display_attachment_id=None)
        contents[key] = content
    output = tap.sync()
    stored = {record["id"]: Path(record["location"]) for record in output.records(FILES)}
    assert {key: path.read_bytes() for key, path in stored.items()} == contents
    assert all(path.resolve().is_relative_to(tap.files.resolve()) for path in stored.values())
    found = {path for path in tap.files.rglob("*") if path.is_file()}
    assert {path for path in found if HASHES not in path.parts} == set(stored.values())
    # The rows tell the names as Qonto gives them, but for what no database takes.
    names = {record["id"]: record["file_name"] for record in output.records(FILES)}
    assert sorted(names.values()) == sorted(name.replace("\0", "\ufffd") for name in HOSTILE)


@pytest.mark.parametrize("key", ["../../organization", "a/b", "a?b#c", "%2e%2e", "é", "a b"])
def test_a_hostile_id_reaches_no_other_path_of_the_api(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    fake.control.add_invoice(attachment_id=key, display_attachment_id=None)
    output = tap.sync()
    asked = [request["path"] for request in fake.control.requests("api")]
    assert set(asked) <= {"/v2/supplier_invoices", f"/v2/attachments/{key}"}
    [record] = output.records(FILES)
    assert record["id"] == key
