"""Working days of Kazakhstan: which days are off and why, and on which day a term ends.

All days are local ones. Two tables hold every day from 1991 to 2100, so a term costs two
look-ups, however long it is: `due = nth[count[start] + n]`.
"""

from array import array
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Literal, NamedTuple, get_args

from mentor_rules.calendar_data import (
    FIRST_DAY,
    LAST_DAY,
    CalendarData,
    Overrides,
    Week,
    load_calendar_data,
)
from mentor_rules.errors import UsageError
from mentor_rules.texts import say
from mentor_rules.vocabulary import Language

__all__ = [
    "Calendar",
    "Deadline",
    "Reason",
    "SkippedDay",
    "TermStart",
    "Unit",
    "Week",
    "calendar_of",
]

Unit = Literal["working", "calendar"]
TermStart = Literal["next_day", "same_day"]

_FIRST, _LAST = FIRST_DAY.toordinal(), LAST_DAY.toordinal()
_SATURDAY, _SUNDAY = 5, 6
_REST: Mapping[Week, tuple[int, ...]] = {5: (_SATURDAY, _SUNDAY), 6: (_SUNDAY,)}


class Reason(NamedTuple):
    """Why a day is off, or why a rest day is worked: a code of `texts.toml`, and its params.

    Codes of days off: weekly_rest, holiday, holiday_estimated (its day is calculated and may
    move), shifted (`day`: the holiday), transferred (`day`: the rest day worked for it),
    override_off. Of worked rest days: worked (`day`: the day off for it), override_work. An
    override has the param `source` where its line names one.
    """

    code: str
    params: tuple[tuple[str, str], ...] = ()

    @property
    def off(self) -> bool:
        """Whether the day is off."""
        return self.code not in ("worked", "override_work")

    def say(self, language: Language) -> str:
        """Give the reason in a language."""
        params = dict(self.params)
        told = say("day", self.code, language, **params)
        return f"{told} ({params['source']})" if "source" in params else told


class SkippedDay(NamedTuple):
    """A day that a term passes over, and why."""

    day: date
    reason: Reason

    def say(self, language: Language) -> str:
        """Give the day and its reason in a language."""
        return f"{self.day}: {self.reason.say(language)}"


class Deadline(NamedTuple):
    """The last day of a term (`due`), and what it was counted from."""

    due: date
    start: date
    n: int
    unit: Unit
    roll: bool
    term_start: TermStart
    calendar: "Calendar"

    @property
    def week(self) -> Week:
        """Working days a week."""
        return self.calendar.week

    @property
    def provisional(self) -> bool:
        """Whether `due` could differ: any day after `known_until` may turn out off or worked."""
        return self.due > self.calendar.known_until and (self.unit == "working" or self.roll)

    @property
    def _days(self) -> range:
        """The ordinals from the first day that may count to `due`."""
        return range(
            self.start.toordinal() + (self.term_start == "next_day"), self.due.toordinal() + 1
        )

    @property
    def counted(self) -> tuple[date, ...]:
        """The `n` days that the term counts, working or calendar days."""
        days = map(date.fromordinal, self._days)
        if self.unit == "working":
            return tuple(filter(self.calendar.is_working_day, days))
        return tuple(days)[: self.n]

    @property
    def skipped(self) -> tuple[SkippedDay, ...]:
        """The rest days passed over.

        Of calendar days these are only the days that the end rolls over: the last day counted,
        if it is a rest day, and the rest days after it.
        """
        days = self._days if self.unit == "working" else self._days[self.n - 1 :]
        if self.unit == "calendar" and not self.roll:
            return ()
        reasons = ((day, self.calendar.rest_reason(day)) for day in map(date.fromordinal, days))
        return tuple(SkippedDay(day, why) for day, why in reasons if why is not None and why.off)


class Calendar:
    """The working days of a five-day or six-day week, 1991-01-01 to 2100-12-31.

    `count` and `nth` are its tables, for many terms at once. `count[day - before]` is the number
    of working days up to and including the day (an ordinal of `datetime.date`), `nth[k]` the
    ordinal of the k-th working day, k from 1. So a term of n working days from the next day on
    ends on `nth[count[start - before] + n]`, one from the same day on
    `nth[count[start - before - 1] + n]`, and a day rolls to `nth[count[day - before - 1] + 1]`.
    Both are read-only views of 32-bit integers.
    """

    __slots__ = ("_count", "_data", "_nth", "_reasons", "_week")

    before = _FIRST - 1
    """The ordinal of the day before the first day."""

    def __init__(self, data: CalendarData, week: Week) -> None:
        off, self._reasons = _statuses(data, week)
        self._data, self._week = data, week
        self._count, self._nth = array("i", [0]), array("i", [0])
        worked = 0
        for ordinal, rest in enumerate(off, start=_FIRST):
            if not rest:
                worked += 1
                self._nth.append(ordinal)
            self._count.append(worked)

    @classmethod
    def load(cls, *, week: Week, overrides: Overrides = None) -> "Calendar":
        """Give the built-in calendar, or that with a calendar file laid over it, of one week.

        `overrides` is the path of a CSV file, or its rows as mappings. Raises UsageError for
        another week or a path that is not there, RulebookError where a file is broken.
        """
        return calendar_of(load_calendar_data(overrides), week)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Calendar) and self._week == other._week and self._data == other._data
        )

    def __hash__(self) -> int:
        return hash((self._data, self._week))

    def __repr__(self) -> str:
        return f"<Calendar week={self._week} {self.identity}>"

    @property
    def week(self) -> Week:
        """Working days a week."""
        return self._week

    @property
    def known_from(self) -> date:
        """The first day whose status is confirmed by published calendars."""
        return self._data.known_from

    @property
    def known_until(self) -> date:
        """The last day whose status is known; after it any day may turn out off or worked."""
        return self._data.known_until

    @property
    def identity(self) -> str:
        """Versions and hashes of all that the calendar is made of."""
        return self._data.identity

    @property
    def count(self) -> "memoryview[int]":
        """The number of working days up to and including each day, by `ordinal - before`."""
        return memoryview(self._count).toreadonly()

    @property
    def nth(self) -> "memoryview[int]":
        """The ordinal of the k-th working day, by k from 1; the first entry means nothing."""
        return memoryview(self._nth).toreadonly()

    def is_working_day(self, day: date) -> bool:
        """Tell whether `day` is worked. Raises UsageError outside 1991-2100."""
        at = _ordinal("day", day) - self.before
        return self._count[at] > self._count[at - 1]

    def working_days(self, start: date, end: date) -> int:
        """Give the number of working days from `start` to `end`, both included.

        Raises UsageError where `start` is after `end`, or a day lies outside 1991-2100.
        """
        first, last = _ordinal("start", start), _ordinal("end", end)
        if first > last:
            raise UsageError("wrong_order", first="start", last="end")
        return self._count[last - self.before] - self._count[first - self.before - 1]

    def deadline(
        self,
        start: date,
        n: int,
        *,
        unit: Unit = "working",
        roll: bool = True,
        term_start: TermStart = "next_day",
    ) -> Deadline:
        """Give the last day of a term of `n` working or calendar days.

        The first day counted is the one after `start`, or `start` itself (`same_day`); of
        working days the first that is worked. With `roll` a term of calendar days that ends on
        a rest day ends on the next working day; one of working days never ends on a rest day.
        Raises UsageError for n < 1, and where `start` or the end lies outside 1991-2100.
        """
        if term_start not in ("next_day", "same_day"):
            raise UsageError("bad_value", name="term_start", allowed=", ".join(get_args(TermStart)))
        if roll is not True and roll is not False:  # "none" would be true
            raise UsageError("bad_value", name="roll", allowed="True, False")
        if type(n) is not int:
            raise UsageError("not_from_one", name="n")
        due = self.due(_ordinal("start", start), n, unit, roll, term_start == "same_day")
        return Deadline(date.fromordinal(due), start, n, unit, roll, term_start, self)

    def due(
        self,
        start: int,
        n: int,
        unit: Unit = "working",
        roll: bool = True,
        same_day: bool = False,
    ) -> int:
        """Give the last day of a term as `deadline` does, ordinals in and out.

        For many terms: `n` and `start` are ints, and their types are not looked at.
        """
        if n < 1:
            raise UsageError("not_from_one", name="n")
        if not _FIRST <= start <= _LAST:
            raise _outside("start")
        try:
            if unit == "working":
                return self._nth[self._count[start - self.before - same_day] + n]
            if unit != "calendar":
                raise UsageError("bad_value", name="unit", allowed=", ".join(get_args(Unit)))
            last = start + n - same_day
            if last > _LAST:
                raise _outside("due")
            return self._nth[self._count[last - self.before - 1] + 1] if roll else last
        except IndexError:
            raise _outside("due") from None

    def rest_reason(self, day: date) -> Reason | None:
        """Give why `day` is off, or why it is worked though a rest day; None for other days."""
        ordinal = _ordinal("day", day)
        reason = self._reasons.get(ordinal)
        if reason is None and day.weekday() in _REST[self._week]:
            return Reason("weekly_rest")
        return reason


def calendar_of(data: CalendarData, week: Week) -> Calendar:
    """Give the calendar of one working week. Raises UsageError for another than 5 or 6 days."""
    if type(week) is not int or week not in _REST:
        raise UsageError("bad_value", name="week", allowed=", ".join(map(str, _REST)))
    return _kept(data, week)


@lru_cache(maxsize=16)
def _kept(data: CalendarData, week: Week) -> Calendar:
    return Calendar(data, week)


def _ordinal(name: str, day: date) -> int:
    """Give the ordinal of a day of 1991-2100."""
    if type(day) is not date and (isinstance(day, datetime) or not isinstance(day, date)):
        raise UsageError("no_date", name=name)
    ordinal = day.toordinal()
    if not _FIRST <= ordinal <= _LAST:
        raise _outside(name)
    return ordinal


def _outside(name: str) -> UsageError:
    return UsageError("date_outside", name=name, first=str(FIRST_DAY), last=str(LAST_DAY))


# The status of every day ------------------------------------------------------------------


def _statuses(data: CalendarData, week: Week) -> tuple[bytearray, dict[int, Reason]]:
    """Give for each day from the first on whether it is off, and why, by ordinals.

    Plain weekly rest days have no reason of their own.
    """
    rest = frozenset(_REST[week])
    off = bytearray((ordinal - 1) % 7 in rest for ordinal in range(_FIRST, _LAST + 1))
    reasons: dict[int, Reason] = {}

    def put(day: int, reason: Reason) -> None:
        off[day - _FIRST] = reason.off
        reasons[day] = reason

    holidays = _public_holidays()
    for day, holiday in _shifted(data, rest, holidays.shifting):
        put(day, Reason("shifted", _day(holiday)))
    for kurban_ait, estimated in holidays.kurban_ait.items():
        if kurban_ait.year not in data.kurban_ait:
            put(kurban_ait.toordinal(), Reason("holiday_estimated" if estimated else "holiday"))
    announced = (day for days in data.kurban_ait.values() for day in days)
    for public in (*announced, *holidays.christmas, *holidays.shifting):
        put(public.toordinal(), Reason("holiday"))
    for transfer in data.transfers:
        worked, free = transfer.worked.toordinal(), transfer.off.toordinal()
        moved = reasons.get(worked, Reason("weekly_rest"))
        if off[worked - _FIRST] and moved.code in ("weekly_rest", "shifted"):
            put(free, Reason("transferred", _day(transfer.worked)))
            put(worked, Reason("worked", _day(transfer.off)))
    for line in data.overrides:
        if week in line.weeks:
            source = (("source", line.source),) if line.source else ()
            put(line.day.toordinal(), Reason(f"override_{line.kind}", source))
    return off, reasons


def _shifted(
    data: CalendarData, rest: frozenset[int], shifting: frozenset[date]
) -> Iterator[tuple[int, date]]:
    """Give each day that is off in place of a holiday on a weekly rest day, with that holiday.

    As in the package, Kurban Ait is not looked at: it would first matter on 2060-05-11.
    """
    taken = {day.toordinal() for day in shifting}
    for holiday in sorted(shifting):
        if holiday >= data.holidays_shift_since and holiday.weekday() in rest:
            day = holiday.toordinal() + 1
            while (day - 1) % 7 in rest or day in taken:
                day += 1
            taken.add(day)
            yield day, holiday


def _day(day: date) -> tuple[tuple[str, str], ...]:
    return (("day", day.isoformat()),)


class _PublicHolidays(NamedTuple):
    """Days off by law: those that shift from a weekly rest day, and the two that do not."""

    shifting: frozenset[date]
    christmas: frozenset[date]
    kurban_ait: Mapping[date, bool]  # whether the day is estimated


@cache
def _public_holidays() -> _PublicHolidays:
    """Give the days off by law, 1991-2100, without shifts and transfers."""
    from holidays.countries.kazakhstan import Kazakhstan

    christmas: set[date] = set()
    kurban_ait: dict[date, bool] = {}

    # The package tells these two and the transfers apart only by their names.
    class WithoutTransfers(Kazakhstan):
        def _add_special_holidays(self, mapping_names: object, *, observed: bool = False) -> None:
            pass

        def _add_christmas_day(self, name: str, calendar: str | None = None) -> date:
            day = super()._add_christmas_day(name, calendar)
            christmas.add(day)
            return day

        def _add_eid_al_adha_day(self, name: str) -> set[date]:
            days = dict(self._islamic_calendar.eid_al_adha_dates(self._year))
            kurban_ait.update((day, days[day]) for day in days if day.year == self._year)
            return set(days)

    found = WithoutTransfers(years=range(FIRST_DAY.year, LAST_DAY.year + 1), observed=False)
    return _PublicHolidays(frozenset(found) - christmas, frozenset(christmas), kurban_ait)
