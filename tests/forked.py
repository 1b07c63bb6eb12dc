"""The real command line, run very often: each run a process of its own, forked after the imports.

`python -m tests.forked` is the process that is forked; `Commands` speaks with it. A run may meet a
fault: at its n-th change of a folder (as the interpreter's audit hooks tell of it), at the n-th
byte of a file, or a signal some time after it began.
"""

import atexit
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn, Self

CHANGES = frozenset(
    {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.chmod", "tempfile.mkstemp"}
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Ran:
    """How a run ended: its exit code (negative: killed by that signal), output, and its changes."""

    code: int
    stdout: str
    stderr: str
    changes: int


class Commands:
    """The command line in a folder of its own, in a process that is forked for each run."""

    def __init__(self, folder: Path, *imports: str) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", *imports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        self._server.wait()

    def run(
        self,
        *arguments: object,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        **fault: Any,
    ) -> Ran:
        """Give how one run ended; `fault` is what `_meet` takes, or `after`: seconds to a signal.

        `user` is the number of the user to run as.
        """
        asked = {
            "arguments": [str(one) for one in arguments],
            "cwd": str(cwd or self.folder),
            "environment": dict(os.environ if environment is None else environment),
            "fault": fault,
        }
        self._server.stdin.write(json.dumps(asked) + "\n")  # type: ignore[union-attr]
        self._server.stdin.flush()  # type: ignore[union-attr]
        return Ran(**json.loads(self._server.stdout.readline()))  # type: ignore[union-attr]


# Imported before the shared process is forked, as most of its commands want them.
_WANTED = ("audit", "report.html", "report.template", "report.workbook")


@cache
def _shared() -> Commands:
    commands = Commands(Path.cwd(), *(f"mentor_rules.{name}" for name in _WANTED))
    atexit.register(commands.__exit__)
    return commands


def run(
    *arguments: object,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run the command line as `subprocess.run` would, without the second that it takes to start.

    What is settled at the start needs one all the same: the language of help, and whose modules.
    """
    words = list(map(str, arguments))
    where = cwd or Path.cwd()
    if (
        "--help" in words
        or not words
        or (environment or os.environ).get("PYTHONPATH") != os.environ.get("PYTHONPATH")
    ):
        return subprocess.run(
            [Path(sys.executable).with_name("mentor-rules"), *words],
            capture_output=True,
            encoding="utf-8",
            check=False,
            cwd=where,
            env=environment,
        )
    ran = _shared().run(*words, cwd=where, environment=environment)
    return subprocess.CompletedProcess(words, ran.code, ran.stdout, ran.stderr)


def _serve(requests: IO[str]) -> None:
    from mentor_rules import Dossier, check
    from mentor_rules.cli import main
    from tests import dossiers

    check(Dossier.from_tables(dossiers.medium()), as_of=dossiers.AS_OF)  # warms what is kept
    gc.freeze()
    answers = os.dup(1)
    while line := requests.readline():
        asked = json.loads(line)
        (out, its_out), (err, its_err), (told, its_told) = (os.pipe() for _ in range(3))
        child = os.fork()
        if child == 0:
            os.dup2(its_out, 1)
            os.dup2(its_err, 2)
            sys.stdout, sys.stderr = (os.fdopen(number, "w") for number in (1, 2))
            os.chdir(asked["cwd"])
            os.environ.clear()
            os.environ.update(asked["environment"])
            sys.argv = ["mentor-rules", *asked["arguments"]]
            _meet(its_told, **asked["fault"])
            _end(main)
        for end in (its_out, its_err, its_told):
            os.close(end)
        if "after" in asked["fault"]:
            time.sleep(asked["fault"]["after"])
            os.kill(child, asked["fault"]["number"])
        texts = [_text(end) for end in (out, err, told)]
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        ran = {"code": code, "stdout": texts[0], "stderr": texts[1], "changes": len(texts[2])}
        os.write(answers, (json.dumps(ran) + "\n").encode())


def _end(main: Callable[[], None]) -> NoReturn:
    """End a run as the interpreter does, without the half second that it takes to tear down."""
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        code = 120
    os._exit(code)  # type: ignore[arg-type]  # the command line only ever gives numbers


def _text(file: int) -> str:
    with os.fdopen(file, "r", encoding="utf-8", newline="") as content:
        return content.read()


def _meet(
    told: int,
    *,
    at_change: int | None = None,
    at_byte: int | None = None,
    number: int = 0,
    error: int = 0,
    user: int | None = None,
    after: float | None = None,
) -> None:
    """Let this process meet a fault: signal `number`, else the system's `error`."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # before `main` heeds it, there is only the test
    if at_byte is not None:
        if number == signal.SIGXFSZ:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # kills in the midst of a write
        resource.setrlimit(resource.RLIMIT_FSIZE, (at_byte, at_byte))
    seen = 0

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if event in CHANGES or (opened and arguments[0] != os.devnull):
            seen += 1
            os.write(told, b".")
            if seen == at_change and number:
                os.kill(os.getpid(), number)
            elif seen == at_change:
                raise OSError(error, os.strerror(error))

    sys.addaudithook(hook)
    if user is not None:
        os.setgid(user)
        os.setuid(user)


if __name__ == "__main__":
    for module in sys.argv[1:]:
        __import__(module)
    _serve(sys.stdin)
