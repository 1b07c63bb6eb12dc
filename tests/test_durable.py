"""The engine `durable` against `closure`: generated dossiers, generated rulebooks, all verdicts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import combinations, combinations_with_replacement, islice, product
from types import MappingProxyType
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentor_rules import Dossier, load_rulebook
from mentor_rules.calendar import SchoolCalendar
from mentor_rules.checks import Constant, parse_check
from mentor_rules.engines import durable
from mentor_rules.engines.closure import Closure
from mentor_rules.engines.durable import Durable
from mentor_rules.engines.opinion import Opinion
from mentor_rules.facts import SPECS
from mentor_rules.judging import Aim, asked, bench_for, case_of, judge
from mentor_rules.rulebook import (
    BoundReading,
    BoundRule,
    DatedBy,
    InForce,
    Outcome,
    Settled,
    bind,
)
from mentor_rules.verdict import (
    ELIGIBILITIES,
    PROCEDURES,
    Verdicts,
    eligibility,
    merged,
    procedure,
)
from tests import generate, test_checks
from tests.rulebooks import Files, bounds, choices, days, rulebooks
from tests.test_against_oracle import REACHABLE

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
        date(2027, 6, 15),
    ),
)


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
def both(choice: int) -> Both:
    settled = RULEBOOK.settle(CHOICES[choice][0])
    return Both(bench_for(RULEBOOK, settled, "en", "appointment").engine.rules, settled)


Case = tuple[tuple[int, ...], tuple[date, ...]]


def on_days(case: Case) -> dict[DatedBy, date]:
    return dict(zip(get_args(DatedBy), case[1], strict=True))


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
    on = on_days(case)
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
            opinion = engines.first(case[0], on_days(case))
            met[choice].update(opinion_met(engines, opinion))
            if (choice, case) not in judged:
                judged.add((choice, case))
                assert not differing(case, choice), (seed, choice)
    return count, len(judged), met


def opinion_met(engines: Both, opinion: Opinion) -> Iterator[tuple[str, str]]:
    yield "eligibility", opinion.eligibility
    yield "procedure", opinion.procedure
    for rule, outcomes in zip(engines.rules, opinion.outcomes, strict=True):
        yield rule.rule.id, merged(outcomes)


def report(count: int, judged: int, met: list[Counter[Any]], seeds: Sequence[int]) -> str:
    totals = [sum(own[name] for name in own if name[0] == "eligibility") or 1 for own in met]
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


def never(met: list[Counter[Any]]) -> list[tuple[str, str]]:
    """What a rule or a verdict may be, and was under no choice of readings."""
    reached = {name for own in met for name in own}
    verdicts = {"eligibility": "eligibility verdict", "procedure": "procedure verdict"}
    return [
        (rule, outcome)
        for rule in sorted({rule for rule, _ in reached})
        for outcome in sorted(
            REACHABLE.get(verdicts.get(rule, rule), {"satisfied", "breached", "unknown"})
        )
        if (rule, outcome) not in reached
    ]


def test_both_engines_say_the_same_of_generated_dossiers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seeds = range(10)
    count, judged, met = compare(seeds, 150)
    with capsys.disabled():
        print(f"\n{report(count, judged, met, seeds).splitlines()[0]}")
    assert count >= 1400
    for name, verdicts in (("eligibility", ELIGIBILITIES), ("procedure", PROCEDURES)):
        assert {outcome for own in met for rule, outcome in own if rule == name} == set(verdicts)


@pytest.mark.long
def test_both_engines_say_the_same_of_two_hundred_thousand_appointments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    seeds = range(1000, 1415)
    count, judged, met = compare(seeds, 500)
    with capsys.disabled():
        print(f"\n{report(count, judged, met, seeds)}")
    assert count >= 200_000
    assert not rare(met)
    assert not never(met)


@pytest.mark.parametrize("aim", ["candidate", "plan"])
def test_both_engines_say_the_same_for_other_aims(aim: Aim) -> None:
    """A candidate, and a plan alone, are judged by some of the rules."""
    for choice in range(2):
        of_all = both(choice).closure.facts
        some = [bound for bound in both(choice).rules if asked(bound.rule, aim)]
        engines = Both(some, RULEBOOK.settle(CHOICES[choice][0]))
        assert 0 < len(some) < len(both(choice).rules)
        for case in islice(cases(77, 200, choice), 100):
            known = dict(zip(of_all, batched(case[0]), strict=True))
            own = [bound for fact in engines.closure.facts for bound in known[fact]]
            assert engines.second(own, on_days(case)) == engines.first(own, on_days(case))


def batched(case: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Lo and hi of each fact in turn."""
    return zip(case[::2], case[1::2], strict=True)


def test_both_engines_say_the_same_of_every_reserve() -> None:
    settled = RULEBOOK.settle({})
    engines = Both(
        [bind(rule, settled) for rule in RULEBOOK.rules if asked(rule, "reserve")], settled
    )
    on: dict[DatedBy, date] = dict.fromkeys(get_args(DatedBy), date(2026, 9, 1))
    sets = [range(1, SPECS[name].everything + 1) for name, _ in engines.closure.facts]
    outcomes = Counter[str]()
    for values in product(*sets):
        case = [value for value in values for _ in range(2)]
        assert engines.second(case, on) == engines.first(case, on)
        outcomes.update(outcome for own in engines.first(case, on).outcomes for outcome in own)
    assert set(outcomes) == {"satisfied", "breached", "unknown"}
    # Rules about a reserve touch no verdict.
    assert engines.second(case, on)[1:] == ("not_judged", "not_judged")


# Generated rulebooks ----------------------------------------------------------------------------


def check_rulebook(files: Files, data: st.DataObject) -> None:
    rulebook = files.load()
    settled = rulebook.settle(data.draw(choices(rulebook)))
    engines = Both(tuple(bind(rule, settled) for rule in rulebook.rules), settled)
    for _ in range(4):
        case, on = data.draw(bounds(engines.closure.facts)), data.draw(days())
        assert engines.second(case, on) == engines.first(case, on)


@settings(max_examples=80)
@given(rulebooks(), st.data())
def test_both_engines_say_the_same_of_generated_rulebooks(
    files: Files, data: st.DataObject
) -> None:
    check_rulebook(files, data)


@pytest.mark.long
@settings(max_examples=10_000)
@given(rulebooks(12), st.data())
def test_both_engines_say_the_same_of_many_generated_rulebooks(
    files: Files, data: st.DataObject
) -> None:
    check_rulebook(files, data)


@settings(max_examples=150)
@given(
    test_checks.examples(),
    st.sampled_from([date(2020, 5, 6), test_checks.FIRST, date(2022, 12, 31), test_checks.SECOND]),
    st.data(),
)
def test_the_engine_decides_exactly_what_all_completions_say(
    example: test_checks.Example, day: date, data: st.DataObject
) -> None:
    """Brute force over completions, with nothing of the library and no other engine."""
    bound = test_checks.as_bound(example)
    engine = Durable([bound], Settled(MappingProxyType(dict(test_checks.READINGS)), ()))
    possible = {fact: test_checks.draw_possible(data.draw, fact) for fact in engine.facts}
    on: dict[DatedBy, date] = {"ordered_on": day, "starts_on": date.min, "formed_on": date.max}
    [found] = engine.opinion(test_checks.as_bounds(engine.facts, possible), on).outcomes
    if day < test_checks.FIRST:
        assert set(found) == {"not_in_force"}
        return
    assert found == tuple(
        test_checks.by_brute_force(example, reading.facts, possible, readings, day)
        for reading, readings in zip(bound.readings, test_checks.readings_of(example), strict=True)
    )


# By what the check says in all completions: as the check itself, and as `applies` of a rule
# whose check always, or never, holds.
EXPECTED: Mapping[str, Mapping[frozenset[bool], Outcome]] = {
    "check": {
        frozenset({True}): "satisfied",
        frozenset({True, False}): "unknown",
        frozenset({False}): "breached",
    },
    "applies, met": {
        frozenset({True}): "satisfied",
        frozenset({True, False}): "satisfied",
        frozenset({False}): "not_applicable",
    },
    "applies, not met": {
        frozenset({True}): "breached",
        frozenset({True, False}): "unknown",
        frozenset({False}): "not_applicable",
    },
}


@pytest.mark.parametrize("truth", ["", "not "])
@pytest.mark.parametrize("signs", list(product(["<", "<="], repeat=2)))
@pytest.mark.parametrize("stands_as", EXPECTED)
def test_a_day_between_two_days_is_decided_as_all_its_completions_say(
    stands_as: str, signs: tuple[str, str], truth: str
) -> None:
    """`a < x < c` needs room for x: every a and c from 0 to 4, every interval of x."""
    text = f"{truth}(starts_on {signs[0]} ends_on {signs[1]} school_year_ends)"
    said = parse_check(text)
    check, applies = (said, Constant(True)) if stands_as == "check" else (Constant(True), said)
    if stands_as == "applies, not met":
        check = Constant(False)
    rule = replace(test_checks.PATTERN, check=check, applies=applies)
    settled = RULEBOOK.settle({})
    engine = Durable([bind(rule, settled)], settled)
    compare = [test_checks.OPERATORS[sign] for sign in signs]
    on: dict[DatedBy, date] = dict.fromkeys(get_args(DatedBy), date(2026, 9, 1))
    for start, end, low, high in product(range(5), repeat=4):
        if low > high:
            continue
        answers = frozenset(
            (compare[0](start, day) and compare[1](day, end)) == (truth == "")
            for day in range(low, high + 1)
        )
        known = {"starts_on": (start,) * 2, "ends_on": (low, high), "school_year_ends": (end,) * 2}
        case = [bound for name, _ in engine.facts for bound in known[name]]
        found = engine.opinion(case, on).outcomes
        assert found == ((EXPECTED[stands_as][answers],),), (start, low, high, end)


# Verdicts by their definition -------------------------------------------------------------------

# What a group of rules may reach over its combinations of readings: every set of outcomes.
RANKS: tuple[Outcome, ...] = ("satisfied", "pending", "unknown", "breached")
REACHED: list[tuple[Outcome, ...]] = [
    *(ranks for size in range(1, 5) for ranks in combinations(RANKS, size)),
    ("not_in_force",),
    ("not_applicable", "breached"),
]


def of_one_combination(outcomes: set[Outcome]) -> tuple[str, str]:
    """Eligibility and procedure under one combination of readings, as the pages define them."""
    fine = outcomes <= {"satisfied", "not_applicable", "not_in_force"}
    eligible = "ineligible" if "breached" in outcomes else "eligible" if fine else "open"
    grave = [rank for rank in ("breached", "unknown", "pending") if rank in outcomes]
    return eligible, grave[0] if grave else "compliant"


def by_definition(combined: Sequence[set[Outcome]]) -> tuple[str, str]:
    """Both verdicts from the outcomes under every combination of readings."""
    if all(outcomes <= {"not_in_force"} for outcomes in combined):
        return "not_judged", "not_judged"
    both_verdicts = [of_one_combination(outcomes) for outcomes in combined]
    eligible = {first for first, _ in both_verdicts}
    kept = {second for _, second in both_verdicts}
    if "open" in eligible:
        eligible = {"undetermined"}
    if len(kept) > 1 or kept == {"unknown"}:
        kept = {"undetermined" if "unknown" in kept else "depends"}
    return tuple(  # type: ignore[return-value]  # two of them
        verdicts.pop() if len(verdicts) == 1 else "depends" for verdicts in (eligible, kept)
    )


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_verdicts_are_those_of_the_definition_whatever_groups_of_rules_reach(
    count: int,
) -> None:
    """Each group is one rule with a question of its own."""
    live = {f"q{place}": ("r0", "r1", "r2", "r3") for place in range(count)}
    engine = asking([[question] for question in live], live)
    for groups in combinations_with_replacement(REACHED, count):
        outcomes = [tuple((ranks * 4)[:4]) for ranks in groups]
        expected = by_definition([set(chosen) for chosen in product(*groups)])
        assert engine._verdicts(outcomes * 2) == expected, groups


def test_a_question_of_several_rules_takes_one_value_for_all_of_them() -> None:
    """The third rule asks the questions of the first two, and so binds all three together."""
    live = {"p": ("r0", "r1"), "q": ("r0", "r1")}
    engine = asking([["p"], ["q"], ["p", "q"]], live)
    drawn = random.Random(7)
    for _ in range(1000):
        first, second = (tuple(drawn.choices(RANKS, k=2)) for _ in range(2))
        third = tuple(drawn.choices(RANKS, weights=(4, 1, 1, 1), k=4))
        expected = by_definition(
            [{first[p], second[q], third[2 * p + q]} for p, q in product(range(2), repeat=2)]
        )
        assert engine._verdicts([first, second, third] * 2) == expected, (first, second, third)


def asking(asked: Sequence[Sequence[str]], live: Mapping[str, tuple[str, ...]]) -> Durable:
    """An engine over rules that ask questions: blocking ones, and remediable twins of them."""
    rules = [
        BoundRule(
            replace(test_checks.PATTERN, weight=weight),
            tuple(questions),
            tuple(
                BoundReading(
                    tuple(zip(questions, choice, strict=True)),
                    Constant(True),
                    Constant(True),
                    (),
                    None,
                )
                for choice in product(*(live[question] for question in questions))
            ),
            (),
            (),
            (),
        )
        for weight in ("blocking", "remediable")
        for questions in asked
    ]
    return Durable(rules, Settled(MappingProxyType(dict(live)), ()))


# Editions -------------------------------------------------------------------------------------


def test_a_figure_and_a_rule_that_change_on_a_day_do_so_in_both_engines() -> None:
    rule = RULEBOOK.rule("eligibility/quality_of_knowledge")
    band = rule.figures["band"]
    change, end = date(2027, 1, 1), date(2028, 1, 1)
    rows = [replace(row, until=change) for row in band.rows]
    rows += [
        replace(row, first=change, columns=dict.fromkeys(row.columns, 6500)) for row in band.rows
    ]
    force = InForce.model_validate({"from": rule.in_force.from_, "until": end})
    changed = replace(rule, figures={"band": replace(band, rows=tuple(rows))}, in_force=force)
    settled = RULEBOOK.settle("lenient")
    engines = Both([bind(changed, settled)], settled)
    kinds = {"ordinary": 1, "either": 3}
    for day, quality, kind, outcome in (
        (date(2020, 5, 6), (6200, 6200), "ordinary", "not_in_force"),
        (date(2020, 5, 7), (6200, 6200), "ordinary", "satisfied"),
        (date(2026, 12, 31), (6200, 6200), "ordinary", "satisfied"),
        (date(2027, 1, 1), (6200, 6200), "ordinary", "breached"),
        (date(2027, 1, 1), (6200, 6500), "ordinary", "unknown"),
        (date(2027, 1, 1), (6500, 6500), "either", "satisfied"),
        (date(2026, 12, 31), (5500, 5500), "either", "unknown"),
        (date(2027, 1, 1), (5500, 5500), "either", "breached"),
        (date(2027, 12, 31), (6500, 6500), "ordinary", "satisfied"),
        (date(2028, 1, 1), (6500, 6500), "ordinary", "not_in_force"),
    ):
        known = {"quality": quality, "school_kind": (kinds[kind], kinds[kind])}
        case = [bound for name, _ in engines.closure.facts for bound in known[name]]
        # The day of the order picks the edition, and no other day.
        on: dict[DatedBy, date] = {"ordered_on": day, "starts_on": end, "formed_on": date.min}
        assert engines.second(case, on).outcomes == ((outcome,),), (day, quality, kind)
        assert engines.second(case, on) == engines.first(case, on)


def test_a_rule_that_is_in_force_for_one_day_is_judged_on_that_day() -> None:
    rule = RULEBOOK.rule("appointment/not_self")
    force = InForce.model_validate({"from": date(2026, 9, 1), "until": date(2026, 9, 2)})
    settled = RULEBOOK.settle({})
    engines = Both([bind(replace(rule, in_force=force), settled)], settled)
    for day, outcome in ((31, "not_in_force"), (1, "breached"), (2, "not_in_force")):
        on = dict.fromkeys(get_args(DatedBy), date(2026, 8 if day == 31 else 9, day))
        assert engines.second([2, 2], on).outcomes == ((outcome,),)
        assert engines.second([2, 2], on) == engines.first([2, 2], on)


# Planted faults ---------------------------------------------------------------------------------


def flip_a_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(durable._SIGNS, ">=", "$gt")


def forget_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = durable._parts
    monkeypatch.setattr(durable, "_parts", lambda rounds: [part[:-1] for part in whole(rounds)])


def mistake_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    graver = {**durable.CHAIN["combination"], "breached": durable.NEVER}
    graver["unknown"] = (*graver["unknown"], durable._given(breached=1))
    monkeypatch.setattr(durable, "CHAIN", {**durable.CHAIN, "combination": graver})


def weaken_the_first_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mentor_rules.engines.closure.LATE", 4)


@pytest.mark.parametrize(
    "plant", [flip_a_comparison, forget_a_rule, mistake_a_verdict, weaken_the_first_engine]
)
def test_a_fault_planted_in_either_engine_makes_them_differ(
    monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    generated = list(cases(5, 150, 0))
    plant(monkeypatch)
    settled = RULEBOOK.settle({})
    engines = Both(both(0).rules, settled)
    differ = 0
    for case in generated:
        on = on_days(case)
        differ += engines.first(case[0], on) != engines.second(case[0], on)
    assert differ > 0
