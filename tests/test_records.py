"""How one cell becomes a value, and what refuses to: by examples at every edge, and in general."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from mentor_rules import (
    Appointment,
    CategoryPeriod,
    MentoringPlan,
    Post,
    QualityYear,
    ReserveEntry,
    School,
    Teacher,
)
from mentor_rules import vocabulary as v
from mentor_rules.personal import is_iin
from mentor_rules.records import (
    FIRST_DAY,
    LAST_DAY,
    SHARE_OR_PERCENT,
    TABLES,
    build_record,
    clean_text,
    columns,
    parse_count,
    parse_date,
    parse_id,
    parse_iin,
    parse_number,
    parse_percent,
    parse_school_year,
    parse_subjects,
    parse_week,
    subject_key,
)
from mentor_rules.texts import has
from mentor_rules.vocabulary import BLANKS, INVISIBLE, SHEET_ERRORS, Vocabulary, fold
from tests.dossiers import KAZAKH

VOCABULARIES = [found for found in vars(v).values() if isinstance(found, Vocabulary)]
PERSON = "Тайный Ғабит"
ROW: dict[str, dict[str, Any]] = {
    "schools": {"school_id": "S1"},
    "teachers": {"teacher_id": "T1", "school_id": "S1"},
    "categories": {"teacher_id": "T1", "category": "expert", "from": "2024-01-01"},
    "posts": {"teacher_id": "T1", "post": "head"},
    "quality": {"teacher_id": "T1", "subject": "physics", "school_year": "2023/24"},
    "appointments": {
        "appointment_id": "A1",
        "school_id": "S1",
        "mentor_id": "T1",
        "mentee_id": "T2",
        "ordered_on": "2026-09-01",
    },
    "plans": {"appointment_id": "A1"},
    "reserve": {"school_id": "S1", "teacher_id": "T1"},
}


def refused(parse: Callable[..., object], value: object) -> str:
    """The code of the problem with which `parse` refuses `value`."""
    with pytest.raises(PydanticCustomError) as problem:
        parse(value)
    code = problem.value.type
    assert has("problem", code), code
    assert has("remedy", code), code
    return code


def problems(table: str, **cells: Any) -> list[tuple[str | None, str]]:
    """The columns and codes of all that is wrong with a row that is else in order."""
    _, found = build_record(table, 7, ROW[table] | cells)
    assert all(row.table == table and row.row == 7 for row in found)
    return [(row.column, row.code) for row in found]


def quality(**cells: Any) -> QualityYear:
    record, found = build_record("quality", 1, ROW["quality"] | cells)
    assert isinstance(record, QualityYear), found
    return record


# Dates ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-09-01", date(2026, 9, 1)),
        ("01.09.2026", date(2026, 9, 1)),
        ("1.9.2026", date(2026, 9, 1)),
        ("02.03.2026", date(2026, 3, 2)),  # the day first, never the month
        (" 2026-09-01\xa0", date(2026, 9, 1)),
        ("\ufeff2026-09-01\u200b", date(2026, 9, 1)),
        ("1990-01-01", date(1990, 1, 1)),
        ("31.12.2100", date(2100, 12, 31)),
        ("29.02.2024", date(2024, 2, 29)),
        ("2000-02-29", date(2000, 2, 29)),
        (date(2026, 9, 1), date(2026, 9, 1)),
        (datetime(2026, 9, 1, 23, 59, 59), date(2026, 9, 1)),
    ],
)
def test_a_day_is_read_as_iso_or_day_month_year_or_from_a_true_date(
    written: object, day: date
) -> None:
    found = parse_date(written)
    assert found == day
    assert type(found) is date


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("1989-12-31", "date_outside"),
        ("2101-01-01", "date_outside"),
        (date(1989, 12, 31), "date_outside"),
        (date(2101, 1, 1), "date_outside"),
        ("0001-01-01", "date_outside"),
        ("9999-12-31", "date_outside"),
        ("0000-01-01", "no_such_day"),
        ("29.02.2023", "no_such_day"),
        ("2100-02-29", "no_such_day"),
        ("31.06.2026", "no_such_day"),
        ("09.13.2026", "no_such_day"),
        ("2026-13-01", "no_such_day"),
        ("00.01.2026", "no_such_day"),
        ("01.09.26", "not_a_date"),
        ("2026-9-1", "not_a_date"),
        ("2026/09/01", "not_a_date"),
        ("09/01/2026", "not_a_date"),
        ("20260901", "not_a_date"),
        ("2026-W36-2", "not_a_date"),
        ("2026-09-01T00:00:00", "not_a_date"),
        ("2026-09-01T00:00:00Z", "not_a_date"),
        ("2026-09-01 00:00", "not_a_date"),
        ("2026-08-31T19:00:00+00:00", "not_a_date"),
        ("1 қыркүйек 2026", "not_a_date"),
        ("٢٠٢٦-٠٩-٠١", "not_a_date"),
        ("２０２６-０９-０１", "not_a_date"),
        ("soon", "not_a_date"),
        (46266, "not_a_date"),
        (46266.0, "not_a_date"),
        (Decimal(46266), "not_a_date"),
        (0, "not_a_date"),
        (True, "not_a_date"),
        (False, "not_a_date"),
        (datetime(2026, 8, 31, 19, tzinfo=UTC), "not_a_date"),
        (["2026-09-01"], "not_text"),
        ("2026-09-01\x00", "not_text"),
    ],
)
def test_what_is_no_day_of_1990_to_2100_is_refused(written: object, code: str) -> None:
    assert refused(parse_date, written) == code


@given(st.dates(FIRST_DAY, LAST_DAY))
def test_every_day_of_the_window_is_read_alike_in_every_spelling(day: date) -> None:
    spellings = (day, day.isoformat(), f"{day:%d.%m.%Y}", f"{day.day}.{day.month}.{day.year}")
    assert {parse_date(written) for written in spellings} == {day}


@given(st.dates())
def test_no_day_outside_the_window_is_ever_read(day: date) -> None:
    if FIRST_DAY <= day <= LAST_DAY:
        assert parse_date(day) == day
    else:
        assert refused(parse_date, day) == refused(parse_date, day.isoformat()) == "date_outside"


# Percentages ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "figure"),
    [
        ("60", "60"),
        (60, "60"),
        (60.0, "60"),
        (Decimal("60.00"), "60"),
        ("60,0", "60"),
        ("60.0", "60"),
        ("60%", "60"),
        ("60 %", "60"),
        ("60\xa0%", "60"),
        (" 60,5 % \u200b", "60.5"),
        ("+60", "60"),
        (59.99, "59.99"),
        ("59,99", "59.99"),
        ("0.72%", "0.72"),
        ("0,72 %", "0.72"),
        ("1", "1"),
        ("1%", "1"),
        (0, "0"),
        ("0", "0"),
        ("0%", "0"),
        ("-0", "0"),
        (-0.0, "0"),
        (Decimal("-0"), "0"),
        ("100", "100"),
        (100.0, "100"),
        ("99.9999999", "99.9999999"),
        ("1.0000001", "1.0000001"),
        (Decimal("6E+1"), "60"),
    ],
)
def test_a_percentage_is_read_as_schools_write_it(written: object, figure: str) -> None:
    found = parse_percent(written)
    assert found == Decimal(figure)
    assert found is not None
    assert not found.is_signed()


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (0.72, "share_or_percent"),
        ("0.72", "share_or_percent"),
        ("0,72", "share_or_percent"),
        (Decimal("0.72"), "share_or_percent"),
        (1e-7, "share_or_percent"),
        (0.9999999, "share_or_percent"),
        (SHARE_OR_PERCENT, "share_or_percent"),
        (100.0000001, "percent_outside"),
        ("100.0000001", "percent_outside"),
        ("100,0000001 %", "percent_outside"),
        (-1, "percent_outside"),
        ("-0.5", "percent_outside"),
        ("−5", "percent_outside"),  # the minus sign of mathematics
        (1e300, "percent_outside"),
        (10**40, "percent_outside"),
        (float("nan"), "not_a_percent"),
        (float("inf"), "not_a_percent"),
        (float("-inf"), "not_a_percent"),
        (Decimal("NaN"), "not_a_percent"),
        (Decimal("sNaN"), "not_a_percent"),
        (Decimal("Infinity"), "not_a_percent"),
        (Decimal("1E+5000"), "not_a_percent"),
        (Decimal("1E-5000"), "not_a_percent"),
        pytest.param(10**5000, "not_a_percent", id="5001 digits"),
        ("1e5000", "not_a_percent"),
        ("6e1", "not_a_percent"),
        ("nan", "not_a_percent"),
        ("inf", "not_a_percent"),
        (True, "not_a_percent"),
        (False, "not_a_percent"),
        ("true", "not_a_percent"),
        ("٦٠", "not_a_percent"),
        ("６０", "not_a_percent"),
        ("६०", "not_a_percent"),
        ("60%%", "not_a_percent"),
        ("%", "not_a_percent"),
        ("%60", "not_a_percent"),
        ("6 0", "not_a_percent"),
        ("60 70", "not_a_percent"),
        ("60-70", "not_a_percent"),
        ("6_0", "not_a_percent"),
        ("0x3c", "not_a_percent"),
        (".5", "not_a_percent"),
        ("60.", "not_a_percent"),
        ("60,,0", "not_a_percent"),
        ("1.000,5", "not_a_percent"),
        ("sixty", "not_a_percent"),
        ("60\x00", "not_a_percent"),
        ("9" * 2000, "not_a_percent"),
        ([60], "not_a_percent"),
        (date(2026, 9, 1), "not_a_percent"),
        ("#DIV/0!", "not_a_percent"),
    ],
)
def test_what_is_no_percentage_is_refused_never_guessed(written: object, code: str) -> None:
    assert refused(parse_percent, written) == code


@given(st.integers(0, 100), st.text("0123456789", min_size=1, max_size=30))
def test_every_decimal_of_a_percentage_is_kept(whole: int, decimals: str) -> None:
    text = f"{whole}.{decimals}"
    exact = Fraction(text)
    if exact > 100:
        assert refused(parse_percent, text) == "percent_outside"
        return
    found = parse_percent(text + "%")
    assert found is not None
    assert Fraction(found) == exact
    assert parse_percent(text.replace(".", ",") + " %") == found
    if not 0 < exact < 1:
        assert parse_percent(text) == found
        assert quality(percent=text).share == exact / 100


@given(st.floats(1, 100))
def test_a_float_is_read_as_its_shortest_decimal(figure: float) -> None:
    assert parse_percent(figure) == Decimal(repr(figure))


# Learners -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "count"),
    [
        *((25, 25), ("25", 25), (25.0, 25), ("25,0", 25), (0, 0), ("-0", 0), ("1 200", 1200)),
        *(("1\xa0200", 1200), ("1\u202f200", 1200), (10**6, 10**6), (None, None), ("н/д", None)),
    ],
)
def test_a_number_of_learners_is_a_whole_one(written: object, count: int | None) -> None:
    found = parse_count(written)
    assert found == count
    assert found is None or type(found) is int


@pytest.mark.parametrize("written", [24.5, "24,5", -1, 10**6 + 1, Decimal("1E+900")])
def test_half_a_learner_and_too_many_are_refused(written: object) -> None:
    assert refused(parse_count, written) == "not_a_count"


@pytest.mark.parametrize("written", [True, "many", "2 5", "25%", "٢٥", float("nan")])
def test_a_number_of_learners_that_is_no_number_is_refused(written: object) -> None:
    assert refused(parse_count, written) == "not_a_number"


@pytest.mark.parametrize(
    ("percent", "learners", "good"),
    [
        ("60", 25, 15),
        ("66.67", 3, 2),
        ("66.66", 3, 2),
        ("67", 3, 2),
        ("66", 3, 2),
        ("66,6666667", 3, 2),
        ("66.0", 3, 2),  # a workbook does not tell 66.0 from 66
        ("100", 7, 7),
        ("0", 7, 0),
    ],
)
def test_percent_and_learners_that_agree_stand_and_the_exact_ratio_counts(
    percent: str, learners: int, good: int
) -> None:
    found = quality(percent=percent, learners=learners, learners_good=good)
    assert found.share == Fraction(good, learners)


@pytest.mark.parametrize(
    ("cells", "wrong"),
    [
        ({"percent": 65, "learners": 3, "learners_good": 2}, ("percent", "percent_against")),
        ({"percent": 68, "learners": 3, "learners_good": 2}, ("percent", "percent_against")),
        ({"percent": "66.65", "learners": 3, "learners_good": 2}, ("percent", "percent_against")),
        ({"percent": 60, "learners": 0}, ("learners", "no_learners")),
        ({"learners": 0, "learners_good": 0}, ("learners", "no_learners")),
        ({"learners": 3, "learners_good": 4}, ("learners_good", "more_good_than_all")),
    ],
)
def test_percent_and_learners_that_disagree_make_the_row_invalid(
    cells: dict[str, Any], wrong: tuple[str, str]
) -> None:
    ((column, code),) = problems("quality", **cells)
    assert column == wrong[0]
    assert code.startswith(wrong[1])


@pytest.mark.parametrize("cells", [{}, {"learners": 25}, {"learners_good": 15}, {"percent": "-"}])
def test_a_year_without_a_figure_is_a_valid_row_that_states_nothing(cells: dict[str, Any]) -> None:
    assert quality(**cells).share is None


def test_zero_is_a_figure() -> None:
    assert quality(percent=0).share == 0
    assert quality(learners=20, learners_good=0).share == 0


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_a_percentage_rounded_to_any_digit_agrees_with_its_learners(
    numbers: tuple[int, int],
) -> None:
    learners, good = numbers
    exact = Fraction(100 * good, learners)
    for places in (0, 1, 2, 7):
        unit = Fraction(1, 10**places)
        for rounded in (exact // unit * unit, -(-exact // unit) * unit):
            text = f"{Decimal(rounded.numerator) / Decimal(rounded.denominator):.{places}f}%"
            found = quality(percent=text, learners=learners, learners_good=good)
            assert found.share == Fraction(good, learners)


# School years and weeks -----------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        *("2023/24", "2023/2024", "2023-24", "2023-2024", "2023–2024", "2023 — 24"),
        *(" 2023 / 24 ", "2023‑24"),
    ],
)
def test_a_school_year_has_one_form_however_it_is_written(written: str) -> None:
    assert parse_school_year(written) == "2023/24"


@pytest.mark.parametrize(
    ("written", "year"), [("1999/00", "1999/00"), ("1990/91", "1990/91"), ("2099/2100", "2099/00")]
)
def test_school_years_run_over_centuries(written: str, year: str) -> None:
    assert parse_school_year(written) == year


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("2023/25", "not_a_school_year"),
        ("2023/23", "not_a_school_year"),
        ("2023/2124", "not_a_school_year"),
        ("2024/23", "not_a_school_year"),
        ("23/24", "not_a_school_year"),
        ("2023", "not_a_school_year"),
        (2023, "not_a_school_year"),
        ("2023/24 ж.", "not_a_school_year"),
        ("٢٠٢٣/٢٤", "not_a_school_year"),
        ("1989/90", "date_outside"),
        ("2100/01", "date_outside"),
        ("", "required"),
        (None, "required"),
        ("нет данных", "required"),
        (True, "not_text"),
        (date(2023, 9, 1), "not_text"),
    ],
)
def test_what_is_no_school_year_is_refused(written: object, code: str) -> None:
    assert refused(parse_school_year, written) == code


@given(st.integers(1990, 2099), st.sampled_from(["/", "-", "–", " / ", " — "]), st.booleans())
def test_every_school_year_of_the_window_is_read(first: int, sign: str, long: bool) -> None:
    second = str(first + 1) if long else f"{(first + 1) % 100:02d}"
    assert parse_school_year(f"{first}{sign}{second}") == f"{first}/{(first + 1) % 100:02d}"


def test_a_week_has_five_or_six_working_days() -> None:
    assert [parse_week(written) for written in (5, "6", 6.0, "5,0", "", None)] == [
        *(5, 6, 6, 5),
        *(None, None),
    ]
    assert {refused(parse_week, written) for written in (4, 7, "5.5", 0, -5)} == {"not_a_week"}
    assert {refused(parse_week, written) for written in (True, "five")} == {"not_a_number"}


# Text, ids, subjects --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (101, "101"),
        (101.0, "101"),
        (Decimal("101.0"), "101"),
        (Decimal("1.01E+2"), "101"),
        (-0.0, "0"),
        (0, "0"),
        ("00101", "00101"),
        (12.5, "12.5"),
        (0.00001, "0.00001"),
        (10**15, "1000000000000000"),
        (" T1\u200b ", "T1"),
        ("\u200b T1\u200e", "T1"),
        (KAZAKH, KAZAKH),
        (unicodedata.normalize("NFD", "Айгүл Йә"), "Айгүл Йә"),
        ("нет", "нет"),
    ],
)
def test_an_id_is_text_and_a_number_is_what_a_person_typed(written: object, text: str) -> None:
    assert parse_id(written) == text


@pytest.mark.parametrize(
    ("written", "code"),
    [
        *((blank, "required") for blank in ("", " ", "\t", "-", "—", "жоқ", "Н/Д", "N/A")),
        *((blank, "required") for blank in ("нет данных", "Дерек  жоқ", "\u200b", "\xad", None)),
        (True, "not_text"),
        (date(2026, 9, 1), "not_text"),
        (["T1"], "not_text"),
        ({"id": 1}, "not_text"),
        (b"T1", "not_text"),
        (float("nan"), "not_text"),
        (float("inf"), "not_text"),
        (Decimal("NaN"), "not_text"),
        ("T\x001", "not_text"),
        ("T\ud8001", "not_text"),
        ("#N/A", "not_text"),
        ("#ссылка!", "not_text"),
        ("x" * 1001, "too_long"),
        pytest.param(10**5000, "too_long", id="5001 digits"),
        (Decimal("1E+999999"), "too_long"),
    ],
)
def test_what_is_no_id_is_refused(written: object, code: str) -> None:
    assert refused(parse_id, written) == code


@pytest.mark.parametrize("blank", sorted(BLANKS))
def test_a_documented_blank_is_not_stated_in_any_column_that_may_be_empty(blank: str) -> None:
    for written in (blank, blank.upper(), f" {blank}\xa0"):
        assert clean_text(written) is None
        assert parse_date(written) is None
        assert parse_percent(written) is None
        assert parse_count(written) is None
        assert parse_iin(written) is None
        assert parse_subjects(written) == ()
        assert problems("teachers", category=written, ethics=written, status=written) == []


@pytest.mark.parametrize("almost", ["--", "?", "нет", "no data", "null", "none.", "."])
def test_what_is_almost_a_blank_is_no_date_and_no_figure(almost: str) -> None:
    assert refused(parse_date, almost) == "not_a_date"
    assert refused(parse_percent, almost) == "not_a_percent"


def test_what_a_failed_formula_shows_is_never_a_value() -> None:
    for shown, table in product(SHEET_ERRORS, TABLES):
        cells = dict.fromkeys(columns(table), shown)
        _, found = build_record(table, 1, cells)
        assert {row.column for row in found} == set(cells)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00#"), max_size=40))
def test_text_that_was_read_is_read_as_it_is(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once
    if once is not None:
        assert unicodedata.is_normalized("NFC", once)
        assert clean_text(f"\u200b {text} \ufeff\xa0\u200e") == once
        assert clean_text(unicodedata.normalize("NFD", text)) == once


@pytest.mark.parametrize(
    ("written", "subjects"),
    [
        ("физика; қазақ тілі ;", ("физика", "қазақ тілі")),
        ("физика;физика", ("физика",)),
        (["физика", " химия ", ""], ("физика", "химия")),
        (("физика",), ("физика",)),
        (";", ()),
        ("", ()),
        (None, ()),
        ([], ()),
        ("нет данных", ()),
    ],
)
def test_subjects_stand_between_semicolons(written: object, subjects: tuple[str, ...]) -> None:
    assert parse_subjects(written) == subjects


def test_a_list_of_subjects_holds_nothing_but_text() -> None:
    assert refused(parse_subjects, [True]) == "not_text"
    assert refused(parse_subjects, [["физика"]]) == "not_text"
    assert refused(parse_subjects, {"физика": 1}) == "not_text"


def test_subjects_are_compared_without_case_and_composition_and_never_translated() -> None:
    same = ("Қазақ тілі", "ҚАЗАҚ ТІЛІ ", unicodedata.normalize("NFD", "қазақ тілі"))
    assert len({subject_key(name) for name in same}) == 1
    rows = [quality(subject=name) for name in same]
    assert len({row.key for row in rows}) == 1
    assert subject_key("физика") != subject_key("physics")
    assert len({subject_key(letter) for letter in KAZAKH}) == 9


# IIN ------------------------------------------------------------------------------------


def signed(first_eleven: str) -> str | None:
    """The IIN with its check digit; None where both rounds of weights give 10."""
    digits = [int(digit) for digit in first_eleven]
    for weights in ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2]):
        check = sum(w * d for w, d in zip(weights, digits, strict=True)) % 11
        if check < 10:
            return first_eleven + str(check)
    return None


def first_round(first_eleven: str) -> int:
    return sum(w * int(d) for w, d in enumerate(first_eleven, start=1)) % 11


BODIES = [f"850417300{serial:02d}" for serial in range(100)]


def test_the_check_digit_is_that_of_the_first_weights() -> None:
    bodies = [body for body in BODIES if first_round(body) < 10]
    assert len(bodies) > 50
    for body in bodies:
        assert [d for d in "0123456789" if is_iin(body + d)] == [str(first_round(body))]


def test_where_the_first_weights_give_ten_the_second_ones_count() -> None:
    bodies = [body for body in BODIES if first_round(body) == 10 and signed(body)]
    assert bodies
    for body in bodies:
        assert [body + d for d in "0123456789" if is_iin(body + d)] == [signed(body)]


def test_where_both_weights_give_ten_there_is_no_iin() -> None:
    bodies = [f"850417300{serial:02d}" for serial in range(100)]
    bodies += [f"85041740{serial:03d}" for serial in range(1000)]
    never = [body for body in bodies if signed(body) is None]
    assert never
    assert not any(is_iin(body + digit) for body in never for digit in "0123456789")


@pytest.mark.parametrize(
    ("born", "century", "holds"),
    [
        ("850417", 3, True),
        ("850417", 4, True),
        ("850417", 1, True),
        ("050417", 5, True),
        ("050417", 6, True),
        ("850417", 0, False),
        ("850417", 7, False),
        ("850417", 9, False),
        ("851317", 3, False),
        ("850431", 3, False),
        ("850400", 3, False),
        ("000229", 5, True),  # 2000 had that day
        ("000229", 3, False),  # 1900 had not
    ],
)
def test_the_date_and_the_century_of_an_iin_are_checked(
    born: str, century: int, holds: bool
) -> None:
    whole = next(filter(None, (signed(f"{born}{century}{n:04d}") for n in range(9))))
    assert is_iin(whole) is holds
    if holds:
        assert parse_iin(whole) == whole
    else:
        assert refused(parse_iin, whole) == "not_an_iin"


def test_an_iin_of_a_spreadsheet_gets_its_leading_zeros_back_as_number_and_as_text() -> None:
    whole = next(filter(None, (signed(f"0504175{n:04d}") for n in range(9))))
    short = whole.lstrip("0")
    for written in (whole, short, int(whole), float(short), Decimal(short)):
        assert parse_iin(written) == whole


@pytest.mark.parametrize(
    "written", ["123456789012", "12 digits", "٨٥٠٤١٧٣٠٠١٢٣", 5, "0", "8504173001234", -1]
)
def test_what_is_no_iin_is_refused(written: object) -> None:
    assert refused(parse_iin, written) == "not_an_iin"


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)), st.integers(0, 9999), st.booleans())
def test_one_wrong_digit_of_an_iin_is_noticed(born: date, serial: int, woman: bool) -> None:
    century = (3 if born.year < 2000 else 5) + woman
    whole = signed(f"{born:%y%m%d}{century}{serial:04d}")
    if whole is None:
        return
    assert is_iin(whole)
    last = int(whole[11])
    assert not any(is_iin(whole[:11] + str(d)) for d in range(10) if d != last)


# Closed vocabularies --------------------------------------------------------------------

SPELLINGS = [
    (found, spelling, code)
    for found in VOCABULARIES
    for spelling, code in [
        *(
            (text, code)
            for code, labels in found.labels.items()
            for text in (code, *labels.values())
        ),
        *found.aliases.items(),
    ]
]


def variants(spelling: str) -> list[str]:
    """The spelling as keyboards, spreadsheets and word processors change it."""
    middle = len(spelling) // 2
    return [
        spelling,
        spelling.upper(),
        spelling.title(),
        f"  {spelling}\xa0",
        spelling.replace(" ", "\xa0 "),
        *(spelling.replace("-", dash) for dash in ("–", "—", "‑", " - ", " – ")),
        unicodedata.normalize("NFC", spelling),
        unicodedata.normalize("NFD", spelling),
        unicodedata.normalize("NFD", spelling.upper()),
        *(spelling[:middle] + unseen + spelling[middle:] for unseen in INVISIBLE),
        *(unseen + spelling + unseen for unseen in INVISIBLE),
        "\xad".join(unicodedata.normalize("NFD", spelling)),
    ]


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda found: found.name)
def test_a_closed_value_is_known_in_every_spelling(vocabulary: Vocabulary) -> None:
    for own, spelling, code in SPELLINGS:
        if own is vocabulary:
            for variant in variants(spelling):
                assert vocabulary.code(variant) == code, (variant, code)


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda found: found.name)
def test_look_alike_letters_lead_to_the_same_code_or_to_none(vocabulary: Vocabulary) -> None:
    for own, spelling, code in SPELLINGS:
        if own is vocabulary:
            for latin, cyrillic in zip("aceopxyikmtAEOPCTXKM", "асеорхуікмтАЕОРСТХКМ", strict=True):
                for variant in (
                    spelling.replace(cyrillic, latin),
                    spelling.replace(cyrillic, latin, 1),
                    spelling.upper().replace(cyrillic, latin),
                ):
                    assert vocabulary.code(variant) == code, (variant, code)


@pytest.mark.parametrize("vocabulary", VOCABULARIES, ids=lambda found: found.name)
def test_no_two_codes_share_a_spelling_or_its_look(vocabulary: Vocabulary) -> None:
    codes: dict[str, set[str]] = {}
    for own, spelling, code in SPELLINGS:
        if own is vocabulary:
            codes.setdefault(v.fold_look_alikes(fold(spelling)), set()).add(code)
    assert {look: found for look, found in codes.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("column", "written", "code"),
    [
        ("category", "педaгог-шебер", "master"),
        ("category", "ПЕДАГОГ – ШЕБЕР", "master"),
        ("category", "педагог-иссле\xadдователь", "researcher"),
        ("category", "Teacher–Expert", "expert"),
        ("category", "жоғары", "highest"),
        ("category", "жоғары санат", "highest"),
        ("category", "санаты жоқ", "none"),
        ("category", "жоқ", None),  # a blank: no category is another word
        ("category", 1, "first"),
        ("category", 2.0, "second"),
        ("status", "в отпуске", "on_leave"),
        ("ethics", "қаралуда", "pending"),
    ],
)
def test_categories_and_findings_are_read_as_schools_write_them(
    column: str, written: object, code: str | None
) -> None:
    record, found = build_record("teachers", 1, ROW["teachers"] | {column: written})
    assert record is not None, found
    assert getattr(record, column) == code


@pytest.mark.parametrize(
    ("written", "code"),
    [
        *(("и.о.", "yes"), ("М.А.", "yes"), ("иә", "yes"), ("да", "yes"), (True, "yes")),
        *(("жоқ", "no"), ("нет", "no"), (False, "no"), ("", None), ("-", None)),
        *(("TRUE", "yes"), ("ЛОЖЬ", "no"), ("АҚИҚАТ", "yes")),
    ],
)
def test_yes_and_no_are_read_from_words_and_from_booleans(written: object, code: str) -> None:
    record, _ = build_record("posts", 1, ROW["posts"] | {"acting": written})
    assert isinstance(record, Post)
    assert record.acting == code


@pytest.mark.parametrize(
    ("table", "column", "written", "near"),
    [
        ("teachers", "category", "педагог-шэбер", "педагог-шебер"),
        ("teachers", "category", "reseacher", "researcher"),
        ("posts", "post", "завучь", "завуч"),
    ],
)
def test_a_near_miss_of_a_closed_value_is_never_another_value_but_gets_a_suggestion(
    table: str, column: str, written: str, near: str
) -> None:
    record, (problem,) = build_record(table, 1, ROW[table] | {column: written})
    assert record is None
    assert (problem.column, problem.code) == (column, "not_in_vocabulary_near")
    assert problem.params["near"] == near


@pytest.mark.parametrize("written", ["guru", True, 3, 1.5, "x" * 2000, "\x00", ["master"], "да"])
def test_what_is_no_closed_value_is_refused(written: object) -> None:
    ((column, code),) = problems("teachers", category=written)
    assert column == "category"
    assert has("remedy", code)


@given(st.text(st.sampled_from("аәбғеёиійқңоөұүһшъAEaeÅé -–—_.\u0301\u0306\u0308" + INVISIBLE)))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(text) == fold(unicodedata.normalize("NFD", text)) == fold(text.upper())


# Rows -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "first", "last"),
    [
        ("teachers", "category_from", "category_until"),
        ("categories", "from", "until"),
        ("posts", "since", "until"),
        ("appointments", "starts_on", "ends_on"),
        ("appointments", "ordered_on", "ends_on"),
        ("plans", "period_from", "period_until"),
    ],
)
def test_an_end_before_its_start_makes_the_row_invalid(table: str, first: str, last: str) -> None:
    day = date(2024, 3, 1)
    wrong = {first: day, last: day - timedelta(1)}
    assert problems(table, **wrong) == [(last, "ends_before_it_starts")]
    assert problems(table, **{first: day, last: day}) == []


def test_all_problems_of_a_row_are_named_at_once() -> None:
    assert problems("teachers", school_id="", category="guru", ethics_on="soon", iin="1") == [
        ("school_id", "required"),
        ("iin", "not_an_iin"),
        ("category", "not_in_vocabulary"),
        ("ethics_on", "not_a_date"),
    ]


@pytest.mark.parametrize("table", TABLES)
def test_every_required_column_is_required_whether_missing_or_blank(table: str) -> None:
    required = {column for column, needed in columns(table).items() if needed}
    assert required == set(ROW[table])
    for column in required:
        cells = {name: cell for name, cell in ROW[table].items() if name != column}
        for row in (cells, {**cells, column: None}, {**cells, column: " - "}):
            _, (problem,) = build_record(table, 3, row)
            assert (problem.column, problem.code) == (column, "required")


@pytest.mark.parametrize(
    ("cells", "key"),
    [
        ({"percent": "x"}, ("T1", "physics", "2023/24")),
        ({"school_year": "x"}, ("T1", "physics", None)),
        ({"subject": "", "percent": "x"}, ("T1", None, "2023/24")),
        ({"teacher_id": True, "subject": " PHYSICS"}, (None, "physics", "2023/24")),
    ],
)
def test_as_much_of_the_key_is_kept_as_can_be_read(
    cells: dict[str, Any], key: tuple[str | None, ...]
) -> None:
    _, found = build_record("quality", 1, ROW["quality"] | cells)
    assert {row.key for row in found} == {key}


@pytest.mark.parametrize("table", TABLES)
def test_records_are_frozen_and_refuse_fields_that_they_do_not_have(table: str) -> None:
    record, _ = build_record(table, 1, ROW[table])
    assert record is not None
    key = record.key  # what a record computes of itself changes nothing
    assert record == build_record(table, 1, ROW[table])[0]
    assert key == record.key
    with pytest.raises(ValidationError) as frozen:
        setattr(record, next(iter(type(record).model_fields)), PERSON)
    assert PERSON not in str(frozen.value) + repr(frozen.value)
    assert problems(table, surprise=PERSON) == [("surprise", "extra_forbidden")]


def test_a_category_period_is_made_in_python_by_either_name_of_its_first_day() -> None:
    alias = CategoryPeriod.model_validate(ROW["categories"])
    assert CategoryPeriod(teacher_id="T1", category="expert", from_=date(2024, 1, 1)) == alias


def test_every_record_of_the_public_contract_is_made_from_its_required_fields() -> None:
    made = (School, Teacher, CategoryPeriod, Post, QualityYear, Appointment)
    for model in (*made, MentoringPlan, ReserveEntry):
        assert isinstance(model.model_validate(ROW[model.table]), model)


# What must never be shown ---------------------------------------------------------------

PERSONAL_IIN = "850417300025"


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table in TABLES for column in columns(table)]
)
def test_a_validation_error_never_shows_a_value(table: str, column: str) -> None:
    model = TABLES[table]
    for value in (f"{PERSON}\x00", [[PERSON]], {PERSON: 1}, PERSON * 200):
        with pytest.raises(ValidationError) as error:
            model.model_validate(ROW[table] | {column: value})
        shown = str(error.value) + repr(error.value)
        assert "Тайный" not in shown
        assert "Ғабит" not in shown
        _, found = build_record(table, 1, ROW[table] | {column: value})
        assert "Тайный" not in repr(found)


def test_an_error_in_one_column_shows_no_name_and_no_iin_of_another() -> None:
    assert is_iin(signed(PERSONAL_IIN[:11]) or "")
    iin = signed(PERSONAL_IIN[:11])
    cells = ROW["teachers"] | {"name": PERSON, "iin": iin, "category": "guru"}
    with pytest.raises(ValidationError) as error:
        Teacher.model_validate(cells)
    _, found = build_record("teachers", 1, cells)
    shown = f"{error.value} {error.value!r} {found} {found!r}"
    assert found[0].readable["name"] == PERSON  # known, for what the row may still say
    assert PERSON not in shown
    assert str(iin) not in shown
    ended = ROW["teachers"] | {"name": PERSON, "category_from": "2024-01-02"}
    with pytest.raises(ValidationError) as order:
        Teacher.model_validate(ended | {"category_until": "2024-01-01"})
    assert PERSON not in f"{order.value} {order.value!r}"


def test_a_teacher_is_printed_without_name_and_iin() -> None:
    iin = signed(PERSONAL_IIN[:11])
    teacher = Teacher.model_validate(ROW["teachers"] | {"name": PERSON, "iin": iin})
    assert (teacher.name, teacher.iin) == (PERSON, iin)
    assert PERSON not in f"{teacher} {teacher!r} {[teacher]}"
    assert str(iin) not in f"{teacher} {teacher!r} {[teacher]}"


def test_every_problem_that_a_parser_names_has_its_texts() -> None:
    source = (Path(v.__file__).parent / "records.py").read_text("utf-8")
    codes = set(re.findall(r'_refuse\(\s*"(\w+)"', source))
    assert len(codes) > 15
    assert all(has(group, code) for group in ("problem", "remedy") for code in codes)


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(TABLES)),
    st.data(),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.decimals(),
        st.dates(),
        st.datetimes(timezones=st.none() | st.just(UTC)),
        st.text(),
        st.binary(),
        st.lists(st.text(), max_size=2),
    ),
)
def test_no_cell_whatever_it_holds_raises_anything_but_a_typed_problem(
    table: str, data: st.DataObject, value: object
) -> None:
    column = data.draw(st.sampled_from(sorted(columns(table))))
    record, found = build_record(table, 1, ROW[table] | {column: value})
    assert (record is None) == bool(found)
    assert all(has("problem", row.code) for row in found), found


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.decimals())
def test_a_number_is_read_exactly_or_not_at_all(number: int | float | Decimal) -> None:
    try:
        found = parse_number(number)
    except PydanticCustomError:
        assert isinstance(number, Decimal)
        assert not number.is_finite() or abs(number.adjusted()) > 1000
        return
    assert found == (Decimal(repr(number)) if isinstance(number, float) else number)
