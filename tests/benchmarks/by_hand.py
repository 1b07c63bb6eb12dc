"""All that `audit` tells of the tables of `tests.benchmarks.nation`, written by hand in Polars.

What `audit` is measured by: the same fixed job, with the figures of the Order in the code and no
rulebook. Every cell is looked at; rows whose cells are not in the forms below, keys that stand
more than once and ids that name nothing are written out. Every rule is judged under all live
readings, with both verdicts and the days of acts; schools are asked for a candidate; all is
counted. Plans never travel: their appointments ask the buckets of mentor and mentee, and only
answers, a few bytes each, come back.

It leaves out what a fixed job need not do. A row in a form that these tables do not have
(spellings, texts for days, a share for a percentage) is written out and not read, and an
appointment that touches a row that is odd or contradicts another is judged from what is left,
not one by one. It words no remedies, hides no ids, confirms nothing, keeps no steps to go on
from, and compares subjects as they are written.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.records import VOCABULARIES
from mentor_rules.workdays import Week
from tests.benchmarks.nation import AS_OF

PER_BUCKET = 625_000  # appointments
EPOCH = 719163  # the ordinal of 1970-01-01
IN_FORCE = 737552 - EPOCH
WEEK_5_FROM = 738429 - EPOCH  # 2022-10-01
FIRST, LAST = 726468 - EPOCH, 767009 - EPOCH  # what records may state: 1990 to 2100
NOW = AS_OF.toordinal() - EPOCH
YEARS = range(1989, 2101)
WORDS = (
    *("satisfied", "not_applicable", "not_in_force", "pending"),
    *("unknown", "breached", "disputed"),
)
OUTCOMES = pl.Enum(WORDS)
SATISFIED, NOT_APPLICABLE, NOT_IN_FORCE, PENDING, UNKNOWN, BREACHED, DISPUTED = range(7)
ELIGIBILITY = pl.Enum(["eligible", "undetermined", "depends", "ineligible", "not_judged"])
PROCEDURE = pl.Enum(["compliant", "pending", "undetermined", "depends", "breached", "not_judged"])
ROLLS = (True, False)
WEEKS: tuple[Week, ...] = (5, 6)
QUALITY = [(floor, period) for floor in (0, 10) for period in ("mean", "each")]
ACTS = ("level_determined_on", "diagnosed_on", "drafted_on", "agreed_on", "approved_on")
REPORTS = ("interim_on", "final_on")
TINY = 1e-9

c = pl.col


def code(number: int) -> pl.Expr:
    return pl.lit(number, pl.Int8)


def first_of(*steps: tuple[pl.Expr, int], otherwise: int) -> pl.Expr:
    value = code(otherwise)
    for condition, number in reversed(steps):
        value = pl.when(condition).then(code(number)).otherwise(value)
    return value


def word(column: str, kind: pl.Enum) -> pl.Expr:
    return pl.lit(pl.Series(kind.categories, dtype=kind)).gather(c(column)).alias(column)


# Cells -------------------------------------------------------------------------------------------

ID = r"^[0-9A-Za-z-]+$"
TEXT = r"^[0-9A-Za-zЀ-ӿ](?:[ !-~Ѐ-ӿ]*[!-~Ѐ-ӿ])?$"
SCHOOL_YEARS = {f"{year}/{(year + 1) % 100:02}": year for year in YEARS}


class Table(NamedTuple):
    """The columns of a table by what may stand in them; `unused` ones are looked at only."""

    key: tuple[str, ...]
    ids: tuple[str, ...]
    texts: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    unique: bool = True


TABLES = {
    "schools": Table(("school_id",), ("school_id",), ("region", "district"), unused=("district",)),
    "teachers": Table(
        ("teacher_id",),
        ("teacher_id", "school_id"),
        ("subjects", "ethics_document"),
        ("category_from", "category_until", "ethics_on", "first_taught_on"),
        unused=("ethics_document",),
    ),
    "categories": Table(
        ("teacher_id",),
        ("teacher_id",),
        days=("from", "until"),
        required=("category", "from"),
        unique=False,
    ),
    "posts": Table(
        ("teacher_id",),
        ("teacher_id",),
        days=("since", "until"),
        required=("post",),
        unused=("post", "portfolio"),
        unique=False,
    ),
    "quality": Table(
        ("teacher_id", "subject", "year"),
        ("teacher_id",),
        ("subject",),
        required=("subject", "school_year"),
        unused=("school_year", "percent", "learners", "learners_good"),
    ),
    "appointments": Table(
        ("appointment_id",),
        ("appointment_id", "school_id", "mentor_id", "mentee_id"),
        ("subject", "order_no"),
        ("ordered_on", "starts_on", "ends_on"),
        required=("ordered_on",),
        unused=("order_no",),
    ),
    "plans": Table(
        ("appointment_id",),
        ("appointment_id",),
        days=(
            *(*ACTS, *REPORTS, "recorded_until", "period_from", "period_until"),
            "final_prepared_on",
        ),
        flags=("final_has_results", "final_has_recommendations"),
        unused=("final_prepared_on",),
    ),
    "reserve": Table(
        ("teacher_id",),
        ("school_id", "teacher_id"),
        ("protocol_no",),
        ("proposed_on", "formed_on"),
        unused=("protocol_no", "proposed_on", "proposed_by", "formed_by"),
        unique=False,
    ),
}
PERIODS = {
    "teachers": ("category_from", "category_until"),
    "categories": ("from", "until"),
    "posts": ("since", "until"),
    "plans": ("period_from", "period_until"),
    "appointments": ("starts_on", "ends_on"),
}


def checked(name: str, folder: Path) -> pl.LazyFrame:
    """Give the rows of a table, numbered, with days since 1970, and whether each is `plain`."""
    table = TABLES[name]
    rows = pl.scan_parquet(sorted((folder / name).glob("*.parquet")), row_index_name="row")
    closed = {
        column: pl.Enum(words.codes)
        for column, words in VOCABULARIES[name].items()
        if column not in table.flags
    }
    raw = rows.with_columns(
        c("row") + 1,
        *(c(one).cast(pl.Int32) for one in table.days),
        *(c(one).cast(kind, strict=False).alias(f"{one} read") for one, kind in closed.items()),
    )
    good = [c(one).str.contains(ID).fill_null(False) for one in table.ids]
    good += [c(one).str.contains(TEXT).fill_null(True) for one in table.texts]
    good += [c(one).is_between(FIRST, LAST).fill_null(True) for one in table.days]
    good += [c(f"{one} read").is_not_null() | c(one).is_null() for one in closed]
    good += [c(one).is_not_null() for one in table.required]
    if name in PERIODS:
        first, last = (c(one) for one in PERIODS[name])
        if name == "appointments":
            first = pl.coalesce(first, "ordered_on")
        good.append((first <= last).fill_null(True))
    if name == "schools":
        good.append(c("week").is_in(WEEKS).fill_null(True))
    made = [c(f"{one} read").alias(one) for one in closed if one not in table.unused]
    if name == "quality":
        good.append(agrees())
        year = c("school_year").replace_strict(SCHOOL_YEARS, default=None, return_dtype=pl.Int16)
        raw = raw.with_columns(year.alias("year"))
        good.append(c("year").is_not_null())
        made.append(pl.coalesce(c("learners_good") * 100 / c("learners"), "percent").alias("share"))
    return raw.with_columns(pl.all_horizontal(good).alias("plain"), *made).drop(
        *(f"{one} read" for one in closed), *table.unused
    )


def agrees() -> pl.Expr:
    """Tell whether percentage and learners are possible, and agree to the last digit of it."""
    percent, learners, good = c("percent").cast(pl.Float64), c("learners"), c("learners_good")
    tenths = pl.when(percent.round(1) == percent).then(0.1).otherwise(0.01)
    digit = pl.when(percent.round(0) == percent).then(1.0).otherwise(tenths)
    apart = (100 * good - percent * learners).abs()
    return (
        ((percent == 0) | percent.is_between(1, 100, closed="right")).fill_null(True)
        & (percent.round(2) == percent).fill_null(True)
        & (learners > 0).fill_null(True)
        & (good >= 0).fill_null(True)
        & (good <= learners).fill_null(True)
        & (apart + TINY < digit * learners).fill_null(True)
    )


# Buckets -----------------------------------------------------------------------------------------


@dataclass
class Odd:
    """The rows that are told beside the results, in small pieces."""

    invalid: list[pl.DataFrame] = field(default_factory=list)
    repeated: list[pl.DataFrame] = field(default_factory=list)
    dangling: list[pl.DataFrame] = field(default_factory=list)

    def once(self, table: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Give each key once, and note the rows whose keys stand more than once."""
        key = TABLES[table].key
        hashes = [c(one).hash(place) for place, one in enumerate(key)]
        several = rows.select(pl.sum_horizontal(hashes).is_duplicated().alias("several"))["several"]
        again = rows.filter(several)  # and whose hash chances to be another's
        if again.is_empty():
            return rows
        self.repeated.append(named(table, again.filter(pl.struct(key).is_duplicated())))
        return pl.concat([rows.filter(~several), again.unique(key, keep="any")])

    def names(self, table: str, column: str, rows: pl.DataFrame) -> None:
        """Note rows that name in a column what is not there."""
        if not rows.is_empty():
            told = named(table, rows).with_columns(pl.lit(column).alias("column"))
            self.dangling.append(told.with_columns(rows[column].alias("named")))

    def write(self, out: Path) -> None:
        """Write all; who is named by a row that is not plain is there."""
        schema = {"table": pl.String, "row": pl.UInt32, "key": pl.String}
        invalid = pl.concat([pl.DataFrame(schema=schema), *self.invalid])
        invalid.write_parquet(out / "invalid.parquet")
        pl.concat([pl.DataFrame(schema=schema), *self.repeated]).write_parquet(
            out / "repeated.parquet"
        )
        schema |= {"column": pl.String, "named": pl.String}
        target = (
            pl.when(c("column") == "school_id")
            .then(pl.lit("schools"))
            .when(c("column") == "appointment_id")
            .then(pl.lit("appointments"))
            .otherwise(pl.lit("teachers"))
        )
        found = pl.concat([pl.DataFrame(schema=schema), *self.dangling]).with_columns(
            target.alias("target")
        )
        found.join(
            invalid, left_on=["target", "named"], right_on=["table", "key"], how="anti"
        ).drop("target", "named").write_parquet(out / "dangling.parquet")


def named(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    key = pl.concat_str(TABLES[table].key, separator=" ", ignore_nulls=True)
    return rows.select(pl.lit(table).alias("table"), c("row").cast(pl.UInt32), key.alias("key"))


@dataclass(frozen=True)
class Buckets:
    """Tables in folders, a folder for each bucket of a key."""

    folder: Path
    count: int

    def of(self, key: str) -> pl.Expr:
        return (c(key).hash(160) % self.count).cast(pl.UInt16)

    def split(self, frame: pl.LazyFrame, bucket: pl.Expr, name: str) -> None:
        frame.with_columns(bucket.alias("to")).drop("plain", strict=False).sink_ipc(
            pl.PartitionBy(self.folder / name, key="to", include_key=False),
            mkdir=True,
            compression="uncompressed",  # a sixth less time than Parquet with lz4
        )

    def read(self, name: str, bucket: int) -> pl.DataFrame:
        files = sorted(self.folder.glob(f"{name}/to={bucket}/*.ipc"))
        return pl.concat(pl.read_ipc(file) for file in files)


# The days of the calendar ------------------------------------------------------------------------


class Days(NamedTuple):
    """What follows from a day, to be looked up by it."""

    year: pl.Expr  # its place in YEARS
    level_due: Mapping[tuple[int, bool], pl.Expr]  # by week, and whether a term rolls
    five_after: Mapping[int, pl.Expr]
    calendar: SchoolCalendar

    @classmethod
    def of(cls, calendar: SchoolCalendar) -> "Days":
        every = np.arange(FIRST, LAST + 1)
        lasts = np.array([calendar.year(year).last.toordinal() - EPOCH for year in YEARS])
        level_due, five_after = {}, {}
        for week in WEEKS:
            working = calendar.week(week)
            before = working.before - EPOCH
            count = np.asarray(working.count)
            nth = np.append(np.asarray(working.nth) - EPOCH, [LAST] * 6)
            start = np.maximum(every, before + 1)
            ten = np.minimum(start + 10, LAST)
            level_due[week, True] = nth[count[ten - before - 1] + 1]
            level_due[week, False] = ten
            five_after[week] = nth[count[start - before] + 5]

        def kept(days: Any) -> pl.Expr:
            return pl.lit(pl.Series(days, dtype=pl.Int32))

        return cls(
            kept(np.searchsorted(lasts, every)),
            {name: kept(days) for name, days in level_due.items()},
            {week: kept(days) for week, days in five_after.items()},
            calendar,
        )

    def year_of(self, day: pl.Expr) -> pl.Expr:
        return self.year.gather(day - FIRST)

    def of_year(self, name: str, year: pl.Expr) -> pl.Expr:
        days = [getattr(self.calendar.year(one), name).toordinal() - EPOCH for one in YEARS]
        return pl.lit(pl.Series(days, dtype=pl.Int32)).gather(year)


# Mentors -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class People:
    """Teachers of a bucket, with all their rows; and schools."""

    teachers: pl.DataFrame
    categories: pl.DataFrame
    posts: pl.DataFrame
    quality: pl.DataFrame
    reserve: pl.DataFrame
    schools: pl.DataFrame
    subjects: pl.Enum  # of which there is quality
    bounds: dict[int, pl.DataFrame] = field(default_factory=dict)  # of quality, by the last year


def read_people(
    buckets: Buckets, bucket: int, schools: pl.DataFrame, odd: Odd, days: Days
) -> People:
    """Read the teachers of a bucket and their rows; of quality what is stated of years taught."""
    teachers = odd.once("teachers", buckets.read("teachers", bucket)).with_row_index("person")
    known = teachers.select("teacher_id", "first_taught_on", "person")
    categories, posts, reserve = (
        buckets.read(name, bucket) for name in ("categories", "posts", "reserve")
    )
    for name, rows in (("categories", categories), ("posts", posts), ("reserve", reserve)):
        odd.names(name, "teacher_id", rows.join(known, on="teacher_id", how="anti"))
    for name, rows in (("teachers", teachers), ("reserve", reserve)):
        odd.names(name, "school_id", rows.join(schools, on="school_id", how="anti"))
    quality = odd.once("quality", buckets.read("quality", bucket))
    quality = quality.join(known, on="teacher_id", how="left")
    odd.names("quality", "teacher_id", quality.filter(c("person").is_null()))
    subjects = pl.Enum(quality["subject"].unique())
    ends = days.of_year("last", c("year").cast(pl.Int32) - YEARS.start)
    quality = quality.filter(
        c("person").is_not_null(), (c("first_taught_on") <= ends).fill_null(True)
    ).select(key_of("subject", subjects), "year", "share")
    return People(teachers, categories, posts, quality, reserve, schools, subjects)


def key_of(subject: str, subjects: pl.Enum) -> pl.Expr:
    """Give person and subject as one number, which joins faster than two texts."""
    number = c(subject).cast(subjects, strict=False).to_physical().cast(pl.UInt64)
    return (c("person").cast(pl.UInt64) * 2**32 + number).alias("key")


def history(asked: pl.DataFrame, categories: pl.DataFrame, day: pl.Expr, mark: str) -> pl.DataFrame:
    """Give what the periods say that cover a day and, of those, begin last."""
    until = c("until").fill_null(LAST + 1)
    return (
        asked.join(categories, left_on="mentor_id", right_on="teacher_id")
        .filter(c("from") <= day, day <= until)
        .filter(c("from") == c("from").max().over("at"))
        .select("at", "from", c("category").to_physical(), until)
        .group_by("at")
        .agg(
            c("from").first().alias(f"{mark} newest"),
            c("category").min().alias(f"{mark} lowest"),
            c("category").max().alias(f"{mark} highest"),
            c("until").min().alias(f"{mark} soonest"),
            c("until").max().alias(f"{mark} latest"),
        )
    )


OWN = (
    *("person", "subjects", "category", "category_from", "category_until"),
    *("ethics", "ethics_on"),
)


def facts(asked: pl.DataFrame, people: People, days: Days, *, now: bool) -> pl.DataFrame:
    """Give those who are asked for (mentor_id, school_id, subject, on, OWN), with what is known.

    `now`: what is known today too.
    """
    asked = (
        asked.with_row_index("at")
        .join(
            people.schools.select("school_id", "place", "kind", "week"),
            on="school_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            c("person").is_not_null().alias("teacher"),
            (days.year_of(c("on")) - 1).alias("completed"),
        )
    )
    who = asked.select("at", "mentor_id", "school_id", "on")

    def active(day: pl.Expr) -> pl.Expr:
        return (c("since") <= day).fill_null(True) & (day <= c("until")).fill_null(True)

    holds = (c("acting") != "yes").fill_null(True)
    posts = who.join(people.posts, left_on="mentor_id", right_on="teacher_id").select(
        "at",
        *(
            both.alias(f"{mark} {name}")
            for mark, day in (("on", c("on")), ("now", pl.lit(NOW)))
            for name, both in (("holds", active(day) & holds), ("performs", active(day)))
        ),
    )
    found = [
        posts.group_by("at").agg(pl.all().any()),
        history(who, people.categories, c("on"), "on"),
        bounds_of_quality(asked, people),
    ]
    if now:
        formed = c("formed_on")
        listed = (
            who.join(
                people.reserve.select("school_id", mentor_id="teacher_id", formed_on="formed_on"),
                on=["mentor_id", "school_id"],
            )
            .select(
                "at",
                first_of(
                    (formed <= c("on"), SATISFIED), (formed.is_null(), UNKNOWN), otherwise=BREACHED
                ).alias("listed"),
            )
            .group_by("at")
            .agg(c("listed").min())
        )
        found += [listed, history(who, people.categories, pl.lit(NOW), "now")]
    more = who.select("at")
    for one in found:
        more = more.join(one, on="at", how="left", maintain_order="left")
    return asked.hstack(more.drop("at").get_columns())


def bounds_of_quality(asked: pl.DataFrame, people: People) -> pl.DataFrame:
    """Give the bounds of the yearly and the mean figure over the last three completed years."""
    key = key_of("subject", people.subjects)
    kept = asked.select("at", "person", key, "subject", "subjects", "completed")
    found = []
    for (completed,), those in kept.partition_by("completed", as_dict=True).items():
        last = YEARS[completed]
        if last not in people.bounds:
            people.bounds[last] = bounds_of_years(people.quality, last)
        found.append(bounds_of_mentors(those, people.bounds[last], people.subjects))
    return pl.concat(found)


def bounds_of_years(quality: pl.DataFrame, last: int) -> pl.DataFrame:
    """Give the bounds of each person and subject over three years, of which one is `last`."""
    years = ("y0", "y1", "y2")
    return (
        quality.lazy()
        .filter(c("year").is_between(last - 2, last))
        .select(
            "key",
            *(
                pl.when(c("year") == last - 2 + place).then("share").alias(year)
                for place, year in enumerate(years)
            ),
        )
        .group_by("key")
        .agg(c(years).max())
        .with_columns(
            pl.min_horizontal(years).fill_null(100).alias("least"),
            pl.sum_horizontal(years).alias("sum"),
            pl.sum_horizontal(c(years).is_null()).alias("missing"),
        )
        .select(
            "key",
            pl.when(c("missing") > 0).then(0.0).otherwise("least").alias("each_lo"),
            c("least").alias("each_hi"),
            (c("sum") / 3).alias("mean_lo"),
            ((c("sum") + c("missing") * 100) / 3).alias("mean_hi"),
            rows=pl.lit(True),
        )
        .collect()
    )


def bounds_of_mentors(asked: pl.DataFrame, wide: pl.DataFrame, subjects: pl.Enum) -> pl.DataFrame:
    """Give the bounds that count: of the subject mentored if it is taught, else of all taught."""
    bounds = ("each_lo", "each_hi", "mean_lo", "mean_hi")
    one = asked.join(wide, on="key", how="left")
    lists = c("subjects").is_not_null()
    listed = c("subjects").str.split("; ")
    teaches = pl.when(lists).then(listed.list.contains(c("subject"))).otherwise(c("rows"))
    one = one.with_columns(teaches.fill_null(False).alias("teaches"))
    others = one.filter(~c("teaches"))
    of_lists = others.filter(lists).select("at", "person", listed.alias("subject"))
    of_lists = of_lists.explode("subject").select("at", key_of("subject", subjects))
    of_rows = others.filter(~lists).select("at", "person")
    by_person = wide.with_columns((c("key") // 2**32).cast(pl.UInt32).alias("person"))
    every = pl.concat(
        [
            of_lists.join(wide, on="key", how="left").select("at", *bounds),
            of_rows.join(by_person, on="person").select("at", *bounds),
        ]
    ).with_columns(c("each_lo", "mean_lo").fill_null(0), c("each_hi", "mean_hi").fill_null(100))
    over = every.group_by("at").agg(
        c(bounds).min(), c("each_hi", "mean_hi").max().name.suffix("_most")
    )
    found = one.join(over, on="at", how="left", suffix=".all")
    made = []
    for period in ("each", "mean"):
        low, high = f"{period}_lo", f"{period}_hi"
        unnamed = pl.when(c("subject").is_null()).then(f"{high}_most").otherwise(f"{high}.all")
        made += [
            pl.when("teaches").then(low).otherwise(f"{low}.all").fill_null(0).alias(low),
            pl.when("teaches").then(high).otherwise(unnamed).fill_null(100).alias(high),
        ]
    return found.select("at", *made)


class Held(NamedTuple):
    """The category that counts on a day, as far as it is known."""

    gap: pl.Expr
    high: pl.Expr  # whether it is that of a researcher or a master
    first: pl.Expr
    open_ended: pl.Expr
    perhaps_not: pl.Expr


def held(day: pl.Expr, mark: str) -> Held:
    """Weigh the teacher's own row against the history."""
    codes = VOCABULARIES["teachers"]["category"].codes
    own, first = c("category").to_physical(), c("category_from")
    until = c("category_until").fill_null(LAST + 1)
    newest, highest = c(f"{mark} newest"), c(f"{mark} highest")
    known = newest.is_not_null()
    stated = pl.any_horizontal(c("category", "category_from", "category_until").is_not_null())
    awarded = stated & pl.when(first.is_null()).then((until < day) | ~known).otherwise(first <= day)
    covers = awarded & (first <= day).fill_null(True) & (day <= until)
    begins = first.fill_null(FIRST)
    of_history = known & (~covers | (newest >= begins)).fill_null(False)
    of_row = covers & (~known | (begins >= newest)).fill_null(False)
    counting = of_history | of_row
    counted = pl.when(of_history).then(highest).otherwise(own)
    both = of_history & of_row
    apart = of_history & (c(f"{mark} lowest") != highest)
    gap = ~c("teacher") | apart | (both & own.ne_missing(highest))
    gap = gap | (counting & counted.is_null()) | (~counting & ~awarded)
    latest = c(f"{mark} latest")
    row_is_longer = of_row & first.is_null() & (until > latest).fill_null(False)
    some_open = (of_history & (latest > LAST)) | (of_row & (until > LAST))
    ends_apart = (of_history & (c(f"{mark} soonest") != latest)) | (both & (until != latest))
    return Held(
        gap.fill_null(True),
        counting & counted.is_in([codes.index(one) for one in ("researcher", "master")]),
        pl.when(of_history & ~row_is_longer).then(newest).otherwise(first),
        (counting & (counted != codes.index("none")) & some_open).fill_null(False),
        ends_apart.fill_null(False),
    )


def ethics(day: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Tell whether observance is not known on a day, and whether a breach was found."""
    finding = pl.when(~(c("ethics_on") > day).fill_null(False)).then("ethics")
    undated = (finding == "breached") & c("ethics_on").is_null()
    is_open = ((finding == "pending") | undated).fill_null(False)
    return ~c("teacher") | is_open, (finding == "breached").fill_null(False)


def eligibility() -> dict[str, pl.Expr]:
    """Give the outcomes of what is asked of a mentor, under each reading, by `facts`."""
    category = held(c("on"), "on")
    unknown, breached = ethics(c("on"))
    must_reach = pl.when(c("kind") == "small_complement").then(50.0).otherwise(60.0)
    may_reach = pl.when(c("kind") == "ordinary").then(60.0).otherwise(50.0)
    return {
        "p0": first_of((c("on holds"), BREACHED), otherwise=SATISFIED),
        "p1": first_of((c("on performs"), BREACHED), otherwise=SATISFIED),
        "eligibility/pedagogical_ethics": first_of(
            (unknown, UNKNOWN), (breached, BREACHED), otherwise=SATISFIED
        ),
        "eligibility/qualification_category": first_of(
            (category.gap, UNKNOWN), (category.high, SATISFIED), otherwise=BREACHED
        ),
        **{
            f"q{place}": first_of(
                (c(f"{span}_lo") + TINY >= must_reach + more, SATISFIED),
                (c(f"{span}_hi") + TINY < may_reach + more, BREACHED),
                otherwise=UNKNOWN,
            )
            for place, (more, span) in enumerate(QUALITY)
        },
    }


def in_force(outcome: pl.Expr, day: str) -> pl.Expr:
    return pl.when(c(day) >= IN_FORCE).then(outcome).otherwise(code(NOT_IN_FORCE))


def merged(columns: Sequence[str]) -> pl.Expr:
    """Give the outcome over readings."""
    most = pl.max_horizontal(columns)
    return (
        pl.when(most == pl.min_horizontal(columns))
        .then(most)
        .when(pl.any_horizontal([c(column) == UNKNOWN for column in columns]))
        .then(code(UNKNOWN))
        .when(most == NOT_APPLICABLE)
        .then(code(SATISFIED))
        .otherwise(code(DISPUTED))
    )


class Reached(NamedTuple):
    """What groups of rules reach over their readings, and whether it may be unknown."""

    least: pl.Expr
    most: pl.Expr
    unknown: pl.Expr


def reached(groups: Sequence[Sequence[str]]) -> Reached:
    every = [name for group in groups for name in group]
    return Reached(
        pl.max_horizontal(code(NOT_IN_FORCE), *(pl.min_horizontal(group) for group in groups)),
        pl.max_horizontal(code(NOT_IN_FORCE), *every),
        pl.any_horizontal([c(name) == UNKNOWN for name in every]),
    )


POSTS, OF_QUALITY = ["p0", "p1"], [f"q{place}" for place in range(4)]
OF_MENTOR = (
    *("appointment/category_term", "appointment/from_reserve", "appointment/not_self"),
    *("appointment/still_qualified", "eligibility/excluded_posts"),
    *("eligibility/pedagogical_ethics", "eligibility/qualification_category"),
    "eligibility/quality_of_knowledge",
)


def answer_of_mentors(asked: pl.DataFrame, people: People, days: Days) -> pl.DataFrame:
    """Answer what the mentor decides of appointments: outcomes, the verdict, the week."""
    own = people.teachers.select("teacher_id", *OWN, employer="school_id")
    asked = asked.join(
        own, left_on="mentor_id", right_on="teacher_id", how="left", maintain_order="left"
    )
    known = facts(asked, people, days, now=True).lazy()
    on, now = held(c("on"), "on"), held(pl.lit(NOW), "now")
    unknown, breached = ethics(pl.lit(NOW))
    passed = c("on.first").cast(pl.Date).dt.offset_by("5y").cast(pl.Int32) < c("on")
    over = (c("starts") > NOW) | (c("ends_on") < NOW).fill_null(False)
    perhaps = c("ends_on").is_null() & (c("starts") < NOW)
    outcomes = {
        **eligibility(),
        "appointment/category_term": first_of(
            (c("on.gap"), UNKNOWN),
            (~c("on.open"), NOT_APPLICABLE),
            (c("on.first").is_null(), UNKNOWN),
            (~passed, SATISFIED),
            (c("on.perhaps_not"), UNKNOWN),
            otherwise=BREACHED,
        ),
        "appointment/from_reserve": c("listed").fill_null(code(BREACHED)),
        "appointment/not_self": first_of((c("self"), BREACHED), otherwise=SATISFIED),
        **{
            f"s{place}": first_of(
                (over, NOT_APPLICABLE),
                (c("now.must") & ~c(f"now {how}").fill_null(False), SATISFIED),
                (~perhaps & (~c("now.may") | c(f"now {how}").fill_null(False)), BREACHED),
                otherwise=UNKNOWN,
            )
            for place, how in enumerate(("holds", "performs"))
        },
    }
    judged = known.with_columns(
        on.gap.alias("on.gap"),
        on.open_ended.alias("on.open"),
        on.perhaps_not.alias("on.perhaps_not"),
        on.first.alias("on.first"),
        (~now.gap & now.high & ~unknown & ~breached).fill_null(False).alias("now.must"),
        ((now.gap | now.high) & (unknown | ~breached)).fill_null(True).alias("now.may"),
    ).with_columns(in_force(outcome, "on").alias(name) for name, outcome in outcomes.items())
    groups = [["appointment/not_self"], POSTS, OF_QUALITY]
    groups += [[name] for name in outcomes if name.startswith("eligibility/")]
    over_all = reached(groups)
    return judged.select(
        *("row", "bucket", "place"),
        pl.coalesce(
            "week", pl.when(c("place").is_not_null(), c("starts") >= WEEK_5_FROM).then(5)
        ).cast(pl.Int8),
        pl.when("teacher").then(c("employer") == c("school_id")).alias("mentor_in_school"),
        merged(POSTS).alias("eligibility/excluded_posts"),
        merged(OF_QUALITY).alias("eligibility/quality_of_knowledge"),
        merged(["s0", "s1"]).alias("appointment/still_qualified"),
        *(name for name in outcomes if "/" in name and name != "appointment/still_qualified"),
        first_of(
            (c("on") < IN_FORCE, 4),
            (over_all.most <= NOT_IN_FORCE, 0),
            (over_all.least == BREACHED, 3),
            (over_all.unknown, 1),
            otherwise=2,
        ).alias("eligibility"),
    ).collect()


def answer_of_mentees(asked: pl.DataFrame, teachers: pl.DataFrame) -> pl.DataFrame:
    """Answer what the mentee and the mentee's other mentors decide."""
    several = asked.filter(c("mentee_id").is_duplicated()).select(
        "row", "mentee_id", "mentor_id", "starts", "ends_on"
    )
    pairs = several.join(several, on="mentee_id", suffix=".other").filter(
        c("mentor_id") != c("mentor_id.other")
    )
    ends = pl.when(c("starts") <= c("starts.other")).then("ends_on").otherwise("ends_on.other")
    same = c("starts") == c("starts.other")
    overlap = pairs.select(
        "row",
        first_of(
            (same | (ends >= pl.max_horizontal("starts", "starts.other")), BREACHED),
            (ends.is_null(), UNKNOWN),
            otherwise=SATISFIED,
        ).alias("appointment/no_overlap"),
    )
    overlap = overlap.group_by("row").agg(pl.all().max())
    return (
        asked.select("row", "bucket", "mentee_id", "school_id")
        .join(
            teachers.select("teacher_id", "first_taught_on", employer="school_id"),
            left_on="mentee_id",
            right_on="teacher_id",
            how="left",
        )
        .join(overlap, on="row", how="left")
        .select(
            *("row", "bucket"),
            (c("employer") == c("school_id")).alias("mentee_in_school"),
            "first_taught_on",
            c("appointment/no_overlap").fill_null(code(SATISFIED)),
        )
    )


# Candidates --------------------------------------------------------------------------------------


def schools_with_candidates(people: People, done: pl.DataFrame, days: Days) -> pl.DataFrame:
    """Give the schools, beside those that are `done`, of those who may enter the reserve today."""
    at_work = people.teachers.filter(
        ~c("status").is_in(["left", "on_leave"]).fill_null(False)
    ).select(
        *("school_id", *OWN),
        mentor_id="teacher_id",
        subject=pl.lit(None, pl.String),
        on=pl.lit(NOW, pl.Int32),
    )
    likely = at_work.filter(
        c("category").is_in(["researcher", "master"]), (c("ethics") == "observed").fill_null(True)
    )
    found = done
    for some, most in ((likely, 4), (likely, 32), (at_work, None)):
        asked = some.join(found, on="school_id", how="anti")
        if most is not None:
            asked = asked.group_by("school_id").head(most)
        if asked.is_empty():
            continue
        known = facts(asked, people, days, now=False)
        passed = known.lazy().with_columns(one.alias(name) for name, one in eligibility().items())
        eligible = passed.filter(pl.max_horizontal(*eligibility()) == SATISFIED)
        found = pl.concat([found, eligible.select("school_id").collect()]).unique()
    return found


# Acts --------------------------------------------------------------------------------------------


class When(NamedTuple):
    """The first and last day on which an act may have been done, and whether it may not be."""

    first: pl.Expr
    last: pl.Expr
    undone: pl.Expr
    done: pl.Expr


def when(act: str) -> list[pl.Expr]:
    """Work out When of an act as columns."""
    later = c(act) > NOW
    whole = (c("recorded_until") >= NOW).fill_null(True)
    after = c("recorded_until") + 1
    if act == "level_determined_on":
        after = pl.max_horizontal(after, "starts")

    def end(unknown: Any, silent: Any, never: int) -> pl.Expr:
        return (
            pl.when(~c("there"))
            .then(unknown)
            .when(c(act).is_null())
            .then(pl.when(whole).then(never).otherwise(silent))
            .when(later)
            .then(never)
            .otherwise(act)
            .cast(pl.Int32)
        )

    undone = ~c("there") | c(act).is_null() | later.fill_null(False)
    return [
        end(c("starts"), after, 1).alias(f"{act} first"),
        end(pl.lit(NOW), pl.lit(NOW), 0).alias(f"{act} last"),
        undone.alias(f"{act} undone"),
    ]


def known(act: str) -> When:
    first, last = c(f"{act} first"), c(f"{act} last")
    return When(first, last, c(f"{act} undone"), first <= last)


def day_of(*acts: str) -> pl.Expr:
    """Give the day on which the last of acts was done, null where one is not certain."""
    certain = pl.all_horizontal([~c(f"{act} undone") for act in acts])
    return pl.when(certain).then(pl.max_horizontal(acts))


def stands(how: When, due: tuple[pl.Expr, pl.Expr] | None) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Tell whether an act may be in time, late, waiting."""
    if due is None:
        return how.done, pl.lit(False), how.undone
    low, high = due
    return (
        how.done & (how.first <= high),
        (how.done & (how.last > low)) | (how.undone & (low < NOW)),
        how.undone & (high >= NOW),
    )


def outcome(
    how: tuple[pl.Expr, pl.Expr, pl.Expr],
    must: pl.Expr | None = None,
    may: pl.Expr | None = None,
) -> pl.Expr:
    in_time, late, waiting = how
    fails, passes = late & ~in_time & ~waiting, in_time & ~late & ~waiting
    if must is not None and may is not None:
        fails, passes = fails | (~waiting & ~may), passes & must
    return first_of(
        (waiting & ~in_time & ~late, PENDING),
        (fails, BREACHED),
        (passes, SATISFIED),
        otherwise=UNKNOWN,
    )


def signed(acts: Sequence[When]) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Tell whether acts may stand in their order, out of it, or wait."""
    in_time: list[pl.Expr] = []
    late: list[pl.Expr] = []
    waiting: list[pl.Expr] = []
    for done in product((True, False), repeat=len(acts)):
        can_be = pl.all_horizontal(
            [act.done if was else act.undone for was, act in zip(done, acts, strict=True)]
        )
        if (False, True) in pairwise(done):
            late.append(can_be)
            continue
        pairs = list(combinations([act for was, act in zip(done, acts, strict=True) if was], 2))
        late += [can_be & (one.last > other.first) for one, other in pairs]
        in_order = pl.all_horizontal([can_be, *(one.first <= other.last for one, other in pairs)])
        (in_time if all(done) else waiting).append(in_order)
    return pl.any_horizontal(in_time), pl.any_horizontal(late), pl.any_horizontal(waiting)


# Appointments ------------------------------------------------------------------------------------

RULES = (
    *("appointment/beginning_teacher", "appointment/category_term", "appointment/from_reserve"),
    *("appointment/no_overlap", "appointment/not_self", "appointment/one_academic_year"),
    *("appointment/same_school", "appointment/still_qualified", "eligibility/excluded_posts"),
    *("eligibility/pedagogical_ethics", "eligibility/qualification_category"),
    *("eligibility/quality_of_knowledge", "plan/agreed", "plan/approved", "plan/drafted"),
    *("plan/level_determined", "plan/one_academic_year", "plan/signed_in_order"),
    *("reporting/final", "reporting/interim", "reporting/interim_form"),
)
IDS = ("appointment_id", "school_id", "mentor_id", "mentee_id", "subject")
BY_ORDER = tuple(rule for rule in RULES if rule.startswith("appointment/"))


def member(column: str, right: str, perhaps: Sequence[str] = ()) -> tuple[pl.Expr, pl.Expr]:
    must = (c(column) == right).fill_null(False)
    return must, c(column).is_in([right, *perhaps]).fill_null(True)


def every(*conditions: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Tell whether all conditions certainly, and possibly, hold."""
    return (
        pl.all_horizontal([one.fill_null(False) for one in conditions]),
        pl.all_horizontal([one.fill_null(True) for one in conditions]),
    )


def results(cases: pl.DataFrame, days: Days) -> pl.DataFrame:
    """Give what is told of appointments, which have their plans and their answers."""
    frame = cases.lazy().with_columns(
        c("there").fill_null(False),
        pl.coalesce("starts_on", "ordered_on").alias("starts"),
        *((c("week").is_null() | (c("week") == one)).alias(f"week{one}") for one in WEEKS),
    )
    year = days.year_of(c("starts"))
    frame = frame.with_columns(
        days.of_year("first", year).alias("year_first"),
        days.of_year("last", year).alias("year_last"),
        (days.of_year("last", year - 1) + 1).alias("year_begins"),
        days.of_year("half_year_ends", year).alias("half"),
        *(
            table.gather(c("starts") - FIRST).alias(f"level due {week} {roll}")
            for (week, roll), table in days.level_due.items()
        ),
        *(one for act in (*ACTS, *REPORTS) for one in when(act)),
    )
    level, diagnosed, drafted, agreed, approved = (known(act) for act in ACTS)
    interim, final = (known(act) for act in REPORTS)
    both_done = diagnosed.done & drafted.done
    made = When(
        pl.when(both_done).then(pl.max_horizontal(diagnosed.first, drafted.first)).otherwise(1),
        pl.when(both_done).then(pl.max_horizontal(diagnosed.last, drafted.last)).otherwise(0),
        diagnosed.undone | drafted.undone,
        both_done,
    )
    due: dict[tuple[int, bool], tuple[str, str]] = {}
    for week, roll in product(WEEKS, ROLLS):
        undone = pl.when(level.undone).then(f"level due {week} {roll}")
        ends = (
            pl.min_horizontal(pl.when(level.done).then(level.first), undone),
            pl.max_horizontal(pl.when(level.done).then(level.last), undone),
        )
        due[week, roll] = (f"plan due {week} {roll} least", f"plan due {week} {roll} most")
        frame = frame.with_columns(
            days.five_after[week].gather(day - FIRST).alias(name)
            for name, day in zip(due[week, roll], ends, strict=True)
        )

    def over_weeks(how: When, by: Mapping[Week, tuple[pl.Expr, pl.Expr]]) -> Any:
        """Tell how an act may stand in any week that may be the school's."""
        parts = [
            [c(f"week{number}") & one for one in stands(how, dates)] for number, dates in by.items()
        ]
        return tuple(one | other for one, other in zip(*parts, strict=True))

    def certain(by: Mapping[Week, tuple[str, str]]) -> pl.Expr:
        """Give the day on which an act is due in every week that may be the school's."""
        least, most = (
            [pl.when(f"week{week}").then(ends[place]) for week, ends in by.items()]
            for place in range(2)
        )
        first = pl.min_horizontal(least)
        return pl.when(first == pl.max_horizontal(most)).then(first)

    closes = (c("period_until").cast(pl.Date), c("year_last").cast(pl.Date))
    period_must, period_may = every(
        c("period_from") >= pl.min_horizontal("starts", "year_first"),
        (closes[0].dt.year() == closes[1].dt.year()) & (closes[0].dt.month() == 5),
    )
    report = every(
        c("final_body") == "pedagogical_council",
        c("final_has_results"),
        c("final_has_recommendations"),
    )
    drafting, in_school = stands(drafted, None), every(c("mentor_in_school"), c("mentee_in_school"))
    waits = drafting[2] & ~(drafting[0] | ~c("there"))
    late_start = c("starts") > c("half")
    outcomes = {
        "appointment/beginning_teacher": first_of(
            (c("first_taught_on").is_null(), UNKNOWN),
            (c("first_taught_on") < c("year_begins"), BREACHED),
            otherwise=SATISFIED,
        ),
        "appointment/no_overlap": c("appointment/no_overlap"),
        "appointment/one_academic_year": first_of(
            (c("ends_on").is_null(), UNKNOWN),
            (c("ends_on") > c("year_last"), BREACHED),
            otherwise=SATISFIED,
        ),
        "appointment/same_school": first_of(
            (in_school[0], SATISFIED), (~in_school[1], BREACHED), otherwise=UNKNOWN
        ),
        "plan/agreed": outcome(
            stands(agreed, None), *member("agreed_by", "deputy_head_academic", ["deputy_head"])
        ),
        "plan/approved": outcome(stands(approved, None), *member("approved_by", "head")),
        **{
            f"level{place}": outcome(
                over_weeks(level, {week: (c(f"level due {week} {roll}"),) * 2 for week in WEEKS})
            )
            for place, roll in enumerate(ROLLS)
        },
        **{
            f"drafted{place}": outcome(
                over_weeks(
                    made, {week: (c(due[week, roll][0]), c(due[week, roll][1])) for week in WEEKS}
                )
            )
            for place, roll in enumerate(ROLLS)
        },
        "plan/one_academic_year": first_of(
            (period_must, SATISFIED), (~period_may, BREACHED), (waits, PENDING), otherwise=UNKNOWN
        ),
        "plan/signed_in_order": outcome(signed([drafted, agreed, approved])),
        "final0": outcome(stands(final, None), *report),
        "final1": outcome(stands(final, (c("year_last"), c("year_last"))), *report),
        "reporting/interim": pl.when(late_start)
        .then(code(NOT_APPLICABLE))
        .otherwise(
            outcome(
                stands(interim, (c("half"), c("half"))),
                *member("interim_body", "methodical_association"),
            )
        ),
        "reporting/interim_form": pl.when(late_start)
        .then(code(NOT_APPLICABLE))
        .otherwise(outcome(stands(interim, None), *member("interim_form", "video"))),
    }
    rolled = {week: due[week, True] for week in WEEKS}
    acts: dict[str, tuple[pl.Expr | None, pl.Expr | None, pl.Expr | None]] = {
        "plan/agreed": (None, day_of("agreed_on"), None),
        "plan/approved": (None, day_of("approved_on"), None),
        "plan/drafted": (certain(rolled), day_of("diagnosed_on", "drafted_on"), made.done),
        "plan/level_determined": (
            certain({week: (f"level due {week} True",) * 2 for week in WEEKS}),
            day_of("level_determined_on"),
            level.done,
        ),
        "plan/one_academic_year": (None, None, None),
        "plan/signed_in_order": (None, day_of("drafted_on", "agreed_on", "approved_on"), None),
        "reporting/final": (None, day_of("final_on"), None),
        "reporting/interim": (c("half"), day_of("interim_on"), interim.done),
        "reporting/interim_form": (None, day_of("interim_on"), None),
    }
    told = []
    for rule, (last, done, perhaps) in acts.items():
        silent = c(rule).is_in([NOT_APPLICABLE, NOT_IN_FORCE])
        days_late = pl.lit(None, pl.Int32)
        if last is not None and done is not None and perhaps is not None:
            days_late = pl.when(perhaps).then(done).otherwise(NOW) - last
            days_late = pl.when(~silent & (days_late > 0)).then(days_late)
        for part, day in (("due", last), ("done", done)):
            known_day = pl.lit(None, pl.Int32) if day is None else pl.when(~silent).then(day)
            told.append(known_day.cast(pl.Date).alias(f"{rule} {part}"))
        told.append(days_late.cast(pl.Int32).alias(f"{rule} days_late"))
    groups = [
        *([name] for name in ("appointment/one_academic_year", "plan/agreed", "plan/approved")),
        *(["stage0", "stage1"], ["plan/one_academic_year"], ["plan/signed_in_order"]),
        *(["final0", "final1"], ["reporting/interim"]),
    ]
    over_all = reached(groups)
    same = over_all.least == over_all.most
    verdict = first_of(
        ((c("ordered_on") < IN_FORCE) & (c("starts") < IN_FORCE), 5),
        (over_all.most <= NOT_IN_FORCE, 0),
        (same & (over_all.least == PENDING), 1),
        (over_all.least == BREACHED, 4),
        (over_all.unknown, 2),
        otherwise=3,
    )
    return (
        frame.with_columns(
            in_force(value, "ordered_on" if name in BY_ORDER else "starts").alias(name)
            for name, value in outcomes.items()
        )
        .with_columns(
            *(pl.max_horizontal(f"level{n}", f"drafted{n}").alias(f"stage{n}") for n in range(2)),
            merged(["level0", "level1"]).alias("plan/level_determined"),
            merged(["drafted0", "drafted1"]).alias("plan/drafted"),
            merged(["final0", "final1"]).alias("reporting/final"),
        )
        .with_columns(verdict.alias("procedure"))
        .select(
            *IDS,
            word("eligibility", ELIGIBILITY),
            word("procedure", PROCEDURE),
            *(word(rule, OUTCOMES) for rule in RULES),
            *told,
        )
        .collect()
    )


# Counts ------------------------------------------------------------------------------------------


def counts(found: pl.DataFrame, place: pl.Series, schools: pl.DataFrame) -> list[pl.DataFrame]:
    """Count verdicts of all, by region and by kind of school, and the outcomes of each rule.

    `place` is that of each one's school in `schools`.
    """

    def told(counted: pl.DataFrame, by: str, group: pl.Expr, what: str) -> pl.DataFrame:
        return counted.select(
            pl.lit(by).alias("by"),
            group.cast(pl.String).fill_null("").alias("group"),
            pl.lit(what).alias("what"),
            c("value").cast(pl.String),
            c("count").cast(pl.Int64),
        )

    made = []
    for verdict, kind in (("eligibility", ELIGIBILITY), ("procedure", PROCEDURE)):
        words = len(kind.categories)
        codes = found[verdict].to_physical().to_numpy().astype(np.int64)
        counted = np.bincount(place.fill_null(schools.height).to_numpy() * words + codes)
        there = counted.nonzero()[0]
        of_school = pl.DataFrame(
            {
                "place": pl.Series(there // words, dtype=pl.UInt32),
                "value": pl.Series(kind.categories).gather(there % words),
                "count": counted[there],
            }
        ).join(schools, on="place", how="left")
        for by, group in (("all", pl.lit("")), ("region", c("region")), ("kind", c("kind"))):
            made.append(told(of_school, by, group, verdict))
    for rule in RULES:
        counted = np.bincount(found[rule].to_physical().to_numpy(), minlength=len(WORDS))
        of_rule = pl.DataFrame({"value": WORDS, "count": counted}).filter(c("count") > 0)
        made.append(told(of_rule, "rule", pl.lit(rule), "outcome"))
    return made


# The nation --------------------------------------------------------------------------------------


def judge(folder: Path, out: Path) -> None:
    """Judge the nation in `folder` into `out`: results, what is odd, and the summary."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "results").mkdir(parents=True)
    count = pl.scan_parquet(folder / "appointments/*.parquet").select(pl.len()).collect().item()
    buckets, odd = Buckets(out / "work", -(-count // PER_BUCKET)), Odd()
    schools = split_all(folder, buckets, odd)
    ask(buckets)
    days = Days.of(SchoolCalendar.load())
    with_candidate = schools.select("school_id").clear()
    for bucket in range(buckets.count):
        people = read_people(buckets, bucket, schools, odd, days)
        mentees = answer_of_mentees(buckets.read("asked/mentees", bucket), people.teachers)
        mentors = answer_of_mentors(buckets.read("asked/mentors", bucket), people, days)
        for what, answers in (("mentees", mentees), ("mentors", mentors)):
            buckets.split(answers.lazy(), c("bucket"), f"answers/{what}-{bucket}")
        with_candidate = schools_with_candidates(people, with_candidate, days)
    counted: list[pl.DataFrame] = []
    for bucket in range(buckets.count):
        cases = cases_of(buckets, bucket, schools, odd)
        found = results(cases, days)
        found.write_parquet(out / "results" / f"{bucket}.parquet", compression="snappy")
        counted += counts(found, cases["place"], schools)
    short = schools.join(with_candidate, on="school_id", how="anti").select(
        by=pl.lit("school"),
        group="school_id",
        what=pl.lit("candidates"),
        value=pl.lit("none_eligible"),
        count=pl.lit(1, pl.Int64),
    )
    by = ["by", "group", "what", "value"]
    summary = pl.concat([*counted, short]).group_by(by).agg(c("count").sum()).sort(by)
    summary.write_parquet(out / "summary.parquet")
    odd.write(out)
    shutil.rmtree(buckets.folder)


def split_all(folder: Path, buckets: Buckets, odd: Odd) -> pl.DataFrame:
    """Split every table by its key, what is not plain into a bucket of its own; give schools."""
    for name, table in TABLES.items():
        rows = checked(name, folder)
        if name == "schools":
            found = rows.collect()
            schools = odd.once(name, found.filter("plain")).with_row_index("place")
            odd.invalid.append(named(name, found.filter(~c("plain"))))
            continue
        own = pl.when("plain").then(buckets.of(table.key[0])).otherwise(buckets.count)
        buckets.split(rows, own, name)
        if (buckets.folder / name / f"to={buckets.count}").exists():
            odd.invalid.append(named(name, buckets.read(name, buckets.count)))
    return schools


def ask(buckets: Buckets) -> None:
    """Send what appointments ask to the buckets of their mentors and mentees."""
    appointments = pl.concat(
        pl.scan_ipc(
            buckets.folder / f"appointments/to={bucket}/*.ipc", hive_partitioning=False
        ).with_columns(pl.lit(bucket, pl.UInt16).alias("bucket"))
        for bucket in range(buckets.count)
    ).with_columns(pl.coalesce("starts_on", "ordered_on").alias("starts"))
    common = ("row", "bucket", "school_id", "mentor_id", "starts", "ends_on")
    buckets.split(
        appointments.select(
            *(*common, "subject"),
            c("ordered_on").alias("on"),
            (c("mentor_id") == c("mentee_id")).alias("self"),
        ),
        buckets.of("mentor_id"),
        "asked/mentors",
    )
    buckets.split(
        appointments.select(*common, "mentee_id"), buckets.of("mentee_id"), "asked/mentees"
    )


def cases_of(buckets: Buckets, bucket: int, schools: pl.DataFrame, odd: Odd) -> pl.DataFrame:
    """Give the appointments of a bucket, each once, with their plans and answers."""
    cases = odd.once("appointments", buckets.read("appointments", bucket))
    odd.names("appointments", "school_id", cases.join(schools, on="school_id", how="anti"))
    plans = odd.once("plans", buckets.read("plans", bucket))
    cases = cases.join(
        plans.rename({"row": "plan row"}).with_columns(there=pl.lit(True)),
        on="appointment_id",
        how="left",
        maintain_order="left",
    )
    odd.names(
        "plans", "appointment_id", plans.join(cases, left_on="row", right_on="plan row", how="anti")
    )
    answers = cases.select("row")
    for what in ("mentees", "mentors"):
        found = buckets.read(f"answers/{what}-*", bucket).drop("bucket", strict=False)
        answers = answers.join(found, on="row", how="left", maintain_order="left")
    cases = cases.hstack(answers.drop("row").get_columns())
    for who in ("mentor", "mentee"):
        odd.names("appointments", f"{who}_id", cases.filter(c(f"{who}_in_school").is_null()))
    return cases
