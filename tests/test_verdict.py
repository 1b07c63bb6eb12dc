"""The tables of the verdicts, and what their compiled expressions may reach."""

from __future__ import annotations

from typing import get_args

from mentor_rules.engines.opinion import Eligibility, Procedure
from mentor_rules.loading import builtin_rulebook
from mentor_rules.rulebook import Outcome, bind
from mentor_rules.verdict import (
    ELIGIBILITIES,
    FINE,
    FLAGGED,
    OF_RANK,
    PROCEDURES,
    RANKS,
    Verdicts,
)


def test_every_verdict_and_every_outcome_has_its_place() -> None:
    assert set(ELIGIBILITIES) == set(get_args(Eligibility))
    assert set(PROCEDURES) == set(get_args(Procedure))
    assert set(RANKS) == set(get_args(Outcome)) - {"disputed"}  # of one reading
    assert {OF_RANK[rank]: rank for rank in OF_RANK} == RANKS


def test_what_is_flagged_is_a_verdict_and_what_is_fine_weighs_less_than_what_is_not() -> None:
    assert sorted(FLAGGED) == ["breached", "ineligible"]
    assert max(RANKS[outcome] for outcome in FINE) < min(
        RANKS[outcome] for outcome in RANKS.keys() - FINE
    )
    assert FINE | {"pending", "unknown", "breached"} == set(RANKS)


def test_a_verdict_is_of_its_rules_and_compiled_reaches_nothing_but_ranks() -> None:
    rulebook = builtin_rulebook()
    settled = rulebook.settle()
    rules = [bind(rule, settled) for rule in rulebook.rules]
    for weight in ("blocking", "remediable"):
        verdicts = Verdicts(rules, weight, settled)
        satisfied: Outcome = "satisfied"
        outcomes = [(satisfied,) * len(rule.readings) for rule in rules]
        assert [rules[place].rule.id for place in verdicts.places] == [
            rule.id
            for rule in rulebook.rules
            if rule.weight == weight and rule.id.partition("/")[0] != "reserve"
        ]
        verdicts.decide(outcomes)
        (decide,) = verdicts._decide.values()
        assert decide.__globals__ == {"__builtins__": {}, "rank": RANKS, "max": max}
