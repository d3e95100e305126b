"""Every way of reading, under edits, additions and deletions between any two requests."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap_qonto.reading.by_created import CreatedAnchored
from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.newest import NewestFirst
from tap_qonto.reading.paged import Paged
from tap_qonto.reading.side_by_side import SideBySide, asks
from tap_qonto.reading.statuses import EveryStatus
from tap_qonto.reading.ways import UnsuitableError
from tap_qonto.reading.whole import Whole
from tap_qonto.reading.window import Window
from tests.reading.moving_list import STATUSES, CappedError, Habits, MovingList, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_qonto.reading.ways import Way

EXAMPLES = int(os.environ.get("TAP_QONTO_EXAMPLES", "200"))
"""`make soak` asks for more, and for others at each run."""
FAR_TOO_MANY = 3_000
LARGE = 40
"""Rows of the smallest page that is asked for in halves."""


class Kind(NamedTuple):
    """A kind of list: the ways to read it, the order it has by itself, and its quirks."""

    ways: tuple[Way, ...]
    order: str = ""
    quirks: dict[str, Any] = {}  # noqa: RUF012 - never changed


PROBED = UpdatedAnchored(needs_probe=True)
KINDS = {
    "W1": Kind((UpdatedAnchored(),)),
    "W1, some statuses hidden": Kind(
        (EveryStatus(UpdatedAnchored(), "status[]", STATUSES),),
        quirks={"hidden": ("declined", "reversed")},
    ),
    "W1, an unknown status": Kind(
        (EveryStatus(UpdatedAnchored(), "status[]", STATUSES[:3]),),
        quirks={"hidden": ("declined",)},
    ),
    "W1, after a probe": Kind((PROBED, NewestFirst("updated_at:desc"))),
    "W2": Kind((CreatedAnchored(),)),
    "W2, with nulls": Kind((CreatedAnchored(may_be_null=True),), quirks={"null_each": 3}),
    "W3": Kind((CreatedAnchored(has_updated=False),)),
    "W3, no upper bound": Kind((CreatedAnchored(has_updated=False, has_upper=False),)),
    # Pages by number need an order that stands: ties do not shuffle below here.
    "W4": Kind((NewestFirst(),), "updated_at:desc", {"deletes": False}),
    "W4, with deletions": Kind((NewestFirst("updated_at:desc"),)),
    "W4, after a probe": Kind(
        (PROBED, NewestFirst("updated_at:desc")), quirks={"ignores_filter": True}
    ),
    "W4, the upper bound ignored": Kind(
        (PROBED, NewestFirst("updated_at:desc")), quirks={"ignores_upper": True}
    ),
    "W5": Kind((Paged(),)),
    "W6": Kind((Whole(),)),
}


class World(NamedTuple):
    """Rows, the ways in which Qonto may answer, and what happens meanwhile.

    Attributes:
        groups: Rows that share an instant, each with the ticks to the next.
        age: For how long they have been there when they are read.
        size: Rows for each page.
        tick: How far the clock moves with each change.
        habits: How Qonto answers.
        changes: What happens after each request.
        cut: Requests, counted from 0, to which no whole answer comes.
        is_full: Whether targets drop what a run does not bring.
        torn: Requests whose rows are counted before what happens after them, and looked up
            behind it.
    """

    groups: list[tuple[int, int]]
    age: timedelta
    size: int
    tick: timedelta
    habits: Habits
    changes: list[list[tuple[str, int]]]
    is_full: bool
    cut: set[int]
    torn: set[int] = set()  # noqa: RUF012 - never changed


CHANGE = st.tuples(st.sampled_from(["edit", "edit", "touch", "add", "delete"]), st.integers(0, 999))
WORLDS = st.builds(
    World,
    st.lists(st.tuples(st.integers(1, 45), st.integers(0, 4)), max_size=4),
    st.sampled_from([timedelta(0), timedelta(hours=1)]),
    st.sampled_from([1, 2, 7, 20, 40]),
    st.sampled_from([timedelta(microseconds=1), timedelta(seconds=1), timedelta(hours=1)]),
    st.builds(
        Habits,
        st.booleans(),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["null", "absent", "zero"]),
        st.booleans(),
        st.sampled_from([None, None, 3]),
        st.sampled_from([100, 100, 30, 5]),
        st.booleans(),
    ),
    st.lists(st.lists(CHANGE, max_size=4), max_size=10),
    st.booleans(),
    st.sets(st.integers(0, 9), max_size=2),
    st.sets(st.integers(0, 12), max_size=4),
)

PAST_THE_BOUND = World(
    groups=[(41, 1), (20, 0)],
    age=timedelta(0),
    size=20,
    tick=timedelta(hours=1),
    habits=Habits(inclusive=False, cap=3),
    changes=[[], [("edit", 0)]],
    is_full=False,
    cut=set(),
)
"""Where a filter is not obeyed, a count that stands still does not show that rows stood."""
ALL_IGNORED = PAST_THE_BOUND._replace(
    groups=[(21, 1), (25, 0)], age=timedelta(hours=1), changes=[[("edit", 0)]]
)
"""The same, where the row that is edited first was on the first page."""
ADDED_FOR_DELETED = World(
    groups=[(1, 0), (21, 1), (2, 0)],
    age=timedelta(0),
    size=20,
    tick=timedelta(microseconds=1),
    habits=Habits(inclusive=False, shuffles=True),
    changes=[[("delete", 0)], [("delete", 0)], [("add", 0), ("delete", 0)]],
    is_full=False,
    cut=set(),
)
"""Where rows are added, as many as Qonto counts are not all that were there."""
PUSHED_BEHIND = World(
    groups=[(5, 0)],
    age=timedelta(0),
    size=20,
    tick=timedelta(microseconds=1),
    habits=Habits(most=5),
    changes=[[("add", 0)]],
    is_full=True,
    cut=set(),
    torn={0},
)
"""Where the only page is full, and a row is added between its count and its rows."""
CROWDED_WORLDS = st.builds(
    World,
    st.lists(st.tuples(st.integers(15, 62), st.integers(1, 4)), min_size=2, max_size=4),
    st.just(timedelta(hours=1)),
    st.sampled_from([20, 40]),
    st.sampled_from([timedelta(seconds=1), timedelta(hours=1)]),
    st.builds(Habits, shuffles=st.booleans(), most=st.sampled_from([100, 100, 12])),
    st.lists(st.lists(CHANGE, max_size=2), min_size=4, max_size=16),
    st.booleans(),
    st.sets(st.integers(1, 9), max_size=1),
    st.sets(st.integers(1, 20), max_size=10),
)
"""Of an earlier day, with many rows in each instant."""
CROWDED_KINDS = ["W1", "W1, some statuses hidden", "W1, after a probe", "W3"]


class Reading(NamedTuple):
    """What one run handed out."""

    rows: dict[str, Row]
    bookmark: datetime | None
    is_whole: bool


def read(
    qonto: MovingList,
    kind: Kind,
    world: World,
    bookmark: datetime | None,
    meanwhile: Callable[[], object],
) -> Reading:
    """Read a list as the reader does, the next way where one does not do."""
    window = Window.of(
        {"lookback_seconds": 0},
        None if world.is_full else bookmark,
        begun=qonto.now,
        is_open=world.is_full,
    )
    found: dict[str, Row] = {}
    calls = 0
    for way in kind.ways:
        reading = SideBySide(way.walk(window, (None, None), world.size), world.size)
        try:
            while due := asks([reading], 1):
                ((part, ask),) = due
                calls += 1
                assert calls < FAR_TOO_MANY, "the walk does not end"
                if calls - 1 in world.cut and ask.size >= LARGE:
                    reading.take(part, None)
                    continue
                between = meanwhile if calls - 1 in world.torn else None
                page = qonto.answer(way.order or kind.order, ask, between)
                found.update({row["id"]: row for row in reading.take(part, page)})
                bookmark = reading.reached.bookmark or bookmark
                meanwhile()
        except UnsuitableError:
            continue
        except CappedError:
            return Reading(found, bookmark, is_whole=False)
        return Reading(found, bookmark, reading.is_whole)
    pytest.fail("no way does")


def check(name: str, world: World) -> None:
    """Read a list that changes, once more when it is quiet, and compare."""
    kind = KINDS[name]
    shuffles = world.habits.shuffles and name.startswith(("W1", "W2", "W3"))
    habits = world.habits._replace(shuffles=shuffles)
    if not habits.tells_size:
        # A page that is full would not show it.
        world = world._replace(torn=set())
    qonto = MovingList(habits, world.tick, **kind.quirks)
    for count, gap in world.groups:
        qonto.add(min(count, 3 * world.size + 2))
        qonto.now += world.tick * gap
    qonto.now += world.age
    before = set(qonto.rows)
    due = iter(world.changes)

    def meanwhile() -> None:
        for what, which in next(due, []):
            # No bookmark tells two versions of one instant, unless it is the last one.
            can_tell = world.tick < timedelta(milliseconds=1)
            qonto.change(what if can_tell else what.replace("touch", "edit"), which)

    first = read(qonto, kind, world, None, meanwhile)
    is_read_whole = world.is_full or not any(way.is_bounded for way in kind.ways)
    if is_read_whole and first.is_whole:
        # A target drops what an earlier run loaded and this one did not bring.
        assert before & set(qonto.rows) <= set(first.rows)
    qonto.now += timedelta(minutes=5)
    qonto.habits = habits._replace(cap=None)
    quiet = read(qonto, kind, world, first.bookmark, lambda: None)
    table = first.rows | quiet.rows
    versions = {key: row["version"] for key, row in qonto.rows.items()}
    assert {key: table[key]["version"] for key in versions if key in table} == versions
    if is_read_whole:
        assert quiet.is_whole
        assert set(quiet.rows) == set(qonto.rows)


@pytest.mark.real_clock("it is long, and reads no clock")
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.timeout(3600)
@settings(max_examples=EXAMPLES, derandomize=EXAMPLES == 200)
@given(world=WORLDS)
@example(world=PAST_THE_BOUND)
@example(world=ALL_IGNORED)
@example(world=ADDED_FOR_DELETED)
@example(world=PUSHED_BEHIND)
def test_nothing_is_lost_and_no_living_row_is_dropped(name: str, world: World) -> None:
    check(name, world)


@pytest.mark.real_clock("it is long, and reads no clock")
@pytest.mark.parametrize("name", CROWDED_KINDS)
@pytest.mark.timeout(3600)
@settings(max_examples=EXAMPLES // 2, derandomize=EXAMPLES == 200)
@given(world=CROWDED_WORLDS)
def test_nothing_is_lost_where_many_rows_share_an_instant(name: str, world: World) -> None:
    check(name, world)
