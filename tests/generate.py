"""Seeded dossiers for differential tests: every branch of the design pages, at modest rates.

No personal data. Rates are tuned so that each outcome a rule can reach, and each verdict, has a
share of a few percent over many seeds, under some choice of readings and as_of. Registers are
written up to about TODAY; later dates are those of plans entered in advance.
"""

from __future__ import annotations

import random
import unicodedata
from datetime import date, timedelta
from typing import Any

from tests.oracle_calendar import (
    after_calendar_days,
    after_working_days,
    first_day,
    half_year_end,
    last_day,
    year_of,
)

Row = dict[str, Any]
Figures = tuple[Any, Any, Any]

SUBJECTS = ("mathematics", "physics", "қазақ тілі", "русский язык", "history", "chemistry")
LOW = ("none", "teacher", "moderator", "expert", "second", "first", "highest")
TODAY = date(2026, 11, 23)
GONE = None  # a quality row that is not there
BLANK = ""  # a quality row without a figure
PATTERNS: tuple[Figures, ...] = (
    ("60.00", 60, 60.0),
    (70, 70, 70),
    (50, 50, 50),
    ("59.99", 60, 60),
    (60, "59.99", "60.01"),
    ("69.99", 70, 70),
    (70, "70.01", "69.99"),
    ("49.99", 50, 51),
    (49, 50, 51),
    (59, 60, 61),
    (69, 70, 71),
    ("59.98", 60.01, "60.01"),
    (40, 75, GONE),
    (30, 35, GONE),
    (80, 100, GONE),
    (79, "100.00", GONE),
    (10, 99, BLANK),
    (65, 65, BLANK),
    (95, 95, GONE),
    (100, GONE, GONE),
    (20, BLANK, GONE),
    (GONE, GONE, GONE),
    (0, 100, 100),
    (0, 90, 90),
    (40, 41, 42),
    (55, 58, 57),
    (62, 65, 66),
    (61.5, 63.25, 69.9),
    ("65.5", 72, 75),
    (0, 0, 0),
    ("72.125", 80.4, 91),
)
BAD_CELLS: dict[str, tuple[tuple[str, Any], ...]] = {
    "schools": (("kind", "village"), ("week", "7"), ("kind", "rural")),
    "teachers": (
        ("category", "guru"),
        ("category_from", "31.02.2024"),
        ("category_until", "soon"),
        ("ethics", "fine"),
        ("ethics_on", "2024-13-01"),
        ("status", "asleep"),
        ("first_taught_on", "long ago"),
        ("school_id", ""),
    ),
    "categories": (("category", "guru"), ("from", "31.02.2024"), ("category", ""), ("until", "x")),
    "posts": (("post", "boss"), ("since", "31.02.2024"), ("acting", "maybe"), ("post", None)),
    "quality": (
        ("percent", "abc"),
        ("percent", 100.5),
        ("percent", "0.72"),
        ("percent", True),
        ("learners", "many"),
        ("school_year", "soon"),
        ("school_year", "2023/25"),
        ("subject", ""),
        ("percent", -1),
    ),
    "appointments": (
        ("ordered_on", "soon"),
        ("ordered_on", None),
        ("starts_on", "31.02.2024"),
        ("ends_on", "may"),
        ("mentor_id", ""),
        ("mentor_id", None),
        ("school_id", None),
        ("appointment_id", ""),
    ),
    "plans": (
        ("level_determined_on", "31.02.2026"),
        ("drafted_on", "soon"),
        ("agreed_by", "the neighbour"),
        ("approved_on", "2026-13-01"),
        ("recorded_until", "yesterday"),
        ("final_has_results", "perhaps"),
        ("interim_form", "song"),
        ("period_until", "May"),
    ),
    "reserve": (("formed_on", "31.02.2024"), ("formed_by", "everybody"), ("formed_on", "x")),
}
ACTS = (
    "level_determined_on",
    "diagnosed_on",
    "drafted_on",
    "agreed_on",
    "approved_on",
    "interim_on",
    "final_prepared_on",
    "final_on",
)
FLAWS = (  # the rarer outcomes need some of them more often
    *["level_near_due"] * 2,
    "level_too_early",
    *["no_level"] * 5,
    "draft_near_due",
    "diagnosis_late_or_missing",
    "no_draft",
    "signed_out_of_order",
    "not_signed",
    "interim_off",
    "final_off",
    *["agreed_by_other"] * 2,
    "approved_by_other",
    *["report_incomplete"] * 2,
    *["period_off"] * 2,
)
KEYS = {
    "schools": "school_id",
    "teachers": "teacher_id",
    "categories": "teacher_id",
    "posts": "teacher_id",
    "quality": "teacher_id",
    "appointments": "mentee_id",
    "plans": "appointment_id",
    "reserve": "teacher_id",
}


class _Maker:
    def __init__(self, seed: int, appointments: int) -> None:
        self.random = random.Random(seed)
        self.appointments = appointments
        self.tables: dict[str, list[Row]] = {name: [] for name in KEYS}
        self.schools = [f"S{n}" for n in range(1, max(2, appointments // 25) + 1)]
        self.mentors = [f"T{n}" for n in range(1, max(2, appointments * 3 // 5) + 1)]
        self.mentees = [f"N{n}" for n in range(1, max(2, appointments * 3 // 4) + 1)]
        self.anchor: dict[str, date] = {}
        self.home: dict[str, str] = {}
        self.subjects: dict[str, list[str]] = {}
        self.plain: set[str] = set()
        self.beginners: dict[str, list[str]] = {}
        self.reserve_days: dict[str, date] = {}

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def written(self, day: date) -> str:
        return day.strftime("%d.%m.%Y") if self.chance(0.1) else day.isoformat()

    def near(self, day: date, *steps: int) -> str:
        return self.written(day + timedelta(self.random.choice(steps)))

    def spelled(self, subject: str) -> str:
        if self.chance(0.1):
            subject = f"  {subject.upper()} "
        return unicodedata.normalize("NFD", subject) if self.chance(0.1) else subject

    def years_before(self, day: date, years: int) -> date:
        return day.replace(year=day.year - years, day=min(day.day, 28))

    # ---------------------------------------------------------------- who and where

    def order_day(self, year: int) -> date:
        """A day of an order in a school year that begins in this calendar year, or near it."""
        month_day = self.random.choice(
            [(9, 1)] * 6
            + [(9, 2), (9, 15), (8, 31), (8, 25), (10, 5), (11, 23), (12, 30)]
            + [(5, 24), (5, 25), (5, 26), (5, 27), (6, 15)]
            # ten days later: a Saturday, the last day of the half-year, a holiday
            + [(9, 16), (9, 16), (10, 15), (11, 12), (12, 17), (12, 22), (3, 11), (4, 29)]
        )
        if self.chance(0.15):
            return first_day(year) + timedelta(self.random.randint(-30, 266))
        return date(year, *month_day)

    def place(self) -> None:
        for school in self.schools:
            kind = self.random.choice(
                ["ordinary"] * 5 + ["small_complement"] * 4 + ["", None, "ordinary"]
            )
            row: Row = {"school_id": school, "kind": kind}
            if self.chance(0.5):
                row["week"] = self.random.choice(["5", "6", 5, 6, ""])
            if not self.chance(0.03):
                self.tables["schools"].append(row)
        for mentor in self.mentors:
            year = self.random.choice(
                [2026] * 14 + [2025] * 3 + [2024, 2023, 2022, 2022, 2021, 2021, 2020]
            )
            self.anchor[mentor] = self.order_day(year)
            if self.chance(0.06):
                self.anchor[mentor] = date(2020, 5, 1) + timedelta(self.random.randint(0, 12))
            self.home[mentor] = self.random.choice(self.schools)
            self.subjects[mentor] = self.random.sample(SUBJECTS, self.random.choice([1] * 5 + [2]))
            if self.chance(0.5):
                self.plain.add(mentor)

    # ---------------------------------------------------------------- teachers

    def category(self, mentor: str) -> Row:
        day = self.anchor[mentor]
        if mentor in self.plain:
            return {
                "category": self.random.choice(["researcher", "master"]),
                "category_from": self.random.choice(
                    [
                        "",
                        self.written(self.years_before(day, 2)),
                        self.near(self.years_before(day, 5), -1, 0, 1, 2),
                        self.written(self.years_before(day, 7)),
                    ]
                ),
                "category_until": ""
                if self.chance(0.6)
                else self.written(day + timedelta(self.random.choice([0, 1, 400, 800]))),
            }
        case = self.random.randrange(10)
        code = self.random.choice([*LOW, "researcher", "master", "researcher", "master"])
        row: Row = {"category": code}
        if case <= 1:
            row["category_from"] = self.near(day, -1, 0, 1, 30)
        elif case <= 3:
            row["category_from"] = self.written(self.years_before(day, self.random.choice([3, 6])))
            row["category_until"] = self.near(day, -300, -1, 0, 1, 60)
        elif case == 4:
            row["category_until"] = self.near(day, -30, -1, 0, 1)
        elif case == 5:
            row["category"] = ""
        elif case <= 7:
            row["category_from"] = self.written(self.years_before(day, self.random.choice([1, 8])))
        return row

    def ethics(self, mentor: str) -> Row:
        day = self.anchor[mentor]
        findings = ["", "observed", "observed", "breached", "breached", "pending"]
        if mentor in self.plain and self.chance(0.9):
            findings = ["", "", "observed"]
        finding = self.random.choice(findings)
        row: Row = {"ethics": finding}
        if finding and self.chance(0.75):
            row["ethics_on"] = self.near(day, -200, -1, 0, 0, 1, 20)
            row["ethics_document"] = "protocol 4"
        return row

    def teacher(self, mentor: str) -> None:
        day = self.anchor[mentor]
        row: Row = {"teacher_id": mentor, "school_id": self.home[mentor]}
        row |= self.category(mentor) | self.ethics(mentor)
        if self.chance(0.55):
            listed = [self.spelled(subject) for subject in self.subjects[mentor]]
            if self.chance(0.1):
                listed.append(self.random.choice(SUBJECTS))
            row["subjects"] = ";".join(listed) + self.random.choice(["", ";", " ; "])
        if self.chance(0.12):
            start = day.year - self.random.choice([1, 2, 2, 3])
            row["first_taught_on"] = self.written(
                self.random.choice([date(start, 5, 25), date(start, 5, 26), date(start, 9, 1)])
            )
        elif self.chance(0.3):
            row["first_taught_on"] = self.written(date(2004, 9, 1))
        if self.chance(0.3):
            row["status"] = self.random.choice(["working", "on_leave", ""])
        if not self.chance(0.015):
            self.tables["teachers"].append(row)

    def history(self, mentor: str) -> None:
        if not self.chance(0.12 if mentor in self.plain else 0.35):
            return
        day = self.anchor[mentor]
        plain = mentor in self.plain
        for _ in range(self.random.choice([1, 1, 2])):
            code = self.random.choice(["researcher", "master"] if plain else [*LOW, "researcher"])
            row: Row = {"teacher_id": mentor, "category": code}
            start = self.random.choice([day, self.years_before(day, 2), self.years_before(day, 5)])
            start += timedelta(self.random.choice([-1, 0, 0, 0, 1]))
            row["from"] = "" if self.chance(0.05) else self.written(start)
            if self.chance(0.4):
                steps = [0, 1, 365] if plain else [-200, -1, 0, 1]
                until = day + timedelta(self.random.choice(steps))
                row["until"] = self.written(max(start, until))
            self.tables["categories"].append(row)

    def post(self, mentor: str) -> None:
        day = self.anchor[mentor]
        plain = mentor in self.plain
        if self.chance(0.3 if plain else 0.35):
            row: Row = {"teacher_id": mentor, "post": self.random.choice(["head", "deputy_head"])}
            if row["post"] == "deputy_head":
                row["portfolio"] = self.random.choice(["academic", "upbringing", "other", ""])
            row["acting"] = self.random.choice(["yes", "yes", "no", "", None])
            if plain and self.chance(0.8):
                row["acting"] = "yes"
            elif self.chance(0.6):
                row["since"] = self.near(day, -400, -1, 0, 1)
                if self.chance(0.3):
                    row["until"] = self.near(day, 2, 90)
            elif self.chance(0.4):
                row["until"] = self.near(day, -1, 0, 1)
            self.tables["posts"].append(row)

    def newcomer(self, mentee: str) -> None:
        self.home[mentee] = self.random.choice(self.schools)
        self.beginners.setdefault(self.home[mentee], []).append(mentee)
        row: Row = {"teacher_id": mentee, "school_id": self.home[mentee]}
        first = self.order_day(self.random.choice([2026, 2026, 2026, 2025, 2024, 2020]))
        if not self.chance(0.12):
            row["first_taught_on"] = self.written(first)
        if not self.chance(0.03):
            self.tables["teachers"].append(row)

    # ---------------------------------------------------------------- quality

    def figure(self, value: Any) -> Row:
        """The cells that state this figure, in one of the ways the page allows."""
        if value == BLANK:
            return self.random.choice([{}, {"percent": ""}, {"learners": 20}, {"learners_good": 9}])
        share = float(value)
        if share.is_integer() and self.chance(0.25):
            learners = 100 * self.random.randint(1, 3)
            good = learners * int(share) // 100
            cells: Row = {"learners": learners, "learners_good": good}
            if self.chance(0.3):
                cells["percent"] = value
            return cells
        return {"percent": value}

    def learners(self) -> Row:
        """A random class; the exact ratio seldom has two decimals."""
        learners = self.random.randint(7, 90)
        good = min(learners, round(learners * self.random.uniform(0.4, 1)))
        cells: Row = {"learners": learners, "learners_good": good}
        if self.chance(0.3):
            cells["percent"] = f"{100 * good / learners:.2f}"
            if self.chance(0.08):
                cells["percent"] = "33.3" if good * 2 > learners else "88.8"
        if self.chance(0.02):
            cells |= self.random.choice([{"learners": 0}, {"learners_good": learners + 1}])
        return cells

    def figures(self, plain: bool) -> list[Row | None]:
        kind = self.random.random()
        if plain and kind < 0.55:
            return [{"percent": self.random.choice([70, "72.5", 81, 90.5, 100])} for _ in range(3)]
        if kind < 0.12:
            return [self.learners() for _ in range(3)]
        if kind < 0.2:
            return [{"percent": self.random.randint(200, 10000) / 100} for _ in range(3)]
        pattern = list(self.random.choice(PATTERNS))
        self.random.shuffle(pattern)
        return [None if value is GONE else self.figure(value) for value in pattern]

    def quality(self, mentor: str) -> None:
        day = self.anchor[mentor]
        latest = day.year - 1 if (day.month, day.day) > (5, 25) else day.year - 2
        subjects = list(self.subjects[mentor])
        if self.chance(0.08):
            subjects.append(self.random.choice(SUBJECTS))
        for subject in dict.fromkeys(subjects):
            years = range(latest - 2, latest + 1)
            rows = list(zip(years, self.figures(mentor in self.plain), strict=True))
            for year in (latest - 4, latest - 3, latest + 1):
                if self.chance(0.25):
                    rows.append((year, self.figure(self.random.choice([40, 60, 70, 88, "59.99"]))))
            for year, cells in rows:
                if cells is None:
                    continue
                key = {"teacher_id": mentor, "subject": self.spelled(subject)}
                key["school_year"] = f"{year}/{(year + 1) % 100:02}"
                self.tables["quality"].append(key | cells)

    # ---------------------------------------------------------------- appointments, reserve

    def appointment(self, number: int) -> None:
        mentor = self.random.choice(self.mentors)
        ordered = self.anchor[mentor]
        if self.chance(0.1):
            ordered = self.order_day(ordered.year + self.random.choice([-1, 0, 0, 1]))
        mentee = self.random.choice(self.mentees)
        school = self.home[mentor]
        if self.chance(0.05):
            school = self.random.choice([*self.schools, "S999"])
        elif self.chance(0.6) and mentee in self.home:  # most mentees work at the same school
            mentee = self.random.choice(self.beginners.get(school, [mentee]))
        if self.chance(0.04):
            mentee = mentor
        elif self.chance(0.01):
            mentor = "T999999"
        elif self.chance(0.01):
            mentee = "N999999"
        row: Row = {
            "appointment_id": f"A{number:06}",
            "school_id": school,
            "mentor_id": mentor,
            "mentee_id": mentee,
            "ordered_on": self.written(ordered),
            "order_no": str(number),
        }
        known = self.subjects.get(mentor, ["mathematics"])
        if self.chance(0.8):
            row["subject"] = self.spelled(self.random.choice(known))
        elif self.chance(0.3):
            row["subject"] = self.random.choice([*SUBJECTS, "geography"])
        starts = ordered
        if self.chance(0.6):
            starts = self.start(ordered)
            row["starts_on"] = self.written(starts)
        if not self.chance(0.15):
            end = date(starts.year + (starts.month > 5), 5, 25)
            row["ends_on"] = self.written(
                max(starts, end + timedelta(self.random.choice([0, 0, 0, 0, -120, 1, 90])))
            )
        self.tables["appointments"].append(row)
        if not self.chance(0.06):
            self.tables["plans"].append(
                {"appointment_id": row["appointment_id"]} | self.plan(starts)
            )

    def start(self, ordered: date) -> date:
        """A first day near the order, often one whose tenth day after is a rest day."""
        year = year_of(ordered)
        if self.chance(0.08):
            return half_year_end(year) + timedelta(self.random.choice([0, 1, 30]))
        if year == 2022 and self.chance(0.3):
            return date(2022, 9, 30) + timedelta(self.random.choice([-10, 0, 1]))
        starts = ordered + timedelta(self.random.choice([-3, 0, 1, 4, 10]))
        if self.chance(0.6):
            while len(set(self.level_dues(starts))) == 1:
                starts += timedelta(1)
        return starts

    # ---------------------------------------------------------------- plans

    def around(self, days: list[date]) -> date:
        """One of the days, the day before or the day after it."""
        return self.random.choice(days) + timedelta(self.random.choice([-1, 0, 0, 1]))

    def level_dues(self, starts: date) -> list[date]:
        ends = [(5, True), (6, True), (5, False)]
        return [after_calendar_days(starts, 10, week, roll).day for week, roll in ends]

    def draft_dues(self, level: date | None, starts: date) -> list[date]:
        """When the draft is due, in either week; with no level, after its latest days."""
        froms = self.level_dues(starts) if level is None else [level]
        return [after_working_days(day, 5, week).day for day in froms for week in (5, 6)]

    def plan(self, starts: date) -> Row:
        """Every act in time, or with one flaw, or with several; not yet done where too early."""
        flaws = self.random.choice([0, 0, 0, 0, 1, 1, 1, 1, 2, 4])
        wrong = {self.random.choice(FLAWS) for _ in range(flaws)}
        plan: dict[str, date | None] = {}
        level: date | None = starts + timedelta(self.random.choice([3, 7, 9]))
        if self.chance(0.25):
            level = self.random.choice(self.level_dues(starts)[:2])
        if "level_near_due" in wrong:
            level = self.around(self.level_dues(starts))
        elif "level_too_early" in wrong:
            level = starts - timedelta(self.random.choice([1, 4]))
        elif "no_level" in wrong:
            level = None
        plan["level_determined_on"] = level
        dues = self.draft_dues(level, starts)
        drafted = min(dues) - timedelta(self.random.choice([0, 0, 1, 3]))
        if "draft_near_due" in wrong or ("no_level" in wrong and self.chance(0.15)):
            drafted = self.around(dues)
        elif "no_level" in wrong:
            drafted = max(dues) - timedelta(self.random.choice([0, 0, 0, 0, 1, 7]))
        diagnosed = drafted - timedelta(self.random.choice([0, 1, 2]))
        if "diagnosis_late_or_missing" in wrong and self.chance(0.7):
            diagnosed = self.around(dues)
        plan["diagnosed_on"] = (
            None if "diagnosis_late_or_missing" in wrong and self.chance(0.3) else diagnosed
        )
        plan["drafted_on"] = None if "no_draft" in wrong else drafted
        agreed = drafted + timedelta(self.random.choice([0, 0, 1, 3]))
        if self.chance(0.3):
            agreed = drafted
        approved = agreed + timedelta(self.random.choice([0, 0, 1, 3]))
        if "signed_out_of_order" in wrong:
            agreed -= timedelta(self.random.choice([1, 4]))
            approved -= timedelta(self.random.choice([0, 4, 5]))
        plan["agreed_on"] = None if "not_signed" in wrong and self.chance(0.4) else agreed
        plan["approved_on"] = None if "not_signed" in wrong and self.chance(0.7) else approved
        plan |= self.reports(starts, wrong)
        texts = self.posts_and_bodies(wrong)
        plan |= self.period(starts, wrong)
        return self.registered(plan, starts) | texts

    def reports(self, starts: date, wrong: set[str]) -> dict[str, date | None]:
        half, end = half_year_end(year_of(starts)), last_day(year_of(starts))
        interim: date | None = half - timedelta(self.random.choice([0, 1, 10, 35]))
        if "interim_off" in wrong:
            interim = self.random.choice([half + timedelta(1), self.around([half]), starts, None])
        final: date | None = end - timedelta(self.random.choice([0, 1, 10]))
        if "final_off" in wrong:
            final = self.random.choice([end + timedelta(1), end + timedelta(16), end, None])
        prepared = self.random.choice([None, end - timedelta(12)])
        return {"interim_on": interim, "final_prepared_on": prepared, "final_on": final}

    def posts_and_bodies(self, wrong: set[str]) -> Row:
        row: Row = {
            "agreed_by": "deputy_head_academic",
            "approved_by": "head",
            "interim_body": "methodical_association",
            "interim_form": self.random.choice(["video"] * 8 + ["project", "other", ""]),
            "final_body": "pedagogical_council",
            "final_has_results": "yes",
            "final_has_recommendations": "yes",
        }
        if "agreed_by_other" in wrong:
            row["agreed_by"] = self.random.choice(["deputy_head", "head", "head", "other", ""])
        if "approved_by_other" in wrong:
            row["approved_by"] = self.random.choice(["deputy_head", "deputy_head", "other", ""])
        if "report_incomplete" in wrong:
            column = self.random.choice(
                ["interim_body", "final_body", "final_has_results", "final_has_recommendations"]
            )
            other = "no" if column.startswith("final_has") else "other"
            row[column] = self.random.choice([other, other, ""])
        return row

    def period(self, starts: date, wrong: set[str]) -> dict[str, date | None]:
        year = year_of(starts)
        since: date | None = self.random.choice([starts, first_day(year), starts + timedelta(9)])
        until: date | None = date(year + 1, 5, self.random.choice([1, 20, 25, 31]))
        if "period_off" in wrong:
            if self.chance(0.5):
                earliest = min(starts, first_day(year))
                since = self.random.choice([earliest - timedelta(1), earliest - timedelta(9), None])
            else:
                until = self.random.choice(
                    [date(year + 1, 4, 30), date(year + 1, 6, 1), date(year + 2, 5, 25), None]
                )
        if since is not None and until is not None:
            since = min(since, until)
        return {"period_from": since, "period_until": until}

    def registered(self, plan: dict[str, date | None], starts: date) -> Row:
        """The cells of the register: what comes after its last entry is seldom in it."""
        row: Row = {}
        latest = TODAY
        if self.chance(0.22):
            steps = [-400, -60, -10, -1, 0, 30]
            latest = TODAY + timedelta(self.random.choice(steps))
            if self.chance(0.5):
                latest = starts + timedelta(self.random.choice([-5, 0, 6, 10, 15, 17, 60]))
            row["recorded_until"] = self.written(latest)
        in_advance = self.chance(0.15)
        for column, day in plan.items():
            if day is None:
                row[column] = self.random.choice(["", None])
            elif column in ACTS and day > latest and not in_advance:
                if self.chance(0.3):
                    row[column] = ""
            elif column in ACTS or plan["drafted_on"] is not None or self.chance(0.5):
                row[column] = self.written(day)
        if "drafted_on" not in row and self.chance(0.7):
            row.pop("period_from", None)
            row.pop("period_until", None)
        return row

    def reserved(self, mentor: str) -> None:
        if not self.chance(0.6):
            return
        school = self.home[mentor] if not self.chance(0.08) else self.random.choice(self.schools)
        row: Row = {"school_id": school, "teacher_id": mentor}
        row["formed_by"] = self.random.choice(["pedagogical_council"] * 18 + ["other", ""])
        row["proposed_by"] = self.random.choice(["methodical_association"] * 18 + ["other", ""])
        if not self.chance(0.08):
            row["protocol_no"] = str(self.random.randint(1, 9))
        if self.chance(0.3):
            row["formed_on"] = self.written(
                self.reserve_days.setdefault(school, self.anchor[mentor])
            )
        elif not self.chance(0.15):
            row["formed_on"] = self.near(self.anchor[mentor], -300, -5, -1, 0, 1)
        self.tables["reserve"].append(row)

    # ---------------------------------------------------------------- what goes wrong

    def spoil(self, table: str, share: float) -> None:
        rows = self.tables[table]
        for row in rows:
            if self.chance(share):
                column, value = self.random.choice(BAD_CELLS[table])
                row[column] = value

    def double(self, table: str, share: float, column: str, values: tuple[Any, ...]) -> None:
        """Repeat some rows: half of them the same, half with another value in one column."""
        rows = self.tables[table]
        for row in list(rows):
            if self.chance(share):
                again = dict(row)
                if self.chance(0.5):
                    again[column] = self.random.choice(values)
                rows.insert(self.random.randrange(len(rows) + 1), again)

    def lose_keys(self) -> None:
        """In few dossiers one row of a table says not even whom it is about."""
        for table, key in KEYS.items():
            rows = self.tables[table]
            if rows and self.chance(0.012):
                row = self.random.choice(rows)
                row[key] = self.random.choice(["", None])
                if table == "quality" and self.chance(0.7):
                    row["subject"] = self.random.choice(["geography", ""])
        if self.tables["reserve"] and self.chance(0.05):
            self.random.choice(self.tables["reserve"])["school_id"] = ""
        rows = self.tables["quality"]
        if rows and self.chance(0.05):  # the teacher cannot be read, subject and year can
            self.random.choice(rows)["teacher_id"] = ""

    def drop_tables(self) -> dict[str, Any]:
        whole: dict[str, Any] = dict(self.tables)
        for table, share in (
            ("schools", 0.03),
            ("teachers", 0.015),
            ("categories", 0.2),
            ("posts", 0.08),
            ("quality", 0.02),
            ("plans", 0.03),
            ("reserve", 0.1),
        ):
            if self.chance(share):
                if self.chance(0.3):
                    whole[table] = []
                else:
                    del whole[table]
        return whole

    def make(self) -> dict[str, Any]:
        self.place()
        for mentee in self.mentees:
            self.newcomer(mentee)
        for mentor in self.mentors:
            self.teacher(mentor)
            self.history(mentor)
            self.post(mentor)
            self.quality(mentor)
            self.reserved(mentor)
        for number in range(1, self.appointments + 1):
            self.appointment(number)
        for table, share in (
            ("schools", 0.02),
            ("teachers", 0.012),
            ("categories", 0.03),
            ("posts", 0.06),
            ("quality", 0.012),
            ("appointments", 0.02),
            ("plans", 0.02),
            ("reserve", 0.012),
        ):
            self.spoil(table, share)
        self.double("schools", 0.03, "kind", ("ordinary", "small_complement"))
        self.double("teachers", 0.01, "category", ("expert", "researcher"))
        self.double("quality", 0.01, "percent", (12, 64, "70.5"))
        self.double("appointments", 0.01, "ends_on", ("2027-01-31", "2026-12-01"))
        self.double("posts", 0.02, "acting", ("yes", "no"))
        self.double("plans", 0.02, "agreed_by", ("deputy_head", "head"))
        self.lose_keys()
        for rows in self.tables.values():
            self.random.shuffle(rows)
        return self.drop_tables()


def dossier(seed: int, appointments: int = 500) -> dict[str, Any]:
    """A dossier in the JSON shape, the same for the same arguments."""
    return _Maker(seed, appointments).make()
