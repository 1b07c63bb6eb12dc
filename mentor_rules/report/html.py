"""The report as one page (HTML): what to do first, then everything, readable without scripts.

The page holds all that it needs and asks for nothing else; its policy forbids it. Texts are
escaped by the templates, ids of elements are numbers, and a name is there only if it is given.
"""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.calendar_data import Week
from mentor_rules.headings import column_label, headings, table_label
from mentor_rules.records import VOCABULARIES
from mentor_rules.report import LARGE
from mentor_rules.report.table import fault_lines
from mentor_rules.report.timeline import Timeline, Timelines, act_label, stands
from mentor_rules.result import (
    AppointmentResult,
    Changes,
    DeadlineRow,
    Deadlines,
    Finding,
    Missing,
    Replacements,
    Report,
    ReserveReport,
    ReserveTeacher,
    SchoolReserve,
    Standing,
)
from mentor_rules.rulebook import Outcome, Rulebook
from mentor_rules.texts import safe, say
from mentor_rules.verdict import ELIGIBILITIES, FLAGGED, PROCEDURES
from mentor_rules.vocabulary import Language

WORTH_A_LINK = 20  # characters, from which on a text told once is shorter than the text itself
LISTED = 25  # lines of each list on the first page
SHOWN = 20  # ids in one cell
_TEMPLATES = Path(__file__).parent / "templates"
_BUFFER = 200  # pieces of the page that are handed out together
_WEIGHTS = ("blocking", "remediable", "advisory")
_MATTERS: tuple[Outcome, ...] = ("breached", "unknown", "disputed", "pending")
_IN_FORCE: tuple[Outcome, ...] = (*_MATTERS, "satisfied", "not_applicable")
_OUTCOMES: tuple[Outcome, ...] = (*_MATTERS, "satisfied", "not_applicable", "not_in_force")
_GRAVITY = ("ineligible", "breached", "depends", "undetermined", "pending", "eligible", "compliant")
_VERDICTS = tuple(
    tuple(sorted(verdicts, key=lambda one: (*_GRAVITY, one).index(one)))
    for verdicts in (ELIGIBILITIES, PROCEDURES)
)
_CODES = tuple(dict.fromkeys((*ELIGIBILITIES, *PROCEDURES)))
_NUMBER = re.compile(r"[\d.–-]+")  # a figure, a date, or a range of either


def html(
    report: Report,
    rulebook: Rulebook,
    language: Language,
    *,
    calendar: SchoolCalendar,
    deadlines: Deadlines | None = None,
    weeks: Mapping[str, Week] | None = None,
    reserve: ReserveReport | None = None,
    names: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Give the page piece by piece.

    `deadlines` are the terms of the same dossier (None: no plan is shown), `weeks` the working
    week that a school states, `calendar` the rest days to be shaded, `reserve` who may enter the
    reserves and mentor instead. `names` maps ids to names; without it no name is written. A
    report of more than LARGE appointments tells shared texts once, leaves out what would change
    a verdict and who may mentor instead, and keeps what is closed as text until it is opened.
    """
    page = _Page(report, rulebook, language, calendar, deadlines, weeks, reserve, names)
    stream = _environment().get_template("report.html").stream(page=page, t=page.text)
    stream.enable_buffering(_BUFFER)
    return iter(stream)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
    )
    environment.globals.update(listed=LISTED)
    environment.globals.update(style=_part("page.css"), script=_part("page.js"))
    environment.globals.update(
        style_hash=_hash(_part("page.css")), script_hash=_hash(_part("page.js"))
    )
    return environment


def _template(name: str) -> str:
    """Give a template without its line breaks: blanks that say nothing weigh in a large page."""
    return re.sub(r"\n\s*", "", (_TEMPLATES / name).read_text("utf-8"))


def _part(name: str) -> Markup:
    return Markup((_TEMPLATES / name).read_text("utf-8"))  # noqa: S704 - a file of this package


def _hash(part: Markup) -> str:
    """Give the hash by which the page's policy allows one style or script, and no other."""
    return f"sha256-{b64encode(sha256(part.encode()).digest()).decode()}"


def _shown(value: object) -> object:
    """Give a value as it is written, characters that turn the direction of text made visible."""
    if isinstance(value, Markup) or not isinstance(value, str) or value.isprintable():
        return "" if value is None else value
    return safe(value)


@dataclass(frozen=True)
class _Group:
    """Findings told together: one, or several that one and the same record leaves open."""

    outcome: Outcome
    findings: tuple[Finding, ...]

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What is missing, each paper of each record once."""
        seen = {
            (item.key, item.reason, item.document): item
            for finding in self.findings
            for item in finding.missing
        }
        return tuple(seen.values())


@dataclass(frozen=True)
class _Bar:
    """One line of a picture: counts by code, each with its word, and as stretches of a line."""

    counts: tuple[tuple[str, str, int], ...]

    @property
    def stretches(self) -> Iterator[tuple[str, str]]:
        """The path of each count."""
        total = sum(count for _, _, count in self.counts)
        start = 0
        for code, _, count in self.counts:
            left, right = 200 * start // total, 200 * (start + count) // total
            yield code, f"M{left} 0H{right}V9H{left}z"
            start += count


class _Page:
    """What the templates ask for, of one report in one language."""

    def __init__(
        self,
        report: Report,
        rulebook: Rulebook,
        language: Language,
        calendar: SchoolCalendar,
        deadlines: Deadlines | None,
        weeks: Mapping[str, Week] | None,
        reserve: ReserveReport | None,
        names: Mapping[str, str] | None,
    ) -> None:
        self.report, self.rulebook, self.language = report, rulebook, language
        self.large = len(report.results) > LARGE
        self.reserve, self.deadlines = None if self.large else reserve, deadlines
        self._names = names or {}
        self.rules = {rule.id: place for place, rule in enumerate(rulebook.rules, start=1)}
        self.numbers = {
            result.appointment_id: place for place, result in enumerate(report.results, start=1)
        }
        schools = sorted(
            {result.school_id for result in report.results if result.school_id is not None}
            | {school.school_id for school in report.schools}
        )
        self.schools = {school: place for place, school in enumerate(schools, start=1)}
        self.timelines = (
            Timelines(deadlines, rulebook, calendar, weeks or {}, language) if deadlines else None
        )
        self.replacements = (
            {one.appointment_id: one for one in self.reserve.replacements} if self.reserve else {}
        )
        self.told = self._shared() if self.large else {}

    # Words ---------------------------------------------------------------------------------

    def text(self, code: str, **params: object) -> str:
        """Give a sentence of the page."""
        return self.say("html", code, **params)

    def say(self, group: str, code: str, **params: object) -> str:
        """Give a sentence of any group of texts."""
        return say(group, code, self.language, **{key: str(text) for key, text in params.items()})

    def person(self, person: str | None) -> str:
        """Give a person's id, with the name where names are given."""
        if person is None:
            return "?"
        return f"{self._names[person]} ({person})" if person in self._names else person

    def record(self, key: str) -> str:
        """Give the key of a record with its table named in the language of the page."""
        table, _, rest = key.partition(" ")
        return f"{table_label(table, self.language)} {rest}" if table in headings() else key

    def column(self, table: str, column: str | None) -> str:
        """Give the name of a column."""
        return column_label(table, column, self.language).replace("_", " ") if column else ""

    def table(self, table: str) -> str:
        """Give the name of a table."""
        return table_label(table, self.language)

    def assumption(self, text: str, *, whose: bool = True) -> str:
        """Give what was assumed, its table, column and value named in the language of the page.

        Without `whose` it does not say of which row.
        """
        cell, _, rest = text.partition(": ")
        table, *key, column = cell.split(" ")
        if table not in headings() or column not in headings()[table].column_labels:
            return text
        named = f"{self.table(table)}, {self.column(table, column)}"
        if whose:
            named = f"{self.table(table)} {' '.join(key)}, {self.column(table, column)}"
        return f"{named}: {self._value(table, column, rest)}"

    def _value(self, table: str, column: str, text: str) -> str:
        vocabulary = VOCABULARIES[table].get(column)
        if vocabulary is None:
            return text
        codes = "|".join(vocabulary.codes)
        return re.sub(
            rf"\b({codes})\b", lambda code: vocabulary.label(code[0], self.language), text
        )

    def assumed(self, result: AppointmentResult) -> list[str]:
        """Give what was assumed, without saying of which row, so that many share a text."""
        return list(dict.fromkeys(self.assumption(one, whose=False) for one in result.assumptions))

    def figure(self, value: str | None) -> str | None:
        """Give a figure as people of the language write it; None for what is no figure."""
        if value is None or not _NUMBER.fullmatch(value):
            return None
        return value if self.language == "en" else value.replace(".", ",")

    def when(self, when: Mapping[str, str]) -> str:
        """Give the readings that are chosen."""
        return ", ".join(f"{question}={reading}" for question, reading in when.items())

    def once(self, text: str) -> int | None:
        """Give the number under which a text stands at the end of a large page, else None."""
        return self.told.get(text)

    def _shared(self) -> dict[str, int]:
        """Give the texts that a large page tells once, by their numbers: the commonest first."""
        texts: Counter[str] = Counter()
        for result in self.report.results:
            texts.update(self.assumed(result))
            for finding in result.findings:
                if finding.weight != "advisory" and finding.outcome in _MATTERS:
                    texts.update(self.paper(item) for item in finding.missing)
                    texts.update(finding.notes)
                    if finding.remedy and finding.outcome != "unknown":
                        texts[finding.remedy] += 1
        for rows in self.timelines.rows.values() if self.timelines else ():
            texts.update(remark for row in rows for remark in self.remarks(row))
        texts.update(entry.remedy for entry in self.report.invalid)
        for school in self.report.schools:
            texts.update(finding.remedy for finding in school.findings if finding.remedy)
        shared = [
            text for text, count in texts.most_common() if count > 1 and len(text) > WORTH_A_LINK
        ]
        return {text: number for number, text in enumerate(shared, start=1)}

    def norm(self, finding: Finding) -> str:
        """Give where a norm stands, and how sure that is."""
        point = self.text("point", point=finding.source.point) if finding.source.point else ""
        parts = (point, self.say("certainty", finding.source.certainty))
        return ", ".join(filter(None, parts))

    def some(self, ids: Sequence[str]) -> list[tuple[str, int]]:
        """Give the first few of many appointments, with their numbers."""
        return [(one, self.numbers[one]) for one in ids[:SHOWN]]

    # The first page ------------------------------------------------------------------------

    @property
    def flagged(self) -> list[AppointmentResult]:
        """The appointments that are flagged."""
        return [result for result in self.report.results if self.is_flagged(result)]

    def is_flagged(self, result: AppointmentResult) -> bool:
        """Tell whether an appointment is flagged."""
        return bool({result.eligibility, result.procedure} & FLAGGED)

    def breaches(self, result: AppointmentResult) -> list[str]:
        """Give why an appointment is flagged."""
        return [
            finding.message
            for finding in self.ordered(result.findings)
            if finding.weight != "advisory" and finding.outcome == "breached"
        ]

    @property
    def urgent(self) -> list[DeadlineRow]:
        """The acts that are overdue or still to be done by a day, the most urgent first."""
        rows = self.deadlines.deadlines if self.deadlines else ()
        return [
            row
            for row in rows
            if row.state == "overdue" or (row.state == "waiting" and row.due is not None)
        ]

    def stands(self, row: DeadlineRow) -> str:
        """Give how an act stands, in words."""
        return stands(row, self.language)

    def due(self, row: DeadlineRow) -> str:
        """Give when an act is due, as far as that is certain."""
        if row.due is not None:
            return row.due.isoformat()
        return "–".join(map(str, row.due_between)) if row.due_between else ""

    def remarks(self, row: DeadlineRow) -> Iterator[str]:
        """Give what else is to be said of when an act is due; of one done on a large page nothing.

        Where that parts the readings, the finding says so.
        """
        if self.large and row.done is not None:
            return
        if row.latest:
            yield self.text("latest")
        for reading in row.readings[1:]:
            if reading.due != row.due and reading.due is not None:
                when = self.when(reading.when)
                yield self.say("deadline", "otherwise", when=when, due=reading.due)
        if row.provisional:
            yield self.say("deadline", "provisional")
        yield from row.notes

    @property
    def counted(self) -> list[tuple[str, str, int]]:
        """The counts on the first page: what, where it stands, how many."""
        results = self.report.results
        rows = self.deadlines.deadlines if self.deadlines else ()
        uncertain = {"depends", "undetermined"}
        return [
            ("count_overdue", "todo", sum(row.state == "overdue" for row in rows)),
            ("count_waiting", "todo", sum(row.state == "waiting" for row in rows)),
            ("count_ineligible", "flagged", self.report.summary.eligibility["ineligible"]),
            ("count_breached", "flagged", self.report.summary.procedure["breached"]),
            (
                "count_uncertain",
                "questions",
                sum(bool({one.eligibility, one.procedure} & uncertain) for one in results),
            ),
            ("count_missing", "missing", len(self.missing)),
            ("count_invalid", "invalid", self.report.summary.invalid_rows),
        ]

    @property
    def questions(self) -> list[tuple[str, dict[str, Any]]]:
        """The open questions that decide something, with the counts of each reading."""
        found = self.report.summary.open_questions.items()
        return [(question, dict(counts)) for question, counts in found if counts["decides"]]

    @property
    def missing(self) -> list[tuple[str, str, list[str]]]:
        """The documents that are missing: which, who supplies it, for which appointments."""
        papers: dict[tuple[str, str], dict[str, None]] = {}
        for result in self.report.results:
            for finding in result.findings:
                if finding.weight != "advisory":
                    for item in finding.missing:
                        ids = papers.setdefault((item.document, item.who), {})
                        ids[result.appointment_id] = None
        ordered = sorted(papers.items(), key=lambda item: (-len(item[1]), item[0]))
        return [(document, who, list(ids)) for (document, who), ids in ordered]

    # Pictures ------------------------------------------------------------------------------

    @property
    def by_school(self) -> list[tuple[str, int, list[_Bar]]]:
        """The verdicts on each school, as bars: eligibility, then procedure."""
        counts: dict[str, tuple[Counter[str], Counter[str]]] = {
            school: (Counter(), Counter()) for school in self.schools
        }
        for result in self.report.results:
            if result.school_id is not None:
                counts[result.school_id][0][result.eligibility] += 1
                counts[result.school_id][1][result.procedure] += 1
        return [
            (
                school,
                self.schools[school],
                [
                    self._bar("verdict", order, found)
                    for order, found in zip(_VERDICTS, both, strict=True)
                ],
            )
            for school, both in counts.items()
            if both[0]
        ]

    @property
    def by_rule(self) -> list[tuple[str, int, _Bar]]:
        """The outcomes of each rule, as a bar."""
        counts: dict[str, Counter[str]] = {rule: Counter() for rule in self.rules}
        for result in self.report.results:
            for finding in result.findings:
                counts[finding.rule][finding.outcome] += 1
        return [
            (rule, self.rules[rule], self._bar("outcome", _OUTCOMES, found))
            for rule, found in counts.items()
            if found
        ]

    def _bar(self, group: str, order: Iterable[str], counts: Counter[str]) -> _Bar:
        return _Bar(
            tuple((code, self.say(group, code), counts[code]) for code in order if counts[code])
        )

    # Every appointment ---------------------------------------------------------------------

    def ordered(self, findings: Iterable[Finding]) -> list[Finding]:
        """Give findings by weight, the gravest outcome first."""
        return sorted(
            findings, key=lambda one: (_WEIGHTS.index(one.weight), _OUTCOMES.index(one.outcome))
        )

    def full(self, result: AppointmentResult) -> list[_Group]:
        """Give the findings that matter, together those that the same record leaves open."""
        together: dict[object, list[Finding]] = {}
        for finding in self.ordered(result.findings):
            if self._is_told(finding):
                gaps = frozenset((item.key, item.reason) for item in finding.missing)
                key = (gaps, finding.weight) if len(gaps) == 1 else finding.rule
                together.setdefault(key, []).append(finding)
        return [_Group(found[0].outcome, tuple(found)) for found in together.values()]

    def quiet(self, result: AppointmentResult) -> list[tuple[str, list[Finding]]]:
        """Give the other findings by outcome."""
        return self._by_outcome(one for one in result.findings if not self._is_told(one))

    def brief(
        self, result: AppointmentResult
    ) -> tuple[list[Finding], _Group | None, list[tuple[str, list[Finding], bool]]]:
        """Give the findings of a large page: the decisive ones, those not known, all others.

        The others stand by outcome, with whether their rules are to be named.
        """
        decisive, unknown, rest = [], [], []
        for finding in self.ordered(result.findings):
            if finding.outcome == "pending" and self.timelines is not None:
                continue  # when it is due stands in the plan
            if finding.weight == "advisory" or finding.outcome not in _MATTERS:
                rest.append(finding)
            elif finding.outcome == "unknown":
                unknown.append(finding)
            else:
                decisive.append(finding)
        group = _Group("unknown", tuple(unknown)) if unknown else None
        others = [
            (word, found, found[0].outcome in ("breached", "unknown", "disputed"))
            for word, found in self._by_outcome(rest)
            if found[0].outcome != "not_applicable"
        ]
        return decisive, group, others

    def _is_told(self, finding: Finding) -> bool:
        """Tell whether a finding is more than a line; when an act is due stands in the plan."""
        if finding.outcome == "pending":
            return self.timelines is None
        return finding.outcome in _MATTERS

    def _by_outcome(self, findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
        sorted_out: dict[Outcome, list[Finding]] = {outcome: [] for outcome in _OUTCOMES}
        for finding in findings:
            sorted_out[finding.outcome].append(finding)
        return [(self.say("outcome", code), found) for code, found in sorted_out.items() if found]

    def together(self, group: _Group) -> list[str]:
        """Give what stands before and after the rules that one record leaves open."""
        count = len(group.findings)
        return self.say("label", "unknown_together", count=count, rules="\n").split("\n")

    def paper(self, item: Missing) -> str:
        """Give the document that would settle what is missing, and who supplies it."""
        return self.say("label", "paper", document=item.document, who=item.who)

    def gaps(self, group: _Group) -> list[tuple[str, str, list[str]]]:
        """Give each record that leaves something open: which, why, and what would settle it."""
        papers: dict[tuple[str, str], dict[str, None]] = {}
        for item in group.missing:
            papers.setdefault((self.record(item.key), item.reason), {})[self.paper(item)] = None
        return [(key, reason, list(found)) for (key, reason), found in papers.items()]

    def readings_part(self, finding: Finding) -> bool:
        """Tell whether the readings of a norm give different outcomes."""
        return len({reading.outcome for reading in finding.readings}) > 1

    def code(self, verdict: str) -> int:
        """Give a short code of a verdict, for the search."""
        return _CODES.index(verdict)

    def codes(self, result: AppointmentResult) -> str:
        """Give the short codes of both verdicts, for the search."""
        return f"e{self.code(result.eligibility)} p{self.code(result.procedure)}"

    def matters(self, result: AppointmentResult) -> str:
        """Give the numbers of the rules that are not met or open."""
        return " ".join(
            str(self.rules[finding.rule])
            for finding in result.findings
            if finding.outcome in ("breached", "unknown", "disputed")
        )

    def plan(self, result: AppointmentResult) -> tuple[DeadlineRow, ...]:
        """Give the acts of a plan in their order."""
        return self.timelines.rows.get(result.appointment_id, ()) if self.timelines else ()

    def timeline(self, result: AppointmentResult) -> Timeline | None:
        """Give the picture of a plan."""
        return self.timelines.of(result.appointment_id) if self.timelines else None

    def act(self, row: DeadlineRow) -> str:
        """Give the short name of an act."""
        return act_label(self.rulebook, row.rule, self.language)

    def may_change_later(self, changes: Changes) -> bool:
        """Tell whether a new order may still meet what this one no longer can."""
        return any(past.later for past in changes.past)

    def instead(self, result: AppointmentResult) -> Replacements | None:
        """Give who may mentor instead."""
        return self.replacements.get(result.appointment_id)

    @property
    def reserves(self) -> list[tuple[str, list[Finding], list[tuple[str, str, int]]]]:
        """Give what the rules say of the reserve of each school, and the counts by outcome.

        Of a large page only the outcomes that matter are told in words.
        """
        found = []
        for school in self.report.schools:
            findings = [one for one in self.ordered(school.findings) if one.outcome in _IN_FORCE]
            counts = [
                (str(alike[0].outcome), word, len(alike))
                for word, alike in self._by_outcome(findings)
            ]
            if self.large:
                findings = [one for one in findings if one.outcome in _MATTERS]
            if findings:
                found.append((school.school_id, findings, counts))
        return found

    def standings(self, school: SchoolReserve) -> tuple[str, list[tuple[str, list[str]]]]:
        """Give how the teachers of a school stand to its reserve: the counts, then each standing.

        Beside a person stands why that is so.
        """
        by: dict[str, list[ReserveTeacher]] = {standing: [] for standing in get_args(Standing)}
        for teacher in school.teachers:
            by[teacher.standing].append(teacher)
        counts = self.say(
            *("reserve", "school"),
            school=school.school_id,
            formed=school.formed_on or self.say("reserve", "no_day"),
            eligible=len(by["listed"] + by["may_enter"]),
            open=len(by["open"] + by["listed_open"]),
            barred=len(by["may_not"] + by["listed_may_not"]),
        )
        lines = [
            (
                self.say("reserve", standing, teacher=self.person(teacher.teacher_id)),
                [reason.message for reason in teacher.reasons],
            )
            for standing in ("listed_may_not", "listed_open")
            for teacher in by[standing]
        ]
        for standing in ("listed", "may_enter", "open"):
            if by[standing]:
                people = [self.person(teacher.teacher_id) for teacher in by[standing]]
                more = [f"… ({len(people)})"] if len(people) > SHOWN else []
                ids = ", ".join([*people[:SHOWN], *more])
                lines.append((self.say("reserve", standing, ids=ids), []))
        subjects = ", ".join(subject.subject for subject in school.subjects if subject.short)
        if subjects:
            lines.append((self.say("reserve", "short_subjects", subjects=subjects), []))
        return counts, lines

    # The end of the page -------------------------------------------------------------------

    @property
    def faults(self) -> list[str]:
        """What got no verdict, and why."""
        faults = {**(self.deadlines.faults if self.deadlines else {}), **self.report.run.faults}
        return [
            line for key, fault in faults.items() for line in fault_lines(key, fault, self.language)
        ]

    @property
    def confirmed(self) -> list[tuple[str, int]]:
        """The engines that agree, and on how many flagged appointments."""
        found = Counter(", ".join(engines) for engines in self.report.run.confirmed_by.values())
        return sorted(found.items())

    @property
    def caveats(self) -> Iterator[str]:
        """What is to be borne in mind."""
        yield from self.report.provenance.caveats
        if self.language != "en":
            yield self.rulebook.read.texts[self.language]
