"""The command line, run as a user runs it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mentor_rules.source import rules_folder
from tests import forked

ROOT = Path(__file__).parent.parent
DISTRICT = ROOT / "docs" / "examples" / "district.xlsx"
SCRIPT = Path(sys.executable).with_name("mentor-rules")
DAY = ("--as-of", "2026-11-23")


def run(
    *arguments: object, cwd: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", **variables}
    return forked.run(*arguments, cwd=cwd, environment=environment)


def dossier(folder: Path, **changes: Any) -> Path:
    """Write a clean one-appointment dossier, with some tables replaced."""
    tables: dict[str, Any] = {
        "schools": [{"school_id": "S1", "kind": "ordinary", "week": 5}],
        "teachers": [
            {
                "teacher_id": "T1",
                "school_id": "S1",
                "name": "Құралай Әбдіқызы",
                "category": "master",
                "category_from": "2024-01-01",
            },
            {"teacher_id": "T2", "school_id": "S1", "first_taught_on": "2026-09-01"},
        ],
        "posts": [],
        "quality": [
            {"teacher_id": "T1", "subject": "физика", "school_year": year, "percent": 80}
            for year in ("2023/24", "2024/25", "2025/26")
        ],
        "appointments": [
            {
                "appointment_id": "A1",
                "school_id": "S1",
                "mentor_id": "T1",
                "mentee_id": "T2",
                "ordered_on": "2026-09-01",
                "ends_on": "2027-05-25",
            }
        ],
        "plans": [
            {
                "appointment_id": "A1",
                "level_determined_on": "2026-09-10",
                "diagnosed_on": "2026-09-14",
                "drafted_on": "2026-09-15",
                "agreed_on": "2026-09-16",
                "agreed_by": "deputy_head_academic",
                "approved_on": "2026-09-17",
                "approved_by": "head",
                "period_from": "2026-09-01",
                "period_until": "2027-05-25",
            }
        ],
        **changes,
    }
    path = folder / "dossier.json"
    path.write_text(json.dumps(tables, ensure_ascii=False), encoding="utf-8")
    return path


def test_the_example_workbook_is_flagged_with_reasons_and_exit_code_1() -> None:
    done = run("check", DISTRICT, *DAY)
    assert done.returncode == 1
    assert "Flagged: 22 of 40 appointments" in done.stdout
    assert "below the required 60 %" in done.stdout
    assert "Open questions of the norm" in done.stdout
    assert "floor decides" in done.stdout
    assert "Missing documents" in done.stdout
    assert "was not available" in done.stdout
    flagged, questions = (
        done.stdout.index(text) for text in ("Flagged", "Open questions of the norm")
    )
    assert flagged < questions < done.stdout.index("Missing documents")


def test_json_is_the_shape_of_the_contract() -> None:
    done = run("check", DISTRICT, *DAY, "--format", "json")
    report = json.loads(done.stdout)
    assert list(report) == [
        "as_of",
        "provenance",
        "summary",
        "schools",
        "results",
        "invalid",
        "run",
    ]
    assert report["as_of"] == "2026-11-23"
    assert set(report["provenance"]) == {
        "package",
        "rulebook",
        "rulebook_sha256",
        "calendar",
        "known_until",
        "readings",
        "caveats",
    }
    assert set(report["results"][0]) == {
        "appointment_id",
        "school_id",
        "mentor_id",
        "mentee_id",
        "eligibility",
        "procedure",
        "assumptions",
        "findings",
    }
    finding = next(
        finding
        for result in report["results"]
        for finding in result["findings"]
        if finding["value"] == "59.99"
    )
    assert {name: finding[name] for name in ("rule", "weight", "outcome", "value", "required")} == {
        "rule": "eligibility/quality_of_knowledge",
        "weight": "blocking",
        "outcome": "breached",
        "value": "59.99",
        "required": "60",
    }
    assert finding["readings"][0]["when"] == {"floor": "lower", "period": "mean"}
    assert finding["facts"][0]["from"][0].startswith("quality ")
    assert finding["source"]["certainty"] == "secondary"
    assert [result["appointment_id"] for result in report["results"]] == sorted(
        result["appointment_id"] for result in report["results"]
    )


def test_a_clean_dossier_exits_0(tmp_path: Path) -> None:
    done = run("check", dossier(tmp_path), *DAY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing is flagged among 1 appointments." in done.stdout


def test_names_are_shown_only_when_asked_for(tmp_path: Path) -> None:
    path = dossier(tmp_path, posts=[{"teacher_id": "T1", "post": "head"}])
    assert "Құралай" not in run("check", path, *DAY).stdout
    assert "Құралай Әбдіқызы (T1)" in run("check", path, *DAY, "--names").stdout


def test_a_rejected_row_exits_3_but_a_flag_wins(tmp_path: Path) -> None:
    bad = {"teacher_id": "T2", "post": "guard"}
    assert run("check", dossier(tmp_path, posts=[bad]), *DAY).returncode == 3
    both = [bad, {"teacher_id": "T1", "post": "head"}]
    assert run("check", dossier(tmp_path, posts=both), *DAY).returncode == 1


def test_nothing_checked_is_no_success(tmp_path: Path) -> None:
    assert run("check", dossier(tmp_path, appointments=[]), *DAY).returncode == 3


def test_an_order_before_the_act_is_not_judged_and_no_success(tmp_path: Path) -> None:
    early = {
        "appointment_id": "A1",
        "school_id": "S1",
        "mentor_id": "T1",
        "mentee_id": "T2",
        "ordered_on": "2020-05-06",
    }
    done = run("check", dossier(tmp_path, appointments=[early]), *DAY)
    assert done.returncode == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "nowhere.xlsx"), "no such file or folder"),
        (("check", DISTRICT, "--reading", "flor=lower"), "did you mean floor?"),
        (("check", DISTRICT, "--reading", "floor=middle"), "one of lower, upper, open"),
        (("check", DISTRICT, "--reading", "floor=closed_band"), "rejected"),
        (("check", DISTRICT, "--reading", "floor"), "QUESTION=READING"),
        (("check", DISTRICT, "--readings", "gentle"), "neither a profile"),
        (("check", DISTRICT, "--as-of", "23/11/2026"), "is no day"),
        (("check", DISTRICT, "--out", "no/such/folder.txt"), "no such folder"),
        (("candidate", DISTRICT, "--teacher", "T777"), "no readable row"),
        (
            ("rules", "show", "eligibility/quality"),
            "did you mean eligibility/quality_of",
        ),
        (("check",), "DOSSIER is missing"),
        (("check", DISTRICT, "--format", "pdf"), "one of table, json, jsonl, csv"),
        (("check", DISTRICT, "--frmat", "json"), "no such option or command: --frmat"),
        (("chekc", DISTRICT), "--help"),
    ],
)
def test_wrong_usage_exits_2_with_one_message(
    arguments: tuple[object, ...], message: str, tmp_path: Path
) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_strict_counts_depends_and_undetermined(tmp_path: Path) -> None:
    sixty = [
        {"teacher_id": "T1", "subject": "физика", "school_year": year, "percent": 60}
        for year in ("2023/24", "2024/25", "2025/26")
    ]
    path = dossier(tmp_path, quality=sixty)
    assert run("check", path, *DAY).returncode == 0
    assert run("check", path, *DAY, "--strict").returncode == 1
    assert run("check", path, *DAY, "--strict", "--readings", "lenient").returncode == 0
    assert run("check", path, *DAY, "--readings", "strict").returncode == 1
    over = ("--readings", "strict", "--reading", "floor=lower")
    assert run("check", path, *DAY, *over).returncode == 0


def test_a_file_of_readings_settles_questions(tmp_path: Path) -> None:
    readings = tmp_path / "readings.toml"
    readings.write_text('floor = "upper"\nperiod = "each_year"\nethics_silence = "open"\n')
    done = run("check", DISTRICT, *DAY, "--readings", readings, "--format", "json")
    assert json.loads(done.stdout)["provenance"]["readings"] == {
        "ethics_silence": "open",
        "floor": "upper",
        "period": "each_year",
    }


def test_only_one_verdict_is_given_when_asked(tmp_path: Path) -> None:
    path = dossier(tmp_path, posts=[{"teacher_id": "T1", "post": "head"}])
    done = run("check", path, *DAY, "--only", "procedure", "--format", "json")
    [result] = json.loads(done.stdout)["results"]
    assert (result["eligibility"], result["procedure"]) == ("not_judged", "pending")
    assert done.returncode == 0
    done = run("check", path, *DAY, "--only", "eligibility", "--format", "json")
    [result] = json.loads(done.stdout)["results"]
    assert (result["eligibility"], result["procedure"]) == ("ineligible", "not_judged")


def test_an_output_file_is_written_whole_and_never_overwritten_unasked(tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    arguments = ("check", DISTRICT, *DAY, "--format", "json", "--out", out)
    assert run(*arguments).returncode == 1
    first = out.read_bytes()
    assert json.loads(first)["summary"]["appointments"] == 40
    assert run(*arguments).returncode == 2
    assert run(*arguments, "--force").returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("kk", "талапқа сай емес"), ("ru", "не соответствует"), ("en", "ineligible")],
)
def test_messages_come_in_three_languages(language: str, words: str) -> None:
    assert words in run("check", DISTRICT, *DAY, "--lang", language).stdout


def test_an_unreadable_file_exits_3_in_the_language_asked(tmp_path: Path) -> None:
    path = tmp_path / "фото.xlsx"
    path.write_bytes(b"\xff\xd8\xff\xe0 not a workbook")
    done = run("check", path, "--lang", "ru")
    assert done.returncode == 3
    assert "не читаемая книга" in done.stderr
    assert "Traceback" not in done.stderr


def test_candidate_answers_before_anyone_is_appointed(tmp_path: Path) -> None:
    path = dossier(tmp_path)
    done = run("candidate", path, "--teacher", "T1", "--on", "2026-09-01")
    assert done.returncode == 0
    assert "eligible" in done.stdout
    assert done.stdout.count("[met]") == 4
    done = run("candidate", path, "--teacher", "T2", "--on", "2026-09-01", "--strict")
    assert done.returncode == 1
    done = run("candidate", path, "--teacher", "T1", "--format", "json")
    assert json.loads(done.stdout)["teacher_id"] == "T1"


def test_rules_can_be_listed_shown_and_tested() -> None:
    assert "eligibility/excluded_posts" in run("rules", "list").stdout
    shown = run("rules", "show", "eligibility/quality_of_knowledge", "--lang", "ru").stdout
    for text in ("6000", "2020-05-07", "по пересказу", "closed_band", "floor", "не менее"):
        assert text in shown, text
    done = run("rules", "test")
    assert done.returncode == 0
    assert done.stdout.strip().endswith("0 failed")


def test_rules_are_proved_in_every_language_and_as_json(tmp_path: Path) -> None:
    done = run("rules", "verify")
    assert done.returncode == 0
    assert done.stdout.strip().endswith("nothing idle, contradictory or untried")
    rules = tmp_path / "rules"
    shutil.copytree(rules_folder() / "order_160", rules)
    quality = rules / "eligibility" / "quality_of_knowledge.toml"
    text = quality.read_text("utf-8")
    assert 'order = ["lower", "upper"]' in text
    swapped = text.replace('order = ["lower", "upper"]', 'order = ["upper", "lower"]')
    quality.write_text(swapped, "utf-8")
    wrong = {
        "en": "upper is listed as milder than lower",
        "kk": "upper оқылуы lower оқылуынан жұмсақ",
        "ru": "upper указано как более мягкое, чем lower",
    }
    for language, said in wrong.items():
        done = run("rules", "verify", "--rules", rules, "--lang", language)
        assert done.returncode == 1
        assert said in done.stdout
        assert "50 %" in done.stdout
    done = run("rules", "verify", "--rules", rules, "--format", "json")
    assert done.returncode == 1
    (flaw,) = json.loads(done.stdout)
    assert (flaw["file"], flaw["path"], flaw["kind"], flaw["notice"]) == (
        "rules/eligibility/quality_of_knowledge.toml",
        "questions.floor.order",
        "not_mildest",
        False,
    )


def test_a_broken_rulebook_exits_4(tmp_path: Path) -> None:
    (tmp_path / "order.toml").write_text("id = 'x'", encoding="utf-8")
    done = run("rules", "test", "--rules", tmp_path)
    assert done.returncode == 4
    assert "the rulebook is broken" in done.stderr


def test_a_name_that_steers_the_terminal_is_made_harmless(tmp_path: Path) -> None:
    evil = "A1\u001b[2J\u202e"
    row = {
        "appointment_id": evil,
        "school_id": "S1",
        "mentor_id": "T1",
        "mentee_id": "T1",
        "ordered_on": "2026-09-01",
    }
    done = run("check", dossier(tmp_path, appointments=[row]), *DAY)
    assert done.returncode == 1
    assert "\u001b" not in done.stdout
    assert "\u202e" not in done.stdout


def test_a_reader_who_stops_reading_hears_nothing(tmp_path: Path) -> None:
    command = f'"{SCRIPT}" check "{DISTRICT}" --as-of 2026-11-23 --format json | head -c 10'
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("language", "words"),
    [("kk", "Бағаланатын күн"), ("ru", "День, на который оценивается"), ("en", "The day judged")],
)
def test_the_help_comes_in_three_languages(language: str, words: str) -> None:
    done = run("check", "--lang", language, "--help")
    assert done.returncode == 0
    assert words in " ".join(done.stdout.split())
