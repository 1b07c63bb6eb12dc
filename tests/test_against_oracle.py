"""The library against an independent oracle that starts from the records."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from mentor_rules import Dossier, Finding, check
from mentor_rules.engines import durable
from tests import generate, oracle

# One in the middle of things; stage 1 ending; just after; after the school year.
AS_OFS = (date(2026, 11, 23), date(2026, 9, 14), date(2026, 9, 28), date(2027, 6, 10))
SETTLED: tuple[dict[str, str], ...] = (
    {},
    {
        "subject": "open",
        "expired_category": "open",
        "ethics_silence": "open",
        "reserve_only": "open",
    },
    {
        "floor": "lower",
        "period": "mean",
        "acting_post": "holds_post",
        "expired_category": "once_awarded",
        "subject": "every",
        "ethics_silence": "must_be_confirmed",
        "roll": "none",
        "plan_term_covers": "approval",
    },
    {
        "reserve_only": "bars_reserve_only",
        "subject": "any",
        "acting_post": "performs_duties",
        "plan_term_covers": "open",
        "term_start": "same_day",
        "final_report_due": "school_year_end",
    },
)
# Every choice of readings on every day.
CHOICES = [(settled, as_of) for as_of in AS_OFS for settled in SETTLED]
# Beyond satisfied, breached and unknown; and what a rule cannot have, whatever is recorded.
REACHABLE = {
    "eligibility verdict": {"eligible", "ineligible", "depends", "undetermined", "not_judged"},
    "procedure verdict": {
        *("compliant", "breached", "pending", "depends", "undetermined", "not_judged"),
    },
    **{
        rule: {"satisfied", "breached", "unknown", "pending"}
        for rule in ("plan/agreed", "plan/signed_in_order", "plan/one_academic_year")
    },
    **{
        rule: {"satisfied", "breached", "unknown", "pending", "disputed"}
        for rule in ("plan/level_determined", "plan/drafted", "plan/approved", "reporting/final")
    },
    "reporting/interim": {"satisfied", "breached", "unknown", "pending", "not_applicable"},
    "reporting/interim_form": {"satisfied", "breached", "unknown", "pending", "not_applicable"},
    "eligibility/quality_of_knowledge": {"satisfied", "breached", "unknown", "disputed"},
    "eligibility/excluded_posts": {"satisfied", "breached", "unknown", "disputed"},
    "eligibility/qualification_category": {"satisfied", "breached", "unknown", "disputed"},
    "appointment/still_qualified": {"satisfied", "breached", "unknown", "disputed"},
    "appointment/not_self": {"satisfied", "breached"},
}
UNREACHABLE = {
    "eligibility/pedagogical_ethics": {"disputed"},  # silence is satisfied or unknown
    "appointment/not_self": {"unknown", "disputed"},  # both ids are required
}


def differences(
    seed: int, appointments: int, settled: dict[str, str], as_of: date, confirm: Any = "none"
) -> tuple[list[str], Counter[str]]:
    """Give where library and oracle differ on one generated dossier, and the outcomes met."""
    raw = generate.dossier(seed, appointments)
    expected = oracle.judge(raw, as_of=as_of.isoformat(), settled=settled)
    report = check(Dossier.from_tables(raw), as_of=as_of, readings=settled, confirm=confirm)
    found = {result.appointment_id: result for result in report.results}
    problems = [] if set(found) == set(expected) else [f"seed {seed}: other appointments"]
    problems += [f"seed {seed} {key}: {fault}" for key, fault in report.run.faults.items()]
    shares: Counter[str] = Counter()
    for appointment, wanted in expected.items():
        result = found[appointment]
        where = f"seed {seed} {as_of} {settled} {appointment}"
        for kind in ("eligibility", "procedure"):
            verdict = getattr(result, kind)
            shares[f"{kind} verdict: {verdict}"] += 1
            if verdict != wanted[kind]:
                problems.append(f"{where}: {verdict}, oracle {wanted[kind]}")
        by_rule: dict[str, Any] = wanted["rules"]
        if by_rule and {finding.rule for finding in result.findings} != set(by_rule):
            problems.append(f"{where}: other rules")
        for finding in result.findings:
            shares[f"{finding.rule}: {finding.outcome}"] += 1
            told, other = told_of(finding), by_rule[finding.rule]
            for name in told.keys() & other.keys():
                if finding.outcome == "not_in_force" and name != "outcome":
                    continue  # no reading is shown of what is not in force
                if told[name] != other[name]:
                    problems.append(f"{where} {finding.rule} {name}: {told[name]}, {other[name]}")
    reserves = oracle.judge_reserve(raw, as_of=as_of.isoformat(), settled=settled)
    for school in report.schools:
        groups = reserves.get(school.school_id, [])
        for rule in ("reserve/formed", "reserve/only_qualified"):
            outcomes = [one.outcome for one in school.findings if one.rule == rule]
            shares.update(f"{rule}: {outcome}" for outcome in outcomes)
            if outcomes != [group[rule] for group in groups]:
                problems.append(f"seed {seed} {school.school_id} {rule}: {outcomes}, {groups}")
    return problems, shares


def told_of(finding: Finding) -> dict[str, Any]:
    """What a finding says, in the oracle's shape."""
    readings = {frozenset(one.when.items()): one for one in finding.readings}
    return {
        "outcome": finding.outcome,
        "readings": {key: one.outcome for key, one in readings.items()},
        "due": {key: one.due for key, one in readings.items()},
        "provisional": {key: one.provisional for key, one in readings.items()},
        "done": finding.done,
        "days_late": finding.days_late,
        "latest": finding.latest is True,
    }


@pytest.mark.parametrize(
    "seeds", [16, pytest.param(208, marks=pytest.mark.long)], ids=["8 thousand", "104 thousand"]
)
def test_library_and_oracle_agree_on_generated_appointments(
    seeds: int, capsys: pytest.CaptureFixture[str]
) -> None:
    shares = [Counter[str]() for _ in CHOICES]
    for seed in range(seeds):
        choice = seed % len(CHOICES)
        problems, own = differences(seed, 500, *CHOICES[choice])
        assert not problems, problems[:5]
        shares[choice] += own
    names = sorted({name for own in shares for name in own})
    totals = [Counter[str]() for _ in CHOICES]
    for own, total in zip(shares, totals, strict=True):
        for name, count in own.items():
            total[name.partition(": ")[0]] += count
    judged = sum(total["eligibility verdict"] for total in totals)
    assert judged >= seeds * 480
    percent = {
        name: [
            100 * own[name] / max(total[name.partition(": ")[0]], 1)
            for own, total in zip(shares, totals, strict=True)
        ]
        for name in names
    }
    with capsys.disabled():
        print(f"\n{judged} generated appointments, seeds 0 to {seeds - 1}; % per readings and day:")
        for name in names:
            print(f"  {name}: {' '.join(f'{share:5.1f}' for share in percent[name])}")
    for name, found in percent.items():
        rule, _, outcome = name.partition(": ")
        assert outcome not in UNREACHABLE.get(rule, set()), name
        assert max(found) >= 2, name
    for rule in {name.partition(": ")[0] for name in names}:
        for outcome in REACHABLE.get(rule, {"satisfied", "breached", "unknown"}):
            assert f"{rule}: {outcome}" in percent, (rule, outcome)


@pytest.mark.long
@pytest.mark.skipif(not durable.available(), reason="durable-rules does not run here")
def test_both_engines_agree_with_the_oracle_on_its_whole_grid() -> None:
    """What the second engine does not confirm would be a fault, and so a difference."""
    for seed in range(208):
        problems, _ = differences(seed, 500, *CHOICES[seed % len(CHOICES)], confirm="all")
        assert not problems, problems[:5]


def test_the_oracle_notices_a_planted_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fact that is wrong by one step in one place does not pass unseen."""
    from mentor_rules import facts

    monkeypatch.setattr(facts, "YEARS_COUNTED", 2)
    problems = [text for seed in range(3) for text in differences(seed, 300, {}, AS_OFS[0])[0]]
    assert problems
