"""The answer: what JSON, tables and reports are renderings of."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from html import escape
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from mentor_rules.dossier import Shown
from mentor_rules.reading import PercentAs
from mentor_rules.rulebook import Outcome, Weight
from mentor_rules.verdict import FLAGGED, Eligibility, Procedure
from mentor_rules.vocabulary import Language

SHOWN = 20  # flagged appointments in a notebook
# What steers a terminal, turns text, or ends a line to some readers, and JSON leaves as it is.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def harmless_json(text: str) -> str:
    """Give a JSON text in which no letter acts upon who shows it; it says the same."""
    return _STEERING.sub(lambda letter: f"\\u{ord(letter[0]):04x}", text)


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """Give the result that holds `values`: every field, in order, and of the right type.

        It is what `model_construct` gives, without looking for aliases, defaults and order:
        validating what is right already would cost more than judging.
        """
        made = object.__new__(cls)
        _set_values(made, values)
        _set_stated(made, _fields(cls))
        _set_extra(made, None)
        _set_private(made, None)
        return made


# A result is frozen: only its slots themselves can be set.
_set_values, _set_stated, _set_extra, _set_private = (
    vars(BaseModel)[slot].__set__
    for slot in (
        *("__dict__", "__pydantic_fields_set__"),
        *("__pydantic_extra__", "__pydantic_private__"),
    )
)


@cache
def _fields(model: type[_Result]) -> set[str]:
    """Give which fields are stated, one set for all: one for each would outweigh a finding."""
    return set(model.model_fields)


class ReadingOutcome(_Result):
    """The outcome of a rule under one combination of live readings."""

    when: dict[str, str]
    outcome: Outcome
    value: str | None = None
    required: str | None = None
    due: date | None = None
    provisional: bool = False


class FactSource(_Result):
    """The records that a fact was drawn from."""

    fact: str
    from_: tuple[str, ...] = Field(alias="from")


class Missing(_Result):
    """What is not known: of what, why, which document would settle it and who can supply it."""

    fact: str
    key: str
    reason: str
    document: str
    who: str


class NormSource(_Result):
    """Where the norm stands, and how sure that is."""

    act: str
    place: str
    certainty: str
    point: str | None = None


class Finding(_Result):
    """What one rule says of one appointment.

    `value`, `required` and `due` are those of the mildest live reading; `days_late` counts
    calendar days after `due`, None in time. `latest` is there where what the term runs from is
    not done, so that `due` is the latest possible; a `provisional` one may still be moved by a
    day that is not yet decreed.
    """

    rule: str
    weight: Weight
    outcome: Outcome
    value: str | None = None
    required: str | None = None
    due: date | None = None
    latest: Literal[True] | None = Field(default=None, exclude_if=lambda latest: latest is None)
    done: date | None = None
    days_late: int | None = None
    provisional: bool = False
    readings: tuple[ReadingOutcome, ...] = ()
    facts: tuple[FactSource, ...] = ()
    missing: tuple[Missing, ...] = ()
    message: str
    remedy: str | None = None
    notes: tuple[str, ...] = ()
    source: NormSource

    def _repr_html_(self) -> str:
        """Give the finding as a notebook shows it; everything is escaped."""
        named = ("rule", "outcome", "message", "value", "required", "due", "done", "days_late")
        rows = [(name, getattr(self, name)) for name in (*named, "remedy")]
        return _table(("", ""), [row for row in rows if row[1] is not None])


ChangeKind = Literal["document", "correction", "event", "order", "question"]
Bound = Literal["exactly", "at_least", "at_most"]


class ChangedCell(_Result):
    """A cell to be written, in the row that `where` names by some of its cells.

    Any one of `values` does; with `at_least` also what is more or later, with `at_most` what
    is less or earlier. Where no row is so, there is to be one; `new` cells of one `where` make a
    row of their own. `rows` are the numbers of rows that cannot be read or disagree: the cell is
    to be corrected in each of them, or without a `column` they are about somebody or something
    else. Neither `rows` nor `column` means that the table is there, without such a row.
    """

    table: str
    where: dict[str, str]
    rows: tuple[int, ...] = ()
    column: str | None
    values: tuple[str, ...] = ()
    bound: Bound = "exactly"
    new: bool = False


class Change(_Result):
    """One step towards an eligible appointment: what, for which rules, and who can do it.

    `document`: a paper states what no cell states yet. `correction`: a row that cannot be read,
    or rows that disagree, are put right. `event`: something that has still to happen. `order`: a
    new order, of the day `on` or later. `question`: the norm is read in one way (`reading`),
    which is not in the school's hands.
    """

    kind: ChangeKind
    rules: tuple[str, ...]
    cells: tuple[ChangedCell, ...] = ()
    reading: dict[str, str] = {}
    on: date | None = None
    who: str
    text: str


class Way(_Result):
    """A smallest set of changes that makes an appointment eligible: no fewer of them do."""

    changes: tuple[Change, ...]


class Past(_Result):
    """A requirement that no paper can meet any more for the order as it stands.

    `later`: a new order may still meet it; else only another mentor changes it.
    """

    rule: str
    later: bool
    text: str


class Changes(_Result):
    """What would make an appointment eligible: the smallest ways, and what no longer changes.

    Each way was confirmed by judging the changed records anew. `left_out` counts further ways.
    """

    ways: tuple[Way, ...]
    past: tuple[Past, ...]
    left_out: int = 0


class AppointmentResult(_Result):
    """The verdicts on one appointment, with every rule judged.

    Of an appointment whose own row cannot be read, ids are None where they are unreadable.
    `changes` is there where it was asked for, and the appointment is not eligible.
    """

    appointment_id: str
    school_id: str | None
    mentor_id: str | None
    mentee_id: str | None
    eligibility: Eligibility
    procedure: Procedure
    assumptions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    changes: Changes | None = Field(default=None, exclude_if=lambda changes: changes is None)


class CandidateResult(_Result):
    """Whether a person may mentor, before anyone is appointed."""

    teacher_id: str
    school_id: str
    on: date
    provenance: "Provenance"
    eligibility: Eligibility
    confirmed_by: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    invalid: tuple["InvalidEntry", ...] = ()

    def to_json(self) -> str:
        """Give the answer as JSON."""
        return harmless_json(self.model_dump_json(by_alias=True, indent=2))


class PlanResult(_Result):
    """Whether one plan kept its terms."""

    appointment_id: str
    school_id: str
    as_of: date
    provenance: "Provenance"
    procedure: Procedure
    confirmed_by: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> str:
        """Give the answer as JSON."""
        return harmless_json(self.model_dump_json(by_alias=True, indent=2))


class SchoolResult(_Result):
    """What the rules about a school say: its reserve, once for each day it was formed on."""

    school_id: str
    findings: tuple[Finding, ...] = ()


class Provenance(_Result):
    """What the answer rests on: versions, hashes, the calendar's horizon, readings, caveats."""

    package: str
    rulebook: str
    rulebook_sha256: str
    calendar: str
    known_until: date
    readings: dict[str, str]
    caveats: tuple[str, ...]


class Summary(_Result):
    """Counts of verdicts; per open question how many it decides and what each reading gives."""

    appointments: int
    eligibility: dict[Eligibility, int]
    procedure: dict[Procedure, int]
    invalid_rows: int
    open_questions: dict[str, dict[str, Any]]


State = Literal["overdue", "waiting", "unknown", "late", "done"]


class SkippedDay(_Result):
    """A day that a term passes over, and why."""

    day: date
    reason: str


class DueReading(_Result):
    """When an act is due under one combination of live readings."""

    when: dict[str, str]
    due: date | None
    provisional: bool


class DeadlineRow(_Result):
    """One act of one plan: what, who acts, from when, by when, and how it stands.

    `from_` and `due` are None where they are not certain (`due_between` then says what `due` may
    be), and `due` where there is no due date;
    `due` and `state` are those of the mildest live reading. `skipped` are the days that the
    term passes over. `names` is None unless names are asked for.
    """

    appointment_id: str
    school_id: str
    rule: str
    what: str
    who: str
    state: State
    from_: date | None = Field(alias="from")
    term: str | None
    due: date | None
    due_between: tuple[date, date] | None = Field(
        default=None, exclude_if=lambda between: between is None
    )
    latest: Literal[True] | None = Field(default=None, exclude_if=lambda latest: latest is None)
    done: date | None
    days_late: int | None
    provisional: bool
    readings: tuple[DueReading, ...]
    skipped: tuple[SkippedDay, ...]
    notes: tuple[str, ...] = ()
    names: dict[str, str] | None = Field(default=None, exclude_if=lambda names: names is None)


class Deadlines(_Result):
    """The terms of every plan of a dossier on the day `as_of`, the most urgent first."""

    as_of: date
    provenance: "Provenance"
    deadlines: tuple[DeadlineRow, ...]
    invalid: tuple["InvalidEntry", ...] = ()
    faults: dict[str, "Fault"] = {}

    def to_json(self) -> str:
        """Give the answer as JSON."""
        return harmless_json(self.model_dump_json(by_alias=True, indent=2))


Standing = Literal[
    "listed", "may_enter", "listed_may_not", "may_not", "listed_open", "open", "not_judged"
]
Nearness = Literal[
    "same_school_and_subject", "same_school", "same_district_and_subject", "same_district"
]


class WhyNot(_Result):
    """A requirement that a teacher does not meet, or that is open, and what is missing.

    `rule` is None for a teacher who does not work on the day judged on.
    """

    rule: str | None
    outcome: Outcome
    message: str
    missing: tuple[Missing, ...] = ()


class ReserveTeacher(_Result):
    """How a teacher stands to the reserve of a school.

    `eligibility` is whether he may enter it, whichever subject; `subjects` the same for each
    subject taught. `listed` is by the latest reserve; `mentees` whom he mentors now.
    """

    teacher_id: str
    standing: Standing
    eligibility: Eligibility
    working: bool
    listed: Literal["yes", "no", "unknown"]
    subjects: dict[str, Eligibility]
    mentees: int
    reasons: tuple[WhyNot, ...] = ()


class SubjectReserve(_Result):
    """Who may enter a school's reserve for one subject; `short`: nobody certainly may."""

    subject: str
    may_enter: tuple[str, ...]
    open: tuple[str, ...]
    short: bool


class SchoolReserve(_Result):
    """The reserve of one school on the day judged on.

    `formed_on` is the day of the latest reserve, None where there is none or no day is stated.
    `short`: nobody certainly may enter it.
    """

    school_id: str
    formed_on: date | None
    short: bool
    subjects: tuple[SubjectReserve, ...]
    teachers: tuple[ReserveTeacher, ...]


class Replacement(_Result):
    """A teacher who may mentor instead, by a new order of the day judged on, and why this one."""

    teacher_id: str
    school_id: str
    nearness: Nearness
    mentees: int
    listed: Literal["yes", "no", "unknown"]
    text: str


class Replacements(_Result):
    """Who may mentor instead of an ineligible mentor, the nearest first.

    At most five of each nearness are shown; `text` says so where there is nobody.
    """

    appointment_id: str
    school_id: str
    mentor_id: str
    mentee_id: str
    subject: str | None
    candidates: tuple[Replacement, ...]
    text: str


class ReserveReport(_Result):
    """Reserves of all schools on the day `as_of`, and who may replace an ineligible mentor."""

    as_of: date
    provenance: "Provenance"
    schools: tuple[SchoolReserve, ...]
    replacements: tuple[Replacements, ...]
    invalid: tuple["InvalidEntry", ...] = ()
    faults: dict[str, "Fault"] = {}
    names: dict[str, str] | None = Field(default=None, exclude_if=lambda names: names is None)

    def to_json(self) -> str:
        """Give the answer as JSON."""
        return harmless_json(self.model_dump_json(by_alias=True, indent=2))


class InvalidEntry(_Result):
    """A row that could not be read, contradicts another, or names what is not there."""

    table: str
    row: int | None
    key: str
    column: str | None
    problem: str
    remedy: str


class Trace(_Result):
    """What one engine said of a case: its verdicts, and its outcomes where engines differ.

    `outcomes` holds, by rule and by the readings chosen, what the rule gave.
    """

    eligibility: str
    procedure: str
    outcomes: dict[str, dict[str, str]]


class Fault(_Result):
    """Why something got no verdict: engines that disagree, or a fault of one of them."""

    what: Literal["disagreement", "engine_fault", "fault"]
    cause: str
    traces: dict[str, Trace] = {}


class ReadFrom(_Result):
    """What files a dossier was read from, by their digests, and how."""

    sha256: str
    encoding: str | None
    percent_as: PercentAs
    mapping_sha256: str | None


class Asked(_Result):
    """How a report was asked for, beyond `as_of` and `provenance`: enough to make it again.

    `engines` are those at hand. `iins` says how ids that are IINs are shown; pseudonyms
    `for_once` no other run gives again. `dossier` is None for records that were never a file.
    """

    language: Language
    only: Literal["eligibility", "procedure"] | None
    confirm: Literal["flagged", "all", "none"]
    engines: tuple[str, ...]
    iins: Shown
    dossier: ReadFrom | None


class Run(_Result):
    """What differs by file and machine.

    `confirmed_by` names the engines that agree on each flagged appointment; `faults` says, by
    appointment (or school), why there is no verdict; `asked` how to make the report again.
    """

    confirmed_by: dict[str, tuple[str, ...]]
    faults: dict[str, Fault]
    ignored_columns: tuple[str, ...]
    notes: tuple[str, ...]
    asked: Asked
    took_s: float


class Obstacle(_Result):
    """Why a report cannot be made again, and what would help."""

    code: str
    text: str


class Difference(_Result):
    """Where two reports first differ, and what stands there as JSON; None where nothing does."""

    path: str
    recorded: str | None
    found: str | None


class Replay(_Result):
    """Whether a report, made again from its dossier, is the same to the byte.

    `agrees` is None where `obstacles` are in the way. `difference` is None where nothing differs
    but how the report is written.
    """

    agrees: bool | None
    obstacles: tuple[Obstacle, ...] = ()
    difference: Difference | None = None

    def to_json(self) -> str:
        """Give the answer as JSON."""
        return self.model_dump_json(by_alias=True, indent=2)


class Report(_Result):
    """The whole answer to one dossier, judged on one day."""

    as_of: date
    provenance: Provenance
    summary: Summary
    schools: tuple[SchoolResult, ...]
    results: tuple[AppointmentResult, ...]
    invalid: tuple[InvalidEntry, ...]
    run: Run

    def json_parts(self) -> Iterator[str]:
        """Give the report as JSON piece by piece, so that a large one is never whole in memory.

        One school, appointment and invalid row per line; letters as they are.
        """
        yield "{\n"
        yield f'"as_of": {json.dumps(self.as_of.isoformat())},\n'
        for name in ("provenance", "summary"):
            yield f'"{name}": {_json(getattr(self, name))},\n'
        for name in ("schools", "results", "invalid"):
            yield f'"{name}": ['
            for place, item in enumerate(getattr(self, name)):
                yield f"{',' if place else ''}\n{_json(item)}"
            yield "],\n"
        yield f'"run": {_json(self.run)}\n'
        yield "}\n"

    def to_json(self) -> str:
        """Give the report as JSON in one text; see `json_parts`."""
        return "".join(self.json_parts())

    def _repr_html_(self) -> str:
        """Give the counts and the first flagged appointments as a notebook shows them, escaped."""
        counts = [
            ("eligibility", *_counted(self.summary.eligibility)),
            ("procedure", *_counted(self.summary.procedure)),
        ]
        flagged = [
            result for result in self.results if {result.eligibility, result.procedure} & FLAGGED
        ]
        rows = [
            (result.appointment_id, result.eligibility, result.procedure, _reasons(result))
            for result in flagged[:SHOWN]
        ]
        head = ("appointment_id", "eligibility", "procedure", "reasons")
        more = f"<p>… {len(flagged) - SHOWN}</p>" if len(flagged) > SHOWN else ""
        return _table((str(self.as_of), ""), counts) + _table(head, rows) + more


def _counted(counts: Mapping[Any, int]) -> tuple[str]:
    return (", ".join(f"{verdict} {count}" for verdict, count in counts.items() if count),)


def _reasons(result: AppointmentResult) -> str:
    return " ".join(
        finding.message
        for finding in result.findings
        if finding.outcome == "breached" and finding.weight != "advisory"
    )


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """Give an HTML table: every cell escaped, and what steers or hides text made visible."""
    lines = [("th", head), *(("td", row) for row in rows)]
    return f"<table>{''.join(_line(kind, cells) for kind, cells in lines)}</table>"


def _line(kind: str, cells: Iterable[object]) -> str:
    texts = ("".join(one if one.isprintable() else "\ufffd" for one in str(cell)) for cell in cells)
    return f"<tr>{''.join(f'<{kind}>{escape(text)}</{kind}>' for text in texts)}</tr>"


def _json(part: _Result) -> str:
    return harmless_json(part.model_dump_json(by_alias=True))


class TableRows(_Result):
    """What became of the rows of one table.

    `read` = `skipped` (empty, or an example) + `used` + `invalid` + `repeated`. Of appointments,
    those used are judged; `repeated` rows say what another says, or share their id with a row
    that cannot be read. `contradictory` are those of the invalid ones that disagree.
    """

    read: int
    skipped: int
    used: int
    invalid: int
    contradictory: int
    repeated: int = 0


class AuditSummary(_Result):
    """How many appointments have each verdict.

    `schools_without_candidate`: where no teacher may certainly enter the reserve on the day
    judged on; None where schools or teachers are not known. `dangling` rows stand, and name what
    no row is about.
    """

    appointments: int
    eligibility: dict[Eligibility, int]
    procedure: dict[Procedure, int]
    schools: int
    schools_without_candidate: int | None
    invalid_rows: int
    dangling: int


class Confirmed(_Result):
    """How many appointments were flagged, and judged again by which engine."""

    flagged: int
    by_closure: int
    by_durable: int


class AuditRun(_Result):
    """What a bulk audit says of itself, beside the tables that it writes."""

    as_of: date
    engine: str
    provenance: Provenance
    summary: AuditSummary
    rows: dict[str, TableRows]
    confirmed: Confirmed
    faults: dict[str, Fault]  # the first ones
    faults_count: int
    ignored_columns: tuple[str, ...]
    notes: tuple[str, ...]
    took_s: float
