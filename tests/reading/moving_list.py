"""A list as the API would page it, which changes between any two requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from tap_qonto import timestamps
from tap_qonto.reading.pages import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tap_qonto.reading.ways import Ask

Row = dict[str, Any]
START = datetime(2025, 3, 30, 0, 59, 57, tzinfo=timezone.utc)
"""Three seconds before the clocks of Qonto's users go forward."""
PARIS = ZoneInfo("Europe/Paris")
STATUSES = ("pending", "declined", "completed", "reversed")


class CappedError(Exception):
    """A page so far back that Qonto does not hand it out."""


class Habits(NamedTuple):
    """How Qonto may answer, where its documentation leaves it open.

    Attributes:
        inclusive: Whether bounds include the instant that they name.
        cuts: Whether filters look at whole seconds alone.
        shuffles: Whether rows of one instant come in another order each time.
        style: How ``meta`` says that a page follows: ``null``, ``absent`` or ``zero``.
        is_local: Whether stamps have the offset of Paris.
        cap: The last page that is handed out; None for no limit.
        most: Rows on a page, whatever is asked for.
        tells_size: Whether ``meta`` says how many they are.
    """

    inclusive: bool = True
    cuts: bool = False
    shuffles: bool = False
    style: str = "null"
    is_local: bool = False
    cap: int | None = None
    most: int = 100
    tells_size: bool = True


@dataclass
class MovingList:
    """Rows, a clock, and what the list can do.

    Attributes:
        habits: How it answers.
        tick: How far the clock moves with each change.
        deletes: Whether rows can be deleted.
        ignores_filter: Whether it hands out all rows, whatever the bounds.
        ignores_upper: Whether it hands out rows past the upper bound.
        null_each: Each of how many rows has no `updated_at`; 0 for none.
        hidden: Statuses that are not shown unless they are named.
    """

    habits: Habits
    tick: timedelta
    deletes: bool = True
    ignores_filter: bool = False
    ignores_upper: bool = False
    null_each: int = 0
    hidden: Sequence[str] = ()
    now: datetime = START
    rows: dict[str, Row] = field(default_factory=dict)
    made: int = 0
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311 - repeatable

    def add_hourly(self, groups: Iterable[int]) -> None:
        """Add groups of rows that share an instant, each an hour after the one before."""
        for count in groups:
            self.add(count)
            self.now += timedelta(hours=1)

    def change(self, what: str, which: int) -> None:
        """Do one thing that somebody does meanwhile.

        Args:
            what: ``add``, ``edit``, ``touch`` (edit within the same instant) or ``delete``.
            which: The row, counted round.
        """
        keys = list(self.rows)
        if what != "touch":
            self.now += self.tick
        if what == "add" or not keys:
            self.add(1)
        elif what in {"edit", "touch"}:
            row = self.rows[keys[which % len(keys)]]
            row["version"] += 1
            row["status"] = STATUSES[which % 4]
            if row["updated_at"] is not None:
                row["updated_at"] = self.now
        elif self.deletes:
            del self.rows[keys[which % len(keys)]]

    def add(self, count: int) -> None:
        """Add rows that share an instant."""
        for _ in range(count):
            self.made += 1
            is_null = self.null_each and self.made % self.null_each == 0
            key = f"r{self.made:05d}"
            self.rows[key] = {
                "id": key,
                "created_at": self.now,
                "updated_at": None if is_null else self.now,
                "status": STATUSES[self.made % 4],
                "version": 0,
            }

    def answer(self, order: str, ask: Ask, between: Callable[[], object] | None = None) -> Page:
        """Answer as the server would.

        Args:
            order: As ``sort_by`` has it; "" for the order in which rows were made.
            ask: What is asked for.
            between: What happens after the rows were counted, and before they are looked up.

        Raises:
            CappedError: The page is too far back.
        """
        habits = self.habits
        # The header has whole seconds.
        date = self.now.replace(microsecond=0)
        rows = self.found(order, ask)
        total = len(rows)
        if between:
            between()
            rows = self.found(order, ask)
        if ask.page is None:
            return Page.only([self._served(row) for row in rows], date)
        size = min(ask.size, habits.most)
        pages = -(-total // size)
        if ask.page > max(pages, 1):
            return Page.past_the_end(ask.page)
        if habits.cap and ask.page > habits.cap:
            raise CappedError
        first = (ask.page - 1) * size
        part = [self._served(row) for row in rows[first : first + size]]
        meta = self._meta(ask.page, pages, total)
        if habits.tells_size:
            meta["per_page"] = size
        return Page.read(part, meta, ask.page, date, asked=ask.size)

    def found(self, order: str, ask: Ask) -> list[Row]:
        """Return the rows within what is asked for, of all pages, in order."""
        rows = list(self._shown(ask))
        name, _, direction = order.partition(":")
        if name:
            if self.habits.shuffles:
                self.random.shuffle(rows)
            rows.sort(key=lambda row: row[name] or START, reverse=direction == "desc")
        return rows

    def _shown(self, ask: Ask) -> Iterator[Row]:
        named = {value for name, value in ask.params if name == "status[]"}
        shown = named or set(STATUSES).difference(self.hidden)
        found: Iterator[Row] = (row for row in self.rows.values() if row["status"] in shown)
        for name, (lower, upper) in () if self.ignores_filter else ask.bounds.items():
            if lower or (upper and not self.ignores_upper):
                found = self._within(found, name, lower, None if self.ignores_upper else upper)
        return found

    def _within(
        self, rows: Iterable[Row], name: str, lower: datetime | None, upper: datetime | None
    ) -> Iterator[Row]:
        habits = self.habits
        # Bounds are sent in whole seconds; the clock ticks in microseconds.
        unit = timedelta(seconds=1) if habits.cuts else timedelta(microseconds=1)
        first, end = START.min.replace(tzinfo=timezone.utc), START.max.replace(tzinfo=timezone.utc)
        if lower:
            first = lower.replace(microsecond=0) + (not habits.inclusive) * unit
        if upper:
            end = upper.replace(microsecond=0) + habits.inclusive * unit
        return (row for row in rows if row[name] is not None and first <= row[name] < end)

    def _served(self, row: Row) -> Row:
        return {name: self._as_sent(value) for name, value in row.items()}

    def _as_sent(self, value: object) -> object:
        if not isinstance(value, datetime):
            return value
        return value.astimezone(PARIS).isoformat() if self.habits.is_local else _show(value)

    def _meta(self, page: int, pages: int, total: int) -> Row:
        style = self.habits.style
        meta: Row = {"current_page": page, "total_pages": pages}
        # Quotes document `total`; invoicing says `previous_page` (observed).
        meta["total" if style == "zero" else "total_count"] = total
        meta["previous_page" if style == "zero" else "prev_page"] = page - 1 or None
        if page < pages and style != "absent":
            meta["next_page"] = page + 1
        elif style != "absent":
            meta["next_page"] = None if style == "null" else 0
        return meta


def _show(instant: datetime) -> str:
    return timestamps.show(instant)
