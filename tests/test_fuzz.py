"""No file makes a reader fail, name a person or say two things.

The default run is a glance. `pytest -m long -n 2 tests/test_fuzz.py` takes some minutes, and
`python -m tests.fuzz READER --minutes 10` is led by coverage.
"""

from __future__ import annotations

import ast
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import FOREIGN, LED
from tests.readers import READERS, shaken

FOUND = Path(__file__).parent / "fixtures" / "fuzzed"


def held(name: str, data: bytes) -> bool:
    """Tell whether the file is read; what is held of it is asserted."""
    with tempfile.TemporaryDirectory() as folder:
        return READERS[name].hold(data, Path(folder))


def mutated(name: str, random: Random, changes: int) -> bytes:
    data = random.choice(READERS[name].seeds())
    for _ in range(changes):
        data = READERS[name].mutate(data, random, lambda part: shaken(part, random))
    return data


def try_mutations(name: str, examples: int) -> None:
    @settings(max_examples=examples, suppress_health_check=list(HealthCheck), database=None)
    @given(st.randoms(use_true_random=False), st.integers(1, 8))
    def attempt(random: Random, changes: int) -> None:
        held(name, mutated(name, random, changes))

    attempt()


# The mutations write workbooks in which a member stands twice.
pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")


@pytest.mark.parametrize("name", READERS)
def test_a_file_changed_at_random_is_read_or_refused_in_order(name: str) -> None:
    try_mutations(name, 12)


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_very_many_files_changed_at_random_are_read_or_refused_in_order(name: str) -> None:
    """Minutes: `pytest -m long -n 2 tests/test_fuzz.py`."""
    try_mutations(name, 1000)


@pytest.mark.parametrize("name", READERS)
def test_seeds_are_read_and_mutations_neither_all_refused_nor_all_read(name: str) -> None:
    assert all(held(name, seed) for seed in READERS[name].seeds())
    tried = (held(name, mutated(name, Random(seed), 1 + seed % 4)) for seed in range(200))
    first = next(tried)
    assert any(read != first for read in tried)


@pytest.mark.parametrize("path", sorted(FOUND.glob("*/*")), ids=lambda path: path.name)
def test_what_was_found_once_is_held_now(path: Path) -> None:
    held(path.parent.name, path.read_bytes())


def test_each_reader_is_led_by_coverage_of_modules_that_there_are() -> None:
    assert LED.keys() == READERS.keys()
    package = Path(__file__).parents[1] / "mentor_rules"
    ours = {part for parts in LED.values() for part in parts} - FOREIGN
    for part in ours:
        assert (package / f"{part.replace('.', '/')}.py").is_file(), part


def test_the_command_imports_no_reader_before_it_is_led() -> None:
    # What was imported before is not instrumented, and coverage would lead nowhere.
    tree = ast.parse((Path(__file__).parent / "fuzz.py").read_text("utf-8"))
    named = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert not [module for module in named if module and module.startswith(("tests", "mentor"))]
