"""A list of any length, whose rows are made when they are asked for."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from tests.raw_server import running

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from tests.support import Json

_BEGIN = datetime(1990, 1, 1, tzinfo=timezone.utc)
_ID, _AT = "00000000-0000-0000-0000-@", "1990-01-01T00:00:00.@Z"


class Endless:
    """Supplier invoices, one changed in each second from 1990 on.

    Args:
        like: The row that all rows repeat, but for `id` and `updated_at`.
        count: How many there are.
    """

    def __init__(self, like: Json, count: int) -> None:
        """Cut the row into what stays and what changes."""
        text = json.dumps(like | {"id": _ID, "updated_at": _AT}, separators=(",", ":"))
        self._head, rest = text.split(_ID)
        self._middle, self._tail = rest.split(_AT)
        self._count = count

    def page(self, query: Mapping[str, Sequence[str]]) -> bytes:
        """Answer a request of the list."""
        low = max(self._place(query, "from", 0, up=True), 0)
        high = min(self._place(query, "to", self._count - 1, up=False) + 1, self._count)
        total = max(high - low, 0)
        size, page = int(query["per_page"][0]), int(query.get("page", ["1"])[0])
        places = range(low, high)
        if query.get("sort_by", [""])[0].endswith("desc"):
            places = places[::-1]
        rows = ",".join(map(self._row, places[(page - 1) * size : page * size]))
        pages = -(-total // size)
        meta = {
            "current_page": page,
            "next_page": page + 1 if page < pages else None,
            "total_pages": pages,
            "total_count": total,
            "per_page": size,
        }
        return f'{{"supplier_invoices":[{rows}],"meta":{json.dumps(meta)}}}'.encode()

    def _row(self, place: int) -> str:
        moment = (_BEGIN + timedelta(seconds=place)).strftime("%Y-%m-%dT%H:%M:%SZ")
        key = f"00000000-0000-0000-0000-{place:012d}"
        return f"{self._head}{key}{self._middle}{moment}{self._tail}"

    @staticmethod
    def _place(query: Mapping[str, Sequence[str]], end: str, default: int, *, up: bool) -> int:
        found = query.get(f"filter[updated_at_{end}]")
        if not found:
            return default
        since = datetime.fromisoformat(found[0].replace("Z", "+00:00")) - _BEGIN
        whole, rest = divmod(since, timedelta(seconds=1))
        return whole + (up and bool(rest))


@contextmanager
def served(rows: Endless, organization: Json) -> Generator[str]:
    """Serve a list and the organization that it is of; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.endswith("/organization"):
                body = json.dumps({"organization": organization}).encode()
            else:
                body = rows.page(parse_qs(parts.query))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}"
