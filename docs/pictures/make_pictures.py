"""Makes the pictures of the pages anew, from real outputs.

Run it in a checkout with the extra `dev` and the package pypdfium2; it needs LibreOffice and
Chromium besides. The workbook is the one that the officer's page fills in; all else is the example
district.
"""

import os
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

import pypdfium2
from openpyxl import load_workbook
from PIL import Image, ImageChops, ImageOps
from playwright.sync_api import Browser, sync_playwright
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))  # the tests hold the steps of the pages

from mentor_rules.vocabulary import LANGUAGES, Language  # noqa: E402 - after the path
from tests.libreoffice import saved_by_libreoffice  # noqa: E402 - the same
from tests.test_people import fill, typings  # noqa: E402 - the same

COMMAND = Path(sys.executable).parent / "mentor-rules"
CHROMIUM = "/usr/bin/chromium"
DISTRICT = ROOT / "docs/examples/district.xlsx"
PAGES = {"en": "officer.md", "kk": "officer.kk.md", "ru": "officer.ru.md"}
DAY = "2026-11-23"
# Acts in time and late, and terms that pass over rest days.
PLAN = "A011"
LINES = 34  # of the terminal
MARGIN = 12  # pixels


def run(*words: str | Path) -> None:
    """Run the command line; what it flags is no failure."""
    done = subprocess.run([COMMAND, *words], check=False)  # noqa: S603 - our own command
    if done.returncode not in (0, 1, 3):
        raise SystemExit(f"mentor-rules {words[0]}: {done.returncode}")


def workbook(language: Language, work: Path) -> None:
    """The sheet of appointments with the answer, as LibreOffice prints it."""
    book, answer = work / "school17.xlsx", work / "answer.xlsx"
    run("template", book, "--lang", language)
    for typing in typings(ROOT / "docs" / PAGES[language]):
        if not typing.mend:
            fill(book, typing)
    run(
        *("check", book, "--lang", language, "--as-of", "2026-10-05"),
        *("--format", "xlsx", "--out", answer),
    )
    show_appointments(answer)
    printed = pypdfium2.PdfDocument(saved_by_libreoffice(answer, work / "printed", "pdf"))
    save(printed[0].render(scale=1.9).to_pil().convert("RGB"), f"workbook.{language}.png")


def show_appointments(path: Path) -> None:
    """Leave the sheet of appointments and what fits on a page; make rows as high as their text.

    The heights and the hidden columns are the picture's alone: the workbook has neither.
    """
    book = load_workbook(path)
    [sheet] = (sheet for sheet in book if "x_mr_eligibility" in str(sheet["J1"].value))
    for other in book:
        other.sheet_state = "visible" if other == sheet else "hidden"
    book.active = sheet
    for column in "BDFHNOP":
        sheet.column_dimensions[column].hidden = True
    sheet.row_dimensions[2].hidden = True  # the example
    sheet.row_dimensions[3].height, sheet.row_dimensions[4].height = 98, 200
    book.save(path)


def report(language: Language, work: Path, browser: Browser) -> None:
    """The first screen of the HTML report, and the timeline of one plan."""
    page = work / "report.html"
    run(
        *("check", DISTRICT, "--lang", language, "--as-of", DAY),
        *("--format", "html", "--out", page),
    )
    shown = browser.new_page(viewport={"width": 1000, "height": 860})
    shown.goto(page.as_uri())
    target = HERE / f"report.{language}.png"
    shown.screenshot(path=target)
    save(Image.open(target).convert("RGB"), target.name)
    plan = shown.locator("details.a", has=shown.locator("h3", has_text=PLAN))
    plan.evaluate("details => { details.open = true; details.scrollIntoView(); }")
    shown.wait_for_timeout(1000)  # what is off the screen is laid out only when it comes in
    target = HERE / f"timeline.{language}.png"
    plan.locator("svg.t").first.screenshot(path=target)
    save(Image.open(target).convert("RGB"), target.name)
    shown.close()


def save(picture: Image.Image, name: str) -> None:
    """Write a picture with an even margin, in few colours: it stays small."""
    ground = Image.new("RGB", picture.size, "white")
    picture = picture.crop(ImageChops.difference(picture, ground).getbbox())
    picture = ImageOps.expand(picture, MARGIN, "white")
    picture.quantize(64).save(HERE / name, optimize=True)


def terminal() -> None:
    """The head of the report in a terminal, as an SVG that asks for no font from elsewhere."""
    printed = subprocess.run(  # noqa: S603 - our own command
        [COMMAND, "check", DISTRICT, "--as-of", DAY],
        env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": "110", "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    ).stdout
    console = Console(record=True, width=110, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi("\n".join(printed.strip().splitlines()[:LINES])))
    svg = console.export_svg(
        title=f"mentor-rules check {DISTRICT.name} --as-of {DAY}",
        unique_id="terminal",
        theme=DEFAULT_TERMINAL_THEME,
    )
    svg = re.sub(r" *@font-face \{.*?\}\n", "", svg, flags=re.DOTALL)
    (HERE / "terminal.svg").write_text(svg, "utf-8")


if __name__ == "__main__":
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for language in LANGUAGES:
            with tempfile.TemporaryDirectory() as folder:
                workbook(language, Path(folder))
                report(language, Path(folder), browser)
        browser.close()
    terminal()
