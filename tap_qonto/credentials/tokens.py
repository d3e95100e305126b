"""OAuth tokens, and the chain in which each follows from the one before."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field, replace
from typing import Annotated

import msgspec

Token = Annotated[str, msgspec.Meta(pattern=r"\A[\x21-\x7e]+\Z")]
"""A token as RFC 6749, appendix A, has it: what a header can carry."""

VERSION = 1
_MARGIN = 120.0


@dataclass(frozen=True)
class Tokens:
    """What one authorisation has become. All times are seconds since 1970, UTC.

    Attributes:
        seed: Fingerprint of the refresh token that the chain began from.
        refresh_token: The newest one.
        access_token: None before the first renewal.
        expires_at: When the access token ends.
        refreshed_at: When the tokens were last renewed; 0 for never.
        version: Of this format.
    """

    seed: str
    refresh_token: Token = field(repr=False)
    access_token: Token | None = field(default=None, repr=False)
    expires_at: float = 0.0
    refreshed_at: float = 0.0
    version: int = VERSION

    @classmethod
    def first(cls, refresh_token: str) -> Tokens:
        """Begin a chain."""
        return cls(fingerprint(refresh_token), refresh_token)

    def grew_from(self, refresh_token: str) -> bool:
        """Tell whether the chain began from this refresh token."""
        salt = self.seed.partition(":")[0]
        return hmac.compare_digest(fingerprint(refresh_token, salt).encode(), self.seed.encode())

    def good(self, now: float) -> bool:
        """Tell whether the access token lasts for a while yet.

        The margin, two minutes or a quarter of a shorter life, has room for clocks that
        differ and for requests that take long.
        """
        margin = min(_MARGIN, (self.expires_at - self.refreshed_at) / 4)
        return self.access_token is not None and now < self.expires_at - margin


@dataclass(frozen=True)
class Grant:
    """A token answer; tokens without a life live an hour, as Qonto documents."""

    access_token: Token = field(repr=False)
    expires_in: Annotated[float, msgspec.Meta(gt=0)] = 3600.0
    refresh_token: Token | None = field(default=None, repr=False)
    scope: str = ""

    def tokens(self, chain: Tokens, asked_at: float) -> Tokens:
        """Return the chain with what was granted.

        Args:
            chain: What there was.
            asked_at: When it was asked for: seconds since 1970, UTC.
        """
        return replace(
            chain,
            access_token=self.access_token,
            expires_at=asked_at + self.expires_in,
            # Qonto gives a new one each time; where none comes, the old one goes on.
            refresh_token=self.refresh_token or chain.refresh_token,
            refreshed_at=asked_at,
        )


def fingerprint(refresh_token: str, salt: str | None = None) -> str:
    """Return ``salt:digest``, which tells a token again but does not tell the token.

    Args:
        refresh_token: What to recognise later.
        salt: Of an earlier fingerprint, to compare with it; otherwise a new one.
    """
    salt = salt or secrets.token_hex(8)
    return f"{salt}:{digest(salt, refresh_token)[:32]}"


def digest(salt: str, token: str) -> str:
    """Return a hash that does not tell the token."""
    return hashlib.sha256(f"tap-qonto\n{salt}\n{token}".encode()).hexdigest()
