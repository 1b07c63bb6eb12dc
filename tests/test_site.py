"""The docs site builds without a warning, finds what the rules say, and leads nowhere outside."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from mentor_rules import load_rulebook

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "docs" / "make_site.py"
BASE = "http://site/"
# What a browser loads by itself; a link is only followed.
LOADS = {("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")}


class _Page(HTMLParser):
    """The ids of a page, what it links to, and what it loads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            elif value and (tag, name) in LOADS:
                self.loads.append(value)
            elif value and name == "href":
                self.links.append(value)


BUILD = """
import pathlib, runpy, sys
runpy.run_path(sys.argv[1])["build"](pathlib.Path(sys.argv[2]))
"""


def build(target: Path, script: Path = SCRIPT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BUILD, str(script), str(target)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    done = build(target)
    assert done.returncode == 0, done.stdout + done.stderr
    return target / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, _Page]:
    """The pages by their address."""
    return {
        urljoin(BASE, page.relative_to(site).as_posix()): _Page(page.read_text("utf-8"))
        for page in site.rglob("*.html")
        if page.name != "404.html"  # is shown for any address, so its links begin at the root
    }


def test_every_page_of_the_docs_is_on_the_site(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        place = page.relative_to(ROOT / "docs")
        folder = place.parent if place.name == "README.md" else place.with_suffix("")
        assert (site / folder / "index.html").is_file(), place
    assert "Decides, with reasons" in (site / "index.html").read_text("utf-8")


def test_no_link_of_the_site_is_broken(site: Path, pages: dict[str, _Page]) -> None:
    followed = 0
    for address, page in pages.items():
        for link in (*page.links, *page.loads):
            target = urlsplit(urljoin(address, link))
            if target.scheme not in ("http", "https") or target.netloc != "site":
                continue
            path = site / unquote(target.path).lstrip("/")
            file = path / "index.html" if path.is_dir() else path
            assert file.is_file(), f"{address}: {link}"
            if target.fragment and file.suffix == ".html":
                found = pages[urljoin(BASE, file.relative_to(site).as_posix())]
                assert unquote(target.fragment) in found.ids, f"{address}: {link}"
            followed += 1
    assert followed > 1000


def test_every_page_can_be_reached_from_the_first(site: Path, pages: dict[str, _Page]) -> None:
    reached, ahead = set(), [urljoin(BASE, "index.html")]
    while ahead:
        address = ahead.pop()
        if address in reached or address not in pages:
            continue
        reached.add(address)
        for link in pages[address].links:
            target = urljoin(address, link).partition("#")[0]
            ahead.append(target + "index.html" if target.endswith("/") else target)
    assert reached == set(pages)


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, _Page]) -> None:
    for address, page in pages.items():
        for link in page.loads:
            assert urlsplit(urljoin(address, link)).netloc == "site", f"{address}: {link}"
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:|@import", style.read_text("utf-8")), style


def test_the_search_finds_the_words_of_each_rule_in_three_languages(site: Path) -> None:
    items = json.loads((site / "search.json").read_text("utf-8"))["items"]
    for rule in load_rulebook().rules:
        own = " ".join(
            re.sub(r"<[^>]+>|\s+", " ", f"{item['title']} {item['text']}")
            for item in items
            if item["location"].startswith(f"rules/{rule.id}/")
        )
        for text in (
            rule.title,
            rule.messages.get("breached"),
        ):
            for language in ("en", "kk", "ru"):
                for word in re.findall(r"\w{5,}", text[language] if text else ""):
                    assert word in own, (rule.id, word)


def test_a_file_beside_the_docs_is_shown_and_not_searched(site: Path) -> None:
    page = site / "files" / "rules" / "order_160" / "plan" / "drafted.toml" / "index.html"
    text = re.sub(r"<[^>]+>", "", page.read_text("utf-8"))
    assert "from = 2020-05-07, value = 5" in text
    items = json.loads((site / "search.json").read_text("utf-8"))["items"]
    assert not [item for item in items if item["location"].startswith("files/")]


@pytest.mark.parametrize(
    "link", ["[x](no-such-page.md)", "[x](officer.md#no-such-heading)", "[x](../tests)"]
)
def test_a_broken_link_ends_the_build(tmp_path: Path, link: str) -> None:
    for name in ("docs", "rules", "tests"):
        (tmp_path / name).mkdir()
    for name in ("make_site.py", "zensical.toml", "officer.md"):
        (tmp_path / "docs" / name).write_bytes((ROOT / "docs" / name).read_bytes())
    config = tmp_path / "docs" / "zensical.toml"
    text = config.read_text("utf-8")
    config.write_text(re.sub(r"(?sm)^nav = \[.*?^\]\n", "", text), "utf-8")
    officer = tmp_path / "docs" / "officer.md"
    officer.write_text("# Officer\n\n[home](../README.md)\n", "utf-8")
    (tmp_path / "README.md").write_text("# Home\n", "utf-8")
    script = tmp_path / "docs" / "make_site.py"
    done = build(tmp_path / "built", script)
    assert done.returncode == 0, done.stdout + done.stderr
    officer.write_text(f"# Officer\n\n{link}\n", "utf-8")
    done = build(tmp_path / "built", script)
    assert done.returncode != 0
