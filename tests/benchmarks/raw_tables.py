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
from typing import NamedTuple

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
    if engine == "spark" and "pyspark" not in sys.modules:
        print(f"{way}: Spark was never asked", file=sys.stderr)
        sys.exit(NOT_THERE)


class Measured(NamedTuple):
    """The seconds of a run, those of the processors that it had, and the peak of its memory."""

    seconds: float
    busy: float
    peak: float


def measured(way: str, folder: Path, out: Path) -> Measured | None:
    """Measure a run in a process of its own, None where it is not there."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", __spec__.name, "run", way, folder, out])
    _, status, usage = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code == NOT_THERE:
        return None
    assert code == 0, (way, code)
    seconds = time.perf_counter() - started
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


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
        medians: dict[tuple[str, int], Measured] = {}
        print(f"{'way':<28}{'appointments':>14}{'s':>9}{'busy s':>9}{'a second':>12}{'MiB':>8}")
        for count in (most // 10, most):
            tables = folder / f"nation-{count}"
            if not tables.exists():
                write_nation(tables, count)
            found: dict[str, list[Measured]] = {way: [] for way in WAYS}
            for _ in range(rounds):
                for way in WAYS:
                    one = measured(way, tables, folder / f"out {way}")
                    if one is not None:
                        found[way].append(one)
            for way, ones in found.items():
                if not ones:
                    print(f"{way:<28}{count:>14,}{'not there':>12}")
                    continue
                seconds, busy = (statistics.median(one[at] for one in ones) for at in range(2))
                own = medians[way, count] = Measured(seconds, busy, max(one.peak for one in ones))
                rate = f"{count / seconds:>12,.0f}{own.peak:>8,.0f}"
                print(f"{way:<28}{count:>14,}{seconds:>9.1f}{busy:>9.1f}{rate}")
            if found["by hand"]:
                print(compare(folder / "out audit", folder / "out by hand"))
        for way in WAYS:
            if {(way, most), (way, most // 10)} <= set(medians):
                large, small, other = (
                    medians[key] for key in ((way, most), (way, most // 10), ("by hand", most))
                )
                print(
                    f"{way}: {large.seconds / small.seconds:.1f} times as long for ten times; "
                    f"{large.seconds / other.seconds:.2f} of by hand, busy "
                    f"{large.busy / other.busy:.2f}"
                )


if __name__ == "__main__":
    main(sys.argv[1:])
