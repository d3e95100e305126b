"""The re-anchored paginator alone: queries out, bare pages in, no network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tap_qonto import timestamps
from tap_qonto.errors import DataError
from tap_qonto.reading.anchored import ReanchoredPaginator
from tap_qonto.reading.pages import Page
from tap_qonto.reading.query import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Row = dict[str, Any]
UTC = timezone.utc
START = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2025, 12, 31, tzinfo=UTC)
SECOND = timedelta(seconds=1)
FAR_TOO_MANY = 2_000


@dataclass
class BareList:
    """A list as the API would page it, with the answers that are not documented as knobs."""

    rows: dict[str, datetime] = field(default_factory=dict)
    per_page: int = 10
    lower_inclusive: bool = True
    upper_inclusive: bool = True
    cuts_stamps: bool = False
    next_page_style: str = "null"
    shuffled: bool = False
    asked: list[Query] = field(default_factory=list)
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311 - repeatable

    def answer(self, query: Query) -> Page:
        """Answer as the server would, from what there is now."""
        self.asked.append(query)
        found = sorted(
            ((stamp, self._tie_breaker(key), key) for key, stamp in self.rows.items()),
        )
        keys = [key for stamp, _, key in found if self._within(stamp, query)]
        pages = -(-len(keys) // self.per_page)
        if query.page > max(pages, 1):
            return Page.past_the_end(query.page)
        first = (query.page - 1) * self.per_page
        rows = [self.row(key) for key in keys[first : first + self.per_page]]
        return Page.read(rows, self._meta(query.page, pages, len(keys)), query.page)

    def row(self, key: str) -> Row:
        return {"id": key, "updated_at": timestamps.show(self.rows[key])}

    def _tie_breaker(self, key: str) -> Any:
        return self.random.random() if self.shuffled else key

    def _within(self, stamp: datetime, query: Query) -> bool:
        if self.cuts_stamps:
            stamp = stamp.replace(microsecond=0)
        low, high = query.lower, query.upper
        above = low is None or stamp > low or (stamp == low and self.lower_inclusive)
        below = high is None or stamp < high or (stamp == high and self.upper_inclusive)
        return above and below

    def _meta(self, page: int, pages: int, total: int) -> Row:
        meta: Row = {"current_page": page, "total_pages": pages, "total_count": total}
        if page < pages and self.next_page_style != "absent":
            meta["next_page"] = page + 1
        elif self.next_page_style != "absent":
            meta["next_page"] = None if self.next_page_style == "null" else 0
        return meta


def walk(
    paginator: ReanchoredPaginator,
    qonto: BareList,
    meanwhile: Callable[[int], object] = lambda _: None,
) -> list[Row]:
    """Read everything; `meanwhile` happens between requests. Return the rows, in order."""
    handed_out: list[Row] = []
    while query := paginator.query:
        assert len(qonto.asked) < FAR_TOO_MANY, "the walk does not end"
        handed_out += paginator.advance(qonto.answer(query))
        meanwhile(len(qonto.asked))
    return handed_out


def reader() -> ReanchoredPaginator:
    return ReanchoredPaginator("updated_at", START, END)


def every(step: timedelta, count: int, *, first: datetime = START) -> dict[str, datetime]:
    return {f"row-{n:04d}": first + (n + 1) * step for n in range(count)}


def ids(rows: Iterable[Row]) -> list[str]:
    return [row["id"] for row in rows]


# Order, bounds and number of requests where nothing changes.


def test_an_empty_list_takes_one_request() -> None:
    qonto, paginator = BareList(), reader()
    assert walk(paginator, qonto) == []
    assert qonto.asked == [Query(START, END, 1)]
    assert paginator.complete_to is None
    assert paginator.total == 0


@pytest.mark.parametrize("count", [1, 9, 10])
def test_what_fits_on_a_page_takes_one_request(count: int) -> None:
    qonto, paginator = BareList(every(SECOND * 60, count)), reader()
    assert ids(walk(paginator, qonto)) == sorted(qonto.rows)
    assert len(qonto.asked) == 1
    assert paginator.complete_to == START + count * SECOND * 60


def test_each_page_is_asked_for_from_a_second_before_the_last_row() -> None:
    qonto = BareList(every(timedelta(minutes=1, milliseconds=1), 28))
    walk(reader(), qonto)
    tenth, nineteenth = (qonto.rows[f"row-{n:04d}"].replace(microsecond=0) for n in (9, 18))
    assert qonto.asked == [
        Query(START, END, 1),
        Query(tenth - SECOND, END, 1),
        Query(nineteenth - SECOND, END, 1),
    ]


@pytest.mark.parametrize("count", [10, 11, 19, 20, 100, 199])
def test_one_row_a_page_is_read_again_and_no_more(count: int) -> None:
    qonto, paginator = BareList(every(SECOND * 60, count)), reader()
    assert ids(walk(paginator, qonto)) == sorted(qonto.rows)
    # The first page brings ten rows, each other nine and the last one of the page before.
    assert len(qonto.asked) == 1 + -(-max(count - 10, 0) // 9)
    assert paginator.total == count


@pytest.mark.parametrize("step", [SECOND, SECOND / 2, SECOND / 1_000_000, SECOND * 3600])
@pytest.mark.parametrize("lower_inclusive", [True, False])
@pytest.mark.parametrize("upper_inclusive", [True, False])
@pytest.mark.parametrize("cuts_stamps", [True, False])
def test_whatever_the_bounds_mean_each_row_comes_once_and_in_order(
    *, step: timedelta, lower_inclusive: bool, upper_inclusive: bool, cuts_stamps: bool
) -> None:
    qonto = BareList(
        every(step, 95, first=START + SECOND),
        lower_inclusive=lower_inclusive,
        upper_inclusive=upper_inclusive,
        cuts_stamps=cuts_stamps,
    )
    handed_out = walk(reader(), qonto)
    assert sorted(ids(handed_out)) == sorted(qonto.rows)
    assert len(qonto.asked) < 40


def test_without_bounds_all_history_is_read_up_to_its_end() -> None:
    qonto = BareList(every(timedelta(days=30), 120, first=datetime(2015, 1, 1, tzinfo=UTC)))
    paginator = ReanchoredPaginator("updated_at", None, None)
    assert ids(walk(paginator, qonto)) == sorted(qonto.rows)
    assert qonto.asked[0] == Query(None, None, 1)


def test_the_anchor_can_be_another_field() -> None:
    paginator = ReanchoredPaginator("created_at", None, None)
    stamps = ["2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"]
    rows = [
        {"id": "a", "created_at": stamps[0], "updated_at": stamps[1]},
        {"id": "b", "created_at": stamps[1], "updated_at": stamps[0]},
    ]
    assert paginator.advance(Page(rows, 1, 1, 2, more=False)) == rows
    assert paginator.complete_to == timestamps.parse(stamps[1])


# Many rows at one instant.


@pytest.mark.parametrize("per_page", [1, 2, 10, 34, 35, 36])
@pytest.mark.parametrize("shuffled", [False, True])
def test_one_instant_over_several_pages_loses_nothing(*, per_page: int, shuffled: bool) -> None:
    bulk = START + timedelta(days=1)
    qonto = BareList(
        every(SECOND * 60, 15)
        | {f"bulk-{n:02d}": bulk for n in range(35)}
        | every(SECOND * 60, 45, first=bulk),
        per_page=per_page,
        shuffled=shuffled,
    )
    assert sorted(ids(walk(reader(), qonto))) == sorted(qonto.rows)


@pytest.mark.parametrize("group", [10, 11, 35, 1_000])
def test_one_instant_costs_two_passes_over_its_pages(group: int) -> None:
    """The second shows that no row that was added stood in for one that was skipped."""
    qonto = BareList({f"bulk-{n:04d}": START + SECOND * 60 for n in range(group)})
    qonto.rows |= {"later": START + SECOND * 120}
    assert len(walk(reader(), qonto)) == group + 1
    # One that comes to it, one that stands still, its pages with the first one again,
    # one for what is behind it.
    assert len(qonto.asked) == 2 + (1 if group == 10 else 2 * (-(-group // 10) + 1)) + 1


@pytest.mark.parametrize("lower_inclusive", [True, False])
@pytest.mark.parametrize("upper_inclusive", [True, False])
@pytest.mark.parametrize("cuts_stamps", [True, False])
def test_a_crowded_second_next_to_another_loses_nothing(
    *, lower_inclusive: bool, upper_inclusive: bool, cuts_stamps: bool
) -> None:
    start = START + SECOND * 60
    qonto = BareList(
        {f"row-{n:03d}": start + n * SECOND / 40 for n in range(200)},
        lower_inclusive=lower_inclusive,
        upper_inclusive=upper_inclusive,
        cuts_stamps=cuts_stamps,
    )
    assert sorted(ids(walk(reader(), qonto))) == sorted(qonto.rows)


def test_a_row_that_moves_while_the_count_stands_is_not_lost() -> None:
    bulk = START + timedelta(days=1)
    qonto = BareList({f"bulk-{n:02d}": bulk for n in range(25)})

    def swap(asked: int) -> None:
        if asked == 3:
            # The first page of the instant was read: row 10 moves onto it.
            del qonto.rows["bulk-00"]
            qonto.rows["bulk-99"] = bulk

    assert {*qonto.rows, "bulk-99"} == set(ids(walk(reader(), qonto, swap)))


def test_the_bookmark_waits_until_an_instant_is_read_through() -> None:
    bulk = START + timedelta(days=1)
    qonto, paginator = BareList({f"bulk-{n:02d}": bulk for n in range(35)}), reader()
    qonto.rows |= {f"next-{n:02d}": bulk + SECOND for n in range(5)}
    qonto.rows |= {"later": bulk + timedelta(days=1)}
    missing, places = dict(qonto.rows), set()
    while query := paginator.query:
        for row in paginator.advance(qonto.answer(query)):
            del missing[row["id"]]
        assert (paginator.complete_to or START) <= min(missing.values(), default=END)
        places.add(paginator.complete_to)
    assert bulk + SECOND in places
    assert paginator.complete_to == bulk + timedelta(days=1)


# Changes while the list is read.


def test_edits_at_every_request_hide_no_other_row() -> None:
    qonto = BareList(every(SECOND * 60, 200))
    untouched = set(qonto.rows)
    random = Random(7)  # noqa: S311 - repeatable

    def edit(_: int) -> None:
        for key in random.sample(sorted(qonto.rows), 5):
            qonto.rows[key] = END + SECOND
            untouched.discard(key)

    handed_out = walk(reader(), qonto, edit)
    assert untouched <= set(ids(handed_out))
    assert untouched


@pytest.mark.parametrize("shuffled", [False, True])
def test_removal_while_an_instant_is_read_hides_no_other_row(*, shuffled: bool) -> None:
    bulk = START + SECOND * 60
    for seed in range(20):
        random = Random(seed)  # noqa: S311 - repeatable
        qonto = BareList({f"bulk-{n:02d}": bulk for n in range(45)}, shuffled=shuffled)

        def remove(
            _: int,
            qonto: BareList = qonto,
            random: Random = random,
        ) -> None:
            for key in random.sample(sorted(qonto.rows), min(2, len(qonto.rows))):
                del qonto.rows[key]

        handed_out = walk(reader(), qonto, remove)
        assert set(qonto.rows) <= set(ids(handed_out))


@pytest.mark.parametrize("moment", [3, 4, 5, 6])
def test_a_removal_while_an_instant_is_read_costs_no_page_more(moment: int) -> None:
    bulk = START + SECOND * 60
    qonto = BareList({f"bulk-{n:02d}": bulk for n in range(45)})

    def remove(requests: int) -> None:
        # The third request is for the first page of the instant, four more for the others.
        if requests == moment:
            del qonto.rows["bulk-03"]

    handed_out = walk(reader(), qonto, remove)
    assert set(qonto.rows) <= set(ids(handed_out))
    assert len(qonto.asked) == 2 + 2 * (5 + 1) + 1


def test_an_instant_that_is_edited_all_the_time_comes_to_an_end() -> None:
    bulk = START + SECOND * 60
    qonto = BareList(
        {f"bulk-{n:02d}": bulk for n in range(45)} | every(SECOND * 60, 50, first=bulk)
    )
    random = Random(3)  # noqa: S311 - repeatable
    tick = iter(range(1, FAR_TOO_MANY))

    def edit(_: int) -> None:
        # Edited within the same second: it stays where the walk is.
        key = random.choice([key for key in qonto.rows if key.startswith("bulk")])
        qonto.rows[key] = bulk + timedelta(microseconds=next(tick))

    handed_out = walk(reader(), qonto, edit)
    assert {key for key in qonto.rows if key.startswith("row")} <= set(ids(handed_out))
    assert len(qonto.asked) < 300


def test_an_edited_row_comes_again_under_its_new_time_stamp() -> None:
    qonto = BareList(every(SECOND * 60, 25))

    def edit(requests: int) -> None:
        if requests == 1:
            qonto.rows["row-0002"] = START + SECOND * 60 * 100

    handed_out = walk(reader(), qonto, edit)
    versions = [row["updated_at"] for row in handed_out if row["id"] == "row-0002"]
    assert versions == ["2025-01-01T00:03:00.000000Z", "2025-01-01T01:40:00.000000Z"]


def test_a_list_that_becomes_empty_comes_to_an_end() -> None:
    qonto, paginator = BareList(every(SECOND * 60, 50)), reader()
    handed_out = walk(paginator, qonto, lambda _: qonto.rows.clear())
    assert len(handed_out) == 10
    assert len(qonto.asked) == 2


def test_the_bookmark_moves_forward_alone_and_passes_no_row() -> None:
    for seed in range(10):
        random = Random(seed)  # noqa: S311 - repeatable
        minutes = [random.choice((1, 2, 2, 2, 3, 50)) for _ in range(120)]
        qonto = BareList({f"{n:03d}": START + m * SECOND * 60 for n, m in enumerate(minutes)})
        paginator, missing, before = reader(), dict(qonto.rows), START
        while query := paginator.query:
            for row in paginator.advance(qonto.answer(query)):
                del missing[row["id"]]
            complete_to = paginator.complete_to or START
            assert before <= complete_to
            assert all(stamp >= complete_to for stamp in missing.values())
            before = complete_to
        assert not missing


# Answers that are not what they should be.


@pytest.mark.parametrize(
    ("meta", "more"),
    [
        ({"current_page": 1, "next_page": 2, "total_pages": 3}, True),
        ({"current_page": 3, "next_page": None, "total_pages": 3}, False),
        ({"current_page": 3, "next_page": 0, "total_pages": 3}, False),
        ({"current_page": 1, "next_page": 0, "prev_page": 1, "total_pages": 0}, False),
        ({"current_page": 3, "total_pages": 3}, False),
        ({"current_page": 2, "total_pages": 3}, True),
        ({"current_page": 2, "next_page": 2, "total_pages": 3}, True),
        ({"current_page": 1, "next_page": None, "total_pages": 3}, True),
        ({"current_page": 1, "total_count": 101}, True),
        ({"current_page": 1, "total_count": 100}, False),
        ({"current_page": 1, "total": 51, "per_page": 50}, True),
        ({"next_page": None}, False),
        ({"current_page": 2, "next_page": "3", "total_pages": "3"}, True),
    ],
)
def test_next_page_is_read_in_all_its_forms(meta: Row, *, more: bool) -> None:
    asked = meta.get("current_page", 1)
    assert Page.read([], meta, asked).more is more


@pytest.mark.parametrize("meta", [{}, {"current_page": 1, "per_page": 100}], ids=str)
def test_a_meta_that_says_nothing_is_no_last_page(meta: Row) -> None:
    with pytest.raises(ValueError, match="says nothing"):
        Page.read([], meta, 1)


@pytest.mark.parametrize("style", ["null", "absent", "zero"])
def test_the_last_page_is_known_in_all_its_forms(style: str) -> None:
    qonto = BareList(every(SECOND * 60, 28), next_page_style=style)
    assert ids(walk(reader(), qonto)) == sorted(qonto.rows)
    assert len(qonto.asked) == 3


@pytest.mark.parametrize("name", ["total_count", "total"])
def test_the_total_has_two_names(name: str) -> None:
    assert Page.read([], {name: 12}, 1).total == 12


def test_no_page_beyond_the_last_is_ever_asked_for() -> None:
    qonto = BareList({f"bulk-{n:03d}": START + SECOND * 60 for n in range(95)})
    walk(reader(), qonto)
    assert max(query.page for query in qonto.asked) == 10


def test_rows_out_of_order_end_the_stream() -> None:
    rows = [
        {"id": "a", "updated_at": "2025-02-01T00:00:00+01:00"},
        {"id": "b", "updated_at": "2025-01-31T22:59:59Z"},
    ]
    with pytest.raises(DataError) as caught:
        reader().advance(Page(rows, 1, 1, 2, more=False))
    assert str(caught.value) == (
        "Qonto sent rows out of order: updated_at 2025-01-31T22:59:59.000000Z after "
        "2025-01-31T23:00:00.000000Z. The stream ends here, since going on could lose rows; "
        "report it to the maintainers of tap-qonto."
    )


def test_rows_that_look_out_of_order_as_text_are_not() -> None:
    rows = [
        {"id": "a", "updated_at": "2025-10-26T02:59:59+02:00"},
        {"id": "b", "updated_at": "2025-10-26T02:00:00+01:00"},
    ]
    assert reader().advance(Page(rows, 1, 1, 2, more=False)) == rows


def test_rows_from_before_the_window_end_the_stream() -> None:
    rows = [{"id": "a", "updated_at": "2024-12-31T23:59:58Z"}]
    with pytest.raises(DataError, match=r"2024-12-31T23:59:58\.000000Z, although asked for"):
        reader().advance(Page(rows, 1, 1, 1, more=False))


def test_a_server_that_ignores_the_window_is_noticed() -> None:
    qonto, paginator = BareList(every(SECOND * 60, 50)), reader()
    first = qonto.answer(Query(None, None, 1))
    paginator.advance(first)
    with pytest.raises(DataError, match="although asked for those"):
        paginator.advance(first)


def test_empty_pages_that_promise_more_for_ever_end_the_stream() -> None:
    class Promises(BareList):
        def answer(self, query: Query) -> Page:
            self.asked.append(query)
            meta = {"next_page": query.page + 1, "total_pages": 9_999, "total_count": 9_999}
            return Page.read([], meta, query.page)

    with pytest.raises(DataError):
        walk(reader(), Promises())


@pytest.mark.parametrize("rows", [30, 150, 250])
def test_a_page_without_rows_that_are_counted_is_asked_for_once_more(rows: int) -> None:
    class Slips(BareList):
        def answer(self, query: Query) -> Page:
            page = super().answer(query)
            return replace(page, rows=[]) if len(self.asked) in {1, 4} else page

    qonto, paginator = Slips(every(SECOND * 60, rows)), reader()
    assert len(walk(paginator, qonto)) == rows


def test_rows_that_are_counted_and_not_handed_out_end_the_stream() -> None:
    """Else a target would drop them, or a bookmark pass them."""

    class Withholds(BareList):
        def answer(self, query: Query) -> Page:
            page = super().answer(query)
            return replace(page, rows=[]) if query.lower and query.lower > START else page

    with pytest.raises(DataError, match=r"Qonto counts 3\d rows, and hands out none of them"):
        walk(reader(), Withholds(every(SECOND * 60, 40)))
