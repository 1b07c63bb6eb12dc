"""The example district: expectations written by hand, three shapes, a reproducible script."""

import csv
import json
import subprocess
import sys
from collections import defaultdict
from datetime import date
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from mentor_rules import Dossier, Finding, Report, check, deadlines
from mentor_rules.result import AppointmentResult
from mentor_rules.rulebook import Outcome

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
AS_OF = date(2026, 11, 23)


Row = dict[str, str]
Told = tuple[str, str, str, str, str]


@cache
def judged(as_of: date) -> Report:
    return check(Dossier.read(EXAMPLES / "district.xlsx"), as_of=as_of)


@pytest.fixture(scope="module")
def report() -> Report:
    return judged(AS_OF)


def rows(name: str) -> list[Row]:
    with (EXAMPLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_appointment(row: Row) -> str:
    return row["appointment_id"]


def of(report: Report, appointment_id: str) -> AppointmentResult:
    [result] = [r for r in report.results if r.appointment_id == appointment_id]
    return result


def told(finding: Finding) -> Told:
    """Rule, outcome, due, done and days late, as the expectations write them."""
    days = (finding.due, finding.done, finding.days_late)
    due, done, days_late = ("" if day is None else str(day) for day in days)
    return finding.rule, finding.outcome, due, done, days_late


def written(row: Row) -> Told:
    return row["rule"], row["outcome"], row["due"], row["done"], row["days_late"]


def is_listed(finding: Finding) -> bool:
    """Tell whether a finding stands in `expected_findings.csv`; the page says which do."""
    if finding.weight == "blocking" or finding.outcome == "satisfied":
        return False
    informs = finding.weight == "advisory" and finding.rule.startswith("appointment/")
    return not informs or finding.outcome in ("breached", "unknown", "disputed")


@pytest.mark.parametrize("expected", rows("expected"), ids=by_appointment)
def test_each_appointment_gets_the_eligibility_written_down_by_hand(
    report: Report, expected: Row
) -> None:
    result = of(report, expected["appointment_id"])
    deciding = {
        f"{finding.rule}={finding.outcome}"
        for finding in result.findings
        if finding.weight == "blocking" and finding.outcome != "satisfied"
    }
    assert result.eligibility == expected["eligibility"], expected["why"]
    assert deciding == {part.strip() for part in expected["deciding"].split(";") if part.strip()}


@pytest.mark.parametrize("expected", rows("expected_procedure"), ids=by_appointment)
def test_each_appointment_gets_the_procedure_and_findings_written_down_by_hand(
    report: Report, expected: Row
) -> None:
    result = of(report, expected["appointment_id"])
    assert result.procedure == expected["procedure"], expected["why"]
    findings = [
        written(row)
        for row in rows("expected_findings")
        if row["appointment_id"] == result.appointment_id
    ]
    assert [told(finding) for finding in result.findings if is_listed(finding)] == findings


def test_the_expectations_name_each_appointment_once(report: Report) -> None:
    everyone = [result.appointment_id for result in report.results]
    assert [row["appointment_id"] for row in rows("expected")] == everyone
    assert [row["appointment_id"] for row in rows("expected_procedure")] == everyone
    assert {row["appointment_id"] for row in rows("expected_findings")} <= set(everyone)


def test_each_reserve_gets_the_findings_written_down_by_hand(report: Report) -> None:
    expected: dict[str, list[Row]] = defaultdict(list)
    for row in rows("expected_reserve"):
        expected[row["school_id"]].append(row)
    assert list(expected) == [school.school_id for school in report.schools]
    for school in report.schools:
        for rule in ("formed", "only_qualified"):
            found = [one for one in school.findings if one.rule == f"reserve/{rule}"]
            formations = expected[school.school_id]
            assert [one.outcome for one in found] == [row[rule] for row in formations]
            for one, row in zip(found, formations, strict=True):
                assert row["formed_on"] in one.message or one.outcome == "unknown", row["why"]


@pytest.mark.parametrize(
    "expected",
    rows("expected_other_days"),
    ids=lambda row: f"{row['as_of']} {row['appointment_id']} {row['rule']}",
)
def test_on_other_days_the_procedure_is_as_written_down_by_hand(expected: Row) -> None:
    result = of(judged(date.fromisoformat(expected["as_of"])), expected["appointment_id"])
    assert result.procedure == expected["procedure"], expected["why"]
    assert written(expected) in [told(finding) for finding in result.findings]


def test_eligibility_does_not_change_with_the_day_judged_on(report: Report) -> None:
    for as_of in {date.fromisoformat(row["as_of"]) for row in rows("expected_other_days")}:
        assert judged(as_of).summary.eligibility == report.summary.eligibility


# The fifth working day after the level: in the six-day week of S03 and S06 Saturdays count.
@pytest.mark.parametrize(
    ("appointment_id", "due", "done"),
    [
        ("A002", "2024-09-16", "2024-09-16"),
        ("A004", "2025-09-17", "2025-09-15"),
        ("A008", "2026-09-18", "2026-09-18"),
        ("A014", "2026-09-12", "2026-09-12"),
        ("A015", "2026-09-16", "2026-09-16"),
        ("A023", "2026-09-19", "2026-09-19"),
        ("A038", "2026-10-01", "2026-09-30"),
    ],
)
def test_a_plan_in_time_has_the_due_date_worked_out_by_hand(
    report: Report, appointment_id: str, due: str, done: str
) -> None:
    satisfied = ("plan/drafted", "satisfied", due, done, "")
    assert satisfied in [told(finding) for finding in of(report, appointment_id).findings]


@pytest.mark.parametrize(
    ("appointment_id", "due", "latest"),
    [("A021", date(2026, 9, 18), None), ("A022", date(2026, 9, 21), True)],
)
def test_a_plan_before_the_level_is_in_time_with_a_note(
    report: Report, appointment_id: str, due: date, latest: bool | None
) -> None:
    [finding] = [f for f in of(report, appointment_id).findings if f.rule == "plan/drafted"]
    assert (finding.outcome, finding.due, finding.latest) == ("satisfied", due, latest)
    assert any("before the level was determined" in note for note in finding.notes)


def test_what_is_overdue_comes_first_and_the_latest_before_all() -> None:
    found = deadlines(Dossier.read(EXAMPLES / "district.xlsx"), as_of=AS_OF)
    overdue = [row for row in found.deadlines if row.state == "overdue"]
    assert list(found.deadlines[: len(overdue)]) == overdue
    assert [(row.appointment_id, row.rule, row.days_late) for row in overdue] == [
        ("A020", "plan/level_determined", 73),
        ("A022", "plan/level_determined", 70),
        ("A030", "plan/drafted", 69),
        ("A020", "plan/drafted", 66),
    ]


def test_every_verdict_and_every_outcome_occurs(report: Report) -> None:
    assert all(report.summary.eligibility.values())
    assert all(report.summary.procedure.values())
    outcomes: dict[str, set[str]] = defaultdict(set)
    for findings in (*(r.findings for r in report.results), *(s.findings for s in report.schools)):
        for finding in findings:
            outcomes[finding.rule].add(finding.outcome)
    assert set().union(*outcomes.values()) == set(get_args(Outcome))
    for rule, found in outcomes.items():
        if rule.startswith(("plan/", "reporting/", "reserve/")):
            assert found >= {"satisfied", "breached", "unknown", "not_in_force"}, rule
        if rule.startswith(("plan/", "reporting/")):
            assert "pending" in found, rule
    for rule in ("beginning_teacher", "from_reserve", "same_school", "no_overlap"):
        found = {f.outcome for r in report.results for f in r.findings if f.rule.endswith(rule)}
        assert found & {"breached", "unknown"}, rule


def test_most_complete_rows_are_decided_under_the_lenient_profile() -> None:
    report = check(Dossier.read(EXAMPLES / "district.xlsx"), as_of=AS_OF, readings="lenient")
    complete = [
        result
        for result in report.results
        if result.eligibility != "not_judged"
        and not any(finding.missing for finding in result.findings if finding.weight == "blocking")
    ]
    decided = [r for r in complete if r.eligibility in ("eligible", "ineligible")]
    assert len(decided) > 0.8 * len(complete) > 20


def test_the_folder_of_csv_says_the_same_as_the_workbook(report: Report) -> None:
    other = check(Dossier.read(EXAMPLES / "district"), as_of=AS_OF)
    for part in ("results", "schools", "summary"):
        one, two = (json.loads(item.to_json())[part] for item in (report, other))
        assert json.dumps(one) == json.dumps(two)


def test_the_script_writes_the_same_bytes_again(tmp_path: Path) -> None:
    script = EXAMPLES / "make_example.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, capture_output=True)
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert Path("district.xlsx") in written
    for path in written:
        assert (tmp_path / path).read_bytes() == (EXAMPLES / path).read_bytes(), path


def test_the_district_is_as_large_and_as_mixed_as_it_claims() -> None:
    with (EXAMPLES / "district" / "schools.csv").open(encoding="utf-8", newline="") as file:
        kinds = [row["kind"] for row in csv.DictReader(file)]
    assert len(kinds) >= 12
    assert {"ordinary", "small_complement"} <= set(kinds)
    with (EXAMPLES / "district" / "teachers.csv").open(encoding="utf-8", newline="") as file:
        names = " ".join(row["name"] for row in csv.DictReader(file))
    assert names.count(" ") >= 150
    assert set("әғқңөұүһі") <= set(names.casefold())
