"""How long both engines take for one case, and what the second costs beside the first.

    python -m tests.benchmarks.engines [CASES]

Judges the same generated cases (1,000 unless told) by `closure` and by `durable`, in turn, and
prints the median and the 99th percentile of both, and their ratio. Facts are computed before.
"""

import statistics
import sys
import time
from collections.abc import Callable

from mentor_rules.engines.opinion import Opinion
from tests.test_durable import both, cases, on_days


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """Give the median and the 99th percentile in microseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    return cuts[49] * 1e6, cuts[98] * 1e6


def main() -> None:
    """Print both latencies and their ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    asked = [case for seed in range(-(-count // 200)) for case in cases(seed, 250, 0)][:count]
    started = time.perf_counter()
    engines = both(0)
    print(f"{len(engines.rules)} rules; made in {time.perf_counter() - started:.3f} s")
    taken: dict[str, list[float]] = {"closure": [], "durable": []}
    for case in asked:
        on = on_days(case)
        judges: dict[str, Callable[..., Opinion]] = {
            "closure": engines.first,
            "durable": engines.second,
        }
        for name, judge in judges.items():
            started = time.perf_counter()
            judge(case[0], on)
            taken[name].append(time.perf_counter() - started)
    found = {name: percentiles(seconds) for name, seconds in taken.items()}
    for name, (median, high) in found.items():
        print(f"{name}: p50 {median:.0f} µs, p99 {high:.0f} µs over {len(asked)} cases")
    ratios = [found["durable"][place] / found["closure"][place] for place in range(2)]
    print(f"durable / closure: p50 {ratios[0]:.0f}, p99 {ratios[1]:.0f}")


if __name__ == "__main__":
    main()
