"""How long one case takes: the compiled rules beside zen-engine, durable-rules and plain Python.

    python -m tests.benchmarks.one_case [ROUNDS]

May a person mentor: the four rules of eligibility under all their readings, and the verdict.
Every contender gets the facts of the same generated cases, each in a fresh input of the shape
that it takes, made before the clock starts; all must agree on every case. They take turns, and
the median over the rounds (2,000 unless told) is printed, with its ratio to zen-engine's one
compiled expression. zen-engine is no part of this project: `pip install zen-engine`.
"""

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from mentor_rules import Dossier, QualityYear, School, Teacher, check_candidate
from mentor_rules.calendar import SchoolCalendar
from mentor_rules.engines.durable import available
from mentor_rules.facts import Case, FactId
from mentor_rules.judging import bench_for, case_of, judge
from mentor_rules.loading import builtin_rulebook
from mentor_rules.rulebook import DatedBy
from tests import generate

AS_OF = date(2026, 11, 23)
IN_FORCE = date(2020, 5, 7).toordinal()
# The names under which the others take a fact: a set as a number, or the two bounds.
NAMES: Mapping[FactId, Sequence[str]] = {
    ("post", ("holds_post",)): ("holds",),
    ("post", ("performs_duties",)): ("performs",),
    ("ethics", ("presumed",)): ("ethics",),
    ("category", ("must_be_valid",)): ("category",),
    ("school_kind", ()): ("kind",),
    ("quality", ("mentored", "mean")): ("mean_lo", "mean_hi"),
    ("quality", ("mentored", "each_year")): ("each_lo", "each_hi"),
}
OUTCOMES = ("holds", "performs", "ethics", "category", "q0", "q1", "q2", "q3")
# The order of the readings of quality: floor, period.
QUALITY = (("lower", "mean"), ("lower", "each"), ("upper", "mean"), ("upper", "each"))
FLOORS = {"lower": (5000, 6000), "upper": (6000, 7000)}

Facts = dict[str, int]
Answer = tuple[tuple[str, ...], str]


# The same rules, written by hand -----------------------------------------------------------------


def if_chain(facts: Facts) -> Answer:
    """Give the outcomes in the order of OUTCOMES, and the verdict."""
    if facts["day"] < IN_FORCE:
        return ("not_in_force",) * 8, "not_judged"
    found = []
    for post in (facts["holds"], facts["performs"]):
        if post == 1:
            found.append("satisfied")
        elif post % 2 == 0:
            found.append("breached")
        else:
            found.append("unknown")
    ethics, category, kind = facts["ethics"], facts["category"], facts["kind"]
    if ethics == 1:
        found.append("satisfied")
    elif ethics == 2:
        found.append("breached")
    else:
        found.append("unknown")
    if category < 256:
        found.append("breached")
    elif category % 256 == 0:
        found.append("satisfied")
    else:
        found.append("unknown")
    for floor, period in QUALITY:
        small, ordinary = FLOORS[floor]
        if facts[f"{period}_lo"] >= (small if kind == 2 else ordinary):
            found.append("satisfied")
        elif facts[f"{period}_hi"] < (ordinary if kind == 1 else small):
            found.append("breached")
        else:
            found.append("unknown")
    if all(one == "satisfied" for one in found):
        return tuple(found), "eligible"
    groups = found[:2], found[2:3], found[3:4], found[4:]
    if any(all(one == "breached" for one in group) for group in groups):
        return tuple(found), "ineligible"
    return tuple(found), "undetermined" if "unknown" in found else "depends"


def conditions() -> dict[str, tuple[str, str]]:
    """Give, by outcome, when it is satisfied and when it is breached, as zen-engine takes it."""
    found = {
        "holds": ("holds == 1", "holds % 2 == 0"),
        "performs": ("performs == 1", "performs % 2 == 0"),
        "ethics": ("ethics == 1", "ethics == 2"),
        "category": ("category >= 256 and category % 256 == 0", "category < 256"),
    }
    for place, (floor, period) in enumerate(QUALITY):
        small, ordinary = FLOORS[floor]
        found[f"q{place}"] = (
            f"{period}_lo >= (kind == 2 ? {small} : {ordinary})",
            f"{period}_hi < (kind == 1 ? {ordinary} : {small})",
        )
    return found


def zen_expression(*, named: bool) -> str:
    """Write the outcomes and the verdict as one expression: a list, or an object."""
    held = conditions()
    cells = [
        # Whichever is the cheaper test comes first.
        f"{breached} ? 'breached' : category % 256 == 0 ? 'satisfied' : 'unknown'"
        if name == "category"
        else f"{satisfied} ? 'satisfied' : {breached} ? 'breached' : 'unknown'"
        for name, (satisfied, breached) in held.items()
    ]
    # Whoever reaches the upper figures reaches the lower ones.
    needed = ("holds", "performs", "ethics", "category", "q2", "q3")
    eligible = " and ".join(held[name][0] for name in needed)
    barred = " or ".join(
        f"({' and '.join(held[name][1] for name in names)})"
        for names in (("holds", "performs"), ("ethics",), ("category",), ("q0", "q1"))
    )
    unknown = " or ".join(
        [
            "(holds % 2 == 1 and holds > 1)",
            "(performs % 2 == 1 and performs > 1)",
            "ethics == 3",
            "category % 256 > 0",
            *(f"not ({held[name][0]} or {held[name][1]})" for name in ("q0", "q1", "q2", "q3")),
        ]
    )
    verdict = (
        f"({eligible}) ? 'eligible' : ({barred}) ? 'ineligible' : "
        f"({unknown}) ? 'undetermined' : 'depends'"
    )
    before = ["'not_in_force'"] * 8 + ["'not_judged'"]

    def written(cells: Sequence[str]) -> str:
        if not named:
            return f"[{', '.join(cells)}]"
        keys = (*OUTCOMES, "verdict")
        return f"{{{', '.join(f'{key}: {cell}' for key, cell in zip(keys, cells, strict=True))}}}"

    return f"day >= {IN_FORCE} ? {written([*cells, verdict])} : {written(before)}"


def zen_tables() -> dict[str, Any]:
    """Give a decision table for each outcome, and one for the verdict, as one graph."""
    nodes: list[dict[str, Any]] = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = []

    def table(name: str, rules: Sequence[tuple[str, str]], field: str) -> None:
        """Add a table; each rule is a condition and what then stands in the field."""
        content = {
            "hitPolicy": "first",
            "passThrough": True,
            "inputs": [{"id": "when", "name": "when"}],
            "outputs": [{"id": "then", "name": "then", "field": field}],
            "rules": [
                {"_id": f"{name}{place}", "when": when, "then": f"'{then}'"}
                for place, (when, then) in enumerate(rules)
            ],
        }
        nodes.append({"id": name, "name": name, "type": "decisionTableNode", "content": content})

    for name, (satisfied, breached) in conditions().items():
        rules = [
            (f"day < {IN_FORCE}", "not_in_force"),
            (breached, "breached"),
            (satisfied, "satisfied"),
            ("", "unknown"),
        ]
        table(name, rules, f"o.{name}")
        edges += [("in", name), (name, "verdict")]
    every = " and ".join(f"o.{name} == 'satisfied'" for name in OUTCOMES)
    groups = (("holds", "performs"), ("ethics",), ("category",), ("q0", "q1", "q2", "q3"))
    barred = [" and ".join(f"o.{name} == 'breached'" for name in names) for names in groups]
    rules = [
        (f"day < {IN_FORCE}", "not_judged"),
        (every, "eligible"),
        *((when, "ineligible") for when in barred),
        *((f"o.{name} == 'unknown'", "undetermined") for name in OUTCOMES),
        ("", "depends"),
    ]
    table("verdict", rules, "verdict")
    edges.append(("verdict", "out"))
    return {
        "nodes": nodes,
        "edges": [
            {"id": f"e{place}", "sourceId": one, "targetId": other, "type": "edge"}
            for place, (one, other) in enumerate(edges)
        ],
    }


class Flat(BaseModel):
    """The facts alone, checked for their types and bounds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    day: int
    holds: int
    performs: int
    ethics: int
    category: int
    kind: int
    mean_lo: int
    mean_hi: int
    each_lo: int
    each_hi: int


# Who is timed -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contender:
    """Something that judges one input.

    `fresh` makes the arguments of one call; `answer` reads what is given, None if that is no
    verdict; so many calls are timed together, every so many rounds.
    """

    name: str
    inputs: Sequence[Any]
    fresh: Callable[[Any], tuple[Any, ...]]
    judge: Callable[..., Any]
    answer: Callable[[Any], Answer] | None = None
    batch: int = 50
    every: int = 1


def contenders() -> list[Contender]:
    """Give all that can be asked, about the same cases."""
    try:
        import zen
    except ImportError:
        sys.exit("zen-engine is what the compiled rules are measured by: pip install zen-engine")
    rulebook, calendar = builtin_rulebook(), SchoolCalendar.load()
    settled = rulebook.settle(None)
    bench = bench_for(rulebook, settled, "en", "candidate")
    cases = [
        case_of(dossier, appointment, calendar, AS_OF)
        for seed in range(4)
        for dossier in [Dossier.from_tables(generate.dossier(seed, 100))]
        for appointment in dossier.appointments
    ]
    judged = [judge(bench, case) for case in cases]
    facts = [
        {"day": one.days["ordered_on"].toordinal()}
        | {
            name: bound
            for fact, names in NAMES.items()
            for name, bound in zip(names, (one.facts[fact].lo, one.facts[fact].hi), strict=False)
        }
        for one in judged
    ]
    numbers = [(list(one.bounds), dict(one.days)) for one in judged]

    def flat(opinion: Any) -> Answer:
        return tuple(one for own in opinion[0] for one in own), opinion[1]

    def fresh(case: tuple[list[int], dict[DatedBy, date]]) -> tuple[Any, ...]:
        return list(case[0]), case[1]

    def copied(case: Facts) -> tuple[Facts]:
        return (dict(case),)

    listed, named = (zen.compile_expression(zen_expression(named=one)) for one in (False, True))
    tables = zen.ZenEngine().create_decision(json.dumps(zen_tables()))

    def from_tables(found: Any) -> Answer:
        own = found["result"]
        return tuple(own["o"][name] for name in OUTCOMES), own["verdict"]

    found = [
        Contender("compiled rules (closure)", numbers, fresh, bench.engine.answer, flat),
        Contender(
            "zen-engine, one expression",
            facts,
            copied,
            listed.evaluate,
            lambda own: (tuple(own[:-1]), own[-1]),
        ),
        Contender(
            "zen-engine, one expression, named",
            facts,
            copied,
            named.evaluate,
            lambda own: (tuple(own[name] for name in OUTCOMES), own["verdict"]),
        ),
        Contender(
            "zen-engine, decision tables", facts, copied, tables.evaluate, from_tables, 1, 10
        ),
        Contender("plain if-chain", facts, copied, if_chain, lambda own: own),
        Contender("Pydantic validation alone", facts, copied, Flat.model_validate),
        Contender(
            "facts from records, then rules",
            cases,
            _again,
            lambda one: judge(bench, one),
            None,
            1,
            2,
        ),
    ]
    if available():
        found.append(Contender("durable-rules", numbers, fresh, bench.second.opinion, flat, 1, 10))
    return [*found, *full_calls()]


def _again(case: Case) -> tuple[Case]:
    """Give the same case, of which nothing is remembered."""
    return (replace(case),)


def full_calls() -> list[Contender]:
    """Give the whole public call, for one who is eligible and one who is flagged."""
    school = School(school_id="S1", kind="ordinary")
    found = []
    for name, percent, confirm in (
        ("check_candidate, eligible", 82, "flagged"),
        ("check_candidate, flagged, not confirmed", 41, "none"),
        ("check_candidate, flagged and confirmed", 41, "flagged"),
    ):
        teacher = Teacher(
            teacher_id="T1",
            school_id="S1",
            subjects=("physics",),
            category="researcher",
            category_from=date(2024, 8, 25),
            ethics="observed",
            ethics_on=date(2026, 6, 1),
        )
        quality = [
            QualityYear(
                teacher_id="T1", subject="physics", school_year=year, percent=Decimal(percent)
            )
            for year in ("2023/24", "2024/25", "2025/26")
        ]

        def asked(
            _: Any, teacher: Any = teacher, quality: Any = quality, confirm: Any = confirm
        ) -> Any:
            return check_candidate(
                teacher, school, on=date(2026, 9, 1), quality=quality, posts=[], confirm=confirm
            )

        found.append(Contender(name, [None], lambda one: (one,), asked, None, 1, 10))
    return found


def main(arguments: Sequence[str] = ()) -> None:
    """Print the median of each, and its ratio to the anchor."""
    rounds = int(arguments[0]) if arguments else 2000
    asked = contenders()
    first = asked[0]
    assert first.answer is not None
    expected = [first.answer(first.judge(*first.fresh(one))) for one in first.inputs]
    for one in asked[1:]:
        if one.answer is not None:
            for case, wanted in zip(one.inputs, expected, strict=True):
                found = one.answer(one.judge(*one.fresh(case)))
                assert found == wanted, (one.name, case, found, wanted)
    print(f"{len(expected)} cases, {len(set(expected))} different answers; all agree")
    gc.collect()
    gc.freeze()  # the cases that were made are not gone through again
    taken: dict[str, list[float]] = {one.name: [] for one in asked}
    for turn in range(rounds):
        for one in asked:
            if turn % one.every:
                continue
            places = range(turn * one.batch, (turn + 1) * one.batch)
            batch = [one.fresh(one.inputs[place % len(one.inputs)]) for place in places]
            judge = one.judge
            judge(*one.fresh(one.inputs[0]))  # whoever came before has had the caches
            started = time.perf_counter()
            for case in batch:
                judge(*case)
            taken[one.name].append((time.perf_counter() - started) / len(batch) * 1e6)
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    anchor, tables = medians["zen-engine, one expression"], medians["zen-engine, decision tables"]
    print(f"{'median of one case':<42}{'µs':>9}{'/ expression':>14}")
    for name, median in sorted(medians.items(), key=lambda item: item[1]):
        print(f"{name:<42}{median:>9.2f}{median / anchor:>14.2f}")
    compiled, checked = medians[first.name], medians["check_candidate, eligible"]
    print(f"compiled rules / zen-engine's expression: {compiled / anchor:.2f} (wanted 0.20)")
    print(f"check_candidate / decision tables: {checked / tables:.2f} (wanted below 1)")


if __name__ == "__main__":
    main(sys.argv[1:])
