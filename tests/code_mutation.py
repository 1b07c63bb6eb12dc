"""The code that decides, with one small thing changed at a time; how many changes tests catch.

    python -m tests.code_mutation [--seed 1] [--mutants 300] [--only TEXT]

Draws so many of all mutants of FILES and runs the tests that reach the changed lines, in a copy of
the project, until the first fails. Prints each survivor as a difference. The exit code is 1 if one
is not listed in `code_mutants.toml`, or if what is listed there is caught, or is no mutant any
more. `--only` takes those alone in which a text is found. 300 take about half an hour.

The changes are those of mutmut. It would also run them, but only in plain functions: neither in
properties, nor in what is cached, nor in tables.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import unified_diff
from functools import cache
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from textwrap import indent
from typing import Any

import libcst as cst
import pytest
from coverage import Coverage
from hypothesis import Phase, settings
from libcst.metadata import (
    MetadataWrapper,
    PositionProvider,
    WhitespaceInclusivePositionProvider,
)
from mutmut.mutation.mutators import mutation_operators

ROOT = Path(__file__).resolve().parents[1]
LISTED = Path(__file__).with_name("code_mutants.toml")
FILES = ("checks.py", "verdict.py", "workdays.py", "calendar.py", "facts.py")
# What sees most in least time; none starts another process.
TESTS = (
    "test_facts.py",
    "test_verdict.py",
    "test_rule_cases.py",
    "test_judging.py",
    "test_checks.py",
    "test_calendar.py",
    "test_procedure.py",
)
NEVER = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
SECONDS, MEMORY = 20, 3 << 30  # of the processor, for each test; bytes
FIRST, MOST = 40, 80  # tests that are run first; of one file: what these let pass has survived
SURVIVED = 0


@dataclass(frozen=True)
class Mutant:
    """A file with one thing changed: in which function or class, and from which line to which."""

    file: str
    within: str
    first: int
    last: int
    was: str
    becomes: str
    source: str

    def __str__(self) -> str:
        """The difference as people read it."""
        return f"{self.file} {self.within}, line {self.first}\n{self.was}\n{self.becomes}".rstrip()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is listed by: lines move, words stay."""
        return self.file, self.within, bare(self.was), bare(self.becomes)


def bare(difference: str) -> str:
    """The changed lines without signs and indentation."""
    return " ".join(line[1:].strip() for line in difference.splitlines())


# Mutants ------------------------------------------------------------------------------------


def mutants(file: str, original: str) -> list[Mutant]:
    """Every mutant of a file, each once."""
    wrapper = MetadataWrapper(cst.parse_module(original))
    changes = _Changes(file, original, wrapper.module)
    wrapper.visit(changes)
    return list(changes.found.values())


def _difference(original: str, changed: str) -> tuple[str, str]:
    """The lines taken out, and those put in."""
    lines = list(unified_diff(original.splitlines(), changed.splitlines(), n=0))[2:]
    was, becomes = ("\n".join(line for line in lines if line[0] == sign) for sign in "-+")
    return was, becomes


class _Changes(cst.CSTVisitor):
    """Makes every change. What runs it is the plain statement around it, if there is one."""

    METADATA_DEPENDENCIES = (PositionProvider, WhitespaceInclusivePositionProvider)

    def __init__(self, file: str, original: str, module: cst.Module) -> None:
        super().__init__()
        self.file, self.original, self.module = file, original, module
        lengths = map(len, original.splitlines(keepends=True))
        self.starts = [0, *accumulate(lengths), len(original)]
        self.names: list[str] = []
        self.statements: list[cst.CSTNode] = []
        self.found: dict[str, Mutant] = {}

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, NEVER):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self.names.append(node.name.value)
        if isinstance(node, cst.SimpleStatementLine):
            self.statements.append(node)
        for kind, operator in mutation_operators:
            for other in operator(node) if isinstance(node, kind) else ():
                self._put(node, self.module.code_for_node(other))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self.names.pop()
        if isinstance(original_node, cst.SimpleStatementLine):
            self.statements.pop()

    def _put(self, node: cst.CSTNode, written: str) -> None:
        part = self.get_metadata(WhitespaceInclusivePositionProvider, node)
        run = self.get_metadata(PositionProvider, [*self.statements, node][0], part)
        begin, end = (self.starts[at.line - 1] + at.column for at in (part.start, part.end))
        first, after = self.starts[part.start.line - 1], self.starts[part.end.line]
        if isinstance(node, cst.Match):  # the one that has lines of its own
            written = indent(written, " " * run.start.column)
        changed = self.original[first:begin] + written + self.original[end:after]
        was, becomes = _difference(self.original[first:after], changed)
        if was or becomes:
            source = self.original[:first] + changed + self.original[after:]
            within = ".".join(self.names) or "module"
            lines = run.start.line, run.end.line
            self.found[source] = Mutant(self.file, within, *lines, was, becomes, source)


@cache
def all_mutants() -> tuple[Mutant, ...]:
    """Every mutant of every file."""
    package = ROOT / "mentor_rules"
    return tuple(
        one for file in FILES for one in mutants(file, (package / file).read_text("utf-8"))
    )


def listed() -> Mapping[tuple[str, str, str, str], str]:
    """The mutants that mean the same, and why."""
    rows = tomllib.loads(LISTED.read_text("utf-8"))["same"]
    return {(row["file"], row["within"], row["was"], row["becomes"]): row["why"] for row in rows}


# Tests --------------------------------------------------------------------------------------


@dataclass
class Baseline:
    """What the unchanged project runs: of each line the tests, of each test its seconds."""

    tests: dict[str, float] = field(default_factory=dict)
    reaching: dict[str, dict[int, set[str]]] = field(default_factory=lambda: {x: {} for x in FILES})

    def reached(self, mutant: Mutant) -> set[str]:
        """The tests that run the lines of a mutant; "" is an import."""
        lines = self.reaching[mutant.file]
        places = range(mutant.first, mutant.last + 1)
        return {test for at in places for test in lines.get(at, ())}

    def of(self, mutant: Mutant) -> frozenset[str]:
        """The tests that may see a mutant.

        What is reached by few tests of a file may be kept for the others: then all of them.
        """
        reached = self.reached(mutant)
        if "" in reached:
            return frozenset(self.tests)
        by_file = Counter(test.partition("::")[0] for test in reached)
        kept = {file for file, count in by_file.items() if count <= 3}
        return frozenset(x for x in self.tests if x in reached or x.partition("::")[0] in kept)


class _Run:
    """A plugin of pytest: which tests are run, in which order, and what came of them."""

    def __init__(
        self,
        switch: Callable[[str], object] | None = None,
        passed_over: Callable[[str], bool] = lambda test: False,
    ) -> None:
        self.places: dict[str, int] = {}
        self.switch, self.passed_over = switch, passed_over
        self.seconds: dict[str, float] = {}
        self.failed = ""

    def pytest_configure(self) -> None:
        name = "mutation"
        phases = (Phase.explicit, Phase.generate)  # to shrink a failure takes time
        settings.register_profile(name, settings.get_profile("ci"), phases=phases)
        settings.load_profile(name)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        places = self.places
        # What the mutant itself gave another name to stays.
        items[:] = [x for x in items if x.nodeid in places or not self.passed_over(x.nodeid)]
        items.sort(key=lambda item: places.get(item.nodeid, 0))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self.switch is not None:
            self.switch(item.nodeid)
        else:
            limit()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0) + report.duration
        if report.failed:
            self.failed = report.nodeid


def limit() -> None:
    """End this process after so many seconds of the processor from now on."""
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)


def in_child(project: Path, run: Callable[[], Any]) -> Any:
    """What `run` gives in a process of its own, None if that was ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            os.chdir(project)
            sys.path[0] = str(project)
            del sys.modules["tests"]  # this project's, and not that of the copy
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            with os.fdopen(writing, "w") as out:
                json.dump(run(), out)
        finally:
            os._exit(0)  # nothing of what the parent was about to do
    os.close(writing)
    with os.fdopen(reading) as given:
        text = given.read()
    _, status = os.waitpid(child, 0)
    if not text and not os.WIFSIGNALED(status):
        raise RuntimeError("a process ended without an answer, and nothing ended it")
    return json.loads(text) if text else None


def run_tests(file: str, plugin: _Run) -> int:
    """Run tests of a file until the first fails; gives the exit code of pytest."""
    options = ["-x", "-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not long"]
    return pytest.main([*options, file], plugins=[plugin])


def baseline(project: Path) -> Baseline:
    """Run every test file by itself, unchanged, and import here what they import from elsewhere."""
    known = Baseline()
    measured = [str(project / "mentor_rules" / file) for file in FILES]

    def measure(file: str) -> Callable[[], Any]:
        def run() -> Any:
            coverage = Coverage(data_file=None, include=measured)
            coverage.start()
            plugin = _Run(switch=coverage.switch_context)
            code = run_tests(f"tests/{file}", plugin)
            coverage.stop()
            lines = [coverage.get_data().contexts_by_lineno(path) for path in measured]
            others = [
                name
                for name, module in sys.modules.items()
                if "site-packages" in (getattr(module, "__file__", None) or "")
            ]
            return code, plugin.failed, plugin.seconds, lines, others

        return run

    for file in TESTS:
        found: Any = in_child(project, measure(file)) or (-1, "", {}, [], [])
        code, failed, seconds, lines, others = found
        if code != SURVIVED:
            raise SystemExit(f"{file} fails by itself: {failed or code}")
        known.tests |= seconds
        for name, by_line in zip(FILES, lines, strict=True):
            for line, contexts in by_line.items():
                known.reaching[name].setdefault(int(line), set()).update(contexts)
        for name in others:
            with suppress(ImportError):
                import_module(name)
        print(f"{file}: {len(seconds)} tests, {sum(seconds.values()):.0f} s", flush=True)
    return known


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: a failed test, `import` or `ended`; of survivors nothing."""

    mutant: Mutant
    caught_by: str


def fates(drawn: Iterable[Mutant], project: Path, known: Baseline) -> Iterator[Fate]:
    """Run each mutant. What caught most in least time comes first."""
    caught: Counter[tuple[str, str]] = Counter()
    for mutant in drawn:
        of_file, reached = mutant.file, known.reached(mutant)
        worth = {
            test: (caught[of_file, test] + 0.2) / (known.tests[test] + 0.1)
            for test in known.of(mutant)
        }
        ranked = sorted(worth, key=lambda x: (x not in reached, -worth[x], x))
        by_file: dict[str, list[str]] = {}
        for test in ranked:
            by_file.setdefault(test.partition("::")[0], []).append(test)
        chosen = {test for some in by_file.values() for test in some[:MOST]}
        wanted = [test for test in ranked if test in chosen]
        caught_by = run_mutant(mutant, wanted, project, known) if wanted else ""
        caught[of_file, caught_by] += 1
        yield Fate(mutant, caught_by)


def run_mutant(mutant: Mutant, wanted: Sequence[str], project: Path, known: Baseline) -> str:
    """What catches a mutant: a test, `import` or `ended`; nothing if it survives."""
    path = project / "mentor_rules" / mutant.file
    original = path.read_text("utf-8")

    def run() -> Any:
        limit()
        sys.dont_write_bytecode = True
        plugin, code = _Run(passed_over=known.tests.__contains__), SURVIVED
        # To collect tests takes as long as to run them: file by file, the best ones first.
        for some in (wanted[:FIRST], wanted[FIRST:]):
            plugin.places = {test: at for at, test in enumerate(some)}
            for file in dict.fromkeys(test.partition("::")[0] for test in some):
                if code in (SURVIVED, pytest.ExitCode.NO_TESTS_COLLECTED):
                    code = run_tests(file, plugin)
        return code, plugin.failed, len(plugin.seconds)

    path.write_text(mutant.source, "utf-8")
    try:
        found = in_child(project, run)
    finally:
        path.write_text(original, "utf-8")
    if found is None:
        return "ended"
    code, failed, count = found
    if code in (SURVIVED, pytest.ExitCode.NO_TESTS_COLLECTED):
        if not count:
            raise SystemExit(f"no test was run for {mutant}")
        return ""
    return failed or "import"


# The answer ---------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw, run, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.code_mutation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutants", type=int, default=300)
    parser.add_argument("--only", default="")
    asked = parser.parse_args(arguments)
    made, same = all_mutants(), listed()
    possible = [one for one in made if asked.only in str(one)]
    if not possible:
        parser.error(f"no mutant has {asked.only}")
    drawn = random.Random(asked.seed).sample(possible, min(asked.mutants, len(possible)))
    print(f"{len(made)} mutants of {', '.join(FILES)}; {len(drawn)} drawn", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        shutil.copytree(ROOT, project, ignore=shutil.ignore_patterns(".*", "__pycache__", "build"))
        known = baseline(project)
        wrong = [f"listed, and no mutant: {key}" for key in same.keys() - {one.key for one in made}]
        by: Counter[str] = Counter()
        for fate in fates(drawn, project, known):
            is_same = fate.mutant.key in same
            kind = fate.caught_by if fate.caught_by in ("import", "ended") else "test"
            by[kind if fate.caught_by else "same" if is_same else "survived"] += 1
            if not fate.caught_by:
                print(f"\n{'same' if is_same else 'survived'}: {fate.mutant}", flush=True)
            if bool(fate.caught_by) == is_same:
                wrong.append(f"{'listed, and caught' if is_same else 'survived'}: {fate.mutant}")
    caught = by["test"] + by["import"] + by["ended"]
    print(
        f"\n{caught} of {len(drawn)} caught ({caught / len(drawn):.1%}): {by['test']} by a test, "
        f"{by['import']} on import, {by['ended']} ended; {by['same']} mean the same, "
        f"{by['survived']} survived"
    )
    print("\n\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
