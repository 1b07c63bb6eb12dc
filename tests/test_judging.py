"""What reports and answers say beyond the verdict."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from mentor_rules import (
    Dossier,
    Post,
    QualityYear,
    Report,
    School,
    Teacher,
    UsageError,
    check,
    check_candidate,
)
from mentor_rules.acts import FACTS
from mentor_rules.facts import Case, Fact
from mentor_rules.judging import candidate_in

AS_OF = date(2026, 11, 23)
ON = date(2026, 9, 1)
YEARS = ("2023/24", "2024/25", "2025/26")


def school(**changes: Any) -> dict[str, Any]:
    """Give the tables of a small school in which everything is in order."""
    return {
        "schools": [{"school_id": "S1", "kind": "ordinary", "week": 5}],
        "teachers": [
            {
                "teacher_id": "T1",
                "school_id": "S1",
                "category": "master",
                "category_from": "2024-01-01",
                "category_until": "2029-01-01",
                "ethics": "observed",
                "subjects": "физика",
            },
            {"teacher_id": "T2", "school_id": "S1", "first_taught_on": "2026-09-01"},
            {"teacher_id": "T3", "school_id": "S1", "category": "master"},
        ],
        "posts": [],
        "quality": quality("T1", 80) + quality("T3", 80),
        "appointments": [appointment("A1")],
        **changes,
    }


def quality(teacher: str, *percents: float, subject: str = "физика") -> list[dict[str, Any]]:
    stated = percents if len(percents) == len(YEARS) else percents * len(YEARS)
    return [
        {"teacher_id": teacher, "subject": subject, "school_year": year, "percent": percent}
        for year, percent in zip(YEARS, stated, strict=True)
    ]


def appointment(identity: str, **changes: Any) -> dict[str, Any]:
    return {
        "appointment_id": identity,
        "school_id": "S1",
        "mentor_id": "T1",
        "mentee_id": "T2",
        "subject": "физика",
        "ordered_on": "2026-09-01",
        "starts_on": "2026-09-01",
        "ends_on": "2027-05-25",
        **changes,
    }


def judged(tables: dict[str, Any], **options: Any) -> Report:
    return check(Dossier.from_tables(tables), as_of=AS_OF, **options)


def finding(report: Report, rule: str) -> Any:
    [found] = [item for item in report.results[0].findings if item.rule == rule]
    return found


def test_a_fault_of_ours_accuses_nobody_and_stops_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = FACTS["school_kind"]

    def faulty(case: Case) -> Fact:
        if case.mentor_id == "T1":
            raise ZeroDivisionError("a name could stand here")
        return whole(case)

    monkeypatch.setattr("mentor_rules.judging.FACTS", {**FACTS, "school_kind": faulty})
    tables = school(
        appointments=[appointment("A1"), appointment("A2", mentor_id="T3")],
        posts=[{"teacher_id": "T1", "post": "head"}],
    )
    report = judged(tables)
    [(failed, fault)] = report.run.faults.items()
    assert (failed, fault.what, fault.cause) == ("A1", "fault", "ZeroDivisionError")
    assert [result.eligibility for result in report.results] == ["not_judged", "eligible"]
    assert "a name could stand here" not in report.to_json()


def test_the_remedy_of_a_dispute_names_what_the_strictest_reading_asks() -> None:
    report = judged(school(quality=quality("T1", 65)))
    found = finding(report, "eligibility/quality_of_knowledge")
    assert (found.outcome, found.value, found.required) == ("disputed", "65", "60")
    assert "at least 70 %" in found.remedy
    assert "2026/27" in found.remedy


def test_an_order_long_ago_is_remedied_by_the_next_school_year_from_today() -> None:
    rows = [
        {**row, "school_year": year}
        for row, year in zip(quality("T1", 40), ("2020/21", "2021/22", "2022/23"), strict=True)
    ]
    tables = school(
        quality=rows,
        appointments=[
            appointment("A1", ordered_on="2023-09-01", starts_on="2023-09-01", ends_on="2024-05-25")
        ],
    )
    found = finding(judged(tables), "eligibility/quality_of_knowledge")
    assert found.outcome == "breached"
    assert found.remedy.endswith("2026/27.")


def test_a_finding_of_several_comparisons_shows_no_single_value() -> None:
    tables = school()
    tables["teachers"][0] |= {"ethics": "breached", "ethics_on": "2026-10-01"}
    found = finding(judged(tables), "appointment/still_qualified")
    assert (found.outcome, found.value, found.required) == ("breached", None, None)
    assert "breach of pedagogical ethics" in found.message


def test_assumptions_name_what_a_judged_rule_used_and_nothing_else() -> None:
    assert judged(school()).results[0].assumptions == ()
    bare = school()
    bare["teachers"][0] = {"teacher_id": "T1", "school_id": "S1", "category": "master"}
    bare["posts"] = [{"teacher_id": "T1", "post": "head", "acting": "yes"}]
    del bare["appointments"][0]["starts_on"]
    assert judged(bare).results[0].assumptions == (
        "appointments A1 starts_on: 2026-09-01 assumed",
        "posts T1 head since: unbounded assumed",
        "posts T1 head until: unbounded assumed",
        "teachers T1 category_from: held on 2026-09-01 assumed",
        "teachers T1 category_from: held on 2026-11-23 assumed",
        "teachers T1 category_until: no end assumed",
        "teachers T1 ethics: observed assumed",
        "teachers T1 subjects: those with quality rows assumed",
    )
    ended = school(
        appointments=[appointment("A1", ends_on="2026-10-01")],
    )
    ended["teachers"][0]["category_until"] = None
    assert judged(ended).results[0].assumptions == ("teachers T1 category_until: no end assumed",)


def test_an_assumed_school_year_is_told_where_it_decides() -> None:
    tables = school(
        appointments=[
            appointment("A1", ordered_on="2022-09-01", starts_on="2022-09-01", ends_on="2023-05-25")
        ]
    )
    assumed = judged(tables).results[0].assumptions
    assert "calendar 2021/22 school_year: 2021-09-01/2022-05-25 assumed" in assumed
    assert not any("calendar" in text for text in judged(school()).results[0].assumptions)


def test_an_open_question_counts_the_appointments_it_decides_with_the_others_as_they_are() -> None:
    tables = school(
        quality=[*quality("T1", 65), *quality("T3", 55, 70, 70)],
        appointments=[
            appointment("A1"),
            appointment("A2", mentor_id="T3"),
            appointment("A3", mentor_id="T3"),
        ],
    )
    questions = judged(tables).summary.open_questions
    assert questions["floor"] == {
        "decides": 3,
        "lower": {"depends": 2, "eligible": 1},
        "upper": {"ineligible": 3},
    }
    assert questions["period"] == {
        "decides": 2,
        "mean": {"depends": 2},
        "each_year": {"ineligible": 2},
    }
    assert questions["acting_post"] == {"decides": 0, "holds_post": {}, "performs_duties": {}}
    settled = judged(tables, readings={"floor": "lower"}).summary.open_questions
    assert "floor" not in settled
    assert settled["period"]["decides"] == 2


def test_every_answer_carries_its_caveats_and_its_provenance() -> None:
    report = judged(school(), readings="lenient", language="ru")
    assert report.provenance.readings == {
        "acting_post": "holds_post",
        "final_report_due": "council_meeting",
        "floor": "lower",
        "period": "mean",
        "roll": "to_working_day",
    }
    assert "недоступен" in report.provenance.caveats[0]
    assert "7 мая 2020" in report.provenance.caveats[1]
    assert len(report.provenance.rulebook_sha256) == 64
    answer = check_candidate(
        Teacher(teacher_id="T1", school_id="S1"), School(school_id="S1"), on=ON
    )
    assert answer.provenance.rulebook_sha256 == report.provenance.rulebook_sha256


@pytest.mark.parametrize("blank", ["", " ", "-", "нет данных", None])
def test_a_blank_subject_of_a_candidate_is_not_stated(blank: str | None) -> None:
    rows = [
        QualityYear(teacher_id="T1", subject=subject, school_year=year, percent=Decimal(percent))
        for subject, percent in (("физика", 80), ("химия", 40))
        for year in YEARS
    ]
    answer = check_candidate(
        Teacher(teacher_id="T1", school_id="S1", category="master"),
        School(school_id="S1", kind="ordinary"),
        on=ON,
        subject=blank,
        quality=rows,
        posts=[],
    )
    assert answer.eligibility == "undetermined"
    [unknown] = [item for item in answer.findings if item.outcome == "unknown"]
    [missing] = unknown.missing
    assert missing.fact == "subject"
    assert "order of appointment" in (unknown.remedy or "")


def test_an_empty_subject_of_an_appointment_is_settled_by_the_order() -> None:
    tables = school(
        quality=[*quality("T1", 80), *quality("T1", 40, subject="химия")],
        appointments=[appointment("A1", subject="")],
    )
    tables["teachers"][0]["subjects"] = ""
    found = finding(judged(tables), "eligibility/quality_of_knowledge")
    assert found.outcome == "unknown"
    assert [item.key for item in found.missing] == ["appointments A1 subject"]


def test_a_candidate_of_a_dossier_with_bad_rows_is_told_of_them() -> None:
    tables = school(posts=[{"teacher_id": "T3", "post": "head", "since": "soon"}])
    answer = candidate_in(Dossier.from_tables(tables), "T1", on=ON)
    assert answer.eligibility == "eligible"
    assert [entry.table for entry in answer.invalid] == ["posts"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"teacher_id": "TX"}, "no_teacher"),
        ({"teacher_id": "TX", "school_id": "S1"}, "no_teacher"),
        ({"teacher_id": "T1", "on": "2026-09-01"}, "no_date"),
        ({"teacher_id": "T1", "on": date(1950, 1, 1)}, "date_outside"),
        ({"teacher_id": "T1", "purpose": "party"}, "no_purpose"),
        ({"teacher_id": "T1", "language": "de"}, "no_language"),
        ({"teacher_id": "T1", "readings": 5}, "no_readings"),
        ({"teacher_id": "T1", "readings": {"flor": "lower"}}, "no_question"),
    ],
)
def test_wrong_arguments_are_usage_errors_in_three_languages(
    arguments: dict[str, Any], code: str
) -> None:
    with pytest.raises(UsageError) as refused:
        candidate_in(Dossier.from_tables(school()), **{"on": ON, **arguments})
    assert refused.value.code == code
    said = {refused.value.say(language) for language in ("en", "kk", "ru")}
    assert len(said) == 3


def test_rows_of_another_teacher_are_not_taken_for_the_candidate() -> None:
    with pytest.raises(UsageError, match="other teachers"):
        check_candidate(
            Teacher(teacher_id="T1", school_id="S1"),
            School(school_id="S1"),
            on=ON,
            posts=[Post(teacher_id="T9", post="head")],
        )


def test_a_school_id_that_looks_like_an_iin_stays_a_school_id() -> None:
    answer = check_candidate(
        Teacher(teacher_id="T1", school_id="101100006", category="master"),
        School(school_id="101100006", kind="ordinary"),
        on=ON,
        quality=[
            QualityYear(teacher_id="T1", subject="физика", school_year=year, percent=Decimal(55))
            for year in YEARS
        ],
        posts=[],
    )
    assert answer.eligibility == "ineligible"
    assert answer.school_id == "101100006"


def test_many_rows_under_one_id_are_told_in_few_words() -> None:
    rows = [appointment("A1", order_no=str(number)) for number in range(50)]
    report = judged(school(appointments=rows))
    assert [result.eligibility for result in report.results] == ["not_judged"]
    assert len(report.invalid) == 50
    assert all(len(entry.problem) < 120 for entry in report.invalid)


def test_an_id_without_zeros_is_another_where_the_table_kept_them() -> None:
    tables = school(
        teachers=[{"teacher_id": "001", "school_id": "S1", "category": "master"}],
        quality=quality("001", 80),
        appointments=[appointment("A1", mentor_id="001", mentee_id="1")],
    )
    report = judged(tables)
    assert finding(report, "appointment/not_self").outcome == "satisfied"
    assert [entry.column for entry in report.invalid] == ["mentee_id"]
    tables["appointments"] = [appointment("A1", mentor_id="1", mentee_id="2")]
    assert finding(judged(tables), "eligibility/qualification_category").outcome == "satisfied"


def test_what_is_made_unchecked_is_what_checking_would_give() -> None:
    plan = {"appointment_id": "A1", "recorded_until": "2026-11-20", "drafted_on": "2026-11-02"}
    report = judged(school(plans=[plan], quality=quality("T1", 55)))
    teacher = Teacher(teacher_id="T1", school_id="S1", subjects=("физика",))
    answer = check_candidate(teacher, School(school_id="S1"), on=ON)
    findings = (*answer.findings, *report.results[0].findings)
    found: list[BaseModel] = [answer, answer.provenance, report.provenance, *findings]
    found += [part for one in findings for part in (*one.readings, *one.facts, *one.missing)]
    assert {type(one).__name__ for one in found} == {
        *("CandidateResult", "Provenance", "Finding", "ReadingOutcome", "FactSource", "Missing"),
    }
    for one in found:
        assert list(vars(one)) == list(type(one).model_fields)
        assert type(one).model_validate(vars(one), strict=True) == one
        assert one.model_copy() == one
        assert type(one).model_validate_json(one.model_dump_json(by_alias=True)) == one
