"""The same bytes, wherever and however a command runs: hash seed, time zone, locale, folder.

Other versions of Python, each with this project installed, are compared too where they are named:
`MENTOR_RULES_PYTHONS=/a/bin/python:/b/bin/python pytest -m long -n 0 tests/test_determinism.py`.
"""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.test_cli import DAY, DISTRICT, ROOT

PARQUET = ROOT / "docs" / "examples" / "parquet"
# In one process each, all that a command can write; a run that is not confirmed needs no extra.
WRITES = """
import os, shlex, sys
from mentor_rules.cli import main


for line in sys.argv[1].splitlines():
    sys.argv = ["mentor-rules", *shlex.split(line)]
    try:
        main()
    except SystemExit as ended:
        assert ended.code in (0, 1, 3), (line, ended.code)
"""
CHECK = "check DOSSIER --as-of DAY --confirm none"
FEW = (
    f"{CHECK} --format json --lang kk --out report.json",
    f"{CHECK} --format csv --lang ru --out report.csv",
    f"{CHECK} --format html --lang ru --out report.html",
    f"{CHECK} --format xlsx --lang kk --out report.xlsx",
    "deadlines DOSSIER --as-of DAY --format ics --lang kk --out deadlines.ics",
    "deadlines DOSSIER --as-of DAY --format csv --out deadlines.csv",
    "deadlines DOSSIER --as-of DAY --format json --out deadlines.json",
    "deadlines DOSSIER --as-of DAY --out deadlines.txt",
    "rules docs --out pages",
)
MANY = (
    *FEW,
    f"{CHECK} --format json --changes --out changes.json",
    f"{CHECK} --out report.txt",
    f"{CHECK} --format jsonl --readings strict --out report.jsonl",
    "reserve DOSSIER --as-of DAY --format json --out reserve.json",
    "requirements --format json --out requirements.json",
    "schema result --out schema.json",
    "mapping DOSSIER --out mapping.toml",
    "template template.xlsx",
)
AUDIT = "audit PARQUET --out audited --as-of DAY --confirm none --explain 5"


def written(
    folder: Path,
    lines: Sequence[str] = FEW,
    python: str | Path = sys.executable,
    **variables: str,
) -> Mapping[str, bytes]:
    """Give all that the commands wrote, by names; seconds and moments left out."""
    folder.mkdir(parents=True)
    text = "\n".join(lines).replace("DOSSIER", f"'{DISTRICT}'").replace("DAY", DAY[1])
    done = subprocess.run(
        [python, "-c", WRITES, text.replace("PARQUET", f"'{PARQUET}'")],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, bytes] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".xlsx":  # the moment it was made stands in it
            with zipfile.ZipFile(path) as book:
                members = [one for one in book.namelist() if one != "docProps/core.xml"]
                found |= {f"{name} {one}": book.read(one) for one in members}
        else:
            found[name] = re.sub(rb'"took_s": ?[0-9.]+|"engines":\[[^]]*\]', b"", path.read_bytes())
    return found


SETTINGS: Mapping[str, Mapping[str, str]] = {
    "far west, Turkish, ASCII only": {
        "PYTHONHASHSEED": "1",
        "TZ": "Pacific/Pago_Pago",
        "LC_ALL": "tr_TR.UTF-8",
        "LANG": "tr_TR.UTF-8",
        "PYTHONUTF8": "0",
        "COLUMNS": "40",
    },
    "far east, C": {
        "PYTHONHASHSEED": "4294967295",
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "NO_COLOR": "1",
    },
    "Kazakh": {
        "PYTHONHASHSEED": "77",
        "TZ": "Asia/Almaty",
        "LC_ALL": "kk_KZ.UTF-8",
        "POLARS_MAX_THREADS": "1",
        "PYTHONOPTIMIZE": "1",
    },
}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    found = written(tmp_path_factory.mktemp("reference") / "desk", PYTHONHASHSEED="0", TZ="UTC")
    assert {"report.json", "report.csv", "deadlines.ics", "pages/README.md"} <= set(found)
    return found


def same(found: Mapping[str, bytes], reference: Mapping[str, bytes]) -> None:
    assert list(found) == list(reference)
    assert [name for name in found if found[name] != reference[name]] == []


@pytest.mark.parametrize("setting", list(SETTINGS)[:2])
def test_the_bytes_are_the_same_in_every_setting(
    setting: str, reference: Mapping[str, bytes], tmp_path: Path
) -> None:
    same(written(tmp_path / "Ұзақ жол" / "desk", **SETTINGS[setting]), reference)


@pytest.mark.long
def test_all_formats_and_a_bulk_audit_are_the_same_in_every_setting(tmp_path: Path) -> None:
    lines = (*MANY, AUDIT)
    first = written(tmp_path / "reference", lines, PYTHONHASHSEED="0", TZ="UTC")
    assert len(first) > 50
    for setting, variables in SETTINGS.items():
        same(written(tmp_path / setting / "desk", lines, **variables), first)
    print(f"\n{len(first)} files the same in {len(SETTINGS) + 1} settings")


@pytest.mark.long
def test_the_bytes_are_the_same_on_every_version_of_python(tmp_path: Path) -> None:
    first = written(tmp_path / "reference", MANY)
    versions = {sys.version.split()[0]}
    for python in filter(None, os.environ.get("MENTOR_RULES_PYTHONS", "").split(os.pathsep)):
        asked = [python, "-c", "import sys; print(sys.version.split()[0])"]
        version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        versions.add(version)
        same(written(tmp_path / version, MANY, python), first)
    print(f"\n{len(first)} files the same on Python {', '.join(sorted(versions))}")
