"""The sentences that the library says by itself (`texts.toml`), and what is safe to be shown."""

import tomllib
import unicodedata
from functools import cache
from pathlib import Path

from mentor_rules.vocabulary import Language


@cache
def _texts() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads((Path(__file__).parent / "texts.toml").read_text("utf-8"))


def is_unseen(letter: str) -> bool:
    """Tell whether a character is none to be seen: it steers a terminal, or turns a text."""
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co")


def safe(text: str) -> str:
    """Give `text` with a mark in place of each character that is not to be seen."""
    if text.isprintable():  # most texts, at once
        return text
    return "".join("\ufffd" if is_unseen(letter) else letter for letter in text)


def say(group: str, code: str, language: Language, /, **params: str) -> str:
    """Give one sentence with its placeholders filled in. Raises KeyError for an unknown code."""
    if not params:
        return _plain(group, code, language)
    return _texts()[group][code][language].format(**params)


@cache
def _plain(group: str, code: str, language: Language) -> str:
    """Give a sentence without placeholders: the same every time."""
    return _texts()[group][code][language].format()


def has(group: str, code: str) -> bool:
    """Tell whether there is such a sentence."""
    return code in _texts().get(group, {})
