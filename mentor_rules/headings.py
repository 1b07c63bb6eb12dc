"""How schools name tables and columns, in three languages (`headings.toml`)."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from mentor_rules.vocabulary import Language, fold, fold_look_alikes

_NEAR_TABLE = 0.75  # category: categories
_NEAR_COLUMN = 0.8


def squeeze(name: str) -> str:
    """Give the form in which headings are compared: letters, digits, № and % only."""
    return fold_look_alikes(_letters(name))


def _letters(name: str) -> str:
    return "".join(letter for letter in fold(name) if letter.isalnum() or letter in "№%")


@dataclass(frozen=True)
class Headings:
    """The spellings of one table's name and of its columns, by their compared form."""

    table: str
    labels: Mapping[Language, str]
    names: Mapping[str, str]  # compared form to the spelling shown
    columns: Mapping[str, str]  # compared form to the column
    preferred: frozenset[str]  # compared forms that are a column's own name or label
    shown: Mapping[str, str]  # compared form to the spelling shown
    typed: frozenset[str]  # the letters of every spelling, look-alike ones kept apart
    column_labels: Mapping[str, Mapping[Language, str]]


@cache
def headings() -> Mapping[str, Headings]:
    """Give the headings of every table."""
    content = tomllib.loads((Path(__file__).parent / "headings.toml").read_text("utf-8"))
    found = {}
    for table, entry in content.items():
        labels: dict[Language, str] = {"en": table, "kk": entry["kk"], "ru": entry["ru"]}
        columns: dict[str, str] = {}
        shown: dict[str, str] = {}
        preferred: set[str] = set()
        column_labels: dict[str, dict[Language, str]] = {}
        for column, named in entry["columns"].items():
            column_labels[column] = {"en": column, "kk": named["kk"], "ru": named["ru"]}
            own = list(column_labels[column].values())
            preferred.update(map(squeeze, own))
            for spelling in (*own, *named["also"]):
                columns[squeeze(spelling)] = column
                shown.setdefault(squeeze(spelling), spelling)
        found[table] = Headings(
            table,
            labels,
            {squeeze(name): name for name in (*labels.values(), *entry["also"])},
            columns,
            frozenset(preferred),
            shown,
            frozenset(map(_letters, shown.values())),
            column_labels,
        )
    return found


def looks_alike_only(table: str, name: str) -> bool:
    """Tell whether `name` is a heading only if look-alike letters are taken for each other."""
    known = headings()[table]
    return squeeze(name) in known.columns and _letters(name) not in known.typed


def table_named(name: str) -> str | None:
    """Give the table that a sheet or file name stands for, or None."""
    squeezed = squeeze(name)
    for table, known in headings().items():
        if squeezed in known.names:
            return table
    return None


def table_near(name: str) -> tuple[str, str] | None:
    """Give the table whose name is almost `name`, and that name; or None."""
    by_name = {
        squeezed: (table, shown)
        for table, known in headings().items()
        for squeezed, shown in known.names.items()
    }
    near = get_close_matches(squeeze(name), by_name, n=1, cutoff=_NEAR_TABLE)
    return by_name[near[0]] if near else None


def column_near(table: str, name: str, missing: Iterable[str]) -> tuple[str, str] | None:
    """Give that of the columns `missing` whose name is almost `name`, and that name; or None."""
    known = headings()[table]
    wanted = set(missing)
    spellings = [spelling for spelling, column in known.columns.items() if column in wanted]
    near = get_close_matches(squeeze(name), spellings, n=1, cutoff=_NEAR_COLUMN)
    return (known.columns[near[0]], known.shown[near[0]]) if near else None


def table_label(table: str, language: Language) -> str:
    """Give the name of a table in a language."""
    return headings()[table].labels[language]


def column_label(table: str, column: str, language: Language) -> str:
    """Give the name of a column in a language."""
    return headings()[table].column_labels[column][language]
