"""The modules stand in one order, and each imports only those before it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mentor_rules

PACKAGE = Path(mentor_rules.__file__).resolve().parent

# In the order of the flow: a module may import only modules above it.
LAYERS = (
    "vocabulary",
    "texts",
    "personal",
    "errors",
    "source",
    "checks",
    "headings",
    "records",
    "container",
    "reading",
    "mapping",
    "dossier",
    "calendar_data",
    "workdays",
    "calendar",
    "facts",
    "acts",
    "rulebook",
    "regions",
    "loading",
    "engines",
    "engines.opinion",
    "verdict",
    "engines.closure",
    "engines.durable",
    "engines.frame",
    "result",
    "findings",
    "judging",
    "terms",
    "changes",
    "reserve",
    "columns",
    "frames",
    "nation",
    "spark",
    "audit",
    "cases",
    "verify",
    "schema",
    "requirements",
    "comparison",
    "replaying",
    "public",
    "report",
    "report.changes",
    "report.table",
    "report.rules",
    "report.pages",
    "report.comparison",
    "report.verify",
    "report.flat",
    "report.deadlines",
    "report.reserve",
    "report.calendar_file",
    "report.requirements",
    "report.audit",
    "report.replay",
    "report.workbook",
    "report.template",
    "report.timeline",
    "report.html",
    "cli",
    "__main__",
)

# The only imports inside functions, each with its reason.
LAZY = {
    ("__main__", "mentor_rules.cli"): "half a second, in which one may press Ctrl-C",
    ("reading", "openpyxl"): "an extra, and slower to import than everything else",
    ("cli", "mentor_rules.report.workbook"): "openpyxl, slower to import than most answers",
    ("cli", "mentor_rules.report.html"): "jinja2, slower to import than most answers",
    ("cli", "mentor_rules.report.template"): "openpyxl, slower to import than most answers",
    ("workdays", "holidays.countries.kazakhstan"): "0.2 s, and only terms need it",
    ("cli", "mentor_rules.audit"): "polars, slower to import than most answers",
    ("audit", "duckdb"): "an extra, and one engine of three",
    ("audit", "mentor_rules.spark"): "an extra, and one engine of three",
    ("engines.durable", "durable"): "an extra, and one that does not import on Python 3.13",
}

# The only modules that may import these packages.
ALLOWED = {
    "typer": {"cli"},
    "click": {"cli"},
    "rich": {
        "cli",
        "report.comparison",
        "report.deadlines",
        "report.requirements",
        "report.reserve",
        "report.rules",
        "report.table",
    },
    "icalendar": {"report.calendar_file"},
    "openpyxl": {"reading", "report.workbook", "report.template"},
    "jinja2": {"report.html"},
    "markupsafe": {"report.html"},
    "holidays": {"workdays"},
    "durable": {"engines.durable"},
    "narwhals": {"engines.frame", "spark", "audit"},
    "polars": {"columns", "frames", "nation", "spark", "audit"},
    "pyarrow": {"spark"},
    "pyspark": {"spark"},
    "duckdb": {"audit"},
}

# Calls that ask for today. A counter of seconds (time.perf_counter) tells no day.
CLOCKS = {
    ("date", "today"),
    ("datetime", "today"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
    ("time", "strftime"),
}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


FILES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in FILES.items()}


def imported(node: ast.AST) -> list[str]:
    """The dotted modules that a statement imports; relative ones are refused by ruff."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module is not None:
        submodules = [f"{node.module}.{alias.name}" for alias in node.names]
        ours = [name for name in submodules if name.removeprefix("mentor_rules.") in FILES]
        return ours or [node.module]
    return []


def imports(name: str) -> Iterator[str]:
    for node in ast.walk(TREES[name]):
        yield from imported(node)


def lazy_imports(name: str) -> Iterator[str]:
    for function in ast.walk(TREES[name]):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                yield from imported(node)


def own(module: str) -> str | None:
    """The name below `mentor_rules` of one of our modules, else None."""
    if module == "mentor_rules":
        return ""
    return module.removeprefix("mentor_rules.") if module.startswith("mentor_rules.") else None


def test_every_module_has_its_place() -> None:
    assert set(FILES) - {""} == set(LAYERS)
    assert len(LAYERS) == len(set(LAYERS))


@pytest.mark.parametrize("name", LAYERS)
def test_a_module_imports_only_modules_before_it(name: str) -> None:
    before = LAYERS[: LAYERS.index(name)]
    for module in imports(name):
        found = own(module)
        assert found is None or found in before, f"{name} imports {module}"


def test_the_public_names_come_from_below_the_command_line() -> None:
    for module in imports(""):
        found = own(module)
        assert found is None or (found in LAYERS and found.split(".")[0] not in ("cli", "report"))


def test_imports_inside_functions_are_listed_with_their_reason() -> None:
    assert {(name, module) for name in FILES for module in lazy_imports(name)} == set(LAZY)


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_is_imported_only_where_it_may_be(package: str) -> None:
    users = {name for name in FILES for module in imports(name) if module.split(".")[0] == package}
    assert users <= ALLOWED[package]


EXTRAS = {
    *("typer", "click", "rich", "openpyxl", "defusedxml", "durable"),
    *("narwhals", "polars", "duckdb", "pyspark"),
}


def test_importing_the_library_imports_no_extra() -> None:
    code = (
        "import sys, mentor_rules.public; "
        f"print(sorted({{name.partition('.')[0] for name in sys.modules}} & {EXTRAS}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [name for name in FILES if name != "cli"])
def test_only_the_command_line_asks_for_today(name: str) -> None:
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Attribute):
            owner = node.value
            last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            assert (last, node.attr) not in CLOCKS, f"{name}, line {node.lineno}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            assert {alias.name for alias in node.names} <= {"perf_counter"}
