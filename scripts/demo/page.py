"""The figures as a page: one file that needs no network, for light and dark screens."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import altair as alt
import vl_convert

from scripts.demo.figures import HOME
from scripts.demo.terminal import proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.demo.figures import Figures, Sum

_INK = {"light": "#1f2933", "dark": "#e4e7eb"}
_GRID = {"light": "#d9dee3", "dark": "#3a4048"}
_COLORS = ["#2f81f7", "#8b949e", "#d4503e", "#2ea043", "#a371f7"]
_STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --paper: #ffffff; --soft: #f3f5f7; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
.proof { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none; }
.proof li { background: var(--soft); padding: .75rem 1rem; border-radius: .5rem; font-weight: 600; }
svg { max-width: 100%; height: auto; } .dark { display: none; }
table { border-collapse: collapse; } td, th { padding: .25rem .75rem .25rem 0; text-align: left; }
td.n { text-align: right; font-variant-numeric: tabular-nums; } iframe { width: 100%; height: 34rem;
  border: 1px solid var(--soft); background: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --paper: #16191d; --soft: #23282e; }
  .light { display: none; } .dark { display: block; }
}
"""


def write(figures: Figures, path: Path) -> None:
    """Write the page."""
    path.write_text(page(figures, path.parent), "utf-8")


def page(figures: Figures, folder: Path) -> str:
    """Return the page.

    Args:
        figures: What it shows.
        folder: Where it is to be, for the link to a file beside it.
    """
    held = "".join(f"<li>{escape(line)}</li>" for line in proof(figures))
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Qonto reports</title><style>{_STYLE}</style></head><body>",
            "<h1>Acme Corp: money and documents</h1>",
            f"<p>{figures.rows:,} rows in {figures.tables} tables, loaded from Qonto.</p>",
            f'<ul class="proof">{held}</ul>',
            _figure(f"Cash by week, {HOME}", _weeks(figures)),
            _figure("Balance of each account", _balances(figures)),
            _figure(f"What is owed, by due date, {HOME}", _sums(figures.payables)),
            _figure(f"What is due to us, by due date, {HOME}", _sums(figures.receivables)),
            *_others(figures),
            *_invoice(figures, folder),
            "</body></html>",
        ]
    )


def _figure(title: str, chart: alt.Chart) -> str:
    drawn = "".join(
        f'<div class="{scheme}">{_svg(chart, scheme)}</div>' for scheme in ("light", "dark")
    )
    return f"<section><h2>{escape(title)}</h2>{drawn}</section>"


def _svg(chart: alt.Chart, scheme: str) -> str:
    ink, grid = _INK[scheme], _GRID[scheme]
    styled = chart.configure(
        background="transparent",
        padding={"left": 30, "top": 5, "right": 5, "bottom": 5},
        axis=alt.AxisConfig(labelColor=ink, titleColor=ink, gridColor=grid, domainColor=grid),
        legend=alt.LegendConfig(labelColor=ink, titleColor=ink, orient="top"),
        view=alt.ViewConfig(stroke=None),
        range=alt.RangeConfig(category=_COLORS),
    )
    return str(vl_convert.vegalite_to_svg(styled.to_json()))


def _weeks(figures: Figures) -> alt.Chart:
    values = [
        {"week": week.week.isoformat(), "kind": kind, "amount": float(amount)}
        for week in figures.weeks
        for kind, amount in zip(
            ("settled", "scheduled", "owed", "due to us"), week[1:], strict=True
        )
    ]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values), width=760, height=260)
        .mark_bar()
        .encode(
            x=alt.X("week:O", title="week of", axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("sum(amount):Q", title=HOME),
            color=alt.Color(
                "kind:N", title=None, sort=["settled", "scheduled", "owed", "due to us"]
            ),
        )
    )
    return chart


def _balances(figures: Figures) -> alt.Chart:
    values = [
        {"account": each.account, "day": each.day.isoformat(), "balance": float(each.balance)}
        for each in figures.balances
    ]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values), width=760, height=260)
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X("day:T", title=None),
            y=alt.Y("balance:Q", title=HOME),
            color=alt.Color("account:N", title=None),
        )
    )
    return chart


def _sums(sums: list[Sum]) -> alt.Chart:
    values = [
        {"due": each.age, "amount": float(each.amount)}
        for each in sums
        if each.currency == HOME and each.amount
    ]
    order = [each.age for each in sums]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values), width=620, height=alt.Step(26))
        .mark_bar(color=_COLORS[0])
        .encode(
            x=alt.X("amount:Q", title=HOME),
            y=alt.Y("due:N", title=None, sort=order, axis=alt.Axis(labelLimit=200)),
        )
    )
    return chart


def _others(figures: Figures) -> Iterator[str]:
    """Write what is owed in other currencies, which are never added up, and what is not read."""
    yield "<h2>In other currencies, and not read yet</h2><table>"
    yield "<tr><th>due</th><th>invoices</th><th>amount</th></tr>"
    for each in figures.payables:
        if each.currency != HOME:
            amount = f"{each.amount:,.2f} {each.currency}" if each.amount else ""
            yield (
                f'<tr><td>{escape(each.age)}</td><td class="n">{each.invoices}</td>'
                f'<td class="n">{amount}</td></tr>'
            )
    yield "</table>"


def _invoice(figures: Figures, folder: Path) -> Iterator[str]:
    invoice = figures.invoice
    link = escape(os.path.relpath(invoice.file, folder), quote=True)
    yield "<h2>An invoice, and its PDF</h2><table>"
    facts = {
        "supplier": invoice.supplier,
        "number": invoice.number,
        "amount": f"{invoice.amount:,.2f} {invoice.currency}",
        "due": invoice.due_date.isoformat(),
        "IBAN": invoice.iban,
    }
    for name, text in facts.items():
        yield f"<tr><th>{name}</th><td>{escape(text)}</td></tr>"
    yield f'</table><p><a href="{link}">{escape(Path(invoice.file).name)}</a></p>'
    yield f'<iframe src="{link}" title="The invoice"></iframe>'
