"""Large dossiers in bounded memory, none of their rows lost.

`pytest -m long -n 0 -s tests/test_load.py` runs the large ones, and prints memory and time.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from mentor_rules import Dossier, check
from tests.dossiers import AS_OF, YEARS, lines, plain, to_csv
from tests.test_cli import DAY
from tests.test_hostile_input import measured

ONLY = ("--only", "eligibility")
HEADER = ("teacher_id", "subject", "school_year", "percent")


def quality(count: int) -> Iterator[Sequence[object]]:
    """Rows of quality of one teacher, three years a subject."""
    yield HEADER
    for number in range(count):
        yield ("T1", f"subject {number // 3}", YEARS[number % 3], 50 + number % 51)


def written(folder: Path, table: str, rows: Iterable[Sequence[object]]) -> Path:
    to_csv(plain(), folder)
    with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


def test_ten_thousand_bad_rows_are_all_told(tmp_path: Path) -> None:
    rows = [HEADER, *(("T1", "physics", "2023/24", f"bad {n}") for n in range(10_000))]
    dossier = Dossier.read(written(tmp_path / "d", "quality", rows))
    assert [row.row for row in dossier.invalid] == list(range(2, 10_002))
    report = json.loads(check(dossier, as_of=AS_OF).to_json())
    assert report["summary"]["invalid_rows"] == 10_000
    assert [entry["row"] for entry in report["invalid"]] == list(range(2, 10_002))


def test_among_bad_rows_the_good_ones_count(tmp_path: Path) -> None:
    rows = [line if n % 10 else (*line[:3], "?") for n, line in enumerate(quality(30_000))]
    rows[0] = HEADER
    dossier = Dossier.read(written(tmp_path / "d", "quality", rows))
    bad = [row.row for row in dossier.invalid if row.column == "percent"]
    assert bad == [n + 1 for n in range(10, 30_001, 10)]
    read = [row for years in dossier.quality("T1").values() for row in years.values()]
    assert len(read) == 27_000


@pytest.mark.long
def test_a_million_rows_of_csv_are_read_in_bounded_memory(tmp_path: Path) -> None:
    path = written(tmp_path / "d", "quality", quality(1_000_000))
    code, memory, worked, _ = measured("check", path, *DAY, *ONLY, seconds=1800)
    print(f"a million rows of CSV: {memory} MB, {worked} s of work")
    assert code == 1  # of half of the subjects the figures are too low
    assert memory < 2000


@pytest.mark.long
def test_a_workbook_of_two_hundred_thousand_rows_is_read_in_bounded_memory(tmp_path: Path) -> None:
    book = Workbook(write_only=True)
    for table, rows in (plain() | {"quality": []}).items():
        sheet = book.create_sheet(table)
        for line in quality(200_000) if table == "quality" else lines(table, rows):
            sheet.append(line)
    book.save(tmp_path / "d.xlsx")
    path = tmp_path / "d.xlsx"
    code, memory, worked, _ = measured("check", path, *DAY, *ONLY, seconds=1800)
    print(f"a workbook of 200,000 rows: {memory} MB, {worked} s of work")
    assert code == 1
    assert memory < 1000
