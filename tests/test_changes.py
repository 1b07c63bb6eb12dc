"""What would change a verdict: every way is judged anew on the tables themselves."""

import csv
import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import combinations
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mentor_rules import Change, Changes, Dossier, Report, UsageError, Way, check, find_changes
from mentor_rules.changes import with_changes
from mentor_rules.records import TABLES, build_record, column_value, subject_key
from mentor_rules.result import ChangedCell
from mentor_rules.schema import result_schema
from mentor_rules.vocabulary import Language
from tests import forked, generate
from tests.dossiers import AS_OF, ORDERED, Row, Tables, plain

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
OPEN = {"ineligible", "depends", "undetermined"}
READ = {"schools", "teachers", "categories", "posts", "quality", "appointments"}
LANGUAGES: tuple[Language, ...] = ("en", "kk", "ru")


# The tables themselves, changed as a person would ---------------------------------------------


def district() -> Tables:
    tables: Tables = {}
    for path in sorted((EXAMPLES / "district").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            tables[path.stem] = list(csv.DictReader(file))
    return tables


def copied(tables: Mapping[str, Sequence[Row]]) -> Tables:
    return {name: [dict(row) for row in rows] for name, rows in tables.items()}


def is_so(table: str, row: Row, where: Mapping[str, str]) -> bool:
    """Tell whether a row that can be read holds the cells that name it."""
    if any(str(row.get(name)) != text for name, text in where.items() if name.endswith("_id")):
        return False
    known = {name: cell for name, cell in row.items() if name in columns_of(table)}
    record, _ = build_record(table, None, known)
    if record is None:
        return False
    for column, text in where.items():
        value = column_value(record, column)
        same = subject_key if column == "subject" else str
        if value is None or same(str(value)) != same(text):
            return False
    return True


@cache
def columns_of(table: str) -> set[str]:
    return {info.alias or name for name, info in TABLES[table].model_fields.items()}


def bad_columns(tables: Tables) -> dict[tuple[str, int], set[str]]:
    """The cells that cannot be read, and those in which rows of one key disagree."""
    found: dict[tuple[str, int], set[str]] = {}
    invalid = Dossier.from_tables(tables).invalid
    for row in invalid:
        if row.row is not None and row.spoils:
            own = found.setdefault((row.table, row.row), set())
            if row.column is not None:
                own.add(row.column)
            else:
                alike = [r for r in invalid if r.table == row.table and r.key == row.key]
                rows = [tables[r.table][r.row - 1] for r in alike if r.row is not None]
                own |= {name for one in rows for name in one if one.get(name) != rows[0].get(name)}
                own |= {name for name in rows[0] if any(name not in one for one in rows)}
    return found


def written(
    tables: Mapping[str, Sequence[Row]],
    changes: Sequence[Change],
    pick: int = 0,
    values: Mapping[int, str] | None = None,
) -> Tables:
    """The tables with every cell of some changes written; row numbers begin with 1.

    `values` says otherwise for cells by their place among all.
    """
    result = copied(tables)
    bad = bad_columns(result) if any(c.rows for one in changes for c in one.cells) else {}
    gone: list[tuple[str, int]] = []
    cells = [(cell, change) for change in changes for cell in change.cells]
    made: dict[tuple[object, ...], list[Row]] = {}
    for place, (cell, change) in enumerate(cells):
        rows = result.setdefault(cell.table, [])
        value = (values or {}).get(place) or (
            cell.values[min(pick, len(cell.values) - 1)] if cell.values else ""
        )
        if cell.rows:
            for number in cell.rows:
                row = rows[number - 1]
                if cell.column is None:
                    gone.append((cell.table, number))
                    continue
                for column in bad.pop((cell.table, number), set()):
                    row.pop(column, None)
                row.update(cell.where)
                row[cell.column] = value
            continue
        if cell.column is None:
            assert not any(is_so(cell.table, row, cell.where) for row in rows)
            continue
        key = (id(change), cell.table, tuple(cell.where.items()))
        if key not in made:  # once a cell is written, the row may be named so no more
            found = [] if cell.new else [row for row in rows if is_so(cell.table, row, cell.where)]
            if not found:
                found = [dict(cell.where)]
                rows += found
            made[key] = found
        for row in made[key]:
            row[cell.column] = value
    for table, number in sorted(gone, reverse=True):
        del result[table][number - 1]
    return result


def settled(changes: Sequence[Change]) -> dict[str, str]:
    return {name: reading for change in changes for name, reading in change.reading.items()}


def in_order(changes: Sequence[Change]) -> list[Change]:
    """A row that stands for nothing yet must be there before its other cells are written."""
    return sorted(changes, key=lambda one: not any(cell.rows for cell in one.cells))


def verdict(
    tables: Mapping[str, Sequence[Row]],
    appointment_id: str,
    changes: Sequence[Change] = (),
    pick: int = 0,
    *,
    as_of: date = AS_OF,
    values: Mapping[int, str] | None = None,
) -> str:
    tables = of_one(tables, appointment_id)
    after = written(tables, in_order(changes), pick, values)
    dossier = Dossier.from_tables(after, key=b"test")
    report = check(
        dossier, as_of=as_of, settle=settled(changes), only="eligibility", confirm="none"
    )
    return next(r.eligibility for r in report.results if r.appointment_id == appointment_id)


def of_one(tables: Mapping[str, Sequence[Row]], appointment_id: str) -> Tables:
    """The tables with one appointment only, and nothing that no blocking rule reads."""
    result = copied({name: rows for name, rows in tables.items() if name in READ})
    own = [row for row in result["appointments"] if row.get("appointment_id") == appointment_id]
    return {**result, "appointments": own}


def changes_of(
    tables: Mapping[str, Sequence[Row]], *, as_of: date = AS_OF, language: Language = "en"
) -> Report:
    dossier = Dossier.from_tables(tables, key=b"test")
    report = check(dossier, as_of=as_of, only="eligibility", confirm="none")
    return with_changes(report, dossier, language=language)


@cache
def example() -> Report:
    return changes_of(district())


def ways(report: Report) -> Iterator[tuple[str, Way]]:
    for result in report.results:
        for way in result.changes.ways if result.changes else ():
            yield result.appointment_id, way


EXAMPLE_WAYS = [
    pytest.param(appointment, way, id=f"{appointment}-{number}")
    for number, (appointment, way) in enumerate(ways(example()))
]


# The example district -------------------------------------------------------------------------


@pytest.mark.parametrize(("appointment", "way"), EXAMPLE_WAYS)
def test_each_way_of_the_example_makes_the_appointment_eligible(appointment: str, way: Way) -> None:
    offered = max((len(cell.values) for one in way.changes for cell in one.cells), default=1)
    for pick in range(max(offered, 1)):
        assert verdict(district(), appointment, way.changes, pick) == "eligible"


@pytest.mark.parametrize(("appointment", "way"), EXAMPLE_WAYS)
def test_no_fewer_changes_of_a_way_of_the_example_do(appointment: str, way: Way) -> None:
    for count in range(len(way.changes)):
        for fewer in combinations(way.changes, count):
            assert verdict(district(), appointment, fewer) != "eligible"


@pytest.mark.parametrize(("appointment", "way"), EXAMPLE_WAYS)
def test_a_figure_is_the_smallest_with_two_decimals_and_more_does_too(
    appointment: str, way: Way
) -> None:
    cells = [cell for change in in_order(way.changes) for cell in change.cells]
    figures = {
        place: Decimal(cell.values[0].rstrip("%"))
        for place, cell in enumerate(cells)
        if cell.bound == "at_least" and cell.column == "percent"
    }
    for amount in set(figures.values()):
        own = [place for place, figure in figures.items() if figure == amount]
        less = {place: f"{amount - Decimal('0.01')}%" for place in own}
        more = dict.fromkeys(own, "100")
        assert verdict(district(), appointment, way.changes, values=less) != "eligible"
        assert verdict(district(), appointment, way.changes, values=more) == "eligible"


@pytest.mark.parametrize(("appointment", "way"), EXAMPLE_WAYS)
def test_a_new_order_is_told_from_the_earliest_day_on(appointment: str, way: Way) -> None:
    order = next((one for one in way.changes if one.kind == "order"), None)
    if order is None or order.on is None:
        return
    eve = order.on - timedelta(1)
    if eve <= AS_OF:
        assert eve == AS_OF
        return
    [cell] = [cell for cell in order.cells if cell.column == "ordered_on"]
    cells = [one for change in in_order(way.changes) for one in change.cells]
    values = {cells.index(cell): eve.isoformat()}
    assert verdict(district(), appointment, way.changes, values=values) != "eligible"


def test_only_what_is_not_eligible_and_was_judged_gets_changes() -> None:
    for result in example().results:
        assert (result.changes is not None) == (result.eligibility in OPEN)


def test_the_example_says_what_the_pages_promise() -> None:
    told = {result.appointment_id: result.changes for result in example().results}

    def steps(appointment: str) -> list[list[str]]:
        changes = told[appointment]
        assert changes is not None
        return [[one.kind for one in way.changes] for way in changes.ways]

    assert steps("A011") == []  # a breach of ethics before the order
    assert steps("A024") == []  # mentor and mentee are one person
    assert steps("A006") == [["document"], ["event", "order"]]
    assert steps("A008") == [["event", "order"]]
    assert steps("A014") == [["document"], ["event", "order"]]
    assert ["question"] in steps("A016")
    assert steps("A034") == [["order"]]  # the post has ended by now
    assert steps("A030") == [["event", "event", "order"]]
    quality = told["A020"]
    assert quality is not None
    [first, *_] = quality.ways
    again, figure, order = first.changes  # the category ends before that day
    assert again.cells[0].column == "category"
    assert {cell.values for cell in figure.cells} == {("70",)}
    assert [cell.where["school_year"] for cell in figure.cells] == ["2026/27", "2027/28", "2028/29"]
    assert order.on == date(2029, 5, 26)
    assert [(past.rule, past.later) for past in quality.past] == [
        ("eligibility/quality_of_knowledge", True)
    ]
    for appointment in ("A011", "A024"):
        changes = told[appointment]
        assert changes is not None
        assert [past.later for past in changes.past] == [False]


# No stated record is contradicted ----------------------------------------------------------------


def assert_nothing_stated_is_contradicted(tables: Tables, way: Way) -> None:
    for change in way.changes:
        if change.kind != "document":
            continue  # a correction, or what comes later, and said to be so
        for cell in change.cells:
            rows = tables.get(cell.table, [])
            for row in rows if cell.column is not None and not cell.new else ():
                if is_so(cell.table, row, cell.where):
                    assert str(row.get(str(cell.column)) or "").strip() in ("", "-"), cell


def test_documents_of_the_example_contradict_no_stated_record() -> None:
    for _, way in ways(example()):
        assert_nothing_stated_is_contradicted(district(), way)


# Generated dossiers ------------------------------------------------------------------------------

SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(6, 16))]


@cache
def generated(seed: int) -> tuple[Tables, Report]:
    tables = generate.dossier(seed, 8)
    return tables, changes_of(tables, as_of=generate.TODAY)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_way_of_a_generated_dossier_holds_and_is_smallest(seed: int) -> None:
    tables, report = generated(seed)
    for appointment, way in ways(report):
        own = [row for row in tables["appointments"] if row.get("appointment_id") == appointment]
        if len(own) != 1:
            continue  # a row that stands twice keeps both
        offered = max((len(cell.values) for one in way.changes for cell in one.cells), default=1)
        for pick in range(max(offered, 1)):
            assert verdict(tables, appointment, way.changes, pick) == "eligible", way
        least = 0 if len(way.changes) <= 4 else len(way.changes) - 1
        for count in range(least, len(way.changes)):
            for fewer in combinations(way.changes, count):
                assert verdict(tables, appointment, fewer) != "eligible", (fewer, way)
        assert_nothing_stated_is_contradicted(tables, way)


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_not_eligible_has_a_way_or_says_what_is_past(seed: int) -> None:
    for result in generated(seed)[1].results:
        assert (result.changes is not None) == (result.eligibility in OPEN)
        if result.changes is not None:
            assert result.changes.ways or result.changes.past


# Every smallest set is found: all subsets of the changes are tried -------------------------------


def cells_of(change: Change) -> dict[tuple[str, str, str], ChangedCell]:
    return {(c.table, json.dumps(c.where), str(c.column)): c for c in change.cells}


def at_odds(changes: Sequence[Change]) -> bool:
    """Tell whether two changes write one cell, or settle one question, in two ways."""
    questions = [name for one in changes for name in one.reading]
    cells = [key for one in changes for key in cells_of(one)]
    return len(questions) != len(set(questions)) or len(cells) != len(set(cells))


def asks_no_more(one: Change, other: Change) -> bool:
    """Tell whether all that `one` asks is asked by `other` too, perhaps by a later order."""
    if one.kind != other.kind or one.reading != other.reading:
        return False
    if one.kind == "order":
        return (one.on or date.max) <= (other.on or date.max)
    mine, its = cells_of(one), cells_of(other)
    if not set(mine) <= set(its):
        return False
    for key, cell in mine.items():
        if cell.column == "percent":
            figures = [Decimal(c.values[0].rstrip("%")) for c in (cell, its[key])]
            if figures[0] > figures[1]:
                return False
        elif cell.bound == "exactly" and cell.values != its[key].values:
            return False
    return True


@pytest.mark.parametrize("seed", range(100, 112))
def test_no_smaller_set_is_overlooked_among_all_subsets(seed: int) -> None:
    tables = generate.dossier(seed, 6)
    for result in changes_of(tables, as_of=generate.TODAY).results:
        found = result.changes.ways if result.changes else ()
        steps = {one.model_dump_json(): one for way in found for one in way.changes}
        atoms = list(steps.values())
        if not found or len(atoms) > 7:
            continue
        smallest: list[tuple[Change, ...]] = []
        for count in range(len(atoms) + 1):
            for chosen in combinations(atoms, count):
                known = any(all(one in chosen for one in less) for less in smallest)
                if known or at_odds(chosen):
                    continue
                if verdict(tables, result.appointment_id, chosen) == "eligible":
                    smallest.append(chosen)
        for way in found:
            own = {one.model_dump_json() for one in way.changes}
            assert any({one.model_dump_json() for one in less} == own for less in smallest), way
        for less in smallest:
            assert any(
                all(any(asks_no_more(one, other) for other in less) for one in way.changes)
                for way in found
            ), less


# Single cases ------------------------------------------------------------------------------------


def told(tables: Tables, as_of: date = AS_OF) -> Changes:
    changes = find_changes(Dossier.from_tables(tables), "A1", as_of=as_of)
    assert changes is not None
    return changes


def kinds(changes: Changes) -> list[tuple[str, ...]]:
    return [tuple(one.kind for one in way.changes) for way in changes.ways]


def test_an_eligible_appointment_needs_no_change() -> None:
    assert find_changes(Dossier.from_tables(plain()), "A1", as_of=AS_OF) is None
    with pytest.raises(UsageError):
        find_changes(Dossier.from_tables(plain()), "A2", as_of=AS_OF)


def test_a_missing_year_is_told_with_the_figure_that_it_needs() -> None:
    tables = plain()
    del tables["quality"][1]
    [first, *_] = told(tables).ways
    [change] = first.changes
    [cell] = change.cells
    assert (cell.where["school_year"], cell.column) == ("2024/25", "percent")
    assert (cell.values, cell.bound) == (("70",), "at_least")


def test_a_breach_of_ethics_before_the_order_leaves_only_another_mentor() -> None:
    tables = plain()
    tables["teachers"][0] |= {"ethics": "breached", "ethics_on": ORDERED}
    changes = told(tables)
    assert changes.ways == ()
    assert [past.later for past in changes.past] == [False]


def test_an_undated_breach_may_have_been_later() -> None:
    tables = plain()
    tables["teachers"][0]["ethics"] = "breached"
    [way] = told(tables).ways
    [cell] = way.changes[0].cells
    assert (cell.column, cell.values) == ("ethics_on", (str(ORDERED + timedelta(1)),))


def test_a_category_that_is_conferred_later_needs_a_new_order_only() -> None:
    tables = plain()
    tables["teachers"][0]["category_from"] = date(2026, 12, 15)
    tables["categories"] = [{"teacher_id": "T1", "category": "expert", "from": date(2020, 1, 1)}]
    changes = told(tables)
    orders = [way for way in changes.ways if [one.kind for one in way.changes] == ["order"]]
    assert [way.changes[0].on for way in orders] == [date(2026, 12, 15)]


def test_two_posts_must_both_be_given_up() -> None:
    tables = plain()
    tables["posts"] = [
        {"teacher_id": "T1", "post": "head", "since": date(2020, 1, 1), "until": date(2027, 1, 1)},
        {"teacher_id": "T1", "post": "deputy_head", "since": date(2019, 1, 1)},
    ]
    assert ("event", "event", "order") in kinds(told(tables))


def test_no_table_of_posts_may_be_supplied_without_the_mentor() -> None:
    tables = plain()
    del tables["posts"]
    [way] = told(tables).ways
    [cell] = way.changes[0].cells
    assert (way.changes[0].kind, cell.table, cell.column) == ("document", "posts", None)


def test_a_question_is_not_in_the_hands_of_the_school() -> None:
    tables = plain()
    for row in tables["quality"]:
        row["percent"] = 65
    [first, *_] = told(tables).ways
    [change] = first.changes
    assert (change.kind, change.reading) == ("question", {"floor": "lower"})
    assert "lawyer" in change.text


def test_a_mentor_of_whom_nothing_is_known_is_told_all_that_is_missing() -> None:
    tables = plain()
    tables["teachers"] = tables["teachers"][1:]
    tables["quality"] = []
    written_to = [
        {cell.table for one in way.changes for cell in one.cells} for way in told(tables).ways
    ]
    assert {"teachers", "quality"} in written_to


def test_settled_readings_are_kept() -> None:
    tables = plain()
    for row in tables["quality"]:
        row["percent"] = 59
    strict = find_changes(Dossier.from_tables(tables), "A1", as_of=AS_OF, readings="strict")
    assert strict is not None
    assert not [one for way in strict.ways for one in way.changes if one.kind == "question"]


# Words, formats and the command line -------------------------------------------------------------


def test_three_languages_say_the_same_in_other_words() -> None:
    reports = [changes_of(district(), language=language) for language in LANGUAGES]
    plainly = [
        [
            [(one.kind, one.cells, one.reading, one.on) for one in way.changes]
            for _, way in ways(report)
        ]
        for report in reports
    ]
    assert plainly[0] == plainly[1] == plainly[2]
    texts = [{one.text for _, way in ways(r) for one in way.changes} for r in reports]
    assert not any(one & other for one, other in combinations(texts, 2))
    assert not [text for own in texts for text in own if "{" in text]


def test_no_name_stands_in_what_is_suggested() -> None:
    names = {row["name"] for row in district()["teachers"] if row.get("name")}
    assert names
    answer = json.dumps(json.loads(example().to_json())["results"], ensure_ascii=False)
    assert not [name for name in names if name in answer]


def test_without_the_switch_nothing_changes_and_with_it_the_result_keeps_its_schema() -> None:
    dossier = Dossier.from_tables(district())
    bare = json.loads(check(dossier, as_of=AS_OF).to_json())
    assert not any("changes" in result for result in bare["results"])
    answer = json.loads(with_changes(check(dossier, as_of=AS_OF), dossier).to_json())
    Draft202012Validator(result_schema()).validate(answer)
    assert any("changes" in result for result in answer["results"])
    for one, other in zip(bare["results"], answer["results"], strict=True):
        other.pop("changes", None)
        assert one == other


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return forked.run(*words)


@pytest.mark.parametrize("format_", ["table", "json", "jsonl", "csv"])
def test_the_switch_works_in_every_format(format_: str) -> None:
    words = ("check", EXAMPLES / "district.xlsx", "--as-of", AS_OF, "--format", format_)
    told_more, bare = run(*words, "--changes"), run(*words)
    assert told_more.returncode == bare.returncode == 1
    assert "2029-05-26" in told_more.stdout
    assert "2029-05-26" not in bare.stdout


@pytest.mark.long
def test_a_thousand_appointments_take_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    dossier = Dossier.from_tables(generate.dossier(1, 1000), key=b"test")
    report = check(dossier, as_of=generate.TODAY, only="eligibility", confirm="none")
    started = time.perf_counter()
    found = with_changes(report, dossier)
    took = time.perf_counter() - started
    count = sum(result.changes is not None for result in found.results)
    with capsys.disabled():
        print(f"\n{count} appointments that are not eligible: {took:.1f} s")
    assert took < 240
