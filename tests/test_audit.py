"""The bulk audit says what `check` says: facts first, then outcomes, then all that is written."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from mentor_rules import Dossier, check
from mentor_rules.acts import FACTS
from mentor_rules.audit import audit, evaluated
from mentor_rules.cli import app
from mentor_rules.engines import frame as frame_module
from mentor_rules.engines.frame import OUTCOMES, reading_columns
from mentor_rules.errors import ReadingError, UsageError
from mentor_rules.facts import ActFact
from mentor_rules.frames import ACT_PARTS, AT
from mentor_rules.judging import case_of, judge
from mentor_rules.reserve import reserves
from tests import generate
from tests.parquet import (
    AS_OF,
    differences,
    facts_of,
    invalid,
    readable,
    results,
    write_texts,
    write_typed,
)
from tests.test_against_oracle import AS_OFS, CHOICES, SETTLED

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "district"


def sound(raw: dict[str, Any]) -> dict[str, Any]:
    """The rows of a generated dossier that can be read, but for those that disagree."""
    return readable(raw)


# Everything that is written --------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_the_audit_of_texts_says_what_check_says(seed: int, tmp_path: Path) -> None:
    raw = generate.dossier(seed, 300)
    settled, as_of = CHOICES[seed % len(CHOICES)]
    folder = write_texts(raw, tmp_path, files=1 + seed % 3)
    out = tmp_path / "out"
    confirm: Any = "none" if seed else "flagged"
    run = audit(folder, out, as_of=as_of, readings=settled, buckets=1 + seed % 4, confirm=confirm)
    report = check(Dossier.from_tables(raw), as_of=as_of, readings=settled, confirm="none")
    assert list(differences(out, report)) == []
    summary = run.summary.model_dump()
    assert {name: summary[name] for name in ("eligibility", "procedure")} == {
        name: getattr(report.summary, name) for name in ("eligibility", "procedure")
    }


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("seed", range(20, 22))
def test_the_audit_of_typed_columns_says_what_check_says(
    seed: int, engine: Any, tmp_path: Path
) -> None:
    raw = sound(generate.dossier(seed, 300))
    settled, as_of = CHOICES[seed % len(CHOICES)]
    folder, out = write_typed(raw, tmp_path), tmp_path / "out"
    audit(folder, out, as_of=as_of, readings=settled, buckets=2, engine=engine, confirm="none")
    report = check(Dossier.from_tables(raw), as_of=as_of, readings=settled, confirm="none")
    assert list(differences(out, report)) == []


def test_the_example_district_has_the_same_verdicts_in_bulk(tmp_path: Path) -> None:
    raw = {
        file.stem: pl.read_csv(file, infer_schema=False).to_dicts()
        for file in EXAMPLE.glob("*.csv")
    }
    out = tmp_path / "out"
    audit(write_texts(raw, tmp_path), out, as_of=AS_OF)
    assert list(differences(out, check(Dossier.from_tables(raw), as_of=AS_OF))) == []
    found = {name: (row["eligibility"], row["procedure"]) for name, row in results(out).items()}
    assert found == {
        result.appointment_id: (result.eligibility, result.procedure)
        for result in check(Dossier.read(EXAMPLE), as_of=AS_OF).results
    }


def test_rows_are_all_accounted_for(tmp_path: Path) -> None:
    raw = generate.dossier(31, 400)
    raw["appointments"] += [dict(raw["appointments"][0]), dict(raw["appointments"][1]), {}]
    raw["appointments"].append({**raw["appointments"][2], "appointment_id": "EXAMPLE 1"})
    out = tmp_path / "out"
    run = audit(write_texts(raw, tmp_path), out, as_of=AS_OF, buckets=3)
    for table, rows in run.rows.items():
        assert rows.read == len(raw[table])
        assert rows.read == rows.used + rows.invalid + rows.repeated + rows.skipped, table
    assert run.rows["appointments"].skipped == 2
    unreadable = len(results(out)) - run.rows["appointments"].used
    assert unreadable == sum(
        set(row.values()) >= {"not_judged"} and row["eligibility"] == row["procedure"]
        for row in results(out).values()
        if row["appointment/not_self"] is None
    )


def few(**more: list[dict[str, Any]]) -> dict[str, Any]:
    """One school, one mentor, one appointment; and what a test adds."""
    years = [("2023/24", 61.5), ("2024/25", 62.0), ("2025/26", 63.25)]
    return {
        "schools": [{"school_id": "S1", "kind": "ordinary", "week": 5}],
        "teachers": [
            {"teacher_id": "T1", "school_id": "S1", "category": "master", "subjects": ("физика",)},
            {"teacher_id": "T2", "school_id": "S1", "first_taught_on": date(2026, 9, 1)},
        ],
        "quality": [
            {"teacher_id": "T1", "subject": "физика", "school_year": year, "percent": percent}
            for year, percent in years
        ],
        "posts": [],
        "appointments": [
            {
                **{"appointment_id": "A1", "school_id": "S1", "mentor_id": "T1"},
                **{"mentee_id": "T2", "subject": "физика", "ordered_on": date(2026, 9, 1)},
            }
        ],
        **more,
    }


QUALITY = {"teacher_id": "T1", "subject": "физика", "school_year": "2023/24"}


@pytest.mark.parametrize(
    "added",
    [
        pytest.param({"percent": 61.123456789}, id="more digits than columns keep, and another"),
        pytest.param({"percent": 61.5}, id="the same once more"),
        pytest.param({"percent": 61.5, "school_year": "2022/23"}, id="an older year"),
        pytest.param({"percent": 150.0, "school_year": "2022/23"}, id="unreadable"),
        pytest.param({"percent": 40.123456789, "school_year": "2022/23"}, id="many digits alone"),
    ],
)
def test_rows_of_quality_that_are_odd(added: dict[str, Any], tmp_path: Path) -> None:
    raw = few()
    raw["quality"] += [QUALITY | added, QUALITY | added]
    out = tmp_path / "out"
    audit(write_typed(raw, tmp_path), out, as_of=AS_OF)
    assert list(differences(out, check(Dossier.from_tables(raw), as_of=AS_OF))) == []


def test_a_share_with_more_digits_than_columns_keep_decides(tmp_path: Path) -> None:
    raw = few()
    raw["quality"][0]["percent"] = 59.999999999
    out = tmp_path / "out"
    audit(write_typed(raw, tmp_path), out, as_of=AS_OF, readings="strict")
    report = check(Dossier.from_tables(raw), as_of=AS_OF, readings="strict")
    assert list(differences(out, report)) == []
    assert results(out)["A1"]["eligibility"] == "ineligible"


def test_a_school_that_is_odd_beside_plain_ones(tmp_path: Path) -> None:
    raw = few()
    raw["schools"] += [{"school_id": " S2", "week": 6}, {"school_id": "S3", "week": 9}]
    out = tmp_path / "out"
    audit(write_typed(raw, tmp_path), out, as_of=AS_OF)
    assert list(differences(out, check(Dossier.from_tables(raw), as_of=AS_OF))) == []


# Facts, then outcomes under each reading --------------------------------------------------------


def compared(raw: dict[str, Any], folder: Path, settled: Any, as_of: date) -> Counter[str]:
    """Compare facts and outcomes case by case; give how often each outcome was met."""
    judges, found_facts = facts_of(folder, settled, as_of)
    dossier = Dossier.from_tables(raw)
    appointments = {one.appointment_id: one for one in dossier.appointments}
    met: Counter[str] = Counter()
    for facts in found_facts:
        told = {
            engine: evaluated(judges.frame, facts, engine).sort(AT)
            for engine in ("polars", "duckdb")
        }
        assert told["duckdb"].select(told["polars"].columns).equals(told["polars"])
        for row in told["polars"].iter_rows(named=True):
            case = case_of(dossier, appointments[row["appointment_id"]], judges.calendar, as_of)
            for (name, keys), held in judges.frame.facts.items():
                fact = FACTS[name](case, *keys)
                where = f"{row['appointment_id']} {name} {keys}"
                assert (row[held.lo], row[held.hi]) == (fact.lo, fact.hi), where
                if isinstance(fact, ActFact):
                    due = fact.due.certain if fact.due else None
                    expected = (due and due.toordinal(), fact.done, fact.days_late(as_of))
                    found = tuple(row[f"{held.lo} {part}"] for part in ACT_PARTS)
                    assert found == expected, where
            judged = judge(judges.bench, case)
            for rule, outcomes in zip(judges.frame.rules, judged.outcomes, strict=True):
                found = tuple(OUTCOMES[row[name]] for name in reading_columns(rule))
                assert found == outcomes, f"{row['appointment_id']} {rule.rule.id}"
                met.update(f"{rule.rule.id} {outcome}" for outcome in outcomes)
    return met


@pytest.mark.parametrize(
    ("seed", "settled", "as_of"),
    [(40 + place, settled, AS_OFS[place]) for place, settled in enumerate(SETTLED)],
)
def test_facts_and_outcomes_as_columns_are_those_of_one_case(
    seed: int, settled: Any, as_of: date, tmp_path: Path
) -> None:
    raw = generate.dossier(seed, 400)
    for table, key in (("quality", "teacher_id"), ("categories", "teacher_id")):
        # A row that may be anybody's leaves no case to be judged as columns.
        raw[table] = [row for row in raw.get(table, ()) if row.get(key)]
    met = compared(raw, write_texts(raw, tmp_path), settled, as_of)
    assert sum(met.values()) > 2000  # most cases touch no row that is odd


@pytest.mark.long
def test_a_hundred_thousand_appointments_are_judged_alike(tmp_path: Path) -> None:
    met: Counter[str] = Counter()
    for seed in range(100, 120):
        raw = generate.dossier(seed, 5000)
        settled, as_of = CHOICES[seed % len(CHOICES)]
        folder = tmp_path / str(seed)
        folder.mkdir()
        met += compared(raw, write_texts(raw, folder), settled, as_of)
        out = folder / "out"
        audit(folder, out, as_of=as_of, readings=settled, buckets=2)
        report = check(Dossier.from_tables(raw), as_of=as_of, readings=settled, confirm="none")
        assert list(differences(out, report)) == [], seed
        shutil.rmtree(folder)
    by_rule: Counter[str] = Counter()
    for name, count in met.items():
        by_rule[name.split()[0]] += count
    print("\nseeds 100 to 119, 5,000 appointments each; shares of outcomes over all readings")
    for name, count in sorted(met.items()):
        print(f"{name:60} {100 * count / by_rule[name.split()[0]]:6.2f} %")


# Stopped, and started again ---------------------------------------------------------------------


def test_a_killed_run_goes_on_and_ends_as_one_that_was_not(tmp_path: Path) -> None:
    raw = generate.dossier(50, 1000)
    folder = write_texts(raw, tmp_path)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "-m", "mentor_rules.cli", "audit", str(folder), "--out"]
    command = [sys.executable, "-c", "from mentor_rules.cli import main; main()", *command[3:]]
    options = ["--as-of", AS_OF.isoformat(), "--buckets", "12", "--confirm", "sample"]
    kills = 0
    for _ in range(3):
        before = len(list(killed.glob("unfinished/*/*")))
        process = subprocess.Popen([*command, str(killed), *options])
        while process.poll() is None:
            if len(list(killed.glob("unfinished/*/*"))) > before + 12:
                process.send_signal(signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.01)
        process.wait()
        if kills:
            assert not (killed / "run.json").exists()
            assert not (killed / "results").exists()
    assert kills == 3
    for out in (whole, killed):
        done = subprocess.run([*command, str(out), *options], check=False)
        assert done.returncode == 1
    assert results(whole) == results(killed)
    assert invalid(whole) == invalid(killed)
    one, other = (pl.read_parquet(out / "summary.parquet") for out in (whole, killed))
    assert one.equals(other)
    said = [json.loads((out / "run.json").read_text()) for out in (whole, killed)]
    assert [one.pop("took_s") > 0 for one in said] == [True, True]
    assert said[0] == said[1]
    assert not (killed / "unfinished").exists()


def test_steps_of_another_run_are_not_used(tmp_path: Path) -> None:
    raw = generate.dossier(51, 200)
    folder, out = write_texts(raw, tmp_path), tmp_path / "out"

    class StoppedError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == total - 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        audit(folder, out, as_of=date(2024, 9, 1), buckets=2, progress=stop)
    audit(folder, out, as_of=AS_OF, buckets=2)
    assert list(differences(out, check(Dossier.from_tables(raw), as_of=AS_OF))) == []


def test_steps_that_are_half_cleared_away_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = generate.dossier(53, 200)
    folder, out = write_texts(raw, tmp_path), tmp_path / "out"
    remove = shutil.rmtree

    def stopped(path: Path, **options: Any) -> None:
        if not path.match("unfinished/judged/*"):
            remove(path, **options)
            return
        next(path.glob("results.parquet")).unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", stopped)
    with pytest.raises(KeyboardInterrupt):
        audit(folder, out, as_of=AS_OF)
    monkeypatch.undo()
    audit(folder, out, as_of=AS_OF, force=True)
    assert list(differences(out, check(Dossier.from_tables(raw), as_of=AS_OF))) == []


def test_a_finished_run_is_written_over_only_when_asked(tmp_path: Path) -> None:
    folder, out = write_texts(generate.dossier(52, 30), tmp_path), tmp_path / "out"
    audit(folder, out, as_of=AS_OF, explain=5)
    with pytest.raises(UsageError):
        audit(folder, out, as_of=AS_OF)
    audit(folder, out, as_of=AS_OF, force=True)
    assert not (out / "findings.jsonl").exists()


# Confirmed, explained, counted -------------------------------------------------------------------


def test_what_the_frame_gets_wrong_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = frame_module._pair

    def flipped(one: Any, operator: str, other: Any, *, must: bool) -> Any:
        return right(one, {"<=": "<"}.get(operator, operator), other, must=must)

    monkeypatch.setattr(frame_module, "_pair", flipped)
    raw = sound(generate.dossier(53, 600))
    folder, out = write_typed(raw, tmp_path), tmp_path / "out"
    run = audit(folder, out, as_of=AS_OF)
    assert run.faults_count > 0
    found = results(out)
    for name, fault in run.faults.items():
        assert fault.what == "disagreement"
        assert set(fault.traces) == {"frame", "closure"}
        assert fault.traces["frame"].outcomes != fault.traces["closure"].outcomes
        assert found[name]["eligibility"] == found[name]["procedure"] == "not_judged"
    truth = {r.appointment_id: r for r in check(Dossier.from_tables(raw), as_of=AS_OF).results}
    for name, row in found.items():
        if row["eligibility"] == "ineligible":
            assert truth[name].eligibility == "ineligible"
        if row["procedure"] == "breached":
            assert truth[name].procedure == "breached"
    command = ["audit", str(folder), "--out", str(tmp_path / "again"), "--as-of", "2026-11-23"]
    assert CliRunner().invoke(app, command).exit_code == 5


@pytest.mark.parametrize("confirm", ["flagged", "sample", "none"])
def test_it_is_told_who_confirmed_what_is_flagged(confirm: Any, tmp_path: Path) -> None:
    raw = sound(generate.dossier(54, 200))
    folder, out = write_typed(raw, tmp_path), tmp_path / "out"
    run = audit(folder, out, as_of=AS_OF, confirm=confirm)
    flagged = sum(
        row["eligibility"] == "ineligible" or row["procedure"] == "breached"
        for row in results(out).values()
    )
    assert run.confirmed.flagged == flagged
    assert (run.confirmed.by_closure == flagged) is (confirm != "none")


def test_findings_are_those_of_check(tmp_path: Path) -> None:
    raw = generate.dossier(55, 120)
    folder, out = write_texts(raw, tmp_path), tmp_path / "out"
    audit(folder, out, as_of=AS_OF, explain=10, language="kk")
    lines = [json.loads(line) for line in (out / "findings.jsonl").read_text("utf-8").splitlines()]
    report = check(Dossier.from_tables(raw), as_of=AS_OF, language="kk", confirm="none")
    flagged = [
        json.loads(result.model_dump_json(by_alias=True))
        for result in report.results
        if result.eligibility == "ineligible" or result.procedure == "breached"
    ]
    assert lines == flagged[:10]


def test_groups_are_counted_as_the_results_are(tmp_path: Path) -> None:
    raw = generate.dossier(56, 400)
    folder, out = write_texts(raw, tmp_path), tmp_path / "out"
    audit(folder, out, as_of=AS_OF, by=("subject", "district"), buckets=3)
    summary = pl.read_parquet(out / "summary.parquet")
    found = pl.concat(pl.read_parquet(file) for file in (out / "results").iterdir())
    for name in ("eligibility", "procedure"):
        counted = Counter((row["subject"] or "", row[name]) for row in found.iter_rows(named=True))
        told = summary.filter(by="subject", what=name).select("group", "value", "count")
        assert {(group, value): count for group, value, count in told.iter_rows()} == counted
    rule = "plan/drafted"
    counted = Counter(found[rule].drop_nulls().to_list())
    told = summary.filter(by="rule", group=rule).select("value", "count")
    assert dict(told.iter_rows()) == counted
    assert set(summary["by"]) == {"all", "region", "kind", "district", "subject", "rule", "school"}


@pytest.mark.parametrize("seed", [57, 58, 59])
def test_schools_without_a_candidate_are_those_of_the_reserve(seed: int, tmp_path: Path) -> None:
    raw = generate.dossier(seed, 100)
    raw["reserve"] = []  # of a list also teachers of other schools may be candidates
    folder, out = write_texts(raw, tmp_path), tmp_path / "out"
    run = audit(folder, out, as_of=AS_OF, buckets=2)
    summary = pl.read_parquet(out / "summary.parquet").filter(by="school")
    found = Dossier.from_tables(raw)
    known = set(found.schools) & {row["school_id"] for row in raw["schools"]}
    short = {one.school_id for one in reserves(found, as_of=AS_OF).schools if one.short}
    if run.summary.schools_without_candidate is None:
        assert summary.is_empty()
    else:
        assert set(summary["group"]) == short & known


# Hidden, refused ------------------------------------------------------------------------------


IIN = "900101300017"


def test_an_identification_number_is_hidden_in_all_that_is_written(tmp_path: Path) -> None:
    raw = {
        "schools": [{"school_id": "S1", "kind": "ordinary"}],
        "teachers": [
            {"teacher_id": IIN, "school_id": "S1", "category": "expert", "name": "Аты Жөні"},
            {"teacher_id": "T2", "school_id": "S9"},
        ],
        "posts": [{"teacher_id": IIN, "post": "boss"}],
        "quality": [
            {"teacher_id": IIN, "subject": "физика", "school_year": "2025/26", "percent": percent}
            for percent in ("55.5", "66.5")
        ],
        "reserve": [{"school_id": "S9", "teacher_id": IIN}],
        "appointments": [
            {
                "appointment_id": "A1",
                "school_id": "S1",
                "mentor_id": IIN,
                "mentee_id": "T2",
                "ordered_on": "2026-09-01",
            }
        ],
    }
    folder, out = write_texts(raw, tmp_path), tmp_path / "out"
    run = audit(folder, out, as_of=AS_OF, explain=5, key=b"a key")
    for file in out.rglob("*"):
        if file.is_file():
            written = file.read_bytes()
            if file.suffix == ".parquet":
                written = pl.read_parquet(file).write_json().encode()
            assert IIN.encode() not in written, file
            assert "Аты" not in written.decode("utf-8", "replace"), file
    assert list(differences(out, check(Dossier.from_tables(raw, key=b"a key"), as_of=AS_OF))) == []
    assert run.notes
    shown = tmp_path / "shown"
    audit(folder, shown, as_of=AS_OF, show_ids=True)
    assert results(shown)["A1"]["mentor_id"] == IIN


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadingError):
        audit(tmp_path, tmp_path / "out", as_of=AS_OF)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [{"engine": "pandas"}, {"confirm": "all"}, {"by": ("mentor",)}])
def test_what_is_not_allowed_is_wrong_usage(options: Any, tmp_path: Path) -> None:
    folder = write_texts(generate.dossier(60, 5), tmp_path)
    with pytest.raises(UsageError):
        audit(folder, tmp_path / "out", as_of=AS_OF, **options)


def test_the_exit_codes_are_those_of_check(tmp_path: Path) -> None:
    runner, day = CliRunner(), ["--as-of", "2026-11-23"]
    clean = {
        "schools": [{"school_id": "S1", "kind": "ordinary"}],
        "teachers": [],
        "appointments": [],
    }
    folder = tmp_path / "clean"
    folder.mkdir()
    write_texts(clean, folder)
    out = str(tmp_path / "out")
    assert runner.invoke(app, ["audit", str(folder), "--out", out, *day]).exit_code == 3
    with pytest.raises(UsageError):
        runner.invoke(app, ["audit", str(folder), "--out", out, *day], catch_exceptions=False)
    flagged = tmp_path / "flagged"
    flagged.mkdir()
    write_texts(generate.dossier(61, 50), flagged)
    done = runner.invoke(
        app, ["audit", str(flagged), "--out", out, "--force", *day, "--lang", "kk"]
    )
    assert done.exit_code == 1
    assert "50 тағайындау тексерілді" in done.stdout


def test_provenance_stands_in_the_files(tmp_path: Path) -> None:
    folder, out = write_texts(generate.dossier(62, 30), tmp_path), tmp_path / "out"
    run = audit(folder, out, as_of=AS_OF)
    for file in (out / "results").iterdir():
        said = json.loads(pl.read_parquet_metadata(file)["mentor_rules"])
        assert said["rulebook_sha256"] == run.provenance.rulebook_sha256
