"""Several lists of the same rows' kind, read along `updated_at` as if they were one."""

from __future__ import annotations

from collections.abc import Generator
from copy import copy
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from tap_qonto.reading.ways import Ask, OutOfOrderError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Self

    from tap_qonto.reading.by_updated import UpdatedWalk
    from tap_qonto.reading.done import Counted
    from tap_qonto.reading.pages import Page, Row
    from tap_qonto.reading.ways import Params

_EVER = datetime(1970, 1, 1, tzinfo=timezone.utc)


class OfSeveral(NamedTuple):
    """One of the lists.

    Attributes:
        walk: Reads it.
        params: Parameters that choose it.
    """

    walk: UpdatedWalk
    params: Params


Found = TypeVar("Found")
Steps = Generator[Ask | OfSeveral | OutOfOrderError, "Page", Found]
"""Yields what to ask for, or the list whose turn it is, and takes the answers."""


class SeveralWalk:
    """One reading of several lists, always of the one that is furthest back.

    It is split by time, all lists at the same instant.

    Args:
        lists: Which.
        begun: When the reading began, by Qonto's clock (aware).

    Attributes:
        is_divisible: Whether it can be split.
    """

    moves = True

    def __init__(self, lists: Sequence[OfSeveral], begun: datetime) -> None:
        """Start before the first page."""
        self.is_divisible = True
        self._begun = begun
        self._rows: list[Row] = []
        self._go_on(lists)

    def _go_on(self, lists: Sequence[OfSeveral]) -> None:
        self._lists = list(lists)
        self._begin(self._read())

    def _begin(self, steps: Steps[None]) -> None:
        self._steps = steps
        step = next(steps, None)
        self._next = None if isinstance(step, OutOfOrderError) else step

    @property
    def total(self) -> int | None:
        """Rows that Qonto counted when it was first asked."""
        totals = [each.walk.total for each in self._lists if each.walk.total is not None]
        return sum(totals) if totals else None

    @property
    def is_whole(self) -> bool:
        """Whether every row was handed out."""
        return self._next is None

    @property
    def complete_to(self) -> datetime | None:
        """The bookmark that holds now.

        It stays before Qonto's clock at the first answer: a row that changes later may
        have left one list after it was read, for another.
        """
        place = self._place(
            (not self._is_whole(each), each.walk.complete_to) for each in self._lists
        )
        return place and min(place, self._begun)

    @property
    def whole_to(self) -> datetime | None:
        """All before this instant was handed out, and no row comes to lie there any more."""
        if any(each.walk.is_void for each in self._lists):
            # Pages went back, and the other lists were read before these were given away.
            return None
        return self._place((not self._is_whole(each), each.walk.whole_to) for each in self._lists)

    @property
    def read_to(self) -> datetime | None:
        """As `whole_to`, with the last page, although a row may have moved before it."""
        if any(each.walk.is_void for each in self._lists):
            return None
        return self._place((_is_unread(each), each.walk.read_to) for each in self._lists)

    @property
    def is_sure(self) -> bool:
        """Whether no row can have moved before its last pages were looked up."""
        return all(each.walk.is_sure for each in self._lists)

    @property
    def window(self) -> Counted | None:
        """The window whose count shows that its last page is sure; None where none can."""
        known = [each for each in self._lists if not each.walk.is_sure] or self._lists
        # Without parameters, a window shows what the list shows by itself.
        is_shown = len(known) == 1 and not known[0].params
        return known[0].walk.window if is_shown else None

    @staticmethod
    def _is_whole(one: OfSeveral) -> bool:
        return one.walk.is_sure and not _is_unread(one)

    def _place(self, places: Iterable[tuple[bool, datetime | None]]) -> datetime | None:
        """Return the least place of the lists that still have rows, or the greatest of all."""
        known = list(places)
        unread = [place for is_unread, place in known if is_unread]
        if unread:
            return None if None in unread else min(place for place in unread if place)
        return max((place for _, place in known if place), default=None)

    @property
    def comes_last(self) -> bool:
        """Whether it asks for the end of a window, which shows that no page of it has moved."""
        return isinstance(self._next, OfSeveral) and self._next.walk.comes_last

    @property
    def left(self) -> int:
        """Rows that it still has, by Qonto's last count; 0 while that is not known."""
        return sum(each.walk.left for each in self._lists) if self.is_divisible else 0

    @property
    def first(self) -> datetime | None:
        """Where it begins (aware); None for the lowest part."""
        return max((each.walk.first for each in self._lists if each.walk.first), default=None)

    def split(self) -> Self | None:
        """Give the upper half of what is left to another walk; None if it is too little."""
        if not self.is_divisible:
            return None
        unread = self._unread
        largest = max(self._lists, key=lambda each: each.walk.left)
        upper = largest.walk.split(by_number=unread == [largest])
        if upper and upper.first is None:
            read = [each for each in self._lists if each is not largest]
            return self._give([largest], [*read, largest._replace(walk=upper)])
        if upper is None or upper.first is None:
            return None
        return self._divide(largest, upper, upper.first, upper.first)

    def skip(self, first: datetime, end: datetime) -> Self | None:
        """Leave a stretch out that was read, and what is above it to another walk."""
        unread = self._unread
        if not (self.is_divisible and unread):
            return None
        upper = unread[0].walk.skip(first, end)
        if upper is None or upper.first is None:
            return None
        return self._divide(unread[0], upper, first, upper.first)

    def _divide(self, one: OfSeveral, upper: UpdatedWalk, end: datetime, first: datetime) -> Self:
        """End all lists at an instant, and leave what lies from another on to a walk above.

        Args:
            one: The list that was divided already.
            upper: What is above of it.
            end: Where this walk ends (aware).
            first: Where the one above begins.
        """
        below, above = [], []
        for each in self._lists:
            place = each.walk.complete_to
            if each is one:
                below.append(each)
                above.append(each._replace(walk=upper))
            elif each.walk.ask() is None or (place and place >= first):
                # All that lies below was read.
                above.append(each)
            else:
                below.append(each)
                above.append(each._replace(walk=each.walk.cut(end, first)))
        return self._give(below, above)

    def _give(self, below: Sequence[OfSeveral], above: Sequence[OfSeveral]) -> Self:
        other = copy(self)
        other._rows = []  # noqa: SLF001 - one of its own kind
        other._go_on(above)  # noqa: SLF001 - same
        self._go_on(below)
        return other

    def reopen(self) -> bool:
        """Do not: where that is needed, it is not split."""
        return False

    def ask(self) -> Ask | None:
        """Return what to ask for next; None when everything was read."""
        if self.is_divisible and self._is_over and (self._next or self._unread):
            # Pages were given to another walk, or came back from it.
            self._begin(self._read())
        return _asked(self._next) if isinstance(self._next, OfSeveral) else self._next

    def note_asked(self) -> None:
        """Take down that what it asks for is asked for now."""
        if isinstance(self._next, OfSeveral):
            self._next.walk.note_asked()

    @property
    def _is_over(self) -> bool:
        """Whether the list whose turn it was has nothing left."""
        return not (isinstance(self._next, OfSeveral) and self._next.walk.ask())

    def halve(self) -> None:
        """Ask for half as many rows from now on."""
        if isinstance(self._next, OfSeveral):
            self._next.walk.halve()
        elif self._next:
            self._next = self._next._replace(size=self._next.size // 2)

    def take(self, page: Page) -> Sequence[Row]:
        """Take the answer, and return what is new in it.

        Raises:
            OutOfOrderError: Its rows are out of order; another answer can be taken.
        """
        self._rows = []
        try:
            step = self._steps.send(page)
        except StopIteration:
            self._next = None
            return self._rows
        if isinstance(step, OutOfOrderError):
            raise step
        self._next = step
        return self._rows

    @property
    def _unread(self) -> list[OfSeveral]:
        """The lists that have rows left, the one that is furthest back first."""
        unread = [each for each in self._lists if each.walk.ask()]
        return sorted(unread, key=lambda each: each.walk.complete_to or _EVER)

    def _read(self) -> Steps[None]:
        """Read the lists to their ends."""
        while unread := self._unread:
            yield from self._step(unread[0])

    def _step(self, one: OfSeveral) -> Steps[Page]:
        """Ask for a list's next page; another answer where the first is out of order."""
        step: OfSeveral | OutOfOrderError = one
        while True:
            page = yield step
            try:
                self._rows += one.walk.take(page)
            except OutOfOrderError as error:
                step = error
            else:
                return page


def _is_unread(one: OfSeveral) -> bool:
    return one.walk.ask() is not None or one.walk.is_left


def _asked(one: OfSeveral) -> Ask:
    return cast("Ask", one.walk.ask())._replace(params=one.params)
