"""The engine `closure`: each rule compiled once into a plain function over bounds.

A check becomes two conditions over the bounds of its facts: *must* (true for every
completion of what is missing) and *may* (true for some). They are exact because every fact
that can be missing occurs once (the loader sees to that). The source of the function is
written from the checked tree alone: whole numbers, list positions, nothing of the rule's
text.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import product
from typing import Any

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
from mentor_rules.engines.opinion import Outcomes as Outcomes
from mentor_rules.facts import IN_TIME, LATE, SPECS, WAITING, YES, FactId
from mentor_rules.rulebook import BoundRule, DatedBy, Figure, Outcome, Rule, Texts

Judge = Callable[[Sequence[int]], Outcomes]

_FLIPPED = {">=": "<=", ">": "<"}


@dataclass(frozen=True)
class _Compiled:
    """A rule's functions, one per span of days in which nothing of it changes."""

    dated_by: DatedBy
    first_days: tuple[int, ...]
    judges: tuple[Judge | None, ...]  # None: not in force
    not_in_force: Outcomes

    def on(self, day: date) -> Judge | None:
        place = bisect_right(self.first_days, day.toordinal()) - 1
        return self.judges[place] if place >= 0 else None


class Closure:
    """The rules of a bound rulebook as functions over one list of bounds."""

    name = "closure"

    def __init__(self, rules: Sequence[BoundRule]) -> None:
        self.rules = tuple(rules)
        self.facts: tuple[FactId, ...] = tuple(
            dict.fromkeys(fact for rule in rules for fact in rule.facts)
        )
        places = {fact: 2 * place for place, fact in enumerate(self.facts)}
        self._places = places
        self._compiled = [_compile(rule, places) for rule in rules]

    def outcomes(self, bounds: Sequence[int], days: Mapping[DatedBy, date]) -> tuple[Outcomes, ...]:
        """Give, per rule, the outcome under each of its combinations of live readings.

        `bounds` holds lo and hi of each of `facts` in turn, `days` the day that each
        `dated_by` names.
        """
        results = []
        for compiled in self._compiled:
            judge = compiled.on(days[compiled.dated_by])
            results.append(compiled.not_in_force if judge is None else judge(bounds))
        return tuple(results)

    def reasons(self, rule: BoundRule, bounds: Sequence[int], day: date) -> tuple[Texts, ...]:
        """Give the further sentences of a breached rule whose facts certainly call for them."""
        return tuple(
            texts for holds, texts in self._reasons(rule, _edition(rule.rule, day)) if holds(bounds)
        )

    @cache  # noqa: B019 - an engine lives as long as the rulebook it was made for
    def _reasons(
        self, rule: BoundRule, day: date
    ) -> tuple[tuple[Callable[[Sequence[int]], bool], Texts], ...]:
        found = []
        for reason in rule.reasons:
            writer = _Writer(rule.rule.figures, self._places, day)
            found.append((writer.function(writer.write(reason.when, must=True)), reason.texts))
        return tuple(found)


def _edition(rule: Rule, day: date) -> date:
    """Give the first day of the span around `day` in which nothing of the rule changes."""
    return rule.changes_on[bisect_right(rule.changes_on, day) - 1]


def _compile(bound: BoundRule, places: Mapping[FactId, int]) -> _Compiled:
    rule = bound.rule
    not_in_force: Outcome = "not_in_force"
    judges = tuple(
        _judge(bound, places, day) if rule.in_force_on(day) else None for day in rule.changes_on
    )
    return _Compiled(
        rule.dated_by,
        tuple(day.toordinal() for day in rule.changes_on),
        judges,
        (not_in_force,) * len(bound.readings),
    )


def _judge(bound: BoundRule, places: Mapping[FactId, int], day: date) -> Judge:
    writer = _Writer(bound.rule.figures, places, day)
    cells = []
    for reading in bound.readings:
        must_apply, may_apply = (writer.write(reading.applies, must=must) for must in (True, False))
        must, may = (writer.write(reading.check, must=must) for must in (True, False))
        if reading.timing is None:
            breached = f"B if {must_apply} and not ({may}) else U"
            decided = f"S if {must} else {breached}"
        else:
            # The act of a rule: a set of in time, late and waiting.
            stands = f"f[{places[reading.timing]}]"
            breached = f"{stands} == {LATE} or not ({stands} & {WAITING} or {may})"
            pending = f"P if {must_apply} and {stands} == {WAITING}"
            decided = (
                f"{pending} else B if {must_apply} and ({breached}) "
                f"else S if {stands} == {IN_TIME} and {must} else U"
            )
            if reading.timing[1][0].judged_undone:
                decided = (
                    f"S if {must} else B if {must_apply} and not ({may}) else {pending} else U"
                )
        cells.append(f"N if not ({may_apply}) else {decided}")
    judge: Judge = writer.function(f"({', '.join(cells)},)")
    return judge


class _Writer:
    """Writes conditions over `f`, the list of bounds, for one day's figures."""

    def __init__(
        self, figures: Mapping[str, Figure], places: Mapping[FactId, int], day: date
    ) -> None:
        self._figures, self._places, self._day = figures, places, day
        self._names: dict[str, Any] = {
            "S": "satisfied",
            "B": "breached",
            "U": "unknown",
            "N": "not_applicable",
            "P": "pending",
        }

    def function(self, body: str) -> Any:
        """Give the function that returns `body`."""
        namespace = {"__builtins__": {}, **self._names}
        # The text holds only what this class wrote: numbers, positions and its own names.
        return eval(compile(f"lambda f: {body}", "<rule>", "eval"), namespace)  # noqa: S307

    def write(self, expression: Expression, *, must: bool) -> str:
        match expression:
            case Constant(value=value):
                return "True" if value else "False"
            case Predicate(name=name):
                return self._member(name, YES, must=must)
            case Not(item=item):
                return f"(not {self.write(item, must=not must)})"
            case And(items=items):
                return f"({' and '.join(self.write(item, must=must) for item in items)})"
            case Or(items=items):
                return f"({' or '.join(self.write(item, must=must) for item in items)})"
            case Compare(operands=operands, operators=operators):
                return self._compare(operands, operators, must=must)
        raise TypeError(type(expression).__name__)

    def _place(self, name: Name) -> int:
        return self._places[name.name, name.keys]

    def _member(self, name: Name, bits: int, *, must: bool) -> str:
        others = SPECS[name.name].everything & ~bits
        place = self._place(name)
        return f"(not f[{place}] & {others})" if must else f"(f[{place}] & {bits} != 0)"

    def _compare(
        self, operands: tuple[Operand, ...], operators: tuple[str, ...], *, must: bool
    ) -> str:
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
        pairs = zip(operands, operators, operands[1:], strict=False)
        parts = [self._pair(one, operator, other, must=must) for one, operator, other in pairs]
        if len(operands) == 3 and not must:
            # Between the two ends there must be room for the fact in the middle.
            room = sum(operator == "<" for operator in operators)
            first, last = self._bounds(operands[0])[0], self._bounds(operands[2])[1]
            parts.append(f"({first} + {room} <= {last})")
        return f"({' and '.join(parts)})"

    def _pair(self, one: Operand, operator: str, other: Operand, *, must: bool) -> str:
        (low, high), (other_low, other_high) = self._bounds(one), self._bounds(other)
        if operator in ("<=", "<"):
            return (
                f"({high} {operator} {other_low})" if must else f"({low} {operator} {other_high})"
            )
        equal = f"({low} == {high} == {other_low} == {other_high})"
        meet = f"({low} <= {other_high} and {other_low} <= {high})"
        if operator == "==":
            return equal if must else meet
        return f"(not {meet})" if must else f"(not {equal})"

    def _bounds(self, operand: Operand) -> tuple[str, str]:
        if isinstance(operand, Literal):
            return str(operand.value), str(operand.value)
        if operand.name in SPECS:
            place = self._place(operand)
            return f"f[{place}]", f"f[{place + 1}]"
        figure = self._figures[operand.name]
        column = operand.keys[len(figure.by)] if len(operand.keys) > len(figure.by) else "value"
        rows = figure.on(self._day)
        if not figure.by:
            value = str(rows[()][column])
            return value, value
        table = f"T{len(self._names)}"
        self._names[table] = _table(figure, column, self._day)
        key = ", ".join(f"f[{self._places[fact, ()]}]" for fact in figure.by)
        return f"{table}[{key},][0]", f"{table}[{key},][1]"


def _is_closed(name: Name) -> bool:
    return name.name in SPECS and SPECS[name.name].kind == "set"


def _table(figure: Figure, column: str, day: date) -> dict[tuple[int, ...], tuple[int, int]]:
    """Give the lowest and highest figure for every combination of sets of possible keys."""
    rows = figure.on(day)
    table = {}
    specs = [SPECS[fact] for fact in figure.by]
    for masks in product(*(range(1, spec.everything + 1) for spec in specs)):
        possible = [
            columns[column]
            for keys, columns in rows.items()
            if all(mask & spec.bit(key) for mask, spec, key in zip(masks, specs, keys, strict=True))
        ]
        table[masks] = (min(possible), max(possible))
    return table
