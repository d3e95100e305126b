"""What the streams of one run share."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from tap_qonto.http.session import Session


class Run:
    """One run of the tap, as its streams know it.

    Args:
        config: The settings, with their defaults.
        stop: Set when the run is to end; all waits end with it.
        connect: Returns the way to Qonto for settings and stop. It is called when the
            first stream asks for it.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        stop: threading.Event,
        connect: Callable[[Mapping[str, Any], threading.Event], Session],
    ) -> None:
        """Connect to nothing yet."""
        self.config = config
        self.stop = stop
        self._connect = connect

    @cached_property
    def session(self) -> Session:
        """The one way to Qonto for all streams."""
        return self._connect(self.config, self.stop)

    @property
    def attachment_settings(self) -> Mapping[str, Any]:
        """The setting `attachments`, with its defaults."""
        given: Mapping[str, Any] = self.config["attachments"]
        return given


class Running(Protocol):
    """A tap, as far as its streams know it."""

    @property
    def run(self) -> Run:
        """What its streams share."""
