"""What will be asked is told before anyone types it in, and it is all that is asked."""

import csv
import json
import os
import re
import subprocess
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

from mentor_rules import Dossier, Report, check, load_rulebook
from mentor_rules.cli import app
from mentor_rules.facts import SPECS
from mentor_rules.findings import value_label
from mentor_rules.records import columns
from mentor_rules.requirements import DRAWN_FROM, Aim, amount, requirements
from mentor_rules.rulebook import Rulebook, bind
from mentor_rules.schema import Kind
from mentor_rules.texts import has
from mentor_rules.vocabulary import LANGUAGES, Language
from tests import forked, generate

ROOT = Path(__file__).parent.parent
DISTRICT = ROOT / "docs" / "examples" / "district"
RULEBOOK = load_rulebook()
BLOCKING = [rule for rule in RULEBOOK.rules if rule.weight == "blocking"]
DAY = date(2026, 11, 23)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return forked.run(*arguments, environment={**os.environ, "COLUMNS": "200"})


def district() -> dict[str, list[dict[str, Any]]]:
    tables = {}
    for path in DISTRICT.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            tables[path.stem] = list(csv.DictReader(file))
    return tables


def judged(tables: dict[str, list[dict[str, Any]]]) -> Report:
    # Who confirms changes nothing of what is said.
    return check(Dossier.from_tables(tables), as_of=DAY, only="eligibility", confirm="none")


def told(report: Report) -> list[Any]:
    """All that is said of the blocking rules."""
    return [
        (result.appointment_id, result.eligibility, finding)
        for result in report.results
        for finding in result.findings
        if finding.weight == "blocking"
    ]


def test_every_blocking_rule_is_asked_of_a_mentor_and_no_other() -> None:
    found = requirements(RULEBOOK, "mentor")
    assert [one.rule for one in found.requirements] == [rule.id for rule in BLOCKING]
    assert found.note is None


def test_every_fact_that_can_be_missing_has_its_document_and_who_supplies_it() -> None:
    for one in requirements(RULEBOOK, "mentor").requirements:
        bound = bind(RULEBOOK.rule(one.rule), RULEBOOK.settle())
        facts = {name for name, _ in bound.facts if SPECS[name].may_miss}
        assert {paper.fact for paper in one.documents} == facts
        assert all(paper.document and paper.who for paper in one.documents)


def test_figures_carry_their_dates_and_units() -> None:
    (quality,) = (
        one
        for one in requirements(RULEBOOK, "mentor").requirements
        if one.rule == "eligibility/quality_of_knowledge"
    )
    assert [(row.where, row.values, row.from_, row.until) for row in quality.figures] == [
        ({"school_kind": "ordinary"}, {"lower": "60 %", "upper": "70 %"}, date(2020, 5, 7), None),
        (
            {"school_kind": "small_complement"},
            {"lower": "50 %", "upper": "60 %"},
            date(2020, 5, 7),
            None,
        ),
    ]
    assert quality.figures[0].says == "ordinary school: lower 60 %, upper 70 %, from 2020-05-07"


def test_only_live_questions_are_asked_with_their_readings_mildest_first() -> None:
    asked = {
        question.question: [reading.reading for reading in question.readings]
        for one in requirements(RULEBOOK, "mentor").requirements
        for question in one.questions
    }
    live = {
        name: list(question.order)
        for name, question in RULEBOOK.questions.items()
        if question.status == "live" and any(name in rule.questions for rule in BLOCKING)
    }
    assert asked == live


def test_every_fact_of_a_blocking_rule_says_which_columns_it_is_drawn_from() -> None:
    facts = {
        name for rule in BLOCKING for name, _ in bind(rule, RULEBOOK.settle("lenient")).facts
    } | {name for rule in BLOCKING for name, _ in bind(rule, RULEBOOK.settle("strict")).facts}
    assert facts <= set(DRAWN_FROM)
    for drawn in DRAWN_FROM.values():
        for table, optional in drawn.items():
            assert set(optional) <= {name for name, needed in columns(table).items() if not needed}


def test_no_column_left_out_of_the_list_changes_an_answer() -> None:
    asked = {(one.table, one.column) for one in requirements(RULEBOOK, "mentor").columns}
    tables = district()
    only_asked = {
        table: [
            {name: cell for name, cell in row.items() if (table, name) in asked} for row in each
        ]
        for table, each in tables.items()
        if any(table == own for own, _ in asked)
    }
    assert told(judged(only_asked)) == told(judged(tables))


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (one.table, one.column)
        for one in requirements(RULEBOOK, "mentor").columns
        if not one.required
    ],
)
def test_every_optional_column_of_the_list_changes_an_answer(table: str, column: str) -> None:
    assert any(changes_an_answer(table, column, seed) for seed in (3, 4, 5))


def changes_an_answer(table: str, column: str, seed: int) -> bool:
    tables = generate.dossier(seed, appointments=300)
    for row in tables.get(table, ()):
        row[column] = None
    return told(judged(tables)) != told_of_all(seed)


@cache
def told_of_all(seed: int) -> list[Any]:
    return told(judged(generate.dossier(seed, appointments=300)))


@pytest.mark.parametrize("aim", ["plan", "reserve"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_no_rules_yet_says_so_and_lists_its_columns(aim: Aim, language: Language) -> None:
    folders = {"plan": ("plan/", "reporting/"), "reserve": ("reserve/",)}[aim]
    rules = [rule for rule in RULEBOOK.rules if rule.id.startswith(folders)]
    found = requirements(RULEBOOK, aim, language)
    assert bool(found.note) == (not rules)
    table = {"plan": "plans", "reserve": "reserve"}[aim]
    assert [one.column for one in found.columns] == list(columns(table))
    assert all(one.write for one in found.columns)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("aim", get_args(Aim))
def test_the_caveat_that_the_order_was_not_read_is_always_there(
    aim: Aim, language: Language
) -> None:
    assert RULEBOOK.read.not_read[language] in requirements(RULEBOOK, aim, language).caveats


def test_every_kind_of_column_unit_and_word_has_its_text() -> None:
    assert [kind for kind in get_args(Kind) if kind != "closed" and not has("write", kind)] == []
    for rule in RULEBOOK.rules:
        assert has("weight", rule.weight)
        assert has("certainty", rule.source.certainty)
        assert has("about", rule.about)
        for figure in rule.figures.values():
            code = figure.unit.replace(" ", "_")
            assert has("unit", code), figure.unit
            assert has("amount", code), figure.unit


def test_amounts_are_written_as_people_write_them() -> None:
    assert amount("basis points", 6000, "en") == "60 %"
    assert amount("basis points", 6250, "en") == "62.5 %"
    assert amount("basis points", 6205, "ru") == "62,05 %"
    assert amount("years", 5, "kk") == "5 жыл"
    assert amount("furlongs", 3, "en") == "3 furlongs"
    assert value_label("school_kind", "small_complement", "ru") == "малокомплектная школа"
    assert value_label("category", "expired", "en") == "expired category"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            ("What is asked of a mentor", "Open question floor", "Supplied by", "category_from"),
        ),
        ("kk", ("Тәлімгерге қойылатын талаптар", "Ұсынады", "педагог-зерттеуші", "бұйрық күні")),
        ("ru", ("Что требуется от наставника", "Представляет", "педагог-мастер", "дата приказа")),
    ],
)
def test_the_command_prints_requirements_in_three_languages(
    language: str, words: tuple[str, ...]
) -> None:
    done = run("requirements", "--for", "mentor", "--lang", language)
    assert (done.returncode, done.stderr) == (0, "")
    for text in words:
        assert text in done.stdout


def test_the_command_gives_json_and_refuses_another_aim(tmp_path: Path) -> None:
    out = tmp_path / "asked.json"
    done = run("requirements", "--for", "plan", "--format", "json", "--out", str(out))
    assert done.returncode == 0
    asked = json.loads(out.read_text("utf-8"))
    assert asked["for"] == "plan"
    assert list(asked) == [
        *("for", "rulebook", "rulebook_sha256", "note"),
        *("requirements", "columns", "caveats"),
    ]
    assert run("requirements", "--for", "mentee").returncode == 2


# Rules in the language asked for ------------------------------------------------------------


# English that stays: ids, codes of readings and facts, checks, and sources, which the rule
# files hold in one language.
def english_words(text: str, rulebook: Rulebook) -> set[str]:
    kept = " ".join(
        [
            *(f"{rule.id} {rule.check_text} {rule.applies_text}" for rule in rulebook.rules),
            *(f"act {rule.act.model_dump(by_alias=True)}" for rule in rulebook.rules if rule.act),
            *(f"{rule.source.place} {rule.source.via}" for rule in rulebook.rules),
            *(f"{name} {list(question.readings)}" for name, question in rulebook.questions.items()),
            *(f"{name} {row.columns}" for rule in rulebook.rules for name, figure in
              rule.figures.items() for row in figure.rows),
            "mentor-rules rules test",
        ]
    )  # fmt: skip
    text = re.sub(r"\{\w+\}", "", text)
    return set(re.findall(r"[a-z]{3,}", text)) - set(re.findall(r"[a-z]{3,}", kept))


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_rules_are_listed_and_shown_in_the_language_asked_for(language: str) -> None:
    assert english_words(run("rules", "list", "--lang", language).stdout, RULEBOOK) == set()
    for rule in RULEBOOK.rules:
        shown = CliRunner().invoke(app, ["rules", "show", rule.id, "--lang", language])
        assert shown.exit_code == 0
        assert english_words(shown.stdout, RULEBOOK) == set(), rule.id


def test_a_list_of_rules_keeps_its_columns_in_line() -> None:
    lines = run("rules", "list").stdout.splitlines()
    assert len(lines) == len(RULEBOOK.rules)
    for line, rule in zip(lines, RULEBOOK.rules, strict=True):
        assert line.split()[:3] == [rule.id, rule.weight, rule.source.certainty]
        assert line.endswith(rule.title.en)
    assert (
        len({line.index(rule.title.en) for line, rule in zip(lines, RULEBOOK.rules, strict=True)})
        == 1
    )
