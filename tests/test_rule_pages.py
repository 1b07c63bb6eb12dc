"""The pages of the rules: they say all that the rule files say, and are never stale.

The oracles read the TOML files themselves, and two parsers of Markdown read the pages: the one of
the site, and one that follows CommonMark as forges do.
"""

import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from functools import reduce
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import markdown
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mentor_rules import load_rulebook
from mentor_rules.checks import parse_check
from mentor_rules.report.pages import WRITTEN, code, in_words, plain, rule_pages
from mentor_rules.rulebook import Rule
from tests.test_cli import run

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "rules"
RULES = ROOT / "rules" / "order_160"
RULEBOOK = load_rulebook()
WRITE = rule_pages(RULEBOOK, "../../rules/order_160")

every_rule = pytest.mark.parametrize("rule", RULEBOOK.rules, ids=lambda rule: str(rule.id))


class _Shown(HTMLParser):
    """What a browser shows of a page: its words, the cells of each row, and the tags in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.headings: list[str] = []
        self._within: list[str] | None = None  # whose last item the words belong to
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") or re.fullmatch("h[1-6]", tag):
            self._within = self.rows[-1] if tag[0] == "t" else self.headings
            self._within.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") or re.fullmatch("h[1-6]", tag):
            self._within = None

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._within is not None:
            self._within[-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def as_site(text: str) -> _Shown:
    return _Shown(markdown.markdown(text, extensions=["tables", "fenced_code"]))


def as_forge(text: str) -> _Shown:
    return _Shown(MarkdownIt("commonmark").enable("table").enable("strikethrough").render(text))


PARSERS = (as_site, as_forge)


# Stale --------------------------------------------------------------------------------------


def test_the_pages_are_those_of_the_rules() -> None:
    stored = {
        page.relative_to(PAGES).as_posix(): page.read_text("utf-8") for page in PAGES.rglob("*.md")
    }
    stale = sorted(name for name in stored | WRITE if stored.get(name) != WRITE.get(name))
    assert not stale, f"renew them with `mentor-rules rules docs`: {stale}"


def test_a_change_of_a_rule_makes_its_page_stale(tmp_path: Path) -> None:
    folder = tmp_path / "order_160"
    shutil.copytree(RULES, folder)
    rule = folder / "plan" / "drafted.toml"
    rule.write_text(rule.read_text("utf-8").replace("value = 5", "value = 6"), "utf-8")
    changed = rule_pages(load_rulebook(folder), "../../rules/order_160")
    assert [name for name, text in changed.items() if text != WRITE[name]] == ["plan/drafted.md"]


# What they say ------------------------------------------------------------------------------


def said_in(content: Any, key: str = "") -> Iterator[str]:
    """Every text, number and day that a rule file holds, as a person would look for it."""
    if isinstance(content, dict):
        for name, item in content.items():
            yield from said_in(item, name)
    elif isinstance(content, list):
        for item in content:
            yield from said_in(item, key)
    elif isinstance(content, str | date) and key not in ("act", "when"):
        yield " ".join(str(content).split())


@every_rule
@pytest.mark.parametrize("shown", PARSERS)
def test_a_page_says_all_that_its_file_says(rule: Rule, shown: Any) -> None:
    content = tomllib.loads((RULES / f"{rule.id}.toml").read_text("utf-8"))
    page = shown(WRITE[f"{rule.id}.md"])
    for text in said_in(content):
        assert text in page.text, text
    for case in content["case"]:
        row = next(row for row in page.rows if row[0] == " ".join(case["says"].split()))
        verdict = f"verdict {case['verdict']}" if "verdict" in case else ""
        reasons = [f"because “{reason}”" for reason in case.get("because", ())]
        # The ends of lines are not shown alike by both.
        expected = "".join([case["expect"], verdict, *reasons])
        assert row[-1].replace(" ", "") == expected.replace(" ", "")


@every_rule
def test_a_page_shows_the_norm_and_the_shared_questions(rule: Rule) -> None:
    text = as_forge(WRITE[f"{rule.id}.md"]).text
    comment = re.match(r"(#.*\n)+", (RULES / f"{rule.id}.toml").read_text("utf-8"))
    assert comment
    norm = " ".join(line.lstrip("# ") for line in comment[0].splitlines())
    assert len(norm) > 50
    assert " ".join(norm.split()) in text
    for question in rule.questions.values():
        for said in (question.asks, *(found.means for found in question.readings.values())):
            assert all(said[language] in text for language in ("en", "kk", "ru"))


@every_rule
def test_figures_are_shown_as_people_write_them(rule: Rule) -> None:
    page = as_site(WRITE[f"{rule.id}.md"])
    for figure in rule.figures.values():
        for row in figure.rows:
            cells = [found for found in page.rows if str(row.first) in found]
            for number in row.columns.values():
                plainly = f"{number // 100} %" if figure.unit == "basis points" else str(number)
                assert any(plainly in cell for found in cells for cell in found)


@every_rule
def test_related_rules_are_those_of_the_same_norms_and_questions(rule: Rule) -> None:
    _, _, related = WRITE[f"{rule.id}.md"].partition("## Related")
    for other in RULEBOOK.rules:
        shared = {*rule.norms, *rule.questions} & {*other.norms, *other.questions}
        linked = f"{other.id}.md)" in related
        runs = other.id in rule.runs_after or rule.id in other.runs_after
        assert linked == (other.id != rule.id and bool(shared or runs)), other.id


def test_a_point_and_a_wording_that_are_filled_in_are_shown(tmp_path: Path) -> None:
    folder = tmp_path / "order_160"
    shutil.copytree(RULES, folder)
    rule = folder / "plan" / "drafted.toml"
    text = rule.read_text("utf-8").replace('point = ""', 'point = "invented 7"')
    rule.write_text(text.replace('wording = ""', 'wording = "invented | words"'), "utf-8")
    rows = as_site(rule_pages(load_rulebook(folder))["plan/drafted.md"]).rows
    assert ["Point", "invented 7"] in rows
    assert ["Wording", "invented | words"] in rows
    assert "not filled in" not in " ".join(cell for row in rows for cell in row)
    assert "not filled in" in WRITE["plan/drafted.md"]


# Norms --------------------------------------------------------------------------------------


def test_every_norm_that_a_rule_names_lists_it_and_the_other_way_round() -> None:
    named = {(norm, rule.id) for rule in RULEBOOK.rules for norm in rule.norms}
    listed = {(norm.id, rule) for norm in RULEBOOK.coverage for rule in norm.rules}
    assert named == listed


def test_every_norm_has_a_status_that_its_rules_bear_out_and_a_reason() -> None:
    for norm in RULEBOOK.coverage:
        weights = {RULEBOOK.rule(rule).weight for rule in norm.rules}
        expected = (
            {"rule"} if weights - {"advisory"} else {"advisory"} if weights else {"note", "off"}
        )
        assert norm.status in expected, norm.id
        assert norm.reason, norm.id


def test_the_index_lists_every_rule_norm_question_and_paper() -> None:
    for shown in PARSERS:
        rows = shown(WRITE["README.md"]).rows
        first = [row[0] for row in rows]
        assert {rule.id for rule in RULEBOOK.rules} <= set(first)
        assert set(RULEBOOK.questions) | set(RULEBOOK.documents) <= set(first)
        norms = [row for row in rows if row[0] in {norm.id for norm in RULEBOOK.coverage}]
        assert norms == [
            [norm.id, norm.norm, norm.status, ", ".join(norm.rules), norm.reason]
            for norm in RULEBOOK.coverage
        ]


# Texts that would break a page ---------------------------------------------------------------

NASTY = st.text(
    st.one_of(
        st.sampled_from("|`*_[]()<>&#~\\-+=.:!{}1 \n\t\"'"),
        st.characters(exclude_categories=["C"]),
    ),
    min_size=1,
).filter(lambda text: text.strip() != "")


# What a parser takes for more than words, each once.
MARKUP = (
    *("_a_", "__a__", "*a*", "**a**", "`a`", "``a", "~~a~~", "[a](b)", "![a](b)", "[a]: b", "<b>"),
    *(
        "- a",
        "+ a",
        "* a",
        "1. a",
        "12) a",
        "# a",
        "0#",
        "> a",
        ": a",
        "===",
        "---",
        "| a |",
        "~~~",
    ),
    *("&amp;", "&#35;", "a\\", "\\*", "\\", "a|b", "{a}", "a  \nb", "    a", "\ta", "<!-- a -->"),
)


def all_of(texts: tuple[str, ...]) -> Callable[[Callable[[str], None]], Callable[[str], None]]:
    """Each of the texts, besides those that are drawn."""
    return lambda test: reduce(lambda tested, text: example(text)(tested), texts, test)


@all_of(MARKUP)
@given(NASTY)
def test_a_text_is_shown_as_it_is(text: str) -> None:
    wanted = " ".join(text.split())
    for shown in PARSERS:
        for written, tags in (
            (plain(text), ["p"]),
            (f"> {plain(text)}", ["blockquote", "p"]),
            (f"# {plain(text)}", ["h1"]),
        ):
            page = shown(written)
            assert page.text == wanted, written
            assert page.tags == tags, written
        page = shown(code(text))
        assert page.text == wanted
        assert page.tags == ["p", "code"]


@given(NASTY, NASTY)
def test_a_text_stays_in_its_cell(text: str, other: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {plain(text)} | {code(other)} |"
    for shown in PARSERS:
        page = shown(table)
        assert [[" ".join(cell.split()) for cell in row] for row in page.rows] == [
            ["a", "b"],
            [" ".join(text.split()), " ".join(other.split())],
        ]


def test_no_text_of_a_rule_becomes_a_heading_a_link_or_a_cell(tmp_path: Path) -> None:
    folder = tmp_path / "order_160"
    shutil.copytree(RULES, folder)
    evil = "# x | [y](z) <script>`*_1_*` | --- | &amp; \\\\ ~~gone~~"
    rule = folder / "plan" / "drafted.toml"
    text = rule.read_text("utf-8")
    for old in ('en = "The mentor"', "five-day week: complete on the fifth working day"):
        assert old in text
        text = text.replace(old, old.rstrip('"') + evil + ('"' if old.endswith('"') else ""))
    rule.write_text(f"# {evil}\n\n{text}", "utf-8")
    honest = as_site(WRITE["plan/drafted.md"])
    for shown in PARSERS:
        page = shown(rule_pages(load_rulebook(folder), "../../rules/order_160")["plan/drafted.md"])
        assert page.headings == honest.headings
        assert [len(row) for row in page.rows] == [len(row) for row in honest.rows]
        assert page.text.count(evil.replace("\\\\", "\\")) == 2
        assert "script" not in page.tags
        assert "del" not in page.tags


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("a >= b", "`a` is at least `b`"),
        ("ends_on <= school_year_ends", "`ends_on` is not after `school_year_ends`"),
        ("starts_on > ends_on", "`starts_on` is after `ends_on`"),
        ("not a", "`a` is no"),
        ("a and b", "`a` is yes and `b` is yes"),
        (
            'a in ["x", "y"] and (b < 3 or c)',
            "`a` is one of `x`, `y` and (`b` is below `3` or `c` is yes)",
        ),
        ("a or b and c", "`a` is yes or (`b` is yes and `c` is yes)"),
        ("1 <= a < 3", "`1` is at most `a`, which is below `3`"),
        ("not (a or b)", "it is not so that (`a` is yes or `b` is yes)"),
        ('q[s, p] != "x"', "`q[s, p]` is not `x`"),
    ],
)
def test_a_check_is_said_in_words(check: str, said: str) -> None:
    assert in_words(parse_check(check)) == said


# The command --------------------------------------------------------------------------------


def test_the_command_writes_the_pages_and_removes_those_of_rules_that_are_gone(
    tmp_path: Path,
) -> None:
    shutil.copytree(RULES, tmp_path / "rules" / "order_160")
    (tmp_path / "docs").mkdir()
    assert run("rules", "docs", "--rules", "rules/order_160", cwd=tmp_path).returncode == 0
    out = tmp_path / "docs" / "rules"
    written = {
        page.relative_to(out).as_posix(): page.read_text("utf-8") for page in out.rglob("*.md")
    }
    assert written == WRITE
    own = out / "plan" / "ours.md"
    own.write_text("ours", "utf-8")
    (tmp_path / "rules" / "order_160" / "reporting" / "interim_form.toml").unlink()
    order = tmp_path / "rules" / "order_160" / "order.toml"
    order.write_text(order.read_text("utf-8").replace(', "reporting/interim_form"', ""), "utf-8")
    assert run("rules", "docs", "--rules", "rules/order_160", cwd=tmp_path).returncode == 0
    left = {page.relative_to(out).as_posix() for page in out.rglob("*.md")}
    assert left == set(WRITE) - {"reporting/interim_form.md"} | {"plan/ours.md"}


def test_the_command_replaces_no_page_of_others(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine", "utf-8")
    done = run("rules", "docs", "--out", tmp_path)
    assert done.returncode == 2
    assert "README.md was not written by this command" in done.stderr
    assert (tmp_path / "README.md").read_text("utf-8") == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_pages_outside_the_checkout_link_to_no_file(tmp_path: Path) -> None:
    assert run("rules", "docs", "--out", tmp_path / "pages").returncode == 0
    for page in (tmp_path / "pages").rglob("*.md"):
        text = page.read_text("utf-8")
        assert WRITTEN in text
        assert ".toml)" not in text


def test_pages_of_several_folders_link_to_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "rules" / "order_160"
    shutil.copytree(RULES, folder)
    (tmp_path / "rules" / "ours" / "plan").mkdir(parents=True)
    (folder / "plan" / "agreed.toml").rename(tmp_path / "rules" / "ours" / "plan" / "agreed.toml")
    named = "rules/order_160,rules/ours"
    assert run("rules", "docs", "--rules", named, "--out", "o", cwd=tmp_path).returncode == 0
    pages = {page.relative_to(tmp_path / "o").as_posix() for page in (tmp_path / "o").rglob("*.md")}
    assert pages == set(WRITE)
    assert ".toml)" not in (tmp_path / "o" / "plan" / "agreed.md").read_text("utf-8")


def test_a_broken_rulebook_has_no_pages(tmp_path: Path) -> None:
    (tmp_path / "order.toml").write_text("id = 'x'", "utf-8")
    assert run("rules", "docs", "--rules", tmp_path, "--out", tmp_path / "o").returncode == 4
    assert not (tmp_path / "o").exists()
