"""The library's main calls: a dossier, or one candidate, in; reasoned verdicts out."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property, lru_cache
from importlib.metadata import PackageNotFoundError, version
from itertools import compress
from types import MappingProxyType
from typing import Literal, get_args

from pydantic_core import PydanticCustomError

from mentor_rules.acts import FACTS
from mentor_rules.calendar import SchoolCalendar
from mentor_rules.calendar_data import Overrides
from mentor_rules.dossier import Dossier
from mentor_rules.engines.closure import Closure, Outcomes
from mentor_rules.engines.durable import NAME as SECOND
from mentor_rules.engines.durable import Durable, available
from mentor_rules.engines.opinion import EngineFault, Opinion
from mentor_rules.errors import MentorRulesError, UsageError
from mentor_rules.facts import Assumed, Case, Fact, FactId, Formation, Purpose
from mentor_rules.findings import Presenter
from mentor_rules.headings import column_label, table_label
from mentor_rules.loading import builtin_rulebook
from mentor_rules.reading import Note
from mentor_rules.records import (
    FIRST_DAY,
    LAST_DAY,
    VOCABULARIES,
    Appointment,
    CategoryPeriod,
    InvalidRow,
    MentoringPlan,
    Post,
    QualityYear,
    School,
    Teacher,
    clean_text,
)
from mentor_rules.result import (
    AppointmentResult,
    Asked,
    CandidateResult,
    Fault,
    Finding,
    InvalidEntry,
    PlanResult,
    Provenance,
    ReadFrom,
    Report,
    Run,
    SchoolResult,
    Summary,
    Trace,
)
from mentor_rules.rulebook import (
    DatedBy,
    Readings,
    Rule,
    Rulebook,
    Settled,
    bind,
)
from mentor_rules.source import PROJECT
from mentor_rules.texts import has, say
from mentor_rules.verdict import (
    ELIGIBILITIES,
    FINE,
    FLAGGED,
    PROCEDURES,
    Eligibility,
    Procedure,
    Verdicts,
    eligibility,
    procedure,
)
from mentor_rules.vocabulary import LANGUAGES, Language

Only = Literal["eligibility", "procedure"]
Confirm = Literal["flagged", "all", "none"]
Aim = Literal["appointment", "candidate", "plan", "reserve"]
# Which rules are asked for what: the folders they stand in.
_FOLDERS: Mapping[Aim, tuple[str, ...]] = MappingProxyType(
    {
        "appointment": ("eligibility", "appointment", "plan", "reporting"),
        "candidate": ("eligibility",),
        "plan": ("appointment", "plan", "reporting"),
        "reserve": ("reserve",),
    }
)
_PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
TOLD_EVERY = 250  # appointments between two tellings of progress


@dataclass(frozen=True)
class Bench:
    """All that is made once for a rulebook, a choice of readings, a language and an aim."""

    engine: Closure
    presenters: tuple[Presenter, ...]
    blocking: Verdicts
    remediable: Verdicts
    settled: Settled

    @cached_property
    def second(self) -> Durable:
        """The second engine, over the same rules. Raises EngineFault where it takes them not."""
        return Durable(self.engine.rules, self.settled)


def asked(rule: Rule, aim: Aim, only: Only | None = None) -> bool:
    """Tell whether a rule is asked for `aim`; of an appointment's, a plan shows those of its own.

    `only` leaves out the rules that decide the other verdict.
    """
    folder = rule.id.split("/", 1)[0]
    left_out = {"eligibility": "remediable", "procedure": "blocking"}.get(only or "")
    if folder not in _FOLDERS[aim] or rule.weight == left_out:
        return False
    return not (aim == "plan" and folder == "appointment" and rule.weight != "remediable")


@lru_cache(maxsize=64)
def bench_for(
    rulebook: Rulebook,
    settled: Settled,
    language: Language,
    aim: Aim,
    only: Only | None = None,
) -> Bench:
    """Give the bench on which cases are judged. Raises UsageError for an unknown language."""
    if language not in LANGUAGES:
        raise UsageError("no_language", language=str(language), allowed=", ".join(LANGUAGES))
    if only not in (None, "eligibility", "procedure"):
        raise UsageError("no_only", only=str(only))
    rules = tuple(
        bind(rule, settled)
        for rule in sorted(rulebook.rules, key=lambda rule: rule.id)
        if asked(rule, aim, only)
    )
    verdicts = Verdicts(rules, "blocking", settled), Verdicts(rules, "remediable", settled)
    engine = Closure(rules, verdicts)
    presenters = tuple(Presenter(rule, rulebook, engine, language) for rule in rules)
    return Bench(engine, presenters, *verdicts, settled)


def expect_day(name: str, day: object) -> None:
    """Raise UsageError unless `day` is a date that records may hold."""
    if not isinstance(day, date) or isinstance(day, datetime):
        raise UsageError("no_date", name=name)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UsageError("date_outside", name=name, first=str(FIRST_DAY), last=str(LAST_DAY))


@dataclass(frozen=True)
class Judged:
    """One case, or one reserve, with its facts and outcomes, before anything is worded."""

    days: Mapping[DatedBy, date]
    as_of: date
    facts: Mapping[FactId, Fact]
    bounds: Sequence[int]
    opinion: Opinion

    @property
    def outcomes(self) -> tuple[Outcomes, ...]:
        """Per rule, its outcome under each reading."""
        return self.opinion.outcomes


def judge(bench: Bench, case: Case) -> Judged:
    """Give the outcome of every rule of a bench for one case."""
    starts = case.appointment.first_day if case.appointment is not None else case.on
    days: dict[DatedBy, date] = {"ordered_on": case.on, "starts_on": starts, "formed_on": case.on}
    return _judged(bench, case, days, case.as_of)


def _judged(
    bench: Bench, case: Case | Formation, days: Mapping[DatedBy, date], as_of: date
) -> Judged:
    facts = {(name, keys): FACTS[name](case, *keys) for name, keys in bench.engine.facts}
    bounds = [bound for fact in facts.values() for bound in (fact.lo, fact.hi)]
    return Judged(days, as_of, facts, bounds, bench.engine.opinion(bounds, days))


class EngineDisagreement(MentorRulesError):  # noqa: N818 - the word of the public contract
    """Two engines differ on one case: `fault` holds what each said. There is no verdict."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(f"{fault.cause}: {', '.join(sorted(fault.traces))}")


class SecondEngineBroke(EngineFault):
    """The second engine broke on one case: `fault` holds what the first said of it."""

    def __init__(self, broken: EngineFault, traces: dict[str, Trace]) -> None:
        super().__init__(broken.engine, broken.cause)
        self.fault = _fault(self, traces)


def confirmed(bench: Bench, judged: Judged, opinion: Opinion, confirm: Confirm) -> tuple[str, ...]:
    """Give the engines that agree on a case, after asking the second one where it is due.

    Raises EngineDisagreement where it differs, EngineFault where it breaks. Where it is not
    installed the first engine stands alone.
    """
    flagged = bool({opinion.eligibility, opinion.procedure} & FLAGGED)
    asked_for = confirm == "all" or (confirm == "flagged" and flagged)
    if not asked_for or not available():
        return (bench.engine.name,)
    try:
        second = bench.second.opinion(_in_order(judged.facts, bench.second.facts), judged.days)
    except EngineFault as broken:
        raise SecondEngineBroke(broken, _of_first_alone(bench, opinion)) from None
    if second != opinion:
        opinions = {bench.engine.name: opinion, bench.second.name: second}
        raise EngineDisagreement(disagreement(bench, opinions))
    return (bench.engine.name, bench.second.name)


def _in_order(facts: Mapping[FactId, Fact], wanted: Sequence[FactId]) -> list[int]:
    """Give the bounds of facts in the order in which an engine takes them."""
    return [bound for fact in wanted for bound in (facts[fact].lo, facts[fact].hi)]


def disagreement(bench: Bench, opinions: Mapping[str, Opinion]) -> Fault:
    """Give what two engines said, with the outcomes on which they differ."""
    first, second = opinions.values()
    differ = [one != other for one, other in zip(first.outcomes, second.outcomes, strict=True)]
    traces = {name: _trace(bench, opinion, differ) for name, opinion in opinions.items()}
    return Fault(what="disagreement", cause="two engines disagree", traces=traces)


def _of_first_alone(bench: Bench, first: Opinion) -> dict[str, Trace]:
    """Give what the first engine said, with the outcomes that matter; of the second, nothing."""
    matter = [not FINE.issuperset(outcomes) for outcomes in first.outcomes]
    nothing = Trace(eligibility="not_judged", procedure="not_judged", outcomes={})
    return {bench.engine.name: _trace(bench, first, matter), SECOND: nothing}


def _trace(bench: Bench, opinion: Opinion, shown: Sequence[bool]) -> Trace:
    """Give what an engine said, with its outcomes of those rules that are shown."""
    outcomes = {
        rule.rule.id: {
            " ".join(f"{question}={reading}" for question, reading in reading.when): outcome
            for reading, outcome in zip(rule.readings, own, strict=True)
        }
        for rule, own in compress(zip(bench.engine.rules, opinion.outcomes, strict=True), shown)
    }
    return Trace(eligibility=opinion.eligibility, procedure=opinion.procedure, outcomes=outcomes)


def fault_of(error: Exception) -> Fault:
    """Give why a case got no verdict: never a cell of the dossier, types and fixed words only."""
    if isinstance(error, EngineDisagreement | SecondEngineBroke):
        return error.fault
    if isinstance(error, EngineFault):
        return _fault(error, {})
    return Fault(what="fault", cause=type(error).__name__)


def _fault(error: EngineFault, traces: dict[str, Trace]) -> Fault:
    return Fault(what="engine_fault", cause=f"{error.engine}: {error.cause}", traces=traces)


def _findings(
    bench: Bench, judged: Judged, calendar: SchoolCalendar, on: str | None = None
) -> tuple[Finding, ...]:
    """Give the finding of every rule; `on` is what is said for a day that is not known."""
    placeholders = {
        "as_of": judged.as_of.isoformat(),
        "next_school_year": _next_to_complete(judged.as_of, calendar),
    }
    found = []
    for presenter, rule, outcomes in zip(
        bench.presenters, bench.engine.rules, judged.outcomes, strict=True
    ):
        day = judged.days[rule.rule.dated_by]
        placeholders["on"] = on or day.isoformat()
        found.append(
            presenter.finding(
                outcomes, judged.facts, judged.bounds, day, judged.as_of, placeholders
            )
        )
    return tuple(found)


def _next_to_complete(day: date, calendar: SchoolCalendar) -> str:
    """Give the school year that is completed next after a day."""
    [last] = calendar.completed_before(day, 1)
    return calendar.year(last.first.year + 1).label


def _assumptions(bench: Bench, judged: Judged, language: Language) -> tuple[str, ...]:
    """Give what was assumed in the facts of the rules that were judged."""
    assumed: set[Assumed] = set()
    for rule, outcomes in zip(bench.engine.rules, judged.outcomes, strict=True):
        if outcomes[0] == "not_in_force":
            continue
        alone = outcomes.count("not_applicable") == len(outcomes)
        for fact in rule.facts_of_applies if alone else rule.facts:
            assumed.update(judged.facts[fact].assumed)
    return tuple(
        say("assumed", item.code, language, cell=item.cell, value=item.value)
        for item in sorted(assumed)
    )


def case_of(
    dossier: Dossier, appointment: Appointment, calendar: SchoolCalendar, as_of: date
) -> Case:
    """Give the case of an appointment, judged on the day `as_of`."""
    return Case(
        dossier,
        calendar,
        appointment.mentor_id,
        appointment.school_id,
        appointment.subject,
        appointment.ordered_on,
        as_of,
        appointment=appointment,
    )


def check(
    dossier: Dossier,
    *,
    as_of: date,
    readings: Readings = None,
    rulebook: Rulebook | None = None,
    calendar: Overrides = None,
    language: Language = "en",
    settle: Mapping[str, str] | None = None,
    only: Only | None = None,
    confirm: Confirm = "flagged",
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Give the report on every appointment of a dossier, judged on the day `as_of`.

    `readings` settles questions (a mapping, the name of a profile, or a TOML file), `settle`
    wins over it. `calendar` overrides days of the calendar (the path of a calendar file, or its
    rows as mappings). `only` leaves the other verdict `not_judged`, and its rules out. `confirm`
    says which appointments the second engine must agree on (flagged, all, none). `progress`
    is told now and then how many appointments are judged, of how many. An appointment on which
    two engines disagree, or that a fault of the library stops, gets no verdict and stands in
    `run.faults`. Never asks for today,
    never raises for a norm not met or a bad row. Raises UsageError for an unknown question or
    reading, RulebookError for a broken rulebook or calendar.
    """
    started = time.perf_counter()
    expect_day("as_of", as_of)
    rulebook = rulebook or builtin_rulebook()
    school_calendar = SchoolCalendar.load(calendar)
    settled = rulebook.settle(readings, over=settle)
    bench = bench_for(rulebook, settled, language, "appointment", only)
    results: list[AppointmentResult] = []
    faults: dict[str, Fault] = {}
    confirmed_by: dict[str, tuple[str, ...]] = {}
    decided = _Decided(bench, settled)
    appointments = dossier.appointments
    for done, appointment in enumerate(appointments, start=1):
        try:
            judged = judge(bench, case_of(dossier, appointment, school_calendar, as_of))
            opinion = judged.opinion
            engines = confirmed(bench, judged, opinion, confirm)
            findings = _findings(bench, judged, school_calendar)
        except Exception as error:
            # A fault of ours must neither accuse anybody nor stop the others' answers.
            faults[appointment.appointment_id] = fault_of(error)
            results.append(_without_verdict(appointment))
            continue
        if len(engines) > 1 or {opinion.eligibility, opinion.procedure} & FLAGGED:
            confirmed_by[appointment.appointment_id] = engines
        decided.add((opinion.eligibility, opinion.procedure), judged.outcomes)
        results.append(
            AppointmentResult(
                appointment_id=appointment.appointment_id,
                school_id=appointment.school_id,
                mentor_id=appointment.mentor_id,
                mentee_id=appointment.mentee_id,
                eligibility=opinion.eligibility,
                procedure=opinion.procedure,
                assumptions=_assumptions(bench, judged, language),
                findings=findings,
            )
        )
        if progress is not None and (done % TOLD_EVERY == 0 or done == len(appointments)):
            progress(done, len(appointments))
    results += _not_judged(dossier)
    results.sort(key=lambda result: result.appointment_id)
    reserves = _Reserves(dossier, school_calendar, rulebook, settled, language, only)
    schools = []
    for school_id in dossier.schools:
        try:
            of_reserve = reserves.findings(school_id, as_of)
        except Exception as error:
            faults[school_id] = fault_of(error)
            of_reserve = ()
        schools.append(SchoolResult(school_id=school_id, findings=of_reserve))
    return Report(
        as_of=as_of,
        provenance=provenance_of(rulebook, settled, school_calendar, language),
        summary=Summary(
            appointments=len(results),
            eligibility=_counts(ELIGIBILITIES, (result.eligibility for result in results)),
            procedure=_counts(PROCEDURES, (result.procedure for result in results)),
            invalid_rows=len({(row.table, row.row) for row in dossier.invalid}),
            open_questions=decided.questions(),
        ),
        schools=tuple(schools),
        results=tuple(results),
        invalid=invalid_entries(dossier, language),
        run=Run(
            confirmed_by=confirmed_by,
            faults=faults,
            ignored_columns=dossier.ignored_columns,
            notes=(
                *(_note(item, language) for item in dossier.notes),
                *unconfirmed(confirm, language),
            ),
            asked=Asked(
                language=language,
                only=only,
                confirm=confirm,
                engines=engines_at_hand(),
                iins=dossier.iins,
                dossier=ReadFrom(**dossier.origin._asdict()) if dossier.origin else None,
            ),
            took_s=round(time.perf_counter() - started, 3),
        ),
    )


def engines_at_hand() -> tuple[str, ...]:
    """Give the engines that can be asked."""
    return (Closure.name, SECOND) if available() else (Closure.name,)


def unconfirmed(confirm: Confirm, language: Language) -> tuple[str, ...]:
    """Give what is to be said where no second engine was asked."""
    if confirm == "none":
        return (say("done", "not_confirmed", language),)
    return () if available() else (say("done", "no_second_engine", language),)


class _Reserves:
    """Judges the reserves of the schools of one dossier."""

    def __init__(
        self,
        dossier: Dossier,
        calendar: SchoolCalendar,
        rulebook: Rulebook,
        settled: Settled,
        language: Language,
        only: Only | None,
    ) -> None:
        self._dossier, self._calendar, self._language = dossier, calendar, language
        self._bench = bench_for(rulebook, settled, language, "reserve", only)
        self._candidates = bench_for(rulebook, settled, language, "candidate")

    def findings(self, school_id: str, as_of: date) -> tuple[Finding, ...]:
        """Give what the rules about the reserve say, for each day on which it was formed."""
        found: list[Finding] = []
        for formation in formations(self._dossier, school_id, self._may_enter):
            # Without its day no edition can be told: the facts are open, whichever it is.
            on = formation.formed_on or LAST_DAY
            days: dict[DatedBy, date] = {"ordered_on": on, "starts_on": on, "formed_on": on}
            judged = _judged(self._bench, formation, days, as_of)
            unknown = say("finding", "not_known", self._language)
            said = None if formation.formed_on is not None else unknown
            found += _findings(self._bench, judged, self._calendar, said)
        return tuple(sorted(found, key=lambda finding: finding.rule))

    def _may_enter(self, teacher_id: str, school_id: str, on: date) -> Eligibility:
        case = Case(
            self._dossier, self._calendar, teacher_id, school_id, None, on, on, purpose="reserve"
        )
        return judge(self._candidates, case).opinion.eligibility


def formations(
    dossier: Dossier, school_id: str, may_enter: Callable[[str, str, date], Eligibility]
) -> Iterator[Formation]:
    """Give the reserve of a school, once for each day on which it was formed, undated ones last.

    `may_enter` tells of a teacher whether he may enter the school's reserve on a day.
    """
    found = dossier.reserve_of(school_id)
    days = {entry.formed_on for entry in found.records}
    for day in sorted(days, key=lambda day: day or date.max):
        entries = tuple(
            sorted(
                (entry for entry in found.records if entry.formed_on == day),
                key=lambda entry: entry.teacher_id,
            )
        )
        listed = {entry.teacher_id for entry in entries} if day is not None else set()
        verdicts = {
            teacher: may_enter(teacher, school_id, day or date.max) for teacher in sorted(listed)
        }
        yield Formation(school_id, day, entries, verdicts, found.gap is not None)


def check_plan(
    plan: MentoringPlan | None,
    appointment: Appointment,
    school: School,
    *,
    as_of: date,
    readings: Readings = None,
    rulebook: Rulebook | None = None,
    calendar: Overrides = None,
    confirm: Confirm = "flagged",
    language: Language = "en",
) -> PlanResult:
    """Give the verdict on whether one plan kept its terms, judged on the day `as_of`.

    `plan` None = no plan is registered: what was done is not known. `calendar` is that of
    `check`. Raises as `check` does, UsageError for rows that are not of one appointment, and
    EngineDisagreement or EngineFault where the second engine, asked as `confirm` says, does not
    confirm the answer.
    """
    expect_day("as_of", as_of)
    if plan is not None and plan.appointment_id != appointment.appointment_id:
        raise UsageError("other_plan")
    if school.school_id != appointment.school_id:
        raise UsageError("other_school")
    dossier = Dossier(
        schools=[school], appointments=[appointment], plans=[plan] if plan is not None else []
    )
    rulebook = rulebook or builtin_rulebook()
    school_calendar = SchoolCalendar.load(calendar)
    settled = rulebook.settle(readings)
    bench = bench_for(rulebook, settled, language, "plan")
    [appointment] = dossier.appointments
    judged = judge(bench, case_of(dossier, appointment, school_calendar, as_of))
    opinion = judged.opinion
    return PlanResult(
        appointment_id=appointment.appointment_id,
        school_id=appointment.school_id,
        as_of=as_of,
        provenance=provenance_of(rulebook, settled, school_calendar, language),
        procedure=opinion.procedure,
        confirmed_by=confirmed(bench, judged, opinion, confirm),
        assumptions=_assumptions(bench, judged, language),
        findings=_findings(bench, judged, school_calendar),
    )


def check_candidate(
    teacher: Teacher,
    school: School,
    *,
    on: date,
    subject: str | None = None,
    quality: Iterable[QualityYear] | None = None,
    posts: Iterable[Post] | None = None,
    categories: Iterable[CategoryPeriod] | None = None,
    purpose: Purpose = "appointment",
    readings: Readings = None,
    rulebook: Rulebook | None = None,
    calendar: Overrides = None,
    confirm: Confirm = "flagged",
    language: Language = "en",
) -> CandidateResult:
    """Give the verdict on whether `teacher` may mentor in `school` by an order of the day `on`.

    `quality`, `posts` and `categories` are the teacher's rows: None = not known, an empty
    list of posts = holds none. `subject` is the one to be mentored; None = any. `purpose`
    "reserve" asks whether the person may enter the reserve. Raises as `check` does,
    UsageError for a row of another teacher, and EngineDisagreement or EngineFault where the
    second engine, asked as `confirm` says, does not confirm the answer.
    """
    dossier = Dossier(
        schools=[school], teachers=[teacher], quality=quality, posts=posts, categories=categories
    )
    teacher_id = dossier.shown(teacher.teacher_id)
    if strangers := dossier.people() - {teacher_id}:
        raise UsageError("other_teachers", count=str(len(strangers)))
    return candidate_in(
        dossier,
        teacher_id,
        school.school_id,
        on=on,
        subject=subject,
        purpose=purpose,
        readings=readings,
        rulebook=rulebook,
        calendar=calendar,
        confirm=confirm,
        language=language,
    )


def candidate_in(
    dossier: Dossier,
    teacher_id: str,
    school_id: str | None = None,
    *,
    on: date,
    subject: str | None = None,
    purpose: Purpose = "appointment",
    readings: Readings = None,
    rulebook: Rulebook | None = None,
    calendar: Overrides = None,
    confirm: Confirm = "flagged",
    language: Language = "en",
    settle: Mapping[str, str] | None = None,
) -> CandidateResult:
    """Give the verdict on a teacher of a dossier, as `check_candidate` does.

    The school is the teacher's own if none is named. Raises UsageError where the dossier has
    no readable row of the teacher and no school is named.
    """
    expect_day("on", on)
    if purpose not in _PURPOSES:
        raise UsageError("no_purpose", purpose=str(purpose), allowed=", ".join(_PURPOSES))
    teacher_id = dossier.shown(teacher_id)
    found = dossier.teacher(teacher_id)
    if found.gap == "no_row" or (school_id is None and not found.records):
        raise UsageError("no_teacher")
    school_id = dossier.shown_in("school_id", school_id) or found.records[0].school_id
    rulebook = rulebook or builtin_rulebook()
    settled = rulebook.settle(readings, over=settle)
    bench = bench_for(rulebook, settled, language, "candidate")
    school_calendar = SchoolCalendar.load(calendar)
    case = Case(dossier, school_calendar, teacher_id, school_id, _subject(subject), on, on, purpose)
    judged = judge(bench, case)
    opinion = judged.opinion
    return CandidateResult.of(
        {
            "teacher_id": teacher_id,
            "school_id": school_id,
            "on": on,
            "provenance": provenance_of(rulebook, settled, school_calendar, language),
            "eligibility": opinion.eligibility,
            "confirmed_by": confirmed(bench, judged, opinion, confirm),
            "assumptions": _assumptions(bench, judged, language),
            "findings": _findings(bench, judged, school_calendar),
            "invalid": invalid_entries(dossier, language),
        }
    )


def _subject(subject: str | None) -> str | None:
    try:
        return clean_text(subject)
    except PydanticCustomError:
        raise UsageError("no_subject") from None


class _Decided:
    """Counts, per open question, the appointments whose verdict differs between its readings."""

    def __init__(self, bench: Bench, settled: Settled) -> None:
        self._bench = bench
        self._live = {name: live for name, live in settled.live.items() if len(live) > 1}
        self._decides: Counter[str] = Counter()
        self._counts: dict[tuple[str, str], Counter[str]] = {}

    def add(self, verdicts: tuple[Eligibility, Procedure], outcomes: tuple[Outcomes, ...]) -> None:
        """Count one appointment."""
        decided: set[str] = set()
        for rules, verdict, decide in (
            (self._bench.blocking, verdicts[0], eligibility),
            (self._bench.remediable, verdicts[1], procedure),
        ):
            if verdict not in ("depends", "undetermined"):
                continue  # every reading agrees already
            for question in rules.questions:
                by_reading = {
                    reading: decide(rules, outcomes, (question, reading))
                    for reading in self._live[question]
                }
                if len(set(by_reading.values())) > 1:
                    decided.add(question)
                    for reading, found in by_reading.items():
                        self._counts.setdefault((question, reading), Counter())[found] += 1
        self._decides.update(decided)

    def questions(self) -> dict[str, dict[str, object]]:
        """Give the counts of every open question that a rule of the run uses."""
        used = {*self._bench.blocking.questions, *self._bench.remediable.questions}
        return {
            question: {
                "decides": self._decides[question],
                **{
                    reading: dict(sorted(self._counts.get((question, reading), {}).items()))
                    for reading in live
                },
            }
            for question, live in self._live.items()
            if question in used
        }


def _counts(names: Sequence[str], found: Iterable[str]) -> dict[str, int]:
    counted = Counter(found)
    return {name: counted[name] for name in names}


def _without_verdict(appointment: Appointment) -> AppointmentResult:
    return AppointmentResult(
        appointment_id=appointment.appointment_id,
        school_id=appointment.school_id,
        mentor_id=appointment.mentor_id,
        mentee_id=appointment.mentee_id,
        eligibility="not_judged",
        procedure="not_judged",
    )


def _not_judged(dossier: Dossier) -> list[AppointmentResult]:
    """Give the appointments whose own row cannot be read, as far as their id can."""
    judged = {appointment.appointment_id for appointment in dossier.appointments}
    results: dict[str, AppointmentResult] = {}
    for row in dossier.unreadable_appointments:
        appointment_id = row.key[0]
        if appointment_id is None or appointment_id in judged or appointment_id in results:
            continue
        results[appointment_id] = AppointmentResult(
            appointment_id=appointment_id,
            school_id=row.readable.get("school_id"),
            mentor_id=row.readable.get("mentor_id"),
            mentee_id=row.readable.get("mentee_id"),
            eligibility="not_judged",
            procedure="not_judged",
        )
    return list(results.values())


def invalid_entries(dossier: Dossier, language: Language) -> tuple[InvalidEntry, ...]:
    """Give every row of a dossier that cannot be read, in words."""
    return tuple(invalid_entry(row, language) for row in dossier.invalid)


def invalid_entry(row: InvalidRow, language: Language) -> InvalidEntry:
    """Give a row that cannot be read, in words."""
    code = row.code if has("problem", row.code) else "not_text"
    params = _named(row.params, row.table, language)
    if row.code == "not_in_vocabulary" and row.column is not None:
        vocabulary = VOCABULARIES[row.table][row.column]
        params["values"] = "; ".join(vocabulary.label(one, language) for one in vocabulary.codes)
    return InvalidEntry(
        table=row.table,
        row=row.row,
        key=row.shown_key,
        column=row.column,
        problem=say("problem", code, language, **params),
        remedy=say("remedy", code, language, **params),
    )


def _note(item: Note, language: Language) -> str:
    params = dict(item.params)
    return say("done", item.code, language, **_named(params, params.get("table"), language))


def _named(params: Mapping[str, str], table: str | None, language: Language) -> dict[str, str]:
    """Give `params` with tables and columns named as a person would in that language."""
    named = dict(params)
    for name in ("table", "target"):
        if name in params:
            named[name] = table_label(params[name], language)
    if "column" in params and table is not None:
        named["column"] = column_label(table, params["column"], language)
    return named


@cache
def package() -> str:
    """Give the name and version of this library."""
    try:
        return f"{PROJECT} {version(PROJECT)}"
    except PackageNotFoundError:  # run from a folder that was never installed
        return PROJECT


def provenance_of(
    rulebook: Rulebook, settled: Settled, calendar: SchoolCalendar, language: Language
) -> Provenance:
    """Give what an answer rests on."""
    return Provenance.of(
        {
            "package": package(),
            "rulebook": rulebook.id,
            "rulebook_sha256": rulebook.sha256,
            "calendar": calendar.identity,
            "known_until": calendar.known_until,
            "readings": dict(settled.chosen),
            "caveats": (rulebook.read.not_read[language], rulebook.read.in_force[language]),
        }
    )
