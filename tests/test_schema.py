"""The JSON Schemas accept what the library reads and writes, and refuse what it refuses."""

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from mentor_rules import Dossier, check
from mentor_rules.records import FIRST_DAY, LAST_DAY, TABLES, Record, build_record, columns
from mentor_rules.report.flat import jsonl
from mentor_rules.schema import dossier_schema, kind, result_schema, values
from mentor_rules.vocabulary import LANGUAGES
from tests.test_docs import CHECKING, PYTHON, blocks

ROOT = Path(__file__).parent.parent
DISTRICT = ROOT / "docs" / "examples" / "district"
SCRIPT = Path(sys.executable).with_name("mentor-rules")
DAY = date(2026, 11, 23)

DOSSIER = Draft202012Validator(dossier_schema(), format_checker=FormatChecker())
RESULT = Draft202012Validator(result_schema(), format_checker=FormatChecker())


def plain(record: Record) -> dict[str, Any]:
    return record.model_dump(mode="json", by_alias=True)


def of_records(dossier: Dossier) -> dict[str, list[dict[str, Any]]]:
    return {
        table: [plain(record) for record in records]
        for table, records in dossier._tables.items()  # no public way to list every record
    }


@pytest.mark.parametrize("schema", [dossier_schema(), result_schema()], ids=["dossier", "result"])
def test_a_schema_is_valid_json_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_table_and_column_is_described() -> None:
    described = dossier_schema()["properties"]
    assert list(described) == list(TABLES)
    for table in TABLES:
        row = described[table]["items"]
        assert list(row["properties"]) == list(columns(table))
        assert set(row["required"]) == {name for name, needed in columns(table).items() if needed}


@pytest.mark.parametrize("path", [DISTRICT, DISTRICT.with_suffix(".xlsx")], ids=["csv", "xlsx"])
def test_the_records_of_the_examples_conform(path: Path) -> None:
    tables = of_records(Dossier.read(path))
    assert len(tables["appointments"]) == 39  # the row that cannot be read is no record
    DOSSIER.validate(tables)


def test_the_dossiers_shown_in_the_pages_conform_once_read(tmp_path: Path) -> None:
    for block in blocks(CHECKING):
        if block.file.startswith("small/"):
            path = tmp_path / block.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, "utf-8")
    dossier = Dossier.read(tmp_path / "small")
    assert dossier.appointments
    DOSSIER.validate(of_records(dossier))
    DOSSIER.validate({"schools": [{"school_id": "S1"}], "teachers": []})


def test_the_result_shown_in_the_pages_conforms_but_for_its_shortened_readings() -> None:
    (block,) = (block for block in blocks(PYTHON) if block.language == "json")
    RESULT.validate(json.loads(block.text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_real_report_conforms(language: Any) -> None:
    report = check(Dossier.read(DISTRICT), as_of=DAY, language=language)
    RESULT.validate(json.loads(report.to_json()))
    whole = result_schema()
    schema = {"$ref": "#/$defs/AppointmentResult", "$defs": whole["$defs"]}
    for text in jsonl(report):
        Draft202012Validator(schema).validate(json.loads(text))


def test_a_report_with_rejected_rows_conforms() -> None:
    tables: dict[str, Any] = {
        "schools": [{"school_id": "S1"}],
        "appointments": [{"appointment_id": "A999", "ordered_on": "soon"}],
    }
    report = check(Dossier.from_tables(tables), as_of=DAY)
    assert report.invalid
    RESULT.validate(json.loads(report.to_json()))


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("schools", {}),
        ("schools", {"school_id": None}),
        ("schools", {"school_id": ""}),
        ("schools", {"school_id": "-"}),
        ("schools", {"school_id": " "}),
        ("schools", {"school_id": True}),
        ("schools", {"school_id": "S1", "knd": "ordinary"}),
        ("schools", {"school_id": "S1", "kind": "rural"}),
        ("schools", {"school_id": "S1", "week": 7}),
        ("schools", {"school_id": "S1", "name": "x" * 1001}),
        ("posts", {"teacher_id": "T1"}),
        ("posts", {"teacher_id": "T1", "post": None}),
        ("posts", {"teacher_id": "T1", "post": "guard"}),
        ("posts", {"teacher_id": "T1", "post": "head", "since": "soon"}),
        ("posts", {"teacher_id": "T1", "post": "head", "since": "2026-02-30"}),
        ("posts", {"teacher_id": "T1", "post": "head", "since": "1989-12-31"}),
        ("posts", {"teacher_id": "T1", "post": "head", "since": "2101-01-01"}),
        ("posts", {"teacher_id": "T1", "post": "head", "since": 46000}),
        ("teachers", {"teacher_id": "T1", "school_id": "S1", "iin": "123"}),
        ("teachers", {"teacher_id": "T1", "school_id": "S1", "subjects": [True]}),
        *(
            ("quality", {"teacher_id": "T1", "subject": "x", "school_year": "2023/24", **figures})
            for figures in (
                {"percent": 101},
                {"percent": -1},
                {"percent": 0.72},
                {"percent": "0.72"},
                {"percent": "100.01"},
                {"percent": True},
                {"percent": "sixty"},
                {"learners": 1.5},
                {"learners": -1},
                {"learners": 1000001},
            )
        ),
        ("quality", {"teacher_id": "T1", "subject": "x", "school_year": "2023/25"}),
        ("quality", {"teacher_id": "T1", "subject": "x", "school_year": 2023}),
    ],
)
def test_a_wrong_row_does_not_conform(table: str, row: dict[str, Any]) -> None:
    assert not DOSSIER.is_valid({table: [row]})
    _, problems = build_record(table, 1, row)
    assert problems, "the library accepts what the schema refuses"


def test_a_dossier_of_another_shape_does_not_conform() -> None:
    wrong: Any
    for wrong in ([], {"school": []}, {"schools": {}}, {"schools": [[]]}, None):
        assert not DOSSIER.is_valid(wrong)


# Values tried in every column: whatever the schema lets in, the parser of the column reads.
TRIED: tuple[Any, ...] = (
    *(None, "", " ", "-", "x", "x" * 1000, "x" * 1001, "жоқ", "n/a", "#N/A", "a\x00", "5", "06"),
    *(0, 1, 5, 6, 7, 60, 72.5, 0.5, 100, 101, -1, 10**6, 10**6 + 1, 1e30, 1.0, True, False),
    *("0", "0.0", "0.72", "0.72%", "0.72 %", "60", "60.0", "72.50", "60 %", "100", "100.0"),
    *("100.1", "-0", "1e2", "007", "2023/24", "1989/90", "1990/91", "2099/00", "2100/01"),
    *("1999/00", "2023/25", "1990-01-01", "1989-12-31", "2100-12-31", "2101-01-01"),
    *("2024-02-29", "2023-02-29", "01.09.2026", "2026-9-1", "880215350126", "yes", "head"),
    *("master", "other", "ordinary", "video", "observed", [], ["физика"], [True], [None], {}),
)


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table in TABLES for column in columns(table)]
)
def test_what_the_schema_accepts_the_parser_of_the_column_reads(table: str, column: str) -> None:
    shape = {
        **dossier_schema()["properties"][table]["items"]["properties"][column],
        "$defs": dossier_schema()["$defs"],
    }
    cell = Draft202012Validator(shape, format_checker=FormatChecker())
    accepted = 0
    for tried in TRIED:
        if cell.is_valid(tried):
            accepted += 1
            _, problems = build_record(table, 1, {column: tried})
            wrong = [one.code for one in problems if one.column == column]
            # Left to the library: the check digit of an IIN, a year without learners, and what
            # no text may hold (a NUL character, the error of a formula).
            assert set(wrong) <= {"not_an_iin", "no_learners", "not_text"}, tried
    assert accepted


def test_both_ends_of_the_days_that_count_are_accepted() -> None:
    row = {"school_id": "S1", "teacher_id": "T1"}
    for day in (FIRST_DAY, LAST_DAY):
        DOSSIER.validate({"reserve": [{**row, "formed_on": day.isoformat()}]})


def test_a_record_written_as_json_is_read_back_alike() -> None:
    row = {"teacher_id": "T1", "subject": "физика", "school_year": "2023/24", "percent": "72,50"}
    record, _ = build_record("quality", 1, row)
    assert record is not None
    assert plain(record)["percent"] == "72.50"
    DOSSIER.validate({"quality": [plain(record)]})
    again, _ = build_record("quality", 1, plain(record))
    assert again == record
    assert isinstance(record.percent, Decimal)  # type: ignore[attr-defined]  # a QualityYear


def test_every_column_has_a_kind_and_only_closed_ones_have_values() -> None:
    for table in TABLES:
        for column in columns(table):
            assert (kind(table, column) == "closed") == bool(values(table, column))
    assert kind("quality", "percent") == "percent"
    assert kind("appointments", "ordered_on") == kind("posts", "since") == "date"
    assert values("posts", "post") == ("head", "deputy_head")


def test_the_command_writes_the_schema_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "schema.json"
    done = subprocess.run([SCRIPT, "schema", "dossier", "--out", out], check=False)
    assert done.returncode == 0
    assert json.loads(out.read_text("utf-8")) == dossier_schema()
    done = subprocess.run([SCRIPT, "schema", "result"], capture_output=True, check=False)
    assert json.loads(done.stdout) == result_schema()
    assert subprocess.run([SCRIPT, "schema", "plan"], capture_output=True).returncode == 2
