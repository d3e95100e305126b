"""The end of a run, which ends every wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_qonto.errors import StoppedError, TapQontoError

if TYPE_CHECKING:
    import threading


class Stop:
    """Says whether the run is to end, and ends waits in all threads with it.

    Args:
        event: Set when the run is to end.
    """

    def __init__(self, event: threading.Event) -> None:
        """Take the event."""
        self._event = event
        self._failure: TapQontoError | None = None

    def fail(self, error: TapQontoError) -> None:
        """End the run in all threads, since one of them met what no other call can pass."""
        self._failure = self._failure or error
        self._event.set()

    def check(self) -> None:
        """Do nothing while the run may go on.

        Raises:
            TapQontoError: What `fail` was given.
            StoppedError: The run was told to end.
        """
        if self._failure is not None:
            raise self._failure
        if self._event.is_set():
            msg = "The run was told to end."
            raise StoppedError(msg)

    def pause(self, seconds: float) -> None:
        """Wait; raise as `check` does as soon as the run is to end."""
        self._event.wait(seconds)
        self.check()
