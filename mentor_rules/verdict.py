"""Outcomes become verdicts, over every combination of the live readings.

Rules that share no question are independent of each other, so combinations are taken group
by group and never as one product over the whole rulebook.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

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

# The graver of several outcomes of one group of rules; unknown and disputed never mix here.
_RANK = {"breached": 3, "unknown": 2, "pending": 1}


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

    def in_force(self, outcomes: Sequence[Outcomes]) -> bool:
        """Tell whether any of the rules is in force."""
        return any(outcomes[place][0] != "not_in_force" for place in self.places)

    def ranks(
        self, outcomes: Sequence[Outcomes], fixed: tuple[str, str] | None = None
    ) -> frozenset[int]:
        """Give every rank that some combination reaches: 3 breached, 2 unknown, 1 pending, 0.

        The rank of a combination is the gravest among its rules. `fixed` settles one question.
        """
        reached = {0}
        for group in self.groups:
            own = set()
            for when, selected in group.combinations:
                if fixed is None or when.get(fixed[0], fixed[1]) == fixed[1]:
                    own.add(
                        max(_RANK.get(outcomes[place][reading], 0) for place, reading in selected)
                    )
            reached = {max(one, other) for one in reached for other in own}
        return frozenset(reached)


def eligibility(
    blocking: Verdicts, outcomes: Sequence[Outcomes], fixed: tuple[str, str] | None = None
) -> Eligibility:
    """Give the verdict of the blocking rules. One that is pending counts as open."""
    if not blocking.in_force(outcomes):
        return "not_judged"
    ranks = blocking.ranks(outcomes, fixed)
    if ranks == {0}:
        return "eligible"
    if ranks == {3}:
        return "ineligible"
    return "undetermined" if ranks & {1, 2} else "depends"


def procedure(
    remediable: Verdicts, outcomes: Sequence[Outcomes], fixed: tuple[str, str] | None = None
) -> Procedure:
    """Give the verdict of the remediable rules."""
    if not remediable.in_force(outcomes):
        return "not_judged"
    ranks = remediable.ranks(outcomes, fixed)
    if len(ranks) == 1:
        names: dict[int, Procedure] = {0: "compliant", 1: "pending", 2: "undetermined"}
        return names.get(next(iter(ranks)), "breached")
    return "undetermined" if 2 in ranks else "depends"


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
