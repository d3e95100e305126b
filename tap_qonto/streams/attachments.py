"""Attachments: the files of supplier invoices.

Source: docs.qonto.com, "Retrieve an attachment".
"""

from __future__ import annotations

from typing import Any, ClassVar

from singer_sdk import typing as th

from tap_qonto.files.stream import FilesStream
from tap_qonto.streams.shapes import MOMENT, TEXT, TEXTS
from tap_qonto.streams.supplier_invoices import SupplierInvoices

_P = th.Property

_SEALED = th.ObjectType(
    _P("status", TEXT, description="available, unavailable, pending, corrupted."),
    _P("file_name", TEXT),
    _P("file_content_type", TEXT),
    _P("file_size", th.IntegerType, description="Bytes."),
)


class Attachments(FilesStream):
    """Stream of the files of supplier invoices."""

    name = "attachments"
    path = "/v2/attachments/{id}"
    scope = "attachment.read"
    parent_stream_type = SupplierInvoices
    parent_key = "supplier_invoice_id"
    roles: ClassVar[dict[str, str]] = {
        "attachment_id": "attachment",
        "display_attachment_id": "display",
    }
    primary_keys: ClassVar[tuple[str, ...]] = ("supplier_invoice_id", "id")

    schema: ClassVar[dict[str, Any]] = th.PropertiesList(
        _P("supplier_invoice_id", TEXT, required=True, description="Its invoice."),
        _P("id", TEXT, required=True, description="Id of the attachment."),
        _P("roles", TEXTS, description="attachment, display, or both."),
        _P("file_name", TEXT, description="Name as Qonto gives it."),
        _P("file_content_type", TEXT, description="MIME type as Qonto gives it."),
        _P("created_at", MOMENT, description="When it was stored at Qonto, UTC."),
        _P("file_size", th.IntegerType, description="Bytes, as Qonto gives it."),
        _P(
            "probative_attachment",
            _SEALED,
            description="Status and facts of the sealed copy.",
        ),
        _P(
            "status",
            TEXT,
            description="downloaded, missing, too_large, or metadata_only.",
        ),
        _P("location", TEXT, description="Where the file is: absolute path or URL."),
        _P("sha256", TEXT, description="SHA-256 of the stored bytes, lower-case hex."),
        _P("content_base64", TEXT, description="The bytes; only with mode inline."),
        _P("error", TEXT, description="Why there is no file, in words."),
    ).to_dict()
