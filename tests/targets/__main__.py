"""Tries the targets and writes the page, or only installs some of them."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.console import Console

from tests.fake_qonto import FakeQonto
from tests.stack import postgres
from tests.targets import venvs
from tests.targets.catalog import FOR_TESTS, TARGETS, Place
from tests.targets.destinations import object_store
from tests.targets.page import PAGE, page
from tests.targets.recordings import WAYS, record
from tests.targets.trials import try_out

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.targets.catalog import Target

console = Console(highlight=False)


def install(target: Target) -> list[str]:
    """Install a target; return what is not as the catalog has it."""
    try:
        venvs.install(target.name, target.packages, target.command)
    except venvs.NotUsableError as error:
        return [] if target.unusable else [f"{target.name}: {error}"]
    return [f"{target.name} can be used now"] if target.unusable else []


def try_all(targets: Iterable[Target], folder: Path) -> list[str]:
    """Try targets in every way; return what is not as the catalog has it."""
    wrong: list[str] = []
    with ExitStack() as stack:
        fake = stack.enter_context(FakeQonto(invoices=0))
        recordings = [record(fake, folder / way, way) for way in WAYS]
        database = stack.enter_context(postgres())
        store = stack.enter_context(object_store(folder / "objects"))
        for target in targets:
            started = time.monotonic()
            seen: set[str] = set()
            for recording in recordings:
                name = f"{target.name}_{recording.way}".replace("-", "_")
                place = Place(folder / name, name, database, store, folder / "objects")
                verdict = try_out(target, recording, place)
                wrong += verdict.unexpected(target, recording.way)
                seen |= verdict.problems.keys()
            wrong += [
                f"{target.name}, {check}: it can do that now"
                for check in target.limits_in("plain")
                if check not in seen
            ]
            console.print(f"{target.name} ({time.monotonic() - started:.0f} s)")
    return wrong


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.targets", description=__doc__)
    parser.add_argument("names", nargs="*", help="targets to try; without, all, and the page")
    parser.add_argument("--for-tests", action="store_true", help="only install what tests need")
    arguments = parser.parse_args()
    names = FOR_TESTS if arguments.for_tests else arguments.names
    if unknown := set(names) - {target.name for target in TARGETS}:
        parser.error(f"there is no {', '.join(sorted(unknown))} in tests/targets/catalog.py")
    chosen = [target for target in TARGETS if not names or target.name in names]
    wrong = [problem for target in chosen for problem in install(target)]
    if arguments.for_tests:
        venvs.install(*venvs.DBT)
    if not (wrong or arguments.for_tests):
        with TemporaryDirectory(prefix="targets-") as folder:
            wrong = try_all([one for one in chosen if not one.unusable], Path(folder))
    if wrong:
        sys.exit("\n".join(wrong))
    if not names:
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
