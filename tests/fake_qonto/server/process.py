"""The fake in a process of its own, for benchmarks and tests that kill."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.fake_qonto.world import TODAY

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

ROOT = Path(__file__).resolve().parents[3]


class RemoteControl:
    """The methods of ``Control``, called over HTTP."""

    def __init__(self, url: str) -> None:
        """Control the fake at a URL."""
        self._url = f"{url}/_fake/call"

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """Return a method that asks the other process."""
        if method.startswith("_"):
            raise AttributeError(method)

        def remote(*args: Any, **kwargs: Any) -> Any:
            result = self._call({"method": method, "args": list(args), "kwargs": kwargs})
            return base64.b64decode(result) if method == "file_bytes" else result

        return remote

    def _call(self, asked: dict[str, Any]) -> Any:
        body = json.dumps(asked, default=_encode).encode()
        request = Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310
        try:
            with urlopen(request, timeout=300) as answer:  # noqa: S310 - our own loopback
                return json.load(answer)["result"]
        except HTTPError as error:
            with error:
                raise ValueError(json.load(error)["error"]) from None


def _encode(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    message = f"{value!r} cannot be sent to the fake"
    raise TypeError(message)


class FakeQontoProcess:
    """Like ``FakeQonto``, with the server in a subprocess."""

    url: str
    oauth_url: str
    files_url: str
    login: str
    secret_key: str
    client_id: str
    client_secret: str
    control: RemoteControl

    def __init__(self, seed: int = 1, invoices: int = 200, today: str = TODAY) -> None:
        """Prepare; nothing runs before ``start``."""
        self._arguments = ["--seed", str(seed), "--invoices", str(invoices), "--today", today]
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The process id of the server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process and wait until it listens.

        Raises:
            RuntimeError: It ended instead.
        """
        command = [sys.executable, "-m", "tests.fake_qonto", "--port", "0", "--while-stdin"]
        self._process = subprocess.Popen(
            [*command, *self._arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            message = "the fake Qonto does not start"
            raise RuntimeError(message)
        vars(self).update(json.loads(line))
        self.control = RemoteControl(self.url)

    def stop(self) -> None:
        """End the process and wait for it."""
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        self._process = None

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
