"""A result is made again from its dossier, or it is said why that cannot be."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mentor_rules import (
    Dossier,
    ReadingError,
    Replay,
    UsageError,
    check,
    load_rulebook,
    replay,
    with_changes,
)
from mentor_rules.source import rules_folder
from mentor_rules.texts import say
from mentor_rules.vocabulary import LANGUAGES
from tests import dossiers
from tests.forked import Commands, Ran
from tests.test_cli import DAY, DISTRICT, ROOT

AS_OF = date.fromisoformat(DAY[1])
CALENDAR = "date,kind,week\n2026-09-14,off,both\n"
IIN = "880215350126"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    with Commands(tmp_path_factory.mktemp("replay")) as commands:
        yield commands


@pytest.fixture
def run(server: Commands) -> "Run":
    return server.run


@pytest.fixture
def medium(tmp_path: Path) -> Path:
    """A dossier of every verdict, good rows and bad, in one file."""
    path = tmp_path / "dossier.json"
    path.write_text(json.dumps(dossiers.medium(), default=str), "utf-8")
    return path


def result_of(
    path: Path,
    *,
    mapping: Path | None = None,
    key: bytes | None = None,
    show_ids: bool = False,
    changes: bool = False,
    **options: Any,
) -> Path:
    """Write what `check` says of a dossier to a file beside it."""
    read = Dossier.read(path, mapping=mapping, key=key, show_ids=show_ids)
    report = check(read, as_of=AS_OF, **options)
    if changes:
        asked = {name: options[name] for name in options if name not in ("only", "confirm")}
        report = with_changes(report, read, **asked)
    result = path.parent / "result.json"
    result.write_text(report.to_json(), "utf-8")
    return result


Run = Callable[..., Ran]


def codes(found: Replay) -> list[str]:
    assert found.agrees is None
    return [obstacle.code for obstacle in found.obstacles]


@pytest.mark.parametrize(
    "options",
    [
        *({"language": language} for language in LANGUAGES),
        {"only": "eligibility"},
        {"only": "procedure", "confirm": "none"},
        {"confirm": "all"},
        {"readings": "strict", "settle": {"floor": "open", "ethics_silence": "open"}},
        {"changes": True, "language": "ru"},
    ],
)
def test_a_result_agrees_whatever_it_was_asked_for(options: dict[str, Any], medium: Path) -> None:
    assert replay(result_of(medium, **options), medium) == Replay(agrees=True)


def test_the_command_agrees_with_the_example_and_options_of_the_reader(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "папка"
    shutil.copytree(ROOT / "docs" / "examples" / "district", folder)
    posts = folder / "posts.csv"
    posts.write_text(posts.read_text("utf-8"), "utf-16")
    asked = ("--readings", "lenient", "--names", "--encoding", "utf-8")
    done = run("check", folder, *DAY, "--format", "json", *asked, "--out", tmp_path / "r.json")
    assert done.code == 1
    done = run("replay", tmp_path / "r.json", folder, "--lang", "kk")
    assert (done.code, done.stdout) == (0, say("replay", "agrees", "kk") + "\n")


# What stands in the way ---------------------------------------------------------------------------


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def test_another_dossier_is_told_even_if_it_says_the_same(medium: Path) -> None:
    result = result_of(medium)
    medium.write_text(medium.read_text("utf-8") + " ", "utf-8")
    assert codes(replay(result, medium)) == ["another_dossier"]


def test_another_version_is_told(medium: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = result_of(medium)
    monkeypatch.setattr("mentor_rules.replaying.package", lambda: "mentor-rules 99")
    [obstacle] = replay(result, medium, language="ru").obstacles
    assert obstacle.code == "another_package"
    assert "mentor-rules 99" in obstacle.text


def test_other_engines_are_told(medium: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = result_of(medium)
    monkeypatch.setattr("mentor_rules.judging.available", lambda: False)
    assert codes(replay(result, medium)) == ["another_engine"]


def test_a_rulebook_of_ones_own_is_asked_for_and_taken(
    run: Run, medium: Path, tmp_path: Path
) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(rules_folder() / "order_160", rules)
    order = rules / "order.toml"
    order.write_text(order.read_text("utf-8") + "\n# another\n", "utf-8")
    own = load_rulebook(rules)
    result = result_of(medium, rulebook=own)
    assert codes(replay(result, medium)) == ["another_rulebook"]
    assert replay(result, medium, rulebook=own).agrees
    assert run("replay", result, medium).code == 3
    assert run("replay", result, medium, "--rules", rules).code == 0


def test_a_calendar_file_is_asked_for_and_taken(medium: Path, tmp_path: Path) -> None:
    calendar = written(tmp_path / "calendar.csv", CALENDAR)
    other = written(tmp_path / "other.csv", CALENDAR.replace("14", "15"))
    same = written(tmp_path / "same.csv", CALENDAR.replace(",", ";"))
    result = result_of(medium, calendar=calendar)
    assert codes(replay(result, medium)) == ["another_calendar"]
    assert codes(replay(result, medium, calendar=other)) == ["another_calendar"]
    assert replay(result, medium, calendar=same).agrees
    rows = iter([{"date": "2026-09-14", "kind": "off", "week": "both"}])
    assert replay(result, medium, calendar=rows).agrees
    assert codes(replay(result_of(medium), medium, calendar=same)) == ["another_calendar"]


def test_a_mapping_file_is_asked_for_and_taken(medium: Path, tmp_path: Path) -> None:
    mapping = written(tmp_path / "mapping.toml", '[columns.schools]\n"№" = "school_id"\n')
    medium.write_text(medium.read_text("utf-8").replace('"school_id": "2"', '"№": "2"'), "utf-8")
    result = result_of(medium, mapping=mapping)
    assert codes(replay(result, medium)) == ["another_mapping"]
    assert replay(result, medium, mapping=mapping).agrees
    plain = result_of(medium)
    assert codes(replay(plain, medium, mapping=mapping)) == ["no_mapping"]


def with_an_iin(path: Path) -> Path:
    tables = dossiers.medium()
    for row in tables["teachers"] + tables["appointments"] + tables["quality"]:
        row.update({name: IIN for name, cell in row.items() if cell == "T1"})
    return written(path, json.dumps(tables, default=str))


def test_pseudonyms_need_the_key_that_they_were_made_with(run: Run, medium: Path) -> None:
    with_an_iin(medium)
    assert codes(replay(result_of(medium), medium)) == ["pseudonyms_for_once"]
    keyed = result_of(medium, key=b"one")
    assert IIN not in keyed.read_text("utf-8")
    assert codes(replay(keyed, medium)) == ["no_key"]
    assert codes(replay(keyed, medium, key=b"two")) == ["another_key"]
    assert replay(keyed, medium, key=b"one").agrees
    environment = {**os.environ, "MENTOR_RULES_KEY": "one"}
    assert run("replay", keyed, medium, environment=environment).code == 0
    shown = result_of(medium, show_ids=True)
    assert replay(shown, medium).agrees


def test_records_that_were_never_a_file_are_told(tmp_path: Path, medium: Path) -> None:
    report = check(Dossier.from_tables(dossiers.medium()), as_of=AS_OF)
    result = written(tmp_path / "r.json", report.to_json())
    assert codes(replay(result, medium)) == ["no_file"]


def test_all_that_stands_in_the_way_is_told_at_once(run: Run, medium: Path, tmp_path: Path) -> None:
    calendar = written(tmp_path / "calendar.csv", CALENDAR)
    result = result_of(medium, calendar=calendar)
    done = run("replay", result, DISTRICT, "--lang", "kk", "--format", "json")
    assert done.code == 3
    told = Replay.model_validate_json(done.stdout)
    assert codes(told) == ["another_calendar", "another_dossier"]
    done = run("replay", result, DISTRICT, "--lang", "kk")
    assert done.stdout.splitlines() == [
        say("replay", "cannot", "kk"),
        *(f"- {obstacle.text}" for obstacle in told.obstacles),
    ]


# What was changed ---------------------------------------------------------------------------------

Report = dict[str, Any]


def milder(report: Report) -> None:
    ineligible = (one for one in report["results"] if one["eligibility"] == "ineligible")
    next(ineligible)["eligibility"] = "eligible"


def shorter(report: Report) -> None:
    del report["results"][-1]


def unconfirmed(report: Report) -> None:
    report["run"]["confirmed_by"]["A1"] = ["closure"]


def quieter(report: Report) -> None:
    report["invalid"][0]["problem"] = "nothing"


def read_otherwise(report: Report) -> None:
    report["provenance"]["readings"] = {"floor": "upper"}


def on_another_day(report: Report) -> None:
    report["as_of"] = "2026-11-24"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (milder, "results[A13].eligibility"),
        (shorter, "results[A9]"),
        (unconfirmed, "run.confirmed_by.A1[1]"),
        (quieter, "invalid[0].problem"),
        (read_otherwise, "summary.eligibility.ineligible"),
    ],
)
def test_the_first_place_that_was_changed_is_told(
    change: Callable[[Report], None], path: str, medium: Path
) -> None:
    result = result_of(medium)
    changed = json.loads(result.read_text("utf-8"))
    change(changed)
    result.write_text(json.dumps(changed, ensure_ascii=False), "utf-8")
    found = replay(result, medium)
    assert found.agrees is False
    assert found.difference is not None
    assert found.difference.path == path
    assert found.difference.recorded != found.difference.found


def test_a_result_that_is_only_written_otherwise_does_not_agree(run: Run, medium: Path) -> None:
    result = result_of(medium)
    result.write_text(json.dumps(json.loads(result.read_text("utf-8")), indent=1), "utf-8")
    assert replay(result, medium) == Replay(agrees=False)
    done = run("replay", result, medium, "--lang", "ru")
    assert (done.code, say("replay", "only_written", "ru") in done.stdout) == (1, True)


def test_the_seconds_it_took_are_not_compared(medium: Path) -> None:
    result = result_of(medium)
    took = json.loads(result.read_text("utf-8"))["run"]["took_s"]
    text = result.read_text("utf-8").replace(f'"took_s":{took}', '"took_s":7.125')
    assert replay(written(result, text), medium).agrees


# What is no result --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"as_of": ' + b"9" * 10_000 + b"}",
        (ROOT / "docs" / "examples" / "expected.csv").read_bytes(),
    ],
)
def test_what_is_no_result_is_refused(content: bytes, tmp_path: Path) -> None:
    result = tmp_path / "r.json"
    result.write_bytes(content)
    with pytest.raises(ReadingError, match="not what check --format json writes"):
        replay(result, DISTRICT)


@pytest.mark.parametrize("change", [on_another_day, read_otherwise])
def test_a_day_or_a_reading_that_cannot_be_is_refused(
    change: Callable[[Report], None], medium: Path
) -> None:
    result = result_of(medium)
    changed = json.loads(result.read_text("utf-8"))
    change(changed)
    text = json.dumps(changed).replace("2026-11-24", "1899-01-01").replace('"upper"', '"higher"', 1)
    with pytest.raises(ReadingError, match="not what check"):
        replay(written(result, text), medium)


def test_what_other_commands_write_is_refused_with_the_reason(run: Run, tmp_path: Path) -> None:
    parquet = ROOT / "docs" / "examples" / "parquet"
    assert run("audit", parquet, *DAY, "--out", tmp_path / "out").code == 1
    done = run("replay", tmp_path / "out" / "run.json", DISTRICT, "--lang", "ru")
    assert (done.code, done.stdout) == (3, "")
    assert "audit" in done.stderr
    assert run("replay", tmp_path / "none.json", DISTRICT).code == 2
    with pytest.raises(UsageError):
        replay(tmp_path / "none.json", DISTRICT)
