"""Files as schools hand them in (`fixtures/messy/`): read right, or told how to mend them."""

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from openpyxl import load_workbook
from openpyxl.chart import BarChart

from mentor_rules import Dossier, ReadingError, check
from mentor_rules.cli import main
from mentor_rules.vocabulary import Language
from tests.dossiers import AS_OF, judged, plain, to_csv, to_xlsx, workbook

MESSY = Path(__file__).parent / "fixtures" / "messy"
MEANT = ("eligible", "ineligible", "undetermined")
# What only a programmer could read.
PYTHON = re.compile(
    r"Traceback|\w+(Error|Exception|Warning)\b|\bNone\b|<class|openpyxl|pydantic|0x"
)

in_both_languages = pytest.mark.parametrize("language", ["ru", "kk"])


class Refused(NamedTuple):
    """A row that is not read: where, and the whole text."""

    table: str
    row: int
    column: str
    ru: str
    kk: str


@dataclass(frozen=True)
class Expected:
    """What a file gives: verdicts by appointment, and in each language what was done."""

    verdicts: Sequence[str] = MEANT
    ru: Sequence[str] = ()
    kk: Sequence[str] = ()
    refused: Sequence[Refused] = ()
    ignored: Sequence[str] = ()
    exit_code: int = 1
    options: dict[str, Any] = field(default_factory=dict)


FILES = {
    "01_own_sheet_names.xlsx": Expected(
        ru=[
            "лист «Лист1» принят за таблицу педагоги по заголовку",
            "лист «Лист2» принят за таблицу качество знаний по заголовку",
            "лист «Приказы 2026» принят за таблицу назначения по заголовку",
            "лист «Лист4» принят за таблицу должности по заголовку",
            "лист «Лист5» принят за таблицу школы по заголовку",
        ],
        kk=[
            "«Лист1» парағы тақырыбына қарай педагогтер кестесі деп алынды",
            "«Лист2» парағы тақырыбына қарай білім сапасы кестесі деп алынды",
            "«Приказы 2026» парағы тақырыбына қарай тағайындаулар кестесі деп алынды",
            "«Лист4» парағы тақырыбына қарай лауазымдар кестесі деп алынды",
            "«Лист5» парағы тақырыбына қарай мектептер кестесі деп алынды",
        ],
        ignored=["Свод.*", "Инструкция.*"],
    ),
    "02_title_rows.xlsx": Expected(
        ru=[
            "школы: пропущено строк над заголовком: 2",
            "педагоги: пропущено строк над заголовком: 2",
            "должности: пропущено строк над заголовком: 2",
            "качество знаний: пропущено строк над заголовком: 2",
            "качество знаний: не прочитаны ячейки без заголовка над ними, строк: 1",
            "назначения: пропущено строк над заголовком: 2",
        ],
        kk=[
            "мектептер: тақырыптан жоғары 2 жол өткізіп жіберілді",
            "педагогтер: тақырыптан жоғары 2 жол өткізіп жіберілді",
            "лауазымдар: тақырыптан жоғары 2 жол өткізіп жіберілді",
            "білім сапасы: тақырыптан жоғары 2 жол өткізіп жіберілді",
            "білім сапасы: 1 жолда үстінде тақырыбы жоқ ұяшықтар оқылмады",
            "тағайындаулар: тақырыптан жоғары 2 жол өткізіп жіберілді",
        ],
    ),
    "03_russian_dates.xlsx": Expected(
        verdicts=("eligible", "ineligible", "not_judged"),
        refused=[
            Refused(
                "appointments",
                4,
                "ordered_on",
                "это не дата, которую можно прочесть; запишите как 2026-09-01 или 01.09.2026",
                "бұл оқуға болатын күн емес; 2026-09-01 немесе 01.09.2026 түрінде жазыңыз",
            )
        ],
    ),
    "04_percent_signs.xlsx": Expected(
        refused=[
            Refused(
                "quality",
                9,
                "percent",
                "это может быть доля (0,72 = 72 %) или процент (0,72 %); запишите 72, а если "
                "это процент — 0,72%; --percent-as fraction читает весь столбец как доли",
                "бұл үлес (0,72 = 72 %) немесе пайыз (0,72 %) болуы мүмкін; 72 деп жазыңыз, ал "
                "пайыз болса 0,72% деп жазыңыз; --percent-as fraction бүкіл бағанды үлес "
                "ретінде оқиды",
            )
        ],
    ),
    "05_totals.xlsx": Expected(
        ru=[
            "педагоги: не учтено итоговых строк: 1",
            "качество знаний: не учтено итоговых строк: 2",
            "назначения: не учтено итоговых строк: 1",
        ],
        kk=[
            "педагогтер: 1 қорытынды жол есепке алынбады",
            "білім сапасы: 2 қорытынды жол есепке алынбады",
            "тағайындаулар: 1 қорытынды жол есепке алынбады",
        ],
    ),
    "06_ids_as_numbers.xlsx": Expected(
        ru=[
            "должности, код педагога: сопоставлено идентификаторов, потерявших начальные нули: 2",
            "качество знаний, код педагога: сопоставлено идентификаторов, потерявших начальные нули: 9",
            "назначения, код наставника: сопоставлено идентификаторов, потерявших начальные нули: 2",
            "назначения, код наставника: идентификаторов, которые отличаются от известных лишь "
            "начальными нулями: 1; они не сопоставлены, потому что неясно, какие имеются в виду; "
            "запишите их полностью",
            "назначения, код начинающего педагога: сопоставлено идентификаторов, потерявших начальные нули: 3",
        ],
        kk=[
            "лауазымдар, педагог коды: алдындағы нөлдері жоғалған 2 идентификатор сәйкестендірілді",
            "білім сапасы, педагог коды: алдындағы нөлдері жоғалған 9 идентификатор сәйкестендірілді",
            "тағайындаулар, тәлімгер коды: алдындағы нөлдері жоғалған 2 идентификатор сәйкестендірілді",
            "тағайындаулар, тәлімгер коды: 1 идентификатордың белгілілерден айырмасы алдындағы нөлдерде "
            "ғана, қайсысы екені анық емес, сондықтан сәйкестендірілмеді; толық жазыңыз",
            "тағайындаулар, жас педагог коды: алдындағы нөлдері жоғалған 3 идентификатор сәйкестендірілді",
        ],
        refused=[
            Refused(
                "appointments",
                4,
                "mentor_id",
                "в таблице педагоги нет строки с таким идентификатором; добавьте эту строку или "
                "исправьте идентификатор",
                "педагогтер кестесінде мұндай идентификаторы бар жол жоқ; сол жолды қосыңыз немесе "
                "идентификаторды түзетіңіз",
            )
        ],
    ),
    "07_cp1251": Expected(
        ru=[
            "Должности.csv: столбцы разделены знаком «;»",
            "Качество знаний.csv: столбцы разделены знаком «;»",
            "Назначения.csv: столбцы разделены знаком «;»",
            "Педагоги.csv: столбцы разделены знаком «;»",
            "Школы.csv: столбцы разделены знаком «;»",
        ],
        kk=[
            "Должности.csv: бағандар «;» таңбасымен бөлінген",
            "Качество знаний.csv: бағандар «;» таңбасымен бөлінген",
            "Назначения.csv: бағандар «;» таңбасымен бөлінген",
            "Педагоги.csv: бағандар «;» таңбасымен бөлінген",
            "Школы.csv: бағандар «;» таңбасымен бөлінген",
        ],
        options={"encoding": "cp1251"},
    ),
    "10_formulas_in_kazakh.xlsx": Expected(),
    "11_formulas_without_results.xlsx": Expected(
        verdicts=("undetermined", "not_judged", "undetermined"),
        refused=[
            Refused(
                table,
                row,
                column,
                "в ячейке формула, результат которой не сохранён; откройте книгу в табличной "
                "программе, сохраните и повторите",
                "ұяшықта нәтижесі сақталмаған формула тұр; кітапты кестелік бағдарламада ашып, "
                "сақтап, қайта көріңіз",
            )
            for table, row, column in (("quality", 4, "percent"), ("appointments", 3, "ordered_on"))
        ],
        exit_code=3,
    ),
    "12_look_alike_letters.xlsx": Expected(
        ru=[
            "педагоги: прочитано заголовков с похожими буквами другого алфавита: 1",
            "педагоги, квалификационная категория: прочитано значений с похожими буквами другого алфавита: 2",
            "назначения: прочитано заголовков с похожими буквами другого алфавита: 1",
        ],
        kk=[
            "педагогтер: басқа әліпбидің ұқсас әріптері бар 1 тақырып оқылды",
            "педагогтер, біліктілік санаты: басқа әліпбидің ұқсас әріптері бар 2 мән оқылды",
            "тағайындаулар: басқа әліпбидің ұқсас әріптері бар 1 тақырып оқылды",
        ],
    ),
}

UNREADABLE: dict[str, tuple[str, str]] = {
    "07_cp1251": (
        "Должности.csv не в кодировке UTF-8. Укажите кодировку, например --encoding cp1251.",
        "Должности.csv UTF-8 кодтауында емес. Кодтауын көрсетіңіз, мысалы --encoding cp1251.",
    ),
    "08_old_workbook.xls": (
        "08_old_workbook.xls — книга старого формата. Откройте её и сохраните как .xlsx.",
        "08_old_workbook.xls – ескі түрдегі кітап. Оны ашып, .xlsx түрінде сақтаңыз.",
    ),
    "09_photo.xlsx": (
        "09_photo.xlsx — не читаемая книга: повреждена, зашифрована или это другой файл. "
        "Сохраните её заново как .xlsx без пароля.",
        "09_photo.xlsx оқылатын кітап емес: бүлінген, шифрланған немесе басқа түрдегі файл. "
        "Оны құпиясөзсіз .xlsx түрінде қайта сақтаңыз.",
    ),
}


class Shell(NamedTuple):
    """What a user sees of a run."""

    code: int
    out: str
    err: str


Run = Callable[..., Shell]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command line, in this process: twenty starts of Python would cost as many seconds."""

    def start(*arguments: object) -> Shell:
        monkeypatch.setattr(sys, "argv", ["mentor-rules", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        shown = capsys.readouterr()
        assert not PYTHON.search(shown.out + shown.err)
        return Shell(int(left.value.code or 0), shown.out, shown.err)

    return start


def in_language(expected: Expected | Refused, language: str) -> Any:
    return expected.kk if language == "kk" else expected.ru


def test_every_messy_file_is_expected_to_be_something() -> None:
    assert {path.name for path in MESSY.iterdir()} == set(FILES) | set(UNREADABLE)
    assert all(path.stat().st_size < 60_000 for path in MESSY.rglob("*") if path.is_file())


@in_both_languages
@pytest.mark.parametrize("name", FILES)
def test_a_messy_file_is_read_as_it_is_meant_and_says_what_was_done(
    name: str, language: Language
) -> None:
    expected = FILES[name]
    dossier = Dossier.read(MESSY / name, **expected.options)
    report = check(dossier, as_of=AS_OF, language=language)
    assert tuple(result.eligibility for result in report.results) == tuple(expected.verdicts)
    assert list(report.run.notes) == list(in_language(expected, language))
    assert list(report.run.ignored_columns) == list(expected.ignored)
    told = [
        (entry.table, entry.row, entry.column, f"{entry.problem}; {entry.remedy}")
        for entry in report.invalid
    ]
    assert told == [(*row[:3], in_language(row, language)) for row in expected.refused]
    assert not PYTHON.search(report.to_json().replace("null", ""))


@in_both_languages
@pytest.mark.parametrize("name", FILES)
def test_the_command_line_tells_of_a_messy_file_where_what_and_what_to_do(
    name: str, language: str, run: Run
) -> None:
    expected = FILES[name]
    options = [f"--{option}={value}" for option, value in expected.options.items()]
    done = run("check", MESSY / name, "--as-of", "2026-11-23", "--lang", language, *options)
    assert (done.code, done.err) == (expected.exit_code, "")
    for text in (*in_language(expected, language), *expected.ignored):
        assert text in done.out
    for row in expected.refused:
        place = f"{row.row}-жол" if language == "kk" else f"строка {row.row}"
        (line,) = [line for line in done.out.splitlines() if f" {place}, " in line]
        assert line.endswith(f": {in_language(row, language)}")


@in_both_languages
@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_is_refused_in_one_sentence_with_the_remedy(
    name: str, language: Language, run: Run
) -> None:
    with pytest.raises(ReadingError) as error:
        Dossier.read(MESSY / name)
    message = UNREADABLE[name][language == "kk"]
    assert error.value.say(language) == message
    done = run("check", MESSY / name, "--lang", language)
    assert done == (3, "", f"mentor-rules: {message}\n")


def test_the_ten_people_are_read_whole_whatever_the_mess() -> None:
    dossier = Dossier.read(MESSY / "02_title_rows.xlsx")
    assert len(dossier.names()) == 10
    assert dossier.names()["П-05"] == "Төлеңгітов Һамит Аңсарұлы"
    figures = {
        teacher: [
            row.percent for rows in dossier.quality(teacher).values() for row in rows.values()
        ]
        for teacher in ("П-01", "П-03")
    }
    assert [str(figure) for figure in figures["П-01"]] == ["78", "81.5", "80"]
    assert [str(figure) for figure in figures["П-03"]] == ["72.5", "None", "74"]


def test_figures_with_and_without_signs_are_one_figure() -> None:
    signs, bare = (
        Dossier.read(MESSY / name) for name in ("04_percent_signs.xlsx", "05_totals.xlsx")
    )
    for teacher, subject in (("П-01", "математика"), ("П-02", "русский язык")):
        one, other = (dossier.quality(teacher)[subject] for dossier in (signs, bare))
        assert {year: row.share for year, row in one.items()} == {
            year: row.share for year, row in other.items()
        }


def test_formulas_are_read_as_they_are_shown() -> None:
    dossier = Dossier.read(MESSY / "10_formulas_in_kazakh.xlsx")
    assert set(dossier.names()) == {f"{number:03d}" for number in range(1, 11)}
    first = dossier.appointments[0]
    assert (first.mentor_id, first.ordered_on, first.ends_on) == ("001", first.starts_on, None)
    assert set(dossier.quality("003")["физика"]) == {"2023/24", "2024/25", "2025/26"}
    assert dossier.quality("003")["физика"]["2024/25"].share is None  # ="" is empty, not missing


# More of what people do, made here -------------------------------------------------------


def test_a_chart_that_is_a_sheet_of_its_own_is_no_table(tmp_path: Path) -> None:
    book = workbook(plain())
    book.create_chartsheet("Диаграмма1", 0).add_chart(BarChart())  # type: ignore[no-untyped-call, unused-ignore]
    book.save(tmp_path / "d.xlsx")
    report = judged(tmp_path / "d.xlsx")
    assert [result["eligibility"] for result in report["results"]] == ["eligible"]


def test_an_id_that_is_shown_with_zeros_has_them(tmp_path: Path) -> None:
    tables = plain()
    tables["teachers"][0]["teacher_id"] = 7
    tables["appointments"][0]["mentor_id"] = "007"
    for row in tables["quality"]:
        row["teacher_id"] = "007"
    book = workbook(tables)
    book["teachers"].cell(2, 1).number_format = "000"
    book.save(tmp_path / "d.xlsx")
    report = judged(tmp_path / "d.xlsx")
    assert [result["eligibility"] for result in report["results"]] == ["eligible"]
    assert report["run"]["notes"] == []


@in_both_languages
def test_two_sheets_that_may_both_be_a_table_are_neither(
    language: Language, tmp_path: Path
) -> None:
    book = workbook(plain())
    book["posts"].append(["N1", "head"])
    book.copy_worksheet(book["posts"]).title = "Лист8"
    book["posts"].title = "Лист7"
    book.save(tmp_path / "d.xlsx")
    report = check(Dossier.read(tmp_path / "d.xlsx"), as_of=AS_OF, language=language)
    assert report.results[0].eligibility == "undetermined"
    (entry,) = report.invalid
    assert (entry.table, entry.row) == ("posts", None)
    assert "«Лист7», «Лист8»" in entry.problem
    assert entry.remedy.split()[0] == ("соберите" if language == "ru" else "жолдарды")


def test_a_list_with_nothing_but_ids_is_taken_for_no_table(tmp_path: Path) -> None:
    book = workbook(plain())
    duty = book.create_sheet("Дежурство")
    duty.append(["Код школы", "Код педагога", "День недели"])
    duty.append(["S1", "N1", "среда"])
    book.save(tmp_path / "d.xlsx")
    dossier = Dossier.read(tmp_path / "d.xlsx")
    assert not dossier.has("reserve")
    assert dossier.ignored_columns == ("Дежурство.*",)


def test_a_second_sheet_of_a_table_that_is_there_is_listed_and_not_read(tmp_path: Path) -> None:
    book = workbook(plain())
    book.copy_worksheet(book["posts"]).title = "Лист7"
    book.save(tmp_path / "d.xlsx")
    dossier = Dossier.read(tmp_path / "d.xlsx")
    assert dossier.ignored_columns == ("Лист7.*",)
    assert not dossier.has("reserve")


@in_both_languages
def test_a_workbook_without_any_known_table_is_refused_with_the_way_on(
    language: Language, tmp_path: Path, run: Run
) -> None:
    book = workbook({"Бюджет": [{"Статья": "мел", "Сумма": 100}]})
    book.save(tmp_path / "d.xlsx")
    done = run("check", tmp_path / "d.xlsx", "--lang", language)
    assert (done.code, done.out) == (3, "")
    assert "d.xlsx" in done.err
    assert "mentor-rules template" in done.err
    assert "mentor-rules mapping" in done.err


@in_both_languages
def test_a_file_with_kazakh_letters_of_an_old_code_page_is_told_which_one(
    language: Language, tmp_path: Path, run: Run
) -> None:
    tables = plain()
    tables["schools"][0]["name"] = "Құрманғазы атындағы мектеп"
    path = to_csv(tables, tmp_path / "d", encoding="kz1048")
    done = run("check", path, "--lang", language)
    assert done.code == 3
    assert done.err.endswith("--encoding kz1048.\n")
    # cp1251 can be decoded too, into letters of other languages: it is told.
    wrong = Dossier.read(path, encoding="windows-1251")
    (note,) = check(wrong, as_of=AS_OF, language=language).run.notes
    assert note.startswith("schools.csv: ")
    assert "--encoding kz1048" in note
    right = Dossier.read(path, encoding="kz1048")
    assert check(right, as_of=AS_OF).run.notes == ()
    assert right.school("S1").records[0].name == "Құрманғазы атындағы мектеп"


@in_both_languages
def test_an_id_in_letters_of_another_alphabet_is_not_matched_but_told_of(
    language: Language, tmp_path: Path
) -> None:
    tables = plain()
    tables["appointments"][0]["mentor_id"] = "Т1"  # Cyrillic; the teacher's is Latin
    report = check(Dossier.read(to_xlsx(tables, tmp_path / "d.xlsx")), as_of=AS_OF)
    assert report.results[0].eligibility == "undetermined"
    assert [(entry.column, entry.key) for entry in report.invalid] == [("mentor_id", "A1")]
    told = check(Dossier.read(tmp_path / "d.xlsx"), as_of=AS_OF, language=language).run.notes
    assert ["алфавита" in note or "әліпбидің" in note for note in told] == [True]


def test_zeros_lost_in_one_column_are_found_though_the_other_was_matched_first() -> None:
    tables = plain()
    names = {"T1": "001", "N1": "002"}
    for row in tables["teachers"]:
        row["teacher_id"] = names[row["teacher_id"]]
    for row in tables["quality"]:
        row["teacher_id"] = 1
    tables["appointments"][0] |= {"mentor_id": 1, "mentee_id": "2"}
    dossier = Dossier.from_tables(tables)
    assert dossier.invalid == ()
    (appointment,) = dossier.appointments
    assert (appointment.mentor_id, appointment.mentee_id) == ("001", "002")


def test_a_remark_beside_the_table_spoils_no_row_of_a_workbook(tmp_path: Path) -> None:
    path = to_xlsx(plain(), tmp_path / "d.xlsx")
    book = load_workbook(path)
    sheet = book["quality"]
    sheet.cell(3, sheet.max_column + 2, "уточнить!")
    book.save(path)
    report = judged(path)
    assert [result["eligibility"] for result in report["results"]] == ["eligible"]
    assert report["invalid"] == []
    assert report["run"]["notes"] == [
        "quality: cells without a heading above them were not read in 1 rows"
    ]
    assert "уточнить" not in json.dumps(report, ensure_ascii=False)
