"""Hostile text in every field, over every output; and files that are there already.

Every textual field of a dossier holds the same attack, and each command writes each format. The
attack is then looked for where a program would act upon it.
"""

import csv
import io
import json
import os
import re
import sys
import tomllib
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import html5lib
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from openpyxl import load_workbook

from mentor_rules.cli import main
from mentor_rules.records import clean_text
from tests.dossiers import ORDERED, plain, to_csv, to_json, to_xlsx
from tests.test_cli import DAY

MARK = "xyzzy"  # by which the attack is found again
STEERING = {"Cc", "Cf", "Cs", "Co"}
STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
FORMULA = re.compile(r"^[\s\xa0\u200b\ufeff\u202e\u00ad]*[=+@＝＋＠﹢﹦﹫\-－−﹣]")

ATTACKS = (
    f'=HYPERLINK("http://x","{MARK}")',
    f" \xa0+{MARK}",
    f"＝{MARK}",
    f"{MARK}\t=1+1",
    f"{MARK};@SUM(A1)",
    f"<script>alert('{MARK}')</script>",
    f"\"><img src=x onerror=alert('{MARK}')>",
    f"</text></svg><script>{MARK}</script>",
    f"{{{{ {MARK} }}}}{{% raw %}}",
    f"[{MARK}](javascript:alert(1)) | **x** `y` <b>",
    f"\x1b]0;{MARK}\x07\x1b[2J",
    f"\u202e{MARK}\u2066\u200f",
    f"{MARK}\r\nEND:VEVENT\r\nBEGIN:VEVENT",
    f"{MARK}\u2028\u0085x",
    f"[bold red]{MARK}[/bold red]",
    f"../../{MARK}",
)
attacks = st.sampled_from(ATTACKS) | st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30
).map(lambda text: f"{text}{MARK}{text}")

QUICK = ("--confirm", "none")
CHECKS = ("table", "json", "jsonl", "csv", "xlsx", "html")
COMMANDS: dict[str, tuple[str, ...]] = {
    **{
        f"check {form}": ("check", "{dossier}", *DAY, "--format", form, "--names", *QUICK)
        for form in CHECKS
    },
    **{
        f"deadlines {form}": ("deadlines", "{dossier}", *DAY, "--format", form, "--names")
        for form in ("table", "json", "csv", "ics")
    },
    **{
        f"reserve {form}": ("reserve", "{dossier}", *DAY, "--format", form, "--names")
        for form in ("table", "json", "csv")
    },
    **{
        f"candidate {form}": (
            *("candidate", "{dossier}", "--teacher", "{teacher}", "--on", "2026-11-23"),
            *("--format", form, "--names", *QUICK),
        )
        for form in ("table", "json")
    },
    "mapping": ("mapping", "{dossier}"),
}


def hostile(text: str) -> dict[str, list[dict[str, object]]]:
    """A dossier whose every textual field is, or holds, the attack."""
    tables = plain()
    ids = {name: f"{text} {name}" for name in ("S1", "T1", "N1", "A1")}
    for rows in tables.values():
        for row in rows:
            row |= {name: ids.get(str(cell), cell) for name, cell in row.items()}
    school, mentor = tables["schools"][0], tables["teachers"][0]
    school |= {"name": text, "region": text, "district": text}
    mentor |= {"name": text, "subjects": f"physics;{text}", "ethics_document": text}
    tables["teachers"][1] |= {"name": text}
    tables["appointments"][0] |= {"subject": text, "order_no": text}
    for row in tables["quality"]:
        row["subject"] = text
    tables["posts"] = [{"teacher_id": f"{text} T7", "post": text}]
    tables["plans"] = [{"appointment_id": ids["A1"], "level_determined_on": ORDERED}]
    tables["reserve"] = [
        {"school_id": ids["S1"], "teacher_id": ids["T1"], "protocol_no": text, "formed_on": ORDERED}
    ]
    return tables


def run(*words: str) -> bytes:
    """What the command line writes, in this process: each example asks for it many times."""
    old, sys.argv = (sys.stdout, sys.stderr, sys.argv), ["mentor-rules", *words]
    stream = io.BytesIO()
    sys.stdout = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    sys.stderr = io.StringIO()
    try:
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code in (None, 0, 1, 3), sys.stderr.getvalue()
        sys.stdout.flush()
        return stream.getvalue()
    finally:
        sys.stdout, sys.stderr, sys.argv = old


def expect_no_steering(text: str, allowed: str) -> None:
    assert not {letter for letter in text if unicodedata.category(letter) in STEERING} - set(
        allowed
    )


def in_terminal(content: bytes) -> None:
    expect_no_steering(content.decode(), "\n")


def in_json(content: bytes) -> None:
    json.loads(content)
    assert not STEERS.search(content.decode())


def in_lines(content: bytes) -> None:
    for line in content.decode().splitlines():
        in_json(line.encode())


def in_csv(content: bytes) -> None:
    cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]
    assert any(MARK in cell for cell in cells)
    assert not [cell for cell in cells if FORMULA.match(cell)]
    for part in (part for cell in cells for part in re.split(r"[;\t\r\n]", cell)):
        assert not FORMULA.match(part)


def in_workbook(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        sheets = [name for name in container.namelist() if name.startswith("xl/worksheets/")]
        assert sheets
        for name in sheets:
            assert b"<f>" not in container.read(name)
    book = load_workbook(io.BytesIO(content))
    found = [str(cell.value) for sheet in book for row in sheet for cell in row]
    assert any(MARK in text for text in found)


def in_html(content: bytes) -> None:
    text = content.decode()
    expect_no_steering(text, "\n\t\u00ad")
    page = html5lib.parse(text, namespaceHTMLElements=False)
    assert len(page.findall(".//script")) == 1
    for element in page.iter():
        assert element.tag not in ("img", "iframe", "object")
        assert not [name for name in element.attrib if str(name).lower().startswith("on")]
        for name in ("href", "src", "action"):
            assert not str(element.get(name, "")).strip().lower().startswith("javascript")
        if element.tag in ("script", "style"):
            assert MARK not in (element.text or "")
        assert MARK not in str(element.tag)


def in_calendar(content: bytes) -> None:
    assert b"\n" not in content.replace(b"\r\n", b"")
    calendar = Calendar.from_ical(content)
    expect_no_steering(content.decode(), "\r\n")
    events = calendar.walk("VEVENT")
    assert events
    unfolded = content.replace(b"\r\n ", b"").splitlines()
    assert len(events) == unfolded.count(b"BEGIN:VEVENT")


def in_toml(content: bytes) -> None:
    tomllib.loads(content.decode())


HARMLESS: dict[str, Callable[[bytes], None]] = {
    "table": in_terminal,
    "json": in_json,
    "jsonl": in_lines,
    "csv": in_csv,
    "xlsx": in_workbook,
    "html": in_html,
    "ics": in_calendar,
    "mapping": in_toml,
}


@pytest.mark.parametrize("name", COMMANDS)
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=attacks)
def test_no_text_of_a_record_is_more_than_text_in_any_output(
    name: str, text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    path = to_json(hostile(text), folder / "d.json")
    words = [word.format(dossier=path, teacher=clean_text(f"{text} T1")) for word in COMMANDS[name]]
    HARMLESS[name.split()[-1]](run(*words))


# Paths ----------------------------------------------------------------------------------

WRITERS: dict[str, tuple[str, ...]] = {
    **{
        f"check {form}": ("check", "{dossier}", *DAY, *QUICK, "--format", form, "--out", "{out}")
        for form in CHECKS
    },
    "candidate": ("candidate", "{dossier}", "--teacher", "T1", *QUICK, "--out", "{out}"),
    "deadlines": ("deadlines", "{dossier}", *DAY, "--out", "{out}"),
    "reserve": ("reserve", "{dossier}", *DAY, "--out", "{out}"),
    "mapping": ("mapping", "{dossier}", "--out", "{out}"),
    "requirements": ("requirements", "--out", "{out}"),
    "schema": ("schema", "result", "--out", "{out}"),
    "template": ("template", "{out}"),
    "rules diff": ("rules", "diff", "built-in", "--out", "{out}"),
}


def left(*words: str) -> tuple[int, str]:
    """The exit code of a command, and what it says on standard error."""
    old, sys.argv = (sys.stdout, sys.stderr, sys.argv), ["mentor-rules", *words]
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    sys.stderr = said = io.StringIO()
    try:
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), said.getvalue()
    finally:
        sys.stdout, sys.stderr, sys.argv = old


def there(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


@pytest.mark.parametrize("name", WRITERS)
def test_no_command_writes_over_a_file_that_is_there(name: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    out = tmp_path / "out" / ("o.xlsx" if "xlsx" in name or name == "template" else "o.txt")
    dossier = to_json(plain(), tmp_path / "d.json")
    words = [word.format(out=out, dossier=dossier) for word in WRITERS[name]]
    out.write_bytes(b"kept")
    code, said = left(*words)
    assert (code, "--force" in said) == (2, True)
    assert list(there(out.parent)) == [(out.name, b"kept")]
    code, said = left(*words, "--force")
    assert (code in (0, 1, 3), said) == (True, "")
    [(written, content)] = there(out.parent)
    assert (written, content != b"kept") == (out.name, True)


def test_a_link_is_replaced_and_what_it_points_at_is_kept(tmp_path: Path) -> None:
    secret, out = tmp_path / "secret", tmp_path / "o.txt"
    secret.write_bytes(b"kept")
    out.symlink_to(secret)
    assert left(*(word.format(out=out) for word in WRITERS["requirements"]))[0] == 2
    assert left(*(word.format(out=out) for word in WRITERS["requirements"]), "--force")[0] == 0
    assert secret.read_bytes() == b"kept"
    assert not out.is_symlink()


def test_a_link_to_nowhere_is_not_written_through(tmp_path: Path) -> None:
    nowhere, out = tmp_path / "nowhere", tmp_path / "o.txt"
    out.symlink_to(nowhere)
    assert left(*(word.format(out=out) for word in WRITERS["requirements"]))[0] == 2
    assert not nowhere.exists()


@pytest.mark.parametrize("kind", ["folder", "pipe", "link to a device"])
def test_what_is_no_file_is_not_read_for_ever(kind: str, tmp_path: Path) -> None:
    for name in ("d.json", "d.xlsx"):
        path = tmp_path / name
        if kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero")
        assert left("check", str(path), *DAY)[0] == 3


def test_names_in_a_workbook_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = to_xlsx(plain(), tmp_path / "in" / "d.xlsx")
    with zipfile.ZipFile(path, "a") as container:
        container.writestr("../../../evil.txt", "evil")
        container.writestr("/evil.txt", "evil")
    assert left("check", str(path), *DAY)[0] == 0
    assert [name for name, _ in there(tmp_path)] == ["in/d.xlsx"]


def test_pages_of_rules_are_written_into_their_folder_alone(tmp_path: Path) -> None:
    out, other = tmp_path / "rules", tmp_path / "other.md"
    other.write_bytes(b"kept")
    assert left("rules", "docs", "--out", str(out))[0] == 0
    assert other.read_bytes() == b"kept"
    assert {name.split("/")[0] for name, _ in there(tmp_path)} == {"rules", "other.md"}


def test_an_input_is_never_changed(tmp_path: Path) -> None:
    for path in (to_xlsx(plain(), tmp_path / "d.xlsx"), to_csv(plain(), tmp_path / "d")):
        before = list(there(tmp_path))
        for form in CHECKS:
            left("check", str(path), *DAY, "--format", form, "--names", *QUICK)
        assert list(there(tmp_path)) == before
