"""A list's query: filters, order and page as asked, or the refusal that Qonto gives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from tests.fake_qonto.server.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from tests.fake_qonto.data.records import Row
    from tests.fake_qonto.lists.facts import Endpoint
    from tests.fake_qonto.lists.window import Window
    from tests.fake_qonto.settings import Settings

_NUMBER = re.compile(r"0*[1-9]\d{0,8}\Z", re.ASCII)

Params = Sequence[tuple[str, str]]


@dataclass
class Query:
    """A list request that has been understood."""

    page: int = 1
    per_page: int = 100
    sort: str = ""
    descending: bool = False
    partition: str | None = None
    windows: dict[str, Window] = field(default_factory=dict)
    tests: list[Callable[[Row], bool]] = field(default_factory=list)


class Reader:
    """Reads the parameters of one request; filters call it."""

    def __init__(self, facts: Endpoint, params: Params, settings: Settings, today: date) -> None:
        """Take what was asked of an endpoint on a day of the fake's clock."""
        self.given: dict[str, list[str]] = {}
        for name, value in params:
            self.given.setdefault(name.removesuffix("[]"), []).append(value)
        self.facts = facts
        self.settings = settings
        self.today = today
        self.query = Query()

    def read(self, parent: str | None = None) -> Query:
        """Understand the request.

        Raises:
            Refusal: It is answered with an error.
        """
        facts, query = self.facts, self.query
        if facts.paged:
            # Live clients page by `current_page`, too.
            query.page = self.number("page", self.number("current_page", 1, None), None)
            asked = self.number("per_page", facts.per_page, facts.most)
            # It may hand out fewer than it lets ask for.
            query.per_page = min(asked, self.settings.largest_page or asked)
        self._sort()
        self._partition(parent)
        for one in facts.filters:
            if one.name in facts.refused:
                self._refuse_unknown(one.name)
            elif one.name not in facts.ignored:
                one.read(self)
        return query

    def values(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return self.given.get(name, [])

    def value(self, name: str) -> str | None:
        """Return the one value of a parameter; of several the last counts."""
        values = self.values(name)
        return values[-1] if values else None

    def refuse(self, code: str, name: str, detail: str) -> NoReturn:
        """Refuse the value of a parameter.

        Raises:
            Refusal: Always.
        """
        raise Refusal(self.settings.bad_filter_status, code, detail, parameter=name) from None

    def number(self, name: str, default: int, largest: int | None) -> int:
        """Return a number from 1, refuse anything else."""
        text = self.value(name)
        if text is None:
            return default
        if not _NUMBER.match(text):
            raise Refusal(400, "invalid_format", f"{name} must be 1 or more", parameter=name)
        if largest and int(text) > largest:
            raise Refusal(400, "invalid_format", f"{name} is at most {largest}", parameter=name)
        return int(text)

    def _refuse_unknown(self, name: str) -> None:
        for given in self.given:
            if name in given:
                detail = f"{given} is not permitted"
                raise Refusal(400, "bad_request", detail, parameter=given)

    def _sort(self) -> None:
        text = self.value("sort_by") if self.facts.sorts else None
        name, _, direction = (self.facts.order if text is None else text).partition(":")
        if text is not None:
            known = name in self.facts.sorts and direction in {"asc", "desc"}
            if not known or (name == "updated_at" and not self.settings.sort_by_updated_at):
                detail = f"sort_by {text!r} is not included in the list"
                status = self.settings.sort_refusal_status
                raise Refusal(status, "not_in_list", detail, parameter="sort_by")
        self.query.sort, self.query.descending = name, direction == "desc"

    def _partition(self, parent: str | None) -> None:
        name = self.facts.partition
        if name is None:
            return
        self.query.partition = parent or self.value(name)
        if not self.query.partition:
            detail = f"{name} is missing"
            raise Refusal(self.facts.partition_status, "bad_request", detail, parameter=name)
