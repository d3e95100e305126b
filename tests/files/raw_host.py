"""A file host that sends what it is given to the byte, whatever the rules of HTTP say."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping


class RawHost(socketserver.ThreadingTCPServer):
    """Answers each request with the same head and body, and closes the connection.

    Attributes:
        head: Header fields.
        body: What follows them.
        requests: How many there were.
    """

    daemon_threads = True

    def __init__(self) -> None:
        """Listen on a free port of this machine."""
        super().__init__(("127.0.0.1", 0), _Answer)
        self.head: Mapping[str, str] = {}
        self.body = b""
        self.requests = 0

    @property
    def url(self) -> str:
        """The address of its file."""
        return f"http://127.0.0.1:{self.server_address[1]}/file"


class _Answer(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        host = cast("RawHost", self.server)
        while self.rfile.readline().strip():
            pass
        host.requests += 1
        fields = {"Content-Type": "application/pdf", **host.head}
        lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self.wfile.write("\r\n".join(lines).encode() + host.body)


@contextmanager
def raw_host() -> Generator[RawHost, None, None]:
    """Run one."""
    with RawHost() as host:
        thread = threading.Thread(target=host.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield host
        finally:
            host.shutdown()
            thread.join()
