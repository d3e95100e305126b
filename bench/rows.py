"""How much a row costs: CPU, and memory."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

from bench.figures import Figure, Goal
from bench.lab import MIB, OURS, PLAIN
from tests.support import INVOICES

if TYPE_CHECKING:
    from bench.lab import Lab


_NEW = {"id": 7, "name": "new at Qonto"}
_VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "rows": ("", {}),
    "rows_unknown": (", an unknown field in each row", {"project": _NEW}),
    "rows_unknown_nested": (
        ", an unknown field in an object of each row",
        {"supplier_snapshot": {"name": "Boulangerie", "currency": "EUR", "rating": _NEW}},
    ),
}


def rows(lab: Lab, invoices: int = 30_000, times: int = 3) -> list[Figure]:
    """Measure supplier invoices without files, and what a field costs that the schema lacks."""
    figures: list[Figure] = []
    for key, (words, fields) in _VARIANTS.items():
        lab.seed(invoices, extra_list_fields=fields)
        what = f"{invoices:,} {INVOICES} without files{words}"
        figures.append(_figure(key, what, _rates(lab, INVOICES, invoices, times), 2.8))
        if fields:
            share = figures[-1].ours / figures[0].ours
            figures.append(
                Figure(
                    f"{key}_share",
                    "the same: share of the rate without such a field",
                    "of the rate",
                    share,
                    goal=Goal("≥ 0.9", share, 0.9),
                )
            )
    return figures


def wide(lab: Lab, count: int = 10_000, times: int = 2) -> list[Figure]:
    """Measure lists whose rows have many fields, and objects in them."""
    figures = []
    for name in ("transactions", "client_invoices"):
        lab.seed(0, {name: count})
        rates = _rates(lab, name, count, times)
        figures.append(_figure(f"rows_{name}", f"{count:,} {name} without files", rates))
    return figures


def _rates(lab: Lab, name: str, count: int, times: int) -> tuple[float, float]:
    """Return rows per second of CPU: medians of the tap and its peer, in turns."""
    pairs = [[count / lab.sync(tap, name).cpu for tap in (OURS, PLAIN)] for _ in range(times)]
    ours, plain = (median(rates) for rates in zip(*pairs, strict=True))
    return ours, plain


def _figure(key: str, what: str, rates: tuple[float, float], goal: float | None = None) -> Figure:
    ours, plain = rates
    return Figure(
        key,
        f"rows per CPU second, {what}",
        "rows/CPU s",
        ours,
        plain,
        goal=None if goal is None else Goal(f"≥ {goal} times", ours / plain, goal),
        note=f"{ours / plain:.2f} times; medians of runs in turns, start-up included.",
    )


def memory(lab: Lab, few: int = 20_000, files: int = 48, file_size: int = 15 * MIB) -> list[Figure]:
    """Measure the most memory that a run holds."""
    lab.seed(0)
    empty, empty_plain = _peaks(lab, INVOICES)
    lab.seed(few)
    at_few, at_few_plain = _peaks(lab, INVOICES)
    return [
        Figure("memory_start", "peak memory, an empty account", "MiB", empty, empty_plain),
        Figure(
            "memory_few",
            f"peak memory, {few:,} supplier invoices without files",
            "MiB",
            at_few,
            at_few_plain,
            goal=Goal("≤ 100 MiB", at_few, 100, at_most=True),
        ),
        _with_files(lab, files, file_size),
    ]


def _with_files(lab: Lab, files: int, size: int) -> Figure:
    lab.seed(0)
    control = lab.fake.control
    for _ in range(files):
        key = control.add_attachment(size=size)
        control.add_invoice(attachment_id=key, display_attachment_id=key)
    ours, plain = _peaks(lab)
    return Figure(
        "memory_files",
        f"peak memory, {files} files of {size / MIB:.0f} MiB, 16 at a time",
        "MiB",
        ours,
        plain,
        goal=Goal("≤ 130 MiB", ours, 130, at_most=True),
        note="The plain tap fetches one at a time.",
    )


def _peaks(lab: Lab, *streams: str) -> tuple[float, float]:
    return lab.sync(OURS, *streams).peak / MIB, lab.sync(PLAIN, *streams).peak / MIB
