"""All that will be asked, before anyone types it in: rules, figures, papers, columns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mentor_rules.facts import Term
from mentor_rules.findings import per_cent, value_label
from mentor_rules.headings import column_label, table_label
from mentor_rules.records import TABLES, columns
from mentor_rules.rulebook import BoundRule, Figure, Rulebook, Weight, bind
from mentor_rules.schema import kind, values
from mentor_rules.texts import has, say
from mentor_rules.vocabulary import BY_NAME, Language

Aim = Literal["mentor", "plan", "reserve"]

# Which rules are asked for what: their folders and their weight.
_ASKED: Mapping[Aim, tuple[tuple[str, ...], Weight]] = MappingProxyType(
    {
        "mentor": (("eligibility", "appointment"), "blocking"),
        "plan": (("appointment", "plan", "reporting"), "remediable"),
        "reserve": (("reserve",), "remediable"),
    }
)
# The table that is filled in for its own sake, every column of it.
_OWN_TABLE: Mapping[Aim, str] = MappingProxyType({"plan": "plans", "reserve": "reserve"})

# The columns that a fact of a blocking rule is drawn from, beside the required ones of the table.
DRAWN_FROM: Mapping[str, Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "school_kind": {"appointments": (), "schools": ("kind",)},
        "category": {
            "teachers": ("category", "category_from", "category_until"),
            "categories": ("until",),
        },
        "ethics": {"teachers": ("ethics", "ethics_on")},
        "quality": {
            "appointments": ("subject",),
            "teachers": ("subjects", "first_taught_on"),
            "quality": ("percent", "learners", "learners_good"),
        },
        "post": {"posts": ("acting", "since", "until")},
        "purpose": {},
        "mentor_is_mentee": {"appointments": ()},
    }
)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Amount(_Part):
    """One row of a figure: where it holds, from when until when (exclusive), what it demands."""

    figure: str
    where: dict[str, str]
    from_: date = Field(alias="from")
    until: date | None
    values: dict[str, str]
    says: str


class OpenReading(_Part):
    """One way to read the norm."""

    reading: str
    means: str


class OpenQuestion(_Part):
    """A live question, its readings mildest first."""

    question: str
    asks: str
    readings: tuple[OpenReading, ...]


class Paper(_Part):
    """The document that settles a fact, and who supplies it."""

    fact: str
    document: str
    who: str


class Requirement(_Part):
    """One rule as a person who prepares the papers needs it."""

    rule: str
    title: str
    weight: Weight
    certainty: str
    from_: date = Field(alias="from")
    until: date | None
    figures: tuple[Amount, ...]
    questions: tuple[OpenQuestion, ...]
    documents: tuple[Paper, ...]
    columns: tuple[str, ...]


class Column(_Part):
    """A column to fill in: its name, its heading in the language, what to write."""

    table: str
    column: str
    table_heading: str
    heading: str
    required: bool
    write: str
    values: tuple[str, ...]


class Requirements(_Part):
    """All that will be asked of a mentor, a plan or the reserve.

    `note` says that the rules are not built yet, where they are not.
    """

    aim: Aim = Field(alias="for")
    rulebook: str
    rulebook_sha256: str
    note: str | None
    requirements: tuple[Requirement, ...]
    columns: tuple[Column, ...]
    caveats: tuple[str, ...]


def requirements(rulebook: Rulebook, aim: Aim, language: Language = "en") -> Requirements:
    """Give all that will be asked for `aim`, in a language."""
    folders, weight = _ASKED[aim]
    settled = rulebook.settle()
    rules = [
        bind(rule, settled)
        for rule in rulebook.rules
        if rule.id.split("/", 1)[0] in folders and rule.weight == weight
    ]
    caveats = [rulebook.read.not_read[language]]
    if language != "en":
        caveats.append(rulebook.read.texts[language])
    return Requirements(
        aim=aim,
        rulebook=rulebook.id,
        rulebook_sha256=rulebook.sha256,
        note=None if rules else say("requirements", f"{aim}_not_built", language),
        requirements=tuple(_requirement(rulebook, rule, language) for rule in rules),
        columns=_columns(aim, rules, language),
        caveats=tuple(caveats),
    )


def amount(unit: str, number: int, language: Language) -> str:
    """Give a figure as people write it, with its unit."""
    plain = per_cent(number) if unit == "basis points" else str(number)
    plain = plain if language == "en" else plain.replace(".", ",")
    code = unit.replace(" ", "_")
    if not has("amount", code):
        return f"{plain} {unit}"
    return say("amount", code, language, amount=plain)


def _requirement(rulebook: Rulebook, bound: BoundRule, language: Language) -> Requirement:
    rule, facts = bound.rule, _facts(bound)
    return Requirement(
        rule=rule.id,
        title=rule.title[language],
        weight=rule.weight,
        certainty=rule.source.certainty,
        from_=rule.in_force.from_,
        until=rule.in_force.until,
        figures=tuple(
            row for figure in rule.figures.values() for row in _amounts(figure, language)
        ),
        questions=tuple(_question(rulebook, name, language) for name in bound.questions),
        documents=tuple(
            Paper(
                fact=fact,
                document=rulebook.documents[fact].document[language],
                who=rulebook.documents[fact].who[language],
            )
            for fact in facts
            if fact in rulebook.documents
        ),
        columns=tuple(f"{table}.{column}" for table, column in _in_order(_drawn_from(facts))),
    )


def _facts(bound: BoundRule) -> tuple[str, ...]:
    """Give the names of the facts that a rule reads under any live reading."""
    found: list[str] = []
    for name, keys in bound.facts:
        if name != "timing":
            found.append(name)
            continue
        found += keys[0].done
        found += ["week"] if isinstance(keys[0].due, Term) else []
    return tuple(dict.fromkeys(found))


def _amounts(figure: Figure, language: Language) -> Iterable[Amount]:
    for row in figure.rows:
        shown = {
            column: amount(figure.unit, number, language) for column, number in row.columns.items()
        }
        where = dict(zip(figure.by, row.keys, strict=True))
        labels = [value_label(fact, value, language) for fact, value in where.items()]
        params = {
            "where": ", ".join(labels) or figure.name,
            "values": ", ".join(
                text if column == "value" else f"{column} {text}" for column, text in shown.items()
            ),
            "since": row.first.isoformat(),
            "until": row.until.isoformat() if row.until else "",
        }
        code = "figure_until" if row.until else "figure"
        yield Amount(
            figure=figure.name,
            where=where,
            from_=row.first,
            until=row.until,
            values=shown,
            says=say("requirements", code, language, **params),
        )


def _question(rulebook: Rulebook, name: str, language: Language) -> OpenQuestion:
    question = rulebook.questions[name]
    return OpenQuestion(
        question=name,
        asks=question.asks[language],
        readings=tuple(
            OpenReading(reading=reading, means=question.readings[reading].means[language])
            for reading in question.order
        ),
    )


def _drawn_from(facts: Iterable[str]) -> set[tuple[str, str]]:
    """Give the columns that facts are drawn from, the required ones of their tables included."""
    drawn: set[tuple[str, str]] = set()
    for fact in facts:
        for table, optional in DRAWN_FROM.get(fact, {}).items():
            required = (column for column, needed in columns(table).items() if needed)
            drawn.update((table, column) for column in (*required, *optional))
    return drawn


def _in_order(named: set[tuple[str, str]]) -> list[tuple[str, str]]:
    """Give columns in the order in which the tables hold them."""
    return [
        (table, column) for table in TABLES for column in columns(table) if (table, column) in named
    ]


def _columns(aim: Aim, rules: Sequence[BoundRule], language: Language) -> tuple[Column, ...]:
    if aim in _OWN_TABLE:
        table = _OWN_TABLE[aim]
        named = {(table, column) for column in columns(table)}
    else:
        named = _drawn_from(fact for rule in rules for fact in _facts(rule))
    return tuple(
        Column(
            table=table,
            column=column,
            table_heading=table_label(table, language),
            heading=column_label(table, column, language),
            required=columns(table)[column],
            write=_write(table, column, language),
            values=values(table, column),
        )
        for table, column in _in_order(named)
    )


def _write(table: str, column: str, language: Language) -> str:
    """Give what to write into a column: its closed values by name, or a description."""
    codes = values(table, column)
    if not codes:
        of_subject = column == "subject"  # part of a key, but words all the same
        return say("write", "text" if of_subject else kind(table, column), language)
    if language == "en":
        return ", ".join(codes)
    [vocabulary] = [one for one in BY_NAME.values() if set(one.codes) == set(codes)]
    return ", ".join(vocabulary.label(code, language) for code in codes)
