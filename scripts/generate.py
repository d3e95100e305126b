"""Rewrites what is made from the code and its figures: ``python -m scripts.generate``.

Each piece stands between two lines of its file that name it, ``begin NAME`` and
``end NAME``; a test holds them equal to the code.
"""

from __future__ import annotations

import json
import re
import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from bench.figures import shown
from tap_qonto.settings.authentication import WAYS
from tap_qonto.settings.declaration import SETTINGS
from tap_qonto.streams import STREAMS, SyncLog
from tap_qonto.tap import TapQonto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ROOT = Path(__file__).parents[1]
# Meltano 4.4 fails to write a setting of kind decimal that comes from the environment.
_KINDS = {"number": "integer"}


def settings(schema: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and shape of each setting, those inside of objects by dotted name."""
    for name, shape in schema["properties"].items():
        if shape.get("properties"):
            for inner, inner_shape in settings(shape):
                label = inner_shape.get("title") or inner.replace("_", " ")
                yield f"{name}.{inner}", inner_shape | {"title": f"{shape['title']}: {label}"}
        else:
            yield name, shape


def settings_of_meltano() -> list[dict[str, Any]]:
    """Return the settings of the tap as Meltano wants them, with those of the SDK."""
    schema = {"properties": dict(SETTINGS["properties"])}
    TapQonto.append_builtin_config(schema)
    return [_setting_of_meltano(name, shape) for name, shape in settings(schema)]


def _setting_of_meltano(name: str, shape: Mapping[str, Any]) -> dict[str, Any]:
    setting: dict[str, Any] = {
        "name": name,
        "kind": _kind(shape),
        "label": shape["title"],
        "description": shape["description"],
    }
    if "enum" in shape:
        setting["options"] = [{"label": value, "value": value} for value in shape["enum"]]
    if shape.get("secret"):
        setting["sensitive"] = True
    if "default" in shape:
        setting["value"] = shape["default"]
    return setting


def _kind(shape: Mapping[str, Any]) -> str:
    if "enum" in shape:
        return "options"
    if shape.get("format") in {"date", "date-time"}:
        return "date_iso8601"
    return _KINDS.get(_type(shape), _type(shape))


def _type(shape: Mapping[str, Any]) -> str:
    types = shape.get("type", "string")
    return str(next(kind for kind in types if kind != "null") if isinstance(types, list) else types)


def selected_by_default() -> list[str]:
    """Return the rules of Meltano for the choice that the tap's catalog makes by default.

    Meltano's own default, `*.*`, knows nothing of what is left out.
    """
    return ["*.*", *(f"!{each.name}.*" for each in STREAMS if not each.selected_by_default)]


def plugin() -> str:
    """Write what Meltano has to know of the tap, as part of its definition."""
    definition = {
        "capabilities": sorted(capability.value for capability in TapQonto.capabilities),
        "settings_group_validation": [list(names) for names in WAYS.values()],
        "settings": settings_of_meltano(),
        "select": selected_by_default(),
    }
    text = yaml.safe_dump(definition, allow_unicode=True, sort_keys=False, width=100)
    return textwrap.indent(text, "    ").rstrip()


def list_of_ways() -> str:
    """Write the ways of authentication, each with its settings."""
    ways = [f"- {way}: {', '.join(f'`{name}`' for name in names)}" for way, names in WAYS.items()]
    return "\n".join(ways)


def table_of_settings() -> str:
    """Write the table of the tap's own settings."""
    rows = [("setting", "type", "default", "meaning"), ("---",) * 4]
    for name, shape in settings(SETTINGS):
        kind = "secret" if shape.get("secret") else shape.get("format") or _type(shape)
        default = f"`{_text(shape['default'])}`" if "default" in shape else ""
        rows.append((f"`{name}`", kind, default, shape["description"]))
    return _table(rows)


HEAD = ("stream", "rows", "key", "how it is read", "scope", "API key")
"""What the table of streams says of each."""
_ACCESS = {
    "any": "yes",
    "oauth": "no, OAuth only",
    "unsure": "tried; skipped if Qonto refuses it",
}


def facts_of(stream: Any) -> tuple[str, ...]:
    """Return the facts of a stream in words, in the order of `HEAD`."""
    name = f"`{stream.name}`" + ("" if stream.selected_by_default else " (not by default)")
    return (
        name,
        str(stream.__doc__).splitlines()[0],
        ", ".join(f"`{column}`" for column in stream.primary_keys),
        _reading(stream),
        f"`{stream.scope}`" if stream.scope else "none",
        _ACCESS[_access(stream)],
    )


def _access(stream: Any) -> str:
    """Tell whether a key can read a stream: files come with their list."""
    parent = stream.parent_stream_type
    return str(parent.access if parent and stream.access == "any" else stream.access)


def _reading(stream: Any) -> str:
    """Say in words how a stream is read."""
    if stream is SyncLog:
        return "written when a stream ends"
    parent = stream.parent_stream_type
    return f"with `{parent.name}`" if parent else str(stream.ways[0].in_words)


def table_of_streams() -> str:
    """Write the table of streams."""
    return _table([HEAD, ("---",) * len(HEAD), *map(facts_of, STREAMS)])


def table_of_edits() -> str:
    """Write what is lost when invoices are edited while they are read."""
    found = _measured()
    rates = (0, 1, 20)
    invoices = re.search(r"[\d,]+ invoices", found["rows_unseen_0"]["figure"])
    head = (invoices or [""])[0]
    rows = [
        (f"{head}, edited while they are read", *(f"{rate} a page" for rate in rates)),
        ("---",) * (1 + len(rates)),
    ]
    for words, key, who in (
        ("rows never seen: tap-qonto", "rows_unseen", "ours"),
        ("rows never seen: the guide's pattern", "rows_unseen", "peer"),
        ("requests: tap-qonto", "requests", "ours"),
        ("requests: the guide's pattern", "requests", "peer"),
    ):
        rows.append((words, *(shown(found[f"{key}_{rate}"][who]) for rate in rates)))
    return _table(rows)


def table_of_figures() -> str:
    """Write a choice of the figures beside the plain SDK tap."""
    found = _measured()
    rows: list[tuple[str, ...]] = [("", "tap-qonto", "plain SDK tap"), ("---",) * 3]
    for words, key, unit in (
        ("files of a backfill, answers after 200 ms", "files_per_second", "files/s"),
        ("the same: share of what Qonto's limit allows", "files_share", ""),
        ("{} supplier invoices, answers after 200 ms", "supplier_invoices_rate", "rows/s"),
        ("{} transactions of four accounts", "transactions_rate", "rows/s"),
        ("the same, `list_concurrency` 32", "transactions_many", "rows/s"),
        ("rows lost of {} transactions, 20 edited per page", "transactions_edited", ""),
        ("a quiet night of all streams, after start-up", "night", "s"),
        ("the same: API calls", "night_calls", ""),
        ("rows per CPU second, {} supplier invoices", "rows", ""),
        ("log lines for {} invoices with their files", "log_lines", ""),
        ("{} invoices with their files into target-duckdb", "load_target_duckdb", "s"),
        ("into pipelinewise-target-postgres", "load_pipelinewise_target_postgres", "s"),
        ("start-up: `tap-qonto --discover`", "start_discover", "ms"),
    ):
        if figure := found.get(key):
            size = re.search(r"\b\d[\d,]*(?= )", figure["figure"])
            pair = (f"{shown(figure[who])} {unit}".strip() for who in ("ours", "peer"))
            rows.append((words.format(size and size[0]), *pair))
    return f"{_table(rows)}\n\n{_goals(found.values())}"


def _goals(figures: Iterable[Mapping[str, Any]]) -> str:
    """Say how many goals were reached, and how many were missed."""
    reached = [figure["reached"] for figure in figures if figure["reached"] is not None]
    missed = reached.count(False)
    words = "all of them" if not missed else f"{len(reached) - missed}; {missed} are missed"
    return f"Of the {len(reached)} goals in this run, tap-qonto reaches {words}."


def quoted(piece: str) -> Callable[[], str]:
    """Return a function that quotes a piece of the quick start, with links as README has them."""

    def quote() -> str:
        page = (ROOT / "docs" / "quick-start.md").read_text("utf-8")
        text = page.partition(f"<!-- begin {piece} -->\n")[2]
        text = text.partition(f"\n<!-- end {piece} -->")[0]
        return re.sub(r"\]\((?=[\w-]+\.md)", "](docs/", text)

    return quote


def _measured() -> dict[str, Any]:
    run = json.loads((ROOT / "docs" / "benchmarks.json").read_text("utf-8"))
    return {figure["key"]: figure for figure in run["figures"]}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def recipe(path: Path) -> str:
    """Write a recipe of the cookbook as it stands on its page."""
    return f"```sql\n{path.read_text('utf-8')}```"


PIECES: dict[str, dict[str, Callable[[], str]]] = {
    "README.md": {
        "edits": table_of_edits,
        "figures": table_of_figures,
        "install": quoted("install"),
        "quick-start": quoted("quick-start"),
        "settings": table_of_settings,
        "streams": table_of_streams,
        "ways": list_of_ways,
    },
    "docs/cookbook.md": {
        path.stem: partial(recipe, path) for path in sorted((ROOT / "docs/cookbook").glob("*.sql"))
    },
    "meltano.yml": {"tap-qonto": plugin},
}
"""The files, and what is made in each."""


def rewrite(name: str, text: str) -> str:
    """Return a file's text with each piece made anew.

    Raises:
        ValueError: A piece has no place in the text.
    """
    for piece, make in PIECES[name].items():
        place = re.compile(rf"(begin {piece}\b[^\n]*\n).*?(?=[^\n]*end {piece}\b)", re.DOTALL)
        parts = place.split(text)
        if len(parts) != 3:  # noqa: PLR2004 - before, the line that begins it, after
            msg = f"{name} needs one place between 'begin {piece}' and 'end {piece}'"
            raise ValueError(msg)
        text = f"{parts[0]}{parts[1]}{make()}\n{parts[2]}"
    return text


def main() -> None:
    """Rewrite the files."""
    for name in PIECES:
        path = ROOT / name
        path.write_text(rewrite(name, path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
