"""The engine `durable` against `closure`: generated dossiers, generated rulebooks, all verdicts."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from itertools import chain, combinations, product
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentor_rules import Dossier, load_rulebook
from mentor_rules.calendar import SchoolCalendar
from mentor_rules.checks import Constant
from mentor_rules.engines import durable
from mentor_rules.engines.closure import Closure
from mentor_rules.engines.durable import Durable
from mentor_rules.engines.opinion import EngineFault, Opinion, Outcomes
from mentor_rules.judging import Aim, bench_for, case_of, judge
from mentor_rules.rulebook import (
    BoundReading,
    BoundRule,
    DatedBy,
    Outcome,
    Settled,
    bind,
)
from mentor_rules.verdict import Verdicts, eligibility, procedure
from tests import generate, test_checks
from tests.rulebooks import Files, bounds, choices, days, rulebooks

pytestmark = pytest.mark.skipif(
    not durable.available(), reason="durable-rules is not installed, or does not import"
)

RULEBOOK = load_rulebook()
CALENDAR = SchoolCalendar.load()
# Choices of readings, each with the day judged on.
CHOICES: tuple[tuple[Mapping[str, str], date], ...] = (
    ({}, date(2026, 11, 23)),
    (dict.fromkeys(RULEBOOK.questions, "open"), date(2026, 11, 23)),
    (RULEBOOK.profiles["strict"], date(2026, 9, 26)),
    ({**RULEBOOK.profiles["lenient"], "expired_category": "once_awarded"}, date(2027, 5, 25)),
    (
        {"reserve_only": "bars_reserve_only", "subject": "any", "plan_term_covers": "approval"},
        date(2026, 11, 23),
    ),
)
# Outcomes that no case can have, whatever is recorded.
UNREACHABLE = {("appointment/not_self", "unknown"), ("reporting/interim_form", "breached")}
Says = tuple[tuple[Outcomes, ...], str, str]


class Both:
    """Both engines over the same rules."""

    def __init__(self, rules: Sequence[BoundRule], settled: Settled) -> None:
        self.rules = rules
        self.closure, self.durable = Closure(rules), Durable(rules, settled)
        self._blocking = Verdicts(rules, "blocking", settled)
        self._remediable = Verdicts(rules, "remediable", settled)
        assert self.durable.facts == self.closure.facts

    def first(self, case: Sequence[int], on: Mapping[DatedBy, date]) -> Opinion:
        outcomes = self.closure.outcomes(case, on)
        return Opinion(
            outcomes, eligibility(self._blocking, outcomes), procedure(self._remediable, outcomes)
        )

    def second(self, case: Sequence[int], on: Mapping[DatedBy, date]) -> Opinion:
        return self.durable.opinion(case, on)


@cache
def both(choice: int, aim: Aim = "appointment") -> Both:
    settled = RULEBOOK.settle(CHOICES[choice][0])
    return Both(bench_for(RULEBOOK, settled, "en", aim).engine.rules, settled)


Case = tuple[tuple[int, ...], tuple[date, ...]]


def cases(seed: int, appointments: int, choice: int) -> Iterator[Case]:
    """The bounds and days of the appointments of a generated dossier."""
    readings, as_of = CHOICES[choice]
    bench = bench_for(RULEBOOK, RULEBOOK.settle(readings), "en", "appointment")
    dossier = Dossier.from_tables(generate.dossier(seed, appointments))
    for appointment in dossier.appointments:
        judged = judge(bench, case_of(dossier, appointment, CALENDAR, as_of))
        yield tuple(judged.bounds), tuple(judged.days[name] for name in get_args(DatedBy))


def differing(case: Case, choice: int) -> str:
    """Where the engines differ on one case, or nothing."""
    on = dict(zip(get_args(DatedBy), case[1], strict=True))
    one, other = both(choice).first(case[0], on), both(choice).second(case[0], on)
    if one == other:
        return ""
    rules = [
        f"{rule.rule.id} {first} {second}"
        for rule, first, second in zip(
            both(choice).rules, one.outcomes, other.outcomes, strict=True
        )
        if first != second
    ]
    return "; ".join([*rules, f"{one[1:]} {other[1:]}"])


def compare(seeds: Sequence[int], appointments: int) -> tuple[int, int, list[Counter[Any]]]:
    """Judge generated dossiers by both engines: cases, different ones, outcomes by choice."""
    count, judged = 0, set()
    met = [Counter[Any]() for _ in CHOICES]
    for seed in seeds:
        choice = seed % len(CHOICES)
        engines = both(choice)
        for case in cases(seed, appointments, choice):
            count += 1
            opinion = engines.first(case[0], dict(zip(get_args(DatedBy), case[1], strict=True)))
            met[choice].update(opinion_met(engines, opinion))
            if (choice, case) not in judged:
                judged.add((choice, case))
                assert not differing(case, choice), (seed, choice)
    return count, len(judged), met


def opinion_met(engines: Both, opinion: Opinion) -> Iterator[tuple[str, str]]:
    yield "eligibility", opinion.eligibility
    yield "procedure", opinion.procedure
    for rule, outcomes in zip(engines.rules, opinion.outcomes, strict=True):
        for outcome in set(outcomes):
            yield rule.rule.id, outcome


def report(count: int, judged: int, met: list[Counter[Any]], seeds: Sequence[int]) -> str:
    totals = [
        sum(own[name] for name in own if name[0] == "eligibility") or 1 for own in met
    ]
    names = sorted({name for own in met for name in own})
    lines = [
        f"{count} generated cases (seeds {seeds[0]} to {seeds[-1]}), {judged} different ones: "
        "no difference; % of cases by choice of readings"
    ]
    for name in names:
        shares = " ".join(
            f"{100 * own[name] / total:5.1f}" for own, total in zip(met, totals, strict=True)
        )
        lines.append(f"  {name[0]}: {name[1]}: {shares}")
    return "\n".join(lines)


def rare(met: list[Counter[Any]]) -> list[tuple[str, str]]:
    """What has a share of under 2 % under every choice of readings."""
    totals = [sum(own[name] for name in own if name[0] == "eligibility") for own in met]
    return [
        name
        for name in sorted({name for own in met for name in own})
        if all(100 * own[name] < 2 * total for own, total in zip(met, totals, strict=True))
    ]


def test_both_engines_say_the_same_of_generated_dossiers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seeds = range(10)
    count, judged, met = compare(seeds, 310)
    with capsys.disabled():
        print(f"\n{report(count, judged, met, seeds).splitlines()[0]}")
    assert count >= 3000
    for verdicts, name in ((get_args(durable.Eligibility), "eligibility"),):
        assert {outcome for own in met for rule, outcome in own if rule == name} == set(verdicts)


@pytest.mark.long
def test_both_engines_say_the_same_of_two_hundred_thousand_appointments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seeds = range(1000, 1410)
    count, judged, met = compare(seeds, 500)
    with capsys.disabled():
        print(f"\n{report(count, judged, met, seeds)}")
    assert count >= 200_000
    assert not rare(met)
    assert not UNREACHABLE & {name for own in met for name in own}
