"""What a bulk audit says of itself, for a terminal."""

from collections.abc import Iterator

from mentor_rules.headings import table_label
from mentor_rules.result import AuditRun
from mentor_rules.texts import say
from mentor_rules.vocabulary import Language


def audit_lines(run: AuditRun, language: Language) -> Iterator[str]:
    """Give the verdicts by number, what became of the rows, and who confirmed what is flagged."""

    def told(code: str, **params: object) -> str:
        return say("audit", code, language, **{name: str(value) for name, value in params.items()})

    summary = run.summary
    yield told("judged", count=summary.appointments, as_of=run.as_of)
    for name in ("eligibility", "procedure"):
        counts = getattr(summary, name)
        verdicts = (f"{say('verdict', verdict, language)} {counts[verdict]}" for verdict in counts)
        yield f"  {say('label', name, language)}: {', '.join(verdicts)}"
    if summary.schools_without_candidate is not None:
        yield told("short", count=summary.schools_without_candidate, schools=summary.schools)
    yield told("rows")
    for table, rows in run.rows.items():
        counts = rows.model_dump(exclude={"contradictory"})
        yield "  " + told("table", table=table_label(table, language), **counts)
    if summary.dangling:
        yield told("dangling", count=summary.dangling)
    yield told("confirmed", **run.confirmed.model_dump())
    if run.faults_count:
        yield say("label", "faults", language, count=str(run.faults_count))
        for name, fault in run.faults.items():
            yield f"  {name}: {fault.cause}"
    yield from run.notes
    if run.ignored_columns:
        yield say("label", "ignored", language, names=", ".join(run.ignored_columns))
    yield from run.provenance.caveats[:1]
