"""Rule files become a rulebook, or are refused with everything that is wrong with them.

Each problem names the file, the dotted path in it, what is wrong and the nearest suggestion.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from itertools import groupby, pairwise, product, takewhile
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mentor_rules.checks import (
    ORDER,
    And,
    CheckError,
    Compare,
    Constant,
    Expression,
    Name,
    Not,
    Or,
    Predicate,
    comparisons,
    names,
    parse_check,
)
from mentor_rules.checks import Literal as LiteralOperand
from mentor_rules.errors import Problem, RulebookError
from mentor_rules.facts import ACTS, SPECS, FactSpec
from mentor_rules.regions import TooManyRegionsError, reached
from mentor_rules.rulebook import (
    FOLDERS,
    NO_DAY,
    ROLLS,
    TERM_STARTS,
    UNITS,
    ActShape,
    ActTiming,
    Figure,
    FigureRow,
    FigureShape,
    Question,
    Reason,
    ReasonShape,
    Rule,
    Rulebook,
    RuleShape,
    Said,
    Source,
    Texts,
    facts_of,
    nearest,
)
from mentor_rules.source import (
    MAX_SETTINGS,
    digest,
    parse_toml,
    read_bounded,
    rules_folder,
)
from mentor_rules.texts import is_unseen, safe
from mentor_rules.vocabulary import LANGUAGES

S = TypeVar("S", bound=BaseModel)
MAX_FIGURE = 10**6  # as days it stays within what dates can hold
PLACEHOLDERS = frozenset(
    {"value", "required", "on", "as_of", "next_school_year", "due", "done", "days_late"}
)


def load_rulebook(*folders: Path | str) -> Rulebook:
    """Give the rulebook in a folder (default: the built-in Order No. 160).

    Further folders add rules of their own. Raises RulebookError with every problem found:
    file, dotted path, problem and nearest suggestion.
    """
    return _load(tuple(Path(folder) for folder in folders or (rules_folder() / "order_160",)))


@cache
def builtin_rulebook() -> Rulebook:
    """Give the built-in rulebook, read once in a process."""
    return load_rulebook()


def _load(folders: Sequence[Path]) -> Rulebook:
    problems: list[Problem] = []
    contents: list[tuple[str, bytes]] = []
    shapes: dict[str, tuple[str, RuleShape]] = {}
    norms: dict[str, str] = {}
    head: ActShape | None = None
    for folder in folders:
        if not folder.is_dir():
            raise RulebookError(
                [Problem(folder.name, "", "no such folder of rules", "name the folder of an act")]
            )
        for path in sorted(folder.rglob("*.toml")):
            relative = path.relative_to(folder).as_posix()
            name = f"{folder.name}/{relative}"
            if not path.is_file():
                problems.append(Problem(name, "", "this is no file", "rename or remove it"))
                continue
            if any(map(is_unseen, name)):
                problems.append(Problem(name, "", "the name holds unseen characters", "rename it"))
                continue
            content = read_bounded(path, MAX_SETTINGS)
            contents.append((relative, content))  # a copied folder is the same rulebook
            if path == folder / "order.toml":
                if folder != folders[0]:
                    problems.append(
                        Problem(name, "", "the act is described twice", "keep the first folder's")
                    )
                    continue
                head = _parse(name, content, ActShape, problems)
                continue
            rule_id = relative.removesuffix(path.suffix)
            if rule_id.casefold() in {known.casefold() for known in shapes}:
                problems.append(
                    Problem(
                        name,
                        "",
                        f"two rules with one id: {rule_id}",
                        f"rename it: {shapes.get(rule_id, ('another file',))[0]} has that id",
                    )
                )
                continue
            if rule_id.split("/")[0] not in FOLDERS:
                problems.append(
                    Problem(
                        name,
                        "",
                        f"no verdict looks into the folder {rule_id.split('/')[0]}",
                        nearest(rule_id.split("/")[0], FOLDERS).removeprefix(": ")
                        or f"put it into one of {', '.join(FOLDERS)}",
                    )
                )
                continue
            shape = _parse(name, content, RuleShape, problems)
            if shape is not None:
                shapes[rule_id] = (name, shape)
                norms[rule_id] = _head_comment(content.decode())
    if head is None and not problems:
        problems.append(
            Problem(folders[0].name, "order.toml", "the act is not described", "add order.toml")
        )
    if head is None:
        raise RulebookError(problems)
    all_read = not problems  # what a file that is not read declares would seem missing
    head_file = f"{folders[0].name}/order.toml"
    problems += _question_problems(head_file, head.questions)
    rules = []
    for rule_id, (name, shape) in sorted(shapes.items()):
        checker = _RuleChecker(rule_id, name, shape, norms[rule_id], head, head_file)
        rule = checker.rule()
        problems += checker.problems
        if rule is not None:
            rules.append(rule)
    questions = dict(head.questions)
    asked_in = dict.fromkeys(questions, head_file)
    for name, shape in (shapes[rule_id] for rule_id in sorted(shapes)):
        for question, asked in shape.questions.items():
            if question in questions:
                problems.append(
                    Problem(
                        name,
                        f"questions.{question}",
                        f"the question {question} is declared twice",
                        "declare a question of several rules once, in order.toml",
                    )
                )
            questions[question] = asked
            asked_in[question] = name
    rules, problems_of_acts = _joined(rules, shapes)
    problems += problems_of_acts
    problems += _unsaid(rules)
    problems += _shared_facts(rules, {rule_id: name for rule_id, (name, _) in shapes.items()})
    if all_read:
        problems += _profile_problems(head_file, head, questions)
        problems += _coverage_problems(head_file, head, shapes)
        for name, shape in shapes.values():
            problems += _norm_problems(name, shape, head)
    if problems:
        raise RulebookError(list(dict.fromkeys(problems)))
    return Rulebook(
        id=head.id,
        act=head.act,
        read=head.read,
        rules=tuple(rules),
        questions=MappingProxyType(dict(sorted(questions.items()))),
        profiles=head.profiles,
        documents=MappingProxyType(dict(head.documents)),
        coverage=tuple(head.coverage),
        asked_in=MappingProxyType(asked_in),
        sha256=digest(contents),
    )


def _parse(name: str, content: bytes, shape: type[S], problems: list[Problem]) -> S | None:
    if len(content) > MAX_SETTINGS:
        problems.append(
            Problem(name, "", f"the file is larger than {MAX_SETTINGS} bytes", "split the rule")
        )
        return None
    try:
        data = parse_toml(content, parse_float=Decimal)
    except ValueError as error:
        problems.append(Problem(name, "", "the file is not readable TOML", f"mend it: {error}"))
        return None
    unseen = sorted(set(_unseen(data)))
    for path, letter in unseen:
        problem = f"a text holds the unseen character U+{ord(letter):04X}"
        problems.append(Problem(name, path, problem, "remove it"))
    if unseen:
        return None
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            problems.append(_shape_problem(name, shape, item))
        return None


def _unseen(data: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Give what characters could steer or turn whatever shows a text, each with its place."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _unseen(key, path)
            yield from _unseen(value, f"{path}.{key}" if path else key)
    elif isinstance(data, list):
        for place, value in enumerate(data):
            yield from _unseen(value, f"{path}.{place}")
    elif isinstance(data, str) and not data.isprintable():
        yield from ((path, letter) for letter in data if letter != "\n" and is_unseen(letter))


def _head_comment(text: str) -> str:
    """Give the comment that a file begins with: a line for each paragraph."""
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    paragraphs = groupby((line.lstrip("#").strip() for line in lines), key=bool)
    return "\n".join(safe(" ".join(words)) for filled, words in paragraphs if filled)


def _shape_problem(name: str, shape: type[BaseModel], item: Mapping[str, Any]) -> Problem:
    place = tuple(part for part in item["loc"] if part != "[key]")
    path = ".".join(map(str, place))
    last = str(place[-1]) if place else ""
    kind = item["type"]
    if kind == "extra_forbidden":
        near = get_close_matches(last, _keys_at(shape, place[:-1]), n=1, cutoff=0.6)
        suggestion = f"did you mean {near[0]}?" if near else "remove it"
        return Problem(name, path, f"unknown key {last}", suggestion)
    if kind == "missing":
        if last == "source":
            return Problem(
                name,
                path,
                "no source",
                "cite act, place, certainty, via and read_on under [source]",
            )
        if last in LANGUAGES:
            return Problem(
                name, path, f"the language {last} is missing", "write every text in en, kk and ru"
            )
        return Problem(name, path, f"{last} is missing", f"add {last}")
    if kind == "literal_error":
        return Problem(name, path, f"{last} has no such value", f"one of {item['ctx']['expected']}")
    if kind == "string_pattern_mismatch":
        return Problem(
            name, path, f"{last} is no name", "write a to z, 0 to 9 and _, a letter first"
        )
    return Problem(name, path, str(item["msg"]), "see the other rules for the shape")


def _keys_at(shape: type[BaseModel], place: Iterable[object]) -> list[str]:
    """Give the keys that the shape knows at a place, for suggestions."""
    current: Any = shape
    for part in place:
        field = getattr(current, "model_fields", {}).get(part)
        if field is None:
            continue  # a key of a mapping, or an index of a list
        current = _model_within(field.annotation)
    fields = getattr(current, "model_fields", {})
    return [field.alias or key for key, field in fields.items()]


def _model_within(annotation: Any) -> Any:
    for part in getattr(annotation, "__args__", ()):
        found = _model_within(part)
        if found is not None:
            return found
    return annotation if hasattr(annotation, "model_fields") else None


def _question_problems(file: str, questions: Mapping[str, Question]) -> Iterator[Problem]:
    for name, question in questions.items():
        path = f"questions.{name}"
        allowed = {key for key, reading in question.readings.items() if reading.rejected is None}
        if set(question.order) != allowed or len(set(question.order)) != len(question.order):
            yield Problem(
                file,
                f"{path}.order",
                "order must name every reading that is not rejected, once",
                f"write order = {sorted(allowed)}, mildest first",
            )
        elif len({frozenset(question.readings[key].binds) for key in question.order}) > 1:
            yield Problem(
                file,
                f"{path}.readings",
                "the readings do not bind the same names",
                "bind each name in every reading",
            )
        if question.status == "settled" and question.default not in allowed:
            yield Problem(
                file,
                f"{path}.default",
                "a settled question needs exactly one default",
                f"write default = one of {sorted(allowed)}",
            )
        if question.status == "live" and question.default is not None:
            yield Problem(
                file,
                f"{path}.default",
                "a live question has no default",
                'remove it, or write status = "settled"',
            )


def _profile_problems(
    file: str, head: ActShape, questions: Mapping[str, Question]
) -> Iterator[Problem]:
    live = {name for name, question in questions.items() if question.status == "live"}
    for profile, chosen in head.profiles.items():
        path = f"profiles.{profile}"
        for name in sorted(set(chosen) ^ live):
            what = "does not settle" if name in live else "may not settle"
            yield Problem(
                file,
                f"{path}.{name}",
                f"the profile {what} the question {name}",
                "a profile settles every live question and no other",
            )
        for name, reading in chosen.items():
            if name in questions and reading not in questions[name].order:
                yield Problem(
                    file,
                    f"{path}.{name}",
                    f"no reading {reading}{nearest(reading, questions[name].order)}",
                    f"one of {', '.join(questions[name].order)}",
                )


def _coverage_problems(file: str, head: ActShape, rules: Iterable[str]) -> Iterator[Problem]:
    known = set(rules)
    for place, norm in enumerate(head.coverage):
        for rule in norm.rules:
            if rule not in known:
                yield Problem(
                    file,
                    f"coverage.{place}.rules",
                    f"no rule {rule}",
                    nearest(rule, known).removeprefix(": ") or "name a rule, or leave it out",
                )


def _norm_problems(file: str, shape: RuleShape, head: ActShape) -> Iterator[Problem]:
    known = [norm.id for norm in head.coverage]
    for norm in shape.norms:
        if norm not in known:
            yield Problem(
                file,
                "norms",
                f"order.toml covers no norm {norm}",
                nearest(norm, known).removeprefix(": ") or "add it to [[coverage]] in order.toml",
            )


def _shared_facts(rules: Sequence[Rule], files: Mapping[str, str]) -> Iterator[Problem]:
    """Refuse a fact that can be missing in two blocking rules: no verdict would stay exact."""
    used: dict[str, str] = {}
    for rule in rules:
        if rule.weight != "blocking":
            continue
        for fact in sorted(_incomplete(rule)):
            if fact in used:
                yield Problem(
                    files[rule.id],
                    "check",
                    f"the fact {fact} can be missing and also decides {used[fact]}",
                    "two blocking rules may not share such a fact: join them, or add a fact",
                )
            used.setdefault(fact, rule.id)


def _incomplete(rule: Rule) -> set[str]:
    return {
        fact
        for expression in (rule.check, rule.applies)
        for name in names(expression)
        for fact, _ in facts_of(rule.figures, name)
        if SPECS[fact].may_miss
    }


def _joined(rules: Sequence[Rule], written: Container[str]) -> tuple[list[Rule], list[Problem]]:
    """Give the rules with those beside them whose acts they name, and what is wrong with that.

    `written` holds the ids of all rules that there are: one that is refused itself is no fault
    of those that name it.
    """
    by_id = {rule.id: rule for rule in rules}
    joined: dict[str, Rule] = {}
    problems: list[Problem] = []

    def join(rule: Rule, within: tuple[str, ...]) -> Rule:
        if rule.id in joined:
            return joined[rule.id]
        after: dict[str, Rule] = {}
        for path, named in _acts_named(rule):
            other = by_id.get(named)
            if other is None and named in written:
                continue
            if other is None or other.act is None or other.act.in_order:
                acts = [known.id for known in rules if known.act and known.act.done]
                suggestion = nearest(named, acts).removeprefix(": ") or "name a rule with an [act]"
                problems.append(Problem(rule.file, path, f"{named} has no act", suggestion))
            elif named in (*within, rule.id):
                what = f"the act of {rule.id} runs from itself"
                problems.append(Problem(rule.file, path, what, "let one of them run from a day"))
            elif other.act.from_ is None and other.act.until is None:
                what = f"the act of {named} is due on no day"
                problems.append(Problem(rule.file, path, what, "name an act with a term"))
            else:
                after[named] = join(other, (*within, rule.id))
        questions = dict(rule.questions)
        for other in after.values():
            asked = {question for _, question in _asked_by_act(other)}
            questions |= {name: other.questions[name] for name in sorted(asked)}
        joined[rule.id] = replace(
            rule,
            runs_after=MappingProxyType(after),
            questions=MappingProxyType(dict(sorted(questions.items()))),
        )
        return joined[rule.id]

    return [join(rule, ()) for rule in rules], problems


def _unsaid(rules: Iterable[Rule]) -> Iterator[Problem]:
    """Refuse a rule that has no message for what it can come to."""
    for rule in rules:
        act = rule.act
        due = act is not None and (act.from_ is not None or act.until not in (None, NO_DAY))
        perhaps: dict[Said, bool] = {
            "satisfied": True,
            "breached": True,
            "unknown": True,
            "pending": act is not None,
            "late": due,
            "overdue": due,
            "disputed": bool(rule.questions),
            "not_applicable": rule.applies_text is not None,
        }
        lacking = [said for said, may in perhaps.items() if may and said not in rule.messages]
        # To know what it can come to takes a while, and mostly nothing is lacking.
        try:
            unsaid = sorted(reached(rule).intersection(lacking)) if lacking else []
        except TooManyRegionsError:
            what = "the facts can be together in too many ways to tell what the rule can come to"
            yield Problem(rule.file, "", what, "split the rule, or add a fact that says more")
            continue
        for said in unsaid:
            yield Problem(
                rule.file, f"messages.{said}", f"no message for {said}", "write it in en, kk and ru"
            )


def _acts_named(rule: Rule) -> list[tuple[str, str]]:
    """Give the rules that an act names, with the dotted path of where it does."""
    act = rule.act
    if act is None:
        return []
    named = [("act.from", act.from_)]
    bound = {
        name: [reading.binds[name] for reading in question.readings.values() if reading.binds]
        for question in rule.questions.values()
        for name in question.bound
    }
    named += [("act.until", until) for until in bound.get(act.until or "", [act.until])]
    return [(path, name) for path, name in named if name is not None and "/" in name]


def _asked_by_act(rule: Rule) -> list[tuple[str, str]]:
    """Give the bound names that a rule's act uses, its own or through another, and who asks."""
    act = rule.act
    if act is None:
        return []
    own = [
        (name, asked)
        for asked, question in rule.questions.items()
        for name in question.bound
        if name in (act.until, act.roll, act.term_starts)
    ]
    return own + [pair for other in rule.runs_after.values() for pair in _asked_by_act(other)]


class _RuleChecker:
    """Checks one rule file against its own figures, questions and the declared facts."""

    def __init__(
        self, rule_id: str, file: str, shape: RuleShape, norm: str, head: ActShape, head_file: str
    ) -> None:
        self.id, self.file, self.shape, self.head = rule_id, file, shape, head
        self._norm, self._head_file = norm, head_file
        self.problems: list[Problem] = []
        self.questions = {**head.questions, **shape.questions}
        self.bound: dict[str, str] = {}
        for question, asked in self.questions.items():
            for name in sorted(asked.bound):
                if name in self.bound:
                    self._refuse(
                        f"questions.{question}",
                        f"the name {name} is bound by the question {self.bound[name]} too",
                        "give each name to one question",
                    )
                self.bound[name] = question
        self.figures: dict[str, Figure] = {}

    def _refuse(self, path: str, problem: str, suggestion: str, file: str | None = None) -> None:
        self.problems.append(Problem(file or self.file, path, problem, suggestion))

    def rule(self) -> Rule | None:
        """Give the rule, or None after noting what is wrong."""
        shape = self.shape
        self.problems += _question_problems(self.file, shape.questions)
        self._source("source", shape.source)
        force = shape.in_force
        if force.until is not None and force.until <= force.from_:
            self._refuse("in_force.until", "the rule ends before it starts", "until is exclusive")
        for name, figure in shape.figures.items():
            self._figure(name, figure)
        check: Expression | None = Constant(True)
        if shape.check is not None:
            check = self._expression("check", shape.check)
        elif shape.act is None:
            self._refuse("check", "check is missing", "add check, or an [act]")
        if shape.act is not None:
            self._act(shape.act)
        applies: Expression | None = Constant(True)
        if shape.applies is not None:
            applies = self._expression("applies", shape.applies)
        reasons = []
        for place, item in enumerate(shape.reason):
            when = self._expression(f"reason.{place}.when", item.when)
            if when is not None:
                reasons.append(Reason(when, Texts(en=item.en, kk=item.kk, ru=item.ru)))
        if check is None or applies is None:
            return None
        used_names = {name.name for name in (*names(check), *names(applies))}
        used_names |= {shape.act.term} if shape.act and shape.act.term else set()
        for name in sorted(set(self.figures) - used_names):
            self._refuse(f"figures.{name}", "no check uses this figure", "use it, or remove it")
        self._once([*names(check), *names(applies)])
        self._of_one_kind([*names(check), *names(applies)])
        used = self._questions_used([check, applies, *(reason.when for reason in reasons)])
        if shape.act is not None:
            in_act = (shape.act.until, shape.act.roll, shape.act.term_starts)
            used |= {self.bound[name] for name in in_act if name in self.bound}
        for name in shape.questions:
            if name not in used:
                self._refuse(
                    f"questions.{name}",
                    "the question binds nothing that the rule uses",
                    "use its names in check or applies, or remove it",
                )
        self._messages()
        self._documents([*names(check), *names(applies)])
        if self.problems:
            return None
        return Rule(
            id=self.id,
            file=self.file,
            norms=tuple(shape.norms),
            weight=shape.weight,
            about=shape.about,
            dated_by=shape.dated_by,
            check_text=shape.check,
            check=check,
            applies_text=shape.applies,
            applies=applies,
            act=shape.act,
            runs_after=MappingProxyType({}),
            title=shape.title,
            in_force=shape.in_force,
            source=shape.source,
            figures=MappingProxyType(self.figures),
            questions=MappingProxyType({name: self.questions[name] for name in sorted(used)}),
            messages=MappingProxyType(dict(shape.messages)),
            remedy=shape.remedy,
            reasons=tuple(reasons),
            cases=tuple(shape.case),
            norm=self._norm,
        )

    def _source(self, path: str, source: Source) -> None:
        if source.act != self.head.id:
            self._refuse(f"{path}.act", f"no act {source.act}", f"write {self.head.id}")
        if self.shape.weight == "blocking" and source.certainty == "advisory":
            self._refuse(
                f"{path}.certainty",
                "an advisory source cannot block",
                'write weight = "advisory", or cite a better source',
            )

    # Figures ------------------------------------------------------------------------

    def _figure(self, name: str, shape: FigureShape) -> None:
        path = f"figures.{name}"
        if name in SPECS:
            self._refuse(path, f"{name} is a fact", "give the figure another name")
            return
        if shape.source is not None:
            self._source(f"{path}.source", shape.source)
        for fact in shape.by:
            if fact not in SPECS or SPECS[fact].kind != "set" or SPECS[fact].keys:
                self._refuse(
                    f"{path}.by",
                    f"{fact} is no closed fact without keys",
                    "look figures up by a fact such as school_kind",
                )
                return
        rows = []
        for place, row in enumerate(shape.rows):
            source = shape.source or self.shape.source
            found = self._row(f"{path}.rows.{place}", row, shape.by, source)
            if found is None:
                return
            rows.append(found)
        columns = {frozenset(row.columns) for row in rows}
        if len(columns) > 1 or not all(columns):
            self._refuse(
                f"{path}.rows", "the rows have different columns", "give each row all of them"
            )
            return
        self._dates(path, rows, shape.by)
        self.figures[name] = Figure(name, shape.unit, tuple(shape.by), tuple(rows))

    def _row(
        self, path: str, row: Mapping[str, Any], by: Sequence[str], source: Source
    ) -> FigureRow | None:
        first, until = row.get("from"), row.get("until")
        if type(first) is not date or not (until is None or type(until) is date):
            self._refuse(
                f"{path}.from", "a figure needs the day it holds from", "write from = YYYY-MM-DD"
            )
            return None
        keys = []
        for fact in by:
            value = row.get(fact)
            if value not in SPECS[fact].values:
                self._refuse(
                    f"{path}.{fact}",
                    f"{fact} has no such value",
                    f"one of {', '.join(SPECS[fact].values)}",
                )
                return None
            keys.append(str(value))
        if "source" in row:
            own_source = row["source"]
            if isinstance(own_source, Mapping):
                own_source = dict(own_source)  # a strict shape takes nothing else
            try:
                source = Source.model_validate(own_source)
            except ValidationError as error:
                for item in error.errors(include_url=False, include_input=False):
                    shaped = _shape_problem(self.file, Source, item)
                    self._refuse(f"{path}.source.{shaped.path}", shaped.problem, shaped.suggestion)
                return None
            self._source(f"{path}.source", source)
        own = ("from", "until", "source", *by)
        columns = {key: value for key, value in row.items() if key not in own}
        for column, value in columns.items():
            if type(value) is not int:
                self._refuse(
                    f"{path}.{column}",
                    "the figure is off the exact grid",
                    "write a whole number in the figure's unit (60 % = 6000 basis points)",
                )
                return None
            if abs(value) > MAX_FIGURE:
                self._refuse(
                    f"{path}.{column}",
                    f"the figure is beyond {MAX_FIGURE}",
                    "write it in a larger unit",
                )
                return None
        return FigureRow(first, until, tuple(keys), MappingProxyType(columns), source)

    def _dates(self, path: str, rows: Sequence[FigureRow], by: Sequence[str]) -> None:
        """Refuse a day of the rule's force with no row, or two, under some key."""
        force = self.shape.in_force
        for keys in product(*(SPECS[fact].values for fact in by)):
            of_keys = sorted((row for row in rows if row.keys == keys), key=lambda row: row.first)
            named = f" for {', '.join(keys)}" if keys else ""
            if not of_keys or of_keys[0].first > force.from_:
                self._refuse(
                    f"{path}.rows",
                    f"no figure{named} on {force.from_}",
                    f"add a row from {force.from_}",
                )
                continue
            for row, following in pairwise(of_keys):
                if row.until is None or row.until > following.first:
                    self._refuse(
                        f"{path}.rows",
                        f"two figures{named} on {following.first}",
                        f"end the earlier one: until = {following.first}",
                    )
                elif row.until < following.first:
                    self._refuse(
                        f"{path}.rows",
                        f"no figure{named} on {row.until}",
                        f"write until = {following.first}, or add a row from {row.until}",
                    )
            last = of_keys[-1].until
            if last is not None and (force.until is None or last < force.until):
                self._refuse(
                    f"{path}.rows", f"no figure{named} on {last}", f"add a row from {last}"
                )

    # Checks -------------------------------------------------------------------------

    def _expression(self, path: str, text: str) -> Expression | None:
        try:
            expression = parse_check(text)
        except CheckError as error:
            self._refuse(path, error.problem, error.suggestion)
            return None
        before = len(self.problems)
        refused = set(self.shape.figures) - set(self.figures)
        if any(name.name in refused for name in names(expression)):
            return None
        for name in names(expression):
            self._name(path, name)
        if len(self.problems) > before:
            return None
        for item in _parts(expression):
            if isinstance(item, Predicate) and not self._is_yes_no(item.name):
                self._refuse(path, f"{item.name.name} is no yes/no fact", "compare it with a value")
        for comparison in comparisons(expression):
            self._comparison(path, comparison)
        return expression if len(self.problems) == before else None

    def _is_yes_no(self, name: Name) -> bool:
        spec = SPECS.get(name.name)
        return spec is not None and spec.values == ("no", "yes")

    def _name(self, path: str, name: Name) -> None:
        if spec := SPECS.get(name.name):
            if len(name.keys) != len(spec.keys):
                self._refuse(
                    path,
                    f"{name.name} takes {len(spec.keys)} keys",
                    "keys: " + "; ".join(" | ".join(allowed) for allowed in spec.keys)
                    if spec.keys
                    else f"write {name.name}",
                )
                return
            for key, allowed in zip(name.keys, spec.keys, strict=True):
                self._bound_to(path, key, allowed)
        elif figure := self.figures.get(name.name):
            columns = tuple(figure.rows[0].columns)
            wanted = (*figure.by, *(() if columns == ("value",) else ("a column",)))
            if len(name.keys) != len(wanted) or name.keys[: len(figure.by)] != figure.by:
                self._refuse(
                    path,
                    f"{name.name} is looked up by {', '.join(wanted) or 'nothing'}",
                    f"write {name.name}[{', '.join(wanted)}]" if wanted else f"write {name.name}",
                )
            elif columns != ("value",):
                self._bound_to(path, name.keys[-1], columns)
        elif name.keys or name.name not in self.bound:
            if name.name in self.shape.figures:
                return  # the figure itself was refused
            known = [*SPECS, *self.figures, *self.bound]
            self._refuse(
                path,
                f"{name.name} is neither a fact, a figure nor bound by every reading",
                nearest(name.name, known).removeprefix(": ") or "declare it, or mend the name",
            )

    def _bound_to(self, path: str, key: str, allowed: Sequence[str]) -> None:
        if key not in self.bound:
            self._refuse(
                path,
                f"the key {key} is not bound by every reading of a question",
                nearest(key, self.bound).removeprefix(": ") or f"bind it to {' | '.join(allowed)}",
            )
            return
        name = self.bound[key]
        question = self.questions[name]
        own_file = name in self.shape.questions
        for reading in question.order:
            if reading not in question.readings:
                continue  # told of the question already
            value = question.readings[reading].binds[key]
            if value not in allowed:
                near = get_close_matches(value, allowed, n=1)
                self._refuse(
                    f"questions.{name}.readings.{reading}.binds.{key}",
                    f"{value} is none of {', '.join(allowed)}",
                    f"did you mean {near[0]}?" if near else f"one of {', '.join(allowed)}",
                    None if own_file else self._head_file,
                )

    def _kind(self, operand: Name | LiteralOperand) -> tuple[str, FactSpec | None, str]:
        """Give (set | number | date | text, its declaration, its unit) of an operand."""
        if isinstance(operand, LiteralOperand):
            value = operand.value[0] if isinstance(operand.value, tuple) else operand.value
            return ("number" if isinstance(value, int) else "text"), None, ""
        if spec := SPECS.get(operand.name):
            return spec.kind, spec, spec.unit
        if figure := self.figures.get(operand.name):
            return "number", None, figure.unit
        return "text", None, ""

    def _comparison(self, path: str, comparison: Compare) -> None:
        before = len(self.problems)
        pairs = pairwise(comparison.operands)
        for (left, right), operator in zip(pairs, comparison.operators, strict=True):
            (kind, spec, unit), (other, other_spec, other_unit) = (
                self._kind(left),
                self._kind(right),
            )
            if "set" in (kind, other) or (kind == "text" and other == "text"):
                if operator in ORDER:
                    self._refuse(path, "closed values have no order", "use == or in")
                    continue
                for declared, value in ((spec, right), (other_spec, left)):
                    if declared is not None and declared.kind == "set":
                        self._values(path, declared, value)
                for bound, value in ((left, right), (right, left)):
                    if isinstance(bound, Name) and isinstance(value, LiteralOperand):
                        self._ever_bound(path, bound, value)
                continue
            if operator in ("in", "not in"):
                self._refuse(path, "only closed values may be listed", "compare with >= or <")
            elif kind != other:
                self._refuse(path, f"a {kind} is compared with a {other}", "compare like with like")
            elif unit and other_unit and unit != other_unit:
                self._refuse(path, f"{unit} are compared with {other_unit}", "give both one unit")
            self._floored(path, spec, other_spec, operator)
        if len(self.problems) == before:
            self._looked_up(path, comparison)

    def _ever_bound(self, path: str, name: Name, literal: LiteralOperand) -> None:
        """Refuse to compare a bound name with what no reading binds it to."""
        if name.name not in self.bound or name.name in SPECS:
            return
        question = self.questions[self.bound[name.name]]
        bound = sorted(
            {reading.binds[name.name] for reading in question.readings.values() if reading.binds}
        )
        for value in literal.value if isinstance(literal.value, tuple) else (literal.value,):
            if value not in bound:
                self._refuse(
                    path,
                    f"{name.name} is never bound to {value}",
                    nearest(str(value), bound).removeprefix(": ") or f"one of {', '.join(bound)}",
                )

    def _looked_up(self, path: str, comparison: Compare) -> None:
        """Refuse a looked-up figure where its bounds alone do not decide.

        Which of its rows counts may be unknown: the figure is then one of a few, no range.
        """
        for place, operand in enumerate(comparison.operands):
            if not isinstance(operand, Name) or operand.name not in self.figures:
                continue
            between = 0 < place < len(comparison.operands) - 1
            if self.figures[operand.name].by and (
                between or {"==", "!="} & {*comparison.operators}
            ):
                self._refuse(
                    path,
                    f"the looked-up figure {operand.name} is compared with == or stands between",
                    "compare it with >= or < only",
                )

    def _values(self, path: str, spec: FactSpec, operand: Name | LiteralOperand) -> None:
        if isinstance(operand, Name):
            if operand.name in SPECS or operand.name in self.figures:
                self._refuse(
                    path,
                    f"{spec.name} is compared with {operand.name}",
                    "compare a closed fact with its values: if two facts matter, add a fact",
                )
            elif operand.name in self.bound:
                self._bound_to(path, operand.name, spec.values)
            return
        values = operand.value if isinstance(operand.value, tuple) else (operand.value,)
        for value in values:
            if value not in spec.values:
                near = get_close_matches(str(value), spec.values, n=1)
                self._refuse(
                    path,
                    f"{spec.name} is never {value}",
                    f"did you mean {near[0]}?" if near else f"one of {', '.join(spec.values)}",
                )

    def _floored(
        self, path: str, left: FactSpec | None, right: FactSpec | None, operator: str
    ) -> None:
        """A figure rounded down keeps its sense only in `fact >= whole` and `fact < whole`."""
        wrong = (left is not None and left.floored and operator not in (">=", "<")) or (
            right is not None and right.floored and operator not in ("<=", ">")
        )
        both = left is not None and right is not None and left.floored and right.floored
        if wrong or both:
            name = left.name if left is not None and left.floored else right.name  # type: ignore[union-attr]  # one of them is floored
            self._refuse(
                path,
                f"{name} is rounded down and compared with {operator}",
                f"write {name} >= figure, or {name} < figure",
            )

    def _once(self, used: Sequence[Name]) -> None:
        seen: set[str] = set()
        for name in used:
            for fact, _ in facts_of(self.figures, name):
                if SPECS[fact].may_miss and fact in seen:
                    self._refuse(
                        "check",
                        f"the fact {fact} can be missing and is used twice",
                        "bounds are exact only if it occurs once in check and applies together",
                    )
                seen.add(fact)

    def _questions_used(self, expressions: Iterable[Expression]) -> set[str]:
        return {
            self.bound[part]
            for expression in expressions
            for name in names(expression)
            for part in (name.name, *name.keys)
            if part in self.bound and part not in SPECS
        }

    def _of_one_kind(self, used: Sequence[Name]) -> None:
        """Refuse a fact of a person in a rule about a reserve, and the other way round."""
        of_reserve = self.id.startswith("reserve/")
        if of_reserve != (self.shape.dated_by == "formed_on"):
            self._refuse(
                "dated_by",
                f"{self.shape.dated_by} dates no rule in the folder {self.id.split('/')[0]}",
                "formed_on dates the rules of reserve/, and no other",
            )
        if of_reserve and self.shape.weight != "remediable":
            self._refuse(
                "weight", "a rule about a reserve touches no verdict", 'write weight = "remediable"'
            )
        for name in used:
            for fact, _ in facts_of(self.figures, name):
                if SPECS[fact].of_reserve != of_reserve:
                    whose = "an appointment" if of_reserve else "a reserve"
                    self._refuse("check", f"{fact} is a fact of {whose}", "use facts of its kind")

    # Acts ---------------------------------------------------------------------------

    def _act(self, act: ActTiming) -> None:
        """Refuse an act that nobody registers, that is due twice, or whose term has no days."""
        if self.shape.dated_by != "starts_on":
            self._refuse("dated_by", "an act is dated by starts_on", 'write dated_by = "starts_on"')
        if self.shape.weight == "blocking":
            self._refuse("weight", "an act cannot block an appointment", "write remediable")
        if bool(act.done) == bool(act.in_order):
            self._refuse("act", "an act is either done or in_order", "give one of the two")
        for path, acts in (("act.done", act.done), ("act.in_order", act.in_order)):
            for name in acts:
                if name not in ACTS:
                    near = nearest(name, ACTS).removeprefix(": ")
                    self._refuse(
                        path, f"no plan registers {name}", near or f"one of {', '.join(ACTS)}"
                    )
        if (act.from_ is None) != (act.term is None):
            self._refuse("act", "from and term go together", "give both, or neither")
        if act.until is not None and (act.from_ is not None or act.in_order):
            self._refuse("act.until", "until stands alone", "give from and term, or until")
        if act.judged_undone and (
            self.shape.check is None or act.in_order or act.from_ or act.until
        ):
            self._refuse(
                "act.judged_undone",
                "it is for a check beside an act without a due date",
                "remove it, or from, term, until and in_order",
            )
        if act.in_order and act.from_ is not None:
            self._refuse("act.from", "acts in order have no due date", "remove from and term")
        if act.from_ is not None and "/" not in act.from_:
            self._always_known("act.from", act.from_)
        for until in self._values_of(act.until):
            if until != NO_DAY and "/" not in until:
                self._always_known("act.until", until)
        self._term(act)

    def _term(self, act: ActTiming) -> None:
        figure = self.figures.get(act.term or "")
        if act.term is not None and act.term not in self.shape.figures:
            near = nearest(act.term, self.shape.figures).removeprefix(": ")
            self._refuse("act.term", f"no figure {act.term}", near or "write it under [figures]")
        elif figure is not None and (
            figure.by
            or figure.unit not in UNITS
            or any(set(row.columns) != {"value"} or row.columns["value"] < 1 for row in figure.rows)
        ):
            self._refuse(
                f"figures.{act.term}",
                f"{act.term} is no number of days",
                f"one value of at least 1 a row, its unit one of {', '.join(UNITS)}",
            )
            figure = None
        calendar_days = figure is not None and UNITS[figure.unit] == "calendar"
        for path, name, allowed in (
            ("act.term_starts", act.term_starts, TERM_STARTS),
            ("act.roll", act.roll, ROLLS),
        ):
            if figure is None and name is None:
                continue
            if (name is not None) != calendar_days:
                self._refuse(
                    path,
                    "calendar days need it, and working days have no use for it",
                    f"one of {', '.join(allowed)}" if calendar_days else "remove it",
                )
            for value in self._values_of(name):
                if value not in allowed:
                    near = nearest(value, allowed).removeprefix(": ")
                    self._refuse(
                        path, f"{value} is none of it", near or f"one of {', '.join(allowed)}"
                    )

    def _always_known(self, path: str, name: str) -> None:
        known = [
            spec.name
            for spec in SPECS.values()
            if spec.kind == "date" and not spec.may_miss and not spec.keys
        ]
        if name not in known:
            near = nearest(name, known).removeprefix(": ")
            self._refuse(
                path,
                f"{name} is no day that is always known",
                near or f"one of {', '.join(known)}, or the id of a rule",
            )

    def _values_of(self, name: str | None) -> list[str]:
        """Give what a name is bound to by the readings; what none binds stands for itself."""
        if name is None:
            return []
        if name not in self.bound:
            return [name]
        question = self.questions[self.bound[name]]
        return [question.readings[key].binds[name] for key in question.order]

    # Texts --------------------------------------------------------------------------

    def _messages(self) -> None:
        act = self.shape.act
        texts = {f"messages.{outcome}": text for outcome, text in self.shape.messages.items()}
        texts["remedy"] = self.shape.remedy
        filled_in = PLACEHOLDERS.union(act.in_order if act is not None else ())
        plain: dict[str, Texts | ReasonShape] = {"title": self.shape.title}
        plain |= {f"reason.{place}": reason for place, reason in enumerate(self.shape.reason)}
        for path, words in plain.items():
            for language in LANGUAGES:
                if _placeholders(getattr(words, language)) != set():
                    self._refuse(
                        f"{path}.{language}", "nothing is filled in here", "write it without braces"
                    )
        for path, text in texts.items():
            found = {language: _placeholders(text[language]) for language in LANGUAGES}
            for language in LANGUAGES:
                if found[language] is None:
                    self._refuse(f"{path}.{language}", "the braces are not plain", "write {value}")
                    continue
                for name in sorted((found[language] or set()) - filled_in):
                    self._refuse(
                        f"{path}.{language}",
                        f"no placeholder {{{name}}}",
                        nearest(name, filled_in).removeprefix(": ")
                        or f"one of {', '.join(sorted(filled_in))}",
                    )
            alike = len({frozenset(names or ()) for names in found.values()}) == 1
            if not alike and None not in found.values():
                self._refuse(
                    path,
                    "the languages have different placeholders",
                    "use the same placeholders in en, kk and ru",
                )

    def _documents(self, used: Iterable[Name]) -> None:
        act = self.shape.act
        of_act = [*act.done, *act.in_order, *(["week"] if act.term else [])] if act else []
        of_check = [fact for name in used for fact, _ in facts_of(self.figures, name)]
        for fact in (*(fact for fact in of_check if SPECS[fact].may_miss), *of_act):
            if fact not in self.head.documents:
                self._refuse(
                    "check" if fact in of_check else "act",
                    f"no document is named that settles {fact}",
                    f"add [documents.{fact}] to order.toml",
                )


def _parts(expression: Expression) -> Iterator[Expression]:
    yield expression
    match expression:
        case Not(item=item):
            yield from _parts(item)
        case And(items=items) | Or(items=items):
            for item in items:
                yield from _parts(item)


def _placeholders(text: str) -> set[str] | None:
    """Give the names in braces, or None where they cannot be filled in plainly."""
    found = set()
    try:
        for _, name, form, conversion in Formatter().parse(text):
            if form or conversion:
                return None
            if name is not None:
                found.add(name)
    except ValueError:
        return None
    return found
