"""What columns say of a plain cell is what the one reader of rows says."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentor_rules.columns import (
    MICRO,
    PLAIN,
    ROW,
    Source,
    encoded,
    fits,
    packed_share,
    plain,
    points_of,
    rest_of,
    sources,
)
from mentor_rules.errors import ReadingError
from mentor_rules.facts import WHOLE
from mentor_rules.records import TABLES, VOCABULARIES, build_record, columns, parse_subjects

REQUIRED: dict[str, dict[str, Any]] = {
    "schools": {"school_id": "S1"},
    "teachers": {"teacher_id": "T1", "school_id": "S1"},
    "categories": {"teacher_id": "T1", "category": "master", "from": "2020-01-01"},
    "posts": {"teacher_id": "T1", "post": "head"},
    "quality": {"teacher_id": "T1", "subject": "физика", "school_year": "2024/25"},
    "appointments": {
        **{"appointment_id": "A1", "school_id": "S1", "mentor_id": "T1", "mentee_id": "T2"},
        "ordered_on": "2026-09-01",
    },
    "plans": {"appointment_id": "A1"},
    "reserve": {"school_id": "S1", "teacher_id": "T1"},
}
TEXTS = (
    *("", " ", "a", " a", "a ", "a b", "a  b", "Ы", "Ә", "ё", "é", "e\u0301", "ß", "ﬁ"),
    *(
        "-",
        "—",
        "нет данных",
        "жоқ",
        "N/A",
        "None",
        "null",
        "#N/A",
        "#1",
        "=1",
        "T\u200b1",
        "a\xa0b",
    ),
    *("Н/Д", "н / д", "нет_данных", "Нет  данных", "_-", "ДЕРЕК ЖОҚ", "Анна", "-#", "on/a"),
    *("1", "0012", "1.0", "１", "EXAMPLE", "xEXAMPLE", "x" * 1000, "x" * 1001, "a\tb", "a\n"),
    *("2026-09-01", "2026-9-1", "01.09.2026", "2026-02-30", "1989-12-31", "1990-01-01"),
    *("2100-12-31", "2101-01-01", "0001-01-01", "2026-09-01T00:00", "+2026-09-01", "２026-09-01"),
    *("2024/25", "2024-25", "2024/2025", "2024-2025", "2024/26", "2024/2125", "1999/00", "2099/00"),
    *("5", "6", "7", "5.0", " 5", "05", "yes", "Yes", "YES", "да", "Да", "иә", "no", "true"),
    *("60", "60.5", "60,5", "60%", "0.6", "1", "0", "100", "100.1", "-1", "1e2", "inf", "nan"),
    *("физика; химия", "900101300017", "900101300019", "0" * 12, "1000000", "1000001"),
    *(code for table in VOCABULARIES.values() for one in table.values() for code in one.codes),
    *(alias for table in VOCABULARIES.values() for one in table.values() for alias in one.aliases),
)


def source(folder: Path, table: str, frame: pl.DataFrame) -> Source:
    folder.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(folder / f"{table}.parquet")
    return sources(folder)[table]


def judged(folder: Path, table: str, cells: pl.DataFrame) -> tuple[int, int]:
    """Compare every plain row with what the reader says; give how many were plain, and readable."""
    given_ = [
        pl.lit(value).alias(name)
        for name, value in REQUIRED[table].items()
        if name not in cells.columns
    ]
    frame = cells.select(*given_, pl.all())
    found = plain(source(folder, table, frame)).collect().filter(PLAIN).drop(PLAIN)
    rows, readable = {row[ROW]: row for row in found.iter_rows(named=True)}, 0
    for number, row in enumerate(frame.iter_rows(named=True), start=1):
        record, problems = build_record(table, number, row)
        readable += record is not None
        if number in rows:
            assert record is not None, (row, problems)
            assert fits(record)
            [expected] = encoded(table, [record], [number]).iter_rows(named=True)
            assert _meaning(rows[number]) == _meaning(expected), row
    return len(rows), readable


def _meaning(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row with shares as fractions, and lists of subjects as lists."""
    meaning = dict(row)
    if meaning.get("share") is not None:
        points, below = divmod(meaning["share"], packed_share(1, 0, 1))
        rest, whole = divmod(below, packed_share(0, 1, 1))
        meaning["share"] = points + Fraction(rest, whole + 1)
    if "subjects" in meaning:
        meaning["subjects"] = parse_subjects(meaning["subjects"])
    return meaning


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table in TABLES for column in columns(table)]
)
def test_plain_texts_are_read_as_the_reader_reads_them(
    table: str, column: str, tmp_path: Path
) -> None:
    values = list(dict.fromkeys(TEXTS))
    count, readable = judged(tmp_path, table, pl.DataFrame({column: values}))
    assert 0 < count <= readable or column in ("percent", "iin", "learners", "learners_good")


@pytest.mark.parametrize(
    ("column", "values", "kept_as"),
    [
        ("ordered_on", [date(2026, 9, 1), date(1800, 1, 1), None], pl.Date),
        ("ordered_on", [datetime(2026, 9, 1), datetime(2026, 9, 1, 23, 59)], pl.Datetime("us")),
        ("ordered_on", [datetime(2026, 9, 1)], pl.Datetime("ns")),
        ("ordered_on", [datetime(2026, 9, 1)], pl.Datetime("us", "Asia/Almaty")),
        ("ordered_on", [46000, 1], pl.Int64),
        ("appointment_id", [1, 900101300017, 0, -5], pl.Int64),
        ("appointment_id", [1.0, 1.5], pl.Float64),
        ("subject", ["физика", None, "Физика "], pl.Categorical),
    ],
)
def test_typed_cells_of_appointments(
    column: str, values: Sequence[Any], kept_as: Any, tmp_path: Path
) -> None:
    judged(tmp_path, "appointments", pl.DataFrame({column: values}, schema={column: kept_as}))


@pytest.mark.parametrize(
    ("table", "column", "values", "kept_as"),
    [
        ("posts", "acting", [True, False, None], pl.Boolean),
        ("plans", "final_has_results", [True, False, None], pl.Boolean),
        ("schools", "week", [5, 6, 7, None], pl.Int8),
        ("schools", "week", [5.0, 6.0, 5.5, float("nan")], pl.Float64),
        ("schools", "kind", ["ordinary", "обычная", "rural"], pl.Categorical),
    ],
)
def test_typed_cells_of_other_tables(
    table: str, column: str, values: Sequence[Any], kept_as: Any, tmp_path: Path
) -> None:
    judged(tmp_path, table, pl.DataFrame({column: values}, schema={column: kept_as}))


FLOATS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0, 100),
    st.integers(0, 10_000).map(lambda points: points / 100),
    st.integers(0, 10**8).map(lambda millionths: millionths / 10**6),
)
SMALL = settings(max_examples=60, deadline=None)


@SMALL
@given(values=st.lists(FLOATS, min_size=1, max_size=30))
def test_floats_are_the_decimals_that_they_show(
    values: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("floats")
    judged(folder, "quality", pl.DataFrame({"percent": values}, schema={"percent": pl.Float64}))


def test_floats_of_two_decimals_are_plain(tmp_path: Path) -> None:
    values = [points / 100 for points in range(101, 10_001)]
    count, readable = judged(tmp_path, "quality", pl.DataFrame({"percent": values}))
    assert count == readable == len(values)


@SMALL
@given(
    values=st.lists(st.decimals(-1, 101, places=4), min_size=1, max_size=20),
    scale=st.integers(4, 9),
)
def test_decimals_are_exact(
    values: list[Decimal], scale: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    schema = {"percent": pl.Decimal(20, scale)}
    folder = tmp_path_factory.mktemp("decimals")
    judged(folder, "quality", pl.DataFrame({"percent": values}, schema=schema))


@SMALL
@given(
    rows=st.lists(
        st.tuples(
            st.integers(-2, 10**6 + 2),
            st.integers(-2, 10**6 + 2),
            st.none() | st.integers(0, 10_000).map(lambda points: points / 100),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_shares_of_learners_are_exact(
    rows: list[tuple[int, int, float | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    schema = {"learners": pl.Int64, "learners_good": pl.Int64, "percent": pl.Float64}
    folder = tmp_path_factory.mktemp("learners")
    judged(folder, "quality", pl.DataFrame(rows, schema=schema, orient="row"))


@given(points=st.integers(0, WHOLE), whole=st.integers(1, MICRO), rest=st.integers(0, MICRO - 1))
def test_a_share_comes_back_from_one_number(points: int, whole: int, rest: int) -> None:
    rest %= whole
    frame = pl.DataFrame({"share": [packed_share(points, rest, whole)]})
    top, down = rest_of(pl.col("share"))
    [found] = frame.select(points_of(pl.col("share")), top.alias("top"), down.alias("down")).rows()
    assert found == (points, rest, whole)


# Files and headings ---------------------------------------------------------------------------


def test_headings_are_known_in_three_languages_and_others_are_told(tmp_path: Path) -> None:
    frame = pl.DataFrame({"Код школы": ["S1"], "Область": ["X"], "цвет": [1], "x_mr_note": [""]})
    found = source(tmp_path, "schools", frame)
    assert dict(found.names) == {"school_id": "Код школы", "region": "Область"}
    assert found.ignored == ("schools.цвет",)


def test_a_table_without_its_key_or_with_a_near_miss_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadingError):
        source(tmp_path / "one", "schools", pl.DataFrame({"region": ["X"]}))
    with pytest.raises(ReadingError):
        source(tmp_path / "two", "schools", pl.DataFrame({"school_idd": ["S1"]}))


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "schools.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ReadingError):
        sources(tmp_path)


def test_files_of_one_table_must_have_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "schools").mkdir()
    pl.DataFrame({"school_id": ["S1"], "week": [5]}).write_parquet(tmp_path / "schools/a.parquet")
    pl.DataFrame({"school_id": ["S2"], "week": ["6"]}).write_parquet(tmp_path / "schools/b.parquet")
    with pytest.raises(ReadingError):
        sources(tmp_path)
