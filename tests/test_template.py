"""The template: what it asks for, what it refuses, and a school's whole way with it."""

import io
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import from_excel
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from mentor_rules import Dossier, check, load_rulebook
from mentor_rules.headings import column_label, headings, squeeze, table_named
from mentor_rules.reading import EXAMPLE, OWN_COLUMNS, is_own
from mentor_rules.records import TABLES, VOCABULARIES, build_record, columns, parse_date
from mentor_rules.report.template import PREPARED, examples, sheet_name, template
from mentor_rules.schema import kind, values
from mentor_rules.texts import say
from mentor_rules.vocabulary import LANGUAGES, Language
from tests.dossiers import AS_OF, KAZAKH
from tests.libreoffice import needs_libreoffice, saved_by_libreoffice
from tests.test_cli import DAY, run
from tests.test_workbook import added, judged

RULEBOOK = load_rulebook()

in_every_language = pytest.mark.parametrize("language", LANGUAGES)
# LibreOffice takes its time, and does with another language what it does with one.
in_one_language = pytest.mark.parametrize(
    "language",
    [
        pytest.param(language, marks=() if language == "kk" else pytest.mark.long)
        for language in LANGUAGES
    ],
)


def opened(language: Language) -> Workbook:
    return load_workbook(io.BytesIO(template(language)))


def written(tmp_path: Path, language: Language) -> Path:
    path = tmp_path / f"template-{language}.xlsx"
    path.write_bytes(template(language))
    return path


def place_of(table: str, column: str) -> int:
    return list(columns(table)).index(column) + 1


def check_of(sheet: Worksheet, table: str, column: str) -> DataValidation | None:
    """The check on the cells of a column."""
    area = f"{get_column_letter(place_of(table, column))}2"
    found = [one for one in sheet.data_validations.dataValidation if area in one.sqref]
    assert len(found) <= 1
    return found[0] if found else None


# What it holds --------------------------------------------------------------------------


@in_every_language
def test_every_table_and_column_is_there_and_is_read_by_its_heading(language: Language) -> None:
    book = opened(language)
    tables = [sheet for sheet in book.worksheets if not is_own(sheet.title)]
    assert [table_named(sheet.title) for sheet in tables] == list(TABLES)
    for sheet, table in zip(tables, TABLES, strict=True):
        names = [str(cell.value) for cell in sheet[1]]
        assert [headings()[table].columns[squeeze(name)] for name in names] == list(columns(table))
        for name, (column, required) in zip(names, columns(table).items(), strict=True):
            assert name == column_label(table, column, language) + " *" * required
    assert is_own(book.sheetnames[0])
    assert book.active is book.worksheets[0]


@in_every_language
def test_every_heading_has_a_note_that_says_what_to_write(language: Language) -> None:
    book = opened(language)
    for table in TABLES:
        sheet = book[sheet_name(table, language)]
        for column, required in columns(table).items():
            comment = sheet.cell(1, place_of(table, column)).comment
            assert comment is not None
            note = comment.text
            for code in values(table, column):
                assert VOCABULARIES[table][column].label(code, language) in note
            assert (say("template", "is_required", language) in note) == required


@in_every_language
def test_every_word_of_a_drop_down_is_read_back_as_its_code(language: Language) -> None:
    book = opened(language)
    for table, vocabularies in VOCABULARIES.items():
        for column, vocabulary in vocabularies.items():
            check_there = check_of(book[sheet_name(table, language)], table, column)
            assert check_there is not None
            assert check_there.type == "list"
            area = book.defined_names[str(check_there.formula1)]
            [(title, cells)] = area.destinations
            words = [cell.value for (cell,) in book[title][cells.replace("$", "")]]
            assert len(words) == len(vocabulary.codes)
            for code, word in zip(vocabulary.codes, words, strict=True):
                required = {name: "x" for name, needed in columns(table).items() if needed}
                days = {name: AS_OF for name in required if kind(table, name) == "date"}
                closed = {
                    name: VOCABULARIES[table][name].codes[0]
                    for name in required
                    if name in VOCABULARIES[table]
                }
                record, problems = build_record(
                    table, 2, {**required, **days, **closed, column: word}
                )
                assert not problems
                assert getattr(record, column) == code


@in_every_language
def test_checks_let_in_what_the_reader_reads_and_nothing_else(language: Language) -> None:
    book = opened(language)
    for table in TABLES:
        sheet = book[sheet_name(table, language)]
        for column in columns(table):
            found, check_there = kind(table, column), check_of(sheet, table, column)
            letter = get_column_letter(place_of(table, column))
            number_format = sheet.column_dimensions[letter].number_format
            if found in ("id", "iin", "school_year", "text", "texts"):
                assert check_there is None
                assert number_format == "@"
                continue
            assert check_there is not None, (table, column)
            assert str(check_there.sqref) == f"{letter}2:{letter}{PREPARED}"
            assert check_there.showErrorMessage
            assert len(check_there.errorTitle or "") <= 32
            assert 0 < len(check_there.error or "") <= 225
            limits = (check_there.type, check_there.formula1, check_there.formula2)
            if found == "date":
                assert limits == ("date", "32874", "73415")
                assert "yy" in number_format
            elif found == "percent":
                assert limits == ("decimal", "0", "100")
            elif found == "count":
                assert limits == ("whole", "0", "1000000")
            elif found == "week":
                assert limits[:2] == ("list", '"5,6"')


def test_the_days_of_the_window_are_those_of_the_serial_numbers() -> None:
    for serial, day in ((32874, "1990-01-01"), (73415, "2100-12-31")):
        assert from_excel(serial).date() == parse_date(day)


@in_every_language
def test_an_empty_template_is_read_without_a_complaint(language: Language, tmp_path: Path) -> None:
    read = Dossier.read(written(tmp_path, language))
    assert (read.invalid, read.notes, read.ignored_columns) == ((), (), ())
    assert not read.appointments
    assert not read.schools  # the examples are passed over
    done = run("check", written(tmp_path, language), *DAY)
    assert done.returncode == 3  # nothing was checked


@in_every_language
def test_the_first_sheet_explains_and_warns_of_lists_that_are_read_as_complete(
    language: Language,
) -> None:
    sheet = opened(language).worksheets[0]
    texts = " ".join(str(cell.value) for row in sheet for cell in row if cell.value)
    assert EXAMPLE in texts
    assert "mentor-rules check" in texts
    for table in TABLES:
        assert sheet_name(table, language) in texts
        assert say("template", table, language) in texts
    complete = {name: sheet_name(name, language) for name in ("posts", "reserve")}
    assert say("template", "complete", language, **complete) in texts


@in_every_language
def test_headers_are_frozen_marked_and_printed_on_every_page(language: Language) -> None:
    book = opened(language)
    for table in TABLES:
        sheet = book[sheet_name(table, language)]
        assert sheet.freeze_panes == "A2"
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.orientation == "landscape"
        fills = {
            required: {
                sheet.cell(1, place_of(table, column)).fill.fgColor.rgb
                for column, needed in columns(table).items()
                if needed is required
            }
            for required in (True, False)
        }
        assert not fills[True] & fills[False]
    hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "hidden"]
    assert len(hidden) == 1
    assert squeeze(hidden[0]).startswith(OWN_COLUMNS)


def test_what_is_typed_stands_beside_the_first_line_of_a_long_answer() -> None:
    book = opened("en")
    for table in TABLES:
        sheet = book[sheet_name(table, "en")]
        for place in range(1, len(columns(table)) + 1):
            assert sheet.column_dimensions[get_column_letter(place)].alignment.vertical == "top"
            assert sheet.cell(2, place).alignment.vertical == "top"


def test_the_nine_letters_of_kazakh_are_in_the_kazakh_template() -> None:
    book = opened("kk")
    texts = [str(cell.value) for sheet in book for row in sheet for cell in row if cell.value]
    texts += [c.comment.text for sheet in book for row in sheet for c in row if c.comment]
    # No word of the subject has the ninth, `һ`.
    assert set(KAZAKH) - {"һ"} <= set(" ".join(texts).lower())


@in_every_language
def test_the_same_language_gives_the_same_bytes(language: Language) -> None:
    assert template(language) == template(language)


@in_every_language
def test_the_command_writes_it_and_overwrites_nothing(language: Language, tmp_path: Path) -> None:
    out = tmp_path / "t.xlsx"
    assert run("template", out, "--lang", language).returncode == 0
    assert out.read_bytes() == template(language)
    again = run("template", out, "--lang", language)
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert run("template", out, "--lang", language, "--force").returncode == 0
    assert run("template", "--lang", language).returncode == 2


# A school's whole way -------------------------------------------------------------------


def fill_in(book: Workbook, table: str, language: Language, rows: list[dict[str, Any]]) -> None:
    """Write rows below the example, each value as it is given."""
    sheet = book[sheet_name(table, language)]
    for number, row in enumerate(rows, start=sheet.max_row + 1):
        for column, value in row.items():
            sheet.cell(number, place_of(table, column), value)


def without_example(value: Any, number: int) -> Any:
    if not isinstance(value, str) or not value.startswith(EXAMPLE):
        return value
    return f"00{number}{value.removeprefix(EXAMPLE)}"


def meant(language: Language, number: int = 1) -> dict[str, list[dict[str, Any]]]:
    """The rows of the example as somebody's own."""
    return {
        table: [
            {column: without_example(value, number) for column, value in row.items()}
            for row in rows
        ]
        for table, rows in examples(language).items()
    }


@in_every_language
def test_the_example_is_itself_in_order(language: Language, tmp_path: Path) -> None:
    book = opened(language)
    for table, rows in meant(language).items():
        fill_in(book, table, language, rows)
    path = tmp_path / "filled.xlsx"
    book.save(path)
    report = judged(path, language)
    assert report.invalid == ()
    [result] = report.results
    assert (result.eligibility, result.procedure) == ("eligible", "pending")
    assert [f.outcome for f in report.schools[0].findings if f.outcome != "satisfied"] == []
    advisory = {f.rule: f.outcome for f in result.findings if f.weight == "advisory"}
    assert set(advisory.values()) <= {"satisfied", "not_applicable", "pending"}


def with_mistakes(language: Language) -> dict[str, list[dict[str, Any]]]:
    """Two appointments: the second has a mistake of each kind that a person makes."""
    good, bad = meant(language, 1), meant(language, 2)
    bad["schools"] = [{"school_id": "002-S1", "name": KAZAKH, "kind": "кәдимгі", "week": 5}]
    bad["teachers"][0] |= {"category_until": date(2023, 1, 1), "name": f"Әбіш {KAZAKH}ұлы"}
    bad["quality"][0]["percent"] = 0.745
    bad["quality"][1]["school_year"] = "2024/26"
    bad["appointments"][0]["mentee_id"] = "002-T9"
    bad["plans"][0] |= {"drafted_on": "жақында", "level_determined_on": None}
    return {table: [*good[table], *bad[table]] for table in good}


def mend(book: Workbook, language: Language) -> set[str]:
    """Correct only those cells that the copy names; give their columns."""
    mended: set[str] = set()
    for table, own in meant(language, 2).items():
        sheet = book[sheet_name(table, language)]
        places = added(sheet)
        key = next(
            name
            for name in columns(table)
            if f"{EXAMPLE}-" in str(examples(language)[table][0][name])
        )
        rows = (
            row
            for row in range(2, sheet.max_row + 1)
            if str(sheet.cell(row, place_of(table, key)).value).startswith("002-")
        )
        for row, right in zip(rows, own, strict=True):
            told = str(sheet.cell(row, places["x_mr_problem"]).value or "").split("\n")
            named = [
                column
                for column in columns(table)
                if any(
                    line.startswith(f"{column_label(table, column, language)}: ") for line in told
                )
            ]
            if table == "plans":
                overdue = say("outcome", "overdue", language)
                acts = [name for name in places if name.startswith("x_mr_state_")]
                late = [n for n in acts if sheet.cell(row, places[n]).value == overdue]
                named += [f"{name.removeprefix('x_mr_state_')}_on" for name in late]
            for column in named:
                sheet.cell(row, place_of(table, column)).value = right[column]
                mended.add(f"{table}.{column}")
    return mended


@pytest.mark.parametrize(
    ("language", "through_libreoffice"),
    [
        ("en", False),
        *(pytest.param(language, False, marks=pytest.mark.long) for language in ("kk", "ru")),
        pytest.param("kk", True, marks=needs_libreoffice),
        *(
            pytest.param(language, True, marks=[needs_libreoffice, pytest.mark.long])
            for language in ("en", "ru")
        ),
    ],
)
def test_template_fill_in_check_mend_and_check_again(
    language: Language, through_libreoffice: bool, tmp_path: Path
) -> None:
    def saved(path: Path, step: str) -> Path:
        return saved_by_libreoffice(path, tmp_path / step) if through_libreoffice else path

    # The template, filled in with mistakes.
    out = tmp_path / "district.xlsx"
    assert run("template", out, "--lang", language).returncode == 0
    book = load_workbook(out)
    for table, rows in with_mistakes(language).items():
        fill_in(book, table, language, rows)
    book.save(out)
    filled = saved(out, "filled")

    # Checked: the good appointment is in order, the other is not.
    copy = tmp_path / "copy.xlsx"
    options = (*DAY, "--lang", language, "--format", "xlsx")
    done = run("check", filled, *options, "--out", copy)
    assert done.returncode in (1, 3), done.stderr
    book = load_workbook(copy)
    # Also where a program has given every row the height of one line.
    orders = book[sheet_name("appointments", language)]
    assert max(orders.row_dimensions[row].height or 0 for row in range(2, 6)) > 40
    sheet = book[sheet_name("appointments", language)]
    places = added(sheet)
    found = {str(sheet.cell(row, 1).value): row for row in range(2, sheet.max_row + 1)}
    eligible = say("verdict", "eligible", language)
    assert sheet.cell(found["001-A1"], places["x_mr_eligibility"]).value == eligible
    assert sheet.cell(found["002-A1"], places["x_mr_eligibility"]).value != eligible
    assert sheet.cell(found[f"{EXAMPLE}-A1"], places["x_mr_eligibility"]).value is None
    told = {
        table: [
            row
            for row in range(2, book[sheet_name(table, language)].max_row + 1)
            if book[sheet_name(table, language)]
            .cell(row, added(book[sheet_name(table, language)])["x_mr_problem"])
            .value
        ]
        for table in TABLES
    }
    assert {table: len(wrong) for table, wrong in told.items() if wrong} == {
        **{"schools": 1, "teachers": 1, "quality": 2, "appointments": 1, "plans": 1}
    }
    teachers = book[sheet_name("teachers", language)]
    assert any(KAZAKH in str(cell.value) for row in teachers for cell in row)

    # The template's own help is still there: notes, drop-downs, examples, both its sheets.
    assert check_of(sheet, "appointments", "ordered_on") is not None
    assert check_of(book[sheet_name("posts", language)], "posts", "post") is not None
    assert sheet["A1"].comment is not None
    assert say("template", "guide", language) in book.sheetnames

    # Mended as it says, and checked again: now the plan can be judged, and an act is late.
    assert mend(book, language) == {
        *("schools.kind", "teachers.category_until", "quality.percent", "quality.school_year"),
        *("appointments.mentee_id", "plans.drafted_on"),
    }
    book.save(tmp_path / "mended.xlsx")
    done = run(
        "check", saved(tmp_path / "mended.xlsx", "mended"), *options, "--out", copy, "--force"
    )
    assert done.returncode == 1, done.stderr
    book = load_workbook(copy)
    assert mend(book, language) == {"plans.level_determined_on"}

    # Once more: clean.
    book.save(tmp_path / "again.xlsx")
    last = tmp_path / "last.xlsx"
    done = run("check", saved(tmp_path / "again.xlsx", "again"), *options, "--out", last)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    report = check(Dossier.read(last), as_of=AS_OF)
    assert report.invalid == ()
    assert [result.eligibility for result in report.results] == ["eligible"] * 2
    assert [result.procedure for result in report.results] == ["pending"] * 2
    assert run("check", last, *DAY).returncode == 0


@needs_libreoffice
@in_one_language
def test_libreoffice_keeps_the_checks_notes_and_text_formats(
    language: Language, tmp_path: Path
) -> None:
    book = load_workbook(saved_by_libreoffice(written(tmp_path, language), tmp_path / "saved"))
    for table in TABLES:
        sheet = book[sheet_name(table, language)]
        for column in columns(table):
            ours = check_of(opened(language)[sheet_name(table, language)], table, column)
            theirs = check_of(sheet, table, column)
            assert (theirs and theirs.type) == (ours and ours.type), (table, column)
            assert sheet.cell(1, place_of(table, column)).comment is not None
        assert sheet.cell(2, 1).number_format == "@"
