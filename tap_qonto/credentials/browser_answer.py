"""The answer that a browser brings back to this machine, on a loopback port."""

from __future__ import annotations

import hmac
import os
import queue
import socket
import socketserver
import threading
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from tap_qonto.errors import ConfigError, TapQontoError
from tap_qonto.settings.hosts import is_loopback

if TYPE_CHECKING:
    from collections.abc import Generator

REDIRECT_URI = "http://localhost:8765/callback"

_PAGE = (
    b"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>tap-qonto</title>"
    b"<p>tap-qonto has Qonto's answer. Close this window and go back to the terminal.</p></html>\n"
)


class LoginError(TapQontoError):
    """The login failed."""


class _Listener(socketserver.ThreadingTCPServer):
    """Takes the browser's answer; in threads, since browsers open idle connections too."""

    # On Windows this would share the port with a program that already has it.
    allow_reuse_address = os.name == "posix"
    daemon_threads = True

    def __init__(self, redirect: SplitResult, state: str) -> None:
        """Listen where the redirect URI points to."""
        self.state = state
        self.path = redirect.path or "/"
        self.answers: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        host = redirect.hostname or ""
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, redirect.port or 80), partial(_Callback, self))

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a connection that was cut off."""


class _Callback(BaseHTTPRequestHandler):
    timeout = 10

    def __init__(self, listener: _Listener, *request: Any) -> None:
        """Handle a request, at once."""
        self._listener = listener
        super().__init__(*request)

    def do_GET(self) -> None:
        """Take the answer to this login; anything else may come here, too."""
        asked = urlsplit(self.path)
        answer = dict(parse_qsl(asked.query))
        if asked.path != self._listener.path or not answer.keys() & {"code", "error"}:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        state = answer.get("state", "").encode()
        if not hmac.compare_digest(state, self._listener.state.encode()):
            # Its code could be an attacker's.
            self.send_error(HTTPStatus.BAD_REQUEST, "This belongs to another login")
            return
        try:
            self._show_page()
        finally:
            # Also where the browser is gone before it has read the page.
            self._listener.answers.put(answer)

    def _show_page(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(_PAGE)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(_PAGE)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
        """Say nothing: the request holds the code."""


def check_redirect(uri: str) -> SplitResult:
    """Read a redirect URI.

    Raises:
        ConfigError: It does not lead back to this machine.
    """
    try:
        parts = urlsplit(uri)
        fits = parts.scheme == "http" and is_loopback(uri) and bool(parts.port)
    except ValueError:
        fits = False
    if not fits or parts.query or parts.fragment:
        msg = (
            f"The redirect URI {uri} does not lead to this machine: it must look like "
            f"{REDIRECT_URI}, with a port, and be entered so in the OAuth app."
        )
        raise ConfigError(msg)
    return parts


@contextmanager
def listening(redirect: SplitResult, state: str) -> Generator[queue.SimpleQueue[dict[str, str]]]:
    """Listen for the browser; yield where the answer to this login arrives.

    Args:
        redirect: Where the browser is sent.
        state: What tells the answer to this login from others.

    Raises:
        LoginError: The port is taken.
    """
    try:
        server = _Listener(redirect, state)
    except OSError as error:
        msg = (
            f"Cannot listen on {redirect.netloc} ({error.strerror}): another "
            "program may have the port. End it, or enter a redirect URI with another port "
            "in the OAuth app and give it as --redirect-uri."
        )
        raise LoginError(msg) from error
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
