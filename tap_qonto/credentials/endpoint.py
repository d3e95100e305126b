"""Qonto's token endpoint: asked once, its answers made plain (docs.qonto.com, page "OAuth")."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from tap_qonto.credentials.tokens import Grant
from tap_qonto.errors import ApiError, ConfigError, Fault, RefusedError, UnreachableError
from tap_qonto.http import failures
from tap_qonto.http.deadlines import DeadlinePassedError, within
from tap_qonto.http.transport import STAGING_HEADER, connection_pool

if TYPE_CHECKING:
    from collections.abc import Mapping


_REDIRECT, _BAD_REQUEST, _TOO_MANY, _SERVER = 300, 400, 429, 500


class LostAnswerError(UnreachableError):
    """No whole answer of the token endpoint came.

    Attributes:
        sent: Whether the request may have arrived, and used up its token.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        """Keep the sentence, and what it means for the token."""
        super().__init__(message)
        self.sent = sent


class TokenEndpoint:
    """Qonto's token endpoint, as one client sees it.

    Args:
        url: ``{oauth_url}/oauth2/token``.
        client_id: Of the OAuth app.
        client_secret: Of the OAuth app.
        user_agent: Qonto's gateway refuses the default ones of libraries.
        staging_token: In the sandbox alone.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        client_secret: str,
        user_agent: str,
        staging_token: str | None = None,
    ) -> None:
        """Open no connection yet."""
        self.url = url
        self._client = {"client_id": client_id, "client_secret": client_secret}
        self._headers = {"Accept": "application/json", "User-Agent": user_agent}
        if staging_token:
            self._headers[STAGING_HEADER] = staging_token

    def ask(self, form: Mapping[str, str], *, timeout: float, invalid_grant: str) -> Grant:
        """Ask once for tokens.

        Args:
            form: The grant, without the client's credentials.
            timeout: Seconds for the whole answer.
            invalid_grant: What the user reads when the grant itself is refused: why that
                may be, and what to do.

        Raises:
            LostAnswerError: No answer, or none that says what became of the grant.
            RefusedError: The client or the grant is not accepted.
            ConfigError: What answers there is not Qonto's token endpoint.
            ApiError: Any other refusal.
        """
        try:
            with within(timeout), connection_pool(1) as pool:
                answer = pool.post(
                    self.url,
                    data={**form, **self._client},
                    headers=self._headers,
                    timeout=timeout,
                    allow_redirects=False,
                )
        except (DeadlinePassedError, OSError, ValueError) as error:
            failure = failures.read(error, self.url, timeout)
            if failure is None:
                raise
            msg = f"{failure.event} on the request for tokens. {failure.advice}"
            raise LostAnswerError(msg, sent=failure.may_have_arrived) from None
        status = answer.status_code
        is_json = "json" in answer.headers.get("Content-Type", "")
        if status >= _SERVER or status == _TOO_MANY:
            msg = f"Qonto's token endpoint {self.url} could not answer (HTTP {status})."
            raise LostAnswerError(msg, sent=status != _TOO_MANY)
        if status < _REDIRECT:
            with suppress(ValueError):
                return Grant.read(answer.content)
        if not is_json or _REDIRECT <= status < _BAD_REQUEST:
            msg = (
                f"The answer of {self.url} is not the JSON of a token endpoint (HTTP {status}). "
                "In the sandbox this means that staging_token is missing or wrong; "
                "otherwise oauth_url is not Qonto's, or a proxy stands between."
            )
            raise ConfigError(msg)
        if status >= _BAD_REQUEST:
            raise self._refusal(status, answer.content, invalid_grant)
        msg = f"The answer of {self.url} is cut off or damaged."
        raise LostAnswerError(msg, sent=True)

    def _refusal(self, status: int, body: bytes, invalid_grant: str) -> ApiError:
        """Turn an error of RFC 6749, section 5.2, into words; its own may hold secrets."""
        code = _error_code(body)
        said = f"HTTP {status}, {code or 'no reason given'}"
        fault = Fault(status, code=code)
        if code == "invalid_grant":
            msg = f"Qonto refused to give tokens ({said}): {invalid_grant}"
            return RefusedError(msg, status, fault)
        if code in {"invalid_client", "unauthorized_client"}:
            msg = (
                f"{self.url} does not accept client_id and client_secret ({said}). Copy both "
                "from the OAuth app again; one of the sandbox works in the sandbox alone."
            )
            return RefusedError(msg, status, fault)
        msg = f"{self.url} refused to give tokens ({said}). Check oauth_url and the OAuth app."
        return ApiError(msg, status, fault)


def _error_code(body: bytes) -> str | None:
    try:
        said: Any = msgspec.json.decode(body)
    except ValueError:
        return None
    code = said.get("error") if isinstance(said, dict) else None
    return code if isinstance(code, str) and re.fullmatch("[a-z_]{1,40}", code) else None
