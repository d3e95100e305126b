"""A credential that never changes: an API key, or a ready access token.

Qonto takes an API key as ``{login}:{secret_key}``, raw, or an OAuth token as
``Bearer {token}`` (docs.qonto.com, pages "API key" and "OAuth").
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class StaticCredential:
    """A header that never changes: an API key or a ready access token."""

    credential: str
    value: str = field(repr=False)

    def header(self) -> str:
        """Return the value of `Authorization`."""
        return self.value

    def renew(self, refused: str) -> bool:  # noqa: ARG002 - of the interface
        """Say that there is nothing newer to try."""
        return False
