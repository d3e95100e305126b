"""What every stream of files promises, whichever it is: a new one is proven by being listed."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec  # type: ignore[import-untyped]
import jsonschema
import pytest

from tap_qonto.files.stream import FilesStream
from tap_qonto.streams import STREAMS
from tests.fake_qonto import TODAY
from tests.support import chosen, discovered

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Output, Runner

STREAMS_OF_FILES: dict[str, Any] = {
    each.name: each for each in STREAMS if issubclass(each, FilesStream)
}
NAMES = sorted(STREAMS_OF_FILES)
RECEIPTS, BOOKINGS = "transaction_attachments", "transactions"
STATEMENTS = "statement_files"
PDFS, INVOICES = "client_invoice_attachments", "client_invoices"
CERTIFICATES, ACCOUNTS = "iban_certificates", "bank_accounts"
PROOFS, TRANSFERS = "transfer_proofs", "transfers"
MADE = {CERTIFICATES: "/iban_certificate$", PROOFS: "/download_proof$"}
"""Streams whose files Qonto makes for the call, and the paths of these."""


@pytest.fixture
def bank(fake: FakeQonto) -> FakeQonto:
    """A fake whose lists all have rows."""
    fake.control.reset(invoices=12, today=TODAY)
    return fake


def wanted(bank: FakeQonto, name: str) -> set[tuple[str, str]]:
    """Return the ids of rows and their files, as the fake has them."""
    stream = STREAMS_OF_FILES[name]
    found = set()
    for row in bank.control.rows(stream.parent_stream_type.name):
        if name == CERTIFICATES and (row["status"] != "active" or row["account_number"]):
            continue
        if name == PROOFS and row["status"] != "settled":
            continue
        for field in stream.roles:
            named = row.get(field) or ()
            ids = [named] if isinstance(named, str) else named
            found |= {(row["id"], each) for each in ids}
    return found


def content_of(bank: FakeQonto, name: str, file: str) -> bytes:
    return bank.control.made_file(file) if name in MADE else bank.control.file_bytes(file)


def fetched(bank: FakeQonto, name: str) -> int:
    """Return how many files were fetched."""
    return bank.control.count(*(("api", MADE[name]) if name in MADE else ("files",)))


def keys_of(name: str, records: list[Json]) -> set[tuple[str, str]]:
    return {(each[STREAMS_OF_FILES[name].parent_key], each["id"]) for each in records}


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_stored_byte_for_byte(bank: FakeQonto, tap: Runner, name: str) -> None:
    [schema] = [each["schema"] for each in discovered()["streams"] if each["stream"] == name]
    output = tap.sync(catalog=chosen(name))
    records = output.records(name)
    assert keys_of(name, records) == wanted(bank, name) != set()
    assert len(records) == len(keys_of(name, records))
    for record in records:
        jsonschema.validate(record, schema)
        assert record["status"] == "downloaded"
        content = Path(record["location"]).read_bytes()
        assert content == content_of(bank, name, record["id"])
        assert record["sha256"] == hashlib.sha256(content).hexdigest()
    assert b"X-Amz" not in output.stdout


@pytest.mark.parametrize("name", NAMES)
def test_a_run_without_state_downloads_nothing_again(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    first = tap.sync(catalog=chosen(name)).records(name)
    bank.control.clear_requests()
    again = tap.sync(catalog=chosen(name)).records(name)
    # Accounts are read side by side, in no order.
    assert sorted(again, key=str) == sorted(first, key=str)
    assert fetched(bank, name) == 0


@pytest.mark.parametrize("name", NAMES)
def test_files_of_every_stream_go_to_a_bucket(
    bank: FakeQonto, tap: Runner, name: str, tmp_path: Path
) -> None:
    root = f"memory:/{tmp_path}"
    records = tap.sync(catalog=chosen(name), attachments={"location": root}).records(name)
    assert keys_of(name, records) == wanted(bank, name)
    for record in records:
        with fsspec.open(record["location"]) as file:
            assert file.read() == content_of(bank, name, record["id"])
    assert not tap.files.exists()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["inline", "metadata"])
def test_the_other_modes_store_nothing(bank: FakeQonto, tap: Runner, name: str, mode: str) -> None:
    records = tap.sync(catalog=chosen(name), attachments={"mode": mode}).records(name)
    assert keys_of(name, records) == wanted(bank, name)
    assert all(bool(each["content_base64"]) == (mode == "inline") for each in records)
    assert bool(fetched(bank, name)) == (mode == "inline")
    assert not tap.files.exists()


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_fails_is_tried_in_the_next_run(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    parent, file = min(wanted(bank, name))
    if name in MADE:
        bank.control.add_fault("status", status=503, path=f"/{file}{MADE[name]}")
    else:
        bank.control.add_fault("status", status=404, host="files", path=file)
    first = tap.sync(catalog=chosen(name))
    [failed] = [each for each in first.records(name) if each["status"] == "failed"]
    assert failed["id"] == file
    assert failed["error"]
    bank.control.clear_faults()
    second = tap.sync(catalog=chosen(name), state=first.state)
    there = {each["id"] for each in second.records(name) if each["status"] == "downloaded"}
    assert file in there
    assert "pending" not in second.state["bookmarks"][name]
    assert parent


@pytest.mark.parametrize("name", NAMES)
def test_files_that_a_limit_left_out_come_when_it_is_lifted(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    first = tap.sync(catalog=chosen(name), attachments={"max_bytes": 1})
    assert {each["status"] for each in first.records(name)} == {"too_large"}
    assert not any(path.is_file() for path in tap.files.rglob("*"))
    second = tap.sync(catalog=chosen(name), state=first.state)
    assert keys_of(name, second.records(name)) == wanted(bank, name)
    assert {each["status"] for each in second.records(name)} == {"downloaded"}


FULL_LISTS = ["credit_note_attachments", "quote_attachments", "request_attachments", STATEMENTS]


@pytest.mark.parametrize("name", FULL_LISTS)
def test_files_at_rest_of_lists_that_are_read_whole_cost_no_call(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    catalog = chosen(name)
    first = tap.sync(catalog=catalog)
    bank.control.clear_requests()
    second = tap.sync(catalog=catalog, state=first.state)
    assert second.records(name) == first.records(name) != []
    assert bank.control.count("files") == 0
    lists = [each["path"] for each in bank.control.requests("api")]
    path = STREAMS_OF_FILES[name].parent_stream_type.path
    assert set(lists) <= {path, "/v2/organization"}


@pytest.mark.parametrize("name", FULL_LISTS[:3])
def test_a_row_that_changed_is_asked_for_its_file_again(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    first = tap.sync(catalog=chosen(name))
    parent = STREAMS_OF_FILES[name].parent_stream_type.name
    row, file = min(wanted(bank, name))
    bank.control.edit(parent, row, **{bank.control.text_field(parent): "edited"})
    bank.control.edit_attachment(file, content=b"%PDF-1.4 made anew")
    bank.control.clear_requests()
    second = tap.sync(catalog=chosen(name), state=first.state)
    [record] = [each for each in second.records(name) if each["id"] == file]
    assert Path(record["location"]).read_bytes() == b"%PDF-1.4 made anew"
    assert bank.control.count("api", "/v2/attachments/") == bank.control.count("files") == 1
    assert keys_of(name, second.records(name)) == wanted(bank, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_was_swapped_or_lost_is_fetched_again(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    first = tap.sync(catalog=chosen(name))
    swapped, lost = (Path(each["location"]) for each in first.records(name)[:2])
    swapped.write_bytes(swapped.read_bytes().swapcase())
    lost.unlink()
    bank.control.clear_requests()
    # Lists that are read whole show every row again, also with a state.
    state = first.state if name in FULL_LISTS else None
    records = tap.sync(catalog=chosen(name), state=state).records(name)
    assert fetched(bank, name) == 2
    assert keys_of(name, records) == keys_of(name, first.records(name))
    for record in records:
        content = Path(record["location"]).read_bytes()
        assert content == content_of(bank, name, record["id"])
        assert record["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", FULL_LISTS[:3])
def test_a_run_without_state_asks_for_all_files(bank: FakeQonto, tap: Runner, name: str) -> None:
    tap.sync(catalog=chosen(name))
    _, file = min(wanted(bank, name))
    bank.control.edit_attachment(file, content=b"%PDF-1.4 made anew")
    records = tap.sync(catalog=chosen(name)).records(name)
    [location] = [each["location"] for each in records if each["id"] == file]
    assert Path(location).read_bytes() == b"%PDF-1.4 made anew"


# Receipts.


def test_pages_with_receipts_are_half_as_large(bank: FakeQonto, tap: Runner) -> None:
    def sizes() -> set[str]:
        asked = [dict(each["query"]) for each in bank.control.requests("api")]
        return {each["per_page"] for each in asked if "bank_account_id" in each}

    tap.sync(catalog=chosen(BOOKINGS), page_size=25)
    assert sizes() == {"25"}
    bank.control.clear_requests()
    tap.sync(catalog=chosen(BOOKINGS, RECEIPTS), page_size=25)
    # A count takes a page of one row.
    assert sizes() - {"1"} == {"13"}


def test_a_receipt_costs_a_download_and_no_call(bank: FakeQonto, tap: Runner) -> None:
    records = tap.sync(catalog=chosen(RECEIPTS)).records(RECEIPTS)
    assert bank.control.count("files") == len(records) > 20
    assert bank.control.count("api", "attachments") == 0


def test_transactions_alone_do_not_ask_for_receipts(bank: FakeQonto, tap: Runner) -> None:
    tap.sync(catalog=chosen(BOOKINGS))
    asked = [pair for request in bank.control.requests("api") for pair in request["query"]]
    assert ["includes[]", "attachments"] not in [list(pair) for pair in asked]
    output = tap.sync(catalog=chosen(BOOKINGS, RECEIPTS))
    assert any(each["attachments"] for each in output.records(BOOKINGS))
    assert b"X-Amz" not in output.stdout


def test_expired_addresses_are_asked_for_once_for_all_files_of_a_row(
    bank: FakeQonto, tap: Runner
) -> None:
    def expire(request: Json) -> None:
        is_list = request["path"].endswith("/transactions")
        bank.control.set(url_lifetime=-1 if is_list else 1800)

    bank.control.on_request(expire)
    records = tap.sync(catalog=chosen(RECEIPTS)).records(RECEIPTS)
    bank.control.on_request(None)
    assert {each["status"] for each in records} == {"downloaded"}
    rows = {each["transaction_id"] for each in records}
    assert len(rows) < len(records)
    assert bank.control.count("api", "attachments") == len(rows)


def test_receipts_that_do_not_come_with_their_transactions_are_asked_for_by_row(
    bank: FakeQonto, tap: Runner
) -> None:
    bank.control.vary(BOOKINGS, serve=None)
    records = tap.sync(catalog=chosen(RECEIPTS)).records(RECEIPTS)
    assert keys_of(RECEIPTS, records) == wanted(bank, RECEIPTS)
    assert {each["status"] for each in records} == {"downloaded"}
    rows = {each["transaction_id"] for each in records}
    assert bank.control.count("api", "/attachments$") == len(rows) < len(records)


def test_a_receipt_that_is_still_processed_is_looked_for_again(
    bank: FakeQonto, tap: Runner
) -> None:
    booking, file = min(wanted(bank, RECEIPTS))
    bank.control.delete_attachment(file)
    first = tap.sync(catalog=chosen(RECEIPTS))
    [missing] = [each for each in first.records(RECEIPTS) if each["status"] == "missing"]
    assert (missing["id"], missing["error"]) == (
        file,
        f"Qonto does not have stream {RECEIPTS}, attachment {file} of {booking} yet, or any more.",
    )
    assert first.state["bookmarks"][RECEIPTS]["pending"] == [[booking, file, "attachment"]]
    bank.control.add_attachment(id=file, content=b"%PDF-1.4 late")
    second = tap.sync(catalog=chosen(RECEIPTS), state=first.state)
    found = [each for each in second.records(RECEIPTS) if each["id"] == file]
    assert [each["status"] for each in found][:1] == ["downloaded"]
    assert "pending" not in second.state["bookmarks"][RECEIPTS]


def test_the_row_and_the_file_of_a_removed_receipt_stay(bank: FakeQonto, tap: Runner) -> None:
    first = tap.sync(catalog=chosen(BOOKINGS, RECEIPTS))
    booking, file = min(wanted(bank, RECEIPTS))
    [kept] = [each for each in first.records(RECEIPTS) if each["id"] == file]
    bank.control.edit(BOOKINGS, booking, attachment_ids=[])
    second = tap.sync(catalog=chosen(BOOKINGS, RECEIPTS), state=first.state)
    [row] = [each for each in second.records(BOOKINGS) if each["id"] == booking]
    assert row["attachment_ids"] == []
    assert booking not in {each["transaction_id"] for each in second.records(RECEIPTS)}
    assert second.of("ACTIVATE_VERSION") == []
    assert Path(kept["location"]).read_bytes() == bank.control.file_bytes(file)


# Statements.


def test_statements_lie_below_their_month(bank: FakeQonto, tap: Runner) -> None:
    records = tap.sync(catalog=chosen(STATEMENTS)).records(STATEMENTS)
    months = {row["id"]: row["period"].split("-") for row in bank.control.rows("statements")}
    for record in records:
        month, year = months[record["statement_id"]]
        assert Path(record["location"]).parent == tap.files / year / month
        assert record["created_at"] is None
    assert bank.control.count("api", "/v2/statements/") == 0


def test_a_statement_whose_address_expired_is_asked_for_by_its_id(
    bank: FakeQonto, tap: Runner
) -> None:
    def expire(request: Json) -> None:
        is_list = request["path"] == "/v2/statements"
        bank.control.set(url_lifetime=-1 if is_list else 1800)

    bank.control.on_request(expire)
    records = tap.sync(catalog=chosen(STATEMENTS)).records(STATEMENTS)
    bank.control.on_request(None)
    assert {each["status"] for each in records} == {"downloaded"}
    assert bank.control.count("api", "/v2/statements/") == len(records)


# Client invoices.


@pytest.fixture
def unmade(bank: FakeQonto) -> str:
    """The id of a final invoice without a PDF; a later run does not see it by its time stamp."""
    invoice: str = bank.control.add(INVOICES, status="unpaid", attachment_id=None)
    bank.control.advance(3600)
    # What a run without changes reads again is this one.
    bank.control.add(INVOICES, status="draft", attachment_id=None)
    return invoice


def make_pdf(bank: FakeQonto, invoice: str) -> str:
    """Let an invoice name its PDF; nothing says that it changes `updated_at` with that."""
    file: str = bank.control.add_attachment(content=b"%PDF-1.4 late")
    updated = bank.control.row(INVOICES, invoice)["updated_at"]
    bank.control.edit(INVOICES, invoice, attachment_id=file, updated_at=updated)
    return file


@pytest.mark.parametrize("streams", [(PDFS,), (INVOICES,), (INVOICES, PDFS)], ids=str)
def test_a_final_invoice_is_read_again_until_its_pdf_is_made(
    bank: FakeQonto, tap: Runner, unmade: str, streams: tuple[str, ...]
) -> None:
    first = tap.sync(catalog=chosen(*streams))
    assert first.state["bookmarks"][INVOICES]["awaited"] == [unmade]
    quiet = tap.sync(catalog=chosen(*streams), state=first.state)
    assert quiet.state["bookmarks"][INVOICES]["awaited"] == [unmade]
    assert unmade not in {each["id"] for each in quiet.records(INVOICES)}
    file = make_pdf(bank, unmade)
    third = tap.sync(catalog=chosen(*streams), state=quiet.state)
    assert "awaited" not in third.state["bookmarks"][INVOICES]
    found = {
        INVOICES: [
            (each["id"], each["attachment_id"])
            for each in third.records(INVOICES)
            if each["status"] != "draft"
        ],
        PDFS: [(each["client_invoice_id"], each["id"]) for each in third.records(PDFS)],
    }
    assert found == {name: [(unmade, file)] * (name in streams) for name in (INVOICES, PDFS)}
    assert {each["status"] for each in third.records(PDFS)} <= {"downloaded"}
    last = tap.sync(catalog=chosen(*streams), state=third.state)
    assert not last.records(PDFS)
    assert unmade not in {each["id"] for each in last.records(INVOICES)}


def test_an_invoice_that_the_list_brings_whole_is_not_read_again(
    bank: FakeQonto, tap: Runner, unmade: str
) -> None:
    first = tap.sync(catalog=chosen(INVOICES))
    bank.control.edit(INVOICES, unmade, attachment_id=bank.control.add_attachment())
    bank.control.clear_requests()
    second = tap.sync(catalog=chosen(INVOICES), state=first.state)
    assert unmade in {each["id"] for each in second.records(INVOICES)}
    assert bank.control.count("api", f"/{unmade}$") == 0
    assert "awaited" not in second.state["bookmarks"][INVOICES]


def test_an_invoice_that_cannot_be_read_again_is_asked_for_in_the_next_run(
    bank: FakeQonto, tap: Runner, unmade: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = tap.sync(catalog=chosen(INVOICES))
    file = make_pdf(bank, unmade)
    bank.control.add_fault("status", status=403, path=f"/{unmade}$")
    second = tap.sync(catalog=chosen(INVOICES), state=first.state)
    assert "1 row of client_invoices that Qonto had not completed could not be" in caplog.text
    bank.control.clear_faults()
    third = tap.sync(catalog=chosen(INVOICES), state=second.state)
    assert file in {each["attachment_id"] for each in third.records(INVOICES)}


def test_a_draft_is_not_waited_for(bank: FakeQonto, tap: Runner) -> None:
    bank.control.add(INVOICES, status="draft", attachment_id=None)
    output = tap.sync(catalog=chosen(PDFS))
    assert "awaited" not in output.state["bookmarks"][INVOICES]


def test_an_invoice_that_was_deleted_is_not_waited_for(bank: FakeQonto, tap: Runner) -> None:
    invoice = bank.control.add(INVOICES, status="unpaid", attachment_id=None)
    first = tap.sync(catalog=chosen(PDFS))
    bank.control.delete(INVOICES, invoice)
    second = tap.sync(catalog=chosen(PDFS), state=first.state)
    assert "awaited" not in second.state["bookmarks"][INVOICES]


# Shared files.


def test_a_file_that_two_streams_name_is_fetched_once(bank: FakeQonto, tap: Runner) -> None:
    file = bank.control.attachment_ids("supplier_invoices")[0]
    booking = bank.control.add(BOOKINGS, attachment_ids=[file])
    output = tap.sync(catalog=chosen("attachments", RECEIPTS))
    [receipt] = [each for each in output.records(RECEIPTS) if each["id"] == file]
    [first, *_] = [each for each in output.records("attachments") if each["id"] == file]
    assert receipt["transaction_id"] == booking
    for column in ("location", "sha256", "file_name", "created_at"):
        assert receipt[column] == first[column]
    assert bank.control.count("files", file) == 1


def test_a_file_that_another_stream_stored_in_an_earlier_run_is_not_fetched_again(
    bank: FakeQonto, tap: Runner
) -> None:
    first = tap.sync(catalog=chosen("attachments"))
    stored = {each["id"]: each for each in first.records("attachments")}
    bank.control.add(BOOKINGS, attachment_ids=list(stored))
    bank.control.clear_requests()
    second = tap.sync(catalog=chosen("attachments", RECEIPTS), state=first.state)
    receipts = [each for each in second.records(RECEIPTS) if each["id"] in stored]
    assert len(receipts) == len(stored) > 10
    for each in receipts:
        assert (each["location"], each["sha256"]) == (
            stored[each["id"]]["location"],
            stored[each["id"]]["sha256"],
        )
    fetched = {each["path"].rpartition("/")[2] for each in bank.control.requests("files")}
    assert not fetched & stored.keys()


# Certificates and proofs.


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_for_the_call_comes_from_the_api_with_the_credential(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    records = tap.sync(catalog=chosen(name)).records(name)
    asked = [each for each in bank.control.requests("api") if re.search(MADE[name], each["path"])]
    assert len(asked) == len(records) == len(wanted(bank, name))
    assert {each["method"] for each in asked} == {"POST" if name == PROOFS else "GET"}
    assert {each["headers"]["Authorization"] for each in asked} == {
        f"{tap.config['login']}:{tap.config['secret_key']}"
    }
    assert bank.control.count("files") == 0
    assert all(each["file_size"] == Path(each["location"]).stat().st_size for each in records)


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_for_the_call_is_fetched_once(bank: FakeQonto, tap: Runner, name: str) -> None:
    first = tap.sync(catalog=chosen(name))
    parent = STREAMS_OF_FILES[name].parent_stream_type.name
    for row, _ in wanted(bank, name):
        bank.control.edit(parent, row, note="edited")
    bank.control.clear_requests()
    second = tap.sync(catalog=chosen(name), state=first.state)
    assert {each["id"]: each for each in second.records(name)} == {
        each["id"]: each for each in first.records(name)
    }
    assert fetched(bank, name) == 0


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("body", ["<html>Log in</html>", '{"proof": null}', ""])
def test_what_is_not_a_pdf_is_not_stored(
    bank: FakeQonto, tap: Runner, name: str, body: str
) -> None:
    kind = "text/html" if "html" in body else "application/pdf"
    bank.control.add_fault("raw", path=MADE[name], status=200, body=body, content_type=kind)
    first = tap.sync(catalog=chosen(name))
    assert {each["status"] for each in first.records(name)} == {"failed"}
    for record in first.records(name):
        assert "not a PDF" in record["error"] or "not JSON" in record["error"]
        assert record["location"] is None
    bank.control.clear_faults()
    second = tap.sync(catalog=chosen(name), state=first.state)
    assert keys_of(name, second.records(name)) == wanted(bank, name)
    assert {each["status"] for each in second.records(name)} == {"downloaded"}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_what_qonto_does_not_make_yet_is_missing_and_tried_in_later_runs(
    bank: FakeQonto, tap: Runner, name: str, status: int
) -> None:
    row, _ = min(wanted(bank, name))
    bank.control.add_fault("status", path=f"{row}{MADE[name]}", status=status)
    first = tap.sync(catalog=chosen(name))
    [missing] = [each for each in first.records(name) if each["status"] == "missing"]
    assert (missing["id"], missing["location"]) == (row, None)
    assert f"HTTP {status}" in missing["error"]
    bank.control.clear_faults()
    second = tap.sync(catalog=chosen(name), state=first.state)
    assert row in {each["id"] for each in second.records(name) if each["status"] == "downloaded"}
    assert "pending" not in second.state["bookmarks"][name]


@pytest.mark.parametrize("change", ["iban", "name"])
def test_a_certificate_is_fetched_again_where_iban_or_name_changed(
    bank: FakeQonto, tap: Runner, change: str
) -> None:
    first = tap.sync(catalog=chosen(CERTIFICATES))
    account, _ = min(wanted(bank, CERTIFICATES))
    [before] = [each for each in first.records(CERTIFICATES) if each["id"] == account]
    bank.control.edit(ACCOUNTS, account, **{change: "changed"})
    bank.control.clear_requests()
    second = tap.sync(catalog=chosen(CERTIFICATES), state=first.state)
    assert fetched(bank, CERTIFICATES) == 1
    [after] = [each for each in second.records(CERTIFICATES) if each["id"] == account]
    assert Path(after["location"]).read_bytes() == bank.control.made_file(account)
    assert after["locale"] == before["locale"] == "fr"
    assert after["sha256"] != before["sha256"]
    # The account was so at that time.
    assert Path(before["location"]).exists()


def test_a_proof_lies_below_the_month_of_its_transfer(bank: FakeQonto, tap: Runner) -> None:
    days = {each["id"]: each["created_at"] for each in bank.control.rows(TRANSFERS)}
    for record in tap.sync(catalog=chosen(PROOFS)).records(PROOFS):
        year, month = days[record["transfer_id"]].split("-")[:2]
        assert Path(record["location"]).parent == tap.files / year / month


def test_proofs_that_may_not_be_made_do_not_hold_up_transfers(bank: FakeQonto, tap: Runner) -> None:
    token = bank.control.new_access_token(scope="organization.read")
    oauth: Json = {"login": None, "secret_key": None, "access_token": token}
    output = tap.run(catalog=chosen(TRANSFERS, PROOFS), **oauth)
    assert output.code == 0
    assert len(output.records(TRANSFERS)) == len(bank.control.rows(TRANSFERS))
    assert output.records(PROOFS) == []
    assert "payment.write" in output.stderr


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_for_the_call_is_not_selected_by_default(name: str) -> None:
    [entry] = [each for each in discovered()["streams"] if each["stream"] == name]
    [metadata] = [each["metadata"] for each in entry["metadata"] if not each["breadcrumb"]]
    assert not metadata.get("selected-by-default")
    assert not metadata.get("selected")


# Sealed copies.

WITH_COPIES = sorted(set(NAMES) - MADE.keys() - {STATEMENTS})


def seal(bank: FakeQonto, name: str, status: str = "available") -> set[tuple[str, str]]:
    """Give a few files of a stream a sealed copy, and no others; return their keys."""
    keys = sorted(wanted(bank, name))
    for number, (_, file) in enumerate(keys):
        bank.control.edit_attachment(file, probative=status if number < 3 else "unavailable")
    return set(keys[:3])


def copies(output: Output, name: str) -> dict[tuple[str, str], Json]:
    parent = STREAMS_OF_FILES[name].parent_key
    return {
        (each[parent], each["id"].removesuffix(".sealed")): each
        for each in output.records(name)
        if each["roles"] == ["sealed"]
    }


def check_copies(bank: FakeQonto, output: Output, name: str) -> None:
    [schema] = [each["schema"] for each in discovered()["streams"] if each["stream"] == name]
    for (_, file), record in copies(output, name).items():
        jsonschema.validate(record, schema)
        assert record["id"] == f"{file}.sealed"
        content = bank.control.sealed_bytes(file)
        assert record["status"] == "downloaded"
        assert Path(record["location"]).read_bytes() == content
        assert record["sha256"] == hashlib.sha256(content).hexdigest()
        [main] = [each for each in output.records(name) if each["id"] == file][:1]
        assert Path(record["location"]).parent == Path(main["location"]).parent
        assert record["location"] != main["location"]
        assert Path(main["location"]).read_bytes() == bank.control.file_bytes(file)


@pytest.mark.parametrize("name", WITH_COPIES)
def test_sealed_copies_are_stored_beside_their_files(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    plain = tap.sync(catalog=chosen(name))
    assert copies(plain, name) == {}
    sealed = seal(bank, name)
    output = tap.sync(catalog=chosen(name), state=plain.state, attachments={"sealed": True})
    assert copies(output, name).keys() == sealed
    check_copies(bank, output, name)
    assert keys_of(name, output.records(name)) >= wanted(bank, name)
    parent = STREAMS_OF_FILES[name].parent_stream_type.name
    for row, _ in sealed:
        bank.control.edit(parent, row, **{bank.control.text_field(parent): "edited"})
    bank.control.clear_requests()
    again = tap.sync(catalog=chosen(name), state=output.state, attachments={"sealed": True})
    assert bank.control.count("files") == bank.control.count("api", "/transactions/") == 0
    assert copies(again, name) == copies(output, name)
    assert b"X-Amz" not in output.stdout


@pytest.mark.parametrize("name", WITH_COPIES)
def test_a_copy_that_is_being_sealed_is_asked_for_again(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    sealed = seal(bank, name, "pending")
    first = tap.sync(catalog=chosen(name), attachments={"sealed": True})
    assert copies(first, name) == {}
    waiting = {(row, file) for row, file, *_ in first.state["bookmarks"][name]["pending"]}
    assert waiting == sealed
    for _, file in sealed:
        bank.control.edit_attachment(file, probative="available")
    second = tap.sync(catalog=chosen(name), state=first.state, attachments={"sealed": True})
    assert copies(second, name).keys() == sealed
    check_copies(bank, second, name)
    told = {each["id"]: each["probative_attachment"] for each in second.records(name)}
    assert {told[file]["status"] for _, file in sealed} == {"available"}
    assert "pending" not in second.state["bookmarks"][name]


@pytest.mark.parametrize("name", [RECEIPTS, "attachments"])
@pytest.mark.parametrize("mode", ["inline", "metadata"])
def test_sealed_copies_come_in_the_other_modes(
    bank: FakeQonto, tap: Runner, name: str, mode: str
) -> None:
    sealed = seal(bank, name)
    output = tap.sync(catalog=chosen(name), attachments={"mode": mode, "sealed": True})
    assert copies(output, name).keys() == sealed
    for (_, file), record in copies(output, name).items():
        content = base64.b64encode(bank.control.sealed_bytes(file)).decode()
        assert record["content_base64"] == (content if mode == "inline" else None)
    assert not tap.files.exists()


@pytest.mark.parametrize("name", [RECEIPTS, "attachments"])
def test_a_copy_that_fails_is_tried_in_the_next_run(
    bank: FakeQonto, tap: Runner, name: str
) -> None:
    sealed = seal(bank, name)
    row, file = min(sealed)
    bank.control.add_fault("status", status=404, host="files", path=f"{file}/sealed")
    first = tap.sync(catalog=chosen(name), attachments={"sealed": True})
    assert copies(first, name)[row, file]["status"] == "failed"
    bank.control.clear_faults()
    second = tap.sync(catalog=chosen(name), state=first.state, attachments={"sealed": True})
    assert (row, file) in copies(second, name)
    check_copies(bank, second, name)
    assert "pending" not in second.state["bookmarks"][name]


@pytest.mark.parametrize("status", ["unavailable", "corrupted", "", None])
def test_without_a_sealed_copy_there_is_no_row(
    bank: FakeQonto, tap: Runner, status: str | None
) -> None:
    for _, file in wanted(bank, PDFS):
        bank.control.edit_attachment(file, probative=status)
    output = tap.sync(catalog=chosen(PDFS), attachments={"sealed": True})
    assert keys_of(PDFS, output.records(PDFS)) == wanted(bank, PDFS)
    assert "pending" not in output.state["bookmarks"][PDFS]


def test_a_swapped_copy_is_fetched_again(bank: FakeQonto, tap: Runner) -> None:
    row, file = min(seal(bank, RECEIPTS))
    first = tap.sync(catalog=chosen(RECEIPTS), attachments={"sealed": True})
    Path(copies(first, RECEIPTS)[row, file]["location"]).write_bytes(b"another")
    bank.control.edit(BOOKINGS, row, note="edited")
    second = tap.sync(catalog=chosen(RECEIPTS), state=first.state, attachments={"sealed": True})
    assert (row, file) in copies(second, RECEIPTS)
    check_copies(bank, second, RECEIPTS)
