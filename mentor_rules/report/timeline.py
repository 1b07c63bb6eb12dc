"""The timeline of a plan as numbers of a picture (SVG): due against done, rest days shaded.

One day is a few units wide, so that equal stretches of time look equal. What many plans share
(axis, rest days, names of acts) is one axis, drawn once and used by all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.calendar_data import Week
from mentor_rules.headings import column_label
from mentor_rules.records import columns
from mentor_rules.result import DeadlineRow, Deadlines, State
from mentor_rules.rulebook import Rulebook
from mentor_rules.texts import say
from mentor_rules.vocabulary import Language

LEFT, RIGHT = 200, 150  # room for the names of acts, and for words beside the last mark
TOP, ROW = 20, 20  # the line of months, and the height of an act
_MONTH_LABEL = 71  # what the name of a month needs
_WIDEST = 900  # of the part that stands for time
_DAY_WIDTHS = (3, 2, 1)


@dataclass(frozen=True)
class Axis:
    """What plans share: the stretch of time, the rest days of a week, the acts.

    `rest` is a path as broad as `band`, `months` one of thin lines; `labels` are the months with
    their places, `acts` the number of the names of the acts, of which there are `rows`.
    """

    number: int
    first: date
    last: date
    day_width: int
    weeks: tuple[Week, ...]
    rest: str
    months: str
    labels: tuple[tuple[int, str], ...]
    acts: int
    rows: int

    @property
    def width(self) -> int:
        """The width of the picture."""
        return LEFT + RIGHT + ((self.last - self.first).days + 1) * self.day_width

    @property
    def height(self) -> int:
        """The height of the picture."""
        return TOP + self.band

    @property
    def band(self) -> int:
        """The height of all acts together."""
        return ROW * self.rows

    def x(self, day: date) -> int:
        """Give where a day's mark stands."""
        return LEFT + (day - self.first).days * self.day_width + self.day_width // 2


@dataclass(frozen=True)
class Timeline:
    """The marks of one plan upon its axis: paths by what they mean, and lateness in words."""

    axis: Axis
    marks: tuple[tuple[str, str], ...]
    words: tuple[tuple[int, int, str], ...]
    as_of: int | None
    says: str


def _places(rulebook: Rulebook) -> dict[str, int]:
    """Give the place of the act of each rule: plans have their columns in the order of acts."""
    order = list(columns("plans"))
    return {
        rule.id: order.index(rule.act.done[-1])
        for rule in rulebook.rules
        if rule.act is not None and rule.act.done
    }


def act_label(rulebook: Rulebook, rule: str, language: Language) -> str:
    """Give the short name of the act that a rule asks for: that of its column."""
    act = rulebook.rule(rule).act
    assert act is not None  # noqa: S101 - only rules about acts have terms
    return column_label("plans", act.done[-1], language).replace("_", " ")


def stands(row: DeadlineRow, language: Language) -> str:
    """Give in words how an act stands: in time, late and by how much, to be done, not known."""
    if row.state in ("overdue", "late") and row.days_late is not None:
        return say("html", row.state, language, days=str(row.days_late))
    if row.state == "done":
        code = "done_without_term" if row.due is None else "done_in_time"
        return say("html", code, language)
    if row.state in ("waiting", "unknown"):
        return say("html", row.state, language)
    return say("state_short", row.state, language)


class Timelines:
    """The timelines of all plans; `weeks` holds the working week that a school states."""

    def __init__(
        self,
        found: Deadlines,
        rulebook: Rulebook,
        calendar: SchoolCalendar,
        weeks: Mapping[str, Week],
        language: Language,
    ) -> None:
        self._as_of, self._rulebook, self._calendar = found.as_of, rulebook, calendar
        self._weeks, self._language = weeks, language
        self._axes: dict[tuple[object, ...], Axis] = {}
        self.acts: dict[tuple[str, ...], int] = {}
        by_plan: dict[str, list[DeadlineRow]] = defaultdict(list)
        for row in found.deadlines:
            by_plan[row.appointment_id].append(row)
        places = _places(rulebook)
        self.rows: dict[str, tuple[DeadlineRow, ...]] = {
            plan: tuple(sorted(rows, key=lambda row: places[row.rule]))
            for plan, rows in by_plan.items()
        }
        self._pictures = {plan: self._picture(rows) for plan, rows in self.rows.items()}

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Every axis that a plan is drawn upon."""
        return tuple(self._axes.values())

    def of(self, appointment_id: str) -> Timeline | None:
        """Give the timeline of a plan; None where no day of it is known."""
        return self._pictures.get(appointment_id)

    def _picture(self, rows: Sequence[DeadlineRow]) -> Timeline | None:
        days = [day for row in rows for day in (row.from_, row.due, row.done) if day is not None]
        if not days:
            return None
        if any(row.state == "overdue" for row in rows):
            days.append(self._as_of)
        axis = self._axis(rows, min(days), max(days))
        counts = Counter(row.state for row in rows)
        return Timeline(
            axis=axis,
            marks=tuple(self._marks(rows, axis)),
            words=tuple(self._words(rows, axis)),
            as_of=axis.x(self._as_of) if axis.first <= self._as_of <= axis.last else None,
            says="; ".join(
                say("html", f"timeline_{state}", self._language, count=str(counts[state]))
                for state in _STATES
                if counts[state]
            ),
        )

    def _marks(self, rows: Sequence[DeadlineRow], axis: Axis) -> Iterator[tuple[str, str]]:
        paths: dict[str, list[str]] = {kind: [] for kind in ("term", "gone", "due", *_DONE)}
        for place, row in enumerate(rows):
            y = TOP + ROW * place + ROW // 2
            if row.from_ is not None and row.due is not None:
                paths["term"].append(f"M{axis.x(row.from_)} {y}H{axis.x(row.due)}")
            if row.due is not None:
                paths["due"].append(f"M{axis.x(row.due)} {y - 8}v16")
                if row.state == "overdue":
                    paths["gone"].append(f"M{axis.x(row.due)} {y}H{axis.x(self._as_of)}")
            if row.done is not None:
                kind = row.state if row.state in _DONE else "other"
                # A square of no length at all would be left out of a PDF.
                paths[kind].append(f"M{axis.x(row.done)} {y}h.1")
        return ((kind, "".join(path)) for kind, path in paths.items() if path)

    def _words(self, rows: Sequence[DeadlineRow], axis: Axis) -> Iterator[tuple[int, int, str]]:
        for place, row in enumerate(rows):
            if row.state in ("overdue", "late") and row.days_late is not None:
                day = self._as_of if row.done is None else max(row.done, row.due or row.done)
                y = TOP + ROW * place + ROW // 2 + 4
                yield axis.x(day) + 10, y, stands(row, self._language)

    def _axis(self, rows: Sequence[DeadlineRow], first: date, last: date) -> Axis:
        """Give the axis for a plan, whole months long; alike ones are one."""
        first, last = first.replace(day=1), _next_month(last) - timedelta(days=1)
        school = rows[0].school_id
        usual = self._weeks.get(school) or self._calendar.usual_week(first)
        weeks: tuple[Week, ...] = (5, 6) if usual is None else (usual,)
        rules = tuple(row.rule for row in rows)
        key = (first, last, weeks, rules)
        if key not in self._axes:
            acts = tuple(act_label(self._rulebook, rule, self._language) for rule in rules)
            self._axes[key] = self._drawn(first, last, weeks, acts)
        return self._axes[key]

    def _drawn(
        self, first: date, last: date, weeks: tuple[Week, ...], acts: tuple[str, ...]
    ) -> Axis:
        length = (last - first).days + 1
        width = next((one for one in _DAY_WIDTHS if length * one <= _WIDEST), _DAY_WIDTHS[-1])
        height = ROW * len(acts)

        def left(day: date) -> int:
            return LEFT + (day - first).days * width

        months = [first]
        while (following := _next_month(months[-1])) <= last:
            months.append(following)
        every = -(-_MONTH_LABEL // (28 * width))
        return Axis(
            *(len(self._axes) + 1, first, last, width, weeks),
            rest=f"M{LEFT} {TOP + height // 2}"
            + "".join(
                f"m{before * width} 0h{days * width}"
                for before, days in self._rest(first, last, weeks)
            ),
            months="".join(f"M{left(month)} {TOP - 4}v{height + 4}" for month in months),
            labels=tuple((left(month) + 2, f"{month:%Y-%m}") for month in months[::every]),
            acts=self.acts.setdefault(acts, len(self.acts) + 1),
            rows=len(acts),
        )

    def _rest(self, first: date, last: date, weeks: tuple[Week, ...]) -> Iterator[tuple[int, int]]:
        """Give the runs of rest days: days before it since the last one, and its length.

        Of a week that is not known only the rest days of both are.
        """
        calendars = [self._calendar.week(week) for week in weeks]

        def worked(day: date) -> bool:
            return any(calendar.is_working_day(day) for calendar in calendars)

        days = (first + timedelta(days) for days in range((last - first).days + 1))
        before = 0
        for off, run in groupby(days, lambda day: not worked(day)):
            length = sum(1 for _ in run)
            if not off:
                before = length
            else:
                yield before, length
                before = 0


_STATES: tuple[State, ...] = ("done", "late", "overdue", "waiting", "unknown")
_DONE = ("done", "late", "other")


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
