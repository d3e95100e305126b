"""Trying a target: feed it, read its destination back, compare."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.targets import venvs
from tests.targets.values import differences

if TYPE_CHECKING:
    from tests.targets.catalog import Place, Target
    from tests.targets.destinations import Destination
    from tests.targets.recordings import Recording, Run
    from tests.targets.values import Difference


@dataclass
class Verdict:
    """What a target did not do, check by check, each with an example in words."""

    problems: dict[str, str] = field(default_factory=dict)

    def add(self, check: str, example: str) -> None:
        """Keep the first example of a check."""
        self.problems.setdefault(check, example)

    def unexpected(self, target: Target, way: str) -> list[str]:
        """Return what fails although it should not."""
        return [
            f"{target.name}, {way}, {check}: {example}"
            for check, example in self.problems.items()
            if check not in target.limits_in(way)
        ]


def try_out(target: Target, recording: Recording, place: Place) -> Verdict:
    """Load both runs of a recording and compare the destination after each."""
    verdict = Verdict()
    program = venvs.executable(target.name, target.command)
    place.folder.mkdir(parents=True)
    destination = target.destination(place)
    for run in (recording.first, recording.second):
        is_first = run is recording.first
        way = recording.way if recording.way != "plain" else "rows" if is_first else "again"
        if destination.appended and not is_first:
            # Many name their files after the second.
            time.sleep(1 - time.time() % 1)
        fed = venvs.feed(program, destination.settings, run.messages, place.folder)
        if fed.code != 0:
            verdict.add(way, fed.reason)
            break
        if fed.state != run.state:
            verdict.add(way, f"it handed on the state {fed.state}")
        limits = target.limits_in(recording.way)
        known = {*limits, *verdict.problems}
        for difference in _differences(destination, run):
            # What it cannot hold at all is no fault of the way of use.
            is_about_values = way == "rows" or difference.check in known
            verdict.add(difference.check if is_about_values else way, str(difference))
            if way in limits:
                verdict.add(way, str(difference))
    return verdict


def _differences(destination: Destination, run: Run) -> list[Difference]:
    return [
        difference
        for stream, table in run.tables.items()
        for difference in differences(
            stream,
            table,
            destination.rows(stream),
            appended=destination.appended,
        )
    ]
