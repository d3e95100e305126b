"""How rows and attachments are written in answers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from .clock import UTC
from .records import SeededMatches
from .seeding import PARIS

if TYPE_CHECKING:
    from .records import Attachment, Row
    from .settings import Settings

# The fields that rows may hold as datetimes.
STAMPS = ("created_at", "updated_at", "analyzed_at")
_TIMESPECS = {0: "seconds", 3: "milliseconds", 6: "microseconds"}


def as_z(instant: datetime, timespec: str = "milliseconds") -> str:
    """Write an instant in UTC with ``Z``."""
    return instant.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def write_instant(instant: datetime, settings: Settings, key: str) -> str:
    """Write an instant of an invoice in the style that is set."""
    timespec = _TIMESPECS[settings.shown_digits]
    style = settings.timestamp_style
    if style == "utc" or (style == "mixed" and _coin(key)):
        return as_z(instant, timespec)
    return instant.astimezone(PARIS).isoformat(timespec=timespec)


def _coin(key: str) -> bool:
    return ord(key[-1]) % 2 == 1 if key else False


def serve_invoice(row: Row, settings: Settings) -> dict[str, Any]:
    """Return an invoice as the API serves it."""
    key = str(row["id"])
    served = dict(row)
    for name in STAMPS:
        value = row.get(name)
        if isinstance(value, datetime):
            served[name] = write_instant(value, settings, key)
    matches = row.get("matched_transactions")
    if isinstance(matches, SeededMatches):
        style = settings.matched_transactions_style
        if style == "ids" or (style == "mixed" and _coin(key)):
            served["matched_transactions"] = [match["transaction_id"] for match in matches]
    served.update(settings.extra_list_fields)
    return served


def serve_attachment(attachment: Attachment, settings: Settings) -> dict[str, Any]:
    """Return an attachment's metadata as the API serves it, without any URL."""

    def size(number: int) -> str | int:
        return str(number) if settings.file_size_style == "text" else number

    served: dict[str, Any] = {
        "id": attachment.id,
        "created_at": as_z(attachment.created_at),
        "file_name": attachment.file_name,
        "file_size": size(attachment.content.size),
        "file_content_type": attachment.file_content_type,
    }
    if attachment.probative == "available":
        served["probative_attachment"] = {
            "status": "available",
            "file_name": f"sealed-{attachment.file_name}",
            "file_content_type": attachment.file_content_type,
            "file_size": size(attachment.sealed.size),
        }
    elif attachment.probative:
        served["probative_attachment"] = {"status": attachment.probative}
    elif attachment.probative is not None:
        served["probative_attachment"] = {}
    served.update(attachment.overrides)
    return {name: value for name, value in served.items() if name not in attachment.removed}
