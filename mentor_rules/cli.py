"""The command line `mentor-rules`. It alone asks for today; everything below takes a day."""

import errno
import json
import os
import re
import secrets
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from typer.exceptions import TyperException

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.calendar_data import Week
from mentor_rules.cases import run_cases
from mentor_rules.changes import with_changes
from mentor_rules.comparison import compare_rulebooks
from mentor_rules.dossier import Dossier
from mentor_rules.engines.opinion import EngineFault
from mentor_rules.errors import CalendarError, ReadingError, RulebookError, UsageError
from mentor_rules.judging import EngineDisagreement, candidate_in, check, fault_of
from mentor_rules.loading import builtin_rulebook, load_rulebook
from mentor_rules.mapping import draft_mapping
from mentor_rules.personal import masked_path
from mentor_rules.records import parse_date
from mentor_rules.replaying import replay
from mentor_rules.report import LARGE
from mentor_rules.report.audit import audit_lines
from mentor_rules.report.calendar_file import ics
from mentor_rules.report.comparison import ComparisonReport
from mentor_rules.report.deadlines import DeadlineReport, deadline_lines
from mentor_rules.report.flat import csv_lines, jsonl
from mentor_rules.report.pages import WRITTEN, rule_pages
from mentor_rules.report.replay import replay_lines
from mentor_rules.report.requirements import RequirementsReport
from mentor_rules.report.reserve import ReserveTable, reserve_lines
from mentor_rules.report.rules import RuleReport, list_rules
from mentor_rules.report.table import TableReport, fault_lines
from mentor_rules.report.verify import verify_json, verify_lines
from mentor_rules.requirements import requirements
from mentor_rules.reserve import reserves
from mentor_rules.result import AuditRun, Report, ReserveReport
from mentor_rules.rulebook import Rulebook
from mentor_rules.schema import dossier_schema, result_schema
from mentor_rules.source import rules_folder
from mentor_rules.terms import deadlines
from mentor_rules.texts import safe, say
from mentor_rules.verdict import FLAGGED
from mentor_rules.verify import verify
from mentor_rules.vocabulary import Language

# The whole of Kazakhstan, Almaty included, is at UTC+5 since 1 March 2024.
ALMATY = timezone(timedelta(hours=5))

MANY = 2000  # appointments, from which on a person waiting is shown progress

BUILT_IN = "built-in"  # how a user names the rules that come with the program

OK, SOMETHING_FLAGGED, WRONG_USAGE, NOTHING_CERTAIN, BROKEN_RULES, FAULT = 0, 1, 2, 3, 4, 5
BY_SIGNAL = 128  # and the number of the signal, as shells have it
NOBODY_READS = BY_SIGNAL + 13  # SIGPIPE, which not every system has

# What a person can be told of a refused write in their own language; else the system's words.
_REASONS = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EFBIG: "too_large",
    errno.EACCES: "not_allowed",
    errno.EPERM: "not_allowed",
    errno.EROFS: "read_only",
    errno.EBADF: "closed",
}

_signals: list[int] = []  # that asked this process to end


def _language_asked() -> Language:
    """Give the language of the command line as typed, for errors before it is parsed."""
    words = sys.argv[1:]
    for place, word in enumerate(words):
        value = word.partition("=")[2] if word.startswith("--lang=") else None
        if word == "--lang" and place + 1 < len(words):
            value = words[place + 1]
        if value in ("kk", "ru", "en"):
            return value  # type: ignore[return-value]  # one of the three, as just checked
    return "en"


def _help(code: str) -> str:
    """Give one line of the help in the language that the command line asks for."""
    return say("help", code, _language_asked())


app = typer.Typer(
    help=_help("about"),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
rules_app = typer.Typer(help=_help("rules"), no_args_is_help=True)
app.add_typer(rules_app, name="rules")


class Format(StrEnum):
    """How an answer is written."""

    table = "table"
    json = "json"


class ReportFormat(StrEnum):
    """How a report is written."""

    table = "table"
    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    xlsx = "xlsx"
    html = "html"


class DeadlineFormat(StrEnum):
    """How terms are written."""

    table = "table"
    json = "json"
    csv = "csv"
    ics = "ics"


class ReserveFormat(StrEnum):
    """How reserves are written."""

    table = "table"
    json = "json"
    csv = "csv"


class Confirm(StrEnum):
    """Which answers the second engine must confirm."""

    flagged = "flagged"
    all = "all"
    none = "none"


class AuditEngine(StrEnum):
    """Where the rules of a bulk audit run."""

    polars = "polars"
    duckdb = "duckdb"
    spark = "spark"


class AuditConfirm(StrEnum):
    """What of that which a bulk audit flags is judged again."""

    flagged = "flagged"
    sample = "sample"
    none = "none"


class Described(StrEnum):
    """What a JSON Schema describes."""

    dossier = "dossier"
    result = "result"


class Aim(StrEnum):
    """For what is asked what will be required."""

    mentor = "mentor"
    plan = "plan"
    reserve = "reserve"


class Only(StrEnum):
    """The one verdict to be given."""

    eligibility = "eligibility"
    procedure = "procedure"


class Lang(StrEnum):
    """The language of all texts."""

    kk = "kk"
    ru = "ru"
    en = "en"


class PercentAs(StrEnum):
    """What bare figures of quality are."""

    percent = "percent"
    fraction = "fraction"


class Purpose(StrEnum):
    """What a candidate is judged for."""

    appointment = "appointment"
    reserve = "reserve"


DossierPath = Annotated[Path, typer.Argument(help=_help("dossier"))]
AsOf = Annotated[str | None, typer.Option("--as-of", help=_help("as_of"))]
ReadingOption = Annotated[
    list[str] | None,
    typer.Option("--reading", help=_help("reading")),
]
ReadingsOption = Annotated[str | None, typer.Option("--readings", help=_help("readings"))]
LangOption = Annotated[Lang, typer.Option("--lang", help=_help("lang"))]
Encoding = Annotated[str | None, typer.Option("--encoding", help=_help("encoding"))]
PercentOption = Annotated[PercentAs, typer.Option("--percent-as", help=_help("percent_as"))]
ReportFormatOption = Annotated[ReportFormat, typer.Option("--format", help=_help("format"))]
FormatOption = Annotated[Format, typer.Option("--format", help=_help("answer_format"))]
Out = Annotated[Path | None, typer.Option("--out", help=_help("out"))]
Force = Annotated[bool, typer.Option("--force", help=_help("force"))]
MappingOption = Annotated[
    Path | None,
    typer.Option("--mapping", help=_help("mapping_file")),
]
CalendarOption = Annotated[Path | None, typer.Option("--calendar", help=_help("calendar_file"))]
ConfirmOption = Annotated[Confirm, typer.Option("--confirm", help=_help("confirm"))]
ShowIds = Annotated[bool, typer.Option("--show-ids", help=_help("show_ids"))]
RulesOption = Annotated[str, typer.Option("--rules", help=_help("rules_folder"))]
Names = Annotated[bool, typer.Option("--names", help=_help("names"))]
# The formats that people read: what would change a verdict always stands in them.
WITH_CHANGES = frozenset({"html", "xlsx"})


@app.command("check", help=_help("check"))
def check_command(
    dossier: DossierPath,
    as_of: AsOf = None,
    only: Annotated[Only | None, typer.Option("--only", help=_help("only"))] = None,
    reading: ReadingOption = None,
    readings: ReadingsOption = None,
    lang: LangOption = Lang.en,
    format_: ReportFormatOption = ReportFormat.table,
    out: Out = None,
    calendar: CalendarOption = None,
    encoding: Encoding = None,
    percent_as: PercentOption = PercentAs.percent,
    mapping: MappingOption = None,
    names: Names = False,
    show_ids: ShowIds = False,
    force: Force = False,
    confirm: ConfirmOption = Confirm.flagged,
    strict: Annotated[bool, typer.Option("--strict", help=_help("strict"))] = False,
    changes: Annotated[bool, typer.Option("--changes", help=_help("changes"))] = False,
) -> None:
    """Check every appointment of a dossier and say which are unlawful, and why.

    Exit codes: 0 nothing flagged, 1 something flagged, 2 wrong usage, 3 nothing flagged but
    rows were rejected or nothing was checked, 4 broken rulebook, 5 a fault.
    """
    _expect_path(dossier)
    if format_ is ReportFormat.xlsx:
        _expect_workbook(out)
    day, settled = _day(as_of), _settled(reading)
    rulebook = builtin_rulebook()
    rulebook.settle(readings, over=settled)  # wrong usage is told before anything is read
    read = _read(dossier, encoding, percent_as, mapping, show_ids)
    with _progress(len(read.appointments), lang.value) as progress:
        report = check(
            read,
            as_of=day,
            readings=readings,
            settle=settled,
            rulebook=rulebook,
            calendar=calendar,
            language=lang.value,
            only=only.value if only else None,
            confirm=confirm.value,
            progress=progress,
        )
    large = len(report.results) > LARGE
    if changes or (format_.value in WITH_CHANGES and not (large and format_ is ReportFormat.html)):
        report = with_changes(
            report,
            read,
            readings=readings,
            settle=settled,
            rulebook=rulebook,
            calendar=calendar,
            language=lang.value,
        )
    shown = read.names() if names else None
    if format_ is ReportFormat.json:
        _write(report.json_parts(), out, force)
    elif format_ is ReportFormat.jsonl:
        _write(jsonl(report), out, force)
    elif format_ is ReportFormat.csv:
        _write(csv_lines(report, rulebook, shown), out, force)
    elif format_ is ReportFormat.xlsx:
        from mentor_rules.report.workbook import annotated  # openpyxl takes long to import

        book = annotated(
            dossier,
            report,
            rulebook,
            language=lang.value,
            names=shown,
            encoding=encoding,
            percent_as=percent_as.value,
            mapping=mapping,
        )
        _write([book], out, force)
    elif format_ is ReportFormat.html:
        from mentor_rules.report.html import html  # jinja2 takes long to import

        asked: dict[str, Any] = {
            "as_of": day,
            "readings": readings,
            "settle": settled,
            "rulebook": rulebook,
            "calendar": calendar,
            "language": lang.value,
        }
        page = html(
            report,
            rulebook,
            lang.value,
            calendar=SchoolCalendar.load(calendar),
            deadlines=None if only is Only.eligibility else deadlines(read, **asked),
            weeks=_weeks(read),
            reserve=None if large or only is Only.procedure else reserves(read, **asked),
            names=shown,
        )
        _write(page, out, force)
    else:
        _print(
            lambda console: TableReport(console, rulebook, lang.value, shown).report(report),
            out,
            force,
        )
    raise typer.Exit(exit_code(report, strict=strict))


@app.command("candidate", help=_help("candidate"))
def candidate_command(
    dossier: DossierPath,
    teacher: Annotated[str, typer.Option("--teacher", help=_help("teacher"))],
    school: Annotated[str | None, typer.Option("--school", help=_help("school"))] = None,
    subject: Annotated[str | None, typer.Option("--subject", help=_help("subject"))] = None,
    on: Annotated[str | None, typer.Option("--on", help=_help("on"))] = None,
    purpose: Annotated[Purpose, typer.Option("--for", help=_help("purpose"))] = Purpose.appointment,
    reading: ReadingOption = None,
    readings: ReadingsOption = None,
    lang: LangOption = Lang.en,
    format_: FormatOption = Format.table,
    out: Out = None,
    calendar: CalendarOption = None,
    encoding: Encoding = None,
    percent_as: PercentOption = PercentAs.percent,
    mapping: MappingOption = None,
    names: Names = False,
    show_ids: ShowIds = False,
    force: Force = False,
    confirm: ConfirmOption = Confirm.flagged,
    strict: Annotated[bool, typer.Option("--strict", help=_help("strict"))] = False,
) -> None:
    """Say whether a teacher of the dossier may mentor, before anyone is appointed."""
    _expect_path(dossier)
    day, settled = _day(on), _settled(reading)
    rulebook = builtin_rulebook()
    rulebook.settle(readings, over=settled)
    read = _read(dossier, encoding, percent_as, mapping, show_ids)
    result = candidate_in(
        read,
        teacher,
        school,
        on=day,
        subject=subject,
        purpose=purpose.value,
        readings=readings,
        settle=settled,
        rulebook=rulebook,
        calendar=calendar,
        confirm=confirm.value,
        language=lang.value,
    )
    if format_ is Format.json:
        _write([result.to_json(), "\n"], out, force)
    else:
        shown = read.names() if names else None
        _print(
            lambda console: TableReport(console, rulebook, lang.value, shown).candidate(result),
            out,
            force,
        )
    flagged = {"ineligible"} | ({"depends", "undetermined"} if strict else set())
    if result.eligibility in flagged:
        raise typer.Exit(SOMETHING_FLAGGED)
    uncertain = result.eligibility == "not_judged" or result.invalid
    raise typer.Exit(NOTHING_CERTAIN if uncertain else OK)


@app.command("deadlines", help=_help("deadlines"))
def deadlines_command(
    dossier: DossierPath,
    as_of: AsOf = None,
    reading: ReadingOption = None,
    readings: ReadingsOption = None,
    lang: LangOption = Lang.en,
    format_: Annotated[
        DeadlineFormat, typer.Option("--format", help=_help("deadline_format"))
    ] = DeadlineFormat.table,
    out: Out = None,
    calendar: CalendarOption = None,
    encoding: Encoding = None,
    percent_as: PercentOption = PercentAs.percent,
    mapping: MappingOption = None,
    names: Names = False,
    show_ids: ShowIds = False,
    force: Force = False,
) -> None:
    """List every term of every plan, the most urgent first.

    Exit codes are those of `check`; what is overdue or was done late is flagged.
    """
    _expect_path(dossier)
    day, settled = _day(as_of), _settled(reading)
    rulebook = builtin_rulebook()
    rulebook.settle(readings, over=settled)
    read = _read(dossier, encoding, percent_as, mapping, show_ids)
    found = deadlines(
        read,
        as_of=day,
        readings=readings,
        settle=settled,
        rulebook=rulebook,
        calendar=calendar,
        language=lang.value,
        names=names,
    )
    if format_ is DeadlineFormat.json:
        _write([found.to_json(), "\n"], out, force)
    elif format_ is DeadlineFormat.csv:
        _write(deadline_lines(found, names=names), out, force)
    elif format_ is DeadlineFormat.ics:
        _write([ics(found, lang.value).decode()], out, force)
    else:
        _print(lambda console: DeadlineReport(console, lang.value).report(found), out, force)
    if found.faults:
        raise typer.Exit(FAULT)
    if any(row.state in ("overdue", "late") for row in found.deadlines):
        raise typer.Exit(SOMETHING_FLAGGED)
    raise typer.Exit(NOTHING_CERTAIN if found.invalid or not found.deadlines else OK)


@app.command("reserve", help=_help("reserve"))
def reserve_command(
    dossier: DossierPath,
    as_of: AsOf = None,
    reading: ReadingOption = None,
    readings: ReadingsOption = None,
    lang: LangOption = Lang.en,
    format_: Annotated[
        ReserveFormat, typer.Option("--format", help=_help("reserve_format"))
    ] = ReserveFormat.table,
    out: Out = None,
    calendar: CalendarOption = None,
    encoding: Encoding = None,
    percent_as: PercentOption = PercentAs.percent,
    mapping: MappingOption = None,
    names: Names = False,
    show_ids: ShowIds = False,
    force: Force = False,
) -> None:
    """Say who may enter each school's reserve, and who may replace an ineligible mentor.

    Exit codes are those of `check`; a school without a candidate is flagged, and so is one that
    lists somebody who may not be.
    """
    _expect_path(dossier)
    day, settled = _day(as_of), _settled(reading)
    rulebook = builtin_rulebook()
    rulebook.settle(readings, over=settled)
    found = reserves(
        _read(dossier, encoding, percent_as, mapping, show_ids),
        as_of=day,
        readings=readings,
        settle=settled,
        rulebook=rulebook,
        calendar=calendar,
        language=lang.value,
        names=names,
    )
    if format_ is ReserveFormat.json:
        _write([found.to_json(), "\n"], out, force)
    elif format_ is ReserveFormat.csv:
        _write(reserve_lines(found), out, force)
    else:
        _print(lambda console: ReserveTable(console, lang.value).report(found), out, force)
    raise typer.Exit(_reserve_code(found))


@app.command("audit", help=_help("audit"))
def audit_command(
    folder: Annotated[Path, typer.Argument(help=_help("tables"))],
    out: Annotated[Path, typer.Option("--out", help=_help("audit_out"))],
    engine: Annotated[AuditEngine, typer.Option("--engine", help=_help("engine"))] = (
        AuditEngine.polars
    ),
    as_of: AsOf = None,
    reading: ReadingOption = None,
    readings: ReadingsOption = None,
    by: Annotated[str | None, typer.Option("--by", help=_help("by"))] = None,
    confirm: Annotated[AuditConfirm, typer.Option("--confirm", help=_help("audit_confirm"))] = (
        AuditConfirm.flagged
    ),
    explain: Annotated[int, typer.Option("--explain", min=0, help=_help("explain"))] = 0,
    buckets: Annotated[int | None, typer.Option("--buckets", min=1, help=_help("buckets"))] = None,
    lang: LangOption = Lang.en,
    calendar: CalendarOption = None,
    show_ids: ShowIds = False,
    force: Force = False,
) -> None:
    """Audit a folder of Parquet tables into a folder of Parquet tables.

    Exit codes are those of `check`.
    """
    try:
        from mentor_rules.audit import audit  # polars takes long to import
    except ModuleNotFoundError:
        raise UsageError("needs_extra", extra="frames") from None

    _expect_path(folder)
    day, settled = _day(as_of), _settled(reading)
    with _progress(MANY + 1, lang.value) as progress:
        run = audit(
            folder,
            out,
            as_of=day,
            readings=readings,
            settle=settled,
            calendar=calendar,
            engine=engine.value,
            by=tuple(one.strip() for one in by.split(",")) if by else (),
            confirm=confirm.value,
            explain=explain,
            buckets=buckets,
            language=lang.value,
            show_ids=show_ids,
            key=_key(),
            force=force,
            progress=progress,
        )
    _write([f"{safe(line)}\n" for line in audit_lines(run, lang.value)], None, False)
    raise typer.Exit(audit_code(run))


@app.command("replay", help=_help("replay"))
def replay_command(
    result: Annotated[Path, typer.Argument(help=_help("replayed"))],
    dossier: DossierPath,
    rules: RulesOption = BUILT_IN,
    calendar: CalendarOption = None,
    mapping: MappingOption = None,
    lang: LangOption = Lang.en,
    format_: FormatOption = Format.table,
    out: Out = None,
    force: Force = False,
) -> None:
    """Say whether a result of `check --format json` is what the dossier gives, to the byte.

    Exit codes: 0 the bytes agree, 1 they differ, 3 it cannot be made again here; 2, 4 and 5 as
    of `check`.
    """
    _expect_path(result)
    _expect_path(dossier)
    found = replay(
        result,
        dossier,
        rulebook=_rules_named(rules),
        calendar=calendar,
        mapping=mapping,
        key=_key(),
        language=lang.value,
    )
    if format_ is Format.json:
        _write([found.to_json(), "\n"], out, force)
    else:
        _write([f"{safe(line)}\n" for line in replay_lines(found, lang.value)], out, force)
    raise typer.Exit({True: OK, False: SOMETHING_FLAGGED, None: NOTHING_CERTAIN}[found.agrees])


@app.command("mapping", help=_help("mapping"))
def mapping_command(
    dossier: DossierPath, encoding: Encoding = None, out: Out = None, force: Force = False
) -> None:
    """Draft a mapping file: what each sheet and heading of a dossier seems to mean."""
    _expect_path(dossier)
    _write([draft_mapping(dossier, encoding=encoding)], out, force)


@app.command("requirements", help=_help("requirements"))
def requirements_command(
    aim: Annotated[Aim, typer.Option("--for", help=_help("aim"))] = Aim.mentor,
    lang: LangOption = Lang.en,
    format_: FormatOption = Format.table,
    out: Out = None,
    force: Force = False,
) -> None:
    """Say all that will be asked, before anyone types it in: rules, documents, columns."""
    found = requirements(builtin_rulebook(), aim.value, lang.value)
    if format_ is Format.json:
        _write([found.model_dump_json(by_alias=True, indent=2), "\n"], out, force)
    else:
        _print(lambda console: RequirementsReport(console, lang.value).report(found), out, force)


@app.command("template", help=_help("template"))
def template_command(
    out: Annotated[Path, typer.Argument(help=_help("template_out"))],
    lang: LangOption = Lang.en,
    force: Force = False,
) -> None:
    """Write a workbook to be filled in, in one language."""
    from mentor_rules.report.template import template  # openpyxl takes long to import

    _expect_workbook(out)
    _write([template(lang.value)], out, force)


@app.command("schema", help=_help("schema"))
def schema_command(
    described: Annotated[Described, typer.Argument(help=_help("described"))],
    out: Out = None,
    force: Force = False,
) -> None:
    """Write the JSON Schema (2020-12) of a dossier, or of what `check --format json` prints."""
    schema = dossier_schema() if described is Described.dossier else result_schema()
    _write([json.dumps(schema, ensure_ascii=False, indent=2), "\n"], out, force)


@rules_app.command("list", help=_help("rules_list"))
def rules_list(lang: LangOption = Lang.en) -> None:
    """List the rules: id, weight, certainty of the source, title."""
    rulebook = builtin_rulebook()
    _print(lambda console: list_rules(console, rulebook, lang.value), None, False)


@rules_app.command("show", help=_help("rules_show"))
def rules_show(
    rule: Annotated[str, typer.Argument(help=_help("rule"))],
    lang: LangOption = Lang.en,
) -> None:
    """Show one rule as a person would read it."""
    rulebook = builtin_rulebook()
    found = rulebook.rule(rule)
    _print(lambda console: RuleReport(console, rulebook, lang.value).report(found), None, False)


@rules_app.command("test", help=_help("rules_test"))
def rules_test(rules: RulesOption = BUILT_IN) -> None:
    """Run the cases inside the rule files."""
    results = run_cases(_rules_named(rules))
    failed = [result for result in results if not result.passed]
    lines = [
        *(f"{one.rule}: {one.says}: expected {one.expected}, found {one.found}" for one in failed),
        f"{len(results) - len(failed)} passed, {len(failed)} failed",
    ]
    _write([f"{line}\n" for line in lines], None, False)
    raise typer.Exit(BROKEN_RULES if failed or not results else OK)


@rules_app.command("verify", help=_help("rules_verify"))
def rules_verify(
    rules: RulesOption = BUILT_IN, lang: LangOption = Lang.en, format_: FormatOption = Format.table
) -> None:
    """Prove that nothing in the rules is idle, contradictory or untried."""
    rulebook = _rules_named(rules)
    flaws = verify(rulebook)
    if format_ is Format.json:
        _write([verify_json(flaws, lang.value), "\n"], None, False)
    else:
        lines = verify_lines(rulebook, flaws, lang.value)
        _write([f"{line}\n" for line in lines], None, False)
    wrong = any(not flaw.notice for flaw in flaws)
    raise typer.Exit(SOMETHING_FLAGGED if wrong else OK)


@rules_app.command("docs", help=_help("rules_docs"))
def rules_docs(
    out: Annotated[Path, typer.Option("--out", help=_help("rules_docs_out"))] = Path("docs/rules"),
    rules: RulesOption = BUILT_IN,
) -> None:
    """Write a page for each rule, and an index; pages of rules that are gone are removed."""
    folders = _folders_named(rules)
    pages = rule_pages(load_rulebook(*folders), _way(out, folders))
    for name in pages:
        page = out / name
        if page.exists() and not _is_ours(page):
            raise UsageError("not_ours", path=str(page))
    if not out.parent.is_dir():
        raise UsageError("no_folder", path=str(out.parent))
    for page in sorted(out.rglob("*.md")):
        if page.relative_to(out).as_posix() not in pages and _is_ours(page):
            page.unlink()
    for name, text in pages.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        _write([text], out / name, True)


@rules_app.command("diff", help=_help("rules_diff"))
def rules_diff(
    old: Annotated[str, typer.Argument(help=_help("diff_old"))],
    new: Annotated[str | None, typer.Argument(help=_help("diff_new"))] = None,
    dossier: Annotated[Path | None, typer.Option("--dossier", help=_help("diff_dossier"))] = None,
    as_of: AsOf = None,
    lang: LangOption = Lang.en,
    format_: FormatOption = Format.table,
    out: Out = None,
    calendar: CalendarOption = None,
    encoding: Encoding = None,
    percent_as: PercentOption = PercentAs.percent,
    mapping: MappingOption = None,
    show_ids: ShowIds = False,
    force: Force = False,
) -> None:
    """Say what differs between two rulebooks, and of a dossier whose verdict that changes.

    Exit codes as of `diff`: 0 nothing differs, 1 something does; 2 to 5 as of `check`.
    """
    names = (BUILT_IN, old) if new is None else (old, new)
    shown = [masked_path(name) for name in names]
    if dossier is not None:
        _expect_path(dossier)
    day = _day(as_of)
    old_rules, new_rules = (_rules_named(name) for name in names)
    read = None
    if dossier is not None:
        read = _read(dossier, encoding, percent_as, mapping, show_ids)
    found = compare_rulebooks(
        old_rules,
        new_rules,
        dossier=read,
        as_of=day,
        calendar=calendar,
        language=lang.value,
    )
    if format_ is Format.json:
        _write([found.to_json(), "\n"], out, force)
    else:
        _print(
            lambda console: ComparisonReport(console, lang.value, *shown).report(found), out, force
        )
    if found.effect is not None and found.effect.faults:
        raise typer.Exit(FAULT)
    raise typer.Exit(SOMETHING_FLAGGED if found.differences else OK)


def _rules_named(name: str) -> Rulebook:
    """Give the rulebook that a user names: the built-in one, a folder, or several laid together."""
    return load_rulebook(*_folders_named(name))


def _folders_named(name: str) -> list[Path]:
    folders = []
    for part in name.split(","):
        folders.append(rules_folder() / "order_160" if part == BUILT_IN else Path(part))
        _expect_path(folders[-1])
    return folders


def _is_ours(page: Path) -> bool:
    return page.is_file() and WRITTEN in page.read_text("utf-8", errors="replace")


def _way(out: Path, folders: list[Path]) -> str | None:
    """Give the way from pages to rule files, for links, where both are of one checkout."""
    folder = folders[0].resolve()
    if len(folders) > 1 or not out.resolve().is_relative_to(folder.parent.parent):
        return None
    return Path(os.path.relpath(folder, out.resolve())).as_posix()


def exit_code(report: Report, *, strict: bool = False) -> int:
    """Give the exit code for a report, as `--help` lists them."""
    flagged = FLAGGED | ({"depends", "undetermined"} if strict else set())
    verdicts = {
        verdict for result in report.results for verdict in (result.eligibility, result.procedure)
    }
    if report.run.faults:
        return FAULT
    if verdicts & flagged:
        return SOMETHING_FLAGGED
    return NOTHING_CERTAIN if report.invalid or not verdicts - {"not_judged"} else OK


def audit_code(run: AuditRun) -> int:
    """Give the exit code for a bulk audit, as that of a report."""
    summary = run.summary
    if run.faults_count:
        return FAULT
    if summary.eligibility["ineligible"] or summary.procedure["breached"]:
        return SOMETHING_FLAGGED
    counts = [*summary.eligibility.items(), *summary.procedure.items()]
    judged = any(count for verdict, count in counts if verdict != "not_judged")
    return OK if judged and not summary.invalid_rows and not summary.dangling else NOTHING_CERTAIN


def _weeks(dossier: Dossier) -> dict[str, Week]:
    """Give the working week of each school that states one."""
    found = {school: dossier.school(school).records for school in dossier.schools}
    weeks = {school: records[0].week for school, records in found.items() if records}
    return {school: 6 if week == 6 else 5 for school, week in weeks.items() if week is not None}


def _reserve_code(found: ReserveReport) -> int:
    """Give the exit code for reserves: short ones, and unlawful entries, are flagged."""
    if found.faults:
        return FAULT
    unlawful = any(
        teacher.standing == "listed_may_not"
        for school in found.schools
        for teacher in school.teachers
    )
    if unlawful or any(school.short for school in found.schools):
        return SOMETHING_FLAGGED
    return NOTHING_CERTAIN if found.invalid or not found.schools else OK


def _expect_path(path: Path) -> None:
    if not path.exists():
        raise UsageError("no_such_path", path=str(path))


def _expect_workbook(out: Path | None) -> None:
    """Refuse to write a workbook to where none can be: a terminal, or a file named otherwise."""
    if out is None and sys.stdout.isatty():
        raise UsageError("binary_to_terminal")
    if out is not None and out.suffix.lower() != ".xlsx":
        raise UsageError("not_xlsx", path=str(out))


def _read(
    path: Path,
    encoding: str | None,
    percent_as: PercentAs,
    mapping: Path | None,
    show_ids: bool,
) -> Dossier:
    return Dossier.read(
        path,
        encoding=encoding,
        percent_as=percent_as.value,
        mapping=mapping,
        show_ids=show_ids,
        key=_key(),
    )


def _key() -> bytes | None:
    """Give the user's key to the pseudonyms of ids that are IINs."""
    key = os.environ.get("MENTOR_RULES_KEY")
    return key.encode() if key else None


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(ALMATY).date()
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise UsageError("no_day", text=text)
    return day


def _settled(options: list[str] | None) -> dict[str, str]:
    chosen = {}
    for option in options or ():
        question, equals, reading = option.partition("=")
        if not equals:
            raise UsageError("reading_form", text=option)
        chosen[question.strip()] = reading.strip()
    return chosen


@contextmanager
def _progress(count: int, language: Language) -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on standard error while many appointments are judged, if a person looks on."""
    if count <= MANY or not sys.stderr.isatty():
        yield None
        return
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*bar, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(say("label", "progress", language), total=count)
        yield lambda done, total: shown.update(task, completed=done, total=total)


class _Console(Console):
    """A console that leaves a closed pipe to `main`, which keeps the exit code quiet."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _print(render: Callable[[Console], None], out: Path | None, force: bool) -> None:
    if out is None:
        _expect_to_go_on()
        render(_Console(highlight=False))
        return
    text = StringIO()
    render(Console(file=text, highlight=False, width=120, color_system=None))
    _write([text.getvalue()], out, force)


def _write(parts: Iterable[str | bytes], out: Path | None, force: bool) -> None:
    """Write to standard output, or whole to a file: under another name first, then renamed.

    Ends of lines are written as they are, on every system.
    """
    _expect_to_go_on()
    if out is None:
        sys.stdout.flush()
        sys.stdout.buffer.writelines(map(_bytes, parts))
        sys.stdout.flush()
        return
    if (out.exists() or out.is_symlink()) and not force:
        raise UsageError("exists", path=str(out))
    if out.exists() and not out.is_file():  # a device would be replaced by a file
        raise UsageError("not_a_file", path=str(out))
    if not out.parent.is_dir():
        raise UsageError("no_folder", path=str(out.parent))
    # Named before it is made: a signal at any moment finds what to remove.
    made = out.with_name(f".{out.name}.{secrets.token_hex(8)}")
    try:
        with made.open("xb") as file:
            file.writelines(map(_bytes, parts))
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the new name with nothing in it
        made.replace(out)
    except BaseException:
        with suppress(OSError):
            made.unlink()
        raise


def _bytes(part: str | bytes) -> bytes:
    return part.encode() if isinstance(part, str) else part


def _told(message: str, code: int) -> int:
    """Give the exit code after telling why; where nobody can be told, all the same."""
    with suppress(OSError):
        sys.stderr.write(f"mentor-rules: {message}\n")
        sys.stderr.flush()
    return code


def main() -> None:
    """Run the command line; every expected trouble ends in one message and its exit code."""
    _stand_in_for_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # real streams have it
    try:
        _heed_signals()
        code = _run(_language_asked())
    except KeyboardInterrupt:
        code = BY_SIGNAL + signal.SIGINT
    raise SystemExit(BY_SIGNAL + _signals[0] if _signals else code)


def _run(language: Language) -> int:
    """Give the exit code of a command, after it wrote its answer or said why there is none."""
    try:
        try:
            return int(app(standalone_mode=False) or OK)
        except SystemExit:  # so typer and rich answer a closed pipe, with a code that flags
            raise BrokenPipeError from None
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            return WRONG_USAGE  # the help was shown
        return _told(_wrong_usage(error).say(language), WRONG_USAGE)
    except UsageError as error:
        return _told(error.say(language), WRONG_USAGE)
    except RulebookError as error:
        what = "broken_calendar" if isinstance(error, CalendarError) else "broken_rules"
        return _told(f"{say('error', what, language)}\n{error}", BROKEN_RULES)
    except ReadingError as error:
        return _told(error.say(language), NOTHING_CERTAIN)
    except (EngineDisagreement, EngineFault) as error:
        lines = map(safe, fault_lines("", fault_of(error), language))
        return _told("\n".join(lines).lstrip(": "), FAULT)
    except BrokenPipeError:
        _forget_output()
        return NOBODY_READS
    except OSError as error:
        _forget_output()
        reason = _reason(error, language)
        return _told(UsageError("cannot_write", reason=reason).say(language), WRONG_USAGE)
    except Exception:
        if _signals:  # the second engine, for one, makes a fault of its own of them
            return FAULT
        # What went wrong is ours, and its text may hold a cell of the dossier.
        if os.environ.get("MENTOR_RULES_DEBUG"):
            raise
        return _told(say("error", "fault", language), FAULT)


def _reason(error: OSError, language: Language) -> str:
    """Give why the system refused; Polars tells its number in the text only."""
    told = re.search(r"\(os error (\d+)\)", str(error))
    number = error.errno or (int(told[1]) if told else 0)
    known = _REASONS.get(number)
    return say("refused", known, language) if known else os.strerror(number)


def _stand_in_for_closed_streams() -> None:
    """Let no file take the number of a closed stream; writing to standard output then fails."""
    for name, mode in (
        ("stdin", os.O_RDONLY),
        ("stdout", os.O_RDONLY),
        ("stderr", os.O_WRONLY),
    ):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, mode)
            setattr(sys, name, os.fdopen(handle, "r" if name == "stdin" else "w"))


def _heed_signals() -> None:
    """Let Ctrl-C and a request to end both stop the program where it can still clean up."""

    def stop(number: int, _: object) -> None:
        _signals.append(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` and `&` have it
            signal.signal(number, stop)

    # Where C calls back, the interpreter can only tell of it, with a traceback, and goes on.
    told = sys.unraisablehook
    sys.unraisablehook = lambda ignored: None if _signals else told(ignored)


def _expect_to_go_on() -> None:
    """Raise KeyboardInterrupt where a signal was swallowed: what is at hand may be a wreck."""
    if _signals:
        raise KeyboardInterrupt


def _forget_output() -> None:
    """Drop what standard output still holds, else the interpreter tries again as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _wrong_usage(error: TyperException) -> UsageError:
    """Give what the parser of the command line refuses, in words that come in three languages."""
    parameter = getattr(error, "param", None)
    spellings = [*getattr(parameter, "opts", ()), str(getattr(parameter, "name", "?")).upper()]
    name = next((text for text in spellings if text.startswith("--")), spellings[-1])
    match type(error).__name__:
        case "MissingParameter":
            return UsageError("missing_argument", name=name)
        case "NoSuchOption":
            return UsageError("no_option", name=str(getattr(error, "option_name", "?")))
        case "BadParameter":
            _, _, listed = error.message.partition(" is not one of ")
            allowed = listed.rstrip(".").replace("'", "") or "mentor-rules --help"
            return UsageError("bad_value", name=name, allowed=allowed)
    return UsageError("see_help")
