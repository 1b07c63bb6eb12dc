"""Reserves and replacements: consistent with the check, confirmed by judging anew."""

import csv
import io
import json
import subprocess
import time
from datetime import date, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import pytest

from mentor_rules import Dossier, ReserveReport, check, reserves
from mentor_rules.judging import candidate_in
from mentor_rules.records import subject_key
from mentor_rules.result import Nearness, ReserveTeacher
from mentor_rules.vocabulary import Language
from tests import forked, generate
from tests.dossiers import AS_OF, ORDERED, YEARS, Tables, plain, to_json
from tests.test_changes import copied, district

LANGUAGES: tuple[Language, ...] = ("en", "kk", "ru")


@cache
def dossier() -> Dossier:
    return Dossier.from_tables(district())


@cache
def example() -> ReserveReport:
    return reserves(dossier(), as_of=AS_OF)


def teachers(report: ReserveReport) -> dict[tuple[str, str], ReserveTeacher]:
    return {
        (school.school_id, teacher.teacher_id): teacher
        for school in report.schools
        for teacher in school.teachers
    }


# Replacements ----------------------------------------------------------------------------------

REPLACEMENTS = [
    pytest.param(replaced.appointment_id, candidate.teacher_id, id=f"{replaced.appointment_id}-{n}")
    for replaced in example().replacements
    for n, candidate in enumerate(replaced.candidates)
]


@pytest.mark.parametrize(("appointment", "teacher"), REPLACEMENTS)
def test_each_replacement_of_the_example_is_eligible_by_a_new_order(
    appointment: str, teacher: str
) -> None:
    tables = {name: rows for name, rows in copied(district()).items() if name != "plans"}
    [row] = [one for one in tables["appointments"] if one["appointment_id"] == appointment]
    assert teacher not in (row["mentor_id"], row["mentee_id"])
    row |= {"mentor_id": teacher, "ordered_on": AS_OF.isoformat(), "starts_on": "", "ends_on": ""}
    tables["appointments"] = [row]
    report = check(Dossier.from_tables(tables), as_of=AS_OF, only="eligibility")
    assert [result.eligibility for result in report.results] == ["eligible"]


def test_every_ineligible_appointment_of_the_example_is_asked_about() -> None:
    report = check(dossier(), as_of=AS_OF, only="eligibility", confirm="none")
    flagged = [one.appointment_id for one in report.results if one.eligibility == "ineligible"]
    assert [one.appointment_id for one in example().replacements] == flagged


def test_replacements_stand_nearest_first_then_by_mentees_and_id_at_most_five_of_each() -> None:
    places = {nearness: place for place, nearness in enumerate(get_args(Nearness))}
    schools = {row["school_id"]: row["district"] for row in district()["schools"]}
    for replaced in example().replacements:
        ranks = [(places[c.nearness], c.mentees, c.teacher_id) for c in replaced.candidates]
        assert ranks == sorted(ranks)
        for nearness in places:
            near = [c for c in replaced.candidates if c.nearness == nearness]
            assert len(near) <= 5
            for candidate in near:
                own = candidate.school_id == replaced.school_id
                assert own == nearness.startswith("same_school")
                assert schools[candidate.school_id] == schools[replaced.school_id]
                taught = teachers(example())[candidate.school_id, candidate.teacher_id].subjects
                mentored = subject_key(replaced.subject or "")
                assert (mentored in map(subject_key, taught)) == nearness.endswith("subject")


def test_nobody_eligible_is_said_and_never_an_excuse() -> None:
    tables = plain()
    tables["teachers"][0]["category"] = "expert"
    [replaced] = reserves(Dossier.from_tables(tables), as_of=AS_OF).replacements
    assert replaced.candidates == ()
    assert "does not make the appointment lawful" in replaced.text


def two_mentors() -> Tables:
    """A mentor who may not mentor, and one in the same school who may."""
    tables = plain()
    tables["teachers"][0]["category"] = "expert"
    tables["teachers"].append({"teacher_id": "T2", "school_id": "S1", "category": "master"})
    tables["quality"] += [
        {"teacher_id": "T2", "subject": "Physics", "school_year": year, "percent": 75}
        for year in YEARS
    ]
    return tables


def test_a_colleague_of_the_same_subject_is_named() -> None:
    [replaced] = reserves(Dossier.from_tables(two_mentors()), as_of=AS_OF).replacements
    [candidate] = replaced.candidates
    assert (candidate.teacher_id, candidate.nearness) == ("T2", "same_school_and_subject")
    assert candidate.listed == "unknown"


@pytest.mark.parametrize("status", ["left", "on_leave"])
def test_who_does_not_work_replaces_nobody_and_may_not_enter(status: str) -> None:
    tables = two_mentors()
    tables["teachers"][2]["status"] = status
    tables["reserve"] = [{"school_id": "S1", "teacher_id": "T2", "formed_on": ORDERED}]
    report = reserves(Dossier.from_tables(tables), as_of=AS_OF)
    assert report.replacements[0].candidates == ()
    teacher = teachers(report)["S1", "T2"]
    assert (teacher.standing, teacher.working) == ("listed_may_not", False)
    assert [(reason.rule, reason.outcome) for reason in teacher.reasons] == [(None, "breached")]
    assert report.schools[0].short


def test_the_mentee_never_replaces_the_mentor() -> None:
    tables = two_mentors()
    tables["appointments"][0]["mentee_id"] = "T2"
    [replaced] = reserves(Dossier.from_tables(tables), as_of=AS_OF).replacements
    assert replaced.candidates == ()


def test_a_replacement_is_judged_on_the_day_asked_about() -> None:
    tables = two_mentors()
    tables["teachers"][2] |= {"category_from": date(2025, 1, 1), "category_until": AS_OF}
    assert reserves(Dossier.from_tables(tables), as_of=AS_OF).replacements[0].candidates
    later = reserves(Dossier.from_tables(tables), as_of=AS_OF + timedelta(1))
    assert later.replacements[0].candidates == ()


def test_a_mentor_of_many_stands_behind_one_of_none() -> None:
    tables = two_mentors()
    tables["teachers"].append({"teacher_id": "T3", "school_id": "S1", "category": "master"})
    tables["teachers"].append({"teacher_id": "N2", "school_id": "S1"})
    tables["quality"] += [
        {"teacher_id": "T3", "subject": "physics", "school_year": year, "percent": 75}
        for year in YEARS
    ]
    own = {"appointment_id": "A2", "school_id": "S1", "mentor_id": "T2", "mentee_id": "N2"}
    tables["appointments"].append({**own, "ordered_on": ORDERED, "subject": "physics"})
    [replaced] = reserves(Dossier.from_tables(tables), as_of=AS_OF).replacements
    assert [(c.teacher_id, c.mentees) for c in replaced.candidates] == [("T3", 0), ("T2", 1)]


# The reserve ------------------------------------------------------------------------------------


def test_each_teacher_is_judged_as_a_candidate_for_the_reserve_is() -> None:
    for (school_id, teacher_id), teacher in teachers(example()).items():
        found = candidate_in(
            dossier(), teacher_id, school_id, on=AS_OF, purpose="reserve", confirm="none"
        )
        assert teacher.eligibility == found.eligibility
        if teacher.working and teacher.eligibility != "eligible":
            told = {
                (one.rule, one.outcome, one.message)
                for one in found.findings
                if one.outcome not in ("satisfied", "not_applicable")
            }
            assert {(one.rule, one.outcome, one.message) for one in teacher.reasons} == told


@pytest.mark.parametrize("teacher", [key for key in teachers(example()) if key[1] < "T140"][::5])
def test_each_subject_is_judged_as_the_one_mentored(teacher: tuple[str, str]) -> None:
    school_id, teacher_id = teacher
    for subject, verdict in teachers(example())[teacher].subjects.items():
        found = candidate_in(
            dossier(),
            teacher_id,
            school_id,
            on=AS_OF,
            subject=subject,
            purpose="reserve",
            confirm="none",
        )
        assert found.eligibility == verdict


def test_who_is_listed_agrees_with_what_the_check_says_of_the_reserve() -> None:
    formed = date(2026, 8, 24)
    report = reserves(dossier(), as_of=formed)
    checked = check(dossier(), as_of=formed, only="procedure", confirm="none")
    compared = 0
    for school, result in zip(report.schools, checked.schools, strict=True):
        if school.formed_on != formed:
            continue
        verdicts = {one.eligibility for one in school.teachers if one.listed == "yes"}
        outcome = (
            "breached"
            if "ineligible" in verdicts
            else "satisfied"
            if verdicts <= {"eligible"}
            else "unknown"
        )
        found = [
            one
            for one in result.findings
            if one.rule == "reserve/only_qualified" and str(formed) in one.message
        ]
        assert {one.outcome for one in found} <= {outcome}
        compared += len(found)
    assert compared >= 5


def test_schools_and_subjects_without_a_certain_candidate_are_named() -> None:
    for school in example().schools:
        fitting = [t for t in school.teachers if t.working and t.eligibility == "eligible"]
        assert school.short == (not fitting)
        for subject in school.subjects:
            own = [
                teacher.teacher_id
                for teacher in school.teachers
                if teacher.working
                and any(
                    subject_key(name) == subject_key(subject.subject) and verdict == "eligible"
                    for name, verdict in teacher.subjects.items()
                )
            ]
            assert list(subject.may_enter) == own
            assert subject.short == (not own)
    assert [school.school_id for school in example().schools if school.short] == ["S12"]


def test_the_latest_reserve_formed_by_the_day_counts_and_an_undated_one_is_not_known() -> None:
    tables = two_mentors()
    tables["reserve"] = [
        {"school_id": "S1", "teacher_id": "T1", "formed_on": date(2025, 8, 28)},
        {"school_id": "S1", "teacher_id": "T2", "formed_on": date(2026, 8, 28)},
        {"school_id": "S1", "teacher_id": "N1"},
    ]
    now = teachers(reserves(Dossier.from_tables(tables), as_of=AS_OF))
    assert {key[1]: one.listed for key, one in now.items()} == {
        "T1": "no",
        "T2": "yes",
        "N1": "unknown",
    }
    before = teachers(reserves(Dossier.from_tables(tables), as_of=date(2026, 8, 27)))
    assert before["S1", "T1"].listed == "yes"
    assert before["S1", "T1"].standing == "listed_may_not"
    assert before["S1", "T2"].listed == "no"


def test_everybody_of_the_teachers_table_has_one_standing() -> None:
    ids = {row["teacher_id"] for row in district()["teachers"]}
    assert {key[1] for key in teachers(example())} >= ids
    for teacher in teachers(example()).values():
        assert (teacher.standing in ("may_not", "listed_may_not")) == (
            teacher.eligibility == "ineligible" or not teacher.working
        )
        assert bool(teacher.reasons) == (teacher.standing not in ("listed", "may_enter"))


@pytest.mark.parametrize("seed", range(6))
def test_generated_dossiers_break_nothing(seed: int) -> None:
    found = Dossier.from_tables(generate.dossier(seed, 60), key=b"test")
    report = reserves(found, as_of=generate.TODAY)
    assert report.faults == {}
    for key, teacher in list(teachers(report).items())[::7]:
        if not found.teacher(key[1]).records:
            continue
        own = candidate_in(
            found, key[1], key[0], on=generate.TODAY, purpose="reserve", confirm="none"
        )
        assert own.eligibility == teacher.eligibility
        for subject, verdict in teacher.subjects.items():
            one = candidate_in(
                found,
                key[1],
                key[0],
                on=generate.TODAY,
                subject=subject,
                purpose="reserve",
                confirm="none",
            )
            assert one.eligibility == verdict


# Three languages, and the command line ------------------------------------------------------------


def test_three_languages_say_the_same_in_other_words() -> None:
    told = {language: reserves(dossier(), as_of=AS_OF, language=language) for language in LANGUAGES}
    shapes = {
        language: [
            [(t.teacher_id, t.standing, t.listed) for t in school.teachers]
            for school in report.schools
        ]
        for language, report in told.items()
    }
    assert shapes["en"] == shapes["kk"] == shapes["ru"]
    texts = [{c.text for r in told[lang].replacements for c in r.candidates} for lang in LANGUAGES]
    assert not any(one & other for one, other in combinations(texts, 2))


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return forked.run(*words)


@pytest.fixture(scope="module")
def fine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tables = plain()
    return to_json(tables, tmp_path_factory.mktemp("fine") / "d.json")


def test_exit_codes(fine: Path, tmp_path: Path) -> None:
    day = ("--as-of", AS_OF)
    assert run("reserve", fine, *day).returncode == 0
    short = two_mentors()
    short["teachers"][2]["category"] = "expert"
    assert run("reserve", to_json(short, tmp_path / "short.json"), *day).returncode == 1
    unlawful = two_mentors()
    unlawful["reserve"] = [{"school_id": "S1", "teacher_id": "T1", "formed_on": ORDERED}]
    assert run("reserve", to_json(unlawful, tmp_path / "u.json"), *day).returncode == 1
    assert run("reserve", tmp_path / "nowhere.json", *day).returncode == 2
    assert run("reserve", fine, "--reading", "floor=middle").returncode == 2
    assert run("reserve", fine, "--format", "xml").returncode == 2
    rejected = plain()
    rejected["quality"].append({"teacher_id": "T1", "subject": "art", "school_year": "soon"})
    rejected["teachers"][0]["subjects"] = "physics"
    assert run("reserve", to_json(rejected, tmp_path / "r.json"), *day).returncode == 3
    assert run("reserve", to_json({"schools": []}, tmp_path / "n.json"), *day).returncode == 3
    broken = tmp_path / "calendar.csv"
    broken.write_text("day,status\nsoon,off\n", "utf-8")
    assert run("reserve", fine, "--calendar", broken).returncode == 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_command_prints_a_table_without_names(language: Language, tmp_path: Path) -> None:
    tables = two_mentors()
    tables["teachers"][1]["name"] = tables["teachers"][2]["name"] = "Әсел Құрманова"
    path = to_json(tables, tmp_path / "d.json")
    done = run("reserve", path, "--as-of", AS_OF, "--lang", language)
    assert done.returncode == 0, done.stderr
    assert "T2" in done.stdout
    assert "Құрманова" not in done.stdout
    named = run("reserve", path, "--as-of", AS_OF, "--lang", language, "--names")
    assert "Әсел Құрманова (T2)" in named.stdout


def test_json_and_csv_hold_the_same_people(fine: Path, tmp_path: Path) -> None:
    out = tmp_path / "reserve.json"
    assert run("reserve", fine, "--as-of", AS_OF, "--format", "json", "--out", out).returncode == 0
    assert run("reserve", fine, "--as-of", AS_OF, "--out", out).returncode == 2  # exists
    answer: dict[str, Any] = json.loads(out.read_text("utf-8"))
    done = run("reserve", fine, "--as-of", AS_OF, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout.lstrip("\ufeff"))))
    people = [row["teacher_id"] for row in rows if row["about"] == "teacher"]
    assert people == [one["teacher_id"] for one in answer["schools"][0]["teachers"]]
    assert "names" not in answer


# Speed -----------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_district_of_five_thousand_teachers_takes_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tables: Tables = {}
    for part in range(10):
        for table, rows in generate.dossier(part, 400).items():
            for row in rows:
                own = {
                    name: f"{part}-{cell}" if name.endswith("_id") and cell else cell
                    for name, cell in row.items()
                }
                if table == "schools":
                    own["district"] = "one"
                tables.setdefault(table, []).append(own)
    found = Dossier.from_tables(tables, key=b"test")
    started = time.perf_counter()
    report = reserves(found, as_of=generate.TODAY)
    took = time.perf_counter() - started
    people = sum(len(school.teachers) for school in report.schools)
    with capsys.disabled():
        print(f"\n{people} teachers, {len(report.replacements)} to replace: {took:.1f} s")
    assert people > 4500
    assert took < 60
