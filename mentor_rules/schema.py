"""JSON Schema (2020-12) of a dossier and of the answer, made from the records and the result.

The schema of a dossier describes its plain form: English names and codes, ISO dates, exact
numbers. The reader accepts more (Kazakh and Russian, `01.09.2026`, unknown columns).
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, get_args

from pydantic import BeforeValidator
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

from mentor_rules.headings import column_label
from mentor_rules.records import (
    FIRST_DAY,
    LAST_DAY,
    TABLES,
    clean_text,
    columns,
    parse_count,
    parse_id,
    parse_iin,
    parse_percent,
    parse_school_year,
    parse_subjects,
    parse_week,
)
from mentor_rules.result import Report
from mentor_rules.vocabulary import BLANKS, SHEET_ERRORS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Kind = Literal[
    "closed",
    "count",
    "date",
    "id",
    "iin",
    "percent",
    "school_year",
    "text",
    "texts",
    "week",
]
_KINDS: Mapping[Any, Kind] = MappingProxyType(
    {
        clean_text: "text",
        parse_count: "count",
        parse_id: "id",
        parse_iin: "iin",
        parse_percent: "percent",
        parse_school_year: "school_year",
        parse_subjects: "texts",
        parse_week: "week",
    }
)

_WORDS = {
    "type": "string",
    "pattern": r"^[^\u0000]*\S[^\u0000]*$",
    "maxLength": 1000,
    "not": {"enum": sorted((BLANKS - {""}) | SHEET_ERRORS)},
}
_SHAPES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "not_stated": {"enum": [None, ""]},
        "id": {"anyOf": [_WORDS, {"type": "integer"}]},
        "text": _WORDS,
        "texts": {"anyOf": [_WORDS, {"type": "array", "items": {"$ref": "#/$defs/text"}}]},
        "date": {
            "type": "string",
            "format": "date",
            "pattern": "^(199[0-9]|20[0-9]{2}|2100)-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        },
        "school_year": {
            "enum": [
                f"{year}/{(year + 1) % 100:02d}" for year in range(FIRST_DAY.year, LAST_DAY.year)
            ]
        },
        "percent": {
            "anyOf": [
                {"const": 0},
                {"type": "number", "minimum": 1, "maximum": 100},
                {
                    "type": "string",
                    "pattern": r"^(0(\.0{1,30})?|[1-9][0-9]?(\.[0-9]{1,30})?|100(\.0{1,30})?) ?%?$",
                },
                {"type": "string", "pattern": r"^0\.[0-9]{1,30} ?%$"},
            ]
        },
        "count": {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 10**6},
                {"type": "string", "pattern": "^([0-9]{1,6}|1000000)$"},
            ]
        },
        "week": {"enum": [5, 6, "5", "6"]},
        "iin": {"type": "string", "pattern": "^[0-9]{12}$"},
    }
)


def dossier_schema() -> dict[str, Any]:
    """Give the schema of a dossier as one JSON object: every table, column and closed value.

    It is stricter than the reader in one thing: a column that is not known is refused, so
    that a misspelt one is noticed. What it cannot say is left to `check`.
    """
    return {
        "$schema": DIALECT,
        "title": "Dossier of mentor_rules",
        "$comment": (
            "Not said here: ids that refer to other tables, two rows with one key, an end before"
            " its start, the check digit of an IIN, learners_good above learners, a percentage"
            " that does not follow from them, a year without learners."
        ),
        "type": "object",
        "properties": {table: {"type": "array", "items": _row(table)} for table in TABLES},
        "additionalProperties": False,
        "$defs": dict(_SHAPES),
    }


def result_schema() -> dict[str, Any]:
    """Give the schema of what `--format json` prints; a line of jsonl is its AppointmentResult."""
    made = Report.model_json_schema(
        by_alias=True, mode="serialization", schema_generator=_AllIsWritten
    )
    return {"$schema": DIALECT, **made, "title": "Report of mentor_rules"}


def kind(table: str, column: str) -> Kind:
    """Give the kind of value that a column holds."""
    field = _field(table, column)
    if values(table, column):
        return "closed"
    if date in (field.annotation, *get_args(field.annotation)):
        return "date"
    [parser] = [part.func for part in field.metadata if isinstance(part, BeforeValidator)]
    return _KINDS[parser]


def values(table: str, column: str) -> tuple[str, ...]:
    """Give the codes of a closed column, none for any other."""
    return _codes(_field(table, column).annotation)


def _codes(annotation: Any) -> tuple[str, ...]:
    found: tuple[str, ...] = ()
    for part in get_args(annotation):
        found += (part,) if isinstance(part, str) else _codes(part)
    return found


def _field(table: str, column: str) -> FieldInfo:
    fields = TABLES[table].model_fields
    return next(field for name, field in fields.items() if (field.alias or name) == column)


def _row(table: str) -> dict[str, Any]:
    required = [column for column, needed in columns(table).items() if needed]
    return {
        "type": "object",
        "properties": {column: _cell(table, column) for column in columns(table)},
        "required": required,
        "additionalProperties": False,
        "patternProperties": {"^x_mr_": True},
    }


def _cell(table: str, column: str) -> dict[str, Any]:
    said = {
        "description": " / ".join(
            column_label(table, column, language) for language in ("kk", "ru")
        )
    }
    codes = values(table, column)
    shape: dict[str, Any] = (
        {"enum": list(codes)} if codes else {"$ref": f"#/$defs/{kind(table, column)}"}
    )
    if columns(table)[column]:
        return {**said, **shape}
    return {**said, "anyOf": [{"$ref": "#/$defs/not_stated"}, shape]}


class _AllIsWritten(GenerateJsonSchema):
    """A report writes every field, also one that holds its default: all are required.

    But for the few that are left out where they say nothing.
    """

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Tell whether a report always writes a field of a model."""
        return "serialization_exclude_if" not in field
