"""The Parquet tables of a nation as plain columns: whole numbers, and text where it is a key.

A row is plain where every cell stands in a common form that can be seen to be readable. Any
other row is left to the one reader of rows (`records.build_record`), which reads it or says what
is wrong with it; `encoded` writes what it read in the same plain columns.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from mentor_rules.errors import ReadingError
from mentor_rules.facts import WHOLE
from mentor_rules.headings import column_near, headings, squeeze
from mentor_rules.personal import masked
from mentor_rules.reading import EXAMPLE, OWN_COLUMNS
from mentor_rules.records import (
    FIRST_DAY,
    LAST_DAY,
    TABLES,
    VOCABULARIES,
    QualityYear,
    Record,
    column_value,
    columns,
)
from mentor_rules.vocabulary import BLANKS, Vocabulary, fold

EPOCH = date(1970, 1, 1).toordinal()
ROW = "row"
PLAIN = "plain"
SHARE = "share"

# What is kept of each table for the facts, beside the number of the row. Everything else is only
# looked at: a cell that cannot be read makes its row invalid.
KEPT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "schools": ("school_id", "kind", "week", "region", "district"),
        "teachers": (
            *("teacher_id", "school_id", "subjects", "category", "category_from"),
            *("category_until", "ethics", "ethics_on", "status", "first_taught_on"),
        ),
        "categories": ("teacher_id", "category", "from", "until"),
        "posts": ("teacher_id", "post", "acting", "since", "until"),
        "quality": ("teacher_id", "subject", "school_year", SHARE),
        "appointments": (
            *("appointment_id", "school_id", "mentor_id", "mentee_id", "subject"),
            *("ordered_on", "starts_on", "ends_on"),
        ),
        "plans": (
            *("appointment_id", "recorded_until", "level_determined_on", "diagnosed_on"),
            *("drafted_on", "agreed_on", "agreed_by", "approved_on", "approved_by"),
            *("period_from", "period_until", "interim_on", "interim_body", "interim_form"),
            *("final_on", "final_body", "final_has_results", "final_has_recommendations"),
        ),
        "reserve": ("school_id", "teacher_id", "formed_on"),
    }
)
_IDS = frozenset({"school_id", "teacher_id", "appointment_id", "mentor_id", "mentee_id"})
_DAYS = frozenset({"from", "until", "since", "category_from", "category_until", "period_from"}) | {
    "period_until",
    "recorded_until",
}
# Where a period is stated, its first and last day.
_PERIODS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "teachers": ("category_from", "category_until"),
        "categories": ("from", "until"),
        "posts": ("since", "until"),
        "plans": ("period_from", "period_until"),
    }
)

# Letters that no normalisation changes and no reader strips: ASCII, Cyrillic, a few signs.
_LETTERS = "!-~Ѐ-҂Ҋ-ӿ№«»–—"
_MAX_TEXT = 1000
# Common spellings of blanks. Any other has no letter that `_plain_text` asks for: it is not plain.
_BLANKS = [
    spelling
    for blank in sorted(BLANKS - {""})
    for spelling in (blank, blank.capitalize(), blank.upper())
]


def _plain_text() -> str:
    """Give the form of a text that is certainly none of BLANKS, however those are spelled.

    It has a letter of which no blank is made, and begins with no `#`, as what a spreadsheet
    writes in place of a value does.
    """
    every = map(chr, range(ord("!"), ord("№") + 1))
    telling: list[str] = []
    rest: list[str] = []
    for letter in (one for one in every if re.match(f"[{_LETTERS}]", one)):
        own = rest if set(fold(letter)) <= set("".join(BLANKS)) else telling
        own.append(re.escape(letter))
    some, other = "".join(telling), "".join(rest)
    first = some.replace(re.escape("#"), "")
    return f"^(?:[{first}]|[{other}][ {other}]*[{some}])(?:[ {_LETTERS}]*[{_LETTERS}])?$"


_TEXT = _plain_text()
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

MICRO = 10**6  # a percentage is held in millionths of a per cent
MAX_COUNT = 10**6
# A share of quality in one number: basis points, and what is left of one, over its denominator.
_REST, _POINTS = 1 << 20, 1 << 40


def packed_share(points: Any, rest: Any, whole: Any) -> Any:
    """Give a share as one number: whole basis points, and `rest` / `whole` of one more.

    Works on numbers and on expressions; `rest` < `whole` <= 2**20.
    """
    return points * _POINTS + rest * _REST + (whole - 1)


def points_of(share: pl.Expr) -> pl.Expr:
    """Give the whole basis points of a packed share."""
    return share // _POINTS


def rest_of(share: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Give what a packed share has above its whole basis points, over its denominator."""
    below = share % _POINTS
    return below // _REST, below % _REST + 1


@dataclass(frozen=True)
class Source:
    """The files of one table, and the name that each of its columns has in them."""

    table: str
    files: tuple[Path, ...]
    names: Mapping[str, str]
    types: Mapping[str, pl.DataType]
    ignored: tuple[str, ...]

    def scan(self, first: int = 0, count: int | None = None) -> pl.LazyFrame:
        """Give the rows of the table under our names, numbered from 1, examples left out.

        Of so many rows of the files, from the place `first` on.
        """
        rows = pl.scan_parquet(list(self.files), row_index_name=ROW, glob=False)
        return self._named(rows.slice(first, count))

    def rows(self, first: int, count: int) -> pl.DataFrame:
        """Give what `scan` gives, read. Raises ReadingError."""
        with reading(self.table):
            return self.scan(first, count).collect()

    def numbered(self, rows: pl.Series) -> pl.DataFrame:
        """Give the rows with these numbers, in their order."""
        # Cells of rows that are not asked for are not even decoded.
        every = pl.scan_parquet(
            list(self.files), row_index_name=ROW, glob=False, parallel="prefiltered"
        )
        asked = every.filter(pl.col(ROW).is_in((rows - 1).implode()))
        with reading(self.table):
            return self._named(asked).collect(engine="streaming").sort(ROW)

    def _named(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        frame = rows.select(
            (pl.col(ROW) + 1).cast(pl.UInt32),
            *(pl.col(name).alias(column) for column, name in self.names.items()),
        )
        return self.stated(frame)

    def stated(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Leave out rows in which nothing is stated, and examples."""
        stated = pl.any_horizontal(pl.exclude(ROW).is_not_null())
        examples = [
            pl.col(column).cast(pl.String).str.starts_with(EXAMPLE).fill_null(False)
            for column in TABLES[self.table].key_columns
            if self.types[column] == pl.String
        ]
        return frame.filter(stated & ~pl.any_horizontal(pl.lit(False), *examples))

    def count(self) -> int:
        """Give how many rows the files hold, whatever stands in them."""
        every = pl.scan_parquet(list(self.files), glob=False)
        with reading(self.table):
            return int(every.select(pl.len()).collect().item())


def sources(folder: Path) -> dict[str, Source]:
    """Give the tables that a folder holds, as `TABLE.parquet` or `TABLE/*.parquet`.

    Raises ReadingError where there is none, or one that cannot be read or lacks a column.
    """
    found = {}
    for table in TABLES:
        single, parts = folder / f"{table}.parquet", sorted((folder / table).glob("*.parquet"))
        files = (single,) if single.is_file() else tuple(parts)
        if files:
            found[table] = _source(table, files)
    if not found:
        raise ReadingError("no_known_table", name=folder.name)
    return found


def _source(table: str, files: tuple[Path, ...]) -> Source:
    schema = _schema(files[0])
    for other in files[1:]:
        if _schema(other) != schema:
            raise ReadingError("columns_differ", table=table, name=other.name)
    return named(table, files, schema)


def named(table: str, files: tuple[Path, ...], schema: Mapping[str, pl.DataType]) -> Source:
    """Give a table whose files have these columns. Raises ReadingError where one is missing."""
    known, wanted = headings()[table].columns, columns(table)
    names: dict[str, str] = {}
    ignored = []
    for name in schema:
        column = known.get(squeeze(name))
        if column is not None and column not in names:
            names[column] = name
        elif not squeeze(name).startswith(OWN_COLUMNS):
            ignored.append(f"{table}.{fold(masked(name)).replace(' ', '_')}")
            near = column_near(table, name, [one for one in wanted if one not in names])
            if near and wanted[near[0]]:
                raise ReadingError("column_near_miss", table=table, column=near[0], near=near[1])
    for column, required in wanted.items():
        if required and column not in names:
            raise ReadingError("column_missing", table=table, column=column)
    types = {column: schema[name] for column, name in names.items()}
    return Source(table, files, MappingProxyType(names), MappingProxyType(types), tuple(ignored))


def _schema(file: Path) -> dict[str, pl.DataType]:
    with reading(file.stem):
        return pl.read_parquet_schema(file)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn what polars raises where a file is damaged into a ReadingError; `name` is the file's."""
    try:
        yield
    except OSError:
        raise ReadingError("cannot_read", name=f"{name}.parquet") from None
    # What it says may quote cells, and where it panics it raises what is no Exception.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        raise ReadingError("not_parquet", name=f"{name}.parquet") from None


# Plain cells ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Cell:
    """A column in plain form, null where nothing is stated, and where a cell can be so read.

    `readable` is given the column that holds `value`: used twice in one step, Polars would work
    it out twice.
    """

    value: pl.Expr
    readable: Callable[[pl.Expr], pl.Expr]


def _always(_: pl.Expr) -> pl.Expr:
    return pl.lit(True)


def plain(source: Source, rows: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """Give the rows of a table in the plain columns of KEPT, and whether each row is PLAIN.

    `rows` are some of them as they were written, numbered. What stands in a row that is not
    plain means nothing.
    """
    cells = {
        column: _cell(source.table, column, source.types[column])
        if column in source.types
        else _Cell(pl.lit(None, _PLAIN_TYPES[_kind(source.table, column)]), _always)
        for column in columns(source.table)
    }
    values = {column: pl.col(f"{column} value") for column in cells}
    readable = [cell.readable(values[column]) for column, cell in cells.items()]
    for column, required in columns(source.table).items():
        if required:
            readable.append(values[column].is_not_null())
    if source.table in _PERIODS:
        first, last = (values[column] for column in _PERIODS[source.table])
        readable.append((first <= last).fill_null(True))
    if source.table == "appointments":
        first = pl.coalesce(values["starts_on"], values["ordered_on"])
        readable.append((first <= values["ends_on"]).fill_null(True))
    if source.table == "quality":
        stated = [values[name] for name in ("percent", "learners", "learners_good")]
        values[SHARE], agree = _share(*stated)
        readable.append(agree)
    return (
        (source.scan() if rows is None else rows)
        .with_columns(cell.value.alias(f"{column} value") for column, cell in cells.items())
        .select(
            ROW,
            *(
                values[column].cast(kind, strict=False).alias(column)
                for column, kind in plain_schema(source.table).items()
                if column != ROW
            ),
            pl.all_horizontal(readable).fill_null(False).alias(PLAIN),
        )
    )


def _kind(table: str, column: str) -> str:
    if column in VOCABULARIES[table]:
        return "closed"
    if column in _IDS or (table, column) == ("quality", "subject"):
        return "id"
    if column in _DAYS or column.endswith("_on"):
        return "day"
    if column in ("learners", "learners_good"):
        return "count"
    return column if column in ("iin", "percent", "school_year", "week") else "text"


_PLAIN_TYPES: Mapping[str, Any] = MappingProxyType(
    {
        "closed": pl.Int8,
        "id": pl.String,
        "text": pl.String,
        "iin": pl.String,
        "day": pl.Int32,
        "count": pl.Int64,
        "percent": pl.Int64,
        "school_year": pl.Int16,
        "week": pl.Int8,
        "share": pl.Int64,
    }
)


def plain_schema(table: str) -> dict[str, Any]:
    """Give the types of the plain columns of a table, its row number among them."""
    return {
        ROW: pl.UInt32,
        **{
            column: _PLAIN_TYPES[SHARE if column == SHARE else _kind(table, column)]
            for column in KEPT[table]
        },
    }


def _cell(table: str, column: str, kept_as: pl.DataType) -> _Cell:
    """Give one column in plain form, by the type that the file keeps it as."""
    cell, kind = pl.col(column), _kind(table, column)
    if isinstance(kept_as, pl.Categorical | pl.Enum):
        cell, kept_as = cell.cast(pl.String), pl.String()
    if kept_as == pl.String:
        cell = pl.when(cell != "").then(cell)
    elif kept_as.is_float():
        cell = cell.cast(pl.Float64)
    none = _Cell(pl.lit(None, _PLAIN_TYPES[kind]), lambda _: pl.col(column).is_null())
    match kind:
        case "closed":
            return _closed(cell, kept_as, VOCABULARIES[table][column]) or none
        case "id" | "text":
            if kept_as == pl.String:
                return _text(cell)
            if kept_as.is_integer():
                return _Cell(cell.cast(pl.String), _always)
        case "day":
            return _day(cell, kept_as) or none
        case "iin" if kept_as == pl.String:
            return _Cell(cell, lambda value: _is_iin(value) | value.is_null())
        case "school_year" if kept_as == pl.String:
            return _school_year(cell)
        case "percent":
            return _percent(cell, kept_as) or none
        case "week" | "count":
            return _whole(cell, kept_as, (5, 6) if kind == "week" else (0, MAX_COUNT)) or none
    return none


def _text(cell: pl.Expr) -> _Cell:
    blank = cell.is_in(pl.Series(_BLANKS).implode())
    readable = cell.str.contains(_TEXT) & (cell.str.len_bytes() <= _MAX_TEXT)
    return _Cell(pl.when(~blank).then(cell), lambda value: readable | value.is_null())


def _closed(cell: pl.Expr, kept_as: pl.DataType, vocabulary: Vocabulary) -> _Cell | None:
    if kept_as == pl.Boolean and set(vocabulary.codes) == {"yes", "no"}:
        yes, no = (pl.lit(vocabulary.codes.index(code), pl.Int8) for code in ("yes", "no"))
        return _Cell(pl.when(cell).then(yes).when(~cell).then(no), _always)
    if kept_as != pl.String:
        return None
    return _looked_up(cell, _spellings(vocabulary), pl.Int8)


def _looked_up(cell: pl.Expr, spellings: Mapping[str, int], kind: Any) -> _Cell:
    """Read texts by their spellings: through an Enum, which is twice as fast as replacing."""
    places = cell.cast(pl.Enum(list(spellings)), strict=False).to_physical()
    value = pl.lit(pl.Series(list(spellings.values()), dtype=kind)).gather(places)
    return _Cell(value, lambda value: value.is_not_null() | cell.is_null())


def _spellings(vocabulary: Vocabulary) -> dict[str, int]:
    """Give the common spellings of every code, with the code's place."""
    listed = [(code, code) for code in vocabulary.codes]
    listed += [(text, code) for code, texts in vocabulary.labels.items() for text in texts.values()]
    listed += list(vocabulary.aliases.items())
    return {
        spelling: vocabulary.codes.index(code)
        for text, code in listed
        for spelling in (text, text.capitalize(), fold(text))
    }


def _day(cell: pl.Expr, kept_as: pl.DataType) -> _Cell | None:
    if kept_as == pl.Date:
        day = cell
    elif isinstance(kept_as, pl.Datetime) and kept_as.time_zone is None:
        day = cell.dt.date()
    elif kept_as == pl.String:
        day = pl.when(cell.str.contains(_ISO)).then(cell.str.to_date("%Y-%m-%d", strict=False))
    else:
        return None
    ends = FIRST_DAY.toordinal(), LAST_DAY.toordinal()
    return _Cell(day.cast(pl.Int32) + EPOCH, lambda value: value.is_between(*ends) | cell.is_null())


def _school_year(cell: pl.Expr) -> _Cell:
    return _looked_up(cell, _school_years(), pl.Int16)


def _school_years() -> dict[str, int]:
    """Give the common spellings of every school year, with the year in which it begins."""
    return {
        f"{first}{sign}{last}": first
        for first in range(FIRST_DAY.year, LAST_DAY.year)
        for sign in "/-"
        for last in (f"{first + 1}", f"{(first + 1) % 100:02}")
    }


def _whole(cell: pl.Expr, kept_as: pl.DataType, ends: tuple[int, int]) -> _Cell | None:
    if kept_as.is_float():
        value = cell.cast(pl.Int64, strict=False)
        value = pl.when(value.cast(pl.Float64) == cell).then(value)
    elif kept_as.is_integer():
        value = cell.cast(pl.Int64)
    elif kept_as == pl.String:
        value = pl.when(cell.str.contains("^[0-9]{1,7}$")).then(cell.str.to_integer(strict=False))
    else:
        return None
    return _Cell(value, lambda value: value.is_between(*ends) | cell.is_null())


def _percent(cell: pl.Expr, kept_as: pl.DataType) -> _Cell | None:
    """Give a percentage in millionths; with more decimals, or as a share perhaps, not plain."""
    if kept_as.is_float():
        value = (cell * MICRO).round()
        # A float is the decimal that it shows: with six decimals at most, the one nearest to it.
        # By a constant Polars does not divide, it multiplies by the inverse, and rounds twice.
        exact = (value / (cell * 0 + MICRO) == cell) & cell.is_finite()
        value = pl.when(exact).then(value).cast(pl.Int64, strict=False)
    elif isinstance(kept_as, pl.Decimal) and kept_as.scale <= 6:
        value = (cell.cast(pl.Decimal(38, 6)) * MICRO).cast(pl.Int64)
    elif kept_as.is_integer():
        value = cell.cast(pl.Int64) * MICRO
    else:
        return None
    # A bare 1 may be a share: the whole column tells.
    return _Cell(
        value,
        lambda value: (
            (value == 0) | value.is_between(MICRO, 100 * MICRO, closed="right") | cell.is_null()
        ),
    )


def _share(percent: pl.Expr, learners: pl.Expr, good: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Give the share that counts, packed, and whether what is stated agrees.

    That is the share of learners where both are stated, else the percentage. Where all three are
    stated they must agree to the last digit of the percentage.
    """
    counted = learners.is_not_null() & good.is_not_null()
    scaled = good * WHOLE
    of_learners = packed_share(scaled // learners, scaled % learners, learners)
    micro_in_point = 100 * MICRO // WHOLE
    of_percent = packed_share(percent // micro_in_point, percent % micro_in_point, micro_in_point)
    last_digit = pl.lit(1)
    for places in range(5, -1, -1):
        unit = 10 ** (6 - places)
        last_digit = pl.when(percent % unit == 0).then(unit).otherwise(last_digit)
    apart = (100 * MICRO * good - percent * learners).abs()
    agree = (
        ((apart < last_digit * learners).fill_null(True) | ~counted)
        & (learners != 0).fill_null(True)
        & ((good <= learners) | ~counted).fill_null(True)
    )
    return pl.when(counted).then(of_learners).otherwise(of_percent), agree


def _is_iin(cell: pl.Expr) -> pl.Expr:
    """Tell whether a text is an individual identification number, as `records.is_iin` does."""
    digits = [cell.str.slice(place, 1).str.to_integer(strict=False) for place in range(12)]
    century = pl.when(digits[6] <= 2).then(18).when(digits[6] <= 4).then(19).otherwise(20)
    born = pl.concat_str(century.cast(pl.String), cell.str.slice(0, 6))
    sums = [
        sum((weight * digit for weight, digit in zip(weights, digits, strict=False)), pl.lit(0))
        % 11
        for weights in (range(1, 12), (*range(3, 12), 1, 2))
    ]
    check = pl.when(sums[0] < 10).then(sums[0]).otherwise(sums[1])
    return (
        cell.str.contains("^[0-9]{12}$")
        & digits[6].is_between(1, 6)
        & born.str.to_date("%Y%m%d", strict=False).is_not_null()
        & (check == digits[11])
    ).fill_null(False)


# Rows that the one reader read -----------------------------------------------------------------


def fits(record: Record) -> bool:
    """Tell whether a record can be said in plain columns: a share has not too many digits."""
    share = record.share if isinstance(record, QualityYear) else None
    return share is None or (share * WHOLE).denominator <= MAX_COUNT


def encoded(table: str, records: Sequence[Record], rows: Iterable[int]) -> pl.DataFrame:
    """Give records that fit in the plain columns of KEPT, with their row numbers."""
    lines = [
        {ROW: row, **{column: _encoded(table, record, column) for column in KEPT[table]}}
        for record, row in zip(records, rows, strict=True)
    ]
    return pl.DataFrame(lines, schema=plain_schema(table), orient="row")


def _encoded(table: str, record: Record, column: str) -> Any:
    if column == SHARE:
        assert isinstance(record, QualityYear)  # noqa: S101 - the one table with shares
        share = record.share
        if share is None:
            return None
        points, rest = divmod(share * WHOLE, 1)
        return packed_share(points, rest.numerator, rest.denominator)
    value = column_value(record, column)
    match _kind(table, column):
        case "closed" if value is not None:
            return VOCABULARIES[table][column].codes.index(value)
        case "day" if value is not None:
            return value.toordinal()
        case "school_year":
            return int(value[:4])
    return ("; ".join(value) or None) if column == "subjects" else value


def shown_key(table: str) -> pl.Expr:
    """Give the key of a plain row, as one list of texts."""
    return pl.concat_list(_shown(column) for column in TABLES[table].key_columns)


def _shown(column: str) -> pl.Expr:
    value = pl.col(column)
    if column != "school_year":
        return value.cast(pl.String)  # subjects may stand as an Enum
    following = ((value + 1) % 100).cast(pl.String).str.zfill(2)
    return pl.concat_str(value.cast(pl.String), pl.lit("/"), following)
