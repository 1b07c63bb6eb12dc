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


def digest_of(path: Path, suffix: str = "") -> str:
    """Give the SHA-256 over a file, or over the files of a folder whose names end in `suffix`."""
    if path.is_dir():
        files = (file for file in path.iterdir() if file.suffix.lower() == suffix)
        return digest((file.name, digest_of(file).encode()) for file in files if file.is_file())
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def digest(files: Iterable[tuple[str, bytes]]) -> str:
    """Give the SHA-256 over named contents, in the order of their names."""
    total = hashlib.sha256()
    for name, content in sorted(files):
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()
