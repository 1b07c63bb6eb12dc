"""The terms of plans as a table for a terminal, and as CSV safe for spreadsheets."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from mentor_rules.report.flat import BYTE_ORDER_MARK, JOINT, line
from mentor_rules.report.table import invalid_lines
from mentor_rules.result import DeadlineRow, Deadlines
from mentor_rules.texts import safe, say
from mentor_rules.vocabulary import Language

_STYLES = {"overdue": "red", "waiting": "yellow", "unknown": "magenta", "late": "", "done": "green"}


class DeadlineReport:
    """Prints the terms of plans to a console in one language, the most urgent first."""

    def __init__(self, console: Console, language: Language) -> None:
        self._console, self._language = console, language

    def report(self, found: Deadlines) -> None:
        """Print every act under the heading of how it stands."""
        shown = ""
        for row in found.deadlines:
            if row.state != shown:
                shown = row.state
                count = sum(other.state == shown for other in found.deadlines)
                self._console.print()
                self._line(say("state", shown, self._language, count=str(count)), "bold")
            self._row(row)
        if not found.deadlines:
            self._line(self._say("no_deadlines"), "bold")
        for text in invalid_lines(found.invalid, self._language):
            self._line(text)
        self._console.print()
        basis = found.provenance
        self._line(self._say("calendar", calendar=basis.calendar, until=str(basis.known_until)))
        for caveat in basis.caveats[:1]:
            self._line(caveat, "italic")

    def _say(self, code: str, **params: str) -> str:
        return say("deadline", code, self._language, **params)

    def _line(self, text: str, style: str = "", indent: int = 0) -> None:
        self._console.print(Text(" " * indent + safe(text), style=style), soft_wrap=True)

    def _row(self, row: DeadlineRow) -> None:
        due = str(row.due) if row.due is not None else self._say("no_day")
        if row.due_between is not None:
            due = "–".join(map(str, row.due_between))
        text = self._say("row", due=due, id=row.appointment_id, school=row.school_id, what=row.what)
        self._line(text, _STYLES[row.state], indent=2)
        for detail in details(row, self._language):
            self._line(detail, indent=6)


def details(row: DeadlineRow, language: Language) -> Iterator[str]:
    """Give what else is to be said of a term, a sentence each."""
    yield say("deadline", "who", language, who=row.who)
    if row.names:
        yield say("deadline", "names", language, names=", ".join(row.names.values()))
    if row.from_ is not None and row.term is not None:
        code = "from_latest" if row.latest else "from"
        yield say("deadline", code, language, start=str(row.from_), term=row.term)
    if row.done is not None:
        yield say("deadline", "done", language, done=str(row.done))
    if row.days_late is not None:
        yield say("deadline", "late", language, days=str(row.days_late))
    others = [reading for reading in row.readings[1:] if reading.due != row.due]
    for reading in others:
        when = ", ".join(f"{name}={value}" for name, value in reading.when.items())
        due = str(reading.due) if reading.due is not None else say("deadline", "no_day", language)
        yield say("deadline", "otherwise", language, when=when, due=due)
    if row.provisional:
        yield say("deadline", "provisional", language)
    if row.skipped:
        days = "; ".join(f"{skipped.day} {skipped.reason}" for skipped in row.skipped)
        yield say("deadline", "skipped", language, days=days)
    yield from row.notes


_COLUMNS = (
    *("state", "due", "appointment_id", "school_id", "rule", "what", "who", "from", "term"),
    *("done", "days_late", "provisional", "latest", "readings", "skipped", "notes"),
)


def deadline_lines(found: Deadlines, *, names: bool = False) -> Iterator[str]:
    """Give a header line and one line per term (RFC 4180, with a byte order mark)."""
    yield BYTE_ORDER_MARK + line([*_COLUMNS, *(["names"] if names else [])])
    for row in found.deadlines:
        cells = [
            *(row.state, row.due, row.appointment_id, row.school_id, row.rule, row.what, row.who),
            *(row.from_, row.term, row.done, row.days_late),
            *("yes" if row.provisional else "no", "yes" if row.latest else "no"),
            JOINT.join(
                f"{' '.join(f'{name}={value}' for name, value in one.when.items())}: {one.due}"
                for one in row.readings
                if one.due != row.due and one.due is not None
            ),
            JOINT.join(f"{skipped.day} {skipped.reason}" for skipped in row.skipped),
            JOINT.join(row.notes),
            *([", ".join((row.names or {}).values())] if names else []),
        ]
        yield line([str(cell) if cell is not None else None for cell in cells])
