"""Facts as columns: what `facts.py` and `acts.py` say of one case, said of many at once.

Each fact is a pair of columns of whole numbers (bounds), or one (a set of possible values), as
the engine `frame` reads them. Every row here is plain and stands once for its key; what touches
any other row is judged one by one (`audit.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, reduce
from itertools import combinations, pairwise, product
from types import MappingProxyType
from typing import Any, NamedTuple

import polars as pl

from mentor_rules.calendar import SchoolCalendar, SchoolYear
from mentor_rules.columns import EPOCH, ROW, SHARE, plain_schema, points_of, rest_of
from mentor_rules.engines.frame import Frame
from mentor_rules.facts import (
    HELD,
    IN_TIME,
    LATE,
    MONTHS,
    NO,
    POSTS,
    SPECS,
    STAGE_1,
    WAITING,
    WHOLE,
    YEARS_COUNTED,
    YES,
    YES_OR_NO,
    Purpose,
    Term,
    Timing,
)
from mentor_rules.records import (
    FIRST_DAY,
    LAST_DAY,
    VOCABULARIES,
    parse_subjects,
    subject_key,
)
from mentor_rules.rulebook import BoundRule
from mentor_rules.workdays import Calendar, Week

Tables = Mapping[str, pl.DataFrame]

CASES = "cases"
AT = "at"  # the place of a case
OVERLAP = "mentors_overlap"
NAMED = ("appointment_id", "school_id", "mentor_id", "mentee_id", "subject")
_YEARS = range(FIRST_DAY.year - YEARS_COUNTED - 1, LAST_DAY.year + 1)
_WEEKS: tuple[Week, ...] = (5, 6)
_LAST = LAST_DAY.toordinal()
_UNKNOWN_YES_NO = pl.lit(YES_OR_NO, pl.Int16)


class Bounds(NamedTuple):
    """What is possible of a number or a day."""

    lo: pl.Expr
    hi: pl.Expr


@dataclass(frozen=True)
class Part:
    """The plain tables of a part of a nation that nothing outside touches.

    `tables` holds the tables that are there; `cases` the appointments to judge, each with its
    plan (`plan.there`, `plan.*`), its mentee (`mentee.there`, `mentee.*`) and whether its
    mentors overlap. Of the mentors all rows are there; those of quality stand as `by_year` gives
    them.
    """

    tables: Tables
    calendar: SchoolCalendar
    as_of: date
    purpose: Purpose = "appointment"

    def of(self, cases: pl.DataFrame) -> "Part":
        """Give the same part with other cases."""
        return replace(self, tables={**self.tables, CASES: cases})


def fact_columns(frame: Frame, part: Part) -> pl.DataFrame:
    """Give the columns that `frame` reads, and those of `act_columns`, beside AT and NAMED."""
    wanted = set(frame.facts)
    names = {name for name, _ in wanted}
    cases = _joined(part)
    categories, posts = (
        cases.select(AT, "on", "now", teacher_id="mentor_id").join(
            _rows(part, table), on="teacher_id"
        )
        for table in ("categories", "posts")
    )
    for day in ("on", "now"):
        if names & set(_OF_CATEGORY[day]):
            cases = _with_category(cases, categories, day)
    if "posts" in part.tables:
        cases = _beside(cases, _highest_posts(posts))
    if "listed_in_reserve" in names:
        cases = _with_listing(cases, part)
    if qualities := [keys for name, keys in wanted if name == "quality"]:
        cases = _with_quality(cases, part, qualities)
    made: dict[str, pl.Expr] = {
        column: pl.col(day)
        for column, day in zip(frame.days.values(), ("on", "starts"), strict=True)
    }
    terms = _Terms(part, cases)
    for (name, keys), columns in frame.facts.items():
        if name == "timing":
            [timing] = keys
            act = terms.timing(timing)
            made[columns.lo] = act.possible
            for said, expression in zip(ACT_PARTS, act[1:], strict=True):
                made[f"{columns.lo} {said}"] = expression
            continue
        found = _FACTS[name](part, *keys)
        if isinstance(found, Bounds):
            made[columns.lo], made[columns.hi] = found
        else:
            made[columns.lo] = found
    types = {
        column: pl.Int16 if SPECS[name].kind == "set" else pl.Int32
        for (name, _), columns in frame.facts.items()
        for column in (columns.lo, columns.hi)
    }
    # Lazily, so that what several columns have in common is worked out once.
    facts = terms.cases.lazy().select(
        AT,
        *NAMED,
        *(
            expression.cast(types.get(column, pl.Int32)).alias(column)
            for column, expression in made.items()
        ),
    )
    return facts.collect()


def act_columns(rule: BoundRule, frame: Frame) -> dict[str, str] | None:
    """Give the columns of when the act of a rule was due and done, and the days it was late.

    They are those of the mildest reading; a rule about no act has none.
    """
    timing = rule.readings[0].timing
    if timing is None:
        return None
    return {part: f"{frame.facts[timing].lo} {part}" for part in ACT_PARTS}


# What the facts are drawn from ----------------------------------------------------------------


def _joined(part: Part) -> pl.DataFrame:
    """Give the cases, each with its days, its mentor and its school."""
    cases = part.tables[CASES].with_row_index(AT)
    if "mentor.there" not in cases.columns:
        cases = with_mentors(cases, _rows(part, "teachers"))
    schools = _rows(part, "schools").select(
        "school_id",
        pl.exclude("school_id").name.prefix("school."),
        pl.lit(True).alias("school.there"),
    )
    cases = _with(cases, schools, "school_id", "school.there")
    usual_from = part.calendar.data.usual_week_from.toordinal()
    usual = part.calendar.data.usual_week
    starts = pl.coalesce("starts_on", "ordered_on")
    week = (
        pl.when(pl.col("school.week").is_not_null())
        .then("school.week")
        .otherwise(pl.when(pl.col("school.there") & (starts >= usual_from)).then(usual))
    )
    return cases.with_columns(
        pl.col("ordered_on").alias("on"),
        starts.alias("starts"),
        pl.lit(part.as_of.toordinal(), pl.Int32).alias("now"),
        *((week.is_null() | (week == days)).alias(f"week.{days}") for days in _WEEKS),
        _year_of(part.calendar, starts).alias("year"),
        (_year_of(part.calendar, pl.col("ordered_on")) - 1).alias("completed"),
    )


def with_mentors(cases: pl.DataFrame, teachers: pl.DataFrame) -> pl.DataFrame:
    """Give cases with `mentor.there`, and what is known of their mentors as `mentor.*`."""
    return _with(cases, of_mentors(teachers, "mentor_id"), "mentor_id", "mentor.there")


def _with(cases: pl.DataFrame, rows: pl.DataFrame, key: str, there: str) -> pl.DataFrame:
    """Give cases with the columns of the row of their key, of which `there` says if there is one.

    Joined to the key alone: a join copies every column that it is given.
    """
    found = cases.select(key).join(rows, on=key, how="left", maintain_order="left")
    found = found.drop(key).with_columns(pl.col(there).fill_null(False))
    return cases.with_columns(found.get_columns())


def of_mentors(teachers: pl.DataFrame, *key: str) -> pl.DataFrame:
    """Give what the table of teachers says of mentors; with the id under the name of a key."""
    return teachers.select(
        *(pl.col("teacher_id").alias(name) for name in key),
        pl.exclude("teacher_id").name.prefix("mentor."),
        pl.lit(True).alias("mentor.there"),
    )


def _rows(part: Part, table: str) -> pl.DataFrame:
    """Give the rows of a table; of one that is not there, none."""
    rows = part.tables.get(table)
    return pl.DataFrame(schema=plain_schema(table)) if rows is None else rows


def _beside(cases: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Add what was found of some cases, each once; the others have null there."""
    places = pl.Series([None], dtype=pl.UInt32).new_from_index(0, cases.height)
    places = places.scatter(found[AT], pl.int_range(found.height, dtype=pl.UInt32, eager=True))
    return cases.with_columns(found.select(pl.exclude(AT).gather(places)).get_columns())


@cache
def _year_of_days(calendar: SchoolCalendar) -> pl.Series:
    """Give the school year that holds each day, as the place of the year in _YEARS."""
    ends = pl.Series([calendar.year(begins).last.toordinal() for begins in _YEARS], dtype=pl.Int32)
    days = pl.Series(range(FIRST_DAY.toordinal(), _LAST + 1), dtype=pl.Int32)
    # The first year that ends on the day or later.
    return ends.search_sorted(days, side="left").cast(pl.Int32)


def _year_of(calendar: SchoolCalendar, day: pl.Expr) -> pl.Expr:
    """Give the place in _YEARS of the school year that holds a day."""
    return pl.lit(_year_of_days(calendar)).gather(day - FIRST_DAY.toordinal())


def _of_year(part: Part, value: Callable[[SchoolYear], date], year: pl.Expr) -> pl.Expr:
    """Give a day of the school year at a place in _YEARS."""
    days = [value(part.calendar.year(begins)).toordinal() for begins in _YEARS]
    return pl.lit(pl.Series(days, dtype=pl.Int32)).gather(year)


def _bit(place: pl.Expr) -> pl.Expr:
    """Give the set that holds one value only, by its place; null stays null."""
    return pl.lit(pl.Series([1 << bit for bit in range(15)], dtype=pl.Int16)).gather(place)


def _set_of(name: str, code: pl.Expr, codes: Sequence[str]) -> pl.Expr:
    """Give the set of a closed value by its place in `codes`; all are possible where it is null."""
    spec = SPECS[name]
    bits = pl.Series([spec.bit(one) for one in codes], dtype=pl.Int16)
    return pl.lit(bits).gather(code).fill_null(spec.everything)


def _yes_no(known: pl.Expr, yes: pl.Expr) -> pl.Expr:
    """Give yes or no where it is known, else both."""
    return pl.when(~known).then(_UNKNOWN_YES_NO).when(yes).then(pl.lit(YES)).otherwise(pl.lit(NO))


def _as_date(ordinal: pl.Expr) -> pl.Expr:
    return (ordinal - EPOCH).cast(pl.Date)


# The mentor's category -----------------------------------------------------------------------

_OF_CATEGORY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"on": ("category", "category_open_ended", "category_years"), "now": ("category_now",)}
)


def _held(code: pl.Expr) -> pl.Expr:
    """Give the place in HELD of a code of the vocabulary."""
    places = [HELD.index(code) for code in VOCABULARIES["teachers"]["category"].codes]
    return pl.lit(pl.Series(places, dtype=pl.Int32)).gather(code)


def _history(rows: pl.DataFrame, day: str) -> pl.DataFrame:
    """Give what the history of categories says of each case on a day; those without have no row.

    `any`: some period covers the day; of those that begin last: `newest`, the lowest and the
    highest category, and their ends. `best`: the highest category of all that began.
    """
    periods = (
        rows.filter(pl.col("from") <= pl.col(day))
        .with_columns(
            _held(pl.col("category")).alias("category"),
            (pl.col("until").is_null() | (pl.col(day) <= pl.col("until"))).alias("covers"),
        )
        .with_columns(pl.col("from").filter(pl.col("covers")).max().over(AT).alias("newest"))
    )
    counts = (pl.col("covers") & (pl.col("from") == pl.col("newest"))).fill_null(False)
    last = pl.col("until").filter(counts)
    return periods.group_by(AT).agg(
        pl.col("covers").any().alias("history.any"),
        pl.col("newest").first().alias("history.newest"),
        pl.col("category").filter(counts).min().alias("history.lowest"),
        pl.col("category").filter(counts).max().alias("history.highest"),
        pl.col("category").max().alias("history.best"),
        last.n_unique().alias("history.ends"),
        last.max().alias("history.last"),
        last.is_null().any().alias("history.open"),
    )


def _with_category(cases: pl.DataFrame, rows: pl.DataFrame, day: str) -> pl.DataFrame:
    """Add what is known of the mentor's category on a day, as `facts._category_on` does."""
    cases = _beside(cases, _history(rows, day))
    on, known = pl.col(day), pl.col("history.any").fill_null(False)
    own = _held(pl.col("mentor.category"))
    first, last = pl.col("mentor.category_from"), pl.col("mentor.category_until")
    stated = own.is_not_null() | first.is_not_null() | last.is_not_null()
    ended = (last < on).fill_null(False)
    awarded = stated & pl.when(first.is_null()).then(ended | ~known).otherwise(first <= on)
    covers = awarded & (first <= on).fill_null(True) & (on <= last).fill_null(True)
    begins = first.fill_null(FIRST_DAY.toordinal())
    newest, highest = pl.col("history.newest"), pl.col("history.highest")
    of_history = known & (~covers | (newest >= begins)).fill_null(False)
    of_row = covers & (~known | (begins >= newest)).fill_null(False)
    conflict = (of_history & (pl.col("history.lowest") != highest)) | (
        of_history & of_row & own.ne_missing(highest)
    )
    # Of records that begin alike the one that ends last counts; its beginning may be unstated.
    row_is_longer = (
        of_row
        & first.is_null()
        & (
            last.fill_null(_LAST)
            > pl.when("history.open").then(pl.lit(_LAST)).otherwise(pl.col("history.last"))
        )
    )
    some_open = (of_history & pl.col("history.open")) | (of_row & last.is_null())
    open_or_not = (of_history & (pl.col("history.ends") > 1)) | (
        of_history
        & of_row
        & last.ne_missing(pl.when(~pl.col("history.open")).then(pl.col("history.last")))
    )
    counting = of_history | of_row
    counted = pl.when(of_history).then(highest).otherwise(own)
    gap = (
        ~pl.col("mentor.there") | conflict | (counting & counted.is_null()) | (~counting & ~awarded)
    )
    found = cases.lazy().with_columns(
        gap.fill_null(True).alias(f"{day}.gap"),
        counting.alias(f"{day}.counting"),
        counted.alias(f"{day}.category"),
        pl.when(of_history & ~row_is_longer.fill_null(False))
        .then(newest)
        .otherwise(first)
        .alias(f"{day}.first"),
        pl.when(~counting | (counted == HELD.index("none")) | ~some_open)
        .then(pl.lit(NO))
        .when(open_or_not.fill_null(False))
        .then(_UNKNOWN_YES_NO)
        .otherwise(pl.lit(YES))
        .alias(f"{day}.open_ended"),
        own.alias(f"{day}.own"),
        pl.max_horizontal(
            pl.col("history.best"), pl.when(awarded).then(own), pl.lit(0, pl.Int32)
        ).alias(f"{day}.best"),
        pl.when(~awarded & first.is_null()).then(own).alias(f"{day}.perhaps"),
    )
    return found.drop(pl.selectors.starts_with("history.")).collect()


def _category(name: str, day: str, validity: str) -> pl.Expr:
    spec = SPECS[name]
    gap, counting = pl.col(f"{day}.gap"), pl.col(f"{day}.counting")
    if validity != "once_awarded":
        return (
            pl.when(gap)
            .then(pl.lit(spec.everything))
            .when(counting)
            .then(_bit(pl.col(f"{day}.category")))
            .otherwise(pl.lit(spec.bit("expired")))
        )
    best, perhaps = pl.col(f"{day}.best"), pl.col(f"{day}.perhaps")
    not_below = spec.everything + 1 - _bit(best)  # the highest ever held is not below what is known
    higher = counting & (perhaps > best).fill_null(False)
    return (
        pl.when(gap | (~counting & pl.col(f"{day}.own").is_null()))
        .then(not_below)
        .when(higher)
        .then(_bit(best) + _bit(perhaps))
        .otherwise(_bit(best))
    )


def _category_open_ended(_: Part) -> pl.Expr:
    return pl.when("on.gap").then(_UNKNOWN_YES_NO).otherwise(pl.col("on.open_ended"))


def _category_years(_: Part) -> Bounds:
    spec = SPECS["category_years"]
    eve, first = _as_date(pl.col("on") - 1), _as_date(pl.col("on.first"))
    # A year from 29 February ends on the 28th where there is no 29th.
    day = (
        pl.when((first.dt.month() == 2) & (first.dt.day() == 29) & ~eve.dt.is_leap_year())
        .then(28)
        .otherwise(first.dt.day())
    )
    month = first.dt.month()
    before = (eve.dt.month() < month) | ((eve.dt.month() == month) & (eve.dt.day() < day))
    years = (eve.dt.year() - first.dt.year() - before.cast(pl.Int32)).clip(0)
    expired = ~pl.col("on.gap") & ~pl.col("on.counting")
    unknown = pl.col("on.gap") | pl.col("on.first").is_null()
    return Bounds(
        *(
            pl.when(expired).then(pl.lit(0)).when(unknown).then(pl.lit(end)).otherwise(years)
            for end in (spec.lo, spec.hi)
        )
    )


# Ethics, posts, the reserve -------------------------------------------------------------------


def _ethics(name: str, day: str, silence: str) -> pl.Expr:
    spec, codes = SPECS[name], VOCABULARIES["teachers"]["ethics"].codes
    found_on = pl.col("mentor.ethics_on")
    later = (found_on > pl.col(day)).fill_null(False)
    finding = pl.when(~later).then(pl.col("mentor.ethics"))
    undated = (finding == codes.index("breached")) & found_on.is_null()
    unknown = (~pl.col("mentor.there") | (finding == codes.index("pending")) | undated).fill_null(
        ~pl.col("mentor.there")
    )
    silent = "observed" if silence == "presumed" else None
    return (
        pl.when(unknown)
        .then(pl.lit(spec.everything))
        .when(finding.is_null())
        .then(pl.lit(spec.bit(silent) if silent else spec.everything))
        .when(finding == codes.index("breached"))
        .then(pl.lit(spec.bit("breached")))
        .otherwise(pl.lit(spec.bit("observed")))
    )


_OF_POST: Mapping[str, str] = MappingProxyType({"on": "post", "now": "post_now"})
_DUTIES = SPECS["post"].keys[0]


def _highest_posts(rows: pl.DataFrame) -> pl.DataFrame:
    """Give the highest post that a mentor holds on each day, as a place in POSTS."""
    acts = pl.col("acting") == VOCABULARIES["posts"]["acting"].codes.index("yes")
    ranks = [POSTS.index(code) for code in VOCABULARIES["posts"]["post"].codes]
    rank = pl.lit(pl.Series(ranks, dtype=pl.Int32)).gather(pl.col("post"))
    highest = []
    for day, name in _OF_POST.items():
        on = pl.col(day)
        active = (pl.col("since") <= on).fill_null(True) & (on <= pl.col("until")).fill_null(True)
        for duties in _DUTIES:
            counts = active if duties == "performs_duties" else active & ~acts.fill_null(False)
            highest.append(pl.when(counts).then(rank).max().alias(f"{name} {duties}"))
    return rows.group_by(AT).agg(highest)


def _post(part: Part, name: str, duties: str) -> pl.Expr:
    if "posts" not in part.tables:
        return pl.lit(SPECS[name].everything)
    return _bit(pl.col(f"{name} {duties}").fill_null(0))


def _with_listing(cases: pl.DataFrame, part: Part) -> pl.DataFrame:
    """Add whether the school's reserve lists the mentor by the day of the order."""
    rows = part.tables.get("reserve")
    if rows is None:
        return cases.with_columns(_UNKNOWN_YES_NO.alias("listed"))
    formed = pl.col("formed_on")
    listed = (
        cases.select(AT, "on", "school_id", teacher_id="mentor_id")
        .join(rows, on="teacher_id", suffix=".of_reserve")
        .filter(pl.col("school_id") == pl.col("school_id.of_reserve"))
        .group_by(AT)
        .agg(
            pl.when((formed <= pl.col("on")).any())
            .then(pl.lit(YES))
            .when(formed.is_null().any())
            .then(_UNKNOWN_YES_NO)
            .otherwise(pl.lit(NO))
            .alias("listed")
        )
    )
    return _beside(cases, listed).with_columns(pl.col("listed").fill_null(NO))


# Quality of knowledge ---------------------------------------------------------------------------

_SUBJECT, _TAUGHT = "subject.code", "subjects.codes"
_PLACES = range(YEARS_COUNTED)
_NO_FIGURE = -1  # of a year of which there is a row without a share


def with_compared_subjects(rows: pl.DataFrame) -> pl.DataFrame:
    """Put subjects in the form in which they are compared, as values of an Enum."""
    subjects = rows["subject"].unique().drop_nulls()
    compared = [subject_key(subject) for subject in subjects]
    values = pl.Series(compared, dtype=pl.Enum(sorted(set(compared))))
    return rows.with_columns(_looked_up("subject", subjects, values))


def _looked_up(column: str, texts: pl.Series, values: pl.Series) -> pl.Expr:
    """Give, for each text of a column, the value that stands where the text stands in `texts`."""
    places = pl.col(column).cast(pl.Enum(texts)).to_physical()
    return pl.lit(values).gather(places).alias(column)


def by_year(rows: pl.DataFrame, calendar: SchoolCalendar, days: pl.Series) -> pl.DataFrame:
    """Give a row for each teacher and subject, with the share of each year as `year YEAR`.

    `rows` are those of quality, subjects as they are compared; the years are those that count
    for orders of these days. Where a year has a row without a share, _NO_FIGURE stands.
    """
    first, last = (
        pl.select(_year_of(calendar, pl.lit(day)) - 1).item() for day in (days.min(), days.max())
    )
    years = _YEARS[first - YEARS_COUNTED + 1 : last + 1]
    year = pl.col("school_year")
    return (
        rows.lazy()
        .filter(year.is_between(years[0], years[-1]))
        .with_columns(
            pl.when(year == one).then(pl.col(SHARE).fill_null(_NO_FIGURE)).alias(f"year {one}")
            for one in years
        )
        .group_by("teacher_id", "subject")
        .agg(pl.col(f"year {one}").max() for one in years)
        .collect()
    )


def _with_quality(
    cases: pl.DataFrame, part: Part, wanted: Sequence[tuple[str, str]]
) -> pl.DataFrame:
    """Add the bounds of quality for each wanted pair of subject and period.

    The three years that count are those of the last completed one, by case.
    """
    rows, asked = _with_subject_codes(
        part.tables["quality"],
        cases.select(
            *(AT, "completed", "mentor_id", "subject"),
            *("mentor.subjects", "mentor.there", "mentor.first_taught_on"),
            *(
                _of_year(part, lambda year: year.last, pl.col("completed") - back).alias(
                    f"end.{place}"
                )
                for place, back in enumerate(reversed(_PLACES))
            ),
        ),
    )
    completed = asked["completed"].unique().to_list()
    return cases.with_columns(_three_years(asked, rows, completed, wanted).get_columns())


def _with_subject_codes(
    rows: pl.DataFrame, cases: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number the subjects of rows and of cases, those of a list too."""
    kind = rows.schema["subject"]
    assert isinstance(kind, pl.Enum)  # noqa: S101 - as `with_compared_subjects` makes it
    numbers = {name: place for place, name in enumerate(kind.categories)}

    def number(subject: str) -> int:
        return numbers.setdefault(subject_key(subject), len(numbers))

    def coded(column: str, code: Callable[[str], Any], dtype: Any) -> pl.Expr:
        texts = cases[column].drop_nulls().unique().sort()
        return _looked_up(column, texts, pl.Series([code(one) for one in texts], dtype=dtype))

    subjects = coded("subject", number, pl.Int32)
    taught = coded(
        "mentor.subjects",
        lambda listed: list(dict.fromkeys(number(one) for one in parse_subjects(listed))),
        pl.List(pl.Int32),
    )
    return (
        rows.with_columns(pl.col("subject").to_physical().cast(pl.Int32).alias(_SUBJECT)),
        cases.with_columns(subjects.alias(_SUBJECT), taught.alias(_TAUGHT)),
    )


def _three_years(
    cases: pl.DataFrame,
    wide: pl.DataFrame,
    completed: Sequence[int],
    wanted: Sequence[tuple[str, str]],
) -> pl.DataFrame:
    """Give the bounds of quality of cases, in their order.

    `wide` has the shares of each teacher and subject in all years that some case asks for, which
    are those up to each of `completed`, places in _YEARS.
    """
    names = {(subject, period): f"quality {subject} {period}" for subject, period in wanted}
    joined = _with_shares(
        cases.join(
            wide,
            left_on=["mentor_id", _SUBJECT],
            right_on=["teacher_id", _SUBJECT],
            how="left",
            maintain_order="left",
        ),
        completed,
    )
    lists = pl.col(_TAUGHT).is_not_null() & (pl.col(_TAUGHT).list.len() > 0)
    teaches = (
        pl.when(lists)
        .then(pl.col(_TAUGHT).list.contains(pl.col(_SUBJECT)))
        .otherwise(pl.col("has_rows") & pl.col("mentor.there"))
        .fill_null(False)
    )
    periods = sorted({period for _, period in wanted})
    own = {period: _bounds_of(period) for period in periods}
    found = joined.select(
        *cases.columns,
        teaches.alias("teaches"),
        lists.alias("lists"),
        *(
            end.alias(f"{period}.{name}")
            for period, bounds in own.items()
            for name, end in zip(("lo", "hi"), bounds, strict=True)
        ),
    ).collect()
    by_subject = {subject for subject, _ in wanted}
    several = found if by_subject - {"mentored"} else found.filter(~pl.col("teaches"))
    found = found.join(
        _over_subjects(several, wide, completed, periods), on=AT, how="left", maintain_order="left"
    )
    made = []
    for (subject, period), name in names.items():
        least = {end: pl.col(f"{period}.{end}.least") for end in ("lo", "hi")}
        most = {end: pl.col(f"{period}.{end}.most") for end in ("lo", "hi")}
        low, high = least["lo"], least["hi"]
        if subject == "any":
            low, high = most["lo"], most["hi"]
        if subject == "mentored":
            # Of an unnamed subject one counts, and it is not known which.
            high = pl.when(pl.col(_SUBJECT).is_null()).then(most["hi"]).otherwise(high)
            low = pl.when("teaches").then(f"{period}.lo").otherwise(low)
            high = pl.when("teaches").then(f"{period}.hi").otherwise(high)
        made += [low.fill_null(0).alias(f"{name}.lo"), high.fill_null(WHOLE).alias(f"{name}.hi")]
    return found.select(made)


def _with_shares(cases: pl.DataFrame, completed: Sequence[int]) -> pl.LazyFrame:
    """Add the shares of the three years that count, and whether there is a row of any of them.

    A year before the mentor first taught counts as missing.
    """
    years, shares = [], []
    for place, back in enumerate(reversed(_PLACES)):
        own: pl.Expr = pl.lit(None, pl.Int64)
        for last in completed:
            same = pl.col("completed") == last
            own = pl.when(same).then(f"year {_YEARS[last - back]}").otherwise(own)
        year = pl.col(f"year.{place}")
        taught = (pl.col("mentor.first_taught_on") <= pl.col(f"end.{place}")).fill_null(True)
        years.append(own.alias(f"year.{place}"))
        shares.append(pl.when(taught & (year != _NO_FIGURE)).then(year).alias(f"share.{place}"))
    has_rows = pl.any_horizontal([pl.col(f"year.{place}").is_not_null() for place in _PLACES])
    return cases.lazy().with_columns(years).with_columns(*shares, has_rows.alias("has_rows"))


def _bounds_of(period: str) -> Bounds:
    """Give the bounds of one subject over its three years, in basis points rounded down."""
    shares = [pl.col(f"share.{place}") for place in _PLACES]
    missing = sum((share.is_null().cast(pl.Int32) for share in shares), pl.lit(0))
    if period == "each_year":
        lowest = points_of(pl.min_horizontal(shares)).fill_null(WHOLE).cast(pl.Int32)
        return Bounds(pl.when(missing > 0).then(pl.lit(0)).otherwise(lowest), lowest)
    points = sum((points_of(share).fill_null(0) for share in shares), pl.lit(0))
    rests = [rest_of(share) for share in shares]
    tops = [top.fill_null(0) for top, _ in rests]
    downs = [down.fill_null(1) for _, down in rests]
    # What the years have above whole basis points, together: one or two more at most.
    whole = reduce(lambda one, other: one * other, downs)
    above = sum(
        (
            reduce(
                lambda one, other: one * other,
                (down for at, down in enumerate(downs) if at != place),
                top,
            )
            for place, top in enumerate(tops)
        ),
        pl.lit(0),
    )
    total = points + above // whole
    return Bounds(
        (total // YEARS_COUNTED).cast(pl.Int32),
        ((total + missing * WHOLE) // YEARS_COUNTED).cast(pl.Int32),
    )


def _over_subjects(
    cases: pl.DataFrame, wide: pl.DataFrame, completed: Sequence[int], periods: Sequence[str]
) -> pl.DataFrame:
    """Give the least and the most of both bounds over all subjects that a mentor teaches."""
    kept = [
        *(AT, "mentor_id", "completed", "mentor.first_taught_on"),
        *(f"end.{place}" for place in _PLACES),
    ]
    listed = (
        cases.filter("lists")
        .select(*kept, pl.col(_TAUGHT).alias(_SUBJECT))
        .explode(_SUBJECT)
        .join(wide, left_on=["mentor_id", _SUBJECT], right_on=["teacher_id", _SUBJECT], how="left")
    )
    # Who states no subjects teaches those of which there are rows.
    of_rows = (
        cases.filter(~pl.col("lists") & pl.col("mentor.there"))
        .select(kept)
        .join(wide, left_on="mentor_id", right_on="teacher_id")
    )
    every = pl.concat(
        [
            _with_shares(listed, completed),
            _with_shares(of_rows.select(listed.columns), completed).filter("has_rows"),
        ]
    )
    ended = {period: _bounds_of(period) for period in periods}
    return (
        every.select(
            AT,
            *(
                end.alias(f"{period}.{name}")
                for period, bounds in ended.items()
                for name, end in zip(("lo", "hi"), bounds, strict=True)
            ),
        )
        .group_by(AT)
        .agg(
            pl.all().min().name.suffix(".least"),
            pl.all().max().name.suffix(".most"),
        )
        .collect()
    )


# Terms ------------------------------------------------------------------------------------------

ACT_PARTS = ("due", "done", "days_late")


class _Act(NamedTuple):
    """How an act stands, when it was due and done where that is certain, and how late it was."""

    possible: pl.Expr
    due: pl.Expr
    done: pl.Expr
    days_late: pl.Expr


class _When(NamedTuple):
    """The days on which acts may have been done, from first to last (none if last is before)."""

    first: pl.Expr
    last: pl.Expr
    undone: pl.Expr

    @property
    def perhaps_done(self) -> pl.Expr:
        return self.first <= self.last

    @property
    def day(self) -> pl.Expr:
        return pl.when((self.first == self.last) & ~self.undone).then(self.first)


_NEVER = pl.lit(None, pl.Int32)


class _Terms:
    """When the acts of plans were done and due: each step is worked out once, as a column."""

    def __init__(self, part: Part, cases: pl.DataFrame) -> None:
        self.cases = cases
        self._part = part
        self._whens: dict[str, _When] = {}
        self._dues: dict[tuple[Term | str, Week], Bounds] = {}
        # A week that no case has is not counted in.
        self._weeks = [week for week in _WEEKS if cases[f"week.{week}"].any()] or [_WEEKS[0]]
        self._counted = {week: _tables_of(part.calendar.week(week)) for week in self._weeks}

    def _kept(self, *made: pl.Expr) -> list[pl.Expr]:
        """Work expressions out now; give the columns that hold them."""
        first = self.cases.width
        names = [f"term {first + place}" for place in range(len(made))]
        self.cases = self.cases.with_columns(
            expression.alias(name) for name, expression in zip(names, made, strict=True)
        )
        return [pl.col(name) for name in names]

    def _when(self, act: str) -> _When:
        """Give when one act of the plan was done, as `acts._when` does."""
        if act not in self._whens:
            self._whens[act] = _When(*self._kept(*_done(act)))
        return self._whens[act]

    def _together(self, acts: Sequence[str]) -> _When:
        """Give when the last of several acts was done, all being needed."""
        whens = [self._when(act) for act in acts]
        if len(whens) == 1:
            return whens[0]
        name = " and ".join(acts)
        if name not in self._whens:
            done = pl.all_horizontal([when.perhaps_done for when in whens])
            self._whens[name] = _When(
                *self._kept(
                    pl.when(done)
                    .then(pl.max_horizontal([when.first for when in whens]))
                    .otherwise(1),
                    pl.when(done)
                    .then(pl.max_horizontal([when.last for when in whens]))
                    .otherwise(0),
                    pl.any_horizontal([when.undone for when in whens]),
                )
            )
        return self._whens[name]

    def _due(self, due: Term | str, week: Week) -> Bounds:
        """Give when an act is due in a week of so many days, as `acts._due` does."""
        if (due, week) not in self._dues:
            self._dues[due, week] = Bounds(*self._kept(*self._ends(due, week)))
        return self._dues[due, week]

    def _ends(self, due: Term | str, week: Week) -> tuple[pl.Expr, pl.Expr]:
        if isinstance(due, str):
            day = _FACTS[due](self._part)
            assert isinstance(day, Bounds)  # noqa: S101 - the loader lets only days be named
            return day.lo, day.lo
        if isinstance(due.start, str):
            start = _FACTS[due.start](self._part)
            assert isinstance(start, Bounds)  # noqa: S101 - the loader lets only days be named
            [last] = self._kept(self._day_after(due, start.lo, week))
            return last, last
        after = self._together(due.start.done)
        assert due.start.due is not None  # noqa: S101 - the loader sees to it
        before = self._due(due.start.due, week)
        # What is null takes no part.
        starts = self._kept(
            pl.min_horizontal(
                pl.when(after.perhaps_done).then(after.first),
                pl.when(after.undone).then(before.lo),
            ),
            pl.max_horizontal(
                pl.when(after.perhaps_done).then(after.last),
                pl.when(after.undone).then(before.hi),
            ),
        )
        first, last = (self._day_after(due, start, week) for start in starts)
        return first, last

    def _day_after(self, term: Term, start: pl.Expr, week: Week) -> pl.Expr:
        """Give the last day of a term from a day on; where the calendar ends, that of records."""
        calendar = self._part.calendar.week(week)
        count, nth = self._counted[week]
        start = pl.max_horizontal(start, pl.lit(calendar.before + 1, pl.Int32))
        days = _days_of(term)
        last = start + days - int(term.same_day)
        if term.unit == "working":
            place = pl.lit(count).gather(start - calendar.before - int(term.same_day)) + days
        elif term.roll:
            [last] = self._kept(last)
            inside = pl.min_horizontal(last, pl.lit(_LAST, pl.Int32))
            place = pl.lit(count).gather(inside - calendar.before - 1) + 1
            place = pl.when(last <= _LAST).then(place).otherwise(len(nth))
        else:
            return pl.min_horizontal(last, pl.lit(_LAST, pl.Int32))
        [place] = self._kept(place)
        beyond = place >= len(nth)
        return (
            pl.when(beyond)
            .then(pl.lit(_LAST, pl.Int32))
            .otherwise(pl.lit(nth).gather(pl.when(~beyond).then(place)))
        )

    def timing(self, timing: Timing) -> _Act:
        """Give how an act stands on the day judged on, as `acts.timing` does."""
        if timing.in_order:
            whens = [self._when(act) for act in timing.done]
            return _Act(_signed(whens), _NEVER, self._together(timing.done).day, _NEVER)
        when = self._together(timing.done)
        perhaps_done = when.perhaps_done
        undated = _possible(in_time=perhaps_done, waiting=when.undone)
        if timing.judged_undone:
            # A row that is not known may state whatever the check asks, the act done or not.
            undated = _possible(in_time=perhaps_done | ~pl.col("plan.there"), waiting=when.undone)
        if timing.due is None:
            return _Act(undated, _NEVER, _NEVER if timing.judged_undone else when.day, _NEVER)
        now = pl.col("now")
        dues = {week: self._due(timing.due, week) for week in self._weeks}
        possible: pl.Expr = pl.lit(0, pl.Int16)
        for week, due in dues.items():
            in_this_week = _possible(
                in_time=perhaps_done & (when.first <= due.hi),
                late=(perhaps_done & (when.last > due.lo)) | (when.undone & (now > due.lo)),
                waiting=when.undone & (now <= due.hi),
            )
            possible |= pl.when(f"week.{week}").then(in_this_week).otherwise(0)
        first = pl.min_horizontal([pl.when(f"week.{w}").then(due.lo) for w, due in dues.items()])
        last = pl.max_horizontal([pl.when(f"week.{w}").then(due.hi) for w, due in dues.items()])
        if isinstance(timing.due, Term):
            in_force = _days_of(timing.due).is_not_null()
            possible = pl.when(in_force).then(possible).otherwise(undated)
            first = pl.when(in_force).then(first)
        [certain] = self._kept(pl.when(first == last).then(first))
        late = pl.when(~perhaps_done).then(now).otherwise(when.day) - certain
        return _Act(possible, certain, when.day, pl.when(late > 0).then(late))


def _done(act: str) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Give the first and last day on which an act may have been done, and whether it may not be."""
    there, stated = pl.col("plan.there"), pl.col(f"plan.{act}")
    now, starts, until = pl.col("now"), pl.col("starts"), pl.col("plan.recorded_until")
    after = until + 1
    if act == STAGE_1:
        after = pl.max_horizontal(after, starts)
    later = stated > now
    whole = (until >= now).fill_null(True)  # the register says all up to the day judged on
    none = (pl.lit(1, pl.Int32), pl.lit(0, pl.Int32))

    def one(unknown: pl.Expr, silent: pl.Expr, none: pl.Expr) -> pl.Expr:
        return (
            pl.when(~there)
            .then(unknown)
            .when(stated.is_null())
            .then(pl.when(whole).then(none).otherwise(silent))
            .otherwise(pl.when(later).then(none).otherwise(stated))
        )

    undone = ~there | stated.is_null() | later.fill_null(False)
    return one(starts, after, none[0]), one(now, now, none[1]), undone


@cache
def _tables_of(calendar: Calendar) -> tuple[pl.Series, pl.Series]:
    return pl.Series(calendar.count, dtype=pl.Int32), pl.Series(calendar.nth, dtype=pl.Int32)


def _days_of(term: Term) -> pl.Expr:
    """Give the number of days of a term in the edition of the day it is dated by, else null."""
    days: pl.Expr = pl.lit(None, pl.Int32)
    for first, until, number in term.counts:
        held = pl.col("starts") >= first.toordinal()
        if until is not None:
            held = held & (pl.col("starts") < until.toordinal())
        days = pl.when(held).then(pl.lit(number, pl.Int32)).otherwise(days)
    return days


def _possible(**held: pl.Expr) -> pl.Expr:
    bits = {"in_time": IN_TIME, "late": LATE, "waiting": WAITING}
    return sum(
        (held[name].cast(pl.Int16) * bit for name, bit in bits.items() if name in held),
        pl.lit(0, pl.Int16),
    )


def _signed(whens: Sequence[_When]) -> pl.Expr:
    """Give whether acts are done in their order, as `acts._signed` does."""
    in_time: list[pl.Expr] = []
    late: list[pl.Expr] = []
    waiting: list[pl.Expr] = []
    for done in product((True, False), repeat=len(whens)):
        can_be = pl.all_horizontal(
            [
                when.perhaps_done if was else when.undone
                for was, when in zip(done, whens, strict=True)
            ]
        )
        if (False, True) in pairwise(done):
            late.append(can_be)  # what comes later is done, what comes before it is not
            continue
        pairs = list(combinations([w for was, w in zip(done, whens, strict=True) if was], 2))
        late += [can_be & (one.last > other.first) for one, other in pairs]
        in_order = pl.all_horizontal([can_be, *(one.first <= other.last for one, other in pairs)])
        (in_time if all(done) else waiting).append(in_order)
    return _possible(
        in_time=pl.any_horizontal(in_time),
        late=pl.any_horizontal(late),
        waiting=pl.any_horizontal(waiting),
    )


# Every fact -----------------------------------------------------------------------------------


def _day(value: pl.Expr) -> Bounds:
    return Bounds(value, value)


def _stated_day(name: str, value: pl.Expr) -> Bounds:
    spec = SPECS[name]
    return Bounds(value.fill_null(spec.lo), value.fill_null(spec.hi))


def _of_plan(name: str) -> pl.Expr:
    return _set_of(name, pl.col(f"plan.{name}"), VOCABULARIES["plans"][name].codes)


def _agreed_by(_: Part) -> pl.Expr:
    spec = SPECS["agreed_by"]
    codes = VOCABULARIES["plans"]["agreed_by"].codes
    # A deputy head without a portfolio may be the one for academic work.
    either = spec.bit("deputy_head_academic") | spec.bit("deputy_head_other")
    bits = [either if code == "deputy_head" else spec.bit(code) for code in codes]
    found = pl.lit(pl.Series(bits, dtype=pl.Int16)).gather(pl.col("plan.agreed_by"))
    return found.fill_null(spec.everything)


def _period_closes_in(part: Part) -> pl.Expr:
    spec, until = SPECS["period_closes_in"], _as_date(pl.col("plan.period_until"))
    closing = _as_date(_of_year(part, lambda year: year.last, pl.col("year"))).dt.year()
    month = _bit(until.dt.month().cast(pl.Int32) + spec.values.index(MONTHS[0]) - 1)
    return (
        pl.when(until.is_null())
        .then(pl.lit(spec.everything, pl.Int16))
        .when(until.dt.year() < closing)
        .then(pl.lit(spec.bit("earlier"), pl.Int16))
        .when(until.dt.year() > closing)
        .then(pl.lit(spec.bit("later"), pl.Int16))
        .otherwise(month)
    )


def _under_way(_: Part) -> pl.Expr:
    now, first, last = pl.col("now"), pl.col("starts"), pl.col("ends_on")
    return (
        pl.when((now < first) | (last < now).fill_null(False))
        .then(pl.lit(NO))
        .when(last.is_null() & (now > first))
        .then(_UNKNOWN_YES_NO)
        .otherwise(pl.lit(YES))
    )


def _starts_year_begins(part: Part) -> Bounds:
    before = _of_year(part, lambda year: year.last, pl.col("year") - 1)
    return _day(before + 1)


def _plan_may_begin_on(part: Part) -> Bounds:
    first = _of_year(part, lambda year: year.first, pl.col("year"))
    return _day(pl.min_horizontal("starts", first))


_FACTS: Mapping[str, Callable[..., pl.Expr | Bounds]] = MappingProxyType(
    {
        "school_kind": lambda _: _set_of(
            "school_kind", pl.col("school.kind"), VOCABULARIES["schools"]["kind"].codes
        ),
        "category": lambda _, validity: _category("category", "on", validity),
        "category_now": lambda _, validity: _category("category_now", "now", validity),
        "category_open_ended": _category_open_ended,
        "category_years": _category_years,
        "ethics": lambda _, silence: _ethics("ethics", "on", silence),
        "ethics_now": lambda _, silence: _ethics("ethics_now", "now", silence),
        "post": lambda part, duties: _post(part, "post", duties),
        "post_now": lambda part, duties: _post(part, "post_now", duties),
        "quality": lambda _, subject, period: Bounds(
            pl.col(f"quality {subject} {period}.lo"), pl.col(f"quality {subject} {period}.hi")
        ),
        "purpose": lambda part: pl.lit(SPECS["purpose"].bit(part.purpose)),
        "mentor_is_mentee": lambda _: _yes_no(
            pl.lit(True), pl.col("mentor_id") == pl.col("mentee_id")
        ),
        "mentor_in_school": lambda _: _yes_no(
            pl.col("mentor.there"), pl.col("mentor.school_id") == pl.col("school_id")
        ),
        "mentee_in_school": lambda _: _yes_no(
            pl.col("mentee.there"), pl.col("mentee.school_id") == pl.col("school_id")
        ),
        "listed_in_reserve": lambda _: pl.col("listed"),
        "mentors_overlap": lambda _: pl.col(OVERLAP),
        "mentee_first_taught_on": lambda _: _stated_day(
            "mentee_first_taught_on", pl.col("mentee.first_taught_on")
        ),
        "starts_year_begins": _starts_year_begins,
        "under_way": _under_way,
        "starts_on": lambda _: _day(pl.col("starts")),
        "ends_on": lambda _: _stated_day("ends_on", pl.col("ends_on")),
        "half_year_ends": lambda part: _day(
            _of_year(part, lambda year: year.half_year_ends, pl.col("year"))
        ),
        "school_year_ends": lambda part: _day(
            _of_year(part, lambda year: year.last, pl.col("year"))
        ),
        "plan_may_begin_on": _plan_may_begin_on,
        "period_from": lambda _: _stated_day("period_from", pl.col("plan.period_from")),
        "period_closes_in": _period_closes_in,
        "agreed_by": _agreed_by,
        **{
            name: lambda _, name=name: _of_plan(name)
            for name in (
                *("approved_by", "interim_body", "interim_form", "final_body"),
                *("final_has_results", "final_has_recommendations"),
            )
        },
    }
)
"""The columns of each fact of an appointment, but for how acts stand."""


# Mentors of one mentee --------------------------------------------------------------------------


def overlaps(appointments: pl.DataFrame) -> pl.DataFrame:
    """Give, by row number, whether another mentor of the mentee has some of the same days.

    All appointments of each mentee must be there; of mentees with one there is no row.
    """
    # By hashes first, which are compared faster than texts.
    perhaps = appointments.filter(pl.col("mentee_id").hash().is_duplicated())
    several = perhaps.filter(pl.col("mentee_id").is_duplicated()).select(
        *(ROW, "mentee_id", "mentor_id", "ends_on"),
        pl.coalesce("starts_on", "ordered_on").alias("first"),
    )
    pairs = several.join(several, on="mentee_id", suffix=".other").filter(
        pl.col("mentor_id") != pl.col("mentor_id.other")
    )
    own_is_first = pl.col("first") <= pl.col("first.other")
    ends = pl.when(own_is_first).then("ends_on").otherwise("ends_on.other")
    second = pl.max_horizontal("first", "first.other")
    same = pl.col("first") == pl.col("first.other")
    return pairs.group_by(ROW).agg(
        pl.when((same | (ends >= second)).any())
        .then(pl.lit(YES, pl.Int16))
        .when((~same & ends.is_null()).any())
        .then(_UNKNOWN_YES_NO)
        .otherwise(pl.lit(NO, pl.Int16))
        .alias(OVERLAP)
    )
