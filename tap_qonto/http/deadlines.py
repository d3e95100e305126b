"""Deadlines for calls, which the time-outs of sockets do not give.

A socket's time-out starts again with each byte, so a server that sends a byte now and then
could hold up a run for days.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from typing_extensions import override
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from collections.abc import Generator

_TICK = 0.25


class DeadlinePassedError(Exception):
    """A block did not end in time, and its connection was ended."""


class _Deadline:
    def __init__(self, seconds: float, connection: Any = None) -> None:
        self.at = time.monotonic() + seconds
        self.connection = connection
        self.is_over = False

    def end(self) -> None:
        """End the connection, whatever is waiting on it in another thread."""
        self.is_over = True
        connection = self.connection
        found = connection and (connection.sock or getattr(connection, "socket_in_use", None))
        if found:
            with suppress(OSError):
                # Past the method of `SSLSocket`, which would go on in clear text.
                socket.socket.shutdown(found, socket.SHUT_RDWR)


class _Current(threading.local):
    deadline: _Deadline | None = None


class _Watch:
    """Ends what is late, in a thread that lives while there is something to watch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deadlines: set[_Deadline] = set()
        self._thread: threading.Thread | None = None

    def add(self, deadline: _Deadline) -> None:
        with self._lock:
            self._deadlines.add(deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()

    def remove(self, deadline: _Deadline) -> None:
        with self._lock:
            self._deadlines.discard(deadline)

    def _run(self) -> None:
        while True:
            time.sleep(_TICK)
            now = time.monotonic()
            with self._lock:
                if not self._deadlines:
                    self._thread = None
                    return
                late = [each for each in self._deadlines if each.at <= now]
            # At each tick: a connection that is still being opened cannot be ended yet.
            for each in late:
                each.end()


_current = _Current()
_watch = _Watch()


@contextmanager
def within(seconds: float, connection: Any = None) -> Generator[None, None, None]:
    """End the block's connection when the block takes too long.

    Args:
        seconds: How long it may take; a quarter of a second more is possible.
        connection: The one that it reads from, where that is open already.

    Raises:
        DeadlinePassedError: It took too long; in place of whatever that led to.
    """
    deadline, before = _Deadline(seconds, connection), _current.deadline
    _current.deadline = deadline
    _watch.add(deadline)
    try:
        yield
    except Exception as error:
        if deadline.is_over:
            raise DeadlinePassedError from error
        raise
    finally:
        _watch.remove(deadline)
        _current.deadline = before
    if deadline.is_over:
        # An answer without a length looks whole where its connection ends.
        raise DeadlinePassedError


class _Watched(HTTPConnection):
    """A connection that the deadline of its thread can end."""

    socket_in_use: socket.socket | None = None

    @override
    def connect(self) -> None:
        self._tell()
        super().connect()
        self.socket_in_use = self.sock

    @override
    def request(self, *args: Any, **kwargs: Any) -> None:
        self._tell()
        super().request(*args, **kwargs)
        # An answer that closes the connection takes the socket from it.
        self.socket_in_use = self.sock

    def _tell(self) -> None:
        if _current.deadline:
            _current.deadline.connection = self


class _WatchedSecure(_Watched, HTTPSConnection):
    """The same with TLS."""


class WatchedPool(HTTPConnectionPool):
    """A pool whose connections a deadline can end."""

    ConnectionCls: Any = _Watched


class WatchedSecurePool(HTTPSConnectionPool):
    """The same with TLS."""

    ConnectionCls: Any = _WatchedSecure
