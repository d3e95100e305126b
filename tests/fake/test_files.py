"""Attachments and files."""

import struct
import zlib
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

from tests.fake.client import TIMEOUT, Client
from tests.fake_qonto import FakeQonto


def test_attachment(client: Client, fake: FakeQonto) -> None:
    key = fake.control.attachment_ids()[0]
    answer = client.attachment(key)
    url = answer.pop("url")
    (answer.get("probative_attachment") or {}).pop("url", None)
    assert answer == fake.control.attachment(key)
    assert isinstance(answer["file_size"], str)
    assert answer["created_at"].endswith("Z")
    content = client.file(url).content
    assert content == fake.control.file_bytes(key)
    assert len(content) == int(answer["file_size"])
    fake.control.set(file_size_style="number")
    assert client.attachment(key)["file_size"] == len(content)


def test_ampersands_are_escaped(client: Client, fake: FakeQonto) -> None:
    text = client.get(f"/v2/attachments/{fake.control.attachment_ids()[0]}").text
    assert "&" not in text
    assert "\\u0026X-Amz-Signature=" in text


def check_pdf(data: bytes) -> None:
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    table = int(data.rpartition(b"startxref\n")[2].split()[0])
    assert data[table:].startswith(b"xref\n")
    for number in range(1, 6):
        offset = int(data[table:].splitlines()[2 + number].split()[0])
        assert data[offset:].startswith(b"%d 0 obj" % number)


def check_png(data: bytes) -> None:
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, kinds = 8, []
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        body = data[at + 4 : at + 8 + size]
        kinds.append(body[:4])
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(body)
        at += 12 + size
    assert (kinds[0], kinds[-1]) == (b"IHDR", b"IEND")


def check_xml(data: bytes) -> None:
    assert ET.fromstring(data).tag.endswith("Invoice")


def test_files_are_valid(fake: FakeQonto) -> None:
    checks = {"application/pdf": check_pdf, "image/png": check_png, "application/xml": check_xml}
    met, names = Counter[str](), Counter[str]()
    for key in fake.control.attachment_ids():
        facts = fake.control.attachment(key)
        checks[facts["file_content_type"]](fake.control.file_bytes(key))
        met[facts["file_content_type"]] += 1
        names[facts["file_name"]] += 1
    assert met.keys() == checks.keys()
    assert max(names.values()) > 1
    assert any("." not in name for name in names)
    assert any(not name.isascii() for name in names)


def test_sealed_copies(client: Client, fake: FakeQonto) -> None:
    met = Counter[Any]()
    for key in fake.control.attachment_ids():
        sealed = fake.control.attachment(key).get("probative_attachment")
        met["absent" if sealed is None else sealed.get("status", "{}")] += 1
        if met["available"] == 1 and sealed and sealed["status"] == "available":
            whole = client.attachment(key)["probative_attachment"]
            content = client.file(whole["url"]).content
            assert len(content) == int(whole["file_size"])
            assert content.startswith(fake.control.file_bytes(key))
    assert met.keys() == {"available", "unavailable", "pending", "corrupted", "{}", "absent"}


def test_control_of_attachments(client: Client, fake: FakeQonto) -> None:
    key = fake.control.add_attachment(b"abc", file_name="../é", file_content_type=None)
    answer = client.attachment(key)
    assert (answer["file_name"], answer["file_content_type"]) == ("../é", None)
    assert answer["file_size"] == "3"
    fake.control.edit_attachment(key, content=b"defgh", file_size="99", remove=["file_name"])
    answer = client.attachment(key)
    assert "file_name" not in answer
    assert answer["file_size"] == "99"
    assert client.file(answer["url"]).content == fake.control.file_bytes(key) == b"defgh"
    fake.control.edit_attachment(key, file_name="back", created_at=..., url="file:///etc/passwd")
    answer = client.attachment(key)
    assert answer["file_name"] == "back"
    assert "created_at" not in answer
    assert answer["url"] == "file:///etc/passwd"


def test_deleted_attachment(client: Client, fake: FakeQonto) -> None:
    key = fake.control.attachment_ids()[0]
    url = client.attachment(key)["url"]
    fake.control.delete_attachment(key)
    assert client.get(f"/v2/attachments/{key}").status_code == 404
    assert client.file(url).status_code == 404
    assert key not in fake.control.attachment_ids()


def test_generated_content(client: Client, fake: FakeQonto) -> None:
    key = fake.control.add_attachment(size=3_000_001)
    content = client.file(client.attachment(key)["url"]).content
    assert len(content) == 3_000_001
    assert content == fake.control.file_bytes(key)
    assert content[: 1 << 16] != content[1 << 16 : 2 << 16]


def test_hostile_file_names(client: Client, fake: FakeQonto) -> None:
    for name in ("\0", "\ud800", "a/b\\c\n", "", "é" * 300):
        key = fake.control.add_attachment(b"x", file_name=name)
        assert client.attachment(key)["file_name"] == name


def test_signed_urls(client: Client, fake: FakeQonto) -> None:
    key = fake.control.attachment_ids()[0]
    url, other = client.attachment(key)["url"], client.attachment(key)["url"]
    assert url != other
    assert url.startswith(fake.files_url)
    assert urlsplit(url).port != urlsplit(fake.url).port
    query = parse_qs(urlsplit(url).query)
    assert query["X-Amz-Expires"] == ["1800"]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    for name in ("Credential", "Date", "SignedHeaders", "Signature"):
        assert f"X-Amz-{name}" in query
    for wrong in (url.replace("1800", "9999"), url[:-1] + "x", url.partition("?")[0]):
        answer = client.file(wrong)
        assert answer.status_code == 403
        assert answer.headers["Content-Type"] == "application/xml"
    assert "SignatureDoesNotMatch" in client.file(url.replace("1800", "9999")).text
    assert client.session.put(url, data=b"x", timeout=TIMEOUT).status_code == 403


def test_signed_urls_expire(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.advance(1790)
    assert client.file(url).status_code == 200
    fake.control.advance(20)
    answer = client.file(url)
    assert answer.status_code == 403
    error = ET.fromstring(answer.content)
    assert error.findtext("Code") == "AccessDenied"
    assert error.findtext("Message") == "Request has expired"
    fake.control.set(url_lifetime=5)
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    fake.control.advance(7)
    assert client.file(url).status_code == 403


def test_file_host_refuses_a_second_mechanism(client: Client, fake: FakeQonto) -> None:
    url = client.attachment(fake.control.attachment_ids()[0])["url"]
    answer = client.file(url, **client.key)
    assert answer.status_code == 400
    assert "Only one auth mechanism allowed" in answer.text
