"""Rules as a person would read them."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mentor_rules.findings import value_label
from mentor_rules.headings import column_label
from mentor_rules.rulebook import Figure, Question, Rule, Rulebook
from mentor_rules.texts import has, say
from mentor_rules.vocabulary import Language

# The table whose column picks the edition of a rule.
_DATED_IN = {"ordered_on": "appointments", "starts_on": "appointments", "formed_on": "reserve"}


def list_rules(console: Console, rulebook: Rulebook, language: Language) -> None:
    """Print every rule: id, weight, certainty of its source, title."""
    rows = [
        (
            rule.id,
            say("weight", rule.weight, language),
            say("certainty", rule.source.certainty, language),
            rule.title[language],
        )
        for rule in rulebook.rules
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    for row in rows:
        # No table: a narrow terminal, or a pipe, must not break an id in two.
        words = [word.ljust(width) for word, width in zip(row, widths, strict=False)]
        console.print(Text("  ".join([*words, row[3]])), soft_wrap=True)


class RuleReport:
    """Prints one rule to a console in one language."""

    def __init__(self, console: Console, rulebook: Rulebook, language: Language) -> None:
        self._console, self._rulebook, self._language = console, rulebook, language

    def report(self, rule: Rule) -> None:
        """Print norm, source and certainty, figures with dates, questions and readings, texts."""
        self._head(rule)
        self._source(rule)
        self._requirement(rule)
        self._said(rule)
        self._console.print()
        self._line(self._say("cases", count=len(rule.cases)))
        self._line(self._rulebook.read.not_read[self._language], "italic")
        if self._language != "en":
            self._line(self._rulebook.read.texts[self._language], "italic")

    def _say(self, code: str, **params: object) -> str:
        return say(
            "rules", code, self._language, **{key: str(text) for key, text in params.items()}
        )

    def _line(self, text: str, style: str = "", indent: int = 0) -> None:
        self._console.print(Text(" " * indent + text, style=style), soft_wrap=True)

    def _heading(self, text: str) -> None:
        self._console.print()
        self._line(text, "bold")

    def _head(self, rule: Rule) -> None:
        language, force = self._language, rule.in_force
        self._line(rule.title[language], "bold")
        self._line(
            self._say(
                "about",
                id=rule.id,
                weight=say("weight", rule.weight, language),
                about=say("about", rule.about, language),
                norms=", ".join(rule.norms),
            )
        )
        dated_by = column_label(_DATED_IN[rule.dated_by], rule.dated_by, language)
        code = "in_force_until" if force.until else "in_force"
        self._line(self._say(code, since=force.from_, until=force.until, dated_by=dated_by))

    def _source(self, rule: Rule) -> None:
        act, source = self._rulebook.act, rule.source
        self._heading(self._say("source"))
        text = self._say(
            "act",
            number=act.number,
            signed_on=act.signed_on,
            adilet=act.adilet,
            place=source.place,
        )
        self._line(text, indent=2)
        self._line(self._say("point", point=source.point or self._say("no_point")), indent=2)
        certainty = say("certainty", source.certainty, self._language)
        self._line(self._say("certainty", certainty=certainty, via=source.via), indent=2)
        self._line(self._say("last_read", read_on=source.read_on), indent=2)

    def _requirement(self, rule: Rule) -> None:
        self._heading(self._say("requirement"))
        if rule.applies_text is not None:
            self._line(self._say("applies", applies=rule.applies_text), indent=2)
        if rule.act is not None:
            stated = rule.act.model_dump(by_alias=True, exclude={"who"}, exclude_defaults=True)
            for key, value in stated.items():
                shown = ", ".join(value) if isinstance(value, tuple) else value
                self._line(f"act.{key} = {shown}", indent=2)
            who = rule.act.who[self._language]
            self._line(say("deadline", "who", self._language, who=who), indent=2)
        if rule.check_text is not None:
            self._line(rule.check_text, indent=2)
        for figure in rule.figures.values():
            self._figure(figure)
        for name, question in rule.questions.items():
            self._question(name, question)

    def _said(self, rule: Rule) -> None:
        self._heading(self._say("said"))
        for outcome, texts in rule.messages.items():
            said = say("outcome", outcome, self._language)
            self._line(f"{said}: {texts[self._language]}", indent=2)
        self._line(self._say("remedy", remedy=rule.remedy[self._language]), indent=2)
        for reason in rule.reasons:
            self._line(self._say("reason", reason=reason.texts[self._language]), indent=2)

    def _figure(self, figure: Figure) -> None:
        self._console.print()
        code = figure.unit.replace(" ", "_")
        unit = say("unit", code, self._language) if has("unit", code) else figure.unit
        table = Table(box=None, title=f"{figure.name} ({unit})", title_justify="left")
        columns = list(figure.rows[0].columns)
        for heading in (
            *(*figure.by, self._say("from"), self._say("until")),
            *(*columns, self._say("figure_source")),
        ):
            table.add_column(heading)
        for row in figure.rows:
            keys = zip(figure.by, row.keys, strict=True)
            table.add_row(
                *(value_label(fact, value, self._language) for fact, value in keys),
                str(row.first),
                str(row.until or ""),
                *(str(row.columns[column]) for column in columns),
                say("certainty", row.source.certainty, self._language),
            )
        self._console.print(table)

    def _question(self, name: str, question: Question) -> None:
        if question.status == "settled":
            self._heading(self._say("question_settled", question=name, reading=question.default))
        else:
            self._heading(self._say("question_open", question=name))
        self._line(question.asks[self._language], indent=2)
        for reading in question.order:
            self._line(f"{reading}: {question.readings[reading].means[self._language]}", indent=4)
        for reading, found in question.readings.items():
            if found.rejected is not None:
                because, means = found.rejected[self._language], found.means[self._language]
                self._line(
                    self._say("rejected", reading=reading, means=means, because=because), indent=4
                )
