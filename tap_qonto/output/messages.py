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
_ROOM = 1 << 16
"""Bytes of records that are written at once."""


class MessageWriter(MsgSpecWriter):
    """Writes messages to stdout, in whole lines.

    The SDK's writer copies each record deeply before it encodes it, and writes each by
    itself; at each write, the threads that read take their turn. So records wait here for
    each other, until there are enough of them, a message of another kind follows, or
    `flush` is called.
    """

    def __init__(self) -> None:
        """Write nothing yet."""
        super().__init__()
        self._lines: list[bytes] = []
        self._size = 0
        self._writing = False
        self._due: Callable[[], object] | None = None

    def after_line(self, action: Callable[[], object]) -> None:
        """Run an action now, or as soon as what is being written is complete."""
        if self._writing:
            self._due = action
        else:
            action()

    @override
    def write_message(self, message: Message) -> None:
        """Write a message as one line, together with records that wait.

        Raises:
            OutputError: stdout cannot be written to.
        """
        line = _encode(_body(message))
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _ROOM or not isinstance(message, RecordMessage):
            self.flush()

    def flush(self) -> None:
        """Write the records that wait.

        Raises:
            OutputError: stdout cannot be written to.
        """
        self._writing = True
        try:
            lines, self._lines, self._size = self._lines, [], 0
            _write(b"\n".join([*lines, b""]))
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


def _write(lines: bytes) -> None:
    if hasattr(sys.stdout, "buffer"):
        rest = memoryview(lines)
        while rest:
            # Where Python does not buffer its output, a signal can cut this short.
            rest = rest[sys.stdout.buffer.write(rest) :]
    else:
        # Where somebody catches the output as text.
        sys.stdout.write(lines.decode())
    sys.stdout.flush()


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
