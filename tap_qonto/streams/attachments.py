"""The files of invoices, transactions, quotes, requests and statements.

Source: docs.qonto.com, "Retrieve an attachment", "List attachments in a transaction",
"Retrieve a statement".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import typing as th
from typing_extensions import override

from tap_qonto.files.stream import FilesStream
from tap_qonto.streams.invoicing import ClientInvoices, CreditNotes, Quotes
from tap_qonto.streams.shapes import INTEGER, MOMENT, TEXT, TEXTS, column, key, object_of
from tap_qonto.streams.spend import Requests
from tap_qonto.streams.statements import Statements, period_start
from tap_qonto.streams.supplier_invoices import SupplierInvoices
from tap_qonto.streams.transactions import Transactions

if TYPE_CHECKING:
    from collections.abc import Mapping


_READ = "attachment.read"
_ONE: dict[str, str] = {"attachment_id": "attachment"}
_MANY: dict[str, str] = {"attachment_ids": "attachment"}
_SEALED = object_of(
    column("status", TEXT, "available, unavailable, pending, corrupted."),
    column("file_name", TEXT, "Name of the sealed copy."),
    column("file_content_type", TEXT, "MIME type of the sealed copy."),
    column("file_size", INTEGER, "Bytes."),
)


def files_schema(
    *keys: th.Property[Any], roles: str = "attachment, or sealed for its copy."
) -> dict[str, Any]:
    """Return the schema of a stream of files.

    Args:
        *keys: Columns that name the file and its row.
        roles: Which roles there are, in words.
    """
    return th.PropertiesList(
        *keys,
        column("roles", TEXTS, roles),
        column("file_name", TEXT, "Name as Qonto gives it."),
        column("file_content_type", TEXT, "MIME type as Qonto gives it."),
        column("created_at", MOMENT, "When it was stored at Qonto, UTC."),
        column("file_size", INTEGER, "Bytes, as Qonto gives it."),
        column("probative_attachment", _SEALED, "Status and facts of the sealed copy."),
        column("status", TEXT, "downloaded, missing, failed, too_large, or metadata_only."),
        column("location", TEXT, "Where the file is: absolute path or URL."),
        column("sha256", TEXT, "SHA-256 of the stored bytes, lower-case hex."),
        column("content_base64", TEXT, "The bytes; only with mode inline."),
        column("error", TEXT, "Why there is no file, in words."),
    ).to_dict()


_ID = key("id", "Id of the attachment.")


class Attachments(FilesStream):
    """Files of supplier invoices."""

    name = "attachments"
    path = "/v2/attachments/{id}"
    scope = _READ
    parent_stream_type = SupplierInvoices
    parent_key = "supplier_invoice_id"
    roles: ClassVar[dict[str, str]] = {
        "attachment_id": "attachment",
        "display_attachment_id": "display",
    }
    primary_keys: ClassVar[tuple[str, ...]] = ("supplier_invoice_id", "id")
    schema: ClassVar[dict[str, Any]] = files_schema(
        key("supplier_invoice_id", "Its invoice."),
        _ID,
        roles="attachment, display, or both; sealed for a sealed copy.",
    )


class TransactionAttachments(FilesStream):
    """Receipts and other files of transactions."""

    name = "transaction_attachments"
    path = "/v2/transactions/{id}/attachments"
    scope = "organization.read"
    parent_stream_type = Transactions
    parent_key = "transaction_id"
    roles = _MANY
    brings = True
    list_params = (("includes[]", "attachments"),)
    primary_keys: ClassVar[tuple[str, ...]] = ("transaction_id", "id")
    schema: ClassVar[dict[str, Any]] = files_schema(key("transaction_id", "Its transaction."), _ID)

    @override
    def files_in(self, row: Mapping[str, Any]) -> Mapping[str, dict[str, Any]] | None:
        """Return the facts of files in a transaction, or in an answer to `path`."""
        found = row.get("attachments")
        return {each["id"]: each for each in found if each} if isinstance(found, list) else None


class ClientInvoiceAttachments(FilesStream):
    """PDFs of client invoices."""

    name = "client_invoice_attachments"
    path = "/v2/attachments/{id}"
    scope = _READ
    parent_stream_type = ClientInvoices
    parent_key = "client_invoice_id"
    roles = _ONE
    primary_keys: ClassVar[tuple[str, ...]] = ("client_invoice_id", "id")
    schema: ClassVar[dict[str, Any]] = files_schema(key("client_invoice_id", "Its invoice."), _ID)


class CreditNoteAttachments(FilesStream):
    """PDFs of credit notes."""

    name = "credit_note_attachments"
    path = "/v2/attachments/{id}"
    scope = _READ
    parent_stream_type = CreditNotes
    parent_key = "credit_note_id"
    roles = _ONE
    primary_keys: ClassVar[tuple[str, ...]] = ("credit_note_id", "id")
    schema: ClassVar[dict[str, Any]] = files_schema(key("credit_note_id", "Its credit note."), _ID)


class QuoteAttachments(FilesStream):
    """PDFs of quotes."""

    name = "quote_attachments"
    path = "/v2/attachments/{id}"
    scope = _READ
    parent_stream_type = Quotes
    parent_key = "quote_id"
    roles = _ONE
    primary_keys: ClassVar[tuple[str, ...]] = ("quote_id", "id")
    schema: ClassVar[dict[str, Any]] = files_schema(key("quote_id", "Its quote."), _ID)


class RequestAttachments(FilesStream):
    """Files of requests for transfers."""

    name = "request_attachments"
    path = "/v2/attachments/{id}"
    scope = _READ
    parent_stream_type = Requests
    parent_key = "request_id"
    roles = _MANY
    primary_keys: ClassVar[tuple[str, ...]] = ("request_id", "id")
    schema: ClassVar[dict[str, Any]] = files_schema(key("request_id", "Its request."), _ID)


class StatementFiles(FilesStream):
    """PDFs of statements; their addresses come with the list."""

    name = "statement_files"
    path = "/v2/statements/{id}"
    answer_key = "statement"
    scope = "organization.read"
    parent_stream_type = Statements
    parent_key = "statement_id"
    roles: ClassVar[dict[str, str]] = {"id": "statement"}
    brings = True
    dated_by = "dated"
    primary_keys: ClassVar[tuple[str, ...]] = ("statement_id",)
    schema: ClassVar[dict[str, Any]] = files_schema(
        key("statement_id", "Its statement."),
        column("id", TEXT, "Id of the statement, which names its file."),
        roles="statement.",
    )

    @override
    def files_in(self, row: Mapping[str, Any]) -> Mapping[str, dict[str, Any]] | None:
        """Return the facts of the file in a statement; its period dates it."""
        file = row.get("file")
        if not isinstance(file, dict):
            return None
        day = period_start(row)
        dated = f"{day}T00:00:00Z" if day else None
        return {row["id"]: {**file, "url": file.get("file_url"), "dated": dated}}
