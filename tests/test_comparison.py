"""What differs between two rulebooks: nothing is missed, and it is said as it is."""

import ast
import dataclasses
import json
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

import mentor_rules
from mentor_rules import Dossier, check, compare_rulebooks, load_rulebook
from mentor_rules.comparison import Difference, Spot, parted
from mentor_rules.errors import UsageError
from mentor_rules.facts import SPECS
from mentor_rules.rulebook import Figure, FigureRow, Rule
from mentor_rules.vocabulary import LANGUAGES
from tests.generate import dossier as generated
from tests.test_cli import run

PACKAGE = Path(mentor_rules.__file__).parent
ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "rules" / "order_160"
DISTRICT = ROOT / "docs" / "examples" / "district.xlsx"
DAY = date(2026, 11, 23)
RULEBOOK = load_rulebook()


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """A copy of the rules, to be changed."""
    shutil.copytree(RULES, tmp_path / "draft")
    return tmp_path / "draft"


def edit(folder: Path, file: str, *changes: tuple[str, str]) -> None:
    path = folder / file
    text = path.read_text("utf-8")
    for old, new in changes:
        assert text.count(old) == 1, (file, old, text.count(old))
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


def differences(folder: Path, language: Any = "en") -> list[Difference]:
    return list(compare_rulebooks(RULEBOOK, load_rulebook(folder), language=language).differences)


def said(folder: Path, language: Any = "en") -> list[str]:
    return [one.text for one in differences(folder, language)]


# Nothing is missed --------------------------------------------------------------------------


def variants(value: Any) -> Iterator[Any]:
    """The value with one thing in it changed, for everything in it."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, str):
        yield f"{value}x"
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, date):
        yield value + timedelta(days=1)
    elif isinstance(value, tuple | list):
        made = type(value)
        for place, item in enumerate(value):
            yield made([*value[:place], *value[place + 1 :]])
            for other in variants(item):
                yield made([*value[:place], other, *value[place + 1 :]])
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield {name: other for name, other in value.items() if name != key}
            for other in variants(item):
                yield {**value, key: other}
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            for other in variants(getattr(value, field)):
                yield value.model_copy(update={field: other})
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for name in (field.name for field in dataclasses.fields(value)):
            for other in variants(getattr(value, name)):
                yield dataclasses.replace(value, **{name: other})


# What a rule holds that is not said by itself: where its file is, and what follows from the rest.
DERIVED = {"id", "file", "check", "applies", "runs_after", "questions"}


def well_formed(name: str, figure: Figure) -> bool:
    """Tell whether loading could give such a figure."""
    keyed = all(len(row.keys) == len(figure.by) for row in figure.rows)
    return figure.name == name and keyed and set(figure.by) <= set(SPECS)


@pytest.mark.parametrize("rule", RULEBOOK.rules, ids=lambda rule: str(rule.id))
def test_whatever_differs_in_a_rule_is_told(rule: Rule) -> None:
    alone = dataclasses.replace(RULEBOOK, rules=(rule,), questions={}, coverage=())
    tried = 0
    for field in dataclasses.fields(rule):
        if field.name in DERIVED:
            continue
        for other in variants(getattr(rule, field.name)):
            if field.name == "figures" and not all(well_formed(*item) for item in other.items()):
                continue
            changed = dataclasses.replace(rule, **{field.name: other})
            book = dataclasses.replace(alone, rules=(changed,))
            for one, another in ((alone, book), (book, alone)):
                found = compare_rulebooks(one, another, language="kk").differences
                assert found, (field.name, other)
                assert {part.rule for part in found} == {rule.id}
            tried += 1
    assert tried > 50


@pytest.mark.parametrize("name", RULEBOOK.questions)
def test_whatever_differs_in_a_question_is_told(name: str) -> None:
    none = dataclasses.replace(RULEBOOK, rules=(), questions={}, coverage=())
    question = RULEBOOK.questions[name]
    alone = dataclasses.replace(none, questions={name: question})
    for other in variants(question):
        book = dataclasses.replace(alone, questions={name: other})
        # Where a reading is out of the order alone, loading refuses it.
        readings = {key for key, reading in other.readings.items() if reading.rejected is None}
        if set(other.order) != readings:
            continue
        for one, another in ((alone, book), (book, alone)):
            found = compare_rulebooks(one, another, language="ru").differences
            assert found, other
            assert {part.question for part in found} == {name}


def test_whatever_differs_beside_rules_and_questions_is_told() -> None:
    none = dataclasses.replace(RULEBOOK, rules=(), questions={})
    for field in ("id", "act", "read", "profiles", "documents", "coverage"):
        value = getattr(none, field)
        for other in variants(value):
            if field == "coverage" and {norm.id for norm in other} == {norm.id for norm in value}:
                assert other != value
            book = dataclasses.replace(none, **{field: other})
            for one, another in ((none, book), (book, none)):
                found = compare_rulebooks(one, another).differences
                assert found, (field, other)
                assert {part.kind for part in found} == {"shared"}


def test_a_rulebook_differs_in_nothing_from_itself() -> None:
    for language in LANGUAGES:
        found = compare_rulebooks(RULEBOOK, RULEBOOK, language=language)
        assert found.differences == ()
        assert found.effect is None


def test_a_copy_elsewhere_is_the_same_rulebook(draft: Path) -> None:
    assert load_rulebook(draft).sha256 == RULEBOOK.sha256
    (draft / "plan" / "drafted.toml").rename(draft / "plan" / "drawn_up.toml")
    edit(draft, "order.toml", ('rules  = ["plan/drafted"]', 'rules  = ["plan/drawn_up"]'))
    edit(draft, "order.toml", ('approval_due = "plan/drafted"', 'approval_due = "plan/drawn_up"'))
    assert load_rulebook(draft).sha256 != RULEBOOK.sha256


# Figures by date ----------------------------------------------------------------------------

FIRST = date(2026, 1, 1)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@st.composite
def figures(draw: st.DrawFn) -> Figure:
    """A figure of one number, with gaps, and with rows that say the same twice."""
    cuts = draw(st.lists(st.integers(0, 12), unique=True, min_size=1, max_size=5).map(sorted))
    rows: list[FigureRow] = []
    for place, cut in enumerate(cuts):
        following = cuts[place + 1] if place + 1 < len(cuts) else None
        if draw(st.booleans()) or not rows:
            number = draw(st.integers(1, 3))
            until = None if following is None else day(following)
            source = RULEBOOK.rules[0].source
            rows.append(FigureRow(day(cut), until, (), {"value": number}, source))
    return Figure("x", "years", (), tuple(rows))


def number_on(figure: Figure | None, on: date) -> int | None:
    if figure is None:
        return None
    row = figure.on(on).get(())
    return None if row is None else row["value"]


@given(st.none() | figures(), st.none() | figures())
def test_the_spans_in_which_a_figure_differs_are_exact(
    old: Figure | None, new: Figure | None
) -> None:
    spans = list(parted(Spot((), "value"), old, new))
    for number in range(-1, 15):
        on = day(number)
        holding = [span for span in spans if span[0] <= on and (span[1] is None or on < span[1])]
        was, now = number_on(old, on), number_on(new, on)
        assert [span[2:] for span in holding] == ([] if was == now else [(was, now)])
    for span, following in pairwise(spans):
        assert span[1] is not None
        assert span[1] <= following[0]
        assert (span[1], *span[2:]) != (following[0], *following[2:])


# In plain words -----------------------------------------------------------------------------

QUALITY = "eligibility/quality_of_knowledge.toml"
ORDINARY = '{ from = 2020-05-07, school_kind = "ordinary",         lower = 6000, upper = 7000 }'


def raised(lower: int) -> str:
    old = ORDINARY.replace("2020-05-07,", "2020-05-07, until = 2027-01-01,")
    new = ORDINARY.replace("2020-05-07", "2027-01-01").replace("6000", str(lower))
    return f"{old},\n  {new}"


@pytest.mark.parametrize(
    ("file", "changes", "words"),
    [
        (
            QUALITY,
            [(ORDINARY, raised(6500))],
            ["band, ordinary school, lower: 60 % → 65 %, raised from 2027-01-01"],
        ),
        (
            QUALITY,
            [(ORDINARY, raised(5999))],
            ["band, ordinary school, lower: 60 % → 59.99 %, lowered from 2027-01-01"],
        ),
        (
            "plan/drafted.toml",
            [("from = 2020-05-07, value = 5 }",
              "from = 2020-05-07, until = 2026-09-01, value = 5 },"
              "{ from = 2026-09-01, until = 2027-09-01, value = 7 },"
              "{ from = 2027-09-01, value = 5 }")],
            ["term: working days: 5 → working days: 7, raised from 2026-09-01 until 2027-09-01"
             " (exclusive)"],
        ),
        (
            "plan/drafted.toml",
            [('unit = "working days"', 'unit = "calendar days"'),
             ('term = "term"', 'term = "term"\nroll = "roll"\nterm_starts = "term_start"')],
            ["act, roll: nothing → roll",
             "act, term_starts: nothing → term_start",
             "term, unit: working days → calendar days",
            ],
        ),
        (
            "appointment/not_self.toml",
            [('weight   = "blocking"', 'weight   = "advisory"')],
            ["weight: blocking → advisory"],
        ),
        (
            "appointment/not_self.toml",
            [('check    = "not mentor_is_mentee"', 'check    = "mentor_is_mentee"')],
            ["requirement: not mentor_is_mentee → mentor_is_mentee"],
        ),
        (
            "appointment/not_self.toml",
            [("from = 2020-05-07 ", "from = 2020-05-07\nuntil = 2027-01-01 ")],
            ["repealed: from 2027-01-01 on it is no longer in force"],
        ),
        (
            "plan/drafted.toml",
            [('point = ""', 'point = "7"'), ('certainty = "secondary"', 'certainty = "verified"'),
             ("read_on = 2026-11-23", "read_on = 2026-12-01")],
            ["certainty of the source: secondary → verified",
             "point: nothing → 7",
             "last read: 2026-11-23 → 2026-12-01"],
        ),
        (
            "plan/approved.toml",
            [('en = "The mentoring plan was approved, but not by the head."',
              'en = "Not by the head."')],
            ["what is said of “not met” (en): The mentoring plan was approved, but not by the head."
             " → Not by the head."],
        ),
        (
            "plan/approved.toml",
            [("when = 'approved_by == \"deputy_head\"'", "when = 'approved_by != \"head\"'")],
            ["said in other circumstances: A deputy head approved it."],
        ),
        (
            "plan/approved.toml",
            [('en = "A deputy head approved it."', 'en = "It was a deputy head."')],
            ["a further sentence: It was a deputy head.",
             "a sentence is gone: A deputy head approved it."],
        ),
        (
            "order.toml",
            [('[questions.final_report_due]\nstatus = "live"',
              '[questions.final_report_due]\nstatus = "settled"\ndefault = "council_meeting"'),
             ('final_report_due = "council_meeting"\n', ""),
             ('final_report_due = "school_year_end"\n', "")],
            ["settled: council_meeting; it was open",
             "profiles.lenient.final_report_due: council_meeting → nothing",
             "profiles.strict.final_report_due: school_year_end → nothing"],
        ),
        (
            "order.toml",
            [('default = "presumed" ', 'default = "must_be_confirmed" ')],
            ["settled: presumed → must_be_confirmed"],
        ),
        (
            "order.toml",
            [('order = ["drafting", "approval"]', 'order = ["approval", "drafting"]')],
            ["readings, mildest first: drafting, approval → approval, drafting"],
        ),
        (
            QUALITY,
            [('rejected.en = "A conjecture: no source says so."',
              'rejected.en = "No source says so."')],
            ["reading by_category, why it is rejected (en): A conjecture: no source says so."
             " → No source says so."],
        ),
        (
            "order.toml",
            [('status = "off"\nrules  = []\nreason = "Only a weak source, or none; pay',
              'status = "note"\nrules  = []\nreason = "Only a weak source, or none; pay')],
            ["coverage.OFF-5.status: off → note"],
        ),
        (
            "appointment/not_self.toml",
            [("# The norm: mentoring is a teacher's", "# The norm: mentoring is some")],
            ["the norm in plain words: "],
        ),
    ],
)  # fmt: skip
def test_a_difference_is_said_in_plain_words(
    draft: Path, file: str, changes: list[tuple[str, str]], words: list[str]
) -> None:
    edit(draft, file, *changes)
    found = said(draft)
    assert len(found) == len(words), found
    for text, wanted in zip(found, words, strict=True):
        assert text == wanted or (wanted.endswith(": ") and text.startswith(wanted)), found


def test_a_reading_that_is_rejected_or_taken_back_is_told(draft: Path) -> None:
    edit(
        draft,
        QUALITY,
        ('order = ["any", "mentored", "every"]', 'order = ["mentored", "every"]'),
        (
            'means.ru = "Любой один из преподаваемых предметов."',
            'means.ru = "Любой один из преподаваемых предметов."\n'
            'rejected = { en = "Invented: no.", kk = "Жоқ.", ru = "Нет." }',
        ),
    )
    path = draft / QUALITY
    text = re.sub(r"(?s)\[\[case\]\](?:(?!\[\[case\]\]).)*subject = \"any\".*?(?=\[\[case|\Z)", "",
                  path.read_text("utf-8"))  # fmt: skip
    path.write_text(text, "utf-8")
    found = [one for one in differences(draft) if one.kind != "case"]
    assert [(one.kind, one.text) for one in found] == [
        ("reading", "reading any is rejected: Invented: no."),
    ]
    back = compare_rulebooks(load_rulebook(draft), RULEBOOK).differences
    assert [one.text for one in back if one.kind != "case"] == ["reading any is no longer rejected"]


def test_a_rejected_reading_comes_with_its_reason_and_goes_without(draft: Path) -> None:
    path = draft / QUALITY
    text = path.read_text("utf-8")
    start = text.index("[questions.period.readings.pooled]")
    path.write_text(text[:start] + text[text.index("[questions.subject]") :], "utf-8")
    means = "All learners of the three years counted together."
    assert said(draft) == [f"reading pooled is gone: {means}"]
    back = compare_rulebooks(load_rulebook(draft), RULEBOOK).differences
    assert [one.text for one in back] == [
        f"a new reading, pooled: {means}",
        "reading pooled is rejected: The figure is kept as a share per year; pooling would let one "
        "large class outweigh two years.",
    ]


def test_rules_that_are_added_or_gone_are_told(draft: Path) -> None:
    (draft / "reporting" / "interim_form.toml").rename(draft / "reporting" / "form.toml")
    edit(draft, "order.toml", ('"reporting/interim_form"', '"reporting/form"'))
    found = {(one.kind, one.rule): one.text for one in differences(draft) if one.rule}
    assert found == {
        (
            "rule_added",
            "reporting/form",
        ): "a new rule, advisory, in force from 2020-05-07; cases: 21",
        ("rule_removed", "reporting/interim_form"): (
            "this rule is gone; it was advisory, in force from 2020-05-07; cases: 21"
        ),
    }


def test_cases_are_told_by_what_they_expect(draft: Path) -> None:
    path = draft / "appointment" / "not_self.toml"
    text = path.read_text("utf-8")
    text = text.replace('expect = "satisfied"', 'expect = "breached"', 1)
    more = '\n[[case]]\nsays   = "another"\ngiven  = { same_person = true }\nexpect = "breached"\n'
    path.write_text(text + more, "utf-8")
    found = said(draft)
    assert found[0] == "cases: 1 added, 0 removed"
    assert len(found) == 2
    assert re.fullmatch(r"case “.+”: met → not met", found[1])


def test_a_figure_with_a_source_of_its_own_is_told(draft: Path) -> None:
    source = (
        '\n[figures.term.source]\nact = "order_160"\nplace = "elsewhere"\n'
        'certainty = "verified"\nvia = "x"\nread_on = 2026-12-01\n\n[act]\n'
    )
    edit(draft, "plan/drafted.toml", ("\n[act]\n", source))
    found = differences(draft)
    assert {one.path for one in found} == {
        f"figures.term.source.{key}" for key in ("certainty", "place", "via", "read_on")
    }
    assert found[0].text == "term, certainty of the source: secondary → verified"


def test_every_text_is_used_and_every_one_used_is_there() -> None:
    content = tomllib.loads((PACKAGE / "texts.toml").read_text("utf-8"))
    asked: dict[str, set[str]] = {"_say": set(), "_part": set()}
    words = set()
    for name in ("comparison.py", "report/comparison.py"):
        for node in ast.walk(ast.parse((PACKAGE / name).read_text("utf-8"))):
            if isinstance(node, ast.Constant):
                words.add(node.value)
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="_say" | "_part" as asks),
                    args=[ast.Constant(value), *_],
                ):
                    asked[asks].add(str(value))
    assert asked["_say"] <= set(content["diff"]) <= words
    assert asked["_part"] <= set(content["part"]) <= words


# Whose verdict changes ----------------------------------------------------------------------


def stricter(draft: Path) -> None:
    edit(draft, QUALITY, (ORDINARY, ORDINARY.replace("6000", "7300").replace("7000", "8000")))


def settled(draft: Path) -> None:
    edit(
        draft,
        "order.toml",
        (
            '[questions.final_report_due]\nstatus = "live"',
            '[questions.final_report_due]\nstatus = "settled"\ndefault = "school_year_end"',
        ),
        ('final_report_due = "council_meeting"\n', ""),
        ('final_report_due = "school_year_end"\n', ""),
    )


def advisory(draft: Path) -> None:
    file = "eligibility/excluded_posts.toml"
    edit(draft, file, ('weight   = "blocking"', 'weight   = "advisory"'))


def repealed(draft: Path) -> None:
    edit(
        draft, "plan/agreed.toml", ("from = 2020-05-07 ", "from = 2020-05-07\nuntil = 2026-01-01 ")
    )


def gone(draft: Path) -> None:
    (draft / "plan" / "one_academic_year.toml").unlink()
    edit(draft, "order.toml", ('rules  = ["plan/one_academic_year"]', "rules  = []"))


EDITS = (stricter, settled, advisory, repealed, gone)


@pytest.mark.parametrize("change", EDITS)
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_the_verdicts_that_change_are_those_of_two_checks(
    draft: Path, change: Callable[[Path], None], seed: int | None
) -> None:
    change(draft)
    dossier = Dossier.read(DISTRICT) if seed is None else Dossier.from_tables(generated(seed, 60))
    other = load_rulebook(draft)
    effect = compare_rulebooks(RULEBOOK, other, dossier=dossier, as_of=DAY).effect
    assert effect is not None
    reports = [check(dossier, as_of=DAY, rulebook=book) for book in (RULEBOOK, other)]
    verdicts = [
        {
            (result.appointment_id, verdict): getattr(result, verdict)
            for result in report.results
            for verdict in ("eligibility", "procedure")
        }
        for report in reports
    ]
    assert {(flip.appointment_id, flip.verdict): (flip.old, flip.new) for flip in effect.flips} == {
        key: (verdict, verdicts[1][key])
        for key, verdict in verdicts[0].items()
        if verdict != verdicts[1][key]
    }
    changed = {one.rule for one in compare_rulebooks(RULEBOOK, other).differences if one.rule}
    changed |= {"reporting/final"} if change is settled else set()
    for flip in effect.flips:
        # Each is explained, and by nothing but what was changed.
        assert {why.rule for why in flip.why} <= changed
        assert flip.why
        for why in flip.why:
            assert why.old is not None
            assert why.old != why.new
    outcomes = [
        Counter(
            (finding.rule, finding.outcome)
            for findings in (
                *(result.findings for result in report.results),
                *(school.findings for school in report.schools),
            )
            for finding in findings
        )
        for report in reports
    ]
    moved: Counter[tuple[str, str]] = Counter()
    for one in effect.outcomes:
        if one.old is not None:
            moved[one.rule, one.old] -= one.count
        if one.new is not None:
            moved[one.rule, one.new] += one.count
    for key in {*outcomes[0], *outcomes[1]}:
        assert outcomes[0][key] + moved[key] == outcomes[1][key]


@pytest.mark.parametrize("change", EDITS)
def test_each_edit_changes_a_verdict_of_the_district(
    draft: Path, change: Callable[[Path], None]
) -> None:
    change(draft)
    dossier = Dossier.read(DISTRICT)
    effect = compare_rulebooks(RULEBOOK, load_rulebook(draft), dossier=dossier, as_of=DAY).effect
    assert effect is not None
    assert effect.flips


def test_a_dossier_needs_a_day() -> None:
    with pytest.raises(UsageError):
        compare_rulebooks(RULEBOOK, RULEBOOK, dossier=Dossier.read(DISTRICT))


def test_days_of_a_calendar_may_be_given_as_rows_that_are_read_once() -> None:
    dossier = Dossier.read(DISTRICT)
    rows = [{"date": "2026-09-11", "kind": "off", "week": "both", "source": "x"}]
    given_twice = compare_rulebooks(
        RULEBOOK, RULEBOOK, dossier=dossier, as_of=DAY, calendar=iter(rows)
    )
    assert given_twice.effect is not None
    assert given_twice.effect.flips == ()


# The command line ---------------------------------------------------------------------------


def test_the_exit_code_says_whether_something_differs(draft: Path) -> None:
    assert run("rules", "diff", draft).returncode == 0
    assert run("rules", "diff", "built-in", "built-in").returncode == 0
    comment = draft / "order.toml"
    comment.write_text(comment.read_text("utf-8") + "# a comment\n", "utf-8")
    done = run("rules", "diff", draft)
    assert done.returncode == 0
    assert "only comments or layout" in done.stdout
    stricter(draft)
    for named in ((draft,), ("built-in", draft), (draft, "built-in")):
        assert run("rules", "diff", *named).returncode == 1
    assert run("rules", "diff", draft, draft).returncode == 0


def test_wrong_usage_unreadable_dossiers_and_broken_rules_have_their_codes(
    draft: Path, tmp_path: Path
) -> None:
    assert run("rules", "diff", "no-such-folder").returncode == 2
    assert run("rules", "diff", "built-in,no-such-folder").returncode == 2
    assert run("rules", "diff", draft, "--dossier", tmp_path / "none.xlsx").returncode == 2
    assert run("rules", "diff", draft, "--as-of", "tomorrow").returncode == 2
    (tmp_path / "bad.xlsx").write_bytes(b"no workbook")
    assert run("rules", "diff", draft, "--dossier", tmp_path / "bad.xlsx").returncode == 3
    edit(draft, "plan/drafted.toml", ('certainty = "secondary"', 'certainty = "sure"'))
    done = run("rules", "diff", draft)
    assert done.returncode == 4
    assert "draft/plan/drafted.toml" in done.stderr


def test_folders_joined_by_commas_are_laid_together(draft: Path, tmp_path: Path) -> None:
    (tmp_path / "ours" / "plan").mkdir(parents=True)
    (draft / "plan" / "agreed.toml").rename(tmp_path / "ours" / "plan" / "consented.toml")
    edit(draft, "order.toml", ('"plan/agreed", ', ""))
    done = run("rules", "diff", "draft", "draft,ours", cwd=tmp_path)
    assert done.returncode == 1
    assert "plan/consented: The mentoring plan is agreed" in done.stdout
    assert "a new rule, remediable" in done.stdout


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["raised from 2027-01-01", "verdicts that change: 1", "now (disputed)"]),
        ("kk", ["2027-01-01 күнінен бастап көтерілген", "өзгеретін қорытындылар – 1", "енді"]),
        ("ru", ["повышено с 2027-01-01", "меняется выводов: 1", "теперь (спорно)"]),
    ],
)
def test_the_answer_comes_in_three_languages(
    draft: Path, tmp_path: Path, language: str, words: list[str]
) -> None:
    edit(draft, QUALITY, (ORDINARY, raised(6500)))
    rows = [
        *("appointment_id,school_id,mentor_id,mentee_id,subject,ordered_on",),
        *("A1,S1,900101300017,T2,физика,2026-12-31", "A2,S1,900101300017,T3,физика,2027-01-01"),
    ]
    years = [f"900101300017,физика,{year},72" for year in ("2023/24", "2024/25", "2025/26")]
    tables = {
        "schools": ["school_id,kind,week", "S1,ordinary,5"],
        "teachers": ["teacher_id,school_id,category", "900101300017,S1,master"],
        "posts": ["teacher_id,post"],
        "quality": ["teacher_id,subject,school_year,percent", *years],
        "appointments": rows,
    }
    for table, lines in tables.items():
        (tmp_path / f"{table}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    # 72 % reaches 70 % in every reading, and not the raised 75 %: only from that day on.
    edit(draft, QUALITY, ("lower = 6500, upper = 7000", "lower = 6500, upper = 7500"))
    command = ("rules", "diff", draft, "--dossier", tmp_path, "--as-of", "2027-01-02")
    done = run(*command, "--lang", language)
    assert done.returncode == 1, done.stderr
    for text in words:
        assert text in done.stdout, done.stdout
    assert "A2, " in done.stdout
    assert "A1, " not in done.stdout
    # An id of a person that is an IIN stands in no answer.
    assert "900101300017" not in done.stdout + run(*command, "--format", "json").stdout


def test_the_json_answer_is_that_of_python(draft: Path, tmp_path: Path) -> None:
    stricter(draft)
    out = tmp_path / "answer.json"
    done = run(
        *("rules", "diff", draft, "--dossier", DISTRICT, "--as-of", "2026-11-23"),
        *("--format", "json", "--out", out),
    )
    assert done.returncode == 1, done.stderr
    found = compare_rulebooks(
        RULEBOOK, load_rulebook(draft), dossier=Dossier.read(DISTRICT), as_of=DAY
    )
    assert json.loads(out.read_text("utf-8")) == json.loads(found.to_json())


def test_a_text_that_steers_the_terminal_is_refused(draft: Path) -> None:
    edit(draft, "plan/drafted.toml", ('point = ""', r'point = "\u001b[2J\u202e"'))
    done = run("rules", "diff", draft)
    assert (done.returncode, done.stdout) == (4, "")
    assert "source.point" in done.stderr
    assert "\u001b" not in done.stderr
    assert "\u202e" not in done.stderr
