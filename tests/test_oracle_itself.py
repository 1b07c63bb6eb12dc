"""The oracle against examples whose answer is known without it."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from tests import oracle
from tests.generate import dossier as generated

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


def judged(dossier: dict[str, Any], **settled: str) -> dict[str, Any]:
    return oracle.judge(dossier, as_of=AS_OF, settled=settled)["A1"]


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


def test_a_generated_dossier_is_the_same_for_the_same_seed() -> None:
    assert generated(7, 60) == generated(7, 60) != generated(8, 60)


def test_settling_never_contradicts_a_verdict_that_is_the_same_under_every_reading() -> None:
    for seed in range(6):
        dossier = generated(seed, 120)
        default = oracle.judge(dossier, as_of=AS_OF)
        for settled in (
            {"floor": "lower", "period": "mean", "acting_post": "holds_post"},
            {"floor": "upper", "period": "each_year", "acting_post": "performs_duties"},
        ):
            one = oracle.judge(dossier, as_of=AS_OF, settled=settled)
            for key, result in default.items():
                if result["eligibility"] in ("eligible", "ineligible", "not_judged"):
                    assert one[key]["eligibility"] == result["eligibility"]
                assert one[key]["eligibility"] != "depends"
