"""What differs between two rulebooks, for a terminal."""

from itertools import groupby

from rich.console import Console
from rich.text import Text

from mentor_rules.comparison import Compared, Comparison, Difference, Effect, Said
from mentor_rules.report.table import fault_lines
from mentor_rules.texts import safe, say
from mentor_rules.vocabulary import Language


class ComparisonReport:
    """Prints a comparison to a console in one language; `old` and `new` are what the user named."""

    def __init__(self, console: Console, language: Language, old: str, new: str) -> None:
        self._console, self._language = console, language
        self._old, self._new = old, new

    def report(self, found: Comparison) -> None:
        """Print what differs, rule by rule; then whose verdict changes, from what to what, why."""
        old, new = self._book(self._old, found.old), self._book(self._new, found.new)
        self._line(self._say("heading", old=old, new=new), "bold")
        if not found.differences:
            alike = found.old.sha256 == found.new.sha256
            self._line(self._say("same" if alike else "only_layout"))
        headed = groupby(found.differences, lambda one: self._heading(one, found.titles))
        for heading, differences in headed:
            self._console.print()
            self._line(heading, "bold")
            for one in differences:
                self._line(f"- {one.text}", indent=2)
        if found.effect is not None:
            self._effect(found.effect)
        self._console.print()
        for caveat in found.caveats:
            self._line(caveat, "italic")

    def _say(self, code: str, **params: object) -> str:
        return say("diff", code, self._language, **{key: str(text) for key, text in params.items()})

    def _line(self, text: str, style: str = "", indent: int = 0) -> None:
        self._console.print(Text(" " * indent + safe(text), style=style), soft_wrap=True)

    def _book(self, name: str, book: Compared) -> str:
        sha = book.sha256[:12]
        return self._say("book", name=name, rulebook=book.rulebook, sha=sha, rules=book.rules)

    def _heading(self, one: Difference, titles: dict[str, str]) -> str:
        if one.rule is not None:
            return f"{one.rule}: {titles[one.rule]}"
        if one.question is not None:
            return self._say("question", question=one.question)
        return self._say("shared")

    def _effect(self, effect: Effect) -> None:
        self._console.print()
        flips, appointments = len(effect.flips), effect.appointments
        text = self._say("effect", as_of=effect.as_of, appointments=appointments, flips=flips)
        self._line(text, "bold")
        for flip in effect.flips:
            verdict = say("label", flip.verdict, self._language)
            old, new = (say("verdict", one, self._language) for one in (flip.old, flip.new))
            text = self._say("flip", id=flip.appointment_id, verdict=verdict, old=old, new=new)
            self._line(text, indent=2)
            for why in flip.why:
                self._line(why.rule, indent=4)
                for code, said in (("before", why.old), ("after", why.new)):
                    if said is not None:
                        self._line(self._said(code, said), indent=6)
        if effect.outcomes:
            self._line(self._say("outcomes"))
        for one in effect.outcomes:
            old, new = (self._outcome(outcome) for outcome in (one.old, one.new))
            text = self._say("outcome", count=one.count, rule=one.rule, old=old, new=new)
            self._line(text, indent=2)
        if effect.invalid_rows:
            self._line(self._say("invalid", count=effect.invalid_rows))
        for appointment, fault in effect.faults.items():
            for line in fault_lines(appointment, fault, self._language):
                self._line(line)
        for note in effect.notes:
            self._line(note, "italic")

    def _said(self, code: str, said: Said) -> str:
        return self._say(code, outcome=self._outcome(said.outcome), message=said.message)

    def _outcome(self, outcome: str | None) -> str:
        return say("outcome", outcome, self._language) if outcome else self._say("no_finding")
