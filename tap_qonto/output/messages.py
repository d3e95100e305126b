"""Singer messages as lines of JSON: exact, whole, and fast."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

from tap_qonto.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from singer_sdk.singerlib.encoding.simple import Message

    from tap_qonto.output.records import Record

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
        if isinstance(message, RecordMessage):
            self.write_record(
                message.stream, message.record, message.version, message.time_extracted
            )
        else:
            self._lines.append(_encode(message.to_dict()))
            self.flush()

    def write_record(
        self,
        stream: str,
        record: Record,
        version: int | None = None,
        extracted: datetime | None = None,
    ) -> None:
        """Write a record, without the object that the SDK makes for each.

        Args:
            stream: Its name.
            record: What is written.
            version: Of a table that is read whole.
            extracted: When it was read (aware).

        Raises:
            OutputError: stdout cannot be written to.
        """
        parts = [b'{"type":"RECORD","stream":', _encode(stream), b',"record":', _encode(record)]
        if version is not None:
            parts.append(b',"version":%d' % version)
        if extracted is not None:
            parts.append(b',"time_extracted":"%s"' % extracted.isoformat().encode())
        parts.append(b"}")
        line = b"".join(parts)
        self._lines.append(line)
        self._size += len(line)
        if self._size >= _ROOM:
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
