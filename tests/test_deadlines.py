"""The terms of plans: their order, dates and reasons, in every language and format.

Every due date here was worked out by hand. 25 October 2026 is a Sunday and a public holiday, so
Monday 26 October is off in either week.
"""

import csv
import io
import json
import os
import re
import subprocess
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Alarm, Calendar, Event

from mentor_rules import Deadlines, Dossier, RulebookError, UsageError, check, deadlines
from mentor_rules.report.calendar_file import ics
from mentor_rules.report.deadlines import deadline_lines
from mentor_rules.result import DeadlineRow
from mentor_rules.vocabulary import LANGUAGES, Language
from tests import forked
from tests.dossiers import Tables, to_csv, to_json, to_xlsx

ROOT = Path(__file__).parent.parent
DISTRICT = ROOT / "docs" / "examples" / "district.xlsx"

AS_OF = date(2026, 10, 28)
DAY = timedelta(days=1)
IIN = "880215350126"  # its check digit is right
NAMES = {"M1": "Құралай Әбдіқызы", "N1": "Данияр Омаров"}
FORMATS = ("table", "json", "csv", "ics")
NOT_DONE = ("overdue", "waiting", "unknown")


def appointment(number: int, ordered_on: date, school: str = "S1") -> dict[str, Any]:
    return {
        "appointment_id": f"A{number}",
        "school_id": school,
        "mentor_id": "M1",
        "mentee_id": "N1",
        "ordered_on": ordered_on,
        "ends_on": date(2027, 5, 25),
    }


def tables() -> Tables:
    """Six appointments: acts in time, late, overdue, ahead, and of which nothing is known."""
    return {
        "schools": [{"school_id": "S1", "week": 5}, {"school_id": "S2", "week": 6}],
        "teachers": [
            {"teacher_id": who, "school_id": "S1", "name": name} for who, name in NAMES.items()
        ],
        "appointments": [
            appointment(1, date(2026, 9, 1)),
            appointment(2, date(2026, 10, 19)),
            appointment(3, date(2026, 10, 19), "S2"),
            appointment(4, date(2026, 9, 16)),
            appointment(5, date(2026, 12, 21)),
            appointment(6, date(2026, 9, 1)),
        ],
        "plans": [
            {
                "appointment_id": "A1",
                "level_determined_on": date(2026, 9, 11),
                "diagnosed_on": date(2026, 9, 14),
                "drafted_on": date(2026, 9, 21),
                "agreed_on": date(2026, 9, 22),
                "agreed_by": "deputy_head_academic",
                "approved_on": date(2026, 9, 23),
                "approved_by": "head",
            },
            {"appointment_id": "A2", "level_determined_on": date(2026, 10, 22)},
            {"appointment_id": "A3", "level_determined_on": date(2026, 10, 22)},
            {"appointment_id": "A4"},
            {"appointment_id": "A5"},
        ],
    }


def found(given: Tables | None = None, *, as_of: date = AS_OF, **options: Any) -> Deadlines:
    """The terms of a dossier; without `given`, those of `tables`."""
    dossier = Dossier.from_tables(given if given is not None else tables())
    return deadlines(dossier, as_of=as_of, **options)


def row(of: Deadlines, appointment_id: str, rule: str) -> DeadlineRow:
    [one] = [
        item for item in of.deadlines if (item.appointment_id, item.rule) == (appointment_id, rule)
    ]
    return one


# The order, and what is said of each act -----------------------------------------------------

LEVEL, DRAFTED, AGREED, APPROVED, INTERIM, FINAL = (
    *("plan/level_determined", "plan/drafted", "plan/agreed", "plan/approved"),
    *("reporting/interim", "reporting/final"),
)
UNDATED = (AGREED, APPROVED, FINAL)
HALF_YEAR_ENDS = date(2026, 12, 27)


def test_the_most_urgent_stands_first() -> None:
    told = [
        (item.state, item.appointment_id, item.rule, item.due, item.done, item.days_late)
        for item in found().deadlines
    ]
    assert told == [
        ("overdue", "A4", LEVEL, date(2026, 9, 28), None, 30),
        ("overdue", "A4", DRAFTED, date(2026, 10, 5), None, 23),
        ("waiting", "A3", DRAFTED, date(2026, 10, 29), None, None),
        ("waiting", "A2", DRAFTED, date(2026, 10, 30), None, None),
        *(("waiting", f"A{n}", INTERIM, HALF_YEAR_ENDS, None, None) for n in (1, 2, 3, 4, 5)),
        ("waiting", "A5", LEVEL, date(2026, 12, 31), None, None),
        ("waiting", "A5", DRAFTED, date(2027, 1, 12), None, None),
        ("waiting", "A1", FINAL, None, None, None),
        *(("waiting", f"A{n}", rule, None, None, None) for n in (2, 3, 4, 5) for rule in UNDATED),
        ("unknown", "A6", LEVEL, date(2026, 9, 11), None, None),
        ("unknown", "A6", INTERIM, HALF_YEAR_ENDS, None, None),
        *(("unknown", "A6", rule, None, None, None) for rule in (AGREED, APPROVED, DRAFTED, FINAL)),
        ("late", "A1", DRAFTED, date(2026, 9, 18), date(2026, 9, 21), 3),
        ("done", "A1", LEVEL, date(2026, 9, 11), date(2026, 9, 11), None),
        ("done", "A2", LEVEL, date(2026, 10, 29), date(2026, 10, 22), None),
        ("done", "A3", LEVEL, date(2026, 10, 29), date(2026, 10, 22), None),
        ("done", "A1", AGREED, None, date(2026, 9, 22), None),
        ("done", "A1", APPROVED, None, date(2026, 9, 23), None),
    ]


def test_an_act_says_what_who_from_when_and_which_days_are_passed_over() -> None:
    five, six = (row(found(), one, DRAFTED) for one in ("A2", "A3"))
    for item in (five, six):
        assert item.what == (
            "The mentor makes the diagnosis and drafts the mentoring plan within five working days"
        )
        assert (item.who, item.from_, item.term) == (
            *("The mentor", date(2026, 10, 22)),
            "5 working days",
        )
    assert [(item.day, item.reason) for item in five.skipped] == [
        (date(2026, 10, 24), "a weekly rest day"),
        (date(2026, 10, 25), "a public holiday"),
        (
            date(2026, 10, 26),
            "off because the public holiday of 2026-10-25 fell on a rest day",
        ),
    ]
    assert [item.day for item in six.skipped] == [date(2026, 10, 25), date(2026, 10, 26)]
    assert row(found(), "A2", AGREED).who == "The deputy head for academic work"
    assert row(found(), "A2", APPROVED).who == "The head of the school"
    assert row(found(), "A2", INTERIM).term is None


@pytest.mark.parametrize(
    ("language", "term", "reason"),
    [
        ("en", "5 working days", "a weekly rest day"),
        ("ru", "5 рабочих дней", "еженедельный выходной"),
        ("kk", "5 жұмыс күні", "апталық демалыс күні"),
    ],
)
def test_terms_and_reasons_come_in_three_languages(
    language: Language, term: str, reason: str
) -> None:
    item = row(found(language=language), "A2", DRAFTED)
    assert (item.term, item.skipped[0].reason) == (term, reason)


def test_a_term_of_calendar_days_passes_over_only_the_days_its_end_rolls_over() -> None:
    of = found()
    assert [item.day for item in row(of, "A4", LEVEL).skipped] == [
        date(2026, 9, 26),
        date(2026, 9, 27),
    ]
    assert row(of, "A1", LEVEL).skipped == ()
    assert row(found(readings={"roll": "none"}), "A4", LEVEL).skipped == ()


def test_a_term_that_runs_from_what_is_not_done_shows_the_latest_day() -> None:
    of = found()
    assert row(of, "A4", DRAFTED).latest is True
    assert row(of, "A4", DRAFTED).from_ == date(2026, 9, 28)
    assert row(of, "A5", DRAFTED).from_ == date(2026, 12, 31)
    assert row(of, "A2", DRAFTED).latest is None
    assert {item.rule for item in of.deadlines if item.latest} == {DRAFTED}


def test_what_a_day_not_yet_decreed_could_move_is_provisional() -> None:
    of = found()
    assert [(i.appointment_id, i.rule) for i in of.deadlines if i.provisional] == [("A5", DRAFTED)]
    # Thursday 31 December is known; ends of half-years never move.
    assert not row(of, "A5", LEVEL).provisional


def test_the_other_dates_of_open_readings_are_told() -> None:
    of = found()
    assert [(item.when, item.due) for item in row(of, "A4", LEVEL).readings] == [
        ({"roll": "to_working_day"}, date(2026, 9, 28)),
        ({"roll": "none"}, date(2026, 9, 26)),
    ]
    assert [(item.when, item.due) for item in row(of, "A4", DRAFTED).readings] == [
        ({"roll": "to_working_day"}, date(2026, 10, 5)),
        ({"roll": "none"}, date(2026, 10, 2)),
    ]
    assert [(item.when, item.due) for item in row(of, "A1", FINAL).readings] == [
        ({"final_report_due": "council_meeting"}, None),
        ({"final_report_due": "school_year_end"}, date(2027, 5, 25)),
    ]


def test_settled_readings_leave_one_date() -> None:
    strict = found(readings="strict")
    assert row(strict, "A4", LEVEL).due == date(2026, 9, 26)
    assert row(strict, "A4", LEVEL).days_late == 32
    assert row(strict, "A1", FINAL).due == date(2027, 5, 25)
    covers = found(readings={"plan_term_covers": "approval"})
    item = row(covers, "A1", APPROVED)
    assert (item.state, item.due, item.days_late) == ("late", date(2026, 9, 18), 5)
    same_day = found(readings={"term_start": "same_day"})
    assert row(same_day, "A1", LEVEL).due == date(2026, 9, 10)


@pytest.mark.parametrize(
    ("as_of", "state", "due", "latest", "days_late"),
    [
        # Before the level is determined: from Thursday 29 October at the latest.
        (date(2026, 10, 19), "waiting", date(2026, 11, 5), True, None),
        (date(2026, 10, 21), "waiting", date(2026, 11, 5), True, None),
        (date(2026, 10, 22), "waiting", date(2026, 10, 30), None, None),
        (date(2026, 10, 30), "waiting", date(2026, 10, 30), None, None),
        (date(2026, 10, 31), "overdue", date(2026, 10, 30), None, 1),
    ],
)
def test_the_same_act_on_several_days(
    as_of: date, state: str, due: date, latest: bool | None, days_late: int | None
) -> None:
    item = row(found(as_of=as_of), "A2", DRAFTED)
    assert (item.state, item.due, item.latest, item.days_late) == (state, due, latest, days_late)


def test_an_act_dated_after_the_day_judged_on_is_waiting_and_says_so() -> None:
    item = row(found(as_of=date(2026, 10, 21)), "A2", LEVEL)
    assert (item.state, item.done) == ("waiting", None)
    [note] = item.notes
    assert note.startswith("The act is dated after")


def test_a_register_that_ends_early_leaves_open_whether_it_was_done() -> None:
    given = tables()
    given["plans"] = [{"appointment_id": "A1", "recorded_until": date(2026, 9, 5)}]
    assert row(found(given), "A1", LEVEL).state == "unknown"
    # Up to its last day it was not done: it is too late, whether or not it was done since.
    given["plans"] = [{"appointment_id": "A1", "recorded_until": date(2026, 9, 11)}]
    item = row(found(given), "A1", LEVEL)
    assert item.state in ("overdue", "late")
    assert item.done is None


def test_a_row_that_cannot_be_read_leaves_its_plan_open_and_is_listed() -> None:
    given = tables()
    given["plans"][0]["drafted_on"] = "soon"
    of = found(given)
    assert {item.state for item in of.deadlines if item.appointment_id == "A1"} == {"unknown"}
    [entry] = of.invalid
    assert (entry.table, entry.column) == ("plans", "drafted_on")


def test_before_the_order_nothing_is_due_and_after_the_half_year_no_interim_report() -> None:
    given = tables()
    given["appointments"] = [
        {**appointment(7, date(2020, 5, 6)), "ends_on": None},
        appointment(8, date(2027, 1, 11)),
    ]
    del given["plans"]
    of = found(given)
    assert {item.appointment_id for item in of.deadlines} == {"A8"}
    assert INTERIM not in {item.rule for item in of.deadlines}


def test_a_week_that_is_not_known_leaves_a_due_date_open() -> None:
    given = tables()
    given["schools"] = [{"school_id": "S1"}]
    given["appointments"] = [{**appointment(9, date(2022, 9, 1)), "ends_on": None}]
    given["plans"] = [{"appointment_id": "A9", "level_determined_on": date(2022, 9, 5)}]
    item = row(found(given), "A9", DRAFTED)  # Monday 12, or Saturday 10 September
    assert (item.due, item.from_, item.term) == (None, date(2022, 9, 5), "5 working days")
    assert item.skipped == ()


@pytest.mark.parametrize("as_of", [date(2026, 9, 10), date(2026, 11, 23), date(2027, 6, 30)])
def test_terms_and_findings_say_the_same(as_of: date) -> None:
    for dossier in (Dossier.from_tables(tables()), Dossier.read(DISTRICT)):
        findings = {
            (result.appointment_id, finding.rule): finding
            for result in check(dossier, as_of=as_of).results
            for finding in result.findings
        }
        listed = deadlines(dossier, as_of=as_of).deadlines
        assert listed
        for item in listed:
            finding = findings[item.appointment_id, item.rule]
            for name in ("due", "done", "days_late", "provisional", "latest"):
                assert getattr(item, name) == getattr(finding, name), (item.appointment_id, name)
            if item.state in ("overdue", "late") and len(item.readings) == 1:
                assert finding.outcome == "breached"
            if item.state == "waiting" and len(item.readings) == 1:
                assert finding.outcome == "pending"


def test_the_answer_says_what_it_rests_on() -> None:
    of = found(readings={"roll": "none"})
    assert of.as_of == AS_OF
    assert of.provenance.readings == {"roll": "none"}
    assert of.provenance.known_until == date(2026, 12, 31)
    assert of.provenance.calendar.startswith("holidays ")
    assert of.faults == {}


def test_the_shape_of_the_file_does_not_matter(tmp_path: Path) -> None:
    given = tables()
    paths = (
        to_json(given, tmp_path / "dossier.json"),
        to_xlsx(given, tmp_path / "dossier.xlsx"),
        to_csv(given, tmp_path / "dossier"),
    )
    answers = {deadlines(Dossier.read(path), as_of=AS_OF).to_json() for path in paths}
    assert len(answers) == 1


def test_wrong_arguments_are_refused() -> None:
    dossier = Dossier.from_tables(tables())
    with pytest.raises(TypeError):
        deadlines(dossier)  # type: ignore[call-arg]  # nothing below the command line asks for today
    with pytest.raises(UsageError):
        deadlines(dossier, as_of=datetime(2026, 10, 28))
    with pytest.raises(UsageError):
        found(language="de")
    with pytest.raises(UsageError):
        found(readings={"rol": "none"})
    with pytest.raises(UsageError):
        found(calendar="no-such-file.csv")


# A calendar file ----------------------------------------------------------------------------


def test_a_calendar_file_changes_a_due_date_and_names_its_source() -> None:
    day_off = {"date": date(2026, 9, 17), "kind": "off", "source": "an order of the region"}
    of = found(calendar=[day_off])
    item = row(of, "A1", DRAFTED)
    assert (item.state, item.due, item.days_late) == ("done", date(2026, 9, 21), None)
    skipped = {one.day: one.reason for one in item.skipped}
    assert skipped[date(2026, 9, 17)] == "off by the calendar file (an order of the region)"
    assert "overrides sha256:" in of.provenance.calendar
    six_only = found(calendar=[{**day_off, "week": "6"}])
    assert row(six_only, "A1", DRAFTED).due == date(2026, 9, 18)


def test_a_worked_rest_day_shortens_a_term() -> None:
    worked = found(calendar=[{"date": date(2026, 10, 24), "kind": "work", "week": "5"}])
    assert row(worked, "A2", DRAFTED).due == date(2026, 10, 29)
    rolled = found(calendar=[{"date": date(2026, 9, 27), "kind": "work"}])
    assert row(rolled, "A4", LEVEL).due == date(2026, 9, 27)


def test_a_calendar_file_that_knows_more_ends_what_is_provisional() -> None:
    of = found(calendar=[{"date": date(2027, 1, 12), "kind": "known_until"}])
    assert of.provenance.known_until == date(2027, 1, 12)
    assert not row(of, "A5", DRAFTED).provisional
    too_short = found(calendar=[{"date": date(2027, 1, 11), "kind": "known_until"}])
    assert row(too_short, "A5", DRAFTED).provisional


def test_a_calendar_file_moves_the_end_of_the_half_year() -> None:
    of = found(calendar=[{"date": date(2026, 12, 24), "kind": "half_year_end"}])
    assert row(of, "A1", INTERIM).due == date(2026, 12, 24)


def test_a_contradictory_calendar_file_is_refused_with_both_lines() -> None:
    clash = [{"date": "2026-09-17", "kind": "off"}, {"date": "17.09.2026", "kind": "work"}]
    with pytest.raises(RulebookError) as refused:
        found(calendar=clash)
    assert "row 1" in str(refused.value)
    assert "row 2" in str(refused.value)


# JSON and CSV -------------------------------------------------------------------------------


def test_the_json_holds_every_row_and_leaves_out_what_says_nothing() -> None:
    of = found()
    rows = json.loads(of.to_json())["deadlines"]
    assert [item["due"] for item in rows] == [
        item.due.isoformat() if item.due else None for item in of.deadlines
    ]
    fields = {info.alias or name for name, info in DeadlineRow.model_fields.items()}
    for item in rows:
        assert set(item) | {"latest", "names", "due_between"} == fields
        assert ("due_between" in item) <= (item["due"] is None)
        assert item.get("latest", True) is True
        assert "names" not in item
    assert any("latest" in item for item in rows)
    named = json.loads(found(names=True).to_json())["deadlines"]
    assert all(item["names"] == NAMES for item in named)


def cells(of: Deadlines, *, names: bool = False) -> list[dict[str, str]]:
    text = "".join(deadline_lines(of, names=names))
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), strict=True))


def test_the_csv_has_a_line_for_every_act() -> None:
    of = found()
    lines = cells(of)
    assert len(lines) == len(of.deadlines)
    [line] = [item for item in lines if (item["appointment_id"], item["rule"]) == ("A5", DRAFTED)]
    assert line == {
        "state": "waiting",
        "due": "2027-01-12",
        "appointment_id": "A5",
        "school_id": "S1",
        "rule": DRAFTED,
        "what": row(of, "A5", DRAFTED).what,
        "who": "The mentor",
        "from": "2026-12-31",
        "term": "5 working days",
        "done": "",
        "days_late": "",
        "provisional": "yes",
        "latest": "yes",
        "readings": "",
        "skipped": " | ".join(
            f"2027-01-{day} {reason}"
            for day, reason in (
                ("01", "a public holiday"),
                ("02", "a public holiday"),
                ("03", "a weekly rest day"),
                ("04", "off because the public holiday of 2027-01-02 fell on a rest day"),
                ("07", "a public holiday"),
                ("09", "a weekly rest day"),
                ("10", "a weekly rest day"),
            )
        ),
        "notes": "",
    }
    assert "names" not in line
    assert {item["names"] for item in cells(found(names=True), names=True)} == {
        ", ".join(NAMES.values())
    }


@pytest.mark.parametrize("wicked", ["=1+1", "+1", "-1", "@SUM(A1)", "x;=1+1", "\uff1d1+1"])
def test_no_cell_of_the_csv_is_run_by_a_spreadsheet(wicked: str) -> None:
    given = tables()
    given["schools"][0]["school_id"] = wicked
    given["teachers"] = [{**one, "name": wicked, "school_id": wicked} for one in given["teachers"]]
    for one in given["appointments"]:
        one["appointment_id"] = wicked + one["appointment_id"]
        one["school_id"] = wicked
    given["plans"] = [
        {**one, "appointment_id": wicked + one["appointment_id"]} for one in given["plans"]
    ]
    of = found(given, names=True)
    assert of.invalid == ()
    for line in cells(of, names=True):
        for cell in line.values():
            assert not re.match(r"\s*[=+\-@\uff1d\t\r]", cell), cell
            assert ";=" not in cell


# iCalendar ----------------------------------------------------------------------------------


def events(of: Deadlines, language: Language = "en") -> list[Event]:
    """The events as another program reads them."""
    calendar = Calendar.from_ical(ics(of, language))
    assert isinstance(calendar, Calendar)
    return list(calendar.events)


def uids(of: Deadlines, language: Language = "en") -> set[str]:
    return {str(event["UID"]) for event in events(of, language)}


def test_every_act_with_a_due_date_is_an_event_on_that_local_day() -> None:
    of = found()
    dated = [item for item in of.deadlines if item.due is not None]
    shown = events(of)
    assert len(shown) == len(dated)
    for event, item in zip(shown, dated, strict=True):
        starts, ends = event.DTSTART, event.DTEND
        # A day without an hour has no time zone: it is that day wherever the phone is.
        assert type(starts) is date
        assert type(ends) is date
        assert starts == item.due
        assert ends == starts + DAY  # the end is exclusive
        assert item.appointment_id in str(event["SUMMARY"])
        assert item.what in str(event["SUMMARY"])
        assert item.who in str(event["DESCRIPTION"])


def test_the_file_is_one_that_any_calendar_program_takes() -> None:
    content = ics(found(language="kk"), "kk")
    assert content.startswith(b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:")
    assert content.endswith(b"END:VCALENDAR\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 75
    calendar = Calendar.from_ical(content)
    for event in calendar.events:
        assert {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY"} <= set(event)
        assert list(event.errors) == []
    assert "Тәлімгер" in str(calendar.events[0]["SUMMARY"])


def test_an_act_keeps_its_uid_whatever_its_date_becomes() -> None:
    first = uids(found())
    assert len(first) == len(events(found()))
    assert uids(found(as_of=date(2026, 10, 30))) == first
    assert uids(found(readings={"roll": "none"})) == first
    assert uids(found(language="ru"), "ru") == first
    assert uids(found(names=True)) == first
    assert uids(found(calendar=[{"date": date(2026, 9, 17), "kind": "off"}])) == first
    given = tables()
    for plan in given["plans"]:
        plan["level_determined_on"] = date(2026, 9, 2)
    for one in given["appointments"]:
        one["ordered_on"] = date(2026, 9, 1)
    moved = found(given)
    assert uids(moved) == first
    assert {item.due for item in moved.deadlines} != {item.due for item in found().deadlines}


def test_another_appointment_has_other_uids() -> None:
    given = tables()
    for table in ("appointments", "plans"):
        for one in given[table]:
            one["appointment_id"] = "B" + one["appointment_id"]
    assert not uids(found(given)) & uids(found())


def test_only_what_is_not_done_has_alarms_at_nine_in_the_morning() -> None:
    of = found()
    dated = [item for item in of.deadlines if item.due is not None]
    assert {item.state for item in dated} == {"overdue", "waiting", "unknown", "late", "done"}
    for event, item in zip(events(of), dated, strict=True):
        alarms = [part for part in event.subcomponents if isinstance(part, Alarm)]
        to_come = item.state in NOT_DONE and item.due is not None and item.due >= AS_OF
        assert bool(alarms) == to_come, item
        assert item.due is not None
        midnight = datetime.combine(item.due, time())
        told = [midnight + alarm.TRIGGER for alarm in alarms]
        assert told in ([], [datetime.combine(item.due - days * DAY, time(9)) for days in (3, 1)])


def test_the_same_question_gives_the_same_bytes() -> None:
    assert ics(found(), "en") == ics(found(), "en")
    given = {name: list(reversed(rows)) for name, rows in tables().items()}
    assert ics(found(given), "en") == ics(found(), "en")
    assert found(given).to_json() == found().to_json()


def test_an_id_cannot_write_lines_of_its_own() -> None:
    given = tables()
    wicked = "A1, x; y\\n\\nEND:VEVENT"
    for table in ("appointments", "plans"):
        given[table] = [{**given[table][0], "appointment_id": wicked}]
    of = found(given)
    for event in events(of):
        assert wicked in str(event["SUMMARY"]).replace("\n", "\\n")
    assert len(events(of)) == len([item for item in of.deadlines if item.due])


# The command line ---------------------------------------------------------------------------


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    variables = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **environment}
    done = forked.run("deadlines", *arguments, environment=variables)
    out, error = done.stdout.encode(), done.stderr.encode()
    return subprocess.CompletedProcess(done.args, done.returncode, out, error)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return to_json(tables(), tmp_path / "dossier.json")


def told(done: subprocess.CompletedProcess[bytes]) -> str:
    return (done.stdout + done.stderr).decode()


def test_each_format_says_what_python_says(path: Path) -> None:
    of = deadlines(Dossier.read(path), as_of=AS_OF)
    wanted = {
        "json": of.to_json() + "\n",
        "csv": "".join(deadline_lines(of)),
        "ics": ics(of, "en").decode(),
    }
    for form, text in wanted.items():
        done = run(path, "--as-of", AS_OF, "--format", form)
        assert (done.returncode, done.stderr) == (1, b""), form
        assert done.stdout.decode() == text
    rows = json.loads(run(path, "--as-of", AS_OF, "--format", "json").stdout)["deadlines"]
    assert {item["due"] for item in rows} >= {"2026-10-29", "2026-10-30"}


HEADINGS = {
    "en": ("Overdue: 2", "To be done: 22", "Not known whether done: 6", "Done late: 1"),
    "ru": (
        *("Просрочено: 2", "Предстоит выполнить: 22"),
        *("Неизвестно, выполнено ли: 6", "Выполнено с опозданием: 1"),
    ),
    "kk": (
        *("Мерзімі өткен: 2", "Орындалуы тиіс: 22"),
        *("Орындалғаны белгісіз: 6", "Кешіктіріліп орындалған: 1"),
    ),
}
PARTS = {
    "en": (
        *("2026-10-30  A2 (school S1): The mentor makes", "Who acts: The mentor"),
        *("From 2026-10-22: 5 working days", "Late by 30 calendar days"),
        *("With roll=none: 2026-09-26", "Provisional: a day not yet decreed could still move it."),
        *("From 2026-12-31 at the latest", "Done on 2026-09-21", "no due date  A2"),
        "2026-10-24 a weekly rest day; 2026-10-25 a public holiday; 2026-10-26 off because",
    ),
    "ru": (
        *("2026-10-30  A2 (школа S1): Наставник", "Кто выполняет: Наставник"),
        *("С 2026-10-22: 5 рабочих дней", "Опоздание в календарных днях: 30"),
        *("При roll=none: 2026-09-26", "Предварительно:", "срок не установлен  A2"),
        "2026-10-24 еженедельный выходной; 2026-10-25 праздничный день; 2026-10-26 выходной, так",
    ),
    "kk": (
        *("2026-10-30  A2 (мектеп S1): Тәлімгер", "Кім орындайды: Тәлімгер"),
        *("2026-10-22 күнінен бастап: 5 жұмыс күні", "Кешіктірілген күнтізбелік күндер: 30"),
        *("roll=none болса: 2026-09-26", "Алдын ала:", "мерзімі белгіленбеген  A2"),
        "2026-10-24 апталық демалыс күні; 2026-10-25 мереке күні; 2026-10-26 2026-10-25 мерекесі",
    ),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_in_three_languages(path: Path, language: Language) -> None:
    done = run(path, "--as-of", AS_OF, "--lang", language)
    assert done.returncode == 1
    text = done.stdout.decode()
    places = [text.index(heading) for heading in HEADINGS[language]]
    assert places == sorted(places)
    for part in PARTS[language]:
        assert part in text, part
    assert "{" not in text
    assert "2026-12-31" in text.splitlines()[-2]  # how far rest days are known


def test_a_due_date_that_is_not_known_is_not_called_none(path: Path) -> None:
    lines = run(path, "--as-of", AS_OF).stdout.decode().splitlines()
    [drafted] = [line for line in lines if "A6 (school S1): The mentor makes" in line]
    assert "no due date" not in drafted


def test_the_calendar_file_of_a_run(path: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("date,kind,week,source\n17.09.2026,off,5,order of the head\n", "utf-8")
    arguments = (path, "--as-of", AS_OF, "--format", "json", "--calendar", own)
    done = json.loads(run(*arguments).stdout)
    [item] = [
        one for one in done["deadlines"] if (one["appointment_id"], one["rule"]) == ("A1", DRAFTED)
    ]
    assert (item["due"], item["state"]) == ("2026-09-21", "done")
    assert "overrides sha256:" in done["provenance"]["calendar"]


def test_a_broken_calendar_file_is_told_by_line_with_a_suggestion(
    path: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.csv"
    own.write_text("date,kind\n2026-02-30,off\n2026-09-17,of\n2026-09-18,off\n", "utf-8")
    done = run(path, "--as-of", AS_OF, "--calendar", own)
    assert (done.returncode, done.stdout) == (4, b"")
    text = done.stderr.decode()
    assert "own.csv: line 2" in text
    assert "own.csv: line 3" in text
    assert "line 4" not in text
    assert "did you mean off?" in text
    assert str(tmp_path) not in text


def test_what_is_broken_is_named_a_calendar_not_the_rules(path: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("date,kind\n2026-02-30,off\n", "utf-8")
    assert "rulebook" not in told(run(path, "--calendar", own))


def only(*numbers: int, **changes: Any) -> Tables:
    """Some of the appointments, with some tables replaced."""
    ids = {f"A{number}" for number in numbers}
    given = tables()
    for table in ("appointments", "plans"):
        given[table] = [one for one in given[table] if one["appointment_id"] in ids]
    return {**given, **changes}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (only(2, 3, 5), 0),
        (only(6), 0),
        (only(4), 1),
        (only(1), 1),  # done late
        (only(), 3),
        (only(2, schools=[{"school_id": "S1", "kind": "?"}]), 3),
        (only(4, schools=[{"school_id": "S1", "kind": "?"}]), 1),
    ],
    ids=["ahead", "unknown", "overdue", "late", "nothing", "invalid row", "invalid and overdue"],
)
def test_the_exit_code_says_what_is_flagged(given: Tables, code: int, tmp_path: Path) -> None:
    done = run(to_json(given, tmp_path / "dossier.json"), "--as-of", AS_OF)
    assert done.returncode == code, told(done)


@pytest.mark.parametrize(
    "options",
    [
        ["--as-of", "someday"],
        ["--format", "xlsx"],
        ["--reading", "rol=none"],
        ["--readings", "mild"],
        ["--calendar", "no-such-file.csv"],
        ["--colour"],
    ],
)
def test_wrong_usage_ends_with_2(path: Path, options: list[str]) -> None:
    done = run(path, *options)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"mentor-rules: ")


def test_a_path_that_is_not_there_is_wrong_usage_and_an_unreadable_file_is_not(
    tmp_path: Path,
) -> None:
    assert run(tmp_path / "no.xlsx").returncode == 2
    (tmp_path / "bad.json").write_text("{", "utf-8")
    assert run(tmp_path / "bad.json").returncode == 3


def test_a_file_is_written_whole_and_overwritten_only_when_asked(
    path: Path, tmp_path: Path
) -> None:
    out = tmp_path / "terms.ics"
    arguments = (path, "--as-of", AS_OF, "--format", "ics", "--out", out)
    assert run(*arguments).returncode == 1
    assert out.read_bytes() == run(*arguments[:-2]).stdout
    assert run(*arguments).returncode == 2
    assert run(*arguments, "--force").returncode == 1


def test_readings_of_a_run_settle_dates(path: Path) -> None:
    done = run(path, "--as-of", AS_OF, "--format", "csv", "--reading", "roll=none")
    assert "overdue,2026-09-26,A4" in done.stdout.decode()
    done = run(path, "--as-of", AS_OF, "--format", "csv", "--readings", "strict")
    assert "waiting,2027-05-25,A1,S1,reporting/final" in done.stdout.decode()


# Personal data ------------------------------------------------------------------------------


def personal(texts: Iterable[str]) -> list[str]:
    return [text for text in texts if any(part in text for part in (IIN, *NAMES.values()))]


def test_names_are_told_only_when_asked_and_an_iin_never(tmp_path: Path) -> None:
    given = tables()
    given["teachers"] = [
        {"teacher_id": IIN, "school_id": "S1", "name": NAMES["M1"], "iin": IIN},
        {"teacher_id": "N1", "school_id": "S1", "name": NAMES["N1"]},
    ]
    for one in given["appointments"]:
        one["mentor_id"] = IIN
    path = to_json(given, tmp_path / "dossier.json")
    for form in FORMATS:
        plain = run(path, "--as-of", AS_OF, "--format", form)
        assert plain.returncode == 1, told(plain)
        assert personal([unfolded(plain.stdout)]) == [], form
        named = unfolded(run(path, "--as-of", AS_OF, "--format", form, "--names").stdout)
        for name in NAMES.values():
            assert name in named, form
        assert IIN not in named, form


def unfolded(content: bytes) -> str:
    """The text with the lines joined that iCalendar breaks."""
    return content.replace(b"\r\n ", b"").decode()
