"""A whole account: all of it from nothing, and a night in which nothing has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bench.backfill import LATENCY
from bench.figures import Figure, Goal
from bench.lab import LISTS, OURS, PLAIN
from tap_qonto.streams import STREAMS
from tests.support import INVOICES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.lab import Lab

SMALL = {INVOICES: 200, "transactions": 300}
"""Each list that is read whole fits into a page."""
LARGE = {
    INVOICES: 500,
    "transactions": 2000,
    "statements": 240,
    "clients": 600,
    "client_invoices": 300,
    "credit_notes": 150,
    "quotes": 250,
    "products": 350,
    "labels": 150,
    "requests": 250,
    "cards": 150,
    "memberships": 120,
    "direct_debit_mandates": 150,
    "direct_debit_collections": 350,
}
"""Each list that a grown company has many rows in takes some pages."""
_ALL = [stream.name for stream in STREAMS if stream.selected_by_default]
_BY_PLAIN = [stream.name for stream in LISTS]
_WHERE = f"{LATENCY * 1000:.0f} ms latency"
_LISTS_ALONE = "The plain tap reads the lists alone, one after the other, and no file."


class Nights(NamedTuple):
    """What reading an account took: all of it, then what has changed since, which is nothing.

    Attributes:
        first: Seconds for all of it.
        first_calls: API calls of that.
        files: Files that came with it.
        quiet: Seconds of the quiet night, without start-up.
        quiet_calls: API calls of that.
    """

    first: float
    first_calls: int
    files: int
    quiet: float
    quiet_calls: int


def account(
    lab: Lab, small: Mapping[str, int] = SMALL, large: Mapping[str, int] = LARGE
) -> list[Figure]:
    """Measure a small company's account and a larger one, with all streams of the default."""
    startup = {tap: lab.command(tap, "--version").wall for tap in (OURS, PLAIN)}
    ours, plain = (_nights(lab, small, tap, startup[tap]) for tap in startup)
    ours_large, plain_large = (_nights(lab, large, tap, startup[tap]) for tap in startup)
    more = ours_large.quiet_calls - ours.quiet_calls
    cost = (
        f"{_LISTS_ALONE} A list that is read whole costs a call for each 100 rows. These are "
        f"{more} calls more than the small company's, of the 10,000 that Qonto allows in ten "
        f"minutes, and {ours_large.quiet - ours.quiet:.1f} s more."
    )
    return [
        Figure(
            "account",
            f"larger account from nothing, all streams and {ours_large.files:,} files, {_WHERE}",
            "s",
            ours_large.first,
            plain_large.first,
            note=_LISTS_ALONE,
        ),
        Figure(
            "account_calls",
            "the same: API calls",
            "requests",
            ours_large.first_calls,
            plain_large.first_calls,
        ),
        *_quiet("night", "small company", ours, plain, _LISTS_ALONE),
        *_quiet("night_large", "larger account", ours_large, plain_large, cost),
    ]


def _quiet(key: str, words: str, ours: Nights, plain: Nights, note: str) -> list[Figure]:
    is_small = key == "night"
    return [
        Figure(
            key,
            f"quiet night of a {words}, all streams, {_WHERE}: after start-up",
            "s",
            ours.quiet,
            plain.quiet,
            goal=Goal("≤ 3 s", ours.quiet, 3, at_most=True),
            note=note,
        ),
        Figure(
            f"{key}_calls",
            "the same: API calls",
            "requests",
            ours.quiet_calls,
            plain.quiet_calls,
            goal=Goal("≤ 45", ours.quiet_calls, 45, at_most=True) if is_small else None,
        ),
    ]


def _nights(lab: Lab, rows: Mapping[str, int], tap: str, startup: float) -> Nights:
    others = {name: count for name, count in rows.items() if name != INVOICES}
    lab.seed(rows[INVOICES], others, latency=LATENCY, file_latency=LATENCY)
    control = lab.fake.control
    settings = {"attachments": {"location": str(lab.folder / "shelf")}} if tap == OURS else {}
    names = _ALL if tap == OURS else _BY_PLAIN
    control.clear_requests()
    first = lab.sync(tap, *names, **settings)
    calls, files = control.count("api"), control.count("files")
    control.clear_requests()
    quiet = lab.sync(tap, *names, state=first.state, **settings)
    return Nights(first.wall, calls, files, quiet.wall - startup, control.count("api"))
