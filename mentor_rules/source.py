"""Where the rule files are: the checkout's in an editable install, else the packaged ones."""

import hashlib
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PROJECT = "mentor-rules"


@cache
def rules_folder() -> Path:
    """Give the folder `rules/`: this project's checkout if there is one, else the package's.

    The working directory never counts.
    """
    package = Path(__file__).resolve().parent
    project = package.parent / "pyproject.toml"
    if project.is_file() and (package.parent / "rules").is_dir():
        try:
            name = tomllib.loads(project.read_text("utf-8")).get("project", {}).get("name")
        except tomllib.TOMLDecodeError:
            name = None
        if name == PROJECT:
            return package.parent / "rules"
    return package / "rules"


def digest(files: Iterable[tuple[str, bytes]]) -> str:
    """Give the SHA-256 over named contents, in the order of their names."""
    total = hashlib.sha256()
    for name, content in sorted(files):
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()
