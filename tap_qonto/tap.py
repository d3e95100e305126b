"""The tap: settings in, streams out."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from typing_extensions import override

from tap_qonto import settings
from tap_qonto.auth import authenticator_for
from tap_qonto.command import TapCommand
from tap_qonto.errors import ConfigError
from tap_qonto.messages import MessageWriter
from tap_qonto.rate_budget import RateBudget
from tap_qonto.session import Session
from tap_qonto.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click
    from singer_sdk import Stream


class TapQonto(Tap):
    """Singer tap for Qonto: supplier invoices and the files attached to them."""

    name = "tap-qonto"
    config_jsonschema: ClassVar[dict[str, Any]] = settings.SETTINGS
    message_writer_class = MessageWriter

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Say what is wrong with the settings, without quoting a secret.

        The SDK's own sentences quote the value that is wrong.
        """
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        given = {name: value for name, value in self._config.items() if value is not None}
        self._config = settings.with_defaults(given)
        found = settings.problems(given, schema)
        if found and raise_errors:
            raise ConfigValidationError(found[0], errors=found, schema=schema)
        return found

    @override
    def load_state(self, state: dict[str, Any]) -> None:
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
    def discover_streams(self) -> list[Stream]:
        """Return the streams."""
        return [stream(tap=self) for stream in STREAMS]

    @cached_property
    def stop(self) -> threading.Event:
        """Set when the run is to end; all waits end with it."""
        return threading.Event()

    @cached_property
    def session(self) -> Session:
        """The one way to Qonto for all streams."""
        config = self.config
        stop = self.stop
        budget = RateBudget(config["rate_limits"], sleep=stop.wait)
        return Session(
            api_url=settings.api_url(config),
            authenticator=authenticator_for(config),
            budget=budget,
            stop=stop,
            staging_token=config.get("staging_token"),
            timeout=config["request_timeout"],
            connections=self.attachment_settings["concurrency"],
        )

    @property
    def attachment_settings(self) -> Mapping[str, Any]:
        """The setting `attachments`, with its defaults."""
        given: Mapping[str, Any] = self.config["attachments"]
        return given

    @override
    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command; its failures are sentences."""
        command = super().get_singer_command()
        return TapCommand.from_command(command, logger=cls.logger)
