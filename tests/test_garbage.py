"""Python looks for cyclic garbage rarely, and never among what the start has made."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest
from typing_extensions import override

from tap_qonto.command import TapCommand

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL = 2_000
"""New objects after which a Python that is left alone looks for garbage, at the most."""


@pytest.fixture
def _as_before() -> Iterator[None]:
    """Leave the rest of the tests a collector as they found it."""
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def is_looked_at(found: Any) -> bool:
    return any(each is found for each in gc.get_objects())


class Seen(TapCommand):
    """A command that remembers how the collector was while it ran."""

    def __init__(self) -> None:
        super().__init__("seen", callback=self.look)
        self.made_before, self.made_after = [self], list[object]()

    def look(self) -> None:
        self.made_after = [self]
        self.is_enabled = gc.isenabled()
        self.new_objects = gc.get_threshold()[0]
        self.looked_at = [is_looked_at(each) for each in (self.made_before, self.made_after)]

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        return click.Command.main(self, [], standalone_mode=False)


@pytest.mark.usefixtures("_as_before")
def test_a_run_looks_rarely_and_not_at_what_was_there_before() -> None:
    gc.set_threshold(USUAL)
    command = Seen()
    assert is_looked_at(command.made_before)
    command.main()
    assert command.is_enabled
    assert command.new_objects >= 10 * USUAL
    assert command.looked_at == [False, True]


START = """
import gc, json, sys

looks = []

def note(phase, info):
    if phase == "start":
        looks.append(hasattr(sys.modules.get("tap_qonto.tap"), "TapQonto"))

gc.callbacks.append(note)
from tap_qonto.__main__ import main

sys.argv = ["tap-qonto", "--version"]
try:
    main()
finally:
    gc.callbacks.clear()
    from tap_qonto.streams import STREAMS

    print(json.dumps({
        "is_enabled": gc.isenabled(),
        "while_importing": looks.count(False),
        "looks_at_imports": any(each is STREAMS for each in gc.get_objects()),
        "could_look": gc.is_tracked(STREAMS),
    }))
"""


@pytest.mark.real_clock("it runs a process")
def test_the_start_does_not_look_at_what_it_imports() -> None:
    done = subprocess.run([sys.executable, "-c", START], check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    # Imports bring a hundred times as many new objects as it takes for a look.
    assert found.pop("while_importing") < 10
    assert found == {"is_enabled": True, "looks_at_imports": False, "could_look": True}
