"""z3 and the proofs answer alike, on the shipped, the planted and generated rulebooks."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentor_rules.loading import builtin_rulebook, load_rulebook
from mentor_rules.regions import FINE, by_question, editions, opened, regions_of
from mentor_rules.rulebook import BoundReading, Rule
from mentor_rules.source import rules_folder
from mentor_rules.verify import clash
from tests.planted import ACT, BAD, Planted
from tests.rulebooks import LARGE, Files, regions_in, rulebooks

z3 = pytest.importorskip("z3")
from tests.second_opinion import (  # noqa: E402 - it needs z3
    BREACHED,
    NOT_APPLICABLE,
    PENDING,
    SATISFIED,
    contradict,
    differ,
    reachable,
    wronged,
)

CODES = {
    "satisfied": SATISFIED,
    "breached": BREACHED,
    "not_applicable": NOT_APPLICABLE,
    "pending": PENDING,
}


def agree(rule: Rule, few: int | None = None) -> int:
    """Hold every answer on one rule against z3's; give how many there were."""
    bound, answers = opened(rule), 0
    for day in editions(rule):
        for reading in bound.readings[:few]:
            regions = regions_of(rule, day, (reading,))
            axes = regions.axes(reading.facts)
            found = {
                CODES[outcome]
                for state, outcome in regions.outcomes(reading, axes).items()
                if all(at < axis.whole for axis, at in zip(axes, state, strict=True))
            }
            assert found == reachable(rule, day, reading), (rule.id, day, reading.when)
            answers += 1
        for question, readings in list(by_question(bound))[:few]:
            for one, other in combinations(readings, 2):
                pairs = known_pairs(rule, day, one, other)
                fine = {tuple("satisfied" if x in FINE else x for x in pair) for pair in pairs}
                place = (rule.id, day, question, one.when, other.when)
                assert any(x != y for x, y in fine) == differ(rule, day, one, other), place
                worse = ("breached", "satisfied") in fine
                assert worse == wronged(rule, day, one, other), place
                answers += 2
    return answers


def known_pairs(
    rule: Rule, day: object, one: BoundReading, other: BoundReading
) -> set[tuple[str, ...]]:
    regions = regions_of(rule, day, (one, other))  # type: ignore[arg-type]  # a date
    axes = regions.axes((*one.facts, *other.facts))
    return {
        outcomes
        for state, outcomes in regions.together((one, other), axes)
        if all(at < axis.whole for axis, at in zip(axes, state, strict=True))
    }


def agree_on_pairs(rules: Sequence[Rule], few: int | None = None) -> int:
    """Hold every answer on two rules, edition by edition and reading by reading."""
    answers = 0
    for one, other in combinations(rules, 2):
        if regions_in(one) * regions_in(other) > LARGE:
            continue
        for first, second in product(editions(one), editions(other)):
            for pair in list(product(opened(one).readings, opened(other).readings))[:few]:
                days = (first, second)
                ours = clash((one, other), days, pair) is not None
                assert ours == contradict((one, other), days, pair), (one.id, other.id, days)
                answers += 1
    return answers


@pytest.mark.parametrize("rule", builtin_rulebook().rules, ids=lambda rule: str(rule.id))
def test_z3_agrees_on_every_shipped_rule(rule: Rule) -> None:
    assert agree(rule) >= 1


def test_z3_agrees_that_shipped_rules_do_not_contradict_each_other() -> None:
    assert agree_on_pairs(builtin_rulebook().rules, few=4) > 250


PROVED = [
    planted
    for planted in BAD
    if planted.kind.startswith(("never", "readings", "not_mildest", "contradiction", "idle"))
]


@pytest.mark.parametrize("planted", PROVED, ids=str)
def test_z3_agrees_on_what_is_planted(planted: Planted, tmp_path: Path) -> None:
    folder = tmp_path / "order_160"
    shutil.copytree(rules_folder() / "order_160", folder)
    for edit in planted.edits:
        edit(folder)
    rulebook = load_rulebook(folder)
    (file,) = planted.files
    rules = [rule for rule in rulebook.rules if file in (ACT, rule.file.partition("/")[2])]
    assert sum(agree(rule, few=8) for rule in rules) > 0
    if planted.kind == "contradiction":
        alike = [rule for rule in rulebook.rules if rule.id.split("/")[0] == file.split("/")[0]]
        beside = [(rules[0], rule) for rule in alike if rule is not rules[0]]
        found = [
            contradict((one, other), (day, day), pair)
            for one, other in beside
            for day in editions(one)
            for pair in product(opened(one).readings, opened(other).readings)
        ]
        assert any(found)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_z3_agrees_on_generated_rulebooks(data: st.DataObject) -> None:
    files: Files = data.draw(rulebooks(3))
    rulebook = files.load()
    small = [rule for rule in rulebook.rules if regions_in(rule) < LARGE]
    for rule in small:
        agree(rule, few=6)
    agree_on_pairs(small, few=2)
