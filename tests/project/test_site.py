"""The built site: every link leads somewhere, and nothing comes from another host."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
import yaml
from typing_extensions import override

from tests.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
FROM_CSS = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')]+)""")
CONFIG = (ROOT / "mkdocs.yml").read_text("utf-8")
# The tests of one site share its build.
pytestmark = pytest.mark.xdist_group("site")


class Link(NamedTuple):
    """An address in a page."""

    tag: str
    address: str


class Page(HTMLParser):
    """The links and anchors of a built page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.anchors: set[str] = set()
        self.classes: set[str] = set()
        self.feed(html)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"href", "src", "srcset", "data"}:
                self.links.append(Link(tag, value or ""))
            elif name in {"id", "name"}:
                self.anchors.add(value or "")
            elif name == "class":
                self.classes.update((value or "").split())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as it is released."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / ".work" / "site"


def pages(site: Path) -> dict[str, Page]:
    """Return the built pages by their path."""
    # The page for errors is served below any path, so that its links start at the root.
    found = sorted(set(site.rglob("*.html")) - {site / "404.html"})
    return {path.relative_to(site).as_posix(): Page(path.read_text("utf-8")) for path in found}


def dead_links(site: Path) -> Iterator[str]:
    """Yield every link and image that leads nowhere."""
    built = pages(site)
    for name, page in built.items():
        for tag, address in page.links:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            path = (site / name).parent / unquote(parts.path) if parts.path else site / name
            path = path / "index.html" if path.is_dir() else path
            if not path.is_file():
                yield f"{name}: <{tag}> {address}"
            elif parts.fragment and not has_anchor(built, site, path, parts.fragment):
                yield f"{name}: <{tag}> {address}: no such anchor"


def has_anchor(built: dict[str, Page], site: Path, path: Path, anchor: str) -> bool:
    """Tell whether a page of the site has an anchor."""
    return anchor in built[path.resolve().relative_to(site.resolve()).as_posix()].anchors


def foreign_parts(site: Path) -> Iterator[str]:
    """Yield what a browser would fetch from another host to show a page."""
    for name, page in pages(site).items():
        for tag, address in page.links:
            if tag != "a" and urlsplit(address).netloc:
                yield f"{name}: <{tag}> {address}"
        # The script of the theme fetches Mermaid from another host where a page has a drawing.
        if "mermaid" in page.classes:
            yield f"{name}: Mermaid"
    for path in site.rglob("*.css"):
        for address in FROM_CSS.findall(path.read_text("utf-8")):
            yield f"{path.name}: {address}"


def test_every_link_and_image_leads_somewhere(site: Path) -> None:
    assert list(dead_links(site)) == []


def test_nothing_comes_from_another_host(site: Path) -> None:
    assert list(foreign_parts(site)) == []


@pytest.mark.parametrize(
    "added",
    [
        '<a href="../../bench/plain_tap.py">out of the site</a>',
        '<img src="../gone.svg">',
        '<a href="../settings/#gone">no such anchor</a>',
        '<script src="https://example.com/x.js"></script>',
        '<pre class="mermaid">flowchart</pre>',
    ],
)
def test_what_a_page_must_not_have_is_seen(site: Path, tmp_path: Path, added: str) -> None:
    copy = shutil.copytree(site, tmp_path / "site")
    page = copy / "faq" / "index.html"
    page.write_text(page.read_text("utf-8") + added, "utf-8")
    assert len([*dead_links(copy), *foreign_parts(copy)]) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_site_has_each_page(site: Path, page: Path) -> None:
    assert (site / ("" if page.stem == "index" else page.stem) / "index.html").is_file()
    assert f": {page.name}\n" in CONFIG, "not in nav"


def test_navigation_has_a_few_groups() -> None:
    groups = yaml.safe_load(CONFIG)["nav"]
    assert 3 <= len(groups) <= 4
    assert all(isinstance(pages, list) for group in groups for pages in group.values())


def test_readers_can_choose_light_or_dark(site: Path) -> None:
    html = (site / "index.html").read_text("utf-8")
    choices = re.findall(r'data-md-color-scheme="(\w+)"[^>]*name="__palette"', html)
    assert choices == ["default", "default", "slate"]


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.svg")), ids=lambda path: path.stem)
def test_pictures_bring_their_own_paper(path: Path) -> None:
    """So that they can be read on a light and on a dark page."""
    picture = ET.parse(path).getroot()
    width, height = picture.attrib["viewBox"].split()[2:]
    paper = next(each for each in picture.iter() if each.tag.endswith("rect"))
    assert (paper.attrib["width"], paper.attrib["height"]) == (width, height)
    assert paper.attrib["fill"] == "#ffffff"
