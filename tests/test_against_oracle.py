"""The library against an independent oracle that starts from the records."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from mentor_rules import Dossier, check
from tests import generate, oracle

AS_OF = date(2026, 11, 23)
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
    },
    {"reserve_only": "bars_reserve_only", "subject": "any", "acting_post": "performs_duties"},
)
# Beyond satisfied, breached and unknown; and what a rule cannot have, whatever is recorded.
REACHABLE = {
    "eligibility verdict": {"eligible", "ineligible", "depends", "undetermined", "not_judged"},
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
    seed: int, appointments: int, settled: dict[str, str]
) -> tuple[list[str], Counter[str]]:
    """Give where library and oracle differ on one generated dossier, and the outcomes met."""
    raw = generate.dossier(seed, appointments)
    expected = oracle.judge(raw, as_of=AS_OF.isoformat(), settled=settled)
    report = check(Dossier.from_tables(raw), as_of=AS_OF, readings=settled)
    found = {result.appointment_id: result for result in report.results}
    problems = [] if set(found) == set(expected) else [f"seed {seed}: other appointments"]
    shares: Counter[str] = Counter()
    for appointment, wanted in expected.items():
        result = found[appointment]
        where = f"seed {seed} {settled} {appointment}"
        shares[f"eligibility verdict: {result.eligibility}"] += 1
        if result.eligibility != wanted["eligibility"]:
            problems.append(f"{where}: {result.eligibility}, oracle {wanted['eligibility']}")
        by_rule: dict[str, Any] = wanted["rules"]
        if by_rule and {finding.rule for finding in result.findings} != set(by_rule):
            problems.append(f"{where}: other rules")
        for finding in result.findings:
            shares[f"{finding.rule}: {finding.outcome}"] += 1
            other = by_rule[finding.rule]
            readings = {
                frozenset(reading.when.items()): reading.outcome for reading in finding.readings
            }
            same = finding.outcome == other["outcome"] and (
                readings == other["readings"] or finding.outcome == "not_in_force"
            )
            if not same:
                problems.append(f"{where} {finding.rule}: {finding.outcome}, {other['outcome']}")
    return problems, shares


def test_library_and_oracle_agree_on_a_hundred_thousand_generated_appointments(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shares = [Counter[str]() for _ in SETTLED]
    for seed in range(204):
        choice = seed % len(SETTLED)
        problems, own = differences(seed, 500, SETTLED[choice])
        assert not problems, problems[:5]
        shares[choice] += own
    totals = [
        sum(count for name, count in own.items() if name.startswith("eligibility verdict"))
        for own in shares
    ]
    assert sum(totals) >= 100_000
    names = sorted({name for own in shares for name in own})
    percent = {
        name: [100 * own[name] / total for own, total in zip(shares, totals, strict=True)]
        for name in names
    }
    with capsys.disabled():
        print(f"\n{sum(totals)} generated appointments, seeds 0 to 203; % per choice of readings:")
        for name in names:
            print(f"  {name}: {' '.join(f'{share:5.1f}' for share in percent[name])}")
    for name, found in percent.items():
        rule, _, outcome = name.partition(": ")
        assert outcome not in UNREACHABLE.get(rule, set()), name
        assert max(found) >= 2, name
    for rule in {name.partition(": ")[0] for name in names}:
        for outcome in REACHABLE.get(rule, {"satisfied", "breached", "unknown"}):
            assert f"{rule}: {outcome}" in percent, (rule, outcome)


def test_the_oracle_notices_a_planted_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fact that is wrong by one step in one place does not pass unseen."""
    from mentor_rules import facts

    monkeypatch.setattr(facts, "YEARS_COUNTED", 2)
    problems = [text for seed in range(3) for text in differences(seed, 300, {})[0]]
    assert problems
