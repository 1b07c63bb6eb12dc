"""The rulebook: the shape of rule files, frozen rules, and rules under chosen readings.

One requirement, one file; the path below the act's folder is the rule's id.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cached_property
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from mentor_rules.checks import (
    And,
    Compare,
    Constant,
    Expression,
    Name,
    Not,
    Or,
    Predicate,
    names,
)
from mentor_rules.checks import Literal as LiteralOperand
from mentor_rules.errors import UsageError
from mentor_rules.facts import SPECS, FactId, Term, Timing
from mentor_rules.source import read_settings
from mentor_rules.vocabulary import Language
from mentor_rules.workdays import Unit

OPEN = "open"

# How an act's term is counted, by the unit of its figure; where its first day and its end may be.
UNITS: Mapping[str, Unit] = MappingProxyType(
    {"calendar days": "calendar", "working days": "working"}
)
TERM_STARTS = ("next_day", "same_day")
ROLLS = ("to_working_day", "none")
NO_DAY = "none"  # an act without a due date

Weight = Literal["blocking", "remediable", "advisory"]
Outcome = Literal[
    "satisfied",
    "breached",
    "unknown",
    "disputed",
    "pending",
    "not_applicable",
    "not_in_force",
]
# What a message may be about: an outcome, or one of the two ways in which an act is late.
Said = Literal[Outcome, "late", "overdue"]
# What a case may expect of the verdict: that on eligibility, that on procedure, or neither.
CaseVerdict = Literal[
    "eligible",
    "ineligible",
    "compliant",
    "breached",
    "pending",
    "depends",
    "undetermined",
    "not_judged",
    "none",
]
DatedBy = Literal["ordered_on", "starts_on", "formed_on"]
# The folder of a rule says what it is about, and so which verdict it touches.
FOLDERS = ("eligibility", "appointment", "plan", "reporting", "reserve")
NonEmpty = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


# The shape of a file ---------------------------------------------------------------------


class Shape(BaseModel):
    """What every part of a rule file has in common: strict, frozen all through, no unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="after")
    def _freeze(self) -> Self:
        vars(self).update({name: _frozen(value) for name, value in vars(self).items()})
        return self


def _frozen(value: Any) -> Any:
    """Give a value of TOML so that nobody who shares it can change it."""
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    if isinstance(value, Mapping):
        return MappingProxyType({name: _frozen(inner) for name, inner in value.items()})
    return value


class Texts(Shape):
    """One text in three languages."""

    en: NonEmpty
    kk: NonEmpty
    ru: NonEmpty

    def __getitem__(self, language: Language) -> str:
        return str(getattr(self, language))


class Source(Shape):
    """Where a norm comes from, and how sure that is; `point` and `wording` await the text."""

    act: NonEmpty
    place: NonEmpty
    point: str = ""
    wording: str = ""
    certainty: Literal["verified", "secondary", "advisory"]
    via: NonEmpty
    read_on: date


class InForce(Shape):
    """When a rule applies: from a day (inclusive) until a day (exclusive)."""

    from_: date = Field(alias="from")
    until: date | None = None


class FigureShape(Shape):
    """A figure as written."""

    unit: NonEmpty
    by: Sequence[Identifier] = ()
    rows: Annotated[Sequence[Mapping[str, Any]], Field(min_length=1)]
    source: Source | None = None


class Reading(Shape):
    """One honest way to read the norm, or one rejected with its reason."""

    means: Texts
    binds: Mapping[Identifier, NonEmpty] = {}
    rejected: Texts | None = None


class Question(Shape):
    """Where the norm can be read in more than one way; `order` names readings mildest first."""

    status: Literal["live", "settled"]
    order: Annotated[Sequence[Identifier], Field(min_length=2)]
    asks: Texts
    readings: Mapping[Identifier, Reading]
    default: Identifier | None = None

    @property
    def bound(self) -> frozenset[str]:
        """The names that every reading binds."""
        allowed = [self.readings[name].binds for name in self.order if name in self.readings]
        return frozenset.intersection(*map(frozenset, allowed)) if allowed else frozenset()


class ReasonShape(Shape):
    """A reason as written."""

    when: NonEmpty
    en: NonEmpty
    kk: NonEmpty
    ru: NonEmpty


class CaseShape(Shape):
    """A test case of a rule: `given` are inputs, `expect` the outcome.

    `verdict` is what the rule would make of the appointment or the plan by itself; `because`
    holds the reasons that are given for a breach, in English.
    """

    says: NonEmpty
    given: Mapping[str, Any]
    readings: Mapping[str, str] = {}
    expect: Outcome
    verdict: CaseVerdict | None = None
    because: Sequence[NonEmpty] | None = None


class ActTiming(Shape):
    """The act that a rule asks for: what makes it up, who acts, and by when.

    `from_` is a date fact or another rule, whose act it runs from; `until` a date fact, another
    rule, whose due date it has, or `none`. `until`, `term_starts` and `roll` may be names that
    readings bind. `judged_undone`: the check decides wherever it is certain, and the act only
    tells what is pending from what is unknown.
    """

    done: Sequence[str] = ()
    in_order: Sequence[str] = ()
    from_: NonEmpty | None = Field(default=None, alias="from")
    term: Identifier | None = None
    term_starts: NonEmpty | None = None
    roll: NonEmpty | None = None
    until: NonEmpty | None = None
    judged_undone: bool = False
    who: Texts


class RuleShape(Shape):
    """A rule file as written."""

    norms: Annotated[Sequence[NonEmpty], Field(min_length=1)]
    weight: Weight
    about: Literal["mentor", "mentee", "appointment", "school"]
    dated_by: DatedBy
    check: NonEmpty | None = None
    applies: NonEmpty | None = None
    act: ActTiming | None = None
    title: Texts
    in_force: InForce
    source: Source
    figures: Mapping[Identifier, FigureShape] = {}
    questions: Mapping[Identifier, Question] = {}
    messages: Mapping[Said, Texts]
    remedy: Texts
    reason: Sequence[ReasonShape] = ()
    case: Sequence[CaseShape] = ()


class Act(Shape):
    """The act: number, dates, registration, titles."""

    number: NonEmpty
    signed_on: date = Field(alias="date")
    registered_on: date
    registration: NonEmpty
    adilet: NonEmpty
    under: NonEmpty
    title: Texts
    authority: Texts


class Read(Shape):
    """What of the act was read, and what was not."""

    read_on: date
    assumed_in_force: date
    was_read: Texts
    not_read: Texts
    texts: Texts
    in_force: Texts


class Document(Shape):
    """The paper that would settle a missing fact, and who can supply it."""

    document: Texts
    who: Texts


class Coverage(Shape):
    """One norm of the act, and what the rulebook makes of it."""

    id: NonEmpty
    norm: NonEmpty
    status: Literal["rule", "advisory", "off", "note", "planned"]
    rules: Sequence[NonEmpty]
    reason: str = ""


class ActShape(Shape):
    """The file `order.toml` as written."""

    id: Identifier
    act: Act
    read: Read
    questions: Mapping[Identifier, Question] = {}
    profiles: Mapping[Identifier, Mapping[Identifier, Identifier]] = {}
    documents: Mapping[Identifier, Document] = {}
    coverage: Sequence[Coverage] = ()


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Give the known name nearest to `name`, or nothing."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return near[0] if near else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """Give `: did you mean …?` for the known name nearest to `name`, or nothing."""
    near = nearest_name(name, known)
    return f": did you mean {near}?" if near else ""


# What is loaded --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure from a day on (until a day, exclusive): its columns, under its keys."""

    first: date
    until: date | None
    keys: tuple[str, ...]
    columns: Mapping[str, int]
    source: Source  # the row's own, or the figure's


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the law: rows by date, looked up by facts, one column per reading."""

    name: str
    unit: str
    by: tuple[str, ...]
    rows: tuple[FigureRow, ...]

    def on(self, day: date) -> dict[tuple[str, ...], Mapping[str, int]]:
        """Give the rows in force on a day, by their keys."""
        return {
            row.keys: row.columns
            for row in self.rows
            if row.first <= day and (row.until is None or day < row.until)
        }


@dataclass(frozen=True, slots=True)
class Reason:
    """A further sentence for a breach whose facts certainly satisfy `when`."""

    when: Expression
    texts: Texts


@dataclass(frozen=True)
class Rule:
    """One requirement, as loaded from its file."""

    id: str
    file: str
    norms: tuple[str, ...]
    weight: Weight
    about: str
    dated_by: DatedBy
    check_text: str | None
    check: Expression
    applies_text: str | None
    applies: Expression
    act: ActTiming | None
    runs_after: Mapping[str, "Rule"]  # the rules whose acts `act` names
    title: Texts
    in_force: InForce
    source: Source
    figures: Mapping[str, Figure]
    questions: Mapping[str, Question]  # those it uses, its own and shared ones
    messages: Mapping[Said, Texts]
    remedy: Texts
    reasons: tuple[Reason, ...]
    cases: tuple[CaseShape, ...]
    norm: str  # in plain words: the comment at the head of the file, a line for each paragraph

    @cached_property
    def changes_on(self) -> tuple[date, ...]:
        """The days on which the rule or one of its figures changes, in order."""
        days = {self.in_force.from_}
        if self.in_force.until is not None:
            days.add(self.in_force.until)
        for figure in self.figures.values():
            for row in figure.rows:
                days.update(day for day in (row.first, row.until) if day is not None)
        return tuple(sorted(days))

    def in_force_on(self, day: date) -> bool:
        """Tell whether the rule applies on a day."""
        until = self.in_force.until
        return self.in_force.from_ <= day and (until is None or day < until)


@dataclass(frozen=True)
class Rulebook:
    """All rules of one act, immutable; `sha256` is over the files as they were read."""

    id: str
    act: Act
    read: Read
    rules: tuple[Rule, ...]
    questions: Mapping[str, Question]
    profiles: Mapping[str, Mapping[str, str]]
    documents: Mapping[str, Document]
    coverage: tuple[Coverage, ...]
    asked_in: Mapping[str, str]  # the file that declares each question
    sha256: str

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        return f"Rulebook({self.id}, {len(self.rules)} rules, {self.sha256[:12]})"

    def rule(self, rule_id: str) -> Rule:
        """Give the rule with this id. Raises UsageError if there is none."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        near = nearest_name(rule_id, [rule.id for rule in self.rules])
        raise UsageError("no_rule", rule=rule_id, near=near)

    def settle(
        self, readings: "Readings" = None, *, over: Mapping[str, str] | None = None
    ) -> "Settled":
        """Give the live readings of every question, mildest first.

        `readings` is a mapping of question to reading (or `open`), the name of a profile, or
        the path of a TOML file that holds such a mapping; `over` wins over it. Raises
        UsageError for an unknown question and an unknown or rejected reading.
        """
        chosen = {**self._mapping(readings), **(over or {})}
        return self._settled(chosen) if chosen else self._open

    @cached_property
    def _open(self) -> "Settled":
        """The live readings of every question where a user chose none."""
        return self._settled({})

    def _settled(self, chosen: Mapping[str, str]) -> "Settled":
        live: dict[str, tuple[str, ...]] = {}
        for name, reading in chosen.items():
            if name not in self.questions:
                near = nearest_name(name, self.questions)
                raise UsageError("no_question", question=name, near=near)
            question = self.questions[name]
            if reading == OPEN or reading in question.order:
                continue
            if reading in question.readings:
                raise UsageError("rejected_reading", question=name, reading=reading)
            allowed = ", ".join([*question.order, OPEN])
            raise UsageError("no_reading", question=name, reading=reading, allowed=allowed)
        for name, question in self.questions.items():
            settled = question.default if question.status == "settled" else None
            reading = chosen.get(name, settled or OPEN)
            live[name] = tuple(question.order) if reading == OPEN else (reading,)
        return Settled(MappingProxyType(live), tuple(sorted((k, v) for k, v in chosen.items())))

    def _mapping(self, readings: "Readings") -> dict[str, str]:
        if readings is None:
            return {}
        if isinstance(readings, Mapping):
            return {str(name): str(reading) for name, reading in readings.items()}
        if isinstance(readings, str) and readings in self.profiles:
            return dict(self.profiles[readings])
        if not isinstance(readings, str | Path):
            raise UsageError("no_readings", readings="?", profiles=", ".join(self.profiles))
        path = Path(readings)
        try:
            found = path.is_file()
        except (OSError, ValueError):
            found = False
        if not found:
            profiles = ", ".join(self.profiles)
            raise UsageError("no_readings", readings=str(readings), profiles=profiles)
        try:
            content = read_settings(path)
        except (OSError, ValueError):
            raise UsageError("not_readings", name=path.name) from None
        if not all(isinstance(reading, str) for reading in content.values()):
            raise UsageError("not_readings", name=path.name)
        return content


Readings = Mapping[str, str] | str | Path | None


@dataclass(frozen=True)
class Settled:
    """The live readings of each question, mildest first, and what a user chose."""

    live: Mapping[str, tuple[str, ...]]
    chosen: tuple[tuple[str, str], ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(sorted(self.live.items())))


Combination = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class BoundReading:
    """A rule under one combination of live readings: every name is a fact or a figure."""

    when: Combination
    applies: Expression
    check: Expression
    facts: tuple[FactId, ...]
    timing: FactId | None  # how the act stands, of a rule about an act


@dataclass(frozen=True, eq=False)
class BoundRule:
    """A rule under all combinations of the live readings it uses, the mildest first."""

    rule: Rule
    questions: tuple[str, ...]  # the live ones, by name
    readings: tuple[BoundReading, ...]
    reasons: tuple[Reason, ...]  # under the mildest readings
    facts: tuple[FactId, ...]
    facts_of_applies: tuple[FactId, ...]


class _Bindings(Mapping[str, str]):
    """What each name is bound to by a choice of readings; notes the questions that are asked."""

    def __init__(self, rule: Rule, choice: Mapping[str, str]) -> None:
        self._bound = {
            name: (question, value)
            for question, reading in choice.items()
            for name, value in rule.questions[question].readings[reading].binds.items()
        }
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        question, value = self._bound[name]
        self.asked.add(question)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._bound)

    def __len__(self) -> int:
        return len(self._bound)


def bind(rule: Rule, settled: Settled) -> BoundRule:
    """Give `rule` with the names that readings bind replaced, per combination of them.

    A question that no name asks for under any reading takes no part.
    """
    choices = _choices(rule.questions, settled)
    asked: set[str] = set()
    for choice in choices:
        bindings = _Bindings(rule, choice)
        _bound_parts(rule, bindings)
        asked |= bindings.asked
    live = [name for name in sorted(asked) if len(settled.live[name]) > 1]
    mildest = {name: settled.live[name][0] for name in rule.questions}
    readings: list[BoundReading] = []
    for choice in _choices(live, settled):
        applies, check, timing = _bound_parts(rule, _Bindings(rule, {**mildest, **choice}))
        facts = _facts_read(rule, (check, applies)) + ((timing,) if timing else ())
        readings.append(BoundReading(tuple(choice.items()), applies, check, facts, timing))
    of_mildest = _Bindings(rule, mildest)
    reasons = tuple(Reason(_bound(one.when, of_mildest), one.texts) for one in rule.reasons)
    of_reasons = _facts_read(rule, (reason.when for reason in reasons))
    facts = tuple(
        dict.fromkeys((*(fact for reading in readings for fact in reading.facts), *of_reasons))
    )
    of_applies = _facts_read(rule, (reading.applies for reading in readings))
    return BoundRule(rule, tuple(live), tuple(readings), reasons, facts, of_applies)


def _choices(questions: Iterable[str], settled: Settled) -> list[dict[str, str]]:
    """Give every combination of the readings of some questions, mildest first."""
    ordered = sorted(questions)
    return [
        dict(zip(ordered, choice, strict=True))
        for choice in product(*(settled.live[name] for name in ordered))
    ]


def _bound_parts(rule: Rule, bindings: _Bindings) -> tuple[Expression, Expression, FactId | None]:
    timing: FactId | None = ("timing", (_timing(rule, bindings),)) if rule.act else None
    return _bound(rule.applies, bindings), _bound(rule.check, bindings), timing


def _timing(rule: Rule, bindings: _Bindings) -> Timing:
    act = rule.act
    assert act is not None  # noqa: S101 - asked only of a rule about an act
    due = _due(rule, bindings)
    return Timing(tuple(act.done or act.in_order), bool(act.in_order), due, act.judged_undone)


def _due(rule: Rule, bindings: _Bindings) -> Term | str | None:
    """Give when the act of a rule is due, its names bound."""
    act = rule.act
    assert act is not None  # noqa: S101 - asked only of a rule about an act
    if act.from_ is not None and act.term is not None:
        after = rule.runs_after.get(act.from_)
        figure = rule.figures[act.term]
        return Term(
            _timing(after, bindings) if after is not None else act.from_,
            tuple((row.first, row.until, row.columns["value"]) for row in figure.rows),
            UNITS[figure.unit],
            roll=_named(act.roll, bindings) == ROLLS[0],
            same_day=_named(act.term_starts, bindings) == TERM_STARTS[1],
        )
    until = _named(act.until, bindings)
    if until in rule.runs_after:
        return _due(rule.runs_after[until], bindings)
    return until if until != NO_DAY else None


def _named(name: str | None, bindings: _Bindings) -> str:
    """Give what a name is bound to; what no reading binds stands for itself."""
    return bindings.get(name, name) if name is not None else NO_DAY


def _facts_read(rule: Rule, expressions: Iterable[Expression]) -> tuple[FactId, ...]:
    return tuple(
        dict.fromkeys(
            fact
            for expression in expressions
            for name in names(expression)
            for fact in facts_of(rule.figures, name)
        )
    )


def facts_of(figures: Mapping[str, Figure], name: Name) -> tuple[FactId, ...]:
    """Give the facts that a name reads: itself, or those that a figure is looked up by.

    A name bound by readings reads none.
    """
    if name.name in SPECS:
        return ((name.name, name.keys),)
    if name.name in figures:
        return tuple((fact, ()) for fact in figures[name.name].by)
    return ()


def _bound(expression: Expression, bindings: Mapping[str, str]) -> Expression:
    def operand(item: Name | LiteralOperand) -> Name | LiteralOperand:
        if isinstance(item, LiteralOperand):
            return item
        if not item.keys and item.name in bindings:
            return LiteralOperand(bindings[item.name])
        return Name(item.name, tuple(bindings.get(key, key) for key in item.keys))

    match expression:
        case Predicate(name=name):
            return Predicate(Name(name.name, tuple(bindings.get(key, key) for key in name.keys)))
        case Compare(operands=operands, operators=operators):
            bound = tuple(operand(item) for item in operands)
            if len(bound) == 2 and all(isinstance(item, LiteralOperand) for item in bound):
                return Constant(_holds(bound[0], operators[0], bound[1]))
            return Compare(bound, operators)
        case Not(item=item):
            return Not(_bound(item, bindings))
        case And(items=items):
            return And(tuple(_bound(item, bindings) for item in items))
        case Or(items=items):
            return Or(tuple(_bound(item, bindings) for item in items))
    return expression


def _holds(left: Any, operator: str, right: Any) -> bool:
    allowed = right.value if isinstance(right.value, tuple) else (right.value,)
    return (left.value in allowed) == (operator in ("==", "in"))
