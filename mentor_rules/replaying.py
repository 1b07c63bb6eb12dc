"""A report made again from its dossier, with all that it says it rests on, and compared."""

import json
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from mentor_rules.calendar import SchoolCalendar
from mentor_rules.calendar_data import Overrides
from mentor_rules.changes import with_changes
from mentor_rules.dossier import Dossier
from mentor_rules.errors import ReadingError, UsageError
from mentor_rules.judging import check, engines_at_hand, package
from mentor_rules.loading import builtin_rulebook
from mentor_rules.reading import MAX_TEXT
from mentor_rules.result import (
    AppointmentResult,
    Asked,
    Difference,
    Obstacle,
    Provenance,
    Replay,
)
from mentor_rules.rulebook import Rulebook
from mentor_rules.source import digest_of
from mentor_rules.texts import say
from mentor_rules.vocabulary import Language

_SHOWN = 80  # characters of a value that differs
_NAMED_BY = ("appointment_id", "school_id", "rule")  # what names an item of a list
_MISSING = object()


class _Appointment(BaseModel):
    mentor_id: str | None
    mentee_id: str | None
    changes: Any = None


class _Run(BaseModel):
    asked: Asked
    took_s: float


class _Recorded(BaseModel):
    """What is needed of a report to make it again."""

    as_of: date
    provenance: Provenance
    results: tuple[_Appointment, ...]
    run: _Run


def replay(
    result: Path | str,
    dossier: Path | str,
    *,
    rulebook: Rulebook | None = None,
    calendar: Overrides = None,
    mapping: Path | str | None = None,
    key: bytes | None = None,
    language: Language = "en",
) -> Replay:
    """Say whether the JSON file `result` of `check` is what `dossier` gives, to the byte.

    Day, readings, language and the rest are those that the result records. `rulebook` (None:
    the built-in one), `calendar`, `mapping` and `key` are to be those with which it was made;
    where one is not, that is an obstacle, and nothing is judged. Only the seconds that it took
    are not compared. `language` is that of the obstacles. Raises ReadingError for a file that is
    no such result, and as `Dossier.read` does.
    """
    content, recorded = _read(Path(result))
    rulebook = rulebook or builtin_rulebook()
    if calendar is not None and not isinstance(calendar, Path | str):
        calendar = list(calendar)
    asked = recorded.run.asked
    found = _obstacles(recorded, Path(dossier), rulebook, calendar, mapping, key)
    obstacles = tuple(_obstacle(code, language, **params) for code, params in found)
    if obstacles or asked.dossier is None:
        return Replay(agrees=None, obstacles=obstacles)
    read = Dossier.read(
        dossier,
        encoding=asked.dossier.encoding,
        percent_as=asked.dossier.percent_as,
        mapping=mapping,
        show_ids=asked.iins == "as_they_are",
        key=key,
    )
    choices: dict[str, Any] = {
        "readings": recorded.provenance.readings,
        "rulebook": rulebook,
        "calendar": calendar,
        "language": asked.language,
    }
    try:
        report = check(
            read, as_of=recorded.as_of, only=asked.only, confirm=asked.confirm, **choices
        )
    except UsageError as error:  # a day or a reading that no report can have been made with
        raise ReadingError("not_a_result", name=Path(result).name) from error
    if any(one.changes is not None for one in recorded.results):
        report = with_changes(report, read, **choices)
    run = report.run.model_copy(update={"took_s": recorded.run.took_s})
    again = report.model_copy(update={"run": run}).to_json().encode()
    if again == content:
        return Replay(agrees=True)
    hidden = set(read.pseudonyms.values())
    if hidden & _people(report.results) and not hidden & _people(recorded.results):
        return Replay(agrees=None, obstacles=(_obstacle("another_key", language),))
    return Replay(agrees=False, difference=_first(from_json(content), from_json(again), ""))


def _read(path: Path) -> tuple[bytes, _Recorded]:
    try:
        if not path.exists():
            raise UsageError("no_such_path", path=str(path))
        if path.stat().st_size > MAX_TEXT:
            raise ReadingError("too_large", name=path.name, limit=str(MAX_TEXT // 2**20))
        content = path.read_bytes()
    except OSError as error:
        raise ReadingError("cannot_read", name=path.name) from error
    try:
        return content, _Recorded.model_validate_json(content)
    except ValidationError:
        raise ReadingError("not_a_result", name=path.name) from None


def _obstacles(
    recorded: _Recorded,
    dossier: Path,
    rulebook: Rulebook,
    calendar: Overrides,
    mapping: Path | str | None,
    key: bytes | None,
) -> Iterator[tuple[str, dict[str, str]]]:
    """Give all that is not as it was when a report was made: codes of `texts.toml`."""
    was, asked = recorded.provenance, recorded.run.asked
    here = (
        ("another_package", was.package, package()),
        ("another_rulebook", was.rulebook_sha256, rulebook.sha256),
        ("another_calendar", was.calendar, SchoolCalendar.load(calendar).identity),
        ("another_engine", ", ".join(asked.engines), ", ".join(engines_at_hand())),
    )
    for code, then, now in here:
        if then != now:
            yield code, {"then": then, "now": now}
    if asked.dossier is None:
        yield "no_file", {}
    elif not dossier.exists():
        raise UsageError("no_such_path", path=str(dossier))
    else:
        if asked.dossier.sha256 != digest_of(dossier, ".csv"):
            yield "another_dossier", {"name": dossier.name}
        given = digest_of(Path(mapping)) if mapping is not None else None
        if asked.dossier.mapping_sha256 != given:
            yield ("another_mapping" if asked.dossier.mapping_sha256 else "no_mapping"), {}
    if asked.iins == "for_once":
        yield "pseudonyms_for_once", {}
    if asked.iins == "keyed" and key is None:
        yield "no_key", {}


def _obstacle(code: str, language: Language, **params: str) -> Obstacle:
    return Obstacle(code=code, text=say("obstacle", code, language, **params))


def _people(results: Iterable[_Appointment | AppointmentResult]) -> set[str | None]:
    return {person for one in results for person in (one.mentor_id, one.mentee_id)}


def _first(recorded: Any, found: Any, path: str) -> Difference | None:
    """Give the first place at which two JSON values differ, None where none does."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        inside = [
            (f"{path}.{name}".lstrip("."), recorded.get(name, _MISSING), found.get(name, _MISSING))
            for name in (*recorded, *(name for name in found if name not in recorded))
        ]
    elif isinstance(recorded, list) and isinstance(found, list):
        inside = [
            (f"{path}[{_name(other if one is _MISSING else one, place)}]", one, other)
            for place, (one, other) in enumerate(zip_longest(recorded, found, fillvalue=_MISSING))
        ]
    elif type(recorded) is type(found) and recorded == found:
        return None
    else:
        return Difference(path=path, recorded=_shown(recorded), found=_shown(found))
    return next(filter(None, (_first(one, other, at) for at, one, other in inside)), None)


def _name(item: Any, place: int) -> str:
    names = (item[name] for name in _NAMED_BY if name in item) if isinstance(item, dict) else ()
    return str(next(iter(names), place))


def _shown(value: Any) -> str | None:
    if value is _MISSING:
        return None
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
