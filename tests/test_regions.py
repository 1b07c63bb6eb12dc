"""How facts are cut into cells, and which of them can be together."""

from __future__ import annotations

from datetime import date

import pytest

from mentor_rules.checks import parse_check
from mentor_rules.facts import SPECS, FactId
from mentor_rules.regions import Regions, states

DAY = date(2026, 9, 1)
YEARS: FactId = ("category_years", ())


@pytest.mark.parametrize(
    ("check", "cells"),
    [
        ("category_years >= 5", [(0, 4), (5, 120)]),
        ("5 <= category_years", [(0, 4), (5, 120)]),
        ("category_years < 5", [(0, 4), (5, 120)]),
        ("category_years > 5", [(0, 5), (6, 120)]),
        ("category_years <= 5", [(0, 5), (6, 120)]),
        ("category_years == 5", [(0, 4), (5, 5), (6, 120)]),
        ("category_years != 5", [(0, 4), (5, 5), (6, 120)]),
        ("2 <= category_years < 5", [(0, 1), (2, 4), (5, 120)]),
        ("category_years >= 0", [(0, 120)]),
        ("category_years < 121", [(0, 120)]),
    ],
)
def test_a_number_is_cut_where_a_comparison_turns(check: str, cells: list[tuple[int, int]]) -> None:
    (axis,) = Regions({}, DAY, [parse_check(check)]).axes([YEARS])
    assert list(axis.cells) == cells


def test_closed_values_that_no_check_tells_apart_share_a_cell() -> None:
    check = parse_check('period_closes_in in ["may", "june"]')
    (axis,) = Regions({}, DAY, [check]).axes([("period_closes_in", ())])
    values = SPECS["period_closes_in"].values
    assert [values[first] for first, _ in axis.cells] == ["earlier", "may", "july"]


def test_days_that_are_not_compared_have_places_of_their_own() -> None:
    checks = [parse_check("ends_on < period_from"), parse_check("mentee_first_taught_on > ends_on")]
    facts: list[FactId] = [(name, ()) for name in ("ends_on", "period_from", "half_year_ends")]
    regions = Regions({}, DAY, checks)
    assert [len(axis.cells) for axis in regions.axes(facts)] == [5, 5, 3]
    assert [len(axis.cells) for axis in regions.axes([*facts, ("mentee_first_taught_on", ())])] == [
        *(7, 7, 3, 7)
    ]


def test_what_is_expired_was_once_awarded_at_any_height_and_what_is_valid_at_its_own() -> None:
    valid, once = ("category", ("must_be_valid",)), ("category", ("once_awarded",))
    every = [
        f'category[{key}] == "{value}"'
        for key in ("must_be_valid", "once_awarded")
        for value in SPECS["category"].values
    ]
    axes = Regions({}, DAY, [parse_check(check) for check in every]).axes([valid, once])
    values = SPECS["category"].values
    together = {(values[one], values[other]) for one, other in states(axes, known=True)}
    assert ("expired", "none") in together
    assert ("expired", "master") in together
    assert ("researcher", "master") in together
    assert ("master", "researcher") not in together


def test_the_lowest_year_is_never_above_the_mean() -> None:
    lowest, mean = ("quality", ("mentored", "each_year")), ("quality", ("any", "mean"))
    checks = [parse_check(f"quality[{', '.join(keys)}] >= 6000") for _, keys in (lowest, mean)]
    axes = Regions({}, DAY, checks).axes([lowest, mean])
    assert set(states(axes)) == {(0, 0), (0, 1), (1, 1), (2, 2)}
