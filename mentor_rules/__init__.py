"""Decides, with reasons, whether a school mentor's appointment is lawful (Order No. 160).

The public names are those of `public`, imported when one of them is first asked for: so a command
can be interrupted while it starts. Everything else is an inner matter. Importing needs no extra.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mentor_rules.public import *  # noqa: F403 - those names, and no second list of them


def __getattr__(name: str) -> Any:
    public = import_module("mentor_rules.public")
    if name != "__all__" and name not in public.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(public, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *import_module("mentor_rules.public").__all__})
