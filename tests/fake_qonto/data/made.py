"""Rows that are made from a description: one function for each list."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from tests.fake_qonto.data.records import Attachment, new_uuid
from tests.fake_qonto.files import contents
from tests.fake_qonto.lists.table import head_of, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from random import Random

    from tests.fake_qonto.data.plan import Plan
    from tests.fake_qonto.data.records import Row

T = TypeVar("T")
SPAN = timedelta(days=400)
_WORDS = ("Alpha", "Béton", "Conseil", "Données", "Énergie", "Fiducie", "Gestion", "Hôtel")


class Draw:
    """What a row is made with: its place, its id, and a generator of its own.

    Args:
        plan: The world that the row is in.
        name: Name of its list.
        index: Its place in the list.
    """

    def __init__(self, plan: Plan, name: str, index: int) -> None:
        """Draw nothing yet."""
        self.plan = plan
        self.name = name
        self.index = index
        self.random = plan.random(name, index)
        self.id = plan.id(name, index)
        count = max(plan.counts.get(name, 1), 1)
        # Later rows are newer; some share an instant with the one before.
        step = SPAN / count
        place = index % count
        self.created_at = plan.today - SPAN + step * (place - place % 3 // 2)
        self.updated_at = min(
            self.created_at + timedelta(minutes=self.random.randrange(60 * 24 * 20)),
            plan.today - timedelta(seconds=count - place),
        )

    def other(self, name: str, default: str | None = None) -> str | None:
        """Draw the id of a row of another list; the default where it has none."""
        count = self.plan.counts.get(name, 0)
        return self.plan.id(name, self.random.randrange(count)) if count else default

    def one(self, *choices: T) -> T:
        """Draw one of these."""
        return self.random.choice(choices)

    def flip(self) -> bool:
        """Draw yes or no."""
        return self.random.random() < 0.5

    def maybe(self, value: T, odds: float = 0.6) -> T | None:
        """Return a value, or null."""
        return value if self.random.random() < odds else None

    def words(self, count: int = 2) -> str:
        """Draw a name."""
        return " ".join(self.random.choice(_WORDS) for _ in range(count))

    def cents(self, most: int = 500_000) -> int:
        """Draw an amount in cents."""
        return self.random.randrange(100, most)

    def day(self, spread: int = 60) -> str:
        """Draw a day around that on which the row was made."""
        day = self.created_at + timedelta(days=self.random.randrange(-spread, spread))
        return day.date().isoformat()

    def after(self, days: int = 30) -> datetime:
        """Draw an instant after the row was made."""
        return self.created_at + timedelta(minutes=self.random.randrange(1, 60 * 24 * days))

    def iban(self) -> str:
        """Draw what looks like an IBAN."""
        return f"FR76{self.random.randrange(10**22):022d}"


def money(cents: int, currency: str = "EUR") -> dict[str, str]:
    """Return an amount as text beside its currency."""
    return {"value": f"{cents // 100}.{cents % 100:02d}", "currency": currency}


def major(cents: int) -> float:
    """Return an amount as a JSON number in major units."""
    return cents / 100


class Made:
    """The rows of a list, each made by a function.

    Args:
        plan: The world that they are in.
        name: Name of the list.
        make: Makes the row of a place.
        indexed: Fields whose values indexes know.
    """

    def __init__(
        self, plan: Plan, name: str, make: Callable[[Draw], Row], indexed: Sequence[str] = ()
    ) -> None:
        """Make them all."""
        self.plan = plan
        self._name = name
        self._make = make
        self._indexed = indexed
        self._rows = {key_of(row): row for row in self.rows(plan.counts[name])}
        self.file_keys = {file: key for key, row in self._rows.items() for file in _files_of(row)}

    def rows(self, count: int) -> Iterable[Row]:
        """Make so many rows."""
        return (self._make(Draw(self.plan, self._name, index)) for index in range(count))

    def heads(self) -> Iterable[tuple[str, tuple[Any, ...]]]:
        """Yield the key of each row and what indexes know of it."""
        for key, row in self._rows.items():
            yield key, head_of(row, self._indexed)

    def row(self, key: str) -> Row:
        """Return a row."""
        return self._rows[key]

    def new(self, fields: Mapping[str, Any], now: datetime, random: Random) -> Row:
        """Make a plausible row with these fields over it."""
        row = self._make(Draw(self.plan, self._name, 1_000_000 + random.randrange(10**9)))
        for name in ("created_at", "updated_at"):
            if row.get(name) is not None:
                row[name] = fields.get("updated_at") or now
        if "id" in row:
            before, row["id"] = row["id"], new_uuid(random)
            if row.get("attachment_id") == before:
                row["attachment_id"] = row["id"]
        return row | dict(fields)

    def file(self, key: str) -> Attachment | None:
        """Make the seeded attachment with an id, if there is one."""
        row = self.file_keys.get(key)
        return _file(key, self._rows[row]) if row else None

    def new_files(self, row: Row) -> Iterable[Attachment]:
        """Make the files of a row that was added."""
        return (_file(key, row) for key in _files_of(row))


def _files_of(row: Row) -> list[str]:
    one = row.get("attachment_id")
    return [one] if one else list(row.get("attachment_ids") or ())


def _file(key: str, row: Row) -> Attachment:
    body = contents.Held(contents.pdf(key, [str(row.get("label") or row.get("number"))]))
    return Attachment(key, row["created_at"], f"reçu {key[:4]}.pdf", "application/pdf", body)


def made(
    name: str, make: Callable[[Draw], Row], indexed: Sequence[str] = ()
) -> Callable[[Plan], Made]:
    """Return what makes the source of a list."""
    return lambda plan: Made(plan, name, make, indexed)
