"""Where the streams that one walk feeds have come to, in the Singer state.

A stream and its children share the stream's bookmark. A child gets one of its own
only while it stands elsewhere: when one of the two was not selected for a while. So
whichever is selected later is read from where it stopped, and nothing is missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_qonto import timestamps
from tap_qonto.errors import ConfigError
from tap_qonto.reading import done
from tap_qonto.reading.done import Reached

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tap_qonto.reading.done import Stretch, Unsure

KEY, VALUE = "replication_key", "replication_key_value"


class Bookmarks:
    """The bookmarks of a stream and its children.

    Args:
        state: The whole Singer state; changed in place by `advance`.
        parent: Name of the stream that is walked.
        replication_key: Its replication key.
        children: Names of the streams that it feeds.
        selected: Names of those among all these that are selected.
        context: The partition of the stream, if it has any.

    Attributes:
        entry: What the state says of the stream; changed in place.
    """

    def __init__(  # noqa: PLR0913 - each is one fact
        self,
        state: dict[str, Any],
        *,
        parent: str,
        replication_key: str,
        children: Iterable[str],
        selected: Iterable[str],
        context: Mapping[str, str] | None = None,
    ) -> None:
        """Change nothing yet."""
        entries = state.setdefault("bookmarks", {})
        self.entry = entry_of(entries, parent, context)
        self._children = {name: entry_of(entries, name, context) for name in children}
        self._key = replication_key
        self._selected = set(selected)
        self._parent_is_selected = parent in self._selected
        self._begins_anew = False

    @property
    def start(self) -> datetime | None:
        """Up to where all selected streams have come; None for the beginning.

        Raises:
            ConfigError: A bookmark in the state is no time stamp.
        """
        places = [_read(entry) for entry in self._entries]
        known = [place for place in places if place is not None]
        return min(known, default=None) if len(known) == len(places) else None

    @property
    def above(self) -> list[Stretch]:
        """What all selected streams have of the list above `start`.

        Raises:
            ConfigError: The state cannot be read.
        """
        start = self.start
        if start is None or self._begins_anew:
            return []
        found, *others = map(done.remembered, self._entries)
        for other in others:
            found = done.common(found, other)
        return done.merged(found, start)

    @property
    def unsure(self) -> Unsure | None:
        """What all selected streams may have of the list as well.

        Raises:
            ConfigError: The state cannot be read.
        """
        if self.start is None or self._begins_anew:
            return None
        found, *others = map(done.doubted, self._entries)
        return found if all(other == found for other in others) else None

    def confirm(self) -> None:
        """Take it down that they have what they may have."""
        for entry in self._entries:
            reached = Reached(_read(entry), done.remembered(entry), done.doubted(entry))
            _write(entry, reached.confirmed())

    @property
    def _entries(self) -> list[dict[str, Any]]:
        """Where the state says how far each selected stream has come."""
        entries = [self.entry] if self._parent_is_selected else []
        return entries + [
            child if VALUE in child else self.entry
            for name, child in self._children.items()
            if name in self._selected
        ]

    def begin_anew(self) -> None:
        """Let the next `advance` forget how far the selected streams have come."""
        self._begins_anew = True

    def keep(self, written: Iterable[str]) -> None:
        """Leave streams out from now on, other than these; their bookmarks stay."""
        self._selected &= set(written)

    def forget_others(self) -> None:
        """Let streams that are not selected begin anew when they are selected again.

        The list was read where its bookmark does not say it, and they got none of it.
        """
        self._part_ways()
        for name, child in self._children.items():
            if name not in self._selected:
                _forget(child)
                child[KEY], child[VALUE] = self._key, None
        if not self._parent_is_selected:
            _forget(self.entry)

    def advance(self, to: Reached) -> None:
        """Move the bookmarks of the selected streams forward, never back.

        Args:
            to: How far the list was read; it has a bookmark.
        """
        if self._begins_anew:
            self._begins_anew = False
            for entry in (self.entry, *self._children.values()):
                _forget(entry)
        self._part_ways()
        for name, child in self._children.items():
            if name in self._selected and VALUE in child:
                self._move(child, to)
        if self._parent_is_selected:
            self._move(self.entry, to)
        for child in self._children.values():
            if VALUE in child and _place(child) == _place(self.entry):
                _forget(child)

    def _part_ways(self) -> None:
        """Give a child its own bookmark where it and its parent are not both selected."""
        for name, child in self._children.items():
            if (name in self._selected) != self._parent_is_selected and VALUE not in child:
                child[KEY], child[VALUE] = self._key, self.entry.get(VALUE)
                done.remember(child, done.remembered(self.entry), done.doubted(self.entry))

    def _move(self, entry: dict[str, Any], to: Reached) -> None:
        places = [place for place in (to.bookmark, _read(entry)) if place]
        bookmark = max(places)
        entry[KEY] = self._key
        known = done.remembered(entry) if to.above else []
        above = done.merged([*known, *to.above], bookmark)
        _write(entry, Reached(bookmark, above, to.unsure))


def _write(entry: dict[str, Any], to: Reached) -> None:
    if to.bookmark:
        entry[VALUE] = timestamps.show(to.bookmark)
    done.remember(entry, to.above, to.unsure)


def _forget(entry: dict[str, Any]) -> None:
    for name in (VALUE, KEY, done.KEY, done.UNSURE):
        entry.pop(name, None)


def _place(entry: dict[str, Any]) -> tuple[datetime | None, Any, Any]:
    return _read(entry), entry.get(done.KEY), entry.get(done.UNSURE)


def entry_of(
    entries: dict[str, Any], name: str, context: Mapping[str, str] | None
) -> dict[str, Any]:
    """Return what a state says of a stream, or of one of its partitions.

    Args:
        entries: The state's ``bookmarks``; the entry is added where it is missing.
        name: Name of the stream.
        context: The partition, if the stream has any.
    """
    entry: dict[str, Any] = entries.setdefault(name, {})
    if context is None:
        return entry
    partitions: list[dict[str, Any]] = entry.setdefault("partitions", [])
    for partition in partitions:
        if partition.get("context") == context:
            return partition
    partitions.append({"context": dict(context)})
    return partitions[-1]


def _read(entry: dict[str, Any]) -> datetime | None:
    text = entry.get(VALUE)
    if text is None:
        return None
    try:
        return timestamps.parse(text)
    except (TypeError, ValueError) as error:
        msg = (
            "The state holds a bookmark that is no time stamp, so it is not of "
            "tap-qonto. Pass the state that tap-qonto wrote, or no state to start over."
        )
        raise ConfigError(msg) from error
