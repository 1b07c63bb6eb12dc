"""How many terms a second: from the tables, one by one, and by other ways in the same run.

    python -m tests.benchmarks.calendar_terms [TERMS]

Counts five working days from TERMS seeded days (a million unless told) of 2020-2032. The other
ways, `holidays` and a loop over days, get a fiftieth of them. All must agree.
"""

import random
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta

from holidays.countries.kazakhstan import Kazakhstan

from mentor_rules.workdays import Calendar

DAYS = 5
ONE = timedelta(days=1)


def timed(name: str, terms: int, work: Callable[[], list[date] | list[int]]) -> float:
    """Print and give the terms a second of the best of three runs."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    print(f"{name:<34}{terms / best:>14,.0f} a second{best / terms * 1e6:>10.3f} µs each")
    return terms / best


def main() -> None:
    """Print the speed of each way."""
    terms = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    chance = random.Random(160)
    first, last = date(2020, 1, 1).toordinal(), date(2032, 12, 31).toordinal()
    ordinals = [chance.randrange(first, last) for _ in range(terms)]
    starts = [date.fromordinal(ordinal) for ordinal in ordinals]
    few = starts[: max(terms // 50, 1)]

    started = time.perf_counter()
    calendar = Calendar.load(week=5)
    print(f"making the tables: {time.perf_counter() - started:.2f} s")
    count, nth, before = calendar.count, calendar.nth, calendar.before
    deadline = calendar.deadline
    package = Kazakhstan(years=range(2019, 2034), language="en_US")

    def from_tables() -> list[int]:
        return [nth[count[start - before] + DAYS] for start in ordinals]

    def one_by_one() -> list[date]:
        return [deadline(start, DAYS).due for start in starts]

    def by_package() -> list[date]:
        return [package.get_nth_working_day(start, DAYS) for start in few]

    def by_loop() -> list[date]:
        found = []
        for start in few:
            day, left = start, DAYS
            while left:
                day += ONE
                left -= package.is_working_day(day)
            found.append(day)
        return found

    assert [date.fromordinal(due) for due in from_tables()] == one_by_one()
    assert by_package() == by_loop() == one_by_one()[: len(few)]

    tables = timed("from the tables, ordinals", terms, from_tables)
    single = timed("deadline(), date in, date out", terms, one_by_one)
    theirs = timed("holidays get_nth_working_day", len(few), by_package)
    loop = timed("a loop over holidays' working days", len(few), by_loop)
    print(f"tables to holidays {tables / theirs:,.0f}, to the loop {tables / loop:,.0f}")
    print(f"deadline() to holidays {single / theirs:,.0f}, to the loop {single / loop:,.0f}")


if __name__ == "__main__":
    main()
