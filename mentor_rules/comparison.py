"""What differs between two rulebooks, in plain words, and whose verdict that changes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from mentor_rules.calendar_data import Overrides
from mentor_rules.dossier import Dossier
from mentor_rules.findings import value_label
from mentor_rules.judging import check, expect_day
from mentor_rules.requirements import amount
from mentor_rules.result import AppointmentResult, Fault, Finding, Report, harmless_json
from mentor_rules.rulebook import (
    CaseShape,
    Figure,
    FigureRow,
    Outcome,
    Question,
    Rule,
    Rulebook,
    Source,
    Texts,
    Weight,
)
from mentor_rules.texts import has, say
from mentor_rules.vocabulary import LANGUAGES, Language

Kind = Literal[
    "rule_added",
    "rule_removed",
    "in_force",
    "weight",
    "check",
    "act",
    "figure",
    "question",
    "reading",
    "source",
    "text",
    "case",
    "shared",
]
VERDICTS: tuple[Literal["eligibility"], Literal["procedure"]] = ("eligibility", "procedure")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Difference(_Part):
    """One thing that differs, in words: of a rule, of a question, or of neither: of the act.

    `path` is where it stands in the file of the rule, or in `order.toml`.
    """

    kind: Kind
    rule: str | None = None
    question: str | None = None
    path: str
    text: str


class Said(_Part):
    """What a rule says of an appointment."""

    outcome: Outcome
    weight: Weight
    message: str


class Why(_Part):
    """A rule whose finding differs; None where there is none in that rulebook."""

    rule: str
    old: Said | None
    new: Said | None


class Flip(_Part):
    """A verdict that changes, and the findings that change it."""

    appointment_id: str
    school_id: str | None
    verdict: Literal["eligibility", "procedure"]
    old: str
    new: str
    why: tuple[Why, ...]


class OutcomeCount(_Part):
    """How many findings of a rule go from one outcome to another; None: there was no finding."""

    rule: str
    old: Outcome | None
    new: Outcome | None
    count: int


class Effect(_Part):
    """What the differences change for a dossier: verdicts, and findings that change none too.

    `faults` are those of either rulebook, by appointment: these have no verdict there.
    """

    as_of: date
    appointments: int
    flips: tuple[Flip, ...]
    outcomes: tuple[OutcomeCount, ...]
    invalid_rows: int
    faults: dict[str, Fault]
    notes: tuple[str, ...]


class Compared(_Part):
    """One of the two rulebooks."""

    rulebook: str
    sha256: str
    rules: int


class Comparison(_Part):
    """What differs between two rulebooks; `effect` where a dossier was given.

    No differences and unlike digests: the files differ in comments or layout alone.
    """

    old: Compared
    new: Compared
    titles: dict[str, str]
    differences: tuple[Difference, ...]
    effect: Effect | None
    caveats: tuple[str, ...]

    def to_json(self) -> str:
        """Give the answer as JSON."""
        return harmless_json(self.model_dump_json(indent=2))


def compare_rulebooks(
    old: Rulebook,
    new: Rulebook,
    *,
    dossier: Dossier | None = None,
    as_of: date | None = None,
    calendar: Overrides = None,
    language: Language = "en",
) -> Comparison:
    """Give what differs between two rulebooks, in a language; of a dossier, what that changes.

    With a dossier every appointment is judged by both, on the day `as_of`, each by the edition
    that its own days pick. Raises UsageError for a dossier without `as_of`.
    """
    if dossier is not None:
        expect_day("as_of", as_of)
    caveats = [new.read.not_read[language]]
    if language != "en":
        caveats.append(new.read.texts[language])
    return Comparison(
        old=_compared(old),
        new=_compared(new),
        titles={rule.id: rule.title[language] for book in (old, new) for rule in book.rules},
        differences=tuple(_Comparer(old, new, language).differences()),
        effect=(
            None
            if dossier is None or as_of is None
            else _effect(old, new, dossier, as_of, calendar, language)
        ),
        caveats=tuple(caveats),
    )


def _compared(rulebook: Rulebook) -> Compared:
    return Compared(rulebook=rulebook.id, sha256=rulebook.sha256, rules=len(rulebook.rules))


# The rules ----------------------------------------------------------------------------------


class _Found(NamedTuple):
    kind: Kind
    path: str
    text: str


class _Comparer:
    """Says in one language what differs between two rulebooks."""

    def __init__(self, old: Rulebook, new: Rulebook, language: Language) -> None:
        self._old, self._new, self._language = old, new, language

    def differences(self) -> Iterator[Difference]:
        """Give what differs: of rules by id, of questions by name, of what they share."""
        old, new = ({rule.id: rule for rule in book.rules} for book in (self._old, self._new))
        for rule_id in sorted({*old, *new}):
            for found in self._of_rule(old.get(rule_id), new.get(rule_id)):
                yield Difference(rule=rule_id, **found._asdict())
        asked = self._old.questions, self._new.questions
        for name in sorted({*asked[0], *asked[1]}):
            for found in self._of_question(name, asked[0].get(name), asked[1].get(name)):
                yield Difference(question=name, **found._asdict())
        for found in self._shared():
            yield Difference(**found._asdict())

    def _say(self, code: str, **params: object) -> str:
        return say("diff", code, self._language, **{key: str(text) for key, text in params.items()})

    def _value(self, value: object) -> str:
        """Give a value as it stands in a file; nothing and "" are said in words."""
        if value in (None, "", [], {}, ()):
            return self._say("nothing")
        if isinstance(value, list | tuple):
            return ", ".join(map(str, value))
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _changed(self, what: str, old: object, new: object) -> str:
        return self._say("changed", what=what, old=self._value(old), new=self._value(new))

    def _part(self, code: str) -> str:
        return say("part", code, self._language)

    def _name(self, group: str, code: str) -> str:
        return say(group, code, self._language) if has(group, code) else code

    # A rule -----------------------------------------------------------------------------

    def _of_rule(self, old: Rule | None, new: Rule | None) -> Iterator[_Found]:
        if old is None or new is None:
            rule, kind = (new, "rule_added") if old is None else (old, "rule_removed")
            assert rule is not None  # noqa: S101 - one of the two has the rule
            yield _Found(
                "rule_added" if old is None else "rule_removed",
                "",
                self._say(
                    kind,
                    weight=self._name("weight", rule.weight),
                    since=rule.in_force.from_,
                    cases=len(rule.cases),
                ),
            )
            return
        yield from self._in_force(old, new)
        if old.weight != new.weight:
            weights = (self._name("weight", rule.weight) for rule in (old, new))
            yield _Found("weight", "weight", self._changed(self._part("weight"), *weights))
        yield from self._requirement(old, new)
        yield from self._figures(old, new)
        yield from self._source("source", old.source, new.source)
        yield from self._texts_of_rule(old, new)
        yield from self._cases(old.cases, new.cases)

    def _in_force(self, old: Rule, new: Rule) -> Iterator[_Found]:
        if old.in_force.from_ != new.in_force.from_:
            text = self._changed(self._part("from"), old.in_force.from_, new.in_force.from_)
            yield _Found("in_force", "in_force.from", text)
        before, after = old.in_force.until, new.in_force.until
        if before == after:
            return
        if before is None:
            text = self._say("repealed", until=after)
        elif after is None:
            text = self._say("not_repealed", until=before)
        else:
            text = self._changed(self._part("until"), before, after)
        yield _Found("in_force", "in_force.until", text)

    def _requirement(self, old: Rule, new: Rule) -> Iterator[_Found]:
        for path, before, after in (
            ("check", old.check_text, new.check_text),
            ("applies", old.applies_text, new.applies_text),
            ("dated_by", old.dated_by, new.dated_by),
            ("about", old.about, new.about),
            ("norms", old.norms, new.norms),
        ):
            if before != after:
                yield _Found("check", path, self._changed(self._part(path), before, after))
        acts = [
            {} if rule.act is None else rule.act.model_dump(by_alias=True, exclude={"who"})
            for rule in (old, new)
        ]
        for key in sorted({*acts[0], *acts[1]}):
            before, after = (act.get(key) for act in acts)
            if before != after and (before or after):
                what = f"{self._part('act')}, {key}"
                yield _Found("act", f"act.{key}", self._changed(what, before, after))

    def _texts_of_rule(self, old: Rule, new: Rule) -> Iterator[_Found]:
        if old.norm != new.norm:
            yield _Found("text", "", self._changed(self._part("norm"), old.norm, new.norm))
        yield from self._text("title", self._part("title"), old.title, new.title)
        who = [rule.act.who if rule.act is not None else None for rule in (old, new)]
        yield from self._text("act.who", self._part("who"), *who)
        for outcome in dict.fromkeys((*old.messages, *new.messages)):
            what = self._say("message", outcome=self._name("outcome", outcome))
            messages = (rule.messages.get(outcome) for rule in (old, new))
            yield from self._text(f"messages.{outcome}", what, *messages)
        yield from self._text("remedy", self._part("remedy"), old.remedy, new.remedy)
        for code, rule, other in (("reason_added", new, old), ("reason_removed", old, new)):
            for reason in rule.reasons:
                if reason in other.reasons:
                    continue
                if any(reason.texts == one.texts for one in other.reasons):
                    code = "reason_when"
                text = self._say(code, text=reason.texts[self._language])
                if code != "reason_when" or rule is new:
                    yield _Found("text", "reason", text)

    def _text(self, path: str, what: str, old: Texts | None, new: Texts | None) -> Iterator[_Found]:
        """Say a text that differs: in the language asked for, or in the first that differs."""
        if old == new:
            return
        unlike = [
            language
            for language in (self._language, *LANGUAGES)
            if (old and old[language]) != (new and new[language])
        ]
        shown = unlike[0]
        text = self._say(
            "text",
            what=what,
            languages=", ".join(sorted(set(unlike))),
            old=self._value(old and old[shown]),
            new=self._value(new and new[shown]),
        )
        yield _Found("text", path, text)

    def _cases(self, old: Sequence[CaseShape], new: Sequence[CaseShape]) -> Iterator[_Found]:
        before, after = ({case.says: case for case in cases} for cases in (old, new))
        added, removed = len(after.keys() - before.keys()), len(before.keys() - after.keys())
        if added or removed:
            yield _Found("case", "case", self._say("cases", added=added, removed=removed))
        for says in (says for says in before if says in after):
            expected = before[says].expect, after[says].expect
            if expected[0] != expected[1]:
                outcomes = (self._name("outcome", outcome) for outcome in expected)
                text = self._changed(self._say("case", says=says), *outcomes)
                yield _Found("case", "case", text)
            elif before[says] != after[says]:
                yield _Found("case", "case", self._say("case_given", says=says))

    # Sources ----------------------------------------------------------------------------

    def _source(self, path: str, old: Source, new: Source, of: str = "") -> Iterator[_Found]:
        for key in ("certainty", "point", "wording", "place", "via", "read_on", "act"):
            before, after = getattr(old, key), getattr(new, key)
            if before == after:
                continue
            if key == "certainty":
                before, after = (self._name("certainty", one) for one in (before, after))
            what = self._part(key if key != "act" else "cited_act")
            what = f"{of}, {what}" if of else what
            yield _Found("source", f"{path}.{key}", self._changed(what, before, after))

    # Figures ----------------------------------------------------------------------------

    def _figures(self, old: Rule, new: Rule) -> Iterator[_Found]:
        for name in sorted({*old.figures, *new.figures}):
            before, after = old.figures.get(name), new.figures.get(name)
            path = f"figures.{name}"
            if before is not None and after is not None:
                if before.unit != after.unit:
                    units = (self._unit(figure) for figure in (before, after))
                    what = f"{name}, {self._part('unit')}"
                    yield _Found("figure", f"{path}.unit", self._changed(what, *units))
                if before.by != after.by:
                    what = f"{name}, {self._part('by')}"
                    text = self._changed(what, before.by, after.by)
                    yield _Found("figure", f"{path}.by", text)
            for text in self._amounts(name, before, after):
                yield _Found("figure", f"{path}.rows", text)
            if before is not None and after is not None:
                yield from self._sources_of_figure(path, old, new, before, after)

    def _unit(self, figure: Figure) -> str:
        return self._name("unit", figure.unit.replace(" ", "_"))

    def _amounts(self, name: str, old: Figure | None, new: Figure | None) -> Iterator[str]:
        """Say from which day until which a figure is another, under which keys."""
        of_one_unit = old is None or new is None or (old.unit, old.by) == (new.unit, new.by)
        for spot in _spots(old, new):
            for since, until, before, after in parted(spot, old, new):
                code = "otherwise"
                if before is None:
                    code = "figure_set"
                elif after is None:
                    code = "figure_ended"
                elif of_one_unit:
                    code = "raised" if after > before else "lowered"
                when = "span_until" if until is not None else "span"
                yield self._say(
                    code,
                    what=self._spot(name, spot),
                    old=self._amount(old, before),
                    new=self._amount(new, after),
                    span=self._say(when, since=since, until=until),
                )

    def _amount(self, figure: Figure | None, number: int | None) -> str:
        if figure is None or number is None:
            return self._say("nothing")
        return amount(figure.unit, number, self._language)

    def _spot(self, name: str, spot: "Spot") -> str:
        labels = [value_label(fact, value, self._language) for fact, value in spot.keys]
        return ", ".join([name, *labels, *([] if spot.column == "value" else [spot.column])])

    def _sources_of_figure(
        self, path: str, old: Rule, new: Rule, before: Figure, after: Figure
    ) -> Iterator[_Found]:
        """Say where a figure's source differs otherwise than that of its rule does."""
        own = old.source, new.source
        said = set()
        for spot in _spots(before, after):
            days = sorted({row.first for figure in (before, after) for row in figure.rows})
            for day in days:
                rows = _row_on(before, spot, day), _row_on(after, spot, day)
                if rows[0] is None or rows[1] is None:
                    continue
                pair = rows[0].source, rows[1].source
                if pair[0] == pair[1] or pair == own:
                    continue
                for found in self._source(f"{path}.source", *pair, of=self._spot(path[8:], spot)):
                    if found.text not in said:
                        said.add(found.text)
                        yield found

    # Questions --------------------------------------------------------------------------

    def _of_question(
        self, name: str, old: Question | None, new: Question | None
    ) -> Iterator[_Found]:
        path = f"questions.{name}"
        if old is None or new is None:
            question = new if old is None else old
            assert question is not None  # noqa: S101 - one of the two asks it
            code = "question_added" if old is None else "question_removed"
            yield _Found("question", path, self._say(code, asks=question.asks[self._language]))
            return
        if (old.status, old.default) != (new.status, new.default):
            if new.default is None:
                text = self._say("question_opened", old=old.default)
            elif old.default is None:
                text = self._say("question_settled", new=new.default)
            else:
                text = self._changed(self._part("default"), old.default, new.default)
            yield _Found("question", f"{path}.status", text)
        common = set(old.order) & set(new.order)
        orders = [[one for one in question.order if one in common] for question in (old, new)]
        if orders[0] != orders[1]:
            text = self._changed(self._part("mildest"), old.order, new.order)
            yield _Found("question", f"{path}.order", text)
        yield from self._text(f"{path}.asks", self._part("asks"), old.asks, new.asks)
        for key in dict.fromkeys((*old.readings, *new.readings)):
            yield from self._reading(f"{path}.readings.{key}", key, old, new)

    def _reading(self, path: str, key: str, old: Question, new: Question) -> Iterator[_Found]:
        before, after = old.readings.get(key), new.readings.get(key)
        if before is None or after is None:
            reading = after if before is None else before
            assert reading is not None  # noqa: S101 - one of the two has it
            code = "reading_added" if before is None else "reading_removed"
            means = reading.means[self._language]
            yield _Found("reading", path, self._say(code, reading=key, means=means))
            if before is not None or reading.rejected is None:
                return
            because = reading.rejected[self._language]
            yield _Found("reading", path, self._say("rejected", reading=key, because=because))
            return
        what = self._say("reading", reading=key)
        yield from self._text(f"{path}.means", what, before.means, after.means)
        if before.binds != after.binds:
            binds = (
                [f"{name} = {value}" for name, value in reading.binds.items()]
                for reading in (before, after)
            )
            text = self._changed(f"{what}, {self._part('binds')}", *binds)
            yield _Found("reading", f"{path}.binds", text)
        if before.rejected is None and after.rejected is not None:
            because = after.rejected[self._language]
            text = self._say("rejected", reading=key, because=because)
            yield _Found("reading", f"{path}.rejected", text)
        elif before.rejected is not None and after.rejected is None:
            text = self._say("readmitted", reading=key)
            yield _Found("reading", f"{path}.rejected", text)
        else:
            because = f"{what}, {self._part('because')}"
            yield from self._text(f"{path}.rejected", because, before.rejected, after.rejected)

    # What the rules share ---------------------------------------------------------------

    def _shared(self) -> Iterator[_Found]:
        old, new = _shared_parts(self._old), _shared_parts(self._new)
        for path in dict.fromkeys((*old, *new)):
            if old.get(path) != new.get(path):
                yield _Found("shared", path, self._changed(path, old.get(path), new.get(path)))


class Spot(NamedTuple):
    """One number of a figure: under which values of which facts, in which column."""

    keys: tuple[tuple[str, str], ...]
    column: str


def _spots(*figures: Figure | None) -> list[Spot]:
    return list(
        dict.fromkeys(
            Spot(tuple(zip(figure.by, row.keys, strict=True)), column)
            for figure in figures
            if figure is not None
            for row in figure.rows
            for column in row.columns
        )
    )


def _row_on(figure: Figure | None, spot: Spot, day: date) -> FigureRow | None:
    """Give the row that holds on a day, if there is one."""
    for row in figure.rows if figure is not None else ():
        keys = tuple(zip(figure.by if figure is not None else (), row.keys, strict=True))
        if keys == spot.keys and row.first <= day and (row.until is None or day < row.until):
            return row
    return None


def parted(
    spot: Spot, old: Figure | None, new: Figure | None
) -> Iterator[tuple[date, date | None, int | None, int | None]]:
    """Give from when until when (None: for ever) a number differs, and what it is in each.

    The longest spans, in order; a number that is not there is None.
    """
    days = {
        day
        for figure in (old, new)
        if figure is not None
        for row in figure.rows
        for day in (row.first, row.until)
        if day is not None
    }
    spans: list[tuple[date, date | None, int | None, int | None]] = []
    for since, until in pairwise([*sorted(days), None]):
        assert since is not None  # noqa: S101 - only the last one is None
        rows = _row_on(old, spot, since), _row_on(new, spot, since)
        before, after = (None if row is None else row.columns.get(spot.column) for row in rows)
        if before == after:
            continue
        if spans and spans[-1][1:] == (since, before, after):
            since = spans.pop()[0]
        spans.append((since, until, before, after))
    yield from spans


def _shared_parts(rulebook: Rulebook) -> dict[str, object]:
    """Give all that `order.toml` says beside questions, by dotted path."""
    content: dict[str, Any] = {
        "id": rulebook.id,
        "act": rulebook.act.model_dump(by_alias=True),
        "read": rulebook.read.model_dump(),
        "profiles": {name: dict(chosen) for name, chosen in rulebook.profiles.items()},
        "documents": {fact: paper.model_dump() for fact, paper in rulebook.documents.items()},
        "coverage": {norm.id: norm.model_dump(exclude={"id"}) for norm in rulebook.coverage},
    }
    return dict(_leaves(content, ""))


def _leaves(content: Mapping[str, Any], path: str) -> Iterator[tuple[str, object]]:
    for key, item in content.items():
        if isinstance(item, Mapping):
            yield from _leaves(item, f"{path}{key}.")
        else:
            yield f"{path}{key}", item


# The effect ---------------------------------------------------------------------------------


def _effect(
    old: Rulebook,
    new: Rulebook,
    dossier: Dossier,
    as_of: date,
    calendar: Overrides,
    language: Language,
) -> Effect:
    days = calendar if isinstance(calendar, str | Path | None) else tuple(calendar)

    def judged(rulebook: Rulebook) -> Report:
        return check(dossier, as_of=as_of, rulebook=rulebook, calendar=days, language=language)

    before, after = judged(old), judged(new)
    pairs = list(zip(before.results, after.results, strict=True))
    judged_by_both = [
        *((was.findings, now.findings) for was, now in pairs),
        *(
            (was.findings, now.findings)
            for was, now in zip(before.schools, after.schools, strict=True)
        ),
    ]
    counted = Counter(
        (rule, was and was.outcome, now and now.outcome)
        for both in judged_by_both
        for rule, was, now in _paired(*both)
        if (was and was.outcome) != (now and now.outcome)
    )
    return Effect(
        as_of=as_of,
        appointments=len(pairs),
        flips=tuple(flip for pair in pairs for flip in _flips(*pair)),
        outcomes=tuple(
            OutcomeCount(rule=rule, old=was, new=now, count=count)
            for (rule, was, now), count in sorted(
                counted.items(), key=lambda item: tuple(map(str, item[0]))
            )
        ),
        invalid_rows=after.summary.invalid_rows,
        faults={**before.run.faults, **after.run.faults},
        notes=after.run.notes,
    )


def _flips(old: AppointmentResult, new: AppointmentResult) -> Iterator[Flip]:
    for verdict in VERDICTS:
        before, after = getattr(old, verdict), getattr(new, verdict)
        if before != after:
            yield Flip(
                appointment_id=new.appointment_id,
                school_id=new.school_id,
                verdict=verdict,
                old=before,
                new=after,
                why=tuple(_why(verdict, old, new)),
            )


_WEIGHT_OF: Mapping[str, Weight] = {"eligibility": "blocking", "procedure": "remediable"}


def _why(verdict: str, old: AppointmentResult, new: AppointmentResult) -> Iterator[Why]:
    """Give the findings behind a verdict that differ; in their readings only, if none else does."""
    weight = _WEIGHT_OF[verdict]
    touching = [
        (rule, was, now)
        for rule, was, now in _paired(old.findings, new.findings)
        if any(one is not None and one.weight == weight for one in (was, now))
    ]
    for differing in (_outcome, _readings):
        found = [both for both in touching if differing(both[1]) != differing(both[2])]
        if found:
            for rule, was, now in found:
                yield Why(rule=rule, old=_said(was), new=_said(now))
            return


def _outcome(finding: Finding | None) -> object:
    return finding and (finding.weight, finding.outcome)


def _readings(finding: Finding | None) -> object:
    return finding and [(sorted(one.when.items()), one.outcome) for one in finding.readings]


def _said(finding: Finding | None) -> Said | None:
    if finding is None:
        return None
    return Said(outcome=finding.outcome, weight=finding.weight, message=finding.message)


def _paired(
    old: Iterable[Finding], new: Iterable[Finding]
) -> Iterator[tuple[str, Finding | None, Finding | None]]:
    """Give the findings of each rule side by side; a rule may have several of a school."""
    before, after = _numbered(old), _numbered(new)
    for key in sorted({*before, *after}):
        yield key[0], before.get(key), after.get(key)


def _numbered(findings: Iterable[Finding]) -> dict[tuple[str, int], Finding]:
    seen: Counter[str] = Counter()
    numbered = {}
    for finding in findings:
        numbered[finding.rule, seen[finding.rule]] = finding
        seen[finding.rule] += 1
    return numbered
