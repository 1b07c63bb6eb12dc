"""Real files in every shape and in every bad state: what is read, what is refused, what is told."""

import json
import random
import shutil
import unicodedata
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from mentor_rules import Dossier, ReadingError, UsageError, check
from mentor_rules import container as container_module
from mentor_rules.records import QualityYear
from mentor_rules.texts import has
from tests.dossiers import (
    AS_OF,
    KAZAKH,
    ORDERED,
    YEARS,
    Row,
    Tables,
    judged,
    lines,
    medium,
    plain,
    to_csv,
    to_json,
    to_xlsx,
    workbook,
)
from tests.generate import dossier as generated

SHAPES: dict[str, Callable[[Tables, Path], Path]] = {
    "xlsx": lambda tables, folder: to_xlsx(tables, folder / "dossier.xlsx"),
    "csv": lambda tables, folder: to_csv(tables, folder / "commas"),
    "csv;": lambda tables, folder: to_csv(tables, folder / "semicolons", ";"),
    "csv with BOM": lambda tables, folder: to_csv(tables, folder / "bom", bom=True),
    "json": lambda tables, folder: to_json(tables, folder / "dossier.json"),
}
in_every_shape = pytest.mark.parametrize("shape", SHAPES)


def written(shape: str, tables: Tables, folder: Path) -> Path:
    return SHAPES[shape](tables, folder)


def answer(report: dict[str, Any]) -> str:
    """What must not depend on the shape, byte by byte."""
    parts = {part: report[part] for part in ("results", "schools", "summary")}
    return json.dumps(parts, ensure_ascii=False)


def verdict(report: dict[str, Any], appointment: str = "A1") -> str:
    (found,) = [
        str(result["eligibility"])
        for result in report["results"]
        if result["appointment_id"] == appointment
    ]
    return found


def told(dossier: Dossier) -> list[tuple[str, int | None, str | None, str]]:
    """Where something is invalid, and the code of the problem."""
    for row in dossier.invalid:
        assert has("problem", row.code), row.code
        assert has("remedy", row.code), row.code
    return [(row.table, row.row, row.column, row.code) for row in dossier.invalid]


def refused(path: Path, **options: Any) -> str:
    """The code with which the whole file is refused."""
    with pytest.raises(ReadingError) as error:
        Dossier.read(path, **options)
    assert has("file", error.value.code)
    return error.value.code


def figures(dossier: Dossier, teacher: str = "T1", subject: str = "physics") -> list[Any]:
    """The percentages that were read, by school year."""
    return [row.percent for _, row in sorted(dossier.quality(teacher).get(subject, {}).items())]


def quality_sheet(path: Path, cells: list[Any], *formats: str) -> Path:
    """A plain dossier whose three figures are these cells, with these number formats."""
    book = workbook(plain() | {"quality": []})
    sheet = book["quality"]
    place = [cell.value for cell in sheet[1]].index("percent") + 1
    for number, (year, figure) in enumerate(zip(YEARS, cells, strict=True), start=2):
        sheet.append(["T1", "physics", year])
        cell = sheet.cell(number, place, figure)
        if formats:
            cell.number_format = formats[0] if len(formats) == 1 else formats[number - 2]
    book.save(path)
    return path


# One dossier, five shapes ---------------------------------------------------------------


def test_a_dossier_gives_the_same_bytes_in_every_shape(tmp_path: Path) -> None:
    reports = {shape: judged(written(shape, medium(), tmp_path)) for shape in SHAPES}
    summary = reports["json"]["summary"]["eligibility"]
    assert all(summary.values())  # a dossier that reaches every verdict
    for shape, report in reports.items():
        assert answer(report) == answer(reports["json"]), shape
        without_rows = [{**entry, "row": None} for entry in report["invalid"]]
        assert len(without_rows) == len(reports["json"]["invalid"])
        assert {entry["key"] for entry in without_rows} == {
            entry["key"] for entry in reports["json"]["invalid"]
        }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_generated_dossier_with_bad_rows_gives_the_same_bytes_in_every_shape(
    seed: int, tmp_path: Path
) -> None:
    tables = generated(seed, 60)
    # A workbook knows no text of digits that means another thing than the digits.
    reports = [judged(written(shape, tables, tmp_path)) for shape in SHAPES]
    assert len({answer(report) for report in reports}) == 1


@in_every_shape
def test_the_nine_letters_of_kazakh_survive_in_ids_subjects_and_names(
    shape: str, tmp_path: Path
) -> None:
    tables = plain()
    for text in (KAZAKH, KAZAKH.upper()):
        tables["teachers"].append(
            {"teacher_id": f"T-{text}", "school_id": "S1", "name": f"{text} Қызы", "subjects": text}
        )
        tables["quality"].append(
            {"teacher_id": f"T-{text}", "subject": text, "school_year": YEARS[0], "percent": 70}
        )
        tables["appointments"].append(
            tables["appointments"][0] | {"appointment_id": text, "mentor_id": f"T-{text}"}
        )
    dossier = Dossier.read(written(shape, tables, tmp_path))
    assert told(dossier) == []
    report = json.loads(check(dossier, as_of=AS_OF).to_json())
    assert {result["appointment_id"] for result in report["results"]} == {
        *("A1", KAZAKH, KAZAKH.upper())
    }
    for text in (KAZAKH, KAZAKH.upper()):
        (teacher,) = dossier.teacher(f"T-{text}").records
        assert (teacher.name, teacher.subjects) == (f"{text} Қызы", (text,))
        assert list(dossier.quality(f"T-{text}")) == [KAZAKH]


@in_every_shape
def test_decomposed_letters_are_the_same_ids_and_subjects(shape: str, tmp_path: Path) -> None:
    tables = plain()
    for row in tables["teachers"]:
        row["teacher_id"] = row["teacher_id"].replace("T1", "Йүсіп Ё")
    for row in tables["quality"]:
        row |= {"teacher_id": unicodedata.normalize("NFD", "Йүсіп Ё"), "subject": "Биология Й"}
    tables["appointments"][0] |= {
        "mentor_id": unicodedata.normalize("NFD", "Йүсіп Ё"),
        "subject": unicodedata.normalize("NFD", "биология й"),
    }
    report = judged(written(shape, tables, tmp_path))
    assert verdict(report) == "eligible"
    assert report["invalid"] == []


@in_every_shape
def test_numbers_are_ids_like_any_other(shape: str, tmp_path: Path) -> None:
    text = json.dumps(plain(), default=date.isoformat)
    for name, number in (("S1", "1"), ("T1", "101"), ("N1", "202"), ("A1", "7")):
        text = text.replace(f'"{name}"', number)
    report = judged(written(shape, json.loads(text), tmp_path))
    assert verdict(report, "7") == "eligible"
    assert report["results"][0]["mentor_id"] == "101"
    assert report["invalid"] == []


def test_numbers_in_one_sheet_are_the_digits_of_another(tmp_path: Path) -> None:
    tables = plain()
    tables["teachers"][0]["teacher_id"] = 101
    tables["appointments"][0]["mentor_id"] = 101.0
    for row in tables["quality"]:
        row["teacher_id"] = "101"
    for shape in ("xlsx", "json"):
        report = judged(written(shape, tables, tmp_path))
        assert (verdict(report), report["invalid"]) == ("eligible", [])


# Figures of quality ---------------------------------------------------------------------


def test_a_percent_formatted_cell_is_read_as_it_is_shown(tmp_path: Path) -> None:
    path = quality_sheet(tmp_path / "d.xlsx", [0.6, 1, 0.005], "0%", "0.00%", "0.0%")
    dossier = Dossier.read(path)
    assert figures(dossier) == [60, 100, Decimal("0.5")]
    assert told(dossier) == []


def test_a_percent_formatted_cell_has_no_more_digits_than_a_spreadsheet_shows(
    tmp_path: Path,
) -> None:
    path = quality_sheet(tmp_path / "d.xlsx", [0.1 + 0.2, 0.57, 0.5999], "0%")
    assert figures(Dossier.read(path)) == [30, 57, Decimal("59.99")]


def test_a_percent_sign_that_is_shown_only_multiplies_nothing(tmp_path: Path) -> None:
    path = quality_sheet(tmp_path / "d.xlsx", [60, 72.5, 88], '0"%"', "0.0\\%", '[Red]0.0_%;0" ["')
    dossier = Dossier.read(path)
    assert [str(figure) for figure in figures(dossier)] == ["60", "72.5", "88"]


def test_a_bare_share_is_an_invalid_row_with_the_remedy(tmp_path: Path) -> None:
    path = quality_sheet(tmp_path / "d.xlsx", [0.6, 70, 80])
    dossier = Dossier.read(path)
    assert told(dossier) == [("quality", 2, "percent", "share_or_percent")]
    report = judged(path)
    assert verdict(report) == "undetermined"
    assert "--percent-as fraction" in report["invalid"][0]["remedy"]
    assert "0.72%" in report["invalid"][0]["remedy"]


@in_every_shape
@pytest.mark.parametrize(
    ("cells", "read"),
    [
        ([1, 1, 1], None),
        ([1, 0, "1"], None),
        (["1%", 1, "60%"], None),  # marked ones say nothing of the bare one
        ([1, 2, 0], [1, 2, 0]),
        (["1,0", 70, 80], [1, 70, 80]),
        (["1%", "1 %", 0], [1, 1, 0]),
    ],
)
def test_a_bare_one_is_one_per_cent_only_beside_something_above_one(
    shape: str, cells: list[Any], read: list[int] | None, tmp_path: Path
) -> None:
    tables = plain()
    for row, figure in zip(tables["quality"], cells, strict=True):
        row["percent"] = figure
    dossier = Dossier.read(written(shape, tables, tmp_path))
    if read is not None:
        assert (figures(dossier), told(dossier)) == (read, [])
    else:
        bare = [figure for figure in cells if figure in (1, "1")]
        assert [code for *_, code in told(dossier)] == ["share_or_percent"] * len(bare)
        assert len(dossier.unreadable_quality("T1")) == len(bare)


@in_every_shape
def test_percent_as_fraction_reads_bare_figures_as_shares_exactly(
    shape: str, tmp_path: Path
) -> None:
    tables = plain()
    for row, figure in zip(tables["quality"], ["0,5999", 1, 0.07], strict=True):
        row["percent"] = figure
    tables["quality"] += [
        {"teacher_id": "T1", "subject": "art", "school_year": year, "percent": figure}
        for year, figure in zip(YEARS, ["60%", 0, 60], strict=True)
    ]
    dossier = Dossier.read(written(shape, tables, tmp_path), percent_as="fraction")
    assert figures(dossier) == [Decimal("59.99"), 100, 7]
    assert figures(dossier, subject="art") == [60, 0]
    assert [code for *_, code in told(dossier)] == ["percent_outside"]


def test_a_share_of_many_digits_is_never_rounded(tmp_path: Path) -> None:
    tables = plain()
    for row in tables["quality"]:
        row["percent"] = "0.59" + "9" * 26
    dossier = Dossier.read(to_csv(tables, tmp_path / "d"), percent_as="fraction")
    assert figures(dossier) == [Decimal("59." + "9" * 26)] * 3


@pytest.mark.parametrize("figure", ["NaN", "1e5000", "true", '"٦٠"', "100.0000001", "-1", "[60]"])
def test_a_figure_that_is_none_makes_its_row_invalid_and_no_other(
    figure: str, tmp_path: Path
) -> None:
    if figure == "NaN":  # JSON knows no such number: the file is none
        path = tmp_path / "d.json"
        path.write_text('{"quality": [{"percent": NaN}]}')
        assert refused(path) == "json"
        return
    path = to_json(plain(), tmp_path / "d.json")
    path.write_text(path.read_text("utf-8").replace('"percent": 80', f'"percent": {figure}', 1))
    dossier = Dossier.read(path)
    assert [(table, row, column) for table, row, column, _ in told(dossier)] == [
        ("quality", 1, "percent")
    ]
    assert figures(dossier) == [80, 80]
    assert verdict(judged(path)) == "undetermined"


# Days in workbooks ----------------------------------------------------------------------


@pytest.mark.parametrize("epoch", [None, CALENDAR_MAC_1904])
def test_true_date_cells_and_text_are_the_same_day_in_1900_and_1904_workbooks(
    epoch: datetime | None, tmp_path: Path
) -> None:
    days: list[Any] = [
        date(2026, 9, 1),
        datetime(2026, 9, 1, 18, 30),
        "2026-09-01",
        "01.09.2026",
    ]
    tables = plain()
    first = tables["appointments"][0]
    tables["appointments"] = [
        first | {"appointment_id": f"A{number}", "ordered_on": day}
        for number, day in enumerate(days, start=1)
    ]
    book = workbook(tables)
    if epoch is not None:
        book.epoch = epoch
    book.save(tmp_path / "d.xlsx")
    dossier = Dossier.read(tmp_path / "d.xlsx")
    assert told(dossier) == []
    assert [row.ordered_on for row in dossier.appointments] == [ORDERED] * 4


@pytest.mark.parametrize("cell", [46266, 46266.5, True, "2026-09-01T00:00:00Z", "46266"])
def test_a_serial_number_that_is_no_date_cell_is_refused(cell: Any, tmp_path: Path) -> None:
    tables = plain()
    tables["appointments"][0]["ordered_on"] = cell
    path = to_xlsx(tables, tmp_path / "d.xlsx")
    assert told(Dossier.read(path)) == [("appointments", 2, "ordered_on", "not_a_date")]
    assert verdict(judged(path)) == "not_judged"


@pytest.mark.filterwarnings("ignore:Cell .* is marked as a date")
def test_a_date_cell_beyond_all_calendars_is_one_bad_cell(tmp_path: Path) -> None:
    book = workbook(plain())
    cell = book["appointments"].cell(2, 7, 1e10)
    cell.number_format = "yyyy-mm-dd"
    book.save(tmp_path / "d.xlsx")
    assert told(Dossier.read(tmp_path / "d.xlsx")) == [
        ("appointments", 2, "ordered_on", "not_text")
    ]


# Headers, columns, tables ---------------------------------------------------------------


def test_unknown_columns_and_tables_are_listed_once_and_own_columns_never(tmp_path: Path) -> None:
    for shape in SHAPES:
        tables = plain()
        for table in ("teachers", "quality"):
            for row in tables[table]:
                row |= {"Примечание": "x", "x_mr_verdict": "eligible"}
        tables["kitchen"] = [{"dish": "бауырсақ"}]
        report = judged(written(shape, tables, tmp_path))
        assert sorted(report["run"]["ignored_columns"]) == [
            "kitchen.*",
            "quality.примечание",
            "teachers.примечание",
        ]
        assert report["invalid"] == []
        assert verdict(report) == "eligible"


def test_an_unknown_column_that_stands_twice_is_listed_once(tmp_path: Path) -> None:
    path = to_csv(plain(), tmp_path / "d")
    (path / "posts.csv").write_text("teacher_id,post,note,Note ,note\n", "utf-8")
    assert Dossier.read(path).ignored_columns == ("posts.note",)


@in_every_shape
@pytest.mark.parametrize(
    ("table", "column", "typed"),
    [
        ("posts", "post", "posst"),
        ("posts", "teacher_id", "teacherd_id"),
        ("quality", "percent", "percentage"),
        ("teachers", "category", "categry"),
    ],
)
def test_a_near_miss_of_a_column_refuses_the_table_and_its_facts_are_unknown(
    shape: str, table: str, column: str, typed: str, tmp_path: Path
) -> None:
    tables = plain()
    tables["posts"] = [{"teacher_id": "T9", "post": "head"}]
    tables[table] = [
        {(typed if name == column else name): cell for name, cell in row.items()}
        for row in tables[table]
    ]
    path = written(shape, tables, tmp_path)
    if shape != "json":  # the writers write every known column, the right one too
        drop_column(path, table, column)
    dossier = Dossier.read(path)
    assert (table, None, column, "column_near_miss") in told(dossier)
    report = judged(path)
    assert verdict(report) == "undetermined"
    (entry,) = [entry for entry in report["invalid"] if entry["table"] == table]
    assert f"“{column}”" in entry["remedy"]
    assert entry["column"] == column


def drop_column(path: Path, table: str, column: str) -> None:
    """Take a column out of a written dossier."""
    if path.suffix == ".xlsx":
        from openpyxl import load_workbook

        book = load_workbook(path)
        sheet = book[table]
        sheet.delete_cols([cell.value for cell in sheet[1]].index(column) + 1)
        book.save(path)
        return
    file = path / f"{table}.csv"
    text = file.read_text("utf-8-sig")
    delimiter = ";" if ";" in text else ","
    rows = [line.split(delimiter) for line in text.splitlines()]
    place = rows[0].index(column)
    kept = [delimiter.join(row[:place] + row[place + 1 :]) for row in rows]
    file.write_text("\n".join(kept) + "\n", "utf-8")


@pytest.mark.parametrize(
    ("name", "near"), [("post", "posts"), ("teacher", "teachers"), ("Category", "categories")]
)
@pytest.mark.parametrize("shape", ["xlsx", "csv", "json"])
def test_a_near_miss_of_a_table_is_told_and_what_it_would_say_is_unknown(
    shape: str, name: str, near: str, tmp_path: Path
) -> None:
    tables = plain()
    tables["categories"] = []
    tables[name] = tables.pop(near)
    path = written_as(shape, tables, tmp_path, {name: near})
    dossier = Dossier.read(path)
    assert (near, None, None, "table_near_miss") in told(dossier)
    assert not dossier.has(near)
    report = judged(path)
    assert verdict(report) == "undetermined"
    assert any(f"“{near}”" in entry["remedy"] for entry in report["invalid"])


def written_as(shape: str, tables: Tables, folder: Path, known_as: dict[str, str]) -> Path:
    """Write tables some of which have a name that is none; their columns are those of another."""
    wide = {
        table: [dict(zip(names, row, strict=True)) for row in rows]
        for table, (names, *rows) in (
            (table, lines(known_as.get(table, table), tables[table])) for table in tables
        )
    }
    if shape == "json":
        return to_json(wide, folder / "d.json")
    book = Workbook()
    target = folder / "d"
    target.mkdir()
    for table, rows in tables.items():
        cells = lines(known_as.get(table, table), rows)
        sheet = book.create_sheet(table)
        for line in cells:
            sheet.append(line)
        text = [",".join("" if cell is None else str(cell) for cell in line) for line in cells]
        (target / f"{table}.csv").write_text("\n".join(text), "utf-8")
    book.save(folder / "d.xlsx")
    return folder / "d.xlsx" if shape == "xlsx" else target


@pytest.mark.parametrize("shape", ["xlsx", "json"])
def test_a_near_miss_beside_the_right_table_leaves_its_facts_unknown(
    shape: str, tmp_path: Path
) -> None:
    tables = plain() | {"post": [{"teacher_id": "T1", "post": "head"}]}
    path = written_as(shape, tables, tmp_path, {"post": "posts"})
    assert verdict(judged(path)) == "undetermined"
    (tmp_path / "other").mkdir()
    tables = plain() | {"school": [{"school_id": "S1"}]}
    dossier = Dossier.read(written_as(shape, tables, tmp_path / "other", {"school": "schools"}))
    assert dossier.school("S1").gap == "invalid_row"
    assert told(dossier) == [("schools", None, None, "table_near_miss")]


@pytest.mark.parametrize("column", ["teacher_id", "post"])
def test_a_missing_required_column_refuses_the_table(column: str, tmp_path: Path) -> None:
    for shape in ("csv", "xlsx"):
        path = written(shape, plain(), tmp_path)
        drop_column(path, "posts", column)
        assert told(Dossier.read(path)) == [("posts", None, column, "column_missing")]
        assert verdict(judged(path)) == "undetermined"


def test_a_column_that_stands_twice_refuses_the_table(tmp_path: Path) -> None:
    folder = to_csv(plain(), tmp_path / "d")
    (folder / "posts.csv").write_text("teacher_id,post,Post \nT1,head,\n", "utf-8")
    assert told(Dossier.read(folder)) == [("posts", None, "post", "column_twice")]
    path = to_json(plain(), tmp_path / "d.json")
    content = json.loads(path.read_text("utf-8"))
    content["posts"] = [{"teacher_id": "T1", "post": "head", "POST": "head"}]
    path.write_text(json.dumps(content), "utf-8")
    assert told(Dossier.read(path)) == [("posts", None, "post", "column_twice")]


def shouted(name: object) -> str:
    """A header as people write one: `SCHOOL ID` for `school_id`."""
    return f"{str(name).upper().replace('_', ' ')} "


def test_headers_and_names_of_tables_are_known_in_any_case_and_with_spaces(tmp_path: Path) -> None:
    tables = plain()
    path = to_json(tables, tmp_path / "d.json")
    expected = answer(judged(path))
    loud: Tables = {
        shouted(table): [{shouted(name): cell for name, cell in row.items()} for row in rows]
        for table, rows in tables.items()
    }
    assert answer(judged(to_json(loud, path))) == expected
    book = workbook(tables)
    for sheet in book.worksheets:
        sheet.title = shouted(sheet.title)
        for cell in sheet[1]:
            cell.value = shouted(cell.value)
    book.save(tmp_path / "d.xlsx")
    assert answer(judged(tmp_path / "d.xlsx")) == expected
    folder = to_csv(tables, tmp_path / "d", ";")
    for file in list(folder.iterdir()):
        head, _, rest = file.read_text("utf-8").partition("\n")
        file.unlink()
        (folder / f"{shouted(file.stem)}.CSV").write_text(f"{shouted(head)}\n{rest}", "utf-8")
    assert answer(judged(folder)) == expected


def test_a_required_column_that_no_json_row_states_makes_each_row_invalid(tmp_path: Path) -> None:
    path = to_json(plain() | {"posts": [{"teacher_id": "T9"}]}, tmp_path / "d.json")
    assert told(Dossier.read(path))[0] == ("posts", 1, "post", "required")
    assert verdict(judged(path)) == "eligible"  # it is T9 whose post is unknown


def test_the_same_table_twice_is_refused(tmp_path: Path) -> None:
    book = workbook(plain())
    book.create_sheet("Schools ")
    book.save(tmp_path / "d.xlsx")
    assert refused(tmp_path / "d.xlsx") == "table_twice"
    path = tmp_path / "d.json"
    path.write_text('{"schools": [], "Schools": []}')
    assert refused(path) == "table_twice"


def test_a_file_without_its_header_gives_no_cell_away(tmp_path: Path) -> None:
    folder = to_csv(plain(), tmp_path / "d")
    (folder / "teachers.csv").write_text("T1,S1,Құпия Адам,850417300025\n", "utf-8")
    report = judged(folder)
    assert verdict(report) == "undetermined"
    shown = json.dumps(report, ensure_ascii=False).casefold()
    assert "құпия" not in shown
    assert "850417300025" not in shown


# Rows -----------------------------------------------------------------------------------


@in_every_shape
def test_example_rows_are_skipped(shape: str, tmp_path: Path) -> None:
    tables = plain()
    tables["schools"].append({"school_id": "EXAMPLE", "kind": "?"})
    tables["teachers"].insert(0, {"teacher_id": " EXAMPLE-1", "school_id": None})
    tables["posts"].append({"teacher_id": "EXAMPLE", "post": "?"})
    tables["quality"].append({"teacher_id": "EXAMPLE 2", "subject": "", "school_year": "x"})
    tables["appointments"].append({"appointment_id": "EXAMPLE", "ordered_on": "soon"})
    report = judged(written(shape, tables, tmp_path))
    assert report["invalid"] == []
    assert (verdict(report), len(report["results"])) == ("eligible", 1)


def test_empty_rows_in_between_change_nothing_but_the_row_numbers(tmp_path: Path) -> None:
    tables = plain()
    tables["posts"] = [{"teacher_id": "T9", "post": "?"}]
    expected = judged(to_xlsx(tables, tmp_path / "d.xlsx"))
    book = workbook(tables)
    for sheet in book.worksheets:
        sheet.insert_rows(1, 2)
        sheet.insert_rows(4, 3)
        sheet.cell(5, 2, "  ")
    book.save(tmp_path / "d.xlsx")
    report = judged(tmp_path / "d.xlsx")
    assert answer(report) == answer(expected)
    assert [entry["row"] for entry in expected["invalid"]] == [2]
    assert [entry["row"] for entry in report["invalid"]] == [7]
    folder = to_csv(tables, tmp_path / "d")
    for file in folder.iterdir():
        text = file.read_text("utf-8").splitlines()
        commas = "," * text[0].count(",")
        file.write_text("\n\n" + "\n\n".join([text[0], commas, *text[1:]]) + "\n\n", "utf-8")
    report = judged(folder)
    assert answer(report) == answer(expected)
    assert [entry["row"] for entry in report["invalid"]] == [7]


def csv_with(folder: Path, table: str, text: str) -> Path:
    """A plain dossier in CSV with one file replaced."""
    to_csv(plain(), folder)
    (folder / f"{table}.csv").write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    "line", ["T9,head", "T9", "head,2020-01-01", "T9,head,2020-01-01,2026-12-31,да"]
)
def test_a_ragged_row_is_a_row_problem_and_never_leaves_anyone_wrongly_without_a_post(
    line: str, tmp_path: Path
) -> None:
    path = csv_with(tmp_path / "d", "posts", f"teacher_id,post,since,until\n{line}\n")
    assert told(Dossier.read(path)) == [("posts", 2, None, "ragged")]
    surplus = line.count(",") > 3  # the first cell of a long line stands where it should
    assert verdict(judged(path)) == ("eligible" if surplus else "undetermined")


def test_a_ragged_row_whose_id_is_not_its_first_cell_may_be_anybodys(tmp_path: Path) -> None:
    text = "post,teacher_id,since\nhead,2020-01-01,T1,x\n"
    assert verdict(judged(csv_with(tmp_path / "d", "posts", text))) == "undetermined"


def test_a_ragged_appointment_is_not_judged(tmp_path: Path) -> None:
    head = "appointment_id,school_id,mentor_id,mentee_id,ordered_on\n"
    for number, line in enumerate(("A1,S1,T1,N1", "A1,S1,T1,N1,2026-09-01,x")):
        path = csv_with(tmp_path / str(number), "appointments", f"{head}{line}\n")
        assert verdict(judged(path)) == "not_judged"


def test_blank_cells_after_the_last_column_make_no_row_ragged(tmp_path: Path) -> None:
    text = "teacher_id,post,,\nT9,head\nT9,head,\nT9,head,, \n"
    dossier = Dossier.read(csv_with(tmp_path / "d", "posts", text))
    assert {code for *_, code in told(dossier)} == {"dangling"}
    assert len(dossier.posts("T9").records) == 3


def test_an_invalid_appointment_is_listed_with_both_verdicts_not_judged(tmp_path: Path) -> None:
    for shape in SHAPES:
        tables = plain()
        tables["appointments"][0]["ordered_on"] = "31.06.2026"
        tables["appointments"].append({"appointment_id": None, "school_id": "S1"})
        report = judged(written(shape, tables, tmp_path))
        (result,) = report["results"]
        assert (result["eligibility"], result["procedure"]) == ("not_judged", "not_judged")
        assert (result["school_id"], result["mentor_id"], result["mentee_id"]) == ("S1", "T1", "N1")
        assert report["summary"]["eligibility"]["not_judged"] == 1
        assert {entry["key"] for entry in report["invalid"]} == {"A1", "…"}


BAD_POSTS: list[Row] = [
    {"teacher_id": "T1", "post": "head", "since": "01.13.2020"},
    {"teacher_id": "T1", "post": "head", "until": "one day"},
    {"teacher_id": "T1", "post": "boss"},
    {"teacher_id": "T1", "post": "head", "acting": "perhaps"},
    {"teacher_id": "T1", "post": "head", "since": "2026-01-01", "until": "2025-01-01"},
    {"teacher_id": "", "post": "head"},
]


@in_every_shape
@pytest.mark.parametrize("row", BAD_POSTS)
def test_an_unreadable_row_of_posts_never_makes_a_head_an_eligible_teacher(
    shape: str, row: Row, tmp_path: Path
) -> None:
    tables = plain() | {"posts": [row, {"teacher_id": "N1", "post": "deputy_head"}]}
    report = judged(written(shape, tables, tmp_path))
    assert verdict(report) == "undetermined"
    assert [entry["table"] for entry in report["invalid"]] == ["posts"]
    (finding,) = [
        finding
        for finding in report["results"][0]["findings"]
        if finding["rule"] == "eligibility/excluded_posts"
    ]
    assert finding["outcome"] == "unknown"


@in_every_shape
def test_rows_of_one_key_that_agree_are_noted_and_those_that_disagree_are_both_invalid(
    shape: str, tmp_path: Path
) -> None:
    tables = plain()
    alike = dict(tables["quality"][0]) | {"subject": "PHYSICS", "percent": "80,0"}
    tables["quality"] += [alike, tables["quality"][1] | {"percent": 81}]
    tables["schools"].append(dict(tables["schools"][0]))
    path = written(shape, tables, tmp_path)
    dossier = Dossier.read(path)
    alike_rows = [dict(params) for code, params in dossier.notes if code == "stands_twice"]
    assert alike_rows == [
        {"table": "schools", "key": "S1", "count": "2"},
        {"table": "quality", "key": "T1 physics 2023/24", "count": "2"},
    ]
    rows = (2, 5) if shape == "json" else (3, 6)
    assert told(dossier) == [("quality", row, None, "rows_disagree") for row in rows]
    first, second = dossier.invalid
    assert (first.params["others"], second.params["others"]) == (str(rows[1]), str(rows[0]))
    assert figures(dossier) == [80, 80]
    report = judged(path)
    assert verdict(report) == "undetermined"
    assert [f"row {rows[1]}" in entry["problem"] for entry in report["invalid"]] == [True, False]


@in_every_shape
def test_appointments_of_one_id_that_disagree_are_one_result_that_is_not_judged(
    shape: str, tmp_path: Path
) -> None:
    tables = plain()
    tables["appointments"].append(tables["appointments"][0] | {"ends_on": "2027-05-25"})
    report = judged(written(shape, tables, tmp_path))
    assert verdict(report) == "not_judged"
    assert len(report["invalid"]) == 2


@in_every_shape
def test_dangling_ids_are_listed_and_the_row_that_names_them_stands(
    shape: str, tmp_path: Path
) -> None:
    tables = plain()
    tables["appointments"].append(
        tables["appointments"][0]
        | {"appointment_id": "A2", "mentor_id": "T7", "mentee_id": "N7", "school_id": "S7"}
    )
    tables["reserve"] = [{"school_id": "S8", "teacher_id": "T1"}]
    path = written(shape, tables, tmp_path)
    assert [(table, column, code) for table, _, column, code in told(Dossier.read(path))] == [
        ("appointments", "school_id", "dangling"),
        ("appointments", "mentor_id", "dangling"),
        ("appointments", "mentee_id", "dangling"),
        ("reserve", "school_id", "dangling"),
    ]
    report = judged(path)
    assert (verdict(report), verdict(report, "A2")) == ("eligible", "undetermined")
    assert report["summary"]["invalid_rows"] == 2


# Text files -----------------------------------------------------------------------------


def test_cp1251_is_refused_by_name_and_read_right_when_named(tmp_path: Path) -> None:
    tables = plain()
    for row in tables["quality"]:
        row["subject"] = "Русский язык"
    tables["appointments"][0]["subject"] = "русский язык"
    tables["posts"] = [{"teacher_id": "N1", "post": "завуч"}]
    path = to_csv(tables, tmp_path / "d", encoding="cp1251")
    assert refused(path) == "encoding"
    assert answer(judged(path, encoding="cp1251")) == answer(judged(to_csv(tables, tmp_path / "e")))
    one = to_json(tables, tmp_path / "d.json")
    one.write_bytes(one.read_text("utf-8").encode("cp1251"))
    assert refused(one) == "encoding"
    assert verdict(judged(one, encoding="cp1251")) == "eligible"


@pytest.mark.parametrize("encoding", ["kz1048", "utf-16", "utf-8-sig", "utf-8"])
def test_kazakh_letters_are_read_from_every_encoding_that_has_them(
    encoding: str, tmp_path: Path
) -> None:
    path = to_csv(plain() | {"schools": [{"school_id": KAZAKH}]}, tmp_path / "d", encoding=encoding)
    # A mark is honoured without being named, and wins over a name that is wrong.
    named = "kz1048" if encoding == "kz1048" else None
    assert Dossier.read(path, encoding=named).schools == (KAZAKH,)
    if encoding in ("utf-16", "utf-8-sig"):
        assert Dossier.read(path, encoding="cp1251").schools == (KAZAKH,)


@pytest.mark.parametrize("encoding", ["no-such", "hex", "rot13"])
def test_an_encoding_that_is_none_is_wrong_usage(encoding: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such encoding"):
        Dossier.read(to_csv(plain(), tmp_path / "d"), encoding=encoding)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"teacher_id,post\nT\x001,head\n", "nul"),
        ("teacher_id,post\nT1,head\n".encode("utf-16-le"), "nul"),
        ("teacher_id,post\nT1,head\n".encode("utf-32"), "nul"),
        (b'teacher_id,post\nT1,"head\n', "csv"),
        (b'teacher_id,post\nT1,"he"ad\n', "csv"),
        (b"teacher_id,post\nT1," + b"x" * 200_000 + b"\n", "csv"),
        (b"\xff\xfe\x00", "encoding"),
        (b"\xef\xbb\xbf\xff", "encoding"),
        (",".join(f"column{n}" for n in range(300)).encode(), "too_many_columns"),
    ],
)
def test_a_text_file_that_is_none_is_refused_with_its_reason(
    content: bytes, code: str, tmp_path: Path
) -> None:
    folder = to_csv(plain(), tmp_path / "d")
    (folder / "posts.csv").write_bytes(content)
    assert refused(folder) == code


def test_quoted_delimiters_quotes_and_line_breaks_stay_in_their_cell(tmp_path: Path) -> None:
    name = 'Мектеп «Сәуле», "жаңа"; екінші\nқатар'
    tables = plain()
    tables["schools"][0]["name"] = name
    for delimiter in (",", ";"):
        dossier = Dossier.read(to_csv(tables, tmp_path / "d", delimiter))
        (school,) = dossier.school("S1").records
        assert (school.name or "").replace("\r\n", "\n") == name


@pytest.mark.parametrize("content", ["", "\n\n", "  \n , , \n", "\ufeff"])
def test_a_file_without_even_a_header_is_not_a_complete_table(content: str, tmp_path: Path) -> None:
    path = csv_with(tmp_path / "d", "posts", content)
    assert {code for *_, code in told(Dossier.read(path))} == {"column_missing"}
    assert verdict(judged(path)) == "undetermined"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        '"schools"',
        "{",
        '{"schools": NaN}',
        '{"schools": [{"school_id": Infinity}]}',
        '{"schools": [], "schools": []}',
        '{"schools": [{"school_id": "S1", "school_id": "S2"}]}',
        '{"schools": {}}',
        '{"schools": null}',
        '{"schools": ["S1"]}',
        '{"\\ud800": []}',
        '{"schools": [{"\\udfff": 1}]}',
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"schools": [{"school_id": ' + "[" * 100_000 + "]" * 100_000 + "}]}",
        "{'schools': []}",
        '{"schools": []} x',
    ],
)
def test_json_that_is_no_dossier_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text(content, "utf-8")
    assert refused(path) == "json"


@pytest.mark.parametrize(
    "cell", ["1" * 5000, '"\\ud800"', "[[[[]]]]", '{"a": {"b": 1}}', "1e5000", "-1e-5000", "true"]
)
def test_a_cell_of_json_that_is_no_value_is_one_bad_cell(cell: str, tmp_path: Path) -> None:
    for column in ("kind", "week", "school_id", "name"):
        path = tmp_path / "d.json"
        path.write_text(
            f'{{"schools": [{{"school_id": "S1", "{column}": {cell}}}]}}'.replace(
                '"school_id": "S1", "school_id"', '"school_id"'
            ),
            "utf-8",
        )
        dossier = Dossier.read(path)
        assert [(table, row, found) for table, row, found, _ in told(dossier)] == [
            ("schools", 1, column)
        ]
        check(dossier, as_of=AS_OF).to_json().encode()


# Workbooks that are none ----------------------------------------------------------------


def test_a_text_file_renamed_to_xlsx_is_not_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "d.xlsx"
    for content in (b"", b"teacher_id,post\n"):
        path.write_bytes(content)
        assert refused(path) == "not_a_workbook"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 64)
    assert refused(path) == "locked_workbook"


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.xlsx"
    with zipfile.ZipFile(path, "w") as container:
        container.writestr("schools.csv", "school_id\nS1\n")
    assert refused(path) == "not_a_workbook"


def test_a_truncated_workbook_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    whole = to_xlsx(medium(), tmp_path / "whole.xlsx").read_bytes()
    path = tmp_path / "d.xlsx"
    for share in (0.1, 0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert refused(path) == "not_a_workbook"


@pytest.mark.filterwarnings("ignore")
def test_a_damaged_workbook_is_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    whole = to_xlsx(plain(), tmp_path / "whole.xlsx").read_bytes()
    path = tmp_path / "d.xlsx"
    chance = random.Random(160)
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.choice((1, 3, 10))):
            # The directory at the end is where a container is steered from.
            first = chance.choice((0, len(whole) - 1500))
            damaged[chance.randrange(first, len(whole))] = chance.randrange(256)
        path.write_bytes(damaged)
        with suppress(ReadingError):
            check(Dossier.read(path), as_of=AS_OF)


def member_replaced(path: Path, name: str, content: bytes) -> None:
    """Put another content into one member of a workbook."""
    old = path.with_suffix(".old")
    shutil.move(path, old)
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for member in source.namelist():
            made.writestr(member, content if member == name else source.read(member))


def test_a_member_that_unfolds_beyond_the_limits_is_refused_unread(tmp_path: Path) -> None:
    path = to_xlsx(plain(), tmp_path / "d.xlsx")
    member_replaced(path, "xl/worksheets/sheet1.xml", b"<" * (30 * 2**20))
    assert path.stat().st_size < 200_000
    assert refused(path) == "unfolds_too_far"


def test_members_that_unfold_too_far_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = to_xlsx(plain(), tmp_path / "d.xlsx")
    monkeypatch.setattr(container_module, "MAX_UNZIPPED", 2000)
    assert refused(path) == "unfolds_too_far"


def test_a_container_beyond_twenty_megabytes_is_refused(tmp_path: Path) -> None:
    path = to_xlsx(plain(), tmp_path / "d.xlsx")
    with path.open("ab") as file:
        file.truncate(21 * 2**20)
    assert refused(path) == "too_large"


SHEET = (
    '<?xml version="1.0"?>{dtd}<worksheet '
    'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{size}'
    "<sheetData>{rows}</sheetData></worksheet>"
)
HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>school_id</t></is></c></row>'


def sheet(path: Path, rows: str, dtd: str = "", size: str = "") -> Path:
    """A workbook whose one sheet is given as XML."""
    to_xlsx({"schools": []}, path)
    content = SHEET.format(dtd=dtd, rows=HEAD + rows, size=size)
    member_replaced(path, "xl/worksheets/sheet1.xml", content.encode())
    return path


def test_declared_xml_entities_are_refused(tmp_path: Path) -> None:
    dtd = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    cell = '<row r="2"><c r="A2" t="inlineStr"><is><t>&b;</t></is></c></row>'
    assert refused(sheet(tmp_path / "d.xlsx", cell, dtd)) == "declares_entities"
    outside = f'<!DOCTYPE x [<!ENTITY b SYSTEM "file://{Path(__file__).as_posix()}">]>'
    assert refused(sheet(tmp_path / "e.xlsx", cell, outside)) == "declares_entities"


def test_rows_numbered_into_the_billions_are_refused_soon(tmp_path: Path) -> None:
    far = '<row r="9999999999"><c r="A9999999999" t="n"><v>1</v></c></row>'
    assert refused(sheet(tmp_path / "d.xlsx", far)) == "unfolds_too_far"


def test_a_declared_size_costs_nothing_and_a_last_cell_little(tmp_path: Path) -> None:
    size = '<dimension ref="A1:XFD1048576"/>'
    last = '<row r="1048576"><c r="A1048576" t="n"><v>7</v></c></row>'
    dossier = Dossier.read(sheet(tmp_path / "d.xlsx", last, size=size))
    assert dossier.schools == ("7",)


def test_numbers_of_a_workbook_that_are_none_are_bad_cells(tmp_path: Path) -> None:
    cells = "".join(
        f'<row r="{row}"><c r="A{row}" t="n"><v>{value}</v></c></row>'
        for row, value in enumerate(("1e999", "-1e999", "1e308", "12.0", "1.5"), start=2)
    )
    dossier = Dossier.read(sheet(tmp_path / "d.xlsx", cells))
    assert {row.row: row.code for row in dossier.invalid} == {2: "not_text", 3: "not_text"}
    assert dossier.schools == ("1.5", "1" + "0" * 308, "12")


def test_an_error_cell_is_no_value(tmp_path: Path) -> None:
    cell = '<row r="2"><c r="A2" t="e"><v>#REF!</v></c></row>'
    assert told(Dossier.read(sheet(tmp_path / "d.xlsx", cell))) == [
        ("schools", 2, "school_id", "not_text")
    ]


# Paths ----------------------------------------------------------------------------------


def test_what_is_no_dossier_is_told_apart_from_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        Dossier.read(tmp_path / "nowhere")
    assert refused(tmp_path) == "no_tables"
    for name in ("d.xls", "d.xlsm", "d.txt", "posts.csv"):
        (tmp_path / "x").mkdir(exist_ok=True)
        (tmp_path / "x" / name).write_text("teacher_id,post\n")
        code = "old_workbook" if name == "d.xls" else "unknown_shape"
        assert refused(tmp_path / "x" / name) == code
    (tmp_path / "y" / "schools.csv").mkdir(parents=True)
    assert refused(tmp_path / "y") == "no_tables"


@in_every_shape
def test_a_dossier_of_headers_only_has_nothing_to_judge(shape: str, tmp_path: Path) -> None:
    report = judged(written(shape, {table: [] for table in plain()}, tmp_path))
    assert report["results"] == []
    assert report["invalid"] == []
    assert report["summary"]["appointments"] == 0


# Look-ups -------------------------------------------------------------------------------


@in_every_shape
@pytest.mark.parametrize("table", ["posts", "reserve"])
def test_an_absent_table_is_unknown_and_an_empty_one_is_complete(
    shape: str, table: str, tmp_path: Path
) -> None:
    def found(dossier: Dossier) -> tuple[int, str | None]:
        answer: Any = dossier.posts("T1") if table == "posts" else dossier.reserve("S1", "T1")
        return len(answer.records), answer.gap

    tables = {name: rows for name, rows in plain().items() if name != table}
    (tmp_path / "absent").mkdir()
    assert found(Dossier.read(written(shape, tables, tmp_path / "absent"))) == (0, "no_table")
    assert found(Dossier.read(written(shape, tables | {table: []}, tmp_path))) == (0, None)


def test_no_other_table_is_complete() -> None:
    empty = Dossier.from_tables({table: [] for table in ("schools", "teachers", "plans")})
    for found in (empty.school("S1"), empty.teacher("T1"), empty.plan("A1")):
        assert (found.records, found.gap) == ((), "no_row")
    nothing = Dossier()
    for other in (nothing.school("S1"), nothing.teacher("T1"), nothing.plan("A1")):
        assert (other.records, other.gap) == ((), "no_table")
    assert nothing.categories("T1").gap is None  # a history is optional
    assert nothing.quality("T1") == {}


def test_a_row_that_cannot_be_read_spoils_the_facts_of_its_key_only() -> None:
    rows: list[Row] = [
        {"teacher_id": "T1", "school_id": ""},
        {"teacher_id": "T2", "school_id": "S1"},
    ]
    dossier = Dossier.from_tables({"teachers": rows})
    assert dossier.teacher("T1").gap == "invalid_row"
    assert dossier.teacher("T2").gap is None
    rows.append({"school_id": "S1"})
    everyone = Dossier.from_tables({"teachers": rows})
    assert everyone.teacher("T2").gap == "invalid_row"


def test_an_unreadable_row_beside_a_readable_one_of_the_same_key_spoils_both() -> None:
    good = {"teacher_id": "T1", "school_id": "S1", "category": "master"}
    dossier = Dossier.from_tables({"teachers": [good, good | {"category": "guru"}]})
    assert dossier.teacher("T1").gap == "invalid_row"


def test_the_shown_key_has_a_mark_where_it_cannot_be_read() -> None:
    dossier = Dossier.from_tables(
        {"quality": [{"teacher_id": "T1", "subject": "", "school_year": "2023/24"}]}
    )
    (row,) = dossier.invalid
    assert row.shown_key == "T1 … 2023/24"
    assert dossier.unreadable_quality("T1") == (("T1", None, "2023/24"),)
    assert dossier.unreadable_quality("T2") == ()


def test_figures_that_say_one_thing_in_two_ways_agree() -> None:
    year = {"teacher_id": "T1", "subject": "physics", "school_year": "2023/24"}
    both: list[Row] = [year | {"percent": "60,0"}, year | {"learners": 25, "learners_good": 15}]
    dossier = Dossier.from_tables({"quality": both})
    assert dossier.invalid == ()
    assert len(dossier.notes) == 1
    (row,) = dossier.quality("T1")["physics"].values()
    assert isinstance(row, QualityYear)


def test_a_dossier_is_printed_without_anything_personal(tmp_path: Path) -> None:
    tables = plain()
    tables["teachers"][0] |= {"name": "Құпия Адам", "category": "guru"}
    dossier = Dossier.read(to_json(tables, tmp_path / "d.json"))
    shown = f"{dossier!r} {dossier.invalid!r} {dossier.teacher('N1')!r}"
    assert "Құпия" not in shown
    assert repr(dossier).startswith("Dossier(schools=1")
