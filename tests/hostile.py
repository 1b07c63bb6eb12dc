"""Files made to harm: each small where it lies, and huge, endless or wild where it is read."""

import base64
import os
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mentor_rules.source import rules_folder
from tests.dossiers import plain, to_csv, to_json, to_xlsx

SHEET, STYLES, STRINGS = "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/sharedStrings.xml"
TYPES, RELATIONS = "[Content_Types].xml", "xl/_rels/workbook.xml.rels"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>school_id</t></is></c></row>'
_LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]>"
)
_OUTSIDE = '<!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/hostname">]>'

Maker = Callable[[Path], Path]


def packed(path: Path, parts: Mapping[str, bytes]) -> Path:
    """A plain workbook with some parts replaced or added, each at a ratio that is let through."""
    whole = path.with_name("plain")
    to_xlsx({"schools": [{"school_id": "S1"}]}, whole)
    chance = random.Random(160)
    with (
        zipfile.ZipFile(whole) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made,
    ):
        for name in dict.fromkeys([*source.namelist(), *parts]):
            content = parts[name] if name in parts else source.read(name)
            if len(content) > 2**20 and b"</" in content:
                noise = base64.b64encode(chance.randbytes(len(content) // 100 + 50_000))
                content += b"<!--" + noise + b"-->"
            made.writestr(name, content)
    whole.unlink()
    return path


def sheet(rows: str, *, before: str = "", after: str = "", dtd: str = "") -> dict[str, bytes]:
    """A first sheet with the header of schools, and these rows below it."""
    data = f"{before}<sheetData>{_HEAD}{rows}</sheetData>{after}"
    return {SHEET: f'{dtd}<worksheet xmlns="{_MAIN}">{data}</worksheet>'.encode()}


def strings(items: str, dtd: str = "") -> dict[str, bytes]:
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/{SHEET}" ContentType="{_TYPE}.worksheet+xml"/>'
        f'<Override PartName="/{STRINGS}" ContentType="{_TYPE}.sharedStrings+xml"/></Types>'
    )
    return {
        TYPES: types.encode(),
        STRINGS: f'{dtd}<sst xmlns="{_MAIN}">{items}</sst>'.encode(),
        **sheet('<row r="2"><c r="A2" t="s"><v>0</v></c></row>'),
    }


def styles(content: str) -> dict[str, bytes]:
    return {STYLES: f'<styleSheet xmlns="{_MAIN}">{content}</styleSheet>'.encode()}


def replaced(part: str, old: bytes, new: bytes) -> Maker:
    """A plain workbook with `old` replaced in one of its parts."""

    def make(path: Path) -> Path:
        to_xlsx({"schools": [{"school_id": "S1"}]}, path)
        with zipfile.ZipFile(path) as source:
            content = source.read(part)
        assert old in content
        return packed(path, {part: content.replace(old, new)})

    return make


def workbook(parts: Callable[[], Mapping[str, bytes]]) -> Maker:
    """What writes a workbook with these parts; they are made only when asked for."""
    return lambda path: packed(path, parts())


def written(content: Callable[[], bytes]) -> Maker:
    """What writes a file of any content."""

    def make(path: Path) -> Path:
        path.write_bytes(content())
        return path

    return make


def table(content: Callable[[], bytes], name: str = "posts.csv") -> Maker:
    """What writes a plain dossier in CSV with one hostile file in it."""

    def make(path: Path) -> Path:
        (to_csv(plain(), path) / name).write_bytes(content())
        return path

    return make


def lying(path: Path) -> Path:
    """A workbook one part of which says that it is 1 KB, and unfolds to 3 MB."""
    packed(path, {})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as made:
        made.writestr("docProps/custom.xml", base64.b64encode(os.urandom(2**21)))
    content = bytearray(path.read_bytes())
    place = content.rindex(b"PK\x01\x02")  # the directory's last entry
    content[place + 24 : place + 28] = struct.pack("<I", 1024)
    path.write_bytes(content)
    return path


def overlapping(path: Path) -> Path:
    """A workbook whose directory names one and the same part a thousand times."""
    packed(path, {})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/media/a.bin", base64.b64encode(os.urandom(3000)) * 200)
        info = made.getinfo("xl/media/a.bin")
        for number in range(1000):
            again = zipfile.ZipInfo(f"xl/media/{number}.bin")
            for field in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(again, field, getattr(info, field))
            made.filelist.append(again)
    return path


def squeezed(path: Path) -> Path:
    """A workbook a part of which is packed by a method that no reader can bound."""
    packed(path, {})
    with zipfile.ZipFile(path, "a") as made:
        made.writestr("xl/media/a.bin", bytes(2**20), zipfile.ZIP_BZIP2)
    return path


def misused(path: Path) -> Path:
    """A sheet of a million elements that the workbook reads whole, as a chart."""
    rows = "<row><c/><c/></row>" * 200_000
    packed(path, sheet(rows))
    with zipfile.ZipFile(path) as source:
        relations = source.read(RELATIONS).replace(
            b"relationships/worksheet", b"relationships/chartsheet"
        )
    return packed(path, sheet(rows) | {RELATIONS: relations})


def truncated(path: Path) -> Path:
    to_xlsx(plain(), path)
    path.write_bytes(path.read_bytes()[:3000])
    return path


def deep(opening: str, closing: str, depth: int = 200_000) -> bytes:
    return (opening * depth + closing * depth).encode()


def json_with(value: str) -> Callable[[], bytes]:
    return lambda: f'{{"schools": [{{"school_id": {value}}}]}}'.encode()


def xfs() -> str:
    return "<cellXfs>" + '<xf numFmtId="0" fontId="0" fillId="0"/>' * 1_000_000 + "</cellXfs>"


def formats() -> str:
    found = (f'<numFmt numFmtId="{164 + n}" formatCode="0.{n}"/>' for n in range(500_000))
    return f"<numFmts>{''.join(found)}</numFmts>"


def wide(count: int = 16_000) -> str:
    return '<row r="2">' + '<c t="inlineStr"><is><t>column</t></is></c>' * count + "</row>"


def rows(table: str, *cells: Mapping[str, object]) -> Maker:
    """What writes a plain dossier (JSON) with rows of a table altered, or added behind the last."""

    def make(path: Path) -> Path:
        tables = plain()
        own = tables.setdefault(table, [])
        for place, cell in enumerate(cells):
            if place < len(own):
                own[place] = {**own[place], **cell}
            else:
                own.append(dict(cell))
        return to_json(tables, path)

    return make


def encoded(encoding: str, name: str) -> Maker:
    """What writes a plain dossier (CSV) in an encoding that it does not declare."""
    tables = plain()
    tables["schools"][0]["name"] = name
    return lambda path: to_csv(tables, path, encoding=encoding)


def rules(content: Callable[[], bytes], name: str = "eligibility/new.toml") -> Maker:
    """What writes the built-in rules with one file of another content."""

    def make(path: Path) -> Path:
        shutil.copytree(rules_folder() / "order_160", path)
        (path / name).write_bytes(content())
        return path

    return make


def rule(old: str, new: str, name: str = "quality_of_knowledge") -> Maker:
    """What writes the built-in rules with `old` replaced in one, under another name perhaps."""

    def make(path: Path) -> Path:
        shutil.copytree(rules_folder() / "order_160", path)
        given = path / "eligibility" / "quality_of_knowledge.toml"
        text = given.read_text("utf-8")
        assert old in text
        given.unlink()
        given.with_name(f"{name}.toml").write_text(text.replace(old, new, 1), "utf-8")
        return path

    return make


@dataclass(frozen=True)
class Hostile:
    """A hostile file: its name, what makes it, the exit code, and the command that reads it.

    `heavy`: it takes a second or more to be made or refused.
    """

    name: str
    make: Maker
    code: int = 3
    words: tuple[str, ...] = ("check", "{path}", "--as-of", "2026-11-23")
    heavy: bool = False


def _beside(option: str) -> tuple[str, ...]:
    """The command in which the file stands after an option, and the dossier is a good one."""
    return ("check", "{good}", "--as-of", "2026-11-23", option, "{path}")


_TEST = ("rules", "test", "--rules", "{path}")
_CHECK = "quality[subject, period] >= band[school_kind, floor]"
_LAUGH = '<row r="2"><c r="A2" t="inlineStr"><is><t>&j;</t></is></c></row>'
_LAST = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
_FAR = '<row r="9999999999"><c r="A9999999999"><v>1</v></c></row>'
_LONG = f'<row r="2"><c r="A2" t="inlineStr"><is><t>{"x" * 10_000_000}</t></is></c></row>'
_CFB = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000)


def _last_cells() -> dict[str, bytes]:
    return sheet(
        "".join(f'<row r="{n}"><c r="A{n}"/><c r="XFD{n}"/></row>' for n in range(2, 99_999))
    )


def _merged() -> dict[str, bytes]:
    merged = '<mergeCell ref="A1:B1"/>' * 1_000_000
    return sheet("", after=f"<mergeCells>{merged}</mergeCells>")


def _long_strings() -> dict[str, bytes]:
    return strings(f"<si><t>\U0001f600{'a' * 900_000}</t></si>" * 60)


FILES = {
    # Workbooks that are none, or not only that.
    "workbook-truncated": Hostile("d.xlsx", truncated),
    "workbook-locked": Hostile("d.xlsx", written(lambda: _CFB)),
    "workbook-old": Hostile("d.xls", written(lambda: _CFB)),
    "workbook-macros": Hostile(
        "d.xlsx", replaced(TYPES, b"spreadsheetml.sheet.main", b"ms-excel.sheet.macroEnabled.main")
    ),
    # Workbooks that unfold.
    "bomb-ratio": Hostile("d.xlsx", workbook(lambda: {"xl/media/a.bin": b" " * (100 * 2**20)})),
    "bomb-nested": Hostile("d.xlsx", workbook(lambda: {SHEET: b"PK\x03\x04" * 500})),
    "bomb-members": Hostile("d.xlsx", workbook(lambda: {f"a{n}": b"" for n in range(11_000)})),
    "bomb-overlap": Hostile("d.xlsx", overlapping),
    "bomb-lying-size": Hostile("d.xlsx", lying),
    "bomb-method": Hostile("d.xlsx", squeezed),
    "bomb-laughs": Hostile("d.xlsx", workbook(lambda: sheet(_LAUGH, dtd=_LAUGHS))),
    "bomb-laughs-in-strings": Hostile(
        "d.xlsx", workbook(lambda: strings("<si><t>&j;</t></si>", _LAUGHS))
    ),
    "bomb-outside-entity": Hostile("d.xlsx", workbook(lambda: sheet(_LAUGH, dtd=_OUTSIDE))),
    "bomb-strings": Hostile("d.xlsx", workbook(lambda: strings("<si/>" * 3_000_000)), heavy=True),
    "bomb-long-strings": Hostile("d.xlsx", workbook(_long_strings), heavy=True),
    "bomb-one-row": Hostile("d.xlsx", workbook(lambda: sheet(f"<row>{'<c/>' * 3_000_000}</row>"))),
    "bomb-rows": Hostile("d.xlsx", workbook(lambda: sheet('<row r="1"/>' * 2_000_000)), heavy=True),
    "bomb-sparse-rows": Hostile("d.xlsx", workbook(lambda: sheet(_FAR))),
    "bomb-merged": Hostile("d.xlsx", workbook(_merged)),
    "bomb-last-cell": Hostile(
        "d.xlsx",
        workbook(lambda: sheet(_LAST, before='<dimension ref="A1:XFD1048576"/>')),
        heavy=True,
    ),
    "bomb-last-cells": Hostile("d.xlsx", workbook(_last_cells), heavy=True),
    "bomb-columns": Hostile("d.xlsx", workbook(lambda: sheet(wide())), heavy=True),
    "bomb-styles": Hostile("d.xlsx", workbook(lambda: styles(xfs())), heavy=True),
    "bomb-formats": Hostile("d.xlsx", workbook(lambda: styles(formats())), heavy=True),
    "bomb-deep-xml": Hostile("d.xlsx", workbook(lambda: sheet("<a>" * 500_000 + "</a>" * 500_000))),
    "bomb-misused-part": Hostile("d.xlsx", misused, heavy=True),
    "bomb-cell": Hostile("d.xlsx", workbook(lambda: sheet(_LONG))),
    # Text files.
    "csv-cell": Hostile("d", table(lambda: b"teacher_id,post\nT1," + b"x" * 10_000_000 + b"\n")),
    "csv-cells": Hostile(
        "d", table(lambda: b"teacher_id,post\n" + b"," * 900_000 + b"\n"), heavy=True
    ),
    "csv-cells-quoted": Hostile("d", table(lambda: b"teacher_id,post\n" + b'"\n",' * 900_000)),
    "csv-columns": Hostile(
        "d", table(lambda: ",".join(f"c{n}" for n in range(16_000)).encode()), heavy=True
    ),
    "csv-quote": Hostile("d", table(lambda: b'teacher_id,post\nT1,"head\n')),
    "csv-nul": Hostile("d", table(lambda: b"teacher_id,post\nT\x001,head\n")),
    "csv-too-large": Hostile("d", table(lambda: bytes(201 * 2**20)), heavy=True),
    "csv-ragged": Hostile("d", table(lambda: b"teacher_id,post\nT9,head,x\n")),
    "csv-header-twice": Hostile("d", table(lambda: b"teacher_id,post,post\nT9,head,\n")),
    "csv-near-miss": Hostile("d", table(lambda: b"teacher_id,posst\nT9,head\n")),
    "csv-delimiter": Hostile("d", table(lambda: b"teacher_id;post\n"), code=0),
    "csv-cp1251": Hostile("d", encoded("cp1251", "Школа")),
    "csv-kz1048": Hostile("d", encoded("kz1048", "Құлагер")),
    "json-deep": Hostile("d.json", written(json_with(deep("[", "]").decode()))),
    "json-deep-object": Hostile("d.json", written(lambda: deep('{"a":', "}"))),
    "json-values": Hostile("d.json", written(json_with("[" + "[]," * 3_000_000 + "0]"))),
    "json-too-large": Hostile("d.json", written(lambda: b" " * (21 * 2**20))),
    "json-no-number": Hostile("d.json", written(json_with("NaN"))),
    "json-endless-number": Hostile("d.json", rows("quality", {"percent": 10**4000})),
    # Figures, days, words.
    "figure-exponent": Hostile("d.json", rows("quality", {"percent": "1e5000"})),
    "figure-true": Hostile("d.json", rows("quality", {"percent": True})),
    "figure-other-digits": Hostile("d.json", rows("quality", {"percent": "٦٠"})),
    "figure-above": Hostile("d.json", rows("quality", {"percent": "100.0000001"})),
    "figure-share": Hostile("d.json", rows("quality", {"percent": 0.72})),
    "blank-almost": Hostile("d.json", rows("quality", {"percent": "??"})),
    "day-year-1": Hostile("d.json", rows("appointments", {"ordered_on": "0001-01-01"})),
    "day-year-9999": Hostile("d.json", rows("appointments", {"ordered_on": "31.12.9999"})),
    "day-serial": Hostile("d.json", rows("appointments", {"ordered_on": 46266})),
    "day-29-february": Hostile("d.json", rows("appointments", {"ordered_on": "29.02.2026"})),
    "day-american": Hostile("d.json", rows("appointments", {"ordered_on": "09.13.2026"})),
    "day-time-zone": Hostile("d.json", rows("appointments", {"ordered_on": "2026-09-01T23:00Z"})),
    "day-end-first": Hostile("d.json", rows("appointments", {"ends_on": "2026-08-01"})),
    "key-disagrees": Hostile("d.json", rows("schools", {}, {"school_id": "S1", "week": 6})),
    "key-dangling": Hostile("d.json", rows("appointments", {"mentee_id": "N7"})),
    "word-suggestion": Hostile("d.json", rows("teachers", {"category": "mastr"})),
    "word-unknown": Hostile("d.json", rows("teachers", {"category": "guru"})),
    "text-long": Hostile("d.json", rows("schools", {"name": "x" * 2000})),
    "iin-wrong": Hostile("d.json", rows("teachers", {"iin": "123456789012"})),
    # Nothing, and what is no file.
    "empty-file": Hostile("d", table(lambda: b"")),
    "empty-header": Hostile("d.json", written(lambda: b'{"appointments": []}')),
    "no-tables": Hostile("d", lambda path: path.mkdir() or path),  # type: ignore[func-returns-value]  # a folder
    # What stands beside a dossier.
    "mapping-large": Hostile("m.toml", written(lambda: b"a" * 10**7), 2, _beside("--mapping")),
    "mapping-deep": Hostile(
        "m.toml",
        written(lambda: b"[columns]\na = " + deep("[", "]", 50_000)),
        2,
        _beside("--mapping"),
    ),
    "readings-deep-key": Hostile(
        "r.toml", written(lambda: b"a." * 100_000 + b"b = 1"), 2, _beside("--readings")
    ),
    "calendar-large": Hostile(
        "c.csv", written(lambda: b"date,kind\n" * 10**6), 4, _beside("--calendar")
    ),
    "calendar-binary": Hostile("c.csv", written(lambda: b"\xff" * 5000), 4, _beside("--calendar")),
    "rule-large": Hostile("r", rules(lambda: b"#" * 10**6), 4, _TEST),
    "rule-deep": Hostile("r", rules(lambda: b"a = " + deep("[", "]", 50_000)), 4, _TEST),
    "rule-deep-key": Hostile("r", rules(lambda: b"a." * 100_000 + b"b = 1"), 4, _TEST),
    "rule-call": Hostile("r", rule(_CHECK, "__import__('os').system('id')"), 4, _TEST),
    "rule-attribute": Hostile("r", rule(_CHECK, "ethics.__class__ >= 1"), 4, _TEST),
    "rule-long-check": Hostile("r", rule(_CHECK, "(" * 9999 + _CHECK + ")" * 9999), 4, _TEST),
    "rule-name": Hostile("r", rule("[figures.band]", "[figures.__import__]"), 4, _TEST),
    "rule-file-name": Hostile("r", rule("", "", "a\x1b[31mb\u202e"), 4, _TEST),
    "rule-unseen": Hostile("r", rule('unit = "basis', 'unit = "\\u001B[31m\u202ebasis'), 4, _TEST),
    "rule-placeholder": Hostile("r", rule("{value}", "{value.__class__}"), 4, _TEST),
    "rule-width": Hostile("r", rule("{value}", "{value:>999999999}"), 4, _TEST),
    "rule-exponent": Hostile("r", rule("lower = 6000", "lower = 1e999999999"), 4, _TEST),
    "rule-figure": Hostile("r", rule("lower = 6000", f"lower = {'9' * 4000}"), 4, _TEST),
    "rule-digits": Hostile("r", rule("lower = 6000", f"lower = {'9' * 5000}"), 4, _TEST),
}
