"""Where a file goes below the location: names from outside, made safe.

The path follows from facts of the attachment that never change, so that a later run
finds what an earlier one stored; the id in it keeps two attachments apart.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from contextlib import suppress
from pathlib import PurePosixPath

from pathvalidate import sanitize_filename

from tap_qonto import timestamps

_PLAIN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.sealed)?")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029/\\]")
_INVISIBLE = {"Cf", "Cs"}
"""Marks of direction and the like, by their category in Unicode, and halves of characters."""
LENGTHS = (143, 100, 0)
"""Bytes of UTF-8 that a name may have, with its id; the next where a place does not take
the one before. Encrypted folders take 143. The id alone is the shortest."""
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
    *,
    longest: int = LENGTHS[0],
) -> str:
    """Return the path of an attachment's file, relative and with ``/``.

    Args:
        attachment_id: As Qonto gives it.
        file_name: As Qonto gives it: may repeat, be empty, or be hostile.
        content_type: Its MIME type, for the suffix of a file without a name.
        created_at: When it was stored at Qonto, as text, if known.
        longest: Bytes that the name may have; one of `LENGTHS`.
    """
    folder = "undated"
    with suppress(ValueError):
        folder = timestamps.to_utc(created_at or "")[:7].replace("-", "/")
    key = attachment_id
    if not _PLAIN_ID.fullmatch(key):
        key = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{folder}/{key}{_safe_tail(file_name, content_type, longest - len(key))}"


def _safe_tail(file_name: str | None, content_type: str | None, room: int) -> str:
    plain = _SUFFIXES.get(content_type or "", "")
    visible = (c for c in file_name or "" if unicodedata.category(c) not in _INVISIBLE)
    name = unicodedata.normalize("NFC", "".join(visible))
    name = _UNSAFE.sub("_", name).strip(". ")
    suffix = PurePosixPath(name).suffix
    if len(suffix.encode()) > _LONGEST_SUFFIX:
        suffix = ""
    # One byte for the hyphen, and one for what a reserved name gets.
    room -= len(suffix.encode()) + 2
    stem = name.removesuffix(suffix).encode()[: max(room, 0)].decode("utf-8", "ignore")
    stem = stem.rstrip(". ")
    if not stem.strip("_. "):
        return plain if room > 0 else ""
    safe = sanitize_filename(
        stem + suffix, platform="universal", replacement_text="_", fs_encoding="utf-8"
    )
    return f"-{safe}"
