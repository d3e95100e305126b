"""OAuth with refresh tokens that work once (docs.qonto.com, page "OAuth").

Under one lock over all processes: see whether another process has renewed, check that the
store can be written, ask, write, and only then use. Wherever a run is killed, the next one
finds either the old token, which works for another 60 seconds, or the new one.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tap_qonto.credentials.endpoint import LostAnswerError, TokenEndpoint
from tap_qonto.credentials.tokens import Tokens
from tap_qonto.errors import (
    Fault,
    RefusedError,
    StorageError,
    TapQontoError,
    UnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_qonto.credentials.store import TokenStore

AUTHORISE = "Authorise again with tap-qonto-login and set the refresh_token that it prints."

_GRACE = 55.0
_PAUSES = (1.0, 4.0)
_PATIENCE = 20.0
_RENEWALS = 2
_DAY = 86_400
_OLD = 60 * _DAY
_UNAUTHORIZED = 401

logger = logging.getLogger("tap-qonto.oauth")


class OAuthAuthenticator:
    """An `Authenticator` that renews its access token, ahead or when it is refused.

    Args:
        client_id: Of the OAuth app.
        client_secret: Of the OAuth app.
        refresh_token: As in the settings: the first one, the seed of the chain.
        token_url: ``{oauth_url}/oauth2/token``.
        store: Where the chain goes on from run to run.
        timeout: Seconds to wait for an answer.
        user_agent: What the tap calls itself.
        staging_token: In the sandbox alone.
        clock: Seconds since 1970, UTC.
        sleep: Waits a number of seconds; may raise to end the wait.
    """

    credential = "the OAuth access (client_id, client_secret, refresh_token)"

    def __init__(  # noqa: PLR0913 - each is one fact of the connection
        self,
        *,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        token_url: str,
        store: TokenStore,
        timeout: float,
        user_agent: str,
        staging_token: str | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Read and ask nothing yet."""
        self._endpoint = TokenEndpoint(
            token_url,
            client_id=client_id,
            client_secret=client_secret,
            user_agent=user_agent,
            staging_token=staging_token,
        )
        self._first = Tokens(refresh_token)
        self._store = store
        self._timeout = timeout
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._tokens: Tokens | None = None
        self._failure: TapQontoError | None = None
        self._renewals = 0
        self._replacement: str | None = None

    def header(self) -> str:
        """Return the value of `Authorization`, renewed first if it ends soon.

        Raises:
            TapQontoError: There is no good token; the same one at every later call.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._tokens is None or not self._tokens.good(self._clock()):
                self._tokens = self._newest(refused=None)
            return f"Bearer {self._tokens.access_token}"

    def renew(self, refused: str) -> bool:
        """Replace a header that Qonto refused, twice in a run at most.

        With the answer that ends the run this makes three 401s; Qonto throttles an
        address after 200 in an hour.

        Args:
            refused: The header that was sent.

        Returns:
            Whether there is a newer one. Never again once a replacement was refused.

        Raises:
            TapQontoError: The renewal failed.
        """
        token = refused.removeprefix("Bearer ")
        with self._lock:
            if self._failure is not None:
                return False
            if self._tokens is not None and self._tokens.access_token != token:
                return True
            if token == self._replacement or self._renewals == _RENEWALS:
                msg = (
                    "Qonto refused an access token that was just renewed (HTTP 401). Check "
                    "that api_url and oauth_url belong together, and that nobody withdraws "
                    "the access of the OAuth app."
                )
                self._failure = RefusedError(msg, _UNAUTHORIZED, Fault(_UNAUTHORIZED))
                return False
            self._renewals += 1
            self._tokens = self._newest(refused=token)
            self._replacement = self._tokens.access_token
            return True

    def _newest(self, refused: str | None) -> Tokens:
        """Take good tokens from the store, or renew those that are there."""
        try:
            with self._store.locked():
                tokens = self._store.read() or self._first
                if tokens.access_token != refused and tokens.good(self._clock()):
                    return tokens
                self._warn_of_age(tokens)
                # A token that can't be replaced must not be spent.
                self._store.prove()
                return self._renewed(tokens)
        except TapQontoError as error:
            self._failure = error
            raise

    def _renewed(self, tokens: Tokens) -> Tokens:
        """Renew, and ask again within the grace where the answer is lost."""
        began = time.monotonic()
        pauses = iter(_PAUSES)
        sent = False
        while True:
            pause = next(pauses, None)
            # Only the last attempt may take longer than the grace.
            patience = self._timeout if pause is None else min(self._timeout, _PATIENCE)
            try:
                return self._spent(tokens, patience)
            except LostAnswerError as lost:
                sent = sent or lost.sent
                if pause is None or time.monotonic() - began + pause > _GRACE:
                    advice = "The refresh token was not used; run the tap again later."
                    if sent:
                        advice = (
                            "The refresh token may be used up: run the tap again within a "
                            f"minute. If it is refused then: {AUTHORISE}"
                        )
                    msg = f"{lost} {advice}"
                    raise UnreachableError(msg) from None
                logger.info("%s Asking again in %.0f s.", lost, pause)
            self._sleep(pause)

    def _spent(self, tokens: Tokens, timeout: float) -> Tokens:
        # In a thread: an interrupt of this one must not fall between answer and write.
        with ThreadPoolExecutor(1) as worker:
            return worker.submit(self._exchange, tokens, timeout).result()

    def _exchange(self, tokens: Tokens, timeout: float) -> Tokens:
        now = self._clock()
        grant = self._endpoint.ask(
            {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token},
            timeout=timeout,
            invalid_grant=(
                "the refresh token was not used for 90 days, was withdrawn, or was used "
                f"without {self._store.where}, which must last from run to run. {AUTHORISE}"
            ),
        )
        renewed = grant.tokens(tokens, now)
        try:
            self._store.write(renewed)
        except StorageError as error:
            msg = (
                f"{error} The refresh token was used just now: run the tap again within a "
                f"minute. If it is refused then: {AUTHORISE}"
            )
            raise StorageError(msg) from error
        logger.info("The access token was renewed; it lasts %.0f s.", grant.expires_in)
        return renewed

    def _warn_of_age(self, tokens: Tokens) -> None:
        age = self._clock() - tokens.refreshed_at
        if tokens.refreshed_at and age > _OLD:
            logger.warning(
                "The OAuth access was last renewed %.0f days ago. Qonto ends it after 90 days "
                "without a renewal: run the tap more often.",
                age / _DAY,
            )
