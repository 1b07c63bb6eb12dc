"""What must hold of any dossier."""

import json
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentor_rules import (
    CategoryPeriod,
    Dossier,
    Post,
    QualityYear,
    School,
    Teacher,
    check,
    check_candidate,
    load_rulebook,
)
from mentor_rules.acts import FACTS
from mentor_rules.cases import CaseError, as_case
from mentor_rules.facts import INVARIANTS, PRESUMED, SPECS
from mentor_rules.texts import has
from mentor_rules.vocabulary import CATEGORY, ETHICS, POST
from tests import generate

ON = date(2026, 9, 1)
YEARS = ("2023/24", "2024/25", "2025/26")
OPPOSITE = {"eligible": "ineligible", "ineligible": "eligible"}
RANK = {"ineligible": 0, "depends": 1, "undetermined": 1, "eligible": 2}
LIVE = {
    "floor": ("lower", "upper"),
    "period": ("mean", "each_year"),
    "acting_post": ("holds_post", "performs_duties"),
}

figures = st.none() | st.sampled_from([0, 49, 50, 59, 60, 61, 69, 70, 71, 100])
kinds = st.sampled_from([None, "ordinary", "small_complement"])
categories = st.sampled_from([None, "none", "highest", "expert", "researcher", "master"])
findings_of_ethics = st.sampled_from([None, "observed", "breached", "pending"])
near_days = st.none() | st.integers(-2, 2).map(lambda days: ON + timedelta(days=days))
posts = st.none() | st.lists(
    st.fixed_dictionaries(
        {
            "post": st.sampled_from(["head", "deputy_head"]),
            "acting": st.sampled_from([None, "yes", "no"]),
            "since": st.none() | st.just(ON - timedelta(days=1)),
        }
    ),
    max_size=2,
)
candidates = st.fixed_dictionaries(
    {
        "kind": kinds,
        "category": categories,
        "category_from": near_days,
        "ethics": findings_of_ethics,
        "ethics_on": near_days,
        "figures": st.tuples(figures, figures, figures),
        "posts": posts,
        "subject": st.sampled_from([None, "физика", "химия"]),
    }
)


def verdict(person: dict[str, Any], **options: Any) -> str:
    rows = [
        QualityYear(teacher_id="T1", subject="физика", school_year=year, percent=figure)
        for year, figure in zip(YEARS, person["figures"], strict=True)
    ]
    held = person["posts"]
    return check_candidate(
        Teacher(
            teacher_id="T1",
            school_id="S1",
            category=person["category"],
            category_from=person["category_from"],
            ethics=person["ethics"],
            ethics_on=person["ethics_on"],
        ),
        School(school_id="S1", kind=person["kind"]),
        on=ON,
        subject=person["subject"],
        quality=rows,
        posts=None if held is None else [Post(teacher_id="T1", **row) for row in held],
        **options,
    ).eligibility


@given(candidates, st.integers(0, 2), st.integers(0, 100))
def test_a_higher_quality_never_makes_eligibility_worse(
    person: dict[str, Any], place: int, higher: int
) -> None:
    before = person["figures"][place]
    if before is None or higher <= before:
        return
    raised = list(person["figures"])
    raised[place] = higher
    assert RANK[verdict({**person, "figures": tuple(raised)})] >= RANK[verdict(person)]


@given(candidates, st.data())
def test_supplying_what_is_missing_never_turns_a_certain_verdict_round(
    person: dict[str, Any], data: st.DataObject
) -> None:
    # What is assumed where nothing is stated (ethics observed, dates of a category) is left out.
    before = verdict(person)
    supplied = dict(person)
    if person["kind"] is None:
        supplied["kind"] = data.draw(st.sampled_from(["ordinary", "small_complement"]))
    if person["category"] is None and person["category_from"] is None:
        supplied["category"] = data.draw(st.sampled_from(["expert", "researcher", "master"]))
    if person["posts"] is None:
        supplied["posts"] = data.draw(st.sampled_from([[], [{"post": "head", "acting": "no"}]]))
    supplied["figures"] = tuple(
        data.draw(st.integers(0, 100)) if figure is None else figure for figure in person["figures"]
    )
    if before in OPPOSITE:
        assert verdict(supplied) == before


@given(candidates, st.sampled_from(sorted(LIVE)), st.integers(0, 1))
def test_settling_a_reading_never_turns_a_certain_verdict_round(
    person: dict[str, Any], question: str, place: int
) -> None:
    before = verdict(person)
    after = verdict(person, readings={question: LIVE[question][place]})
    if before in OPPOSITE:
        assert after == before


@given(candidates)
def test_depends_means_that_fully_settled_readings_part_and_none_is_open(
    person: dict[str, Any],
) -> None:
    settled = {
        verdict(person, readings={"floor": floor, "period": period, "acting_post": acting})
        for floor in LIVE["floor"]
        for period in LIVE["period"]
        for acting in LIVE["acting_post"]
    }
    expected = settled.pop() if len(settled) == 1 else ""
    if not expected:
        expected = "undetermined" if "undetermined" in settled else "depends"
    assert verdict(person) == expected


@given(candidates)
def test_the_lenient_profile_is_never_harder_than_the_strict_one(person: dict[str, Any]) -> None:
    lenient, strict = (verdict(person, readings=name) for name in ("lenient", "strict"))
    assert RANK[lenient] >= RANK[strict]


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(seed: int, shuffler: random.Random) -> None:
    raw = generate.dossier(seed, 40)
    mixed = {table: shuffler.sample(rows, len(rows)) for table, rows in raw.items()}
    answers = []
    for tables in (raw, mixed):
        found = check(Dossier.from_tables(tables), as_of=ON, confirm="none")
        report = json.loads(found.to_json())
        answers.append([report["results"], report["schools"], report["summary"]])
    assert answers[0] == answers[1]


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(seed: int, shuffler: random.Random) -> None:
    dossier = Dossier.from_tables(generate.dossier(seed, 30))
    rulebook = load_rulebook()
    mixed = replace(rulebook, rules=tuple(shuffler.sample(rulebook.rules, len(rulebook.rules))))
    one, other = (check(dossier, as_of=ON, rulebook=book) for book in (rulebook, mixed))
    assert (one.results, one.summary) == (other.results, other.summary)


@settings(max_examples=30)
@given(
    st.lists(figures, min_size=3, max_size=3),
    st.lists(figures, min_size=3, max_size=3),
    st.sampled_from(["", "mathematics", "physics", "biology"]),
    st.sampled_from([[], ["mathematics"], ["mathematics", "physics", "history"]]),
)
def test_the_declared_invariants_between_facts_hold(
    maths: list[int | None], physics: list[int | None], subject: str, taught: list[str]
) -> None:
    quality = {
        name: ["missing" if figure is None else 100 * figure for figure in stated]
        for name, stated in (("mathematics", maths), ("physics", physics))
    }
    case = as_case({"quality": quality, "subject": subject, "subjects": taught})
    for (small, keys), (large, other_keys) in INVARIANTS:
        if small == "quality":
            one, other = FACTS[small](case, *keys), FACTS[large](case, *other_keys)
            assert one.lo <= other.lo
            assert one.hi <= other.hi


EXPIRED = SPECS["category"].bit("expired")
days = st.dates(date(2020, 9, 1), date(2027, 12, 31))
perhaps_a_day = st.none() | days


@settings(max_examples=200)
@given(
    days,
    perhaps_a_day,
    st.sampled_from([None, *CATEGORY.codes]),
    perhaps_a_day,
    perhaps_a_day,
    st.lists(
        st.fixed_dictionaries(
            {
                "category": st.sampled_from(CATEGORY.codes),
                "from": days,
                "until": st.just(date(2028, 1, 1)) | st.none(),
            }
        ),
        max_size=3,
    ),
    st.sampled_from([None, *ETHICS.codes]),
    perhaps_a_day,
    st.none()
    | st.lists(
        st.fixed_dictionaries(
            {
                "post": st.sampled_from(POST.codes),
                "acting": st.sampled_from([None, "yes", "no"]),
                "since": perhaps_a_day,
            }
        ),
        max_size=2,
        unique_by=lambda row: row["post"],
    ),
)
def test_the_declared_invariants_of_days_and_closed_facts_hold(
    on: date,
    starts_on: date | None,
    category: str | None,
    since: date | None,
    until: date | None,
    categories: list[dict[str, Any]],
    ethics: str | None,
    ethics_on: date | None,
    posts: list[dict[str, Any]] | None,
) -> None:
    given = {
        "on": on,
        "as_of": date(2027, 3, 1),
        "starts_on": starts_on,
        "category": category,
        "category_from": since,
        "category_until": until if since is None or until is None or since <= until else None,
        "categories": categories,
        "ethics": ethics,
        "ethics_on": ethics_on,
    }
    try:
        case = as_case(given if posts is None else given | {"posts": posts})
    except CaseError:
        return  # rows that contradict each other, which is no case
    for (small, keys), (large, other_keys) in INVARIANTS:
        one, other = FACTS[small](case, *keys), FACTS[large](case, *other_keys)
        spec = SPECS[small]
        if spec.kind != "set":
            assert one.lo <= other.lo
            assert one.hi <= other.hi
        elif {one.lo.bit_count(), other.lo.bit_count()} == {1} and one.lo != EXPIRED:
            assert one.lo <= other.lo
    for (presumed, keys), (left_open, other_keys), value in PRESUMED:
        one, other = FACTS[presumed](case, *keys), FACTS[left_open](case, *other_keys)
        taken = one.lo == SPECS[presumed].bit(value) and other.lo == SPECS[presumed].everything
        assert one.lo == other.lo or taken


def test_every_declared_fact_has_a_function_and_a_label_and_no_other() -> None:
    assert set(FACTS) == set(SPECS)
    assert all(has("fact", name) for name in SPECS)


@pytest.mark.parametrize(
    ("percents", "options", "expected"),
    [
        ((60, 60, 60), {}, "depends"),
        (("60.00",) * 3, {"floor": "lower"}, "eligible"),
        ((60, 60, 60), {"floor": "upper"}, "ineligible"),
        (("59.99",) * 3, {}, "ineligible"),
        ((59, 60, 61), {}, "depends"),
        ((59, 60, 61), {"period": "each_year"}, "ineligible"),
        ((59, 60, 61), {"floor": "upper"}, "ineligible"),
        ((59, 60, 61), {"period": "mean", "floor": "lower"}, "eligible"),
        ((40, 75, None), {}, "undetermined"),
        ((40, 75, None), {"period": "each_year"}, "ineligible"),
        ((30, 35, None), {}, "ineligible"),
        ((72, 73, 74), {}, "eligible"),
    ],
)
def test_the_examples_that_everybody_asks_about(
    percents: tuple[Any, ...], options: dict[str, str], expected: str
) -> None:
    person: dict[str, Any] = {
        "kind": "ordinary",
        "category": "researcher",
        "category_from": None,
        "ethics": None,
        "ethics_on": None,
        "figures": percents,
        "posts": [],
        "subject": None,
    }
    assert verdict(person, readings=options) == expected
    if percents == (72, 73, 74):
        assert verdict({**person, "kind": None}) == "eligible"


def test_an_unknown_category_does_not_hide_a_quality_that_is_too_low() -> None:
    rows = [
        QualityYear(teacher_id="T1", subject="физика", school_year=year, percent=Decimal(percent))
        for year, percent in zip(YEARS, (40, 41, 42), strict=True)
    ]
    answer = check_candidate(
        Teacher(teacher_id="T1", school_id="S1"),
        School(school_id="S1", kind="ordinary"),
        on=ON,
        quality=rows,
        posts=[],
    )
    outcomes = {finding.rule: finding.outcome for finding in answer.findings}
    assert answer.eligibility == "ineligible"
    assert outcomes["eligibility/quality_of_knowledge"] == "breached"
    assert outcomes["eligibility/qualification_category"] == "unknown"


def test_a_head_who_teaches_is_barred_and_the_rest_is_shown_as_met() -> None:
    rows = [
        QualityYear(teacher_id="T1", subject="физика", school_year=year, percent=Decimal(90))
        for year in YEARS
    ]
    answer = check_candidate(
        Teacher(teacher_id="T1", school_id="S1"),
        School(school_id="S1", kind="ordinary"),
        on=ON,
        quality=rows,
        posts=[Post(teacher_id="T1", post="head")],
        categories=[CategoryPeriod(teacher_id="T1", category="master", from_=date(2022, 1, 1))],
    )
    outcomes = {finding.rule: finding.outcome for finding in answer.findings}
    assert answer.eligibility == "ineligible"
    assert outcomes.pop("eligibility/excluded_posts") == "breached"
    assert set(outcomes.values()) == {"satisfied"}
