"""The figures in a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from scripts.demo.figures import AGES, HOME

if TYPE_CHECKING:
    from decimal import Decimal

    from scripts.demo.figures import Figures, Sum, Week

_BAR = 12


def tables(figures: Figures) -> list[Table]:
    """Lay out what is owed, what is due to us, and cash by week."""
    return [
        _sums("What is owed, by due date", figures.payables),
        _sums("What is due to us, by due date", figures.receivables),
        _weeks(figures.weeks),
    ]


def proof(figures: Figures) -> list[str]:
    """Say what the tables prove."""
    agreeing, documents = figures.accounts, figures.documents
    return [
        f"{agreeing.good} of {agreeing.all} accounts agree with the bank to the cent",
        f"{documents.good:,} of {documents.all:,} documents in place",
    ]


def _sums(title: str, sums: list[Sum]) -> Table:
    table = Table(title=title, title_style="bold", show_footer=True, title_justify="left")
    currencies = sorted({each.currency for each in sums if each.currency})
    ages = sorted({each.age for each in sums}, key=AGES.index)
    table.add_column("due", footer="all")
    table.add_column("invoices", justify="right", footer=str(sum(each.invoices for each in sums)))
    for currency in currencies:
        total = sum(each.amount for each in sums if each.currency == currency and each.amount)
        table.add_column(currency, justify="right", footer=_shown(total))
    for age in ages:
        of_age = [each for each in sums if each.age == age]
        amounts = {each.currency: each.amount for each in of_age}
        cells = [_shown(amounts[key]) if amounts.get(key) else "" for key in currencies]
        table.add_row(age, str(sum(each.invoices for each in of_age)), *cells)
    return table


def _weeks(weeks: list[Week]) -> Table:
    table = Table(
        title=f"Cash by week, {HOME}", title_style="bold", title_justify="left", box=SIMPLE_HEAD
    )
    for name in ("week of", "settled", "scheduled", "owed", "due to us"):
        table.add_column(name, justify="left" if name == "week of" else "right")
    table.add_column("all together")
    most = max((abs(week.net) for week in weeks), default=0) or 1
    for week in weeks:
        amounts = (week.settled, week.scheduled, week.owed, week.due)
        length = max(1, round(abs(week.net) / most * _BAR))
        color, mark = ("green", "█") if week.net >= 0 else ("red", "▒")
        cells = [_shown(amount) if amount else "" for amount in amounts]
        table.add_row(week.week.isoformat(), *cells, f"[{color}]{mark * length}[/]")
    return table


def _shown(amount: Decimal | int | None) -> str:
    return f"{amount or 0:,.2f}"
