"""Who may enter a school's reserve of mentors, who is missing, and who may mentor instead.

All is judged on one day: the reserve as it would be formed on that day, and a replacement as
appointed by a new order of that day. A teacher is judged once for each kind of school and each
subject that he teaches; all others he teaches alike.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import islice
from typing import Literal

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.calendar_data import Overrides
from mentor_rules.dossier import Dossier
from mentor_rules.facts import Case, Purpose
from mentor_rules.judging import (
    Bench,
    Judged,
    bench_for,
    case_of,
    confirmed,
    expect_day,
    fault_of,
    invalid_entries,
    judge,
    provenance_of,
)
from mentor_rules.loading import builtin_rulebook
from mentor_rules.records import Appointment, subject_key
from mentor_rules.result import (
    Fault,
    Nearness,
    Replacement,
    Replacements,
    ReserveReport,
    ReserveTeacher,
    SchoolReserve,
    Standing,
    SubjectReserve,
    WhyNot,
)
from mentor_rules.rulebook import Readings, Rulebook, Settled
from mentor_rules.texts import say
from mentor_rules.verdict import FINE, Eligibility, merged
from mentor_rules.vocabulary import AWAY, STATUS, Language

SHOWN = 5  # replacements of each nearness
# What no cell can hold: a subject that nobody teaches, and what tells a district from a school.
NO_SUBJECT = "\x00"
DISTRICT = "\x00"

Listed = Literal["yes", "no", "unknown"]


@dataclass(frozen=True)
class _Verdict:
    """What the engine says of one teacher, with what it rests on."""

    eligibility: Eligibility
    judged: Judged


class _Judge:
    """Judges teachers of one dossier on one day, each once for what can differ."""

    def __init__(
        self, dossier: Dossier, calendar: SchoolCalendar, bench: Bench, as_of: date
    ) -> None:
        self._dossier, self._calendar, self._bench, self._as_of = dossier, calendar, bench, as_of
        self._verdicts: dict[tuple[object, ...], _Verdict] = {}
        self._taught: dict[str, dict[str, str]] = {}
        self._one_subject: set[str] = set()

    def taught(self, teacher_id: str) -> dict[str, str]:
        """Give the subjects that a teacher teaches, in the form compared and as shown."""
        if teacher_id not in self._taught:
            found = self._case(teacher_id, "", None, "reserve").taught
            self._taught[teacher_id] = {**found.surely, **found.perhaps}
            if len(found.surely) == 1 and not found.perhaps and not found.unnamed:
                self._one_subject.add(teacher_id)
        return self._taught[teacher_id]

    def verdict(
        self, teacher_id: str, school_id: str, subject: str | None, purpose: Purpose
    ) -> _Verdict:
        """Give whether a teacher may mentor in a school; `subject` None = whichever he teaches."""
        taught = self.taught(teacher_id)
        own = subject_key(subject) if subject is not None else None
        if own in taught and teacher_id in self._one_subject:
            subject = own = None  # to be judged in the only subject is to be judged in any
        school = self._dossier.school(school_id).records
        kind = school[0].kind if school else None
        key = (teacher_id, kind, "" if own is not None and own not in taught else own, purpose)
        if key not in self._verdicts:
            judged = judge(self._bench, self._case(teacher_id, school_id, subject, purpose))
            opinion = judged.opinion
            self._verdicts[key] = _Verdict(opinion.eligibility, judged)
        return self._verdicts[key]

    def confirm(self, verdict: _Verdict) -> None:
        """Ask the second engine. Raises EngineDisagreement where it differs."""
        confirmed(self._bench, verdict.judged, verdict.judged.opinion, "flagged")

    def _case(self, teacher_id: str, school_id: str, subject: str | None, purpose: Purpose) -> Case:
        return Case(
            self._dossier,
            self._calendar,
            teacher_id,
            school_id,
            subject,
            self._as_of,
            self._as_of,
            purpose,
        )

    def why_not(self, verdict: _Verdict) -> Iterator[WhyNot]:
        """Give the requirements that are not certainly met, in words."""
        judged, bench = verdict.judged, self._bench
        [last] = self._calendar.completed_before(self._as_of, 1)
        words = {
            "on": self._as_of.isoformat(),
            "as_of": self._as_of.isoformat(),
            "next_school_year": self._calendar.year(last.first.year + 1).label,
        }
        rules = zip(bench.presenters, bench.engine.rules, judged.outcomes, strict=True)
        for presenter, rule, outcomes in rules:
            if rule.rule.weight != "blocking" or merged(outcomes) in FINE:
                continue
            day = judged.days[rule.rule.dated_by]
            found = presenter.finding(
                outcomes, judged.facts, judged.bounds, day, self._as_of, words
            )
            yield WhyNot(
                rule=found.rule,
                outcome=found.outcome,
                message=found.message,
                missing=found.missing,
            )


class _Listed:
    """Who stands in the latest reserve of a school that was formed by a day."""

    def __init__(self, dossier: Dossier, school_id: str, as_of: date) -> None:
        found = dossier.reserve_of(school_id)
        self._known = dossier.has("reserve") and found.gap is None
        days = [row.formed_on for row in found.records if row.formed_on is not None]
        self.formed_on = max((day for day in days if day <= as_of), default=None)
        self.people = {
            row.teacher_id
            for row in found.records
            if row.formed_on is not None and row.formed_on == self.formed_on
        }
        # A list without its day may be the latest, an older one, or one still to come.
        self.perhaps = {row.teacher_id for row in found.records if row.formed_on is None}

    def of(self, teacher_id: str) -> Listed:
        """Tell whether a teacher is listed."""
        if teacher_id in self.people:
            return "yes"
        return "no" if self._known and teacher_id not in self.perhaps else "unknown"


class _Reserves:
    """Makes the report on the reserves of one dossier."""

    def __init__(
        self,
        dossier: Dossier,
        calendar: SchoolCalendar,
        rulebook: Rulebook,
        settled: Settled,
        as_of: date,
        language: Language,
    ) -> None:
        self._dossier, self._calendar, self._as_of = dossier, calendar, as_of
        self._language = language
        bench = bench_for(rulebook, settled, language, "candidate")
        self._judge = _Judge(dossier, calendar, bench, as_of)
        self._orders = bench_for(rulebook, settled, language, "appointment", "eligibility")
        self._lists: dict[str, _Listed] = {}
        self._found: dict[tuple[str, str | None, str | None], list[tuple[str, str]]] = {}
        self.faults: dict[str, Fault] = {}

    def _listed(self, school_id: str) -> _Listed:
        if school_id not in self._lists:
            self._lists[school_id] = _Listed(self._dossier, school_id, self._as_of)
        return self._lists[school_id]

    @cached_property
    def _by_school(self) -> dict[str, list[str]]:
        """The teachers of each school, by id."""
        found: dict[str, list[str]] = defaultdict(list)
        for person in sorted(self._dossier.people()):
            for row in self._dossier.teacher(person).records:
                found[row.school_id].append(person)
        return found

    @cached_property
    def _by_district(self) -> dict[str, list[str]]:
        """The schools of each district, by id."""
        found: dict[str, list[str]] = defaultdict(list)
        for school_id in self._dossier.schools:
            if district := self._district(school_id):
                found[district].append(school_id)
        return found

    def _district(self, school_id: str) -> str | None:
        school = self._dossier.school(school_id).records
        return subject_key(school[0].district) if school and school[0].district else None

    @cached_property
    def _mentees(self) -> Mapping[str, int]:
        """How many mentees each mentor has on the day judged on."""
        found: dict[str, set[str]] = defaultdict(set)
        for one in self._dossier.appointments:
            if one.first_day <= self._as_of <= (one.ends_on or date.max):
                found[one.mentor_id].add(one.mentee_id)
        return {mentor: len(mentees) for mentor, mentees in found.items()}

    def _works(self, teacher_id: str) -> bool:
        rows = self._dossier.teacher(teacher_id).records
        return not rows or rows[0].status not in AWAY

    # Schools ---------------------------------------------------------------------------------

    def schools(self) -> Iterator[SchoolReserve]:
        """Give the reserve of every school, by id."""
        for school_id in sorted({*self._dossier.schools, *self._by_school}):
            yield self._school(school_id)

    def _school(self, school_id: str) -> SchoolReserve:
        listed = self._listed(school_id)
        people = {*self._by_school.get(school_id, ()), *listed.people, *listed.perhaps}
        teachers = []
        for person in sorted(people):
            try:
                teachers.append(self._teacher(person, school_id, listed.of(person)))
            except Exception as error:
                # A fault of ours must neither accuse anybody nor stop the others' answers.
                self.faults[person] = fault_of(error)
        return SchoolReserve(
            school_id=school_id,
            formed_on=listed.formed_on,
            short=not any(one.working and one.eligibility == "eligible" for one in teachers),
            subjects=tuple(self._subjects(teachers)),
            teachers=tuple(teachers),
        )

    def _teacher(self, person: str, school_id: str, listed: Listed) -> ReserveTeacher:
        verdict = self._judge.verdict(person, school_id, None, "reserve")
        works = self._works(person)
        standing = _standing(verdict.eligibility, works, listed)
        reasons = [] if verdict.eligibility == "eligible" else list(self._judge.why_not(verdict))
        if not works:
            reasons.insert(0, self._absence(person))
        if standing == "listed_may_not" and works:
            self._judge.confirm(verdict)
        return ReserveTeacher(
            teacher_id=person,
            standing=standing,
            eligibility=verdict.eligibility,
            working=works,
            listed=listed,
            subjects={
                shown: self._judge.verdict(person, school_id, shown, "reserve").eligibility
                for _, shown in sorted(self._judge.taught(person).items())
            },
            mentees=self._mentees.get(person, 0),
            reasons=tuple(reasons),
        )

    def _absence(self, person: str) -> WhyNot:
        [row] = self._dossier.teacher(person).records
        status = STATUS.label(row.status or "working", self._language)
        message = say("reserve", "not_working", self._language, status=status)
        return WhyNot(rule=None, outcome="breached", message=message)

    def _subjects(self, teachers: Iterable[ReserveTeacher]) -> Iterator[SubjectReserve]:
        """Give each subject that somebody who works teaches, and who may enter for it."""
        spellings: dict[str, list[str]] = defaultdict(list)
        found: dict[str, dict[Eligibility, list[str]]] = defaultdict(lambda: defaultdict(list))
        for one in teachers:
            for shown, verdict in one.subjects.items() if one.working else ():
                spellings[subject_key(shown)].append(shown)
                found[subject_key(shown)][verdict].append(one.teacher_id)
        for key in sorted(found):
            verdicts = found[key]
            yield SubjectReserve(
                subject=min(spellings[key]),
                may_enter=tuple(verdicts["eligible"]),
                open=tuple(sorted(verdicts["depends"] + verdicts["undetermined"])),
                short=not verdicts["eligible"],
            )

    # Replacements ------------------------------------------------------------------------------

    def replacements(self) -> Iterator[Replacements]:
        """Give who may mentor instead, for every ineligible appointment, by id."""
        for appointment in self._dossier.appointments:
            try:
                case = case_of(self._dossier, appointment, self._calendar, self._as_of)
                judged = judge(self._orders, case)
                opinion = judged.opinion
                if opinion.eligibility != "ineligible":
                    continue
                confirmed(self._orders, judged, opinion, "flagged")
                yield self._instead(appointment)
            except Exception as error:
                # As above: what broke is told, and the others go on.
                self.faults[appointment.appointment_id] = fault_of(error)

    def _instead(self, appointment: Appointment) -> Replacements:
        found: list[Replacement] = []
        for nearness, fitting in self._near(appointment):
            found += [
                self._replacement(person, nearness, appointment)
                for person in islice(fitting, SHOWN)
            ]
        code = "instead" if found else "nobody"
        return Replacements(
            appointment_id=appointment.appointment_id,
            school_id=appointment.school_id,
            mentor_id=appointment.mentor_id,
            mentee_id=appointment.mentee_id,
            subject=appointment.subject,
            candidates=tuple(found),
            text=say("reserve", code, self._language, on=self._as_of.isoformat()),
        )

    def _near(self, appointment: Appointment) -> Iterator[tuple[Nearness, Iterator[str]]]:
        """Give who may mentor instead, by nearness, the nearest first; nobody twice."""
        subject = subject_key(appointment.subject) if appointment.subject is not None else None
        own = appointment.school_id
        never = {appointment.mentor_id, appointment.mentee_id}
        others = NO_SUBJECT if subject is not None else None

        def among(area: str, asked: str | None) -> Iterator[str]:
            for person, school_id in self._fitting(area, own, asked):
                outside = area != own
                if person in never or (outside and school_id == own):
                    continue
                if asked != NO_SUBJECT or subject not in self._judge.taught(person):
                    yield person

        district = self._district(own)
        if subject is not None:
            yield "same_school_and_subject", among(own, subject)
        yield "same_school", among(own, others)
        if district is not None and subject is not None:
            yield "same_district_and_subject", among(f"{DISTRICT}{district}", subject)
        if district is not None:
            yield "same_district", among(f"{DISTRICT}{district}", others)

    def _fitting(self, area: str, school_id: str, subject: str | None) -> list[tuple[str, str]]:
        """Give who of a school or district may mentor in a school like this one, and from where.

        For a subject those who teach it, for NO_SUBJECT all as for one that they do not teach,
        for None all in whichever they teach. Those with the fewest mentees come first.
        """
        school = self._dossier.school(school_id).records
        key = (area, school[0].kind if school else None, subject)
        if key not in self._found:
            schools = (
                self._by_district.get(area.removeprefix(DISTRICT), [])
                if area.startswith(DISTRICT)
                else [area]
            )
            found = [
                (self._mentees.get(person, 0), person, own)
                for own in schools
                for person in self._by_school.get(own, ())
                if self._works(person) and self._fits(person, school_id, subject)
            ]
            self._found[key] = [(person, own) for _, person, own in sorted(found)]
        return self._found[key]

    def _fits(self, person: str, school_id: str, subject: str | None) -> bool:
        if subject not in (None, NO_SUBJECT) and subject not in self._judge.taught(person):
            return False
        verdict = self._judge.verdict(person, school_id, subject, "appointment")
        return verdict.eligibility == "eligible"

    def _replacement(
        self, person: str, nearness: Nearness, appointment: Appointment
    ) -> Replacement:
        [row] = self._dossier.teacher(person).records
        listed = self._listed(row.school_id).of(person)
        mentees = self._mentees.get(person, 0)
        said: Callable[..., str] = lambda code, **params: say(  # noqa: E731 - one language for all
            "reserve", code, self._language, **params
        )
        text = " ".join(
            (
                said(
                    nearness,
                    school=row.school_id,
                    subject=appointment.subject or said("subject_any"),
                ),
                said("mentees", count=str(mentees)),
                said(f"listed_{listed}"),
            )
        )
        return Replacement(
            teacher_id=person,
            school_id=row.school_id,
            nearness=nearness,
            mentees=mentees,
            listed=listed,
            text=text,
        )


def _standing(verdict: Eligibility, works: bool, listed: Listed) -> Standing:
    if verdict == "not_judged":
        return "not_judged"
    if not works or verdict == "ineligible":
        return "listed_may_not" if listed == "yes" else "may_not"
    if verdict == "eligible":
        return "listed" if listed == "yes" else "may_enter"
    return "listed_open" if listed == "yes" else "open"


def reserves(
    dossier: Dossier,
    *,
    as_of: date,
    readings: Readings = None,
    rulebook: Rulebook | None = None,
    calendar: Overrides = None,
    language: Language = "en",
    settle: Mapping[str, str] | None = None,
    names: bool = False,
) -> ReserveReport:
    """Give who may enter the reserve of each school on the day `as_of`, and who may replace whom.

    Teachers are judged for the reserve, in each subject that they teach; who is on leave or has
    left may not enter. The latest reserve formed by `as_of` says who is listed. For each
    ineligible appointment those are named who would be eligible by a new order of `as_of`: the
    same school and subject, the same school, the same district; never the mentee. Within these
    those with the fewest mentees come first. `names` adds the names of all whom the report
    mentions. The other arguments, and what is raised, are those of `check`.
    """
    expect_day("as_of", as_of)
    rulebook = rulebook or builtin_rulebook()
    school_calendar = SchoolCalendar.load(calendar)
    settled = rulebook.settle(readings, over=settle)
    found = _Reserves(dossier, school_calendar, rulebook, settled, as_of, language)
    schools, replacements = tuple(found.schools()), tuple(found.replacements())
    known = dossier.names() if names else {}
    people = {one.teacher_id for school in schools for one in school.teachers}
    for one in replacements:
        people |= {one.mentor_id, one.mentee_id}
        people |= {candidate.teacher_id for candidate in one.candidates}
    return ReserveReport(
        as_of=as_of,
        provenance=provenance_of(rulebook, settled, school_calendar, language),
        schools=schools,
        replacements=replacements,
        invalid=invalid_entries(dossier, language),
        faults=found.faults,
        names={one: known[one] for one in sorted(people & set(known))} if names else None,
    )
