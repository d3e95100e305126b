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

Each of these targets loaded the tap's output. Then every value of `supplier_invoices` and
`attachments` was read back and compared with Qonto's: after a full run, and after a second run that
read only changes.

{table}

- **rows**: all rows, each once (the latest per key if the target appends), with the right columns,
  numbers and booleans.
- **texts**: text is unchanged, including line breaks, quotes, backslashes and emoji.
- **instants**: time stamps mean the same microsecond, also around both daylight saving changes.
- **decimals**: amounts have exactly Qonto's digits.
- **nulls**: null stays null, and empty text stays empty text.
- **nested values**: objects and lists are complete.
- **second run**: edited rows have their new version, new rows are there, and the target emits the
  state.
- **flattening**: `flattening_enabled: true`, `flattening_max_depth: 10` of the tap, also for
  `transactions` and `client_invoices`, which have the most columns then.
- **stream map**: one column renamed, one removed, rows filtered (with their files), `iban` hashed.
  `__NULL__` removes a column. So does `null`, but not through Meltano, which drops nulls.

  ```yaml
  stream_maps:
    supplier_invoices:
      __filter__: status != 'discarded'
      supplier: supplier_name
      supplier_name: __NULL__
      supplier_snapshot: __NULL__ # also contains the IBAN
      iban: sha256(iban) if iban else None
  ```

- **`batch_config`**: invoices in files (`jsonl`, `gzip`) instead of RECORD messages, for targets
  built with the Meltano SDK.

## Limits

{reasons}

## Good to know

{hints}

## Columns in their types

What a column is after loading, and the cast that gives the right type. In files (JSON lines, CSV)
amounts are texts or numbers with all digits, times are ISO 8601 in UTC, dates `YYYY-MM-DD`.

| for example | `meltanolabs-target-postgres` | `pipelinewise-target-postgres` | `target-duckdb` | cast |
| --- | --- | --- | --- | --- |
| `supplier_invoices.total_amount` | jsonb | jsonb | json | `(total_amount ->> 'value')::numeric(38, 4)`, `total_amount ->> 'currency'` |
| `transactions.amount` | numeric | double precision | double | `amount::numeric(38, 4)` |
| `transactions.amount_cents` | bigint | numeric | hugeint | `amount_cents::bigint` |
| `transactions.emitted_at` | timestamp without time zone | timestamp without time zone | timestamp | `emitted_at AT TIME ZONE 'UTC'` |
| `supplier_invoices.due_date` | date | character varying | varchar | `due_date::date` |
| `transactions.attachment_required` | boolean | boolean | boolean | |
| `supplier_invoices.taxes` (objects) | jsonb[] | jsonb | json | `to_jsonb(taxes)` on PostgreSQL |
| `transactions.label_ids` (texts) | text[] | jsonb | json | `to_jsonb(label_ids)` on PostgreSQL |

- `transactions.amount` as a double is right to the cent after the cast; `amount_cents` is exact in
  any case. In euros, `amount_cents / 100.0` is the same.
- `location` of a file is where it was stored. To join rows with files that were moved, use the last
  part, which begins with the file's id: `regexp_replace(location, '^.*[/\\\\]', '')`.
- The [dbt models](reports.md#staging) do all of this.

## PostgreSQL in UTC

Targets for PostgreSQL store times in columns without a time zone, as the clock of their session
shows them. If the database is in Europe/Paris, 00:50 UTC becomes 01:50. So keep the session in UTC.
The `meltano.yml` of this repository does that. In your own project, add the loader by the
definition that comes with the tap:

```bash
meltano add target-postgres --from-ref /path/to/clone/hub/target-postgres.yml
```

Or add these lines to your loader:

```yaml
plugins:
  loaders:
  - name: target-postgres
    env:
      PGTZ: UTC
```

Without Meltano, set the environment variable `PGTZ=UTC` for the target. Or set the time zone of the
database user that loads:

```sql
ALTER ROLE CURRENT_USER SET timezone TO 'UTC';
```

[This query](cookbook.md#are-times-in-utc) shows whether it works. Rows that were loaded before
stay as they are; to correct them, run once with `--full-refresh`.

## Not usable

These are on PyPI, but do not work:

{unusable}
- `target-s3-delta`: It writes all streams of a run into one table, through one folder on the
  machine, as its source shows.
"""  # noqa: E501 - tables


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
