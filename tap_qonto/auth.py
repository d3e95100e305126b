"""Who asks: the `Authorization` header of API calls.

Qonto takes an API key as ``{login}:{secret_key}``, raw, or an OAuth token as
``Bearer {token}`` (docs.qonto.com, pages "API key" and "OAuth").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tap_qonto.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

WAYS: dict[str, tuple[str, ...]] = {
    "API key": ("login", "secret_key"),
    "OAuth": ("client_id", "client_secret", "refresh_token"),
    "access token": ("access_token",),
}
"""The ways of authentication, each with the settings that make it complete."""


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


def way_of(settings: Mapping[str, object]) -> str:
    """Return the one way of authentication that the settings make complete.

    Raises:
        ConfigError: None is complete, or more than one is.
    """
    missing = {
        way: [name for name in names if not settings.get(name)] for way, names in WAYS.items()
    }
    complete = [way for way, names in missing.items() if not names]
    if len(complete) == 1:
        return complete[0]
    if complete:
        ways = " and ".join(f"{way} ({', '.join(WAYS[way])})" for way in complete)
        msg = f"More than one way of authentication is set: {ways}. Keep one of them."
        raise ConfigError(msg)
    ways = "; ".join(f"{way} (missing: {', '.join(names)})" for way, names in missing.items())
    msg = (
        f"No way of authentication is complete. Set one of: {ways}. "
        "docs/credentials.md says where to find each."
    )
    raise ConfigError(msg)
