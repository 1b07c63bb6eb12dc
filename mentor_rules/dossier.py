"""A dossier: all tables together, what contradicts or dangles in them, and look-ups by key.

A look-up never answers "nothing there" where something may be there: an unreadable row, two
rows that disagree, or an absent table make the answer unknown, and the look-up says why.
"""

import hmac
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from mentor_rules.personal import masked, personal
from mentor_rules.reading import (
    Note,
    PercentAs,
    Tables,
    note,
    read_mappings,
    read_tables,
)
from mentor_rules.records import (
    IDS,
    REFERENCES,
    TABLES,
    Appointment,
    CategoryPeriod,
    InvalidRow,
    MentoringPlan,
    Post,
    QualityYear,
    Record,
    ReserveEntry,
    School,
    Teacher,
    changed,
    column_value,
)
from mentor_rules.source import digest_of

# Other texts that may be shown, where an IIN can stand by mistake.
_TEXTS = frozenset(
    {"school_id", "subject", "subjects", "name", "region", "district"}
    | {"order_no", "ethics_document", "protocol_no"}
)
_SHOWN = {
    table: tuple(
        name
        for name in model.model_fields
        if name in IDS or (name in _TEXTS and (table, name) != ("teachers", "name"))
    )
    for table, model in TABLES.items()
}
_TARGETS = frozenset(target for _, _, target in REFERENCES)
_ORDER = {table: place for place, table in enumerate(TABLES)}
_PROCESS_KEY = secrets.token_bytes(32)

R = TypeVar("R", bound=Record)


class Found(NamedTuple, Generic[R]):
    """The answer of a look-up: the records, and why others may be there (a reason code)."""

    records: tuple[R, ...]
    gap: str | None = None  # no_table | no_row | invalid_row


class Origin(NamedTuple):
    """What files a dossier was read from, by their digests, and how: enough to read it again."""

    sha256: str
    encoding: str | None
    percent_as: PercentAs
    mapping_sha256: str | None


# Which ids that are IINs stand in the output: there are none, all as they are, pseudonyms by a key
# of the user's, or pseudonyms that no other process gives again.
Shown = Literal["none", "as_they_are", "keyed", "for_once"]


class Dossier:
    """Up to eight tables of one school, district or country. Immutable.

    A table given as None is absent: its facts are unknown. An empty table is there.
    An id that is an individual identification number or reads like a name becomes a pseudonym,
    in every table and so in every output, unless `show_ids`, and so does such a number in any
    other text that is shown; `pseudonyms` says which. The same `key` gives the
    same pseudonyms; without one they hold for this process.
    """

    def __init__(
        self,
        *,
        schools: Iterable[School] | None = None,
        teachers: Iterable[Teacher] | None = None,
        categories: Iterable[CategoryPeriod] | None = None,
        posts: Iterable[Post] | None = None,
        quality: Iterable[QualityYear] | None = None,
        appointments: Iterable[Appointment] | None = None,
        plans: Iterable[MentoringPlan] | None = None,
        reserve: Iterable[ReserveEntry] | None = None,
        invalid: Iterable[InvalidRow] = (),
        rows: Mapping[str, Sequence[int]] | None = None,
        ignored_columns: Iterable[str] = (),
        notes: Iterable[Note] = (),
        show_ids: bool = False,
        key: bytes | None = None,
        origin: Origin | None = None,
    ) -> None:
        given = {
            "schools": schools,
            "teachers": teachers,
            "categories": categories,
            "posts": posts,
            "quality": quality,
            "appointments": appointments,
            "plans": plans,
            "reserve": reserve,
        }
        self._tables: dict[str, tuple[Record, ...]] = {
            name: tuple(records) for name, records in given.items() if records is not None
        }
        self._rows = rows or {}
        self._read_invalid = tuple(invalid)
        self._show_ids, self._key = show_ids, key or _PROCESS_KEY
        self._hidden: dict[str, str] = {}
        self._hide_persons()
        self.origin = origin
        self.ignored_columns = tuple(ignored_columns)
        self._read_notes = tuple(notes)

    @classmethod
    def read(
        cls,
        path: Path | str,
        *,
        encoding: str | None = None,
        percent_as: PercentAs = "percent",
        mapping: Path | str | None = None,
        show_ids: bool = False,
        key: bytes | None = None,
    ) -> "Dossier":
        """Give the dossier in a workbook, a folder of CSV, or a JSON file.

        `encoding` names that of CSV and JSON without a byte-order mark (default UTF-8);
        `percent_as="fraction"` reads bare figures of quality as shares (0.6 = 60 %);
        `mapping` names a file that says what other headings mean; `show_ids` and `key` are
        those of the class. Raises UsageError (no such path) and
        ReadingError (cannot be read at all); rows that cannot be read are in `invalid`.
        """
        tables = read_tables(path, encoding=encoding, percent_as=percent_as, mapping=mapping)
        origin = Origin(
            digest_of(Path(path), ".csv"),
            encoding,
            percent_as,
            digest_of(Path(mapping)) if mapping is not None else None,
        )
        return cls._of(tables, show_ids, key, origin)

    @classmethod
    def from_tables(
        cls,
        tables: Mapping[str, Iterable[Mapping[str, Any]]],
        *,
        show_ids: bool = False,
        key: bytes | None = None,
    ) -> "Dossier":
        """Give the dossier that plain mappings say, as in the JSON shape; bad rows are listed."""
        return cls._of(read_mappings(tables), show_ids, key)

    @classmethod
    def _of(
        cls, tables: Tables, show_ids: bool, key: bytes | None, origin: Origin | None = None
    ) -> "Dossier":
        records: dict[str, Any] = tables.records
        return cls(
            **records,
            invalid=tables.invalid,
            rows=tables.rows,
            ignored_columns=tables.ignored_columns,
            notes=tables.notes,
            show_ids=show_ids,
            key=key,
            origin=origin,
        )

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={len(records)}" for name, records in self._tables.items())
        return f"Dossier({counts})"

    def shown(self, identity: str) -> str:
        """Give an id as every output shows it: a pseudonym for an IIN or a name."""
        if self._show_ids:
            return identity
        if (kind := personal(identity)) is None:
            return masked(identity, self.shown)
        if identity not in self._hidden:
            same = re.sub("[ -]", "", identity).zfill(12) if kind == "iin" else identity
            digest = hmac.new(self._key, same.encode(), "sha256").hexdigest()
            self._hidden[identity] = f"{kind}-{digest[:12]}"
        return self._hidden[identity]

    def shown_in(self, column: str, value: Any) -> Any:
        """Give what stands in a column as every output shows it."""
        if isinstance(value, tuple):
            return tuple(self.shown_in(column, one) for one in value)
        if self._show_ids or not isinstance(value, str):
            return value
        if column in IDS:
            return self.shown(value)
        return masked(value, self.shown) if column in _TEXTS else value

    @property
    def iins(self) -> Shown:
        """How ids that are IINs are shown."""
        if self._show_ids:
            return "as_they_are"
        if not self._hidden:
            return "none"
        return "for_once" if self._key is _PROCESS_KEY else "keyed"

    @property
    def pseudonyms(self) -> Mapping[str, str]:
        """The pseudonyms given, by the ids that they stand for."""
        return MappingProxyType(self._hidden)

    def _hide_persons(self) -> None:
        if self._show_ids:
            return
        for table, records in self._tables.items():
            self._tables[table] = tuple(self._without_persons(record) for record in records)
        self._read_invalid = tuple(
            replace(
                row,
                key=tuple(
                    self.shown_in(name, part)
                    for name, part in zip(TABLES[row.table].key_columns, row.key, strict=False)
                ),
                readable={name: self.shown_in(name, value) for name, value in row.readable.items()},
            )
            for row in self._read_invalid
        )

    def _without_persons(self, record: Record) -> Record:
        hidden = {}
        for name in _SHOWN[record.table]:
            value = getattr(record, name)
            if (shown := self.shown_in(name, value)) != value:
                hidden[name] = shown
        return changed(record, hidden) if hidden else record

    def has(self, table: str) -> bool:
        """Tell whether the table is there, if only with its header."""
        return table in self._tables

    # What contradicts and what dangles ------------------------------------------------

    @cached_property
    def _checked(
        self,
    ) -> tuple[dict[str, dict[tuple[str, ...], Record]], list[InvalidRow], list[Note]]:
        """Give the keyed tables without contradictions, the contradictions, and notes."""
        keyed: dict[str, dict[tuple[str, ...], Record]] = {}
        problems: list[InvalidRow] = []
        notes: list[Note] = []
        for table, records in self._tables.items():
            if not TABLES[table].unique:
                continue
            alone = {record.key: record for record in records}
            if len(alone) == len(records):  # no key stands twice
                keyed[table] = alone
                continue
            by_key: dict[tuple[str, ...], list[int]] = defaultdict(list)
            for place, record in enumerate(records):
                by_key[record.key].append(place)
            keyed[table] = {}
            for key, places in by_key.items():
                first = records[places[0]]
                if len(places) == 1 or all(_says_the_same(records[p], first) for p in places):
                    keyed[table][key] = first
                    if len(places) > 1:
                        shown = " ".join(key)
                        notes.append(
                            note("stands_twice", table=table, key=shown, count=len(places))
                        )
                    continue
                numbers = [self._row(table, place) for place in places]
                agreed = _agreed([records[place] for place in places])
                for number in numbers:
                    others = _some(other for other in numbers if other != number)
                    problems.append(
                        InvalidRow(
                            table,
                            number,
                            key,
                            None,
                            "rows_disagree",
                            {"others": others},
                            agreed,
                        )
                    )
        return keyed, problems, notes

    @property
    def contradictions(self) -> tuple[InvalidRow, ...]:
        """The rows of one key that disagree with each other."""
        return tuple(self._checked[1])

    def _row(self, table: str, place: int) -> int:
        rows = self._rows.get(table)
        return rows[place] if rows else place + 1

    @cached_property
    def _dangling(self) -> list[InvalidRow]:
        problems = []
        known: dict[str, set[str | None]] = {
            table: {record.key[0] for record in records}
            for table, records in self._tables.items()
            if table in _TARGETS
        }
        for row in self._read_invalid:
            if row.table in known:
                known[row.table].add(row.key[0])
        refused = {row.table for row in self._read_invalid if row.row is None}
        for table, column, target in REFERENCES:
            if target not in known or target in refused or table not in self._tables:
                continue
            for place, record in enumerate(self._tables[table]):
                if column_value(record, column) not in known[target]:
                    problems.append(
                        InvalidRow(
                            table,
                            self._row(table, place),
                            record.key,
                            column,
                            "dangling",
                            {"target": target},
                            spoils=False,
                        )
                    )
        return problems

    @cached_property
    def invalid(self) -> tuple[InvalidRow, ...]:
        """All rows that cannot be read, contradict each other or name what is not there."""
        found = [*self._read_invalid, *self._checked[1], *self._dangling]
        return tuple(sorted(found, key=lambda row: (_ORDER[row.table], row.row or 0)))

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was noticed and did no harm, such as a row that stands twice alike."""
        hidden = (note("hidden_ids", count=len(self._hidden)),) if self._hidden else ()
        return (*self._read_notes, *self._checked[2], *hidden)

    @cached_property
    def _spoiled(self) -> dict[str, "_Spoiled"]:
        spoiled: dict[str, _Spoiled] = defaultdict(_Spoiled)
        for row in (*self._read_invalid, *self._checked[1]):
            if row.spoils and row.key:
                spoiled[row.table].add(row)
        return spoiled

    # Look-ups -------------------------------------------------------------------------

    def _one(self, table: str, key: str) -> Found[Any]:
        if table in self._spoiled and self._spoiled[table].may_stand_for(key):
            return Found((), "invalid_row")
        if table not in self._tables:
            return Found((), "no_table")
        record = self._checked[0][table].get((key,))
        return Found((), "no_row") if record is None else Found((record,))

    def _many(self, table: str, key: str) -> Found[Any]:
        spoiled = table in self._spoiled and self._spoiled[table].may_stand_for(key)
        if table not in self._tables and not spoiled:
            return Found((), "no_table")
        return Found(self._lists[table].get(key, ()), "invalid_row" if spoiled else None)

    @cached_property
    def _lists(self) -> dict[str, dict[str, tuple[Record, ...]]]:
        lists: dict[str, dict[str, tuple[Record, ...]]] = {}
        for table in ("categories", "posts", "reserve"):
            by_teacher: dict[str, list[Record]] = {}
            for record in self._tables.get(table, ()):
                by_teacher.setdefault(column_value(record, "teacher_id"), []).append(record)
            lists[table] = {key: tuple(records) for key, records in by_teacher.items()}
        return lists

    def school(self, school_id: str) -> Found[School]:
        """Give the school's row."""
        return self._one("schools", school_id)

    def teacher(self, teacher_id: str) -> Found[Teacher]:
        """Give the teacher's row."""
        return self._one("teachers", teacher_id)

    def plan(self, appointment_id: str) -> Found[MentoringPlan]:
        """Give the plan's row."""
        return self._one("plans", appointment_id)

    def categories(self, teacher_id: str) -> Found[CategoryPeriod]:
        """Give the teacher's history of categories; an absent table says nothing."""
        found = self._many("categories", teacher_id)
        return Found(()) if found.gap == "no_table" else found

    def posts(self, teacher_id: str) -> Found[Post]:
        """Give the teacher's posts; a table that is there is complete."""
        return self._many("posts", teacher_id)

    def reserve(self, school_id: str, teacher_id: str) -> Found[ReserveEntry]:
        """Give the teacher's rows in the school's reserve; a table that is there is complete."""
        found = self._many("reserve", teacher_id)
        rows = tuple(row for row in found.records if row.school_id == school_id)
        return Found(rows, found.gap)

    @cached_property
    def _reserve_by_school(self) -> dict[str, list[ReserveEntry]]:
        found: dict[str, list[ReserveEntry]] = defaultdict(list)
        for record in self._tables.get("reserve", ()):
            assert isinstance(record, ReserveEntry)  # noqa: S101 - narrows the table's model
            found[record.school_id].append(record)
        return found

    @cached_property
    def _unreadable_reserves(self) -> set[str | None]:
        return {
            row.readable.get("school_id")
            for row in self._read_invalid
            if row.table == "reserve" and row.spoils
        }

    def reserve_of(self, school_id: str) -> Found[ReserveEntry]:
        """Give the rows of a school's reserve."""
        spoiled = {None, school_id} & self._unreadable_reserves
        records = tuple(self._reserve_by_school.get(school_id, ()))
        return Found(records, "invalid_row" if spoiled else None)

    @cached_property
    def _quality(self) -> dict[str, dict[str, dict[str, QualityYear]]]:
        found: dict[str, dict[str, dict[str, QualityYear]]] = {}
        for (teacher, subject, year), record in self._checked[0].get("quality", {}).items():
            assert isinstance(record, QualityYear)  # noqa: S101 - narrows the table's model
            found.setdefault(teacher, {}).setdefault(subject, {})[year] = record
        return found

    def quality(self, teacher_id: str) -> dict[str, dict[str, QualityYear]]:
        """Give the teacher's rows of quality by subject (as compared) and school year."""
        return self._quality.get(teacher_id, {})

    def unreadable_quality(
        self, teacher_id: str
    ) -> tuple[tuple[str | None, str | None, str | None], ...]:
        """Give (teacher, subject, year) of rows that may be this teacher's; None = unreadable."""
        if "quality" not in self._spoiled:
            return ()
        return tuple((key[0], key[1], key[2]) for key in self._spoiled["quality"].of(teacher_id))

    @cached_property
    def appointments(self) -> tuple[Appointment, ...]:
        """The appointments that can be judged, by id."""
        spoiled = self._spoiled.get("appointments")
        rows = self._checked[0].get("appointments", {})
        return tuple(
            record
            for key, record in sorted(rows.items())
            if isinstance(record, Appointment) and not (spoiled and key[0] in spoiled.exact)
        )

    @cached_property
    def unreadable_appointments(self) -> tuple[InvalidRow, ...]:
        """The rows of appointments that cannot be judged."""
        return tuple(
            row
            for row in (*self._read_invalid, *self._checked[1])
            if row.table == "appointments" and row.key and row.spoils
        )

    @cached_property
    def _unreadable_by_mentee(self) -> dict[str | None, list[InvalidRow]]:
        found: dict[str | None, list[InvalidRow]] = defaultdict(list)
        for row in self.unreadable_appointments:
            found[row.readable.get("mentee_id")].append(row)
        return found

    def unreadable_mentored(self, mentee_id: str) -> tuple[InvalidRow, ...]:
        """Give the unreadable appointments that may be this mentee's."""
        known = self._unreadable_by_mentee
        return (*known.get(mentee_id, ()), *known.get(None, ()))

    @cached_property
    def _by_mentee(self) -> dict[str, list[Appointment]]:
        found: dict[str, list[Appointment]] = defaultdict(list)
        for appointment in self.appointments:
            found[appointment.mentee_id].append(appointment)
        return found

    def mentored(self, mentee_id: str) -> Sequence[Appointment]:
        """Give the appointments of a mentee."""
        return self._by_mentee.get(mentee_id, ())

    def people(self) -> set[str]:
        """Give the ids of all whom a row is about."""
        return {
            column_value(record, "teacher_id")
            for table, records in self._tables.items()
            if "teacher_id" in TABLES[table].model_fields
            for record in records
        }

    def names(self) -> dict[str, str]:
        """Give the names of teachers by id: personal, shown only when asked for."""
        return {
            teacher.teacher_id: teacher.name
            for teacher in self._tables.get("teachers", ())
            if isinstance(teacher, Teacher) and teacher.name
        }

    @property
    def schools(self) -> tuple[str, ...]:
        """The ids of the schools, sorted."""
        return tuple(sorted({record.key[0] for record in self._tables.get("schools", ())}))


class _Spoiled:
    """The keys that unreadable rows of one table may stand for; None = unreadable part."""

    def __init__(self) -> None:
        self.exact: dict[str, dict[tuple[str | None, ...], None]] = defaultdict(dict)
        self.anyone: dict[tuple[str | None, ...], None] = {}

    def add(self, row: InvalidRow) -> None:
        first = row.key[0]
        (self.anyone if first is None else self.exact[first])[row.key] = None

    def of(self, first: str) -> tuple[tuple[str | None, ...], ...]:
        return (*self.exact.get(first, ()), *self.anyone)

    def may_stand_for(self, first: str) -> bool:
        return bool(self.anyone) or first in self.exact


def _says_the_same(one: Record, other: Record) -> bool:
    if isinstance(one, QualityYear) and isinstance(other, QualityYear):
        return one.share == other.share
    return one == other


def _some(numbers: Iterable[int]) -> str:
    """Give the first few of many row numbers."""
    first = list(islice(numbers, 6))
    return ", ".join(str(number) for number in first[:5]) + (", …" if len(first) > 5 else "")


def _agreed(records: Sequence[Record]) -> dict[str, Any]:
    """Give the values on which rows of one key agree."""
    first = records[0]
    return {
        name: getattr(first, name)
        for name in type(first).model_fields
        if all(getattr(record, name) == getattr(first, name) for record in records)
    }
