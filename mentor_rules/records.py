"""The records of a dossier: their shape and how a cell becomes a value. Never law.

Every field is read by one parser per kind of value, from Python values and from the text
that schools write alike. A parser that refuses raises a typed problem whose code names the
text shown to people (`texts.toml`); values are never echoed, because a shifted column can
put a person's name anywhere.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from types import MappingProxyType
from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mentor_rules import vocabulary as v
from mentor_rules.personal import is_iin, masked, personal
from mentor_rules.vocabulary import BLANKS, INVISIBLE, SHEET_ERRORS, Vocabulary, fold

FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2100, 12, 31)
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_LOCAL = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_SPACES = str.maketrans(dict.fromkeys("\xa0\u2009\u202f", " "))
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,30}|[0-9]{1,3}(?: [0-9]{3}){1,9})(?:[.,][0-9]{1,30})?")
_YEAR = re.compile(r"([0-9]{4}) ?[/-] ?([0-9]{2}|[0-9]{4})")
_MAX_TEXT = 1000
# What may be a person instead of a code: schools use IINs and names as ids.
IDS = frozenset({"teacher_id", "mentor_id", "mentee_id", "appointment_id"})
# What may surround a value unseen: every space (the last is U+3000) and invisible character.
_EDGES = INVISIBLE + "".join(filter(str.isspace, map(chr, range(0x3001))))
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")  # JSON can write it, UTF-8 cannot


@dataclass(frozen=True)
class Unreadable:
    """A cell that its surroundings make unreadable; `code` names the text that says why."""

    code: str


SHARE_OR_PERCENT = Unreadable("share_or_percent")  # the whole column leaves open: 1 %, or all?
FORMULA_WITHOUT_VALUE = Unreadable("formula_without_value")


def _refuse(code: str, **params: str | int) -> PydanticCustomError:
    return PydanticCustomError(code, code.replace("_", " "), dict(params))


def _expect_readable(value: object) -> None:
    if isinstance(value, Unreadable):
        raise _refuse(value.code)


def clean_text(value: object) -> str | None:
    """Give the text of a cell, NFC and trimmed, or None where nothing is stated."""
    if value is None:
        return None
    _expect_readable(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise _refuse("not_text")
    text = value if isinstance(value, str) else _as_typed(value)
    text = unicodedata.normalize("NFC", text).strip(_EDGES)
    if len(text) > _MAX_TEXT:
        raise _refuse("too_long", limit=_MAX_TEXT)
    if "\x00" in text or _HALF_A_CHARACTER.search(text) or text.upper() in SHEET_ERRORS:
        raise _refuse("not_text")
    return None if fold(text) in BLANKS else text


def _as_typed(number: int | float | Decimal) -> str:
    """Give a number as a person types it: a whole one without `.0`, none with an exponent."""
    exact = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    if not exact.is_finite():
        raise _refuse("not_text")
    if abs(exact.adjusted()) > _MAX_TEXT:
        raise _refuse("too_long", limit=_MAX_TEXT)
    return str(int(exact)) if exact == exact.to_integral_value() else f"{exact:f}"


def parse_id(value: object) -> str:
    """Give an id as text; a whole number loses its `.0`."""
    text = clean_text(value)
    if text is None:
        raise _refuse("required")
    return text


def parse_date(value: object) -> date | None:
    """Give a day of 1990-2100 from a date, `2026-09-01` or `01.09.2026`; None if not stated."""
    if isinstance(value, datetime):
        if value.tzinfo is not None:  # its day depends on where one asks
            raise _refuse("not_a_date")
        value = value.date()
    if not isinstance(value, date):
        if isinstance(value, bool | int | float | Decimal):
            raise _refuse("not_a_date")
        text = clean_text(value)
        if text is None:
            return None
        if match := _ISO.fullmatch(text):
            year, month, day = match.groups()
        elif match := _LOCAL.fullmatch(text):
            day, month, year = match.groups()
        else:
            raise _refuse("not_a_date")
        try:
            value = date(int(year), int(month), int(day))
        except ValueError:
            raise _refuse("no_such_day") from None
    if not FIRST_DAY <= value <= LAST_DAY:
        raise _refuse("date_outside", first=FIRST_DAY.isoformat(), last=LAST_DAY.isoformat())
    return value


def parse_number(value: object) -> Decimal | None:
    """Give an exact finite number; a float is read as its shortest decimal."""
    if isinstance(value, bool):
        raise _refuse("not_a_number")
    if isinstance(value, int | float):
        value = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > _MAX_TEXT:
            raise _refuse("not_a_number")
        return value
    text = clean_text(value)
    if text is None:
        return None
    # Spaces only between thousands: `6 0` may be two figures.
    text = text.translate(_SPACES).replace("−", "-")
    if not _NUMBER.fullmatch(text):
        raise _refuse("not_a_number")
    return Decimal(text.replace(" ", "").replace(",", "."))


def parse_percent(value: object) -> Decimal | None:
    """Give a percentage from 0 to 100; `60,0` and `60 %` are read, a bare 0.6 is refused.

    A bare number strictly between 0 and 1 may be a share or a percentage: it is never
    guessed. `0.72%` says what it means.
    """
    _expect_readable(value)
    marked = False
    if isinstance(value, str):
        text = value.strip(_EDGES)
        if text.endswith("%"):
            marked, value = True, text[:-1].rstrip()
    try:
        number = parse_number(value)
    except PydanticCustomError:
        raise _refuse("not_a_percent") from None
    if number is None:
        if marked:
            raise _refuse("not_a_percent")
        return None
    if not 0 <= number <= 100:
        raise _refuse("percent_outside")
    if 0 < number < 1 and not marked:
        raise _refuse("share_or_percent")
    return number.copy_abs()  # of -0; abs() would round to the digits of its context


def parse_count(value: object) -> int | None:
    """Give a whole number of people from 0 on."""
    number = parse_number(value)
    if number is None:
        return None
    if number != number.to_integral_value() or not 0 <= number <= 10**6:
        raise _refuse("not_a_count")
    return int(number)


def parse_week(value: object) -> int | None:
    """Give the working days of a week, 5 or 6."""
    number = parse_number(value)
    if number is None:
        return None
    if number not in (5, 6):
        raise _refuse("not_a_week")
    return int(number)


def parse_school_year(value: object) -> str:
    """Give a school year as `2023/24`."""
    text = clean_text(value)
    if text is None:
        raise _refuse("required")
    match = _YEAR.fullmatch(fold(text))
    if match is None:
        raise _refuse("not_a_school_year")
    first, second = int(match[1]), match[2]
    if int(second) % 100 != (first + 1) % 100 or (len(second) == 4 and int(second) != first + 1):
        raise _refuse("not_a_school_year")
    if not FIRST_DAY.year <= first < LAST_DAY.year:
        raise _refuse("date_outside", first=FIRST_DAY.isoformat(), last=LAST_DAY.isoformat())
    return f"{first}/{(first + 1) % 100:02d}"


def parse_subjects(value: object) -> tuple[str, ...]:
    """Give the subjects of a `;`-separated list; empty where nothing is stated."""
    if isinstance(value, list | tuple | set | frozenset):
        subjects = [clean_text(item) for item in value]
    else:
        text = clean_text(value)
        subjects = [clean_text(part) for part in text.split(";")] if text else []
    return tuple(dict.fromkeys(subject for subject in subjects if subject))


def parse_iin(value: object) -> str | None:
    """Give an individual identification number whose date, century and checksum hold."""
    text = clean_text(value)
    if text is None:
        return None
    text = text.zfill(12)  # a cell of digits loses its leading zeros, in CSV too
    if not is_iin(text):
        raise _refuse("not_an_iin")
    return text


def _closed(vocabulary: Vocabulary) -> Callable[[object], object]:
    def parse(value: object) -> str | None:
        if value is True or value is False:
            value = "yes" if value else "no"
        if isinstance(value, str) and (code := vocabulary.code(value)):
            return code
        text = clean_text(value)
        if text is None:
            return None
        if code := vocabulary.code(text):
            return code
        near = vocabulary.nearest(text)
        if near:
            raise _refuse("not_in_vocabulary_near", near=near)
        raise _refuse("not_in_vocabulary", values=", ".join(vocabulary.codes))

    return parse


def subject_key(subject: str) -> str:
    """Give the form in which two subjects are compared: NFC, trimmed, case folded."""
    return unicodedata.normalize("NFC", subject.strip().casefold())


Key = Annotated[str, BeforeValidator(parse_id)]
Text = Annotated[str | None, BeforeValidator(clean_text)]
Personal = Annotated[str | None, BeforeValidator(clean_text), Field(repr=False)]
Day = Annotated[date | None, BeforeValidator(parse_date)]


def _required_day(value: object) -> date:
    day = parse_date(value)
    if day is None:
        raise _refuse("required")
    return day


def _required(parse: Callable[[object], object]) -> Callable[[object], object]:
    def parse_stated(value: object) -> object:
        parsed = parse(value)
        if parsed is None:
            raise _refuse("required")
        return parsed

    return parse_stated


RequiredDay = Annotated[date, BeforeValidator(_required_day)]
YesNo = Annotated[v.YesNo | None, BeforeValidator(_closed(v.YES_NO))]


def _without_persons(column: str | None, value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_without_persons(column, one) for one in value)
    if not isinstance(value, str):
        return value
    return "…" if column in IDS and personal(value) else masked(value)


class Record(BaseModel):
    """One row. Frozen; unknown fields are refused; a problem never shows the value."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        hide_input_in_errors=True,
        populate_by_name=True,
    )
    table: ClassVar[str]
    key_columns: ClassVar[tuple[str, ...]]
    unique: ClassVar[bool] = True

    def __setattr__(self, name: str, value: object) -> None:
        # Pydantic refuses too, but its text would show the value in spite of the setting above.
        raise ValidationError.from_exception_data(
            type(self).__name__,
            [{"type": "frozen_instance", "loc": (name,), "input": None}],
            hide_input=True,
        )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, _without_persons(name, value)

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The row's key, as compared."""
        return tuple(
            subject_key(getattr(self, column)) if column == "subject" else getattr(self, column)
            for column in self.key_columns
        )


class School(Record):
    """A school. `kind` None = not stated; `week` = working days a week, 5 or 6."""

    table = "schools"
    key_columns = ("school_id",)

    school_id: Key
    name: Text = None
    kind: Annotated[v.SchoolKind | None, BeforeValidator(_closed(v.SCHOOL_KIND))] = None
    week: Annotated[int | None, BeforeValidator(parse_week)] = None
    region: Text = None
    district: Text = None


class Teacher(Record):
    """A teacher, mentor or mentee, with the latest category and the ethics council's finding."""

    table = "teachers"
    key_columns = ("teacher_id",)

    teacher_id: Key
    school_id: Key
    name: Personal = None
    iin: Annotated[str | None, BeforeValidator(parse_iin), Field(repr=False)] = None
    subjects: Annotated[tuple[str, ...], BeforeValidator(parse_subjects)] = ()
    category: Annotated[v.Category | None, BeforeValidator(_closed(v.CATEGORY))] = None
    category_from: Day = None
    category_until: Day = None
    ethics: Annotated[v.Ethics | None, BeforeValidator(_closed(v.ETHICS))] = None
    ethics_on: Day = None
    ethics_document: Text = None
    status: Annotated[v.Status | None, BeforeValidator(_closed(v.STATUS))] = None
    first_taught_on: Day = None

    @model_validator(mode="after")
    def _in_order(self) -> "Teacher":
        _check_order(self.category_from, self.category_until, "category_until")
        return self


class CategoryPeriod(Record):
    """A category once held, for judging earlier appointments; `until` is inclusive."""

    table = "categories"
    key_columns = ("teacher_id",)
    unique = False

    teacher_id: Key
    category: Annotated[v.Category, BeforeValidator(_required(_closed(v.CATEGORY)))]
    from_: Annotated[date, BeforeValidator(_required_day), Field(alias="from")]
    until: Day = None

    @model_validator(mode="after")
    def _in_order(self) -> "CategoryPeriod":
        _check_order(self.from_, self.until, "until")
        return self


class Post(Record):
    """A head's or deputy head's post; `until` is inclusive, empty dates are unbounded."""

    table = "posts"
    key_columns = ("teacher_id",)
    unique = False

    teacher_id: Key
    post: Annotated[v.PostName, BeforeValidator(_required(_closed(v.POST)))]
    portfolio: Annotated[v.Portfolio | None, BeforeValidator(_closed(v.PORTFOLIO))] = None
    acting: YesNo = None
    since: Day = None
    until: Day = None

    @model_validator(mode="after")
    def _in_order(self) -> "Post":
        _check_order(self.since, self.until, "until")
        return self


class QualityYear(Record):
    """A teacher's quality of knowledge in one subject and school year.

    Either `percent` (0 to 100), or `learners` and those of them with marks 4 and 5
    (`learners_good`); where all are given they must agree, and the exact ratio counts.
    """

    table = "quality"
    key_columns = ("teacher_id", "subject", "school_year")

    teacher_id: Key
    subject: Key
    school_year: Annotated[str, BeforeValidator(parse_school_year)]
    percent: Annotated[Decimal | None, BeforeValidator(parse_percent)] = None
    learners: Annotated[int | None, BeforeValidator(parse_count)] = None
    learners_good: Annotated[int | None, BeforeValidator(parse_count)] = None

    @model_validator(mode="after")
    def _agrees(self) -> "QualityYear":
        if self.learners == 0:
            raise _refuse("no_learners", column="learners")
        if self.learners is None or self.learners_good is None:
            return self
        if self.learners_good > self.learners:
            raise _refuse("more_good_than_all", column="learners_good")
        if self.percent is not None:
            # Zeros at the end do not count: a workbook does not tell 60.0 from 60.
            places = len(f"{self.percent:f}".partition(".")[2].rstrip("0"))
            last_digit = Fraction(1, 10**places)
            ratio = Fraction(100 * self.learners_good, self.learners)
            if abs(ratio - Fraction(self.percent)) >= last_digit:
                raise _refuse("percent_against_learners", column="percent")
        return self

    @cached_property
    def share(self) -> Fraction | None:
        """The exact share of learners with marks 4 and 5 (0 to 1), None if not stated."""
        if self.learners is not None and self.learners_good is not None:
            return Fraction(self.learners_good, self.learners)
        return Fraction(self.percent) / 100 if self.percent is not None else None


class Appointment(Record):
    """A mentor appointed to a beginning teacher by the head's order."""

    table = "appointments"
    key_columns = ("appointment_id",)

    appointment_id: Key
    school_id: Key
    mentor_id: Key
    mentee_id: Key
    subject: Text = None
    order_no: Text = None
    ordered_on: RequiredDay
    starts_on: Day = None
    ends_on: Day = None

    @model_validator(mode="after")
    def _in_order(self) -> "Appointment":
        _check_order(self.first_day, self.ends_on, "ends_on")
        return self

    @property
    def first_day(self) -> date:
        """The day the first term runs from: `starts_on`, or else the day of the order."""
        return self.starts_on or self.ordered_on


class MentoringPlan(Record):
    """The register of acts of one appointment: an empty date is an act not done."""

    table = "plans"
    key_columns = ("appointment_id",)

    appointment_id: Key
    recorded_until: Day = None
    level_determined_on: Day = None
    diagnosed_on: Day = None
    drafted_on: Day = None
    agreed_on: Day = None
    agreed_by: Annotated[v.AgreedBy | None, BeforeValidator(_closed(v.AGREED_BY))] = None
    approved_on: Day = None
    approved_by: Annotated[v.ApprovedBy | None, BeforeValidator(_closed(v.APPROVED_BY))] = None
    period_from: Day = None
    period_until: Day = None
    interim_on: Day = None
    interim_body: Annotated[v.InterimBody | None, BeforeValidator(_closed(v.INTERIM_BODY))] = None
    interim_form: Annotated[v.InterimForm | None, BeforeValidator(_closed(v.INTERIM_FORM))] = None
    final_prepared_on: Day = None
    final_on: Day = None
    final_body: Annotated[v.FinalBody | None, BeforeValidator(_closed(v.FINAL_BODY))] = None
    final_has_results: YesNo = None
    final_has_recommendations: YesNo = None

    @model_validator(mode="after")
    def _in_order(self) -> "MentoringPlan":
        _check_order(self.period_from, self.period_until, "period_until")
        return self


class ReserveEntry(Record):
    """A teacher listed in a school's reserve of mentors."""

    table = "reserve"
    key_columns = ("teacher_id",)
    unique = False

    school_id: Key
    teacher_id: Key
    proposed_by: Annotated[v.InterimBody | None, BeforeValidator(_closed(v.INTERIM_BODY))] = None
    proposed_on: Day = None
    formed_by: Annotated[v.FinalBody | None, BeforeValidator(_closed(v.FINAL_BODY))] = None
    formed_on: Day = None
    protocol_no: Text = None


def _check_order(first: date | None, last: date | None, column: str) -> None:
    if first is not None and last is not None and last < first:
        raise _refuse("ends_before_it_starts", column=column)


TABLES: Mapping[str, type[Record]] = MappingProxyType(
    {
        model.table: model
        for model in (
            School,
            Teacher,
            CategoryPeriod,
            Post,
            QualityYear,
            Appointment,
            MentoringPlan,
            ReserveEntry,
        )
    }
)

VOCABULARIES: Mapping[str, Mapping[str, Vocabulary]] = MappingProxyType(
    {
        "schools": {"kind": v.SCHOOL_KIND},
        "teachers": {"category": v.CATEGORY, "ethics": v.ETHICS, "status": v.STATUS},
        "categories": {"category": v.CATEGORY},
        "posts": {"post": v.POST, "portfolio": v.PORTFOLIO, "acting": v.YES_NO},
        "quality": {},
        "appointments": {},
        "plans": {
            "agreed_by": v.AGREED_BY,
            "approved_by": v.APPROVED_BY,
            "interim_body": v.INTERIM_BODY,
            "interim_form": v.INTERIM_FORM,
            "final_body": v.FINAL_BODY,
            "final_has_results": v.YES_NO,
            "final_has_recommendations": v.YES_NO,
        },
        "reserve": {"proposed_by": v.INTERIM_BODY, "formed_by": v.FINAL_BODY},
    }
)
"""The closed vocabulary of each column that has one."""

REFERENCES: tuple[tuple[str, str, str], ...] = (
    ("teachers", "school_id", "schools"),
    ("categories", "teacher_id", "teachers"),
    ("posts", "teacher_id", "teachers"),
    ("quality", "teacher_id", "teachers"),
    ("appointments", "school_id", "schools"),
    ("appointments", "mentor_id", "teachers"),
    ("appointments", "mentee_id", "teachers"),
    ("plans", "appointment_id", "appointments"),
    ("reserve", "school_id", "schools"),
    ("reserve", "teacher_id", "teachers"),
)


def columns(table: str) -> dict[str, bool]:
    """Give the columns of a table, each with whether it is required."""
    return {
        info.alias or name: info.is_required() for name, info in TABLES[table].model_fields.items()
    }


def changed(record: Record, values: Mapping[str, object]) -> Record:
    """Give a copy of `record` with other values in some columns."""
    copy = record.model_copy(update=values)
    copy.__dict__.pop("key", None)  # kept from before, it would be the old one
    return copy


def column_value(record: Record, column: str) -> Any:
    """Give the value that `record` holds in `column` of its table."""
    return getattr(record, "from_" if column == "from" else column)


@dataclass(frozen=True)
class InvalidRow:
    """A row, or a whole table, that could not be read or that contradicts another.

    `key` is as much of the row's key as could be read (None = unreadable): what the row would
    have said is unknown for every key that it may stand for. `readable` holds the values of
    the row that could be read. `spoils` is False where the row itself stands.
    """

    table: str
    row: int | None
    key: tuple[str | None, ...] = field(repr=False)  # it may name a person
    column: str | None
    code: str
    params: Mapping[str, str] = field(default_factory=dict)
    readable: Mapping[str, Any] = field(default_factory=dict, repr=False)  # names among them
    spoils: bool = True

    @property
    def shown_key(self) -> str:
        """The key as shown to people, `…` for what could not be read."""
        return " ".join("…" if part is None else part for part in self.key)


_set_stated = vars(BaseModel)["__pydantic_fields_set__"].__set__  # a record is frozen


@lru_cache(maxsize=1024)
def _shared(columns: frozenset[str]) -> set[str]:
    return set(columns)


def build_record(
    table: str, row: int | None, cells: Mapping[str, Any]
) -> tuple[Record | None, tuple[InvalidRow, ...]]:
    """Give the record that `cells` (column to raw value) say, or all that is wrong with them."""
    model = TABLES[table]
    try:
        record = model.model_validate(dict(cells))
        # Millions of rows state the same columns: of a set each they would be a quarter larger.
        _set_stated(record, _shared(frozenset(record.model_fields_set)))
        return record, ()
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
    readable = _readable(model, cells)
    key = tuple(
        subject_key(readable[column])
        if column == "subject" and column in readable
        else readable.get(column)
        for column in model.key_columns
    )
    problems = []
    for item in found:
        params = {name: str(value) for name, value in item.get("ctx", {}).items()}
        column = str(item["loc"][0]) if item["loc"] else params.pop("column", None)
        code = "required" if item["type"] == "missing" else item["type"]
        problems.append(InvalidRow(table, row, key, column, code, params, readable))
    return None, tuple(problems)


def _readable(model: type[Record], cells: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of a row that can be read one by one."""
    readable: dict[str, Any] = {}
    for name, adapter in _field_adapters(model).items():
        if name in cells:
            try:
                readable[name] = adapter.validate_python(cells[name])
            except ValidationError:
                continue
    return readable


@cache
def _field_adapters(model: type[Record]) -> dict[str, TypeAdapter[Any]]:
    return {
        info.alias or name: TypeAdapter(
            Annotated[info.annotation, *info.metadata],  # type: ignore[arg-type]  # made at run time
            config=ConfigDict(strict=True),
        )
        for name, info in model.model_fields.items()
    }
