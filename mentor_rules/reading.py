"""Files become tables, and tables become records; everything odd is reported, nothing guessed.

Three shapes with the same tables: a workbook (`.xlsx`), a folder of `TABLE.csv`, one `.json`.
Limits are checked before a file is opened for real, so that a crafted file costs nothing.
What was done to make sense of a file (a title skipped, a total left out, an id matched) is
noted, never silent.
"""

import csv
import json
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Context, Decimal
from difflib import get_close_matches
from functools import lru_cache
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO

from pydantic_core import PydanticCustomError

from mentor_rules.container import MAX_CELLS, expect_size, measure_workbook
from mentor_rules.errors import ReadingError, UsageError
from mentor_rules.headings import (
    column_near,
    headings,
    looks_alike_only,
    squeeze,
    table_named,
    table_near,
)
from mentor_rules.personal import masked, masked_path
from mentor_rules.records import (
    FORMULA_WITHOUT_VALUE,
    REFERENCES,
    SHARE_OR_PERCENT,
    TABLES,
    VOCABULARIES,
    InvalidRow,
    Record,
    build_record,
    changed,
    column_value,
    columns,
    parse_number,
)
from mentor_rules.source import read_settings
from mentor_rules.vocabulary import fold, fold_look_alikes

MAX_TEXT = 200 * 2**20
MAX_JSON = 20 * 2**20  # it is read whole, unlike CSV
MAX_LINE = 2**20
MAX_LINE_CELLS = 20_000  # a spreadsheet has 16,384 columns
MAX_COLUMNS = 256
OWN_COLUMNS = squeeze("x_mr_")
EXAMPLE = "EXAMPLE"
# A header stands among the first lines, below at most a title and what belongs to it.
HEADER_WITHIN = 20
TOTALS = frozenset({"итого", "всего", "барлығы", "жиыны", "жиынтығы", "қорытынды", "total"})

_CHUNK = 2**20

PercentAs = Literal["percent", "fraction"]
Row = tuple[int, Mapping[str, Any]]
_EXACT = Context(prec=3000)  # more digits than a figure is allowed: nothing is rounded


class Note(NamedTuple):
    """Something done to read a dossier: a code of `texts.toml`, and what it was done to."""

    code: str
    params: tuple[tuple[str, str], ...] = ()


def note(code: str, **params: object) -> Note:
    """Give a note."""
    return Note(code, tuple((name, masked_path(str(value))) for name, value in params.items()))


@dataclass(frozen=True)
class Mapped:
    """What a mapping file says of headings: compared form to table, or to column ("" = ignore)."""

    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Place(NamedTuple):
    """Where a table stands in a file: its sheet, and the lines and places of its header.

    `header` counts lines from 1 (0 = the table was given as mappings and has none); `width` is
    the number of columns up to the last heading that is not the library's own.
    """

    sheet: str
    header: int
    width: int


@dataclass
class Tables:
    """What a file held: records and their row numbers by table, and all that was odd."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)
    invalid: list[InvalidRow] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    mapped: Mapped = field(default_factory=Mapped)
    places: dict[str, Place] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """One table as a file holds it, under the file's own name for it.

    `padded`: a line may end before the header does (a workbook stores no empty tail).
    `mapped`: lines are made of mappings, so the first line is the header and a column may be
    missing because no row states it.
    """

    name: str
    lines: Callable[[], Iterator[Sequence[Any]]]
    padded: bool = False
    mapped: bool = False

    @property
    def ignored(self) -> str:
        """How it is listed where it is ignored: there may be a sheet for each teacher."""
        return f"{masked_path(self.name)}.*"


def read_tables(
    path: Path | str,
    *,
    encoding: str | None = None,
    percent_as: PercentAs = "percent",
    mapping: Path | str | None = None,
) -> Tables:
    """Read a dossier: an `.xlsx` workbook, a folder of `TABLE.csv`, or one `.json` file.

    `mapping` is a TOML file that says what other headings mean. Raises UsageError where there
    is no such path, ReadingError where it cannot be read at all.
    """
    tables = Tables(mapped=read_mapping(mapping) if mapping is not None else Mapped())
    with ExitStack() as open_files:
        try:
            _read_sheets(sheets(path, encoding, tables, open_files), percent_as, tables)
        except OSError as error:
            nameless = OSError(error.errno, error.strerror)  # a path may name a person
            raise ReadingError("cannot_read", name=Path(path).name) from nameless
    if not tables.records and not tables.invalid:
        raise ReadingError("no_known_table", name=Path(path).name)
    return tables


def read_mappings(
    content: Mapping[str, Iterable[Mapping[str, Any]]], *, percent_as: PercentAs = "percent"
) -> Tables:
    """Read tables given as lists of mappings, by the same rules as a JSON file."""
    tables = Tables()
    lists = {name: list(objects) for name, objects in content.items()}
    _read_sheets(_mapped_sheets(lists), percent_as, tables)
    return tables


def sheets(
    path: Path | str, encoding: str | None, tables: Tables, open_files: ExitStack
) -> list[Sheet]:
    """Give the sheets of a file or folder; `open_files` closes what stays open meanwhile."""
    path = Path(path)
    if not path.exists():
        raise UsageError("no_such_path", path=str(path))
    if path.is_dir():
        return _folder_sheets(path, encoding, tables)
    if path.suffix.lower() == ".json":
        return _json_sheets(path, encoding)
    if path.suffix.lower() == ".xlsx":
        return _workbook_sheets(path, open_files)
    if path.suffix.lower() == ".xls":
        raise ReadingError("old_workbook", name=path.name)
    raise ReadingError("unknown_shape", name=path.name)


def read_mapping(path: Path | str) -> Mapped:
    """Read a mapping file. Raises UsageError where it is none."""
    path = Path(path)
    try:
        content = read_settings(path)
        named = {str(name): str(table) for name, table in content.pop("tables", {}).items()}
        meant = {
            table: {squeeze(str(name)): str(column) for name, column in entry.items()}
            for table, entry in content.pop("columns", {}).items()
        }
    except (OSError, ValueError, AttributeError):
        raise UsageError("not_a_mapping", name=path.name) from None
    for table in [*filter(None, named.values()), *meant]:
        if table not in TABLES:
            near = _nearest(table, TABLES)
            raise UsageError("mapping_table", name=path.name, table=table, near=near)
    for table, entry in meant.items():
        for column in filter(None, entry.values()):
            if column not in columns(table):
                near = _nearest(column, columns(table))
                raise UsageError(
                    "mapping_column", name=path.name, table=table, column=column, near=near
                )
    if content:
        raise UsageError("mapping_part", name=path.name, part=", ".join(content))
    return Mapped({squeeze(name): table for name, table in named.items()}, meant)


def _nearest(name: str, known: Iterable[str]) -> str:
    """Give the known name nearest to `name`, or nothing."""
    return next(iter(get_close_matches(name.casefold(), list(known), n=1)), "")


# Sheets become tables -------------------------------------------------------------------


def _read_sheets(found: Sequence[Sheet], percent_as: PercentAs, tables: Tables) -> None:
    named: dict[str, Sheet] = {}
    nameless: list[Sheet] = []
    for sheet in found:
        squeezed = squeeze(sheet.name)
        if squeezed.startswith(OWN_COLUMNS):
            continue
        table = tables.mapped.tables.get(squeezed, table_named(sheet.name))
        if table is None:
            nameless.append(sheet)
        elif table == "":
            tables.ignored_columns.append(sheet.ignored)
        elif table in named:
            raise ReadingError("table_twice", table=table)
        else:
            named[table] = sheet
    _take_by_header(nameless, named, tables)
    for table in TABLES:
        if table in named:
            tables.records[table], tables.rows[table] = [], []
            _build(table, _rows(table, named[table], tables), percent_as, tables)
    _match_ids(tables)


def _take_by_header(nameless: Iterable[Sheet], named: dict[str, Sheet], tables: Tables) -> None:
    """Take sheets with unknown names for the absent tables that their headers fit best.

    Of two sheets that fit one table equally neither is taken: it might be half of the table.
    """
    fitting: dict[str, list[tuple[int, Sheet]]] = {}
    for sheet in nameless:
        if near := table_near(sheet.name):
            table, shown = near
            _refuse_table(table, "table_near_miss", {"near": shown}, tables)
            continue
        fits = [] if sheet.mapped else _fits(sheet, tables)
        if fits and (len(fits) == 1 or fits[0][0] > fits[1][0]):
            recognised, table = fits[0]
            fitting.setdefault(table, []).append((recognised, sheet))
        else:
            tables.ignored_columns.append(sheet.ignored)
    for table, rivals in fitting.items():
        most = max(recognised for recognised, _ in rivals)
        best = [sheet for recognised, sheet in rivals if recognised == most]
        if table not in named and len(best) > 1:
            shown = ", ".join(f"«{masked_path(sheet.name)}»" for sheet in best)
            _refuse_table(table, "sheets_alike", {"sheets": shown}, tables)
            continue
        if table not in named:
            named[table] = best[0]
            tables.notes.append(note("sheet_taken", sheet=best[0].name, table=table))
        ignored = (sheet for _, sheet in rivals if sheet is not named[table])
        tables.ignored_columns += [sheet.ignored for sheet in ignored]


def _fits(sheet: Sheet, tables: Tables) -> list[tuple[int, str]]:
    """Give the tables whose required columns a sheet has, best first, with how many it names.

    Ids alone make no table: every list of a school has them.
    """
    first = list(islice(sheet.lines(), HEADER_WITHIN))
    fits = []
    for table in TABLES if first else ():
        place, recognised = _header_place(table, first, tables)
        found = {column for column in _columns(table, first[place], tables) if column}
        required = {column for column, needed in columns(table).items() if needed}
        if required <= found and not all(column.endswith("_id") for column in found):
            fits.append((recognised, table))
    return sorted(fits, reverse=True)


def _refuse_table(table: str, code: str, params: Mapping[str, str], tables: Tables) -> None:
    """List a table as unreadable: what it would say is unknown for everybody."""
    tables.invalid.append(InvalidRow(table, None, _nobody(table), None, code, params))


def _nobody(table: str) -> tuple[None, ...]:
    """Give a key of `table` none of which can be read: it may be anybody's."""
    return (None,) * len(TABLES[table].key_columns)


def _columns(table: str, names: Sequence[object], tables: Tables) -> list[str | None]:
    """Give the column that each heading names; None = none."""
    known = headings()[table].columns
    meant = tables.mapped.columns.get(table, {})
    squeezed = [squeeze(str(name)) if name is not None else "" for name in names]
    return [meant[text] or None if text in meant else known.get(text) for text in squeezed]


def _header_place(table: str, lines: Sequence[Sequence[Any]], tables: Tables) -> tuple[int, int]:
    """Give which of the first lines is the header, and how many columns it names."""
    best, most = 0, -1
    for place, line in enumerate(lines):
        if all(_blank(cell) for cell in line):
            continue
        named = {column for column in _columns(table, line, tables) if column is not None}
        if len(named) > most:
            best, most = place, len(named)
    return best, max(most, 0)


def _headers(
    table: str, names: Sequence[object], tables: Tables, *, partial: bool = False
) -> list[str | None] | None:
    """Give the column that each heading names (None = ignored), or None to refuse the table.

    `partial` says that a column may be missing because no row states it.
    """
    known = columns(table)
    meant = tables.mapped.columns.get(table, {})
    found = _columns(table, names, tables)
    preferred = headings()[table].preferred
    squeezed = [squeeze(str(name)) if name is not None else "" for name in names]
    for repeated in [name for name, count in Counter(found).items() if name and count > 1]:
        places = [place for place, name in enumerate(found) if name == repeated]
        own = [
            place for place in places if squeezed[place] in preferred or squeezed[place] in meant
        ]
        if len(own) == 1:
            # «№» beside «код назначения»: the column's own name wins over another spelling.
            for place in places:
                found[place] = repeated if place in own else None
    problems: list[tuple[str | None, str, dict[str, str]]] = []
    ignored: list[str] = []
    for text, shown, column in zip(squeezed, names, found, strict=True):
        if column is not None or not text or text.startswith(OWN_COLUMNS) or text in meant:
            continue
        missing = [name for name in known if name not in found]
        near = column_near(table, str(shown), missing)
        if near and text not in headings()[table].columns:
            problems.append((near[0], "column_near_miss", {"near": near[1]}))
        else:
            ignored.append(f"{table}.{fold(masked(str(shown))).replace(' ', '_')}")
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
        alike = sum(
            column is not None and text not in meant and looks_alike_only(table, str(shown))
            for text, shown, column in zip(squeezed, names, found, strict=True)
        )
        if alike:
            tables.notes.append(note("look_alike_headings", table=table, count=alike))
        return found
    # The ignored ones are not told of: without a header they are some person's cells.
    tables.invalid += [
        InvalidRow(table, None, _nobody(table), column, code, params)
        for column, code, params in problems
    ]
    return None


def _rows(table: str, sheet: Sheet, tables: Tables) -> Iterator[Row]:
    """Give the rows below the header, numbered as a spreadsheet numbers them.

    Rows made of mappings are numbered from 1.
    """
    lines = sheet.lines()
    first = list(islice(lines, 1 if sheet.mapped else HEADER_WITHIN))
    place, _ = _header_place(table, first, tables)
    if not first or all(_blank(cell) for cell in first[place]):
        if not sheet.mapped:
            _headers(table, (), tables)  # nothing says that this table is complete
        return
    above = sum(any(not _blank(cell) for cell in line) for line in first[:place])
    if above:
        tables.notes.append(note("lines_above_header", table=table, count=above))
    names = first[place]
    names = names[: max(n for n, cell in enumerate(names, start=1) if not _blank(cell))]
    own = {n for n, cell in enumerate(names) if is_own(cell)}
    stated = (n + 1 for n, cell in enumerate(names) if n not in own and not _blank(cell))
    width = max(stated, default=0)
    if width > MAX_COLUMNS:
        raise ReadingError("too_many_columns", table=table)
    tables.places[table] = Place(sheet.name, 0 if sheet.mapped else place + 1, width)
    header = _headers(table, names, tables, partial=sheet.mapped)
    if header is None:
        return
    totals = unnamed = 0
    nameless = [n for n, cell in enumerate(names) if _blank(cell)]
    start = place + (1 if sheet.mapped else 2)
    for number, line in enumerate(chain(first[place + 1 :], lines), start=start):
        if all(_blank(cell) for cell in line) or _only(own, line):
            continue
        if _is_total(line):
            totals += 1
            continue
        if sheet.padded and not all(_blank(cell) for cell in line[MAX_COLUMNS:]):
            raise ReadingError("too_many_columns", table=table)
        cells = {
            column: cell for column, cell in zip(header, line, strict=False) if column is not None
        }
        beyond = not all(_blank(cell) for cell in line[len(header) :])
        # In a workbook a cell stands where it stands: a remark beside the table shifts nothing.
        if (beyond or len(line) < len(header)) and not sheet.padded:
            key = _ragged_key(table, header, line)
            tables.invalid.append(InvalidRow(table, number, key, None, "ragged"))
            continue
        unnamed += beyond or any(not _blank(line[n]) for n in nameless if n < len(line))
        yield number, cells
    if unnamed:
        tables.notes.append(note("without_heading", table=table, count=unnamed))
    if totals:
        tables.notes.append(note("totals", table=table, count=totals))


def _is_total(line: Sequence[Any]) -> bool:
    """Tell whether a line is a total: its first word says so."""
    stated = next((cell for cell in line if not _blank(cell)), None)
    words = fold(stated).replace(":", " ").split() if isinstance(stated, str) else []
    return bool(words) and words[0] in TOTALS


def _only(places: Set[int], line: Sequence[Any]) -> bool:
    """Tell whether a line states nothing but cells in `places`, of which there are some."""
    return bool(places) and all(_blank(cell) for n, cell in enumerate(line) if n not in places)


def is_own(heading: object) -> bool:
    """Tell whether a heading is that of a column that the library itself adds."""
    return isinstance(heading, str) and squeeze(heading).startswith(OWN_COLUMNS)


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
    look_alikes: Counter[str] = Counter()

    def add(number: int, cells: Mapping[str, Any]) -> None:
        record, problems = build_record(table, number, cells)
        if record is None:
            tables.invalid += problems
            return
        tables.records[table].append(record)
        tables.rows[table].append(number)
        for column, vocabulary in VOCABULARIES[table].items():
            cell = cells.get(column)
            if isinstance(cell, str) and vocabulary.only_looks_known(cell):
                look_alikes[column] += 1

    keys = TABLES[table].key_columns
    ones: list[Row] = []  # a bare 1: one per cent, or the share 1? The whole column tells
    above_one = False
    for number, cells in rows:
        if any(str(cells.get(column) or "").strip().startswith(EXAMPLE) for column in keys):
            continue
        bare = bare_number(cells.get("percent")) if table == "quality" else None
        if bare is not None and percent_as == "fraction":
            add(number, {**cells, "percent": f"{_EXACT.multiply(bare, Decimal(100)):f}%"})
        elif bare == 1:
            ones.append((number, cells))
        else:
            above_one = above_one or (bare is not None and bare > 1)
            add(number, cells)
    for number, cells in ones:
        add(number, cells if above_one else {**cells, "percent": SHARE_OR_PERCENT})
    for column, count in sorted(look_alikes.items()):
        tables.notes.append(note("look_alikes", table=table, column=column, count=count))


def bare_number(value: object) -> Decimal | None:
    """Give the number of a cell without a percent sign, or None."""
    try:
        return parse_number(value)
    except PydanticCustomError:
        return None


def _match_ids(tables: Tables) -> None:
    """Match ids that lost the zeros they begin with, where only one id can be meant.

    Of ids that stay unmatched, those are told of which a person would take for one that is
    there: several ids fit without their zeros, or one is drawn with another alphabet's letters.
    """
    refused = {row.table for row in tables.invalid if row.row is None}
    # A table that kept the zeros of some ids lost those of none: 1 beside 001 is another.
    with_zeros = {
        (table, target)
        for table, column, target in REFERENCES
        if any(identity.startswith("0") for identity in _identities(tables, table, column))
    }
    for table, column, target in REFERENCES:
        if target not in tables.records or target in refused:
            continue
        known = {record.key[0] for record in tables.records[target]}
        known |= {row.key[0] for row in tables.invalid if row.table == target and row.key[0]}
        bare: dict[str, list[str]] = {}
        for identity in known:
            bare.setdefault(identity.lstrip("0"), []).append(identity)
        drawn = {_drawn(identity) for identity in known}
        strange = _identities(tables, table, column) - known
        meant = {
            identity: same[0]
            for identity in strange
            if (table, target) not in with_zeros
            and len(same := bare.get(identity.lstrip("0"), [])) == 1
        }
        if meant:
            matched = _rename(tables, table, column, meant)
            tables.notes.append(note("ids_matched", table=table, column=column, count=matched))
        ambiguous = sum(identity.lstrip("0") in bare for identity in strange - set(meant))
        if ambiguous:
            tables.notes.append(note("ids_ambiguous", table=table, column=column, count=ambiguous))
        alike = sum(_drawn(identity) in drawn for identity in strange - set(meant))
        if alike:
            tables.notes.append(note("ids_look_alike", table=table, column=column, count=alike))


def _drawn(identity: str) -> str:
    """Give the form in which ids look alike: Latin letters as the Cyrillic ones drawn so."""
    return fold_look_alikes(identity.casefold())


def _identities(tables: Tables, table: str, column: str) -> set[str]:
    """Give every id that stands in a column, in readable and in unreadable rows."""
    found = {column_value(record, column) for record in tables.records.get(table, ())}
    readable = (row.readable.get(column) for row in tables.invalid if row.table == table)
    return found | {value for value in readable if isinstance(value, str)}


def _rename(tables: Tables, table: str, column: str, meant: Mapping[str, str]) -> int:
    """Put the ids that are meant into a column; give how many readable rows that changed."""
    rows = tables.records.get(table, [])
    places = [place for place, row in enumerate(rows) if column_value(row, column) in meant]
    for place in places:
        identity = column_value(rows[place], column)
        rows[place] = changed(rows[place], {column: meant[identity]})
    keys = TABLES[table].key_columns
    for place, row in enumerate(tables.invalid):
        identity = row.readable.get(column)
        if row.table == table and isinstance(identity, str) and identity in meant:
            key = [
                meant[identity] if name == column else part
                for name, part in zip(keys, row.key, strict=False)
            ]
            readable = {**row.readable, column: meant[identity]}
            tables.invalid[place] = replace(row, key=tuple(key), readable=readable)
    return len(places)


# CSV ------------------------------------------------------------------------------------


def _folder_sheets(folder: Path, encoding: str | None, tables: Tables) -> list[Sheet]:
    files = sorted(
        path for path in folder.iterdir() if path.suffix.lower() == ".csv" and path.is_file()
    )
    if not files:
        raise ReadingError("no_tables", name=folder.name)
    return [_csv_sheet(path, encoding, tables) for path in files]


def _csv_sheet(path: Path, encoding: str | None, tables: Tables) -> Sheet:
    encoding, foreign = _examined(path, encoding)
    if foreign:
        tables.notes.append(note("kazakh_encoding", name=path.name, encoding=encoding))
    with path.open(encoding=encoding, newline="") as file:
        delimiter = _delimiter(islice(_text_lines(file, path.name), HEADER_WITHIN))
    if delimiter != ",":
        shown = "Tab" if delimiter == "\t" else delimiter
        tables.notes.append(note("delimiter", name=path.name, delimiter=shown))
    return Sheet(path.stem, lambda: _csv_lines(path, encoding, delimiter))


def _delimiter(first: Iterable[str]) -> str:
    """Give what separates the cells: what makes most known headings of some first line."""
    known = {spelling for table in headings().values() for spelling in table.columns}
    lines = list(first)

    def recognised(delimiter: str) -> int:
        counts = (sum(squeeze(part) in known for part in line.split(delimiter)) for line in lines)
        return max(counts, default=0)

    return max(",;\t", key=recognised)


# The letters of Kazakh in KZ-1048; in cp1251 the same bytes are letters of other languages.
_KAZAKH_BYTES = re.compile("[ӘәҒғҚқҢңӨөҰұҮүҺһ]".encode("kz1048"))
_CP1251 = frozenset({"cp1251", "cp-1251", "windows-1251", "windows1251", "1251"})
_NOT_RUSSIAN = re.compile(_KAZAKH_BYTES.pattern.decode("cp1251"))


def _examined(path: Path, encoding: str | None) -> tuple[str, bool]:
    """Give the encoding of a text file, once all of it was decoded and none kept.

    And whether it holds letters that cp1251 has and Russian has not, where it was said to be that.
    """
    expect_size(path, MAX_TEXT)
    with path.open("rb") as content:
        mark = content.read(3)
    if mark == b"\xef\xbb\xbf":
        encoding = "utf-8-sig"
    elif mark.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    encoding = encoding or "utf-8"
    may_mislead = fold(encoding) in _CP1251
    foreign = False
    try:
        with path.open(encoding=encoding, newline="") as text:
            while chunk := text.read(_CHUNK):
                if "\x00" in chunk:
                    raise ReadingError("nul", name=path.name)
                foreign = foreign or (may_mislead and bool(_NOT_RUSSIAN.search(chunk)))
    except LookupError:
        raise UsageError("no_such_encoding", encoding=encoding) from None
    except UnicodeError:
        with path.open("rb") as content:
            chunks = iter(lambda: content.read(_CHUNK), b"")
            likely = "kz1048" if any(map(_KAZAKH_BYTES.search, chunks)) else "cp1251"
        raise ReadingError("encoding", name=path.name, likely=likely) from None
    return encoding, foreign


def _text_lines(file: TextIO, name: str) -> Iterator[str]:
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise ReadingError("endless_cell", name=name, limit=str(MAX_LINE // 2**20))
        yield line


def _csv_lines(path: Path, encoding: str, delimiter: str) -> Iterator[Sequence[str]]:
    cells = 0  # of the record that is being read: it is a list before it is seen

    def counted(lines: Iterable[str]) -> Iterator[str]:
        nonlocal cells
        for line in lines:
            cells += line.count(delimiter)
            if cells > MAX_LINE_CELLS:
                raise ReadingError("too_many_columns", table=path.stem)
            yield line

    with path.open(encoding=encoding, newline="") as file:
        lines = counted(_text_lines(file, path.name))
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            for record in reader:
                cells = 0
                yield record
        except csv.Error:
            raise ReadingError("csv", name=path.name, line=str(reader.line_num)) from None


# JSON -----------------------------------------------------------------------------------


def _json_sheets(path: Path, encoding: str | None) -> list[Sheet]:
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

    expect_size(path, MAX_JSON)
    text = path.read_text(_examined(path, encoding)[0])
    if sum(map(text.count, ",[{")) > MAX_CELLS:
        raise ReadingError("too_many_cells", name=path.name)
    try:
        content = json.loads(
            text,
            parse_float=Decimal,
            parse_int=whole,
            parse_constant=no_constant,
            object_pairs_hook=unique,
        )
    except (ValueError, RecursionError, ArithmeticError):
        raise ReadingError("json", name=path.name) from None
    if not isinstance(content, dict):
        raise ReadingError("json", name=path.name)
    for objects in content.values():
        if not isinstance(objects, list) or not all(isinstance(row, dict) for row in objects):
            raise ReadingError("json", name=path.name)
    return _mapped_sheets(content)


def _mapped_sheets(content: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Sheet]:
    def lines(objects: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Any]]:
        names = list(dict.fromkeys(name for row in objects for name in row))
        if names:
            yield names
        for row in objects:
            yield [row.get(name) for name in names]

    return [
        Sheet(name, lambda objects=objects: lines(objects), mapped=True)  # type: ignore[misc]  # bound at once
        for name, objects in content.items()
    ]


# Workbooks ------------------------------------------------------------------------------

_QUOTED = re.compile(r'"[^"]*"|\\.')
_NOT_SHOWN = re.compile(r"[_*].|\[[^\]]*\]")  # room, filling, colours and conditions


def _workbook_sheets(path: Path, open_files: ExitStack) -> list[Sheet]:
    try:
        from openpyxl import load_workbook  # an extra; importing it costs more than the rest
    except ImportError:
        raise ReadingError("needs_extra", name=path.name) from None

    measured = measure_workbook(path)
    formulas = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it does not know, and we do not read
            book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
            open_files.callback(book.close)
            if measured.formulas:  # most workbooks are read once only
                formulas = load_workbook(path, read_only=True, keep_links=False)
                open_files.callback(formulas.close)
    except Exception:  # its text may quote a cell
        raise ReadingError("not_a_workbook", name=path.name) from None
    cells_left = [MAX_CELLS]

    def lines(name: str) -> Iterator[Sequence[Any]]:
        written = formulas[name] if formulas is not None else None
        return _sheet_lines(book[name], written, path.name, cells_left)

    return [
        Sheet(name, lambda name=name: lines(name), padded=True)  # type: ignore[misc]  # bound at once
        for name in (sheet.title for sheet in book.worksheets)  # a chart may be a sheet too
    ]


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
            sources = _in_silence(written.iter_rows())
        for line, source in zip(_in_silence(sheet.iter_rows()), sources, strict=False):
            cells_left[0] -= max(1, len(line))
            if cells_left[0] < 0:
                raise ReadingError("too_many_cells", name=name)
            if not line:  # a million such lines may lie before a cell at the far end
                yield line
                continue
            formulas = {place for place, cell in enumerate(source) if cell.data_type == "f"}
            stated = (n for n in range(len(line), 0, -1) if line[n - 1].value is not None)
            width = max(next(stated, 0), *(place + 1 for place in formulas), 0)
            cells = [_cell(cell) for cell in line[:width]]
            for place in formulas:
                # An empty text is a result too, and has a type of its own.
                if line[place].value is None and line[place].data_type != "str":
                    cells[place] = FORMULA_WITHOUT_VALUE
            yield cells
    except ReadingError:
        raise
    except Exception:
        raise ReadingError("not_a_workbook", name=name) from None


def _in_silence(rows: Iterator[Any]) -> Iterator[Any]:
    """Give the rows without openpyxl's warnings: a cell that is no date is told by its row."""
    batch: Sequence[Any] = (None,)
    while batch:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batch = tuple(islice(rows, 100))
        yield from batch


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
        if not number.is_finite() or number != number.to_integral_value():
            return number
        shown = cell.number_format or ""
        return str(int(number)).zfill(len(shown)) if set(shown) == {"0"} else int(number)
    return str(value)


@lru_cache(maxsize=256)
def _percent_sign(number_format: str) -> int | None:
    """Give what a cell's number is multiplied by before `%` is shown; None = no such sign.

    A sign in quotation marks or after a backslash is shown only: 60 stays 60 %.
    """
    quoted = "".join(_QUOTED.findall(number_format))
    plain = _NOT_SHOWN.sub("", _QUOTED.sub("", number_format))
    return 100 if "%" in plain else 1 if "%" in quoted else None
