"""Every stream into PostgreSQL through Meltano, compared with what Qonto holds."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import partial
from operator import eq
from typing import TYPE_CHECKING, Any

import psycopg
import yaml
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from tests.fake_qonto import TODAY, FakeQonto
from tests.journeys.test_end_to_end import OFFLINE, plain
from tests.stack import ROOT, MeltanoProject, environment, postgres
from tests.streams.served import LISTS, expected, key_of, served
from tests.support import Runner
from tests.targets import venvs
from tests.targets.destinations import DuckDb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Of lists that are read whole, some with rows below them.
DELETED = ("labels", "products", "payment_links", "credit_notes", "cash_flow_categories")
# Three programs start for each run.


def tables(database: str) -> dict[str, dict[Any, dict[str, Any]]]:
    """Return the rows of each stream's table by key, without those marked as deleted."""
    found = {}
    with psycopg.connect(database) as connection, connection.cursor(row_factory=dict_row) as cursor:
        set_json_loads(partial(json.loads, parse_float=Decimal), cursor)
        for name in LISTS:
            query = sql.SQL("SELECT * FROM {}").format(sql.Identifier("qonto", name))
            rows = cursor.execute(query).fetchall()
            living = [row for row in rows if row["_sdc_deleted_at"] is None]
            found[name] = {key_of(name, row): row for row in living}
    return found


def tables_in(destination: DuckDb) -> dict[str, dict[Any, dict[str, Any]]]:
    """Return the rows of each stream's table by key; objects and lists are texts there."""
    found = {}
    for name, stream in LISTS.items():
        shapes = stream.schema["properties"]
        rows = [
            {
                column: json.loads(row[column], parse_float=Decimal)
                if row[column] and {"object", "array"} & set(shape["type"])
                else row[column]
                for column, shape in shapes.items()
            }
            for row in destination.rows(name)
        ]
        found[name] = {key_of(name, row): row for row in rows}
    return found


def is_same(found: Any, wanted: Any) -> bool:
    """Compare, but for what target-duckdb does: empty text is null, numbers are doubles."""
    if isinstance(found, float) and isinstance(wanted, Decimal):
        return found == float(wanted)
    return bool(found == wanted or (found is None and wanted == ""))


def check(
    fake: FakeQonto,
    loaded_tables: dict[str, dict[Any, dict[str, Any]]],
    same: Callable[[Any, Any], bool] = eq,
) -> None:
    """Compare every column of every table."""
    for name, loaded in loaded_tables.items():
        columns = LISTS[name].schema["properties"]
        rows = {key_of(name, row): row for row in served(fake, name)}
        assert rows
        assert loaded.keys() == rows.keys(), name
        for key, row in rows.items():
            for column, shape in columns.items():
                wanted = plain(expected(row.get(column), shape))
                assert same(plain(loaded[key][column]), wanted), (name, column)


def check_log(database: str, runs: int) -> None:
    """Hold the queries of the documents to say that all tables are complete and fresh."""
    page = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
    newest, counts = re.findall(r"^```sql\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    with psycopg.connect(database) as connection:
        connection.execute("SET search_path TO qonto")
        found = connection.execute(newest).fetchall()
        assert {row[0] for row in found} == LISTS.keys()
        assert {row[1] for row in found} == {"complete"}
        (logged,) = connection.execute("SELECT count(*) FROM sync_log").fetchone() or ()
        assert logged == runs * len(LISTS)
        (table,) = re.findall(r"FROM (\w+)\)", counts)
        counted = connection.execute(
            "SELECT stream, source_count FROM (SELECT DISTINCT ON (stream) * FROM sync_log "
            "ORDER BY stream, ended_at DESC) last WHERE source_count IS NOT NULL"
        ).fetchall()
        assert table in dict(counted)
        of_table = counts.replace(f"{table})", f"{table} WHERE _sdc_deleted_at IS NULL)")
        for name, _ in counted:
            (row,) = connection.execute(of_table.replace(table, name)).fetchall()
            assert (row[0], row[3]) == (name, 0), row


def test_every_table_is_what_qonto_holds(tmp_path: Path) -> None:
    with FakeQonto(invoices=30) as fake, postgres(timezone="Europe/Paris") as database:
        environ = environment(fake, database) | OFFLINE
        del environ["TAP_QONTO_LOGIN"], environ["TAP_QONTO_SECRET_KEY"]
        environ["TAP_QONTO_ACCESS_TOKEN"] = fake.control.new_access_token()
        project = MeltanoProject(tmp_path / "project", environ)
        content = yaml.safe_load(project.yml.read_text("utf-8"))
        select = [f"{name}.*" for name in (*LISTS, "sync_log")]
        content["plugins"]["extractors"][0]["select"] = select
        project.yml.write_text(yaml.safe_dump(content), "utf-8")
        project.run("tap-qonto", "target-postgres")
        check(fake, tables(database))
        check_log(database, runs=1)

        for name, stream in LISTS.items():
            field = fake.control.text_field(name)
            if field in stream.schema["properties"]:
                fake.control.edit(name, fake.control.ids(name)[1], **{field: "edited"})
        for name in DELETED:
            fake.control.delete(name, fake.control.ids(name)[0])
        project.run("tap-qonto", "target-postgres")
        check(fake, tables(database))
        check_log(database, runs=2)


def test_every_table_in_duckdb_is_what_qonto_holds(fake: FakeQonto, tmp_path: Path) -> None:
    fake.control.reset(invoices=30, today=TODAY)
    tap = Runner.against(fake, tmp_path)
    tap.use_oauth(fake)
    destination = DuckDb(tmp_path)
    output = tap.sync(*LISTS)
    target = venvs.executable("target-duckdb", "target-duckdb")
    fed = venvs.feed(target, destination.settings, output.stdout, tmp_path)
    assert fed.code == 0, fed.log
    check(fake, tables_in(destination), is_same)
