"""The engine `durable`: the same rules, proved by the forward-chaining package durable-rules.

A second opinion: it shares with `closure` the parsed rules and the facts, and not how they are
judged. Of each rule and reading are written the *ways* to prove that it is satisfied, breached,
pending or not applicable: comparisons of whole numbers that must hold together of one fact,
the case. What nothing proves is unknown, so a proof that gets lost can accuse nobody. What was
found is asserted in turn, and rules of durable-rules chain it to the two verdicts.

The package is sound only behind fences, and they stand in this module: no timer threads, one
lock for a whole evaluation, one session that is always deleted, every fact with an id of its
own and all its fields, every rule guarded by the kind of its fact, a rule that every fact
fires, and no `$nex`, `$not`, `$or`, regular expression, join or null. Anything unexpected is an
`EngineFault`, never a verdict.
"""

import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import pairwise, product
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from mentor_rules.checks import (
    And,
    Compare,
    Constant,
    Expression,
    Literal,
    Name,
    Not,
    Operand,
    Or,
    Predicate,
)
from mentor_rules.engines.opinion import Eligibility, EngineFault, Opinion, Outcomes, Procedure
from mentor_rules.facts import SPECS, FactId
from mentor_rules.rulebook import BoundReading, BoundRule, DatedBy, Figure, Outcome, Rule, Settled

NAME = "durable"

# durable-rules bears 64 rules that match one fact, and 255 properties of a fact. Fewer rules
# make smaller facts, which each of them is handed: of 5 to 60, about 30 were the quickest.
MAX_WAYS, MAX_FIELDS = 30, 240
# So many ways at most are multiplied out; what has more is proved in steps.
MAX_MULTIPLIED = 24

MAX_TOGETHER = 65_535  # hits that an action is given at once

SESSION = "session"  # session ids are hashed to 32 bits: there is only ever this one
OPENING, CASE, VERDICT = "opening", "case", "verdict"
READ = "read"  # what the rule concludes that every fact fires

# The package keeps one table for all its rulesets, and its sessions bear no second thread.
_LOCK = threading.Lock()


@cache
def available() -> bool:
    """Tell whether durable-rules is installed and can be imported."""
    try:
        _host_class()
    except ImportError:
        return False
    return True


@cache
def _host_class() -> Any:
    from durable import engine

    # It measures how long an action takes, by a clock that may jump, that runs on while the
    # process is suspended, and that from Python 3.12 on warns at every look.
    engine._unix_now = time.process_time

    class Host(engine.Host):  # type: ignore[misc]  # the package has no types
        """A host without the two timer threads, which nothing can stop."""

        def _run(self) -> None:
            return

        def forget(self) -> None:
            """Give back the memory of the rulesets, which the package itself never does."""
            for ruleset in self._ruleset_list:
                engine.durable_rules_engine.delete_ruleset(ruleset._handle)

    return Host


# Ways to prove something -----------------------------------------------------------------


class Field(NamedTuple):
    """Another field of the same fact."""

    name: str


class Atom(NamedTuple):
    """One comparison: a field with a whole number, a closed string or another field."""

    field: str
    sign: str
    right: int | str | Field


# What must hold together; and in which ways something may be proved, any of which is enough.
Way = frozenset[Atom]
Ways = tuple[Way, ...]
ALWAYS: Ways = (frozenset(),)
NEVER: Ways = ()

_SIGNS = {"!=": "$neq", ">=": "$gte", "<": "$lt", "<=": "$lte"}


def _one(field: str, sign: str, right: int | str | Field) -> Ways:
    return (frozenset({Atom(field, sign, right)}),)


def _given(**values: int | str) -> Way:
    return frozenset(Atom(field, "==", value) for field, value in values.items())


def _any(parts: Iterable[Ways]) -> Ways:
    """Give the ways of all parts, without those that ask more than another."""
    every = dict.fromkeys(way for part in parts for way in part)
    return tuple(way for way in every if not any(other < way for other in every))


def _joined(one: Ways, other: Ways) -> Ways:
    together = (way | more for way, more in product(one, other))
    return _any([tuple(way for way in together if not _contradicts(way))])


def _contradicts(way: Way) -> bool:
    """Tell whether whole numbers in a way exclude each other, such as two editions."""
    least: dict[str, int] = {}
    below: dict[str, int] = {}
    equal: dict[str, set[int]] = {}
    for field, sign, right in way:
        if isinstance(right, int):
            if sign == ">=":
                least[field] = max(right, least.get(field, right))
            elif sign == "<":
                below[field] = min(right, below.get(field, right))
            elif sign == "==":
                equal.setdefault(field, set()).add(right)
    return any(least[field] >= below[field] for field in least.keys() & below.keys()) or any(
        len(values) > 1 for values in equal.values()
    )


def _condition(kind: str, way: Way) -> dict[str, Any]:
    """Give the condition of a way as durable-rules takes it: one key in each dict."""
    written: list[dict[str, Any]] = [{"kind": kind}]
    for field, sign, right in sorted(way, key=str):
        value = {"$m": right.name} if isinstance(right, Field) else right
        written.append({field: value} if sign == "==" else {_SIGNS[sign]: {field: value}})
    return {"$and": written}


# The fact of a case -----------------------------------------------------------------------

Reader = Callable[[Sequence[int], Mapping[DatedBy, date]], int]


class _Fields:
    """The fields of the fact of a case, and how each is read off the bounds and the days."""

    def __init__(self, facts: Sequence[FactId]) -> None:
        self._places = {fact: 2 * place for place, fact in enumerate(facts)}
        self.readers: dict[str, Reader] = {}

    def bound(self, fact: FactId, *, upper: bool) -> str:
        """Give the field of the lowest or the highest that a fact may be."""
        place = self._places[fact] + upper
        return self._field(f"b{place}", lambda bounds, _: bounds[place])

    def following(self, bound: str) -> str:
        """Give the field of the whole number that follows a bound."""
        place = int(bound.removeprefix("b"))
        return self._field(f"a{place}", lambda bounds, _: bounds[place] + 1)

    def possible(self, fact: FactId, value: str) -> str:
        """Give the field that is 1 where a closed fact may have a value, else 0."""
        place, shift = self._places[fact], SPECS[fact[0]].values.index(value)
        return self._field(f"v{place}_{shift}", lambda bounds, _: bounds[place] >> shift & 1)

    def day(self, dated_by: DatedBy) -> str:
        """Give the field of a day that picks editions."""
        return self._field(dated_by, lambda _, days: days[dated_by].toordinal())

    def _field(self, name: str, read: Reader) -> str:
        self.readers.setdefault(name, read)
        return name


class _Steps:
    """What is proved first, and then counts as a field of its own: 1 where it was proved."""

    def __init__(self) -> None:
        self.ways: dict[str, Ways] = {}
        self._names: dict[Ways, str] = {}

    def all(self, parts: Iterable[Ways]) -> Ways:
        """Give the ways in which all parts hold."""
        found = list(parts)
        while prod(len(part) for part in found) > MAX_MULTIPLIED:
            widest = max(range(len(found)), key=lambda place: len(found[place]))
            found[widest] = _one(self._name(found[widest]), "==", 1)
        whole = ALWAYS
        for part in found:
            whole = _joined(whole, part)
        return whole

    def _name(self, ways: Ways) -> str:
        name = self._names.setdefault(ways, f"s{len(self._names)}")
        self.ways[name] = ways
        return name

    def round(self, ways: Ways) -> int:
        """Give how many rounds of steps have to be proved before these ways can be."""
        used = {atom.field for way in ways for atom in way} & self.ways.keys()
        return max((self.round(self.ways[name]) + 1 for name in used), default=0)


# The proofs of a rule ----------------------------------------------------------------------


class _Proofs:
    """Writes the ways to prove the outcomes of one rule."""

    def __init__(self, rule: Rule, fields: _Fields, steps: _Steps) -> None:
        self._rule, self._fields, self._all = rule, fields, steps.all
        self._day = fields.day(rule.dated_by)

    def not_in_force(self) -> Ways:
        """Give the ways in which the day lies outside the rule's force."""
        force = self._rule.in_force
        after = self._from(force.until) if force.until is not None else NEVER
        return _any([_one(self._day, "<", force.from_.toordinal()), after])

    def outcomes(self, reading: BoundReading) -> Iterator[tuple[Outcome, Ways]]:
        """Give the outcomes that can be proved under a reading, each with the ways to it."""
        force, act = self._rule.in_force, self._rule.act
        in_force = self._within(force.from_, force.until)
        applies = self._holds(reading.applies, certain=True)
        met = self._holds(reading.check, certain=True)
        missed = self._holds(reading.check, truth=False, certain=True)
        if reading.timing is not None:
            assert act is not None  # noqa: S101 - no other rule has a timing
            in_time, late, waiting = (self._stands(reading.timing, it) for it in _STANDINGS)
            if act.judged_undone:
                # The check decides wherever it is certain.
                may = [self._holds(reading.check, truth=it, certain=False) for it in (True, False)]
                waiting = self._all([waiting, *may])
            else:
                done = self._stands(reading.timing, {"in_time", "late"})
                met = self._all([in_time, met])
                missed = _any([late, self._all([done, missed])])
            yield "pending", self._all([in_force, applies, waiting])
        may_apply = self._holds(reading.applies, certain=False)
        never_applies = self._holds(reading.applies, truth=False, certain=True)
        yield "satisfied", self._all([in_force, may_apply, met])
        yield "breached", self._all([in_force, applies, missed])
        yield "not_applicable", self._all([in_force, never_applies])

    def _from(self, day: date) -> Ways:
        return _one(self._day, ">=", day.toordinal())

    def _within(self, first: date, until: date | None) -> Ways:
        end = _one(self._day, "<", until.toordinal()) if until is not None else ALWAYS
        return _joined(self._from(first), end)

    def _stands(self, timing: FactId, values: Iterable[str]) -> Ways:
        return self._member(timing, values, truth=True, certain=True)

    def _holds(self, expression: Expression, *, truth: bool = True, certain: bool) -> Ways:
        """Give the ways in which an expression certainly, or possibly, is true (or false)."""
        match expression:
            case Constant(value=value):
                return ALWAYS if value == truth else NEVER
            case Predicate(name=name):
                return self._member((name.name, name.keys), ["yes"], truth=truth, certain=certain)
            case Not(item=item):
                return self._holds(item, truth=not truth, certain=certain)
            case And(items=items) | Or(items=items):
                parts = [self._holds(item, truth=truth, certain=certain) for item in items]
                return self._all(parts) if isinstance(expression, And) == truth else _any(parts)
            case Compare(operands=operands, operators=operators):
                return self._compared(operands, operators, truth=truth, certain=certain)
        raise TypeError(type(expression).__name__)

    def _member(self, fact: FactId, values: Iterable[str], *, truth: bool, certain: bool) -> Ways:
        wanted, spec = set(values), SPECS[fact[0]]
        sought = [value for value in spec.values if (value in wanted) == truth]
        if not certain:
            return _any(_one(self._fields.possible(fact, value), "==", 1) for value in sought)
        others = [value for value in spec.values if value not in sought]
        return self._all(_one(self._fields.possible(fact, value), "==", 0) for value in others)

    def _compared(
        self,
        operands: tuple[Operand, ...],
        operators: tuple[str, ...],
        *,
        truth: bool,
        certain: bool,
    ) -> Ways:
        closed = _closed(operands)
        if closed is not None:
            fact, values = closed
            truth = truth == (operators[0] in ("==", "in"))
            return self._member(fact, values, truth=truth, certain=certain)
        if operators[0] in ("==", "!="):
            one, other = operands
            gap = 0 if truth == (operators[0] == "==") else 1
            both = [self._below(*pair, gap, certain) for pair in ((one, other), (other, one))]
            return self._all(both) if gap == 0 else _any(both)
        if operators[0] in (">=", ">"):
            operands = operands[::-1]
            operators = tuple("<=" if sign == ">=" else "<" for sign in operators[::-1])
        gaps = [int(sign == "<") for sign in operators]
        chain = [(*pair, gap) for pair, gap in zip(pairwise(operands), gaps, strict=True)]
        if len(gaps) > 1 and truth != certain:
            # Between its ends there must be room for what stands in the middle.
            chain.append((operands[0], operands[2], sum(gaps)))
        if truth:
            return self._all(self._below(one, other, gap, certain) for one, other, gap in chain)
        return _any(self._below(other, one, 1 - gap, certain) for one, other, gap in chain)

    def _below(self, one: Operand, other: Operand, gap: int, certain: bool) -> Ways:
        """Give the ways in which `one + gap <= other` certainly, or possibly."""
        return _any(
            self._all([low, high, self._at_most(edge, limit, gap)])
            for low, edge in self._edges(one, upper=certain, certain=certain)
            for high, limit in self._edges(other, upper=not certain, certain=certain)
        )

    def _at_most(self, edge: int | str, limit: int | str, gap: int) -> Ways:
        """Give the ways in which `edge + gap <= limit`, of whole numbers and fields."""
        if isinstance(edge, int):
            if isinstance(limit, int):
                return ALWAYS if edge + gap <= limit else NEVER
            return _one(limit, ">=", edge + gap)
        if isinstance(limit, int):
            return _one(edge, "<", limit - gap + 1)
        if gap == 2:
            edge = self._fields.following(edge)
        elif gap == -1:
            limit = self._fields.following(limit)
        return _one(edge, "<=" if gap in (0, -1) else "<", Field(limit))

    def _edges(
        self, operand: Operand, *, upper: bool, certain: bool
    ) -> Iterator[tuple[Ways, int | str]]:
        """Give what an operand certainly does not go beyond (upwards, or downwards), and when.

        If not `certain`: what it possibly reaches.
        """
        if isinstance(operand, Literal):
            assert isinstance(operand.value, int)  # noqa: S101 - texts are compared as members
            yield ALWAYS, operand.value
        elif operand.name in SPECS:
            yield ALWAYS, self._fields.bound((operand.name, operand.keys), upper=upper)
        else:
            yield from self._figures(operand, upper=upper, certain=certain)

    def _figures(self, name: Name, *, upper: bool, certain: bool) -> Iterator[tuple[Ways, int]]:
        figure = self._rule.figures[name.name]
        column = name.keys[len(figure.by)] if len(name.keys) > len(figure.by) else "value"
        for first, until in _editions(figure):
            rows = [(keys, row[column]) for keys, row in figure.on(first).items()]
            within = self._within(first, until)
            if not certain:
                for keys, value in rows:
                    yield self._all([within, self._looked_up(figure, keys, truth=True)]), value
                continue
            for limit in sorted({value for _, value in rows}):
                beyond = [
                    self._looked_up(figure, keys, truth=False)
                    for keys, value in rows
                    if (value > limit if upper else value < limit)
                ]
                yield self._all([within, *beyond]), limit

    def _looked_up(self, figure: Figure, keys: Iterable[str], *, truth: bool) -> Ways:
        """Give the ways in which a row may be the one that counts, or certainly is not."""
        fields = [
            self._fields.possible((fact, ()), key)
            for fact, key in zip(figure.by, keys, strict=True)
        ]
        if truth:
            return self._all(_one(field, "==", 1) for field in fields)
        return _any(_one(field, "==", 0) for field in fields)


_STANDINGS = ({"in_time"}, {"late"}, {"waiting"})


def _closed(operands: Sequence[Operand]) -> tuple[FactId, list[str]] | None:
    """Give the closed fact that is compared, and the values it is compared with."""
    for one, other in (operands[:2], operands[1::-1]):
        if isinstance(one, Name) and one.name in SPECS and SPECS[one.name].kind == "set":
            assert isinstance(other, Literal)  # noqa: S101 - the loader refuses anything else
            values = other.value if isinstance(other.value, tuple) else (other.value,)
            return (one.name, one.keys), [str(value) for value in values]
    return None


def _editions(figure: Figure) -> Iterator[tuple[date, date | None]]:
    """Give the spans of days in which nothing of a figure changes."""
    days = {row.first for row in figure.rows} | {row.until for row in figure.rows if row.until}
    ordered = sorted(days)
    yield from zip(ordered, [*ordered[1:], None], strict=True)


# From findings to verdicts -------------------------------------------------------------------

# What each kind of fact concludes. A finding is a rule's outcome under one reading; what its
# findings conclude are the fields of a combination of readings, then of a group of rules that
# share questions, then of the verdict.
_GRAVITY: Mapping[str, Ways] = {
    "breached": (_given(breached=1),),
    "unknown": (_given(breached=0, unknown=1),),
    "pending": (_given(breached=0, unknown=0, pending=1),),
    "fine": (_given(breached=0, unknown=0, pending=0, fine=1),),
    "in_force": (_given(in_force=1),),
}
CHAIN: Mapping[str, Mapping[str, Ways]] = MappingProxyType(
    {
        "finding": {
            "breached": (_given(outcome="breached"),),
            "unknown": (_given(outcome="unknown"),),
            "pending": (_given(outcome="pending"),),
            "fine": tuple(
                _given(outcome=fine) for fine in ("satisfied", "not_applicable", "not_in_force")
            ),
            "in_force": _one("outcome", "!=", "not_in_force"),
        },
        "combination": _GRAVITY,
        "group": {
            # What some combination reaches, and what none stays below.
            "breached": (_given(breached=1),),
            "unknown": (_given(unknown=1),),
            "pending": (_given(pending=1),),
            "fine": (_given(fine=1),),
            "never_fine": (_given(fine=0),),
            "at_best_unknown": (_given(fine=0, pending=0),),
            "at_best_breached": (_given(fine=0, pending=0, unknown=0),),
            "in_force": (_given(in_force=1),),
        },
        "eligibility": {
            "not_judged": (_given(in_force=0),),
            "ineligible": (_given(in_force=1, at_best_breached=1),),
            "eligible": (_given(in_force=1, never_fine=0, pending=0, unknown=0, breached=0),),
            "depends": (_given(in_force=1, never_fine=0, pending=0, unknown=0, breached=1),),
            "undetermined": (
                _given(in_force=1, at_best_breached=0, unknown=1),
                _given(in_force=1, at_best_unknown=0, pending=1),
            ),
        },
        "procedure": {
            "not_judged": (_given(in_force=0),),
            "breached": (_given(in_force=1, at_best_breached=1),),
            "compliant": (_given(in_force=1, never_fine=0, pending=0, unknown=0, breached=0),),
            "pending": (_given(in_force=1, never_fine=1, pending=1, unknown=0, breached=0),),
            "depends": (
                _given(in_force=1, never_fine=0, pending=1, unknown=0),
                _given(in_force=1, at_best_breached=0, unknown=0, breached=1),
            ),
            "undetermined": (_given(in_force=1, at_best_breached=0, unknown=1),),
        },
    }
)
VERDICTS = ("eligibility", "procedure")
_RANKS = frozenset({"breached", "unknown", "pending", "fine"})
# From every fact exactly one of these conclusions is drawn.
_ONE_OF: Mapping[str, frozenset[str]] = {
    "finding": _RANKS,
    "combination": _RANKS,
    "group": frozenset({"fine", "never_fine"}),
    **{verdict: frozenset(CHAIN[verdict]) for verdict in VERDICTS},
}
_WEIGHTS = {"eligibility": "blocking", "procedure": "remediable"}


class _Selected(NamedTuple):
    """That a combination of readings selects one reading of a rule."""

    combination: int
    place: int
    reading: int


class _Combined:
    """All combinations of live readings, by groups of rules that share questions."""

    def __init__(self, rules: Sequence[BoundRule], settled: Settled) -> None:
        self.selected: list[_Selected] = []
        self.group_of: list[int] = []  # of each combination
        self.verdict_of: list[int] = []  # of each group
        for verdict, name in enumerate(VERDICTS):
            counted = [
                place
                for place, rule in enumerate(rules)
                if rule.rule.weight == _WEIGHTS[name] and not rule.rule.id.startswith("reserve/")
            ]
            for group in _sharing(rules, counted):
                self._add(rules, group, settled)
                self.verdict_of.append(verdict)

    def _add(self, rules: Sequence[BoundRule], group: Sequence[int], settled: Settled) -> None:
        questions = sorted({question for place in group for question in rules[place].questions})
        for choice in product(*(settled.live[question] for question in questions)):
            chosen = set(zip(questions, choice, strict=True))
            for place in group:
                [reading] = [
                    number
                    for number, reading in enumerate(rules[place].readings)
                    if chosen.issuperset(reading.when)
                ]
                self.selected.append(_Selected(len(self.group_of), place, reading))
            self.group_of.append(len(self.verdict_of))


def _sharing(rules: Sequence[BoundRule], places: Iterable[int]) -> list[list[int]]:
    """Give the places in groups: rules that share a question stand in one."""
    groups: list[list[int]] = []
    for place in places:
        asked = set(rules[place].questions)
        near = [
            group
            for group in groups
            if any(asked.intersection(rules[other].questions) for other in group)
        ]
        groups = [group for group in groups if group not in near]
        groups.append([*(other for group in near for other in group), place])
    return groups


# Rulesets of durable-rules ---------------------------------------------------------------------


class Deduction(NamedTuple):
    """One rule of durable-rules: what is concluded from a fact of a kind, in one way."""

    kind: str
    way: Way
    concludes: str


Facts = Sequence[Mapping[str, int | str]]


class _Network:
    """Rulesets of durable-rules, behind all fences."""

    def __init__(self, rulesets: Mapping[str, Iterable[Deduction]]) -> None:
        self._hits: list[tuple[str, str]] = []
        # The package changes what it is given: these dicts are made here and used nowhere else.
        written = {name: self._written(rules) for name, rules in rulesets.items()}
        try:
            self._host = _host_class()()
            weakref.finalize(self, self._host.forget)
            self._host.set_rulesets(written)
        except Exception as error:
            raise EngineFault(NAME, type(error).__name__) from None

    def _written(self, deductions: Iterable[Deduction]) -> dict[str, Any]:
        """Give a ruleset as durable-rules takes it, with the rules that every fact fires."""
        readers = [Deduction(kind, frozenset(), READ) for kind in (OPENING, CASE)]
        rules = [*readers, *deductions]
        _expect_apart(field for rule in rules for field in _fields_of(rule.way))
        return {
            f"rule{number}": {
                "all": [{"m": _condition(kind, way)}],
                "cap": MAX_TOGETHER,
                "run": _note(self._hits, concludes),
            }
            for number, (kind, way, concludes) in enumerate(rules)
        }

    @contextmanager
    def session(self, ruleset: str) -> Iterator[None]:
        """Keep a session of a ruleset open; delete it at the end with all that it holds."""
        try:
            # A session in which nothing ever fired cannot be deleted without a crash.
            self._assert(ruleset, [{"kind": OPENING, "id": OPENING}])
            yield
        finally:
            # A session that is still there makes the next opening a fault.
            with suppress(Exception):
                self._host.delete_state(ruleset, SESSION)

    def conclusions(self, ruleset: str, kind: str, facts: Facts) -> list[set[str]]:
        """Assert facts of one kind in the open session; give what is concluded from each.

        From every fact something must be: else it was not read.
        """
        if not facts:
            return []
        concluded: dict[str, set[str]] = {f"{kind}{number}": set() for number in range(len(facts))}
        self._assert(
            ruleset,
            [{"kind": kind, "id": key, **fact} for key, fact in zip(concluded, facts, strict=True)],
        )
        for key, conclusion in self._hits:
            concluded[key].add(conclusion)
        if not all(concluded.values()):
            raise EngineFault(NAME, "a fact was not read")
        return [drawn - {READ} for drawn in concluded.values()]

    def _assert(self, ruleset: str, facts: Facts) -> None:
        self._hits.clear()
        try:
            state = self._host.assert_facts(ruleset, [{**fact, "sid": SESSION} for fact in facts])
        except Exception as error:
            raise EngineFault(NAME, type(error).__name__) from None
        # After ten seconds an action, and all that should follow, is dropped without a word.
        if not isinstance(state, dict):
            raise EngineFault(NAME, "actions were dropped")
        if "exception" in state:
            raise EngineFault(NAME, "an action raised")


def _note(hits: list[tuple[str, str]], conclusion: str) -> Callable[[Any], None]:
    """Give the action that notes a conclusion, and the facts that it was drawn from.

    It takes one parameter: for one with two, durable-rules would not wait.
    """

    def note(fired: Any) -> None:
        hits.extend((fact.id, conclusion) for fact in fired.m)

    return note


def _fields_of(way: Way) -> set[str]:
    others = {atom.right.name for atom in way if isinstance(atom.right, Field)}
    return {atom.field for atom in way} | others


def _expect_apart(fields: Iterable[str]) -> None:
    """Refuse fields that durable-rules would take for one: it knows them by their hashes."""
    names = {"kind", "id", "sid", *fields}
    if len({_hash(name) for name in names}) < len(names):
        raise EngineFault(NAME, "two fields with one hash")


def _hash(name: str) -> int:
    """Give the 32-bit hash (FNV-1a) of a name."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = (value ^ byte) * 16_777_619 % 2**32
    return value


# The engine ------------------------------------------------------------------------------------


class Claim(NamedTuple):
    """What a proof shows: an outcome of a rule under some of its readings, or a step."""

    place: int
    readings: tuple[int, ...]
    outcome: Outcome
    step: str = ""


@dataclass(frozen=True)
class _OfCase:
    """A ruleset about the case: its fields, and its claims by the names of its conclusions."""

    name: str
    fields: tuple[str, ...]
    claims: Mapping[str, Claim]


class Durable:
    """The rules of a bound rulebook in durable-rules, and the verdicts that follow from them."""

    name = NAME

    def __init__(self, rules: Sequence[BoundRule], settled: Settled) -> None:
        """Compile the rules. Raises EngineFault where durable-rules does not take them."""
        self.rules = tuple(rules)
        self._settled = settled
        self.facts: tuple[FactId, ...] = tuple(
            dict.fromkeys(fact for rule in rules for fact in rule.facts)
        )
        self._fields = _Fields(self.facts)
        self._steps = _Steps()
        self._combined = _Combined(self.rules, settled)
        self._of_case: list[_OfCase] = []
        rulesets = {
            VERDICT: [
                Deduction(kind, way, conclusion)
                for kind, conclusions in CHAIN.items()
                for conclusion, ways in conclusions.items()
                for way in ways
            ]
        }
        for part in _parts(self._rounds()):
            name = f"{CASE}{len(self._of_case)}"
            fields = sorted(set().union(*(_fields_of(way) for _, way in part)))
            claims = {str(number): claim for number, (claim, _) in enumerate(part)}
            self._of_case.append(_OfCase(name, tuple(fields), claims))
            rulesets[name] = [
                Deduction(CASE, way, str(number)) for number, (_, way) in enumerate(part)
            ]
        with _LOCK:
            self._network = _Network(rulesets)

    def __reduce__(self) -> tuple[type["Durable"], tuple[Sequence[BoundRule], Settled]]:
        """Make a copy from the rules: the package knows its rulesets by numbers of one process."""
        return Durable, (self.rules, self._settled)

    def _rounds(self) -> list[list[tuple[Claim, Way]]]:
        """Give all that is to be proved and in which ways, steps before what rests on them."""
        claims: list[tuple[Claim, Ways]] = []
        for place, bound in enumerate(self.rules):
            proofs = _Proofs(bound.rule, self._fields, self._steps)
            every = tuple(range(len(bound.readings)))
            claims.append((Claim(place, every, "not_in_force"), proofs.not_in_force()))
            claims += [
                (Claim(place, (number,), outcome), ways)
                for number, reading in enumerate(bound.readings)
                for outcome, ways in proofs.outcomes(reading)
            ]
        claims += [(Claim(0, (), "unknown", name), way) for name, way in self._steps.ways.items()]
        rounds: dict[int, list[tuple[Claim, Way]]] = {}
        for claim, ways in claims:
            rounds.setdefault(self._steps.round(ways), []).extend((claim, way) for way in ways)
        return [rounds[number] for number in sorted(rounds)]

    def opinion(self, bounds: Sequence[int], days: Mapping[DatedBy, date]) -> Opinion:
        """Give the outcomes of every rule, and the verdicts, of one case.

        `bounds` holds lo and hi of each of `facts` in turn, `days` the day that each
        `dated_by` names. Raises EngineFault if durable-rules broke.
        """
        with _LOCK:
            outcomes = self._outcomes(bounds, days)
            eligibility, procedure = self._verdicts(outcomes)
        # The words are those of CHAIN.
        return Opinion(outcomes, cast(Eligibility, eligibility), cast(Procedure, procedure))

    def _outcomes(
        self, bounds: Sequence[int], days: Mapping[DatedBy, date]
    ) -> tuple[Outcomes, ...]:
        values = {field: read(bounds, days) for field, read in self._fields.readers.items()}
        values |= dict.fromkeys(self._steps.ways, 0)
        proved: list[list[set[Outcome]]] = [[set() for _ in rule.readings] for rule in self.rules]
        for ruleset in self._of_case:
            fact = {field: values[field] for field in ruleset.fields}
            with self._network.session(ruleset.name):
                [conclusions] = self._network.conclusions(ruleset.name, CASE, [fact])
            for claim in map(ruleset.claims.__getitem__, conclusions):
                if claim.step:
                    values[claim.step] = 1
                for reading in claim.readings:
                    proved[claim.place][reading].add(claim.outcome)
        return tuple(tuple(map(_outcome, readings)) for readings in proved)

    def _verdicts(self, outcomes: Sequence[Outcomes]) -> tuple[str, ...]:
        combined = self._combined
        facts: Facts = [
            {"outcome": outcomes[place][reading]} for _, place, reading in combined.selected
        ]
        with self._network.session(VERDICT):
            for kind, above, count in (
                ("finding", [one.combination for one in combined.selected], len(combined.group_of)),
                ("combination", combined.group_of, len(combined.verdict_of)),
                ("group", combined.verdict_of, len(VERDICTS)),
            ):
                facts = _above(kind, self._drawn(kind, facts), above, count)
            drawn = [
                self._drawn(verdict, [fact])[0]
                for verdict, fact in zip(VERDICTS, facts, strict=True)
            ]
        return tuple(conclusion for [conclusion] in drawn)

    def _drawn(self, kind: str, facts: Facts) -> list[set[str]]:
        """Give the conclusions from each fact of a kind, of which one must always be drawn."""
        drawn = self._network.conclusions(VERDICT, kind, facts)
        if any(len(conclusions & _ONE_OF[kind]) != 1 for conclusions in drawn):
            raise EngineFault(NAME, "not one conclusion")
        return drawn


def _outcome(proved: set[Outcome]) -> Outcome:
    if len(proved) > 1:
        raise EngineFault(NAME, "two outcomes")
    return next(iter(proved), "unknown")


def _above(kind: str, drawn: Sequence[set[str]], above: Sequence[int], count: int) -> Facts:
    """Give the facts above those of a kind: a field for each conclusion, 1 where it was drawn.

    `above` holds for each of the facts below the place of the one above it.
    """
    facts: list[dict[str, int]] = [dict.fromkeys(CHAIN[kind], 0) for _ in range(count)]
    for conclusions, place in zip(drawn, above, strict=True):
        facts[place] |= dict.fromkeys(conclusions, 1)
    return facts


def _parts(rounds: Iterable[Iterable[tuple[Claim, Way]]]) -> Iterator[list[tuple[Claim, Way]]]:
    """Give the claims in parts that keep the limits of durable-rules."""
    for claims in rounds:
        part: list[tuple[Claim, Way]] = []
        fields: set[str] = set()
        for claim, way in claims:
            fields |= _fields_of(way)
            if len(part) == MAX_WAYS or len(fields) > MAX_FIELDS:
                yield part
                part, fields = [], _fields_of(way)
            part.append((claim, way))
        if part:
            yield part
