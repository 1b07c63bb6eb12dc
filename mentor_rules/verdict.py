"""Outcomes become verdicts, over every combination of the live readings.

Rules that share no question are independent of each other, so combinations are taken group
by group and never as one product over the whole rulebook.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

from mentor_rules.engines.opinion import Eligibility as Eligibility
from mentor_rules.engines.opinion import Outcomes
from mentor_rules.engines.opinion import Procedure as Procedure
from mentor_rules.rulebook import BoundRule, Outcome, Settled

ELIGIBILITIES: tuple[Eligibility, ...] = (
    "eligible",
    "ineligible",
    "depends",
    "undetermined",
    "not_judged",
)
PROCEDURES: tuple[Procedure, ...] = (
    "compliant",
    "breached",
    "pending",
    "depends",
    "undetermined",
    "not_judged",
)
FLAGGED = frozenset({"ineligible", "breached"})
FINE: frozenset[Outcome] = frozenset({"satisfied", "not_applicable", "not_in_force"})

# How grave outcomes are, as powers of two: what several combinations reach is a sum of them.
# What is not applicable passes as what is satisfied does, and has both of the least bits.
_NOT_IN_FORCE, _SATISFIED, _PENDING, _UNKNOWN, _BREACHED = (1 << place for place in range(5))
RANKS: Mapping[Outcome, int] = MappingProxyType(
    {
        "not_in_force": _NOT_IN_FORCE,
        "satisfied": _SATISFIED,
        "not_applicable": _NOT_IN_FORCE | _SATISFIED,
        "pending": _PENDING,
        "unknown": _UNKNOWN,
        "breached": _BREACHED,
    }
)
OF_RANK: Mapping[int, Outcome] = MappingProxyType({rank: one for one, rank in RANKS.items()})
Decide = Callable[[Sequence[Outcomes]], Any]


def merged(outcomes: Outcomes) -> Outcome:
    """Give the outcome of a finding from its outcomes under each live reading."""
    first = outcomes[0]
    if all(outcome == first for outcome in outcomes):
        return first
    if "unknown" in outcomes:
        return "unknown"
    rest = {"satisfied" if outcome == "not_applicable" else outcome for outcome in outcomes}
    return rest.pop() if len(rest) == 1 else "disputed"


@dataclass(frozen=True)
class Group:
    """Rules bound together by shared questions, and all combinations of those.

    Each combination gives, per rule (by its place), which of the rule's readings it selects.
    """

    combinations: tuple[tuple[dict[str, str], tuple[tuple[int, int], ...]], ...]


class Verdicts:
    """The verdict of one kind of rules (blocking, or remediable), factored by questions."""

    def __init__(self, rules: Sequence[BoundRule], weight: str, settled: Settled) -> None:
        places = [
            place
            for place, rule in enumerate(rules)
            if rule.rule.weight == weight and not rule.rule.id.startswith("reserve/")
        ]
        self.places = tuple(places)
        self.questions = tuple(
            sorted({question for place in places for question in rules[place].questions})
        )
        self.groups = tuple(_group(rules, members, settled) for members in _joined(rules, places))

        self._decide: dict[tuple[str, str] | None, Decide] = {}
        self._verdict = _ELIGIBILITY if weight == "blocking" else _PROCEDURE

    def decide(self, outcomes: Sequence[Outcomes], fixed: tuple[str, str] | None = None) -> Any:
        """Give the verdict; `fixed` settles one question."""
        decide = self._decide.get(fixed)
        if decide is None:
            decide = self._decide[fixed] = self._compiled(fixed)
        return decide(outcomes)

    def _compiled(self, fixed: tuple[str, str] | None) -> Decide:
        body = self.written(lambda place, reading: f"rank[o[{place}][{reading}]]", fixed)
        namespace = {"__builtins__": {}, "rank": dict(RANKS), "max": max}
        # The text holds only numbers, verdicts and the names above.
        decide: Decide = eval(compile(f"lambda o: {body}", "<verdict>", "eval"), namespace)  # noqa: S307
        return decide

    def written(self, rank: Callable[[int, int], str], fixed: tuple[str, str] | None = None) -> str:
        """Write the verdict as an expression; `rank` writes that of a rule under a reading.

        Of each group the ranks that its combinations reach are summed up, the rank of a
        combination being the gravest among its rules.
        """
        if not self.groups:
            return "'not_judged'"
        sums: list[str] = []
        for group in self.groups:
            ranks = []
            for when, selected in group.combinations:
                if fixed is None or when.get(fixed[0], fixed[1]) == fixed[1]:
                    found = [rank(place, reading) for place, reading in selected]
                    ranks.append(found[0] if len(found) == 1 else f"max({', '.join(found)})")
            sums.append(f"(g{len(sums)} := {' | '.join(dict.fromkeys(ranks))})")
        every = f"(every := {' | '.join(sums)})"

        def only(rank: int) -> str:
            """Write whether a group reaches this rank alone: no combination escapes it."""
            return " or ".join(f"g{place} == {rank}" for place in range(len(sums)))

        return self._verdict.format(every=every, breached=only(_BREACHED), pending=only(_PENDING))


# The verdicts, of what all combinations reach together and what some group reaches alone.
_ELIGIBILITY = f"""(
    "not_judged" if {{every}} <= {_NOT_IN_FORCE}
    else "eligible" if every < {_PENDING}
    else "ineligible" if {{breached}}
    else "undetermined" if every & {_PENDING | _UNKNOWN}
    else "depends"
)"""
_PROCEDURE = f"""(
    "not_judged" if {{every}} <= {_NOT_IN_FORCE}
    else "compliant" if every < {_PENDING}
    else "breached" if {{breached}}
    else "undetermined" if every & {_UNKNOWN}
    else "pending" if not every & {_BREACHED} and ({{pending}})
    else "depends"
)"""


def eligibility(
    blocking: Verdicts, outcomes: Sequence[Outcomes], fixed: tuple[str, str] | None = None
) -> Eligibility:
    """Give the verdict of the blocking rules. One that is pending counts as open."""
    verdict: Eligibility = blocking.decide(outcomes, fixed)
    return verdict


def procedure(
    remediable: Verdicts, outcomes: Sequence[Outcomes], fixed: tuple[str, str] | None = None
) -> Procedure:
    """Give the verdict of the remediable rules."""
    verdict: Procedure = remediable.decide(outcomes, fixed)
    return verdict


def _joined(rules: Sequence[BoundRule], places: Iterable[int]) -> list[list[int]]:
    """Give the places in groups that share no question."""
    groups: list[tuple[set[str], list[int]]] = []
    for place in places:
        questions, members = set(rules[place].questions), [place]
        apart = []
        for known, others in groups:
            if known & questions:
                questions |= known
                members = others + members
            else:
                apart.append((known, others))
        groups = [*apart, (questions, members)]
    return [members for _, members in groups]


def _group(rules: Sequence[BoundRule], members: Sequence[int], settled: Settled) -> Group:
    questions = sorted({question for place in members for question in rules[place].questions})
    places_of = {
        place: {
            frozenset(reading.when): number for number, reading in enumerate(rules[place].readings)
        }
        for place in members
    }
    combinations = []
    for choice in product(*(settled.live[question] for question in questions)):
        when = dict(zip(questions, choice, strict=True))
        selected = tuple(
            (place, places_of[place][frozenset((q, when[q]) for q in rules[place].questions)])
            for place in members
        )
        combinations.append((when, selected))
    return Group(tuple(combinations))
