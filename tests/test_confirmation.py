"""Nobody is flagged on one engine's word: agreement, disagreement, faults, and editions."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mentor_rules import (
    Dossier,
    EngineDisagreement,
    EngineFault,
    QualityYear,
    School,
    Teacher,
    check,
    check_candidate,
    load_rulebook,
)
from mentor_rules.engines import durable
from mentor_rules.engines.closure import Closure
from mentor_rules.judging import bench_for, fault_of
from mentor_rules.source import rules_folder
from tests.dossiers import YEARS, Tables, plain, to_json

AS_OF = date(2026, 11, 23)
pytestmark = pytest.mark.skipif(not durable.available(), reason="durable-rules does not run here")


def mixed() -> Tables:
    """Three appointments: one in order, one of a mentor without the category, one overdue."""
    tables = plain()
    tables["schools"][0]["week"] = 5
    tables["teachers"].append({"teacher_id": "T2", "school_id": "S1", "category": "expert"})
    first = tables["appointments"][0]
    tables["appointments"] += [
        {**first, "appointment_id": "A2", "mentor_id": "T2"},
        {**first, "appointment_id": "A3"},
    ]
    tables["quality"] += [{**row, "teacher_id": "T2"} for row in tables["quality"]]
    tables["plans"] = [{"appointment_id": "A3"}]
    return tables


def judged(**options: Any) -> Any:
    return check(Dossier.from_tables(mixed()), as_of=AS_OF, **options)


@pytest.fixture(autouse=True)
def _fresh_benches() -> Any:
    """No bench outlives a test that breaks its engines."""
    bench_for.cache_clear()
    yield
    bench_for.cache_clear()


def test_what_is_flagged_is_confirmed_by_both_engines_and_the_rest_is_not_asked() -> None:
    both = ("closure", "durable")
    assert judged().run.confirmed_by == {"A2": both, "A3": both}
    assert judged(confirm="all").run.confirmed_by == {"A1": both, "A2": both, "A3": both}
    none = judged(confirm="none")
    assert none.run.confirmed_by == {"A2": ("closure",), "A3": ("closure",)}
    assert "one engine" in " ".join(none.run.notes)
    assert not judged().run.notes


# Planted faults ----------------------------------------------------------------------------

Plant = Callable[[pytest.MonkeyPatch], None]


def flipped_in_closure(patch: pytest.MonkeyPatch) -> None:
    """`x in [...]` must hold for every possible value: read as its contrary."""
    from mentor_rules.engines import closure

    write = closure._Writer._member

    def flipped(self: Any, name: Any, bits: int, *, must: bool) -> str:
        return f"(not {write(self, name, bits, must=not must)})"

    patch.setattr(closure._Writer, "_member", flipped)


def lost_in_closure(patch: pytest.MonkeyPatch) -> None:
    """What is breached is lost on the way, of every rule."""
    written = Closure._written

    def lost(self: Closure, verdicts: Any) -> Any:
        judge = written(self, verdicts)

        def losing(*arguments: Any) -> Any:
            outcomes, *said = judge(*arguments)
            kept = (
                tuple("satisfied" if one == "unknown" else one for one in own) for own in outcomes
            )
            return (tuple(kept), *said)

        return losing

    patch.setattr(Closure, "_written", lost)


def flipped_in_durable(patch: pytest.MonkeyPatch) -> None:
    """Every `>=` reads as `<`."""
    patch.setattr(durable, "_SIGNS", {**durable._SIGNS, ">=": "$lt"})


def lost_in_durable(patch: pytest.MonkeyPatch) -> None:
    """A hit of durable-rules is lost."""
    conclusions = durable._Network.conclusions

    def lost(self: Any, *arguments: Any) -> Any:
        return [set(sorted(found)[:-1]) for found in conclusions(self, *arguments)]

    patch.setattr(durable._Network, "conclusions", lost)


def forgotten_in_durable(patch: pytest.MonkeyPatch) -> None:
    """Some rules of durable-rules are never written, those of the category among them."""
    parts = durable._parts
    patch.setattr(
        durable, "_parts", lambda rounds: [part[len(part) // 2 :] for part in parts(rounds)]
    )


def swallowed_in_durable(patch: pytest.MonkeyPatch) -> None:
    """Every action that notes a proof raises, and durable-rules goes on as if none had."""
    note = durable._note

    def raising(hits: Any, conclusion: str) -> Any:
        def action(fired: Any) -> None:
            raise ValueError(conclusion)

        return action if conclusion.isdigit() else note(hits, conclusion)

    patch.setattr(durable, "_note", raising)


@pytest.mark.parametrize(
    "plant", [flipped_in_closure, lost_in_closure, flipped_in_durable, forgotten_in_durable]
)
def test_a_fault_planted_in_either_engine_gives_no_verdict_and_both_traces(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    report = judged(confirm="all")
    assert report.run.faults
    for appointment_id, fault in report.run.faults.items():
        assert fault.what == "disagreement"
        assert set(fault.traces) == {"closure", "durable"}
        said = {name: trace.model_dump() for name, trace in fault.traces.items()}
        assert said["closure"] != said["durable"]
        [result] = [one for one in report.results if one.appointment_id == appointment_id]
        assert (result.eligibility, result.procedure) == ("not_judged", "not_judged")
        assert not result.findings
        assert appointment_id not in report.run.confirmed_by


def test_an_error_swallowed_inside_durable_rules_is_a_fault_and_never_a_verdict(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    swallowed_in_durable(monkeypatch)
    report = judged()
    assert {fault.cause for fault in report.run.faults.values()} == {"durable: an action raised"}
    assert {fault.what for fault in report.run.faults.values()} == {"engine_fault"}
    assert set(report.run.faults) == {"A2", "A3"}
    first, second = report.run.faults["A2"].traces.values()
    assert (first.eligibility, second.eligibility) == ("ineligible", "not_judged")
    assert first.outcomes["eligibility/qualification_category"] == {"": "breached"}
    assert "eligibility/quality_of_knowledge" not in first.outcomes
    assert not second.outcomes
    assert [one.appointment_id for one in report.results if one.procedure != "not_judged"] == ["A1"]


def candidate(**options: Any) -> Any:
    quality = [
        QualityYear(teacher_id="T1", subject="physics", school_year=year, percent=Decimal(80))
        for year in YEARS
    ]
    return check_candidate(
        Teacher(teacher_id="T1", school_id="S1", category="expert"),
        School(school_id="S1", kind="ordinary"),
        on=date(2026, 9, 1),
        quality=quality,
        posts=[],
        **options,
    )


def test_the_call_for_one_person_raises_where_the_engines_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert candidate().confirmed_by == ("closure", "durable")
    assert candidate(confirm="none").confirmed_by == ("closure",)
    with monkeypatch.context() as patch:
        bench_for.cache_clear()
        flipped_in_closure(patch)
        with pytest.raises(EngineDisagreement) as raised:
            candidate(confirm="all")
        assert set(raised.value.fault.traces) == {"closure", "durable"}
    bench_for.cache_clear()
    lost_in_durable(monkeypatch)
    with pytest.raises(EngineFault) as broken:
        candidate()
    assert set(fault_of(broken.value).traces) == {"closure", "durable"}


PLANTED = """
import sys
import pytest
from tests import test_confirmation as planted
from mentor_rules.cli import main
getattr(planted, {plant!r})(pytest.MonkeyPatch())
sys.argv = ["mentor-rules", *{arguments!r}]
main()
"""


def run(plant: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    code = PLANTED.format(plant=plant, arguments=list(arguments))
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=Path(__file__).parent.parent,
    )


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        ("flipped_in_closure", "disagree"),
        ("lost_in_closure", "disagree"),
        ("flipped_in_durable", "disagree"),
        ("forgotten_in_durable", "disagree"),
        ("swallowed_in_durable", "an action raised"),
        ("lost_in_durable", "not one conclusion"),
    ],
)
def test_a_planted_fault_reaches_the_user_as_exit_5_with_both_traces(
    plant: str, said: str, tmp_path: Path
) -> None:
    path = to_json(mixed(), tmp_path / "dossier.json")
    done = run(plant, "check", str(path), "--as-of", "2026-11-23", "--confirm", "all")
    assert done.returncode == 5, done.stderr
    assert said in done.stdout
    assert "closure: " in done.stdout
    assert "durable: " in done.stdout


def test_both_traces_stand_in_the_json(tmp_path: Path) -> None:
    path = to_json(mixed(), tmp_path / "dossier.json")
    arguments = ("check", str(path), "--as-of", "2026-11-23", "--format", "json")
    done = run("swallowed_in_durable", *arguments)
    assert done.returncode == 5, done.stderr
    faults = json.loads(done.stdout)["run"]["faults"]
    assert set(faults) == {"A2", "A3"}
    assert all(set(fault["traces"]) == {"closure", "durable"} for fault in faults.values())


def test_a_disagreement_on_one_candidate_exits_5_with_both_traces(tmp_path: Path) -> None:
    path = to_json(mixed(), tmp_path / "dossier.json")
    done = run(
        *("flipped_in_closure", "candidate", str(path)),
        *("--teacher", "T2", "--on", "2026-09-01", "--confirm", "all", "--lang", "ru"),
    )
    assert done.returncode == 5
    assert "closure: " in done.stderr
    assert "durable: " in done.stderr
    assert "Traceback" not in done.stderr


# Editions ----------------------------------------------------------------------------------


@pytest.fixture
def changed(tmp_path: Path) -> Any:
    """The rulebook with three planted changes on 15 September 2026."""
    folder = tmp_path / "order_160"
    shutil.copytree(rules_folder() / "order_160", folder)

    def edit(file: str, old: str, new: str) -> None:
        path = folder / file
        text = path.read_text("utf-8")
        assert text.count(old) == 1, (file, text.count(old))
        path.write_text(text.replace(old, new), "utf-8")

    edit(
        "eligibility/quality_of_knowledge.toml",
        '{ from = 2020-05-07, school_kind = "ordinary",         lower = 6000, upper = 7000 },',
        '{ from = 2020-05-07, until = 2026-09-15, school_kind = "ordinary", '
        "lower = 6000, upper = 7000 },\n"
        '  { from = 2026-09-15, school_kind = "ordinary", lower = 8100, upper = 8100 },',
    )
    edit(
        "plan/level_determined.toml",
        "{ from = 2020-05-07, value = 10 },",
        "{ from = 2020-05-07, until = 2026-09-15, value = 10 },\n"
        "  { from = 2026-09-15, value = 12 },",
    )
    edit("reporting/interim.toml", "from = 2020-05-07  ", "from = 2026-09-15  ")
    return load_rulebook(folder)


@pytest.mark.parametrize(
    ("day", "eligibility", "due", "interim"),
    [
        (date(2026, 9, 14), "eligible", date(2026, 9, 24), "not_in_force"),
        (date(2026, 9, 15), "ineligible", date(2026, 9, 28), "pending"),
    ],
)
def test_each_appointment_is_judged_by_its_own_edition_in_both_engines(
    changed: Any, day: date, eligibility: str, due: date, interim: str
) -> None:
    tables = mixed()
    for row in tables["appointments"]:
        row |= {"ordered_on": day}
    report = check(Dossier.from_tables(tables), as_of=AS_OF, rulebook=changed, confirm="all")
    assert not report.run.faults
    results = {result.appointment_id: result for result in report.results}
    assert results["A1"].eligibility == eligibility
    findings = {finding.rule: finding for finding in results["A3"].findings}
    assert findings["plan/level_determined"].due == due
    assert findings["plan/drafted"].latest is True
    assert findings["reporting/interim"].outcome == interim
    assert set(report.run.confirmed_by.values()) == {("closure", "durable")}


def test_the_edition_is_that_of_the_day_the_rule_is_dated_by(changed: Any) -> None:
    """A plan goes by its first day, eligibility by the day of the order."""
    tables = mixed()
    for row in tables["appointments"]:
        row |= {"ordered_on": date(2026, 9, 14), "starts_on": date(2026, 9, 15)}
    report = check(Dossier.from_tables(tables), as_of=AS_OF, rulebook=changed, confirm="all")
    results = {result.appointment_id: result for result in report.results}
    assert results["A1"].eligibility == "eligible"
    findings = {finding.rule: finding for finding in results["A3"].findings}
    assert findings["plan/level_determined"].due == date(2026, 9, 28)
    assert findings["reporting/interim"].outcome == "pending"
