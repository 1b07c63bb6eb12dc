"""Working days and terms: against a table typed by hand, the package, and counting by hand."""

import codecs
import inspect
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any, cast

import pytest
from holidays.countries.kazakhstan import Kazakhstan
from hypothesis import given
from hypothesis import strategies as st

from mentor_rules import RulebookError, UsageError, workdays
from mentor_rules import calendar as calendars
from mentor_rules.calendar import SchoolCalendar
from mentor_rules.calendar_data import FIRST_DAY, LAST_DAY, load_calendar_data, read_built_in
from mentor_rules.source import rules_folder
from mentor_rules.texts import say
from mentor_rules.vocabulary import LANGUAGES
from mentor_rules.workdays import Calendar, TermStart, Unit, Week

WEEKS: tuple[Week, ...] = (5, 6)
UNITS: tuple[Unit, ...] = ("working", "calendar")
STARTS: tuple[TermStart, ...] = ("next_day", "same_day")
ONE = timedelta(days=1)
SATURDAY, SUNDAY = 5, 6
BUILT_IN = rules_folder() / "calendar" / "kz.toml"

in_both_weeks = pytest.mark.parametrize("week", WEEKS)


@cache
def calendar(week: Week) -> Calendar:
    return Calendar.load(week=week)


def days(first: date, last: date) -> Iterator[date]:
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield date.fromordinal(ordinal)


# Days off, typed by hand from published calendars ------------------------------------------

# Of each year: days off on Monday to Friday, then weekend days that are worked.
FIVE_DAYS = {
    2020: (
        "01-01 01-02 01-03 01-07 03-09 03-23 03-24 03-25 05-01 05-07 05-08 07-06 07-31 08-31"
        " 12-01 12-16 12-17 12-18",
        "01-05 12-20",
    ),
    2021: (
        "01-01 01-04 01-07 03-08 03-22 03-23 03-24 05-03 05-07 05-10 07-05 07-06 07-20 08-30"
        " 12-01 12-16 12-17",
        "07-03",
    ),
    2022: (
        "01-03 01-04 01-07 03-07 03-08 03-21 03-22 03-23 05-02 05-09 05-10 07-06 08-29 08-30"
        " 10-24 10-25 12-16",
        "03-05 08-27 10-22",
    ),
    2023: (
        "01-02 01-03 03-08 03-21 03-22 03-23 05-01 05-08 05-09 06-28 07-06 07-07 08-30 10-25 12-18",
        "07-01",
    ),
    2024: (
        "01-01 01-02 03-08 03-21 03-22 03-25 05-01 05-07 05-08 05-09 07-08 08-30 10-25 12-16",
        "05-04",
    ),
    2025: (
        "01-01 01-02 01-03 01-07 03-10 03-21 03-24 03-25 05-01 05-07 05-09 06-06 07-07 09-01"
        " 10-27 12-16",
        "01-05",
    ),
    2026: (
        "01-01 01-02 01-07 03-09 03-23 03-24 03-25 05-01 05-07 05-11 05-27 07-06 10-26 12-16",
        "",
    ),
}

# Of each year: days off on Monday to Saturday, then Sundays that are worked.
SIX_DAYS = {
    2020: (
        "01-01 01-02 01-03 01-07 03-09 03-21 03-23 03-24 05-01 05-07 05-09 07-06 07-31 08-31"
        " 12-01 12-16 12-17 12-18",
        "01-05 12-20",
    ),
    2021: (
        "01-01 01-02 01-07 03-08 03-22 03-23 03-24 05-01 05-07 05-10 07-06 07-20 08-30"
        " 12-01 12-16 12-17",
        "",
    ),
    2022: (
        "01-01 01-03 01-07 03-08 03-21 03-22 03-23 05-02 05-07 05-09 07-06 07-09 08-30 10-25 12-16",
        "",
    ),
    2023: (
        "01-02 01-03 01-07 03-08 03-21 03-22 03-23 05-01 05-08 05-09 06-28 07-06 08-30 10-25 12-16",
        "",
    ),
    2024: (
        "01-01 01-02 03-08 03-21 03-22 03-23 05-01 05-07 05-09 07-06 08-30 10-25 12-16",
        "",
    ),
    2025: (
        "01-01 01-02 01-03 01-07 03-08 03-21 03-22 03-24 05-01 05-07 05-09 06-06 07-07 08-30"
        " 10-25 12-16",
        "01-05",
    ),
    2026: (
        "01-01 01-02 01-07 03-09 03-21 03-23 03-24 05-01 05-07 05-09 05-27 07-06 10-26 12-16",
        "",
    ),
}
TYPED = {5: (FIVE_DAYS, (SATURDAY, SUNDAY)), 6: (SIX_DAYS, (SUNDAY,))}


@in_both_weeks
@pytest.mark.parametrize("year", FIVE_DAYS)
def test_every_day_is_as_published(week: Week, year: int) -> None:
    table, weekly_rest = TYPED[week]
    off, worked = (
        {date.fromisoformat(f"{year}-{day}") for day in row.split()} for row in table[year]
    )
    assert not any(day.weekday() in weekly_rest for day in off)
    assert all(day.weekday() in weekly_rest for day in worked)
    for day in days(date(year, 1, 1), date(year, 12, 31)):
        works = day in worked if day.weekday() in weekly_rest else day not in off
        assert calendar(week).is_working_day(day) == works, day


@pytest.mark.parametrize(
    ("day", "five", "six"),
    [
        (date(2020, 5, 8), False, True),  # open for the six-day week
        (date(2020, 5, 11), True, True),
        (date(2021, 1, 4), False, True),
        (date(2021, 7, 3), True, True),
        (date(2021, 7, 5), False, True),
        (date(2022, 3, 7), False, True),
        (date(2022, 5, 10), False, True),
        (date(2022, 7, 9), False, False),
        (date(2022, 8, 29), False, True),
        (date(2022, 10, 24), False, True),
        (date(2022, 12, 1), True, True),
        (date(2023, 12, 18), False, True),
        (date(2024, 5, 8), False, True),
        (date(2024, 6, 17), True, True),
        (date(2025, 1, 3), False, False),
        (date(2025, 1, 5), True, True),
        (date(2025, 3, 10), False, True),
        (date(2025, 3, 25), False, True),
        (date(2025, 7, 7), False, False),
        (date(2025, 9, 1), False, True),
        (date(2025, 10, 27), False, True),
        (date(2026, 3, 16), True, True),
        (date(2026, 5, 11), False, True),
        (date(2026, 8, 31), True, True),
        (date(2027, 1, 4), False, True),
        (date(2027, 3, 15), False, False),
        (date(2027, 3, 24), False, False),
        (date(2027, 5, 3), False, True),
        (date(2027, 5, 10), False, False),
        (date(2027, 8, 30), True, True),
    ],
)
def test_days_on_which_calendars_differ(day: date, five: bool, six: bool) -> None:
    assert calendar(5).is_working_day(day) == five
    assert calendar(6).is_working_day(day) == six


@pytest.mark.parametrize(
    ("week", "year", "worked"),
    [
        (5, 2021, 245),
        (5, 2022, 246),
        (5, 2024, 249),
        (5, 2025, 246),
        (5, 2026, 247),
        (6, 2021, 297),
        (6, 2024, 301),
    ],
)
def test_yearly_balances_are_as_published(week: Week, year: int, worked: int) -> None:
    assert calendar(week).working_days(date(year, 1, 1), date(year, 12, 31)) == worked


# Days off, against the package ---------------------------------------------------------------


def test_the_five_day_week_agrees_with_the_package_on_every_day() -> None:
    theirs = Kazakhstan(years=range(FIRST_DAY.year, LAST_DAY.year + 1), language="en_US")
    ours = calendar(5)
    differ = [
        day
        for day in days(FIRST_DAY, LAST_DAY)
        if ours.is_working_day(day) != theirs.is_working_day(day)
    ]
    assert differ == []


def test_the_years_are_those_of_the_package() -> None:
    assert (Kazakhstan.start_year, Kazakhstan.end_year) == (FIRST_DAY.year, LAST_DAY.year)


def test_the_six_day_week_agrees_with_the_rule_of_published_calendars_on_every_day() -> None:
    """The rule written again, by names: a test may, on the version that it runs with."""
    years = range(FIRST_DAY.year, LAST_DAY.year + 1)
    by_law = Kazakhstan(years=years, language="en_US", observed=False)
    names = {day: {name.partition(" (")[0] for name in by_law.get_list(day)} for day in by_law}
    moved = {day for day in names if "Day off" in names[day]}
    fixed = {day for day in names if names[day] - {"Day off", "Eid al-Adha"}}
    instead: set[date] = set()
    for holiday in sorted(fixed):
        shifts = holiday.year >= 2002 and names[holiday] != {"Orthodox Christmas"}
        if shifts and holiday.weekday() == SUNDAY:
            day = holiday + ONE
            while day in fixed | instead:
                day += ONE
            instead.add(day)
    off, worked = instead | (set(names) - moved), set()
    for day in moved:
        [text] = [name for name in by_law.get_list(day) if name.startswith("Day off")]
        month, of_month, year = map(int, text.removesuffix(")").split()[-1].split("/"))
        rest = date(year, month, of_month)
        if rest.weekday() == SUNDAY:
            off.add(day)
            worked.add(rest)
    differ = [
        day
        for day in days(FIRST_DAY, LAST_DAY)
        if calendar(6).is_working_day(day)
        != (day in worked if day.weekday() == SUNDAY else day not in off)
    ]
    assert differ == []


@in_both_weeks
def test_a_substitute_day_may_fall_on_kurban_ait_as_in_the_package(week: Week) -> None:
    # Sunday 9 May 2060, and Kurban Ait is estimated for Monday: no further day is given.
    assert calendar(week).is_working_day(date(2060, 5, 11))
    reason = calendar(week).rest_reason(date(2060, 5, 10))
    assert reason is not None
    assert reason.code == "holiday_estimated"


# Terms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "n", "unit", "five", "six"),
    [
        (date(2026, 9, 1), 10, "calendar", date(2026, 9, 11), date(2026, 9, 11)),
        (date(2026, 9, 11), 5, "working", date(2026, 9, 18), date(2026, 9, 17)),
        (date(2026, 9, 16), 10, "calendar", date(2026, 9, 28), date(2026, 9, 26)),
        (date(2026, 9, 17), 10, "calendar", date(2026, 9, 28), date(2026, 9, 28)),
        # Across Nauryz: 21 and 22 March are a Saturday and a Sunday.
        (date(2026, 3, 20), 1, "working", date(2026, 3, 26), date(2026, 3, 25)),
        # Sunday 5 January 2025 is worked: nothing rolls off it.
        (date(2024, 12, 26), 10, "calendar", date(2025, 1, 5), date(2025, 1, 5)),
        (date(2024, 12, 31), 1, "working", date(2025, 1, 5), date(2025, 1, 4)),
    ],
)
def test_worked_examples(start: date, n: int, unit: Unit, five: date, six: date) -> None:
    assert calendar(5).deadline(start, n, unit=unit).due == five
    assert calendar(6).deadline(start, n, unit=unit).due == six


def test_without_roll_the_tenth_day_stands() -> None:
    found = calendar(5).deadline(date(2026, 9, 16), 10, unit="calendar", roll=False)
    assert (found.due, found.skipped) == (date(2026, 9, 26), ())
    assert found.due.weekday() == SATURDAY


def test_the_same_day_counts_only_if_it_is_worked() -> None:
    five = calendar(5)
    assert five.deadline(date(2026, 9, 11), 1, term_start="same_day").due == date(2026, 9, 11)
    assert five.deadline(date(2026, 9, 12), 1, term_start="same_day").due == date(2026, 9, 14)
    ten = five.deadline(date(2026, 9, 1), 10, unit="calendar", term_start="same_day")
    assert ten.due == date(2026, 9, 10)


def test_a_term_names_the_days_it_counts_and_those_it_skips() -> None:
    found = calendar(5).deadline(date(2026, 3, 19), 2)
    assert found.due == date(2026, 3, 26)
    assert found.counted == (date(2026, 3, 20), date(2026, 3, 26))
    assert [day.say("en") for day in found.skipped] == [
        "2026-03-21: a public holiday",
        "2026-03-22: a public holiday",
        "2026-03-23: a public holiday",
        "2026-03-24: off because the public holiday of 2026-03-21 fell on a rest day",
        "2026-03-25: off because the public holiday of 2026-03-22 fell on a rest day",
    ]
    assert (found.start, found.n, found.unit, found.roll, found.term_start, found.week) == (
        date(2026, 3, 19),
        2,
        "working",
        True,
        "next_day",
        5,
    )


def test_a_rolled_term_names_the_days_its_end_rolls_over() -> None:
    found = calendar(5).deadline(date(2026, 9, 16), 10, unit="calendar")
    assert found.counted == tuple(days(date(2026, 9, 17), date(2026, 9, 26)))
    assert [day.say("ru") for day in found.skipped] == [
        "2026-09-26: еженедельный выходной",
        "2026-09-27: еженедельный выходной",
    ]


@pytest.mark.parametrize(
    ("week", "day", "code", "about"),
    [
        (5, date(2026, 9, 26), "weekly_rest", None),
        (6, date(2026, 9, 26), None, None),
        (5, date(2026, 1, 1), "holiday", None),
        (5, date(2023, 1, 7), "holiday", None),  # a Saturday: the holiday is told
        (5, date(2024, 6, 16), "holiday", None),  # Kurban Ait, announced
        (5, date(2027, 5, 16), "holiday_estimated", None),
        (5, date(2025, 9, 1), "shifted", "2025-08-30"),
        (5, date(2024, 5, 8), "transferred", "2024-05-04"),
        (5, date(2024, 5, 4), "worked", "2024-05-08"),
        (6, date(2025, 1, 5), "worked", "2025-01-03"),
        (5, date(2020, 5, 11), "worked", "2020-05-08"),
        (6, date(2020, 5, 11), None, None),
        (5, date(2026, 9, 25), None, None),
    ],
)
def test_every_day_off_has_its_reason(
    week: Week, day: date, code: str | None, about: str | None
) -> None:
    reason = calendar(week).rest_reason(day)
    assert (reason.code if reason else None) == code
    assert (dict(reason.params).get("day") if reason else None) == about


@in_both_weeks
def test_the_reason_of_a_day_agrees_with_its_status(week: Week) -> None:
    for day in days(FIRST_DAY, LAST_DAY):
        reason = calendar(week).rest_reason(day)
        assert calendar(week).is_working_day(day) == (reason is None or not reason.off)


def test_reasons_are_told_in_three_languages() -> None:
    told = {calendar(5).deadline(date(2026, 3, 20), 1).skipped[-1].say(one) for one in LANGUAGES}
    assert len(told) == 3
    for code in ("weekly_rest", "holiday", "holiday_estimated", "shifted", "transferred", "worked"):
        assert len({say("day", code, one, day="2026-09-01") for one in LANGUAGES}) == 3


def test_working_days_count_both_ends() -> None:
    five = calendar(5)
    assert five.working_days(date(2026, 9, 11), date(2026, 9, 14)) == 2
    assert five.working_days(date(2026, 9, 12), date(2026, 9, 13)) == 0
    assert five.working_days(date(2026, 9, 14), date(2026, 9, 14)) == 1


# Terms, in general ---------------------------------------------------------------------------


@in_both_weeks
def test_the_tables_agree_with_counting_day_by_day_from_every_start(week: Week) -> None:
    """Terms of 1 to 30 working days, and where a calendar day rolls to."""
    longest = 30
    due = calendar(week).due
    status = [calendar(week).is_working_day(day) for day in days(FIRST_DAY, LAST_DAY)]
    first, last = FIRST_DAY.toordinal(), LAST_DAY.toordinal()
    for start in range(first, last + 1):
        counted: list[int] = []
        at = start + 1
        while len(counted) < longest and at <= last:
            if status[at - first]:
                counted.append(at)
            at += 1
        found = [due(start, n) for n in range(1, len(counted) + 1)]
        assert found == counted
        same = ([start] * status[start - first] + counted)[:longest]
        assert [due(start, n, same_day=True) for n in range(1, len(same) + 1)] == same
        if len(counted) < longest:
            with pytest.raises(UsageError):
                due(start, len(counted) + 1)
        # The day after `start` rolls to the first working day that was counted.
        if counted:
            assert due(start, 1, "calendar") == counted[0]
            assert due(start, 1, "calendar", roll=False) == start + 1


starts = st.dates(date(2015, 1, 1), date(2032, 12, 31))
lengths = st.integers(1, 60)
terms = st.fixed_dictionaries(
    {
        "unit": st.sampled_from(UNITS),
        "roll": st.booleans(),
        "term_start": st.sampled_from(STARTS),
    }
)


@given(st.sampled_from(WEEKS), starts, lengths, terms)
def test_a_term_has_its_days_and_ends_after_its_start(
    week: Week, start: date, n: int, term: dict[str, Any]
) -> None:
    found = calendar(week).deadline(start, n, **term)
    assert found.due >= start
    assert len(found.counted) == n
    if term["unit"] == "working" or term["roll"]:
        assert calendar(week).is_working_day(found.due)
    if term["unit"] == "working":
        first = start + ONE * (term["term_start"] == "next_day")
        skipped = {day.day for day in found.skipped}
        assert skipped.isdisjoint(found.counted)
        assert sorted(skipped | set(found.counted)) == list(days(first, found.due))


@given(st.sampled_from(WEEKS), starts, lengths, terms, st.integers(0, 10), st.integers(0, 10))
def test_a_later_start_or_a_longer_term_never_ends_earlier(
    week: Week, start: date, n: int, term: dict[str, Any], later: int, longer: int
) -> None:
    found = calendar(week).deadline(start, n, **term)
    assert calendar(week).deadline(start + later * ONE, n + longer, **term).due >= found.due


@given(st.sampled_from(WEEKS), starts, lengths, st.sampled_from(STARTS))
def test_roll_changes_nothing_of_working_days(
    week: Week, start: date, n: int, term_start: TermStart
) -> None:
    rolled, plain = (
        calendar(week).deadline(start, n, roll=roll, term_start=term_start)
        for roll in (True, False)
    )
    assert (rolled.due, rolled.provisional) == (plain.due, plain.provisional)


@given(st.sampled_from(WEEKS), starts, lengths, terms)
def test_a_term_in_ordinals_is_the_term_in_dates(
    week: Week, start: date, n: int, term: dict[str, Any]
) -> None:
    one = calendar(week)
    found = one.due(
        start.toordinal(), n, term["unit"], term["roll"], term["term_start"] == "same_day"
    )
    assert date.fromordinal(found) == one.deadline(start, n, **term).due


@in_both_weeks
def test_the_tables_give_what_they_say(week: Week) -> None:
    one = calendar(week)
    size = LAST_DAY.toordinal() - one.before
    assert len(one.count) == size + 1
    assert len(one.nth) == one.count[size] + 1
    start = date(2026, 9, 16).toordinal() - one.before
    assert one.nth[one.count[start] + 5] == one.due(start + one.before, 5)
    assert one.nth[one.count[start - 1] + 5] == one.due(start + one.before, 5, same_day=True)
    for table in (one.count, one.nth):
        with pytest.raises(TypeError):
            table[1] = 0


# What is not known yet -----------------------------------------------------------------------


def test_a_term_past_the_known_days_is_provisional() -> None:
    five = calendar(5)
    assert five.known_until == date(2026, 12, 31)
    assert not five.deadline(date(2026, 12, 30), 1).provisional
    assert five.deadline(date(2026, 12, 30), 2).provisional
    assert not five.deadline(date(2026, 12, 21), 10, unit="calendar").provisional
    assert five.deadline(date(2026, 12, 22), 10, unit="calendar").provisional
    assert not five.deadline(date(2026, 12, 22), 10, unit="calendar", roll=False).provisional


@in_both_weeks
def test_provisional_is_what_some_status_of_unknown_days_would_change(week: Week) -> None:
    """All statuses of the first unknown days are tried; terms end within them."""
    known_until, unknown = date(2026, 12, 31), 7
    horizon = known_until + unknown * ONE
    possible = [
        Calendar.load(
            week=week,
            overrides=[
                {"date": known_until + at * ONE, "kind": kind}
                for at, kind in enumerate(kinds, start=1)
            ],
        )
        for kinds in product(("off", "work"), repeat=unknown)
    ]
    built_in = calendar(week)
    ends_within = 0
    for start in days(known_until - 9 * ONE, horizon):
        for n, unit, roll, term_start in product(range(1, 13), UNITS, (True, False), STARTS):
            term: Mapping[str, Any] = {"unit": unit, "roll": roll, "term_start": term_start}
            found = built_in.deadline(start, n, **term)
            if found.due > horizon:
                continue
            ends_within += 1
            dues = {one.deadline(start, n, **term).due for one in possible}
            assert found.provisional == (len(dues) > 1), (start, n, term)
    assert ends_within > 300


@in_both_weeks
def test_random_statuses_of_the_coming_months_change_provisional_terms_only(week: Week) -> None:
    chance = random.Random(160)
    coming = list(days(date(2027, 1, 1), date(2027, 3, 31)))
    built_in = calendar(week)
    for _ in range(30):
        rows = [
            {"date": day, "kind": chance.choice(("off", "work"))}
            for day in chance.sample(coming, chance.randrange(1, len(coming)))
        ]
        other = Calendar.load(week=week, overrides=rows)
        for start in days(date(2026, 12, 1), date(2027, 2, 15)):
            n, unit, roll = chance.randrange(1, 25), chance.choice(UNITS), chance.random() < 0.5
            found = built_in.deadline(start, n, unit=unit, roll=roll)
            changed = other.deadline(start, n, unit=unit, roll=roll).due != found.due
            assert found.provisional or not changed


# Wrong arguments -----------------------------------------------------------------------------

# What is said to be allowed.
WINDOW = {"first": "1991-01-01", "last": "2100-12-31"}
CHOICES = {
    "unit": "working, calendar",
    "term_start": "next_day, same_day",
    "roll": "True, False",
}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"start": date(1990, 12, 31)}, "date_outside"),
        ({"start": date(2101, 1, 1)}, "date_outside"),
        ({"start": date(2100, 12, 31)}, "date_outside"),
        ({"start": date(2100, 12, 31), "unit": "calendar"}, "date_outside"),
        ({"start": date(2100, 12, 1), "n": 30, "unit": "calendar", "roll": False}, "none"),
        ({"start": date(2100, 12, 1), "n": 31, "unit": "calendar", "roll": False}, "date_outside"),
        ({"n": 10**12}, "date_outside"),
        ({"n": 10**12, "unit": "calendar"}, "date_outside"),
        ({"start": datetime(2026, 9, 1)}, "no_date"),
        ({"start": "2026-09-01"}, "no_date"),
        ({"start": None}, "no_date"),
        ({"n": 0}, "not_from_one"),
        ({"n": -1}, "not_from_one"),
        ({"n": True}, "not_from_one"),
        ({"n": 5.0}, "not_from_one"),
        ({"n": "5"}, "not_from_one"),
        ({"n": None}, "not_from_one"),
        ({"unit": "days"}, "bad_value"),
        ({"term_start": "tomorrow"}, "bad_value"),
        ({"roll": "none"}, "bad_value"),
        ({"roll": 1}, "bad_value"),
    ],
)
def test_wrong_arguments_of_a_term_are_refused(arguments: dict[str, Any], code: str) -> None:
    given_arguments: dict[str, Any] = {"start": date(2026, 9, 1), "n": 1} | arguments
    if code == "none":
        assert calendar(5).deadline(**given_arguments).due == LAST_DAY
        return
    with pytest.raises(UsageError) as refused:
        calendar(5).deadline(**given_arguments)
    assert refused.value.code == code
    name, told = next(iter(arguments)), dict(refused.value.params)
    allowed = {"date_outside": WINDOW, "bad_value": {"allowed": CHOICES.get(name, "")}}
    assert told == {"name": told["name"], **allowed.get(code, {})}
    assert told["name"] == name or (told["name"], code) == ("due", "date_outside")
    assert isinstance(refused.value, ValueError)
    assert len({refused.value.say(language) for language in LANGUAGES}) == 3


@pytest.mark.parametrize("week", [4, 7, 5.0, True, "5", None, []])
def test_another_week_is_refused(week: Any) -> None:
    with pytest.raises(UsageError) as refused:
        Calendar.load(week=week)
    assert refused.value.code == "bad_value"
    assert refused.value.params == {"name": "week", "allowed": "5, 6"}
    with pytest.raises(UsageError):
        SchoolCalendar.load().week(week)


def test_many_terms_are_counted_as_one_is_where_nothing_else_is_said() -> None:
    of_due = inspect.signature(Calendar.due).parameters
    of_one = inspect.signature(Calendar.deadline).parameters
    assert {of_due[name].default for name in ("unit", "same_day")} == {"working", False}
    assert of_due["unit"].default == of_one["unit"].default
    assert of_due["roll"].default is of_one["roll"].default is True
    assert of_one["term_start"].default == "next_day"


def test_what_the_modules_offer_is_there() -> None:
    for module in (workdays, calendars):
        assert all(hasattr(module, name) for name in module.__all__)


def test_wrong_days_and_ends_are_refused() -> None:
    five = calendar(5)
    with pytest.raises(UsageError) as refused:
        five.working_days(date(2026, 9, 2), date(2026, 9, 1))
    assert refused.value.params == {"first": "start", "last": "end"}
    with pytest.raises(UsageError):
        five.working_days(date(1990, 9, 2), date(2026, 9, 1))
    for outside in (date(1990, 12, 31), date(2101, 1, 1), datetime(2026, 9, 1)):
        for ask in (five.is_working_day, five.rest_reason):
            with pytest.raises(UsageError):
                ask(outside)
    with pytest.raises(UsageError) as refused:
        five.due(FIRST_DAY.toordinal() - 1, 1)
    assert refused.value.params == {"name": "start", **WINDOW}
    with pytest.raises(UsageError):
        five.due(FIRST_DAY.toordinal(), 0)


# A calendar file -----------------------------------------------------------------------------

ROWS: list[dict[str, object]] = [
    {"date": "2026-10-05", "kind": "off", "week": "both", "source": "order 7"},
    {"date": "2026-10-10", "kind": "work", "week": "5", "source": "order 7"},
    {"date": "2026-10-11", "kind": "work"},
    {"date": "2027-01-31", "kind": "known_until"},
    {"date": "2027-09-01", "kind": "school_year_start", "decided_on": "2027-06-01"},
    {"date": "2027-12-26", "kind": "half_year_end"},
    {"date": "2028-05-24", "kind": "school_year_end"},
]


def written(
    tmp_path: Path, rows: list[dict[str, object]], delimiter: str = ",", newline: str = "\n"
) -> Path:
    columns = ("date", "kind", "week", "source", "decided_on")
    lines = [columns, *(tuple(row.get(name) or "" for name in columns) for row in rows)]
    path = tmp_path / "calendar.csv"
    text = newline.join(delimiter.join(map(str, line)) for line in lines) + newline
    path.write_bytes(text.encode("utf-8"))
    return path


def problems(overrides: Any) -> list[tuple[str, str, str]]:
    """Place, problem and suggestion of each problem."""
    with pytest.raises(RulebookError) as refused:
        load_calendar_data(overrides)
    return [(one.path, one.problem, one.suggestion) for one in refused.value.problems]


def test_overrides_win_over_everything() -> None:
    five, six = (Calendar.load(week=week, overrides=ROWS) for week in WEEKS)
    assert not five.is_working_day(date(2026, 10, 5))
    assert not six.is_working_day(date(2026, 10, 5))
    assert five.is_working_day(date(2026, 10, 10))
    assert five.is_working_day(date(2026, 10, 11))
    assert six.is_working_day(date(2026, 10, 11))
    holiday = [{"date": "2026-12-16", "kind": "work"}, {"date": "2025-01-05", "kind": "off"}]
    changed = Calendar.load(week=5, overrides=holiday)
    assert changed.is_working_day(date(2026, 12, 16))
    assert not changed.is_working_day(date(2025, 1, 5))
    assert not calendar(5).is_working_day(date(2026, 12, 16))


def test_an_override_of_one_week_leaves_the_other() -> None:
    rows = [{"date": "2026-10-10", "kind": "off", "week": 6}]
    assert not Calendar.load(week=6, overrides=rows).is_working_day(date(2026, 10, 10))
    assert Calendar.load(week=5, overrides=rows).rest_reason(date(2026, 10, 10)) == calendar(
        5
    ).rest_reason(date(2026, 10, 10))


def test_a_term_that_ends_on_a_worked_sunday_does_not_roll() -> None:
    found = Calendar.load(week=5, overrides=ROWS).deadline(date(2026, 10, 1), 10, unit="calendar")
    assert found.due == date(2026, 10, 11)
    assert found.due.weekday() == SUNDAY
    assert calendar(5).deadline(date(2026, 10, 1), 10, unit="calendar").due == date(2026, 10, 12)


def test_the_reason_of_an_override_names_its_source() -> None:
    five = Calendar.load(week=5, overrides=ROWS)
    found = five.deadline(date(2026, 10, 2), 1)
    assert found.skipped[-1].say("en") == "2026-10-05: off by the calendar file (order 7)"
    worked = five.rest_reason(date(2026, 10, 11))
    assert worked is not None
    assert (worked.off, worked.say("ru")) == (False, "рабочий день по файлу календаря")


def test_a_later_horizon_ends_the_doubt_about_a_term_in_january() -> None:
    start = date(2027, 1, 11)
    assert calendar(5).deadline(start, 5).provisional
    known = Calendar.load(week=5, overrides=ROWS)
    assert known.known_until == date(2027, 1, 31)
    assert not known.deadline(start, 5).provisional
    assert known.deadline(start, 20).provisional


def test_an_earlier_horizon_changes_nothing() -> None:
    rows = [{"date": "2025-06-30", "kind": "known_until"}]
    assert load_calendar_data(rows).known_until == date(2026, 12, 31)


def test_a_school_year_may_be_given() -> None:
    schools = SchoolCalendar.load(ROWS)
    year = schools.year(2027)
    assert (year.label, year.first, year.half_year_ends, year.last, year.assumed) == (
        "2027/28",
        date(2027, 9, 1),
        date(2027, 12, 26),
        date(2028, 5, 24),
        False,
    )
    assert schools.holding(date(2028, 5, 25)).label == "2028/29"
    assert schools.year(2028).assumed


def test_a_school_year_given_in_part_is_still_assumed() -> None:
    rows = [{"date": "2028-05-24", "kind": "school_year_end"}]
    year = SchoolCalendar.load(rows).year(2027)
    assert (year.last, year.assumed) == (date(2028, 5, 24), True)
    sourced = SchoolCalendar.load([{"date": "2026-05-24", "kind": "school_year_end"}]).year(2025)
    assert (sourced.last, sourced.assumed) == (date(2026, 5, 24), False)


def test_a_half_year_may_end_in_january() -> None:
    year = SchoolCalendar.load([{"date": "2027-01-03", "kind": "half_year_end"}]).year(2026)
    assert year.half_year_ends == date(2027, 1, 3)


def test_a_file_and_a_list_are_alike(tmp_path: Path) -> None:
    listed = load_calendar_data(ROWS)
    for path in (written(tmp_path, ROWS), str(written(tmp_path, ROWS, ";", "\r\n"))):
        read = load_calendar_data(path)
        assert read == listed
        assert read.identity == listed.identity
        assert hash(read) == hash(listed)
        assert Calendar.load(week=5, overrides=path) == Calendar.load(week=5, overrides=ROWS)


def test_files_as_spreadsheets_save_them_are_read(tmp_path: Path) -> None:
    path = tmp_path / "calendar.csv"
    text = (
        '"Date";Kind;Week;Source;Decided on\r\n'
        '05.10.2026;OFF;;"order 7; of the Minister";1.9.2026\r\n'
        "31.01.2027;known until\r\n"
        ";;;;\r\n"
        "\r\n"
    )
    path.write_bytes(codecs.BOM_UTF8 + text.encode("utf-8"))
    five = Calendar.load(week=5, overrides=path)
    reason = five.rest_reason(date(2026, 10, 5))
    assert reason is not None
    assert dict(reason.params)["source"] == "order 7; of the Minister"
    assert five.known_until == date(2027, 1, 31)


def test_rows_in_another_order_or_twice_are_the_same_calendar() -> None:
    assert load_calendar_data([*reversed(ROWS), ROWS[0]]) == load_calendar_data(ROWS)
    assert load_calendar_data(iter(ROWS)) == load_calendar_data(ROWS)
    assert load_calendar_data([]) == load_calendar_data()


def test_dates_may_be_dates() -> None:
    rows = [{"date": date(2026, 10, 5), "kind": "off", "week": 5, "decided_on": date(2026, 9, 1)}]
    text = [{"date": "2026-10-05", "kind": "off", "week": "5", "decided_on": "2026-09-01"}]
    assert load_calendar_data(rows) == load_calendar_data(text)


@pytest.mark.parametrize(
    ("row", "problem", "suggestion"),
    [
        ({"kind": "of"}, "kind: this kind is not known", "did you mean off?"),
        (
            {"kind": "holiday"},
            "kind: this kind is not known",
            "use one of: off, work, known_until,",
        ),
        ({"kind": ""}, "kind: nothing is stated, but this column is required", "fill the cell in"),
        ({"date": None}, "date: nothing is stated, but this column is required", "fill the cell"),
        (
            {"date": "10/05/2026"},
            "date: this is no date that can be read",
            "write 2026-09-01 or 01.09.2026",
        ),
        (
            {"date": 46300},
            "date: this is no date that can be read",
            "write 2026-09-01 or 01.09.2026",
        ),
        ({"date": "2026-02-30"}, "date: there is no such day", "check the day and the month"),
        (
            {"date": "1990-12-31"},
            "date: the date lies outside 1991-01-01 to 2100-12-31",
            "check the year",
        ),
        (
            {"date": "2101-01-01"},
            "date: the date lies outside 1991-01-01 to 2100-12-31",
            "check the year",
        ),
        ({"week": "7"}, "week: this week is not known", "use one of: 5, 6, both"),
        ({"week": "bot"}, "week: this week is not known", "did you mean both?"),
        ({"week": True}, "week: this is no text", "write it as plain text"),
        (
            {"decided_on": "soon"},
            "decided_on: this is no date that can be read",
            "write 2026-09-01 or 01.09.2026",
        ),
        ({"source": "x" * 1001}, "source: the text is longer than 1000 characters", "shorten it"),
        (
            {"kind": "known_until", "week": "5"},
            "week: it means both weeks here",
            "leave the week empty",
        ),
    ],
)
def test_a_row_that_cannot_be_read_is_named(
    row: dict[str, object], problem: str, suggestion: str, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [{"date": "2026-10-05", "kind": "off"} | row]
    [found] = problems(rows)
    assert found[:2] == ("row 1", problem)
    assert found[2].startswith(suggestion)
    if all(isinstance(value, str) for value in row.values()):
        [in_file] = problems(written(tmp_path, rows))
        assert in_file == ("line 2", *found[1:])


@pytest.mark.parametrize(
    ("rows", "place", "problem"),
    [
        (
            [("2026-10-05", "off", ""), ("2026-10-06", "off", ""), ("2026-10-05", "work", "6")],
            "row 1 and row 3",
            "2026-10-05 is work here and off on row 1",
        ),
        (
            [("2026-10-05", "off", "5"), ("2026-10-05", "work", "6"), ("2026-10-05", "off", "")],
            "row 2 and row 3",
            "2026-10-05 is off here and work on row 2",
        ),
        (
            [("2027-01-31", "known_until", ""), ("2027-02-28", "known_until", "")],
            "row 1 and row 2",
            "known_until is 2027-02-28 here and 2027-01-31 on row 1",
        ),
        (
            [("2027-09-01", "school_year_start", ""), ("2027-09-02", "school_year_start", "")],
            "row 1 and row 2",
            "school_year_start is 2027-09-02 here and 2027-09-01 on row 1",
        ),
        (
            [("2027-12-28", "half_year_end", ""), ("2028-01-03", "half_year_end", "")],
            "row 1 and row 2",
            "half_year_end is 2028-01-03 here and 2027-12-28 on row 1",
        ),
        (
            [("2027-05-25", "school_year_end", ""), ("2027-05-31", "school_year_end", "")],
            "row 1 and row 2",
            "school_year_end is 2027-05-31 here and 2027-05-25 on row 1",
        ),
        (
            [("2028-02-01", "school_year_end", ""), ("2028-03-01", "half_year_end", "")],
            "row 1 and row 2",
            "the days of 2027/28 are out of order: 2027-09-01, 2028-03-01, 2028-02-01",
        ),
        (
            [("2027-08-01", "half_year_end", "")],
            "row 1",
            "the days of 2027/28 are out of order: 2027-09-01, 2027-08-01, 2028-05-25",
        ),
        (
            [("2027-09-01", "school_year_end", "")],
            "row 1",
            "2026/27 ends on 2027-09-01, 2027/28 begins on 2027-09-01",
        ),
        (
            [("2027-09-05", "school_year_end", ""), ("2027-09-02", "school_year_start", "")],
            "row 1 and row 2",
            "2026/27 ends on 2027-09-05, 2027/28 begins on 2027-09-02",
        ),
        (
            [("2027-05-20", "school_year_start", "")],
            "row 1",
            "2026/27 ends on 2027-05-25, 2027/28 begins on 2027-05-20",
        ),
    ],
)
def test_rows_that_contradict_are_named_together(
    rows: list[tuple[str, str, str]], place: str, problem: str
) -> None:
    named = [{"date": day, "kind": kind, "week": week} for day, kind, week in rows]
    assert [found[:2] for found in problems(named)] == [(place, problem)]


def test_one_day_may_be_off_in_one_week_and_worked_in_the_other() -> None:
    rows = [
        {"date": "2026-10-10", "kind": "off", "week": "6"},
        {"date": "2026-10-10", "kind": "work", "week": "5"},
    ]
    assert Calendar.load(week=5, overrides=rows).is_working_day(date(2026, 10, 10))
    assert not Calendar.load(week=6, overrides=rows).is_working_day(date(2026, 10, 10))


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / "calendar.csv"
    path.write_text(
        "date,kind,week\n"
        "2026-10-05,of,8\n"
        "tomorrow,off,\n"
        "2026-10-06,off,\n"
        "2026-10-06,work,5\n"
        "2026-10-07,off,5,order 7,,more\n",
        "utf-8",
    )
    assert [place for place, *_ in problems(path)] == [
        "line 6",
        "line 2",
        "line 2",
        "line 3",
        "line 4 and line 5",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["the column date is missing", "the column kind is missing"]),
        ("date,week\n2026-10-05,5\n", ["the column kind is missing"]),
        ("date,kind,wek\n", ["column 3 is not known"]),
        ("date,kind,kind\n", ["the column kind stands twice"]),
        ('date,kind\n"2026-10-05,off\n', ["the calendar file cannot be read"]),
    ],
)
def test_a_file_with_a_wrong_shape_is_refused(text: str, found: list[str], tmp_path: Path) -> None:
    path = tmp_path / "calendar.csv"
    path.write_text(text, "utf-8")
    assert [problem for _, problem, _ in problems(path)] == found


def test_an_unknown_column_gets_the_nearest_name(tmp_path: Path) -> None:
    path = tmp_path / "calendar.csv"
    path.write_text("date,kind,wek\n", "utf-8")
    assert problems(path) == [("line 1", "column 3 is not known", "did you mean week?")]
    rows = [{"date": "2026-10-05", "kind": "off", "sorce": "order 7"}]
    assert problems(rows) == [("row 1", "a key is not known", "did you mean source?")]


def test_a_line_is_numbered_by_where_it_starts(tmp_path: Path) -> None:
    path = tmp_path / "calendar.csv"
    path.write_text('date,kind,source\n2026-10-05,off,"order 7\nof May"\n2026-10-06,of,\n', "utf-8")
    assert [place for place, *_ in problems(path)] == ["line 4"]


def test_what_is_no_calendar_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calendar.csv"
    path.write_bytes("date,kind,source\n2026-10-05,off,приказ\n".encode("cp1251"))
    [(place, problem, suggestion)] = problems(path)
    assert (place, problem) == ("", "the calendar file cannot be read")
    assert suggestion.startswith("save it as CSV in UTF-8")
    path.write_bytes(b" " * (5 * 2**20))
    assert "larger than 4 MB" in problems(path)[0][2]
    assert problems(tmp_path)[0][1] == "the calendar file cannot be read"
    with pytest.raises(UsageError):
        load_calendar_data(tmp_path / "nowhere.csv")
    for wrong in (5, {"date": "2026-10-05"}, b"date"):
        with pytest.raises(UsageError):
            load_calendar_data(cast(Any, wrong))
    assert problems([5, "off"]) == [
        (
            f"row {at}",
            "this is no mapping",
            "give a mapping with the keys date, kind, week, source, decided_on",
        )
        for at in (1, 2)
    ]


def test_what_a_file_holds_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "teachers.csv"
    path.write_text("full_name,iin\nAliya Serikova,800101400123\n", "utf-8")
    with pytest.raises(RulebookError) as refused:
        load_calendar_data(path)
    assert "full_name" not in str(refused.value)
    rows = [{"date": "Aliya Serikova", "kind": "Aliya", "week": "Aliya", "source": "ok"}]
    with pytest.raises(RulebookError) as refused:
        load_calendar_data(rows)
    assert "Aliya" not in str(refused.value)


# Identity ------------------------------------------------------------------------------------


def test_the_identity_names_versions_and_hashes() -> None:
    built_in, own = load_calendar_data(), load_calendar_data(ROWS)
    assert built_in.identity == (
        f"holidays {version('holidays')}, kz.toml sha256:{built_in.sha256[:16]}"
    )
    assert own.identity.startswith(f"{built_in.identity}, overrides sha256:")
    assert own.sha256 != built_in.sha256
    assert own != built_in
    assert load_calendar_data() is built_in
    for loaded in (Calendar.load(week=6, overrides=ROWS), SchoolCalendar.load(ROWS)):
        assert loaded.identity == own.identity
        assert loaded.known_until == own.known_until
    assert calendar(5).known_from == date(2020, 1, 1)


def test_calendars_are_kept() -> None:
    schools = SchoolCalendar.load()
    assert schools.week(5) is schools.week(5) is Calendar.load(week=5)
    assert schools == SchoolCalendar.load()
    assert hash(schools) == hash(SchoolCalendar.load())
    assert schools.week(5) != schools.week(6)
    assert schools.week(5) != Calendar.load(week=5, overrides=ROWS)
    assert "week=6" in repr(schools.week(6))


def printed(code: str, **environment: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | environment,
    )
    return done.stdout.strip()


def test_the_identity_is_the_same_in_every_process() -> None:
    code = (
        "from mentor_rules.calendar_data import load_calendar_data; "
        f"print(load_calendar_data({ROWS}).identity)"
    )
    expected = load_calendar_data(ROWS).identity
    assert {printed(code, PYTHONHASHSEED=seed) for seed in "123"} == {expected}


def test_school_years_need_no_table_of_working_days() -> None:
    code = (
        "import sys, datetime; from mentor_rules.calendar import SchoolCalendar; "
        "SchoolCalendar.load().holding(datetime.date(2026, 9, 1)); print('holidays' in sys.modules)"
    )
    assert printed(code) == "False"


# The built-in file ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("known_from = 2020-01-01", "known_from = 2027-01-01", "known_until"),
        ("known_from = 2020-01-01", "known_from = 2020-01-01T00:00:00", "known_from"),
        ("known_from = 2020-01-01", "", "known_from"),
        ('first = "09-01"', 'first = "09-31"', "assumed.first"),
        ("off = 2000-05-08", "off = 1990-05-08", "transfer.0.off"),
        ("day = 2020-07-31", "day = 1980-07-31", "kurban_ait.0.day"),
        ("day = 2020-07-31", "day = 2021-07-20", "kurban_ait.1.day"),
        ("off = 2000-05-08", 'off = "2000-05-08"', "transfer.0.off"),
        ("off = 2000-05-08", "of = 2000-05-08", "transfer.0.of"),
        ("worked = 2000-05-06", "worked = 2000-05-08", "transfer.0.worked"),
        ('year = "2023/24"', 'year = "2023/25"', "school_year.0.year"),
        ("last = 2024-05-25", "last = 2023-05-25", "school_year.0"),
        ("first = 2024-09-01", "first = 2023-09-01", "school_year.1"),
        ("known_from =", "known_from", ""),
    ],
)
def test_a_broken_built_in_file_is_refused(old: str, new: str, path: str, tmp_path: Path) -> None:
    text = BUILT_IN.read_text("utf-8")
    assert old in text
    broken = tmp_path / "kz.toml"
    broken.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(RulebookError) as refused:
        read_built_in(broken)
    assert path in {problem.path for problem in refused.value.problems}


def test_an_announced_kurban_ait_stands_in_place_of_the_one_of_the_package(tmp_path: Path) -> None:
    other = tmp_path / "kz.toml"
    text = BUILT_IN.read_text("utf-8").replace("day = 2025-06-06", "day = 2025-06-05")
    other.write_text(text, "utf-8")
    five = Calendar(read_built_in(other), 5)
    assert not five.is_working_day(date(2025, 6, 5))
    assert five.is_working_day(date(2025, 6, 6))
    assert calendar(5).is_working_day(date(2025, 6, 5))


def test_how_sure_the_six_day_week_is_stands_with_the_transfer() -> None:
    open_ones = {
        transfer.off: transfer.certainty_six_days
        for transfer in load_calendar_data().transfers
        if transfer.certainty_six_days != transfer.certainty
    }
    assert open_ones == {
        date(2020, 5, 8): "low",
        date(2022, 10, 24): "medium",
        date(2024, 5, 8): "medium",
    }


def test_school_years_without_a_source_are_assumed() -> None:
    schools = SchoolCalendar.load()
    assert [schools.year(begins).assumed for begins in (2022, 2023, 2026, 2027)] == [
        True,
        False,
        False,
        True,
    ]
    assert schools.year(2099).label == "2099/00"
    assert schools.holding(date(2026, 5, 26)).label == "2026/27"
    labels = [year.label for year in schools.completed_before(date(2026, 9, 1), 3)]
    assert labels == ["2023/24", "2024/25", "2025/26"]
