"""The report as lines, for other programs (jsonl) and for spreadsheets (CSV)."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO

from mentor_rules.judging import asked
from mentor_rules.report.changes import change_texts
from mentor_rules.result import AppointmentResult, Report, harmless_json
from mentor_rules.rulebook import Rulebook
from mentor_rules.texts import safe
from mentor_rules.vocabulary import INVISIBLE

BYTE_ORDER_MARK = "\ufeff"  # without it a spreadsheet takes UTF-8 for another encoding
JOINT = " | "
_MATTERS = frozenset({"breached", "unknown", "disputed", "pending"})

# A spreadsheet runs what starts with one of these, half or full width, after spaces too. It
# may start a cell after `;` as well: where `;` is the separator of the user's country.
_SIGNS = r"[=+\-@\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20]"
_SPACES = rf"[\s{re.escape(INVISIBLE)}]*"
_FORMULA = re.compile(rf"^(?=[\t\r\n]|{_SPACES}{_SIGNS})|(?<=[;\t\r\n])(?={_SPACES}{_SIGNS})")


def jsonl(report: Report) -> Iterator[str]:
    """Give one line per appointment: the object that stands under `results`."""
    for result in report.results:
        text = json.dumps(result.model_dump(mode="json", by_alias=True), ensure_ascii=False)
        yield harmless_json(text) + "\n"


def csv_lines(
    report: Report, rulebook: Rulebook, names: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Give a header line and one line per appointment (RFC 4180, with a byte order mark).

    Every rule about appointments has its column in every report; it is empty where the rule
    was not judged. The column `changes` is there where they were asked for. `names` maps ids to
    names; without it no name is written.
    """
    rules = [rule.id for rule in rulebook.rules if asked(rule, "appointment")]
    changed = any(result.changes is not None for result in report.results)
    people = ["mentor_name", "mentee_name"] if names is not None else []
    yield BYTE_ORDER_MARK + line(
        [
            *("appointment_id", "school_id", "mentor_id", "mentee_id", *people),
            *("eligibility", "procedure", *rules, "reasons", "remedies", "missing"),
            *(["changes"] if changed else []),
        ]
    )
    for result in report.results:
        ways = change_texts(result.changes) if result.changes is not None else ()
        yield line([*_row(result, rules, names), *([JOINT.join(ways)] if changed else [])])


def cell(value: str | int | float | None) -> str | int | float:
    """Give what is written into a cell: a number as it is, a text that no spreadsheet runs."""
    if value is None:
        return ""
    return safe(_FORMULA.sub("'", value)) if isinstance(value, str) else value


def _row(
    result: AppointmentResult, rules: Sequence[str], names: Mapping[str, str] | None
) -> list[str | None]:
    outcomes = {finding.rule: finding.outcome for finding in result.findings}
    matters = [
        finding
        for finding in result.findings
        if finding.weight != "advisory" and finding.outcome in _MATTERS
    ]
    missing = (
        f"{item.key}: {item.document} ({item.who})"
        for finding in matters
        for item in finding.missing
    )
    people = (
        [names.get(person or "") for person in (result.mentor_id, result.mentee_id)]
        if names is not None
        else []
    )
    return [
        *(result.appointment_id, result.school_id, result.mentor_id, result.mentee_id, *people),
        *(result.eligibility, result.procedure),
        *(outcomes.get(rule) for rule in rules),
        JOINT.join(finding.message for finding in matters),
        JOINT.join(dict.fromkeys(finding.remedy for finding in matters if finding.remedy)),
        JOINT.join(dict.fromkeys(missing)),
    ]


def line(cells: Sequence[str | None]) -> str:
    """Give one line of CSV."""
    written = StringIO()
    csv.writer(written).writerow([cell(value) for value in cells])
    return written.getvalue()
