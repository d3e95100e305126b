"""Files that could not be had yet, kept in the Singer state until they are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_qonto.errors import ConfigError
from tap_qonto.files.wanted import Wanted

if TYPE_CHECKING:
    import logging

KEY = "pending"
MOST = 1_000
"""Files of a stream that are remembered; some 80 bytes of state each."""


class Pending:
    """The files of one stream that could not be had yet.

    Args:
        name: Name of the stream, for messages.
        entry: What the state says of the stream; changed in place.
        logger: Where it is said that one is dropped.

    Raises:
        ConfigError: The state was changed by hand.
    """

    def __init__(self, name: str, entry: dict[str, Any], logger: logging.Logger) -> None:
        """Read what the state has."""
        self._name = name
        self._entry = entry
        self._logger = logger
        found = entry.get(KEY, [])
        if not isinstance(found, list) or not all(map(_is_whole, found)):
            msg = (
                f"The state says in {KEY} something that tap-qonto did not write. Pass the "
                "state that tap-qonto wrote, or none to start anew."
            )
            raise ConfigError(msg)
        self._files = {(each[0], each[1]): tuple(each[2:]) for each in found}

    def __iter__(self) -> Any:
        """Iterate over the files, the one that waits longest first."""
        return iter([Wanted(*key, roles) for key, roles in self._files.items()])

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._files)

    def add(self, wanted: Wanted) -> None:
        """Remember a file; where there are too many, the oldest is dropped."""
        self._files.setdefault((wanted.parent_id, wanted.attachment_id), wanted.roles)
        if len(self._files) > MOST:
            parent_id, attachment_id = next(iter(self._files))
            del self._files[parent_id, attachment_id]
            self._logger.warning(
                "More than %d files of %s could not be had. The oldest, %s of %s, is not tried "
                "again by itself; a run without a state tries it.",
                MOST,
                self._name,
                attachment_id,
                parent_id,
            )
        self._keep()

    def discard(self, wanted: Wanted) -> None:
        """Forget a file, since it is there."""
        if self._files.pop((wanted.parent_id, wanted.attachment_id), None) is not None:
            self._keep()

    def _keep(self) -> None:
        self._entry[KEY] = [[*key, *roles] for key, roles in self._files.items()]
        if not self._files:
            del self._entry[KEY]


def _is_whole(found: Any) -> bool:
    return (
        isinstance(found, list) and len(found) > 1 and all(isinstance(part, str) for part in found)
    )
