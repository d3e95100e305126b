"""All files of an account, through kills, edits and faults, in a folder and in a bucket."""

from __future__ import annotations

import gc
import hashlib
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

import fsspec  # type: ignore[import-untyped, unused-ignore]
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.destination import leftovers
from tests.fake_qonto import TODAY
from tests.files.test_remote import s3
from tests.journeys.test_file_streams import (
    ACCOUNTS,
    CERTIFICATES,
    INVOICES,
    MADE,
    NAMES,
    STREAMS_OF_FILES,
    TRANSFERS,
    content_of,
    wanted,
)
from tests.support import Runner, chosen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fake_qonto import FakeQonto
    from tests.support import Json, Output

# The driver of S3 leaves connections to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PARENTS = sorted({each.parent_stream_type.name for each in STREAMS_OF_FILES.values()})

LISTS = sorted(set(PARENTS) - {ACCOUNTS, "supplier_invoices"})


class Table:
    """What a target has of the file streams after some runs."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[tuple[str, str], Json]] = defaultdict(dict)
        self.state: Json | None = None

    def take(self, output: Output) -> None:
        for name in NAMES:
            for record in output.records(name):
                key = (record[STREAMS_OF_FILES[name].parent_key], record["id"])
                self.rows[name][key] = record
        if output.states:
            self.state = output.state

    def check(self, bank: FakeQonto, name: str, options: Json) -> None:
        """Check that each file that Qonto has is there, byte for byte."""
        missing = wanted(bank, name) - self.rows[name].keys()
        assert not missing, name
        for key in wanted(bank, name):
            record = self.rows[name][key]
            assert record["status"] == "downloaded", record["error"]
            with fsspec.open(record["location"], **options) as file:
                content = file.read()
            assert content == content_of(bank, name, key[1])
            assert record["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Json, Json]]:
    """Settings for a place, and the driver's options."""
    if request.param == "folder":
        yield {"location": str(tmp_path / "files")}, {}
        return
    with s3() as found:
        yield {"location": found.url, "storage_options": found.options}, found.options
    fsspec.filesystem("s3").clear_instance_cache()
    gc.collect()


def live(bank: FakeQonto) -> None:
    """Let the account go on for a while: new rows of all kinds, and changes of old ones."""
    control = bank.control
    control.advance(3600)
    for parent in PARENTS:
        if parent != ACCOUNTS:
            control.add(parent)
    for row in control.rows("transactions")[:3]:
        control.edit("transactions", row["id"], attachment_ids=[control.add_attachment(b"new")])
    waiting = [each["id"] for each in control.rows(INVOICES) if not each["attachment_id"]]
    for invoice in waiting[:2]:
        control.edit(INVOICES, invoice, attachment_id=control.add_attachment(b"%PDF-1.4 late"))
    unsettled = [each["id"] for each in control.rows(TRANSFERS) if each["status"] == "pending"]
    control.edit(TRANSFERS, unsettled[0], status="settled")
    control.edit(ACCOUNTS, min(wanted(bank, CERTIFICATES))[0], name=control.now())


def has_fetched(fake: FakeQonto, files: int) -> bool:
    return fake.control.count("files") >= files


def test_every_file_of_an_account_is_there_after_kills_and_edits(
    fake: FakeQonto, tap: Runner, place: tuple[Json, Json]
) -> None:
    attachments, options = place
    fake.control.reset(invoices=6, today=TODAY, **dict.fromkeys(LISTS, 9))
    table, catalog = Table(), chosen(*NAMES)
    for fetched in (3, 20, 45):
        fake.control.clear_requests()
        killed = tap.run(
            catalog=catalog,
            state=table.state,
            attachments=attachments,
            killed_when=partial(has_fetched, fake, fetched),
        )
        table.take(killed)
        live(fake)
    table.take(tap.sync(catalog=catalog, state=table.state, attachments=attachments))
    for state in (table.state, None):
        fake.control.clear_requests()
        table.take(tap.sync(catalog=catalog, state=state, attachments=attachments))
        assert fake.control.count("files") == 0
        assert all(fake.control.count("api", path) == 0 for path in MADE.values())
    for name in NAMES:
        table.check(fake, name, options)
    assert leftovers(tap.files) == []


FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 404},
    {"kind": "status", "status": 429, "retry_after": "0"},
    {"kind": "cut_body"},
    {"kind": "reset"},
    {"kind": "close"},
]
OF_FILES = [*FAULTS, {"kind": "expired"}]


# Without shrinking, which would take minutes.
@settings(max_examples=20, phases=[Phase.explicit, Phase.generate])
@given(data=st.data())
def test_whatever_fails_in_one_run_is_there_after_the_next(
    fake: FakeQonto, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    fake.control.reset(invoices=6, today=TODAY, transactions=20)
    name = data.draw(st.sampled_from(NAMES))
    tap = Runner.against(fake, tmp_path_factory.mktemp("account"))
    given_settings: dict[str, Any] = {
        "attachments": {"concurrency": data.draw(st.sampled_from([1, 3, 16]))},
        "page_size": data.draw(st.sampled_from([3, 100])),
    }
    for _ in range(data.draw(st.integers(1, 3))):
        facts = data.draw(st.sampled_from(FAULTS if name in MADE else OF_FILES))
        where = {"path": MADE[name]} if name in MADE else {"host": "files"}
        times, after = data.draw(st.integers(1, 12)), data.draw(st.integers(0, 6))
        fake.control.add_fault(**facts, **where, times=times, after=after)
    table = Table()
    table.take(tap.sync(catalog=chosen(name), **given_settings))
    fake.control.clear_faults()
    assert all(
        record["status"] == "downloaded" or record["error"] for record in table.rows[name].values()
    )
    table.take(tap.sync(catalog=chosen(name), state=table.state, **given_settings))
    table.check(fake, name, {})
    assert leftovers(tap.files) == []
    assert "pending" not in (table.state or {})["bookmarks"][name]
