"""How code is mutated. `python -m tests.code_mutation` runs the mutants."""

from __future__ import annotations

import ast
import os
import signal
from pathlib import Path

import pytest

from tests.code_mutation import Baseline, Mutant, all_mutants, in_child, listed, main, mutants

CODE = '''"""A file."""

from functools import cache

LIMIT = 3


@cache
def least(numbers: list[int | None]) -> int:
    """Give the least."""
    match numbers:
        case []:
            return 0
        case [one]:
            return one if one < LIMIT else LIMIT
    return min(
        numbers,
        key=abs,
    )
'''


def changes(made: list[Mutant]) -> set[tuple[str, str]]:
    return {(one.key[2], one.key[3]) for one in made}


def test_signs_figures_arguments_and_branches_are_changed_also_under_a_decorator() -> None:
    assert changes(mutants("x.py", CODE)) >= {
        ("LIMIT = 3", "LIMIT = 4"),
        ("return one if one < LIMIT else LIMIT", "return one if one <= LIMIT else LIMIT"),
        (
            "return one if one < LIMIT else LIMIT",
            "return one if (one < LIMIT) and False else LIMIT",
        ),
        ("numbers, key=abs, )", "numbers, key=None, )"),
        ("case []: return 0", ""),
    }


def test_neither_what_is_said_of_types_nor_imports_nor_decorators_are_changed() -> None:
    lines = {line for was, becomes in changes(mutants("x.py", CODE)) for line in (was, becomes)}
    assert not any("import" in line or "cache" in line or "Give" in line for line in lines)
    assert not any("int |" in line or "int &" in line for line in lines)


def test_every_mutant_is_python_and_has_one_change() -> None:
    original = CODE.splitlines()
    for one in mutants("x.py", CODE):
        assert ast.dump(ast.parse(one.source)) != ast.dump(ast.parse(CODE))
        kept = [line for line in one.source.splitlines() if line in original]
        assert len(original) - len(kept) <= 8


def test_the_lines_that_run_a_change_are_those_of_its_statement() -> None:
    (key,) = (one for one in mutants("x.py", CODE) if one.key[3] == "numbers, key=None, )")
    assert (key.first, key.last) == (16, 19)
    assert key.within == "least"


def test_the_tests_of_a_line_are_run_and_all_where_few_reach_it() -> None:
    tests = {f"a::{at}": 1.0 for at in range(6)} | {"b::0": 1.0, "b::1": 1.0, "c::0": 1.0}
    known = Baseline(tests, {"x.py": {1: {"a::0", "a::1", "a::2", "a::3", "b::0"}, 2: {""}}})
    mutant = Mutant("x.py", "least", 1, 1, "", "", "")
    assert known.of(mutant) == {"a::0", "a::1", "a::2", "a::3", "b::0", "b::1"}
    assert known.of(Mutant("x.py", "module", 2, 2, "", "", "")) == set(tests)
    assert known.of(Mutant("x.py", "least", 3, 3, "", "", "")) == set()


def test_a_process_that_is_ended_gives_nothing_and_one_that_breaks_is_an_error(
    tmp_path: Path,
) -> None:
    assert in_child(tmp_path, lambda: 5) == 5
    assert in_child(tmp_path, lambda: os.kill(os.getpid(), signal.SIGVTALRM)) is None
    with pytest.raises(RuntimeError):
        in_child(tmp_path, lambda: 1 / 0)


def test_what_is_listed_is_a_mutant_still_and_says_why() -> None:
    assert listed().keys() <= {one.key for one in all_mutants()}
    assert all(why.strip() for why in listed().values())


@pytest.mark.long
def test_tests_catch_what_is_changed_in_the_code() -> None:
    """`pytest -m long -n 0 tests/test_code_mutation.py` draws other mutants than the command."""
    assert main(["--seed", "2", "--mutants", "20"]) == 0
