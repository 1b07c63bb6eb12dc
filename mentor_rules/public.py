"""The public names of the library, as `import mentor_rules` has them."""

from mentor_rules.changes import find_changes, with_changes
from mentor_rules.comparison import Comparison, compare_rulebooks
from mentor_rules.dossier import Dossier
from mentor_rules.engines.opinion import EngineFault
from mentor_rules.errors import (
    CalendarError,
    MentorRulesError,
    Problem,
    ReadingError,
    RulebookError,
    UsageError,
)
from mentor_rules.judging import EngineDisagreement, check, check_candidate, check_plan
from mentor_rules.loading import load_rulebook
from mentor_rules.records import (
    Appointment,
    CategoryPeriod,
    MentoringPlan,
    Post,
    QualityYear,
    ReserveEntry,
    School,
    Teacher,
)
from mentor_rules.replaying import replay
from mentor_rules.reserve import reserves
from mentor_rules.result import (
    AppointmentResult,
    CandidateResult,
    Change,
    Changes,
    Deadlines,
    Difference,
    Finding,
    Obstacle,
    PlanResult,
    Replay,
    Report,
    ReserveReport,
    Way,
)
from mentor_rules.rulebook import Rulebook
from mentor_rules.terms import deadlines
from mentor_rules.workdays import Calendar, Deadline

__all__ = [
    "Appointment",
    "AppointmentResult",
    "Calendar",
    "CalendarError",
    "CandidateResult",
    "CategoryPeriod",
    "Change",
    "Changes",
    "Comparison",
    "Deadline",
    "Deadlines",
    "Difference",
    "Dossier",
    "EngineDisagreement",
    "EngineFault",
    "Finding",
    "MentorRulesError",
    "MentoringPlan",
    "Obstacle",
    "PlanResult",
    "Post",
    "Problem",
    "QualityYear",
    "ReadingError",
    "Replay",
    "Report",
    "ReserveEntry",
    "ReserveReport",
    "Rulebook",
    "RulebookError",
    "School",
    "Teacher",
    "UsageError",
    "Way",
    "check",
    "check_candidate",
    "check_plan",
    "compare_rulebooks",
    "deadlines",
    "find_changes",
    "load_rulebook",
    "replay",
    "reserves",
    "with_changes",
]
