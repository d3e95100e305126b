"""Whatever changes while a sync runs, the next quiet run brings the destination up."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.destination import Destination, unlimited
from tests.support import FILES, INVOICES, Runner, chosen

if TYPE_CHECKING:
    from tests.fake_qonto import FakeQonto

EXAMPLES = int(os.environ.get("TAP_QONTO_EXAMPLES", "200"))
"""`make soak` asks for more, and for others at each run."""
SELECTIONS = [[INVOICES], [INVOICES, FILES]]
"""With files, the tap reads ahead of what it writes."""
STARTS = [
    datetime(2026, 3, 29, 0, 59, 58, tzinfo=timezone.utc),  # clocks go forward
    datetime(2026, 10, 25, 0, 59, 58, tzinfo=timezone.utc),  # and back
    datetime(2026, 6, 1, 12, 0, 0, tzinfo=timezone.utc),
]


class Change(NamedTuple):
    """One thing that somebody does between two requests."""

    kind: str
    which: int


class World(NamedTuple):
    """Invoices, the ways in which Qonto may answer, and what happens meanwhile."""

    page_size: int
    groups: list[tuple[int, int]]
    start: datetime
    tick: timedelta
    knobs: dict[str, Any]
    changes: list[list[Change]]
    lookback: int
    streams: list[str]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    page_size = draw(st.sampled_from([1, 2, 3, 7, 10, 25, 50, 100]))
    # Enough for several pages, and few enough to be read in a moment.
    most = 1000 if page_size >= 50 else page_size * 6
    group = st.one_of(st.integers(1, 3), st.integers(1, most))
    groups = draw(st.lists(st.tuples(group, st.integers(0, 30)), max_size=6))
    changes = st.lists(
        st.builds(
            Change,
            st.sampled_from(["edit", "edit", "edit", "delete", "create"]),
            st.integers(0, 5000),
        ),
        max_size=6,
    )
    return World(
        page_size,
        groups,
        draw(st.sampled_from(STARTS)),
        draw(
            st.sampled_from(
                [
                    timedelta(seconds=1),
                    timedelta(milliseconds=1),
                    timedelta(microseconds=1),
                    timedelta(hours=1),
                ]
            )
        ),
        draw(
            st.fixed_dictionaries(
                {
                    "lower_inclusive": st.booleans(),
                    "upper_inclusive": st.booleans(),
                    "filter_resolution": st.sampled_from(["exact", "second"]),
                    "shown_digits": st.sampled_from([0, 3, 6]),
                    "timestamp_style": st.sampled_from(["local", "utc", "mixed"]),
                    "next_page_style": st.sampled_from(["null", "absent", "zero"]),
                    "past_last_page": st.sampled_from([422, "empty"]),
                    "sort_by_updated_at": st.sampled_from([True, True, True, False]),
                }
            )
        ),
        draw(st.lists(changes, max_size=12)),
        draw(st.sampled_from([0, 300])),
        draw(st.sampled_from(SELECTIONS)),
    )


def invoice_at(instant: datetime) -> dict[str, Any]:
    stamp = instant.isoformat()
    return {
        "created_at": stamp,
        "updated_at": stamp,
        "attachment_id": None,
        "display_attachment_id": None,
    }


def populate(fake: FakeQonto, world: World) -> None:
    fake.control.reset(invoices=0)
    fake.control.set(**world.knobs)
    instant, rows = world.start, []
    for size, gap in world.groups:
        rows += [invoice_at(instant) for _ in range(size)]
        instant += world.tick * gap
    fake.control.add_invoices(rows)


def change_between_requests(fake: FakeQonto, changes: list[list[Change]]) -> None:
    """Let the changes happen before the second request, the third, and so on."""
    control, due = fake.control, iter([[], *changes])

    def hook(_: dict[str, Any]) -> None:
        for kind, which in next(due, []):
            ids = control.invoice_ids()
            if kind == "create":
                control.add_invoice(attachment_id=None, display_attachment_id=None)
            elif ids and kind == "delete":
                control.delete_invoice(ids[which % len(ids)])
            elif ids:
                control.edit_invoice(ids[which % len(ids)], description=f"edited {which}")

    control.on_request(hook)


@pytest.mark.timeout(3600)
@settings(max_examples=EXAMPLES, derandomize=EXAMPLES == 200)
@given(world=worlds())
def test_nothing_is_lost_whatever_changes_between_requests(
    fake: FakeQonto, tap: Runner, world: World
) -> None:
    populate(fake, world)
    settings = {
        "page_size": world.page_size,
        "lookback_seconds": world.lookback,
        "attachments": {"mode": "metadata"},
        **unlimited(fake),
    }
    catalog = chosen(*world.streams)
    destination = Destination()
    change_between_requests(fake, world.changes)
    destination.take(tap.sync(catalog=catalog, **settings).messages)
    fake.control.on_request(None)
    quiet = tap.sync(catalog=catalog, state=destination.state, **settings)
    destination.take(quiet.messages)
    destination.assert_has_all_invoices(fake)
