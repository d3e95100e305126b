"""A fake Qonto: a real HTTP server that stands in for the API.

``FakeQonto`` runs in a thread of this process, ``FakeQontoProcess`` in a process of its
own, ``python -m tests.fake_qonto`` by hand. ``control`` changes what it holds and how it
behaves while it runs; ``tests/fake`` holds it to what is known of Qonto.

Rooms: ``server`` has ports, connections, a request's way to its answer, faults and limits;
``endpoints`` the tables of facts of all lists; ``lists`` what filters, orders and pages them;
``data`` the rows that are made up; ``files`` and ``oauth`` the other hosts; ``control`` what
tests change; ``world`` all that there is.
"""

from __future__ import annotations

from .control.control import Control
from .server.process import FakeQontoProcess, RemoteControl
from .server.server import FakeQonto
from .world import TODAY

__all__ = ["TODAY", "Control", "FakeQonto", "FakeQontoProcess", "RemoteControl"]
