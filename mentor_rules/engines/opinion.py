"""What an engine answers, whichever engine it is, and how it says that it broke."""

from typing import Literal, NamedTuple

from mentor_rules.errors import MentorRulesError
from mentor_rules.rulebook import Outcome

# A rule's outcome under each combination of the live readings it uses, the mildest first.
Outcomes = tuple[Outcome, ...]
Eligibility = Literal["eligible", "ineligible", "depends", "undetermined", "not_judged"]
Procedure = Literal["compliant", "breached", "pending", "depends", "undetermined", "not_judged"]


class Opinion(NamedTuple):
    """All that an engine says of one case: per rule its outcomes, and the two verdicts."""

    outcomes: tuple[Outcomes, ...]
    eligibility: Eligibility
    procedure: Procedure


class EngineFault(MentorRulesError):  # noqa: N818 - "fault" is the word of the reports
    """An engine broke, and so gives no answer at all.

    `cause` is the name of an exception's type, or a few fixed words; never a cell.
    """

    def __init__(self, engine: str, cause: str) -> None:
        self.engine, self.cause = engine, cause
        super().__init__(f"the engine {engine} broke: {cause}")
