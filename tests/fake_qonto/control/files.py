"""What tests may do to attachments."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.data.records import Attachment, new_uuid
from tests.fake_qonto.files import contents
from tests.fake_qonto.files.store import serve_attachment
from tests.fake_qonto.lists.rendering import as_z

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fake_qonto.world import World

Keys = list[str]
# Fields of an attachment that are facts about it; others override what is served.
_ATTACHMENT_FACTS = {"file_name", "file_content_type", "probative"}


class AttachmentControl:
    """The part of ``Control`` that is about files."""

    def __init__(self, world: World) -> None:
        """Control a world."""
        self._world = world

    def attachment(self, id: str) -> dict[str, Any]:  # noqa: A002
        """Return an attachment's metadata as the API would serve it, without URLs."""
        with self._world.lock:
            return serve_attachment(self._world.files.get(id), self._world.settings)

    def attachment_ids(self, list: str = "supplier_invoices") -> Keys:  # noqa: A002
        """Return the ids of a list's attachments, and of those that were added to any."""
        with self._world.lock:
            return sorted(self._world.file_ids(list))

    def file_bytes(self, attachment_id: str) -> bytes:
        """Return a file's bytes."""
        with self._world.lock:
            content = self._world.files.get(attachment_id).content
        return contents.whole(content)

    def sealed_bytes(self, attachment_id: str) -> bytes:
        """Return the bytes of a file's sealed copy."""
        with self._world.lock:
            content = self._world.files.get(attachment_id).sealed
        return contents.whole(content)

    def made_file(self, id: str) -> bytes:  # noqa: A002
        """Return the last PDF that was made for an account or a transfer."""
        with self._world.lock:
            return self._world.made_files[id][-1]

    def add_attachment(
        self,
        content: bytes | str | None = None,
        size: int | None = None,
        **fields: Any,
    ) -> str:
        """Add an attachment.

        Args:
            content: Its bytes, or their base64 text.
            size: Instead of content: this many bytes, made while they are streamed.
            **fields: ``id``, ``created_at``, ``file_name``, ``file_content_type``,
                ``probative``, and whatever else is to be served.

        Returns:
            Its id.
        """
        with self._world.lock:
            key = fields.pop("id", None) or new_uuid(self._world.random)
            held = contents.Held(_as_bytes(content or b""))
            attachment = Attachment(
                id=key,
                created_at=self._world.now(),
                file_name="document.pdf",
                file_content_type="application/pdf",
                content=held if size is None else contents.Generated(key, size),
            )
            _change(attachment, fields)
            self._world.files.put(attachment)
            return str(key)

    def edit_attachment(
        self,
        id: str,  # noqa: A002
        *,
        content: bytes | str | None = None,
        remove: Sequence[str] = (),
        **fields: Any,
    ) -> None:
        """Change an attachment.

        Args:
            id: Which one.
            content: New bytes, or their base64 text.
            remove: Names of keys that answers leave out from now on; ``...`` as a
                field's value does the same.
            **fields: What is to be served instead; ``file_size`` may be a lie.
        """
        with self._world.lock:
            attachment = self._world.files.get(id)
            if content is not None:
                attachment.content = contents.Held(_as_bytes(content))
            attachment.removed |= set(remove)
            _change(attachment, fields)
            self._world.files.put(attachment)

    def delete_attachment(self, id: str) -> None:  # noqa: A002
        """Remove an attachment: its calls are answered with 404."""
        with self._world.lock:
            self._world.files.delete(id)


def _as_bytes(content: bytes | str) -> bytes:
    return base64.b64decode(content) if isinstance(content, str) else content


def _change(attachment: Attachment, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if value is ...:
            attachment.removed.add(name)
            continue
        attachment.removed.discard(name)
        if isinstance(value, datetime):
            attachment.overrides[name] = as_z(value)
        elif name in _ATTACHMENT_FACTS:
            setattr(attachment, name, value)
        else:
            attachment.overrides[name] = value
