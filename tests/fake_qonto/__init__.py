"""A fake Qonto: a real HTTP server that stands in for the API.

``FakeQonto`` runs in a thread of this process, ``FakeQontoProcess`` in a process of its
own, ``python -m tests.fake_qonto`` by hand. ``control`` changes what it holds and how it
behaves while it runs; ``tests/fake/test_fake_qonto.py`` holds it to what is known of Qonto.

Layers, from the wire inwards: ``server`` and ``protocol`` (ports, connections), ``app``
(a request's way to its answer) with ``delivery``, ``faults`` and ``limits``; the endpoints
in ``api``, ``filehost`` and ``oauth``; ``query`` and ``pages`` for the list; ``world`` and
``store`` for what there is; ``seeding`` and what it imports for made-up data.
"""

from __future__ import annotations

from .control import Control
from .process import FakeQontoProcess, RemoteControl
from .server import FakeQonto
from .world import TODAY

__all__ = ["TODAY", "Control", "FakeQonto", "FakeQontoProcess", "RemoteControl"]
