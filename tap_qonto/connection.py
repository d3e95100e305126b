"""The way to Qonto, put together from the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_qonto.credentials.header import StaticCredential
from tap_qonto.credentials.oauth import OAuthAuthenticator
from tap_qonto.credentials.store import store_for
from tap_qonto.http.rate_budget import RateBudget
from tap_qonto.http.session import Session
from tap_qonto.http.stop import Stop
from tap_qonto.http.transport import USER_AGENT
from tap_qonto.settings.authentication import way_of
from tap_qonto.settings.hosts import api_url, oauth_url

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from tap_qonto.http.credential import Authenticator


def connect(config: Mapping[str, Any], event: threading.Event) -> Session:
    """Return the session that the settings describe; nothing is asked yet.

    Args:
        config: The settings, with their defaults.
        event: Ends all waits when it is set. It is set here, too, when a call meets what
            no other can pass.

    Raises:
        ConfigError: A place that the settings name cannot be used.
    """
    stop = Stop(event)
    return Session(
        api_url=api_url(config),
        authenticator=_authenticator(config, stop.pause),
        budget=RateBudget(
            config["rate_limits"], store=config["rate_limit_store"], sleep=stop.pause
        ),
        stop=stop,
        staging_token=config.get("staging_token"),
        timeout=config["request_timeout"],
        connections=config["attachments"]["concurrency"] + config["list_concurrency"],
    )


def _authenticator(config: Mapping[str, Any], pause: Callable[[float], None]) -> Authenticator:
    """Return the credential that the settings make complete."""
    match way_of(config):
        case "API key":
            value = f"{config['login']}:{config['secret_key']}"
            return StaticCredential("the API key (login and secret_key)", value)
        case "access token":
            value = f"Bearer {config['access_token']}"
            return StaticCredential("the access_token", value)
    return OAuthAuthenticator(
        client_id=config["client_id"],
        client_secret=config["client_secret"],
        refresh_token=config["refresh_token"],
        token_url=f"{oauth_url(config)}/oauth2/token",
        store=store_for(config["client_id"], config["refresh_token"], config.get("token_store")),
        timeout=config["request_timeout"],
        user_agent=USER_AGENT,
        staging_token=config.get("staging_token"),
        sleep=pause,
    )
