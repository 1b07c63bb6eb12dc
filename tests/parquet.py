"""Dossiers as folders of Parquet, and what `audit` says of them beside what `check` says."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from mentor_rules import Report
from mentor_rules.audit import Judges
from mentor_rules.columns import sources
from mentor_rules.frames import fact_columns
from mentor_rules.loading import builtin_rulebook
from mentor_rules.nation import Nation, Work
from mentor_rules.records import VOCABULARIES, build_record, column_value, columns

Rows = Sequence[Mapping[str, Any]]


def write_texts(raw: Mapping[str, Rows], folder: Path, files: int = 1) -> Path:
    """Write tables as they are, every cell a text, each into so many files."""
    for table, rows in raw.items():
        _write(texts(table, rows), folder / table, files)
    return folder


def texts(table: str, rows: Rows) -> pl.DataFrame:
    names = list(dict.fromkeys([*columns(table), *(name for row in rows for name in row)]))
    cells = [{name: _text(row.get(name)) for name in names} for row in rows]
    return pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String))


def _text(cell: Any) -> str | None:
    return None if cell in (None, "") else str(cell)


def readable(raw: Mapping[str, Rows]) -> dict[str, list[dict[str, Any]]]:
    """Give the rows that can be read, each cell as the value that it says."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table, rows in raw.items():
        records = (build_record(table, number, row)[0] for number, row in enumerate(rows))
        found[table] = [
            {name: column_value(record, name) for name in columns(table)}
            for record in records
            if record is not None
        ]
    return found


def write_typed(raw: Mapping[str, Rows], folder: Path, files: int = 1) -> Path:
    """Write readable tables with days as dates, yes and no as booleans, figures as floats."""
    for table, rows in raw.items():
        _write(typed(table, rows), folder / table, files)
    return folder


def typed(table: str, rows: Rows) -> pl.DataFrame:
    types = {name: _type(table, name) for name in columns(table)}
    cells = [{name: _typed(row.get(name), kind) for name, kind in types.items()} for row in rows]
    return pl.DataFrame(cells, schema=types)


def _type(table: str, name: str) -> Any:
    vocabulary = VOCABULARIES[table].get(name)
    if vocabulary is not None:
        return pl.Boolean if set(vocabulary.codes) == {"yes", "no"} else pl.Categorical
    if name == "percent":
        return pl.Float64
    if name in ("learners", "learners_good", "week"):
        return pl.Int32
    days = ("from", "until", "since", "category_from", "category_until", "recorded_until")
    if name in days or name.endswith("_on") or name.startswith("period_"):
        return pl.Date
    return pl.String


def _typed(cell: Any, kind: Any) -> Any:
    if cell is None or cell == ():
        return None
    if kind == pl.Boolean:
        return cell == "yes"
    if isinstance(cell, Decimal):
        return float(cell)
    return "; ".join(cell) if isinstance(cell, tuple) else cell


def _write(frame: pl.DataFrame, path: Path, files: int) -> None:
    if files == 1:
        frame.write_parquet(path.with_suffix(".parquet"))
        return
    path.mkdir()
    size = max(1, -(-frame.height // files))
    for number, first in enumerate(range(0, max(frame.height, 1), size)):
        frame.slice(first, size).write_parquet(path / f"part-{number:03}.parquet")


def results(out: Path) -> dict[str, dict[str, Any]]:
    """Give the rows of the results by appointment; each stands once."""
    found = pl.concat(pl.read_parquet(file) for file in sorted((out / "results").glob("*.parquet")))
    rows = {row["appointment_id"]: row for row in found.iter_rows(named=True)}
    assert len(rows) == found.height
    return rows


def invalid(out: Path) -> list[tuple[Any, ...]]:
    """Give the rows of `invalid.parquet`."""
    return sorted(pl.read_parquet(out / "invalid.parquet").rows(), key=str)


def differences(out: Path, report: Report) -> Iterator[str]:
    """Give where the results of an audit are not those of a report on the same records."""
    rows = results(out)
    expected = {result.appointment_id: result for result in report.results}
    if set(rows) != set(expected):
        yield f"other appointments: {sorted(set(rows) ^ set(expected))[:5]}"
    for name in sorted(set(rows) & set(expected)):
        row, result = rows[name], expected[name]
        for column in ("school_id", "mentor_id", "mentee_id", "eligibility", "procedure"):
            if row[column] != getattr(result, column):
                yield f"{name} {column}: {row[column]}, not {getattr(result, column)}"
        judged = {finding.rule: finding for finding in result.findings}
        for column, value in row.items():
            rule, _, part = column.partition(" ")
            if rule not in judged:
                if "/" in rule and value is not None:
                    yield f"{name} {column}: {value} of a rule that was not judged"
                continue
            wanted = getattr(judged[rule], part or "outcome")
            if value != wanted:
                yield f"{name} {column}: {value}, not {wanted} ({judged[rule].outcome})"
    told = [
        (one.table, one.row, one.key, one.column, one.problem, one.remedy) for one in report.invalid
    ]
    if Counter(told) != Counter(invalid(out)):
        yield f"other invalid rows: {sorted(set(told) ^ set(invalid(out)), key=str)[:5]}"


AS_OF = date(2026, 11, 23)


def facts_of(folder: Path, settled: Any, as_of: date) -> tuple[Judges, list[pl.DataFrame]]:
    """What is judged by, and the facts as columns of all appointments that are not judged alone."""
    rulebook = builtin_rulebook()
    judges = Judges.load(rulebook, rulebook.settle(settled), None, as_of)
    nation = Nation(sources(folder), Work(folder / "work", 2))
    nation.prepare()
    for bucket in range(2):
        nation.join_plans(bucket)
    nation.settle_appointments()
    for bucket in range(2):
        nation.join_mentees(bucket)
    parts = [nation.part(bucket, judges.calendar, as_of).part for bucket in range(2)]
    return judges, [fact_columns(judges.frame, part) for part in parts]
