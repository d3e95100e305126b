"""The page ``docs/targets.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.stack import ROOT
from tests.targets.catalog import CHECKS, TARGETS

if TYPE_CHECKING:
    from tests.targets.catalog import Target

PAGE = ROOT / "docs" / "targets.md"
_TEXT = """\
# Targets

<!-- Written by "make targets". -->

What the tap writes was loaded by each of these targets from the package index and read back.
Every value of both streams was compared with what Qonto has: after a full run, and after a
second run that read only what had changed.

{table}

- **rows**: all rows, each once (or, where runs are appended, the last one of each key), with the
  right columns, numbers and flags.
- **texts**: texts are as they were, with line breaks, quotes, backslashes, emoji.
- **instants**: time stamps mean the same microsecond, around both changes of clocks too.
- **decimals**: amounts have exactly the digits that Qonto gave.
- **nulls**: null is null, and empty text is empty text.
- **nested values**: objects and lists are whole.
- **second run**: what was edited is there in its new version, what is new is there, and the
  target hands on the state.
- **flattening**: `flattening_enabled: true`, `flattening_max_depth: 10` of the tap.
- **stream map**: a column renamed, one removed, rows filtered (with their files), `iban` hashed:

  ```yaml
  stream_maps:
    supplier_invoices:
      __filter__: status != 'discarded'
      supplier: supplier_name
      supplier_name: null
      supplier_snapshot: null # holds the IBAN too
      iban: sha256(iban) if iban else None
  ```

- **`batch_config`**: invoices by files (`jsonl`, `gzip`) instead of messages. It is meant for
  targets of the Meltano SDK.

## Why not

{reasons}

## Good to know

{hints}

## Not to be used

These are in the package index, but were not usable:

{unusable}
- `target-s3-delta`: It writes all streams of a run into one table, by way of one folder of the
  machine; seen in its source.
"""


def page() -> str:
    """Return the page's text; it tells what the trials hold the catalog to."""
    notes: list[str] = []
    head = ["target (what `pip` installs)", "loads to", *CHECKS.values()]
    rows = [head, ["---"] * len(head)]
    rows += [
        [f"`{' '.join(target.packages)}`", target.loads_to, *_cells(target, notes)]
        for target in TARGETS
        if not target.unusable
    ]
    return _TEXT.format(
        table="\n".join(f"| {' | '.join(row)} |" for row in rows),
        reasons="\n".join(f"{number}. {note}" for number, note in enumerate(notes, start=1)),
        unusable="\n".join(
            f"- `{target.name}`: {target.unusable}" for target in TARGETS if target.unusable
        ),
        hints="\n".join(f"- `{target.name}`: {target.hint}" for target in TARGETS if target.hint),
    )


def _cells(target: Target, notes: list[str]) -> list[str]:
    reasons = target.limits_in("plain")
    cells = []
    for check in CHECKS:
        reason = reasons.get(check)
        if reason and reason not in notes:
            notes.append(reason)
        cells.append(f"no ({notes.index(reason) + 1})" if reason else "yes")
    return cells
