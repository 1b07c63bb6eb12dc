"""`audit`: a nation in one pass. Parquet in, Parquet out; the answers of `check`, as columns.

The rules are judged over columns by the engine `frame`. What it flags is judged again by
`closure`, and a seeded sample of that by `durable`; what touches a row that is not plain is
judged one by one, as `check` does it.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import narwhals as nw
import polars as pl

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.calendar_data import Overrides
from mentor_rules.columns import EPOCH, KEPT, ROW, plain_schema, sources
from mentor_rules.dossier import Dossier
from mentor_rules.engines.closure import Closure
from mentor_rules.engines.durable import Durable, available
from mentor_rules.engines.frame import (
    ELIGIBILITY,
    OUTCOMES,
    PROCEDURE,
    Frame,
    reading_columns,
)
from mentor_rules.engines.opinion import Opinion
from mentor_rules.errors import UsageError
from mentor_rules.facts import ActFact, Case, Fact, FactId
from mentor_rules.frames import ACT_PARTS, AT, CASES, Part, act_columns, fact_columns
from mentor_rules.judging import (
    Bench,
    bench_for,
    case_of,
    check,
    confirmed,
    disagreement,
    expect_day,
    fault_of,
    invalid_entry,
    judge,
    provenance_of,
    unconfirmed,
)
from mentor_rules.loading import builtin_rulebook
from mentor_rules.nation import Bucket, LostRows, Nation, Work, side_by_side, write_whole
from mentor_rules.records import TABLES, VOCABULARIES, InvalidRow
from mentor_rules.result import (
    AuditRun,
    AuditSummary,
    Confirmed,
    Fault,
    InvalidEntry,
    Provenance,
)
from mentor_rules.rulebook import BoundRule, DatedBy, Readings, Rulebook, Settled
from mentor_rules.source import digest
from mentor_rules.texts import say
from mentor_rules.verdict import (
    ELIGIBILITIES,
    FLAGGED,
    PROCEDURES,
    Verdicts,
    eligibility,
    merged,
    procedure,
)
from mentor_rules.vocabulary import AWAY, Language

Backend = Literal["polars", "duckdb", "spark"]
Confirm = Literal["flagged", "sample", "none"]
By = Literal["region", "district", "subject"]
Progress = Callable[[int, int], None]

# What an engine needs beside the extra `frames`.
_MODULES: Mapping[Backend, tuple[str, ...]] = MappingProxyType(
    {"polars": (), "duckdb": ("duckdb", "pyarrow"), "spark": ("pyspark", "pyarrow")}
)
PER_BUCKET = 400_000  # appointments that are judged together, about
SAMPLED = 1_000  # flagged appointments that the second engine is asked about, about
ONE_OF = 8  # of so many candidates of a bucket one is asked first
ALONE_TOGETHER = 20_000  # appointments judged one by one whose rows are read together
TOLD_FAULTS = 100  # faults told in full
_SEED = 160
_UNFINISHED = "unfinished"
_ANSWERS = ("judged", "alone", "unreadable")  # the steps that give results
_IDS = ("appointment_id", "school_id", "mentor_id", "mentee_id")
_VERDICTS = ("eligibility", "procedure")
_CODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"eligibility": ELIGIBILITY, "procedure": PROCEDURE}
)
# What may be a person: an IIN somewhere, one that lost its zeros, or a name.
_PERHAPS = "[0-9]{6}[ -]?[0-9]{6}|^[0-9]{9,11}$|^[^0-9]*$"
_UNTOLD = Fault(what="disagreement", cause="two engines disagree")  # one of very many
_SILENT = ("not_applicable", "not_in_force")  # outcomes that tell nothing of an act
# What `summary.parquet` and `invalid.parquet` hold.
COUNTS = MappingProxyType(
    {"by": pl.String, "group": pl.String, "what": pl.String, "value": pl.String, "count": pl.Int64}
)
INVALID = MappingProxyType(
    {
        "table": pl.String,
        "row": pl.Int64,
        "key": pl.String,
        "column": pl.String,
        "problem": pl.String,
        "remedy": pl.String,
    }
)


def audit(
    folder: Path | str,
    out: Path | str,
    *,
    as_of: date,
    readings: Readings = None,
    settle: Mapping[str, str] | None = None,
    rulebook: Rulebook | None = None,
    calendar: Overrides = None,
    engine: Backend = "polars",
    by: Sequence[str] = (),
    confirm: Confirm = "flagged",
    explain: int = 0,
    buckets: int | None = None,
    language: Language = "en",
    show_ids: bool = False,
    key: bytes | None = None,
    force: bool = False,
    progress: Progress | None = None,
    session: Any = None,
) -> AuditRun:
    """Judge every appointment of a folder of Parquet tables on the day `as_of`, into a folder.

    `out` gets `results/*.parquet` (a row per appointment), `invalid.parquet`, `summary.parquet`,
    `findings.jsonl` (of `explain` flagged appointments) and, last, `run.json`, which is what is
    given back. A run that was stopped leaves its steps in `out`, and goes on after the last whole
    one when called again for the same. `engine` names where the rules run. `buckets` is the
    number of parts that the tables are split into (None: by their size). `confirm` says what is
    judged again: everything flagged, a sample, nothing. `by` names further groups to be counted.
    `progress` is told how many steps are done, of how many. On `spark` everything is done by
    `session` (None: one of this machine), paths are those that it knows, and a run that was
    stopped begins anew. Raises as `check` does, ReadingError
    for a folder that holds no readable table, UsageError where `out` holds a finished run and not
    `force`.
    """
    started = time.perf_counter()
    expect_day("as_of", as_of)
    for name, value, allowed in (
        ("engine", engine, get_args(Backend)),
        ("confirm", confirm, get_args(Confirm)),
        *(("by", one, get_args(By)) for one in by),
    ):
        if value not in allowed:
            raise UsageError("bad_value", name=name, allowed=", ".join(allowed))
    if not all(find_spec(module) for module in _MODULES[engine]):
        raise UsageError("needs_extra", extra=engine)
    rulebook = rulebook or builtin_rulebook()
    settled = rulebook.settle(readings, over=settle)
    if calendar is not None and not isinstance(calendar, Path | str):
        calendar = list(calendar)
    judges = Judges.load(rulebook, settled, calendar, as_of, engine, confirm)
    if engine == "spark":
        return _on_spark(
            session,
            (str(folder), str(out)),
            judges,
            _Hidden(Path(), key or secrets.token_bytes(32), show_ids=show_ids),
            (language, by),
            buckets,
            explain,
            force=force,
            progress=progress,
        )
    found = sources(Path(folder))
    rows = {table: source.count() for table, source in found.items()}
    buckets = buckets or 1 + rows.get("appointments", 0) // PER_BUCKET
    stated = [
        *(
            f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}"
            for source in found.values()
            for file in source.files
        ),
        *(str(one) for one in (judges.identity, language, tuple(by), show_ids, key, buckets)),
        pl.__version__,
    ]
    target = _Target(Path(out), digest([("run", "\n".join(stated).encode())]), force=force)
    nation = Nation(found, Work(target.work, buckets))
    run = _Run(nation, judges, _Hidden(target.work, key, show_ids=show_ids), language, by)
    run.judge(progress)
    run.write(explain)
    said = run.said(rows, started)
    target.finish(said)
    return said


def _on_spark(
    session: Any,
    paths: tuple[str, str],
    judges: "Judges",
    hidden: "_Hidden",
    told: tuple[Language, Sequence[str]],
    buckets: int | None,
    explain: int,
    *,
    force: bool,
    progress: Progress | None,
) -> AuditRun:
    """Do what `audit` does, all on Spark; `run.json` comes last here too."""
    from mentor_rules import spark

    started = time.perf_counter()
    steps = iter(range(1, 5))

    def step() -> None:
        if progress is not None:
            progress(next(steps), 4)

    with spark.running(session) as running:
        out, work = spark.Folder(running, paths[1]), f"{paths[1].rstrip('/')}/{_UNFINISHED}"
        if out.holds("run.json") and not force:
            raise UsageError("exists", path=paths[1])
        out.remove(_UNFINISHED)
        with spark.reading(running, paths[0], buckets) as nation:
            near = nation.prepare()
            step()
            run = _Run(near, judges, hidden, *told)
            found, set_aside = nation.judge(
                near, run, (run.unreadable(), Said()), f"{work}/results"
            )
            step()
            dangling = nation.write_invalid(near, run.rejected(), f"{work}/invalid")
            counted = pl.concat([counted for _, counted in found])
            summary = run.summary_of(counted, nation.short_schools(near, run))
            out.write(f"{_UNFINISHED}/summary.parquet", _as_parquet(summary))
            step()
            if explain:
                flagged = nation.bring(near, f"{work}/results", explain)
                lines = run.explained(near.dossier_of(flagged, **hidden.options), flagged)
                text = "".join(f"{line}\n" for line in lines)
                out.write(f"{_UNFINISHED}/findings.jsonl", text.encode())
            said = [*(said for said, _ in found), Said(set_aside=set_aside)]
            answer = run.said_of(said, summary, nation.rows, dangling, started)
        out.write(f"{_UNFINISHED}/run.json", _as_text(answer).encode())
        out.remove("run.json")
        out.remove("findings.jsonl")
        out.move_only_file(f"{_UNFINISHED}/invalid", "invalid.parquet")
        for name in ("results", "summary.parquet", *(["findings.jsonl"] if explain else [])):
            out.move(f"{_UNFINISHED}/{name}", name)
        out.move(f"{_UNFINISHED}/run.json", "run.json")
        out.remove(_UNFINISHED)
        step()
    return answer


def _as_parquet(frame: pl.DataFrame) -> bytes:
    content = BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


def _as_text(run: AuditRun) -> str:
    return run.model_dump_json(by_alias=True, indent=2) + "\n"


# Judging columns ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judges:
    """All that is made once for a rulebook, a choice of readings, a calendar and a day."""

    bench: Bench
    frame: Frame
    candidates: Frame
    settled: Settled
    rulebook: Rulebook
    calendar: SchoolCalendar
    overrides: Overrides
    as_of: date
    backend: Backend
    confirm: Confirm

    @classmethod
    def load(
        cls,
        rulebook: Rulebook,
        settled: Settled,
        overrides: Overrides,
        as_of: date,
        backend: Backend = "polars",
        confirm: Confirm = "flagged",
    ) -> "Judges":
        """Compile the rules that are asked of appointments and of candidates."""
        bench = bench_for(rulebook, settled, "en", "appointment")
        own = bench_for(rulebook, settled, "en", "candidate")
        return cls(
            bench,
            Frame(bench.engine.rules, settled),
            Frame(own.engine.rules, settled),
            settled,
            rulebook,
            SchoolCalendar.load(overrides),
            overrides,
            as_of,
            backend,
            confirm,
        )

    @property
    def identity(self) -> tuple[object, ...]:
        """What an answer depends on, beside the records."""
        rules, live = self.rulebook.sha256, sorted(self.settled.live.items())
        return (rules, live, self.calendar.identity, self.as_of, self.backend, self.confirm)

    def judged(self, part: Part) -> pl.DataFrame:
        """Give the cases of a part with all facts, outcomes and verdicts, as codes."""
        return evaluated(self.frame, fact_columns(self.frame, part), self.backend)

    def results(self, judged: pl.DataFrame) -> pl.DataFrame:
        """Give what is told of judged cases, in words and days."""
        told = [
            *(pl.col(name) for name in (*_IDS, "subject")),
            *(_word(name, _CODES[name]) for name in _VERDICTS),
        ]
        for rule in self.frame.rules:
            told.append(_word(rule.rule.id, OUTCOMES))
        silent = [OUTCOMES.index(name) for name in _SILENT]
        for name, act in self._acts():
            asked = pl.when(~pl.col(name).is_in(silent))
            parts = {part: asked.then(column) for part, column in act.items()}
            told += [_day(parts["due"], f"{name} due"), _day(parts["done"], f"{name} done")]
            told.append(parts["days_late"].alias(f"{name} days_late"))
        return judged.select(told)

    def _acts(self) -> Iterator[tuple[str, dict[str, str]]]:
        for rule in self.frame.rules:
            columns = act_columns(rule, self.frame)
            if columns is not None:
                yield rule.rule.id, columns

    @property
    def schema(self) -> dict[str, Any]:
        """The columns of the results, with their types."""
        outcomes = pl.Enum(OUTCOMES)
        return {
            **dict.fromkeys((*_IDS, "subject"), pl.String),
            **{name: pl.Enum(_CODES[name]) for name in _VERDICTS},
            **{rule.rule.id: outcomes for rule in self.frame.rules},
            **{
                f"{name} {part}": pl.Int32 if part == "days_late" else pl.Date
                for name, _ in self._acts()
                for part in ACT_PARTS
            },
        }


def evaluated(frame: Frame, facts: pl.DataFrame, backend: Backend = "polars") -> pl.DataFrame:
    """Give columns of facts with the outcome of every rule and reading, and both verdicts.

    On `duckdb` the rules run there, over the same columns; everything else stays where it is.
    """
    if backend == "duckdb":
        import duckdb

        read = [AT, *frame.columns]
        with duckdb.connect() as connection:
            relation = connection.from_arrow(facts.select(read).to_arrow())
            found = frame.judge(nw.from_native(relation)).drop(frame.columns).collect("polars")
        own = found.to_native().sort(AT)
        return facts.with_columns(own.drop(AT).get_columns())
    judged: pl.DataFrame = frame.judge(nw.from_native(facts.lazy())).collect().to_native()
    return judged


def _word(column: str, codes: Sequence[str]) -> pl.Expr:
    words = pl.lit(pl.Series(codes, dtype=pl.Enum(codes)))
    return words.gather(pl.col(column)).alias(column)


def _day(ordinal: pl.Expr, name: str) -> pl.Expr:
    return (ordinal - EPOCH).cast(pl.Date).alias(name)


def _flagged(judged: pl.DataFrame) -> pl.DataFrame:
    return judged.filter(
        (pl.col("eligibility") == ELIGIBILITY.index("ineligible"))
        | (pl.col("procedure") == PROCEDURE.index("breached"))
    )


# Confirming ---------------------------------------------------------------------------------------


class Confirmation:
    """Judges again what the engine `frame` flags.

    `closure` is asked about every distinct combination of facts that a rule meets, and about
    every distinct combination of outcomes that decides a verdict: for the same facts it always
    says the same.
    """

    def __init__(self, judges: Judges) -> None:
        self._bench, self._frame = judges.bench, judges.frame
        self._alone = [Closure([rule]) for rule in self._frame.rules]

    def differing(self, flagged: pl.DataFrame) -> dict[int, Fault]:
        """Give where `closure` says otherwise of flagged cases, by the place of the case."""
        apart = [self._outcomes_apart(flagged, place) for place in range(len(self._alone))]
        apart += [
            self._verdicts_apart(flagged, "eligibility", self._bench.blocking, eligibility),
            self._verdicts_apart(flagged, "procedure", self._bench.remediable, procedure),
        ]
        found = [
            flagged.join(rows, on=rows.columns, how="semi") for rows in apart if not rows.is_empty()
        ]
        if not found:
            return {}
        cases = pl.concat(found).unique(AT).sort(AT)
        faults: dict[int, Fault] = dict.fromkeys(cases[AT], _UNTOLD)
        for row in cases.head(TOLD_FAULTS).iter_rows(named=True):
            fault = self._asked(row, self._bench.engine)
            if fault is None:
                del faults[row[AT]]  # the same facts in another edition
            else:
                faults[row[AT]] = fault
        return faults

    def _asked(self, row: Mapping[str, Any], engine: Closure | Durable) -> Fault | None:
        """Ask an engine about one case, from its columns; give the fault, if there is one."""
        frame = self._frame
        bounds = [
            row[name]
            for fact in engine.facts
            for name in (frame.facts[fact].lo, frame.facts[fact].hi)
        ]
        days: dict[DatedBy, date] = {
            one: date.fromordinal(row[column]) for one, column in frame.days.items()
        }
        try:
            opinion = engine.opinion(bounds, days)
        except Exception as error:
            return fault_of(error)
        own = Opinion(
            tuple(
                tuple(OUTCOMES[row[name]] for name in reading_columns(rule)) for rule in frame.rules
            ),
            ELIGIBILITY[row["eligibility"]],
            PROCEDURE[row["procedure"]],
        )
        if own == opinion:
            return None
        return disagreement(self._bench, {frame.name: own, engine.name: opinion})

    def _outcomes_apart(self, flagged: pl.DataFrame, place: int) -> pl.DataFrame:
        """Give the facts and outcomes of one rule that `closure` would not have together."""
        rule, engine = self._frame.rules[place], self._alone[place]
        bounds = [
            name
            for fact in engine.facts
            for name in (self._frame.facts[fact].lo, self._frame.facts[fact].hi)
        ]
        day = self._frame.days[rule.rule.dated_by]
        said = [*reading_columns(rule), rule.rule.id]
        columns = list(dict.fromkeys([day, *bounds, *said]))
        # Days between two changes of a rule are one.
        edition = reduce(
            lambda before, first: pl.when(pl.col(day) >= first).then(first).otherwise(before),
            [first.toordinal() for first in rule.rule.changes_on],
            pl.lit(1, pl.Int32),
        )
        distinct = flagged.with_columns(edition.alias(day)).select(columns).unique()
        places = [columns.index(name) for name in bounds]
        outcomes = [columns.index(name) for name in said]
        wrong = []
        for row in distinct.iter_rows():
            on = date.fromordinal(row[0])
            days: dict[DatedBy, date] = {"ordered_on": on, "starts_on": on, "formed_on": on}
            [expected] = engine.outcomes([row[at] for at in places], days)
            found = tuple(OUTCOMES[row[at]] for at in outcomes)
            if found != (*expected, merged(expected)):
                wrong.append(row)
        # Without the day: who has such facts in another edition is asked about once more, too.
        return pl.DataFrame(wrong, schema=distinct.schema, orient="row").drop(day)

    def _verdicts_apart(
        self,
        flagged: pl.DataFrame,
        name: str,
        verdicts: Verdicts,
        decide: Callable[[Verdicts, Sequence[tuple[Any, ...]]], str],
    ) -> pl.DataFrame:
        """Give the outcomes and verdicts that do not belong together."""
        rules = self._frame.rules
        columns = [column for place in verdicts.places for column in reading_columns(rules[place])]
        distinct = flagged.select(*columns, name).unique()
        wrong = []
        for row in distinct.iter_rows():
            cells = iter(row)
            outcomes: list[tuple[Any, ...]] = [("not_in_force",)] * len(rules)
            for place in verdicts.places:
                readings = rules[place].readings
                outcomes[place] = tuple(OUTCOMES[next(cells)] for _ in readings)
            if decide(verdicts, outcomes) != _CODES[name][next(cells)]:
                wrong.append(row)
        return pl.DataFrame(wrong, schema=distinct.schema, orient="row")

    def refused(self, flagged: pl.DataFrame, count: int) -> tuple[int, dict[int, Fault]]:
        """Ask `durable` about a seeded sample: how many it was asked, and where it differs."""
        if not available() or flagged.is_empty():
            return 0, {}
        sample = flagged.sample(min(count, flagged.height), seed=_SEED)
        asked = {
            row[AT]: self._asked(row, self._bench.second) for row in sample.iter_rows(named=True)
        }
        return sample.height, {at: fault for at, fault in asked.items() if fault is not None}


# One run --------------------------------------------------------------------------------------


class _Run:
    """One audit, step by step; every step is there whole or not at all."""

    def __init__(
        self,
        nation: Nation,
        judges: Judges,
        hidden: "_Hidden",
        language: Language,
        by: Sequence[str],
    ) -> None:
        self._nation, self._judges, self._hidden = nation, judges, hidden
        self._language, self._by = language, by
        self._work = nation.work
        self._confirmation = Confirmation(judges)

    @property
    def judges(self) -> Judges:
        """All that is made once for a run."""
        return self._judges

    def judge(self, progress: Progress | None) -> None:
        """Judge all appointments, bucket by bucket, and then those that are judged one by one."""
        buckets = self._work.buckets
        steps = iter(range(1, 3 * buckets + 3))

        def told() -> None:
            if progress is not None:
                progress(next(steps), 3 * buckets + 2)

        self._nation.prepare()
        told()
        if "appointments" in self._nation.sources:
            for _ in side_by_side(self._nation.join_plans, range(buckets)):
                told()
            self._nation.settle_appointments()
            for _ in side_by_side(self._nation.join_mentees, range(buckets)):
                told()
        _ = self._nation.schools  # read once, before several ask
        for _ in side_by_side(self._judge_bucket, range(buckets)):
            told()
        self._judge_alone()
        self._nation.settle_rest()
        told()

    def _judge_bucket(self, bucket: int) -> None:
        with self._work.once(f"judged/{bucket}") as folder:
            if folder is None:
                return
            judges = self._judges
            held = self._nation.part(bucket, judges.calendar, judges.as_of)
            results, said = self.told(judges.judged(held.part))
            said.set_aside = held.set_aside
            self._write(folder, results, said)
            write_whole(held.alone, folder / "alone.parquet")
            self._candidates(folder, held)
        self._nation.forget(bucket)

    def told(self, judged: pl.DataFrame) -> tuple[pl.DataFrame, "Said"]:
        """Give what is told of judged cases, once what is flagged was judged again."""
        apart, said = self._confirmed(_flagged(judged))
        not_judged = pl.col(AT).is_in(sorted(apart))
        results = self._judges.results(
            judged.with_columns(
                pl.when(not_judged)
                .then(pl.lit(_CODES[name].index("not_judged"), pl.Int8))
                .otherwise(pl.col(name))
                .alias(name)
                for name in _VERDICTS
            )
        )
        ids = results["appointment_id"]
        said.faults = {ids[at]: fault for at, fault in sorted(apart.items())}
        said.judged = results.height
        return results, said

    def _confirmed(self, flagged: pl.DataFrame) -> tuple[dict[int, Fault], "Said"]:
        """Judge again what is flagged: where engines differ, by the place of the case."""
        confirm = self._judges.confirm
        said = Said(flagged=flagged.height)
        if confirm == "none" or flagged.is_empty():
            return {}, said
        count = 1 + SAMPLED // self._work.buckets
        again = flagged
        if confirm == "sample":
            again = flagged.sample(min(count, flagged.height), seed=_SEED)
        apart = self._confirmation.differing(again)
        said.by_closure = again.height
        said.by_durable, refused = self._confirmation.refused(again, count)
        return refused | apart, said

    def _write(self, folder: Path, results: pl.DataFrame, said: "Said") -> None:
        shown, counted = self.shown(results, said)
        write_whole(counted, folder / "counts.parquet")
        hidden = results.select("appointment_id", shown=shown["appointment_id"])
        hidden = hidden.filter(pl.col("appointment_id") != pl.col("shown"))
        write_whole(hidden, folder / "hidden.parquet")
        write_whole(
            shown,
            folder / "results.parquet",
            compression="snappy",
            statistics=False,
            metadata=self._metadata,
        )
        (folder / "said.json").write_text(said.as_json(), "utf-8")

    def shown(self, results: pl.DataFrame, said: "Said") -> tuple[pl.DataFrame, pl.DataFrame]:
        """Give results as they may be shown, and their counts; note how many ids were hidden."""
        shown = self._hidden.hide(results)
        said.hidden = sum(
            int(shown[name].ne_missing(results[name]).sum()) for name in _Hidden.COLUMNS
        )
        return shown, counts(results, self._nation.schools, self._by)

    @property
    def _metadata(self) -> dict[str, str]:
        judges = self._judges
        provenance = self._provenance().model_dump_json()
        return {"mentor_rules": provenance, "mentor_rules_as_of": judges.as_of.isoformat()}

    def _provenance(self) -> Provenance:
        judges = self._judges
        return provenance_of(judges.rulebook, judges.settled, judges.calendar, self._language)

    def _candidates(self, folder: Path, held: Bucket) -> None:
        """Write which schools have a teacher who may enter the reserve, and who is to be asked."""
        frame, asked = self._judges.candidates, held.candidates.tables[CASES]
        known = self._work.read_any("judged/*/eligible.parquet")
        found = asked.select("school_id").clear()
        # One who may is enough: where there is one already, nobody else is asked.
        if known is not None:
            asked = asked.join(known, on="school_id", how="anti")
        few = pl.int_range(pl.len()) % ONE_OF == 0
        for some in (asked.filter(few), asked.filter(~few)):
            left = some.join(found, on="school_id", how="anti")
            if left.is_empty():
                continue
            facts = fact_columns(frame, held.candidates.of(left))
            eligible = evaluated(frame, facts, self._judges.backend).filter(
                pl.col("eligibility") == ELIGIBILITY.index("eligible")
            )
            found = pl.concat([found, eligible.select("school_id")]).unique()
        write_whole(found, folder / "eligible.parquet")
        write_whole(held.candidates_alone, folder / "candidates.parquet")

    # One by one

    def _judge_alone(self) -> None:
        """Judge from their records the appointments that touch a row that is not plain."""
        asked = self._work.read_any("judged/*/alone.parquet")
        ids = sorted(asked["appointment_id"]) if asked is not None else []
        for number, first in enumerate(range(0, len(ids), ALONE_TOGETHER)):
            with self._work.once(f"alone/{number}") as folder:
                if folder is not None:
                    these = ids[first : first + ALONE_TOGETHER]
                    dossier = self._nation.dossier_of(these, show_ids=True)
                    self._write(folder, *self.told_alone(dossier, these))
        with self._work.once("unreadable/0") as folder:
            if folder is not None:
                self._write(folder, self.unreadable(), Said())

    def told_alone(self, dossier: Dossier, ids: Sequence[str]) -> tuple[pl.DataFrame, "Said"]:
        """Give what is told of some appointments of a dossier, judged one by one."""
        judges = self._judges
        confirm: Literal["flagged", "none"] = "none" if judges.confirm == "none" else "flagged"
        wanted, said = set(ids), Said()
        lines = []
        for appointment in dossier.appointments:
            if appointment.appointment_id not in wanted:
                continue
            line: dict[str, Any] = {name: getattr(appointment, name) for name in (*_IDS, "subject")}
            try:
                case = case_of(dossier, appointment, judges.calendar, judges.as_of)
                judged = judge(judges.bench, case)
                opinion = judged.opinion
                engines = confirmed(judges.bench, judged, opinion, confirm)
            except Exception as error:
                # A fault of ours must neither accuse anybody nor stop the others' answers.
                said.faults[appointment.appointment_id] = fault_of(error)
                lines.append(line | dict.fromkeys(_VERDICTS, "not_judged"))
                continue
            line |= {"eligibility": opinion.eligibility, "procedure": opinion.procedure}
            if FLAGGED & {opinion.eligibility, opinion.procedure}:
                said.flagged += 1
                said.by_closure += 1
                said.by_durable += len(engines) > 1
            for rule, outcomes in zip(judges.bench.engine.rules, judged.outcomes, strict=True):
                line[rule.rule.id] = merged(outcomes)
                if merged(outcomes) not in _SILENT:
                    line |= _act_of(rule, judged.facts, judges.as_of)
            lines.append(line)
        said.judged = len(lines)
        return pl.DataFrame(lines, schema=judges.schema, orient="row"), said

    def unreadable(self) -> pl.DataFrame:
        """Give the appointments whose own rows cannot be read, as far as their ids can."""
        found: dict[str, dict[str, Any]] = {}
        for row in self._nation.oddities.invalid:
            if row.table == "appointments" and row.key[0] is not None:
                readable = {name: row.readable.get(name) for name in (*_IDS, "subject")}
                line = readable | dict.fromkeys(_VERDICTS, "not_judged")
                found.setdefault(row.key[0], line | {"appointment_id": row.key[0]})
        return pl.DataFrame(list(found.values()), schema=self._judges.schema, orient="row")

    # What is told at the end

    def write(self, explain: int) -> None:
        """Write the invalid rows, the counts, and the findings of some flagged appointments."""
        folder = self._work.folder / "told"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write_whole(self._invalid(), folder / "invalid.parquet")
        write_whole(self._summary(), folder / "summary.parquet")
        if explain:
            self._explain(folder / "findings.jsonl", explain)

    def _summary(self) -> pl.DataFrame:
        counted = self._work.read_any(*(f"{step}/*/counts.parquet" for step in _ANSWERS))
        return self.summary_of(
            pl.DataFrame(schema=COUNTS) if counted is None else counted, self._short_schools()
        )

    def summary_of(self, counted: pl.DataFrame, short: pl.DataFrame | None) -> pl.DataFrame:
        """Give all counts, with the schools that have no eligible candidate."""
        found, by = [counted], [name for name in COUNTS if name != "count"]
        if short is not None:
            found.append(
                _tidy(
                    short.with_columns(count=1),
                    "school",
                    "school_id",
                    "candidates",
                    pl.lit("none_eligible"),
                )
            )
        summed = pl.concat(found).group_by(by).agg(pl.col("count").sum())
        return summed.with_columns(self._hidden.shown("school_id", summed["group"])).sort(by)

    @property
    def _knows_candidates(self) -> bool:
        return self._nation.schools is not None and self._nation.certain("teachers")

    def _short_schools(self) -> pl.DataFrame | None:
        """Give the schools in which nobody who works may certainly enter the reserve."""
        schools = self._nation.schools
        eligible = self._work.read_any("judged/*/eligible.parquet")
        asked = self._work.read_any("judged/*/candidates.parquet")
        if not self._knows_candidates or schools is None or eligible is None or asked is None:
            return None
        short = schools.select("school_id").join(eligible, on="school_id", how="anti")
        asked = asked.join(short, on="school_id", how="semi").sort("teacher_id")
        found = set()
        for first in range(0, asked.height, ALONE_TOGETHER):
            people = asked["teacher_id"][first : first + ALONE_TOGETHER].to_list()
            dossier = self._nation.dossier_of_people(people, show_ids=True)
            found |= self.schools_of(dossier, people)
        return short.filter(~pl.col("school_id").is_in(sorted(found)))

    def schools_of(self, dossier: Dossier, people: Sequence[str]) -> set[str]:
        """Give the schools of those of some teachers who may enter the reserve."""
        judges = self._judges
        bench = bench_for(judges.rulebook, judges.settled, "en", "candidate")
        found = set()
        for person in people:
            for row in dossier.teacher(person).records:
                case = Case(
                    dossier,
                    judges.calendar,
                    person,
                    row.school_id,
                    None,
                    judges.as_of,
                    judges.as_of,
                    purpose="reserve",
                )
                verdict = judge(bench, case).opinion.eligibility
                if verdict == "eligible" and row.status not in AWAY:
                    found.add(row.school_id)
        return found

    def _invalid(self) -> pl.DataFrame:
        """Give every row that cannot be read, contradicts another or names what is not there."""
        found = [self.rejected()]
        for table, column, target, rows in self._nation.dangling():
            found.append(self.dangling_told(table, column, target, rows))
        order = pl.Enum(list(KEPT))
        rows = pl.concat(found)
        return rows.sort(pl.col("table").cast(order), "row", "column", maintain_order=True)

    def rejected(self) -> pl.DataFrame:
        """Give the rows that cannot be read or contradict each other."""
        told = [self._told(row).model_dump() for row in self._nation.oddities.invalid]
        return pl.DataFrame(told, schema=INVALID, orient="row")

    def dangling_told(
        self, table: str, column: str, target: str, rows: pl.DataFrame
    ) -> pl.DataFrame:
        """Give what is told of rows, with their keys, that name what is not there."""
        sample = InvalidRow(table, 1, (), column, "dangling", {"target": target}, spoils=False)
        entry = invalid_entry(sample, self._language)
        return rows.select(
            pl.lit(table).alias("table"),
            pl.col(ROW).cast(pl.Int64),
            self._hidden.keys(table, rows["key"]),
            *(pl.lit(getattr(entry, name)).alias(name) for name in ("column", "problem", "remedy")),
        )

    def _told(self, row: InvalidRow) -> InvalidEntry:
        return invalid_entry(self._hidden.row(row), self._language)

    def _explain(self, path: Path, count: int) -> None:
        """Write the findings of the first so many flagged appointments, as `check` has them."""
        files = [
            file
            for step in ("judged", "alone")
            for file in self._work.folder.glob(f"{step}/*/results.parquet")
        ]
        flagged = (
            pl.scan_parquet(files, glob=False)
            .filter((pl.col("eligibility") == "ineligible") | (pl.col("procedure") == "breached"))
            .select("appointment_id")
            .collect()["appointment_id"]
            .sort()
            .head(count)
            .to_list()
        )
        hidden = self._work.read_any("*/*/hidden.parquet")
        written = {} if hidden is None else dict(hidden.select("shown", "appointment_id").rows())
        asked = [written.get(one, one) for one in flagged]
        dossier = self._nation.dossier_of(asked, **self._hidden.options)
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in self.explained(dossier, flagged))

    def explained(self, dossier: Dossier, flagged: Sequence[str]) -> Iterator[str]:
        """Give the findings of some appointments of a dossier as lines of JSON."""
        judges = self._judges
        report = check(
            dossier,
            as_of=judges.as_of,
            readings=dict(judges.settled.chosen),
            rulebook=judges.rulebook,
            calendar=judges.overrides,
            language=self._language,
            confirm="none",  # they are confirmed
        )
        wanted = set(flagged)
        for result in report.results:
            if result.appointment_id in wanted:
                yield result.model_dump_json(by_alias=True)

    def said(self, rows: Mapping[str, int], started: float) -> AuditRun:
        """Give what the run says of itself."""
        said = [
            Said.from_json(file.read_text("utf-8"))
            for step in _ANSWERS
            for file in sorted(self._work.folder.glob(f"{step}/*/said.json"))
        ]
        summary = pl.read_parquet(self._work.folder / "told" / "summary.parquet")
        dangling = sum(rows.height for *_, rows in self._nation.dangling())
        return self.said_of(said, summary, rows, dangling, started)

    def said_of(
        self,
        said: Sequence["Said"],
        summary: pl.DataFrame,
        rows: Mapping[str, int],
        dangling: int,
        started: float,
    ) -> AuditRun:
        """Give what a run says that said this in parts. Raises LostRows where a row is missing."""
        judges = self._judges
        tables = {table: self._nation.account(table, read) for table, read in rows.items()}
        if (own := tables.get("appointments")) is not None:
            judged = sum(one.judged for one in said)
            set_aside = sum(one.set_aside for one in said)
            if own.used != judged + set_aside - own.contradictory:
                raise LostRows("appointments")
            repeated = set_aside - own.contradictory
            tables["appointments"] = own.model_copy(update={"used": judged, "repeated": repeated})
        counted = {
            name: dict(summary.filter(by="all", what=name).select("value", "count").iter_rows())
            for name in _VERDICTS
        }
        schools = self._nation.schools
        short = summary.filter(by="school").height if self._knows_candidates else None
        faults = {
            self._hidden.id(name): fault for one in said for name, fault in one.faults.items()
        }
        # Those with traces first.
        told = sorted(faults.items(), key=lambda item: (not item[1].traces, item[0]))
        hidden = sum(one.hidden for one in said)
        notes = [say("done", "hidden_ids", self._language, count=str(hidden))] if hidden else []
        return AuditRun(
            as_of=judges.as_of,
            engine=judges.backend,
            provenance=self._provenance(),
            summary=AuditSummary(
                appointments=sum(counted["eligibility"].values()),
                eligibility={name: counted["eligibility"].get(name, 0) for name in ELIGIBILITIES},
                procedure={name: counted["procedure"].get(name, 0) for name in PROCEDURES},
                schools=0 if schools is None else schools.height,
                schools_without_candidate=short,
                invalid_rows=sum(one.invalid for one in tables.values()),
                dangling=dangling,
            ),
            rows=tables,
            confirmed=Confirmed(
                flagged=sum(one.flagged for one in said),
                by_closure=sum(one.by_closure for one in said),
                by_durable=sum(one.by_durable for one in said),
            ),
            faults=dict(told[:TOLD_FAULTS]),
            faults_count=len(faults),
            ignored_columns=tuple(
                name for source in self._nation.sources.values() for name in source.ignored
            ),
            notes=(
                *notes,
                *unconfirmed("none" if judges.confirm == "none" else "flagged", self._language),
            ),
            took_s=round(time.perf_counter() - started, 3),
        )


@dataclass
class Said:
    """What one step says: how many it judged and set aside, confirmed by whom, and its faults."""

    judged: int = 0
    set_aside: int = 0
    flagged: int = 0
    by_closure: int = 0
    by_durable: int = 0
    hidden: int = 0
    faults: dict[str, Fault] = field(default_factory=dict)

    def as_json(self) -> str:
        """Give it as text."""
        faults = {name: fault.model_dump(mode="json") for name, fault in self.faults.items()}
        return json.dumps({**self.__dict__, "faults": faults})

    @classmethod
    def from_json(cls, text: str) -> "Said":
        """Read what `as_json` wrote."""
        said = json.loads(text)
        faults = {name: Fault(**fault) for name, fault in said.pop("faults").items()}
        return cls(**said, faults=faults)


def _act_of(rule: BoundRule, facts: Mapping[FactId, Fact], as_of: date) -> dict[str, Any]:
    """Give when the act of a rule was due and done in its mildest reading, and the days late."""
    timing = rule.readings[0].timing
    if timing is None:
        return {}
    act = facts[timing]
    assert isinstance(act, ActFact)  # noqa: S101 - the one kind of fact that a timing has
    due = act.due.certain if act.due is not None else None
    done = date.fromordinal(act.done) if act.done is not None else None
    parts = dict(zip(ACT_PARTS, (due, done, act.days_late(as_of)), strict=True))
    return {f"{rule.rule.id} {part}": value for part, value in parts.items()}


# Counts -------------------------------------------------------------------------------------------


def counts(results: pl.DataFrame, schools: pl.DataFrame | None, by: Sequence[str]) -> pl.DataFrame:
    """Give how many results have each verdict and outcome: of all, by group, by rule."""
    if schools is None:
        schools = pl.DataFrame(schema=plain_schema("schools"))
    kinds = pl.lit(pl.Series(VOCABULARIES["schools"]["kind"].codes))
    of_schools = schools.select("school_id", "region", "district", kind=kinds.gather("kind"))
    groups = dict.fromkeys(("region", "kind", *by))
    keys = ["school_id", *(name for name in groups if name in results.columns), *_VERDICTS]
    counted = results.group_by(keys).len("count").join(of_schools, on="school_id", how="left")
    found = []
    for name in _VERDICTS:
        found.append(_tidy(counted, "all", pl.lit(""), name, name))
        found += [_tidy(counted, group, group, name, name) for group in groups]
    for rule, kind in results.schema.items():
        if kind == pl.Enum(OUTCOMES):
            outcomes = results[rule].drop_nulls().value_counts()
            found.append(_tidy(outcomes, "rule", pl.lit(rule), "outcome", rule))
    return pl.concat(found)


def _tidy(
    counted: pl.DataFrame, by: str, group: str | pl.Expr, what: str, value: str | pl.Expr
) -> pl.DataFrame:
    """Sum up counts by group and value."""
    named = [
        (pl.col(one) if isinstance(one, str) else one).cast(pl.String).fill_null("").alias(name)
        for name, one in (("group", group), ("value", value))
    ]
    summed = counted.group_by(named).agg(pl.col("count").cast(pl.Int64).sum())
    return summed.select(
        pl.lit(by).alias("by"), "group", pl.lit(what).alias("what"), "value", "count"
    )


# What nobody is to read, and what is there whole or not at all ------------------------------------


class _Hidden:
    """Gives pseudonyms to ids of persons, as a dossier does.

    Without a key one is made and kept with the unfinished run, so that all its steps agree.
    """

    COLUMNS = (*_IDS, "subject")

    def __init__(self, folder: Path, key: bytes | None, *, show_ids: bool) -> None:
        kept = folder / "key"
        if key is None:
            if not kept.exists():
                # Whole or not at all: a part of a key would be another one.
                making = kept.with_suffix(".new")
                making.touch(0o600)
                making.write_bytes(secrets.token_bytes(32))
                making.replace(kept)
            key = kept.read_bytes()
        self.options: dict[str, Any] = {"key": key, "show_ids": show_ids}
        self._dossier = Dossier(key=key, show_ids=show_ids)

    def hide(self, results: pl.DataFrame) -> pl.DataFrame:
        """Give results with pseudonyms in place of such ids."""
        return results.with_columns(self.shown(name, results[name]) for name in self.COLUMNS)

    def shown(self, column: str, cells: pl.Series) -> pl.Series:
        """Give cells of a column with pseudonyms in place of persons."""
        asked = cells.filter(cells.str.contains(_PERHAPS).fill_null(False)).unique().to_list()
        shown = {one: self._dossier.shown_in(column, one) for one in asked}
        return cells.replace({one: other for one, other in shown.items() if one != other})

    def id(self, appointment: str) -> str:
        """Give the id of an appointment as it may be shown."""
        return self._dossier.shown(appointment)

    def keys(self, table: str, keys: pl.Series) -> pl.Series:
        """Give the keys of rows as texts, with pseudonyms in place of such ids."""
        parts = [
            self.shown(column, keys.list.get(place))
            for place, column in enumerate(TABLES[table].key_columns)
        ]
        return pl.select(pl.concat_str(parts, separator=" ").alias("key"))["key"]

    def row(self, row: InvalidRow) -> InvalidRow:
        """Give an invalid row with pseudonyms in place of such ids."""
        return Dossier(invalid=[row], **self.options).invalid[0]


class _Target:
    """The folder that a run writes to: its steps below `unfinished`, and at the end its answer."""

    def __init__(self, out: Path, identity: str, *, force: bool) -> None:
        if (out / "run.json").exists() and not force:
            raise UsageError("exists", path=str(out))
        self._out, self.work = out, out / _UNFINISHED
        self._said = self.work / "identity"
        if not self._said.is_file() or self._said.read_text("utf-8") != identity:
            # Steps of another run are of no use to this one.
            self._clear()
            self.work.mkdir(0o700, parents=True)  # ids stand there as they were written
            self._said.write_text(identity, "utf-8")

    def finish(self, run: AuditRun) -> None:
        """Put the answer where it is looked for; `run.json` comes last."""
        out = self._out
        (out / "run.json").unlink(missing_ok=True)
        shutil.rmtree(out / "results", ignore_errors=True)
        (out / "results").mkdir()
        for step in _ANSWERS:
            for file in sorted(self.work.glob(f"{step}/*/results.parquet")):
                _keep(file, out / "results" / f"{step}-{file.parent.name}.parquet")
        for name in ("invalid.parquet", "summary.parquet", "findings.jsonl"):
            (out / name).unlink(missing_ok=True)
            if (told := self.work / "told" / name).exists():
                _keep(told, out / name)
        made = self.work / "run.json"
        made.write_text(_as_text(run), "utf-8")
        _see_through(made)
        made.replace(out / "run.json")
        self._clear()

    def _clear(self) -> None:
        """Remove the steps, first of all what says whose they are: none is then taken for whole."""
        self._said.unlink(missing_ok=True)
        if self.work.exists():
            for _ in side_by_side(shutil.rmtree, [*self.work.glob("*/*/")]):
                pass
            shutil.rmtree(self.work)


def _keep(file: Path, name: Path) -> None:
    """Give a file a second name, or where that cannot be a copy."""
    try:
        name.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, name)
    _see_through(name)


def _see_through(file: Path) -> None:
    """Wait until a file is on the disk: after a power cut it could be there with nothing in it."""
    with file.open("r+b") as kept:
        os.fsync(kept.fileno())
