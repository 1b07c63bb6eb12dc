"""Names and IINs: never needed for a verdict, never in an output unless asked for."""

import html
import inspect
import json
import shutil
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from pydantic import ValidationError

from mentor_rules import Dossier, School, Teacher, check, check_candidate, cli
from mentor_rules.audit import audit
from mentor_rules.calendar import SchoolCalendar
from mentor_rules.errors import MentorRulesError
from mentor_rules.loading import load_rulebook
from mentor_rules.personal import is_iin, masked, masked_path, personal
from mentor_rules.reading import read_tables
from mentor_rules.source import rules_folder
from tests import dossiers, parquet

IIN = "880215350120"
SHORT = "020304500061"  # a spreadsheet drops the zero in front
NAME = "Қыдырбекова Ұлжан"
SCRIPT = Path(sys.executable).with_name("mentor-rules")


def with_check_digit(first: str) -> str:
    """Give an IIN whose first eleven digits are given, by the published rule."""
    for weights in (range(1, 12), (*range(3, 12), 1, 2)):
        digit = sum(w * int(d) for w, d in zip(weights, first, strict=True)) % 11
        if digit < 10:
            return first + str(digit)
    raise ValueError("no check digit")


@pytest.fixture
def tables() -> dossiers.Tables:
    """Give a dossier in which the mentor's id is an IIN, and names and IINs are stated."""
    iin, short = with_check_digit(IIN[:11]), with_check_digit(SHORT[:11])
    return {
        "schools": [{"school_id": "S1", "kind": "ordinary"}],
        "teachers": [
            {"teacher_id": iin, "school_id": "S1", "name": NAME, "iin": iin, "category": "master"},
            {"teacher_id": short.lstrip("0"), "school_id": "S1", "name": NAME, "iin": short},
            {"teacher_id": "T9", "school_id": "S1", "name": NAME, "iin": "123"},
        ],
        "posts": [{"teacher_id": iin, "post": "head", "since": "soon"}],
        "quality": [
            {"teacher_id": iin, "subject": "физика", "school_year": "2025/26", "percent": 55},
            {"teacher_id": iin, "subject": "физика", "school_year": "2025/26", "percent": 65},
        ],
        "appointments": [
            {
                "appointment_id": "A1",
                "school_id": "S1",
                "mentor_id": iin,
                "mentee_id": short.lstrip("0"),
                "ordered_on": "2026-09-01",
            },
            {
                "appointment_id": "A2",
                "school_id": "S1",
                "mentor_id": iin,
                "mentee_id": iin,
                "ordered_on": "soon",
            },
        ],
    }


def test_pseudonyms_are_kept_by_a_key_and_unlike_without_it(
    tables: dossiers.Tables,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "dossier.json"
    path.write_text(json.dumps(tables, ensure_ascii=False), encoding="utf-8")
    asked = ["check", str(path), *DAY, "--format", "json"]

    def mentors(text: str) -> set[str]:
        return {result["mentor_id"] for result in json.loads(text)["results"]}

    def with_key(key: str) -> set[str]:
        monkeypatch.setenv("MENTOR_RULES_KEY", key)
        return mentors(run(asked, capfd)[1])

    def without_key() -> set[str]:
        monkeypatch.delenv("MENTOR_RULES_KEY", raising=False)
        done = subprocess.run([SCRIPT, *asked], capture_output=True, encoding="utf-8", check=False)
        return mentors(done.stdout)

    assert with_key("one") == with_key("one")
    found = [with_key("one"), with_key("two"), without_key(), without_key()]
    assert [len(mentor) for mentor in found] == [1] * 4  # the same in both appointments
    assert len(set().union(*found)) == 4


def test_a_pseudonym_changes_no_verdict(tables: dossiers.Tables) -> None:
    hidden = check(Dossier.from_tables(tables), as_of=date(2026, 11, 23))
    shown = check(Dossier.from_tables(tables, show_ids=True), as_of=date(2026, 11, 23))
    assert hidden.summary == shown.summary
    assert [result.eligibility for result in hidden.results] == [
        result.eligibility for result in shown.results
    ]


def test_a_caller_can_tell_whose_pseudonym_it_is() -> None:
    iin = with_check_digit(IIN[:11])
    teacher = Teacher(teacher_id=iin, school_id="S1", category="master")
    assert teacher.key == (iin,)
    dossier = Dossier(teachers=[teacher])
    assert dossier.pseudonyms[iin].startswith("iin-")
    answer = check_candidate(teacher, School(school_id="S1"), on=date(2026, 9, 1), posts=[])
    assert answer.teacher_id == dossier.pseudonyms[iin]
    outcomes = {finding.rule: finding.outcome for finding in answer.findings}
    assert outcomes["eligibility/qualification_category"] == "satisfied"
    assert iin not in answer.model_dump_json()


def test_reprs_and_errors_never_show_a_name_or_an_iin() -> None:
    iin = with_check_digit(IIN[:11])
    teacher = Teacher(teacher_id="T1", school_id="S1", name=NAME, iin=iin)
    assert NAME not in repr(teacher)
    assert iin not in repr(teacher)
    assert NAME not in repr(Dossier(teachers=[teacher]))
    with pytest.raises(ValueError, match="not an iin") as refused:
        Teacher(teacher_id="T1", school_id="S1", name=NAME, iin=iin[::-1])
    assert NAME not in str(refused.value)
    assert iin[::-1] not in str(refused.value)


# Everything that comes out ------------------------------------------------------------------

PERSON = "Қыдырбекова Ұлжан"  # an id, and the name of a sheet and of a folder
MENTEE = "Иванова Анна Петровна"
OTHER = "Тоқтарғали Ғабит"  # in columns that are of something else
BODIES = ("88021535012", "02030450006", "91123140077", "75060630033", "66010240011")
NUMBERS = tuple(map(with_check_digit, BODIES))
MENTOR, SHORTENED, APPOINTED, STRAY, FLAGGED = NUMBERS
SOUGHT = (
    *(word for name in (PERSON, MENTEE, OTHER, NAME) for word in name.split()),
    *NUMBERS,
    SHORTENED.lstrip("0"),
    f"{STRAY[:6]} {STRAY[6:]}",
)
DAY = ("--as-of", "2026-11-23")
# How each command is called on the planted dossier, and with what it is told apart from others.
KEY = "a key"
TRIED: Mapping[str, Sequence[str]] = {
    "check": ("{book}", *DAY, "--changes"),
    "candidate": ("{book}", "--teacher", MENTOR, "--on", "2026-09-01"),
    "deadlines": ("{book}", *DAY),
    "reserve": ("{book}", *DAY),
    "audit": ("{parquet}", *DAY, "--explain", "9", "--by", "region"),
    "mapping": ("{book}",),
    "replay": ("{result}", "{book}"),
    "rules diff": ("{rules}", "--dossier", "{book}", *DAY),
}
WITHOUT_A_DOSSIER = frozenset(
    {"template", "schema", "requirements"}
    | {f"rules {name}" for name in ("list", "show", "test", "verify", "docs")}
)
COMMANDS = {
    f"{prefix}{command.name}": command.callback
    for prefix, group in (("", cli.app), ("rules ", cli.rules_app))
    for command in group.registered_commands
}


def formats(command: str) -> list[str | None]:
    """The formats that a command has, as its own function says."""
    kind = inspect.signature(COMMANDS[command]).parameters.get("format_")  # type: ignore[arg-type]  # each has one
    return [str(one) for one in type(kind.default)] if kind else [None]


OUTPUTS = [(command, form) for command in TRIED for form in formats(command)]


def planted() -> dossiers.Tables:
    """A dossier with a person in every place where one can stand."""
    year = {"subject": "физика", "school_year": "2025/26"}
    return {
        "schools": [
            {"school_id": "S1", "kind": "ordinary", "name": f"мектеп {STRAY}", "region": STRAY},
            {"school_id": "S2", "week": OTHER},
        ],
        "teachers": [
            {"teacher_id": MENTOR, "school_id": "S1", "name": NAME, "iin": MENTOR}
            | {"category": "master", "ethics_document": f"{STRAY[:6]} {STRAY[6:]}"},
            {"teacher_id": PERSON, "school_id": "S1", "name": PERSON, "category": "expert"},
            {"teacher_id": SHORTENED.lstrip("0"), "school_id": "S1", "name": MENTEE}
            | {"first_taught_on": "2026-09-01"},
            {"teacher_id": MENTEE, "school_id": "S1", "first_taught_on": "2026-08-15"},
            {"teacher_id": "T9", "school_id": "S1", "iin": STRAY[::-1], "category": OTHER},
            {"teacher_id": "T7", "school_id": "S1", "category": "expert"},
            {"teacher_id": "T8", "school_id": STRAY, "subjects": f"{STRAY}; тарих"},
        ],
        "categories": [{"teacher_id": PERSON, "category": OTHER, "from": STRAY}],
        "posts": [
            {"teacher_id": MENTOR, "post": "head", "since": OTHER},
            {"teacher_id": PERSON, "post": "deputy_head", "portfolio": STRAY},
        ],
        "quality": [
            {"teacher_id": PERSON, **year, "percent": 55, "заметка": OTHER},
            {"teacher_id": PERSON, **year, "percent": 65},
            {"teacher_id": MENTOR, **year, "percent": OTHER},
            {"teacher_id": MENTOR, **year, "school_year": STRAY},
            {"teacher_id": MENTOR, **year, "subject": STRAY, "percent": 70},
        ],
        "appointments": [
            {"appointment_id": APPOINTED, "school_id": "S1", "mentor_id": PERSON}
            | {"mentee_id": SHORTENED.lstrip("0"), "ordered_on": "2026-09-01", "order_no": STRAY},
            {"appointment_id": FLAGGED, "school_id": "S1", "mentor_id": "T7"}
            | {"mentee_id": SHORTENED.lstrip("0"), "ordered_on": "2026-09-01"},
            {"appointment_id": MENTEE, "school_id": "S1", "mentor_id": MENTOR}
            | {"mentee_id": MENTEE, "ordered_on": "2026-09-01", "subject": STRAY},
            {"appointment_id": "A3", "school_id": "S1", "mentor_id": MENTOR}
            | {"mentee_id": MENTEE, "ordered_on": OTHER},
            {"appointment_id": "A4", "school_id": "S1", "mentor_id": "T1"}
            | {"mentee_id": STRAY, "ordered_on": "2026-09-01"},
        ],
        "plans": [{"appointment_id": APPOINTED, "approved_by": OTHER, "recorded_until": STRAY}],
        "reserve": [
            {"school_id": "S1", "teacher_id": PERSON, "protocol_no": f"№ {STRAY}"},
            {"school_id": "S1", "teacher_id": MENTOR, "formed_on": OTHER},
        ],
    }


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The planted dossier as a workbook and as Parquet, in a folder named after a person."""
    folder = tmp_path_factory.mktemp("planted") / PERSON
    (folder / "parquet").mkdir(parents=True)
    book = dossiers.workbook(planted() | {PERSON: [{"Кто": OTHER, STRAY: MENTEE}]})
    book["teachers"].cell(1, 30, STRAY)
    book.save(folder / f"{MENTOR}.xlsx")
    tables = planted()
    for row in tables["teachers"]:
        row[STRAY] = OTHER
    parquet.write_texts(tables, folder / "parquet")
    rules = shutil.copytree(rules_folder() / "order_160", folder / "rules")
    floor = rules / "eligibility" / "quality_of_knowledge.toml"
    floor.write_text(floor.read_text("utf-8").replace("6000", "6500"), "utf-8")
    made = {"book": folder / f"{MENTOR}.xlsx", "parquet": folder / "parquet", "rules": rules}
    dossier = Dossier.read(made["book"], key=KEY.encode())
    report = check(dossier, as_of=date(2026, 11, 23)).to_json()
    edited = report.replace(f'"mentor_id":"{dossier.shown(PERSON)}"', '"mentor_id":"T0"', 1)
    assert edited != report
    made["result"] = folder / f"{PERSON}.json"
    made["result"].write_text(edited, "utf-8")
    return made


def run(arguments: Sequence[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Give exit code and all that is printed."""
    capfd.readouterr()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["mentor-rules", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
    code = stopped.value.code
    return code if isinstance(code, int) else 0, "".join(capfd.readouterr())


def written(
    command: str, form: str | None, places: Mapping[str, Path], out: Path, *more: str
) -> list[str]:
    arguments = [part.format_map(places) for part in TRIED[command]]
    chosen = [] if form is None else ["--format", form]
    return [*command.split(), *arguments, *chosen, "--out", str(out), *more]


def texts(path: Path) -> Iterator[str]:
    """All that can be read of a file: members of containers, cells and footers of Parquet."""
    yield path.name
    content = path.read_bytes()
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as container:
            yield from (f"{name} {container.read(name).decode()}" for name in container.namelist())
    elif path.suffix == ".parquet":
        yield repr(pl.read_parquet(path).rows())
        yield content.decode("utf-8", "replace")
    else:
        yield html.unescape(content.decode().replace("\r\n ", ""))


def own_texts(path: Path) -> Iterator[str]:
    """What is not the user's in an annotated workbook: other sheets, and columns of ours."""
    yours = {*planted(), PERSON}
    for sheet in load_workbook(path).worksheets:
        if sheet.title not in yours:
            yield sheet.title
        for column in sheet.iter_cols(values_only=True):
            if sheet.title not in yours or any(str(cell).startswith("x_mr_") for cell in column):
                yield repr(column)
    with zipfile.ZipFile(path) as container:
        for name in container.namelist():
            if not name.startswith(("xl/worksheets/", "xl/sharedStrings", "xl/workbook.xml")):
                yield f"{name} {container.read(name).decode()}"


def found(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in SOUGHT if word in text}


def test_every_command_is_tried_with_the_planted_dossier() -> None:
    assert set(TRIED) | WITHOUT_A_DOSSIER == set(COMMANDS)
    assert not set(TRIED) & WITHOUT_A_DOSSIER
    for command in WITHOUT_A_DOSSIER:
        names = inspect.signature(COMMANDS[command]).parameters  # type: ignore[arg-type]  # each has one
        assert not {"dossier", "folder"} & set(names), command


@pytest.mark.parametrize(("command", "form"), OUTPUTS)
def test_no_output_names_a_person(
    command: str,
    form: str | None,
    places: Mapping[str, Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MENTOR_RULES_KEY", KEY)
    out = tmp_path / ("out.xlsx" if form == "xlsx" else "out")
    language = {"table": ["--lang", "kk"], "html": ["--lang", "ru"]}.get(str(form), [])
    code, printed = run(written(command, form, places, out, *language), capfd)
    assert code in (0, 1, 3), printed
    assert not found([printed])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        if command == "mapping":  # headings and titles, as the user's own file has them
            assert found(texts(path)) == {*PERSON.split()}
        else:
            assert not found(own_texts(path) if form == "xlsx" else texts(path)), path
    names = {path.relative_to(tmp_path).parts[0] for path in files}
    assert names == {out.name}  # nothing unfinished stays
    assert "unfinished" not in {path.name for path in out.parent.rglob("*")}


def test_the_search_finds_what_is_asked_for(
    places: Mapping[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for form, name in (("json", "out"), ("html", "out.html"), ("csv", "out.csv")):
        out = tmp_path / name
        run(written("check", form, places, out, "--show-ids"), capfd)
        assert {MENTOR, *PERSON.split(), APPOINTED} <= found(texts(out)), form
    run(written("check", "html", places, out, "--names", "--force"), capfd)
    assert {*NAME.split(), *PERSON.split()} <= found(texts(out))
    assert MENTOR not in found(texts(out))
    run(written("audit", None, places, tmp_path / "audit", "--show-ids"), capfd)
    results = (tmp_path / "audit" / "results").iterdir()
    assert {MENTOR, *PERSON.split(), APPOINTED} <= set().union(*map(found, map(texts, results)))


def test_an_annotated_copy_keeps_what_the_user_wrote(
    places: Mapping[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.xlsx"
    run(written("check", "xlsx", places, out), capfd)
    before, after = load_workbook(places["book"]), load_workbook(out)
    for sheet in before.worksheets:
        for line in sheet.iter_rows():
            for cell in line:
                assert after[sheet.title][cell.coordinate].value == cell.value


def test_an_explained_finding_of_an_audit_is_there_under_its_pseudonym(
    places: Mapping[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(written("audit", None, places, tmp_path / "out"), capfd)
    lines = (tmp_path / "out" / "findings.jsonl").read_text("utf-8").splitlines()
    explained = {json.loads(line)["appointment_id"] for line in lines}
    flagged = pl.read_parquet(tmp_path / "out" / "results").filter(
        (pl.col("eligibility") == "ineligible") | (pl.col("procedure") == "breached")
    )
    assert explained == set(flagged["appointment_id"])
    assert any(one.startswith("iin-") for one in explained)


TROUBLE: Sequence[tuple[str, Sequence[str]]] = (
    ("gone", ("check", "{folder}/gone.xlsx")),
    ("old.xls", ("check", "{folder}/old.xls")),
    ("bad.xlsx", ("check", "{folder}/bad.xlsx")),
    ("bad.json", ("check", "{folder}/bad.json")),
    ("cells.xlsx", ("check", "{folder}/cells.xlsx")),
    ("nul", ("check", "{folder}/nul")),
    ("empty", ("check", "{folder}")),
    ("mapping", ("check", "{book}", "--mapping", "{folder}/bad.json")),
    ("calendar", ("check", "{book}", "--calendar", "{folder}/bad.json")),
    ("calendar folder", ("check", "{book}", "--calendar", "{folder}")),
    ("day", ("check", "{book}", "--as-of", PERSON)),
    ("question", ("check", "{book}", "--reading", f"{PERSON}=x")),
    ("readings", ("check", "{book}", "--readings", "{folder}/bad.json")),
    ("exists", ("check", "{book}", "--out", "{folder}/bad.json")),
    ("no folder", ("check", "{book}", "--out", "{folder}/gone/out.json")),
    ("candidate", ("candidate", "{book}", "--teacher", OTHER)),
    ("candidate", ("candidate", "{book}", "--teacher", STRAY)),
    ("audit", ("audit", "{folder}", "--out", "{folder}/out")),
    ("rules", ("rules", "test", "--rules", "{folder}")),
)


@pytest.mark.parametrize("language", ["en", "kk", "ru"])
def test_no_refusal_names_a_person(
    language: str, places: Mapping[str, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / PERSON / MENTOR
    (folder / "nul").mkdir(parents=True)
    for name in ("old.xls", "bad.xlsx", "bad.json", f"nul/{PERSON}.csv"):
        (folder / name).write_text(f'{{"{OTHER}": \x00 {STRAY}}}', "utf-8")
    with (
        zipfile.ZipFile(places["book"]) as good,
        zipfile.ZipFile(folder / "cells.xlsx", "w") as bad,
    ):
        for name in good.namelist():
            content = good.read(name).decode()
            bad.writestr(name, content.replace("<v>5", f"<v>{OTHER}"))
    for told, arguments in TROUBLE:
        filled = [part.format(folder=folder, **places) for part in arguments]
        code, printed = run([*filled, "--lang", language], capfd)
        assert code in (2, 3, 4), told
        assert printed.startswith("mentor-rules: "), told
        assert not found([printed]), told


def test_no_traceback_of_an_error_of_ours_names_a_person(
    places: Mapping[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / PERSON
    folder.mkdir()
    for name in ("bad.xlsx", "bad.json", f"{MENTOR}.csv"):
        (folder / name).write_text(f"{OTHER} \x00 {STRAY}", "utf-8")
    (folder / "teachers.parquet").write_text(OTHER, "utf-8")
    calls: Sequence[Callable[[], object]] = (
        lambda: Dossier.read(folder / "gone"),
        lambda: Dossier.read(folder / "bad.xlsx"),
        lambda: Dossier.read(folder / "bad.json"),
        lambda: Dossier.read(folder),
        lambda: Dossier.read(places["book"], mapping=folder / "bad.json"),
        lambda: SchoolCalendar.load(folder / "bad.json"),
        lambda: load_rulebook(folder),
        lambda: audit(folder, tmp_path / "out", as_of=date(2026, 11, 23)),
    )
    for number, call in enumerate(calls):
        with pytest.raises(MentorRulesError) as refused:
            call()
        lines = traceback.format_exception(refused.value)
        # Lines of code of this very test name nobody.
        assert not found([*lines, repr(refused.value), str(refused.value)]), number


def test_no_repr_names_a_person(places: Mapping[str, Path]) -> None:
    tables = read_tables(places["book"])
    dossier = Dossier.read(places["book"])
    report = check(dossier, as_of=date(2026, 11, 23))
    shown = [repr(one) for records in tables.records.values() for one in records]
    assert len(shown) > 10
    shown += [repr(one) for one in (*tables.invalid, *dossier.invalid, dossier, report)]
    shown += [str(one) for one in report.results]
    shown += [repr(dossier.teacher(dossier.shown(PERSON))), repr(dossier.appointments)]
    assert not found(shown)
    record = tables.records["teachers"][0]
    for change in (lambda: setattr(record, "name", OTHER), lambda: Teacher(name=OTHER)):  # type: ignore[call-arg]  # that is the fault
        with pytest.raises(ValidationError) as refused:
            change()
        assert not found([*traceback.format_exception(refused.value)[1:], repr(refused.value)])


@given(st.dates(date(1800, 1, 1), date(2099, 12, 31)), st.integers(0, 9999), st.sampled_from("mf"))
def test_an_iin_of_any_day_is_known_and_hidden_in_any_text(
    born: date, number: int, sex: str
) -> None:
    century = 1 + 2 * (born.year // 100 - 18) + (sex == "f")
    body = f"{born:%y%m%d}{century}{number:04}"
    try:
        whole = with_check_digit(body)
    except ValueError:
        assert not any(is_iin(f"{body}{digit}") for digit in range(10))
        return
    assert [digit for digit in range(10) if is_iin(f"{body}{digit}")] == [int(whole[-1])]
    assert personal(whole) == "iin"
    assert personal(whole.lstrip("0")) == ("iin" if len(whole.lstrip("0")) > 8 else None)
    assert masked(f"№{whole}, {whole[:6]}-{whole[6:]}.") == "№…, …."
    assert masked(f"{whole}0") == f"{whole}0"  # a longer number is another


def test_what_reads_like_a_name_is_told_from_a_code() -> None:
    for name in (PERSON, MENTEE, "Иванова А. П.", "А.П. Иванова", "ИВАНОВА АННА"):
        assert personal(name) == "name", name
    for name in ("Ivanova Anna", "Әл-Фараби Нұр", "О'Коннор Анна"):
        assert personal(name) == "name", name
    for code in (
        "T1",
        "S01",
        "1000",
        "Ө1",
        "математика",
        "teacher one",
        "A B",
        "Мұғалім 7",
        "Ұлжан",
        "",
    ):
        assert personal(code) is None, code


def test_paths_and_titles_lose_their_persons_only() -> None:
    assert masked_path(f"/дела/{PERSON}/teachers.csv") == "/дела/…/teachers.csv"
    assert masked_path(f"{MENTEE}.xlsx") == "….xlsx"
    assert masked_path(f"отчёт {MENTOR}.json") == "отчёт ….json"
    for path in ("/tmp/dossier.xlsx", "Лист1", "Кадры", "учителя школы.csv", "T1"):  # noqa: S108 - named only
        assert masked_path(path) == path
