"""Singer messages as lines of JSON: exact, whole, and fast."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

from tap_qonto.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk.singerlib.encoding.simple import Message

# A stream map can return any Python value; like the SDK's writer, write its text.
_encode = msgspec.json.Encoder(decimal_format="number", enc_hook=str).encode


class MessageWriter(MsgSpecWriter):
    """Writes messages to stdout, each as one whole line.

    The SDK's writer copies each record deeply before it encodes it.
    """

    def __init__(self) -> None:
        """Write nothing yet."""
        super().__init__()
        self._writing = False
        self._due: Callable[[], object] | None = None

    def after_line(self, action: Callable[[], object]) -> None:
        """Run an action now, or as soon as the line being written is complete."""
        if self._writing:
            self._due = action
        else:
            action()

    @override
    def write_message(self, message: Message) -> None:
        """Write a message as one line.

        Raises:
            OutputError: stdout cannot be written to.
        """
        line = _encode(_body(message)) + b"\n"
        self._writing = True
        try:
            if hasattr(sys.stdout, "buffer"):
                sys.stdout.buffer.write(line)
            else:
                # Where somebody catches the output as text.
                sys.stdout.write(line.decode())
            sys.stdout.flush()
        except BrokenPipeError as error:
            msg = (
                "The target ended before the tap. Look for the reason in its own log; "
                "the next run goes on from the state that the target kept."
            )
            raise OutputError(msg) from error
        except OSError as error:
            msg = f"The messages could not be written to stdout: {error.strerror}."
            raise OutputError(msg) from error
        finally:
            self._writing = False
        if self._due is not None:
            action, self._due = self._due, None
            action()


def _body(message: Message) -> dict[str, Any]:
    if not isinstance(message, RecordMessage):
        return message.to_dict()
    body: dict[str, Any] = {
        "type": "RECORD",
        "stream": message.stream,
        "record": message.record,
    }
    if message.version is not None:
        body["version"] = message.version
    if message.time_extracted is not None:
        body["time_extracted"] = message.time_extracted.isoformat()
    return body
