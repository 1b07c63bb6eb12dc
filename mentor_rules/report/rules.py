"""Rules as a person would read them."""

from typing import Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mentor_rules.rulebook import Figure, Question, Rule, Rulebook
from mentor_rules.vocabulary import Language


class _Line(Protocol):
    def __call__(self, text: str, style: str = "", indent: int = 0) -> None: ...


def list_rules(console: Console, rulebook: Rulebook, language: Language) -> None:
    """Print every rule: id, weight, certainty of its source, title."""
    widest = max(len(rule.id) for rule in rulebook.rules)
    for rule in rulebook.rules:
        # No table: a narrow terminal, or a pipe, must not break an id in two.
        text = f"{rule.id:<{widest}}  {rule.weight:<10}  {rule.source.certainty:<9}"
        console.print(Text(f"{text}  {rule.title[language]}"), soft_wrap=True)


def show_rule(console: Console, rulebook: Rulebook, rule: Rule, language: Language) -> None:
    """Print one rule: norm, source and certainty, figures with dates, questions and readings."""

    def line(text: str, style: str = "", indent: int = 0) -> None:
        console.print(Text(" " * indent + text, style=style), soft_wrap=True)

    force = rule.in_force
    until = f" until {force.until} (exclusive)" if force.until else ""
    line(rule.title[language], "bold")
    line(f"{rule.id}: {rule.weight}, about the {rule.about}; norms {', '.join(rule.norms)}")
    line(f"In force from {force.from_}{until}; the edition is picked by {rule.dated_by}.")
    console.print()
    line("Source", "bold")
    act = rulebook.act
    line(f"Order No. {act.number} of {act.signed_on} ({act.adilet}): {rule.source.place}", indent=2)
    line(f"point: {rule.source.point or 'not filled in: the text was not available'}", indent=2)
    line(f"certainty: {rule.source.certainty}, via {rule.source.via}", indent=2)
    line(f"last read: {rule.source.read_on}", indent=2)
    console.print()
    line("Requirement", "bold")
    if rule.applies_text is not None:
        line(f"applies where: {rule.applies_text}", indent=2)
    line(rule.check_text, indent=2)
    for figure in rule.figures.values():
        _figure(console, figure)
    for name, question in rule.questions.items():
        _question(line, name, question, language)
    console.print()
    line("What is said", "bold")
    for outcome, texts in rule.messages.items():
        line(f"{outcome}: {texts[language]}", indent=2)
    line(f"remedy: {rule.remedy[language]}", indent=2)
    for reason in rule.reasons:
        line(f"reason: {reason.texts[language]}", indent=2)
    console.print()
    line(f"{len(rule.cases)} cases stand in its file; run them with: mentor-rules rules test")
    line(rulebook.read.not_read[language], "italic")


def _figure(console: Console, figure: Figure) -> None:
    console.print()
    table = Table(box=None, title=f"{figure.name} ({figure.unit})", title_justify="left")
    columns = list(figure.rows[0].columns)
    for heading in (*figure.by, "from", "until", *columns, "source"):
        table.add_column(heading)
    for row in figure.rows:
        table.add_row(
            *row.keys,
            str(row.first),
            str(row.until or ""),
            *(str(row.columns[column]) for column in columns),
            row.source.certainty,
        )
    console.print(table)


def _question(line: "_Line", name: str, question: Question, language: Language) -> None:
    line("")
    settled = f"settled: {question.default}" if question.status == "settled" else "open"
    line(f"Question {name} ({settled})", "bold")
    line(question.asks[language], indent=2)
    for reading in question.order:
        line(f"{reading}: {question.readings[reading].means[language]}", indent=4)
    for reading, found in question.readings.items():
        if found.rejected is not None:
            text = f"{reading}: {found.means[language]} Rejected: {found.rejected[language]}"
            line(text, indent=4)
