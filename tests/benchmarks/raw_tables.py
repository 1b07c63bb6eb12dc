"""How fast a nation is judged from its raw tables, and in how much memory.

    python -m tests.benchmarks.raw_tables [APPOINTMENTS] [ROUNDS] [FOLDER]

Writes the tables of an invented nation (`tests.benchmarks.nation`; a million appointments unless
told) into FOLDER, or a temporary one, and a tenth of it beside them. `audit` judges both on
Polars, with what is flagged confirmed and not, and on DuckDB and Spark where they are there; each
run is a process of its own, of which the seconds and the peak of memory are printed. The
hand-written pipeline in Polars (`by_hand`) does the same work without the library: from the same
tables, in buckets, it gives the same columns, odd rows and schools without a candidate, which must
be those of `audit` wherever a dossier is plain.
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
    """Give how many appointments are told alike by hand, in the column that is the least alike.

    Left out are those that `audit` judges one by one. By hand the same schools have no candidate,
    and the same rows are odd but for those that contradict another.
    """
    ours = pl.read_parquet(f"{audited}/results/judged-*.parquet")
    theirs = pl.read_parquet(f"{by_hand}/results/*.parquet")
    assert ours.schema == theirs.schema
    both = ours.join(
        theirs, on="appointment_id", how="left", suffix=" by hand", maintain_order="left"
    )
    same = {
        name: both[name].eq_missing(both[f"{name} by hand"]).sum() / ours.height
        for name in ours.columns[1:]
    }
    lowest = min(same, key=lambda name: same[name])
    assert same[lowest] > 0.99999, {name: share for name, share in same.items() if share < 1}
    short, own_short = (
        pl.read_parquet(folder / "summary.parquet").filter(by="school")
        for folder in (audited, by_hand)
    )
    assert short.equals(own_short), (short, own_short)
    row = pl.col("row").cast(pl.Int64)
    # What contradicts another row is told without a column.
    odd = pl.read_parquet(audited / "invalid.parquet").drop_nulls("column").select("table", row)
    own_odd = pl.concat(
        pl.read_parquet(by_hand / f"{name}.parquet").select("table", row)
        for name in ("invalid", "dangling")
    )
    assert set(odd.iter_rows()) == set(own_odd.iter_rows())
    return (
        f"every column the same for {same[lowest]:.3%} at least ({lowest}), "
        f"{short.height:,} schools without a candidate, {own_odd.n_unique():,} odd rows"
    )


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
