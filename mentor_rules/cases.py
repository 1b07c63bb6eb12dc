"""The cases inside rule files: inputs become records, and the rule is run on them.

A case gives inputs, not facts, so that it holds the facts as well as the rule. Everything
that it does not give is not stated.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from mentor_rules.acts import FACTS
from mentor_rules.calendar import SchoolCalendar
from mentor_rules.dossier import Dossier
from mentor_rules.engines.closure import Closure
from mentor_rules.errors import MentorRulesError, Problem, RulebookError, UsageError
from mentor_rules.facts import YEARS_COUNTED, ActFact, Case, Fact, FactId, Formation
from mentor_rules.judging import bench_for, formations, judge
from mentor_rules.records import LAST_DAY, TABLES
from mentor_rules.rulebook import (
    BoundRule,
    CaseShape,
    DatedBy,
    Outcome,
    Rule,
    Rulebook,
    Settled,
    bind,
    nearest,
)
from mentor_rules.verdict import Eligibility, Verdicts, merged

DEFAULT_ON = date(2026, 9, 1)
DEFAULT_AS_OF = date(2026, 11, 23)
SCHOOL, MENTOR, MENTEE, SUBJECT = "S1", "T1", "T2", "mathematics"
MISSING = "missing"

_TEACHER_COLUMNS = (
    "category",
    "category_from",
    "category_until",
    "ethics",
    "ethics_on",
    "first_taught_on",
)
GIVEN = frozenset(
    {
        "on",
        "as_of",
        "purpose",
        "school_kind",
        "quality",
        "other_years",
        "subject",
        "subjects",
        "categories",
        "posts",
        "mentee_first_taught_on",
        "mentor_school",
        "mentee_school",
        "same_person",
        "reserve",
        "starts_on",
        "ends_on",
        "others",
        "plan",
        "unreadable",
        "week",
        *_TEACHER_COLUMNS,
    }
)
# What a row that cannot be read looks like, by table: a cell that no parser takes.
_UNREADABLE = {
    "posts": {"teacher_id": MENTOR, "post": "head", "since": "?"},
    "categories": {"teacher_id": MENTOR, "category": "?", "from": "?"},
    "teachers": {"teacher_id": MENTOR, "school_id": SCHOOL, "category": "?"},
    "quality": {
        "teacher_id": MENTOR,
        "subject": SUBJECT,
        "school_year": "2025/26",
        "percent": "?",
    },
    "reserve": {"school_id": SCHOOL, "teacher_id": MENTOR, "formed_on": "?"},
    "schools": {"school_id": SCHOOL, "kind": "?"},
    "plans": {"appointment_id": "A1", "drafted_on": "?"},
}


class CaseError(MentorRulesError):
    """A case that gives what no case can give."""


@dataclass(frozen=True)
class CaseResult:
    """A case as run: what it expects and what came out."""

    rule: str
    says: str
    expected: str
    found: str

    @property
    def passed(self) -> bool:
        """Whether the rule gave what the case expects."""
        return self.expected == self.found


@dataclass(frozen=True)
class JudgedCase:
    """What the inputs of a case come to: the facts, and what the rule makes of them."""

    bound: BoundRule
    facts: Mapping[FactId, Fact]
    day: date  # the one that picks the edition
    ordered_on: date
    first_day: date  # of the appointment
    as_of: date
    outcome: Outcome
    verdict: str  # of the rule alone; "none" where it touches none
    because: tuple[str, ...]  # the reasons given for a breach, in English


def run_cases(rulebook: Rulebook, rules: Iterable[Rule] | None = None) -> list[CaseResult]:
    """Give the result of every case of `rules` (default: of the whole rulebook).

    Raises RulebookError, naming every case that gives what cannot be given.
    """
    return [
        CaseResult(rule.id, case.says, *_compared(case, found))
        for rule, judged in judged_cases(rulebook, rules)
        for case, found in zip(rule.cases, judged, strict=True)
    ]


def _compared(case: CaseShape, found: JudgedCase) -> tuple[str, str]:
    """Give what is expected and what was found; of what is alike only the outcome is told."""
    expected, came = [str(case.expect)], [str(found.outcome)]
    if case.verdict is not None and case.verdict != found.verdict:
        expected.append(f"verdict {case.verdict}")
        came.append(f"verdict {found.verdict}")
    if case.because is not None and tuple(case.because) != found.because:
        expected.append(f"because {case.because}")
        came.append(f"because {list(found.because)}")
    return ", ".join(expected), ", ".join(came)


def judged_cases(
    rulebook: Rulebook, rules: Iterable[Rule] | None = None
) -> list[tuple[Rule, list[JudgedCase]]]:
    """Give what every case of `rules` comes to, rule by rule.

    Raises RulebookError as `run_cases` does.
    """
    found = []
    problems: list[Problem] = []
    for rule in rulebook.rules if rules is None else rules:
        judged = []
        for place, case in enumerate(rule.cases):
            try:
                judged.append(judge_case(rulebook, rule, case))
            except (UsageError, CaseError) as error:
                path = f"case.{place}"
                problems.append(Problem(rule.file, path, f"{case.says}: {error}", "mend the case"))
        found.append((rule, judged))
    if problems:
        raise RulebookError(problems)
    return found


def run_case(rulebook: Rulebook, rule: Rule, shape: CaseShape) -> Outcome:
    """Give the outcome of a rule on the records that a case gives."""
    return judge_case(rulebook, rule, shape).outcome


def judge_case(rulebook: Rulebook, rule: Rule, shape: CaseShape) -> JudgedCase:
    """Give what a rule makes of the records that a case gives."""
    settled = rulebook.settle(shape.readings)
    bound = bind(rule, settled)
    engine = Closure((bound,))
    try:
        case = as_case(shape.given)
    except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise CaseError(f"an input has another form than it should: {error}") from None
    first_day = case.appointed().first_day
    days: dict[DatedBy, date] = {
        "ordered_on": case.on,
        "starts_on": first_day,
        "formed_on": case.on,
    }
    judged: Case | Formation = case
    if rule.id.startswith("reserve/"):
        judged = _formation(rulebook, settled, case)
        days["formed_on"] = judged.formed_on or LAST_DAY
    facts = {(name, keys): FACTS[name](judged, *keys) for name, keys in engine.facts}
    bounds = [part for fact in facts.values() for part in (fact.lo, fact.hi)]
    (outcomes,) = engine.outcomes(bounds, days)
    verdicts = [Verdicts((bound,), weight, settled) for weight in ("blocking", "remediable")]
    touched = [one.decide([outcomes]) for one in verdicts if one.places]
    outcome = merged(outcomes)
    act = facts[bound.readings[0].timing] if bound.readings[0].timing is not None else None
    undone = isinstance(act, ActFact) and act.undone  # of what is not done there is no more to say
    day = days[rule.dated_by]
    because = engine.reasons(bound, bounds, day) if outcome == "breached" and not undone else ()
    return JudgedCase(
        bound,
        facts,
        day,
        case.on,
        first_day,
        case.as_of,
        outcome,
        touched[0] if touched else "none",
        tuple(reason.en for reason in because),
    )


def _formation(rulebook: Rulebook, settled: Settled, case: Case) -> Formation:
    """Give the one reserve that a case describes."""
    bench = bench_for(rulebook, settled, "en", "candidate")

    def may_enter(teacher_id: str, school_id: str, on: date) -> Eligibility:
        one = Case(
            case.dossier, case.calendar, teacher_id, school_id, None, on, on, purpose="reserve"
        )
        return judge(bench, one).opinion.eligibility

    found = list(formations(case.dossier, case.school_id, may_enter))
    if len(found) != 1:
        raise CaseError("the rows of reserve must be formed on one day")
    return found[0]


def as_case(given: Mapping[str, Any]) -> Case:
    """Give the person and the records that the inputs of a case describe.

    Raises CaseError where an input is unknown, or makes a row that cannot be read unasked.
    """
    for name in sorted(set(given) - GIVEN):
        raise CaseError(f"a case cannot give {name}{nearest(name, GIVEN)}")
    calendar = SchoolCalendar.load()
    on = given.get("on", DEFAULT_ON)
    mentee = MENTOR if given.get("same_person") else MENTEE
    subject = given.get("subject", SUBJECT) or None
    tables: dict[str, list[dict[str, Any]]] = {
        "schools": [
            {"school_id": SCHOOL, "kind": given.get("school_kind"), "week": given.get("week")}
        ],
        "teachers": _teachers(given, mentee),
        "appointments": [
            {
                "appointment_id": "A1",
                "school_id": SCHOOL,
                "mentor_id": MENTOR,
                "mentee_id": mentee,
                "subject": subject,
                "ordered_on": on,
                "starts_on": given.get("starts_on"),
                "ends_on": given.get("ends_on"),
            },
            *(
                {
                    "appointment_id": f"A{number}",
                    "school_id": SCHOOL,
                    "mentor_id": other.get("mentor", "T9"),
                    "mentee_id": mentee,
                    "ordered_on": other.get("starts_on", on),
                    **{key: value for key, value in other.items() if key != "mentor"},
                }
                for number, other in enumerate(given.get("others", ()), start=2)
            ),
        ],
        "quality": _quality(
            given, [year.label for year in calendar.completed_before(on, YEARS_COUNTED)]
        ),
    }
    for table in ("categories", "posts"):
        if table in given:
            tables[table] = [{"teacher_id": MENTOR, **row} for row in given[table]]
    if "plan" in given:
        tables["plans"] = [{"appointment_id": "A1", **given["plan"]}]
    if "reserve" in given:
        tables["reserve"] = [
            {
                "school_id": SCHOOL,
                "teacher_id": row.get("teacher", MENTOR),
                **{column: cell for column, cell in row.items() if column != "teacher"},
            }
            for row in given["reserve"]
        ]
    asked = list(given.get("unreadable", ()))
    for table in asked:
        if table not in _UNREADABLE:
            raise CaseError(f"no table {table} can be unreadable{nearest(table, _UNREADABLE)}")
        tables.setdefault(table, []).append(_UNREADABLE[table])
    dossier = Dossier.from_tables({table: tables[table] for table in TABLES if table in tables})
    for row in dossier.invalid:
        if row.spoils and row.table not in asked:
            raise CaseError(f"{row.table} {row.column}: {row.code.replace('_', ' ')}")
    return Case(
        dossier,
        calendar,
        MENTOR,
        SCHOOL,
        subject,
        on,
        given.get("as_of", DEFAULT_AS_OF),
        given.get("purpose", "appointment"),
        next(item for item in dossier.appointments if item.appointment_id == "A1"),
    )


def _teachers(given: Mapping[str, Any], mentee: str) -> list[dict[str, Any]]:
    mentor = {
        "teacher_id": MENTOR,
        "school_id": given.get("mentor_school", SCHOOL),
        "subjects": given.get("subjects", []),
        **{column: given[column] for column in _TEACHER_COLUMNS if column in given},
    }
    other = {
        "teacher_id": MENTEE,
        "school_id": given.get("mentee_school", SCHOOL),
        "first_taught_on": given.get("mentee_first_taught_on"),
    }
    if mentee == MENTOR:
        mentor.setdefault("first_taught_on", given.get("mentee_first_taught_on"))
    # A school "" says that the teacher has no row.
    return [row for row in (mentor, other) if row["school_id"]]


def _quality(given: Mapping[str, Any], years: list[str]) -> list[dict[str, Any]]:
    stated = given.get("quality", {})
    by_subject = stated if isinstance(stated, Mapping) else {SUBJECT: stated}
    rows = [
        (subject, year, figure)
        for subject, figures in by_subject.items()
        for year, figure in zip(years, figures, strict=True)
        if figure != MISSING
    ]
    rows += [(SUBJECT, year, figure) for year, figure in given.get("other_years", {}).items()]
    return [
        {
            "teacher_id": MENTOR,
            "subject": subject,
            "school_year": year,
            "percent": f"{Decimal(figure) / 100}%",
        }
        for subject, year, figure in rows
    ]
