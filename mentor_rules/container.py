"""What a workbook's container holds, measured before anything else reads it.

A workbook is a zip of XML parts. Few kilobytes may unfold to gigabytes, in the zip or as objects
of the reader. So each part is unfolded here once, bit by bit, and counted; nothing is kept.
What the container says of itself is not believed.
"""

import posixpath
import re
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

from mentor_rules.errors import ReadingError

MAX_WORKBOOK = 20 * 2**20
MAX_UNZIPPED = 200 * 2**20
MAX_RATIO = 100
MAX_CELLS = 2_000_000
MAX_MEMBERS = 10_000
MAX_CELL = 2**20  # bytes; a spreadsheet program writes 32,767 characters at most
MAX_PART = 16 * 2**20
MAX_ELEMENTS = 100_000  # of one part, or held at once by who reads rows one after the other
MAX_ALL_ELEMENTS = 250_000  # of all parts that are read whole
MAX_ATTRIBUTES = 2_000_000  # of rows: the reader keeps them
_CHUNK = 2**18
_MEMBER = b"PK\x01\x02"  # what each entry of a zip's directory begins with
_LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # encrypted, or of the old kind
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_CELL, _FORMULA = f"{_MAIN}c", f"{_MAIN}f"
_MACROS = re.compile("macro|vbaProject", re.IGNORECASE)
_LAST_WORD = re.compile(r"(\w+)(?:\+xml)?$")


class _Large(NamedTuple):
    """A part that is read unit by unit: the role in which alone it may be, and its limits."""

    role: str
    unit: str
    units: int
    size: int


# By their first element. Strings stay in memory, up to four bytes for each that is stored.
_LARGE = {
    f"{_MAIN}worksheet": _Large("worksheet", f"{_MAIN}row", 2**20, MAX_UNZIPPED),
    f"{_MAIN}sst": _Large("sharedStrings", f"{_MAIN}si", 1_000_000, 40 * 2**20),
    f"{_MAIN}pivotCacheRecords": _Large("pivotCacheRecords", f"{_MAIN}r", 2**20, MAX_UNZIPPED),
}
# Parts that are read whole because of their name, whatever they hold.
_READ_WHOLE = ("[Content_Types].xml", "docProps/", "xl/workbook.xml", "xl/styles.xml", "xl/theme/")


class Measured(NamedTuple):
    """What all sheets of a workbook hold: cells, and whether some of them are formulas."""

    cells: int
    formulas: bool


def measure_workbook(path: Path) -> Measured:
    """Give what a workbook holds. Raises ReadingError where it is none, or beyond the limits."""
    expect_size(path, MAX_WORKBOOK)
    try:
        content = path.read_bytes()
        if content.startswith(_LOCKED):
            raise ReadingError("locked_workbook", name=path.name)
        if content.count(_MEMBER) > MAX_MEMBERS:
            raise ReadingError("unfolds_too_far", name=path.name)
        with zipfile.ZipFile(path) as container:
            return _measure(container, path.name)
    except ReadingError:
        raise
    except Exception as error:  # what a damaged zip raises is told nowhere
        raise ReadingError("not_a_workbook", name=path.name) from error


def expect_size(path: Path, limit: int) -> None:
    """Refuse what is larger than `limit` bytes, or no file at all: a pipe never ends."""
    if not path.is_file():
        raise ReadingError("cannot_read", name=path.name)
    if path.stat().st_size > limit:
        raise ReadingError("too_large", name=path.name, limit=str(limit // 2**20))


def _measure(container: zipfile.ZipFile, name: str) -> Measured:
    unzipped = cells = formulas = elements = 0
    large: dict[str, str] = {}
    roles: dict[str, set[str]] = defaultdict(set)
    for member in container.infolist():
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile(member.filename)
        member.file_size = 2**40  # read to its true end, whatever the directory says
        part = _Part(name, member.filename)
        fullest = max(_CHUNK * 4, MAX_RATIO * member.compress_size)
        with container.open(member) as file:
            while chunk := file.read(_CHUNK):
                unzipped += len(chunk)
                part.feed(chunk)
                if unzipped > MAX_UNZIPPED or part.size > fullest:
                    raise ReadingError("unfolds_too_far", name=name)
        cells += part.cells
        formulas += part.formulas
        if cells > MAX_CELLS:
            raise ReadingError("too_many_cells", name=name)
        if part.kind is None:
            elements += part.elements
        else:
            large[member.filename] = part.kind.role
        for target, role in part.named:
            roles[target].add(role)
    if any(_MACROS.search(role) for found in roles.values() for role in found):
        raise ReadingError("macros", name=name)
    # A part that is large as a sheet may be is read whole in any other role.
    misused = any(
        file.startswith(_READ_WHOLE)
        or {one for said in roles[file] for one in _LAST_WORD.findall(said)} != {role}
        for file, role in large.items()
    )
    if misused or elements > MAX_ALL_ELEMENTS:
        raise ReadingError("unfolds_too_far", name=name)
    return Measured(cells, bool(formulas))


class _Part:
    """Counts of one part while it is unfolded; what is no XML is counted in bytes alone."""

    def __init__(self, workbook: str, name: str) -> None:
        self._workbook, self._name = workbook, name
        self._folder = posixpath.dirname(posixpath.dirname(name))  # of what a `.rels` names
        self._parser: Any = expat.ParserCreate(namespace_separator="}")
        self._parser.ordered_attributes = True
        self._parser.StartElementHandler = self._root
        self._parser.StartDoctypeDeclHandler = self._doctype
        self.kind: _Large | None = None
        self.named: list[tuple[str, str]] = []
        self.size = self.elements = self.cells = self.formulas = 0
        self._last: float = 0
        self._units = self._attributes = self._held = self._most_held = self._silent = 0

    def feed(self, chunk: bytes) -> None:
        """Count a piece of the part. Raises ReadingError beyond the limits."""
        self.size += len(chunk)
        if self._parser is None:
            return
        before = self.elements
        try:
            self._parser.Parse(chunk)
        except expat.ExpatError:
            self._parser = None  # whoever reads it gets no further either
        self._silent = 0 if self.elements > before else self._silent + len(chunk)
        if self.kind is None:
            within = self.elements <= MAX_ELEMENTS and self.size <= MAX_PART
        else:
            if self._silent > MAX_CELL:
                megabytes = str(MAX_CELL // 2**20)
                raise ReadingError("endless_cell", name=self._workbook, limit=megabytes)
            if self.cells > MAX_CELLS:
                raise ReadingError("too_many_cells", name=self._workbook)
            within = (
                max(self._held, self._most_held) <= MAX_ELEMENTS
                and max(self._units, self._last) <= self.kind.units
                and self._attributes <= MAX_ATTRIBUTES
                and self.size <= self.kind.size
            )
        if not within:
            raise ReadingError("unfolds_too_far", name=self._workbook)

    def _doctype(self, *_: object) -> None:
        if not self._name.endswith(".svg"):  # pictures have one, and nobody reads them
            raise ReadingError("declares_entities", name=self._workbook)

    def _root(self, tag: str, attributes: list[str]) -> None:
        self.elements = 1
        self.kind = _LARGE.get(tag)
        self._parser.StartElementHandler = self._plain if self.kind is None else self._in_units()

    def _plain(self, tag: str, attributes: list[str]) -> None:
        self.elements += 1
        stated = dict(zip(attributes[::2], attributes[1::2], strict=True))
        if "PartName" in stated:
            self.named.append((stated["PartName"][1:], stated.get("ContentType", "")))
        elif "Target" in stated:
            target = stated["Target"]
            path = posixpath.normpath(posixpath.join(self._folder, target))
            file = target[1:] if target.startswith("/") else path
            self.named.append((file, stated.get("Type", "")))

    def _in_units(self) -> Any:
        """Give what counts the elements of a large part, of which there are millions."""
        assert self.kind is not None  # noqa: S101 - asked for such parts only
        unit = self.kind.unit

        def count(tag: str, attributes: list[str]) -> None:
            self.elements += 1
            if tag == unit:
                self._units += 1
                if attributes:
                    self._attributes += len(attributes) // 2
                    self._last = max(self._last, _number(attributes))
                if self._held > self._most_held:
                    self._most_held = self._held
                self._held = 0
                return
            self._held += 1
            if tag == _CELL:
                self.cells += 1
            elif tag == _FORMULA:
                self.formulas += 1

        return count


def _number(attributes: list[str]) -> float:
    """Give the number of a row: the rows that are left out before it are read as empty ones."""
    try:
        return float(attributes[attributes.index("r") + 1])
    except (ValueError, IndexError):
        return 0
