"""The settings: names, types, defaults, and how to read them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import typing as th

from tap_qonto import timestamps
from tap_qonto.settings.attachments import ATTACHMENTS
from tap_qonto.settings.hosts import API_URL, OAUTH_URL
from tap_qonto.settings.invoice_filter import INVOICE_FILTER

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMORY = "memory"
"""Where calls are counted unless `rate_limit_store` says otherwise."""
DEFAULT_RATE_LIMITS = [
    {"requests": 1000, "seconds": 10},
    {"requests": 10000, "seconds": 600},
]
"""Qonto's own, for each address (docs.qonto.com, page "Rate limits")."""

SETTINGS = cast(
    "dict[str, Any]",
    th.PropertiesList(
        th.Property(
            "login",
            th.StringType,
            secret=True,
            title="Login",
            description="API key: the login, such as acme-corp-1234.",
        ),
        th.Property(
            "secret_key",
            th.StringType,
            secret=True,
            title="Secret key",
            description="API key: the secret key.",
        ),
        th.Property(
            "client_id",
            th.StringType,
            secret=True,
            title="Client id",
            description="OAuth: id of the app.",
        ),
        th.Property(
            "client_secret",
            th.StringType,
            secret=True,
            title="Client secret",
            description="OAuth: secret of the app.",
        ),
        th.Property(
            "refresh_token",
            th.StringType,
            secret=True,
            title="Refresh token",
            description=(
                "OAuth: the first refresh token, as tap-qonto-login prints it. It works "
                "once; those that follow are kept in token_store."
            ),
        ),
        th.Property(
            "token_store",
            th.StringType(min_length=1),
            title="Token store",
            description=(
                "OAuth: file for the tokens that follow the first. Default: one for each "
                "app and first token, in the user's state folder."
            ),
        ),
        th.Property(
            "access_token",
            th.StringType,
            secret=True,
            title="Access token",
            description="A ready OAuth access token, used as it is, never refreshed.",
        ),
        th.Property(
            "staging_token",
            th.StringType,
            secret=True,
            title="Staging token",
            description="Sandbox token: adds its header, moves default hosts there.",
        ),
        th.Property(
            "api_url",
            th.StringType,
            default=API_URL,
            title="API URL",
            description="Host of the API, without /v2.",
        ),
        th.Property(
            "oauth_url",
            th.StringType,
            default=OAUTH_URL,
            title="OAuth URL",
            description="Host of the token endpoint, without /oauth2/token.",
        ),
        th.Property(
            "start_date",
            th.DateTimeType,
            title="Start date",
            description="Read what was updated from here on. Default: all history.",
        ),
        th.Property(
            "end_date",
            th.DateTimeType,
            title="End date",
            description="Read what was updated up to here. Default: now.",
        ),
        th.Property(
            "lookback_seconds",
            th.IntegerType(minimum=0),
            default=300,
            title="Lookback",
            description="How many seconds before the bookmark a run reads again.",
        ),
        th.Property(
            "page_size",
            th.IntegerType(minimum=1, maximum=100),
            default=100,
            title="Page size",
            description="Rows per request.",
        ),
        th.Property(
            "list_concurrency",
            th.IntegerType(minimum=1, maximum=64),
            default=8,
            title="List concurrency",
            description="List requests side by side; 1 reads page after page.",
        ),
        th.Property(
            "supplier_invoices_filter",
            INVOICE_FILTER,
            title="Filter of supplier invoices",
            description="Filters of the endpoint, named as the API names them.",
        ),
        th.Property(
            "attachments",
            ATTACHMENTS,
            title="Attachments",
            description="Where and how the files of invoices are stored.",
        ),
        th.Property(
            "rate_limits",
            th.ArrayType(
                th.ObjectType(
                    th.Property("requests", th.IntegerType(minimum=1), required=True),
                    th.Property("seconds", th.NumberType(exclusive_minimum=0), required=True),
                    additional_properties=False,
                )
            ),
            default=DEFAULT_RATE_LIMITS,
            title="Rate limits",
            description="Budget for API calls, all windows at once. Files do not count.",
        ),
        th.Property(
            "rate_limit_store",
            th.StringType,
            default=MEMORY,
            secret=True,
            title="Rate limit store",
            description=(
                "Where calls are counted: memory; sqlite:///path, shared by the taps of a "
                "machine; redis://host, shared by those of several."
            ),
        ),
        th.Property(
            "request_timeout",
            th.NumberType(exclusive_minimum=0),
            default=60,
            title="Request timeout",
            description="Seconds to wait for an answer of Qonto or a file host.",
        ),
    ).to_dict(),
)

SECRETS = {name for name, shape in SETTINGS["properties"].items() if shape.get("secret")} | {
    "storage_options"
}


def with_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with the default of each that is not given."""
    settings = _defaults(SETTINGS) | dict(given)
    attachments = _defaults(ATTACHMENTS.to_dict()) | _mapping(settings.get("attachments"))
    return settings | {"attachments": attachments}


def secrets(settings: Mapping[str, Any]) -> list[Any]:
    """Return the values that must not appear in a log."""
    given = {**settings, **_mapping(settings.get("attachments"))}
    # Only an address with a password in it is a secret.
    if "@" not in str(given.get("rate_limit_store")):
        given.pop("rate_limit_store", None)
    return [given.get(name) for name in SECRETS]


def plain(value: Any) -> Any:
    """Turn numbers as the SDK reads them, decimals, into what libraries take."""
    if isinstance(value, Decimal | float):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: shape["default"] for name, shape in schema["properties"].items() if "default" in shape
    }


def _mapping(value: object) -> dict[str, Any]:
    given = value.items() if isinstance(value, dict) else ()
    return {name: inner for name, inner in given if inner is not None}


def day_or_instant(text: str) -> str:
    """Read a date setting: an instant, or a day, which begins at midnight UTC.

    Returns:
        The instant as ``YYYY-MM-DDTHH:MM:SS.ffffffZ``.

    Raises:
        ValueError: It is neither.
    """
    return timestamps.to_utc(f"{text}T00:00:00Z" if timestamps.is_date(text) else text)
