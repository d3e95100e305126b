"""A token store that ends with the process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from tap_qonto.credentials.tokens import Tokens


class MemoryTokenStore:
    """A store that ends with the process."""

    where = "the token store in memory"

    def __init__(self, tokens: Tokens | None = None) -> None:
        """Begin with these tokens."""
        self.tokens = tokens
        self._lock = threading.Lock()

    def locked(self) -> AbstractContextManager[object]:
        """Keep other threads out."""
        return self._lock

    def read(self) -> Tokens | None:
        """Return the tokens."""
        return self.tokens

    def prove(self) -> None:
        """Do nothing: memory can be written."""

    def write(self, tokens: Tokens) -> None:
        """Keep the tokens."""
        self.tokens = tokens
