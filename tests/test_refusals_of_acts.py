"""Loading refuses a broken rule about an act: one planted fault each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_refusals import cut, folder, plant, problem, problems, recheck

__all__ = ["folder"]  # the fixture

LEVEL = "plan/level_determined.toml"
DRAFTED = "plan/drafted.toml"
AGREED = "plan/agreed.toml"
APPROVED = "plan/approved.toml"
SIGNED = "plan/signed_in_order.toml"
PERIOD = "plan/one_academic_year.toml"
INTERIM = "reporting/interim.toml"
FORMED = "reserve/formed.toml"
SAME_SCHOOL = "appointment/same_school.toml"


def said(folder: Path) -> set[tuple[str, str]]:
    """Give where loading finds something wrong, and what."""
    return {(item.path, item.problem) for item in problems(folder)}


def test_a_rule_without_a_check_and_without_an_act_is_refused(folder: Path) -> None:
    path = folder / SAME_SCHOOL
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("check")]
    path.write_text("\n".join(lines), "utf-8")
    found = problem(SAME_SCHOOL, "check", "check is missing", "add check, or an [act]")
    assert found in problems(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "path", "text"),
    [
        (
            *(AGREED, 'dated_by = "starts_on"', 'dated_by = "ordered_on"'),
            *("dated_by", "an act is dated by starts_on"),
        ),
        (
            *(AGREED, 'weight   = "remediable"', 'weight   = "blocking"'),
            *("weight", "an act cannot block an appointment"),
        ),
        (AGREED, 'done = ["agreed_on"]', "", "act", "an act is either done or in_order"),
        (
            *(AGREED, 'done = ["agreed_on"]', 'done = ["agreed_on"]\nin_order = ["drafted_on"]'),
            *("act", "an act is either done or in_order"),
        ),
        (
            *(AGREED, 'done = ["agreed_on"]', 'done = ["agreed_at"]'),
            *("act.done", "no plan registers agreed_at"),
        ),
        (
            *(AGREED, 'done = ["agreed_on"]', 'done = ["agreed_on"]\nfrom = "starts_on"'),
            *("act", "from and term go together"),
        ),
        (
            *(AGREED, 'done = ["agreed_on"]', 'done = ["agreed_on"]\nuntil = "ends_on"'),
            *("act.until", "ends_on is no day that is always known"),
        ),
        (
            *(APPROVED, 'until = "approval_due"', 'until = "plan/drafting"'),
            *("act.until", "plan/drafting has no act"),
        ),
        (
            *(APPROVED, 'until = "approval_due"', 'until = "plan/signed_in_order"'),
            *("act.until", "plan/signed_in_order has no act"),
        ),
        (
            *(APPROVED, 'until = "approval_due"', 'until = "plan/approved"'),
            *("act.until", "the act of plan/approved runs from itself"),
        ),
        (
            *(APPROVED, 'until = "approval_due"', 'until = "plan/one_academic_year"'),
            *("act.until", "the act of plan/one_academic_year is due on no day"),
        ),
        (
            *(SIGNED, "[act.who]", 'until = "half_year_ends"\n[act.who]'),
            *("act.until", "until stands alone"),
        ),
        (
            *(INTERIM, "[act.who]", "judged_undone = true\n[act.who]"),
            *("act.judged_undone", "it is for a check beside an act without a due date"),
        ),
    ],
)
def test_an_act_that_makes_no_sense_is_refused(
    folder: Path, file: str, old: str, new: str, path: str, text: str
) -> None:
    plant(folder, file, old, new)
    assert (path, text) in said(folder)


@pytest.mark.parametrize(
    ("pattern", "new", "path", "text"),
    [
        ('from        = "starts_on"', 'from = "ends_on"', "act.from", "ends_on is no day that is "),
        ('term        = "term"', 'term = "terms"', "act.term", "no figure terms"),
        ('unit = "calendar days"', 'unit = "years"', "figures.term", "term is no number of days"),
        ("value = 10", "value = 0", "figures.term", "term is no number of days"),
        ("value = 10", "days = 10", "figures.term", "term is no number of days"),
        ('roll        = "roll"', "", "act.roll", "calendar days need it, and working days have "),
        ('term_starts = "term_start"', "", "act.term_starts", "calendar days need it, and work"),
        ('roll        = "roll"', 'roll = "forwards"', "act.roll", "forwards is none of it"),
        (
            *('term_starts = "term_start"', 'term_starts = "roll"'),
            *("act.term_starts", "to_working_day is none of it"),
        ),
    ],
)
def test_a_term_that_cannot_be_counted_is_refused(
    folder: Path, pattern: str, new: str, path: str, text: str
) -> None:
    plant(folder, LEVEL, pattern, new)
    assert any(place == path and what.startswith(text) for place, what in said(folder))


def test_working_days_have_no_use_for_a_roll(folder: Path) -> None:
    plant(folder, DRAFTED, "[act.who]", 'roll = "none"\n[act.who]')
    text = "calendar days need it, and working days have no use for it"
    found = problem(DRAFTED, "act.roll", text, "remove it")
    assert found in problems(folder)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (LEVEL, "late"),
        (LEVEL, "overdue"),
        (LEVEL, "pending"),
        (APPROVED, "late"),
        (AGREED, "breached"),
        (SIGNED, "breached"),
        (INTERIM, "not_applicable"),
    ],
)
def test_each_way_in_which_an_act_stands_has_its_message(
    folder: Path, file: str, message: str
) -> None:
    cut(folder, file, f"messages.{message}")
    text, remedy = f"no message for {message}", "write it in en, kk and ru"
    assert problems(folder) == (problem(file, f"messages.{message}", text, remedy),)


@pytest.mark.parametrize(
    ("fact", "file", "path"),
    [("agreed_on", AGREED, "act"), ("week", LEVEL, "act"), ("agreed_by", AGREED, "check")],
)
def test_an_act_without_a_document_that_settles_it_is_refused(
    folder: Path, fact: str, file: str, path: str
) -> None:
    cut(folder, "order.toml", f"documents.{fact}")
    found = problem(
        file,
        path,
        f"no document is named that settles {fact}",
        f"add [documents.{fact}] to order.toml",
    )
    assert found in problems(folder)


def test_facts_of_a_reserve_and_of_an_appointment_do_not_mix(folder: Path) -> None:
    recheck(folder, SAME_SCHOOL, "reserve_has_protocol")
    recheck(folder, FORMED, "mentor_in_school")
    found = said(folder)
    assert ("check", "reserve_has_protocol is a fact of a reserve") in found
    assert ("check", "mentor_in_school is a fact of an appointment") in found


def test_only_the_rules_of_the_reserve_are_dated_by_its_formation(folder: Path) -> None:
    plant(folder, FORMED, 'dated_by = "formed_on"', 'dated_by = "ordered_on"')
    plant(folder, SAME_SCHOOL, 'dated_by = "ordered_on"', 'dated_by = "formed_on"')
    assert said(folder) == {
        ("dated_by", "ordered_on dates no rule in the folder reserve"),
        ("dated_by", "formed_on dates no rule in the folder appointment"),
    }


def test_acts_that_run_from_each_other_are_refused(folder: Path) -> None:
    plant(folder, LEVEL, 'from        = "starts_on"', 'from = "plan/drafted"')
    assert any(text.endswith("runs from itself") for _, text in said(folder))


def test_the_day_of_an_act_is_filled_in_only_where_acts_stand_in_order(folder: Path) -> None:
    plant(folder, APPROVED, "approved the mentoring plan on {done}", "approved it on {approved_on}")
    plant(folder, SIGNED, "Drafted: {drafted_on}", "Drafted: {diagnosed_on}")
    found = said(folder)
    assert ("messages.satisfied.en", "no placeholder {approved_on}") in found
    assert ("messages.breached.en", "no placeholder {diagnosed_on}") in found
