"""What `rules verify` proves: sound rulebooks pass, and each planted fault is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mentor_rules.cases import run_cases
from mentor_rules.errors import RulebookError
from mentor_rules.loading import load_rulebook
from mentor_rules.source import rules_folder
from mentor_rules.verify import Flaw, Proof, verify
from tests.planted import ACT, BAD, GOOD, Planted
from tests.rulebooks import LARGE, regions_in, rulebooks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "order_160"
    shutil.copytree(rules_folder() / "order_160", copy)
    return copy


def flaws_of(folder: Path, planted: Planted) -> list[Flaw]:
    """What is wrong with an edited copy, looked for in the rules that were edited."""
    for edit in planted.edits:
        edit(folder)
    rulebook = load_rulebook(folder)
    files = {f"order_160/{file}" for file in planted.files}
    rules = None if ACT in planted.files else [r for r in rulebook.rules if r.file in files]
    return [flaw for flaw in verify(rulebook, rules) if not flaw.notice]


def test_there_are_enough_of_both() -> None:
    assert len(BAD) >= 30
    assert len(GOOD) >= 30
    assert len({planted.says for planted in (*BAD, *GOOD)}) == len(BAD) + len(GOOD)


@pytest.mark.parametrize("planted", BAD, ids=str)
def test_a_planted_fault_is_named_where_it_stands(folder: Path, planted: Planted) -> None:
    (file,) = planted.files
    if not planted.kind:
        with pytest.raises(RulebookError) as refused:
            flaws_of(folder, planted)
        found = {(problem.file, problem.path, "") for problem in refused.value.problems}
    else:
        found = {(flaw.file, flaw.path, flaw.code) for flaw in flaws_of(folder, planted)}
    assert (f"order_160/{file}", planted.path, planted.kind) in found


@pytest.mark.parametrize("planted", GOOD, ids=str)
def test_a_sound_variation_has_no_flaw_and_its_cases_pass(folder: Path, planted: Planted) -> None:
    assert flaws_of(folder, planted) == []
    rulebook = load_rulebook(folder)
    files = {f"order_160/{file}" for file in planted.files}
    results = run_cases(rulebook, [rule for rule in rulebook.rules if rule.file in files])
    assert [result for result in results if not result.passed] == []


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_engine_says_what_the_definition_says_of_generated_rules(data: st.DataObject) -> None:
    rulebook = data.draw(rulebooks(3)).load()
    for rule in rulebook.rules:
        if regions_in(rule) < LARGE // 10:
            codes = {flaw.code for flaw in Proof(rulebook, rule).flaws()}
            assert "wrong_outcome" not in codes


def test_two_rules_that_are_too_much_together_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    rulebook = load_rulebook()
    days = "appointment/one_academic_year", "reporting/interim"
    monkeypatch.setattr("mentor_rules.verify.MOST", 100)
    flaws = verify(rulebook, [rulebook.rule(days[0])])
    named = {tuple(flaw.params.values()): flaw.code for flaw in flaws}
    assert named[days] == "too_many_together"
    assert set(named.values()) == {"too_many_together"}
