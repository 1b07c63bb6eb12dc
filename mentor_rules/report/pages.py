"""The rules as Markdown pages: one for each rule, and an index with every norm.

They are in English, with whatever the rules say in all three languages. Any Markdown reads them:
texts of rules are escaped, so that none of them can become a heading, a link or another cell.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from mentor_rules.acts import FACTS
from mentor_rules.cases import DEFAULT_AS_OF, DEFAULT_ON
from mentor_rules.checks import (
    And,
    Compare,
    Constant,
    Expression,
    Name,
    Not,
    Operand,
    Or,
    Predicate,
    names,
)
from mentor_rules.facts import SPECS
from mentor_rules.findings import value_label
from mentor_rules.requirements import amount
from mentor_rules.rulebook import (
    FOLDERS,
    NO_DAY,
    ActTiming,
    CaseShape,
    Figure,
    Question,
    Reading,
    Rule,
    Rulebook,
    Texts,
)
from mentor_rules.texts import say
from mentor_rules.vocabulary import LANGUAGES

INDEX = "README.md"
# What tells a page that may be overwritten from one that somebody wrote.
WRITTEN = "<!-- Written by `mentor-rules rules docs`: correct the rule's file, not this page. -->"

_ENTITIES = {letter: f"&#{ord(letter)};" for letter in "&<>|`*[]\\~#"}
_LOOSE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_STARTS_A_BLOCK = re.compile(r"^(?:[+=:-]|\d+[.)])")
_OPERATORS = {
    ">=": "is at least",
    ">": "is above",
    "<=": "is at most",
    "<": "is below",
    "==": "is",
    "!=": "is not",
    "in": "is one of",
    "not in": "is none of",
}
_OPERATORS_OF_DAYS = {
    ">=": "is not before",
    ">": "is after",
    "<=": "is not after",
    "<": "is before",
}
_DECIDES = {
    "blocking": "decides eligibility",
    "remediable": "decides procedure",
    "advisory": "informs only",
}
_OF_RESERVE = "stands under the school, and touches no verdict"


def rule_pages(rulebook: Rulebook, files: str | None = None) -> dict[str, str]:
    """Give the text of each page by its path: `README.md`, and `FOLDER/NAME.md` for each rule.

    `files` is the path from the folder of the pages to the act's folder, for links to the rule
    files; None leaves them out.
    """
    pages = {INDEX: _joined(_index(rulebook, files))}
    for rule in rulebook.rules:
        pages[f"{rule.id}.md"] = _joined(_Page(rulebook, rule, files).parts())
    return pages


# Markdown -----------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Give a text in one line that every Markdown shows as it is."""
    line = " ".join(text.split())
    line = "".join(_ENTITIES.get(letter, letter) for letter in line)
    line = _LOOSE_UNDERSCORE.sub("&#95;", line)
    if _STARTS_A_BLOCK.match(line):
        place = re.search(r"\D", line)
        at = place.start() if place else 0
        line = f"{line[:at]}&#{ord(line[at])};{line[at + 1 :]}"
    return line


def code(text: str) -> str:
    """Give a text in one line as code."""
    line = " ".join(text.split())
    if not line:
        return ""
    return f"<code>{plain(line)}</code>" if re.search(r"[`|\\]", line) else f"`{line}`"


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |".replace("  |", " |") for cells in lines)


def _pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Give a table of two columns whose first row is its head: a table needs one."""
    first, *others = rows
    return _table(first, others)


def _bullets(items: Iterable[str], indent: int = 0) -> str:
    return "\n".join(f"{' ' * indent}- {item}" for item in items)


def _in_languages(texts: Texts) -> list[str]:
    return [plain(texts[language]) for language in LANGUAGES]


# The index ----------------------------------------------------------------------------------


def _index(rulebook: Rulebook, files: str | None) -> Iterator[str]:
    act, read = rulebook.act, rulebook.read
    yield f"# The rules of Order No. {plain(act.number)}"
    yield WRITTEN
    yield _bullets(f"{language}: {plain(act.title[language])}" for language in LANGUAGES)
    yield (
        f"{plain(act.authority.en)}, No. {plain(act.number)} of {act.signed_on}, registered on "
        f"{act.registered_on} under No. {plain(act.registration)} (adilet {plain(act.adilet)}), "
        f"issued under {plain(act.under)}."
    )
    yield _bullets(
        [
            f"**Read** on {read.read_on}: {plain(read.was_read.en)}",
            f"**Not read**: {plain(read.not_read.en)}",
            f"**Assumed**: {plain(read.in_force.en)}",
            f"**Texts**: {plain(read.texts.en)}",
        ]
    )
    yield "## Rules"
    for folder in FOLDERS:
        rules = [rule for rule in rulebook.rules if rule.id.startswith(f"{folder}/")]
        if rules:
            yield f"### {folder}"
            yield _table(
                ("rule", "what is required", "weight", "certainty", "norms"),
                [
                    (
                        _page_link(rule.id),
                        plain(rule.title.en),
                        rule.weight,
                        rule.source.certainty,
                        ", ".join(map(plain, rule.norms)),
                    )
                    for rule in rules
                ],
            )
    yield "## Norms"
    yield (
        "Every norm that was reported, and what became of it. The ids are this project's own. "
        "`rule`: encoded, and some of its rules count in a verdict. `advisory`: encoded, informs "
        "only. `planned`: not built yet. `note`: said, but no rule. `off`: not encoded."
    )
    yield _table(
        ("norm", "what it says", "status", "rules", "why so"),
        [
            (
                plain(norm.id),
                plain(norm.norm),
                norm.status,
                ", ".join(map(_page_link, norm.rules)),
                plain(norm.reason),
            )
            for norm in rulebook.coverage
        ],
    )
    yield "## Questions"
    yield "Where a norm can honestly be read in more than one way; its readings, mildest first."
    yield _table(
        ("question", "what it asks", "readings", "status", "rules"),
        [
            (
                code(name),
                plain(question.asks.en),
                ", ".join(map(code, question.order)),
                _status(question),
                ", ".join(_page_link(rule.id) for rule in rulebook.rules if name in rule.questions),
            )
            for name, question in rulebook.questions.items()
        ],
    )
    yield "## Papers"
    yield "Which paper settles a fact that is missing, and who supplies it."
    yield _table(
        ("fact", "paper", "who"),
        [
            (code(fact), plain(paper.document.en), plain(paper.who.en))
            for fact, paper in rulebook.documents.items()
        ],
    )
    what = f"[order.toml]({quote(files)}/order.toml)" if files is not None else "`order.toml`"
    yield f"What several rules share stands in {what}."


def _page_link(rule_id: str, up: str = "") -> str:
    return f"[{plain(rule_id)}]({up}{quote(rule_id)}.md)"


def _status(question: Question) -> str:
    return f"settled: {code(question.default)}" if question.default is not None else "live"


# A rule -------------------------------------------------------------------------------------


class _Page:
    """The page of one rule."""

    def __init__(self, rulebook: Rulebook, rule: Rule, files: str | None) -> None:
        self._rulebook, self._rule, self._files = rulebook, rule, files
        self._up = "../" * rule.id.count("/")
        self._bound = {
            name: question
            for question, asked in rule.questions.items()
            for name in sorted(asked.bound)
        }

    def parts(self) -> Iterator[str]:
        """Give the parts of the page, in order."""
        rule = self._rule
        yield f"# {plain(rule.title.en)}"
        yield WRITTEN
        yield _bullets(f"{language}: {plain(rule.title[language])}" for language in ("kk", "ru"))
        yield from (f"> {plain(paragraph)}" for paragraph in rule.norm.splitlines())
        yield _pairs(self._head())
        yield "## Source"
        yield _pairs(self._source())
        yield "## Requirement"
        yield from self._requirement()
        if rule.figures:
            yield "## Figures"
            for figure in rule.figures.values():
                yield from _figure(figure)
        if rule.questions:
            yield "## Questions"
            for name, question in rule.questions.items():
                yield from _question(name, question)
        yield "## What is said"
        yield _table(("outcome", *LANGUAGES), self._said())
        yield "## Cases"
        yield from self._cases()
        related = list(self._related())
        if related:
            yield "## Related"
            yield _bullets(related)

    def _link(self, rule_id: str) -> str:
        return _page_link(rule_id, self._up)

    def _head(self) -> Iterator[tuple[str, str]]:
        rule, read = self._rule, self._rulebook.read
        file = f"{rule.id}.toml"
        linked = f"[{plain(file)}]({self._up}{quote(f'{self._files}/{file}')})"
        since = f"{rule.in_force.from_}"
        if rule.in_force.from_ == read.assumed_in_force:
            since += f": {plain(read.in_force.en)}"
        in_reserve = rule.id.startswith("reserve/")
        yield "Rule", code(rule.id)
        yield "File", code(file) if self._files is None else linked
        yield (
            "Norms",
            ", ".join(f"[{plain(norm)}]({self._up}{INDEX}#norms)" for norm in rule.norms),
        )
        yield "Weight", f"{rule.weight}: {_OF_RESERVE if in_reserve else _DECIDES[rule.weight]}"
        yield "About", f"the {rule.about}"
        yield "In force from", since
        if rule.in_force.until is not None:
            yield "Repealed from", f"{rule.in_force.until}"
        yield "Edition picked by", code(rule.dated_by)

    def _source(self) -> Iterator[tuple[str, str]]:
        act, source = self._rulebook.act, self._rule.source
        yield "Act", f"Order No. {plain(act.number)} of {act.signed_on} ({plain(act.adilet)})"
        yield "Place", plain(source.place)
        yield "Point", plain(source.point) or say("rules", "no_point", "en")
        yield "Wording", plain(source.wording) or say("rules", "no_point", "en")
        yield "Certainty", source.certainty
        yield "Via", plain(source.via)
        yield "Last read", f"{source.read_on}"

    # The requirement ------------------------------------------------------------------

    def _requirement(self) -> Iterator[str]:
        rule = self._rule
        if rule.applies_text is not None:
            yield "It applies where"
            yield from self._check(rule.applies_text, rule.applies)
        if rule.act is not None:
            yield "The act:"
            yield _bullets(self._act(rule.act))
        if rule.check_text is not None:
            if rule.act is not None:
                yield "And as it is done:"
            elif rule.applies_text is not None:
                yield "There it is required that"
            yield from self._check(rule.check_text, rule.check)
        named = dict.fromkeys(
            word
            for expression in (rule.applies, rule.check)
            for name in names(expression)
            for word in (name.name, *name.keys)
        )
        explained = [f"{code(word)}: {self._explained(word)}" for word in named]
        if explained:
            yield "Where"
            yield _bullets(explained)
        if rule.reasons:
            yield "A breach is told with a further sentence where the facts say why:"
            rows = [_in_languages(reason.texts) for reason in rule.reasons]
            yield _table(LANGUAGES, rows)

    def _check(self, text: str, expression: Expression) -> Iterator[str]:
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        yield f"{fence}text\n{text}\n{fence}"
        yield f"In words: {in_words(expression)}."

    def _explained(self, word: str) -> str:
        if word in SPECS:
            return _noun_phrase(word)
        if word in self._rule.figures:
            return "a figure, see below"
        if word in self._bound:
            return f"what the question {code(self._bound[word])} settles"
        return "a column of the figure, or a key of the fact"

    def _act(self, act: ActTiming) -> Iterator[str]:
        if act.done:
            count = " (all are needed, the latest counts)" if len(act.done) > 1 else ""
            yield f"done: {' and '.join(map(code, act.done))}{count}"
        if act.in_order:
            order = ", then ".join(map(code, act.in_order))
            yield f"done in this sequence, the same day is fine: {order}"
        if act.from_ is not None and act.term is not None:
            yield f"due: the term {code(act.term)}, see below, from {self._day(act.from_)}"
        elif act.until is not None:
            yield f"due: {self._due(act.until)}"
        else:
            yield "due: on no day"
        if act.term_starts is not None:
            yield f"the first day of the term: {self._named(act.term_starts)}"
        if act.roll is not None:
            yield f"a last day that is no working day moves: {self._named(act.roll)}"
        if act.judged_undone:
            yield "the requirement counts wherever it is certain, even before the act is done"
        yield "who acts: " + "; ".join(
            f"{language}: {text}"
            for language, text in zip(LANGUAGES, _in_languages(act.who), strict=True)
        )

    def _day(self, name: str) -> str:
        if name in self._rule.runs_after:
            return f"the end of {self._link(name)}; while that is not done, from its last day"
        return f"{code(name)}: {_noun_phrase(name)}"

    def _due(self, name: str) -> str:
        if name in self._rule.runs_after:
            return f"with {self._link(name)}"
        if name == NO_DAY:
            return "on no day"
        return self._named(name) if name in self._bound else self._day(name)

    def _named(self, name: str) -> str:
        return f"{code(name)}, {self._explained(name)}" if name in self._bound else code(name)

    # What is said ---------------------------------------------------------------------

    def _said(self) -> Iterator[list[str]]:
        for outcome, texts in self._rule.messages.items():
            yield [f"{say('outcome', outcome, 'en')} ({code(outcome)})", *_in_languages(texts)]
        yield ["what would change it", *_in_languages(self._rule.remedy)]

    def _cases(self) -> Iterator[str]:
        cases = self._rule.cases
        yield (
            "What is given, and what must come out. Whatever is not given is not stated; without "
            f"`on` the order is of {DEFAULT_ON}, without `as_of` the day judged on is "
            f"{DEFAULT_AS_OF}."
        )
        yield _table(
            ("case", "given", "readings", "expected"),
            [
                (
                    plain(case.says),
                    "<br>".join(
                        code(f"{key} = {_toml(value)}") for key, value in case.given.items()
                    )
                    or "nothing",
                    "<br>".join(code(f"{key} = {value}") for key, value in case.readings.items()),
                    "<br>".join(_expected(case)),
                )
                for case in cases
            ],
        )

    def _related(self) -> Iterator[str]:
        rule = self._rule
        others = [other for other in self._rulebook.rules if other.id != rule.id]
        for norm in rule.norms:
            if same := [other.id for other in others if norm in other.norms]:
                yield f"the norm {plain(norm)} too: {', '.join(map(self._link, same))}"
        for question in rule.questions:
            if same := [other.id for other in others if question in other.questions]:
                yield f"the question {code(question)} too: {', '.join(map(self._link, same))}"
        if rule.runs_after:
            yield f"its act runs from: {', '.join(map(self._link, rule.runs_after))}"
        if after := [other.id for other in others if rule.id in other.runs_after]:
            yield f"acts that run from it: {', '.join(map(self._link, after))}"


def _noun_phrase(fact: str) -> str:
    """Give what a fact answers, as its function is described."""
    described = (FACTS[fact].__doc__ or fact).strip().partition("\n")[0]
    pieces = described.split("`")  # every second one stands between backticks
    return "".join(code(one) if at % 2 else plain(one) for at, one in enumerate(pieces))


def in_words(expression: Expression) -> str:
    """Give a check in English, its names as code; `and` and `or` are never mixed unbracketed."""
    match expression:
        case Predicate(name=name):
            return f"{_operand(name)} is yes"
        case Not(item=Predicate(name=name)):
            return f"{_operand(name)} is no"
        case Compare(operands=operands, operators=operators):
            words = _OPERATORS | (_OPERATORS_OF_DAYS if any(map(_is_day, operands)) else {})
            pairs = zip(operands[1:], operators, strict=True)
            said = [f"{words[operator]} {_operand(operand)}" for operand, operator in pairs]
            if len(said) == 1:
                return f"{_operand(operands[0])} {said[0]}"
            return f"{_operand(operands[0])} {said[0]}, which {said[1]}"
        case Not(item=item):
            return f"it is not so that ({in_words(item)})"
        case And(items=items) | Or(items=items):
            word = " and " if isinstance(expression, And) else " or "
            return word.join(
                f"({in_words(item)})" if isinstance(item, And | Or) else in_words(item)
                for item in items
            )
        case Constant(value=value):
            return "always" if value else "never"


def _is_day(operand: Operand) -> bool:
    return isinstance(operand, Name) and getattr(SPECS.get(operand.name), "kind", "") == "date"


def _operand(operand: Operand) -> str:
    if isinstance(operand, Name):
        keys = f"[{', '.join(operand.keys)}]" if operand.keys else ""
        return code(f"{operand.name}{keys}")
    value = operand.value
    listed = value if isinstance(value, tuple) else (value,)
    return ", ".join(code(str(one)) for one in listed)


def _figure(figure: Figure) -> Iterator[str]:
    yield f"{code(figure.name)}, in {plain(figure.unit)}:"
    columns = list(figure.rows[0].columns)
    yield _table(
        (*map(code, figure.by), "from", "until (exclusive)", *map(plain, columns), "certainty"),
        [
            (
                *(
                    plain(value_label(fact, value, "en"))
                    for fact, value in zip(figure.by, row.keys, strict=True)
                ),
                f"{row.first}",
                f"{row.until or ''}",
                *(plain(amount(figure.unit, row.columns[column], "en")) for column in columns),
                row.source.certainty,
            )
            for row in figure.rows
        ],
    )


def _question(name: str, question: Question) -> Iterator[str]:
    yield f"### Question {code(name)}"
    yield f"Status: {_status(question)}."
    yield _table(
        ("", *LANGUAGES),
        [
            ["asks", *_in_languages(question.asks)],
            *(
                [code(reading), *_in_languages(question.readings[reading].means)]
                for reading in question.order
            ),
            *(_rejected(key, found) for key, found in question.readings.items() if found.rejected),
        ],
    )
    binds = {
        reading: ", ".join(
            code(f"{bound} = {value}") for bound, value in question.readings[reading].binds.items()
        )
        for reading in question.order
    }
    yield f"In the check: {'; '.join(f'{code(key)} is {text}' for key, text in binds.items())}."


def _rejected(reading: str, found: Reading) -> list[str]:
    """Give the row of a reading that was rejected, and why."""
    texts = zip(
        _in_languages(found.means), _in_languages(found.rejected or found.means), strict=True
    )
    return [f"{code(reading)}, rejected", *(f"{means} **{why}**" for means, why in texts)]


def _expected(case: CaseShape) -> Iterator[str]:
    """Give what must come out of a case, in lines."""
    yield code(case.expect)
    if case.verdict is not None:
        yield f"verdict {code(case.verdict)}"
    for reason in case.because or ():
        yield f"because “{plain(reason)}”"


def _toml(value: Any) -> str:
    """Give an input of a case as it stands in its file."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
