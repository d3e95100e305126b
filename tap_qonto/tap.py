"""The tap: settings in, streams out."""

from __future__ import annotations

import copy
import json
import os
import threading
import time
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import _ConfigInput
from singer_sdk.singerlib import Catalog, StateMessage
from singer_sdk.tap_base import CliTestOptionValue
from typing_extensions import override

from tap_qonto.catalog import completed, register
from tap_qonto.command import TapCommand, Terminated
from tap_qonto.errors import ConfigError
from tap_qonto.input_files import (
    check_state,
    read_catalog,
    read_config,
    read_environment,
    read_state,
)
from tap_qonto.output import details, redaction
from tap_qonto.output.messages import MessageWriter
from tap_qonto.reading.list_stream import QontoStream
from tap_qonto.run import Run
from tap_qonto.settings import declaration as settings
from tap_qonto.settings.hosts import api_url
from tap_qonto.settings.validation import doubts, problems
from tap_qonto.streams import STREAMS, SyncLog

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from singer_sdk import Stream

    from tap_qonto.http.session import Session

_GRACE = 4.0
"""Seconds after a signal when the process exits, even if something blocks it."""
_TELLING = 0.5
"""Seconds for the sentence then."""
_AT_ONCE = 1.0
"""Seconds within which a second signal is the first: Ctrl-C reaches the tap from the terminal
and from who runs it."""


class TapQonto(Tap):
    """Singer tap for Qonto: every list of its API, and all files that belong to them."""

    name = "tap-qonto"
    # A copy, since the SDK adds its own settings to it.
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(settings.SETTINGS)
    message_writer_class = MessageWriter
    message_writer: MessageWriter
    _terminated_at: float | None = None

    def __init__(self, *, catalog: Any = None, **options: Any) -> None:
        """Take settings, state and catalog; see the SDK.

        Args:
            catalog: A catalog as Singer's specification allows it.
            **options: The SDK's own.
        """
        details.only_at_debug(self.logger)
        if isinstance(catalog, Catalog):
            catalog = catalog.to_dict()
        super().__init__(catalog=catalog and completed(catalog, STREAMS), **options)

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
        found = problems(given, schema)
        redaction.install("" if found else api_url(given))
        for doubt in doubts(given, schema):
            self.logger.warning("%s", doubt)
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
        check_state(state, [stream.name for stream in STREAMS])
        super().load_state(state)

    @override
    def setup_mapper(self) -> None:
        """Set up stream maps, also those of streams that are not selected.

        Raises:
            ConfigError: They are not valid.
        """
        try:
            super(Tap, self).setup_mapper()
            register(self.catalog, self.mapper)
        except (MappingError, NotImplementedError, ValueError) as error:
            msg = f"Setting stream_maps cannot be used: {str(error).rstrip('.')}."
            raise ConfigError(msg) from error
        except (AttributeError, LookupError, SyntaxError, TypeError) as error:
            msg = (
                "Setting stream_maps cannot be used: it must hold an object for each stream, "
                "with expressions as strings."
            )
            raise ConfigError(msg) from error

    @override
    def discover_streams(self) -> list[Stream]:
        """Return the streams."""
        return [stream(tap=self) for stream in STREAMS]

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        """The streams in the order in which a run reads them; the log of all begins first."""
        found = super().streams
        return {stream.name: found[stream.name] for stream in (SyncLog, *STREAMS)}

    @override  # type: ignore[misc] # as `sync` of a stream
    def sync_all(self) -> None:  # ty: ignore[override-of-final-method]
        """Run the streams; one that fails or may not be read does not hold up the others.

        Raises:
            TapQontoError: A stream failed; its bookmark stays where it was.
        """
        self.run.on_first_answer = self._begin_early
        try:
            super().sync_all()
        finally:
            # What is still on its way, since another stream failed, is of no use any more.
            self.stop.set()
            # Of a stream that failed, records may wait.
            self.message_writer.flush()
            self.run.outcomes.report()
        self.run.outcomes.finish()

    def _begin_early(self) -> None:
        """Send the first requests of all streams side by side, the credential being good."""
        for stream in self.streams.values():
            if isinstance(stream, QontoStream) and (
                stream.selected or stream.has_selected_descendents
            ):
                stream.ask_ahead()

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
        now = time.monotonic()
        if self._terminated_at is not None:
            if now - self._terminated_at > _AT_ONCE:
                os._exit(128 + signum)
            return
        self._terminated_at = now
        self.stop.set()
        killer = threading.Timer(_GRACE, Terminated(signum).end_anyway, [_TELLING])
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
        super().invoke(
            about=about,
            about_format=about_format,
            config=config,
            state=read_state(state) if state else None,
            catalog=read_catalog(catalog) if catalog else None,
        )

    @override
    @classmethod
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read the config files.

        Raises:
            ConfigError: One cannot be read, or is not a JSON object.
        """
        files = [path for path in value if path != "ENV"]
        return _ConfigInput(config=read_config(files), parse_env="ENV" in value)

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805
        """Settings in environment variables; an empty variable is none.

        Raises:
            ConfigError: One cannot be read.
        """
        schema = cls.config_jsonschema
        cls.append_builtin_config(schema)
        return read_environment(schema, cls._env_var_prefix)

    @override
    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Check the connection and say what works, or do what the SDK does."""
        if value != CliTestOptionValue.All.value:
            super().cb_test(ctx, param, value)
            return
        from tap_qonto.check import findings  # noqa: PLC0415 - slow to import

        given: _ConfigInput = ctx.params["config"]
        catalog = ctx.params.get("catalog")
        tap = cls(
            config=given.config,
            parse_env_config=given.parse_env,
            catalog=catalog and json.load(read_catalog(catalog)),
        )
        works = True
        for finding in findings(tap.run, tap.streams):
            click.echo(redaction.redact(finding.words))
            works &= finding.works
        ctx.exit(0 if works else 1)

    @override
    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command; its failures are sentences."""
        return TapCommand.of(super().get_singer_command())


def _connect(config: Mapping[str, Any], stop: threading.Event) -> Session:
    from tap_qonto.connection import connect  # noqa: PLC0415 - slow to import

    return connect(config, stop)
