"""The pages are true: what they show runs, and what the library has they name.

Conventions of the pages (contributing.md tells them to writers):
- the `python` blocks of a page run in order, in one namespace; `print(...)  # text` says how the
  line printed begins the comment;
- `mentor-rules` lines of `sh` and `console` blocks run; `# exit 1` after one is its exit code;
- in a `console` block, what follows a `$ ` line is compared with the output, empty lines apart;
  `...` alone stands for any lines, and at the end of a line for its rest, or at its start;
- a block headed with a file name is written to that file first.
"""

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

import mentor_rules
from mentor_rules import (
    Calendar,
    CandidateResult,
    Deadlines,
    Dossier,
    Finding,
    PlanResult,
    check,
    deadlines,
    load_rulebook,
)
from mentor_rules import cli as command_line
from mentor_rules import errors as trouble
from mentor_rules.calendar_data import COLUMNS, KINDS, Week, load_calendar_data
from mentor_rules.cases import GIVEN, run_cases
from mentor_rules.loading import PLACEHOLDERS
from mentor_rules.records import TABLES, columns
from mentor_rules.report.deadlines import deadline_lines
from mentor_rules.result import DeadlineRow, State
from mentor_rules.rulebook import ActTiming, Outcome, RuleShape
from mentor_rules.verdict import ELIGIBILITIES, PROCEDURES
from mentor_rules.vocabulary import BLANKS
from tests import forked
from tests.test_layers import LAYERS

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SCRIPT = Path(sys.executable).parent / "mentor-rules"
PAGES = sorted(DOCS.glob("*.md"))
# The pages for people are followed step by step, by test_people.py; in the others each kind of
# block is run at once.
ROLES = ("officer", "auditor", "integrator", "lawyer")
FOR_PEOPLE = [page for page in PAGES if page.name.split(".")[0] in ROLES]
AT_ONCE = [page for page in PAGES if page not in FOR_PEOPLE]
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
EVERY_PAGE = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file it is headed with, its text, its first line."""

    language: str
    file: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    found: list[Block] = []
    fence: tuple[str, str, int] | None = None
    lines: list[str] = []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        if fence is None and line.startswith("```"):
            language, _, file = line[3:].strip().partition(" ")
            fence, lines = (language, file.strip(), number + 1), []
        elif fence is not None and line == "```":
            language, file, first = fence
            found.append(Block(language, file, "\n".join(lines) + "\n", first))
            fence = None
        elif fence is not None:
            lines.append(line)
    assert fence is None, f"{page.name}: a block is not closed"
    return found


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def with_blocks(pages: list[Path], *languages: str) -> list[Path]:
    return [page for page in pages if any(block.language in languages for block in blocks(page))]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A copy of what the pages speak of, to be written in."""
    shutil.copy(ROOT / "README.md", tmp_path)
    for folder in ("docs", "rules"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def write_files(page: Path, desk: Path) -> None:
    for block in blocks(page):
        if block.file:
            path = desk / block.file
            assert desk in path.resolve().parents
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")


# Python -------------------------------------------------------------------------------------


def run_python(page: Path) -> list[str]:
    namespace: dict[str, Any] = {"__name__": page.stem.replace("-", "_")}
    module = type(sys)(namespace["__name__"])  # dataclasses look their module up
    module.__dict__.update(namespace)
    sys.modules[module.__name__] = module
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            for block in blocks(page):
                if block.language == "python":
                    code = "\n" * (block.line - 1) + block.text
                    exec(compile(code, str(page), "exec"), module.__dict__)  # noqa: S102 - ours
    finally:
        del sys.modules[module.__name__]
    return printed.getvalue().splitlines()


@pytest.mark.parametrize("page", with_blocks([ROOT / "README.md", *AT_ONCE], "python"), ids=named)
def test_python_of_a_page_runs_and_prints_what_it_says(
    page: Path, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    write_files(page, desk)
    printed = iter(run_python(page))
    said = [
        match[1]
        for block in blocks(page)
        if block.language == "python"
        for match in re.finditer(r"^ *print\(.*\)  # (.+)$", block.text, re.MULTILINE)
    ]
    assert said
    for comment in said:
        assert any(line and comment.startswith(line) for line in printed), comment


def test_the_ten_lines_of_the_readme_print_depends(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(desk)
    readme = ROOT / "README.md"
    (block,) = (block for block in blocks(readme) if block.language == "python")
    statements = block.text.split("\n\n", 1)[1]
    assert len([line for line in statements.splitlines() if line.strip()]) == 10
    assert run_python(readme)[0] == "depends"


# Commands -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """A command of a page: its words, its exit code, and what it is said to print."""

    words: tuple[str, ...]
    code: int
    expected: tuple[str, ...] | None
    line: int


def commands_of(block: Block, name: str) -> Iterator[Command]:
    lines = block.text.replace("\\\n", " ").splitlines()
    starts = [
        place
        for place, line in enumerate(lines)
        if (line.startswith("$ ") if block.language == "console" else line.strip())
    ]
    assert block.language == "sh" or starts[:1] == [0], f"{name}: no command"
    for place, following in zip(starts, [*starts[1:], len(lines)], strict=True):
        typed, _, note = lines[place].removeprefix("$ ").partition("  # ")
        if not note:
            typed, _, note = typed.partition(" # ")
        match = re.fullmatch(r"exit ([0-9])", note.strip())
        assert match or not note, f"{name}: {note}"
        shown = tuple(line.rstrip() for line in lines[place + 1 : following] if line.strip())
        yield Command(
            tuple(shlex.split(typed)),
            int(match[1]) if match else 0,
            shown if block.language == "console" and shown else None,
            block.line + place,
        )


def fits(line: str, pattern: str) -> bool:
    start, end = pattern.startswith("... "), pattern.endswith(" ...")
    text = pattern.removeprefix("... ") if start else pattern
    text = text.removesuffix("...").rstrip() if end else text
    if start:
        return text in line if end else line.endswith(text)
    return line.startswith(text) if end else line == text


def first_difference(printed: list[str], expected: tuple[str, ...]) -> str | None:
    """The first line that is said and not printed in its place, or None.

    After `...` the first line that fits is taken.
    """
    place, gap = 0, False
    for pattern in expected:
        if pattern.strip() == "...":
            gap = True
            continue
        while gap and place < len(printed) and not fits(printed[place], pattern):
            place += 1
        if place >= len(printed) or not fits(printed[place], pattern):
            return pattern
        place, gap = place + 1, False
    return None if gap or place == len(printed) else f"(more is printed: {printed[place]})"


def run_command(command: Command, page: Path, desk: Path, **variables: str) -> None:
    """Run a command of a page at a desk, and compare what it does with what the page says."""
    if command.words[0] == "cp":
        _, option, source, target = command.words
        assert option == "-r"
        shutil.copytree(desk / source, desk / target)
    if command.words[0] != "mentor-rules":
        assert command.expected is None
        return
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("FORCE_COLOR", "CLICOLOR_FORCE")
    }
    environment |= {"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb", "PYTHONUTF8": "1"}
    done = forked.run(*command.words[1:], cwd=desk, environment=environment | variables)
    where = f"{page.name}, line {command.line}: {shlex.join(command.words)}"
    assert done.returncode == command.code, f"{where}\n{done.stdout}{done.stderr}"
    if command.expected is not None:
        printed = [line.rstrip() for line in (done.stdout + done.stderr).splitlines()]
        printed = [line for line in printed if line]
        difference = first_difference(printed, command.expected)
        assert difference is None, f"{where}\n{difference}\n{done.stdout[:4000]}{done.stderr}"


@pytest.mark.parametrize("page", with_blocks(AT_ONCE, "sh", "console"), ids=named)
def test_commands_of_a_page_do_what_it_shows(page: Path, desk: Path) -> None:
    write_files(page, desk)
    for block in blocks(page):
        if block.language in ("sh", "console"):
            for command in commands_of(block, page.name):
                run_command(command, page, desk)


def test_the_comparison_of_outputs_finds_differences() -> None:
    assert first_difference(["a", "b c", "d"], ("a", "b ...", "d")) is None
    assert first_difference(["a", "b", "d"], ("...", "d")) is None
    assert first_difference(["a", "b", "d"], ("a", "...")) is None
    assert first_difference(["223 passed, 0 failed"], ("... passed, 0 failed",)) is None
    assert first_difference(["a", "b", "d"], ("a", "d")) == "d"
    assert first_difference(["a", "b"], ("a",)) == "(more is printed: b)"
    assert first_difference(["a"], ("a", "...", "b")) == "b"


# Links --------------------------------------------------------------------------------------


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


@pytest.mark.parametrize("page", EVERY_PAGE, ids=named)
def test_relative_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, place = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name}: {target}"
        assert found == ROOT or ROOT in found.parents, f"{page.name}: {target}"
        if place:
            headings = re.findall(r"^#+ (.+)$", prose(found), re.MULTILINE)
            assert place in map(anchor, headings), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_page_is_reached_from_the_readme_or_another_page(page: Path) -> None:
    others = [other for other in EVERY_PAGE if other != page]
    assert any(f"{page.name})" in other.read_text("utf-8") for other in others)


# What the library has, the pages name -------------------------------------------------------


def prose(page: Path) -> str:
    """The page without its blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def section(page: Path, heading: str) -> str:
    """What stands under a heading, without blocks."""
    text = prose(page)
    match = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert match, f"{page.name}: no heading {heading}"
    rest = text[match.end() :]
    end = re.search(rf"^#{{1,{len(match[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> list[list[str]]:
    """The rows of the tables in a text, without their heads."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("|"):
            found.append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return [
        row
        for place, row in enumerate(found)
        if not set(row[0]) <= set("-: ")
        and not (place + 1 < len(found) and set(found[place + 1][0]) <= set("-:"))
    ]


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


CHECKING = DOCS / "check-a-dossier.md"
PYTHON = DOCS / "use-from-python.md"
SOURCES = DOCS / "sources.md"
CORRECTING = DOCS / "read-and-correct-a-rule.md"
TERMS = DOCS / "terms-and-calendar.md"


@pytest.mark.parametrize("table", TABLES)
def test_the_columns_of_a_table_are_those_of_the_library(table: str) -> None:
    shown = {
        codes(row[0])[0]: row[0].endswith("*") for row in rows(section(CHECKING, f"`{table}`"))
    }
    assert shown == columns(table)
    assert list(shown) == list(columns(table))


@pytest.mark.parametrize("table", TABLES)
def test_the_values_of_closed_columns_are_those_of_the_library(table: str) -> None:
    shown = {codes(row[0])[0]: row[1] for row in rows(section(CHECKING, f"`{table}`"))}
    for name, field in TABLES[table].model_fields.items():
        values = closed_values(field.annotation)
        column = field.alias or name
        if values and shown[column] != "as in `teachers`":
            assert codes(shown[column]) == values, column


def closed_values(annotation: Any) -> list[str]:
    """The values of a closed annotation such as `Literal["yes", "no"] | None`."""
    found = []
    for part in get_args(annotation):
        found += [part] if isinstance(part, str) else closed_values(part)
    return found


def test_the_blanks_are_those_of_the_library() -> None:
    text = section(CHECKING, "What absence means")
    assert {blank for blank in BLANKS if blank} <= set(codes(text))


def test_the_questions_are_those_of_the_rulebook() -> None:
    questions = load_rulebook().questions
    shown = {codes(row[0])[0]: row for row in rows(section(CHECKING, "Readings"))}
    assert list(shown) == list(questions)
    for name, question in questions.items():
        _, readings, default, asks = shown[name]
        assert tuple(codes(readings)) == question.order, name
        settled = question.default if question.status == "settled" else None
        assert codes(default) == ([settled] if settled else []), name
        rejected = [key for key, reading in question.readings.items() if reading.rejected]
        assert codes(asks) == rejected, name


def test_the_profiles_are_those_of_the_rulebook() -> None:
    text = " ".join(section(CHECKING, "Readings").split())
    for name, chosen in load_rulebook().profiles.items():
        shown = ", ".join(f"`{reading}`" for reading in chosen.values())
        assert f"`--readings {name}` ({shown})" in text


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    shown = [int(row[0]) for row in rows(section(CHECKING, "Exit codes"))]
    assert shown == [
        command_line.OK,
        command_line.SOMETHING_FLAGGED,
        command_line.WRONG_USAGE,
        command_line.NOTHING_CERTAIN,
        command_line.BROKEN_RULES,
        command_line.FAULT,
    ]


@pytest.mark.parametrize(
    ("command", "page"), [("check", CHECKING), ("deadlines", TERMS), ("audit", DOCS / "bulk.md")]
)
def test_the_options_are_those_of_the_command_line(command: str, page: Path) -> None:
    shown = {code.split()[0] for row in rows(section(page, "Options")) for code in codes(row[0])}
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [str(SCRIPT), command, "--help"],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        timeout=60,
        check=True,
    )
    assert shown == set(re.findall(r"--[a-z][a-z-]+", done.stdout)) - {"--help"}


def test_every_command_is_shown_on_a_page() -> None:
    names = [command.name for command in command_line.app.registered_commands]
    names += [f"rules {command.name}" for command in command_line.rules_app.registered_commands]
    pages = "\n".join(page.read_text("utf-8") for page in EVERY_PAGE)
    assert [name for name in names if f"mentor-rules {name}" not in pages] == []


def test_every_public_name_is_named() -> None:
    text = PYTHON.read_text("utf-8") + TERMS.read_text("utf-8")
    assert [name for name in mentor_rules.__all__ if not re.search(rf"\b{name}\b", text)] == []


def test_the_verdicts_and_outcomes_are_those_of_the_library() -> None:
    for heading, verdicts in (("Eligibility", ELIGIBILITIES), ("Procedure", PROCEDURES)):
        shown = [codes(row[0])[0] for row in rows(section(CHECKING, heading))]
        assert shown == list(verdicts)
    outcomes = set(get_args(Outcome))
    assert outcomes <= set(codes(section(PYTHON, "The JSON result")))
    assert outcomes <= set(codes(section(CORRECTING, "Add a case")))


def test_the_errors_are_those_of_the_library() -> None:
    ours = {
        name
        for name, value in vars(trouble).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert ours <= set(codes(section(PYTHON, "Errors")))


def shape(value: Any) -> Any:
    """The keys of a JSON value, all the way down; a list is shown by its first item."""
    if isinstance(value, Mapping):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value and isinstance(value[0], Mapping) else []
    return None


# What is keyed by ids and names of the case, and not by the shape.
BY_CASE = {"when", "readings", "open_questions", "confirmed_by", "faults"}


def keys_only(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        if key in BY_CASE:
            return {}
        return {name: keys_only(item, name) for name, item in sorted(value.items())}
    return [keys_only(item) for item in value] if isinstance(value, list) else None


def test_the_json_shape_is_that_of_the_library() -> None:
    (block,) = (block for block in blocks(PYTHON) if block.language == "json")
    shown = json.loads(block.text)
    report = check(Dossier.read(DOCS / "examples/district.xlsx"), as_of=date(2026, 11, 23))
    found = json.loads(report.to_json())
    (result,) = (item for item in found["results"] if item["appointment_id"] == "A017")
    result["findings"] = [item for item in result["findings"] if item["missing"]]
    found["results"] = [result]
    found["schools"][0]["findings"] = []
    assert keys_only(shape(shown)) == keys_only(shape(found))
    # `latest` is left out where it is not true.
    assert set(shown["results"][0]["findings"][0]) | {"latest"} == set(Finding.model_fields)


def test_the_fields_of_the_other_answers_are_named() -> None:
    named = set(codes(section(PYTHON, "The JSON result")))
    for answer in (CandidateResult, PlanResult, Deadlines):
        assert set(answer.model_fields) <= named


def test_the_norms_are_those_of_order_toml() -> None:
    listed = tomllib.loads((ROOT / "rules/order_160/order.toml").read_text("utf-8"))["coverage"]
    shown = [(codes(row[0])[0], row[2], codes(row[3])) for row in rows(section(SOURCES, "Norms"))]
    assert shown == [(norm["id"], norm["status"], norm["rules"]) for norm in listed]


def test_the_rules_are_those_of_the_rulebook() -> None:
    shown = [(codes(row[0])[0], row[1], row[2]) for row in rows(section(SOURCES, "Rules"))]
    rulebook = load_rulebook()
    assert shown == [(rule.id, rule.weight, rule.source.certainty) for rule in rulebook.rules]


def test_what_was_not_read_is_said_as_in_order_toml() -> None:
    rulebook = load_rulebook()
    text = SOURCES.read_text("utf-8")
    assert str(rulebook.read.assumed_in_force) in text
    assert str(rulebook.read.read_on) in text
    assert rulebook.act.adilet in text
    assert rulebook.act.registration in text


def test_the_modules_are_those_of_the_layers() -> None:
    text = section(DOCS / "architecture.md", "Modules, in the order of the flow")
    assert [codes(row[0])[0] for row in rows(text)] == list(LAYERS)


def test_the_parts_of_a_rule_file_are_named() -> None:
    shown = {
        code.strip("[]").split(".")[0]
        for row in rows(section(CORRECTING, "Read"))
        for code in codes(row[0])
    }
    assert shown == set(RuleShape.model_fields)


def test_the_inputs_of_a_case_are_named() -> None:
    assert set(codes(section(CORRECTING, "Add a case"))) >= GIVEN


def test_the_parts_of_an_act_and_what_texts_may_hold_are_named() -> None:
    text = section(CORRECTING, "Read a rule about an act")
    shown = {code for row in rows(text) for code in codes(row[0])}
    assert shown == {field.alias or name for name, field in ActTiming.model_fields.items()}
    assert {f"{{{name}}}" for name in PLACEHOLDERS} <= set(codes(text))


# Terms and the calendar ---------------------------------------------------------------------


def test_what_is_due_when_is_what_the_rules_say() -> None:
    shown = {codes(row[3])[0]: row[2] for row in rows(section(TERMS, "What is due, and when"))}
    district = Dossier.read(DOCS / "examples/district.xlsx")
    listed = deadlines(district, as_of=date(2026, 11, 23)).deadlines
    assert set(shown) == {act.rule for act in listed}
    rulebook = load_rulebook()
    for rule_id, due in shown.items():
        rule = rulebook.rule(rule_id)
        assert rule.act is not None
        if rule.act.term is None:
            assert "calendar days" not in due
            assert "working days" not in due
            continue
        figure = rule.figures[rule.act.term]
        assert due.startswith(f"{figure.rows[-1].columns['value']} {figure.unit} from")


def test_the_states_and_fields_of_an_act_are_those_of_the_library() -> None:
    shown = [codes(row[0])[0] for row in rows(section(TERMS, "How an act stands"))]
    assert shown == list(get_args(State))
    fields = {field.alias or name for name, field in DeadlineRow.model_fields.items()}
    named = [code for row in rows(section(TERMS, "Four formats")) for code in codes(row[0])]
    assert sorted(named) == sorted(fields)
    empty = deadlines(Dossier(appointments=[]), as_of=date(2026, 11, 23))
    [head] = deadline_lines(empty)
    assert set(head.strip().lstrip("\ufeff").split(",")) == fields - {
        *("due_between", "names"),
    }


def test_the_questions_about_terms_are_those_of_the_rulebook() -> None:
    rulebook = load_rulebook()
    asked = {
        name
        for rule in rulebook.rules
        if rule.id.split("/")[0] in ("plan", "reporting")
        for name in rule.questions
    }
    shown = {codes(row[0])[0]: row for row in rows(section(TERMS, "Questions"))}
    assert set(shown) == asked
    for name, (_, text, default) in shown.items():
        question = rulebook.questions[name]
        assert set(codes(text)) == set(question.order), name
        assert default == (f"`{question.default}`" if question.default else "open"), name


def test_the_calendar_file_is_that_of_the_library() -> None:
    described = [codes(row[0]) for row in rows(section(TERMS, "A calendar file of your own"))]
    columns_of_file = [names[0] for names in described[: len(COLUMNS)]]
    assert columns_of_file == list(COLUMNS)
    kinds = [name for names in described[len(COLUMNS) :] for name in names]
    assert sorted(kinds) == sorted(KINDS)


def test_the_days_of_both_weeks_are_those_of_the_calendar() -> None:
    shown = rows(section(TERMS, "Both weeks"))
    assert shown
    weeks: dict[Week, int] = {5: 2, 6: 3}
    for week, place in weeks.items():
        calendar = Calendar.load(week=week)
        for row in shown:
            works = calendar.is_working_day(date.fromisoformat(row[0]))
            assert row[place] == ("worked" if works else "off"), row


def test_what_the_calendar_rests_on_is_what_kz_toml_says() -> None:
    data = load_calendar_data()
    text = section(SOURCES, "The calendar")
    assert f"Known from {data.known_from} until {data.known_until}" in " ".join(text.split())
    assert str(data.known_until) in section(TERMS, "How far the calendar is known")
    assert f"{data.usual_week} days a week from {data.usual_week_from}" in text.replace("Five", "5")
    for year in data.sourced_years.values():
        assert year.label in text
        assert str(year.half_year_ends) in text
    assert [row[:3] for row in rows(text)] == [
        [str(moved.off), str(moved.worked), moved.certainty_six_days]
        for moved in data.transfers
        if moved.certainty_six_days != moved.certainty
    ]
    announced = sorted(data.kurban_ait)
    assert f"first days of {announced[0]} to {announced[-1]}" in " ".join(text.split())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    [needed] = [one for one in project["dependencies"] if one.startswith("holidays")]
    assert needed.removeprefix("holidays>=") in text


# The lawyer's changes -----------------------------------------------------------------------


@pytest.mark.parametrize("page", with_blocks(PAGES, "toml"), ids=named)
def test_toml_of_a_page_is_toml(page: Path) -> None:
    for block in blocks(page):
        if block.language == "toml":
            tomllib.loads(block.text)


def replaced(text: str, pattern: str, new: str) -> str:
    text, count = re.subn(pattern, lambda _: new, text, flags=re.DOTALL | re.MULTILINE)
    assert count == 1
    return text


def test_the_changes_that_the_page_shows_load_and_their_cases_come_out(desk: Path) -> None:
    source, figures, cases = (
        block.text for block in blocks(CORRECTING) if block.language == "toml"
    )
    rule = desk / "rules/order_160/eligibility/quality_of_knowledge.toml"
    text = rule.read_text("utf-8")
    text = replaced(text, r"^\[source\]\n.*?\n(?=\n)", source)
    text = replaced(text, r"^rows = \[.*?^\]\n", figures)
    rule.write_text(f"{text}\n{cases}", "utf-8")
    rulebook = load_rulebook(desk / "rules/order_160")
    changed = rulebook.rule("eligibility/quality_of_knowledge")
    assert changed.source.certainty == "verified"
    results = run_cases(rulebook)
    assert len(results) == len(run_cases(load_rulebook())) + 2
    assert [result.says for result in results if not result.passed] == []


# Changelog and decisions --------------------------------------------------------------------


def test_the_changelog_starts_with_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    versions = re.findall(
        r"^## ([0-9.]+), [0-9]{4}-[0-9]{2}-[0-9]{2}$",
        (DOCS / "changelog.md").read_text("utf-8"),
        re.MULTILINE,
    )
    assert versions[0] == project["version"]


def test_the_index_lists_every_decision() -> None:
    index = (DOCS / "decisions" / "README.md").read_text("utf-8")
    listed = re.findall(r"\]\(([0-9]{4}-[a-z0-9-]+\.md)\) \| (.+) \|", index)
    assert [name for name, _ in listed] == [page.name for page in DECISIONS]
    for name, title in listed:
        heading = (DOCS / "decisions" / name).read_text("utf-8").splitlines()[0]
        assert heading == f"# {name[:4]} {title}"


@pytest.mark.parametrize("page", DECISIONS, ids=named)
def test_a_decision_is_short_and_says_context_decision_consequences(page: Path) -> None:
    text = page.read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences"]
    assert len(text.split()) < 200
