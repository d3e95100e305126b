"""What the store keeps: invoices as rows, attachments as objects with their content."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.files import contents

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from tests.fake_qonto.files.contents import Content

# created_at and updated_at are datetimes in it, all else is JSON.
Row = dict[str, Any]


_UUID_SHAPE = 0x0000_0000_0000_4000_8000_0000_0000_0000
_UUID_FREE = ~0x0000_0000_0000_F000_C000_0000_0000_0000


def new_uuid(random: Random) -> str:
    """Draw a version 4 UUID."""
    text = f"{random.getrandbits(128) & _UUID_FREE | _UUID_SHAPE:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class SeededMatches(list[Any]):
    """Matched transactions that may be served in either documented shape.

    What a test has set is a plain list and is served as it was given.
    """


@dataclass
class Attachment:
    """A stored file and its metadata."""

    id: str
    created_at: datetime
    file_name: str | None
    file_content_type: str | None
    content: Content
    # Status of the sealed copy; "" is served as {}, None leaves the key out.
    probative: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)

    @property
    def sealed(self) -> Content:
        """The sealed copy: the content and a mark behind it."""
        return contents.Held(contents.whole(self.content) + b"%sealed\n%%EOF\n")
