"""What can go wrong, in three kinds that are never mixed.

A broken rulebook or calendar is a `RulebookError`; a file that cannot be read is a
`ReadingError`; a wrong argument is a `UsageError`. A malformed row is none of these: it is
listed in the report. A norm not met is a `Finding`, never an exception.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mentor_rules.personal import masked_path
from mentor_rules.texts import safe, say
from mentor_rules.vocabulary import Language


class MentorRulesError(Exception):
    """The base of every error that this library raises on purpose."""


class SpokenError(MentorRulesError):
    """An error that can be told in three languages: `code` names its text, `params` fill it in.

    A param `near` is the nearest right name, if there is one. Params may be names of files and
    what somebody typed: what is personal in them is left out.
    """

    group: ClassVar[str]

    def __init__(self, code: str, **params: str) -> None:
        self.code = code
        self.params = {name: safe(masked_path(value)) for name, value in params.items()}
        super().__init__(self.say("en"))

    def say(self, language: Language) -> str:
        """Give the message in a language."""
        message = say(self.group, self.code, language, **self.params)
        if self.params.get("near"):
            message += say("error", "near", language, near=self.params["near"])
        return message


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a rule file: where (file, dotted path), what, and what to do."""

    file: str
    path: str
    problem: str
    suggestion: str

    def __str__(self) -> str:
        return safe(f"{self.problem} @ {masked_path(self.file)}: {self.path} -- {self.suggestion}")


class RulebookError(MentorRulesError):
    """A rulebook or calendar that is refused; `problems` names all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class CalendarError(RulebookError):
    """A calendar, built in or of a file, that is refused; `problems` names all that is wrong."""


class ReadingError(SpokenError):
    """A dossier that cannot be read at all."""

    group = "file"


class UsageError(SpokenError, ValueError):
    """An argument outside what is allowed, such as a question that nobody asked."""

    group = "usage"
