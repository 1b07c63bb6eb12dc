"""The traps of durable-rules, and that the fences of the engine `durable` hold.

Where it is cheap a test also shows that the trap is real without the fence; what can hang or
kill a process does so in one of its own.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mentor_rules.engines import durable
from mentor_rules.engines.durable import Durable
from mentor_rules.engines.opinion import EngineFault
from mentor_rules.rulebook import DatedBy, Settled, bind
from tests import test_checks
from tests.rulebooks import bounds, choices, days, rulebooks
from tests.test_durable import RULEBOOK, Both, Case, both, cases, on_days

pytestmark = pytest.mark.skipif(
    not durable.available(), reason="durable-rules is not installed, or does not import"
)


@pytest.fixture(autouse=True)
def made_before_anything_is_patched() -> None:
    both(0)


# In a process of its own: the package as it is, but for the threads.
BARE = """
from durable import engine
class Host(engine.Host):
    def _run(self): pass
hits = []
def hit(fired): hits.append(fired)
def host(**conditions):
    made = Host()
    made.set_rulesets({"t": {n: {"all": [{"m": c}], "run": hit} for n, c in conditions.items()}})
    return made
def fact(**fields): return {"id": "1", "sid": "s", "kind": "case", **fields}
CASE = {"kind": "case"}
"""
HUNG, CRASHED = "hung", "crashed"


def bare(code: str, seconds: float = 30) -> str:
    """What the package does without the fences: what is printed last, or that it hung or died."""
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", BARE + code],
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            # glibc then fills new memory, so that what is not set up is never zero by luck.
            env={**os.environ, "MALLOC_PERTURB_": "85"},
        )
    except subprocess.TimeoutExpired:
        return HUNG
    if done.returncode < 0:
        return CRASHED
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@cache
def some_cases(count: int) -> list[Case]:
    return list(islice(cases(3, 150, 0), count))


# What the engine writes and asserts ---------------------------------------------------------------


class Watched:
    """All that goes to durable-rules while an engine is made and asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rulesets: dict[str, dict[str, Any]] = {}
        self.asserted: list[tuple[str, list[Mapping[str, Any]]]] = []
        self.deleted: list[tuple[str, str]] = []
        host = durable._host_class()
        set_rulesets, assert_facts = host.set_rulesets, host.assert_facts
        delete_state = host.delete_state

        def watch_rulesets(this: Any, rulesets: Any) -> None:
            self.rulesets |= deepcopy(rulesets)
            set_rulesets(this, rulesets)

        def watch_facts(this: Any, ruleset: str, facts: Any) -> Any:
            self.asserted.append((ruleset, deepcopy(facts)))
            return assert_facts(this, ruleset, facts)

        def watch_deleted(this: Any, ruleset: str, session: str) -> None:
            self.deleted.append((ruleset, session))
            delete_state(this, ruleset, session)

        monkeypatch.setattr(host, "set_rulesets", watch_rulesets)
        monkeypatch.setattr(host, "assert_facts", watch_facts)
        monkeypatch.setattr(host, "delete_state", watch_deleted)
        for forbidden in ("post", "post_batch", "retract_fact", "update_state"):
            monkeypatch.setattr(host, forbidden, None)


CLOSED = {
    *("satisfied", "breached", "unknown", "pending", "not_applicable", "not_in_force"),
    *("opening", "case", "finding", "combination", "group", "eligibility", "procedure"),
}


def named(condition: Mapping[str, Any]) -> list[str]:
    """The fields that a condition names; fails for a condition that is not of the few allowed."""
    [(operator, operand)] = condition.items()
    if not operator.startswith("$"):
        operator, operand = "==", condition
    assert operator in ("==", "$neq", "$gte", "$lt", "$lte")
    [(name, right)] = operand.items()
    assert not name.startswith("$")
    if isinstance(right, dict):
        assert operator in ("$lt", "$lte")
        assert list(right) == ["$m"]
        return [name, right["$m"]]
    if isinstance(right, str):
        assert right in CLOSED
        assert operator in ("==", "$neq")
    else:
        assert type(right) is int
    return [name]


def hold_the_fences(seen: Watched) -> None:
    fields: dict[tuple[str, str], set[str]] = {}
    guarded = Counter[tuple[str, str]]()
    for ruleset, rules in seen.rulesets.items():
        for rule in rules.values():
            # One message, so no join, no `$not` and no `$all` or `$any` of several.
            assert set(rule) == {"all", "cap", "run"}
            assert [list(message) for message in rule["all"]] == [["m"]]
            # With two parameters an action would not be waited for.
            assert rule["run"].__code__.co_argcount == 1
            [(operator, conditions)] = rule["all"][0]["m"].items()
            assert operator == "$and"
            [(guard, kind)] = conditions[0].items()
            assert guard == "kind"
            guarded[ruleset, kind] += 1
            for condition in conditions:
                fields.setdefault((ruleset, kind), set()).update(named(condition))
    assert max(guarded.values()) <= 64
    assert {ruleset for ruleset, kind in guarded if kind == "opening"} == set(seen.rulesets)
    for ruleset, facts in seen.asserted:
        assert len({fact["id"] for fact in facts}) == len(facts)
        for fact in facts:
            assert fields[ruleset, fact["kind"]] <= set(fact)
            assert len(fact) < 255
            assert fact["sid"] == "session"
            for name, value in fact.items():
                assert type(value) is int or name == "id" or value in {*CLOSED, "session"}
    opened = [ruleset for ruleset, facts in seen.asserted if facts[0]["kind"] == "opening"]
    assert seen.deleted == [(ruleset, "session") for ruleset in opened]


def test_the_engine_writes_and_asserts_only_what_the_package_bears(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One key in each dict; whole numbers and closed strings; all fields; every rule guarded."""
    seen = Watched(monkeypatch)
    settled = RULEBOOK.settle(dict.fromkeys(RULEBOOK.questions, "open"))
    engine = Durable([bind(rule, settled) for rule in RULEBOOK.rules], settled)
    for _ in range(3):
        engine.opinion([1] * 2 * len(engine.facts), dict.fromkeys(get_args(DatedBy), date.max))
    hold_the_fences(seen)


@settings(max_examples=40)
@given(rulebooks(), st.data())
def test_so_it_does_for_generated_rulebooks(files: Any, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        seen = Watched(monkeypatch)
        rulebook = files.load()
        settled = rulebook.settle(data.draw(choices(rulebook)))
        engine = Durable([bind(rule, settled) for rule in rulebook.rules], settled)
        engine.opinion(data.draw(bounds(engine.facts)), data.draw(days()))
        hold_the_fences(seen)


# Traps of conditions: the engine writes none of these, as the two tests above hold ----------------


@pytest.mark.parametrize(
    ("code", "happens"),
    [
        # `$nex` without a guard loops for ever: the package's own message about the session fits.
        ('host(a={"$nex": {"x": 1}}).assert_fact("t", fact())', HUNG),
        ('host(a={"$and": []}).assert_fact("t", fact())', HUNG),
        # A dict with two keys loses one: x is not 1.
        (
            'host(a={"kind": "case", "x": 1}).assert_fact("t", fact(x=2)); print(len(hits))',
            "1",
        ),
        (
            'host(a={"$and": [CASE, {"$or": [{"x": 1}, {"y": 1}]}]})'
            '.assert_fact("t", fact(x=1, y=1)); print(len(hits))',
            "2",
        ),
        # "9" >= 60, and true == 1.
        (
            'host(a={"$gte": {"x": 60}}, b={"y": 1}).assert_fact("t", fact(x="9", y=True));'
            "print(len(hits))",
            "2",
        ),
        # What is missing is not different.
        (
            'host(a={"$neq": {"x": 60}}, b=CASE).assert_fact("t", fact()); print(len(hits))',
            "1",
        ),
        (
            'made = Host(); made.set_rulesets({"t": {"a": {"all": [{"p": CASE}, '
            '{"n$not": {"kind": "bad"}}], "run": hit}}}); made.assert_fact("t", fact());'
            "print(len(hits))  # judged before anything bad could be asserted",
            "1",
        ),
        # Rules that only share a guard, and one too many of them.
        (
            "made = host(z=CASE, **{f'r{n}': {'$and': [CASE, {'$gte': {'x': n}}]} "
            "for n in range(1, 513)}); made.assert_fact('t', fact(x=0))",
            HUNG,
        ),
    ],
    ids=[
        *("no guard", "empty and", "two keys", "or", "coerced", "missing", "not"),
        "more than 511 rules under one guard",
    ],
)
def test_a_trap_of_conditions_is_real(code: str, happens: str) -> None:
    assert bare(code, 3 if happens == HUNG else 30) == happens


# Traps of sessions, facts and actions -------------------------------------------------------------


def test_deleting_a_session_in_which_nothing_fired_would_kill_the_process() -> None:
    code = """
made = host(a={"kind": "other"})
try: made.assert_fact("t", fact())
except Exception as error: print(type(error).__name__)
made.delete_state("t", "s")
print("deleted")
"""
    assert bare(code) == CRASHED
    opened = code.replace("try:", 'made.assert_fact("t", fact(id="0", kind="other"))\ntry:')
    assert bare(opened) == "deleted"


def test_a_fault_before_anything_fires_kills_no_process() -> None:
    """The engine opens each session with a fact of its own, in a call of its own."""
    code = """
from mentor_rules import load_rulebook
from mentor_rules.engines import durable
from mentor_rules.rulebook import bind
conclusions = durable._Network.conclusions
def of_no_kind(self, ruleset, kind, facts):
    return conclusions(self, ruleset, "no such kind", facts)
durable._Network.conclusions = of_no_kind
settled = load_rulebook().settle()
rules = [bind(rule, settled) for rule in load_rulebook().rules]
from datetime import date
days = dict.fromkeys(("ordered_on", "starts_on", "formed_on"), date.max)
for _ in range(3):
    engine = durable.Durable(rules, settled)
    try: engine.opinion([1] * 2 * len(engine.facts), days)
    except durable.EngineFault as fault: print(fault.cause)
"""
    assert bare(code) == "MessageNotHandledException"


def test_the_host_starts_no_thread_and_the_module_that_starts_two_is_not_imported() -> None:
    assert bare("import threading; engine.Host(); print(threading.active_count())") == "3"
    before = threading.active_count()
    for case in some_cases(10):
        both(0).second(case[0], on_days(case))
    Durable(both(0).rules, RULEBOOK.settle({}))
    assert threading.active_count() == before
    code = """
import sys
from mentor_rules.engines import durable
assert durable.available()
print("durable.lang" in sys.modules)
"""
    assert bare(code) == "False"


def test_names_with_one_hash_are_one_to_the_package() -> None:
    one, other = "eaxswr", "sefukl"
    assert durable._hash(one) == durable._hash(other)
    read = f"host(a={{'{one}': 1}}, b=CASE).assert_fact('t', fact({other}=1)); print(len(hits))"
    assert bare(read) == "2"
    shared = f"""
made = host(a=CASE)
made.assert_fact("t", fact(sid="{one}"))
print(len(made.get_facts("t", "{other}")))
"""
    assert bare(shared) == "1"
    with pytest.raises(EngineFault, match="two fields with one hash"):
        durable._expect_apart([one, other])


def test_an_event_would_be_consumed_and_the_same_content_refused() -> None:
    assert bare('host(a=CASE, b=CASE).post("t", fact()); print(len(hits))') == "1"
    twice = """
made = host(a=CASE)
made.assert_fact("t", {"sid": "s", "kind": "case"})
try: made.assert_fact("t", {"sid": "s", "kind": "case"})
except Exception as error: print(type(error).__name__)
"""
    assert bare(twice) == "MessageObservedException"
    [case] = some_cases(1)
    engine = both(0)
    assert engine.second(case[0], on_days(case)) == engine.second(case[0], on_days(case))


def test_what_is_given_to_the_package_is_changed_by_it_and_used_nowhere_else() -> None:
    code = """
given = {"t": {"a": {"all": [{"m": CASE}], "run": hit}}}
Host().set_rulesets(given)
print("run" in given["t"]["a"])
"""
    assert bare(code) == "False"
    [case] = some_cases(1)
    engines = [Durable(both(0).rules, RULEBOOK.settle({})) for _ in range(2)]
    first, second = (engine.opinion(case[0], on_days(case)) for engine in engines)
    assert first == second


def opinion_with(
    note: Callable[..., Callable[[Any], None]], monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The answer of an engine whose actions are other ones."""
    [case] = some_cases(1)
    monkeypatch.setattr(durable, "_note", note)
    engine = Durable(both(0).rules, RULEBOOK.settle({}))
    return engine.opinion(case[0], on_days(case))


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_an_action_that_raises_is_a_fault_and_its_words_go_nowhere(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    swallowed = """
def boom(fired): raise SystemExit("secret")
made = Host()
made.set_rulesets({"t": {"a": {"all": [{"m": CASE}], "run": boom}}})
print("secret" in made.assert_fact("t", fact())["exception"])
"""
    assert bare(swallowed) == "True"

    def note(hits: Any, conclusion: str) -> Callable[[Any], None]:
        def boom(fired: Any) -> None:
            raise error("secret")

        return boom

    with pytest.raises(EngineFault) as fault:
        opinion_with(note, monkeypatch)
    assert "secret" not in str(fault.value)
    assert fault.value.__suppress_context__ or fault.value.__context__ is None


def test_a_proof_whose_action_raises_does_not_leave_the_outcome_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All else goes on: only the state that the package hands back tells of it."""
    plain = durable._note

    def note(hits: Any, conclusion: str) -> Callable[[Any], None]:
        def boom(fired: Any) -> None:
            raise ValueError

        return boom if conclusion.isdigit() else plain(hits, conclusion)

    with pytest.raises(EngineFault, match="an action raised"):
        opinion_with(note, monkeypatch)


def test_an_action_that_forgets_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineFault, match="a fact was not read"):
        opinion_with(lambda hits, conclusion: lambda fired: None, monkeypatch)


def test_an_action_with_two_parameters_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package takes it for one that will call back, and drops what follows."""

    def note(hits: Any, conclusion: str) -> Any:
        return lambda fired, done: hits.extend((fact.id, conclusion) for fact in fired.m)

    with pytest.raises(EngineFault, match="actions were dropped"):
        opinion_with(note, monkeypatch)


def test_an_action_that_takes_ten_seconds_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package takes it for dead, and drops what follows; by its own clock, which may jump."""
    from durable import engine

    [case] = some_cases(1)
    with monkeypatch.context() as patched:
        patched.setattr(engine, "datetime", None)
        assert both(0).second(case[0], on_days(case)) == both(0).first(case[0], on_days(case))
    ticks = iter(range(0, 10**6, 11))
    monkeypatch.setattr(engine, "_unix_now", lambda: next(ticks))
    with pytest.raises(EngineFault, match="actions were dropped"):
        opinion_with(durable._note, monkeypatch)


def test_time_in_which_the_process_is_suspended_makes_no_action_late() -> None:
    from durable import engine

    before = engine._unix_now()
    time.sleep(0.5)
    assert engine._unix_now() - before < 0.4


def test_an_error_of_the_package_is_a_fault_told_by_its_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [case] = some_cases(1)
    engine = Durable(both(0).rules, RULEBOOK.settle({}))

    def broken(*given: Any) -> None:
        raise MemoryError("secret")

    with monkeypatch.context() as patched:
        patched.setattr(engine._network._host, "assert_facts", broken)
        with pytest.raises(EngineFault, match="MemoryError") as fault:
            engine.opinion(case[0], on_days(case))
    assert "secret" not in str(fault.value)
    # The next case is judged as if nothing had happened.
    assert engine.opinion(case[0], on_days(case)) == both(0).first(case[0], on_days(case))


def test_a_session_that_could_not_be_deleted_is_a_fault_of_the_next_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [case] = some_cases(1)
    engine = Durable(both(0).rules, RULEBOOK.settle({}))
    delete_state = engine._network._host.delete_state
    kept: list[str] = []

    def keep_the_first(ruleset: str, session: str) -> None:
        if kept:
            delete_state(ruleset, session)
        kept.append(session)

    monkeypatch.setattr(engine._network._host, "delete_state", keep_the_first)
    engine.opinion(case[0], on_days(case))
    with pytest.raises(EngineFault, match="MessageObservedException"):
        engine.opinion(case[0], on_days(case))
    assert engine.opinion(case[0], on_days(case)) == both(0).first(case[0], on_days(case))


def test_rules_that_the_package_refuses_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "_condition", lambda kind, way: {"$and": [{"kind": [kind]}]})
    with pytest.raises(EngineFault):
        Durable(both(0).rules, RULEBOOK.settle({}))


def test_two_outcomes_of_one_reading_are_a_fault() -> None:
    """A closed fact that can have no value at all would prove anything."""
    [case] = some_cases(1)
    empty = list(case[0])
    place = both(0).closure.facts.index(("mentor_is_mentee", ()))
    empty[2 * place : 2 * place + 2] = [0, 0]
    with pytest.raises(EngineFault, match="two outcomes"):
        both(0).second(empty, on_days(case))


def test_a_chain_that_breaks_off_or_forks_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    [case] = some_cases(1)
    for kind in ("finding", "combination", "group", "eligibility", "procedure"):
        for ways in (durable.NEVER, durable.ALWAYS):
            chain = {**durable.CHAIN, kind: dict.fromkeys(durable.CHAIN[kind], ways)}
            with monkeypatch.context() as patched:
                patched.setattr(durable, "CHAIN", chain)
                engine = Durable(both(0).rules, RULEBOOK.settle({}))
                with pytest.raises(EngineFault):
                    engine.opinion(case[0], on_days(case))


def test_without_the_package_the_engine_says_so() -> None:
    code = """
import sys
sys.modules["durable"] = None
from mentor_rules.engines import durable
from mentor_rules.engines.opinion import EngineFault
import mentor_rules
assert not durable.available()
try: durable.Durable([], mentor_rules.load_rulebook().settle())
except EngineFault as fault: print(fault.cause)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "ModuleNotFoundError"


# Limits -------------------------------------------------------------------------------------------


def test_rules_fields_and_sessions_beyond_the_limits_of_the_package_are_refused_by_it() -> None:
    many = """
rules = {f"r{n}": {"$and": [CASE, {"$gte": {"x": -n}}]} for n in range(70)}
try: host(**rules).assert_fact("t", fact(x=1))
except Exception as error: print(error)
"""
    assert bare(many).endswith("303")
    wide = """
try: host(a=CASE).assert_fact("t", fact(**{f"x{n}": 1 for n in range(300)}))
except Exception as error: print(error)
"""
    assert bare(wide).endswith("302")
    sessions = """
made = host(a=CASE)
try:
    for n in range(1100): made.assert_fact("t", fact(sid=str(n)))
except MemoryError: print(n)
"""
    assert bare(sessions) == "1024"


def test_more_rules_than_may_match_one_fact_are_parted() -> None:
    [case] = some_cases(1)
    rules = [*both(0).rules] * 10
    settled = RULEBOOK.settle({})
    found = Durable(rules, settled).opinion(case[0], on_days(case))
    assert found.outcomes == both(0).first(case[0], on_days(case)).outcomes * 10


WIDE = (
    "(category[validity] in {0} or post[duties] in {1})"
    " and (category_now[validity] in {0} or post_now[duties] in {1})"
    ' and not (period_closes_in in ["april", "may", "june"] and agreed_by != "other")'
    " and (quality[subject, period] >= 5 or ends_on <= starts_on < period_from)"
    ' and (interim_body == "other" or final_has_results)'
).format('["expert", "highest", "researcher", "master"]', '["none", "head"]')


@cache
def wide() -> Both:
    said = test_checks.Said(WIDE, lambda world: True)
    example = test_checks.Example(said, None, test_checks.FIGURES, ())
    settled = Settled(MappingProxyType({k: v[:1] for k, v in test_checks.READINGS.items()}), ())
    return Both([test_checks.as_bound(example)], settled)


@settings(max_examples=100)
@given(st.data())
def test_a_check_with_very_many_ways_to_be_proved_is_proved_in_steps(data: st.DataObject) -> None:
    engines = wide()
    assert engines.durable._steps.ways
    case, on = data.draw(bounds(engines.closure.facts)), data.draw(days())
    assert engines.second(case, on) == engines.first(case, on)


# Threads and memory -------------------------------------------------------------------------------


def test_eight_threads_give_the_serial_answers_and_none_is_left() -> None:
    asked = some_cases(60)
    settled = RULEBOOK.settle({})
    # Two engines: the lock is one for the whole package.
    engines = [both(0).durable, Durable(both(0).rules, settled)]
    serial = [engines[0].opinion(case[0], on_days(case)) for case in asked]
    before = threading.active_count()

    def ask(place: int) -> bool:
        case = asked[place % len(asked)]
        found = engines[place % 2].opinion(case[0], on_days(case))
        return found == serial[place % len(asked)]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8 * len(asked))))
    assert threading.active_count() == before


def resident() -> int:
    """The resident memory of this process in KiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def grown(count: int) -> tuple[int, int]:
    """Resident memory after the first thousand cases, and after all."""
    asked = some_cases(100)
    first = 0
    for number in range(count):
        case = asked[number % len(asked)]
        both(0).second(case[0], on_days(case))
        if number == 1000:
            gc.collect()
            first = resident()
    gc.collect()
    return first, resident()


needs_statm = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="tells memory only on Linux"
)


@needs_statm
def test_memory_stays_flat_over_more_cases_than_the_package_bears_sessions() -> None:
    first, last = grown(2500)
    assert last - first < 4096


@needs_statm
@pytest.mark.long
def test_memory_stays_flat_over_a_hundred_thousand_cases(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, last = grown(100_000)
    with capsys.disabled():
        print(f"\n100000 cases: {first} KiB after 1000, {last} KiB at the end")
    assert last - first < 4096


@needs_statm
def test_engines_that_are_let_go_give_back_their_memory() -> None:
    settled = RULEBOOK.settle({})
    sizes = []
    for _ in range(3):
        for _ in range(30):
            Durable(both(0).rules, settled)
        gc.collect()
        sizes.append(resident())
    assert sizes[-1] - sizes[0] < 4096
