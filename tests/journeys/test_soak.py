"""Night after night into one PostgreSQL: edits, deletions, kills; nothing is missing."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.rows import dict_row

from tap_qonto import timestamps
from tests.destination import leftovers, unlimited
from tests.stack import PLUGINS, environment, postgres

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto
    from tests.support import Runner

RUNS = int(os.environ.get("TAP_QONTO_RUNS", "3"))
"""`make soak` asks for 40."""
TARGET = PLUGINS / "loaders/target-postgres/venv/bin/target-postgres"


class Nights:
    """The tap piped into target-postgres, its state kept from what the target says."""

    def __init__(self, tap: Runner, fake: FakeQonto, database: str) -> None:
        self.folder = tap.folder
        self.fake = fake
        config = tap.settings({**unlimited(fake), "page_size": 20})
        self.config = self.write("tap.json", config)
        url = environment(fake, database)["TARGET_POSTGRES_SQLALCHEMY_URL"]
        schema = {"sqlalchemy_url": url, "default_target_schema": "qonto"}
        self.target_config = self.write("target.json", schema)
        self.state = "{}"

    def write(self, name: str, content: object) -> str:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def night(self, killed_at: int | None = None) -> None:
        """Run once; kill the tap at its n-th API request, where that is given."""
        self.fake.control.clear_requests()
        if killed_at is not None:
            self.fake.control.add_fault("delay", after=killed_at - 1, times=1, delay=60)
        options = ["--config", self.config, "--state", self.write("state.json", self.state)]
        with (
            subprocess.Popen(
                [TARGET, "--config", self.target_config],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            ) as target,
            subprocess.Popen(
                [sys.executable, "-m", "tap_qonto", *options],
                stdout=target.stdin,
                stderr=subprocess.DEVNULL,
            ) as tap,
        ):
            assert target.stdin
            assert target.stdout
            target.stdin.close()
            while (code := tap.poll()) is None:
                if killed_at is not None and self.fake.control.count("api") >= killed_at:
                    tap.kill()
                    break
                time.sleep(0.01)
            self.fake.control.clear_faults()
            states = target.stdout.read().splitlines()
            assert code in {0, None}
            # A line that the kill has torn ends the target with an error; the states
            # that it has said by then count all the same.
            assert target.wait() == 0 or code is None
        if states:
            self.state = states[-1]


@pytest.mark.timeout(3600)
def test_many_nights_leave_the_tables_equal_to_qonto(fake: FakeQonto, tap: Runner) -> None:
    dice = random.Random(RUNS)  # noqa: S311
    fake.control.reset(invoices=80)
    with postgres() as database:
        nights = Nights(tap, fake, database)
        deleted: set[str] = set()
        for number in range(RUNS):
            fake.control.edit_every_request(dice.choice([0, 1, 3]))
            nights.night(dice.randrange(1, 60) if number % 3 == 1 else None)
            fake.control.edit_every_request(0)
            ids = fake.control.invoice_ids()
            for invoice in dice.sample(ids, 5):
                fake.control.edit_invoice(invoice, description=f"night {number}")
            fake.control.add_invoice()
            deleted.add(ids[dice.randrange(len(ids))])
            fake.control.delete_invoice(max(deleted & set(ids)))
        nights.night()
        nights.night()
        with psycopg.connect(database) as connection:
            cursor = connection.cursor(row_factory=dict_row)
            invoices = cursor.execute("SELECT * FROM qonto.supplier_invoices").fetchall()
            files = cursor.execute("SELECT * FROM qonto.attachments").fetchall()
    now = {row["id"]: row for row in fake.control.invoices()}
    stored = {row["id"]: row for row in invoices if row["id"] in now}
    assert stored.keys() == now.keys()
    for key, row in now.items():
        assert timestamps.show(stored[key]["updated_at"]) == timestamps.to_utc(row["updated_at"])
        assert stored[key]["description"] == row.get("description")
    rows = {(row["supplier_invoice_id"], row["id"]): row for row in files}
    for key, row in now.items():
        roles = (row.get("attachment_id"), row.get("display_attachment_id"))
        for attachment in filter(None, roles):
            content = Path(rows[key, attachment]["location"]).read_bytes()
            assert rows[key, attachment]["sha256"] == hashlib.sha256(content).hexdigest()
            assert content == fake.control.file_bytes(attachment)
    assert leftovers(tap.files) == []
