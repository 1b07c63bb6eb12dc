"""Each kind of hostile input, by the name under which `docs/hostile-input.md` tells what it gets.

What a page row names is made by `tests/hostile.py` and run; its message is what is printed. What
has no message of its own is held by the tests that `HELD_BY` names. `pytest -m long -n 0 -s
tests/test_hostile_input.py` runs each file by a command of its own, and prints memory and time.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from mentor_rules.cli import main
from tests.dossiers import plain, to_json
from tests.hostile import FILES
from tests.test_cli import ROOT, SCRIPT

PAGE = ROOT / "docs" / "hostile-input.md"
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (.+?) \| (.+?) \| (.*?) \|$", re.MULTILINE)
# What only a programmer could read.
PYTHON = re.compile(r"Traceback|\w+(Error|Exception|Warning)\b|\bNone\b|<class|openpyxl|pydantic")
MOST_MEMORY = 300  # MB
KILLED_AFTER = 120  # seconds; a slow machine is no failure

HELD_BY = {
    "figures": "test_records::test_what_is_no_percentage_is_refused_never_guessed",
    "percent-cells": "test_reading::test_a_percent_formatted_cell_is_read_as_it_is_shown",
    "fraction": "test_reading::test_percent_as_fraction_reads_bare_figures_as_shares_exactly",
    "decimals": "test_records::test_every_decimal_of_a_percentage_is_kept",
    "blanks": "test_records::test_a_documented_blank_is_not_stated_in_any_column_that_may_be_empty",
    "zero": "test_records::test_zero_is_a_figure",
    "days": "test_records::test_what_is_no_day_of_1990_to_2100_is_refused",
    "date-cells": "test_reading::"
    "test_true_date_cells_and_text_are_the_same_day_in_1900_and_1904_workbooks",
    "same-key": "test_reading::"
    "test_rows_of_one_key_that_agree_are_noted_and_those_that_disagree_are_both_invalid",
    "self-mentoring": "test_rule_cases::test_a_case_of_a_rule_file_comes_out_as_it_expects",
    "ids-with-zeros": "test_messy_files::"
    "test_zeros_lost_in_one_column_are_found_though_the_other_was_matched_first",
    "encodings": "test_reading::test_kazakh_letters_are_read_from_every_encoding_that_has_them",
    "composition": "test_reading::test_decomposed_letters_are_the_same_ids_and_subjects",
    "look-alikes": "test_records::test_look_alike_letters_lead_to_the_same_code_or_to_none",
    "unknown-columns": "test_reading::"
    "test_unknown_columns_and_tables_are_listed_once_and_own_columns_never",
    "personal": "test_personal_data::test_no_output_names_a_person",
    "iin": "test_records::test_one_wrong_digit_of_an_iin_is_noticed",
    "strict-models": "test_records::"
    "test_no_cell_whatever_it_holds_raises_anything_but_a_typed_problem",
    "no-value-shown": "test_records::test_a_validation_error_never_shows_a_value",
    "checks-are-data": "test_refusals::test_what_is_no_check_is_refused_and_never_run",
    "damaged": "test_reading::test_a_damaged_workbook_is_read_or_refused_and_nothing_else",
    "markup": "test_hostile_outputs::test_no_text_of_a_record_is_more_than_text_in_any_output",
    "formulas": "test_flat::test_a_text_that_a_spreadsheet_would_run_starts_with_an_apostrophe",
    "numbers": "test_flat::test_numbers_and_plain_texts_stay_as_they_are",
    "paths": "test_hostile_outputs::test_no_command_writes_over_a_file_that_is_there",
    "large": "test_load::test_a_million_rows_of_csv_are_read_in_bounded_memory",
}


class Said(NamedTuple):
    """A row of the page: what happens, and the message."""

    happens: str
    message: str


def page() -> dict[str, Said]:
    found = {
        row[1]: Said(row[3], row[4].strip("“”")) for row in ROW.finditer(PAGE.read_text("utf-8"))
    }
    assert found
    return found


def command(name: str, folder: Path) -> list[str]:
    hostile = FILES[name]
    path = hostile.make(folder / hostile.name)
    good = to_json(plain(), folder / "good.json") if "{good}" in hostile.words else ""
    return [word.format(path=path, good=good) for word in hostile.words]


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line, in this process; gives the exit code and all that a user sees."""

    def start(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["mentor-rules", *words])
        with pytest.raises(SystemExit) as left:
            main()
        shown = capsys.readouterr()
        return int(left.value.code or 0), shown.out + shown.err

    return start


def test_every_row_of_the_page_has_its_file_and_every_file_its_row() -> None:
    assert list(page()) == list(FILES)


@pytest.mark.parametrize("name", [name for name in FILES if not FILES[name].heavy])
def test_a_hostile_file_gets_what_the_page_says(name: str, run: Run, tmp_path: Path) -> None:
    said = page()[name]
    words = command(name, tmp_path)
    code, shown = run(*words)
    assert code == FILES[name].code
    assert f"exit {code}" in said.happens
    assert said.message in " ".join(shown.split())
    assert not PYTHON.search(shown)
    assert str(tmp_path) not in shown
    if name.startswith(("bomb", "rule")):
        return  # these texts are few, and rules speak English
    for language in ("kk", "ru"):
        other, told = run(*words, "--lang", language)
        assert other == code
        assert not PYTHON.search(told)
        assert said.message not in told


@pytest.mark.parametrize("what", HELD_BY)
def test_what_has_no_message_of_its_own_is_held_by_a_test(what: str) -> None:
    module, _, name = HELD_BY[what].partition("::")
    assert f"def {name}(" in (ROOT / "tests" / f"{module}.py").read_text("utf-8")


# The peak of a child is that of its parent where that is larger: a small one starts it.
MEASURE = """
import os, resource, signal, sys, time
started = time.perf_counter()
child = os.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
signal.alarm(int(sys.argv[1]))
_, status, used = os.wait4(child, 0)
sys.stderr.write(f"\\n{os.waitstatus_to_exitcode(status)} {used.ru_maxrss // 1024}"
                 f" {used.ru_utime + used.ru_stime:.1f}")
"""


def measured(*words: object, seconds: int = KILLED_AFTER) -> tuple[int, int, float, str]:
    """The exit code of a command, its peak memory in MB, its seconds of work, and what it says."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", MEASURE, str(seconds), SCRIPT, *map(str, words)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    error, _, numbers = done.stderr.rpartition("\n")
    code, memory, worked = numbers.split()
    return int(code), int(memory), float(worked), done.stdout + error


@pytest.mark.long
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_costs_little(name: str, tmp_path: Path) -> None:
    code, memory, worked, shown = measured(*command(name, tmp_path))
    print(f"{name}: {memory} MB, {worked} s of work")
    assert code == FILES[name].code
    assert page()[name].message in " ".join(shown.split())
    assert memory < MOST_MEMORY
