"""The library's main calls: a dossier, or one candidate, in; reasoned verdicts out."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, get_args

from pydantic_core import PydanticCustomError

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.dossier import Dossier
from mentor_rules.engines.closure import Closure, Outcomes
from mentor_rules.errors import UsageError
from mentor_rules.facts import FACTS, Case, Fact, FactId, Purpose
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
    Post,
    QualityYear,
    School,
    Teacher,
    clean_text,
)
from mentor_rules.result import (
    AppointmentResult,
    CandidateResult,
    Finding,
    InvalidEntry,
    Provenance,
    Report,
    Run,
    SchoolResult,
    Summary,
)
from mentor_rules.rulebook import (
    DatedBy,
    Readings,
    Rulebook,
    Settled,
    bind,
)
from mentor_rules.source import PROJECT
from mentor_rules.texts import has, say
from mentor_rules.verdict import (
    ELIGIBILITIES,
    PROCEDURES,
    Eligibility,
    Procedure,
    Verdicts,
    eligibility,
    procedure,
)
from mentor_rules.vocabulary import LANGUAGES, Language


@dataclass(frozen=True)
class _Bench:
    """All that is made once for a rulebook, a choice of readings, a language and an aim."""

    engine: Closure
    presenters: tuple[Presenter, ...]
    blocking: Verdicts
    remediable: Verdicts


@lru_cache(maxsize=64)
def _bench(
    rulebook: Rulebook,
    settled: Settled,
    language: Language,
    folders: tuple[str, ...],
    only: Literal["eligibility", "procedure"] | None = None,
) -> _Bench:
    if language not in LANGUAGES:
        raise UsageError("no_language", language=str(language), allowed=", ".join(LANGUAGES))
    if only not in (None, "eligibility", "procedure"):
        raise UsageError("no_only", only=str(only))
    left_out = {"eligibility": "remediable", "procedure": "blocking"}.get(only or "")
    rules = tuple(
        bind(rule, settled)
        for rule in sorted(rulebook.rules, key=lambda rule: rule.id)
        if rule.id.split("/", 1)[0] in folders and rule.weight != left_out
    )
    engine = Closure(rules)
    return _Bench(
        engine,
        tuple(Presenter(rule, rulebook, engine, language) for rule in rules),
        Verdicts(rules, "blocking", settled),
        Verdicts(rules, "remediable", settled),
    )


def _expect_day(name: str, day: object) -> None:
    if not isinstance(day, date) or isinstance(day, datetime):
        raise UsageError("no_date", name=name)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise UsageError("date_outside", name=name, first=str(FIRST_DAY), last=str(LAST_DAY))


OF_APPOINTMENTS = ("eligibility", "appointment", "plan", "reporting")
OF_CANDIDATES = ("eligibility",)
TOLD_EVERY = 250  # appointments between two tellings of progress


@dataclass(frozen=True)
class _Judged:
    """One case with its facts and outcomes, before anything is worded."""

    case: Case
    days: Mapping[DatedBy, date]
    facts: Mapping[FactId, Fact]
    bounds: Sequence[int]
    outcomes: tuple[Outcomes, ...]


def _judge(bench: _Bench, case: Case) -> _Judged:
    starts = case.appointment.first_day if case.appointment is not None else case.on
    days: dict[DatedBy, date] = {"ordered_on": case.on, "starts_on": starts, "formed_on": case.on}
    facts = {(name, keys): FACTS[name](case, *keys) for name, keys in bench.engine.facts}
    bounds = [bound for fact in facts.values() for bound in (fact.lo, fact.hi)]
    return _Judged(case, days, facts, bounds, bench.engine.outcomes(bounds, days))


def _findings(bench: _Bench, judged: _Judged) -> tuple[Finding, ...]:
    case = judged.case
    placeholders = {
        "as_of": case.as_of.isoformat(),
        "next_school_year": _next_to_complete(case),
    }
    found = []
    for presenter, rule, outcomes in zip(
        bench.presenters, bench.engine.rules, judged.outcomes, strict=True
    ):
        on = judged.days[rule.rule.dated_by]
        found.append(
            presenter.finding(
                outcomes,
                judged.facts,
                judged.bounds,
                on,
                {**placeholders, "on": on.isoformat()},
            )
        )
    return tuple(found)


def _next_to_complete(case: Case) -> str:
    """Give the school year that is completed next after the day judged on."""
    [last] = case.calendar.completed_before(case.as_of, 1)
    return case.calendar.year(last.first.year + 1).label


def _assumptions(bench: _Bench, judged: _Judged, language: Language) -> tuple[str, ...]:
    """Give what was assumed in the facts of the rules that were judged."""
    used: set[FactId] = set()
    for rule, outcomes in zip(bench.engine.rules, judged.outcomes, strict=True):
        if set(outcomes) == {"not_applicable"}:
            used.update(rule.facts_of_applies)
        elif outcomes[0] != "not_in_force":
            used.update(rule.facts)
    assumed = {item for fact in used for item in judged.facts[fact].assumed}
    return tuple(
        say("assumed", item.code, language, cell=item.cell, value=item.value)
        for item in sorted(assumed)
    )


def check(
    dossier: Dossier,
    *,
    as_of: date,
    readings: Readings = None,
    rulebook: Rulebook | None = None,
    language: Language = "en",
    settle: Mapping[str, str] | None = None,
    only: Literal["eligibility", "procedure"] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Give the report on every appointment of a dossier, judged on the day `as_of`.

    `readings` settles questions (a mapping, the name of a profile, or a TOML file), `settle`
    wins over it. `only` leaves the other verdict `not_judged`, and its rules out. `progress`
    is told now and then how many appointments are judged, of how many. An appointment that a
    fault of the library stops gets no verdict and stands in `run.faults`. Never asks for today,
    never raises for a norm not met or a bad row. Raises UsageError for an unknown question or
    reading, RulebookError for a broken rulebook.
    """
    started = time.perf_counter()
    _expect_day("as_of", as_of)
    rulebook = rulebook or builtin_rulebook()
    calendar = SchoolCalendar.load()
    settled = rulebook.settle(readings, over=settle)
    bench = _bench(rulebook, settled, language, OF_APPOINTMENTS, only)
    results: list[AppointmentResult] = []
    faults: dict[str, str] = {}
    decided = _Decided(bench, settled)
    appointments = dossier.appointments
    for done, appointment in enumerate(appointments, start=1):
        case = Case(
            dossier,
            calendar,
            appointment.mentor_id,
            appointment.school_id,
            appointment.subject,
            appointment.ordered_on,
            as_of,
            appointment=appointment,
        )
        try:
            judged = _judge(bench, case)
            findings = _findings(bench, judged)
        except Exception as error:
            # A fault of ours must neither accuse anybody nor stop the others' answers.
            faults[appointment.appointment_id] = type(error).__name__
            results.append(_without_verdict(appointment))
            continue
        verdicts = (
            eligibility(bench.blocking, judged.outcomes),
            procedure(bench.remediable, judged.outcomes),
        )
        decided.add(verdicts, judged.outcomes)
        results.append(
            AppointmentResult(
                appointment_id=appointment.appointment_id,
                school_id=appointment.school_id,
                mentor_id=appointment.mentor_id,
                mentee_id=appointment.mentee_id,
                eligibility=verdicts[0],
                procedure=verdicts[1],
                assumptions=_assumptions(bench, judged, language),
                findings=findings,
            )
        )
        if progress is not None and (done % TOLD_EVERY == 0 or done == len(appointments)):
            progress(done, len(appointments))
    results += _not_judged(dossier)
    results.sort(key=lambda result: result.appointment_id)
    return Report(
        as_of=as_of,
        provenance=_provenance(rulebook, settled, calendar, language),
        summary=Summary(
            appointments=len(results),
            eligibility=_counts(ELIGIBILITIES, (result.eligibility for result in results)),
            procedure=_counts(PROCEDURES, (result.procedure for result in results)),
            invalid_rows=len({(row.table, row.row) for row in dossier.invalid}),
            open_questions=decided.questions(),
        ),
        schools=tuple(SchoolResult(school_id=school) for school in dossier.schools),
        results=tuple(results),
        invalid=tuple(_entry(row, language) for row in dossier.invalid),
        run=Run(
            confirmed_by={
                result.appointment_id: (bench.engine.name,)
                for result in results
                if result.eligibility == "ineligible" or result.procedure == "breached"
            },
            faults=faults,
            ignored_columns=dossier.ignored_columns,
            notes=tuple(_note(item, language) for item in dossier.notes),
            took_s=round(time.perf_counter() - started, 3),
        ),
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
    language: Language = "en",
) -> CandidateResult:
    """Give the verdict on whether `teacher` may mentor in `school` by an order of the day `on`.

    `quality`, `posts` and `categories` are the teacher's rows: None = not known, an empty
    list of posts = holds none. `subject` is the one to be mentored; None = any. `purpose`
    "reserve" asks whether the person may enter the reserve. Raises as `check` does, and
    UsageError for a row of another teacher.
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
    language: Language = "en",
    settle: Mapping[str, str] | None = None,
) -> CandidateResult:
    """Give the verdict on a teacher of a dossier, as `check_candidate` does.

    The school is the teacher's own if none is named. Raises UsageError where the dossier has
    no readable row of the teacher and no school is named.
    """
    _expect_day("on", on)
    if purpose not in get_args(Purpose):
        raise UsageError("no_purpose", purpose=str(purpose), allowed=", ".join(get_args(Purpose)))
    teacher_id = dossier.shown(teacher_id)
    found = dossier.teacher(teacher_id)
    if found.gap == "no_row" or (school_id is None and not found.records):
        raise UsageError("no_teacher")
    school_id = school_id or found.records[0].school_id
    rulebook = rulebook or builtin_rulebook()
    settled = rulebook.settle(readings, over=settle)
    bench = _bench(rulebook, settled, language, OF_CANDIDATES)
    calendar = SchoolCalendar.load()
    case = Case(dossier, calendar, teacher_id, school_id, _subject(subject), on, on, purpose)
    judged = _judge(bench, case)
    return CandidateResult(
        teacher_id=teacher_id,
        school_id=school_id,
        on=on,
        provenance=_provenance(rulebook, settled, calendar, language),
        eligibility=eligibility(bench.blocking, judged.outcomes),
        assumptions=_assumptions(bench, judged, language),
        findings=_findings(bench, judged),
        invalid=tuple(_entry(row, language) for row in dossier.invalid),
    )


def _subject(subject: str | None) -> str | None:
    try:
        return clean_text(subject)
    except PydanticCustomError:
        raise UsageError("no_subject") from None


class _Decided:
    """Counts, per open question, the appointments whose verdict differs between its readings."""

    def __init__(self, bench: _Bench, settled: Settled) -> None:
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


def _entry(row: InvalidRow, language: Language) -> InvalidEntry:
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
def _package() -> str:
    try:
        return f"{PROJECT} {version(PROJECT)}"
    except PackageNotFoundError:  # run from a folder that was never installed
        return PROJECT


def _provenance(
    rulebook: Rulebook, settled: Settled, calendar: SchoolCalendar, language: Language
) -> Provenance:
    return Provenance(
        package=_package(),
        rulebook=rulebook.id,
        rulebook_sha256=rulebook.sha256,
        calendar=f"kz.toml sha256:{calendar.sha256[:16]}",
        known_until=calendar.known_until,
        readings=dict(settled.chosen),
        caveats=(rulebook.read.not_read[language], rulebook.read.in_force[language]),
    )
