"""The dbt models on PostgreSQL and DuckDB: right types, right numbers, and a proof that is one.

Both databases are loaded twice, with edits in Qonto between the two, and built once.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter, defaultdict
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import duckdb
import psycopg
import pytest
import yaml

from scripts import dbt_models
from tests.dbt.project import DbtProject, duckdb_environment, postgres_environment
from tests.fake_qonto import FakeQonto
from tests.stack import ROOT, postgres
from tests.support import INVOICES, Runner, chosen
from tests.targets import venvs
from tests.targets.destinations import SCHEMA, DuckDb, Postgres

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.support import Json

TABLES = dbt_models.tables()
STREAMS = [name for name in TABLES if name != "sync_log"]
TRANSACTIONS = "transactions"
TYPES = {
    "text": {"text", "varchar"},
    "flag": {"boolean"},
    "integer": {"bigint"},
    "number": {"numeric", "decimal(38,4)"},
    "money": {"numeric", "decimal(38,4)"},
    "day": {"date"},
    "instant": {"timestamp with time zone"},
    "json": {"jsonb", "json"},
    "location": {"text", "varchar"},
}
pytestmark = [pytest.mark.xdist_group("dbt"), pytest.mark.timeout(600)]


class Reports(NamedTuple):
    """A database after two loads and a build.

    Attributes:
        connection: To ask it.
        project: What built it.
        said: What the build printed.
        code: Its exit code.
        first: The invoices and client invoices at the first load, by list and id.
        gone: Ids of rows that were deleted between the loads.
        fake: The Qonto that it was loaded from.
    """

    connection: Any
    project: DbtProject
    said: str
    code: int
    first: dict[str, dict[str, Json]]
    gone: set[str]
    fake: FakeQonto

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return [tuple(row) for row in self.connection.execute(query).fetchall()]

    def rows(self, model: str) -> list[Json]:
        """Return the rows of a model, by column."""
        cursor = self.connection.execute(f"SELECT * FROM qonto_reports.{model}")  # noqa: S608
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def harmed(self, *statements: str) -> Generator[None]:
        """Change tables by hand, for a while."""
        self.connection.execute("BEGIN")
        try:
            for statement in statements:
                self.connection.execute(statement)
            yield
        finally:
            self.connection.execute("ROLLBACK")

    def lost(self, table: str, *ids: str) -> AbstractContextManager[None]:
        """Take rows out of a table by hand, for a while."""
        listed = ", ".join(f"'{key}'" for key in ids)
        return self.harmed(f"DELETE FROM qonto.{table} WHERE id IN ({listed})")  # noqa: S608

    def compiled(self, model: str) -> str:
        """Return the SQL of a model."""
        (path,) = self.project.folder.glob(f"target/compiled/qonto/models/*/{model}.sql")
        return path.read_text("utf-8")

    @property
    def today(self) -> date:
        """The database's day."""
        ((day,),) = self.ask("SELECT current_date")
        return day  # type: ignore[no-any-return]


def edit(fake: FakeQonto) -> set[str]:
    """Do in Qonto what happens between two nights; return the ids of what is deleted."""
    control = fake.control
    to_pay = [row for row in control.invoices() if row["status"] == "to_pay"]
    control.pay_invoice(to_pay[0]["id"])
    control.edit_invoice(to_pay[1]["id"], iban="FR7630006000011234567890189")
    control.add_invoice(status="to_review")
    unpaid = [row for row in control.rows("client_invoices") if row["status"] == "unpaid"]
    control.edit("client_invoices", unpaid[0]["id"], status="paid")
    pending = [row for row in control.rows(TRANSACTIONS) if row["status"] == "pending"]
    control.edit(TRANSACTIONS, pending[0]["id"], status="completed", settled_at=control.now())
    label = control.ids("labels")[0]
    control.delete("labels", label)
    return {label}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Reports]]:
    """Load both databases twice, and build both side by side."""
    folder = tmp_path_factory.mktemp("dbt")
    today = datetime.now(timezone.utc).date().isoformat()
    with FakeQonto(invoices=90, today=today) as fake, postgres(timezone="UTC") as url:
        tap = Runner.against(fake, folder)
        tap.use_oauth(fake)
        settings = {"sqlalchemy_url": url.replace("postgresql:", "postgresql+psycopg:")}
        file = DuckDb(folder)
        places = {
            "meltanolabs-target-postgres": Postgres(url, SCHEMA, settings).settings,
            "target-duckdb": file.settings,
        }
        projects = {
            "postgres": DbtProject(folder / "postgres", postgres_environment(url)),
            "duckdb": DbtProject(folder / "duckdb", duckdb_environment(file.path)),
        }
        state: Json | None = None
        gone: set[str] = set()
        first = {
            name: {row["id"]: row for row in fake.control.rows(name)}
            for name in (INVOICES, "client_invoices")
        }
        # The first build is of the snapshots and what they need.
        snapshots = ["--select", "+resource_type:snapshot", "--exclude", "resource_type:test"]
        for command in (["build", *snapshots], ["build"]):
            output = tap.run(state=state, catalog=chosen(*TABLES))
            assert output.code == 0, output.stderr
            state = output.state
            for name, place in places.items():
                program = venvs.executable(name, name.removeprefix("meltanolabs-"))
                fed = venvs.feed(program, place, output.stdout, folder)
                assert fed.code == 0, fed.log
            running = {name: project.start(*command) for name, project in projects.items()}
            said = {name: process.communicate()[0] for name, process in running.items()}
            if command == ["build"]:
                break
            assert {process.returncode for process in running.values()} == {0}, said
            gone = edit(fake)
        with (
            psycopg.connect(url, autocommit=True) as rows,
            duckdb.connect(str(file.path)) as columns,
        ):
            connections = {"postgres": rows, "duckdb": columns}
            yield {
                name: Reports(
                    connections[name],
                    project,
                    said[name],
                    running[name].returncode,
                    first,
                    gone,
                    fake,
                )
                for name, project in projects.items()
            }


@pytest.fixture(params=["postgres", "duckdb"])
def reports(request: pytest.FixtureRequest, both: dict[str, Reports]) -> Reports:
    return both[request.param]


def instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(timezone.utc) if text else None


def settles(row: Json) -> bool:
    return row["settled_balance_cents"] is not None


def change(row: Json) -> int:
    cents: int = row["amount_cents"]
    return cents if row["side"] == "credit" else -cents


def test_the_build_is_green(reports: Reports) -> None:
    assert reports.code == 0, reports.said
    results = {name: each["status"] for name, each in reports.project.results().items()}
    assert {
        name: status for name, status in results.items() if status not in {"success", "pass"}
    } == {}
    assert len(results) > 100


def test_the_models_are_made_from_the_schema() -> None:
    for path, text in dbt_models.pieces().items():
        assert path.read_text("utf-8") == text, "run: make generate"
    assert set(dbt_models.FOLDER.iterdir()) <= dbt_models.pieces().keys()


def test_staging_has_every_column_in_its_type(reports: Reports) -> None:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for table, column, kind in reports.ask(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'qonto_reports'"
    ):
        found[table][column] = kind.lower()
    for name, (_, columns) in TABLES.items():
        model = found[f"stg_qonto__{name}"]
        for column, (kind, _) in columns.items():
            assert model[column] in TYPES[kind], (name, column)
        assert model.keys() == {column for column, _ in dbt_models.described(columns)}, name


def test_the_page_has_the_types_of_the_tables(reports: Reports) -> None:
    """And the casts that it shows give the types of the models."""
    place = 4 if "duckdb" in reports.project.environ.values() else 2
    text = (ROOT / "docs" / "targets.md").read_text("utf-8")
    rows = [line.split("|") for line in text.splitlines() if re.match(r"\| `\w+\.\w+`", line)]
    assert len(rows) == 8
    for row in rows:
        table, _, column = row[1].strip().split("`")[1].partition(".")
        ((kind,),) = reports.ask(
            "SELECT replace(data_type, 'ARRAY', 'jsonb[]') "  # noqa: S608
            "FROM information_schema.columns WHERE table_schema = 'qonto' "
            f"AND table_name = '{table}' AND column_name = '{column}'"
        )
        shown = row[place].strip().replace("text[]", "jsonb[]")
        assert kind.lower() == shown, (table, column)
        for cast in re.findall(r"`([^`]*)`(?! \(|\.)", row[5]):
            if "to_jsonb" not in cast or place == 2:
                ((found,),) = reports.ask(
                    f"SELECT count({cast}) FROM qonto.{table}"  # noqa: S608
                )
                assert found


def test_staging_has_every_row(reports: Reports) -> None:
    for name in STREAMS:
        if name.endswith(("attachments", "_files")):
            continue
        rows = reports.rows(f"stg_qonto__{name}")
        if name not in {"subscription", "einvoicing_settings"}:
            # target-duckdb keeps rows that are gone.
            gone = reports.gone if "duckdb" in reports.project.environ.values() else set()
            found = {row["id"] for row in rows} - gone
            assert found == set(reports.fake.control.ids(name)), name
        assert rows


def test_staging_has_what_qonto_has(reports: Reports) -> None:
    invoices = {row["id"]: row for row in reports.rows("stg_qonto__supplier_invoices")}
    for row in reports.fake.control.invoices():
        staged = invoices[row["id"]]
        total = row.get("total_amount")
        assert staged["total_amount"] == (Decimal(total["value"]) if total else None)
        assert staged["total_amount_currency"] == (total["currency"] if total else None)
        assert staged["created_at"] == instant(row["created_at"])
        due = row.get("due_date")
        assert staged["due_date"] == (date.fromisoformat(due) if due else None)
        assert staged["is_credit_note"] == row.get("is_credit_note")
    transactions = {row["id"]: row for row in reports.rows("stg_qonto__transactions")}
    for row in reports.fake.control.rows(TRANSACTIONS):
        assert transactions[row["id"]]["amount"] == row["amount"]
        assert transactions[row["id"]]["settled_at"] == instant(row["settled_at"])


def test_accounts_agree_to_the_cent(reports: Reports) -> None:
    rows = reports.rows("bank_account_agreement")
    assert {row["bank_account_id"] for row in rows} == set(
        reports.fake.control.ids("bank_accounts")
    )
    assert all(row["agrees"] for row in rows)
    assert any(row["pending_cents"] for row in rows)


def settled_rows(reports: Reports) -> list[Json]:
    """Return the settled transactions of the account that has most of them, in order."""
    rows = [row for row in reports.fake.control.rows(TRANSACTIONS) if settles(row)]
    ((most, _),) = Counter(row["bank_account_id"] for row in rows).most_common(1)
    mine = {
        row["settled_balance_cents"] - change(row): row
        for row in rows
        if row["bank_account_id"] == most
    }
    (at,) = mine.keys() - {row["settled_balance_cents"] for row in mine.values()}
    chain = []
    while at in mine:
        chain.append(mine[at])
        at = chain[-1]["settled_balance_cents"]
    assert len(chain) == len(mine) > 5
    return chain


def disagreeing(accounts: list[Json]) -> list[str]:
    return [row["bank_account_id"] for row in accounts if not row["agrees"]]


def test_a_missing_transaction_is_named(reports: Reports) -> None:
    chain = settled_rows(reports)
    for place in (1, len(chain) // 2, len(chain) - 1):
        row = chain[place]
        with reports.lost("transactions", row["id"]):
            (gap,) = reports.rows("bank_balance_gaps")
            accounts = {
                each["bank_account_id"]: each for each in reports.rows("bank_account_agreement")
            }
        assert gap["problem"] == "missing"
        assert gap["bank_account_id"] == row["bank_account_id"]
        assert gap["missing_cents"] == change(row)
        assert gap["after_transaction_id"] == chain[place - 1]["id"]
        after = chain[place + 1]["id"] if place + 1 < len(chain) else None
        assert gap["before_transaction_id"] == after
        assert [key for key, each in accounts.items() if not each["agrees"]] == [
            row["bank_account_id"]
        ]
    assert reports.rows("bank_balance_gaps") == []


def test_several_missing_transactions_are_named(reports: Reports) -> None:
    chain = settled_rows(reports)
    lost = [chain[2], chain[5]]
    with reports.lost(TRANSACTIONS, *(row["id"] for row in lost)):
        gaps = reports.rows("bank_balance_gaps")
    assert sorted(gap["missing_cents"] for gap in gaps) == sorted(map(change, lost))
    assert {gap["after_transaction_id"] for gap in gaps} == {chain[1]["id"], chain[4]["id"]}


def test_a_missing_transaction_that_others_name_is_known_by_id(reports: Reports) -> None:
    paid = next(
        row for row in reports.fake.control.invoices() if row.get("matched_transactions_ids")
    )
    (key, *_) = paid["matched_transactions_ids"]
    assert reports.rows("missing_transactions") == []
    with reports.lost("transactions", key):
        found = reports.rows("missing_transactions")
    assert (key, INVOICES, paid["id"]) in [tuple(row.values()) for row in found]


def test_a_doubled_transaction_is_named(reports: Reports) -> None:
    row = settled_rows(reports)[3]
    # The tables have keys; a target that appends has none.
    copies = reports.compiled("stg_qonto__transactions").replace('"transactions"', '"copies"')
    query = reports.compiled("bank_balance_gaps").replace('"stg_qonto__transactions"', '"copies"')
    doubled = f"INSERT INTO qonto.copies SELECT * FROM qonto.transactions WHERE id = '{row['id']}'"  # noqa: S608
    with reports.harmed(
        "CREATE TABLE qonto.copies AS SELECT * FROM qonto.transactions",
        doubled,
        f"CREATE VIEW qonto_reports.copies AS {copies}",
    ):
        found = reports.ask(query)
    assert [each[:3] for each in found] == [("doubled", row["bank_account_id"], row["id"])]


def test_pending_transactions_are_part_of_the_proof(reports: Reports) -> None:
    pending = next(
        row for row in reports.fake.control.rows(TRANSACTIONS) if row["status"] == "pending"
    )
    with reports.lost("transactions", pending["id"]):
        rows = reports.rows("bank_account_agreement")
    assert [row["bank_account_id"] for row in rows if not row["agrees"]] == [
        pending["bank_account_id"]
    ]


def test_every_document_is_in_place(reports: Reports) -> None:
    rows = reports.rows("documents")
    assert {row["named_in"] for row in rows} == {
        INVOICES,
        "client_invoices",
        "credit_notes",
        "quotes",
        TRANSACTIONS,
        "requests",
        "statements",
    }
    assert all(row["in_place"] for row in rows)
    expected = {
        (row["id"], key)
        for row in reports.fake.control.rows(TRANSACTIONS)
        for key in row["attachment_ids"]
    }
    found = [row for row in rows if row["named_in"] == TRANSACTIONS]
    assert {(row["named_by"], row["attachment_id"]) for row in found} == expected


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ("DELETE FROM qonto.transaction_attachments WHERE id = '{id}'", "no row"),
        ("UPDATE qonto.transaction_attachments SET sha256 = NULL WHERE id = '{id}'", "downloaded"),
        (
            "UPDATE qonto.transaction_attachments SET file_size = NULL WHERE id = '{id}'",
            "downloaded",
        ),
    ],
)
def test_a_document_that_is_not_in_place_is_named(
    reports: Reports, statement: str, status: str
) -> None:
    row = next(row for row in reports.fake.control.rows(TRANSACTIONS) if row["attachment_ids"])
    key = row["attachment_ids"][0]
    with reports.harmed(statement.format(table="qonto.transaction_attachments", id=key)):
        found = [each for each in reports.rows("documents") if not each["in_place"]]
    assert [(each["named_by"], each["attachment_id"], each["status"]) for each in found] == [
        (row["id"], key, status)
    ]


def test_a_missing_statement_is_named(reports: Reports) -> None:
    assert reports.rows("statement_gaps") == []
    account = reports.fake.control.ids("bank_accounts")[0]
    rows = [
        row for row in reports.rows("stg_qonto__statements") if row["bank_account_id"] == account
    ]
    gone = sorted(rows, key=lambda row: row["period_start"])[2]
    with reports.lost("statements", gone["id"]):
        (gap,) = reports.rows("statement_gaps")
    month = gone["period_start"]
    assert tuple(gap.values()) == (account, month, month)


def test_rows_are_held_against_qontos_count(reports: Reports) -> None:
    def counts() -> Json:
        return {row["stream"]: row for row in reports.rows("row_counts")}

    assert counts().keys() == set(STREAMS)
    assert counts()[INVOICES]["explanation"] == "the same"
    assert counts()[INVOICES]["rows_in_table"] == len(reports.fake.control.invoice_ids())
    key = reports.fake.control.invoice_ids()[0]
    with reports.lost("supplier_invoices", key):
        lost = counts()[INVOICES]
    assert lost["difference"] == -1
    assert lost["explanation"].startswith("missing")
    with reports.harmed("UPDATE qonto.sync_log SET source_count = 1"):
        assert counts()[INVOICES]["explanation"] == "deleted at Qonto since"
    with reports.harmed("DELETE FROM qonto.sync_log"):
        assert counts()[INVOICES]["explanation"].startswith("not read")


@pytest.mark.parametrize(
    ("test", "harm"),
    [
        ("balances_agree_to_the_cent", "DELETE FROM qonto.transactions WHERE status = 'pending'"),
        ("balances_have_no_gaps", "UPDATE qonto.bank_accounts SET balance_cents = 1"),
        ("documents_are_in_place", "DELETE FROM qonto.client_invoice_attachments"),
        ("no_rows_are_missing", "DELETE FROM qonto.transactions"),
        ("no_transactions_are_missing", "DELETE FROM qonto.transactions"),
        (
            "statements_have_no_gaps",
            """
                DELETE FROM qonto.statements WHERE period_start::date = (
                    SELECT max(period_start::date) - interval '1 month' FROM qonto.statements
                )
            """,
        ),
        ("streams_are_fresh", "UPDATE qonto.sync_log SET ended_at = '2020-02-29'"),
    ],
)
def test_the_tests_of_dbt_see_what_is_wrong(reports: Reports, test: str, harm: str) -> None:
    path = reports.project.folder / "target" / "compiled" / "qonto" / "tests" / f"{test}.sql"
    query = path.read_text("utf-8")
    assert reports.ask(query) == []
    with reports.harmed(harm):
        assert reports.ask(query)


@pytest.mark.parametrize(("model", "name"), [(INVOICES, INVOICES), ("client_invoices",) * 2])
def test_snapshots_keep_every_version_that_was_seen(
    reports: Reports, model: str, name: str
) -> None:
    versions: dict[str, list[Json]] = defaultdict(list)
    for row in reports.rows(f"{model}_history"):
        versions[row["id"]].append(row)
    now = {row["id"]: row for row in reports.fake.control.rows(name)}
    before = reports.first[name]
    assert versions.keys() == now.keys()
    edited = {key for key in before if before[key]["updated_at"] != now[key]["updated_at"]}
    assert edited
    for key, rows in versions.items():
        (valid,) = [row for row in rows if row["dbt_valid_to"] is None]
        assert valid["status"] == now[key]["status"]
        statuses = sorted(row["status"] for row in rows)
        seen = [now[key], before[key]] if key in edited else [now[key]]
        assert statuses == sorted(row["status"] for row in seen)


def test_balances_by_day_are_the_banks(reports: Reports) -> None:
    last: dict[tuple[str, date], int] = {}
    chain = settled_rows(reports)
    for row in chain:
        day = instant(row["settled_at"])
        assert day is not None
        last[row["bank_account_id"], day.date()] = row["settled_balance_cents"]
    found = {
        (row["bank_account_id"], row["day"]): row for row in reports.rows("bank_balance_by_day")
    }
    account = chain[0]["bank_account_id"]
    days = [day for key, day in found if key == account]
    assert max(days) >= reports.today
    assert len(days) == (max(days) - min(days)).days + 1
    ordered = [instant(row["settled_at"]) for row in chain]
    if ordered == sorted(ordered, key=str):
        for place, cents in last.items():
            assert found[place]["balance"] == Decimal(cents) / 100


def test_receivables_are_what_clients_owe(reports: Reports) -> None:
    control = reports.fake.control
    credited: dict[str, Decimal] = defaultdict(Decimal)
    for row in control.rows("credit_notes"):
        credited[row["invoice_id"]] += Decimal(row["total_amount"]["value"])
    owed = {}
    for row in control.rows("client_invoices"):
        amount = Decimal(row["total_amount"]["value"]) - credited[row["id"]]
        if row["status"] == "unpaid" and amount > 0:
            owed[row["id"]] = amount
    found = {row["client_invoice_id"]: row for row in reports.rows("receivables")}
    assert {key: row["amount"] for key, row in found.items()} == owed
    assert any(row["file_location"] for row in found.values())
    by_client = sum(row["amount"] for row in reports.rows("receivables_by_client"))
    by_date = sum(row["amount"] for row in reports.rows("receivables_by_due_date"))
    assert by_client == by_date == sum(owed.values())


def test_cash_by_week_adds_up(reports: Reports) -> None:
    control = reports.fake.control
    rows = reports.rows("cash_by_week")
    settled = sum(change(row) for row in control.rows(TRANSACTIONS) if settles(row))
    assert sum(row["settled"] for row in rows) == Decimal(settled) / 100
    pending = [
        row for row in control.rows("transfers") if row["status"] in {"pending", "processing"}
    ]
    assert sum(row["scheduled"] for row in rows) == -sum(row["amount"] for row in pending)
    payables = reports.rows("payables")
    for currency in {row["currency"] for row in payables} - {None}:
        owed = sum(row["amount"] for row in payables if row["currency"] == currency)
        assert sum(row["owed"] for row in rows if row["currency"] == currency) == -owed
    due = sum(row["amount"] for row in reports.rows("receivables"))
    assert sum(row["due"] for row in rows) == due
    this_week = reports.today - timedelta(reports.today.weekday())
    assert all(row["week"].weekday() == 0 for row in rows)
    assert all(row["week"] >= this_week for row in rows if row["owed"] or row["due"])


def test_a_scheduled_transfer_of_an_open_invoice_counts_once(reports: Reports) -> None:
    fake = reports.fake.control
    transfer = next(row for row in fake.rows("transfers") if row["status"] == "pending")
    invoice = next(row for row in reports.rows("payables") if row["amount"])
    ids = f"['{transfer['id']}']"
    value = f"ARRAY{ids}" if "postgres" in reports.project.environ.values() else f"to_json({ids})"
    query = f"SELECT sum(scheduled) FROM ({reports.compiled('cash_by_week')}) AS cash"  # noqa: S608
    ((before,),) = reports.ask(query)
    with reports.harmed(
        f"UPDATE qonto.supplier_invoices SET transfer_ids = {value} "  # noqa: S608
        f"WHERE id = '{invoice['supplier_invoice_id']}'"
    ):
        ((after,),) = reports.ask(query)
    assert after - before == transfer["amount"]


def test_vat_is_that_of_the_documents(reports: Reports) -> None:
    rows = reports.rows("vat_by_month_and_rate")
    assert {row["rate_percent"] for row in rows if row["direction"] == "deductible"} == {
        Decimal("5.5"),
        Decimal(20),
    }
    expected: dict[str, Decimal] = defaultdict(Decimal)
    for row in reports.fake.control.invoices():
        if row["status"] not in {"rejected", "discarded"}:
            for tax in row.get("taxes") or ():
                sign = -1 if row["is_credit_note"] else 1
                expected[tax["tax_amount"]["currency"]] += sign * Decimal(
                    tax["tax_amount"]["value"]
                )
    for currency, vat in expected.items():
        found = [
            row for row in rows if row["direction"] == "deductible" and row["currency"] == currency
        ]
        assert sum(row["vat"] for row in found) == vat
    collected = Decimal(0)
    for name, sign in (("client_invoices", 1), ("credit_notes", -1)):
        for row in reports.fake.control.rows(name):
            if row.get("status") not in {"draft", "canceled"}:
                for each in row["items"] or ():
                    collected += sign * Decimal(each["total_vat"]["value"])
    assert sum(row["vat"] for row in rows if row["direction"] == "collected") == collected


def test_missing_receipts_are_by_member_and_month(reports: Reports) -> None:
    counted = Counter(
        (row["initiator_id"], row["emitted_at"][:7])
        for row in reports.fake.control.rows(TRANSACTIONS)
        if row["attachment_required"] and not row["attachment_ids"] and row["status"] != "declined"
    )
    rows = reports.rows("receipts_missing")
    found = {(row["membership_id"], f"{row['month']:%Y-%m}"): row["transactions"] for row in rows}
    assert found == dict(counted)
    assert all(row["member"] for row in rows)


def test_payables_know_where_the_file_is(reports: Reports) -> None:
    invoices = {row["id"]: row for row in reports.fake.control.invoices()}
    rows = reports.rows("payables")
    for row in rows:
        invoice = invoices[row["supplier_invoice_id"]]
        if invoice["attachment_id"]:
            assert row["file_location"].endswith(row["file_base_name"])
            key = invoice["display_attachment_id"] or invoice["attachment_id"]
            assert row["file_base_name"].startswith(key)
        else:
            assert row["file_location"] is None
    assert any(row["age"] == "not read yet" and row["amount"] is None for row in rows)


def test_sums_are_of_one_currency_each(reports: Reports) -> None:
    rows = [row for row in reports.rows("payables") if row["amount"] is not None]
    owed: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        owed[row["currency"]] += row["amount"]
    assert len(owed) == 3
    for model in ("payables_by_supplier", "payables_by_due_date", "payables_by_week"):
        found: dict[str, Decimal] = defaultdict(Decimal)
        for row in reports.rows(model):
            if row["amount"] is not None:
                found[row["currency"]] += row["amount"]
        assert found == owed, model
    late = sum(row["amount_late"] for row in reports.rows("payables_by_supplier"))
    assert late == sum(
        row["amount"] for row in rows if row["due_date"] and row["due_date"] < reports.today
    )


def test_a_project_of_ones_own_takes_the_package(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: own\nversion: 1.0.0\nprofile: qonto\n")
    (tmp_path / "packages.yml").write_text(f"packages:\n  - local: {ROOT / 'dbt'}\n")
    (tmp_path / "models" / "mine.sql").write_text("SELECT * FROM {{ ref('payables') }}\n")
    shutil.copy(ROOT / "dbt" / "profiles.yml", tmp_path)
    project = DbtProject(tmp_path, {"DBT_TARGET": "duckdb"}, tmp_path)
    for command in ("deps", "parse"):
        process = project.start(command)
        said, _ = process.communicate()
        assert process.returncode == 0, said
    manifest = json.loads((tmp_path / "target" / "manifest.json").read_text("utf-8"))
    assert manifest["nodes"]["model.own.mine"]["depends_on"]["nodes"] == ["model.qonto.payables"]


@pytest.mark.parametrize("program", ["postgres"])
def test_the_documentation_builds(both: dict[str, Reports], program: str) -> None:
    project = both[program].project
    process = project.start("docs", "generate", "--no-compile")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    catalog = json.loads((project.folder / "target" / "catalog.json").read_text("utf-8"))
    assert "model.qonto.payables" in catalog["nodes"]


def test_every_model_has_a_description() -> None:
    described = set()
    for path in (ROOT / "dbt" / "models").rglob("*.yml"):
        for each in yaml.safe_load(path.read_text("utf-8")).get("models", ()):
            assert each["description"]
            described.add(each["name"])
    assert described == {path.stem for path in (ROOT / "dbt" / "models").rglob("*.sql")}
