"""The list's query: filters, order and page as asked, or the refusal that Qonto gives."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from .answers import Refusal
from .catalog import ALL_STATUSES
from .clock import UTC, parse_instant
from .matching import approvers, is_found, is_type, lacks_data, relative_span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .records import Row
    from .settings import Settings

DEFAULT_PER_PAGE = 25
MAX_PER_PAGE = 100
INDEXED = {"created_at": 0, "updated_at": 1}
SORTS = (
    "created_at", "file_name", "supplier_name", "payment_date",
    "due_date", "scheduled_date", "total_amount", "updated_at",
)  # fmt: skip
RELATIVE = ("today", "yesterday", "this_week", "past_week", "this_month", "past_month")
QUERY_FIELDS = ("supplier_name", "amount", "file_name", "invoice_number")
BEGIN_OF_TIME = datetime(MINYEAR, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(MAXYEAR, 12, 31, tzinfo=UTC)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_NUMBER = re.compile(r"0*[1-9]\d{0,8}\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\Z")
_PAYABLE = re.compile(r"(lte|gte):(\d+(?:\.\d+)?):([A-Z]{3})\Z")

Params = list[tuple[str, str]]


@dataclass
class Window:
    """Bounds of an instant, either of which may be open or shut."""

    low: datetime = BEGIN_OF_TIME
    high: datetime = END_OF_TIME
    low_in: bool = True
    high_in: bool = True

    def __contains__(self, instant: datetime) -> bool:
        """Tell whether an instant lies between the bounds."""
        above = instant >= self.low if self.low_in else instant > self.low
        below = instant <= self.high if self.high_in else instant < self.high
        return above and below

    def cut(self, index: Any) -> tuple[int, int]:
        """Return the places in a sorted index where the window begins and ends."""
        after = "\U0010ffff"
        low = index.bisect_left((self.low, "" if self.low_in else after))
        high = index.bisect_left((self.high, after if self.high_in else ""))
        return low, max(low, high)


@dataclass
class Query:
    """A list request that has been understood."""

    page: int = 1
    per_page: int = DEFAULT_PER_PAGE
    sort: str | None = None
    descending: bool = False
    windows: dict[str, Window] = field(default_factory=dict)
    tests: list[Callable[[Row], bool]] = field(default_factory=list)


def read_query(params: Params, settings: Settings, today: date) -> Query:
    """Understand a list request, or refuse it as Qonto does."""
    return _Reader(params, settings, today).read()


class _Reader:
    def __init__(self, params: Params, settings: Settings, today: date) -> None:
        self.values: dict[str, list[str]] = {}
        for name, value in params:
            self.values.setdefault(name.removesuffix("[]"), []).append(value)
        self.settings = settings
        self.today = today
        self.query = Query()

    def read(self) -> Query:
        query = self.query
        query.page = self._number("page", 1, None)
        query.per_page = self._number("per_page", DEFAULT_PER_PAGE, MAX_PER_PAGE)
        self._sort()
        for name in INDEXED:
            self._window(name)
        self._choices("status", ALL_STATUSES, lambda row, value: row.get("status") == value)
        self._choices("due_date", ("past_and_today", "future", "missing_date"), self._due)
        for name in ("payment_date", "issue_date"):
            self._relative(name)
        self._issue_date_from()
        self._flag("missing_data", lacks_data)
        self._flag("matched_transactions", lambda row: bool(row.get("matched_transactions")))
        self._choices("document_type", ("duplicates", "non_financial_documents"), is_type)
        self._ids("approver_id", approvers)
        self._ids("attachment_id", lambda row: [row.get("attachment_id")])
        if self._boolean("exclude_credit_notes"):
            query.tests.append(lambda row: not row.get("is_credit_note"))
        self._payable_amount()
        self._search()
        return query

    def _refuse(self, code: str, name: str, detail: str) -> NoReturn:
        raise Refusal(self.settings.bad_filter_status, code, detail, parameter=name) from None

    def _filters(self, name: str) -> list[str]:
        return self.values.get(f"filter[{name}]", [])

    def _filter(self, name: str) -> str | None:
        """Return the one value of a filter; of several the last counts."""
        values = self._filters(name)
        return values[-1] if values else None

    def _number(self, name: str, default: int, largest: int | None) -> int:
        text = self.values.get(name, [str(default)])[-1]
        if not _NUMBER.match(text):
            raise Refusal(400, "invalid_format", f"{name} must be 1 or more", parameter=name)
        if largest and int(text) > largest:
            raise Refusal(400, "invalid_format", f"{name} is at most {largest}", parameter=name)
        return int(text)

    def _sort(self) -> None:
        for text in self.values.get("sort_by", [])[-1:]:
            name, _, direction = text.partition(":")
            known = name in SORTS and direction in {"asc", "desc"}
            if not known or (name == "updated_at" and not self.settings.sort_by_updated_at):
                detail = f"sort_by {text!r} is not included in the list"
                status = self.settings.sort_refusal_status
                raise Refusal(status, "not_in_list", detail, parameter="sort_by")
            self.query.sort, self.query.descending = name, direction == "desc"

    def _window(self, name: str) -> None:
        low, high = self._instant(f"{name}_from"), self._instant(f"{name}_to")
        if low is None and high is None:
            return
        self.query.windows[name] = Window(
            low or BEGIN_OF_TIME,
            high or END_OF_TIME,
            self.settings.lower_inclusive,
            self.settings.upper_inclusive,
        )

    def _instant(self, name: str) -> datetime | None:
        text = self._filter(name)
        if text is None:
            return None
        try:
            instant = parse_instant(text)
        except ValueError:
            detail = f"{text!r} is not an RFC 3339 date-time"
            self._refuse("invalid_format", f"filter[{name}]", detail)
        if self.settings.filter_resolution == "second":
            return instant.replace(microsecond=0)
        return instant

    def _choices(
        self,
        name: str,
        allowed: tuple[str, ...],
        matches: Callable[[Row, str], bool],
    ) -> None:
        chosen = self._filters(name)
        for value in chosen:
            if value not in allowed:
                detail = f"{value!r} is not included in the list: {', '.join(allowed)}"
                self._refuse("not_in_list", f"filter[{name}]", detail)
        if chosen:
            self.query.tests.append(lambda row: any(matches(row, value) for value in chosen))

    def _due(self, row: Row, choice: str) -> bool:
        due = row.get("due_date")
        if due is None:
            return choice == "missing_date"
        return choice == ("past_and_today" if due <= self.today.isoformat() else "future")

    def _relative(self, name: str) -> None:
        chosen = self._filters(name)
        for value in chosen:
            if value not in RELATIVE:
                detail = f"{value!r} is not included in the list: {', '.join(RELATIVE)}"
                self._refuse("not_in_list", f"filter[{name}]", detail)
        if chosen:
            spans = [relative_span(value, self.today) for value in chosen]
            self.query.tests.append(
                lambda row: any(low <= (row.get(name) or "") <= high for low, high in spans),
            )

    def _issue_date_from(self) -> None:
        text = self._filter("issue_date_from")
        if text is None:
            return
        if not _DATE.match(text):
            self._refuse("invalid_format", "filter[issue_date_from]", f"{text!r} is not a date")
        self.query.tests.append(lambda row: (row.get("issue_date") or "") >= text)

    def _boolean(self, name: str) -> bool | None:
        text = self._filter(name)
        if text not in {None, "true", "false"}:
            detail = f"{text!r} is neither true nor false"
            self._refuse("invalid_format", f"filter[{name}]", detail)
        return None if text is None else text == "true"

    def _flag(self, name: str, holds: Callable[[Row], bool]) -> None:
        wanted = self._boolean(name)
        if wanted is not None:
            self.query.tests.append(lambda row: holds(row) is wanted)

    def _ids(self, name: str, of: Callable[[Row], Iterable[str | None]]) -> None:
        chosen = set(self._filters(name))
        for value in chosen:
            if not _UUID.match(value):
                self._refuse("invalid_format", f"filter[{name}]", f"{value!r} is no UUID")
        if chosen:
            self.query.tests.append(lambda row: not chosen.isdisjoint(of(row)))

    def _payable_amount(self) -> None:
        text = self._filter("payable_amount")
        if text is None:
            return
        match = _PAYABLE.match(text)
        if match is None:
            detail = f"{text!r} is not like lte:100.00:EUR"
            self._refuse("invalid_format", "filter[payable_amount]", detail)
        way, limit, currency = match[1], Decimal(match[2]), match[3]

        def holds(row: Row) -> bool:
            amount = row.get("payable_amount")
            if not amount or amount["currency"] != currency:
                return False
            value = Decimal(str(amount["value"]))
            return value <= limit if way == "lte" else value >= limit

        self.query.tests.append(holds)

    def _search(self) -> None:
        texts = self.values.get("query", [])
        names = [name for value in self.values.get("query_fields", []) for name in value.split(",")]
        if bool(texts) != bool(names):
            missing = "query_fields" if texts else "query"
            detail = "query and query_fields go together"
            raise Refusal(400, "bad_request", detail, parameter=missing)
        for name in names:
            if name not in QUERY_FIELDS:
                self._refuse("not_in_list", "query_fields", f"{name!r} cannot be searched")
        if texts:
            wanted = texts[-1].casefold()
            self.query.tests.append(
                lambda row: any(is_found(row, name, wanted) for name in names),
            )
