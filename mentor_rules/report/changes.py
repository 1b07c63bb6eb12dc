"""What would make an appointment eligible, in lines of words."""

from collections.abc import Iterator

from mentor_rules.result import Changes
from mentor_rules.texts import say
from mentor_rules.vocabulary import Language

THEN = " + "  # between the steps of one way


def change_texts(changes: Changes) -> Iterator[str]:
    """Give each way in one text, then what does not change any more."""
    for way in changes.ways:
        yield THEN.join(change.text for change in way.changes)
    yield from (past.text for past in changes.past)


def change_lines(changes: Changes, language: Language) -> Iterator[tuple[int, str]]:
    """Give the lines to be printed, each with how far it is indented."""
    if changes.ways:
        yield 0, say("change", "heading", language)
    elif all(not past.later for past in changes.past):
        yield 0, say("change", "none", language)
    for number, way in enumerate(changes.ways, start=1):
        yield 2, say("change", "way", language, number=str(number))
        for change in way.changes:
            step = say("change", "step", language, text=change.text, who=change.who)
            yield 4, f"- {step}"
    if changes.left_out:
        yield 2, say("change", "left_out", language, count=str(changes.left_out))
    if changes.past:
        yield 0, say("change", "past", language)
    for past in changes.past:
        yield 2, f"{past.text} ({past.rule})"
