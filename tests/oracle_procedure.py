"""What the norms say of a mentoring plan and its reports, for the oracle only.

Written from the design pages alone. Each date that the register leaves open is tried, each
school week that is possible is tried, and of each such world the plain norm is asked: done in
time, done late, or still awaited. What all worlds share is certain.

Decisions (where a page leaves something open)
 1. An unreadable cell makes the whole row of `plans` invalid, as in every table: nothing of it
    is known. The same goes for no row, no table, and rows that disagree.
 2. The acts of an unknown row are not done, or done on a day from starts_on to as_of; before
    starts_on has come they are certainly not done. An empty date in a register that ends before
    as_of may be a day from the next one on, also before starts_on, except for the level.
 3. A stated date counts whatever recorded_until says; one after as_of is not yet done.
 4. The school's week is one week for the whole term, that of starts_on: an empty cell is 5 from
    2022-10-01 on, either before. No readable school row: either, at any time.
 5. A level determined before starts_on is done, and the draft's five days run from that day.
 6. plan/drafted: the five days run from the actual end of stage 1 even if that end was late.
 7. plan/agreed: deputy_head without a portfolio may be the right one. head and other are not.
 8. plan/signed_in_order goes by drafted_on, agreed_on and approved_on; diagnosed_on and the
    posts play no part. A later act done while an earlier one is not is out of order for good.
    A stated date after as_of may still change.
 9. plan/one_academic_year: two stated cells are judged, drafted or not; one stated cell that
    breaks the norm is a breach by itself. Otherwise, with a cell empty: pending while drafted_on
    is certainly not done, else unknown. A row of which nothing is known may state any period:
    unknown, even before starts_on. "Within May" is 1 to 31 May. There is no latest period_from.
    The rule has no `done`.
10. reporting/interim is not applicable if starts_on (not ordered_on) is after the half-year.
    A report before the school year began counts.
11. reporting/final: the body, the results and the recommendations are all required.
12. Under plan_term_covers = approval, plan/drafted keeps its due date, plan/agreed gets none.
13. `due` is told only if all worlds share it, `provisional` and `latest` only of a `due` that
    is told, `latest` only if stage 1 is certainly not done. `days_late` needs the due date
    certain, and the act certainly done (then its own day counts) or certainly not done (then
    as_of). Not applicable or not in force: none of them is told, nor `done`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

from tests.oracle_calendar import (
    End,
    after_calendar_days,
    after_working_days,
    first_day,
    half_year_end,
    last_day,
    year_of,
)

Row = dict[str, Any]
Chosen = dict[str, str]  # the reading of each question that a rule asks
Weeks = tuple[int, ...]

BOTH = frozenset({True, False})


class Act(NamedTuple):
    """The days on which an act may have been done; earliest None: surely not done."""

    earliest: date | None
    latest: date | None
    maybe_undone: bool


class World(NamedTuple):
    """One completion of what is open, seen from one act."""

    done: date | None
    due: End | None
    rests_on_undone: bool  # the due date runs from a stage that is not done
    kept: bool  # post, body and the like


class Told(NamedTuple):
    """What one rule says under one reading."""

    outcome: str
    due: date | None = None
    done: date | None = None
    days_late: int | None = None
    provisional: bool = False
    latest: bool = False


UNDONE = Act(None, None, True)
NOT_APPLICABLE = Told("not_applicable")
NOT_IN_FORCE = Told("not_in_force")


def act(row: Row | None, column: str, starts: date, today: date) -> Act:
    if row is not None and column in row:
        day = row[column]
        return Act(day, day, False) if day <= today else UNDONE
    if row is None:
        low = starts
    else:
        low = row.get("recorded_until", today) + timedelta(1)
        if column == "level_determined_on":
            low = max(low, starts)
    return Act(low, today, True) if low <= today else UNDONE


def days(when: Act, marks: Iterable[date] = ()) -> list[date | None]:
    """The days to try for an act: its first and last possible day, any marks between, not done.

    Why the days between change nothing. Lateness: the later an act, the later it is; the later
    stage 1 ends, the later the draft is due; so if any day makes an act late (or in time), or
    moves its due date, an end of the possible days does. Order of three acts: move the first to
    its first day and the last to its last day; the middle one may then move down to its own
    first day or to that of the first act, which is why those are marks. Out of order: move the
    two acts that are, apart, to their ends.
    """
    found: set[date] = set()
    if when.earliest is not None and when.latest is not None:
        found = {mark for mark in marks if when.earliest <= mark <= when.latest}
        found |= {when.earliest, when.latest}
    return [*sorted(found), *([None] if when.maybe_undone else [])]


# ------------------------------------------------------------------ from worlds to an outcome


def _outcome(world: World, today: date) -> str:
    if world.done is None:
        waiting = world.due is None or today <= world.due.day
        return "pending" if waiting else "breached"
    if world.due is not None and world.done > world.due.day:
        return "breached"
    return "satisfied" if world.kept else "breached"


def _told(worlds: Iterable[World], today: date) -> Told:
    worlds = list(worlds)
    outcomes = {_outcome(world, today) for world in worlds}
    dues = {None if world.due is None else world.due.day for world in worlds}
    dones = {world.done for world in worlds}
    due = dues.pop() if len(dues) == 1 else None
    days_late = None
    if due is not None and len(dones) == 1:
        (done,) = dones
        days_late = ((today if done is None else done) - due).days
    return Told(
        outcome=_shared(outcomes),
        due=due,
        done=dones.pop() if len(dones) == 1 else None,
        days_late=days_late if days_late is not None and days_late > 0 else None,
        provisional=due is not None and any(w.due and w.due.provisional for w in worlds),
        latest=due is not None and all(world.rests_on_undone for world in worlds),
    )


def _shared(outcomes: set[str]) -> str:
    return next(iter(outcomes)) if len(outcomes) == 1 else "unknown"


def _is(row: Row | None, column: str, wanted: str) -> frozenset[bool]:
    """Whether the cell holds the wanted word; both, where it is not stated."""
    if row is None or column not in row:
        return BOTH
    return frozenset({row[column] == wanted})


# ------------------------------------------------------------------ the norms


@cache
def _level_due(starts: date, week: int, roll: str, term_start: str) -> End:
    length = 10 if term_start == "next_day" else 9
    return after_calendar_days(starts, length, week, roll == "to_working_day")


@cache
def _level(when: Act, starts: date, weeks: Weeks, today: date, roll: str, term_start: str) -> Told:
    return _told(
        (
            World(level, _level_due(starts, week, roll, term_start), False, True)
            for level, week in itertools.product(days(when), weeks)
        ),
        today,
    )


@cache
def _after_stage_one(
    acts: tuple[Act, ...],
    kept: frozenset[bool],
    level: Act,
    starts: date,
    weeks: Weeks,
    today: date,
    roll: str,
    term_start: str,
) -> Told:
    """All the acts, done within five working days of stage 1, or of its latest end."""
    worlds = []
    for stage_one, week in itertools.product(days(level), weeks):
        if stage_one is None:
            latest_end = _level_due(starts, week, roll, term_start)
            due = after_working_days(latest_end.day, 5, week)
            due = End(due.day, due.provisional or latest_end.provisional)
        else:
            due = after_working_days(stage_one, 5, week)
        for done in itertools.product(*(days(when) for when in acts)):
            worlds += [World(_last(done), due, stage_one is None, answer) for answer in kept]
    return _told(worlds, today)


def _last(done: Iterable[date | None]) -> date | None:
    """The day on which the last of several acts is done, None while one is not."""
    stated: list[date] = []
    for day in done:
        if day is None:
            return None
        stated.append(day)
    return max(stated)


@cache
def _without_due(when: Act, kept: frozenset[bool], today: date) -> Told:
    return _told((World(day, None, False, k) for day in days(when) for k in kept), today)


@cache
def _until(when: Act, due: date, kept: frozenset[bool], today: date) -> Told:
    end = End(due, False)
    return _told((World(day, end, False, k) for day in days(when) for k in kept), today)


@cache
def _in_order(drafted: Act, agreed: Act, approved: Act) -> Told:
    acts = (drafted, agreed, approved)
    marks = [day for when in acts for day in (when.earliest, when.latest) if day is not None]
    outcomes: set[str] = set()
    dones: set[date | None] = set()
    for dates in itertools.product(*(days(when, marks) for when in acts)):
        wrong = any(
            later is not None and (earlier is None or earlier > later)
            for earlier, later in itertools.combinations(dates, 2)
        )
        done = _last(dates)
        dones.add(done)
        outcomes.add("breached" if wrong else "pending" if done is None else "satisfied")
    return Told(_shared(outcomes), done=dones.pop() if len(dones) == 1 else None)


def _period(row: Row | None, drafted: Act, starts: date) -> Told:
    if row is None:
        return Told("unknown")
    year = year_of(starts)
    since, until = row.get("period_from"), row.get("period_until")
    kept_since = BOTH if since is None else {since >= min(starts, first_day(year))}
    kept_until = BOTH if until is None else {(until.year, until.month) == (year + 1, 5)}
    unstated = since is None or until is None
    surely_broken = True not in kept_since or True not in kept_until
    outcomes: set[str] = set()
    for day, *kept in itertools.product(days(drafted), kept_since, kept_until):
        if day is None and unstated and not surely_broken:
            outcomes.add("pending")
        else:
            outcomes.add("satisfied" if all(kept) else "breached")
    return Told(_shared(outcomes))


def _form(row: Row | None, interim: Act) -> Told:
    outcomes: set[str] = set()
    for day, video in itertools.product(days(interim), _is(row, "interim_form", "video")):
        outcomes.add("pending" if day is None else "satisfied" if video else "breached")
    done = interim.earliest if not interim.maybe_undone else None
    return Told(_shared(outcomes), done=done)


def one_academic_year(starts: date, ends: date | None) -> Told:
    """Whether the appointment ends within the school year in which it starts."""
    if ends is None:
        return Told("unknown")
    return Told("satisfied" if ends <= last_day(year_of(starts)) else "breached")


def plan_rules(
    row: Row | None, starts: date, weeks: Weeks, today: date
) -> dict[str, Callable[[Chosen], Told]]:
    """Per rule what it says under given readings; row None: nothing of the plan is known."""

    def when(column: str) -> Act:
        return act(row, column, starts, today)

    level, diagnosed, drafted = (
        when("level_determined_on"),
        when("diagnosed_on"),
        when("drafted_on"),
    )
    agreed, approved = when("agreed_on"), when("approved_on")
    interim, final = when("interim_on"), when("final_on")
    year = year_of(starts)

    agreed_by = _is(row, "agreed_by", "deputy_head_academic")
    if row is not None and row.get("agreed_by") == "deputy_head":
        agreed_by = BOTH
    approved_by = _is(row, "approved_by", "head")
    council = frozenset(
        all(answers)
        for answers in itertools.product(
            _is(row, "final_body", "pedagogical_council"),
            _is(row, "final_has_results", "yes"),
            _is(row, "final_has_recommendations", "yes"),
        )
    )

    def after_stage_one(acts: tuple[Act, ...], kept: frozenset[bool], chosen: Chosen) -> Told:
        roll, term_start = chosen["roll"], chosen["term_start"]
        return _after_stage_one(acts, kept, level, starts, weeks, today, roll, term_start)

    def approval(chosen: Chosen) -> Told:
        if chosen["plan_term_covers"] == "drafting":
            return _without_due(approved, approved_by, today)
        return after_stage_one((approved,), approved_by, chosen)

    def interim_report(_: Chosen) -> Told:
        due = half_year_end(year)
        if starts > due:
            return NOT_APPLICABLE
        return _until(interim, due, _is(row, "interim_body", "methodical_association"), today)

    def interim_form(_: Chosen) -> Told:
        return NOT_APPLICABLE if starts > half_year_end(year) else _form(row, interim)

    def final_report(chosen: Chosen) -> Told:
        if chosen["final_report_due"] == "council_meeting":
            return _without_due(final, council, today)
        return _until(final, last_day(year), council, today)

    return {
        "plan/level_determined": lambda chosen: _level(
            level, starts, weeks, today, chosen["roll"], chosen["term_start"]
        ),
        "plan/drafted": lambda chosen: after_stage_one(
            (diagnosed, drafted), frozenset({True}), chosen
        ),
        "plan/agreed": lambda _: _without_due(agreed, agreed_by, today),
        "plan/approved": approval,
        "plan/signed_in_order": lambda _: _in_order(drafted, agreed, approved),
        "plan/one_academic_year": lambda _: _period(row, drafted, starts),
        "reporting/interim": interim_report,
        "reporting/final": final_report,
        "reporting/interim_form": interim_form,
    }


# ------------------------------------------------------------------ the verdict


@cache
def verdict(rules: tuple[tuple[tuple[frozenset[tuple[str, str]], str], ...], ...]) -> str:
    """The procedure verdict over the remediable rules: per rule, (live readings, outcome) pairs.

    A question that several rules ask takes one value in each combination.
    """
    in_force = [rule for rule in rules if rule[0][1] != "not_in_force"]
    if not in_force:
        return "not_judged"
    asked: dict[str, set[str]] = {}
    for rule in in_force:
        for key, _ in rule:
            for question, reading in key:
                asked.setdefault(question, set()).add(reading)
    seen: set[str] = set()
    for values in itertools.product(*asked.values()):
        combination = set(zip(asked, values, strict=True))
        outcomes = {outcome for rule in in_force for key, outcome in rule if key <= combination}
        seen.add(_worst(outcomes))
    if len(seen) == 1:
        return "undetermined" if "unknown" in seen else seen.pop()
    return "undetermined" if "unknown" in seen else "depends"


def _worst(outcomes: set[str]) -> str:
    return next((o for o in ("breached", "unknown", "pending") if o in outcomes), "compliant")
