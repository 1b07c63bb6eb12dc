"""The terms of every plan: what, who acts, from when, by when, and how it stands."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.calendar_data import Overrides
from mentor_rules.dossier import Dossier
from mentor_rules.errors import UsageError
from mentor_rules.facts import IN_TIME, LATE, WAITING, ActFact, Case, FactId, Term
from mentor_rules.judging import (
    Bench,
    Judged,
    bench_for,
    case_of,
    expect_day,
    fault_of,
    invalid_entries,
    judge,
    provenance_of,
)
from mentor_rules.loading import builtin_rulebook
from mentor_rules.result import DeadlineRow, Deadlines, DueReading, Fault, SkippedDay, State
from mentor_rules.rulebook import BoundRule, Readings, Rulebook
from mentor_rules.texts import say
from mentor_rules.vocabulary import Language

_URGENCY: tuple[State, ...] = ("overdue", "waiting", "unknown", "late", "done")


def deadlines(
    dossier: Dossier,
    *,
    as_of: date,
    readings: Readings = None,
    rulebook: Rulebook | None = None,
    calendar: Overrides = None,
    language: Language = "en",
    settle: Mapping[str, str] | None = None,
    names: bool = False,
) -> Deadlines:
    """Give every act of every plan with its due date, the most urgent first.

    What is overdue comes first (the latest first), then what is still to be done by its due
    date, then what is not known, then what was done. `names` adds the names of mentor and
    mentee. The other arguments, and what is raised, are those of `check`.
    """
    expect_day("as_of", as_of)
    rulebook = rulebook or builtin_rulebook()
    school_calendar = SchoolCalendar.load(calendar)
    settled = rulebook.settle(readings, over=settle)
    bench = bench_for(rulebook, settled, language, "plan")
    acts = _acts(bench.engine.rules)
    known = dossier.names() if names else None
    rows: list[DeadlineRow] = []
    faults: dict[str, Fault] = {}
    for appointment in dossier.appointments:
        case = case_of(dossier, appointment, school_calendar, as_of)
        people = (appointment.mentor_id, appointment.mentee_id)
        named = {who: known[who] for who in people if who in known} if known is not None else None
        try:
            judged = judge(bench, case)
            rows += _rows(case, bench, judged, acts, language, named)
        except Exception as error:
            # A fault of ours must not stop the others' answers.
            faults[appointment.appointment_id] = fault_of(error)
    return Deadlines(
        as_of=as_of,
        provenance=provenance_of(rulebook, settled, school_calendar, language),
        deadlines=tuple(sorted(rows, key=_urgency)),
        invalid=invalid_entries(dossier, language),
        faults=faults,
    )


def _urgency(row: DeadlineRow) -> tuple[int, int, date, str, str]:
    late = row.days_late or 0
    due = row.due or date.max
    return _URGENCY.index(row.state), -late, due, row.appointment_id, row.rule


def _acts(rules: Sequence[BoundRule]) -> frozenset[str]:
    """Give the rules that ask for an act of their own, those with a due date first.

    Some only ask more of an act whose term stands in another rule.
    """
    chosen: set[str] = set()
    seen: set[str] = set()
    timed = [rule for rule in rules if rule.rule.act is not None and rule.rule.act.done]
    for rule in sorted(timed, key=lambda rule: not any(_has_due(rule))):
        assert rule.rule.act is not None  # noqa: S101 - only such rules are among them
        if not set(rule.rule.act.done) <= seen:
            chosen.add(rule.rule.id)
            seen.update(rule.rule.act.done)
    return frozenset(chosen)


def _has_due(rule: BoundRule) -> Iterable[bool]:
    for reading in rule.readings:
        assert reading.timing is not None  # noqa: S101 - only acts are asked
        yield reading.timing[1][0].due is not None


def _rows(
    case: Case,
    bench: Bench,
    judged: Judged,
    acts: frozenset[str],
    language: Language,
    names: dict[str, str] | None,
) -> Iterator[DeadlineRow]:
    for rule, outcomes in zip(bench.engine.rules, judged.outcomes, strict=True):
        if rule.rule.id in acts and not {"not_applicable", "not_in_force"} & set(outcomes):
            yield _row(case, rule, judged, language, names)


def _row(
    case: Case,
    bound: BoundRule,
    judged: Judged,
    language: Language,
    names: dict[str, str] | None,
) -> DeadlineRow:
    rule = bound.rule
    assert rule.act is not None  # noqa: S101 - only rules about acts come here
    facts = [_act(judged, reading.timing) for reading in bound.readings]
    mildest = facts[0]
    due = mildest.due
    timing = bound.readings[0].timing
    term = timing[1][0].due if timing is not None else None
    count = term.count(case.appointed().first_day) if isinstance(term, Term) else None
    starts = due.starts if due is not None and isinstance(term, Term) else None
    certain = due.certain if due is not None else None
    return DeadlineRow(
        appointment_id=case.appointed().appointment_id,
        school_id=case.school_id,
        rule=rule.id,
        what=rule.title[language],
        who=rule.act.who[language],
        state=_state(mildest),
        from_=_certain(starts),
        term=say("term", term.unit, language, count=str(count))
        if isinstance(term, Term) and count is not None
        else None,
        due=certain,
        due_between=tuple(map(date.fromordinal, (due.first, due.last)))
        if due is not None and certain is None
        else None,
        latest=True if due is not None and certain is not None and due.latest else None,
        done=date.fromordinal(mildest.done) if mildest.done is not None else None,
        days_late=mildest.days_late(case.as_of),
        provisional=due is not None and certain is not None and due.provisional,
        readings=tuple(
            DueReading(
                when=dict(reading.when),
                due=fact.due.certain if fact.due is not None else None,
                provisional=fact.due is not None
                and fact.due.certain is not None
                and fact.due.provisional,
            )
            for reading, fact in zip(bound.readings, facts, strict=True)
        ),
        skipped=tuple(_skipped(case, mildest, term, count, language)),
        notes=tuple(say("note", note, language) for note in mildest.notes),
        names=names,
    )


def _act(judged: Judged, timing: FactId | None) -> ActFact:
    fact = judged.facts[timing] if timing is not None else None
    assert isinstance(fact, ActFact)  # noqa: S101 - only rules about acts come here
    return fact


def _state(act: ActFact) -> State:
    if act.lo == LATE:
        # What may not have been done at all is as urgent as what certainly was not.
        return "late" if act.done is not None else "overdue"
    states: dict[int, State] = {IN_TIME: "done", WAITING: "waiting"}
    return states.get(act.lo, "unknown")


def _certain(days: tuple[int, int] | None) -> date | None:
    return date.fromordinal(days[0]) if days is not None and days[0] == days[1] else None


def _skipped(
    case: Case, act: ActFact, term: Term | str | None, count: int | None, language: Language
) -> Iterator[SkippedDay]:
    """Give the days that a term passes over, where it is certain which."""
    due = act.due
    if due is None or due.week is None or count is None or not isinstance(term, Term):
        return
    if due.starts[0] != due.starts[1]:
        return
    try:
        found = case.calendar.week(due.week).deadline(
            date.fromordinal(due.starts[0]),
            count,
            unit=term.unit,
            roll=term.roll,
            term_start="same_day" if term.same_day else "next_day",
        )
    except UsageError:  # the calendar ends before the term does
        return
    for skipped in found.skipped:
        yield SkippedDay(day=skipped.day, reason=skipped.reason.say(language))
