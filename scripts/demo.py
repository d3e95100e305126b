"""The whole way, tried out: ``make demo``.

A Qonto stand-in, a real PostgreSQL, and ``meltano run`` twice; between the runs a few
invoices change. Then it shows what a finance person wants to see, by SQL.
"""

from __future__ import annotations

import shutil
import signal
import sys
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

from tests.fake_qonto import FakeQontoProcess
from tests.stack import ROOT, MeltanoProject, environment, postgres

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.fake_qonto import RemoteControl

FOLDER = ROOT / ".work" / "demo"
INVOICES = 400

OWED = """
WITH owed AS (
    SELECT
        due_date,
        CASE
            WHEN due_date IS NULL THEN 'no due date'
            WHEN due_date < current_date THEN 'overdue'
            WHEN due_date < date_trunc('week', current_date) + interval '1 week' THEN 'this week'
            WHEN due_date < date_trunc('month', current_date) + interval '1 month' THEN 'this month'
            ELSE 'later'
        END AS due,
        payable_amount ->> 'currency' AS currency,
        (payable_amount ->> 'value')::numeric AS amount
    FROM qonto.supplier_invoices
    WHERE status NOT IN ('paid', 'archived', 'rejected', 'discarded') AND NOT is_credit_note
)

SELECT
    coalesce(due, 'all'),
    count(*),
    sum(amount) FILTER (WHERE currency = 'EUR'),
    sum(amount) FILTER (WHERE currency = 'CHF')
FROM owed
WHERE amount > 0
GROUP BY ROLLUP (due)
ORDER BY grouping(due), min(due_date)
"""

COUNTS = """
SELECT
    count(*) AS in_table,
    count(*) FILTER (
        WHERE _sdc_sync_started_at = (SELECT max(_sdc_sync_started_at) FROM {table})
    ) AS read_last
FROM {table}
"""

console = Console(highlight=False)


@contextmanager
def step(text: str) -> Generator[None]:
    """Say what happens, and how long it took."""
    started = time.monotonic()
    with console.status(f"{text} ..."):
        yield
    console.print(f"[green]✓[/] {text} [dim]({time.monotonic() - started:.0f} s)[/]")


def counts(database: psycopg.Connection, table: str) -> tuple[int, int]:
    """Return how many rows a table holds, and how many of them the last run read."""
    query = sql.SQL(COUNTS).format(table=sql.Identifier("qonto", table))
    ((in_table, read_last),) = database.execute(query)
    return in_table, read_last


def change(control: RemoteControl) -> str:
    """Do what happens in a company from one night to the next; say it in words."""
    to_pay = [row for row in control.invoices() if row["status"] == "to_pay"]
    for row in to_pay[:3]:
        control.edit_invoice(row["id"], status="paid")
    for _ in range(2):
        control.add_invoice(status="to_review")
    return "3 invoices are paid, 2 new ones come in"


def table_of_owed(database: psycopg.Connection) -> Table:
    """Ask what is owed, and lay it out."""
    table = Table(title="What is owed, by due date", title_style="bold", show_footer=True)
    *rows, total = [
        [due, str(count), f"{eur or 0:,.2f}", f"{chf or 0:,.2f}"]
        for due, count, eur, chf in database.execute(OWED)
    ]
    for name, end in zip(("due", "invoices", "EUR", "CHF"), total, strict=True):
        table.add_column(name, footer=end, justify="left" if name == "due" else "right")
    for row in rows:
        table.add_row(*row)
    return table


def main() -> None:
    """Run the demo."""
    # So that a `kill` ends what was started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    shutil.rmtree(FOLDER, ignore_errors=True)
    today = datetime.now(timezone.utc).date().isoformat()
    with postgres() as url, FakeQontoProcess(invoices=INVOICES, today=today) as fake:
        project = MeltanoProject(FOLDER, environment(fake, url))
        with step(f"First run: meltano run tap-qonto target-postgres, {INVOICES} invoices"):
            project.run("tap-qonto", "target-postgres")
        with step(f"In Qonto, {change(fake.control)}"):
            pass
        with step("Second run: the same command"):
            project.run("tap-qonto", "target-postgres")
        with psycopg.connect(url) as database:
            invoices, read = counts(database, "supplier_invoices")
            files, files_read = counts(database, "attachments")
            console.print()
            console.print(table_of_owed(database))
    console.print(
        f"\nThe second run read {read} of {invoices} invoices, {files_read} of {files} files:"
    )
    console.print("what had changed, and what came in the five minutes before, once more.")
    console.print(f"Files: {shown(FOLDER / 'attachments')}")
    console.print(f"Log:   {shown(project.log)}")


def shown(path: Path) -> str:
    """Return a path as one would type it here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, KeyboardInterrupt) as problem:
        sys.exit(f"\n{str(problem) or 'Stopped.'}")
