"""``python -m tests.fake_qonto``: a fake Qonto until it is told to end."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from datetime import datetime

from .clock import UTC
from .server.server import FakeQonto


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="fake_qonto", description="A fake Qonto.")
    parser.add_argument("--port", type=int, default=0, help="API and OAuth; 0: a free one")
    parser.add_argument("--files-port", type=int, default=0, help="files; 0: a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--invoices", type=int, default=200)
    today = datetime.now(UTC).date().isoformat()
    parser.add_argument("--today", default=today, help="date that due dates spread around")
    parser.add_argument(
        "--while-stdin",
        action="store_true",
        help="end also when stdin is closed",
    )
    options = parser.parse_args()
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    fake = FakeQonto(
        options.seed,
        options.invoices,
        options.today,
        port=options.port,
        files_port=options.files_port,
    )
    with fake:
        facts = (
            "url",
            "oauth_url",
            "files_url",
            "login",
            "secret_key",
            "client_id",
            "client_secret",
        )
        sys.stdout.write(json.dumps({name: getattr(fake, name) for name in facts}) + "\n")
        sys.stdout.flush()
        if options.while_stdin:
            threading.Thread(target=_await_parent, args=(done,), daemon=True).start()
        else:
            sys.stderr.write(f"fake Qonto at {fake.url}, until Ctrl-C\n")
        done.wait()


def _await_parent(done: threading.Event) -> None:
    """Notice the parent's end: it closes the pipe, however it ends."""
    os.read(0, 1)
    done.set()


if __name__ == "__main__":
    main()
