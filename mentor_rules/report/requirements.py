"""What will be asked, as a person would read it before filling in the tables."""

from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mentor_rules.requirements import Column, Requirement, Requirements
from mentor_rules.texts import say
from mentor_rules.vocabulary import Language


class RequirementsReport:
    """Prints requirements to a console in one language."""

    def __init__(self, console: Console, language: Language) -> None:
        self._console, self._language = console, language

    def report(self, found: Requirements) -> None:
        """Print rules, figures, open questions, papers, and the columns to fill in."""
        self._line(self._say(found.aim), "bold")
        if found.note is not None:
            self._line(found.note, indent=2)
        for requirement in found.requirements:
            self._requirement(requirement)
        self._console.print()
        self._line(self._say("columns"), "bold")
        for _, columns in groupby(found.columns, key=lambda column: column.table):
            self._table(list(columns))
        self._console.print()
        for caveat in found.caveats:
            self._line(caveat, "italic")

    def _say(self, code: str, **params: str) -> str:
        return say("requirements", code, self._language, **params)

    def _line(self, text: str, style: str = "", indent: int = 0) -> None:
        self._console.print(Text(" " * indent + text, style=style), soft_wrap=True)

    def _requirement(self, requirement: Requirement) -> None:
        self._console.print()
        self._line(f"{requirement.title} ({requirement.rule})", "bold")
        for figure in requirement.figures:
            self._line(figure.says, indent=2)
        for question in requirement.questions:
            self._line(self._say("question", question=question.question, asks=question.asks), "", 2)
            for reading in question.readings:
                self._line(f"{reading.reading}: {reading.means}", indent=6)
        for paper in requirement.documents:
            self._line(self._say("document", document=paper.document, who=paper.who), indent=2)

    def _table(self, columns: list[Column]) -> None:
        own, heading = columns[0].table, columns[0].table_heading
        self._console.print()
        self._line(own if own == heading else f"{own} ({heading})", "bold", indent=2)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("  " + self._say("column"), no_wrap=True)
        if self._language != "en":
            table.add_column(self._say("heading"))
        table.add_column(self._say("write"))
        for column in columns:
            name = Text(f"  {column.column}" + (" *" if column.required else ""))
            headings = [] if self._language == "en" else [Text(column.heading)]
            table.add_row(name, *headings, Text(column.write))
        self._console.print(table)
