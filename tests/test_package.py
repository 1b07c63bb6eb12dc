"""The package as installed: a wheel outside the checkout, and an editable checkout."""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRINT_RULES = (
    "from mentor_rules.source import rules_folder; from mentor_rules import load_rulebook;"
    "print(rules_folder()); print(load_rulebook().sha256);"
    "print(load_rulebook().rule('eligibility/quality_of_knowledge').figures['band']"
    ".rows[0].columns['lower'])"
)
JUDGE = (
    "import sys, mentor_rules; from datetime import date;"
    "from mentor_rules import Dossier, check;"
    "print(check(Dossier(appointments=[]), as_of=date(2026, 11, 23)).summary.appointments);"
    "print(sorted({'typer', 'rich', 'openpyxl'} & set(sys.modules)))"
)


def environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def output(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd=cwd, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of what git would track, so that the tests never touch the real rules."""
    copy = tmp_path_factory.mktemp("copy") / "project"
    copy.mkdir()
    for name in ("mentor_rules", "rules"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy / name)
    return copy


def test_a_wheel_works_in_a_new_environment_outside_the_checkout(
    checkout: Path, tmp_path: Path
) -> None:
    output(sys.executable, "-m", "build", "--no-isolation", "-o", tmp_path, checkout, cwd=tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    [sdist] = tmp_path.glob("*.tar.gz")
    assert sdist.stat().st_size > 0
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "mentor_rules/rules/order_160/order.toml" in names
    assert "mentor_rules/rules/calendar/kz.toml" in names
    assert "mentor_rules/texts.toml" in names
    python = environment(tmp_path / "env")
    # With its base dependencies alone it judges; only files need the extra.
    output(python, "-m", "pip", "install", "-q", wheel, cwd=tmp_path)
    assert output(python, "-c", JUDGE, cwd=tmp_path).split("\n")[:2] == ["0", "[]"]
    assert "openpyxl" not in output(python, "-m", "pip", "list", cwd=tmp_path)
    output(python, "-m", "pip", "install", "-q", f"{wheel}[cli]", cwd=tmp_path)
    shutil.copy(ROOT / "docs" / "examples" / "district.xlsx", tmp_path)
    # A folder of rules in the working directory never counts.
    (tmp_path / "rules" / "order_160").mkdir(parents=True)
    folder, _, lower = output(python, "-c", PRINT_RULES, cwd=tmp_path).split("\n")[:3]
    assert Path(folder).is_relative_to(tmp_path / "env")
    assert lower == "6000"
    # Without the second engine everything works, and the result says so.
    assert "durable" not in output(python, "-m", "pip", "list", cwd=tmp_path)
    table, as_json = (checked(python, tmp_path, "--format", form) for form in ("table", "json"))
    assert "of 40 appointments" in table
    assert "is not installed" in table
    run = json.loads(as_json)["run"]
    assert run["confirmed_by"]
    assert all(engines == ["closure"] for engines in run["confirmed_by"].values())
    assert "is not installed" in run["notes"][-1]
    command = [str(python.with_name("mentor-rules")), "audit", ".", "--out", "audited"]
    refused = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert refused.returncode == 2
    assert "mentor-rules[frames]" in refused.stderr


def checked(python: Path, folder: Path, *options: str) -> str:
    """What the command of an environment says of the example district."""
    done = subprocess.run(
        [
            python.with_name("mentor-rules"),
            *("check", "district.xlsx", "--as-of", "2026-11-23", *options),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=folder,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return done.stdout


def test_an_editable_install_sees_an_edited_rule_at_once(checkout: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "env")
    output(python, "-m", "pip", "install", "-q", "-e", checkout, cwd=tmp_path)
    # A copy left in site-packages by an older install must not win.
    ask = "import site; print(site.getsitepackages()[0])"
    site = Path(output(python, "-c", ask, cwd=tmp_path).strip())
    shutil.copytree(checkout / "rules", site / "mentor_rules" / "rules", dirs_exist_ok=True)
    folder, before, lower = output(python, "-c", PRINT_RULES, cwd=tmp_path).split("\n")[:3]
    assert Path(folder) == checkout / "rules"
    assert lower == "6000"
    rule = checkout / "rules" / "order_160" / "eligibility" / "quality_of_knowledge.toml"
    text = rule.read_text("utf-8")
    rule.write_text(text.replace("lower = 6000", "lower = 6100", 1), "utf-8")
    try:
        _, after, lower = output(python, "-c", PRINT_RULES, cwd=tmp_path).split("\n")[:3]
    finally:
        rule.write_text(text, "utf-8")
    assert lower == "6100"
    assert after != before
