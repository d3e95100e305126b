"""How answers go out: whole, or spoilt by a fault on their way."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

from tests.fake_qonto.files.contents import Held, whole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Send

    from tests.fake_qonto.server.answers import Answer
    from tests.fake_qonto.server.faults import Fault
    from tests.fake_qonto.server.protocol import Connection

TRICKLE_CHUNKS = 20


async def deliver(
    answer: Answer | None,
    fault: Fault | None,
    connection: Connection,
    receive: Receive,
    send: Send,
) -> None:
    """Send an answer, or do to the connection what the fault says."""
    kind = fault.kind if fault is not None else None
    if answer is None or kind in {"reset", "close"}:
        if kind == "reset":
            connection.reset()
        else:
            connection.close()
        await _wait_for_end(receive)
        return
    content = answer.content
    if kind == "short_json":
        content = Held(whole(content)[: max(1, content.size * 2 // 3)])
    elif kind == "wrong_length" and fault is not None:
        content = Held(_stretched(whole(content), -1 if fault.bytes is None else fault.bytes))
    headers = {"Content-Type": answer.content_type, "Content-Length": str(content.size)}
    headers |= answer.headers
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        },
    )
    if kind == "cut_body":
        await _send_chunks(_first(content.chunks(), content.size // 2), connection, send)
        connection.close()
        await _wait_for_end(receive)
        return
    if kind == "trickle" and fault is not None:
        await _send_chunks(_pieces(whole(content)), connection, send, fault.delay)
    elif isinstance(content, Held):
        await send({"type": "http.response.body", "body": content.data, "more_body": False})
        return
    else:
        await _send_chunks(content.chunks(), connection, send)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_chunks(
    chunks: Iterable[bytes],
    connection: Connection,
    send: Send,
    pause: float = 0.0,
) -> None:
    for chunk in chunks:
        if connection.closed:
            return
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if pause:
            await asyncio.sleep(pause)


def _pieces(data: bytes) -> Iterable[bytes]:
    step = max(1, -(-len(data) // TRICKLE_CHUNKS))
    return (data[start : start + step] for start in range(0, len(data), step))


def _first(chunks: Iterable[bytes], size: int) -> Iterable[bytes]:
    for chunk in chunks:
        if size <= 0:
            return
        yield chunk[:size]
        size -= len(chunk)


def _stretched(data: bytes, difference: int) -> bytes:
    if difference < 0:
        return data[:difference]
    return data + b"\0" * difference


async def _wait_for_end(receive: Receive) -> None:
    """Return once the connection is gone, so that nothing more is sent on it."""
    while (await receive())["type"] != "http.disconnect":
        pass


def linger_none(sock: socket.socket) -> None:
    """Let a close send RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
