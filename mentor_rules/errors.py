"""What can go wrong, in three kinds that are never mixed.

A broken rulebook or calendar is a `RulebookError`; a file that cannot be read is a
`ReadingError`; a wrong argument is a `UsageError`. A malformed row is none of these: it is
listed in the report. A norm not met is a `Finding`, never an exception.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class MentorRulesError(Exception):
    """The base of every error that this library raises on purpose."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a rule file: where (file, dotted path), what, and what to do."""

    file: str
    path: str
    problem: str
    suggestion: str

    def __str__(self) -> str:
        return f"{self.problem} @ {self.file}: {self.path} -- {self.suggestion}"


class RulebookError(MentorRulesError):
    """A rulebook or calendar that is refused; `problems` names all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ReadingError(MentorRulesError):
    """A dossier that cannot be read at all; `code` names the text that says why."""

    def __init__(self, code: str, message: str, **params: str) -> None:
        self.code = code
        self.params = params
        super().__init__(message)


class UsageError(MentorRulesError, ValueError):
    """An argument outside what is allowed, such as a question that nobody asked."""
