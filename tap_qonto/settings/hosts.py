"""Qonto's hosts, in production and in the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

API_URL = "https://thirdparty.qonto.com"
OAUTH_URL = "https://oauth.qonto.com"
SANDBOX_API_URL = "https://thirdparty-sandbox.staging.qonto.co"
SANDBOX_OAUTH_URL = "https://oauth-sandbox.staging.qonto.co"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def api_url(settings: Mapping[str, Any]) -> str:
    """Return the API's host: as set, or the default of production or sandbox."""
    return _host(settings, "api_url", API_URL, SANDBOX_API_URL)


def oauth_url(settings: Mapping[str, Any]) -> str:
    """Return the OAuth host: as set, or the default of production or sandbox."""
    return _host(settings, "oauth_url", OAUTH_URL, SANDBOX_OAUTH_URL)


def _host(settings: Mapping[str, Any], name: str, default: str, sandbox: str) -> str:
    url = settings.get(name) or default
    if settings.get("staging_token") and url == default:
        url = sandbox
    return cast("str", url).rstrip("/")


def is_loopback(url: str) -> bool:
    """Tell whether the URL's host is this machine itself."""
    return urlsplit(url).hostname in _LOOPBACK
