"""The stream of attachments: one row for each file of an invoice, and the file itself."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec  # type: ignore[import-untyped]
import pytest

from tap_qonto.errors import ApiError
from tap_qonto.files.hashes import HASHES
from tap_qonto.streams import Attachments
from tests.support import (
    BOTH,
    FILES,
    INVOICES,
    all_file_keys,
    bookmark,
    chosen,
    file_keys,
    output_before,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Output, Runner

CONTENT = b"%PDF-1.4 a file"
STAMP = "2025-03-23T14:21:51.638000Z"


@pytest.fixture
def key(fake: FakeQonto) -> str:
    """The id of an attachment, to which one invoice refers twice."""
    attachment_id = fake.control.add_attachment(
        content=CONTENT,
        created_at="2025-03-23T14:21:51.638Z",
        file_name="Reçu n°7.pdf",
        file_content_type="application/pdf",
        probative="pending",
    )
    invoice(fake, attachment_id, attachment_id)
    return attachment_id


def invoice(fake: FakeQonto, attachment_id: str | None, display_id: str | None) -> str:
    return fake.control.add_invoice(attachment_id=attachment_id, display_attachment_id=display_id)


def row(fake: FakeQonto, key: str, **differing: Any) -> Json:
    """Return the row that is expected of the fixture's attachment."""
    return {
        "supplier_invoice_id": fake.control.invoice_ids()[0],
        "id": key,
        "roles": ["attachment", "display"],
        "file_name": "Reçu n°7.pdf",
        "file_content_type": "application/pdf",
        "created_at": STAMP,
        "file_size": len(CONTENT),
        "probative_attachment": {"status": "pending"},
        "status": "downloaded",
        "location": None,
        "sha256": None,
        "content_base64": None,
        "error": None,
    } | differing


# Statuses and modes.


def test_a_file_is_stored_and_its_row_says_where(fake: FakeQonto, tap: Runner, key: str) -> None:
    location = tap.files / "2025" / "03" / f"{key}-Reçu n°7.pdf"
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    assert tap.sync().records(FILES) == [row(fake, key, location=str(location), sha256=sha256)]
    assert location.read_bytes() == CONTENT
    hidden = [path for path in tap.files.iterdir() if path.name.startswith(".")]
    assert [path for path in tap.files.rglob("*.pdf") if path.is_file()] == [location]
    assert [path.name for path in hidden] == [HASHES]


def test_a_missing_attachment_is_a_row_and_the_run_goes_on(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    fake.control.delete_attachment(key)
    fake.control.add_invoice()
    output = tap.sync()
    missing, other = output.records(FILES)
    assert missing.pop("error").startswith("Resource not found (HTTP 404, code not_found, ")
    facts = ("file_name", "file_content_type", "created_at", "file_size", "probative_attachment")
    expected = row(fake, key, status="missing") | dict.fromkeys(facts)
    assert missing == {name: value for name, value in expected.items() if name != "error"}
    assert other["status"] == "downloaded"
    assert len(output.records()) == 2
    assert fake.control.count("api", key) == 1


def test_a_file_over_max_bytes_is_not_fetched(fake: FakeQonto, tap: Runner, key: str) -> None:
    output = tap.sync(attachments={"max_bytes": len(CONTENT) - 1})
    error = f"{len(CONTENT)} bytes, more than attachments.max_bytes = {len(CONTENT) - 1}"
    assert output.records(FILES) == [row(fake, key, status="too_large", error=error)]
    assert fake.control.count("files") == 0


def test_a_file_of_max_bytes_is_fetched(fake: FakeQonto, tap: Runner, key: str) -> None:
    [record] = tap.sync(attachments={"max_bytes": len(CONTENT)}).records(FILES)
    assert (record["id"], record["status"]) == (key, "downloaded")
    assert fake.control.count("files") == 1


def test_mode_metadata_fetches_no_file_and_touches_no_folder(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    output = tap.sync(attachments={"mode": "metadata"})
    assert output.records(FILES) == [row(fake, key, status="metadata_only")]
    assert fake.control.count("files") == 0
    assert not tap.files.exists()


def test_mode_inline_brings_the_bytes_and_touches_no_folder(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    content = base64.b64encode(CONTENT).decode()
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    output = tap.sync(attachments={"mode": "inline"})
    assert output.records(FILES) == [row(fake, key, content_base64=content, sha256=sha256)]
    assert not tap.files.exists()


def test_max_bytes_holds_in_mode_inline_too(fake: FakeQonto, tap: Runner, key: str) -> None:
    [record] = tap.sync(attachments={"mode": "inline", "max_bytes": 3}).records(FILES)
    assert (record["id"], record["status"]) == (key, "too_large")
    assert record["content_base64"] is None
    assert fake.control.count("files") == 0


def test_files_can_go_to_any_fsspec_url(
    fake: FakeQonto, tap: Runner, key: str, tmp_path: Path
) -> None:
    root = f"memory:/{tmp_path}"
    [record] = tap.sync(attachments={"location": root}).records(FILES)
    assert record["location"] == f"memory://{tmp_path}/2025/03/{key}-Reçu n°7.pdf"
    with fsspec.open(record["location"]) as file:
        assert file.read() == CONTENT
    assert not tap.files.exists()
    fake.control.clear_requests()
    assert tap.sync(attachments={"location": root}).records(FILES) == [record]
    assert fake.control.count("files") == 0


# Rows.


def test_one_file_in_two_roles_is_one_row_and_one_fetch(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    [record] = tap.sync().records(FILES)
    assert (record["id"], record["roles"]) == (key, ["attachment", "display"])
    assert fake.control.count("api", "attachments") == fake.control.count("files") == 1


def test_two_files_of_an_invoice_are_two_rows(fake: FakeQonto, tap: Runner) -> None:
    xml, pdf = (fake.control.add_attachment(content=content) for content in (b"<xml/>", b"%PDF"))
    invoice(fake, xml, pdf)
    rows = tap.sync().records(FILES)
    assert [(record["id"], record["roles"]) for record in rows] == [
        (xml, ["attachment"]),
        (pdf, ["display"]),
    ]
    assert [Path(record["location"]).read_bytes() for record in rows] == [b"<xml/>", b"%PDF"]


def test_an_invoice_may_have_a_display_file_alone_or_none(fake: FakeQonto, tap: Runner) -> None:
    pdf = fake.control.add_attachment(content=b"%PDF")
    alone, none = invoice(fake, None, pdf), invoice(fake, None, None)
    empty = invoice(fake, "", "")
    output = tap.sync()
    assert [
        (record["supplier_invoice_id"], record["roles"]) for record in output.records(FILES)
    ] == [(alone, ["display"])]
    assert sorted(output.ids()) == sorted([alone, none, empty])


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_file_that_two_invoices_share_is_a_row_for_each(
    fake: FakeQonto, tap: Runner, key: str, concurrency: int
) -> None:
    other = invoice(fake, key, None)
    first, second = tap.sync(attachments={"concurrency": concurrency}).records(FILES)
    assert {first["supplier_invoice_id"], second["supplier_invoice_id"]} == {
        *fake.control.invoice_ids()
    }
    assert {tuple(record["roles"]) for record in (first, second)} == {
        ("attachment", "display"),
        ("attachment",),
    }
    same = ("id", "location", "sha256", "file_size", "status")
    assert [first[name] for name in same] == [second[name] for name in same]
    assert Path(first["location"]).read_bytes() == CONTENT
    assert other in fake.control.invoice_ids()
    if concurrency == 1:
        assert fake.control.count("files") == 1


def test_the_key_of_a_row_is_unique(company: FakeQonto, tap: Runner) -> None:
    rows = tap.sync().records(FILES)
    keys = {(record["supplier_invoice_id"], record["id"]) for record in rows}
    assert len(keys) == len(rows)
    expected = {
        (served["id"], attachment_id)
        for served in company.control.invoices()
        for attachment_id in (served["attachment_id"], served["display_attachment_id"])
        if attachment_id
    }
    assert keys == expected


@pytest.mark.parametrize("probative", ["available", "unavailable", "pending", "corrupted"])
def test_the_sealed_copy_is_told_without_its_address(
    fake: FakeQonto, tap: Runner, key: str, probative: str
) -> None:
    fake.control.edit_attachment(key, probative=probative)
    output = tap.sync()
    [record] = output.records(FILES)
    facts = record["probative_attachment"]
    assert facts["status"] == probative
    if probative == "available":
        assert facts["file_size"] > len(CONTENT)
        assert facts["file_name"] == "sealed-Reçu n°7.pdf"
        assert facts["file_content_type"] == "application/pdf"
    assert facts.keys() <= {"status", "file_name", "file_content_type", "file_size"}


@pytest.mark.parametrize(("probative", "told"), [("", {}), (None, None)])
def test_a_sealed_copy_may_be_empty_or_absent(
    fake: FakeQonto, tap: Runner, key: str, probative: str | None, told: Json | None
) -> None:
    fake.control.edit_attachment(key, probative=probative)
    [record] = tap.sync().records(FILES)
    assert record["probative_attachment"] == told


def test_a_signed_address_is_nowhere_in_the_output(company: FakeQonto, tap: Runner) -> None:
    output = tap.run(environment={"TAP_QONTO_LOGLEVEL": "DEBUG"})
    assert output.code == 0
    assert company.control.count("files") > 20
    assert "X-Amz" not in output.stdout.decode() + output.stderr
    assert company.files_url not in output.stdout.decode()


def test_an_attachment_without_name_and_type_is_stored(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    fake.control.edit_attachment(key, remove=["file_name", "file_content_type", "created_at"])
    [record] = tap.sync().records(FILES)
    assert record["file_name"] is record["file_content_type"] is record["created_at"] is None
    assert record["location"] == str(tap.files / "undated" / key)
    assert (tap.files / "undated" / key).read_bytes() == CONTENT


# A second run.


def test_a_file_that_is_stored_is_not_fetched_again(company: FakeQonto, tap: Runner) -> None:
    first = tap.sync()
    company.control.clear_requests()
    second = tap.sync()
    assert second.records(FILES) == first.records(FILES)
    assert company.control.count("files") == 0


def test_a_file_of_another_length_is_fetched_again(fake: FakeQonto, tap: Runner, key: str) -> None:
    [record] = tap.sync().records(FILES)
    for content in (b"", CONTENT[:-1], CONTENT + b"\n"):
        Path(record["location"]).write_bytes(content)
        fake.control.clear_requests()
        assert tap.sync().records(FILES) == [record]
        assert Path(record["location"]).read_bytes() == CONTENT
        assert fake.control.count("files", key) == 1


@pytest.mark.parametrize("place", ["files", "memory"])
def test_a_file_that_was_swapped_is_fetched_again(
    fake: FakeQonto, tap: Runner, key: str, place: str
) -> None:
    location = str(tap.files) if place == "files" else f"memory:/{tap.files}"
    [record] = tap.sync(attachments={"location": location}).records(FILES)
    with fsspec.open(record["location"], "wb") as file:
        file.write(CONTENT.swapcase())
    fake.control.clear_requests()
    assert tap.sync(attachments={"location": location}).records(FILES) == [record]
    with fsspec.open(record["location"]) as file:
        assert file.read() == CONTENT
    assert fake.control.count("files", key) == 1


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"sha256": 7}', b"[]"])
def test_a_file_whose_hash_is_not_known_is_kept(
    fake: FakeQonto, tap: Runner, key: str, content: bytes | None
) -> None:
    [record] = tap.sync().records(FILES)
    # As version 0.1 left it, or a power cut.
    [kept] = [path for path in (tap.files / HASHES).rglob("*") if path.is_file()]
    kept.unlink() if content is None else kept.write_bytes(content)
    fake.control.clear_requests()
    assert tap.sync().records(FILES) == [record]
    assert fake.control.count("files", key) == 0
    Path(record["location"]).write_bytes(CONTENT.swapcase())
    assert tap.sync().records(FILES) == [record]
    assert fake.control.count("files", key) == 1


def test_an_attachment_that_appears_later_is_fetched_with_its_invoice(
    fake: FakeQonto, tap: Runner, key: str
) -> None:
    fake.control.delete_attachment(key)
    first = tap.sync()
    found = fake.control.add_attachment(content=CONTENT)
    fake.control.edit_invoice(
        fake.control.invoice_ids()[0], attachment_id=found, display_attachment_id=found
    )
    second = tap.sync(state=first.state)
    assert [(record["id"], record["status"]) for record in second.records(FILES)] == [
        (found, "downloaded")
    ]


# Side by side, and in order.


def parents(output: Output) -> list[str]:
    """Return the invoices in the order of their files' rows."""
    return list(dict.fromkeys(record["supplier_invoice_id"] for record in output.records(FILES)))


def test_rows_come_in_order_whatever_comes_first(company: FakeQonto, tap: Runner) -> None:
    company.control.add_fault("delay", host="files", delay=0.05, probability=0.3)
    output = tap.sync(page_size=10, attachments={"concurrency": 8})
    with_files = {record["supplier_invoice_id"] for record in output.records(FILES)}
    assert parents(output) == [key for key in output.ids() if key in with_files]
    # An invoice's files come before it, so that no bookmark can pass them.
    waiting: set[str] = set()
    for message in output.of("RECORD"):
        if message["stream"] == FILES:
            waiting.add(message["record"]["supplier_invoice_id"])
        else:
            waiting.discard(message["record"]["id"])
        assert len(waiting) <= 1
    assert not waiting


@pytest.mark.parametrize("concurrency", [1, 4])
def test_no_more_is_in_flight_than_concurrency_allows(
    company: FakeQonto, tap: Runner, concurrency: int
) -> None:
    company.control.set(latency=0.01, file_latency=0.01)
    tap.sync(attachments={"concurrency": concurrency})
    most = company.control.max_in_flight("api"), company.control.max_in_flight("files")
    assert max(most) <= concurrency
    assert company.control.count("files") > 20
    assert concurrency == 1 or max(most) > 1


def add_slow_file(fake: FakeQonto, invoice_id: str) -> Callable[[], float]:
    """Give an invoice a file that is slow to come; return what tells when it had come."""
    key = fake.control.add_attachment()
    kept = fake.control.invoice(invoice_id)["updated_at"]
    fake.control.edit_invoice(
        invoice_id, attachment_id=key, display_attachment_id=key, updated_at=kept
    )
    fake.control.add_fault("delay", host="files", path=key, delay=0.7)

    def came() -> float:
        [ended] = [each["ended"] for each in fake.control.requests("files") if key in each["path"]]
        return float(ended)

    return came


def asked_before(fake: FakeQonto, moment: float) -> list[str]:
    """Return the last parts of the API's paths that were asked for by then."""
    return [
        request["path"].rpartition("/")[2]
        for request in fake.control.requests("api")
        if request["started"] < moment
    ]


def files_of(fake: FakeQonto, invoice_ids: Iterable[str]) -> set[str]:
    served = [fake.control.invoice(key) for key in invoice_ids]
    return {row[name] for row in served for name in Attachments.roles} - {None}


def test_no_more_than_a_page_of_files_is_under_way(company: FakeQonto, tap: Runner) -> None:
    ids = company.control.invoice_ids()
    came = add_slow_file(company, ids[0])
    tap.sync(page_size=5, attachments={"concurrency": 16})
    asked = asked_before(company, came())
    files = [each for each in asked if each != INVOICES]
    assert sorted(files) == sorted(files_of(company, ids[:5]))


def test_the_next_page_is_asked_for_while_files_come_in(company: FakeQonto, tap: Runner) -> None:
    ids = company.control.invoice_ids()
    came = add_slow_file(company, ids[9])
    output = tap.sync(page_size=10, attachments={"concurrency": 16})
    asked = asked_before(company, came())
    assert asked.count(INVOICES) == 2
    assert set(asked) - {INVOICES} - files_of(company, ids[:10])
    # Still no state passes the page before all its files are there.
    messages = output.messages
    first_state = next(at for at, each in enumerate(messages) if each["type"] == "STATE")
    written = [each["record"]["id"] for each in messages[:first_state] if "record" in each]
    assert ids[9] in written


REFUSED: Json = {"kind": "status", "path": "attachments/", "status": 403}


@pytest.mark.parametrize("full", [[], [INVOICES]])
def test_files_that_may_not_be_read_do_not_hold_up_invoices(
    company: FakeQonto, tap: Runner, full: list[str]
) -> None:
    catalog = chosen(*BOTH, full_table=full)
    company.control.add_fault(**REFUSED)
    output = tap.run(catalog=catalog, page_size=10)
    assert output.code == 0
    assert set(output.ids()) == set(company.control.invoice_ids())
    assert output.records(FILES) == []
    [warning] = [line for line in output.stderr.splitlines() if "attachments is left out." in line]
    assert "scope attachment.read" in warning
    assert FILES not in {message["stream"] for message in output.of("ACTIVATE_VERSION")}
    assert company.control.count("api", "attachments/") < 20
    # Allowed later: all of them are fetched, and no more than that is read again.
    company.control.clear_faults()
    later = tap.sync(catalog=catalog, state=output.state)
    assert set(file_keys(later)) == all_file_keys(company)
    assert "replication_key_value" not in later.state["bookmarks"][FILES]


def test_files_that_could_be_read_before_end_the_run_with_an_error(
    company: FakeQonto, tap: Runner
) -> None:
    first = tap.run()
    company.control.add_fault(**REFUSED)
    keys = [company.control.add_attachment() for _ in range(3)]
    new = {(company.control.add_invoice(attachment_id=key), key) for key in keys}
    second = tap.run(state=first.state)
    assert second.code == 1
    assert "attachments" in second.sentence
    assert {invoice for invoice, _ in new} <= set(second.ids())
    company.control.clear_faults()
    third = tap.sync(state=second.state)
    assert new <= set(file_keys(third))


def test_files_alone_that_may_not_be_read_are_an_error(company: FakeQonto, tap: Runner) -> None:
    company.control.add_fault(**REFUSED)
    output = tap.run(catalog=chosen(FILES))
    assert output.code == 1
    assert "attachment.read" in output.sentence


def test_a_file_that_waits_is_left_waiting_where_files_may_not_be_read(
    company: FakeQonto, tap: Runner
) -> None:
    key = company.control.attachment_ids()[0]
    company.control.add_fault("status", status=404, path=key, host="files")
    first = tap.sync()
    assert first.state["bookmarks"][FILES]["pending"]
    company.control.clear_faults()
    company.control.add_fault(**REFUSED)
    second = tap.run(state=first.state)
    assert second.code == 1
    assert second.state["bookmarks"][FILES]["pending"] == first.state["bookmarks"][FILES]["pending"]
    company.control.clear_faults()
    third = tap.sync(state=second.state)
    assert key in {row["id"] for row in third.records(FILES)}
    assert "pending" not in third.state["bookmarks"][FILES]


@pytest.mark.parametrize(
    ("parent", "stream", "path"),
    [
        ("transactions", "transaction_links", "child_transaction_links"),
        ("payment_links", "payment_link_payments", "payments"),
    ],
)
def test_rows_below_that_may_not_be_read_do_not_hold_up_their_parents(
    company: FakeQonto, tap: Runner, parent: str, stream: str, path: str
) -> None:
    path = {"transaction_links": "child_transaction_links$", "payment_link_payments": "payments$"}[
        stream
    ]
    company.control.add_fault("status", path=path, status=403)
    output = tap.run(catalog=chosen(parent, stream))
    assert output.code == 0
    assert len(output.records(parent)) > 5
    assert f"{stream} is left out." in output.stderr


def test_what_was_read_before_a_page_fails_is_written(company: FakeQonto, tap: Runner) -> None:
    company.control.add_fault("status", path=f"{INVOICES}$", after=2, status=403)
    with pytest.raises(ApiError) as failure:
        tap.sync(page_size=10)
    output = output_before(failure.value)
    assert len(output.ids()) > 10
    assert bookmark(output.state) == output.records()[-1]["updated_at"]
