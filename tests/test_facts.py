"""Facts as they are declared; and what they name as evidence, or as missing, exists."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from mentor_rules import vocabulary
from mentor_rules.acts import FACTS
from mentor_rules.cases import DEFAULT_ON, as_case
from mentor_rules.dossier import Dossier
from mentor_rules.facts import (
    INVARIANTS,
    PERIODS,
    PRESUMED,
    SPECS,
    YES_OR_NO,
    Case,
    Fact,
    FactSpec,
    Formation,
    Term,
)
from mentor_rules.findings import value_label
from mentor_rules.loading import builtin_rulebook
from mentor_rules.records import FIRST_DAY, LAST_DAY, TABLES, columns
from mentor_rules.rulebook import CaseShape, Rule
from mentor_rules.texts import has, say
from mentor_rules.vocabulary import Language, Vocabulary

LANGUAGES: tuple[Language, ...] = ("en", "kk", "ru")
RULEBOOK = builtin_rulebook()
OF_PEOPLE = [spec for spec in SPECS.values() if not spec.of_reserve and spec.name != "timing"]
DAY = timedelta(days=1)
DAY_AFTER = DEFAULT_ON + DAY
IDS = frozenset({"S1", "T1", "T2", "T9"})
# What is assumed without a value that the sentence would tell.
WORDLESS = frozenset({"no_end", "unbounded", "no_higher_earlier", "those_with_quality_rows"})


def facts_of(shape: CaseShape) -> Iterator[tuple[Case, str, Fact]]:
    """Every fact that a case of a rule file comes to, whatever its rule asks for."""
    case = as_case(shape.given)
    for spec in OF_PEOPLE:
        for keys in product(*spec.keys):
            yield case, spec.name, FACTS[spec.name](case, *keys)


def names_a_row(key: str, case: Case) -> bool:
    """Whether a key is a table, alone or with the ids of a row that may be there."""
    table, *words = key.split()
    appointments = {one.appointment_id for one in case.dossier.appointments}
    appointments |= {row.shown_key for row in case.dossier.invalid if row.table == "appointments"}
    return table in TABLES and (not words or words[0] in IDS | appointments)


@pytest.mark.parametrize("rule", RULEBOOK.rules, ids=lambda rule: str(rule.id))
def test_what_facts_of_every_case_name_can_be_looked_up(rule: Rule) -> None:
    for case, name, fact in (one for shape in rule.cases for one in facts_of(shape)):
        for gap in fact.gaps:
            assert gap.fact == name or (gap.fact == "subject" and case.subject is None), gap
            assert gap.fact in RULEBOOK.documents, gap
            assert names_a_row(gap.key, case), gap
            assert has("reason", gap.reason), gap
        assert all(names_a_row(source, case) for source in fact.sources), fact
        for assumed in fact.assumed:
            table, *_, column = assumed.cell.split()
            if table != "calendar":
                assert names_a_row(assumed.cell, case), assumed
                assert column in columns(table), assumed
            assert has("assumed", assumed.code), assumed
            assert (assumed.value == "") == (assumed.code in WORDLESS), assumed
        assert all(has("note", note) for note in fact.notes), fact
        closed = SPECS[name].kind == "set"
        certain = fact.lo.bit_count() == 1 if closed else fact.lo == fact.hi
        assert certain or (fact.gaps and SPECS[name].may_miss), name
        assert fact.hi == fact.lo if closed else SPECS[name].lo <= fact.lo <= fact.hi, name


UNREADABLE = [
    *(("teachers", name) for name in ("category", "category_now", "ethics", "category_years")),
    *(("teachers", "mentor_in_school"), ("schools", "school_kind"), ("posts", "post")),
    *(("categories", "category"), ("categories", "category_open_ended"), ("quality", "quality")),
    *(("reserve", "listed_in_reserve"), ("plans", "agreed_by"), ("plans", "period_from")),
]


@pytest.mark.parametrize(("table", "name"), UNREADABLE)
def test_what_a_row_that_cannot_be_read_leaves_open_says_so(table: str, name: str) -> None:
    case = as_case({"unreadable": [table], "quality": [6000, 6000, 6000], "week": 5})
    for keys in product(*SPECS[name].keys):
        gaps = FACTS[name](case, *keys).gaps
        reasons = {gap.reason for gap in gaps if gap.key.split()[0] == table}
        assert reasons == {"invalid_row"}, gaps


def test_dates_without_a_category_leave_open_what_was_awarded_once_they_are_over() -> None:
    case = as_case({"category_from": date(2020, 1, 1), "category_until": date(2025, 1, 1)})
    found = FACTS["category"](case, "once_awarded")
    assert [(gap.fact, gap.key, gap.reason) for gap in found.gaps] == [
        ("category", "teachers T1", "not_stated")
    ]
    assert found.lo == SPECS["category"].everything


@pytest.mark.parametrize("validity", ["must_be_valid", "once_awarded"])
def test_dates_without_a_category_that_still_run_leave_it_open(validity: str) -> None:
    case = as_case({"category_from": date(2020, 1, 1)})
    (gap,) = FACTS["category"](case, validity).gaps
    assert gap == ("category", "teachers T1", "not_stated")


def case_of_quality(**row: str) -> Case:
    """A mentor with one row of quality of knowledge."""
    rows = [{"teacher_id": "T1", "school_year": "2024/25", **row}]
    tables = {"teachers": [{"teacher_id": "T1", "school_id": "S1"}], "quality": rows}
    return replace(as_case({}), dossier=Dossier.from_tables(tables))


def test_a_year_without_a_figure_is_a_gap_of_its_own() -> None:
    found = FACTS["quality"](case_of_quality(subject="mathematics"), "any", "mean")
    gaps = {gap.key.split()[-1]: gap.reason for gap in found.gaps}
    assert gaps == {"2023/24": "no_row", "2024/25": "not_stated", "2025/26": "no_row"}


def test_years_that_are_missing_may_be_worth_nothing_or_everything() -> None:
    case = case_of_quality(subject="mathematics", percent="72%")
    each_year, mean = (FACTS["quality"](case, "any", period) for period in PERIODS)
    assert (each_year.lo, each_year.hi) == (0, 7200)
    assert (mean.lo, mean.hi) == (2400, (7200 + 2 * 10_000) // 3)


def test_a_row_whose_subject_cannot_be_read_leaves_open_what_is_taught() -> None:
    found = FACTS["quality"](case_of_quality(subject="", percent="72%"), "any", "mean")
    assert found.gaps[0] == ("quality", "quality T1 …", "invalid_row")


def test_a_row_that_cannot_be_read_spoils_its_own_subject_and_year_only() -> None:
    figures = [
        {"teacher_id": "T1", "subject": "algebra", "school_year": year, "percent": "72%"}
        for year in ("2023/24", "2024/25", "2025/26")
    ]
    spoilt = {"teacher_id": "T1", "subject": "physics", "school_year": "2024/25", "percent": "?"}
    teachers = [{"teacher_id": "T1", "school_id": "S1", "subjects": ["algebra", "physics"]}]
    dossier = Dossier.from_tables({"teachers": teachers, "quality": [*figures, spoilt]})
    case = replace(as_case({"subject": "algebra"}), dossier=dossier)
    found = FACTS["quality"](case, "mentored", "mean")
    assert (found.lo, found.hi, found.gaps) == (7200, 7200, ())
    gaps = FACTS["quality"](case, "every", "mean").gaps
    assert {(gap.key, gap.reason) for gap in gaps} == {
        ("quality T1 physics 2023/24", "no_row"),
        ("quality T1 physics 2024/25", "invalid_row"),
        ("quality T1 physics 2025/26", "no_row"),
    }


def test_an_appointment_that_cannot_be_read_may_overlap_and_is_named() -> None:
    row = {"school_id": "S1", "mentor_id": "T1", "mentee_id": "T2", "ordered_on": "2026-09-01"}
    spoilt = {**row, "appointment_id": "A2", "ordered_on": "?"}
    dossier = Dossier.from_tables({"appointments": [{**row, "appointment_id": "A1"}, spoilt]})
    case = replace(as_case({}), dossier=dossier)
    (gap,) = FACTS["mentors_overlap"](case).gaps
    assert gap == ("mentors_overlap", "appointments A2", "invalid_row")


def test_a_figure_that_cannot_be_read_still_says_what_is_taught() -> None:
    assert [*case_of_quality(subject="physics", percent="?").taught.surely] == ["physics"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [({}, "not_stated"), ({"category": "expert", "category_from": DAY_AFTER}, "awarded_later")],
)
def test_why_no_category_is_held_is_told_apart(given: dict[str, Any], reason: str) -> None:
    (gap,) = FACTS["category"](as_case(given), "must_be_valid").gaps
    assert gap == ("category", "teachers T1", reason)


def test_a_term_changes_its_number_of_days_on_the_day_of_the_new_edition() -> None:
    first, second = date(2020, 5, 7), date(2027, 9, 1)
    counts = ((first, second, 5), (second, None, 7))
    term = Term("starts_on", counts, "working", roll=True, same_day=False)
    days = (first - DAY, first, second - DAY, second, second + DAY)
    assert [term.count(day) for day in days] == [None, 5, 5, 7, 7]


def test_alike_categories_that_end_on_different_days_leave_open_whether_one_is_endless() -> None:
    since = date(2020, 1, 1)
    stated = {"category": "expert", "category_from": since, "category_until": date(2030, 1, 1)}
    case = as_case({**stated, "categories": [{"category": "expert", "from": since}]})
    found = FACTS["category_open_ended"](case)
    assert (found.lo, found.hi) == (YES_OR_NO, YES_OR_NO)
    assert [(gap.fact, gap.reason) for gap in found.gaps] == [("category_open_ended", "conflict")]


def test_every_year_before_the_first_day_of_teaching_is_assumed_where_it_has_no_source() -> None:
    case = as_case({"on": date(2012, 9, 1), "first_taught_on": date(2012, 8, 1), "subjects": ["x"]})
    assumed = {one.cell.split()[1] for one in FACTS["quality"](case, "any", "mean").assumed}
    assert assumed >= {year.label for year in case.years}
    assert all(year.assumed for year in case.years)


def test_nothing_is_assumed_of_days_that_no_other_mentor_shares() -> None:
    assert FACTS["mentors_overlap"](as_case({})).assumed == ()


# Declarations -------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: str(spec.name))
def test_a_declaration_is_whole(spec: FactSpec) -> None:
    taken = [*inspect.signature(FACTS[spec.name]).parameters.values()]
    assert taken[0].annotation is (Formation if spec.of_reserve is True else Case)
    assert len(taken) - 1 == (1 if spec.name == "timing" else len(spec.keys))
    if spec.kind == "set":
        assert (spec.lo, spec.hi, spec.unit, spec.floored) == (0, 0, "", False)
        assert set(spec.never_stated) < set(spec.values)
        for value, language in product(spec.values, LANGUAGES):
            assert value_label(spec.name, value, language) == labelled(spec, value, language)
    else:
        assert (spec.values, spec.labels) == ((), "")
        days = FIRST_DAY.toordinal(), LAST_DAY.toordinal()
        assert (spec.lo, spec.hi) == (days if spec.kind == "date" else BOUNDS[spec.name])
        assert spec.kind in ("date", "number")
        assert spec.unit == UNITS.get(spec.name, "")


UNITS = {"quality": "basis points", "category_years": "years"}
BOUNDS = {"quality": (0, 10_000), "category_years": (0, 120)}


def labelled(spec: FactSpec, value: str, language: Language) -> str:
    """The label of a value, from the vocabulary or the texts that the fact names."""
    names = {one.name: one for one in vars(vocabulary).values() if isinstance(one, Vocabulary)}
    assert spec.labels in names or spec.labels in GROUPS
    closed = names.get(spec.labels)
    in_it = closed is not None and value in closed.labels
    return closed.label(value, language) if closed and in_it else say("value", value, language)


# What the texts name, and no vocabulary.
GROUPS = ("purpose", "timing", "month")


def test_what_holds_between_facts_is_said_of_declared_facts() -> None:
    pairs = [*INVARIANTS, *((one, other) for one, other, _ in PRESUMED)]
    for name, keys in (fact for pair in pairs for fact in pair):
        assert keys in [*product(*SPECS[name].keys)]
    assert all(value in SPECS[name].values for (name, _), _, value in PRESUMED)
