"""Coverage-guided fuzzing of one reader: `python -m tests.fuzz READER --minutes 10`.

READER is one of `tests.readers.READERS`; what is held stands there. Inputs that reach something
new are kept below `build/fuzz/READER/corpus`, findings beside it, each with what it raised; the
next run begins with them. Exit code 1: something was found.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

WORK = Path(__file__).resolve().parents[1] / "build" / "fuzz"
# What is led by coverage: what reads, and not what judges what was read.
READING = ("reading", "records", "headings", "vocabulary", "mapping", "dossier", "errors")
LED: Mapping[str, tuple[str, ...]] = {
    "csv": READING,
    "xlsx": (*READING, "report.workbook", "openpyxl"),
    "json": READING,
    "parquet": (*READING, "columns", "nation"),
    "rulebook": ("loading", "rulebook", "checks", "errors"),
    "calendar": ("calendar_data", "workdays", "calendar", "records", "errors"),
    "mapping": READING,
}
FOREIGN = frozenset({"openpyxl"})
MEMORY = 1500  # MB; what a run of hours keeps besides a file is libFuzzer's own
SECONDS = 20  # of the processor, for one input; a machine that is busy or halted takes longer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", choices=LED)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--input", type=Path, help="try this one input, and no other")
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.input is not None:
        _reader(asked.reader)[1](asked.input.read_bytes())
    elif asked.within:
        _fuzz(asked.reader, round(60 * asked.minutes))
    else:
        sys.exit(_watched(asked.reader, 60 * asked.minutes))


def _watched(name: str, seconds: float) -> int:
    """Fuzz in a process of its own, and begin anew where something kills it."""
    ends = time.monotonic() + seconds
    executions, reached = 0, "?"
    while (left := ends - time.monotonic()) > 5:
        command = [sys.executable, "-m", "tests.fuzz", name, "--within"]
        with subprocess.Popen(
            [*command, "--minutes", str(left / 60)], stderr=subprocess.PIPE, text=True
        ) as process:
            count = 0
            assert process.stderr is not None
            for line in process.stderr:
                sys.stderr.write(line)
                if match := re.match(r"#(\d+)\t.*(cov: \d+ ft: \d+)", line):
                    count, reached = int(match[1]), match[2]
                elif match := re.match(r"Done (\d+) runs", line):
                    count = int(match[1])
            executions += count
    findings = sorted((WORK / name / "findings").iterdir())
    print(f"{name}: {executions} executions, {reached}, {len(findings)} findings")
    for finding in findings:
        print(f"  {finding}")
    return 1 if findings else 0


def _reader(name: str) -> tuple[Any, Any]:
    """Give a reader, and what tries one input in an empty folder."""
    reader = import_module("tests.readers").READERS[name]

    def hold(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            reader.hold(data, Path(folder))

    return reader, hold


def _fuzz(name: str, seconds: int) -> None:
    import atheris

    led = [part if part in FOREIGN else f"mentor_rules.{part}" for part in LED[name]]
    with atheris.instrument_imports(include=led, enable_loader_override=False):
        reader, hold = _reader(name)
    corpus, findings = (WORK / name / part for part in ("corpus", "findings"))
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(reader.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)

    def try_one(data: bytes) -> None:
        began = time.process_time()
        try:
            hold(data)
            assert time.process_time() - began < SECONDS
        except BaseException as error:  # a panic of a library is no Exception
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            frames = traceback.extract_tb(error.__traceback__)[-3:]
            place = repr([type(error), *((frame.name, frame.lineno) for frame in frames)])
            file = findings / hashlib.sha256(place.encode()).hexdigest()[:12]
            if not file.exists():
                file.write_bytes(data)
                told = "".join(traceback.format_exception(error))
                file.with_suffix(".txt").write_text(told, "utf-8", errors="backslashreplace")

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)

        def raw(part: bytes) -> bytes:
            changed: bytes = atheris.Mutate(part, max(len(part) + 64, 64))
            return changed

        for _ in range(random.choice((1, 1, 1, 2, 4))):
            data = reader.mutate(data, random, raw)
        return data[:max_size]

    flags = {
        "max_total_time": seconds,
        "max_len": 2**18,
        "len_control": 0,
        "timeout": 100 * SECONDS,
        "report_slow_units": 100 * SECONDS,
        "rss_limit_mb": MEMORY,
        "artifact_prefix": f"{findings}/",
    }
    arguments = [sys.argv[0], *(f"-{flag}={value}" for flag, value in flags.items()), str(corpus)]
    atheris.Setup(arguments, try_one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
