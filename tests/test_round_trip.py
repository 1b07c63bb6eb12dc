"""A lawyer's round trip through the command line, from the Order's text to the verdicts.

The text of the Order that is entered here is invented and marked so.
"""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.test_cli import run
from tests.test_comparison import edit

ROOT = Path(__file__).resolve().parents[1]
RULE = "eligibility/quality_of_knowledge"
RAISED = date(2027, 1, 1)
EVE = RAISED - timedelta(days=1)
# What proves a folder of rules before anybody is judged by it: commands of `mentor-rules rules`.
PROOFS = ("test", "verify")

ROW = '{ from = 2020-05-07, school_kind = "ordinary",         lower = 6000, upper = 7000 }'
ENDED = ROW.replace("2020-05-07,", f"2020-05-07, until = {RAISED},")
NEW = ROW.replace("2020-05-07", str(RAISED)).replace("6000", "6500").replace("7000", "7500")
CASES = f"""
[[case]]
says   = "ordered on the eve of the raised figure: 70 is enough in every reading"
given  = {{ on = {EVE}, quality = [7000, 7000, 7000], school_kind = "ordinary" }}
expect = "satisfied"

[[case]]
says   = "ordered on the day of the raised figure: 70 is enough in one reading"
given  = {{ on = {RAISED}, quality = [7000, 7000, 7000], school_kind = "ordinary" }}
expect = "disputed"

[[case]]
says   = "ordered on the day of the raised figure: 64.99 is not 65"
given  = {{ on = {RAISED}, quality = [6499, 6499, 6499], school_kind = "ordinary" }}
expect = "breached"

[[case]]
says   = "ordered on the day of the raised figure: 65 is enough in one reading"
given  = {{ on = {RAISED}, quality = [6500, 6500, 6500], school_kind = "ordinary" }}
expect = "disputed"

[[case]]
says   = "ordered on the day of the raised figure: 74.99 is enough in one reading"
given  = {{ on = {RAISED}, quality = [7499, 7499, 7499], school_kind = "ordinary" }}
expect = "disputed"

[[case]]
says   = "ordered on the day of the raised figure: 75 is enough in every reading"
given  = {{ on = {RAISED}, quality = [7500, 7500, 7500], school_kind = "ordinary" }}
expect = "satisfied"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A copy of the rules, and two appointments that are alike but for the day of the order."""
    shutil.copytree(ROOT / "rules" / "order_160", tmp_path / "draft")
    school = tmp_path / "school"
    school.mkdir()
    people = ["T1,S1,researcher,2021-09-01", *(f"T{n},S1,," for n in (8, 9))]
    tables = {
        "schools": ["school_id,kind,week", "S1,ordinary,5"],
        "teachers": ["teacher_id,school_id,category,category_from", *people],
        "posts": ["teacher_id,post"],
        "quality": [
            "teacher_id,subject,school_year,percent",
            *(f"T1,физика,{year},64" for year in ("2023/24", "2024/25", "2025/26")),
        ],
        "appointments": [
            "appointment_id,school_id,mentor_id,mentee_id,subject,ordered_on",
            f"A1,S1,T1,T8,физика,{EVE}",
            f"A2,S1,T1,T9,физика,{RAISED}",
        ],
    }
    for table, lines in tables.items():
        (school / f"{table}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return tmp_path


def fill_in(draft: Path) -> None:
    """Enter point, wording and certainty, and the raised figure with its cases."""
    edit(
        draft,
        f"{RULE}.toml",
        ('point = ""', 'point = "7 (invented)"'),
        ('wording = ""', 'wording = "INVENTED: at least 60 per cent, from 2027 at least 65"'),
        ('certainty = "secondary"', 'certainty = "verified"'),
        ("read_on = 2026-11-23", "read_on = 2026-12-01"),
        (ROW, f"{ENDED},\n  {NEW}"),
    )
    file = draft / f"{RULE}.toml"
    file.write_text(file.read_text("utf-8") + CASES, "utf-8")


@pytest.mark.parametrize("proof", PROOFS)
def test_the_corrected_rules_are_proved(desk: Path, proof: str) -> None:
    fill_in(desk / "draft")
    done = run("rules", proof, "--rules", "draft", cwd=desk)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("proof", PROOFS)
def test_a_figure_that_is_raised_otherwise_than_its_cases_say_is_not_proved(
    desk: Path, proof: str
) -> None:
    fill_in(desk / "draft")
    edit(desk / "draft", f"{RULE}.toml", (NEW, NEW.replace("6500", "6499")))
    assert run("rules", proof, "--rules", "draft", cwd=desk).returncode != 0


def test_the_difference_names_what_was_entered_and_whom_it_touches(desk: Path) -> None:
    fill_in(desk / "draft")
    command = ("rules", "diff", "draft", "--dossier", "school", "--as-of", "2027-01-11")
    done = run(*command, cwd=desk)
    assert done.returncode == 1, done.stderr
    for line in (
        f"  - band, ordinary school, lower: 60 % → 65 %, raised from {RAISED}",
        f"  - band, ordinary school, upper: 70 % → 75 %, raised from {RAISED}",
        "  - certainty of the source: secondary → verified",
        "  - point: nothing → 7 (invented)",
        "  - wording: nothing → INVENTED: at least 60 per cent, from 2027 at least 65",
        "  - last read: 2026-11-23 → 2026-12-01",
        "  - cases: 6 added, 0 removed",
        "  A2, Eligibility: depends on the reading → ineligible",
        f"    {RULE}",
    ):
        assert line in done.stdout.splitlines(), done.stdout
    assert "verdicts that change: 1" in done.stdout
    found = json.loads(run(*command, "--format", "json", cwd=desk).stdout)
    assert [
        (flip["appointment_id"], flip["old"], flip["new"], [why["rule"] for why in flip["why"]])
        for flip in found["effect"]["flips"]
    ] == [("A2", "depends", "ineligible", [RULE])]
    assert {one["rule"] for one in found["differences"]} == {RULE}


def test_the_page_shows_what_was_entered(desk: Path) -> None:
    fill_in(desk / "draft")
    assert run("rules", "docs", "--rules", "draft", "--out", "pages", cwd=desk).returncode == 0
    lines = (desk / "pages" / f"{RULE}.md").read_text("utf-8").splitlines()
    for line in (
        "| Point | 7 (invented) |",
        "| Wording | INVENTED: at least 60 per cent, from 2027 at least 65 |",
        "| Certainty | verified |",
        "| Last read | 2026-12-01 |",
        f"| ordinary school | 2020-05-07 | {RAISED} | 60 % | 70 % | verified |",
        f"| ordinary school | {RAISED} | | 65 % | 75 % | verified |",
    ):
        assert line in lines
    index = (desk / "pages" / "README.md").read_text("utf-8")
    assert f"[{RULE}]({RULE}.md)" in index


def test_each_appointment_is_judged_by_its_own_edition(desk: Path) -> None:
    """A day apart: 64 % is between the figures of the one, and below both of the other."""
    checkout = desk / "checkout"
    for folder in ("mentor_rules", "rules"):
        shutil.copytree(
            ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", checkout)
    verdicts = {}
    for entered in (False, True):
        if entered:
            fill_in(checkout / "rules" / "order_160")
        done = run(
            *("check", desk / "school", "--as-of", "2027-01-11", "--format", "json"),
            cwd=desk,
            PYTHONPATH=str(checkout),
        )
        found = json.loads(done.stdout)
        for result in found["results"]:
            [finding] = [one for one in result["findings"] if one["rule"] == RULE]
            said = (result["eligibility"], finding["required"], finding["source"]["certainty"])
            verdicts[result["appointment_id"], entered] = said
    assert verdicts == {
        ("A1", False): ("depends", "60", "secondary"),
        ("A2", False): ("depends", "60", "secondary"),
        ("A1", True): ("depends", "60", "verified"),
        ("A2", True): ("ineligible", "65", "verified"),
    }
