"""The recipes of docs/cookbook.md give right numbers, on PostgreSQL and on DuckDB."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import duckdb
import psycopg
import pytest

from scripts import cookbook
from tests.fake_qonto import FakeQonto
from tests.stack import ROOT, postgres
from tests.support import BOTH, Runner, chosen
from tests.targets import venvs
from tests.targets.destinations import SCHEMA, DuckDb, Postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.fake_qonto.control.control import Control
    from tests.support import Json

FOLDER = ROOT / "docs" / "cookbook"
PAGE = ROOT / "docs" / "cookbook.md"
STREAMS = (
    *BOTH,
    "transactions",
    "transaction_attachments",
    "memberships",
    "bank_accounts",
    "statements",
    "client_invoices",
    "client_invoice_attachments",
    "credit_notes",
)
SETTLED = {"paid", "archived", "rejected", "discarded"}
NEW_IBAN = "FR7630006000011234567890189"

Rows = list[tuple[Any, ...]]
pytestmark = pytest.mark.xdist_group("cookbook")


class Cursor(Protocol):
    """What both databases give for a query."""

    def fetchall(self) -> list[Any]: ...


class Database(NamedTuple):
    """A database with the tables, and what Qonto had when they were loaded."""

    execute: Callable[[str], Cursor]
    invoices: list[Json]
    orders: list[Json]
    control: Control

    def cook(self, recipe: str) -> Rows:
        return [tuple(row) for row in self.execute(sql(recipe)).fetchall()]

    @property
    def today(self) -> date:
        day: date = self.execute("SELECT current_date").fetchall()[0][0]
        return day


def sql(recipe: str) -> str:
    return (FOLDER / f"{recipe}.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cookbook")


def _real_today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


@pytest.fixture(scope="module")
def qonto() -> Iterator[FakeQonto]:
    """150 invoices of all kinds, and some that the recipes look for.

    They lie around the real today, since the recipes look at the database's date.
    """
    with FakeQonto(invoices=150, today=_real_today()) as fake:
        control = fake.control
        to_pay = [
            row
            for row in control.invoices()
            if row["status"] == "to_pay" and row["iban"] and not row["is_credit_note"]
        ]
        now = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0)
        for minute, fields in enumerate([*hard_ones(to_pay), *due_around(now.date())]):
            # Before midnight, since what lies in the future is not read.
            moment = (now + timedelta(minutes=minute - 60)).isoformat()
            control.add_invoice(**{"status": "to_pay", "created_at": moment} | fields)
        texts = ["PO-77", "Bureau PO-7", "PO-8", "bon PO-9 (2/2)", "Solde PO-10"]
        for row, text in zip(to_pay, texts, strict=False):
            control.edit_invoice(row["id"], description=text)
        control.edit_invoice(to_pay[2]["id"], iban=None, total_amount=None)
        yield fake


def hard_ones(to_pay: list[Json]) -> Iterator[Json]:
    """Invoices that are nearly, or quite, like others."""
    first, second, *_, other = to_pay
    supplier = {name: first[name] for name in ("supplier_id", "supplier_name", "iban")}
    number = first["invoice_number"].replace("-", " / ").lower()
    yield supplier | {"invoice_number": number}
    yield supplier | {"invoice_number": number, "is_credit_note": True}
    yield supplier | {"invoice_number": number, "status": "discarded"}
    yield {"supplier_id": other["supplier_id"], "iban": other["iban"], "invoice_number": number}
    yield supplier | {"invoice_number": "to a new account", "iban": NEW_IBAN}
    yield supplier | {"invoice_number": "to no account", "iban": None}
    yield supplier | {"invoice_number": "to the old account"}
    names = ("supplier_id", "supplier_name", "iban", "total_amount", "issue_date")
    same = {name: second[name] for name in names}
    yield same | {"invoice_number": "same amount and day"}
    yield same | {"invoice_number": "same amount", "issue_date": "2024-02-29"}
    # One amount is not the other, though both are 30.05 in cents.
    for amount in ("30.045", "30.054"):
        money = {"value": amount, "currency": "TND"}
        yield same | {"invoice_number": amount, "total_amount": money, "payable_amount": money}
    for amount, currency in (("12.005", "KWD"), ("0.004", "KWD"), ("1500", "JPY")):
        yield {"payable_amount": {"value": amount, "currency": currency}}
    yield {"status": "archived", "payable_amount": {"value": "1000000.00", "currency": "EUR"}}


def due_around(today: date) -> Iterator[Json]:
    """Invoices on both sides of each bound of age."""
    for days in (-1, 0, 1, 30, 31, 60, 61, 90, 91):
        amount = {"value": f"{1000 + days}.01", "currency": "EUR"}
        yield {"payable_amount": amount, "due_date": (today - timedelta(days)).isoformat()}


@pytest.fixture(scope="module")
def orders(qonto: FakeQonto) -> list[Json]:
    """Orders: as invoiced, without facts in the invoice, of another supplier, for less."""
    ordered = {
        word: row
        for row in qonto.control.invoices()
        for word in (row.get("description") or "").split()
        if word.startswith("PO-")
    }
    return [
        {
            "number": number,
            "supplier_name": "Another & Sons" if number == "PO-9" else invoice["supplier_name"],
            "iban": invoice["iban"] or NEW_IBAN,
            "currency": (invoice["total_amount"] or {"currency": "EUR"})["currency"],
            "amount": value(invoice["total_amount"]) - (number == "PO-10"),
        }
        for number, invoice in sorted(ordered.items())
        if number != "PO-77"
    ]


@pytest.fixture(scope="module")
def messages(qonto: FakeQonto, folder: Path) -> bytes:
    output = Runner.against(qonto, folder).run(catalog=chosen(*STREAMS))
    assert output.code == 0, output.stderr
    return output.stdout


@pytest.fixture(scope="module")
def loaded_postgres(messages: bytes, folder: Path) -> Iterator[psycopg.Connection]:
    with postgres(timezone="UTC") as url:
        settings = {"sqlalchemy_url": url.replace("postgresql:", "postgresql+psycopg:")}
        target = ("meltanolabs-target-postgres", "target-postgres")
        load(target, Postgres(url, SCHEMA, settings).settings, messages, folder)
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


@pytest.fixture(scope="module")
def loaded_duckdb(messages: bytes, folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    destination = DuckDb(folder)
    load(("target-duckdb", "target-duckdb"), destination.settings, messages, folder)
    with duckdb.connect(str(destination.path)) as connection:
        yield connection


def load(target: tuple[str, str], settings: Json, messages: bytes, folder: Path) -> None:
    fed = venvs.feed(venvs.executable(*target), settings, messages, folder)
    assert fed.code == 0, fed.log


@pytest.fixture(scope="module", params=["postgres", "duckdb"])
def database(request: pytest.FixtureRequest, qonto: FakeQonto, orders: list[Json]) -> Database:
    connection = request.getfixturevalue(f"loaded_{request.param}")
    connection.execute(sql("purchase_orders_table"))
    marks = ", ".join(["%s" if request.param == "postgres" else "?"] * 5)
    for order in orders:
        insert = f"INSERT INTO qonto.purchase_orders VALUES ({marks})"  # noqa: S608
        connection.execute(insert, list(order.values()))
    control = qonto.control
    return Database(connection.execute, control.invoices(), orders, control)


def value(money: Json | None) -> Decimal:
    return Decimal(money["value"]) if money else Decimal(0)


def exact(number: Decimal | int) -> Decimal:
    """Return a number with the decimals that the recipes give it."""
    return Decimal(number).quantize(Decimal("0.0001"))


def day(row: Json, *names: str) -> date | None:
    texts = [row[name] for name in names if row.get(name)]
    return date.fromisoformat(texts[0]) if texts else None


def open_ones(invoices: Iterable[Json]) -> list[Json]:
    return [
        row for row in invoices if row["status"] not in SETTLED and not row.get("is_credit_note")
    ]


def owed(invoices: Iterable[Json]) -> list[Json]:
    return [row for row in open_ones(invoices) if value(row.get("payable_amount")) > 0]


def created(row: Json) -> tuple[datetime, str]:
    return datetime.fromisoformat(row["created_at"]).astimezone(timezone.utc), row["id"]


def in_any_order(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    return sorted(map(repr, rows))


def test_aging(database: Database) -> None:
    today = database.today
    ages = [
        (timedelta(0), "not due yet"),
        (timedelta(30), "1 to 30 days late"),
        (timedelta(60), "31 to 60 days late"),
        (timedelta(90), "61 to 90 days late"),
        (timedelta.max, "more than 90 days late"),
    ]
    amounts = defaultdict(list)
    for row in owed(database.invoices):
        due = day(row, "due_date")
        age = next(name for most, name in ages if today - due <= most) if due else "no due date"
        amounts[row["payable_amount"]["currency"], age].append(value(row["payable_amount"]))
    expected: Rows = [(*key, len(found), exact(sum(found))) for key, found in amounts.items()]
    assert {row[0] for row in expected} >= {"EUR", "CHF", "TND", "KWD", "JPY"}
    unread = [row for row in open_ones(database.invoices) if not row.get("payable_amount")]
    expected.append((None, "not read yet", len(unread), None))
    assert unread
    assert in_any_order(database.cook("payables_by_due_date")) == in_any_order(expected)


def test_cash_by_week(database: Database) -> None:
    amounts = defaultdict(list)
    for row in owed(database.invoices):
        pay_on = max(day(row, "scheduled_date", "due_date") or database.today, database.today)
        week = pay_on - timedelta(pay_on.weekday())
        amounts[row["payable_amount"]["currency"], week].append(value(row["payable_amount"]))
    expected = [
        (
            currency,
            week,
            len(found),
            exact(sum(found)),
            sum(
                exact(sum(other))
                for (its_currency, its_week), other in amounts.items()
                if its_currency == currency and its_week <= week
            ),
        )
        for (currency, week), found in sorted(amounts.items())
    ]
    assert len(expected) > 4
    assert database.cook("payables_by_week") == expected


def test_purchase_orders(database: Database) -> None:
    by_order = {
        order["number"]: (order, row)
        for order in database.orders
        for row in database.invoices
        if order["number"] in (row.get("description") or "").split()
    }
    expected = [
        (
            number,
            row["id"],
            row["invoice_number"],
            row["total_amount"] is None or value(row["total_amount"]) != order["amount"],
            row["supplier_name"] != order["supplier_name"],
            row["iban"] != order["iban"],
        )
        for number, (order, row) in by_order.items()
    ]
    assert [row[3:] for row in expected] == [
        (True, False, False),
        (False, False, False),
        (True, False, True),
        (False, True, False),
    ]
    assert database.cook("purchase_orders_against_invoices") == expected


def test_duplicates(database: Database) -> None:
    rows = [
        row
        for row in database.invoices
        if row["status"] not in {"rejected", "discarded"} and not row.get("is_credit_note")
    ]
    expected = []
    for earlier, later in combinations(sorted(rows, key=created), 2):
        if not later.get("supplier_id") or earlier.get("supplier_id") != later["supplier_id"]:
            continue
        same = (
            plain(earlier["invoice_number"]) == plain(later["invoice_number"]),
            all(
                earlier[name] and earlier[name] == later[name]
                for name in ("total_amount", "issue_date")
            ),
        )
        if any(same):
            expected.append((later["supplier_name"], earlier["id"], later["id"], *same))
    assert {row[3:] for row in expected} >= {(True, False), (False, True)}
    assert in_any_order(database.cook("duplicate_invoices")) == in_any_order(expected)


def plain(number: str) -> str:
    return "".join(filter(str.isalnum, number)).upper()


def test_iban_changes(database: Database) -> None:
    last: dict[str, str] = {}
    expected = []
    for row in sorted((row for row in database.invoices if row.get("iban")), key=created):
        before = last.get(row["supplier_id"], row["iban"])
        if before != row["iban"]:
            expected.append((row["supplier_name"], row["id"], before, row["iban"]))
        last[row["supplier_id"]] = row["iban"]
    assert any(row[3] == NEW_IBAN for row in expected)
    assert any(row[2] == NEW_IBAN for row in expected)
    assert in_any_order(database.cook("supplier_iban_changes")) == in_any_order(expected)


def test_without_file(database: Database) -> None:
    months: dict[date, list[bool]] = defaultdict(list)
    for row in database.invoices:
        months[created(row)[0].date().replace(day=1)].append(row["attachment_id"] is None)
    expected = [
        (month, len(found), sum(found), tenths(Decimal(100 * sum(found)) / len(found)))
        for month, found in sorted(months.items())
    ]
    found = [(*row[:3], tenths(Decimal(row[3]))) for row in database.cook("invoices_without_file")]
    assert any(row[2] for row in expected)
    assert found == expected


def test_documents_of_transactions(database: Database) -> None:
    control = database.control
    expected = {
        (row["id"], file, False) if file else (row["id"], None, None)
        for row in control.rows("transactions")
        for file in row["attachment_ids"] or [None]
    }
    found = database.cook("transaction_documents")
    assert {(row[0], row[6], row[11]) for row in found} == expected
    assert len(found) == len(expected)
    for row in found:
        if row[6]:
            assert row[8] == "downloaded"
            assert Path(row[9]).read_bytes() == control.file_bytes(row[6])
            assert row[10] == Path(row[9]).name
    moments = [row[1] for row in found]
    assert moments == sorted(moments)


def test_a_removed_receipt_stays(database: Database) -> None:
    first = next(row for row in database.cook("transaction_documents") if row[6])
    without = f"replace(attachment_ids::text, '{first[6]}', '') AS attachment_ids\n"
    query = sql("transaction_documents").replace("attachment_ids\n", without, 1)
    [row] = [row for row in database.execute(query).fetchall() if row[6] == first[6]]
    assert (row[0], row[11]) == (first[0], True)


def test_missing_receipts(database: Database) -> None:
    members = {row["id"]: row for row in database.control.rows("memberships")}
    expected: dict[tuple[Any, ...], list[Decimal]] = defaultdict(list)
    for row in database.control.rows("transactions"):
        if (
            row["attachment_required"]
            and not row["attachment_lost"]
            and not row["attachment_ids"]
            and row["status"] != "declined"
        ):
            month = datetime.fromisoformat(row["emitted_at"]).date().replace(day=1)
            key = (month, row["initiator_id"], row["currency"])
            expected[key].append(Decimal(row["amount_cents"]) / 100)
    found = database.cook("receipts_missing")
    assert {(row[0], row[1], row[3]): (row[4], row[5]) for row in found} == {
        key: (len(amounts), sum(amounts)) for key, amounts in expected.items()
    }
    assert found
    for _, key, name, *_ in found:
        assert name == f"{members[key]['first_name']} {members[key]['last_name']}"


def tenths(number: Decimal) -> Decimal:
    return number.quantize(Decimal("0.1"), ROUND_HALF_UP)


def test_payables(database: Database) -> None:
    found = {row[0]: row for row in database.cook("payables")}
    unread = [row for row in open_ones(database.invoices) if not row.get("payable_amount")]
    expected = [*owed(database.invoices), *unread]
    assert found.keys() == {row["id"] for row in expected}
    for invoice in expected:
        row = found[invoice["id"]]
        amount = invoice.get("payable_amount")
        assert row[6:8] == ((exact(value(amount)), amount["currency"]) if amount else (None, None))
        assert row[9] == day(invoice, "due_date")
        file = invoice["display_attachment_id"] or invoice["attachment_id"]
        assert (file in row[13]) if file else (row[13] is None)


def test_receivables(database: Database) -> None:
    credited: dict[str, Decimal] = defaultdict(Decimal)
    for note in database.control.rows("credit_notes"):
        credited[note["invoice_id"]] += value(note["total_amount"])
    due = [
        value(row["total_amount"]) - credited[row["id"]]
        for row in database.control.rows("client_invoices")
        if row["status"] == "unpaid"
    ]
    expected = [amount for amount in due if amount > 0]
    found = database.cook("receivables_by_due_date")
    assert sum(row[2] for row in found) == len(expected) > 1
    assert sum(row[3] for row in found) == sum(expected)


def test_agreement_with_the_bank(database: Database) -> None:
    accounts = database.cook("bank_account_agreement")
    assert {row[0] for row in accounts} == set(database.control.ids("bank_accounts"))
    assert all(row[-1] for row in accounts)
    assert database.cook("bank_balance_gaps") == []
    settled = [row for row in database.control.rows("transactions") if row["settled_at"]]
    lost = sorted(settled, key=lambda row: row["settled_at"])[len(settled) // 2]
    database.execute("BEGIN")
    database.execute(f"DELETE FROM qonto.transactions WHERE id = '{lost['id']}'")  # noqa: S608
    (gap,) = database.cook("bank_balance_gaps")
    accounts = database.cook("bank_account_agreement")
    database.execute("ROLLBACK")
    change = lost["amount_cents"] * (1 if lost["side"] == "credit" else -1)
    assert (gap[0], gap[1], gap[-1]) == ("missing", lost["bank_account_id"], change)
    assert [row[0] for row in accounts if not row[-1]] == [lost["bank_account_id"]]


def test_statement_gaps(database: Database) -> None:
    assert database.cook("statement_gaps") == []
    database.execute("BEGIN")
    database.execute("""
        DELETE FROM qonto.statements WHERE period_start::date = (
            SELECT max(period_start::date) - interval '1 month' FROM qonto.statements
        )
    """)
    gaps = database.cook("statement_gaps")
    database.execute("ROLLBACK")
    assert {row[0] for row in gaps} == set(database.control.ids("bank_accounts"))
    assert all(row[1] == row[2] for row in gaps)


def test_the_recipes_are_the_models() -> None:
    for path, text in cookbook.pieces().items():
        assert path.read_text("utf-8") == text, "run: make generate"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.sql")), ids=lambda path: path.stem)
def test_the_page_shows_each_recipe(path: Path) -> None:
    assert f"```sql\n{path.read_text(encoding='utf-8')}```" in PAGE.read_text(encoding="utf-8")
