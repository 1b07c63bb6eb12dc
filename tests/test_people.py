"""The pages for people, followed step by step as their reader would.

A page is worked through from top to bottom in a checkout of its own, so that a rule it corrects
holds for the next command. Besides the conventions of test_docs.py:
- a block headed `= FILE` quotes the file: its lines stand there one after the other;
- a `text` block after a `python` block says what the last lines printed are;
- a `diff FILE` block changes the file: lines with `-` become lines with `+`;
- a table after `<!-- FILE, sheet SHEET -->` is typed into that sheet of the workbook, below what
  stands there; one after `<!-- FILE, sheet SHEET: mend -->` says row, column, what stands there,
  and what is to be written instead. The workbook is then saved by LibreOffice, where it is there;
- `<!-- exit 1, 0 -->` above a block gives the exit codes of its commands, which an officer need
  not see.
"""

import contextlib
import io
import re
import shutil
import sys
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from mentor_rules.records import parse_date
from mentor_rules.texts import say
from mentor_rules.verdict import ELIGIBILITIES, PROCEDURES
from mentor_rules.vocabulary import Language
from tests.libreoffice import SOFFICE, saved_by_libreoffice
from tests.test_docs import (
    DOCS,
    FOR_PEOPLE,
    ROLES,
    ROOT,
    Block,
    Command,
    blocks,
    commands_of,
    named,
    prose,
    rows,
    run_command,
)

STEP = re.compile(r"^<!-- (?P<file>\S+\.xlsx), sheet (?P<sheet>.+?)(?P<mend>: mend)? -->$")


@dataclass(frozen=True)
class Typing:
    """A table of a page that is typed into a workbook."""

    file: str
    sheet: str
    mend: bool
    head: list[str]
    rows: list[list[str]]
    line: int


def typings(page: Path) -> Iterator[Typing]:
    lines = page.read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if step := STEP.match(line):
            start = next(place for place in range(number, len(lines)) if lines[place][:1] == "|")
            end = next((at for at in range(start, len(lines)) if lines[at][:1] != "|"), len(lines))
            table = lines[start:end]
            head = [cell.strip() for cell in table[0].strip("|").split("|")]
            yield Typing(
                step["file"],
                step["sheet"],
                bool(step["mend"]),
                head,
                rows("\n".join(table)),
                number + 1,
            )


def steps(page: Path) -> list[Block | Typing]:
    return sorted([*blocks(page), *typings(page)], key=lambda step: step.line)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout to be worked in: the library in it reads the rules in it."""
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for folder in ("docs", "rules", "mentor_rules"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


# The same page in another language takes as long again.
ONCE = ("officer.kk.md", "auditor.ru.md", "integrator.md", "lawyer.md")


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=() if page.name in ONCE else pytest.mark.long)
        for page in FOR_PEOPLE
    ],
    ids=named,
)
def test_a_page_for_people_is_true_step_by_step(
    page: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    module = ModuleType(page.stem.replace("-", "_").replace(".", "_"))
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look it up
    printed: list[str] = []
    work = steps(page)
    # A rule that is changed here is then to be the program's own.
    changed = any(isinstance(step, Block) and step.language == "diff" for step in work)
    own = {"PYTHONPATH": str(checkout)} if changed else {}
    for step, following in zip(work, [*work[1:], None], strict=True):
        if isinstance(step, Typing):
            fill(checkout / step.file, step)
            more = isinstance(following, Typing) and following.file == step.file
            if SOFFICE and not more:
                saved = saved_by_libreoffice(checkout / step.file, checkout / "saved")
                saved.replace(checkout / step.file)
        elif step.file.startswith("= "):
            assert step.text in (checkout / step.file[2:]).read_text("utf-8"), step.line
        elif step.language == "diff":
            change(checkout / step.file, step)
        elif step.file:
            path = checkout / step.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, "utf-8")
        elif step.language == "python":
            printed = run_python(page, step, module)
        elif step.language == "text" and printed:
            said = step.text.splitlines()
            assert printed[-len(said) :] == said
        elif step.language in ("sh", "console"):
            for command in typed_commands(page, step):
                run_command(command, page, checkout, **own)


def typed_commands(page: Path, block: Block) -> list[Command]:
    """The commands of a block, with the exit codes that the line above it gives."""
    found = list(commands_of(block, page.name))
    above = page.read_text("utf-8").splitlines()[block.line - 3]
    if match := re.fullmatch(r"<!-- exit ([0-9](?:, [0-9])*) -->", above):
        codes = [int(code) for code in match[1].split(", ")]
        return [replace(one, code=code) for one, code in zip(found, codes, strict=True)]
    return found


def run_python(page: Path, block: Block, module: ModuleType) -> list[str]:
    """Run a block and compare what it prints with its comments; give the lines printed."""
    printed = io.StringIO()
    code = "\n" * (block.line - 1) + block.text
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(page), "exec"), module.__dict__)  # noqa: S102 - ours
    lines = iter(printed.getvalue().splitlines())
    for said in re.findall(r"^ *print\(.*\)  # (.+)$", block.text, re.MULTILINE):
        assert any(line and said.startswith(line) for line in lines), said
    return printed.getvalue().splitlines()


def change(path: Path, block: Block) -> None:
    old = "".join(line[1:] for line in block.text.splitlines(True) if line[0] in " -")
    new = "".join(line[1:] for line in block.text.splitlines(True) if line[0] in " +")
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"line {block.line}: {path.name}"
    path.write_text(text.replace(old, new), "utf-8")


# Workbooks ----------------------------------------------------------------------------------


def fill(path: Path, typing: Typing) -> None:
    book = load_workbook(path)
    sheet = book[typing.sheet]
    names = headings(sheet)
    if typing.mend:
        for number, column, old, new in typing.rows:
            cell = sheet.cell(int(number), names[column])
            assert shown(cell.value) == ("" if old == "—" else old), (number, column, cell.value)
            cell.value = typed(new)
    else:
        free = next(
            row
            for row in range(sheet.max_row + 1, 1, -1)
            if any(cell.value is not None for cell in sheet[row - 1])
        )
        for row, cells in enumerate(typing.rows, start=free):
            for name, text in zip(typing.head, cells, strict=True):
                cell = sheet.cell(row, names[name])
                # As in a spreadsheet, a cell takes the format that its column is prepared with.
                prepared = sheet.column_dimensions[get_column_letter(names[name])]
                cell.number_format = prepared.number_format
                cell.alignment = copy(prepared.alignment)  # type: ignore[assignment]  # a proxy of the type
                cell.value = text or None if cell.number_format == "@" else typed(text)
    book.save(path)


def headings(sheet: Worksheet) -> dict[str, int]:
    """The columns by their headings, the asterisk of what is required left out."""
    return {
        str(cell.value).removesuffix(" *"): cell.column
        for cell in sheet[1]
        if cell.value is not None
    }


def typed(text: str) -> Any:
    """What a spreadsheet makes of what is typed into a cell."""
    if not text or text == "—":
        return None
    if re.fullmatch(r"\d{2}\.\d{2}\.\d{4}", text):
        day = parse_date(text)
        assert isinstance(day, date)
        return datetime(day.year, day.month, day.day)
    if re.fullmatch(r"\d+(,\d+)?", text):
        return float(text.replace(",", ".")) if "," in text else int(text)
    return text


def shown(value: Any) -> str:
    """A cell as a person sees it."""
    if isinstance(value, datetime):
        return f"{value:%d.%m.%Y}"
    if isinstance(value, float):
        return f"{value:g}".replace(".", ",")
    return "" if value is None else str(value)


# What the pages have in common --------------------------------------------------------------


def language_of(page: Path) -> Language:
    suffixes: dict[str, Language] = {".kk": "kk", ".ru": "ru"}
    return suffixes.get(Path(page.stem).suffix, "en")


def test_every_role_has_a_page() -> None:
    assert {page.name.split(".")[0] for page in FOR_PEOPLE} == set(ROLES)
    for role in ("officer", "auditor"):
        assert {page.name for page in FOR_PEOPLE if page.name.startswith(role)} == {
            f"{role}.md",
            f"{role}.kk.md",
            f"{role}.ru.md",
        }


@pytest.mark.parametrize("role", ROLES)
def test_the_languages_of_a_page_take_the_same_steps(role: str) -> None:
    """A command that one language shows and another forgot is found; texts differ."""
    shapes = {
        page.name: [
            (command.words[1], command.code)
            for block in blocks(page)
            if block.language in ("sh", "console")
            for command in typed_commands(page, block)
            if command.words[0] == "mentor-rules"
        ]
        for page in FOR_PEOPLE
        if page.name.split(".")[0] == role
    }
    assert len({tuple(shape) for shape in shapes.values()}) == 1, shapes


@pytest.mark.parametrize("page", FOR_PEOPLE, ids=named)
def test_a_page_speaks_its_language(page: Path) -> None:
    """Commands ask for the page's language, and its headings are written in it."""
    language = language_of(page)
    text = page.read_text("utf-8")
    others = {"en", "kk", "ru"} - {language}
    for block in blocks(page):
        if block.language in ("sh", "console"):
            assert not any(f"--lang {other}" in block.text for other in others), block.line
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    cyrillic = [title for title in titles if re.search("[а-яәғқңөұүһі]", title.lower())]
    assert cyrillic == (titles if language != "en" else [])
    if language == "kk":
        assert all(letter in text for letter in "әғқңөұүі")  # the ninth, һ, is rare


@pytest.mark.parametrize("page", [p for p in FOR_PEOPLE if "officer" in p.name], ids=named)
def test_the_verdicts_are_explained_in_the_words_of_the_answer(page: Path) -> None:
    language = language_of(page)
    tables = re.findall(r"(?:^\|.*\n)+", prose(page), re.MULTILINE)
    shown = [[row[0] for row in rows(table)] for table in tables]
    for verdicts in (ELIGIBILITIES, PROCEDURES):
        assert [say("verdict", verdict, language) for verdict in verdicts] in shown


@pytest.mark.parametrize("page", FOR_PEOPLE, ids=named)
def test_pictures_are_there_small_and_described(page: Path) -> None:
    for described, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", prose(page)):
        assert len(described) > 20, target
        picture = (page.parent / target).resolve()
        assert picture.is_file()
        assert picture.stat().st_size < 200 * 1024, target


def test_every_picture_is_shown() -> None:
    text = "\n".join(page.read_text("utf-8") for page in [*DOCS.glob("*.md"), ROOT / "README.md"])
    for picture in sorted((DOCS / "pictures").glob("*")):
        if picture.suffix in (".png", ".svg"):
            assert f"pictures/{picture.name})" in text, picture.name
