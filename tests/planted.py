"""The built-in rulebook edited: with one fault each, and changed but right."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.test_refusals import cut, plant, recheck

ROOT = Path(__file__).resolve().parents[1]
Edit = Callable[[Path], object]

ACT = "order.toml"
QUALITY = "eligibility/quality_of_knowledge.toml"
CATEGORY = "eligibility/qualification_category.toml"
ETHICS = "eligibility/pedagogical_ethics.toml"
POSTS = "eligibility/excluded_posts.toml"
NOT_SELF = "appointment/not_self.toml"
FROM_RESERVE = "appointment/from_reserve.toml"
BEGINNER = "appointment/beginning_teacher.toml"
TERM = "appointment/category_term.toml"
SAME_SCHOOL = "appointment/same_school.toml"
ONE_YEAR = "appointment/one_academic_year.toml"
LEVEL = "plan/level_determined.toml"
DRAFTED = "plan/drafted.toml"
APPROVED = "plan/approved.toml"
AGREED = "plan/agreed.toml"
SIGNED = "plan/signed_in_order.toml"
INTERIM = "reporting/interim.toml"
FINAL = "reporting/final.toml"
FORMED = "reserve/formed.toml"
ADDED = "appointment/added.toml"

ORDINARY = "lower = 6000, upper = 7000"
SMALL = "lower = 5000, upper = 6000"
# Six days to be compared.
DAYS = "starts_on <= ends_on and starts_on <= period_from and starts_on > starts_year_begins"
OTHER_DAYS = "starts_on <= half_year_ends and half_year_ends < mentee_first_taught_on"
WORDS = 'en = "added"\nkk = "қосылған"\nru = "добавлено"\n'


@dataclass(frozen=True)
class Planted:
    """An edit of the built-in rulebook; of a fault where it shows, and its kind."""

    says: str
    files: Sequence[str]
    path: str
    kind: str
    edits: Sequence[Edit]

    def __str__(self) -> str:
        return self.says


def bad(says: str, file: str, path: str, kind: str, *edits: Edit) -> Planted:
    return Planted(says, (file,), path, kind, edits)


def good(says: str, files: str | Sequence[str], *edits: Edit) -> Planted:
    return Planted(says, (files,) if isinstance(files, str) else files, "", "", edits)


# Edits --------------------------------------------------------------------------------------


def put(file: str, old: str, new: str) -> Edit:
    return lambda folder: plant(folder, file, old, new)


def check(file: str, text: str, key: str = "check") -> Edit:
    return lambda folder: recheck(folder, file, text, key)


def drop_cases(file: str, pattern: str) -> Edit:
    """Take out the cases in which a pattern is found."""

    def edit(folder: Path) -> None:
        head, *cases = (folder / file).read_text("utf-8").split("[[case]]\n")
        kept = [case for case in cases if not re.search(pattern, case)]
        assert len(kept) < len(cases), pattern
        (folder / file).write_text("[[case]]\n".join([head, *kept]), "utf-8")

    return edit


def without(file: str, pattern: str) -> Edit:
    """Take out every line in which a pattern is found."""

    def edit(folder: Path) -> None:
        lines = (folder / file).read_text("utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not re.search(pattern, line)]
        assert len(kept) < len(lines), pattern
        (folder / file).write_text("".join(kept), "utf-8")

    return edit


def add_case(file: str, says: str, given: str, expect: str, more: str = "") -> Edit:
    def edit(folder: Path) -> None:
        with (folder / file).open("a", encoding="utf-8") as out:
            out.write(
                f'\n[[case]]\nsays = "{says}"\ngiven = {given}\nexpect = "{expect}"\n{more}\n'
            )

    return edit


def add_message(file: str, outcome: str) -> Edit:
    return put(file, "[remedy]\n", f"[messages.{outcome}]\n{WORDS}\n[remedy]\n")


def add_rule(
    check_text: str,
    *,
    file: str = ADDED,
    weight: str = "remediable",
    dated_by: str = "ordered_on",
    unknown: bool = True,
    more: str = "",
) -> Edit:
    """Add a rule without cases of its own, unless `more` holds some."""

    def edit(folder: Path) -> None:
        said = ["satisfied", "breached", *(["unknown"] if unknown else [])]
        (folder / file).write_text(
            f'norms = ["EL-1"]\nweight = "{weight}"\nabout = "appointment"\n'
            f"dated_by = \"{dated_by}\"\ncheck = '{check_text}'\n"
            f"[title]\n{WORDS}[in_force]\nfrom = 2020-05-07\n"
            '[source]\nact = "order_160"\nplace = "x"\ncertainty = "secondary"\nvia = "x"\n'
            "read_on = 2026-11-23\n"
            + "".join(f"[messages.{outcome}]\n{WORDS}" for outcome in said)
            + f"[remedy]\n{WORDS}{more}\n",
            "utf-8",
        )

    return edit


def asked(question: str, bound: str) -> str:
    """Write a question with two readings, which bind a name to `one` and to `two`."""
    readings = "".join(
        f'[questions.{question}.readings.{name}]\nbinds = {{ {bound} = "{name}" }}\n'
        f"[questions.{question}.readings.{name}.means]\n{WORDS}"
        for name in ("one", "two")
    )
    return (
        f'[questions.{question}]\nstatus = "settled"\ndefault = "one"\norder = ["one", "two"]\n'
        f"[questions.{question}.asks]\n{WORDS}{readings}"
    )


def swap(file: str, order: Sequence[str]) -> Edit:
    """List the readings of a question in another order."""
    old = f"order = [{', '.join(f'{chr(34)}{name}{chr(34)}' for name in order)}]"
    new = f"order = [{', '.join(f'{chr(34)}{name}{chr(34)}' for name in reversed(order))}]"
    return put(file, old, new)


def drop_reason(folder: Path, file: str, when: str) -> None:
    """Take out one reason."""
    head, *reasons = (folder / file).read_text("utf-8").split("[[reason]]\n")
    last = reasons[-1].index("[[case]]")
    tail, reasons[-1] = reasons[-1][last:], reasons[-1][:last]
    kept = [reason for reason in reasons if when not in reason]
    assert len(kept) == len(reasons) - 1
    (folder / file).write_text("[[reason]]\n".join([head, *kept]) + tail, "utf-8")


def bands(lower: int, upper: int) -> list[Edit]:
    """Write the same figures for both kinds of school."""
    new = f"lower = {lower}, upper = {upper}"
    return [put(QUALITY, ORDINARY, new), put(QUALITY, SMALL, new)]


def raised(
    lower: int, upper: int, until: str = "2027-09-01", since: str = "2027-09-01"
) -> list[Edit]:
    """End both rows of the figures on a day, and write higher ones from a day on."""
    old = {
        "ordinary": f'{{ from = 2020-05-07, school_kind = "ordinary",         {ORDINARY} }}',
        "small_complement": f'{{ from = 2020-05-07, school_kind = "small_complement", {SMALL} }}',
    }
    return [
        put(
            QUALITY,
            row,
            row.replace("2020-05-07,", f"2020-05-07, until = {until},")
            + f',\n  {{ from = {since}, school_kind = "{kind}", '
            + f"lower = {lower}, upper = {upper} }}",
        )
        for kind, row in old.items()
    ]


# Faults -------------------------------------------------------------------------------------

BAD = [
    bad(
        *("a rule that contradicts itself", NOT_SELF, "check", "never_satisfied"),
        check(NOT_SELF, "mentor_is_mentee and not mentor_is_mentee"),
    ),
    bad(
        *("a rule that demands nothing", NOT_SELF, "check", "never_breached"),
        check(NOT_SELF, "mentor_is_mentee or not mentor_is_mentee"),
    ),
    bad(
        *("more years than anybody lives", TERM, "check", "never_breached"),
        put(TERM, "value = 5", "value = 121"),
    ),
    bad(
        *("no years at all", TERM, "check", "never_satisfied"),
        put(TERM, "value = 5", "value = 0"),
    ),
    bad(
        *("figures above 100 %", QUALITY, "check", "never_satisfied"),
        *bands(10001, 10001),
    ),
    bad(
        "one reading asks for more than 100 %",
        *(QUALITY, "questions.floor.readings.upper", "never_satisfied_under"),
        *bands(6000, 10001),
    ),
    bad(
        "one reading asks for nothing",
        *(QUALITY, "questions.floor.readings.lower", "never_breached_under"),
        *bands(0, 7000),
    ),
    bad(
        *("from a day on more than 100 % is asked for", QUALITY, "check", "never_satisfied"),
        *raised(10001, 10001),
    ),
    bad(
        *("a rule that applies to nothing", TERM, "applies", "never_applies"),
        check(TERM, 'purpose == "reserve" and purpose == "appointment"', "applies"),
    ),
    bad(
        "a rule that under one reading applies to nothing",
        *(POSTS, "questions.reserve_only.readings.bars_reserve_only", "never_applies_under"),
        check(POSTS, 'bars == "appointment"', "applies"),
    ),
    bad(
        *("mentoring that starts after its own school year", INTERIM, "applies", "never_applies"),
        check(INTERIM, "starts_on > school_year_ends", "applies"),
    ),
    bad(
        *("days that always stand in this sequence", ONE_YEAR, "check", "never_breached"),
        check(ONE_YEAR, "starts_on <= school_year_ends"),
    ),
    bad(
        *("two rules on the last day of mentoring", ADDED, "check", "contradiction"),
        add_rule("ends_on > school_year_ends"),
    ),
    bad(
        *("two rules on who agrees", "plan/added.toml", "check", "contradiction"),
        add_rule('agreed_by in ["head", "other"]', file="plan/added.toml", dated_by="starts_on"),
    ),
    bad(
        *("two rules that block, each the other's opposite", ADDED, "check", "contradiction"),
        add_rule("mentor_is_mentee", weight="blocking", unknown=False),
    ),
    bad(
        *("two rules on a reserve", "reserve/added.toml", "check", "contradiction"),
        add_rule('reserve_formed_by == "other"', file="reserve/added.toml", dated_by="formed_on"),
    ),
    bad(
        *("two rules on years, each with its own number", ADDED, "check", "contradiction"),
        put(TERM, 'weight   = "advisory"', 'weight   = "remediable"'),
        add_rule("category_years >= 7"),
    ),
    bad(
        *("more days compared than can be tried", ADDED, "check", "too_many_regions"),
        add_rule(f"{DAYS} and {OTHER_DAYS}"),
    ),
    bad(
        *("more readings combined than can be tried", ADDED, "", ""),
        add_rule(
            " or ".join(["mentor_is_mentee", *(f'bound_{at} == "one"' for at in range(10))]),
            unknown=False,
            more="".join(asked(f"asked_{at}", f"bound_{at}") for at in range(10)),
        ),
    ),
    bad(
        *("a rule too large to tell which message it lacks", ADDED, "", ""),
        add_rule(f"{DAYS} and {OTHER_DAYS}", unknown=False),
    ),
    bad(
        "two readings with the same figures",
        *(QUALITY, "questions.floor.readings.upper", "readings_alike"),
        *bands(6000, 6000),
    ),
    bad(
        "two readings that bind the same",
        *(ACT, "questions.acting_post.readings.performs_duties", "readings_alike"),
        put(ACT, 'binds = { duties = "performs_duties" }', 'binds = { duties = "holds_post" }'),
    ),
    bad(
        "a settled question whose other reading is the same",
        *(ACT, "questions.term_start.readings.same_day", "readings_alike"),
        put(ACT, 'binds = { term_start = "same_day" }', 'binds = { term_start = "next_day" }'),
    ),
    bad(
        *(
            "the higher figure listed as the milder",
            QUALITY,
            "questions.floor.order",
            "not_mildest",
        ),
        swap(QUALITY, ("lower", "upper")),
    ),
    bad(
        *("each year listed as milder than the mean", QUALITY),
        *("questions.period.order", "not_mildest"),
        swap(QUALITY, ("mean", "each_year")),
    ),
    bad(
        *("every subject listed as milder than any", QUALITY),
        *("questions.subject.order", "not_mildest"),
        swap(QUALITY, ("any", "mentored", "every")),
    ),
    bad(
        *("the earlier day listed as the milder", ACT, "questions.roll.order", "not_mildest"),
        swap(ACT, ("to_working_day", "none")),
    ),
    bad(
        *("a due date listed as milder than none", ACT),
        *("questions.plan_term_covers.order", "not_mildest"),
        swap(ACT, ("drafting", "approval")),
    ),
    bad(
        *("what must be confirmed listed as milder than what is presumed", ACT),
        *("questions.ethics_silence.order", "not_mildest"),
        swap(ACT, ("presumed", "must_be_confirmed")),
    ),
    bad(
        *("figures exchanged between the readings", QUALITY),
        *("questions.floor.order", "not_mildest"),
        *bands(7000, 6000),
    ),
    bad(
        *("a part that is always true", SAME_SCHOOL, "check", "idle_part"),
        check(
            SAME_SCHOOL,
            'mentor_in_school and mentee_in_school and purpose in ["reserve", "appointment"]',
        ),
    ),
    bad(
        *("a part that follows from how days stand", BEGINNER, "check", "idle_part"),
        check(
            BEGINNER,
            "mentee_first_taught_on >= starts_year_begins and starts_on >= starts_year_begins",
        ),
    ),
    bad(
        *("a figure of before the rule", TERM, "figures.term.rows.0", "unused_row"),
        put(
            TERM,
            "  { from = 2020-05-07, value = 5 },",
            "  { from = 2019-01-01, until = 2020-05-07, value = 4 },\n"
            "  { from = 2020-05-07, value = 5 },",
        ),
    ),
    bad(
        *("a figure that starts before its rule", TERM, "figures.term.rows.0.from", "early_row"),
        put(TERM, "{ from = 2020-05-07, value = 5 }", "{ from = 2020-05-06, value = 5 }"),
    ),
    bad(
        *("a column that no reading asks for", QUALITY, "figures.band.rows", "unused_column"),
        put(QUALITY, ORDINARY, f"{ORDINARY}, middle = 6500"),
        put(QUALITY, SMALL, f"{SMALL}, middle = 5500"),
    ),
    bad(
        *("a question that no rule asks", ACT, "questions.idle", "unused_question"),
        put(
            ACT,
            "[profiles.lenient]",
            f"""{asked("idle", "idle")}[profiles.lenient]""",
        ),
    ),
    bad(
        *("a message for what is always known", NOT_SELF, "messages.unknown", "unused_message"),
        add_message(NOT_SELF, "unknown"),
    ),
    bad(
        *("a message for a dispute that cannot be", ETHICS, "messages.disputed", "unused_message"),
        add_message(ETHICS, "disputed"),
    ),
    bad(
        *("a message for an act without a due date", AGREED, "messages.overdue", "unused_message"),
        add_message(AGREED, "overdue"),
    ),
    bad(
        *("a reason that no breach calls for", AGREED, "reason.0.when", "unused_reason"),
        put(
            AGREED,
            """when = 'agreed_by == "head"'""",
            """when = 'agreed_by == "deputy_head_academic"'""",
        ),
    ),
    bad(
        *("no case of a dispute", POSTS, "case", "no_case"),
        drop_cases(POSTS, 'expect = "disputed"'),
    ),
    bad(
        *("no case of what is not known", FROM_RESERVE, "case", "no_case"),
        drop_cases(FROM_RESERVE, 'expect = "unknown"'),
    ),
    bad(
        "no case under a reading",
        *(QUALITY, "questions.subject.readings.any", "no_reading_case"),
        drop_cases(QUALITY, 'subject = "any"'),
    ),
    bad(
        *("no case says what becomes of the verdict", CATEGORY, "weight", "no_verdict_case"),
        without(CATEGORY, "^verdict"),
    ),
    bad(
        *("no case expects a reason", AGREED, "reason.1", "no_because_case"),
        without(AGREED, "^because = .*neither"),
    ),
    bad(
        "a value that is known under one reading only, where a case opens both",
        *(ETHICS, "check", "no_edge_case"),
        drop_cases(ETHICS, 'expect = "satisfied"'),
    ),
    bad(
        *("no case tells which day picks the edition", TERM, "dated_by", "no_dated_by_case"),
        drop_cases(TERM, "starts_on = 2020-05-07"),
    ),
    bad(
        *("no case of the first day", SAME_SCHOOL, "in_force.from", "no_day_case"),
        drop_cases(SAME_SCHOOL, "on = 2020-05-07, mentor"),
    ),
    bad(
        *("no case of the day before the first", FORMED, "in_force.from", "no_day_case"),
        drop_cases(FORMED, "on = 2020-05-06"),
    ),
    bad(
        *("a figure raised from a day, and no case", QUALITY, "figures.band.rows.1.from"),
        "no_day_case",
        *raised(6500, 7500),
    ),
    bad(
        *("no case one step below a figure", QUALITY, "check", "no_edge_case"),
        drop_cases(QUALITY, r"\[4999, 4999"),
    ),
    bad(
        *("no case of one of two categories", CATEGORY, "check", "no_edge_case"),
        drop_cases(CATEGORY, '"master"'),
    ),
    bad(
        *("no case of the day after the last", ONE_YEAR, "check", "no_edge_case"),
        drop_cases(ONE_YEAR, "ends_on = 20..-05-26"),
    ),
    bad(
        *("no case of an act on its due date", INTERIM, "act.until", "no_case_on_due_day"),
        drop_cases(
            INTERIM, "interim_on = 2026-12-27|interim_on = 2024-12-29|interim_on = 20..-12-28"
        ),
    ),
    bad(
        *("no case of an act not done by its due date", FINAL, "act.until"),
        "no_case_undone_day_after_due",
        drop_cases(FINAL, "as_of = 2026-05-26, plan = {}"),
    ),
    bad(
        *("no case of acts out of their sequence by a day", SIGNED, "act.in_order"),
        "no_day_before_case",
        drop_cases(SIGNED, "agreed_on = (2026-09-15|2020-05-19)"),
    ),
    bad(
        *("an act that runs from one not yet in force", DRAFTED, "act.from", "act_without_edition"),
        put(LEVEL, "from = 2020-05-07                      #", "from = 2021-05-07  #"),
        put(LEVEL, "{ from = 2020-05-07, value = 10 }", "{ from = 2021-05-07, value = 10 }"),
    ),
    bad(
        *("an act that runs from one repealed", DRAFTED, "act.from", "act_without_edition"),
        put(
            LEVEL,
            "from = 2020-05-07                      #",
            "from = 2020-05-07\nuntil = 2027-09-01  #",
        ),
    ),
    # What the loader refuses: no date without exactly one edition.
    bad(
        *("a day without a figure", QUALITY, "figures.band.rows", ""),
        *raised(6500, 7500, since="2027-09-02"),
    ),
    bad(
        *("a day with two figures", QUALITY, "figures.band.rows", ""),
        *raised(6500, 7500, since="2027-08-31"),
    ),
    bad(
        *("a rule that ends before it starts", SAME_SCHOOL, "in_force.until", ""),
        put(SAME_SCHOOL, "from = 2020-05-07 ", "from = 2020-05-07\nuntil = 2020-05-07 "),
    ),
    bad(
        *("a reserve that would block", FORMED, "weight", ""),
        put(FORMED, 'weight   = "remediable"', 'weight   = "blocking"'),
    ),
]


# Right as they are --------------------------------------------------------------------------

DAY_BEFORE, DAY = "2027-08-31", "2027-09-01"
APPROVED_IN_TIME = "plan/approved_in_time.toml"


def quality_of(percent: int, kind: str, expect: str, on: str = DAY) -> Edit:
    given = f'{{ on = {on}, school_kind = "{kind}", quality = [{percent}, {percent}, {percent}] }}'
    return add_case(QUALITY, f"{percent} on {on} in an {kind} school", given, expect)


def repealed(file: str) -> Edit:
    return put(file, "from = 2020-05-07 ", f"from = 2020-05-07\nuntil = {DAY} ")


def added_cases(eve: str = "2020-05-06", first: str = "2020-05-07") -> str:
    cases = (
        (f"on = {first}", "satisfied", ""),
        (f'on = {first}, mentor_school = "S2"', "breached", 'verdict = "breached"'),
        (f'on = {first}, mentor_school = ""', "unknown", ""),
        (f"on = {eve}, starts_on = {first}", "not_in_force", ""),
    )
    return "".join(
        f"[[case]]\nsays = '{given}'\ngiven = {{ {given} }}\nexpect = \"{expect}\"\n{more}\n"
        for given, expect, more in cases
    )


def from_the_lawyers_page(folder: Path) -> None:
    """A rule about an act, as the lawyer's page adds it, with the cases that it lacks."""
    page = (ROOT / "docs" / "lawyer.md").read_text("utf-8")
    (text,) = re.findall(rf"```toml ours/{APPROVED_IN_TIME}\n(.*?)```", page, re.DOTALL)
    (folder / APPROVED_IN_TIME).write_text(text, "utf-8")


def act_case(says: str, as_of: str, expect: str, approved: str = "", more: str = "") -> Edit:
    plan = "level_determined_on = 2026-09-11, diagnosed_on = 2026-09-18, drafted_on = 2026-09-18"
    given = f"{{ week = 5, as_of = {as_of}, plan = {{ {plan}{approved} }} }}"
    return add_case(APPROVED_IN_TIME, says, given, expect, more)


GOOD = [
    good("as it is", NOT_SELF),
    good(
        *("higher figures from a day on", QUALITY),
        *raised(6500, 7500),
        *(
            quality_of(*each)
            for kind in ("ordinary", "small_complement")
            for each in (
                (6500, kind, "disputed"),
                (6499, kind, "breached"),
                (7500, kind, "satisfied"),
                (7499, kind, "disputed"),
            )
        ),
        quality_of(6000, "ordinary", "disputed", DAY_BEFORE),
    ),
    good(
        *("more years from a day on", TERM),
        put(
            TERM,
            "{ from = 2020-05-07, value = 5 }",
            f"{{ from = 2020-05-07, until = {DAY}, value = 5 }}, {{ from = {DAY}, value = 6 }}",
        ),
        *(
            add_case(
                TERM, says, f'{{ on = {on}, category = "master", category_from = {first} }}', expect
            )
            for says, on, first, expect in (
                ("four years on the eve", DAY_BEFORE, "2022-08-31", "satisfied"),
                ("five years on the eve", DAY_BEFORE, "2021-08-31", "breached"),
                ("five years on the day", DAY, "2021-09-01", "satisfied"),
                ("six years on the day", DAY, "2021-08-31", "breached"),
            )
        ),
    ),
    good(
        *("seven working days from a day on", DRAFTED),
        put(
            DRAFTED,
            "{ from = 2020-05-07, value = 5 }",
            f"{{ from = 2020-05-07, until = {DAY}, value = 5 }}, {{ from = {DAY}, value = 7 }}",
        ),
        *(
            add_case(
                DRAFTED,
                f"starts {starts}, drafted {drafted}",
                f"{{ on = 2027-08-25, starts_on = {starts}, as_of = 2027-09-23, week = 5, plan = "
                "{ level_determined_on = 2027-09-10, diagnosed_on = 2027-09-16, "
                f"drafted_on = {drafted} }} }}",
                expect,
            )
            for starts, drafted, expect in (
                (DAY_BEFORE, "2027-09-17", "satisfied"),
                (DAY_BEFORE, "2027-09-18", "breached"),
                (DAY, "2027-09-21", "satisfied"),
                (DAY, "2027-09-22", "breached"),
            )
        ),
    ),
    good(
        "the figures as a third reading has them",
        QUALITY,
        put(QUALITY, 'order = ["lower", "upper"]', 'order = ["lower", "middle", "upper"]'),
        put(QUALITY, ORDINARY, "lower = 6000, middle = 6500, upper = 7000"),
        put(QUALITY, SMALL, "lower = 5000, middle = 5500, upper = 6000"),
        put(
            QUALITY,
            "[questions.floor.readings.upper]",
            f'[questions.floor.readings.middle]\nbinds = {{ floor = "middle" }}\n'
            f"[questions.floor.readings.middle.means]\n{WORDS}[questions.floor.readings.upper]",
        ),
        *(
            add_case(
                QUALITY,
                f"{percent} in the middle, {kind}",
                f'{{ school_kind = "{kind}", quality = [{percent}, {percent}, {percent}] }}',
                expect,
                'readings = { floor = "middle" }',
            )
            for percent, kind, expect in (
                (6500, "ordinary", "satisfied"),
                (6499, "ordinary", "breached"),
                (5500, "small_complement", "satisfied"),
                (5499, "small_complement", "breached"),
            )
        ),
    ),
    good(
        *("a reading rejected", QUALITY),
        put(QUALITY, 'order = ["any", "mentored", "every"]', 'order = ["mentored", "every"]'),
        put(
            QUALITY,
            'binds = { subject = "any" }',
            'rejected.en = "no"\nrejected.kk = "жоқ"\nrejected.ru = "нет"',
        ),
        drop_cases(QUALITY, 'subject = "any"'),
    ),
    good(
        *("a rule repealed", FROM_RESERVE),
        repealed(FROM_RESERVE),
        add_case(FROM_RESERVE, "the eve", f"{{ on = {DAY_BEFORE}, reserve = [] }}", "breached"),
        add_case(FROM_RESERVE, "the day", f"{{ on = {DAY}, reserve = [] }}", "not_in_force"),
    ),
    good(
        *("a rule repealed and another in its place", (SAME_SCHOOL, ADDED)),
        repealed(SAME_SCHOOL),
        add_case(SAME_SCHOOL, "the eve", f"{{ on = {DAY_BEFORE} }}", "satisfied"),
        add_case(SAME_SCHOOL, "the day", f"{{ on = {DAY} }}", "not_in_force"),
        add_rule(
            "mentor_in_school",
            more=added_cases(DAY_BEFORE, DAY),
        ),
        put(ADDED, "from = 2020-05-07", f"from = {DAY}"),
    ),
    good("a rule added", ADDED, add_rule("mentor_in_school", more=added_cases())),
    good(
        *("a rule added that agrees with another", ADDED),
        add_rule('mentor_in_school == "yes"', more=added_cases()),
    ),
    good(
        *("a rule about an act added", APPROVED_IN_TIME),
        from_the_lawyers_page,
        act_case("in time, on the last day of the term", "2026-10-02", "pending"),
        act_case(
            "not approved by the last day", "2026-10-03", "breached", more='verdict = "breached"'
        ),
        add_case(APPROVED_IN_TIME, "no table of plans", "{}", "unknown"),
        add_case(
            APPROVED_IN_TIME, "on the first day", "{ on = 2026-09-01, plan = {} }", "breached"
        ),
        *(
            add_case(
                APPROVED_IN_TIME,
                "the first stage is not done: its last day moves, or does not",
                "{ on = 2026-09-16, as_of = 2026-10-19, week = 5, plan = {} }",
                expect,
                f"readings = {{ {more} }}",
            )
            for more, expect in (
                ("", "disputed"),
                ('roll = "to_working_day"', "pending"),
                ('roll = "none"', "breached"),
                ('term_start = "same_day"', "breached"),
            )
        ),
    ),
    good(
        *("a rule that weighs more", SAME_SCHOOL),
        put(SAME_SCHOOL, 'weight   = "advisory"', 'weight   = "remediable"'),
        put(SAME_SCHOOL, 'verdict = "none"', 'verdict = "breached"'),
    ),
    good(
        *("a rule that weighs less", ONE_YEAR),
        put(ONE_YEAR, 'weight   = "remediable"', 'weight   = "advisory"'),
        put(ONE_YEAR, 'verdict = "breached"', 'verdict = "none"'),
    ),
    good(
        *("a comparison the other way round", QUALITY),
        check(QUALITY, "band[school_kind, floor] <= quality[subject, period]"),
    ),
    good(
        *("a comparison denied", QUALITY),
        check(QUALITY, "not quality[subject, period] < band[school_kind, floor]"),
    ),
    good(
        *("a list in another sequence", CATEGORY),
        check(CATEGORY, 'category[validity] in ["master", "researcher"]'),
    ),
    good(
        *("what does not suffice listed instead of what does", CATEGORY),
        check(
            CATEGORY,
            'category[validity] not in ["none", "expired", "teacher", "second", "moderator", '
            '"first", "expert", "highest"]',
        ),
    ),
    good(
        *("excluded posts listed", POSTS),
        check(POSTS, 'not post[duties] in ["deputy_head", "head"]'),
    ),
    good(
        *("two denials and an or", SAME_SCHOOL),
        check(SAME_SCHOOL, "not (not mentor_in_school or not mentee_in_school)"),
    ),
    good(
        *("days the other way round", BEGINNER),
        check(BEGINNER, "starts_year_begins <= mentee_first_taught_on"),
    ),
    good(
        *("days denied", ONE_YEAR),
        check(ONE_YEAR, "not ends_on > school_year_ends"),
    ),
    good(
        *("a number in the check instead of a figure", TERM),
        check(TERM, "category_years < 5"),
        lambda folder: cut(folder, TERM, "figures.term"),
    ),
    good(
        *("a rule that leaves the reserve out", NOT_SELF),
        put(NOT_SELF, "[title]", "applies = 'purpose == \"appointment\"'\n[title]"),
        add_message(NOT_SELF, "not_applicable"),
        add_case(NOT_SELF, "for the reserve", '{ purpose = "reserve" }', "not_applicable"),
    ),
    good(
        *("a reserve without minutes", FORMED),
        check(
            FORMED,
            'reserve_formed_by == "pedagogical_council" and '
            'reserve_proposed_by == "methodical_association"',
        ),
        drop_cases(FORMED, "the number of the minutes|one says too little"),
    ),
    good(
        *("a final report without recommendations", FINAL),
        check(FINAL, 'final_body == "pedagogical_council" and final_has_results'),
        without(FINAL, "^because"),
        lambda folder: drop_reason(folder, FINAL, "not final_has_recommendations"),
        drop_cases(FINAL, "without recommendations|whether it gives|gives no recommendations"),
        drop_cases(FINAL, "given to another body|without results"),
        add_case(
            FINAL,
            "another body",
            '{ on = 2025-09-01, plan = { final_on = 2026-05-20, final_body = "other", '
            'final_has_results = "no" } }',
            "breached",
            'verdict = "breached"\nbecause = ["It was given to another body than the pedagogical '
            'council.", "It does not show the results of the plan\'s measures."]',
        ),
    ),
    good(
        *("a reason less", INTERIM),
        lambda folder: drop_reason(folder, INTERIM, 'interim_body == "other"'),
        without(INTERIM, "^because"),
    ),
    good(
        *("a source that was read", NOT_SELF),
        put(NOT_SELF, 'certainty = "secondary"', 'certainty = "verified"'),
        put(NOT_SELF, 'point = ""', 'point = "12"'),
        put(NOT_SELF, 'wording = ""', 'wording = "…"'),
    ),
    good(
        *("a row with a source of its own", TERM),
        put(
            TERM,
            "value = 5 }",
            'value = 5, source = { act = "order_160", place = "x", certainty = "advisory", '
            'via = "x", read_on = 2026-11-23 } }',
        ),
    ),
    good(
        *("a norm more", BEGINNER),
        put(BEGINNER, 'norms    = ["DEF-1"]', 'norms    = ["DEF-1", "DEF-2"]'),
    ),
    good(
        *("a case more", AGREED),
        add_case(AGREED, "one more", '{ plan = { agreed_by = "other" } }', "pending"),
    ),
    good(
        *("other words", ETHICS),
        put(ETHICS, "As of {on} no breach", "On {on} no breach"),
    ),
]
