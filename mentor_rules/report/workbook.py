"""The user's own workbook back, with verdicts, reasons and remedies beside each row.

What the user wrote stays: sheets, cells, formats, formulas, order. The library adds columns to
the right of each table, and one sheet; their names start `x_mr_`, and readers pass them over.
"""

import re
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, TypedDict, Unpack
from xml.sax.saxutils import escape  # nosec B406 - writes, never reads

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel
from openpyxl.worksheet.dimensions import ColumnDimension
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

from mentor_rules.container import MAX_RATIO, measure_workbook
from mentor_rules.dossier import Dossier
from mentor_rules.errors import ReadingError
from mentor_rules.headings import column_label, headings, squeeze, table_label, table_named
from mentor_rules.judging import asked, invalid_entries
from mentor_rules.reading import (
    PercentAs,
    Sheet,
    Tables,
    is_own,
    read_tables,
    sheets,
)
from mentor_rules.records import TABLES, columns
from mentor_rules.report.flat import cell as safe_cell
from mentor_rules.report.table import fault_lines
from mentor_rules.result import Finding, InvalidEntry, Report
from mentor_rules.rulebook import Rule, Rulebook
from mentor_rules.texts import safe, say
from mentor_rules.vocabulary import LANGUAGES, Language

_MATTERS = frozenset({"breached", "unknown", "disputed", "pending"})
MOST_CELLS = 1_000_000  # of all sheets: they are in memory at once, unlike those only read
_LONGEST = 32_000  # characters; a cell holds 32,767
_LAST_COLUMN = 16_384
_LINE = 15  # points, of a row of one line
_HIGHEST = 409  # points
_UNREADABLE = "#VALUE!"  # what no reader takes for a value
_SHEET_NAME = re.compile(r"[\\*?:/\[\]]")
_FORMULA_CELL = re.compile(
    rb'(<c r="([A-Z]+[0-9]+)"[^>]*)(>)(<f(?:\s[^>]*)?(?:/>|>[^<]*</f>))(?:<v ?/>|<v></v>)'
)
# What openpyxl carries over in part or not at all.
_NOT_CARRIED = re.compile(r"xl/(media|drawings/drawing|charts|ctrlProps|slicers|threadedComments)")
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # of a member of a zip file: the same workbook, the same bytes

_TONES = {
    "eligible": "good",
    "compliant": "good",
    "satisfied": "good",
    "ineligible": "bad",
    "breached": "bad",
    "depends": "dispute",
    "disputed": "dispute",
    "undetermined": "open",
    "unknown": "open",
    "pending": "waiting",
    "not_judged": "none",
}
_FILLS = {
    "good": PatternFill("solid", fgColor="D8EFD3"),
    "bad": PatternFill("solid", fgColor="F8CFC4"),
    "dispute": PatternFill("solid", fgColor="E6D8F2"),
    "open": PatternFill("solid", fgColor="FCEBB6"),
    "waiting": PatternFill("solid", fgColor="D6E6F5"),
    "none": PatternFill("solid", fgColor="E7E6E6"),
    "": PatternFill(),
}
_HEADING_FILL = PatternFill("solid", fgColor="1F3864")
_FONT = "Calibri"
_HEADING_FONT = Font(name=_FONT, bold=True, color="FFFFFF")
_EDGE = Border(left=Side(style="thin", color="BFBFBF"), bottom=Side(style="thin", color="D9D9D9"))
_WRAPPED = Alignment(vertical="top", wrap_text=True)
_GUIDE_WIDTHS = {"A": 34, "B": 100, "C": 10}
DAY_FORMAT = {"en": "yyyy-mm-dd", "kk": "dd.mm.yyyy", "ru": "dd.mm.yyyy"}


class ReadingOptions(TypedDict, total=False):
    """How the file was read: the arguments of `Dossier.read` that tell what its cells mean."""

    encoding: str | None
    percent_as: PercentAs
    mapping: Path | str | None


class Content(NamedTuple):
    """What is written into one cell, and the tone of its colour."""

    value: str | date | int | None = None
    tone: str = ""


@dataclass(frozen=True)
class Column:
    """A column that is added: its name without `x_mr_`, what it says, its width in characters."""

    name: str
    says: str
    width: int = 24
    about: str = ""

    @property
    def heading(self) -> str:
        """The heading: the name that readers pass over, and below it words for people."""
        return f"x_mr_{self.name}\n{self.says}"


Cells = Mapping[int, Sequence[Content]]
"""What is added to the rows of a table, by row number."""


def annotated(
    path: Path | str,
    report: Report,
    rulebook: Rulebook,
    *,
    language: Language = "en",
    names: Mapping[str, str] | None = None,
    **options: Unpack[ReadingOptions],
) -> bytes:
    """Give the workbook in `path` with what `report` says of each row, as the bytes of an `.xlsx`.

    A folder of CSV or a JSON file becomes a workbook first, each cell as it was given. `names`
    maps ids to names; without it no name is added. `options` are those with which the file was
    read for the report. The same arguments give the same bytes. Raises ReadingError where the
    file can no longer be read, or leaves no room.
    """
    path = Path(path)
    tables = read_tables(path, **options)
    is_workbook = path.is_file() and path.suffix.lower() == ".xlsx"
    book = _own_book(path) if is_workbook else _built_book(path, tables, options)
    if path.suffix.lower() == ".json":
        report = _numbered_as_rows(report, tables, language)
    for title in {say("workbook", "guide", one) for one in LANGUAGES} & set(book.sheetnames):
        book.remove(book[title])
    writer = _Annotator(book, tables, report, rulebook, language, names)
    for table in TABLES:
        if table in tables.places and tables.places[table].sheet in book.sheetnames:
            writer.annotate(table)
    writer.write_guide(lossy=is_workbook and _loses(path))
    return packed(book, _results_of_formulas(path) if is_workbook else {})


# The workbook to write into -------------------------------------------------------------


def _own_book(path: Path) -> Workbook:
    """Open the user's workbook to be written; its limits were checked when it was read."""
    try:
        _expect_room(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the guide tells what a copy may lack
            return load_workbook(path, rich_text=True)
    except ReadingError:
        raise
    except Exception:
        raise ReadingError("not_a_workbook", name=path.name) from None


def _expect_room(path: Path) -> None:
    """Refuse a workbook whose sheets, also those that hold no table, have too many cells."""
    if measure_workbook(path).cells > MOST_CELLS:
        raise ReadingError("too_many_cells", name=path.name)


def _sheet_members(container: zipfile.ZipFile) -> Iterator[str]:
    for member in container.namelist():
        if member.startswith("xl/worksheets/") and member.endswith(".xml"):
            yield member


def _loses(path: Path) -> bool:
    """Tell whether the workbook holds what a copy may lack: drawings, newer kinds of rules."""
    with zipfile.ZipFile(path) as container:
        if any(_NOT_CARRIED.match(member) for member in container.namelist()):
            return True
        # Newer kinds of drop-downs and colour rules stand at the very end of a sheet.
        return any(b"<extLst" in container.read(one)[-65536:] for one in _sheet_members(container))


def _results_of_formulas(path: Path) -> dict[str, dict[str, Any]]:
    """Give what the formulas of a workbook gave, by sheet and cell.

    openpyxl writes formulas without their results; a reader would find nothing there.
    """
    found: dict[str, dict[str, Any]] = {}
    if not measure_workbook(path).formulas:
        return found
    with ExitStack() as open_files:
        shown = load_workbook(path, read_only=True, data_only=True)
        written = load_workbook(path, read_only=True)
        for book in (shown, written):
            open_files.callback(book.close)
            for sheet in book.worksheets:
                sheet.reset_dimensions()
        for sheet in written.worksheets:
            results = found.setdefault(sheet.title, {})
            pairs = zip(sheet.iter_rows(), shown[sheet.title].iter_rows(), strict=False)
            for formulas, values in pairs:
                for formula, value in zip(formulas, values, strict=False):
                    if formula.data_type == "f" and (value.value is not None or _is_empty(value)):
                        results[formula.coordinate] = (value.data_type, value.value)
    return found


def _is_empty(cell: Any) -> bool:
    """Tell whether the result is an empty text, which is a result too."""
    return bool(cell.data_type == "str")


def _built_book(path: Path, tables: Tables, options: ReadingOptions) -> Workbook:
    """Build a workbook from a folder of CSV or a JSON file: text stays text, zeros in front too."""
    book = new_book()
    ragged = _ragged_rows(tables)
    of_sheet = {place.sheet: table for table, place in tables.places.items()}
    with ExitStack() as open_files:
        for given in sheets(path, options.get("encoding"), Tables(), open_files):
            table = of_sheet.get(given.name) or _table(given, tables)
            title = _SHEET_NAME.sub("_", safe(given.name)).strip("'")[:31]
            if title != given.name and table is not None:
                title = table
            sheet = book.create_sheet(title or "_")
            if table in tables.places:
                tables.places[table] = tables.places[table]._replace(sheet=sheet.title)
            broken = ragged.get(table or "", {})
            for number, line in enumerate(_lines(given, table, tables), start=1):
                for place, value in enumerate(line, start=1):
                    _put(sheet, number, place, value)
                if number in broken and table is not None:
                    _set_aside(sheet, number, broken[number], tables.places[table].width)
            _arrange(sheet)
    return book


def _table(given: Sheet, tables: Tables) -> str | None:
    return tables.mapped.tables.get(squeeze(given.name)) or table_named(given.name)


def _ragged_rows(tables: Tables) -> dict[str, dict[int, bool]]:
    """Give the rows that do not fit their header, each with whether its first cell is believed."""
    found: dict[str, dict[int, bool]] = defaultdict(dict)
    for row in tables.invalid:
        if row.code == "ragged" and row.row is not None:
            found[row.table][row.row] = any(part is not None for part in row.key)
    return found


def _set_aside(sheet: Worksheet, number: int, first_is_right: bool, width: int) -> None:
    """Move the cells of a row that does not fit its header to the right of the table.

    In a workbook they would seem to fit. Where they stood, nothing may be read.
    """
    row = [cell.value for cell in sheet[number]]
    start = 2 if first_is_right else 1
    for place, value in enumerate(row[start - 1 :], start=start):
        _put(sheet, number, width + place, value)
    for place in range(start, width + 1):
        _put(sheet, number, place, _UNREADABLE)


def _lines(given: Sheet, table: str | None, tables: Tables) -> Iterator[Sequence[Any]]:
    """Give the lines of a sheet; a table of mappings gets the columns that no row states.

    A JSON table may leave out what it does not state; a sheet without a required column, or
    without a header, would be refused.
    """
    lines = given.lines()
    if not given.mapped or table is None:
        yield from lines
        return
    names = [str(name) for name in next(lines, ())]
    meant = tables.mapped.columns.get(table, {})
    known = headings()[table].columns
    found = [meant.get(squeeze(name)) or known.get(squeeze(name)) for name in names]
    absent = {name: needed for name, needed in columns(table).items() if name not in found}
    yield [*names, *(name for name, needed in absent.items() if needed or not names)]
    for line in lines:
        yield [
            _joined(value) if column == "subjects" else value
            for value, column in zip(line, found, strict=True)
        ]


def _joined(value: object) -> object:
    """Give a list of subjects as one text, where that says the same."""
    if isinstance(value, list) and all(isinstance(one, str) and ";" not in one for one in value):
        return "; ".join(value)
    return value


def _put(sheet: Worksheet, row: int, column: int, value: object) -> None:
    """Write one given value: a text as a text, whatever it starts with."""
    if value is None or value == "":
        return
    cell = sheet.cell(row, column)
    written = _writable(value)
    if isinstance(written, str):
        written = ILLEGAL_CHARACTERS_RE.sub("\ufffd", written)
        cell.number_format = "@"
    cell.value = written
    if isinstance(written, str):
        cell.data_type = "s"
        cell.quotePrefix = str(safe_cell(written)).startswith("'")


def _writable(value: object) -> str | bool | int | float:
    """Give a value as a cell can hold it: numbers that it would round become text."""
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int | Decimal):
        exact = Decimal(value)
        if exact.is_finite() and abs(exact.adjusted()) <= 1000:
            if len(exact.as_tuple().digits) <= 15 and abs(exact.adjusted()) <= 15:
                return int(exact) if isinstance(value, int) else float(exact)
            return f"{exact:f}"
    return _UNREADABLE


def _arrange(sheet: Worksheet) -> None:
    """Give the columns of a built sheet a width that shows most of what they hold."""
    widths: dict[int, int] = defaultdict(int)
    for (_, column), cell in sheet._cells.items():  # only these exist: iter_rows would make others
        widths[column] = max(widths[column], len(str(cell.value)))
    for column, width in widths.items():
        sheet.column_dimensions[get_column_letter(column)].width = min(max(width, 8) + 2, 40)


def _numbered_as_rows(report: Report, tables: Tables, language: Language) -> Report:
    """Give the report on a JSON file with its items numbered as the rows below a header are.

    A message may name another row.
    """
    for table, numbers in tables.rows.items():
        tables.rows[table] = [number + 1 for number in numbers]
    tables.invalid = [
        replace(row, row=row.row + 1) if row.row is not None else row for row in tables.invalid
    ]
    records: dict[str, Any] = tables.records
    dossier = Dossier(**records, invalid=tables.invalid, rows=tables.rows)
    return report.model_copy(update={"invalid": invalid_entries(dossier, language)})


# What is added --------------------------------------------------------------------------


class _Annotator:
    """Writes what a report says of the rows of a workbook into that workbook."""

    def __init__(
        self,
        book: Workbook,
        tables: Tables,
        report: Report,
        rulebook: Rulebook,
        language: Language,
        names: Mapping[str, str] | None,
    ) -> None:
        self._book, self._tables, self._report = book, tables, report
        self._rulebook, self._language, self._names = rulebook, language, names
        self._results = {result.appointment_id: result for result in report.results}
        self._reserves = {school.school_id: school.findings for school in report.schools}
        self._acts = _dated_acts(rulebook)
        self._problems: dict[tuple[str, int | None], list[InvalidEntry]] = defaultdict(list)
        for entry in report.invalid:
            self._problems[entry.table, entry.row].append(entry)
        self._added: dict[str, Column] = {}  # what the guide explains

    def _say(self, group: str, code: str, **params: object) -> str:
        return say(group, code, self._language, **{key: str(text) for key, text in params.items()})

    def annotate(self, table: str) -> None:
        """Add the columns of one table."""
        place = self._tables.places[table]
        sheet = self._book[place.sheet]
        header = max(place.header, 1)
        added, cells = self._columns(table)
        self._added |= {column.about or column.name: column for column in added}
        slots = _slots(sheet, header, place.width, len(added))
        widths = [column.width for column in added]
        for column, slot in zip(added, slots, strict=True):
            heading = sheet.cell(header, slot, column.heading)
            heading.font, heading.fill, heading.alignment = _HEADING_FONT, _HEADING_FILL, _WRAPPED
            _set_width(sheet, slot, column.width)
        _grow(sheet, header, zip((column.heading for column in added), widths, strict=True))
        styles = _Styles(self._language)
        for number, contents in cells.items():
            for slot, content in zip(slots, contents, strict=True):
                if content.value is not None:
                    styles.write(sheet.cell(number, slot), content)
            texts = (str(content.value or "") for content in contents)
            _grow(sheet, number, zip(texts, widths, strict=True))
        _freeze_and_filter(sheet, header, slots, max(cells, default=header))

    def _columns(self, table: str) -> tuple[list[Column], Cells]:
        """Give the columns added to a table, and their cells by row."""
        rows = self._rows(table)
        added: list[Column] = []
        contents: dict[int, list[Content]] = {number: [] for number in rows}
        for column, cells in self._parts(table, rows):
            added += column
            for number, found in cells.items():
                contents[number] += found
        problem = self._column("problem", 48)
        whole = self._problems.get((table, None), ())
        if whole:
            # The table is not read at all: its heading says so, where a person looks first.
            problem = replace(problem, says=self._told(whole))
        added.append(problem)
        for number, found in contents.items():
            told = self._told(self._problems.get((table, number), ()))
            found.append(Content(told, "bad") if told else Content())
        return added, contents

    def _rows(self, table: str) -> dict[int, str | None]:
        """Give the rows that hold a record, readable or not, with the id that they are about."""
        numbers = self._tables.rows.get(table, [])
        records = self._tables.records.get(table, [])
        rows: dict[int, str | None] = {
            number: record.key[0] for number, record in zip(numbers, records, strict=True)
        }
        for row in self._tables.invalid:
            if row.table == table and row.row is not None:
                rows.setdefault(row.row, row.key[0] if row.key else None)
        return dict(sorted(rows.items()))

    def _parts(
        self, table: str, rows: Mapping[int, str | None]
    ) -> Iterator[tuple[list[Column], Mapping[int, list[Content]]]]:
        if table == "appointments":
            if self._names is not None:
                people = [self._column("mentor", 28), self._column("mentee", 28)]
                yield people, {number: self._people(of) for number, of in rows.items()}
            yield (
                [
                    self._column("eligibility"),
                    self._column("procedure"),
                    self._column("reasons", 80),
                    self._column("remedies", 58),
                    self._column("missing", 48),
                ],
                {number: self._verdicts(of) for number, of in rows.items()},
            )
            if any(result.changes is not None for result in self._results.values()):
                changes = [self._column("changes", 80)]
                yield changes, {number: [self._changes(of)] for number, of in rows.items()}
        elif table == "plans":
            procedure = [self._column("procedure")]
            yield procedure, {number: [self._procedure(of)] for number, of in rows.items()}
            for rule in self._acts:
                yield (
                    self._act_columns(rule),
                    {number: self._act(rule, of) for number, of in rows.items()},
                )
        elif table == "schools":
            reserve = [self._column("reserve", 58)]
            yield reserve, {number: [self._reserve(of)] for number, of in rows.items()}

    def _column(self, name: str, width: int = 24) -> Column:
        return Column(name, self._say("workbook", name), width)

    def _act_columns(self, rule: Rule) -> list[Column]:
        assert rule.act is not None  # noqa: S101 - only such rules are among them
        tail = rule.id.rpartition("/")[2]
        act = column_label("plans", rule.act.done[-1], self._language)
        return [
            Column(f"{kind}_{tail}", self._say("workbook", kind, act=act), width, kind)
            for kind, width in (("due", 28), ("state", 30), ("late", 28))
        ]

    def _people(self, appointment: str | None) -> list[Content]:
        result = self._results.get(appointment or "")
        names = self._names or {}
        people = (result.mentor_id, result.mentee_id) if result else (None, None)
        return [Content(names.get(person or "")) for person in people]

    def _verdict(self, verdict: str) -> Content:
        return Content(self._say("verdict", verdict), _TONES[verdict])

    def _procedure(self, appointment: str | None) -> Content:
        result = self._results.get(appointment or "")
        return self._verdict(result.procedure) if result else Content()

    def _verdicts(self, appointment: str | None) -> list[Content]:
        result = self._results.get(appointment or "")
        if result is None:  # not even its id can be read
            return [*[self._verdict("not_judged")] * 2, *[Content()] * 3]
        matters = [f for f in result.findings if f.weight != "advisory" and f.outcome in _MATTERS]
        reasons = [self._finding(finding) for finding in matters]
        if fault := self._report.run.faults.get(result.appointment_id):
            reasons += list(fault_lines(result.appointment_id, fault, self._language))[:1]
        missing = [
            f"{self._record(item.key)}: {item.document} ({item.who})"
            for finding in matters
            for item in finding.missing
        ]
        return [
            self._verdict(result.eligibility),
            self._verdict(result.procedure),
            _listed(reasons),
            _listed(finding.remedy for finding in matters if finding.remedy),
            _listed(missing),
        ]

    def _changes(self, appointment: str | None) -> Content:
        """Give the smallest ways to an eligible appointment, and what no longer changes."""
        result = self._results.get(appointment or "")
        if result is None or result.changes is None:
            return Content()
        ways = [
            self._say(
                "workbook", "way", number=number, changes="; ".join(c.text for c in way.changes)
            )
            for number, way in enumerate(result.changes.ways, start=1)
        ]
        if result.changes.left_out:
            ways.append(self._say("workbook", "more_ways", count=result.changes.left_out))
        return _listed([*ways, *(past.text for past in result.changes.past)])

    def _finding(self, finding: Finding) -> str:
        return f"[{self._say('outcome', finding.outcome)}] {finding.message}"

    def _record(self, key: str) -> str:
        """Give the key of a record with its table named in the language of the reader."""
        table, _, rest = key.partition(" ")
        return f"{table_label(table, self._language)} {rest}" if table in TABLES else key

    def _act(self, rule: Rule, appointment: str | None) -> list[Content]:
        """Give by when an act is due, how it stands, and the days by which it is late."""
        result = self._results.get(appointment or "")
        finding = next((f for f in result.findings if f.rule == rule.id), None) if result else None
        if finding is None:
            return [Content()] * 3
        tone = _TONES.get(finding.outcome, "")
        state = self._say("outcome", finding.outcome)
        if finding.days_late and finding.outcome == "breached":
            state = self._say("outcome", "late" if finding.done else "overdue")
        notes = [
            self._say("workbook", code)
            for code, holds in (("latest", finding.latest), ("provisional", finding.provisional))
            if holds and finding.outcome != "satisfied"
        ]
        shown = f"{state} ({'; '.join(notes)})" if notes else state
        return [Content(finding.due), Content(shown, tone), Content(finding.days_late)]

    def _reserve(self, school: str | None) -> Content:
        findings = [f for f in self._reserves.get(school or "", ()) if f.outcome in _MATTERS]
        worst = "bad" if any(f.outcome == "breached" for f in findings) else "open"
        return _listed(map(self._finding, findings))._replace(tone=worst if findings else "")

    def _told(self, entries: Iterable[InvalidEntry]) -> str:
        lines = []
        for entry in entries:
            told = f"{entry.problem}; {entry.remedy}"
            if entry.column is not None:
                told = f"{column_label(entry.table, entry.column, self._language)}: {told}"
            lines.append(told)
        return "\n".join(dict.fromkeys(lines))

    # The guide --------------------------------------------------------------------------

    def write_guide(self, *, lossy: bool) -> None:
        """Add the sheet that says how to read the rest."""
        sheet = self._book.create_sheet(self._say("workbook", "guide"))
        guide = Guide(sheet)
        report, basis = self._report, self._report.provenance
        guide.title(self._say("workbook", "title"))
        guide.text(self._say("workbook", "own"))
        guide.text(self._say("workbook", "mend"))
        if lossy:
            guide.text(self._say("workbook", "lossy"))
        guide.text(
            self._say(
                *("label", "basis"),
                as_of=report.as_of,
                rulebook=basis.rulebook,
                sha=basis.rulebook_sha256[:12],
                known_until=basis.known_until,
            )
        )
        caveats = list(basis.caveats)
        if self._language != "en":
            caveats.append(self._rulebook.read.texts[self._language])
        for caveat in caveats:
            guide.text(caveat, "open")
        self._counts(guide)
        guide.heading(self._say("workbook", "columns"))
        for name, column in self._added.items():
            shown = f"x_mr_{name}…" if column.about else f"x_mr_{name}"
            guide.row(shown, self._say("workbook", f"{name}_means"))
        self._questions(guide)
        self._without_row(guide)
        self._noted(guide)

    def _counts(self, guide: "Guide") -> None:
        summary = self._report.summary
        for label, counts in (
            ("eligibility", summary.eligibility),
            ("procedure", summary.procedure),
        ):
            guide.heading(self._say("label", label))
            for verdict, count in counts.items():
                means = self._say("workbook", f"means_{verdict}")
                guide.row(self._say("verdict", verdict), means, count, _TONES[verdict])

    def _questions(self, guide: "Guide") -> None:
        open_questions = self._report.summary.open_questions
        deciding = {name: counts for name, counts in open_questions.items() if counts["decides"]}
        if deciding:
            guide.heading(self._say("label", "open_questions"))
        for name, counts in deciding.items():
            asks = self._rulebook.questions[name].asks[self._language]
            readings = "; ".join(
                f"{reading} → "
                + ", ".join(f"{self._say('verdict', verdict)} {n}" for verdict, n in found.items())
                for reading, found in counts.items()
                if reading != "decides"
            )
            guide.row(name, f"{asks}\n{readings}", counts["decides"], "dispute")

    def _without_row(self, guide: "Guide") -> None:
        written = {table: set(self._rows(table)) for table in self._tables.places}
        rest = [
            entry
            for entry in self._report.invalid
            if entry.row is None or entry.row not in written.get(entry.table, ())
        ]
        if rest:
            guide.heading(self._say("workbook", "without_row"))
        for entry in rest:
            guide.row(table_label(entry.table, self._language), self._told([entry]), None, "bad")

    def _noted(self, guide: "Guide") -> None:
        run = self._report.run
        noted = list(run.notes)
        if run.ignored_columns:
            noted.append(self._say("label", "ignored", names=", ".join(run.ignored_columns)))
        for key, fault in run.faults.items():
            noted += fault_lines(key, fault, self._language)
        if noted:
            guide.heading(self._say("workbook", "noted"))
        for text in noted:
            guide.text(text)


class Guide:
    """A sheet of short paragraphs and three-column rows, written from the top."""

    def __init__(self, sheet: Worksheet) -> None:
        self._sheet, self._row = sheet, 0
        for column, width in _GUIDE_WIDTHS.items():
            sheet.column_dimensions[column].width = width
        sheet.sheet_view.showGridLines = False
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)

    def title(self, text: str) -> None:
        """Write the title."""
        self._next(text, Font(name=_FONT, bold=True, size=16)).alignment = Alignment()
        self._sheet.row_dimensions[self._row].height = 24

    def heading(self, text: str) -> None:
        """Write the heading of a part, after an empty row."""
        self._row += 1
        self._next(
            text, Font(name=_FONT, bold=True, size=12, color="1F3864")
        ).alignment = Alignment()

    def text(self, text: str, tone: str = "") -> None:
        """Write a paragraph across the sheet."""
        cell = self._next(text)
        self._sheet.merge_cells(
            start_row=self._row, end_row=self._row, start_column=1, end_column=3
        )
        cell.fill = _FILLS[tone]
        _grow(self._sheet, self._row, ((text, sum(_GUIDE_WIDTHS.values())),))

    def row(self, name: str, says: str, count: int | None = None, tone: str = "") -> None:
        """Write a name, what it says, and a number."""
        self._next(name, Font(name=_FONT, bold=True)).fill = _FILLS[tone]
        told = self._sheet.cell(self._row, 2, _plain(says))
        told.alignment, told.font = _WRAPPED, Font(name=_FONT)
        _grow(self._sheet, self._row, ((name, _GUIDE_WIDTHS["A"]), (says, _GUIDE_WIDTHS["B"])))
        if count is not None:
            self._sheet.cell(self._row, 3, count).alignment = _WRAPPED

    def _next(self, text: str, font: Font | None = None) -> Any:
        self._row += 1
        cell = self._sheet.cell(self._row, 1, _plain(text))
        cell.alignment = _WRAPPED
        cell.font = font or Font(name=_FONT)
        return cell


class _Styles:
    """Writes contents with the looks of what is added; each look is made once."""

    def __init__(self, language: Language) -> None:
        self._day = DAY_FORMAT[language]
        self._made: dict[tuple[str, bool], Any] = {}

    def write(self, cell: Any, content: Content) -> None:
        """Write one cell."""
        value = content.value
        cell.value = _plain(value) if isinstance(value, str) else value
        look = (content.tone, isinstance(value, date))
        if look in self._made:
            cell._style = copy(self._made[look])  # setting four parts one by one takes long
            return
        cell.font, cell.fill, cell.alignment = Font(name=_FONT), _FILLS[content.tone], _WRAPPED
        cell.border = _EDGE
        if isinstance(value, date):
            cell.number_format = self._day
        self._made[look] = copy(cell._style)


def _plain(text: str) -> str:
    """Give a text that no spreadsheet runs, line by line, cut to what a cell holds."""
    plain = "\n".join(str(safe_cell(line)) for line in text.split("\n"))
    return plain if len(plain) <= _LONGEST else plain[:_LONGEST] + "…"


def _listed(texts: Iterable[str]) -> Content:
    lines = list(dict.fromkeys(texts))
    return Content(
        "\n".join(f"• {line}" for line in lines) if lines[1:] else "".join(lines) or None
    )


def _dated_acts(rulebook: Rulebook) -> list[Rule]:
    """Give the rules that say by when an act of a plan is due, in the order of the register."""
    order = list(columns("plans"))
    found = [
        rule
        for rule in rulebook.rules
        if rule.act is not None and rule.act.done and (rule.act.term or rule.act.until)
        if asked(rule, "plan") and rule.weight != "advisory"
    ]
    return sorted(found, key=lambda rule: order.index(rule.act.done[-1]) if rule.act else 0)


# Where it is added ----------------------------------------------------------------------


def _slots(sheet: Worksheet, header: int, width: int, count: int) -> list[int]:
    """Give the columns to be written: those of an earlier copy, emptied, then ones to the right.

    Nothing that stands in the user's columns, with a heading or without, is written over.
    """
    # Only cells that exist are looked at: one at the far end must not make all others.
    existing = sheet._cells
    old = sorted(
        column for (row, column), cell in existing.items() if row == header and is_own(cell.value)
    )
    for (row, column), cell in existing.items():
        if row >= header and column in old:
            cell.value = cell.comment = cell.hyperlink = None
            cell.style = "Normal"
    taken = (
        column
        for (row, column), cell in existing.items()
        if row >= header and cell.value not in (None, "")
    )
    merged = (area.max_col for area in sheet.merged_cells.ranges if area.max_row >= header)
    last = max((width, *taken, *merged, *old))
    slots = [*old, *range(last + 1, last + 1 + count)][:count]
    if slots[-1] > _LAST_COLUMN:
        raise ReadingError("too_many_columns", table=sheet.title)
    return slots


def _set_width(sheet: Worksheet, column: int, width: int) -> None:
    """Set the width of one column, parting a range of columns that share theirs.

    A workbook whose ranges overlap is refused by spreadsheet programs.
    """
    dimensions = sheet.column_dimensions
    for key, shared in list(dimensions.items()):
        first, last = shared.min, shared.max
        if first is None or last is None or not first <= column <= last:
            continue
        del dimensions[key]
        for start, end in ((first, column - 1), (column + 1, last)):
            if start <= end:
                part = copy(shared)
                part.index, part.min, part.max = get_column_letter(start), start, end
                dimensions[part.index] = part
    letter = get_column_letter(column)
    dimensions[letter] = ColumnDimension(sheet, index=letter, width=width)


def _grow(sheet: Worksheet, row: int, texts: Iterable[tuple[str, int]]) -> None:
    """Make a row as high as its texts need in their widths, unless the user has made it higher.

    Not every spreadsheet program makes room by itself for what is wrapped; some write the height
    of one line to every row that they save.
    """
    dimension = sheet.row_dimensions[row]
    lines = max(
        sum(1 + int(len(line) * 1.1) // width for line in text.split("\n")) for text, width in texts
    )
    if (dimension.height or 0) <= _LINE + 2 and lines > 1:
        dimension.height = min(_LINE * lines + 2, _HIGHEST)


def _freeze_and_filter(sheet: Worksheet, header: int, slots: Sequence[int], last: int) -> None:
    """Freeze the header and offer filters, where the user has not arranged it otherwise."""
    if sheet.freeze_panes is None and header <= 10:
        sheet.freeze_panes = f"A{header + 1}"
    if sheet.tables:
        return  # an Excel table has filters of its own, and two over one cell damage the file
    area = re.fullmatch(r"\$?([A-Z]+)\$?(\d+):\$?[A-Z]+\$?(\d+)", sheet.auto_filter.ref or "")
    right = get_column_letter(max(slots))
    if area is None and not sheet.auto_filter.ref:
        sheet.auto_filter.ref = f"A{header}:{right}{max(last, header)}"
    elif area is not None and int(area[2]) == header:
        sheet.auto_filter.ref = f"{area[1]}{header}:{right}{max(last, int(area[3]))}"


# The file -------------------------------------------------------------------------------


def new_book() -> Workbook:
    """Give a workbook without sheets that tells nobody when it was made."""
    book = Workbook()
    book.remove(book.worksheets[0])
    book.properties.created = book.properties.modified = datetime(*_EARLIEST)
    return book


def packed(book: Workbook, results: Mapping[str, Mapping[str, Any]] | None = None) -> bytes:
    """Give the bytes of a workbook, the same ones for the same contents.

    `results` are those of its formulas (type and value), by sheet and cell.
    """
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as container:
        ExcelWriter(book, container).save()  # Workbook.save would write the day into the file
    epoch = book.epoch
    results = results or {}
    of_member = {sheet.path[1:]: results.get(sheet.title, {}) for sheet in book.worksheets}
    final = BytesIO()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(final, "w") as target:
        for member in source.infolist():
            content = source.read(member)
            if found := of_member.get(member.filename):
                content = _FORMULA_CELL.sub(
                    lambda match, found=found: _with_result(match, found, epoch),  # type: ignore[misc]  # bound at once
                    content,
                )
            entry = zipfile.ZipInfo(member.filename, _EARLIEST)
            # Text that repeats packs so tightly that readers take it for an attack.
            tight = len(content) > 2**20 and len(content) > MAX_RATIO // 2 * member.compress_size
            entry.compress_type = zipfile.ZIP_STORED if tight else zipfile.ZIP_DEFLATED
            target.writestr(entry, content)
    return final.getvalue()


def _with_result(match: re.Match[bytes], results: Mapping[str, Any], epoch: datetime) -> bytes:
    """Give the XML of a formula's cell with its result."""
    opening, coordinate, end, formula = match.groups()
    if coordinate.decode() not in results:
        return match[0]
    kind, value = results[coordinate.decode()]
    if isinstance(value, bool):
        kind, text = "b", str(int(value))
    elif isinstance(value, int | float):
        kind, text = "n", repr(value)
    elif isinstance(value, date | time | timedelta):
        kind, text = "n", repr(to_excel(value, epoch))  # type: ignore[no-untyped-call]  # openpyxl has no types here
    elif kind == "e":
        text = str(value)
    else:
        kind, text = "str", escape(value or "")
    typed = opening + f' t="{kind}"'.encode() + end
    return typed + formula + f"<v>{text}</v>".encode()
