"""A workbook to be filled in: every table and column, in one language, with notes and checks."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from mentor_rules.headings import column_label, table_label
from mentor_rules.reading import EXAMPLE
from mentor_rules.records import FIRST_DAY, LAST_DAY, REFERENCES, TABLES, VOCABULARIES, columns
from mentor_rules.report.workbook import DAY_FORMAT, Guide, new_book, packed
from mentor_rules.schema import kind
from mentor_rules.texts import say
from mentor_rules.vocabulary import Language, Vocabulary

PREPARED = 20_001  # the last row with drop-downs and checks
_LISTS = "x_mr_lists"
_AS_TEXT = frozenset({"id", "iin", "school_year", "text", "texts"})  # a number loses its zeros
_REQUIRED = PatternFill("solid", fgColor="1F3864")
_OPTIONAL = PatternFill("solid", fgColor="D6E0F0")
_GREY = PatternFill("solid", fgColor="EDEDED")
_TOP = Alignment(vertical="top")
_WRAPPED = Alignment(vertical="top", wrap_text=True)

# What the example rows say: one clean appointment, all in codes that the language then names.
_SCHOOL, _MENTOR, _MENTEE = f"{EXAMPLE}-S1", f"{EXAMPLE}-T1", f"{EXAMPLE}-T2"
_HEAD, _APPOINTMENT = f"{EXAMPLE}-T3", f"{EXAMPLE}-A1"


def template(language: Language = "en") -> bytes:
    """Give the bytes of a workbook to be filled in, named and headed in a language.

    The first sheet explains; each table has a sheet with notes on its headings, drop-downs for
    closed vocabularies, checks for dates and numbers, and rows of an example that readers pass
    over. The same language gives the same bytes.
    """
    book = new_book()
    _write_guide(book, language)
    lists = _write_lists(book, language)
    for table in TABLES:
        _write_table(book, table, lists, language)
    book.move_sheet(_LISTS, len(TABLES))
    return packed(book)


def examples(language: Language) -> Mapping[str, list[dict[str, Any]]]:
    """Give the rows of the example by table, column to value, as the language writes them."""
    return {
        table: [
            {column: _worded(table, column, value, language) for column, value in row.items()}
            for row in rows
        ]
        for table, rows in _examples(language).items()
    }


def _worded(table: str, column: str, value: Any, language: Language) -> Any:
    vocabulary = VOCABULARIES[table].get(column)
    return vocabulary.label(value, language) if vocabulary else value


def _examples(language: Language) -> dict[str, list[dict[str, Any]]]:
    person, subject = say("template", "person", language), say("template", "taught", language)
    school = {"school_id": _SCHOOL}
    return {
        "schools": [
            {**school, "name": say("template", "school", language), "kind": "ordinary", "week": 5}
        ],
        "teachers": [
            {
                **{"teacher_id": _MENTOR, **school, "name": person, "subjects": subject},
                **{"category": "researcher", "category_from": date(2024, 5, 31)},
                **{"category_until": date(2029, 5, 30), "ethics": "observed"},
                **{"ethics_on": date(2026, 8, 20), "status": "working"},
                **{"first_taught_on": date(2010, 9, 1)},
            },
            {
                **{"teacher_id": _MENTEE, **school, "name": person, "subjects": subject},
                **{"category": "teacher", "category_from": date(2026, 8, 25)},
                **{"status": "working", "first_taught_on": date(2026, 8, 25)},
            },
            {"teacher_id": _HEAD, **school, "name": person, "status": "working"},
        ],
        "categories": [
            {
                **{"teacher_id": _MENTOR, "category": "expert"},
                **{"from": date(2019, 5, 31), "until": date(2024, 5, 30)},
            }
        ],
        "posts": [
            {"teacher_id": _HEAD, "post": "head", "acting": "no", "since": date(2021, 8, 16)}
        ],
        "quality": [
            {"teacher_id": _MENTOR, "subject": subject, "school_year": "2023/24", "percent": 74.5},
            {"teacher_id": _MENTOR, "subject": subject, "school_year": "2024/25", "percent": 78},
            {
                **{"teacher_id": _MENTOR, "subject": subject, "school_year": "2025/26"},
                **{"learners": 62, "learners_good": 49},
            },
        ],
        "appointments": [
            {
                **{"appointment_id": _APPOINTMENT, **school, "mentor_id": _MENTOR},
                **{"mentee_id": _MENTEE, "subject": subject, "order_no": "101"},
                **{"ordered_on": date(2026, 9, 1), "starts_on": date(2026, 9, 1)},
                **{"ends_on": date(2027, 5, 25)},
            }
        ],
        "plans": [
            {
                **{"appointment_id": _APPOINTMENT, "level_determined_on": date(2026, 9, 9)},
                **{"diagnosed_on": date(2026, 9, 11), "drafted_on": date(2026, 9, 15)},
                **{"agreed_on": date(2026, 9, 16), "agreed_by": "deputy_head_academic"},
                **{"approved_on": date(2026, 9, 16), "approved_by": "head"},
                **{"period_from": date(2026, 9, 1), "period_until": date(2027, 5, 25)},
            }
        ],
        "reserve": [
            {
                **{**school, "teacher_id": _MENTOR, "proposed_by": "methodical_association"},
                **{"proposed_on": date(2026, 6, 3), "formed_by": "pedagogical_council"},
                **{"formed_on": date(2026, 8, 24), "protocol_no": "1"},
            }
        ],
    }


# Sheets ---------------------------------------------------------------------------------


def sheet_name(table: str, language: Language) -> str:
    """Give the name of a table's sheet."""
    label = table_label(table, language)
    return label[0].upper() + label[1:]


def _write_guide(book: Workbook, language: Language) -> None:
    sheet = book.create_sheet(say("template", "guide", language))
    guide = Guide(sheet)
    guide.title(say("template", "title", language))
    for code in ("rows", "examples", "required", "empty", "notes"):
        guide.text(say("template", code, language))
    complete = {name: sheet_name(name, language) for name in ("posts", "reserve")}
    guide.text(say("template", "complete", language, **complete), "open")
    guide.text(say("template", "personal", language))
    command = f"mentor-rules check FILE.xlsx --lang {language} --format xlsx --out ANSWER.xlsx"
    guide.text(say("template", "then", language, command=command))
    guide.heading(say("template", "sheets", language))
    for table in TABLES:
        guide.row(sheet_name(table, language), say("template", table, language))


def _write_lists(book: Workbook, language: Language) -> dict[str, str]:
    """Write the words of every closed vocabulary; give the name of each list by vocabulary.

    A drop-down refers to a name: programs keep it, and it holds any number of words.
    """
    sheet = book.create_sheet(_LISTS)
    sheet.sheet_state = "hidden"
    names: dict[str, str] = {}
    found = {v.name: v for vocabularies in VOCABULARIES.values() for v in vocabularies.values()}
    for column, vocabulary in enumerate(found.values(), start=1):
        for row, code in enumerate(vocabulary.codes, start=1):
            sheet.cell(row, column, vocabulary.label(code, language))
        letter = get_column_letter(column)
        name = f"{_LISTS}_{vocabulary.name}"
        area = f"{_LISTS}!${letter}$1:${letter}${len(vocabulary.codes)}"
        book.defined_names[name] = DefinedName(name, attr_text=area)
        names[vocabulary.name] = name
    return names


def _write_table(book: Workbook, table: str, lists: Mapping[str, str], language: Language) -> None:
    sheet = book.create_sheet(sheet_name(table, language))
    shown = examples(language)[table]
    for place, (column, required) in enumerate(columns(table).items(), start=1):
        heading = sheet.cell(1, place, column_label(table, column, language))
        if required:
            heading.value = f"{heading.value} *"
        heading.fill = _REQUIRED if required else _OPTIONAL
        heading.font = Font(name="Calibri", bold=True, color="FFFFFF" if required else "1F3864")
        heading.alignment = _WRAPPED
        note = _note(table, column, required, language)
        heading.comment = Comment(note, "mentor_rules", height=30 + 20 * len(note) // 38, width=300)
        number_format = _number_format(table, column, language)
        letter = get_column_letter(place)
        dimension = sheet.column_dimensions[letter]
        longest = max(len(str(row.get(column, ""))) for row in shown)
        dimension.width = min(max(len(str(heading.value)) + 2, longest + 2, 13), 34)
        dimension.number_format = number_format
        # In a row that a long answer makes high, what was asked stands beside its first line.
        dimension.alignment = _TOP
        for row in range(2, 2 + len(shown)):
            cell = sheet.cell(row, place, shown[row - 2].get(column))
            cell.font, cell.fill = Font(name="Calibri", italic=True, color="595959"), _GREY
            cell.number_format, cell.alignment = number_format, _TOP
        _check(sheet, table, column, f"{letter}2:{letter}{PREPARED}", lists, language)
    last = get_column_letter(len(columns(table)))
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{last}{1 + len(shown)}"
    sheet.row_dimensions[1].height = 48
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _number_format(table: str, column: str, language: Language) -> str:
    found = kind(table, column)
    return "@" if found in _AS_TEXT else DAY_FORMAT[language] if found == "date" else "General"


def _note(table: str, column: str, required: bool, language: Language) -> str:
    """Give what to write into a column."""
    vocabulary = VOCABULARIES[table].get(column)
    if vocabulary is not None:
        lines = [say("template", "one_of", language, values=_words(vocabulary, language))]
    else:
        # A subject is part of a key, but words all the same.
        written = say("write", "text" if column == "subject" else kind(table, column), language)
        lines = [f"{written[0].upper()}{written[1:]}."]
    for source, named, target in REFERENCES:
        if (source, named) == (table, column):
            of = sheet_name(target, language)
            lines.append(say("template", "from_sheet", language, table=of))
    if column in ("percent", "learners", "learners_good"):
        lines.append(say("template", "either", language))
    if required:
        lines.append(say("template", "is_required", language))
    elif column == "recorded_until":
        lines.append(say("template", "as_of_today", language))
    elif table == "plans" and kind(table, column) == "date" and column.endswith("_on"):
        lines.append(say("template", "not_done", language))
    else:
        lines.append(say("template", "may_be_empty", language))
    return "\n".join(lines)


def _words(vocabulary: Vocabulary, language: Language) -> str:
    return "; ".join(vocabulary.label(code, language) for code in vocabulary.codes)


def _check(
    sheet: Worksheet,
    table: str,
    column: str,
    area: str,
    lists: Mapping[str, str],
    language: Language,
) -> None:
    """Let the spreadsheet program refuse what the reader would refuse."""
    vocabulary = VOCABULARIES[table].get(column)
    found = kind(table, column)
    if vocabulary is not None:
        check = DataValidation("list", formula1=lists[vocabulary.name])
        told = _words(vocabulary, language)
    elif found == "date":
        first, last = (str(int(to_excel(day))) for day in (FIRST_DAY, LAST_DAY))  # type: ignore[no-untyped-call]  # openpyxl has no types here
        check = DataValidation("date", operator="between", formula1=first, formula2=last)
        told = f"{FIRST_DAY:%d.%m.%Y} – {LAST_DAY:%d.%m.%Y}"
    elif found == "percent":
        check = DataValidation("decimal", operator="between", formula1="0", formula2="100")
        told = say("remedy", "not_a_percent", language)
    elif found == "count":
        check = DataValidation("whole", operator="between", formula1="0", formula2="1000000")
        told = say("remedy", "not_a_count", language)
    elif found == "week":
        check = DataValidation("list", formula1='"5,6"')
        told = say("remedy", "not_a_week", language)
    else:
        return
    check.allow_blank, check.showErrorMessage = True, True
    check.errorTitle = say("template", "wrong_value", language)
    check.error = told[:220]
    check.add(area)
    sheet.add_data_validation(check)
