"""The report as lines (jsonl, CSV), and how the command line behaves with and without a person."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mentor_rules import Dossier, Report, check, load_rulebook
from mentor_rules.cli import MANY
from mentor_rules.judging import TOLD_EVERY
from mentor_rules.report.flat import cell, csv_lines, jsonl
from tests.test_cli import DAY, DISTRICT, dossier, run

RULEBOOK = load_rulebook()
SCRIPT = Path(sys.executable).with_name("mentor-rules")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def report() -> Report:
    return check(Dossier.read(DISTRICT), as_of=date(2026, 11, 23))


def read_csv(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


# jsonl --------------------------------------------------------------------------------------


def test_jsonl_is_one_result_per_line_and_nothing_else(report: Report) -> None:
    done = run("check", DISTRICT, *DAY, "--format", "jsonl")
    assert done.returncode == 1
    lines = done.stdout.split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == json.loads(report.to_json())["results"]


def test_jsonl_is_the_same_bytes_every_time_and_for_every_shape(tmp_path: Path) -> None:
    out = tmp_path / "report.jsonl"
    first = run("check", DISTRICT, *DAY, "--format", "jsonl").stdout
    run("check", DISTRICT.with_suffix(""), *DAY, "--format", "jsonl", "--out", out)
    assert out.read_bytes() == first.encode()


def test_a_line_separator_in_an_id_does_not_break_a_line(tmp_path: Path) -> None:
    row = {"appointment_id": "A\u20281\u0085x", "school_id": "S1", "ordered_on": "2026-09-01"}
    path = dossier(tmp_path, appointments=[{**row, "mentor_id": "T1", "mentee_id": "T2"}])
    text = "".join(jsonl(check(Dossier.read(path), as_of=date(2026, 11, 23))))
    [line] = text.splitlines()
    assert json.loads(line)["appointment_id"] == row["appointment_id"]


def test_no_appointments_give_no_lines(tmp_path: Path) -> None:
    path = dossier(tmp_path, appointments=[])
    done = run("check", path, *DAY, "--format", "jsonl")
    assert (done.returncode, done.stdout) == (3, "")


# CSV ----------------------------------------------------------------------------------------


def test_csv_has_a_row_per_appointment_and_a_column_per_rule(report: Report) -> None:
    done = subprocess.run(
        [SCRIPT, "check", DISTRICT, *DAY, "--format", "csv"], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.startswith(b"\xef\xbb\xbfappointment_id,school_id,")
    assert done.stdout.count(b"\r\n") == len(report.results) + 1
    found = read_csv(done.stdout.decode())
    rules = [rule.id for rule in RULEBOOK.rules if not rule.id.startswith("reserve/")]
    assert list(found[0]) == [
        *("appointment_id", "school_id", "mentor_id", "mentee_id", "eligibility", "procedure"),
        *rules,
        *("reasons", "remedies", "missing"),
    ]
    for row, result in zip(found, report.results, strict=True):
        assert row["appointment_id"] == result.appointment_id
        assert (row["eligibility"], row["procedure"]) == (result.eligibility, result.procedure)
        outcomes = {finding.rule: finding.outcome for finding in result.findings}
        assert {rule: row[rule] for rule in rules} == {
            rule: outcomes.get(rule, "") for rule in rules
        }


def test_reasons_remedies_and_missing_are_those_of_rules_that_count(report: Report) -> None:
    found = {row["appointment_id"]: row for row in read_csv("".join(csv_lines(report, RULEBOOK)))}
    for result in report.results:
        row = found[result.appointment_id]
        counts = [
            finding
            for finding in result.findings
            if finding.weight != "advisory"
            and finding.outcome not in ("satisfied", "not_applicable", "not_in_force")
        ]
        assert row["reasons"] == " | ".join(finding.message for finding in counts)
        assert all(finding.remedy in row["remedies"] for finding in counts if finding.remedy)
        for finding in counts:
            for item in finding.missing:
                assert f"{item.key}: {item.document} ({item.who})" in row["missing"]
        if (result.eligibility, result.procedure) == ("eligible", "compliant"):
            assert (row["reasons"], row["remedies"], row["missing"]) == ("", "", "")
        elif result.eligibility != "not_judged":
            assert row["reasons"]


def test_with_one_verdict_asked_the_columns_stay(tmp_path: Path) -> None:
    both = read_csv(run("check", DISTRICT, *DAY, "--format", "csv").stdout)
    one = read_csv(run("check", DISTRICT, *DAY, "--format", "csv", "--only", "procedure").stdout)
    assert list(both[0]) == list(one[0])
    assert {row["eligibility/excluded_posts"] for row in one} == {""}


def test_names_stand_in_csv_only_when_asked_for(tmp_path: Path) -> None:
    path = dossier(tmp_path)
    plain = run("check", path, *DAY, "--format", "csv").stdout
    assert "Құралай" not in plain
    assert "mentor_name" not in plain
    [row] = read_csv(run("check", path, *DAY, "--format", "csv", "--names").stdout)
    assert (row["mentor_name"], row["mentee_name"]) == ("Құралай Әбдіқызы", "")


def test_an_appointment_whose_row_cannot_be_read_has_its_line(tmp_path: Path) -> None:
    row = {"appointment_id": "A1", "school_id": "S1", "mentor_id": "T1", "ordered_on": "soon"}
    path = dossier(tmp_path, appointments=[row])
    done = run("check", path, *DAY, "--format", "csv")
    assert done.returncode == 3
    [found] = read_csv(done.stdout)
    assert (found["appointment_id"], found["mentee_id"]) == ("A1", "")
    assert (found["eligibility"], found["eligibility/excluded_posts"]) == ("not_judged", "")


FORMULAS = (
    *("=1+1", "+7 701", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\tx", "\rx", "\nx"),
    *("  =1", "\xa0=1", "\u3000-1", "\u200b=1", "\ufeff=1", "\u202e=1", "\u00ad@x"),
    *("＝1", "＋1", "－1", "＠x", "﹢1", "﹣1", "﹦1", "﹫x", "\xa0＝1", "−1"),
)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_run_starts_with_an_apostrophe(text: str) -> None:
    assert str(cell(text)).startswith("'")


@pytest.mark.parametrize("text", ["A1;=1", "A1; =1", "A1\t=1", "A1\n-1", "A1;\xa0＝1"])
def test_nor_can_a_formula_stand_after_the_separator_of_another_country(text: str) -> None:
    assert not re.search(r"[;\t\n\ufffd][\s]*[=＝-]", str(cell(text)))


def test_numbers_and_plain_texts_stay_as_they_are() -> None:
    assert [cell(value) for value in (-5, 0, 59.99, -0.5)] == [-5, 0, 59.99, -0.5]
    for text in ("A1", "A-1", "a=b", "e@mail", "№ 5", "Әбді-Қызы", "", "'x"):
        assert cell(text) == text
    assert cell(None) == ""


def test_ids_and_names_that_are_formulas_are_harmless_in_csv(tmp_path: Path) -> None:
    evil = '=HYPERLINK("http://x","y")'
    teachers = [
        {"teacher_id": "-T1", "school_id": "@S", "name": f"\xa0{evil}"},
        {"teacher_id": "+T2", "school_id": "@S", "name": "A;=1\u001b[2J"},
    ]
    row = {"appointment_id": evil, "school_id": "@S", "mentor_id": "-T1", "mentee_id": "+T2"}
    path = dossier(
        tmp_path,
        schools=[{"school_id": "@S"}],
        teachers=teachers,
        quality=[],
        appointments=[{**row, "ordered_on": "2026-09-01"}],
    )
    text = run("check", path, *DAY, "--format", "csv", "--names").stdout
    [found] = read_csv(text)
    assert found["appointment_id"] == f"'{evil}"
    assert (found["school_id"], found["mentor_id"], found["mentee_id"]) == ("'@S", "'-T1", "'+T2")
    assert found["mentor_name"] == f"'{evil}"
    assert found["mentee_name"] == "A;'=1\ufffd[2J"
    assert all(not value.startswith(("=", "+", "-", "@")) for value in found.values())


def test_csv_and_jsonl_are_written_whole_to_a_file_and_not_over_another(tmp_path: Path) -> None:
    out = tmp_path / "report.csv"
    arguments = ("check", DISTRICT, *DAY, "--format", "csv", "--out", out)
    assert run(*arguments).returncode == 1
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    assert b"\r\r\n" not in out.read_bytes()
    assert run(*arguments).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]


@pytest.mark.parametrize("format_", ["jsonl", "csv"])
def test_a_reader_of_lines_who_stops_hears_nothing(format_: str) -> None:
    command = f'"{SCRIPT}" check "{DISTRICT}" --as-of 2026-11-23 --format {format_} | head -c 10'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_a_candidate_is_one_answer_and_not_lines() -> None:
    done = run("candidate", DISTRICT, "--teacher", "T116", "--format", "csv")
    assert done.returncode == 2


# Progress and colours -----------------------------------------------------------------------


def many(folder: Path, count: int) -> Path:
    row = {"school_id": "S1", "mentor_id": "T1", "mentee_id": "T2", "ordered_on": "2026-09-01"}
    rows = [{"appointment_id": f"A{number}", **row} for number in range(count)]
    return dossier(folder, appointments=rows)


def test_progress_is_told_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    count = 2 * TOLD_EVERY + 1
    read = Dossier.read(many(tmp_path, count))
    report = check(
        read, as_of=date(2026, 11, 23), progress=lambda done, total: told.append((done, total))
    )
    assert told == [(TOLD_EVERY, count), (2 * TOLD_EVERY, count), (count, count)]
    assert report.results == check(read, as_of=date(2026, 11, 23)).results


def on_terminal(
    *arguments: object, stream: str, environment: dict[str, str] | None = None
) -> tuple[str, str]:
    """Give what is written to the terminal that `stream` is, and to the other stream, a file."""
    pty: Any = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    other = "stdout" if stream == "stderr" else "stderr"
    clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "CI")}
    # A pipe that nobody reads while the terminal is read would fill, and both would wait.
    with tempfile.TemporaryFile() as file:
        streams: dict[str, Any] = {stream: theirs, other: file}
        process = subprocess.Popen(
            [SCRIPT, *map(str, arguments)],
            **streams,
            env={**clean, "TERM": "xterm-256color", "COLUMNS": "120", **(environment or {})},
        )
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not part:
                break
            shown += part
        process.wait()
        os.close(ours)
        file.seek(0)
        return shown.decode(), file.read().decode()


def test_a_person_who_waits_long_sees_a_bar_and_a_pipe_sees_none(tmp_path: Path) -> None:
    path = many(tmp_path, MANY + 1)
    arguments = ("check", path, *DAY, *("--format", "jsonl", "--lang", "ru", "--confirm", "none"))
    shown, piped = on_terminal(*arguments, stream="stderr")
    assert "Проверка назначений" in shown
    assert f"{MANY + 1}/{MANY + 1}" in COLOUR.sub("", shown)
    assert piped.count("\n") == MANY + 1
    done = run(*arguments)
    assert (done.stderr, done.stdout) == ("", piped)


def test_a_short_dossier_shows_no_bar() -> None:
    shown, piped = on_terminal("check", DISTRICT, *DAY, "--format", "jsonl", stream="stderr")
    assert shown == ""
    assert piped


def test_colours_are_for_terminals_and_off_with_no_color(tmp_path: Path) -> None:
    coloured, _ = on_terminal("check", DISTRICT, *DAY, stream="stdout")
    assert re.search(r"\x1b\[[0-9;]*3[0-9]m", coloured)
    plain, _ = on_terminal("check", DISTRICT, *DAY, stream="stdout", environment={"NO_COLOR": "1"})
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", plain)
    assert "\x1b" not in run("check", DISTRICT, *DAY).stdout


def test_a_file_holds_no_colours_whatever_the_environment_asks_for(tmp_path: Path) -> None:
    out = tmp_path / "report.txt"
    subprocess.run(
        [SCRIPT, "check", DISTRICT, *DAY, "--out", out],
        check=False,
        env={**os.environ, "FORCE_COLOR": "1"},
    )
    assert "Flagged" in out.read_text("utf-8")
    assert "\x1b" not in out.read_text("utf-8")
