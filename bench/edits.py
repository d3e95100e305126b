"""What is lost when invoices are edited while they are read: the guide's pattern, and ours."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

import requests

from bench.figures import Figure, Goal
from bench.lab import OURS
from tests.support import INVOICES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.lab import Lab
    from tests.fake_qonto import FakeQonto, FakeQontoProcess
    from tests.support import Json

GUIDE = "guide's pattern"
PAGE = 100
WORKERS = 8
"""As many as there are by default."""
_LIST = "/v2/supplier_invoices"
_CROWDED = (
    "No bound was promised here: all edits fall within a few seconds, so that one second fills "
    "whole pages, which takes a window of its own. And the guide's pattern saves the requests "
    "for what it skips."
)


class Outcome(NamedTuple):
    """What a run under edits, and a quiet one after it, came to.

    Attributes:
        unseen: Invoices that neither has read.
        stale: Invoices of which both have read an old version alone.
        requests: Calls of the list, of both runs.
    """

    unseen: int
    stale: int
    requests: int


class Guide:
    """The list read as Qonto's guide on syncing supplier invoices shows it.

    The window is closed at the start, pages are counted up, and the next sync begins
    where the window ended.

    Args:
        fake: Whom to ask.
    """

    def __init__(self, fake: FakeQonto | FakeQontoProcess) -> None:
        """Begin with all history."""
        self._url = fake.url + _LIST
        self._key = f"{fake.login}:{fake.secret_key}"
        self._last_sync: str | None = None

    def sync(self) -> Iterable[Json]:
        """Yield the rows of the window, page by page."""
        now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        params = {"sort_by": "updated_at:asc", "per_page": str(PAGE), "filter[updated_at_to]": now}
        if self._last_sync:
            params["filter[updated_at_from]"] = self._last_sync
        page: int | None = 1
        with requests.Session() as session:
            session.headers["Authorization"] = self._key
            while page:
                answer = session.get(self._url, params=params | {"page": str(page)}, timeout=60)
                answer.raise_for_status()
                body = answer.json()
                yield from body["supplier_invoices"]
                page = body["meta"]["next_page"]
        self._last_sync = now


class Nightly:
    """A tap, each run with the state of the one before.

    Args:
        lab: Where it runs.
        tap: Its module.
        name: Of the list.
    """

    def __init__(self, lab: Lab, tap: str = OURS, name: str = INVOICES) -> None:
        """Begin without a state."""
        self._lab = lab
        self._tap = tap
        self._name = name
        self._state: Json | None = None

    def sync(self) -> Iterable[Json]:
        """Return the rows of a run."""
        output = self._lab.sync(self._tap, self._name, state=self._state).output
        self._state = output.state
        return output.records(self._name)


def under_edits(
    lab: Lab,
    reader: Guide | Nightly,
    per_page: int,
    name: str = INVOICES,
    field: str = "description",
) -> Outcome:
    """Read a list while it is edited before each page but the first, then once in peace.

    The edits end after as many requests as two readings take: what is edited without an
    end is only chased until the window closes.

    Args:
        lab: Where it is read.
        reader: Reads it.
        per_page: How many rows are edited.
        name: Of the list.
        field: What each edit writes anew.
    """
    control = lab.fake.control
    control.clear_requests()
    pages = -(-len(control.values(name, field)) // PAGE)
    control.after_request(2 * pages, {"op": "edit_every_request", "count": 0, "list": name})
    control.edit_every_request(per_page, name)
    held = {row["id"]: row.get(field) for row in reader.sync()}
    control.edit_every_request(0, name)
    held |= {row["id"]: row.get(field) for row in reader.sync()}
    truth = control.values(name, field)
    return Outcome(
        unseen=len(truth.keys() - held.keys()),
        stale=sum(held[key] != truth[key] for key in truth.keys() & held.keys()),
        requests=control.count("api", f"/{name}$"),
    )


def compared(lab: Lab, invoices: int, per_page: int) -> tuple[Outcome, Outcome]:
    """Return what came of ours and of the guide's pattern, under the same edits."""
    lab.seed(invoices)
    ours = under_edits(lab, Nightly(lab), per_page)
    lab.seed(invoices)
    return ours, under_edits(lab, Guide(lab.fake), per_page)


def edits(lab: Lab, invoices: int = 5000) -> list[Figure]:
    """Compare under no edits, some, and many."""
    figures = []
    for per_page in (0, 1, 20):
        ours, guide = compared(lab, invoices, per_page)
        more = ours.requests - guide.requests
        goal = Goal("≤ 1.5 more for each worker", more, 1.5 * WORKERS, at_most=True)
        is_crowded = _fullest_second(lab) >= PAGE
        where = f"{invoices:,} invoices, {per_page} edited per page"
        figures += [
            _lost(f"rows_unseen_{per_page}", f"rows never read, {where}", ours[0], guide[0]),
            _lost(f"rows_stale_{per_page}", "the same: rows left stale", ours[1], guide[1]),
            Figure(
                f"requests_{per_page}",
                "the same: requests of both runs",
                "requests",
                ours.requests,
                guide.requests,
                GUIDE,
                None if is_crowded else goal,
                _CROWDED if is_crowded else "",
            ),
        ]
    return figures


def _fullest_second(lab: Lab) -> int:
    seconds = Counter(row["updated_at"] for row in lab.fake.control.invoices())
    return max(seconds.values())


def _lost(key: str, words: str, ours: int, guide: int) -> Figure:
    return Figure(key, words, "rows", ours, guide, GUIDE, Goal("0", ours, 0, at_most=True))
