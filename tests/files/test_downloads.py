"""Fetching files: again where that may help, whole or not at all, and never where told to."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pytest

from tap_qonto.errors import StorageError, TapQontoError, UnreachableError
from tap_qonto.files.hashes import HASHES
from tap_qonto.files.pending import MOST
from tap_qonto.files.storage import INCOMPLETE
from tests.files.raw_host import raw_host
from tests.support import (
    FILES,
    INVOICES,
    Patience,
    bookmark,
    chosen,
    output_before,
    written_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fake_qonto import FakeQonto
    from tests.files.raw_host import RawHost
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
    found = [path for path in tap.files.rglob("*") if path.is_file()]
    return [path for path in found if HASHES not in path.parts]


def failure(tap: Runner, key: str, **settings: Any) -> str:
    """Return why the one file is not there; the run goes on, and the state has its id."""
    output = tap.sync(**settings)
    [record] = output.records(FILES)
    assert (record["id"], record["status"]) == (key, "failed")
    assert record["location"] is record["sha256"] is record["content_base64"] is None
    assert stored(tap) == []
    [invoice] = output.ids()
    assert output.state["bookmarks"][FILES]["pending"] == [[invoice, key, "attachment"]]
    assert bookmark(output.state) is not None
    error: str = record["error"]
    assert "http" not in error.replace("https", "")
    assert "X-Amz" not in error
    return error


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


LASTING = {name: fault for name, fault in FAULTS.items() if fault["kind"] != "wrong_length"}


@pytest.mark.parametrize("fault", LASTING.values(), ids=LASTING)
def test_what_fails_for_good_is_a_row_and_the_run_goes_on(
    fake: FakeQonto, tap: Runner, key: str, fault: Json
) -> None:
    fake.control.add_fault(**fault, host="files")
    assert failure(tap, key).endswith(" Given up after 7 attempts.")
    assert fake.control.count("files") == 7


@pytest.mark.real_clock("it runs a process")
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("expired", "The file host refuses the file of {what} (HTTP 403)."),
        ("gone", "The file host refuses the file of {what} (HTTP 410)."),
        ("server error", "The file host could not give the file of {what} (HTTP 500)."),
        (
            "reset",
            (
                "The connection to {host} failed or was cut off on the request for the file of "
                "{what}. Check the address and the network."
            ),
        ),
    ],
)
def test_what_fails_for_good_is_told(
    fake: FakeQonto, tap: Runner, key: str, fault: str, sentence: str
) -> None:
    fake.control.add_fault(**FAULTS[fault], host="files")
    [invoice] = fake.control.invoice_ids()
    what = f"stream attachments, attachment {key} of {invoice}"
    output = tap.run()
    assert output.code == 0
    [record] = output.records(FILES)
    said = sentence.format(what=what, host=urlsplit(fake.files_url).netloc)
    assert record["error"] == f"{said} Given up after 7 attempts."
    assert "WARNING" in output.stderr
    assert "attachments: 1 files failed and 0 are missing at Qonto." in output.stderr


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("fault", [*LASTING.values(), {"kind": "status", "status": 404}])
def test_a_failed_file_is_tried_in_each_later_run_until_it_is_there(
    fake: FakeQonto, tap: Runner, fault: Json
) -> None:
    fake.control.add_invoice(
        updated_at="2025-06-29T00:00:00Z", attachment_id=None, display_attachment_id=None
    )
    [invoice] = [each["id"] for each in fake.control.invoices() if each["attachment_id"]]
    fake.control.edit_invoice(invoice, updated_at="2025-06-01T00:00:00Z")
    fake.control.add_fault(**fault, host="files")
    first = tap.sync()
    second = tap.sync(state=first.state)
    assert second.records(FILES) == []
    assert second.state["bookmarks"][FILES]["pending"]
    fake.control.clear_faults()
    third = tap.sync(state=second.state)
    [record] = third.records(FILES)
    [before] = first.records(FILES)
    names = ("supplier_invoice_id", "id", "roles")
    assert [record[name] for name in names] == [before[name] for name in names]
    check_whole(tap, record)
    assert "pending" not in third.state["bookmarks"][FILES]
    fake.control.clear_requests()
    assert tap.sync(state=third.state).records(FILES) == []
    assert fake.control.count("api", "attachments") == 0


def test_a_missing_attachment_is_tried_in_later_runs(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    [invoice] = fake.control.invoice_ids()
    fake.control.edit_invoice(invoice, updated_at="2025-06-01T00:00:00Z")
    fake.control.add_invoice(updated_at="2025-06-02T00:00:00Z")
    fake.control.add_fault("status", status=404, path=f"attachments/{key}")
    first = tap.sync()
    assert [row["status"] for row in first.records(FILES) if row["id"] == key] == ["missing"]
    fake.control.clear_faults()
    second = tap.sync(state=first.state)
    assert [row["status"] for row in second.records(FILES) if row["id"] == key] == ["downloaded"]


@pytest.mark.usefixtures("key")
def test_a_file_that_is_there_after_all_is_no_longer_pending(fake: FakeQonto, tap: Runner) -> None:
    fake.control.add_fault("status", status=404, host="files")
    first = tap.sync()
    fake.control.clear_faults()
    # A state that lost its bookmark: the list is read again, and the file with it.
    del first.state["bookmarks"][INVOICES]
    second = tap.sync(state=first.state)
    assert {row["status"] for row in second.records(FILES)} == {"downloaded"}
    assert "pending" not in second.state["bookmarks"][FILES]


def test_a_full_read_tries_all_files_and_forgets_those_of_rows_that_are_gone(
    tap: Runner, key: str
) -> None:
    state = {"bookmarks": {FILES: {"pending": [["no such invoice", key, "attachment"]]}}}
    output = tap.sync(state=state, catalog=chosen(INVOICES, FILES, full_table=[INVOICES]))
    assert [row["supplier_invoice_id"] for row in output.records(FILES)] == output.ids()
    assert "pending" not in output.state["bookmarks"][FILES]


@pytest.mark.real_clock("it runs a process")
def test_the_oldest_pending_file_is_dropped_when_there_are_too_many(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    [invoice] = fake.control.invoice_ids()
    pending = [["an invoice", f"file {number}", "attachment"] for number in range(MOST)]
    fake.control.add_fault("status", status=404, host="files")
    output = tap.run(state={"bookmarks": {FILES: {"pending": pending}}})
    assert output.code == 0
    kept = output.state["bookmarks"][FILES]["pending"]
    assert kept == [*pending[1:], [invoice, key, "attachment"]]
    assert f"More than {MOST} files of attachments could not be had" in output.stderr
    assert "file 0 of an invoice" in output.stderr


@pytest.mark.real_clock("it runs a process")
@pytest.mark.parametrize("pending", [7, [7], [[]], [["a"]], [["a", 7]], {"a": "b"}])
def test_a_pending_list_that_is_not_ours_is_told(tap: Runner, key: str, pending: Any) -> None:
    output = tap.run(state={"bookmarks": {FILES: {"pending": pending}}})
    assert output.code == 1, key
    assert output.sentence.startswith("The state says in pending something that tap-qonto did not")


@pytest.mark.parametrize("page_size", [1, 5, 100])
def test_a_host_that_fails_for_many_files_in_a_row_ends_the_run(
    fake: FakeQonto, tap: Runner, page_size: int
) -> None:
    for number in range(40):
        fake.control.add_invoice(
            updated_at=f"2025-01-{number // 2 + 1:02d}T{number % 2:02d}:00:00Z"
        )
    first, *_ = fake.control.invoices()
    fake.control.add_fault("status", status=404, host="files", after=3)
    with pytest.raises(
        UnreachableError, match=r"^20 files of attachments in a row .* \(HTTP 404\)\.$"
    ):
        tap.sync(page_size=page_size, attachments={"concurrency": 1})
    with pytest.raises(UnreachableError) as caught:
        tap.sync(page_size=page_size, attachments={"concurrency": 1})
    before = output_before(caught.value)
    if page_size == 100:
        assert {row["status"] for row in before.records(FILES)} <= {"downloaded"}
    fake.control.clear_faults()
    state = before.states[-1] if before.states else None
    after = tap.sync(state=state, page_size=page_size)
    got = {
        row["id"]
        for row in before.records(FILES) + after.records(FILES)
        if row["status"] == "downloaded"
    }
    assert got == set(fake.control.attachment_ids()), first


def test_files_that_failed_before_are_no_failing_host(fake: FakeQonto, tap: Runner) -> None:
    for number in range(30):
        fake.control.add_invoice(updated_at=f"2025-01-{number + 1:02d}T00:00:00Z")
    pending = [
        [each["id"], each["attachment_id"], "attachment"] for each in fake.control.invoices()
    ]
    fake.control.add_fault("status", status=404, host="files")
    state = {
        "bookmarks": {
            INVOICES: {
                "replication_key": "updated_at",
                "replication_key_value": "2025-02-01T00:00:00Z",
            },
            FILES: {"pending": pending},
        }
    }
    assert tap.sync(state=state).state["bookmarks"][FILES]["pending"] == pending


def test_a_lost_permission_keeps_the_bookmark_of_files_before_the_invoice(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    fake.control.add_fault("status", status=403, path=f"attachments/{key}")
    output = tap.sync()
    assert output.records(FILES) == []
    assert bookmark(output.state) is not None
    fake.control.clear_faults()
    [record] = tap.sync(state=output.state).records(FILES)
    check_whole(tap, record)


def test_a_place_that_fails_ends_the_run_before_its_invoice(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    tap.files.mkdir()
    year = fake.control.attachment(key)["created_at"][:4]
    (tap.files / year).write_text("a file where a folder should be")
    with pytest.raises(StorageError) as caught:
        tap.sync()
    assert output_before(caught.value).records(FILES) == []


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
    fake.control.add_fault("status", path=key, status=404, body=body, content_type="text/plain")
    assert "404 page not found" in failure(tap, key)


@pytest.mark.parametrize("status", [400, 401, 404, 418])
def test_what_cannot_pass_is_not_fetched_again(
    fake: FakeQonto, tap: Runner, key: str, status: int
) -> None:
    fake.control.add_fault("status", status=status, host="files")
    assert f"could not give the file of stream attachments, attachment {key} of " in (
        error := failure(tap, key)
    )
    assert error.endswith(f"(HTTP {status}).")
    assert fake.control.count("files") == 1


def test_an_error_of_the_api_is_not_tried_at_two_levels(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    fake.control.add_fault("status", status=503, path=f"attachments/{key}")
    assert failure(tap, key).endswith("Given up after 7 attempts.")
    assert fake.control.count("api", "attachments") == 7


@pytest.mark.parametrize("status", [400, 405, 422])
def test_an_attachment_that_the_api_refuses_is_a_failed_file(
    fake: FakeQonto, tap: Runner, key: str, status: int
) -> None:
    fake.control.add_fault("status", status=status, path=f"attachments/{key}")
    assert f"HTTP {status}" in failure(tap, key)


# Redirects.


def test_redirects_are_followed_without_the_credential(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    address = f"{fake.files_url}/elsewhere"
    fake.control.add_fault("redirect", host="files", location=address, times=3)
    fake.control.add_fault(
        "raw", host="files", path="/elsewhere", status=200, body=CONTENT.decode(),
        content_type="application/pdf",
    )  # fmt: skip
    [record] = tap.sync().records(FILES)
    check_whole(tap, record)
    assert record["id"] == key
    assert fake.control.count("files") == 4
    for request in fake.control.requests("files"):
        assert "authorization" not in {name.lower() for name in request["headers"]}


def test_a_relative_redirect_is_followed(fake: FakeQonto, tap: Runner, key: str) -> None:
    fake.control.add_fault("redirect", host="files", location="/elsewhere", times=1)
    fake.control.add_fault(
        "raw", host="files", path="/elsewhere", status=200, body=CONTENT.decode(),
        content_type="application/pdf",
    )  # fmt: skip
    [record] = tap.sync().records(FILES)
    assert record["id"] == key
    check_whole(tap, record)


def test_redirects_have_an_end(fake: FakeQonto, tap: Runner, key: str) -> None:
    fake.control.add_fault("redirect", host="files", location=f"{fake.files_url}/round")
    assert "redirects stream attachments" in failure(tap, key)
    assert fake.control.count("files") == 4


@pytest.mark.parametrize("there", ["file:///etc/passwd", "http://example.org/", "ftp://a/b"])
def test_a_redirect_to_anything_but_https_is_refused(
    fake: FakeQonto, tap: Runner, key: str, there: str
) -> None:
    fake.control.add_fault("redirect", host="files", location=there)
    assert "an address that is not https" in failure(tap, key)
    assert fake.control.count("files") == 1


# Pages.


def test_a_page_instead_of_a_file_names_the_staging_token(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    fake.control.add_fault("html", host="files")
    error = failure(tap, key)
    assert "is an HTML page instead" in error
    assert "staging_token" in error


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "Application/XHTML+XML"])
def test_a_page_that_qonto_announces_is_a_file(fake: FakeQonto, tap: Runner, kind: str) -> None:
    key = fake.control.add_attachment(content=CONTENT, file_content_type=kind)
    fake.control.add_invoice(attachment_id=key, display_attachment_id=None)
    [record] = tap.sync().records(FILES)
    check_whole(tap, record)


# Sizes.


@pytest.mark.parametrize("size", ["699", "701", "0", "1", "900"])
@pytest.mark.parametrize("mode", ["files", "inline"])
def test_where_only_the_announced_size_disagrees_the_file_is_taken_and_told(
    fake: FakeQonto, tap: Runner, key: str, size: str, mode: str
) -> None:
    fake.control.edit_attachment(key, file_size=size)
    first = tap.sync(attachments={"mode": mode})
    [record] = first.records(FILES)
    assert record["status"] == "downloaded"
    assert record["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert record["file_size"] == int(size)
    sent = f"Qonto announced {size} bytes, and the file host sent 700."
    assert record["error"] == sent
    assert "pending" not in first.state["bookmarks"][FILES]
    # Twice more, since the first answer may have been cut on its way.
    assert fake.control.count("files") == 3
    if mode == "files":
        assert tap.sync().records(FILES) == [record]
        assert fake.control.count("files") == 3


@pytest.fixture
def host(fake: FakeQonto, key: str) -> Iterator[RawHost]:
    """A host that has the file of the attachment."""
    with raw_host() as found:
        fake.control.edit_attachment(key, url=found.url)
        yield found


@pytest.mark.parametrize("announced", ["on the wire", "of the file"])
def test_a_compressed_answer_is_taken(
    fake: FakeQonto, tap: Runner, key: str, host: RawHost, announced: str
) -> None:
    host.body = gzip.compress(CONTENT)
    host.head = {"Content-Encoding": "gzip", "Content-Length": str(len(host.body))}
    size = len(host.body) if announced == "on the wire" else len(CONTENT)
    fake.control.edit_attachment(key, file_size=size)
    [record] = tap.sync().records(FILES)
    check_whole(tap, record)
    assert record["error"] is None
    assert host.requests == 1
    assert tap.sync().records(FILES) == [record]
    assert host.requests == 1


@pytest.mark.parametrize("cut", [1, 300])
def test_a_body_that_is_shorter_on_the_wire_than_it_says_is_not_taken(
    fake: FakeQonto, tap: Runner, key: str, host: RawHost, cut: int
) -> None:
    host.body = CONTENT[:-cut]
    host.head = {"Content-Length": str(len(CONTENT))}
    # Even where Qonto announces just what came.
    fake.control.edit_attachment(key, file_size=len(host.body))
    assert failure(tap, key).endswith("Given up after 7 attempts.")


@pytest.mark.parametrize("size", [699, 700])
def test_chunks_have_a_mark_at_their_end(
    fake: FakeQonto, tap: Runner, key: str, host: RawHost, size: int
) -> None:
    host.body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(CONTENT), CONTENT)
    host.head = {"Transfer-Encoding": "chunked"}
    fake.control.edit_attachment(key, file_size=size)
    [record] = tap.sync().records(FILES)
    check_whole(tap, record)
    assert (record["error"] is None) == (size == len(CONTENT))


def test_chunks_without_the_mark_are_not_taken(
    fake: FakeQonto, tap: Runner, key: str, host: RawHost
) -> None:
    host.body = b"%x\r\n%s\r\n" % (len(CONTENT), CONTENT)
    host.head = {"Transfer-Encoding": "chunked"}
    fake.control.edit_attachment(key, remove=["file_size"])
    assert failure(tap, key).endswith("Given up after 7 attempts.")


def test_a_body_without_any_size_and_end_is_not_taken(
    fake: FakeQonto, tap: Runner, key: str, host: RawHost
) -> None:
    host.body = CONTENT
    fake.control.edit_attachment(key, remove=["file_size"])
    assert "without a size and without a mark at its end" in failure(tap, key)


@pytest.mark.parametrize("size", [699, 701])
def test_a_body_without_an_end_needs_the_announced_size(
    fake: FakeQonto, tap: Runner, key: str, host: RawHost, size: int
) -> None:
    host.body = CONTENT
    fake.control.edit_attachment(key, file_size=size)
    assert f"came with 700 instead of {size} bytes" in failure(tap, key)
    fake.control.edit_attachment(key, file_size=700)
    [record] = tap.sync().records(FILES)
    check_whole(tap, record)


@pytest.mark.parametrize("mode", ["files", "inline"])
def test_a_server_that_sends_far_more_than_announced_is_cut_off(
    fake: FakeQonto, tap: Runner, mode: str
) -> None:
    key = fake.control.add_attachment(size=HUGE, file_size="10")
    fake.control.add_invoice(attachment_id=key, display_attachment_id=None)
    assert "came with far more than 10 bytes" in failure(tap, key, attachments={"mode": mode})


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
    assert "Qonto gave no address for " in failure(tap, key)


@pytest.mark.parametrize("url", ["http://example.org/file", "file:///etc/passwd", "ftp://a/b"])
def test_an_address_that_is_not_https_is_told(
    fake: FakeQonto, tap: Runner, key: str, url: str
) -> None:
    fake.control.edit_attachment(key, url=url)
    assert "not https" in failure(tap, key)


@pytest.mark.parametrize("body", ["{}", '{"attachment": null}', '{"attachment": []}', "[]"])
def test_an_answer_without_an_attachment_is_told(
    fake: FakeQonto, tap: Runner, key: str, body: str
) -> None:
    fake.control.add_fault("raw", path=key, status=200, body=body, content_type="application/json")
    assert "Check api_url." in failure(tap, key)


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
    fake.control.add_fault("status", status=401, path=f"/v2/attachments/{first}")
    with pytest.raises(TapQontoError):
        tap.sync(attachments={"concurrency": 2})
    assert fake.control.count("files") < 23
    assert not [path for path in stored(tap) if INCOMPLETE in path.parts]


def test_a_broken_file_holds_up_no_invoice(company: FakeQonto, tap: Runner) -> None:
    broken = company.control.invoices()[17]["attachment_id"]
    company.control.add_fault("status", status=503, host="files", path=broken)
    before = tap.sync(page_size=5)
    assert set(before.ids()) == set(company.control.invoice_ids())
    failed = [record["id"] for record in before.records(FILES) if record["status"] == "failed"]
    assert failed == [broken]
    company.control.clear_faults()
    after = tap.sync(state=before.state, page_size=5)
    assert [record["status"] for record in after.records(FILES) if record["id"] == broken] == [
        "downloaded"
    ]
