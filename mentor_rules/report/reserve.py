"""Reserves of mentors and replacements, for a terminal and as CSV safe for spreadsheets."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.text import Text

from mentor_rules.report.flat import BYTE_ORDER_MARK, JOINT, line
from mentor_rules.report.table import fault_lines, invalid_lines
from mentor_rules.result import (
    Replacements,
    ReserveReport,
    ReserveTeacher,
    SchoolReserve,
    WhyNot,
)
from mentor_rules.texts import safe, say
from mentor_rules.vocabulary import Language

SHOWN = 20  # ids on one line


class ReserveTable:
    """Prints the reserves of all schools, shortages first, and the replacements."""

    def __init__(self, console: Console, language: Language) -> None:
        self._console, self._language = console, language
        self._names: Mapping[str, str] = {}

    def report(self, found: ReserveReport) -> None:
        """Print the whole report."""
        self._names = found.names or {}
        short = [school.school_id for school in found.schools if school.short]
        if not found.schools:
            self._line(self._say("no_schools"), "bold")
        elif short:
            text = self._say("short_schools", count=str(len(short)), ids=self._ids(short))
            self._line(text, "bold red")
        else:
            self._line(self._say("no_short_schools"), "bold green")
        for school in found.schools:
            self._school(school)
        if found.replacements:
            self._console.print()
            self._line(self._say("replacements", count=str(len(found.replacements))), "bold")
        for replaced in found.replacements:
            self._replacements(replaced)
        for text in invalid_lines(found.invalid, self._language):
            self._line(text)
        for key, fault in found.faults.items():
            for text in fault_lines(key, fault, self._language):
                self._line(text, "bold red")
        self._console.print()
        self._line(self._say("basis", as_of=str(found.as_of)))
        for caveat in found.provenance.caveats[:1]:
            self._line(caveat, "italic")

    def _say(self, code: str, **params: str) -> str:
        return say("reserve", code, self._language, **params)

    def _line(self, text: str, style: str = "", indent: int = 0) -> None:
        self._console.print(Text(" " * indent + safe(text), style=style), soft_wrap=True)

    def _person(self, person: str) -> str:
        return f"{self._names[person]} ({person})" if person in self._names else person

    def _ids(self, ids: Sequence[str]) -> str:
        """Give the first few of many ids."""
        shown = ", ".join(self._person(one) for one in ids[:SHOWN])
        return shown + (f", … ({len(ids)})" if len(ids) > SHOWN else "")

    def _school(self, school: SchoolReserve) -> None:
        by: dict[str, list[ReserveTeacher]] = {}
        for teacher in school.teachers:
            by.setdefault(teacher.standing, []).append(teacher)
        counts = Counter(teacher.standing for teacher in school.teachers)
        self._console.print()
        text = self._say(
            "school",
            school=school.school_id,
            formed=str(school.formed_on or self._say("no_day")),
            eligible=str(counts["listed"] + counts["may_enter"]),
            open=str(counts["open"] + counts["listed_open"]),
            barred=str(counts["may_not"] + counts["listed_may_not"]),
        )
        self._line(text, "bold red" if school.short else "bold")
        for standing, style in (("listed_may_not", "red"), ("listed_open", "yellow")):
            for teacher in by.get(standing, ()):
                text = self._say(standing, teacher=self._person(teacher.teacher_id))
                self._line(text, style, indent=2)
                for reason in teacher.reasons:
                    self._line(_why(reason), indent=6)
        for standing in ("listed", "may_enter", "open"):
            if standing in by:
                ids = self._ids([teacher.teacher_id for teacher in by[standing]])
                self._line(self._say(standing, ids=ids), indent=2)
        if "may_not" in by:
            rules = Counter(
                reason.rule or say("reserve", "rule_working", self._language)
                for teacher in by["may_not"]
                for reason in teacher.reasons
                if reason.outcome == "breached"
            )
            listed = ", ".join(f"{rule} {count}" for rule, count in sorted(rules.items()))
            text = self._say("may_not", count=str(len(by["may_not"])), rules=listed)
            self._line(text, indent=2)
        subjects = [subject.subject for subject in school.subjects if subject.short]
        if subjects:
            self._line(self._say("short_subjects", subjects=", ".join(subjects)), indent=2)

    def _replacements(self, replaced: Replacements) -> None:
        text = self._say(
            "appointment",
            id=replaced.appointment_id,
            school=replaced.school_id,
            mentor=self._person(replaced.mentor_id),
            text=replaced.text,
        )
        self._line(text, indent=2)
        for candidate in replaced.candidates:
            person = self._person(candidate.teacher_id)
            self._line(self._say("candidate", teacher=person, text=candidate.text), indent=6)


def _why(reason: WhyNot) -> str:
    return f"{reason.message} ({reason.rule})" if reason.rule is not None else reason.message


_COLUMNS = (
    *("about", "school_id", "subject", "teacher_id", "appointment_id", "standing"),
    *("eligibility", "listed", "working", "mentees", "nearness", "reasons", "missing"),
)


def reserve_lines(found: ReserveReport) -> Iterator[str]:
    """Give a header line, and a line per school, subject, teacher and replacement (RFC 4180).

    `about` says what a line is about. With a byte order mark; names only where asked for.
    """
    names = found.names
    yield BYTE_ORDER_MARK + line([*_COLUMNS, *(["name"] if names is not None else [])])
    for cells in _rows(found):
        own = [cells.get(column) for column in _COLUMNS]
        named = [names.get(cells.get("teacher_id") or "")] if names is not None else []
        yield line([*own, *named])


def _rows(found: ReserveReport) -> Iterator[dict[str, str | None]]:
    for school in found.schools:
        at = {"school_id": school.school_id}
        yield {"about": "school", **at, "standing": "short" if school.short else "provided"}
        for subject in school.subjects:
            standing = "short" if subject.short else "provided"
            yield {"about": "subject", **at, "subject": subject.subject, "standing": standing}
        for teacher in school.teachers:
            papers = (
                f"{item.key}: {item.document} ({item.who})"
                for reason in teacher.reasons
                for item in reason.missing
            )
            yield {
                "about": "teacher",
                **at,
                "subject": "; ".join(f"{name}: {own}" for name, own in teacher.subjects.items()),
                "teacher_id": teacher.teacher_id,
                "standing": teacher.standing,
                "eligibility": teacher.eligibility,
                "listed": teacher.listed,
                "working": "yes" if teacher.working else "no",
                "mentees": str(teacher.mentees),
                "reasons": JOINT.join(map(_why, teacher.reasons)),
                "missing": JOINT.join(dict.fromkeys(papers)),
            }
    for replaced in found.replacements:
        asked = {"appointment_id": replaced.appointment_id, "subject": replaced.subject}
        if not replaced.candidates:
            own = {"school_id": replaced.school_id, "reasons": replaced.text}
            yield {"about": "replacement", **asked, **own}
        for candidate in replaced.candidates:
            yield {
                "about": "replacement",
                **asked,
                "school_id": candidate.school_id,
                "teacher_id": candidate.teacher_id,
                "listed": candidate.listed,
                "mentees": str(candidate.mentees),
                "nearness": candidate.nearness,
                "reasons": candidate.text,
            }
