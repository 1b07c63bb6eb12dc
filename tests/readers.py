"""The readers of files: seeds, mutations that keep a file's shape, and what is held of any bytes.

`test_fuzz` draws mutations at random; `fuzz` is led by coverage.
"""

from __future__ import annotations

import csv
import json
import re
import traceback
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import polars as pl
from rich.console import Console

from mentor_rules import Dossier, check
from mentor_rules.audit import audit
from mentor_rules.calendar import SchoolCalendar
from mentor_rules.cases import run_cases
from mentor_rules.columns import PLAIN, plain, sources
from mentor_rules.errors import MentorRulesError, RulebookError, SpokenError
from mentor_rules.loading import builtin_rulebook, load_rulebook
from mentor_rules.mapping import draft_mapping
from mentor_rules.nation import read_rows
from mentor_rules.reading import PercentAs, read_tables
from mentor_rules.records import TABLES, columns
from mentor_rules.report.rules import RuleReport
from mentor_rules.report.workbook import annotated
from mentor_rules.vocabulary import LANGUAGES
from tests import dossiers, parquet

ROOT = Path(__file__).resolve().parents[1]
FAMILY, GIVEN = "Қыдырбекова", "Ұлжан"
IIN = "880215350126"
PERSONAL = (FAMILY, GIVEN, IIN)
KEY = b"the same for every run"

Change = Callable[[bytes], bytes]  # of bytes without regard to what they are


class Reader(NamedTuple):
    """One reader of files.

    `mutate` keeps the shape of a file mostly. `hold` asserts what is held, in an empty folder, and
    tells whether the file was read, and not refused.
    """

    seeds: Callable[[], Sequence[bytes]]
    mutate: Callable[[bytes, Random, Change], bytes]
    hold: Callable[[bytes, Path], bool]


# Several files in one piece of bytes ---------------------------------------------------------

_PART = "\x1d\x1d part "  # what follows on its line is the name of a file


def joined(parts: Iterable[tuple[str, bytes]]) -> bytes:
    return b"".join(f"{_PART}{name}\n".encode() + content for name, content in parts)


def parted(data: bytes) -> list[tuple[str, bytes]]:
    found = []
    for part in data.split(_PART.encode())[1:]:
        name, _, content = part.partition(b"\n")
        found.append((re.sub(r"[\x00/]", "", name.decode("utf-8", "replace"))[:60], content))
    return found


def _in_one_part(data: bytes, random: Random, change: Change) -> bytes:
    parts = parted(data)
    if not parts:
        return change(data)
    place = random.randrange(len(parts))
    if random.random() < 0.02:
        del parts[place]
    elif random.random() < 0.02:
        parts.append((random.choice([*TABLES, "Лист1", parts[place][0]]), parts[place][1]))
    else:
        parts[place] = (parts[place][0], change(parts[place][1]))
    return joined(parts)


# Mutations -----------------------------------------------------------------------------------

STRANGE = (
    *("", " ", "\x00", "\ufeff", "\xa0", "\u202e", "\u200b", "\x1b[31m", "\r\n", "\n", "\t", ";"),
    *("'", '"', '"""', "\\", "\\ud800", "{", "[[", "]", "&#0;", "&x;", "<!DOCTYPE a>", "=1+1"),
    *("0", "-0", "1", "0.6", "60%", "0.72%", "59.99", "100.0000001", "1e5000", "-1", "9" * 40),
    *("NaN", "inf", "true", "null", "٦٠", "６０", "#N/A", "-", "нет данных", "жоқ", "итого"),
    *("2026-09-01", "01.09.2026", "31.02.2026", "0001-01-01", "9999-12-31", "2026-09-01T00:00Z"),
    *("2025/26", "2025/27", "EXAMPLE", "x_mr_note", "педaгог-шебер", "master", "head", "T1"),
    *("1048576", "XFD1048576", "A1", "s", "d", "e", "n", "inlineStr", "str", "b", "yyyy-mm-dd"),
    *("value >= floor", "not not not known", "(" * 60, "__import__('os')", "a.b", "x" * 300),
)


def retold(data: bytes, random: Random, raw: Change, tokens: str) -> bytes:
    """Change some of the tokens of a text: `tokens` is what parts them, and is kept."""
    text = re.split(f"({tokens})", data.decode("utf-8", "surrogateescape"))
    place = random.randrange(len(text))
    match random.randrange(8):
        case 0:
            text[place] = random.choice(STRANGE)
        case 1:  # what stands elsewhere: a part for a part, a separator for a separator
            text[place] = text[random.randrange(place % 2, len(text), 2)]
        case 2:
            other = random.randrange(place % 2, len(text), 2)
            text[place], text[other] = text[other], text[place]
        case 3:
            del text[place : place + 2 * random.randint(1, 12)]
        case 4:
            text[place:place] = text[place : place + 2 * random.randint(1, 12)]
        case 5:
            span = text[place : place + 2 * random.randint(1, 12)]
            other = random.randrange(place % 2, len(text), 2)
            text[other:other] = span
        case 6:
            with suppress(ValueError):
                number = int(text[place])
                changes = (number + 1, number - 1, -number, number * 10**6, number / 3)
                text[place] = str(random.choice(changes))
        case _:
            changed = raw(text[place].encode("utf-8", "surrogateescape"))
            text[place] = changed.decode("utf-8", "surrogateescape")
    return "".join(text).encode("utf-8", "surrogateescape")


def shaken(data: bytes, random: Random) -> bytes:
    """Change bytes without regard to what they are."""
    found = bytearray(data)
    place = random.randrange(len(found) + 1)
    match random.randrange(4):
        case 0:
            found[place : place + 1] = bytes([random.randrange(256)])
        case 1:
            del found[place : place + random.randint(1, 16)]
        case 2:
            found[place:place] = random.choice(STRANGE).encode()
        case _:
            span = found[place : place + random.randint(1, 16)]
            found[place:place] = span
    return bytes(found)


_CELLS = r'[,;\t"]|\r?\n'
_JSON = r'"(?:[^"\\]|\\.)*"|[{}\[\],:]'
_MARKUP = r'<[a-zA-Z/?!][^\s>]*|[\s>="]'
_TOML = r"\n|[\s=\[\]{},\"'.()]"


def _mutate_csv(data: bytes, random: Random, raw: Change) -> bytes:
    return _in_one_part(data, random, lambda part: retold(part, random, raw, _CELLS))


def _mutate_calendar(data: bytes, random: Random, raw: Change) -> bytes:
    return retold(data, random, raw, _CELLS)


def _mutate_json(data: bytes, random: Random, raw: Change) -> bytes:
    return retold(data, random, raw, _JSON)


def _mutate_toml(data: bytes, random: Random, raw: Change) -> bytes:
    return _in_one_part(data, random, lambda part: retold(part, random, raw, _TOML))


def _mutate_workbook(data: bytes, random: Random, raw: Change) -> bytes:
    """Change a member of a workbook, or the container itself."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as container:
            members = [(name, container.read(name)) for name in container.namelist()]
        place = random.randrange(len(members))
    except Exception:  # whatever a broken container raises
        return raw(data)
    if random.random() < 0.05:
        return raw(data)
    name, content = members[place]
    match random.randrange(30):
        case 0:
            del members[place]
        case 1:
            members[place] = (random.choice(members)[0], content)
        case 2:
            members[place] = (name, b"")
        case _:
            members[place] = (name, retold(content, random, raw, _MARKUP))
    return _zipped(members, random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def _zipped(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    found = BytesIO()
    with zipfile.ZipFile(found, "w", method) as container:
        for name, content in members:
            # A fixed day, so that the same content is the same bytes.
            container.writestr(zipfile.ZipInfo(name), content, method)
    return found.getvalue()


_TYPES: tuple[Any, ...] = (
    *(pl.String, pl.Int8, pl.Int64, pl.UInt64, pl.Float32, pl.Float64, pl.Boolean, pl.Date),
    *(pl.Datetime("us"), pl.Datetime("us", "Asia/Almaty"), pl.Time, pl.Duration("ms")),
    *(pl.Decimal(20, 3), pl.Binary, pl.Categorical, pl.List(pl.String), pl.Null),
    pl.Struct({"a": pl.String}),
)


def _mutate_parquet(data: bytes, random: Random, raw: Change) -> bytes:
    return _in_one_part(data, random, lambda part: _mutate_columns(part, random, raw))


def _mutate_columns(data: bytes, random: Random, raw: Change) -> bytes:
    if random.random() < 0.3:
        return raw(data)
    found = BytesIO()
    try:
        frame = pl.read_parquet(BytesIO(data))
        _changed_frame(frame, random).write_parquet(
            found, compression=random.choice(("uncompressed", "zstd", "snappy"))
        )
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return raw(data)
    return found.getvalue()


def _changed_frame(frame: pl.DataFrame, random: Random) -> pl.DataFrame:
    name = random.choice(frame.columns)
    known = [column for table in TABLES for column in columns(table)]
    match random.randrange(8):
        case 0:
            return frame.drop(name)
        case 1:
            return frame.rename({name: random.choice([*known, *STRANGE, name.upper(), name[1:]])})
        case 2:
            return frame.with_columns(pl.col(name).cast(random.choice(_TYPES), strict=False))
        case 3:
            return pl.concat([frame, frame.sample(1, seed=random.randrange(2**32))])
        case 4:
            return frame.clear() if random.random() < 0.1 else frame.reverse()
        case 5:
            return frame.with_columns(pl.lit(random.choice((float("nan"), 1, True, None))))
        case 6:
            return frame.with_columns(pl.col(name).shuffle(random.randrange(2**32)))
        case _:
            cells = frame[name].cast(pl.String).to_list()
            if cells:
                cells[random.randrange(len(cells))] = random.choice(STRANGE)
            return frame.with_columns(pl.Series(name, cells, pl.String))


# What is held --------------------------------------------------------------------------------


class Told(NamedTuple):
    """What a reader says: its answer, or why there is none."""

    text: str
    read: bool


def _told(answer: Callable[[], str]) -> Told:
    """Give what a reader says; a refusal is typed, and names nobody."""
    try:
        return Told(answer(), read=True)
    except MentorRulesError as error:
        return Told(_refusal(error), read=False)


def _refusal(error: MentorRulesError) -> str:
    said = [repr(error), str(error)]
    if isinstance(error, SpokenError):
        said += [error.say(language) for language in LANGUAGES]
    if isinstance(error, RulebookError):
        assert error.problems
        assert all(one.file and one.problem and one.suggestion for one in error.problems)
    _names_nobody("".join([*said, *traceback.format_exception(error)]))
    return "\n".join(said)


def _names_nobody(text: str) -> None:
    found = [word for word in PERSONAL if word in text]
    assert not found, f"{found} in {text}"


def _told_twice(answer: Callable[[], str]) -> Told:
    first, second = _told(answer), _told(answer)
    assert first == second
    return first


def _judged(dossier: Dossier, **options: Any) -> str:
    """Give the report on a dossier, without what differs by run."""
    report = check(dossier, as_of=dossiers.AS_OF, confirm="none", **options)
    assert not report.run.faults
    content = json.loads(report.to_json())
    del content["run"]["took_s"]
    for row in content["invalid"]:
        _names_nobody(f"{row['problem']} {row['remedy']} {row['column']}")
    return json.dumps(content, ensure_ascii=False)


def _dossier_holds(data: bytes, path: Path, **options: Any) -> bool:
    """Assert what is held of a dossier; what costs as much as reading, of every third file."""
    said = _told(lambda: _judged(Dossier.read(path, key=KEY, **options)))
    if sum(data) % 3 == 0:
        _told_twice(lambda: repr(read_tables(path, **options)))
    elif sum(data) % 3 == 1:
        _told(lambda: draft_mapping(path, encoding=options["encoding"]))
    return said.read


def _options(data: bytes) -> dict[str, Any]:
    """Give options that depend on the bytes alone."""
    percent_as: PercentAs = "fraction" if sum(data) % 5 == 0 else "percent"
    encoding = "cp1251" if sum(data) % 7 == 0 else None
    return {"percent_as": percent_as, "encoding": encoding}


def _hold_csv(data: bytes, folder: Path) -> bool:
    for name, content in parted(data):
        with suppress(OSError):  # no file can have this name
            (folder / f"{name}.csv").write_bytes(content)
    return _dossier_holds(data, folder, **_options(data))


def _hold_json(data: bytes, folder: Path) -> bool:
    path = folder / "dossier.json"
    path.write_bytes(data)
    return _dossier_holds(data, path, **_options(data))


def _hold_workbook(data: bytes, folder: Path) -> bool:
    path = folder / "dossier.xlsx"
    path.write_bytes(data)
    options = {**_options(data), "encoding": None}
    read = _dossier_holds(data, path, **options)

    def book() -> str:
        report = check(Dossier.read(path, **options), as_of=dossiers.AS_OF, confirm="none")
        content = annotated(path, report, builtin_rulebook(), **options)
        (folder / "annotated.xlsx").write_bytes(content)
        return _judged(Dossier.read(folder / "annotated.xlsx", key=KEY, **options))

    if sum(data) % 3 == 2:
        _told(book)
    return read


def _hold_parquet(data: bytes, folder: Path) -> bool:
    read, out = folder / "tables", folder / "out"
    read.mkdir()
    for name, content in parted(data):
        if name in TABLES:
            (read / f"{name}.parquet").write_bytes(content)
    said = _told_twice(lambda: _accounted(read))
    if sum(data) % 32 == 0:
        _told(lambda: audit(read, out, as_of=dossiers.AS_OF, buckets=1).model_dump_json())
    return said.read


def _accounted(folder: Path) -> str:
    """Read every table; each row is plain, read by the one reader, or told of."""
    said = []
    for table, source in sources(folder).items():
        raw = source.rows(0, 10**6)
        rows = plain(source, raw.lazy()).collect()
        assert rows.height == raw.height <= source.count()
        odd = raw.filter(~rows[PLAIN])
        for number, record, problems in read_rows(table, odd, shares=True):
            assert (record is None) == bool(problems)
            _names_nobody(str([(one.code, one.params, one.column) for one in problems]))
            said.append(f"{table} {number} {record!r} {[one.code for one in problems]}")
        said.append(str(rows.filter(PLAIN).rows()))
    return "\n".join(said)


def _hold_rulebook(data: bytes, folder: Path) -> bool:
    parts = {**_rulebook_files(), **dict(parted(data))}
    for name, content in parts.items():
        if name in _RULES:
            path = folder / name.replace("-", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)

    def answer() -> str:
        said = StringIO()
        rulebook = load_rulebook(folder)
        shown = RuleReport(Console(file=said, width=100), rulebook, "kk")
        for rule in rulebook.rules:
            shown.report(rule)
        cases = run_cases(rulebook)
        report = _judged(Dossier.from_tables(dossiers.plain()), rulebook=rulebook)
        return f"{rulebook.sha256} {said.getvalue()} {cases} {report}"

    if sum(data) % 3 == 0:
        _told_twice(lambda: repr(load_rulebook(folder)))
    return _told(answer).read


def _hold_calendar(data: bytes, folder: Path) -> bool:
    path = folder / "calendar.csv"
    path.write_bytes(data)

    def answer() -> str:
        calendar = SchoolCalendar.load(path)
        days = [dossiers.ORDERED + timedelta(days) for days in range(0, 400, 7)]
        return f"{calendar.identity} {[calendar.holding(day) for day in days]}"

    said = _told_twice(answer)
    _told(lambda: _judged(Dossier.from_tables(dossiers.plain()), calendar=path))
    return said.read


def _hold_mapping(data: bytes, folder: Path) -> bool:
    path = folder / "mapping.toml"
    path.write_bytes(dict(parted(data)).get("mapping", data))
    read = _strange_headings(folder / "read")
    _told_twice(lambda: repr(read_tables(read, mapping=path)))
    return _told(lambda: _judged(Dossier.read(read, mapping=path, key=KEY))).read


# Seeds ---------------------------------------------------------------------------------------


@cache
def example() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Two appointments of the example district and all that belongs to them, with names."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for table in TABLES:
        with (ROOT / "docs/examples/district" / f"{table}.csv").open(encoding="utf-8-sig") as file:
            tables[table] = list(csv.DictReader(file))
    appointments = tables["appointments"][:2]
    kept = {cell for row in appointments for name, cell in row.items() if name.endswith("_id")}
    found: dict[str, list[dict[str, Any]]] = {}
    for table, rows in tables.items():
        key = TABLES[table].key_columns[0]
        found[table] = [row for row in rows if row[key] in kept][:6] or rows[:1]
    for row in found["teachers"]:
        row.update(name=f"{FAMILY} {GIVEN}", iin=IIN)
    return found


def _typed(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: cell for name, cell in row.items() if cell not in (None, "")}


def _csv(rows: Sequence[Mapping[str, Any]], delimiter: str = ",") -> bytes:
    text = StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _csv_seeds() -> list[bytes]:
    commas = [(table, _csv(rows)) for table, rows in example().items()]
    semicolons = [(table, b"\xef\xbb\xbf" + _csv(rows, ";")) for table, rows in example().items()]
    return [joined(commas), joined(semicolons), joined(commas[:2])]


def _json_seeds() -> list[bytes]:
    tables = {table: [_typed(row) for row in rows] for table, rows in example().items()}
    plain_one = json.dumps(dossiers.plain(), default=str)
    return [json.dumps(tables, ensure_ascii=False).encode(), plain_one.encode()]


def _workbook_seeds() -> list[bytes]:
    seeds = []
    formulas = {**dossiers.plain(), "posts": [{"teacher_id": "=A1", "post": "head"}]}
    few = {table: example()[table][:3] for table in ("teachers", "quality", "appointments")}
    for tables in (few, dossiers.plain(), formulas):
        found = BytesIO()
        dossiers.workbook(tables).save(found)  # type: ignore[arg-type]  # mappings to be read
        with zipfile.ZipFile(found) as container:
            members = [(name, container.read(name)) for name in container.namelist()]
        # What only paints is left out: it is most of the bytes.
        seeds.append(_zipped(one for one in members if "theme" not in one[0]))
    return seeds


def _parquet_seeds() -> list[bytes]:
    seeds = []
    raw = {table: [_typed(row) for row in rows] for table, rows in example().items()}
    for tables in (raw, {name: raw[name] for name in ("teachers", "quality", "appointments")}):
        parts = []
        for table, rows in tables.items():
            typed = parquet.typed(table, parquet.readable({table: rows})[table])
            for frame in (parquet.texts(table, rows), typed):
                found = BytesIO()
                frame.write_parquet(found, compression="uncompressed")
                parts.append((table, found.getvalue()))
        seeds += [joined(parts[::2]), joined(parts[1::2])]
    return seeds


_RULES = (
    "order.toml",
    "eligibility-quality_of_knowledge.toml",
    "appointment-not_self.toml",
    "reporting-final.toml",
)


@cache
def _rulebook_files() -> Mapping[str, bytes]:
    """Give a few files of the built-in rulebook that load without the others, two cases each."""
    files = {}
    for name in _RULES:
        text = (ROOT / "rules/order_160" / name.replace("-", "/")).read_text("utf-8")
        head, *cases = text.split("[[case]]")
        files[name] = "[[case]]".join([head, *cases[:2]])
    head, *norms = files["order.toml"].split("[[coverage]]")
    kept = []
    for norm in norms:
        rules = re.findall(r'"([a-z_]+/[a-z_]+)"', norm)
        if own := [rule for rule in rules if f"{rule.replace('/', '-')}.toml" in _RULES]:
            kept.append(re.sub(r"(?m)^rules *=.*$", f"rules = {json.dumps(own)}", norm))
    files["order.toml"] = "[[coverage]]".join([head, *kept])
    # Comments are most of the bytes.
    return {
        name: re.sub(r"(?m)^#.*\n|(?<=\n)\n", "", text).encode() for name, text in files.items()
    }


def _rulebook_seeds() -> list[bytes]:
    return [joined([part]) for part in _rulebook_files().items()]


def _calendar_seeds() -> list[bytes]:
    lines = (
        "2027-03-22,off,both,order 1,2026-12-01",
        "2026-12-05,work,5,order 2,01.12.2026",
        "2027-12-31,known_until,,,",
        "2027-09-02,school_year_start,,letter,",
        "2027-12-29,half_year_end,,letter,",
        "2028-05-24,school_year_end,,letter,",
        f'2026-12-07,off,6,"{FAMILY} {GIVEN}, {IIN}",',
    )
    text = "\n".join(["date,kind,week,source,decided_on", *lines])
    return [text.encode(), b"\xef\xbb\xbf" + text.replace(",", ";").encode()]


_HEADINGS = {"teacher_id": "Код", "name": "Кто", "percent": "Итог", "subject": "Что ведёт"}


def _strange_headings(folder: Path) -> Path:
    """Write a dossier some headings of which only a mapping file explains."""
    folder.mkdir()
    for table, rows in example().items():
        renamed = [{_HEADINGS.get(name, name): cell for name, cell in row.items()} for row in rows]
        (folder / f"{table}.csv").write_bytes(_csv(renamed))
    return folder


def _mapping_seeds() -> list[bytes]:
    lines = ["[tables]", '"teachers" = "teachers"', '"старое" = ""']
    for table in ("teachers", "quality"):
        lines.append(f"[columns.{table}]")
        known = columns(table)
        lines += [f'"{shown}" = "{name}"' for name, shown in _HEADINGS.items() if name in known]
    return [joined([("mapping", "\n".join(lines).encode())])]


READERS: Mapping[str, Reader] = {
    "csv": Reader(_csv_seeds, _mutate_csv, _hold_csv),
    "xlsx": Reader(_workbook_seeds, _mutate_workbook, _hold_workbook),
    "json": Reader(_json_seeds, _mutate_json, _hold_json),
    "parquet": Reader(_parquet_seeds, _mutate_parquet, _hold_parquet),
    "rulebook": Reader(_rulebook_seeds, _mutate_toml, _hold_rulebook),
    "calendar": Reader(_calendar_seeds, _mutate_calendar, _hold_calendar),
    "mapping": Reader(_mapping_seeds, _mutate_toml, _hold_mapping),
}
