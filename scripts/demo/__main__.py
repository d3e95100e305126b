"""The whole way, tried out: ``make demo``.

A Qonto stand-in, a real PostgreSQL, and ``meltano run`` twice, the second time with dbt;
between the runs things happen in the company. Then it shows what a finance person wants to
see, by SQL. ``python -m scripts.demo sql`` looks into the database that it leaves.
"""

from __future__ import annotations

import shutil
import signal
import sys
import time
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import psycopg
from rich.console import Console

from scripts.demo.figures import ask
from scripts.demo.page import write
from scripts.demo.terminal import proof, tables
from tests.fake_qonto import FakeQontoProcess
from tests.stack import ROOT, MeltanoProject, environment, postgres, psql

if TYPE_CHECKING:
    from collections.abc import Generator

    from scripts.demo.figures import Figures
    from tests.fake_qonto import RemoteControl

FOLDER = ROOT / ".work" / "demo"
PAGE = "report.html"
# Where the database is: a short path, which that of a socket has to be.
DATABASE = "database.txt"
INVOICES = 240
COMPANY = {"transactions": 260, "client_invoices": 90, "credit_notes": 8, "statements": 52}

console = Console(highlight=False)


@contextmanager
def step(text: str) -> Generator[None]:
    """Say what happens, and how long it took."""
    started = time.monotonic()
    with console.status(f"{text} ..."):
        yield
    console.print(f"[green]✓[/] {text} [dim]({time.monotonic() - started:.0f} s)[/]")


def change(control: RemoteControl) -> str:
    """Do what happens in a company from one night to the next; say it in words."""
    to_pay = [row for row in control.invoices() if row["status"] == "to_pay"]
    for row in to_pay[:3]:
        control.pay_invoice(row["id"])
    for _ in range(2):
        control.add_invoice(status="to_review")
    return "3 invoices are paid from the bank, 2 new ones come in"


def run(folder: Path = FOLDER, invoices: int = INVOICES) -> None:
    """Load twice, build, and show.

    Args:
        folder: Where the files, the page and the log go.
        invoices: How many supplier invoices there are.
    """
    forget(folder)
    today = datetime.now(timezone.utc).date().isoformat()
    database = Path(mkdtemp(prefix="pg-demo-"))
    folder.mkdir(parents=True)
    (folder / DATABASE).write_text(str(database), "utf-8")
    with postgres(database) as url, FakeQontoProcess(invoices=0, today=today) as fake:
        fake.control.reset(invoices=invoices, today=today, **COMPANY)
        environ = environment(fake, url)
        # A key that may read all streams; some take OAuth alone.
        del environ["TAP_QONTO_LOGIN"], environ["TAP_QONTO_SECRET_KEY"]
        environ["TAP_QONTO_ACCESS_TOKEN"] = fake.control.new_access_token()
        project = MeltanoProject(folder, environ)
        with step("First run: meltano run tap-qonto target-postgres, all streams"):
            project.run("tap-qonto", "target-postgres")
        with step(f"In Qonto, {change(fake.control)}"):
            pass
        with step("Second run: meltano run qonto-to-reports, which also builds the reports"):
            project.run("qonto-to-reports")
        with psycopg.connect(url) as connection:
            figures = ask(connection)
    write(figures, folder / PAGE)
    show(figures, folder / PAGE)


def show(figures: Figures, page: Path) -> None:
    """Show what the demo found, and how to go on."""
    for table in tables(figures):
        console.print()
        console.print(table)
    console.print()
    for line in proof(figures):
        console.print(f"[green]✓[/] [bold]{line}[/]")
    invoice = figures.invoice
    console.print(
        f"\nThe next invoice to pay: {invoice.supplier}, {invoice.number}, "
        f"{invoice.amount:,.2f} {invoice.currency}, due on {invoice.due_date}"
    )
    console.print(f"Its PDF:       {shown(Path(invoice.file))}", soft_wrap=True)
    console.print(f"All of it:     {shown(page)}, to open in a browser", soft_wrap=True)
    console.print('Look into it:  make demo-sql, such as "SELECT * FROM qonto_reports.payables;"')
    console.print("Your account:  docs/quick-start.md, and then docs/reports.md")


def look(arguments: list[str], folder: Path = FOLDER) -> int:
    """Run psql on the database that the demo has left; return its exit code."""
    database = database_of(folder)
    if database is None:
        sys.exit("There is no database yet; run: make demo")
    with postgres(database) as url:
        return psql(url, *arguments)


def database_of(folder: Path) -> Path | None:
    """Return where the demo has left its database, if it has."""
    note = folder / DATABASE
    database = Path(note.read_text("utf-8")) if note.exists() else None
    return database if database and (database / "data").exists() else None


def forget(folder: Path) -> None:
    """Remove what the demo left before."""
    note = folder / DATABASE
    if note.exists():
        shutil.rmtree(note.read_text("utf-8"), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def shown(path: Path) -> str:
    """Return a path as one would type it here."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def main() -> None:
    """Run the demo, or look into its database."""
    # So that a `kill` ends what was started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if sys.argv[1:2] == ["sql"]:
        sys.exit(look(sys.argv[2:]))
    run()


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, KeyboardInterrupt) as problem:
        sys.exit(f"\n{str(problem) or 'Stopped.'}")
