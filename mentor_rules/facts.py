"""Records become facts: each a value, or what is still possible, with its evidence.

A number or a day is an interval (`lo`, `hi`), a closed value is a set (bits in the order of
its vocabulary). One small pure function per fact; everything is exact, no float decides.
Rules see nothing but these facts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from math import lcm
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from dateutil.relativedelta import relativedelta

from mentor_rules.calendar import SchoolCalendar, SchoolYear
from mentor_rules.dossier import Dossier, Found
from mentor_rules.records import (
    FIRST_DAY,
    LAST_DAY,
    Appointment,
    MentoringPlan,
    ReserveEntry,
    School,
    Teacher,
    subject_key,
)
from mentor_rules.vocabulary import (
    APPROVED_BY,
    FINAL_BODY,
    INTERIM_BODY,
    INTERIM_FORM,
    SCHOOL_KIND,
)
from mentor_rules.workdays import Unit, Week

Purpose = Literal["appointment", "reserve"]
# A fact by its name and keys: words, or the one `Timing` of an act.
FactId = tuple[str, tuple[Any, ...]]

WHOLE = 10_000  # basis points in a whole
YEARS_COUNTED = 3
NO, YES = 1, 2
YES_OR_NO = NO | YES


class Gap(NamedTuple):
    """Something that is not known: which fact, of what, and why (a code of `texts.toml`)."""

    fact: str
    key: str
    reason: str


class Assumed(NamedTuple):
    """Something taken for granted because nothing is stated: of which cell, and what.

    `code` names the text in `texts.toml`; `value` fills it in.
    """

    cell: str
    code: str
    value: str = ""


@dataclass(slots=True, unsafe_hash=True)  # to freeze them takes longer than to make them
class Fact:
    """What the records say of one fact. Never changed.

    Of a number or day `lo` and `hi` bound what is possible (inclusive); of a closed value
    `lo` holds a bit for each possible value, and `hi` repeats it.
    """

    lo: Final[int]
    hi: Final[int]
    sources: Final[tuple[str, ...]] = ()
    gaps: Final[tuple[Gap, ...]] = ()
    assumed: Final[tuple[Assumed, ...]] = ()
    notes: Final[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """The days on which an act may be due, from first to last, and how sure they are.

    `latest`: what it runs from is not done, and this is the latest possible day.
    `provisional`: a day that is not yet decreed could still move it.
    """

    first: int
    last: int
    starts: tuple[int, int]  # the days from which the term may run
    latest: bool = False
    provisional: bool = False
    week: Week | None = None  # the one week counted in, if there is one

    @property
    def certain(self) -> date | None:
        """The due date, where only one is possible."""
        return date.fromordinal(self.first) if self.first == self.last else None


@dataclass(slots=True, unsafe_hash=True)
class ActFact(Fact):
    """How an act stands (a set of in_time, late, waiting), when it is due, when it was done."""

    due: Final[Due | None] = None
    done: Final[int | None] = None  # None: not done, or not known
    undone: Final[bool] = False  # certainly not done by the day judged on
    each: Final[tuple["ActFact", ...]] = ()  # of acts in order: how each of them stands

    def days_late(self, as_of: date) -> int | None:
        """Give the calendar days after the due date, None in time or where it is not certain."""
        if self.due is None or self.due.first != self.due.last:
            return None
        end = as_of.toordinal() if self.undone else self.done
        late = end - self.due.first if end is not None else 0
        return late if late > 0 else None


@dataclass(frozen=True, eq=False)
class Term:
    """So many days from a day on, or from the end of another act.

    `counts` holds the number of days by edition: first day, last day (exclusive), number.
    """

    start: "str | Timing"
    counts: tuple[tuple[date, date | None, int], ...]
    unit: Unit
    roll: bool
    same_day: bool

    def count(self, day: date) -> int | None:
        """Give the number of days in the edition of `day`, None where none is in force."""
        for first, until, number in self.counts:
            if first <= day and (until is None or day < until):
                return number
        return None


@dataclass(frozen=True, eq=False)
class Timing:
    """An act under one reading: the acts of a plan that make it up, and when it is due.

    All of `done` are needed and the latest counts, or else they are needed in that order.
    It is due by a term, by a day that a fact names, or at no day. `judged_undone`: what the
    rule's check says for certain counts even while the act is not done.
    """

    done: tuple[str, ...]
    in_order: bool
    due: Term | str | None
    judged_undone: bool = False


@dataclass(frozen=True, slots=True)
class FactSpec:
    """The declaration of a fact: its kind, its closed values, and the keys it takes."""

    name: str
    kind: Literal["set", "number", "date"]
    values: tuple[str, ...] = ()
    unit: str = ""
    keys: tuple[tuple[str, ...], ...] = ()
    floored: bool = False
    may_miss: bool = True
    labels: str = ""  # the vocabulary, or group of texts, that names its values
    lo: int = 0
    hi: int = 0
    of_reserve: bool = False  # drawn from a `Formation`, not from a `Case`
    never_stated: tuple[str, ...] = ()  # possible, but no record can say so

    @property
    def everything(self) -> int:
        """All bits of a closed value."""
        return (1 << len(self.values)) - 1

    def bit(self, value: str) -> int:
        """Give the bit of one closed value."""
        return 1 << self.values.index(value)


VALIDITY = ("must_be_valid", "once_awarded")
SILENCE = ("presumed", "must_be_confirmed")
DUTIES = ("holds_post", "performs_duties")
SUBJECTS = ("mentored", "every", "any")
PERIODS = ("each_year", "mean")
# From the lowest to the highest, so that the highest ever held is the last bit.
HELD = (
    "none",
    "expired",
    "teacher",
    "second",
    "moderator",
    "first",
    "expert",
    "highest",
    "researcher",
    "master",
)
POSTS = ("none", "deputy_head", "head")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
TIMINGS = ("in_time", "late", "waiting")
IN_TIME, LATE, WAITING = 1, 2, 4
# The acts that a plan registers; the first ends stage 1.
STAGE_1 = "level_determined_on"
ACTS = (
    *(STAGE_1, "diagnosed_on", "drafted_on", "agreed_on", "approved_on"),
    *("interim_on", "final_on"),
)
_AGREED_BY = ("deputy_head_academic", "deputy_head_other", "head", "other")
_DAYS = (FIRST_DAY.toordinal(), LAST_DAY.toordinal())
_YES_NO = ("no", "yes")

SPECS: Mapping[str, FactSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            FactSpec("school_kind", "set", SCHOOL_KIND.codes, labels="school_kind"),
            FactSpec("category", "set", HELD, keys=(VALIDITY,), labels="category"),
            FactSpec("ethics", "set", ("observed", "breached"), keys=(SILENCE,), labels="ethics"),
            FactSpec(
                "quality",
                "number",
                unit="basis points",
                keys=(SUBJECTS, PERIODS),
                floored=True,
                hi=WHOLE,
            ),
            FactSpec("post", "set", POSTS, keys=(DUTIES,), labels="post"),
            FactSpec(
                "purpose", "set", ("appointment", "reserve"), may_miss=False, labels="purpose"
            ),
            FactSpec("mentor_is_mentee", "set", _YES_NO, may_miss=False, labels="yes_no"),
            FactSpec("mentor_in_school", "set", _YES_NO, labels="yes_no"),
            FactSpec("mentee_in_school", "set", _YES_NO, labels="yes_no"),
            FactSpec("listed_in_reserve", "set", _YES_NO, labels="yes_no"),
            FactSpec("mentors_overlap", "set", _YES_NO, labels="yes_no"),
            FactSpec("mentee_first_taught_on", "date", lo=_DAYS[0], hi=_DAYS[1]),
            FactSpec("starts_year_begins", "date", may_miss=False, lo=_DAYS[0], hi=_DAYS[1]),
            FactSpec("category_open_ended", "set", _YES_NO, labels="yes_no"),
            FactSpec("category_years", "number", unit="years", floored=True, hi=120),
            FactSpec("category_now", "set", HELD, keys=(VALIDITY,), labels="category"),
            FactSpec(
                "ethics_now", "set", ("observed", "breached"), keys=(SILENCE,), labels="ethics"
            ),
            FactSpec("post_now", "set", POSTS, keys=(DUTIES,), labels="post"),
            FactSpec("under_way", "set", _YES_NO, labels="yes_no"),
            FactSpec("timing", "set", TIMINGS, labels="timing"),
            FactSpec("starts_on", "date", may_miss=False, lo=_DAYS[0], hi=_DAYS[1]),
            FactSpec("ends_on", "date", lo=_DAYS[0], hi=_DAYS[1]),
            FactSpec("half_year_ends", "date", may_miss=False, lo=_DAYS[0], hi=_DAYS[1]),
            FactSpec("school_year_ends", "date", may_miss=False, lo=_DAYS[0], hi=_DAYS[1]),
            FactSpec("agreed_by", "set", _AGREED_BY, labels="agreed_by"),
            FactSpec("approved_by", "set", APPROVED_BY.codes, labels="approved_by"),
            FactSpec("plan_may_begin_on", "date", may_miss=False, lo=_DAYS[0], hi=_DAYS[1]),
            FactSpec("period_from", "date", lo=_DAYS[0], hi=_DAYS[1]),
            FactSpec("period_closes_in", "set", ("earlier", *MONTHS, "later"), labels="month"),
            FactSpec("interim_body", "set", INTERIM_BODY.codes, labels="interim_body"),
            FactSpec("interim_form", "set", INTERIM_FORM.codes, labels="interim_form"),
            FactSpec("final_body", "set", FINAL_BODY.codes, labels="final_body"),
            FactSpec("final_has_results", "set", _YES_NO, labels="yes_no"),
            FactSpec("final_has_recommendations", "set", _YES_NO, labels="yes_no"),
            FactSpec(
                "reserve_formed_by",
                "set",
                FINAL_BODY.codes,
                labels="final_body",
                of_reserve=True,
            ),
            FactSpec(
                "reserve_proposed_by",
                "set",
                INTERIM_BODY.codes,
                labels="interim_body",
                of_reserve=True,
            ),
            FactSpec(
                "reserve_has_protocol",
                "set",
                _YES_NO,
                labels="yes_no",
                of_reserve=True,
                never_stated=("no",),
            ),
            FactSpec("listed_qualify", "set", _YES_NO, labels="yes_no", of_reserve=True),
        )
    }
)

_PURPOSES: Mapping[str, Fact] = MappingProxyType(
    {name: Fact(1 << place, 1 << place) for place, name in enumerate(SPECS["purpose"].values)}
)

# What holds between facts whatever the records say: (smaller, larger). Closed values count in the
# order of their vocabulary, what is expired below all of them.
INVARIANTS: tuple[tuple[FactId, FactId], ...] = (
    *((("quality", (s, "each_year")), ("quality", (s, "mean"))) for s in SUBJECTS),
    *((("quality", ("every", p)), ("quality", ("mentored", p))) for p in PERIODS),
    *((("quality", ("mentored", p)), ("quality", ("any", p))) for p in PERIODS),
    *(((name, ("holds_post",)), (name, ("performs_duties",))) for name in ("post", "post_now")),
    *(
        ((name, ("must_be_valid",)), (name, ("once_awarded",)))
        for name in ("category", "category_now")
    ),
    (("starts_year_begins", ()), ("starts_on", ())),
    (("plan_may_begin_on", ()), ("starts_on", ())),
    (("starts_on", ()), ("school_year_ends", ())),
    (("half_year_ends", ()), ("school_year_ends", ())),
)
# What one fact is taken to be where nothing is stated, and the other is left open; else they are
# the same: (the one, the other, the value).
PRESUMED: tuple[tuple[FactId, FactId, str], ...] = tuple(
    ((name, ("presumed",)), (name, ("must_be_confirmed",)), "observed")
    for name in ("ethics", "ethics_now")
)


@dataclass
class Case:
    """One person judged on one day: all that facts are drawn from.

    `on` is the day of the order, `as_of` the day judged on; `appointment` is None for a
    candidate whom nobody has appointed yet. What is computed for several facts is kept.
    """

    dossier: Dossier
    calendar: SchoolCalendar
    mentor_id: str
    school_id: str
    subject: str | None
    on: date
    as_of: date
    purpose: Purpose = "appointment"
    appointment: Appointment | None = None
    _years: dict[str, "_Quality"] = field(default_factory=dict)
    _qualities: dict[str, Mapping[str, Fact]] = field(default_factory=dict)
    _categories: dict[date, "_Category"] = field(default_factory=dict)

    @cached_property
    def mentor(self) -> Found[Teacher]:
        """The mentor's row."""
        return self.dossier.teacher(self.mentor_id)

    @cached_property
    def years(self) -> tuple[SchoolYear, ...]:
        """The last three school years completed before the order, oldest first."""
        return self.calendar.completed_before(self.on, YEARS_COUNTED)

    @cached_property
    def taught(self) -> "_Taught":
        """The subjects that the mentor teaches."""
        return _taught(self)

    def years_of(self, subject: str, shown: str) -> "_Quality":
        """Give the mentor's three years in a subject (its compared and its shown form)."""
        if subject not in self._years:
            self._years[subject] = _three_years(self, subject, shown)
        return self._years[subject]

    def quality_of(self, subjects: str) -> Mapping[str, Fact]:
        """Give the mentor's quality of knowledge by period; `subjects` says which ones count."""
        if subjects not in self._qualities:
            self._qualities[subjects] = _quality(self, subjects)
        return self._qualities[subjects]

    def category_on(self, day: date) -> "_Category":
        """Give the mentor's category on a day."""
        if day not in self._categories:
            self._categories[day] = _category_on(self, day)
        return self._categories[day]

    @cached_property
    def plan(self) -> Found[MentoringPlan]:
        """The row of the appointment's plan."""
        return self.dossier.plan(self.appointed().appointment_id)

    @cached_property
    def school_year(self) -> SchoolYear:
        """The school year that holds the day from which the terms run."""
        return self.calendar.holding(self.appointed().first_day)

    @cached_property
    def weeks(self) -> "Weeks":
        """The working week of the school, or both where it is not known."""
        return _weeks(self)

    def appointed(self) -> Appointment:
        """The appointment; a candidate has none, and no rule about appointments is asked."""
        if self.appointment is None:
            raise LookupError("a candidate has no appointment")
        return self.appointment


@dataclass(frozen=True)
class Formation:
    """A school's reserve as formed on one day (None: not stated): what is said of its rows.

    `verdicts` holds, by teacher, whether each whom it lists may enter the reserve.
    """

    school_id: str
    formed_on: date | None
    entries: tuple[ReserveEntry, ...]
    verdicts: Mapping[str, str]
    unreadable: bool  # a row that may be of this reserve cannot be read


# One value -----------------------------------------------------------------------------


def school_kind(case: Case) -> Fact:
    """Whether the school of the appointment is ordinary or small-complement."""
    spec = SPECS["school_kind"]
    found: Found[School] = case.dossier.school(case.school_id)
    if not found.records:
        return not_known(spec, "schools", case.school_id, found.gap)
    kind = found.records[0].kind
    if kind is None:
        return not_known(spec, "schools", case.school_id, "not_stated")
    bit = spec.bit(kind)
    return Fact(bit, bit, (f"schools {case.school_id}",))


def purpose(case: Case) -> Fact:
    """What the person is judged for: an appointment, or the reserve."""
    return _PURPOSES[case.purpose]


def mentor_is_mentee(case: Case) -> Fact:
    """Whether mentor and mentee are one person."""
    appointment = case.appointed()
    bit = YES if appointment.mentor_id == appointment.mentee_id else NO
    return Fact(bit, bit, (f"appointments {appointment.appointment_id}",))


def mentor_in_school(case: Case) -> Fact:
    """Whether the mentor belongs to the school of the appointment."""
    return _in_school(case, "mentor_in_school", case.mentor_id)


def mentee_in_school(case: Case) -> Fact:
    """Whether the mentee belongs to the school of the appointment."""
    return _in_school(case, "mentee_in_school", case.appointed().mentee_id)


def _in_school(case: Case, name: str, teacher_id: str) -> Fact:
    found = case.dossier.teacher(teacher_id)
    if not found.records:
        return not_known(SPECS[name], "teachers", teacher_id, found.gap)
    bit = YES if found.records[0].school_id == case.school_id else NO
    return Fact(bit, bit, (f"teachers {teacher_id}",))


def listed_in_reserve(case: Case) -> Fact:
    """Whether the school's reserve, as formed by the day of the order, lists the mentor."""
    spec = SPECS["listed_in_reserve"]
    key = f"{case.school_id} {case.mentor_id}"
    found = case.dossier.reserve(case.school_id, case.mentor_id)
    if found.gap:
        return not_known(spec, "reserve", key, found.gap)
    if any(row.formed_on is not None and row.formed_on <= case.on for row in found.records):
        return Fact(YES, YES, (f"reserve {key}",))
    if any(row.formed_on is None for row in found.records):
        return not_known(spec, "reserve", key, "not_stated")
    return Fact(NO, NO, (f"reserve {key}",) if found.records else ("reserve",))


def mentors_overlap(case: Case) -> Fact:
    """Whether another mentor of the same mentee is appointed for some of the same days."""
    spec = SPECS["mentors_overlap"]
    own = case.appointed()
    possible, sources, gaps = NO, [], []
    assumed = starts_assumed(own)
    for other in case.dossier.mentored(own.mentee_id):
        if other.appointment_id == own.appointment_id or other.mentor_id == own.mentor_id:
            continue
        assumed += starts_assumed(other)
        first, second = sorted((own, other), key=lambda one: one.first_day)
        if first.first_day == second.first_day or (
            first.ends_on is not None and first.ends_on >= second.first_day
        ):
            return Fact(YES, YES, (f"appointments {other.appointment_id}",), (), assumed)
        if first.ends_on is None:
            possible = YES_OR_NO
            gaps.append(Gap(spec.name, f"appointments {first.appointment_id}", "not_stated"))
        sources.append(f"appointments {other.appointment_id}")
    for row in case.dossier.unreadable_mentored(own.mentee_id):
        if row.key[0] != own.appointment_id:
            possible = YES_OR_NO
            gaps.append(Gap(spec.name, f"appointments {row.shown_key}", "invalid_row"))
    return Fact(possible, possible, tuple(sources), tuple(gaps), assumed if sources else ())


def mentee_first_taught_on(case: Case) -> Fact:
    """The mentee's first day in the profession."""
    spec = SPECS["mentee_first_taught_on"]
    mentee_id = case.appointed().mentee_id
    found = case.dossier.teacher(mentee_id)
    if not found.records:
        return not_known(spec, "teachers", mentee_id, found.gap)
    day = found.records[0].first_taught_on
    if day is None:
        return not_known(spec, "teachers", mentee_id, "not_stated")
    return Fact(day.toordinal(), day.toordinal(), (f"teachers {mentee_id}",))


def starts_year_begins(case: Case) -> Fact:
    """The first day that belongs to the school year in which the appointment starts.

    A day between two school years belongs to the coming one.
    """
    appointment = case.appointed()
    year = case.calendar.holding(appointment.first_day)
    before = case.calendar.year(year.first.year - 1)
    assumed = starts_assumed(appointment)
    if before.assumed:
        assumed += (year_assumed(before),)
    first = before.last.toordinal() + 1
    return Fact(first, first, (f"appointments {appointment.appointment_id}",), (), assumed)


def under_way(case: Case) -> Fact:
    """Whether the appointment runs on the day judged on."""
    spec = SPECS["under_way"]
    appointment = case.appointed()
    source = (f"appointments {appointment.appointment_id}",)
    assumed = starts_assumed(appointment)
    first, last = appointment.first_day, appointment.ends_on
    if case.as_of < first or (last is not None and last < case.as_of):
        return Fact(NO, NO, source, (), assumed)
    if last is None and case.as_of > first:
        gap = Gap(spec.name, source[0], "not_stated")
        return Fact(YES_OR_NO, YES_OR_NO, source, (gap,), assumed)
    return Fact(YES, YES, source, (), assumed)


def year_assumed(year: SchoolYear) -> Assumed:
    """Give what is assumed of a school year without a source."""
    return Assumed(f"calendar {year.label} school_year", "value", f"{year.first}/{year.last}")


def starts_assumed(appointment: Appointment) -> tuple[Assumed, ...]:
    """Give what is assumed where an appointment does not say from which day it runs."""
    if appointment.starts_on is not None:
        return ()
    return (
        Assumed(
            f"appointments {appointment.appointment_id} starts_on",
            "value",
            str(appointment.ordered_on),
        ),
    )


def not_known(spec: FactSpec, table: str, key: str, reason: str | None) -> Fact:
    """Give a fact of which nothing is known, and why (a code of `texts.toml`)."""
    gaps = (Gap(spec.name, f"{table} {key}", reason or "not_stated"),)
    if spec.kind == "set":
        return Fact(spec.everything, spec.everything, (), gaps)
    return Fact(spec.lo, spec.hi, (), gaps)


# The qualification category --------------------------------------------------------------


class _Held(NamedTuple):
    """A category that a record gives to a teacher, with the days it covers."""

    category: str | None  # None: dates without a category
    first: date | None
    last: date | None
    source: str

    def covers(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class _Category(NamedTuple):
    """The category of a teacher on a day: the record that counts, or why none is known."""

    counts: _Held | None
    expired: _Held | None
    ever: tuple[_Held, ...]  # all known to be awarded by the day
    perhaps: str | None  # awarded on a day that is not stated, by then or later
    gap: Gap | None
    assumed: tuple[Assumed, ...]
    ends: frozenset[date | None] = frozenset()  # of the records that count: one, or alike


def _category_on(case: Case, day: date) -> _Category:
    name, person = "category", case.mentor_id
    found, history = case.mentor, case.dossier.categories(person)
    periods = [
        _Held(row.category, row.from_, row.until, f"categories {person} {row.category}")
        for row in (() if history.gap else history.records)
        if row.from_ <= day
    ]
    covering = [period for period in periods if period.covers(day)]
    assumed: tuple[Assumed, ...] = ()
    perhaps = None
    stated = awarded = False
    latest = _Held(None, None, None, f"teachers {person}")
    if found.records:
        row = found.records[0]
        latest = _Held(row.category, row.category_from, row.category_until, latest.source)
        stated = (latest.category, latest.first, latest.last) != (None, None, None)
        if latest.first is not None:
            awarded = latest.first <= day
        else:
            ended = latest.last is not None and latest.last < day
            awarded = ended or not (covering or history.gap)
    if stated and awarded:
        periods.append(latest)
        if latest.covers(day):
            covering.append(latest)
        if latest.first is None:
            assumed = (Assumed(f"teachers {person} category_from", "held_on", str(day)),)
    elif latest.first is None:
        perhaps = latest.category
    ever = tuple(period for period in periods if period.category is not None)
    if not found.records or history.gap:
        table, reason = ("teachers", found.gap) if found.gap else ("categories", history.gap)
        gap = Gap(name, f"{table} {person}", reason or "not_stated")
        return _Category(None, None, ever, perhaps, gap, assumed)
    if covering:
        newest = max([period.first or FIRST_DAY for period in covering])
        counting = [period for period in covering if (period.first or FIRST_DAY) == newest]
        if len({period.category for period in counting}) > 1:
            gap = Gap(name, f"teachers {person}", "conflict")
            return _Category(None, None, ever, perhaps, gap, ())
        counts = max(counting, key=lambda period: period.last or LAST_DAY)
        if counts.category is None:
            gap = Gap(name, f"teachers {person}", "not_stated")
            return _Category(None, None, ever, perhaps, gap, ())
        if counts.last is None:
            column = "category_until" if counts.source.startswith("teachers") else "until"
            assumed += (Assumed(f"{counts.source} {column}", "no_end"),)
        ends = frozenset(period.last for period in counting)
        return _Category(counts, None, ever, perhaps, None, assumed, ends)
    if stated and awarded:
        return _Category(None, latest, ever, None, None, assumed)
    reason = "awarded_later" if stated else "not_stated"
    return _Category(None, None, ever, None, Gap(name, f"teachers {person}", reason), ())


def _category(name: str, case: Case, day: date, validity: str) -> Fact:
    spec = SPECS[name]
    held = case.category_on(day)
    if validity != "once_awarded" and held.gap is None:
        counts = held.counts
        if counts is None or counts.category is None:
            bit, source = spec.bit("expired"), held.expired.source if held.expired else ""
        else:
            bit, source = spec.bit(counts.category), counts.source
        return Fact(bit, bit, (source,), (), held.assumed)
    sources = tuple(dict.fromkeys(period.source for period in held.ever))
    best = max((HELD.index(period.category) for period in held.ever if period.category), default=0)
    once_awarded = validity == "once_awarded"
    gap = held.gap
    if once_awarded and held.expired is not None and held.expired.category is None:
        gap = Gap(name, held.expired.source, "not_stated")
    if gap is not None:
        # What is held now is open; the highest ever held is not below what is known.
        possible = spec.everything & ~((1 << best) - 1) if once_awarded else spec.everything
        return Fact(possible, possible, sources, (gap._replace(fact=name),), held.assumed)
    person = f"teachers {case.mentor_id}"
    assumed = (*held.assumed, Assumed(f"{person} category", "no_higher_earlier"))
    if held.perhaps is not None and HELD.index(held.perhaps) > best:
        possible = (1 << best) | spec.bit(held.perhaps)
        gap = Gap(name, f"{person} category_from", "not_stated")
        return Fact(possible, possible, sources, (gap,), assumed)
    return Fact(1 << best, 1 << best, sources, (), assumed)


def category(case: Case, validity: str) -> Fact:
    """The mentor's category on the day of the order, or the highest awarded by then."""
    return _category("category", case, case.on, validity)


def category_now(case: Case, validity: str) -> Fact:
    """The mentor's category on the day judged on, or the highest awarded by then."""
    return _category("category_now", case, case.as_of, validity)


def category_open_ended(case: Case) -> Fact:
    """Whether a category counts on the day of the order whose record states no end."""
    held = case.category_on(case.on)
    if held.gap is not None:
        gap = held.gap._replace(fact="category_open_ended")
        return Fact(YES_OR_NO, YES_OR_NO, (), (gap,))
    if held.counts is None:
        return Fact(NO, NO)
    if held.counts.category == "none" or None not in held.ends:
        return Fact(NO, NO, (held.counts.source,))
    if len(held.ends) > 1:
        gap = Gap("category_open_ended", held.counts.source, "conflict")
        return Fact(YES_OR_NO, YES_OR_NO, (held.counts.source,), (gap,))
    return Fact(YES, YES, (held.counts.source,))


def category_years(case: Case) -> Fact:
    """Full years completed, on the eve of the order, since the category was awarded."""
    spec = SPECS["category_years"]
    held = case.category_on(case.on)
    if held.gap is not None:
        return Fact(spec.lo, spec.hi, (), (held.gap._replace(fact=spec.name),))
    if held.counts is None:
        return Fact(spec.lo, spec.lo)
    if held.counts.first is None:
        return Fact(spec.lo, spec.hi, (), (Gap(spec.name, held.counts.source, "not_stated"),))
    eve = date.fromordinal(case.on.toordinal() - 1)
    years = max(0, relativedelta(eve, held.counts.first).years)
    return Fact(years, years, (held.counts.source,))


# Pedagogical ethics ----------------------------------------------------------------------


def _ethics(name: str, case: Case, day: date, silence: str) -> Fact:
    spec = SPECS[name]
    person = case.mentor_id
    source = (f"teachers {person}",)
    if not case.mentor.records:
        return not_known(spec, "teachers", person, case.mentor.gap)
    teacher = case.mentor.records[0]
    finding, found_on = teacher.ethics, teacher.ethics_on
    if found_on is not None and found_on > day:
        finding = None
    if finding == "pending":
        return not_known(spec, "teachers", person, "pending")
    if finding == "breached" and found_on is None:
        return not_known(spec, "teachers", person, "undated")
    if finding is None:
        if silence == "must_be_confirmed":
            return not_known(spec, "teachers", person, "not_stated")
        bit = spec.bit("observed")
        return Fact(bit, bit, (), (), (Assumed(f"teachers {person} ethics", "value", "observed"),))
    bit = spec.bit(finding)
    return Fact(bit, bit, source)


def ethics(case: Case, silence: str) -> Fact:
    """Whether the mentor observes pedagogical ethics on the day of the order."""
    return _ethics("ethics", case, case.on, silence)


def ethics_now(case: Case, silence: str) -> Fact:
    """Whether the mentor observes pedagogical ethics on the day judged on."""
    return _ethics("ethics_now", case, case.as_of, silence)


# Posts -----------------------------------------------------------------------------------


def _post(name: str, case: Case, day: date, duties: str) -> Fact:
    spec = SPECS[name]
    person = case.mentor_id
    found = case.dossier.posts(person)
    if found.gap is not None:
        return not_known(spec, "posts", person, found.gap)
    held = 0
    sources: list[str] = []
    assumed: list[Assumed] = []
    for row in found.records:
        if (row.since is not None and row.since > day) or (
            row.until is not None and row.until < day
        ):
            continue
        key = f"posts {person} {row.post}"
        if row.acting is None:
            assumed.append(Assumed(f"{key} acting", "value", "no"))
        for column, stated in (("since", row.since), ("until", row.until)):
            if stated is None:
                assumed.append(Assumed(f"{key} {column}", "unbounded"))
        sources.append(key)
        if row.acting != "yes" or duties == "performs_duties":
            held = max(held, POSTS.index(row.post))
    return Fact(1 << held, 1 << held, tuple(sources) or ("posts",), (), tuple(assumed))


def post(case: Case, duties: str) -> Fact:
    """The highest excluded post of the mentor on the day of the order."""
    return _post("post", case, case.on, duties)


def post_now(case: Case, duties: str) -> Fact:
    """The highest excluded post of the mentor on the day judged on."""
    return _post("post_now", case, case.as_of, duties)


# Quality of knowledge --------------------------------------------------------------------


class _Quality(NamedTuple):
    """One subject over the three years, in basis points rounded down."""

    bounds: Mapping[str, tuple[int, int]]  # by period
    sources: tuple[str, ...]
    gaps: tuple[Gap, ...]
    assumed: tuple[Assumed, ...]


class _Taught(NamedTuple):
    """Subjects taught (compared form to shown form): surely, perhaps, and perhaps unnamed ones."""

    surely: Mapping[str, str]
    perhaps: Mapping[str, str]
    unnamed: bool
    gaps: tuple[Gap, ...] = ()
    assumed: tuple[Assumed, ...] = ()


def _taught(case: Case) -> _Taught:
    person = case.mentor_id
    if not case.mentor.records:
        reason = case.mentor.gap or "not_stated"
        return _Taught({}, {}, True, (Gap("quality", f"teachers {person}", reason),))
    teacher = case.mentor.records[0]
    if teacher.subjects:
        return _Taught({subject_key(name): name for name in teacher.subjects}, {}, False)
    if not case.dossier.has("quality"):
        return _Taught({}, {}, True, (Gap("quality", f"quality {person}", "no_table"),))
    window = {year.label for year in case.years}
    surely: dict[str, str] = {}
    perhaps: dict[str, str] = {}
    unnamed = False
    gaps: list[Gap] = []
    for subject, rows in case.dossier.quality(person).items():
        counted = [row for year, row in rows.items() if year in window]
        if counted:
            surely[subject] = min(row.subject for row in counted)
    for owner, unread_subject, unread_year in case.dossier.unreadable_quality(person):
        if unread_year is not None and unread_year not in window:
            continue
        if unread_subject is None:
            unnamed = True
            gaps.append(Gap("quality", f"quality {person} …", "invalid_row"))
        elif owner is not None and unread_year is not None:
            surely.setdefault(unread_subject, unread_subject)
        else:
            perhaps.setdefault(unread_subject, unread_subject)
    perhaps = {key: name for key, name in perhaps.items() if key not in surely}
    if not surely and not perhaps and not unnamed:
        gaps.append(Gap("quality", f"quality {person}", "no_row"))
    assumed = (Assumed(f"teachers {person} subjects", "those_with_quality_rows"),)
    return _Taught(dict(sorted(surely.items())), perhaps, unnamed, tuple(gaps), assumed)


def _three_years(case: Case, subject: str, shown: str) -> _Quality:
    person = case.mentor_id
    rows = case.dossier.quality(person).get(subject, {})
    unreadable = case.dossier.unreadable_quality(person)
    first_taught = case.mentor.records[0].first_taught_on if case.mentor.records else None
    sources: list[str] = []
    gaps: list[Gap] = []
    shares: list[Fraction] = []
    assumed: tuple[Assumed, ...] = ()
    for year in case.years:
        key = f"quality {person} {shown} {year.label}"
        row = rows.get(year.label)
        reason = None
        if first_taught is not None and year.last < first_taught:
            reason = "not_yet_teaching"
            assumed += (year_assumed(year),) if year.assumed else ()
        elif unreadable and any(
            s in (None, subject) and y in (None, year.label) for _, s, y in unreadable
        ):
            reason = "invalid_row"
        elif row is None:
            reason = "no_row" if case.dossier.has("quality") else "no_table"
        elif row.share is None:
            reason = "not_stated"
        if reason is None and row is not None and row.share is not None:
            shares.append(row.share)
            sources.append(key)
        else:
            gaps.append(Gap("quality", key, reason or "not_stated"))
    missing, count = len(case.years) - len(shares), len(case.years)
    # Over one denominator whole numbers are as exact as fractions, and quicker. Rounded down, a
    # share in basis points compares with whole figures as it is.
    whole = lcm(*[share.denominator for share in shares])
    parts = [share.numerator * (whole // share.denominator) for share in shares]
    lowest = min(parts, default=whole) * WHOLE // whole
    total = sum(parts)
    bounds = {
        "each_year": (0 if missing else lowest, lowest),
        "mean": (
            total * WHOLE // (whole * count),
            (total + missing * whole) * WHOLE // (whole * count),
        ),
    }
    return _Quality(bounds, tuple(sources), tuple(gaps), assumed)


def quality(case: Case, subject: str, period: str) -> Fact:
    """Quality of knowledge over the last three completed school years, in basis points.

    `subject` says which subjects count, `period` whether the lowest year or the mean.
    """
    return case.quality_of(subject)[period]


def _quality(case: Case, subject: str) -> dict[str, Fact]:
    """Give the quality of knowledge by period: only the bounds differ between them."""
    taught = case.taught
    mentored = subject_key(case.subject) if case.subject is not None else None
    surely, perhaps, unnamed, gaps = taught.surely, taught.perhaps, taught.unnamed, taught.gaps
    if subject == "mentored" and mentored is not None and mentored in surely:
        surely, perhaps, unnamed, gaps = {mentored: surely[mentored]}, {}, False, ()
    looked = {
        key: case.years_of(key, shown) for key, shown in sorted({**surely, **perhaps}.items())
    }
    open_subject = subject == "mentored" and mentored not in surely
    open_subject = open_subject and (mentored is None or mentored in perhaps or unnamed)
    bounds: dict[str, tuple[int, int]] = {}
    used = list(looked.values())
    # Mostly there is one subject: then it is the lowest, the highest, and the one mentored.
    only = bool(surely) and len(used) == 1 and not unnamed
    for period in PERIODS:
        if only:
            bounds[period] = used[0].bounds[period]
            continue
        sure = [looked[key].bounds[period] for key in surely]
        every = [one.bounds[period] for one in used] + [(0, WHOLE)] * unnamed
        if not sure:
            bounds[period] = (0, WHOLE)  # perhaps nothing is taught: then nothing is known
        elif open_subject:
            # One of them counts, or the lowest of them, and it is not known which.
            bounds[period] = min([lo for lo, _ in every]), max([hi for _, hi in every])
        elif subject == "any":
            bounds[period] = max([lo for lo, _ in sure]), max([hi for _, hi in every])
        else:
            bounds[period] = min([lo for lo, _ in every]), min([hi for _, hi in sure])
    assumed = (*taught.assumed, *(item for one in used for item in one.assumed))
    last_spring = case.calendar.year(case.on.year - 1)
    if last_spring.assumed:
        assumed += (year_assumed(last_spring),)
    if subject == "mentored" and mentored is None and len(looked) != 1:
        what = case.appointment.appointment_id if case.appointment else case.mentor_id
        gaps += (Gap("subject", f"appointments {what} subject", "not_stated"),)
    between = last_spring.last < case.on < case.calendar.year(case.on.year).first
    sources = tuple([source for one in used for source in one.sources])
    gaps = (*gaps, *[gap for one in used for gap in one.gaps])
    notes = ("between_school_years",) if between else ()
    return {period: Fact(*found, sources, gaps, assumed, notes) for period, found in bounds.items()}


# The working week ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Weeks:
    """The working weeks that a school may have, and why there is more than one."""

    possible: tuple[Week, ...]
    gaps: tuple[Gap, ...] = ()
    assumed: tuple[Assumed, ...] = ()


def _weeks(case: Case) -> Weeks:
    found = case.dossier.school(case.school_id)
    cell = f"schools {case.school_id}"
    if not found.records:
        return Weeks((5, 6), (Gap("week", cell, found.gap or "not_stated"),))
    week = found.records[0].week
    if week is not None:
        return Weeks((6 if week == 6 else 5,))
    usual = case.calendar.usual_week(case.appointed().first_day)
    if usual is None:
        return Weeks((5, 6), (Gap("week", cell, "not_stated"),))
    return Weeks((usual,), (), (Assumed(f"{cell} week", "value", str(usual)),))


FACTS_OF_PEOPLE: Mapping[str, Callable[..., Fact]] = MappingProxyType(
    {
        function.__name__: function
        for function in (
            school_kind,
            category,
            ethics,
            quality,
            post,
            purpose,
            mentor_is_mentee,
            mentor_in_school,
            mentee_in_school,
            listed_in_reserve,
            mentors_overlap,
            mentee_first_taught_on,
            starts_year_begins,
            category_open_ended,
            category_years,
            category_now,
            ethics_now,
            post_now,
            under_way,
        )
    }
)
"""The functions of the facts of mentors, mentees and appointments."""
