"""The terms of plans as an iCalendar file (RFC 5545) for the calendar of a phone or an office."""

from datetime import UTC, datetime, time, timedelta

from icalendar import Alarm, Calendar, Event

from mentor_rules.report.deadlines import details
from mentor_rules.result import DeadlineRow, Deadlines
from mentor_rules.source import PROJECT, digest
from mentor_rules.texts import safe, say
from mentor_rules.vocabulary import Language

# At nine in the morning, three days before and the day before, of an event that starts at midnight.
_ALARMS = (timedelta(days=-3, hours=9), timedelta(days=-1, hours=9))


def ics(found: Deadlines, language: Language) -> bytes:
    """Give one all-day event on the due date of every act, with alarms for what is not done.

    The same act keeps its UID whatever its date becomes, so that a calendar updates it. An act
    without one certain due date has no event. Days are local ones. Holds no names unless
    `found` does.
    """
    calendar = Calendar()
    calendar.add("prodid", f"-//{PROJECT}//deadlines//{language.upper()}")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    for row in found.deadlines:
        if row.due is not None:
            calendar.add_component(_event(row, found, language))
    return bytes(calendar.to_ical())


def _event(row: DeadlineRow, found: Deadlines, language: Language) -> Event:
    assert row.due is not None  # noqa: S101 - only such rows have an event
    event = Event()
    identity = f"{found.provenance.rulebook} {row.rule} {row.school_id} {row.appointment_id}"
    event.add("uid", f"{digest([(identity, b'')])[:32]}@{PROJECT}")
    # The day judged on, not the clock: the same question gives the same bytes.
    event.add("dtstamp", datetime.combine(found.as_of, time(), tzinfo=UTC))
    event.add("dtstart", row.due)
    event.add("dtend", row.due + timedelta(days=1))
    event.add("transp", "TRANSPARENT")
    event.add("summary", safe(say("deadline", "event", language, **_params(row, language))))
    event.add("description", "\n".join(safe(text) for text in details(row, language)))
    event.add("categories", [row.state])
    if row.state in ("waiting", "unknown") and row.due >= found.as_of:
        for before in _ALARMS:
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", safe(row.what))
            alarm.add("trigger", before)
            event.add_component(alarm)
    return event


def _params(row: DeadlineRow, language: Language) -> dict[str, str]:
    state = say("state_short", row.state, language)
    return {"what": row.what, "id": row.appointment_id, "state": state}
