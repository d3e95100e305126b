"""HTTP/1.1 by uvicorn and h11, with a handle on the connection for the faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.fake_qonto.server.delivery import linger_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Receive, Scope, Send


# Bytes of request line and headers: filters with hundreds of ids must fit.
LONGEST_HEAD = 256 * 1024


class _Reader(h11.Connection):
    """Keeps header names as they were sent; uvicorn passes them on in lower case."""

    names: Sequence[tuple[bytes, bytes]] = ()

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self.names = event.headers.raw_items()
        return event


class Connection(H11Protocol):
    """One connection; the application finds it in the scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take the place of uvicorn's own protocol."""
        super().__init__(*args, **kwargs)
        self.conn = self._reader = _Reader(h11.SERVER, LONGEST_HEAD)
        app = self.app

        async def with_connection(scope: Scope, receive: Receive, send: Send) -> None:
            scope["fake.connection"] = self
            await app(scope, receive, send)

        self.app = with_connection

    def raw_headers(self) -> dict[str, str]:
        """Return the current request's headers in their original capitals."""
        return {
            name.decode("latin-1"): value.decode("latin-1") for name, value in self._reader.names
        }

    @property
    def closed(self) -> bool:
        """Whether either side has ended it."""
        return self.transport.is_closing()

    def reset(self) -> None:
        """End it with RST: the other side reads nothing but an error."""
        linger_none(self.transport.get_extra_info("socket"))
        self.transport.abort()

    def close(self) -> None:
        """End it once what was written is sent."""
        self.transport.close()
