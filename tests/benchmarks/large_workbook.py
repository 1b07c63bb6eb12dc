"""How long a large workbook takes, and how much memory.

    python -m tests.benchmarks.large_workbook [APPOINTMENTS]

Writes a seeded workbook of that many appointments (20,000 unless told) with their teachers and
quality rows into a temporary folder, checks it with full findings in a process of its own, and
prints seconds and peak memory.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from openpyxl import Workbook

from tests import generate


def write(path: Path, appointments: int) -> dict[str, int]:
    """Write the workbook; give the rows of each table."""
    book = Workbook(write_only=True)
    tables = generate.dossier(seed=7, appointments=appointments)
    for name, rows in tables.items():
        sheet = book.create_sheet(name)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        sheet.append(columns)
        for row in rows:
            sheet.append([row.get(column) for column in columns])
    book.save(path)
    return {name: len(rows) for name, rows in tables.items()}


def main() -> None:
    """Print rows, seconds and peak memory."""
    appointments = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.xlsx"
        print("rows:", write(path, appointments), f"file: {path.stat().st_size / 2**20:.1f} MiB")
        command = [str(Path(sys.executable).with_name("mentor-rules")), "check", str(path)]
        command += ["--as-of", "2026-11-23", "--format", "json", "--out", f"{folder}/report.json"]
        started = time.perf_counter()
        done = subprocess.run(command, check=False)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        size = Path(f"{folder}/report.json").stat().st_size / 2**20
        print(f"exit {done.returncode}; {seconds:.1f} s; peak {peak:.0f} MiB; JSON {size:.0f} MiB")


if __name__ == "__main__":
    main()
