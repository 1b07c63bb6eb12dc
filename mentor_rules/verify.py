"""What can be proved of a rulebook: that nothing in it is idle, contradictory or untried.

The proofs try every region into which checks cut the facts (`regions`), for each edition of a
rule and each combination of its readings that are not rejected. What they find is a flaw of the
rulebook, never of a record.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import combinations, pairwise, product
from typing import Any

from mentor_rules.cases import JudgedCase, judged_cases
from mentor_rules.checks import (
    And,
    Compare,
    Constant,
    Expression,
    Name,
    Not,
    Operand,
    Or,
    Predicate,
    names,
)
from mentor_rules.engines.closure import Closure
from mentor_rules.facts import SPECS, ActFact, Fact, FactId, Term, Timing
from mentor_rules.regions import (
    FINE,
    MOST,
    Axis,
    Regions,
    State,
    TooManyRegionsError,
    axes_of,
    by_question,
    column_of,
    editions,
    is_closed,
    listed,
    never_above,
    no_later,
    opened,
    reached,
    regions_of,
    shared_axes,
    size,
    states,
)
from mentor_rules.rulebook import (
    BoundReading,
    Combination,
    DatedBy,
    FigureRow,
    Outcome,
    Rule,
    Rulebook,
    bind,
    facts_of,
)
from mentor_rules.verdict import merged

DAY = timedelta(days=1)
_FLIPPED = {">=": "<=", ">": "<", "<=": ">=", "<": ">"}
_GRAVITY: Mapping[Outcome, int] = {
    "satisfied": 0,
    "not_applicable": 0,
    "pending": 1,
    "unknown": 2,
    "breached": 3,
}


@dataclass(frozen=True)
class Example:
    """A situation that shows a flaw: what is known of each fact, and what comes out.

    Of a fact first and last possible value; None: nothing is known. Days are examples too: only
    their order matters. `readings` names the readings that the outcomes are those of, where they
    are several.
    """

    day: date
    when: Combination
    facts: tuple[tuple[FactId, tuple[int, int] | None], ...]
    outcomes: tuple[str, ...]
    readings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Flaw:
    """One thing wrong with a rulebook: the file, the dotted path, what (a code of `texts.toml`).

    A `notice` is nothing wrong, but worth knowing.
    """

    file: str
    path: str
    code: str
    params: Mapping[str, str] = field(default_factory=dict)
    example: Example | None = None
    notice: bool = False


def verify(rulebook: Rulebook, rules: Iterable[Rule] | None = None) -> list[Flaw]:
    """Give every flaw of `rules`, and of how they hang together (default: of the whole rulebook).

    Raises RulebookError for a case that gives what cannot be given.
    """
    asked = None if rules is None else frozenset(rule.id for rule in rules)
    proofs: list[Proof] = []
    flaws: list[Flaw] = []
    for rule in rulebook.rules:
        try:
            proof = Proof(rulebook, rule)
            if asked is None or rule.id in asked:
                flaws += proof.flaws()
            proofs.append(proof)
        except TooManyRegionsError:
            flaws.append(Flaw(rule.file, checked_in(rule), "too_many_regions", {"rule": rule.id}))
    chosen = [proof.rule for proof in proofs if asked is None or proof.rule.id in asked]
    flaws += _of_questions(rulebook, proofs, asked)
    flaws += _contradictions(proofs, asked)
    for rule, judged in judged_cases(rulebook, chosen):
        flaws += _untried(rulebook, rule, judged)
    if asked is None and len(proofs) == len(rulebook.rules):
        flaws += _unused(proofs)
    return flaws


# One rule ----------------------------------------------------------------------------------


class Proof:
    """One rule, under all its readings, in all its editions."""

    def __init__(self, rulebook: Rulebook, rule: Rule) -> None:
        self.rulebook, self.rule = rulebook, rule
        self.bound = opened(rule)
        self.days = editions(rule)
        self.parts = [(day, reading) for day in self.days for reading in self.bound.readings]

    def flaws(self) -> Iterator[Flaw]:
        """Give the flaws of the rule itself."""
        yield from self._acts_without_edition()
        yield from self._outcomes()
        yield from self._idle_parts()
        yield from self._figures()
        yield from self._texts()

    def _flaw(self, path: str, code: str, example: Example | None = None, **params: object) -> Flaw:
        said = {name: str(value) for name, value in params.items()}
        return Flaw(self.rule.file, path, code, {"rule": self.rule.id, **said}, example)

    def _acts_without_edition(self) -> Iterator[Flaw]:
        """Find the days on which the act that this one runs from is asked for by no rule."""
        act, own = self.rule.act, self.rule.in_force
        for name, other in self.rule.runs_after.items():
            force = other.in_force
            gap = own.from_ if own.from_ < force.from_ else force.until
            if gap is not None and (own.until is None or gap < own.until):
                path = "act.from" if act is not None and act.from_ == name else "act.until"
                yield self._flaw(path, "act_without_edition", other=name, day=gap)

    # Outcomes -------------------------------------------------------------------------------

    def _outcomes(self) -> Iterator[Flaw]:
        """Find what never happens, and where the engine and the definition part."""
        engine = Closure((self.bound,))
        happens: dict[str, dict[tuple[date, Combination], bool]] = {}
        for (place, reading), day in product(enumerate(self.bound.readings), self.days):
            regions = regions_of(self.rule, day, (reading,))
            axes = regions.axes(reading.facts)
            table = regions.outcomes(reading, axes)
            found = set(table.values())
            key = day, reading.when
            happens.setdefault("never_applies", {})[key] = found != {"not_applicable"}
            if found != {"not_applicable"}:
                happens.setdefault("never_satisfied", {})[key] = "satisfied" in found
                happens.setdefault("never_breached", {})[key] = "breached" in found
            for state, outcome in table.items():
                if outcome != (told := self._told(engine, place, day, axes, state)):
                    example = _example(day, reading.when, axes, state, (outcome, told))
                    yield self._flaw(checked_in(self.rule), "wrong_outcome", example)
                    break
        for code, by_part in happens.items():
            yield from self._never(code, by_part)

    def _told(
        self, engine: Closure, place: int, day: date, axes: Sequence[Axis], state: State
    ) -> str:
        """Give what the engine says of a state; what other readings ask for is not known."""
        known = {axis.fact: axis.bounds(at) for axis, at in zip(axes, state, strict=True)}
        bounds = [
            part
            for name, keys in engine.facts
            for part in known.get((name, keys), _all_of(SPECS[name].name))
        ]
        days: dict[DatedBy, date] = dict.fromkeys(("ordered_on", "starts_on", "formed_on"), day)
        return engine.outcomes(bounds, days)[0][place]

    def _never(self, code: str, happens: Mapping[tuple[date, Combination], bool]) -> Iterator[Flaw]:
        """Tell of what never happens: under no reading, under one, or in an edition."""
        never = [part for part, happened in happens.items() if not happened]
        if not never:
            return
        path = "applies" if code == "never_applies" else checked_in(self.rule)
        day, when = never[0]
        if len(never) == len(happens):
            yield self._flaw(path, code, self._instance(day, when))
            return
        for choice in (choice for part in never for choice in part[1]):
            if all(part in never for part in happens if choice in part[1]):
                question, reading = choice
                path = f"questions.{question}.readings.{reading}"
                yield self._flaw(path, f"{code}_under", self._instance(day, when), reading=reading)
                return
        yield self._flaw(path, code, self._instance(day, when))

    def _instance(self, day: date, when: Combination) -> Example:
        """Give one situation, and what comes out: what never happens does not here either."""
        reading = next(one for one in self.bound.readings if one.when == when)
        regions = regions_of(self.rule, day, (reading,))
        axes = regions.axes(reading.facts)
        state, outcome = next(iter(regions.outcomes(reading, axes).items()))
        return _example(day, when, axes, state, (outcome,))

    def _idle_parts(self) -> Iterator[Flaw]:
        """Find parts that might as well be always true, or always false."""
        for path, whole in (("check", self.rule.check), ("applies", self.rule.applies)):
            count = len(list(leaves(whole)))
            for place, leaf in enumerate(leaves(whole)) if count > 1 else ():
                for value in (True, False):
                    if all(
                        self._same(day, reading, path, place, value) for day, reading in self.parts
                    ):
                        yield self._flaw(path, "idle_part", part=worded(leaf))
                        break

    def _same(self, day: date, reading: BoundReading, path: str, place: int, value: bool) -> bool:
        """Tell whether nothing changes where one leaf is always true, or always false."""
        regions = regions_of(self.rule, day, (reading,))
        axes = regions.axes(reading.facts)
        if path == "check":
            other = replace(reading, check=assumed(reading.check, place, Constant(value)))
        else:
            other = replace(reading, applies=assumed(reading.applies, place, Constant(value)))
        return regions.outcomes(reading, axes) == regions.outcomes(other, axes)

    # Figures and texts ----------------------------------------------------------------------

    def _figures(self) -> Iterator[Flaw]:
        """Find rows of figures outside the rule's days, and columns that no reading asks for."""
        force = self.rule.in_force
        asked = {
            (name.name, column_of(self.rule.figures[name.name], name))
            for reading in self.bound.readings
            for part in (reading.check, reading.applies)
            for name in names(part)
            if name.name in self.rule.figures
        }
        for name, figure in self.rule.figures.items():
            for place, row in enumerate(figure.rows):
                path = f"figures.{name}.rows.{place}"
                if (row.until is not None and row.until <= force.from_) or (
                    force.until is not None and force.until <= row.first
                ):
                    yield self._flaw(path, "unused_row", day=row.first)
                elif row.first < force.from_:
                    yield self._flaw(f"{path}.from", "early_row", day=row.first, since=force.from_)
            for column in figure.rows[0].columns:
                if (name, column) not in asked and column != "value":
                    yield self._flaw(f"figures.{name}.rows", "unused_column", column=column)

    def _texts(self) -> Iterator[Flaw]:
        """Find messages and reasons that are never said."""
        said = reached(self.rule) | {"not_in_force"}
        for outcome in self.rule.messages:
            if outcome not in said:
                yield self._flaw(f"messages.{outcome}", "unused_message", outcome=outcome)
        for place in range(len(self.rule.reasons)):
            if not any(self._gives_reason(day, place, choice) for day, choice in self.parts):
                yield self._flaw(f"reason.{place}.when", "unused_reason")

    def _gives_reason(self, day: date, place: int, reading: BoundReading) -> bool:
        """Tell whether a breach under a reading can ever call for a reason."""
        settled = self.rulebook.settle(dict(reading.when))
        when = bind(self.rule, settled).reasons[place].when
        regions = Regions(self.rule.figures, day, (reading.check, reading.applies, when))
        of_reason = [fact for name in names(when) for fact in facts_of(self.rule.figures, name)]
        axes = regions.axes([*reading.facts, *of_reason])
        holds = regions.condition(when, axes)
        return any(
            outcome == "breached" and holds(values)
            for state, (outcome,) in regions.together((reading,), axes)
            if (values := _values(axes, state)) is not None
        )


def checked_in(rule: Rule) -> str:
    """Give the dotted path of what a rule demands."""
    return "check" if rule.check_text is not None else "act"


def _values(axes: Sequence[Axis], state: State) -> list[int] | None:
    """Give one value of each cell, None where something is missing."""
    if any(at == axis.whole for axis, at in zip(axes, state, strict=True)):
        return None
    return [axis.cells[at][0] for axis, at in zip(axes, state, strict=True)]


def _all_of(name: str) -> tuple[int, int]:
    spec = SPECS[name]
    return (spec.everything, spec.everything) if spec.kind == "set" else (spec.lo, spec.hi)


def _example(
    day: date, when: Combination, axes: Sequence[Axis], state: State, outcomes: Sequence[str]
) -> Example:
    """Give a state as a person may meet it: the lowest of numbers next to the edge above it."""
    cells = {
        axis.fact: axis.cells[at] for axis, at in zip(axes, state, strict=True) if at < axis.whole
    }
    shown = {
        fact: last if first == SPECS[fact[0]].lo and SPECS[fact[0]].kind == "number" else first
        for fact, (first, last) in cells.items()
    }
    for one, other in product(shown, shown):
        if never_above(one, other) and shown[one] > shown[other]:
            shown[other] = min(shown[one], cells[other][1])
            shown[one] = min(shown[one], shown[other])
    facts = tuple(
        (axis.fact, (shown[axis.fact],) * 2 if axis.fact in shown else None) for axis in axes
    )
    return Example(day, when, facts, tuple(outcomes))


# Parts of expressions ----------------------------------------------------------------------


def leaves(expression: Expression) -> Iterator[Expression]:
    """Give the comparisons, yes/no facts and constants of an expression, in order."""
    match expression:
        case Not(item=item):
            yield from leaves(item)
        case And(items=items) | Or(items=items):
            for item in items:
                yield from leaves(item)
        case _:
            yield expression


def assumed(expression: Expression, place: int, value: Expression) -> Expression:
    """Give an expression with another leaf at a place."""
    left = iter(range(place, -1, -1))

    def put(item: Expression) -> Expression:
        match item:
            case Not(item=inner):
                return Not(put(inner))
            case And(items=items):
                return And(tuple(put(part) for part in items))
            case Or(items=items):
                return Or(tuple(put(part) for part in items))
        return value if next(left, None) == 0 else item

    return put(expression)


def worded(expression: Expression) -> str:
    """Give a leaf as it is written in a rule file."""

    def operand(item: Operand) -> str:
        if isinstance(item, Name):
            return f"{item.name}[{', '.join(item.keys)}]" if item.keys else item.name
        values = [f'"{value}"' if isinstance(value, str) else str(value) for value in listed(item)]
        return f"[{', '.join(values)}]" if isinstance(item.value, tuple) else values[0]

    match expression:
        case Predicate(name=name):
            return operand(name)
        case Compare(operands=operands, operators=operators):
            rest = zip(operators, operands[1:], strict=True)
            return " ".join([operand(operands[0]), *(f"{op} {operand(one)}" for op, one in rest)])
    return "true" if expression == Constant(True) else "false"


# Questions ---------------------------------------------------------------------------------


def _of_questions(
    rulebook: Rulebook, proofs: Sequence[Proof], asked: frozenset[str] | None
) -> Iterator[Flaw]:
    """Find readings that never differ, and an order that is not mildest first."""
    proved = {proof.rule.id for proof in proofs}
    left_open = {
        name for rule in rulebook.rules if rule.id not in proved for name in rule.questions
    }
    for name, question in rulebook.questions.items():
        if name in left_open:
            continue
        users = [proof for proof in proofs if name in proof.bound.questions]
        if asked is not None and not any(proof.rule.id in asked for proof in users):
            continue
        file = rulebook.asked_in[name]
        if not users:
            yield Flaw(file, f"questions.{name}", "unused_question", {"question": name})
            continue
        seen = _Seen()
        for proof in users:
            for day, (also, readings) in product(proof.days, by_question(proof.bound)):
                if also == name:
                    seen.look(proof.rule, day, readings)
        for (one, first), (other, second) in combinations(enumerate(question.order), 2):
            params = {"question": name, "reading": first, "other": second}
            if (one, other) not in seen.graver and (one, other) not in seen.milder:
                path = f"questions.{name}.readings.{second}"
                yield Flaw(file, path, "readings_alike", params)
            wrong = seen.wronged.get((one, other))
            if (one, other) not in seen.milder:
                wrong = wrong or seen.graver.get((one, other))
            if wrong is not None:
                yield Flaw(file, f"questions.{name}.order", "not_mildest", params, wrong)


class _Seen:
    """How pairs of readings of one question were seen to differ, with an example each.

    `graver`: the first named is the graver one; `wronged`: it is breached where the other is not.
    """

    def __init__(self) -> None:
        self.graver: dict[tuple[int, int], Example] = {}
        self.milder: set[tuple[int, int]] = set()
        self.wronged: dict[tuple[int, int], Example] = {}

    def look(self, rule: Rule, day: date, readings: Sequence[BoundReading]) -> None:
        """Note how readings that differ in one question decide every state."""
        regions, axes = regions_of(rule, day, readings), axes_of(rule, day, readings)
        for state, outcomes in regions.together(readings, axes):
            if len(set(outcomes)) == 1:
                continue
            for pair in combinations(range(len(outcomes)), 2):
                first, second = (outcomes[place] for place in pair)
                if _GRAVITY[first] < _GRAVITY[second]:
                    self.milder.add(pair)
                elif _GRAVITY[first] > _GRAVITY[second]:
                    wrong = first == "breached" and second in FINE
                    if pair not in self.graver or (wrong and pair not in self.wronged):
                        example = _parting(day, axes, state, [readings[at] for at in pair])
                        example = replace(example, outcomes=(first, second))
                        self.graver.setdefault(pair, example)
                        if wrong:
                            self.wronged[pair] = example


def _parting(
    day: date, axes: Sequence[Axis], state: State, readings: Sequence[BoundReading]
) -> Example:
    """Give a situation in which readings part, each named by what it alone reads."""
    shared = set.intersection(*(set(reading.when) for reading in readings))
    own = tuple(
        next(name for question, name in reading.when if (question, name) not in shared)
        for reading in readings
    )
    return replace(_example(day, tuple(sorted(shared)), axes, state, ()), readings=own)


# Rules beside each other -------------------------------------------------------------------


def _contradictions(proofs: Sequence[Proof], asked: frozenset[str] | None) -> Iterator[Flaw]:
    """Find two rules of one verdict that cannot both be satisfied where both apply."""
    for one, other in combinations(proofs, 2):
        first, second = one.rule, other.rule
        alike = first.weight == second.weight != "advisory"
        reserve = {rule.id.startswith("reserve/") for rule in (first, second)}
        if (
            not alike
            or len(reserve) > 1
            or (asked is not None and asked.isdisjoint({first.id, second.id}))
        ):
            continue
        params = {"rule": first.id, "other": second.id}
        try:
            example = next(_clashes(one, other), None)
        except TooManyRegionsError:
            yield Flaw(first.file, checked_in(first), "too_many_together", params)
            continue
        if example is not None:
            yield Flaw(first.file, checked_in(first), "contradiction", params, example)


def _clashes(one: Proof, other: Proof) -> Iterator[Example]:
    """Give every situation in which both rules apply and that shows that they cannot agree."""
    days: Iterable[tuple[date, date]] = product(one.days, other.days)
    if one.rule.dated_by == other.rule.dated_by:
        common = sorted({*one.days, *other.days})
        days = [(day, day) for day in common if _in_force(day, one, other)]
    left = MOST
    for both, first, second in product(days, one.bound.readings, other.bound.readings):
        chosen, also = dict(first.when), dict(second.when)
        if all(also.get(name, reading) == reading for name, reading in chosen.items()):
            rules, readings = (one.rule, other.rule), (first, second)
            left -= size(_together(rules, both, readings)[1]) if _linked(*readings) else 0
            if left < 0:
                raise TooManyRegionsError
            found = clash(rules, both, readings)
            if found is not None:
                yield found


def clash(
    rules: tuple[Rule, Rule], days: tuple[date, date], readings: tuple[BoundReading, BoundReading]
) -> Example | None:
    """Give a situation in which both readings apply, where none satisfies both but each by itself.

    Acts can all be done in time, so that only checks can clash.
    """
    first, second = readings
    if not _linked(first, second):
        return None
    regions, axes = _together(rules, days, readings)
    conditions = [
        (part.condition(reading.applies, axes), part.condition(reading.check, axes))
        for part, reading in zip(regions, readings, strict=True)
    ]
    apply: list[State] = []
    met = [False] * 3  # the one, the other, both
    for state in states(axes, known=True):
        values = [axis.cells[at][0] for axis, at in zip(axes, state, strict=True)]
        if all(applies(values) for applies, _ in conditions):
            apply.append(state)
            holds = [check(values) for _, check in conditions]
            met = [was or now for was, now in zip(met, [*holds, all(holds)], strict=True)]
    if met != [True, True, False]:
        return None
    when = tuple(sorted({*first.when, *second.when}))
    return _example(days[0], when, axes, apply[0], ())


def _together(
    rules: tuple[Rule, Rule], days: tuple[date, date], readings: tuple[BoundReading, BoundReading]
) -> tuple[list[Regions], tuple[Axis, ...]]:
    """Give the regions of two readings, and the facts that they ask for as both cut them."""
    regions = [
        regions_of(rule, day, (reading,))
        for rule, day, reading in zip(rules, days, readings, strict=True)
    ]
    facts = [fact for reading in readings for fact in reading.facts if fact[0] != "timing"]
    return regions, shared_axes(regions, facts)


def _in_force(day: date, *proofs: Proof) -> bool:
    return all(proof.rule.in_force_on(day) for proof in proofs)


def _linked(one: BoundReading, other: BoundReading) -> bool:
    """Tell whether two rules speak of one fact, or of facts that bound each other."""
    return any(
        fact == also or never_above(fact, also) or never_above(also, fact)
        for fact, also in product(one.facts, other.facts)
        if "timing" not in (fact[0], also[0])
    )


# What is used by nothing -------------------------------------------------------------------


def _unused(proofs: Iterable[Proof]) -> Iterator[Flaw]:
    """Notice declared facts that no rule of the rulebook names."""
    used = {"timing"}
    for proof in proofs:
        bound = proof.bound
        facts = [*bound.facts, *(fact for reading in bound.readings for fact in reading.facts)]
        used |= {name for name, _ in facts}
        used |= {day for fact in facts if fact[0] == "timing" for day in _days_of(fact[1][0])}
    for name in sorted(SPECS.keys() - used):
        yield Flaw("", name, "unused_fact", {"fact": name}, notice=True)


def _days_of(timing: Timing) -> Iterator[str]:
    """Give the facts that are days from which, or until which, an act is due."""
    due: Term | str | Timing | None = timing
    while isinstance(due, Term | Timing):
        due = due.start if isinstance(due, Term) else due.due
    if due is not None:
        yield due


# What no case tries ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Edge:
    """A side of an edge: where the rule draws it, and whether a case stands there."""

    path: str
    code: str
    met: Callable[[JudgedCase], bool]
    params: Mapping[str, str] = field(default_factory=dict)
    example: Example | None = None


def _untried(rulebook: Rulebook, rule: Rule, judged: Sequence[JudgedCase]) -> Iterator[Flaw]:
    """Find outcomes, readings, days and sides of edges that no case of a rule tries."""
    own = {"rule": rule.id}
    tried = {case.expect for case in rule.cases}
    for outcome in sorted(_reachable(rule) - tried):
        yield Flaw(
            rule.file, "case", "no_case", {**own, "outcome": outcome}, _reaching(rule, outcome)
        )
    for name, question in rule.questions.items():
        chosen = {case.readings.get(name, question.default) for case in rule.cases}
        for reading in question.order:
            if reading not in chosen:
                path = f"questions.{name}.readings.{reading}"
                params = {**own, "question": name, "reading": reading}
                yield Flaw(rule.file, path, "no_reading_case", params)
    weighed = any(case.expect == "breached" and case.verdict is not None for case in rule.cases)
    if not weighed and not rule.id.startswith("reserve/"):
        yield Flaw(rule.file, "weight", "no_verdict_case", own)
    given = {reason for case in rule.cases for reason in case.because or ()}
    for place, reason in enumerate(rule.reasons):
        if reason.texts.en not in given:
            yield Flaw(rule.file, f"reason.{place}", "no_because_case", own)
    days = [(case.ordered_on, case.first_day) for case in judged]
    apart = any(_edition(rule, one) != _edition(rule, other) for one, other in days)
    if not apart and rule.dated_by != "formed_on" and rule.act is None:  # else it is given
        yield Flaw(rule.file, "dated_by", "no_dated_by_case", own)
    seen = set()
    for edge in (*_days(rule), *_edges(rule)):
        key = edge.path, edge.code, tuple(edge.params.items()), edge.example
        if key not in seen and not any(edge.met(case) for case in judged):
            yield Flaw(rule.file, edge.path, edge.code, {**own, **edge.params}, edge.example)
        seen.add(key)


def _reachable(rule: Rule) -> set[str]:
    said = set(reached(rule))
    return (
        said - {"late", "overdue"} | ({"breached"} if "late" in said else set()) | {"not_in_force"}
    )


def _reaching(rule: Rule, outcome: str) -> Example | None:
    """Give a situation that comes to an outcome of one reading, or in which readings part."""
    bound = opened(rule)
    for day in editions(rule):
        groups: list[tuple[BoundReading, ...]] = [(one,) for one in bound.readings]
        if outcome == "disputed":
            groups = [readings for _, readings in by_question(bound)]
        for readings in groups:
            regions, axes = regions_of(rule, day, readings), axes_of(rule, day, readings)
            for state, outcomes in regions.together(readings, axes):
                if merged(outcomes) == outcome and len(readings) > 1:
                    return replace(_parting(day, axes, state, readings), outcomes=outcomes)
                if merged(outcomes) == outcome:
                    return _example(day, readings[0].when, axes, state, outcomes)
    return None


def _edition(rule: Rule, day: date) -> int:
    """Give which of the editions of a rule a day falls into."""
    return bisect_right(rule.changes_on, day)


def _days(rule: Rule) -> Iterator[_Edge]:
    """Give the first day of each edition, and the day before it."""
    force = rule.in_force
    stated = [("in_force.from", force.from_), ("in_force.until", force.until)]
    stated += [
        (f"figures.{name}.rows.{place}.from", row.first)
        for name, figure in rule.figures.items()
        for place, row in enumerate(figure.rows)
    ]
    days: dict[date, str] = {}
    for path, day in stated:
        if day is not None and day >= force.from_:
            days.setdefault(day, path)
    for day, path in days.items():
        for wanted in (day - DAY, day):
            yield _Edge(path, "no_day_case", _on(wanted), {"day": str(wanted)})


def _on(day: date) -> Callable[[JudgedCase], bool]:
    return lambda case: case.day == day


def _edges(rule: Rule) -> Iterator[_Edge]:
    bound = opened(rule)
    for day in editions(rule):
        for reading in bound.readings:
            for path in ("check", "applies"):
                yield from _of_expression(rule, day, path, getattr(reading, path))
            if reading.timing is not None:
                yield from _of_act(rule, reading.timing[1][0])


def _of_expression(rule: Rule, day: date, path: str, expression: Expression) -> Iterator[_Edge]:
    for leaf in leaves(expression):
        match leaf:
            case Predicate(name=name):
                yield from _of_values(day, path, name, ("yes",))
            case Compare(operands=operands, operators=operators):
                for (one, other), sign in zip(pairwise(operands), operators, strict=True):
                    if not isinstance(one, Name) or one.name not in SPECS:
                        one, other, sign = other, one, _FLIPPED.get(sign, sign)
                    if not isinstance(one, Name) or one.name not in SPECS:
                        continue
                    if is_closed(one):
                        yield from _of_values(day, path, one, [str(x) for x in listed(other)])
                    elif isinstance(other, Name) and other.name in SPECS:
                        yield from _of_days(day, path, (one, sign, other))
                    else:
                        yield from _of_numbers(rule, day, path, (one, sign, other))


def _of_values(day: date, path: str, name: Name, listed_values: Sequence[str]) -> Iterator[_Edge]:
    """Give each value that is asked for, and any other."""
    spec = SPECS[name.name]
    wanted = [spec.values.index(value) for value in listed_values]
    others = [place for place in range(len(spec.values)) if place not in wanted]
    for sides in (*([place] for place in wanted), others):
        if any(spec.values[place] not in spec.never_stated for place in sides):
            example = _at(day, ((name.name, ()), (sides[0], sides[-1])))
            bits = sum(1 << place for place in sides)
            yield _Edge(path, "no_edge_case", _is_within(name.name, bits), {}, example)


def _is_within(name: str, bits: int) -> Callable[[JudgedCase], bool]:
    """Give whether a fact of a case is known, and one of some closed values."""
    return lambda case: any(fact.lo & bits for _, fact in _known(case, name))


def _known(case: JudgedCase, name: str) -> list[tuple[tuple[Any, ...], Fact]]:
    """Give a fact of a case by its keys; none at all where some of it is not known.

    Readings that ask for what is not known would hide what those come to that ask for the rest.
    """
    found = [(keys, fact) for (also, keys), fact in case.facts.items() if also == name]
    closed = SPECS[name].kind == "set"
    whole = all(fact.lo.bit_count() == 1 if closed else fact.lo == fact.hi for _, fact in found)
    return found if whole else []


def _beside(sign: str) -> tuple[int, ...]:
    """Give how far from what a fact is compared with the sides of the edge lie."""
    return {">=": (0, -1), "<": (0, -1), ">": (0, 1), "<=": (0, 1)}.get(sign, (-1, 0, 1))


def _of_days(day: date, path: str, compared: tuple[Name, str, Name]) -> Iterator[_Edge]:
    one, sign, other = compared
    for apart in _beside(sign):
        pair = ((one.name, one.keys), (other.name, other.keys))
        places = ((1 + apart,) * 2, (1, 1))
        example = _at(day, *zip(pair, places, strict=True))
        yield _Edge(path, "no_edge_case", _is_apart(pair, apart), {}, example)


def _is_apart(pair: tuple[FactId, FactId], days: int) -> Callable[[JudgedCase], bool]:
    def met(case: JudgedCase) -> bool:
        one, other = (case.facts.get(fact) for fact in pair)
        if one is None or other is None or one.lo != one.hi or other.lo != other.hi:
            return False
        return one.lo - other.lo == days

    return met


def _of_numbers(
    rule: Rule, day: date, path: str, compared: tuple[Name, str, Operand]
) -> Iterator[_Edge]:
    """Give the sides of each number that a literal, or a row of a figure, stands for."""
    one, sign, other = compared
    spec = SPECS[one.name]
    found: list[tuple[int, FigureRow | None, str]] = []
    if isinstance(other, Name):
        figure = rule.figures[other.name]
        column = column_of(figure, other)
        found = [(row.columns[column], row, column) for row in figure.rows if _holds_on(row, day)]
    else:
        found = [(int(value), None, "") for value in listed(other)]
    for value, row, column in found:
        keys = [] if row is None or not isinstance(other, Name) else _keys(rule, other, row)
        for wanted in (value + apart for apart in _beside(sign)):
            if spec.lo <= wanted <= spec.hi:
                example = _at(
                    row.first if row is not None else day,
                    ((one.name, ()), (wanted, wanted)),
                    *((fact, (place, place)) for fact, place in keys),
                )
                met = _stands_at(one.name, wanted, keys, row, (other, column))
                yield _Edge(path, "no_edge_case", met, {}, example)


def _keys(rule: Rule, name: Name, row: FigureRow) -> list[tuple[FactId, int]]:
    by = rule.figures[name.name].by
    return [
        ((fact, ()), SPECS[fact].values.index(value))
        for fact, value in zip(by, row.keys, strict=True)
    ]


def _holds_on(row: FigureRow, day: date) -> bool:
    return row.first <= day and (row.until is None or day < row.until)


def _stands_at(
    name: str,
    value: int,
    keys: Sequence[tuple[FactId, int]],
    row: FigureRow | None,
    figure: tuple[Operand, str],
) -> Callable[[JudgedCase], bool]:
    """Give whether a number of a case is this one, looked up in this row and column."""
    operand, column = figure

    def met(case: JudgedCase) -> bool:
        if row is not None and not _holds_on(row, case.day):
            return False
        if isinstance(operand, Name):
            read = {
                column_of(case.bound.rule.figures[operand.name], asked)
                for reading in case.bound.readings
                for part in (reading.check, reading.applies)
                for asked in names(part)
                if asked.name == operand.name
            }
            if column not in read:
                return False
        known = all(case.facts[fact].lo == 1 << place for fact, place in keys)
        return known and any(fact.lo == value for _, fact in _known(case, name))

    return met


def _at(day: date, *facts: tuple[FactId, tuple[int, int]]) -> Example:
    return Example(day, (), facts, ())


# The edges of acts: done, or not yet, so many days after the due date.
_OF_DUE = (("on_due_day", 0, True), ("day_after_due", 1, True))
_OF_UNDONE = (("undone_on_due_day", 0, False), ("undone_day_after_due", 1, False))


_ALWAYS: tuple[date, date | None, int] = (date.min, None, 0)


def _of_act(rule: Rule, timing: Timing) -> Iterator[_Edge]:
    if timing.in_order:
        for first, second in pairwise(range(len(timing.done))):
            params = {"first": timing.done[first], "second": timing.done[second]}
            for code, apart in (("no_same_day_case", 0), ("no_day_before_case", -1)):
                yield _Edge("act.in_order", code, _in_order((first, second), apart), params)
        return
    if timing.due is None:
        return
    own = rule.act is not None and rule.act.from_ is not None
    path = "act.from" if own else "act.until"
    # A term of another rule has its edges there, edition by edition.
    counts = timing.due.counts if own and isinstance(timing.due, Term) else (_ALWAYS,)
    for span in counts:
        if span[1] is None or rule.in_force.from_ < span[1]:
            params = {"since": str(max(span[0], rule.in_force.from_))}
            for code, apart, done in _OF_DUE:
                met = _due_edge(timing, apart, done=done, span=span)
                yield _Edge(path, f"no_case_{code}", met, params)
    for code, apart, done in _OF_UNDONE:
        met = _due_edge(None, apart, done=done, span=_ALWAYS)
        yield _Edge(path, f"no_case_{code}", met)


def _in_order(places: tuple[int, int], apart: int) -> Callable[[JudgedCase], bool]:
    def met(case: JudgedCase) -> bool:
        for _, fact in _known(case, "timing"):
            if isinstance(fact, ActFact) and fact.each:
                first, second = (fact.each[place].done for place in places)
                return first is not None and second is not None and second - first == apart
        return False

    return met


def _due_edge(
    timing: Timing | None, apart: int, *, done: bool, span: tuple[date, date | None, int]
) -> Callable[[JudgedCase], bool]:
    """Give whether an act of a case was done, or is still undone, so many days after it was due."""
    first, until, _ = span

    def met(case: JudgedCase) -> bool:
        if case.first_day < first or (until is not None and until <= case.first_day):
            return False
        for keys, fact in _known(case, "timing"):
            if not isinstance(fact, ActFact) or fact.due is None:
                continue
            if timing is not None and not _same_due(timing.due, keys[0].due):
                continue
            day = fact.done if done else case.as_of.toordinal() if fact.undone else None
            if fact.due.certain is not None and day == fact.due.first + apart:
                return True
        return False

    return met


def _same_due(one: Term | str | None, other: Term | str | None) -> bool:
    return no_later(one, other) and no_later(other, one)
