"""What a well-behaved target makes of the tap's messages."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_qonto import timestamps
from tap_qonto.files.storage import INCOMPLETE
from tests.support import FILES, INVOICES, Json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.fake_qonto import FakeQonto, FakeQontoProcess


@dataclass
class Destination:
    """Tables that are kept by key, and the state that the next run is given.

    Attributes:
        tables: Rows by stream and key, each in its latest version.
        state: The last state; None before the first.
        keys: Names of the columns of each stream's key.
        versions: The version of the table that each row came with.
    """

    tables: defaultdict[str, dict[tuple[str, ...], Json]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    state: Json | None = None
    keys: dict[str, list[str]] = field(default_factory=dict)
    versions: defaultdict[str, dict[tuple[str, ...], int | None]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def take(self, messages: Iterable[Json], *, is_ended: bool = False) -> None:
        """Take a run's messages.

        Rows after the last STATE are dropped, as a target that dies with the tap has
        not written them; unless the run ended well, when a target writes all it has.
        """
        pending: list[Json] = []
        for message in messages:
            match message["type"]:
                case "SCHEMA":
                    self.keys[message["stream"]] = message["key_properties"]
                case "RECORD" | "ACTIVATE_VERSION":
                    pending.append(message)
                case "STATE":
                    self._keep(pending)
                    pending = []
                    self.state = message["value"]
                case _:
                    pass
        if is_ended:
            self._keep(pending)

    def _keep(self, messages: Iterable[Json]) -> None:
        for message in messages:
            stream, version = message["stream"], message.get("version")
            table, versions = self.tables[stream], self.versions[stream]
            if message["type"] == "RECORD":
                record = message["record"]
                key = tuple(record[name] for name in self.keys[stream])
                table[key], versions[key] = record, version
            else:
                for key in [key for key in table if versions[key] != version]:
                    del table[key], versions[key]

    def assert_has_all_invoices(self, fake: FakeQonto | FakeQontoProcess) -> None:
        """Hold the table against what Qonto has now: all there, all the latest."""
        expected = {
            row["id"]: (timestamps.to_utc(row["updated_at"]), row.get("description"))
            for row in fake.control.invoices()
        }
        found = {
            row["id"]: (row["updated_at"], row["description"])
            for row in self.tables[INVOICES].values()
            if row["id"] in expected
        }
        assert found == expected

    def assert_has_all_files(self, fake: FakeQonto | FakeQontoProcess) -> None:
        """Hold rows and stored files against what Qonto has now, byte for byte."""
        for invoice in fake.control.invoices():
            for name in ("attachment_id", "display_attachment_id"):
                if attachment := invoice.get(name):
                    row = self.tables[FILES][invoice["id"], attachment]
                    content = Path(row["location"]).read_bytes()
                    assert content == fake.control.file_bytes(attachment)
                    assert row["sha256"] == hashlib.sha256(content).hexdigest()


def leftovers(folder: Path) -> list[Path]:
    """Return what unfinished downloads left in a folder."""
    return [path for path in folder.rglob("*") if INCOMPLETE in str(path)]


def unlimited(fake: FakeQonto | FakeQontoProcess) -> dict[str, Any]:
    """Lift the fake's rate limit; return the setting that lifts the tap's."""
    fake.control.set(rate_limits=[[1_000_000, 1]])
    return {"rate_limits": [{"requests": 1_000_000, "seconds": 1}]}
