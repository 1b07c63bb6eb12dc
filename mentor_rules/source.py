"""Where the rule files are: the checkout's in an editable install, else the packaged ones."""

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

PROJECT = "mentor-rules"
MAX_SETTINGS = 256 * 2**10  # bytes of a rule file, or of a user's own TOML
# tomllib takes the square of the length of a dotted key.
_TOO_DEEP = re.compile(r"(?<![\w\"'-])(?:[\w\"'-]++[ \t]*+\.[ \t]*+){20}")


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


def read_bounded(path: Path, limit: int) -> bytes:
    """Give what a file holds, or its first `limit` bytes and one more, which tells.

    Raises OSError where there is no such file; a pipe, which may never end, is none.
    """
    if not path.is_file():
        raise FileNotFoundError(path.name)
    with path.open("rb") as file:
        return file.read(limit + 1)


def parse_toml(content: bytes, parse_float: Callable[[str], Any] = float) -> dict[str, Any]:
    """Give what a TOML text says. Raises ValueError where it is none, too large or too deep."""
    if len(content) > MAX_SETTINGS:
        raise ValueError(f"it is larger than {MAX_SETTINGS // 2**10} KB")
    text = content.decode()
    if _TOO_DEEP.search(text):
        raise ValueError("a key has too many parts")
    try:
        return tomllib.loads(text, parse_float=parse_float)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # Python turns no longer ones into numbers
        raise ValueError("a number has too many digits") from None


def read_settings(path: Path) -> dict[str, Any]:
    """Give what a user's TOML file says. Raises OSError or ValueError where it cannot be read."""
    return parse_toml(read_bounded(path, MAX_SETTINGS).removeprefix(b"\xef\xbb\xbf"))
