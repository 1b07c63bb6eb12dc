"""How many cases a second from columns of facts: the rules as expressions beside rules by hand.

    python -m tests.benchmarks.fact_columns [CASES] [ROUNDS]

Eight rules, twelve readings, both verdicts, from Parquet to Parquet: the engine `frame` on
streamed Polars and on DuckDB, the same columns written by hand in Polars and in SQL, and the
floor, which reads the same columns and writes as many as are wanted. They take turns; the median
over the rounds (three unless told) of a million cases (unless told) is printed with its ratio to
Polars by hand. All outputs must be equal.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import reduce
from operator import xor
from pathlib import Path

import duckdb
import narwhals as nw
import numpy as np
import polars as pl

from mentor_rules.engines.frame import Frame
from mentor_rules.facts import SPECS
from mentor_rules.judging import bench_for
from mentor_rules.loading import builtin_rulebook

RULES = (
    "appointment/not_self",
    "eligibility/excluded_posts",
    "eligibility/pedagogical_ethics",
    "eligibility/qualification_category",
    "eligibility/quality_of_knowledge",
    "plan/agreed",
    "plan/level_determined",
    "reporting/interim",
)
WANTED = ("id", *RULES, "eligibility", "procedure")
IN_FORCE = 737552  # 2020-05-07
PART = 1_000_000


def frame() -> Frame:
    """Give the engine over RULES, as it is without any choice of readings."""
    rulebook = builtin_rulebook()
    settled = rulebook.settle(None)
    rules = bench_for(rulebook, settled, "en", "appointment").engine.rules
    return Frame([rule for rule in rules if rule.rule.id in RULES], settled)


def write_facts(folder: Path, cases: int, engine: Frame, seed: int = 160) -> None:
    """Write seeded columns of facts, a sixth of them open, in several files."""
    for place, first in enumerate(range(0, cases, PART)):
        count = min(PART, cases - first)
        draw = np.random.default_rng([seed, place])
        columns = {"id": np.arange(first, first + count)}
        for day in engine.days.values():
            columns[day] = draw.integers(IN_FORCE - 20, IN_FORCE + 2400, count, dtype=np.int32)
        for (name, _), held in engine.facts.items():
            spec = SPECS[name]
            is_open = draw.random(count) < 1 / 6
            if spec.kind == "set":
                # The value that lets a case pass is the commonest.
                best = {"category": 8, "mentor_is_mentee": 0}.get(name, 0)
                value = 1 << np.where(
                    draw.random(count) < 0.85, best, draw.integers(0, len(spec.values), count)
                )
                several = value | 1 << draw.integers(0, len(spec.values), count)
                columns[held.lo] = np.where(is_open, several, value).astype(np.int16)
                continue
            middle, spread = (7500, 2000) if spec.kind == "number" else (IN_FORCE + 1200, 600)
            value = middle + draw.integers(-spread, spread, count)
            columns[held.lo] = np.where(is_open, value - spread // 2, value).astype(np.int32)
            columns[held.hi] = np.where(is_open, value + spread // 2, value).astype(np.int32)
        pl.DataFrame(columns).write_parquet(folder / f"part-{place:04}.parquet")


# The same, by hand ---------------------------------------------------------------------------


def by_hand(facts: pl.LazyFrame) -> pl.LazyFrame:
    """Give WANTED: codes as the engine has them."""
    c = pl.col

    def code(number: int) -> pl.Expr:
        return pl.lit(number, pl.Int8)

    def plain(satisfied: pl.Expr, breached: pl.Expr) -> pl.Expr:
        return pl.when(satisfied).then(code(0)).when(breached).then(code(5)).otherwise(code(4))

    def act(name: str, by: pl.Expr | None = None) -> pl.Expr:
        stands = c(f"timing {name}")
        late, in_time = stands == 2, stands == 1
        if by is not None:
            late, in_time = late | ((stands < 4) & (by % 2 == 0)), in_time & (by == 1)
        return (
            pl.when(stands == 4)
            .then(code(3))
            .when(late)
            .then(code(5))
            .when(in_time)
            .then(code(0))
            .otherwise(code(4))
        )

    def merged(names: Sequence[str]) -> pl.Expr:
        some = pl.any_horizontal([c(name) == 4 for name in names])
        least, most = c(f"{names[0]} least"), c(f"{names[0]} most")
        return pl.when(least == most).then(least).when(some).then(code(4)).otherwise(code(6))

    def dated(value: pl.Expr, by: str) -> pl.Expr:
        return pl.when(c(by)).then(value).otherwise(code(2))

    small, not_ordinary = c("school_kind") == 2, c("school_kind") != 1
    posts, quality, levels = ("p0", "p1"), ("q0", "q1", "q2", "q3"), ("l0", "l1")
    report = act("reporting/interim", c("interim_body"))
    first = facts.with_columns(
        # The lower figure that must be reached, and that may be enough.
        pl.when(small).then(pl.lit(5000, pl.Int32)).otherwise(pl.lit(6000, pl.Int32)).alias("must"),
        pl.when(not_ordinary)
        .then(pl.lit(5000, pl.Int32))
        .otherwise(pl.lit(6000, pl.Int32))
        .alias("may"),
    ).select(
        "id",
        (c("day:ordered_on") >= IN_FORCE).alias("ordered"),
        (c("day:starts_on") >= IN_FORCE).alias("starts"),
        plain(c("mentor_is_mentee") == 1, c("mentor_is_mentee") == 2).alias("self"),
        *(
            plain(c(column) == 1, c(column) % 2 == 0).alias(name)
            for name, column in zip(posts, ("post:holds_post", "post:performs_duties"), strict=True)
        ),
        plain(c("ethics:presumed") == 1, c("ethics:presumed") == 2).alias("ethics"),
        plain(c("category:must_be_valid") % 256 == 0, c("category:must_be_valid") < 256).alias(
            "category"
        ),
        *(
            plain(
                c(f"quality:mentored:{period}:lo") >= c("must") + more,
                c(f"quality:mentored:{period}:hi") < c("may") + more,
            ).alias(name)
            for name, (more, period) in zip(
                quality,
                ((more, period) for more in (0, 1000) for period in ("mean", "each_year")),
                strict=True,
            )
        ),
        act("plan/agreed", c("agreed_by")).alias("agreed"),
        act("plan/level_determined roll=to_working_day").alias("l0"),
        act("plan/level_determined roll=none").alias("l1"),
        pl.when(c("starts_on:lo") > c("half_year_ends:hi"))
        .then(code(1))
        .when(c("starts_on:hi") <= c("half_year_ends:lo"))
        .then(report)
        .when(report == 0)
        .then(code(0))
        .otherwise(code(4))
        .alias("interim"),
    )
    second = first.with_columns(
        how(names).alias(f"{names[0]} {label}")
        for names in (posts, quality, levels)
        for label, how in (("least", pl.min_horizontal), ("most", pl.max_horizontal))
    )
    blocking = ("self", "ethics", "category")
    third = second.with_columns(
        pl.max_horizontal(*blocking, "p0 least", "q0 least").alias("low"),
        pl.max_horizontal(*blocking, "p0 most", "q0 most").alias("high"),
        # What passes is one, whichever way it does.
        pl.max_horizontal(code(2), "agreed", "interim", "l0 least").alias("lowest"),
        pl.max_horizontal(code(2), "agreed", "interim", "l0 most").alias("highest"),
    )
    some = pl.any_horizontal([c(name) == 4 for name in (*blocking, *posts, *quality)])
    some_act = pl.any_horizontal([c(name) == 4 for name in ("agreed", "interim", *levels)])
    same = c("lowest") == c("highest")
    outcomes = (
        dated(c("self"), "ordered"),
        dated(merged(posts), "ordered"),
        dated(c("ethics"), "ordered"),
        dated(c("category"), "ordered"),
        dated(merged(quality), "ordered"),
        dated(c("agreed"), "starts"),
        dated(merged(levels), "starts"),
        dated(c("interim"), "starts"),
    )
    return third.select(
        "id",
        *(outcome.alias(rule) for rule, outcome in zip(RULES, outcomes, strict=True)),
        pl.when(~c("ordered"))
        .then(code(4))
        .when(c("high") <= 2)
        .then(code(0))
        .when(c("low") == 5)
        .then(code(3))
        .when(some)
        .then(code(1))
        .otherwise(code(2))
        .alias("eligibility"),
        pl.when(~c("starts"))
        .then(code(5))
        .when(same & (c("lowest") == 2))
        .then(code(0))
        .when(same & (c("lowest") == 3))
        .then(code(1))
        .when(same & (c("lowest") == 5))
        .then(code(4))
        .when((c("lowest") <= 4) & some_act)
        .then(code(2))
        .otherwise(code(3))
        .alias("procedure"),
    )


def in_sql(files: str) -> str:
    """Write the same as one SQL query."""

    def plain(satisfied: str, breached: str) -> str:
        return f"case when {satisfied} then 0 when {breached} then 5 else 4 end::tinyint"

    def act(name: str) -> str:
        column = f'"timing {name}"'
        return f"case {column} when 4 then 3 when 2 then 5 when 1 then 0 else 4 end::tinyint"

    def act_by(name: str, by: str) -> str:
        column = f'"timing {name}"'
        return (
            f"case when {column} = 4 then 3 when {column} = 2 or ({column} < 4 and {by} % 2 = 0) "
            f"then 5 when {column} = 1 and {by} = 1 then 0 else 4 end::tinyint"
        )

    def merged(names: Sequence[str]) -> str:
        every = ", ".join(names)
        some = " or ".join(f"{name} = 4" for name in names)
        return (
            f"case when least({every}) = greatest({every}) then {names[0]} "
            f"when {some} then 4 else 6 end::tinyint"
        )

    q = [
        plain(
            f'"quality:mentored:{period}:lo" >= case when school_kind = 2 then {5000 + more} '
            f"else {6000 + more} end",
            f'"quality:mentored:{period}:hi" < case when school_kind = 1 then {6000 + more} '
            f"else {5000 + more} end",
        )
        for more in (0, 1000)
        for period in ("mean", "each_year")
    ]
    posts = [
        plain(f'"{name}" = 1', f'"{name}" % 2 = 0')
        for name in ("post:holds_post", "post:performs_duties")
    ]
    report = act_by("reporting/interim", "interim_body")
    blocking = ["self", "ethics", "category", "p0", "p1", "q0", "q1", "q2", "q3"]

    def some(names: Sequence[str], value: int = 4) -> str:
        return " or ".join(f"{name} = {value}" for name in names)

    return f"""
    with facts as (
        select id,
            "day:ordered_on" >= {IN_FORCE} as ordered,
            "day:starts_on" >= {IN_FORCE} as starts,
            {plain("mentor_is_mentee = 1", "mentor_is_mentee = 2")} as self,
            {posts[0]} as p0, {posts[1]} as p1,
            {plain('"ethics:presumed" = 1', '"ethics:presumed" = 2')} as ethics,
            {
        plain('"category:must_be_valid" % 256 = 0', '"category:must_be_valid" < 256')
    } as category,
            {", ".join(f"{one} as q{place}" for place, one in enumerate(q))},
            {act_by("plan/agreed", "agreed_by")} as agreed,
            {act("plan/level_determined roll=to_working_day")} as l0,
            {act("plan/level_determined roll=none")} as l1,
            case when "starts_on:lo" > "half_year_ends:hi" then 1
                when "starts_on:hi" <= "half_year_ends:lo" then {report}
                when {report} = 0 then 0 else 4 end::tinyint as interim
        from read_parquet('{files}')
    ), ranks as (
        select *,
            greatest(self, ethics, category, least(p0, p1), least(q0, q1, q2, q3)) as low,
            greatest({", ".join(blocking)}) as high,
            greatest(2, agreed, interim, least(l0, l1)) as lowest,
            greatest(2, agreed, interim, l0, l1) as highest
        from facts
    )
    select id,
        {
        ", ".join(
            f'case when {by} then {one} else 2 end::tinyint as "{rule}"'
            for rule, (one, by) in zip(
                RULES,
                (
                    ("self", "ordered"),
                    (merged(["p0", "p1"]), "ordered"),
                    ("ethics", "ordered"),
                    ("category", "ordered"),
                    (merged(["q0", "q1", "q2", "q3"]), "ordered"),
                    ("agreed", "starts"),
                    (merged(["l0", "l1"]), "starts"),
                    ("interim", "starts"),
                ),
                strict=True,
            )
        )
    },
        case when not ordered then 4 when high <= 2 then 0 when low = 5 then 3
            when {some(blocking)} then 1 else 2 end::tinyint as eligibility,
        case when not starts then 5 when lowest = highest and lowest = 2 then 0
            when lowest = highest and lowest = 3 then 1 when lowest = highest and lowest = 5 then 4
            when lowest <= 4 and ({some(["agreed", "interim", "l0", "l1"])}) then 2
            else 3 end::tinyint as procedure
    from ranks
    """  # noqa: S608 - nothing in it comes from outside


def ways(engine: Frame, facts: str) -> dict[str, Callable[[Path], object]]:
    """Give what is timed: each writes one file."""
    numbers = [name for name in engine.columns if name not in engine.days.values()]

    def floor(out: Path) -> object:
        read = pl.scan_parquet(facts)
        # Every column takes part, and as many as are wanted are written.
        kept = [
            reduce(xor, map(pl.col, numbers[place :: len(WANTED) - 1])).cast(
                pl.Int8, wrap_numerical=True
            )
            for place in range(len(WANTED) - 1)
        ]
        named = (one.alias(name) for one, name in zip(kept, WANTED[1:], strict=True))
        return read.select("id", *named).sink_parquet(out)

    def ours(out: Path) -> object:
        judged = engine.judge(nw.from_native(pl.scan_parquet(facts)))
        return judged.select(*WANTED).to_native().sink_parquet(out)

    def ours_on_duckdb(out: Path) -> object:
        with duckdb.connect() as connection:
            relation = connection.read_parquet(facts)
            judged = engine.judge(nw.from_native(relation)).select(*WANTED)
            return judged.to_native().write_parquet(str(out))

    def sql(out: Path) -> object:
        with duckdb.connect() as connection:
            return connection.execute(f"copy ({in_sql(facts)}) to '{out}' (format parquet)")

    return {
        "floor: scan and write": floor,
        "Polars by hand": lambda out: by_hand(pl.scan_parquet(facts)).sink_parquet(out),
        "frame on Polars": ours,
        "SQL by hand, on DuckDB": sql,
        "frame on DuckDB": ours_on_duckdb,
    }


def main(arguments: Sequence[str] = ()) -> None:
    """Print cases a second of each, and ratios."""
    cases = int(arguments[0]) if arguments else 1_000_000
    rounds = int(arguments[1]) if len(arguments) > 1 else 3
    engine = frame()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "facts").mkdir()
        write_facts(folder / "facts", cases, engine)
        asked = ways(engine, f"{folder}/facts/*.parquet")
        taken: dict[str, list[float]] = {way: [] for way in asked}
        outs = {way: folder / f"{place}.parquet" for place, way in enumerate(asked)}
        for _ in range(rounds):
            for way, work in asked.items():
                started = time.perf_counter()
                work(outs[way])
                taken[way].append(time.perf_counter() - started)
        first = pl.read_parquet(outs["frame on Polars"])
        for verdict in WANTED[1:]:
            counts = first[verdict].value_counts().sort(verdict).rows()
            print(verdict, " ".join(f"{code}:{count / cases:.1%}" for code, count in counts))
        for way, out in outs.items():
            if not way.startswith("floor"):
                other = pl.read_parquet(out).sort("id").cast(first.schema)
                differing = [name for name in WANTED if not other[name].equals(first[name])]
                assert not differing, (way, differing)
    medians = {way: statistics.median(seconds) for way, seconds in taken.items()}
    by_hand_takes = medians["Polars by hand"]
    print(f"\n{'from ' + format(cases, ',') + ' cases':<26}{'s':>8}{'M/s':>8}{'/ by hand':>11}")
    for way, seconds in medians.items():
        speed = cases / seconds / 1e6
        print(f"{way:<26}{seconds:>8.2f}{speed:>8.2f}{by_hand_takes / seconds:>11.2f}")
    ratio = by_hand_takes / medians["frame on Polars"]
    floor = medians["floor: scan and write"] / by_hand_takes
    print(f"frame on Polars / by hand: {ratio:.2f} (wanted 0.8)")
    print(f"Polars by hand / floor: {floor:.2f} (wanted 0.6)")


if __name__ == "__main__":
    main(sys.argv[1:])
