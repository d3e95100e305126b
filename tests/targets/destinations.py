"""Where targets load to, each set up for one and read back afterwards."""

from __future__ import annotations

import csv
import gzip
import json
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote, urlsplit

import duckdb
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tests.raw_server import running

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from tests.support import Json
    from tests.targets.values import Row

SCHEMA = "qonto"


class Destination(Protocol):
    """A place that a target loads to.

    Attributes:
        settings: The target's, for this place.
        appended: Whether each run adds its rows, so that a key's last row counts.
    """

    settings: Json
    appended: bool

    def rows(self, stream: str) -> list[Row]:
        """Return a table's rows, in the order in which they were written."""


class Postgres:
    """A schema of a PostgreSQL."""

    appended = False

    def __init__(self, url: str, schema: str, settings: Json) -> None:
        """Take any schema; the target makes it."""
        self.settings = settings | {"default_target_schema": schema}
        self._url, self._schema = url, schema

    def rows(self, stream: str) -> list[Row]:
        """Return a table's rows."""
        query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(self._schema, stream))
        with psycopg.connect(self._url) as connection:
            return connection.cursor(row_factory=dict_row).execute(query).fetchall()


class DuckDb:
    """A DuckDB file."""

    appended = False

    def __init__(self, folder: Path) -> None:
        """Take a folder for it."""
        self.path = (
            folder / "warehouse.duckdb"
        )  # named unlike the schema: DuckDB cannot tell them apart
        self.settings: Json = {"path": str(self.path), "default_target_schema": SCHEMA}

    def rows(self, stream: str) -> list[Row]:
        """Return a table's rows."""
        with duckdb.connect(str(self.path), read_only=True) as connection:
            found = connection.sql(f"SELECT * FROM {SCHEMA}.{stream}")  # noqa: S608 - a table of ours
            return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


class JsonFiles:
    """A folder with files of JSON lines, compressed or not; bare rows or Singer messages."""

    appended = True

    def __init__(self, folder: Path, settings: Json) -> None:
        """Take a folder."""
        self.settings, self._folder = settings, folder

    def rows(self, stream: str) -> list[Row]:
        """Return the rows of all files of a stream."""
        return [row for path in _files(self._folder, stream) for row in _json_rows(path)]


def _files(folder: Path, stream: str) -> list[Path]:
    found = [path for path in folder.rglob(f"{stream}*") if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns)


def _json_rows(path: Path) -> Iterator[Row]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row.get("type") == "RECORD":
                yield row["record"]
            elif row.get("type") != "SCHEMA":
                yield row


class CsvFiles:
    """A folder with CSV files, in which an empty cell is taken for null."""

    appended = True

    def __init__(self, folder: Path, settings: Json) -> None:
        """Take a folder."""
        self.settings, self._folder = settings, folder

    def rows(self, stream: str) -> list[Row]:
        """Return the rows of all files of a stream."""
        result: list[Row] = []
        csv.field_size_limit(sys.maxsize)
        for path in _files(self._folder, stream):
            with path.open(newline="", encoding="utf-8") as file:
                result += [
                    {name: value or None for name, value in row.items()}
                    for row in csv.DictReader(file, restkey="surplus")
                ]
        return result


@contextmanager
def object_store(folder: Path) -> Generator[str]:
    """Take what is put by the S3 protocol, as files in a folder; yield the endpoint."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            path = folder / unquote(urlsplit(self.path).path).lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            del format, args

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}"
