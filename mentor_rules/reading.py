"""Files become tables, and tables become records; everything odd is reported, nothing guessed.

Three shapes with the same tables: a workbook (`.xlsx`), a folder of `TABLE.csv`, one `.json`.
Limits are checked before a file is opened for real, so that a crafted file costs nothing.
"""

import csv
import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Context, Decimal
from difflib import get_close_matches
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from mentor_rules.errors import ReadingError, UsageError
from mentor_rules.records import (
    FORMULA_WITHOUT_VALUE,
    SHARE_OR_PERCENT,
    TABLES,
    InvalidRow,
    Record,
    build_record,
    columns,
    parse_number,
)
from mentor_rules.vocabulary import fold

MAX_WORKBOOK = 20 * 2**20
MAX_TEXT = 200 * 2**20
MAX_UNZIPPED = 200 * 2**20
MAX_RATIO = 100
MAX_CELLS = 2_000_000
MAX_COLUMNS = 256
OWN_COLUMNS = "x_mr_"
EXAMPLE = "EXAMPLE"

PercentAs = Literal["percent", "fraction"]
Row = tuple[int, Mapping[str, Any]]
_EXACT = Context(prec=3000)  # more digits than a figure is allowed: nothing is rounded


@dataclass
class Tables:
    """What a file held: records and their row numbers by table, and all that was odd."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)
    invalid: list[InvalidRow] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_tables(
    path: Path | str, *, encoding: str | None = None, percent_as: PercentAs = "percent"
) -> Tables:
    """Read a dossier: an `.xlsx` workbook, a folder of `TABLE.csv`, or one `.json` file.

    Raises UsageError where there is no such path, ReadingError where it cannot be read at all.
    """
    path = Path(path)
    if not path.exists():
        raise UsageError(f"no such file or folder: {path}")
    tables = Tables()
    if path.is_dir():
        raw = _read_folder(path, encoding, tables)
    elif path.suffix.lower() == ".json":
        raw = _read_json(path, encoding, tables)
    elif path.suffix.lower() == ".xlsx":
        raw = _read_workbook(path, tables)
    else:
        raise ReadingError(
            "unknown_shape",
            f"{path.name} is none of: a .xlsx workbook, a folder of TABLE.csv, a .json file",
            name=path.name,
        )
    for table, rows in raw:
        _build(table, rows, percent_as, tables)
    return tables


def table_named(name: str) -> str | None:
    """Give the table that a sheet or file name stands for, or None."""
    folded = fold(name)
    return folded if folded in TABLES else None


def _table_or_note(name: str, tables: Tables) -> str | None:
    table = table_named(name)
    if table is None:
        near = get_close_matches(fold(name), TABLES, n=1, cutoff=0.75)  # category: categories
        if near:
            tables.invalid.append(
                InvalidRow(
                    near[0], None, _nobody(near[0]), None, "table_near_miss", {"near": near[0]}
                )
            )
        else:
            tables.ignored_columns.append(f"{name} (whole table)")
    elif table in tables.records:
        raise ReadingError("table_twice", f"the table {table} stands twice", table=table)
    else:
        tables.records[table] = []
        tables.rows[table] = []
    return table


def _nobody(table: str) -> tuple[None, ...]:
    """Give a key of `table` none of which can be read: it may be anybody's."""
    return (None,) * len(TABLES[table].key_columns)


def _headers(
    table: str, names: Sequence[object], tables: Tables, *, partial: bool = False
) -> list[str | None] | None:
    """Give the column that each header names (None = ignored), or None to refuse the table.

    `partial` says that a column may be missing because no row states it.
    """
    known = columns(table)
    folded = {fold(column): column for column in known}
    texts = [fold(str(name)) if name is not None else "" for name in names]
    found = [folded.get(text) for text in texts]
    problems: list[tuple[str | None, str, dict[str, str]]] = []
    ignored: list[str] = []
    for text, column in zip(texts, found, strict=True):
        if column is not None or not text or text.startswith(fold(OWN_COLUMNS)):
            continue
        missing = [fold(name) for name in known if name not in found]
        near = get_close_matches(text, missing, n=1, cutoff=0.8)
        if near:
            problems.append((folded[near[0]], "column_near_miss", {"near": folded[near[0]]}))
        else:
            ignored.append(f"{table}.{text.replace(' ', '_')}")
    named = [column for column in found if column is not None]
    problems += [
        (column, "column_twice", {}) for column in dict.fromkeys(named) if named.count(column) > 1
    ]
    near_misses = {column for column, code, _ in problems if code == "column_near_miss"}
    problems += [
        (column, "column_missing", {})
        for column, required in known.items()
        if required and not partial and column not in named and column not in near_misses
    ]
    if not problems:
        tables.ignored_columns += dict.fromkeys(ignored)
        return found
    # The ignored ones are not told of: without a header they are some person's cells.
    tables.invalid += [
        InvalidRow(table, None, _nobody(table), column, code, params)
        for column, code, params in problems
    ]
    return None


def _rows(
    table: str, lines: Iterable[Sequence[Any]], tables: Tables, *, padded: bool
) -> Iterator[Row]:
    """Give the rows below the header, numbered as a spreadsheet numbers them (header = 1).

    `padded` says that a line may end before the header does (a workbook stores no empty tail).
    """
    header: list[str | None] | None = None
    for number, line in enumerate(lines, start=1):
        if all(_blank(cell) for cell in line):
            continue
        if header is None:
            named = max(place for place, cell in enumerate(line, start=1) if not _blank(cell))
            line = line[:named]
            if len(line) > MAX_COLUMNS:
                raise ReadingError("too_many_columns", f"{table}: too many columns", table=table)
            header = _headers(table, line, tables)
            if header is None:
                return
            continue
        cells = {
            column: cell for column, cell in zip(header, line, strict=False) if column is not None
        }
        beyond = not all(_blank(cell) for cell in line[len(header) :])
        if beyond or (len(line) < len(header) and not padded):
            tables.invalid.append(
                InvalidRow(table, number, _ragged_key(table, header, line), None, "ragged")
            )
        else:
            yield number, cells
    if header is None:  # not even a header: nothing says that this table is complete
        _headers(table, (), tables)


def _blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _ragged_key(
    table: str, header: Sequence[str | None], line: Sequence[Any]
) -> tuple[str | None, ...]:
    """Give what can be told of the key of a line that does not fit its header.

    Where the line broke is not known: at most its first cell stands where it should. In a
    short line the first cell may itself be the lost one; where that would leave somebody's
    facts wrongly complete, nothing of the key is believed.
    """
    model = TABLES[table]
    one_row_each = model.unique and len(model.key_columns) == 1
    if header[0] is None or (len(line) < len(header) and not one_row_each):
        return _nobody(table)
    record, problems = build_record(table, None, {header[0]: line[0]})
    return record.key if record is not None else problems[0].key


def _build(table: str, rows: Iterable[Row], percent_as: PercentAs, tables: Tables) -> None:
    def add(number: int, cells: Mapping[str, Any]) -> None:
        record, problems = build_record(table, number, cells)
        if record is None:
            tables.invalid += problems
        else:
            tables.records[table].append(record)
            tables.rows[table].append(number)

    keys = TABLES[table].key_columns
    ones: list[Row] = []  # a bare 1: one per cent, or the share 1? The whole column tells
    above_one = False
    for number, cells in rows:
        if any(str(cells.get(column) or "").strip().startswith(EXAMPLE) for column in keys):
            continue
        bare = _bare_number(cells.get("percent")) if table == "quality" else None
        if bare is not None and percent_as == "fraction":
            add(number, {**cells, "percent": f"{_EXACT.multiply(bare, Decimal(100)):f}%"})
        elif bare == 1:
            ones.append((number, cells))
        else:
            above_one = above_one or (bare is not None and bare > 1)
            add(number, cells)
    for number, cells in ones:
        add(number, cells if above_one else {**cells, "percent": SHARE_OR_PERCENT})


def _bare_number(value: object) -> Decimal | None:
    """Give the number of a cell without a percent sign, or None."""
    try:
        return parse_number(value)
    except PydanticCustomError:
        return None


# CSV ------------------------------------------------------------------------------------


def _read_folder(
    folder: Path, encoding: str | None, tables: Tables
) -> Iterator[tuple[str, Iterable[Row]]]:
    files = sorted(
        path for path in folder.iterdir() if path.suffix.lower() == ".csv" and path.is_file()
    )
    if not files:
        raise ReadingError("no_tables", f"{folder.name} holds no TABLE.csv", name=folder.name)
    for path in files:
        table = _table_or_note(path.stem, tables)
        if table is not None:
            text = _decode(path, encoding)
            lines = _csv_lines(table, text, path.name)
            yield table, _rows(table, lines, tables, padded=False)


def _guard_size(path: Path, limit: int) -> None:
    if path.stat().st_size > limit:
        megabytes = str(limit // 2**20)
        raise ReadingError(
            "too_large",
            f"{path.name} is larger than {megabytes} MB",
            name=path.name,
            limit=megabytes,
        )


def _decode(path: Path, encoding: str | None) -> str:
    _guard_size(path, MAX_TEXT)
    data = path.read_bytes()
    if data.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    try:
        return data.decode(encoding or "utf-8")
    except LookupError:
        raise UsageError(f"no such encoding: {encoding}") from None
    except UnicodeError:
        raise ReadingError(
            "encoding", f"{path.name} is not in {encoding or 'UTF-8'}", name=path.name
        ) from None


def _csv_lines(table: str, text: str, name: str) -> Iterator[Sequence[str]]:
    if "\x00" in text:
        raise ReadingError("nul", f"{name} holds NUL characters", name=name)
    first = next((line for line in text.splitlines() if line.strip()), "")
    known = {fold(column) for column in columns(table)}

    def recognised(delimiter: str) -> int:
        return sum(fold(part.strip(' "')) in known for part in first.split(delimiter))

    delimiter = max(",;\t", key=recognised)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from reader
    except csv.Error:
        raise ReadingError(
            "csv",
            f"{name}: line {reader.line_num} cannot be read",
            name=name,
            line=str(reader.line_num),
        ) from None


# JSON -----------------------------------------------------------------------------------


def _read_json(
    path: Path, encoding: str | None, tables: Tables
) -> Iterator[tuple[str, Iterable[Row]]]:
    def no_constant(name: str) -> Any:
        raise ValueError(name)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key stands twice")
        for name in found:
            name.encode()  # half a character, such as \ud800, can be in no report
        return found

    def whole(digits: str) -> int | Decimal:
        # int() refuses thousands of digits, and with them the whole file.
        return int(digits) if len(digits) <= 30 else Decimal(digits)

    try:
        content = json.loads(
            _decode(path, encoding),
            parse_float=Decimal,
            parse_int=whole,
            parse_constant=no_constant,
            object_pairs_hook=unique,
        )
    except (ValueError, RecursionError, ArithmeticError):
        raise ReadingError("json", f"{path.name} is not readable JSON", name=path.name) from None
    if not isinstance(content, dict):
        raise ReadingError("json", f"{path.name} is not a JSON object of tables", name=path.name)
    for name, objects in content.items():
        if not isinstance(objects, list) or not all(isinstance(row, dict) for row in objects):
            raise ReadingError("json", f"{name} is not a list of objects", name=path.name)
    yield from _mapped(content, tables)


def read_mappings(
    content: Mapping[str, Iterable[Mapping[str, Any]]], *, percent_as: PercentAs = "percent"
) -> Tables:
    """Read tables given as lists of mappings, by the same rules as a JSON file."""
    tables = Tables()
    lists = {name: list(objects) for name, objects in content.items()}
    for table, rows in _mapped(lists, tables):
        _build(table, rows, percent_as, tables)
    return tables


def _mapped(
    content: Mapping[str, list[Mapping[str, Any]]], tables: Tables
) -> Iterator[tuple[str, Iterable[Row]]]:
    for name, objects in content.items():
        table = _table_or_note(name, tables)
        if table is not None:
            yield table, _json_rows(table, objects, tables)


def _json_rows(table: str, objects: list[Mapping[str, Any]], tables: Tables) -> list[Row]:
    names = list(dict.fromkeys(name for row in objects for name in row))
    if not objects:
        return []
    header = _headers(table, names, tables, partial=True)
    if header is None:
        return []
    known = {name: column for name, column in zip(names, header, strict=True) if column}
    return [
        (number, {known[name]: value for name, value in row.items() if name in known})
        for number, row in enumerate(objects, start=1)
    ]


# Workbooks ------------------------------------------------------------------------------

_QUOTED = re.compile(r'"[^"]*"|\\.')
_NOT_SHOWN = re.compile(r"[_*].|\[[^\]]*\]")  # room, filling, colours and conditions


def _read_workbook(path: Path, tables: Tables) -> Iterator[tuple[str, Iterable[Row]]]:
    from openpyxl import load_workbook  # an extra; importing it costs more than the rest

    _guard_zip(path)
    formulas = None
    try:
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
        if _holds_formulas(path):
            formulas = load_workbook(path, read_only=True, keep_links=False)
    except Exception as error:
        raise ReadingError(
            "not_a_workbook", f"{path.name} is not a readable workbook", name=path.name
        ) from error
    try:
        cells_left = [MAX_CELLS]
        for name in book.sheetnames:
            table = _table_or_note(name, tables)
            if table is not None:
                written = formulas[name] if formulas is not None else None
                lines = _sheet_lines(book[name], written, path.name, cells_left)
                yield table, _rows(table, lines, tables, padded=True)
    finally:
        book.close()
        if formulas is not None:
            formulas.close()


def _holds_formulas(path: Path) -> bool:
    """Tell whether some sheet may hold a formula, so that most workbooks are read once only."""
    with zipfile.ZipFile(path) as container:
        for member in container.namelist():
            if member.startswith("xl/worksheets/") and member.endswith(".xml"):
                with container.open(member) as sheet:
                    before = b""
                    while chunk := sheet.read(2**20):
                        if re.search(rb"<f[ >/]", before + chunk):
                            return True
                        before = chunk[-3:]
    return False


def _guard_zip(path: Path) -> None:
    """Refuse a container that is no zip, or that would unfold beyond the limits."""
    _guard_size(path, MAX_WORKBOOK)
    try:
        with zipfile.ZipFile(path) as container:
            members = container.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise ReadingError(
            "not_a_workbook", f"{path.name} is not a readable workbook", name=path.name
        ) from None
    unzipped = sum(member.file_size for member in members)
    if unzipped > MAX_UNZIPPED or any(
        member.file_size > 2**20 and member.file_size > MAX_RATIO * member.compress_size
        for member in members
    ):
        raise ReadingError(
            "unfolds_too_far", f"{path.name} would unfold beyond the limits", name=path.name
        )


def _sheet_lines(
    sheet: Any, written: Any, name: str, cells_left: list[int]
) -> Iterator[Sequence[Any]]:
    """Give the lines of a sheet; `written` is the same sheet with formulas as they are written."""
    try:
        # What a sheet declares of its size is not believed: one cell at the far end would
        # cost all. An empty row costs too: rows may be numbered into the billions.
        sheet.reset_dimensions()
        sources: Iterator[Any] = repeat(())
        if written is not None:
            written.reset_dimensions()
            sources = written.iter_rows()
        for line, source in zip(sheet.iter_rows(), sources, strict=False):
            cells_left[0] -= max(1, len(line))
            if cells_left[0] < 0:
                raise ReadingError("too_many_cells", f"{name} has too many cells", name=name)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a cell that cannot be a date is told by its row
                cells = [_cell(cell) for cell in line]
            for place, cell in enumerate(source):
                if cell.data_type == "f" and cells[place] is None:
                    cells[place] = FORMULA_WITHOUT_VALUE
            yield cells
    except ReadingError:
        raise
    except Exception as error:
        raise ReadingError(
            "not_a_workbook", f"{name} is not a readable workbook", name=name
        ) from error


def _cell(cell: Any) -> Any:
    """Give what a cell shows: 60 % as `60%`, a number as its 15-digit decimal, a day as a date."""
    value = cell.value
    if value is None or isinstance(value, str | bool | date):
        return value.date() if isinstance(value, datetime) else value
    if isinstance(value, int | float):
        number = Decimal(format(value, ".15g"))
        times = _percent_sign(cell.number_format or "")
        if times is not None:
            return f"{number * times:f}%"
        whole = number.is_finite() and number == number.to_integral_value()
        return int(number) if whole else number
    return str(value)


@lru_cache(maxsize=256)
def _percent_sign(number_format: str) -> int | None:
    """Give what a cell's number is multiplied by before `%` is shown; None = no such sign.

    A sign in quotation marks or after a backslash is shown only: 60 stays 60 %.
    """
    quoted = "".join(_QUOTED.findall(number_format))
    plain = _NOT_SHOWN.sub("", _QUOTED.sub("", number_format))
    return 100 if "%" in plain else 1 if "%" in quoted else None
