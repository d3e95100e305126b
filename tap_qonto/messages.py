"""Singer messages as lines of JSON, encoded fast and exact."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

if TYPE_CHECKING:
    from singer_sdk.singerlib.encoding.simple import Message

_encode = msgspec.json.Encoder(decimal_format="number").encode


class MessageWriter(MsgSpecWriter):
    """Writes messages to stdout.

    The SDK's own writer copies each record deeply before it encodes it. Decimals are
    written as numbers with all their digits.
    """

    @override
    def write_message(self, message: Message) -> None:
        """Write a message as one line."""
        if isinstance(message, RecordMessage):
            body: dict[str, Any] = {
                "type": "RECORD",
                "stream": message.stream,
                "record": message.record,
            }
            if message.version is not None:
                body["version"] = message.version
            if message.time_extracted is not None:
                body["time_extracted"] = message.time_extracted.isoformat()
        else:
            body = message.to_dict()
        sys.stdout.buffer.write(_encode(body) + b"\n")
        sys.stdout.flush()
