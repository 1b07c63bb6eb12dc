"""The raw tables of an invented nation, as Parquet, of any size.

    python -m tests.benchmarks.nation FOLDER APPOINTMENTS [SEED]

Writes `FOLDER/TABLE/part-*.parquet` in the columns of docs/records.md: of N appointments N / 400
schools, N / 3 mentors, 0.85 N beginning teachers, 1.5 N quality rows, 0.95 N plans, some posts,
earlier categories and a reserve. Every outcome and verdict is reached on AS_OF, a tenth of the
mentors lies where live readings part, and a small share of rows is odd: a cell that cannot be
read, a row that stands twice, an id that names nobody.

Whatever is drawn is a hash of seed, purpose and number of a row: the tables agree with each
other, and the same N and seed give the same ones in any number of parts.
"""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import polars as pl

AS_OF = date(2026, 11, 23)
PART = 500_000  # rows of a file
MISSING = None
SUBJECTS = ("mathematics", "physics", "қазақ тілі", "русский язык", "history", "chemistry")
LATEST = 2026
_EPOCH = date(1970, 1, 1).toordinal()

Numbers = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]
Choice = tuple[tuple[Any, float], ...]


class Nation:
    """Draws the rows of each table by their numbers."""

    def __init__(self, appointments: int, seed: int = 160, *, decimal: bool = False) -> None:
        self.seed, self.decimal = seed, decimal
        self.appointments = appointments
        self.schools = max(appointments // 400, 2)
        self.mentors = max(appointments // 3, 4)
        self.mentees = max(appointments * 85 // 100, 4)

    # Drawing

    def share(self, purpose: str, rows: Numbers) -> Shares:
        """Draw a number from 0 to 1 for each row."""
        mixed = rows.astype(np.uint64) + np.uint64((self.seed << 32) + crc32(purpose.encode()))
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            mixed = (mixed + np.uint64(0x9E3779B97F4A7C15)) ^ (mixed >> np.uint64(shift))
            mixed *= np.uint64(factor)
        found: Shares = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
        return found

    def below(self, limit: int | Numbers, purpose: str, rows: Numbers) -> Numbers:
        """Draw a whole number from 0 up to a limit that is not reached."""
        found: Numbers = (self.share(purpose, rows) * limit).astype(np.int64)
        return found

    def one_of(self, choice: Choice, purpose: str, rows: Numbers) -> pl.Series:
        """Draw one of some values, each with its share."""
        ends = np.cumsum([share for _, share in choice])
        place = np.searchsorted(ends, self.share(purpose, rows) * ends[-1], side="right")
        return pl.Series([value for value, _ in choice]).gather(place)

    def days(
        self, days: Numbers, stated: npt.NDArray[np.bool_] | float, purpose: str, rows: Numbers
    ) -> pl.Series:
        """Give days since 1970 as dates, where they are stated or with the share that is."""
        if isinstance(stated, float):
            stated = self.share(f"{purpose} stated", rows) < stated
        found = pl.Series(days).cast(pl.Int32).cast(pl.Date)
        return found.zip_with(pl.Series(stated), pl.Series([None], dtype=pl.Date))

    # What several tables share

    def year_of(self, mentors: Numbers) -> Numbers:
        """Give the school year in which a mentor is appointed."""
        years = ((2026, 0.7), (2025, 0.15), (2024, 0.05), (2023, 0.04), (2022, 0.04), (2020, 0.02))
        return self.one_of(years, "year", mentors).to_numpy().astype(np.int64)

    def who(self, rows: Numbers) -> tuple[Numbers, Numbers]:
        """Give the mentor and the mentee of an appointment, nearly always of one school."""
        again = self.below(self.mentees, "again", rows)
        mentee = np.where(rows < self.mentees, rows, again)
        school = mentee % self.schools
        elsewhere = self.share("elsewhere", rows) < 0.01
        school = np.where(elsewhere, self.below(self.schools, "other school", rows), school)
        mentor = school + self.schools * self.below(
            max(self.mentors // self.schools, 1), "mentor", rows
        )
        return mentor % self.mentors, mentee

    def starts(self, rows: Numbers) -> tuple[Numbers, Numbers]:
        """Give the school year of an appointment, and the day on which it starts."""
        year = self.year_of(self.who(rows)[0])
        year = year - (self.share("year before", rows) < 0.03)
        late = self.one_of(
            ((0, 0.6), (1, 0.1), (14, 0.1), (40, 0.1), (-6, 0.05), (110, 0.05)), "late", rows
        )
        return year, _day(year, 9, 1) + late.to_numpy() + self.below(4, "day", rows)

    def subjects_of(self, mentors: Numbers) -> tuple[Numbers, Numbers]:
        """Give the first subject of a mentor, and the second, which is -1 for two of three."""
        first = self.below(len(SUBJECTS), "subject", mentors)
        second = (first + 1 + self.below(len(SUBJECTS) - 1, "second", mentors)) % len(SUBJECTS)
        return first, np.where(self.share("two subjects", mentors) < 1 / 3, second, -1)

    # Tables

    def schools_rows(self, rows: Numbers) -> pl.DataFrame:
        region = rows % 20
        return pl.DataFrame(
            {
                "school_id": _ids("S", rows),
                "kind": self.one_of(
                    (("ordinary", 0.62), ("small_complement", 0.33), (MISSING, 0.05)), "kind", rows
                ),
                "week": self.one_of(((5, 0.4), (6, 0.15), (MISSING, 0.45)), "week", rows),
                "region": _ids("R", region),
                "district": _ids("D", region * 10 + rows // 20 % 10),
            }
        )

    def teachers_rows(self, rows: Numbers) -> pl.DataFrame:
        """Mentors come first, then beginning teachers."""
        return pl.concat(
            [
                self._mentors(rows[rows < self.mentors]),
                self._beginners(rows[rows >= self.mentors] - self.mentors),
            ]
        )

    def _mentors(self, rows: Numbers) -> pl.DataFrame:
        year = self.year_of(rows)
        held = _day(year - self.below(6, "held for", rows), 8, 20) + self.below(300, "held", rows)
        held = np.minimum(held, _day(year, 9, 20))
        dated = self.share("category from", rows) < 0.85
        ends = dated & (self.share("category until", rows) < 0.4)
        found = _day(year, 6, 1) - self.below(700, "ethics on", rows)
        ethics = (("observed", 0.62), (MISSING, 0.345), ("breached", 0.02), ("pending", 0.015))
        observed = self.one_of(ethics, "ethics", rows)
        taught = _day(2000 + self.below(18, "taught", rows), 9, 1)
        return pl.DataFrame(
            {
                "teacher_id": _ids("T", rows),
                "school_id": _ids("S", rows % self.schools),
                "subjects": self._listed(rows),
                "category": self.one_of(
                    (
                        *(("researcher", 0.5), ("master", 0.32), ("expert", 0.06)),
                        *(("moderator", 0.03), ("first", 0.03), ("highest", 0.02)),
                        *(("none", 0.01), (MISSING, 0.03)),
                    ),
                    "category",
                    rows,
                ),
                "category_from": self.days(held, dated, "held", rows),
                "category_until": self.days(held + 5 * 365 + 1, ends, "ends", rows),
                "ethics": observed,
                "ethics_on": self.days(found, observed.is_not_null().to_numpy(), "found", rows),
                "ethics_document": pl.select(
                    pl.when(observed.is_not_null()).then(pl.lit("protocol 4"))
                ).to_series(),
                "status": self.one_of(
                    (("working", 0.8), (MISSING, 0.17), ("on_leave", 0.02), ("left", 0.01)),
                    "status",
                    rows,
                ),
                "first_taught_on": self.days(taught, 0.7, "taught", rows),
            }
        )

    def _listed(self, rows: Numbers) -> pl.Series:
        names = [
            one if two is None else f"{one}; {two}" for one in SUBJECTS for two in (None, *SUBJECTS)
        ]
        first, second = self.subjects_of(rows)
        listed = pl.Series(names).gather(first * (len(SUBJECTS) + 1) + second + 1)
        return listed.zip_with(
            pl.Series(self.share("subjects stated", rows) < 0.55),
            pl.Series([None], dtype=pl.String),
        )

    def _beginners(self, rows: Numbers) -> pl.DataFrame:
        first = _day(self.starts(rows)[0] - (self.share("not new", rows) < 0.08) * 2, 9, 1)
        count = len(rows)
        never = pl.Series([None], dtype=pl.Date).new_from_index(0, count)
        silent = pl.Series([None], dtype=pl.String).new_from_index(0, count)
        return pl.DataFrame(
            {
                "teacher_id": _ids("N", rows),
                "school_id": _ids("S", rows % self.schools),
                "subjects": silent,
                "category": self.one_of(
                    (("none", 0.2), ("teacher", 0.6), (MISSING, 0.2)), "begins as", rows
                ),
                "category_from": never,
                "category_until": never,
                "ethics": silent,
                "ethics_on": never,
                "ethics_document": silent,
                "status": self.one_of((("working", 0.8), (MISSING, 0.2)), "works", rows),
                "first_taught_on": self.days(first, 0.9, "begins", rows),
            }
        )

    def categories_rows(self, rows: Numbers) -> pl.DataFrame:
        rows = rows[self.share("history", rows) < 0.15]
        year = self.year_of(rows)
        since = _day(year - 9 + self.below(3, "history from", rows), 8, 25)
        return pl.DataFrame(
            {
                "teacher_id": _ids("T", rows),
                "category": self.one_of(
                    (("expert", 0.4), ("researcher", 0.4), ("first", 0.2)), "history of", rows
                ),
                "from": self.days(since, 1.0, "history from", rows),
                "until": self.days(since + 5 * 365, 0.6, "history until", rows),
            }
        )

    def posts_rows(self, rows: Numbers) -> pl.DataFrame:
        rows = rows[self.share("post", rows) < 0.07]
        year = self.year_of(rows)
        since = _day(year, 8, 15) - self.below(900, "since", rows) + 60
        post = self.one_of((("head", 0.25), ("deputy_head", 0.75)), "post held", rows)
        portfolio = self.one_of(
            (("academic", 0.4), ("upbringing", 0.3), ("other", 0.1), (MISSING, 0.2)), "for", rows
        )
        return pl.DataFrame(
            {
                "teacher_id": _ids("T", rows),
                "post": post,
                "portfolio": portfolio.zip_with(
                    post == "deputy_head", pl.Series([None], dtype=pl.String)
                ),
                "acting": self.one_of(
                    (("yes", 0.35), ("no", 0.4), (MISSING, 0.25)), "acting", rows
                ),
                "since": self.days(since, 0.85, "since", rows),
                "until": self.days(since + self.below(900, "held for", rows), 0.3, "until", rows),
            }
        )

    def quality_rows(self, rows: Numbers) -> pl.DataFrame:
        """Of each of the mentors four years of the first subject and three of the second."""
        mentor, slot = np.repeat(rows, 7), np.tile(np.arange(7), len(rows))
        key = mentor * 7 + slot
        first, second = self.subjects_of(mentor)
        of_second = slot >= 4
        there = np.where(of_second, second >= 0, (slot < 3) | (self.share("older", mentor) < 0.55))
        there &= self.share("row there", key) < 0.98
        mentor, slot, key, of_second = mentor[there], slot[there], key[there], of_second[there]
        subject = np.where(of_second, second[there], first[there])
        year = self.year_of(mentor) - 1 - np.where(of_second, slot - 4, slot)

        # Nine of ten are well above what is asked, or the bounds would decide everything.
        level = np.where(self.share("good", mentor) < 0.7, 78, 63) + 0.0
        for draw in range(3):  # nearly a bell
            level += (self.share(f"level {draw}", mentor) - 0.5) * 12
        percent = level + (self.share("percent", key) - 0.5) * 14
        whole = self.share("whole", mentor) < 0.4
        percent = np.clip(np.where(whole, np.round(percent), np.round(percent, 2)), 0, 100)
        learners = 15 + self.below(70, "learners", key)
        good = np.minimum(np.round(percent * learners / 100).astype(np.int64), learners)
        stated = self.share("stated", key)
        counted, as_percent = stated < 0.25, (stated >= 0.25) & (stated < 0.97)
        blank = pl.Series([None], dtype=pl.Int64)
        column = pl.Series(percent)
        if self.decimal:
            column = column.cast(pl.Decimal(5, 2))
        return pl.DataFrame(
            {
                "teacher_id": _ids("T", mentor),
                "subject": pl.Series(SUBJECTS).gather(subject),
                "school_year": pl.Series(_YEARS).gather(year - _FIRST_YEAR),
                "percent": column.zip_with(
                    pl.Series(as_percent), pl.Series([None], dtype=column.dtype)
                ),
                "learners": pl.Series(learners).zip_with(pl.Series(counted), blank),
                "learners_good": pl.Series(good).zip_with(pl.Series(counted), blank),
            }
        )

    def appointments_rows(self, rows: Numbers) -> pl.DataFrame:
        mentor, mentee = self.who(rows)
        year, starts = self.starts(rows)
        first, second = self.subjects_of(mentor)
        of_second = (second >= 0) & (self.share("which subject", rows) < 0.4)
        strange = self.share("strange subject", rows) < 0.01
        subject = np.where(of_second, second, np.where(strange, (first + 3) % 6, first))
        stated = pl.Series(self.share("subject stated", rows) < 0.8)
        ends = self.one_of(((0, 0.9), (5, 0.03), (31, 0.02), (-40, 0.05)), "ends", rows).to_numpy()
        mentees = _ids("N", mentee)
        himself = pl.Series(self.share("himself", rows) < 0.001)
        return pl.DataFrame(
            {
                "appointment_id": _ids("A", rows),
                "school_id": _ids("S", mentor % self.schools),
                "mentor_id": _ids("T", mentor),
                "mentee_id": _ids("T", mentor).zip_with(himself, mentees),
                "subject": pl.Series(SUBJECTS)
                .gather(subject)
                .zip_with(stated, pl.Series([None], dtype=pl.String)),
                "order_no": _ids("", rows % 900),
                "ordered_on": self.days(
                    starts - self.below(3, "ordered", rows), 1.0, "ordered", rows
                ),
                "starts_on": self.days(starts, 0.7, "starts", rows),
                "ends_on": self.days(_day(year + 1, 5, 25) + ends, 0.92, "ends", rows),
            }
        )

    def plans_rows(self, rows: Numbers) -> pl.DataFrame:
        rows = rows[self.share("planned", rows) < 0.95]
        year, starts = self.starts(rows)
        careless = self.share("careless", rows) < 0.25

        def after(day: Numbers, soon: int, late: int, purpose: str) -> Numbers:
            """Give a day soon after another; of careless mentors a third is late."""
            slow = careless & (self.share(f"{purpose} slow", rows) < 0.35)
            return day + self.below(np.where(slow, late, soon), purpose, rows)

        def done(day: Numbers, purpose: str) -> pl.Series:
            """State it where it is done by AS_OF and was not left out."""
            missed = self.share(f"{purpose} missed", rows) < np.where(careless, 0.06, 0.004)
            past = day <= _AS_OF + np.where(self.share("in advance", rows) < 0.01, 60, 0)
            return self.days(day, past & ~missed, purpose, rows)

        level = after(starts, 9, 16, "level")
        drafted = after(level, 5, 12, "drafted")
        agreed = after(drafted, 3, 9, "agreed") - (careless & (self.share("hasty", rows) < 0.04))
        approved = after(agreed, 3, 9, "approved")
        interim = np.maximum(_day(year, 11, 10), starts + 20) + self.below(42, "interim", rows)
        interim = after(interim, 3, 40, "interim slow")
        prepared = _day(year + 1, 5, 3) + self.below(10, "prepared", rows)
        final = after(prepared, 10, 40, "final")
        signed = self.one_of(
            (
                ("deputy_head_academic", 0.9),
                ("deputy_head", 0.04),
                ("head", 0.02),
                ("other", 0.01),
                (MISSING, 0.03),
            ),
            "agreed by",
            rows,
        )
        recorded = np.maximum(_AS_OF - self.below(40, "recorded", rows), starts)
        period_ends = self.one_of(((0, 0.94), (14, 0.04), (-90, 0.02)), "period", rows).to_numpy()
        return pl.DataFrame(
            {
                "appointment_id": _ids("A", rows),
                "recorded_until": self.days(recorded, 0.3, "recorded", rows),
                "level_determined_on": done(level, "level"),
                "diagnosed_on": done(np.minimum(level + 1, drafted), "diagnosed"),
                "drafted_on": done(drafted, "drafted"),
                "agreed_on": done(agreed, "agreed"),
                "agreed_by": signed,
                "approved_on": done(approved, "approved"),
                "approved_by": self.one_of(
                    (("head", 0.955), ("deputy_head", 0.01), ("other", 0.005), (MISSING, 0.03)),
                    "approved by",
                    rows,
                ),
                "period_from": self.days(_day(year, 9, 1), 0.97, "period from", rows),
                "period_until": self.days(
                    _day(year + 1, 5, 25) + period_ends, 0.97, "period until", rows
                ),
                "interim_on": done(interim, "interim"),
                "interim_body": self.one_of(
                    (("methodical_association", 0.95), ("other", 0.02), (MISSING, 0.03)),
                    "interim body",
                    rows,
                ),
                "interim_form": self.one_of(
                    (("video", 0.6), ("project", 0.1), ("open_lesson", 0.2), (MISSING, 0.1)),
                    "interim form",
                    rows,
                ),
                "final_prepared_on": done(prepared, "prepared"),
                "final_on": done(final, "final"),
                "final_body": self.one_of(
                    (("pedagogical_council", 0.95), ("other", 0.02), (MISSING, 0.03)),
                    "final body",
                    rows,
                ),
                **{
                    name: self.one_of(((True, 0.96), (False, 0.01), (MISSING, 0.03)), name, rows)
                    for name in ("final_has_results", "final_has_recommendations")
                },
            }
        )

    def reserve_rows(self, rows: Numbers) -> pl.DataFrame:
        rows = rows[self.share("listed", rows) < 0.85]
        formed = _day(self.year_of(rows), 8, 27) + self.below(2, "formed", rows)
        return pl.DataFrame(
            {
                "school_id": _ids("S", rows % self.schools),
                "teacher_id": _ids("T", rows),
                "proposed_by": self.one_of(
                    (("methodical_association", 0.95), ("other", 0.05)), "proposed", rows
                ),
                "proposed_on": self.days(formed - 5, 0.9, "proposed on", rows),
                "formed_by": self.one_of(
                    (("pedagogical_council", 0.96), ("other", 0.02), (MISSING, 0.02)), "by", rows
                ),
                "formed_on": self.days(formed, 0.97, "formed on", rows),
                "protocol_no": _ids("", rows % 9),
            }
        )

    def odd(self, table: str, frame: pl.DataFrame, first: int, rate: float) -> pl.DataFrame:
        """Spoil a share of the rows: an unreadable cell, a row again, one that contradicts it, an
        id that names nobody."""
        rows = np.arange(len(frame)) + first
        spoilt = pl.Series(self.share(f"{table} odd", rows) < rate)
        how = pl.Series(self.below(4, f"{table} how", rows))
        (column, unreadable, another), names = _SPOILS[table], _NAMES[table]
        again = frame.filter(spoilt & (how == 1))
        against = frame.filter(spoilt & (how == 2)).with_columns(
            pl.lit(another).cast(frame.schema[column]).alias(column)
        )
        return pl.concat(
            [
                frame.with_columns(
                    pl.when(spoilt & (how == 0))
                    .then(pl.lit(unreadable).cast(frame.schema[column]))
                    .otherwise(column)
                    .alias(column)
                ).with_columns(
                    pl.when(spoilt & (how == 3))
                    .then(pl.lit("X") + pl.col(name))
                    .otherwise(name)
                    .alias(name)
                    for name in names
                ),
                again,
                against,
            ]
        )


_AS_OF = AS_OF.toordinal() - _EPOCH
_FIRST_YEAR = 2010
_YEARS = [f"{year}/{(year + 1) % 100:02}" for year in range(_FIRST_YEAR, 2030)]
# The column that is spoilt, what nobody can read in it, and what contradicts what stood there.
_SPOILS: dict[str, tuple[str, Any, Any]] = {
    "schools": ("kind", "village", None),
    "teachers": ("category", "guru", "second"),
    "categories": ("category", "guru", "second"),
    "posts": ("post", "boss", "head"),
    "quality": ("percent", 140, 12),
    "appointments": ("ordered_on", None, date(2026, 9, 3)),
    "plans": ("agreed_by", "the neighbour", "other"),
    "reserve": ("formed_by", "everybody", "other"),
}
# The columns that name a row of another table.
_NAMES: dict[str, tuple[str, ...]] = {
    "schools": (),
    "teachers": ("school_id",),
    "appointments": ("mentor_id",),
    "plans": ("appointment_id",),
    **dict.fromkeys(("categories", "posts", "quality", "reserve"), ("teacher_id",)),
}


def _day(year: Numbers | int, month: int, day: int) -> Numbers:
    """Give days since 1970."""
    months = (np.asarray(year) - 1970) * 12 + month - 1
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1


def _ids(letter: str, numbers: Numbers) -> pl.Series:
    text = pl.lit(pl.Series(numbers)).cast(pl.String)
    return pl.select(
        (pl.lit(letter) + text.str.zfill(8) if letter else text).alias("id")
    ).to_series()


def write_nation(
    folder: Path,
    appointments: int,
    seed: int = 160,
    *,
    odd: float = 1e-4,
    decimal: bool = False,
    part: int = PART,
) -> dict[str, int]:
    """Write the tables of so many appointments, and give the rows of each.

    `odd` is the share of rows that are spoilt; `decimal` keeps percentages as decimals, not
    floats; a file is drawn from `part` numbers at a time.
    """
    nation = Nation(appointments, seed, decimal=decimal)
    tables: dict[str, tuple[int, int, Callable[[Numbers], pl.DataFrame]]] = {
        "schools": (nation.schools, part, nation.schools_rows),
        "teachers": (nation.mentors + nation.mentees, part, nation.teachers_rows),
        "categories": (nation.mentors, part, nation.categories_rows),
        "posts": (nation.mentors, part, nation.posts_rows),
        "quality": (nation.mentors, part // 4, nation.quality_rows),
        "appointments": (appointments, part, nation.appointments_rows),
        "plans": (appointments, part, nation.plans_rows),
        "reserve": (nation.mentors, part, nation.reserve_rows),
    }
    written = {}
    for table, (numbers, step, draw) in tables.items():
        (folder / table).mkdir(parents=True, exist_ok=True)
        written[table] = 0
        for place, first in enumerate(range(0, numbers, step)):
            rows = draw(np.arange(first, min(first + step, numbers)))
            rows = nation.odd(table, rows, first, odd)
            rows.write_parquet(folder / table / f"part-{place:04}.parquet")
            written[table] += len(rows)
    return written


def main(arguments: Sequence[str]) -> None:
    """Write, and print rows and seconds."""
    started = time.perf_counter()
    rows = write_nation(Path(arguments[0]), int(arguments[1]), *map(int, arguments[2:3]))
    print(", ".join(f"{count:,} {table}" for table, count in rows.items()))
    print(f"{time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
