"""Every version of an invoice that the tap reads, kept by the target, as docs/reports.md has it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg
import yaml

from tests.fake_qonto import TODAY
from tests.stack import ROOT, postgres
from tests.targets import venvs
from tests.targets.destinations import SCHEMA, DuckDb, Postgres

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Runner

QUERY = "SELECT id, status FROM qonto.supplier_invoices{} ORDER BY id, updated_at"


def stream_maps() -> Json:
    """Return the stream maps that the page shows."""
    text = (ROOT / "docs" / "reports.md").read_text("utf-8")
    (shown,) = [
        each for each in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "_maps" in each
    ]
    maps: Json = yaml.safe_load(shown)["plugins"]["extractors"][0]["config"]["stream_maps"]
    return maps


def test_every_version_is_kept(fake: FakeQonto, tap: Runner, tmp_path: Path) -> None:
    fake.control.reset(invoices=20, today=TODAY)
    key = next(row["id"] for row in fake.control.invoices() if row["status"] == "to_pay")
    tap.config["stream_maps"] = stream_maps()
    with postgres(timezone="UTC") as url:
        settings = {"sqlalchemy_url": url.replace("postgresql:", "postgresql+psycopg:")}
        file = DuckDb(tmp_path)
        places = {
            "meltanolabs-target-postgres": Postgres(url, SCHEMA, settings).settings,
            "target-duckdb": file.settings,
        }
        state: Any = None
        for _ in range(3):
            output = tap.sync(state=state)
            state = output.state
            for name, place in places.items():
                program = venvs.executable(name, name.removeprefix("meltanolabs-"))
                fed = venvs.feed(program, place, output.stdout, tmp_path)
                assert fed.code == 0, fed.log
            fake.control.edit_invoice(
                key, status={"to_pay": "scheduled"}.get(fake.control.invoice(key)["status"], "paid")
            )
        with psycopg.connect(url) as rows, duckdb.connect(str(file.path)) as columns:
            for connection in (rows, columns):
                now = connection.execute(QUERY.format("")).fetchall()
                versions = connection.execute(QUERY.format("_versions")).fetchall()
                assert [status for each, status in now if each == key] == ["paid"]
                seen = [status for each, status in versions if each == key]
                assert seen == ["to_pay", "scheduled", "paid"]
                assert len(now) == 20
                assert len(versions) == 22
