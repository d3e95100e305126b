"""What the settings wanted of files when the state was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_qonto.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MODE, _LIMIT, _SEALED = "mode", "max_bytes", "sealed"
_KEY, _VALUE = "replication_key", "replication_key_value"


class Coverage(NamedTuple):
    """Which files the rows of a stream stand for.

    Attributes:
        mode: ``files``, ``inline`` or ``metadata``.
        max_bytes: Larger files were left out; None for no limit.
        sealed: Whether sealed copies are wanted as well.
    """

    mode: str
    max_bytes: int | None
    sealed: bool = False

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Coverage:
        """Return what the setting `attachments` asks for."""
        return cls(settings["mode"], settings.get("max_bytes"), settings["sealed"])

    @classmethod
    def remembered(cls, entry: Mapping[str, Any]) -> Coverage | None:
        """Return what a state says; None for one of version 0.1, which did not.

        Raises:
            ConfigError: The state was changed by hand.
        """
        mode, limit, sealed = entry.get(_MODE), entry.get(_LIMIT), entry.get(_SEALED, False)
        if mode is None:
            return None
        kinds = (str, int | None, bool)
        if not all(map(isinstance, (mode, limit, sealed), kinds)):
            msg = (
                f"The state says in {_MODE} something that tap-qonto did not write. Pass the "
                "state that tap-qonto wrote, or none to start anew."
            )
            raise ConfigError(msg)
        return cls(mode, limit, sealed)

    def wider_than(self, before: Coverage | None) -> str | None:
        """Return in words what is wanted now and was not before; None for nothing."""
        if before is None:
            return None
        if self.sealed and not before.sealed:
            return "attachments.sealed was false and is true"
        if self.mode == "metadata":
            return None
        if self.mode != before.mode:
            return f"attachments.mode was {before.mode} and is {self.mode}"
        limits = f"attachments.max_bytes was {before.max_bytes} and is {self.max_bytes or 'unset'}"
        is_raised = before.max_bytes is not None and (
            self.max_bytes is None or self.max_bytes > before.max_bytes
        )
        return limits if is_raised else None

    def remember(self, entry: dict[str, Any]) -> None:
        """Take it down in what a state says of the stream."""
        entry[_MODE] = self.mode
        for name, value in ((_LIMIT, self.max_bytes), (_SEALED, self.sealed or None)):
            entry.pop(name, None)
            if value is not None:
                entry[name] = value

    @staticmethod
    def forget(entry: dict[str, Any]) -> None:
        """Take it out of what a state says of the stream."""
        for name in (_MODE, _LIMIT, _SEALED):
            entry.pop(name, None)

    @staticmethod
    def begin_anew(parent: Mapping[str, Any], entry: dict[str, Any]) -> None:
        """Set the bookmark of a file stream to the beginning, apart from its parent's.

        Args:
            parent: What the state says of the parent stream.
            entry: What it says of the file stream; changed in place.
        """
        # The parent has a bookmark if it is selected, the file stream if it was alone.
        known = next((each for each in (parent, entry) if _VALUE in each), None)
        if known:
            entry[_KEY], entry[_VALUE] = known[_KEY], None
        partitions = [*parent.get("partitions", ()), *entry.get("partitions", ())]
        contexts = [each["context"] for each in partitions if _VALUE in each]
        if contexts:
            anew = {_KEY: None, _VALUE: None}
            unique = [each for at, each in enumerate(contexts) if each not in contexts[:at]]
            entry["partitions"] = [{"context": context, **anew} for context in unique]
