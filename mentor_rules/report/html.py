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
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.calendar_data import Week
from mentor_rules.headings import column_label, headings, table_label
from mentor_rules.records import VOCABULARIES
from mentor_rules.report.table import fault_lines, safe
from mentor_rules.report.timeline import Timeline, Timelines, act_label, stands
from mentor_rules.result import (
    AppointmentResult,
    Deadlines,
    DeadlineRow,
    Finding,
    Missing,
    Replacements,
    Report,
    ReserveReport,
)
from mentor_rules.rulebook import Outcome, Rulebook
from mentor_rules.texts import say
from mentor_rules.verdict import ELIGIBILITIES, FLAGGED, PROCEDURES
from mentor_rules.vocabulary import Language

LARGE = 1000  # appointments, from which on texts that many share are told once, at the end
LISTED = 40  # lines of each list on the first page
SHOWN = 20  # ids in one cell
_TEMPLATES = Path(__file__).parent / "templates"
_BUFFER = 200  # pieces of the page that are handed out together
_WEIGHTS = ("blocking", "remediable", "advisory")
_MATTERS: tuple[Outcome, ...] = ("breached", "unknown", "disputed", "pending")
_OUTCOMES: tuple[Outcome, ...] = (*_MATTERS, "satisfied", "not_applicable", "not_in_force")
_GRAVITY = ("ineligible", "breached", "depends", "undetermined", "pending", "eligible", "compliant")
_VERDICTS = tuple(
    tuple(sorted(verdicts, key=lambda one: (*_GRAVITY, one).index(one)))
    for verdicts in (ELIGIBILITIES, PROCEDURES)
)
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
    week that a school states, `calendar` the rest days to be shaded, `reserve` who may mentor
    instead. `names` maps ids to names; without it no name is written.
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
        self.reserve, self.deadlines = reserve, deadlines
        self._names = names or {}
        self.large = len(report.results) > LARGE
        self.told: dict[str, int] = {}
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
            {one.appointment_id: one for one in reserve.replacements} if reserve else {}
        )

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
        return column_label(table, column, self.language) if column else ""

    def table(self, table: str) -> str:
        """Give the name of a table."""
        return table_label(table, self.language)

    def assumption(self, text: str) -> str:
        """Give what was assumed, its table, column and value named in the language of the page."""
        cell, colon, rest = text.partition(": ")
        table, *key = cell.split(" ")
        column = key[-1] if key else ""
        if table not in headings() or column not in headings()[table].column_labels:
            return text
        vocabulary = VOCABULARIES[table].get(column)
        for code in vocabulary.codes if vocabulary else ():
            rest = re.sub(rf"\b{code}\b", vocabulary.label(code, self.language), rest)  # type: ignore[union-attr]  # codes only of one
        named = column_label(table, column, self.language).replace("_", " ")
        return f"{table_label(table, self.language)} {' '.join(key[:-1])}, {named}{colon}{rest}"

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
        return self.told.setdefault(text, len(self.told) + 1) if self.large else None

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
        """Give what else is to be said of when an act is due."""
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
        """Give the findings to be told in full; of a large page only those that decide."""
        together: dict[object, list[Finding]] = {}
        for finding in self.ordered(result.findings):
            if self._in_full(finding):
                gaps = frozenset((item.key, item.reason) for item in finding.missing)
                key = (gaps, finding.weight) if len(gaps) == 1 else finding.rule
                together.setdefault(key, []).append(finding)
        return [_Group(found[0].outcome, tuple(found)) for found in together.values()]

    def _in_full(self, finding: Finding) -> bool:
        if finding.outcome not in _MATTERS:
            return False
        if finding.outcome == "pending":
            # When it is due stands in the plan.
            return self.timelines is None
        return not (self.large and finding.weight == "advisory")

    def brief(self, result: AppointmentResult) -> list[tuple[str, list[Finding]]]:
        """Give the other findings by outcome."""
        rest = [finding for finding in result.findings if not self._in_full(finding)]
        return [
            (self.say("outcome", outcome), found)
            for outcome in _OUTCOMES
            if (found := [finding for finding in rest if finding.outcome == outcome])
        ]

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

    def instead(self, result: AppointmentResult) -> Replacements | None:
        """Give who may mentor instead."""
        return self.replacements.get(result.appointment_id)

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
