"""A medium dossier as plain tables, and writers that put it into every shape."""

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from mentor_rules import Dossier, check
from mentor_rules.records import TABLES, columns

Row = dict[str, Any]
Tables = dict[str, list[Row]]

AS_OF = date(2026, 11, 23)
ORDERED = date(2026, 9, 1)
YEARS = ("2023/24", "2024/25", "2025/26")
KAZAKH = "әғқңөұүһі"  # the nine letters that no other alphabet of the region has


def medium() -> Tables:
    """Three schools and fifteen appointments: every verdict, good rows and bad."""
    tables: Tables = {
        "schools": [
            {"school_id": "Ө1", "name": "№ 1 орта мектеп", "kind": "ordinary", "week": 5},
            {"school_id": "2", "name": "«Сәуле» мектебі", "kind": "small_complement", "week": 6},
            {"school_id": "3", "name": "Школа, «третья»; новая", "region": "Ұлытау"},
        ],
        "teachers": [],
        "categories": [
            {"teacher_id": "T3", "category": "researcher", "from": date(2021, 9, 1)},
        ],
        "posts": [
            {"teacher_id": "T4", "post": "deputy_head", "since": date(2020, 1, 1)},
            {"teacher_id": "T5", "post": "head", "acting": "yes", "until": date(2026, 12, 31)},
            {"teacher_id": "T6", "post": "head", "since": "soon"},
            {"teacher_id": "T99", "post": "head"},
        ],
        "quality": [],
        "appointments": [],
        "plans": [
            {
                "appointment_id": "A1",
                "level_determined_on": date(2026, 9, 5),
                "agreed_by": "deputy_head_academic",
                "interim_form": "open_lesson",
                "final_has_results": "no",
            }
        ],
        "reserve": [
            {
                "school_id": "Ө1",
                "teacher_id": "T1",
                "formed_by": "pedagogical_council",
                "formed_on": date(2026, 8, 28),
                "protocol_no": "№ 1",
            }
        ],
    }
    schools = ("Ө1", "2", "3")
    figures = (72, 60, 59.99, 70, 95, 88.25, 0, 100, 61, 64, 50, 71, 66.6, 80, 90)
    for number, figure in enumerate(figures, start=1):
        school = schools[number % 3]
        tables["teachers"] += [
            {
                "teacher_id": f"T{number}",
                "school_id": school,
                "name": f"Әбіш Құңөұүһ {number}",
                "subjects": "қазақ тілі; математика" if number == 1 else None,
                "category": "expert" if number == 3 else "researcher",
                "category_from": date(2024, 5, 31),
                "ethics": "pending" if number == 9 else None,
            },
            {
                "teacher_id": str(1000 + number),
                "school_id": school,
                "first_taught_on": ORDERED + timedelta(number),
            },
        ]
        tables["quality"] += [
            {
                "teacher_id": f"T{number}",
                "subject": "Қазақ тілі",
                "school_year": year,
                "percent": figure,
            }
            for year in YEARS
            if not (number == 11 and year == YEARS[0])
        ]
        tables["appointments"].append(
            {
                "appointment_id": f"A{number}",
                "school_id": school,
                "mentor_id": f"T{number}",
                "mentee_id": f"T{number}" if number == 13 else str(1000 + number),
                "subject": "қазақ тілі" if number % 2 else None,
                "order_no": number,
                "ordered_on": "31.06.2026" if number == 14 else ORDERED,
                "ends_on": date(2027, 5, 25),
            }
        )
    tables["quality"] += [
        {
            "teacher_id": "T1",
            "subject": "математика",
            "school_year": year,
            "learners": 30,
            "learners_good": 29,
        }
        for year in YEARS
    ]
    tables["quality"] += [
        {"teacher_id": "T8", "subject": "қазақ тілі", "school_year": YEARS[2], "percent": 40},
        {"teacher_id": "T12", "subject": "қазақ тілі", "school_year": YEARS[2], "percent": 71},
        {"teacher_id": "T15", "subject": "тарих", "school_year": YEARS[2], "percent": 0.6},
    ]
    return tables


def plain() -> Tables:
    """One appointment of which everything is in order: eligible."""
    return {
        "schools": [{"school_id": "S1", "kind": "ordinary"}],
        "teachers": [
            {"teacher_id": "T1", "school_id": "S1", "category": "master"},
            {"teacher_id": "N1", "school_id": "S1", "first_taught_on": ORDERED},
        ],
        "posts": [],
        "quality": [
            {"teacher_id": "T1", "subject": "physics", "school_year": year, "percent": 80}
            for year in YEARS
        ],
        "appointments": [
            {
                "appointment_id": "A1",
                "school_id": "S1",
                "mentor_id": "T1",
                "mentee_id": "N1",
                "subject": "physics",
                "ordered_on": ORDERED,
            }
        ],
    }


def header(table: str, rows: Sequence[Row]) -> list[str]:
    """Every known column of the table, and the unknown ones that its rows have."""
    known = columns(table) if table in TABLES else ()
    return list(dict.fromkeys([*known, *(column for row in rows for column in row)]))


def lines(table: str, rows: Sequence[Row]) -> list[list[Any]]:
    """The header and the rows of a table as lists of cells."""
    names = header(table, rows)
    return [names, *([row.get(name) for name in names] for row in rows)]


def to_json(tables: Mapping[str, Sequence[Row]], path: Path) -> Path:
    """Write one `.json`; an empty cell is simply not there."""
    stated = {
        table: [{name: cell for name, cell in row.items() if cell is not None} for row in rows]
        for table, rows in tables.items()
    }
    path.write_text(json.dumps(stated, ensure_ascii=False, default=date.isoformat), "utf-8")
    return path


def to_csv(
    tables: Mapping[str, Sequence[Row]],
    folder: Path,
    delimiter: str = ",",
    *,
    bom: bool = False,
    encoding: str = "utf-8",
) -> Path:
    """Write a folder of `TABLE.csv`."""
    folder.mkdir(exist_ok=True)
    for table, rows in tables.items():
        with (folder / f"{table}.csv").open(
            "w", encoding="utf-8-sig" if bom else encoding, newline=""
        ) as file:
            csv.writer(file, delimiter=delimiter).writerows(lines(table, rows))
    return folder


def to_xlsx(tables: Mapping[str, Sequence[Row]], path: Path) -> Path:
    """Write a workbook with a sheet per table: numbers as numbers, days as true date cells."""
    book = workbook(tables)
    book.save(path)
    return path


def workbook(tables: Mapping[str, Sequence[Row]]) -> Workbook:
    """The workbook that `to_xlsx` saves."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for table, rows in tables.items():
        sheet = book.create_sheet(table)
        for line in lines(table, rows):
            sheet.append(line)
    return book


def judged(path: Path, **options: Any) -> dict[str, Any]:
    """The JSON report on the dossier in `path`."""
    report: dict[str, Any] = json.loads(check(Dossier.read(path, **options), as_of=AS_OF).to_json())
    return report
