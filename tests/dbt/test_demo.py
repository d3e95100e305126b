"""The demo, with fewer invoices: what it shows, its page, and the database that it leaves."""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import pytest

from scripts.demo import __main__ as demo
from tests.stack import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(600)]
CHROMIUM = shutil.which("chromium")


class Shown(NamedTuple):
    """What a demo has left: its folder, and what it printed."""

    folder: Path
    text: str


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("demo") / "demo"
    with demo.console.capture() as captured:
        demo.run(folder, invoices=60)
    yield Shown(folder, captured.get())
    demo.forget(folder)


def test_it_ends_with_the_figures_and_the_proof(shown: Shown) -> None:
    for title in ("What is owed", "What is due to us", "Cash by week, EUR"):
        assert title in shown.text
    assert "█" in shown.text
    assert "▒" in shown.text
    assert "4 of 4 accounts agree with the bank to the cent" in shown.text
    documents = re.search(r"(\d+) of (\d+) documents in place", shown.text)
    assert documents is not None
    assert documents[1] == documents[2]
    for way_on in ("make demo-sql", "docs/quick-start.md", "docs/reports.md"):
        assert way_on in shown.text


def test_it_leaves_the_database(shown: Shown) -> None:
    database = demo.database_of(shown.folder)
    assert database is not None
    with postgres(database) as url, psycopg.connect(url) as connection:
        ((owed,),) = connection.execute("SELECT count(*) FROM qonto_reports.payables")
    assert owed > 0
    assert demo.look(["-c", "SELECT 1"], shown.folder) == 0


def test_without_a_demo_there_is_nothing_to_look_into(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make demo"):
        demo.look([], tmp_path)


def test_the_page_needs_no_network(shown: Shown) -> None:
    page = (shown.folder / demo.PAGE).read_text("utf-8")
    links = re.findall(r"""(?:src|href)=["']([^"']*)""", page)
    assert links
    for link in links:
        assert (shown.folder / link).exists(), link
    assert "@import" not in page
    assert "<script" not in page
    assert "4 of 4 accounts agree" in page
    assert page.count("<svg") == 8


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium")
def test_the_page_is_light_and_dark(shown: Shown, tmp_path: Path) -> None:
    corners = [corner_of(shown.folder / demo.PAGE, tmp_path, dark) for dark in (False, True)]
    assert corners == [(255, 255, 255), (0x16, 0x19, 0x1D)]


def corner_of(page: Path, folder: Path, dark: bool) -> tuple[int, ...]:
    """Return the color of the first pixel of a page as a browser shows it."""
    picture = folder / f"{dark}.png"
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu"]
    command += [f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    data = picture.read_bytes()
    body = b"".join(chunks(data, b"IDAT"))
    # The first pixel of the first line is the same under every filter of PNG.
    return tuple(zlib.decompress(body)[1:4])


def chunks(data: bytes, kind: bytes) -> Iterator[bytes]:
    """Yield the chunks of a kind in a PNG."""
    at = 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == kind:
            yield data[at + 8 : at + 8 + length]
        at += length + 12
