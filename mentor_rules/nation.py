"""The tables of a nation in parts that fit memory: split by keys, and joined part by part.

Every plain row goes to the bucket of its key. Then appointments travel: with their plans to their
mentors, where all else that a case needs is at hand; of their mentees they only ask. Each step is
written under another name and renamed when it is whole, so a run that was stopped goes on after
its last whole step. What touches a row that is not plain, or one that stands twice, is marked to
be judged one by one, from the rows as they were written (`Nation.dossier_of`).
"""

import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property, partial
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple, TypeVar

import polars as pl

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.columns import (
    KEPT,
    PLAIN,
    ROW,
    SHARE,
    Source,
    encoded,
    fits,
    plain,
    plain_schema,
    reading,
    shown_key,
)
from mentor_rules.dossier import Dossier
from mentor_rules.errors import MentorRulesError
from mentor_rules.facts import NO
from mentor_rules.frames import (
    CASES,
    OVERLAP,
    Part,
    by_year,
    of_mentors,
    overlaps,
    with_compared_subjects,
    with_mentors,
)
from mentor_rules.reading import bare_number
from mentor_rules.records import (
    REFERENCES,
    SHARE_OR_PERCENT,
    TABLES,
    VOCABULARIES,
    InvalidRow,
    Record,
    build_record,
)
from mentor_rules.result import TableRows
from mentor_rules.vocabulary import AWAY

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "teachers": "teacher_id",
        "categories": "teacher_id",
        "posts": "teacher_id",
        "quality": "teacher_id",
        "reserve": "teacher_id",
        "appointments": "appointment_id",
        "plans": "appointment_id",
        "schools": "school_id",
    }
)
"""What each table is split by."""
OF_TEACHERS = ("teachers", "categories", "posts", "quality", "reserve")
ALONE = "alone"  # whether a case is judged one by one
MENTEE_ALONE = "mentee.alone"  # whether it is because of the mentee

AGAIN = "again"  # whether a row of its key stands before it
_ODD = "odd"  # where rows that are not plain stand as they were written
_SETTLED = "settled"  # where odd rows stand that could be read
_PLANS, _MENTEES, _PART = "plans", "mentees", "part"  # the steps of travelling
_ASKED = "asked"  # where stands what appointments ask of mentees
_REPEATED, _DANGLING = "repeated", "dangling"
_DISAGREE = "rows_disagree"
_ROWS = 1_000_000  # rows of a table that are split at a time
_SEED = 160

# A table of which nothing is certain, because a row of it may be anybody's, is as good as one
# that is not there. Of these that is not so: of quality a subject or a year may be certain, and
# without a history of categories the teacher's own row is believed.
_SURE_IN_PART = frozenset({"categories", "quality"})
_YEAR = TABLES["quality"].key_columns
_OF_MENTEES = (ROW, "teacher_id", "school_id", "first_taught_on")
_PLAN = tuple(column for column in KEPT["plans"] if column != KEYS["plans"])

T = TypeVar("T")

# What is not plain ------------------------------------------------------------------------------


@dataclass
class Oddities:
    """What the one reader says of the rows that are not plain.

    `keys` holds, by table, the keys whose rows are not all plain; `anyone` the tables of which
    nothing is certain, because a row may be anybody's; `mentees` those of whom an appointment
    cannot be read; `unfit` by teacher the rows of quality that can be read and not be kept.
    """

    invalid: list[InvalidRow] = field(default_factory=list)
    unfit: dict[str, list[int]] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)
    mentees: set[str] = field(default_factory=set)
    anyone: set[str] = field(default_factory=set)

    def add(self, row: InvalidRow) -> None:
        """Note an invalid row."""
        self.invalid.append(row)
        if row.key[0] is None:
            self.anyone.add(row.table)
        else:
            self.mark(row.table, row.key[0])
        if row.table == "appointments":
            mentee = row.readable.get("mentee_id")
            if mentee is None:
                self.anyone.add(OVERLAP)
            else:
                self.mentees.add(mentee)

    def mark(self, table: str, key: str) -> None:
        """Note a key whose facts are drawn from the rows as they were written."""
        self.keys.setdefault(table, set()).add(key)

    def touch(self, table: str, key: str) -> pl.Expr:
        """Tell of each key whether a row of it in a table is not plain."""
        return among(pl.col(key), self.keys.get(table, set()))

    def ids(self, table: str) -> pl.DataFrame:
        """Give the ids that unreadable rows of a table stand for: they dangle nowhere."""
        found = sorted({row.key[0] for row in self.invalid if row.table == table and row.key[0]})
        return pl.DataFrame({KEYS[table]: found}, schema={KEYS[table]: pl.String})


def among(column: pl.Expr, values: set[str]) -> pl.Expr:
    """Tell whether a column has one of many values."""
    return column.is_in(pl.Series(sorted(values), dtype=pl.String).implode())


# Steps that are there whole or not at all ---------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """The folder of an unfinished run, and the number of buckets."""

    folder: Path
    buckets: int

    @contextmanager
    def once(self, step: str) -> Iterator[Path | None]:
        """Give the folder of a step to write in, None if the step was made before."""
        made = self.folder / step
        if made.is_dir():
            yield None
            return
        making = self.folder / "making" / step.replace("/", " ")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        yield making
        made.parent.mkdir(exist_ok=True)
        making.rename(made)

    def files(self, *steps: str) -> list[Path]:
        """Give the files of steps, of which each may be a pattern."""
        return sorted(file for step in steps for file in self.folder.glob(f"{step}/*.arrow"))

    def read(self, schema: Mapping[str, Any], *steps: str) -> pl.DataFrame:
        """Give the rows of steps, as these columns."""
        files = self.files(*steps)
        if not files:
            return pl.DataFrame(schema=schema)
        return pl.scan_ipc(files, glob=False).select(schema.keys()).collect()

    def count(self, *steps: str) -> int:
        """Give how many rows steps have."""
        rows = pl.scan_ipc(self.files(*steps), glob=False) if self.files(*steps) else None
        return 0 if rows is None else int(rows.select(pl.len()).collect().item())

    def read_any(self, *patterns: str) -> pl.DataFrame | None:
        """Give the rows of all files that match, None if there are none."""
        files = sorted(file for pattern in patterns for file in self.folder.glob(pattern))
        return pl.read_parquet(files, glob=False) if files else None

    def write_by(
        self, rows: pl.DataFrame, key: str, columns: Iterable[str], folder: Path, name: str
    ) -> None:
        """Write columns of rows into the folder of each bucket of a key, as a file of this name."""
        folder.mkdir(exist_ok=True)
        buckets = rows.select(*columns, self.bucket_of(key).alias("bucket"))
        _write_by_bucket(buckets, folder, f"{name}.arrow")

    def bucket_of(self, key: str) -> pl.Expr:
        """Give the bucket of a row. Only the same release of Polars gives the same one again."""
        return (pl.col(key).hash(_SEED) % self.buckets).cast(pl.UInt16)


SIDE_BY_SIDE = 2  # much of a step takes one core only


def side_by_side(step: Callable[[T], None], items: Iterable[T]) -> Iterator[None]:
    """Do a step for each item, some at a time; tell of each that is done, in their order."""
    pool = ThreadPoolExecutor(SIDE_BY_SIDE)
    try:
        yield from pool.map(step, items)
    finally:
        pool.shutdown(cancel_futures=True)  # after a fault or Ctrl-C nothing more is begun


class Bucket(NamedTuple):
    """What is judged together: appointments, and teachers as candidates of their schools.

    `alone` (appointment_id) and `candidates_alone` (teacher_id, school_id) are to be judged one
    by one; so many rows of appointments were `set_aside`, as they repeat others or contradict
    them.
    """

    part: Part
    alone: pl.DataFrame
    candidates: Part
    candidates_alone: pl.DataFrame
    set_aside: int


class _Told:
    """A file that remembers why it could not be written: Polars makes errors of its own of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, content: bytes) -> int:
        try:
            return self._file.write(content)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        self._file.flush()


def write_whole(frame: pl.DataFrame, path: Path, **options: Any) -> None:
    """Write rows as Parquet or Arrow, whichever the name says. Raises OSError on a full disk.

    Where the file is left to Polars, it may end in the midst of a row and nothing is said.
    """
    write = frame.write_parquet if path.suffix == ".parquet" else frame.write_ipc
    with path.open("wb") as file:
        told: Any = _Told(file)
        try:
            write(told, **options)
        except Exception:
            if told.error is None:
                raise
            raise told.error from None


def _write_by_bucket(rows: pl.DataFrame, folder: Path, name: str) -> None:
    """Write rows into the folder of each bucket, as a file of this name."""
    parts = rows.partition_by("bucket", as_dict=True, include_key=False)
    for (bucket,), own in parts.items():
        (folder / str(bucket)).mkdir(exist_ok=True)
        write_whole(own, folder / str(bucket) / name)


# The nation ---------------------------------------------------------------------------------------


class Nation:
    """The tables of a folder of Parquet, in buckets.

    `prepare` splits them and reads what is not plain; then appointments travel by
    `join_plans`, `join_mentees`, each for one bucket, and `part` gives what is judged together.
    """

    def __init__(self, sources: Mapping[str, Source], work: Work) -> None:
        self.sources, self.work = sources, work
        self.oddities = Oddities()

    # Splitting

    def prepare(self) -> None:
        """Split every table by its key, and read the rows that are not plain."""
        for table in self.sources:
            self._split(table)
            self._settle(table)

    def _bucket_of(self, table: str) -> pl.Expr:
        # Schools are few, and wanted everywhere.
        return pl.lit(0, pl.UInt16) if table == "schools" else self.work.bucket_of(KEYS[table])

    def _split(self, table: str) -> None:
        with self.work.once(f"split/{table}") as folder:
            if folder is None:
                return
            (folder / _ODD).mkdir()
            chunks = range(0, self.sources[table].count(), _ROWS)
            for _ in side_by_side(partial(self._split_rows, table, folder), chunks):
                pass

    def _split_rows(self, table: str, folder: Path, first: int) -> None:
        """Write some rows of a table by bucket, and those that are not plain as they stand."""
        source, name = self.sources[table], f"{first // _ROWS}.arrow"
        raw = source.rows(first, _ROWS)
        rows = plain(source, raw.lazy()).collect()
        odd = raw.filter(~rows[PLAIN])
        if not odd.is_empty():
            write_whole(odd, folder / _ODD / name)
        bucket = self._bucket_of(table).alias("bucket")
        plain_rows = rows.filter(PLAIN).drop(PLAIN).with_columns(bucket)
        _write_by_bucket(plain_rows, folder, name)

    def _settle(self, table: str) -> None:
        """Read the rows of a table that are not plain: readable ones join their buckets."""
        shares = table == "quality" and self._ones_may_be_shares
        with self.work.once(f"{_SETTLED}/{table}") as folder:
            for file in self.work.files(f"split/{table}/{_ODD}"):
                numbers, records = [], []
                for number, record, problems in read_rows(table, pl.read_ipc(file), shares=shares):
                    for problem in problems:
                        self.oddities.add(problem)
                    if record is None:
                        continue
                    if fits(record):
                        numbers.append(number)
                        records.append(record)
                    else:
                        self.oddities.mark(table, record.key[0])
                        self.oddities.unfit.setdefault(record.key[0], []).append(number)
                if folder is not None and records:
                    bucket = self._bucket_of(table).alias("bucket")
                    frame = encoded(table, records, numbers).with_columns(bucket)
                    _write_by_bucket(frame, folder, file.name)

    def _read(
        self, table: str, rows: pl.DataFrame
    ) -> Iterator[tuple[int, Record | None, tuple[InvalidRow, ...]]]:
        """Read the rows with these numbers, in order: the record, or what is wrong with it."""
        if rows.is_empty():
            return
        shares = table == "quality" and self._ones_may_be_shares
        yield from read_rows(table, self.sources[table].numbered(rows[ROW]), shares=shares)

    @cached_property
    def _ones_may_be_shares(self) -> bool:
        """Whether no percentage stands above 1, so that a 1 may be a share."""
        source = self.sources["quality"]
        if not has_figures(source):
            return False
        with reading(source.table):
            most = most_percent(source, source.scan())
        return most is None or most <= 1

    # Travelling

    def rows(self, table: str, bucket: int, wanted: Collection[str] = ()) -> pl.DataFrame:
        """Give the readable rows of a table in a bucket; of some columns only, where named."""
        steps = (f"{step}/{table}/{bucket}" for step in ("split", _SETTLED))
        schema = plain_schema(table)
        return self.work.read({name: schema[name] for name in wanted or schema}, *steps)

    def certain(self, table: str) -> bool:
        """Tell whether a table is there, and none of its rows may be anybody's."""
        return table in self.sources and table not in self.oddities.anyone

    @cached_property
    def schools(self) -> pl.DataFrame | None:
        """The schools, each once."""
        rows = self.rows("schools", 0)
        again = repeated(rows, KEYS["schools"])
        for key in again[KEYS["schools"]]:
            self.oddities.mark("schools", key)
        return once(rows, again) if self.certain("schools") else None

    def join_plans(self, bucket: int) -> None:
        """Send the appointments of a bucket, with their plans, to their mentors; ask mentees."""
        with self.work.once(f"{_PLANS}/{bucket}") as folder:
            if folder is None:
                return
            key = KEYS["appointments"]
            appointments, plans = self.rows("appointments", bucket), self.rows("plans", bucket)
            again, twice = repeated(appointments, key), repeated(plans, key)
            _write(folder, _REPEATED, "appointments", again)
            _write(folder, _REPEATED, "plans", twice)
            self._dangling(folder, "plans", plans, appointments)
            self._dangling(folder, "appointments", appointments, self.rows("schools", 0))
            odd = {*twice[key], *self.oddities.keys.get("plans", ())}
            cases = with_plans(
                appointments, once(plans, twice) if self.certain("plans") else None
            ).with_columns(among(pl.col(key), odd).alias(ALONE), _in(_later(again)).alias(AGAIN))
            self.work.write_by(cases, "mentor_id", CASE_COLUMNS, folder, str(bucket))
            self.work.write_by(cases, "mentee_id", ASKED_COLUMNS, folder / _ASKED, str(bucket))

    def settle_appointments(self) -> None:
        """Find the appointments that contradict each other: their mentees may have others."""
        self._contradictions("appointments")

    def join_mentees(self, bucket: int) -> None:
        """Send what is known of the mentees of a bucket to the appointments that ask."""
        with self.work.once(f"{_MENTEES}/{bucket}") as folder:
            if folder is None:
                return
            cases = self.work.read(ASKED_COLUMNS, f"{_PLANS}/*/{_ASKED}/{bucket}")
            teachers = self.rows("teachers", bucket, _OF_MENTEES)
            key = KEYS["teachers"]
            again = repeated(teachers, key)
            cases = with_mentees(
                cases, self.stands(), once(teachers, again) if self.certain("teachers") else None
            )
            missing = cases.filter(~pl.col("mentee.there"))
            self._dangling(folder, "appointments", missing, teachers, "mentee_id")
            odd = {*again[key], *self.oddities.mentees, *self.oddities.keys.get("teachers", ())}
            alone = among(pl.col("mentee_id"), odd) | (OVERLAP in self.oddities.anyone)
            cases = cases.with_columns(alone.alias(MENTEE_ALONE))
            self.work.write_by(cases, "mentor_id", ANSWERS, folder, str(bucket))

    def stands(self) -> pl.Expr:
        """Tell of a row of appointments whether it is judged: it repeats and contradicts none."""
        return ~(pl.col(AGAIN) | self.oddities.touch("appointments", KEYS["appointments"]))

    def part(self, bucket: int, calendar: SchoolCalendar, as_of: date) -> Bucket:
        """Give what is judged together in a bucket, on the day `as_of`."""
        tables = {table: self.rows(table, bucket) for table in OF_TEACHERS}
        cases = self.work.read(CASE_COLUMNS, f"{_PLANS}/*/{bucket}")
        answers = self.work.read(ANSWERS, f"{_MENTEES}/*/{bucket}")
        found = cases.select(ROW).join(answers, on=ROW, how="left", maintain_order="left")
        cases = cases.with_columns(
            pl.col(ALONE) | found[MENTEE_ALONE], *found.select(MENTEE_COLUMNS.keys()).get_columns()
        )
        key = KEYS["teachers"]
        tables["quality"] = with_compared_subjects(tables["quality"])
        again = {
            "teachers": repeated(tables["teachers"], key),
            "quality": repeated(tables["quality"], *_YEAR),
        }
        teachers = once(tables["teachers"], again["teachers"])
        cases = with_mentors(cases, teachers if self.certain("teachers") else teachers.clear())
        with self.work.once(f"{_PART}/{bucket}") as folder:
            if folder is not None:
                for table, rows in again.items():
                    _write(folder, _REPEATED, table, rows)
                for table, rows in tables.items():
                    if table != "teachers":
                        self._dangling(folder, table, rows, tables["teachers"])
                for table in ("teachers", "reserve"):
                    self._dangling(folder, table, tables[table], self.rows("schools", 0))
                missing = cases.filter(~pl.col("mentor.there"))
                self._dangling(folder, "appointments", missing, teachers, "mentor_id")
        tables["teachers"] = teachers
        tables["quality"], differing = alike(tables["quality"], again["quality"])
        odd = {*again["teachers"][key], *differing[key]}
        return self.together(tables, cases, odd, calendar, as_of)

    def forget(self, bucket: int) -> None:
        """Remove what only the judging of a bucket needs."""
        for step in (_PLANS, _MENTEES):
            for folder in self.work.folder.glob(f"{step}/*/{bucket}/"):
                shutil.rmtree(folder)

    def together(
        self,
        tables: Mapping[str, pl.DataFrame],
        cases: pl.DataFrame,
        repeated: set[str],
        calendar: SchoolCalendar,
        as_of: date,
    ) -> Bucket:
        """Give what is judged together of cases and of all rows of their mentors.

        Each teacher stands once, and each row of quality; of `repeated` ones some contradict.
        """
        key = KEYS["teachers"]
        odd = repeated.union(*(self.oddities.keys.get(table, ()) for table in OF_TEACHERS))
        everybody = pl.lit(bool(_SURE_IN_PART & self.oddities.anyone))
        schools = self.schools  # which marks those that stand twice
        of_school = everybody | self.oddities.touch("schools", "school_id")
        found = {table: rows for table, rows in tables.items() if self.certain(table)}
        days = pl.concat([cases["ordered_on"], pl.Series([as_of.toordinal()], dtype=pl.Int32)])
        found["quality"] = by_year(tables["quality"], calendar, days)
        if schools is not None:
            found["schools"] = schools
        stands = self.stands()
        alone = pl.col(ALONE) | among(pl.col("mentor_id"), odd) | of_school
        people = found.get("teachers", pl.DataFrame(schema=plain_schema("teachers")))
        people = people.filter(_works())
        person_alone = among(pl.col(key), odd) | of_school
        return Bucket(
            Part({**found, CASES: cases.filter(stands & ~alone)}, calendar, as_of),
            cases.filter(stands & alone).select(KEYS["appointments"]),
            Part(
                {**found, CASES: _as_candidates(people.filter(~person_alone), as_of)},
                calendar,
                as_of,
                purpose="reserve",
            ),
            people.filter(person_alone).select(key, "school_id"),
            cases.filter(~stands).height,
        )

    def account(self, table: str, read: int) -> TableRows:
        """Give what became of the rows of a table, of which so many were read."""
        stated, odd, settled = self._counted(table)
        of_table = [row for row in self.oddities.invalid if row.table == table]
        unreadable = len({row.row for row in of_table if row.code != _DISAGREE})
        contradictory = len({row.row for row in of_table if row.code == _DISAGREE})
        unfit = odd - unreadable - settled
        if unfit < 0 or (unfit and table != "quality"):
            raise LostRows(table)
        return TableRows(
            read=read,
            skipped=read - stated,
            used=stated - unreadable - contradictory,
            invalid=unreadable + contradictory,
            contradictory=contradictory,
        )

    def _counted(self, table: str) -> tuple[int, int, int]:
        """Give how many rows of a table state something, are not plain, and could be read yet."""
        steps = (f"split/{table}/[0-9]*", f"split/{table}/{_ODD}", f"{_SETTLED}/{table}/*")
        plain_rows, odd, settled = (self.work.count(step) for step in steps)
        return plain_rows + odd, odd, settled

    # What is wrong with rows

    def _dangling(
        self,
        folder: Path,
        table: str,
        rows: pl.DataFrame,
        targets: pl.DataFrame,
        column: str | None = None,
    ) -> None:
        """Write which rows of a table name, in a column, what no row of the target is about."""
        target = targets.columns[1]
        [(column, named)] = [
            (one, to)
            for of, one, to in REFERENCES
            if of == table and KEYS[to] == target and column in (None, one)
        ]
        if named not in self.sources:
            return
        dangling = rows.join(
            pl.concat([targets.select(target), self.oddities.ids(named)]),
            left_on=column,
            right_on=target,
            how="anti",
        )
        found = dangling.select(ROW, shown_key(table).alias("key"))
        _write(folder, _DANGLING, f"{table} {column} {named}", found)

    def dangling(self) -> Iterator[tuple[str, str, str, pl.DataFrame]]:
        """Give the rows that name what is not there: table, column, target, and rows with keys."""
        for table, column, target in REFERENCES:
            steps = [
                f"{step}/*/{_DANGLING}/{table} {column} {target}"
                for step in (_PLANS, _MENTEES, _PART)
            ]
            yield table, column, target, self.work.read(_DANGLE, *steps)

    def _contradictions(self, table: str) -> None:
        """Read the rows of a table whose keys stand more than once, and note those that differ."""
        if table == "schools":
            rows = repeated(self.rows("schools", 0), KEYS["schools"])
        else:
            steps = (_PLANS, _PART)
            names = [f"{step}/*/{_REPEATED}/{table}" for step in steps]
            rows = self.work.read({ROW: pl.UInt32}, *names)
        if table == "quality" and self.oddities.unfit:
            touched = self._with_keys(table, KEYS[table], set(self.oddities.unfit))
            rows = pl.concat([rows, touched.select(ROW)]).unique()
        read = [(number, record) for number, record, _ in self._read(table, rows) if record]
        tables: dict[str, Any] = {table: [record for _, record in read]}
        numbers = {table: [number for number, _ in read]}
        for row in Dossier(**tables, rows=numbers, show_ids=True).contradictions:
            self.oddities.add(row)

    def settle_rest(self) -> None:
        """Find the rows of all other tables that contradict each other, once all were seen."""
        for table in ("schools", "teachers", "quality", "plans"):
            if table in self.sources:
                self._contradictions(table)

    # One by one

    def dossier_of(self, appointments: Sequence[str], **options: Any) -> Dossier:
        """Give the rows as they were written of all that these appointments touch.

        `options` are those of Dossier.
        """
        numbers: dict[str, pl.DataFrame] = {}
        asked = self._with_keys("appointments", "appointment_id", set(appointments))
        mentees = set(asked["mentee_id"])
        numbers["appointments"] = self._with_keys("appointments", "mentee_id", mentees)
        people = mentees | set(asked["mentor_id"])
        for table in OF_TEACHERS:
            numbers[table] = self._with_keys(table, KEYS[table], people)
        numbers["plans"] = self._with_keys("plans", "appointment_id", set(appointments))
        schools = set(asked["school_id"])
        numbers["schools"] = self._with_keys("schools", "school_id", schools)
        keys = {
            **dict.fromkeys(OF_TEACHERS, people),
            "plans": set(appointments),
            "schools": schools,
        }
        return self._dossier(numbers, keys, mentees, options)

    def dossier_of_people(self, people: Iterable[str], **options: Any) -> Dossier:
        """Give the rows as they were written of teachers and their schools."""
        known = set(people)
        numbers = {table: self._with_keys(table, KEYS[table], known) for table in OF_TEACHERS}
        schools = set(numbers["teachers"]["school_id"])
        numbers["schools"] = self._with_keys("schools", "school_id", schools)
        keys = {**dict.fromkeys(OF_TEACHERS, known), "schools": schools}
        return self._dossier(numbers, keys, set(), options)

    def _with_keys(self, table: str, column: str, values: set[str]) -> pl.DataFrame:
        """Give the numbers and ids of the readable rows of a table with these values."""
        ids = [name for name in KEPT[table] if name.endswith("_id")]
        files = self.work.files(*(f"{step}/{table}/[0-9]*" for step in ("split", _SETTLED)))
        if not files:
            return pl.DataFrame(schema={ROW: pl.UInt32, **dict.fromkeys(ids, pl.String)})
        wanted = pl.LazyFrame({column: sorted(values)}, schema={column: pl.String})
        rows = pl.scan_ipc(files, glob=False).select(ROW, *ids)
        found = rows.join(wanted, on=column, how="semi").collect()
        if table != "quality":
            return found
        unfit = [(row, one) for one in values for row in self.oddities.unfit.get(one, ())]
        return pl.concat([found, pl.DataFrame(unfit, found.schema, orient="row")])

    def _dossier(
        self,
        numbers: Mapping[str, pl.DataFrame],
        keys: Mapping[str, set[str]],
        mentees: set[str],
        options: Mapping[str, Any],
    ) -> Dossier:
        records: dict[str, Any] = {}
        rows: dict[str, list[int]] = {}
        for table in self.sources:
            found = numbers.get(table, pl.DataFrame(schema={ROW: pl.UInt32}))
            read = [(n, record) for n, record, _ in self._read(table, found.select(ROW)) if record]
            records[table] = [record for _, record in read]
            rows[table] = [number for number, _ in read]
        concerned = {None, *mentees}  # an unreadable mentee may be anybody
        invalid = [
            row
            for row in self.oddities.invalid
            if row.code != _DISAGREE  # which it finds itself
            and (
                row.key[0] is None
                or row.key[0] in keys.get(row.table, ())
                or (row.table == "appointments" and row.readable.get("mentee_id") in concerned)
            )
        ]
        return Dossier(**records, rows=rows, invalid=invalid, **options)


def has_figures(source: Source) -> bool:
    """Tell whether a table keeps percentages as numbers."""
    kept_as = source.types.get("percent")
    return kept_as is not None and kept_as.is_numeric()


def most_percent(source: Source, rows: pl.LazyFrame) -> float | None:
    """Give the highest percentage of rows as they were written, if there is one."""
    percent = pl.col("percent")
    finite = percent.is_finite() if source.types["percent"].is_float() else pl.lit(True)
    most: float | None = rows.filter(finite).select(percent.max()).collect().item()
    return most


def read_rows(
    table: str, rows: pl.DataFrame, *, shares: bool
) -> Iterator[tuple[int, Record | None, tuple[InvalidRow, ...]]]:
    """Read rows as they were written: the number, the record, or what is wrong with it.

    `shares`: a bare 1 may be a share.
    """
    for cells in rows.iter_rows(named=True):
        number = cells.pop(ROW)
        if shares and bare_number(cells.get("percent")) == Decimal(1):
            cells["percent"] = SHARE_OR_PERCENT
        yield (number, *build_record(table, number, cells))


def repeated(rows: pl.DataFrame, *key: str) -> pl.DataFrame:
    """Give the number and first key of each row whose key stands more than once."""
    hashed = sum((pl.col(name).hash(seed) for seed, name in enumerate(key)), pl.lit(0, pl.UInt64))
    # Unlike hashes, unlike keys; and numbers are compared faster than texts.
    perhaps = rows.filter(rows.select(hash=hashed)["hash"].is_duplicated())
    return perhaps.filter(pl.struct(key).is_duplicated()).select(ROW, key[0])


def _write(folder: Path, place: str, name: str, rows: pl.DataFrame) -> None:
    """Write rows, if there are any, into a folder below a step."""
    if not rows.is_empty():
        (folder / place / name).mkdir(parents=True, exist_ok=True)
        write_whole(rows, folder / place / name / "rows.arrow")


def once(rows: pl.DataFrame, again: pl.DataFrame) -> pl.DataFrame:
    """Give rows, each key once; `again` is what `repeated` says of them."""
    return rows.filter(~_in(_later(again)))


def alike(rows: pl.DataFrame, again: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give rows of quality, those that say the same once, and those that yet stand repeated."""
    several = rows.filter(_in(again)).unique([*_YEAR, SHARE], keep="any")
    return pl.concat([rows.filter(~_in(again)), several]), repeated(several, *_YEAR)


def _later(again: pl.DataFrame) -> pl.DataFrame:
    """Give repeated rows but for the first of each key."""
    return again.filter(~pl.col(again.columns[1]).is_first_distinct())


def _in(rows: pl.DataFrame) -> pl.Expr:
    """Tell whether a row is one of these, by its number."""
    return pl.col(ROW).is_in(rows[ROW].implode())


class LostRows(MentorRulesError):  # noqa: N818 - what happened
    """The rows of a table that were read are not those that were used and rejected."""

    def __init__(self, table: str) -> None:
        super().__init__(f"rows of {table} are unaccounted for")


# What is joined -----------------------------------------------------------------------------------


def with_plans(appointments: pl.DataFrame, plans: pl.DataFrame | None) -> pl.DataFrame:
    """Give appointments with `plan.there`, and the columns of their plans as `plan.*`."""
    if plans is None:
        plans = pl.DataFrame(schema=plain_schema("plans"))
    own = plans.select(
        KEYS["plans"],
        *(pl.col(column).alias(f"plan.{column}") for column in _PLAN),
        pl.lit(True).alias("plan.there"),
    )
    joined = appointments.join(own, on=KEYS["plans"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("plan.there").fill_null(False))


def with_mentees(
    cases: pl.DataFrame, stands: pl.Expr, teachers: pl.DataFrame | None
) -> pl.DataFrame:
    """Give cases with what is known of their mentees, and whether a mentee's mentors overlap.

    All appointments of each mentee must be there, and only those that stand count.
    """
    if teachers is None:
        teachers = pl.DataFrame(schema=plain_schema("teachers"))
    own = teachers.select(
        pl.col("teacher_id").alias("mentee_id"),
        pl.lit(True).alias("mentee.there"),
        pl.col("school_id").alias("mentee.school_id"),
        pl.col("first_taught_on").alias("mentee.first_taught_on"),
    )
    overlapping = overlaps(cases.filter(stands))
    # Joined to two columns alone: a join copies every column that it is given.
    found = (
        cases.select(ROW, "mentee_id")
        .join(own, on="mentee_id", how="left", maintain_order="left")
        .join(overlapping, on=ROW, how="left", maintain_order="left")
        .with_columns(pl.col("mentee.there").fill_null(False), pl.col(OVERLAP).fill_null(NO))
    )
    return cases.with_columns(found.drop(ROW, "mentee_id").get_columns())


CASE_COLUMNS: Mapping[str, Any] = MappingProxyType(
    {
        **plain_schema("appointments"),
        **{
            f"plan.{column}": kind
            for column, kind in plain_schema("plans").items()
            if column in _PLAN
        },
        "plan.there": pl.Boolean,
        ALONE: pl.Boolean,
        AGAIN: pl.Boolean,
    }
)
MENTEE_COLUMNS: Mapping[str, Any] = MappingProxyType(
    {
        "mentee.there": pl.Boolean,
        "mentee.school_id": pl.String,
        "mentee.first_taught_on": pl.Int32,
        OVERLAP: pl.Int16,
    }
)
# What appointments ask of mentees, and what comes back.
ASKED_COLUMNS: Mapping[str, Any] = MappingProxyType(
    {
        name: CASE_COLUMNS[name]
        for name in (
            *(ROW, "appointment_id", "mentor_id", "mentee_id"),
            *("ordered_on", "starts_on", "ends_on", AGAIN),
        )
    }
)
ANSWERS: Mapping[str, Any] = MappingProxyType(
    {ROW: CASE_COLUMNS[ROW], **MENTEE_COLUMNS, MENTEE_ALONE: pl.Boolean}
)
_DANGLE: Mapping[str, Any] = MappingProxyType({ROW: pl.UInt32, "key": pl.List(pl.String)})


def _works() -> pl.Expr:
    status = VOCABULARIES["teachers"]["status"].codes
    return ~pl.col("status").is_in([status.index(one) for one in sorted(AWAY)]).fill_null(False)


def _as_candidates(people: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Give teachers as if each was to be appointed in the own school on the day judged on."""
    day = pl.lit(as_of.toordinal(), pl.Int32)
    own = people.select(
        *(ROW, "school_id"),
        pl.col(KEYS["teachers"]).alias("mentor_id"),
        day.alias("ordered_on"),
        day.alias("starts_on"),
        *of_mentors(people),
    )
    schema = {**CASE_COLUMNS, **MENTEE_COLUMNS}
    return pl.concat([pl.DataFrame(schema=schema), own], how="diagonal")
