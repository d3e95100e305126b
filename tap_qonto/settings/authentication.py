"""The ways of authentication, and which one the settings make complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_qonto.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

WAYS: dict[str, tuple[str, ...]] = {
    "API key": ("login", "secret_key"),
    "OAuth": ("client_id", "client_secret", "refresh_token"),
    "access token": ("access_token",),
}
"""The ways of authentication, each with the settings that make it complete."""


def way_of(settings: Mapping[str, object]) -> str:
    """Return the one way of authentication that the settings make complete.

    Raises:
        ConfigError: None is complete, or more than one is.
    """
    missing = {
        way: [name for name in names if not settings.get(name)] for way, names in WAYS.items()
    }
    complete = [way for way, names in missing.items() if not names]
    if len(complete) == 1:
        return complete[0]
    if complete:
        ways = " and ".join(f"{way} ({', '.join(WAYS[way])})" for way in complete)
        msg = f"More than one way of authentication is set: {ways}. Keep one of them."
        raise ConfigError(msg)
    ways = "; ".join(f"{way} (missing: {', '.join(names)})" for way, names in missing.items())
    msg = (
        f"No way of authentication is complete. Set one of: {ways}. "
        "docs/credentials.md says where to find each."
    )
    raise ConfigError(msg)
