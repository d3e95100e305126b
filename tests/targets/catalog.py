"""The targets of the matrix, and what is known that each cannot do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict

from tests.targets.destinations import CsvFiles, Destination, DuckDb, JsonFiles, Postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.support import Json

CHECKS = {
    "rows": "rows",
    "texts": "texts",
    "instants": "instants",
    "decimals": "decimals",
    "nulls": "nulls",
    "nested": "nested values",
    "again": "second run",
    "flattened": "flattening",
    "mapped": "stream map",
    "batch": "`batch_config`",
}
"""What is checked, each with its name in the table."""


@dataclass(frozen=True)
class Place:
    """Where a trial of a target may load to.

    Attributes:
        folder: A folder of its own.
        name: A name of its own, for a schema or a bucket.
        database: URL of a PostgreSQL; empty for none.
        store: Endpoint of an object store; empty for none.
        objects: The folder of that store.
    """

    folder: Path
    name: str
    database: str = ""
    store: str = ""
    objects: Path | None = None


@dataclass(frozen=True)
class Target:
    """A target.

    Attributes:
        name: Its name in the package index.
        packages: What is installed.
        command: Its program.
        loads_to: In words, what it loads to, and how.
        destination: Sets such a place up; not called for one that is unusable.
        limits: Checks that it fails in each way of use, each with the reason.
        unflattened: More checks that it fails, unless flattening is on.
        unusable: Why it cannot be used at all.
        hint: What else its users should know.
    """

    name: str
    packages: tuple[str, ...]
    command: str
    loads_to: str
    destination: Callable[[Place], Destination]
    limits: Mapping[str, str] = field(default_factory=dict)
    unflattened: Mapping[str, str] = field(default_factory=dict)
    unusable: str = ""
    hint: str = ""

    def limits_in(self, way: str) -> Mapping[str, str]:
        """Return the checks that it fails in a way of use."""
        cured = way == "flattened"
        return self.limits if cured else {**self.unflattened, **self.limits}


def _postgres_meltanolabs(place: Place) -> Destination:
    url = place.database.replace("postgresql:", "postgresql+psycopg:")
    return Postgres(place.database, place.name, {"sqlalchemy_url": url})


def _postgres_pipelinewise(place: Place) -> Destination:
    server = conninfo_to_dict(place.database)
    settings: Json = {name: str(server[name]) for name in ("host", "port", "user", "dbname")}
    return Postgres(place.database, place.name, settings | {"password": "unused"})


def _duckdb(place: Place) -> Destination:
    return DuckDb(place.folder)


def _csv(place: Place) -> Destination:
    settings: Json = {
        "output_path": str(place.folder / "out"),
        "file_naming_scheme": "{stream_name}-{timestamp}.csv",
        "timestamp_format": "%Y%m%dT%H%M%S%f",
    }
    return CsvFiles(place.folder / "out", settings)


def _jsonl(place: Place) -> Destination:
    out = place.folder / "out"
    return JsonFiles(out, {"destination_path": str(out), "do_timestamp_file": False})


def _singer_jsonl(place: Place) -> Destination:
    settings: Json = {"destination": "local", "local": {"folder": str(place.folder / "out")}}
    return JsonFiles(place.folder / "out", settings)


def _bucket(place: Place) -> tuple[Path, Json]:
    assert place.objects is not None
    return place.objects / place.name, {"s3_bucket": place.name, "aws_endpoint_url": place.store}


def _s3_jsonl(place: Place) -> Destination:
    folder, settings = _bucket(place)
    return JsonFiles(folder, settings | {"work_dir": str(place.folder)})


def _s3_csv(place: Place) -> Destination:
    folder, settings = _bucket(place)
    return CsvFiles(folder, settings | {"temp_dir": str(place.folder)})


_NO_BATCH = "It fails at the first BATCH message. Leave `batch_config` unset."
_NO_EMPTY = "Empty text becomes null."
_CSV_NULLS = "CSV cannot tell empty text from null."
_NOT_JSON = (
    "It writes objects and lists as Python (`{'value': '22.10'}`), not as JSON. Turn flattening on."
)
_MIXED_UP = (
    "It writes only the columns that a row has, so values silently end up in wrong columns. Turn "
    "flattening on."
)

TARGETS = (
    Target(
        "meltanolabs-target-postgres",
        ("meltanolabs-target-postgres~=0.8.1",),
        "target-postgres",
        "PostgreSQL, by key; objects as `jsonb`",
        _postgres_meltanolabs,
    ),
    Target(
        "pipelinewise-target-postgres",
        ("pipelinewise-target-postgres~=2.1",),
        "target-postgres",
        "PostgreSQL, by key; objects as `jsonb`",
        _postgres_pipelinewise,
        {
            "texts": "A line break or tab becomes two characters, `\\n` or `\\t`.",
            "nulls": _NO_EMPTY,
            "batch": _NO_BATCH,
        },
    ),
    Target(
        "target-duckdb",
        ("target-duckdb~=0.8.0", "duckdb<1.3"),
        "target-duckdb",
        "DuckDB, a columnar file, by key; objects as `json`",
        _duckdb,
        {"nulls": _NO_EMPTY, "batch": _NO_BATCH},
        hint="Install `duckdb<1.3` with it: with newer versions it can silently lose the first row "
        "of a batch. Amounts that Qonto sends as numbers become doubles; their `_cents` columns "
        "are exact.",
    ),
    Target(
        "target-jsonl",
        ("target-jsonl~=0.1.4",),
        "target-jsonl",
        "JSON lines, appended",
        _jsonl,
        {"batch": _NO_BATCH},
    ),
    Target(
        "meltanolabs-target-csv",
        ("meltanolabs-target-csv~=0.5.0",),
        "target-csv",
        "CSV, a file for each run",
        _csv,
        {"nulls": _CSV_NULLS},
        unflattened={"decimals": _NOT_JSON, "nested": _NOT_JSON},
        hint="Each run replaces the files of the run before. Set "
        '`file_naming_scheme: "{stream_name}-{timestamp}.csv"` to keep them.',
    ),
    Target(
        "target-singer-jsonl",
        ("target-singer-jsonl~=0.1.0",),
        "target-singer-jsonl",
        "Singer messages, gzipped, a file for each run",
        _singer_jsonl,
        {"batch": _NO_BATCH},
    ),
    Target(
        "target-s3-jsonl",
        ("target-s3-jsonl~=2.0",),
        "target-s3-jsonl",
        "JSON lines on S3, a file for each run",
        _s3_jsonl,
        {"batch": "It skips BATCH messages with only a warning. Leave `batch_config` unset."},
    ),
    Target(
        "pipelinewise-target-s3-csv",
        ("pipelinewise-target-s3-csv~=2.0",),
        "target-s3-csv",
        "CSV on S3, a file for each run",
        _s3_csv,
        {"nulls": _CSV_NULLS, "batch": _NO_BATCH},
        unflattened=dict.fromkeys(
            ("rows", "texts", "instants", "decimals", "nested", "again", "mapped"), _MIXED_UP
        ),
    ),
    Target(
        "target-parquet",
        ("target-parquet==0.0.1",),
        "target-parquet",
        "Parquet",
        _jsonl,
        unusable="It requires pandas 0.24.2 and pyarrow 0.13.0, which no supported Python has.",
    ),
    Target(
        "target-sqlite",
        ("target-sqlite==0.2.0",),
        "target-sqlite",
        "SQLite",
        _jsonl,
        unusable="It requires SQLAlchemy 1.2, which does not work on Python 3.10 or newer.",
    ),
)

QUICK = {
    "target-jsonl": ["plain"],
    "meltanolabs-target-csv": ["flattened", "batch"],
    "target-duckdb": ["mapped"],
}
"""The short form: targets that install in seconds, and ways that show the most."""
FOR_TESTS = [*QUICK, "meltanolabs-target-postgres"]
"""Those, and the one that the cookbook's tests load PostgreSQL with."""
