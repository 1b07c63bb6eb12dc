"""What is proved of a rulebook, in lines that a person can read without running anything."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta

from mentor_rules.facts import SPECS, FactId
from mentor_rules.findings import value_label, worded_value
from mentor_rules.rulebook import Rulebook
from mentor_rules.texts import has, say
from mentor_rules.verify import Example, Flaw
from mentor_rules.vocabulary import Language


def verify_lines(rulebook: Rulebook, flaws: Sequence[Flaw], language: Language) -> Iterator[str]:
    """Give each flaw with its place and an example, what is worth knowing, and the count."""
    for notice in (False, True):
        of_kind = [flaw for flaw in flaws if flaw.notice == notice]
        if notice and of_kind:
            yield say("verify", "notice", language)
        for flaw in of_kind:
            place = f"{flaw.file}: {flaw.path}" if flaw.file else flaw.path
            yield f"{flaw_text(flaw, language)} @ {place}"
            if flaw.example is not None:
                yield f"  {example_text(flaw.example, language)}"
    wrong = sum(not flaw.notice for flaw in flaws)
    if wrong:
        yield say("verify", "count", language, count=str(wrong))
    else:
        cases = sum(len(rule.cases) for rule in rulebook.rules)
        counts = {"rules": str(len(rulebook.rules)), "cases": str(cases)}
        yield say("verify", "clean", language, **counts)


def verify_json(flaws: Sequence[Flaw], language: Language) -> str:
    """Give the flaws as JSON: file, path, kind, text, example, and whether it is but a notice."""
    found = [
        {
            "file": flaw.file,
            "path": flaw.path,
            "kind": flaw.code,
            "notice": flaw.notice,
            "text": flaw_text(flaw, language),
            "example": example_text(flaw.example, language) if flaw.example else None,
        }
        for flaw in flaws
    ]
    return json.dumps(found, ensure_ascii=False, indent=2)


def flaw_text(flaw: Flaw, language: Language) -> str:
    """Give the sentence that tells a flaw and what to do about it."""
    params = dict(flaw.params)
    if "outcome" in params:
        label = say("outcome", params["outcome"], language)
        params["outcome"] = f"{params['outcome']} ({label})"
    if "fact" in params:
        params["label"] = say("fact", params["fact"], language)
    return say("verify", flaw.code, language, **params)


def example_text(example: Example, language: Language) -> str:
    """Give a situation in words: the day, the readings, what is known, what it comes to."""
    parts = [say("verify", "on", language, day=str(example.day))]
    for question, reading in example.when:
        parts.append(say("verify", "under", language, question=question, reading=reading))
    for fact, possible in example.facts:
        parts.append(
            say(
                "verify",
                "fact",
                language,
                fact=_named(fact, language),
                value=_value(example, fact, possible, language),
            )
        )
    said = [say("outcome", outcome, language) for outcome in example.outcomes]
    if example.readings:
        pairs = zip(example.readings, said, strict=True)
        said = [f"{reading}: {outcome}" for reading, outcome in pairs]
    parts += [say("verify", "comes_to", language, outcome=outcome) for outcome in said]
    return say("verify", "example", language, situation="; ".join(parts))


def _named(fact: FactId, language: Language) -> str:
    name, keys = fact
    label = say("fact", name, language)
    shown = ", ".join(key if isinstance(key, str) else ", ".join(key.done) for key in keys)
    return f"{label} ({shown})" if shown else label


def _value(
    example: Example, fact: FactId, possible: tuple[int, int] | None, language: Language
) -> str:
    if possible is None:
        return say("verify", "not_stated", language)
    spec, value = SPECS[fact[0]], possible[0]
    if spec.kind == "set":
        return value_label(spec.name, spec.values[value], language)
    if spec.kind == "date":
        return str(example.day + timedelta(days=value))
    plain = worded_value(spec, value)
    if spec.unit == "basis points":
        return f"{plain if language == 'en' else plain.replace('.', ',')} %"
    return say("verify", spec.unit, language, count=plain) if has("verify", spec.unit) else plain
