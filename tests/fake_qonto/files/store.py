"""Attachments: seeded ones, and what tests changed in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fake_qonto.lists.rendering import as_z
from tests.fake_qonto.lists.table import NotHereError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fake_qonto.data.records import Attachment
    from tests.fake_qonto.settings import Settings
    from tests.fake_qonto.world import World

FOLDER = "/qonto/attachments/"
"""Where the file host has them."""


class FileStore:
    """Attachments by id; a seeded one is made anew each time it is asked for."""

    def __init__(self, seeded: Callable[[str], Attachment | None]) -> None:
        """Start with what is seeded.

        Args:
            seeded: Makes the seeded attachment with an id, if there is one.
        """
        self._seeded = seeded
        self.changed: dict[str, Attachment] = {}
        self.gone: set[str] = set()

    def __contains__(self, key: str) -> bool:
        """Tell whether an attachment exists."""
        try:
            self.get(key)
        except NotHereError:
            return False
        return True

    def get(self, key: str) -> Attachment:
        """Return an attachment."""
        if key in self.gone:
            raise NotHereError(key)
        found = self.changed.get(key) or self._seeded(key)
        if found is None:
            raise NotHereError(key)
        return found

    def put(self, attachment: Attachment) -> None:
        """Keep an attachment, in the place of one with its id."""
        self.gone.discard(attachment.id)
        self.changed[attachment.id] = attachment

    def delete(self, key: str) -> None:
        """Remove an attachment; rows go on naming it."""
        self.get(key)
        self.gone.add(key)


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


def serve_with_urls(world: World, key: str) -> dict[str, Any]:
    """Return an attachment's metadata as the API serves it, with URLs that are good for a while."""
    attachment = world.files.get(key)
    served = serve_attachment(attachment, world.settings)
    lifetime = world.settings.url_lifetime

    def url(path: str) -> str:
        return f"{world.files_url}{world.signer.sign(path, world.now(), lifetime)}"

    if "url" not in served and "url" not in attachment.removed:
        served["url"] = url(f"{FOLDER}{key}")
    sealed = served.get("probative_attachment") or {}
    if sealed.get("status") == "available":
        sealed.setdefault("url", url(f"{FOLDER}{key}/sealed"))
    return served
