"""Getting the first refresh token: `tap-qonto-login`, for a person at a terminal.

What goes to stdout can be appended to ``.env``; all else goes to stderr.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import click

from tap_qonto.credentials.browser_answer import REDIRECT_URI, LoginError
from tap_qonto.credentials.consent import authorise
from tap_qonto.credentials.endpoint import TokenEndpoint
from tap_qonto.credentials.store import store_for
from tap_qonto.credentials.tokens import Tokens
from tap_qonto.errors import ConfigError, TapQontoError
from tap_qonto.http.transport import USER_AGENT
from tap_qonto.settings.hosts import OAUTH_URL, SANDBOX_OAUTH_URL
from tap_qonto.settings.validation import problems
from tap_qonto.streams import STREAMS
from tap_qonto.streams.organization import Organization

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_qonto.credentials.tokens import Grant

_HOSTS = {OAUTH_URL, SANDBOX_OAUTH_URL}


def scopes_for(names: Sequence[str]) -> list[str]:
    """Return the scopes that streams need, and the one that brings the refresh token.

    Args:
        names: Names of streams; none for all that are selected by default.

    Raises:
        ConfigError: There is no stream of that name.
    """
    streams: dict[str, Any] = {stream.name: stream for stream in STREAMS}
    unknown = sorted(set(names) - set(streams))
    if unknown:
        msg = (
            f"--streams names {', '.join(unknown)}, which tap-qonto does not have. "
            f"Its streams are {', '.join(streams)}."
        )
        raise ConfigError(msg)
    chosen = [streams[name] for name in names] or [
        stream for stream in STREAMS if stream.selected_by_default
    ]
    scopes = ["offline_access"]
    for stream in chosen:
        scopes += _scopes_of(stream)
    return list(dict.fromkeys(scopes))


def _scopes_of(stream: Any) -> Iterator[str]:
    """Yield the scopes of a stream, and of what it is read below."""
    if stream.parent_stream_type:
        yield from _scopes_of(stream.parent_stream_type)
    if stream.scope:
        yield stream.scope
    if "organization_id" in stream.primary_keys:
        yield Organization.scope


@click.command()
@click.option("--client-id", envvar="TAP_QONTO_CLIENT_ID", help="Client ID of the OAuth app.")
@click.option(
    "--client-secret",
    envvar="TAP_QONTO_CLIENT_SECRET",
    help="Better not given here: the command asks for it, and does not show it.",
)
@click.option(
    "--redirect-uri",
    envvar="TAP_QONTO_REDIRECT_URI",
    default=REDIRECT_URI,
    show_default=True,
    help="Redirect URI of the OAuth app. It leads to this machine, to a port that is free.",
)
@click.option("--staging-token", envvar="TAP_QONTO_STAGING_TOKEN", help="For the sandbox.")
@click.option("--oauth-url", envvar="TAP_QONTO_OAUTH_URL", help="Qonto's OAuth host.")
@click.option(
    "--token-store",
    envvar="TAP_QONTO_TOKEN_STORE",
    help="File for the tokens, as in the setting of the tap.",
)
@click.option(
    "--streams",
    multiple=True,
    metavar="NAMES",
    help="Streams to read, with commas or repeated. Default: all that are selected by default.",
)
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
    streams: tuple[str, ...],
    no_browser: bool,
    timeout: float,
) -> None:
    """Get the first OAuth tokens for tap-qonto: agree in the browser, keep what comes.

    Asks for the scopes of the streams that --streams names. Prints the lines for .env on
    stdout, with secrets: tap-qonto-login >> .env
    """
    client_id = client_id or click.prompt("Client ID of the OAuth app", err=True)
    secret = client_secret or click.prompt("Client secret", hide_input=True, err=True)
    host = (oauth_url or OAUTH_URL).rstrip("/")
    if staging_token and host == OAUTH_URL:
        host = SANDBOX_OAUTH_URL
    options = {
        "client_id": client_id,
        "client_secret": secret,
        "staging_token": staging_token,
        "oauth_url": None if host in _HOSTS else host,
        "token_store": token_store,
    }
    given = {name: value for name, value in options.items() if value}
    names = [name.strip() for text in streams for name in text.split(",") if name.strip()]
    try:
        scopes = scopes_for(names)
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
            scopes=scopes,
            seconds=timeout,
            browser=not no_browser,
        )
        _keep(grant, given, scopes)
    except TapQontoError as error:
        raise click.ClickException(str(error)) from None


def _keep(grant: Grant, given: Mapping[str, str], scopes: Sequence[str]) -> None:
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
        store.write(grant.tokens(Tokens(seed), time.time()))
    click.echo(f"The tokens are in {store.where}.", err=True)
    lacking = sorted(set(scopes) - set(grant.scope.split())) if grant.scope else []
    if lacking:
        click.echo(f"Without these scopes, streams will fail: {', '.join(lacking)}.", err=True)


def _quoted(value: str) -> str:
    """Write a value for .env: as it is where that is plain, else in single quotes."""
    if re.fullmatch(r"[\w.~:/+=@%-]+", value, re.ASCII):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


if __name__ == "__main__":
    main()
