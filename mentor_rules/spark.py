"""The tables of a nation on Spark: it reads, sends, and writes them; what is judged is the same.

Spark reads the Parquet, sends rows to where they meet (its own joins and groups) and writes the
answer. What a group says is said by the functions that Polars' buckets use, inside Spark's
tasks; the rules run as expressions on Spark itself. Only what is odd comes to the driver: rows
that cannot be read or contradict each other, the schools, and numbers. A task that fails is
Spark's to repeat; a run that was stopped begins anew. Ids of persons stand in no query: a plan
may be logged.
"""

import os
import pickle  # nosec B403 - only what our own tasks made
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import lru_cache, partial, reduce
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, cast
from urllib.parse import unquote

import narwhals as nw
import polars as pl
import pyarrow as pa
from pyspark import StorageLevel, cloudpickle
from pyspark.sql import Column, DataFrame, GroupedData, SparkSession
from pyspark.sql import functions as sql
from pyspark.sql import types as kinds

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.columns import (
    KEPT,
    PLAIN,
    ROW,
    SHARE,
    Source,
    encoded,
    fits,
    named,
    plain,
    plain_schema,
    shown_key,
)
from mentor_rules.dossier import Dossier
from mentor_rules.engines.frame import ELIGIBILITY, Frame
from mentor_rules.errors import ReadingError
from mentor_rules.facts import SPECS
from mentor_rules.frames import ACT_PARTS, AT, OVERLAP, fact_columns, with_compared_subjects
from mentor_rules.nation import (
    AGAIN,
    ALONE,
    CASE_COLUMNS,
    KEYS,
    MENTEE_COLUMNS,
    OF_TEACHERS,
    Nation,
    Oddities,
    Work,
    among,
    has_figures,
    most_percent,
    read_rows,
    repeated,
    with_mentees,
    with_plans,
)
from mentor_rules.records import REFERENCES, TABLES, InvalidRow, Record

PER_BUCKET = 100_000  # appointments that are judged together, about: one task holds their rows
PER_GROUP = 2_000  # appointments judged one by one whose rows are read together, about

SAID = "said"  # what is wrong with a row, or what a task says of what it judged
_BUCKET, _GROUP, _TABLE, _KEY, _KIND = "bucket", "group", "table", "key", "kind"
_DIFFERS = "differs"
_ASKED, _PLACE = "asked", "place"
_NO_MARK = {"mapreduce.fileoutputcommitter.marksuccessfuljobs": "false"}
# Kinds of rows that are sent to be judged, and of those that are not judged.
_CASE, _PERSON, _CASE_ALONE, _PERSON_ALONE, _ASIDE = range(5)
_UNFIT = b""  # said of a row that can be read, and not said in plain columns
_IDS = ("appointment_id", "school_id", "mentor_id", "mentee_id", "teacher_id")

Schema = Mapping[str, Any]
Batches = Iterable[pa.RecordBatch]

# The types of Spark and of Arrow for those of Polars; what is not signed is a size greater.
_TYPES: Mapping[Any, tuple[kinds.DataType, pa.DataType, Any]] = MappingProxyType(
    {
        pl.String: (kinds.StringType(), pa.string(), pl.String),
        pl.Enum: (kinds.StringType(), pa.string(), pl.String),
        pl.Binary: (kinds.BinaryType(), pa.binary(), pl.Binary),
        pl.Boolean: (kinds.BooleanType(), pa.bool_(), pl.Boolean),
        pl.Date: (kinds.DateType(), pa.date32(), pl.Date),
        pl.Float64: (kinds.DoubleType(), pa.float64(), pl.Float64),
        pl.Int8: (kinds.ByteType(), pa.int8(), pl.Int8),
        pl.Int16: (kinds.ShortType(), pa.int16(), pl.Int16),
        pl.Int32: (kinds.IntegerType(), pa.int32(), pl.Int32),
        pl.Int64: (kinds.LongType(), pa.int64(), pl.Int64),
        pl.UInt32: (kinds.LongType(), pa.int64(), pl.Int64),
    }
)


@contextmanager
def running(session: SparkSession | None) -> Iterator[SparkSession]:
    """Give the session to work with: the user's, or one that is made here and stopped at the end.

    Below `spark-submit` its master is used, elsewhere all cores of this machine.
    """
    session = session or SparkSession.getActiveSession()
    if session is not None:
        yield session
        return
    builder = SparkSession.builder.appName("mentor-rules")
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # which spark-submit sets
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # of the tasks; no setting counts
        builder = builder.master("local[*]")
        builder = builder.config("spark.ui.enabled", "false")
        # Where in the code each of some thousand expressions was made is not worth their time.
        builder = builder.config("spark.python.sql.dataFrameDebugging.enabled", "false")
        builder = builder.config("spark.sql.shuffle.partitions", str(4 * (os.cpu_count() or 1)))
    made = builder.getOrCreate()
    try:
        yield made
    finally:
        made.stop()


# Between Polars and Spark -------------------------------------------------------------------------


def _types(kind: Any) -> tuple[kinds.DataType, pa.DataType, Any]:
    return _TYPES[kind.base_type()]


def _fields(schema: Schema) -> kinds.StructType:
    """Give the columns of Polars as those of Spark."""
    return kinds.StructType(
        [kinds.StructField(name, _types(kind)[0]) for name, kind in schema.items()]
    )


def _arrow(frame: pl.DataFrame, schema: Schema) -> pa.Table:
    """Give a frame as Spark takes it back from a task."""
    found = frame.select(pl.col(name).cast(_types(kind)[2]) for name, kind in schema.items())
    wanted = pa.schema([(name, _types(kind)[1]) for name, kind in schema.items()])
    return found.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(wanted)


def _polars(rows: pa.Table | pa.RecordBatch) -> pl.DataFrame:
    """Give what Spark hands to a task, row numbers as they are elsewhere."""
    frame = cast(pl.DataFrame, pl.from_arrow(rows))
    return frame.with_columns(pl.col(ROW).cast(pl.UInt32)) if ROW in frame.columns else frame


def _col(name: str) -> Column:
    """Give a column by its name, whatever signs stand in it."""
    return sql.col("`" + name.replace("`", "``") + "`")


def _bucket(key: str, buckets: int) -> Column:
    return sql.pmod(sql.xxhash64(_col(key)), sql.lit(buckets)).cast("int")


def _together(frames: Sequence[DataFrame]) -> DataFrame:
    return reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames)


def _of(table: str, rows: pl.DataFrame, schema: Schema | None = None) -> pl.DataFrame:
    """Give the rows of one table out of a group of many, in their order in the input."""
    types = dict(schema or plain_schema(table))
    if table not in rows.columns:
        return pl.DataFrame(schema=types)
    own = rows.filter(pl.col(_TABLE) == table).select(table).unnest(table)
    return own.cast({name: types[name] for name in own.columns}).sort(ROW)


# Files --------------------------------------------------------------------------------------------


class Folder:
    """A folder on any file system that Spark reaches."""

    def __init__(self, session: SparkSession, path: str) -> None:
        context = session.sparkContext
        self._hadoop: Any = context._jvm.org.apache.hadoop.fs  # type: ignore[union-attr]  # the JVM
        self.path = path.rstrip("/")
        place = self._hadoop.Path(self.path)
        self._files = place.getFileSystem(context._jsc.hadoopConfiguration())

    def _at(self, name: str) -> Any:
        return self._hadoop.Path(f"{self.path}/{name}")

    def holds(self, name: str) -> bool:
        """Tell whether there is a file or folder of this name."""
        return bool(self._files.exists(self._at(name)))

    def parquet(self, table: str) -> list[str]:
        """Give the files of a table, in order."""
        single = self._at(f"{table}.parquet")
        if self._files.exists(single) and self._files.getFileStatus(single).isFile():
            return [single.toString()]
        if not self.holds(table):
            return []
        found = (status.getPath() for status in self._files.listStatus(self._at(table)))
        return sorted(path.toString() for path in found if path.getName().endswith(".parquet"))

    def remove(self, name: str) -> None:
        """Remove a file or folder, if it is there."""
        self._files.delete(self._at(name), True)

    def move(self, name: str, to: str) -> None:
        """Give a file or folder another name, in place of what has it."""
        self.remove(to)
        if not self._files.rename(self._at(name), self._at(to)):
            raise OSError(f"{self.path}/{to} cannot be written")

    def move_only_file(self, name: str, to: str) -> None:
        """Give the only part that was written into a folder a name of its own."""
        [part] = [
            status.getPath().getName()
            for status in self._files.listStatus(self._at(name))
            if status.getPath().getName().endswith(".parquet")
        ]
        self.move(f"{name}/{part}", to)

    def write(self, name: str, content: bytes) -> None:
        """Write a small file."""
        stream = self._files.create(self._at(name), True)
        stream.write(bytearray(content))
        stream.close()


# What a task has at hand --------------------------------------------------------------------------


class Near(Nation):
    """What is known of a nation wherever it is judged: the schools, and what is odd.

    A group brings the other rows: `tables` in plain columns, `raw` as they were written.
    """

    def __init__(
        self, sources: Mapping[str, Source], oddities: Oddities, buckets: int, *, shares: bool
    ) -> None:
        super().__init__(sources, Work(Path(), buckets))
        self.oddities, self.shares = oddities, shares
        self.tables: dict[str, pl.DataFrame] = {}
        self.raw: dict[str, pl.DataFrame] = {}
        self.counted: dict[str, tuple[int, int, int]] = {}

    def rows(self, table: str, bucket: int, wanted: Collection[str] = ()) -> pl.DataFrame:
        """Give the readable rows of a table that are at hand."""
        rows = self.tables.get(table, pl.DataFrame(schema=plain_schema(table)))
        return rows.select(wanted) if wanted else rows

    def cases(self, appointments: pl.DataFrame, plans: pl.DataFrame) -> pl.DataFrame:
        """Give appointments with their plans, as `join_plans` does."""
        key = KEYS["plans"]
        whole = plans.unique(key, keep="first", maintain_order=True)
        cases = with_plans(appointments, whole if self.certain("plans") else None)
        return cases.with_columns(
            self.oddities.touch("plans", key).alias(ALONE),
            (~pl.col(key).is_first_distinct()).alias(AGAIN),
        ).with_columns(self.stands().not_().alias(AGAIN))

    def of_mentees(self, cases: pl.DataFrame, teachers: pl.DataFrame) -> pl.DataFrame:
        """Give cases with their mentees, as `join_mentees` does."""
        whole = teachers.unique(KEYS["teachers"], keep="first", maintain_order=True)
        known = whole if self.certain("teachers") else None
        return with_mentees(cases, ~pl.col(AGAIN), known).with_columns(
            pl.col(ALONE)
            | self.oddities.touch("teachers", "mentee_id")
            | among(pl.col("mentee_id"), self.oddities.mentees)
            | (OVERLAP in self.oddities.anyone)
        )

    def bring(self, rows: pl.DataFrame) -> None:
        """Take the rows of a group that is judged one by one."""
        for table in self.sources:
            if table == "schools":
                continue
            if table in rows.columns:
                own = rows.filter(pl.col(_TABLE) == table)
                ids = [name for name in KEPT[table] if name.endswith("_id")]
                self.tables[table] = own.select(ROW, *ids)
                self.raw[table] = own.select(table).unnest(table).cast({ROW: pl.UInt32})
            else:
                self.tables.pop(table, None)
                self.raw.pop(table, None)

    def _with_keys(self, table: str, column: str, values: set[str]) -> pl.DataFrame:
        ids = [name for name in KEPT[table] if name.endswith("_id")]
        return self.rows(table, 0).filter(among(pl.col(column), values)).select(ROW, *ids)

    def _read(
        self, table: str, rows: pl.DataFrame
    ) -> Iterator[tuple[int, Record | None, tuple[InvalidRow, ...]]]:
        if table not in self.raw:
            return
        found = self.raw[table].join(rows.select(ROW), on=ROW, how="semi").sort(ROW)
        yield from read_rows(table, found, shares=table == "quality" and self.shares)

    def _counted(self, table: str) -> tuple[int, int, int]:
        return self.counted[table]


class Judges(Protocol):
    """The rules that are asked, and what they are asked with."""

    @property
    def frame(self) -> Frame:
        """The rules asked of appointments."""

    @property
    def candidates(self) -> Frame:
        """The rules asked of candidates."""

    @property
    def calendar(self) -> SchoolCalendar:
        """The calendar."""

    @property
    def as_of(self) -> date:
        """The day judged on."""

    @property
    def schema(self) -> dict[str, Any]:
        """The columns of the results."""


class Office(Protocol):
    """Who judges what was brought together, in a task or on the driver."""

    @property
    def judges(self) -> Judges:
        """The rules that are asked, and what they are asked with."""

    def told(self, judged: pl.DataFrame) -> tuple[pl.DataFrame, Any]:
        """Give what is told of judged cases, and what is said of them."""

    def told_alone(self, dossier: Dossier, ids: Sequence[str]) -> tuple[pl.DataFrame, Any]:
        """Give the same of some appointments of a dossier, judged one by one."""

    def shown(self, results: pl.DataFrame, said: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Give what is told as it may be shown, and its counts."""

    def schools_of(self, dossier: Dossier, people: Sequence[str]) -> set[str]:
        """Give the schools of those of some teachers who may enter the reserve."""

    def dangling_told(
        self, table: str, column: str, target: str, rows: pl.DataFrame
    ) -> pl.DataFrame:
        """Give what is told of rows, with their keys, that name what is not there."""


class Shipped:
    """What every task needs, sent once to each machine and unpacked once in each process."""

    def __init__(self, session: SparkSession, near: Near, office: Office) -> None:
        self._packed = session.sparkContext.broadcast(_packed(near, office))

    def unpacked(self) -> tuple[Near, Office]:
        """Give them in a task."""
        return _unpacked(self._packed.value)


def _packed(near: Near, office: Office) -> bytes:
    # Rules are compiled to functions, which the standard library's pickle does not take.
    packed: bytes = cloudpickle.dumps((near, office))  # type: ignore[no-untyped-call]  # untyped
    return packed


@lru_cache(maxsize=2)
def _unpacked(packed: bytes) -> tuple[Near, Office]:
    return cast(tuple[Near, Office], pickle.loads(packed))  # noqa: S301 - our own driver made it


# What tasks do ------------------------------------------------------------------------------------


def _of_group(task: Callable[..., pa.Table], *given: Any) -> Callable[[pa.Table], pa.Table]:
    """Give a task of a group alone. Of a `partial` Spark cannot tell what it takes."""
    return lambda group: task(*given, group)


def _most(source: Source, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Give the highest percentage of each batch."""
    for batch in batches:
        most = most_percent(source, source.stated(_polars(batch).lazy()))
        frame = pl.DataFrame({"most": [most]}, schema={"most": pl.Float64}, strict=False)
        yield from _arrow(frame, frame.schema).to_batches()


def _read(source: Source, shares: bool, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Give rows in plain columns, or with what is said of them."""
    table = source.table
    schema = {**plain_schema(table), SAID: pl.Binary}
    for batch in batches:
        raw = source.stated(_polars(batch).lazy()).collect()
        rows = plain(source, raw.lazy()).collect()
        odd = raw.join(rows.filter(~pl.col(PLAIN)), on=ROW, how="semi", maintain_order="left")
        numbers, records, lines = [], [], []
        for number, record, problems in read_rows(table, odd, shares=shares):
            if record is None:
                lines.append({ROW: number, SAID: pickle.dumps(problems)})
            elif fits(record):
                numbers.append(number)
                records.append(record)
            else:
                lines.append({ROW: number, KEYS[table]: record.key[0], SAID: _UNFIT})
        found = (
            rows.filter(PLAIN),
            encoded(table, records, numbers),
            pl.DataFrame(lines, schema=schema, orient="row"),
        )
        for frame in found:
            yield from _arrow(_filled(frame, schema), schema).to_batches()


_TWICE: Schema = MappingProxyType(
    {_TABLE: pl.String, ROW: pl.UInt32, _KEY: pl.String, _DIFFERS: pl.Boolean}
)


def _twice(tables: Sequence[str], group: pa.Table) -> pa.Table:
    """Give the rows whose keys stand more than once; of quality, whether the shares differ."""
    rows = _polars(group)
    return _arrow(pl.concat(_twice_in(table, _of(table, rows)) for table in tables), _TWICE)


def _twice_in(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    apart, key = rows, TABLES[table].key_columns
    if table == "quality":
        rows = with_compared_subjects(rows)
        apart = rows.unique([*key, SHARE], keep="first", maintain_order=True)
    differing = repeated(apart, *key)[KEYS[table]].implode()
    own = pl.col(KEYS[table])
    return repeated(rows, *key).select(
        pl.lit(table).alias(_TABLE), ROW, own.alias(_KEY), own.is_in(differing).alias(_DIFFERS)
    )


def _contradictions(tables: Sequence[str], shares: bool, group: pa.Table) -> pa.Table:
    """Read the rows of some keys as they were written, and give those that contradict others."""
    rows = _polars(group)
    records: dict[str, Any] = {}
    numbers = {}
    for table in tables:
        own = rows.filter(pl.col(_TABLE) == table).select(table).unnest(table).sort(ROW)
        read = read_rows(table, own, shares=shares and table == "quality")
        found = [(number, record) for number, record, _ in read if record is not None]
        records[table] = [record for _, record in found]
        numbers[table] = [number for number, _ in found]
    said = Dossier(**records, rows=numbers, show_ids=True).contradictions
    return pa.table({SAID: pa.array([pickle.dumps(said)], pa.binary())})


_TRAVELLING: Schema = MappingProxyType({**CASE_COLUMNS, **MENTEE_COLUMNS})


def _with_plans(shipped: Shipped, group: pa.Table) -> pa.Table:
    near, _ = shipped.unpacked()
    rows = _polars(group)
    return _arrow(near.cases(_of("appointments", rows), _of("plans", rows)), CASE_COLUMNS)


def _with_mentees(shipped: Shipped, group: pa.Table) -> pa.Table:
    near, _ = shipped.unpacked()
    rows = _polars(group)
    cases = _of("appointments", rows, CASE_COLUMNS)
    return _arrow(near.of_mentees(cases, _of("teachers", rows)), _TRAVELLING)


def _fact_schema(judges: Judges) -> dict[str, Any]:
    """Give the columns of all facts, and of whom they are."""
    schema: dict[str, Any] = {_KIND: pl.Int8, **dict.fromkeys((*_IDS, "subject"), pl.String)}
    for frame in (judges.frame, judges.candidates):
        schema |= dict.fromkeys(frame.days.values(), pl.Int32)
        for (name, _), columns in frame.facts.items():
            closed = SPECS[name].kind == "set"
            schema |= dict.fromkeys((columns.lo, columns.hi), pl.Int16 if closed else pl.Int32)
            if name == "timing":
                schema |= {f"{columns.lo} {part}": pl.Int32 for part in ACT_PARTS}
    return schema


def _facts(shipped: Shipped, group: pa.Table) -> pa.Table:
    """Give the facts of cases and candidates, and who is to be judged one by one."""
    near, office = shipped.unpacked()
    rows = _polars(group)
    tables = {table: _of(table, rows) for table in OF_TEACHERS}
    quality = with_compared_subjects(tables["quality"])
    year = TABLES["quality"].key_columns
    tables["quality"] = quality.unique([*year, SHARE], keep="first", maintain_order=True)
    cases = _of("appointments", rows, _TRAVELLING)
    judges = office.judges
    held = near.together(tables, cases, set(), judges.calendar, judges.as_of)
    found = {
        _CASE: fact_columns(judges.frame, held.part),
        _PERSON: fact_columns(judges.candidates, held.candidates),
        _CASE_ALONE: held.alone,
        _PERSON_ALONE: held.candidates_alone,
        _ASIDE: cases.filter(AGAIN).select(KEYS["appointments"]),
    }
    schema = _fact_schema(judges)
    marked = [
        frame.with_columns(pl.lit(kind, pl.Int8).alias(_KIND)).select(
            name for name in schema if name == _KIND or name in frame.columns
        )
        for kind, frame in found.items()
    ]
    return _arrow(pl.concat(marked, how="diagonal").pipe(_filled, schema), schema)


def _filled(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    """Add columns that are missing, empty."""
    return frame.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in frame.columns
    )


def _with_said(office: Office, results: pl.DataFrame, said: Any) -> pa.Table:
    """Give results as they are shown, and in a row of its own what is said of them."""
    shown, counted = office.shown(results, said)
    own = pl.DataFrame({SAID: [pickle.dumps((said, counted))]})
    both = pl.concat([shown, own], how="diagonal")
    return _arrow(both, {**office.judges.schema, SAID: pl.Binary})


def _told(shipped: Shipped, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Give the results of a part: its flagged cases are judged again together."""
    held = list(batches)
    if sum(batch.num_rows for batch in held):
        _, office = shipped.unpacked()
        judged = _polars(pa.Table.from_batches(held)).sort("appointment_id").with_row_index(AT)
        yield from _with_said(office, *office.told(judged)).to_batches()


def _told_alone(shipped: Shipped, group: pa.Table) -> pa.Table:
    """Give the results of a group of appointments that are judged one by one."""
    near, office = shipped.unpacked()
    rows = _polars(group)
    asked = sorted(rows.filter(pl.col(_TABLE) == _ASKED)["appointment_id"])
    near.bring(rows)
    dossier = near.dossier_of(asked, show_ids=True)
    return _with_said(office, *office.told_alone(dossier, asked))


def _schools_of(shipped: Shipped, group: pa.Table) -> pa.Table:
    """Give the schools of those of a group of teachers who may enter the reserve."""
    near, office = shipped.unpacked()
    rows = _polars(group)
    people = sorted(rows.filter(pl.col(_TABLE) == _ASKED)["teacher_id"])
    near.bring(rows)
    found = office.schools_of(near.dossier_of_people(people, show_ids=True), people)
    return pa.table({"school_id": pa.array(sorted(found), pa.string())})


def _dangling(shipped: Shipped, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Give what is told of rows that name what is not there."""
    _, office = shipped.unpacked()
    for batch in batches:
        for (place,), rows in _polars(batch).partition_by(_PLACE, as_dict=True).items():
            table, column, target = REFERENCES[place]
            if table == "quality":
                rows = with_compared_subjects(rows)
            keys = rows.select(ROW, shown_key(table).alias(_KEY))
            told = office.dangling_told(table, column, target, keys)
            yield from _arrow(told, told.schema).to_batches()


# The nation ---------------------------------------------------------------------------------------


@contextmanager
def reading(session: SparkSession, folder: str, buckets: int | None) -> Iterator["SparkNation"]:
    """Give the tables of a folder; what Spark kept of them is forgotten at the end."""
    nation = SparkNation(session, folder, buckets)
    try:
        yield nation
    finally:
        for frame in nation.kept:
            frame.unpersist()


class SparkNation:
    """The tables of a folder of Parquet, on Spark: `prepare`, then `judge`."""

    def __init__(self, session: SparkSession, folder: str, buckets: int | None) -> None:
        self._session = session
        self._frames: dict[str, DataFrame] = {}
        self.kept: list[DataFrame] = []
        sources = {}
        place = Folder(session, folder)
        for table in TABLES:
            if files := place.parquet(table):
                try:
                    self._frames[table] = session.read.parquet(*files)
                    empty = self._frames[table].limit(0).toArrow()
                except Exception as error:
                    raise ReadingError("cannot_read", name=table) from error
                types = cast(pl.DataFrame, pl.from_arrow(empty)).schema
                sources[table] = named(table, (), types)
        if not sources:
            raise ReadingError("no_known_table", name=place.path.rsplit("/", 1)[-1])
        self.sources: Mapping[str, Source] = sources
        self._files = self._rows_by_file()
        self.rows = {table: sum(self._files[table].values()) for table in sources}
        least = session.sparkContext.defaultParallelism
        self.buckets = buckets or max(least, 1 + self.rows.get("appointments", 0) // PER_BUCKET)
        self._raw = {table: self._numbered(table) for table in sources}
        self._read: dict[str, DataFrame] = {}

    def _keep(self, frame: DataFrame) -> DataFrame:
        kept = frame.persist(StorageLevel.MEMORY_AND_DISK)
        self.kept.append(kept)
        return kept

    # Reading

    def _rows_by_file(self) -> dict[str, dict[str, int]]:
        """Give how many rows each file of each table holds, the files in order."""
        counted = _together(
            [
                frame.select(
                    sql.lit(table).alias(_TABLE),
                    frame.metadataColumn("_metadata").getField("file_path").alias("file"),
                )
                for table, frame in self._frames.items()
            ]
        )
        found: dict[str, dict[str, int]] = {table: {} for table in self._frames}
        rows = counted.groupBy(_TABLE, "file").count().collect()
        for table, file, count in sorted(rows, key=lambda row: unquote(row["file"])):
            found[table][file] = count
        return found

    def _numbered(self, table: str) -> DataFrame:
        """Give the rows of a table under our names, numbered from 1 over its files."""
        frame = self._frames[table]
        hidden = frame.metadataColumn("_metadata")
        names = self.sources[table].names
        rows = frame.select(
            hidden.getField("file_path").alias("file"),
            hidden.getField("row_index").alias(ROW),
            *(_col(name).alias(column) for column, name in names.items()),
        )
        before, firsts = 1, []
        for file, count in self._files[table].items():
            firsts.append((file, before))
            before += count
        if len(firsts) < 2:
            return rows.select((_col(ROW) + 1).alias(ROW), *map(_col, names))
        first = self._session.createDataFrame(firsts, "file string, first long")
        return rows.join(sql.broadcast(first), "file").select(
            (_col(ROW) + _col("first")).alias(ROW), *map(_col, names)
        )

    def _readable(self, table: str) -> DataFrame:
        return self._read[table].filter(_col(SAID).isNull()).drop(SAID)

    # What is odd

    def prepare(self) -> Near:
        """Read all rows, find those that are odd, and give what all tasks are to know."""
        shares = self._ones_are_shares()
        near = Near(self.sources, Oddities(), self.buckets, shares=shares)
        for table, source in self.sources.items():
            read = partial(_read, source, shares and table == "quality")
            schema = _fields({**plain_schema(table), SAID: pl.Binary})
            self._read[table] = self._keep(self._raw[table].mapInArrow(read, schema))
        self._note_unreadable(near)
        self._note_repeated(near)
        if "schools" in self.sources:
            schools = self._readable("schools").toArrow()
            near.tables["schools"] = _polars(schools).cast(plain_schema("schools")).sort(ROW)  # type: ignore[arg-type]  # a mapping of names
            near.raw["schools"] = _polars(self._raw["schools"].toArrow())
        return near

    def _ones_are_shares(self) -> bool:
        source = self.sources.get("quality")
        if source is None or not has_figures(source):
            return False
        rows = self._raw["quality"].mapInArrow(partial(_most, source), "most double")
        most = rows.agg(sql.max("most")).collect()[0][0]
        return most is None or most <= 1

    def _note_unreadable(self, near: Near) -> None:
        every = _together(
            [
                read.select(sql.lit(table).alias(_TABLE), ROW, _col(KEYS[table]).alias(_KEY), SAID)
                for table, read in self._read.items()
            ]
        )
        stated = {row[_TABLE]: row["count"] for row in every.groupBy(_TABLE).count().collect()}
        order = list(TABLES)
        odd = every.filter(_col(SAID).isNotNull()).collect()
        for table in self.sources:
            own = sum(row[_TABLE] == table for row in odd)
            near.counted[table] = (stated.get(table, 0), own, 0)
        for row in sorted(odd, key=lambda row: (order.index(row[_TABLE]), row[ROW])):
            if bytes(row[SAID]) == _UNFIT:
                near.oddities.mark(row[_TABLE], row[_KEY])
            else:
                self._note(near, row[SAID])

    def _note(self, near: Near, said: bytes) -> None:
        for problem in pickle.loads(said):  # noqa: S301 - our own task made it
            near.oddities.add(problem)

    def _note_repeated(self, near: Near) -> None:
        """Note the keys that stand more than once, and the rows that contradict each other."""
        tables = [table for table in self.sources if TABLES[table].unique]
        parts = []
        for table in tables:
            columns = [ROW, *TABLES[table].key_columns, *([SHARE] if table == "quality" else [])]
            parts += self._sent_by(table, KEYS[table], self._readable(table).select(*columns))
        if not parts:
            return
        twice = self._grouped(parts).applyInArrow(_of_group(_twice, tables), _fields(_TWICE))
        twice = self._keep(twice)
        differing = sql.when(_col(_DIFFERS), _col(_KEY)).alias(_KEY)
        found = twice.select(_TABLE, differing).distinct().collect()
        for row in found:
            # Of appointments that say the same the first row stands.
            if row[_KEY] is not None and row[_TABLE] != "appointments":
                near.oddities.mark(row[_TABLE], row[_KEY])
        if not found:
            return
        tables = [table for table in tables if any(row[_TABLE] == table for row in found)]
        parts = []
        for table in tables:
            keys = twice.filter(_col(_TABLE) == table).select(ROW, _KEY)
            place = _bucket(_KEY, self.buckets).alias(_BUCKET)
            rows = self._as_written(table).join(keys, ROW)
            parts.append(rows.select(place, sql.lit(table).alias(_TABLE), table))
        task = _of_group(_contradictions, tables, near.shares)
        for row in self._grouped(parts).applyInArrow(task, f"{SAID} binary").collect():
            self._note(near, row[SAID])
        # In the order in which they would have been read.
        order = list(TABLES)
        near.oddities.invalid.sort(
            key=lambda row: (row.code == "rows_disagree", order.index(row.table), row.row or 0)
        )

    def _as_written(self, table: str) -> DataFrame:
        """Give the rows of a table in one column, beside their numbers."""
        raw = self._raw[table]
        return raw.select(ROW, sql.struct(*map(_col, raw.columns)).alias(table))

    # Judging

    def judge(
        self, near: Near, office: Office, unreadable: tuple[pl.DataFrame, Any], path: str
    ) -> tuple[list[Any], int]:
        """Judge everything, and write the results as files of a folder.

        `unreadable` is what is told of appointments that cannot be read. Gives what is said of
        all parts, with their counts, and how many rows of appointments were set aside.
        """
        self._shipped = Shipped(self._session, near, office)
        self._facts = self._keep(self._fact_rows())
        count = dict(map(tuple, self._facts.groupBy(_KIND).count().collect()))
        names = office.judges.schema
        schema = _fields({**names, SAID: pl.Binary})
        judged = office.judges.frame.judge(nw.from_native(self._of_kind(_CASE))).to_native()
        told = [judged.mapInArrow(partial(_told, self._shipped), schema)]
        if alone := count.get(_CASE_ALONE, 0):
            groups = max(self.buckets, 1 + alone // PER_GROUP)
            asked = self._of_kind(_CASE_ALONE).select(
                "appointment_id", _bucket("appointment_id", groups).alias(_GROUP)
            )
            rows = self._about_appointments(asked).groupBy(_GROUP)
            told.append(rows.applyInArrow(_of_group(_told_alone, self._shipped), schema))
        told.append(self._session.createDataFrame(_with_said(office, *unreadable), schema))
        every = self._keep(_together(told))
        results = every.filter(_col(SAID).isNull()).select(*map(_col, names))
        results.write.mode("overwrite").options(**_NO_MARK).parquet(path)
        said = every.filter(_col(SAID).isNotNull()).select(SAID).collect()
        # Our own tasks made them.
        return [pickle.loads(row[0]) for row in said], count.get(_ASIDE, 0)  # noqa: S301

    def _of_kind(self, kind: int) -> DataFrame:
        return self._facts.filter(_col(_KIND) == kind)

    def _grouped(self, parts: Sequence[DataFrame]) -> GroupedData:
        return _together(parts).repartition(self.buckets, _BUCKET).groupBy(_BUCKET)

    def _sent_by(self, table: str, key: str, rows: DataFrame | None = None) -> list[DataFrame]:
        """Give the rows of a table, sent to the buckets of a key."""
        if rows is None:
            if table not in self.sources:
                return []
            rows = self._readable(table)
        whole = sql.struct(*map(_col, rows.columns)).alias(table)
        bucket = _bucket(key, self.buckets).alias(_BUCKET)
        return [rows.select(bucket, sql.lit(table).alias(_TABLE), whole)]

    def _fact_rows(self) -> DataFrame:
        """Let appointments travel to their plans, to their mentees, and to their mentors."""
        parts: list[DataFrame] = []
        if "appointments" in self.sources:
            key = KEYS["appointments"]
            parts = self._sent_by("appointments", key) + self._sent_by("plans", key)
            task = _of_group(_with_plans, self._shipped)
            cases = self._grouped(parts).applyInArrow(task, _fields(CASE_COLUMNS))
            parts = self._sent_by("appointments", "mentee_id", cases)
            parts += self._sent_by("teachers", KEYS["teachers"])
            task = _of_group(_with_mentees, self._shipped)
            cases = self._grouped(parts).applyInArrow(task, _fields(_TRAVELLING))
            parts = self._sent_by("appointments", "mentor_id", cases)
        for table in OF_TEACHERS:
            parts += self._sent_by(table, KEYS[table])
        schema = _fields(_fact_schema(self._shipped.unpacked()[1].judges))
        if not parts:
            return self._session.createDataFrame([], schema)
        return self._grouped(parts).applyInArrow(_of_group(_facts, self._shipped), schema)

    # One by one

    def _about_appointments(self, asked: DataFrame) -> DataFrame:
        """Give all rows that some appointments touch, as they were written, by group."""
        own = self._readable("appointments").join(asked, "appointment_id")
        mentees = own.select(_GROUP, "mentee_id").distinct()
        people = own.select(_GROUP, _col("mentor_id").alias("teacher_id")).union(mentees)
        return _together(
            [
                asked.select(_GROUP, sql.lit(_ASKED).alias(_TABLE), "appointment_id"),
                *self._sent_to("appointments", mentees),
                *self._sent_to("plans", asked),
                *(
                    part
                    for table in OF_TEACHERS
                    for part in self._sent_to(table, people.distinct())
                ),
            ]
        )

    def _about_people(self, asked: DataFrame) -> DataFrame:
        """Give all rows about some teachers, as they were written, by group."""
        return _together(
            [
                asked.select(_GROUP, sql.lit(_ASKED).alias(_TABLE), "teacher_id"),
                *(part for table in OF_TEACHERS for part in self._sent_to(table, asked)),
            ]
        )

    def _sent_to(self, table: str, wanted: DataFrame) -> list[DataFrame]:
        """Give the rows of a table as they were written, sent to the groups that want their key."""
        if table not in self.sources:
            return []
        [key] = [name for name in wanted.columns if name != _GROUP]
        ids = [name for name in KEPT[table] if name.endswith("_id")]
        read = self._read[table].filter(_col(SAID).isNull() | (sql.length(SAID) == 0))
        found = read.select(ROW, *ids).join(wanted.select(_GROUP, key), key)
        tag = sql.lit(table).alias(_TABLE)
        rows = self._as_written(table).join(found, ROW)
        return [rows.select(_GROUP, tag, ROW, *ids, table)]

    def bring(self, near: Near, path: str, count: int) -> list[str]:
        """Bring the first so many flagged appointments of written results, with all they touch."""
        results = self._session.read.parquet(path)
        flagged = results.filter(
            (_col("eligibility") == "ineligible") | (_col("procedure") == "breached")
        )
        asked = flagged.select("appointment_id").sort("appointment_id").limit(count)
        asked = self._keep(asked.withColumn(_GROUP, sql.lit(0)))
        near.bring(_polars(self._about_appointments(asked).toArrow()))
        return [row["appointment_id"] for row in asked.sort("appointment_id").collect()]

    def short_schools(self, near: Near, office: Office) -> pl.DataFrame | None:
        """Give the schools in which nobody who works may certainly enter the reserve."""
        if near.schools is None or not near.certain("teachers"):
            return None
        judged = office.judges.candidates.judge(nw.from_native(self._of_kind(_PERSON))).to_native()
        may = judged.filter(_col("eligibility") == ELIGIBILITY.index("eligible"))
        eligible = _polars(may.select("school_id").distinct().toArrow())
        short = near.schools.select("school_id").join(eligible, on="school_id", how="anti")
        if short.is_empty():
            return short
        wanted = self._session.createDataFrame(_arrow(short, short.schema))
        alone = self._of_kind(_PERSON_ALONE).join(sql.broadcast(wanted), "school_id", "left_semi")
        asked = alone.select("teacher_id", _bucket("teacher_id", self.buckets).alias(_GROUP))
        if asked.isEmpty():
            return short
        rows = self._about_people(asked).groupBy(_GROUP)
        task = _of_group(_schools_of, self._shipped)
        found = _polars(rows.applyInArrow(task, "school_id string").distinct().toArrow())
        return short.join(found, on="school_id", how="anti")

    # What is wrong with rows

    def write_invalid(self, near: Near, rejected: pl.DataFrame, path: str) -> int:
        """Write the rejected rows, and those that name what is not there: gives their number."""
        schema = {**rejected.schema, _PLACE: pl.Int64}
        numbered = rejected.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(_PLACE))
        told = self._session.createDataFrame(_arrow(numbered, schema), _fields(schema))
        parts = []
        for place, (table, column, target) in enumerate(REFERENCES):
            if table in self.sources and target in self.sources:
                known = self._readable(target).select(_col(KEYS[target]).alias(_KEY))
                ids = near.oddities.ids(target).rename({KEYS[target]: _KEY})
                if not ids.is_empty():
                    known = known.union(self._session.createDataFrame(_arrow(ids, ids.schema)))
                rows = self._readable(table).withColumn(_KEY, _col(column))
                lost = rows.join(known, _KEY, "left_anti")
                keys = TABLES[table].key_columns
                parts.append(lost.select(sql.lit(place).alias(_PLACE), ROW, *keys))
        count = 0
        if parts:
            task = partial(_dangling, self._shipped)
            lost = _together(parts).repartition(self.buckets)
            lost = self._keep(lost.mapInArrow(task, _fields(rejected.schema)))
            count = lost.count()
            told = told.unionByName(lost, allowMissingColumns=True)
        order = sql.array_position(sql.array(*map(sql.lit, KEPT)), _col("table"))
        sorted_rows = told.repartition(1).sortWithinPartitions(order, "row", "column", _PLACE)
        writer = sorted_rows.drop(_PLACE).write.mode("overwrite").options(**_NO_MARK)
        writer.parquet(path)
        return count
