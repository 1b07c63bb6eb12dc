"""A second, brute-force judge of mentor appointments, for the tests only.

Written from the design pages alone. Where the library works with bounds and sets, this file
completes what the records leave open, asks the norm about each completion in plain Python,
and collects the answers. The plan's norms stand in oracle_procedure.py and the days in
oracle_calendar.py, each with its own decisions.

Decisions (where a page leaves something open; the reading that never guesses is taken)
 1. `categories` absent: no history, never a doubt (it is optional, and complete nowhere).
    Every other absent table makes its facts unknown.
 2. No readable `teachers` row (table absent, id dangling, row invalid): its cells are all
    unknown, so category and subjects are unknown even if `categories` or `quality` have rows
    (the missing cell might override them), and ethics is unknown under `presumed` too.
 3. teachers.category with category_from is one more period beside the `categories` rows: of
    those that cover the day the later `from` counts. A row that does not cover the day yields
    to one that does, also when the category that ended was the later one.
 4. teachers.category empty but dated: any category, with those dates (so one that has ended
    is expired, whichever it was). Wholly empty: a `categories` row that covers the day counts.
 5. categories.from is required: an empty one makes the row invalid.
 6. Equal `from` with different categories: any category; under once_awarded still at least
    the highest of them; category_term is then unknown.
 7. once_awarded: teachers.category without category_from, while a `categories` row covers the
    day, may or may not have been awarded by then (surely, if its end is before the day).
 8. Lists (`categories`, `posts`, `reserve`): an invalid row of a teacher makes the whole fact
    unknown, even if another row of that teacher is readable. The key of a list is the teacher
    alone (not the school, in `reserve`).
 9. An invalid quality row makes the figures unknown that match as much of teacher, subject and
    year as can be read, and leaves open whether that subject is taught. A readable row of a
    year before first_taught_on still says that the subject is taught.
10. An empty first_taught_on is no doubt about a stated figure.
11. must_be_confirmed with nothing stated: unknown, not breached (absence never says no).
    A pending finding dated after the day is nothing stated; dated before or undated: unknown.
12. reserve_only = bars_reserve_only: excluded_posts is not_applicable to an appointment. The
    same question governs the posts in still_qualified.
13. An end that is not stated is not before starts_on (no_overlap, still_qualified).
14. no_overlap: an invalid appointments row leaves its mentee (everyone, if unreadable) open;
    none of its other cells is used; an overlap that readable rows prove stays proved.
15. beginning_teacher: a first day from 26 May to 31 August belongs to the coming school year,
    like any other day, so it is not before a year that begins on 1 September.
16. category_term: `none` is no category, a legacy one is. A 29 February anniversary falls on
    1 March. Years run from the `from` of the record that counts on ordered_on.
17. Advisory rules are not in force before 2020-05-07 either. plan/ and reporting/ (the form
    too) are dated by starts_on, all else by ordered_on, so one appointment may be judged on one
    side only. Not judged is what has no rule in force.
18. Identical rows = equal cells in the known columns after reading; a figure stated as percent
    in one and as learners in the other is a disagreement.
19. "Within one unit of percent's last digit" includes exactly one unit; a float has the digits
    of its shortest decimal (60.0 is 60).
20. teachers.iin is not checked here. An end before its start is not looked for, in no table;
    the generator avoids it.
21. A row in which nothing at all is stated is no row.
22. plan/approved asks `roll` and `term_start` only where plan_term_covers is approval or open.
23. Reserve: a group is the rows of one school with one formed_on. A group with no formed_on is
    unknown under both rules. An invalid row leaves every group of its school unknown (of every
    school, if the school cannot be read); a school with invalid rows alone has no group.
24. reserve/formed: another body breaches even if a cell of the group is empty. proposed_on
    plays no part. A group of one school whose day is after as_of is judged like any other.
25. reserve/only_qualified: not_self and the status play no part; a verdict that depends on a
    reading is not certain, so it leaves the group unknown unless another teacher is ineligible.
    A head is barred from the reserve under both readings of reserve_only.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from typing import Any

from tests import oracle_procedure as procedure
from tests.oracle_calendar import last_day, year_of

Row = dict[str, Any]
Reading = tuple[str, str]
Key = frozenset[Reading]
World = tuple[bool, bool]  # does the norm apply, and is it kept
Worlds = frozenset[World]
Table = tuple[tuple[Key, Worlds], ...]  # per combination of the rule's live readings
Triple = tuple[Fraction | None, Fraction | None, Fraction | None]
Profile = tuple[bool, ...]

IN_FORCE = date(2020, 5, 7)
FIVE_DAY_DEFAULT = date(2022, 10, 1)
QUESTIONS: dict[str, tuple[str, ...]] = {  # readings, the default of a settled one first
    "floor": ("lower", "upper"),
    "period": ("each_year", "mean"),
    "acting_post": ("holds_post", "performs_duties"),
    "subject": ("mentored", "every", "any"),
    "expired_category": ("must_be_valid", "once_awarded"),
    "ethics_silence": ("presumed", "must_be_confirmed"),
    "reserve_only": ("bars_appointment", "bars_reserve_only"),
    "roll": ("to_working_day", "none"),
    "final_report_due": ("council_meeting", "school_year_end"),
    "plan_term_covers": ("drafting", "approval"),
    "term_start": ("next_day", "same_day"),
}
LIVE = frozenset({"floor", "period", "acting_post", "roll", "final_report_due"})
BLOCKING = (
    "eligibility/qualification_category",
    "eligibility/pedagogical_ethics",
    "eligibility/quality_of_knowledge",
    "eligibility/excluded_posts",
    "appointment/not_self",
)
ADVISORY = (
    "appointment/beginning_teacher",
    "appointment/from_reserve",
    "appointment/same_school",
    "appointment/no_overlap",
    "appointment/category_term",
    "appointment/still_qualified",
)
REMEDIABLE = (
    "appointment/one_academic_year",
    "plan/level_determined",
    "plan/drafted",
    "plan/agreed",
    "plan/approved",
    "plan/signed_in_order",
    "plan/one_academic_year",
    "reporting/interim",
    "reporting/final",
)
PROCEDURE = (*REMEDIABLE, "reporting/interim_form")
ASKS: dict[str, tuple[str, ...]] = {
    "eligibility/qualification_category": ("expired_category",),
    "eligibility/pedagogical_ethics": ("ethics_silence",),
    "eligibility/quality_of_knowledge": ("floor", "period", "subject"),
    "eligibility/excluded_posts": ("acting_post", "reserve_only"),
    "appointment/still_qualified": (
        "expired_category",
        "ethics_silence",
        "acting_post",
        "reserve_only",
    ),
    "plan/level_determined": ("roll", "term_start"),
    "plan/drafted": ("roll", "term_start"),
    "plan/approved": ("plan_term_covers", "roll", "term_start"),
    "reporting/final": ("final_report_due",),
}

RANK = {
    "none": 0,
    "second": 1,
    "first": 2,
    "highest": 3,
    "teacher": 4,
    "moderator": 5,
    "expert": 6,
    "researcher": 7,
    "master": 8,
}
CODES = frozenset(RANK)
EXPIRED = "expired"
QUALIFIED = frozenset({"researcher", "master"})
KINDS = ("ordinary", "small_complement")
BAND = {
    ("ordinary", "lower"): Fraction(60),
    ("ordinary", "upper"): Fraction(70),
    ("small_complement", "lower"): Fraction(50),
    ("small_complement", "upper"): Fraction(60),
}
FIGURES = (Fraction(50), Fraction(60), Fraction(70))
TESTS = tuple((figure, period) for figure in FIGURES for period in ("each_year", "mean"))
TINY = Fraction(1, 10**12)
BOTH = frozenset({True, False})
ALL_WORLDS: Worlds = frozenset(itertools.product((True, False), (True, False)))

# ------------------------------------------------------------------ reading the rows


class UnreadableError(ValueError):
    """A cell that is stated but cannot be read."""


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise UnreadableError
    return str(value).strip()


def _subject(value: Any) -> str:
    return _fold(_text(value))


@cache
def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip().casefold())


def _subjects(value: Any) -> frozenset[str]:
    return frozenset(_fold(part) for part in _text(value).split(";") if part.strip())


def _code(*codes: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        text = _text(value)
        if text not in codes:
            raise UnreadableError
        return text

    return read


@cache
def _day(text: str) -> date:
    dotted = re.fullmatch(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", text)
    if dotted:
        text = f"{dotted[3]}-{dotted[2]}-{dotted[1]}"
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise UnreadableError
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnreadableError from None


def _date(value: Any) -> date:
    if not isinstance(value, str):
        raise UnreadableError
    return _day(value.strip())


def _school_year(value: Any) -> int:
    """The calendar year in which the school year begins."""
    found = re.fullmatch(r"([0-9]{4})/([0-9]{2})", _text(value))
    if not found or (int(found[1]) + 1) % 100 != int(found[2]):
        raise UnreadableError
    return int(found[1])


@cache
def _decimal(text: str) -> tuple[Fraction, Fraction]:
    """The share, and one unit of its last digit."""
    found = re.fullmatch(r"[0-9]+(?:\.([0-9]+))?", text)
    if not found:
        raise UnreadableError
    share = Fraction(text)
    if not 0 <= share <= 100 or 0 < share < 1:
        raise UnreadableError
    return share, Fraction(1, 10 ** len(found[1] or ""))


def _percent(value: Any) -> tuple[Fraction, Fraction]:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise UnreadableError
    if isinstance(value, float):
        return _decimal(repr(int(value)) if value.is_integer() else repr(value))
    return _decimal(str(value).strip())


def _count(value: Any) -> int:
    text = _text(value)
    if not re.fullmatch(r"[0-9]+", text):
        raise UnreadableError
    return int(text)


COLUMNS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "schools": {
        "school_id": _text,
        "name": _text,
        "kind": _code(*KINDS),
        "week": _code("5", "6"),
        "region": _text,
        "district": _text,
    },
    "teachers": {
        "teacher_id": _text,
        "school_id": _text,
        "name": _text,
        "subjects": _subjects,
        "category": _code(*CODES),
        "category_from": _date,
        "category_until": _date,
        "ethics": _code("observed", "breached", "pending"),
        "ethics_on": _date,
        "ethics_document": _text,
        "status": _code("working", "on_leave", "left"),
        "first_taught_on": _date,
    },
    "categories": {
        "teacher_id": _text,
        "category": _code(*CODES),
        "from": _date,
        "until": _date,
    },
    "posts": {
        "teacher_id": _text,
        "post": _code("head", "deputy_head"),
        "portfolio": _code("academic", "upbringing", "other"),
        "acting": _code("yes", "no"),
        "since": _date,
        "until": _date,
    },
    "quality": {
        "teacher_id": _text,
        "subject": _subject,
        "school_year": _school_year,
        "percent": _percent,
        "learners": _count,
        "learners_good": _count,
    },
    "appointments": {
        "appointment_id": _text,
        "school_id": _text,
        "mentor_id": _text,
        "mentee_id": _text,
        "subject": _subject,
        "order_no": _text,
        "ordered_on": _date,
        "starts_on": _date,
        "ends_on": _date,
    },
    "plans": {
        "appointment_id": _text,
        "recorded_until": _date,
        "level_determined_on": _date,
        "diagnosed_on": _date,
        "drafted_on": _date,
        "agreed_on": _date,
        "agreed_by": _code("deputy_head_academic", "deputy_head", "head", "other"),
        "approved_on": _date,
        "approved_by": _code("head", "deputy_head", "other"),
        "period_from": _date,
        "period_until": _date,
        "interim_on": _date,
        "interim_body": _code("methodical_association", "other"),
        "interim_form": _code("video", "project", "method", "open_lesson", "publication", "other"),
        "final_prepared_on": _date,
        "final_on": _date,
        "final_body": _code("pedagogical_council", "other"),
        "final_has_results": _code("yes", "no"),
        "final_has_recommendations": _code("yes", "no"),
    },
    "reserve": {
        "school_id": _text,
        "teacher_id": _text,
        "proposed_by": _code("methodical_association", "other"),
        "proposed_on": _date,
        "formed_by": _code("pedagogical_council", "other"),
        "formed_on": _date,
        "protocol_no": _text,
    },
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "schools": ("school_id",),
    "teachers": ("teacher_id", "school_id"),
    "categories": ("teacher_id", "category", "from"),
    "posts": ("teacher_id", "post"),
    "quality": ("teacher_id", "subject", "school_year"),
    "appointments": ("appointment_id", "school_id", "mentor_id", "mentee_id", "ordered_on"),
    "plans": ("appointment_id",),
    "reserve": ("school_id", "teacher_id"),
}
KEYED: dict[str, tuple[str, ...]] = {
    "schools": ("school_id",),
    "teachers": ("teacher_id",),
    "quality": ("teacher_id", "subject", "school_year"),
    "appointments": ("appointment_id",),
    "plans": ("appointment_id",),
}


def _share(row: Row) -> Fraction | None:
    """The year's share in percent, None if it is not stated."""
    stated: tuple[Fraction, Fraction] | None = row.get("percent")
    learners: int | None = row.get("learners")
    good: int | None = row.get("learners_good")
    if learners == 0:
        raise UnreadableError
    if learners is None or good is None:
        return None if stated is None else stated[0]
    if good > learners:
        raise UnreadableError
    exact = Fraction(100 * good, learners)
    if stated is not None and abs(exact - stated[0]) > stated[1]:
        raise UnreadableError
    return exact


def _read_table(name: str, raw: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """The readable rows, each once, and what can be read of the invalid ones."""
    columns, required = COLUMNS[name], REQUIRED[name]
    valid: list[Row] = []
    invalid: list[Row] = []
    for cells in raw:
        row: Row = {}
        readable = True
        for column, value in cells.items():
            read = columns.get(column)
            if read is None or value is None:
                continue
            if isinstance(value, str) and not value.strip():
                continue
            try:
                row[column] = read(value)
            except UnreadableError:
                readable = False
        if str(row.get(required[0], "")).startswith("EXAMPLE"):
            continue
        if any(column not in row for column in required):
            readable = False
        if name == "quality" and readable:
            try:
                row["share"] = _share(row)
            except UnreadableError:
                readable = False
        (valid if readable else invalid).append(row)
    if name not in KEYED:
        return valid, invalid
    first: dict[tuple[Any, ...], Row] = {}
    conflicts: set[tuple[Any, ...]] = set()
    extra: list[Row] = []
    for row in valid:
        key = tuple(row[column] for column in KEYED[name])
        if key not in first:
            first[key] = row
        elif _stated(first[key]) != _stated(row):
            conflicts.add(key)
            extra.append(row)
    for key in conflicts:
        invalid.append(first.pop(key))
    return list(first.values()), invalid + extra


def _stated(row: Row) -> Row:
    """The row with percent by value: 60 and 60.0 agree."""
    return {c: v[0] if c == "percent" else v for c, v in row.items()}


# ------------------------------------------------------------------ days and years


def _three_completed(day: date) -> tuple[int, int, int]:
    last = day.year
    while not last_day(last) < day:
        last -= 1
    return last - 2, last - 1, last


def _full_years(start: date, end: date) -> int:
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


# ------------------------------------------------------------------ quality: completions


def _passes(years: tuple[Fraction, Fraction, Fraction], figure: Fraction, period: str) -> bool:
    if period == "each_year":
        return all(year >= figure for year in years)
    return sum(years, Fraction(0)) / 3 >= figure


def _grid(points: Iterable[Fraction]) -> list[Fraction]:
    """Each point and one tiny step below it, inside 0 to 100, with both ends."""
    around = {p - step for p in points for step in (Fraction(0), TINY)}
    return sorted({p for p in around if 0 <= p <= 100} | {Fraction(0), Fraction(100)})


@cache
def _profiles(years: Triple) -> frozenset[Profile]:
    """Every distinct row of answers to TESTS that some completion of the three years gives.

    One missing year: its critical points are the figures themselves and where the mean hits
    them. Two or three missing: the first ones also run over the points where those lines meet
    each other or the ends 0 and 100, so that every region is visited.
    """
    known = tuple(sorted(year for year in years if year is not None))
    return _completed(known, 3 - len(known))


@cache
def _completed(known: tuple[Fraction, ...], missing: int) -> frozenset[Profile]:
    if missing == 0:
        return frozenset({_profile((known[0], known[1], known[2]))})
    total = sum(known, Fraction(0))
    ends = (Fraction(0), Fraction(100), *FIGURES)
    others = {
        sum(part, Fraction(0))
        for part in itertools.combinations_with_replacement(ends, missing - 1)
    }
    critical = [3 * figure - total - other for figure in FIGURES for other in others]
    found: set[Profile] = set()
    for value in _grid((*FIGURES, *critical)):
        found |= _completed(tuple(sorted((*known, value))), missing - 1)
    return frozenset(found)


@cache
def _profile(years: tuple[Fraction, Fraction, Fraction]) -> Profile:
    return tuple(_passes(years, figure, period) for figure, period in TESTS)


@cache
def _answers(years: Triple, figure: Fraction, period: str) -> frozenset[bool]:
    at = TESTS.index((figure, period))
    return frozenset(profile[at] for profile in _profiles(years))


# ------------------------------------------------------------------ outcomes


def _outcome(worlds: Worlds) -> str:
    if not any(applies for applies, _ in worlds):
        return "not_applicable"
    if all(kept or not applies for applies, kept in worlds):
        return "satisfied"
    if all(applies and not kept for applies, kept in worlds):
        return "breached"
    return "unknown"


@cache
def _ruling(table: Table) -> dict[str, Any]:
    readings = {key: _outcome(worlds) for key, worlds in table}
    return {"outcome": _merged(frozenset(readings.values())), "readings": readings}


def _merged(outcomes: frozenset[str]) -> str:
    if len(outcomes) == 1:
        return next(iter(outcomes))
    if "unknown" in outcomes:
        return "unknown"
    mixed = {"satisfied" if o == "not_applicable" else o for o in outcomes}
    return mixed.pop() if len(mixed) == 1 else "disputed"


@cache
def _verdict(tables: tuple[Table, ...]) -> str:
    """Every joint completion under every combination of readings; no question is shared by
    two of these rules, so the combinations are a plain product."""
    seen: set[str] = set()
    for combination in itertools.product(*tables):
        joint = {
            all(kept or not applies for applies, kept in completion)
            for completion in itertools.product(*(worlds for _, worlds in combination))
        }
        if len(joint) == 2:
            return "undetermined"
        seen.add("eligible" if joint.pop() else "ineligible")
    return seen.pop() if len(seen) == 1 else "depends"


def _norm(answers: Iterable[bool]) -> Worlds:
    return frozenset((True, answer) for answer in answers)


# ------------------------------------------------------------------ the dossier


Candidate = tuple[date, frozenset[str], date | None, bool]  # …, codes, end, start stated


class _Categories:
    """What may be true of a category on a day."""

    def __init__(self) -> None:
        self.valid: set[str] = set()  # the category on the day, or EXPIRED
        self.highest: set[str] = set()  # the highest awarded by the day
        self.term: set[World] = set()  # open-ended, and for less than five years


class _Dossier:
    def __init__(self, raw: dict[str, Any]) -> None:
        self.present = {name for name in COLUMNS if raw.get(name) is not None}
        rows: dict[str, list[Row]] = {}
        bad: dict[str, list[Row]] = {}
        for name in COLUMNS:
            stated = [
                row
                for row in raw.get(name) or []
                if any(cell is not None and str(cell).strip() for cell in row.values())
            ]
            rows[name], bad[name] = _read_table(name, stated)
        self.schools = {row["school_id"]: row for row in rows["schools"]}
        self.teachers = {row["teacher_id"]: row for row in rows["teachers"]}
        self.open_keys: dict[str, set[Any]] = {}
        for name, column in (
            ("schools", "school_id"),
            ("teachers", "teacher_id"),
            ("categories", "teacher_id"),
            ("posts", "teacher_id"),
            ("reserve", "teacher_id"),
            ("appointments", "mentee_id"),
            ("plans", "appointment_id"),
        ):
            self.open_keys[name] = {row.get(column) for row in bad[name]}  # None: everyone
        self.categories = _grouped(rows["categories"], "teacher_id")
        self.posts = _grouped(rows["posts"], "teacher_id")
        self.reserve = _grouped(rows["reserve"], "teacher_id")
        self.reserve_of_school = _grouped(rows["reserve"], "school_id")
        self.open_reserves = {row.get("school_id") for row in bad["reserve"]}  # None: all
        self.plans = {row["appointment_id"]: row for row in rows["plans"]}
        self.quality: dict[tuple[str, str, int], Fraction | None] = {}
        self.taught: dict[str, dict[int, set[str]]] = {}
        for row in rows["quality"]:
            teacher, subject, year = row["teacher_id"], row["subject"], row["school_year"]
            self.quality[teacher, subject, year] = row["share"]
            self.taught.setdefault(teacher, {}).setdefault(year, set()).add(subject)
        self.open_quality = {
            (row.get("teacher_id"), row.get("subject"), row.get("school_year"))
            for row in bad["quality"]
        }
        self.open_quality_of = _grouped(
            [dict(zip("tsy", key, strict=True)) for key in self.open_quality], "t"
        )
        self.unjudged = {r["appointment_id"] for r in bad["appointments"] if "appointment_id" in r}
        self.appointments: list[Row] = []
        for row in rows["appointments"]:
            if row["appointment_id"] in self.unjudged:  # another row of this key is invalid
                self.open_keys["appointments"].add(row["mentee_id"])
            else:
                self.appointments.append(row)
        self.mentees = _grouped(self.appointments, "mentee_id")
        self._kept_categories: dict[tuple[str, date], _Categories] = {}
        self._kept_quality: dict[Any, Table] = {}

    def is_open(self, table: str, key: str) -> bool:
        """Whether an invalid row leaves this key's facts of the table unknown."""
        keys = self.open_keys[table]
        return key in keys or None in keys

    def teacher(self, teacher: str) -> Row | None:
        """The teacher's row, None if nothing is known of its cells."""
        return None if self.is_open("teachers", teacher) else self.teachers.get(teacher)

    def plan(self, appointment: str) -> Row | None:
        """The plan's row, None if nothing is known of its cells."""
        return None if self.is_open("plans", appointment) else self.plans.get(appointment)

    def weeks(self, school: str, day: date) -> tuple[int, ...]:
        """Every number of working days a week that the school may have had on the day."""
        row = None if self.is_open("schools", school) else self.schools.get(school)
        if row is None:
            return (5, 6)
        if "week" in row:
            return (int(row["week"]),)
        return (5,) if day >= FIVE_DAY_DEFAULT else (5, 6)

    # -------------------------------------------------------------- category

    def category(self, teacher: str, day: date) -> _Categories:
        kept = self._kept_categories.get((teacher, day))
        if kept is None:
            kept = self._kept_categories[teacher, day] = self._category(teacher, day)
        return kept

    def _category(self, teacher: str, day: date) -> _Categories:
        found = _Categories()
        row = self.teacher(teacher)
        history_open = self.is_open("categories", teacher)
        history = [] if history_open else self.categories.get(teacher, [])
        periods = [(h["from"], h["category"], h.get("until"), True) for h in history]
        self._category_in(found, row, history_open, periods, day)
        return found

    @staticmethod
    def _category_in(
        found: _Categories,
        row: Row | None,
        history_open: bool,
        periods: list[tuple[date, str, date | None, bool]],
        day: date,
    ) -> None:
        awarded = {code for start, code, _, _ in periods if start <= day}
        maybe: set[str] = set()
        covering: list[Candidate] = [
            (start, frozenset({code}), end, sure)
            for start, code, end, sure in periods
            if start <= day and (end is None or end >= day)
        ]
        expired = False
        unknown = row is None or history_open
        if row is not None:
            start, end = row.get("category_from"), row.get("category_until")
            own = row.get("category")
            codes = CODES if own is None else frozenset({own})
            ended = end is not None and end < day
            silent = own is None and start is None and end is None
            by_then = start <= day if start is not None else ended
            covered = bool(covering) or history_open
            if own is not None:
                if by_then or (start is None and not covered):
                    awarded.add(own)
                elif start is None:
                    maybe.add(own)
            if start is not None and start <= day and not ended:
                covering.append((start, codes, end, True))
            elif start is None and not covering and not ended and not silent:
                covering.append((day, codes, end, False))
            expired = by_then and ended and not covering
        counting: list[Candidate] = []
        if not unknown and not expired:
            latest = max((c[0] for c in covering), default=None)
            counting = [c for c in covering if c[0] == latest]
            unknown = len({c[1] for c in counting}) != 1
        highest = max(awarded, key=RANK.__getitem__, default="none")
        at_least = {c for c in CODES if RANK[c] >= RANK[highest]} | {highest}
        if unknown:
            found.valid |= CODES | {EXPIRED}
            found.highest |= at_least
            found.term |= ALL_WORLDS
            return
        undecided = expired and row is not None and row.get("category") is None
        if expired:
            found.valid.add(EXPIRED)
            found.term.add((False, True))
        for start, codes, end, sure in counting:
            found.valid |= codes
            undecided = undecided or len(codes) > 1
            short = {_full_years(start, day - timedelta(1)) < 5} if sure else BOTH
            open_ended = {end is None and code != "none" for code in codes}
            found.term |= set(itertools.product(open_ended, short))
        if undecided:
            found.highest |= at_least
        else:
            found.highest.add(highest)
            found.highest |= {max(highest, m, key=RANK.__getitem__) for m in maybe}

    def qualified(self, teacher: str, day: date, validity: str) -> set[bool]:
        known = self.category(teacher, day)
        codes = known.valid if validity == "must_be_valid" else known.highest
        return {code in QUALIFIED for code in codes}

    # -------------------------------------------------------------- ethics

    def ethical(self, teacher: str, day: date, silence: str) -> set[bool]:
        row = self.teacher(teacher)
        if row is None:
            return set(BOTH)
        silent = {True} if silence == "presumed" else set(BOTH)
        finding, on = row.get("ethics"), row.get("ethics_on")
        if finding is None or (on is not None and on > day):
            return silent
        if finding == "observed":
            return {True}
        if finding == "pending":
            return set(BOTH)
        return {False} if on is not None else {False} | silent  # undated: by then, or later

    # -------------------------------------------------------------- posts

    def free_of_posts(self, teacher: str, day: date, acting: str) -> set[bool]:
        """Whether no post bars the teacher, over every set of posts that may be held."""
        held: list[frozenset[tuple[str, bool]]]
        if "posts" not in self.present or self.is_open("posts", teacher):
            posts = list(itertools.product(("head", "deputy_head"), (True, False)))
            held = [frozenset(c) for n in range(5) for c in itertools.combinations(posts, n)]
        else:
            held = [
                frozenset(
                    (post["post"], post.get("acting") == "yes")
                    for post in self.posts.get(teacher, [])
                    if post.get("since", day) <= day <= post.get("until", day)
                )
            ]
        if acting == "holds_post":
            return {all(only_acts for _, only_acts in posts_held) for posts_held in held}
        return {not posts_held for posts_held in held}

    # -------------------------------------------------------------- quality

    def _figure(self, teacher: str, subject: str, year: int, first: date | None) -> Fraction | None:
        if first is not None and last_day(year) < first:
            return None
        if self.open_quality:
            matches = itertools.product((teacher, None), (subject, None), (year, None))
            if any(match in self.open_quality for match in matches):
                return None
        return self.quality.get((teacher, subject, year))

    def _taught_sets(
        self, teacher: str, row: Row, mentored: str | None, years: tuple[int, int, int]
    ) -> list[frozenset[str]]:
        """Every set of subjects that the teacher may teach; an empty one says nothing."""
        if row.get("subjects"):
            return [row["subjects"]]
        by_year = self.taught.get(teacher, {})
        sure = frozenset().union(*(by_year.get(year, ()) for year in years))
        perhaps: set[str] = set()
        for who in (teacher, None):
            for entry in self.open_quality_of.get(who, []):
                if entry["y"] is not None and entry["y"] not in years:
                    continue
                if entry["s"] is not None:
                    perhaps.add(entry["s"])
                else:  # any subject: the mentored one, or one of which nothing is known
                    perhaps |= {"?"} if mentored is None else {"?", mentored}
        perhaps -= sure
        return [
            sure | frozenset(more)
            for size in range(len(perhaps) + 1)
            for more in itertools.combinations(sorted(perhaps), size)
        ]

    def quality_table(
        self,
        mentor: str,
        school: str,
        mentored: str | None,
        day: date,
        readings: list[tuple[Key, dict[str, str]]],
    ) -> Table:
        years = _three_completed(day)
        memo = (mentor, school, mentored, years)
        kept = self._kept_quality.get(memo)
        if kept is not None:
            return kept
        row = self.teacher(mentor)
        kind: str | None = None
        if not self.is_open("schools", school):
            kind = self.schools.get(school, {}).get("kind")
        kinds = KINDS if kind is None else (kind,)
        sets: list[frozenset[str]] = [frozenset()]
        first: date | None = None
        if row is not None:
            first = row.get("first_taught_on")
            sets = self._taught_sets(mentor, row, mentored, years)
        shares: dict[str, Triple] = {}
        for subject in frozenset().union(*sets):
            one, two, three = (self._figure(mentor, subject, year, first) for year in years)
            shares[subject] = (one, two, three)
        table = tuple(
            (
                key,
                _norm(
                    answer
                    for kind in kinds
                    for taught in sets
                    for answer in self._shown(
                        {
                            s: _answers(shares[s], BAND[kind, chosen["floor"]], chosen["period"])
                            for s in taught
                        },
                        mentored,
                        chosen["subject"],
                    )
                ),
            )
            for key, chosen in readings
        )
        self._kept_quality[memo] = table
        return table

    @staticmethod
    def _shown(
        taught: dict[str, frozenset[bool]], mentored: str | None, reading: str
    ) -> Iterable[bool]:
        """Whether the required quality is shown, over the completions of each subject."""
        if not taught:
            return BOTH
        if reading == "mentored" and mentored is None:
            return set().union(*taught.values())
        if reading == "mentored" and mentored in taught:
            return taught[mentored]
        together = any if reading == "any" else all
        return {together(joint) for joint in itertools.product(*taught.values())}

    # -------------------------------------------------------------- advisory

    def beginner(self, mentee: str, starts: date) -> frozenset[bool]:
        row = self.teacher(mentee)
        if row is None or "first_taught_on" not in row:
            return BOTH
        return frozenset({year_of(row["first_taught_on"]) >= year_of(starts)})

    def listed(self, school: str, teacher: str, day: date) -> frozenset[bool]:
        if "reserve" not in self.present or self.is_open("reserve", teacher):
            return BOTH
        entries = [e for e in self.reserve.get(teacher, []) if e["school_id"] == school]
        if any("formed_on" in entry and entry["formed_on"] <= day for entry in entries):
            return frozenset({True})
        return BOTH if any("formed_on" not in e for e in entries) else frozenset({False})

    def belongs(self, teacher: str, school: str) -> frozenset[bool]:
        row = self.teacher(teacher)
        return BOTH if row is None else frozenset({row["school_id"] == school})

    def alone(self, appointment: Row) -> frozenset[bool]:
        """Whether no other mentor of the mentee is appointed for any of these days."""
        mentee, mentor = appointment["mentee_id"], appointment["mentor_id"]
        mine = self._days(appointment)
        doubt = self.is_open("appointments", mentee)
        for other in self.mentees.get(mentee, []):
            if other is appointment or other["mentor_id"] == mentor:
                continue
            theirs = self._days(other)
            # an end that is not stated: as early as the first day, or never
            joint = {
                mine[0] <= their_end and theirs[0] <= my_end
                for my_end in mine[1]
                for their_end in theirs[1]
            }
            if joint == {True}:
                return frozenset({False})
            doubt = doubt or True in joint
        return BOTH if doubt else frozenset({True})

    @staticmethod
    def _days(appointment: Row) -> tuple[date, tuple[date, ...]]:
        starts: date = appointment.get("starts_on") or appointment["ordered_on"]
        ends: date | None = appointment.get("ends_on")
        return starts, (starts, date.max) if ends is None else (ends,)


def _grouped(rows: list[Row], column: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    return groups


# ------------------------------------------------------------------ judging


Combinations = dict[str, list[tuple[Key, dict[str, str]]]]


def _readings(settled: dict[str, str]) -> Combinations:
    """Per rule, each combination of its live readings, with the value of all its questions.

    Mildest first in the questions of the plan, so the first combination is the mildest.
    """
    for question, reading in settled.items():
        if reading != "open" and reading not in QUESTIONS[question]:
            raise ValueError(f"{question} has no reading {reading}")
    combinations: Combinations = {}
    for rule in (*BLOCKING, *ADVISORY, *PROCEDURE):
        questions = ASKS.get(rule, ())
        if rule == "plan/approved" and settled.get("plan_term_covers", "drafting") == "drafting":
            questions = questions[:1]
        choices: list[tuple[str, ...]] = []
        live: set[str] = set()
        for question in questions:
            choice = settled.get(question, "open" if question in LIVE else "default")
            if choice == "open":
                live.add(question)
                choices.append(QUESTIONS[question])
            else:
                choices.append((QUESTIONS[question][0] if choice == "default" else choice,))
        combinations[rule] = [
            (
                frozenset((q, v) for q, v in zip(questions, values, strict=True) if q in live),
                dict(zip(questions, values, strict=True)),
            )
            for values in itertools.product(*choices)
        ]
    return combinations


def judge(
    dossier: dict[str, Any], *, as_of: str, settled: dict[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    """Per readable appointment_id: {"eligibility": …, "procedure": …, "rules": {rule: ruling}}.

    A ruling is {"outcome", "readings": {live readings: outcome}}. Those of PROCEDURE also hold
    "due" (date or None) and "provisional" (bool) per live readings, "done" (date or None),
    "days_late" (int or None) and "latest" (bool), the last two those of the mildest reading.
    An appointment whose own row is invalid is not_judged and has no rules. The inner
    dictionaries may be shared between appointments: do not change them.
    """
    combinations = _readings(settled or {})
    book = _Dossier(dossier)
    today = _date(as_of)
    results: dict[str, dict[str, Any]] = {
        appointment: {"eligibility": "not_judged", "procedure": "not_judged", "rules": {}}
        for appointment in book.unjudged
    }
    before = {
        rule: {"outcome": "not_in_force", "readings": {k: "not_in_force" for k, _ in keys}}
        for rule, keys in combinations.items()
        if rule not in PROCEDURE
    }
    for appointment in book.appointments:
        result: dict[str, Any] = {"eligibility": "not_judged", "rules": dict(before)}
        if appointment["ordered_on"] >= IN_FORCE:
            tables = _tables(book, appointment, today, combinations)
            result["eligibility"] = _verdict(tuple(tables[rule] for rule in BLOCKING))
            result["rules"] = {rule: _ruling(table) for rule, table in tables.items()}
        told = _procedure(book, appointment, today, combinations)
        result["procedure"] = procedure.verdict(
            tuple(tuple((key, one.outcome) for key, one in told[rule]) for rule in REMEDIABLE)
        )
        result["rules"] |= {rule: _dated_ruling(readings) for rule, readings in told.items()}
        results[appointment["appointment_id"]] = result
    return results


def _procedure(
    book: _Dossier, appointment: Row, today: date, combinations: Combinations
) -> dict[str, list[tuple[Key, procedure.Told]]]:
    ordered: date = appointment["ordered_on"]
    starts: date = appointment.get("starts_on") or ordered
    ends: date | None = appointment.get("ends_on")
    plan = book.plan(appointment["appointment_id"])
    rules = procedure.plan_rules(plan, starts, book.weeks(appointment["school_id"], starts), today)
    rules["appointment/one_academic_year"] = lambda _: procedure.one_academic_year(starts, ends)
    told = {}
    for rule in PROCEDURE:
        in_force = (ordered if rule.startswith("appointment/") else starts) >= IN_FORCE
        told[rule] = [
            (key, rules[rule](chosen) if in_force else procedure.NOT_IN_FORCE)
            for key, chosen in combinations[rule]
        ]
    return told


def _dated_ruling(readings: list[tuple[Key, procedure.Told]]) -> dict[str, Any]:
    mildest = readings[0][1]
    return {
        "outcome": _merged(frozenset(told.outcome for _, told in readings)),
        "readings": {key: told.outcome for key, told in readings},
        "due": {key: told.due for key, told in readings},
        "done": mildest.done,
        "days_late": mildest.days_late,
        "provisional": {key: told.provisional for key, told in readings},
        "latest": mildest.latest,
    }


def _tables(
    book: _Dossier,
    appointment: Row,
    today: date,
    combinations: Combinations,
) -> dict[str, Table]:
    mentor, mentee = appointment["mentor_id"], appointment["mentee_id"]
    school, ordered = appointment["school_id"], appointment["ordered_on"]
    starts, ends = book._days(appointment)

    def posts(day: date, chosen: dict[str, str]) -> Worlds:
        free = book.free_of_posts(mentor, day, chosen["acting_post"])
        return frozenset((chosen["reserve_only"] == "bars_appointment", f) for f in free)

    def still(chosen: dict[str, str]) -> Worlds:
        under_way = {starts <= today <= end for end in ends}
        if under_way == {False}:
            return frozenset({(False, True)})
        norms = (
            book.qualified(mentor, today, chosen["expired_category"]),
            book.ethical(mentor, today, chosen["ethics_silence"]),
            {free or not bars for bars, free in posts(today, chosen)},
        )
        kept = {all(joint) for joint in itertools.product(*norms)}
        return frozenset(itertools.product(under_way, kept))

    def plain(worlds: Worlds) -> Table:
        return ((frozenset(), worlds),)

    both_belong = {
        one and other
        for one in book.belongs(mentor, school)
        for other in book.belongs(mentee, school)
    }
    category, ethics, quality, excluded, not_self = BLOCKING
    beginning, reserve, same_school, overlap, term, qualified = ADVISORY
    return {
        category: tuple(
            (k, _norm(book.qualified(mentor, ordered, c["expired_category"])))
            for k, c in combinations[category]
        ),
        ethics: tuple(
            (k, _norm(book.ethical(mentor, ordered, c["ethics_silence"])))
            for k, c in combinations[ethics]
        ),
        quality: book.quality_table(
            mentor, school, appointment.get("subject"), ordered, combinations[quality]
        ),
        excluded: tuple((k, posts(ordered, c)) for k, c in combinations[excluded]),
        not_self: plain(_norm({mentor != mentee})),
        beginning: plain(_norm(book.beginner(mentee, starts))),
        reserve: plain(_norm(book.listed(school, mentor, ordered))),
        same_school: plain(_norm(both_belong)),
        overlap: plain(_norm(book.alone(appointment))),
        term: plain(frozenset(book.category(mentor, ordered).term)),
        qualified: tuple((k, still(c)) for k, c in combinations[qualified]),
    }


# ------------------------------------------------------------------ the reserve


def judge_reserve(
    dossier: dict[str, Any], *, as_of: str, settled: dict[str, str] | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Per school_id, a group per formed_on: {"formed_on": date or None, rule: outcome, …}.

    The undated group stands last. `as_of` must be a date and changes nothing (decision 24).
    """
    _date(as_of)
    combinations = _readings(settled or {})
    book = _Dossier(dossier)
    found: dict[str, list[dict[str, Any]]] = {}
    for school, rows in sorted(book.reserve_of_school.items()):
        is_open = school in book.open_reserves or None in book.open_reserves
        by_day: dict[date | None, list[Row]] = {}
        for row in rows:
            by_day.setdefault(row.get("formed_on"), []).append(row)
        found[school] = []
        for day in sorted(by_day, key=lambda one: one or date.max):
            formed = qualified = "unknown"
            if day is not None and day < IN_FORCE:
                formed = qualified = "not_in_force"
            elif day is not None:
                teachers = {row["teacher_id"] for row in by_day[day]}
                verdicts = {
                    _candidate(book, teacher, school, day, combinations) for teacher in teachers
                }
                # An open row can add somebody, and cannot take off who is listed.
                qualified = _only_qualified(verdicts | ({"undetermined"} if is_open else set()))
                formed = "unknown" if is_open else _formed(by_day[day])
            found[school].append(
                {
                    "formed_on": day,
                    "reserve/formed": formed,
                    "reserve/only_qualified": qualified,
                }
            )
    return found


def _formed(entries: list[Row]) -> str:
    bodies = (("formed_by", "pedagogical_council"), ("proposed_by", "methodical_association"))
    stated = [entry.get(column) == body for entry in entries for column, body in bodies]
    other = [entry.get(column, body) != body for entry in entries for column, body in bodies]
    if any(other):
        return "breached"
    numbered = all("protocol_no" in entry for entry in entries)
    return "satisfied" if numbered and all(stated) else "unknown"


def _only_qualified(verdicts: set[str]) -> str:
    if "ineligible" in verdicts:
        return "breached"
    return "satisfied" if verdicts == {"eligible"} else "unknown"


def _candidate(
    book: _Dossier, teacher: str, school: str, day: date, combinations: Combinations
) -> str:
    """The verdict on a teacher who is to enter the reserve, whatever the subject."""
    category, ethics, quality, excluded, _ = BLOCKING
    return _verdict(
        (
            tuple(
                (k, _norm(book.qualified(teacher, day, c["expired_category"])))
                for k, c in combinations[category]
            ),
            tuple(
                (k, _norm(book.ethical(teacher, day, c["ethics_silence"])))
                for k, c in combinations[ethics]
            ),
            book.quality_table(teacher, school, None, day, combinations[quality]),
            tuple(
                (k, _norm(book.free_of_posts(teacher, day, c["acting_post"])))
                for k, c in combinations[excluded]
            ),
        )
    )


def shares(seeds: int = 40, appointments: int = 500, as_of: str = "2026-11-23") -> str:
    """How often each verdict and each outcome comes, in percent, over generated dossiers."""
    import time
    from collections import Counter

    from tests.generate import dossier

    counts: dict[str, Counter[str]] = {}
    took = 0.0
    for seed in range(seeds):
        case = dossier(seed, appointments)
        started = time.perf_counter()
        results = judge(case, as_of=as_of)
        took += time.perf_counter() - started
        for result in results.values():
            for side in ("eligibility", "procedure"):
                counts.setdefault(side, Counter())[result[side]] += 1
            for rule, ruling in result["rules"].items():
                counts.setdefault(rule, Counter())[ruling["outcome"]] += 1
    lines = []
    for rule, outcomes in counts.items():
        total = sum(outcomes.values())
        parts = (f"{o} {100 * n / total:.1f}" for o, n in outcomes.most_common())
        lines.append(f"{rule:36} {' · '.join(parts)}")
    judged = sum(counts["eligibility"].values())
    lines.append(f"{judged} appointments, {1000 * took / judged:.3f} ms each")
    return "\n".join(lines)


if __name__ == "__main__":
    print(shares())
