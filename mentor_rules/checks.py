"""A check: an expression over facts and figures, parsed, never run as Python.

The text is parsed with the standard library's `ast`, and only comparisons, `and`, `or`,
`not`, names, keyed names and literals pass. What is left is a small tree of the classes
below, which the engines read.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

MAX_LENGTH = 500
MAX_DEPTH = 20
OPERATORS = {
    ast.GtE: ">=",
    ast.Gt: ">",
    ast.LtE: "<=",
    ast.Lt: "<",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
}
ORDER = frozenset({">=", ">", "<=", "<"})


class CheckError(ValueError):
    """A check that is outside the grammar; the text says what and how to write it."""

    def __init__(self, problem: str, suggestion: str) -> None:
        self.problem, self.suggestion = problem, suggestion
        super().__init__(f"{problem}; {suggestion}")


@dataclass(frozen=True, slots=True)
class Name:
    """A fact, a figure or a name bound by a reading, with its keys."""

    name: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Literal:
    """A whole number, a text, or a list of either after `in`."""

    value: int | str | tuple[int | str, ...]


Operand = Name | Literal


@dataclass(frozen=True, slots=True)
class Constant:
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True)
class Predicate:
    """A yes/no fact standing alone."""

    name: Name


@dataclass(frozen=True, slots=True)
class Compare:
    """One comparison, or a chain of them in one direction (`a <= x <= c`)."""

    operands: tuple[Operand, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    item: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    """All items hold."""

    items: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Some item holds."""

    items: tuple["Expression", ...]


Expression = Constant | Predicate | Compare | Not | And | Or


def parse_check(text: str) -> Expression:
    """Give the tree of a check. Raises CheckError outside the grammar."""
    if len(text) > MAX_LENGTH:
        raise CheckError(
            f"the check is longer than {MAX_LENGTH} characters",
            "a shorter check needs a fact that says more",
        )
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise CheckError("the check cannot be parsed", "write it as in the other rules") from None
    return _expression(tree.body, 0)


def _expression(node: ast.expr, depth: int) -> Expression:
    if depth > MAX_DEPTH:
        raise CheckError("the check is nested too deeply", "a fact is missing: add the fact")
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return And(tuple(_expression(value, depth + 1) for value in values))
        case ast.BoolOp(op=ast.Or(), values=values):
            return Or(tuple(_expression(value, depth + 1) for value in values))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return Not(_expression(operand, depth + 1))
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            return _compare(left, ops, comparators)
        case ast.Name(id="true" | "false" as name):
            return Constant(name == "true")
        case ast.Name() | ast.Subscript():
            return Predicate(_name(node))
    raise CheckError(
        f"{type(node).__name__} is not allowed in a check",
        "use comparisons, and, or, not, names and keyed names",
    )


def _compare(left: ast.expr, ops: list[ast.cmpop], comparators: list[ast.expr]) -> Compare:
    operators = []
    for op in ops:
        if type(op) not in OPERATORS:
            raise CheckError(
                f"{type(op).__name__} is not allowed in a check",
                f"use {' '.join(OPERATORS.values())}",
            )
        operators.append(OPERATORS[type(op)])
    if len(operators) > 1 and not (set(operators) <= {"<", "<="} or set(operators) <= {">", ">="}):
        raise CheckError(
            "a chain of comparisons must run in one direction", "join two comparisons with and"
        )
    if len(operators) > 2:
        raise CheckError("a chain has more than three terms", "join two comparisons with and")
    listed = operators[0] in ("in", "not in")
    operands = [_operand(left, listed=False)]
    operands += [_operand(item, listed=listed) for item in comparators]
    if not any(isinstance(operand, Name) for operand in operands):
        raise CheckError("two literals are compared", "compare a fact with a figure or a value")
    return Compare(tuple(operands), tuple(operators))


def _operand(node: ast.expr, *, listed: bool) -> Operand:
    if isinstance(node, ast.List):
        if not listed or not node.elts:
            raise CheckError("a list may stand only after in, and not empty", "write x in [a, b]")
        return Literal(tuple(_constant(item) for item in node.elts))
    if listed:
        raise CheckError("after in there must be a list", 'write x in ["a", "b"]')
    if isinstance(node, ast.Name | ast.Subscript):
        return _name(node)
    return Literal(_constant(node))


def _constant(node: ast.expr) -> int | str:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _constant(node.operand)
        if isinstance(value, int):
            return -value
    if isinstance(node, ast.Constant) and type(node.value) in (int, str):
        if isinstance(node.value, int) and node.value > 2**53:
            raise CheckError("a number is too large", "figures belong in [figures]")
        return node.value  # type: ignore[return-value]  # int or str, as just checked
    raise CheckError(
        "only whole numbers and texts may stand beside names", "write figures under [figures]"
    )


def _name(node: ast.expr) -> Name:
    if isinstance(node, ast.Name):
        return Name(node.id)
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        keys = []
        for key in inner:
            if not isinstance(key, ast.Name):
                raise CheckError("a key must be a name", "write quality[subject, period]")
            keys.append(key.id)
        return Name(node.value.id, tuple(keys))
    raise CheckError("only names and keyed names are allowed", "write quality[subject, period]")


def names(expression: Expression) -> Iterator[Name]:
    """Give every name of a check, in order, as often as it occurs."""
    match expression:
        case Predicate(name=name):
            yield name
        case Compare(operands=operands):
            yield from (operand for operand in operands if isinstance(operand, Name))
        case Not(item=item):
            yield from names(item)
        case And(items=items) | Or(items=items):
            for item in items:
                yield from names(item)


def comparisons(expression: Expression) -> Iterator[Compare]:
    """Give every comparison of a check, in order."""
    match expression:
        case Compare():
            yield expression
        case Not(item=item):
            yield from comparisons(item)
        case And(items=items) | Or(items=items):
            for item in items:
                yield from comparisons(item)
