"""Both verdicts from the raw tables of `tests.benchmarks.nation`, written by hand in Polars.

What `audit` is measured by: the blocking and the remediable rules under all live readings, with
the figures of the Order in the code. It is leaner than `audit`: it believes every row, reads only
the forms that the generator writes, judges no advisory rule, and looks up no rulebook. Tables are
split into buckets of mentors, as `audit` splits them, and judged one bucket after another.
"""

import shutil
from collections.abc import Sequence
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.workdays import Calendar
from tests.benchmarks.nation import AS_OF

PER_BUCKET = 625_000  # appointments
EPOCH = 719163  # the ordinal of 1970-01-01
IN_FORCE = 737552 - EPOCH
WEEK_5_FROM = 738429 - EPOCH  # 2022-10-01
NOW = AS_OF.toordinal() - EPOCH
YEARS = range(2014, 2030)
SATISFIED, NOT_APPLICABLE, NOT_IN_FORCE, PENDING, UNKNOWN, BREACHED = range(6)
ROLLS, WEEKS = (True, False), (5, 6)
QUALITY = [(floor, period) for floor in (0, 10) for period in ("mean", "each")]
ACTS = ("level_determined_on", "diagnosed_on", "drafted_on", "agreed_on", "approved_on")

c = pl.col


def code(number: int) -> pl.Expr:
    return pl.lit(number, pl.Int8)


def first_of(*steps: tuple[pl.Expr, int], otherwise: int) -> pl.Expr:
    value = code(otherwise)
    for condition, number in reversed(steps):
        value = pl.when(condition).then(code(number)).otherwise(value)
    return value


# Buckets -----------------------------------------------------------------------------------------


def split(frame: pl.LazyFrame, key: str, folder: Path, buckets: int) -> None:
    """Write rows into a folder for each bucket of a key."""
    bucket = (c(key).hash(160) % buckets).alias("bucket")
    frame.with_columns(bucket).sink_parquet(
        pl.PartitionBy(folder, key="bucket", include_key=False), mkdir=True, compression="lz4"
    )


def days(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Give dates as days since 1970."""
    return frame.with_columns(pl.selectors.date().cast(pl.Int32))


def judge(folder: Path, out: Path) -> None:
    """Judge the nation in `folder` into `out/results`."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "results").mkdir(parents=True)
    work = out / "work"
    tables = {table.name: days(pl.scan_parquet(f"{table}/*.parquet")) for table in folder.iterdir()}
    count = tables["appointments"].select(pl.len()).collect().item()
    buckets = -(-count // PER_BUCKET)
    tables["plans"] = tables["plans"].select(
        *("appointment_id", "recorded_until", *ACTS, "agreed_by", "approved_by", "period_from"),
        *("period_until", "interim_on", "interim_body", "final_on", "final_body"),
        *("final_has_results", "final_has_recommendations"),
    )
    tables["teachers"] = tables["teachers"].select(
        *("teacher_id", "subjects", "category", "category_from", "category_until"),
        *("ethics", "ethics_on"),
    )
    tables["appointments"] = tables["appointments"].drop("order_no")
    for table in ("teachers", "categories", "posts", "quality"):
        split(tables[table], "teacher_id", work / table, buckets)
    for table in ("appointments", "plans"):
        split(tables[table], "appointment_id", work / table, buckets)
    for bucket in range(buckets):
        appointments, plans = (
            pl.read_parquet(f"{work}/{table}/bucket={bucket}/*.parquet").unique("appointment_id")
            for table in ("appointments", "plans")
        )
        joined = appointments.join(
            plans.with_columns(there=pl.lit(True)), on="appointment_id", how="left"
        )
        split(joined.lazy(), "mentor_id", work / f"cases-{bucket}", buckets)
    schools = tables["schools"].unique("school_id").collect()
    calendar = SchoolCalendar.load()
    for bucket in range(buckets):
        cases = pl.read_parquet(f"{work}/cases-*/bucket={bucket}/*.parquet")
        own = {
            table: pl.read_parquet(f"{work}/{table}/bucket={bucket}/*.parquet")
            for table in ("teachers", "categories", "posts", "quality")
        }
        judged = verdicts(facts(cases, schools, own, calendar), calendar)
        judged.collect().write_parquet(out / "results" / f"{bucket}.parquet")
    shutil.rmtree(work)


# Facts of the mentor -----------------------------------------------------------------------------


def of_years(calendar: SchoolCalendar, name: str) -> pl.Series:
    return pl.Series(
        [getattr(calendar.year(year), name).toordinal() - EPOCH for year in YEARS], dtype=pl.Int32
    )


def facts(
    cases: pl.DataFrame,
    schools: pl.DataFrame,
    own: dict[str, pl.DataFrame],
    calendar: SchoolCalendar,
) -> pl.DataFrame:
    """Give the cases with what is known of mentor and school, and the bounds of quality."""
    lasts = of_years(calendar, "last")
    teachers = own["teachers"].unique("teacher_id").with_columns(teacher=pl.lit(True))
    cases = (
        cases.with_row_index("at")
        .filter(c("ordered_on").is_not_null())
        .with_columns(pl.coalesce("starts_on", "ordered_on").alias("starts"))
        .join(schools.select("school_id", "kind", "week"), on="school_id", how="left")
        .join(teachers, left_on="mentor_id", right_on="teacher_id", how="left")
    )
    year_of = [lasts.search_sorted(cases[day], side="left") for day in ("starts", "ordered_on")]
    cases = cases.with_columns(year_of[0].alias("year"), (year_of[1] - 1).alias("completed"))
    asked = cases.select("at", c("mentor_id").alias("teacher_id"), c("ordered_on").alias("on"))
    history = (
        asked.join(own["categories"], on="teacher_id")
        .filter((c("from") <= c("on")) & (c("on") <= c("until")).fill_null(True))
        .group_by("at")
        .agg(c("category").last().alias("once"), c("from").last().alias("once_from"))
    )
    active = (c("since") <= c("on")).fill_null(True) & (c("on") <= c("until")).fill_null(True)
    posts = (
        asked.join(own["posts"], on="teacher_id")
        .filter(active)
        .group_by("at")
        .agg((c("acting") != "yes").fill_null(True).any().alias("holds"), performs=pl.lit(True))
    )
    quality = pl.concat(
        bounds_of_quality(those, own["quality"], YEARS[completed])
        for (completed,), those in cases.partition_by("completed", as_dict=True).items()
    )
    for more in (history, posts, quality):
        cases = cases.join(more, on="at", how="left")
    return cases


def bounds_of_quality(cases: pl.DataFrame, quality: pl.DataFrame, last: int) -> pl.DataFrame:
    """Give the bounds of the yearly and the mean figure, of those whose last year is `last`."""
    years = [f"{year}/{(year + 1) % 100:02}" for year in (last - 2, last - 1, last)]
    share = pl.coalesce(c("learners_good") * 100 / c("learners"), "percent")
    wide = (
        quality.filter(c("school_year").is_in(years))
        .with_columns(share.alias("share"))
        .group_by("teacher_id", "subject")
        .agg(
            c("share").filter(c("school_year") == year).max().alias(f"y{place}")
            for place, year in enumerate(years)
        )
        .with_columns(
            pl.min_horizontal("y0", "y1", "y2").fill_null(100).alias("least"),
            pl.sum_horizontal("y0", "y1", "y2").alias("sum"),
            pl.sum_horizontal(c("y0", "y1", "y2").is_null()).alias("missing"),
        )
        .select(
            *("teacher_id", "subject"),
            pl.when(c("missing") > 0).then(0.0).otherwise("least").alias("each_lo"),
            c("least").alias("each_hi"),
            (c("sum") / 3).alias("mean_lo"),
            ((c("sum") + c("missing") * 100) / 3).alias("mean_hi"),
            rows=pl.lit(True),
        )
    )
    bounds = ("each_lo", "each_hi", "mean_lo", "mean_hi")
    one = cases.select("at", "mentor_id", "subject", "subjects", "teacher").join(
        wide, left_on=["mentor_id", "subject"], right_on=["teacher_id", "subject"], how="left"
    )
    lists = c("subjects").is_not_null()
    listed = c("subjects").str.split("; ")
    teaches = pl.when(lists).then(listed.list.contains(c("subject"))).otherwise(c("rows"))
    one = one.with_columns(teaches.fill_null(False).alias("teaches"))
    others = one.filter(~c("teaches"))
    every = pl.concat(
        [
            others.filter(lists)
            .select("at", "mentor_id", listed.alias("subject"))
            .explode("subject")
            .join(
                wide,
                left_on=["mentor_id", "subject"],
                right_on=["teacher_id", "subject"],
                how="left",
            )
            .select("at", *bounds),
            others.filter(~lists & c("teacher").fill_null(False))
            .select("at", "mentor_id")
            .join(wide, left_on="mentor_id", right_on="teacher_id")
            .select("at", *bounds),
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


class Days(NamedTuple):
    """The working days of a week as columns to look up in."""

    counted: pl.Expr
    nth: pl.Expr
    before: int

    @classmethod
    def of(cls, calendar: Calendar) -> "Days":
        nth = pl.Series(calendar.nth, dtype=pl.Int32) - EPOCH
        count = pl.Series(calendar.count, dtype=pl.Int32)
        return cls(pl.lit(count), pl.lit(nth), calendar.before - EPOCH)

    def rolled(self, day: pl.Expr) -> pl.Expr:
        return self.nth.gather(self.counted.gather(day - self.before - 1) + 1)

    def after(self, day: pl.Expr, working: int) -> pl.Expr:
        return self.nth.gather(self.counted.gather(day - self.before) + working)


# Verdicts ----------------------------------------------------------------------------------------


def verdicts(cases: pl.DataFrame, calendar: SchoolCalendar) -> pl.LazyFrame:
    """Give both verdicts, and the outcomes that they rest on."""
    weeks = {5: Days.of(calendar.week(5)), 6: Days.of(calendar.week(6))}
    first, last, half = (
        pl.lit(of_years(calendar, name)).gather(c("year"))
        for name in ("first", "last", "half_year_ends")
    )
    week = pl.coalesce("week", pl.when(c("starts") >= WEEK_5_FROM).then(5))
    frame = cases.lazy().with_columns(
        c("there").fill_null(False),
        c("teacher").fill_null(False),
        c("holds").fill_null(False),
        c("performs").fill_null(False),
        first.alias("year_first"),
        last.alias("year_last"),
        half.alias("half"),
        *((week.is_null() | (week == one)).alias(f"week{one}") for one in WEEKS),
    )
    frame = frame.with_columns(
        one for act in (*ACTS, "interim_on", "final_on") for one in when(act)
    )
    level, diagnosed, drafted, agreed, approved = (known(act) for act in ACTS)
    both_done = diagnosed.done & drafted.done
    made = When(
        pl.when(both_done).then(pl.max_horizontal(diagnosed.first, drafted.first)).otherwise(1),
        pl.when(both_done).then(pl.max_horizontal(diagnosed.last, drafted.last)).otherwise(0),
        diagnosed.undone | drafted.undone,
        both_done,
    )
    due = {}
    for number, rules in weeks.items():
        for roll in ROLLS:
            ten = c("starts") + 10
            due[number, roll] = f"due{number}{roll}"
            frame = frame.with_columns(
                (rules.rolled(ten) if roll else ten).alias(due[number, roll])
            )
    plan_due = {}
    for (number, roll), ends in due.items():
        begins = (
            pl.min_horizontal(
                pl.when(level.done).then(level.first), pl.when(level.undone).then(ends)
            ),
            pl.max_horizontal(
                pl.when(level.done).then(level.last), pl.when(level.undone).then(ends)
            ),
        )
        names = plan_due[number, roll] = (f"plan{number}{roll}lo", f"plan{number}{roll}hi")
        frame = frame.with_columns(
            weeks[number].after(day, 5).alias(name) for name, day in zip(names, begins, strict=True)
        )

    def over_weeks(how: When, by: dict[int, tuple[pl.Expr, pl.Expr]]) -> Any:
        """Tell how an act may stand in any week that may be the school's."""
        parts = [
            [c(f"week{number}") & one for one in stands(how, dates)] for number, dates in by.items()
        ]
        return tuple(one | other for one, other in zip(*parts, strict=True))

    on, taught = c("ordered_on"), c("teacher")
    row_from, row_until = c("category_from"), c("category_until")
    stated = c("category").is_not_null() | row_from.is_not_null() | row_until.is_not_null()
    known_once = c("once_from").is_not_null()
    ended = (row_until < on).fill_null(False)
    awarded = stated & pl.when(row_from.is_null()).then(ended | ~known_once).otherwise(
        row_from <= on
    )
    covers = awarded & (row_from <= on).fill_null(True) & (on <= row_until).fill_null(True)
    begins_on = row_from.fill_null(-(10**6))
    of_history = known_once & (~covers | (c("once_from") >= begins_on)).fill_null(False)
    of_row = covers & (~known_once | (begins_on >= c("once_from"))).fill_null(False)
    counting = of_history | of_row
    counted = pl.when(of_history).then("once").otherwise("category")
    clash = of_history & of_row & c("category").ne_missing(c("once"))
    gap = ~taught | clash | (counting & counted.is_null()) | (~counting & ~awarded)
    finding = pl.when(~(c("ethics_on") > on).fill_null(False)).then("ethics")
    open_finding = (finding == "pending") | ((finding == "breached") & c("ethics_on").is_null())
    must_reach = pl.when(c("kind") == "small_complement").then(50.0).otherwise(60.0)
    may_reach = pl.when(c("kind") == "ordinary").then(60.0).otherwise(50.0)
    tiny = 1e-9
    closes = (c("period_until").cast(pl.Date), c("year_last").cast(pl.Date))
    in_may = (closes[0].dt.year() == closes[1].dt.year()) & (closes[0].dt.month() == 5)
    may_begin = pl.min_horizontal("starts", "year_first")
    period = (c("period_from") >= may_begin, in_may)
    period_must = pl.all_horizontal([one.fill_null(False) for one in period])
    period_may = pl.all_horizontal([one.fill_null(True) for one in period])
    report = (
        c("final_body") == "pedagogical_council",
        c("final_has_results"),
        c("final_has_recommendations"),
    )
    report_must = pl.all_horizontal([one.fill_null(False) for one in report])
    report_may = pl.all_horizontal([one.fill_null(True) for one in report])
    interim, final = known("interim_on"), known("final_on")
    drafting = stands(drafted, None)
    waits = drafting[2] & ~(drafting[0] | ~c("there"))

    def member(
        column: str, right: Sequence[str], perhaps: Sequence[str]
    ) -> tuple[pl.Expr, pl.Expr]:
        must = c(column).is_in(right).fill_null(False)
        return must, c(column).is_in([*right, *perhaps]).fill_null(True)

    outcomes = {
        "self": first_of((c("mentor_id") == c("mentee_id"), BREACHED), otherwise=SATISFIED),
        "p0": first_of((c("holds"), BREACHED), otherwise=SATISFIED),
        "p1": first_of((c("performs"), BREACHED), otherwise=SATISFIED),
        "ethics": first_of(
            (~taught | open_finding.fill_null(False), UNKNOWN),
            ((finding == "breached").fill_null(False), BREACHED),
            otherwise=SATISFIED,
        ),
        "category": first_of(
            (gap.fill_null(True), UNKNOWN),
            (counting & counted.is_in(["researcher", "master"]), SATISFIED),
            otherwise=BREACHED,
        ),
        **{
            f"q{place}": first_of(
                (c(f"{span}_lo") + tiny >= must_reach + more, SATISFIED),
                (c(f"{span}_hi") + tiny < may_reach + more, BREACHED),
                otherwise=UNKNOWN,
            )
            for place, (more, span) in enumerate(QUALITY)
        },
        "year": first_of(
            (c("ends_on").is_null(), UNKNOWN),
            (c("ends_on") > c("year_last"), BREACHED),
            otherwise=SATISFIED,
        ),
        "agreed": outcome(
            stands(agreed, None), *member("agreed_by", ["deputy_head_academic"], ["deputy_head"])
        ),
        "approved": outcome(stands(approved, None), *member("approved_by", ["head"], [])),
        **{
            f"level{place}": outcome(
                over_weeks(level, {n: (c(due[n, roll]), c(due[n, roll])) for n in WEEKS})
            )
            for place, roll in enumerate(ROLLS)
        },
        **{
            f"drafted{place}": outcome(
                over_weeks(
                    made, {n: (c(plan_due[n, roll][0]), c(plan_due[n, roll][1])) for n in WEEKS}
                )
            )
            for place, roll in enumerate(ROLLS)
        },
        "period": first_of(
            (period_must, SATISFIED), (~period_may, BREACHED), (waits, PENDING), otherwise=UNKNOWN
        ),
        "signed": outcome(signed([drafted, agreed, approved])),
        "final0": outcome(stands(final, None), report_must, report_may),
        "final1": outcome(stands(final, (c("year_last"), c("year_last"))), report_must, report_may),
        "interim": pl.when(c("starts") > c("half"))
        .then(code(NOT_APPLICABLE))
        .otherwise(
            outcome(
                stands(interim, (c("half"), c("half"))),
                *member("interim_body", ["methodical_association"], []),
            )
        ),
    }
    blocking = [["self"], ["p0", "p1"], ["ethics"], ["category"], [f"q{at}" for at in range(4)]]
    remediable = [["year"], ["agreed"], ["approved"], ["stage0", "stage1"], ["period"], ["signed"]]
    remediable += [["final0", "final1"], ["interim"]]
    judged = frame.select(
        "appointment_id",
        (on >= IN_FORCE).alias("ordered in force"),
        (c("starts") >= IN_FORCE).alias("started in force"),
        *(value.alias(name) for name, value in outcomes.items()),
    ).with_columns(
        pl.max_horizontal(f"level{place}", f"drafted{place}").alias(f"stage{place}")
        for place in range(2)
    )
    found = []
    for label, groups in (("b", blocking), ("r", remediable)):
        every = [name for group in groups for name in group]
        found += [
            pl.max_horizontal(
                code(NOT_IN_FORCE), *(pl.min_horizontal(group) for group in groups)
            ).alias(f"{label}least"),
            pl.max_horizontal(code(NOT_IN_FORCE), *every).alias(f"{label}most"),
            pl.any_horizontal([c(name) == UNKNOWN for name in every]).alias(f"{label}open"),
        ]
    least, most, same = c("rleast"), c("rmost"), c("rleast") == c("rmost")
    return judged.with_columns(found).select(
        "appointment_id",
        pl.when(~c("ordered in force"))
        .then(pl.lit("not_judged"))
        .when(c("bmost") <= NOT_IN_FORCE)
        .then(pl.lit("eligible"))
        .when(c("bleast") == BREACHED)
        .then(pl.lit("ineligible"))
        .when("bopen")
        .then(pl.lit("undetermined"))
        .otherwise(pl.lit("depends"))
        .alias("eligibility"),
        pl.when(~c("started in force"))
        .then(pl.lit("not_judged"))
        .when(most <= NOT_IN_FORCE)
        .then(pl.lit("compliant"))
        .when(same & (least == PENDING))
        .then(pl.lit("pending"))
        .when(least == BREACHED)
        .then(pl.lit("breached"))
        .when("ropen")
        .then(pl.lit("undetermined"))
        .otherwise(pl.lit("depends"))
        .alias("procedure"),
        *outcomes,
    )
