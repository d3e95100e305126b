"""An endpoint as a table of facts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from random import Random

    from tests.fake_qonto.data.plan import Plan
    from tests.fake_qonto.data.records import Attachment, Row
    from tests.fake_qonto.lists.reader import Params, Reader
    from tests.fake_qonto.world import World


class Filter(Protocol):
    """A parameter that narrows a list."""

    @property
    def name(self) -> str:
        """The parameter, without brackets."""

    def read(self, reader: Reader) -> None:
        """Understand what was given, or refuse it."""


class Source(Protocol):
    """Where the rows of a list come from; the same seed gives the same rows."""

    @property
    def file_keys(self) -> Mapping[str, Any]:
        """Ids of the seeded attachments."""

    def heads(self) -> Iterable[tuple[str, tuple[Any, ...]]]:
        """Yield the key of each row and its values of ``Endpoint.indexed``."""

    def row(self, key: str) -> Row:
        """Make a seeded row."""

    def new(self, fields: Mapping[str, Any], now: datetime, random: Random) -> Row:
        """Make a plausible row with these fields over it."""

    def file(self, key: str) -> Attachment | None:
        """Make the seeded attachment with an id, if there is one."""

    def new_files(self, row: Row) -> Iterable[Attachment]:
        """Make the files that a row which was added names."""


@dataclass(frozen=True)
class Endpoint:
    """What is known of a list, or of a single object where ``one`` is set.

    ``Control.vary`` changes facts while the fake runs: where sources disagree, both can
    be tried.
    """

    name: str
    path: str
    scope: str
    # The key of the rows in an answer; "" where an object is not wrapped.
    collection: str
    source: Callable[[Plan], Source]
    # How many rows there are, unless `reset` is given another number.
    rows: int = 30
    # Key of the answer to `path/{id}`: "" where it is not wrapped, None without such a call.
    single: str | None = None
    one: bool = False
    # Parameters, and the order without `sort_by`; `derived` are orders that no field gives.
    # Filters in `ignored` do nothing, or one end of them; those in `refused` get a 400.
    filters: tuple[Filter, ...] = ()
    ignored: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    sorts: tuple[str, ...] = ()
    order: str = "_place:asc"
    derived: Mapping[str, Callable[[Row], Any]] = field(default_factory=dict)
    # A parameter without which nothing is listed, or the field for `{parent}` in the path.
    partition: str | None = None
    partition_status: int = 400
    # Instants that lists are cut and ordered by; an index is kept of each.
    indexed: tuple[str, ...] = ()
    # Pages, and what `meta` calls things.
    paged: bool = True
    per_page: int = 100
    most: int = 100
    next_style: str | None = None
    previous: str = "prev_page"
    total: str = "total_count"
    # Who may ask: "key" or "oauth" (OAuth alone). Plan and role are knobs.
    auth: str = "key"
    # How rows are written: instants as the knobs say, or in UTC with some digits.
    digits: int | None = 3
    blank: tuple[str, ...] = ()
    serve: Callable[[World, Row, Params], Row] | None = None
    volatile: bool = False
    # Whether its rows name attachments that the source has.
    has_files: bool = False
    # What can happen to rows. `text` is a field that edits at random change.
    text: str | None = None
    # Which rows the list leaves out; None where it shows all, which an index can tell.
    hides: Callable[[World, Params], Callable[[Row], Any] | None] = lambda _, __: None
    changed: Callable[[World, Row | None, Row | None], None] | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a pattern with the parent's id as its group, if there is one."""
        return re.compile(self.path.replace("{parent}", "(?P<parent>[^/]+)"))

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each indexed field stands in a row's head."""
        return {name: place for place, name in enumerate(self.indexed)}
