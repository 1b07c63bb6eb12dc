"""The example district: expectations written by hand, three shapes, a reproducible script."""

import csv
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from mentor_rules import Dossier, Report, check

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
AS_OF = date(2026, 11, 23)


@pytest.fixture(scope="module")
def report() -> Report:
    return check(Dossier.read(EXAMPLES / "district.xlsx"), as_of=AS_OF)


def expectations() -> list[dict[str, str]]:
    with (EXAMPLES / "expected.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("expected", expectations(), ids=lambda row: row["appointment_id"])
def test_each_appointment_gets_the_verdict_written_down_by_hand(
    report: Report, expected: dict[str, str]
) -> None:
    [result] = [r for r in report.results if r.appointment_id == expected["appointment_id"]]
    deciding = {
        f"{finding.rule}={finding.outcome}"
        for finding in result.findings
        if finding.weight == "blocking" and finding.outcome != "satisfied"
    }
    assert result.eligibility == expected["eligibility"], expected["why"]
    assert deciding == {part.strip() for part in expected["deciding"].split(";") if part.strip()}


def test_every_verdict_and_every_outcome_of_eligibility_occurs(report: Report) -> None:
    assert all(report.summary.eligibility.values())
    outcomes = {finding.outcome for result in report.results for finding in result.findings}
    assert outcomes >= {
        "satisfied",
        "breached",
        "unknown",
        "disputed",
        "not_applicable",
        "not_in_force",
    }
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
