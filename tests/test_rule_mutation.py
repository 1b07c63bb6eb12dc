"""Every shipped rule is held by its cases, by the loader and by proofs: one change is caught.

Each figure, sign, day, weight, binding, `and`, `or`, `not`, term and unit of every rule file is
changed by itself. Of a mutated rule only its own cases are run, and those of the rules that use a
mutated question. `pytest -m long -n 2 tests/test_rule_mutation.py` runs all of them.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from functools import cache
from pathlib import Path

import pytest

from mentor_rules.cases import run_cases
from mentor_rules.errors import RulebookError
from mentor_rules.loading import builtin_rulebook, load_rulebook
from mentor_rules.source import rules_folder
from mentor_rules.verify import verify
from tests.rule_mutants import Content, expressions, mutants
from tests.rulebooks import as_file

FOLDER = rules_folder() / "order_160"
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.toml"))

# Mutants that nothing catches, and why they mean the same: a pattern of what is changed, a reason.
SAME: dict[str, str] = {
    r".*\bread_on: .*": "the day on which somebody read the source judges nobody",
    r"order\.toml (act|read)\..*": "what the reports say of the Order judges nobody",
}


@cache
def originals() -> dict[str, str]:
    return {name: (FOLDER / name).read_text("utf-8") for name in FILES}


def caught(name: str, content: Content) -> str:
    """How a mutated file is caught: refused, by a case, by a proof; or not at all."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in originals().items():
            file = Path(folder) / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(as_file(content) if path == name else text, "utf-8")
        try:
            rulebook = load_rulebook(folder)
        except RulebookError:
            return "refused"
    rules = [rulebook.rule(rule.id) for rule in builtin_rulebook().rules if touched(name, rule.id)]
    try:
        for rule in rules:
            if not all(result.passed for result in run_cases(rulebook, [rule])):
                return "case"
    except RulebookError:
        return "case"
    return "proof" if any(not flaw.notice for flaw in verify(rulebook, rules)) else ""


def touched(name: str, rule_id: str) -> bool:
    """Whether a rule is the mutated one; any may ask a shared question."""
    return name in ("order.toml", f"{rule_id}.toml")


def survivors(name: str, every: int = 1) -> list[str]:
    content = tomllib.loads(originals()[name])
    made = list(mutants(content))[::every]
    assert made
    found = [f"{name} {changed}" for changed, mutant in made if not caught(name, mutant)]
    return [one for one in found if not any(re.fullmatch(same, one) for same in SAME)]


@pytest.mark.long
@pytest.mark.parametrize("name", FILES)
def test_every_mutant_of_a_rule_file_is_caught_or_means_the_same(name: str) -> None:
    assert survivors(name) == []


def test_a_mutated_sign_and_a_mutated_list_are_among_the_mutants() -> None:
    assert set(expressions('not a >= b and c in ["x", "y"]')) >= {
        "not a >= b or c in ['x', 'y']",
        "a >= b and c in ['x', 'y']",
        "not a < b and c in ['x', 'y']",
        "not a >= b and c not in ['x', 'y']",
        "not a >= b",
    }
