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


def rows(lab: Lab, invoices: int = 50_000, times: int = 3) -> list[Figure]:
    """Measure rows per second of CPU, start-up included, the tap and its peer in turns."""
    figures = []
    for key, (words, fields) in _VARIANTS.items():
        lab.seed(invoices, extra_list_fields=fields)
        pairs = [
            [invoices / lab.sync(tap, INVOICES).cpu for tap in (OURS, PLAIN)] for _ in range(times)
        ]
        ours, plain = (median(rates) for rates in zip(*pairs, strict=True))
        figures.append(
            Figure(
                key,
                f"rows per CPU second, {invoices:,} invoices without files, start-up "
                f"included{words}",
                "rows/CPU s",
                ours,
                plain,
                goal=Goal("≥ 2.8 times", ours / plain, 2.8),
                note=f"{ours / plain:.2f} times; medians of {times} runs in turns.",
            )
        )
    return figures


def wide(lab: Lab, count: int = 20_000, times: int = 3) -> list[Figure]:
    """Measure lists whose rows have many fields, and objects in them."""
    figures = []
    for name in ("transactions", "client_invoices"):
        lab.seed(0, {name: count})
        pairs = [[count / lab.sync(tap, name).cpu for tap in (OURS, PLAIN)] for _ in range(times)]
        ours, plain = (median(rates) for rates in zip(*pairs, strict=True))
        figures.append(
            Figure(
                f"rows_{name}",
                f"rows per CPU second, {count:,} {name}, start-up included",
                "rows/CPU s",
                ours,
                plain,
                note=f"{ours / plain:.2f} times; medians of {times} runs in turns.",
            )
        )
    return figures


def memory(
    lab: Lab,
    few: int = 20_000,
    many: int = 200_000,
    files: int = 48,
    file_size: int = 15 * MIB,
) -> list[Figure]:
    """Measure the most memory that a run holds."""
    lab.seed(0)
    empty, empty_plain = _peaks(lab, INVOICES)
    lab.seed(few)
    at_few, at_few_plain = _peaks(lab, INVOICES)
    lab.seed(many)
    at_many = lab.sync(OURS, INVOICES).peak / MIB
    growth = max(at_few, at_many) / min(at_few, at_many) - 1
    return [
        Figure("memory_start", "peak memory, an empty account", "MiB", empty, empty_plain),
        Figure(
            "memory_few",
            f"peak memory, {few:,} invoices without files",
            "MiB",
            at_few,
            at_few_plain,
            goal=Goal("≤ 100 MiB", at_few, 100, at_most=True),
        ),
        Figure(
            "memory_many",
            f"peak memory, {many:,} invoices without files",
            "MiB",
            at_many,
            at_few,
            f"at {few:,}",
            goal=Goal("≤ 100 MiB", at_many, 100, at_most=True),
        ),
        Figure(
            "memory_growth",
            f"the same: difference between {few:,} and {many:,}",
            "%",
            growth * 100,
            goal=Goal("≤ 10 %", growth, 0.1, at_most=True),
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
