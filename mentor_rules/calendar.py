"""The calendar of schools: school years, and the working days of both weeks."""

from dataclasses import dataclass
from datetime import date

from mentor_rules.calendar_data import (
    CalendarData,
    Overrides,
    SchoolYear,
    Week,
    load_calendar_data,
)
from mentor_rules.workdays import Calendar, calendar_of

__all__ = ["SchoolCalendar", "SchoolYear"]


@dataclass(frozen=True)
class SchoolCalendar:
    """School years by the calendar year they begin in, sourced or else assumed; working days."""

    data: CalendarData

    @classmethod
    def load(cls, overrides: Overrides = None) -> "SchoolCalendar":
        """Give the built-in calendar, or that with a calendar file laid over it.

        `overrides` is the path of a CSV file, or its rows as mappings. Raises UsageError where
        there is no such path, RulebookError where a file is broken.
        """
        return cls(load_calendar_data(overrides))

    @property
    def known_until(self) -> date:
        """The last day whose status, off or worked, is known."""
        return self.data.known_until

    @property
    def sha256(self) -> str:
        """The hash of `kz.toml` and the calendar file."""
        return self.data.sha256

    @property
    def identity(self) -> str:
        """Versions and hashes of all that the calendar is made of."""
        return self.data.identity

    def week(self, days: Week) -> Calendar:
        """Give the working days of a week of 5 or 6 days. Raises UsageError for another."""
        return calendar_of(self.data, days)

    def usual_week(self, day: date) -> Week | None:
        """Give the week of a school that states none on a day, None where either may be."""
        return self.data.usual_week if day >= self.data.usual_week_from else None

    def year(self, begins: int) -> SchoolYear:
        """Give the school year that begins in the calendar year `begins`."""
        return self.data.school_year(begins)

    def holding(self, day: date) -> SchoolYear:
        """Give the school year of `day`; a day between two years belongs to the coming one."""
        year = self.year(day.year - 1)
        return year if day <= year.last else self.year(day.year)

    def completed_before(self, day: date, count: int) -> tuple[SchoolYear, ...]:
        """Give the last `count` school years whose last day is before `day`, oldest first."""
        last = day.year - 1 if self.year(day.year - 1).last < day else day.year - 2
        return tuple(self.year(begins) for begins in range(last - count + 1, last + 1))
