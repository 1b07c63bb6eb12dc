"""The facts of plans and reserves: when acts were done and due, and what is said of them.

An act may have been done on several days, or not at all, where its register is silent: all
possible days are weighed together, exactly.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations, pairwise, product
from types import MappingProxyType
from typing import Any

from mentor_rules.errors import UsageError
from mentor_rules.facts import (
    FACTS_OF_PEOPLE,
    IN_TIME,
    LATE,
    MONTHS,
    NO,
    SPECS,
    STAGE_1,
    WAITING,
    YES,
    YES_OR_NO,
    ActFact,
    Assumed,
    Case,
    Due,
    Fact,
    Formation,
    Gap,
    Term,
    Timing,
    not_known,
    starts_assumed,
    year_assumed,
)
from mentor_rules.records import LAST_DAY
from mentor_rules.workdays import Week

# Mentoring plans and their terms ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _When:
    """The days on which acts may have been done, from first to last (none if last is before).

    `undone`: perhaps not done by the day judged on.
    """

    first: int
    last: int
    undone: bool
    gaps: tuple[Gap, ...] = ()
    assumed: tuple[Assumed, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def perhaps_done(self) -> bool:
        return self.first <= self.last

    @property
    def day(self) -> int | None:
        """The day on which it certainly was done."""
        return self.first if self.first == self.last and not self.undone else None


def _when(case: Case, act: str) -> _When:
    """Give when one act of the plan was done, as far as its register says by `as_of`."""
    as_of = case.as_of.toordinal()
    starts = case.appointed().first_day.toordinal()
    key = f"plans {case.appointed().appointment_id}"
    if not case.plan.records:
        return _When(starts, as_of, True, (Gap(act, key, case.plan.gap or "not_stated"),))
    row = case.plan.records[0]
    stated: date | None = getattr(row, act)
    if stated is not None:
        day = stated.toordinal()
        if day > as_of:
            return _When(1, 0, True, notes=("dated_later",))
        return _When(day, day, False, notes=("before_start",) if day < starts else ())
    if row.recorded_until is None:
        assumed = Assumed(f"{key} recorded_until", "value", str(case.as_of))
        return _When(1, 0, True, assumed=(assumed,))
    if row.recorded_until >= case.as_of:
        return _When(1, 0, True)
    first = row.recorded_until.toordinal() + 1
    if act == STAGE_1:
        first = max(first, starts)
    return _When(first, as_of, True, (Gap(act, key, "register_ends"),))


def _together(whens: Sequence[_When]) -> _When:
    """Give when the last of several acts was done, all being needed."""
    if len(whens) == 1:
        return whens[0]
    done = all(when.perhaps_done for when in whens)
    return _When(
        max(when.first for when in whens) if done else 1,
        max(when.last for when in whens) if done else 0,
        any(when.undone for when in whens),
        tuple(gap for when in whens for gap in when.gaps),
        tuple(dict.fromkeys(item for when in whens for item in when.assumed)),
        tuple(dict.fromkeys(note for when in whens for note in when.notes)),
    )


def _day_after(case: Case, term: Term, start: int, week: Week) -> int:
    count = term.count(case.appointed().first_day)
    assert count is not None  # noqa: S101 - asked only where an edition is in force
    calendar = case.calendar.week(week)
    start = max(start, calendar.before + 1)  # a stage 1 dated before any calendar still started
    try:
        return calendar.due(start, count, term.unit, roll=term.roll, same_day=term.same_day)
    except UsageError:
        return LAST_DAY.toordinal()  # the calendar ends: no record can lie beyond it


def _due(case: Case, due: Term | str, week: Week) -> tuple[Due, _When | None]:
    """Give when an act is due in a week of so many days, and when that was done it runs from."""
    if isinstance(due, str):
        day = FACTS[due](case).lo
        return Due(day, day, (day, day), week=week), None
    after = None
    latest = provisional = False
    if isinstance(due.start, str):
        starts = (FACTS[due.start](case).lo,) * 2
    else:
        after = _together([_when(case, act) for act in due.start.done])
        possible = [after.first, after.last] if after.perhaps_done else []
        if after.undone:
            assert due.start.due is not None  # noqa: S101 - the loader sees to it
            before, _ = _due(case, due.start.due, week)
            possible += [before.first, before.last]
            latest = not after.perhaps_done
            provisional = before.provisional
        starts = min(possible), max(possible)
    first, last = (_day_after(case, due, start, week) for start in starts)
    # A last day that cannot be moved by any decree is only one of calendar days left as it is.
    moved = due.roll or due.unit == "working"
    provisional |= moved and last > case.calendar.known_until.toordinal()
    return Due(first, last, starts, latest, provisional, week), after


def timing(case: Case, timing: Timing) -> ActFact:
    """How an act stands on the day judged on: in time, late or waiting, whichever may be."""
    whens = [_when(case, act) for act in timing.done]
    if timing.in_order:
        return _signed(case, whens)
    when = _together(whens)
    row = (f"plans {case.appointed().appointment_id}",) if case.plan.records else ()
    notes, assumed = list(when.notes), list(when.assumed)
    no_edition = isinstance(timing.due, Term) and (
        timing.due.count(case.appointed().first_day) is None
    )
    if timing.due is None or no_edition:
        possible = (IN_TIME if when.perhaps_done else 0) | (WAITING if when.undone else 0)
        if timing.judged_undone:
            # A row that is not known may state whatever the check asks, the act done or not.
            possible |= 0 if case.plan.records else IN_TIME
            return ActFact(possible, possible, row, when.gaps, when.assumed, when.notes)
        return ActFact(
            *(possible, possible, row, when.gaps, when.assumed, when.notes),
            done=when.day,
            undone=not when.perhaps_done,
        )
    as_of = case.as_of.toordinal()
    possible, gaps = 0, list(when.gaps)
    dues = []
    for week in case.weeks.possible:
        due, after = _due(case, timing.due, week)
        dues.append(due)
        if when.perhaps_done:
            possible |= IN_TIME if when.first <= due.last else 0
            possible |= LATE if when.last > due.first else 0
        if when.undone:
            possible |= WAITING if as_of <= due.last else 0
            possible |= LATE if as_of > due.first else 0
        if after is not None:
            gaps += after.gaps if due.first != due.last else ()
            assumed += after.assumed
            if when.day is not None and not (after.perhaps_done and after.first <= when.day):
                notes.append("before_stage_1")
    named: Term | str | Timing | None = timing.due
    while isinstance(named, Term | Timing):
        named = named.start if isinstance(named, Term) else named.due
    assumed += FACTS[named](case).assumed if named is not None else ()
    whole = Due(
        min(due.first for due in dues),
        max(due.last for due in dues),
        (min(due.starts[0] for due in dues), max(due.starts[1] for due in dues)),
        all(due.latest for due in dues),
        any(due.provisional for due in dues),
        dues[0].week if len(dues) == 1 else None,
    )
    if isinstance(timing.due, Term):
        assumed += case.weeks.assumed
        if len({(due.first, due.last) for due in dues}) > 1:
            gaps += case.weeks.gaps
    return ActFact(
        possible,
        possible,
        row,
        tuple(dict.fromkeys(gaps)),
        tuple(dict.fromkeys(assumed)),
        tuple(dict.fromkeys(notes)),
        due=whole,
        done=when.day,
        undone=not when.perhaps_done,
    )


def _signed(case: Case, whens: Sequence[_When]) -> ActFact:
    """Whether acts are done in their order: late = out of order, whatever comes."""
    possible = 0
    for done in product((True, False), repeat=len(whens)):
        if any(
            (was and not when.perhaps_done) or (not was and not when.undone)
            for was, when in zip(done, whens, strict=True)
        ):
            continue
        if (False, True) in pairwise(done):
            possible |= LATE  # what comes later is done, what comes before it is not
            continue
        days = [when for was, when in zip(done, whens, strict=True) if was]
        if any(one.last > other.first for one, other in combinations(days, 2)):
            possible |= LATE
        if all(one.first <= other.last for one, other in combinations(days, 2)):
            possible |= IN_TIME if all(done) else WAITING
    row = (f"plans {case.appointed().appointment_id}",) if case.plan.records else ()
    joined = _together(whens)
    return ActFact(
        *(possible, possible, row, joined.gaps, joined.assumed, joined.notes),
        done=joined.day,
        each=tuple(ActFact(0, 0, done=when.day, undone=not when.perhaps_done) for when in whens),
    )


def starts_on(case: Case) -> Fact:
    """The day from which the terms run: `starts_on`, or else the day of the order."""
    appointment = case.appointed()
    day = appointment.first_day.toordinal()
    source = (f"appointments {appointment.appointment_id}",)
    return Fact(day, day, source, (), starts_assumed(appointment))


def ends_on(case: Case) -> Fact:
    """The last day of the appointment."""
    appointment = case.appointed()
    if appointment.ends_on is None:
        spec = SPECS["ends_on"]
        return not_known(spec, "appointments", appointment.appointment_id, "not_stated")
    day = appointment.ends_on.toordinal()
    return Fact(day, day, (f"appointments {appointment.appointment_id}",))


def _of_school_year(case: Case, day: date) -> Fact:
    assumed = starts_assumed(case.appointed())
    if case.school_year.assumed:
        assumed += (year_assumed(case.school_year),)
    return Fact(day.toordinal(), day.toordinal(), (), (), assumed)


def half_year_ends(case: Case) -> Fact:
    """The last day of the first half-year of the school year in which mentoring starts."""
    return _of_school_year(case, case.school_year.half_year_ends)


def school_year_ends(case: Case) -> Fact:
    """The last day of the school year in which mentoring starts."""
    return _of_school_year(case, case.school_year.last)


def plan_may_begin_on(case: Case) -> Fact:
    """The earlier of the first day of mentoring and the first day of its school year."""
    first = min(case.appointed().first_day, case.school_year.first)
    return _of_school_year(case, first)


def _of_plan(name: str, case: Case, column: str) -> tuple[Any, Fact]:
    """Give the value of a plan's column, or None and the fact of not knowing it."""
    spec, key = SPECS[name], case.appointed().appointment_id
    if not case.plan.records:
        return None, not_known(spec, "plans", key, case.plan.gap)
    return getattr(case.plan.records[0], column), not_known(spec, "plans", key, "not_stated")


def _closed_of_plan(name: str, case: Case) -> Fact:
    value, unknown = _of_plan(name, case, name)
    if value is None:
        return unknown
    bit = SPECS[name].bit(value)
    return Fact(bit, bit, (f"plans {case.appointed().appointment_id}",))


def agreed_by(case: Case) -> Fact:
    """Who agreed the plan; a deputy head without a portfolio may be the one for academic work."""
    value, unknown = _of_plan("agreed_by", case, "agreed_by")
    if value == "deputy_head":
        spec, key = SPECS["agreed_by"], f"plans {case.appointed().appointment_id}"
        either = spec.bit("deputy_head_academic") | spec.bit("deputy_head_other")
        return Fact(either, either, (key,), (Gap("agreed_by", key, "no_portfolio"),))
    return unknown if value is None else _closed_of_plan("agreed_by", case)


def approved_by(case: Case) -> Fact:
    """Who approved the plan."""
    return _closed_of_plan("approved_by", case)


def period_from(case: Case) -> Fact:
    """The first day that the plan covers."""
    value, unknown = _of_plan("period_from", case, "period_from")
    if value is None:
        return unknown
    day = value.toordinal()
    return Fact(day, day, (f"plans {case.appointed().appointment_id}",))


def period_closes_in(case: Case) -> Fact:
    """The month in which the plan ends, of the year in which the school year does."""
    value, unknown = _of_plan("period_closes_in", case, "period_until")
    if value is None:
        return unknown
    closing = case.school_year.last.year
    if value.year == closing:
        closes = MONTHS[value.month - 1]
    else:
        closes = "earlier" if value.year < closing else "later"
    bit = SPECS["period_closes_in"].bit(closes)
    key = f"plans {case.appointed().appointment_id}"
    return Fact(bit, bit, (key,), (), _of_school_year(case, case.school_year.last).assumed)


def interim_body(case: Case) -> Fact:
    """Before whom the interim report was given."""
    return _closed_of_plan("interim_body", case)


def interim_form(case: Case) -> Fact:
    """The form of the interim report."""
    return _closed_of_plan("interim_form", case)


def final_body(case: Case) -> Fact:
    """Before whom the final report was given."""
    fact = _closed_of_plan("final_body", case)
    row = case.plan.records[0] if case.plan.records else None
    if row is not None and row.final_prepared_on is not None and row.final_on is None:
        return replace(fact, notes=("prepared_only",))
    return fact


def final_has_results(case: Case) -> Fact:
    """Whether the final report states the results of the plan's measures."""
    return _closed_of_plan("final_has_results", case)


def final_has_recommendations(case: Case) -> Fact:
    """Whether the final report holds recommendations."""
    return _closed_of_plan("final_has_recommendations", case)


# The reserve of a school ---------------------------------------------------------------------


def _of_reserve(name: str, formation: Formation, column: str) -> Fact:
    """Give one value for all rows: another body anywhere counts, what is not stated is open."""
    spec = SPECS[name]
    sources = _listed(formation)
    if formation.formed_on is None or formation.unreadable:
        reason = "invalid_row" if formation.unreadable else "undated_reserve"
        return replace(not_known(spec, "reserve", formation.school_id, reason), sources=sources)
    stated = {getattr(entry, column) for entry in formation.entries}
    if "other" in spec.values and "other" in stated:
        bit = spec.bit("other")
        return Fact(bit, bit, sources)
    if None not in stated:
        bit = YES if name == "reserve_has_protocol" else spec.bit(stated.pop())
        return Fact(bit, bit, sources)
    silent = {entry.teacher_id for entry in formation.entries if getattr(entry, column) is None}
    gaps = tuple(
        Gap(name, f"reserve {formation.school_id} {teacher}", "not_stated")
        for teacher in sorted(silent)
    )
    return Fact(spec.everything, spec.everything, sources, gaps)


def _listed(formation: Formation) -> tuple[str, ...]:
    return tuple(f"reserve {formation.school_id} {entry.teacher_id}" for entry in formation.entries)


def reserve_formed_by(formation: Formation) -> Fact:
    """Who formed the reserve."""
    return _of_reserve("reserve_formed_by", formation, "formed_by")


def reserve_proposed_by(formation: Formation) -> Fact:
    """Who proposed those whom the reserve lists."""
    return _of_reserve("reserve_proposed_by", formation, "proposed_by")


def reserve_has_protocol(formation: Formation) -> Fact:
    """Whether minutes are named for every row of the reserve."""
    return _of_reserve("reserve_has_protocol", formation, "protocol_no")


def listed_qualify(formation: Formation) -> Fact:
    """Whether all whom the reserve lists may enter it, on the day it was formed."""
    spec, sources = SPECS["listed_qualify"], _listed(formation)
    if formation.formed_on is None:
        gap = not_known(spec, "reserve", formation.school_id, "undated_reserve")
        return replace(gap, sources=sources)
    barred = [
        f"teachers {teacher}"
        for teacher, verdict in sorted(formation.verdicts.items())
        if verdict == "ineligible"
    ]
    if barred:
        return Fact(NO, NO, (*sources, *barred))
    gaps = tuple(
        Gap(spec.name, f"teachers {teacher}", "candidate_open")
        for teacher, verdict in sorted(formation.verdicts.items())
        if verdict != "eligible"
    )
    if formation.unreadable:
        gaps += (Gap(spec.name, f"reserve {formation.school_id}", "invalid_row"),)
    possible = YES_OR_NO if gaps else YES
    return Fact(possible, possible, sources, gaps)


FACTS: Mapping[str, Callable[..., Fact]] = MappingProxyType(
    {
        **FACTS_OF_PEOPLE,
        **{
            function.__name__: function
            for function in (
                timing,
                starts_on,
                ends_on,
                half_year_ends,
                school_year_ends,
                agreed_by,
                approved_by,
                plan_may_begin_on,
                period_from,
                period_closes_in,
                interim_body,
                interim_form,
                final_body,
                final_has_results,
                final_has_recommendations,
                reserve_formed_by,
                reserve_proposed_by,
                reserve_has_protocol,
                listed_qualify,
            )
        },
    }
)
"""The function of each declared fact."""
