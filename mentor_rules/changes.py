"""What would make an appointment eligible: the smallest changes, each judged anew.

A change is data: cells to be written, or a reading to be settled. The search applies it to a copy
of the records that speak of one mentor, and keeps what the engine then calls eligible. Blocking
rules share no fact that can be missing, so the smallest sets of the whole are unions of the
smallest sets of each rule; the days of a new order are tried one by one, the earliest first.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import combinations, pairwise, product

from mentor_rules.calendar import SchoolCalendar, SchoolYear
from mentor_rules.calendar_data import Overrides
from mentor_rules.dossier import Dossier
from mentor_rules.engines.closure import Closure, Outcomes
from mentor_rules.errors import UsageError
from mentor_rules.facts import WHOLE, Case
from mentor_rules.headings import table_label
from mentor_rules.judging import Bench, bench_for, case_of, expect_day, judge
from mentor_rules.loading import builtin_rulebook
from mentor_rules.records import (
    LAST_DAY,
    VOCABULARIES,
    Appointment,
    InvalidRow,
    Post,
    Record,
    Teacher,
    build_record,
    column_value,
    columns,
    subject_key,
)
from mentor_rules.result import (
    Bound,
    Change,
    ChangedCell,
    ChangeKind,
    Changes,
    Past,
    Report,
    Way,
)
from mentor_rules.rulebook import BoundRule, Readings, Rulebook, Settled
from mentor_rules.texts import has, say
from mentor_rules.verdict import FINE, Verdicts
from mentor_rules.vocabulary import CATEGORY, ETHICS, SCHOOL_KIND, Language

SHOWN = 8  # ways of one appointment, the simplest ones
YEARS_AHEAD = 3  # school years still to be completed that are looked at
MANY_YEARS = 4  # missing years, beyond which they are looked at all together only
UNNAMED = "…"  # a subject that no record names
_ABOUT_PEOPLE = ("teachers", "categories", "posts", "quality")
_OF_INTEREST = frozenset({"ineligible", "depends", "undetermined"})


@dataclass(frozen=True)
class _Cell:
    """A cell to be written; `new` makes one new row of all cells of a step with that `where`."""

    table: str
    where: tuple[tuple[str, str], ...]
    column: str | None
    values: tuple[str, ...] = ()
    bound: Bound = "exactly"
    rows: tuple[int, ...] = ()
    new: bool = False


@dataclass(frozen=True)
class _Step:
    """One change as it is searched for.

    `about` tells two steps alike whatever the day of the order, `amount` how much they ask.
    """

    kind: ChangeKind
    code: str
    about: tuple[str, ...]
    document: str
    cells: tuple[_Cell, ...] = ()
    reading: tuple[str, str] | None = None
    on: date | None = None
    amount: int = 0
    params: tuple[tuple[str, str | tuple[str, ...]], ...] = ()


_Set = frozenset[_Step]


def _dominates(one: _Set, other: _Set) -> bool:
    """Tell whether all that `one` asks is asked by `other` too, as much of it or more."""
    return all(
        any(mine.about == its.about and mine.amount <= its.amount for its in other) for mine in one
    )


def _smallest(found: Iterable[_Set]) -> list[_Set]:
    """Give the sets that no other one dominates, each once."""
    kept: list[_Set] = []
    for one in sorted(dict.fromkeys(found), key=_simplicity):
        if not any(_dominates(other, one) for other in kept):
            kept = [other for other in kept if not _dominates(one, other)]
            kept.append(one)
    return kept


def _simplicity(one: _Set) -> tuple[int, int, int, int, list[str]]:
    """Give the place of a set: few steps first, and those that are in the school's hands."""
    questions = sum(step.kind == "question" for step in one)
    day = next((step.amount for step in one if step.kind == "order"), 0)
    amount = sum(step.amount for step in one if step.kind != "order")
    return len(one), questions, day, amount, sorted(repr(step.about) for step in one)


# The records of one mentor -----------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """All records that blocking rules can read of one appointment, to be changed as a copy."""

    tables: Mapping[str, tuple[Record, ...]]
    invalid: tuple[InvalidRow, ...]

    @cached_property
    def dossier(self) -> Dossier:
        """The dossier that these rows make; ids are shown as they were before."""
        tables: dict[str, Iterable[Record]] = dict(self.tables)
        return Dossier(**tables, invalid=self.invalid, show_ids=True)  # type: ignore[arg-type]  # each table holds its own records

    @property
    def appointment(self) -> Appointment:
        [found] = self.tables["appointments"]
        assert isinstance(found, Appointment)  # noqa: S101 - narrows the table's model
        return found

    @property
    def mentor(self) -> Teacher | None:
        """The mentor's row, where there is a readable one."""
        return next(
            (row for row in self.tables.get("teachers", ()) if isinstance(row, Teacher)), None
        )

    def unreadable(self, table: str) -> dict[int, InvalidRow]:
        """Give the rows of a table that cannot be read or disagree, by their number."""
        return {row.row: row for row in self.invalid if row.table == table and row.row is not None}

    def after(self, steps: Iterable[_Step]) -> "_Rows | None":
        """Give the rows with the first value of every cell written, None where that is no row."""
        tables = {name: list(records) for name, records in self.tables.items()}
        invalid = list(self.invalid)
        for step in steps:
            together: dict[tuple[object, ...], list[_Cell]] = defaultdict(list)
            for cell in step.cells:
                together[cell.table, cell.where, cell.rows, cell.new].append(cell)
            for cells in together.values():
                if not _write(tables, invalid, cells):
                    return None
        return _Rows({name: tuple(rows) for name, rows in tables.items()}, tuple(invalid))


def _write(
    tables: dict[str, list[Record]], invalid: list[InvalidRow], cells: Sequence[_Cell]
) -> bool:
    """Write the cells of one row; tell whether the row can be read afterwards."""
    first = cells[0]
    rows = tables.setdefault(first.table, [])
    values = {cell.column: cell.values[0] for cell in cells if cell.column is not None}
    bases: list[tuple[Record | None, Mapping[str, object]]] = []
    if first.rows:
        wrong = [r for r in invalid if r.table == first.table and r.row in first.rows]
        invalid[:] = [row for row in invalid if row not in wrong]
        bases = [(None, row.readable) for row in {row.row: row for row in wrong}.values()]
    elif not first.new:
        found = [row for row in rows if _is_so(row, first.where)]
        bases = [(row, _stated(row)) for row in found]
    if not values:  # nobody's row, or no row at all
        return True
    for old, base in bases or [(None, {})]:
        record, _ = build_record(first.table, None, {**base, **dict(first.where), **values})
        if record is None:
            return False
        if old is None:
            rows.append(record)
        else:
            rows[rows.index(old)] = record
    return True


def _stated(record: Record) -> dict[str, object]:
    return {
        column: value
        for column in columns(record.table)
        if (value := column_value(record, column)) not in (None, ())
    }


def _is_so(record: Record, where: tuple[tuple[str, str], ...]) -> bool:
    return all(
        subject_key(str(column_value(record, column))) == subject_key(text)
        if column == "subject"
        else str(column_value(record, column)) == text
        for column, text in where
    )


def _where(record: Record) -> tuple[tuple[str, str], ...]:
    """Give the cells that tell a row of a list: all that it states."""
    return tuple((column, str(value)) for column, value in _stated(record).items())


class _Source:
    """Cuts the records of one appointment out of a dossier."""

    def __init__(self, dossier: Dossier) -> None:
        self._dossier = dossier
        self._invalid: dict[tuple[str, str | None], list[InvalidRow]] = defaultdict(list)
        for row in dossier.invalid:
            if row.spoils and row.key:
                self._invalid[row.table, row.key[0]].append(row)

    def rows(self, appointment: Appointment) -> _Rows:
        """Give the records that blocking rules can read of an appointment."""
        dossier, mentor = self._dossier, appointment.mentor_id
        found: dict[str, tuple[Record, ...]] = {
            "schools": dossier.school(appointment.school_id).records,
            "teachers": dossier.teacher(mentor).records,
            "categories": dossier.categories(mentor).records,
            "posts": dossier.posts(mentor).records,
            "quality": tuple(
                row for years in dossier.quality(mentor).values() for row in years.values()
            ),
        }
        tables = {name: records for name, records in found.items() if dossier.has(name)}
        keys = [("schools", key) for key in (None, appointment.school_id)]
        keys += [(table, key) for table in _ABOUT_PEOPLE for key in (None, mentor)]
        invalid = tuple(row for key in keys for row in self._invalid.get(key, ()))
        return _Rows({**tables, "appointments": (appointment,)}, invalid)


# The search ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """One blocking rule on one day of an order, with what tells its outcomes."""

    rule: BoundRule
    bench: Bench
    calendar: SchoolCalendar
    on: date
    as_of: date
    anew: bool  # by a new order

    def outcomes(self, rows: _Rows) -> Outcomes:
        """Give the outcome of the rule under each of its readings."""
        own = rows.appointment
        case = Case(
            rows.dossier,
            self.calendar,
            own.mentor_id,
            own.school_id,
            own.subject,
            self.on,
            self.as_of,
            appointment=own,
        )
        return judge(self.bench, case).outcomes[0]

    @property
    def facts(self) -> set[str]:
        """The names of the facts that the rule reads."""
        return {name for name, _ in self.rule.facts}


class Finder:
    """Finds what would make appointments of one dossier eligible; see `find_changes`."""

    def __init__(
        self,
        dossier: Dossier,
        *,
        as_of: date,
        readings: Readings = None,
        rulebook: Rulebook | None = None,
        calendar: Overrides = None,
        language: Language = "en",
        settle: Mapping[str, str] | None = None,
    ) -> None:
        expect_day("as_of", as_of)
        self._source, self._as_of, self._language = _Source(dossier), as_of, language
        self._rulebook = rulebook or builtin_rulebook()
        self._settled = self._rulebook.settle(readings, over=settle)
        self._calendar = SchoolCalendar.load(calendar)
        self._bench = self._bench_under(self._settled)
        self._rules = [
            (rule, self._alone(rule))
            for rule in self._bench.engine.rules
            if rule.rule.weight == "blocking"
        ]

    def _alone(self, rule: BoundRule) -> Bench:
        verdicts = (
            Verdicts((rule,), "blocking", self._settled),
            Verdicts((rule,), "remediable", self._settled),
        )
        return Bench(Closure((rule,), verdicts), (), *verdicts, self._settled)

    def _bench_under(self, settled: Settled) -> Bench:
        return bench_for(self._rulebook, settled, self._language, "appointment", "eligibility")

    def of(self, appointment: Appointment) -> Changes | None:
        """Give what would make an appointment eligible, None where it is, or is not judged."""
        rows = self._source.rows(appointment)
        opinion = judge(self._bench, self._case(rows)).opinion
        if opinion.eligibility not in _OF_INTEREST:
            return None
        found: list[_Set] = []
        past: list[BoundRule] = []
        later: set[str] = set()
        for day in (None, *self._days(rows)):
            per_rule = []
            for rule, bench in self._rules:
                on = day or appointment.ordered_on
                asked = _Asked(rule, bench, self._calendar, on, self._as_of, day is not None)
                own = list(self._of_rule(asked, rows))
                per_rule.append(own)
                if day is None and not own:
                    past.append(rule)
                elif day is not None and own:
                    later.add(rule.rule.id)
            order = (_order(appointment, day),) if day is not None else ()
            found += _smallest(frozenset(order).union(*chosen) for chosen in product(*per_rule))
        confirmed = [one for one in _smallest(found) if self._is_confirmed(one, rows)]
        return Changes(
            ways=tuple(self._way(one, rows) for one in confirmed[:SHOWN]),
            past=tuple(self._past(rule, rows, rule.rule.id in later) for rule in past),
            left_out=max(0, len(confirmed) - SHOWN),
        )

    def _case(self, rows: _Rows) -> Case:
        return case_of(rows.dossier, rows.appointment, self._calendar, self._as_of)

    def _is_confirmed(self, one: _Set, rows: _Rows) -> bool:
        """Judge an appointment anew after the changes; each value that is offered must do."""
        chosen = dict(step.reading for step in one if step.reading is not None)
        live = {**self._settled.live, **{name: (reading,) for name, reading in chosen.items()}}
        bench = self._bench_under(Settled(live, self._settled.chosen))
        for steps in _each_value(one):
            after = rows.after(sorted(steps, key=_in_time))
            if after is None:
                return False
            if judge(bench, self._case(after)).opinion.eligibility != "eligible":
                return False
        return True

    def _days(self, rows: _Rows) -> list[date]:
        """Give the days of a new order on which something changes, the earliest first."""
        soonest = max(self._as_of, rows.appointment.ordered_on) + timedelta(1)
        if soonest > LAST_DAY:
            return []
        stated = [
            *(row.category_from for row in _teachers(rows)),
            *(row.ethics_on for row in _teachers(rows)),
            *(column_value(row, "from") for row in rows.tables.get("categories", ())),
            *(
                row.until + timedelta(1)
                for row in rows.tables.get("posts", ())
                if isinstance(row, Post) and row.until is not None
            ),
        ]
        ends = [year.last + timedelta(1) for year in self._years_from(soonest)]
        days = {soonest, *ends, *(day for day in stated if day is not None and day > soonest)}
        return sorted(day for day in days if day <= min(LAST_DAY, max(ends)))

    def _years_from(self, day: date) -> list[SchoolYear]:
        """Give the next school years to be completed on a day or after it."""
        [last] = self._calendar.completed_before(day, 1)
        return [self._calendar.year(last.first.year + n) for n in range(1, YEARS_AHEAD + 1)]

    # One rule on one day ---------------------------------------------------------------------

    def _of_rule(self, asked: _Asked, rows: _Rows) -> Iterator[_Set]:
        """Give the smallest sets of steps that meet one rule on one day."""
        yield from _smallest(self._sets(asked, rows))

    def _sets(self, asked: _Asked, rows: _Rows) -> Iterator[_Set]:
        """Give sets of steps, smallest or not, that meet one rule on one day."""
        outcomes = asked.outcomes(rows)
        if FINE.issuperset(outcomes):
            yield frozenset()
            return
        yield from self._settling(asked, (), outcomes)
        for base in _grounds(asked, rows):
            ready = rows.after(base)
            if ready is None:
                continue
            if base:
                yield from self._settling(asked, base, asked.outcomes(ready))
            found: list[tuple[tuple[_Step, ...], Outcomes]] = []
            if "category" in asked.facts:
                found += _tried(asked, ready, _categories(asked, ready))
            if "ethics" in asked.facts:
                found += _tried(asked, ready, _ethics(asked, ready))
            if "post" in asked.facts:
                found += _tried(asked, ready, _posts(asked, ready))
            for steps, own in _merged(found):
                yield from self._settling(asked, (*base, *steps), own)
            if "quality" in asked.facts:
                yield from self._qualities(asked, ready, base)

    def _settling(
        self, asked: _Asked, steps: tuple[_Step, ...], outcomes: Outcomes
    ) -> Iterator[_Set]:
        """Give the steps with every choice of readings under which they meet the rule."""
        whens = [dict(reading.when) for reading in asked.rule.readings]
        for count in range(len(asked.rule.questions) + 1):
            for questions in combinations(asked.rule.questions, count):
                for chosen in product(*(self._settled.live[name] for name in questions)):
                    choice = dict(zip(questions, chosen, strict=True))
                    if all(
                        outcome in FINE
                        for when, outcome in zip(whens, outcomes, strict=True)
                        if choice.items() <= when.items()
                    ):
                        yield frozenset((*steps, *map(_question, choice.items())))

    def _qualities(self, asked: _Asked, rows: _Rows, base: tuple[_Step, ...]) -> Iterator[_Set]:
        """Give the sets of figures, subjects and kinds of school that meet a rule of quality."""
        for kind in _school_kinds(rows):
            for subject in _named_subjects(asked, rows):
                steps = (*kind, *subject)
                ready = rows.after(steps)
                if ready is None:
                    continue
                if steps:
                    yield from self._settling(asked, (*base, *steps), asked.outcomes(ready))
                yield from self._figures(asked, ready, (*base, *steps))

    def _figures(self, asked: _Asked, rows: _Rows, before: tuple[_Step, ...]) -> Iterator[_Set]:
        missing, to_come = _missing_years(asked, rows)
        few = len(missing) <= MANY_YEARS
        for count in range(0 if to_come else 1, len(missing) + 1):
            for years in combinations(missing, count) if few or count == len(missing) else ():
                seen: dict[_Set, None] = {}
                for amount, outcomes in _figures_that_matter(asked, rows, years, to_come):
                    steps = _figure_steps(asked, rows, years, to_come, amount)
                    for one in self._settling(asked, (), outcomes):
                        if not any(other <= one for other in seen):
                            seen[one] = None
                            yield one.union(before, steps)

    # Words -----------------------------------------------------------------------------------

    def _way(self, one: _Set, rows: _Rows) -> Way:
        """Give a set of steps in words, in the order in which they happen."""
        return Way(changes=tuple(self._change(step, rows) for step in sorted(one, key=_in_time)))

    def _change(self, step: _Step, rows: _Rows) -> Change:
        rules = tuple(
            rule.rule.id
            for rule, _ in self._rules
            if step.kind == "order"
            or (step.reading and step.reading[0] in rule.rule.questions)
            or step.document in {name for name, _ in rule.facts}
            or (step.document == "subject" and "quality" in {name for name, _ in rule.facts})
            or step.code == "teacher_row"
        )
        return Change(
            kind=step.kind,
            rules=rules,
            cells=tuple(
                ChangedCell(
                    table=cell.table,
                    where=dict(cell.where),
                    rows=cell.rows,
                    column=cell.column,
                    values=cell.values,
                    bound=cell.bound,
                    new=cell.new,
                )
                for cell in step.cells
            ),
            reading=dict([step.reading]) if step.reading is not None else {},
            on=step.on,
            who=self._who(step),
            text=self._text(step, rows),
        )

    def _who(self, step: _Step) -> str:
        own = f"who_{step.code}"
        if has("change", own):
            return say("change", own, self._language)
        return self._rulebook.documents[step.document].who[self._language]

    def _text(self, step: _Step, rows: _Rows) -> str:
        language = self._language
        params = {name: self._shown(name, value) for name, value in step.params}
        if step.reading is not None:
            question = self._rulebook.questions[step.reading[0]]
            params["means"] = question.readings[step.reading[1]].means[language]
        params |= {"on": str(step.on or rows.appointment.ordered_on)}
        text = say("change", step.code, language, **params)
        numbers = sorted({number for cell in step.cells for number in cell.rows})
        if not numbers:
            return text
        table = table_label(step.cells[0].table, language)
        listed = ", ".join(map(str, numbers))
        return say("change", "corrected", language, table=table, rows=listed, what=text)

    def _shown(self, name: str, value: str | tuple[str, ...]) -> str:
        language = self._language
        vocabulary = {
            "category": CATEGORY,
            "ethics": ETHICS,
            "kind": SCHOOL_KIND,
            "post": VOCABULARIES["posts"]["post"],
        }.get(name)
        values = (value,) if isinstance(value, str) else value
        if vocabulary is not None:
            values = tuple(vocabulary.label(one, language) for one in values)
        elif name == "percent":
            values = tuple(one.rstrip("%") for one in values)
            if language != "en":
                values = tuple(one.replace(".", ",") for one in values)
        return " / ".join(values) if name != "years" else ", ".join(values)

    def _past(self, rule: BoundRule, rows: _Rows, later: bool) -> Past:
        facts = {name for name, _ in rule.facts}
        unread = any(row.row is None for row in rows.invalid)
        named = [name for name in sorted(facts) if has("change", f"past_{name}")]
        code = "past_unreadable" if unread else f"past_{named[0]}" if named else "past_other"
        then = say("change", "past_later" if later else "past_never", self._language)
        on = str(rows.appointment.ordered_on)
        text = say("change", code, self._language, on=on)
        return Past(rule=rule.rule.id, later=later, text=f"{text} {then}")


def _each_value(one: _Set) -> Iterator[list[_Step]]:
    """Give the steps with each of the values offered standing first once."""
    count = max((len(cell.values) for step in one for cell in step.cells), default=1)
    for place in range(max(count, 1)):
        yield [
            replace(
                step,
                cells=tuple(
                    replace(cell, values=(cell.values[min(place, len(cell.values) - 1)],))
                    if cell.values
                    else cell
                    for cell in step.cells
                ),
            )
            for step in one
        ]


_IN_TIME: Mapping[ChangeKind, int] = {
    "correction": 0,
    "document": 1,
    "event": 2,
    "order": 3,
    "question": 4,
}


def _in_time(step: _Step) -> tuple[int, bool, tuple[str, ...]]:
    """Give the place of a step among others: what it rests on comes first."""
    return _IN_TIME[step.kind], step.code != "teacher_row", step.about


def _teachers(rows: _Rows) -> list[Teacher]:
    return [row for row in rows.tables.get("teachers", ()) if isinstance(row, Teacher)]


def _order(appointment: Appointment, day: date) -> _Step:
    where = (("appointment_id", appointment.appointment_id),)
    cells = [_Cell("appointments", where, "ordered_on", (day.isoformat(),))]
    cells += [_Cell("appointments", where, column, ("",)) for column in ("starts_on", "ends_on")]
    old = (("ordered", appointment.ordered_on.isoformat()),)
    return _Step(
        "order", "order", ("order",), "order", tuple(cells), None, day, day.toordinal(), old
    )


def _question(settled: tuple[str, str]) -> _Step:
    question, reading = settled
    params = (("question", question), ("reading", reading))
    about = ("question", question, reading)
    return _Step("question", "question", about, "question", (), settled, None, 0, params)


def _tried(
    asked: _Asked, rows: _Rows, options: Iterable[tuple[_Step, ...]]
) -> list[tuple[tuple[_Step, ...], Outcomes]]:
    """Give what the rule says after each of some steps; what makes no row is left out."""
    found = []
    for steps in options:
        after = rows.after(steps)
        if after is not None:
            found.append((steps, asked.outcomes(after)))
    return found


def _merged(
    found: Iterable[tuple[tuple[_Step, ...], Outcomes]],
) -> list[tuple[tuple[_Step, ...], Outcomes]]:
    """Give steps that differ in one value only, and after which the rule says the same, as one."""
    together: dict[tuple[object, ...], tuple[tuple[_Step, ...], Outcomes]] = {}
    for steps, outcomes in found:
        key = (*(step.about for step in steps), outcomes)
        known = together.get(key)
        if known is None:
            together[key] = steps, outcomes
        elif known[0] != steps:
            both = tuple(_with_values(one, two) for one, two in zip(known[0], steps, strict=True))
            together[key] = both, outcomes
    return list(together.values())


def _with_values(one: _Step, other: _Step) -> _Step:
    """Give a step that offers the values of both."""

    def joined(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*first, *second)))

    cells = tuple(
        replace(mine, values=joined(mine.values, its.values))
        for mine, its in zip(one.cells, other.cells, strict=True)
    )
    params = tuple(
        (name, joined(_several(mine), _several(its)) if mine != its else mine)
        for (name, mine), (_, its) in zip(one.params, other.params, strict=True)
    )
    return replace(one, cells=cells, params=params)


def _several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


# What may be stated, put right or happen, fact by fact ----------------------------------------


def _grounds(asked: _Asked, rows: _Rows) -> Iterator[tuple[_Step, ...]]:
    """Give what must come first: a readable row of the mentor, and no rows of unknown meaning."""
    own = rows.appointment
    first: tuple[_Step, ...] = ()
    if rows.mentor is None and asked.facts & {"category", "ethics", "quality"}:
        wrong = rows.unreadable("teachers")
        where = (("teacher_id", own.mentor_id),)
        if wrong:
            columns_wrong = {row.column for row in rows.invalid if row.table == "teachers"}
            numbers = tuple(sorted(wrong))
            settable = _put_right(columns_wrong, asked) or (
                ("teacher_id", own.mentor_id, "exactly"),
            )
            cells = tuple(
                _Cell("teachers", where, column, (value,), bound, numbers)
                for column, value, bound in settable
            )
            first = (_Step("correction", "teacher_row", ("teacher_row",), "category", cells),)
        else:
            cells = (_Cell("teachers", where, "school_id", (own.school_id,)),)
            first = (_Step("document", "teacher_row", ("teacher_row",), "category", cells),)
    yield first
    for fact, table in (("category", "categories"), ("quality", "quality")):
        # Rows about a category, or of which it is not known what they are about.
        strange = {
            row.row
            for row in rows.invalid
            if row.table == table
            and row.row is not None
            and (table != "quality" or None in row.key)
        }
        if strange and fact in asked.facts:
            where = (("teacher_id", own.mentor_id),)
            cell = _Cell(table, where, None, (), "exactly", tuple(sorted(strange)))
            step = _Step("correction", f"strange_{fact}", ("strange", table), fact, (cell,))
            yield (step,)
            if first:
                yield (*first, step)


def _put_right(wrong: set[str | None], asked: _Asked) -> tuple[tuple[str, str, Bound], ...]:
    """Give, for the columns of a teacher's row that cannot be read, what they would have to say."""
    day, eve = asked.on.isoformat(), (asked.on - timedelta(1)).isoformat()
    [first, *_] = asked.calendar.completed_before(asked.on, 3)
    wanted: dict[str, tuple[str, Bound]] = {
        "category_from": (day, "at_most"),
        "category_until": (day, "at_least"),
        "ethics_on": (eve, "at_most"),
        "first_taught_on": (first.first.isoformat(), "at_most"),
    }
    return tuple((name, *wanted[name]) for name in sorted(wanted) if name in wrong)


def _categories(asked: _Asked, rows: _Rows) -> Iterator[tuple[_Step, ...]]:
    """Give what may show, or bring about, another category on the day of the order."""
    teacher = rows.mentor
    if teacher is None:
        return
    person, day = teacher.teacher_id, asked.on.isoformat()
    cells: tuple[_Cell, ...]
    where = (("teacher_id", person),)
    if asked.anew:
        for code in CATEGORY.codes:
            cells = (
                _Cell("teachers", where, "category", (code,)),
                _Cell("teachers", where, "category_from", (day,), "at_most"),
                _Cell("teachers", where, "category_until", ("",)),
            )
            yield (
                _Step(
                    *("event", "confer", ("confer",), "category", cells, None, asked.on),
                    params=(("category", code),),
                ),
            )
        return
    if "unknown" not in asked.outcomes(rows):
        return
    held = [
        row
        for row in rows.tables.get("categories", ())
        if column_value(row, "from") <= asked.on
        and (column_value(row, "until") or LAST_DAY) >= asked.on
    ]
    starts_later = teacher.category_from is not None and teacher.category_from > asked.on
    for code in CATEGORY.codes:
        params = (("category", code),)
        if held:  # they disagree: those of the latest day count
            newest = max(column_value(row, "from") for row in held)
            counting = [row for row in held if column_value(row, "from") == newest]
            cells = tuple(_Cell("categories", _where(row), "category", (code,)) for row in counting)
            if teacher.category_from == newest:
                cells += (_Cell("teachers", where, "category", (code,)),)
            yield (
                _Step("correction", "category", ("category",), "category", cells, params=params),
            )
        elif starts_later:
            history = (*where, ("from", day))
            cells = (
                _Cell("categories", history, "category", (code,), new=True),
                _Cell("categories", history, "until", (day,), "at_least", new=True),
            )
            yield (_Step("document", "category", ("category",), "category", cells, params=params),)
        elif teacher.category is None:
            cells = (_Cell("teachers", where, "category", (code,)),)
            yield (_Step("document", "category", ("category",), "category", cells, params=params),)


def _ethics(asked: _Asked, rows: _Rows) -> Iterator[tuple[_Step, ...]]:
    """Give the findings on ethics that may still come or be shown."""
    teacher = rows.mentor
    if teacher is None:
        return
    where = (("teacher_id", teacher.teacher_id),)
    if teacher.ethics == "breached":
        if teacher.ethics_on is None and not asked.anew:
            day = (asked.on + timedelta(1)).isoformat()
            cells = (_Cell("teachers", where, "ethics_on", (day,), "at_least"),)
            about, params = ("ethics_on",), (("day", day),)
            yield (_Step("document", "ethics_on", about, "ethics", cells, params=params),)
        return
    if teacher.ethics is not None and teacher.ethics != "pending":
        return
    kind: ChangeKind = "event" if teacher.ethics == "pending" else "document"
    for code in ETHICS.codes:
        if code != teacher.ethics:
            cells = (_Cell("teachers", where, "ethics", (code,)),)
            params = (("ethics", code),)
            yield (_Step(kind, "ethics", ("ethics",), "ethics", cells, params=params),)


def _posts(asked: _Asked, rows: _Rows) -> Iterator[tuple[_Step, ...]]:
    """Give what may show, or bring about, that the mentor holds none of the excluded posts."""
    person = rows.appointment.mentor_id
    where = (("teacher_id", person),)
    options: list[list[tuple[_Step, ...]]] = []
    if "posts" not in rows.tables:
        cells = (_Cell("posts", where, None),)
        options.append([(_Step("document", "no_posts", ("no_posts",), "post", cells),)])
    for post in rows.tables.get("posts", ()):
        assert isinstance(post, Post)  # noqa: S101 - narrows the table's model
        begun = post.since is None or post.since <= asked.on
        if begun and (post.until is None or post.until >= asked.on):
            options.append([(), *_leaving(asked, post)])
    for number, row in rows.unreadable("posts").items():
        of_row = tuple(item for item in rows.invalid if item.row == number)
        options.append(list(_put_right_post(asked, row, of_row)))
    for chosen in product(*options):
        steps = tuple(step for one in chosen for step in one)
        if steps:
            yield steps


def _leaving(asked: _Asked, post: Post) -> Iterator[tuple[_Step, ...]]:
    """Give the ways in which one post may not be held on the day of the order."""
    where = _where(post)
    key = " ".join(f"{column}={text}" for column, text in where)
    eve, next_day = asked.on - timedelta(1), asked.on + timedelta(1)
    if (post.since is None or post.since <= eve) and (asked.anew or post.until is None):
        kind: ChangeKind = "event" if asked.anew else "document"
        code = "post_given_up" if asked.anew else "post_until"
        cells = (_Cell("posts", where, "until", (eve.isoformat(),), "at_most"),)
        params = (("post", post.post), ("day", eve.isoformat()))
        yield (_Step(kind, code, (code, key), "post", cells, None, None, 0, params),)
    unbounded = post.until is None or post.until >= next_day
    if post.since is None and unbounded and not asked.anew:
        cells = (_Cell("posts", where, "since", (next_day.isoformat(),), "at_least"),)
        params = (("post", post.post), ("day", next_day.isoformat()))
        yield (_Step("document", "post_since", ("post_since", key), "post", cells, params=params),)


def _put_right_post(
    asked: _Asked, row: InvalidRow, problems: Sequence[InvalidRow]
) -> Iterator[tuple[_Step, ...]]:
    """Give what a row of posts that cannot be read would have to say, once it is put right."""
    assert row.row is not None  # noqa: S101 - asked only of rows with a number
    wrong = {problem.column for problem in problems}
    numbers, person = (row.row,), row.readable.get("teacher_id")
    about = ("post_row", str(row.row))
    if person is None or "post" not in row.readable:
        where: tuple[tuple[str, str], ...] = ()
        cell = _Cell("posts", where, None, (), "exactly", numbers)
        yield (_Step("correction", "post_of_nobody", (*about, "gone"), "post", (cell,)),)
        return
    where = (("teacher_id", person), ("post", row.readable["post"]))
    eve = (asked.on - timedelta(1)).isoformat()
    next_day = (asked.on + timedelta(1)).isoformat()
    bounds: tuple[tuple[str, str, Bound], ...] = (
        ("since", next_day, "at_least"),
        ("until", eve, "at_most"),
    )
    # A post that begins after a new order begins after the first one all the more.
    for column, day, bound in bounds[1:] if asked.anew else bounds:
        if column in wrong or row.readable.get(column) is None:
            cells = (_Cell("posts", where, column, (day,), bound, numbers),)
            params = (("post", row.readable["post"]), ("day", day))
            own = (*about, column, "anew" if asked.anew else "")
            yield (_Step("correction", f"post_{column}", own, "post", cells, params=params),)
    if not wrong & {"since", "until"}:
        cell = _Cell("posts", where, "post", (row.readable["post"],), "exactly", numbers)
        yield (_Step("correction", "post_read", (*about, "read"), "post", (cell,)),)


def _school_kinds(rows: _Rows) -> Iterator[tuple[_Step, ...]]:
    """Give nothing, and each kind that the school may have where none is stated."""
    yield ()
    school = next(iter(rows.tables.get("schools", ())), None)
    if school is not None and column_value(school, "kind") is not None:
        return
    numbers = tuple(sorted(rows.unreadable("schools"))) if school is None else ()
    where = (("school_id", rows.appointment.school_id),)
    for code in SCHOOL_KIND.codes:
        cells = (_Cell("schools", where, "kind", (code,), "exactly", numbers),)
        kind: ChangeKind = "correction" if numbers else "document"
        about, params = ("school_kind", code), (("kind", code),)
        yield (_Step(kind, "school_kind", about, "school_kind", cells, params=params),)


def _subjects(asked: _Asked, rows: _Rows) -> tuple[dict[str, str], bool]:
    """Give the subjects that count (compared to shown form), and whether one may be named."""
    own = rows.appointment
    case = Case(
        rows.dossier,
        asked.calendar,
        own.mentor_id,
        own.school_id,
        own.subject,
        asked.on,
        asked.as_of,
        appointment=own,
    )
    taught = {**case.taught.surely, **case.taught.perhaps}
    counted = {keys[0] for name, keys in asked.rule.facts if name == "quality"}
    mentored = subject_key(own.subject) if own.subject is not None else None
    if counted == {"mentored"} and mentored in taught:
        return {mentored: taught[mentored]}, False
    if not taught:
        shown = own.subject or UNNAMED
        return {subject_key(shown): shown}, False
    return taught, own.subject is None and len(taught) > 1


def _named_subjects(asked: _Asked, rows: _Rows) -> Iterator[tuple[_Step, ...]]:
    """Give nothing, and each subject that an order without one may have meant."""
    yield ()
    subjects, may_be_named = _subjects(asked, rows)
    if not may_be_named:
        return
    where = (("appointment_id", rows.appointment.appointment_id),)
    for shown in subjects.values():
        cells = (_Cell("appointments", where, "subject", (shown,)),)
        about, params = ("subject", shown), (("subject", shown),)
        yield (_Step("document", "subject", about, "subject", cells, params=params),)


_Year = tuple[str, SchoolYear]  # a subject as shown, and a school year


def _missing_years(asked: _Asked, rows: _Rows) -> tuple[tuple[_Year, ...], tuple[_Year, ...]]:
    """Give the years without a figure, and those that are still to be completed."""
    teacher = rows.mentor
    first = teacher.first_taught_on if teacher is not None else None
    found = rows.dossier.quality(rows.appointment.mentor_id)
    subjects, _ = _subjects(asked, rows)
    missing: list[_Year] = []
    to_come: list[_Year] = []
    for key, shown in subjects.items():
        for year in asked.calendar.completed_before(asked.on, 3):
            row = found.get(key, {}).get(year.label)
            if (row is not None and row.share is not None) or (first and year.last < first):
                continue
            (to_come if year.last >= asked.as_of else missing).append((shown, year))
    return tuple(missing), tuple(to_come)


def _figures_that_matter(
    asked: _Asked, rows: _Rows, years: tuple[_Year, ...], to_come: tuple[_Year, ...]
) -> Iterator[tuple[int, Outcomes]]:
    """Give the lowest figures (basis points) from which on the rule says something new."""
    known: dict[int, Outcomes] = {}

    def said(amount: int) -> Outcomes:
        if amount not in known:
            after = rows.after(_figure_steps(asked, rows, years, to_come, amount))
            known[amount] = asked.outcomes(after) if after is not None else ("unknown",)
        return known[amount]

    def between(low: int, high: int) -> Iterator[int]:
        """Give where the answer changes after `low`, up to `high`: more never does harm."""
        if said(low) == said(high):
            return
        if high == low + 1:
            yield high
            return
        middle = (low + high) // 2
        yield from between(low, middle)
        yield from between(middle, high)

    # The figures of the norm are where most answers change: to look there first saves most steps.
    columns_of = (row.columns for figure in asked.rule.rule.figures.values() for row in figure.rows)
    likely = {amount for found in columns_of for amount in found.values() if 0 < amount < WHOLE}
    marks = sorted({0, WHOLE, *likely, *(amount - 1 for amount in likely)})
    yield 0, said(0)
    if said(0) != said(WHOLE):
        for low, high in pairwise(marks):
            for amount in between(low, high):
                yield amount, said(amount)


def _figure_steps(
    asked: _Asked,
    rows: _Rows,
    years: tuple[_Year, ...],
    to_come: tuple[_Year, ...],
    amount: int,
) -> tuple[_Step, ...]:
    """Give the steps that bring figures: one for each missing year, one for all to come."""
    person = rows.appointment.mentor_id
    percent = _percent(amount)
    steps = []
    about: tuple[str, ...]
    params: tuple[tuple[str, str | tuple[str, ...]], ...]
    for shown, year in years:
        where = (("teacher_id", person), ("subject", shown), ("school_year", year.label))
        numbers = tuple(
            sorted(
                number
                for number, row in rows.unreadable("quality").items()
                if row.key == (person, subject_key(shown), year.label)
            )
        )
        cells = [_Cell("quality", where, "percent", (percent,), "at_least", numbers)]
        if numbers:
            # A share of learners would be read instead of the percentage, or against it.
            cells += [
                _Cell("quality", where, column, ("",), "exactly", numbers)
                for column in ("learners", "learners_good")
            ]
        params = (("percent", percent), ("subject", shown), ("years", (year.label,)))
        kind: ChangeKind = "correction" if numbers else "document"
        about = ("quality", subject_key(shown), year.label)
        steps.append(
            _Step(kind, "quality", about, "quality", tuple(cells), None, None, amount, params)
        )
    if to_come:
        subjects = tuple(dict.fromkeys(shown for shown, _ in to_come))
        labels = tuple(dict.fromkeys(year.label for _, year in to_come))
        coming = tuple(
            _Cell(
                "quality",
                (("teacher_id", person), ("subject", shown), ("school_year", year.label)),
                "percent",
                (percent,),
                "at_least",
            )
            for shown, year in to_come
        )
        params = (("percent", percent), ("subject", subjects), ("years", labels))
        about = ("results", *subjects)
        steps.append(
            _Step("event", "results", about, "quality", coming, None, None, amount, params)
        )
    return tuple(steps)


def _percent(amount: int) -> str:
    """Give basis points as a percentage that is read as one: below one it needs its sign."""
    whole, rest = divmod(amount, 100)
    text = f"{whole}.{rest:02d}".rstrip("0").rstrip(".") if rest else str(whole)
    return f"{text}%" if 0 < amount < 100 else text


# The public calls ------------------------------------------------------------------------------


def find_changes(
    dossier: Dossier,
    appointment_id: str,
    *,
    as_of: date,
    readings: Readings = None,
    rulebook: Rulebook | None = None,
    calendar: Overrides = None,
    language: Language = "en",
    settle: Mapping[str, str] | None = None,
) -> Changes | None:
    """Give the smallest changes that make one appointment eligible, and what is past changing.

    None where it is eligible already, or not judged. A new order is looked for from the day
    after `as_of` on, over three more school years. Figures are the lowest that do, with two
    decimals. The arguments are those of `check`; raises UsageError where the dossier has no
    readable appointment of that id.
    """
    finder = Finder(
        dossier,
        as_of=as_of,
        readings=readings,
        rulebook=rulebook,
        calendar=calendar,
        language=language,
        settle=settle,
    )
    for appointment in dossier.appointments:
        if appointment.appointment_id == appointment_id:
            return finder.of(appointment)
    raise UsageError("no_appointment")


def with_changes(
    report: Report,
    dossier: Dossier,
    *,
    readings: Readings = None,
    rulebook: Rulebook | None = None,
    calendar: Overrides = None,
    language: Language = "en",
    settle: Mapping[str, str] | None = None,
) -> Report:
    """Give `report` with the changes of each appointment that is not eligible.

    The arguments are those with which `check` made the report.
    """
    finder = Finder(
        dossier,
        as_of=report.as_of,
        readings=readings,
        rulebook=rulebook,
        calendar=calendar,
        language=language,
        settle=settle,
    )
    appointments = {one.appointment_id: one for one in dossier.appointments}
    results = []
    for result in report.results:
        appointment = appointments.get(result.appointment_id)
        # Where two engines disagree there is no verdict, and nothing to be suggested.
        judged = appointment is not None and result.eligibility in _OF_INTEREST
        changes = finder.of(appointment) if judged and appointment is not None else None
        results.append(result.model_copy(update={"changes": changes}))
    return report.model_copy(update={"results": tuple(results)})
