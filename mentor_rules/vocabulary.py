"""Closed vocabularies of the records: codes, labels in three languages, accepted spellings.

The terms follow the glossary of the Order's subject: one code per idea, its Kazakh and
Russian labels, and the other spellings that schools write.
"""

import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from types import MappingProxyType
from typing import Literal, get_args

Language = Literal["en", "kk", "ru"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

SchoolKind = Literal["ordinary", "small_complement"]
Category = Literal[
    "none",
    "second",
    "first",
    "highest",
    "teacher",
    "moderator",
    "expert",
    "researcher",
    "master",
]
Ethics = Literal["observed", "breached", "pending"]
Status = Literal["working", "on_leave", "left"]
PostName = Literal["head", "deputy_head"]
Portfolio = Literal["academic", "upbringing", "other"]
YesNo = Literal["yes", "no"]
AgreedBy = Literal["deputy_head_academic", "deputy_head", "head", "other"]
ApprovedBy = Literal["head", "deputy_head", "other"]
InterimBody = Literal["methodical_association", "other"]
InterimForm = Literal["video", "project", "method", "open_lesson", "publication", "other"]
FinalBody = Literal["pedagogical_council", "other"]

# Letters that are drawn alike: typed Latin inside a Cyrillic word, they mean the Cyrillic one.
_LOOK_ALIKE = str.maketrans("aceopxyhikmtb", "асеорхуһікмтв")
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−﹘﹣－", "-"))
INVISIBLE = "".join(
    map(chr, [0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF])
)
_UNSEEN = str.maketrans(dict.fromkeys(INVISIBLE))


def fold(text: str) -> str:
    """Give the form in which names and closed values are compared.

    Without invisible characters, NFC, one kind of dash without spaces around it,
    single spaces, lower case.
    """
    # NFC comes last: an invisible character may part a letter from its accent.
    plain = text.translate(_UNSEEN).translate(_DASHES).casefold()
    words = " ".join(unicodedata.normalize("NFC", plain).replace("_", " ").split())
    return words.replace(" -", "-").replace("- ", "-")


def fold_look_alikes(text: str) -> str:
    """Give `text` with Latin letters replaced by the Cyrillic ones drawn alike."""
    return text.translate(_LOOK_ALIKE)


@dataclass(frozen=True)
class Vocabulary:
    """A closed set of codes with their labels (`en`, `kk`, `ru`) and accepted spellings."""

    name: str
    labels: MappingProxyType[str, dict[Language, str]]
    aliases: MappingProxyType[str, str]

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes, in their order."""
        return tuple(self.labels)

    @cached_property
    def _known(self) -> dict[str, str]:
        known: dict[str, str] = {}
        for code, labels in self.labels.items():
            for spelling in (code, *labels.values()):
                known[fold(spelling)] = code
        for spelling, code in self.aliases.items():
            known[fold(spelling)] = code
        return known

    @cached_property
    def _known_by_look(self) -> dict[str, str]:
        return {fold_look_alikes(spelling): code for spelling, code in self._known.items()}

    def code(self, text: str) -> str | None:
        """Give the code that `text` spells, or None."""
        folded = fold(text)
        return self._known.get(folded) or self._known_by_look.get(fold_look_alikes(folded))

    def only_looks_known(self, text: str) -> bool:
        """Tell whether `text` spells a code only if look-alike letters are taken for each other."""
        return self.code(text) is not None and fold(text) not in self._known

    def nearest(self, text: str) -> str | None:
        """Give the accepted spelling nearest to `text`, or None."""
        near = get_close_matches(fold(text), self._known, n=1, cutoff=0.7)
        return near[0] if near else None

    def label(self, code: str, language: Language) -> str:
        """Give the label of `code`."""
        return self.labels[code][language]


def _vocabulary(
    name: str, rows: dict[str, tuple[str, str, str]], aliases: dict[str, str] | None = None
) -> Vocabulary:
    labels: dict[str, dict[Language, str]] = {
        code: {"en": en, "kk": kk, "ru": ru} for code, (en, kk, ru) in rows.items()
    }
    return Vocabulary(name, MappingProxyType(labels), MappingProxyType(aliases or {}))


SCHOOL_KIND = _vocabulary(
    "school_kind",
    {
        "ordinary": ("ordinary school", "кәдімгі мектеп", "обычная школа"),
        "small_complement": (
            "small-complement school",
            "шағын жинақталған мектеп",
            "малокомплектная школа",
        ),
    },
    {
        "обычная": "ordinary",
        "кәдімгі": "ordinary",
        "малокомплектная": "small_complement",
        "мкш": "small_complement",
        "шағын жинақты мектеп": "small_complement",
        "шағын жинақталған": "small_complement",
        "шжм": "small_complement",
    },
)

CATEGORY = _vocabulary(
    "category",
    {
        "none": ("no category", "санаты жоқ", "без категории"),
        "second": (
            "second category (before the 2018 system)",
            "екінші санат (бұрынғы жүйе)",
            "вторая категория (прежняя система)",
        ),
        "first": (
            "first category (before the 2018 system)",
            "бірінші санат (бұрынғы жүйе)",
            "первая категория (прежняя система)",
        ),
        "highest": (
            "highest category (before the 2018 system)",
            "жоғары санат (бұрынғы жүйе)",
            "высшая категория (прежняя система)",
        ),
        "teacher": ("teacher", "педагог", "педагог"),
        "moderator": ("teacher-moderator", "педагог-модератор", "педагог-модератор"),
        "expert": ("teacher-expert", "педагог-сарапшы", "педагог-эксперт"),
        "researcher": ("teacher-researcher", "педагог-зерттеуші", "педагог-исследователь"),
        "master": ("teacher-master", "педагог-шебер", "педагог-мастер"),
    },
    {
        "нет категории": "none",
        "вторая": "second",
        "вторая категория": "second",
        "екінші": "second",
        "екінші санат": "second",
        "2": "second",
        "первая": "first",
        "первая категория": "first",
        "бірінші": "first",
        "бірінші санат": "first",
        "1": "first",
        "высшая": "highest",
        "высшая категория": "highest",
        "жоғары": "highest",
        "жоғары санат": "highest",
        "модератор": "moderator",
        "эксперт": "expert",
        "сарапшы": "expert",
        "исследователь": "researcher",
        "зерттеуші": "researcher",
        "мастер": "master",
        "шебер": "master",
    },
)

ETHICS = _vocabulary(
    "ethics",
    {
        "observed": ("observed", "сақталған", "соблюдает"),
        "breached": ("breached", "бұзылған", "нарушение установлено"),
        "pending": ("complaint pending", "шағым қаралуда", "жалоба на рассмотрении"),
    },
    {
        "соблюдается": "observed",
        "сақтайды": "observed",
        "нарушено": "breached",
        "нарушение": "breached",
        "бұзған": "breached",
        "на рассмотрении": "pending",
        "қаралуда": "pending",
    },
)

STATUS = _vocabulary(
    "status",
    {
        "working": ("working", "жұмыс істейді", "работает"),
        "on_leave": ("on leave", "демалыста", "в отпуске"),
        "left": ("left", "жұмыстан шыққан", "уволен"),
    },
    {"уволился": "left", "декрет": "on_leave"},
)
AWAY = frozenset({"on_leave", "left"})  # who cannot mentor now

POST = _vocabulary(
    "post",
    {
        "head": ("head", "басшы", "руководитель"),
        "deputy_head": ("deputy head", "басшының орынбасары", "заместитель руководителя"),
    },
    {
        "director": "head",
        "директор": "head",
        "principal": "head",
        "завуч": "deputy_head",
        "заместитель директора": "deputy_head",
        "зам. директора": "deputy_head",
        "зам. директора по УВР": "deputy_head",
        "директордың орынбасары": "deputy_head",
    },
)

PORTFOLIO = _vocabulary(
    "portfolio",
    {
        "academic": ("academic work", "оқу жұмысы", "учебная работа"),
        "upbringing": ("upbringing", "тәрбие жұмысы", "воспитательная работа"),
        "other": ("other", "басқа", "другое"),
    },
    {"увр": "academic", "ур": "academic", "вр": "upbringing"},
)

YES_NO = _vocabulary(
    "yes_no",
    {"yes": ("yes", "иә", "да"), "no": ("no", "жоқ", "нет")},
    {
        "и.о.": "yes",
        "и.о": "yes",
        "ио": "yes",
        "м.а.": "yes",
        "м.а": "yes",
        "ма": "yes",
        # How spreadsheets write a yes/no cell when they save it as CSV.
        "true": "yes",
        "истина": "yes",
        "ақиқат": "yes",
        "false": "no",
        "ложь": "no",
        "жалған": "no",
    },
)

AGREED_BY = _vocabulary(
    "agreed_by",
    {
        "deputy_head_academic": (
            "deputy head for academic work",
            "басшының оқу жұмысы жөніндегі орынбасары",
            "заместитель руководителя по учебной работе",
        ),
        "deputy_head": ("deputy head", "басшының орынбасары", "заместитель руководителя"),
        "head": ("head", "басшы", "руководитель"),
        "other": ("other", "басқа", "другое"),
    },
)

APPROVED_BY = _vocabulary(
    "approved_by",
    {
        "head": ("head", "басшы", "руководитель"),
        "deputy_head": ("deputy head", "басшының орынбасары", "заместитель руководителя"),
        "other": ("other", "басқа", "другое"),
    },
    {"директор": "head", "director": "head"},
)

INTERIM_BODY = _vocabulary(
    "interim_body",
    {
        "methodical_association": (
            "methodical association",
            "әдістемелік бірлестік",
            "методическое объединение",
        ),
        "other": ("other", "басқа", "другое"),
    },
)

INTERIM_FORM = _vocabulary(
    "interim_form",
    {
        "video": ("video", "бейнеролик", "видеоролик"),
        "project": ("project", "жоба", "проект"),
        "method": ("method", "әдістеме", "методика"),
        "open_lesson": ("open lesson", "ашық сабақ", "открытый урок"),
        "publication": ("publication", "жарияланым", "публикация"),
        "other": ("other", "басқа", "другое"),
    },
)

FINAL_BODY = _vocabulary(
    "final_body",
    {
        "pedagogical_council": (
            "pedagogical council",
            "педагогикалық кеңес",
            "педагогический совет",
        ),
        "other": ("other", "басқа", "другое"),
    },
    {"педсовет": "pedagogical_council"},
)

BY_NAME = MappingProxyType(
    {
        vocabulary.name: vocabulary
        for vocabulary in (
            *(SCHOOL_KIND, CATEGORY, ETHICS, STATUS, POST, PORTFOLIO, YES_NO),
            *(AGREED_BY, APPROVED_BY, INTERIM_BODY, INTERIM_FORM, FINAL_BODY),
        )
    }
)

# What a spreadsheet shows where a formula fails, in English and in Russian: nothing to read.
SHEET_ERRORS = frozenset(
    (
        *("#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#DIV/0!"),
        *("#Н/Д", "#ИМЯ?", "#ПУСТО!", "#ЧИСЛО!", "#ССЫЛКА!", "#ЗНАЧ!", "#ДЕЛ/0!"),
    )
)

# Cells that schools write for "not stated". Zero is a figure and is not among them.
BLANKS = frozenset(fold(text) for text in ("", "-", "нет данных", "н/д", "жоқ", "n/a", "дерек жоқ"))
