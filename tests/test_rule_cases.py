"""Every case of every shipped rule, and what holds of all rule files and texts."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import mentor_rules
from mentor_rules.cases import GIVEN, CaseError, run_case, run_cases
from mentor_rules.errors import UsageError
from mentor_rules.facts import SPECS
from mentor_rules.loading import load_rulebook
from mentor_rules.regions import reached
from mentor_rules.rulebook import CaseShape, Rule, bind
from mentor_rules.source import rules_folder

PACKAGE = Path(mentor_rules.__file__).parent
RULEBOOK = load_rulebook()
LANGUAGES = ("en", "kk", "ru")

every_rule = pytest.mark.parametrize("rule", RULEBOOK.rules, ids=lambda rule: str(rule.id))


# Cases ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "case"),
    [
        pytest.param(rule, case, id=f"{rule.id}: {case.says}")
        for rule in RULEBOOK.rules
        for case in rule.cases
    ],
)
def test_a_case_of_a_rule_file_comes_out_as_it_expects(rule: Rule, case: CaseShape) -> None:
    assert run_case(RULEBOOK, rule, case) == case.expect


def test_the_cases_run_together_as_they_run_alone() -> None:
    results = run_cases(RULEBOOK)
    assert [(result.rule, result.says) for result in results] == [
        (rule.id, case.says) for rule in RULEBOOK.rules for case in rule.cases
    ]
    assert all(result.passed for result in results)


def test_a_case_that_expects_something_else_does_not_pass() -> None:
    rule = RULEBOOK.rule("appointment/not_self")
    wrong = [case.model_copy(update={"expect": "pending"}) for case in rule.cases]
    for case in wrong:
        assert run_case(RULEBOOK, rule, case) != case.expect


@every_rule
def test_every_rule_has_at_least_eight_cases_each_said_once(rule: Rule) -> None:
    assert len(rule.cases) >= 8
    assert [
        says for says, times in Counter(case.says for case in rule.cases).items() if times > 1
    ] == []


@every_rule
def test_every_rule_has_cases_of_each_outcome_that_it_can_reach(rule: Rule) -> None:
    expected = {case.expect for case in rule.cases}
    assert {"satisfied", "breached", "not_in_force"} <= expected
    if any(SPECS[fact].may_miss for fact, _ in bind(rule, RULEBOOK.settle()).facts):
        assert "unknown" in expected
    if "disputed" in reached(rule):
        assert "disputed" in expected
    if rule.applies_text is not None:
        assert "not_applicable" in expected


@every_rule
def test_every_rule_has_a_case_on_its_first_day_and_on_the_day_before(rule: Rule) -> None:
    first = rule.in_force.from_
    days = {case.given.get("on"): case.expect for case in rule.cases}
    assert first in days
    assert [days.get(day) for day in days if day is not None and day < first] == ["not_in_force"]
    assert max(day for day in days if day is not None and day < first).toordinal() == (
        first.toordinal() - 1
    )


# Readings that no case of a rule chooses yet.
def test_every_reading_of_a_rule_is_chosen_by_some_case() -> None:
    """A reading counts as chosen if a case names it, or if it is what a default settles."""
    untried = {
        (rule.id, name, reading)
        for rule in RULEBOOK.rules
        for name, question in rule.questions.items()
        for reading in question.order
        if reading != question.default
        and not any(case.readings.get(name) == reading for case in rule.cases)
    }
    assert not untried


@pytest.mark.parametrize("key", ["qualty", "Quality", "expect", ""])
def test_a_case_that_gives_something_unknown_is_refused(key: str) -> None:
    rule = RULEBOOK.rule("appointment/not_self")
    case = CaseShape(says="x", given={"same_person": True, key: 1}, expect="breached")
    with pytest.raises(CaseError, match=f"^a case cannot give {key}"):
        run_case(RULEBOOK, rule, case)


def test_a_case_under_an_unknown_reading_is_refused() -> None:
    rule = RULEBOOK.rule("eligibility/excluded_posts")
    case = rule.cases[0].model_copy(update={"readings": {"acting_post": "holds_pst"}})
    with pytest.raises(UsageError, match="holds_pst"):
        run_case(RULEBOOK, rule, case)


# Inputs that no case of a rule gives yet.
def test_everything_that_a_case_may_give_is_given_by_some_case() -> None:
    given = {key for rule in RULEBOOK.rules for case in rule.cases for key in case.given}
    assert given == GIVEN


# Texts ----------------------------------------------------------------------------------


def texts_in(content: Any, path: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Give everything that is said in at least one language, and where."""
    if isinstance(content, dict):
        said = {key: content[key] for key in LANGUAGES if isinstance(content.get(key), str)}
        if said:
            yield path, said
        for key, item in content.items():
            yield from texts_in(item, f"{path}.{key}" if path else key)
    elif isinstance(content, list):
        for place, item in enumerate(content):
            yield from texts_in(item, f"{path}.{place}")


def texts_of(file: Path) -> list[tuple[str, dict[str, str]]]:
    content = tomllib.loads(file.read_text("utf-8"))
    return [(f"{file.stem}: {path}", said) for path, said in texts_in(content, "")]


RULE_TEXTS = [
    item
    for file in sorted((rules_folder() / "order_160").rglob("*.toml"))
    for item in texts_of(file)
]
OWN_TEXTS = texts_of(PACKAGE / "texts.toml")
TEXTS = RULE_TEXTS + OWN_TEXTS


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def test_every_text_is_said_in_three_languages() -> None:
    assert len(RULE_TEXTS) > 100
    assert [path for path, said in TEXTS if set(said) != set(LANGUAGES)] == []
    assert [path for path, said in TEXTS if not all(text.strip() for text in said.values())] == []


def test_the_three_languages_of_every_text_carry_the_same_placeholders() -> None:
    found = {path: {tuple(placeholders(text)) for text in said.values()} for path, said in TEXTS}
    assert {path: each for path, each in found.items() if len(each) > 1} == {}


def test_a_placeholder_is_a_plain_name() -> None:
    for path, said in TEXTS:
        for language, text in said.items():
            for _, name, form, conversion in Formatter().parse(text):
                if name is not None:
                    assert name.isidentifier(), f"{path}.{language}"
                    assert not form, f"{path}.{language}"
                    assert not conversion, f"{path}.{language}"


def test_only_messages_remedies_and_own_texts_have_placeholders() -> None:
    filled_in = re.compile(r": (messages\.\w+|remedy)$")
    for path, said in RULE_TEXTS:
        assert filled_in.search(path) or not placeholders(said["en"]), path


def test_a_text_in_kazakh_or_russian_is_no_copy_of_the_english_one() -> None:
    words = re.compile(r"[a-z]{3}")
    for path, said in TEXTS:
        if words.search(re.sub(r"\{.*?\}", "", said["en"])):
            assert said["en"] not in (said["kk"], said["ru"]), path


def test_own_texts_are_groups_of_codes_and_nothing_else() -> None:
    content = tomllib.loads((PACKAGE / "texts.toml").read_text("utf-8"))
    for group, codes in content.items():
        for code, said in codes.items():
            assert set(said) == set(LANGUAGES), f"{group}.{code}"


def test_every_problem_of_a_row_has_its_remedy() -> None:
    content = tomllib.loads((PACKAGE / "texts.toml").read_text("utf-8"))
    assert set(content["problem"]) == set(content["remedy"])


def python_files() -> list[Path]:
    files = sorted(PACKAGE.rglob("*.py"))
    assert len(files) > 15
    return files


def test_every_text_that_python_names_is_there() -> None:
    content = tomllib.loads((PACKAGE / "texts.toml").read_text("utf-8"))
    asked = set()
    for file in python_files():
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and len(node.args) >= 2:
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                group, code = node.args[:2]
                if name in ("say", "_say") and isinstance(group, ast.Constant):
                    assert str(group.value) in content, file.name
                    if isinstance(code, ast.Constant):
                        asked.add((str(group.value), str(code.value)))
    assert len(asked) > 10
    assert [code for code in sorted(asked) if code[1] not in content[code[0]]] == []


# The glossary ---------------------------------------------------------------------------
# English, and the stems that the Kazakh and the Russian text must then have. Names of
# articles are taken out first. A mentee may be "the teacher" once the text has named one.

GLOSSARY = {
    r"\bmentor(s|'s|ed|ing)?\b": ("тәлімгер", "наставн"),
    r"\bmentees?\b": ("алғаш кіріс|педагог", "впервые|педагог|каждого из двоих"),
    r"\bquality of knowledge\b": ("білім сапасы", r"качеств\w+ знани"),
    r"\b(?<!deputy )heads?\b": ("басшы", "руководител"),
    r"\bdeputy heads?\b": ("орынбасар", "заместител"),
    r"\bsmall-complement\b": ("шағын жинақталған", "малокомплектн"),
    r"\bpedagogical council\b": ("педагогикалық кеңес", r"педагогическ\w+ совет"),
    r"\bmethodical association": ("әдістемелік бірлестік", r"методическ\w+ объединени"),
    r"\bqualification category\b": ("біліктілік сана", r"квалификационн\w+ категори"),
    r"\bresearcher\b": ("зерттеуші", "исследовател"),
    r"\bmaster\b": ("шебер", "мастер"),
    r"\bpedagogical ethics\b": ("әде[пб]", "этик"),
    r"\border\b": ("бұйры", "приказ"),
    r"\bschool years?\b": ("оқу жыл", r"учебн\w+ (год|лет)"),
    r"\bhalf-year": ("жартыжылды", "полугоди"),
    r"\breserve\b": ("резерв", "резерв"),
    r"\bminutes\b": ("хаттама", "протокол"),
    r"\bplan\b": ("жоспар", "план"),
}
SYNONYMS = (
    r"ментор|куратор|коуч|тьютор|шефств|педсовет|директор|завуч|малокомплектк"
    r"|молод\w+ специалист|жас маман|шәкірт|сапалық көрсеткіш"
)
TITLES = re.compile(r"mentor-rules|\([^()]*Khamzina[^()]*\)|\{\w+\}|“.*?”")


@pytest.mark.parametrize("english", GLOSSARY)
def test_kazakh_and_russian_use_the_terms_of_the_glossary(english: str) -> None:
    kazakh, russian = GLOSSARY[english]
    for path, said in TEXTS:
        plain = {language: TITLES.sub("", text) for language, text in said.items()}
        if path.endswith("same_school: remedy") and "mentee" in english:
            continue  # "a mentor of the same school" says it without naming the mentee
        if re.search(english, plain["en"], re.IGNORECASE):
            assert re.search(kazakh, plain["kk"], re.IGNORECASE), f"{path}.kk: {plain['kk']}"
            assert re.search(russian, plain["ru"], re.IGNORECASE), f"{path}.ru: {plain['ru']}"


def test_no_text_uses_a_synonym_beside_the_glossary() -> None:
    found = [
        f"{path}.{language}"
        for path, said in TEXTS
        for language in ("kk", "ru")
        if re.search(SYNONYMS, TITLES.sub("", said[language]), re.IGNORECASE)
    ]
    assert found == []


def test_kazakh_texts_are_kazakh_and_russian_ones_are_not() -> None:
    kazakh = re.compile("[әғқңөұүһі]", re.IGNORECASE)
    assert [path for path, said in TEXTS if kazakh.search(said["ru"])] == []
    words = {path: re.findall(r"[а-яёәғқңөұүһі]+", said["kk"].lower()) for path, said in TEXTS}
    assert [
        path
        for path, found in words.items()
        if len(found) > 6 and not kazakh.search(" ".join(found))
    ] == []


# Python holds no figure of the law ------------------------------------------------------

FIGURES_OF_THE_LAW = {50, 60, 70, 5000, 6000, 7000}


def figures_in(source: str) -> list[int]:
    """Give the lines on which a figure of the law stands as a number."""
    return sorted(
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and type(node.value) in (int, float)
        and node.value in FIGURES_OF_THE_LAW
    )


def test_no_figure_of_the_law_stands_in_python() -> None:
    found = {file.name: figures_in(file.read_text("utf-8")) for file in python_files()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_figure_of_the_law_would_be_found_in_python() -> None:
    assert figures_in("a = 1\nb = x >= 6_000\nc = 60.0\nd = '70'\ne = 0x32\n") == [2, 3, 5]
