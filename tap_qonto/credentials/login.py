"""Getting the first refresh token: `tap-qonto-login`, for a person at a terminal.

The authorization-code flow (docs.qonto.com, page "OAuth"; RFC 8252 for programs on one's
own machine): the person agrees in a browser, which brings the code to a small server on
loopback. What goes to stdout can be appended to ``.env``; all else goes to stderr.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import queue
import re
import secrets
import time
import webbrowser
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import click

from tap_qonto.credentials.browser_answer import REDIRECT_URI, LoginError, check_redirect, listening
from tap_qonto.credentials.endpoint import TokenEndpoint
from tap_qonto.credentials.store import store_for
from tap_qonto.credentials.tokens import Tokens
from tap_qonto.errors import ConfigError, TapQontoError
from tap_qonto.http.transport import USER_AGENT
from tap_qonto.settings import declaration as settings
from tap_qonto.settings.validation import problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_qonto.credentials.tokens import Grant

SCOPES = ("offline_access", "supplier_invoice.read", "attachment.read")
"""What the streams need; `offline_access` brings the refresh token."""
_HOSTS = {settings.OAUTH_URL, settings.SANDBOX_OAUTH_URL}
_SECONDS_FOR_TOKENS = 60.0


def code_of(answer: Mapping[str, str], state: str) -> str:
    """Return the authorization code of the browser's answer.

    Raises:
        LoginError: It is a refusal, or an answer to somebody else's question.
    """
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
        msg = (
            "The answer that the browser brought belongs to another login (its state "
            "differs). Run tap-qonto-login again and use the page that it opens."
        )
        raise LoginError(msg)
    error, said = answer.get("error"), _one_line(answer.get("error_description", ""))
    if error == "access_denied":
        msg = (
            f"The access was denied on Qonto's page ({said or error}). Run tap-qonto-login "
            "again and agree there; only an owner or admin of the organization may."
        )
        raise LoginError(msg)
    if error == "invalid_scope":
        msg = (
            f"The OAuth app may not ask for all of the scopes {', '.join(SCOPES)} ({said}). "
            "Add them to the app in Qonto's developer portal."
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
    seconds: float,
    browser: bool,
) -> Grant:
    """Have a person agree in the browser, and exchange the code for tokens.

    Args:
        endpoint: Where the code is exchanged.
        client_id: Of the OAuth app.
        oauth_url: Host of the page to agree on.
        redirect_uri: As the OAuth app has it.
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
        "scope": " ".join(SCOPES),
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    with listening(redirect) as answers:
        page = f"{oauth_url}/oauth2/auth?{urlencode(query)}"
        click.echo(f"Agree in the browser, on this page:\n\n{page}\n", err=True)
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
        "code": code_of(answer, state),
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    return endpoint.ask(
        form,
        timeout=_SECONDS_FOR_TOKENS,
        invalid_grant="the code of this login has ended. Run tap-qonto-login again.",
    )


@click.command()
@click.option("--client-id", envvar="TAP_QONTO_CLIENT_ID", help="Of the OAuth app.")
@click.option(
    "--client-secret",
    envvar="TAP_QONTO_CLIENT_SECRET",
    help="Better left out: it is asked for, and not shown.",
)
@click.option(
    "--redirect-uri",
    envvar="TAP_QONTO_REDIRECT_URI",
    default=REDIRECT_URI,
    show_default=True,
    help="As the OAuth app has it, on this machine; its port is listened on.",
)
@click.option("--staging-token", envvar="TAP_QONTO_STAGING_TOKEN", help="For the sandbox.")
@click.option("--oauth-url", envvar="TAP_QONTO_OAUTH_URL", help="Qonto's OAuth host.")
@click.option("--token-store", envvar="TAP_QONTO_TOKEN_STORE", help="As the setting of the tap.")
@click.option("--no-browser", is_flag=True, help="Only print the address of the page.")
@click.option("--timeout", default=300.0, show_default=True, help="Seconds to wait for consent.")
def main(  # noqa: PLR0913 - each is one option
    *,
    client_id: str | None,
    client_secret: str | None,
    redirect_uri: str,
    staging_token: str | None,
    oauth_url: str | None,
    token_store: str | None,
    no_browser: bool,
    timeout: float,
) -> None:
    """Get the first OAuth tokens for tap-qonto: agree in the browser, keep what comes.

    Prints the lines for .env on stdout, with secrets: tap-qonto-login >> .env
    """
    client_id = client_id or click.prompt("Client ID of the OAuth app", err=True)
    secret = client_secret or click.prompt("Client secret", hide_input=True, err=True)
    host = (oauth_url or settings.OAUTH_URL).rstrip("/")
    if staging_token and host == settings.OAUTH_URL:
        host = settings.SANDBOX_OAUTH_URL
    options = {
        "client_id": client_id,
        "client_secret": secret,
        "staging_token": staging_token,
        "oauth_url": None if host in _HOSTS else host,
        "token_store": token_store,
    }
    given = {name: value for name, value in options.items() if value}
    try:
        for problem in problems({**given, "refresh_token": "to-come"}, {}):
            raise ConfigError(problem)
        grant = authorise(
            TokenEndpoint(
                f"{host}/oauth2/token",
                client_id=client_id,
                client_secret=secret,
                user_agent=USER_AGENT,
                staging_token=staging_token,
            ),
            client_id=client_id,
            oauth_url=host,
            redirect_uri=redirect_uri,
            seconds=timeout,
            browser=not no_browser,
        )
        _keep(grant, given)
    except TapQontoError as error:
        raise click.ClickException(str(error)) from None


def _keep(grant: Grant, given: Mapping[str, str]) -> None:
    """Print the settings and write the store, which begins where they do."""
    seed = grant.refresh_token
    if seed is None:
        msg = (
            "Qonto gave no refresh token, so the access would end within the hour. Add the "
            "scope offline_access to the OAuth app in Qonto's developer portal."
        )
        raise LoginError(msg)
    store = store_for(given["client_id"], seed, given.get("token_store"))
    lines = {**given, "refresh_token": seed}
    if "token_store" in lines:
        lines["token_store"] = str(store.path)
    # Before the store: what fails there must not cost the authorisation.
    click.echo("# Into .env, which Meltano reads; keep it out of version control.")
    for name, value in lines.items():
        click.echo(f"TAP_QONTO_{name.upper()}={_quoted(value)}")
    click.echo("# Or into meltano.yml, below the extractor tap-qonto:\n#   config:")
    for name in lines:
        click.echo(f"#     {name}: ${{TAP_QONTO_{name.upper()}}}")
    with store.locked():
        store.read()  # keeps a damaged file aside
        store.write(grant.tokens(Tokens.first(seed), time.time()))
    click.echo(f"The tokens are in {store.where}.", err=True)
    lacking = sorted(set(SCOPES) - set(grant.scope.split())) if grant.scope else []
    if lacking:
        click.echo(f"Without these scopes, streams will fail: {', '.join(lacking)}.", err=True)


def _open(page: str) -> None:
    """Open a page. What the browser prints must not get into stdout, where .env goes."""
    stdout = os.dup(1)
    try:
        os.dup2(2, 1)
        webbrowser.open(page)
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)


def _quoted(value: str) -> str:
    """Write a value for .env: as it is where that is plain, else in single quotes."""
    if re.fullmatch(r"[\w.~:/+=@%-]+", value, re.ASCII):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")[:200]


if __name__ == "__main__":
    main()
