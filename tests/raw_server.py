"""A server that sends bytes as it is told, whatever the rules of HTTP say."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from socket import socket

    Answer = Callable[[socket], None]

Server = TypeVar("Server", bound=socketserver.BaseServer)

_TLS = b"\x16"


class RawServer(socketserver.ThreadingTCPServer):
    """Reads the head of each request and has a function answer it.

    Attributes:
        requests: The heads, in order.
        ended: Set when the server ends; waits of answers end with it.
    """

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        """Listen on a free port of this machine."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests: list[str] = []
        self.ended = threading.Event()

    @property
    def host(self) -> str:
        """Address and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    def trickle(self, head: str, body: bytes = b"x" * 1000) -> None:
        """Answer with a byte at a time from now on.

        Args:
            head: What is sent at once.
            body: What trickles, one byte every 20 ms.
        """

        def answer(sock: socket) -> None:
            sock.sendall(head.encode())
            for byte in body:
                sock.sendall(bytes([byte]))
                if self.ended.wait(0.02):
                    return

        self.answer = answer


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = cast("RawServer", self.server)
        if self.rfile.peek(1)[:1] == _TLS:  # type: ignore[attr-defined]
            server.answer(self.connection)
            return
        head = list(iter(lambda: self.rfile.readline().decode("latin-1").strip(), ""))
        if head:
            server.requests.append("\n".join(head))
            with suppress(OSError):
                server.answer(self.connection)


def saying(text: str) -> Answer:
    """Return a function that answers with a text, line breaks made those of HTTP."""
    return lambda sock: sock.sendall(text.replace("\n", "\r\n").encode())


@contextmanager
def running(server: Server) -> Generator[Server, None, None]:
    """Run a server in a thread until the block ends."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def raw_server(text: str = "") -> Generator[RawServer, None, None]:
    """Run one.

    Args:
        text: What it answers at first.
    """
    with running(RawServer(saying(text))) as server:
        try:
            yield server
        finally:
            server.ended.set()
