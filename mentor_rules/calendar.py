"""School years of Kazakhstan, from `rules/calendar/kz.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType

from mentor_rules.errors import Problem, RulebookError
from mentor_rules.source import digest, rules_folder


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """A school year; `first`, `last` and `half_year_ends` are inclusive days."""

    label: str
    first: date
    last: date
    half_year_ends: date
    assumed: bool  # no source gives its days


@dataclass(frozen=True)
class SchoolCalendar:
    """School years by the calendar year they begin in, sourced or else assumed."""

    sourced: Mapping[int, SchoolYear]
    assumed: Mapping[str, str]
    known_until: date
    sha256: str

    def __hash__(self) -> int:
        return hash(self.sha256)

    @classmethod
    def load(cls, path: Path | None = None) -> "SchoolCalendar":
        """Give the built-in school calendar, or that of the file `path`.

        Raises RulebookError where the file is not readable.
        """
        return _load(path or rules_folder() / "calendar" / "kz.toml")

    def year(self, begins: int) -> SchoolYear:
        """Give the school year that begins in the calendar year `begins`."""
        found = self.sourced.get(begins)
        return found or _assumed_year(begins, self)

    def holding(self, day: date) -> SchoolYear:
        """Give the school year of `day`; a day between two years belongs to the coming one."""
        year = self.year(day.year - 1)
        return year if day <= year.last else self.year(day.year)

    def completed_before(self, day: date, count: int) -> tuple[SchoolYear, ...]:
        """Give the last `count` school years whose last day is before `day`, oldest first."""
        last = day.year - 1 if self.year(day.year - 1).last < day else day.year - 2
        return tuple(self.year(begins) for begins in range(last - count + 1, last + 1))


@cache
def _assumed_year(begins: int, calendar: SchoolCalendar) -> SchoolYear:
    def on(year: int, month_day: str) -> date:
        return date.fromisoformat(f"{year}-{month_day}")

    days = calendar.assumed
    return SchoolYear(
        f"{begins}/{(begins + 1) % 100:02d}",
        on(begins, days["first"]),
        on(begins + 1, days["last"]),
        on(begins, days["half_year_ends"]),
        assumed=True,
    )


@cache
def _load(path: Path) -> SchoolCalendar:
    try:
        content = path.read_bytes()
        data = tomllib.loads(content.decode("utf-8"))
        years = {
            int(entry["year"][:4]): SchoolYear(
                entry["year"], entry["first"], entry["last"], entry["half_year_ends"], False
            )
            for entry in data["school_year"]
        }
        assumed = MappingProxyType(dict(data["assumed"]))
        known_until = data["known_until"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RulebookError(
            [Problem(path.name, "", "the school calendar cannot be read", f"mend it: {error}")]
        ) from error
    return SchoolCalendar(
        MappingProxyType(years), assumed, known_until, digest([(path.name, content)])
    )
