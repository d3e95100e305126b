"""Slices under any order of answers, and edits, additions and deletions between them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap_qonto.reading.by_created import CreatedAnchored
from tap_qonto.reading.by_updated import UpdatedAnchored
from tap_qonto.reading.done import Reached
from tap_qonto.reading.paged import SMALLEST, Paged
from tap_qonto.reading.pages import Page
from tap_qonto.reading.side_by_side import SideBySide, asks
from tap_qonto.reading.statuses import EveryStatus
from tap_qonto.reading.window import Window
from tests.reading.any_order import in_any_order
from tests.reading.kept import is_kept, kept
from tests.reading.moving_list import STATUSES, Habits, MovingList, Row
from tests.reading.still_list import NOW, SHAPES, SIZE, YEARS, StillBank, StillList

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_qonto.reading.parts import Part
    from tap_qonto.reading.ways import Ask, Way

pytestmark = pytest.mark.real_clock("they are long, and read no clock")

EXAMPLES = int(os.environ.get("TAP_QONTO_EXAMPLES", "200"))
"""`make soak` asks for more, and for others at each run."""
FAR_TOO_MANY = 3_000


class Kind(NamedTuple):
    """A kind of list: the way to read it, and its quirks."""

    way: Way
    quirks: dict[str, Any] = {}  # noqa: RUF012 - never changed


BOTH_WAYS = "W1, some statuses hidden"
"""A list that is read both ways where it changes while they are counted."""
BY_NUMBER = "W5"
"""A list whose rows may have no version: a late page can bring one as it was before."""
KINDS = {
    "W1": Kind(UpdatedAnchored()),
    BOTH_WAYS: Kind(
        EveryStatus(UpdatedAnchored(), "status[]", STATUSES),
        {"hidden": ("declined", "reversed")},
    ),
    "W2": Kind(CreatedAnchored()),
    "W2, with nulls": Kind(CreatedAnchored(may_be_null=True), {"null_each": 3}),
    "W3": Kind(CreatedAnchored(has_updated=False)),
    BY_NUMBER: Kind(Paged()),
}


class World(NamedTuple):
    """Rows, the ways in which Qonto may answer, and what happens meanwhile.

    Attributes:
        lists: Of each list, rows that share an instant, each with the seconds to the next.
        size: Rows for each page.
        tick: How far the clock moves with each change.
        habits: How Qonto answers.
        changes: What happens after each step of the run.
        is_full: Whether targets drop what a run does not bring.
        workers: How many requests are under way at most.
        order: Which of the requests under way is evaluated or arrives next.
        late: Which requests, counted by their evaluation, arrive when no other is under way.
        cut: Which of them do not come whole.
        killed_after: How many answers arrive before the run is killed.
        torn: Which of the requests are counted before a change, and looked up after it.
        shrinks: From which of them on there are fewer rows on a page; 0 for never.
        is_slow: Whether what the lowest part asks for arrives last.
    """

    lists: list[list[tuple[int, float]]]
    size: int
    tick: timedelta
    habits: Habits
    changes: list[list[tuple[int, str, int]]]
    is_full: bool
    workers: int
    order: list[int]
    late: set[int]
    cut: set[int]
    killed_after: list[int]
    torn: set[int] = set()  # noqa: RUF012 - never changed
    shrinks: int = 0
    is_slow: bool = False


GAPS = [0.0, 0.000001, 0.4, 1.0, 1.0, 2.0, 7.0, 60.0, 3600.0, 2_000_000.0, 15_000_000.0]
KINDS_OF_CHANGE = ["edit", "edit", "edit", "touch", "add", "delete"]


def world_of(seed: int) -> World:
    """Return a world with lists that are long enough to be split; shrinking has no sense."""
    random = Random(seed)  # noqa: S311 - repeatable
    busy = random.choice([0, 1, 1, 3])
    gaps = random.sample(GAPS, 3)
    size = random.choice([3, 3, 7, 7, 3, 25])
    most = 9 if size < 25 else 30
    return World(
        lists=[
            [(random.choice([1, 1, 1, 2, most]), random.choice(gaps)) for _ in range(groups)]
            for groups in random.choice([[32], [32], [16, 16], [4, 24, 0, 4]])
        ],
        size=size,
        tick=random.choice([timedelta(microseconds=1), timedelta(seconds=1), timedelta(hours=1)]),
        habits=Habits(
            inclusive=random.random() < 0.5,
            cuts=random.random() < 0.5,
            shuffles=random.random() < 0.5,
            style=random.choice(["null", "absent", "zero"]),
            is_local=random.random() < 0.5,
        ),
        changes=[
            [
                (random.randrange(9), random.choice(KINDS_OF_CHANGE), random.randrange(999))
                for _ in range(random.randint(0, busy))
            ]
            for _ in range(random.choice([20, 100]))
        ],
        is_full=random.random() < 0.3,
        workers=random.choice([1, 2, 3, 3, 8, 20]),
        order=[random.randrange(20) for _ in range(random.choice([0, 200]))],
        late={random.randrange(1, 25) for _ in range(random.choice([0, 2, 5]))},
        cut={random.randrange(1, 60) for _ in range(random.choice([0, 0, 1, 4]))},
        killed_after=[random.randrange(2, 40) for _ in range(random.choice([0, 0, 1, 3]))],
    )


def ugly_of(seed: int) -> World:
    """Return a world in which answers do not show one moment, and the lowest part is slow."""
    random = Random(seed)  # noqa: S311 - repeatable
    return world_of(seed)._replace(
        torn={random.randrange(1, 60) for _ in range(random.choice([0, 2, 20]))},
        shrinks=random.choice([0, 0, random.randrange(1, 30)]),
        is_slow=random.random() < 0.3,
    )


def dense_of(seed: int) -> World:
    """Return a world of bulk changes of an earlier day, whose pages are asked for by number."""
    random = Random(seed)  # noqa: S311 - repeatable
    size = random.randint(SMALLEST, SMALLEST + 10)
    gaps = random.sample(GAPS, 3)
    counts = random.choice([[1, 1, 5, 2 * size], [size, 3 * size], [1, 20 * size], [1, 2, 9]])
    lists = []
    for _ in range(random.choice([1, 1, 2])):
        groups: list[tuple[int, float]] = []
        while sum(count for count, _ in groups) < random.choice([150, 300, 500]):
            groups.append((random.choice(counts), random.choice(gaps)))
        recent = random.choice([0, 0, 1, size + 3])
        lists.append([*groups, (0, random.choice([86_400.0, 86_400.0, 3.0])), (recent, 0.0)])
    world = ugly_of(seed)
    # Twenty pages in another order with each answer take hundreds of answers to be whole.
    shuffles = world.habits.shuffles and max(counts) <= 3 * size
    return world._replace(lists=lists, size=size, habits=world.habits._replace(shuffles=shuffles))


WORLDS = st.integers(0, 2**40).map(ugly_of) | st.integers(0, 2**40).map(dense_of)


@dataclass
class Account:
    """One of the lists that are read together, and where its runs have come to."""

    qonto: MovingList
    reached: Reached = field(default_factory=lambda: Reached(None))
    rows: list[Row] = field(default_factory=list)
    table: dict[str, Row] = field(default_factory=dict)

    def begin(self, way: Way, world: World) -> SideBySide:
        """Begin a run."""
        self.rows = []
        before = Reached(None) if world.is_full else self.reached
        if before.unsure and is_kept(self.qonto, before.unsure.window):
            before = before.confirmed()
        window = Window.of(
            {"lookback_seconds": 0},
            before.bookmark,
            begun=self.qonto.now,
            is_open=world.is_full,
        )
        walk = way.walk(window, (None, None), world.size)
        self.reading = SideBySide(walk, world.size, before.above)
        return self.reading

    def end(self) -> None:
        """Load what came, and leave to the next run what it reads in the state."""
        self.table |= {row["id"]: row for row in self.rows}
        self.reached = kept(self.reached)

    def check(self, *, is_ended: bool, comes_once: bool, whole: set[str]) -> None:
        """See what the run brought; `whole`: rows that it has to bring if it ended."""
        assert not (is_ended and self.reached.above)
        versions = [(row["id"], row["updated_at"], row["version"]) for row in self.rows]
        if comes_once:
            assert len(set(versions)) == len(versions)
        if is_ended and self.reading.is_whole:
            # A target drops what an earlier run loaded and this one did not bring.
            assert whole & set(self.qonto.rows) <= {row["id"] for row in self.rows}

    def check_table(self) -> None:
        """See that the destination has the latest version of each row."""
        latest = {key: row["version"] for key, row in self.qonto.rows.items()}
        assert {key: self.table[key]["version"] for key in latest if key in self.table} == latest


def read(
    accounts: Sequence[Account],
    way: Way,
    world: World,
    meanwhile: Callable[[], object],
    killed_after: int | None = None,
) -> bool:
    """Read lists with several workers, whose requests take as long as they like.

    A request is evaluated at one moment, and its answer arrives at another.

    Returns:
        Whether the run came to its end.
    """
    readings = {account.begin(way, world): account for account in accounts}
    try:
        return _read(readings, way, world, meanwhile, killed_after)
    finally:
        for account in accounts:
            account.end()


def _read(
    readings: dict[SideBySide, Account],
    way: Way,
    world: World,
    meanwhile: Callable[[], object],
    killed_after: int | None,
) -> bool:
    under_way: list[tuple[Part, Ask, Page | None]] = []
    late: list[tuple[Part, Ask, Page | None]] = []
    order = iter(world.order)
    evaluated = arrived = 0
    lowest = None
    while True:
        running = [each for each in readings if not each.is_done][: world.workers]
        found = asks(running, world.workers - len(under_way) - len(late)) if running else []
        under_way += [(part, ask, None) for part, ask in found]
        assert len(under_way) + len(late) <= world.workers
        if not under_way:
            under_way, late = late, []
        if not under_way:
            return True
        lowest = lowest or under_way[0][0]
        quick = [each for each in under_way if not (world.is_slow and each[0] is lowest)]
        part, ask, page = chosen = (quick or under_way)[next(order, 0) % len(quick or under_way)]
        under_way.remove(chosen)
        reading, account = part.reading, readings[part.reading]
        if page is None:
            evaluated += 1
            if evaluated == world.shrinks:
                for each in readings.values():
                    each.qonto.habits = each.qonto.habits._replace(most=max(world.size - 3, 2))
            # The tap never halves pages to fewer than twenty rows, let alone to one.
            least = 2 * SMALLEST if isinstance(way, Paged) else max(world.size // 2, 3) + 1
            if evaluated in world.cut and ask.page and ask.size >= least:
                reading.take(part, None)
                continue
            between = meanwhile if evaluated in world.torn else None
            page = account.qonto.answer(way.order or "", ask, between)
            (late if evaluated in world.late else under_way).insert(0, (part, ask, page))
        else:
            arrived += 1
            assert arrived < FAR_TOO_MANY, "the reading does not end"
            account.rows += reading.take(part, page)
            account.reached = reading.reached if reading.reached.bookmark else account.reached
            if arrived == killed_after:
                return False
        meanwhile()


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.timeout(3600)
@settings(max_examples=EXAMPLES // len(KINDS), derandomize=EXAMPLES == 200)
@given(world=WORLDS)
# Two lists that were closed at different times; a first page that reaches over a gap; rows
# that came to the last second after it was read; pages of several lists cut in a row;
# a last row that lies far before the end of what is reopened.
@example(world=world_of(10257))
@example(world=world_of(577354070))
@example(world=world_of(222553349461))
@example(world=world_of(21439))
@example(world=world_of(1196018))
def test_nothing_is_lost_and_nothing_comes_twice_in_any_order(name: str, world: World) -> None:
    kind = KINDS[name]
    lists = [MovingList(world.habits, world.tick, **kind.quirks) for _ in world.lists]
    for qonto, groups in zip(lists, world.lists, strict=True):
        for many, gap in groups:
            qonto.add(many)
            qonto.now += timedelta(seconds=gap)
    begun = max(qonto.now for qonto in lists)
    for qonto in lists:
        qonto.now = begun
    before = [set(qonto.rows) for qonto in lists]
    due = iter(world.changes)

    def meanwhile() -> None:
        for where, what, which in next(due, []):
            # No bookmark tells two versions of one instant, unless it is the last one.
            can_tell = world.tick < timedelta(milliseconds=1)
            change = what if can_tell else what.replace("touch", "edit")
            lists[where % len(lists)].change(change, which)

    accounts = [Account(qonto) for qonto in lists]
    for killed_after in [*world.killed_after, None]:
        is_ended = read(accounts, kind.way, world, meanwhile, killed_after)
        for account, rows in zip(accounts, before, strict=True):
            account.check(
                is_ended=is_ended,
                # What is not sure is read again, and a part may bring what another one has.
                comes_once=name not in {BOTH_WAYS, BY_NUMBER} and not (world.torn or world.shrinks),
                whole=rows if world.is_full or not kind.way.is_bounded else set(),
            )
    for qonto in lists:
        qonto.now += timedelta(minutes=5)
    read(accounts, kind.way, world, lambda: None)
    for account in accounts:
        account.check_table()


def in_rounds(qonto: StillList, workers: int) -> tuple[int, int, int]:
    """Read a list: all that is under way is answered, then the next goes out.

    Returns:
        How many rows were found, by how many calls, in how many rounds.
    """
    reading, found, calls, rounds = qonto.reading(), 0, 0, 0
    while due := asks([reading], workers):
        rounds += 1
        calls += len(due)
        for part, ask in due:
            found += len(reading.take(part, qonto.answer(ask)))
    return found, calls, rounds


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("rows", "workers"), [(6_000, 8), (20_000, 8), (20_000, 16), (60_000, 16)])
def test_slices_cost_few_calls_more_than_full_pages(shape: str, rows: int, workers: int) -> None:
    qonto = StillList.of(shape, rows)
    fewest = rows / SIZE
    pages = list(in_any_order(qonto.reading(), workers, qonto.answer, workers))
    assert sum(map(len, pages)) == rows
    assert len(pages) <= fewest + 1.5 * workers
    found, calls, rounds = in_rounds(qonto, workers)
    assert found == rows
    assert calls <= fewest + 1.5 * workers
    # Where pages have no numbers, each brings the last row of the one before again.
    assert rounds <= 1.35 * (1 + (rows - SIZE) / (SIZE - 1)) / workers + 5


@pytest.mark.parametrize("nth", range(2, 6))
def test_rows_that_had_been_counted_are_asked_for_once_more(nth: int) -> None:
    """Where an answer says that there are none left."""
    qonto, calls = StillList.of("even", 450), count(1)

    def answer(ask: Ask) -> Page:
        slip = Page.read([], {"total_count": 0, "total_pages": 0}, ask.page or 1, NOW)
        return slip if next(calls) == nth else qonto.answer(ask)

    assert sum(map(len, in_any_order(qonto.reading(), 1, answer, nth))) == len(qonto.rows)


@pytest.mark.parametrize("each", [2, 20, 1_000])
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_of_hidden_statuses_are_read_side_by_side_too(shape: str, each: int) -> None:
    rows, workers = 20_000, 8
    random = Random(shape)  # noqa: S311 - repeatable
    qonto = StillBank((SHAPES[shape](random) for _ in range(rows)), each)
    found, calls, rounds = in_rounds(qonto, workers)
    assert found == rows
    fewest = sum(1 + (count - SIZE) / (SIZE - 1) for count in (rows / each, rows - rows / each))
    # Each of the two lists is cut, and some calls show what is hidden. A page that no later
    # answer has shown to be sure is read again.
    assert calls <= fewest + 2 * 1.5 * workers + 10
    assert rounds <= 1.35 * fewest / workers + 9


@pytest.mark.parametrize("is_bounded", [False, True])
def test_the_next_run_leaves_out_no_more_than_is_certain(*, is_bounded: bool) -> None:
    """Not what is younger than a minute, nor what `end_date` cuts off within its second."""
    qonto = StillList((YEARS + 115) / 2_000 * number for number in range(2_001))
    last = upper = None
    most = NOW - timedelta(minutes=1)
    if is_bounded:
        # A row lies at the bound, and is dropped, since it is past `end_date`.
        upper = qonto.stamps[1_500].replace(microsecond=0)
        qonto.stamps[1_500] = upper
        last = upper - timedelta(microseconds=500_000)
        most = upper - timedelta(seconds=1)
    # Where slices share pages, the last one is asked for when all others have come.
    window = Window(None, upper, None, last, NOW, is_filtered=is_bounded)
    reading = SideBySide(UpdatedAnchored().walk(window, (None, None), SIZE), SIZE)
    for workers in (1, 2):
        # The second time, what changes meanwhile becomes a part of its own.
        for part, ask in asks([reading], workers):
            reading.take(part, qonto.answer(ask))
    asks([reading], 2)[1][0].asked = None
    # The answer to the lower part never comes.
    while due := asks([reading], 1):
        for part, ask in due:
            reading.take(part, qonto.answer(ask))
    assert reading.reached.above[-1].end == most


def test_a_list_that_is_edited_all_the_time_is_not_chased() -> None:
    """What is stamped five seconds after Qonto's clock at the first answer comes next time."""
    qonto = StillList(YEARS / 200 * number for number in range(200))
    walk = UpdatedAnchored().walk(Window(None, None, None, None, NOW), (None, None), SIZE)
    first = walk.ask()
    assert first is not None
    walk.take(replace(qonto.answer(first), date=NOW))
    second = walk.ask()
    assert second is not None
    assert second.bounds["updated_at"][1] == NOW + timedelta(seconds=6)
