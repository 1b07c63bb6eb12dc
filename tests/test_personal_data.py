"""Names and IINs: never needed for a verdict, never in an output unless asked for."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from mentor_rules import Dossier, School, Teacher, check, check_candidate
from tests import dossiers

IIN = "880215350120"
SHORT = "020304500061"  # a spreadsheet drops the zero in front
NAME = "Қыдырбекова Ұлжан"
SCRIPT = Path(sys.executable).with_name("mentor-rules")


def with_check_digit(first: str) -> str:
    """Give an IIN whose first eleven digits are given, by the published rule."""
    for weights in (range(1, 12), (*range(3, 12), 1, 2)):
        digit = sum(w * int(d) for w, d in zip(weights, first, strict=True)) % 11
        if digit < 10:
            return first + str(digit)
    raise ValueError("no check digit")


@pytest.fixture
def tables() -> dossiers.Tables:
    """Give a dossier in which the mentor's id is an IIN, and names and IINs are stated."""
    iin, short = with_check_digit(IIN[:11]), with_check_digit(SHORT[:11])
    return {
        "schools": [{"school_id": "S1", "kind": "ordinary"}],
        "teachers": [
            {"teacher_id": iin, "school_id": "S1", "name": NAME, "iin": iin, "category": "master"},
            {"teacher_id": short.lstrip("0"), "school_id": "S1", "name": NAME, "iin": short},
            {"teacher_id": "T9", "school_id": "S1", "name": NAME, "iin": "123"},
        ],
        "posts": [{"teacher_id": iin, "post": "head", "since": "soon"}],
        "quality": [
            {"teacher_id": iin, "subject": "физика", "school_year": "2025/26", "percent": 55},
            {"teacher_id": iin, "subject": "физика", "school_year": "2025/26", "percent": 65},
        ],
        "appointments": [
            {
                "appointment_id": "A1",
                "school_id": "S1",
                "mentor_id": iin,
                "mentee_id": short.lstrip("0"),
                "ordered_on": "2026-09-01",
            },
            {
                "appointment_id": "A2",
                "school_id": "S1",
                "mentor_id": iin,
                "mentee_id": iin,
                "ordered_on": "soon",
            },
        ],
    }


def test_an_id_that_is_an_iin_is_a_pseudonym_in_every_output(
    tables: dossiers.Tables, tmp_path: Path
) -> None:
    path = tmp_path / "dossier.json"
    path.write_text(json.dumps(tables, ensure_ascii=False), encoding="utf-8")
    iin, short = tables["teachers"][0]["teacher_id"], tables["teachers"][1]["teacher_id"]
    for options in ([], ["--format", "json"], ["--lang", "kk"], ["--lang", "ru"]):
        done = subprocess.run(
            [SCRIPT, "check", path, "--as-of", "2026-11-23", *options],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        text = done.stdout + done.stderr
        assert "A1" in text
        assert iin not in text
        assert short not in text
        assert NAME not in text
        assert "iin-" in text
    done = subprocess.run(
        [SCRIPT, "check", path, "--as-of", "2026-11-23", "--show-ids"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert iin in done.stdout


def test_pseudonyms_are_kept_by_a_key_and_unlike_without_it(
    tables: dossiers.Tables, tmp_path: Path
) -> None:
    path = tmp_path / "dossier.json"
    path.write_text(json.dumps(tables, ensure_ascii=False), encoding="utf-8")

    def mentor(key: str | None) -> str:
        environment = {**os.environ, **({"MENTOR_RULES_KEY": key} if key else {})}
        done = subprocess.run(
            [SCRIPT, "check", path, "--as-of", "2026-11-23", "--format", "json"],
            capture_output=True,
            encoding="utf-8",
            check=False,
            env=environment,
        )
        return str(json.loads(done.stdout)["results"][0]["mentor_id"])

    assert mentor("one") == mentor("one")
    assert len({mentor("one"), mentor("two"), mentor(None), mentor(None)}) == 4


def test_a_pseudonym_changes_no_verdict(tables: dossiers.Tables) -> None:
    hidden = check(Dossier.from_tables(tables), as_of=date(2026, 11, 23))
    shown = check(Dossier.from_tables(tables, show_ids=True), as_of=date(2026, 11, 23))
    assert hidden.summary == shown.summary
    assert [result.eligibility for result in hidden.results] == [
        result.eligibility for result in shown.results
    ]


def test_a_caller_can_tell_whose_pseudonym_it_is() -> None:
    iin = with_check_digit(IIN[:11])
    teacher = Teacher(teacher_id=iin, school_id="S1", category="master")
    assert teacher.key == (iin,)
    dossier = Dossier(teachers=[teacher])
    assert dossier.pseudonyms[iin].startswith("iin-")
    answer = check_candidate(teacher, School(school_id="S1"), on=date(2026, 9, 1), posts=[])
    assert answer.teacher_id == dossier.pseudonyms[iin]
    outcomes = {finding.rule: finding.outcome for finding in answer.findings}
    assert outcomes["eligibility/qualification_category"] == "satisfied"
    assert iin not in answer.model_dump_json()


def test_reprs_and_errors_never_show_a_name_or_an_iin() -> None:
    iin = with_check_digit(IIN[:11])
    teacher = Teacher(teacher_id="T1", school_id="S1", name=NAME, iin=iin)
    assert NAME not in repr(teacher)
    assert iin not in repr(teacher)
    assert NAME not in repr(Dossier(teachers=[teacher]))
    with pytest.raises(ValueError, match="not an iin") as refused:
        Teacher(teacher_id="T1", school_id="S1", name=NAME, iin=iin[::-1])
    assert NAME not in str(refused.value)
    assert iin[::-1] not in str(refused.value)
