"""The user's own workbook back: nothing of it changed, and what the check says beside each row."""

import io
import json
import os
import pty
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from copy import copy
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.chart import BarChart
from openpyxl.comments import Comment
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Font, PatternFill, Protection
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table
from openpyxl.worksheet.worksheet import Worksheet

from mentor_rules import Dossier, ReadingError, Report, check, load_rulebook
from mentor_rules.headings import table_label
from mentor_rules.reading import is_own
from mentor_rules.records import TABLES
from mentor_rules.report import workbook as workbook_module
from mentor_rules.report.workbook import annotated, packed
from mentor_rules.result import Change, Changes, Way
from mentor_rules.texts import say
from mentor_rules.vocabulary import LANGUAGES, Language
from tests.dossiers import (
    AS_OF,
    KAZAKH,
    Tables,
    medium,
    plain,
    to_csv,
    to_json,
    to_xlsx,
    workbook,
)
from tests.generate import dossier as generated
from tests.libreoffice import needs_libreoffice, saved_by_libreoffice
from tests.test_cli import DAY, DISTRICT, SCRIPT, run
from tests.test_messy_files import FILES, MESSY
from tests.test_personal_data import IIN, NAME, with_check_digit
from tests.test_reading import SHAPES, written

RULEBOOK = load_rulebook()

in_every_language = pytest.mark.parametrize("language", LANGUAGES)


def judged(path: Path, language: Language = "en", **options: Any) -> Report:
    read = Dossier.read(path, **options)
    return check(read, as_of=AS_OF, language=language, confirm="none")


def answer(report: Report) -> str:
    """What an annotated copy must give again, byte by byte."""
    found = json.loads(report.to_json())
    return json.dumps([found[part] for part in ("results", "schools", "summary")])


def copy_of(path: Path, language: Language = "en", **options: Any) -> bytes:
    report = judged(path, language, **options)
    return annotated(path, report, RULEBOOK, language=language, **options)


def annotate(path: Path, target: Path, language: Language = "en", **options: Any) -> Path:
    """Write the annotated copy of a dossier, and hold that checking it answers the same."""
    report = judged(path, language, **options)
    target.write_bytes(annotated(path, report, RULEBOOK, language=language, **options))
    again = judged(target, language, **{k: v for k, v in options.items() if k != "encoding"})
    assert answer(again) == answer(report)
    return target


def header_row(sheet: Worksheet) -> int:
    return next(n for n, row in enumerate(sheet.values, start=1) if any(map(is_own, row)))


def added(sheet: Worksheet) -> dict[str, int]:
    """The columns that were added: name to place."""
    return {
        str(cell.value).partition("\n")[0]: place
        for place, cell in enumerate(sheet[header_row(sheet)], start=1)
        if is_own(cell.value)
    }


def beside(sheet: Worksheet, column: str, row: int) -> Any:
    return sheet.cell(row, added(sheet)[column]).value


def own_texts(book: Workbook) -> Iterator[str]:
    """Every text that was added."""
    for sheet in book.worksheets:
        if is_own(sheet.title):
            yield from (str(cell.value) for row in sheet for cell in row if cell.value)
            continue
        for column in added(sheet).values():
            cells = (cell for (cell,) in sheet.iter_rows(min_col=column, max_col=column))
            yield from (str(cell.value) for cell in cells if cell.value is not None)


# The answer stays -----------------------------------------------------------------------


@in_every_language
@pytest.mark.parametrize("path", [DISTRICT, DISTRICT.with_suffix("")], ids=["xlsx", "csv"])
def test_checking_the_copy_of_the_district_gives_equal_bytes(
    path: Path, language: Language, tmp_path: Path
) -> None:
    target = annotate(path, tmp_path / "copy.xlsx", language)
    again = judged(target, language)
    assert again.invalid == judged(path, language).invalid
    assert again.run.ignored_columns == judged(path, language).run.ignored_columns


@pytest.mark.parametrize("shape", SHAPES)
def test_good_rows_and_bad_give_equal_bytes_whatever_shape_they_came_in(
    shape: str, tmp_path: Path
) -> None:
    annotate(written(shape, medium(), tmp_path), tmp_path / "copy.xlsx", "kk")


@pytest.mark.parametrize("shape", ["xlsx", "csv", "json"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_generated_dossier_gives_equal_bytes(seed: int, shape: str, tmp_path: Path) -> None:
    annotate(written(shape, generated(seed, 60), tmp_path), tmp_path / "copy.xlsx")


@pytest.mark.parametrize("name", FILES)
def test_files_as_schools_hand_them_in_give_equal_bytes(name: str, tmp_path: Path) -> None:
    annotate(MESSY / name, tmp_path / "copy.xlsx", "ru", **FILES[name].options)


def test_fractions_and_a_mapping_are_read_as_they_were_for_the_report(tmp_path: Path) -> None:
    tables = plain()
    for row in tables["quality"]:
        row["percent"] = 0.75
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[tables]\n"Наши" = "teachers"\n[columns.teachers]\n"кто" = "teacher_id"\n')
    book = workbook(tables)
    book["teachers"].title = "Наши"
    book["Наши"]["A1"] = "кто"
    book.save(tmp_path / "d.xlsx")
    options: dict[str, Any] = {"percent_as": "fraction", "mapping": mapping}
    target = annotate(tmp_path / "d.xlsx", tmp_path / "copy.xlsx", **options)
    assert judged(target, **options).results[0].eligibility == "eligible"


@needs_libreoffice
@in_every_language
def test_libreoffice_opens_the_copy_and_what_it_saves_gives_equal_bytes(
    language: Language, tmp_path: Path
) -> None:
    target = annotate(DISTRICT, tmp_path / "copy.xlsx", language)
    saved = saved_by_libreoffice(target, tmp_path / "saved")
    assert answer(judged(saved, language)) == answer(judged(DISTRICT, language))
    ours, theirs = (load_workbook(path)["appointments"] for path in (target, saved))
    assert added(ours) == added(theirs)
    for column in added(ours):
        for row in range(2, ours.max_row + 1):
            assert beside(theirs, column, row) == beside(ours, column, row)
    assert theirs.auto_filter.ref == ours.auto_filter.ref


@needs_libreoffice
def test_libreoffice_prints_the_copy(tmp_path: Path) -> None:
    target = annotate(DISTRICT, tmp_path / "copy.xlsx", "kk")
    assert saved_by_libreoffice(target, tmp_path / "saved", "pdf").read_bytes()[:5] == b"%PDF-"


# What the user wrote stays --------------------------------------------------------------


@pytest.fixture
def arranged(tmp_path: Path) -> Path:
    """A workbook that somebody arranged: a title, colours, merged and protected cells, and more."""
    book = workbook(plain())
    sheet = book["appointments"]
    sheet.insert_rows(1, 3)
    sheet["A1"] = "Назначение наставников"
    sheet.merge_cells("A1:K1")
    sheet["A1"].font = Font(name="Georgia", size=18, italic=True)
    sheet["B6"] = "Итого: 1"
    sheet["C5"].fill = PatternFill("solid", fgColor="FFAA00")
    sheet["C5"].comment = Comment("спросить", "завуч")
    sheet.row_dimensions[5].height = 40
    sheet.column_dimensions["C"].width = 33
    sheet["N5"] = "наше примечание"
    sheet.freeze_panes = "B5"
    sheet.auto_filter.ref = "A4:D5"
    sheet.conditional_formatting.add("A5:A9", _red_if_empty())
    check_of_days = DataValidation("date", operator="greaterThan", formula1="32874")
    check_of_days.add("G5:G99")
    sheet.add_data_validation(check_of_days)
    teachers = book["teachers"]
    teachers.protection.sheet = True
    teachers.protection.password = "сәлем"  # noqa: S105 - of an invented workbook
    teachers["A2"].protection = Protection(locked=False)
    book["schools"].sheet_state = "hidden"
    own = book.create_sheet("Наше", 0)
    own["A1"], own["A2"], own["A3"] = 2, 3, "=SUM(A1:A2)"
    own.print_area = "A1:B5"
    book.create_sheet("Тайное").sheet_state = "veryHidden"
    book.defined_names["порог"] = DefinedName("порог", attr_text="'Наше'!$A$1")
    book.active = 0
    path = tmp_path / "arranged.xlsx"
    path.write_bytes(packed(book, {"Наше": {"A3": ("n", 5)}}))
    return path


def _red_if_empty() -> Any:
    rule: Any = FormulaRule  # openpyxl has no types here
    return rule(formula=['A5=""'], fill=PatternFill("solid", bgColor="FF0000"))


def looks(cell: Any) -> tuple[Any, ...]:
    parts = (cell.font, cell.fill, cell.border, cell.alignment, cell.protection)
    comment = cell.comment.text if cell.comment else None
    return (cell.value, cell.data_type, cell.number_format, comment, *map(copy, parts))


@in_every_language
def test_what_the_user_wrote_stays_as_it_was(
    arranged: Path, language: Language, tmp_path: Path
) -> None:
    before = load_workbook(arranged)
    after = load_workbook(annotate(arranged, tmp_path / "copy.xlsx", language))
    assert after.sheetnames == [*before.sheetnames, say("workbook", "guide", language)]
    for own in before.worksheets:
        sheet = after[own.title]
        for row in own.iter_rows():
            for cell in row:
                assert looks(sheet[cell.coordinate]) == looks(cell), (own.title, cell.coordinate)
        assert sheet.merged_cells.ranges == own.merged_cells.ranges
        assert sheet.sheet_state == own.sheet_state
        assert sheet.protection.sheet == own.protection.sheet
        assert sheet.protection.password == own.protection.password
        assert sheet.print_area == own.print_area
        assert [str(v.sqref) for v in sheet.data_validations.dataValidation] == [
            str(v.sqref) for v in own.data_validations.dataValidation
        ]
        assert len(sheet.conditional_formatting) == len(own.conditional_formatting)
        for letter, dimension in own.column_dimensions.items():
            assert sheet.column_dimensions[letter].width == dimension.width
        for number, height in own.row_dimensions.items():
            assert height.height in (None, sheet.row_dimensions[number].height)
    assert after.defined_names["порог"].attr_text == "'Наше'!$A$1"
    assert after.active is after["Наше"]
    sheet = after["appointments"]
    assert sheet.freeze_panes == "B5"
    # The user's filter grows by what was added, and by the remark that stands before it.
    assert sheet.auto_filter.ref == f"A4:{get_column_letter(max(added(sheet).values()))}5"


def test_rows_are_found_below_a_title_and_beside_remarks(arranged: Path, tmp_path: Path) -> None:
    sheet = load_workbook(annotate(arranged, tmp_path / "copy.xlsx"))["appointments"]
    assert header_row(sheet) == 4
    assert min(added(sheet).values()) > sheet["N5"].column
    assert beside(sheet, "x_mr_eligibility", 5) == "eligible"
    total = [sheet.cell(6, column).value for column in added(sheet).values()]
    assert not any(total)


def test_formulas_stay_and_so_do_their_results(tmp_path: Path) -> None:
    book = workbook(plain())
    quality = book["quality"]
    place = [cell.value for cell in quality[1]].index("percent") + 1
    for row in (2, 3, 4):
        quality.cell(row, place, "=40+40")
    schools = book["schools"]
    schools["B2"] = '=""'
    schools["E2"] = '="<a> & ә"'
    book["appointments"]["H2"] = "=DATE(2026,9,2)"
    book["appointments"]["H2"].number_format = "dd.mm.yyyy"
    letter = get_column_letter(place)
    results: dict[str, dict[str, Any]] = {
        "quality": {f"{letter}{row}": ("n", 80) for row in (2, 3, 4)},
        "schools": {"B2": ("str", None), "E2": ("str", "<a> & ә")},
        "appointments": {"H2": ("d", date(2026, 9, 2))},
    }
    path = tmp_path / "d.xlsx"
    path.write_bytes(packed(book, results))
    assert judged(path).results[0].eligibility == "eligible"
    target = annotate(path, tmp_path / "copy.xlsx")
    assert judged(target).invalid == ()
    formulas, values = load_workbook(target), load_workbook(target, data_only=True)
    assert formulas["quality"].cell(2, place).value == "=40+40"
    assert values["quality"].cell(2, place).value == 80
    assert formulas["schools"]["E2"].value == '="<a> & ә"'
    assert values["schools"]["E2"].value == "<a> & ә"
    assert values["appointments"]["H2"].value.date() == date(2026, 9, 2)


def test_a_formula_without_a_result_is_still_without_one(tmp_path: Path) -> None:
    book = workbook(plain())
    book["schools"]["C2"] = '="ordinary"'
    book.save(tmp_path / "d.xlsx")
    before = judged(tmp_path / "d.xlsx").invalid
    assert [entry.column for entry in before] == ["kind"]
    target = annotate(tmp_path / "d.xlsx", tmp_path / "copy.xlsx")
    assert judged(target).invalid == before
    sheet = load_workbook(target)["schools"]
    assert sheet["C2"].value == '="ordinary"'
    assert before[0].remedy in beside(sheet, "x_mr_problem", 2)


def test_widths_shared_by_a_range_of_columns_are_parted_without_an_overlap(tmp_path: Path) -> None:
    book = workbook(plain())
    shared = book["schools"].column_dimensions["A"]
    shared.min, shared.max, shared.width, shared.hidden = 1, 16384, 21, False
    narrow = book["teachers"].column_dimensions["E"]
    narrow.min, narrow.max, narrow.hidden = 5, 16384, True
    book.save(tmp_path / "d.xlsx")
    target = annotate(tmp_path / "d.xlsx", tmp_path / "copy.xlsx")
    after = load_workbook(target)
    for title in ("schools", "teachers"):
        areas = sorted((d.min or 0, d.max or 0) for d in after[title].column_dimensions.values())
        assert all(end < start for (_, end), (start, _) in pairwise(areas))
        assert areas[-1][1] == 16384
        letter = get_column_letter(added(after[title])["x_mr_problem"])
        dimension = after[title].column_dimensions[letter]
        assert (dimension.width, dimension.hidden) == (48, False)


def test_an_excel_table_keeps_its_own_filters(tmp_path: Path) -> None:
    book = workbook(plain())
    book["schools"].add_table(Table(displayName="Schools", ref="A1:F2"))
    book.save(tmp_path / "d.xlsx")
    sheet = load_workbook(annotate(tmp_path / "d.xlsx", tmp_path / "copy.xlsx"))["schools"]
    assert sheet.auto_filter.ref is None
    assert sheet.tables["Schools"].ref == "A1:F2"


def test_a_day_of_the_1904_calendar_stays_that_day(tmp_path: Path) -> None:
    book = workbook(plain())
    book.epoch = CALENDAR_MAC_1904
    book.save(tmp_path / "d.xlsx")
    annotate(tmp_path / "d.xlsx", tmp_path / "copy.xlsx")


@pytest.mark.parametrize("part", ["drawing", "rules"])
def test_the_guide_says_that_a_copy_may_lack_drawings_and_newer_rules(
    part: str, tmp_path: Path
) -> None:
    book = workbook(plain())
    if part == "drawing":
        book.worksheets[0].add_chart(BarChart(), "K3")
    path = tmp_path / "d.xlsx"
    book.save(path)
    if part == "rules":
        _replace_in(path, "xl/worksheets/sheet1.xml", b"</worksheet>", b"<extLst/></worksheet>")
    said = say("workbook", "lossy", "ru")
    texts = list(own_texts(load_workbook(io.BytesIO(copy_of(path, "ru")))))
    assert said in texts
    to_xlsx(plain(), path)
    assert said not in list(own_texts(load_workbook(io.BytesIO(copy_of(path, "ru")))))


def _replace_in(path: Path, member: str, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(path) as container:
        parts = {name: container.read(name) for name in container.namelist()}
    assert old in parts[member]
    parts[member] = parts[member].replace(old, new)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in parts.items():
            container.writestr(name, content)


# What is said beside a row --------------------------------------------------------------


@in_every_language
def test_each_appointment_has_its_verdicts_reasons_remedies_and_gaps_beside_it(
    language: Language, tmp_path: Path
) -> None:
    report = judged(DISTRICT, language)
    sheet = load_workbook(annotate(DISTRICT, tmp_path / "copy.xlsx", language))["appointments"]
    results = {result.appointment_id: result for result in report.results}
    seen = 0
    for row in range(2, sheet.max_row + 1):
        result = results[str(sheet.cell(row, 1).value)]
        seen += 1
        for name, verdict in (
            ("x_mr_eligibility", result.eligibility),
            ("x_mr_procedure", result.procedure),
        ):
            cell = sheet.cell(row, added(sheet)[name])
            assert cell.value == say("verdict", verdict, language)
            assert cell.fill.fill_type == "solid"  # a colour, and never it alone
        counts = [
            finding
            for finding in result.findings
            if finding.weight != "advisory"
            and finding.outcome in ("breached", "unknown", "disputed", "pending")
        ]
        for finding in counts:
            said = f"[{say('outcome', finding.outcome, language)}] {finding.message}"
            assert said in beside(sheet, "x_mr_reasons", row)
            assert (finding.remedy or "") in (beside(sheet, "x_mr_remedies", row) or "")
            for item in finding.missing:
                assert f"{item.document} ({item.who})" in beside(sheet, "x_mr_missing", row)
        if not counts:
            assert beside(sheet, "x_mr_reasons", row) is None
    assert seen == len(report.results)


def test_each_invalid_row_says_what_is_wrong_and_no_other_row_does(tmp_path: Path) -> None:
    for shape in ("xlsx", "csv"):
        path = written(shape, generated(2, 80), tmp_path)
        report = judged(path, "ru")
        book = load_workbook(annotate(path, tmp_path / f"{shape}-copy.xlsx", "ru"))
        assert {entry.table for entry in report.invalid} > {"quality", "plans"}
        for sheet in book.worksheets:
            if is_own(sheet.title):
                continue
            wrong = {entry.row for entry in report.invalid if entry.table == sheet.title}
            for row in range(2, sheet.max_row + 1):
                told = beside(sheet, "x_mr_problem", row)
                assert bool(told) == (row in wrong), (sheet.title, row)
            for entry in report.invalid:
                if entry.table == sheet.title and entry.row is not None:
                    told = beside(sheet, "x_mr_problem", entry.row)
                    assert f"{entry.problem}; {entry.remedy}" in told


def test_rows_of_a_json_file_are_named_as_the_workbook_numbers_them(tmp_path: Path) -> None:
    tables = plain()
    twice = tables["quality"][0]
    tables["quality"] += [{**twice, "percent": 10}, {**twice, "school_year": "soon"}]
    target = annotate(to_json(tables, tmp_path / "d.json"), tmp_path / "copy.xlsx")
    sheet = load_workbook(target)["quality"]
    assert "row 5" in beside(sheet, "x_mr_problem", 2)
    assert "row 2" in beside(sheet, "x_mr_problem", 5)
    assert "school_year" in beside(sheet, "x_mr_problem", 6)
    assert beside(sheet, "x_mr_problem", 3) is None
    assert judged(target).invalid[0].row == 2


@in_every_language
def test_the_terms_of_each_plan_stand_beside_it(language: Language, tmp_path: Path) -> None:
    report = judged(DISTRICT, language)
    sheet = load_workbook(annotate(DISTRICT, tmp_path / "copy.xlsx", language))["plans"]
    results = {result.appointment_id: result for result in report.results}
    late = 0
    for row in range(2, sheet.max_row + 1):
        result = results[str(sheet.cell(row, 1).value)]
        assert beside(sheet, "x_mr_procedure", row) == say("verdict", result.procedure, language)
        findings = {finding.rule: finding for finding in result.findings}
        for rule, tail in (
            ("plan/level_determined", "level_determined"),
            ("plan/drafted", "drafted"),
            ("plan/approved", "approved"),
            ("reporting/interim", "interim"),
            ("reporting/final", "final"),
        ):
            due = beside(sheet, f"x_mr_due_{tail}", row)
            finding = findings.get(rule)
            if finding is None:
                assert due is None
                continue
            assert (due.date() if due else None) == finding.due
            assert beside(sheet, f"x_mr_late_{tail}", row) == finding.days_late
            state = beside(sheet, f"x_mr_state_{tail}", row)
            if finding.outcome == "breached" and finding.days_late:
                late += 1
                word = say("outcome", "late" if finding.done else "overdue", language)
            else:
                word = say("outcome", finding.outcome, language)
            assert state == word or state.startswith(f"{word} (")
    assert late > 3


def test_what_is_wrong_with_a_reserve_stands_beside_the_school(tmp_path: Path) -> None:
    report = judged(DISTRICT)
    sheet = load_workbook(annotate(DISTRICT, tmp_path / "copy.xlsx"))["schools"]
    said = {
        school.school_id: [f.message for f in school.findings if f.outcome == "breached"]
        for school in report.schools
    }
    assert any(said.values())
    for row in range(2, sheet.max_row + 1):
        for message in said[str(sheet.cell(row, 1).value)]:
            assert message in beside(sheet, "x_mr_reserve", row)


def test_what_would_change_a_verdict_has_a_column_where_it_was_asked(tmp_path: Path) -> None:
    path = to_xlsx(plain(), tmp_path / "d.xlsx")
    report = judged(path, "ru")
    step = Change(kind="document", rules=("r",), who="школа", text="приложите выписку")
    changes = Changes(ways=(Way(changes=(step, step)),), past=(), left_out=2)
    told = report.results[0].model_copy(update={"changes": changes})
    with_changes = report.model_copy(update={"results": (told,)})
    book = load_workbook(io.BytesIO(annotated(path, with_changes, RULEBOOK, language="ru")))
    text = beside(book["appointments"], "x_mr_changes", 2)
    assert "Путь 1: приложите выписку; приложите выписку" in text
    assert "Ещё путей: 2" in text
    assert say("workbook", "changes_means", "ru") in list(own_texts(book))
    assert "x_mr_changes" not in added(
        load_workbook(io.BytesIO(annotated(path, report, RULEBOOK)))["appointments"]
    )


def test_a_table_that_is_not_read_says_so_in_its_heading_and_in_the_guide(tmp_path: Path) -> None:
    book = workbook(plain())
    book["quality"]["D1"] = "percnt"
    book.save(tmp_path / "d.xlsx")
    report = judged(tmp_path / "d.xlsx")
    after = load_workbook(annotate(tmp_path / "d.xlsx", tmp_path / "copy.xlsx"))
    [entry] = [entry for entry in report.invalid if entry.row is None]
    heading = str(after["quality"].cell(1, added(after["quality"])["x_mr_problem"]).value)
    assert entry.problem in heading
    guide = after["x_mr_how to read"]
    assert any(entry.problem in str(cell.value) for row in guide for cell in row)


@in_every_language
def test_the_guide_explains_counts_and_warns(language: Language, tmp_path: Path) -> None:
    report = judged(DISTRICT, language)
    book = load_workbook(annotate(DISTRICT, tmp_path / "copy.xlsx", language))
    guide = book[say("workbook", "guide", language)]
    texts = [str(cell.value) for row in guide for cell in row if cell.value is not None]
    assert any("2026-11-23" in text for text in texts)
    assert set(report.provenance.caveats) <= set(texts)
    rows = {guide.cell(n, 1).value: guide.cell(n, 3).value for n in range(1, guide.max_row + 1)}
    assert rows[say("verdict", "ineligible", language)] == report.summary.eligibility["ineligible"]
    names = {name for sheet in book if not is_own(sheet.title) for name in added(sheet)}
    for name in names:
        assert any(name.startswith(text.rstrip("…")) for text in texts if text.startswith("x_mr_"))
    for question, counts in report.summary.open_questions.items():
        assert (question in texts) == bool(counts["decides"])


@in_every_language
def test_what_is_added_is_in_one_language(language: Language, tmp_path: Path) -> None:
    path = to_xlsx(medium(), tmp_path / "d.xlsx")
    texts = " ".join(own_texts(load_workbook(io.BytesIO(copy_of(path, language)))))
    for other in set(LANGUAGES) - {language}:
        assert say("workbook", "own", other) not in texts
        assert say("workbook", "reasons", other) not in texts


def test_the_nine_letters_of_kazakh_are_in_what_is_added(tmp_path: Path) -> None:
    path = to_xlsx(medium(), tmp_path / "d.xlsx")
    names, report = Dossier.read(path).names(), judged(path, "kk")
    book = annotated(path, report, RULEBOOK, language="kk", names=names)
    texts = " ".join(own_texts(load_workbook(io.BytesIO(book))))
    assert set(KAZAKH) <= set(texts.lower())


# Once more ------------------------------------------------------------------------------


@in_every_language
def test_annotating_a_copy_gives_the_same_bytes(language: Language, tmp_path: Path) -> None:
    first = annotate(DISTRICT, tmp_path / "first.xlsx", language)
    assert copy_of(first, language) == first.read_bytes()


def test_another_language_and_another_day_replace_what_was_added(tmp_path: Path) -> None:
    first = annotate(DISTRICT, tmp_path / "first.xlsx", "ru")
    second = annotate(first, tmp_path / "second.xlsx", "kk")
    direct = annotate(DISTRICT, tmp_path / "direct.xlsx", "kk")
    books = [load_workbook(path) for path in (second, direct)]
    assert books[0].sheetnames == books[1].sheetnames
    for one, other in zip(*books, strict=True):
        cells = [[cell.value for row in sheet for cell in row] for sheet in (one, other)]
        assert cells[0] == cells[1]


def test_columns_that_the_user_added_on_the_right_are_kept(tmp_path: Path) -> None:
    first = annotate(DISTRICT, tmp_path / "first.xlsx", "ru")
    book = load_workbook(first)
    sheet = book["appointments"]
    before = added(sheet)
    own = max(before.values()) + 1
    for row in range(1, sheet.max_row + 1):
        sheet.cell(row, own, f"пометка {row}")
    sheet.cell(1, before["x_mr_missing"]).value = "x_mr_of another edition"
    book.save(first)
    sheet = load_workbook(annotate(first, tmp_path / "second.xlsx", "ru"))["appointments"]
    assert added(sheet) == before
    assert [sheet.cell(row, own).value for row in (1, 2, 3)] == [
        *("пометка 1", "пометка 2", "пометка 3")
    ]


def test_a_row_that_the_user_emptied_is_gone_though_our_cells_were_left(tmp_path: Path) -> None:
    first = annotate(to_xlsx(medium(), tmp_path / "d.xlsx"), tmp_path / "first.xlsx")
    book = load_workbook(first)
    sheet = book["appointments"]
    for column in range(1, min(added(sheet).values())):
        sheet.cell(3, column).value = None
    book.save(first)
    report = judged(first)
    assert len(report.results) == len(medium()["appointments"]) - 1
    after = load_workbook(annotate(first, tmp_path / "second.xlsx"))["appointments"]
    assert not any(after.cell(3, column).value for column in added(after).values())


def test_our_columns_count_towards_no_limit(tmp_path: Path) -> None:
    book = workbook(plain())
    sheet = book["schools"]
    for column in range(sheet.max_column + 1, 257):
        sheet.cell(1, column, f"own {column}")
    book.save(tmp_path / "d.xlsx")
    annotate(tmp_path / "d.xlsx", tmp_path / "copy.xlsx")


def test_without_room_on_the_right_nothing_is_written(tmp_path: Path) -> None:
    book = workbook(plain())
    book["schools"].cell(2, 16384, "x")
    book.save(tmp_path / "d.xlsx")
    with pytest.raises(ReadingError) as refused:
        copy_of(tmp_path / "d.xlsx")
    assert refused.value.code == "too_many_columns"


def test_a_csv_saved_from_a_copy_is_read_without_our_columns(tmp_path: Path) -> None:
    book = load_workbook(annotate(to_xlsx(plain(), tmp_path / "d.xlsx"), tmp_path / "copy.xlsx"))
    tables: Tables = {}
    for table in plain():
        names, *rows = [list(row) for row in book[table].iter_rows(values_only=True)]
        tables[table] = [
            {str(name): cell for name, cell in zip(names, row, strict=True)} for row in rows
        ]
        for row in tables[table]:
            row.update({k: v.date() for k, v in row.items() if hasattr(v, "date")})
    folder = to_csv(tables, tmp_path / "csv")
    report = judged(folder)
    assert report.invalid == ()
    assert report.results[0].eligibility == "eligible"
    assert [school.school_id for school in report.schools] == ["S1"]


# A workbook is built where none was given -----------------------------------------------


def test_cells_of_csv_stay_texts_and_none_of_them_runs(tmp_path: Path) -> None:
    tables = plain()
    tables["schools"][0]["name"] = '=HYPERLINK("http://x","y")'
    tables["schools"][0]["region"] = "@SUM(1)"
    tables["schools"][0]["district"] = "#N/A"
    tables["schools"].append({"school_id": "007", "name": "+7 701", "week": 6})
    target = annotate(to_csv(tables, tmp_path / "csv"), tmp_path / "copy.xlsx")
    sheet = load_workbook(target)["schools"]
    for row in sheet.iter_rows(min_row=2, max_col=6):
        assert {cell.data_type for cell in row if cell.value is not None} <= {"s"}
    assert sheet["B2"].value == '=HYPERLINK("http://x","y")'
    assert sheet["B2"].quotePrefix
    assert sheet["A3"].value == "007"


def test_a_row_that_does_not_fit_its_header_stays_invalid_and_whole(tmp_path: Path) -> None:
    folder = to_csv(medium(), tmp_path / "csv")
    for table, line in (
        ("appointments", "A2,2,T2,1002,x,extra,,,,,,,,"),
        ("quality", "T1,физика"),
        ("schools", "9,a"),
        ("reserve", "2,T1"),
    ):
        path = folder / f"{table}.csv"
        path.write_text(path.read_text("utf-8") + line + "\n", "utf-8")
    report = judged(folder)
    target = annotate(folder, tmp_path / "copy.xlsx")
    sheet = load_workbook(target)["quality"]
    said = say("problem", "ragged", "en")
    [entry] = [e for e in report.invalid if (e.table, e.problem) == ("quality", said)]
    assert entry.row is not None
    assert entry.remedy in beside(sheet, "x_mr_problem", entry.row)
    assert {"T1", "физика"} <= {cell.value for cell in sheet[entry.row]}


def test_a_json_keeps_numbers_lists_and_tables_without_rows(tmp_path: Path) -> None:
    tables: dict[str, Any] = plain()
    tables["teachers"][0]["subjects"] = ["physics", "химия"]
    tables["quality"][0]["percent"] = 79.123456789012345
    tables["quality"].append({"teacher_id": ["T1"], "subject": True, "school_year": 10**40})
    tables["reserve"] = []
    tables["plans"] = [{"agreed_on": "2026-09-01"}]
    tables["own/table?"] = [{"a": {"b": 1}}]
    path = tmp_path / "d.json"
    path.write_text(json.dumps(tables, ensure_ascii=False, default=date.isoformat), "utf-8")
    book = load_workbook(annotate(path, tmp_path / "copy.xlsx"))
    assert "physics; химия" in {cell.value for row in book["teachers"] for cell in row}
    assert "own_table_" in book.sheetnames


# Safety ---------------------------------------------------------------------------------


def test_nothing_that_is_added_runs_as_a_formula(tmp_path: Path) -> None:
    tables = medium()
    for number, start in enumerate(("=", "+", "-", "@", "\uff1d", " =", "\u2212")):
        row = {**tables["appointments"][0], "appointment_id": f"{start}cmd|' /C calc'!A{number}"}
        tables["appointments"].append(row | {"mentor_id": f"{start}T{number}", "subject": "=1"})
    book = load_workbook(io.BytesIO(copy_of(to_csv(tables, tmp_path / "csv"), "ru")))
    signs = ("=", "+", "-", "@", "\uff1d", "\u2212")
    for sheet in book.worksheets:
        assert all(cell.data_type != "f" for cells in sheet.iter_rows() for cell in cells)
    for text in own_texts(book):
        assert not text.lstrip().startswith(signs), text


def test_control_letters_reach_no_cell_and_a_text_is_cut_to_what_a_cell_holds(
    tmp_path: Path,
) -> None:
    path = to_xlsx(plain(), tmp_path / "d.xlsx")
    report = judged(path)
    first = next(f for f in report.results[0].findings if f.weight == "blocking")
    told = "\x1b[31m\u202eevil" + "ұ" * 40_000
    finding = first.model_copy(update={"outcome": "breached", "message": told})
    result = report.results[0].model_copy(update={"findings": (finding,)})
    book = annotated(path, report.model_copy(update={"results": (result,)}), RULEBOOK)
    text = beside(load_workbook(io.BytesIO(book))["appointments"], "x_mr_reasons", 2)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text) < 32_767
    assert text.endswith("…")


def test_names_are_added_only_when_asked_for_and_an_iin_never(tmp_path: Path) -> None:
    iin = with_check_digit(IIN[:11])
    tables = plain()
    tables["teachers"][0] |= {"teacher_id": iin, "name": NAME, "iin": iin}
    for row in tables["quality"]:
        row["teacher_id"] = iin
    tables["appointments"][0]["mentor_id"] = iin
    tables["posts"] = [{"teacher_id": iin, "post": "head", "since": "soon"}]
    path = to_xlsx(tables, tmp_path / "d.xlsx")
    read = Dossier.read(path, key=b"k")
    report = check(read, as_of=AS_OF, confirm="none")
    for names in (None, read.names()):
        book = load_workbook(io.BytesIO(annotated(path, report, RULEBOOK, names=names)))
        texts = " ".join(own_texts(book))
        assert iin not in texts
        assert (NAME in texts) == (names is not None)
        assert book["appointments"]["C2"].value == iin  # the user's own cell
        assert ("x_mr_mentor" in added(book["appointments"])) == (names is not None)


def test_limits_hold_for_sheets_that_hold_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = workbook(plain())
    other = book.create_sheet("Наше")
    for _ in range(200):
        other.append(list(range(20)))
    book.save(tmp_path / "d.xlsx")
    report = judged(tmp_path / "d.xlsx")
    monkeypatch.setattr(workbook_module, "MOST_CELLS", 3000)
    with pytest.raises(ReadingError) as refused:
        annotated(tmp_path / "d.xlsx", report, RULEBOOK)
    assert refused.value.code == "too_many_cells"


def test_a_bomb_is_refused_before_it_is_opened_to_be_written(tmp_path: Path) -> None:
    path = to_xlsx(plain(), tmp_path / "d.xlsx")
    report = judged(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as container:
        container.writestr("xl/bomb.bin", bytes(100 * 2**20))
    tracemalloc.start()
    with pytest.raises(ReadingError) as refused:
        annotated(path, report, RULEBOOK)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.code == "unfolds_too_far"
    assert peak < 50 * 2**20


def test_one_cell_at_the_far_end_does_not_make_all_the_others(tmp_path: Path) -> None:
    book = workbook(plain())
    book["schools"].cell(1_048_576, 3, " ")
    book.save(tmp_path / "d.xlsx")
    started = time.perf_counter()
    data = copy_of(tmp_path / "d.xlsx")
    assert len(data) < 100_000
    assert time.perf_counter() - started < 20


def test_a_copy_that_packs_tightly_can_be_read_again(tmp_path: Path) -> None:
    tables = plain()
    row = tables["appointments"][0]
    tables["appointments"] = [{**row, "appointment_id": "A"} for _ in range(3000)]
    path = to_xlsx(tables, tmp_path / "d.xlsx")
    report = judged(path)
    first = next(f for f in report.results[0].findings if f.weight == "blocking")
    finding = first.model_copy(update={"outcome": "breached", "message": "бір сөз " * 400})
    result = report.results[0].model_copy(update={"findings": (finding,)})
    target = tmp_path / "copy.xlsx"
    target.write_bytes(annotated(path, report.model_copy(update={"results": (result,)}), RULEBOOK))
    assert answer(judged(target)) == answer(report)


# The command line -----------------------------------------------------------------------


def test_the_exit_code_is_that_of_the_check(tmp_path: Path) -> None:
    out = tmp_path / "copy.xlsx"
    done = run("check", DISTRICT, *DAY, "--format", "xlsx", "--out", out)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert load_workbook(out)["appointments"].max_row == 41
    again = run("check", DISTRICT, *DAY, "--format", "xlsx", "--out", out)
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert run("check", out, *DAY, "--format", "xlsx", "--out", out, "--force").returncode == 1


def test_a_pipe_gets_the_workbook(tmp_path: Path) -> None:
    done = subprocess.run(
        [SCRIPT, "check", DISTRICT, *DAY, "--format", "xlsx", "--names"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert "x_mr_mentor" in added(load_workbook(io.BytesIO(done.stdout))["appointments"])


@in_every_language
def test_a_terminal_is_told_to_name_a_file(language: Language, tmp_path: Path) -> None:
    terminal, other_end = pty.openpty()
    done = subprocess.run(
        [SCRIPT, "check", DISTRICT, "--format", "xlsx", "--lang", language],
        stdout=other_end,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(other_end)
    os.close(terminal)
    assert done.returncode == 2
    assert say("usage", "binary_to_terminal", language) in done.stderr.decode()


@in_every_language
def test_a_name_that_is_no_workbook_is_wrong_usage(language: Language, tmp_path: Path) -> None:
    for command in (
        ("check", DISTRICT, "--format", "xlsx", "--out", tmp_path / "d.csv"),
        ("template", tmp_path / "d.csv"),
    ):
        done = run(*command, "--lang", language)
        assert done.returncode == 2
        assert ".xlsx" in done.stderr
        assert not (tmp_path / "d.csv").exists()


def test_every_added_column_has_its_words_in_three_languages() -> None:
    for language in LANGUAGES:
        for table in TABLES:
            assert table_label(table, language)
        for name in ("reasons", "remedies", "missing", "problem", "changes", "due", "state"):
            assert say("workbook", f"{name}_means", language)


# Size -----------------------------------------------------------------------------------


@pytest.mark.long
def test_five_thousand_appointments_are_annotated_in_reasonable_time(tmp_path: Path) -> None:
    path = to_xlsx(generated(1, 5000), tmp_path / "d.xlsx")
    report = judged(path, "kk")
    started = time.perf_counter()
    data = annotated(path, report, RULEBOOK, language="kk")
    took = time.perf_counter() - started
    sys.stdout.write(f"{len(report.results)} appointments: {took:.1f} s, {len(data)} bytes\n")
    (tmp_path / "copy.xlsx").write_bytes(data)
    assert answer(judged(tmp_path / "copy.xlsx", "kk")) == answer(report)
    assert took < 120
