"""What `rules/calendar/kz.toml` and a calendar file of one's own say together.

A calendar file is CSV with the columns of `COLUMNS`; its lines win over all that is built in.
"""

import csv
import io
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from mentor_rules.errors import CalendarError, Problem, UsageError
from mentor_rules.records import clean_text, parse_date
from mentor_rules.source import digest, read_bounded, rules_folder
from mentor_rules.texts import say
from mentor_rules.vocabulary import fold

Week = Literal[5, 6]
Overrides = Path | str | Iterable[Mapping[str, object]] | None

# What the package `holidays` knows of Kazakhstan.
FIRST_DAY = date(1991, 1, 1)
LAST_DAY = date(2100, 12, 31)

COLUMNS = ("date", "kind", "week", "source", "decided_on")
DAY_KINDS = ("off", "work")
_YEAR_DAYS = {
    "school_year_start": "first",
    "half_year_end": "half_year_ends",
    "school_year_end": "last",
}
KINDS = (*DAY_KINDS, "known_until", *_YEAR_DAYS)
_BOTH: tuple[Week, ...] = (5, 6)
_WEEKS: Mapping[str, tuple[Week, ...]] = {"5": (5,), "6": (6,), "both": _BOTH}
_JULY = 7
MAX_FILE = 4 * 2**20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """A school year; `first`, `last` and `half_year_ends` are inclusive days."""

    label: str
    first: date
    last: date
    half_year_ends: date
    assumed: bool  # no source gives its days


@dataclass(frozen=True, slots=True)
class Transfer:
    """A rest day moved by an act: `off` is free because the rest day `worked` is worked."""

    off: date
    worked: date
    certainty: str
    certainty_six_days: str  # of what it means for the six-day week


@dataclass(frozen=True, slots=True)
class Override:
    """What a line of a calendar file says: of which day, and for which weeks."""

    day: date
    kind: str
    weeks: tuple[Week, ...]
    source: str
    decided_on: date | None


@dataclass(frozen=True, eq=False)
class CalendarData:
    """All that is known of the calendar besides the public holidays; equal content is equal.

    `known_from` and `known_until` bound the days whose status is known (inclusive). `identity`
    names versions and hashes for people; `sha256` is over all content.
    """

    known_from: date
    known_until: date
    identity: str
    sha256: str
    holidays_shift_since: date
    usual_week: Week  # of a school that does not state its own, from that day on
    usual_week_from: date
    kurban_ait: Mapping[int, tuple[date, ...]]  # announced first days, by year
    transfers: tuple[Transfer, ...]
    overrides: tuple[Override, ...]  # of `DAY_KINDS`
    sourced_years: Mapping[int, SchoolYear]
    assumed_days: Mapping[str, str]
    given_days: Mapping[int, Mapping[str, date]]  # of school years, by a calendar file
    _years: dict[int, SchoolYear] = field(default_factory=dict, init=False, repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CalendarData) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def school_year(self, begins: int) -> SchoolYear:
        """Give the school year that begins in the calendar year `begins`."""
        year = self._years.get(begins)
        if year is None:
            year = self._years[begins] = _school_year(self, begins)
        return year


def _school_year(data: CalendarData, begins: int) -> SchoolYear:
    def on(name: str) -> date:
        return date.fromisoformat(f"{begins + (name == 'last')}-{data.assumed_days[name]}")

    given = data.given_days.get(begins, {})
    label = f"{begins}/{(begins + 1) % 100:02d}"
    year = data.sourced_years.get(begins) or SchoolYear(
        label, on("first"), on("last"), on("half_year_ends"), assumed=True
    )
    return SchoolYear(
        label,
        given.get("first", year.first),
        given.get("last", year.last),
        given.get("half_year_ends", year.half_year_ends),
        assumed=year.assumed and len(given) < len(_YEAR_DAYS),
    )


def load_calendar_data(overrides: Overrides = None) -> CalendarData:
    """Give the built-in calendar, or that with the lines of a calendar file laid over it.

    `overrides` is the path of a CSV file, or its rows as mappings. Raises UsageError where there
    is no such path, CalendarError where a file is broken, with all its problems.
    """
    built_in = _built_in()
    if overrides is None:
        return built_in
    name, lines, problems = _read_overrides(overrides)
    data = _laid_over(built_in, [line for _, line in lines])
    problems += [Problem(name, *found) for found in (*_clashes(lines), *_disorder(data, lines))]
    if problems:
        raise CalendarError(problems)
    return data


@cache
def _built_in() -> CalendarData:
    return read_built_in(rules_folder() / "calendar" / "kz.toml")


def _laid_over(built_in: CalendarData, lines: Iterable[Override]) -> CalendarData:
    """Give the built-in calendar with lines of a calendar file laid over it."""
    overrides = sorted(set(lines), key=repr)
    if not overrides:
        return built_in
    # Over what the lines say: a calendar has one identity, however its file is written.
    own = digest([("overrides", repr(overrides).encode())])
    given: dict[int, dict[str, date]] = {}
    for line in overrides:
        if line.kind in _YEAR_DAYS:
            given.setdefault(_begins(line), {})[_YEAR_DAYS[line.kind]] = line.day
    horizons = (line.day for line in overrides if line.kind == "known_until")
    return replace(
        built_in,
        known_until=max((built_in.known_until, *horizons)),
        identity=f"{built_in.identity}, overrides sha256:{own[:16]}",
        sha256=digest([("built in", built_in.sha256.encode()), ("overrides", own.encode())]),
        overrides=tuple(line for line in overrides if line.kind in DAY_KINDS),
        given_days=MappingProxyType(given),
    )


def _begins(line: Override) -> int:
    """Give the calendar year in which the school year of a line begins."""
    if line.kind == "school_year_start":
        return line.day.year
    if line.kind == "half_year_end" and line.day.month >= _JULY:
        return line.day.year
    return line.day.year - 1


# The built-in file ------------------------------------------------------------------------


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _AssumedShape(_Shape):
    first: str
    last: str
    half_year_ends: str


class _YearShape(_Shape):
    year: str
    first: date
    last: date
    half_year_ends: date
    source: str


class _UsualWeekShape(_Shape):
    from_: date = Field(alias="from")
    week: Week
    source: str


class _KurbanAitShape(_Shape):
    day: date
    source: str
    certainty: Literal["verified", "secondary"]


class _TransferShape(_Shape):
    off: date
    worked: date
    source: str
    decided_on: date | None = None
    certainty: Literal["verified", "secondary"]
    certainty_six_days: Literal["low", "medium"] | None = None


class _FileShape(_Shape):
    known_from: date
    known_until: date
    holidays_shift_since: date
    usual_week: _UsualWeekShape
    assumed: _AssumedShape
    school_year: list[_YearShape]
    kurban_ait: list[_KurbanAitShape]
    transfer: list[_TransferShape]


@cache
def read_built_in(path: Path) -> CalendarData:
    """Give what the file `path` says. Raises CalendarError with all its problems."""
    try:
        content = path.read_bytes()
        shape = _FileShape.model_validate(tomllib.loads(content.decode("utf-8")))
    except ValidationError as error:
        raise CalendarError([_shape_problem(path.name, item) for item in error.errors()]) from error
    except (OSError, ValueError) as error:
        raise CalendarError(
            [Problem(path.name, "", "the calendar cannot be read", f"mend it: {error}")]
        ) from error
    problems = [Problem(path.name, *found) for found in _contradictions(shape)]
    if problems:
        raise CalendarError(problems)
    sha256 = digest([(path.name, content)])
    kurban_ait: dict[int, tuple[date, ...]] = {}
    for row in shape.kurban_ait:
        kurban_ait[row.day.year] = (*kurban_ait.get(row.day.year, ()), row.day)
    return CalendarData(
        known_from=shape.known_from,
        known_until=shape.known_until,
        identity=f"holidays {version('holidays')}, {path.name} sha256:{sha256[:16]}",
        sha256=sha256,
        holidays_shift_since=shape.holidays_shift_since,
        usual_week=shape.usual_week.week,
        usual_week_from=shape.usual_week.from_,
        kurban_ait=MappingProxyType(kurban_ait),
        transfers=tuple(
            Transfer(row.off, row.worked, row.certainty, row.certainty_six_days or row.certainty)
            for row in shape.transfer
        ),
        overrides=(),
        sourced_years=MappingProxyType(
            {
                row.first.year: SchoolYear(row.year, row.first, row.last, row.half_year_ends, False)
                for row in shape.school_year
            }
        ),
        assumed_days=MappingProxyType(shape.assumed.model_dump()),
        given_days=MappingProxyType({}),
    )


def _shape_problem(name: str, item: Mapping[str, Any]) -> Problem:
    path = ".".join(str(part) for part in item["loc"])
    return Problem(name, path, str(item["msg"]), "see the other entries for the shape")


def _contradictions(shape: _FileShape) -> Iterator[tuple[str, str, str]]:
    """Give path, problem and suggestion of all that contradicts itself in the built-in file."""
    if not shape.known_from <= shape.known_until:
        yield "known_until", "it lies before known_from", "put them in order"
    for name, month_day in shape.assumed:
        try:
            date.fromisoformat(f"2001-{month_day}")
        except ValueError:
            yield f"assumed.{name}", "this is no day of a year", "write it as 09-01"
    days = [(f"kurban_ait.{at}.day", row.day) for at, row in enumerate(shape.kurban_ait)]
    for at, transfer in enumerate(shape.transfer):
        days += [(f"transfer.{at}.off", transfer.off), (f"transfer.{at}.worked", transfer.worked)]
    seen: dict[date, str] = {}
    for path, day in days:
        if not FIRST_DAY <= day <= LAST_DAY:
            yield path, f"the day lies outside {FIRST_DAY} to {LAST_DAY}", "check the year"
        if day in seen:
            yield path, f"the day stands in {seen[day]} too", "keep one of them"
        seen[day] = path
    begun: dict[int, str] = {}
    for at, year in enumerate(shape.school_year):
        path = f"school_year.{at}"
        if year.year != f"{year.first.year}/{(year.first.year + 1) % 100:02d}":
            yield f"{path}.year", "it is not the year that its first day begins", "mend either"
        if not year.first <= year.half_year_ends <= year.last:
            yield path, "its days are out of order", "put first, half_year_ends, last in order"
        if year.first.year in begun:
            yield path, f"{begun[year.first.year]} is the same school year", "keep one of them"
        begun[year.first.year] = path


# A calendar file --------------------------------------------------------------------------

_Row = tuple[str, Mapping[str, object]]  # its place, and its cells by their columns
_Line = tuple[str, Override]


def _read_overrides(overrides: object) -> tuple[str, list[_Line], list[Problem]]:
    """Give the name of a calendar file, its lines with their places, and what is not readable."""
    problems: list[Problem] = []
    if isinstance(overrides, str | Path):
        name = Path(overrides).name
        rows = _csv_rows(Path(overrides), problems)
    elif isinstance(overrides, Iterable) and not isinstance(overrides, Mapping | bytes):
        name = "overrides"
        rows = _given_rows(overrides, problems)
    else:
        raise UsageError("not_overrides")
    read = [(place, _line(name, place, row, problems)) for place, row in rows]
    return name, [(place, line) for place, line in read if line is not None], problems


def _csv_rows(path: Path, problems: list[Problem]) -> list[_Row]:
    """Give the rows of a CSV file, `,` or `;`, in UTF-8 with or without BOM."""
    name = path.name
    if not path.exists():
        raise UsageError("no_such_path", path=str(path))
    try:
        content = read_bounded(path, MAX_FILE)
        if len(content) > MAX_FILE:
            raise ValueError(f"it is larger than {MAX_FILE // 2**20} MB")
        lines = list(_csv_lines(content.decode("utf-8-sig")))
    except (OSError, ValueError, csv.Error) as error:
        problem = "the calendar file cannot be read"
        why = error.strerror if isinstance(error, OSError) else error  # a path may name a person
        problems.append(Problem(name, "", problem, f"save it as CSV in UTF-8: {why}"))
        return []
    header = [fold(cell).replace(" ", "_") for cell in (lines[0][1] if lines else ())]
    found = [Problem(name, "line 1", *wrong) for wrong in _header_problems(header)]
    if found:
        problems += found
        return []
    rows: list[_Row] = []
    for number, cells in lines[1:]:
        place = f"line {number}"
        if len(cells) > len(header) and any(map(str.strip, cells[len(header) :])):
            wrong = ("there are more cells than columns", "put a text with the delimiter in quotes")
            problems.append(Problem(name, place, *wrong))
        elif any(map(str.strip, cells)):
            rows.append((place, dict(zip(header, cells, strict=False))))
    return rows


def _csv_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Give the lines of a CSV text, each with the number of the line that it starts on."""
    heading = text.partition("\n")[0]
    delimiter = ";" if heading.count(";") > heading.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 1
    for cells in reader:
        yield number, cells
        number = reader.line_num + 1


def _header_problems(header: list[str]) -> Iterator[tuple[str, str]]:
    """Give problem and suggestion of all that is wrong with a header; it is not quoted."""
    for at, column in enumerate(header, start=1):
        if column not in COLUMNS:
            yield f"column {at} is not known", _suggest(column, COLUMNS)
        elif column in header[: at - 1]:
            yield f"the column {column} stands twice", "remove one of them"
    for column in ("date", "kind"):
        if column not in header:
            yield f"the column {column} is missing", f"the columns are {', '.join(COLUMNS)}"


def _given_rows(overrides: Iterable[object], problems: list[Problem]) -> list[_Row]:
    rows: list[_Row] = []
    for number, row in enumerate(overrides, start=1):
        place = f"row {number}"
        if not isinstance(row, Mapping):
            wrong = ("this is no mapping", f"give a mapping with the keys {', '.join(COLUMNS)}")
            problems.append(Problem("overrides", place, *wrong))
            continue
        problems += (
            Problem("overrides", place, "a key is not known", _suggest(str(key), COLUMNS))
            for key in row
            if key not in COLUMNS
        )
        rows.append((place, row))
    return rows


def _suggest(text: str, allowed: Collection[str]) -> str:
    """Give the nearest of what is allowed, or all of it. What was written is not repeated."""
    near = get_close_matches(fold(text).replace(" ", "_"), allowed, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"use one of: {', '.join(allowed)}"


def _line(
    file: str, place: str, row: Mapping[str, object], problems: list[Problem]
) -> Override | None:
    """Give what a row says, or None where something of it cannot be read."""
    found: list[tuple[str, str]] = []

    def cell(column: str, read: Callable[[object], T]) -> T | None:
        try:
            return read(row.get(column))
        except PydanticCustomError as error:
            params = {key: str(value) for key, value in (error.context or {}).items()}
            params |= {"first": str(FIRST_DAY), "last": str(LAST_DAY)}
            problem = say("problem", error.type, "en", **params)
            found.append((f"{column}: {problem}", say("remedy", error.type, "en", **params)))
            return None

    day, decided_on = cell("date", _required_day), cell("decided_on", parse_date)
    kind, week = cell("kind", _required), cell("week", clean_text)
    kind = kind and fold(kind).replace(" ", "_")
    week = fold(week) if week else "both"
    source = cell("source", clean_text) or ""
    if kind is not None and kind not in KINDS:
        found.append(("kind: this kind is not known", _suggest(kind, KINDS)))
    if week not in _WEEKS:
        found.append(("week: this week is not known", _suggest(week, _WEEKS)))
    elif week != "both" and kind in KINDS and kind not in DAY_KINDS:
        found.append(("week: it means both weeks here", "leave the week empty"))
    problems += (Problem(file, place, *wrong) for wrong in found)
    if found or day is None or kind is None:
        return None
    return Override(day, kind, _WEEKS[week], source, decided_on)


def _required(value: object) -> str:
    text = clean_text(value)
    if text is None:
        raise PydanticCustomError("required", "required")
    return text


def _required_day(value: object) -> date:
    day = parse_date(value)
    if day is None:
        raise PydanticCustomError("required", "required")
    if not FIRST_DAY <= day <= LAST_DAY:
        raise PydanticCustomError("date_outside", "date outside")
    return day


def _clashes(lines: Iterable[_Line]) -> Iterator[tuple[str, str, str]]:
    """Give place, problem and suggestion of every line that contradicts an earlier one."""
    kinds: dict[tuple[date, Week], _Line] = {}
    days: dict[tuple[str, int], _Line] = {}
    for place, line in lines:
        if line.kind in DAY_KINDS:
            against = [kinds.setdefault((line.day, week), (place, line)) for week in line.weeks]
            first, other = next((one for one in against if one[1].kind != line.kind), (place, line))
            if other.kind != line.kind:
                problem = f"{line.day} is {line.kind} here and {other.kind} on {first}"
                yield f"{first} and {place}", problem, "keep one of them"
            continue
        key = (line.kind, _begins(line) if line.kind in _YEAR_DAYS else 0)
        first, other = days.setdefault(key, (place, line))
        if other.day != line.day:
            problem = f"{line.kind} is {line.day} here and {other.day} on {first}"
            yield f"{first} and {place}", problem, "keep one of them"


def _disorder(data: CalendarData, lines: Iterable[_Line]) -> Iterator[tuple[str, str, str]]:
    """Give place, problem and suggestion of school years whose days a file puts out of order."""
    places: dict[int, list[str]] = {}
    for place, line in lines:
        if line.kind in _YEAR_DAYS:
            places.setdefault(_begins(line), []).append(place)
    for begins in sorted(places):
        year = data.school_year(begins)
        if not year.first <= year.half_year_ends < year.last:
            days = f"{year.first}, {year.half_year_ends}, {year.last}"
            problem = f"the days of {year.label} are out of order: {days}"
            yield " and ".join(places[begins]), problem, "mend the dates"
    for earlier in sorted({begins - back for begins in places for back in (0, 1)}):
        one, two = data.school_year(earlier), data.school_year(earlier + 1)
        if one.last >= two.first:
            problem = f"{one.label} ends on {one.last}, {two.label} begins on {two.first}"
            where = (*places.get(earlier, ()), *places.get(earlier + 1, ()))
            yield " and ".join(where), problem, "mend the dates"
