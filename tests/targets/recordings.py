"""Two runs of the tap in each way of use, recorded once and fed to every target.

That is the same as a pipe to each, as long as each hands on the state that the tap
gave it; `trials` holds them to that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.fake_qonto import TODAY
from tests.support import BOTH, INVOICES, Json, Runner, chosen
from tests.targets.values import Row, Table, flattened, source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.fake_qonto import FakeQonto

INVOICES_SEEDED = 55
WIDE = ("transactions", "client_invoices")
"""Lists with many columns once they are flattened; they are loaded in that way alone."""
STREAM_MAP = {
    INVOICES: {
        "__filter__": "status != 'discarded'",
        "supplier": "supplier_name",
        "supplier_name": "__NULL__",
        "supplier_snapshot": "__NULL__",
        "iban": "sha256(iban) if iban else None",
    }
}
WAYS: dict[str, Callable[[Path], Json]] = {
    "plain": lambda _: {},
    "flattened": lambda _: {"flattening_enabled": True, "flattening_max_depth": 10},
    "mapped": lambda _: {"stream_maps": STREAM_MAP},
    "batch": lambda folder: {
        "batch_config": {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": f"file://{folder}"},
        }
    },
}
"""Ways of use, each with the tap's settings; the folder is for files of BATCH."""
HARD_TEXTS = [
    "two\nlines, a tab\t, \"quotes\", 'apostrophes'; back\\slash \\n",
    "carriage return\r\nand line feed",
    "NULL",
    "\\N",
    "",
    "  spaces at both ends  ",
    "Žluťoučký kůň 🧾 \u2028 日本語",
    "=1+1",
]
HARD_AMOUNTS = ["99999999999999.99", "0.005", "-12.30", "0.00", "1234567.10"]
"""As texts: what a float would not keep."""


@dataclass(frozen=True)
class Run:
    """One run of the tap.

    Attributes:
        messages: What it wrote.
        state: Its last STATE.
        tables: What a destination should hold after it.
    """

    messages: bytes
    state: Json
    tables: Mapping[str, Table]


@dataclass(frozen=True)
class Recording:
    """A full run, and one after some invoices were edited and some came in."""

    way: str
    first: Run
    second: Run


def record(fake: FakeQonto, folder: Path, way: str) -> Recording:
    """Run the tap twice in a way of use.

    Args:
        fake: Gets new data.
        folder: Where files, and those of BATCH, are written; they are needed later.
        way: plain, flattened, mapped, or batch.
    """
    folder.mkdir(parents=True)
    populate(fake)
    tap = Runner.against(fake, folder)
    first = _run(fake, tap, way, None)
    change(fake)
    second = _run(fake, tap, way, first.state)
    return Recording(way, first, second)


def populate(fake: FakeQonto) -> None:
    """Fill a fake with invoices of all kinds, hard ones among them."""
    control = fake.control
    control.reset(invoices=INVOICES_SEEDED, today=TODAY)
    control.set(
        shown_digits=6,
        timestamp_style="mixed",
        matched_transactions_style="mixed",
        extra_list_fields={"from_the_future": {"share": "0.10", "tags": ["a", 'b"c']}},
    )
    # In the past, so that the second run does not read them again.
    stamp = {"created_at": "2025-06-01T00:00:00.000001Z", "updated_at": "2025-06-01T12:00:00Z"}
    for text in HARD_TEXTS:
        control.add_invoice(description=text, **stamp)
    for value in HARD_AMOUNTS:
        amount = {"value": value, "currency": "EUR"}
        control.add_invoice(total_amount=amount, payable_amount=amount, **stamp)
    control.add_invoice(meta={"connector": "regate", "unknown": {"at": 1}}, **stamp)


def change(fake: FakeQonto) -> None:
    """Do what happens between two runs."""
    control = fake.control
    open_ones = [row["id"] for row in control.invoices() if row["status"] == "to_pay"]
    control.edit_invoice(open_ones[0], status="paid", payment_date="2025-07-01")
    control.edit_invoice(open_ones[1], iban="FR7630006000011234567890189", description=None)
    control.edit_invoice(open_ones[2], total_amount={"value": "0.10", "currency": "EUR"})
    for number in ("F-2025-1", "F-2025-2"):
        control.add_invoice(status="to_review", invoice_number=number)
    for name in WIDE:
        control.edit(name, control.ids(name)[3], **{control.text_field(name): "edited"})
        control.add(name)


def _run(fake: FakeQonto, tap: Runner, way: str, state: Json | None) -> Run:
    others = WIDE if way == "flattened" else ()
    catalog = chosen(*BOTH, *others)
    output = tap.run(state=state, catalog=catalog, **WAYS[way](tap.folder / "batches"))
    if output.code != 0:
        msg = f"The tap failed ({way}): {output.sentence}"
        raise RuntimeError(msg)
    if state and way == "plain" and len(output.records()) > INVOICES_SEEDED // 2:
        msg = f"The second run read {len(output.records())} invoices, though few had changed"
        raise RuntimeError(msg)
    changes = {"flattened": flattened, "mapped": mapped}
    tables = source(fake, *others)
    return Run(output.stdout, output.state, changes.get(way, dict)(tables))


def mapped(tables: Mapping[str, Table]) -> dict[str, Table]:
    """Return the tables as `STREAM_MAP` should make them."""
    invoices = tables[INVOICES]
    kept = {key: row for key, row in invoices.rows.items() if row["status"] != "discarded"}
    kinds = {name: kind for name, kind in invoices.kinds.items() if name not in _GONE}
    return {
        INVOICES: Table(
            kinds | {"supplier": "text"},
            invoices.key,
            {key: _mapped_row(row) for key, row in kept.items()},
        )
    } | {
        stream: Table(
            table.kinds,
            table.key,
            {key: row for key, row in table.rows.items() if key[:1] in kept},
        )
        for stream, table in tables.items()
        if stream != INVOICES
    }


_GONE = {"supplier_name", "supplier_snapshot"}


def _mapped_row(row: Row) -> Row:
    rest: dict[str, Any] = {name: value for name, value in row.items() if name not in _GONE}
    hashed = row["iban"] and hashlib.sha256(row["iban"].encode()).hexdigest()
    return rest | {"supplier": row["supplier_name"], "iban": hashed}
