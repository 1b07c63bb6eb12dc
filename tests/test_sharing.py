"""One rulebook and one dossier, many threads and processes: everyone gets the same answers."""

import asyncio
import json
import multiprocessing
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from datetime import date
from decimal import Decimal
from enum import Enum
from itertools import cycle, islice
from types import BuiltinFunctionType, FunctionType, MappingProxyType
from typing import Any

import pytest
from pydantic import ValidationError

from mentor_rules import (
    Appointment,
    Dossier,
    MentoringPlan,
    Post,
    QualityYear,
    Rulebook,
    School,
    Teacher,
    check,
    check_candidate,
    check_plan,
    load_rulebook,
)
from mentor_rules.engines.durable import available
from mentor_rules.loading import builtin_rulebook
from mentor_rules.vocabulary import LANGUAGES
from tests import dossiers

THREADS = 32
READINGS = ("strict", {"floor": "upper"})


def checked(seed: int, rulebook: Rulebook | None = None, dossier: Dossier | None = None) -> str:
    """Give a whole report but for its seconds, of a choice that depends on the seed."""
    report = check(
        dossier or Dossier.from_tables(dossiers.medium()),
        as_of=dossiers.AS_OF,
        readings=READINGS[seed % len(READINGS)],
        rulebook=rulebook,
        language=LANGUAGES[seed % 3],
        confirm="all" if seed % 6 == 0 else "none",
    )
    told = json.loads(report.to_json())
    del told["run"]["took_s"]
    return json.dumps(told)


def candidate(seed: int, rulebook: Rulebook | None = None) -> str:
    taught: dict[str, Any] = {
        "teacher_id": "T1",
        "subject": "физика",
        "percent": Decimal(55 + seed % 20),
    }
    years = [QualityYear(**taught, school_year=year) for year in dossiers.YEARS]
    return check_candidate(
        Teacher(teacher_id="T1", school_id="S1", category=("master", "expert")[seed % 2]),
        School(school_id="S1", kind="ordinary"),
        on=dossiers.ORDERED,
        quality=years,
        posts=[Post(teacher_id="T1", post="head")] if seed % 3 else [],
        rulebook=rulebook,
        confirm="all" if seed % 8 == 0 else "none",
    ).to_json()


def plan(seed: int, rulebook: Rulebook | None = None) -> str:
    return check_plan(
        MentoringPlan(appointment_id="A1", level_determined_on=date(2026, 9, 8 + seed % 8)),
        Appointment(
            appointment_id="A1",
            school_id="S1",
            mentor_id="T1",
            mentee_id="T2",
            ordered_on=dossiers.ORDERED,
        ),
        School(school_id="S1", week=5 + seed % 2),
        as_of=dossiers.AS_OF,
        rulebook=rulebook,
        confirm="all" if seed % 8 == 0 else "none",
    ).to_json()


def alone(ask: Callable[..., str], seeds: range) -> list[str]:
    return [ask(seed) for seed in seeds]


@pytest.mark.parametrize(("ask", "times"), [(checked, 1), (candidate, 2), (plan, 2)])
def test_thirty_two_threads_get_the_answers_of_one(ask: Callable[..., str], times: int) -> None:
    assert available()  # the second engine takes part
    seeds = range(THREADS * times)
    rulebook = load_rulebook()  # nothing is kept yet of this one
    begin = threading.Barrier(THREADS)

    def together(seed: int) -> str:
        if seed < THREADS:
            begin.wait()
        return ask(seed, rulebook)

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(together, seeds))
    differ = 6 if ask is checked else len(seeds)  # then all is asked again
    assert found == [*islice(cycle(alone(ask, seeds[:differ])), len(seeds))]
    assert len(set(found)) >= 4


def test_threads_share_one_dossier_whose_look_ups_are_not_made_yet() -> None:
    shared = Dossier.from_tables(dossiers.medium())
    begin = threading.Barrier(THREADS)

    def together(seed: int) -> str:
        begin.wait()
        return checked(2 * seed + 1, dossier=shared)

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(together, range(THREADS)))
    assert found == [*islice(cycle(found[:3]), THREADS)]
    assert found[:3] == [checked(2 * seed + 1) for seed in range(3)]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_give_the_answers_of_one(method: str) -> None:
    seeds = list(range(8))
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        found = [list(pool.map(ask, seeds)) for ask in (candidate, plan)]
    assert found == [[ask(seed) for seed in seeds] for ask in (candidate, plan)]


def test_tasks_of_an_event_loop_get_the_answers_of_one() -> None:
    async def together() -> list[str]:
        return await asyncio.gather(*(asyncio.to_thread(plan, seed) for seed in range(16)))

    assert asyncio.run(together()) == alone(plan, range(16))


def test_answers_do_not_hang_on_what_was_asked_before() -> None:
    asked = [(ask, seed) for ask in (candidate, plan) for seed in range(6)]
    first = {(ask.__name__, seed): ask(seed, load_rulebook()) for ask, seed in asked}
    for seed in range(2):
        random.Random(seed).shuffle(asked)
        rulebook = load_rulebook()
        assert {(ask.__name__, seed): ask(seed, rulebook) for ask, seed in asked} == first


# A rulebook cannot be changed --------------------------------------------------------------------

_PLAIN = (str, bytes, int, float, date, type, Enum, FunctionType, BuiltinFunctionType, type(None))
_FIXED = (tuple, frozenset, MappingProxyType)


def within(thing: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Everything that can be reached from a thing, each with the way there."""
    if isinstance(thing, _PLAIN) or id(thing) in seen:
        return
    seen.add(id(thing))
    yield path, thing
    if isinstance(thing, MappingProxyType | dict):
        parts = [(f"{path}[{key!r}]", value) for key, value in thing.items()]
    elif isinstance(thing, tuple | frozenset | list | set):
        parts = [(f"{path}[]", value) for value in thing]
    else:
        parts = [(f"{path}.{name}", getattr(thing, name)) for name in attributes(thing)]
    for way, part in parts:
        yield from within(part, way, seen)


def attributes(thing: Any) -> list[str]:
    slots = [name for kind in type(thing).__mro__ for name in vars(kind).get("__slots__", ())]
    names = [*vars(thing)] if hasattr(thing, "__dict__") else []
    return [name for name in (*names, *slots) if not name.startswith("__")]


@pytest.mark.parametrize("settled", [False, True])
def test_nothing_that_hangs_on_a_rulebook_can_be_changed(settled: bool) -> None:
    rulebook = load_rulebook()
    tried = 0
    for path, thing in within(rulebook.settle() if settled else rulebook, "rulebook", set()):
        if isinstance(thing, _FIXED):
            continue
        assert not isinstance(thing, dict | list | set | bytearray), path
        for name in attributes(thing):
            with pytest.raises((FrozenInstanceError, ValidationError, AttributeError, TypeError)):
                setattr(thing, name, getattr(thing, name))
            tried += 1
    assert tried > (1 if settled else 5000)


def test_the_built_in_rulebook_is_one_for_all() -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda _: builtin_rulebook(), range(THREADS)))
    assert {rulebook.sha256 for rulebook in found} == {load_rulebook().sha256}
