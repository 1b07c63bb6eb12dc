"""The report as one page: whole, safe, the same bytes each time, and small enough."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest

from mentor_rules import Dossier, check, deadlines
from mentor_rules.calendar import SchoolCalendar
from mentor_rules.calendar_data import Week
from mentor_rules.loading import builtin_rulebook
from mentor_rules.report.html import html
from mentor_rules.reserve import reserves
from mentor_rules.result import Deadlines, Report
from mentor_rules.vocabulary import LANGUAGES, Language
from tests import generate
from tests.test_cli import DAY, DISTRICT, dossier, run
from tests.test_personal_data import IIN, with_check_digit
from tests.test_requirements import english_words

AS_OF = date(2026, 11, 23)
RULEBOOK = builtin_rulebook()
CALENDAR = SchoolCalendar.load()
KAZAKH = "әғқңөұүһі"
LIMIT = 15_000_000  # bytes of a page of 5,000 appointments
HOSTILE = "<script>alert(1)</script>'\"&<b onmouseover=x>\u202etxt"
FLOW = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"


def page_of(read: Dossier, language: Language = "en", **options: Any) -> str:
    report = check(read, as_of=AS_OF, language=language, confirm="none")
    weeks: dict[str, Week] = {
        school: 6 if found[0].week == 6 else 5
        for school in read.schools
        if (found := read.school(school).records) and found[0].week is not None
    }
    terms = deadlines(read, as_of=AS_OF, language=language)
    kept = {"calendar": CALENDAR, "deadlines": terms, "weeks": weeks, **options}
    return "".join(html(report, RULEBOOK, language, **kept))


@cache
def district(language: Language = "en") -> str:
    """The page of the example, as the command writes it."""
    done = run("check", DISTRICT, *DAY, "--format", "html", "--lang", language)
    assert (done.returncode, done.stderr) == (1, "")
    return done.stdout


@cache
def judged() -> tuple[Report, Deadlines]:
    read = Dossier.read(DISTRICT)
    return check(read, as_of=AS_OF, confirm="none"), deadlines(read, as_of=AS_OF)


def parsed(page: str) -> Element:
    """The tree of a page; a parse error by the standard is raised."""
    tree: Element = html5lib.HTMLParser(strict=True).parse(page)
    return tree


def text_of(tree: Element, *left_out: str) -> str:
    """What a reader reads, without elements of these names, and without English marked so."""
    words: list[str] = []

    def walk(one: Element) -> None:
        skipped = one.tag.rpartition("}")[2] in left_out or one.get("lang") == "en"
        if not skipped or one.tag == f"{FLOW}html":
            words.append(one.text or "")
            for child in one:
                walk(child)
        words.append(one.tail or "")

    walk(tree)
    return " ".join(words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_well_formed_and_in_its_language(language: Language) -> None:
    tree = parsed(district(language))
    assert tree.get("lang") == language
    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    links = {one.get("href") for one in tree.iter(f"{FLOW}a")}
    assert {link for link in links if link} <= {f"#{one}" for one in ids}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_asks_for_nothing_from_elsewhere(language: Language) -> None:
    page = district(language)
    tree = parsed(page)
    for one in tree.iter():
        for name in ("src", "href", "data", "action", "srcset", "poster"):
            value = one.get(name) or ""
            assert value == "" or value.startswith("#"), (one.tag, name, value)
    assert not re.search(r"url\(|@import|https?:|//[a-z]+\.", page)
    (policy,) = (
        one.get("content") or ""
        for one in tree.iter(f"{FLOW}meta")
        if one.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not [one for one in tree.iter() if one.get("style")]
    assert not [one for one in tree.iter() for name in one.attrib if str(name).startswith("on")]


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_no_english_is_left_in_a_page_of_another_language(language: Language) -> None:
    text = text_of(parsed(district(language)), "script", "style", "code")
    records = r"deputy_head|head|check --changes|reserve"
    assert english_words(re.sub(records, "", text), RULEBOOK) == set()


@pytest.mark.parametrize("language", ["kk", "ru"])
def test_no_english_is_left_in_a_large_page_either(
    language: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mentor_rules.report.html.LARGE", 0)
    page = page_of(Dossier.read(DISTRICT), language)
    text = text_of(parsed(page), "script", "style", "code")
    assert (
        english_words(re.sub(r"deputy_head|head|check --changes|reserve", "", text), RULEBOOK)
        == set()
    )
    report, _ = judged()
    assert {one.appointment_id for one in report.results} <= set(re.findall(r"A\d{3}", text))


def test_every_appointment_verdict_and_remedy_stands_in_the_page() -> None:
    report, _ = judged()
    text = re.sub(r"\s+", " ", text_of(parsed(district()), "script", "style"))
    for result in report.results:
        assert result.appointment_id in text
        for finding in result.findings:
            if finding.outcome in ("breached", "disputed"):
                assert finding.message in text
                assert finding.remedy is None or finding.remedy in text
    for entry in report.invalid:
        assert entry.problem in text


def test_the_first_page_says_what_to_do_by_when() -> None:
    page = district()
    text = re.sub(r"\s+", " ", text_of(parsed(page), "script", "style"))
    text = text[text.index("Acts overdue") :]
    places = [
        text.index(words)
        for words in (
            "Acts overdue",
            "2026-09-11",
            "Flagged: 22 of 40 appointments",
            "Open questions of the norm",
            "Missing documents",
            "At a glance",
            "Every appointment",
        )
    ]
    assert places == sorted(places)
    _, terms = judged()
    for row in terms.deadlines:
        if row.state == "overdue":
            assert f"overdue by {row.days_late} days" in text


# Hostile input ------------------------------------------------------------------------------


def hostile() -> dict[str, list[dict[str, Any]]]:
    """A dossier with a script in every place that a text of the user can reach."""
    mentor, mentee, school = (f"{letter}{HOSTILE}" for letter in "TNS")
    return {
        "schools": [{"school_id": school, "kind": "ordinary", "district": HOSTILE}],
        "teachers": [
            {"teacher_id": mentor, "school_id": school, "name": HOSTILE, "category": "master"},
            {"teacher_id": mentee, "school_id": school, "name": HOSTILE, "category": HOSTILE},
        ],
        "posts": [{"teacher_id": mentor, "post": HOSTILE}],
        "quality": [
            {"teacher_id": mentor, "subject": HOSTILE, "school_year": "2025/26", "percent": 55}
        ],
        "reserve": [{"school_id": school, "teacher_id": mentor, "protocol_no": HOSTILE}],
        "appointments": [
            {
                "appointment_id": f"{HOSTILE}{number}",
                "school_id": school,
                "mentor_id": mentor,
                "mentee_id": mentee,
                "subject": HOSTILE,
                "order_no": HOSTILE,
                "ordered_on": "2026-09-01" if number else "soon",
            }
            for number in range(3)
        ],
        "plans": [{"appointment_id": f"{HOSTILE}1", "level_determined_on": "2026-09-20"}],
    }


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_from_a_cell_becomes_a_part_of_the_page(
    language: Language, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr("mentor_rules.report.html.LARGE", 0)
    read = Dossier.from_tables(hostile())
    reserve = reserves(read, as_of=AS_OF, language=language, names=True)
    page = page_of(read, language, names=read.names(), reserve=reserve)
    tree = parsed(page)
    assert page.count("<script") == 1
    assert "onmouseover=x>" not in page.replace("&lt;b onmouseover=x&gt;", "")
    assert "\u202e" not in page
    assert "\ufffdtxt" in text_of(tree, "script", "style")
    assert not [one for one in tree.iter(f"{FLOW}b") if one.get("onmouseover")]
    names = {one.get("id") or "" for one in tree.iter()}
    assert all(re.fullmatch(r"[a-z0-9_-]*", name) for name in names)


def test_names_are_there_only_if_asked_for_and_an_iin_never(tmp_path: Path) -> None:
    iin = with_check_digit(IIN[:11])
    path = dossier(tmp_path)
    tables = json.loads(path.read_text("utf-8"))
    tables["teachers"][0]["iin"] = iin
    for rows, column in (("teachers", "teacher_id"), ("appointments", "mentee_id")):
        for row in tables[rows]:
            row[column] = iin if row[column] == "T2" else row[column]
    path.write_text(json.dumps(tables, ensure_ascii=False), encoding="utf-8")
    bare = run("check", path, *DAY, "--format", "html").stdout
    named = run("check", path, *DAY, "--format", "html", "--names").stdout
    assert "Құралай Әбдіқызы" not in bare
    assert "Құралай Әбдіқызы (T1)" in named
    assert iin not in bare + named
    assert "iin-" in bare


def test_the_letters_of_kazakh_are_kept() -> None:
    tables = hostile()
    tables["appointments"][1]["appointment_id"] = KAZAKH
    page = page_of(Dossier.from_tables(tables), "kk")
    assert KAZAKH in page
    assert not set(KAZAKH.replace("һ", "")) - set(district("kk"))


# Timelines ----------------------------------------------------------------------------------


def timelines(page: str) -> dict[str, tuple[Element, Element]]:
    """The picture of each plan with the axis that it is drawn upon, by appointment."""
    tree = parsed(page)
    groups = {one.get("id"): one for one in tree.iter(f"{SVG}g") if one.get("id")}
    found = {}
    for picture in tree.iter(f"{SVG}svg"):
        title = picture.find(f"{SVG}title")
        if title is not None:
            (use,) = picture.iter(f"{SVG}use")
            href = use.get("href") or ""
            found[(title.text or "").rpartition(" ")[2]] = (picture, groups[href[1:]])
    return found


def day_at(axis: Element, x: int) -> date:
    """The day for which a place stands, told from the names of the first two months alone."""
    labels = [
        text for text in axis.iter(f"{SVG}text") if re.fullmatch(r"\d{4}-\d\d", text.text or "")
    ]
    (first, left), (second, right) = [
        (date.fromisoformat(f"{text.text}-01"), int(text.get("x") or 0)) for text in labels[:2]
    ]
    width = (right - left) / (second - first).days
    return first + timedelta(int((x - left + 2) // width))


def marks(picture: Element, kind: str) -> list[int]:
    """Where the marks of a kind stand."""
    paths = [
        path.get("d") or "" for path in picture.iter(f"{SVG}path") if path.get("class") == kind
    ]
    return [int(x) for path in paths for x in re.findall(r"M(\d+)", path)]


def test_the_marks_of_a_timeline_stand_at_their_days() -> None:
    _, terms = judged()
    drawn = timelines(district())
    plans = {row.appointment_id for row in terms.deadlines}
    assert set(drawn) <= plans
    seen = 0
    for plan, (picture, axis) in drawn.items():
        rows = [row for row in terms.deadlines if row.appointment_id == plan]
        due = sorted(row.due for row in rows if row.due is not None)
        done = sorted(row.done for row in rows if row.done is not None)
        assert sorted(day_at(axis, x) for x in marks(picture, "due")) == due
        found = [x for kind in ("done", "late", "other") for x in marks(picture, kind)]
        assert sorted(day_at(axis, x) for x in found) == done
        late = [row.done for row in rows if row.state == "late"]
        assert sorted(day_at(axis, x) for x in marks(picture, "late")) == sorted(filter(None, late))
        words = [text.text for text in picture.iter(f"{SVG}text")]
        assert len(words) == sum(row.state in ("late", "overdue") for row in rows)
        if marks(picture, "now"):
            assert [day_at(axis, x) for x in marks(picture, "now")] == [AS_OF]
        seen += len(due) + len(done)
    assert seen > 100


@pytest.mark.parametrize(("plan", "week"), [("A001", 5), ("A002", 6)])
def test_the_rest_days_shaded_are_those_of_the_school(plan: str, week: Week) -> None:
    appointment = {"mentor_id": "T1", "mentee_id": "N1", "ordered_on": "2026-11-16"}
    read = Dossier.from_tables(
        {
            "schools": [{"school_id": f"S{number}", "week": number} for number in (5, 6)],
            "appointments": [
                {"appointment_id": "A001", "school_id": "S5", **appointment},
                {"appointment_id": "A002", "school_id": "S6", **appointment},
            ],
            "plans": [{"appointment_id": one} for one in ("A001", "A002")],
        }
    )
    _, axis = timelines(page_of(read))[plan]
    (path,) = (one.get("d") or "" for one in axis.iter(f"{SVG}path") if one.get("class") == "rest")
    x = int(re.findall(r"M(\d+)", path)[0])
    shaded: set[date] = set()
    for before, length in re.findall(r"m(\d+) 0h(\d+)", path):
        first = day_at(axis, x + int(before))
        x += int(before) + int(length)
        days = (day_at(axis, x - 1) - first).days + 1
        shaded |= {first + timedelta(number) for number in range(days)}
    span = [date(2026, 11, 1) + timedelta(number) for number in range(61)]
    worked = CALENDAR.week(week)
    assert {day for day in shaded if day in span} == {
        day for day in span if not worked.is_working_day(day)
    }


def test_every_picture_has_its_table_and_its_words() -> None:
    tree = parsed(district())
    drawn = list(timelines(district()).values())
    tables = [table for table in tree.iter(f"{FLOW}table") if table.get("class") == "l"]
    assert 0 < len(drawn) <= len(tables)
    for picture, _ in drawn:
        assert picture.get("role") == "img"
        assert (picture.findtext(f"{SVG}desc") or "").strip()
    for table in tables:
        assert table.find(f"{FLOW}caption") is not None
        assert all(one.get("scope") for one in table.iter(f"{FLOW}th"))


# Bytes, files, exit codes -------------------------------------------------------------------


def test_the_same_dossier_gives_the_same_bytes() -> None:
    again = run("check", DISTRICT, *DAY, "--format", "html", "--lang", "kk").stdout
    assert again == district("kk")


# What all share (axes, bars, the end of the page) weighs more for each of fewer appointments.
@pytest.mark.parametrize(
    ("count", "language", "limit"),
    [
        (1200, "kk", LIMIT * 1200 // 5000 * 12 // 10),
        *(pytest.param(5000, one, LIMIT, marks=pytest.mark.long) for one in LANGUAGES),
    ],
)
def test_a_large_page_stays_small(count: int, language: Language, limit: int) -> None:
    page = page_of(Dossier.from_tables(generate.dossier(11, appointments=count)), language)
    size = len(page.encode())
    print(f"{language}: {size} bytes, {size / count:.0f} for each of {count} appointments")
    assert size < limit
    links = set(re.findall(r"href=#([a-z]+\d+)", page))
    assert links <= set(re.findall(r'id="?([a-z]+\d+)', page))


def test_the_page_goes_to_a_file_and_exit_codes_are_those_of_check(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    clean = dossier(tmp_path)
    assert run("check", clean, *DAY, "--format", "html", "--out", out).returncode == 0
    assert out.read_text("utf-8").startswith("<!DOCTYPE html>")
    again = run("check", clean, *DAY, "--format", "html", "--out", out)
    assert (again.returncode, again.stdout) == (2, "")
    forced = run("check", DISTRICT, *DAY, "--format", "html", "--out", out, "--force")
    assert forced.returncode == 1
    assert "A020" in out.read_text("utf-8")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    empty = dossier(tmp_path, appointments=[], plans=[])
    nothing = run("check", empty, *DAY, "--format", "html")
    assert nothing.returncode == 3
    parsed(nothing.stdout)


@pytest.mark.parametrize("only", ["eligibility", "procedure"])
def test_one_verdict_alone_can_be_asked_for(only: str) -> None:
    done = run("check", DISTRICT, *DAY, "--format", "html", "--only", only)
    parsed(done.stdout)
    assert ("Timeline of" in done.stdout) == (only == "procedure")


# In a notebook ------------------------------------------------------------------------------


def shown(found: Any) -> str:
    text: str = found._repr_html_()
    return text


def notebook(found: Any) -> Iterator[str]:
    html5lib.HTMLParser(strict=True).parseFragment(shown(found))
    yield shown(found)


def test_a_report_and_a_finding_show_themselves_in_a_notebook_escaped() -> None:
    report = check(Dossier.from_tables(hostile()), as_of=AS_OF, confirm="none")
    for text in notebook(report):
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert "\u202e" not in text
    finding = next(one for one in report.results[1].findings if one.outcome == "breached")
    for text in notebook(finding):
        assert finding.rule in text
        assert "breached" in text
    changed = finding.model_copy(update={"message": HOSTILE})
    assert "<script" not in shown(changed)
    assert "A020" in shown(judged()[0])


# What the package carries -------------------------------------------------------------------


def test_every_part_of_the_page_is_a_file_of_the_package() -> None:
    folder = Path(html.__code__.co_filename).parent / "templates"
    named = set(
        re.findall(r'"(\w+\.html)"', "".join(one.read_text("utf-8") for one in folder.iterdir()))
    )
    assert named | {"report.html", "page.css", "page.js"} == {one.name for one in folder.iterdir()}
