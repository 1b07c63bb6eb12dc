"""The engine `frame`: the rules as expressions over columns of facts, for whole nations.

A fact takes two columns of whole numbers, the bounds of what is possible, or one, the set of
values that are (a sum of powers of two). A check becomes two conditions over them, as in
`closure`: *must* (true for every completion of what is missing) and *may* (true for some). The
expressions are narwhals', and so the same on Polars, DuckDB and Spark; nothing in them divides
or joins bits, which those do not do alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from itertools import product
from typing import Any

import narwhals as nw

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
from mentor_rules.facts import IN_TIME, LATE, SPECS, WAITING, YES, FactId, FactSpec
from mentor_rules.rulebook import BoundRule, DatedBy, Figure, Outcome, Settled
from mentor_rules.verdict import Eligibility, Procedure, Verdicts

# Outcomes as numbers: the greater is the graver, and the first three let a verdict pass.
OUTCOMES: tuple[Outcome, ...] = (
    "satisfied",
    "not_applicable",
    "not_in_force",
    "pending",
    "unknown",
    "breached",
    "disputed",
)
SATISFIED, NOT_APPLICABLE, NOT_IN_FORCE, PENDING, UNKNOWN, BREACHED, DISPUTED = range(7)
ELIGIBILITY: tuple[Eligibility, ...] = (
    "eligible",
    "undetermined",
    "depends",
    "ineligible",
    "not_judged",
)
PROCEDURE: tuple[Procedure, ...] = (
    "compliant",
    "pending",
    "undetermined",
    "depends",
    "breached",
    "not_judged",
)

# A condition, or one that no fact can change.
Condition = nw.Expr | bool
Number = nw.Expr | int

_FLIPPED = {">=": "<=", ">": "<"}


@dataclass(frozen=True)
class Columns:
    """The names of the columns that hold a fact: its bounds, which are one for a closed value."""

    lo: str
    hi: str


class Frame:
    """The rules of a bound rulebook as expressions over columns of facts.

    `facts` names the columns that are read, beside those of `days` (ordinals of
    `datetime.date`). No column may hold a null.
    """

    name = "frame"
    days: Mapping[DatedBy, str] = {"ordered_on": "day:ordered_on", "starts_on": "day:starts_on"}

    def __init__(self, rules: Sequence[BoundRule], settled: Settled) -> None:
        self.rules = tuple(rules)
        self.facts: Mapping[FactId, Columns] = _columns(rules)
        self._verdicts = {
            weight: Verdicts(rules, weight, settled) for weight in ("blocking", "remediable")
        }

    @property
    def columns(self) -> list[str]:
        """The columns that are read."""
        own = [name for columns in self.facts.values() for name in (columns.lo, columns.hi)]
        return list(dict.fromkeys([*self.days.values(), *own]))

    def judge(self, facts: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Give columns of facts with the outcomes, those over all readings, and the verdicts."""
        judged = facts.with_columns(*self.outcomes().values())
        if over_readings := self.merged():
            judged = judged.with_columns(*over_readings.values())
        return judged.with_columns(*self.verdicts().values())

    def outcomes(self) -> dict[str, nw.Expr]:
        """Give, by column name, the outcome of each rule under each of its readings, as a code.

        The names are those of `reading_columns`.
        """
        return {
            name: expression.alias(name)
            for rule in self.rules
            for name, expression in zip(
                reading_columns(rule), _outcomes(rule, self.facts, self.days), strict=True
            )
        }

    def merged(self) -> dict[str, nw.Expr]:
        """Give, by rule, the outcome over all readings as a code, from `outcomes`."""
        return {
            rule.rule.id: _merged(rule).alias(rule.rule.id)
            for rule in self.rules
            if reading_columns(rule) != (rule.rule.id,)
        }

    def verdicts(self) -> dict[str, nw.Expr]:
        """Give both verdicts as codes, the places in ELIGIBILITY and PROCEDURE."""
        return {
            "eligibility": self._eligibility().alias("eligibility"),
            "procedure": self._procedure().alias("procedure"),
        }

    def _reached(self, weight: str) -> tuple[list[list[nw.Expr]], nw.Expr]:
        """Give what combinations reach, group by group, and whether any rule is in force."""
        verdicts = self._verdicts[weight]
        groups = [
            [
                _most(nw.col(reading_columns(self.rules[place])[at]) for place, at in selected)
                for _, selected in group.combinations
            ]
            for group in verdicts.groups
        ]
        in_force = _any(
            nw.col(reading_columns(self.rules[place])[0]) != NOT_IN_FORCE
            for place in verdicts.places
        )
        return groups, in_force

    def _eligibility(self) -> nw.Expr:
        groups, in_force = self._reached("blocking")
        least, most, _ = _extremes(groups)
        # A blocking rule that is pending counts as open.
        some_open = _any(one.is_in([PENDING, UNKNOWN]) for group in groups for one in group)
        return _first_of(
            (~in_force, _code(ELIGIBILITY, "not_judged")),
            (most <= NOT_IN_FORCE, _code(ELIGIBILITY, "eligible")),
            (least == BREACHED, _code(ELIGIBILITY, "ineligible")),
            ((least <= UNKNOWN) & some_open, _code(ELIGIBILITY, "undetermined")),
            otherwise=_code(ELIGIBILITY, "depends"),
        )

    def _procedure(self) -> nw.Expr:
        groups, in_force = self._reached("remediable")
        least, most, some_unknown = _extremes(groups)
        same = least == most
        return _first_of(
            (~in_force, _code(PROCEDURE, "not_judged")),
            (same & (least == NOT_IN_FORCE), _code(PROCEDURE, "compliant")),
            (same & (least == PENDING), _code(PROCEDURE, "pending")),
            (same & (least == BREACHED), _code(PROCEDURE, "breached")),
            ((least <= UNKNOWN) & some_unknown, _code(PROCEDURE, "undetermined")),
            otherwise=_code(PROCEDURE, "depends"),
        )


def reading_columns(rule: BoundRule) -> tuple[str, ...]:
    """Give the column of a rule's outcome under each reading: its id, and what is read how."""
    return tuple(
        " ".join([rule.rule.id, *(f"{question}={reading}" for question, reading in one.when)])
        for one in rule.readings
    )


def _extremes(groups: Sequence[Sequence[nw.Expr]]) -> tuple[nw.Expr, nw.Expr, nw.Expr]:
    """Give the least and the greatest rank that is reached, and whether unknown may be.

    Groups share no question, so any combination of one goes with any of another. The least that
    is reached is what some group cannot escape; whatever is greater somewhere is reached too.
    """
    passed = nw.lit(NOT_IN_FORCE, nw.Int8)
    least = _most([passed, *(_least(group) for group in groups)])
    every = [one for group in groups for one in group]
    return least, _most([passed, *every]), _any(one == UNKNOWN for one in every)


def _merged(rule: BoundRule) -> nw.Expr:
    """Give the outcome of a rule over its readings, as `verdict.merged` does."""
    columns = [nw.col(name) for name in reading_columns(rule)]
    if len(columns) == 1:
        return columns[0]
    most = _most(columns)
    return _first_of(
        (most == _least(columns), most),
        (_any(column == UNKNOWN for column in columns), _code(OUTCOMES, "unknown")),
        (most == NOT_APPLICABLE, _code(OUTCOMES, "satisfied")),
        otherwise=_code(OUTCOMES, "disputed"),
    )


# One rule ----------------------------------------------------------------------------------


def _outcomes(
    rule: BoundRule, facts: Mapping[FactId, Columns], days: Mapping[DatedBy, str]
) -> list[nw.Expr]:
    """Give the outcome of a rule under each reading, by the edition of the day it is dated by."""
    day = nw.col(days[rule.rule.dated_by])
    outcomes = [_code(OUTCOMES, "not_in_force")] * len(rule.readings)
    for first in rule.rule.changes_on:
        if rule.rule.in_force_on(first):
            edition = _edition(rule, facts, first)
        else:
            edition = [_code(OUTCOMES, "not_in_force")] * len(rule.readings)
        outcomes = [
            nw.when(day >= first.toordinal()).then(new).otherwise(old)
            for new, old in zip(edition, outcomes, strict=True)
        ]
    return outcomes


def _edition(rule: BoundRule, facts: Mapping[FactId, Columns], day: date) -> list[nw.Expr]:
    """Give the outcome of a rule under each reading, with the figures of one day."""
    writer = _Writer(rule.rule.figures, facts, day)
    found = []
    for reading in rule.readings:
        must_apply, may_apply = (writer.write(reading.applies, must=must) for must in (True, False))
        must, may = (writer.write(reading.check, must=must) for must in (True, False))
        satisfied, breached, pending = (
            _code(OUTCOMES, name) for name in ("satisfied", "breached", "pending")
        )
        not_applicable = (_not(may_apply), _code(OUTCOMES, "not_applicable"))
        if reading.timing is None:
            steps = [(must, satisfied), (_both(must_apply, _not(may)), breached)]
        else:
            # The act of a rule: a set of in time, late and waiting.
            stands = nw.col(facts[reading.timing].lo)
            waits = (_both(must_apply, stands == WAITING), pending)
            if reading.timing[1][0].judged_undone:
                steps = [(must, satisfied), (_both(must_apply, _not(may)), breached), waits]
            else:
                never_in_time = _either(stands == LATE, _both(stands < WAITING, _not(may)))
                steps = [
                    waits,
                    (_both(must_apply, never_in_time), breached),
                    (_both(stands == IN_TIME, must), satisfied),
                ]
        found.append(_first_of(not_applicable, *steps, otherwise=_code(OUTCOMES, "unknown")))
    return found


class _Writer:
    """Writes conditions over the columns of facts, for one day's figures."""

    def __init__(
        self, figures: Mapping[str, Figure], facts: Mapping[FactId, Columns], day: date
    ) -> None:
        self._figures, self._facts, self._day = figures, facts, day

    def write(self, expression: Expression, *, must: bool) -> Condition:
        match expression:
            case Constant(value=value):
                return value
            case Predicate(name=name):
                return self._member(name, YES, must=must)
            case Not(item=item):
                return _not(self.write(item, must=not must))
            case And(items=items):
                return reduce(_both, (self.write(item, must=must) for item in items))
            case Or(items=items):
                return reduce(_either, (self.write(item, must=must) for item in items))
            case Compare(operands=operands, operators=operators):
                return self._compare(operands, operators, must=must)
        raise TypeError(type(expression).__name__)

    def _member(self, name: Name, bits: int, *, must: bool) -> Condition:
        """Tell whether a closed value is certainly, or possibly, one of those in `bits`."""
        spec, column = SPECS[name.name], nw.col(self._facts[name.name, name.keys].lo)
        if must:
            return _not(_meets(column, spec, spec.everything & ~bits))
        return _meets(column, spec, bits)

    def _compare(
        self, operands: tuple[Operand, ...], operators: tuple[str, ...], *, must: bool
    ) -> Condition:
        left, right = operands[0], operands[1]
        if isinstance(right, Name) and isinstance(left, Literal) and _is_closed(right):
            left, right = right, left
        if isinstance(left, Name) and _is_closed(left):
            spec = SPECS[left.name]
            assert isinstance(right, Literal)  # noqa: S101 - the loader refuses anything else
            values = right.value if isinstance(right.value, tuple) else (right.value,)
            bits = sum(spec.bit(str(value)) for value in set(values))
            if operators[0] in ("!=", "not in"):
                bits = spec.everything & ~bits
            return self._member(left, bits, must=must)
        if operators[0] in (">", ">="):
            operands, operators = operands[::-1], tuple(_FLIPPED[op] for op in operators[::-1])
        bounds = [self._bounds(operand) for operand in operands]
        condition: Condition = True
        for one, operator, other in zip(bounds, operators, bounds[1:], strict=False):
            condition = _both(condition, _pair(one, operator, other, must=must))
        if len(bounds) == 3 and not must:
            # Between the two ends there must be room for the fact in the middle.
            room = sum(operator == "<" for operator in operators)
            condition = _both(condition, bounds[0][0] + room <= bounds[2][1])
        return condition

    def _bounds(self, operand: Operand) -> tuple[Number, Number]:
        if isinstance(operand, Literal):
            assert isinstance(operand.value, int)  # noqa: S101 - texts stand beside closed values
            return operand.value, operand.value
        if operand.name in SPECS:
            columns = self._facts[operand.name, operand.keys]
            return nw.col(columns.lo), nw.col(columns.hi)
        figure = self._figures[operand.name]
        column = operand.keys[len(figure.by)] if len(operand.keys) > len(figure.by) else "value"
        return self._looked_up(figure, column)

    def _looked_up(self, figure: Figure, column: str) -> tuple[Number, Number]:
        """Give the lowest and the highest figure that the possible keys may look up."""
        rows = {keys: columns[column] for keys, columns in figure.on(self._day).items()}
        if not figure.by:
            return rows[()], rows[()]
        specs = [SPECS[fact] for fact in figure.by]
        keys = [nw.col(self._facts[fact, ()].lo) for fact in figure.by]
        everything = min(rows.values()), max(rows.values())
        low, high = nw.lit(everything[0], nw.Int32), nw.lit(everything[1], nw.Int32)
        for masks in product(*(range(1, spec.everything + 1) for spec in specs)):
            possible = [
                value
                for key, value in rows.items()
                if all(
                    mask & spec.bit(one) for mask, spec, one in zip(masks, specs, key, strict=True)
                )
            ]
            if (min(possible), max(possible)) == everything:
                continue
            held = nw.all_horizontal(
                *(key == mask for key, mask in zip(keys, masks, strict=True)), ignore_nulls=True
            )
            low = nw.when(held).then(nw.lit(min(possible), nw.Int32)).otherwise(low)
            high = nw.when(held).then(nw.lit(max(possible), nw.Int32)).otherwise(high)
        return low, high


def _pair(
    one: tuple[Number, Number], operator: str, other: tuple[Number, Number], *, must: bool
) -> Condition:
    """Compare two bounded numbers: certainly, or possibly."""
    (low, high), (other_low, other_high) = one, other
    if operator == "<=":
        return high <= other_low if must else low <= other_high
    if operator == "<":
        return high < other_low if must else low < other_high
    equal = reduce(_both, (low == high, high == other_low, other_low == other_high))
    meet = _both(low <= other_high, other_low <= high)
    if operator == "==":
        return equal if must else meet
    return _not(meet) if must else _not(equal)


def _meets(column: nw.Expr, spec: FactSpec, bits: int) -> Condition:
    """Tell whether a set shares a value with `bits`: run by run of neighbouring values.

    A set holds one of the values `first` to `last` if what is left of it below the value after
    `last` is not below that of `first`.
    """
    condition: Condition = False
    first = 0
    while bits >> first:
        if not bits >> first & 1:
            first += 1
            continue
        last = first
        while bits >> last + 1 & 1:
            last += 1
        below = column if last == len(spec.values) - 1 else column % (1 << last + 1)
        condition = _either(condition, below >= 1 << first)
        first = last + 1
    return condition


def _is_closed(name: Name) -> bool:
    return name.name in SPECS and SPECS[name.name].kind == "set"


def _columns(rules: Iterable[BoundRule]) -> dict[FactId, Columns]:
    """Give the columns of every fact that a rule reads: its name and keys.

    How an act stands is named by the rule and the reading that ask. No name has a dot, which
    Spark takes for a field.
    """
    columns: dict[FactId, Columns] = {}
    for rule in rules:
        for reading, label in zip(rule.readings, reading_columns(rule), strict=True):
            for fact in reading.facts:
                name = (
                    f"timing {label}" if fact == reading.timing else ":".join((fact[0], *fact[1]))
                )
                closed = SPECS[fact[0]].kind == "set"
                columns.setdefault(
                    fact, Columns(name, name) if closed else Columns(f"{name}:lo", f"{name}:hi")
                )
    return columns


# Conditions, of which some need no fact ------------------------------------------------------


def _code(names: Sequence[str], name: str) -> nw.Expr:
    return nw.lit(names.index(name), nw.Int8)


def _first_of(*steps: tuple[Condition, nw.Expr], otherwise: nw.Expr) -> nw.Expr:
    """Give the value beside the first condition that holds."""
    value = otherwise
    for condition, then in reversed(steps):
        if isinstance(condition, bool):
            value = then if condition else value
        else:
            value = nw.when(condition).then(then).otherwise(value)
    return value


def _not(one: Condition) -> Condition:
    return not one if isinstance(one, bool) else ~one


def _both(one: Condition, other: Condition) -> Condition:
    if isinstance(one, bool):
        return other if one else False
    if isinstance(other, bool):
        return one if other else False
    return one & other


def _either(one: Condition, other: Condition) -> Condition:
    if isinstance(one, bool):
        return True if one else other
    if isinstance(other, bool):
        return True if other else one
    return one | other


def _any(conditions: Iterable[nw.Expr]) -> nw.Expr:
    found = list(conditions)
    return reduce(lambda one, other: one | other, found) if found else nw.lit(False)


def _most(values: Iterable[nw.Expr]) -> nw.Expr:
    found = list(values)
    return nw.max_horizontal(*found) if len(found) > 1 else found[0]


def _least(values: Iterable[nw.Expr]) -> nw.Expr:
    found = list(values)
    return nw.min_horizontal(*found) if len(found) > 1 else found[0]
