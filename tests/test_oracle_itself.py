"""The oracle against examples whose answer is known without it."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from tests import oracle
from tests import oracle_procedure as procedure
from tests.generate import dossier as generated
from tests.oracle_calendar import works

YEARS = ("2023/24", "2024/25", "2025/26")
AS_OF = "2026-11-23"
QUALITY = "eligibility/quality_of_knowledge"


def case(
    figures: tuple[Any, ...] = (75, 75, 75),
    *,
    kind: str = "ordinary",
    posts: list[dict[str, Any]] | None = None,
    teacher: dict[str, Any] | None = None,
    appointment: dict[str, Any] | None = None,
    **tables: Any,
) -> dict[str, Any]:
    """Appointment A1 of 1 September 2026; everything but the quality in order."""
    mentor = {"teacher_id": "T1", "school_id": "S1", "category": "researcher"} | (teacher or {})
    order = {
        "appointment_id": "A1",
        "school_id": "S1",
        "mentor_id": "T1",
        "mentee_id": "T2",
        "subject": "mathematics",
        "ordered_on": "2026-09-01",
    }
    return {
        "schools": [{"school_id": "S1", "kind": kind}],
        "teachers": [mentor, {"teacher_id": "T2", "school_id": "S1"}],
        "posts": posts or [],
        "quality": [
            {"teacher_id": "T1", "subject": "mathematics", "school_year": year, "percent": figure}
            for year, figure in zip(YEARS, figures, strict=True)
            if figure is not None
        ],
        "appointments": [order | (appointment or {})],
    } | tables


def judged(dossier: dict[str, Any], as_of: str = AS_OF, **settled: str) -> dict[str, Any]:
    return oracle.judge(dossier, as_of=as_of, settled=settled)["A1"]


def verdict(dossier: dict[str, Any], **settled: str) -> str:
    return str(judged(dossier, **settled)["eligibility"])


def outcome(dossier: dict[str, Any], rule: str, **settled: str) -> str:
    return str(judged(dossier, **settled)["rules"][rule]["outcome"])


@pytest.mark.parametrize(
    ("figures", "settled", "expected"),
    [
        (("60.00", "60.00", "60.00"), {}, "depends"),
        (("60.00", "60.00", "60.00"), {"floor": "lower"}, "eligible"),
        (("60.00", "60.00", "60.00"), {"floor": "upper"}, "ineligible"),
        (("59.99", "59.99", "59.99"), {}, "ineligible"),
        ((70, 70, 70), {}, "eligible"),
        ((59, 60, 61), {}, "depends"),
        ((59, 60, 61), {"period": "each_year"}, "ineligible"),
        ((59, 60, 61), {"floor": "upper"}, "ineligible"),
        ((59, 60, 61), {"period": "mean", "floor": "lower"}, "eligible"),
        ((40, 75, None), {}, "undetermined"),
        ((40, 75, None), {"period": "each_year"}, "ineligible"),
        ((30, 35, None), {}, "ineligible"),
        ((80, 100, None), {"period": "mean", "floor": "lower"}, "eligible"),
        ((79, 100, None), {"period": "mean", "floor": "lower"}, "undetermined"),
        ((None, None, None), {}, "undetermined"),
        ((0, 90, 90), {}, "depends"),
        ((72, "abc", 74), {}, "undetermined"),
    ],
)
def test_three_years_of_an_ordinary_school(
    figures: tuple[Any, ...], settled: dict[str, str], expected: str
) -> None:
    assert verdict(case(figures), **settled) == expected


def test_an_unknown_school_kind_does_not_matter_where_every_kind_agrees() -> None:
    assert verdict(case((72, 73, 74), kind="")) == "eligible"
    assert verdict(case((40, 41, 42), kind="")) == "ineligible"
    assert verdict(case((62, 63, 64), kind=""), floor="upper") == "undetermined"


def test_one_certain_failure_is_enough() -> None:
    dossier = case((40, 41, 42), teacher={"category": ""})
    assert verdict(dossier) == "ineligible"
    assert outcome(dossier, "eligibility/qualification_category") == "unknown"


def test_a_head_who_teaches_is_barred_and_one_who_only_acts_may_be() -> None:
    head = {"teacher_id": "T1", "post": "head"}
    assert verdict(case(posts=[head])) == "ineligible"
    assert verdict(case(posts=[head | {"until": "2026-08-31"}])) == "eligible"
    acting = case(posts=[head | {"acting": "yes"}])
    assert verdict(acting) == "depends"
    assert verdict(acting, acting_post="holds_post") == "eligible"
    assert verdict(acting, acting_post="performs_duties") == "ineligible"
    assert verdict(case(posts=[head]), reserve_only="bars_reserve_only") == "eligible"
    assert verdict(case(posts=[head]), reserve_only="open") == "depends"


def test_no_posts_table_is_not_no_post() -> None:
    dossier = case()
    del dossier["posts"]
    assert verdict(dossier) == "undetermined"


def test_an_expired_category_is_no_category_unless_once_awarded_is_enough() -> None:
    dates = {"category_from": "2019-09-01", "category_until": "2026-08-31"}
    assert verdict(case(teacher=dates)) == "ineligible"
    assert verdict(case(teacher=dates), expired_category="once_awarded") == "eligible"
    assert verdict(case(teacher=dates), expired_category="open") == "depends"


def test_a_category_awarded_after_the_order_leaves_the_day_to_the_history() -> None:
    later = {"category_from": "2026-09-02"}
    assert verdict(case(teacher=later)) == "undetermined"
    for code, expected in (("master", "eligible"), ("expert", "ineligible")):
        row = {"teacher_id": "T1", "category": code, "from": "2020-01-01"}
        assert verdict(case(teacher=later, categories=[row])) == expected


def test_ethics_is_presumed_and_a_breach_counts_from_its_day() -> None:
    assert verdict(case(), ethics_silence="must_be_confirmed") == "undetermined"
    for day, expected in (
        ("2026-09-01", "ineligible"),
        ("2026-09-02", "eligible"),
        ("", "undetermined"),
    ):
        finding = {"ethics": "breached", "ethics_on": day}
        assert verdict(case(teacher=finding)) == expected
    assert verdict(case(teacher={"ethics": "pending"})) == "undetermined"


def test_an_empty_subject_is_certain_only_if_every_taught_subject_decides_alike() -> None:
    physics = [
        {"teacher_id": "T1", "subject": "Physics ", "school_year": year, "percent": 10}
        for year in YEARS
    ]
    dossier = case(appointment={"subject": ""})
    dossier["quality"] += physics
    assert verdict(dossier) == "undetermined"
    assert verdict(dossier, subject="every") == "ineligible"
    assert verdict(dossier, subject="any") == "eligible"
    named = case(appointment={"subject": "PHYSICS"})
    named["quality"] += physics
    assert verdict(named) == "ineligible"
    assert verdict(named | {"appointments": case()["appointments"]}) == "eligible"


def test_the_school_year_is_complete_the_day_after_its_last() -> None:
    for day, expected in (("2026-05-25", "undetermined"), ("2026-05-26", "eligible")):
        assert verdict(case(appointment={"ordered_on": day})) == expected


def test_a_year_before_the_first_day_in_the_profession_is_missing() -> None:
    for day, expected in (("2024-05-25", "eligible"), ("2024-05-26", "undetermined")):
        assert verdict(case(teacher={"first_taught_on": day})) == expected


def test_learners_count_exactly_and_contradictions_make_the_row_invalid() -> None:
    for cells, expected in (
        ({"learners": 10, "learners_good": 7}, "eligible"),
        ({"learners": 1000, "learners_good": 699}, "depends"),
        ({"learners": 1000, "learners_good": 699, "percent": "70"}, "depends"),
        ({"learners": 10, "learners_good": 7, "percent": "60"}, "undetermined"),
        ({"learners": 0, "learners_good": 0}, "undetermined"),
        ({"learners": 10, "learners_good": 11}, "undetermined"),
        ({"learners": 10}, "undetermined"),
        ({"percent": "0.72"}, "undetermined"),
    ):
        dossier = case((70, 70, None))
        key = {"teacher_id": "T1", "subject": "mathematics", "school_year": YEARS[2]}
        dossier["quality"].append(key | cells)
        assert verdict(dossier) == expected, cells


def test_rows_of_one_key_that_disagree_leave_its_whole_range() -> None:
    dossier = case()
    dossier["quality"].append(dossier["quality"][0] | {"percent": 76})
    assert verdict(dossier) == "undetermined"
    dossier["quality"][-1]["percent"] = "75.0"
    assert verdict(dossier) == "eligible"


def test_nothing_is_judged_before_the_order_was_in_force() -> None:
    before = judged(case(appointment={"ordered_on": "2020-05-06"}))
    assert before["eligibility"] == "not_judged"
    assert {r["outcome"] for r in before["rules"].values()} == {"not_in_force"}
    assert verdict(case(appointment={"ordered_on": "2020-05-07"})) != "not_judged"
    assert judged(case(appointment={"ordered_on": "soon"})) == {
        "eligibility": "not_judged",
        "procedure": "not_judged",
        "rules": {},
    }


def test_nobody_mentors_himself() -> None:
    assert verdict(case(appointment={"mentee_id": "T1"})) == "ineligible"


def test_five_years_are_over_the_day_after_the_fifth_anniversary() -> None:
    rule = "appointment/category_term"
    for cells, expected in (
        ({"category_from": "2021-09-01"}, "satisfied"),
        ({"category_from": "2021-08-31"}, "breached"),
        ({"category_from": "2011-08-31", "category_until": "2026-12-31"}, "not_applicable"),
        ({}, "unknown"),
    ):
        assert outcome(case(teacher=cells), rule) == expected


def test_what_changes_after_the_order_is_told_on_the_day_of_the_report() -> None:
    rule = "appointment/still_qualified"
    ends = {"ends_on": "2027-05-25"}
    head = [{"teacher_id": "T1", "post": "head", "since": "2026-10-01"}]
    assert outcome(case(appointment=ends), rule) == "satisfied"
    assert outcome(case(appointment=ends, posts=head), rule) == "breached"
    assert outcome(case(posts=head), rule) == "unknown"
    assert outcome(case(appointment={"ends_on": "2026-11-22"}), rule) == "not_applicable"
    assert verdict(case(appointment=ends, posts=head)) == "eligible"


def test_two_mentors_of_one_mentee_on_one_day_overlap() -> None:
    rule = "appointment/no_overlap"
    first = case(appointment={"ends_on": "2027-05-25"})
    other = first["appointments"][0] | {"appointment_id": "A2", "mentor_id": "T9"}
    for days, expected in (
        ({"starts_on": "2027-05-25"}, "breached"),
        ({"starts_on": "2027-05-26", "ends_on": "2027-06-30"}, "satisfied"),
        ({"starts_on": "2026-08-01", "ends_on": ""}, "unknown"),
        ({"ordered_on": "soon"}, "unknown"),
        ({"mentor_id": "T1"}, "satisfied"),
    ):
        dossier = first | {"appointments": [*first["appointments"], other | days]}
        assert outcome(dossier, rule) == expected, days


def test_completions_find_what_a_line_of_arithmetic_finds() -> None:
    """Bounds of the least year and of the mean, against the grid of completions."""
    numbers = random.Random(160)
    for _ in range(300):
        years = [
            None if numbers.random() < 0.45 else Fraction(numbers.randint(0, 10000), 100)
            for _ in range(3)
        ]
        low = [Fraction(0) if year is None else year for year in years]
        high = [Fraction(100) if year is None else year for year in years]
        for figure in oracle.FIGURES:
            for period, at_least, at_most in (
                ("each_year", min(low), min(high)),
                ("mean", sum(low, Fraction(0)) / 3, sum(high, Fraction(0)) / 3),
            ):
                answers = oracle._answers((years[0], years[1], years[2]), figure, period)
                assert answers == {at_least >= figure, at_most >= figure}


# ------------------------------------------------------------------ working days


@pytest.mark.parametrize(
    ("day", "five", "six"),
    [
        ("2025-03-25", False, True),
        ("2025-03-10", False, True),
        ("2025-09-01", False, True),
        ("2025-10-27", False, True),
        ("2021-01-04", False, True),
        ("2023-12-18", False, True),
        ("2022-05-10", False, True),
        ("2026-05-11", False, True),
        ("2021-07-05", False, True),
        ("2022-03-07", False, True),
        ("2022-08-29", False, True),
        ("2025-07-07", False, False),
        ("2026-10-26", False, False),  # for Sunday, 25 October
        ("2025-01-03", False, False),  # exchanged for Sunday, 5 January
        ("2025-01-05", True, True),
        ("2024-06-17", True, True),  # Kurban Ait on Sunday does not move
        ("2022-07-09", False, False),  # Kurban Ait on Saturday
        ("2024-05-04", True, True),
        ("2026-09-12", False, True),
        ("2026-09-13", False, False),
    ],
)
def test_a_day_works_as_published(day: str, five: bool, six: bool) -> None:
    assert (works(date.fromisoformat(day), 5), works(date.fromisoformat(day), 6)) == (five, six)


@pytest.mark.parametrize(
    ("year", "week", "published"),
    [
        (2021, 5, 245),
        (2022, 5, 246),
        (2024, 5, 249),
        (2025, 5, 246),
        (2026, 5, 247),
        (2021, 6, 297),
        (2024, 6, 301),
    ],
)
def test_a_year_has_as_many_working_days_as_published(year: int, week: int, published: int) -> None:
    days = (date(year, 1, 1) + timedelta(n) for n in range(366))
    assert sum(works(day, week) for day in days if day.year == year) == published


# ------------------------------------------------------------------ the plan

LEVEL, DRAFTED, AGREED = "plan/level_determined", "plan/drafted", "plan/agreed"
APPROVED, ORDER, PERIOD = "plan/approved", "plan/signed_in_order", "plan/one_academic_year"
INTERIM, FINAL, FORM = "reporting/interim", "reporting/final", "reporting/interim_form"
ROLLED = frozenset({("roll", "to_working_day")})
UNROLLED = frozenset({("roll", "none")})
COUNCIL = frozenset({("final_report_due", "council_meeting")})
YEAR_END = frozenset({("final_report_due", "school_year_end")})
NOTHING: dict[str, Any] = {}


def planned(
    acts: dict[str, Any] | None,
    ordered: str = "2026-09-01",
    *,
    week: Any = "5",
    starts: str = "",
    **tables: Any,
) -> dict[str, Any]:
    """Appointment A1 with one row of `plans`, or none."""
    order = {"ordered_on": ordered, "starts_on": starts, "ends_on": "2027-05-25"}
    dossier = case(appointment=order)
    dossier["schools"][0]["week"] = week
    dossier["plans"] = [] if acts is None else [{"appointment_id": "A1"} | acts]
    return dossier | tables


def ruling(dossier: dict[str, Any], rule: str, as_of: str = AS_OF, **settled: str) -> Any:
    return judged(dossier, as_of, **settled)["rules"][rule]


def told(dossier: dict[str, Any], rule: str, as_of: str = AS_OF, **settled: str) -> str:
    return str(ruling(dossier, rule, as_of, **settled)["outcome"])


def test_the_level_is_due_ten_calendar_days_after_the_order() -> None:
    due = {ROLLED: date(2026, 9, 11), UNROLLED: date(2026, 9, 11)}
    for done, expected, late in (
        ("2026-09-11", "satisfied", None),
        ("12.09.2026", "breached", 1),
        ("2026-08-20", "satisfied", None),
    ):
        found = ruling(planned({"level_determined_on": done}), LEVEL)
        assert (found["outcome"], found["days_late"]) == (expected, late)
        assert found["due"] == due
        assert found["provisional"] == dict.fromkeys(due, False)
        assert found["latest"] is False
    assert ruling(planned({}), LEVEL)["done"] is None
    same_day = ruling(planned({}), LEVEL, term_start="same_day")
    assert set(same_day["due"].values()) == {date(2026, 9, 10)}


def test_a_level_not_determined_waits_until_its_due_date() -> None:
    for as_of, expected, late in (
        ("2026-09-11", "pending", None),
        ("2026-09-12", "breached", 1),
        ("2026-11-23", "breached", 73),
    ):
        for acts in (NOTHING, {"level_determined_on": "2026-11-24"}):
            found = ruling(planned(acts), LEVEL, as_of)
            assert (found["outcome"], found["days_late"]) == (expected, late)


def test_a_last_day_on_a_saturday_rolls_to_monday_or_not() -> None:
    """Order of Wednesday 16 September 2026: the tenth day is Saturday the 26th."""

    def level(day: str, week: str = "5") -> dict[str, Any]:
        return planned({"level_determined_on": day}, "2026-09-16", week=week)

    monday = ruling(level("2026-09-28"), LEVEL)
    assert monday["outcome"] == "disputed"
    assert monday["readings"] == {ROLLED: "satisfied", UNROLLED: "breached"}
    assert monday["due"] == {ROLLED: date(2026, 9, 28), UNROLLED: date(2026, 9, 26)}
    assert (monday["done"], monday["days_late"]) == (date(2026, 9, 28), None)
    assert told(level("2026-09-28"), LEVEL, roll="to_working_day") == "satisfied"
    assert ruling(level("2026-09-28"), LEVEL, roll="none")["days_late"] == 2
    assert told(level("2026-09-26"), LEVEL) == "satisfied"
    assert told(level("2026-09-29"), LEVEL) == "breached"
    assert told(level("2026-09-28", "6"), LEVEL) == "breached"
    undone = planned({}, "2026-09-16")
    assert [told(undone, LEVEL, f"2026-09-{day}") for day in (26, 27, 28, 29)] == [
        "pending",
        "disputed",
        "disputed",
        "breached",
    ]


def test_the_draft_is_due_five_working_days_after_the_level() -> None:
    for week, due in (("5", date(2026, 9, 18)), ("6", date(2026, 9, 17))):
        for late in (0, 1):
            drafted = due + timedelta(late)
            acts = {"level_determined_on": "2026-09-11", "diagnosed_on": "2026-09-14"}
            acts["drafted_on"] = drafted.isoformat()
            found = ruling(planned(acts, week=week), DRAFTED)
            assert set(found["due"].values()) == {due}
            assert found["outcome"] == ("breached" if late else "satisfied")
            assert (found["done"], found["days_late"]) == (drafted, late or None)
            assert not found["latest"]


def test_the_draft_counts_from_the_later_of_diagnosis_and_draft() -> None:
    acts = {"level_determined_on": "2026-09-11", "drafted_on": "2026-09-14"}
    assert told(planned(acts), DRAFTED, "2026-09-18") == "pending"
    assert told(planned(acts), DRAFTED, "2026-09-19") == "breached"
    assert told(planned(acts | {"diagnosed_on": "2026-09-18"}), DRAFTED) == "satisfied"
    late = ruling(planned(acts | {"diagnosed_on": "2026-09-21"}), DRAFTED)
    assert (late["outcome"], late["done"], late["days_late"]) == ("breached", date(2026, 9, 21), 3)


def test_without_a_level_the_draft_is_due_from_the_latest_end_of_stage_one() -> None:
    undone = planned({}, "2026-09-16")
    found = ruling(undone, DRAFTED)
    assert found["due"] == {ROLLED: date(2026, 10, 5), UNROLLED: date(2026, 10, 2)}
    assert (found["outcome"], found["latest"], found["days_late"]) == ("breached", True, 49)
    assert [told(undone, DRAFTED, f"2026-10-0{day}") for day in (2, 3, 5, 6)] == [
        "pending",
        "disputed",
        "disputed",
        "breached",
    ]
    drafted = {"diagnosed_on": "2026-10-05", "drafted_on": "2026-10-05"}
    assert told(planned(drafted, "2026-09-16"), DRAFTED) == "disputed"
    after = drafted | {"level_determined_on": "2026-10-06"}
    found = ruling(planned(after, "2026-09-16"), DRAFTED)
    assert (found["outcome"], found["latest"]) == ("satisfied", False)
    assert set(found["due"].values()) == {date(2026, 10, 13)}


def test_a_register_that_ends_early_leaves_only_what_may_have_come_later() -> None:
    for until, expected in (
        ("2026-09-10", "unknown"),
        ("2026-09-11", "breached"),  # whenever it comes, it is late
        ("2026-11-23", "breached"),
        ("2027-01-01", "breached"),
        ("", "breached"),
    ):
        found = ruling(planned({"recorded_until": until}), LEVEL)
        assert found["outcome"] == expected
        assert found["done"] is None
        assert found["days_late"] == (None if until < "2026-09-12" and until else 73)
    # done by 11 September, or not done: in time, or waiting
    assert told(planned({"recorded_until": "2026-09-10"}), LEVEL, "2026-09-11") == "unknown"
    assert told(planned({"recorded_until": "2026-08-01"}), AGREED) == "unknown"
    # the level cannot come before starts_on
    silent = planned({"recorded_until": "2026-08-20"})
    assert told(silent, LEVEL, "2026-08-31") == "pending"
    # done on the last day or not yet: the draft is due alike, but no longer the latest possible
    found = ruling(planned({"recorded_until": "2026-09-10"}), DRAFTED, "2026-09-11")
    assert set(found["due"].values()) == {date(2026, 9, 18)}
    assert not found["latest"]
    # a later level moves the due date on, so a draft of this day may be late or not
    draft = {"recorded_until": "2026-09-18", "diagnosed_on": "2026-09-25"}
    draft["drafted_on"] = "2026-09-25"
    found = ruling(planned(draft), DRAFTED)
    assert (found["outcome"], found["latest"]) == ("unknown", False)
    assert set(found["due"].values()) == {None}


@pytest.mark.parametrize(
    "plans",
    [
        [],
        [{"appointment_id": "A1", "level_determined_on": "soon", "agreed_by": "head"}],
        [{"appointment_id": "A1", "agreed_by": "head"}, {"appointment_id": "A1"}],
        [{"appointment_id": "A1"}, {"appointment_id": "", "agreed_on": "2026-09-18"}],
        None,
    ],
)
def test_a_plan_of_which_nothing_is_known_is_unknown(plans: list[dict[str, Any]] | None) -> None:
    dossier = planned(NOTHING, plans=plans)
    found = judged(dossier)
    rules = [LEVEL, DRAFTED, AGREED, APPROVED, ORDER, PERIOD, INTERIM, FINAL, FORM]
    assert {found["rules"][rule]["outcome"] for rule in rules} == {"unknown"}
    assert set(found["rules"][LEVEL]["due"].values()) == {date(2026, 9, 11)}
    assert set(found["rules"][DRAFTED]["due"].values()) == {None}
    assert found["procedure"] == "undetermined"
    dossier["appointments"][0]["starts_on"] = "2026-11-24"
    assert told(dossier, LEVEL) == told(dossier, AGREED) == "pending"
    assert told(dossier, PERIOD) == "unknown"


def test_two_equal_rows_are_one() -> None:
    row = {"appointment_id": "A1", "level_determined_on": "2026-09-11"}
    assert told(planned(NOTHING, plans=[row, dict(row)]), LEVEL) == "satisfied"


def test_the_week_of_a_silent_school_is_guessed_from_october_2022_only() -> None:
    """Level on Monday 3 October 2022: the draft is due on the 8th or, in five days, the 10th."""
    acts = {"level_determined_on": "2022-10-03", "diagnosed_on": "2022-10-04"}
    acts["drafted_on"] = "2022-10-10"
    for starts, week, expected in (
        ("2022-09-30", "", "unknown"),
        ("2022-10-01", "", "satisfied"),
        ("2022-10-01", "6", "breached"),
        ("2022-09-30", "5", "satisfied"),
        ("2022-10-01", "7", "unknown"),
    ):
        assert told(planned(acts, starts, week=week), DRAFTED) == expected
    assert told(planned(acts, "2022-10-01", schools=[]), DRAFTED) == "unknown"
    early = acts | {"drafted_on": "2022-10-08"}
    assert told(planned(early, "2022-09-30", week=""), DRAFTED) == "satisfied"


def test_a_due_date_past_the_decreed_days_is_provisional_if_it_may_move() -> None:
    found = ruling(planned({}, "2026-12-22"), LEVEL)
    assert found["due"] == {ROLLED: date(2027, 1, 5), UNROLLED: date(2027, 1, 1)}
    assert found["provisional"] == {ROLLED: True, UNROLLED: False}
    january = ruling(planned({}, "2026-12-26"), LEVEL)
    assert january["due"] == {ROLLED: date(2027, 1, 5), UNROLLED: date(2027, 1, 5)}
    assert january["provisional"] == {ROLLED: True, UNROLLED: False}
    dossier = planned({}, "2026-12-17")
    assert not any(ruling(dossier, LEVEL)["provisional"].values())
    found = ruling(dossier, DRAFTED)
    assert found["due"] == {ROLLED: date(2027, 1, 6), UNROLLED: date(2027, 1, 5)}
    assert found["provisional"] == {ROLLED: True, UNROLLED: True}


def test_the_right_post_agrees_and_approves() -> None:
    for by, expected in (
        ("deputy_head_academic", "satisfied"),
        ("deputy_head", "unknown"),
        ("head", "breached"),
        ("other", "breached"),
        ("", "unknown"),
    ):
        acts = {"agreed_on": "2026-09-15", "agreed_by": by}
        found = ruling(planned(acts), AGREED)
        assert (found["outcome"], found["done"]) == (expected, date(2026, 9, 15))
        assert set(found["due"].values()) == {None}
        assert told(planned(acts), AGREED, "2026-09-14") == "pending"
    for by, expected in (
        ("head", "satisfied"),
        ("deputy_head", "breached"),
        ("other", "breached"),
        ("", "unknown"),
    ):
        assert told(planned({"approved_on": "2026-09-15", "approved_by": by}), APPROVED) == expected


def test_approval_may_have_the_term_of_the_draft() -> None:
    acts = {"level_determined_on": "2026-09-11", "approved_by": "head"}
    for day, expected in (("2026-09-18", "satisfied"), ("2026-09-21", "breached")):
        dossier = planned(acts | {"approved_on": day})
        assert told(dossier, APPROVED) == "satisfied"
        assert told(dossier, APPROVED, plan_term_covers="approval") == expected
        opened = ruling(dossier, APPROVED, plan_term_covers="open")
        assert opened["outcome"] == ("satisfied" if expected == "satisfied" else "disputed")
        assert len(opened["readings"]) == 4
    undone = ruling(planned({}), APPROVED, plan_term_covers="approval")
    assert (undone["outcome"], undone["latest"], undone["days_late"]) == ("breached", True, 66)
    assert set(ruling(planned({}), APPROVED)["readings"]) == {frozenset()}


@pytest.mark.parametrize(
    ("drafted", "agreed", "approved", "expected"),
    [
        ("2026-09-15", "2026-09-15", "2026-09-15", "satisfied"),
        ("2026-09-15", "2026-09-16", "2026-09-17", "satisfied"),
        ("2026-09-16", "2026-09-15", "2026-09-17", "breached"),
        ("2026-09-15", "2026-09-17", "2026-09-16", "breached"),
        ("2026-09-15", "2026-09-16", "", "pending"),
        ("2026-09-15", "", "", "pending"),
        ("", "", "", "pending"),
        ("", "2026-09-16", "", "breached"),
        ("2026-09-15", "", "2026-09-16", "breached"),
        ("2026-09-15", "2026-11-25", "2026-11-24", "pending"),
    ],
)
def test_the_plan_is_drafted_agreed_and_approved_in_that_order(
    drafted: str, agreed: str, approved: str, expected: str
) -> None:
    acts = {"drafted_on": drafted, "agreed_on": agreed, "approved_on": approved}
    assert told(planned(acts), ORDER) == expected


def test_a_date_between_two_stated_ones_is_found() -> None:
    acts = {"drafted_on": "2026-11-20", "approved_on": "2026-11-20"}
    assert told(planned(acts | {"recorded_until": "2026-11-01"}), ORDER) == "unknown"
    assert told(planned(acts | {"recorded_until": "2026-11-20"}), ORDER) == "breached"


def test_the_plan_covers_the_academic_year() -> None:
    done = {"drafted_on": "2026-10-10"}
    for acts, expected in (
        ({"period_from": "2026-09-01", "period_until": "2027-05-25"}, "satisfied"),
        ({"period_from": "2026-10-05", "period_until": "2027-05-31"}, "satisfied"),
        ({"period_from": "2026-08-31", "period_until": "2027-05-25"}, "breached"),
        ({"period_from": "2026-09-01", "period_until": "2027-06-01"}, "breached"),
        ({"period_from": "2026-09-01", "period_until": "2027-04-30"}, "breached"),
        ({"period_from": "2026-09-01", "period_until": "2026-05-25"}, "breached"),
        ({"period_from": "2026-09-01"}, "unknown"),
        ({"period_until": "2026-05-25"}, "breached"),
        (NOTHING, "unknown"),
    ):
        assert told(planned(done | acts, "2026-10-05"), PERIOD) == expected
        not_drafted = "pending" if expected == "unknown" else expected
        assert told(planned(acts, "2026-10-05"), PERIOD) == not_drafted
    may_be_drafted = {"recorded_until": "2026-10-05"}
    assert told(planned(may_be_drafted, "2026-10-05"), PERIOD) == "unknown"
    summer = {"period_from": "2026-08-20", "period_until": "2027-05-25"}
    assert told(planned(done | summer, "2026-08-20"), PERIOD) == "satisfied"


def test_the_interim_report_comes_in_the_first_half_year() -> None:
    """The half-year of 2025/26 ends on 28 December 2025."""

    def interim(day: str, starts: str = "2025-09-01", **more: str) -> dict[str, Any]:
        acts = {"interim_on": day, "interim_body": "methodical_association"}
        return planned(acts | {"interim_form": "video"} | more, starts)

    assert told(interim("2025-12-28"), INTERIM) == "satisfied"
    assert told(interim("2025-12-29"), INTERIM) == "breached"
    assert ruling(interim("2026-01-12"), INTERIM)["days_late"] == 15
    assert told(interim(""), INTERIM, "2025-12-28") == "pending"
    assert told(interim(""), INTERIM, "2025-12-29") == "breached"
    assert told(interim("2025-12-01", interim_body="other"), INTERIM) == "breached"
    assert told(interim("2025-12-01", interim_body=""), INTERIM) == "unknown"
    assert told(interim("2025-12-28", "2025-12-28"), INTERIM) == "satisfied"
    assert told(interim("2026-01-15", "2025-12-29"), INTERIM) == "not_applicable"
    assert told(interim("2026-01-15", "2025-12-29"), FORM) == "not_applicable"
    assert told(interim("2025-12-28", "2025-12-28"), FORM) == "satisfied"
    assert told(interim("2025-12-01"), FORM) == "satisfied"
    assert told(interim("2025-12-01", interim_form="project"), FORM) == "breached"
    assert told(interim("2025-12-01", interim_form=""), FORM) == "unknown"
    assert told(interim(""), FORM) == "pending"


def test_the_final_report_is_due_at_the_council_or_by_the_end_of_the_year() -> None:
    def final(day: str, **more: str) -> dict[str, Any]:
        acts = {"final_on": day, "final_body": "pedagogical_council", "final_has_results": "yes"}
        return planned(acts | {"final_has_recommendations": "yes"} | more, "2025-09-01")

    assert told(final("2026-05-25"), FINAL) == "satisfied"
    found = ruling(final("2026-05-26"), FINAL)
    assert found["readings"] == {COUNCIL: "satisfied", YEAR_END: "breached"}
    assert (found["outcome"], found["days_late"]) == ("disputed", None)
    assert found["due"] == {COUNCIL: None, YEAR_END: date(2026, 5, 25)}
    settled = ruling(final("2026-05-26"), FINAL, final_report_due="school_year_end")
    assert (settled["outcome"], settled["days_late"]) == ("breached", 1)
    assert told(final("", final_prepared_on="2026-05-20"), FINAL, "2026-05-25") == "pending"
    assert told(final(""), FINAL) == "disputed"
    for column, wrong in (
        ("final_body", "other"),
        ("final_has_results", "no"),
        ("final_has_recommendations", "no"),
    ):
        assert told(final("2026-05-20", **{column: wrong}), FINAL) == "breached"
        assert told(final("2026-05-20", **{column: ""}), FINAL) == "unknown"


IN_ORDER = {
    "level_determined_on": "2025-09-10",
    "diagnosed_on": "2025-09-11",
    "drafted_on": "2025-09-12",
    "agreed_on": "2025-09-15",
    "agreed_by": "deputy_head_academic",
    "approved_on": "2025-09-16",
    "approved_by": "head",
    "period_from": "2025-09-01",
    "period_until": "2026-05-25",
    "interim_on": "2025-12-20",
    "interim_body": "methodical_association",
    "interim_form": "video",
    "final_on": "2026-05-20",
    "final_body": "pedagogical_council",
    "final_has_results": "yes",
    "final_has_recommendations": "yes",
}


def test_a_breach_comes_before_what_is_unknown_and_that_before_what_is_pending() -> None:
    def procedure_of(as_of: str = AS_OF, **acts: str) -> str:
        dossier = planned(IN_ORDER | acts, "2025-09-01")
        dossier["appointments"][0]["ends_on"] = "2026-05-25"
        return str(judged(dossier, as_of)["procedure"])

    assert procedure_of() == "compliant"
    assert procedure_of("2026-03-01") == "pending"
    assert procedure_of(agreed_by="") == "undetermined"
    assert procedure_of(agreed_by="", approved_by="other") == "breached"
    assert procedure_of("2026-03-01", agreed_by="") == "undetermined"
    assert procedure_of(interim_form="project") == "compliant"  # advisory
    assert procedure_of(final_on="2026-06-01") == "depends"
    assert procedure_of(final_on="") == "depends"
    assert procedure_of(final_on="2026-06-01", agreed_by="") == "undetermined"
    assert procedure_of(final_on="2026-06-01", agreed_by="head") == "breached"


def test_an_appointment_ends_within_its_school_year() -> None:
    rule = "appointment/one_academic_year"
    for ends, expected in (
        ("2027-05-25", "satisfied"),
        ("2027-05-26", "breached"),
        ("", "unknown"),
    ):
        dossier = case(appointment={"starts_on": "2026-05-26", "ends_on": ends})
        assert told(dossier, rule) == expected


def test_each_rule_is_in_force_by_the_day_that_dates_it() -> None:
    dossier = planned({}, "2020-05-06", starts="2020-05-07")
    found = judged(dossier)
    assert found["eligibility"] == "not_judged"
    assert found["rules"]["appointment/one_academic_year"]["outcome"] == "not_in_force"
    assert found["rules"][LEVEL]["outcome"] == "breached"
    assert found["procedure"] == "breached"
    dossier = planned({}, "2020-05-07", starts="2020-05-06")
    found = judged(dossier)
    assert found["rules"][LEVEL]["outcome"] == "not_in_force"
    assert found["rules"][LEVEL]["due"] == {ROLLED: None, UNROLLED: None}
    assert found["procedure"] == "breached"  # the appointment ends years later
    assert judged(planned({}, "2020-05-06"))["procedure"] == "not_judged"


# ------------------------------------------------------------------ completions of a plan

QUESTIONS = {
    question: oracle.QUESTIONS[question]
    for question in ("roll", "term_start", "plan_term_covers", "final_report_due")
}


def asked(row: dict[str, Any] | None, starts: date, weeks: Iterable[int], today: date) -> list[Any]:
    """What every rule says under every reading."""
    rules = procedure.plan_rules(row, starts, tuple(weeks), today)
    return [
        (rule, values, told_by(dict(zip(QUESTIONS, values, strict=True))))
        for values in itertools.product(*QUESTIONS.values())
        for rule, told_by in rules.items()
    ]


def a_register(
    numbers: random.Random,
) -> tuple[dict[str, Any] | None, date, tuple[int, ...], date]:
    """A row with a few dates near its terms, in a register that ends within days of as_of."""
    starts = numbers.choice(
        [date(2026, 9, 2), date(2026, 9, 16), date(2022, 9, 1), date(2025, 12, 18)]
    )
    weeks = numbers.choice([(5,), (6,), (5, 6)])
    if numbers.random() < 0.15:
        return None, starts, weeks, starts + timedelta(numbers.randint(-1, 6))
    today = starts + timedelta(numbers.randint(5, 25))
    row: dict[str, Any] = {"recorded_until": today - timedelta(numbers.randint(0, 6))}
    for column in ("level_determined_on", "diagnosed_on", "drafted_on", "agreed_on", "approved_on"):
        if numbers.random() < 0.5:
            row[column] = starts + timedelta(numbers.randint(5, 25))
    for column, texts in (
        ("agreed_by", ["deputy_head_academic", "head"]),
        ("approved_by", ["head", "other"]),
        ("interim_body", ["methodical_association"]),
        ("interim_form", ["video", "project"]),
    ):
        if numbers.random() < 0.6:
            row[column] = numbers.choice(texts)
    return row, starts, weeks, today


def test_first_and_last_days_find_what_every_day_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = random.Random(160)
    registers = [a_register(numbers) for _ in range(500)]
    by_ends = [asked(*register) for register in registers]
    cached = (
        procedure._level,
        procedure._after_stage_one,
        procedure._in_order,
        procedure._without_due,
        procedure._until,
    )

    def every_day(when: procedure.Act, marks: Iterable[date] = ()) -> list[date | None]:
        if when.earliest is None or when.latest is None:
            return [None]
        length = (when.latest - when.earliest).days
        found: list[date | None] = [when.earliest + timedelta(n) for n in range(length + 1)]
        return [*found, None] if when.maybe_undone else found

    monkeypatch.setattr(procedure, "days", every_day)
    for function in cached:
        function.cache_clear()
    by_days = [asked(*register) for register in registers]
    for function in cached:
        function.cache_clear()
    assert by_ends == by_days


def test_what_is_certain_survives_every_completion_of_the_register() -> None:
    numbers = random.Random(20486)
    met = set()
    for _ in range(1500):
        row, starts, weeks, today = a_register(numbers)
        whole = dict(row or {})
        since = whole.pop("recorded_until", starts - timedelta(1)) + timedelta(1)
        for column in oracle.COLUMNS["plans"]:
            first = max(since, starts) if column == "level_determined_on" else since
            is_act = column.endswith("_on")
            if is_act and column not in whole and first <= today and numbers.random() < 0.7:
                whole[column] = first + timedelta(numbers.randint(0, (today - first).days))
        whole.setdefault("agreed_by", numbers.choice(["deputy_head_academic", "other"]))
        whole.setdefault("approved_by", numbers.choice(["head", "other"]))
        whole.setdefault("interim_body", numbers.choice(["methodical_association", "other"]))
        whole.setdefault("interim_form", numbers.choice(["video", "other"]))
        for column, word in (("final_body", "pedagogical_council"), ("final_has_results", "yes")):
            whole[column] = numbers.choice([word, "no"])
        whole["final_has_recommendations"] = "yes"
        if whole.get("drafted_on", date.max) <= today:  # before that the period may wait
            whole["period_from"] = numbers.choice([starts, starts - timedelta(200)])
            whole["period_until"] = date(numbers.choice([2023, 2026, 2027]), 5, 25)
        before = asked(row, starts, weeks, today)
        after = asked(whole, starts, [numbers.choice(weeks)], today)
        for (rule, values, open_one), (_, _, complete) in zip(before, after, strict=True):
            met.add((rule, open_one.outcome))
            if open_one.outcome != "unknown":
                assert open_one.outcome == complete.outcome, (rule, values, row, whole)
            for column in ("due", "done", "days_late"):
                told_before = getattr(open_one, column)
                assert told_before in (None, getattr(complete, column)), (rule, row, whole)
    assert len(met) > 25


# ------------------------------------------------------------------ the reserve


def reserve(*entries: dict[str, Any], **tables: Any) -> list[dict[str, Any]]:
    """What is told of the reserve of S1; T1 is qualified."""
    row = {
        "school_id": "S1",
        "teacher_id": "T1",
        "formed_on": "2026-08-28",
        "formed_by": "pedagogical_council",
        "proposed_by": "methodical_association",
        "protocol_no": "7",
    }
    dossier = case(**tables) | {"reserve": [row | entry for entry in entries]}
    return oracle.judge_reserve(dossier, as_of=AS_OF).get("S1", [])


def test_a_reserve_is_formed_by_the_council_on_a_proposal_with_minutes() -> None:
    for entry, expected in (
        (NOTHING, "satisfied"),
        ({"formed_by": "other"}, "breached"),
        ({"proposed_by": "other"}, "breached"),
        ({"formed_by": ""}, "unknown"),
        ({"proposed_by": None}, "unknown"),
        ({"protocol_no": ""}, "unknown"),
        ({"protocol_no": "", "formed_by": "other"}, "breached"),
        ({"formed_on": ""}, "unknown"),
        ({"formed_on": "2020-05-06"}, "not_in_force"),
    ):
        (group,) = reserve(entry)
        assert group["reserve/formed"] == expected
        (group,) = reserve(entry, entry | {"teacher_id": "T2"})
        assert group["reserve/formed"] == expected
    first, undated = reserve({}, {"formed_on": ""}, {"teacher_id": "T2"})
    assert first == {
        "formed_on": date(2026, 8, 28),
        "reserve/formed": "satisfied",
        "reserve/only_qualified": "unknown",
    }
    assert undated["formed_on"] is None


def test_only_those_who_qualify_may_be_listed() -> None:
    rule = "reserve/only_qualified"
    (group,) = reserve({})
    assert group[rule] == "satisfied"
    (group,) = reserve({}, teacher={"category": "expert"})
    assert group[rule] == "breached"
    (group,) = reserve({}, posts=[{"teacher_id": "T1", "post": "head"}])
    assert group[rule] == "breached"
    (group,) = reserve({}, figures=(65, 65, 65))  # depends on the floor
    assert group[rule] == "unknown"
    (group,) = reserve({}, {"teacher_id": "T2"})  # nothing is known of T2
    assert group[rule] == "unknown"
    (group,) = reserve({}, {"teacher_id": "T2"}, teacher={"category": "expert"})
    assert group[rule] == "breached"
    (group,) = reserve({}, {"school_id": "S2", "formed_by": "nobody"})
    assert group[rule] == "satisfied"
    (group,) = reserve({}, {"school_id": "", "teacher_id": "T3"})
    assert group[rule] == "unknown"
    (group,) = reserve({}, {"formed_on": "soon"})
    assert group[rule] == group["reserve/formed"] == "unknown"


def test_a_generated_dossier_is_the_same_for_the_same_seed() -> None:
    assert generated(7, 60) == generated(7, 60) != generated(8, 60)


def test_settling_never_contradicts_a_verdict_that_is_the_same_under_every_reading() -> None:
    for seed in range(6):
        dossier = generated(seed, 120)
        default = oracle.judge(dossier, as_of=AS_OF)
        for settled in (
            {
                "floor": "lower",
                "period": "mean",
                "acting_post": "holds_post",
                "roll": "to_working_day",
                "final_report_due": "council_meeting",
            },
            {
                "floor": "upper",
                "period": "each_year",
                "acting_post": "performs_duties",
                "roll": "none",
                "final_report_due": "school_year_end",
            },
        ):
            one = oracle.judge(dossier, as_of=AS_OF, settled=settled)
            for key, result in default.items():
                for verdict_of in ("eligibility", "procedure"):
                    if result[verdict_of] not in ("depends", "undetermined"):
                        assert one[key][verdict_of] == result[verdict_of]
                    assert one[key][verdict_of] != "depends"
