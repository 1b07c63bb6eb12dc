"""One dossier in English, Russian and Kazakh; every spelling that is known; mapping files."""

import csv
import json
import sys
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

import mentor_rules
from mentor_rules import Dossier, ReadingError, UsageError, check
from mentor_rules.cli import main
from mentor_rules.headings import column_label, headings, squeeze, table_label, table_named
from mentor_rules.records import TABLES, VOCABULARIES, build_record, columns
from mentor_rules.vocabulary import Language, Vocabulary
from tests.dossiers import AS_OF, KAZAKH, YEARS, Tables, judged, plain, to_csv, to_json, to_xlsx
from tests.test_reading import SHAPES, answer, told, verdict, written

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
PACKAGE = Path(mentor_rules.__file__).parent
LOCAL: tuple[Language, ...] = ("ru", "kk")

in_both_languages = pytest.mark.parametrize("language", LOCAL)


# One district in three languages ---------------------------------------------------------


@cache
def english() -> str:
    return answer(judged(EXAMPLES / "district.xlsx"))


def heading_in(table: str, heading: str, language: Language) -> str:
    return column_label(table, heading, language) if heading in columns(table) else heading


def value_in(table: str, heading: str, value: Any, language: Language) -> Any:
    vocabulary = VOCABULARIES[table].get(heading)
    return vocabulary.label(value, language) if vocabulary and value else value


@in_both_languages
def test_the_district_as_a_workbook_in_another_language_gives_equal_bytes(
    language: Language, tmp_path: Path
) -> None:
    book = load_workbook(EXAMPLES / "district.xlsx")
    changed = 0
    for sheet in book.worksheets:
        table = str(sheet.title)
        names = [str(cell.value) for cell in sheet[1]]
        for row in sheet.iter_rows(min_row=2):
            for name, cell in zip(names, row, strict=True):
                value = value_in(table, name, cell.value, language)
                changed += value != cell.value
                cell.value = value
        for name, cell in zip(names, sheet[1], strict=True):
            cell.value = heading_in(table, name, language)
        sheet.title = table_label(table, language).capitalize()
    book.save(tmp_path / "d.xlsx")
    assert changed > 200
    report = judged(tmp_path / "d.xlsx")
    assert answer(report) == english()
    assert report["run"]["ignored_columns"] == []
    assert not [note for note in report["run"]["notes"] if "look-alike" in note]


@in_both_languages
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_the_district_as_csv_in_another_language_gives_equal_bytes(
    language: Language, delimiter: str, tmp_path: Path
) -> None:
    for source in (EXAMPLES / "district").iterdir():
        table = source.stem
        with source.open(encoding="utf-8", newline="") as file:
            names, *rows = csv.reader(file)
        target = tmp_path / f"{table_label(table, language)}.csv"
        with target.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(heading_in(table, name, language) for name in names)
            for row in rows:
                writer.writerow(
                    value_in(table, name, cell, language)
                    for name, cell in zip(names, row, strict=True)
                )
    report = judged(tmp_path)
    assert answer(report) == english()
    assert report["run"]["ignored_columns"] == []


# Every spelling --------------------------------------------------------------------------


def spellings() -> Iterator[tuple[str, str | None, str]]:
    """Every known name of a table (column None) and of a column, from the file itself."""
    content = tomllib.loads((PACKAGE / "headings.toml").read_text("utf-8"))
    for table, entry in content.items():
        for spelling in (table, entry["kk"], entry["ru"], *entry["also"]):
            yield table, None, spelling
        for column, named in entry["columns"].items():
            for spelling in (column, named["kk"], named["ru"], *named["also"]):
                yield table, column, spelling


def typed(spelling: str) -> set[str]:
    """A spelling as people type it."""
    dashed = spelling.replace(" - ", "-")
    return {
        spelling,
        spelling.upper(),
        spelling.capitalize(),
        f"  {spelling.replace(' ', '   ')} ",
        spelling.replace(" ", "\N{NO-BREAK SPACE}"),
        spelling.replace(" ", "\n", 1),
        unicodedata.normalize("NFD", spelling),
        unicodedata.normalize("NFD", spelling.upper()),
        *(dashed.replace("-", dash) for dash in ("–", " — ", "\N{NON-BREAKING HYPHEN}", "−")),
        spelling[:2] + "\N{SOFT HYPHEN}" + spelling[2:],
    }


VOCABULARY = {
    vocabulary.name: vocabulary for found in VOCABULARIES.values() for vocabulary in found.values()
}


def values(vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """Every accepted spelling of a vocabulary, with its code."""
    for code, labels in vocabulary.labels.items():
        for spelling in (code, *labels.values()):
            yield spelling, code
    yield from vocabulary.aliases.items()


def test_the_headings_name_every_table_and_every_column_once() -> None:
    assert {table: set(known.column_labels) for table, known in headings().items()} == {
        table: set(columns(table)) for table in TABLES
    }


def test_no_heading_stands_for_two_columns_of_its_table_and_no_name_for_two_tables() -> None:
    meanings: dict[tuple[str | None, str], set[str]] = {}
    for table, column, spelling in spellings():
        place = (None if column is None else table, squeeze(spelling))
        meanings.setdefault(place, set()).add(column or table)
    assert {place: found for place, found in meanings.items() if len(found) > 1} == {}


def test_every_name_of_a_table_is_understood_however_it_is_typed() -> None:
    for table, column, spelling in spellings():
        if column is None:
            for text in typed(spelling):
                assert table_named(text) == table, text


def test_every_heading_is_understood_however_it_is_typed() -> None:
    for table, column, spelling in spellings():
        if column is not None:
            for text in typed(spelling):
                assert headings()[table].columns.get(squeeze(text)) == column, text


@pytest.mark.parametrize("table", TABLES)
def test_every_heading_is_read_in_a_file_without_being_ignored(table: str) -> None:
    for name, column, spelling in spellings():
        if name == table and column is not None:
            for text in (spelling, spelling.upper()):
                dossier = Dossier.from_tables({table: [{text: "01.09.2026"}]})
                assert dossier.ignored_columns == (), text
                assert not [code for *_, code in told(dossier) if code.startswith("column")], text


@pytest.mark.parametrize("vocabulary", VOCABULARY.values(), ids=list(VOCABULARY))
def test_every_spelling_of_a_closed_value_is_understood_however_it_is_typed(
    vocabulary: Vocabulary,
) -> None:
    meanings: dict[str, set[str]] = {}
    for spelling, code in values(vocabulary):
        for text in typed(spelling) - {spelling.replace("-", "−")}:
            assert vocabulary.code(text) == code, text
            meanings.setdefault(text, set()).add(code)
        assert not vocabulary.only_looks_known(spelling), spelling
    assert all(len(codes) == 1 for codes in meanings.values())


@pytest.mark.parametrize("table", TABLES)
def test_every_label_of_a_closed_value_is_read_in_its_column(table: str) -> None:
    for column, vocabulary in VOCABULARIES[table].items():
        for spelling, code in values(vocabulary):
            _, problems = build_record(table, 2, {column: spelling})
            (row, *_) = problems  # the key is missing, on purpose
            assert row.readable[column] == code, spelling


@in_both_languages
def test_labels_differ_from_each_other_so_that_a_reader_can_tell_them_apart(
    language: Language,
) -> None:
    for table, known in headings().items():
        labels = Counter(labels[language] for labels in known.column_labels.values())
        assert set(labels.values()) == {1}, table
    for vocabulary in VOCABULARY.values():
        labels = Counter(vocabulary.label(code, language) for code in vocabulary.codes)
        assert set(labels.values()) == {1}, vocabulary.name


# The nine letters ------------------------------------------------------------------------


def with_letters() -> Tables:
    """A dossier with the nine letters in every text that comes out again."""
    tables = plain()
    for text in (KAZAKH, KAZAKH.upper()):
        tables["schools"].append({"school_id": f"М{text}", "name": text, "kind": "кәдімгі мектеп"})
        tables["teachers"] += [
            {"teacher_id": f"Т{text}", "school_id": f"М{text}", "name": f"{text} Ұлы"},
            {"teacher_id": f"Ж{text}", "school_id": f"М{text}", "name": f"Жас {text}"},
        ]
        tables["quality"] += [
            {"teacher_id": f"Т{text}", "subject": text, "school_year": year, "percent": 10}
            for year in YEARS
        ]
        tables["appointments"].append(
            tables["appointments"][0]
            | {
                "appointment_id": f"А{text}",
                "school_id": f"М{text}",
                "mentor_id": f"Т{text}",
                "mentee_id": f"Ж{text}",
                "subject": text,
            }
        )
    return tables


@pytest.mark.parametrize("shape", SHAPES)
def test_the_nine_letters_survive_from_every_shape_into_json_and_table(
    shape: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = written(shape, with_letters(), tmp_path)
    shown = {}
    for form in ("json", "table", "csv"):
        arguments = ["check", path, "--as-of=2026-11-23", "--lang=kk", "--names", "--format", form]
        monkeypatch.setattr(sys, "argv", ["mentor-rules", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 1
        shown[form] = capsys.readouterr().out
    report = json.loads(shown["json"])
    for text in (KAZAKH, KAZAKH.upper()):
        assert f"А{text}" in {result["appointment_id"] for result in report["results"]}
        assert f"М{text}" in {school["school_id"] for school in report["schools"]}
        assert f"quality Т{text} {text} 2025/26" in shown["json"]
        assert f"{text} Ұлы (Т{text})" in shown["table"]
        assert f"А{text}" in shown["csv"]
    assert "\\u" not in shown["json"]
    assert "?" not in shown["table"]


# Near misses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "column", "wrong", "right"),
    [
        ("teachers", "category", "Катигория", "категория"),
        ("teachers", "category", "Квалификационая категория", "квалификационная категория"),
        ("teachers", "category", "Біліктілік санатты", "біліктілік санаты"),
        ("teachers", "first_taught_on", "Начало педогогической деятельности", None),
        ("quality", "percent", "Качество знани, %", "качество знаний, %"),
        ("quality", "percent", "Білім сапосы, %", "білім сапасы, %"),
        ("posts", "post", "Лауазм", "лауазым"),
        ("appointments", "mentor_id", "Код наставнека", "код наставника"),
        ("appointments", "mentor_id", "Тәлимгер коды", "тәлімгер коды"),
        ("appointments", "ordered_on", "Дата прикзаа", "дата приказа"),
    ],
)
@pytest.mark.parametrize("shape", ["xlsx", "csv"])
def test_a_header_with_a_slip_refuses_the_table_and_shows_the_right_spelling(
    shape: str, table: str, column: str, wrong: str, right: str | None, tmp_path: Path
) -> None:
    tables = plain()
    for row in tables[table] or [{"teacher_id": "N1", "post": "head"}]:
        row[column] = row.get(column)
    path = renamed(shape, tables, {(table, column): wrong}, tmp_path)
    dossier = Dossier.read(path)
    assert (table, None, column, "column_near_miss") in told(dossier)
    near = right or "начало педагогической деятельности"
    for language, quoted in (("ru", f"«{near}»"), ("kk", f"«{near}»"), ("en", f"“{near}”")):
        report = check(dossier, as_of=AS_OF, language=language)  # type: ignore[arg-type]  # one of three
        (entry,) = [
            entry for entry in report.invalid if (entry.table, entry.column) == (table, column)
        ]
        assert quoted in entry.problem
        assert quoted in entry.remedy


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("Мұғалім", "мұғалімдер"), ("Учитиля", "учителя"), ("Тағайындаулар1", "тағайындаулар")],
)
def test_a_sheet_name_with_a_slip_is_told_with_the_right_spelling(
    wrong: str, near: str, tmp_path: Path
) -> None:
    tables = plain()
    table = table_named(near) or ""
    path = to_csv(tables, tmp_path / "d")
    (path / f"{table}.csv").rename(path / f"{wrong}.csv")
    (row, *_) = Dossier.read(path).invalid
    assert (row.table, row.code, row.params["near"]) == (table, "table_near_miss", near)


@pytest.mark.parametrize(
    ("table", "heading"),
    [
        ("teachers", "Стаж"),
        ("teachers", "Образование"),
        ("teachers", "Телефон"),
        ("teachers", "Дата рождения"),
        ("teachers", "Туған күні"),
        ("teachers", "Білімі"),
        ("teachers", "Дата приёма на работу"),
        ("quality", "Успеваемость, %"),
        ("quality", "Сыныбы"),
        ("quality", "Класс"),
        ("quality", "Ескерту"),
        ("appointments", "ФИО наставника"),
        ("appointments", "Жас педагогтің аты-жөні"),
        ("appointments", "Дата ознакомления"),
        ("appointments", "Примечание"),
    ],
)
def test_an_ordinary_column_of_ones_own_is_no_slip(
    table: str, heading: str, tmp_path: Path
) -> None:
    tables = plain()
    for row in tables[table]:
        row[heading] = "x"
    report = judged(to_xlsx(tables, tmp_path / "d.xlsx"))
    assert verdict(report) == "eligible"
    assert report["run"]["ignored_columns"] == [f"{table}.{heading.casefold().replace(' ', '_')}"]


def test_a_value_with_a_slip_is_refused_with_the_right_spelling() -> None:
    for wrong, near in (
        ("педагог-шебир", "педагог-шебер"),
        ("Педагог исследователь", "педагог-исследователь"),
        ("педогог-эксперт", "педагог-эксперт"),
    ):
        row = {"teacher_id": "T1", "school_id": "S1", "category": wrong}
        (problem,) = Dossier.from_tables({"teachers": [row]}).invalid
        assert (problem.code, problem.params["near"]) == ("not_in_vocabulary_near", near)


# Mapping files ---------------------------------------------------------------------------


def renamed(shape: str, tables: Tables, names: Mapping[tuple[str, str], str], folder: Path) -> Path:
    """Write a dossier with other headings."""
    folder.mkdir(exist_ok=True)
    if shape == "xlsx":
        path = to_xlsx(tables, folder / "d.xlsx")
        book = load_workbook(path)
        for sheet in book.worksheets:
            for cell in sheet[1]:
                cell.value = names.get((str(sheet.title), str(cell.value)), str(cell.value))
        book.save(path)
        return path
    path = to_csv(tables, folder / "d", ";")
    for file in path.iterdir():
        head, _, rest = file.read_text("utf-8").partition("\n")
        head = ";".join(names.get((file.stem, name), name) for name in head.strip().split(";"))
        file.write_text(f"{head}\n{rest}", "utf-8")
    return path


MAPPING = """
[tables]
"Ұстаздар тізімі" = "teachers"
"Архив" = ""

[columns.teachers]
"Кім екені" = "teacher_id"
"Деңгейі" = "category"
"Санат" = ""

[columns.quality]
"Сколько" = "percent"
"Процентт" = ""
"""
OWN = {
    ("teachers", "teacher_id"): "Кім екені",
    ("teachers", "category"): "Деңгейі",
    ("quality", "percent"): "Сколько",
}


def mapped(shape: str, folder: Path) -> Path:
    """A dossier that only the mapping makes readable."""
    tables = plain()
    tables["teachers"] = [row | {"Санат": "?"} for row in tables["teachers"]]
    tables["quality"] = [row | {"Процентт": "?"} for row in tables["quality"]]
    path = renamed(shape, tables, OWN, folder)
    if shape == "xlsx":
        book = load_workbook(path)
        book["teachers"].title = "ҰСТАЗДАР   тізімі"
        book.create_sheet("Архив").append(["teacher_id", "school_id", "category"])
        book.save(path)
    else:
        (path / "teachers.csv").rename(path / "ұстаздар тізімі.csv")
        (path / "архив.csv").write_text("teacher_id;school_id;category\n", "utf-8")
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("shape", ["xlsx", "csv"])
def test_a_mapping_file_makes_other_headings_and_sheets_readable(
    shape: str, encoding: str, tmp_path: Path
) -> None:
    path = mapped(shape, tmp_path)
    rules = tmp_path / "mapping.toml"
    rules.write_text(MAPPING, encoding)
    assert told(Dossier.read(path))
    report = judged(path, mapping=rules)
    assert answer(report) == answer(judged(to_json(plain(), tmp_path / "plain.json")))
    assert report["invalid"] == []
    assert [name.casefold() for name in report["run"]["ignored_columns"]] == ["архив.*"]


def test_a_mapping_is_understood_in_json_too(tmp_path: Path) -> None:
    tables = {
        "Ұстаздар тізімі" if name == "teachers" else name: rows for name, rows in plain().items()
    }
    tables["Ұстаздар тізімі"] = [
        {("Кім екені" if name == "teacher_id" else name): cell for name, cell in row.items()}
        for row in tables["Ұстаздар тізімі"]
    ]
    rules = tmp_path / "mapping.toml"
    rules.write_text(MAPPING, "utf-8")
    assert verdict(judged(to_json(tables, tmp_path / "d.json"), mapping=rules)) == "eligible"


def test_a_mapped_heading_wins_over_the_meaning_it_has_elsewhere(tmp_path: Path) -> None:
    # Here «Предмет» is the mentee, and «Код» the subject.
    names = {("appointments", "mentee_id"): "Предмет", ("appointments", "subject"): "Код"}
    path = renamed("xlsx", plain(), names, tmp_path)
    rules = tmp_path / "mapping.toml"
    rules.write_text(
        '[columns.appointments]\n"Предмет" = "mentee_id"\n"Код" = "subject"\n', "utf-8"
    )
    dossier = Dossier.read(path, mapping=rules)
    (appointment,) = dossier.appointments
    assert (appointment.mentee_id, appointment.subject) == ("N1", "physics")


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ('[tables]\n"Лист1" = "teacher"', "mapping_table", ["teacher", "teachers"]),
        ('[tables]\n"Лист1" = "педагоги"', "mapping_table", ["педагоги"]),
        ('[columns.teacher]\n"Код" = "teacher_id"', "mapping_table", ["teacher", "teachers"]),
        ('[columns.quality]\n"Сколько" = "percents"', "mapping_column", ["percents", "percent"]),
        ('[columns.quality]\n"Сколько" = "category"', "mapping_column", ["quality", "category"]),
        ('[table]\n"Лист1" = "teachers"', "mapping_part", ["table", "tables", "columns"]),
        ('[tables\n"Лист1" = "teachers"', "not_a_mapping", ["mentor-rules mapping"]),
        ('tables = "teachers"', "not_a_mapping", ["mentor-rules mapping"]),
        ("[columns]\nteachers = 5", "not_a_mapping", ["mentor-rules mapping"]),
        ('columns = ["teachers"]', "not_a_mapping", ["mentor-rules mapping"]),
    ],
)
def test_a_mapping_file_that_is_wrong_is_told_with_what_is_right(
    content: str, code: str, said: list[str], tmp_path: Path
) -> None:
    rules = tmp_path / "mapping.toml"
    rules.write_text(content, "utf-8")
    with pytest.raises(UsageError) as error:
        Dossier.read(to_json(plain(), tmp_path / "d.json"), mapping=rules)
    assert error.value.code == code
    for language in ("en", "ru", "kk"):
        message = error.value.say(language)
        assert "mapping.toml" in message
        assert all(part in message for part in said), message


def test_a_mapping_file_that_is_not_there_or_no_text_is_wrong_usage(tmp_path: Path) -> None:
    path = to_json(plain(), tmp_path / "d.json")
    (tmp_path / "old.toml").write_bytes('[tables]\n"Лист1" = "teachers"'.encode("cp1251"))
    for name in ("nowhere.toml", "old.toml"):
        with pytest.raises(UsageError) as error:
            Dossier.read(path, mapping=tmp_path / name)
        assert error.value.code == "not_a_mapping"


def test_a_mapping_that_names_a_table_twice_is_told(tmp_path: Path) -> None:
    rules = tmp_path / "mapping.toml"
    rules.write_text('[tables]\n"Лист1" = "teachers"\n', "utf-8")
    book: Callable[[Tables, Path], Path] = to_xlsx
    path = book(plain() | {"Лист1": [{"Код": "T1"}]}, tmp_path / "d.xlsx")
    with pytest.raises(ReadingError) as error:
        Dossier.read(path, mapping=rules)
    assert error.value.code == "table_twice"
