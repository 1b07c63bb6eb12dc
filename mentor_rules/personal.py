"""What in a text is personal: individual identification numbers, and what reads like a name."""

import re
from collections.abc import Callable
from datetime import date
from typing import Literal

Personal = Literal["iin", "name"]

_IIN = re.compile(r"(?<![0-9])([0-9]{6})[ -]?([0-9]{6})(?![0-9])")
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*\.?")


def is_iin(text: str) -> bool:
    """Tell whether `text` passes the checks of an individual identification number."""
    if not re.fullmatch(r"[0-9]{12}", text):
        return False
    digits = [int(letter) for letter in text]
    century = {1: 1800, 2: 1800, 3: 1900, 4: 1900, 5: 2000, 6: 2000}.get(digits[6])
    if century is None:
        return False
    try:
        date(century + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return False
    for weights in (range(1, 12), (*range(3, 12), 1, 2)):
        check = sum(weight * digit for weight, digit in zip(weights, digits, strict=False)) % 11
        if check < 10:
            return bool(check == digits[11])
    return False


def personal(identity: str) -> Personal | None:
    """Tell whether an id is an IIN, perhaps without its first zeros, or reads like a name."""
    if identity[:1].isalpha() and identity[-1:].isdigit():
        return None  # most ids, at once
    if 9 <= len(identity) <= 13:
        whole = _IIN.fullmatch(identity)
        if is_iin("".join(whole.groups()) if whole else identity.zfill(12)):
            return "iin"
    return "name" if _reads_like_a_name(identity) else None


def masked(text: str, shown: Callable[[str], str] = lambda _: "…") -> str:
    """Give `text` with `shown` of each IIN in place of it."""

    def replaced(found: re.Match[str]) -> str:
        return shown(found[0]) if is_iin(found[1] + found[2]) else found[0]

    return _IIN.sub(replaced, text)


def masked_path(path: str) -> str:
    """Give a path, or the title of a sheet, without IINs and without parts that are names."""
    parts = re.split(r"([/\\])", path)
    for place, part in enumerate(parts):
        stem, dot, suffix = part.rpartition(".")
        for name in (part, stem):
            if _reads_like_a_name(name):
                parts[place] = "…" if name == part else f"…{dot}{suffix}"
                break
    return masked("".join(parts))


def _reads_like_a_name(text: str) -> bool:
    """Tell whether a text is two or more capitalised words; one alone may be a code."""
    words = text.replace(".", ". ").split()
    return (
        len(words) > 1
        and any(len(word) > 2 for word in words)
        and all(word[0].isupper() and _WORD.fullmatch(word) for word in words)
    )
