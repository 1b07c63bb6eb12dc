"""What facts give as evidence exists: tables, columns, records, words. So does what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest

from mentor_rules.acts import FACTS
from mentor_rules.cases import as_case
from mentor_rules.facts import SPECS, Case, Fact
from mentor_rules.loading import builtin_rulebook
from mentor_rules.records import TABLES, columns
from mentor_rules.rulebook import CaseShape, Rule
from mentor_rules.texts import has

RULEBOOK = builtin_rulebook()
OF_PEOPLE = [spec for spec in SPECS.values() if not spec.of_reserve and spec.name != "timing"]
IDS = frozenset({"S1", "T1", "T2", "T9"})
# What is assumed without a value that the sentence would tell.
WORDLESS = frozenset({"no_end", "unbounded", "no_higher_earlier", "those_with_quality_rows"})


def facts_of(shape: CaseShape) -> Iterator[tuple[Case, str, Fact]]:
    """Every fact that a case of a rule file comes to, whatever its rule asks for."""
    case = as_case(shape.given)
    for spec in OF_PEOPLE:
        for keys in product(*spec.keys):
            yield case, spec.name, FACTS[spec.name](case, *keys)


def names_a_row(key: str, case: Case) -> bool:
    """Whether a key is a table, alone or with the ids of a row that may be there."""
    table, *words = key.split()
    appointments = {one.appointment_id for one in case.dossier.appointments}
    appointments |= {row.shown_key for row in case.dossier.invalid if row.table == "appointments"}
    return table in TABLES and (not words or words[0] in IDS | appointments)


@pytest.mark.parametrize("rule", RULEBOOK.rules, ids=lambda rule: str(rule.id))
def test_what_facts_of_every_case_name_can_be_looked_up(rule: Rule) -> None:
    for case, name, fact in (one for shape in rule.cases for one in facts_of(shape)):
        for gap in fact.gaps:
            assert gap.fact in (name, "subject"), gap
            assert gap.fact in RULEBOOK.documents, gap
            assert names_a_row(gap.key, case), gap
            assert has("reason", gap.reason), gap
        assert all(names_a_row(source, case) for source in fact.sources), fact
        for assumed in fact.assumed:
            table, *_, column = assumed.cell.split()
            if table != "calendar":
                assert names_a_row(assumed.cell, case), assumed
                assert column in columns(table), assumed
            assert has("assumed", assumed.code), assumed
            assert (assumed.value == "") == (assumed.code in WORDLESS), assumed
        assert all(has("note", note) for note in fact.notes), fact
        closed = SPECS[name].kind == "set"
        certain = fact.lo.bit_count() == 1 if closed else fact.lo == fact.hi
        assert certain or fact.gaps, name
        assert fact.hi == fact.lo if closed else SPECS[name].lo <= fact.lo <= fact.hi, name
