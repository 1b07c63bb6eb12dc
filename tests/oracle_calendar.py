"""Working days, terms and school years, walked day by day, for the oracle only.

Written from the design pages and the package `holidays` alone. The five-day week is what the
package says. The six-day week is the package's list of holidays without its substitute days,
and with the four rules for that week laid over it.

Decisions (where a page leaves something open)
 1. 8 May 2020 works in a six-day week: the decree moved Monday 11 May, which is off only where
    Saturday 9 May makes it so. 11 May 2020 works in both.
 2. Days after 2026-12-31 are what the package says, also for Kurban Ait.
 3. A due date is provisional if a day of its term that decides it (every day counted, or every
    day that a last day was rolled over, the due day included) is before 2020 or after 2026.
    With no rolling and no working days nothing can move, so nothing is provisional. School
    years and half-years are assumed in years without a source, never provisional.
 4. A term counts from the day after its start, whether or not the start is a working day.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

from holidays.countries.kazakhstan import Kazakhstan

KNOWN_FROM = date(2020, 1, 1)
KNOWN_UNTIL = date(2026, 12, 31)
ONE_DAY = timedelta(1)
SUNDAY = 6

# Of the holidays only these move to another day: 7 January and Kurban Ait never do.
MOVING = frozenset(
    {
        (1, 1),
        (1, 2),
        (3, 8),
        (3, 15),
        (3, 21),
        (3, 22),
        (3, 23),
        (5, 1),
        (5, 7),
        (5, 9),
        (7, 6),
        (8, 30),
        (10, 25),
        (12, 1),
        (12, 16),
        (12, 17),
    }
)
# Days off in exchange for a worked Saturday, or (2020) for a Monday off after a Saturday holiday.
FIVE_DAY_ONLY = frozenset(
    {
        date(2020, 5, 8),
        date(2021, 7, 5),
        date(2022, 3, 7),
        date(2022, 8, 29),
        date(2022, 10, 24),
        date(2023, 7, 7),
        date(2024, 5, 8),
    }
)
HALF_YEAR_ENDS = {
    2023: date(2023, 12, 28),
    2024: date(2024, 12, 29),
    2025: date(2025, 12, 28),
    2026: date(2026, 12, 27),
}

_package = Kazakhstan(language="en_US")
_unshifted = Kazakhstan(language="en_US", observed=False)


@cache
def works(day: date, week: int) -> bool:
    if week == 5:
        return bool(_package.is_working_day(day))
    if day.weekday() == SUNDAY:
        # asking for the day first makes the package load that year
        return day not in _unshifted and day in _unshifted.weekend_workdays
    return not _holiday(day) and not _stands_for_sunday(day)


def _holiday(day: date) -> bool:
    return day in _unshifted and day not in FIVE_DAY_ONLY


def _stands_for_sunday(day: date) -> bool:
    """Whether the holiday of the Sunday before moves to this day."""
    sunday = day - timedelta(day.weekday() + 1)
    if sunday not in _unshifted or (sunday.month, sunday.day) not in MOVING:
        return False
    substitute = sunday + ONE_DAY
    while _holiday(substitute):
        substitute += ONE_DAY
    return substitute == day


# ------------------------------------------------------------------ ends of terms


class End(NamedTuple):
    """The last day of a term, and whether a day not yet decreed may move it."""

    day: date
    provisional: bool


def _undecided(day: date) -> bool:
    return not KNOWN_FROM <= day <= KNOWN_UNTIL


@cache
def after_calendar_days(start: date, days: int, week: int, roll: bool) -> End:
    last, provisional = start + timedelta(days), False
    if roll:
        provisional = _undecided(last)
        while not works(last, week):
            last += ONE_DAY
            provisional = provisional or _undecided(last)
    return End(last, provisional)


@cache
def after_working_days(start: date, days: int, week: int) -> End:
    day, counted, provisional = start, 0, False
    while counted < days:
        day += ONE_DAY
        counted += works(day, week)
        provisional = provisional or _undecided(day)
    return End(day, provisional)


# ------------------------------------------------------------------ school years


def year_of(day: date) -> int:
    """The calendar year in which the day's school year begins (26 May on: the coming one)."""
    return day.year if (day.month, day.day) > (5, 25) else day.year - 1


def first_day(year: int) -> date:
    return date(year, 9, 1)


def last_day(year: int) -> date:
    return date(year + 1, 5, 25)


def half_year_end(year: int) -> date:
    return HALF_YEAR_ENDS.get(year, date(year, 12, 28))
