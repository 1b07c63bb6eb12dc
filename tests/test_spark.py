"""The bulk audit on a real local Spark says what Polars and `check` say, row by row."""

import gc
import os
import pickle
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pyspark import cloudpickle
from pyspark.sql import SparkSession

from mentor_rules import Dossier, check
from mentor_rules.audit import audit, evaluated
from mentor_rules.engines.durable import Durable
from mentor_rules.errors import ReadingError, UsageError
from mentor_rules.facts import SPECS
from mentor_rules.frames import AT
from mentor_rules.judging import bench_for
from mentor_rules.loading import builtin_rulebook
from mentor_rules.result import AuditRun
from mentor_rules.rulebook import DatedBy
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
from tests.test_against_oracle import CHOICES
from tests.test_docs import DOCS, blocks

HOME = os.environ.get("JAVA_HOME")
JAVA = shutil.which("java") or (HOME and shutil.which("java", path=f"{HOME}/bin"))
KEY = b"a key"
# A machine that compiles little and looks nothing up: these tables are small, and starting is slow.
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.extraJavaOptions": (
        "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=256m"
    ),
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "3",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@pytest.fixture(scope="module")
def session() -> Iterator[SparkSession]:
    if not JAVA:
        if os.environ.get("MENTOR_RULES_SPARK") == "required":
            pytest.fail("there is no Java runtime, and MENTOR_RULES_SPARK requires one")
        pytest.skip("there is no Java runtime: install one from the distribution's packages")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_HOSTNAME", "localhost")
    builder = SparkSession.builder.master("local[2]").appName("tests")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    started = builder.getOrCreate()
    started.sparkContext.setLogLevel("ERROR")
    yield started
    started.stop()


def messy(seed: int, appointments: int) -> dict[str, Any]:
    """A generated dossier, with examples, empty rows, rows that stand twice, and an IIN."""
    raw = generate.dossier(seed, appointments)
    chosen = random.Random(seed)
    for table in ("appointments", "plans", "quality", "teachers", "posts"):
        again = [dict(chosen.choice(raw[table])) for _ in range(3)]
        raw[table] = [*raw[table], *again, {}]
    raw["appointments"].append({**raw["appointments"][0], "appointment_id": "EXAMPLE 1"})
    # Three rows for one key of which two agree: all three are invalid.
    figure = {"teacher_id": raw["teachers"][0]["teacher_id"], "subject": "chemistry"}
    raw["quality"] += [
        {**figure, "school_year": "2019/20", "percent": percent} for percent in (60, 60, 61)
    ]
    person = next(row["mentor_id"] for row in raw["appointments"] if row.get("mentor_id"))
    for rows in raw.values():
        for row in rows:
            for column in ("teacher_id", "mentor_id", "mentee_id"):
                if row.get(column) == person:
                    row[column] = "850101300014"
    return raw


def table(out: Path, name: str) -> pl.DataFrame:
    files = sorted(out.glob(name))
    assert files
    frame = pl.concat(pl.read_parquet(file) for file in files)
    return frame.with_columns(pl.col(pl.Enum, pl.Categorical).cast(pl.String))


def said(run: AuditRun) -> dict[str, Any]:
    """What a run says, but for the size of the sample, which goes by the parts it is drawn from."""
    assert run.confirmed.by_durable <= run.confirmed.by_closure
    return run.model_dump(
        exclude={"engine": True, "took_s": True, "confirmed": {"by_durable": True}}
    )


def compared(session: SparkSession | None, folder: Path, out: Path, **options: Any) -> AuditRun:
    """Audit on Spark and on Polars, and compare all that is written and said."""
    run = audit(folder, out, engine="spark", session=session, key=KEY, **options)
    other = out.with_name("polars")
    expected = audit(folder, other, key=KEY, **options)
    for name, order in (
        ("results/*.parquet", ["appointment_id"]),
        ("invalid.parquet", ["table", "row", "column", "problem"]),
        ("summary.parquet", ["by", "group", "what", "value"]),
    ):
        found, wanted = table(out, name), table(other, name)
        assert found.columns == wanted.columns
        assert_frame_equal(found.sort(order), wanted.sort(order), check_exact=True)
    assert said(run) == said(expected)
    assert AuditRun.model_validate_json((out / "run.json").read_text("utf-8")) == run
    return run


def test_spark_says_what_polars_and_check_say(session: SparkSession, tmp_path: Path) -> None:
    raw = messy(5, 120)
    settled, _ = CHOICES[1]
    (tmp_path / "in").mkdir()
    folder, out = write_texts(raw, tmp_path / "in", files=3), tmp_path / "out"
    (out / "unfinished").mkdir(parents=True)  # what a run that was stopped left behind
    options: dict[str, Any] = {"as_of": AS_OF, "readings": settled, "buckets": 3, "explain": 2}
    run = audit(folder, out, engine="spark", session=session, key=KEY, **options)
    report = check(Dossier.from_tables(raw, key=KEY), as_of=AS_OF, readings=settled)
    assert list(differences(out, report)) == []
    assert run.confirmed.flagged == run.confirmed.by_closure > 0
    assert run.rows["appointments"].repeated
    assert run.rows["appointments"].skipped == 2
    assert run.rows["quality"].contradictory >= 3
    for name, rows in run.rows.items():
        assert rows.read == len(raw[name])
        assert rows.read == rows.used + rows.invalid + rows.repeated + rows.skipped, name
    assert len((out / "findings.jsonl").read_text("utf-8").splitlines()) == 2
    shown = {file.name for file in out.iterdir() if not file.name.startswith(".")}
    assert shown == {"results", "invalid.parquet", "summary.parquet", "findings.jsonl", "run.json"}
    for name in ("findings.jsonl", "run.json"):
        assert "850101300014" not in (out / name).read_text("utf-8")
    # The session is the user's: it goes on, and keeps nothing of ours.
    assert session.range(3).count() == 3
    java: Any = session.sparkContext._jsc
    assert not java.getPersistentRDDs()
    with pytest.raises(UsageError, match="out"):
        audit(folder, out, engine="spark", session=session, as_of=AS_OF)


def test_the_second_engine_is_made_anew_where_it_travels_to() -> None:
    rulebook = builtin_rulebook()
    bench = bench_for(rulebook, rulebook.settle(None), "en", "candidate")
    engine = Durable(bench.engine.rules, bench.settled)
    bounds: list[int] = []  # of which nothing is known
    for name, _ in engine.facts:
        spec = SPECS[name]
        bounds += [spec.everything] * 2 if spec.kind == "set" else [spec.lo, spec.hi]
    days: dict[DatedBy, date] = dict.fromkeys(("ordered_on", "starts_on", "formed_on"), AS_OF)
    expected = engine.opinion(bounds, days)
    sent = cloudpickle.dumps(engine)  # type: ignore[no-untyped-call]  # untyped
    del engine
    gc.collect()  # what a number stood for is given back
    arrived = pickle.loads(sent)  # noqa: S301 - made above
    assert arrived.opinion(bounds, days) == expected


def test_a_folder_without_tables_is_refused_on_spark(session: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="in"):
        audit(tmp_path / "in", tmp_path / "out", engine="spark", session=session, as_of=AS_OF)
    assert not (tmp_path / "out" / "run.json").exists()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_every_file_is_that_of_polars(session: SparkSession, seed: int, tmp_path: Path) -> None:
    raw = generate.dossier(seed, 1_000)
    settled, as_of = CHOICES[seed % len(CHOICES)]
    if seed % 2:
        raw = readable(raw)
    (tmp_path / "in").mkdir()
    write = write_typed if seed % 2 else write_texts
    folder = write(raw, tmp_path / "in", files=2 + seed)
    confirm = ("flagged", "none")[seed % 2]
    options: dict[str, Any] = {"readings": settled, "buckets": 4, "confirm": confirm}
    compared(session, folder, tmp_path / "out", as_of=as_of, by=("subject",), **options)
    report = check(Dossier.from_tables(raw, key=KEY), as_of=as_of, readings=settled)
    assert list(differences(tmp_path / "out", report)) == []


@pytest.mark.long
def test_the_rules_say_on_spark_what_they_say_on_polars(
    session: SparkSession, tmp_path: Path
) -> None:
    """The same hundred thousand appointments as in tests/test_audit.py."""
    judged = 0
    for seed in range(100, 120):
        settled, as_of = CHOICES[seed % len(CHOICES)]
        folder = tmp_path / str(seed)
        folder.mkdir()
        raw = generate.dossier(seed, 5_000)
        judges, found = facts_of(write_texts(raw, folder), settled, as_of)
        for facts in found:
            columns = facts.select(pl.col(AT).cast(pl.Int64), *judges.frame.columns)
            native = session.createDataFrame(columns.to_arrow()).repartition(3)
            told = judges.frame.judge(nw.from_native(native)).to_native().toArrow()
            expected = evaluated(judges.frame, columns)
            own = pl.DataFrame(pl.from_arrow(told)).sort(AT).select(expected.columns)
            assert_frame_equal(own, expected, check_dtypes=False, check_exact=True)
            judged += own.height
    assert judged > 60_000  # the others touch a row that is not plain


@pytest.mark.long
@pytest.mark.parametrize("missing", ["appointments", "teachers", "schools", "quality", "plans"])
def test_a_table_that_is_absent_is_unknown(
    session: SparkSession, missing: str, tmp_path: Path
) -> None:
    raw = generate.dossier(11, 60)
    del raw[missing]
    (tmp_path / "in").mkdir()
    folder = write_texts(raw, tmp_path / "in", files=2)
    compared(session, folder, tmp_path / "out", as_of=AS_OF, buckets=2)


@pytest.mark.long
def test_a_row_that_may_be_anybodys_touches_everybody(
    session: SparkSession, tmp_path: Path
) -> None:
    raw = generate.dossier(12, 200)
    raw["quality"].append({"teacher_id": "?", "subject": "history", "percent": "many"})
    raw["appointments"].append({"appointment_id": "A9999", "ordered_on": "soon"})
    (tmp_path / "in").mkdir()
    folder = write_texts(raw, tmp_path / "in", files=2)
    compared(session, folder, tmp_path / "out", as_of=AS_OF, buckets=2)


@pytest.mark.long
def test_the_program_of_the_page_runs_below_spark_submit(
    session: SparkSession, tmp_path: Path
) -> None:
    [program] = [block for block in blocks(DOCS / "spark.md") if block.file]
    (tmp_path / program.file).write_text(program.text, "utf-8")
    (tmp_path / "in").mkdir()
    raw = generate.dossier(13, 60)
    write_texts(raw, tmp_path / "in", files=2)
    submit = Path(sys.executable).with_name("spark-submit")
    options = ["--master", "local[2]", "--conf", "spark.ui.enabled=false"]
    subprocess.run(
        [str(submit), *options, program.file, "in", "out", AS_OF.isoformat()],
        cwd=tmp_path,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
        check=True,
        timeout=600,
        capture_output=True,
    )
    report = check(Dossier.from_tables(raw), as_of=AS_OF)
    assert list(differences(tmp_path / "out", report)) == []
    assert results(tmp_path / "out")
    assert invalid(tmp_path / "out")
