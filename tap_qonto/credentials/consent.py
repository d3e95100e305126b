"""The consent of a person, which brings the first tokens.

The authorization-code flow (docs.qonto.com, page "OAuth"; RFC 8252 for programs on one's
own machine): the person agrees in a browser, which brings the code to a small server on
loopback.
"""

from __future__ import annotations

import base64
import hashlib
import os
import queue
import secrets
import webbrowser
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import click

from tap_qonto.credentials.browser_answer import LoginError, check_redirect, listening

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_qonto.credentials.endpoint import TokenEndpoint
    from tap_qonto.credentials.tokens import Grant

_SECONDS_FOR_TOKENS = 60.0


def code_of(answer: Mapping[str, str], scopes: Sequence[str]) -> str:
    """Return the authorization code of the browser's answer.

    Args:
        answer: The parameters of the answer.
        scopes: What was asked for, for messages.

    Raises:
        LoginError: It is a refusal.
    """
    error, said = answer.get("error"), _one_line(answer.get("error_description", ""))
    if error == "access_denied":
        msg = (
            f"The access was denied on Qonto's page ({said or error}). Run tap-qonto-login "
            "again and agree there; only an owner or admin of the organization may."
        )
        raise LoginError(msg)
    if error == "invalid_scope":
        msg = (
            f"The OAuth app may not ask for all of the scopes {', '.join(scopes)} ({said}). "
            "Add them to the app in Qonto's developer portal, or name the streams that you "
            "need with --streams."
        )
        raise LoginError(msg)
    if error is not None:
        msg = f"Qonto refused the authorisation ({_one_line(error)}: {said}). Check the OAuth app."
        raise LoginError(msg)
    return answer["code"]


def authorise(  # noqa: PLR0913 - each is one fact of the flow
    endpoint: TokenEndpoint,
    *,
    client_id: str,
    oauth_url: str,
    redirect_uri: str,
    scopes: Sequence[str],
    seconds: float,
    browser: bool,
) -> Grant:
    """Have a person agree in the browser, and exchange the code for tokens.

    Args:
        endpoint: Where the code is exchanged.
        client_id: Of the OAuth app.
        oauth_url: Host of the page to agree on.
        redirect_uri: As the OAuth app has it.
        scopes: What to ask for.
        seconds: How long to wait for the person.
        browser: Whether to open one, or leave that to the person.

    Raises:
        TapQontoError: No tokens came, in a sentence.
    """
    redirect = check_redirect(redirect_uri)
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(64)
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": " ".join(scopes),
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    with listening(redirect, state) as answers:
        page = f"{oauth_url}/oauth2/auth?{urlencode(query)}"
        click.echo(f"Give your consent in the browser, on this page:\n\n{page}\n", err=True)
        if browser:
            _open(page)
        try:
            answer = answers.get(timeout=seconds)
        except queue.Empty:
            msg = (
                f"No answer came to {redirect_uri} within {seconds:.0f} seconds. Run "
                "tap-qonto-login again; if Qonto's page showed an error, enter this redirect "
                "URI in the OAuth app, letter by letter, and check client_id."
            )
            raise LoginError(msg) from None
    form = {
        "grant_type": "authorization_code",
        "code": code_of(answer, scopes),
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    return endpoint.ask(
        form,
        timeout=_SECONDS_FOR_TOKENS,
        invalid_grant="the code of this login has ended. Run tap-qonto-login again.",
    )


def _open(page: str) -> None:
    """Open a page. What the browser prints must not get into stdout, where .env goes."""
    stdout = os.dup(1)
    try:
        os.dup2(2, 1)
        webbrowser.open(page)
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")[:200]
