"""OAuth tokens, and the chain in which each follows from the one before."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import msgspec

Token = Annotated[str, msgspec.Meta(pattern=r"\A[\x21-\x7e]+\Z")]
"""A token as RFC 6749, appendix A, has it: what a header can carry."""

_MARGIN = 120.0
_LONGEST_LIFE = 90 * 86_400
_OPTIONAL: dict[str, Any] = {
    "expires_in": Annotated[float, msgspec.Meta(gt=0, le=_LONGEST_LIFE)],
    "refresh_token": Token,
    "scope": str,
}
"""Parts of a token answer that can be missing."""


@dataclass(frozen=True)
class Tokens:
    """What one authorisation has become. All times are seconds since 1970, UTC.

    Attributes:
        refresh_token: The newest one.
        access_token: None before the first renewal.
        expires_at: When the access token ends.
        refreshed_at: When the tokens were last renewed; 0 for never.
    """

    refresh_token: Token = field(repr=False)
    access_token: Token | None = field(default=None, repr=False)
    expires_at: float = 0.0
    refreshed_at: float = 0.0

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
    expires_in: float = 3600.0
    refresh_token: Token | None = field(default=None, repr=False)
    scope: str = ""

    @classmethod
    def read(cls, content: bytes) -> Grant:
        """Read a token answer, which comes only once.

        So an optional part that is odd counts as missing, and does not spoil the others.

        Raises:
            ValueError: There is no access token in it.
        """
        # As floats: Python refuses to parse very long integers.
        answer = json.loads(content.decode("utf-8-sig", "replace"), parse_int=float)
        if not isinstance(answer, dict):
            msg = "no object"
            raise ValueError(msg)  # noqa: TRY004 - as for what is no JSON
        parts: dict[str, Any] = {}
        for name, kind in _OPTIONAL.items():
            with suppress(msgspec.ValidationError):
                parts[name] = msgspec.convert(answer.get(name), kind, strict=False)
        return cls(msgspec.convert(answer.get("access_token"), Token), **parts)

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
            # Qonto sends a new one each time; without one, the old one stays valid.
            refresh_token=self.refresh_token or chain.refresh_token,
            refreshed_at=asked_at,
        )


@dataclass(frozen=True)
class Seed:
    """What a chain of tokens begins from.

    Attributes:
        client_id: Of the OAuth app.
        refresh_token: The first one, as in the settings.
    """

    client_id: str
    refresh_token: str = field(repr=False)

    def fingerprint(self) -> str:
        """Return ``salt:digest``, which tells the seed again but does not tell the token."""
        salt = secrets.token_hex(8)
        return f"{salt}:{self._digest(salt)}"

    def made(self, fingerprint: str) -> bool:
        """Tell whether a fingerprint is of this seed.

        Version 0.1 made fingerprints of the token alone.
        """
        salt, _, kept = fingerprint.partition(":")
        known = (self._digest(salt), digest(salt, self.refresh_token)[:32])
        return any(hmac.compare_digest(each.encode(), kept.encode()) for each in known)

    @property
    def name(self) -> str:
        """A name for the seed, of 16 characters, which does not tell the token."""
        return digest(self.client_id, self.refresh_token)[:16]

    def _digest(self, salt: str) -> str:
        return digest(f"{salt}\n{self.client_id}", self.refresh_token)[:32]


def digest(salt: str, token: str) -> str:
    """Return a hash that does not tell the token."""
    return hashlib.sha256(f"tap-qonto\n{salt}\n{token}".encode()).hexdigest()
