"""The kinds of filters that lists have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.fake_qonto.clock import parse_instant
from tests.fake_qonto.lists.window import BEGIN_OF_TIME, END_OF_TIME, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.lists.reader import Reader

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\Z")


@dataclass(frozen=True)
class Named:
    """A filter by its name and by where it stands: in ``filter[...]``, or at the top."""

    name: str
    top: bool = False

    def parameter(self, ending: str = "") -> str:
        """Return the parameter's name as it is sent."""
        return f"{self.name}{ending}" if self.top else f"filter[{self.name}{ending}]"


@dataclass(frozen=True)
class Instants(Named):
    """``_from`` and ``_to`` of an instant, or ``_from`` alone."""

    ends: tuple[str, ...] = ("_from", "_to")

    def read(self, reader: Reader) -> None:
        """Add a window."""
        ignored = reader.facts.ignored
        ends = [ending for ending in self.ends if self.name + ending not in ignored]
        bounds = {ending: self._instant(reader, ending) for ending in ends}
        if not any(bounds.values()):
            return
        reader.query.windows[self.name] = Window(
            bounds.get("_from") or BEGIN_OF_TIME,
            bounds.get("_to") or END_OF_TIME,
            reader.settings.lower_inclusive,
            reader.settings.upper_inclusive,
        )

    def _instant(self, reader: Reader, ending: str) -> datetime | None:
        parameter = self.parameter(ending)
        text = reader.value(parameter)
        if text is None:
            return None
        try:
            instant = parse_instant(text)
        except ValueError:
            reader.refuse("invalid_format", parameter, f"{text!r} is not an RFC 3339 date-time")
        if reader.settings.filter_resolution == "second":
            return instant.replace(microsecond=0)
        return instant


@dataclass(frozen=True)
class Days(Named):
    """``_from`` and ``_to`` of a date, or one of them."""

    ends: tuple[str, ...] = ("_from", "_to")

    def read(self, reader: Reader) -> None:
        """Compare dates as texts; a row without one is not found."""
        for ending in self.ends:
            parameter = self.parameter(ending)
            text = reader.value(parameter)
            if text is None:
                continue
            if not _DATE.match(text):
                reader.refuse("invalid_format", parameter, f"{text!r} is not a date")
            reader.query.tests.append(self._test(text, ending))

    def _test(self, text: str, ending: str) -> Callable[[Row], bool]:
        if ending == "_from":
            return lambda row: (row.get(self.name) or "") >= text
        return lambda row: (row.get(self.name) or "9999-99") <= text


@dataclass(frozen=True)
class Choice(Named):
    """Any of some words, by repeating the parameter or, with ``comma``, in one value."""

    allowed: tuple[str, ...] = ()
    matches: Callable[[Row, str], Any] | None = None
    comma: bool = False
    field: str | None = None

    def read(self, reader: Reader) -> None:
        """Refuse words that are not allowed; without any allowed, all are."""
        parameter = self.parameter()
        chosen = reader.values(parameter)
        if self.comma:
            chosen = [word for text in chosen for word in text.split(",")]
        for value in chosen:
            if self.allowed and value not in self.allowed:
                detail = f"{value!r} is not included in the list: {', '.join(self.allowed)}"
                reader.refuse("not_in_list", parameter, detail)
        if chosen:
            holds = self.matches or self._equal
            reader.query.tests.append(lambda row: any(holds(row, value) for value in chosen))

    def _equal(self, row: Row, value: str) -> bool:
        return row.get(self.field or self.name) == value


@dataclass(frozen=True)
class Flag(Named):
    """True or false."""

    holds: Callable[[Row], Any] | None = None

    def read(self, reader: Reader) -> None:
        """Compare what holds of a row, by default its field of this name."""
        parameter = self.parameter()
        text = reader.value(parameter)
        if text not in {None, "true", "false"}:
            reader.refuse("invalid_format", parameter, f"{text!r} is neither true nor false")
        if text is not None:
            holds = self.holds or (lambda row: row.get(self.name))
            reader.query.tests.append(lambda row: bool(holds(row)) is (text == "true"))


@dataclass(frozen=True)
class Ids(Named):
    """Any of some UUIDs."""

    of: Callable[[Row], Iterable[str | None]] | None = None
    field: str | None = None
    most: int | None = None
    comma: bool = False

    def read(self, reader: Reader) -> None:
        """Compare the ids that a row names, by default that in its field of this name."""
        parameter = self.parameter()
        values = reader.values(parameter)
        if self.comma:
            values = [word for text in values for word in text.split(",")]
        chosen = set(values)
        for value in chosen:
            if not _UUID.match(value):
                reader.refuse("invalid_format", parameter, f"{value!r} is no UUID")
        if self.most is not None and len(chosen) > self.most:
            reader.refuse("too_many", parameter, f"{parameter} takes {self.most} at most")
        if chosen:
            of = self.of or (lambda row: [row.get(self.field or self.name)])
            reader.query.tests.append(lambda row: not chosen.isdisjoint(of(row)))
