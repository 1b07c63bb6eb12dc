"""The report for a terminal: what is flagged, open questions, missing documents, the rest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from mentor_rules.headings import column_label, headings, table_label
from mentor_rules.report.changes import change_lines
from mentor_rules.result import (
    AppointmentResult,
    CandidateResult,
    Fault,
    Finding,
    InvalidEntry,
    Report,
    Run,
    SchoolResult,
)
from mentor_rules.rulebook import Rulebook
from mentor_rules.texts import safe, say
from mentor_rules.verdict import FLAGGED
from mentor_rules.vocabulary import Language

_STYLES = {
    "breached": "red",
    "ineligible": "bold red",
    "unknown": "yellow",
    "disputed": "magenta",
    "satisfied": "green",
    "eligible": "bold green",
    "depends": "bold magenta",
    "undetermined": "bold yellow",
}
SHOWN = 20  # ids on one line
ON_ONE_LINE = 2  # documents
_MATTERS = frozenset({"breached", "unknown", "disputed", "pending"})


class TableReport:
    """Prints reports to a console in one language; `names` maps ids to names to be shown."""

    def __init__(
        self,
        console: Console,
        rulebook: Rulebook,
        language: Language,
        names: Mapping[str, str] | None = None,
    ) -> None:
        self._console, self._rulebook, self._language = console, rulebook, language
        self._names = names or {}

    def _say(self, group: str, code: str, **params: object) -> str:
        return say(group, code, self._language, **{key: str(text) for key, text in params.items()})

    def _print(self, text: str, style: str = "", indent: int = 0) -> None:
        self._console.print(Text(" " * indent + safe(text), style=style), soft_wrap=True)

    def _heading(self, text: str) -> None:
        self._console.print()
        self._print(text, "bold")

    def _person(self, person: str | None) -> str:
        if person is None:
            return "?"
        return f"{self._names[person]} ({person})" if person in self._names else person

    def _record(self, key: str) -> str:
        """Give the key of a record with its table named in the language of the report."""
        table, _, rest = key.partition(" ")
        return f"{table_label(table, self._language)} {rest}" if table in headings() else key

    def report(self, report: Report) -> None:
        """Print a whole report."""
        flagged = [result for result in report.results if _flagged(result)]
        total = report.summary.appointments
        if flagged:
            self._heading(self._say("label", "flagged", count=len(flagged), total=total))
        else:
            code = "nothing_flagged" if total else "nothing_checked"
            self._heading(self._say("label", code, total=total))
        for result in flagged:
            self._appointment(result)
        self._schools(report.schools)
        self._questions(report)
        self._missing(report.results)
        self._uncertain(report.results)
        self._invalid(report.invalid)
        self._faults(report.run)
        self._done(report.run)
        self._counts(report)
        self._basis(report)

    def candidate(self, result: CandidateResult) -> None:
        """Print the answer about one candidate: every requirement, met ones too."""
        verdict = self._say("verdict", result.eligibility)
        text = self._say(
            "label",
            "candidate",
            teacher=self._person(result.teacher_id),
            school=result.school_id,
            on=result.on,
            verdict=verdict,
        )
        self._print(text, _STYLES.get(result.eligibility, "bold"))
        self._findings(result.findings)
        if result.assumptions:
            self._print(self._say("label", "assumed", assumptions="; ".join(result.assumptions)))
        self._invalid(result.invalid)
        self._print(self._rulebook.read.not_read[self._language], "italic")

    def _appointment(self, result: AppointmentResult) -> None:
        verdicts = [
            self._say("verdict", verdict)
            for verdict in (result.eligibility, result.procedure)
            if verdict != "not_judged"
        ]
        text = self._say(
            "label",
            "appointment",
            id=result.appointment_id,
            verdict=", ".join(verdicts) or self._say("verdict", "not_judged"),
            mentor=self._person(result.mentor_id),
            mentee=self._person(result.mentee_id),
            school=result.school_id or "?",
        )
        self._console.print()
        self._print(text, _STYLES.get(result.eligibility, "bold"))
        matters = [f for f in result.findings if f.weight != "advisory" and f.outcome in _MATTERS]
        self._findings(matters)
        for indent, text in change_lines(result.changes, self._language) if result.changes else ():
            self._print(text, indent=indent + 2)

    def _findings(self, findings: Iterable[Finding]) -> None:
        together: dict[frozenset[tuple[str, str]], list[Finding]] = {}
        for finding in findings:
            gaps = _gaps(finding)
            # What one and the same record leaves open is told once.
            key = gaps if len(gaps) == 1 else frozenset({(finding.rule, "")})
            together.setdefault(key, []).append(finding)
        for alike in together.values():
            if len(alike) == 1:
                self._finding(alike[0])
                continue
            outcome = self._say("outcome", alike[0].outcome)
            rules = ", ".join(finding.rule for finding in alike)
            text = self._say("label", "unknown_together", count=len(alike), rules=rules)
            self._print(f"[{outcome}] {text}", _STYLES["unknown"], indent=2)
            for record, reason in _gaps(alike[0]):
                self._print(f"{self._record(record)}: {reason}", indent=6)

    def _finding(self, finding: Finding) -> None:
        outcome = self._say("outcome", finding.outcome)
        self._print(
            f"[{outcome}] {finding.message} ({finding.rule})",
            _STYLES.get(finding.outcome, ""),
            indent=2,
        )
        if finding.outcome == "disputed":
            for reading in finding.readings:
                when = ", ".join(f"{name}={value}" for name, value in reading.when.items())
                self._print(f"{when}: {self._say('outcome', reading.outcome)}", indent=6)
        for key, reason in dict.fromkeys((item.key, item.reason) for item in finding.missing):
            self._print(f"{self._record(key)}: {reason}", indent=6)
        if finding.days_late is not None:
            self._print(self._say("deadline", "late", days=finding.days_late), indent=6)
        if finding.remedy:
            self._print(self._say("label", "remedy", remedy=finding.remedy), indent=6)
        for note in finding.notes:
            self._print(note, indent=6)

    def _schools(self, schools: Iterable[SchoolResult]) -> None:
        """Print what is wrong with a school's reserve: it touches no appointment's verdict."""
        breached = {
            school.school_id: [one for one in school.findings if one.outcome == "breached"]
            for school in schools
        }
        if any(breached.values()):
            self._heading(self._say("label", "reserves", count=sum(map(bool, breached.values()))))
        for school_id, findings in breached.items():
            if findings:
                self._print(self._say("label", "school", school=school_id), indent=2)
                self._findings(findings)

    def _questions(self, report: Report) -> None:
        deciding = {
            question: counts
            for question, counts in report.summary.open_questions.items()
            if counts["decides"]
        }
        if not deciding:
            return
        self._heading(self._say("label", "open_questions"))
        for question, counts in deciding.items():
            readings = "; ".join(
                f"{reading} → "
                + ", ".join(
                    f"{count} {self._say('verdict', verdict)}" for verdict, count in found.items()
                )
                for reading, found in counts.items()
                if reading != "decides"
            )
            text = self._say(
                "label", "decides", question=question, count=counts["decides"], readings=readings
            )
            self._print(text, indent=2)
            self._print(self._rulebook.questions[question].asks[self._language], indent=6)

    def _missing(self, results: Iterable[AppointmentResult]) -> None:
        papers: dict[tuple[str, str], dict[str, None]] = {}
        for result in results:
            for finding in result.findings:
                if finding.weight != "advisory":
                    for item in finding.missing:
                        ids = papers.setdefault((item.document, item.who), {})
                        ids[result.appointment_id] = None
        if not papers:
            return
        self._heading(self._say("label", "missing"))
        alike: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for paper, own in sorted(papers.items(), key=lambda item: (-len(item[1]), item[0])):
            alike.setdefault(tuple(own), []).append(paper)
        for found, documents in alike.items():
            named = [
                self._say("label", "paper", document=document, who=who)
                for document, who in documents
            ]
            many = len(named) > ON_ONE_LINE
            text = self._say("label", "papers", count=len(named)) if many else "; ".join(named)
            row = self._say(
                *("label", "missing_row"), count=len(found), documents=text, ids=_some(found)
            )
            self._print(row, indent=2)
            for one in named if many else ():
                self._print(one, indent=6)

    def _uncertain(self, results: Iterable[AppointmentResult]) -> None:
        uncertain = [
            result
            for result in results
            if not _flagged(result)
            and {result.eligibility, result.procedure} & {"depends", "undetermined"}
        ]
        if uncertain:
            self._heading(self._say("label", "uncertain", count=len(uncertain)))
        without_plan: dict[str, list[str]] = {}
        for result in uncertain:
            reasons = _why_only_the_plan_is_open(result)
            if reasons is None:
                self._appointment(result)
            else:
                without_plan.setdefault(reasons, []).append(result.appointment_id)
        for reason, ids in without_plan.items():
            text = self._say(
                *("label", "plan_open"),
                count=len(ids),
                reason=reason,
                ids=_some(ids),
            )
            self._console.print()
            self._print(text, _STYLES["unknown"])

    def _invalid(self, entries: Sequence[InvalidEntry]) -> None:
        if entries:
            self._console.print()
        for place, text in enumerate(invalid_lines(entries, self._language)):
            self._print(text, "" if place else "bold")

    def _faults(self, run: Run) -> None:
        if run.faults:
            self._heading(self._say("label", "faults", count=len(run.faults)))
        for key, fault in run.faults.items():
            for text in fault_lines(key, fault, self._language):
                self._print(text, "bold red", indent=2)

    def _done(self, run: Run) -> None:
        if run.ignored_columns:
            self._print(self._say("label", "ignored", names=", ".join(run.ignored_columns)))
        if run.notes:
            self._print(self._say("label", "noted", notes="; ".join(run.notes)))

    def _counts(self, report: Report) -> None:
        self._console.print()
        counted: dict[str, dict[str, int]] = {
            "eligibility": {str(name): n for name, n in report.summary.eligibility.items()},
            "procedure": {str(name): n for name, n in report.summary.procedure.items()},
        }
        for label, counts in counted.items():
            if any(count for name, count in counts.items() if name != "not_judged"):
                shown = ", ".join(
                    f"{self._say('verdict', verdict)} {count}"
                    for verdict, count in counts.items()
                    if count
                )
                self._print(f"{self._say('label', label)}: {shown}", "bold")

    def _basis(self, report: Report) -> None:
        basis = report.provenance
        text = self._say(
            "label",
            "basis",
            as_of=report.as_of,
            rulebook=basis.rulebook,
            sha=basis.rulebook_sha256[:12],
            known_until=basis.known_until,
        )
        self._print(text, "dim")
        self._print(self._rulebook.read.not_read[self._language], "italic")
        if self._language != "en":
            self._print(self._rulebook.read.texts[self._language], "italic")


def fault_lines(key: str, fault: Fault, language: Language) -> Iterator[str]:
    """Give why a case got no verdict, and what each engine said of it."""
    yield say("label", fault.what, language, id=key, cause=fault.cause)
    for engine, trace in fault.traces.items():
        outcomes = "; ".join(
            f"{rule} {when + ': ' if when else ''}{outcome}"
            for rule, by_reading in trace.outcomes.items()
            for when, outcome in by_reading.items()
        )
        verdicts = f"{trace.eligibility}, {trace.procedure}"
        said = say("label", "trace", language, engine=engine, verdicts=verdicts, outcomes=outcomes)
        yield f"  {said}"


def _some(ids: Sequence[str]) -> str:
    """Give the first few of many ids."""
    return ", ".join(ids[:SHOWN]) + (", …" if len(ids) > SHOWN else "")


def _gaps(finding: Finding) -> frozenset[tuple[str, str]]:
    """Give the records that leave a finding open, and why."""
    return frozenset((item.key, item.reason) for item in finding.missing)


def _why_only_the_plan_is_open(result: AppointmentResult) -> str | None:
    """Give why nothing is known of the plan, where that is all that is open."""
    gaps: set[tuple[str, str]] = set()
    for finding in result.findings:
        if finding.weight != "advisory" and finding.outcome in _MATTERS:
            gaps |= _gaps(finding) or {("", "")}
    if len(gaps) != 1:
        return None
    [(key, reason)] = gaps
    return reason if key == f"plans {result.appointment_id}" else None


def invalid_lines(entries: Sequence[InvalidEntry], language: Language) -> Iterator[str]:
    """Give a heading and a line for each row that could not be read, if there are any."""
    if entries:
        rows = {(entry.table, entry.row) for entry in entries}
        yield say("label", "invalid", language, count=str(len(rows)))
    for entry in entries:
        text = say(
            "label",
            "invalid_row",
            language,
            table=table_label(entry.table, language),
            row="?" if entry.row is None else str(entry.row),
            column=column_label(entry.table, entry.column, language) if entry.column else entry.key,
            problem=entry.problem,
            remedy=entry.remedy,
        )
        yield f"  {text}"


def _flagged(result: AppointmentResult) -> bool:
    return bool({result.eligibility, result.procedure} & FLAGGED)
