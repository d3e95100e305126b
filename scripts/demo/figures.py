"""What the demo shows, asked of the models by SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    import psycopg

HOME = "EUR"
"""The currency of the accounts, of which charts are drawn."""
AGES = (
    "more than 90 days late",
    "61 to 90 days late",
    "31 to 60 days late",
    "1 to 30 days late",
    "not due yet",
    "no due date",
    "not read yet",
)
"""How late something can be, in order."""
_SUMS = "SELECT currency, age, invoices, amount FROM qonto_reports.{}_by_due_date"
_WEEKS = """
SELECT week, settled, scheduled, owed, due
FROM qonto_reports.cash_by_week
WHERE currency = 'EUR' AND week BETWEEN current_date - 10 * 7 AND current_date + 8 * 7
ORDER BY week
"""
_BALANCES = """
SELECT bank_account_name, day, balance
FROM qonto_reports.bank_balance_by_day
WHERE day > current_date - 180
ORDER BY bank_account_name, day
"""
_AGREEMENT = (
    "SELECT count(*) FILTER (WHERE agrees), count(*) FROM qonto_reports.bank_account_agreement"
)
_DOCUMENTS = """
SELECT count(*) FILTER (WHERE in_place), count(*)
FROM qonto_reports.documents
WHERE status <> 'missing'
"""
_TABLES = """
SELECT count(*) FILTER (WHERE rows_in_table > 0), sum(rows_in_table)
FROM qonto_reports.row_counts
"""
_INVOICE = """
SELECT supplier_name, invoice_number, amount, currency, due_date, iban, file_location
FROM qonto_reports.payables
WHERE currency = 'EUR' AND amount > 100 AND iban IS NOT NULL AND due_date >= current_date
    AND file_base_name LIKE '%.pdf'
ORDER BY due_date, amount DESC
LIMIT 1
"""


class Sum(NamedTuple):
    """What is open in a currency, so late."""

    currency: str | None
    age: str
    invoices: int
    amount: Decimal | None


class Week(NamedTuple):
    """The cash of a week; what goes out is negative."""

    week: date
    settled: Decimal
    scheduled: Decimal
    owed: Decimal
    due: Decimal

    @property
    def net(self) -> Decimal:
        """All of it."""
        return self.settled + self.scheduled + self.owed + self.due


class Balance(NamedTuple):
    """The balance of an account at the end of a day."""

    account: str
    day: date
    balance: Decimal


class Invoice(NamedTuple):
    """An open invoice that has a PDF."""

    supplier: str
    number: str
    amount: Decimal
    currency: str
    due_date: date
    iban: str
    file: str


class Share(NamedTuple):
    """How many of how many."""

    good: int
    all: int


@dataclass(frozen=True)
class Figures:
    """What the demo shows."""

    payables: list[Sum]
    receivables: list[Sum]
    weeks: list[Week]
    balances: list[Balance]
    accounts: Share
    documents: Share
    tables: int
    rows: int
    invoice: Invoice


def ask(database: psycopg.Connection[Any]) -> Figures:
    """Ask the models for all of it."""

    def rows(query: str) -> list[Any]:
        return database.execute(query.encode()).fetchall()

    def sums(model: str) -> list[Sum]:
        found = [Sum(*row) for row in rows(_SUMS.format(model))]
        return sorted(found, key=lambda each: (each.currency or "~", AGES.index(each.age)))

    (tables,) = rows(_TABLES)
    return Figures(
        payables=sums("payables"),
        receivables=sums("receivables"),
        weeks=[Week(*row) for row in rows(_WEEKS)],
        balances=[Balance(*row) for row in rows(_BALANCES)],
        accounts=Share(*rows(_AGREEMENT)[0]),
        documents=Share(*rows(_DOCUMENTS)[0]),
        tables=tables[0],
        rows=int(tables[1]),
        invoice=Invoice(*rows(_INVOICE)[0]),
    )
