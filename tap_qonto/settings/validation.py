"""What is wrong with settings, in sentences that quote no secret."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator

from tap_qonto import timestamps
from tap_qonto.errors import ConfigError
from tap_qonto.settings.authentication import way_of
from tap_qonto.settings.declaration import MEMORY, SECRETS, day_or_instant
from tap_qonto.settings.hosts import API_URL, is_loopback
from tap_qonto.settings.invoice_filter import unknown_words, wrong_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jsonschema import ValidationError

_STORE = re.compile(r"sqlite:///.+|rediss?://.+")
_FILTER = "supplier_invoices_filter"
_DATES = {"start_date", "end_date", "created_at_from", "created_at_to"}


def problems(settings: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """List what is wrong with the settings, a sentence each; none when all is well.

    Args:
        settings: The settings as given.
        schema: Their JSON schema, with what the SDK adds to it.
    """
    found = [_sentence(error) for error in Draft202012Validator(schema).iter_errors(settings)]
    found += _dotted(settings, schema)
    found += _wrong_values(settings) if not found else []
    if not found:
        try:
            way_of(settings)
        except ConfigError as error:
            found.append(str(error))
    return found


def doubts(settings: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield what may be a mistake in settings that are valid, a sentence each.

    Programs that run the tap may add settings, and Qonto may add words for filters.

    Args:
        settings: The settings as given, which may also be wrong.
        schema: Their JSON schema, with what the SDK adds to it.
    """
    for name in sorted(settings.keys() - schema["properties"].keys()):
        yield f"Setting {name} is not known, and has no effect."
    filters = settings.get(_FILTER)
    yield from unknown_words(filters) if isinstance(filters, dict) else ()
    if _is_ahead(settings.get("start_date")):
        yield "Setting start_date is in the future, so nothing that changed before it is read."


def _dotted(settings: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    for name in settings:
        outer, _, inner = name.partition(".")
        if inner and outer in schema.get("properties", {}):
            yield (
                f"Setting {name} is a field of an object here: "
                f'write {{"{outer}": {{"{inner}": …}}}}.'
            )


def _wrong_values(settings: Mapping[str, Any]) -> Iterator[str]:
    yield from _wrong_dates(settings)
    yield from wrong_values(settings.get(_FILTER) or {})
    yield from _wrong_batches(settings)
    yield from _wrong_limits(settings)
    store = settings.get("rate_limit_store", MEMORY)
    if store != MEMORY and not _STORE.fullmatch(store):
        yield ("Setting rate_limit_store must be memory, sqlite:///path or redis://host.")
    for name in ("api_url", "oauth_url"):
        url = settings.get(name)
        if url is not None:
            yield from _wrong_url(name, url)
    for name in sorted(SECRETS - {"rate_limit_store"}):
        value = settings.get(name)
        if isinstance(value, str) and not _fits_header(value):
            yield (
                f"Setting {name} holds a line break or a character that no HTTP header "
                "can carry; copy it again, without the characters around it."
            )


def _wrong_batches(settings: Mapping[str, Any]) -> Iterator[str]:
    encoding = (settings.get("batch_config") or {}).get("encoding") or {}
    if encoding.get("format", "jsonl") != "jsonl":
        yield (
            "Setting batch_config.encoding.format must be jsonl: the columns of a Parquet "
            "file would differ from batch to batch."
        )


def _wrong_limits(settings: Mapping[str, Any]) -> Iterator[str]:
    if "rate_limits" not in settings:
        return
    from pyrate_limiter import Rate, validate_rate_list  # noqa: PLC0415 - slow to import

    windows = [
        Rate(int(limit["requests"]), max(1, round(limit["seconds"] * 1000)))
        for limit in settings["rate_limits"]
    ]
    if not validate_rate_list(windows):
        yield (
            "Setting rate_limits must contain at least one window, and a longer one must "
            "allow more requests than a shorter one, at a lower rate."
        )


def _is_ahead(text: object) -> bool:
    try:
        return day_or_instant(str(text or "")) > timestamps.show(datetime.now(timezone.utc))
    except ValueError:
        return False


def _wrong_dates(settings: Mapping[str, Any]) -> Iterator[str]:
    filters = settings.get(_FILTER) or {}
    dates = {}
    for name in sorted(_DATES):
        text = settings.get(name) or filters.get(name)
        try:
            dates[name] = day_or_instant(text) if text else None
        except ValueError as error:
            yield f"Setting {name} is wrong: {error}."
    for first, last in (("start_date", "end_date"), ("created_at_from", "created_at_to")):
        start, end = dates.get(first), dates.get(last)
        if start and end and start > end:
            yield (
                f"Setting {first} ({start}) is after {last} ({end}); "
                f"exchange them or leave {last} out."
            )


def _wrong_url(name: str, url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        port_is_readable = parts.port is None or parts.port >= 0
    except ValueError:
        port_is_readable = False
    if not port_is_readable or parts.scheme not in {"http", "https"} or not parts.hostname:
        yield f"Setting {name} is not a URL such as {API_URL}."
    elif parts.username or parts.password or parts.query or parts.fragment:
        yield f"Setting {name} must be only a host, such as {API_URL}."
    elif parts.scheme == "http" and not is_loopback(url):
        yield (
            f"Setting {name} begins with http://, which would send credentials in the "
            "open; use https://."
        )


def _fits_header(value: str) -> bool:
    return value.isascii() and value.isprintable() and value == value.strip()


def _sentence(error: ValidationError) -> str:
    path = [str(part) for part in error.absolute_path]
    name = ".".join(path) or "the settings"
    # What should have been the object `attachments` may hold its secrets.
    secret = bool(SECRETS.intersection(path)) or path == ["attachments"]
    rule: Any = error.validator_value
    schema: Any = error.schema
    instance: Any = error.instance
    shown = "" if secret else f" (it is {instance!r:.80})"
    match error.validator:
        case "type":
            kinds = [rule] if isinstance(rule, str) else rule
            kind = " or ".join(kind for kind in kinds if kind != "null")
            return f"Setting {name} must be of type {kind}{shown}."
        case "minimum":
            return f"Setting {name} must be at least {rule}{shown}."
        case "maximum":
            return f"Setting {name} must be at most {rule}{shown}."
        case "exclusiveMinimum":
            return f"Setting {name} must be more than {rule}{shown}."
        case "enum":
            return f"Setting {name} must be one of {', '.join(map(str, rule))}{shown}."
        case "minLength":
            return f"Setting {name} must not be empty."
        case "additionalProperties":
            known = set(schema["properties"])
            unknown = ", ".join(sorted(set(instance) - known))
            return f"Setting {name} does not take {unknown}; it takes {', '.join(sorted(known))}."
        case "required":
            lacking = ", ".join(part for part in rule if part not in instance)
            return f"Setting {name} lacks {lacking}."
        case _:
            return f"Setting {name} does not fit its rule {error.validator}."
