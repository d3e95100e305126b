"""From Qonto into PostgreSQL, as users run it, and compared with what Qonto holds."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import yaml
from psycopg import sql
from psycopg.rows import dict_row

from tap_qonto.files.stream import FilesStream
from tap_qonto.streams import STREAMS, Attachments, SupplierInvoices
from tests.fake_qonto import FakeQonto
from tests.stack import BIN, PLUGINS, ROOT, MeltanoProject, environment, postgres
from tests.support import INVOICES, bookmark

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

Row = dict[str, Any]
README = (ROOT / "README.md").read_text("utf-8")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
ROLES = {"attachment_id": "attachment", "display_attachment_id": "display"}

# Three programs start for each run.

# Nothing but this machine can be reached: a look-up would fail the run.
OFFLINE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
OFFLINE |= {"no_proxy": "127.0.0.1"}

FILE_STREAMS = [
    stream.name
    for stream in STREAMS
    if issubclass(stream, FilesStream) and stream.selected_by_default
]


class Stack:
    """A fake Qonto, a PostgreSQL that is not on UTC, and Meltano between them."""

    def __init__(self, folder: Path, fake: FakeQonto, database: str) -> None:
        self.fake = fake
        self.database = database
        self.gone: set[str] = set()
        self.meltano = MeltanoProject(folder, environment(fake, database) | OFFLINE)

    def rows(self, stream: str) -> list[Row]:
        return table(self.database, stream)

    def ids_of_last_run(self, stream: str) -> set[str]:
        rows = self.rows(stream)
        last = max(row["_sdc_sync_started_at"] for row in rows)
        return {row["id"] for row in rows if row["_sdc_sync_started_at"] == last}

    def check(self) -> None:
        """Compare every row and column, and every file, with what Qonto holds."""
        invoices = self.fake.control.invoices()
        assert_same(self.rows("supplier_invoices"), [expected_invoice(row) for row in invoices])
        loaded = self.rows("attachments")
        places = {row["id"]: row["location"] for row in loaded}
        assert_same(loaded, list(self.expected_attachments(invoices, places)))
        folder = self.meltano.folder / "attachments"
        stored = {str(path) for path in folder.glob("[!.]*/**/*") if path.is_file()}
        located = {row["location"] for name in FILE_STREAMS for row in self.rows(name)}
        assert stored | self.gone == located | self.gone
        for key, place in places.items():
            assert Path(place).read_bytes() == self.fake.control.file_bytes(key)
            assert re.fullmatch(rf"\d{{4}}/\d\d/{key}-.+", str(Path(place).relative_to(folder)))

    def expected_attachments(self, invoices: list[Row], places: dict[str, str]) -> Iterator[Row]:
        for invoice in invoices:
            roles: dict[str, list[str]] = {}
            for field, role in ROLES.items():
                if invoice[field]:
                    roles.setdefault(invoice[field], []).append(role)
            for key, names in roles.items():
                served = self.fake.control.attachment(key)
                sealed = served.get("probative_attachment")
                content = self.fake.control.file_bytes(key)
                yield dict.fromkeys(Attachments.schema["properties"]) | {
                    "supplier_invoice_id": invoice["id"],
                    "id": key,
                    "roles": names,
                    "file_name": served.get("file_name"),
                    "file_content_type": served.get("file_content_type"),
                    "created_at": served["created_at"],
                    "file_size": len(content),
                    "probative_attachment": sealed and expected_sealed(sealed),
                    "status": "downloaded",
                    "location": places[key],
                    "sha256": hashlib.sha256(content).hexdigest(),
                }


def table(database: str, name: str) -> list[Row]:
    with psycopg.connect(database) as connection, connection.cursor(row_factory=dict_row) as cursor:
        query = sql.SQL("SELECT * FROM {}").format(sql.Identifier("qonto", name))
        return cursor.execute(query).fetchall()


def expected_sealed(served: Row) -> Row:
    size = served.get("file_size")
    facts = {name: value for name, value in served.items() if name != "url"}
    return facts | {"file_size": None if size is None else int(size)}


def expected_invoice(served: Row) -> Row:
    known = SupplierInvoices.schema["properties"]
    extra = {name: value for name, value in served.items() if name not in known}
    matched = served.get("matched_transactions")
    return {name: served.get(name) for name in known} | {
        "extra_fields": extra or None,
        "matched_transactions": matched
        and [{"transaction_id": each} if isinstance(each, str) else each for each in matched],
    }


def assert_same(loaded: list[Row], expected: list[Row]) -> None:
    """Compare rows by their keys; columns of the target itself do not count."""

    def by_key(rows: list[Row]) -> dict[tuple[str, str], Row]:
        return {(row.get("supplier_invoice_id", ""), row["id"]): plain(row) for row in rows}

    ours = [{k: v for k, v in row.items() if not k.startswith("_sdc_")} for row in loaded]
    assert [set(row) for row in ours] == [set(row) for row in expected[: len(ours)]]
    assert len(loaded) == len(expected)
    assert by_key(ours) == by_key(expected)


def plain(value: Any) -> Any:
    """Bring a value to a form in which equal facts are equal.

    Instants in UTC, days as days; inside of objects a field that is null may be absent.
    """
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=timezone.utc)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and (found := INSTANT.fullmatch(value)):
        digits = (found[1] or ".").ljust(7, "0")
        base, zone = value[:19], found[2].replace("Z", "+00:00")
        return datetime.fromisoformat(f"{base}{digits}{zone}").astimezone(timezone.utc)
    return value


@contextmanager
def running(folder: Path, invoices: int) -> Generator[Stack]:
    with FakeQonto(invoices=invoices) as fake, postgres(timezone="Europe/Paris") as database:
        yield Stack(folder, fake, database)


def block(language: str, holding: str) -> str:
    """Return the one code block of README that holds a text."""
    found = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    (text,) = [block for block in found if holding in block]
    return str(text)


def test_second_run_reads_what_changed(tmp_path: Path) -> None:
    with running(tmp_path / "project", invoices=150) as stack:
        control = stack.fake.control
        control.edit_invoice(control.invoice_ids()[0], of_tomorrow={"a": [1, None]})
        stack.meltano.run("qonto-to-postgres")
        stack.check()

        newest = max(datetime.fromisoformat(row["updated_at"]) for row in control.invoices())
        looked_back = {
            row["id"]
            for row in control.invoices()
            if datetime.fromisoformat(row["updated_at"]) >= newest - timedelta(seconds=301)
        }
        changed = set(control.invoice_ids()[:3])
        for key in changed:
            control.edit_invoice(key, status="paid", payable_amount=None)
        added = control.add_invoice(total_amount={"value": "1234567.89", "currency": "EUR"})
        control.clear_requests()
        stack.meltano.run("tap-qonto", "target-postgres")
        stack.check()
        read = stack.ids_of_last_run("supplier_invoices")
        assert changed | {added} <= read <= changed | {added} | looked_back
        assert control.count("files") == 1
        # Meltano rewrites it for want of a project_id, and drops the comments.
        assert stack.meltano.yml.read_bytes() == (ROOT / "meltano.yml").read_bytes()


def test_what_is_gone_from_qonto_vanishes(tmp_path: Path) -> None:
    lines = yaml.safe_load(block("yaml", "FULL_TABLE"))["plugins"]
    with running(tmp_path / "project", invoices=40) as stack:
        control = stack.fake.control
        stack.meltano.run("tap-qonto", "target-postgres")
        deleted = set(control.invoice_ids()[::10])
        for key in deleted:
            control.delete_invoice(key)

        add_to(stack.meltano.yml, "extractors", lines["extractors"])
        stack.meltano.run("tap-qonto", "target-postgres")
        for stream, name in (("supplier_invoices", "id"), ("attachments", "supplier_invoice_id")):
            marked = [row for row in stack.rows(stream) if row["_sdc_deleted_at"]]
            assert marked
            assert {row[name] for row in marked} <= deleted
        stack.gone = {row["location"] for row in marked}

        add_to(stack.meltano.yml, "loaders", lines["loaders"])
        stack.meltano.run("tap-qonto", "target-postgres")
        stack.check()


def add_to(yml: Path, kind: str, plugins: list[dict[str, Any]]) -> None:
    """Add lines to a meltano.yml, plugin by plugin, as a user would."""
    project = yaml.safe_load(yml.read_text("utf-8"))
    for plugin in plugins:
        (place,) = [each for each in project["plugins"][kind] if each["name"] == plugin["name"]]
        for name, value in plugin.items():
            place[name] = place.get(name, {}) | value if isinstance(value, dict) else value
    yml.write_text(yaml.safe_dump(project, sort_keys=False), "utf-8")


def test_by_pipe(tmp_path: Path) -> None:
    with FakeQonto(invoices=30) as fake, postgres(timezone="Europe/Paris") as database:
        settings = {
            "tap": json.loads(block("json", "login"))
            | {"api_url": fake.url, "login": fake.login, "secret_key": fake.secret_key},
            "target": json.loads(block("json", "sqlalchemy_url"))
            | {"sqlalchemy_url": environment(fake, database)["TARGET_POSTGRES_SQLALCHEMY_URL"]},
        }
        for name, content in settings.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        for name, programs in (
            ("tap", BIN),
            ("target", PLUGINS / "loaders" / "target-postgres" / "venv" / "bin"),
        ):
            (tmp_path / name).mkdir()
            (tmp_path / name / "bin").symlink_to(programs)
        (tmp_path / "sync.sh").write_text(block("bash", "| target/bin/target-postgres"))

        def sync() -> int:
            path = {"PATH": "/usr/bin:/bin"}
            command = ["/bin/bash", "sync.sh"]
            return subprocess.run(command, check=False, cwd=tmp_path, env=path).returncode

        for _ in range(2):
            fake.control.add_invoice()
            assert sync() == 0
            rows = table(database, "supplier_invoices")
            assert_same(rows, [expected_invoice(row) for row in fake.control.invoices()])
        assert len({row["_sdc_sync_started_at"] for row in rows}) == 2
        # A failure is one for whoever runs it, and leaves the state.
        before = json.loads((tmp_path / "state.json").read_bytes())
        fake.control.add_fault("status", status=403)
        assert sync() == 1
        after = json.loads((tmp_path / "state.json").read_bytes())
        assert bookmark(after) == bookmark(before)
        with psycopg.connect(database) as connection:
            query = block("sql", "qonto.supplier_invoices").encode()
            owed = connection.execute(query).fetchall()
        assert len(owed) == sum(is_owed(row) for row in fake.control.invoices())
        assert any(amount is None for _, _, amount, _ in owed)


def is_owed(row: Row) -> bool:
    """Tell whether an invoice is owed, or may be: Qonto has not read it yet."""
    amount = row.get("payable_amount")
    is_open = row["status"] not in {"paid", "archived", "rejected", "discarded"}
    return is_open and not row.get("is_credit_note") and (not amount or float(amount["value"]) > 0)


def test_what_leaves_a_filter_is_not_seen_again(tmp_path: Path) -> None:
    with FakeQonto(invoices=30) as fake:
        settings = {
            "api_url": fake.url,
            "login": fake.login,
            "secret_key": fake.secret_key,
            "attachments": {"mode": "metadata"},
            "supplier_invoices_filter": {"status": ["to_pay"]},
        }
        config, state = tmp_path / "tap.json", tmp_path / "state.json"
        config.write_text(json.dumps(settings))
        state.write_text("{}")

        def run() -> set[str]:
            done = subprocess.run(
                [BIN / "tap-qonto", "--config", config, "--state", state],
                check=True,
                capture_output=True,
            )
            messages = [json.loads(line) for line in done.stdout.splitlines()]
            state.write_text(
                json.dumps([each["value"] for each in messages if each["type"] == "STATE"][-1])
            )
            records = [each for each in messages if "record" in each]
            return {each["record"]["id"] for each in records if each["stream"] == INVOICES}

        key = fake.control.add_invoice(status="to_pay")
        assert key in run()
        fake.control.edit_invoice(key, status="paid")
        assert key not in run()
