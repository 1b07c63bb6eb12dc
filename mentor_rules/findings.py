"""Outcomes become findings: values as people write them, messages, sources, what is missing."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from itertools import chain, repeat
from typing import NamedTuple

from mentor_rules.checks import Expression, Literal, Name, Operand, comparisons
from mentor_rules.engines.closure import Closure, Outcomes
from mentor_rules.facts import LATE, SPECS, ActFact, Due, Fact, FactId, FactSpec
from mentor_rules.result import FactSource, Finding, Missing, NormSource, ReadingOutcome
from mentor_rules.rulebook import BoundRule, Outcome, Rulebook
from mentor_rules.texts import has, say
from mentor_rules.verdict import merged
from mentor_rules.vocabulary import BY_NAME, Language


class _Shown(NamedTuple):
    """A value: as in JSON (None where nothing is known), and as in a sentence."""

    plain: str | None
    said: str


_Wanted = Callable[[Mapping[FactId, Fact], date], _Shown]
_NOTHING = _Shown(None, "")
_NO_ACT = ActFact(0, 0)


class Presenter:
    """Writes the findings of one rule in one language."""

    def __init__(
        self, bound: BoundRule, rulebook: Rulebook, engine: Closure, language: Language
    ) -> None:
        self._bound, self._rulebook, self._engine, self._language = (
            bound,
            rulebook,
            engine,
            language,
        )
        self._whens = [dict(reading.when) for reading in bound.readings]
        compared = [_compared(reading.check) for reading in bound.readings]
        # Several readings may speak of one fact or one figure: each is worded once.
        self._values = list(dict.fromkeys(name for name, _ in compared))
        required = list(dict.fromkeys(compared))
        self._required = [self._wanted(name, other) for name, other in required]
        self._places = [
            (self._values.index(name), required.index((name, other))) for name, other in compared
        ]
        self._evidence = [
            (fact, fact[1][0].done if fact[0] == "timing" else (fact[0],)) for fact in bound.facts
        ]
        self._messages = {said: texts[language] for said, texts in bound.rule.messages.items()}
        self._remedy = bound.rule.remedy[language]
        self._not_known = say("finding", "not_known", language)
        self._without_act = self._of_act(_NO_ACT, None)
        self._no_dues: list[tuple[date | None, bool]] = [(None, False)] * len(bound.readings)
        source = bound.rule.source
        self._source = NormSource(
            act=source.act,
            place=source.place,
            certainty=source.certainty,
            point=source.point or None,
        )

    def finding(
        self,
        outcomes: Outcomes,
        facts: Mapping[FactId, Fact],
        bounds: Sequence[int],
        on: date,
        as_of: date,
        placeholders: Mapping[str, str],
    ) -> Finding:
        """Give the finding for one case; `on` is the day that picks the edition."""
        rule, language = self._bound.rule, self._language
        alike = outcomes.count(outcomes[0]) == len(outcomes)
        outcome = outcomes[0] if alike else merged(outcomes)
        if outcome == "not_in_force":
            return Finding(
                rule=rule.id,
                weight=rule.weight,
                outcome=outcome,
                message=say("finding", "not_in_force", language, on=placeholders["on"]),
                source=self._source,
            )
        values = [self._value(name, facts) for name in self._values]
        wanted = [required(facts, on) for required in self._required]
        shown = [(values[one], wanted[other]) for one, other in self._places]
        value, required = shown[0]
        params = {
            **placeholders,
            **self._without_act,
            "value": value.said or self._not_known,
            "required": required.said,
        }
        act, days_late, dues = _NO_ACT, None, self._no_dues
        if rule.act is not None:
            acts = [self._act(place, facts, own) for place, own in enumerate(outcomes)]
            act, dues = acts[0], [(_certain(its.due), _provisional(its.due)) for its in acts]
            days_late = act.days_late(as_of)
            params |= self._of_act(act, days_late)
        message = self._message(outcome, act, params)
        if outcome == "breached" and self._bound.reasons and not act.undone:
            reasons = self._engine.reasons(self._bound, bounds, on)
            message = " ".join([message, *(texts[language] for texts in reasons)])
        missing = self._missing(outcomes, facts) if outcome == "unknown" else ()
        remedy = None
        if outcome == "unknown":
            papers = dict.fromkeys(f"{item.document} ({item.who})" for item in missing)
            remedy = say("finding", "supply", language, documents="; ".join(papers))
        elif outcome in ("breached", "disputed"):
            # What settles a dispute is to meet the norm on its strictest reading.
            strictest = shown[-1][1] if outcome == "disputed" else required
            remedy = self._remedy.format_map({**params, "required": strictest.said})
            if outcome == "disputed" and act.done is not None:
                questions = ", ".join(self._bound.questions)
                remedy = say("finding", "only_the_question", language, questions=questions)
        sources: dict[str, set[str]] = {}
        notes: dict[str, None] = {}
        for fact, names in self._evidence:
            found = facts[fact]
            if found.sources:
                for name in names:
                    sources.setdefault(name, set()).update(found.sources)
            if found.notes:
                notes.update(dict.fromkeys(found.notes))
        readings = [
            ReadingOutcome.of(
                {
                    "when": when,
                    "outcome": own,
                    "value": val.plain,
                    "required": req.plain,
                    "due": its_due,
                    "provisional": provisional,
                }
            )
            for when, own, (val, req), (its_due, provisional) in zip(
                self._whens, outcomes, shown, dues, strict=True
            )
        ]
        drawn_from = [
            FactSource.of({"fact": name, "from_": tuple(sorted(sources[name]))})
            for name in sorted(sources)
        ]
        due, provisional = dues[0]
        latest = due is not None and act.due is not None and act.due.latest
        return Finding.of(
            {
                "rule": rule.id,
                "weight": rule.weight,
                "outcome": outcome,
                "value": value.plain,
                "required": required.plain,
                "due": due,
                "latest": True if latest else None,
                "done": date.fromordinal(act.done) if act.done is not None else None,
                "days_late": days_late,
                "provisional": provisional,
                "readings": tuple(readings),
                "facts": tuple(drawn_from),
                "missing": missing,
                "message": message,
                "remedy": remedy,
                "notes": tuple([say("note", note, language) for note in notes]),
                "source": self._source,
            }
        )

    def _act(self, place: int, facts: Mapping[FactId, Fact], outcome: Outcome) -> ActFact:
        """Give how the act of the rule stands under one reading; there may be none."""
        timing = self._bound.readings[place].timing
        if timing is None or outcome == "not_applicable":
            return _NO_ACT
        found = facts[timing]
        assert isinstance(found, ActFact)  # noqa: S101 - narrows the fact's type
        return found

    def _message(self, outcome: Outcome, act: ActFact, params: Mapping[str, str]) -> str:
        """Give the sentence for an outcome: what is late has its own, whatever else is wrong."""
        if outcome == "breached" and act.due is not None:
            if act.done is None and not act.undone:
                return say("finding", "late_either_way", self._language, due=params["due"])
            if act.lo == LATE:
                return self._messages["overdue" if act.undone else "late"].format_map(params)
        return self._messages[outcome].format_map(params)

    def _of_act(self, act: ActFact, days_late: int | None) -> dict[str, str]:
        """Give what texts may say of the act, and of those that are needed in order."""
        asked = self._bound.rule.act
        in_order = asked.in_order if asked is not None else ()
        return {
            "due": self._due(act),
            "done": _day(act.done) or self._not_known,
            "days_late": str(days_late or self._not_known),
            **dict(zip(in_order, map(self._done, chain(act.each, repeat(_NO_ACT))), strict=False)),
        }

    def _done(self, act: ActFact) -> str:
        if act.undone:
            return say("finding", "not_done", self._language)
        return _day(act.done) or self._not_known

    def _due(self, act: ActFact) -> str:
        if act.due is None:
            return say("finding", "no_due", self._language)
        return "–".join(dict.fromkeys((_day(act.due.first), _day(act.due.last))))

    def _missing(self, outcomes: Outcomes, facts: Mapping[FactId, Fact]) -> tuple[Missing, ...]:
        """Give what is open among the facts of those readings that are unknown."""
        found: dict[tuple[str, str, str], Missing] = {}
        for reading, outcome in zip(self._bound.readings, outcomes, strict=True):
            if outcome != "unknown":
                continue
            for fact in reading.facts:
                for gap in facts[fact].gaps:
                    paper = self._rulebook.documents[gap.fact]
                    found[gap] = Missing.of(
                        {
                            "fact": gap.fact,
                            "key": gap.key,
                            "reason": say("reason", gap.reason, self._language),
                            "document": paper.document[self._language],
                            "who": paper.who[self._language],
                        }
                    )
        return tuple(found[key] for key in sorted(found))

    def _value(self, name: Name | None, facts: Mapping[FactId, Fact]) -> _Shown:
        if name is None:
            return _NOTHING
        spec, fact = SPECS[name.name], facts[name.name, name.keys]
        if spec.kind == "set":
            return _one_of(name.name, fact.lo, self._language)
        return self._range(spec, fact.lo, fact.hi, whole=(fact.lo, fact.hi) == (spec.lo, spec.hi))

    def _range(self, spec: FactSpec, lo: int, hi: int, *, whole: bool = False) -> _Shown:
        plain = (
            worded_value(spec, lo)
            if lo == hi
            else f"{worded_value(spec, lo)}–{worded_value(spec, hi)}"
        )
        said = plain
        if spec.unit == "basis points" and self._language != "en":
            said = plain.replace(".", ",")
        if whole:
            return _Shown(None, said if spec.kind == "number" else "")
        return _Shown(plain, said)

    def _wanted(self, name: Name | None, other: Operand | None) -> _Wanted:
        """Give the function that words what the fact `name` is compared with."""
        if name is None or other is None:
            return lambda facts, on: _NOTHING
        spec, rule = SPECS[name.name], self._bound.rule
        if isinstance(other, Literal):
            values = other.value if isinstance(other.value, tuple) else (other.value,)
            if spec.kind == "set":
                stated = _listed(spec, map(str, values), self._language)
            else:
                stated = self._range(spec, int(values[0]), int(values[0]))
            return lambda facts, on: stated
        if other.name in SPECS:
            own, fact = SPECS[other.name], (other.name, other.keys)
            return lambda facts, on: self._range(own, facts[fact].lo, facts[fact].hi)
        figure, keys = rule.figures[other.name], other.keys
        by: list[FactId] = [(fact, ()) for fact in figure.by]
        column = keys[len(figure.by)] if len(keys) > len(figure.by) else "value"

        # There are few editions, and few sets of closed values. No `cache`: Spark cannot send one.
        kept: dict[tuple[date, tuple[int, ...]], _Shown] = {}

        def worded(edition: date, possible: tuple[int, ...]) -> _Shown:
            if (edition, possible) not in kept:
                found = [
                    columns[column]
                    for row, columns in figure.on(edition).items()
                    if all(
                        bits & SPECS[fact].bit(key)
                        for fact, key, bits in zip(figure.by, row, possible, strict=True)
                    )
                ]
                kept[edition, possible] = self._range(spec, min(found), max(found))
            return kept[edition, possible]

        def wanted(facts: Mapping[FactId, Fact], on: date) -> _Shown:
            edition = rule.changes_on[bisect_right(rule.changes_on, on) - 1]
            return worded(edition, tuple([facts[fact].lo for fact in by]))

        return wanted


@cache
def _one_of(name: str, possible: int, language: Language) -> _Shown:
    """Give a closed value of which only some are possible."""
    spec = SPECS[name]
    values = [value for value in spec.values if possible & spec.bit(value)]
    return _NOTHING if len(values) == len(spec.values) else _listed(spec, values, language)


def _listed(spec: FactSpec, values: Iterable[str], language: Language) -> _Shown:
    found = list(values)
    return _Shown(
        "/".join(found), " / ".join(value_label(spec.name, one, language) for one in found)
    )


def value_label(fact: str, value: str, language: Language) -> str:
    """Give the name of a closed value of a fact."""
    vocabulary = BY_NAME.get(SPECS[fact].labels)
    if vocabulary is not None and value in vocabulary.labels:
        return vocabulary.label(value, language)
    return say("value", value, language) if has("value", value) else value


def _day(ordinal: int | None) -> str:
    return date.fromordinal(ordinal).isoformat() if ordinal is not None else ""


def _certain(due: Due | None) -> date | None:
    """Give the day on which an act is due, None where it may be one of several."""
    return due.certain if due is not None else None


def _provisional(due: Due | None) -> bool:
    return due is not None and due.certain is not None and due.provisional


def _compared(check: Expression) -> tuple[Name | None, Operand | None]:
    """Give the one fact that a check speaks of, and what it is compared with."""
    found = list(comparisons(check))
    for comparison in found if len(found) == 1 else ():
        left, right = comparison.operands[0], comparison.operands[1]
        if isinstance(left, Name) and left.name in SPECS:
            return left, right
        if isinstance(right, Name) and right.name in SPECS:
            return right, left
    return None, None


def worded_value(spec: FactSpec, value: int) -> str:
    """Give a number or a day as people write it: basis points as per cent, days as dates."""
    if spec.kind == "date":
        return date.fromordinal(value).isoformat()
    return per_cent(value) if spec.unit == "basis points" else str(value)


def per_cent(points: int) -> str:
    """Give basis points as per cent, without needless zeros."""
    whole, rest = divmod(points, 100)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)
