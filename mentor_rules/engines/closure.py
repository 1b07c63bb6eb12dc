"""The engine `closure`: the rules compiled once into one plain function over bounds.

A check becomes two conditions over the bounds of its facts: *must* (true for every
completion of what is missing) and *may* (true for some). They are exact because every fact
that can be missing occurs once (the loader sees to that). The source of the function is
written from the checked tree alone: whole numbers, numbered variables, nothing of the rule's
text.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache, cached_property
from itertools import product
from types import MappingProxyType
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
from mentor_rules.engines.opinion import Opinion
from mentor_rules.engines.opinion import Outcomes as Outcomes
from mentor_rules.facts import IN_TIME, LATE, SPECS, WAITING, YES, FactId
from mentor_rules.rulebook import BoundReading, BoundRule, DatedBy, Figure, Rule, Texts
from mentor_rules.verdict import OF_RANK, RANKS, Eligibility, Procedure, Verdicts

Answer = tuple[tuple[Outcomes, ...], Eligibility, Procedure]
Days = Mapping[DatedBy, date]
_Table = dict[tuple[int, ...], int]  # of sets of possible keys
_FEW = 3  # values that are looked up by comparing, which is quicker than a table

_FLIPPED = {">=": "<=", ">": "<"}
_NAMES = tuple(OF_RANK.get(rank) for rank in range(max(OF_RANK) + 1))
# All that a function may name, beside its variables and tables.
_GLOBALS: Mapping[str, Any] = MappingProxyType(
    {
        "__builtins__": {},
        "max": max,
        "names": _NAMES,
        "alone": tuple((name,) for name in _NAMES),
    }
)
# Outcomes as they are written into functions: how grave they are, by which verdicts are decided.
_SATISFIED, _BREACHED, _UNKNOWN, _PENDING, _NOT_APPLICABLE, _NOT_IN_FORCE = (
    str(RANKS[outcome])
    for outcome in (
        *("satisfied", "breached", "unknown", "pending"),
        *("not_applicable", "not_in_force"),
    )
)


class Closure:
    """The rules of a bound rulebook as one function over the bounds of their facts.

    `verdicts`, the blocking and the remediable ones, are written into it, for `answer`.
    """

    name = "closure"

    def __init__(
        self, rules: Sequence[BoundRule], verdicts: tuple[Verdicts, Verdicts] | None = None
    ) -> None:
        self.rules, self._verdicts = tuple(rules), verdicts
        self.facts: tuple[FactId, ...] = tuple(
            dict.fromkeys(fact for rule in rules for fact in rule.facts)
        )
        self._places = {fact: 2 * place for place, fact in enumerate(self.facts)}

    @cached_property
    def outcomes(self) -> Callable[[Sequence[int], Days], tuple[Outcomes, ...]]:
        """Give, per rule, the outcome under each of its combinations of live readings.

        Of the bounds, which are lo and hi of each of `facts` in turn, and of the day that each
        `dated_by` names.
        """
        judge: Callable[[Sequence[int], Days], tuple[Outcomes, ...]] = self._written(())
        return judge

    @cached_property
    def answer(self) -> Callable[[Sequence[int], Days], Answer]:
        """Give the outcomes, as `outcomes` does, and both verdicts: what an Opinion holds."""
        assert self._verdicts is not None  # noqa: S101 - who asks for verdicts has given them
        judge: Callable[[Sequence[int], Days], Answer] = self._written(self._verdicts)
        return judge

    def opinion(self, bounds: Sequence[int], days: Days) -> Opinion:
        """Give the outcomes of every rule, and the verdicts, of one case, as `answer` does."""
        return Opinion(*self.answer(bounds, days))

    def _written(self, verdicts: Sequence[Verdicts]) -> Any:
        """Write the function of days and bounds that gives the outcomes, and verdicts if any."""
        writer = _Writer(self._places)
        dated_by = sorted({rule.rule.dated_by for rule in self.rules})
        found = _tuple(writer.rule(place, rule) for place, rule in enumerate(self.rules))
        if verdicts:
            found = _tuple([found, *(one.written(_rank) for one in verdicts)])
        return writer.function(found, [f"{name} = days[{name!r}].toordinal()" for name in dated_by])

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
            writer = _Writer(self._places)
            writer.dated(rule.rule.figures, day)
            found.append((writer.function(writer.write(reason.when, must=True)), reason.texts))
        return tuple(found)


def _edition(rule: Rule, day: date) -> date:
    """Give the first day of the span around `day` in which nothing of the rule changes."""
    return rule.changes_on[bisect_right(rule.changes_on, day) - 1]


def _tuple(cells: Iterable[str]) -> str:
    return f"({''.join(f'{cell},' for cell in cells)})"


def _rank(place: int, reading: int) -> str:
    return f"r{place}_{reading}"


def _named(place: int, outcomes: Sequence[str]) -> str:
    if len(outcomes) == 1:
        return f"alone[{_rank(place, 0)} := {outcomes[0]}]"
    return _tuple(f"names[{_rank(place, at)} := {one}]" for at, one in enumerate(outcomes))


class _Writer:
    """Writes conditions over the bounds of facts, which are variables named by their places."""

    def __init__(self, places: Mapping[FactId, int]) -> None:
        self._places = places
        self._figures: Mapping[str, Figure] = {}
        self._day = date.min
        self._tables: dict[str, Any] = {}

    def dated(self, figures: Mapping[str, Figure], day: date) -> None:
        """Write on with the figures of a day."""
        self._figures, self._day = figures, day

    def function(self, body: str, before: Sequence[str] = ()) -> Any:
        """Give the function of bounds (and days) that returns `body`, after some assignments."""
        unpacked = "".join(f"f{place}, " for place in range(2 * len(self._places)))
        lines = [f"[{unpacked}] = bounds", *before, f"return {body}"]
        namespace = {**_GLOBALS, **self._tables}
        # The text holds only what this class wrote: numbers, outcomes and its own names.
        exec("def judge(bounds, days=None):\n    " + "\n    ".join(lines), namespace)  # noqa: S102
        return namespace["judge"]

    def rule(self, place: int, bound: BoundRule) -> str:
        """Write the outcomes of a rule by its edition of the day it is dated by, and name them."""
        rule = bound.rule
        not_in_force = [_NOT_IN_FORCE] * len(bound.readings)
        editions = _named(place, not_in_force)
        for first in rule.changes_on:
            self.dated(rule.figures, first)
            in_force = rule.in_force_on(first)
            outcomes = [self._outcome(one) for one in bound.readings] if in_force else not_in_force
            edition = _named(place, outcomes)
            editions = f"({edition} if {rule.dated_by} >= {first.toordinal()} else {editions})"
        return editions

    def _outcome(self, reading: BoundReading) -> str:
        must_apply, may_apply = (self.write(reading.applies, must=must) for must in (True, False))
        must, may = (self.write(reading.check, must=must) for must in (True, False))
        if reading.timing is None:
            breached = f"{_BREACHED} if {must_apply} and not ({may}) else {_UNKNOWN}"
            decided = f"{_SATISFIED} if {must} else {breached}"
        else:
            # The act of a rule: a set of in time, late and waiting.
            stands = f"f{self._places[reading.timing]}"
            breached = f"{stands} == {LATE} or not ({stands} & {WAITING} or {may})"
            pending = f"{_PENDING} if {must_apply} and {stands} == {WAITING}"
            decided = (
                f"{pending} else {_BREACHED} if {must_apply} and ({breached}) "
                f"else {_SATISFIED} if {stands} == {IN_TIME} and {must} else {_UNKNOWN}"
            )
            if reading.timing[1][0].judged_undone:
                decided = (
                    f"{_SATISFIED} if {must} else {_BREACHED} if {must_apply} and not ({may}) "
                    f"else {pending} else {_UNKNOWN}"
                )
        return f"{_NOT_APPLICABLE} if not ({may_apply}) else {decided}"

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
        return f"(not f{place} & {others})" if must else f"(f{place} & {bits} != 0)"

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
            return f"f{place}", f"f{place + 1}"
        figure = self._figures[operand.name]
        column = operand.keys[len(figure.by)] if len(operand.keys) > len(figure.by) else "value"
        rows = figure.on(self._day)
        if not figure.by:
            value = str(rows[()][column])
            return value, value
        low, high = _lookups(figure, column, self._day)
        keys = [f"f{self._places[fact, ()]}" for fact in figure.by]
        return self._looked_up(low, keys), self._looked_up(high, keys)

    def _looked_up(self, table: Mapping[tuple[int, ...], int], keys: Sequence[str]) -> str:
        """Write the value beside the keys: of few that differ as conditions, else as a table."""
        common = Counter(table.values()).most_common(1)[0][0]
        others = {masks: value for masks, value in table.items() if value != common}
        if len(keys) == 1 and len(others) <= _FEW:
            rest = str(common)
            for masks, value in others.items():
                rest = f"{value} if {keys[0]} == {masks[0]} else {rest}"
            return f"({rest})"
        name = f"T{len(self._tables)}"
        self._tables[name] = dict(table)
        return f"{name}[{', '.join(keys)},]"


def _is_closed(name: Name) -> bool:
    return name.name in SPECS and SPECS[name.name].kind == "set"


def _lookups(figure: Figure, column: str, day: date) -> tuple[_Table, _Table]:
    """Give the lowest and the highest figure for every combination of sets of possible keys."""
    rows = figure.on(day)
    low: _Table = {}
    high: _Table = {}
    specs = [SPECS[fact] for fact in figure.by]
    for masks in product(*(range(1, spec.everything + 1) for spec in specs)):
        possible = [
            columns[column]
            for keys, columns in rows.items()
            if all(mask & spec.bit(key) for mask, spec, key in zip(masks, specs, keys, strict=True))
        ]
        low[masks], high[masks] = min(possible), max(possible)
    return low, high
