"""Where a file goes below the location: names from outside, made safe.

The path follows from facts of the attachment that never change, so that a later run
finds what an earlier one stored; the id in it keeps two attachments apart.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

from pathvalidate import sanitize_filename

from tap_qonto import timestamps

_PLAIN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\]")
_LONGEST_NAME = 150
"""Bytes of UTF-8. File systems take 255, of which the id needs 37 or 65."""
_LONGEST_SUFFIX = 20
_SUFFIXES = {
    "application/pdf": ".pdf",
    "application/xml": ".xml",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "text/xml": ".xml",
}


def file_path(
    attachment_id: str,
    file_name: str | None,
    content_type: str | None,
    created_at: str | None,
) -> str:
    """Return the path of an attachment's file, relative and with ``/``.

    Args:
        attachment_id: As Qonto gives it.
        file_name: As Qonto gives it: may repeat, be empty, or be hostile.
        content_type: Its MIME type, for the suffix of a file without a name.
        created_at: When it was stored at Qonto, as text, if known.
    """
    folder = "undated"
    if created_at:
        folder = timestamps.to_utc(created_at)[:7].replace("-", "/")
    key = attachment_id
    if not _PLAIN_ID.fullmatch(key):
        key = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{folder}/{key}{_safe_tail(file_name, content_type)}"


def _safe_tail(file_name: str | None, content_type: str | None) -> str:
    name = unicodedata.normalize("NFC", file_name or "").encode("utf-8", "ignore").decode()
    name = _UNSAFE.sub("_", name).strip(". ")
    suffix = PurePosixPath(name).suffix
    if len(suffix.encode()) > _LONGEST_SUFFIX:
        suffix = ""
    room = _LONGEST_NAME - len(suffix.encode())
    stem = name.removesuffix(suffix).encode()[:room].decode("utf-8", "ignore").rstrip(". ")
    if not stem.strip("_. "):
        return _SUFFIXES.get(content_type or "", "")
    return f"-{sanitize_filename(stem + suffix, platform='universal', replacement_text='_')}"
