"""Random rulebooks for Hypothesis: rule files within the grammar, read by the real loader.

They name every declared fact, figures with editions and keys, questions of one rule and of
several, acts with terms, all weights. Nothing in them means anything.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, get_args

from hypothesis import strategies as st

from mentor_rules.facts import ACTS, DUTIES, PERIODS, SILENCE, SPECS, SUBJECTS, VALIDITY, FactId
from mentor_rules.loading import load_rulebook
from mentor_rules.regions import MOST, TooManyRegionsError, editions, opened, regions_of
from mentor_rules.rulebook import ROLLS, TERM_STARTS, DatedBy, Rule, Rulebook, Said

Draw = Callable[[st.SearchStrategy[Any]], Any]

DAYS = (date(2020, 5, 7), date(2021, 9, 1), date(2023, 1, 1), date(2024, 9, 1), date(2026, 9, 1))
TOP = 9  # numbers and days of the examples run from 0 to this
KNOWN_DAYS = [spec.name for spec in SPECS.values() if spec.kind == "date" and not spec.may_miss]
# Questions that any rule may ask: the name that each binds, and its readings, named as they bind.
SHARED: Mapping[str, tuple[str, Sequence[str]]] = {
    "subject": ("subject", SUBJECTS),
    "period": ("period", PERIODS),
    "expired_category": ("validity", VALIDITY),
    "ethics_silence": ("silence", SILENCE),
    "acting_post": ("duties", DUTIES),
    "floor": ("floor", ("lower", "middle", "upper")),
    "reserve_only": ("bars", ("reserve", "appointment")),
    "wanted_kind": ("kind", SPECS["school_kind"].values),
    "roll": ("roll", ROLLS),
    "term_start": ("starts", TERM_STARTS),
    "report_due": ("due", ("none", "half_year_ends", "school_year_ends")),
}
# Which bound names stand as keys of a fact.
KEYS: Mapping[tuple[str, ...], str] = {
    SUBJECTS: "subject",
    PERIODS: "period",
    VALIDITY: "validity",
    SILENCE: "silence",
    DUTIES: "duties",
}
SHOWN = {
    *("weight", "dated_by", "check", "applies", "act", "reason", "in_force"),
    *("figures", "questions"),
}
WORDS = dict.fromkeys(("en", "kk", "ru"), "x")
SOURCE = {
    "act": "order_0",
    "place": "x",
    "certainty": "secondary",
    "via": "x",
    "read_on": DAYS[0],
}


def as_toml(value: Any) -> str:
    """A value of a TOML file, tables inline."""
    if isinstance(value, Mapping):
        cells = (f"{json.dumps(key)} = {as_toml(item)}" for key, item in value.items())
        return f"{{ {', '.join(cells)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def as_file(content: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {as_toml(value)}\n" for key, value in content.items())


class Files:
    """A rulebook as files, shown when an example fails."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def load(self) -> Rulebook:
        with tempfile.TemporaryDirectory() as name:
            for path, text in self.files.items():
                file = Path(name) / path
                file.parent.mkdir(exist_ok=True)
                file.write_text(text, "utf-8")
            return load_rulebook(name)

    def __repr__(self) -> str:
        """All that can matter: the questions of all rules, and the rules without their words."""
        shown = []
        for path, text in self.files.items():
            lines = [line for line in text.splitlines() if line.split(" ")[0] in SHOWN]
            shown.append("\n".join([f"# {path}", *lines]))
        return "\n".join(shown)


def question(draw: Draw, bound: str, values: Sequence[str]) -> dict[str, Any]:
    order = draw(st.permutations(values))
    if len(order) > 2 and draw(st.booleans()):
        order = order[:2]
    asked: dict[str, Any] = {
        "status": draw(st.sampled_from(["live", "settled"])),
        "order": list(order),
        "asks": WORDS,
        "readings": {name: {"means": WORDS, "binds": {bound: name}} for name in order},
    }
    if asked["status"] == "settled":
        asked["default"] = draw(st.sampled_from(order))
    return asked


def head(draw: Draw) -> dict[str, Any]:
    documents = [spec.name for spec in SPECS.values() if spec.may_miss]
    act = dict.fromkeys(("number", "registration", "adilet", "under"), "x")
    days = {"date": DAYS[0], "registered_on": DAYS[0]}
    read = dict.fromkeys(("was_read", "not_read", "texts", "in_force"), WORDS)
    return {
        "id": "order_0",
        "act": {**act, **days, "title": WORDS, "authority": WORDS},
        "read": {"read_on": DAYS[0], "assumed_in_force": DAYS[0], **read},
        "questions": {name: question(draw, *asked) for name, asked in SHARED.items()},
        "documents": {name: {"document": WORDS, "who": WORDS} for name in (*documents, *ACTS)}
        | {"week": {"document": WORDS, "who": WORDS}},
        "coverage": [{"id": "N", "norm": "x", "status": "rule", "rules": []}],
    }


@dataclass
class Scope:
    """What a rule in the making may still name, and what it has made on the way."""

    draw: Draw
    number: int
    of_reserve: bool
    unused: list[str]  # facts that can be missing: each may be named once
    force: tuple[date, date | None]
    figures: dict[str, Any] = field(default_factory=dict)
    questions: dict[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def pick(self, values: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(list(values)))

    def maybe(self) -> bool:
        return bool(self.draw(st.booleans()))

    def number_from(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def may_name(self, name: str) -> bool:
        spec = SPECS[name]
        free = name in self.unused or not spec.may_miss
        return name != "timing" and spec.of_reserve == self.of_reserve and free

    def take(self, name: str) -> str:
        """A fact as it is written; one that can be missing is not named again."""
        if name in self.unused:
            self.unused.remove(name)
            self.used.add(name)
        keys = [KEYS[allowed] for allowed in SPECS[name].keys]
        return f"{name}[{', '.join(keys)}]" if keys else name

    def of_kind(self, kind: str) -> list[str]:
        return [name for name, spec in SPECS.items() if spec.kind == kind and self.may_name(name)]

    # Figures ----------------------------------------------------------------------------

    def editions(self) -> list[tuple[date, date | None]]:
        """Spans of days without a gap, from the rule's first day on."""
        first, until = self.force
        inner = [day for day in DAYS if day > first and (until is None or day < until)]
        cuts = [first, *(day for day in inner if self.maybe())]
        return list(zip(cuts, [*cuts[1:], until if self.maybe() else None], strict=True))

    def figure(self, unit: str, *, looked_up: bool = True) -> str:
        """A new figure, as it is written."""
        name = f"f{len(self.figures)}"
        by: list[str] = []
        unkeyed = [fact for fact in self.of_kind("set") if not SPECS[fact].keys]
        while looked_up and unkeyed and len(by) < 2 and self.maybe():
            fact = self.pick([fact for fact in unkeyed if len(SPECS[fact].values) < 5] or unkeyed)
            unkeyed.remove(fact)
            self.take(fact)
            by.append(fact)
        columns, keys = self.columns(), list(by)
        if columns[0] == "value":
            names = ["value"]
        else:
            keys.append(columns[0])
            names = columns[1:]
        rows = [
            {"from": first}
            | ({"until": until} if until is not None else {})
            | dict(zip(by, values, strict=True))
            | {column: self.number_from(0, TOP) for column in names}
            for values in product(*(SPECS[fact].values for fact in by))
            for first, until in self.editions()
        ]
        self.figures[name] = {"unit": unit, "by": by, "rows": rows}
        return f"{name}[{', '.join(keys)}]" if keys else name

    def columns(self) -> list[str]:
        """The name that picks a column, and all columns; or `value` alone."""
        kind = self.pick(["value", "value", "floor", "own"])
        if kind == "floor":
            return ["floor", *SHARED["floor"][1]]
        if kind == "own":
            bound, names = f"column{self.number}", ["one", "two", "three"]
            self.questions.setdefault(f"own{self.number}", question(self.draw, bound, names))
            return [bound, *names]
        return ["value"]

    # Checks -----------------------------------------------------------------------------

    def limit(self, unit: str) -> str:
        return str(self.number_from(-1, TOP + 1)) if self.maybe() else self.figure(unit)

    def leaf(self) -> str:
        kinds = ["constant", "bars", "figures"]
        kinds += ["closed"] * (4 if self.of_kind("set") else 0)
        kinds += ["number"] * (3 if self.of_kind("number") else 0)
        kinds += ["day"] * (4 if self.of_kind("date") else 0)
        return {
            "constant": self.constant_leaf,
            "bars": self.bars_leaf,
            "figures": self.figures_leaf,
            "closed": self.closed_leaf,
            "number": self.number_leaf,
            "day": self.day_leaf,
        }[self.pick(kinds)]()

    def constant_leaf(self) -> str:
        return str(self.pick(["true", "false"]))

    def bars_leaf(self) -> str:
        sign, value = self.pick(["==", "!=", "in", "not in"]), self.pick(SHARED["reserve_only"][1])
        return f'bars {sign} ["{value}"]' if "in" in sign else f'"{value}" {sign} bars'

    def figures_leaf(self) -> str:
        sign = self.pick([">=", ">", "<=", "<", "==", "!="])
        figure = self.figure("x", looked_up=sign[-1] != "=" or sign in (">=", "<="))
        return f"{figure} {sign} {self.number_from(0, TOP)}"

    def closed_leaf(self) -> str:
        name = self.pick(self.of_kind("set"))
        written, values = self.take(name), SPECS[name].values
        if values == ("no", "yes") and self.maybe():
            return written
        if name == "school_kind" and self.maybe():
            return f"{written} {self.pick(['==', '!='])} kind"
        if self.maybe():
            return f'{written} {self.pick(["==", "!="])} "{self.pick(values)}"'
        listed = self.draw(st.lists(st.sampled_from(values), min_size=1, max_size=4))
        return f"{written} {self.pick(['in', 'not in'])} {json.dumps(listed)}"

    def number_leaf(self) -> str:
        """Facts that are rounded down bear `>=` and `<` only."""
        name = self.pick(self.of_kind("number"))
        written, unit = self.take(name), SPECS[name].unit
        return str(
            self.pick(
                [
                    lambda: f"{written} >= {self.limit(unit)}",
                    lambda: f"{written} < {self.limit(unit)}",
                    lambda: f"{self.limit(unit)} <= {written}",
                    lambda: f"{self.limit(unit)} > {written}",
                    lambda: f"{self.limit(unit)} <= {written} < {self.limit(unit)}",
                    lambda: f"{self.limit(unit)} > {written} >= {self.limit(unit)}",
                ]
            )()
        )

    def day_leaf(self) -> str:
        days = [self.take(self.pick(self.of_kind("date"))) for _ in range(self.number_from(2, 3))]
        if len(days) == 2:
            return f" {self.pick(['>=', '>', '<=', '<', '==', '!='])} ".join(days)
        one, other = (self.pick(signs) for signs in [self.pick([("<", "<="), (">", ">=")])] * 2)
        return f"{days[0]} {one} {days[1]} {other} {days[2]}"

    def expression(self, leaves: int) -> str:
        text = self.leaf() if leaves < 2 else ""
        if leaves > 1:
            cut = self.number_from(1, leaves - 1)
            parts = [self.expression(cut), self.expression(leaves - cut)]
            text = f" {self.pick(['and', 'or'])} ".join(f"({part})" for part in parts)
        return f"not ({text})" if self.pick([False, False, True]) else text

    # Acts -------------------------------------------------------------------------------

    def act(self, others: Sequence[str], *, has_check: bool) -> dict[str, Any]:
        """An act; `others` are the rules whose acts it may run from."""
        done = self.draw(st.lists(st.sampled_from(ACTS), min_size=1, max_size=3, unique=True))
        act: dict[str, Any] = {"who": WORDS}
        if self.pick([False, False, True]):
            return act | {"in_order": done}
        act["done"] = done
        starts = [*KNOWN_DAYS, *others]
        form = self.pick(["no day", "until", "calendar days", "working days"])
        if form == "no day" and has_check:
            act["judged_undone"] = self.maybe()
        elif form == "until":
            act["until"] = self.pick([*starts, "none", "due", "due"])
        elif form != "no day":
            self.figures["term"] = {
                "unit": form,
                "by": [],
                "rows": [
                    {"from": first, "value": self.number_from(1, TOP)}
                    | ({"until": until} if until is not None else {})
                    for first, until in self.editions()
                ],
            }
            act |= {"from": self.pick(starts), "term": "term"}
            if form == "calendar days":
                act["roll"] = self.pick([*ROLLS, "roll", "roll"])
                act["term_starts"] = self.pick([*TERM_STARTS, "starts"])
        return act


def rule(draw: Draw, number: int, barred: set[str], acts: list[str]) -> tuple[str, dict[str, Any]]:
    """A rule and its id; adds to `barred` what no blocking rule may name, to `acts` its id."""
    folder = draw(st.sampled_from(["eligibility", "appointment", "plan", "reporting", "reserve"]))
    has_act = folder in ("plan", "reporting") and draw(st.sampled_from([True, True, False]))
    weights = ["remediable", "advisory"] if has_act else ["blocking"] * 3 + ["remediable"] * 3
    weights = ["remediable"] if folder == "reserve" else [*weights, "advisory"]
    weight = draw(st.sampled_from(weights))
    missable = [spec.name for spec in SPECS.values() if spec.may_miss]
    until = draw(st.sampled_from([*[None] * 5, DAYS[3]]))
    scope = Scope(
        draw,
        number,
        folder == "reserve",
        [name for name in missable if weight != "blocking" or name not in barred],
        (draw(st.sampled_from([*DAYS[:1] * 4, *DAYS[1:3]])), until),
    )
    dated_by = "formed_on" if folder == "reserve" else "ordered_on"
    if has_act or (folder != "reserve" and draw(st.booleans())):
        dated_by = "starts_on"
    first, until = scope.force
    content: dict[str, Any] = {
        "norms": ["N"],
        "weight": weight,
        "about": "mentor",
        "dated_by": dated_by,
    }
    if not has_act or scope.maybe():
        content["check"] = scope.expression(scope.pick([1, 1, 2, 3, 4]))
    if scope.pick([False, False, True]):
        content["applies"] = scope.expression(scope.pick([1, 1, 2]))
    if weight == "blocking":
        barred |= scope.used
    name = f"{folder}/r{number}"
    if has_act:
        content["act"] = scope.act(list(acts), has_check="check" in content)
        if {"from", "until"} & content["act"].keys():
            acts.append(name)
    if scope.of_kind("set") and scope.pick([False, False, True]):
        content["reason"] = [{"when": scope.closed_leaf(), **WORDS}]
    content |= {
        "title": WORDS,
        "in_force": {"from": first} | ({"until": until} if until is not None else {}),
        "source": SOURCE,
        "figures": scope.figures,
        "questions": scope.questions,
        "messages": {said: WORDS for outcome in get_args(Said) for said in _words(outcome)},
        "remedy": WORDS,
    }
    return name, content


def _words(outcome: Any) -> list[str]:
    """`Said` is a choice of words, or of further choices of words."""
    return [outcome] if isinstance(outcome, str) else [str(word) for word in get_args(outcome)]


@st.composite
def rulebooks(draw: Draw, rules: int = 5) -> Files:
    """The files of a rulebook of up to so many rules; the loader takes every one of them."""
    content = {"order.toml": head(draw)}
    barred: set[str] = set()
    acts: list[str] = []
    for number in range(draw(st.integers(1, rules))):
        name, written = rule(draw, number, barred, acts)
        content[f"{name}.toml"] = written
    return Files({name: as_file(written) for name, written in content.items()})


@st.composite
def choices(draw: Draw, rulebook: Rulebook) -> dict[str, str]:
    """A choice of readings: some questions opened, some settled, the rest as they are."""
    return {
        name: draw(st.sampled_from(["open", *asked.order]))
        for name, asked in rulebook.questions.items()
        if draw(st.booleans())
    }


@st.composite
def bounds(draw: Draw, facts: Sequence[FactId]) -> list[int]:
    """What is possible of each fact, as an engine takes it."""
    found: list[int] = []
    for name, _ in facts:
        spec = SPECS[name]
        if spec.kind == "set":
            single = not spec.may_miss or draw(st.sampled_from([True, False]))
            bit = st.sampled_from([1 << place for place in range(len(spec.values))])
            found += [draw(bit if single else st.integers(1, spec.everything))] * 2
        else:
            # Days are compared with each other only, so few of them meet more often.
            low = draw(st.integers(0, TOP if spec.kind == "number" else 3))
            width = draw(st.sampled_from([0, 0, 1, 2, 4, TOP])) if spec.may_miss else 0
            found += [low, low + width]
    return found


@st.composite
def days(draw: Draw) -> dict[DatedBy, date]:
    """The day that each `dated_by` names, often the first of an edition or the one before."""
    steps = st.sampled_from([-1, 0, 0, 0, 1, 100])
    return {
        name: draw(st.sampled_from([*DAYS, *DAYS[1:], *DAYS[1:]])) + timedelta(days=draw(steps))
        for name in get_args(DatedBy)
    }


LARGE = 20_000  # regions that take seconds to try


def regions_in(rule: Rule) -> int:
    """How many states there are to try at most, of all the facts that a rule names together."""
    try:
        bound = opened(rule)
    except TooManyRegionsError:
        return MOST
    regions = regions_of(rule, editions(rule)[0], bound.readings)
    axes = regions.axes(fact for reading in bound.readings for fact in reading.facts)
    return prod(axis.whole + axis.may_miss for axis in axes)
