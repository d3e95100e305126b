"""What the session needs to know of a credential."""

from __future__ import annotations

from typing import Protocol


class Authenticator(Protocol):
    """What the session needs to know of a credential. Safe for threads."""

    @property
    def credential(self) -> str:
        """The credential in words, for error messages, without any secret."""

    def header(self) -> str:
        """Return the value of `Authorization`, renewed first if it must be."""

    def renew(self, refused: str) -> bool:
        """Try to replace a header that Qonto refused.

        Args:
            refused: The header that was sent.

        Returns:
            Whether it is worth asking again with `header`.
        """
