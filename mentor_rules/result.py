"""The answer: what JSON, tables and reports are renderings of."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mentor_rules.rulebook import Outcome, Weight
from mentor_rules.verdict import Eligibility, Procedure


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ReadingOutcome(_Result):
    """The outcome of a rule under one combination of live readings."""

    when: dict[str, str]
    outcome: Outcome
    value: str | None = None
    required: str | None = None
    due: date | None = None


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
    calendar days after `due`, None in time.
    """

    rule: str
    weight: Weight
    outcome: Outcome
    value: str | None = None
    required: str | None = None
    due: date | None = None
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


class AppointmentResult(_Result):
    """The verdicts on one appointment, with every rule judged.

    Of an appointment whose own row cannot be read, ids are None where they are unreadable.
    """

    appointment_id: str
    school_id: str | None
    mentor_id: str | None
    mentee_id: str | None
    eligibility: Eligibility
    procedure: Procedure
    assumptions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class CandidateResult(_Result):
    """Whether a person may mentor, before anyone is appointed."""

    teacher_id: str
    school_id: str
    on: date
    provenance: "Provenance"
    eligibility: Eligibility
    assumptions: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    invalid: tuple["InvalidEntry", ...] = ()

    def to_json(self) -> str:
        """Give the answer as JSON."""
        return self.model_dump_json(by_alias=True, indent=2)


class SchoolResult(_Result):
    """What the rules about a school say."""

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


class InvalidEntry(_Result):
    """A row that could not be read, contradicts another, or names what is not there."""

    table: str
    row: int | None
    key: str
    column: str | None
    problem: str
    remedy: str


class Run(_Result):
    """What differs by file and machine."""

    confirmed_by: dict[str, tuple[str, ...]]
    faults: dict[str, str]
    ignored_columns: tuple[str, ...]
    notes: tuple[str, ...]
    took_s: float


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


def _json(part: _Result) -> str:
    return part.model_dump_json(by_alias=True)
