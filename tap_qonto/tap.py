"""The tap: settings in, streams out."""

from __future__ import annotations

import copy
import io
import json
import os
import threading
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.singerlib import Catalog, StateMessage
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_qonto.command import TapCommand, Terminated
from tap_qonto.errors import ConfigError
from tap_qonto.output import redaction
from tap_qonto.output.messages import MessageWriter
from tap_qonto.run import Run
from tap_qonto.settings import declaration as settings
from tap_qonto.settings.validation import problems, unknown
from tap_qonto.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from singer_sdk import Stream
    from singer_sdk.plugin_base import _ConfigInput

    from tap_qonto.http.session import Session

_GRACE = 4.0
"""Seconds after which a run that was told to end is ended, whatever blocks it."""


class TapQonto(Tap):
    """Singer tap for Qonto: supplier invoices and the files attached to them."""

    name = "tap-qonto"
    # A copy, since the SDK adds its own settings to it.
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(settings.SETTINGS)
    message_writer_class = MessageWriter
    message_writer: MessageWriter

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Say what is wrong with the settings, without quoting a secret.

        The SDK's own sentences quote the value that is wrong.
        """
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        given = {
            name: settings.plain(value) for name, value in self._config.items() if value is not None
        }
        redaction.hide(*settings.secrets(given))
        redaction.install()
        found = problems(given, schema)
        for name in unknown(given, schema):
            self.logger.warning("Setting %s is not known, and has no effect.", name)
        self._config = given if found else settings.with_defaults(given)
        if found and raise_errors:
            raise ConfigValidationError(found[0], errors=found, schema=schema)
        return found

    @override
    def load_state(self, state: Any) -> None:
        """Take the state of an earlier run.

        Raises:
            ConfigError: It is not a state of this tap.
        """
        bookmarks = state.get("bookmarks", {}) if isinstance(state, dict) else None
        known = {stream.name for stream in STREAMS}
        foreign = (
            not isinstance(bookmarks, dict)
            or any(not isinstance(entry, dict) for entry in bookmarks.values())
            or (bookmarks and not known.intersection(bookmarks))
            or (state and "bookmarks" not in state)
        )
        if foreign:
            msg = (
                "The state is not of tap-qonto: it has no bookmarks of "
                f"{' or '.join(sorted(known))}. Pass the state that tap-qonto wrote, or "
                "none to start anew."
            )
            raise ConfigError(msg)
        super().load_state(state)

    @override
    def setup_mapper(self) -> None:
        """Set up stream maps; with our keys, where a catalog leaves them out."""
        for stream in STREAMS:
            catalog = self.input_catalog or Catalog()
            if entry := catalog.get_stream(stream.name):
                entry.key_properties = list(stream.primary_keys)
        super().setup_mapper()

    @override
    def discover_streams(self) -> list[Stream]:
        """Return the streams."""
        return [stream(tap=self) for stream in STREAMS]

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        """The streams in the order of `STREAMS`, in which a run reads them."""
        found = super().streams
        return {stream.name: found[stream.name] for stream in STREAMS}

    @cached_property
    def stop(self) -> threading.Event:
        """Set when the run is to end; all waits end with it."""
        return threading.Event()

    @cached_property
    def run(self) -> Run:
        """What its streams share."""
        return Run(self.config, self.stop, _connect)

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End on a signal: last STATE, exit code 128 + signal.

        The SDK's handler ends with 0, which tells an orchestrator that all is well,
        and may write into the middle of a line.
        """
        if self.stop.is_set():
            os._exit(128 + signum)
        self.stop.set()
        killer = threading.Timer(_GRACE, os._exit, [128 + signum])
        killer.daemon = True
        killer.start()

        def end() -> None:
            # In a batch, the bookmark is ahead of what was written; and before the state
            # was read, an empty one would take its place.
            if self.state and not self.config.get("batch_config"):
                self.message_writer.write_message(StateMessage(self.state))
            raise Terminated(signum)

        self.message_writer.after_line(end)

    @override
    @classmethod
    def invoke(  # type: ignore[override] # as the SDK's own
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        """Run the tap, once its input files were seen to be readable.

        Raises:
            ConfigError: The state or the catalog is not what it should be.
        """
        if config and config.parse_env:
            try:
                _ = cls._env_var_config
            except ValueError as error:
                msg = (
                    "An environment variable of the tap cannot be read: "
                    f"{str(error).partition(':')[0]}. Numbers are digits, objects JSON."
                )
                raise ConfigError(msg) from error
        super().invoke(
            about=about,
            about_format=about_format,
            config=config,
            state=_checked(state, "--state"),
            catalog=_checked(catalog, "--catalog"),
        )

    @override
    @classmethod
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read the config files.

        Raises:
            ConfigError: One cannot be read, or is no JSON object.
        """
        for path in value:
            if path != "ENV":
                try:
                    with open(path, encoding="utf-8") as file:  # noqa: PTH123
                        _checked(file, "--config")
                except OSError as error:
                    msg = f"The config file {path} cannot be read: {error.strerror}."
                    raise ConfigError(msg) from error
        return super().cb_config(ctx, param, value)

    @override
    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Check the connection and say what works, or do what the SDK does."""
        if value != CliTestOptionValue.All.value:
            super().cb_test(ctx, param, value)
            return
        from tap_qonto.check import findings  # noqa: PLC0415 - takes its time

        given: _ConfigInput = ctx.params["config"]
        tap = cls(config=given.config, parse_env_config=given.parse_env)
        found = list(findings(tap.run.session, tap.run.attachment_settings))
        for finding in found:
            click.echo(redaction.redact(finding.words))
        ctx.exit(0 if all(finding.works for finding in found) else 1)

    @override
    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command; its failures are sentences."""
        return TapCommand.of(super().get_singer_command())


def _connect(config: Mapping[str, Any], stop: threading.Event) -> Session:
    from tap_qonto.connection import connect  # noqa: PLC0415 - takes its time

    return connect(config, stop)


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    raise TypeError(value)


def _refuse(word: str) -> None:
    """Refuse what Python reads as JSON, and JSON does not know."""
    msg = f"{word} is no JSON value"
    raise ValueError(msg)


def _checked(file: IO[str] | None, option: str) -> IO[str] | None:
    """Return the file, read and seen to hold what the option takes."""
    if file is None:
        return None
    where = f"The file {getattr(file, 'name', '')} given with {option}"
    try:
        text = file.read()
        if option == "--state" and not text.strip():
            msg = f"{where} is empty. Write {{}} into it to read from the beginning."
            raise ConfigError(msg)
        parsed = json.loads(text, parse_constant=_refuse)
        if not isinstance(parsed, dict):
            msg = f"{where} holds no JSON object."
            raise ConfigError(msg)
        if option == "--catalog":
            Catalog.from_dict({**parsed, "streams": _items(parsed["streams"])})
    except UnicodeDecodeError as error:
        msg = f"{where} is not UTF-8 text."
        raise ConfigError(msg) from error
    except ValueError as error:
        msg = f"{where} is not JSON: {error}."
        raise ConfigError(msg) from error
    except (AttributeError, KeyError, TypeError) as error:
        msg = f"{where} is no Singer catalog; make one with --discover."
        raise ConfigError(msg) from error
    return io.StringIO(text)
