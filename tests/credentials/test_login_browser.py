"""`tap-qonto-login` with a real browser: somebody presses a button on Qonto's page."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fake_qonto import FakeQonto

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser"])), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
    pytest.mark.skipif(os.name == "nt", reason="the browser is driven through named pipes"),
]


class Browser:
    """A headless Chromium, driven through its debugging pipe: JSON texts that end in NUL."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        """Open a tab."""
        self._commands = commands
        self._answers = answers
        self._last = 0
        self._session: str | None = None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]

    def go(self, url: str) -> None:
        """Load a page."""
        self._call("Page.navigate", url=url)

    def run(self, script: str) -> object:
        """Return what an expression is on the page."""
        return self._call("Runtime.evaluate", expression=script)["result"].get("value")

    def wait_for(self, script: str) -> None:
        """Wait until an expression holds on the page.

        Raises:
            TimeoutError: It never does.
        """
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.run(f"Boolean({script})"):
                return
            time.sleep(0.02)
        raise TimeoutError(script)

    def close(self) -> None:
        """End the browser."""
        self._session = None
        self._call("Browser.close")

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        call: dict[str, Any] = {"id": self._last, "method": method, "params": params}
        if self._session:
            call["sessionId"] = self._session
        self._commands.write(json.dumps(call).encode() + b"\0")
        self._commands.flush()
        while (answer := self._read()).get("id") != self._last:
            pass
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser ended"
            text += byte
        message: dict[str, Any] = json.loads(text)
        return message


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    """A browser with a profile of its own."""
    commands, answers = tmp_path / "commands", tmp_path / "answers"
    os.mkfifo(commands)
    os.mkfifo(answers)
    profile = tmp_path / "profile"
    profile.mkdir()
    # Chromium reads from descriptor 3 and writes to 4.
    script = 'exec "$@" 3<"$0/commands" 4>"$0/answers"'
    command = ["sh", "-c", script, str(tmp_path), str(CHROMIUM), *FLAGS]
    with subprocess.Popen(
        [*command, f"--user-data-dir={profile}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(profile)},
    ) as process:
        try:
            with commands.open("wb") as writing, answers.open("rb") as reading:
                opened = Browser(writing, reading)
                yield opened
                opened.close()
                process.wait(300)
        finally:
            process.kill()


@pytest.mark.parametrize("button", ["approve", "deny"])
def test_somebody_presses_a_button(
    fake: FakeQonto, browser: Browser, tmp_path: Path, button: str
) -> None:
    """The page leads back to the command, which ends as it should."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        uri = f"http://localhost:{sock.getsockname()[1]}/callback"
    fake.control.set(redirect_uris=[uri])
    store = tmp_path / "tokens.json"
    environment = {
        "TAP_QONTO_CLIENT_ID": fake.client_id,
        "TAP_QONTO_CLIENT_SECRET": fake.client_secret,
        "TAP_QONTO_OAUTH_URL": fake.oauth_url,
        "TAP_QONTO_REDIRECT_URI": uri,
        "TAP_QONTO_TOKEN_STORE": str(store),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tap_qonto.login", "--no-browser", "--timeout=300"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    ) as command:
        assert command.stderr is not None
        browser.go(next(line.strip() for line in command.stderr if line.startswith("http")))
        browser.wait_for(f"document.getElementById('{button}')")
        browser.run(f"document.getElementById('{button}').click()")
        browser.wait_for("document.body.innerText.includes('go back to the terminal')")
        said, errors = command.communicate(timeout=300)
    if button == "deny":
        assert command.returncode == 1
        assert "The access was denied on Qonto's page" in errors
        assert not store.exists()
        return
    assert command.returncode == 0, errors
    [chain] = json.loads(store.read_text())["chains"].values()
    seed = chain["refresh_token"]
    assert f"TAP_QONTO_REFRESH_TOKEN={seed}\n" in said
    assert seed in fake.control.tokens()[fake.client_id]["refresh_tokens"]
