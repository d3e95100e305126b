"""What is given from outside: files of settings, state and catalog, and the environment."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.singerlib import Catalog

from tap_qonto.errors import ConfigError
from tap_qonto.json_text import refuse_constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Json = dict[str, Any]

_WRAPPER = {"singer_state", "completed", "partial"}
_SHAPES: dict[str, type[dict[str, Any] | list[Any]]] = {
    "partitions": list,
    "covers": dict,
    "new_fields": list,
    "awaited": list,
    "read": list,
    "unsure": dict,
}
"""What the entries of a state hold, other than values."""
_OF_TEXTS = ("new_fields", "awaited")
"""Those that hold texts alone."""


def read_config(paths: Iterable[str]) -> Json:
    """Return the settings of several files, the later ones laid over the earlier.

    Objects are merged key by key, at any depth; all other values are replaced.

    Raises:
        ConfigError: A file cannot be read, or holds no JSON object.
    """
    settings: Json = {}
    for path in paths:
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            msg = f"The config file {path} cannot be read: {error.strerror}."
            raise ConfigError(msg) from error
        _, found = _parsed(content, f"The file {path} given with --config")
        settings = _merged(settings, found)
    return settings


def read_state(file: IO[str]) -> IO[str]:
    """Return a state file, read and seen to hold a JSON object.

    Raises:
        ConfigError: It does not.
    """
    where = f"The file {file.name} given with --state"
    content = _content(file)
    lines = [line for line in content.splitlines() if line.strip()]
    if not content.strip():
        msg = f"{where} is empty. Write {{}} into it to read from the beginning."
        raise ConfigError(msg)
    if len(lines) > 1 and all(line.startswith(b"{") for line in lines):
        msg = f"{where} holds several states, one on each line. Pass the last line alone."
        raise ConfigError(msg)
    return io.StringIO(_parsed(content, where)[0])


def read_catalog(file: IO[str]) -> IO[str]:
    """Return a catalog file, read and seen to hold a Singer catalog.

    Raises:
        ConfigError: It does not.
    """
    where = f"The file {file.name} given with --catalog"
    _, parsed = _parsed(_content(file), where)
    try:
        # An object has keys and no entries. Some programs write null for what they lack.
        streams = [
            {key: value for key, value in entry.items() if value is not None or key == "schema"}
            for entry in parsed["streams"] + []
        ]
        Catalog.from_dict({"streams": streams})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        msg = f"{where} is no Singer catalog; make one with --discover."
        raise ConfigError(msg) from error
    return io.StringIO(json.dumps({**parsed, "streams": streams}))


def read_environment(schema: Mapping[str, Any], prefix: str) -> Json:
    """Return the settings in environment variables; an empty variable counts as none.

    Args:
        schema: JSON schema of the settings.
        prefix: What the names of the variables begin with.

    Raises:
        ConfigError: A variable cannot be read.
    """
    parse_environment_config({}, prefix)  # takes in the file .env
    given = {
        name: shape
        for name, shape in schema["properties"].items()
        if os.environ.get(f"{prefix}{name.upper()}", "").strip()
    }
    try:
        return parse_environment_config({"properties": given}, prefix)
    except ValueError as error:
        msg = (
            "An environment variable of the tap cannot be read: "
            f"{str(error).partition(':')[0]}. Numbers are digits, objects JSON."
        )
        raise ConfigError(msg) from error


def check_state(state: Any, streams: Iterable[str]) -> None:
    """See that a state is one of this tap.

    Args:
        state: What was given.
        streams: Names of the tap's streams.

    Raises:
        ConfigError: It is not; the sentence says what to pass instead.
    """
    if isinstance(state, dict) and "bookmarks" not in state:
        if _WRAPPER.intersection(state):
            msg = (
                "The state is in the wrapper that Meltano keeps it in. Pass the object under "
                "singer_state alone, which begins with bookmarks."
            )
            raise ConfigError(msg)
        if state.get("type") == "STATE":
            msg = (
                "The state is a whole STATE message. Pass the object under value alone, which "
                "begins with bookmarks."
            )
            raise ConfigError(msg)
    if state and not _is_state(state, set(streams)):
        msg = (
            "The state is not of tap-qonto: it has no bookmark of any of its streams. "
            "Pass the state that tap-qonto wrote, or no state to start over."
        )
        raise ConfigError(msg)
    for name, entry in (state or {}).get("bookmarks", {}).items():
        if damaged := _damaged(entry):
            msg = (
                f"The state says in {name}.{damaged} something that tap-qonto did not write. Pass "
                "the state that tap-qonto wrote, or none to start anew."
            )
            raise ConfigError(msg)


def _damaged(entry: Mapping[str, Any]) -> str | None:
    """Return what of an entry this tap cannot have written; None if nothing."""
    for name, kind in _SHAPES.items():
        if not isinstance(entry.get(name, kind()), kind):
            return name
    for name in _OF_TEXTS:
        if not all(isinstance(text, str) for text in entry.get(name, ())):
            return name
    for part in entry.get("partitions", ()):
        if not (isinstance(part, dict) and isinstance(part.get("context"), dict)):
            return "partitions"
        if damaged := _damaged(part):
            return f"partitions.{damaged}"
    return None


def _is_state(state: Any, streams: set[str]) -> bool:
    bookmarks = state.get("bookmarks") if isinstance(state, dict) else None
    return (
        isinstance(bookmarks, dict)
        and all(isinstance(entry, dict) for entry in bookmarks.values())
        and (not bookmarks or bool(streams.intersection(bookmarks)))
    )


def _content(file: IO[str]) -> bytes:
    """Return the bytes of a file, regardless of the encoding it was opened with."""
    buffer = getattr(file, "buffer", None)
    content: bytes = buffer.read() if buffer else file.read().encode()
    return content


def _parsed(content: bytes, where: str) -> tuple[str, Json]:
    try:
        # Editors on Windows write a byte order mark.
        text = content.decode("utf-8-sig")
        parsed = json.loads(text, parse_constant=refuse_constant)
    except UnicodeDecodeError as error:
        msg = f"{where} is not UTF-8 text."
        raise ConfigError(msg) from error
    except ValueError as error:
        msg = f"{where} is not JSON: {error}."
        raise ConfigError(msg) from error
    if not isinstance(parsed, dict):
        msg = f"{where} holds no JSON object."
        raise ConfigError(msg)
    return text, parsed


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> Json:
    return {
        **under,
        **{
            name: _merged(under[name], value)
            if isinstance(value, dict) and isinstance(under.get(name), dict)
            else value
            for name, value in over.items()
        },
    }
