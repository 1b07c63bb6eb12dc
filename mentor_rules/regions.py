"""The regions that checks cut facts into, and the outcomes that each of them reaches.

A region is a combination of cells, one of each fact. Within a cell no comparison tells two
values apart, so one value stands for all, and to try every region is to reason exactly about
all values. What is declared of facts cuts away what cannot be.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import combinations, groupby, pairwise, product
from math import prod
from operator import eq, ge, gt, le, lt, ne
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
    comparisons,
)
from mentor_rules.facts import INVARIANTS, PRESUMED, SPECS, TIMINGS, FactId, Term, Timing
from mentor_rules.rulebook import (
    BoundReading,
    BoundRule,
    Figure,
    Outcome,
    Rule,
    Said,
    Settled,
    bind,
)

State = tuple[int, ...]  # of each axis the place of a cell, or past the last: nothing is known
Holds = Callable[[Sequence[int]], bool]
_Related = frozenset[tuple[int, int]]
IN_TIME, LATE, WAITING = range(len(TIMINGS))
_TELLS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {">=": ge, ">": gt, "<=": le, "<": lt, "==": eq, "!=": ne}
)
_FLIPPED = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}
FINE = frozenset({"satisfied", "not_applicable"})
MOST = 1_000_000  # states to try of one rule, or of two together: some minutes


class TooManyRegionsError(Exception):
    """There are more states to try than anybody would wait for."""


@dataclass(frozen=True)
class Axis:
    """A fact, and the cells that checks cut its values into: first and last value of each.

    Closed values count by their places. Days count by their order alone: of so many days that are
    compared with each other each stands in one of twice as many places, and one more.
    """

    fact: FactId
    cells: tuple[tuple[int, int], ...]
    may_miss: bool

    @property
    def whole(self) -> int:
        """The place that says that nothing is known."""
        return len(self.cells)

    def bounds(self, place: int) -> tuple[int, int]:
        """Give what is possible at a place, as an engine takes it."""
        cells = self.cells if place == self.whole else self.cells[place : place + 1]
        if SPECS[self.fact[0]].kind != "set":
            return cells[0][0], cells[-1][1]
        bits = sum((1 << last + 1) - (1 << first) for first, last in cells)
        return bits, bits


# How facts are cut -------------------------------------------------------------------------


class Regions:
    """The regions into which expressions, with the figures of a day, cut the facts they name."""

    def __init__(
        self, figures: Mapping[str, Figure], day: date, expressions: Iterable[Expression]
    ) -> None:
        self._figures = figures
        self._rows = {name: figure.on(day) for name, figure in figures.items()}
        self._pairs = [
            pair
            for expression in expressions
            for item in comparisons(expression)
            for (one, other), sign in zip(pairwise(item.operands), item.operators, strict=False)
            for pair in ((one, sign, other), (other, _FLIPPED.get(sign, sign), one))
        ]

    def axes(self, facts: Iterable[FactId]) -> tuple[Axis, ...]:
        """Give these facts as they are cut."""
        found = tuple(dict.fromkeys(facts))
        return tuple(Axis(one, self._cells(one, found), SPECS[one[0]].may_miss) for one in found)

    def _cells(self, fact: FactId, beside: Iterable[FactId]) -> tuple[tuple[int, int], ...]:
        name, keys = fact
        spec = SPECS[name]
        if name == "timing":
            late = keys[0].in_order or keys[0].due is not None
            return tuple((at, at) for at in range(len(TIMINGS)) if late or at != LATE)
        if spec.kind == "date":
            days = len(self._linked_days(fact, beside))
            return tuple((at, at) for at in range(2 * days + 1))
        if spec.kind == "number":
            starts = {spec.lo, *(at for at in self._turns(fact) if spec.lo < at <= spec.hi)}
            last = spec.hi
        else:
            told = [self._told(fact, place) for place in range(len(spec.values))]
            starts = {0, *(at for at in range(1, len(told)) if told[at] != told[at - 1])}
            last = len(told) - 1
        firsts = sorted(starts)
        return tuple(zip(firsts, [*(at - 1 for at in firsts[1:]), last], strict=True))

    def _linked_days(self, fact: FactId, beside: Iterable[FactId]) -> set[FactId]:
        """Give the days that are compared with a day, or with one that is."""
        others = {one for one in beside if SPECS[one[0]].kind == "date"}
        pairs = {
            frozenset(((one.name, one.keys), (other.name, other.keys)))
            for one, _, other in self._pairs
            if isinstance(one, Name) and isinstance(other, Name)
        }
        linked, newly = set(), {fact}
        while newly:
            linked |= newly
            newly = {
                one
                for one, other in product(others - linked, linked)
                if {one, other} in pairs or never_above(one, other) or never_above(other, one)
            }
        return linked

    def _compared(self, fact: FactId) -> Iterator[tuple[str, Operand]]:
        for one, sign, other in self._pairs:
            if isinstance(one, Name) and (one.name, one.keys) == fact:
                yield sign, other

    def _turns(self, fact: FactId) -> Iterator[int]:
        """Give the numbers from which on a comparison of the fact comes out otherwise."""
        for sign, other in self._compared(fact):
            for value in self.constants(other):
                if sign not in (">", "<="):
                    yield value
                if sign not in (">=", "<"):
                    yield value + 1

    def _told(self, fact: FactId, place: int) -> object:
        """Give what tells a closed value from others."""
        spec = SPECS[fact[0]]
        if len(spec.values) == 2:
            return place
        value = spec.values[place]
        looked_up = [
            (*(key for key, by in zip(keys, figure.by, strict=True) if by != fact[0]), dict(row))
            for name, figure in self._figures.items()
            for keys, row in self._rows[name].items()
            if (fact[0], value) in zip(figure.by, keys, strict=True)
        ]
        return looked_up, [value in listed(other) for _, other in self._compared(fact)]

    def constants(self, operand: Operand) -> list[int]:
        """Give every number that a literal or a figure stands for on the day."""
        if isinstance(operand, Literal):
            return [value for value in listed(operand) if isinstance(value, int)]
        figure = self._figures[operand.name]
        return [row[column_of(figure, operand)] for row in self._rows[operand.name].values()]

    # What holds in a region -----------------------------------------------------------------

    def condition(self, expression: Expression, axes: Sequence[Axis]) -> Holds:
        """Give whether an expression holds where each axis has one value."""
        places = {axis.fact: at for at, axis in enumerate(axes)}

        def made(item: Expression) -> Holds:
            match item:
                case Constant(value=value):
                    return lambda values: value
                case Predicate(name=name):
                    at = places[name.name, name.keys]
                    return lambda values: values[at] == 1
                case Not(item=inner):
                    holds = made(inner)
                    return lambda values: not holds(values)
                case And(items=items):
                    parts = [made(part) for part in items]
                    return lambda values: all(part(values) for part in parts)
                case Or(items=items):
                    parts = [made(part) for part in items]
                    return lambda values: any(part(values) for part in parts)
            return self._comparison(item, places)

        return made(expression)

    def _comparison(self, item: Compare, places: Mapping[FactId, int]) -> Holds:
        one, other = item.operands[:2]
        if isinstance(other, Name) and is_closed(other):
            one, other = other, one
        if isinstance(one, Name) and is_closed(one):
            at, values_of = places[one.name, one.keys], SPECS[one.name].values
            listed_places = {values_of.index(str(value)) for value in listed(other)}
            wanted = item.operators[0] in ("==", "in")
            return lambda values: (values[at] in listed_places) == wanted
        numbers = [self._number(operand, places) for operand in item.operands]
        tells = [_TELLS[sign] for sign in item.operators]
        return lambda values: all(
            tell(left(values), right(values))
            for tell, (left, right) in zip(tells, pairwise(numbers), strict=True)
        )

    def _number(
        self, operand: Operand, places: Mapping[FactId, int]
    ) -> Callable[[Sequence[int]], int]:
        if isinstance(operand, Literal):
            (value,) = listed(operand)
            return lambda values: int(value)
        if operand.name in SPECS:
            at = places[operand.name, operand.keys]
            return lambda values: values[at]
        figure, rows = self._figures[operand.name], self._rows[operand.name]
        column = column_of(figure, operand)
        keys = [(places[fact, ()], SPECS[fact].values) for fact in figure.by]
        return lambda values: rows[tuple(names[values[at]] for at, names in keys)][column]

    def outcomes(self, reading: BoundReading, axes: Sequence[Axis]) -> Mapping[State, Outcome]:
        """Give the outcome of a reading in each state of its own facts, by the definition.

        What holds for every completion of what is missing is certain; else it is unknown.
        """
        decided = self._decided(reading, axes)
        reached: dict[State, set[Outcome]] = {
            state: {decided([axis.cells[at][0] for axis, at in zip(axes, state, strict=True)])}
            for state in states(axes, known=True)
        }
        for place, axis in enumerate(axes):
            for state, found in list(reached.items()) if axis.may_miss else ():
                missing = (*state[:place], axis.whole, *state[place + 1 :])
                reached[missing] = reached.get(missing, set()) | found
        waits = _waiting(axes)
        return {state: _of_all(found, waiting=waits(state)) for state, found in reached.items()}

    def _decided(
        self, reading: BoundReading, axes: Sequence[Axis]
    ) -> Callable[[Sequence[int]], Outcome]:
        """Give the outcome where nothing is missing."""
        applies, check = (self.condition(one, axes) for one in (reading.applies, reading.check))
        facts = [axis.fact for axis in axes]
        if reading.timing is None or reading.timing[1][0].judged_undone:
            return lambda values: (
                "not_applicable"
                if not applies(values)
                else "satisfied"
                if check(values)
                else "breached"
            )
        at = facts.index(reading.timing)
        return lambda values: (
            "not_applicable"
            if not applies(values)
            else "pending"
            if values[at] == WAITING
            else "satisfied"
            if values[at] == IN_TIME and check(values)
            else "breached"
        )

    def together(
        self, readings: Sequence[BoundReading], axes: Sequence[Axis]
    ) -> Iterator[tuple[State, tuple[Outcome, ...]]]:
        """Give every state that can be, with the outcome of each reading in it."""
        tables = []
        for reading in readings:
            places = [at for at, axis in enumerate(axes) if axis.fact in reading.facts]
            tables.append((places, self.outcomes(reading, [axes[at] for at in places])))
        for state in states(axes):
            yield (
                state,
                tuple(table[tuple(state[at] for at in places)] for places, table in tables),
            )


def _of_all(reached: set[Outcome], *, waiting: bool) -> Outcome:
    """Give the one outcome of what several completions reach."""
    if len(reached) == 1:
        return next(iter(reached))
    if reached <= FINE:
        return "satisfied"
    # Only a check that counts before the act is done leaves more than one while it waits.
    return "pending" if waiting and "not_applicable" not in reached else "unknown"


def _waiting(axes: Sequence[Axis]) -> Callable[[State], bool]:
    """Give whether the act of a state, if there is one, certainly waits."""
    for at, axis in enumerate(axes):
        if axis.fact[0] == "timing" and axis.fact[1][0].judged_undone:
            cell = axis.cells.index((WAITING, WAITING))
            return lambda state, at=at, cell=cell: state[at] == cell  # type: ignore[misc]
    return lambda state: False


def column_of(figure: Figure, name: Name) -> str:
    """Give the column of a figure that a bound name reads."""
    return name.keys[len(figure.by)] if len(name.keys) > len(figure.by) else "value"


def is_closed(name: Name) -> bool:
    """Tell whether a name is a fact of closed values."""
    return name.name in SPECS and SPECS[name.name].kind == "set"


def listed(operand: Operand) -> tuple[int | str, ...]:
    """Give the values of a literal, listed or alone; a name has none."""
    if isinstance(operand, Name):
        return ()
    return operand.value if isinstance(operand.value, tuple) else (operand.value,)


def shared_axes(regions: Sequence[Regions], facts: Iterable[FactId]) -> tuple[Axis, ...]:
    """Give facts as several regions cut them together."""
    cut = [one.axes(facts) for one in regions]
    found = []
    for axes in zip(*cut, strict=True):
        firsts = sorted({first for axis in axes for first, _ in axis.cells})
        last = axes[0].cells[-1][1]
        cells = zip(firsts, [*(at - 1 for at in firsts[1:]), last], strict=True)
        found.append(Axis(axes[0].fact, tuple(cells), axes[0].may_miss))
    return tuple(found)


# What can be together ----------------------------------------------------------------------


def states(axes: Sequence[Axis], *, known: bool = False) -> Iterator[State]:
    """Give every state that the declared facts allow; of `known` ones nothing is missing.

    Raises TooManyRegionsError before the first.
    """
    if size(axes) > MOST:
        raise TooManyRegionsError
    related = [
        (one, other, allowed)
        for one, other in combinations(range(len(axes)), 2)
        if (allowed := _related(axes[one], axes[other])) is not None
    ]
    for state in product(
        *(range(len(axis.cells) + (axis.may_miss and not known)) for axis in axes)
    ):
        if all((state[one], state[other]) in allowed for one, other, allowed in related):
            yield state


def size(axes: Iterable[Axis]) -> int:
    """Give how many states there are at most."""
    return prod(axis.whole + axis.may_miss for axis in axes)


@cache
def _related(one: Axis, other: Axis) -> _Related | None:
    """Give the places of two axes that can be together, None if all can."""
    if one.fact[0] == other.fact[0] == "timing":
        return _of_one_act(one, other)
    for presumed, left_open, value in PRESUMED:
        if (one.fact, other.fact) == (presumed, left_open):
            same = {
                (at, there)
                for (at, here), (there, cell) in product(
                    enumerate(one.cells), enumerate(other.cells)
                )
                if here[0] <= cell[1] and cell[0] <= here[1]
            }
            taken = SPECS[presumed[0]].values.index(value)
            at = next(at for at, here in enumerate(one.cells) if here[0] <= taken <= here[1])
            return frozenset(same | {(at, other.whole), (one.whole, other.whole)})
    if never_above(one.fact, other.fact):
        spec, (cells, others) = SPECS[one.fact[0]], (one.cells, other.cells)
        expired = spec.values.index("expired") if "expired" in spec.values else -1
        below = {
            (at, there)
            for (at, here), (there, cell) in product(enumerate(cells), enumerate(others))
            if here[0] <= cell[1] or here[0] <= expired <= here[1]
        }
        return frozenset(below | {(one.whole, other.whole)})
    turned_pairs = {(left_open, presumed) for presumed, left_open, _ in PRESUMED}
    if (one.fact, other.fact) in turned_pairs or never_above(other.fact, one.fact):
        turned = _related(other, one)
        return frozenset((at, there) for there, at in turned) if turned is not None else None
    return None


@cache
def never_above(one: FactId, other: FactId) -> bool:
    """Tell whether the declared facts say that one fact is never above another."""
    return any(
        smaller == one and (larger == other or never_above(larger, other))
        for smaller, larger in INVARIANTS
    )


def _of_one_act(one: Axis, other: Axis) -> _Related:
    """Give how one act can stand with two due dates, of which one may be known to be later."""
    (first,), (second,) = one.fact[1], other.fact[1]
    found = {(one.whole, other.whole)}
    for (at, (here, _)), (there, (cell, _)) in product(
        enumerate(one.cells), enumerate(other.cells)
    ):
        done_or_not = {here, cell} != {IN_TIME, WAITING}
        stricter = no_later(first.due, second.due) and cell == LATE != here
        milder = no_later(second.due, first.due) and here == LATE != cell
        if done_or_not and not stricter and not milder:
            found.add((at, there))
    return frozenset(found)


def no_later(one: Term | str | None, other: Term | str | None) -> bool:
    """Tell whether an act due by `one` is certainly due no later than by `other`."""
    if other is None:
        return True
    if isinstance(one, str) and isinstance(other, str):
        return one == other or never_above((one, ()), (other, ()))
    if not isinstance(one, Term) or not isinstance(other, Term):
        return False
    if isinstance(one.start, Timing) and isinstance(other.start, Timing):
        starts = one.start.done == other.start.done and no_later(one.start.due, other.start.due)
    else:
        starts = one.start == other.start
    return (
        starts
        and (one.unit, one.counts) == (other.unit, other.counts)
        and one.roll <= other.roll
        and one.same_day >= other.same_day
    )


# Of a whole rule ---------------------------------------------------------------------------


def opened(rule: Rule) -> BoundRule:
    """Give a rule under every combination of its readings that are not rejected.

    Raises TooManyRegionsError where all that is to be tried of the rule takes too long.
    """
    if prod(len(question.order) for question in rule.questions.values()) > MOST // 1000:
        raise TooManyRegionsError
    every = {name: tuple(question.order) for name, question in rule.questions.items()}
    bound = bind(rule, Settled(MappingProxyType(every), ()))
    groups: list[Sequence[BoundReading]] = [(reading,) for reading in bound.readings]
    groups += [readings for _, readings in by_question(bound)]
    if sum(size(axes_of(rule, *one)) for one in product(editions(rule), groups)) > MOST:
        raise TooManyRegionsError
    return bound


def axes_of(rule: Rule, day: date, readings: Sequence[BoundReading]) -> tuple[Axis, ...]:
    """Give the facts of readings of a rule as these cut them on a day."""
    facts = (fact for reading in readings for fact in reading.facts)
    return regions_of(rule, day, readings).axes(facts)


def editions(rule: Rule) -> tuple[date, ...]:
    """Give the first day of each edition of a rule: from each on nothing of it changes."""
    return tuple(day for day in rule.changes_on if rule.in_force_on(day))


def regions_of(rule: Rule, day: date, readings: Iterable[BoundReading]) -> Regions:
    """Give the regions into which readings of a rule cut facts on a day."""
    parts = [part for reading in readings for part in (reading.check, reading.applies)]
    return Regions(rule.figures, day, parts)


def by_question(bound: BoundRule) -> Iterator[tuple[str, tuple[BoundReading, ...]]]:
    """Give, per question, its readings side by side, for each choice of the other questions'."""
    for question in bound.questions:

        def others(reading: BoundReading, question: str = question) -> list[tuple[str, str]]:
            return [(name, chosen) for name, chosen in reading.when if name != question]

        for _, alike in groupby(sorted(bound.readings, key=others), others):
            yield question, tuple(alike)


def parted(bound: BoundRule) -> bool:
    """Tell whether readings of a rule can ever decide otherwise, each of them for certain."""
    for day in editions(bound.rule):
        for _, readings in by_question(bound):
            regions = regions_of(bound.rule, day, readings)
            for _, outcomes in regions.together(readings, axes_of(bound.rule, day, readings)):
                told = {"satisfied" if one in FINE else one for one in outcomes}
                if len(told) > 1 and "unknown" not in told:
                    return True
    return False


def reached(rule: Rule) -> frozenset[Said]:
    """Give all that can ever have to be said of a rule in force.

    That is its outcomes under all its readings that are not rejected, and of an act that has a
    due date `late` and `overdue`.
    """
    bound = opened(rule)
    found: set[Said] = {"disputed"} if parted(bound) else set()
    for day, reading in product(editions(rule), bound.readings):
        regions, axes = regions_of(rule, day, (reading,)), axes_of(rule, day, (reading,))
        late = [(at, axis.cells.index((LATE, LATE))) for at, axis in enumerate(axes) if due(axis)]
        for state, outcome in regions.outcomes(reading, axes).items():
            by_day = outcome == "breached" and any(state[at] == cell for at, cell in late)
            found |= {"late", "overdue"} if by_day else {outcome}
    return frozenset(found)


def due(axis: Axis) -> bool:
    """Tell whether an axis is an act that is due on some day."""
    return axis.fact[0] == "timing" and axis.fact[1][0].due is not None
