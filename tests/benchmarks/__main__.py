"""All benchmarks, one after another; what each measures, its own page says.

    python -m tests.benchmarks [CASES] [APPOINTMENTS]

One case, then CASES from columns of facts and APPOINTMENTS from raw tables (a million of each
unless told). Run nothing beside it: only ratios within one run mean something.
"""

import sys
from collections.abc import Sequence

from tests.benchmarks import fact_columns, one_case, raw_tables


def main(arguments: Sequence[str] = ()) -> None:
    """Run all of them."""
    cases, appointments = [*arguments, *["1000000"] * 2][:2]
    told("One case")
    one_case.main()
    told("From columns of facts")
    fact_columns.main([cases])
    told("From raw tables")
    raw_tables.main([appointments])


def told(title: str) -> None:
    """Print a heading."""
    print(f"\n{title}\n{'-' * len(title)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
