"""Fetching files: again where that may help, whole or not at all, and never where told to."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from tap_qonto.errors import ApiError, NotFoundError, TapQontoError, UnreachableError
from tap_qonto.files.storage import INCOMPLETE
from tests.support import FILES, INVOICES, Patience, bookmark, output_before, written_by

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Runner

CONTENT = b"%PDF-1.4 seven hundred bytes" * 25
HUGE = 10**12
"""Bytes that nobody could ever read to the end."""


@pytest.fixture
def key(fake: FakeQonto) -> str:
    """The id of an attachment, to which one invoice refers."""
    attachment_id = fake.control.add_attachment(content=CONTENT)
    fake.control.add_invoice(attachment_id=attachment_id, display_attachment_id=None)
    return attachment_id


def stored(tap: Runner) -> list[Path]:
    return [path for path in tap.files.rglob("*") if path.is_file()]


def check_whole(tap: Runner, record: Json) -> None:
    path = Path(record["location"])
    assert stored(tap) == [path]
    assert path.read_bytes() == CONTENT
    assert record["status"] == "downloaded"
    assert record["sha256"] == hashlib.sha256(CONTENT).hexdigest()


FAULTS: dict[str, dict[str, Any]] = {
    "expired": {"kind": "expired"},
    "refused": {"kind": "status", "status": 403},
    "gone": {"kind": "status", "status": 410},
    "server error": {"kind": "status", "status": 500},
    "busy": {"kind": "status", "status": 503, "retry_after": "0"},
    "timed out": {"kind": "status", "status": 504},
    "reset": {"kind": "reset"},
    "closed": {"kind": "close"},
    "cut": {"kind": "cut_body"},
    "one byte short": {"kind": "wrong_length", "bytes": -1},
    "one byte more": {"kind": "wrong_length", "bytes": 1},
    "empty": {"kind": "wrong_length", "bytes": -len(CONTENT)},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_may_pass_is_fetched_again_with_a_new_address(
    fake: FakeQonto, tap: Runner, key: str, fault: Json
) -> None:
    fake.control.add_fault(**fault, host="files", times=2)
    [record] = tap.sync().records(FILES)
    assert record["id"] == key
    check_whole(tap, record)
    assert fake.control.count("files") == 3
    # The address lives for half an hour, so each attempt asks for a new one.
    assert fake.control.count("api", "attachments") == 3
    signatures = {
        dict(request["query"])["X-Amz-Signature"] for request in fake.control.requests("files")
    }
    assert len(signatures) == 3


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_fails_for_good_ends_the_run_before_its_invoice(
    fake: FakeQonto, tap: Runner, key: str, fault: Json
) -> None:
    fake.control.add_invoice(
        created_at="2025-01-01T00:00:00Z", updated_at="2025-01-01T00:00:00Z", attachment_id=None,
        display_attachment_id=None,
    )  # fmt: skip
    fake.control.add_fault(**fault, host="files")
    with pytest.raises(UnreachableError) as caught:
        tap.sync(page_size=1)
    assert f"stream attachments, attachment {key} of " in str(caught.value)
    assert str(caught.value).endswith("Given up after 7 attempts.")
    assert fake.control.count("files") == 7
    assert stored(tap) == []
    output = output_before(caught.value)
    assert output.records(FILES) == []
    assert bookmark(output.state) in {None, "2025-01-01T00:00:00.000000Z"}
    assert [record["updated_at"] for record in output.records()] == ["2025-01-01T00:00:00.000000Z"]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("expired", "The file host refuses the file of {what} (HTTP 403)."),
        ("gone", "The file host refuses the file of {what} (HTTP 410)."),
        ("server error", "The file host could not give the file of {what} (HTTP 500)."),
        (
            "reset",
            (
                "The connection to 127.0.0.1 failed or broke off on the request for the file of "
                "{what}. Check the address and the network."
            ),
        ),
        ("one byte short", "The file of {what} came with 699 instead of 700 bytes."),
        ("one byte more", "The file of {what} came with more than 700 bytes."),
    ],
)
def test_what_fails_for_good_is_told(
    fake: FakeQonto, tap: Runner, key: str, fault: str, sentence: str
) -> None:
    fake.control.add_fault(**FAULTS[fault], host="files")
    [invoice] = fake.control.invoice_ids()
    what = f"stream attachments, attachment {key} of {invoice}"
    output = tap.run()
    assert output.code == 1
    assert output.sentence == f"{sentence.format(what=what)} Given up after 7 attempts."


@pytest.mark.parametrize("status", [408, 429])
def test_a_file_host_that_asks_for_patience_gets_it(
    fake: FakeQonto, tap: Runner, key: str, status: int
) -> None:
    fake.control.add_fault("status", status=status, host="files", retry_after="37", times=1)
    running = tap.tap()
    assert [row["id"] for row in written_by(running).records(FILES)] == [key]
    assert max(cast("Patience", running.stop).waits) >= 37


def test_an_answer_of_the_gateway_is_no_missing_attachment(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    body = "404 page not found"
    fake.control.add_fault(
        "status", path=key, status=404, body=body, content_type="text/plain", times=1
    )
    with pytest.raises(NotFoundError):
        tap.sync()
    assert [row["status"] for row in tap.sync().records(FILES)] == ["downloaded"]


@pytest.mark.parametrize("status", [400, 404, 418])
def test_what_cannot_pass_is_not_fetched_again(
    fake: FakeQonto, tap: Runner, key: str, status: int
) -> None:
    fake.control.add_fault("status", status=status, host="files")
    match = rf"could not give the file of .* attachment {key} of .* \(HTTP {status}\)\."
    with pytest.raises(TapQontoError, match=match):
        tap.sync()
    assert fake.control.count("files") == 1
    assert stored(tap) == []


def test_an_error_of_the_api_is_not_tried_at_two_levels(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    fake.control.add_fault("status", status=503, path=f"attachments/{key}")
    with pytest.raises(UnreachableError, match=r"Given up after 7 attempts\.$"):
        tap.sync()
    assert fake.control.count("api", "attachments") == 7


@pytest.mark.parametrize(
    "there", ["{api}/v2/organization", "{files}/elsewhere", "file:///etc/passwd"]
)
def test_a_redirect_to_anywhere_is_refused(
    fake: FakeQonto, tap: Runner, key: str, there: str
) -> None:
    there = there.format(api=fake.url, files=fake.files_url)
    fake.control.add_fault("redirect", host="files", location=there)
    with pytest.raises(TapQontoError, match=rf"{key} of .*HTTP 302"):
        tap.sync()
    assert fake.control.count("files") == 1
    assert fake.control.count("api", "organization") == 0
    assert stored(tap) == []


def test_a_page_instead_of_a_file_names_the_staging_token(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    fake.control.add_fault("html", host="files")
    with pytest.raises(TapQontoError, match=rf"{key} of .* HTML page .* staging_token"):
        tap.sync()
    assert stored(tap) == []


@pytest.mark.parametrize("size", ["699", "0", "1"])
def test_a_size_that_is_too_small_is_a_lie(
    fake: FakeQonto, tap: Runner, key: str, size: str
) -> None:
    fake.control.edit_attachment(key, file_size=size)
    with pytest.raises(UnreachableError, match=rf"{key} of .* came with more than {size} bytes"):
        tap.sync()
    assert stored(tap) == []


def test_a_size_that_is_too_large_is_a_lie(fake: FakeQonto, tap: Runner, key: str) -> None:
    fake.control.edit_attachment(key, file_size="701")
    with pytest.raises(UnreachableError, match=rf"{key} of .* came with 700 instead of 701 bytes"):
        tap.sync()
    assert stored(tap) == []


@pytest.mark.parametrize("mode", ["files", "inline"])
def test_a_server_that_sends_more_than_it_announced_is_cut_off(
    fake: FakeQonto, tap: Runner, mode: str
) -> None:
    key = fake.control.add_attachment(size=HUGE, file_size="10")
    fake.control.add_invoice(attachment_id=key, display_attachment_id=None)
    with pytest.raises(UnreachableError, match=rf"{key} of .* came with more than 10 bytes"):
        tap.sync(attachments={"mode": mode})
    assert stored(tap) == []


@pytest.mark.parametrize("mode", ["files", "inline"])
def test_a_file_of_unknown_size_is_cut_off_at_max_bytes(
    fake: FakeQonto, tap: Runner, mode: str
) -> None:
    key = fake.control.add_attachment(size=HUGE, file_size=None)
    fake.control.add_invoice(attachment_id=key, display_attachment_id=None)
    [record] = tap.sync(attachments={"mode": mode, "max_bytes": 1_000}).records(FILES)
    assert record["status"] == "too_large"
    assert record["location"] is record["sha256"] is record["content_base64"] is None
    assert stored(tap) == []


@pytest.mark.parametrize("kind", ["cut_body", "reset"])
def test_a_file_of_unknown_size_is_still_fetched_whole(
    fake: FakeQonto, tap: Runner, key: str, kind: str
) -> None:
    fake.control.edit_attachment(key, remove=["file_size"])
    fake.control.add_fault(kind, host="files", times=2)
    [record] = tap.sync().records(FILES)
    assert record["file_size"] is None
    check_whole(tap, record)


@pytest.mark.parametrize("url", [None, "", 7, "absent"])
def test_an_attachment_without_an_address_is_told(
    fake: FakeQonto, tap: Runner, key: str, url: Any
) -> None:
    if url == "absent":
        fake.control.edit_attachment(key, remove=["url"])
    else:
        fake.control.edit_attachment(key, url=url)
    with pytest.raises(UnreachableError, match=rf"Qonto gave no address for .*{key} of "):
        tap.sync()


@pytest.mark.parametrize("url", ["http://example.org/file", "file:///etc/passwd", "ftp://a/b"])
def test_an_address_that_is_not_https_is_told(
    fake: FakeQonto, tap: Runner, key: str, url: str
) -> None:
    fake.control.edit_attachment(key, url=url)
    with pytest.raises(TapQontoError, match=rf"Qonto gave .*{key} of .* not https"):
        tap.sync()
    assert stored(tap) == []


@pytest.mark.parametrize("body", ["{}", '{"attachment": null}', '{"attachment": []}'])
def test_an_answer_without_an_attachment_is_told(
    fake: FakeQonto, tap: Runner, key: str, body: str
) -> None:
    fake.control.add_fault("raw", path=key, status=200, body=body, content_type="application/json")
    with pytest.raises(TapQontoError, match=rf"{key} of .* holds no attachment"):
        tap.sync()


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 3_000_000])
def test_files_of_all_sizes_come_whole(fake: FakeQonto, tap: Runner, size: int) -> None:
    key = fake.control.add_attachment(size=size)
    fake.control.add_invoice(attachment_id=key, display_attachment_id=None)
    [record] = tap.sync().records(FILES)
    content = fake.control.file_bytes(key)
    assert Path(record["location"]).read_bytes() == content
    assert record["sha256"] == hashlib.sha256(content).hexdigest()
    assert record["file_size"] == size == len(content)


def test_one_failure_ends_all_fetching(fake: FakeQonto, tap: Runner) -> None:
    for hour in range(24):
        fake.control.add_invoice(updated_at=f"2025-01-01T{hour:02d}:00:00Z")
    fake.control.set(file_latency=0.05)
    first = fake.control.invoices()[0]["attachment_id"]
    fake.control.add_fault("status", status=403, path=f"/v2/attachments/{first}")
    with pytest.raises(ApiError):
        tap.sync(attachments={"concurrency": 2})
    assert fake.control.count("files") < 23
    assert not [path for path in stored(tap) if INCOMPLETE in path.parts]


def test_a_broken_file_hides_no_invoice_from_the_next_run(company: FakeQonto, tap: Runner) -> None:
    broken = company.control.invoices()[17]["attachment_id"]
    company.control.add_fault("status", status=503, host="files", path=broken)
    with pytest.raises(UnreachableError) as caught:
        tap.sync(page_size=5)
    before = output_before(caught.value)
    company.control.clear_faults()
    after = tap.sync(state=before.state, page_size=5)
    assert {*before.ids(), *after.ids()} == set(company.control.invoice_ids())
    seen = {record["id"] for record in before.records(FILES) + after.records(FILES)}
    assert seen == set(company.control.attachment_ids())
    assert INVOICES in before.state["bookmarks"]
