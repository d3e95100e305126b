"""The chart: a few figures, the tap beside the plain one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Json

PANELS = {
    "files_per_second": ["files per second", "(more is better)"],
    "transactions_rate": ["transactions per second", "(more is better)"],
    "rows": ["rows per CPU second", "(more is better)"],
    "night": ["seconds of a quiet night", "(less is better)"],
    "memory_files": ["MiB of memory with files", "(less is better)"],
}
"""Figures by key, each with the lines of its title."""
# The site and GitHub show the picture on light and on dark pages: it brings its own paper.
_PAPER, _INK, _OURS, _PLAIN = "#ffffff", "#1f2933", "#2f81f7", "#9a9a9a"
_WHO = ["tap-qonto", "plain SDK tap"]


def draw(run: Json, path: Path) -> None:
    """Draw a run as SVG."""
    figures = {figure["key"]: figure for figure in run["figures"]}
    panels = [_panel(title, figures[key]) for key, title in PANELS.items()]
    chart = alt.hconcat(*panels, spacing=30, background=_PAPER, padding=12)
    styled = chart.configure(
        axis=alt.AxisConfig(labelColor=_INK, domainColor=_INK),
        title=alt.TitleConfig(color=_INK, fontSize=12),
        view=alt.ViewConfig(stroke=None),
    )
    styled.save(path, format="svg")


def _panel(title: list[str], figure: Json) -> alt.LayerChart | alt.FacetChart:
    values = [
        {"who": who, "value": figure[key], "label": f"{figure[key]:,.4g}"}
        for who, key in zip(_WHO, ("ours", "peer"), strict=True)
    ]
    place = alt.X("who:N", sort=None, title=None, axis=alt.Axis(labelAngle=0, ticks=False))
    data = alt.InlineData(values)
    base = alt.Chart(data, title=title, width=150, height=130).encode(
        place, alt.Y("value:Q", axis=None)
    )
    colors = alt.Scale(domain=_WHO, range=[_OURS, _PLAIN])
    bars = base.mark_bar(width=60).encode(alt.Color("who:N", legend=None, scale=colors))
    return alt.layer(bars, base.mark_text(dy=-7, color=_INK).encode(text="label:N"))
