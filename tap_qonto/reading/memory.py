"""What the state remembers of a list beside its bookmark.

A bookmark says how far a list was read. It stands for nothing that the settings of
that time left out, and for no other organization.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_qonto import timestamps
from tap_qonto.errors import ConfigError, DataError, OrganizationError
from tap_qonto.reading.bookmarks import VALUE
from tap_qonto.reading.coverage import KEY, Coverage
from tap_qonto.reading.window import Window

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from tap_qonto.reading.bookmarks import Bookmarks

_ORGANIZATION, _ROWS = "organization", "rows"
_SKEW = timedelta(minutes=2)
_MANY = 10
"""Rows that a list must have lost for that to be a sign of a credential that sees less."""


class Pass(NamedTuple):
    """A part of a list that is read at one go.

    Attributes:
        window: What is asked for.
        moves: Whether the bookmark moves with it.
    """

    window: Window
    moves: bool


class Memory:
    """What the state remembers of one list.

    Args:
        name: Name of the stream, for messages.
        entry: What the state says of it; changed in place.
        organization: Of the other lists of the state, if it is known.
    """

    def __init__(self, name: str, entry: dict[str, Any], organization: str | None = None) -> None:
        """Change nothing yet."""
        self._name = name
        self._entry = entry
        self._organization_of_others = organization

    @property
    def was_read(self) -> bool:
        """Whether an earlier run could read the list."""
        return self.is_known or VALUE in self._entry

    @property
    def is_known(self) -> bool:
        """Whether the state says what the bookmark stands for."""
        return KEY in self._entry

    @property
    def organization(self) -> str | None:
        """Id of the organization whose rows were read, if it is known."""
        found: str | None = self._told.get(_ORGANIZATION)
        return found or self._organization_of_others

    def has_read(self, filters: Mapping[str, Any]) -> bool:
        """Tell whether the last run had the same filters of the list, by the API's names."""
        known = Coverage.remembered(self._entry)
        return known is not None and known.filters == filters

    def passes(
        self,
        bookmarks: Bookmarks,
        config: Mapping[str, Any],
        filters: Mapping[str, Any],
        begun: datetime,
        logger: logging.Logger,
    ) -> list[Pass]:
        """Return what is to be read, in order.

        Args:
            bookmarks: How far earlier runs have come.
            config: The settings.
            filters: Filters of the list, by the API's names.
            begun: When the run began (aware).
            logger: Where it is said that something is read anew.
        """
        whole = Window.of(config, None, begun=begun, is_open=False)
        bookmark, known = bookmarks.start, Coverage.remembered(self._entry)
        wanted = Coverage(filters, whole.first)
        self._next = wanted
        if bookmark is None:
            if known and known.is_wider(wanted):
                # What others of these streams have read stands for less.
                bookmarks.begin_anew()
            return [Pass(whole, moves=True)]
        rest = Pass(Window.of(config, bookmark, begun=begun, is_open=False), moves=True)
        if known is None:
            return [rest]
        if not known.holds(filters):
            logger.warning(
                "The filter of %s lets through rows that the earlier runs left out, so the "
                "list is read again from the beginning.",
                self._name,
            )
            bookmarks.begin_anew()
            return [Pass(whole, moves=True)]
        self._next = known.next(wanted, bookmark)
        if known.first and (wanted.first is None or wanted.first < known.first):
            logger.warning(
                "start_date has moved to an earlier day, so %s is read from there up to %s, too.",
                self._name,
                timestamps.show(known.first),
            )
            self._next, later = wanted, min(known.first, bookmark)
            if whole.last and whole.last < later:
                # Between the two lies what neither run reads.
                bookmarks.begin_anew()
                return [Pass(whole, moves=True)]
            return [Pass(whole.before(wanted.first, later), moves=False), rest]
        return [rest]

    def check_bookmark(self, bookmark: datetime | None, now: datetime | None) -> None:
        """See that a bookmark is not in the future, where no row would ever be found.

        Args:
            bookmark: How far earlier runs have come (aware).
            now: Qonto's clock (aware); None for that of this machine.

        Raises:
            ConfigError: It is.
        """
        now = now or datetime.now(timezone.utc)
        if bookmark and bookmark > now + _SKEW:
            msg = (
                f"The bookmark of {self._name} in the state is {timestamps.show(bookmark)}, "
                f"which is in the future (it is {timestamps.show(now)}), so changes up to then "
                f"would be left out. Set the bookmark to a moment in the past, or remove "
                f"{self._name} from the state to read it from the beginning."
            )
            raise ConfigError(msg)

    def check_organization(self, found: str | None) -> None:
        """See that the rows are of the organization that the state is of.

        Raises:
            OrganizationError: They are of another.
        """
        known = self.organization
        if found and known and found != known:
            msg = (
                f"The state is of organization {known}, and the credential reads {found}. "
                "Pass the state that belongs to this organization, or none to start anew."
            )
            raise OrganizationError(msg)

    def remember(self, organization: str | None) -> None:
        """Take down what the bookmark stands for now."""
        self._keep(organization, self._next.told())

    def check_rows(self, rows: int) -> None:
        """See that a list that is read whole has not lost most of its rows.

        Raises:
            DataError: It has less than half of those of the last time, and many less.
        """
        last = self._told.get(_ROWS)
        if isinstance(last, int) and rows * 2 < last and last - rows >= _MANY:
            msg = (
                f"{self._name} has {rows:,} rows, and had {last:,} when it was last read whole. "
                "The stream ends before the target drops the others. If they are really gone, "
                f"remove {self._name} from the state, or run once without a state."
            )
            raise DataError(msg)

    def remember_rows(self, rows: int, organization: str | None) -> None:
        """Take down how many rows a whole list has."""
        self._keep(organization, {_ROWS: rows})

    def _keep(self, organization: str | None, facts: Mapping[str, Any]) -> None:
        told = self._entry.setdefault(KEY, {})
        told.update(facts)
        if organization:
            told[_ORGANIZATION] = organization

    @property
    def _told(self) -> Mapping[str, Any]:
        told = self._entry.get(KEY)
        return told if isinstance(told, dict) else {}


def organization_in(state: Mapping[str, Any]) -> str | None:
    """Return the organization that a state is of; None if it does not say."""
    entries = state.get("bookmarks", {}).values()
    lists = [each for entry in entries for each in (entry, *entry.get("partitions", ()))]
    known = (Memory("", each).organization for each in lists)
    return next((found for found in known if found), None)
