"""Rule files with one small thing changed: a figure, a sign, a day, a weight, a binding."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, get_args

from mentor_rules.facts import ACTS, SPECS
from mentor_rules.rulebook import ROLLS, TERM_STARTS, DatedBy, Weight

Path = tuple[str | int, ...]
Content = dict[str, Any]

SIGNS = (ast.GtE, ast.Gt, ast.LtE, ast.Lt, ast.Eq, ast.NotEq)
LISTS = (ast.In, ast.NotIn)
UNITS = ("basis points", "calendar days", "working days", "years")
DUE = ("none", *(spec.name for spec in SPECS.values() if spec.kind == "date" and not spec.may_miss))


def mutants(content: Content) -> Iterator[tuple[str, Content]]:
    """Every mutant of a rule file, or of `order.toml`, with what was changed."""
    for path, value in _values(content):
        for changed in _others(content, path, value):
            mutant = copy.deepcopy(content)
            _put(mutant, path, changed)
            yield f"{'.'.join(map(str, path))}: {value} -> {changed}", mutant


def _values(item: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that a mutant may change, lists of plain values whole; no case is changed."""
    if isinstance(item, dict):
        for key, inner in item.items():
            if key != "case":
                yield from _values(inner, (*path, key))
    elif isinstance(item, list) and item and isinstance(item[0], dict):
        for place, inner in enumerate(item):
            yield from _values(inner, (*path, place))
    else:
        yield path, item


def _put(content: Any, path: Path, value: Any) -> None:
    for part in path[:-1]:
        content = content[part]
    if value is None:
        del content[path[-1]]
    else:
        content[path[-1]] = value


def _others(content: Content, path: Path, value: Any) -> list[Any]:
    """What may stand there instead."""
    last = str(path[-1])
    if isinstance(value, date):
        return [value + timedelta(days=days) for days in (-1, 1)]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value - 1, value + 1]
    if last in ("check", "applies", "when"):
        return list(dict.fromkeys(expressions(value, members=last != "when")))
    if path[0] == "questions":
        return _of_question(content, path, value)
    allowed: dict[str, tuple[str, ...]] = {
        "weight": get_args(Weight),
        "dated_by": get_args(DatedBy),
        "unit": UNITS,
    }
    if path[0] == "act":
        allowed |= {"roll": ROLLS, "term_starts": TERM_STARTS}
    if path[0] == "act" and last in ("until", "from"):
        return [other for other in (None, *DUE) if other != value]
    if path[0] == "act" and last in ("done", "in_order"):
        dropped = [[act for act in value if act != one] for one in value] if value[1:] else []
        swapped = [[other if act == value[0] else act for act in value] for other in ACTS]
        return [*dropped, *(one for one in swapped if len(set(one)) == len(one) and one != value)]
    return [other for other in allowed.get(last, ()) if other != value]


def _of_question(content: Content, path: Path, value: Any) -> list[Any]:
    question = content["questions"][path[1]]
    if path[-1] == "default":
        return [name for name in question["order"] if name != value]
    if path[-1] == "order":
        return [
            value[:at] + value[at : at + 2][::-1] + value[at + 2 :] for at in range(len(value) - 1)
        ]
    if "binds" in path:
        bound = {
            reading["binds"][path[-1]]
            for reading in question["readings"].values()
            if path[-1] in reading.get("binds", {})
        }
        return sorted(bound - {value})
    return []


def expressions(text: str, *, members: bool = True) -> Iterator[str]:
    """Every expression that differs from this one in one place."""
    tree = ast.parse(text, mode="eval")
    count = len(list(ast.walk(tree)))
    for place in range(count):
        for choice in range(20):
            changed = ast.parse(text, mode="eval")
            found = _change(list(ast.walk(changed))[place], choice, members=members)
            if found is None:
                break
            wrapped = _replaced(changed, place, found)
            written = ast.unparse(wrapped)
            if written != ast.unparse(tree):
                yield written


def _replaced(tree: ast.AST, place: int, found: ast.AST) -> ast.AST:
    """The tree with another node at a place of its walk."""
    wanted = list(ast.walk(tree))[place]
    for parent in ast.walk(tree):
        for name, inner in ast.iter_fields(parent):
            if inner is wanted:
                setattr(parent, name, found)
            elif isinstance(inner, list):
                setattr(parent, name, [found if item is wanted else item for item in inner])
    return tree


def _change(node: ast.AST, choice: int, *, members: bool) -> ast.AST | None:
    """The node changed in one of several ways, None past the last."""
    ways: list[ast.AST] = []
    if isinstance(node, ast.BoolOp):
        op: ast.boolop = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        ways = [ast.BoolOp(op, node.values)]
        for left_out in range(len(node.values)):
            rest = [value for at, value in enumerate(node.values) if at != left_out]
            ways.append(rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        ways = [node.operand]
    elif isinstance(node, ast.Compare):
        for at, sign in enumerate(node.ops):
            for other in SIGNS if isinstance(sign, SIGNS) else LISTS:
                signs = [other() if place == at else op for place, op in enumerate(node.ops)]
                ways.append(ast.Compare(node.left, signs, node.comparators))
        ways.append(ast.UnaryOp(ast.Not(), node))
        ways += _other_values(node) if members else []
    elif (
        isinstance(node, ast.Name) and SPECS.get(node.id) and SPECS[node.id].values == ("no", "yes")
    ):
        ways = [ast.UnaryOp(ast.Not(), node)]
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        ways = [ast.Constant(node.value - 1), ast.Constant(node.value + 1)]
    return ways[choice] if choice < len(ways) else None


def _other_values(node: ast.Compare) -> list[ast.AST]:
    """A comparison with another closed value, or with one fewer or more in its list."""
    left = node.left.value if isinstance(node.left, ast.Subscript) else node.left
    (right,) = node.comparators
    if not isinstance(left, ast.Name):
        return []
    values = SPECS[left.id].values if left.id in SPECS else ("reserve", "appointment")
    if isinstance(right, ast.Constant) and isinstance(right.value, str):
        others = [ast.Constant(value) for value in values if value != right.value]
        return [ast.Compare(node.left, node.ops, [other]) for other in others]
    if isinstance(right, ast.List):
        listed = [item.value for item in right.elts if isinstance(item, ast.Constant)]
        fewer = [[one for one in listed if one != out] for out in listed] if listed[1:] else []
        more = [[*listed, value] for value in values if value not in listed]
        return [
            ast.Compare(node.left, node.ops, [ast.List([ast.Constant(one) for one in some])])
            for some in [*fewer, *more]
        ]
    return []
