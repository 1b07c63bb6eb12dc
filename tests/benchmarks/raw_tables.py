"""How fast a nation is judged from its raw tables, and in how much memory.

    python -m tests.benchmarks.raw_tables [APPOINTMENTS] [ROUNDS] [FOLDER]

Writes the tables of an invented nation (`tests.benchmarks.nation`; a million appointments unless
told) into FOLDER, or a temporary one, and a tenth of it beside them. `audit` judges both on
Polars, with what is flagged confirmed and not, and on DuckDB and Spark where they are there; each
run is a process of its own, of which the seconds and the peak of memory are printed. The
hand-written pipeline in Polars (`by_hand`) does the same work without the library: it reads the
same tables in buckets and gives both verdicts, which must be those of `audit` wherever a
dossier is plain.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from mentor_rules.audit import audit
from tests.benchmarks.nation import AS_OF, write_nation

WAYS = ("audit", "audit, flagged confirmed", "audit on DuckDB", "audit on Spark", "by hand")
NOT_THERE = 3


def run(way: str, folder: Path, out: Path) -> None:
    """Do one run in this process; exit NOT_THERE where a backend is not there."""
    if way == "by hand":
        from tests.benchmarks import by_hand

        by_hand.judge(folder, out)
        return
    engine = {"audit on DuckDB": "duckdb", "audit on Spark": "spark"}.get(way, "polars")
    confirm = "flagged" if way.endswith("confirmed") else "none"
    try:
        # An engine that is not there is refused by what is called, not by types.
        audit(folder, out, as_of=AS_OF, engine=engine, confirm=confirm, force=True)  # type: ignore[arg-type]
    except Exception as error:  # whatever keeps a backend from running
        print(f"{way}: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(NOT_THERE)


def measured(way: str, folder: Path, out: Path) -> tuple[float, float] | None:
    """Give the seconds and the peak MiB of a run, None where it is not there."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", __spec__.name, "run", way, folder, out])
    _, status, usage = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code == NOT_THERE:
        return None
    assert code == 0, (way, code)
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def compare(audited: Path, by_hand: Path) -> str:
    """Give how many appointments have the same verdicts by hand; others must be odd ones."""
    keys = ("appointment_id", "eligibility", "procedure")
    ours, theirs = (
        pl.scan_parquet(f"{folder}/results/*.parquet")
        .select(pl.col(name).cast(pl.String) for name in keys)
        .unique("appointment_id")
        .collect()
        for folder in (audited, by_hand)
    )
    both = ours.join(theirs, on="appointment_id", suffix=".other")
    same = {
        name: both.filter(pl.col(name) == pl.col(f"{name}.other")).height / ours.height
        for name in keys[1:]
    }
    assert all(share > 0.999 for share in same.values()), same
    return ", ".join(f"{name} the same for {share:.3%}" for name, share in same.items())


def main(arguments: Sequence[str] = ()) -> None:
    """Print seconds, rates, peaks of memory, growth and ratios."""
    if arguments and arguments[0] == "run":
        run(arguments[1], Path(arguments[2]), Path(arguments[3]))
        return
    most = int(arguments[0]) if arguments else 1_000_000
    rounds = int(arguments[1]) if len(arguments) > 1 else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(arguments[2]) if len(arguments) > 2 else Path(name)
        medians: dict[tuple[str, int], float] = {}
        print(f"{'way':<28}{'appointments':>14}{'s':>9}{'a second':>12}{'peak MiB':>10}")
        for count in (most // 10, most):
            tables = folder / f"nation-{count}"
            if not tables.exists():
                write_nation(tables, count)
            found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
            for _ in range(rounds):
                for way in WAYS:
                    one = measured(way, tables, folder / f"out {way}")
                    if one is not None:
                        found[way].append(one)
            for way, ones in found.items():
                if not ones:
                    print(f"{way:<28}{count:>14,}{'not there':>9}")
                    continue
                seconds = medians[way, count] = statistics.median(one[0] for one in ones)
                peak = max(one[1] for one in ones)
                print(
                    f"{way:<28}{count:>14,}{seconds:>9.1f}{count / seconds:>12,.0f}{peak:>10,.0f}"
                )
            if found["by hand"]:
                print(compare(folder / "out audit", folder / "out by hand"))
        for way in WAYS:
            if (way, most) in medians:
                growth = medians[way, most] / medians[way, most // 10]
                beside = medians[way, most] / medians["audit", most]
                print(f"{way}: {growth:.1f} times as long for ten times; {beside:.2f} of audit")


if __name__ == "__main__":
    main(sys.argv[1:])
