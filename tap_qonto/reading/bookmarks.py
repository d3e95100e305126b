"""Where the streams that one walk feeds have come to, in the Singer state.

A stream and its children share the stream's bookmark. A child gets one of its own
only while it stands elsewhere: when one of the two was not selected for a while. So
whichever is selected later is read from where it stopped, and nothing is missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_qonto import timestamps
from tap_qonto.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

KEY, VALUE = "replication_key", "replication_key_value"


class Bookmarks:
    """The bookmarks of a stream and its children.

    Args:
        state: The whole Singer state; changed in place by `advance`.
        parent: Name of the stream that is walked.
        replication_key: Its replication key.
        children: Names of the streams that it feeds.
        selected: Names of those among all these that are selected.
    """

    def __init__(
        self,
        state: dict[str, Any],
        *,
        parent: str,
        replication_key: str,
        children: Iterable[str],
        selected: Iterable[str],
    ) -> None:
        """Change nothing yet."""
        entries = state.setdefault("bookmarks", {})
        self._parent = entries.setdefault(parent, {})
        self._children = {name: entries.setdefault(name, {}) for name in children}
        self._key = replication_key
        self._selected = set(selected)
        self._parent_is_selected = parent in self._selected

    @property
    def start(self) -> datetime | None:
        """Up to where all selected streams have come; None for the beginning.

        Raises:
            ConfigError: A bookmark in the state is no time stamp.
        """
        entries = [self._parent] if self._parent_is_selected else []
        entries += [
            child if VALUE in child else self._parent
            for name, child in self._children.items()
            if name in self._selected
        ]
        places = [_read(entry) for entry in entries]
        known = [place for place in places if place is not None]
        return min(known, default=None) if len(known) == len(places) else None

    def advance(self, to: datetime) -> None:
        """Move the bookmarks of the selected streams forward, never back."""
        for name, child in self._children.items():
            if (name in self._selected) != self._parent_is_selected and VALUE not in child:
                child[KEY], child[VALUE] = self._key, self._parent.get(VALUE)
        for name, child in self._children.items():
            if name in self._selected and VALUE in child:
                self._move(child, to)
        if self._parent_is_selected:
            self._move(self._parent, to)
        for child in self._children.values():
            if VALUE in child and _read(child) == _read(self._parent):
                del child[KEY], child[VALUE]

    def _move(self, entry: dict[str, Any], to: datetime) -> None:
        come_to = _read(entry)
        entry[KEY] = self._key
        entry[VALUE] = timestamps.show(max(to, come_to) if come_to else to)


def _read(entry: dict[str, Any]) -> datetime | None:
    text = entry.get(VALUE)
    if text is None:
        return None
    try:
        return timestamps.parse(text)
    except (TypeError, ValueError) as error:
        msg = (
            "The state holds a bookmark that is no time stamp, so it is not of "
            "tap-qonto. Pass the state that tap-qonto wrote, or none to start anew."
        )
        raise ConfigError(msg) from error
