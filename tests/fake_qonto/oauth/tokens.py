"""OAuth tokens: short-lived access tokens, and refresh tokens that rotate."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from tests.fake_qonto.lists.rendering import as_z

if TYPE_CHECKING:
    from tests.fake_qonto.settings import Settings


class GrantError(Exception):
    """An OAuth request is refused with an RFC 6749 error."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        """Name the error and describe it."""
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status

    def body(self) -> dict[str, str]:
        """Return what is answered."""
        return {"error": self.error, "error_description": self.description}


def refuse(error: str, description: str, status: int = 400) -> NoReturn:
    """Refuse an OAuth request.

    Raises:
        GrantError: Always.
    """
    raise GrantError(error, description, status)


@dataclass
class Token:
    """An access or refresh token, or an authorization code."""

    client_id: str
    scope: str
    expires_at: datetime
    # First use: a refresh token stays usable for the grace that follows.
    used_at: datetime | None = None
    redirect_uri: str | None = None
    challenge: str | None = None


class TokenBook:
    """All tokens of all clients."""

    def __init__(self) -> None:
        """Start without clients and tokens."""
        self.clients: dict[str, str] = {}
        self.access: dict[str, Token] = {}
        self.refresh: dict[str, Token] = {}
        self.codes: dict[str, Token] = {}
        self.refreshes: dict[str, int] = {}

    def new_refresh_token(
        self,
        client_id: str,
        scope: str,
        now: datetime,
        settings: Settings,
    ) -> str:
        """Issue a refresh token as if a user had authorised."""
        text = f"ory_rt_{secrets.token_urlsafe(32)}"
        expiry = now + timedelta(seconds=settings.refresh_token_lifetime)
        self.refresh[text] = Token(client_id, scope, expiry)
        return text

    def new_access_token(
        self,
        client_id: str,
        scope: str,
        now: datetime,
        settings: Settings,
    ) -> str:
        """Issue an access token."""
        text = f"ory_at_{secrets.token_urlsafe(32)}"
        expiry = now + timedelta(seconds=settings.access_token_lifetime)
        self.access[text] = Token(client_id, scope, expiry)
        return text

    def new_code(
        self,
        client_id: str,
        scope: str,
        now: datetime,
        redirect_uri: str,
        challenge: str | None,
    ) -> str:
        """Issue an authorization code; it lives for ten minutes."""
        text = f"ory_ac_{secrets.token_urlsafe(32)}"
        expiry = now + timedelta(minutes=10)
        self.codes[text] = Token(client_id, scope, expiry, None, redirect_uri, challenge)
        return text

    def use_refresh_token(
        self,
        text: str,
        client_id: str,
        now: datetime,
        settings: Settings,
    ) -> dict[str, Any]:
        """Answer a refresh: new tokens for an old one.

        Raises:
            GrantError: The token is unknown, too old, or was used up.
        """
        token = self.refresh.get(text)
        if token is None or token.client_id != client_id or now > token.expires_at:
            problem = "The refresh token is malformed, unknown, expired or not yours."
            refuse("invalid_grant", problem)
        grace = timedelta(seconds=settings.refresh_grace)
        if token.used_at is not None and now > token.used_at + grace:
            refuse("invalid_grant", "The refresh token was already used.")
        if settings.rotate:
            token.used_at = token.used_at or now
        self.refreshes[client_id] = self.refreshes.get(client_id, 0) + 1
        return self.grant(token, now, settings, refresh=settings.rotate)

    def grant(
        self,
        token: Token,
        now: datetime,
        settings: Settings,
        *,
        refresh: bool,
    ) -> dict[str, Any]:
        """Return a token response for what a token or code stands for."""
        client_id, scope = token.client_id, token.scope
        answer: dict[str, Any] = {
            "access_token": self.new_access_token(client_id, scope, now, settings),
            "expires_in": settings.access_token_lifetime,
            "scope": scope,
            "token_type": "bearer",
        }
        if refresh and "offline_access" in scope.split():
            answer["refresh_token"] = self.new_refresh_token(client_id, scope, now, settings)
        return answer

    def revoke(self, text: str) -> None:
        """Make a refresh token worthless; unknown ones are so already."""
        self.refresh.pop(text, None)
        self.access.pop(text, None)

    def overview(self, now: datetime, settings: Settings) -> dict[str, Any]:
        """Return the valid tokens by client, and how often each refreshed."""
        grace = timedelta(seconds=settings.refresh_grace)

        def valid(book: dict[str, Token], client_id: str) -> dict[str, dict[str, Any]]:
            return {
                text: {"scope": token.scope, "expires_at": as_z(token.expires_at)}
                for text, token in book.items()
                if token.client_id == client_id
                and now <= token.expires_at
                and (token.used_at is None or now <= token.used_at + grace)
            }

        return {
            client_id: {
                "access_tokens": valid(self.access, client_id),
                "refresh_tokens": valid(self.refresh, client_id),
                "refreshes": self.refreshes.get(client_id, 0),
            }
            for client_id in self.clients
        }
