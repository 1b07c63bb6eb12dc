"""Whether a report can be made again, in lines for a terminal."""

from collections.abc import Iterator

from mentor_rules.result import Replay
from mentor_rules.texts import say
from mentor_rules.vocabulary import Language


def replay_lines(replay: Replay, language: Language) -> Iterator[str]:
    """Give the answer, then each obstacle or the first difference."""
    answer = {True: "agrees", False: "differs", None: "cannot"}[replay.agrees]
    yield say("replay", answer, language)
    for obstacle in replay.obstacles:
        yield f"- {obstacle.text}"
    if replay.agrees is False:
        found = replay.difference
        if found is None:
            yield say("replay", "only_written", language)
        else:
            nothing = say("replay", "nothing", language)
            yield say("replay", "first", language, path=found.path)
            yield say("replay", "recorded", language, value=found.recorded or nothing)
            yield say("replay", "found", language, value=found.found or nothing)
