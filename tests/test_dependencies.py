"""Everything that is installed along is listed with its licence, and dangerous calls explained."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# What lets a program be handed on, with no duty but to keep notices.
FREE = re.compile(r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|0BSD|Zlib|CC0")
OTHERS = ("docs/make_site.py",)  # what is no part of the package and runs all the same
NOT_INSTALLED_ALONG = {"dev", "docs", "all"}


def rows(heading: str) -> list[list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]


def licence(found: Distribution) -> str:
    """The licence that a package states: as an expression, else its classifiers, else a word."""
    stated: Any = found.metadata
    if stated.get("License-Expression"):
        return str(stated["License-Expression"])
    kinds = (line.split(" :: ")[-1] for line in stated.get_all("Classifier") or () if "Lic" in line)
    return " or ".join(kinds) or str(stated["License"])


def installed_along(name: str, extras: frozenset[str]) -> Iterator[tuple[str, Distribution]]:
    """What comes along with a package, and what asked for it, as far as it is installed."""
    asked, seen = [(name, extras)], set()
    while asked:
        name, extras = asked.pop()
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # another system's, or another Python's
        for line in found.requires or ():
            needed = Requirement(line)
            marker = needed.marker
            if marker and not any(marker.evaluate({"extra": one}) for one in extras or {""}):
                continue
            one = (needed.name, frozenset(needed.extras))
            if one not in seen:
                seen.add(one)
                asked.append(one)
                with_it = canonicalize_name(needed.name)
                try:
                    yield with_it, distribution(with_it)
                except PackageNotFoundError:
                    continue


def declared() -> dict[str, set[str]]:
    """The packages that pyproject.toml asks for, and the extras that ask; "" is always asked."""
    found: dict[str, set[str]] = {}
    for extra, lines in (("", PROJECT["dependencies"]), *PROJECT["optional-dependencies"].items()):
        for line in lines if extra not in NOT_INSTALLED_ALONG else ():
            name = canonicalize_name(Requirement(line).name)
            if name != PROJECT["name"]:
                found.setdefault(name, set()).add(extra)
    return found


def test_the_page_lists_what_is_declared_with_the_extra_that_asks_for_it() -> None:
    listed = {row[0]: {row[1].strip("–")} for row in rows("Asked for")}
    assert listed == declared()
    assert all(row[3] for row in rows("Asked for"))


def test_all_that_is_installed_along_is_listed_with_the_licence_that_it_states() -> None:
    listed = {row[0]: row[2] for heading in ("Asked for", "Brought along") for row in rows(heading)}
    found = dict(installed_along(PROJECT["name"], frozenset({"all"})))
    found.pop(PROJECT["name"], None)
    assert len(found) > 20
    assert {name: licence(one) for name, one in found.items()} == {
        name: listed.get(name) for name in found
    }
    assert not [name for name, kind in listed.items() if not FREE.search(kind)]
    assert not [name for name, kind in listed.items() if re.search("GPL|Affero|Commercial", kind)]


def test_each_call_that_bandit_finds_is_explained_beside_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bandit", "-q", "-f", "json", "-r", "mentor_rules", *OTHERS],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    findings = json.loads(done.stdout)["results"]
    assert len(findings) > 10  # it looks
    unexplained = []
    for finding in findings:
        lines = (ROOT / finding["filename"]).read_text("utf-8").splitlines()
        first, last = min(finding["line_range"]), max(finding["line_range"])
        code = finding["test_id"].replace("B", "S", 1)  # as ruff names it
        beside = any(f"noqa: {code}" in line for line in lines[first - 1 : last])
        reason = any(f"noqa: {code} - " in line for line in lines[first - 1 : last])
        above = lines[first - 2].lstrip().startswith("#")
        if not beside or not (reason or above):
            unexplained.append((finding["filename"], finding["line_number"], code))
    assert not unexplained
    for path in sorted((ROOT / "mentor_rules").rglob("*.py")):
        for line in path.read_text("utf-8").splitlines():
            assert "# nosec" not in line or re.search(r"# nosec B\d+ - \w", line), line
