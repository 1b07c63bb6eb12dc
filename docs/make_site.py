"""Builds the docs site into `build/docs/site/`: `python docs/make_site.py`, of the extra `docs`.

The pages are written for a forge: they link to files beside `docs/`, and the README leads to them.
For the site the README becomes its first page, and each such file a page that shows it. Whatever
the site's builder warns of ends it.
"""

import os
import re
import shutil
import subprocess  # nosec B404 - runs the builder of the site
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
FILES = "files"  # where the files beside docs/ are shown
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(`{3,})(?:.|\n)*?^\1$", re.MULTILINE)
# What is shown instead of a folder that has no page of its own.
FOLDERS = {"rules/order_160": DOCS / "rules" / "README.md"}


def build(target: Path) -> Path:
    """Give the folder of the site, built below `target`, which is emptied first."""
    shutil.rmtree(target, ignore_errors=True)
    pages = target / "docs"
    skipped = shutil.ignore_patterns("zensical.toml", "make_site.py", "__pycache__")
    shutil.copytree(DOCS, pages, ignore=skipped)
    shown: set[Path] = set()
    for page in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]:
        place = _place(page)
        text = _linked(page, place, shown)
        (pages / place).write_text(text, "utf-8")
    for file in sorted(shown):
        page = pages / _place(file)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(_as_page(file), "utf-8")
    config = (DOCS / "zensical.toml").read_text("utf-8")
    (target / "zensical.toml").write_text(re.sub(r"(?m)^ *# (\S+)$", _listed, config), "utf-8")
    builder = (sys.executable, "-m", "zensical", "build", "--strict")
    subprocess.run(builder, cwd=target, check=True, env={**os.environ, "NO_COLOR": "1"})  # noqa: S603 - our own command
    return target / "site"


def _place(file: Path) -> Path:
    """Give where a file of the checkout stands among the pages of the site."""
    if file == ROOT / "README.md":
        return Path("index.md")
    if file.is_relative_to(DOCS):
        return file.relative_to(DOCS)
    return Path(FILES, f"{file.relative_to(ROOT)}.md")


def _linked(page: Path, place: Path, shown: set[Path]) -> str:
    """Give the text of a page with its links as they are on the site; note the files it shows."""

    def link(match: re.Match[str]) -> str:
        target, hash_, anchor = match[1].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        file = (page.parent / target).resolve()
        if file.is_dir():
            file = FOLDERS.get(file.relative_to(ROOT).as_posix(), file / "README.md")
        if not file.is_relative_to(DOCS) and file != ROOT / "README.md":
            shown.add(file)
        way = os.path.relpath(_place(file), place.parent)
        return f"]({Path(way).as_posix()}{hash_}{anchor})"

    text = page.read_text("utf-8")
    parts, last = [], 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(link, text[last : fence.start()]), fence[0]]
        last = fence.end()
    return "".join([*parts, LINK.sub(link, text[last:])])


def _as_page(file: Path) -> str:
    """Give a page that shows a file; the search leaves it out."""
    name, text = file.relative_to(ROOT).as_posix(), file.read_text("utf-8")
    fence = "`" * (1 + max([2, *map(len, re.findall("`+", text))]))
    head = f"---\nsearch:\n  exclude: true\n---\n\n# {name.replace('_', chr(92) + '_')}"
    return f"{head}\n\n{fence}{file.suffix.removeprefix('.')}\n{text}{fence}\n"


def _listed(match: re.Match[str]) -> str:
    """Give the pages of a folder that a line of the navigation names."""
    return "\n".join(f'    "{page}",' for page in _pages(match[1]))


def _pages(folder: str) -> Iterator[str]:
    for page in sorted((DOCS / folder).glob("*.md")):
        if page.name != "README.md":
            yield page.relative_to(DOCS).as_posix()


if __name__ == "__main__":
    print(build(ROOT / "build" / "docs"))
