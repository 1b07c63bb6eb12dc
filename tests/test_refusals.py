"""Loading refuses a broken rulebook: one planted fault each, in a copy of the built-in rules."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from mentor_rules.checks import MAX_LENGTH
from mentor_rules.errors import Problem, RulebookError
from mentor_rules.loading import load_rulebook
from mentor_rules.source import MAX_SETTINGS, rules_folder

ACT = "order.toml"
QUALITY = "eligibility/quality_of_knowledge.toml"
CATEGORY = "eligibility/qualification_category.toml"
ETHICS = "eligibility/pedagogical_ethics.toml"
POSTS = "eligibility/excluded_posts.toml"
NOT_SELF = "appointment/not_self.toml"
FROM_RESERVE = "appointment/from_reserve.toml"
BEGINNER = "appointment/beginning_teacher.toml"
TERM = "appointment/category_term.toml"
FIRST_CASE = 'says   = "two persons"'
ON_GRID = "write a whole number in the figure's unit (60 % = 6000 basis points)"
HEARD = """act = "order_160"
place = "heard"
certainty = "advisory"
via = "heard"
read_on = 2026-11-23
"""
HEARD_INLINE = ", ".join(HEARD.splitlines())
NOT_REFUSED = (AssertionError, pytest.fail.Exception)
ONE_DEFAULT = "a settled question needs exactly one default"
WHOLE_PROFILE = "a profile settles every live question and no other"
SAME_PLACEHOLDERS = "use the same placeholders in en, kk and ru"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the built-in rules, to plant faults in."""
    copy = tmp_path / "order_160"
    shutil.copytree(rules_folder() / "order_160", copy)
    return copy


def plant(folder: Path, file: str, old: str, new: str) -> None:
    """Put `new` in the place of `old`, which the file holds exactly once."""
    path = folder / file
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    path.write_text(text.replace(old, new), "utf-8")


def cut(folder: Path, file: str, table: str) -> None:
    """Take one table out of a file."""
    path = folder / file
    text, times = re.subn(rf"(?ms)^\[{re.escape(table)}\]\n.*?(?=^\[)", "", path.read_text("utf-8"))
    assert times == 1, f"[{table}] stands {times} times in {file}"
    path.write_text(text, "utf-8")


def recheck(folder: Path, file: str, check: str, key: str = "check") -> None:
    """Write another check into a rule file."""
    path = folder / file
    text, times = re.subn(
        rf"(?m)^{key} +=.*$",
        lambda _: f"{key} = '''{check}'''",
        path.read_text("utf-8"),
    )
    assert times == 1, f"{key} stands {times} times in {file}"
    path.write_text(text, "utf-8")


def problems(*folders: Path) -> tuple[Problem, ...]:
    """Give what loading refuses."""
    with pytest.raises(RulebookError) as refused:
        load_rulebook(*folders)
    return refused.value.problems


def problem(file: str, path: str, text: str, suggestion: str) -> Problem:
    return Problem(f"order_160/{file}", path, text, suggestion)


def test_a_faithful_copy_of_the_built_in_rules_is_not_refused(folder: Path) -> None:
    copy, built_in = load_rulebook(folder), load_rulebook()
    assert copy.sha256 == built_in.sha256
    assert [rule.id for rule in copy.rules] == [rule.id for rule in built_in.rules]


# Sources --------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [NOT_SELF, ETHICS, FROM_RESERVE])
def test_a_rule_without_a_source_is_refused(folder: Path, file: str) -> None:
    cut(folder, file, "source")
    assert problems(folder) == (
        problem(
            file,
            "source",
            "no source",
            "cite act, place, certainty, via and read_on under [source]",
        ),
    )


@pytest.mark.parametrize("part", ["act", "place", "certainty", "via", "read_on"])
def test_a_source_that_lacks_a_part_is_refused(folder: Path, part: str) -> None:
    path = folder / NOT_SELF
    text, times = re.subn(rf"(?m)^{part} = .*\n", "", path.read_text("utf-8"))
    assert times == 1
    path.write_text(text, "utf-8")
    assert problems(folder) == (
        problem(NOT_SELF, f"source.{part}", f"{part} is missing", f"add {part}"),
    )


@pytest.mark.parametrize("blank", ['""', '"  "'])
def test_a_source_that_leaves_the_place_blank_is_refused(folder: Path, blank: str) -> None:
    plant(folder, FROM_RESERVE, 'place = "reserve of mentors"', f"place = {blank}")
    (found,) = problems(folder)
    assert (found.file, found.path) == (f"order_160/{FROM_RESERVE}", "source.place")
    assert "at least 1 character" in found.problem
    assert found.suggestion == "see the other rules for the shape"


def test_a_certainty_that_nobody_defined_is_refused(folder: Path) -> None:
    plant(folder, NOT_SELF, 'certainty = "secondary"', 'certainty = "rumoured"')
    assert problems(folder) == (
        problem(
            NOT_SELF,
            "source.certainty",
            "certainty has no such value",
            "one of 'verified', 'secondary' or 'advisory'",
        ),
    )


def test_a_source_that_cites_another_act_is_refused(folder: Path) -> None:
    plant(folder, NOT_SELF, 'act = "order_160"', 'act = "order_161"')
    assert problems(folder) == (
        problem(NOT_SELF, "source.act", "no act order_161", "write order_160"),
    )


def test_an_advisory_source_never_blocks(folder: Path) -> None:
    plant(folder, NOT_SELF, 'certainty = "secondary"', 'certainty = "advisory"')
    assert problems(folder) == (
        problem(
            NOT_SELF,
            "source.certainty",
            "an advisory source cannot block",
            'write weight = "advisory", or cite a better source',
        ),
    )


# Names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "name", "suggestion"),
    [
        ("not mentor_is_mente", "mentor_is_mente", "did you mean mentor_is_mentee?"),
        ("not zzzz", "zzzz", "declare it, or mend the name"),
        ("mentor_is_mentee or sys", "sys", "declare it, or mend the name"),
        ("band >= 3", "band", "declare it, or mend the name"),  # another rule's figure
        ("mentor_is_mentee[now, then] or zzzz[k]", "zzzz", "declare it, or mend the name"),
    ],
)
def test_a_name_that_is_neither_fact_nor_figure_nor_bound_is_refused(
    folder: Path, check: str, name: str, suggestion: str
) -> None:
    recheck(folder, NOT_SELF, check)
    found = problem(
        NOT_SELF,
        "check",
        f"{name} is neither a fact, a figure nor bound by every reading",
        suggestion,
    )
    assert found in problems(folder)


def test_a_misspelt_name_in_applies_is_refused_at_applies(folder: Path) -> None:
    recheck(folder, TERM, "category_open_endd", key="applies")
    assert problems(folder) == (
        problem(
            TERM,
            "applies",
            "category_open_endd is neither a fact, a figure nor bound by every reading",
            "did you mean category_open_ended?",
        ),
    )


def test_a_misspelt_name_in_a_reason_is_refused_at_that_reason(folder: Path) -> None:
    plant(folder, CATEGORY, "'category[validity] == \"none\"'", "'catgory[validity] == \"none\"'")
    assert problems(folder) == (
        problem(
            CATEGORY,
            "reason.1.when",
            "catgory is neither a fact, a figure nor bound by every reading",
            "did you mean category?",
        ),
    )


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [("perod", "did you mean period?"), ("zzz", "bind it to each_year | mean")],
)
def test_a_key_that_no_question_binds_is_refused(folder: Path, key: str, suggestion: str) -> None:
    recheck(folder, QUALITY, f"quality[subject, {key}] >= band[school_kind, floor]")
    assert problems(folder) == (
        problem(
            QUALITY,
            "check",
            f"the key {key} is not bound by every reading of a question",
            suggestion,
        ),
    )


def test_a_key_that_only_some_readings_bind_is_refused(folder: Path) -> None:
    plant(folder, QUALITY, 'binds = { floor = "upper" }\n', "")
    found = problems(folder)
    assert len(found) == 2
    assert found[0] == problem(
        QUALITY,
        "questions.floor.readings",
        "the readings do not bind the same names",
        "bind each name in every reading",
    )
    assert (found[1].path, found[1].problem) == (
        "check",
        "the key floor is not bound by every reading of a question",
    )


# Facts that can be missing --------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "check", "fact"),
    [
        (CATEGORY, 'category[validity] == "master" or category[validity] == "expert"', "category"),
        (TERM, "category_years < term and category_open_ended", "category_open_ended"),
        (
            QUALITY,
            'quality[subject, period] >= band[school_kind, floor] and school_kind == "ordinary"',
            "school_kind",
        ),
        (
            BEGINNER,
            "starts_year_begins <= mentee_first_taught_on <= mentee_first_taught_on",
            "mentee_first_taught_on",
        ),
    ],
    ids=["in the check", "in check and applies", "as the key of a figure", "in a chain"],
)
def test_a_fact_that_can_be_missing_is_not_used_twice(
    folder: Path, file: str, check: str, fact: str
) -> None:
    recheck(folder, file, check)
    assert problems(folder) == (
        problem(
            file,
            "check",
            f"the fact {fact} can be missing and is used twice",
            "bounds are exact only if it occurs once in check and applies together",
        ),
    )


@pytest.mark.parametrize(
    ("file", "check"),
    [
        (NOT_SELF, "not mentor_is_mentee and not mentor_is_mentee"),
        (BEGINNER, "starts_year_begins <= mentee_first_taught_on <= starts_year_begins"),
        (TERM, "category_years < term and term >= 5"),
    ],
)
def test_a_complete_fact_or_a_figure_may_be_used_twice(folder: Path, file: str, check: str) -> None:
    recheck(folder, file, check)
    assert load_rulebook(folder)


def test_two_blocking_rules_do_not_share_a_fact_that_can_be_missing(folder: Path) -> None:
    shutil.copy(folder / ETHICS, folder / "eligibility/second_ethics.toml")
    assert problems(folder) == (
        problem(
            "eligibility/second_ethics.toml",
            "check",
            "the fact ethics can be missing and also decides eligibility/pedagogical_ethics",
            "two blocking rules may not share such a fact: join them, or add a fact",
        ),
    )


@pytest.mark.parametrize("file", [NOT_SELF, FROM_RESERVE])
def test_blocking_rules_share_a_complete_fact_and_advisory_ones_any(
    folder: Path, file: str
) -> None:
    shutil.copy(folder / file, folder / "appointment/second.toml")
    assert load_rulebook(folder)


def test_a_fact_whose_missing_paper_nobody_names_is_refused(folder: Path) -> None:
    plant(folder, ACT, "[documents.quality]", "[documents.quality_of_old]")
    assert problems(folder) == (
        problem(
            QUALITY,
            "check",
            "no document is named that settles quality",
            "add [documents.quality] to order.toml",
        ),
    )


# Dates ----------------------------------------------------------------------------------

ORDINARY = (
    '  { from = 2020-05-07, school_kind = "ordinary",         lower = 6000, upper = 7000 },\n'
)


def row(first: str, until: str = "") -> str:
    end = f"until = {until}, " if until else ""
    return f'  {{ from = {first}, {end}school_kind = "ordinary", lower = 6000, upper = 7000 }},\n'


@pytest.mark.parametrize(
    ("rows", "text", "suggestion"),
    [
        (
            row("2020-05-08"),
            "no figure for ordinary on 2020-05-07",
            "add a row from 2020-05-07",
        ),
        (
            row("2020-05-07", "2023-01-01") + row("2023-01-02"),
            "no figure for ordinary on 2023-01-01",
            "write until = 2023-01-02, or add a row from 2023-01-01",
        ),
        (
            row("2020-05-07", "2023-01-01"),
            "no figure for ordinary on 2023-01-01",
            "add a row from 2023-01-01",
        ),
        ("", "no figure for ordinary on 2020-05-07", "add a row from 2020-05-07"),
    ],
    ids=["at the start", "in the middle", "at the end", "all along"],
)
def test_a_day_without_a_figure_is_refused(
    folder: Path, rows: str, text: str, suggestion: str
) -> None:
    plant(folder, QUALITY, ORDINARY, rows)
    assert problems(folder) == (problem(QUALITY, "figures.band.rows", text, suggestion),)


@pytest.mark.parametrize(
    "rows",
    [
        row("2020-05-07") + row("2023-01-01"),
        row("2020-05-07", "2023-01-02") + row("2023-01-01"),
        row("2023-01-01") + row("2020-05-07", "2024-01-01"),
    ],
    ids=["never ended", "ended a day too late", "in any order"],
)
def test_a_day_with_two_figures_is_refused(folder: Path, rows: str) -> None:
    plant(folder, QUALITY, ORDINARY, rows)
    assert problems(folder) == (
        problem(
            QUALITY,
            "figures.band.rows",
            "two figures for ordinary on 2023-01-01",
            "end the earlier one: until = 2023-01-01",
        ),
    )


def test_a_figure_may_end_on_the_day_on_which_the_next_one_begins(folder: Path) -> None:
    plant(folder, QUALITY, ORDINARY, row("2020-05-07", "2023-01-01") + row("2023-01-01"))
    band = load_rulebook(folder).rule("eligibility/quality_of_knowledge").figures["band"]
    for day in (date(2022, 12, 31), date(2023, 1, 1)):
        assert band.on(day)[("ordinary",)] == {"lower": 6000, "upper": 7000}
    assert {row.first for row in band.rows if row.until is None} == {
        date(2020, 5, 7),
        date(2023, 1, 1),
    }


def test_a_figure_without_keys_has_no_day_without_a_row_either(folder: Path) -> None:
    plant(folder, TERM, "{ from = 2020-05-07, value = 5 }", "{ from = 2021-01-01, value = 5 }")
    assert problems(folder) == (
        problem(TERM, "figures.term.rows", "no figure on 2020-05-07", "add a row from 2020-05-07"),
    )


@pytest.mark.parametrize("first", ["", "from = 2020-05-07T00:00:00, ", 'from = "2020-05-07", '])
def test_a_figure_that_does_not_say_from_which_day_it_holds_is_refused(
    folder: Path, first: str
) -> None:
    plant(folder, TERM, "{ from = 2020-05-07, value = 5 }", f"{{ {first}value = 5 }}")
    found = problem(
        TERM,
        "figures.term.rows.0.from",
        "a figure needs the day it holds from",
        "write from = YYYY-MM-DD",
    )
    assert found in problems(folder)


@pytest.mark.parametrize("until", ["2019-01-01", "2020-05-07"])
def test_a_rule_that_ends_before_it_starts_is_refused(folder: Path, until: str) -> None:
    plant(folder, QUALITY, "from = 2020-05-07      ", f"until = {until}\nfrom = 2020-05-07      ")
    assert problems(folder) == (
        problem(QUALITY, "in_force.until", "the rule ends before it starts", "until is exclusive"),
    )


def test_a_repealed_rule_may_take_its_figures_with_it(folder: Path) -> None:
    plant(folder, TERM, "from = 2020-05-07      ", "until = 2024-01-01\nfrom = 2020-05-07      ")
    plant(folder, TERM, "from = 2020-05-07, value", "from = 2020-05-07, until = 2024-01-01, value")
    rule = load_rulebook(folder).rule("appointment/category_term")
    assert rule.in_force_on(date(2023, 12, 31))
    assert not rule.in_force_on(date(2024, 1, 1))


# Figures --------------------------------------------------------------------------------


@pytest.mark.parametrize("figure", ["60.5", "6000.0", "6e3", "inf", "nan", '"6000"', "true", "[1]"])
def test_a_figure_off_the_exact_grid_is_refused(folder: Path, figure: str) -> None:
    plant(folder, QUALITY, "lower = 6000", f"lower = {figure}")
    found = problem(
        QUALITY, "figures.band.rows.0.lower", "the figure is off the exact grid", ON_GRID
    )
    assert found in problems(folder)


@pytest.mark.parametrize(
    ("part", "text", "suggestion"),
    [
        ('place = "heard"', "place is missing", "add place"),
        ('certainty = "advisory"', "certainty is missing", "add certainty"),
    ],
)
def test_a_row_with_half_a_source_of_its_own_is_refused(
    folder: Path, part: str, text: str, suggestion: str
) -> None:
    half = HEARD_INLINE.replace(f"{part}, ", "")
    plant(folder, TERM, "value = 5 }", f"value = 5, source = {{ {half} }} }}")
    name = part.split()[0]
    found = problem(TERM, f"figures.term.rows.0.source.{name}", text, suggestion)
    assert found in problems(folder)


@pytest.mark.parametrize("fact", ["school_knd", "quality", "category"])
def test_a_figure_looked_up_by_no_closed_fact_is_refused(folder: Path, fact: str) -> None:
    plant(folder, QUALITY, 'by = ["school_kind"]', f'by = ["{fact}"]')
    found = problem(
        QUALITY,
        "figures.band.by",
        f"{fact} is no closed fact without keys",
        "look figures up by a fact such as school_kind",
    )
    assert found in problems(folder)


def test_a_figure_for_a_value_that_its_fact_never_has_is_refused(folder: Path) -> None:
    plant(folder, QUALITY, 'school_kind = "small_complement", lower', 'school_kind = "x", lower')
    found = problem(
        QUALITY,
        "figures.band.rows.1.school_kind",
        "school_kind has no such value",
        "one of ordinary, small_complement",
    )
    assert found in problems(folder)


def test_figures_whose_rows_have_different_columns_are_refused(folder: Path) -> None:
    plant(folder, QUALITY, "lower = 6000, upper = 7000", "lower = 6000")
    found = problem(
        QUALITY,
        "figures.band.rows",
        "the rows have different columns",
        "give each row all of them",
    )
    assert found in problems(folder)


def test_figures_without_a_row_are_refused(folder: Path) -> None:
    plant(folder, TERM, "  { from = 2020-05-07, value = 5 },\n", "")
    (found,) = problems(folder)
    assert (found.file, found.path) == (f"order_160/{TERM}", "figures.term.rows")


@pytest.mark.parametrize(
    ("file", "check", "text", "suggestion"),
    [
        (
            QUALITY,
            "quality[subject, period] >= band[school_kind]",
            "band is looked up by school_kind, a column",
            "write band[school_kind, a column]",
        ),
        (
            QUALITY,
            "quality[subject, period] >= band[floor, school_kind]",
            "band is looked up by school_kind, a column",
            "write band[school_kind, a column]",
        ),
        (
            QUALITY,
            "quality[subject, period] >= band",
            "band is looked up by school_kind, a column",
            "write band[school_kind, a column]",
        ),
        (
            QUALITY,
            "quality[subject, period] >= band[school_kind, lowest]",
            "the key lowest is not bound by every reading of a question",
            "bind it to lower | upper",
        ),
        (TERM, "category_years < term[floor]", "term is looked up by nothing", "write term"),
    ],
)
def test_a_figure_looked_up_otherwise_than_declared_is_refused(
    folder: Path, file: str, check: str, text: str, suggestion: str
) -> None:
    recheck(folder, file, check)
    assert problems(folder) == (problem(file, "check", text, suggestion),)


def test_a_reading_that_binds_a_column_that_no_figure_has_is_refused(folder: Path) -> None:
    plant(folder, QUALITY, 'binds = { floor = "lower" }', 'binds = { floor = "lowr" }')
    assert problems(folder) == (
        problem(
            QUALITY,
            "questions.floor.readings.lower.binds.floor",
            "lowr is none of lower, upper",
            "did you mean lower?",
        ),
    )


@pytest.mark.parametrize(
    ("file", "check", "text", "suggestion"),
    [
        (
            QUALITY,
            "quality[subject] >= band[school_kind, floor]",
            "quality takes 2 keys",
            "keys: mentored | every | any; each_year | mean",
        ),
        (NOT_SELF, "mentor_is_mentee[duties]", "mentor_is_mentee takes 0 keys", None),
        (ETHICS, 'ethics == "observed"', "ethics takes 1 keys", None),
    ],
)
def test_a_fact_with_the_wrong_number_of_keys_is_refused(
    folder: Path, file: str, check: str, text: str, suggestion: str | None
) -> None:
    recheck(folder, file, check)
    (found,) = problems(folder)
    assert (found.file, found.path, found.problem) == (f"order_160/{file}", "check", text)
    assert suggestion is None or found.suggestion == suggestion


def test_a_key_bound_to_what_the_fact_does_not_take_is_refused(folder: Path) -> None:
    recheck(folder, QUALITY, "quality[period, subject] >= band[school_kind, floor]")
    found = problems(folder)
    assert {problem.path for problem in found} == {
        f"questions.{question}.readings.{reading}.binds.{question}"
        for question, readings in {
            "period": ("mean", "each_year"),
            "subject": ("any", "mentored", "every"),
        }.items()
        for reading in readings
    }


# What is compared -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "check", "operator"),
    [
        (QUALITY, "quality[subject, period] <= band[school_kind, floor]", "<="),
        (QUALITY, "quality[subject, period] > band[school_kind, floor]", ">"),
        (QUALITY, "quality[subject, period] == band[school_kind, floor]", "=="),
        (QUALITY, "quality[subject, period] != band[school_kind, floor]", "!="),
        (QUALITY, "band[school_kind, floor] >= quality[subject, period]", ">="),
        (QUALITY, "band[school_kind, floor] < quality[subject, period]", "<"),
        (QUALITY, "5000 <= quality[subject, period] <= band[school_kind, floor]", "<="),
        (TERM, "category_years <= term", "<="),
    ],
)
def test_a_floored_fact_is_compared_with_at_least_and_less_only(
    folder: Path, file: str, check: str, operator: str
) -> None:
    recheck(folder, file, check)
    name = "quality" if file == QUALITY else "category_years"
    assert problems(folder) == (
        problem(
            file,
            "check",
            f"{name} is rounded down and compared with {operator}",
            f"write {name} >= figure, or {name} < figure",
        ),
    )


@pytest.mark.parametrize(
    "check",
    [
        "quality[subject, period] < band[school_kind, floor]",
        "band[school_kind, floor] <= quality[subject, period]",
        "band[school_kind, floor] > quality[subject, period]",
        "5000 <= quality[subject, period] < band[school_kind, floor]",
    ],
)
def test_a_floored_fact_may_stand_on_either_side(folder: Path, check: str) -> None:
    recheck(folder, QUALITY, check)
    assert load_rulebook(folder)


def test_figures_in_another_unit_are_refused(folder: Path) -> None:
    plant(folder, QUALITY, 'unit = "basis points"', 'unit = "per cent"')
    assert problems(folder) == (
        problem(QUALITY, "check", "basis points are compared with per cent", "give both one unit"),
    )


@pytest.mark.parametrize(
    ("file", "check", "text", "suggestion"),
    [
        (
            BEGINNER,
            "mentee_first_taught_on >= 2020",
            "a date is compared with a number",
            "compare like with like",
        ),
        (
            QUALITY,
            "floor >= band[school_kind, floor]",
            "a text is compared with a number",
            "compare like with like",
        ),
        (CATEGORY, 'category[validity] >= "researcher"', "closed values have no order", None),
        (
            POSTS,
            "post[duties] == purpose",
            "post is compared with purpose",
            "compare a closed fact with its values: if two facts matter, add a fact",
        ),
        (
            BEGINNER,
            "mentee_first_taught_on in [1, 2]",
            "only closed values may be listed",
            "compare with >= or <",
        ),
        (POSTS, "post[duties]", "post is no yes/no fact", "compare it with a value"),
    ],
)
def test_unlike_things_are_not_compared(
    folder: Path, file: str, check: str, text: str, suggestion: str | None
) -> None:
    recheck(folder, file, check)
    found = [item for item in problems(folder) if item.problem == text]
    assert [(item.file, item.path) for item in found] == [(f"order_160/{file}", "check")]
    assert suggestion is None or found[0].suggestion == suggestion


@pytest.mark.parametrize(
    ("file", "check", "text", "suggestion"),
    [
        (
            CATEGORY,
            'category[validity] in ["reseacher", "master"]',
            "category is never reseacher",
            "did you mean researcher?",
        ),
        (CATEGORY, '"mastr" == category[validity]', "category is never mastr", None),
        (
            ETHICS,
            'ethics[silence] == "zzz"',
            "ethics is never zzz",
            "one of observed, breached",
        ),
        (NOT_SELF, "mentor_is_mentee != 1", "mentor_is_mentee is never 1", "one of no, yes"),
        (NOT_SELF, 'mentor_is_mentee in ["no", 1]', "mentor_is_mentee is never 1", None),
    ],
)
def test_a_value_that_its_fact_never_has_is_refused(
    folder: Path, file: str, check: str, text: str, suggestion: str | None
) -> None:
    recheck(folder, file, check)
    (found,) = problems(folder)
    assert (found.file, found.path, found.problem) == (f"order_160/{file}", "check", text)
    assert suggestion is None or found.suggestion == suggestion


def test_a_reading_of_the_act_that_binds_an_unknown_value_is_refused(folder: Path) -> None:
    plant(folder, ACT, 'binds = { duties = "holds_post" }', 'binds = { duties = "holds_pst" }')
    found = problems(folder)
    assert {(item.path, item.problem, item.suggestion) for item in found} == {
        (
            "questions.acting_post.readings.holds_post.binds.duties",
            "holds_pst is none of holds_post, performs_duties",
            "did you mean holds_post?",
        )
    }


# The language of checks -----------------------------------------------------------------

NODES = "use comparisons, and, or, not, names and keyed names"


@pytest.mark.parametrize(
    ("check", "text", "suggestion"),
    [
        ("", "String should have at least 1 character", "see the other rules for the shape"),
        ("not (", "the check cannot be parsed", "write it as in the other rules"),
        ("import os", "the check cannot be parsed", "write it as in the other rules"),
        ("a = 1", "the check cannot be parsed", "write it as in the other rules"),
        ('__import__("os")', "Call is not allowed in a check", NODES),
        ("mentor_is_mentee()", "Call is not allowed in a check", NODES),
        ("mentor_is_mentee.real", "Attribute is not allowed in a check", NODES),
        ("lambda: mentor_is_mentee", "Lambda is not allowed in a check", NODES),
        ('f"{mentor_is_mentee}"', "JoinedStr is not allowed in a check", NODES),
        ("True", "Constant is not allowed in a check", NODES),
        ("1 if mentor_is_mentee else 2", "IfExp is not allowed in a check", NODES),
        ("[x for x in y]", "ListComp is not allowed in a check", NODES),
        ("(x := mentor_is_mentee)", "NamedExpr is not allowed in a check", NODES),
        ("mentor_is_mentee is mentor_is_mentee", "Is is not allowed in a check", None),
        (
            "mentor_is_mentee == open('x')",
            "only whole numbers and texts may stand beside names",
            "write figures under [figures]",
        ),
        (
            "category_years < 5.0",
            "only whole numbers and texts may stand beside names",
            "write figures under [figures]",
        ),
    ],
)
def test_what_is_no_check_is_refused_and_never_run(
    folder: Path, check: str, text: str, suggestion: str | None
) -> None:
    recheck(folder, NOT_SELF, check)
    (found,) = problems(folder)
    assert (found.file, found.path, found.problem) == (f"order_160/{NOT_SELF}", "check", text)
    assert suggestion is None or found.suggestion == suggestion


def test_a_check_of_more_than_500_characters_is_refused(folder: Path) -> None:
    check = "not mentor_is_mentee"
    assert MAX_LENGTH == 500
    recheck(folder, NOT_SELF, check.ljust(500))
    assert load_rulebook(folder)
    (folder / NOT_SELF).write_bytes((rules_folder() / "order_160" / NOT_SELF).read_bytes())
    recheck(folder, NOT_SELF, " or ".join([check] * 25))
    assert problems(folder) == (
        problem(
            NOT_SELF,
            "check",
            "the check is longer than 500 characters",
            "a shorter check needs a fact that says more",
        ),
    )


def test_a_check_that_is_nested_too_deeply_is_refused(folder: Path) -> None:
    recheck(folder, NOT_SELF, "not " * 21 + "mentor_is_mentee")
    assert problems(folder) == (
        problem(
            NOT_SELF,
            "check",
            "the check is nested too deeply",
            "a fact is missing: add the fact",
        ),
    )


# Messages -------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "kk", "ru"])
@pytest.mark.parametrize(
    ("file", "table"),
    [
        (NOT_SELF, "title"),
        (NOT_SELF, "messages.breached"),
        (NOT_SELF, "remedy"),
        (ACT, "read.not_read"),
    ],
)
def test_a_text_that_lacks_a_language_is_refused(
    folder: Path, file: str, table: str, language: str
) -> None:
    path = folder / file
    text, times = re.subn(
        rf"(?ms)(^\[{re.escape(table)}\]\n(?:..[^\n]*\n)*?){language} = [^\n]*\n",
        r"\1",
        path.read_text("utf-8"),
    )
    assert times == 1
    path.write_text(text, "utf-8")
    assert problems(folder) == (
        problem(
            file,
            f"{table}.{language}",
            f"the language {language} is missing",
            "write every text in en, kk and ru",
        ),
    )


def test_a_reason_that_lacks_a_language_is_refused(folder: Path) -> None:
    plant(folder, CATEGORY, 'ru = "У наставника нет квалификационной категории."\n', "")
    assert problems(folder) == (
        problem(
            CATEGORY,
            "reason.1.ru",
            "the language ru is missing",
            "write every text in en, kk and ru",
        ),
    )


def test_a_blank_text_is_refused(folder: Path) -> None:
    plant(folder, CATEGORY, '"Тәлімгердің біліктілік санаты жоқ."', '" "')
    (found,) = problems(folder)
    assert (found.file, found.path) == (f"order_160/{CATEGORY}", "reason.1.kk")


@pytest.mark.parametrize(
    ("file", "old", "new", "path"),
    [
        (NOT_SELF, "По приказу от {on} наставник", "По приказу наставник", "messages.breached"),
        (
            CATEGORY,
            "Тәлімгердің {on} күнгі біліктілік санаты: {value}.",
            "Тәлімгердің біліктілік санаты: {value}.",
            "messages.satisfied",
        ),
    ],
)
def test_languages_with_different_placeholders_are_refused(
    folder: Path, file: str, old: str, new: str, path: str
) -> None:
    plant(folder, file, old, new)
    assert problems(folder) == (
        problem(file, path, "the languages have different placeholders", SAME_PLACEHOLDERS),
    )


def test_a_remedy_with_different_placeholders_is_refused(folder: Path) -> None:
    plant(folder, QUALITY, "следующим завершится {next_school_year}.", "ждите следующего.")
    assert problems(folder) == (
        problem(QUALITY, "remedy", "the languages have different placeholders", SAME_PLACEHOLDERS),
    )


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("reqired", "did you mean required?"),
        ("zzz", "one of as_of, days_late, done, due, next_school_year, on, required, value"),
        ("", "one of as_of, days_late, done, due, next_school_year, on, required, value"),
        ("0", "one of as_of, days_late, done, due, next_school_year, on, required, value"),
        ("value.__class__", None),
        ("value[0]", None),
    ],
)
def test_an_unknown_placeholder_is_refused_in_each_language(
    folder: Path, name: str, suggestion: str | None
) -> None:
    path = folder / TERM
    text = path.read_text("utf-8")
    head, tail = text.split("[messages.breached]\n")
    assert tail.count("{required}") == 6  # breached and unknown, in three languages
    path.write_text(
        head + "[messages.breached]\n" + tail.replace("{required}", f"{{{name}}}", 3), "utf-8"
    )
    found = problems(folder)
    assert [(item.path, item.problem) for item in found] == [
        (f"messages.breached.{language}", f"no placeholder {{{name}}}")
        for language in ("en", "kk", "ru")
    ]
    assert suggestion is None or {item.suggestion for item in found} == {suggestion}


def test_a_brace_that_is_never_closed_is_refused(folder: Path) -> None:
    plant(folder, FROM_RESERVE, "Тәлімгердің {on} күні мектептің", "Тәлімгердің {on күні мектептің")
    found = problem(
        FROM_RESERVE, "messages.unknown.kk", "the braces are not plain", "write {value}"
    )
    assert found in problems(folder)


@pytest.mark.parametrize(
    ("file", "outcome"),
    [
        (NOT_SELF, "satisfied"),
        (NOT_SELF, "breached"),
        (ETHICS, "unknown"),
        (POSTS, "disputed"),
        (TERM, "not_applicable"),
    ],
)
def test_an_outcome_without_a_message_is_refused(folder: Path, file: str, outcome: str) -> None:
    cut(folder, file, f"messages.{outcome}")
    assert problems(folder) == (
        problem(
            file, f"messages.{outcome}", f"no message for {outcome}", "write it in en, kk and ru"
        ),
    )


def test_a_message_for_no_outcome_is_refused(folder: Path) -> None:
    plant(
        folder,
        NOT_SELF,
        "[messages.breached]",
        '[messages.failed]\nen = "x"\nkk = "x"\nru = "x"\n[messages.breached]',
    )
    (found,) = problems(folder)
    assert (found.file, found.path) == (f"order_160/{NOT_SELF}", "messages.failed")


# Questions ------------------------------------------------------------------------------


def test_a_settled_question_without_a_default_is_refused(folder: Path) -> None:
    plant(folder, ACT, 'default = "bars_appointment"\n', "")
    assert problems(folder) == (
        problem(
            ACT,
            "questions.reserve_only.default",
            ONE_DEFAULT,
            "write default = one of ['bars_appointment', 'bars_reserve_only']",
        ),
    )


@pytest.mark.parametrize("default", ["mentord", "open"])
def test_a_settled_question_with_an_unknown_default_is_refused(folder: Path, default: str) -> None:
    plant(folder, QUALITY, 'default = "mentored"', f'default = "{default}"')
    assert problems(folder) == (
        problem(
            QUALITY,
            "questions.subject.default",
            ONE_DEFAULT,
            "write default = one of ['any', 'every', 'mentored']",
        ),
    )


def test_a_settled_question_whose_default_is_rejected_is_refused(folder: Path) -> None:
    plant(
        folder,
        QUALITY,
        'status = "live"\norder = ["lower", "upper"]',
        'status = "settled"\ndefault = "closed_band"\norder = ["lower", "upper"]',
    )
    found = problem(
        QUALITY,
        "questions.floor.default",
        ONE_DEFAULT,
        "write default = one of ['lower', 'upper']",
    )
    assert found in problems(folder)


def test_two_defaults_are_refused(folder: Path) -> None:
    plant(folder, ACT, 'default = "presumed"  ', 'default = "must_be_confirmed"\n' * 2 + "#")
    (found,) = problems(folder)
    assert (found.file, found.problem) == (f"order_160/{ACT}", "the file is not readable TOML")


def test_a_live_question_with_a_default_is_refused(folder: Path) -> None:
    plant(
        folder,
        ACT,
        '[questions.acting_post]\nstatus = "live"\n',
        '[questions.acting_post]\nstatus = "live"\ndefault = "holds_post"\n',
    )
    assert problems(folder) == (
        problem(
            ACT,
            "questions.acting_post.default",
            "a live question has no default",
            'remove it, or write status = "settled"',
        ),
    )


@pytest.mark.parametrize(
    "order",
    [
        '["any", "mentored"]',
        '["any", "mentored", "every", "any"]',
    ],
    ids=["one left out", "one twice"],
)
def test_an_order_that_does_not_name_each_reading_once_is_refused(folder: Path, order: str) -> None:
    plant(folder, QUALITY, 'order = ["any", "mentored", "every"]', f"order = {order}")
    found = problem(
        QUALITY,
        "questions.subject.order",
        "order must name every reading that is not rejected, once",
        "write order = ['any', 'every', 'mentored'], mildest first",
    )
    assert found in problems(folder)


def test_an_order_that_names_a_rejected_reading_is_refused(folder: Path) -> None:
    plant(
        folder, QUALITY, 'order = ["lower", "upper"]', 'order = ["lower", "upper", "by_category"]'
    )
    found = problem(
        QUALITY,
        "questions.floor.order",
        "order must name every reading that is not rejected, once",
        "write order = ['lower', 'upper'], mildest first",
    )
    assert found in problems(folder)


def test_a_question_with_a_single_reading_is_refused(folder: Path) -> None:
    plant(folder, QUALITY, 'order = ["mean", "each_year"]', 'order = ["mean"]')
    found = problems(folder)
    assert (found[0].file, found[0].path) == (f"order_160/{QUALITY}", "questions.period.order")


QUESTION = """[questions.{name}]
status = "settled"
default = "one"
order = ["one", "two"]
asks = {{ en = "x", kk = "x", ru = "x" }}
readings.one = {{ means = {{ en = "x", kk = "x", ru = "x" }}, binds = {{ {one} }} }}
readings.two = {{ means = {{ en = "x", kk = "x", ru = "x" }}, binds = {{ {two} }} }}

"""


def test_a_question_that_binds_nothing_that_the_rule_uses_is_refused(folder: Path) -> None:
    asked = QUESTION.format(name="idle", one='idle = "a"', two='idle = "b"')
    plant(folder, NOT_SELF, "[messages.satisfied]", f"{asked}[messages.satisfied]")
    assert problems(folder) == (
        problem(
            NOT_SELF,
            "questions.idle",
            "the question binds nothing that the rule uses",
            "use its names in check or applies, or remove it",
        ),
    )


def test_a_question_that_is_declared_twice_is_refused(folder: Path) -> None:
    asked = QUESTION.format(name="reserve_only", one='bars = "reserve"', two='bars = "appointment"')
    plant(folder, POSTS, "[messages.satisfied]", f"{asked}[messages.satisfied]")
    assert problems(folder) == (
        problem(
            POSTS,
            "questions.reserve_only",
            "the question reserve_only is declared twice",
            "declare a question of several rules once, in order.toml",
        ),
    )


# Profiles -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "path", "text", "suggestion"),
    [
        (
            'period      = "mean"\n',
            "",
            "profiles.lenient.period",
            "the profile does not settle the question period",
            WHOLE_PROFILE,
        ),
        (
            'period      = "mean"\n',
            'period = "mean"\nsubject = "any"\n',
            "profiles.lenient.subject",
            "the profile may not settle the question subject",
            WHOLE_PROFILE,
        ),
        (
            'period      = "mean"\n',
            'period = "mean"\nperods = "mean"\n',
            "profiles.lenient.perods",
            "the profile may not settle the question perods",
            WHOLE_PROFILE,
        ),
        (
            'floor       = "upper"',
            'floor = "uper"',
            "profiles.strict.floor",
            "no reading uper: did you mean upper?",
            "one of lower, upper",
        ),
        (
            'floor       = "upper"',
            'floor = "closed_band"',
            "profiles.strict.floor",
            "no reading closed_band",
            "one of lower, upper",
        ),
    ],
    ids=["a live one left out", "a settled one", "an unknown one", "misspelt", "rejected"],
)
def test_a_profile_settles_each_live_question_and_no_other(
    folder: Path, old: str, new: str, path: str, text: str, suggestion: str
) -> None:
    plant(folder, ACT, old, new)
    assert problems(folder) == (problem(ACT, path, text, suggestion),)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("appointment/not_slf", "did you mean appointment/not_self?"),
        ("zzz", "name a rule, or leave it out"),
    ],
)
def test_a_norm_said_to_be_covered_by_a_rule_that_is_not_there_is_refused(
    folder: Path, name: str, suggestion: str
) -> None:
    plant(folder, ACT, '"appointment/not_self"', f'"{name}"')
    assert problems(folder) == (problem(ACT, "coverage.8.rules", f"no rule {name}", suggestion),)


# Keys and files -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "path", "key", "suggestion"),
    [
        (NOT_SELF, "weight ", 'wieght = "advisory"\nweight ', "wieght", "wieght", "weight"),
        (NOT_SELF, "dated_by", "zzzz = 1\ndated_by", "zzzz", "zzzz", None),
        (
            NOT_SELF,
            "from = 2020-05-07",
            "form = 2020-05-07\nfrom = 2020-05-07",
            "in_force.form",
            "form",
            "from",
        ),
        (NOT_SELF, "via = ", 'vai = "x"\nvia = ', "source.vai", "vai", "via"),
        (
            ACT,
            'means.en = "Only the reserve is closed to them."',
            'mean.en = "x"\nmeans.en = "Only the reserve is closed to them."',
            "questions.reserve_only.readings.bars_reserve_only.mean",
            "mean",
            "means",
        ),
        (
            TERM,
            'unit = "years"',
            'unit = "years"\nunits = "x"',
            "figures.term.units",
            "units",
            "unit",
        ),
        (
            ACT,
            'number        = "160"',
            'number = "160"\nnumbr = "x"',
            "act.numbr",
            "numbr",
            "number",
        ),
        (
            CATEGORY,
            'en = "The mentor has no qualification category."',
            'en = "The mentor has no qualification category."\nwhan = "x"',
            "reason.1.whan",
            "whan",
            "when",
        ),
        (
            NOT_SELF,
            FIRST_CASE,
            f'expct = "breached"\n{FIRST_CASE}',
            "case.0.expct",
            "expct",
            "expect",
        ),
    ],
)
def test_an_unknown_key_is_refused(
    folder: Path, file: str, old: str, new: str, path: str, key: str, suggestion: str | None
) -> None:
    plant(folder, file, old, new)
    nearest = f"did you mean {suggestion}?" if suggestion else "remove it"
    assert problems(folder) == (problem(file, path, f"unknown key {key}", nearest),)


def test_two_rules_with_one_id_in_two_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    more = tmp_path / "more" / "appointment"
    more.mkdir(parents=True)
    shutil.copy(folder / NOT_SELF, more / "not_self.toml")
    assert problems(folder, more.parent) == (
        Problem(
            f"more/{NOT_SELF}",
            "",
            "two rules with one id: appointment/not_self",
            f"rename it: order_160/{NOT_SELF} has that id",
        ),
    )


def test_two_rules_whose_ids_differ_only_by_case_are_refused(folder: Path, tmp_path: Path) -> None:
    more = tmp_path / "more" / "appointment"
    more.mkdir(parents=True)
    shutil.copy(folder / NOT_SELF, more / "Not_Self.toml")
    (found,) = problems(folder, more.parent)
    assert (found.file, found.path) == ("more/appointment/Not_Self.toml", "")
    assert found.problem == "two rules with one id: appointment/Not_Self"
    assert found.suggestion.startswith("rename it: ")


def test_a_second_folder_with_a_rule_of_its_own_is_not_refused(
    folder: Path, tmp_path: Path
) -> None:
    more = tmp_path / "more" / "appointment"
    more.mkdir(parents=True)
    shutil.copy(folder / NOT_SELF, more / "own.toml")
    book = load_rulebook(folder, more.parent)
    assert book.rule("appointment/own").check == book.rule("appointment/not_self").check


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("eligibilty", "did you mean eligibility?"),
        ("zzz", "put it into one of eligibility, appointment, plan, reporting, reserve"),
    ],
)
def test_a_rule_in_a_folder_that_no_verdict_looks_into_is_refused(
    folder: Path, name: str, suggestion: str
) -> None:
    (folder / name).mkdir()
    shutil.copy(folder / NOT_SELF, folder / name / "own.toml")
    assert problems(folder) == (
        problem(f"{name}/own.toml", "", f"no verdict looks into the folder {name}", suggestion),
    )


@pytest.mark.parametrize(
    "content", [b"norms = [", b"norms = 1\nnorms = 2", b"\xff\xfe", b"a = " + b"[" * 5000]
)
def test_a_file_that_is_no_toml_is_refused(folder: Path, content: bytes) -> None:
    (folder / "appointment/broken.toml").write_bytes(content)
    (found,) = problems(folder)
    assert (found.file, found.path) == ("order_160/appointment/broken.toml", "")
    assert found.problem == "the file is not readable TOML"
    assert found.suggestion.startswith("mend it: ")


def test_a_file_that_is_too_large_is_refused_unread(folder: Path) -> None:
    path = folder / NOT_SELF
    text = path.read_bytes()
    path.write_bytes(text + b"#" * (MAX_SETTINGS - len(text)))
    assert load_rulebook(folder)
    path.write_bytes(text + b"#" * (MAX_SETTINGS - len(text) + 1))
    assert problems(folder) == (
        problem(NOT_SELF, "", f"the file is larger than {MAX_SETTINGS} bytes", "split the rule"),
    )


def test_an_act_that_nobody_describes_is_refused(folder: Path) -> None:
    (folder / ACT).unlink()
    assert problems(folder) == (
        Problem("order_160", ACT, "the act is not described", "add order.toml"),
    )


def test_an_act_without_a_number_is_refused(folder: Path) -> None:
    plant(folder, ACT, 'number        = "160"\n', "")
    assert problems(folder) == (problem(ACT, "act.number", "number is missing", "add number"),)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path / "order_161") == (
        Problem("order_161", "", "no such folder of rules", "name the folder of an act"),
    )


# All at once ----------------------------------------------------------------------------


def test_all_problems_of_all_files_are_reported_at_once(folder: Path) -> None:
    cut(folder, FROM_RESERVE, "source")
    plant(folder, NOT_SELF, 'certainty = "secondary"', 'certainty = "advisory"')
    recheck(folder, NOT_SELF, "not mentor_is_mente")
    recheck(folder, CATEGORY, 'category[validity] in ["reseacher", "mastr"]')
    plant(folder, QUALITY, ORDINARY, row("2020-05-08"))
    plant(folder, QUALITY, 'default = "mentored"', 'default = "mentord"')
    (folder / "appointment/broken.toml").write_text("norms = [", "utf-8")

    with pytest.raises(RulebookError) as refused:
        load_rulebook(folder)
    found = refused.value.problems
    assert {(item.file.removeprefix("order_160/"), item.path) for item in found} == {
        (FROM_RESERVE, "source"),
        (NOT_SELF, "source.certainty"),
        (NOT_SELF, "check"),
        (CATEGORY, "check"),
        (QUALITY, "figures.band.rows"),
        (QUALITY, "questions.subject.default"),
        ("appointment/broken.toml", ""),
    }
    assert len(found) == 8  # the category has two misspelt values
    lines = str(refused.value).splitlines()
    assert len(lines) == len(found)
    for line, item in zip(lines, found, strict=True):
        assert line == f"{item.problem} @ {item.file}: {item.path} -- {item.suggestion}"


def test_a_rule_that_was_refused_brings_no_further_problems(folder: Path) -> None:
    cut(folder, QUALITY, "source")
    assert [(item.file, item.path) for item in problems(folder)] == [
        (f"order_160/{QUALITY}", "source")
    ]


def test_rules_profiles_and_coverage_are_reported_at_once(folder: Path) -> None:
    recheck(folder, NOT_SELF, "not mentor_is_mente")
    plant(folder, ACT, 'floor       = "upper"', 'floor = "uper"')
    plant(folder, ACT, '"appointment/not_self"', '"appointment/not_slf"')
    assert [(item.file, item.path) for item in problems(folder)] == [
        (f"order_160/{NOT_SELF}", "check"),
        (f"order_160/{ACT}", "profiles.strict.floor"),
        (f"order_160/{ACT}", "coverage.8.rules"),
    ]


def test_a_broken_act_and_a_broken_rule_are_reported_at_once(folder: Path) -> None:
    plant(folder, ACT, 'number        = "160"\n', "")
    cut(folder, NOT_SELF, "source")
    assert [item.file for item in problems(folder)] == [
        f"order_160/{NOT_SELF}",
        f"order_160/{ACT}",
    ]


# Faults that loading does not refuse yet ---------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("# The norm says", f"[figures.band.source]\n{HEARD}\n# The norm says", "source"),
        ("upper = 7000 }", f"upper = 7000, source = {{ {HEARD_INLINE} }} }}", "rows.0.source"),
    ],
    ids=["of the figure", "of the row"],
)
def test_a_figure_with_an_advisory_source_never_blocks(
    folder: Path, old: str, new: str, path: str
) -> None:
    plant(folder, QUALITY, old, new)
    assert [(item.path, item.problem) for item in problems(folder)] == [
        (f"figures.band.{path}.certainty", "an advisory source cannot block")
    ]


def test_a_figure_that_was_refused_is_the_only_problem(folder: Path) -> None:
    plant(folder, QUALITY, "lower = 6000", "lower = 60.5")
    assert len(problems(folder)) == 1


def test_a_value_that_no_reading_ever_binds_is_refused(folder: Path) -> None:
    recheck(folder, POSTS, 'bars == "apointment" or purpose == "reserve"', key="applies")
    (found,) = problems(folder)
    assert (found.file, found.path) == (f"order_160/{POSTS}", "applies")
    assert "apointment" in found.problem


def test_a_wrong_reading_of_the_act_is_refused_once_and_in_the_file_of_the_act(
    folder: Path,
) -> None:
    plant(folder, ACT, 'binds = { duties = "holds_post" }', 'binds = { duties = "holds_pst" }')
    assert [item.file for item in problems(folder)] == [f"order_160/{ACT}"]


def test_two_numbers_of_a_check_are_not_compared_with_each_other(folder: Path) -> None:
    recheck(folder, NOT_SELF, "not mentor_is_mentee and 1 >= 2")
    (found,) = problems(folder)
    assert (found.file, found.path) == (f"order_160/{NOT_SELF}", "check")


@pytest.mark.parametrize("placeholder", ["{value!x}", "{value:d}", "{value:{bogus}}"])
def test_a_placeholder_that_could_not_be_filled_in_is_refused(
    folder: Path, placeholder: str
) -> None:
    plant(folder, CATEGORY, 'category on {on}: {value}."', f'category on {{on}}: {placeholder}."')
    found = problems(folder)
    assert [item.path for item in found] == ["messages.satisfied.en"]


@pytest.mark.parametrize(
    ("old", "path"),
    [
        ('en = "The mentor has no qualification category."', "reason.1"),
        ('en = "The mentor holds the qualification category researcher or master"', "title"),
    ],
)
def test_a_placeholder_where_nothing_is_filled_in_is_refused(
    folder: Path, old: str, path: str
) -> None:
    plant(folder, CATEGORY, old, old.replace("The mentor", "The mentor {value}"))
    assert [item.path.removesuffix(".en") for item in problems(folder)] == [path]


def test_a_name_that_two_questions_bind_is_refused(folder: Path) -> None:
    asked = QUESTION.format(
        name="posts", one='duties = "holds_post"', two='duties = "performs_duties"'
    )
    plant(folder, POSTS, "[messages.satisfied]", f"{asked}[messages.satisfied]")
    assert problems(folder)


def test_a_folder_that_looks_like_a_rule_file_is_refused(folder: Path) -> None:
    (folder / "appointment/folder.toml").mkdir()
    assert [item.file for item in problems(folder)] == ["order_160/appointment/folder.toml"]


@pytest.mark.parametrize("until", ["2019-01-01", "2020-05-07"])
def test_a_rule_without_figures_that_ends_before_it_starts_is_refused(
    folder: Path, until: str
) -> None:
    plant(folder, NOT_SELF, "from = 2020-05-07      ", f"until = {until}\nfrom = 2020-05-07      ")
    assert problems(folder) == (
        problem(NOT_SELF, "in_force.until", "the rule ends before it starts", "until is exclusive"),
    )


@pytest.mark.parametrize("last", ["evry", 'every", "all'], ids=["misspelt", "one too many"])
def test_an_order_that_names_an_unknown_reading_is_refused(folder: Path, last: str) -> None:
    plant(
        folder,
        QUALITY,
        'order = ["any", "mentored", "every"]',
        f'order = ["any", "mentored", "{last}"]',
    )
    assert [item.path for item in problems(folder)] == ["questions.subject.order"]


def test_an_act_described_in_a_second_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    shutil.copy(folder / ACT, more / ACT)
    assert [item.file for item in problems(folder, more)] == ["more/order.toml"]


@pytest.mark.parametrize(
    "check",
    ["years[school_kind] == 3", "years[school_kind] != 3", "2 < years[school_kind] < 4"],
)
def test_a_looked_up_figure_is_compared_with_its_bounds_only(folder: Path, check: str) -> None:
    """Which of its rows counts may be unknown: it is then one of a few, and no range."""
    plant(
        folder,
        TERM,
        "[figures.term]",
        """[figures.years]
unit = "years"
by = ["school_kind"]
rows = [
  { from = 2020-05-07, school_kind = "ordinary", value = 2 },
  { from = 2020-05-07, school_kind = "small_complement", value = 5 },
]

[figures.term]""",
    )
    recheck(folder, TERM, f"{check} and category_years < term")
    said = "the looked-up figure years is compared with == or stands between"
    found = problem(TERM, "check", said, "compare it with >= or < only")
    assert problems(folder) == (found,)
