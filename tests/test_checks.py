"""The language of checks, and how exactly the compiled rules decide them.

Random checks over a handful of facts are compiled and compared with brute force: every
completion of what is missing is tried, and each check is evaluated by the plain functions
that were built along with its text. Nothing of the library helps on that side.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import product
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentor_rules.checks import (
    MAX_DEPTH,
    MAX_LENGTH,
    And,
    CheckError,
    Compare,
    Constant,
    Expression,
    Literal,
    Name,
    Not,
    Or,
    Predicate,
    comparisons,
    names,
    parse_check,
)
from mentor_rules.engines.closure import Closure
from mentor_rules.facts import SPECS, FactId
from mentor_rules.loading import load_rulebook
from mentor_rules.rulebook import (
    BoundRule,
    Figure,
    FigureRow,
    InForce,
    Question,
    Reading,
    Rule,
    Settled,
    Texts,
    bind,
)

# The grammar ----------------------------------------------------------------------------

A, B, C = Name("a"), Name("b"), Name("c")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", Predicate(A)),
        ("  a\n", Predicate(A)),
        ("a[b]", Predicate(Name("a", ("b",)))),
        ("a[b, c]", Predicate(Name("a", ("b", "c")))),
        ("true", Constant(True)),
        ("false", Constant(False)),
        ("not a", Not(Predicate(A))),
        ("a and b and c", And((Predicate(A), Predicate(B), Predicate(C)))),
        ("a and b or c", Or((And((Predicate(A), Predicate(B))), Predicate(C)))),
        ("a and (b or c)", And((Predicate(A), Or((Predicate(B), Predicate(C)))))),
        ("a >= 5", Compare((A, Literal(5)), (">=",))),
        ("a > -5", Compare((A, Literal(-5)), (">",))),
        ("5 <= a", Compare((Literal(5), A), ("<=",))),
        ("a < b", Compare((A, B), ("<",))),
        ('a == "x"', Compare((A, Literal("x")), ("==",))),
        ("a != 'x'", Compare((A, Literal("x")), ("!=",))),
        ("a in [1, 2]", Compare((A, Literal((1, 2))), ("in",))),
        ('a not in ["x"]', Compare((A, Literal(("x",))), ("not in",))),
        ("a <= b < 5", Compare((A, B, Literal(5)), ("<=", "<"))),
        ("5 > a >= b[c]", Compare((Literal(5), A, Name("b", ("c",))), (">", ">="))),
        ("not a in [1]", Not(Compare((A, Literal((1,))), ("in",)))),
        ("a  # and b", Predicate(A)),
    ],
)
def test_what_is_within_the_grammar_becomes_a_tree(text: str, tree: Expression) -> None:
    assert parse_check(text) == tree


BESIDE = "only whole numbers and texts may stand beside names"
NO_PARSE = "the check cannot be parsed"
AFTER_IN = "after in there must be a list"
STRAY_LIST = "a list may stand only after in, and not empty"
ONE_WAY = "a chain of comparisons must run in one direction"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", NO_PARSE),
        ("a and", NO_PARSE),
        ("a; b", NO_PARSE),
        ("a = 1", NO_PARSE),
        ("import os", NO_PARSE),
        ("a\nb", NO_PARSE),
        ("a\0", NO_PARSE),
        ("\ud800", NO_PARSE),
        ("(" * 240 + "a" + ")" * 240, NO_PARSE),
        ("a b", NO_PARSE),
        ("a && b", NO_PARSE),
        ("60 %", NO_PARSE),
        ("a()", "Call is not allowed in a check"),
        ('__import__("os")', "Call is not allowed in a check"),
        ("a.b", "Attribute is not allowed in a check"),
        ("().__class__.__bases__", "Attribute is not allowed in a check"),
        ("lambda: a", "Lambda is not allowed in a check"),
        ('f"{a}"', "JoinedStr is not allowed in a check"),
        ("a if b else c", "IfExp is not allowed in a check"),
        ("[x for x in a]", "ListComp is not allowed in a check"),
        ("{x for x in a}", "SetComp is not allowed in a check"),
        ("{x: x for x in a}", "DictComp is not allowed in a check"),
        ("(x for x in a)", "GeneratorExp is not allowed in a check"),
        ("(a := b)", "NamedExpr is not allowed in a check"),
        ("await a", "Await is not allowed in a check"),
        ("(yield a)", "Yield is not allowed in a check"),
        ("a + b", "BinOp is not allowed in a check"),
        ("a & b", "BinOp is not allowed in a check"),
        ("-a", "UnaryOp is not allowed in a check"),
        ("~a", "UnaryOp is not allowed in a check"),
        ("5", "Constant is not allowed in a check"),
        ('"a"', "Constant is not allowed in a check"),
        ("True", "Constant is not allowed in a check"),
        ("None", "Constant is not allowed in a check"),
        ("...", "Constant is not allowed in a check"),
        ("(a, b)", "Tuple is not allowed in a check"),
        ("[a]", "List is not allowed in a check"),
        ("{}", "Dict is not allowed in a check"),
        ("a is b", "Is is not allowed in a check"),
        ("a is not b", "IsNot is not allowed in a check"),
        ("a and b.c", "Attribute is not allowed in a check"),
        ("not b()", "Call is not allowed in a check"),
        ("a >= 5.0", BESIDE),
        ("a >= 1e3", BESIDE),
        ("a >= 5j", BESIDE),
        ("a == True", BESIDE),
        ("a == None", BESIDE),
        ('a == b"x"', BESIDE),
        ('a == f"x"', BESIDE),
        ("a >= +5", BESIDE),
        ('a >= -"x"', BESIDE),
        ("a >= 5 + 1", BESIDE),
        ("a >= b.c", BESIDE),
        ("a >= b()", BESIDE),
        ("a == (1, 2)", BESIDE),
        ("a >= (not b)", BESIDE),
        ("a in [1.5]", BESIDE),
        ("a in [b]", BESIDE),
        ("a in [[1]]", BESIDE),
        (f"a >= {2**53 + 1}", "a number is too large"),
        (f"a >= -{2**53 + 1}", "a number is too large"),
        ("a in b", AFTER_IN),
        ('a in "abc"', AFTER_IN),
        ("a in (1, 2)", AFTER_IN),
        ("a in {1, 2}", AFTER_IN),
        ("a in []", STRAY_LIST),
        ("a == [1]", STRAY_LIST),
        ("[1] == a", STRAY_LIST),
        ("[1] in [a]", STRAY_LIST),
        ("a <= b >= c", ONE_WAY),
        ("a == b == c", ONE_WAY),
        ("a <= b == c", ONE_WAY),
        ("a in [1] in [2]", ONE_WAY),
        ("a <= b <= c <= 5", "a chain has more than three terms"),
        ('a["b"]', "a key must be a name"),
        ("a[1]", "a key must be a name"),
        ("a[b.c]", "a key must be a name"),
        ("a[b:c]", "a key must be a name"),
        ("a[*b]", "a key must be a name"),
        ("a[b][c]", "only names and keyed names are allowed"),
        ("a.b[c]", "only names and keyed names are allowed"),
        ("a()[b]", "only names and keyed names are allowed"),
        ("a >= b()[c]", "only names and keyed names are allowed"),
        ("not " * (MAX_DEPTH + 1) + "a", "the check is nested too deeply"),
        ("a" * (MAX_LENGTH + 1), "the check is longer than 500 characters"),
        ("a" + " " * MAX_LENGTH, "the check is longer than 500 characters"),
    ],
)
def test_what_is_outside_the_grammar_is_refused(text: str, problem: str) -> None:
    with pytest.raises(CheckError) as refused:
        parse_check(text)
    assert refused.value.problem == problem
    (suggestion,) = (said for start, said in SUGGESTED.items() if re.search(start, problem))
    assert refused.value.suggestion == suggestion
    assert str(refused.value) == f"{problem}; {suggestion}"


# What is proposed, by what is wrong.
SUGGESTED = {
    NO_PARSE: "write it as in the other rules",
    r"^(?!Is)\w+ is not allowed": "use comparisons, and, or, not, names and keyed names",
    "^Is(Not)? is not allowed": "use >= > <= < == != in not in",
    BESIDE: "write figures under [figures]",
    "too large": "figures belong in [figures]",
    AFTER_IN: 'write x in ["a", "b"]',
    STRAY_LIST: "write x in [a, b]",
    f"{ONE_WAY}|more than three terms": "join two comparisons with and",
    "key must be|keyed names are allowed": "write quality[subject, period]",
    "nested": "a fact is missing: add the fact",
    "longer than": "a shorter check needs a fact that says more",
}


@pytest.mark.parametrize("text", ["a < b <= c", "a <= b < c", "a > b >= c", "a >= b > c"])
def test_a_chain_may_be_strict_on_one_side(text: str) -> None:
    _, first, _, second, _ = text.split()
    assert parse_check(text) == Compare((A, Name("b"), Name("c")), (first, second))


@pytest.mark.parametrize("joined", ["({} and b)", "({} or b)", "(not {})"])
def test_every_connective_counts_as_a_level(joined: str) -> None:
    def nested(levels: int) -> str:
        # Alternating with `not`, since `and` in `and` is one level.
        text = "a"
        for level in range(levels):
            text = (joined if level % 2 else "(not {})").format(text)
        return text

    assert parse_check(nested(MAX_DEPTH))
    with pytest.raises(CheckError, match="nested"):
        parse_check(nested(MAX_DEPTH + 1))


def test_the_limits_themselves_are_allowed() -> None:
    assert parse_check("a" * MAX_LENGTH) == Predicate(Name("a" * MAX_LENGTH))
    assert parse_check(f"a >= {2**53}") == Compare((A, Literal(2**53)), (">=",))
    deep = parse_check("not " * MAX_DEPTH + "a")
    for _ in range(MAX_DEPTH):
        assert isinstance(deep, Not)
        deep = deep.item
    assert deep == Predicate(A)


def test_names_are_given_as_often_as_they_occur_and_in_order() -> None:
    tree = parse_check("a and not (b[c] >= a) or c in [1] or true")
    assert list(names(tree)) == [A, Name("b", ("c",)), A, C]
    assert [item.operators for item in comparisons(tree)] == [(">=",), ("in",)]


PIECES = [
    *("a", "b", "c", "[", "]", "(", ")", ",", ".", ":", ":=", "and", "or", "not", "in", "is"),
    *(">=", "<", "==", "!=", "+", "-", "*", "**", "~", "%", "@", "=", ";", "\n", "#", "\\", "\t"),
    *("1", "0x1f", "1_0", "1.5", "1e999", "007", "'x'", '"y"', "'", "f'{a}'", "b'x'", "'\\N'"),
    *("lambda", "if", "else", "for", "await", "yield", "true", "None", "True", "...", "{", "}"),
]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES)).map(" ".join)))
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
def test_any_text_is_either_a_check_or_refused_as_one(text: str) -> None:
    try:
        tree = parse_check(text)
    except CheckError:
        return
    assert isinstance(tree, Expression)


# Random rules ---------------------------------------------------------------------------
# Three questions are open in some examples: `period` and `floor` bind keys, `bars` a name.

OPEN_READINGS: Mapping[str, tuple[str, ...]] = {
    "period": ("mean", "each_year"),
    "floor": ("lower", "upper"),
    "bars": ("reserve", "appointment"),
}
SETTLED_READINGS: Mapping[str, tuple[str, ...]] = {
    "subject": ("mentored",),
    "validity": ("must_be_valid",),
    "duties": ("holds_post",),
    "silence": ("presumed",),
}
READINGS = {**OPEN_READINGS, **SETTLED_READINGS}
WORDS = Texts(en="x", kk="x", ru="x")
PATTERN = load_rulebook().rule("appointment/not_self")

CLOSED = {  # how the closed facts are written, and their keys
    "school_kind": (),
    "category": ("validity",),
    "ethics": ("silence",),
    "post": ("duties",),
    "mentor_in_school": (),
    "under_way": (),
    "purpose": (),
    "mentor_is_mentee": (),
}
ORDERED = {
    "quality": ("subject", "period"),
    "category_years": (),
    "mentee_first_taught_on": (),
    "starts_year_begins": (),
}
KEYS = {**CLOSED, **ORDERED}
COMPLETE = [name for name in KEYS if not SPECS[name].may_miss]
MISSABLE = [name for name in KEYS if SPECS[name].may_miss]
TOP = 8  # numbers and days of the examples run from 0 to this

FIRST, SECOND = date(2020, 5, 7), date(2023, 1, 1)
LOOKED_UP_BY: Mapping[str, tuple[str, ...]] = {
    "term": (),
    "band": ("school_kind",),
    "share": ("purpose", "mentor_in_school"),
}
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}

Rows = Mapping[tuple[str, ...], Mapping[str, int]]


@dataclass(frozen=True)
class World:
    """Everything decided: the value of each fact, the readings, the figures of the day."""

    facts: Mapping[FactId, int | str]
    readings: Mapping[str, str]
    figures: Mapping[str, Rows]

    def fact(self, name: str) -> int | str:
        return self.facts[name, tuple(self.readings[key] for key in KEYS[name])]

    def figure(self, name: str) -> int:
        columns = self.figures[name][tuple(str(self.fact(by)) for by in LOOKED_UP_BY[name])]
        return columns[self.readings["floor"] if name == "band" else "value"]


@dataclass(frozen=True)
class Said:
    """A check as text, and the same as a plain function of a world."""

    text: str
    holds: Callable[[World], bool] = field(repr=False)


@dataclass(frozen=True)
class Term:
    """A number or day as text, and the same as a plain function of a world."""

    text: str
    value: Callable[[World], Any] = field(repr=False)
    jumps: bool = False  # what it can be need not be all between its bounds


def keyed(name: str, keys: Sequence[str]) -> str:
    return f"{name}[{', '.join(keys)}]" if keys else name


def fact_term(name: str) -> Term:
    return Term(keyed(name, KEYS[name]), lambda world: world.fact(name))


def figure_term(name: str) -> Term:
    keys = (*LOOKED_UP_BY[name], *(("floor",) if name == "band" else ()))
    return Term(keyed(name, keys), lambda world: world.figure(name), bool(LOOKED_UP_BY[name]))


def number_term(number: int) -> Term:
    return Term(str(number), lambda _: number)


def compared(terms: Sequence[Term], operators: Sequence[str]) -> Said:
    text = terms[0].text
    for sign, term in zip(operators, terms[1:], strict=True):
        text += f" {sign} {term.text}"

    def holds(world: World) -> bool:
        values = [term.value(world) for term in terms]
        return all(
            OPERATORS[sign](left, right)
            for sign, left, right in zip(operators, values, values[1:], strict=False)
        )

    return Said(text, holds)


def member(text: str, value: Callable[[World], Any], sign: str, values: Sequence[str]) -> Said:
    listed = ", ".join(f'"{item}"' for item in values)
    written = f"{text} {sign} [{listed}]" if "in" in sign else f'{text} {sign} "{values[0]}"'
    wanted = sign in ("==", "in")
    return Said(written, lambda world: (value(world) in values) == wanted)


def negated(said: Said) -> Said:
    return Said(f"not ({said.text})", lambda world: not said.holds(world))


def joined(parts: Sequence[Said], word: str) -> Said:
    every = all if word == "and" else any
    return Said(
        f" {word} ".join(f"({part.text})" for part in parts),
        lambda world: every([part.holds(world) for part in parts]),
    )


Draw = Callable[[st.SearchStrategy[Any]], Any]


def draw_closed(draw: Draw, name: str) -> Said:
    values = SPECS[name].values
    text = keyed(name, KEYS[name])
    if values == ("no", "yes") and draw(st.booleans()):
        return Said(text, lambda world: world.fact(name) == "yes")
    sign = draw(st.sampled_from(["==", "!=", "in", "not in", "mirrored"]))
    if sign == "mirrored":
        value = draw(st.sampled_from(values))
        return Said(f'"{value}" == {text}', lambda world: world.fact(name) == value)
    chosen = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))
    if "in" not in sign:
        chosen = chosen[:1]
    return member(text, lambda world: world.fact(name), sign, chosen)


def draw_other(draw: Draw, unused: list[str]) -> Term:
    """A term to compare with; a fact that can be missing is taken out of `unused`."""
    choices = ["number", "term", "starts_year_begins"]
    choices += [name for name in unused if name in ORDERED]
    choices += ["band"] * ("school_kind" in unused)
    choices += ["share"] * ("mentor_in_school" in unused)
    choice = draw(st.sampled_from(choices))
    for fact in (choice, *LOOKED_UP_BY.get(choice, ())):
        if fact in unused:
            unused.remove(fact)
    if choice == "number":
        return number_term(draw(st.integers(-1, TOP + 1)))
    return figure_term(choice) if choice in LOOKED_UP_BY else fact_term(choice)


def draw_compared(draw: Draw, first: Term, unused: list[str]) -> Said:
    terms = draw(
        st.permutations([first, *(draw_other(draw, unused) for _ in range(draw(ONE_OR_TWO)))])
    )
    if len(terms) == 3 and terms[1].jumps:  # see the last test of this file
        terms = [terms[1], terms[0], terms[2]]
    if len(terms) == 3:
        signs = draw(st.sampled_from([("<", "<="), (">", ">=")]))
        return compared(terms, draw(st.tuples(*[st.sampled_from(signs)] * 2)))
    allowed = [">=", ">", "<=", "<"]
    allowed += ["==", "!="] * (not any(term.jumps for term in terms))
    return compared(terms, [draw(st.sampled_from(allowed))])


ONE_OR_TWO = st.integers(1, 2)


def draw_leaf(draw: Draw, unused: list[str]) -> Said:
    name = unused.pop()
    if name in ORDERED:
        return draw_compared(draw, fact_term(name), unused)
    if name == "school_kind" and draw(st.booleans()):
        return draw_compared(draw, figure_term("band"), unused)
    if name == "mentor_in_school" and draw(st.booleans()):
        return draw_compared(draw, figure_term("share"), unused)
    return draw_closed(draw, name)


def draw_complete(draw: Draw) -> Said:
    choice = draw(st.sampled_from([*COMPLETE, "bars", "true", "false"]))
    if choice in ("true", "false"):
        return Said(choice, lambda _: choice == "true")
    if choice == "bars":
        sign = draw(st.sampled_from(["==", "!=", "in", "not in"]))
        value = draw(st.sampled_from(OPEN_READINGS["bars"]))
        return member("bars", lambda world: world.readings["bars"], sign, [value])
    if choice in ORDERED:
        return draw_compared(draw, fact_term(choice), [])
    return draw_closed(draw, choice)


def draw_tree(draw: Draw, leaves: list[Said]) -> Said:
    if len(leaves) == 1:
        tree = leaves[0]
    else:
        cut = draw(st.integers(1, len(leaves) - 1))
        parts = [draw_tree(draw, leaves[:cut]), draw_tree(draw, leaves[cut:])]
        tree = joined(parts, draw(st.sampled_from(["and", "or"])))
    return negated(tree) if draw(st.sampled_from([False, False, True])) else tree


@dataclass(frozen=True)
class Example:
    """A rule at random: what it says, its figures from two days on, its open questions."""

    check: Said
    applies: Said | None
    figures: Mapping[str, Mapping[date, Rows]]
    asked: tuple[str, ...]


def draw_figures(draw: Draw) -> dict[str, dict[date, Rows]]:
    return {
        name: {
            first: {
                keys: {
                    column: draw(st.integers(0, TOP))
                    for column in (("lower", "upper") if name == "band" else ("value",))
                }
                for keys in product(*(SPECS[by].values for by in LOOKED_UP_BY[name]))
            }
            for first in (FIRST, SECOND)
        }
        for name in LOOKED_UP_BY
    }


@st.composite
def examples(draw: Draw) -> Example:
    unused = draw(st.permutations(MISSABLE))[: draw(st.integers(1, 5))]
    leaves = []
    while unused:
        leaves.append(draw_leaf(draw, unused))
    leaves += [draw_complete(draw) for _ in range(draw(st.integers(0, 2)))]
    cut = draw(st.integers(0, len(leaves) - 1))
    asked = tuple(sorted(name for name in OPEN_READINGS if draw(st.booleans())))
    return Example(
        draw_tree(draw, leaves[cut:]),
        draw_tree(draw, leaves[:cut]) if cut else None,
        draw_figures(draw),
        asked,
    )


def as_rule(example: Example) -> Rule:
    """The example as the rule that its file would be loaded as."""
    rule = PATTERN
    figures = {
        name: Figure(
            name,
            "steps",
            LOOKED_UP_BY[name],
            tuple(
                FigureRow(first, SECOND if first == FIRST else None, keys, columns, rule.source)
                for first, rows in editions.items()
                for keys, columns in rows.items()
            ),
        )
        for name, editions in example.figures.items()
    }
    questions = {
        name: Question(
            status="live",
            order=[*order, "rejected"][:2],
            asks=WORDS,
            readings={reading: Reading(means=WORDS, binds={name: reading}) for reading in order},
        )
        for name, order in READINGS.items()
    }
    return replace(
        rule,
        check=parse_check(example.check.text),
        applies=parse_check(example.applies.text) if example.applies else Constant(True),
        in_force=InForce.model_validate({"from": FIRST}),
        figures=MappingProxyType(figures),
        questions=MappingProxyType(questions),
        reasons=(),
    )


def as_bound(example: Example) -> BoundRule:
    live = {name: order if name in example.asked else order[:1] for name, order in READINGS.items()}
    return bind(as_rule(example), Settled(MappingProxyType(live), ()))


Possible = Mapping[FactId, Sequence[int | str]]


def as_bounds(facts: Sequence[FactId], possible: Possible) -> list[int]:
    """What is possible, as the engine is told it: lowest and highest, or a set of bits."""
    bounds: list[int] = []
    for fact in facts:
        values = possible[fact]
        if SPECS[fact[0]].kind == "set":
            bits = sum(1 << SPECS[fact[0]].values.index(str(value)) for value in set(values))
            bounds += [bits, bits]
        else:
            bounds += [int(values[0]), int(values[-1])]
    return bounds


def by_brute_force(
    example: Example,
    facts: Sequence[FactId],
    possible: Possible,
    readings: Mapping[str, str],
    day: date,
) -> str:
    """The outcome after section 4 of the design: every completion is tried."""
    first = SECOND if day >= SECOND else FIRST
    figures = {name: editions[first] for name, editions in example.figures.items()}
    answers = set()
    for values in product(*(possible[fact] for fact in facts)):
        world = World(dict(zip(facts, values, strict=True)), readings, figures)
        applies = example.applies is None or example.applies.holds(world)
        answers.add((applies, example.check.holds(world)))
    if not any(applies for applies, _ in answers):
        return "not_applicable"
    if all(not applies or check for applies, check in answers):
        return "satisfied"
    if all(applies and not check for applies, check in answers):
        return "breached"
    return "unknown"


def outcomes(bound: BoundRule, possible: Possible, day: date) -> tuple[str, ...]:
    engine = Closure((bound,))
    days = {"ordered_on": day, "starts_on": date.min, "formed_on": date.max}
    (found,) = engine.outcomes(as_bounds(engine.facts, possible), days)  # type: ignore[arg-type]  # the keys are those of DatedBy
    return found


def readings_of(example: Example) -> Iterator[dict[str, str]]:
    """Every combination of the open readings that the rule uses, the mildest first."""
    used = used_in(example)
    for choice in product(*(READINGS[name] for name in used)):
        yield {name: order[0] for name, order in READINGS.items()} | dict(
            zip(used, choice, strict=True)
        )


def used_in(example: Example) -> list[str]:
    """The open questions whose names stand in the rule: the others part nothing."""
    text = f"{example.check.text} {example.applies.text if example.applies else ''}"
    return [name for name in example.asked if re.search(rf"\b{name}\b", text)]


def draw_possible(draw: Draw, fact: FactId) -> list[int | str]:
    spec = SPECS[fact[0]]
    if spec.kind == "set":
        size = draw(st.sampled_from([1, 1, 2, 3])) if spec.may_miss else 1
        chosen: list[int | str] = draw(
            st.lists(st.sampled_from(spec.values), min_size=1, max_size=size, unique=True)
        )
        return chosen
    low = draw(st.integers(0, TOP))
    width = draw(st.sampled_from([0, 1, 2, 4])) if spec.may_miss else 0
    return list(range(low, min(low + width, TOP) + 1))


@settings(max_examples=500)
@given(
    examples(), st.sampled_from([FIRST, date(2022, 12, 31), SECOND, date(2026, 9, 1)]), st.data()
)
def test_a_compiled_rule_decides_exactly_what_all_completions_say(
    example: Example, day: date, data: st.DataObject
) -> None:
    bound = as_bound(example)
    possible = {fact: draw_possible(data.draw, fact) for fact in Closure((bound,)).facts}
    expected = [
        by_brute_force(example, reading.facts, possible, readings, day)
        for reading, readings in zip(bound.readings, readings_of(example), strict=True)
    ]
    assert outcomes(bound, possible, day) == tuple(expected)


@given(examples())
def test_the_readings_of_a_rule_are_all_combinations_the_mildest_first(example: Example) -> None:
    assert [dict(reading.when) for reading in as_bound(example).readings] == [
        {name: readings[name] for name in used_in(example)} for readings in readings_of(example)
    ]


@given(examples())
def test_a_rule_decides_nothing_on_the_day_before_it_is_in_force(example: Example) -> None:
    bound = as_bound(example)
    possible: Possible = {
        fact: SPECS[fact[0]].values or [0, TOP] for fact in Closure((bound,)).facts
    }
    found = outcomes(bound, possible, date(2020, 5, 6))
    assert set(found) == {"not_in_force"}
    assert "not_in_force" not in outcomes(bound, possible, FIRST)


@given(examples(), st.data())
def test_learning_more_never_overturns_what_was_certain(
    example: Example, data: st.DataObject
) -> None:
    bound = as_bound(example)
    possible = {fact: draw_possible(data.draw, fact) for fact in Closure((bound,)).facts}
    known = {fact: [data.draw(st.sampled_from(values))] for fact, values in possible.items()}
    for before, after in zip(
        outcomes(bound, possible, SECOND), outcomes(bound, known, SECOND), strict=True
    ):
        assert after != "unknown"
        if before == "satisfied":  # it may turn out not to apply at all
            assert after in ("satisfied", "not_applicable")
        elif before != "unknown":
            assert after == before


# Mistakes that would have to be noticed ---------------------------------------------------

FIGURES: Mapping[str, Mapping[date, Rows]] = {
    "term": {FIRST: {(): {"value": 3}}, SECOND: {(): {"value": 4}}},
    "band": {
        first: {
            ("ordinary",): {"lower": low, "upper": low + 1},
            ("small_complement",): {"lower": low - 1, "upper": low},
        }
        for first, low in ((FIRST, 2), (SECOND, 3))
    },
    "share": {
        first: {
            keys: {"value": place}
            for place, keys in enumerate(
                product(*(SPECS[by].values for by in LOOKED_UP_BY["share"]))
            )
        }
        for first in (FIRST, SECOND)
    },
}
QUALITY, YEARS = fact_term("quality"), fact_term("category_years")
TERM, BAND = figure_term("term"), figure_term("band")
STARTED, BEGAN = fact_term("mentee_first_taught_on"), fact_term("starts_year_begins")
AT_HOME = Said("mentor_in_school", lambda world: world.fact("mentor_in_school") == "yes")
IN_TIME = Said("under_way", lambda world: world.fact("under_way") == "yes")
NO_POST = member("post[duties]", lambda world: world.fact("post"), "==", ["none"])
ENOUGH = compared([QUALITY, BAND], [">="])
BETWEEN = compared([BEGAN, STARTED, TERM], ["<=", "<"])


def every_possible(fact: FactId) -> Iterator[list[int | str]]:
    """All that could be known of a fact: every interval up to 5, every set of values."""
    spec = SPECS[fact[0]]
    if spec.kind == "set":
        for bits in range(1, spec.everything + 1):
            if spec.may_miss or bits.bit_count() == 1:
                yield [value for place, value in enumerate(spec.values) if bits >> place & 1]
    else:
        for low in range(6):
            for high in range(low, 6 if spec.may_miss else low + 1):
                yield list(range(low, high + 1))


def disagreements(said: Example, compiled: str) -> int:
    """In how many states of knowledge the compiled text decides otherwise than `said`."""
    bound = as_bound(replace(said, check=Said(compiled, said.check.holds)))
    readings = next(readings_of(said))
    facts = tuple(dict.fromkeys((*as_bound(said).facts, *bound.facts)))
    count = 0
    for values in product(*(every_possible(fact) for fact in facts)):
        possible = dict(zip(facts, values, strict=True))
        expected = by_brute_force(said, facts, possible, readings, SECOND)
        count += outcomes(bound, possible, SECOND) != (expected,)
    return count


@pytest.mark.parametrize(
    ("said", "mistakes"),
    [
        (
            ENOUGH,
            [
                "quality[subject, period] > band[school_kind, floor]",
                "quality[subject, period] < band[school_kind, floor]",
                "quality[subject, period] <= band[school_kind, floor]",
                "band[school_kind, floor] >= quality[subject, period]",
                "quality[subject, period] >= term",
                "not (quality[subject, period] >= band[school_kind, floor])",
            ],
        ),
        (
            BETWEEN,
            [
                "starts_year_begins < mentee_first_taught_on < term",
                "starts_year_begins <= mentee_first_taught_on <= term",
                "starts_year_begins >= mentee_first_taught_on > term",
                "starts_year_begins <= mentee_first_taught_on",
                "mentee_first_taught_on < term",
            ],
        ),
        (
            compared([QUALITY, YEARS], ["=="]),
            [
                "quality[subject, period] != category_years",
                "quality[subject, period] >= category_years",
            ],
        ),
        (
            joined([AT_HOME, IN_TIME], "and"),
            [
                "mentor_in_school or under_way",
                "mentor_in_school",
                "mentor_in_school and not under_way",
                "not (mentor_in_school and under_way)",
            ],
        ),
        (
            NO_POST,
            [
                'post[duties] != "none"',
                'post[duties] == "head"',
                'post[duties] in ["none", "head"]',
                'post[duties] not in ["head"]',
                "true",
                "false",
            ],
        ),
        (
            joined([compared([YEARS, TERM], ["<"]), negated(NO_POST)], "or"),
            [
                'category_years <= term or not (post[duties] == "none")',
                'category_years < term and not (post[duties] == "none")',
                'category_years < term or post[duties] == "none"',
            ],
        ),
    ],
    ids=["at least", "between two days", "the same number", "both", "a closed value", "either"],
)
def test_a_mistake_in_what_is_compiled_is_noticed(said: Said, mistakes: list[str]) -> None:
    example = Example(said, None, FIGURES, ())
    assert disagreements(example, said.text) == 0
    for mistake in mistakes:
        assert disagreements(example, mistake) > 0, mistake


@pytest.mark.parametrize(
    ("said", "written"),
    [
        (ENOUGH, "not (quality[subject, period] < band[school_kind, floor])"),
        (ENOUGH, "band[school_kind, floor] <= quality[subject, period]"),
        (BETWEEN, "term > mentee_first_taught_on >= starts_year_begins"),
        (NO_POST, 'post[duties] not in ["head", "deputy_head"]'),
        (NO_POST, '"none" == post[duties]'),
        (joined([AT_HOME, IN_TIME], "and"), "not (not mentor_in_school or not under_way)"),
        (joined([AT_HOME, IN_TIME], "and"), 'under_way == "yes" and mentor_in_school != "no"'),
    ],
)
def test_the_same_thing_said_otherwise_decides_the_same(said: Said, written: str) -> None:
    assert disagreements(Example(said, None, FIGURES, ()), written) == 0


def test_applies_and_check_together_decide_as_all_completions_say() -> None:
    example = Example(NO_POST, IN_TIME, FIGURES, ())
    assert disagreements(example, NO_POST.text) == 0
    assert disagreements(example, 'post[duties] == "head"') > 0


def test_a_range_of_three_years_with_one_missing_already_decides() -> None:
    example = Example(compared([QUALITY, TERM], [">="]), None, FIGURES, ())
    bound = as_bound(example)
    (fact,) = bound.facts
    for low, high, expected in ((0, 3, "breached"), (0, 4, "unknown"), (4, 8, "satisfied")):
        assert outcomes(bound, {fact: [low, high]}, SECOND) == (expected,)
