"""What z3 says of rules: encoded anew from the parsed checks, with days for the dues of acts.

Of the library's proofs nothing is used: no cells, no tables of outcomes, no order of due dates.
Facts are whole numbers, closed values their places; what cannot be together is written down here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import combinations
from typing import Any

import z3

from mentor_rules.checks import (
    And,
    Compare,
    Constant,
    Expression,
    Literal,
    Not,
    Or,
    Predicate,
)
from mentor_rules.facts import SPECS, Term, Timing
from mentor_rules.rulebook import BoundReading, Rule

SATISFIED, BREACHED, NOT_APPLICABLE, PENDING = range(4)
EXPIRED = SPECS["category"].values.index("expired")


class World:
    """One situation in which nothing is missing, as z3 variables, and what must hold in it."""

    def __init__(self, rule: Rule, day: date, known: World | None = None) -> None:
        self.rule, self.day = rule, day
        self.facts: dict[str, Any] = known.facts if known else {}
        self.must: list[Any] = known.must if known else []
        self._moved: dict[str, list[tuple[Any, Any]]] = known._moved if known else {}

    def fact(self, name: str, keys: tuple[Any, ...] = ()) -> Any:
        code = f"{name}[{','.join(keys)}]"
        if code not in self.facts:
            spec, found = SPECS[name], z3.Int(code)
            self.facts[code] = found
            last = len(spec.values) - 1 if spec.kind == "set" else spec.hi
            self.must.append(z3.And(found >= (0 if spec.kind == "set" else spec.lo), found <= last))
        return self.facts[code]

    def possible(self) -> Any:
        """Everything that holds of the facts named so far, whatever the records say."""
        pairs = combinations(self.facts, 2)
        between = [
            held
            for one, other in pairs
            for left, right in ((one, other), (other, one))
            for held in self._between(left, right)
        ]
        return z3.And(*self.must, *between)

    def _between(self, left: str, right: str) -> list[Any]:
        one, other = self.facts[left], self.facts[right]
        (name, _, keys), (also, _, others) = left.partition("["), right.partition("[")
        if name == also and name in ("ethics", "ethics_now"):
            return [one == other]
        if name == also and name in ("post", "post_now") and keys == "holds_post]":
            return [one <= other]
        if name == also and name in ("category", "category_now") and keys == "must_be_valid]":
            return [z3.Or(one <= other, one == EXPIRED)]
        if name == also == "quality":
            subjects, periods = ("every", "mentored", "any"), ("each_year", "mean")
            (s, p), (t, q) = (x.rstrip("]").split(",") for x in (keys, others))
            if subjects.index(s) <= subjects.index(t) and periods.index(p) <= periods.index(q):
                return [one <= other]
        days = {
            ("starts_year_begins", "starts_on"),
            ("plan_may_begin_on", "starts_on"),
            ("starts_on", "school_year_ends"),
            ("half_year_ends", "school_year_ends"),
            ("starts_year_begins", "school_year_ends"),
            ("plan_may_begin_on", "school_year_ends"),
        }
        return [one <= other] if (name, also) in days else []

    # Expressions ------------------------------------------------------------------------

    def holds(self, item: Expression) -> Any:
        match item:
            case Constant(value=value):
                return z3.BoolVal(value)
            case Predicate(name=name):
                return self.fact(name.name, name.keys) == 1
            case Not(item=inner):
                return z3.Not(self.holds(inner))
            case And(items=items):
                return z3.And(*(self.holds(part) for part in items))
            case Or(items=items):
                return z3.Or(*(self.holds(part) for part in items))
            case Compare(operands=operands, operators=operators):
                pairs = zip(operands, operators, operands[1:], strict=False)
                return z3.And(*(self.compared(*pair) for pair in pairs))
        raise AssertionError(item)

    def compared(self, left: Any, sign: str, right: Any) -> Any:
        if sign in ("in", "not in"):
            found = z3.Or(*(self.compared(left, "==", Literal(one)) for one in right.value))
            return found if sign == "in" else z3.Not(found)
        for one, other in ((left, right), (right, left)):
            if isinstance(other, Literal) and isinstance(other.value, str):
                place = SPECS[one.name].values.index(other.value)
                same = self.fact(one.name, one.keys) == place
                return same if sign == "==" else z3.Not(same)
        one, other = self.number(left), self.number(right)
        return {
            ">=": one >= other,
            ">": one > other,
            "<=": one <= other,
            "<": one < other,
            "==": one == other,
            "!=": one != other,
        }[sign]

    def number(self, operand: Any) -> Any:
        if isinstance(operand, Literal):
            return z3.IntVal(operand.value)
        if operand.name in SPECS:
            return self.fact(operand.name, operand.keys)
        figure = self.rule.figures[operand.name]
        rest = operand.keys[len(figure.by) :]
        column = rest[0] if rest else "value"
        found: Any = z3.IntVal(0)
        for row in figure.rows:
            if row.first <= self.day and (row.until is None or self.day < row.until):
                keys = zip(figure.by, row.keys, strict=True)
                here = [self.fact(fact) == SPECS[fact].values.index(key) for fact, key in keys]
                found = z3.If(z3.And(*here), row.columns[column], found)
        return found

    # Acts -------------------------------------------------------------------------------

    def stands(self, timing: Timing) -> tuple[Any, Any]:
        """Whether an act is in time, and whether it waits; else it is late."""
        if timing.in_order:
            stands = z3.Int("in_order")
            return stands == 0, stands == 1
        done, day = self._act(timing)
        if timing.due is None:
            return done, z3.Not(done)
        due = self.due(timing.due)
        return z3.And(done, day <= due), z3.And(z3.Not(done), self._as_of() <= due)

    def _as_of(self) -> Any:
        return z3.Int("as_of")

    def _act(self, timing: Timing) -> tuple[Any, Any]:
        code = "+".join(timing.done)
        done, day = z3.Bool(f"done {code}"), z3.Int(f"day {code}")
        self.must.append(z3.Implies(done, day <= self._as_of()))
        return done, day

    def due(self, due: Term | str) -> Any:
        if isinstance(due, str):
            return self.fact(due)
        if isinstance(due.start, str):
            start = self.fact(due.start)
        else:
            done, day = self._act(due.start)
            assert due.start.due is not None
            start = z3.If(done, day, self.due(due.start.due))
        if due.unit == "working":
            return self._later("working", start)
        (_, _, count) = due.counts[-1]
        last = start + count - (1 if due.same_day else 0)
        return self._later("roll", last) if due.roll else last

    def _later(self, code: str, day: Any) -> Any:
        """The next working day, or the last of so many: not before, and later for a later day."""
        found = z3.Function(code, z3.IntSort(), z3.IntSort())(day)
        self.must.append(found >= day if code == "roll" else found > day)
        for earlier, moved in self._moved.setdefault(code, []):
            self.must.append(z3.Implies(earlier <= day, moved <= found))
            self.must.append(z3.Implies(day <= earlier, found <= moved))
        self._moved[code].append((day, found))
        return found

    def outcome(self, reading: BoundReading) -> Any:
        applies, check = self.holds(reading.applies), self.holds(reading.check)
        decided: Any = z3.If(check, SATISFIED, BREACHED)
        if reading.timing is not None and not reading.timing[1][0].judged_undone:
            in_time, waits = self.stands(reading.timing[1][0])
            decided = z3.If(waits, PENDING, z3.If(z3.And(in_time, check), SATISFIED, BREACHED))
        return z3.If(applies, decided, NOT_APPLICABLE)


def possible(world: World, *conditions: Any) -> bool:
    solver = z3.Solver()
    solver.add(world.possible(), *conditions)
    found = solver.check()
    assert found != z3.unknown
    return bool(found == z3.sat)


def reachable(rule: Rule, day: date, reading: BoundReading) -> set[int]:
    """The outcomes that a reading can come to where nothing is missing."""
    world = World(rule, day)
    outcome = world.outcome(reading)
    return {wanted for wanted in range(4) if possible(world, outcome == wanted)}


def differ(rule: Rule, day: date, one: BoundReading, other: BoundReading) -> bool:
    world = World(rule, day)
    first, second = world.outcome(one), world.outcome(other)
    return possible(world, _fine(first) != _fine(second))


def wronged(rule: Rule, day: date, one: BoundReading, other: BoundReading) -> bool:
    """Whether the one can be breached where the other is satisfied, or does not apply."""
    world = World(rule, day)
    first, second = world.outcome(one), world.outcome(other)
    return possible(world, first == BREACHED, _fine(second) == SATISFIED)


def _fine(outcome: Any) -> Any:
    return z3.If(outcome == NOT_APPLICABLE, SATISFIED, outcome)


def contradict(
    rules: Sequence[Rule], days: Sequence[date], readings: Sequence[BoundReading]
) -> bool:
    """Whether both can apply, each be met where both do, and never both be met."""
    first = World(rules[0], days[0])
    worlds = [first, World(rules[1], days[1], first)]
    parts: list[tuple[Any, Any]] = [
        (world.holds(reading.applies), world.holds(reading.check))
        for world, reading in zip(worlds, readings, strict=True)
    ]
    both = z3.And(*(applies for applies, _ in parts))
    met = [z3.And(both, check) for _, check in parts]
    return all(possible(first, one) for one in met) and not possible(first, *met)
