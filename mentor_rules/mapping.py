"""A draft of a mapping file: what each sheet and heading of a file seems to mean."""

import json
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from mentor_rules.headings import column_near, headings, squeeze, table_named, table_near
from mentor_rules.personal import masked
from mentor_rules.reading import HEADER_WITHIN, OWN_COLUMNS, Sheet, Tables, sheets
from mentor_rules.records import columns


def draft_mapping(path: Path | str, *, encoding: str | None = None) -> str:
    """Give a mapping file (TOML) for a dossier, to be completed by hand.

    What is not recognised stands there as "" (ignored), with the nearest name beside it. Raises
    as `Dossier.read` does.
    """
    with ExitStack() as open_files:
        found = sheets(path, encoding, Tables(), open_files)
        guesses = [(sheet, *_guess(sheet)) for sheet in found]
    lines = [
        "# What the sheets and headings of this file mean. Left: as the file has them. Right: the",
        '# name of a table or column, or "" for what is not read.',
        f"# Tables: {', '.join(headings())}",
        "",
        "[tables]",
    ]
    lines += [f"{_quoted(sheet.name)} = {_quoted(table or '')}" for sheet, table, _ in guesses]
    for _, table, names in guesses:
        if table is None:
            continue
        lines += ["", f"[columns.{table}]", f"# {', '.join(columns(table))}"]
        lines += _columns(table, names)
    return "\n".join(lines) + "\n"


def _columns(table: str, names: list[str]) -> list[str]:
    known = headings()[table].columns
    meant = {known[squeeze(name)] for name in names if squeeze(name) in known}
    lines = []
    for name in dict.fromkeys(names):
        if squeeze(name).startswith(OWN_COLUMNS) or masked(name) != name:
            continue  # no heading holds an IIN
        column = known.get(squeeze(name), "")
        near = column_near(table, name, set(columns(table)) - meant) if not column else None
        beside = f"  # {near[0]}?" if near else ""
        lines.append(f"{_quoted(name)} = {_quoted(column)}{beside}")
    return lines


def _guess(sheet: Sheet) -> tuple[str | None, list[str]]:
    """Give the table that a sheet seems to be, and the headings of its header."""
    first = [[_text(cell) for cell in line] for line in islice(sheet.lines(), HEADER_WITHIN)]
    near = table_near(sheet.name)
    table = table_named(sheet.name) or (near[0] if near else None)
    best: tuple[int, str | None, list[str]] = (0, table, next(filter(any, first), []))
    for candidate in [table] if table else headings():
        for line in first:
            count = len(
                {headings()[candidate].columns.get(squeeze(name)) for name in line} - {None}
            )
            if count > best[0]:
                best = (count, candidate, line)
    return best[1], [name for name in best[2] if name]


def _text(cell: Any) -> str:
    return " ".join(str(cell).split()) if cell is not None else ""


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
