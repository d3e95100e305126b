"""The server: both ports in one event loop, in a thread of this process."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from tests.fake_qonto.control.control import Control
from tests.fake_qonto.server.app import FakeApp
from tests.fake_qonto.server.protocol import Connection
from tests.fake_qonto.world import TODAY, World

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

LOOPBACK = "127.0.0.1"


class _Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what is under way at once: a fault may hold it for minutes."""
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await super().shutdown(sockets)


class FakeQonto:
    """A Qonto to run against, in this process.

    Use it as a context manager; the addresses are known from the start.
    """

    def __init__(
        self,
        seed: int = 1,
        invoices: int = 200,
        today: str = TODAY,
        *,
        port: int = 0,
        files_port: int = 0,
    ) -> None:
        """Seed a world and take two ports.

        Args:
            seed: The same seed gives the same data.
            invoices: How many there are.
            today: Date (ISO) that due dates spread around.
            port: Of the API and OAuth; 0 takes a free one.
            files_port: Of the file host; 0 takes a free one.
        """
        world = World(seed, invoices, today)
        self._sockets = [_listen(port), _listen(files_port)]
        api, files = (sock.getsockname()[1] for sock in self._sockets)
        self.url = f"http://{LOOPBACK}:{api}"
        self.oauth_url = self.url
        self.files_url = world.files_url = f"http://{LOOPBACK}:{files}"
        who = world.credentials
        self.login, self.secret_key = who.login, who.secret_key
        self.client_id, self.client_secret = who.client_id, who.client_secret
        self.control = Control(world)
        config = uvicorn.Config(
            FakeApp(world, self.control, files),
            http=Connection,
            ws="none",
            lifespan="off",
            log_level="warning",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run,
            args=(self._sockets,),
            name="fake-qonto",
            daemon=True,
        )

    def start(self) -> None:
        """Begin to answer.

        Raises:
            RuntimeError: The server does not come up.
        """
        self._thread.start()
        if not self._server.ready.wait(30):
            message = "the fake Qonto does not start"
            raise RuntimeError(message)

    def stop(self) -> None:
        """End all connections and free the ports."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(10)
        for sock in self._sockets:
            sock.close()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()


def _listen(port: int) -> socket.socket:
    # With its protocol named asyncio switches Nagle's algorithm off, which costs 40 ms a call.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((LOOPBACK, port))
    return sock
