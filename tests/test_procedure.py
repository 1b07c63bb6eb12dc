"""Plans and reports: every due date from both sides, every way of failing, and time travel."""

from datetime import date, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentor_rules import (
    Appointment,
    Dossier,
    Finding,
    MentoringPlan,
    PlanResult,
    School,
    UsageError,
    check,
    check_plan,
)
from mentor_rules.facts import ACTS
from mentor_rules.vocabulary import LANGUAGES, AgreedBy, ApprovedBy, Language

TUESDAY = date(2026, 9, 1)
WEDNESDAY = date(2026, 9, 16)  # its tenth day is a Saturday
AS_OF = date(2026, 11, 23)
DAY = timedelta(days=1)
KEPT: dict[str, Any] = {
    "level_determined_on": date(2026, 9, 11),
    "diagnosed_on": date(2026, 9, 14),
    "drafted_on": date(2026, 9, 15),
    "agreed_on": date(2026, 9, 16),
    "agreed_by": "deputy_head_academic",
    "approved_on": date(2026, 9, 17),
    "approved_by": "head",
    "period_from": TUESDAY,
    "period_until": date(2027, 5, 25),
    "interim_on": date(2026, 11, 20),
    "interim_body": "methodical_association",
    "interim_form": "video",
}
REPORTED: dict[str, Any] = {
    **KEPT,
    "final_prepared_on": date(2027, 5, 17),
    "final_on": date(2027, 5, 24),
    "final_body": "pedagogical_council",
    "final_has_results": "yes",
    "final_has_recommendations": "yes",
}


def judged(
    cells: dict[str, Any] | None,
    *,
    starts: date = TUESDAY,
    ends: date | None = date(2027, 5, 25),
    as_of: date = AS_OF,
    week: int | None = 5,
    readings: dict[str, str] | None = None,
    language: Language = "en",
) -> PlanResult:
    """One timeline; `cells` None = no plan is registered."""
    appointment = Appointment(
        appointment_id="A1",
        school_id="S1",
        mentor_id="T1",
        mentee_id="N1",
        ordered_on=starts,
        starts_on=starts,
        ends_on=ends,
    )
    plan = MentoringPlan(appointment_id="A1", **cells) if cells is not None else None
    return check_plan(
        plan,
        appointment,
        School(school_id="S1", week=week),
        as_of=as_of,
        readings=readings,
        language=language,
    )


def finding(rule: str, cells: dict[str, Any] | None, **options: Any) -> Finding:
    [found] = [one for one in judged(cells, **options).findings if one.rule == rule]
    return found


def told(found: Finding) -> tuple[str, date | None, date | None, int | None]:
    return found.outcome, found.due, found.done, found.days_late


# Every term from both sides ----------------------------------------------------------------


@pytest.mark.parametrize("week", [5, 6])
@pytest.mark.parametrize(
    ("done", "outcome", "late"),
    [(10, "satisfied", None), (11, "satisfied", None), (12, "breached", 1), (30, "breached", 19)],
)
def test_the_level_is_determined_within_ten_calendar_days(
    week: int, done: int, outcome: str, late: int | None
) -> None:
    day = TUESDAY.replace(day=done)
    found = finding("plan/level_determined", {"level_determined_on": day}, week=week)
    assert told(found) == (outcome, date(2026, 9, 11), day, late)


@pytest.mark.parametrize(
    ("as_of", "outcome", "late"),
    [(10, "pending", None), (11, "pending", None), (12, "breached", 1)],
)
def test_a_level_not_determined_is_pending_through_its_due_date_and_overdue_after_it(
    as_of: int, outcome: str, late: int | None
) -> None:
    found = finding("plan/level_determined", {}, as_of=TUESDAY.replace(day=as_of))
    assert told(found) == (outcome, date(2026, 9, 11), None, late)


@pytest.mark.parametrize(("week", "due"), [(5, date(2026, 9, 18)), (6, date(2026, 9, 17))])
@pytest.mark.parametrize(
    ("after", "outcome", "late"),
    [(-1, "satisfied", None), (0, "satisfied", None), (1, "breached", 1), (9, "breached", 9)],
)
def test_the_plan_is_drafted_within_five_working_days_of_the_actual_level(
    week: int, due: date, after: int, outcome: str, late: int | None
) -> None:
    cells = {"level_determined_on": date(2026, 9, 11), "diagnosed_on": date(2026, 9, 12)}
    day = due + after * DAY
    found = finding("plan/drafted", {**cells, "drafted_on": day}, week=week)
    assert told(found) == (outcome, due, day, late)
    assert found.latest is None


def test_the_later_of_diagnosis_and_draft_counts_and_both_are_needed() -> None:
    cells = {"level_determined_on": date(2026, 9, 11), "drafted_on": date(2026, 9, 14)}
    late = finding("plan/drafted", {**cells, "diagnosed_on": date(2026, 9, 21)})
    assert told(late) == ("breached", date(2026, 9, 18), date(2026, 9, 21), 3)
    undone = finding("plan/drafted", cells, as_of=date(2026, 9, 18))
    assert told(undone) == ("pending", date(2026, 9, 18), None, None)


def test_while_stage_1_is_open_the_latest_date_counts_and_says_so() -> None:
    open_ = finding("plan/drafted", {}, as_of=date(2026, 9, 18))
    assert told(open_) == ("pending", date(2026, 9, 18), None, None)
    assert open_.latest is True
    overdue = finding("plan/drafted", {}, as_of=date(2026, 9, 21))
    assert told(overdue) == ("breached", date(2026, 9, 18), None, 3)
    # Once the actual end of stage 1 is there, it replaces the latest date.
    cells = {"level_determined_on": date(2026, 9, 21)}
    again = finding("plan/drafted", cells, as_of=date(2026, 9, 21))
    assert told(again) == ("pending", date(2026, 9, 28), None, None)
    assert again.latest is None


def test_a_draft_before_the_level_counts_by_its_own_date_with_a_note() -> None:
    cells = {"diagnosed_on": date(2026, 9, 7), "drafted_on": date(2026, 9, 8)}
    for level in ({}, {"level_determined_on": date(2026, 9, 10)}):
        found = finding("plan/drafted", {**cells, **level})
        assert found.outcome == "satisfied"
        assert "before the level" in " ".join(found.notes)


@pytest.mark.parametrize(
    ("readings", "outcome", "due"),
    [
        ({}, "disputed", date(2026, 9, 28)),
        ({"roll": "to_working_day"}, "satisfied", date(2026, 9, 28)),
        ({"roll": "none"}, "breached", date(2026, 9, 26)),
    ],
)
def test_whether_a_tenth_day_on_a_saturday_rolls_is_a_question(
    readings: dict[str, str], outcome: str, due: date
) -> None:
    cells = {"level_determined_on": date(2026, 9, 28)}
    found = finding("plan/level_determined", cells, starts=WEDNESDAY, readings=readings)
    assert (found.outcome, found.due) == (outcome, due)
    if not readings:
        assert {reading.due for reading in found.readings} == {due, date(2026, 9, 26)}


def test_a_saturday_is_no_rest_day_in_the_six_day_week() -> None:
    cells = {"level_determined_on": date(2026, 9, 28)}
    found = finding("plan/level_determined", cells, starts=WEDNESDAY, week=6)
    assert told(found) == ("breached", date(2026, 9, 26), date(2026, 9, 28), 2)


@pytest.mark.parametrize(
    ("done", "outcome", "late"),
    [(26, "satisfied", None), (27, "satisfied", None), (28, "breached", 1)],
)
def test_the_interim_report_is_given_by_the_end_of_the_half_year(
    done: int, outcome: str, late: int | None
) -> None:
    cells = {"interim_on": date(2026, 12, done), "interim_body": "methodical_association"}
    found = finding("reporting/interim", cells, as_of=date(2027, 1, 20))
    assert told(found) == (outcome, date(2026, 12, 27), date(2026, 12, done), late)


def test_an_interim_report_is_not_asked_of_who_starts_after_the_half_year() -> None:
    after = finding("reporting/interim", {}, starts=date(2026, 12, 28), as_of=date(2027, 1, 20))
    assert after.outcome == "not_applicable"
    last = finding("reporting/interim", {}, starts=date(2026, 12, 27), as_of=date(2027, 1, 20))
    assert last.outcome == "breached"


@pytest.mark.parametrize(
    ("done", "strict"), [(24, "satisfied"), (25, "satisfied"), (26, "breached")]
)
def test_when_the_final_report_is_due_is_a_question(done: int, strict: str) -> None:
    cells = {**REPORTED, "final_on": date(2027, 5, done)}
    later = date(2027, 6, 30)
    mild = finding(
        "reporting/final", cells, as_of=later, readings={"final_report_due": "council_meeting"}
    )
    assert told(mild) == ("satisfied", None, date(2027, 5, done), None)
    hard = finding(
        "reporting/final", cells, as_of=later, readings={"final_report_due": "school_year_end"}
    )
    assert (hard.outcome, hard.due) == (strict, date(2027, 5, 25))
    both = finding("reporting/final", cells, as_of=later)
    assert both.outcome == ("satisfied" if strict == "satisfied" else "disputed")


def test_a_final_report_not_given_is_pending_until_the_council_sits() -> None:
    mild = {"final_report_due": "council_meeting"}
    found = finding("reporting/final", KEPT, as_of=date(2027, 8, 1), readings=mild)
    assert told(found) == ("pending", None, None, None)
    prepared = finding(
        "reporting/final", {**KEPT, "final_prepared_on": date(2027, 5, 20)}, as_of=date(2027, 6, 1)
    )
    assert prepared.notes


def test_approval_has_the_due_date_of_the_draft_where_the_term_covers_it() -> None:
    settled = finding("plan/approved", KEPT)
    assert (settled.outcome, settled.due) == ("satisfied", None)
    covers = {"plan_term_covers": "approval"}
    late = {**KEPT, "approved_on": date(2026, 9, 21)}
    assert told(finding("plan/approved", late, readings=covers)) == (
        *("breached", date(2026, 9, 18), date(2026, 9, 21), 3),
    )
    assert finding("plan/approved", late, readings={"plan_term_covers": "open"}).outcome == (
        "disputed"
    )


# Every way of failing has its own words -----------------------------------------------------


FAILURES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "level late": ("plan/level_determined", {"level_determined_on": date(2026, 9, 14)}, {}),
    "level overdue": ("plan/level_determined", {}, {}),
    "draft late": ("plan/drafted", {**KEPT, "drafted_on": date(2026, 9, 30)}, {}),
    "draft overdue": ("plan/drafted", {"level_determined_on": date(2026, 9, 11)}, {}),
    "agreed by the head": ("plan/agreed", {**KEPT, "agreed_by": "head"}, {}),
    "agreed by another": ("plan/agreed", {**KEPT, "agreed_by": "other"}, {}),
    "approved by a deputy": ("plan/approved", {**KEPT, "approved_by": "deputy_head"}, {}),
    "approved by another": ("plan/approved", {**KEPT, "approved_by": "other"}, {}),
    "agreed after approved": (
        "plan/signed_in_order",
        {**KEPT, "agreed_on": date(2026, 9, 18)},
        {},
    ),
    "drafted after agreed": (
        "plan/signed_in_order",
        {**KEPT, "drafted_on": date(2026, 9, 17)},
        {},
    ),
    "begins too early": (
        "plan/one_academic_year",
        {**KEPT, "period_from": date(2026, 8, 31)},
        {},
    ),
    "three years": ("plan/one_academic_year", {**KEPT, "period_until": date(2029, 5, 25)}, {}),
    "interim to another body": ("reporting/interim", {**KEPT, "interim_body": "other"}, {}),
    "interim after the half-year": (
        "reporting/interim",
        {**KEPT, "interim_on": date(2026, 12, 28)},
        {"as_of": date(2027, 1, 20)},
    ),
    "interim overdue": ("reporting/interim", {}, {"as_of": date(2027, 1, 20)}),
    "final to another body": (
        "reporting/final",
        {**REPORTED, "final_body": "other"},
        {"as_of": date(2027, 6, 1)},
    ),
    "final without recommendations": (
        "reporting/final",
        {**REPORTED, "final_has_recommendations": "no"},
        {"as_of": date(2027, 6, 1)},
    ),
    "final without results": (
        "reporting/final",
        {**REPORTED, "final_has_results": "no"},
        {"as_of": date(2027, 6, 1)},
    ),
    "appointed beyond the year": (
        "appointment/one_academic_year",
        KEPT,
        {"ends": date(2027, 5, 26)},
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_way_of_failing_has_its_own_message_and_remedy(language: Language) -> None:
    said = {}
    for name, (rule, cells, options) in FAILURES.items():
        found = finding(rule, cells, language=language, **options)
        assert found.outcome == "breached", name
        assert found.remedy, name
        said[name] = found.message
    assert len(set(said.values())) == len(said)


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        ({}, "pending"),
        ({"drafted_on": 14}, "pending"),
        ({"drafted_on": 14, "agreed_on": 14}, "pending"),
        ({"drafted_on": 14, "agreed_on": 14, "approved_on": 14}, "satisfied"),
        ({"drafted_on": 14, "agreed_on": 16, "approved_on": 15}, "breached"),
        ({"drafted_on": 17, "agreed_on": 16, "approved_on": 18}, "breached"),
        ({"drafted_on": 17, "approved_on": 18}, "breached"),
        ({"agreed_on": 17}, "breached"),
    ],
)
def test_drafted_agreed_and_approved_in_that_order(cells: dict[str, int], outcome: str) -> None:
    dated = {act: date(2026, 9, day) for act, day in cells.items()}
    assert finding("plan/signed_in_order", dated).outcome == outcome


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (
            {"drafted_on": 14, "agreed_on": 16, "approved_on": 15},
            "Drafted: 2026-09-14; agreed: 2026-09-16; approved: 2026-09-15.",
        ),
        (
            {"drafted_on": 17, "approved_on": 18},
            "Drafted: 2026-09-17; agreed: not done; approved: 2026-09-18.",
        ),
        (
            {"recorded_until": 18, "drafted_on": 14, "approved_on": 15},
            "Drafted: 2026-09-14; agreed: not known; approved: 2026-09-15.",
        ),
    ],
)
def test_acts_out_of_order_are_told_with_the_day_of_each(cells: dict[str, int], told: str) -> None:
    dated = {act: date(2026, 9, day) for act, day in cells.items()}
    assert finding("plan/signed_in_order", dated).message.endswith(told)


def test_a_deputy_head_without_a_portfolio_may_or_may_not_be_the_right_one() -> None:
    found = finding("plan/agreed", {**KEPT, "agreed_by": "deputy_head"})
    assert found.outcome == "unknown"
    assert found.missing


def test_nothing_done_before_the_first_term_ends_is_pending_and_no_row_is_unknown() -> None:
    early = date(2026, 9, 10)
    assert judged({}, as_of=early).procedure == "pending"
    assert judged({}).procedure == "breached"
    none = judged(None)
    assert none.procedure == "undetermined"
    outcomes = {one.rule: one.outcome for one in none.findings}
    assert outcomes.pop("appointment/one_academic_year") == "satisfied"
    assert set(outcomes.values()) == {"unknown"}
    assert all(one.missing for one in none.findings if one.outcome == "unknown")


def test_a_plan_that_kept_everything_is_compliant() -> None:
    assert judged(REPORTED, as_of=date(2027, 6, 1)).procedure == "compliant"
    assert judged(KEPT).procedure == "pending"


def test_rows_of_other_appointments_are_wrong_usage() -> None:
    appointment = Appointment(
        appointment_id="A1", school_id="S1", mentor_id="T", mentee_id="N", ordered_on=TUESDAY
    )
    with pytest.raises(UsageError):
        check_plan(
            MentoringPlan(appointment_id="A2"), appointment, School(school_id="S1"), as_of=AS_OF
        )
    with pytest.raises(UsageError):
        check_plan(None, appointment, School(school_id="S2"), as_of=AS_OF)


# The register, and what is not known --------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "outcome"),
    [(9, "unknown"), (10, "unknown"), (11, "breached"), (12, "breached"), (23, "breached")],
)
def test_what_a_register_does_not_reach_may_have_been_done(recorded: int, outcome: str) -> None:
    cells = {"recorded_until": date(2026, 9, recorded)}
    found = finding("plan/level_determined", cells, as_of=date(2026, 9, 23))
    assert found.outcome == outcome


def test_both_weeks_are_tried_where_the_week_is_not_known() -> None:
    starts = date(2021, 9, 1)
    cells = {"level_determined_on": date(2021, 9, 10), "diagnosed_on": date(2021, 9, 10)}
    options: dict[str, Any] = {"starts": starts, "ends": None, "week": None}
    outcomes = {
        day: finding("plan/drafted", {**cells, "drafted_on": date(2021, 9, day)}, **options)
        for day in (16, 17, 18)
    }
    assert [found.outcome for found in outcomes.values()] == ["satisfied", "unknown", "breached"]
    assert outcomes[17].due is None
    assert [item.fact for item in outcomes[17].missing] == ["week"]


def test_a_term_that_an_undecreed_day_could_move_is_provisional() -> None:
    starts = date(2026, 12, 28)
    options: dict[str, Any] = {"starts": starts, "as_of": date(2027, 1, 1)}
    found = finding("plan/level_determined", {}, **options)
    assert found.due == date(2027, 1, 8)  # 7 January is off
    assert found.provisional
    by_reading = {reading.when["roll"]: reading for reading in found.readings}
    assert not by_reading["none"].provisional
    assert by_reading["to_working_day"].provisional
    known = [{"date": "2027-01-31", "kind": "known_until"}]
    dossier = Dossier(
        schools=[School(school_id="S1", week=5)],
        appointments=[
            Appointment(
                appointment_id="A1",
                school_id="S1",
                mentor_id="T1",
                mentee_id="N1",
                ordered_on=starts,
            )
        ],
        plans=[MentoringPlan(appointment_id="A1")],
    )
    [result] = check(dossier, as_of=date(2027, 1, 1), calendar=known).results
    [again] = [one for one in result.findings if one.rule == "plan/level_determined"]
    assert (again.due, again.provisional) == (found.due, False)


# Time travel -------------------------------------------------------------------------------


days = st.dates(min_value=date(2026, 8, 20), max_value=date(2027, 6, 30))
perhaps = st.none() | days


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    cells: dict[str, Any] = {act: draw(perhaps) for act in ACTS}
    cells["agreed_by"] = draw(st.sampled_from([None, *get_args(AgreedBy)]))
    cells["approved_by"] = draw(st.sampled_from([None, *get_args(ApprovedBy)]))
    cells["interim_body"] = draw(st.sampled_from([None, "methodical_association", "other"]))
    cells["final_body"] = draw(st.sampled_from([None, "pedagogical_council", "other"]))
    for column in ("final_has_results", "final_has_recommendations"):
        cells[column] = draw(st.sampled_from([None, "yes", "no"]))
    cells["recorded_until"] = draw(perhaps)
    return cells


@settings(max_examples=300, deadline=None)
@given(
    cells=plans(),
    starts=st.sampled_from([TUESDAY, WEDNESDAY, date(2026, 12, 20), date(2027, 2, 1)]),
    as_of=days,
    later=st.integers(1, 200),
    week=st.sampled_from([5, 6]),
)
def test_what_is_breached_stays_breached_on_a_later_day(
    cells: dict[str, Any], starts: date, as_of: date, later: int, week: int
) -> None:
    """But for a draft whose latest due date the actual end of stage 1 replaces."""
    first = judged(cells, starts=starts, as_of=as_of, week=week)
    second = judged(cells, starts=starts, as_of=as_of + later * DAY, week=week)
    if first.procedure == "breached":
        assert second.procedure == "breached"
    outcomes = {one.rule: one.outcome for one in second.findings}
    for one in first.findings:
        if one.outcome == "breached" and not (one.rule == "plan/drafted" and one.latest):
            assert outcomes[one.rule] == "breached", one.rule


def test_a_level_dated_before_any_calendar_puts_no_draft_off_to_its_end() -> None:
    cells = {"level_determined_on": date(1990, 9, 11)}
    found = finding("plan/drafted", cells)
    assert (found.outcome, found.due is not None and found.due.year) == ("breached", 1991)


def test_a_term_that_the_calendar_ends_before_is_waited_for() -> None:
    late = date(2100, 12, 28)
    found = finding("plan/drafted", {}, starts=late, ends=None, as_of=date(2100, 12, 31))
    assert found.outcome == "pending"
